/* One class in scikit-learn's and numpy's arithmetic: its curve over distinct scores, the threshold that a protocol chooses on
 * it, and the figures there. Every sum and quotient in the order in which they round. For metric/preset.c. */
#ifndef RADZ_METRIC_SKLEARN_CURVE_H
#define RADZ_METRIC_SKLEARN_CURVE_H

#include "base/protocol.h"
#include "metric/metric.h"

/* numpy.sum of contiguous doubles: pairwise, eight at a time, in blocks of 128. */
double radz_numpy_sum(const double *values, size_t count);
double radz_numpy_mean(const double *values, size_t count);
double radz_numpy_round(double value, uint32_t digits); /* digits 0: as it is */

/* Rows from the highest score to the lowest, in groups of equal scores. */
typedef struct radz_ranked_class {
    uint32_t *rows;     /* [count] */
    uint8_t *positive;  /* [count] */
    uint32_t *ends;     /* [groups] one past the last place of the group */
    double *scores;     /* [groups] */
    size_t count, groups, positives;
} radz_ranked_class;
void radz_ranked_free(radz_ranked_class *ranked);
/* Free it also after an error. Errors as radz_metric_class. */
radz_status radz_rank_rows(const radz_metric_input *input, size_t class_index, radz_metric_work *work, radz_ranked_class *out,
                           radz_error *err) RADZ_MUST_USE;

typedef struct radz_curve {
    size_t count;
    double *tps, *fps, *scores; /* [count] counts at score >= scores[i] */
    double *scratch;            /* [capacity] */
} radz_curve;
void radz_curve_free(radz_curve *curve);
/* Room for `rows` rows. Free it also after an error. */
radz_status radz_curve_make(radz_curve *curve, size_t rows, radz_error *err) RADZ_MUST_USE;
/* `weights` [rows of the input] says how often each row was drawn; NULL: once. */
void radz_curve_fill(radz_curve *curve, const radz_ranked_class *ranked, const uint32_t *weights);

/* The rows a curve was made of, in their order: rows[i], or i where `rows` is NULL. */
typedef struct radz_row_order {
    const uint32_t *rows;
    size_t count;
    const radz_metric_input *input;
    size_t class_index;
} radz_row_order;
double radz_curve_threshold(const radz_curve *curve, const radz_protocol_rules *rules, const radz_row_order *order);

/* All figures of one class from its curve; NaN: not defined, or not `wanted` [RADZ_FIGURE_COUNT]; with a threshold of NaN only
 * those that need none. */
void radz_curve_figures(const radz_curve *curve, const radz_protocol_rules *rules, double threshold, const bool *wanted,
                        double out[RADZ_FIGURE_COUNT]);

#endif
