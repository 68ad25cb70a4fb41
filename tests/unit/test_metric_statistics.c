/* BCa against scipy, permutation tests against all swaps written out, adjusted p-values against R, calibration and operating
 * points against scikit-learn (tests/reference/make_statistics_goldens.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "metric/calibration.h"
#include "metric/multiple.h"
#include "metric/permutation.h"
#include "metric/resample.h"
#include "unit/golden_numbers.h"

#define GOLDEN RADZ_TEST_DIR "/golden/metric/statistics.json"

static double largest;
static radz_json_doc *doc;

static int load(void **state)
{
    (void)state;
    radz_error err = {0};
    return radz_json_load(GOLDEN, &doc, &err) == RADZ_OK ? 0 : 1;
}

static int unload(void **state)
{
    (void)state;
    radz_json_free(doc);
    return 0;
}

static double *numbers(const radz_json *object, const char *key, size_t *count)
{
    const radz_json *list = radz_json_find(object, key);
    *count = radz_json_size(list);
    double *out = radz_calloc(*count, sizeof *out, NULL);
    for (size_t i = 0; i < *count; i++)
        out[i] = number_of(radz_json_at(list, i));
    return out;
}

static int8_t *labels_of(const radz_json *object)
{
    size_t n;
    double *values = numbers(object, "labels", &n);
    int8_t *out = radz_calloc(n, 1, NULL);
    for (size_t i = 0; i < n; i++)
        out[i] = (int8_t)values[i];
    free(values);
    return out;
}

static void check(const char *name, const char *what, double found, double wanted, double tolerance)
{
    if (found == wanted || (isnan(found) && isnan(wanted)))
        return;
    double difference = fabs(found - wanted) / fmax(1, fabs(wanted));
    if (!(difference <= tolerance))
        fail_msg("%s: %s is %.17g, wanted %.17g, off by %.3g", name, what, found, wanted, difference);
    largest = difference > largest ? difference : largest;
}

static const radz_json *cases(const char *key, size_t least)
{
    const radz_json *list = radz_json_find(radz_json_root(doc), key);
    assert_true(radz_json_size(list) >= least);
    largest = 0;
    return list;
}

static void bca_equals_scipy(void **state)
{
    (void)state;
    const radz_json *list = cases("bca", 4);
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *item = radz_json_at(list, i);
        const char *name = radz_json_string(radz_json_find(item, "name"));
        size_t count, units;
        double *replicates = numbers(item, "replicates", &count), *jackknife = numbers(item, "jackknife", &units), low, high;
        bool there = radz_bca_percents(replicates, count, member(item, "estimate"), jackknife, units, member(item, "confidence"),
                                       &low, &high);
        if (isnan(member(item, "low"))) {
            assert_false(there);
        } else {
            assert_true(there);
            check(name, "low", radz_percentile(replicates, count, low), member(item, "low"), 1e-12);
            check(name, "high", radz_percentile(replicates, count, high), member(item, "high"), 1e-12);
        }
        free(replicates);
        free(jackknife);
    }
    print_message("BCa: largest difference %.2g\n", largest);
}

static void permutations_equal_all_swaps(void **state)
{
    (void)state;
    const radz_json *list = cases("permutation", 3);
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *item = radz_json_at(list, i);
        const char *name = radz_json_string(radz_json_find(item, "name"));
        size_t rows, patients = 0;
        double *a = numbers(item, "a", &rows), *b = numbers(item, "b", &rows), *of = numbers(item, "patients", &rows);
        int8_t *labels = labels_of(item);
        uint32_t *patient_of = radz_calloc(rows, sizeof *patient_of, NULL);
        for (size_t k = 0; k < rows; k++) {
            patient_of[k] = (uint32_t)of[k];
            patients = patient_of[k] >= patients ? patient_of[k] + 1 : patients;
        }
        radz_metric_input in_a = {.rows = rows, .classes = 1, .scores = a, .labels = labels}, in_b = in_a;
        in_b.scores = b;
        const uint8_t members[] = {1};
        radz_permutation_options options = {.permutations = 10000, .seed = 1, .threads = 2, .groups = members, .group_count = 1};
        radz_permutation found, mean, sampled;
        radz_error err = {0};
        if (radz_permutation_paired(&in_a, &in_b, patient_of, patients, &options, &found, &mean, &err) != RADZ_OK)
            fail_msg("%s", err.message);
        assert_true(found.exact);
        assert_int_equal(found.permutations, (size_t)1 << patients);
        check(name, "difference", found.difference, member(item, "difference"), 1e-14);
        check(name, "p", found.p, member(item, "p"), 1e-14);
        check(name, "p of the mean", mean.p, member(item, "p"), 1e-14);
        options.permutations = 500; /* now drawn: near the exact one, the same on any number of threads */
        assert_int_equal(radz_permutation_paired(&in_a, &in_b, patient_of, patients, &options, &found, &mean, &err), RADZ_OK);
        options.threads = 1;
        assert_int_equal(radz_permutation_paired(&in_a, &in_b, patient_of, patients, &options, &sampled, &mean, &err), RADZ_OK);
        if (patients > 9) {
            assert_true(!sampled.exact && sampled.permutations == 500);
            assert_true(fabs(sampled.p - member(item, "p")) < 4 * sqrt(0.25 / 500));
        }
        assert_true(found.p == sampled.p && found.extreme == sampled.extreme);
        free(a);
        free(b);
        free(of);
        free(labels);
        free(patient_of);
    }
}

