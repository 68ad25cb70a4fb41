#include "metric/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/workers.h"
#include "metric/normal.h"
#include "metric/ranking.h"

/* Replicates that walk a class together: their weights of one patient fill one 64-byte cache line. */
enum { LANES = 16 };

/* A score with at least one positive row, from the highest on. The rows of a class follow each other in the order of
 * its steps: first the negatives above this score and below the step before, then the negatives at it, then the
 * positives at it. Only a step touches floating point; the rows between are integer sums. */
typedef struct step {
    uint32_t above, tied, positives;
    double score;
} step;

typedef struct class_plan {
    size_t first_row, first_step, steps;
    uint32_t tail; /* negatives below the last step */
    radz_operating_kind kind;
    double threshold; /* or the rate */
    size_t cut; /* with a fixed threshold: scores from this step on are below it; SIZE_MAX: none is */
} class_plan;

/* What one thread needs. */
typedef struct lane_space {
    int32_t *memory;  /* owned */
    int32_t *weights; /* [patients, LANES], aligned to 64 bytes inside it */
    double *series;   /* [replicates] */
    double *left_out; /* [left_out_units(patients)], with BCa */
} lane_space;

struct radz_bootstrap_work {
    radz_metric_work *rank;
    class_plan *plans;
    size_t plan_capacity;
    uint32_t *rows; /* patients of the ranked rows, class after class */
    size_t row_capacity;
    step *steps;
    size_t step_capacity;
    radz_class_metrics *found[2]; /* on the data themselves, for one or two models */
    size_t found_capacity[2];
    double *values[2]; /* [replicates, classes, RADZ_METRIC_COUNT], NaN where not defined */
    size_t value_capacity[2];
    double *left_out[2]; /* [left_out_units(patients), classes, RADZ_METRIC_COUNT]; with BCa */
    size_t left_out_capacity[2];
    uint32_t *drawable;  /* patients, stratum after stratum */
    size_t drawable_capacity;
    size_t *strata;      /* [strata + 1] where each begins */
    size_t strata_capacity, stratum_count;
    uint64_t *hashes; /* [replicates] */
    size_t hash_capacity;
    uint32_t *patient_rows; /* rows of each patient */
    size_t patient_capacity;
    uint8_t *sides; /* [patients] of one class: 1 has a negative row, 2 has a positive one */
    size_t side_capacity;
    bool *few[2]; /* [classes] fewer than two patients on one side */
    size_t few_capacity[2];
    lane_space *spaces; /* [space_count] */
    size_t space_count;
};

radz_bootstrap_options radz_bootstrap_defaults(void)
{
    return (radz_bootstrap_options){.replicates = 1000, .confidence = 95, .threads = 1, .bounds = RADZ_BOUNDS_BCA};
}

/* How many times something is left out: each patient, or each of so many groups of them. */
static size_t left_out_units(size_t patients)
{
    return patients < RADZ_LEFT_OUT_MOST ? patients : RADZ_LEFT_OUT_MOST;
}

static void free_spaces(radz_bootstrap_work *work)
{
    for (size_t i = 0; work->spaces != NULL && i < work->space_count; i++) {
        free(work->spaces[i].memory);
        free(work->spaces[i].series);
        free(work->spaces[i].left_out);
    }
    free(work->spaces);
    work->spaces = NULL;
    work->space_count = 0;
}

radz_status radz_bootstrap_work_create(radz_bootstrap_work **out, radz_error *err)
{
    *out = NULL;
    radz_bootstrap_work *work = radz_calloc(1, sizeof *work, err);
    if (work == NULL)
        return RADZ_E_NOMEM;
    radz_status status = radz_metric_work_create(&work->rank, err);
    if (status == RADZ_OK)
        *out = work;
    else
        radz_bootstrap_work_free(work);
    return status;
}

void radz_bootstrap_work_free(radz_bootstrap_work *work)
{
    if (work == NULL)
        return;
    free_spaces(work);
    radz_metric_work_free(work->rank);
    free(work->plans);
    free(work->rows);
    free(work->steps);
    for (int i = 0; i < 2; i++) {
        free(work->found[i]);
        free(work->few[i]);
        free(work->values[i]);
        free(work->left_out[i]);
    }
    free(work->drawable);
    free(work->strata);
    free(work->hashes);
    free(work->patient_rows);
    free(work->sides);
    free(work);
}

typedef struct named_row {
    const char *name;
    size_t row;
} named_row;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named_row *)a)->name, ((const named_row *)b)->name);
}

