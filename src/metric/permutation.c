#include "metric/permutation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/workers.h"
#include "metric/ranking.h"
#include "metric/resample.h"

/* One labelled row: its rank under both models, as numbers of the class's distinct mid-ranks, ascending. */
typedef struct swap_row {
    uint32_t patient, rank[2];
    uint32_t positive;
} swap_row;

typedef struct swap_class {
    swap_row *rows; /* [count] */
    size_t count, positives, ranks;
} swap_class;

/* What one thread needs. */
typedef struct swap_space {
    uint8_t *swapped;  /* [patients] */
    uint32_t *tally;   /* [ranks, 2 models, 2 labels] of the class with most */
    double *found;     /* [classes] difference of the AUCs */
    size_t *extreme;   /* [classes + groups] */
} swap_space;

typedef struct swap_job {
    const radz_permutation_options *options;
    size_t classes, patients, permutations;
    bool exact;
    swap_class *of; /* [classes] */
    double *whole;  /* [classes + groups] difference without a swap; NaN where not defined */
    swap_space *spaces;
} swap_job;

/* Twice the mid-rank of every labelled row, from the lowest score (1) on. */
static radz_status mid_ranks(const radz_metric_input *input, size_t c, radz_metric_work *work, uint64_t *twice, radz_error *err)
{
    radz_status st = radz_rank_class(input, c, work, err);
    for (size_t i = 0; st == RADZ_OK && i < work->count;) {
        size_t first = i;
        for (; i < work->count && work->ranked[i].key == work->ranked[first].key; i++)
            ;
        for (size_t k = first; k < i; k++) /* places first + 1 .. i from the top */
            twice[work->ranked[k].row] = 2 * (uint64_t)work->count + 1 - (uint64_t)(first + i);
    }
    return st;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint32_t place_of(const uint64_t *distinct, size_t count, uint64_t value)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (distinct[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static radz_status make_class(const radz_metric_input *a, const radz_metric_input *b, size_t c, const uint32_t *patient_of,
                              radz_metric_work *work, uint64_t *space, swap_class *out, radz_error *err)
{
    uint64_t *twice[2] = {space, space + a->rows}, *distinct = space + 2 * a->rows;
    radz_status st = mid_ranks(a, c, work, twice[0], err);
    if (st == RADZ_OK)
        st = mid_ranks(b, c, work, twice[1], err);
    if (st != RADZ_OK)
        return st;
    out->rows = radz_calloc(work->count, sizeof *out->rows, err);
    if (out->rows == NULL)
        return RADZ_E_NOMEM;
    out->positives = work->positives;
    size_t n = 0;
    for (size_t i = 0; i < a->rows; i++)
        if (a->labels[i * a->classes + c] >= 0) {
            distinct[n++] = twice[0][i];
            distinct[n++] = twice[1][i];
        }
    qsort(distinct, n, sizeof *distinct, by_size);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || distinct[i] != distinct[i - 1])
            distinct[out->ranks++] = distinct[i];
    for (size_t i = 0; i < a->rows; i++)
        if (a->labels[i * a->classes + c] >= 0)
            out->rows[out->count++] = (swap_row){patient_of[i],
                                                 {place_of(distinct, out->ranks, twice[0][i]),
                                                  place_of(distinct, out->ranks, twice[1][i])},
                                                 (uint32_t)a->labels[i * a->classes + c]};
    return RADZ_OK;
}

/* AUC of the first less AUC of the second after the swaps; exact but for the last division. */
static double difference_after(const swap_class *c, const uint8_t *swapped, uint32_t *tally)
{
    size_t negatives = c->count - c->positives;
    if (c->positives == 0 || negatives == 0)
        return NAN;
    memset(tally, 0, 4 * c->ranks * sizeof *tally);
    for (size_t i = 0; i < c->count; i++) {
        const swap_row *r = &c->rows[i];
        size_t s = swapped[r->patient];
        tally[4 * r->rank[s] + r->positive]++;
        tally[4 * r->rank[1 - s] + 2 + r->positive]++;
    }
    int64_t below[2] = {0, 0}, twice = 0;
    for (size_t k = 0; k < c->ranks; k++)
        for (int which = 0; which < 2; which++) {
            int64_t n = tally[4 * k + 2 * which], p = tally[4 * k + 2 * which + 1];
            twice += (which == 0 ? 1 : -1) * p * (2 * below[which] + n);
            below[which] += n;
        }
    return (double)twice / (2 * (double)c->positives * (double)negatives);
}

static double group_mean(const swap_job *job, const double *found, size_t g)
{
    double sum = 0;
    size_t count = 0;
    for (size_t c = 0; c < job->classes; c++)
        if (job->options->groups[g * job->classes + c] && !isnan(found[c])) {
            sum += found[c];
            count++;
        }
    return count > 0 ? sum / (double)count : NAN;
}

static radz_status run_permutation(void *context, size_t i, int worker, radz_error *err)
{
    (void)err;
    swap_job *job = context;
    swap_space *space = &job->spaces[worker];
    radz_rng rng;
    uint32_t bits = 0;
    radz_rng_seed(&rng, job->options->seed, i);
    for (size_t p = 0; p < job->patients; p++) {
        if (p % 32 == 0)
            bits = job->exact ? (uint32_t)(i >> p) : radz_rng_u32(&rng);
        space->swapped[p] = bits & 1;
        bits >>= 1;
    }
    for (size_t c = 0; c < job->classes; c++) {
        space->found[c] = difference_after(&job->of[c], space->swapped, space->tally);
        space->extreme[c] += fabs(space->found[c]) >= fabs(job->whole[c]);
    }
    for (size_t g = 0; g < job->options->group_count; g++) /* a sum of quotients: equal ones may differ in the last bit */
        space->extreme[job->classes + g] +=
            fabs(group_mean(job, space->found, g)) >= fabs(job->whole[job->classes + g]) * (1 - 1e-12);
    return RADZ_OK;
}

static radz_status check(const radz_metric_input *a, const radz_metric_input *b, const uint32_t *patient_of, size_t patients,
                         const radz_permutation_options *options, radz_error *err)
{
    if (options->permutations < 1 || options->permutations > RADZ_RESAMPLE_MOST)
        return radz_fail(err, RADZ_E_USAGE, "permutation test: %zu permutations, wanted 1 to %d", options->permutations,
                         RADZ_RESAMPLE_MOST);
    if (options->threads < 1)
        return radz_fail(err, RADZ_E_USAGE, "permutation test: %d threads, wanted at least 1", options->threads);
    if (a->rows != b->rows || a->classes != b->classes)
        return radz_fail(err, RADZ_E_VALUE, "permutation test: %zu rows x %zu classes against %zu x %zu, wanted the same",
                         a->rows, a->classes, b->rows, b->classes);
    for (size_t i = 0; i < a->rows; i++)
        if (patient_of[i] >= patients)
            return radz_fail(err, RADZ_E_VALUE, "permutation test: row %zu has patient number %u, wanted one below %zu", i,
                             (unsigned)patient_of[i], patients);
    radz_status st = radz_metric_check(a, NULL, err);
    if (st == RADZ_OK)
        st = radz_metric_check(b, NULL, err);
    for (size_t i = 0; st == RADZ_OK && i < a->rows * a->classes; i++)
        if (a->labels[i] != b->labels[i])
            return radz_fail(err, RADZ_E_VALUE, "permutation test: row %zu, class %zu: label %d against %d, wanted the same",
                             i / a->classes, i % a->classes, a->labels[i], b->labels[i]);
    return st;
}

static void conclude(const swap_job *job, size_t which, size_t threads, radz_permutation *out)
{
    *out = (radz_permutation){.difference = job->whole[which], .p = NAN, .permutations = job->permutations, .exact = job->exact};
    if (isnan(out->difference)) {
        out->status = RADZ_METRIC_NO_CLASS;
        if (which < job->classes)
            out->status = job->of[which].count == 0 ? RADZ_METRIC_NO_ROWS : RADZ_METRIC_ONE_VALUE;
        return;
    }
    for (size_t t = 0; t < threads; t++)
        out->extreme += job->spaces[t].extreme[which];
    out->p = job->exact ? (double)out->extreme / (double)job->permutations
                        : (1 + (double)out->extreme) / (1 + (double)job->permutations);
}

radz_status radz_permutation_paired(const radz_metric_input *a, const radz_metric_input *b, const uint32_t *patient_of,
                                    size_t patients, const radz_permutation_options *options,
                                    radz_permutation *class_results, radz_permutation *group_results, radz_error *err)
{
    radz_status st = check(a, b, patient_of, patients, options, err);
    if (st != RADZ_OK)
        return st;
    size_t classes = a->classes, groups = options->groups != NULL ? options->group_count : 0, threads = (size_t)options->threads;
    radz_permutation_options own = *options;
    own.group_count = groups;
    swap_job job = {.options = &own, .classes = classes, .patients = patients, .permutations = options->permutations};
    job.exact = patients < 20 && (size_t)1 << patients <= options->permutations;
    if (job.exact)
        job.permutations = (size_t)1 << patients;
    radz_metric_work *work = NULL;
    uint64_t *space = radz_calloc(4 * a->rows, sizeof *space, err);
    job.of = radz_calloc(classes, sizeof *job.of, err);
    job.whole = radz_calloc(classes + groups, sizeof *job.whole, err);
    job.spaces = radz_calloc(threads, sizeof *job.spaces, err);
    if (space == NULL || job.of == NULL || job.whole == NULL || job.spaces == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    st = radz_metric_work_create(&work, err);
    size_t most = 0;
    for (size_t c = 0; st == RADZ_OK && c < classes; c++) {
        st = make_class(a, b, c, patient_of, work, space, &job.of[c], err);
        most = job.of[c].ranks > most ? job.of[c].ranks : most;
    }
    for (size_t t = 0; st == RADZ_OK && t < threads; t++) {
        swap_space *s = &job.spaces[t];
        s->swapped = radz_calloc(patients, 1, err);
        s->tally = radz_calloc(4 * most, sizeof *s->tally, err);
        s->found = radz_calloc(classes, sizeof *s->found, err);
        s->extreme = radz_calloc(classes + groups, sizeof *s->extreme, err);
        if (s->swapped == NULL || s->tally == NULL || s->found == NULL || s->extreme == NULL)
            st = RADZ_E_NOMEM;
    }
    if (st != RADZ_OK)
        goto done;
    for (size_t c = 0; c < classes; c++) /* nobody is swapped yet */
        job.whole[c] = difference_after(&job.of[c], job.spaces[0].swapped, job.spaces[0].tally);
    for (size_t g = 0; g < groups; g++)
        job.whole[classes + g] = group_mean(&job, job.whole, g);
    st = radz_parallel_for(job.permutations, options->threads, run_permutation, &job, err);
    for (size_t i = 0; st == RADZ_OK && i < classes + groups; i++)
        conclude(&job, i, threads, i < classes ? &class_results[i] : &group_results[i - classes]);
done:
    for (size_t c = 0; job.of != NULL && c < classes; c++)
        free(job.of[c].rows);
    for (size_t t = 0; job.spaces != NULL && t < threads; t++) {
        free(job.spaces[t].swapped);
        free(job.spaces[t].tally);
        free(job.spaces[t].found);
        free(job.spaces[t].extreme);
    }
    free(job.of);
    free(job.whole);
    free(job.spaces);
    free(space);
    radz_metric_work_free(work);
    return st;
}
