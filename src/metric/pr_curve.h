/* Precision-recall curves. */
#ifndef RADZ_METRIC_PR_CURVE_H
#define RADZ_METRIC_PR_CURVE_H

#include "metric/metric.h"

/* A point of a precision-recall curve: at score >= threshold. The first point is (0, 1) at +infinity, which no threshold
 * has: it is where the drawn line starts. */
typedef struct radz_pr_point {
    double recall, precision, threshold;
} radz_pr_point;

/* The precision-recall curve of a class, by falling threshold, so that recall rises; without points inside a run of equal
 * recall. As sklearn.metrics.precision_recall_curve(drop_intermediate=True), which lists them the other way round. `points`
 * has room for `capacity` >= rows + 1 points, `*count` receives how many were written; 0 where the class has one value
 * only. Errors as radz_metric_class. O(rows). */
radz_status radz_pr_curve(const radz_metric_input *input, size_t class_index, radz_metric_work *work,
                          radz_pr_point *points, size_t capacity, size_t *count, radz_error *err) RADZ_MUST_USE;

#endif