radz_status radz_number_patients(const char *const *names, size_t rows, uint32_t *patient_of, size_t *count,
                                 radz_error *err)
{
    *count = 0;
    if (rows >= RADZ_METRIC_ROW_LIMIT)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "patients: %zu rows, at most %d are supported", rows,
                         RADZ_METRIC_ROW_LIMIT - 1);
    named_row *sorted = radz_calloc(rows, sizeof *sorted, err);
    if (sorted == NULL)
        return RADZ_E_NOMEM;
    radz_status status = RADZ_OK;
    for (size_t i = 0; i < rows; i++) {
        if (names[i] == NULL || names[i][0] == '\0') {
            status = radz_fail(err, RADZ_E_VALUE, "row %zu has no patient name, wanted one for every row", i);
            goto done;
        }
        sorted[i] = (named_row){names[i], i};
    }
    qsort(sorted, rows, sizeof *sorted, by_name);
    for (size_t i = 0; i < rows; i++) {
        if (i > 0 && strcmp(sorted[i].name, sorted[i - 1].name) != 0)
            ++*count;
        patient_of[sorted[i].row] = (uint32_t)*count;
    }
    *count += rows > 0;
done:
    free(sorted);
    return status;
}

double radz_percentile(const double *sorted, size_t count, double percent)
{
    double at = (double)(count - 1) * (percent / 100);
    if (!(at > 0))
        return sorted[0];
    if (at >= (double)(count - 1))
        return sorted[count - 1];
    size_t below = (size_t)at;
    double low = sorted[below], high = sorted[below + 1], t = at - (double)below;
    if (low == high || t == 0)
        return low;
    if (isinf(low) || isinf(high))
        return t < 0.5 ? low : high;
    /* numpy's form: from the nearer end, so that the result rises with t */
    return t < 0.5 ? low + (high - low) * t : high - (high - low) * (1 - t);
}

/* ---- the plan of a class: its rows in the order of their scores ---- */

static radz_status plan_class(radz_bootstrap_work *work, const uint32_t *patient_of, class_plan *plan, size_t *rows,
                              size_t *steps, radz_error *err)
{
    const radz_metric_work *rank = work->rank;
    /* one step per score with a positive row, and one to close the part above a fixed threshold */
    if (radz_grow(&work->rows, &work->row_capacity, *rows + rank->count, sizeof *work->rows, err) != RADZ_OK ||
        radz_grow(&work->steps, &work->step_capacity, *steps + rank->positives + 1, sizeof *work->steps, err) !=
            RADZ_OK)
        return RADZ_E_NOMEM;
    uint32_t *out = work->rows + *rows;
    step *to = work->steps + *steps;
    size_t placed = 0, count = 0;
    uint32_t above = 0;
    plan->first_row = *rows;
    plan->first_step = *steps;
    plan->cut = SIZE_MAX;
    for (size_t i = 0; i < rank->count;) {
        uint64_t key = rank->ranked[i].key;
        double score = radz_rank_score(key);
        if (plan->kind == RADZ_OPERATING_FIXED && plan->cut == SIZE_MAX && score < plan->threshold) {
            if (above > 0)
                to[count++] = (step){.above = above, .score = score};
            above = 0;
            plan->cut = count;
        }
        size_t first = i;
        uint32_t positives = 0, negatives = 0;
        for (; i < rank->count && rank->ranked[i].key == key; i++)
            if (!rank->ranked[i].positive) {
                out[placed++] = patient_of[rank->ranked[i].row];
                negatives++;
            }
        for (size_t j = first; j < i; j++)
            if (rank->ranked[j].positive) {
                out[placed++] = patient_of[rank->ranked[j].row];
                positives++;
            }
        if (positives == 0) {
            above += negatives;
            continue;
        }
        to[count++] = (step){above, negatives, positives, score};
        above = 0;
    }
    plan->tail = above;
    plan->steps = count;
    *rows += placed;
    *steps += count;
    return RADZ_OK;
}

static radz_status plan_classes(radz_bootstrap_work *work, const radz_metric_input *input, const uint32_t *patient_of,
                                const radz_operating_point *points, radz_error *err)
{
    radz_status status = radz_grow(&work->plans, &work->plan_capacity, input->classes, sizeof *work->plans, err);
    size_t rows = 0, steps = 0;
    for (size_t c = 0; status == RADZ_OK && c < input->classes; c++) {
        work->plans[c] = (class_plan){0};
        if (points != NULL)
            work->plans[c] = (class_plan){.kind = points[c].kind, .threshold = points[c].threshold};
        status = radz_rank_class(input, c, work->rank, err);
        if (status == RADZ_OK)
            status = plan_class(work, patient_of, &work->plans[c], &rows, &steps, err);
    }
    return status;
}

/* ---- the walk: LANES replicates down one class ---- */

static inline void add_weights(int32_t *restrict sum, const int32_t *restrict weights, const uint32_t *patients,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t *w = weights + (size_t)patients[i] * LANES;
        for (int l = 0; l < LANES; l++)
            sum[l] += w[l];
    }
}

