#include "metric/preset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/workers.h"
#include "metric/legacy_random.h"
#include "metric/ranking.h"
#include "metric/sklearn_curve.h"

const char *const radz_figure_names[RADZ_FIGURE_COUNT] = {
    [RADZ_FIGURE_AUC] = "auc", [RADZ_FIGURE_AUPRC] = "auprc", [RADZ_FIGURE_F1] = "f1",
    [RADZ_FIGURE_ACC] = "acc", [RADZ_FIGURE_MCC] = "mcc",     [RADZ_FIGURE_THRESHOLD] = "threshold",
};

/* ---- scores as the protocol takes them ---- */

/* A view of the input, or a changed copy of it that is owned here. */
typedef struct prepared_input {
    radz_metric_input input;
    double *scores;
    int8_t *labels;
} prepared_input;

static void prepared_free(prepared_input *p)
{
    free(p->scores);
    free(p->labels);
}

static radz_status prepare(const radz_metric_input *in, const radz_protocol_rules *rules, prepared_input *out,
                           radz_error *err)
{
    size_t classes = in->classes, both = rules->binary == RADZ_BINARY_BOTH && classes == 1 ? 2 : classes;
    bool softmax = rules->normalise == RADZ_NORMALISE_SOFTMAX;
    *out = (prepared_input){.input = *in};
    radz_status st = radz_metric_check(in, NULL, err);
    if (st == RADZ_OK && in->rows > 0 && in->scores == NULL)
        st = radz_fail(err, RADZ_E_INTERNAL, "protocol: wanted scores as double");
    if (st != RADZ_OK || (!softmax && both == classes))
        return st;
    out->scores = radz_calloc(in->rows * both, sizeof *out->scores, err);
    out->labels = radz_calloc(in->rows * both, sizeof *out->labels, err);
    if (out->scores == NULL || out->labels == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < in->rows; i++) {
        const double *from = in->scores + i * classes;
        double *to = out->scores + i * both;
        for (size_t c = 0; c < both; c++) {
            int8_t label = in->labels[i * classes + (c < classes ? c : 0)];
            out->labels[i * both + c] = c < classes || label == -1 ? label : (int8_t)(1 - label);
        }
        if (classes == 1) {
            to[0] = softmax ? 1 / (1 + exp(-from[0])) : from[0];
            if (both == 2)
                to[1] = softmax ? 1 - to[0] : -to[0];
            continue;
        }
        double most = from[0];
        for (size_t c = 1; c < classes; c++)
            most = from[c] > most ? from[c] : most;
        for (size_t c = 0; c < classes; c++)
            to[c] = exp(from[c] - most);
        double sum = radz_numpy_sum(to, classes);
        for (size_t c = 0; c < classes; c++)
            to[c] /= sum;
    }
    out->input.scores = out->scores;
    out->input.labels = out->labels;
    out->input.classes = both;
    out->input.class_names = both == classes ? in->class_names : NULL;
    return RADZ_OK;
}

/* ---- replicates ---- */

/* A set of rows that is drawn, and which figures are taken from it. */
typedef struct draw {
    const bool *wanted;        /* [RADZ_FIGURE_COUNT] */
    uint32_t seed;             /* of numpy's or Python's generator, or: */
    const radz_mt19937 *state; /* not NULL: where the stream stands when the draw begins */
} draw;

typedef struct draw_space {
    uint32_t *rows, *weights; /* [rows] */
    radz_curve curve;
} draw_space;

typedef struct measurement {
    const uint8_t *mean_of; /* [classes]: those of the macro mean; NULL: all */
    const radz_protocol_rules *rules;
    prepared_input test;
    radz_ranked_class *ranked;  /* [classes] of the test */
    double *thresholds;    /* [classes]; NaN: none */
    double *found;         /* [classes, RADZ_FIGURE_COUNT] on the data themselves */
    draw *draws;
    size_t n_draws;
    uint32_t *draw_of;     /* [replicates] "reseeded-rows": the draw of each replicate */
    radz_mt19937 *states;
    double *values;        /* [n_draws, classes, RADZ_FIGURE_COUNT] */
    draw_space *spaces;    /* [threads] */
    size_t n_spaces;
    double *series, *columns; /* [replicates], [classes] scratch */
} measurement;

