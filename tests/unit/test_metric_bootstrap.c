/* The patient bootstrap against itself written out plainly: every replicate's rows copied, the plain metrics run on
 * them, the percentiles taken. And what must hold of it: threads, row order, coverage, paired differences, errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "metric/resample.h"

enum { ROWS = 400, CLASSES = 5, PATIENTS = 90, REPLICATES = 203 };

/* Class 0 distinct scores, 1 heavily tied, 2 rare (undefined in some replicates) and masked in part, 3 infinities, 4
 * has no positive row at all. Patients have 1 to about 12 rows, and their rows are alike. */
typedef struct data {
    double scores[ROWS * CLASSES], other_scores[ROWS * CLASSES];
    int8_t labels[ROWS * CLASSES];
    uint32_t patient_of[ROWS];
    radz_metric_input input, other;
    radz_bootstrap_work *work;
} data;

static int make(void **state)
{
    data *d = radz_calloc(1, sizeof *d, NULL);
    radz_rng rng;
    radz_rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t a = radz_rng_below(&rng, PATIENTS), b = radz_rng_below(&rng, PATIENTS);
        d->patient_of[i] = i < PATIENTS ? (uint32_t)i : a < b ? a : b;
        for (size_t c = 0; c < CLASSES; c++) {
            size_t at = i * CLASSES + c;
            int8_t label = c == 4   ? 0
                           : c == 2 ? (d->patient_of[i] == 7 || d->patient_of[i] == 70)
                                    : radz_rng_below(&rng, 4) == 0;
            double u = radz_rng_uniform(&rng) + 0.35 * label + 0.2 * (d->patient_of[i] % 5);
            if (c == 1)
                u = floor(u * 6) / 6;
            if (c == 3 && radz_rng_below(&rng, 10) == 0)
                u = radz_rng_below(&rng, 3) == 0 ? -INFINITY : INFINITY;
            d->scores[at] = u;
            d->other_scores[at] = u + 0.5 * radz_rng_uniform(&rng);
            d->labels[at] = c == 2 && !label && radz_rng_below(&rng, 3) == 0 ? -1 : label;
        }
    }
    d->input = (radz_metric_input){.rows = ROWS, .classes = CLASSES, .scores = d->scores, .labels = d->labels};
    d->other = d->input;
    d->other.scores = d->other_scores;
    if (radz_bootstrap_work_create(&d->work, NULL) != RADZ_OK)
        return 1;
    *state = d;
    return 0;
}

static int drop(void **state)
{
    data *d = *state;
    radz_bootstrap_work_free(d->work);
    free(d);
    return 0;
}

static const uint8_t groups[3 * CLASSES] = {
    1, 1, 1, 1, 1, /* macro */
    1, 1, 0, 0, 0, /* "trained" */
    0, 0, 0, 0, 1, /* nothing defined */
};
enum { GROUPS = 3 };

