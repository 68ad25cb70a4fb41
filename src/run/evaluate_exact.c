/* Protocols with exact arithmetic. */
#include "run/evaluate_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/calibration.h"
#include "metric/delong.h"
#include "metric/pr_curve.h"
#include "run/details.h"
#include "run/mistakes.h"
#include "score/scorer.h"

typedef struct exact {
    radz_metric_work *work;
    radz_class_metrics *classes;     /* [n_classes] */
    radz_intervals *class_intervals; /* [n_classes] */
    radz_mean_metrics *means;        /* [n_means]: all classes, then the groups */
    radz_intervals *mean_intervals;  /* [n_means] */
    uint8_t *members;                /* [n_means, n_classes] */
    radz_operating_point *points;    /* [n_classes] */
    size_t n_means;
    radz_bootstrap_summary summary;
    bool with_intervals;
} exact;

static void exact_free(exact *m)
{
    radz_metric_work_free(m->work);
    free(m->classes);
    free(m->class_intervals);
    free(m->means);
    free(m->mean_intervals);
    free(m->members);
    free(m->points);
}

/* Thresholds chosen on the validation set (highest F1, or where its calibration says 0.5); where it gives none for a class, or
 * is not there, that of highest F1 on the test itself. An answer is its own: nothing needs to be chosen. */
static radz_status choose_points(const radz_evaluation *ev, exact *m, radz_error *err)
{
    for (size_t c = 0; ev->block.hard && c < ev->test->n_classes; c++)
        m->points[c] = (radz_operating_point){RADZ_OPERATING_FIXED, RADZ_SCORE_OF_YES};
    if (ev->block.hard || ev->validation == NULL || ev->protocol->rules.split != RADZ_CHOSEN_ON_VALIDATION)
        return RADZ_OK;
    radz_metric_input input = evaluation_input(ev->validation);
    radz_status st = radz_metric_classes(&input, NULL, m->work, m->classes, err);
    for (size_t c = 0; st == RADZ_OK && ev->protocol->rules.rule == RADZ_THRESHOLD_CALIBRATED && c < ev->test->n_classes; c++) {
        radz_calibration map; /* p = sigmoid(a x + b) is 0.5 at x = -b / a; a <= 0: the scores point the wrong way */
        st = radz_calibration_fit(&input, c, RADZ_CALIBRATION_PLATT, m->work, &map, err);
        if (st == RADZ_OK && map.status == RADZ_METRIC_OK && map.a > 0)
            m->points[c] = (radz_operating_point){RADZ_OPERATING_FIXED, -map.b / map.a};
    }
    if (ev->protocol->rules.rule == RADZ_THRESHOLD_CALIBRATED)
        return st;
    for (size_t c = 0; st == RADZ_OK && c < ev->test->n_classes; c++)
        if (m->classes[c].metrics.status[RADZ_METRIC_THRESHOLD] == RADZ_METRIC_OK)
            m->points[c] = (radz_operating_point){RADZ_OPERATING_FIXED, m->classes[c].metrics.value[RADZ_METRIC_THRESHOLD]};
    return st;
}

