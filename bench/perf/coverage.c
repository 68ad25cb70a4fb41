/* Do 95 % intervals hold the truth in 93 to 97 of 100 samples? The long form of the tests' short checks: patients with one to
 * three images (correlation 0.64 within a patient), two models on the same images, AUCs that are known in closed form; the
 * intervals of the bootstrap over patients (percentile, BCa), of DeLong for clusters, and of the paired differences.
 *
 *     perf_coverage [SAMPLES [REPLICATES [THREADS]]]      (2000, 1000 and 2)
 *
 * Prints a line for each design and method; exit code 1 when an interval that is printed by default (BCa, and DeLong's for
 * clusters on the logit scale, each of a value and of a difference) does not keep its level in any design. The others show what
 * they cost: percentiles (`bounds: percentile`), DeLong's plain interval (pROC's), and DeLong over images. docs/statistics.md has
 * a run of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/workers.h"
#include "metric/delong.h"
#include "metric/normal.h"
#include "metric/resample.h"

enum { MOST_PATIENTS = 800, MOST_ROWS = 3 * MOST_PATIENTS, METHODS = 8 };

static const struct {
    const char *name;
    bool by_default;
} methods[METHODS] = {{"bootstrap percentile", false},        {"bootstrap BCa", true},
                      {"DeLong, patients, plain", false},      {"DeLong, patients, logit", true},
                      {"difference, percentile", false},       {"difference, BCa", true},
                      {"difference, DeLong, patients", true},  {"DeLong over images, logit", false}};

typedef struct design {
    const char *name;
    size_t patients, images; /* at most, of a patient */
    double prevalence, shift_a, shift_b; /* of the positives, in deviations */
} design;

static const design designs[] = {
    {"balanced", 120, 2, 0.5, 1, 0.8},      {"rare, 10 %", 800, 3, 0.1, 1, 0.7},
    {"near 1", 500, 2, 0.3, 2.2, 1.8},      {"single images", 150, 1, 0.3, 0.7, 0.7},
    {"near 1, few positives", 200, 2, 0.3, 2.2, 1.8},
};

enum { HELD = 0, BELOW, ABOVE }; /* where the truth is: in the interval, below it, above it */

typedef struct job {
    const design *d;
    size_t replicates;
    double truth[2];
    uint8_t *where; /* [samples, METHODS] */
} job;

typedef struct sample {
    double a[MOST_ROWS], b[MOST_ROWS];
    int8_t labels[MOST_ROWS];
    uint32_t patient_of[MOST_ROWS];
    size_t rows;
} sample;

static void draw(const design *d, uint64_t number, sample *out)
{
    radz_rng rng;
    radz_rng_seed(&rng, 2024, number);
    out->rows = 0;
    for (size_t p = 0; p < d->patients; p++) {
        int8_t label = radz_rng_uniform(&rng) < d->prevalence;
        double person = radz_rng_normal(&rng);
        size_t images = 1 + radz_rng_below(&rng, (uint32_t)d->images);
        for (size_t k = 0; k < images; k++, out->rows++) {
            double shared = 0.8 * person, own = 0.6 * radz_rng_normal(&rng);
            out->a[out->rows] = shared + own + d->shift_a * label;
            out->b[out->rows] = shared + 0.6 * (0.5 * own / 0.6 + sqrt(0.75) * radz_rng_normal(&rng)) + d->shift_b * label;
            out->labels[out->rows] = label;
            out->patient_of[out->rows] = (uint32_t)p;
        }
    }
}

static uint8_t place(double low, double high, double truth)
{
    return truth < low ? BELOW : truth > high ? ABOVE : HELD;
}

