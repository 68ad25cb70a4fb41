/* Questions about one prompt: what they share runs once, its keys and values stay, and each question runs its own tokens
 * behind it, unseen by the others. */
#ifndef RADZ_MODEL_ANSWER_H
#define RADZ_MODEL_ANSWER_H

#include "model/llava.h"

typedef struct prefix prefix;

/* ids [count] with `images` pictures each, the same for every row of pixels [batch images,3,S,S] (NULL when there are
 * none). Borrows the model. `*out` is the caller's. */
radz_status prefix_open(const llava *m, const float *pixels, int64_t batch, int64_t images, const int32_t *ids, size_t count,
                        prefix **out, radz_error *err) RADZ_MUST_USE;
void prefix_free(prefix *p);
int64_t prefix_length(const prefix *p); /* positions per row */

/* The questions: ids [count,length], right-padded, lengths [count]. */
typedef struct questions {
    const int32_t *ids;
    const size_t *lengths;
    size_t count, length;
} questions;

/* Logits after each question of the ids wanted [wanted_count] -> out [batch,count,wanted_count]. */
radz_status prefix_logits(prefix *p, const questions *q, const int32_t *wanted, size_t wanted_count, float *out,
                          radz_error *err) RADZ_MUST_USE;
/* Greedy answers of at most max_tokens each, without the id of `stop` that ends them: out [batch,count,max_tokens], lengths
 * [batch,count]. `*run` (may be NULL) grows by the tokens that went through the decoder. */
radz_status prefix_generate(prefix *p, const questions *q, size_t max_tokens, const int32_t *stop, size_t stop_count,
                            int32_t *out, size_t *lengths, uint64_t *run, radz_error *err) RADZ_MUST_USE;

#endif