/* Two models equally good: p is uniform, so 5 % of the tests are below 0.05. */
static void permutations_keep_their_level(void **state)
{
    (void)state;
    enum { SAMPLES = 300, PATIENTS = 40, ROWS = 2 * PATIENTS };
    double a[ROWS], b[ROWS];
    int8_t labels[ROWS];
    uint32_t patient_of[ROWS];
    size_t below = 0;
    radz_metric_input in_a = {.rows = ROWS, .classes = 1, .scores = a, .labels = labels}, in_b = in_a;
    in_b.scores = b;
    for (size_t sample = 0; sample < SAMPLES; sample++) {
        radz_rng rng;
        radz_rng_seed(&rng, 4, sample);
        for (size_t i = 0; i < ROWS; i++) {
            if (i % 2 == 0)
                labels[i] = radz_rng_below(&rng, 2) == 0;
            else
                labels[i] = labels[i - 1];
            patient_of[i] = (uint32_t)(i / 2);
            double shared = radz_rng_normal(&rng) + 0.8 * labels[i];
            a[i] = shared + radz_rng_normal(&rng);
            b[i] = 100 * (shared + radz_rng_normal(&rng)); /* another scale */
        }
        radz_permutation_options options = {.permutations = 199, .seed = sample, .threads = 1};
        radz_permutation found;
        radz_error err = {0};
        assert_int_equal(radz_permutation_paired(&in_a, &in_b, patient_of, PATIENTS, &options, &found, NULL, &err), RADZ_OK);
        below += found.p <= 0.05;
    }
    print_message("%zu of %d p-values are at most 0.05\n", below, SAMPLES);
    assert_in_range(below, 5, 27); /* 15 expected, deviation 3.8 */
}

