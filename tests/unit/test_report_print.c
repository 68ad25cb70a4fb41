/* The printers against committed files; results.json read back; every format's own syntax. RADZ_UPDATE_GOLDEN=1 rewrites
 * the committed files: look at the difference before committing it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "report/escape.h"
#include "report/print.h"
#include "report/results_parse.h"
#include "report/tables.h"
#include "unit/report_fixture.h"

#define GOLDEN RADZ_TEST_DIR "/golden/report/"

#define ok(call) \
    do { \
        radz_error ok_err = {0}; \
        radz_error *err = &ok_err; \
        if ((call) != RADZ_OK) \
            fail_msg("%s: %s", #call, ok_err.message); \
    } while (0)

static radz_results *fixture(void)
{
    radz_results *results;
    ok(fixture_results(&results, err));
    return results;
}

static char *printed(const radz_results *results, const char *format, const radz_print_options *options)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    ok(radz_results_print(results, format, options, stream, err));
    fclose(stream);
    return text;
}

static void assert_golden(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, GOLDEN "%s", name);
    if (getenv("RADZ_UPDATE_GOLDEN") != NULL) {
        ok(radz_file_write(path, text, strlen(text), err));
        return;
    }
    char *want;
    size_t size;
    ok(radz_file_read(path, 1 << 24, &want, &size, err));
    for (size_t i = 0, line = 1; text[i] != '\0' || want[i] != '\0'; i++) {
        if (text[i] != want[i])
            fail_msg("%s line %zu differs:\n  now  %.120s\n  file %.120s", name, line, text + i, want + i);
        line += text[i] == '\n';
    }
    free(want);
}

static void printers_match_the_committed_files(void **state)
{
    (void)state;
    radz_results *results = fixture();
    static const char *const files[][2] = {{"table", "table.txt"},      {"md", "table.md"},         {"tex", "table.tex"},
                                           {"csv", "metrics.csv"},     {"json", "results.json"},   {"timing", "timing.json"},
                                           {"details", "details.txt"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *text = printed(results, files[i][0], NULL);
        assert_golden(files[i][1], text);
        free(text);
    }
    radz_results_free(results);
}

static void every_printer_is_found_and_works(void **state)
{
    (void)state;
    radz_results *results = fixture(), *empty;
    ok(radz_results_create("r", "s", NULL, NULL, &empty, err));
    size_t n = 0;
    for (const radz_printer *p = radz_printers; p->name != NULL; p++, n++) {
        const radz_printer *found;
        ok(radz_printer_find(p->name, &found, err));
        assert_ptr_equal(found, p);
        char *text = printed(results, p->name, NULL), *none = printed(empty, p->name, NULL);
        assert_true(strlen(text) > 300);
        assert_true(none[strlen(none) - 1] == '\n' && text[strlen(text) - 1] == '\n');
        free(text);
        free(none);
    }
    assert_int_equal(n, 9);
    radz_error e = {0};
    const radz_printer *found;
    assert_int_equal(radz_printer_find("jsn", &found, &e), RADZ_E_USAGE);
    assert_non_null(strstr(e.message, "did you mean 'json'"));
    radz_results_free(results);
    radz_results_free(empty);
}

static void terminal_tables_fit(void **state)
{
    (void)state;
    radz_results *results = fixture();
    for (size_t width = 80; width <= 140; width += 20) {
        char *text = printed(results, "table", &(radz_print_options){.width = width});
        for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            if (radz_text_width(line) > width)
                fail_msg("%zu columns wanted, %zu used: %s", width, radz_text_width(line), line);
        }
        assert_null(strchr(text, '\033'));
        free(text);
    }
    char *text = printed(results, "table", &(radz_print_options){.colour = true});
    assert_non_null(strstr(text, "\033[1m"));
    free(text);
    radz_results_free(results);
}

static void results_round_trip(void **state)
{
    (void)state;
    radz_results *results = fixture(), *back;
    char dir[] = "/tmp/radz-report-XXXXXX", path[600], command[1400];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/deep/run", dir);
    ok(radz_results_write(results, path, err));
    ok(radz_results_load(path, &back, err));
    ok(radz_results_load_timing(back, path, err));
    for (const radz_printer *p = radz_printers; p->name != NULL; p++) {
        char *a = printed(results, p->name, NULL), *b = printed(back, p->name, NULL);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    assert_int_equal(back->n_curves, results->n_curves);
    assert_int_equal(back->n_pr_curves, results->n_pr_curves);
    assert_int_equal(back->n_mistakes, results->n_mistakes);
    /* writing what was read leaves the timings of the run alone */
    snprintf(command, sizeof command, "cp -r %s %s/first", path, dir);
    assert_int_equal(system(command), 0);
    ok(radz_results_write(back, path, err));
    snprintf(command, sizeof command, "diff -r %s %s/first", path, dir);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "test $(ls %s | wc -l) = 8", path); /* no temporary files */
    assert_int_equal(system(command), 0);
    radz_results_free(back);
    /* a file by its own name */
    snprintf(command, sizeof command, "%s/results.json", path);
    ok(radz_results_load(command, &back, err));
    radz_results_free(back);
    radz_error e = {0};
    assert_int_equal(radz_results_load(dir, &back, &e), RADZ_E_MISSING);
    assert_null(back);
    radz_error_clear(&e);
    snprintf(path, sizeof path, "%s/file", dir);
    ok(radz_file_write(path, "x", 1, err));
    assert_int_equal(radz_results_write(results, path, &e), RADZ_E_IO);
    assert_non_null(strstr(e.message, path));
    radz_error_clear(&e);
    FILE *full = fopen("/dev/full", "w");
    assert_int_equal(radz_results_print(results, "json", NULL, full, &e), RADZ_E_IO);
    fclose(full);
    radz_results_free(results);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* Replaces the first `from` in the golden JSON and expects reading to fail with a text. */
