/* An encoder: one model folder that turns prepared pictures and texts into embeddings of a common space. Opening it reads
 * the small files only (configuration, tokenizer, preprocessing); libtorch and the weights are loaded when the first
 * embedding is asked for. */
#ifndef RADZ_ENCODER_ENCODER_H
#define RADZ_ENCODER_ENCODER_H

#include "base/hash.h"
#include "base/status.h"
#include "encoder/torch_facts.h"
#include "image/preprocess.h"
#include "text/tokenizer.h"

typedef struct radz_encoder radz_encoder;

/* Zero or NULL members have the defaults in brackets. */
typedef struct radz_encoder_options {
    const char *device; /* "cpu", "cuda", "cuda:N" ["cpu"] */
    const char *dtype;  /* "float32", "bfloat16", "float16": what the model computes in ["float32"] */
    int threads;        /* of one operation [all processors of the process] */
    size_t batch;       /* images per call of the model, 1 to 4096 [16] */
    /* Preprocessing: a recipe's name, or the steps of one. Neither, or the name "model": the folder's
     * preprocessor_config.json. At most one of the two. */
    const char *preprocess;
    const char *const *preprocess_steps; /* [n_preprocess_steps] as in image/preprocess.h, one step each */
    size_t n_preprocess_steps;
    const char *decode; /* arguments of a `decode` step that is put in front, or NULL */
} radz_encoder_options;

/* What is known without libtorch. All borrowed from the encoder. */
typedef struct radz_encoder_facts {
    const char *family;                /* "clip" */
    const char *dir;                   /* the model folder */
    size_t dim;                        /* floats per embedding */
    size_t image_size;                 /* S: pixels per side */
    size_t pixels_per_image;           /* 3 S S floats */
    size_t context;                    /* tokens of a text, with its end marks */
    size_t batch, text_batch;          /* fixed number of rows per call of the model */
    const char *device, *device_class; /* "cuda:1", "cuda" */
    const char *dtype;
    int threads;
    const radz_recipe *recipe;
    const char *recipe_text;           /* canonical */
    const radz_tokenizer *tokenizer;
    const char *tokenizer_sha256;      /* 64 hex digits */
    const char *config_sha256;         /* of config.json's bytes, 64 hex digits */
    const char *const *weight_files;   /* [n_weight_files] paths, sorted by name: the shards, and their index if any */
    size_t n_weight_files;
} radz_encoder_facts;

/* Opens a model folder of a family (see radz_encoder_family_name). RADZ_E_USAGE: unknown family, device or dtype;
 * RADZ_E_MISSING: a file; RADZ_E_VALUE: parts that do not fit each other (the recipe's size and the model's, the
 * tokenizer's ids and the model's vocabulary). `*out` is the caller's. */
radz_status radz_encoder_open(const char *family, const char *dir, const radz_encoder_options *options,
                              radz_encoder **out, radz_error *err) RADZ_MUST_USE;
void radz_encoder_release(radz_encoder *encoder); /* gives back the weights; the next embedding loads them again */
void radz_encoder_free(radz_encoder *encoder);
const radz_encoder_facts *radz_encoder_info(const radz_encoder *encoder);
const char *radz_encoder_family_name(size_t i); /* NULL past the end */

/* Embeddings are L2-normalised rows of `dim` floats, so that a dot product is a cosine. The model always sees full batches
 * of the same shape (the last one is padded), so that a row depends neither on the other rows nor on their number. One
 * call at a time per encoder, from any thread. RADZ_E_INTERRUPTED between two batches on cancellation. */

/* pixels [n,3,S,S], made by facts.recipe -> out [n,dim] */
radz_status radz_encoder_images(radz_encoder *encoder, const float *pixels, size_t n, float *out,
                                radz_error *err) RADZ_MUST_USE;
/* UTF-8 texts [n] -> out [n,dim]; longer ones are cut to the context. */
radz_status radz_encoder_texts(radz_encoder *encoder, const char *const *texts, size_t n, float *out,
                               radz_error *err) RADZ_MUST_USE;
/* What the model multiplies cosines with before its softmax, exp(logit_scale). Loads the weights. */
radz_status radz_encoder_logit_factor(radz_encoder *encoder, double *out, radz_error *err) RADZ_MUST_USE;

#endif
