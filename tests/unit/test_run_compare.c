/* The regression gate on runs made by hand: verdicts, paired tests from the runs' own scores, and every way in which those
 * scores can be of no use. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "metric/delong.h"
#include "metric/multiple.h"
#include "metric/permutation.h"
#include "metric/resample.h"
#include "run/compare_runs.h"

enum { IMAGES = 240, CLASSES = 3 };
static const char *const class_names[CLASSES] = {"Mass", "Edema <b>&\"x\"", "Hernia"};
static char folder[64];
static radz_home home;
static char names[IMAGES][16];
static const char *images[IMAGES];
static uint32_t patients[IMAGES];
static int8_t labels[IMAGES * CLASSES];

static void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

/* Scores of a model: `skill` deviations between positives and negatives, `noise` of its own beside what all models share. */
static void make_scores(double skill, double noise, uint64_t seed, double *scores)
{
    radz_rng shared, own;
    radz_rng_seed(&shared, 5, 1);
    radz_rng_seed(&own, seed, 2);
    for (size_t i = 0; i < IMAGES * CLASSES; i++)
        scores[i] = radz_rng_normal(&shared) + noise * radz_rng_normal(&own) + (labels[i] == 1 ? skill : 0);
}

typedef struct made_run {
    const char *name;
    double scores[IMAGES * CLASSES];
    const char *fingerprint;
    bool skip_hernia, no_scores;
} made_run;


static void write_run(const made_run *run)
{
    radz_error err = {0};
    radz_results *results;
    char dir[200];
    radz_metric_input input = {.rows = IMAGES, .classes = CLASSES, .scores = run->scores, .labels = labels,
                               .class_names = class_names};
    radz_class_metrics classes[CLASSES];
    radz_mean_metrics mean;
    radz_metric_work *work;
    need(radz_metric_work_create(&work, &err), &err);
    need(radz_metric_classes(&input, NULL, work, classes, &err), &err);
    radz_metric_mean(classes, CLASSES, NULL, &mean);
    radz_metric_work_free(work);
    need(radz_results_create(run->name, "s", "S", "c", &results, &err), &err);
    need(radz_results_add_block(results, &(radz_result_block){.dataset = "set", .split = "test", .model = "m", .scorer = "sc",
                                                              .protocol = "strict", .n = IMAGES, .n_patients = 80,
                                                              .fingerprint = run->fingerprint, .confidence = 0.95}, &err), &err);
    for (size_t c = 0; c <= CLASSES; c++) {
        const radz_metric_values *v = c == 0 ? &mean.metrics : &classes[c - 1].metrics;
        if (run->skip_hernia && c == CLASSES)
            continue;
        for (size_t m = 0; m < RADZ_METRIC_COUNT; m++) {
            if (c == 0 && !radz_metrics[m].averaged)
                continue;
            radz_result_row row = {"set", "test", "m", "sc", "strict", c == 0 ? "macro" : class_names[c - 1], radz_metrics[m].name,
                                   IMAGES, 0, v->value[m], NAN, NAN, radz_metric_status_name(v->status[m]), NULL};
            need(radz_results_add_row(results, &row, &err), &err);
        }
    }
    need(radz_results_add_fact(results, "program", run->name, &err), &err);
    snprintf(dir, sizeof dir, "%s/%s", folder, run->name);
    need(radz_results_write(results, dir, &err), &err);
    radz_results_free(results);
    if (run->no_scores)
        return;
    need(radz_scores_write(dir, "set", "m", "sc", images, IMAGES, class_names, CLASSES, run->scores, &err), &err);
    need(radz_labels_write(dir, "set", images, patients, IMAGES, class_names, CLASSES, labels, &err), &err);
}


static void compare(const char *base, const char *now, radz_compared_runs *out)
{
    char a[200], b[200];
    radz_error err = {0};
    snprintf(a, sizeof a, "%s/%s", folder, base);
    snprintf(b, sizeof b, "%s/%s", folder, now);
    need(radz_compare_runs(&home, a, b, "nightly", 2, out, &err), &err);
}

static const radz_compared *row_of(const radz_compared_runs *runs, const char *metric, const char *class_name)
{
    for (size_t i = 0; i < runs->comparison->n_rows; i++) {
        const radz_compared *r = &runs->comparison->rows[i];
        const radz_result_row *any = r->base != NULL ? r->base : r->now;
        if (strcmp(any->metric, metric) == 0 && strcmp(any->class_name, class_name) == 0)
            return r;
    }
    fail_msg("no row %s %s", metric, class_name);
    return NULL;
}

