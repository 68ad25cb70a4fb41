/* What the training operations of the door take. Part of encoder/door.h: plain data and callbacks, no libtorch. */
#ifndef RADZ_ENCODER_TRAINING_H
#define RADZ_ENCODER_TRAINING_H

#include <stdint.h>

#include "config/llava_config.h"
#include "config/radz_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One tower of a CLIP model: pre-norm transformer layers (Radford et al. 2021). */
typedef struct radz_tower_shape {
    int64_t width;  /* divisible by heads */
    int64_t mlp;    /* inner width of the feed-forward part */
    int64_t layers, heads;
} radz_tower_shape;

typedef struct radz_clip_shape {
    radz_tower_shape vision, text;
    int64_t image_size, patch;     /* pixels; image_size divisible by patch */
    int64_t vocabulary, context;   /* token ids; longest text with its two end marks */
    int64_t start_id, end_id;      /* of the end marks; the text's feature is read at the end mark */
    int64_t projection;            /* d of the shared space */
    const char *activation;        /* "gelu" or "quick_gelu" */
    double log_scale;              /* initial value, ln(1 / 0.07) in CLIP */
} radz_clip_shape;

/* What every training has. */
typedef struct radz_train_options {
    uint64_t seed;         /* of the initial weights */
    int64_t steps;         /* optimizer steps of the whole training */
    int64_t batch;         /* images per micro-batch: each is contrasted with the texts of its micro-batch only */
    int64_t accumulate;    /* micro-batches per step, at least 1 */
    double learning_rate;  /* peak */
    double final_rate;     /* last rate as a part of the peak, 0 to 1 */
    int64_t warmup;        /* steps */
    double beta1, beta2, eps, weight_decay;
    double clip_norm;      /* gradients are scaled down to this norm; 0: never */
    int64_t checkpoint_every; /* steps; 0: at the end and on cancellation only */
    int64_t validate_every;   /* steps; 0: at the end only */
    int64_t validation_batches; /* of the validation split, over which its losses are averaged; 0: they are not measured */
    int64_t validation_batch;   /* images of each, 1 to batch */
    int64_t stop_after;    /* return after this many steps of this call with a checkpoint (tests); 0: go to the end */
    int threads;           /* of libtorch's operations */
    const char *device;    /* "cpu", "cuda", "cuda:N" */
    const char *work;      /* folder of checkpoint.safetensors and log.csv; exists */
    const char *output;    /* folder that gets the model at the end */
    bool fresh;            /* start anew although there is a checkpoint */
    const char *recipe;    /* identifies what is trained (a digest): a checkpoint of another one is refused */
} radz_train_options;

/* Encodes with the weights as they are now; valid during `measure` only. Features are not normalised. */
typedef struct radz_train_encoder {
    void *model;
    /* pixels [n,3,S,S] -> [n,d] */
    radz_status (*images)(void *model, const float *pixels, int64_t n, float *features, radz_error *err);
    /* ids [n,tokens] -> [n,d]; roles [n,tokens], bits RADZ_ROLE_*, of multimodal models, 0 for padding */
    radz_status (*texts)(void *model, const int32_t *ids, const uint8_t *roles, int64_t n, int64_t tokens, float *features,
                         radz_error *err);
} radz_train_encoder;

/* Measures the model on the validation split: `*auc` goes to the log. */
typedef radz_status (*radz_train_measure)(void *context, int64_t step, const radz_train_encoder *encoder, double *auc,
                                          radz_error *err);

/* ---- CLIP ---- */

typedef struct radz_train_clip_options {
    radz_train_options how;
    radz_clip_shape shape;
    int64_t texts_per_image; /* at most so many texts for each image of a micro-batch, at least 1 */
} radz_train_clip_options;

/* One micro-batch, or batch of the validation split (`batch` is then validation_batch). The arrays are the training's; the
 * source fills them. */
typedef struct radz_train_batch {
    float *pixels;     /* [batch,3,image_size,image_size], normalised */
    int32_t *ids;      /* [texts,context], room for batch * texts_per_image rows; `tokens` columns are used: the end mark of
                        * each row lies in them, and what follows it is padding */
    uint8_t *positive; /* [batch,texts], same room: 1 where the text describes the image; one in every row and column at
                        * least */
    int64_t texts, tokens;
} radz_train_batch;

