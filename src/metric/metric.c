#include "metric/metric.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "metric/ranking.h"

const radz_metric_info radz_metrics[RADZ_METRIC_COUNT] = {
    [RADZ_METRIC_AUC] = {
        .name = "auc",
        .title = "AUC",
        .description = "area under the ROC curve, ties count one half",
        .source = "sklearn.metrics.roc_auc_score",
        .averaged = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_AP] = {
        .name = "ap",
        .title = "AP",
        .description = "average precision, without interpolation",
        .source = "sklearn.metrics.average_precision_score",
        .averaged = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_F1_MAX] = {
        .name = "f1_max",
        .title = "max F1",
        .description = "highest F1 over all thresholds, chosen on the same labels (optimistic)",
        .source = "sklearn.metrics.precision_recall_curve",
        .averaged = true,
        .chosen_on_test = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_THRESHOLD_F1_MAX] = {
        .name = "threshold_f1_max",
        .title = "threshold of max F1",
        .description = "lowest score at which F1 is highest, chosen on the same labels",
        .source = "sklearn.metrics.precision_recall_curve",
        .chosen_on_test = true,
    },
    [RADZ_METRIC_THRESHOLD] = {
        .name = "threshold",
        .title = "threshold",
        .description = "operating point of the metrics below: positive at score >= threshold",
        .source = "threshold_f1_max, or fixed before the test",
        .at_threshold = true,
    },
    [RADZ_METRIC_F1] = {
        .name = "f1",
        .title = "F1",
        .description = "F1 of the positive class at the operating point",
        .source = "sklearn.metrics.f1_score",
        .averaged = true,
        .at_threshold = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_ACC] = {
        .name = "acc",
        .title = "ACC",
        .description = "accuracy at the operating point",
        .source = "sklearn.metrics.accuracy_score",
        .averaged = true,
        .at_threshold = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_SENSITIVITY] = {
        .name = "sensitivity",
        .title = "sensitivity",
        .description = "share of the positive rows called positive at the operating point",
        .source = "sklearn.metrics.recall_score",
        .averaged = true,
        .at_threshold = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_SPECIFICITY] = {
        .name = "specificity",
        .title = "specificity",
        .description = "share of the negative rows called negative at the operating point",
        .source = "sklearn.metrics.recall_score(pos_label=0)",
        .averaged = true,
        .at_threshold = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_PPV] = {
        .name = "ppv",
        .title = "PPV",
        .description = "share of the positive calls that are right at the operating point",
        .source = "sklearn.metrics.precision_score",
        .averaged = true,
        .at_threshold = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_NPV] = {
        .name = "npv",
        .title = "NPV",
        .description = "share of the negative calls that are right at the operating point",
        .source = "sklearn.metrics.precision_score(pos_label=0)",
        .averaged = true,
        .at_threshold = true,
        .higher_is_better = true,
    },
    [RADZ_METRIC_PREVALENCE] = {
        .name = "prevalence",
        .title = "prevalence",
        .description = "share of the labelled rows that are positive",
        .source = "mean of the labels",
        .averaged = true,
    },
};

const char *radz_metric_name(size_t i)
{
    return i < RADZ_METRIC_COUNT ? radz_metrics[i].name : NULL;
}

static const char *nth_name(const void *context, size_t i)
{
    (void)context;
    return radz_metric_name(i);
}

radz_status radz_metric_find(const char *name, radz_metric_id *out, radz_error *err)
{
    for (size_t i = 0; i < RADZ_METRIC_COUNT; i++)
        if (strcmp(radz_metrics[i].name, name) == 0) {
            *out = (radz_metric_id)i;
            return RADZ_OK;
        }
    return radz_fail_unknown(err, "metric", name, nth_name, NULL);
}

const char *radz_metric_status_name(radz_metric_status status)
{
    switch (status) {
    case RADZ_METRIC_OK:
        return "ok";
    case RADZ_METRIC_NO_ROWS:
        return "na-no-rows";
    case RADZ_METRIC_ONE_VALUE:
        return "na-one-value";
    case RADZ_METRIC_ZERO_DIVISION:
        return "na-zero-division";
    case RADZ_METRIC_NO_CLASS:
        return "na-no-class";
    case RADZ_METRIC_FEW_REPLICATES:
        return "na-few-replicates";
    case RADZ_METRIC_ONE_SIDED:
        return "na-one-sided";
    case RADZ_METRIC_FEW_PATIENTS:
        return "na-few-patients";
    case RADZ_METRIC_FEW_ROWS:
        return "na-few-rows";
    case RADZ_METRIC_SEPARABLE:
        return "na-separable";
    case RADZ_METRIC_NOT_TRAINED:
        return "na-not-trained";
    case RADZ_METRIC_OUTSIDE:
        return "na-no-probability";
    case RADZ_METRIC_ZERO_VARIANCE:
        return "na-zero-variance";
    case RADZ_METRIC_NO_VALIDATION:
        return "na-no-validation";
    case RADZ_METRIC_STOPPED:
        return "na-source-stops";
    }
    return "na";
}

