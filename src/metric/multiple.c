#include "metric/multiple.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

typedef struct placed_p {
    double p;
    size_t at;
} placed_p;

static int by_p(const void *a, const void *b)
{
    const placed_p *x = a, *y = b;
    return x->p != y->p ? (x->p > y->p) - (x->p < y->p) : (x->at > y->at) - (x->at < y->at);
}

/* The tests that were made, from the smallest p on. */
static radz_status sorted_tests(const double *p, size_t n, placed_p **out, size_t *count, radz_error *err)
{
    *count = 0;
    *out = radz_calloc(n, sizeof **out, err);
    if (*out == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i]))
            (*out)[(*count)++] = (placed_p){p[i], i};
    qsort(*out, *count, sizeof **out, by_p);
    return RADZ_OK;
}

radz_status radz_adjust_holm(const double *p, size_t n, double *adjusted, radz_error *err)
{
    placed_p *tests;
    size_t m;
    radz_status st = sorted_tests(p, n, &tests, &m, err);
    if (st != RADZ_OK)
        return st;
    double highest = 0;
    for (size_t i = 0; i < n; i++)
        adjusted[i] = NAN;
    for (size_t i = 0; i < m; i++) {
        highest = fmax(highest, fmin(1, (double)(m - i) * tests[i].p));
        adjusted[tests[i].at] = highest;
    }
    free(tests);
    return RADZ_OK;
}

radz_status radz_adjust_bh(const double *p, size_t n, double *adjusted, radz_error *err)
{
    placed_p *tests;
    size_t m;
    radz_status st = sorted_tests(p, n, &tests, &m, err);
    if (st != RADZ_OK)
        return st;
    double lowest = 1;
    for (size_t i = 0; i < n; i++)
        adjusted[i] = NAN;
    for (size_t i = m; i-- > 0;) {
        lowest = fmin(lowest, (double)m / (double)(i + 1) * tests[i].p);
        adjusted[tests[i].at] = lowest;
    }
    free(tests);
    return RADZ_OK;
}
