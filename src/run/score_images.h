/* Scores of a model's images from their cached embeddings: one data set, one model, one scorer. */
#ifndef RADZ_RUN_SCORE_IMAGES_H
#define RADZ_RUN_SCORE_IMAGES_H

#include "data/dataset.h"
#include "run/embed.h"
#include "run/evaluate.h"
#include "run/prompt_texts.h"

/* All members borrowed. */
typedef struct radz_scoring {
    const radz_dataset *dataset;
    size_t dim;
    radz_store *images;
    const radz_embed_output *embedded; /* [dataset->n] */
    const radz_prompt_texts *prompts;  /* with embeddings */
} radz_scoring;

/* The images that have an embedding (at level "study": their studies), with their scores; views go into `dataset`. */
typedef struct radz_scored_images {
    radz_scored_set set;
    const char **names, **paths;
    int8_t *labels;
    double *scores;
    uint32_t *patient_of;
    uint32_t *sample_of; /* [n] index into dataset->samples */
    bool probabilities;  /* of the scorer */
} radz_scored_images;

/* Free with radz_scored_images_free, also after an error. No readable image at all is RADZ_E_MISSING. */
radz_status radz_score_images(const radz_scoring *scoring, const char *scorer, radz_scored_images *out,
                              radz_error *err) RADZ_MUST_USE;
/* The same without scores (set.scores is NULL), and the features of its images: *features [set.n, dim], the caller's. */
radz_status radz_gather_images(const radz_scoring *scoring, radz_scored_images *out, radz_error *err) RADZ_MUST_USE;
radz_status radz_gather_features(const radz_scoring *scoring, const radz_scored_images *images, float **features,
                                 radz_error *err) RADZ_MUST_USE;
void radz_scored_images_free(radz_scored_images *images);

#endif