static radz_status run_draw(void *context, size_t i, int worker, radz_error *err)
{
    (void)err;
    measurement *m = context;
    draw_space *space = &m->spaces[worker];
    const draw *d = &m->draws[i];
    uint32_t rows = (uint32_t)m->test.input.rows;
    radz_mt19937 mt;
    bool python = m->rules->interval == RADZ_INTERVAL_RESEEDED;
    if (d->state != NULL)
        mt = *d->state;
    else if (python)
        radz_mt_seed_python(&mt, d->seed);
    else
        radz_mt_seed_numpy(&mt, d->seed);
    memset(space->weights, 0, rows * sizeof *space->weights);
    for (uint32_t k = 0; k < rows; k++) {
        space->rows[k] = python ? radz_mt_python_choice(&mt, rows) : radz_mt_numpy_below(&mt, rows);
        space->weights[space->rows[k]]++;
    }
    size_t classes = m->test.input.classes;
    for (size_t c = 0; c < classes; c++) {
        radz_row_order order = {space->rows, rows, &m->test.input, c};
        radz_curve_fill(&space->curve, &m->ranked[c], space->weights);
        double threshold = m->thresholds[c];
        if (m->rules->rechoose && space->curve.count > 0)
            threshold = radz_curve_threshold(&space->curve, m->rules, &order);
        radz_curve_figures(&space->curve, m->rules, threshold, d->wanted, m->values + (i * classes + c) * RADZ_FIGURE_COUNT);
    }
    return RADZ_OK;
}

static const bool ranking_figures[RADZ_FIGURE_COUNT] = {[RADZ_FIGURE_AUC] = true, [RADZ_FIGURE_AUPRC] = true};
static const bool point_figures[RADZ_FIGURE_COUNT] = {[RADZ_FIGURE_F1] = true, [RADZ_FIGURE_ACC] = true,
                                                      [RADZ_FIGURE_MCC] = true};

