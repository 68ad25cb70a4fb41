/* The cards under manifests/protocols/ against scikit-learn, numpy, pandas and Python's random
 * (tests/reference/make_protocol_goldens.py): to the last bit. */
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
#include "data/card_protocol.h"
#include "metric/legacy_random.h"
#include "metric/preset.h"
#include "metric/sklearn_curve.h"
#include "unit/golden_numbers.h"

#define GOLDEN RADZ_TEST_DIR "/golden/metric/protocols.json"

static radz_json_doc *golden;

static void ok(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

static double number_at(const radz_json *value)
{
    double x = NAN;
    return value != NULL && radz_json_as_double(value, &x) ? x : NAN;
}

static int64_t whole(const radz_json *object, const char *key)
{
    int64_t x = 0;
    if (!radz_json_as_i64(radz_json_find(object, key), &x))
        fail_msg("golden file: no whole number '%s'", key);
    return x;
}

typedef struct table {
    size_t rows, classes;
    double *scores;
    int8_t *labels;
} table;

/* As table() of the script. */
static table make_table(uint64_t seed, size_t rows, size_t classes, uint64_t levels, int64_t empty)
{
    radz_error err = {0};
    table t = {rows, classes, radz_calloc(rows * classes, sizeof(double), &err), radz_calloc(rows * classes, 1, &err)};
    assert_non_null(t.scores);
    assert_non_null(t.labels);
    for (size_t i = 0; i < rows * classes; i++) {
        uint64_t at = i + seed * 1000003, first = mix(3 * at) % levels, second = mix(3 * at + 1) % levels;
        t.labels[i] = mix(3 * at + 2) % 4 == 0 && (int64_t)(i % classes) != empty;
        uint64_t k = t.labels[i] && second > first ? second : first;
        t.scores[i] = ((double)k + 1) / ((double)levels + 1);
    }
    return t;
}

static radz_metric_input input_of(const table *t)
{
    return (radz_metric_input){.rows = t->rows, .classes = t->classes, .scores = t->scores, .labels = t->labels};
}

static size_t compared;

static void same(const char *what, const char *key, size_t i, double found, double wanted, double tolerance)
{
    compared++;
    if (isnan(found) && isnan(wanted))
        return;
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("%s: %s[%zu] is %.17g, the source gives %.17g", what, key, i, found, wanted);
}

static double part_of(const radz_figure *figure, const char *part)
{
    return strcmp(part, "low") == 0 ? figure->low : strcmp(part, "high") == 0 ? figure->high : figure->value;
}

static void check_list(const char *what, const radz_json *wanted, const radz_preset_row *rows, size_t classes, size_t f,
                       const char *part, double tolerance)
{
    if (wanted == NULL)
        return;
    assert_int_equal(radz_json_size(wanted), classes);
    for (size_t c = 0; c < classes; c++)
        same(what, radz_figure_names[f], c, part_of(&rows[c].of[f], part), number_at(radz_json_at(wanted, c)), tolerance);
}

static void check_mean(const char *what, const radz_json *wanted, const radz_preset_row *row, const char *part)
{
    for (size_t f = 0; wanted != NULL && f < RADZ_FIGURE_COUNT; f++)
        if (radz_json_find(wanted, radz_figure_names[f]) != NULL)
            same(what, radz_figure_names[f], 0, part_of(&row->of[f], part),
                 number_at(radz_json_find(wanted, radz_figure_names[f])), 0);
}

static void check_case(const char *case_name, const char *protocol, const table *test, const table *val, const radz_json *want)
{
    char path[512], what[128];
    radz_error err = {0};
    radz_protocol_card *card;
    snprintf(path, sizeof path, "%s/manifests/protocols/%s.yaml", RADZ_SOURCE_DIR, protocol);
    snprintf(what, sizeof what, "%s, %s", case_name, protocol);
    ok(radz_protocol_card_load(path, &card, &err), &err);
    radz_metric_input input = input_of(test), validation = input_of(val);
    radz_preset_result r[2];
    for (int threads = 1; threads <= 2; threads++) {
        r[threads - 1].classes = radz_calloc(test->classes, sizeof(radz_preset_row), &err);
        ok(radz_preset_measure(&input, &validation, &card->rules, NULL, true, threads, &r[threads - 1], &err), &err);
    }
    assert_memory_equal(r[0].classes, r[1].classes, test->classes * sizeof(radz_preset_row));
    if (radz_json_find(want, "stopped") != NULL) {
        assert_true(r[0].stopped);
        assert_int_equal(r[0].stopped_class, whole(want, "stopped"));
        assert_int_equal(r[0].classes[0].of[RADZ_FIGURE_AUC].status, RADZ_METRIC_STOPPED);
    } else {
        size_t distinct = r[0].distinct;
        for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++) {
            /* exp is not rounded alike everywhere: a threshold on softmax scores differs in its last bits (4e-16) */
            double tolerance = f == RADZ_FIGURE_THRESHOLD && card->rules.normalise == RADZ_NORMALISE_SOFTMAX ? 1e-15 : 0;
            check_list(what, radz_json_find(want, radz_figure_names[f]), r[0].classes, test->classes, f, "value", tolerance);
            for (int high = 0; high < 2; high++) {
                const radz_json *bounds = radz_json_find(want, high ? "high" : "low");
                check_list(what, bounds ? radz_json_find(bounds, radz_figure_names[f]) : NULL, r[0].classes, test->classes, f,
                           high ? "high" : "low", 0);
            }
        }
        check_mean(what, radz_json_find(want, "macro"), &r[0].macro, "value");
        check_mean(what, radz_json_find(want, "macro_low"), &r[0].macro, "low");
        check_mean(what, radz_json_find(want, "macro_high"), &r[0].macro, "high");
        check_mean(what, radz_json_find(want, "micro"), &r[0].micro, "value");
        check_mean(what, radz_json_find(want, "weighted"), &r[0].weighted, "value");
        if (radz_json_find(want, "distinct") != NULL)
            assert_int_equal(distinct, whole(want, "distinct"));
    }
    free(r[0].classes);
    free(r[1].classes);
    radz_protocol_card_free(card);
}

