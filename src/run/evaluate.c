#include "run/evaluate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "metric/calibration.h"
#include "metric/delong.h"
#include "metric/multiple.h"
#include "metric/permutation.h"
#include "metric/pr_curve.h"
#include "metric/preset.h"
#include "metric/resample.h"
#include "run/details.h"
#include "run/mistakes.h"
#include "score/scorer.h"

static radz_metric_input metric_input(const radz_scored_set *set)
{
    return (radz_metric_input){
        .rows = set->n, .classes = set->n_classes, .scores = set->scores, .labels = set->labels,
        .class_names = set->classes, .row_names = set->names,
    };
}

/* ---- what is drawn as one ---- */

radz_clusters radz_clusters_of(const radz_scored_set *set, const radz_protocol_rules *rules)
{
    bool studies = rules->interval == RADZ_INTERVAL_STUDIES && set->study_of != NULL;
    return studies ? (radz_clusters){set->study_of, set->n_studies} : (radz_clusters){set->patient_of, set->n_patients};
}

radz_status radz_number_studies(const char *const *patients, const char *const *studies, size_t n, uint32_t **study_of,
                                size_t *count, radz_error *err)
{
    radz_arena arena = {0};
    const char **names = radz_calloc(n, sizeof *names, err);
    uint32_t *numbers = radz_calloc(n, sizeof *numbers, err);
    bool known = n > 0;
    radz_status st = names == NULL || numbers == NULL ? RADZ_E_NOMEM : RADZ_OK;
    *study_of = NULL;
    *count = 0;
    for (size_t i = 0; st == RADZ_OK && known && i < n; i++) {
        radz_strbuf name = {0};
        known = studies[i] != NULL && studies[i][0] != '\0';
        if (known)
            st = radz_strbuf_printf(&name, err, "%s\n%s", patients[i], studies[i]);
        if (known && st == RADZ_OK && (names[i] = radz_arena_strdup(&arena, name.text, err)) == NULL)
            st = RADZ_E_NOMEM;
        radz_strbuf_free(&name);
    }
    if (st == RADZ_OK && known)
        st = radz_number_patients(names, n, numbers, count, err);
    if (st == RADZ_OK && known) {
        *study_of = numbers;
        numbers = NULL;
    }
    free(numbers);
    free(names);
    radz_arena_free(&arena);
    return st;
}

/* ---- groups of classes ---- */

/* Which of the evaluated classes belong to a group; group NULL: all. Returns how many. */
static size_t group_members(const radz_class_group *group, const char *const *classes, size_t n_classes, uint8_t *members)
{
    size_t count = 0;
    for (size_t c = 0; c < n_classes; c++) {
        members[c] = group == NULL;
        for (size_t i = 0; group != NULL && i < group->classes_count; i++)
            members[c] |= strcmp(group->classes[i], classes[c]) == 0;
        count += members[c];
    }
    return count;
}

radz_status radz_evaluate_groups(const char *dataset, const radz_class_group *groups, size_t groups_count,
                                 const char *const *classes, size_t n_classes, radz_results *results, radz_error *err)
{
    uint8_t *members = radz_calloc(n_classes, 1, err);
    const char **names = radz_calloc(n_classes, sizeof *names, err);
    radz_status st = members == NULL || names == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t g = 0; st == RADZ_OK && g < groups_count; g++) {
        size_t count = 0;
        if (group_members(&groups[g], classes, n_classes, members) == 0)
            continue;
        for (size_t c = 0; c < n_classes; c++)
            if (members[c])
                names[count++] = classes[c];
        const char *title = groups[g].title != NULL ? groups[g].title : groups[g].name;
        st = radz_results_add_group(results, &(radz_result_group){dataset, groups[g].name, title, names, count}, err);
    }
    free(members);
    free(names);
    return st;
}

/* ---- the block ---- */

static radz_status fingerprint(const radz_scored_set *set, char hex[RADZ_SHA256_HEX_SIZE], radz_error *err)
{
    radz_sample *samples = radz_calloc(set->n, sizeof *samples, err);
    if (samples == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < set->n; i++)
        samples[i].image_id = set->names[i];
    radz_status st = radz_dataset_fingerprint(samples, set->labels, set->n, set->classes, set->n_classes, hex, err);
    free(samples);
    return st;
}

