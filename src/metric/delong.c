#include "metric/delong.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "base/mem.h"
#include "metric/normal.h"
#include "metric/ranking.h"

/* Twice the number of rows of the other label that a row beats (positives) or loses to (negatives), ties once: 2 n V10 and
 * 2 m V01 as whole numbers. */
typedef struct placed_row {
    uint32_t beaten;
    int8_t label; /* -1: masked */
} placed_row;

typedef struct cluster_sum {
    int64_t beaten[2][2]; /* [model][label] */
    uint32_t rows[2];     /* [label] */
} cluster_sum;

struct radz_delong_work {
    radz_metric_work *rank;
    placed_row *placed[2];
    size_t placed_capacity[2];
    cluster_sum *clusters;
    size_t cluster_capacity;
};

radz_status radz_delong_work_create(radz_delong_work **out, radz_error *err)
{
    *out = NULL;
    radz_delong_work *work = radz_calloc(1, sizeof *work, err);
    if (work == NULL)
        return RADZ_E_NOMEM;
    radz_status status = radz_metric_work_create(&work->rank, err);
    if (status == RADZ_OK)
        *out = work;
    else
        radz_delong_work_free(work);
    return status;
}

void radz_delong_work_free(radz_delong_work *work)
{
    if (work == NULL)
        return;
    radz_metric_work_free(work->rank);
    free(work->placed[0]);
    free(work->placed[1]);
    free(work->clusters);
    free(work);
}

/* Fills work->placed[which] and the AUC. */
static radz_status place(const radz_metric_input *input, size_t class_index, int which, radz_delong_work *work,
                         radz_delong *out, radz_error *err)
{
    *out = (radz_delong){.auc = NAN, .variance = NAN, .auc_status = RADZ_METRIC_NO_ROWS, .status = RADZ_METRIC_NO_ROWS};
    radz_status status = radz_metric_check(input, NULL, err);
    if (status == RADZ_OK && class_index >= input->classes)
        status = radz_fail(err, RADZ_E_INTERNAL, "DeLong: class %zu of %zu", class_index, input->classes);
    if (status == RADZ_OK)
        status = radz_grow(&work->placed[which], &work->placed_capacity[which], input->rows, sizeof *work->placed[which],
                           err);
    if (status == RADZ_OK)
        status = radz_rank_class(input, class_index, work->rank, err);
    if (status != RADZ_OK)
        return status;
    const radz_metric_work *rank = work->rank;
    placed_row *placed = work->placed[which];
    for (size_t i = 0; i < input->rows; i++)
        placed[i] = (placed_row){0, -1};
    uint32_t m = (uint32_t)rank->positives, n = (uint32_t)(rank->count - rank->positives), tp = 0, fp = 0;
    double lost = 0;
    for (size_t i = 0; i < rank->count;) {
        size_t first = i;
        uint64_t key = rank->ranked[i].key;
        uint32_t positives = 0;
        for (; i < rank->count && rank->ranked[i].key == key; i++)
            positives += rank->ranked[i].positive;
        uint32_t negatives = (uint32_t)(i - first) - positives;
        for (size_t k = first; k < i; k++) {
            const radz_ranked *r = &rank->ranked[k];
            placed[r->row] = r->positive ? (placed_row){2 * (n - fp) - negatives, 1} : (placed_row){2 * tp + positives, 0};
        }
        lost += (double)positives * (2 * (double)fp + negatives);
        tp += positives;
        fp += negatives;
    }
    out->positives = m;
    out->negatives = n;
    out->auc_status = m > 0 && n > 0 ? RADZ_METRIC_OK : rank->count > 0 ? RADZ_METRIC_ONE_VALUE : RADZ_METRIC_NO_ROWS;
    if (out->auc_status == RADZ_METRIC_OK) { /* the same operations as in metric.c */
        double pairs = 2 * (double)m * (double)n;
        out->auc = (pairs - lost) / pairs;
    }
    out->status = out->auc_status;
    if (out->status == RADZ_METRIC_OK && (m < 2 || n < 2))
        out->status = RADZ_METRIC_FEW_ROWS;
    return RADZ_OK;
}

/* Variances of two AUCs, their covariance, and the variance of their difference: by itself, not as the rest of the other
 * three, which would leave rounding where the models rank nearly alike. */
typedef struct spreads {
    double aa, bb, ab, dd;
} spreads;

typedef struct exact_sums {
    int64_t a, b;
    __int128 aa, bb, ab;
} exact_sums;

/* count (count - 1) times a sample covariance; the sums are below 2^108. */
static double exact_moment(size_t count, __int128 xy, int64_t x, int64_t y)
{
    return (double)((__int128)count * xy - (__int128)x * y);
}