/* Class 4 has no positive patient: values, but no interval. */
static double with_interval(double value, size_t class_index)
{
    return class_index == 4 ? NAN : value;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The rows of replicate r written out; returns how many. */
static size_t write_out(const data *d, const radz_metric_input *input, uint64_t seed, size_t r, double *scores,
                        int8_t *labels)
{
    radz_rng rng;
    size_t at = 0;
    radz_rng_seed(&rng, seed, r);
    for (size_t k = 0; k < PATIENTS; k++) {
        uint32_t drawn = radz_rng_below(&rng, PATIENTS);
        for (size_t i = 0; i < ROWS; i++)
            if (d->patient_of[i] == drawn) {
                memcpy(scores + at * CLASSES, input->scores + i * CLASSES, CLASSES * sizeof *scores);
                memcpy(labels + at * CLASSES, input->labels + i * CLASSES, CLASSES);
                at++;
            }
    }
    return at;
}

static double mean_or_nan(const radz_class_metrics *found, const radz_class_metrics *whole, const uint8_t *members,
                          size_t m)
{
    double sum = 0, count = 0;
    for (size_t c = 0; c < CLASSES; c++)
        if (members[c] && whole[c].metrics.status[m] == RADZ_METRIC_OK) {
            sum += found[c].metrics.value[m];
            count++;
        }
    return radz_metrics[m].averaged && count > 0 ? sum / count : NAN;
}

/* Plain rule of numpy's default method, written from its documentation: linear between the two order statistics. */
static double plain_percentile(const double *sorted, size_t count, double percent)
{
    double at = percent / 100 * (double)(count - 1), low = floor(at), high = ceil(at);
    double a = sorted[(size_t)low], b = sorted[(size_t)high];
    return a == b ? a : a * (high - at) + b * (at - low);
}

static void check_interval(const char *what, double *values, double found_whole, const radz_interval *interval,
                           double low_percent)
{
    size_t used = 0;
    for (size_t r = 0; r < REPLICATES; r++)
        if (!isnan(values[r]))
            values[used++] = values[r];
    if (isnan(found_whole))
        used = 0;
    if (interval->used != used || interval->dropped != REPLICATES - used)
        fail_msg("%s: %zu used, %zu dropped, plainly %zu used", what, interval->used, interval->dropped, used);
    if (used == 0) {
        assert_true(interval->status != RADZ_METRIC_OK && isnan(interval->low) && isnan(interval->high));
        return;
    }
    assert_int_equal(interval->status, RADZ_METRIC_OK);
    qsort(values, used, sizeof *values, by_value);
    double low = plain_percentile(values, used, low_percent), high = plain_percentile(values, used, 100 - low_percent);
    /* largest difference seen: 2.2e-16, from the other form of the interpolation */
    if (!(interval->low == low || fabs(interval->low - low) < 1e-14) ||
        !(interval->high == high || fabs(interval->high - high) < 1e-14))
        fail_msg("%s: [%.17g, %.17g], plainly [%.17g, %.17g]", what, interval->low, interval->high, low, high);
}

static void equals_rows_written_out(void **state)
{
    data *d = *state;
    enum { MOST = ROWS * PATIENTS };
    double *scores = radz_calloc(MOST * CLASSES, sizeof *scores, NULL);
    int8_t *labels = radz_calloc(MOST * CLASSES, 1, NULL);
    radz_class_metrics(*plain)[CLASSES] = radz_calloc(REPLICATES, sizeof *plain, NULL);
    radz_class_metrics whole[CLASSES];
    radz_metric_work *work;
    radz_error err = {0};
    assert_int_equal(radz_metric_work_create(&work, NULL), RADZ_OK);
    /* with the operating point chosen in every replicate for max F1, fixed (inside, below all, above all), chosen for a rate */
    const radz_operating_point fixed[CLASSES] = {{RADZ_OPERATING_FIXED, 0.6},
                                                 {RADZ_OPERATING_FIXED, 0.5},
                                                 {RADZ_OPERATING_FIXED, -1},
                                                 {RADZ_OPERATING_FIXED, INFINITY},
                                                 {RADZ_OPERATING_FIXED, 99}};
    const radz_operating_point far_off[CLASSES] = {{RADZ_OPERATING_FIXED, 99},
                                                   {RADZ_OPERATING_F1_MAX, 0},
                                                   {RADZ_OPERATING_FIXED, 0.9},
                                                   {RADZ_OPERATING_FIXED, -INFINITY},
                                                   {RADZ_OPERATING_F1_MAX, 0}};
    const radz_operating_point rates[CLASSES] = {{RADZ_OPERATING_SPECIFICITY, 0.9},
                                                 {RADZ_OPERATING_SENSITIVITY, 0.8},
                                                 {RADZ_OPERATING_SPECIFICITY, 0.95},
                                                 {RADZ_OPERATING_SPECIFICITY, 1},
                                                 {RADZ_OPERATING_SENSITIVITY, 1}};
    const radz_operating_point other_rates[CLASSES] = {{RADZ_OPERATING_SENSITIVITY, 0.5},
                                                       {RADZ_OPERATING_SPECIFICITY, 0.55},
                                                       {RADZ_OPERATING_SENSITIVITY, 1},
                                                       {RADZ_OPERATING_SENSITIVITY, 0.01},
                                                       {RADZ_OPERATING_SPECIFICITY, 0.5}};
    const radz_operating_point *choices[] = {NULL, fixed, far_off, rates, other_rates};
    size_t dropped = 0;
    for (size_t choice = 0; choice < 5; choice++) {
        radz_bootstrap_options options = {
            .replicates = REPLICATES,
            .confidence = 90,
            .seed = 17 + choice,
            .threads = 2,
            .points = choices[choice],
            .groups = groups,
            .group_count = GROUPS,
            .bounds = RADZ_BOUNDS_PERCENTILE,
        };
        radz_intervals fast[CLASSES], means[GROUPS];
        radz_bootstrap_summary summary;
        if (radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, fast, means, &summary, &err) !=
            RADZ_OK)
            fail_msg("%s", err.message);
        assert_int_equal(summary.replicates, REPLICATES);
        assert_int_equal(summary.distinct, REPLICATES);
        assert_int_equal(summary.patients, PATIENTS);
        assert_int_equal(radz_metric_classes(&d->input, options.points, work, whole, &err), RADZ_OK);
        for (size_t r = 0; r < REPLICATES; r++) {
            radz_metric_input input = {.classes = CLASSES, .scores = scores, .labels = labels};
            input.rows = write_out(d, &d->input, options.seed, r, scores, labels);
            assert_int_equal(radz_metric_classes(&input, options.points, work, plain[r], &err), RADZ_OK);
        }
        for (size_t m = 0; m < RADZ_METRIC_COUNT; m++) {
            double values[REPLICATES];
            char what[64];
            for (size_t c = 0; c < CLASSES; c++) {
                for (size_t r = 0; r < REPLICATES; r++)
                    values[r] = plain[r][c].metrics.value[m];
                snprintf(what, sizeof what, "choice %zu, class %zu, %s", choice, c, radz_metrics[m].name);
                check_interval(what, values, with_interval(whole[c].metrics.value[m], c), &fast[c].of[m], 5);
                dropped += whole[c].metrics.status[m] == RADZ_METRIC_OK ? fast[c].of[m].dropped : 0;
            }
            for (size_t g = 0; g < GROUPS; g++) {
                for (size_t r = 0; r < REPLICATES; r++)
                    values[r] = mean_or_nan(plain[r], whole, groups + g * CLASSES, m);
                snprintf(what, sizeof what, "choice %zu, group %zu, %s", choice, g, radz_metrics[m].name);
                check_interval(what, values, with_interval(mean_or_nan(whole, whole, groups + g * CLASSES, m), g == 2 ? 4 : 0),
                               &means[g].of[m], 5);
            }
        }
    }
    assert_true(dropped > 100); /* class 2 really was undefined in some replicates */
    radz_metric_work_free(work);
    free(scores);
    free(labels);
    free(plain);
}

