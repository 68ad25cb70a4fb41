/* LLaVA (Liu et al. 2023): a CLIP vision transformer, a projector, and a decoder in whose prompts pictures stand; with what
 * RadZ adds to it (docs/radz-format.md). Hugging Face's layout, the original one, or a decoder alone. */
#ifndef RADZ_MODEL_LLAVA_H
#define RADZ_MODEL_LLAVA_H

#include "config/llava_config.h"
#include "config/radz_config.h"
#include "model/decoder.h"

typedef struct llava_options {
    TDevice device;
    TDtype dtype;            /* f32, bf16, f16 */
    int threads;             /* for reading */
    const char *tower_dir;   /* see llava_config_load; NULL */
    const char *adapter_dir; /* a PEFT adapter, merged; NULL */
    const char *radz_dir;    /* of radz.json; NULL: the model's folder if it has one */
} llava_options;

typedef struct llava llava;

/* Weights stay in the mapped files unless type or device ask for a copy, or an update is merged into them. */
radz_status llava_open(const char *dir, const llava_options *options, llava **out, radz_error *err) RADZ_MUST_USE;
void llava_free(llava *m);
const llava_config *llava_config_of(const llava *m);
const decoder *llava_decoder(const llava *m);
const radz_config *llava_radz(const llava *m); /* NULL: there is no radz.json */
int64_t llava_vocabulary(const llava *m);      /* ids of the base and of the special tokens are below it */

/* How many positions the ids take with `images` pictures. RADZ_E_VALUE: an id that the model does not have, another number
 * of placeholders, more positions than the context less `reserve`. */
radz_status llava_prompt_length(const llava *m, const int32_t *ids, size_t count, size_t images, int64_t reserve,
                                int64_t *out, radz_error *err) RADZ_MUST_USE;

/* pixels [B,3,S,S], preprocessed -> [B,image_tokens,hidden] */
Tensor *llava_see(Scope *s, const llava *m, const Tensor *pixels);
/* The prompt's input embeddings [B,N,hidden] with the pictures in place: seen [B images,image_tokens,hidden], row after row,
 * or NULL. Ids are checked by llava_prompt_length before. */
Tensor *llava_prompt(Scope *s, const llava *m, const int32_t *ids, size_t count, const Tensor *seen, int64_t batch,
                     int64_t images);
/* The projection head on x [...,hidden] f32 -> [...,head_dim] f32. */
Tensor *llava_head(Scope *s, const llava *m, const Tensor *x);

#endif
