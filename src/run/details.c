#include "run/details.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/calibration.h"
#include "metric/delong.h"
#include "metric/resample.h"
#include "run/subgroups.h"

static radz_metric_input input_of(const radz_scored_set *set, const int8_t *labels)
{
    return (radz_metric_input){
        .rows = set->n, .classes = set->n_classes, .scores = set->scores, .labels = labels, .class_names = set->classes,
        .row_names = set->names,
    };
}

static radz_result_cell text(const char *value)
{
    return (radz_result_cell){value, NAN};
}

static radz_result_cell number(double value)
{
    return (radz_result_cell){NULL, value};
}

static radz_result_cell status_of(radz_metric_status status)
{
    return text(radz_metric_status_name(status));
}

/* ---- DeLong ---- */

static radz_status add_delong(const radz_evaluation *ev, radz_results *results, radz_error *err)
{
    static const char *const columns[] = {"class",     "auc",        "ci_low",       "ci_high",  "logit_low",       "logit_high",
                                          "patient_low", "patient_high", "variance", "patient_variance", "status"};
    const radz_scored_set *set = ev->test;
    radz_metric_input input = input_of(set, set->labels);
    radz_clusters clusters = radz_clusters_of(set, &ev->protocol->rules);
    radz_delong_work *work = NULL;
    radz_status st = radz_delong_work_create(&work, err);
    if (st == RADZ_OK)
        st = radz_results_add_detail(results, "delong", columns, sizeof columns / sizeof *columns, err);
    for (size_t c = 0; st == RADZ_OK && c < set->n_classes; c++) {
        radz_delong plain, of_patients;
        double low, high, logit_low, logit_high, patient_low, patient_high;
        st = radz_delong_class(&input, c, NULL, work, &plain, err);
        if (st == RADZ_OK)
            st = radz_delong_class(&input, c, &clusters, work, &of_patients, err);
        if (st != RADZ_OK)
            break;
        (void)radz_delong_interval(&plain, 100 * ev->confidence, RADZ_INTERVAL_PLAIN, &low, &high);
        (void)radz_delong_interval(&plain, 100 * ev->confidence, RADZ_INTERVAL_LOGIT, &logit_low, &logit_high);
        (void)radz_delong_interval(&of_patients, 100 * ev->confidence, RADZ_INTERVAL_LOGIT, &patient_low, &patient_high);
        const radz_result_cell cells[] = {text(set->classes[c]), number(plain.auc), number(low), number(high),
                                          number(logit_low), number(logit_high), number(patient_low), number(patient_high),
                                          number(plain.variance), number(of_patients.variance), status_of(plain.status)};
        st = radz_results_add_detail_row(results, cells, err);
    }
    radz_delong_work_free(work);
    return st;
}

/* ---- operating points ---- */

static const struct {
    radz_operating_kind kind;
    double rate;
} rates[] = {{RADZ_OPERATING_SPECIFICITY, 0.9}, {RADZ_OPERATING_SENSITIVITY, 0.9}};

static radz_bootstrap_options bootstrap_of(const radz_evaluation *ev)
{
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = ev->replicates;
    options.confidence = 100 * ev->confidence;
    options.seed = ev->seed;
    options.threads = ev->threads;
    options.bounds = ev->protocol->rules.bounds;
    return options;
}