/* The caller's block, with what was found here. `notes` is a list that may grow; the protocol's faults come first. */
static radz_status add_block(const radz_evaluation *ev, size_t replicates, size_t distinct, radz_strlist *notes,
                             radz_results *results, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_status st = fingerprint(ev->test, hex, err);
    radz_result_block block = ev->block;
    block.protocol = ev->protocol->base.name;
    block.n = ev->test->n;
    block.n_patients = ev->test->n_patients;
    block.fingerprint = hex;
    block.replicates = replicates;
    block.distinct_replicates = distinct;
    radz_interval_method method = ev->protocol->rules.interval;
    bool rows = method > RADZ_INTERVAL_STUDIES;
    block.resampled = replicates == 0 ? NULL : rows ? "images" : method == RADZ_INTERVAL_STUDIES ? "studies" : "patients";
    block.bca = replicates > 0 && !rows && ev->protocol->rules.bounds == RADZ_BOUNDS_BCA;
    block.confidence = ev->confidence;
    if (rows)
        block.confidence = (double)(ev->protocol->rules.high - ev->protocol->rules.low) / ev->protocol->rules.replicates;
    block.notes = (const char *const *)notes->items;
    block.n_notes = notes->count;
    return st == RADZ_OK ? radz_results_add_block(results, &block, err) : st;
}

static radz_result_row row_of(const radz_evaluation *ev, const char *class_name, const char *metric)
{
    return (radz_result_row){
        .dataset = ev->block.dataset,
        .split = ev->block.split,
        .model = ev->block.model,
        .scorer = ev->block.scorer,
        .protocol = ev->protocol->base.name,
        .class_name = class_name,
        .metric = metric,
        .n = ev->test->n,
        .value = NAN,
        .ci_low = NAN,
        .ci_high = NAN,
        .status = "ok",
        .ci_status = "none",
    };
}

/* ---- protocols with exact arithmetic ---- */

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

static radz_bootstrap_options bootstrap_options(uint32_t replicates, double confidence, uint64_t seed, int threads,
                                                const uint8_t *members, size_t n_means)
{
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = replicates;
    options.confidence = 100 * confidence;
    options.seed = seed;
    options.threads = threads;
    options.groups = members;
    options.group_count = n_means;
    return options;
}

/* Thresholds chosen on the validation set (highest F1, or where its calibration says 0.5); where it gives none for a class, or
 * is not there, that of highest F1 on the test itself. An answer is its own: nothing needs to be chosen. */