static void refused(const char *from, const char *to, radz_status want, const char *message)
{
    char *text;
    size_t size;
    ok(radz_file_read(GOLDEN "results.json", 1 << 24, &text, &size, err));
    char *at = strstr(text, from);
    assert_non_null(at);
    radz_strbuf changed = {0};
    ok(radz_strbuf_append(&changed, text, (size_t)(at - text), err));
    ok(radz_strbuf_puts(&changed, to, err));
    ok(radz_strbuf_puts(&changed, at + strlen(from), err));
    radz_results *results;
    radz_error e = {0};
    radz_status st = radz_results_parse(changed.text, changed.length, "r.json", &results, &e);
    if (st != want || strstr(e.message, message) == NULL)
        fail_msg("'%s' -> '%s': status %d, message '%s'", from, to, (int)st, e.message);
    assert_null(results);
    radz_strbuf_free(&changed);
    free(text);
}

/* A file of the first versions: without what came later. */
static void results_of_older_versions_are_read(void **state)
{
    (void)state;
    radz_results *results = NULL;
    static const char old[] = "{\"schema\": \"radz-bench/results/1\", \"run\": \"r\", \"suite\": \"s\", \"suite_title\": \"S\", "
                              "\"command\": \"c\", \"provenance\": {}, \"blocks\": [], \"groups\": [], \"absent\": [], "
                              "\"skipped_images\": [], \"rows\": []}";
    ok(radz_results_parse(old, strlen(old), "old.json", &results, err));
    assert_int_equal(results->n_notes + results->n_pairs + results->n_findings + results->n_curves + results->n_details, 0);
    radz_results_free(results);
}

