/* p-values of many tests at once (one for each class), adjusted so that they can be compared with the level as one. NaN
 * stands for a test that was not made: it stays NaN and does not count. As R's p.adjust(method = "holm" and "BH"). */
#ifndef RADZ_METRIC_MULTIPLE_H
#define RADZ_METRIC_MULTIPLE_H

#include "base/status.h"

/* Holm 1979: holds the chance of even one false finding. `adjusted` is [n], may be `p` itself. RADZ_E_NOMEM. */
radz_status radz_adjust_holm(const double *p, size_t n, double *adjusted, radz_error *err) RADZ_MUST_USE;
/* Benjamini and Hochberg 1995: holds the expected share of false findings among all findings. */
radz_status radz_adjust_bh(const double *p, size_t n, double *adjusted, radz_error *err) RADZ_MUST_USE;

#endif
