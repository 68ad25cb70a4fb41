/* Logistic regression with an L2 penalty, to convergence: the linear probe.
 *
 * Minimises over w [dim] and b
 *     1/2 |w|^2 + C sum_i log(1 + exp(-s_i (w.x_i + b))),   s_i = 1 for a positive row, -1 for a negative one
 * (b is not penalised), as sklearn.linear_model.LogisticRegression(C=C). The function is convex with one optimum; it is found
 * by Newton's method, each step by conjugate gradients with a diagonal preconditioner (Lin, Weng and Keerthi 2008, JMLR 9),
 * until the gradient is as small as rounding lets it become. All sums are doubles in order of the rows, so the result is the
 * same on any number of threads.
 *
 * Cost: 4 rows x dim operations for each conjugate gradient step; some 50 to 300 of them. No copy of the features. */
#ifndef RADZ_SCORE_LOGISTIC_H
#define RADZ_SCORE_LOGISTIC_H

#include <stdint.h>

#include "base/status.h"

typedef struct radz_logistic_input {
    size_t rows, dim;
    const float *features;   /* [rows, dim] row-major, finite */
    const int8_t *labels;    /* label of row i at labels[i * label_stride]: 1, 0, or -1: the row is left out */
    size_t label_stride;
    const uint32_t *members; /* [n_members] rows that take part, each once, ascending; NULL: all rows */
    size_t n_members;
    double c;                /* above 0; larger: less penalty; usual: 1 */
} radz_logistic_input;

typedef struct radz_logistic_report {
    size_t positives, negatives;
    int steps;         /* of Newton */
    double gradient;   /* largest component of the gradient at the end, over C */
    bool fitted;       /* false: only one label among the rows; the weights are zero */
} radz_logistic_report;

/* `weights` is [dim + 1], the caller's: w, then b. `report` may be NULL. Errors: no row, C out of range, a label other than
 * 1, 0, -1, a feature that is not finite (the row is named); RADZ_E_INTERRUPTED; RADZ_E_BACKEND never. */
radz_status radz_logistic_fit(const radz_logistic_input *input, double *weights, radz_logistic_report *report,
                              radz_error *err) RADZ_MUST_USE;

/* w.x + b of one row of features: the log odds. */
double radz_logistic_score(const double *weights, const float *features, size_t dim);

#endif
