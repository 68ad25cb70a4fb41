#include "metric/pr_curve.h"

#include <math.h>

#include "metric/ranking.h"

radz_status radz_pr_curve(const radz_metric_input *input, size_t class_index, radz_metric_work *work,
                          radz_pr_point *points, size_t capacity, size_t *count, radz_error *err)
{
    *count = 0;
    radz_status st = radz_metric_check(input, NULL, err);
    if (st == RADZ_OK && class_index >= input->classes)
        st = radz_fail(err, RADZ_E_INTERNAL, "PR curve: class %zu of %zu", class_index, input->classes);
    if (st == RADZ_OK)
        st = radz_rank_class(input, class_index, work, err);
    if (st != RADZ_OK)
        return st;
    if (capacity < work->count + 1)
        return radz_fail(err, RADZ_E_INTERNAL, "PR curve: room for %zu points, wanted %zu", capacity, work->count + 1);
    size_t p = work->positives, tp = 0, called = 0, at = 0;
    if (p == 0 || p == work->count)
        return RADZ_OK;
    points[at++] = (radz_pr_point){0, 1, INFINITY};
    for (size_t i = 0; i < work->count;) {
        uint64_t key = work->ranked[i].key;
        size_t before = tp;
        for (; i < work->count && work->ranked[i].key == key; i++) {
            tp += work->ranked[i].positive;
            called++;
        }
        radz_pr_point here = {(double)tp / (double)p, (double)tp / (double)called, radz_rank_score(key)};
        /* The point before goes when it lies between two of the same recall. The point of the highest score stays. */
        if (at > 2 && tp == before && points[at - 2].recall == points[at - 1].recall)
            at--;
        points[at++] = here;
    }
    *count = at;
    return RADZ_OK;
}