static bool same_interval(const radz_interval *a, const radz_interval *b)
{
    return memcmp(&a->low, &b->low, sizeof a->low) == 0 && memcmp(&a->high, &b->high, sizeof a->high) == 0 &&
           a->used == b->used && a->dropped == b->dropped && a->status == b->status;
}

/* BCa and strata, written out: patients drawn within each stratum, each patient left out once, the percentiles of
 * radz_bca_percents (which test_metric_statistics.c compares with scipy's). */
static void bca_and_strata_equal_rows_written_out(void **state)
{
    data *d = *state;
    enum { STRATA = 3, MOST = ROWS * PATIENTS };
    double *scores = radz_calloc(MOST * CLASSES, sizeof *scores, NULL);
    int8_t *labels = radz_calloc(MOST * CLASSES, 1, NULL);
    uint32_t stratum_of[PATIENTS], members[STRATA][PATIENTS];
    size_t sizes[STRATA] = {0};
    for (uint32_t p = 0; p < PATIENTS; p++) {
        stratum_of[p] = p % 7 == 0 ? 2 : p % 2;
        members[stratum_of[p]][sizes[stratum_of[p]]++] = p;
    }
    radz_class_metrics(*plain)[CLASSES] = radz_calloc(REPLICATES, sizeof *plain, NULL);
    radz_class_metrics(*without)[CLASSES] = radz_calloc(PATIENTS, sizeof *without, NULL), whole[CLASSES];
    radz_metric_work *work;
    radz_error err = {0};
    assert_int_equal(radz_metric_work_create(&work, NULL), RADZ_OK);
    radz_bootstrap_options options = {
        .replicates = REPLICATES, .confidence = 90, .seed = 3, .threads = 2, .groups = groups, .group_count = GROUPS,
        .bounds = RADZ_BOUNDS_BCA, .stratum_of = stratum_of, .strata = STRATA,
    };
    radz_intervals fast[CLASSES], means[GROUPS];
    if (radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, fast, means, NULL, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(radz_metric_classes(&d->input, NULL, work, whole, &err), RADZ_OK);
    for (size_t r = 0; r < REPLICATES + PATIENTS; r++) {
        radz_rng rng;
        radz_rng_seed(&rng, options.seed, r);
        size_t times[PATIENTS] = {0}, at = 0;
        for (size_t s = 0; r < REPLICATES && s < STRATA; s++)
            for (size_t k = 0; k < sizes[s]; k++)
                times[members[s][radz_rng_below(&rng, (uint32_t)sizes[s])]]++;
        for (size_t p = 0; r >= REPLICATES && p < PATIENTS; p++)
            times[p] = p != r - REPLICATES;
        for (size_t i = 0; i < ROWS; i++)
            for (size_t k = 0; k < times[d->patient_of[i]]; k++, at++) {
                memcpy(scores + at * CLASSES, d->scores + i * CLASSES, CLASSES * sizeof *scores);
                memcpy(labels + at * CLASSES, d->labels + i * CLASSES, CLASSES);
            }
        radz_metric_input input = {.rows = at, .classes = CLASSES, .scores = scores, .labels = labels};
        assert_int_equal(radz_metric_classes(&input, NULL, work, r < REPLICATES ? plain[r] : without[r - REPLICATES], &err),
                         RADZ_OK);
    }
    size_t checked = 0, moved = 0;
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++)
        for (size_t c = 0; c < CLASSES + 1; c++) { /* the last: the macro mean */
            double values[REPLICATES], left_out[PATIENTS], low, high;
            double found = c < CLASSES ? with_interval(whole[c].metrics.value[m], c) : mean_or_nan(whole, whole, groups, m);
            const radz_interval *interval = c < CLASSES ? &fast[c].of[m] : &means[0].of[m];
            size_t used = 0;
            for (size_t r = 0; r < REPLICATES; r++) {
                double value = c < CLASSES ? plain[r][c].metrics.value[m] : mean_or_nan(plain[r], whole, groups, m);
                if (!isnan(value))
                    values[used++] = value;
            }
            for (size_t p = 0; p < PATIENTS; p++)
                left_out[p] = c < CLASSES ? without[p][c].metrics.value[m] : mean_or_nan(without[p], whole, groups, m);
            if (isnan(found) || isinf(found) || used == 0)
                continue;
            qsort(values, used, sizeof *values, by_value);
            if (!radz_bca_percents(values, used, found, left_out, PATIENTS, 90, &low, &high)) {
                assert_int_equal(interval->status, RADZ_METRIC_ONE_SIDED);
                continue;
            }
            if (interval->low != radz_percentile(values, used, low) || interval->high != radz_percentile(values, used, high))
                fail_msg("class %zu, %s: [%.17g, %.17g], plainly [%.17g, %.17g]", c, radz_metrics[m].name, interval->low,
                         interval->high, radz_percentile(values, used, low), radz_percentile(values, used, high));
            checked++;
            moved += fabs(low - 5) > 0.5;
        }
    assert_true(checked > 30 && moved > 10);
    stratum_of[4] = STRATA;
    assert_int_equal(radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, fast, means, NULL, &err),
                     RADZ_E_VALUE);
    assert_string_equal(err.message, "bootstrap: patient number 4 is of stratum 3, wanted one below 3");
    radz_metric_work_free(work);
    free(scores);
    free(labels);
    free(plain);
    free(without);
}

