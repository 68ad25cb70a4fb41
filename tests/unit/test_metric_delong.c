/* DeLong's variance, intervals and paired test against R's pROC, its form for clusters against the formula written out pair
 * by pair, the normal distribution against scipy (tests/reference/make_delong_goldens.py); closed forms; what must hold. */
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
#include "metric/delong.h"
#include "metric/normal.h"
#include "metric/resample.h"
#include "unit/golden_numbers.h"

#define GOLDEN RADZ_TEST_DIR "/golden/metric/delong.json"

static double largest; /* difference over the scale it is checked at */

static void check(const char *name, const char *what, double found, double wanted, double scale, double tolerance)
{
    if (found == wanted)
        return;
    double difference = fabs(found - wanted) / (scale > 0 ? scale : fabs(wanted));
    if (!(difference <= tolerance))
        fail_msg("%s: %s is %.17g, wanted %.17g, off by %.3g", name, what, found, wanted, difference);
    largest = difference > largest ? difference : largest;
}

typedef struct pair_case {
    double *a, *b;
    int8_t *labels;
    uint32_t *clusters;
    size_t rows;
} pair_case;

static pair_case load_case(const radz_json *item)
{
    pair_case out = {0};
    int64_t generated = 0, levels = 0;
    bool made = radz_json_as_i64(radz_json_find(item, "generated"), &generated);
    out.rows = made ? (size_t)generated : radz_json_size(radz_json_find(item, "labels"));
    out.a = radz_calloc(out.rows, sizeof *out.a, NULL);
    out.b = radz_calloc(out.rows, sizeof *out.b, NULL);
    out.labels = radz_calloc(out.rows, sizeof *out.labels, NULL);
    out.clusters = radz_calloc(out.rows, sizeof *out.clusters, NULL);
    assert_true(!made || radz_json_as_i64(radz_json_find(item, "levels"), &levels));
    for (size_t i = 0; i < out.rows; i++) {
        if (made) {
            int64_t y = mix(4 * i) % 9 == 0;
            int64_t a = (int64_t)(mix(4 * i + 1) >> 44) + y * 400000;
            int64_t b = (int64_t)(mix(4 * i + 2) >> 44) + y * 300000 + a / 2;
            out.labels[i] = (int8_t)y;
            out.a[i] = (double)(levels > 0 ? a * levels >> 21 : a) / 1048576.0;
            out.b[i] = (double)(levels > 0 ? b * levels >> 21 : b) / 1048576.0;
            continue;
        }
        int64_t label, cluster;
        assert_true(radz_json_as_i64(radz_json_at(radz_json_find(item, "labels"), i), &label));
        assert_true(radz_json_as_i64(radz_json_at(radz_json_find(item, "clusters"), i), &cluster));
        out.labels[i] = (int8_t)label;
        out.clusters[i] = (uint32_t)cluster;
        out.a[i] = number_of(radz_json_at(radz_json_find(item, "a"), i));
        out.b[i] = number_of(radz_json_at(radz_json_find(item, "b"), i));
    }
    return out;
}

static void free_case(pair_case *c)
{
    free(c->a);
    free(c->b);
    free(c->labels);
    free(c->clusters);
}