static radz_status add_operating_points(const radz_evaluation *ev, radz_bootstrap_work *bootstrap, radz_results *results,
                                        radz_error *err)
{
    static const char *const columns[] = {"class",       "fixed",  "at",      "threshold", "sensitivity",
                                          "specificity", "ci_low", "ci_high", "status"};
    const radz_scored_set *set = ev->test;
    size_t classes = set->n_classes;
    radz_metric_input input = input_of(set, set->labels);
    radz_clusters drawn = radz_clusters_of(set, &ev->protocol->rules);
    radz_metric_work *work = NULL;
    radz_operating_point *points = radz_calloc(classes, sizeof *points, err);
    radz_class_metrics *found = radz_calloc(classes, sizeof *found, err);
    radz_intervals *intervals = radz_calloc(classes, sizeof *intervals, err);
    radz_status st = points == NULL || found == NULL || intervals == NULL ? RADZ_E_NOMEM : radz_metric_work_create(&work, err);
    if (st == RADZ_OK)
        st = radz_results_add_detail(results, "operating_points", columns, sizeof columns / sizeof *columns, err);
    for (size_t r = 0; st == RADZ_OK && r < sizeof rates / sizeof *rates; r++) {
        bool by_specificity = rates[r].kind == RADZ_OPERATING_SPECIFICITY;
        radz_metric_id other = by_specificity ? RADZ_METRIC_SENSITIVITY : RADZ_METRIC_SPECIFICITY;
        for (size_t c = 0; c < classes; c++)
            points[c] = (radz_operating_point){rates[r].kind, rates[r].rate};
        radz_bootstrap_options options = bootstrap_of(ev);
        options.points = points;
        st = radz_metric_classes(&input, points, work, found, err);
        if (st == RADZ_OK && ev->replicates > 0)
            st = radz_bootstrap(&input, drawn.of, drawn.count, &options, bootstrap, intervals, NULL, NULL, err);
        for (size_t c = 0; st == RADZ_OK && c < classes; c++) {
            const radz_metric_values *m = &found[c].metrics;
            bool interval = ev->replicates > 0 && intervals[c].of[other].status == RADZ_METRIC_OK;
            const radz_result_cell cells[] = {
                text(set->classes[c]), text(by_specificity ? "specificity" : "sensitivity"), number(rates[r].rate),
                number(m->value[RADZ_METRIC_THRESHOLD]), number(m->value[RADZ_METRIC_SENSITIVITY]),
                number(m->value[RADZ_METRIC_SPECIFICITY]), number(interval ? intervals[c].of[other].low : NAN),
                number(interval ? intervals[c].of[other].high : NAN), status_of(m->status[other])};
            st = radz_results_add_detail_row(results, cells, err);
        }
    }
    free(points);
    free(found);
    free(intervals);
    radz_metric_work_free(work);
    return st;
}

/* ---- calibration ---- */

typedef struct calibrated {
    radz_calibration map;
    radz_calibration_report report;
} calibrated;

static radz_status add_calibration_rows(const radz_evaluation *ev, const calibrated *all, size_t n, radz_results *results,
                                        radz_error *err)
{
    static const char *const columns[] = {"class", "probability", "fitted_on", "a", "b", "n", "n_pos", "mean_probability",
                                          "brier", "brier_reference", "slope", "intercept", "ece", "ece_equal_count", "status",
                                          "slope_status"};
    radz_status st = radz_results_add_detail(results, "calibration", columns, sizeof columns / sizeof *columns, err);
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        const radz_calibration *map = &all[i].map;
        const radz_calibration_report *r = &all[i].report;
        bool fitted = map->kind != RADZ_CALIBRATION_SCORE;
        const radz_result_cell cells[] = {
            text(ev->test->classes[i % ev->test->n_classes]), text(radz_calibration_name(map->kind)),
            fitted ? text(ev->validation_split) : number(NAN), number(fitted ? map->a : NAN), number(fitted ? map->b : NAN),
            number((double)r->count), number((double)r->positives), number(r->mean_probability), number(r->brier),
            number(r->brier_reference), number(r->slope), number(r->intercept), number(r->ece), number(r->ece_equal_count),
            status_of(r->status), status_of(r->slope_status)};
        st = radz_results_add_detail_row(results, cells, err);
    }
    return st;
}