static void permutation_refuses(void **state)
{
    (void)state;
    const double scores[] = {1, 2, 3};
    const int8_t one[] = {1, 1, 1}, other[] = {1, 0, 1};
    const uint32_t patient_of[] = {0, 1, 2};
    radz_metric_input in = {.rows = 3, .classes = 1, .scores = scores, .labels = one}, in_b = in;
    radz_permutation_options options = {.permutations = 0, .threads = 1};
    radz_permutation out;
    radz_error err = {0};
    assert_int_equal(radz_permutation_paired(&in, &in, patient_of, 3, &options, &out, NULL, &err), RADZ_E_USAGE);
    err = (radz_error){0};
    options.permutations = 10;
    assert_int_equal(radz_permutation_paired(&in, &in, patient_of, 3, &options, &out, NULL, &err), RADZ_OK);
    assert_int_equal(out.status, RADZ_METRIC_ONE_VALUE);
    assert_true(isnan(out.p) && isnan(out.difference));
    in_b.labels = other;
    assert_int_equal(radz_permutation_paired(&in, &in_b, patient_of, 3, &options, &out, NULL, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "permutation test: row 1, class 0: label 1 against 0, wanted the same");
    err = (radz_error){0};
    assert_int_equal(radz_permutation_paired(&in, &in, patient_of, 2, &options, &out, NULL, &err), RADZ_E_VALUE);
}

static void adjusted_p_equals_r(void **state)
{
    (void)state;
    const radz_json *list = cases("adjust", 5);
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *item = radz_json_at(list, i);
        size_t n;
        double *p = numbers(item, "p", &n), *holm = numbers(item, "holm", &n), *bh = numbers(item, "bh", &n);
        double *found = radz_calloc(n, sizeof *found, NULL);
        assert_int_equal(radz_adjust_holm(p, n, found, NULL), RADZ_OK);
        for (size_t k = 0; k < n; k++)
            check("Holm", "p", found[k], holm[k], 1e-15);
        assert_int_equal(radz_adjust_bh(p, n, found, NULL), RADZ_OK);
        for (size_t k = 0; k < n; k++)
            check("Benjamini-Hochberg", "p", found[k], bh[k], 1e-15);
        free(p);
        free(holm);
        free(bh);
        free(found);
    }
}

static void check_bins(const char *name, const radz_json *wanted, const radz_calibration_report *report)
{
    size_t used = 0;
    for (size_t k = 0; k < RADZ_CALIBRATION_BINS; k++) {
        const radz_reliability_bin *bin = &report->bins[k];
        assert_int_equal(bin->count, (size_t)number_of(radz_json_at(radz_json_find(wanted, "count"), k)));
        if (bin->count == 0) {
            assert_true(isnan(bin->observed) && isnan(bin->ci_low));
            continue;
        }
        check(name, "bin mean", bin->mean_probability, number_of(radz_json_at(radz_json_find(wanted, "mean"), used)), 1e-13);
        check(name, "bin observed", bin->observed, number_of(radz_json_at(radz_json_find(wanted, "observed"), used)), 1e-13);
        assert_true(bin->ci_low <= bin->observed && bin->observed <= bin->ci_high);
        used++;
    }
}

static void calibration_equals_sklearn(void **state)
{
    (void)state;
    const radz_json *list = cases("calibration", 5);
    radz_metric_work *work;
    radz_error err = {0};
    assert_int_equal(radz_metric_work_create(&work, &err), RADZ_OK);
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *item = radz_json_at(list, i);
        const char *name = radz_json_string(radz_json_find(item, "name"));
        size_t n;
        double *scores = numbers(item, "scores", &n);
        int8_t *labels = labels_of(item);
        radz_metric_input in = {.rows = n, .classes = 1, .scores = scores, .labels = labels};
        radz_calibration platt, temperature, none = {0};
        radz_calibration_report report, moved;
        assert_int_equal(radz_calibration_fit(&in, 0, RADZ_CALIBRATION_PLATT, work, &platt, &err), RADZ_OK);
        assert_int_equal(platt.status, RADZ_METRIC_OK);
        /* largest relative difference seen, over all figures of a case: 5.9e-12 (where scikit-learn's Newton stops) */
        check(name, "Platt a", platt.a, number_of(radz_json_at(radz_json_find(item, "platt"), 0)), 1e-10);
        check(name, "Platt b", platt.b, number_of(radz_json_at(radz_json_find(item, "platt"), 1)), 1e-10);
        assert_int_equal(radz_calibration_fit(&in, 0, RADZ_CALIBRATION_TEMPERATURE, work, &temperature, &err), RADZ_OK);
        check(name, "1 / temperature", temperature.a, member(item, "temperature"), 1e-10);
        assert_true(temperature.b == 0);
        bool probability = i < 2;
        assert_int_equal(radz_calibration_measure(&in, 0, &none, 95, work, &report, &err), RADZ_OK);
        assert_int_equal(report.status, probability ? RADZ_METRIC_OK : i == 2 ? RADZ_METRIC_OK : RADZ_METRIC_OUTSIDE);
        assert_int_equal(radz_calibration_measure(&in, 0, probability ? NULL : &platt, 95, work, &report, &err), RADZ_OK);
        assert_int_equal(report.status, RADZ_METRIC_OK);
        check(name, "mean probability", report.mean_probability, member(item, "mean"), 1e-10);
        check(name, "Brier", report.brier, member(item, "brier"), 1e-10);
        check(name, "slope", report.slope, number_of(radz_json_at(radz_json_find(item, "slope"), 0)), 1e-10);
        check(name, "intercept", report.intercept, number_of(radz_json_at(radz_json_find(item, "slope"), 1)), 1e-10);
        check(name, "ECE", report.ece, member(radz_json_find(item, "uniform"), "ece"), 1e-10);
        check(name, "ECE, equal count", report.ece_equal_count, member(radz_json_find(item, "quantile"), "ece"), 1e-10);
        if (probability)
            check_bins(name, radz_json_find(item, "uniform"), &report);
        double share = (double)report.positives / (double)report.count;
        assert_true(report.brier_reference == share * (1 - share));
        /* another order of the rows, the same bits */
        for (size_t k = 0; k < n / 2; k++) {
            double s = scores[k];
            int8_t l = labels[k];
            scores[k] = scores[n - 1 - k];
            labels[k] = labels[n - 1 - k];
            scores[n - 1 - k] = s;
            labels[n - 1 - k] = l;
        }
        assert_int_equal(radz_calibration_measure(&in, 0, probability ? NULL : &platt, 95, work, &moved, &err), RADZ_OK);
        assert_memory_equal(&moved.brier, &report.brier, sizeof report.brier);
        assert_true(moved.slope == report.slope && moved.ece == report.ece);
        free(scores);
        free(labels);
    }
    print_message("calibration: largest difference %.2g\n", largest);
    radz_metric_work_free(work);
}