/* Same formulas in the same order as measure() in metric.c, so the same bits as on the rows written out. */
static void walk(const class_plan *plan, const uint32_t *patients, const step *steps, const int32_t *weights,
                 radz_class_counts out[LANES])
{
    int32_t sum[LANES] = {0};
    double total[LANES], tp[LANES] = {0}, lost[LANES] = {0}, ap[LANES] = {0};
    double best_tp[LANES] = {0}, best_under[LANES], best_step[LANES] = {0};
    double cut_tp[LANES] = {0}, cut_called[LANES] = {0}, cut_at[LANES];
    int32_t negatives[LANES] = {0};
    bool by_rate = plan->kind == RADZ_OPERATING_SPECIFICITY || plan->kind == RADZ_OPERATING_SENSITIVITY;
    const uint32_t *at = patients;
    for (size_t s = 0; s < plan->steps; s++) {
        if (plan->kind == RADZ_OPERATING_SPECIFICITY)
            add_weights(negatives, weights, at, steps[s].above + steps[s].tied);
        at += steps[s].above + steps[s].tied;
        add_weights(sum, weights, at, steps[s].positives);
        at += steps[s].positives;
    }
    if (plan->kind == RADZ_OPERATING_SPECIFICITY)
        add_weights(negatives, weights, at, plan->tail);
    for (int l = 0; l < LANES; l++) {
        total[l] = sum[l];
        sum[l] = 0;
        cut_at[l] = INFINITY;
        best_under[l] = 1;
    }
    at = patients;
    for (size_t s = 0;; s++) {
        if (s == plan->cut)
            for (int l = 0; l < LANES; l++) {
                cut_tp[l] = tp[l];
                cut_called[l] = tp[l] + sum[l];
            }
        if (s == plan->steps)
            break;
        int32_t tied[LANES] = {0}, here[LANES] = {0};
        add_weights(sum, weights, at, steps[s].above);
        at += steps[s].above;
        add_weights(tied, weights, at, steps[s].tied);
        at += steps[s].tied;
        add_weights(here, weights, at, steps[s].positives);
        at += steps[s].positives;
        for (int l = 0; l < LANES; l++) {
            double positives = here[l];
            lost[l] += positives * (2 * (double)sum[l] + (double)tied[l]);
            sum[l] += tied[l];
            tp[l] += positives;
            double called = tp[l] + (double)sum[l];
            ap[l] += positives * (tp[l] / (called > 0 ? called : 1));
            double under = called + total[l];
            bool better = (positives > 0) & (tp[l] * best_under[l] >= best_tp[l] * under);
            best_tp[l] = better ? tp[l] : best_tp[l];
            best_under[l] = better ? under : best_under[l];
            best_step[l] = better ? (double)s : best_step[l];
        }
        for (int l = 0; by_rate && l < LANES; l++) {
            bool takes = plan->kind == RADZ_OPERATING_SPECIFICITY
                             ? ((double)negatives[l] - (double)sum[l]) / (double)negatives[l] >= plan->threshold
                             : cut_tp[l] == 0 && tp[l] / total[l] >= plan->threshold;
            if (here[l] > 0 && takes) {
                cut_tp[l] = tp[l];
                cut_called[l] = tp[l] + (double)sum[l];
                cut_at[l] = steps[s].score;
            }
        }
    }
    add_weights(sum, weights, at, plan->tail);
    for (int l = 0; l < LANES; l++) {
        double threshold = plan->steps > 0 ? steps[(size_t)best_step[l]].score : 0;
        bool all = plan->kind == RADZ_OPERATING_FIXED && plan->cut == SIZE_MAX, f1 = plan->kind == RADZ_OPERATING_F1_MAX;
        out[l] = (radz_class_counts){
            .positives = total[l],
            .negatives = sum[l],
            .lost = lost[l],
            .ap_sum = ap[l],
            .f1_tp = best_tp[l],
            .f1_denominator = best_under[l],
            .f1_threshold = threshold,
            .tp = f1 ? best_tp[l] : all ? tp[l] : cut_tp[l],
            .called = f1 ? best_under[l] - total[l] : all ? tp[l] + (double)sum[l] : cut_called[l],
            .threshold = f1 ? threshold : by_rate ? cut_at[l] : plan->threshold,
        };
    }
}

typedef struct replicate_job {
    radz_bootstrap_work *work;
    const radz_bootstrap_options *options;
    size_t patients, classes;
    double *values;
} replicate_job;

