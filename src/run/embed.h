/* Images and texts on their way into the cache: decode workers -> bounded queue -> batches -> encoder -> store. Memory does
 * not grow with the number of images but for 40 bytes each. */
#ifndef RADZ_RUN_EMBED_H
#define RADZ_RUN_EMBED_H

#include "cache/memo.h"
#include "cache/store.h"
#include "encoder/encoder.h"

/* Image files to embed; `paths` and `names` are [n], borrowed. */
typedef struct radz_embed_input {
    const char *const *paths;
    const char *const *names; /* image ids, for messages */
    size_t n;
    bool skip_bad;            /* an unreadable image is recorded and left out, instead of ending the run */
    int threads;
} radz_embed_input;

typedef struct radz_embed_skip {
    size_t index;
    char *reason;
} radz_embed_skip;

/* What came of it. `keys` [n,32] are the content hashes under which the store has the rows, `usable` [n] is false for
 * skipped images. Skips are in order of index. Free with radz_embed_output_free, also after an error. */
typedef struct radz_embed_output {
    unsigned char *keys;
    bool *usable;
    size_t n, n_cached, n_encoded;
    radz_embed_skip *skips;
    size_t n_skips, skips_capacity;
    double seconds, decode_seconds, encode_seconds; /* wall; decode summed over workers; inside the encoder */
} radz_embed_output;

/* What is done with the images: anything that takes a prepared picture and keeps what it finds. */
typedef struct radz_image_work {
    void *context;
    const char *title; /* for progress: "embed images" */
    size_t batch;      /* images per call of compute, at least 1 */
    const radz_recipe *recipe;
    size_t pixels_per_image;
    /* Has everything of the image, number `index` of the input and with this content hash, been kept already? Called from
     * several threads. */
    radz_status (*known)(void *context, size_t index, const unsigned char *key, bool *known, radz_error *err);
    /* pixels [n,3,S,S] of the images `indices` [n] under keys [n,32], n at most `batch`; one call at a time. */
    radz_status (*compute)(void *context, const float *pixels, const size_t *indices, const unsigned char *keys, size_t n,
                           radz_error *err);
    radz_status (*flush)(void *context, radz_error *err);
} radz_image_work;

/* Does the work for every image it is not known for. `memo` may be NULL (every file is then read and hashed). On
 * cancellation and on errors what was done is flushed before the function returns. With skip_bad false the error is that of
 * the first bad image in order of index, whatever the threads. */
radz_status radz_work_images(const radz_image_work *work, radz_memo *memo, const radz_embed_input *input,
                             radz_embed_output *out, radz_error *err) RADZ_MUST_USE;

/* radz_work_images with embeddings. Embeds what the store does not have yet. */
radz_status radz_embed_images(radz_encoder *encoder, radz_store *store, radz_memo *memo, const radz_embed_input *input,
                              radz_embed_output *out, radz_error *err) RADZ_MUST_USE;
void radz_embed_output_free(radz_embed_output *out);

/* Text embeddings [n,dim], from the store where it has them, in the order of `texts`. */
radz_status radz_embed_texts(radz_encoder *encoder, radz_store *store, const char *const *texts, size_t n,
                             float *embeddings, radz_error *err) RADZ_MUST_USE;

#endif
