/* Times all metrics and the patient bootstrap on made-up scores of the size of the ChestX-ray14 test list. Prints one
 * line of JSON. bench/perf/bootstrap.py makes the same scores and does the same with scikit-learn.
 *
 *   perf_bootstrap [threads] [replicates] [rows] [classes] [patients] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "metric/resample.h"

/* splitmix64 of a counter: a formula that numpy can repeat. */
static uint64_t mix(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* Class c has about 1/16 positives; a score is the sum of two uniform numbers, positives' shifted by (c + 1) / 16. All
 * values are multiples of 2^-32, so both languages have the same doubles. */
static void make_rows(size_t rows, size_t classes, size_t patients, double *scores, int8_t *labels,
                      uint32_t *patient_of)
{
    for (size_t i = 0; i < rows; i++) {
        patient_of[i] = (uint32_t)(i * patients / rows);
        for (size_t c = 0; c < classes; c++) {
            size_t at = i * classes + c;
            uint64_t a = mix(2 * at), b = mix(2 * at + 1);
            labels[at] = (b & 15) == 0;
            scores[at] = (double)((a >> 32) + (a & UINT32_MAX) + (labels[at] ? (c + 1) << 28 : 0)) / 4294967296.0;
        }
    }
}

static size_t argument(int argc, char **argv, int i, size_t otherwise)
{
    return argc > i ? (size_t)strtoull(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    size_t threads = argument(argc, argv, 1, (size_t)radz_cpu_count()), replicates = argument(argc, argv, 2, 1000);
    size_t rows = argument(argc, argv, 3, 25596), classes = argument(argc, argv, 4, 14);
    size_t patients = argument(argc, argv, 5, 2797);
    radz_error err = {0};
    double *scores = radz_calloc(rows * classes, sizeof *scores, &err);
    int8_t *labels = radz_calloc(rows * classes, sizeof *labels, &err);
    uint32_t *patient_of = radz_calloc(rows, sizeof *patient_of, &err);
    uint8_t *all = radz_calloc(classes, 1, &err);
    radz_class_metrics *found = radz_calloc(classes, sizeof *found, &err);
    radz_intervals *intervals = radz_calloc(classes + 1, sizeof *intervals, &err);
    radz_metric_work *work = NULL;
    radz_bootstrap_work *bootstrap = NULL;
    radz_bootstrap_summary summary;
    if (!scores || !labels || !patient_of || !all || !found || !intervals)
        goto done;
    make_rows(rows, classes, patients, scores, labels, patient_of);
    for (size_t c = 0; c < classes; c++)
        all[c] = 1;
    radz_metric_input input = {.rows = rows, .classes = classes, .scores = scores, .labels = labels};
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = replicates;
    options.threads = (int)threads;
    options.groups = all;
    options.group_count = 1;
    double begun = radz_clock_seconds();
    if (radz_metric_work_create(&work, &err) != RADZ_OK || radz_bootstrap_work_create(&bootstrap, &err) != RADZ_OK ||
        radz_metric_classes(&input, NULL, work, found, &err) != RADZ_OK)
        goto done;
    double measured = radz_clock_seconds();
    if (radz_bootstrap(&input, patient_of, patients, &options, bootstrap, intervals, intervals + classes, &summary,
                       &err) != RADZ_OK)
        goto done;
    double ended = radz_clock_seconds();
    printf("{\"seconds_metrics\": %.4f, \"seconds_bootstrap\": %.4f, \"threads\": %zu, \"replicates\": %zu, "
           "\"distinct\": %zu, \"auc\": [",
           measured - begun, ended - measured, threads, replicates, summary.distinct);
    for (size_t c = 0; c < classes; c++)
        printf("%s[%.17g, %.17g, %.17g]", c ? ", " : "", found[c].metrics.value[RADZ_METRIC_AUC],
               intervals[c].of[RADZ_METRIC_AUC].low, intervals[c].of[RADZ_METRIC_AUC].high);
    printf("]}\n");
done:
    if (err.code != RADZ_OK)
        fprintf(stderr, "perf_bootstrap: %s\n", err.message);
    radz_bootstrap_work_free(bootstrap);
    radz_metric_work_free(work);
    free(scores);
    free(labels);
    free(patient_of);
    free(all);
    free(found);
    free(intervals);
    return err.code == RADZ_OK ? 0 : 1;
}