/* Walks every class with the weights of `lanes` replicates, the first of which is number `first`. */
static void measure_lanes(const replicate_job *job, const int32_t *weights, size_t first, size_t lanes)
{
    const radz_bootstrap_work *work = job->work;
    for (size_t c = 0; c < job->classes; c++) {
        const class_plan *plan = &work->plans[c];
        radz_class_counts counts[LANES];
        walk(plan, work->rows + plan->first_row, work->steps + plan->first_step, weights, counts);
        for (size_t l = 0; l < lanes; l++) {
            radz_metric_values values;
            radz_metric_fill(&counts[l], &values);
            memcpy(job->values + ((first + l) * job->classes + c) * RADZ_METRIC_COUNT, values.value,
                   sizeof values.value);
        }
    }
}

/* Replicates first .. first + LANES - 1: draw, then walk every class. */
static radz_status run_block(void *context, size_t block, int worker, radz_error *err)
{
    (void)err;
    replicate_job *job = context;
    radz_bootstrap_work *work = job->work;
    size_t first = block * LANES, left = job->options->replicates - first, lanes = left < LANES ? left : LANES;
    int32_t *weights = work->spaces[worker].weights;
    memset(weights, 0, job->patients * LANES * sizeof *weights);
    for (size_t l = 0; l < lanes; l++) {
        radz_rng rng;
        radz_rng_seed(&rng, job->options->seed, first + l);
        for (size_t stratum = 0; stratum < work->stratum_count; stratum++) {
            const uint32_t *drawable = work->drawable + work->strata[stratum];
            size_t count = work->strata[stratum + 1] - work->strata[stratum];
            for (size_t k = 0; k < count; k++)
                weights[(size_t)drawable[radz_rng_below(&rng, (uint32_t)count)] * LANES + l]++;
        }
    }
    uint64_t hashes[LANES];
    for (int l = 0; l < LANES; l++)
        hashes[l] = UINT64_C(14695981039346656037);
    for (size_t p = 0; p < job->patients; p++)
        for (int l = 0; l < LANES; l++)
            hashes[l] = (hashes[l] ^ (uint64_t)weights[p * LANES + (size_t)l]) * UINT64_C(1099511628211);
    memcpy(work->hashes + first, hashes, lanes * sizeof *hashes);
    measure_lanes(job, weights, first, lanes);
    return RADZ_OK;
}

/* Units first .. first + LANES - 1, each left out once. */
static radz_status run_left_out(void *context, size_t block, int worker, radz_error *err)
{
    (void)err;
    replicate_job *job = context;
    size_t units = left_out_units(job->patients), first = block * LANES, left = units - first;
    size_t lanes = left < LANES ? left : LANES;
    int32_t *weights = job->work->spaces[worker].weights;
    for (size_t i = 0; i < job->patients * LANES; i++)
        weights[i] = 1;
    for (size_t l = 0; l < lanes; l++)
        for (size_t p = first + l; p < job->patients; p += units)
            weights[p * LANES + l] = 0;
    measure_lanes(job, weights, first, lanes);
    return RADZ_OK;
}

static radz_status make_spaces(radz_bootstrap_work *work, size_t threads, size_t patients, size_t replicates, bool bca,
                               radz_error *err)
{
    free_spaces(work);
    work->spaces = radz_calloc(threads, sizeof *work->spaces, err);
    if (work->spaces == NULL)
        return RADZ_E_NOMEM;
    work->space_count = threads;
    for (size_t i = 0; i < threads; i++) {
        lane_space *space = &work->spaces[i];
        space->memory = radz_calloc(patients + 1, LANES * sizeof *space->memory, err);
        space->series = radz_calloc(replicates, sizeof *space->series, err);
        space->left_out = radz_calloc(bca ? left_out_units(patients) : 0, sizeof *space->left_out, err);
        if (space->memory == NULL || space->series == NULL || space->left_out == NULL)
            return RADZ_E_NOMEM;
        space->weights = (int32_t *)(((uintptr_t)space->memory + 63) & ~(uintptr_t)63);
    }
    return RADZ_OK;
}

