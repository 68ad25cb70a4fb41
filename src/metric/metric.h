/* Metrics of binary recognition: plain arrays of scores and labels in, numbers out.
 *
 * For one class let TP(t), FP(t) count the positive and negative rows whose score is >= t, P and N all positive and
 * negative rows. Rows whose label is -1 are left out (masked) and not looked at. All counts are exact, sums run from
 * the highest score downwards over distinct scores, so the result has the same bits whatever the order of the rows, and
 * however they were split into shards before they were put together.
 *
 *   prevalence        P / (P + N)
 *   auc               area under the ROC curve: (pairs positive > negative + half of the ties) / (P N);
 *                     as sklearn.metrics.roc_auc_score (trapezoid rule, which counts ties as one half)
 *   ap                sum over distinct scores t, descending, of (R(t) - R(previous)) TP(t) / (TP(t) + FP(t)), with
 *                     R = TP / P; as sklearn.metrics.average_precision_score (no interpolation)
 *   f1_max            max over scores t of F1(t) = 2 TP / (2 TP + FP + FN); chosen on these very labels, so optimistic;
 *                     as the maximum of 2PR / (P + R) over sklearn.metrics.precision_recall_curve
 *   threshold_f1_max  the score t where it is reached; among exact ties the LOWEST such score, which is what np.argmax
 *                     over precision_recall_curve's ascending thresholds gives
 *   threshold         the operating point t the next six are taken at: threshold_f1_max or a fixed one (see below)
 *   f1, acc, sensitivity, specificity, ppv, npv   at score >= t; as f1_score, accuracy_score, recall_score,
 *                     recall_score(pos_label=0), precision_score, precision_score(pos_label=0)
 *
 * Where a class has no row or one value only, everything but the prevalence is NA, never 0 or 0.5. ppv and npv are NA
 * where no row is called positive (negative). */
#ifndef RADZ_METRIC_METRIC_H
#define RADZ_METRIC_METRIC_H

#include <stdint.h>

#include "base/status.h"

typedef enum radz_metric_id {
    RADZ_METRIC_AUC,
    RADZ_METRIC_AP,
    RADZ_METRIC_F1_MAX,
    RADZ_METRIC_THRESHOLD_F1_MAX,
    RADZ_METRIC_THRESHOLD,
    RADZ_METRIC_F1,
    RADZ_METRIC_ACC,
    RADZ_METRIC_SENSITIVITY,
    RADZ_METRIC_SPECIFICITY,
    RADZ_METRIC_PPV,
    RADZ_METRIC_NPV,
    RADZ_METRIC_PREVALENCE,
    RADZ_METRIC_COUNT
} radz_metric_id;

typedef struct radz_metric_info {
    const char *name;        /* as in metrics.csv */
    const char *title;       /* as in a table's head or on an axis */
    const char *description; /* one line */
    const char *source;      /* the function it equals */
    bool averaged;           /* a mean over classes means something (false for thresholds) */
    bool chosen_on_test;     /* picks its threshold on the labels it is measured on: say so beside it */
    bool at_threshold;       /* taken at the operating point */
    bool higher_is_better;   /* false for thresholds and prevalence, which are neither */
} radz_metric_info;

extern const radz_metric_info radz_metrics[RADZ_METRIC_COUNT]; /* indexed by radz_metric_id */
const char *radz_metric_name(size_t i);                        /* NULL past the end */
/* An unknown name fails with the list of known ones (RADZ_E_USAGE). */
radz_status radz_metric_find(const char *name, radz_metric_id *out, radz_error *err) RADZ_MUST_USE;

/* Why a number is not there. */
typedef enum radz_metric_status {
    RADZ_METRIC_OK = 0,
    RADZ_METRIC_NO_ROWS,       /* no labelled row */
    RADZ_METRIC_ONE_VALUE,     /* only positive or only negative rows */
    RADZ_METRIC_ZERO_DIVISION, /* ppv without a positive call, npv without a negative one */
    RADZ_METRIC_NO_CLASS,      /* a mean with no defined class, or of a metric that is not averaged */
    RADZ_METRIC_FEW_REPLICATES, /* an interval from fewer than RADZ_RESAMPLE_LEAST replicates */
    RADZ_METRIC_ONE_SIDED, /* a BCa interval whose replicates are all above, or all below, the value */
    RADZ_METRIC_FEW_PATIENTS,  /* an interval over fewer than two patients with a positive row, or two with a negative one */
    RADZ_METRIC_FEW_ROWS,      /* a variance from fewer than two positive or two negative rows */
    RADZ_METRIC_SEPARABLE,     /* a logistic fit runs off to infinity: some threshold parts the labels without a mistake */
    RADZ_METRIC_NOT_TRAINED,   /* no draw of training images has both labels */
    RADZ_METRIC_OUTSIDE,       /* a score outside 0 to 1 where a probability is wanted */
    RADZ_METRIC_ZERO_VARIANCE, /* a test or a transformed interval where nothing varies */
    RADZ_METRIC_NO_VALIDATION, /* the threshold is to be chosen on a validation split that was not given */
    RADZ_METRIC_STOPPED        /* the code that a protocol repeats ends with an error here */
} radz_metric_status;
const char *radz_metric_status_name(radz_metric_status status); /* "ok", "na-no-rows", "na-one-value", ... */