/* AUCs from RandomState(0), RandomState(1), ...; then F1 and after it MCC, replicate after replicate, from one stream. */
static radz_status plan_seeded(measurement *m, radz_error *err)
{
    const radz_protocol_rules *rules = m->rules;
    size_t n = rules->replicates, rows = m->test.input.rows;
    bool points = rules->rule != RADZ_THRESHOLD_NONE;
    for (size_t c = 0; points && c < m->test.input.classes; c++)
        points = m->ranked[c].count == 0 || !isnan(m->thresholds[c]);
    size_t streams = points ? (size_t)rules->figures[RADZ_FIGURE_F1] + rules->figures[RADZ_FIGURE_MCC] : 0;
    m->draws = radz_calloc(n * (1 + streams), sizeof *m->draws, err);
    m->states = radz_calloc(n * streams, sizeof *m->states, err);
    if (m->draws == NULL || m->states == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        m->draws[i] = (draw){ranking_figures, (uint32_t)i, NULL};
    radz_mt19937 mt;
    radz_mt_seed_numpy(&mt, rules->seed);
    for (size_t i = 0; i < n * streams; i++) {
        m->states[i] = mt;
        m->draws[n + i] = (draw){point_figures, 0, &m->states[i]};
        for (size_t k = 0; k < rows; k++)
            (void)radz_mt_numpy_below(&mt, (uint32_t)rows);
    }
    m->n_draws = n * (1 + streams);
    return RADZ_OK;
}

enum { RESEED_RANGE = 5001 /* random.randint(0, 5000) */ };

/* Before each replicate the generator seeds itself; what it gives next depends on that seed alone, so a seed that comes
 * again is the same draw again. */
static radz_status plan_reseeded(measurement *m, radz_error *err)
{
    size_t n = m->rules->replicates, rows = m->test.input.rows;
    uint32_t next[RESEED_RANGE], draw_of_seed[RESEED_RANGE];
    memset(draw_of_seed, 0xff, sizeof draw_of_seed);
    m->draws = radz_calloc(RESEED_RANGE, sizeof *m->draws, err);
    m->draw_of = radz_calloc(n, sizeof *m->draw_of, err);
    if (m->draws == NULL || m->draw_of == NULL)
        return RADZ_E_NOMEM;
    radz_mt19937 mt;
    radz_mt_seed_python(&mt, m->rules->seed);
    uint32_t seed = radz_mt_python_below(&mt, RESEED_RANGE);
    for (size_t i = 0; i < n; i++, seed = next[seed]) {
        if (draw_of_seed[seed] == UINT32_MAX) {
            draw_of_seed[seed] = (uint32_t)m->n_draws;
            m->draws[m->n_draws++] = (draw){m->rules->figures, seed, NULL};
            radz_mt_seed_python(&mt, seed);
            for (size_t k = 0; k < rows; k++)
                (void)radz_mt_python_choice(&mt, (uint32_t)rows);
            next[seed] = radz_mt_python_below(&mt, RESEED_RANGE);
        }
        m->draw_of[i] = draw_of_seed[seed];
    }
    return RADZ_OK;
}

/* The draw that gives a figure in a replicate; SIZE_MAX: the source has no replicates of this figure. */
static size_t draw_for(const measurement *m, size_t figure, size_t replicate)
{
    const radz_protocol_rules *rules = m->rules;
    size_t n = rules->replicates;
    if (figure == RADZ_FIGURE_THRESHOLD)
        return SIZE_MAX;
    if (rules->interval == RADZ_INTERVAL_RESEEDED)
        return m->draw_of[replicate];
    if (ranking_figures[figure])
        return replicate;
    if (figure == RADZ_FIGURE_ACC || m->n_draws == n)
        return SIZE_MAX;
    return figure == RADZ_FIGURE_F1 ? n + replicate : n * (1 + (size_t)rules->figures[RADZ_FIGURE_F1]) + replicate;
}

static int by_value_nan_last(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

/* Bounds, and where the protocol wants it the mean, from m->series [replicates]. */
static void summarize(measurement *m, radz_figure *out)
{
    const radz_protocol_rules *rules = m->rules;
    size_t n = rules->replicates, there = 0;
    qsort(m->series, n, sizeof *m->series, by_value_nan_last);
    out->low = radz_numpy_round(m->series[rules->low], rules->digits);
    out->high = radz_numpy_round(m->series[rules->high], rules->digits);
    out->interval = isnan(out->low) || isnan(out->high) ? RADZ_METRIC_FEW_REPLICATES : RADZ_METRIC_OK;
    if (out->interval != RADZ_METRIC_OK)
        out->low = out->high = NAN;
    if (!rules->value_is_mean)
        return;
    for (size_t i = 0; i < n; i++) { /* as pandas: what is not a number counts as 0 in the sum, and not in the count */
        there += !isnan(m->series[i]);
        m->series[i] = isnan(m->series[i]) ? 0 : m->series[i];
    }
    out->value = there > 0 ? radz_numpy_round(radz_numpy_sum(m->series, n) / (double)there, rules->digits) : NAN;
    out->status = there > 0 ? RADZ_METRIC_OK : out->status == RADZ_METRIC_OK ? RADZ_METRIC_FEW_REPLICATES : out->status;
}

static double value_in(const measurement *m, size_t d, size_t class_index, size_t figure)
{
    return m->values[(d * m->test.input.classes + class_index) * RADZ_FIGURE_COUNT + figure];
}

/* Whether the source would have ended with an error in a replicate. */
static bool stops(const measurement *m, radz_preset_result *out)
{
    if (m->rules->undefined != RADZ_UNDEFINED_STOP || !m->rules->figures[RADZ_FIGURE_AUC])
        return false;
    for (size_t r = 0; r < m->rules->replicates; r++)
        for (size_t c = 0; c < m->test.input.classes; c++)
            if (m->ranked[c].count > 0 && isnan(value_in(m, draw_for(m, RADZ_FIGURE_AUC, r), c, RADZ_FIGURE_AUC))) {
                out->stopped = true;
                out->stopped_class = c;
                out->stopped_replicate = r;
                return true;
            }
    return false;
}

static void class_intervals(measurement *m, radz_preset_row *rows, bool stopped)
{
    for (size_t c = 0; c < m->test.input.classes; c++)
        for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++) {
            radz_figure *figure = &rows[c].of[f];
            if (!m->rules->figures[f] || m->ranked[c].count == 0 || draw_for(m, f, 0) == SIZE_MAX)
                continue;
            figure->interval = RADZ_METRIC_STOPPED;
            for (size_t r = 0; !stopped && r < m->rules->replicates; r++)
                m->series[r] = value_in(m, draw_for(m, f, r), c, f);
            if (!stopped)
                summarize(m, figure);
        }
}

static bool in_mean(const measurement *m, const radz_preset_row *row, size_t c, size_t figure)
{
    if (m->ranked[c].count == 0 || figure == RADZ_FIGURE_THRESHOLD || (m->mean_of != NULL && !m->mean_of[c]))
        return false;
    return m->rules->undefined == RADZ_UNDEFINED_NAN || row->of[figure].status == RADZ_METRIC_OK;
}

static void macro_interval(measurement *m, const radz_preset_row *rows, size_t figure, radz_figure *out)
{
    size_t classes = m->test.input.classes, count;
    if (m->rules->interval_mean == RADZ_MEAN_OF_REPLICATES) {
        for (size_t r = 0; r < m->rules->replicates; r++) {
            count = 0;
            for (size_t c = 0; c < classes; c++)
                if (in_mean(m, &rows[c], c, figure))
                    m->columns[count++] = value_in(m, draw_for(m, figure, r), c, figure);
            m->series[r] = radz_numpy_mean(m->columns, count);
        }
        summarize(m, out);
        return;
    }
    double bound[2];
    for (int high = 0; high < 2; high++) {
        count = 0;
        for (size_t c = 0; c < classes; c++)
            if (in_mean(m, &rows[c], c, figure))
                m->columns[count++] = high ? rows[c].of[figure].high : rows[c].of[figure].low;
        bound[high] = radz_numpy_mean(m->columns, count);
    }
    out->low = bound[0];
    out->high = bound[1];
    out->interval = isnan(bound[0]) || isnan(bound[1]) ? RADZ_METRIC_FEW_REPLICATES : RADZ_METRIC_OK;
}

/* ---- putting it together ---- */

static radz_figure no_figure(radz_metric_status status)
{
    return (radz_figure){NAN, NAN, NAN, status, RADZ_METRIC_NO_CLASS};
}

static radz_figure plain_figure(double value, radz_metric_status otherwise)
{
    return (radz_figure){value, NAN, NAN, isnan(value) ? otherwise : RADZ_METRIC_OK, RADZ_METRIC_NO_CLASS};
}

static radz_status make_space(measurement *m, size_t threads, radz_error *err)
{
    size_t rows = m->test.input.rows;
    m->spaces = radz_calloc(threads, sizeof *m->spaces, err);
    if (m->spaces == NULL)
        return RADZ_E_NOMEM;
    m->n_spaces = threads;
    for (size_t i = 0; i < threads; i++) {
        m->spaces[i].rows = radz_calloc(rows, sizeof(uint32_t), err);
        m->spaces[i].weights = radz_calloc(rows, sizeof(uint32_t), err);
        if (m->spaces[i].rows == NULL || m->spaces[i].weights == NULL ||
            radz_curve_make(&m->spaces[i].curve, rows, err) != RADZ_OK)
            return RADZ_E_NOMEM;
    }
    return RADZ_OK;
}

static void measurement_free(measurement *m)
{
    for (size_t i = 0; i < m->n_spaces; i++) {
        free(m->spaces[i].rows);
        free(m->spaces[i].weights);
        radz_curve_free(&m->spaces[i].curve);
    }
    for (size_t c = 0; m->ranked != NULL && c < m->test.input.classes; c++)
        radz_ranked_free(&m->ranked[c]);
    free(m->spaces);
    free(m->ranked);
    free(m->thresholds);
    free(m->found);
    free(m->draws);
    free(m->draw_of);
    free(m->states);
    free(m->values);
    free(m->series);
    free(m->columns);
    prepared_free(&m->test);
}

/* Thresholds chosen on another set. */
static radz_status choose_on_validation(measurement *m, const radz_metric_input *validation, radz_metric_work *work,
                                        radz_error *err)
{
    prepared_input prepared = {0};
    radz_ranked_class ranked = {0};
    radz_curve c = {0};
    radz_status st = prepare(validation, m->rules, &prepared, err);
    if (st == RADZ_OK)
        st = radz_curve_make(&c, validation->rows, err);
    for (size_t i = 0; st == RADZ_OK && i < prepared.input.classes; i++) {
        radz_row_order order = {NULL, prepared.input.rows, &prepared.input, i};
        st = radz_rank_rows(&prepared.input, i, work, &ranked, err);
        if (st == RADZ_OK && ranked.count > 0) {
            radz_curve_fill(&c, &ranked, NULL);
            m->thresholds[i] = radz_curve_threshold(&c, m->rules, &order);
        }
        radz_ranked_free(&ranked);
    }
    radz_curve_free(&c);
    prepared_free(&prepared);
    return st;
}

static radz_status measure_classes(measurement *m, const radz_metric_input *validation, radz_error *err)
{
    size_t classes = m->test.input.classes;
    radz_metric_work *work = NULL;
    bool on_test = m->rules->rule != RADZ_THRESHOLD_NONE && m->rules->split == RADZ_CHOSEN_ON_TEST;
    radz_status st = radz_metric_work_create(&work, err);
    for (size_t c = 0; c < classes; c++)
        m->thresholds[c] = NAN;
    if (st == RADZ_OK && !on_test && m->rules->rule != RADZ_THRESHOLD_NONE && validation != NULL)
        st = choose_on_validation(m, validation, work, err);
    for (size_t c = 0; st == RADZ_OK && c < classes; c++) {
        radz_row_order order = {NULL, m->test.input.rows, &m->test.input, c};
        radz_curve *all = &m->spaces[0].curve;
        st = radz_rank_rows(&m->test.input, c, work, &m->ranked[c], err);
        if (st != RADZ_OK)
            break;
        radz_curve_fill(all, &m->ranked[c], NULL);
        if (on_test && all->count > 0)
            m->thresholds[c] = radz_curve_threshold(all, m->rules, &order);
        radz_curve_figures(all, m->rules, m->thresholds[c], m->rules->figures, m->found + c * RADZ_FIGURE_COUNT);
    }
    radz_metric_work_free(work);
    return st;
}

static void fill_classes(const measurement *m, bool have_point, radz_preset_row *rows)
{
    for (size_t c = 0; c < m->test.input.classes; c++) {
        const radz_ranked_class *r = &m->ranked[c];
        rows[c].positives = r->positives;
        rows[c].negatives = r->count - r->positives;
        for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++) {
            radz_metric_status why = r->count == 0 ? RADZ_METRIC_NO_ROWS
                                     : ranking_figures[f] ? RADZ_METRIC_ONE_VALUE
                                     : !have_point        ? RADZ_METRIC_NO_VALIDATION
                                                          : RADZ_METRIC_NO_ROWS;
            rows[c].of[f] = m->rules->figures[f] ? plain_figure(m->found[c * RADZ_FIGURE_COUNT + f], why)
                                                 : no_figure(RADZ_METRIC_NO_CLASS);
            rows[c].counted[f] = 0;
        }
    }
}

