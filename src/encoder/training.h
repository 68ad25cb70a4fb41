/* What the training operation of the door takes. Part of encoder/door.h: plain data and callbacks, no libtorch. */
#ifndef RADZ_ENCODER_TRAINING_H
#define RADZ_ENCODER_TRAINING_H

#include <stdint.h>

#include "base/status.h"

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

typedef struct radz_train_clip_options {
    radz_clip_shape shape;
    uint64_t seed;         /* of the initial weights */
    int64_t steps;         /* optimizer steps of the whole training */
    int64_t batch;         /* images per micro-batch: each is contrasted with the texts of its micro-batch only */
    int64_t texts_per_image; /* at most so many texts for each image of a micro-batch, at least 1 */
    int64_t accumulate;    /* micro-batches per step, at least 1 */
    double learning_rate;  /* peak */
    double final_rate;     /* last rate as a part of the peak, 0 to 1 */
    int64_t warmup;        /* steps */
    double beta1, beta2, eps, weight_decay;
    double clip_norm;      /* gradients are scaled down to this norm; 0: never */
    int64_t checkpoint_every; /* steps; 0: at the end and on cancellation only */
    int64_t validate_every;   /* steps; 0: at the end only */
    int64_t stop_after;    /* return after this many steps of this call with a checkpoint (tests); 0: go to the end */
    int threads;           /* of libtorch's operations */
    const char *device;    /* "cpu"; others are not supported yet */
    const char *work;      /* folder of checkpoint.safetensors and log.csv; exists */
    const char *output;    /* folder that gets config.json and model.safetensors at the end */
    bool fresh;            /* start anew although there is a checkpoint */
    const char *recipe;    /* identifies what is trained (a digest): a checkpoint of another one is refused */
} radz_train_clip_options;

/* Encodes with the weights as they are now; valid during `validate` only. Features are not normalised, [n, projection]. */
typedef struct radz_train_encoder {
    void *model;
    radz_status (*images)(void *model, const float *pixels /* [n,3,image_size,image_size] */, int64_t n, float *features,
                          radz_error *err);
    radz_status (*texts)(void *model, const int32_t *ids /* [n,tokens] */, int64_t n, int64_t tokens, float *features,
                         radz_error *err);
} radz_train_encoder;

/* One micro-batch. The arrays are the training's; the source fills them. */
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
    void *validate_context;
    /* Measures the model; `*value` (higher is better) goes to the log. NULL: no validation. */
    radz_status (*validate)(void *validate_context, int64_t step, const radz_train_encoder *encoder, double *value,
                            radz_error *err);
} radz_train_source;

#ifdef __cplusplus
}
#endif
#endif