/* Scores and labels of a set of images. All arrays are borrowed. */
typedef struct radz_metric_input {
    size_t rows, classes;     /* rows < 2^26 */
    const double *scores;     /* [rows, classes] row-major, higher = more positive; infinities allowed, NaN an error */
    const float *scores_f32;  /* the same as float; exactly one of the two is set (neither need be when rows is 0) */
    const int8_t *labels;     /* [rows, classes] 1 positive, 0 negative, -1 masked */
    const char *const *class_names; /* [classes] or NULL; for messages only */
    const char *const *row_names;   /* [rows] or NULL; for messages only */
} radz_metric_input;

/* Which threshold f1, acc, ... are taken at. Zero-initialised: max F1 on this very input.
 *   SPECIFICITY  the highest sensitivity among the thresholds whose specificity is at least the rate, at the highest score that
 *                reaches it (no interpolation); infinity, with nothing called positive, where no score will do
 *   SENSITIVITY  the highest score whose sensitivity is at least the rate, i.e. the highest specificity there
 * as the best corner of sklearn.metrics.roc_curve. Both are chosen on this very input, too. */
typedef enum radz_operating_kind {
    RADZ_OPERATING_F1_MAX = 0,
    RADZ_OPERATING_FIXED,
    RADZ_OPERATING_SPECIFICITY,
    RADZ_OPERATING_SENSITIVITY
} radz_operating_kind;
typedef struct radz_operating_point {
    radz_operating_kind kind;
    double threshold; /* with FIXED: not NaN; a row is called positive at score >= threshold. With SPECIFICITY and SENSITIVITY
                       * the rate that is fixed in place of it, in (0, 1] */
} radz_operating_point;

typedef struct radz_metric_values {
    double value[RADZ_METRIC_COUNT];               /* NaN where the status is not RADZ_METRIC_OK */
    radz_metric_status status[RADZ_METRIC_COUNT];
} radz_metric_values;

typedef struct radz_class_metrics {
    radz_metric_values metrics;
    size_t positives, negatives, masked; /* together: rows */
} radz_class_metrics;

/* Scratch memory, made once and used for any number of calls; it grows as needed. Not for two threads at a time. */
typedef struct radz_metric_work radz_metric_work;
radz_status radz_metric_work_create(radz_metric_work **out, radz_error *err) RADZ_MUST_USE;
void radz_metric_work_free(radz_metric_work *work);

/* All metrics of class `class_index`. `point` NULL: max F1. Errors: a NaN score, a label other than 1, 0, -1 (row and
 * class are named), a NaN fixed threshold. O(rows). */
radz_status radz_metric_class(const radz_metric_input *input, size_t class_index, const radz_operating_point *point,
                              radz_metric_work *work, radz_class_metrics *out, radz_error *err) RADZ_MUST_USE;

/* The same for every class; `points` is [classes] or NULL (max F1 everywhere), `out` is [classes]. */
radz_status radz_metric_classes(const radz_metric_input *input, const radz_operating_point *points,
                                radz_metric_work *work, radz_class_metrics *out, radz_error *err) RADZ_MUST_USE;

/* Unweighted mean of each averaged metric over the classes where it is defined, with their number: the macro mean with
 * `members` NULL, a group's mean (trained, zero-shot, ...) with `members` [classes] non-zero for its classes. */
typedef struct radz_mean_metrics {
    radz_metric_values metrics;
    size_t defined[RADZ_METRIC_COUNT]; /* classes that entered the mean */
    size_t members;                    /* classes of the group */
} radz_mean_metrics;
void radz_metric_mean(const radz_class_metrics *results, size_t classes, const uint8_t *members,
                      radz_mean_metrics *out);

/* A point of a ROC curve: rates at score >= threshold. The first point is (0, 0) at +infinity, the last (1, 1). */
typedef struct radz_roc_point {
    double fpr, tpr, threshold;
} radz_roc_point;

/* The ROC curve of a class, ascending, without points inside a straight run of equal steps; as
 * sklearn.metrics.roc_curve(drop_intermediate=True). `points` has room for `capacity` >= rows + 1 points, `*count`
 * receives how many were written; 0 where the class has one value only. */
radz_status radz_roc_curve(const radz_metric_input *input, size_t class_index, radz_metric_work *work,
                           radz_roc_point *points, size_t capacity, size_t *count, radz_error *err) RADZ_MUST_USE;

#endif