static void calibration_without_a_fit(void **state)
{
    (void)state;
    radz_metric_work *work;
    radz_error err = {0};
    assert_int_equal(radz_metric_work_create(&work, &err), RADZ_OK);
    const double scores[] = {0.1, 0.2, 0.8, 0.9}, alike[] = {0.5, 0.5, 0.5, 0.5}, infinite[] = {1, 2, INFINITY, 0};
    const int8_t parted[] = {0, 0, 1, 1}, reversed[] = {1, 1, 0, 0}, one[] = {1, 1, 1, 1}, none[] = {-1, -1, -1, -1};
    const struct {
        const double *scores;
        const int8_t *labels;
        radz_metric_status fit, report, slope;
    } all[] = {
        {scores, parted, RADZ_METRIC_SEPARABLE, RADZ_METRIC_OK, RADZ_METRIC_SEPARABLE},
        {scores, reversed, RADZ_METRIC_SEPARABLE, RADZ_METRIC_OK, RADZ_METRIC_SEPARABLE},
        {scores, one, RADZ_METRIC_ONE_VALUE, RADZ_METRIC_OK, RADZ_METRIC_ONE_VALUE},
        {scores, none, RADZ_METRIC_NO_ROWS, RADZ_METRIC_NO_ROWS, RADZ_METRIC_NO_ROWS},
        {alike, parted, RADZ_METRIC_ZERO_VARIANCE, RADZ_METRIC_OK, RADZ_METRIC_ZERO_VARIANCE},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        radz_metric_input in = {.rows = 4, .classes = 1, .scores = all[i].scores, .labels = all[i].labels};
        radz_calibration fit;
        radz_calibration_report report;
        assert_int_equal(radz_calibration_fit(&in, 0, RADZ_CALIBRATION_PLATT, work, &fit, &err), RADZ_OK);
        assert_int_equal(fit.status, all[i].fit);
        assert_true(isnan(fit.a) && isnan(fit.b));
        assert_int_equal(radz_calibration_measure(&in, 0, NULL, 95, work, &report, &err), RADZ_OK);
        assert_int_equal(report.status, all[i].report);
        assert_int_equal(report.slope_status, all[i].slope);
        assert_int_equal(radz_calibration_measure(&in, 0, &fit, 95, work, &report, &err), RADZ_OK);
        assert_int_equal(report.status, all[i].fit);
        assert_true(isnan(report.brier));
    }
    radz_metric_input in = {.rows = 4, .classes = 1, .scores = infinite, .labels = parted};
    radz_calibration fit;
    assert_int_equal(radz_calibration_fit(&in, 0, RADZ_CALIBRATION_PLATT, work, &fit, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "calibration of class 0: an infinite score, wanted finite ones");
    radz_metric_work_free(work);
    /* saying the prevalence for everybody is perfectly calibrated, and worth nothing */
    const int8_t quarter[] = {1, 0, 0, 0};
    const double prevalence[] = {0.25, 0.25, 0.25, 0.25};
    radz_calibration_report report;
    err = (radz_error){0};
    assert_int_equal(radz_metric_work_create(&work, &err), RADZ_OK);
    in = (radz_metric_input){.rows = 4, .classes = 1, .scores = prevalence, .labels = quarter};
    assert_int_equal(radz_calibration_measure(&in, 0, NULL, 95, work, &report, &err), RADZ_OK);
    assert_true(report.ece == 0 && report.brier == report.brier_reference && report.brier == 0.1875);
    radz_metric_work_free(work);
}

static void operating_points_equal_sklearn(void **state)
{
    (void)state;
    const radz_json *list = cases("operating", 20);
    radz_metric_work *work;
    radz_error err = {0};
    assert_int_equal(radz_metric_work_create(&work, &err), RADZ_OK);
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *item = radz_json_at(list, i);
        const char *name = radz_json_string(radz_json_find(item, "name"));
        size_t n;
        double *scores = numbers(item, "scores", &n);
        int8_t *labels = labels_of(item);
        radz_metric_input in = {.rows = n, .classes = 1, .scores = scores, .labels = labels};
        for (int which = 0; which < 2; which++) {
            radz_operating_point point = {which ? RADZ_OPERATING_SENSITIVITY : RADZ_OPERATING_SPECIFICITY, member(item, "rate")};
            const radz_json *wanted = radz_json_find(item, which ? "at_sensitivity" : "at_specificity");
            radz_class_metrics found;
            assert_int_equal(radz_metric_class(&in, 0, &point, work, &found, &err), RADZ_OK);
            const double *value = found.metrics.value;
            double threshold = number_of(radz_json_at(wanted, 2));
            assert_true(value[RADZ_METRIC_SENSITIVITY] == number_of(radz_json_at(wanted, 0)));
            assert_true(value[RADZ_METRIC_SPECIFICITY] == number_of(radz_json_at(wanted, 1)));
            if (value[RADZ_METRIC_THRESHOLD] != threshold)
                fail_msg("%s: threshold %.17g, sklearn %.17g", name, value[RADZ_METRIC_THRESHOLD], threshold);
        }
        free(scores);
        free(labels);
    }
    const double scores[] = {1, 2};
    const int8_t labels[] = {0, 1};
    radz_metric_input in = {.rows = 2, .classes = 1, .scores = scores, .labels = labels};
    radz_operating_point point = {RADZ_OPERATING_SPECIFICITY, 1.5};
    radz_class_metrics found;
    assert_int_equal(radz_metric_class(&in, 0, &point, work, &found, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "class 0: operating point at a rate of 1.5, wanted one in (0, 1]");
    radz_metric_work_free(work);
}

static void wilson_equals_scipy(void **state)
{
    (void)state;
    const radz_json *list = cases("wilson", 4);
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *row = radz_json_at(list, i);
        double v[5], low, high;
        for (size_t k = 0; k < 5; k++)
            v[k] = number_of(radz_json_at(row, k));
        radz_wilson_interval(v[0], v[1], v[2], &low, &high);
        check("Wilson", "low", low, v[3], 1e-14);
        check("Wilson", "high", high, v[4], 1e-14);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bca_equals_scipy),
        cmocka_unit_test(permutations_equal_all_swaps),
        cmocka_unit_test(permutations_keep_their_level),
        cmocka_unit_test(permutation_refuses),
        cmocka_unit_test(adjusted_p_equals_r),
        cmocka_unit_test(calibration_equals_sklearn),
        cmocka_unit_test(calibration_without_a_fit),
        cmocka_unit_test(operating_points_equal_sklearn),
        cmocka_unit_test(wilson_equals_scipy),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