static radz_status measure_exact(const radz_evaluation *ev, const radz_metric_input *input, exact *m, radz_error *err)
{
    size_t classes = ev->test->n_classes;
    bool intervals = ev->replicates > 0 && ev->protocol->rules.interval != RADZ_INTERVAL_NONE;
    *m = (exact){.n_means = 1 + ev->groups_count, .with_intervals = intervals};
    m->classes = radz_calloc(classes, sizeof *m->classes, err);
    m->class_intervals = radz_calloc(classes, sizeof *m->class_intervals, err);
    m->means = radz_calloc(m->n_means, sizeof *m->means, err);
    m->mean_intervals = radz_calloc(m->n_means, sizeof *m->mean_intervals, err);
    m->members = radz_calloc(m->n_means * classes, 1, err);
    m->points = radz_calloc(classes, sizeof *m->points, err);
    if (m->classes == NULL || m->class_intervals == NULL || m->means == NULL || m->mean_intervals == NULL ||
        m->members == NULL || m->points == NULL)
        return RADZ_E_NOMEM;
    for (size_t g = 0; g < m->n_means; g++)
        radz_class_group_members(g == 0 ? NULL : &ev->groups[g - 1], ev->test->classes, classes, m->members + g * classes);
    radz_status st = radz_metric_work_create(&m->work, err);
    if (st == RADZ_OK)
        st = choose_points(ev, m, err);
    if (st == RADZ_OK)
        st = radz_metric_classes(input, m->points, m->work, m->classes, err);
    if (st != RADZ_OK)
        return st;
    for (size_t g = 0; g < m->n_means; g++)
        radz_metric_mean(m->classes, classes, m->members + g * classes, &m->means[g]);
    if (!m->with_intervals)
        return RADZ_OK;
    radz_bootstrap_options options =
        evaluation_bootstrap_options(ev->replicates, ev->confidence, ev->seed, ev->threads, m->members, m->n_means);
    options.points = m->points;
    options.bounds = ev->protocol->rules.bounds;
    radz_clusters drawn = radz_clusters_of(ev->test, &ev->protocol->rules);
    radz_bootstrap_work *bootstrap = NULL;
    st = radz_bootstrap_work_create(&bootstrap, err);
    if (st == RADZ_OK)
        st = radz_bootstrap(input, drawn.of, drawn.count, &options, bootstrap, m->class_intervals, m->mean_intervals, &m->summary,
                            err);
    if (st == RADZ_OK && ev->protocol->rules.strata == RADZ_STRATA_LABELS)
        st = evaluation_draw_by_label(input, NULL, &drawn, &options, bootstrap, m->class_intervals, NULL, err);
    radz_bootstrap_work_free(bootstrap);
    return st;
}

static radz_status add_rows(const radz_evaluation *ev, const char *class_name, uint64_t n, const radz_metric_values *values,
                            const uint64_t n_pos[RADZ_METRIC_COUNT], const radz_intervals *intervals, bool averaged_only,
                            radz_results *results, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < RADZ_METRIC_COUNT; i++) {
        if (averaged_only && !radz_metrics[i].averaged)
            continue;
        bool interval = intervals != NULL && intervals->of[i].status == RADZ_METRIC_OK;
        radz_result_row row = evaluation_row(ev, class_name, radz_metrics[i].name);
        row.n = n;
        row.n_pos = n_pos[i];
        row.value = values->status[i] == RADZ_METRIC_OK ? values->value[i] : NAN;
        row.ci_low = interval ? intervals->of[i].low : NAN;
        row.ci_high = interval ? intervals->of[i].high : NAN;
        row.status = radz_metric_status_name(values->status[i]);
        row.ci_status = intervals == NULL ? "none" : radz_metric_status_name(intervals->of[i].status);
        st = radz_results_add_row(results, &row, err);
    }
    return st;
}

/* The AUC once more, with DeLong's interval over the same patients or studies, on the scale on which it holds its level near 1. */
static radz_status add_delong(const radz_evaluation *ev, const radz_metric_input *input, size_t class_index,
                              radz_delong_work *work, radz_results *results, radz_error *err)
{
    radz_delong found;
    radz_clusters clusters = radz_clusters_of(ev->test, &ev->protocol->rules);
    radz_status st = radz_delong_class(input, class_index, &clusters, work, &found, err);
    if (st != RADZ_OK)
        return st;
    radz_result_row row = evaluation_row(ev, ev->test->classes[class_index], "auc_delong");
    row.n = found.positives + found.negatives;
    row.n_pos = found.positives;
    row.value = found.auc_status == RADZ_METRIC_OK ? found.auc : NAN;
    row.status = radz_metric_status_name(found.auc_status);
    row.ci_status =
        radz_metric_status_name(radz_delong_interval(&found, 100 * ev->confidence, RADZ_INTERVAL_LOGIT, &row.ci_low,
                                                     &row.ci_high));
    return radz_results_add_row(results, &row, err);
}

