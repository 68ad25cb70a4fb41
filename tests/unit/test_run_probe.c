/* Few-shot rows against logistic regressions fitted one by one, and the detail tables of an evaluation. */
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
#include "metric/calibration.h"
#include "metric/delong.h"
#include "run/details.h"
#include "run/probe.h"
#include "score/logistic.h"

enum { DIM = 6, CLASSES = 3, TRAIN = 180, TEST = 90, TRAIN_PATIENTS = 60, TEST_PATIENTS = 30 };

typedef struct images {
    float features[TRAIN * DIM];
    int8_t labels[TRAIN * CLASSES];
    double scores[TRAIN * CLASSES];
    uint32_t patient_of[TRAIN];
    char ids[TRAIN][16];
    const char *names[TRAIN];
    radz_probe_set probe;
} images;

static const char *const class_names[] = {"Edema", "Mass", "Never"};

/* Class 0 follows the features, class 1 weakly and is masked in part, class 2 has no positive row. */
static void make(images *out, size_t n, size_t patients, uint64_t stream)
{
    radz_rng rng;
    radz_rng_seed(&rng, 12, stream);
    for (size_t i = 0; i < n; i++) {
        float *x = out->features + i * DIM;
        for (size_t k = 0; k < DIM; k++)
            x[k] = (float)radz_rng_normal(&rng);
        out->patient_of[i] = (uint32_t)(i % patients);
        snprintf(out->ids[i], sizeof out->ids[i], "%zu.png", i);
        out->names[i] = out->ids[i];
        int8_t *y = out->labels + i * CLASSES;
        y[0] = (double)(x[0] + x[1]) + 0.5 * radz_rng_normal(&rng) > 0.6;
        y[1] = radz_rng_below(&rng, 9) == 0 ? -1 : (double)x[2] + 2 * radz_rng_normal(&rng) > 1;
        y[2] = 0;
        for (size_t c = 0; c < CLASSES; c++)
            out->scores[i * CLASSES + c] = 1 / (1 + exp(-(double)x[c] + 1));
    }
    out->probe = (radz_probe_set){
        .set = {.n = n, .n_classes = CLASSES, .n_patients = patients, .names = out->names, .classes = class_names,
                .labels = out->labels, .scores = out->scores, .patient_of = out->patient_of},
        .features = out->features,
    };
}

static const radz_result_block block = {.dataset = "d", .split = "test", .model = "m", .scorer = "linear-probe", .protocol = "few-shot"};

