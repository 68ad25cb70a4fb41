/* The linear probe's logistic regression against scikit-learn's (tests/reference/make_logistic_goldens.py), and what must
 * hold of it. */
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
#include "score/logistic.h"

#define GOLDEN RADZ_TEST_DIR "/golden/score/logistic.json"

static uint64_t mix(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static double member(const radz_json *object, const char *key)
{
    double x = NAN;
    if (!radz_json_as_double(radz_json_find(object, key), &x))
        fail_msg("golden file: no number '%s'", key);
    return x;
}

typedef struct problem {
    float *features;
    int8_t *labels;
    size_t rows, dim;
    double c;
} problem;

static problem load_case(const radz_json *item)
{
    problem out = {.rows = (size_t)member(item, "rows"), .dim = (size_t)member(item, "dim"), .c = member(item, "c")};
    double scale = member(item, "scale"), offset = member(item, "offset");
    out.features = radz_calloc(out.rows * out.dim, sizeof *out.features, NULL);
    out.labels = radz_calloc(out.rows, 1, NULL);
    for (size_t i = 0; i < out.rows * out.dim; i++)
        out.features[i] = (float)(((double)(mix(3000000 + i) >> 48) - 32767.5) / 32768 * scale + offset);
    const radz_json *positive = radz_json_find(item, "positive");
    for (size_t i = 0; i < radz_json_size(positive); i++) {
        int64_t row;
        assert_true(radz_json_as_i64(radz_json_at(positive, i), &row));
        out.labels[row] = 1;
    }
    return out;
}

static void equals_sklearn(void **state)
{
    (void)state;
    static const double tolerance = 1e-10; /* largest difference seen: 1.6e-12 */
    radz_error err = {0};
    radz_json_doc *doc;
    double largest = 0;
    if (radz_json_load(GOLDEN, &doc, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    const radz_json *cases = radz_json_find(radz_json_root(doc), "cases");
    assert_int_equal(radz_json_size(cases), 7);
    for (size_t i = 0; i < radz_json_size(cases); i++) {
        const radz_json *item = radz_json_at(cases, i), *coef = radz_json_find(item, "coef"), *scores = radz_json_find(item, "scores");
        problem p = load_case(item);
        double *weights = radz_calloc(p.dim + 1, sizeof *weights, NULL), size = 0;
        radz_logistic_report report;
        radz_logistic_input in = {.rows = p.rows, .dim = p.dim, .features = p.features, .labels = p.labels, .label_stride = 1, .c = p.c};
        if (radz_logistic_fit(&in, weights, &report, &err) != RADZ_OK)
            fail_msg("%s", err.message);
        assert_true(report.fitted);
        assert_int_equal(report.positives, radz_json_size(radz_json_find(item, "positive")));
        assert_int_equal(report.positives + report.negatives, p.rows);
        for (size_t k = 0; k < p.dim; k++) {
            double wanted;
            assert_true(radz_json_as_double(radz_json_at(coef, k), &wanted));
            size = fmax(size, fabs(wanted));
        }
        double worst = fabs(weights[p.dim] - member(item, "intercept")) / fmax(size, fabs(member(item, "intercept")));
        for (size_t k = 0; k < p.dim; k++) {
            double wanted;
            assert_true(radz_json_as_double(radz_json_at(coef, k), &wanted));
            worst = fmax(worst, fabs(weights[k] - wanted) / size);
        }
        for (size_t k = 0; k < radz_json_size(scores); k++) {
            double wanted;
            assert_true(radz_json_as_double(radz_json_at(scores, k), &wanted));
            worst = fmax(worst, fabs(radz_logistic_score(weights, p.features + k * p.dim, p.dim) - wanted));
        }
        print_message("%s: %d steps, gradient %.1e, off by %.1e\n", radz_json_string(radz_json_find(item, "name")), report.steps,
                      report.gradient, worst);
        largest = fmax(largest, worst);
        free(weights);
        free(p.features);
        free(p.labels);
    }
    print_message("largest difference %.2g\n", largest);
    assert_true(largest < tolerance);
    radz_json_free(doc);
}

/* Rows that are left out, by label or by membership, change nothing: the same bits as without them. */
static void left_out_rows_do_not_count(void **state)
{
    (void)state;
    enum { ROWS = 90, DIM = 11 };
    static float features[ROWS * DIM], fewer[ROWS * DIM];
    static int8_t labels[ROWS * 2], few_labels[ROWS];
    static uint32_t members[ROWS];
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < DIM; k++)
            features[i * DIM + k] = (float)(mix(i * DIM + k) % 2001) / 1000 - 1;
        labels[2 * i + 1] = i % 5 == 0 ? -1 : features[i * DIM] + features[i * DIM + 3] > 0.2f;
        if (i % 3 != 0)
            members[n++] = (uint32_t)i;
        if (i % 3 != 0 && i % 5 != 0) {
            memcpy(fewer + kept * DIM, features + i * DIM, DIM * sizeof *fewer);
            few_labels[kept++] = labels[2 * i + 1];
        }
    }
    double a[DIM + 1], b[DIM + 1];
    radz_error err = {0};
    radz_logistic_input in = {.rows = ROWS, .dim = DIM, .features = features, .labels = labels + 1, .label_stride = 2,
                              .members = members, .n_members = n, .c = 2};
    assert_int_equal(radz_logistic_fit(&in, a, NULL, &err), RADZ_OK);
    in = (radz_logistic_input){.rows = kept, .dim = DIM, .features = fewer, .labels = few_labels, .label_stride = 1, .c = 2};
    assert_int_equal(radz_logistic_fit(&in, b, NULL, &err), RADZ_OK);
    assert_memory_equal(a, b, sizeof a);
}

static void one_label_and_errors(void **state)
{
    (void)state;
    const float features[] = {1, 2, 3, NAN};
    const int8_t ones[] = {1, 1}, masked[] = {-1, -1}, bad[] = {1, 3}, both[] = {0, 1};
    double weights[3] = {7, 7, 7};
    radz_logistic_report report;
    radz_error err = {0};
    radz_logistic_input in = {.rows = 2, .dim = 1, .features = features, .labels = ones, .label_stride = 1, .c = 1};
    assert_int_equal(radz_logistic_fit(&in, weights, &report, &err), RADZ_OK);
    assert_true(!report.fitted && weights[0] == 0 && weights[1] == 0);
    in.labels = masked;
    assert_int_equal(radz_logistic_fit(&in, weights, &report, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "logistic regression: no labelled row");
    err = (radz_error){0};
    in.labels = bad;
    assert_int_equal(radz_logistic_fit(&in, weights, &report, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "logistic regression: row 1: label 3, wanted 1, 0 or -1");
    err = (radz_error){0};
    in.labels = both;
    in.c = 0;
    assert_int_equal(radz_logistic_fit(&in, weights, &report, &err), RADZ_E_USAGE);
    err = (radz_error){0};
    in.c = 1;
    in.dim = 2;
    assert_int_equal(radz_logistic_fit(&in, weights, &report, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "logistic regression: row 1, feature 1: found nan, wanted a finite number");
    /* labels that a line parts without a mistake: the penalty keeps the weights finite */
    const float line[] = {-2, -1, 1, 2};
    const int8_t parted[] = {0, 0, 1, 1};
    err = (radz_error){0};
    in = (radz_logistic_input){.rows = 4, .dim = 1, .features = line, .labels = parted, .label_stride = 1, .c = 1e6};
    assert_int_equal(radz_logistic_fit(&in, weights, &report, &err), RADZ_OK);
    assert_true(report.fitted && isfinite(weights[0]) && weights[0] > 5 && fabs(weights[1]) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_sklearn),
        cmocka_unit_test(left_out_rows_do_not_count),
        cmocka_unit_test(one_label_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
