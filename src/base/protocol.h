/* How scores become figures, field by field: what a protocol card says (src/data reads it, src/metric obeys it). The words
 * in quotes are those of the card. */
#ifndef RADZ_BASE_PROTOCOL_H
#define RADZ_BASE_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

typedef enum radz_arithmetic {
    RADZ_ARITHMETIC_EXACT,  /* "exact": whole counts, one division each; metric/metric.h, metric/resample.h */
    RADZ_ARITHMETIC_SKLEARN /* "scikit-learn": in the order in which scikit-learn and numpy round; metric/preset.h */
} radz_arithmetic;

/* The figures a protocol has, and their names in metrics.csv. */
typedef enum radz_figure_id {
    RADZ_FIGURE_AUC,       /* "auc" */
    RADZ_FIGURE_AUPRC,     /* "auprc": area under the precision-recall curve by the trapezoid rule */
    RADZ_FIGURE_F1,        /* "f1" */
    RADZ_FIGURE_ACC,       /* "acc" */
    RADZ_FIGURE_MCC,       /* "mcc": Matthews' correlation coefficient */
    RADZ_FIGURE_THRESHOLD, /* "threshold": always there when the protocol has a threshold rule */
    RADZ_FIGURE_COUNT
} radz_figure_id;

typedef enum radz_threshold_rule {
    RADZ_THRESHOLD_NONE,    /* "none" */
    RADZ_THRESHOLD_MAX_F1,  /* "max-f1" */
    RADZ_THRESHOLD_MAX_MCC, /* "max-mcc" */
    RADZ_THRESHOLD_CALIBRATED /* "calibrated": where the probability is 0.5, by Platt's map fitted on the validation split */
} radz_threshold_rule;

/* Which thresholds are tried, and in which order: among equals the first one wins. */
typedef enum radz_threshold_search {
    RADZ_SEARCH_ASCENDING, /* "ascending": every distinct score from the lowest on */
    RADZ_SEARCH_CORNERS,   /* "roc-corners": ascending too, but only scores that roc_curve keeps by default */
    RADZ_SEARCH_ROWS       /* "rows": the score of each row in the order of the rows; none above 0: threshold 0 */
} radz_threshold_search;

typedef enum radz_threshold_split {
    RADZ_CHOSEN_ON_TEST,      /* "test" */
    RADZ_CHOSEN_ON_VALIDATION /* "validation" */
} radz_threshold_split;

typedef enum radz_threshold_side {
    RADZ_AT_LEAST, /* ">=": positive at score >= threshold */
    RADZ_ABOVE     /* ">" */
} radz_threshold_side;

typedef enum radz_f1_form {
    RADZ_F1_COUNTS, /* "counts": 2 TP / (2 TP + FP + FN) at the threshold */
    RADZ_F1_CURVE   /* "curve": the maximum of 2 P R / (P + R) over the precision-recall curve */
} radz_f1_form;

typedef enum radz_binary_form {
    RADZ_BINARY_POSITIVE, /* "positive": a set of one class has the figures of that class */
    RADZ_BINARY_BOTH      /* "both": the means run over the class and its absence, each with a threshold of its own */
} radz_binary_form;

typedef enum radz_undefined {
    RADZ_UNDEFINED_DROP, /* "drop": a class without AUC does not enter the mean AUC; it stays in all other means */
    RADZ_UNDEFINED_STOP, /* "stop": the source ends with an error, so there is no figure at all */
    RADZ_UNDEFINED_NAN,  /* "nan": the mean is not a number either */
    RADZ_UNDEFINED_NA    /* "na": no figure of the class enters any mean */
} radz_undefined;

typedef enum radz_interval_method {
    RADZ_INTERVAL_NONE,     /* "none" */
    RADZ_INTERVAL_PATIENTS, /* "patients": replicates draw patients */
    RADZ_INTERVAL_STUDIES,  /* "studies": replicates draw studies; the images of one stay together, those of a patient need not */
    RADZ_INTERVAL_SEEDED,   /* "seeded-rows": replicate i draws rows with numpy's RandomState(i) */
    RADZ_INTERVAL_RESEEDED  /* "reseeded-rows": Python's random, seeded by itself before each replicate */
} radz_interval_method;

typedef enum radz_interval_bounds {
    RADZ_BOUNDS_BCA,       /* "bca": percentiles of the replicates, corrected for bias and acceleration; metric/resample.h */
    RADZ_BOUNDS_PERCENTILE /* "percentile": the percentiles themselves */
} radz_interval_bounds;

typedef enum radz_interval_strata {
    RADZ_STRATA_NONE,  /* "none" */
    RADZ_STRATA_LABELS /* "labels": of each class's figures, patients (or studies) with and without a positive image of it are
                        * drawn apart, so that their numbers stay as they are (pROC's stratified bootstrap); of means all together */
} radz_interval_strata;

typedef enum radz_interval_mean {
    RADZ_MEAN_OF_BOUNDS,    /* "bounds": the means' bounds are means of the classes' bounds */
    RADZ_MEAN_OF_REPLICATES /* "replicates": a mean is taken in each replicate, and those are sorted */
} radz_interval_mean;

typedef enum radz_normalisation {
    RADZ_NORMALISE_NONE,   /* "none" */
    RADZ_NORMALISE_SOFTMAX /* "softmax": over the classes of a row; the logistic function for a single class */
} radz_normalisation;

typedef struct radz_protocol_rules {
    radz_arithmetic arithmetic;
    bool figures[RADZ_FIGURE_COUNT];
    radz_normalisation normalise;
    radz_threshold_rule rule;
    radz_threshold_search search;
    radz_threshold_split split;
    radz_threshold_side f1_at, acc_at; /* MCC goes with F1 */
    radz_f1_form f1_form;
    double f1_empty;       /* F1 where neither a row is positive nor one is called so: 0 or 1 */
    radz_binary_form binary;
    bool micro, weighted;  /* further averages beside the macro mean */
    radz_undefined undefined;
    radz_interval_method interval;
    radz_interval_bounds bounds; /* of methods "patients" and "studies" */
    radz_interval_strata strata; /* likewise */
    uint32_t replicates;   /* of the row methods; 1000 */
    uint32_t low, high;    /* of the row methods: places of the bounds among the sorted replicates, from 0 */
    radz_interval_mean interval_mean;
    bool rechoose;         /* the threshold is chosen anew in each replicate */
    bool value_is_mean;    /* the mean of the replicates stands in place of the figure itself */
    uint32_t digits;       /* decimals that interval and replaced value are rounded to; 0: not rounded */
    uint32_t seed;         /* "reseeded-rows": of the first; "seeded-rows": of the stream for figures at a threshold */
} radz_protocol_rules;

#endif