/* Of more patients than RADZ_LEFT_OUT_MOST, groups of them are left out together. */
static void bca_leaves_out_groups_of_many_patients(void **state)
{
    data *d = *state;
    enum { MANY = 2 * RADZ_LEFT_OUT_MOST + 100 };
    double *scores = radz_calloc(3 * MANY, sizeof *scores, NULL), *drawn = scores + MANY, *kept = drawn + MANY;
    int8_t *labels = radz_calloc(3 * MANY, 1, NULL), *drawn_labels = labels + MANY, *kept_labels = drawn_labels + MANY;
    uint32_t *own = radz_calloc(MANY, sizeof *own, NULL);
    double values[REPLICATES], left_out[RADZ_LEFT_OUT_MOST], low, high;
    radz_metric_work *work;
    radz_class_metrics found;
    radz_rng rng;
    radz_rng_seed(&rng, 31, 0);
    for (uint32_t i = 0; i < MANY; i++) {
        own[i] = i;
        labels[i] = radz_rng_below(&rng, 25) == 0;
        scores[i] = radz_rng_normal(&rng) + 2.2 * labels[i];
    }
    assert_int_equal(radz_metric_work_create(&work, NULL), RADZ_OK);
    radz_metric_input input = {.rows = MANY, .classes = 1, .scores = scores, .labels = labels}, other = input;
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = REPLICATES;
    options.seed = 8;
    options.threads = 3;
    assert_int_equal(options.bounds, RADZ_BOUNDS_BCA);
    radz_intervals fast;
    assert_int_equal(radz_bootstrap(&input, own, MANY, &options, d->work, &fast, NULL, NULL, NULL), RADZ_OK);
    other.scores = drawn;
    other.labels = drawn_labels;
    for (size_t r = 0; r < REPLICATES; r++) {
        radz_rng_seed(&rng, options.seed, r);
        for (size_t i = 0; i < MANY; i++) {
            uint32_t p = radz_rng_below(&rng, MANY);
            drawn[i] = scores[p];
            drawn_labels[i] = labels[p];
        }
        assert_int_equal(radz_metric_classes(&other, NULL, work, &found, NULL), RADZ_OK);
        values[r] = found.metrics.value[RADZ_METRIC_AUC];
    }
    other.scores = kept;
    other.labels = kept_labels;
    for (size_t u = 0; u < RADZ_LEFT_OUT_MOST; u++) {
        other.rows = 0;
        for (size_t i = 0; i < MANY; i++)
            if (i % RADZ_LEFT_OUT_MOST != u) {
                kept[other.rows] = scores[i];
                kept_labels[other.rows++] = labels[i];
            }
        assert_int_equal(radz_metric_classes(&other, NULL, work, &found, NULL), RADZ_OK);
        left_out[u] = found.metrics.value[RADZ_METRIC_AUC];
    }
    assert_int_equal(radz_metric_classes(&input, NULL, work, &found, NULL), RADZ_OK);
    qsort(values, REPLICATES, sizeof *values, by_value);
    assert_true(radz_bca_percents(values, REPLICATES, found.metrics.value[RADZ_METRIC_AUC], left_out, RADZ_LEFT_OUT_MOST, 95,
                                  &low, &high));
    assert_true(low < 2.4); /* the correction for the long tail downwards */
    assert_true(fast.of[RADZ_METRIC_AUC].low == radz_percentile(values, REPLICATES, low));
    assert_true(fast.of[RADZ_METRIC_AUC].high == radz_percentile(values, REPLICATES, high));
    radz_metric_work_free(work);
    free(scores);
    free(labels);
    free(own);
}

