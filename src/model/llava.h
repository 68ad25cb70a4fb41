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

    /* for training; all zero otherwise */
    unsigned train;          /* bits LLAVA_TRAIN_*: parts whose weights become leaves of their own, in f32 */
    uint64_t seed;           /* of random weights */
    const radz_config *radz; /* special tokens and head begin at random, in place of any radz.json; its lora_rank above 0:
                                the decoder gets an update to be trained. Copied */
} llava_options;

enum { LLAVA_TRAIN_TOWER = 1, LLAVA_TRAIN_PROJECTOR = 2, LLAVA_TRAIN_DECODER = 4 };

typedef struct llava llava;

/* Weights stay in the mapped files unless type or device ask for a copy, or an update is merged into them. */
radz_status llava_open(const char *dir, const llava_options *options, llava **out, radz_error *err) RADZ_MUST_USE;
/* A new model: the vision tower of the CLIP folder `tower_dir`, everything else random. `config` says layout LLAVA_HF. */
radz_status llava_create(const llava_config *config, const char *tower_dir, const llava_options *options, llava **out,
                         radz_error *err) RADZ_MUST_USE;
void llava_free(llava *m);
const llava_config *llava_config_of(const llava *m);
const decoder *llava_decoder(const llava *m);
const radz_config *llava_radz(const llava *m); /* NULL: there is no radz.json */
decoder *llava_decoder_to_train(llava *m);
void llava_set_tau(llava *m, double tau);      /* of a model with a radz_config */
/* The leaves in a fixed order; *out is the caller's (free), [count] with borrowed names and tensors. */
radz_status llava_trained(const llava *m, model_parameter **out, size_t *count, radz_error *err) RADZ_MUST_USE;
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
/* Input embeddings of texts without pictures, each with ids of its own: ids [rows,length] -> [rows,length,hidden]. Ids are
 * below llava_vocabulary and checked by the caller. */
Tensor *llava_embed_rows(Scope *s, const llava *m, const int32_t *ids, int64_t rows, int64_t length);
/* Writes the folder of LlavaForConditionalGeneration: config.json and model.safetensors, its tensors as `store` (f32, f16,
 * bf16). RADZ_E_UNSUPPORTED for a model of another layout. */
radz_status llava_save(const llava *m, const char *dir, TDtype store, radz_error *err) RADZ_MUST_USE;
/* Writes radz.json and, when there is anything for it, radz.safetensors (docs/radz-format.md). */
radz_status llava_save_radz(const llava *m, const char *dir, radz_error *err) RADZ_MUST_USE;

/* The projection head on x [...,hidden] f32 -> [...,head_dim] f32. */
Tensor *llava_head(Scope *s, const llava *m, const Tensor *x);

#endif
