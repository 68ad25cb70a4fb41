#include "score/aggregate.h"

#include <math.h>
#include <string.h>

void radz_score_aggregate(const double *scores, size_t rows, size_t classes, const uint32_t *unit_of, size_t units,
                          radz_score_aggregation how, double *out, size_t *counts)
{
    memset(counts, 0, units * sizeof *counts);
    for (size_t i = 0; i < rows; i++) {
        const double *from = scores + i * classes;
        double *to = out + unit_of[i] * classes;
        bool first = counts[unit_of[i]]++ == 0;
        for (size_t k = 0; k < classes; k++) {
            if (first)
                to[k] = from[k];
            else if (how == RADZ_SCORES_MEAN)
                to[k] += from[k];
            else if (!isnan(to[k]) && !(from[k] <= to[k])) /* a NaN, once there, stays */
                to[k] = from[k];
        }
    }
    for (size_t u = 0; how == RADZ_SCORES_MEAN && u < units; u++)
        for (size_t k = 0; k < classes; k++)
            out[u * classes + k] /= (double)counts[u];
}
