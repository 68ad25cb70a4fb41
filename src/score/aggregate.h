/* From scores of images to scores of what they belong to together: the images of a study. */
#ifndef RADZ_SCORE_AGGREGATE_H
#define RADZ_SCORE_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum radz_score_aggregation {
    RADZ_SCORES_MAX, /* a finding is in a study when it is in one of its images */
    RADZ_SCORES_MEAN /* the mean over its images; as pandas' groupby(...).mean() */
} radz_score_aggregation;

/* `scores` [rows, classes] and `unit_of` [rows], each in [0, units) and every unit with at least one row, give `out` [units,
 * classes], in the order of the units. Rows of a unit are added in their order. A NaN among a unit's scores makes its score
 * NaN. `counts` [units] is scratch. */
void radz_score_aggregate(const double *scores, size_t rows, size_t classes, const uint32_t *unit_of, size_t units,
                          radz_score_aggregation how, double *out, size_t *counts);

#endif