typedef struct visit {
    const char *name;
    const table *test, *val;
} visit;

static bool each_protocol(void *context, const char *protocol, const radz_json *want)
{
    const visit *v = context;
    check_case(v->name, protocol, v->test, v->val, want);
    return true;
}

static void cards_give_what_their_sources_give(void **state)
{
    (void)state;
    const radz_json *cases = radz_json_find(radz_json_root(golden), "cases");
    assert_true(radz_json_size(cases) >= 6);
    for (size_t i = 0; i < radz_json_size(cases); i++) {
        const radz_json *one = radz_json_at(cases, i);
        uint64_t seed = (uint64_t)whole(one, "seed"), levels = (uint64_t)whole(one, "levels");
        size_t classes = (size_t)whole(one, "classes");
        table test = make_table(seed, (size_t)whole(one, "rows"), classes, levels, whole(one, "empty"));
        table val = make_table(seed + 100, (size_t)whole(one, "val_rows"), classes, levels, whole(one, "empty"));
        visit v = {radz_json_string(radz_json_find(one, "name")), &test, &val};
        radz_json_each(radz_json_find(one, "want"), each_protocol, &v);
        free(test.scores);
        free(test.labels);
        free(val.scores);
        free(val.labels);
    }
    assert_true(compared > 500);
}