static void threads_and_row_order_change_nothing(void **state)
{
    data *d = *state;
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.groups = groups;
    options.group_count = GROUPS;
    options.replicates = 150;
    radz_intervals one[CLASSES], one_mean[GROUPS], many[CLASSES], many_mean[GROUPS], moved[CLASSES], moved_mean[GROUPS];
    radz_bootstrap_summary summary;
    assert_int_equal(radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, one, one_mean, NULL, NULL),
                     RADZ_OK);
    options.threads = 7;
    assert_int_equal(radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, many, many_mean, &summary,
                                    NULL),
                     RADZ_OK);
    double *scores = radz_calloc(ROWS * CLASSES, sizeof *scores, NULL);
    int8_t *labels = radz_calloc(ROWS * CLASSES, 1, NULL);
    uint32_t patient_of[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        size_t from = (i * 37 + 11) % ROWS;
        memcpy(scores + i * CLASSES, d->scores + from * CLASSES, CLASSES * sizeof *scores);
        memcpy(labels + i * CLASSES, d->labels + from * CLASSES, CLASSES);
        patient_of[i] = d->patient_of[from];
    }
    radz_metric_input input = d->input;
    input.scores = scores;
    input.labels = labels;
    assert_int_equal(radz_bootstrap(&input, patient_of, PATIENTS, &options, d->work, moved, moved_mean, NULL, NULL),
                     RADZ_OK);
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++) {
        for (size_t c = 0; c < CLASSES; c++) {
            assert_true(same_interval(&one[c].of[m], &many[c].of[m]));
            assert_true(same_interval(&one[c].of[m], &moved[c].of[m]));
        }
        for (size_t g = 0; g < GROUPS; g++) {
            assert_true(same_interval(&one_mean[g].of[m], &many_mean[g].of[m]));
            assert_true(same_interval(&one_mean[g].of[m], &moved_mean[g].of[m]));
        }
    }
    options.seed++;
    assert_int_equal(radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, many, many_mean, &summary,
                                    NULL),
                     RADZ_OK);
    assert_false(same_interval(&one[0].of[RADZ_METRIC_AUC], &many[0].of[RADZ_METRIC_AUC]));
    free(scores);
    free(labels);
}