static radz_status check_bootstrap(const radz_metric_input *input, const uint32_t *patient_of, size_t patients,
                                   const radz_bootstrap_options *options, radz_bootstrap_work *work, radz_error *err)
{
    if (options->replicates < RADZ_RESAMPLE_LEAST || options->replicates > RADZ_RESAMPLE_MOST)
        return radz_fail(err, RADZ_E_USAGE, "bootstrap: %zu replicates, wanted %d to %d", options->replicates,
                         RADZ_RESAMPLE_LEAST, RADZ_RESAMPLE_MOST);
    if (!(options->confidence > 0 && options->confidence < 100))
        return radz_fail(err, RADZ_E_USAGE, "bootstrap: confidence %g percent, wanted one between 0 and 100",
                         options->confidence);
    if (options->threads < 1)
        return radz_fail(err, RADZ_E_USAGE, "bootstrap: %d threads, wanted at least 1", options->threads);
    if (patients > input->rows)
        return radz_fail(err, RADZ_E_VALUE, "bootstrap: %zu patients for %zu rows, wanted at most one per row",
                         patients, input->rows);
    if (radz_grow(&work->patient_rows, &work->patient_capacity, patients, sizeof *work->patient_rows, err) != RADZ_OK)
        return RADZ_E_NOMEM;
    if (patients > 0)
        memset(work->patient_rows, 0, patients * sizeof *work->patient_rows);
    size_t most = 0;
    for (size_t i = 0; i < input->rows; i++) {
        if (patient_of[i] >= patients)
            return radz_fail(err, RADZ_E_VALUE, "bootstrap: row %zu has patient number %u, wanted one below %zu", i,
                             (unsigned)patient_of[i], patients);
        size_t rows = ++work->patient_rows[patient_of[i]];
        most = rows > most ? rows : most;
    }
    for (size_t p = 0; p < patients; p++)
        if (work->patient_rows[p] == 0)
            return radz_fail(err, RADZ_E_VALUE, "bootstrap: patient number %zu of %zu has no row", p, patients);
    /* the largest replicate there can be; see RADZ_METRIC_ROW_LIMIT */
    if (most > 0 && patients >= RADZ_METRIC_ROW_LIMIT / most)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "bootstrap: %zu patients with up to %zu rows each, wanted a product below %d", patients, most,
                         RADZ_METRIC_ROW_LIMIT);
    return RADZ_OK;
}

/* Sorts the patients by stratum, in order of their numbers within each. */
static radz_status sort_strata(size_t patients, const radz_bootstrap_options *options, radz_bootstrap_work *work,
                               radz_error *err)
{
    size_t strata = options->stratum_of != NULL ? options->strata : 1;
    work->stratum_count = strata;
    if (radz_grow(&work->drawable, &work->drawable_capacity, patients, sizeof *work->drawable, err) != RADZ_OK ||
        radz_grow(&work->strata, &work->strata_capacity, strata + 1, sizeof *work->strata, err) != RADZ_OK)
        return RADZ_E_NOMEM;
    memset(work->strata, 0, (strata + 1) * sizeof *work->strata);
    for (size_t p = 0; p < patients; p++) {
        size_t stratum = options->stratum_of != NULL ? options->stratum_of[p] : 0;
        if (stratum >= strata)
            return radz_fail(err, RADZ_E_VALUE, "bootstrap: patient number %zu is of stratum %zu, wanted one below %zu", p,
                             stratum, strata);
        work->strata[stratum + 1]++;
    }
    for (size_t s = 0; s < strata; s++)
        work->strata[s + 1] += work->strata[s];
    for (size_t p = patients; p-- > 0;) /* from the end: each stratum's begin moves down to where it belongs */
        work->drawable[--work->strata[(options->stratum_of != NULL ? options->stratum_of[p] : 0) + 1]] = (uint32_t)p;
    memmove(work->strata, work->strata + 1, strata * sizeof *work->strata);
    work->strata[strata] = patients;
    return RADZ_OK;
}

/* Fills work->few[which]. */
static radz_status count_sides(const radz_metric_input *input, const uint32_t *patient_of, size_t patients, int which,
                               radz_bootstrap_work *work, radz_error *err)
{
    if (radz_grow(&work->few[which], &work->few_capacity[which], input->classes, sizeof *work->few[which], err) != RADZ_OK ||
        radz_grow(&work->sides, &work->side_capacity, patients, sizeof *work->sides, err) != RADZ_OK)
        return RADZ_E_NOMEM;
    for (size_t c = 0; c < input->classes; c++) {
        size_t with[2] = {0, 0};
        if (patients > 0)
            memset(work->sides, 0, patients * sizeof *work->sides);
        for (size_t i = 0; i < input->rows; i++) {
            int8_t label = input->labels[i * input->classes + c];
            uint8_t side = label == 1 ? 2 : label == 0 ? 1 : 0, *seen = &work->sides[patient_of[i]];
            with[label == 1] += side != 0 && !(*seen & side);
            *seen |= side;
        }
        work->few[which][c] = with[0] < 2 || with[1] < 2;
    }
    return RADZ_OK;
}