static radz_status add_reliability_rows(const radz_evaluation *ev, const calibrated *all, size_t n, radz_results *results,
                                        radz_error *err)
{
    static const char *const columns[] = {"class",    "probability", "bin",    "low",    "high", "n", "mean_probability",
                                          "observed", "ci_low",      "ci_high"};
    radz_status st = radz_results_add_detail(results, "reliability", columns, sizeof columns / sizeof *columns, err);
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        for (size_t k = 0; st == RADZ_OK && all[i].report.status == RADZ_METRIC_OK && k < RADZ_CALIBRATION_BINS; k++) {
            const radz_reliability_bin *b = &all[i].report.bins[k];
            if (b->count == 0)
                continue;
            const radz_result_cell cells[] = {
                text(ev->test->classes[i % ev->test->n_classes]), text(radz_calibration_name(all[i].map.kind)),
                number((double)k + 1), number(b->low), number(b->high), number((double)b->count), number(b->mean_probability),
                number(b->observed), number(b->ci_low), number(b->ci_high)};
            st = radz_results_add_detail_row(results, cells, err);
        }
    }
    return st;
}

/* The scores as they are; with a validation set also by a temperature and by Platt's map fitted there. */
static radz_status add_calibration(const radz_evaluation *ev, radz_results *results, radz_error *err)
{
    size_t classes = ev->test->n_classes, kinds = ev->validation != NULL ? 3 : 1;
    radz_metric_input test = input_of(ev->test, ev->test->labels);
    calibrated *all = radz_calloc(kinds * classes, sizeof *all, err);
    radz_metric_work *work = NULL;
    radz_status st = all == NULL ? RADZ_E_NOMEM : radz_metric_work_create(&work, err);
    for (size_t i = 0; st == RADZ_OK && i < kinds * classes; i++) {
        size_t c = i % classes;
        all[i].map = (radz_calibration){.kind = (radz_calibration_kind)(i / classes), .a = 1};
        if (all[i].map.kind == RADZ_CALIBRATION_SCORE && !ev->probabilities)
            all[i].map.status = RADZ_METRIC_OUTSIDE;
        if (all[i].map.kind != RADZ_CALIBRATION_SCORE) {
            radz_metric_input validation = input_of(ev->validation, ev->validation->labels);
            st = radz_calibration_fit(&validation, c, all[i].map.kind, work, &all[i].map, err);
        }
        if (st == RADZ_OK)
            st = radz_calibration_measure(&test, c, &all[i].map, 100 * ev->confidence, work, &all[i].report, err);
    }
    if (st == RADZ_OK)
        st = add_calibration_rows(ev, all, kinds * classes, results, err);
    if (st == RADZ_OK)
        st = add_reliability_rows(ev, all, kinds * classes, results, err);
    free(all);
    radz_metric_work_free(work);
    return st;
}

/* ---- subgroups ---- */

static const char *group_name(const radz_subgrouping *column, size_t row)
{
    return column->values[row] != NULL ? column->values[row] : "unknown";
}

typedef struct group_count {
    const char *name;
    size_t images;
} group_count;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_images(const void *a, const void *b)
{
    const group_count *x = a, *y = b;
    return x->images != y->images ? (x->images < y->images) - (x->images > y->images) : strcmp(x->name, y->name);
}

/* The values of a column that most images have, in byte order; `*others`: there are more of them. */
static radz_status groups_of(const radz_subgrouping *column, size_t n, radz_strlist *out, bool *others, radz_error *err)
{
    const char **sorted = radz_calloc(n, sizeof *sorted, err);
    group_count *counts = radz_calloc(n, sizeof *counts, err);
    size_t distinct = 0;
    radz_status st = sorted == NULL || counts == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++)
        sorted[i] = group_name(column, i);
    if (st == RADZ_OK)
        qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            counts[distinct++].name = sorted[i];
        counts[distinct - 1].images++;
    }
    if (st == RADZ_OK)
        qsort(counts, distinct, sizeof *counts, by_images);
    *others = distinct > RADZ_SUBGROUPS_MOST;
    for (size_t k = 0; st == RADZ_OK && k < distinct && k < RADZ_SUBGROUPS_MOST; k++)
        st = radz_strlist_add(out, counts[k].name, err);
    radz_strlist_sort(out);
    free(sorted);
    free(counts);
    return st;
}

