/* The door to libtorch: what libradz_torch.so offers, in plain C types. The plugin exports radz_torch_door(); the program
 * opens it with radz_door_open on first need and only then, so that nothing else pays for loading libtorch. */
#ifndef RADZ_ENCODER_DOOR_H
#define RADZ_ENCODER_DOOR_H

#include <stdint.h>

#include "base/status.h"
#include "encoder/training.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RADZ_DOOR_ABI = 1 }; /* raised with every change of a struct below or in training.h */

typedef struct radz_door_model radz_door_model;

typedef struct radz_door_options {
    const char *device; /* "cpu", "cuda", "cuda:N" */
    const char *dtype;  /* "f32", "bf16", "f16": what it computes in; embeddings are always float */
    int threads;        /* of libtorch's operations, at least 1; holds for the whole process */
} radz_door_options;

typedef struct radz_door_info {
    size_t embed_dim, image_size, context; /* floats, pixels, tokens */
    size_t vocabulary;                     /* token ids are below it */
    int64_t eos_token;
    double logit_factor; /* what cosines are multiplied with: exp(logit_scale) */
} radz_door_info;

typedef struct radz_door {
    uint32_t abi;                      /* RADZ_DOOR_ABI of the plugin; stays the first member */
    const char *(*torch_version)(void); /* "1.13.0": what the plugin was compiled against; static storage */

    /* A CLIP folder (config.json, model.safetensors). `*out` is closed with model_close. One call at a time per model. */
    radz_status (*model_open)(const char *dir, const radz_door_options *options, radz_door_model **out,
                              radz_door_info *info, radz_error *err);
    /* pixels [batch,3,S,S] -> out [batch,embed_dim], L2-normalised. */
    radz_status (*encode_images)(radz_door_model *model, const float *pixels, size_t batch, float *out, radz_error *err);
    /* ids [batch,length] padded after the end token -> out [batch,embed_dim], L2-normalised. */
    radz_status (*encode_texts)(radz_door_model *model, const int32_t *ids, size_t batch, size_t length, float *out,
                                radz_error *err);
    void (*model_close)(radz_door_model *model);
    /* See train/clip_training.h. */
    radz_status (*train_clip)(const radz_train_clip_options *options, const radz_train_source *source, radz_error *err);
    /* How libtorch was built, several lines, cut to `size`. */
    void (*config_text)(char *text, size_t size);
} radz_door;

/* The one symbol that libradz_torch.so exports. */
#define RADZ_DOOR_SYMBOL "radz_torch_door"
const radz_door *radz_torch_door(void);

/* To be called first in main(), before any thread and any library that uses OpenMP: makes the threads of libtorch's
 * operations sleep soon while they wait for each other, instead of spinning on processors that the decoding threads (or
 * other programs) could use. Spinning costs more than half of the throughput on a busy machine. OMP_WAIT_POLICY and
 * GOMP_SPINCOUNT, where the user has set them, stay as they are. */
void radz_door_prepare(void);

/* The plugin's operations; loaded on the first call of the process, never unloaded (libtorch cannot be). Looked for as
 * $RADZ_TORCH_PLUGIN (then nowhere else), as libradz_torch.so beside libradz.so, beside the program, and in
 * ../lib/radz-bench from the program. RADZ_E_MISSING lists the places; RADZ_E_BACKEND: it is there but cannot be loaded;
 * RADZ_E_UNSUPPORTED: it is of another version of the program. May be called by any number of threads. */
radz_status radz_door_open(const radz_door **out, radz_error *err) RADZ_MUST_USE;
bool radz_door_is_open(void);

#ifdef __cplusplus
}
#endif
#endif