static radz_status choose_points(const radz_evaluation *ev, exact *m, radz_error *err)
{
    for (size_t c = 0; ev->block.hard && c < ev->test->n_classes; c++)
        m->points[c] = (radz_operating_point){RADZ_OPERATING_FIXED, RADZ_SCORE_OF_YES};
    if (ev->block.hard || ev->validation == NULL || ev->protocol->rules.split != RADZ_CHOSEN_ON_VALIDATION)
        return RADZ_OK;
    radz_metric_input input = metric_input(ev->validation);
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

/* One class of an input, with rows of its own. */
typedef struct one_class {
    double *scores; /* [rows] */
    int8_t *labels; /* [rows] */
    radz_metric_input input;
} one_class;

static radz_status one_class_create(const radz_metric_input *from, one_class *one, radz_error *err)
{
    one->scores = radz_calloc(from->rows, sizeof *one->scores, err);
    one->labels = radz_calloc(from->rows, sizeof *one->labels, err);
    one->input = (radz_metric_input){.rows = from->rows, .classes = 1, .scores = one->scores, .labels = one->labels,
                                     .row_names = from->row_names};
    return one->scores == NULL || one->labels == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

static void one_class_take(const radz_metric_input *from, size_t class_index, one_class *one)
{
    for (size_t i = 0; i < from->rows; i++) {
        one->scores[i] = from->scores[i * from->classes + class_index];
        one->labels[i] = from->labels[i * from->classes + class_index];
    }
    one->input.class_names = from->class_names + class_index;
}

static void one_class_free(one_class *one)
{
    free(one->scores);
    free(one->labels);
}

/* The classes once more, each by itself: what is drawn with and without a positive image of it is drawn apart. `b` NULL fills
 * `intervals` [classes], otherwise `pairs` [classes] of a - b. */
static radz_status draw_by_label(const radz_metric_input *a, const radz_metric_input *b, const radz_clusters *drawn,
                                 const radz_bootstrap_options *from, radz_bootstrap_work *work, radz_intervals *intervals,
                                 radz_paired *pairs, radz_error *err)
{
    one_class of_a = {0}, of_b = {0};
    uint32_t *stratum_of = radz_calloc(drawn->count, sizeof *stratum_of, err);
    radz_bootstrap_options options = *from;
    options.groups = NULL;
    options.group_count = 0;
    options.stratum_of = stratum_of;
    options.strata = 2;
    radz_status st = stratum_of == NULL ? RADZ_E_NOMEM : one_class_create(a, &of_a, err);
    if (st == RADZ_OK && b != NULL)
        st = one_class_create(b, &of_b, err);
    for (size_t c = 0; st == RADZ_OK && c < a->classes; c++) {
        one_class_take(a, c, &of_a);
        memset(stratum_of, 0, drawn->count * sizeof *stratum_of);
        for (size_t i = 0; i < a->rows; i++)
            stratum_of[drawn->of[i]] |= of_a.labels[i] == 1;
        options.points = from->points != NULL ? from->points + c : NULL;
        if (b == NULL) {
            st = radz_bootstrap(&of_a.input, drawn->of, drawn->count, &options, work, &intervals[c], NULL, NULL, err);
        } else {
            one_class_take(b, c, &of_b);
            st = radz_bootstrap_paired(&of_a.input, &of_b.input, drawn->of, drawn->count, &options, NULL, work, &pairs[c], NULL,
                                       NULL, err);
        }
    }
    free(stratum_of);
    one_class_free(&of_a);
    one_class_free(&of_b);
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
        group_members(g == 0 ? NULL : &ev->groups[g - 1], ev->test->classes, classes, m->members + g * classes);
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
        bootstrap_options(ev->replicates, ev->confidence, ev->seed, ev->threads, m->members, m->n_means);
    options.points = m->points;
    options.bounds = ev->protocol->rules.bounds;
    radz_clusters drawn = radz_clusters_of(ev->test, &ev->protocol->rules);
    radz_bootstrap_work *bootstrap = NULL;
    st = radz_bootstrap_work_create(&bootstrap, err);
    if (st == RADZ_OK)
        st = radz_bootstrap(input, drawn.of, drawn.count, &options, bootstrap, m->class_intervals, m->mean_intervals, &m->summary,
                            err);
    if (st == RADZ_OK && ev->protocol->rules.strata == RADZ_STRATA_LABELS)
        st = draw_by_label(input, NULL, &drawn, &options, bootstrap, m->class_intervals, NULL, err);
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
        radz_result_row row = row_of(ev, class_name, radz_metrics[i].name);
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
    radz_result_row row = row_of(ev, ev->test->classes[class_index], "auc_delong");
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

static radz_status evaluate_exact(const radz_evaluation *ev, radz_strlist *notes, radz_results *results, radz_error *err)
{
    radz_metric_input input = metric_input(ev->test);
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
        st = add_block(ev, m.summary.replicates, m.summary.distinct, notes, results, err);
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

/* ---- protocols that repeat published code ---- */

static radz_status add_preset_row(const radz_evaluation *ev, const char *class_name, const radz_preset_row *from,
                                  bool is_mean, radz_results *results, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t f = 0; st == RADZ_OK && f < RADZ_FIGURE_COUNT; f++) {
        const radz_figure *figure = &from->of[f];
        bool there = ev->protocol->rules.figures[f] && !(is_mean && f == RADZ_FIGURE_THRESHOLD);
        if (!there || (is_mean && figure->status == RADZ_METRIC_NO_CLASS && from->counted[f] == 0 &&
                       strcmp(class_name, "macro") != 0))
            continue;
        radz_result_row row = row_of(ev, class_name, radz_figure_names[f]);
        bool interval = figure->interval == RADZ_METRIC_OK;
        if (!is_mean)
            row.n = from->positives + from->negatives;
        row.n_pos = is_mean ? from->counted[f] : from->positives;
        row.value = figure->status == RADZ_METRIC_OK ? figure->value : NAN;
        row.ci_low = interval ? figure->low : NAN;
        row.ci_high = interval ? figure->high : NAN;
        row.status = radz_metric_status_name(figure->status);
        row.ci_status = figure->interval == RADZ_METRIC_NO_CLASS ? "none" : radz_metric_status_name(figure->interval);
        st = radz_results_add_row(results, &row, err);
    }
    return st;
}

static radz_status note_stop(const radz_evaluation *ev, const radz_preset_result *r, radz_strlist *notes, radz_error *err)
{
    radz_strbuf text = {0};
    const char *name = r->stopped_class < ev->test->n_classes ? ev->test->classes[r->stopped_class] : "the class's absence";
    radz_status st;
    if (r->stopped_replicate == SIZE_MAX)
        st = radz_strbuf_printf(&text, err, "NO FIGURES: the source ends with an error, as the images of %s are all positive "
                                "or all negative", name);
    else
        st = radz_strbuf_printf(&text, err, "no intervals: the source ends with an error in replicate %zu, where the images "
                                "of %s are all positive or all negative", r->stopped_replicate, name);
    if (st == RADZ_OK)
        st = radz_strlist_add(notes, text.text, err);
    radz_strbuf_free(&text);
    return st;
}

/* The classes that the card's mean runs over, if the set has them all; `*some`: not all of the set's. */
static radz_status choose_mean(const radz_evaluation *ev, uint8_t *mean_of, bool *some, radz_strlist *notes, radz_error *err)
{
    const radz_protocol_card *card = ev->protocol;
    size_t found = 0;
    for (size_t i = 0; i < card->mean_classes_count; i++)
        for (size_t c = 0; c < ev->test->n_classes; c++)
            if (strcmp(card->mean_classes[i], ev->test->classes[c]) == 0)
                found += mean_of[c] = 1;
    if (card->mean_classes_count == 0)
        return RADZ_OK;
    bool all = found == card->mean_classes_count;
    *some = all && found < ev->test->n_classes;
    radz_strbuf text = {0};
    radz_status st = radz_strbuf_printf(&text, err, all ? "the mean runs over" : "the mean runs over all classes; the source's over");
    for (size_t i = 0; st == RADZ_OK && i < card->mean_classes_count; i++)
        st = radz_strbuf_printf(&text, err, "%s %s", i > 0 ? "," : "", card->mean_classes[i]);
    if (st == RADZ_OK)
        st = radz_strlist_add(notes, text.text, err);
    radz_strbuf_free(&text);
    return st;
}

static radz_status evaluate_preset(const radz_evaluation *ev, radz_strlist *notes, radz_results *results, radz_error *err)
{
    const radz_protocol_rules *rules = &ev->protocol->rules;
    radz_metric_input input = metric_input(ev->test), validation = {0};
    radz_preset_result r = {.classes = radz_calloc(ev->test->n_classes, sizeof *r.classes, err)};
    uint8_t *mean_of = radz_calloc(ev->test->n_classes, 1, err);
    if (r.classes == NULL || mean_of == NULL) {
        free(r.classes);
        free(mean_of);
        return RADZ_E_NOMEM;
    }
    if (ev->validation != NULL)
        validation = metric_input(ev->validation);
    bool some = false;
    radz_status st = choose_mean(ev, mean_of, &some, notes, err);
    if (st == RADZ_OK)
        st = radz_preset_measure(&input, ev->validation != NULL ? &validation : NULL, rules, some ? mean_of : NULL,
                                 ev->replicates > 0, ev->threads, &r, err);
    if (st == RADZ_OK && r.stopped)
        st = note_stop(ev, &r, notes, err);
    if (st == RADZ_OK)
        st = add_block(ev, r.replicates, r.distinct, notes, results, err);
    if (st == RADZ_OK)
        st = add_preset_row(ev, "macro", &r.macro, true, results, err);
    if (st == RADZ_OK && rules->micro)
        st = add_preset_row(ev, "micro", &r.micro, true, results, err);
    if (st == RADZ_OK && rules->weighted)
        st = add_preset_row(ev, "weighted", &r.weighted, true, results, err);
    for (size_t c = 0; st == RADZ_OK && c < ev->test->n_classes; c++)
        st = add_preset_row(ev, ev->test->classes[c], &r.classes[c], false, results, err);
    free(r.classes);
    free(mean_of);
    return st;
}

radz_status radz_evaluate(const radz_evaluation *ev, radz_results *results, radz_error *err)
{
    radz_strlist notes = {0};
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < ev->protocol->faults_count; i++)
        st = radz_strlist_add(&notes, ev->protocol->faults[i], err);
    if (st == RADZ_OK)
        st = ev->protocol->rules.arithmetic == RADZ_ARITHMETIC_EXACT ? evaluate_exact(ev, &notes, results, err)
                                                                     : evaluate_preset(ev, &notes, results, err);
    radz_strlist_free(&notes);
    return st;
}

/* ---- two models on the same images ---- */

static const radz_metric_id paired_metrics[] = {RADZ_METRIC_AUC, RADZ_METRIC_AP, RADZ_METRIC_F1_MAX};

/* The p-values of a difference of AUCs; NaN where there is no test. */
typedef struct pair_tests {
    double delong, holm, bh, permutation;
} pair_tests;

static radz_status add_pair_rows(const radz_pairing *pairing, const char *class_name, uint64_t n, uint64_t n_pos,
                                 const radz_metric_values *a, const radz_metric_values *b, const radz_paired *pair,
                                 const pair_tests *tests, radz_results *results, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < sizeof paired_metrics / sizeof paired_metrics[0]; i++) {
        radz_metric_id id = paired_metrics[i];
        bool tested = id == RADZ_METRIC_AUC;
        const radz_interval *interval = &pair->intervals.of[id];
        radz_result_pair row = {
            .dataset = pairing->dataset, .split = pairing->split, .a = pairing->model_a, .b = pairing->model_b,
            .class_name = class_name, .metric = radz_metrics[id].name, .n = n, .n_pos = n_pos,
            .value_a = a->value[id], .value_b = b->value[id], .difference = pair->difference.value[id],
            .ci_low = interval->status == RADZ_METRIC_OK ? interval->low : NAN,
            .ci_high = interval->status == RADZ_METRIC_OK ? interval->high : NAN,
            .p = tested ? tests->delong : NAN,
            .p_holm = tested ? tests->holm : NAN,
            .p_bh = tested ? tests->bh : NAN,
            .p_permutation = tested ? tests->permutation : NAN,
            .status = radz_metric_status_name(pair->difference.status[id]),
        };
        st = radz_results_add_pair(results, &row, err);
    }
    return st;
}

/* The difference a - b without an interval. */
static void subtract(const radz_metric_values *a, const radz_metric_values *b, radz_paired *out)
{
    for (size_t i = 0; i < RADZ_METRIC_COUNT; i++) {
        out->difference.status[i] = a->status[i] != RADZ_METRIC_OK ? a->status[i] : b->status[i];
        out->difference.value[i] = out->difference.status[i] == RADZ_METRIC_OK ? a->value[i] - b->value[i] : NAN;
        out->intervals.of[i].status = RADZ_METRIC_FEW_REPLICATES;
    }
}

/* `classes` [classes], and that of the mean. `all` is [classes], all 1. */
static radz_status test_pair(const radz_pairing *pairing, const uint8_t *all, pair_tests *classes, pair_tests *mean,
                             radz_error *err)
{
    size_t n = pairing->a->n_classes;
    radz_metric_input a = metric_input(pairing->a), b = metric_input(pairing->b);
    radz_clusters clusters = radz_clusters_of(pairing->a, pairing->rules);
    radz_permutation_options options = {.permutations = pairing->replicates, .seed = pairing->seed, .threads = pairing->threads,
                                        .groups = all, .group_count = 1};
    double *p = radz_calloc(2 * n, sizeof *p, err);
    radz_permutation *permuted = radz_calloc(n + 1, sizeof *permuted, err);
    radz_delong_work *work = NULL;
    radz_status st = p == NULL || permuted == NULL ? RADZ_E_NOMEM : radz_delong_work_create(&work, err);
    for (size_t c = 0; st == RADZ_OK && c < n; c++) {
        radz_delong_pair test;
        st = radz_delong_paired(&a, &b, c, &clusters, work, &test, err);
        if (st == RADZ_OK)
            p[c] = classes[c].delong = test.test_status == RADZ_METRIC_OK ? test.p : NAN;
    }
    if (st == RADZ_OK)
        st = radz_adjust_holm(p, n, p + n, err);
    for (size_t c = 0; st == RADZ_OK && c < n; c++)
        classes[c].holm = p[n + c];
    if (st == RADZ_OK)
        st = radz_adjust_bh(p, n, p + n, err);
    if (st == RADZ_OK && pairing->replicates > 0)
        st = radz_permutation_paired(&a, &b, clusters.of, clusters.count, &options, permuted, &permuted[n], err);
    for (size_t c = 0; st == RADZ_OK && c <= n; c++) {
        bool has = pairing->replicates > 0 && permuted[c].status == RADZ_METRIC_OK;
        double permutation = has ? permuted[c].p : NAN;
        if (c == n) {
            *mean = (pair_tests){NAN, NAN, NAN, permutation};
            break;
        }
        classes[c].bh = p[n + c];
        classes[c].permutation = permutation;
    }
    radz_delong_work_free(work);
    free(p);
    free(permuted);
    return st;
}

radz_status radz_evaluate_pair(const radz_pairing *pairing, radz_results *results, radz_error *err)
{
    size_t classes = pairing->a->n_classes;
    radz_metric_input a = metric_input(pairing->a), b = metric_input(pairing->b);
    radz_class_metrics *of_a = radz_calloc(classes, sizeof *of_a, err), *of_b = radz_calloc(classes, sizeof *of_b, err);
    radz_paired *pairs = radz_calloc(classes + 1, sizeof *pairs, err);
    pair_tests *tests = radz_calloc(classes + 1, sizeof *tests, err);
    uint8_t *all = radz_calloc(classes, 1, err);
    radz_metric_work *work = NULL;
    radz_bootstrap_work *bootstrap = NULL;
    radz_mean_metrics mean_a, mean_b;
    bool memory = of_a != NULL && of_b != NULL && pairs != NULL && tests != NULL && all != NULL;
    radz_status st = memory ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t c = 0; st == RADZ_OK && c < classes; c++)
        all[c] = 1;
    radz_bootstrap_options options = bootstrap_options(pairing->replicates, pairing->confidence, pairing->seed,
                                                       pairing->threads, all, 1);
    options.bounds = pairing->rules->bounds;
    radz_clusters drawn = radz_clusters_of(pairing->a, pairing->rules);
    if (st == RADZ_OK)
        st = radz_metric_work_create(&work, err);
    if (st == RADZ_OK)
        st = radz_bootstrap_work_create(&bootstrap, err);
    if (st == RADZ_OK)
        st = radz_metric_classes(&a, NULL, work, of_a, err);
    if (st == RADZ_OK)
        st = radz_metric_classes(&b, NULL, work, of_b, err);
    if (st == RADZ_OK && pairing->replicates > 0)
        st = radz_bootstrap_paired(&a, &b, drawn.of, drawn.count, &options, NULL, bootstrap, pairs, &pairs[classes], NULL, err);
    if (st == RADZ_OK && pairing->replicates > 0 && pairing->rules->strata == RADZ_STRATA_LABELS)
        st = draw_by_label(&a, &b, &drawn, &options, bootstrap, NULL, pairs, err);
    if (st == RADZ_OK)
        st = test_pair(pairing, all, tests, &tests[classes], err);
    if (st != RADZ_OK)
        goto done;
    radz_metric_mean(of_a, classes, NULL, &mean_a);
    radz_metric_mean(of_b, classes, NULL, &mean_b);
    for (size_t c = 0; pairing->replicates == 0 && c <= classes; c++)
        subtract(c < classes ? &of_a[c].metrics : &mean_a.metrics, c < classes ? &of_b[c].metrics : &mean_b.metrics, &pairs[c]);
    st = add_pair_rows(pairing, "macro", pairing->a->n, mean_a.defined[RADZ_METRIC_AUC], &mean_a.metrics, &mean_b.metrics,
                       &pairs[classes], &tests[classes], results, err);
    for (size_t c = 0; st == RADZ_OK && c < classes; c++)
        st = add_pair_rows(pairing, pairing->a->classes[c], of_a[c].positives + of_a[c].negatives, of_a[c].positives,
                           &of_a[c].metrics, &of_b[c].metrics, &pairs[c], &tests[c], results, err);
done:
    free(of_a);
    free(of_b);
    free(pairs);
    free(tests);
    free(all);
    radz_metric_work_free(work);
    radz_bootstrap_work_free(bootstrap);
    return st;
}