static void altered_results_are_refused(void **state)
{
    (void)state;
    refused("radz-bench/results/1", "radz-bench/results/2", RADZ_E_UNSUPPORTED, "this program reads 'radz-bench/results/1'");
    refused("\"rows\"", "\"roes\"", RADZ_E_MISSING, "'rows'");
    refused("\"images\": 1024", "\"images\": -1", RADZ_E_VALUE, "'blocks' number 1");
    refused("\"synthetic\": true", "\"synthetic\": 1", RADZ_E_FORMAT, "wanted true or false");
    refused("\"value\": 0.", "\"value\": \"0\", \"x\": 0.", RADZ_E_FORMAT, "'rows' number 1");
    refused("\"block\": 0", "\"block\": 99", RADZ_E_FORMAT, "block 99");
    refused("\"fpr\": [0", "\"fpr\": [7", RADZ_E_VALUE, "outside 0 to 1");
    refused("\"fpr\": [0", "\"fpr\": [0, 0", RADZ_E_FORMAT, "a curve of");
    refused("\"recall\": [0", "\"recall\": [0, 0", RADZ_E_FORMAT, "a curve of");
    refused("\"outranked\": 0.", "\"outranked\": 7.", RADZ_E_VALUE, "'mistakes' number 1");
    refused("\"model\": \"clip-tiny\"", "\"model\": null", RADZ_E_FORMAT, "'model'");
    refused("\"model\": \"clip-tiny\"", "\"model\": \"a\\u0000b\"", RADZ_E_FORMAT, "NUL");
    refused("{\n", "[\n", RADZ_E_FORMAT, "not valid JSON");
    refused("\"findings\": [", "\"findings\": [[],", RADZ_E_FORMAT, "'findings' number 1");
    refused("\"examples\": [", "\"examples\": [\"a\", \"b\", \"c\", \"d\"", RADZ_E_FORMAT, "4 of them, wanted at most 3");
    refused("\"seed\": \"1\"", "\"seed\": 1", RADZ_E_FORMAT, "provenance 'seed'");
}

static void timings_are_read_back(void **state)
{
    (void)state;
    radz_results *results = fixture(), *back;
    char dir[] = "/tmp/radz-report-XXXXXX", path[600];
    assert_non_null(mkdtemp(dir));
    radz_error e = {0};
    ok(radz_results_write(results, dir, err));
    snprintf(path, sizeof path, "%s/timing.json", dir);
    static const struct {
        const char *text;
        radz_status status;
        const char *message;
    } wrong[] = {
        {"{\"schema\": \"radz-bench/timing/2\"}", RADZ_E_UNSUPPORTED, "reads 'radz-bench/timing/1'"},
        {"{\"schema\": \"radz-bench/timing/1\", \"run\": \"other\"}", RADZ_E_VALUE, "of the run 'other'"},
        {"{\"schema\": \"radz-bench/timing/1\", \"run\": \"chest-0123456789ab\"}", RADZ_E_MISSING, "'seconds'"},
        {"[", RADZ_E_FORMAT, "timing.json"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ok(radz_file_write(path, wrong[i].text, strlen(wrong[i].text), err));
        ok(radz_results_load(dir, &back, err));
        radz_status st = radz_results_load_timing(back, dir, &e);
        if (st != wrong[i].status || strstr(e.message, wrong[i].message) == NULL)
            fail_msg("%s: status %d, message '%s'", wrong[i].text, (int)st, e.message);
        radz_error_clear(&e);
        radz_results_free(back);
    }
    assert_int_equal(unlink(path), 0);
    ok(radz_results_load(dir, &back, err));
    ok(radz_results_load_timing(back, dir, err)); /* no file: nothing known, no error */
    assert_true(back->n_stages == 0 && back->total_seconds == 0);
    radz_results_free(back);
    radz_results_free(results);
    snprintf(path, sizeof path, "rm -rf %s", dir);
    assert_int_equal(system(path), 0);
}

static void odd_numbers_survive(void **state)
{
    (void)state;
    radz_results *results, *back;
    ok(radz_results_create("r", "s", "S", "c", &results, err));
    radz_result_row row = {"d", "t", "m", "s", "p", "c", "threshold", 5, 2, INFINITY, -INFINITY, NAN, "ok", NULL};
    ok(radz_results_add_row(results, &row, err));
    row.value = 0.1 + 0.2;
    row.ci_low = 5e-324;
    row.ci_high = 1.7976931348623157e308;
    ok(radz_results_add_row(results, &row, err));
    char *text = printed(results, "json", NULL);
    ok(radz_results_parse(text, strlen(text), "x", &back, err));
    assert_true(back->rows[0].value == INFINITY && back->rows[0].ci_low == -INFINITY && isnan(back->rows[0].ci_high));
    assert_true(back->rows[1].value == 0.1 + 0.2 && back->rows[1].ci_low == 5e-324);
    free(text);
    text = printed(back, "csv", NULL);
    assert_non_null(strstr(text, "\nd,t,5,m,s,p,c,threshold,inf,-inf,NA,2,ok\n"));
    assert_non_null(strstr(text, ",0.30000000000000004,5e-324,1.7976931348623157e+308,"));
    free(text);
    radz_results_free(results);
    radz_results_free(back);
    /* the home folder's name goes nowhere */
    const char *home = getenv("HOME");
    char kept[512] = "", line[600];
    if (home != NULL)
        snprintf(kept, sizeof kept, "%s", home);
    setenv("HOME", "/home/jane", 1);
    snprintf(line, sizeof line, "radz-bench run --results /home/jane/x --cache '/home/jane' /home/janet");
    ok(radz_results_create("r", "s", "S", line, &results, err));
    assert_string_equal(results->command, "radz-bench run --results ~/x --cache '~' /home/janet");
    radz_results_free(results);
    setenv("HOME", kept, 1);
}

/* Braces, environments and unescaped special characters, as LaTeX would see them. */
static void latex_is_balanced(void **state)
{
    (void)state;
    radz_results *results = fixture();
    char *text = printed(results, "tex", NULL);
    int depth = 0, dollars = 0, tables = 0, tabulars = 0;
    size_t ampersands = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        if (line[0] == '%')
            continue;
        size_t here = 0;
        for (char *p = line; p < end; p++) {
            if (*p == '\\') {
                tables += strncmp(p, "\\begin{table}", 13) == 0;
                tables -= strncmp(p, "\\end{table}", 11) == 0;
                tabulars += strncmp(p, "\\begin{tabular}", 15) == 0;
                tabulars -= strncmp(p, "\\end{tabular}", 13) == 0;
                assert_true(tables <= 1 && tabulars <= tables);
                if (strchr("\\{}%$&#_", p[1]) != NULL)
                    p++;
                continue;
            }
            depth += *p == '{';
            depth -= *p == '}';
            dollars += *p == '$';
            here += *p == '&';
            assert_true(depth >= 0);
            if (strchr("_^#~%", *p) != NULL)
                fail_msg("unescaped %c in: %.100s", *p, line);
        }
        assert_int_equal(depth, 0);
        /* each row of a tabular has as many cells as its head */
        if (strstr(line, "\\toprule") == line + strspn(line, " "))
            ampersands = 0;
        else if (tabulars == 1 && here > 0) {
            if (ampersands == 0)
                ampersands = here;
            assert_int_equal(here, ampersands);
        }
    }
    assert_true(tables == 0 && tabulars == 0 && dollars == 0);
    free(text);
    radz_results_free(results);
}

