#include "run/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "metric/pr_curve.h"
#include "metric/resample.h"
#include "run/mistakes.h"
#include "score/scorer.h"

enum { SCORE_BLOCK = 1024 /* images whose embeddings are in memory at a time */ };

/* The images that have an embedding, as the metric room wants them. */
typedef struct scored_set {
    size_t n, classes, patients;
    const char **names;         /* [n] image ids */
    const char **paths;         /* [n] image files */
    const char **patient_names; /* [n] */
    int8_t *labels;             /* [n, classes] */
    double *scores;             /* [n, classes] */
    uint32_t *patient_of;       /* [n] */
} scored_set;

static void scored_set_free(scored_set *set)
{
    free(set->names);
    free(set->paths);
    free(set->patient_names);
    free(set->labels);
    free(set->scores);
    free(set->patient_of);
}

static radz_status score_images(const radz_evaluation *ev, const radz_scorer *scorer, scored_set *set, radz_error *err)
{
    const radz_dataset *data = ev->dataset;
    const radz_prompt_texts *p = ev->prompts;
    radz_score_texts texts = {
        .rows = p->n, .dim = ev->dim, .classes = data->n_classes, .embeddings = p->embeddings, .class_of = p->class_of,
        .polarity_of = p->polarity_of, .template_of = p->template_of, .class_names = data->classes,
    };
    radz_score_state *state = NULL;
    float *rows = radz_calloc(SCORE_BLOCK * ev->dim, sizeof *rows, err);
    unsigned char *keys = radz_calloc(SCORE_BLOCK, RADZ_CACHE_KEY_SIZE, err);
    radz_status st = rows == NULL || keys == NULL ? RADZ_E_NOMEM : scorer->prepare(&texts, NULL, &state, err);
    size_t block_first = 0, filled = 0;
    for (size_t i = 0; st == RADZ_OK && i <= data->n; i++) {
        if (filled == SCORE_BLOCK || (i == data->n && filled > 0)) {
            st = radz_store_lookup(ev->images, keys, filled, rows, NULL, err);
            if (st != RADZ_OK)
                break;
            radz_score_block block = {
                .rows = filled, .dim = ev->dim, .embeddings = rows, .first_row = block_first,
                .row_names = set->names + block_first,
            };
            st = scorer->score(state, &block, set->scores + block_first * data->n_classes, err);
            block_first += filled;
            filled = 0;
            if (st == RADZ_OK && radz_cancelled())
                st = radz_fail_interrupted(err);
        }
        if (i == data->n || !ev->embedded->usable[i])
            continue;
        memcpy(keys + filled * RADZ_CACHE_KEY_SIZE, ev->embedded->keys + i * RADZ_CACHE_KEY_SIZE, RADZ_CACHE_KEY_SIZE);
        filled++;
    }
    scorer->free(state);
    free(rows);
    free(keys);
    return st;
}

static radz_status gather(const radz_evaluation *ev, const radz_scorer *scorer, scored_set *set, radz_error *err)
{
    const radz_dataset *data = ev->dataset;
    *set = (scored_set){.classes = data->n_classes};
    set->names = radz_calloc(data->n, sizeof *set->names, err);
    set->paths = radz_calloc(data->n, sizeof *set->paths, err);
    set->patient_names = radz_calloc(data->n, sizeof *set->patient_names, err);
    set->labels = radz_calloc(data->n * data->n_classes, sizeof *set->labels, err);
    set->scores = radz_calloc(data->n * data->n_classes, sizeof *set->scores, err);
    set->patient_of = radz_calloc(data->n, sizeof *set->patient_of, err);
    if (set->names == NULL || set->paths == NULL || set->patient_names == NULL || set->labels == NULL || set->scores == NULL ||
        set->patient_of == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < data->n; i++) {
        if (!ev->embedded->usable[i])
            continue;
        set->names[set->n] = data->samples[i].image_id;
        set->paths[set->n] = data->samples[i].path;
        set->patient_names[set->n] = data->samples[i].patient_id;
        memcpy(set->labels + set->n * data->n_classes, data->labels + i * data->n_classes, data->n_classes);
        set->n++;
    }
    if (set->n == 0)
        return radz_fail(err, RADZ_E_MISSING, "none of its %zu images could be read", data->n);
    radz_status st = radz_number_patients(set->patient_names, set->n, set->patient_of, &set->patients, err);
    return st == RADZ_OK ? score_images(ev, scorer, set, err) : st;
}

/* ---- groups of classes ---- */

/* Which of the evaluated classes belong to a group of the card; group NULL: all. Returns how many. */
static size_t group_members(const radz_class_group *group, const radz_dataset *data, uint8_t *members)
{
    size_t count = 0;
    for (size_t c = 0; c < data->n_classes; c++) {
        members[c] = group == NULL;
        for (size_t i = 0; group != NULL && i < group->classes_count; i++)
            members[c] |= strcmp(group->classes[i], data->classes[c]) == 0;
        count += members[c];
    }
    return count;
}

