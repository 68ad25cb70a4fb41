#include "metric/calibration.h"

#include <math.h>
#include <stdlib.h>

#include "base/detmath.h"
#include "base/mem.h"
#include "metric/normal.h"
#include "metric/ranking.h"
#include "metric/resample.h"

/* A distinct value of x and how often it has each label. */
typedef struct level {
    double x, negatives, positives;
} level;

static const double edge = 0x1p-52;

static double logit(double p)
{
    p = p < edge ? edge : p > 1 - edge ? 1 - edge : p;
    return det_log(p / (1 - p));
}

static double sigmoid(double z)
{
    double e = det_exp(-fabs(z));
    return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

const char *radz_calibration_name(radz_calibration_kind kind)
{
    static const char *const names[] = {"score", "temperature", "platt"};
    return names[kind];
}

/* The labelled rows of a class as levels, from the highest score on. */
static radz_status make_levels(const radz_metric_input *input, size_t class_index, radz_metric_work *work, level **out,
                               size_t *count, radz_error *err)
{
    *out = NULL;
    *count = 0;
    radz_status st = radz_metric_check(input, NULL, err);
    if (st == RADZ_OK && class_index >= input->classes)
        st = radz_fail(err, RADZ_E_INTERNAL, "calibration: class %zu of %zu", class_index, input->classes);
    if (st == RADZ_OK)
        st = radz_rank_class(input, class_index, work, err);
    if (st != RADZ_OK)
        return st;
    level *levels = radz_calloc(work->count, sizeof *levels, err);
    if (levels == NULL)
        return RADZ_E_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < work->count;) {
        uint64_t key = work->ranked[i].key;
        level *l = &levels[n++];
        l->x = radz_rank_score(key);
        for (; i < work->count && work->ranked[i].key == key; i++)
            work->ranked[i].positive ? l->positives++ : l->negatives++;
    }
    *out = levels;
    *count = n;
    return RADZ_OK;
}

/* Mean log loss of sigmoid(a x + b): log(1 + exp(-|z|)) + ... without overflow. */
static double log_loss(const level *levels, size_t n, double rows, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double z = a * levels[i].x + b, tail = det_log(1 + det_exp(-fabs(z)));
        sum += levels[i].positives * (tail + (z < 0 ? -z : 0)) + levels[i].negatives * (tail + (z > 0 ? z : 0));
    }
    return sum / rows;
}

/* Do the levels part the labels: every positive at or above every negative (or the other way), on one level at most
 * together? Then the best a is infinite. */
static bool separable(const level *levels, size_t n)
{
    for (int sign = 0; sign < 2; sign++) {
        bool negatives_seen = false, mixed = false;
        for (size_t k = 0; k < n && !mixed; k++) {
            const level *l = &levels[sign ? n - 1 - k : k];
            mixed = negatives_seen && l->positives > 0;
            negatives_seen = negatives_seen || l->negatives > 0;
        }
        if (!mixed)
            return true;
    }
    return false;
}

/* Least log loss over a and (with `shift`) b, by Newton with halved steps. x is centred and scaled first, so that the two
 * parameters hardly depend on each other. */
static radz_metric_status fit(const level *levels, size_t n, bool shift, double *a, double *b, level *space)
{
    double rows = 0, positives = 0, mean = 0, spread = 0;
    *a = *b = NAN;
    for (size_t i = 0; i < n; i++) {
        positives += levels[i].positives;
        rows += levels[i].positives + levels[i].negatives;
        mean += (levels[i].positives + levels[i].negatives) * levels[i].x;
    }
    if (rows == 0)
        return RADZ_METRIC_NO_ROWS;
    if (positives == 0 || positives == rows)
        return RADZ_METRIC_ONE_VALUE;
    mean = shift ? mean / rows : 0;
    for (size_t i = 0; i < n; i++)
        spread += (levels[i].positives + levels[i].negatives) * (levels[i].x - mean) * (levels[i].x - mean);
    spread = sqrt(spread / rows);
    if (!(spread > 0) || (shift && n < 2))
        return RADZ_METRIC_ZERO_VARIANCE;
    bool parts = shift ? separable(levels, n) : true;
    for (size_t i = 0; !shift && i < n; i++) /* through the origin: no row on the wrong side of 0, for one sign of a */
        parts = parts && (levels[i].x > 0 ? levels[i].negatives == 0 : levels[i].x < 0 ? levels[i].positives == 0 : true);
    bool other = !shift;
    for (size_t i = 0; !shift && i < n; i++)
        other = other && (levels[i].x < 0 ? levels[i].negatives == 0 : levels[i].x > 0 ? levels[i].positives == 0 : true);
    if (parts || other)
        return RADZ_METRIC_SEPARABLE;
    for (size_t i = 0; i < n; i++)
        space[i] = (level){(levels[i].x - mean) / spread, levels[i].negatives, levels[i].positives};
    double u = 0, v = shift ? det_log(positives / (rows - positives)) : 0, loss = log_loss(space, n, rows, u, v);
    for (int step = 0; step < 200; step++) {
        double gu = 0, gv = 0, huu = 0, huv = 0, hvv = 0;
        for (size_t i = 0; i < n; i++) {
            double x = space[i].x, all = space[i].positives + space[i].negatives, p = sigmoid(u * x + v);
            double g = all * p - space[i].positives, h = all * p * (1 - p);
            gu += g * x;
            gv += g;
            huu += h * x * x;
            huv += h * x;
            hvv += h;
        }
        double du, dv = 0;
        if (shift) {
            double det = huu * hvv - huv * huv;
            du = (hvv * gu - huv * gv) / det;
            dv = (huu * gv - huv * gu) / det;
        } else {
            du = gu / huu;
        }
        if (!isfinite(du) || !isfinite(dv))
            break;
        double part = 1, next = log_loss(space, n, rows, u - du, v - dv);
        while (!(next <= loss) && part > 1e-10) {
            part /= 2;
            next = log_loss(space, n, rows, u - part * du, v - part * dv);
        }
        if (!(next <= loss))
            break; /* rounding: this is the optimum */
        u -= part * du;
        v -= part * dv;
        loss = next;
        if (fabs(part * du) <= 1e-14 * (1 + fabs(u)) && fabs(part * dv) <= 1e-14 * (1 + fabs(v)))
            break;
    }
    *a = u / spread;
    *b = v - u / spread * mean;
    return RADZ_METRIC_OK;
}

