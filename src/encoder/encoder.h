/* An encoder: one model folder that turns prepared pictures and texts into embeddings of a common space, and, of a family
 * that reads and writes text, answers questions about pictures. Opening it reads the small files only (configuration,
 * tokenizer, preprocessing); libtorch and the weights are loaded on first need. */
#ifndef RADZ_ENCODER_ENCODER_H
#define RADZ_ENCODER_ENCODER_H

#include "base/evidence.h"
#include "base/hash.h"
#include "base/status.h"
#include "encoder/torch_facts.h"
#include "image/preprocess.h"
#include "text/tokenizer.h"

typedef struct radz_encoder radz_encoder;

/* How features are read out of a decoder. A member that is NULL or not given is as the model's radz.json says, and without
 * one as radz_config_default does. */
typedef struct radz_reading {
    const char *const *image_tokens, *const *text_tokens; /* texts of special tokens, put at the end of the prompts */
    size_t n_image_tokens, n_text_tokens;
    bool layer_given;
    int64_t layer;
    const char *pooling;
    bool no_head;             /* not through the projection head */
    double tau;               /* 0: not given */
    const char *image_prompt; /* holds "<image>" */
    const char *text_prompt;  /* holds "{text}" */
} radz_reading;

/* Zero or NULL members have the defaults in brackets. */
typedef struct radz_encoder_options {
    const char *device; /* "cpu", "cuda", "cuda:N" ["cpu"] */
    const char *dtype;  /* "float32", "bfloat16", "float16": what the model computes in ["float32"] */
    int threads;        /* of one operation [all processors of the process] */
    size_t batch;       /* images per call of the model, 1 to 4096 [as the family: clip 16, llava 1] */
    /* Preprocessing: a recipe's name, or the steps of one. Neither, or the name "model": the folder's
     * preprocessor_config.json. At most one of the two. */
    const char *preprocess;
    const char *const *preprocess_steps; /* [n_preprocess_steps] as in image/preprocess.h, one step each */
    size_t n_preprocess_steps;
    const char *decode; /* arguments of a `decode` step that is put in front, or NULL */
    /* family llava; paths relative to the model folder, or absolute */
    const char *tower_dir;      /* vision tower [as the configuration says] */
    const char *adapter_dir;    /* LoRA adapter [none] */
    radz_reading reading;
    const char *template_name;  /* for messages */
    const char *prompt;         /* with {image} and {question}; NULL: the model is not asked */
    const char *const *stop;    /* [n_stop] texts of tokens that end an answer besides the end mark */
    size_t n_stop;
    size_t max_tokens;          /* of an answer [64] */
} radz_encoder_options;

/* What is known without libtorch. All borrowed from the encoder. */
typedef struct radz_encoder_facts {
    const char *family;                /* "clip" */
    unsigned evidence;                 /* bits 1 << radz_evidence: what it can give */
    const char *dir;                   /* the model folder */
    size_t dim;                        /* floats per embedding */
    size_t image_size;                 /* S: pixels per side */
    size_t pixels_per_image;           /* 3 S S floats */
    size_t image_positions;            /* positions that a picture alone takes in the model */
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
    /* family llava */
    const char *reading_text;          /* how features are read, in words: part of cache keys; NULL for others */
    const char *dialogue_text;         /* how questions are put, in words; NULL: the model is not asked */
    const char *template_name;
    double temperature;                /* of the scores of its features */
    size_t hidden;                     /* width of its token embeddings; 0 for others */
    const int32_t *answer_tokens;      /* [n_yes + n_no] ids of the spellings of yes, then of no */
    size_t n_yes, n_no;
} radz_encoder_facts;

/* What the model has done so far: positions that went through it, and time. */
typedef struct radz_cost {
    uint64_t tokens;
    double seconds;
} radz_cost;
radz_cost radz_encoder_cost(const radz_encoder *encoder);