static void put_ratio(radz_metric_values *out, radz_metric_id id, double over, double under)
{
    out->status[id] = under > 0 ? RADZ_METRIC_OK : RADZ_METRIC_ZERO_DIVISION;
    out->value[id] = under > 0 ? over / under : NAN;
}

void radz_metric_fill(const radz_class_counts *c, radz_metric_values *out)
{
    double p = c->positives, n = c->negatives, rows = p + n;
    if (p == 0 || n == 0) {
        for (size_t i = 0; i < RADZ_METRIC_COUNT; i++) {
            out->value[i] = NAN;
            out->status[i] = rows > 0 ? RADZ_METRIC_ONE_VALUE : RADZ_METRIC_NO_ROWS;
        }
        if (rows > 0)
            put_ratio(out, RADZ_METRIC_PREVALENCE, p, rows);
        return;
    }
    double tp = c->tp, fp = c->called - c->tp, fn = p - tp, tn = n - fp;
    put_ratio(out, RADZ_METRIC_AUC, 2 * p * n - c->lost, 2 * p * n);
    put_ratio(out, RADZ_METRIC_AP, c->ap_sum, p);
    put_ratio(out, RADZ_METRIC_F1_MAX, 2 * c->f1_tp, c->f1_denominator);
    put_ratio(out, RADZ_METRIC_THRESHOLD_F1_MAX, c->f1_threshold, 1);
    put_ratio(out, RADZ_METRIC_THRESHOLD, c->threshold, 1);
    put_ratio(out, RADZ_METRIC_F1, 2 * tp, 2 * tp + fp + fn);
    put_ratio(out, RADZ_METRIC_ACC, tp + tn, rows);
    put_ratio(out, RADZ_METRIC_SENSITIVITY, tp, p);
    put_ratio(out, RADZ_METRIC_SPECIFICITY, tn, n);
    put_ratio(out, RADZ_METRIC_PPV, tp, c->called);
    put_ratio(out, RADZ_METRIC_NPV, tn, tn + fn);
    put_ratio(out, RADZ_METRIC_PREVALENCE, p, rows);
}

static radz_status rank_checked(const radz_metric_input *input, size_t class_index, const radz_operating_point *points,
                                radz_metric_work *work, radz_error *err)
{
    radz_status status = radz_metric_check(input, points, err);
    if (status == RADZ_OK && class_index >= input->classes)
        status = radz_fail(err, RADZ_E_INTERNAL, "metrics: class %zu of %zu", class_index, input->classes);
    if (status == RADZ_OK)
        status = radz_rank_class(input, class_index, work, err);
    return status;
}

/* The plain form of every formula, for the rows as they are. radz_bootstrap does the same over weighted rows. */
static void measure(const radz_metric_work *work, const radz_operating_point *point, size_t rows,
                    radz_class_metrics *out)
{
    radz_operating_kind kind = point != NULL ? point->kind : RADZ_OPERATING_F1_MAX;
    bool fixed = kind == RADZ_OPERATING_FIXED, reached = false;
    radz_class_counts c = {
        .positives = (double)work->positives,
        .negatives = (double)(work->count - work->positives),
        .f1_denominator = 1,
    };
    double tp = 0, fp = 0;
    for (size_t i = 0; i < work->count;) {
        uint64_t key = work->ranked[i].key;
        double score = radz_rank_score(key), positives = 0, negatives = 0;
        for (; i < work->count && work->ranked[i].key == key; i++) {
            positives += work->ranked[i].positive;
            negatives += 1 - (double)work->ranked[i].positive;
        }
        c.lost += positives * (2 * fp + negatives);
        tp += positives;
        fp += negatives;
        if (positives > 0) { /* where it is 0 recall stands still and F1 falls */
            c.ap_sum += positives * (tp / (tp + fp));
            double denominator = tp + fp + c.positives;
            if (tp * c.f1_denominator >= c.f1_tp * denominator) {
                c.f1_tp = tp;
                c.f1_denominator = denominator;
                c.f1_threshold = score;
            }
        }
        if (fixed && score >= point->threshold) {
            c.tp = tp;
            c.called = tp + fp;
        }
        if (positives > 0 && ((kind == RADZ_OPERATING_SPECIFICITY && (c.negatives - fp) / c.negatives >= point->threshold) ||
                              (kind == RADZ_OPERATING_SENSITIVITY && !reached && tp / c.positives >= point->threshold))) {
            reached = true;
            c.tp = tp;
            c.called = tp + fp;
            c.threshold = score;
        }
    }
    if (fixed)
        c.threshold = point->threshold;
    else if (kind != RADZ_OPERATING_F1_MAX)
        c.threshold = reached ? c.threshold : INFINITY;
    else {
        c.threshold = c.f1_threshold;
        c.tp = c.f1_tp;
        c.called = c.f1_denominator - c.positives;
    }
    radz_metric_fill(&c, &out->metrics);
    out->positives = work->positives;
    out->negatives = work->count - work->positives;
    out->masked = rows - work->count;
}

