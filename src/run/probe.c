#include "run/probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/workers.h"
#include "data/dataset.h"
#include "metric/metric.h"
#include "report/results_lookup.h"
#include "score/logistic.h"

radz_probe_options radz_probe_defaults(void)
{
    return (radz_probe_options){.percents = {1, 10, 100}, .n_percents = 3, .draws = 5, .c = 1};
}

/* A share of one draw. */
typedef struct drawing {
    uint32_t *members; /* training images, ascending */
    size_t n, patients, share;
} drawing;

typedef struct figures {
    double auc, ap; /* NaN: none */
} figures;

typedef struct probe_space {
    double *weights, *scores;
    int8_t *labels;
    radz_metric_work *work;
} probe_space;

typedef struct probe_job {
    const radz_probe_set *test;
    const radz_probe_options *options;
    const float *training_features, *test_features;
    const int8_t *training_labels;
    size_t training_n, dim, classes;
    drawing *drawings; /* [n_drawings] */
    size_t n_drawings;
    figures *found;    /* [n_drawings, classes] */
    probe_space *spaces;
} probe_job;

/* A copy in which every vector has length sqrt(dim): a coordinate is of size one, so that C means the same for every model. */
static radz_status scaled(const radz_probe_set *set, size_t dim, float **out, radz_error *err)
{
    *out = radz_calloc(set->set.n * dim, sizeof **out, err);
    if (*out == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < set->set.n; i++) {
        const float *from = set->features + i * dim;
        double sum = 0;
        for (size_t k = 0; k < dim; k++)
            sum += (double)from[k] * (double)from[k];
        if (!(sum > 0) || !isfinite(sum))
            return radz_fail(err, RADZ_E_VALUE, "linear probe: the features of '%s' have length %g, wanted one above 0",
                             set->set.names[i], sqrt(sum));
        double times = sqrt((double)dim / sum);
        for (size_t k = 0; k < dim; k++)
            (*out)[i * dim + k] = (float)(times * (double)from[k]);
    }
    return RADZ_OK;
}

/* The images of the first `patients` of the order. */
static radz_status take(const radz_scored_set *training, const size_t *order, size_t patients, uint8_t *chosen, drawing *out,
                        radz_error *err)
{
    out->patients = patients;
    out->members = radz_calloc(training->n, sizeof *out->members, err);
    if (out->members == NULL)
        return RADZ_E_NOMEM;
    memset(chosen, 0, training->n_patients);
    for (size_t p = 0; p < patients; p++)
        chosen[order[p]] = 1;
    for (size_t i = 0; i < training->n; i++)
        if (chosen[training->patient_of[i]])
            out->members[out->n++] = (uint32_t)i;
    return RADZ_OK;
}

static radz_status draw_all(const radz_scored_set *training, const radz_probe_options *options, uint64_t seed, probe_job *job,
                            radz_error *err)
{
    size_t patients = training->n_patients;
    size_t *order = radz_calloc(patients, sizeof *order, err);
    uint8_t *chosen = radz_calloc(patients, 1, err);
    job->drawings = radz_calloc(options->n_percents * options->draws, sizeof *job->drawings, err);
    radz_status st = order == NULL || chosen == NULL || job->drawings == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t s = 0; st == RADZ_OK && s < options->n_percents; s++) {
        double wanted = ceil(options->percents[s] / 100 * (double)patients - 1e-9);
        size_t count = wanted < 1 ? 1 : wanted > (double)patients ? patients : (size_t)wanted;
        for (size_t d = 0; st == RADZ_OK && d < (count == patients ? 1 : options->draws); d++) {
            radz_rng rng;
            for (size_t p = 0; p < patients; p++)
                order[p] = p;
            radz_rng_seed(&rng, seed, d);
            radz_rng_shuffle(&rng, order, patients);
            drawing *out = &job->drawings[job->n_drawings++];
            out->share = s;
            st = take(training, order, count, chosen, out, err);
        }
    }
    free(order);
    free(chosen);
    return st;
}