/* Opens a model folder of a family (see radz_encoder_family_name). RADZ_E_USAGE: unknown family, device or dtype;
 * RADZ_E_MISSING: a file; RADZ_E_VALUE: parts that do not fit each other (the recipe's size and the model's, the
 * tokenizer's ids and the model's vocabulary). `*out` is the caller's. */
radz_status radz_encoder_open(const char *family, const char *dir, const radz_encoder_options *options,
                              radz_encoder **out, radz_error *err) RADZ_MUST_USE;
/* Is its device there? RADZ_E_UNSUPPORTED says what is. Loads libtorch, not the weights. */
radz_status radz_encoder_check_device(const radz_encoder *encoder, radz_error *err) RADZ_MUST_USE;
void radz_encoder_release(radz_encoder *encoder); /* gives back the weights; the next embedding loads them again */
void radz_encoder_free(radz_encoder *encoder);
const radz_encoder_facts *radz_encoder_info(const radz_encoder *encoder);
const char *radz_encoder_family_name(size_t i); /* NULL past the end */
/* What models of a family can give at most, as in facts.evidence. */
radz_status radz_encoder_family_evidence(const char *name, unsigned *evidence, radz_error *err) RADZ_MUST_USE;

/* Embeddings are L2-normalised rows of `dim` floats, so that a dot product is a cosine. The model always sees full batches
 * of the same shape (the last one is padded), so that a row depends neither on the other rows nor on their number. One
 * call at a time per encoder, from any thread. RADZ_E_INTERRUPTED between two batches on cancellation. */

/* pixels [n,3,S,S], made by facts.recipe -> out [n,dim] */
radz_status radz_encoder_images(radz_encoder *encoder, const float *pixels, size_t n, float *out,
                                radz_error *err) RADZ_MUST_USE;
/* UTF-8 texts [n] -> out [n,dim]; longer ones are cut to the context, or, in a decoder, refused. */
radz_status radz_encoder_texts(radz_encoder *encoder, const char *const *texts, size_t n, float *out,
                               radz_error *err) RADZ_MUST_USE;
/* What the model multiplies cosines with before its softmax, exp(logit_scale). Loads the weights. */
radz_status radz_encoder_logit_factor(radz_encoder *encoder, double *out, radz_error *err) RADZ_MUST_USE;

/* Questions about one picture, of a family that answers (facts.dialogue_text). The prompt up to the picture's end is computed
 * once, for the first question, and serves all that follow; they run on it in groups of a fixed shape, so that an answer depends
 * neither on what else is asked nor on what was asked before. RADZ_E_VALUE names a prompt that does not fit the context. */
typedef struct radz_dialogue radz_dialogue;

/* pixels [3,S,S], borrowed; NULL: questions without a picture. Loads the weights, which must stay until the dialogue is closed.
 * RADZ_E_USAGE: a model that is not asked. `*out` is the caller's. */
radz_status radz_dialogue_open(radz_encoder *encoder, const float *pixels, radz_dialogue **out, radz_error *err) RADZ_MUST_USE;
void radz_dialogue_close(radz_dialogue *dialogue); /* takes NULL */
/* What the part took that its questions share; zero before the first. */
radz_cost radz_dialogue_shared(const radz_dialogue *dialogue);
/* UTF-8 questions [n] -> logits [n, n_yes + n_no] of the token that follows. `*cost` (may be NULL) grows by what these questions
 * took, without the shared part. */
radz_status radz_dialogue_yes_no(radz_dialogue *dialogue, const char *const *questions, size_t n, float *logits, radz_cost *cost,
                                 radz_error *err) RADZ_MUST_USE;
/* -> answers [n], greedy, trimmed; the caller frees each. On error none is left. */
radz_status radz_dialogue_answers(radz_dialogue *dialogue, const char *const *questions, size_t n, char **answers, radz_cost *cost,
                                  radz_error *err) RADZ_MUST_USE;
/* Mean of the input embeddings of a text's tokens -> out [hidden]. */
radz_status radz_encoder_embed_mean(radz_encoder *encoder, const char *text, float *out, radz_error *err) RADZ_MUST_USE;

#endif
