#include "metric/sklearn_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "metric/ranking.h"

double radz_numpy_sum(const double *values, size_t count)
{
    if (count < 8) {
        double sum = count > 0 ? values[0] : 0;
        for (size_t i = 1; i < count; i++)
            sum += values[i];
        return sum;
    }
    if (count > 128) {
        size_t half = count / 2;
        half -= half % 8;
        return radz_numpy_sum(values, half) + radz_numpy_sum(values + half, count - half);
    }
    double r[8];
    size_t i = 8;
    memcpy(r, values, sizeof r);
    for (; i < count - count % 8; i += 8)
        for (size_t j = 0; j < 8; j++)
            r[j] += values[i + j];
    double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < count; i++)
        sum += values[i];
    return sum;
}

double radz_numpy_mean(const double *values, size_t count)
{
    return radz_numpy_sum(values, count) / (double)count;
}

double radz_numpy_round(double value, uint32_t digits)
{
    double scale = 1;
    for (uint32_t i = 0; i < digits; i++)
        scale *= 10;
    return digits == 0 ? value : rint(value * scale) / scale;
}

/* ---- a class, ranked once ---- */

void radz_ranked_free(radz_ranked_class *r)
{
    free(r->rows);
    free(r->positive);
    free(r->ends);
    free(r->scores);
    *r = (radz_ranked_class){0};
}

radz_status radz_rank_rows(const radz_metric_input *input, size_t class_index, radz_metric_work *work, radz_ranked_class *out,
                        radz_error *err)
{
    radz_status st = radz_rank_class(input, class_index, work, err);
    if (st != RADZ_OK)
        return st;
    *out = (radz_ranked_class){.count = work->count, .positives = work->positives};
    out->rows = radz_calloc(out->count, sizeof *out->rows, err);
    out->positive = radz_calloc(out->count, sizeof *out->positive, err);
    out->ends = radz_calloc(out->count, sizeof *out->ends, err);
    out->scores = radz_calloc(out->count, sizeof *out->scores, err);
    if (out->rows == NULL || out->positive == NULL || out->ends == NULL || out->scores == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < out->count; i++) {
        out->rows[i] = work->ranked[i].row;
        out->positive[i] = (uint8_t)work->ranked[i].positive;
        if (i + 1 == out->count || work->ranked[i + 1].key != work->ranked[i].key) {
            out->scores[out->groups] = radz_rank_score(work->ranked[i].key);
            out->ends[out->groups++] = (uint32_t)i + 1;
        }
    }
    return RADZ_OK;
}

/* ---- curves over distinct scores, from the highest on ---- */

void radz_curve_free(radz_curve *c)
{
    free(c->tps);
    free(c->fps);
    free(c->scores);
    free(c->scratch);
    *c = (radz_curve){0};
}

