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

enum { RADZ_DOOR_ABI = 5 }; /* raised with every change of a struct below or in training.h */

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

/* ---- multimodal language models: LLaVA, RadZ, or a decoder alone ---- */

typedef struct radz_door_mllm radz_door_mllm;
typedef struct radz_door_prefix radz_door_prefix;

typedef struct radz_door_mllm_options {
    radz_door_options compute;
    const char *tower_dir;   /* the vision tower of an original LLaVA; NULL: see llava_config_load */
    const char *adapter_dir; /* a PEFT LoRA adapter, merged into the weights; NULL: none */
    const char *radz_dir;    /* radz.json and radz.safetensors; NULL: the model's folder, if it has a radz.json */
} radz_door_mllm_options;

/* Most of it is what config/llava_config.h reads without libtorch; here it is what the opened model has. */
typedef struct radz_door_mllm_info {
    size_t hidden, layers, context;
    size_t vocabulary;    /* rows of the embedding table with those of radz.safetensors: ids are below it */
    size_t image_tokens;  /* positions that a picture takes; 0: the model sees no pictures */
    size_t image_size;
    int64_t image_token;  /* the id that stands for a picture in a prompt */
    size_t head_dim;      /* of features through the projection head; 0: the model has none */
    bool is_radz;
} radz_door_mllm_info;

/* What was done, added to whatever it holds already. */
typedef struct radz_door_cost {
    uint64_t tokens; /* positions that went through the decoder, without padding */
    double seconds;
} radz_door_cost;

enum { RADZ_ROLE_NONE = 0, RADZ_ROLE_GLOBAL = 1, RADZ_ROLE_LOCAL = 2 }; /* bits */

typedef struct radz_door_prompt {
    const int32_t *ids;   /* [count], each picture one image_token */
    const uint8_t *roles; /* [count]: the means each position belongs to; a picture's holds for all its positions */
    size_t count;
    const float *pixels;  /* [images,3,S,S] in the order of the placeholders; NULL when there are none */
    size_t images;
} radz_door_prompt;

typedef struct radz_door_features {
    int64_t layer;    /* index into the hidden states: 0 the embeddings, -1 the last with its norm, -2 one before */
    bool project;     /* through the model's projection head */
    size_t pad_to;    /* positions that every prompt is padded to, so that its feature does not depend on the batch's longest; 0: the longest */
    float *global;    /* [prompts,d], d = project ? head_dim : hidden; NULL: not wanted */
    float *local;     /* [prompts,d] or NULL */
} radz_door_features;

/* Token lists of the questions on one prefix, right-padded with anything. */
typedef struct radz_door_questions {
    const int32_t *ids;    /* [count,length], without pictures */
    const size_t *lengths; /* [count], each 1 to length */
    size_t count, length;
} radz_door_questions;

typedef struct radz_door_answers {
    size_t max_tokens;       /* per answer, at least 1 */
    const int32_t *stop;     /* [stop_count] ids that end an answer; they are not part of it */
    size_t stop_count;
    int32_t *ids;            /* [batch,questions,max_tokens] */
    size_t *lengths;         /* [batch,questions]; max_tokens: no stop id came */
} radz_door_answers;

typedef struct radz_door {
    uint32_t abi;                      /* RADZ_DOOR_ABI of the plugin; stays the first member */
    const char *(*torch_version)(void); /* "1.13.0": what the plugin was compiled against; static storage */
    radz_status (*check_device)(const char *device, radz_error *err); /* is it there? RADZ_E_UNSUPPORTED says what is */

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

    /* See train/mllm_training.h. */
    radz_status (*train_mllm)(const radz_train_mllm_options *options, const radz_mllm_source *source, radz_error *err);

    /* Opens a model folder. `*out` is closed with mllm_close; one call at a time per model and its prefixes. */
    radz_status (*mllm_open)(const char *dir, const radz_door_mllm_options *options, radz_door_mllm **out,
                             radz_door_mllm_info *info, radz_error *err);
    void (*mllm_close)(radz_door_mllm *model);
    /* Features of prompts, each on its own: means of hidden states over the positions of a role, in float, then the head
     * if asked, then L2-normalised. A prompt without a position of a role that is wanted is an error. `cost` may be NULL.
     * RADZ_E_VALUE: an id out of range, more or fewer pictures than placeholders, a prompt longer than the context. */
    radz_status (*mllm_features)(radz_door_mllm *model, const radz_door_prompt *prompts, size_t count,
                                 const radz_door_features *features, radz_door_cost *cost, radz_error *err);
    /* Mean of the input embeddings of ids [count] -> out [hidden], not normalised. */
    radz_status (*mllm_embed_mean)(radz_door_mllm *model, const int32_t *ids, size_t count, float *out, radz_error *err);
    /* Runs what many questions share and keeps its keys and values: ids [count] with `images` placeholders, the same for
     * every row of pixels [batch,images,3,S,S] (NULL when images is 0; batch at least 1). Closed with prefix_close, before
     * its model. `*positions` (may be NULL): how many it takes per row, pictures included. */
    radz_status (*prefix_open)(radz_door_mllm *model, const float *pixels, size_t batch, size_t images, const int32_t *ids,
                               size_t count, radz_door_prefix **out, size_t *positions, radz_door_cost *cost,
                               radz_error *err);
    void (*prefix_close)(radz_door_prefix *prefix);
    /* Logits of the token that follows prefix + question, for the wanted ids alone (only those rows of the output layer are
     * multiplied): out [batch,questions,wanted_count]. The prefix stays as it is. Questions do not see each other; the
     * rounding of a result depends on the shape [count,length] at most, so keep that fixed where bytes must agree. */
    radz_status (*prefix_logits)(radz_door_prefix *prefix, const radz_door_questions *questions, const int32_t *wanted,
                                 size_t wanted_count, float *out, radz_door_cost *cost, radz_error *err);
    /* Greedy continuation of each question (the first of equal maxima). The prefix stays as it is. RADZ_E_INTERRUPTED on
     * cancellation between two tokens; RADZ_E_VALUE: prefix + question + max_tokens is longer than the context. */
    radz_status (*prefix_generate)(radz_door_prefix *prefix, const radz_door_questions *questions, radz_door_answers *answers,
                                   radz_door_cost *cost, radz_error *err);

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
/* Is a device there? RADZ_E_USAGE, RADZ_E_UNSUPPORTED. The cpu always is: libtorch is opened for others alone. */
radz_status radz_door_check_device(const char *device, radz_error *err) RADZ_MUST_USE;
bool radz_door_is_open(void);

#ifdef __cplusplus
}
#endif
#endif