static void patients_are_numbered_by_name(void **state)
{
    (void)state;
    const char *names[] = {"b", "a", "b", "10", "9", "a"}, *bad[] = {"a", ""};
    uint32_t patient_of[6];
    size_t count;
    radz_error err = {0};
    assert_int_equal(radz_number_patients(names, 6, patient_of, &count, &err), RADZ_OK);
    const uint32_t wanted[] = {3, 2, 3, 0, 1, 2};
    assert_int_equal(count, 4);
    assert_memory_equal(patient_of, wanted, sizeof wanted);
    assert_int_equal(radz_number_patients(names, 0, patient_of, &count, &err), RADZ_OK);
    assert_int_equal(count, 0);
    assert_int_equal(radz_number_patients(bad, 2, patient_of, &count, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "row 1 has no patient name, wanted one for every row");
}

/* Copying every image four times within its patient must not make the interval narrower; calling each copy a patient of
 * its own (the mistake this guards against) does. */
static void copies_give_no_certainty(void **state)
{
    data *d = *state;
    enum { SINGLE = 150, COPIES = 4 };
    double scores[SINGLE * COPIES];
    int8_t labels[SINGLE * COPIES];
    uint32_t same[SINGLE * COPIES], own[SINGLE * COPIES];
    radz_rng rng;
    radz_rng_seed(&rng, 8, 0);
    for (size_t i = 0; i < SINGLE; i++) {
        int8_t label = radz_rng_below(&rng, 3) == 0;
        double score = radz_rng_normal(&rng) + label;
        for (size_t k = 0; k < COPIES; k++) {
            scores[k * SINGLE + i] = score;
            labels[k * SINGLE + i] = label;
            same[k * SINGLE + i] = (uint32_t)i;
            own[k * SINGLE + i] = (uint32_t)(k * SINGLE + i);
        }
    }
    radz_metric_input input = {.rows = SINGLE, .classes = 1, .scores = scores, .labels = labels};
    radz_bootstrap_options options = radz_bootstrap_defaults();
    radz_intervals single, copied, naive;
    assert_int_equal(radz_bootstrap(&input, same, SINGLE, &options, d->work, &single, NULL, NULL, NULL), RADZ_OK);
    input.rows = SINGLE * COPIES;
    assert_int_equal(radz_bootstrap(&input, same, SINGLE, &options, d->work, &copied, NULL, NULL, NULL), RADZ_OK);
    assert_int_equal(radz_bootstrap(&input, own, SINGLE * COPIES, &options, d->work, &naive, NULL, NULL, NULL),
                     RADZ_OK);
    const radz_interval *a = &single.of[RADZ_METRIC_AUC], *b = &copied.of[RADZ_METRIC_AUC],
                        *n = &naive.of[RADZ_METRIC_AUC];
    assert_true(same_interval(a, b));
    assert_true(n->high - n->low < 0.7 * (a->high - a->low)); /* about one half */
}

/* 95 % intervals of a known AUC hold it in about 95 of 100 samples. */
static void covers_the_truth(void **state)
{
    data *d = *state;
    enum { SAMPLES = 400, PEOPLE = 120, PER_PERSON = 2 };
    const double truth = 0.7602499389065233; /* Phi(1 / sqrt 2): two normals one deviation apart */
    double scores[PEOPLE * PER_PERSON];
    int8_t labels[PEOPLE * PER_PERSON];
    uint32_t patient_of[PEOPLE * PER_PERSON];
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = 400;
    size_t covered = 0;
    for (size_t sample = 0; sample < SAMPLES; sample++) {
        radz_rng rng;
        radz_rng_seed(&rng, 99, sample);
        for (size_t p = 0; p < PEOPLE; p++) {
            int8_t label = radz_rng_below(&rng, 2) == 0;
            double person = radz_rng_normal(&rng);
            for (size_t k = 0; k < PER_PERSON; k++) { /* correlation 0.64 within a person */
                size_t at = p * PER_PERSON + k;
                scores[at] = 0.8 * person + 0.6 * radz_rng_normal(&rng) + label;
                labels[at] = label;
                patient_of[at] = (uint32_t)p;
            }
        }
        radz_metric_input input = {.rows = PEOPLE * PER_PERSON, .classes = 1, .scores = scores, .labels = labels};
        radz_intervals intervals;
        options.seed = sample;
        assert_int_equal(radz_bootstrap(&input, patient_of, PEOPLE, &options, d->work, &intervals, NULL, NULL, NULL),
                         RADZ_OK);
        const radz_interval *auc = &intervals.of[RADZ_METRIC_AUC];
        covered += auc->low <= truth && truth <= auc->high;
    }
    print_message("%zu of %d intervals hold the truth\n", covered, SAMPLES);
    assert_in_range(covered, 366, 392); /* 380 expected, deviation 4.4; seen: 379 */
}

static void paired_uses_the_same_draws(void **state)
{
    data *d = *state;
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = REPLICATES;
    options.confidence = 90;
    options.seed = 5;
    options.threads = 2;
    options.groups = groups;
    options.group_count = GROUPS;
    options.bounds = RADZ_BOUNDS_PERCENTILE;
    radz_paired pairs[CLASSES], means[GROUPS];
    radz_error err = {0};
    /* a model against itself: no difference, in no replicate */
    assert_int_equal(radz_bootstrap_paired(&d->input, &d->input, d->patient_of, PATIENTS, &options, NULL, d->work,
                                           pairs, means, NULL, &err),
                     RADZ_OK);
    assert_true(pairs[0].difference.value[RADZ_METRIC_AUC] == 0);
    assert_true(pairs[0].intervals.of[RADZ_METRIC_AUC].low == 0 && pairs[0].intervals.of[RADZ_METRIC_AUC].high == 0);
    assert_true(means[0].intervals.of[RADZ_METRIC_AP].low == 0 && means[0].intervals.of[RADZ_METRIC_AP].high == 0);
    /* against another: as written out */
    const radz_operating_point points_b[CLASSES] = {{RADZ_OPERATING_FIXED, 0.7}, {RADZ_OPERATING_FIXED, 0.7}};
    radz_bootstrap_summary summary;
    assert_int_equal(radz_bootstrap_paired(&d->input, &d->other, d->patient_of, PATIENTS, &options, points_b, d->work,
                                           pairs, means, &summary, &err),
                     RADZ_OK);
    assert_int_equal(summary.distinct, REPLICATES);
    enum { MOST = ROWS * PATIENTS };
    double *scores = radz_calloc(MOST * CLASSES, sizeof *scores, NULL);
    int8_t *labels = radz_calloc(MOST * CLASSES, 1, NULL);
    radz_class_metrics(*plain)[2][CLASSES] = radz_calloc(REPLICATES, sizeof *plain, NULL);
    radz_class_metrics whole[2][CLASSES];
    radz_metric_work *work;
    assert_int_equal(radz_metric_work_create(&work, NULL), RADZ_OK);
    for (int which = 0; which < 2; which++) {
        const radz_metric_input *from = which ? &d->other : &d->input;
        const radz_operating_point *points = which ? points_b : NULL;
        assert_int_equal(radz_metric_classes(from, points, work, whole[which], NULL), RADZ_OK);
        for (size_t r = 0; r < REPLICATES; r++) {
            radz_metric_input input = {.classes = CLASSES, .scores = scores, .labels = labels};
            input.rows = write_out(d, from, options.seed, r, scores, labels);
            assert_int_equal(radz_metric_classes(&input, points, work, plain[r][which], NULL), RADZ_OK);
        }
    }
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++) {
        double values[REPLICATES];
        for (size_t c = 0; c < CLASSES; c++) {
            double difference = whole[0][c].metrics.value[m] - whole[1][c].metrics.value[m];
            if (!radz_metrics[m].averaged)
                difference = NAN;
            for (size_t r = 0; r < REPLICATES; r++)
                values[r] = plain[r][0][c].metrics.value[m] - plain[r][1][c].metrics.value[m];
            check_interval(radz_metrics[m].name, values, with_interval(difference, c), &pairs[c].intervals.of[m], 5);
            if (isnan(difference))
                assert_true(isnan(pairs[c].difference.value[m]) &&
                            pairs[c].difference.status[m] != RADZ_METRIC_OK);
            else
                assert_true(pairs[c].difference.value[m] == difference);
        }
        if (m == RADZ_METRIC_PPV || m == RADZ_METRIC_NPV)
            continue; /* classes defined in both: not what mean_or_nan below asks */
        for (size_t g = 0; g < GROUPS; g++) {
            const uint8_t *members = groups + g * CLASSES;
            for (size_t r = 0; r < REPLICATES; r++)
                values[r] = mean_or_nan(plain[r][0], whole[0], members, m) -
                            mean_or_nan(plain[r][1], whole[1], members, m);
            double difference =
                mean_or_nan(whole[0], whole[0], members, m) - mean_or_nan(whole[1], whole[1], members, m);
            check_interval(radz_metrics[m].name, values, with_interval(difference, g == 2 ? 4 : 0), &means[g].intervals.of[m], 5);
            /* largest difference seen: 8.3e-17 */
            assert_true(isnan(difference) ? isnan(means[g].difference.value[m])
                                          : fabs(means[g].difference.value[m] - difference) < 1e-15);
        }
    }
    radz_metric_work_free(work);
    free(scores);
    free(labels);
    free(plain);
    int8_t changed[ROWS * CLASSES];
    memcpy(changed, d->labels, sizeof changed);
    changed[3 * CLASSES + 1] = (int8_t)!changed[3 * CLASSES + 1];
    radz_metric_input other = d->other;
    other.labels = changed;
    assert_int_equal(radz_bootstrap_paired(&d->input, &other, d->patient_of, PATIENTS, &options, NULL, d->work, pairs,
                                           means, NULL, &err),
                     RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "row 3, class 1: label"));
}