static void check_proc(const char *name, const radz_json *wanted, const radz_delong_pair *pair)
{
    static const double tolerance = 1e-12; /* largest difference seen over all cases: 1.1e-14 */
    double low, high, scale = fmax(member(wanted, "var_a"), member(wanted, "var_b"));
    check(name, "AUC a", pair->a.auc, member(wanted, "auc_a"), 0, 1e-14);
    check(name, "AUC b", pair->b.auc, member(wanted, "auc_b"), 0, 1e-14);
    check(name, "variance a", pair->a.variance, member(wanted, "var_a"), scale, tolerance);
    check(name, "variance b", pair->b.variance, member(wanted, "var_b"), scale, tolerance);
    check(name, "covariance", pair->covariance, member(wanted, "cov"), scale, tolerance);
    check(name, "z", pair->z, member(wanted, "z"), 0, tolerance);
    check(name, "p", pair->p, member(wanted, "p"), 0, tolerance);
    assert_int_equal(radz_delong_interval(&pair->a, 95, RADZ_INTERVAL_PLAIN, &low, &high), RADZ_METRIC_OK);
    check(name, "low a", low, member(wanted, "low_a"), 1, tolerance);
    check(name, "high a", high, member(wanted, "high_a"), 1, tolerance);
    assert_int_equal(radz_delong_interval(&pair->b, 90, RADZ_INTERVAL_PLAIN, &low, &high), RADZ_METRIC_OK);
    check(name, "low b", low, member(wanted, "low90_b"), 1, tolerance);
    check(name, "high b", high, member(wanted, "high90_b"), 1, tolerance);
    assert_int_equal(radz_delong_pair_interval(pair, 95, &low, &high), RADZ_METRIC_OK);
    check(name, "low", low, fmax(-1, member(wanted, "low")), 1, tolerance); /* pROC goes on beyond 1 */
    check(name, "high", high, fmin(1, member(wanted, "high")), 1, tolerance);
}