/* Fills work->found[which] and work->values[which]. */
static radz_status replicate(const radz_metric_input *input, const uint32_t *patient_of, size_t patients,
                             const radz_bootstrap_options *options, const radz_operating_point *points, int which,
                             radz_bootstrap_work *work, radz_error *err)
{
    size_t per_replicate = input->classes * RADZ_METRIC_COUNT;
    radz_status status = radz_metric_check(input, points, err);
    if (status == RADZ_OK)
        status = radz_grow(&work->found[which], &work->found_capacity[which], input->classes,
                           sizeof *work->found[which], err);
    if (status == RADZ_OK && per_replicate > 0 && options->replicates > SIZE_MAX / sizeof(double) / per_replicate)
        status = radz_fail(err, RADZ_E_NOMEM, "bootstrap: %zu replicates of %zu classes are too many",
                           options->replicates, input->classes);
    if (status == RADZ_OK)
        status = radz_grow(&work->values[which], &work->value_capacity[which], options->replicates * per_replicate,
                           sizeof *work->values[which], err);
    if (status == RADZ_OK)
        status = radz_metric_classes(input, points, work->rank, work->found[which], err);
    if (status == RADZ_OK)
        status = plan_classes(work, input, patient_of, points, err);
    if (status == RADZ_OK)
        status = count_sides(input, patient_of, patients, which, work, err);
    if (status != RADZ_OK)
        return status;
    replicate_job job = {work, options, patients, input->classes, work->values[which]};
    size_t blocks = (options->replicates + LANES - 1) / LANES;
    status = radz_parallel_for(blocks, (int)work->space_count, run_block, &job, err);
    if (status != RADZ_OK || options->bounds != RADZ_BOUNDS_BCA)
        return status;
    size_t units = left_out_units(patients);
    status = radz_grow(&work->left_out[which], &work->left_out_capacity[which], units * per_replicate,
                       sizeof *work->left_out[which], err);
    job.values = work->left_out[which];
    return status == RADZ_OK ? radz_parallel_for((units + LANES - 1) / LANES, (int)work->space_count, run_left_out, &job, err)
                             : status;
}

static radz_status prepare(const radz_metric_input *input, const uint32_t *patient_of, size_t patients,
                           const radz_bootstrap_options *options, radz_bootstrap_work *work, radz_error *err)
{
    radz_status status = radz_metric_check(input, NULL, err);
    if (status == RADZ_OK)
        status = check_bootstrap(input, patient_of, patients, options, work, err);
    if (status == RADZ_OK)
        status = radz_grow(&work->hashes, &work->hash_capacity, options->replicates, sizeof *work->hashes, err);
    if (status == RADZ_OK)
        status = sort_strata(patients, options, work, err);
    size_t blocks = (options->replicates + LANES - 1) / LANES;
    size_t threads = (size_t)options->threads < blocks ? (size_t)options->threads : blocks;
    if (status == RADZ_OK)
        status = make_spaces(work, threads, patients, options->replicates, options->bounds == RADZ_BOUNDS_BCA, err);
    return status;
}

/* ---- from replicates to intervals ---- */

typedef struct interval_job {
    const radz_bootstrap_work *work;
    const radz_bootstrap_options *options;
    size_t classes, units; /* units: left out, with BCa */
    bool paired;
    radz_intervals *class_intervals, *group_intervals; /* or: */
    radz_paired *class_pairs, *group_pairs;
} interval_job;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool radz_bca_percents(const double *sorted, size_t count, double estimate, const double *jackknife, size_t units,
                       double confidence, double *low, double *high)
{
    size_t below = 0, equal = 0, n = 0;
    for (size_t i = 0; i < count; i++) {
        below += sorted[i] < estimate;
        equal += sorted[i] == estimate;
    }
    double mean = 0, squares = 0, cubes = 0;
    for (size_t i = 0; i < units; i++)
        if (!isnan(jackknife[i])) {
            mean += jackknife[i];
            n++;
        }
    mean = n > 0 ? mean / (double)n : 0;
    for (size_t i = 0; i < units; i++)
        if (!isnan(jackknife[i])) {
            double d = mean - jackknife[i];
            squares += d * d;
            cubes += d * d * d;
        }
    double bias = radz_normal_quantile(((double)below + (double)equal / 2) / (double)count);
    double acceleration = squares > 0 ? cubes / (6 * squares * sqrt(squares)) : 0;
    if (isinf(bias))
        return false;
    double *const out[2] = {low, high};
    for (int side = 0; side < 2; side++) {
        double tail = (1 - confidence / 100) / 2, z = bias + radz_normal_quantile(side == 0 ? tail : 1 - tail);
        double under = 1 - acceleration * z;
        if (!(under > 0))
            return false;
        *out[side] = 100 * radz_normal_cdf(bias + z / under);
    }
    return true;
}