static radz_results *probe(const images *train, const images *test, const radz_probe_options *options, int threads)
{
    radz_results *results;
    radz_error err = {0};
    assert_int_equal(radz_results_create("r", "s", NULL, NULL, &results, &err), RADZ_OK);
    if (radz_probe_evaluate(&train->probe, &test->probe, DIM, options, 5, threads, 0.95, &block, "few-shot", results, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    return results;
}

static const radz_result_row *row_of(const radz_results *results, const char *scorer, const char *class_name, const char *metric)
{
    for (size_t i = 0; i < results->n_rows; i++)
        if (strcmp(results->rows[i].scorer, scorer) == 0 && strcmp(results->rows[i].class_name, class_name) == 0 &&
            strcmp(results->rows[i].metric, metric) == 0)
            return &results->rows[i];
    fail_msg("no row %s %s %s", scorer, class_name, metric);
    return NULL;
}

static double number_at(const radz_result_detail *d, const char *column, size_t row)
{
    for (size_t c = 0; c < d->n_columns; c++)
        if (strcmp(d->columns[c], column) == 0)
            return d->cells[row * d->n_columns + c].number;
    fail_msg("no column %s", column);
    return NAN;
}

static const char *text_at(const radz_result_detail *d, const char *column, size_t row)
{
    for (size_t c = 0; c < d->n_columns; c++)
        if (strcmp(d->columns[c], column) == 0)
            return d->cells[row * d->n_columns + c].text;
    fail_msg("no column %s", column);
    return NULL;
}

static const radz_result_detail *detail_of(const radz_results *results, const char *name, size_t nth)
{
    for (size_t i = 0; i < results->n_details; i++)
        if (strcmp(results->details[i].name, name) == 0 && nth-- == 0)
            return &results->details[i];
    fail_msg("no detail %s", name);
    return NULL;
}

/* AUC of class c with the patients whose flag is set, everything written out. */
static double plainly(const images *train, const images *test, const uint8_t *chosen, size_t c)
{
    static float x[TRAIN * DIM], x_test[TEST * DIM];
    uint32_t members[TRAIN];
    size_t n = 0;
    for (int which = 0; which < 2; which++)
        for (size_t i = 0; i < (which ? TEST : TRAIN); i++) {
            const float *from = (which ? test : train)->features + i * DIM;
            double sum = 0;
            for (size_t k = 0; k < DIM; k++)
                sum += (double)from[k] * (double)from[k];
            for (size_t k = 0; k < DIM; k++)
                (which ? x_test : x)[i * DIM + k] = (float)(sqrt(DIM / sum) * (double)from[k]);
        }
    for (size_t i = 0; i < TRAIN; i++)
        if (chosen[train->patient_of[i]])
            members[n++] = (uint32_t)i;
    radz_logistic_input in = {.rows = TRAIN, .dim = DIM, .features = x, .labels = train->labels + c, .label_stride = CLASSES,
                              .members = members, .n_members = n, .c = 0.5};
    double weights[DIM + 1], won = 0, pairs = 0;
    radz_logistic_report report;
    assert_int_equal(radz_logistic_fit(&in, weights, &report, NULL), RADZ_OK);
    if (!report.fitted)
        return NAN;
    for (size_t i = 0; i < TEST; i++)
        for (size_t j = 0; j < TEST; j++)
            if (test->labels[i * CLASSES + c] == 1 && test->labels[j * CLASSES + c] == 0) {
                double a = radz_logistic_score(weights, x_test + i * DIM, DIM), b = radz_logistic_score(weights, x_test + j * DIM, DIM);
                won += a > b ? 1 : a == b ? 0.5 : 0;
                pairs++;
            }
    return won / pairs;
}

static void few_shot_rows(void **state)
{
    (void)state;
    static images train, test;
    make(&train, TRAIN, TRAIN_PATIENTS, 1);
    make(&test, TEST, TEST_PATIENTS, 2);
    radz_probe_options options = {.percents = {5, 30, 100}, .n_percents = 3, .draws = 4, .c = 0.5};
    radz_results *one = probe(&train, &test, &options, 1), *many = probe(&train, &test, &options, 3);
    assert_int_equal(one->n_blocks, 3);
    assert_string_equal(one->blocks[0].scorer, "linear-probe-5");
    assert_int_equal(one->n_rows, 3 * (CLASSES + 1) * 2);
    for (size_t i = 0; i < one->n_rows; i++) /* any number of threads, the same bits */
        assert_memory_equal(&one->rows[i].value, &many->rows[i].value, sizeof(double));
    for (size_t s = 0; s < 3; s++) {
        const radz_result_detail *d = detail_of(one, "few_shot", s);
        size_t count = s == 0 ? 3 : s == 1 ? 18 : TRAIN_PATIENTS, draws = s == 2 ? 1 : 4;
        assert_true(number_at(d, "patients", 0) == (double)count && number_at(d, "draws", 0) == (double)draws);
        assert_true(number_at(d, "images", 0) == 3.0 * (double)count); /* all images of a drawn patient */
        for (size_t c = 0; c < CLASSES; c++) {
            double values[4], sum = 0, squares = 0;
            size_t n = 0;
            for (size_t k = 0; k < draws; k++) {
                size_t order[TRAIN_PATIENTS];
                uint8_t chosen[TRAIN_PATIENTS] = {0};
                radz_rng rng;
                for (size_t p = 0; p < TRAIN_PATIENTS; p++)
                    order[p] = p;
                radz_rng_seed(&rng, 5, k);
                radz_rng_shuffle(&rng, order, TRAIN_PATIENTS);
                for (size_t p = 0; p < count; p++)
                    chosen[order[p]] = 1;
                double value = plainly(&train, &test, chosen, c);
                if (!isnan(value))
                    values[n++] = value;
            }
            assert_string_equal(text_at(d, "class", c + 1), class_names[c]);
            assert_true(number_at(d, "undefined", c + 1) == (double)(draws - n));
            const radz_result_row *row = row_of(one, one->blocks[s].scorer, class_names[c], "auc");
            if (n == 0) {
                assert_true(c == 2 && isnan(row->value) && isnan(number_at(d, "auc_mean", c + 1)));
                assert_string_equal(row->status, "na-one-value");
                continue;
            }
            for (size_t k = 0; k < n; k++)
                sum += values[k];
            for (size_t k = 0; k < n; k++)
                squares += (values[k] - sum / (double)n) * (values[k] - sum / (double)n);
            assert_true(fabs(row->value - sum / (double)n) < 1e-12);
            assert_true(row->value == number_at(d, "auc_mean", c + 1));
            if (n > 1)
                assert_true(fabs(number_at(d, "auc_sd", c + 1) - sqrt(squares / (double)(n - 1))) < 1e-12);
            else
                assert_true(isnan(number_at(d, "auc_sd", c + 1)));
        }
    }
    /* more labels, better rows, where there is something to learn */
    assert_true(row_of(one, "linear-probe-100", "Edema", "auc")->value > row_of(one, "linear-probe-5", "Edema", "auc")->value);
    assert_true(row_of(one, "linear-probe-100", "Edema", "auc")->value > 0.85);
    radz_results_free(one);
    radz_results_free(many);
    radz_results *results;
    radz_error err = {0};
    assert_int_equal(radz_results_create("r", "s", NULL, NULL, &results, &err), RADZ_OK);
    options.percents[1] = 0;
    assert_int_equal(radz_probe_evaluate(&train.probe, &test.probe, DIM, &options, 5, 1, 0.95, &block, "few-shot", results, &err),
                     RADZ_E_USAGE);
    assert_string_equal(err.message, "linear probe: a share of 0 percent, wanted one above 0 and at most 100");
    err = (radz_error){0};
    options.percents[1] = 30;
    memset(test.features + 7 * DIM, 0, DIM * sizeof *test.features);
    assert_int_equal(radz_probe_evaluate(&train.probe, &test.probe, DIM, &options, 5, 1, 0.95, &block, "few-shot", results, &err),
                     RADZ_E_VALUE);
    assert_string_equal(err.message, "linear probe: the features of '7.png' have length 0, wanted one above 0");
    radz_results_free(results);
}

static void detail_tables(void **state)
{
    (void)state;
    static images validation, test;
    make(&validation, TRAIN, TRAIN_PATIENTS, 1);
    make(&test, TEST, TEST_PATIENTS, 2);
    const char *sexes[TEST], *ones[TEST];
    for (size_t i = 0; i < TEST; i++) {
        sexes[i] = test.patient_of[i] % 3 == 0 ? "F" : test.patient_of[i] % 3 == 1 ? "M" : NULL;
        ones[i] = i % 2 ? "PA" : "AP";
    }
    const radz_subgrouping subgroupings[] = {{"sex", sexes}, {"view", ones}};
    const radz_protocol_card protocol = {.rules.interval = RADZ_INTERVAL_PATIENTS};
    radz_evaluation ev = {
        .test = &test.probe.set, .validation = &validation.probe.set, .validation_split = "val", .subgroupings = subgroupings,
        .subgroupings_count = 2, .replicates = 100, .confidence = 0.9, .seed = 1, .threads = 2, .probabilities = true,
        .protocol = &protocol,
    };
    radz_results *results;
    radz_error err = {0};
    assert_int_equal(radz_results_create("r", "s", NULL, NULL, &results, &err), RADZ_OK);
    assert_int_equal(radz_results_add_block(results, &block, &err), RADZ_OK);
    if (radz_details_add(&ev, results, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    radz_metric_input input = {.rows = TEST, .classes = CLASSES, .scores = test.scores, .labels = test.labels};
    radz_delong_work *delong;
    radz_metric_work *work;
    radz_delong found;
    assert_int_equal(radz_delong_work_create(&delong, &err), RADZ_OK);
    assert_int_equal(radz_metric_work_create(&work, &err), RADZ_OK);
    const radz_result_detail *d = detail_of(results, "delong", 0);
    assert_int_equal(d->n_rows, CLASSES);
    assert_int_equal(radz_delong_class(&input, 1, NULL, delong, &found, &err), RADZ_OK);
    assert_true(number_at(d, "auc", 1) == found.auc && number_at(d, "variance", 1) == found.variance);
    assert_true(number_at(d, "ci_low", 1) < found.auc && found.auc < number_at(d, "ci_high", 1));
    assert_string_equal(text_at(d, "status", 2), "na-one-value");
    d = detail_of(results, "operating_points", 0);
    assert_int_equal(d->n_rows, 2 * CLASSES);
    assert_true(number_at(d, "specificity", 0) >= 0.9 && number_at(d, "sensitivity", CLASSES) >= 0.9);
    assert_true(number_at(d, "ci_low", 0) <= number_at(d, "sensitivity", 0));
    /* the fits are those of the validation set, the figures those of the test */
    d = detail_of(results, "calibration", 0);
    assert_int_equal(d->n_rows, 3 * CLASSES);
    radz_metric_input on_validation = {.rows = TRAIN, .classes = CLASSES, .scores = validation.scores, .labels = validation.labels};
    radz_calibration platt;
    radz_calibration_report report;
    assert_int_equal(radz_calibration_fit(&on_validation, 0, RADZ_CALIBRATION_PLATT, work, &platt, &err), RADZ_OK);
    assert_int_equal(radz_calibration_measure(&input, 0, &platt, 90, work, &report, &err), RADZ_OK);
    size_t row = 2 * CLASSES;
    assert_string_equal(text_at(d, "probability", row), "platt");
    assert_string_equal(text_at(d, "fitted_on", row), "val");
    assert_true(number_at(d, "a", row) == platt.a && number_at(d, "brier", row) == report.brier);
    assert_true(number_at(d, "brier", row) < number_at(d, "brier", 0)); /* the raw scores are off by design */
    assert_string_equal(text_at(d, "status", row + 2), "na-one-value");
    assert_true(detail_of(results, "reliability", 0)->n_rows > 10);
    /* sex F, M and unknown, view AP and PA: a mean and every class each */
    d = detail_of(results, "subgroups", 0);
    assert_int_equal(d->n_rows, 5 * (CLASSES + 1));
    assert_string_equal(text_at(d, "group", 0), "F");
    assert_string_equal(text_at(d, "group", 2 * (CLASSES + 1)), "unknown");
    double f[TEST * CLASSES];
    int8_t f_labels[TEST * CLASSES];
    size_t n = 0;
    for (size_t i = 0; i < TEST; i++)
        if (sexes[i] != NULL && sexes[i][0] == 'F') {
            memcpy(f + n * CLASSES, test.scores + i * CLASSES, CLASSES * sizeof *f);
            memcpy(f_labels + n++ * CLASSES, test.labels + i * CLASSES, CLASSES);
        }
    radz_metric_input female = {.rows = n, .classes = CLASSES, .scores = f, .labels = f_labels};
    radz_class_metrics metrics;
    assert_int_equal(radz_metric_class(&female, 0, NULL, work, &metrics, &err), RADZ_OK);
    assert_true(number_at(d, "auc", 1) == metrics.metrics.value[RADZ_METRIC_AUC]);
    assert_true(number_at(d, "images", 1) == (double)n && number_at(d, "patients", 1) == 10);
    assert_true(number_at(d, "gap", 1) == number_at(d, "auc", 1) - number_at(d, "rest_auc", 1));
    assert_true(number_at(d, "gap_low", 1) < number_at(d, "gap", 1) && number_at(d, "gap", 1) < number_at(d, "gap_high", 1));
    size_t pa = 4 * (CLASSES + 1) + 1, ap = 3 * (CLASSES + 1) + 1; /* two groups: each is the other's rest */
    assert_true(number_at(d, "gap", pa) == -number_at(d, "gap", ap) && number_at(d, "rest_auc", pa) == number_at(d, "auc", ap));
    radz_results_free(results);
    /* scores that claim no probability: nothing is judged as one */
    ev.validation = NULL;
    ev.validation_split = NULL;
    ev.probabilities = false;
    ev.replicates = 0;
    assert_int_equal(radz_results_create("r", "s", NULL, NULL, &results, &err), RADZ_OK);
    assert_int_equal(radz_results_add_block(results, &block, &err), RADZ_OK);
    assert_int_equal(radz_details_add(&ev, results, &err), RADZ_OK);
    d = detail_of(results, "calibration", 0);
    assert_int_equal(d->n_rows, CLASSES);
    assert_string_equal(text_at(d, "status", 0), "na-no-probability");
    assert_true(isnan(number_at(d, "brier", 0)));
    assert_int_equal(detail_of(results, "reliability", 0)->n_rows, 0);
    assert_true(isnan(number_at(detail_of(results, "subgroups", 0), "gap_low", 1)));
    radz_results_free(results);
    radz_delong_work_free(delong);
    radz_metric_work_free(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_shot_rows),
        cmocka_unit_test(detail_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