radz_status radz_calibration_fit(const radz_metric_input *input, size_t class_index, radz_calibration_kind kind,
                                 radz_metric_work *work, radz_calibration *out, radz_error *err)
{
    *out = (radz_calibration){.kind = kind, .a = 1};
    level *levels;
    size_t n;
    radz_status st = make_levels(input, class_index, work, &levels, &n, err);
    if (st != RADZ_OK || kind == RADZ_CALIBRATION_SCORE) {
        free(levels);
        return st;
    }
    level *space = radz_calloc(n, sizeof *space, err);
    if (space == NULL)
        st = RADZ_E_NOMEM;
    out->of_logit = kind == RADZ_CALIBRATION_TEMPERATURE;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        if (isinf(levels[i].x))
            st = radz_fail(err, RADZ_E_VALUE, "calibration of class %zu%s%s: an infinite score, wanted finite ones", class_index,
                           input->class_names ? " " : "", input->class_names ? input->class_names[class_index] : "");
        out->of_logit = out->of_logit && levels[i].x >= 0 && levels[i].x <= 1;
    }
    for (size_t i = 0; st == RADZ_OK && out->of_logit && i < n; i++)
        levels[i].x = logit(levels[i].x);
    if (st == RADZ_OK)
        out->status = fit(levels, n, kind == RADZ_CALIBRATION_PLATT, &out->a, &out->b, space);
    if (kind == RADZ_CALIBRATION_TEMPERATURE)
        out->b = out->status == RADZ_METRIC_OK ? 0 : NAN;
    free(levels);
    free(space);
    return st;
}

double radz_calibration_probability(const radz_calibration *calibration, double score)
{
    if (calibration == NULL || calibration->kind == RADZ_CALIBRATION_SCORE)
        return score;
    return sigmoid(calibration->a * (calibration->of_logit ? logit(score) : score) + calibration->b);
}

void radz_wilson_interval(double successes, double count, double confidence, double *low, double *high)
{
    double z = radz_normal_quantile(0.5 + confidence / 200), share = successes / count, under = 1 + z * z / count;
    double middle = (share + z * z / (2 * count)) / under;
    double half = z / under * sqrt(share * (1 - share) / count + z * z / (4 * count * count));
    *low = successes == 0 ? 0 : middle - half;
    *high = successes == count ? 1 : middle + half;
}

/* The bin of p among inner edges: how many of them are below it. */
static size_t bin_of(double p, const double *edges)
{
    size_t bin = 0;
    while (bin + 1 < RADZ_CALIBRATION_BINS && edges[bin + 1] < p)
        bin++;
    return bin;
}

static double fill_bins(const level *levels, size_t n, double rows, const double *edges, radz_reliability_bin *bins)
{
    double sums[RADZ_CALIBRATION_BINS] = {0}, ece = 0;
    for (size_t k = 0; k < RADZ_CALIBRATION_BINS; k++)
        bins[k] = (radz_reliability_bin){.low = edges[k], .high = edges[k + 1]};
    for (size_t i = 0; i < n; i++) {
        size_t k = bin_of(levels[i].x, edges);
        double all = levels[i].positives + levels[i].negatives;
        bins[k].count += (size_t)all;
        bins[k].positives += (size_t)levels[i].positives;
        sums[k] += all * levels[i].x;
    }
    for (size_t k = 0; k < RADZ_CALIBRATION_BINS; k++) {
        radz_reliability_bin *b = &bins[k];
        b->mean_probability = b->count > 0 ? sums[k] / (double)b->count : NAN;
        b->observed = b->count > 0 ? (double)b->positives / (double)b->count : NAN;
        if (b->count > 0)
            ece += (double)b->count / rows * fabs(b->mean_probability - b->observed);
    }
    return ece;
}

