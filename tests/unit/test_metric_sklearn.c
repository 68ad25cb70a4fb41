/* Metrics, curves and percentiles against scikit-learn and numpy (tests/reference/make_metric_goldens.py). */
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
#include "metric/metric.h"
#include "metric/resample.h"
#include "unit/golden_numbers.h"

#define GOLDEN RADZ_TEST_DIR "/golden/metric/sklearn.json"

/* Largest difference seen over all cases and metrics: 1.1e-15. */
static const double tolerance = 1e-12;
static double largest;

static void check(const char *name, const char *metric, double found, radz_metric_status status, double wanted,
                  bool exact)
{
    if (isnan(wanted) != isnan(found) || isnan(found) != (status != RADZ_METRIC_OK))
        fail_msg("%s: %s is %.17g (%s), sklearn %.17g", name, metric, found, radz_metric_status_name(status), wanted);
    if (isnan(wanted) || found == wanted)
        return;
    double difference = fabs(found - wanted);
    largest = difference > largest ? difference : largest;
    if (exact || !(difference <= tolerance))
        fail_msg("%s: %s is %.17g, sklearn %.17g, difference %g", name, metric, found, wanted, difference);
}

typedef struct one_class {
    double *scores;
    float *scores_f32;
    int8_t *labels;
    size_t rows;
} one_class;

static one_class load_case(const radz_json *item)
{
    one_class out = {0};
    int64_t generated, levels, one_in, shift;
    bool as_float = false;
    if (radz_json_as_i64(radz_json_find(item, "generated"), &generated)) {
        out.rows = (size_t)generated;
        assert_true(radz_json_as_i64(radz_json_find(item, "levels"), &levels));
        assert_true(radz_json_as_i64(radz_json_find(item, "one_in"), &one_in));
        assert_true(radz_json_as_i64(radz_json_find(item, "shift"), &shift));
        out.scores = radz_calloc(out.rows, sizeof *out.scores, NULL);
        out.labels = radz_calloc(out.rows, 1, NULL);
        for (size_t i = 0; i < out.rows; i++) {
            uint64_t a = mix(2 * i), b = mix(2 * i + 1);
            out.labels[i] = b % (uint64_t)one_in == 0;
            uint64_t whole = (a >> 33) + (out.labels[i] ? (uint64_t)shift << 25 : 0);
            if (levels > 0)
                whole = whole * (uint64_t)levels >> 32;
            out.scores[i] = (double)whole / 4294967296.0;
        }
        return out;
    }
    const radz_json *scores = radz_json_find(item, "scores"), *labels = radz_json_find(item, "labels");
    out.rows = radz_json_size(scores);
    assert_int_equal(out.rows, radz_json_size(labels));
    assert_true(radz_json_as_bool(radz_json_find(item, "float32"), &as_float));
    out.scores = radz_calloc(out.rows, sizeof *out.scores, NULL);
    out.labels = radz_calloc(out.rows, 1, NULL);
    if (as_float)
        out.scores_f32 = radz_calloc(out.rows, sizeof *out.scores_f32, NULL);
    for (size_t i = 0; i < out.rows; i++) {
        int64_t label;
        out.scores[i] = number_of(radz_json_at(scores, i));
        assert_true(radz_json_as_i64(radz_json_at(labels, i), &label));
        out.labels[i] = (int8_t)label;
        if (as_float)
            out.scores_f32[i] = (float)out.scores[i];
    }
    return out;
}

static void free_case(one_class *c)
{
    free(c->scores);
    free(c->scores_f32);
    free(c->labels);
}

static void check_at(const char *name, const radz_json *wanted, const radz_class_metrics *found)
{
    static const radz_metric_id ids[] = {RADZ_METRIC_F1, RADZ_METRIC_ACC, RADZ_METRIC_SENSITIVITY,
                                         RADZ_METRIC_SPECIFICITY, RADZ_METRIC_PPV, RADZ_METRIC_NPV};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const char *metric = radz_metrics[ids[i]].name;
        double value = wanted != NULL ? member(wanted, metric) : NAN;
        check(name, metric, found->metrics.value[ids[i]], found->metrics.status[ids[i]], value, false);
    }
}

static void check_curve(const char *name, const radz_json *wanted, const radz_metric_input *input,
                        radz_metric_work *work)
{
    radz_error err = {0};
    size_t count = 99;
    radz_roc_point *points = radz_calloc(input->rows + 1, sizeof *points, NULL);
    assert_int_equal(radz_roc_curve(input, 0, work, points, input->rows + 1, &count, &err), RADZ_OK);
    if (count != radz_json_size(wanted))
        fail_msg("%s: ROC curve has %zu points, sklearn %zu", name, count, radz_json_size(wanted));
    for (size_t i = 0; i < count; i++) {
        const radz_json *point = radz_json_at(wanted, i);
        check(name, "fpr", points[i].fpr, RADZ_METRIC_OK, number_of(radz_json_at(point, 0)), false);
        check(name, "tpr", points[i].tpr, RADZ_METRIC_OK, number_of(radz_json_at(point, 1)), false);
        check(name, "threshold", points[i].threshold, RADZ_METRIC_OK, number_of(radz_json_at(point, 2)), true);
    }
    free(points);
}