typedef struct subgroup_space {
    int8_t *inside, *outside; /* labels with the other rows masked, [n, classes] */
    uint8_t *seen;            /* [patients] */
    uint8_t *members;         /* [classes]: those of the macro mean */
    radz_class_metrics *in, *out;
    radz_intervals *intervals; /* [classes + 1], the last of the mean */
    radz_paired *pairs;        /* [classes + 1] */
    radz_metric_work *work;
    radz_bootstrap_work *bootstrap;
} subgroup_space;

static radz_status add_group_rows(const radz_evaluation *ev, const radz_subgrouping *column, const char *group,
                                  const subgroup_space *s, double images, double patients, radz_results *results, radz_error *err)
{
    const radz_scored_set *set = ev->test;
    size_t classes = set->n_classes;
    radz_mean_metrics mean_in, mean_out;
    radz_metric_mean(s->in, classes, s->members, &mean_in);
    radz_metric_mean(s->out, classes, s->members, &mean_out);
    bool resampled = ev->replicates > 0;
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i <= classes; i++) {
        size_t c = i == 0 ? classes : i - 1; /* the mean first */
        const radz_metric_values *in = i == 0 ? &mean_in.metrics : &s->in[c].metrics;
        const radz_metric_values *out = i == 0 ? &mean_out.metrics : &s->out[c].metrics;
        const radz_interval *own = &s->intervals[c].of[RADZ_METRIC_AUC], *gap = &s->pairs[c].intervals.of[RADZ_METRIC_AUC];
        radz_metric_status of_in = in->status[RADZ_METRIC_AUC], of_out = out->status[RADZ_METRIC_AUC];
        bool both = of_in == RADZ_METRIC_OK && of_out == RADZ_METRIC_OK;
        bool has_own = resampled && own->status == RADZ_METRIC_OK, has_gap = resampled && both && gap->status == RADZ_METRIC_OK;
        const radz_result_cell cells[] = {
            text(column->column), text(group), text(i == 0 ? "macro" : set->classes[c]), number(images),
            number(i == 0 ? images : (double)(s->in[c].positives + s->in[c].negatives)),
            number(i == 0 ? (double)mean_in.defined[RADZ_METRIC_AUC] : (double)s->in[c].positives), number(patients),
            number(in->value[RADZ_METRIC_AUC]), number(has_own ? own->low : NAN), number(has_own ? own->high : NAN),
            number(out->value[RADZ_METRIC_AUC]),
            number(both ? in->value[RADZ_METRIC_AUC] - out->value[RADZ_METRIC_AUC] : NAN), number(has_gap ? gap->low : NAN),
            number(has_gap ? gap->high : NAN), status_of(of_in), status_of(of_in != RADZ_METRIC_OK ? of_in : of_out)};
        st = radz_results_add_detail_row(results, cells, err);
    }
    return st;
}

static radz_status measure_group(const radz_evaluation *ev, const radz_subgrouping *column, const radz_strlist *groups,
                                 const char *group, subgroup_space *s, radz_results *results, radz_error *err)
{
    const radz_scored_set *set = ev->test;
    size_t classes = set->n_classes, images = 0, patients = 0;
    memset(s->inside, -1, set->n * classes);
    memset(s->outside, -1, set->n * classes);
    memset(s->seen, 0, set->n_patients);
    for (size_t i = 0; i < set->n; i++) {
        const char *value = group_name(column, i);
        bool here = strcmp(radz_strlist_has(groups, value) ? value : "other", group) == 0;
        memcpy((here ? s->inside : s->outside) + i * classes, set->labels + i * classes, classes);
        images += here;
        patients += here && !s->seen[set->patient_of[i]];
        s->seen[set->patient_of[i]] |= here;
    }
    radz_metric_input in = input_of(set, s->inside), out = input_of(set, s->outside);
    radz_status st = radz_metric_classes(&in, NULL, s->work, s->in, err);
    if (st == RADZ_OK)
        st = radz_metric_classes(&out, NULL, s->work, s->out, err);
    if (st != RADZ_OK)
        return st;
    /* the mean runs over the classes that are defined in the group and in the rest, so that the gap compares like with like */
    for (size_t c = 0; c < classes; c++)
        s->members[c] = s->in[c].metrics.status[RADZ_METRIC_AUC] == RADZ_METRIC_OK &&
                        s->out[c].metrics.status[RADZ_METRIC_AUC] == RADZ_METRIC_OK;
    if (ev->replicates > 0) {
        radz_clusters drawn = radz_clusters_of(set, &ev->protocol->rules);
        radz_bootstrap_options options = bootstrap_of(ev);
        options.groups = s->members;
        options.group_count = 1;
        options.labels_differ = true;
        st = radz_bootstrap(&in, drawn.of, drawn.count, &options, s->bootstrap, s->intervals, &s->intervals[classes], NULL, err);
        if (st == RADZ_OK)
            st = radz_bootstrap_paired(&in, &out, drawn.of, drawn.count, &options, NULL, s->bootstrap, s->pairs,
                                       &s->pairs[classes], NULL, err);
    }
    return st == RADZ_OK ? add_group_rows(ev, column, group, s, (double)images, (double)patients, results, err) : st;
}