static char *printed(const radz_compared_runs *runs, const char *format)
{
    char *text = NULL;
    size_t size;
    radz_error err = {0};
    FILE *out = open_memstream(&text, &size);
    need(radz_comparison_print(runs->comparison, format, out, &err), &err);
    fclose(out);
    return text;
}

static int set_up(void **state)
{
    (void)state;
    radz_error err = {0};
    strcpy(folder, "/tmp/radz-compare-XXXXXX");
    assert_non_null(mkdtemp(folder));
    setenv("RADZ_HOME", RADZ_SOURCE_DIR, 1);
    need(radz_home_open(folder, NULL, &home, &err), &err);
    radz_rng rng;
    radz_rng_seed(&rng, 3, 3);
    for (size_t i = 0; i < IMAGES; i++) {
        snprintf(names[i], sizeof names[i], "%04zu.png", i);
        images[i] = names[i];
        patients[i] = (uint32_t)(i / 3);
        for (size_t c = 0; c < CLASSES; c++)
            labels[i * CLASSES + c] = radz_rng_below(&rng, 4) == 0 ? 1 : c == 1 && i % 17 == 0 ? -1 : 0;
    }
    static made_run base = {.name = "base", .fingerprint = "f1"}, good = {.name = "good", .fingerprint = "f1"},
                    bad = {.name = "bad", .fingerprint = "f1"}, jitter = {.name = "jitter", .fingerprint = "f1"},
                    other = {.name = "other", .fingerprint = "f2"}, lacks = {.name = "lacks", .fingerprint = "f1", .skip_hernia = true},
                    bare = {.name = "bare", .fingerprint = "f1", .no_scores = true};
    made_run *const all[] = {&base, &good, &bad, &jitter, &other, &lacks, &bare};
    make_scores(1.0, 0.3, 1, base.scores);
    make_scores(2.5, 0.3, 2, good.scores);
    make_scores(0.1, 0.3, 3, bad.scores);
    make_scores(0.97, 0.5, 4, jitter.scores);
    memcpy(other.scores, base.scores, sizeof base.scores);
    memcpy(lacks.scores, base.scores, sizeof base.scores);
    memcpy(bare.scores, bad.scores, sizeof bad.scores);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        write_run(all[i]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    radz_home_close(&home);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void the_same_run_is_the_same(void **state)
{
    (void)state;
    radz_compared_runs runs;
    compare("base", "base", &runs);
    assert_int_equal(runs.comparison->counts[RADZ_VERDICT_SAME], runs.comparison->n_rows);
    assert_int_equal(runs.comparison->failures, 0);
    char *text = printed(&runs, "table");
    assert_non_null(strstr(text, "\nthe same: "));
    free(text);
    radz_compared_runs_free(&runs);
}

static void falls_are_regressions(void **state)
{
    (void)state;
    radz_compared_runs runs;
    compare("base", "bad", &runs);
    const radz_compared *r = row_of(&runs, "auc", "macro");
    assert_int_equal(r->verdict, RADZ_VERDICT_WORSE);
    assert_string_equal(r->test, "bootstrap");
    assert_true(r->high < 0);
    r = row_of(&runs, "auc", "Mass");
    assert_int_equal(r->verdict, RADZ_VERDICT_WORSE);
    assert_string_equal(r->test, "DeLong");
    assert_true(r->p < 1e-4 && r->change < -0.1 && r->high < 0);
    /* thresholds and prevalence are nobody's improvement */
    assert_int_equal(row_of(&runs, "threshold", "Mass")->verdict, RADZ_VERDICT_UNJUDGED);
    assert_int_equal(row_of(&runs, "prevalence", "Mass")->verdict, RADZ_VERDICT_SAME);
    assert_int_equal(row_of(&runs, "npv", "Mass")->verdict, RADZ_VERDICT_UNJUDGED); /* no tolerance on the card */
    char *text = printed(&runs, "table");
    assert_non_null(strstr(text, "changed: program: base -> bad"));
    assert_non_null(strstr(text, "REGRESSION: "));
    free(text);
    /* odd names are escaped, and the counts are those of the cases below */
    text = printed(&runs, "junit");
    assert_non_null(strstr(text, "name=\"auc Edema &lt;b&gt;&amp;&quot;x&quot;\""));
    assert_null(strstr(text, "<b>"));
    size_t cases = 0, failures = 0, tests = 0, failed = 0;
    for (const char *p = text; (p = strstr(p, "<testcase")) != NULL; p++)
        cases++;
    for (const char *p = text; (p = strstr(p, "<failure")) != NULL; p++)
        failures++;
    assert_int_equal(sscanf(strstr(text, "<testsuites"), "<testsuites name=\"radz-bench compare\" tests=\"%zu\" failures=\"%zu\"", &tests,
                            &failed), 2);
    assert_int_equal(tests, cases);
    assert_int_equal(failed, failures);
    assert_int_equal(failures, runs.comparison->failures);
    assert_true(failures > 3);
    free(text);
    text = printed(&runs, "md");
    assert_non_null(strstr(text, "# **REGRESSION**"));
    assert_null(strstr(text, "<b>"));
    free(text);
    radz_json_doc *doc;
    radz_error err = {0};
    bool regression = false;
    text = printed(&runs, "json");
    need(radz_json_parse(text, strlen(text), "json", &doc, &err), &err);
    assert_true(radz_json_as_bool(radz_json_find(radz_json_root(doc), "regression"), &regression) && regression);
    radz_json_free(doc);
    free(text);
    assert_int_equal(radz_comparison_print(runs.comparison, "xml", stdout, &err), RADZ_E_USAGE);
    radz_compared_runs_free(&runs);

    compare("bad", "base", &runs); /* the other way round it is an improvement */
    assert_int_equal(runs.comparison->failures, 0);
    assert_int_equal(row_of(&runs, "auc", "macro")->verdict, RADZ_VERDICT_BETTER);
    radz_compared_runs_free(&runs);
    compare("base", "good", &runs);
    assert_int_equal(row_of(&runs, "auc", "Mass")->verdict, RADZ_VERDICT_BETTER);
    radz_compared_runs_free(&runs);
}

/* The p-value is DeLong's over patients, the interval the bootstrap's over patients, of the very scores in the folders. */
static void tests_are_those_of_the_metric_room(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_compared_runs runs;
    static double a[IMAGES * CLASSES], b[IMAGES * CLASSES];
    make_scores(1.0, 0.3, 1, a);
    make_scores(0.97, 0.5, 4, b);
    compare("base", "jitter", &runs);
    radz_metric_input now = {.rows = IMAGES, .classes = CLASSES, .scores = b, .labels = labels}, base = now;
    base.scores = a;
    radz_delong_work *work;
    radz_delong_pair pair;
    radz_clusters clusters = {patients, IMAGES / 3};
    need(radz_delong_work_create(&work, &err), &err);
    size_t tested = 0;
    double p[CLASSES], holm[CLASSES], bh[CLASSES];
    uint8_t all[CLASSES];
    radz_permutation permuted[CLASSES + 1];
    memset(all, 1, sizeof all);
    /* as the file of labels names them */
    char texts[IMAGES][16];
    const char *of[IMAGES];
    uint32_t numbered[IMAGES];
    size_t count;
    for (size_t i = 0; i < IMAGES; i++) {
        snprintf(texts[i], sizeof texts[i], "%u", (unsigned)patients[i]);
        of[i] = texts[i];
    }
    need(radz_number_patients(of, IMAGES, numbered, &count, &err), &err);
    radz_permutation_options options = {.permutations = 1000, .seed = 1, .threads = 1, .groups = all, .group_count = 1};
    need(radz_permutation_paired(&now, &base, numbered, count, &options, permuted, &permuted[CLASSES], &err), &err);
    for (size_t c = 0; c < CLASSES; c++) {
        need(radz_delong_paired(&now, &base, c, &clusters, work, &pair, &err), &err);
        p[c] = pair.p;
    }
    need(radz_adjust_holm(p, CLASSES, holm, &err), &err);
    need(radz_adjust_bh(p, CLASSES, bh, &err), &err);
    for (size_t c = 0; c < CLASSES; c++) {
        const radz_compared *r = row_of(&runs, "auc", class_names[c]);
        if (r->test == NULL)
            continue;
        need(radz_delong_paired(&now, &base, c, &clusters, work, &pair, &err), &err);
        assert_true(r->p == pair.p && r->change == pair.difference);
        assert_true(r->p_holm == holm[c] && r->p_bh == bh[c] && r->p_permutation == permuted[c].p);
        assert_true(r->p_holm >= r->p_bh && r->p_bh >= r->p);
        tested++;
    }
    const radz_compared *mean = row_of(&runs, "auc", "macro");
    if (mean->beyond)
        assert_true(mean->p_permutation == permuted[CLASSES].p && isnan(mean->p_holm));
    radz_delong_work_free(work);
    assert_true(tested > 0);
    for (size_t i = 0; i < runs.comparison->n_rows; i++) { /* each beyond its tolerance was tested, and nothing else */
        const radz_compared *r = &runs.comparison->rows[i];
        assert_int_equal(r->test != NULL, r->beyond);
        if (r->verdict == RADZ_VERDICT_NOISE)
            assert_true(isnan(r->p) ? r->low <= 0 && r->high >= 0 : r->p >= 0.01);
    }
    assert_true(runs.comparison->counts[RADZ_VERDICT_NOISE] > 0);
    radz_compared_runs_free(&runs);
}

static void rows_that_are_not_there(void **state)
{
    (void)state;
    radz_compared_runs runs;
    compare("base", "lacks", &runs);
    assert_int_equal(row_of(&runs, "auc", "Hernia")->verdict, RADZ_VERDICT_GONE);
    assert_int_equal(row_of(&runs, "npv", "Hernia")->verdict, RADZ_VERDICT_UNJUDGED);
    assert_int_equal(row_of(&runs, "auc", "Mass")->verdict, RADZ_VERDICT_SAME);
    assert_int_equal(runs.comparison->failures, runs.comparison->counts[RADZ_VERDICT_GONE]);
    radz_compared_runs_free(&runs);
    compare("lacks", "base", &runs);
    assert_int_equal(row_of(&runs, "auc", "Hernia")->verdict, RADZ_VERDICT_NEW);
    assert_int_equal(runs.comparison->failures, 0);
    radz_compared_runs_free(&runs);
    compare("base", "other", &runs); /* the same figures of other images say nothing */
    assert_int_equal(row_of(&runs, "auc", "Mass")->verdict, RADZ_VERDICT_OTHER_IMAGES);
    assert_true(runs.comparison->failures > 0);
    radz_compared_runs_free(&runs);
}

static void untested(const char *base, const char *now, const char *why)
{
    radz_compared_runs runs;
    compare(base, now, &runs);
    const radz_compared_block *b = &runs.comparison->blocks[0];
    if (b->untested == NULL || strstr(b->untested, why) == NULL)
        fail_msg("wanted '%s', found '%s'", why, b->untested != NULL ? b->untested : "(tested)");
    assert_int_equal(row_of(&runs, "auc", "Mass")->verdict, RADZ_VERDICT_WORSE); /* no test is no excuse */
    assert_null(row_of(&runs, "auc", "Mass")->test);
    radz_compared_runs_free(&runs);
}

static void change_file(const char *run, const char *file, const char *text)
{
    char path[300];
    radz_error err = {0};
    snprintf(path, sizeof path, "%s/%s/%s", folder, run, file);
    need(radz_file_write(path, text, strlen(text), &err), &err);
}

static void useless_scores_are_named(void **state)
{
    (void)state;
    untested("base", "bare", "scores-set-m-sc.csv");
    untested("base", "bad/results.json", "has no scores");
    change_file("bad", "scores-set-m-sc.csv", "image,Mass,\"Edema <b>&\"\"x\"\"\",Hernia\n0000.png,1,2,3\n");
    untested("base", "bad", "has scores of 1 images, BASE of 240");
    change_file("bad", "scores-set-m-sc.csv", "image,Mass,\"Edema <b>&\"\"x\"\"\",Hernia\nnew.png,1,2,3\n");
    untested("base", "bad", "line 2: image 'new.png' is not in BASE");
    change_file("bad", "scores-set-m-sc.csv", "image,Mass,\"Edema <b>&\"\"x\"\"\",Hernia\n0000.png,1,2,3\n0000.png,1,2,3\n");
    untested("base", "bad", "line 3: image '0000.png' is there twice");
    change_file("bad", "scores-set-m-sc.csv", "image,Mass,\"Edema <b>&\"\"x\"\"\",Hernia\n0000.png,1,nan,3\n");
    untested("base", "bad", "line 2 column 'Edema <b>&\"x\"': NaN is no score");
    change_file("bad", "scores-set-m-sc.csv", "image,Mass\n");
    untested("base", "bad", "Edema");
    change_file("bad", "scores-set-m-sc.csv", "");
    untested("base", "bad", "scores-set-m-sc.csv");
    radz_compared_runs runs;
    radz_error err = {0};
    assert_int_equal(radz_compare_runs(&home, folder, folder, "nightly", 1, &runs, &err), RADZ_E_MISSING);
    assert_true(radz_str_starts(err.message, "BASE: "));
    radz_compared_runs_free(&runs);
    radz_error_clear(&err);
    assert_int_equal(radz_compare_runs(&home, folder, folder, "nightlies", 1, &runs, &err), RADZ_E_USAGE);
    radz_compared_runs_free(&runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_run_is_the_same),
        cmocka_unit_test(falls_are_regressions),
        cmocka_unit_test(tests_are_those_of_the_metric_room),
        cmocka_unit_test(rows_that_are_not_there),
        cmocka_unit_test(useless_scores_are_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
