/* Precision-recall curves against scikit-learn's (tests/reference/make_pr_goldens.py), over the cases of sklearn.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "metric/pr_curve.h"

#define GOLDEN RADZ_TEST_DIR "/golden/metric/"
static const double tolerance = 1e-15; /* observed: 0 */

static radz_json_doc *load(const char *name)
{
    radz_error err = {0};
    radz_json_doc *doc;
    char path[512];
    snprintf(path, sizeof path, GOLDEN "%s", name);
    if (radz_json_load(path, &doc, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    return doc;
}

static void equals_sklearn(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_json_doc *doc = load("sklearn.json"), *wanted_doc = load("pr.json");
    const radz_json *cases = radz_json_find(radz_json_root(doc), "cases");
    const radz_json *curves = radz_json_find(radz_json_root(wanted_doc), "curves");
    radz_metric_work *work;
    assert_int_equal(radz_metric_work_create(&work, &err), RADZ_OK);
    size_t compared = 0;
    double largest = 0;
    for (size_t i = 0; i < radz_json_size(cases); i++) {
        const radz_json *item = radz_json_at(cases, i);
        const char *name = radz_json_string(radz_json_find(item, "name"));
        const radz_json *wanted = radz_json_find(curves, name), *scores = radz_json_find(item, "scores");
        if (wanted == NULL)
            continue;
        size_t n = radz_json_size(scores), count = 0;
        double *s = radz_calloc(n, sizeof *s, NULL);
        int8_t *y = radz_calloc(n, 1, NULL);
        radz_pr_point *points = radz_calloc(n + 1, sizeof *points, NULL);
        for (size_t r = 0; r < n; r++) {
            int64_t label;
            assert_true(radz_json_as_double(radz_json_at(scores, r), &s[r]));
            assert_true(radz_json_as_i64(radz_json_at(radz_json_find(item, "labels"), r), &label));
            y[r] = (int8_t)label;
        }
        radz_metric_input input = {.rows = n, .classes = 1, .scores = s, .labels = y};
        assert_int_equal(radz_pr_curve(&input, 0, work, points, n + 1, &count, &err), RADZ_OK);
        if (count != radz_json_size(wanted))
            fail_msg("%s: %zu points, sklearn %zu", name, count, radz_json_size(wanted));
        for (size_t k = 0; k < count; k++) {
            double recall, precision;
            assert_true(radz_json_as_double(radz_json_at(radz_json_at(wanted, k), 0), &recall));
            assert_true(radz_json_as_double(radz_json_at(radz_json_at(wanted, k), 1), &precision));
            double difference = fmax(fabs(recall - points[k].recall), fabs(precision - points[k].precision));
            largest = fmax(largest, difference);
            if (!(difference <= tolerance))
                fail_msg("%s: point %zu is (%.17g, %.17g), sklearn (%.17g, %.17g)", name, k, points[k].recall,
                         points[k].precision, recall, precision);
            assert_true(k == 0 || points[k].threshold < points[k - 1].threshold);
        }
        assert_int_equal(radz_pr_curve(&input, 0, work, points, 1, &count, &err), RADZ_E_INTERNAL);
        radz_error_clear(&err);
        compared++;
        free(s);
        free(y);
        free(points);
    }
    assert_true(compared > 100);
    print_message("%zu curves, largest difference %.2g\n", compared, largest);
    radz_metric_work_free(work);
    radz_json_free(doc);
    radz_json_free(wanted_doc);
}

static void one_value_has_no_curve(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_metric_work *work;
    assert_int_equal(radz_metric_work_create(&work, &err), RADZ_OK);
    double s[4] = {1, 2, 3, 4};
    radz_pr_point points[5];
    for (int8_t label = 0; label < 2; label++) {
        int8_t y[4] = {label, label, -1, label};
        radz_metric_input input = {.rows = 4, .classes = 1, .scores = s, .labels = y};
        size_t count = 9;
        assert_int_equal(radz_pr_curve(&input, 0, work, points, 5, &count, &err), RADZ_OK);
        assert_int_equal(count, 0);
    }
    int8_t y[4] = {1, 0, 1, 0};
    s[2] = NAN;
    radz_metric_input input = {.rows = 4, .classes = 1, .scores = s, .labels = y};
    size_t count = 9;
    assert_int_equal(radz_pr_curve(&input, 0, work, points, 5, &count, &err), RADZ_E_VALUE);
    assert_int_equal(count, 0);
    radz_metric_work_free(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_sklearn), cmocka_unit_test(one_value_has_no_curve)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