static radz_status measure_levels(level *levels, size_t n, double confidence, radz_calibration_report *out, radz_error *err)
{
    double rows = (double)out->count, sum = 0, squares = 0, edges[RADZ_CALIBRATION_BINS + 1];
    for (size_t i = 0; i < n; i++) {
        double p = levels[i].x;
        sum += (levels[i].positives + levels[i].negatives) * p;
        squares += levels[i].positives * (1 - p) * (1 - p) + levels[i].negatives * p * p;
    }
    double prevalence = (double)out->positives / rows;
    out->mean_probability = sum / rows;
    out->brier = squares / rows;
    out->brier_reference = prevalence * (1 - prevalence);
    for (int k = 0; k <= RADZ_CALIBRATION_BINS; k++)
        edges[k] = k * (1.0 / RADZ_CALIBRATION_BINS); /* as numpy.linspace */
    double *sorted = radz_calloc(out->count, sizeof *sorted, err);
    level *space = radz_calloc(n, sizeof *space, err);
    radz_reliability_bin quantiles[RADZ_CALIBRATION_BINS];
    if (sorted == NULL || space == NULL) {
        free(sorted);
        free(space);
        return RADZ_E_NOMEM;
    }
    out->ece = fill_bins(levels, n, rows, edges, out->bins);
    for (size_t k = 0; k < RADZ_CALIBRATION_BINS; k++) {
        radz_reliability_bin *b = &out->bins[k];
        b->ci_low = b->ci_high = NAN;
        if (b->count > 0)
            radz_wilson_interval((double)b->positives, (double)b->count, confidence, &b->ci_low, &b->ci_high);
    }
    size_t at = 0;
    for (size_t i = n; i-- > 0;)
        for (double k = levels[i].positives + levels[i].negatives; k > 0; k--)
            sorted[at++] = levels[i].x;
    for (int k = 0; k <= RADZ_CALIBRATION_BINS; k++)
        edges[k] = radz_percentile(sorted, out->count, 100 * (k * (1.0 / RADZ_CALIBRATION_BINS)));
    out->ece_equal_count = fill_bins(levels, n, rows, edges, quantiles);
    for (size_t i = 0; i < n; i++)
        levels[i].x = logit(levels[i].x);
    out->slope_status = fit(levels, n, true, &out->slope, &out->intercept, space);
    free(sorted);
    free(space);
    return RADZ_OK;
}

radz_status radz_calibration_measure(const radz_metric_input *input, size_t class_index, const radz_calibration *calibration,
                                     double confidence, radz_metric_work *work, radz_calibration_report *out, radz_error *err)
{
    *out = (radz_calibration_report){
        .mean_probability = NAN, .brier = NAN, .brier_reference = NAN, .ece = NAN, .ece_equal_count = NAN, .slope = NAN,
        .intercept = NAN};
    for (size_t k = 0; k < RADZ_CALIBRATION_BINS; k++)
        out->bins[k] = (radz_reliability_bin){.mean_probability = NAN, .observed = NAN, .ci_low = NAN, .ci_high = NAN};
    level *levels;
    size_t n;
    radz_status st = make_levels(input, class_index, work, &levels, &n, err);
    if (st != RADZ_OK)
        return st;
    out->count = work->count;
    out->positives = work->positives;
    if (n == 0)
        out->status = RADZ_METRIC_NO_ROWS;
    if (calibration != NULL && calibration->status != RADZ_METRIC_OK)
        out->status = calibration->status;
    for (size_t i = 0; out->status == RADZ_METRIC_OK && i < n; i++) {
        levels[i].x = radz_calibration_probability(calibration, levels[i].x);
        if (!(levels[i].x >= 0 && levels[i].x <= 1))
            out->status = RADZ_METRIC_OUTSIDE;
    }
    bool falling = out->status == RADZ_METRIC_OK && n > 1 && levels[0].x < levels[n - 1].x; /* a < 0 turns the order round */
    for (size_t i = 0; falling && i < n / 2; i++) {
        level other = levels[i];
        levels[i] = levels[n - 1 - i];
        levels[n - 1 - i] = other;
    }
    out->slope_status = out->status;
    if (out->status == RADZ_METRIC_OK)
        st = measure_levels(levels, n, confidence, out, err);
    free(levels);
    return st;
}