static radz_status run_sample(void *context, size_t i, int worker, radz_error *err)
{
    (void)worker;
    job *j = context;
    sample *s = radz_calloc(1, sizeof *s, err);
    radz_bootstrap_work *bootstrap = NULL;
    radz_delong_work *delong = NULL;
    radz_status st = s == NULL ? RADZ_E_NOMEM : radz_bootstrap_work_create(&bootstrap, err);
    if (st == RADZ_OK)
        st = radz_delong_work_create(&delong, err);
    if (st != RADZ_OK)
        goto done;
    draw(j->d, i, s);
    uint8_t *where = j->where + i * METHODS;
    radz_metric_input a = {.rows = s->rows, .classes = 1, .scores = s->a, .labels = s->labels}, b = a;
    b.scores = s->b;
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = j->replicates;
    options.seed = i;
    radz_clusters clusters = {s->patient_of, j->d->patients};
    double low, high, difference = j->truth[0] - j->truth[1];
    for (int method = 0; st == RADZ_OK && method < 2; method++) {
        radz_intervals found;
        options.bounds = method == 0 ? RADZ_BOUNDS_PERCENTILE : RADZ_BOUNDS_BCA;
        st = radz_bootstrap(&a, s->patient_of, j->d->patients, &options, bootstrap, &found, NULL, NULL, err);
        where[method] = place(found.of[RADZ_METRIC_AUC].low, found.of[RADZ_METRIC_AUC].high, j->truth[0]);
    }
    radz_delong_pair pair;
    radz_delong images;
    if (st == RADZ_OK)
        st = radz_delong_paired(&a, &b, 0, &clusters, delong, &pair, err);
    if (st == RADZ_OK)
        st = radz_delong_class(&a, 0, NULL, delong, &images, err);
    for (int method = 0; st == RADZ_OK && method < 2; method++) {
        radz_paired found;
        options.bounds = method == 0 ? RADZ_BOUNDS_PERCENTILE : RADZ_BOUNDS_BCA;
        st = radz_bootstrap_paired(&a, &b, s->patient_of, j->d->patients, &options, NULL, bootstrap, &found, NULL, NULL, err);
        where[4 + method] = place(found.intervals.of[RADZ_METRIC_AUC].low, found.intervals.of[RADZ_METRIC_AUC].high, difference);
    }
    if (st != RADZ_OK)
        goto done;
    (void)radz_delong_interval(&pair.a, 95, RADZ_INTERVAL_PLAIN, &low, &high);
    where[2] = place(low, high, j->truth[0]);
    (void)radz_delong_interval(&pair.a, 95, RADZ_INTERVAL_LOGIT, &low, &high);
    where[3] = place(low, high, j->truth[0]);
    (void)radz_delong_pair_interval(&pair, 95, &low, &high);
    where[6] = place(low, high, difference);
    (void)radz_delong_interval(&images, 95, RADZ_INTERVAL_LOGIT, &low, &high);
    where[7] = place(low, high, j->truth[0]);
done:
    free(s);
    radz_bootstrap_work_free(bootstrap);
    radz_delong_work_free(delong);
    return st;
}

int main(int argc, char **argv)
{
    size_t samples = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000, replicates = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    int threads = argc > 3 ? atoi(argv[3]) : 2;
    bool kept = true;
    for (size_t k = 0; k < sizeof designs / sizeof *designs; k++) {
        const design *d = &designs[k];
        radz_error err = {0};
        job j = {.d = d, .replicates = replicates, .where = radz_calloc(samples * METHODS, 1, &err)};
        j.truth[0] = radz_normal_cdf(d->shift_a / sqrt(2)); /* two normals of deviation 1 */
        j.truth[1] = radz_normal_cdf(d->shift_b / sqrt(2));
        if (j.where == NULL || radz_parallel_for(samples, threads, run_sample, &j, &err) != RADZ_OK) {
            fprintf(stderr, "coverage: %s\n", err.message);
            return 1;
        }
        printf("%s: %zu patients with up to %zu images, prevalence %g, AUC %.4f and %.4f\n", d->name, d->patients, d->images,
               d->prevalence, j.truth[0], j.truth[1]);
        for (size_t m = 0; m < METHODS; m++) {
            size_t count[3] = {0};
            for (size_t i = 0; i < samples; i++)
                count[j.where[i * METHODS + m]]++;
            double percent = 100 / (double)samples, share = percent * (double)count[HELD];
            bool good = share >= 93 && share <= 97;
            printf("  %c %-29s %6.2f %% (truth below it %.2f, above it %.2f; sampling error %.2f)%s\n",
                   methods[m].by_default ? '*' : ' ', methods[m].name, share, percent * (double)count[BELOW],
                   percent * (double)count[ABOVE], 100 * sqrt(0.95 * 0.05 / (double)samples), good ? "" : "  OUTSIDE 93 to 97");
            kept = kept && (good || !methods[m].by_default);
        }
        fflush(stdout);
        free(j.where);
    }
    return kept ? 0 : 1;
}