static void few_patients_and_none(void **state)
{
    data *d = *state;
    double scores[] = {0.1, 0.9, 0.4, 0.6, 0.2, 0.3};
    int8_t labels[] = {0, 1, 0, 1, 0, 1};
    uint32_t one[] = {0, 0, 0, 0, 0, 0}, two[] = {0, 0, 1, 1, 1, 1}, split[] = {0, 1, 2, 1, 3, 1}, four[] = {0, 1, 2, 3, 2, 3};
    radz_metric_input input = {.rows = 6, .classes = 1, .scores = scores, .labels = labels};
    radz_bootstrap_options options = radz_bootstrap_defaults();
    uint8_t all[] = {1};
    options.groups = all;
    options.group_count = 1;
    radz_bootstrap_summary summary;
    radz_intervals intervals, mean;
    assert_int_equal(radz_bootstrap(&input, one, 1, &options, d->work, &intervals, &mean, &summary, NULL), RADZ_OK);
    assert_int_equal(summary.distinct, 1); /* one patient: one possible draw, and that is said */
    assert_int_equal(intervals.of[RADZ_METRIC_AUC].status, RADZ_METRIC_FEW_PATIENTS);
    assert_true(isnan(intervals.of[RADZ_METRIC_AUC].low) && intervals.of[RADZ_METRIC_AUC].dropped == 1000);
    assert_int_equal(radz_bootstrap(&input, two, 2, &options, d->work, &intervals, &mean, &summary, NULL), RADZ_OK);
    assert_int_equal(summary.distinct, 3); /* both have images of both kinds */
    assert_int_equal(intervals.of[RADZ_METRIC_AUC].status, RADZ_METRIC_OK);
    assert_int_equal(mean.of[RADZ_METRIC_AUC].status, RADZ_METRIC_OK);
    /* all positives in one patient: whoever draws it, the others' spread is not known */
    assert_int_equal(radz_bootstrap(&input, split, 4, &options, d->work, &intervals, &mean, &summary, NULL), RADZ_OK);
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++) {
        assert_int_not_equal(intervals.of[m].status, RADZ_METRIC_OK);
        assert_int_not_equal(mean.of[m].status, RADZ_METRIC_OK);
    }
    assert_int_equal(intervals.of[RADZ_METRIC_PREVALENCE].status, RADZ_METRIC_FEW_PATIENTS);
    for (size_t i = 0; i < 6; i++)
        labels[i] = (int8_t)!labels[i]; /* and the other way round */
    assert_int_equal(radz_bootstrap(&input, split, 4, &options, d->work, &intervals, &mean, &summary, NULL), RADZ_OK);
    assert_int_equal(intervals.of[RADZ_METRIC_AUC].status, RADZ_METRIC_FEW_PATIENTS);
    /* two patients of each kind: an eighth of the replicates hold one value only */
    assert_int_equal(radz_bootstrap(&input, four, 4, &options, d->work, &intervals, &mean, &summary, NULL), RADZ_OK);
    assert_in_range(intervals.of[RADZ_METRIC_AUC].dropped, 80, 175);
    assert_int_equal(intervals.of[RADZ_METRIC_AUC].used + intervals.of[RADZ_METRIC_AUC].dropped, 1000);
    assert_int_equal(intervals.of[RADZ_METRIC_PREVALENCE].dropped, 0);
    options.replicates = 20; /* not all of them count: too few for an interval */
    assert_int_equal(radz_bootstrap(&input, four, 4, &options, d->work, &intervals, &mean, &summary, NULL), RADZ_OK);
    assert_int_equal(intervals.of[RADZ_METRIC_AUC].status, RADZ_METRIC_FEW_REPLICATES);
    assert_true(isnan(intervals.of[RADZ_METRIC_AUC].low));
    input.rows = 0;
    assert_int_equal(radz_bootstrap(&input, one, 0, &options, d->work, &intervals, &mean, &summary, NULL), RADZ_OK);
    assert_int_equal(intervals.of[RADZ_METRIC_AUC].status, RADZ_METRIC_NO_ROWS);
    assert_int_equal(summary.distinct, 0);
}

