/* Tables and figures of a paper: LaTeX, what is empty and what says that it has no data, pictures when gnuplot is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "report/figures.h"
#include "report/merge.h"
#include "unit/report_fixture.h"

#define ok(call) \
    do { \
        radz_error ok_err = {0}; \
        radz_error *err = &ok_err; \
        if ((call) != RADZ_OK) \
            fail_msg("%s: %s", #call, ok_err.message); \
    } while (0)

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/radz-figures-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int shell(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return system(command);
}

static int tear_down(void **state)
{
    (void)state;
    return shell("rm -rf '%s'", folder);
}

static char *read_file(const char *name)
{
    char path[256], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ok(radz_file_read(path, 1 << 24, &text, &size, err));
    return text;
}

static bool have_gnuplot(void)
{
    return system("command -v gnuplot >/dev/null 2>&1") == 0;
}

static const radz_published published[] = {
    {.method = "Method & Co", .source = "A paper_1, table 2", .protocol = "medklip", .dataset = "phantom", .labels = NAN, .auc = 53.15,
     .f1 = 12.38, .acc = NAN},
    {.method = "Method & Co", .source = "A paper_1, table 2", .protocol = "medklip", .dataset = "elsewhere", .labels = NAN, .auc = 70.5,
     .f1 = NAN, .acc = NAN},
    {.method = "Unknown", .source = "Another", .protocol = "radz", .note = "not available here", .labels = NAN, .auc = NAN, .f1 = NAN,
     .acc = NAN},
    {.method = "Prober", .source = "Another", .protocol = "radz", .dataset = "phantom", .labels = 10, .auc = 81.25, .f1 = NAN, .acc = NAN},
    {.method = "Asker", .source = "Another", .protocol = "radz", .asked = true, .dataset = "phantom", .labels = NAN, .auc = 50.01,
     .f1 = NAN, .acc = NAN},
    {.method = "By class", .source = "Another", .protocol = "chexzero", .dataset = "phantom", .class_name = "Mass", .labels = NAN,
     .auc = 81.18, .f1 = NAN, .acc = NAN},
    {.method = "By class", .source = "Another", .protocol = "chexzero", .dataset = "phantom", .class_name = "Nowhere", .labels = NAN,
     .auc = 60, .f1 = NAN, .acc = NAN},
};
enum { N_PUBLISHED = sizeof published / sizeof *published };

static void tables_hold_what_they_should(void **state)
{
    (void)state;
    radz_results *results;
    radz_strlist absent = {0};
    ok(fixture_results(&results, err));
    bool asked[5] = {0};
    radz_figures_input input = {.results = results, .asked = asked, .published = published, .n_published = N_PUBLISHED};
    ok(radz_figures_write(&input, folder, false, &absent, err));
    char *text = read_file("table-zero-shot.tex");
    assert_non_null(strstr(text, "Method \\& Co\\textsuperscript{a} & 53.15 & 12.38 & & & & & 70.50 & & \\\\\n"));
    assert_non_null(strstr(text, "Unknown\\textsuperscript{b} & & & & & & & & & \\\\\n")); /* empty, not zero */
    assert_non_null(strstr(text, "a: A paper\\_1, table 2; protocol medklip"));
    assert_non_null(strstr(text, "Unknown: not available here"));
    assert_non_null(strstr(text, "vit\\_b\\_32 / clip-posneg & "));
    assert_non_null(strstr(text, "1,024 SYNTHETIC images"));
    assert_null(strstr(text, "Prober")); /* had labels */
    assert_null(strstr(text, "Asker"));
    free(text);
    text = read_file("table-mllm.tex");
    assert_non_null(strstr(text, "Asker\\textsuperscript{a} & 50.01 & & \\\\"));
    assert_non_null(strstr(text, "no such model in these results"));
    free(text);
    text = read_file("table-few-shot.tex");
    assert_non_null(strstr(text, "no few-shot figures in these results"));
    assert_non_null(strstr(text, "phantom & Prober & 10 & & 81.25 & \\\\"));
    free(text);
    text = read_file("figures.tex");
    static const char *const parts[] = {"\\input{table-zero-shot}", "\\input{table-mllm}", "\\input{table-few-shot}",
                                        "{roc-phantom-test.pdf}", "{pr-phantom-test.pdf}", "{auc-phantom-test.pdf}",
                                        "{radar-phantom-test.pdf}", "{ablation-tokens.pdf}", "{ablation-layer.pdf}",
                                        "{ablation-temperature.pdf}", "{tsne.pdf}", "{cost-auc.pdf}", "{compare-auc.pdf}"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(text, parts[i]) == NULL)
            fail_msg("figures.tex lacks %s", parts[i]);
    free(text);
    /* three tables and four pictures have no data here; each says so */
    assert_int_equal(absent.count, 6);
    text = read_file("radar-phantom-test.gp"); /* published figures of single classes */
    assert_non_null(strstr(text, "By class (published)"));
    assert_non_null(strstr(text, "$published_0 << END"));
    assert_null(strstr(text, "$published_1"));
    free(text);
    text = read_file("ablation-layer.gp");
    assert_non_null(strstr(text, "No ablation over the factor 'layer' here."));
    free(text);
    text = read_file("tsne.gp");
    assert_non_null(strstr(text, "No features to lay out."));
    free(text);
    radz_strlist_free(&absent);
    radz_results_free(results);
}