static void independent_spreads(const placed_row *a, const placed_row *b, size_t rows, double m, double n, spreads *out)
{
    exact_sums sums[2] = {{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}};
    for (size_t i = 0; i < rows; i++) {
        if (a[i].label < 0)
            continue;
        exact_sums *s = &sums[a[i].label];
        int64_t x = a[i].beaten, y = b[i].beaten;
        s->a += x;
        s->b += y;
        s->aa += x * x;
        s->bb += y * y;
        s->ab += x * y;
    }
    *out = (spreads){0, 0, 0, 0};
    for (int label = 0; label < 2; label++) {
        const exact_sums *s = &sums[label];
        double count = label ? m : n, other = label ? n : m;
        double under = count * (count - 1) * count * (4 * other * other); /* V = beaten / (2 other), S / count */
        size_t k = (size_t)count;
        out->aa += exact_moment(k, s->aa, s->a, s->a) / under;
        out->bb += exact_moment(k, s->bb, s->b, s->b) / under;
        out->ab += exact_moment(k, s->ab, s->a, s->b) / under;
        out->dd += exact_moment(k, s->aa + s->bb - 2 * s->ab, s->a - s->b, s->a - s->b) / under;
    }
}

static radz_status sum_clusters(const radz_delong_work *work, const radz_clusters *clusters, size_t rows, bool two,
                                radz_error *err)
{
    for (size_t i = 0; i < rows; i++) {
        const placed_row *a = &work->placed[0][i], *b = &work->placed[two][i];
        if (clusters->of[i] >= clusters->count)
            return radz_fail(err, RADZ_E_VALUE, "DeLong: row %zu has cluster number %u, wanted one below %zu", i,
                             (unsigned)clusters->of[i], clusters->count);
        if (a->label < 0)
            continue;
        cluster_sum *sum = &work->clusters[clusters->of[i]];
        sum->rows[a->label]++;
        sum->beaten[0][a->label] += a->beaten;
        sum->beaten[1][a->label] += b->beaten;
    }
    return RADZ_OK;
}

/* Obuchowski's form from the sums of the clusters, in order of their numbers. False with too few clusters. */
static bool clustered_spreads(const radz_delong_work *work, size_t count, const double auc[2], double m, double n,
                              spreads *out)
{
    double xx[4] = {0}, yy[4] = {0}, xy[4] = {0};
    size_t with_positive = 0, with_negative = 0, with_any = 0;
    for (size_t i = 0; i < count; i++) {
        const cluster_sum *c = &work->clusters[i];
        with_positive += c->rows[1] > 0;
        with_negative += c->rows[0] > 0;
        with_any += c->rows[0] + c->rows[1] > 0;
        double x[2], y[2];
        for (int k = 0; k < 2; k++) {
            x[k] = (double)c->beaten[k][1] / (2 * n) - c->rows[1] * auc[k];
            y[k] = (double)c->beaten[k][0] / (2 * m) - c->rows[0] * auc[k];
        }
        double x_difference = x[0] - x[1], y_difference = y[0] - y[1];
        const double left[4][2] = {{x[0], y[0]}, {x[1], y[1]}, {x[0], y[0]}, {x_difference, y_difference}};
        const double right[4][2] = {{x[0], y[0]}, {x[1], y[1]}, {x[1], y[1]}, {x_difference, y_difference}};
        for (int k = 0; k < 4; k++) {
            xx[k] += left[k][0] * right[k][0];
            yy[k] += left[k][1] * right[k][1];
            xy[k] += left[k][0] * right[k][1] + right[k][0] * left[k][1];
        }
    }
    if (with_positive < 2 || with_negative < 2)
        return false;
    double i10 = (double)with_positive, i01 = (double)with_negative, all = (double)with_any, found[4];
    for (int k = 0; k < 4; k++) {
        found[k] = i10 / (i10 - 1) * xx[k] / (m * m) + i01 / (i01 - 1) * yy[k] / (n * n) + all / (all - 1) * xy[k] / (m * n);
        if (k != 2 && found[k] < 0) /* the cross term can turn a tiny variance below zero */
            found[k] = 0;
    }
    *out = (spreads){found[0], found[1], found[2], found[3]};
    return true;
}

