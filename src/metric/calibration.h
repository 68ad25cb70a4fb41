/* Are probabilities what they say? And scores made into probabilities on other data.
 *
 * With p_i the probability of row i, y_i its label, of N labelled rows:
 *   brier            mean of (p - y)^2; as sklearn.metrics.brier_score_loss. Saying the prevalence q for everybody gives
 *                    brier_reference = q (1 - q)
 *   slope, intercept of the logistic regression of y on logit(p): 1 and 0 when well calibrated, a slope below 1 when the
 *                    probabilities are too extreme (Cox 1958, Biometrika 45; van Calster 2019, BMC Medicine 17). p is first
 *                    kept 2^-52 away from 0 and 1
 *   ece              sum over bins of n_b / N |mean p - share of positives|, ten equal bins, an edge belongs to the bin below;
 *                    as sklearn.calibration.calibration_curve(strategy="uniform") gives the two means (Guo 2017)
 *   ece_equal_count  the same over bins between the percentiles of p (strategy="quantile")
 *
 * All sums run over distinct scores from the highest on, so the order of the rows changes no bit. */
#ifndef RADZ_METRIC_CALIBRATION_H
#define RADZ_METRIC_CALIBRATION_H

#include "metric/metric.h"

/* How a score x becomes a probability. */
typedef enum radz_calibration_kind {
    RADZ_CALIBRATION_SCORE = 0,   /* p = x, inside [0, 1] */
    RADZ_CALIBRATION_TEMPERATURE, /* p = sigmoid(a z), a = 1 / temperature above 0; z = logit(x) of a probability, else x */
    RADZ_CALIBRATION_PLATT        /* p = sigmoid(a x + b) (Platt 1999, without his smoothed targets) */
} radz_calibration_kind;
const char *radz_calibration_name(radz_calibration_kind kind); /* "score", "temperature", "platt" */

typedef struct radz_calibration {
    radz_calibration_kind kind;
    bool of_logit;       /* z = logit(x): temperature on scores that were all inside [0, 1] */
    double a, b;         /* 1 and 0 for RADZ_CALIBRATION_SCORE */
    radz_metric_status status; /* NO_ROWS, ONE_VALUE, SEPARABLE: no fit, a and b are NaN */
} radz_calibration;

/* Fits to the rows of one class by least mean log loss (Newton to convergence, one optimum: the loss is convex). `input` must
 * be data that the figures are not taken from: a validation split. RADZ_CALIBRATION_TEMPERATURE takes a class's scores for
 * probabilities when all of them are inside [0, 1]. The best temperature may be infinite or negative (a <= 0): then a is what
 * it is, and says that the scores point the wrong way. Errors as radz_metric_class; an infinite score. */
radz_status radz_calibration_fit(const radz_metric_input *input, size_t class_index, radz_calibration_kind kind,
                                 radz_metric_work *work, radz_calibration *out, radz_error *err) RADZ_MUST_USE;
double radz_calibration_probability(const radz_calibration *calibration, double score);

enum { RADZ_CALIBRATION_BINS = 10 };
typedef struct radz_reliability_bin {
    double low, high;        /* edges */
    size_t count, positives;
    double mean_probability; /* NaN when empty, as the three below */
    double observed;         /* share of positives */
    double ci_low, ci_high;  /* Wilson's interval of it */
} radz_reliability_bin;

typedef struct radz_calibration_report {
    size_t count, positives;
    double mean_probability, brier, brier_reference, ece, ece_equal_count;
    double slope, intercept;
    radz_metric_status status;       /* of all but slope and intercept: NO_ROWS; OUTSIDE; a status of the calibration */
    radz_metric_status slope_status; /* of those two: ONE_VALUE, SEPARABLE, ZERO_VARIANCE (all p alike) */
    radz_reliability_bin bins[RADZ_CALIBRATION_BINS]; /* equal width */
} radz_calibration_report;

/* `calibration` NULL: the scores are probabilities. `confidence` in percent, of the bins' intervals. */
radz_status radz_calibration_measure(const radz_metric_input *input, size_t class_index, const radz_calibration *calibration,
                                     double confidence, radz_metric_work *work, radz_calibration_report *out,
                                     radz_error *err) RADZ_MUST_USE;

/* Wilson's interval of a share (1927), `successes` of `count` > 0. */
void radz_wilson_interval(double successes, double count, double confidence, double *low, double *high);

#endif