/* With everything there is: nothing is absent, all scripts draw. */
static void everything_is_drawn(void **state)
{
    (void)state;
    radz_results *results;
    radz_strlist absent = {0};
    ok(fixture_results(&results, err));
    static const char *const ablation[] = {"factor", "at", "class", "auc", "ci_low", "ci_high"};
    static const char *const few[] = {"class", "percent", "draws", "auc_mean", "auc_sd"};
    ok(radz_results_add_detail(results, "ablation", ablation, 6, err)); /* of the block added last, odd_set */
    static const char *const factors[] = {"tokens", "layer", "temperature"};
    for (int f = 0; f < 3; f++)
        for (int i = 1; i <= 4; i++)
            ok(radz_results_add_detail_row(results, (radz_result_cell[]){{factors[f], NAN}, {NULL, f == 2 ? pow(10, -i) : i},
                                           {"macro", NAN}, {NULL, 0.7 + 0.02 * i}, {NULL, 0.65}, {NULL, i == 3 ? NAN : 0.85}}, err));
    ok(radz_results_add_detail(results, "few_shot", few, 5, err));
    ok(radz_results_add_detail_row(results, (radz_result_cell[]){{"macro", NAN}, {NULL, 1}, {NULL, 5}, {NULL, 0.6123}, {NULL, 0.011}},
                                   err));
    bool asked[5] = {0, 0, 0, 1, 0};
    enum { POINTS = 60 };
    double layout[2 * POINTS];
    size_t group[POINTS];
    for (size_t i = 0; i < POINTS; i++) {
        layout[2 * i] = cos((double)i) * (double)(i % 7);
        layout[2 * i + 1] = sin((double)i) * (double)(i % 5);
        group[i] = i % 4;
    }
    static const char *const groups[] = {"Mass", "Odd \"%\" `name`", "Edema", "none of the findings"};
    radz_feature_map map = {"phantom", "test", "clip-tiny", POINTS, layout, group, groups, 4, 15, 0.4};
    radz_figures_input input = {.results = results, .asked = asked, .published = published, .n_published = N_PUBLISHED, .maps = &map,
                                .n_maps = 1};
    ok(radz_figures_write(&input, folder, have_gnuplot(), &absent, err));
    for (size_t i = 0; i < absent.count; i++)
        fail_msg("absent: %s", absent.items[i]);
    char *text = read_file("table-few-shot.tex");
    assert_non_null(strstr(text, "odd\\_set & clip-tiny & 1 & 5 & 61.23 & 1.10 \\\\"));
    free(text);
    text = read_file("table-mllm.tex");
    assert_non_null(strstr(text, "vit\\_b\\_32 / clip-cosine & "));
    free(text);
    text = read_file("table-zero-shot.tex"); /* what was given labels is not zero-shot, what was asked stands in the other table */
    assert_null(strstr(text, "vit\\_b\\_32 / clip-cosine & "));
    assert_null(strstr(text, "{odd\\_set}"));
    free(text);
    if (have_gnuplot()) {
        assert_int_equal(shell("cd %s && for f in *.gp; do for e in pdf svg png; do test -s ${f%%.gp}.$e || exit 1; done; done", folder), 0);
        assert_int_equal(shell("test $(ls %s/*.gp | wc -l) -ge 14", folder), 0);
        /* letters stay letters: text in the SVG, fonts in the PDF */
        assert_int_equal(shell("grep -q '<text' %s/radar-phantom-test.svg && grep -aq '/FontFile' %s/radar-phantom-test.pdf", folder,
                               folder), 0);
        /* again into another folder: the same bytes */
        char other[80];
        snprintf(other, sizeof other, "%s/again", folder);
        ok(radz_figures_write(&input, other, true, NULL, err));
        assert_int_equal(shell("mv %s/again %s.again && diff -r %s %s.again && rm -r %s.again", folder, folder, folder, folder, folder),
                         0);
    }
    radz_strlist_free(&absent);
    radz_results_free(results);
}

static void nothing_to_draw_is_an_error(void **state)
{
    (void)state;
    radz_results *empty;
    radz_error e = {0};
    ok(radz_results_create("r", "s", NULL, NULL, &empty, err));
    radz_figures_input input = {.results = empty};
    assert_int_equal(radz_figures_write(&input, folder, false, NULL, &e), RADZ_E_MISSING);
    radz_results_free(empty);
}

static void runs_are_merged(void **state)
{
    (void)state;
    radz_results *a, *b, *both;
    radz_error e = {0};
    ok(fixture_results(&a, err));
    ok(fixture_results(&b, err));
    ok(radz_results_name(b, "other-run", err));
    ok(radz_results_merge((const radz_results *const[]){a, b}, 2, &both, err));
    assert_int_equal(both->n_blocks, 10);
    assert_int_equal(both->n_rows, 2 * a->n_rows);
    assert_int_equal(both->n_curves, 2 * a->n_curves);
    assert_int_equal(both->n_pr_curves, 2 * a->n_pr_curves);
    assert_int_equal(both->n_details, 2 * a->n_details);
    assert_int_equal(both->n_groups, a->n_groups);
    assert_string_equal(both->blocks[0].model, "clip-tiny");
    assert_string_equal(both->blocks[5].model, "clip-tiny (other-run)");
    assert_string_equal(both->rows[a->n_rows].model, "clip-tiny (other-run)");
    assert_int_equal(both->curves[a->n_curves].block, 5);
    radz_results_free(both);
    /* the same run thrice cannot be told apart */
    assert_int_equal(radz_results_merge((const radz_results *const[]){a, b, b}, 3, &both, &e), RADZ_E_USAGE);
    assert_non_null(strstr(e.message, "'other-run' is given twice"));
    assert_null(both);
    radz_results_free(a);
    radz_results_free(b);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {in_folder(tables_hold_what_they_should), in_folder(everything_is_drawn),
                                       in_folder(nothing_to_draw_is_an_error), in_folder(runs_are_merged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
