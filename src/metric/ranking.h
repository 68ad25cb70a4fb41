/* The labelled rows of one class, from the highest score to the lowest. For the metric room's own use. */
#ifndef RADZ_METRIC_RANKING_H
#define RADZ_METRIC_RANKING_H

#include "metric/metric.h"

/* One ranked row. `key` falls as the score rises; equal keys are equal scores (0.0 and -0.0 are). */
typedef struct radz_ranked {
    uint64_t key;
    uint32_t row;
    uint32_t positive; /* 1 or 0 */
} radz_ranked;

struct radz_metric_work {
    radz_ranked *ranked, *spare; /* both [capacity] */
    size_t capacity;
    size_t count, positives; /* of the class ranked last */
};

enum { RADZ_METRIC_ROW_LIMIT = 1 << 26 }; /* below it products of two counts are exact in a double */

/* Fills work->ranked[0 .. count) for a class. Errors as radz_metric_class. */
radz_status radz_rank_class(const radz_metric_input *input, size_t class_index, radz_metric_work *work,
                            radz_error *err) RADZ_MUST_USE;
double radz_rank_score(uint64_t key); /* the score of a key */
uint64_t radz_rank_key(double score); /* and back; not for NaN */

/* Sets every metric from the counts of one class: whole numbers, exact in doubles. `tp` and `called` (TP + FP) are
 * those at the operating point. */
typedef struct radz_class_counts {
    double positives, negatives;
    double lost;         /* 2 x pairs where the negative has the higher score + pairs that tie */
    double ap_sum;       /* sum over distinct scores of (positives at it) TP / (TP + FP) */
    double f1_tp, f1_denominator; /* F1 max = 2 f1_tp / f1_denominator; denominator 2TP + FP + FN */
    double f1_threshold;
    double tp, called, threshold;
} radz_class_counts;
void radz_metric_fill(const radz_class_counts *counts, radz_metric_values *out);
/* Checks the operating point of a class; NULL is one. */
radz_status radz_metric_check_point(const radz_metric_input *input, size_t class_index, const radz_operating_point *point,
                                    radz_error *err) RADZ_MUST_USE;
/* Checks an input's pointers and size, and [classes] operating points (or NULL). */
radz_status radz_metric_check(const radz_metric_input *input, const radz_operating_point *points, radz_error *err)
    RADZ_MUST_USE;

#endif