radz_status radz_evaluate_groups(const radz_dataset_card *card, const radz_dataset *dataset, radz_results *results,
                                 radz_error *err)
{
    uint8_t *members = radz_calloc(dataset->n_classes, 1, err);
    const char **names = radz_calloc(dataset->n_classes, sizeof *names, err);
    radz_status st = members == NULL || names == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t g = 0; st == RADZ_OK && g < card->groups_count; g++) {
        size_t count = 0;
        if (group_members(&card->groups[g], dataset, members) == 0)
            continue;
        for (size_t c = 0; c < dataset->n_classes; c++)
            if (members[c])
                names[count++] = dataset->classes[c];
        const char *title = card->groups[g].title != NULL ? card->groups[g].title : card->groups[g].name;
        st = radz_results_add_group(
            results, &(radz_result_group){card->base.name, card->groups[g].name, title, names, count}, err);
    }
    free(members);
    free(names);
    return st;
}

/* ---- rows ---- */

typedef struct measured {
    radz_class_metrics *classes;     /* [n_classes] */
    radz_intervals *class_intervals; /* [n_classes] */
    radz_mean_metrics *means;        /* [n_means]: all classes, then the groups */
    radz_intervals *mean_intervals;  /* [n_means] */
    uint8_t *members;                /* [n_means, n_classes] */
    size_t n_means;
    radz_bootstrap_summary summary;
    bool with_intervals;
} measured;

static void measured_free(measured *m)
{
    free(m->classes);
    free(m->class_intervals);
    free(m->means);
    free(m->mean_intervals);
    free(m->members);
}

static radz_status measure(const radz_evaluation *ev, const radz_metric_input *input, const scored_set *set, measured *m,
                           radz_metric_work *work, radz_error *err)
{
    size_t classes = set->classes;
    *m = (measured){.n_means = 1 + ev->dataset_card->groups_count, .with_intervals = ev->suite->replicates > 0};
    m->classes = radz_calloc(classes, sizeof *m->classes, err);
    m->class_intervals = radz_calloc(classes, sizeof *m->class_intervals, err);
    m->means = radz_calloc(m->n_means, sizeof *m->means, err);
    m->mean_intervals = radz_calloc(m->n_means, sizeof *m->mean_intervals, err);
    m->members = radz_calloc(m->n_means * classes, 1, err);
    if (m->classes == NULL || m->class_intervals == NULL || m->means == NULL || m->mean_intervals == NULL ||
        m->members == NULL)
        return RADZ_E_NOMEM;
    for (size_t g = 0; g < m->n_means; g++)
        group_members(g == 0 ? NULL : &ev->dataset_card->groups[g - 1], ev->dataset, m->members + g * classes);
    radz_status st = radz_metric_classes(input, NULL, work, m->classes, err);
    if (st != RADZ_OK)
        return st;
    for (size_t g = 0; g < m->n_means; g++)
        radz_metric_mean(m->classes, classes, m->members + g * classes, &m->means[g]);
    if (!m->with_intervals)
        return RADZ_OK;
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = ev->suite->replicates;
    options.confidence = 100 * ev->suite->confidence;
    options.seed = ev->seed;
    options.threads = ev->threads;
    options.groups = m->members;
    options.group_count = m->n_means;
    radz_bootstrap_work *bootstrap = NULL;
    st = radz_bootstrap_work_create(&bootstrap, err);
    if (st == RADZ_OK)
        st = radz_bootstrap(input, set->patient_of, set->patients, &options, bootstrap, m->class_intervals,
                            m->mean_intervals, &m->summary, err);
    radz_bootstrap_work_free(bootstrap);
    return st;
}

static radz_status add_rows(const radz_evaluation *ev, const char *scorer, const char *class_name, uint64_t n,
                            const radz_metric_values *values, const uint64_t n_pos[RADZ_METRIC_COUNT],
                            const radz_intervals *intervals, bool averaged_only, radz_results *results, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < RADZ_METRIC_COUNT; i++) {
        if (averaged_only && !radz_metrics[i].averaged)
            continue;
        bool interval = intervals != NULL && intervals->of[i].status == RADZ_METRIC_OK;
        radz_result_row row = {
            .dataset = ev->dataset->name,
            .split = ev->dataset->split,
            .model = ev->model_card->base.name,
            .scorer = scorer,
            .protocol = ev->suite->protocol,
            .class_name = class_name,
            .metric = radz_metrics[i].name,
            .n = n,
            .n_pos = n_pos[i],
            .value = values->status[i] == RADZ_METRIC_OK ? values->value[i] : NAN,
            .ci_low = interval ? intervals->of[i].low : NAN,
            .ci_high = interval ? intervals->of[i].high : NAN,
            .status = radz_metric_status_name(values->status[i]),
            .ci_status = intervals == NULL ? "none" : radz_metric_status_name(intervals->of[i].status),
        };
        st = radz_results_add_row(results, &row, err);
    }
    return st;
}