static radz_status fit_one(void *context, size_t i, int worker, radz_error *err)
{
    probe_job *job = context;
    probe_space *space = &job->spaces[worker];
    const drawing *d = &job->drawings[i / job->classes];
    const radz_scored_set *test = &job->test->set;
    size_t c = i % job->classes;
    figures *out = &job->found[i];
    *out = (figures){NAN, NAN};
    bool labelled = false;
    for (size_t k = 0; k < d->n && !labelled; k++)
        labelled = job->training_labels[(size_t)d->members[k] * job->classes + c] >= 0;
    if (!labelled)
        return RADZ_OK;
    radz_logistic_input input = {
        .rows = job->training_n, .dim = job->dim, .features = job->training_features, .labels = job->training_labels + c,
        .label_stride = job->classes, .members = d->members, .n_members = d->n, .c = job->options->c,
    };
    radz_logistic_report report;
    radz_status st = radz_logistic_fit(&input, space->weights, &report, err);
    if (st != RADZ_OK || !report.fitted)
        return st;
    for (size_t k = 0; k < test->n; k++) {
        space->scores[k] = radz_logistic_score(space->weights, job->test_features + k * job->dim, job->dim);
        space->labels[k] = test->labels[k * job->classes + c];
    }
    radz_metric_input measured = {.rows = test->n, .classes = 1, .scores = space->scores, .labels = space->labels};
    radz_class_metrics metrics;
    st = radz_metric_class(&measured, 0, NULL, space->work, &metrics, err);
    *out = (figures){metrics.metrics.value[RADZ_METRIC_AUC], metrics.metrics.value[RADZ_METRIC_AP]};
    return st;
}

/* Mean, deviation and ends of the values that are there, in order of the draws. */
typedef struct spread {
    double mean, deviation, least, largest;
    size_t count, missing;
} spread;

static void add_value(spread *s, double *values, double value)
{
    if (isnan(value))
        s->missing++;
    else
        values[s->count++] = value;
}

static void conclude(spread *s, const double *values)
{
    double sum = 0, squares = 0;
    s->mean = s->deviation = s->least = s->largest = NAN;
    for (size_t i = 0; i < s->count; i++) {
        sum += values[i];
        s->least = i == 0 || values[i] < s->least ? values[i] : s->least;
        s->largest = i == 0 || values[i] > s->largest ? values[i] : s->largest;
    }
    if (s->count == 0)
        return;
    s->mean = sum / (double)s->count;
    for (size_t i = 0; i < s->count; i++)
        squares += (values[i] - s->mean) * (values[i] - s->mean);
    s->deviation = s->count > 1 ? sqrt(squares / (double)(s->count - 1)) : NAN;
}

/* Over the draws of a share: of class `only`, or (classes) of the mean over the classes of each draw. */
static void collect(const probe_job *job, size_t share, size_t only, double *values, spread *auc, spread *ap)
{
    for (int which = 0; which < 2; which++) {
        spread *s = which == 0 ? auc : ap;
        *s = (spread){0};
        for (size_t d = 0; d < job->n_drawings; d++) {
            if (job->drawings[d].share != share)
                continue;
            double sum = 0;
            size_t n = 0;
            for (size_t c = 0; c < job->classes; c++) {
                const figures *f = &job->found[d * job->classes + c];
                double value = which == 0 ? f->auc : f->ap;
                if ((only == job->classes || only == c) && !isnan(value)) {
                    sum += value;
                    n++;
                }
            }
            add_value(s, values, n > 0 ? sum / (double)n : NAN);
        }
        conclude(s, values);
    }
}

static radz_result_cell text(const char *value)
{
    return (radz_result_cell){value, NAN};
}

static radz_result_cell number(double value)
{
    return (radz_result_cell){NULL, value};
}