static radz_status add_exact_rows(const radz_evaluation *ev, const radz_metric_input *input, const exact *m,
                                  radz_results *results, radz_error *err)
{
    uint64_t counts[RADZ_METRIC_COUNT];
    radz_delong_work *delong = NULL;
    radz_status st = radz_delong_work_create(&delong, err);
    for (size_t g = 0; st == RADZ_OK && g < m->n_means; g++) {
        if (m->means[g].members == 0)
            continue;
        radz_strbuf name = {0};
        st = radz_strbuf_printf(&name, err, "macro%s%s", g == 0 ? "" : ":", g == 0 ? "" : ev->groups[g - 1].name);
        for (size_t i = 0; i < RADZ_METRIC_COUNT; i++)
            counts[i] = m->means[g].defined[i];
        if (st == RADZ_OK)
            st = add_rows(ev, name.text, ev->test->n, &m->means[g].metrics, counts,
                          m->with_intervals ? &m->mean_intervals[g] : NULL, true, results, err);
        radz_strbuf_free(&name);
    }
    for (size_t c = 0; st == RADZ_OK && c < ev->test->n_classes; c++) {
        for (size_t i = 0; i < RADZ_METRIC_COUNT; i++)
            counts[i] = m->classes[c].positives;
        st = add_rows(ev, ev->test->classes[c], m->classes[c].positives + m->classes[c].negatives, &m->classes[c].metrics,
                      counts, m->with_intervals ? &m->class_intervals[c] : NULL, false, results, err);
        if (st == RADZ_OK && m->with_intervals)
            st = add_delong(ev, input, c, delong, results, err);
    }
    radz_delong_work_free(delong);
    return st;
}

static radz_status add_curves(const radz_metric_input *input, radz_metric_work *work, radz_results *results,
                              radz_error *err)
{
    size_t capacity = input->rows + 1;
    radz_roc_point *points = radz_calloc(capacity, sizeof *points, err);
    radz_pr_point *pr = radz_calloc(capacity, sizeof *pr, err);
    double *fpr = radz_calloc(capacity, sizeof *fpr, err), *tpr = radz_calloc(capacity, sizeof *tpr, err);
    radz_status st = points == NULL || pr == NULL || fpr == NULL || tpr == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t c = 0; st == RADZ_OK && c < input->classes; c++) {
        size_t count = 0;
        st = radz_roc_curve(input, c, work, points, capacity, &count, err);
        for (size_t i = 0; i < count; i++) {
            fpr[i] = points[i].fpr;
            tpr[i] = points[i].tpr;
        }
        if (st == RADZ_OK && count > 0)
            st = radz_results_add_curve(results, input->class_names[c], fpr, tpr, count, err);
        if (st == RADZ_OK)
            st = radz_pr_curve(input, c, work, pr, capacity, &count, err);
        for (size_t i = 0; st == RADZ_OK && i < count; i++) {
            fpr[i] = pr[i].recall;
            tpr[i] = pr[i].precision;
        }
        if (st == RADZ_OK && count > 0)
            st = radz_results_add_pr(results, input->class_names[c], fpr, tpr, count, err);
    }
    free(points);
    free(pr);
    free(fpr);
    free(tpr);
    return st;
}

radz_status evaluation_exact(const radz_evaluation *ev, radz_strlist *notes, radz_results *results, radz_error *err)
{
    radz_metric_input input = evaluation_input(ev->test);
    exact m = {0};
    if (ev->protocol->rules.interval == RADZ_INTERVAL_STUDIES && ev->test->study_of == NULL)
        return radz_fail(err, RADZ_E_VALUE, "protocol '%s' draws studies, but '%s' names none, or not that of every image; wanted "
                         "a column of studies", ev->protocol->base.name, ev->block.dataset);
    radz_status st = measure_exact(ev, &input, &m, err);
    if (st == RADZ_OK && m.with_intervals && ev->protocol->rules.strata == RADZ_STRATA_LABELS)
        st = radz_strlist_add(notes, "stratified: for the figures of a class those with and without a positive image of it are drawn "
                              "apart; for means and detail tables all together", err);
    if (st == RADZ_OK && ev->block.hard)
        st = radz_strlist_add(notes, "F1 and accuracy of hard answers are those of the answers themselves, unknown taken for no", err);
    if (st == RADZ_OK)
        st = evaluation_add_block(ev, m.summary.replicates, m.summary.distinct, notes, results, err);
    if (st == RADZ_OK)
        st = add_exact_rows(ev, &input, &m, results, err);
    if (st == RADZ_OK)
        st = add_curves(&input, m.work, results, err);
    if (st == RADZ_OK && ev->test->paths != NULL)
        st = radz_mistakes_add(&input, ev->test->paths, ev->pictures ? ev->run_dir : NULL, results, err);
    if (st == RADZ_OK && ev->details)
        st = radz_details_add(ev, results, err);
    exact_free(&m);
    return st;
}