static char *escaped(void (*put)(FILE *, const char *), const char *text)
{
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);
    put(stream, text);
    fclose(stream);
    return out;
}

static void assert_escaped(void (*put)(FILE *, const char *), const char *text, const char *want)
{
    char *got = escaped(put, text);
    assert_string_equal(got, want);
    free(got);
}

static void text_is_escaped_for_its_format(void **state)
{
    (void)state;
    assert_escaped(radz_put_csv, "plain_text", "plain_text");
    assert_escaped(radz_put_csv, "a,b", "\"a,b\"");
    assert_escaped(radz_put_csv, "say \"x\"", "\"say \"\"x\"\"\"");
    assert_escaped(radz_put_csv, "two\nlines", "\"two\nlines\"");
    assert_escaped(radz_put_csv, " a", "\" a\"");
    assert_escaped(radz_put_csv, "", "");
    assert_escaped(radz_put_latex, "a_b 5% & #1 $x$ {y}", "a\\_b 5\\% \\& \\#1 \\$x\\$ \\{y\\}");
    assert_escaped(radz_put_latex, "\\ ~ ^ < > |", "\\textbackslash{} \\textasciitilde{} \\textasciicircum{} \\textless{} "
                                                   "\\textgreater{} \\textbar{}");
    assert_escaped(radz_put_latex, "0.8 [0.7, 0.9]", "0.8 [0.7, 0.9]");
    assert_escaped(radz_put_latex, "[a]", "{[}a]");
    assert_escaped(radz_put_latex, "* b*", "{*} b*");
    assert_escaped(radz_put_markdown, "Pleural_Thickening", "Pleural_Thickening");
    assert_escaped(radz_put_markdown, "_a_ | *b* `c` <d> & [e] [f](g)", "\\_a\\_ \\| \\*b\\* \\`c\\` &lt;d\\> &amp; [e] [f\\](g)");
    assert_escaped(radz_put_markdown, "two\nlines", "two lines");
    assert_escaped(radz_put_gnuplot, "a \"b\" \\c `rm -rf` \n", "\"a \\\"b\\\" \\\\c 'rm -rf'  \"");
    radz_strbuf part = {0};
    ok(radz_put_file_part(&part, "../a b/É_x-1.0", err));
    assert_string_equal(part.text, "_._a_b____x-1.0");
    radz_strbuf_free(&part);
    assert_int_equal(radz_text_width("É a"), 3);
    assert_int_equal(radz_text_width("胸部"), 4);
    assert_int_equal(radz_text_width("e\xcc\x81"), 1);
    char count[32];
    radz_count_text(0, count);
    assert_string_equal(count, "0");
    radz_count_text(1234567, count);
    assert_string_equal(count, "1,234,567");
    radz_count_text(112, count);
    assert_string_equal(count, "112");
}

