/* From scores and labels to result rows: the one way in which figures are made, whether the scores are a model's of this
 * program (run/score_images.h) or were read from a file (run/eval.h). */
#ifndef RADZ_RUN_EVALUATE_H
#define RADZ_RUN_EVALUATE_H

#include "data/card_protocol.h"
#include "metric/delong.h"
#include "report/results.h"

/* Images with scores and labels. Borrowed, unchanging. */
typedef struct radz_scored_set {
    size_t n, n_classes, n_patients;
    const char *const *names;   /* [n] image ids */
    const char *const *paths;   /* [n] image files; NULL: there are none */
    const char *const *classes; /* [n_classes] */
    const int8_t *labels;       /* [n, n_classes] 1, 0, -1 masked */
    const double *scores;       /* [n, n_classes] higher: more positive; not NaN */
    const uint32_t *patient_of; /* [n] in [0, n_patients) */
    const uint32_t *study_of;   /* [n] in [0, n_studies); NULL: not known of every image */
    size_t n_studies;
} radz_scored_set;

/* What a protocol's intervals and tests take as one: the studies where it says so and they are known, else the patients. */
radz_clusters radz_clusters_of(const radz_scored_set *set, const radz_protocol_rules *rules);
/* Numbers studies as radz_number_patients does patients; a study's name need only be unique within its patient. Where one is
 * NULL or empty none is numbered: `*study_of` stays NULL. It is the caller's. */
radz_status radz_number_studies(const char *const *patients, const char *const *studies, size_t n, uint32_t **study_of,
                                size_t *count, radz_error *err) RADZ_MUST_USE;

/* What parts the images into subgroups: a column with the value of each image of the test set (NULL: not known). */
typedef struct radz_subgrouping {
    const char *column;        /* "sex" */
    const char *const *values; /* [test->n] */
} radz_subgrouping;

typedef struct radz_evaluation {
    const radz_scored_set *test;
    const radz_scored_set *validation; /* the same classes; NULL: none. For protocols that choose thresholds there */
    const char *validation_split;      /* its name; NULL without it */
    bool probabilities;                /* the scores claim to be probabilities: they are judged as such */
    bool details;                      /* the detail tables too (run/details.h), of exact protocols */
    const radz_subgrouping *subgroupings; /* for them */
    size_t subgroupings_count;
    const radz_protocol_card *protocol;
    const radz_class_group *groups;    /* groups of classes that have a mean of their own */
    size_t groups_count;
    uint32_t replicates;               /* of the interval over patients; 0: no intervals, whatever the protocol */
    double confidence;                 /* inside (0, 1) */
    uint64_t seed;
    int threads;
    const char *run_dir;               /* where pictures go; NULL: nowhere */
    bool pictures;                     /* small pictures of the worst mistakes, if there are image files */
    radz_result_block block; /* what the caller knows of it: names, counts, provenance. Filled in here: protocol, n,
                              * n_patients, fingerprint, replicates, distinct_replicates, confidence, notes */
} radz_evaluation;

/* Adds to `results` the block of this evaluation, its rows (each figure of each class, and the means over all classes and
 * over the groups) with intervals, and, for an exact protocol, its ROC and precision-recall curves and its worst
 * mistakes. */
radz_status radz_evaluate(const radz_evaluation *evaluation, radz_results *results, radz_error *err) RADZ_MUST_USE;

/* Adds a data set's groups, restricted to the classes that are evaluated; empty ones are left out. */
radz_status radz_evaluate_groups(const char *dataset, const radz_class_group *groups, size_t groups_count,
                                 const char *const *classes, size_t n_classes, radz_results *results,
                                 radz_error *err) RADZ_MUST_USE;

/* Adds the comparison of two models on the same images: differences a - b with intervals over the same patient replicates, for
 * each class and for the mean; DeLong's paired test of the AUCs of each class, with Holm's and Benjamini and Hochberg's
 * adjustment over the classes; and a permutation test (as many permutations as replicates) of each class and of the mean. `a` and `b` differ in their scores only. */
typedef struct radz_pairing {
    const radz_scored_set *a, *b;
    const radz_protocol_rules *rules; /* of an exact protocol: what is drawn, and the bounds */
    const char *dataset, *split, *model_a, *model_b, *scorer;
    uint32_t replicates; /* 0: neither intervals nor the permutation test */
    double confidence;
    uint64_t seed;
    int threads;
} radz_pairing;
radz_status radz_evaluate_pair(const radz_pairing *pairing, radz_results *results, radz_error *err) RADZ_MUST_USE;

#endif