/* `estimate` is the value on the data, `left_out` [units] what it is without each unit (BCa only). */
static void summarize(double *series, size_t used, const interval_job *job, double estimate, const double *left_out,
                      radz_interval *out)
{
    const radz_bootstrap_options *options = job->options;
    out->used = used;
    out->dropped = options->replicates - used;
    out->status = used < RADZ_RESAMPLE_LEAST ? RADZ_METRIC_FEW_REPLICATES : RADZ_METRIC_OK;
    out->low = out->high = out->mean = out->deviation = NAN;
    if (out->status != RADZ_METRIC_OK)
        return;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < used; i++)
        sum += series[i];
    out->mean = sum / (double)used;
    for (size_t i = 0; i < used; i++)
        squares += (series[i] - out->mean) * (series[i] - out->mean);
    out->deviation = sqrt(squares / (double)(used - 1));
    qsort(series, used, sizeof *series, by_value);
    double low = (100 - options->confidence) / 2, high = 100 - low;
    if (options->bounds == RADZ_BOUNDS_BCA && series[0] == series[used - 1]) {
        out->status = RADZ_METRIC_ZERO_VARIANCE;
        out->mean = out->deviation = NAN;
        return;
    }
    if (options->bounds == RADZ_BOUNDS_BCA &&
        !radz_bca_percents(series, used, estimate, left_out, job->units, options->confidence, &low, &high)) {
        out->status = RADZ_METRIC_ONE_SIDED;
        out->mean = out->deviation = NAN;
        return;
    }
    out->low = radz_percentile(series, used, low);
    out->high = radz_percentile(series, used, high);
}

/* Mean over `members` (NULL: the class `only`) of metric m in one replicate; NaN when a class that is defined on the
 * data themselves is not defined in it. */
static double mean_in(const double *values, const interval_job *job, const uint8_t *members, size_t only, size_t m)
{
    if (members == NULL)
        return values[only * RADZ_METRIC_COUNT + m];
    double sum = 0;
    size_t count = 0;
    for (size_t c = 0; c < job->classes; c++) {
        bool counted = members[c] && job->work->found[0][c].metrics.status[m] == RADZ_METRIC_OK &&
                       (!job->paired || job->work->found[1][c].metrics.status[m] == RADZ_METRIC_OK);
        if (!counted)
            continue;
        sum += values[c * RADZ_METRIC_COUNT + m];
        count++;
    }
    return count > 0 ? sum / (double)count : NAN;
}

/* Value on the data themselves, as mean_in; `*status` says why there is none. */
static double value_found(const interval_job *job, const uint8_t *members, size_t only, size_t m,
                          radz_metric_status *status)
{
    double sum = 0;
    size_t count = 0;
    *status = RADZ_METRIC_OK;
    if ((members != NULL || job->paired) && !radz_metrics[m].averaged) {
        *status = RADZ_METRIC_NO_CLASS;
        return NAN;
    }
    size_t first = members ? 0 : only, end = members ? job->classes : only + 1;
    for (size_t c = first; c < end; c++) {
        if (members != NULL && !members[c])
            continue;
        const radz_metric_values *a = &job->work->found[0][c].metrics;
        const radz_metric_values *b = job->paired ? &job->work->found[1][c].metrics : NULL;
        radz_metric_status here = a->status[m] == RADZ_METRIC_OK && b != NULL ? b->status[m] : a->status[m];
        if (members == NULL)
            *status = here;
        if (here != RADZ_METRIC_OK)
            continue;
        sum += b == NULL ? a->value[m] : a->value[m] - b->value[m];
        count++;
    }
    if (members != NULL && count == 0)
        *status = RADZ_METRIC_NO_CLASS;
    return count > 0 ? sum / (double)count : NAN;
}

/* No class that is counted has two patients on either side. */
static bool has_few(const interval_job *job, const uint8_t *members, size_t only, size_t m)
{
    size_t first = members ? 0 : only, end = members ? job->classes : only + 1;
    for (size_t c = first; c < end; c++) {
        const radz_bootstrap_work *work = job->work;
        bool counted = (members == NULL || members[c]) && work->found[0][c].metrics.status[m] == RADZ_METRIC_OK &&
                       (!job->paired || work->found[1][c].metrics.status[m] == RADZ_METRIC_OK);
        if (counted && !work->few[0][c] && !(job->paired && work->few[1][c]))
            return false;
    }
    return true;
}