static bool stops_on_data(const measurement *m, const radz_preset_row *rows, radz_preset_result *out)
{
    for (size_t c = 0; m->rules->undefined == RADZ_UNDEFINED_STOP && c < m->test.input.classes; c++)
        if (m->ranked[c].count > 0 && rows[c].of[RADZ_FIGURE_AUC].status == RADZ_METRIC_ONE_VALUE) {
            out->stopped = true;
            out->stopped_class = c;
            return true;
        }
    return false;
}

static void stop_all(radz_preset_row *row)
{
    for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++)
        row->of[f] = no_figure(RADZ_METRIC_STOPPED);
}

static void fill_macro(measurement *m, const radz_preset_row *rows, bool intervals, bool stopped, radz_preset_row *out)
{
    size_t classes = m->test.input.classes;
    for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++) {
        size_t count = 0;
        radz_metric_status why = RADZ_METRIC_NO_CLASS;
        for (size_t c = 0; c < classes; c++) {
            if (rows[c].of[f].status == RADZ_METRIC_NO_VALIDATION)
                why = RADZ_METRIC_NO_VALIDATION;
            if (m->rules->figures[f] && in_mean(m, &rows[c], c, f))
                m->columns[count++] = m->found[c * RADZ_FIGURE_COUNT + f];
        }
        out->counted[f] = count;
        out->of[f] = no_figure(why);
        if (count == 0)
            continue;
        out->of[f] = plain_figure(radz_numpy_mean(m->columns, count), why == RADZ_METRIC_NO_CLASS ? RADZ_METRIC_ONE_VALUE : why);
        if (!intervals || draw_for(m, f, 0) == SIZE_MAX)
            continue;
        out->of[f].interval = RADZ_METRIC_STOPPED;
        if (!stopped)
            macro_interval(m, rows, f, &out->of[f]);
    }
}

