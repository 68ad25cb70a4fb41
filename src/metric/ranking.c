#include "metric/ranking.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

radz_status radz_metric_work_create(radz_metric_work **out, radz_error *err)
{
    *out = radz_calloc(1, sizeof **out, err);
    return *out == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

void radz_metric_work_free(radz_metric_work *work)
{
    if (work == NULL)
        return;
    free(work->ranked);
    free(work->spare);
    free(work);
}

uint64_t radz_rank_key(double score)
{
    uint64_t bits;
    score += 0.0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &score, sizeof bits);
    bits ^= bits >> 63 ? UINT64_MAX : (uint64_t)1 << 63; /* unsigned order is now the order of the doubles */
    return ~bits;
}

double radz_rank_score(uint64_t key)
{
    uint64_t bits = ~key;
    double score;
    bits ^= bits >> 63 ? (uint64_t)1 << 63 : UINT64_MAX;
    memcpy(&score, &bits, sizeof score);
    return score;
}

radz_status radz_metric_check_point(const radz_metric_input *input, size_t class_index, const radz_operating_point *point,
                                    radz_error *err)
{
    const char *blank = input->class_names ? " " : "", *name = input->class_names ? input->class_names[class_index] : "";
    if (point == NULL || point->kind == RADZ_OPERATING_F1_MAX)
        return RADZ_OK;
    if (point->kind == RADZ_OPERATING_FIXED)
        return !isnan(point->threshold) ? RADZ_OK
                                        : radz_fail(err, RADZ_E_VALUE, "class %zu%s%s: the fixed threshold is NaN, wanted a number",
                                                    class_index, blank, name);
    return point->threshold > 0 && point->threshold <= 1
               ? RADZ_OK
               : radz_fail(err, RADZ_E_VALUE, "class %zu%s%s: operating point at a rate of %g, wanted one in (0, 1]", class_index,
                           blank, name, point->threshold);
}

radz_status radz_metric_check(const radz_metric_input *input, const radz_operating_point *points, radz_error *err)
{
    if (input->rows >= RADZ_METRIC_ROW_LIMIT)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "metrics: %zu rows, at most %d are supported", input->rows,
                         RADZ_METRIC_ROW_LIMIT - 1);
    if (input->rows > 0 && input->classes > 0) {
        if ((input->scores == NULL) == (input->scores_f32 == NULL))
            return radz_fail(err, RADZ_E_INTERNAL, "metrics: wanted scores as double or as float, found %s",
                             input->scores == NULL ? "neither" : "both");
        if (input->labels == NULL)
            return radz_fail(err, RADZ_E_INTERNAL, "metrics: no labels");
    }
    for (size_t c = 0; points != NULL && c < input->classes; c++)
        if (radz_metric_check_point(input, c, &points[c], err) != RADZ_OK)
            return RADZ_E_VALUE;
    return RADZ_OK;
}

/* "row 17 ('a.png'), class 3 ('Edema'): ..." */
static radz_status fail_at(const radz_metric_input *input, size_t row, size_t class_index, const char *found,
                           radz_error *err)
{
    const char *row_name = input->row_names ? input->row_names[row] : NULL;
    const char *class_name = input->class_names ? input->class_names[class_index] : NULL;
    return radz_fail(err, RADZ_E_VALUE, "row %zu%s%s%s, class %zu%s%s%s: %s", row, row_name ? " ('" : "",
                     row_name ? row_name : "", row_name ? "')" : "", class_index, class_name ? " ('" : "",
                     class_name ? class_name : "", class_name ? "')" : "", found);
}

/* Radix sort by key, least significant byte first; bytes that are the same in every key cost nothing. */
static void sort_ranked(radz_metric_work *work)
{
    static const int digits = 8;
    uint32_t count[8][256];
    radz_ranked *from = work->ranked, *to = work->spare;
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < work->count; i++)
        for (int d = 0; d < digits; d++)
            count[d][from[i].key >> (8 * d) & 255]++;
    for (int d = 0; d < digits; d++) {
        if (work->count == 0 || count[d][from[0].key >> (8 * d) & 255] == work->count)
            continue;
        uint32_t at = 0;
        for (int b = 0; b < 256; b++) {
            uint32_t here = count[d][b];
            count[d][b] = at;
            at += here;
        }
        for (size_t i = 0; i < work->count; i++)
            to[count[d][from[i].key >> (8 * d) & 255]++] = from[i];
        radz_ranked *sorted = to;
        to = from;
        from = sorted;
    }
    work->ranked = from;
    work->spare = to;
}

radz_status radz_rank_class(const radz_metric_input *input, size_t class_index, radz_metric_work *work,
                            radz_error *err)
{
    if (work->capacity < input->rows) {
        free(work->ranked);
        free(work->spare);
        work->capacity = 0;
        work->ranked = radz_calloc(input->rows, sizeof *work->ranked, err);
        work->spare = radz_calloc(input->rows, sizeof *work->spare, err);
        if (work->ranked == NULL || work->spare == NULL)
            return RADZ_E_NOMEM;
        work->capacity = input->rows;
    }
    work->count = work->positives = 0;
    for (size_t row = 0; row < input->rows; row++) {
        size_t at = row * input->classes + class_index;
        int label = input->labels[at];
        if (label == -1)
            continue;
        if (label != 0 && label != 1) {
            char found[64];
            snprintf(found, sizeof found, "label %d, wanted 1, 0 or -1", label);
            return fail_at(input, row, class_index, found, err);
        }
        double score = input->scores ? input->scores[at] : (double)input->scores_f32[at];
        if (isnan(score))
            return fail_at(input, row, class_index, "the score is NaN, wanted a number", err);
        radz_ranked *ranked = &work->ranked[work->count++];
        ranked->key = radz_rank_key(score);
        ranked->row = (uint32_t)row;
        ranked->positive = (uint32_t)label;
        work->positives += (size_t)label;
    }
    sort_ranked(work);
    return RADZ_OK;
}