static void scores_are_exact(void **state)
{
    (void)state;
    char dir[] = "/tmp/radz-report-XXXXXX", path[600], *text, command[100];
    assert_non_null(mkdtemp(dir));
    static const char *const images[] = {"00000001_000.png", "a,b.png"}, *const classes[] = {"Mass", "Pleural_Thickening"};
    const double scores[] = {0.1, 1.0 / 3.0, -2, NAN};
    ok(radz_scores_write(dir, "phantom", "clip/tiny", "clip-posneg", images, 2, classes, 2, scores, err));
    size_t size;
    snprintf(path, sizeof path, "%s/scores-phantom-clip_tiny-clip-posneg.csv", dir);
    ok(radz_file_read(path, 1000, &text, &size, err));
    assert_string_equal(text, "image,Mass,Pleural_Thickening\n00000001_000.png,0.1,0.3333333333333333\n\"a,b.png\",-2,NA\n");
    free(text);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    radz_error e = {0};
    assert_int_equal(radz_scores_write(dir, "p", "m", "s", images, 2, classes, 2, scores, &e), RADZ_E_MISSING);
}

static void wrong_use_is_refused(void **state)
{
    (void)state;
    radz_results *results;
    ok(radz_results_create("r", "s", "S", "c", &results, err));
    radz_error e = {0};
    double x[] = {0, 1};
    assert_int_equal(radz_results_add_curve(results, "c", x, x, 2, &e), RADZ_E_INTERNAL);
    radz_error_clear(&e);
    assert_int_equal(radz_results_add_row(results, &(radz_result_row){.dataset = "d"}, &e), RADZ_E_INTERNAL);
    radz_error_clear(&e);
    ok(radz_results_add_fact(results, "k", "v", err));
    assert_int_equal(radz_results_add_fact(results, "k", "w", &e), RADZ_E_INTERNAL);
    radz_results_free(results);
    radz_results_free(NULL);
}

static void every_status_has_words(void **state)
{
    (void)state;
    for (int i = 0; i <= RADZ_METRIC_STOPPED; i++) {
        const char *name = radz_metric_status_name((radz_metric_status)i), *words = radz_status_words(name);
        assert_non_null(words);
        assert_true(i == RADZ_METRIC_OK || strcmp(words, name) != 0);
    }
    assert_string_equal(radz_status_words("na-of-tomorrow"), "na-of-tomorrow");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printers_match_the_committed_files),
        cmocka_unit_test(every_printer_is_found_and_works),
        cmocka_unit_test(terminal_tables_fit),
        cmocka_unit_test(every_status_has_words),
        cmocka_unit_test(results_round_trip),
        cmocka_unit_test(results_of_older_versions_are_read), cmocka_unit_test(altered_results_are_refused),
        cmocka_unit_test(timings_are_read_back),
        cmocka_unit_test(odd_numbers_survive),
        cmocka_unit_test(latex_is_balanced),
        cmocka_unit_test(text_is_escaped_for_its_format),
        cmocka_unit_test(scores_are_exact),
        cmocka_unit_test(wrong_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