static radz_status fill_other_averages(measurement *m, const radz_preset_row *rows, radz_preset_result *out,
                                       radz_error *err)
{
    const radz_metric_input *in = &m->test.input;
    for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++)
        out->micro.of[f] = out->weighted.of[f] = no_figure(RADZ_METRIC_NO_CLASS);
    radz_status st = RADZ_OK;
    if (m->rules->micro) {
        radz_metric_input flat = {.rows = in->rows * in->classes, .classes = 1, .scores = in->scores, .labels = in->labels};
        radz_metric_work *work = NULL;
        radz_ranked_class ranked = {0};
        radz_curve c = {0};
        double values[RADZ_FIGURE_COUNT];
        st = radz_metric_check(&flat, NULL, err);
        if (st == RADZ_OK)
            st = radz_metric_work_create(&work, err);
        if (st == RADZ_OK)
            st = radz_rank_rows(&flat, 0, work, &ranked, err);
        if (st == RADZ_OK)
            st = radz_curve_make(&c, ranked.groups, err);
        if (st == RADZ_OK) {
            radz_curve_fill(&c, &ranked, NULL);
            radz_curve_figures(&c, m->rules, NAN, m->rules->figures, values);
            for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++) {
                if (ranking_figures[f] && m->rules->figures[f])
                    out->micro.of[f] = plain_figure(values[f], RADZ_METRIC_ONE_VALUE);
                out->micro.counted[f] = in->classes;
            }
        }
        radz_metric_work_free(work);
        radz_ranked_free(&ranked);
        radz_curve_free(&c);
    }
    if (st == RADZ_OK && m->rules->weighted && m->rules->figures[RADZ_FIGURE_AUC]) {
        double weights = 0;
        size_t count = 0;
        for (size_t c = 0; c < in->classes; c++) {
            if (rows[c].of[RADZ_FIGURE_AUC].status != RADZ_METRIC_OK)
                continue;
            weights += (double)rows[c].positives;
            m->columns[count++] = rows[c].of[RADZ_FIGURE_AUC].value * (double)rows[c].positives;
        }
        out->weighted.of[RADZ_FIGURE_AUC] =
            plain_figure(count > 0 ? radz_numpy_sum(m->columns, count) / weights : NAN, RADZ_METRIC_NO_CLASS);
        out->weighted.counted[RADZ_FIGURE_AUC] = count;
    }
    return st;
}