static void errors(void **state)
{
    data *d = *state;
    radz_intervals intervals[CLASSES];
    radz_error err = {0};
    radz_bootstrap_options good = radz_bootstrap_defaults(), options = good;
    options.replicates = 19;
    assert_int_equal(radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, intervals, NULL, NULL, &err),
                     RADZ_E_USAGE);
    assert_non_null(strstr(err.message, "19 replicates"));
    radz_error_clear(&err);
    options = good;
    options.confidence = 100;
    assert_int_equal(radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, intervals, NULL, NULL, &err),
                     RADZ_E_USAGE);
    radz_error_clear(&err);
    options = good;
    options.threads = 0;
    assert_int_equal(radz_bootstrap(&d->input, d->patient_of, PATIENTS, &options, d->work, intervals, NULL, NULL, &err),
                     RADZ_E_USAGE);
    radz_error_clear(&err);
    assert_int_equal(
        radz_bootstrap(&d->input, d->patient_of, PATIENTS - 1, &good, d->work, intervals, NULL, NULL, &err),
        RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "row 89 has patient number 89, wanted one below 89"));
    radz_error_clear(&err);
    assert_int_equal(
        radz_bootstrap(&d->input, d->patient_of, PATIENTS + 1, &good, d->work, intervals, NULL, NULL, &err),
        RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "patient number 90 of 91 has no row"));
    radz_error_clear(&err);
    double kept = d->scores[7 * CLASSES];
    d->scores[7 * CLASSES] = NAN;
    assert_int_equal(radz_bootstrap(&d->input, d->patient_of, PATIENTS, &good, d->work, intervals, NULL, NULL, &err),
                     RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "row 7, class 0: the score is NaN"));
    d->scores[7 * CLASSES] = kept;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_rows_written_out),
        cmocka_unit_test(bca_and_strata_equal_rows_written_out),
        cmocka_unit_test(bca_leaves_out_groups_of_many_patients),
        cmocka_unit_test(threads_and_row_order_change_nothing),
        cmocka_unit_test(patients_are_numbered_by_name),
        cmocka_unit_test(copies_give_no_certainty),
        cmocka_unit_test(covers_the_truth),
        cmocka_unit_test(paired_uses_the_same_draws),
        cmocka_unit_test(few_patients_and_none),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