static radz_status add_figure(const radz_result_block *block, const char *class_name, const char *metric, uint64_t n,
                              uint64_t n_pos, const spread *s, radz_results *results, radz_error *err)
{
    radz_result_row row = {
        .dataset = block->dataset, .split = block->split, .model = block->model, .scorer = block->scorer,
        .protocol = block->protocol, .class_name = class_name, .metric = metric, .n = n, .n_pos = n_pos, .value = s->mean,
        .ci_low = NAN, .ci_high = NAN, .status = "ok", .ci_status = "none",
    };
    if (s->count == 0)
        row.status = radz_is_mean(class_name)          ? radz_metric_status_name(RADZ_METRIC_NO_CLASS)
                     : n_pos == 0 || n_pos == n ? radz_metric_status_name(RADZ_METRIC_ONE_VALUE)
                                                : radz_metric_status_name(RADZ_METRIC_NOT_TRAINED);
    return radz_results_add_row(results, &row, err);
}

static radz_status add_share(const probe_job *job, size_t share, const radz_result_block *block, double *values,
                             radz_results *results, radz_error *err)
{
    static const char *const columns[] = {"class", "percent", "images", "patients", "c", "draws", "undefined", "auc_mean", "auc_sd",
                                          "auc_least", "auc_largest", "ap_mean", "ap_sd"};
    const radz_scored_set *test = &job->test->set;
    double images = 0, patients = 0, draws = 0;
    for (size_t d = 0; d < job->n_drawings; d++)
        if (job->drawings[d].share == share) {
            images += (double)job->drawings[d].n;
            patients = (double)job->drawings[d].patients;
            draws++;
        }
    radz_status st = radz_results_add_block(results, block, err);
    if (st == RADZ_OK)
        st = radz_results_add_detail(results, "few_shot", columns, sizeof columns / sizeof *columns, err);
    for (size_t i = 0; st == RADZ_OK && i <= job->classes; i++) {
        size_t c = i == 0 ? job->classes : i - 1; /* the mean first */
        const char *name = i == 0 ? "macro" : test->classes[c];
        uint64_t n = 0, n_pos = 0;
        spread auc, ap;
        collect(job, share, c, values, &auc, &ap);
        for (size_t k = 0; i > 0 && k < test->n; k++) {
            n += test->labels[k * job->classes + c] >= 0;
            n_pos += test->labels[k * job->classes + c] == 1;
        }
        for (size_t k = 0; i == 0 && k < job->classes; k++) {
            spread of_class, unused;
            collect(job, share, k, values, &of_class, &unused);
            n_pos += of_class.count > 0;
        }
        const radz_result_cell cells[] = {
            text(name), number(job->options->percents[share]), number(images / draws), number(patients),
            number(job->options->c), number(draws), number((double)auc.missing), number(auc.mean), number(auc.deviation),
            number(auc.least), number(auc.largest), number(ap.mean), number(ap.deviation)};
        st = radz_results_add_detail_row(results, cells, err);
        if (st == RADZ_OK)
            st = add_figure(block, name, "auc", i == 0 ? test->n : n, n_pos, &auc, results, err);
        if (st == RADZ_OK)
            st = add_figure(block, name, "ap", i == 0 ? test->n : n, n_pos, &ap, results, err);
    }
    return st;
}

static radz_status check(const radz_probe_set *training, const radz_probe_set *test, const radz_probe_options *options,
                         int threads, radz_error *err)
{
    if (options->n_percents < 1 || options->n_percents > RADZ_PROBE_FRACTIONS)
        return radz_fail(err, RADZ_E_USAGE, "linear probe: %zu shares, wanted 1 to %d", options->n_percents, RADZ_PROBE_FRACTIONS);
    for (size_t i = 0; i < options->n_percents; i++)
        if (!(options->percents[i] > 0 && options->percents[i] <= 100))
            return radz_fail(err, RADZ_E_USAGE, "linear probe: a share of %g percent, wanted one above 0 and at most 100",
                             options->percents[i]);
    if (options->draws < 1 || options->draws > RADZ_PROBE_DRAWS)
        return radz_fail(err, RADZ_E_USAGE, "linear probe: %zu draws, wanted 1 to %d", options->draws, RADZ_PROBE_DRAWS);
    if (threads < 1)
        return radz_fail(err, RADZ_E_USAGE, "linear probe: %d threads, wanted at least 1", threads);
    if (training->set.n == 0 || test->set.n == 0)
        return radz_fail(err, RADZ_E_MISSING, "linear probe: %zu training and %zu test images, wanted some of both",
                         training->set.n, test->set.n);
    if (training->set.n_classes != test->set.n_classes)
        return radz_fail(err, RADZ_E_INTERNAL, "linear probe: %zu and %zu classes", training->set.n_classes, test->set.n_classes);
    return RADZ_OK;
}