static radz_status replicate(measurement *m, int threads, radz_preset_result *out, radz_error *err)
{
    const radz_protocol_rules *rules = m->rules;
    radz_status st = rules->interval == RADZ_INTERVAL_RESEEDED ? plan_reseeded(m, err) : plan_seeded(m, err);
    if (st == RADZ_OK && m->n_draws > SIZE_MAX / sizeof(double) / RADZ_FIGURE_COUNT / (m->test.input.classes + 1))
        st = radz_fail(err, RADZ_E_NOMEM, "protocol: %zu draws of %zu classes are too many", m->n_draws,
                       m->test.input.classes);
    if (st == RADZ_OK) {
        m->values = radz_calloc(m->n_draws * m->test.input.classes * RADZ_FIGURE_COUNT, sizeof *m->values, err);
        m->series = radz_calloc(rules->replicates, sizeof *m->series, err);
        if (m->values == NULL || m->series == NULL)
            st = RADZ_E_NOMEM;
    }
    if (st == RADZ_OK)
        st = radz_parallel_for(m->n_draws, threads, run_draw, m, err);
    out->replicates = rules->replicates;
    out->distinct = rules->interval == RADZ_INTERVAL_RESEEDED ? m->n_draws : rules->replicates;
    return st;
}

radz_status radz_preset_measure(const radz_metric_input *test, const radz_metric_input *validation,
                                const radz_protocol_rules *rules, const uint8_t *mean_of, bool intervals, int threads,
                                radz_preset_result *out, radz_error *err)
{
    out->replicates = out->distinct = 0;
    out->stopped = false;
    out->stopped_class = 0;
    out->stopped_replicate = SIZE_MAX;
    measurement m = {.rules = rules, .mean_of = mean_of};
    radz_preset_row *rows = NULL;
    intervals = intervals && rules->interval != RADZ_INTERVAL_NONE && test->rows > 0;
    bool have_point = rules->split == RADZ_CHOSEN_ON_TEST || validation != NULL, stopped = false;
    radz_status st = prepare(test, rules, &m.test, err);
    if (st != RADZ_OK)
        goto done;
    size_t classes = m.test.input.classes;
    rows = radz_calloc(classes, sizeof *rows, err);
    m.ranked = radz_calloc(classes, sizeof *m.ranked, err);
    m.thresholds = radz_calloc(classes, sizeof *m.thresholds, err);
    m.found = radz_calloc(classes * RADZ_FIGURE_COUNT, sizeof *m.found, err);
    m.columns = radz_calloc(classes, sizeof *m.columns, err);
    if (rows == NULL || m.ranked == NULL || m.thresholds == NULL || m.found == NULL || m.columns == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    st = make_space(&m, intervals ? (size_t)threads : 1, err);
    if (st == RADZ_OK)
        st = measure_classes(&m, validation, err);
    if (st != RADZ_OK)
        goto done;
    fill_classes(&m, have_point, rows);
    if (stops_on_data(&m, rows, out)) {
        for (size_t c = 0; c < classes; c++)
            stop_all(&rows[c]);
        stop_all(&out->macro);
        stop_all(&out->micro);
        stop_all(&out->weighted);
    } else {
        if (intervals) {
            st = replicate(&m, threads, out, err);
            if (st != RADZ_OK)
                goto done;
            stopped = stops(&m, out);
            class_intervals(&m, rows, stopped);
        }
        fill_macro(&m, rows, intervals, stopped, &out->macro);
        st = fill_other_averages(&m, rows, out, err);
    }
    for (size_t c = 0; c < test->classes; c++)
        out->classes[c] = rows[c];
done:
    measurement_free(&m);
    free(rows);
    return st;
}