static void equals_proc(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_json_doc *doc;
    radz_delong_work *work;
    radz_metric_work *metric;
    if (radz_json_load(GOLDEN, &doc, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(radz_delong_work_create(&work, &err), RADZ_OK);
    assert_int_equal(radz_metric_work_create(&metric, &err), RADZ_OK);
    const radz_json *cases = radz_json_find(radz_json_root(doc), "cases");
    assert_int_equal(radz_json_size(cases), 13);
    for (size_t i = 0; i < radz_json_size(cases); i++) {
        const radz_json *item = radz_json_at(cases, i);
        const char *name = radz_json_string(radz_json_find(item, "name"));
        pair_case c = load_case(item);
        radz_metric_input a = {.rows = c.rows, .classes = 1, .scores = c.a, .labels = c.labels}, b = a;
        b.scores = c.b;
        radz_delong_pair pair;
        radz_delong one;
        radz_class_metrics plain;
        if (radz_delong_paired(&a, &b, 0, NULL, work, &pair, &err) != RADZ_OK)
            fail_msg("%s", err.message);
        check_proc(name, radz_json_find(item, "pROC"), &pair);
        assert_int_equal(radz_delong_class(&a, 0, NULL, work, &one, &err), RADZ_OK);
        assert_true(one.variance == pair.a.variance && one.auc == pair.a.auc && one.positives == pair.a.positives);
        assert_int_equal(radz_metric_class(&a, 0, NULL, metric, &plain, &err), RADZ_OK);
        assert_true(plain.metrics.value[RADZ_METRIC_AUC] == one.auc); /* to the bit */

        double low, high;
        radz_metric_status status = radz_delong_interval(&one, 95, RADZ_INTERVAL_LOGIT, &low, &high);
        const radz_json *logit = radz_json_find(item, "logit_a");
        if (isnan(number_of(radz_json_at(logit, 0)))) {
            assert_int_equal(status, RADZ_METRIC_ZERO_VARIANCE);
            assert_true(isnan(low) && isnan(high));
        } else {
            assert_int_equal(status, RADZ_METRIC_OK);
            check(name, "logit low", low, number_of(radz_json_at(logit, 0)), 1, 1e-12);
            check(name, "logit high", high, number_of(radz_json_at(logit, 1)), 1, 1e-12);
        }
        const radz_json *wanted = radz_json_find(item, "clustered");
        if (wanted != NULL) {
            uint32_t count = 0;
            for (size_t k = 0; k < c.rows; k++)
                count = c.clusters[k] >= count ? c.clusters[k] + 1 : count;
            radz_clusters clusters = {c.clusters, count};
            assert_int_equal(radz_delong_paired(&a, &b, 0, &clusters, work, &pair, &err), RADZ_OK);
            double scale = fmax(member(wanted, "var_a"), member(wanted, "var_b"));
            check(name, "clustered variance a", pair.a.variance, member(wanted, "var_a"), scale, 1e-12);
            check(name, "clustered variance b", pair.b.variance, member(wanted, "var_b"), scale, 1e-12);
            check(name, "clustered covariance", pair.covariance, member(wanted, "cov"), scale, 1e-12);
            check(name, "clustered z", pair.z, member(wanted, "z"), 0, 1e-12);
            check(name, "clustered p", pair.p, member(wanted, "p"), 0, 1e-12);
        }
        free_case(&c);
    }
    print_message("%zu cases, largest difference %.2g\n", radz_json_size(cases), largest);
    radz_delong_work_free(work);
    radz_metric_work_free(metric);
    radz_json_free(doc);
}

static void normal_equals_scipy(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_json_doc *doc;
    if (radz_json_load(GOLDEN, &doc, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    largest = 0;
    const radz_json *normal = radz_json_find(radz_json_root(doc), "normal");
    const radz_json *quantile = radz_json_find(radz_json_root(doc), "quantile");
    assert_true(radz_json_size(normal) > 10 && radz_json_size(quantile) > 10);
    for (size_t i = 0; i < radz_json_size(normal); i++) { /* largest relative difference seen: 2.5e-14 */
        const radz_json *row = radz_json_at(normal, i);
        double z = number_of(radz_json_at(row, 0));
        check("normal", "cdf", radz_normal_cdf(z), number_of(radz_json_at(row, 1)), 0, 1e-13);
        check("normal", "lower tail", radz_normal_cdf(-z), number_of(radz_json_at(row, 2)), 0, 1e-13);
        check("normal", "two-sided", radz_normal_two_sided(z), number_of(radz_json_at(row, 3)), 0, 1e-13);
    }
    for (size_t i = 0; i < radz_json_size(quantile); i++) {
        const radz_json *row = radz_json_at(quantile, i);
        double p = number_of(radz_json_at(row, 0));
        check("normal", "quantile", radz_normal_quantile(p), number_of(radz_json_at(row, 1)), 0, 1e-13);
    }
    print_message("normal distribution: largest relative difference %.2g\n", largest);
    radz_json_free(doc);
    assert_true(isinf(radz_normal_quantile(0)) && radz_normal_quantile(0) < 0);
    assert_true(isinf(radz_normal_quantile(1)) && radz_normal_quantile(1) > 0);
    assert_true(isnan(radz_normal_quantile(-0.1)) && isnan(radz_normal_quantile(NAN)));
    assert_true(isnan(radz_normal_cdf(NAN)) && radz_normal_cdf(INFINITY) == 1 && radz_normal_cdf(-INFINITY) == 0);
    assert_true(radz_normal_two_sided(-3) == radz_normal_two_sided(3));
}

enum { ROWS = 300 };

/* Scores with ties and infinities, a masked part, in two classes (so that strides count). */
static void make(double *a, double *b, int8_t *labels, uint32_t *clusters)
{
    radz_rng rng;
    radz_rng_seed(&rng, 11, 2);
    for (size_t i = 0; i < ROWS; i++) {
        clusters[i] = i < 80 ? (uint32_t)i : radz_rng_below(&rng, 80);
        for (size_t c = 0; c < 2; c++) {
            int8_t label = radz_rng_below(&rng, 3) == 0;
            a[2 * i + c] = floor(8 * radz_rng_uniform(&rng)) + 2 * label + clusters[i] % 3;
            b[2 * i + c] = i % 50 == 0 ? INFINITY : radz_rng_uniform(&rng) + a[2 * i + c] / 8;
            labels[2 * i + c] = radz_rng_below(&rng, 12) == 0 ? -1 : label;
        }
    }
}

static void order_and_single_clusters_change_nothing(void **state)
{
    (void)state;
    static double a[2 * ROWS], b[2 * ROWS], a2[2 * ROWS], b2[2 * ROWS];
    static int8_t labels[2 * ROWS], labels2[2 * ROWS];
    static uint32_t of[ROWS], of2[ROWS], own[ROWS];
    static size_t order[ROWS];
    radz_error err = {0};
    radz_rng rng;
    radz_delong_work *work;
    assert_int_equal(radz_delong_work_create(&work, &err), RADZ_OK);
    make(a, b, labels, of);
    for (size_t i = 0; i < ROWS; i++) {
        order[i] = i;
        own[i] = (uint32_t)i;
    }
    radz_rng_seed(&rng, 4, 0);
    radz_rng_shuffle(&rng, order, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        of2[i] = of[order[i]];
        for (size_t c = 0; c < 2; c++) {
            a2[2 * i + c] = a[2 * order[i] + c];
            b2[2 * i + c] = b[2 * order[i] + c];
            labels2[2 * i + c] = labels[2 * order[i] + c];
        }
    }
    radz_metric_input in_a = {.rows = ROWS, .classes = 2, .scores = a, .labels = labels}, in_b = in_a;
    radz_metric_input in_a2 = {.rows = ROWS, .classes = 2, .scores = a2, .labels = labels2}, in_b2 = in_a2;
    in_b.scores = b;
    in_b2.scores = b2;
    radz_clusters clusters = {of, 80}, clusters2 = {of2, 80}, single = {own, ROWS};
    for (size_t c = 0; c < 2; c++) {
        radz_delong_pair one, two, with;
        assert_int_equal(radz_delong_paired(&in_a, &in_b, c, NULL, work, &one, &err), RADZ_OK);
        assert_int_equal(radz_delong_paired(&in_a2, &in_b2, c, NULL, work, &two, &err), RADZ_OK);
        assert_memory_equal(&one.a.auc, &two.a.auc, sizeof(double));
        assert_true(one.covariance == two.covariance && one.variance == two.variance && one.p == two.p);
        assert_true(one.a.variance == two.a.variance && one.b.variance == two.b.variance);
        assert_int_equal(radz_delong_paired(&in_a, &in_b, c, &single, work, &with, &err), RADZ_OK);
        assert_true(fabs(with.variance - one.variance) < 1e-12 * one.variance); /* seen: 4e-16 */
        assert_true(fabs(with.covariance - one.covariance) < 1e-12 * one.a.variance);
        assert_int_equal(radz_delong_paired(&in_a, &in_b, c, &clusters, work, &one, &err), RADZ_OK);
        assert_int_equal(radz_delong_paired(&in_a2, &in_b2, c, &clusters2, work, &two, &err), RADZ_OK);
        assert_true(one.variance == two.variance && one.z == two.z); /* to the bit: sums in order of the clusters */
        assert_int_equal(radz_delong_paired(&in_b, &in_a, c, &clusters, work, &two, &err), RADZ_OK);
        assert_true(two.difference == -one.difference && two.z == -one.z && two.p == one.p);
        assert_int_equal(radz_delong_paired(&in_a, &in_a, c, &clusters, work, &two, &err), RADZ_OK);
        assert_true(two.difference == 0 && two.variance == 0 && two.z == 0 && two.p == 1);
        assert_int_equal(two.test_status, RADZ_METRIC_OK);
    }
    radz_delong_work_free(work);
}

/* Every image twice, as one patient: clusters see through it, plain DeLong halves the variance. */
static void clusters_see_copies(void **state)
{
    (void)state;
    enum { N = 120 };
    static double once[N], twice[2 * N];
    static int8_t label_once[N], label_twice[2 * N];
    static uint32_t of[2 * N], own[N];
    radz_error err = {0};
    radz_rng rng;
    radz_delong_work *work;
    assert_int_equal(radz_delong_work_create(&work, &err), RADZ_OK);
    radz_rng_seed(&rng, 8, 0);
    for (size_t i = 0; i < N; i++) {
        label_once[i] = i % 3 == 0;
        once[i] = radz_rng_uniform(&rng) + 0.3 * label_once[i];
        own[i] = of[2 * i] = of[2 * i + 1] = (uint32_t)i;
        twice[2 * i] = twice[2 * i + 1] = once[i];
        label_twice[2 * i] = label_twice[2 * i + 1] = label_once[i];
    }
    radz_metric_input in_once = {.rows = N, .classes = 1, .scores = once, .labels = label_once};
    radz_metric_input in_twice = {.rows = 2 * N, .classes = 1, .scores = twice, .labels = label_twice};
    radz_clusters single = {own, N}, clusters = {of, N};
    radz_delong a, b, plain;
    assert_int_equal(radz_delong_class(&in_once, 0, &single, work, &a, &err), RADZ_OK);
    assert_int_equal(radz_delong_class(&in_twice, 0, &clusters, work, &b, &err), RADZ_OK);
    assert_int_equal(radz_delong_class(&in_twice, 0, NULL, work, &plain, &err), RADZ_OK);
    assert_true(fabs(a.variance - b.variance) < 1e-12 * a.variance);
    assert_true(plain.variance < 0.51 * b.variance);
    radz_delong_work_free(work);
}

/* Two positives (3, 1) and two negatives (2, 0): V10 = 1, 1/2; V01 = 1/2, 1; AUC 3/4, S10 = S01 = 1/8, variance 1/8. */
static void closed_form_and_undefined(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_delong_work *work;
    assert_int_equal(radz_delong_work_create(&work, &err), RADZ_OK);
    const double scores[] = {3, 1, 2, 0}, wrong[] = {0, 0, 5, 5}, right[] = {5, 5, 0, 0};
    const int8_t labels[] = {1, 1, 0, 0}, one_positive[] = {1, 0, 0, 0}, only[] = {1, 1, -1, -1}, none[] = {-1, -1, -1, -1};
    radz_metric_input in = {.rows = 4, .classes = 1, .scores = scores, .labels = labels}, other = in;
    radz_delong out;
    radz_delong_pair pair;
    double low, high;
    assert_int_equal(radz_delong_class(&in, 0, NULL, work, &out, &err), RADZ_OK);
    assert_true(out.auc == 0.75 && out.variance == 0.125 && out.positives == 2 && out.negatives == 2);
    in.labels = one_positive;
    assert_int_equal(radz_delong_class(&in, 0, NULL, work, &out, &err), RADZ_OK);
    assert_true(out.auc == 1 && isnan(out.variance));
    assert_int_equal(out.status, RADZ_METRIC_FEW_ROWS);
    assert_int_equal(radz_delong_interval(&out, 95, RADZ_INTERVAL_PLAIN, &low, &high), RADZ_METRIC_FEW_ROWS);
    assert_true(isnan(low) && isnan(high));
    in.labels = only;
    assert_int_equal(radz_delong_class(&in, 0, NULL, work, &out, &err), RADZ_OK);
    assert_int_equal(out.auc_status, RADZ_METRIC_ONE_VALUE);
    assert_true(isnan(out.auc) && isnan(out.variance));
    in.labels = none;
    assert_int_equal(radz_delong_class(&in, 0, NULL, work, &out, &err), RADZ_OK);
    assert_int_equal(out.status, RADZ_METRIC_NO_ROWS);
    in.labels = labels;
    in.scores = right;
    other.scores = wrong;
    assert_int_equal(radz_delong_paired(&in, &other, 0, NULL, work, &pair, &err), RADZ_OK);
    assert_true(pair.difference == 1 && pair.variance == 0 && isnan(pair.z) && isnan(pair.p));
    assert_int_equal(pair.test_status, RADZ_METRIC_ZERO_VARIANCE);
    const uint32_t together[] = {0, 0, 1, 1};
    radz_clusters few = {together, 2}, outside = {together, 1};
    in.scores = scores;
    assert_int_equal(radz_delong_class(&in, 0, &few, work, &out, &err), RADZ_OK);
    assert_int_equal(out.status, RADZ_METRIC_FEW_ROWS);
    assert_int_equal(radz_delong_class(&in, 0, &outside, work, &out, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "DeLong: row 2 has cluster number 1, wanted one below 1");
    err = (radz_error){0};
    other = in;
    other.labels = one_positive;
    assert_int_equal(radz_delong_paired(&in, &other, 0, NULL, work, &pair, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "DeLong: row 1, class 0: label 1 against 0, wanted the same");
    err = (radz_error){0};
    const double bad[] = {1, NAN, 2, 3};
    in.scores = bad;
    assert_int_equal(radz_delong_class(&in, 0, NULL, work, &out, &err), RADZ_E_VALUE);
    radz_metric_input empty = {.rows = 0, .classes = 1};
    err = (radz_error){0};
    assert_int_equal(radz_delong_class(&empty, 0, NULL, work, &out, &err), RADZ_OK);
    assert_int_equal(out.status, RADZ_METRIC_NO_ROWS);
    radz_delong_work_free(work);
    radz_delong_work_free(NULL);
}

/* 95 % intervals of a known AUC, with two images a patient (correlation 0.64): the form for clusters holds the truth in about
 * 95 of 100 samples, the plain one in clearly fewer. bench/perf/coverage.c is the long form of this test. */
static void clustered_intervals_cover(void **state)
{
    (void)state;
    enum { SAMPLES = 1000, PEOPLE = 100, N = 2 * PEOPLE };
    const double truth = 0.7602499389065233; /* Phi(1 / sqrt 2): two normals one deviation apart */
    double scores[N];
    int8_t labels[N];
    uint32_t of[N];
    size_t covered = 0, plain_covered = 0;
    radz_delong_work *work;
    assert_int_equal(radz_delong_work_create(&work, NULL), RADZ_OK);
    for (size_t sample = 0; sample < SAMPLES; sample++) {
        radz_rng rng;
        radz_rng_seed(&rng, 41, sample);
        for (size_t p = 0; p < PEOPLE; p++) {
            int8_t label = radz_rng_below(&rng, 2) == 0;
            double person = radz_rng_normal(&rng);
            for (size_t k = 2 * p; k < 2 * p + 2; k++) {
                scores[k] = 0.8 * person + 0.6 * radz_rng_normal(&rng) + label;
                labels[k] = label;
                of[k] = (uint32_t)p;
            }
        }
        radz_metric_input in = {.rows = N, .classes = 1, .scores = scores, .labels = labels};
        radz_clusters clusters = {of, PEOPLE};
        radz_delong found;
        double low, high;
        assert_int_equal(radz_delong_class(&in, 0, &clusters, work, &found, NULL), RADZ_OK);
        assert_int_equal(radz_delong_interval(&found, 95, RADZ_INTERVAL_LOGIT, &low, &high), RADZ_METRIC_OK);
        covered += low <= truth && truth <= high;
        assert_int_equal(radz_delong_class(&in, 0, NULL, work, &found, NULL), RADZ_OK);
        assert_int_equal(radz_delong_interval(&found, 95, RADZ_INTERVAL_LOGIT, &low, &high), RADZ_METRIC_OK);
        plain_covered += low <= truth && truth <= high;
    }
    print_message("%zu of %d intervals over patients hold the truth, %zu over images\n", covered, SAMPLES, plain_covered);
    assert_in_range(covered, 930, 970); /* deviation 6.9 */
    assert_true(plain_covered < 920);
    radz_delong_work_free(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_proc),
        cmocka_unit_test(normal_equals_scipy),
        cmocka_unit_test(order_and_single_clusters_change_nothing),
        cmocka_unit_test(clusters_see_copies),
        cmocka_unit_test(closed_form_and_undefined),
        cmocka_unit_test(clustered_intervals_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