static void streams_are_those_of_numpy_and_python(void **state)
{
    (void)state;
    static const uint32_t numpy[][2] = {{0, 5}, {7, 1000}, {97, 25596}, {UINT32_MAX, 3000000000u}};
    static const uint32_t python[][2] = {{0, 5}, {42, 1000}, {5000, 25596}};
    static const size_t counts[] = {0, 1, 7, 8, 14, 128, 129, 1000, 100003};
    const radz_json *streams = radz_json_find(radz_json_root(golden), "streams");
    radz_mt19937 mt;
    for (size_t i = 0; i < 4; i++) {
        uint32_t last = 0;
        radz_mt_seed_numpy(&mt, numpy[i][0]);
        for (int k = 0; k < 700; k++)
            last = radz_mt_numpy_below(&mt, numpy[i][1]);
        same("numpy", "draw", i, last, number_at(radz_json_at(radz_json_find(streams, "numpy"), i)), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        uint32_t last = 0;
        const radz_json *want = radz_json_at(radz_json_find(streams, "python"), i);
        radz_mt_seed_python(&mt, python[i][0]);
        for (int k = 0; k < 400; k++)
            last = radz_mt_python_choice(&mt, python[i][1]);
        same("python", "choice", i, last, number_at(radz_json_at(want, 0)), 0);
        same("python", "randint", i, radz_mt_python_below(&mt, 5001), number_at(radz_json_at(want, 1)), 0);
    }
    radz_error err = {0};
    double *values = radz_calloc(100003, sizeof *values, &err);
    for (size_t i = 0; i < 100003; i++)
        values[i] = (double)(mix(i) >> 11) / 9007199254740992.0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        same("numpy", "sum", i, radz_numpy_sum(values, counts[i]), number_at(radz_json_at(radz_json_find(streams, "sums"), i)), 0);
    free(values);
}

/* Without a validation set there is no threshold; masked rows change nothing; a NaN is refused. */
static void edges(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_protocol_card *card;
    ok(radz_protocol_card_load(RADZ_SOURCE_DIR "/manifests/protocols/chexzero.yaml", &card, &err), &err);
    table t = make_table(9, 50, 2, 1000, -1), wide = make_table(9, 50, 2, 1000, -1);
    radz_metric_input input = input_of(&t);
    radz_preset_row rows[2], masked_rows[2];
    radz_preset_result r = {.classes = rows}, masked = {.classes = masked_rows};
    ok(radz_preset_measure(&input, NULL, &card->rules, NULL, true, 1, &r, &err), &err);
    assert_int_equal(rows[0].of[RADZ_FIGURE_F1].status, RADZ_METRIC_NO_VALIDATION);
    assert_int_equal(r.macro.of[RADZ_FIGURE_F1].status, RADZ_METRIC_NO_VALIDATION);
    assert_int_equal(rows[0].of[RADZ_FIGURE_AUC].status, RADZ_METRIC_OK);
    radz_protocol_card_free(card);

    ok(radz_protocol_card_load(RADZ_SOURCE_DIR "/manifests/protocols/medklip.yaml", &card, &err), &err);
    for (size_t i = 40; i < 50; i++)
        wide.labels[2 * i] = -1;
    radz_metric_input wide_input = input_of(&wide), cut = input;
    cut.rows = 40;
    ok(radz_preset_measure(&wide_input, NULL, &card->rules, NULL, true, 1, &masked, &err), &err);
    ok(radz_preset_measure(&cut, NULL, &card->rules, NULL, true, 1, &r, &err), &err);
    assert_memory_equal(&masked_rows[0], &rows[0], sizeof rows[0]);
    cut.rows = 0;
    ok(radz_preset_measure(&cut, NULL, &card->rules, NULL, true, 1, &r, &err), &err);
    assert_int_equal(rows[0].of[RADZ_FIGURE_AUC].status, RADZ_METRIC_NO_ROWS);
    assert_int_equal(r.macro.of[RADZ_FIGURE_AUC].status, RADZ_METRIC_NO_CLASS);
    t.scores[3] = NAN;
    assert_int_equal(radz_preset_measure(&input, NULL, &card->rules, NULL, true, 1, &r, &err), RADZ_E_VALUE);
    radz_protocol_card_free(card);
    free(t.scores);
    free(t.labels);
    free(wide.scores);
    free(wide.labels);
}

/* A mean over some of the classes is that of a set which has no others: of figures and of replicates. */
static void means_over_the_classes_of_the_card(void **state)
{
    (void)state;
    enum { ROWS = 80, ALL = 5, SOME = 3 };
    static const size_t kept[SOME] = {0, 2, 3};
    static const uint8_t mean_of[ALL] = {1, 0, 1, 1, 0};
    radz_error err = {0};
    radz_protocol_card *card;
    ok(radz_protocol_card_load(RADZ_SOURCE_DIR "/manifests/protocols/chexzero.yaml", &card, &err), &err);
    assert_int_equal(card->mean_classes_count, 5);
    table t = make_table(4, ROWS, ALL, 1000, -1), few = make_table(4, ROWS, SOME, 1000, -1);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < SOME; k++) {
            few.scores[i * SOME + k] = t.scores[i * ALL + kept[k]];
            few.labels[i * SOME + k] = t.labels[i * ALL + kept[k]];
        }
    radz_metric_input all = input_of(&t), some = input_of(&few);
    radz_preset_row all_rows[ALL], some_rows[SOME];
    radz_preset_result a = {.classes = all_rows}, b = {.classes = some_rows}, whole = {.classes = all_rows};
    ok(radz_preset_measure(&all, &all, &card->rules, NULL, true, 2, &whole, &err), &err);
    ok(radz_preset_measure(&all, &all, &card->rules, mean_of, true, 2, &a, &err), &err);
    ok(radz_preset_measure(&some, &some, &card->rules, NULL, true, 2, &b, &err), &err);
    for (size_t f = 0; f < RADZ_FIGURE_COUNT; f++) {
        assert_int_equal(a.macro.counted[f], b.macro.counted[f]);
        assert_memory_equal(&a.macro.of[f], &b.macro.of[f], sizeof a.macro.of[f]);
    }
    assert_true(a.macro.of[RADZ_FIGURE_AUC].value != whole.macro.of[RADZ_FIGURE_AUC].value);
    radz_protocol_card_free(card);
    free(t.scores);
    free(t.labels);
    free(few.scores);
    free(few.labels);
}