/* work->placed -> variances. With one model (b NULL) it is paired with itself. */
static radz_status spread(const radz_clusters *clusters, size_t rows, radz_delong_work *work, radz_delong *a, radz_delong *b,
                          spreads *out, radz_error *err)
{
    *out = (spreads){NAN, NAN, NAN, NAN};
    bool two = b != NULL;
    b = two ? b : a;
    double m = (double)a->positives, n = (double)a->negatives;
    radz_status status = RADZ_OK;
    if (clusters == NULL) {
        if (a->status == RADZ_METRIC_OK)
            independent_spreads(work->placed[0], work->placed[two], rows, m, n, out);
    } else {
        status = radz_grow(&work->clusters, &work->cluster_capacity, clusters->count, sizeof *work->clusters, err);
        if (status == RADZ_OK && clusters->count > 0)
            memset(work->clusters, 0, clusters->count * sizeof *work->clusters);
        if (status == RADZ_OK)
            status = sum_clusters(work, clusters, rows, two, err);
        const double auc[2] = {a->auc, b->auc};
        if (status == RADZ_OK && a->status == RADZ_METRIC_OK && !clustered_spreads(work, clusters->count, auc, m, n, out))
            a->status = b->status = RADZ_METRIC_FEW_ROWS;
    }
    a->variance = out->aa;
    b->variance = out->bb;
    return status;
}

radz_status radz_delong_class(const radz_metric_input *input, size_t class_index, const radz_clusters *clusters,
                              radz_delong_work *work, radz_delong *out, radz_error *err)
{
    spreads unused;
    radz_status status = place(input, class_index, 0, work, out, err);
    if (status == RADZ_OK)
        status = spread(clusters, input->rows, work, out, NULL, &unused, err);
    return status;
}

radz_status radz_delong_paired(const radz_metric_input *a, const radz_metric_input *b, size_t class_index,
                               const radz_clusters *clusters, radz_delong_work *work, radz_delong_pair *out,
                               radz_error *err)
{
    *out = (radz_delong_pair){.covariance = NAN, .difference = NAN, .variance = NAN, .z = NAN, .p = NAN};
    if (a->rows != b->rows)
        return radz_fail(err, RADZ_E_VALUE, "DeLong: %zu rows against %zu, wanted the same", a->rows, b->rows);
    radz_status status = place(a, class_index, 0, work, &out->a, err);
    if (status == RADZ_OK)
        status = place(b, class_index, 1, work, &out->b, err);
    if (status != RADZ_OK)
        return status;
    for (size_t i = 0; i < a->rows; i++)
        if (work->placed[0][i].label != work->placed[1][i].label)
            return radz_fail(err, RADZ_E_VALUE, "DeLong: row %zu, class %zu: label %d against %d, wanted the same", i,
                             class_index, work->placed[0][i].label, work->placed[1][i].label);
    spreads found;
    status = spread(clusters, a->rows, work, &out->a, &out->b, &found, err);
    if (status != RADZ_OK)
        return status;
    out->difference = out->a.auc - out->b.auc;
    out->status = out->test_status = out->a.status;
    if (out->status != RADZ_METRIC_OK)
        return RADZ_OK;
    out->covariance = found.ab;
    out->variance = found.dd;
    if (out->variance > 0)
        out->z = out->difference / sqrt(out->variance);
    else if (out->difference == 0)
        out->z = 0;
    else
        out->test_status = RADZ_METRIC_ZERO_VARIANCE;
    out->p = radz_normal_two_sided(out->z);
    return RADZ_OK;
}

static double cut(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* How many deviations an interval reaches to each side. */
static double reach(double confidence)
{
    return confidence > 0 && confidence < 100 ? radz_normal_quantile(0.5 + confidence / 200) : NAN;
}

radz_metric_status radz_delong_interval(const radz_delong *estimate, double confidence, radz_interval_form form,
                                        double *low, double *high)
{
    double auc = estimate->auc, half = reach(confidence) * sqrt(estimate->variance);
    *low = *high = NAN;
    if (estimate->status != RADZ_METRIC_OK)
        return estimate->status;
    if (form == RADZ_INTERVAL_PLAIN) {
        *low = cut(auc - half, 0, 1);
        *high = cut(auc + half, 0, 1);
        return RADZ_METRIC_OK;
    }
    if (!(auc > 0 && auc < 1))
        return RADZ_METRIC_ZERO_VARIANCE;
    double logit = det_log(auc / (1 - auc));
    half /= auc * (1 - auc);
    *low = 1 / (1 + det_exp(-(logit - half)));
    *high = 1 / (1 + det_exp(-(logit + half)));
    return RADZ_METRIC_OK;
}

radz_metric_status radz_delong_pair_interval(const radz_delong_pair *pair, double confidence, double *low, double *high)
{
    double half = reach(confidence) * sqrt(pair->variance);
    *low = *high = NAN;
    if (pair->status != RADZ_METRIC_OK)
        return pair->status;
    *low = cut(pair->difference - half, -1, 1);
    *high = cut(pair->difference + half, -1, 1);
    return RADZ_METRIC_OK;
}