static radz_status add_all_rows(const radz_evaluation *ev, const char *scorer, const scored_set *set, const measured *m,
                                radz_results *results, radz_error *err)
{
    uint64_t counts[RADZ_METRIC_COUNT];
    radz_status st = RADZ_OK;
    for (size_t g = 0; st == RADZ_OK && g < m->n_means; g++) {
        if (m->means[g].members == 0)
            continue;
        radz_strbuf name = {0};
        st = radz_strbuf_printf(&name, err, "macro%s%s", g == 0 ? "" : ":",
                                g == 0 ? "" : ev->dataset_card->groups[g - 1].name);
        for (size_t i = 0; i < RADZ_METRIC_COUNT; i++)
            counts[i] = m->means[g].defined[i];
        if (st == RADZ_OK)
            st = add_rows(ev, scorer, name.text, set->n, &m->means[g].metrics, counts,
                          m->with_intervals ? &m->mean_intervals[g] : NULL, true, results, err);
        radz_strbuf_free(&name);
    }
    for (size_t c = 0; st == RADZ_OK && c < set->classes; c++) {
        for (size_t i = 0; i < RADZ_METRIC_COUNT; i++)
            counts[i] = m->classes[c].positives;
        st = add_rows(ev, scorer, ev->dataset->classes[c], m->classes[c].positives + m->classes[c].negatives,
                      &m->classes[c].metrics, counts, m->with_intervals ? &m->class_intervals[c] : NULL, false, results,
                      err);
    }
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

static radz_status add_block(const radz_evaluation *ev, const char *scorer, const scored_set *set, const measured *m,
                             radz_results *results, radz_error *err)
{
    const radz_dataset *data = ev->dataset;
    char fingerprint[RADZ_SHA256_HEX_SIZE];
    memcpy(fingerprint, data->fingerprint, sizeof fingerprint);
    radz_status st = RADZ_OK;
    if (set->n != data->n) { /* images were skipped: the figures are of the others */
        radz_sample *samples = radz_calloc(set->n, sizeof *samples, err);
        if (samples == NULL)
            return RADZ_E_NOMEM;
        for (size_t i = 0; i < set->n; i++)
            samples[i].image_id = set->names[i];
        st = radz_dataset_fingerprint(samples, set->labels, set->n, data->classes, data->n_classes, fingerprint, err);
        free(samples);
    }
    radz_result_block block = {
        .dataset = data->name,
        .dataset_title = ev->dataset_card->base.title,
        .split = data->split,
        .model = ev->model_card->base.name,
        .model_title = ev->model_card->base.title,
        .scorer = scorer,
        .protocol = ev->suite->protocol,
        .prompts = ev->prompts_card->base.name,
        .synthetic = ev->dataset_card->synthetic,
        .subset = data->subset,
        .n = set->n,
        .n_patients = set->patients,
        .n_missing = data->n_missing,
        .n_skipped = data->n - set->n,
        .replicates = m->summary.replicates,
        .distinct_replicates = m->summary.distinct,
        .confidence = ev->suite->confidence,
        .fingerprint = fingerprint,
        .split_fingerprint = data->split_fingerprint,
        .weights_sha256 = ev->weights_sha256,
        .prompts_sha256 = ev->prompts->list.sha256,
        .recipe = ev->recipe,
        .dtype = ev->dtype,
        .device = ev->device_class,
        .trained_on = ev->model_card->trained_on,
        .seconds_per_image = ev->embedded->n_encoded > 0 ? ev->embedded->seconds / (double)ev->embedded->n_encoded : 0,
    };
    return st == RADZ_OK ? radz_results_add_block(results, &block, err) : st;
}

radz_status radz_evaluate(const radz_evaluation *ev, const char *scorer_name, radz_results *results, radz_error *err)
{
    const radz_scorer *scorer;
    scored_set set = {0};
    measured m = {0};
    radz_metric_work *work = NULL;
    radz_status st = radz_scorer_find(scorer_name, &scorer, err);
    if (st == RADZ_OK)
        st = gather(ev, scorer, &set, err);
    if (st == RADZ_OK)
        st = radz_metric_work_create(&work, err);
    radz_metric_input input = {
        .rows = set.n, .classes = set.classes, .scores = set.scores, .labels = set.labels,
        .class_names = ev->dataset->classes, .row_names = set.names,
    };
    if (st == RADZ_OK)
        st = measure(ev, &input, &set, &m, work, err);
    if (st == RADZ_OK)
        st = add_block(ev, scorer_name, &set, &m, results, err);
    if (st == RADZ_OK)
        st = add_all_rows(ev, scorer_name, &set, &m, results, err);
    if (st == RADZ_OK)
        st = add_curves(&input, work, results, err);
    if (st == RADZ_OK)
        st = radz_mistakes_add(&input, set.paths, ev->pictures ? ev->run_dir : NULL, results, err);
    if (st == RADZ_OK && ev->run_dir != NULL)
        st = radz_scores_write(ev->run_dir, ev->dataset->name, ev->model_card->base.name, scorer_name, set.names, set.n,
                               ev->dataset->classes, set.classes, set.scores, err);
    radz_metric_work_free(work);
    measured_free(&m);
    scored_set_free(&set);
    return st;
}