static void unknown_words_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"arithmetic: numpy\n", "arithmetic"},
        {"figures: [auc, f2]\nundefined: drop\narithmetic: scikit-learn\n", "f2"},
        {"figures: [auc, f1]\narithmetic: scikit-learn\n", "threshold.rule"},
        {"figures: [auc]\narithmetic: scikit-learn\ninterval: {method: seeded-rows, replicates: 100, low: 2, high: 100}\n", "high"},
        {"figures: [auc]\n", "scikit-learn"},
        {"threshold: {rule: calibrated}\nundefined: na\n", "threshold.split"},
        {"threshold: {rule: calibrated, split: validation}\nfigures: [auc, f1]\narithmetic: scikit-learn\n", "threshold.rule"},
        {"figures: [auc]\narithmetic: scikit-learn\ninterval: {bounds: bca}\n", "interval.bounds"},
        {"mean_classes: [A, A]\n", "mean_classes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char path[] = "protocol-x.yaml";
        radz_error err = {0};
        radz_protocol_card *card;
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fprintf(f, "name: protocol-x\ntitle: x\nsource: x\n%s", bad[i][0]);
        fclose(f);
        assert_int_not_equal(radz_protocol_card_load(path, &card, &err), RADZ_OK);
        assert_null(card);
        if (strstr(err.message, bad[i][1]) == NULL)
            fail_msg("message '%s' does not name '%s'", err.message, bad[i][1]);
        remove(path);
    }
}

static int load(void **state)
{
    (void)state;
    radz_error err = {0};
    return radz_json_load(GOLDEN, &golden, &err) == RADZ_OK ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    radz_json_free(golden);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_those_of_numpy_and_python),
        cmocka_unit_test(cards_give_what_their_sources_give),
        cmocka_unit_test(edges),
        cmocka_unit_test(means_over_the_classes_of_the_card),
        cmocka_unit_test(unknown_words_are_refused),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