static void equals_sklearn(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_json_doc *doc;
    radz_metric_work *work;
    if (radz_json_load(GOLDEN, &doc, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(radz_metric_work_create(&work, &err), RADZ_OK);
    const radz_json *cases = radz_json_find(radz_json_root(doc), "cases");
    assert_true(radz_json_size(cases) > 200);
    size_t undefined = 0;
    for (size_t i = 0; i < radz_json_size(cases); i++) {
        const radz_json *item = radz_json_at(cases, i);
        const char *name = radz_json_string(radz_json_find(item, "name"));
        one_class c = load_case(item);
        radz_metric_input input = {.rows = c.rows, .classes = 1, .labels = c.labels};
        input.scores = c.scores_f32 ? NULL : c.scores;
        input.scores_f32 = c.scores_f32;
        radz_class_metrics found, fixed;
        assert_int_equal(radz_metric_class(&input, 0, NULL, work, &found, &err), RADZ_OK);
        assert_int_equal(found.positives, (size_t)member(item, "positives"));
        assert_int_equal(found.positives + found.negatives, (size_t)member(item, "rows"));
        assert_int_equal(found.positives + found.negatives + found.masked, c.rows);
        const radz_metric_values *m = &found.metrics;
        check(name, "auc", m->value[RADZ_METRIC_AUC], m->status[RADZ_METRIC_AUC], member(item, "auc"), false);
        check(name, "ap", m->value[RADZ_METRIC_AP], m->status[RADZ_METRIC_AP], member(item, "ap"), false);
        check(name, "f1_max", m->value[RADZ_METRIC_F1_MAX], m->status[RADZ_METRIC_F1_MAX], member(item, "f1_max"),
              false);
        check(name, "threshold_f1_max", m->value[RADZ_METRIC_THRESHOLD_F1_MAX],
              m->status[RADZ_METRIC_THRESHOLD_F1_MAX], member(item, "threshold_f1_max"), true);
        check(name, "threshold", m->value[RADZ_METRIC_THRESHOLD], m->status[RADZ_METRIC_THRESHOLD],
              member(item, "threshold_f1_max"), true);
        check(name, "prevalence", m->value[RADZ_METRIC_PREVALENCE], m->status[RADZ_METRIC_PREVALENCE],
              member(item, "prevalence"), false);
        check_at(name, radz_json_find(item, "at_f1_max"), &found);
        if (radz_json_find(item, "at_fixed") == NULL) {
            undefined++;
        } else {
            radz_operating_point point = {RADZ_OPERATING_FIXED, member(item, "fixed_threshold")};
            assert_int_equal(radz_metric_class(&input, 0, &point, work, &fixed, &err), RADZ_OK);
            check_at(name, radz_json_find(item, "at_fixed"), &fixed);
            assert_true(fixed.metrics.value[RADZ_METRIC_THRESHOLD] == point.threshold);
            assert_true(fixed.metrics.value[RADZ_METRIC_AUC] == m->value[RADZ_METRIC_AUC]);
            assert_true(fixed.metrics.value[RADZ_METRIC_F1_MAX] == m->value[RADZ_METRIC_F1_MAX]);
        }
        if (radz_json_find(item, "scores") != NULL && (found.positives == 0 || found.negatives == 0)) {
            radz_roc_point none[64];
            size_t count = 99;
            assert_true(c.rows < 64);
            assert_int_equal(radz_roc_curve(&input, 0, work, none, 64, &count, &err), RADZ_OK);
            assert_int_equal(count, 0);
        } else if (radz_json_find(item, "roc") != NULL) {
            check_curve(name, radz_json_find(item, "roc"), &input, work);
        }
        free_case(&c);
    }
    assert_true(undefined > 10); /* the file really holds undefined cases */
    print_message("%zu cases, largest difference %.2g\n", radz_json_size(cases), largest);
    radz_metric_work_free(work);
    radz_json_free(doc);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void percentiles_equal_numpy(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_json_doc *doc;
    if (radz_json_load(GOLDEN, &doc, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    const radz_json *cases = radz_json_find(radz_json_root(doc), "percentiles");
    assert_int_equal(radz_json_size(cases), 6);
    for (size_t i = 0; i < radz_json_size(cases); i++) {
        const radz_json *item = radz_json_at(cases, i), *values = radz_json_find(item, "values");
        const radz_json *percents = radz_json_find(item, "percents"), *results = radz_json_find(item, "results");
        size_t count = values ? radz_json_size(values) : (size_t)member(item, "generated");
        double *sorted = radz_calloc(count, sizeof *sorted, NULL);
        for (size_t k = 0; k < count; k++)
            sorted[k] = values ? number_of(radz_json_at(values, k)) : (double)(mix(k) >> 11) / 9007199254740992.0;
        qsort(sorted, count, sizeof *sorted, by_value);
        for (size_t k = 0; k < radz_json_size(percents); k++) {
            double percent = number_of(radz_json_at(percents, k)), wanted = number_of(radz_json_at(results, k));
            double found = radz_percentile(sorted, count, percent);
            if (found != wanted) /* to the bit */
                fail_msg("%zu values, percentile %g: %.17g, numpy %.17g", count, percent, found, wanted);
        }
        free(sorted);
    }
    radz_json_free(doc);
    const double ends[] = {-INFINITY, -INFINITY, 1, INFINITY};
    assert_true(radz_percentile(ends, 4, 10) == -INFINITY);
    assert_true(radz_percentile(ends, 4, 40) == -INFINITY); /* position 1.2: nearer the infinity */
    assert_true(radz_percentile(ends, 4, 60) == 1);         /* position 1.8 */
    assert_true(radz_percentile(ends, 4, 95) == INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_sklearn),
        cmocka_unit_test(percentiles_equal_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