static radz_status add_subgroups(const radz_evaluation *ev, radz_bootstrap_work *bootstrap, radz_results *results,
                                 radz_error *err)
{
    static const char *const columns[] = {"column", "group", "class", "images", "n", "n_pos", "patients", "auc", "ci_low",
                                          "ci_high", "rest_auc", "gap", "gap_low", "gap_high", "status", "gap_status"};
    const radz_scored_set *set = ev->test;
    size_t cells = set->n * set->n_classes;
    subgroup_space s = {.bootstrap = bootstrap};
    s.inside = radz_calloc(cells, 1, err);
    s.outside = radz_calloc(cells, 1, err);
    s.seen = radz_calloc(set->n_patients, 1, err);
    s.members = radz_calloc(set->n_classes, 1, err);
    s.in = radz_calloc(set->n_classes, sizeof *s.in, err);
    s.out = radz_calloc(set->n_classes, sizeof *s.out, err);
    s.intervals = radz_calloc(set->n_classes + 1, sizeof *s.intervals, err);
    s.pairs = radz_calloc(set->n_classes + 1, sizeof *s.pairs, err);
    bool memory = s.inside != NULL && s.outside != NULL && s.seen != NULL && s.members != NULL && s.in != NULL &&
                  s.out != NULL && s.intervals != NULL && s.pairs != NULL;
    radz_status st = memory ? radz_metric_work_create(&s.work, err) : RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = radz_results_add_detail(results, "subgroups", columns, sizeof columns / sizeof *columns, err);
    for (size_t k = 0; st == RADZ_OK && k < ev->subgroupings_count; k++) {
        radz_strlist groups = {0};
        bool others = false;
        st = groups_of(&ev->subgroupings[k], set->n, &groups, &others, err);
        for (size_t g = 0; st == RADZ_OK && g < groups.count + others; g++)
            st = measure_group(ev, &ev->subgroupings[k], &groups, g < groups.count ? groups.items[g] : "other", &s, results, err);
        radz_strlist_free(&groups);
    }
    free(s.inside);
    free(s.outside);
    free(s.seen);
    free(s.members);
    free(s.in);
    free(s.out);
    free(s.intervals);
    free(s.pairs);
    radz_metric_work_free(s.work);
    return st;
}

radz_status radz_details_add(const radz_evaluation *ev, radz_results *results, radz_error *err)
{
    radz_bootstrap_work *bootstrap = NULL;
    radz_status st = radz_bootstrap_work_create(&bootstrap, err);
    if (st == RADZ_OK)
        st = add_delong(ev, results, err);
    if (st == RADZ_OK)
        st = add_operating_points(ev, bootstrap, results, err);
    if (st == RADZ_OK)
        st = add_calibration(ev, results, err);
    if (st == RADZ_OK && ev->subgroupings_count > 0)
        st = add_subgroups(ev, bootstrap, results, err);
    radz_bootstrap_work_free(bootstrap);
    return st;
}