static radz_status run_interval(void *context, size_t i, int worker, radz_error *err)
{
    (void)err;
    interval_job *job = context;
    size_t group = i < job->classes ? 0 : i - job->classes, per_replicate = job->classes * RADZ_METRIC_COUNT;
    const uint8_t *members = i < job->classes ? NULL : job->options->groups + group * job->classes;
    radz_paired *pair = !job->paired ? NULL : members ? &job->group_pairs[group] : &job->class_pairs[i];
    radz_intervals *out = pair      ? &pair->intervals
                          : members ? &job->group_intervals[group]
                                    : &job->class_intervals[i];
    double *series = job->work->spaces[worker].series;
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++) {
        radz_metric_status status;
        double found = value_found(job, members, i, m, &status);
        if (pair != NULL) {
            pair->difference.value[m] = found;
            pair->difference.status[m] = status;
        }
        if (status == RADZ_METRIC_OK && has_few(job, members, i, m))
            status = RADZ_METRIC_FEW_PATIENTS;
        if (status != RADZ_METRIC_OK) {
            out->of[m] = (radz_interval){NAN, NAN, NAN, NAN, 0, job->options->replicates, status};
            continue;
        }
        size_t used = 0;
        for (size_t r = 0; r < job->options->replicates; r++) {
            double value = mean_in(job->work->values[0] + r * per_replicate, job, members, i, m);
            if (job->paired)
                value -= mean_in(job->work->values[1] + r * per_replicate, job, members, i, m);
            if (!isnan(value))
                series[used++] = value;
        }
        double *left_out = job->work->spaces[worker].left_out;
        for (size_t p = 0; job->options->bounds == RADZ_BOUNDS_BCA && p < job->units; p++) {
            left_out[p] = mean_in(job->work->left_out[0] + p * per_replicate, job, members, i, m);
            if (job->paired)
                left_out[p] -= mean_in(job->work->left_out[1] + p * per_replicate, job, members, i, m);
        }
        summarize(series, used, job, found, left_out, &out->of[m]);
    }
    return RADZ_OK;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static radz_status finish(interval_job *job, radz_bootstrap_work *work, size_t patients,
                          radz_bootstrap_summary *summary, radz_error *err)
{
    size_t replicates = job->options->replicates;
    if (summary != NULL) {
        *summary = (radz_bootstrap_summary){replicates, patients, 0};
        qsort(work->hashes, replicates, sizeof *work->hashes, by_hash);
        for (size_t i = 0; patients > 0 && i < replicates; i++)
            summary->distinct += i == 0 || work->hashes[i] != work->hashes[i - 1];
    }
    size_t groups = job->options->groups != NULL ? job->options->group_count : 0;
    return radz_parallel_for(job->classes + groups, (int)work->space_count, run_interval, job, err);
}

radz_status radz_bootstrap(const radz_metric_input *input, const uint32_t *patient_of, size_t patients,
                           const radz_bootstrap_options *options, radz_bootstrap_work *work,
                           radz_intervals *class_intervals, radz_intervals *group_intervals,
                           radz_bootstrap_summary *summary, radz_error *err)
{
    radz_status status = prepare(input, patient_of, patients, options, work, err);
    if (status == RADZ_OK)
        status = replicate(input, patient_of, patients, options, options->points, 0, work, err);
    interval_job job = {
        .work = work,
        .options = options,
        .classes = input->classes,
        .units = left_out_units(patients),
        .class_intervals = class_intervals,
        .group_intervals = group_intervals,
    };
    if (status == RADZ_OK)
        status = finish(&job, work, patients, summary, err);
    return status;
}

radz_status radz_bootstrap_paired(const radz_metric_input *a, const radz_metric_input *b, const uint32_t *patient_of,
                                  size_t patients, const radz_bootstrap_options *options,
                                  const radz_operating_point *points_b, radz_bootstrap_work *work,
                                  radz_paired *class_pairs, radz_paired *group_pairs,
                                  radz_bootstrap_summary *summary, radz_error *err)
{
    if (a->rows != b->rows || a->classes != b->classes)
        return radz_fail(err, RADZ_E_VALUE,
                         "paired bootstrap: %zu rows x %zu classes against %zu x %zu, wanted the same", a->rows,
                         a->classes, b->rows, b->classes);
    bool compared = a->labels != NULL && b->labels != NULL && !options->labels_differ;
    for (size_t i = 0; compared && i < a->rows * a->classes; i++)
        if (a->labels[i] != b->labels[i])
            return radz_fail(err, RADZ_E_VALUE,
                             "paired bootstrap: row %zu, class %zu: label %d against %d, wanted the same",
                             i / a->classes, i % a->classes, a->labels[i], b->labels[i]);
    radz_status status = prepare(a, patient_of, patients, options, work, err);
    if (status == RADZ_OK)
        status = replicate(a, patient_of, patients, options, options->points, 0, work, err);
    if (status == RADZ_OK)
        status = replicate(b, patient_of, patients, options, points_b, 1, work, err);
    interval_job job = {
        .work = work,
        .options = options,
        .classes = a->classes,
        .units = left_out_units(patients),
        .paired = true,
        .class_pairs = class_pairs,
        .group_pairs = group_pairs,
    };
    if (status == RADZ_OK)
        status = finish(&job, work, patients, summary, err);
    return status;
}