static radz_status make_spaces(probe_job *job, size_t threads, radz_error *err)
{
    job->spaces = radz_calloc(threads, sizeof *job->spaces, err);
    radz_status st = job->spaces == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t t = 0; st == RADZ_OK && t < threads; t++) {
        probe_space *s = &job->spaces[t];
        s->weights = radz_calloc(job->dim + 1, sizeof *s->weights, err);
        s->scores = radz_calloc(job->test->set.n, sizeof *s->scores, err);
        s->labels = radz_calloc(job->test->set.n, 1, err);
        st = s->weights == NULL || s->scores == NULL || s->labels == NULL ? RADZ_E_NOMEM : radz_metric_work_create(&s->work, err);
    }
    return st;
}

radz_status radz_probe_evaluate(const radz_probe_set *training, const radz_probe_set *test, size_t dim,
                                const radz_probe_options *options, uint64_t seed, int threads, double confidence,
                                const radz_result_block *block, const char *protocol, radz_results *results, radz_error *err)
{
    radz_status st = check(training, test, options, threads, err);
    if (st != RADZ_OK)
        return st;
    probe_job job = {
        .test = test, .options = options, .training_labels = training->set.labels, .training_n = training->set.n, .dim = dim,
        .classes = test->set.n_classes,
    };
    float *features[2] = {NULL, NULL};
    double *values = radz_calloc(options->draws, sizeof *values, err);
    st = values == NULL ? RADZ_E_NOMEM : scaled(training, dim, &features[0], err);
    if (st == RADZ_OK)
        st = scaled(test, dim, &features[1], err);
    job.training_features = features[0];
    job.test_features = features[1];
    if (st == RADZ_OK)
        st = draw_all(&training->set, options, seed, &job, err);
    if (st == RADZ_OK) {
        job.found = radz_calloc(job.n_drawings * job.classes, sizeof *job.found, err);
        st = job.found == NULL ? RADZ_E_NOMEM : make_spaces(&job, (size_t)threads, err);
    }
    if (st == RADZ_OK)
        st = radz_parallel_for(job.n_drawings * job.classes, threads, fit_one, &job, err);
    for (size_t s = 0; st == RADZ_OK && s < options->n_percents; s++) {
        char name[64];
        snprintf(name, sizeof name, "linear-probe-%g", options->percents[s]);
        radz_result_block own = *block;
        own.scorer = name;
        own.protocol = protocol;
        own.n = test->set.n;
        own.n_patients = test->set.n_patients;
        own.prompts = own.prompts_wording = NULL;
        own.prompts_sha256 = NULL;
        own.confidence = confidence;
        st = add_share(&job, s, &own, values, results, err);
    }
    for (size_t i = 0; job.drawings != NULL && i < job.n_drawings; i++)
        free(job.drawings[i].members);
    for (int t = 0; job.spaces != NULL && t < threads; t++) {
        free(job.spaces[t].weights);
        free(job.spaces[t].scores);
        free(job.spaces[t].labels);
        radz_metric_work_free(job.spaces[t].work);
    }
    free(job.drawings);
    free(job.found);
    free(job.spaces);
    free(features[0]);
    free(features[1]);
    free(values);
    return st;
}