radz_status radz_metric_class(const radz_metric_input *input, size_t class_index, const radz_operating_point *point,
                              radz_metric_work *work, radz_class_metrics *out, radz_error *err)
{
    radz_status status = rank_checked(input, class_index, NULL, work, err); /* also that there is such a class */
    if (status == RADZ_OK)
        status = radz_metric_check_point(input, class_index, point, err);
    if (status == RADZ_OK)
        measure(work, point, input->rows, out);
    return status;
}

radz_status radz_metric_classes(const radz_metric_input *input, const radz_operating_point *points,
                                radz_metric_work *work, radz_class_metrics *out, radz_error *err)
{
    for (size_t c = 0; c < input->classes; c++) {
        radz_status status = rank_checked(input, c, points, work, err);
        if (status != RADZ_OK)
            return status;
        measure(work, points ? &points[c] : NULL, input->rows, &out[c]);
    }
    return RADZ_OK;
}

void radz_metric_mean(const radz_class_metrics *results, size_t classes, const uint8_t *members,
                      radz_mean_metrics *out)
{
    out->members = 0;
    for (size_t c = 0; c < classes; c++)
        out->members += members == NULL || members[c];
    for (size_t i = 0; i < RADZ_METRIC_COUNT; i++) {
        double sum = 0;
        out->defined[i] = 0;
        for (size_t c = 0; radz_metrics[i].averaged && c < classes; c++)
            if ((members == NULL || members[c]) && results[c].metrics.status[i] == RADZ_METRIC_OK) {
                sum += results[c].metrics.value[i];
                out->defined[i]++;
            }
        bool any = out->defined[i] > 0;
        out->metrics.status[i] = any ? RADZ_METRIC_OK : RADZ_METRIC_NO_CLASS;
        out->metrics.value[i] = any ? sum / (double)out->defined[i] : NAN;
    }
}

radz_status radz_roc_curve(const radz_metric_input *input, size_t class_index, radz_metric_work *work,
                           radz_roc_point *points, size_t capacity, size_t *count, radz_error *err)
{
    *count = 0;
    radz_status status = rank_checked(input, class_index, NULL, work, err);
    if (status != RADZ_OK)
        return status;
    if (capacity < work->count + 1)
        return radz_fail(err, RADZ_E_INTERNAL, "ROC curve: room for %zu points, wanted %zu", capacity,
                         work->count + 1);
    size_t p = work->positives, n = work->count - work->positives;
    if (p == 0 || n == 0)
        return RADZ_OK;
    size_t tp = 0, fp = 0, before_tp = 0, before_fp = 0, at = 0;
    double before_score = 0;
    points[at++] = (radz_roc_point){0, 0, INFINITY};
    for (size_t i = 0, groups = 0; i < work->count; groups++) {
        uint64_t key = work->ranked[i].key;
        size_t here_tp = 0, here_fp = 0;
        for (; i < work->count && work->ranked[i].key == key; i++)
            work->ranked[i].positive ? here_tp++ : here_fp++;
        /* The point before is kept unless the step into it equals the step out of it. The first score's point always
         * stays, as in sklearn, which compares steps between scores only. */
        if (groups > 0 && (groups == 1 || here_tp != tp - before_tp || here_fp != fp - before_fp))
            points[at++] = (radz_roc_point){(double)fp / (double)n, (double)tp / (double)p, before_score};
        before_tp = tp;
        before_fp = fp;
        before_score = radz_rank_score(key);
        tp += here_tp;
        fp += here_fp;
    }
    points[at++] = (radz_roc_point){1, 1, before_score};
    *count = at;
    return RADZ_OK;
}
