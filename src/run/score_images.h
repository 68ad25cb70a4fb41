/* Scores of a model's images from the evidence in the cache: one data set, one model, one scorer. */
#ifndef RADZ_RUN_SCORE_IMAGES_H
#define RADZ_RUN_SCORE_IMAGES_H

#include "run/evaluate.h"
#include "run/model_evidence.h"

/* All members borrowed. */
typedef struct radz_scoring {
    const radz_evidence_set *evidence; /* of the kind that the scorer reads */
    const radz_prompt_texts *prompts;  /* in place of the evidence's own, with embeddings; NULL: those */
    const float *anchors;              /* likewise: [evidence->n_anchors, dim] */
    const char *run_dir;               /* answers are written there as they are read, each with its verdict; NULL: not */
} radz_scoring;

/* The images of which there is evidence (at level "study": their studies), with their scores; views go into the data set. */
typedef struct radz_scored_images {
    radz_scored_set set;
    const char **names, **paths;
    int8_t *labels;
    double *scores;
    uint32_t *patient_of, *study_of; /* study_of NULL: not known of every image */
    uint32_t *sample_of; /* [n] index into dataset->samples */
    bool probabilities;  /* of the scorer */
    radz_answer_verdict *verdicts; /* [n, n_classes] of a scorer of hard answers, else NULL */
    uint64_t answers, unknown;     /* verdicts in all, whatever the level, and those that are unknown */
    uint64_t judged, right;        /* those with a label, and those that equal it */
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