/* Where images and texts come from. Everything it gives is a function of the micro-batch's number alone, so that a training can be
 * continued anywhere. Called from one thread. */
typedef struct radz_train_source {
    void *context;
    radz_status (*batch)(void *context, int64_t number, radz_train_batch *out, radz_error *err);
    void *validation;           /* context of `batch` for batches of the validation split */
    radz_train_measure measure; /* NULL: no AUC */
    void *measure_context;
} radz_train_source;

/* ---- multimodal language models: LLaVA, and RadZ on top of it ---- */

typedef struct radz_train_text {
    const int32_t *ids;   /* [count] */
    const uint8_t *roles; /* [count]: bits RADZ_ROLE_*; NULL where no feature is read */
    size_t count;
} radz_train_text;

typedef struct radz_train_mllm_options {
    radz_train_options how;
    const char *model;          /* the LLaVA folder to start from; NULL: a new model by `config` */
    const char *tower;          /* a new model's vision tower: a CLIP folder; else as radz_door_mllm_options.tower_dir */
    const llava_config *config; /* of a new model, layout LLAVA_HF */
    const radz_config *radz;    /* features that are trained: tokens, layer, pooling, head, tau, rank of an update; NULL: none */
    bool train_tower, train_projector, train_decoder; /* wholly, besides what `radz` adds */
    const char *dtype;          /* "f32", "bf16": of products; trained weights and their moments are f32 */
    const char *store;          /* "f32", "f16", "bf16": of the saved model */

    double lm, cross, anchor;   /* weights of the three losses, each at least 0, one above */
    bool lm_by_answer;          /* L_lm: every answer counts alike; else every token */
    bool crossed;               /* L_cross: (global image, local text) and (local image, global text); else global with
                                 * global and local with local */
    bool learn_tau;
    /* The image prompt: one placeholder; `shared` tokens of it, up to and with the picture, stand before dialogues too. */
    radz_train_text image_prompt;
    size_t shared;
    const radz_train_text *anchors; /* [anchor_count] descriptions: prompts with roles for the form `decoder` */
    size_t anchor_count;
    bool anchors_decoder;       /* form: global features of the descriptions; else means of token embeddings */
    int64_t anchor_refresh;     /* steps between two computations of the anchors; at least 1 */
    int64_t texts_per_image, context; /* room of a batch: texts, tokens of each */
    int64_t branches, branch_tokens;  /* room of a batch: dialogues per image, tokens of all of them together */
} radz_train_mllm_options;

/* As radz_train_batch. */
typedef struct radz_mllm_batch {
    float *pixels;           /* [batch,3,S,S], normalised */
    /* What is said about the first `spoken` images. Dialogues of one image do not see each other. */
    int64_t spoken, branches;
    int64_t *branch_length;  /* [branches]: columns of each, the same for all images */
    int32_t *said;           /* [spoken, sum of branch_length] ids, padded at the end of each dialogue */
    uint8_t *learnt;         /* the same: 1 where the token is to be predicted from what stands before it */
    /* Texts to be contrasted; texts 0: none */
    int64_t texts, tokens;   /* `tokens` of the context's columns are used */
    int32_t *ids;            /* [texts,context] */
    uint8_t *roles;          /* [texts,context]: 0 for padding */
    uint8_t *positive;       /* [batch,texts]: 1 where the text describes the image; one in every row and column at least */
    uint8_t *image_anchors;  /* [batch,anchor_count]: 1 where the image has the finding; a row of zeros is left out */
    uint8_t *text_anchors;   /* [texts,anchor_count] likewise */
} radz_mllm_batch;

/* As radz_train_source. */
typedef struct radz_mllm_source {
    void *context;
    radz_status (*batch)(void *context, int64_t number, radz_mllm_batch *out, radz_error *err);
    void *validation;
    radz_train_measure measure; /* of global features: with `radz` alone */
    void *measure_context;
} radz_mllm_source;

#ifdef __cplusplus
}
#endif
#endif