radz_status radz_curve_make(radz_curve *c, size_t rows, radz_error *err)
{
    c->tps = radz_calloc(rows + 2, sizeof *c->tps, err);
    c->fps = radz_calloc(rows + 2, sizeof *c->fps, err);
    c->scores = radz_calloc(rows + 2, sizeof *c->scores, err);
    c->scratch = radz_calloc(rows + 2, sizeof *c->scratch, err);
    return c->tps == NULL || c->fps == NULL || c->scores == NULL || c->scratch == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

void radz_curve_fill(radz_curve *c, const radz_ranked_class *r, const uint32_t *weights)
{
    uint64_t tp = 0, fp = 0;
    size_t place = 0;
    c->count = 0;
    for (size_t g = 0; g < r->groups; g++) {
        uint64_t before = tp + fp;
        for (; place < r->ends[g]; place++) {
            uint64_t weight = weights == NULL ? 1 : weights[r->rows[place]];
            tp += r->positive[place] ? weight : 0;
            fp += r->positive[place] ? 0 : weight;
        }
        if (tp + fp == before)
            continue;
        c->tps[c->count] = (double)tp;
        c->fps[c->count] = (double)fp;
        c->scores[c->count++] = r->scores[g];
    }
}

static double all_positives(const radz_curve *c)
{
    return c->count > 0 ? c->tps[c->count - 1] : 0;
}

static double all_negatives(const radz_curve *c)
{
    return c->count > 0 ? c->fps[c->count - 1] : 0;
}

/* Whether roc_curve keeps point i: the ends, and where the steps before and after it differ. */
static bool is_corner(const radz_curve *c, size_t i)
{
    if (i == 0 || i + 1 >= c->count)
        return true;
    return c->fps[i + 1] - c->fps[i] != c->fps[i] - c->fps[i - 1] || c->tps[i + 1] - c->tps[i] != c->tps[i] - c->tps[i - 1];
}

static double curve_auc(const radz_curve *c)
{
    double p = all_positives(c), n = all_negatives(c), x = 0, y = 0;
    size_t terms = 0;
    if (p == 0 || n == 0)
        return NAN;
    for (size_t i = 0; i < c->count; i++) {
        if (!is_corner(c, i))
            continue;
        double fpr = c->fps[i] / n, tpr = c->tps[i] / p;
        c->scratch[terms++] = (fpr - x) * (tpr + y) / 2;
        x = fpr;
        y = tpr;
    }
    return radz_numpy_sum(c->scratch, terms);
}

static double precision_at(const radz_curve *c, size_t i)
{
    return c->tps[i] / (c->tps[i] + c->fps[i]);
}

static double recall_at(const radz_curve *c, size_t i)
{
    double p = all_positives(c);
    return p == 0 ? 1 : c->tps[i] / p;
}

/* auc(recall, precision): recall falls along precision_recall_curve, so the sum is negative and its sign is turned. */
static double curve_auprc(const radz_curve *c)
{
    size_t terms = 0;
    for (size_t i = c->count; i-- > 0;) {
        double next_recall = i > 0 ? recall_at(c, i - 1) : 0, next_precision = i > 0 ? precision_at(c, i - 1) : 1;
        c->scratch[terms++] = (next_recall - recall_at(c, i)) * (next_precision + precision_at(c, i)) / 2;
    }
    return all_positives(c) == 0 || all_negatives(c) == 0 ? NAN : -radz_numpy_sum(c->scratch, terms);
}

static double curve_f1(const radz_curve *c, size_t i)
{
    double precision = precision_at(c, i), recall = recall_at(c, i), under = recall + precision;
    return under == 0 ? 0 : 2 * recall * precision / under;
}

/* ---- counts and what stands on them ---- */

typedef struct counts {
    double tp, fp, positives, negatives;
} counts;

/* How many scores of the curve are called positive: they are its first ones. */
static size_t called_scores(const radz_curve *c, double threshold, radz_threshold_side at)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool called = at == RADZ_ABOVE ? c->scores[middle] > threshold : c->scores[middle] >= threshold;
        if (called)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static counts counts_at(const radz_curve *c, double threshold, radz_threshold_side at)
{
    size_t called = called_scores(c, threshold, at);
    return (counts){called > 0 ? c->tps[called - 1] : 0, called > 0 ? c->fps[called - 1] : 0, all_positives(c),
                    all_negatives(c)};
}

static double f1_of(const counts *c, double empty)
{
    double under = c->positives + (c->tp + c->fp);
    return under == 0 ? empty : 2 * c->tp / under;
}

static double acc_of(const counts *c)
{
    return (c->tp + (c->negatives - c->fp)) / (c->positives + c->negatives);
}

static double mcc_of(const counts *c)
{
    double rows = c->positives + c->negatives, called = c->tp + c->fp, correct = c->tp + (c->negatives - c->fp);
    double together = correct * rows - (c->negatives * (rows - called) + c->positives * called);
    double called_spread = rows * rows - ((rows - called) * (rows - called) + called * called);
    double true_spread = rows * rows - (c->negatives * c->negatives + c->positives * c->positives);
    double under = called_spread * true_spread;
    return under == 0 ? 0 : together / sqrt(under);
}

/* ---- the threshold ---- */

static double choose_f1(const radz_curve *c, bool corners)
{
    double best = -1, threshold = 0;
    for (size_t i = c->count; i-- > 0;) {
        double f1 = corners && !is_corner(c, i) ? -1 : curve_f1(c, i);
        if (f1 > best) {
            best = f1;
            threshold = c->scores[i];
        }
    }
    return threshold;
}

static double mcc_at(const radz_curve *c, size_t i, double positives, double negatives)
{
    return mcc_of(&(counts){c->tps[i], c->fps[i], positives, negatives});
}

static double choose_mcc(const radz_curve *c, bool corners)
{
    double best = -2, threshold = 0, p = all_positives(c), n = all_negatives(c);
    for (size_t i = c->count; i-- > 0;) {
        double mcc = corners && !is_corner(c, i) ? -2 : mcc_at(c, i, p, n);
        if (mcc > best) {
            best = mcc;
            threshold = c->scores[i];
        }
    }
    return threshold;
}

static double choose_mcc_by_rows(const radz_curve *c, const radz_row_order *order)
{
    double best = 0, threshold = 0, p = all_positives(c), n = all_negatives(c);
    size_t equals = 0;
    for (size_t i = 0; i < c->count; i++) {
        double mcc = c->scratch[i] = mcc_at(c, i, p, n);
        equals = mcc > best ? 1 : equals + (mcc == best && best > 0);
        if (mcc > best) {
            best = mcc;
            threshold = c->scores[i];
        }
    }
    for (size_t k = 0; equals > 1 && k < order->count; k++) { /* several: the one of the first row */
        size_t at = (order->rows == NULL ? k : order->rows[k]) * order->input->classes + order->class_index;
        double score = order->input->scores[at];
        size_t place = order->input->labels[at] == -1 ? 0 : called_scores(c, score, RADZ_AT_LEAST);
        if (place > 0 && c->scratch[place - 1] == best)
            return score;
    }
    return threshold;
}

double radz_curve_threshold(const radz_curve *c, const radz_protocol_rules *rules, const radz_row_order *order)
{
    bool corners = rules->search == RADZ_SEARCH_CORNERS;
    if (rules->rule == RADZ_THRESHOLD_MAX_F1)
        return choose_f1(c, corners);
    return rules->search == RADZ_SEARCH_ROWS ? choose_mcc_by_rows(c, order) : choose_mcc(c, corners);
}

void radz_curve_figures(const radz_curve *c, const radz_protocol_rules *rules, double threshold, const bool *wanted,
                       double out[RADZ_FIGURE_COUNT])
{
    for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++)
        out[f] = NAN;
    if (c->count == 0)
        return;
    if (wanted[RADZ_FIGURE_AUC])
        out[RADZ_FIGURE_AUC] = curve_auc(c);
    if (wanted[RADZ_FIGURE_AUPRC])
        out[RADZ_FIGURE_AUPRC] = curve_auprc(c);
    if (isnan(threshold))
        return;
    counts f1 = counts_at(c, threshold, rules->f1_at), acc = counts_at(c, threshold, rules->acc_at);
    size_t called = called_scores(c, threshold, RADZ_AT_LEAST);
    out[RADZ_FIGURE_F1] = rules->f1_form == RADZ_F1_CURVE && called > 0 ? curve_f1(c, called - 1) : f1_of(&f1, rules->f1_empty);
    out[RADZ_FIGURE_ACC] = acc_of(&acc);
    out[RADZ_FIGURE_MCC] = mcc_of(&f1);
    out[RADZ_FIGURE_THRESHOLD] = threshold;
}
