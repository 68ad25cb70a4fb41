/* Plots: scripts against committed files; pictures when gnuplot is there. RADZ_UPDATE_GOLDEN=1 rewrites the committed
 * scripts: look at the pictures before committing them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "report/plot.h"
#include "report/plot_parts.h"
#include "unit/report_fixture.h"

#define GOLDEN RADZ_TEST_DIR "/golden/report_plots/"

#define ok(call) \
    do { \
        radz_error ok_err = {0}; \
        radz_error *err = &ok_err; \
        if ((call) != RADZ_OK) \
            fail_msg("%s: %s", #call, ok_err.message); \
    } while (0)

static char folder[64];
static radz_results *results;

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/radz-plot-XXXXXX");
    return mkdtemp(folder) == NULL || fixture_results(&results, NULL) != RADZ_OK;
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
    radz_results_free(results);
    results = NULL;
    return shell("rm -rf '%s'", folder);
}

static const char *at(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static bool have_gnuplot(void)
{
    static int have = -1;
    if (have < 0)
        have = system("gnuplot --version >/dev/null 2>&1") == 0;
    return have != 0;
}

static char warnings[2048];
static void keep_warning(void *context, radz_log_level level, const char *line)
{
    (void)context;
    if (level == RADZ_LOG_WARNING)
        snprintf(warnings + strlen(warnings), sizeof warnings - strlen(warnings), "%s\n", line);
}

static const char *const scripts[] = {"roc-phantom-test", "pr-phantom-test", "auc-phantom-test", "roc-odd_set-test",
                                      "pr-odd_set-test", "auc-odd_set-test", "compare-auc"};
enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

static void scripts_match_the_committed_files(void **state)
{
    (void)state;
    ok(radz_plots_write(results, at("run"), false, err));
    for (int i = 2; i < SCRIPTS; i++) { /* the first two are long: their like is among the others */
        char path[512], wanted_path[512], *text, *want;
        size_t size;
        snprintf(path, sizeof path, "%s/run/plots/%s.gp", folder, scripts[i]);
        snprintf(wanted_path, sizeof wanted_path, GOLDEN "%s.gp", scripts[i]);
        ok(radz_file_read(path, 1 << 24, &text, &size, err));
        if (getenv("RADZ_UPDATE_GOLDEN") != NULL)
            ok(radz_file_write(wanted_path, text, size, err));
        ok(radz_file_read(wanted_path, 1 << 24, &want, &size, err));
        for (size_t c = 0, line = 1; text[c] != '\0' || want[c] != '\0'; c++) {
            if (text[c] != want[c])
                fail_msg("%s line %zu differs:\n  now  %.120s\n  file %.120s", scripts[i], line, text + c, want + c);
            line += text[c] == '\n';
        }
        free(text);
        free(want);
    }
    assert_int_equal(shell("test $(ls -A %s/run/plots | wc -l) = %d", folder, SCRIPTS), 0); /* nothing else */
}

static void pictures_are_complete_and_repeatable(void **state)
{
    (void)state;
    if (!have_gnuplot())
        skip();
    ok(radz_plots_write(results, at("a"), true, err));
    for (int i = 0; i < SCRIPTS; i++)
        assert_int_equal(shell("cd %s/a/plots && test -s %s.svg && test -s %s.gp && head -c 5 %s.pdf | grep -q '%%PDF-' && "
                               "head -c 4 %s.png | grep -q PNG", folder, scripts[i], scripts[i], scripts[i], scripts[i]), 0);
    assert_int_equal(shell("test $(ls -A %s/a/plots | wc -l) = %d", folder, 4 * SCRIPTS), 0);
    assert_int_equal(shell("grep -aq 'CreationDate (D:19700101000000' %s/a/plots/compare-auc.pdf", folder), 0);
    /* in another second, another folder, another time zone and language: the same bytes */
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
    setenv("TZ", "Asia/Tokyo", 1);
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    ok(radz_plots_write(results, at("b"), true, err));
    unsetenv("TZ");
    unsetenv("LC_ALL");
    assert_int_equal(shell("diff -r %s/a %s/b", folder, folder), 0);
    /* what a person gets by running the script itself; only the PDF's date differs */
    assert_int_equal(shell("cd %s/b/plots && rm *.svg *.png && for f in *.gp; do gnuplot $f 2>/dev/null; done && rm *.pdf ../../a/plots/*.pdf && "
                           "diff -r . ../../a/plots", folder), 0);
}

static int64_t changed(const char *file)
{
    radz_file_stat stat;
    ok(radz_file_stat_get(at(file), &stat, err));
    return stat.mtime_ns;
}

static void what_is_there_is_not_drawn_again(void **state)
{
    (void)state;
    if (!have_gnuplot())
        skip();
    ok(radz_plots_write(results, at("r"), true, err));
    int64_t before = changed("r/plots/auc-phantom-test.png"), script = changed("r/plots/auc-phantom-test.gp");
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    double begun = radz_clock_seconds();
    ok(radz_plots_write(results, at("r"), true, err));
    print_message("drawing nothing again: %.3f s\n", radz_clock_seconds() - begun);
    assert_true(changed("r/plots/auc-phantom-test.png") == before && changed("r/plots/auc-phantom-test.gp") == script);
    /* a picture that is gone or empty */
    assert_int_equal(unlink(at("r/plots/auc-phantom-test.pdf")), 0);
    assert_int_equal(truncate(at("r/plots/compare-auc.svg"), 0), 0);
    int64_t other = changed("r/plots/roc-phantom-test.png");
    ok(radz_plots_write(results, at("r"), true, err));
    assert_true(radz_file_exists(at("r/plots/auc-phantom-test.pdf")));
    assert_int_equal(shell("test -s %s/r/plots/compare-auc.svg", folder), 0);
    assert_true(changed("r/plots/roc-phantom-test.png") == other);
    assert_true(changed("r/plots/auc-phantom-test.png") != before);
    /* another number */
    for (size_t i = 0; i < results->n_rows; i++)
        if (strcmp(results->rows[i].dataset, "odd_set") == 0 && strcmp(results->rows[i].class_name, "macro") == 0)
            results->rows[i].value = 0.75;
    int64_t compare = changed("r/plots/compare-auc.png");
    ok(radz_plots_write(results, at("r"), true, err));
    assert_true(changed("r/plots/compare-auc.png") != compare);
    assert_true(changed("r/plots/roc-phantom-test.png") == other);
    /* drawing switched off: the pictures of an outdated script go */
    for (size_t i = 0; i < results->n_rows; i++)
        if (strcmp(results->rows[i].dataset, "odd_set") == 0 && strcmp(results->rows[i].class_name, "macro") == 0)
            results->rows[i].value = 0.5;
    ok(radz_plots_write(results, at("r"), false, err));
    assert_false(radz_file_exists(at("r/plots/compare-auc.png")));
    assert_true(radz_file_exists(at("r/plots/roc-phantom-test.png")));
}

static void without_gnuplot_scripts_are_written(void **state)
{
    (void)state;
    char *path = strdup(getenv("PATH") != NULL ? getenv("PATH") : "");
    assert_int_equal(mkdir(at("bin"), 0777), 0);
    assert_int_equal(mkdir(at("r"), 0777), 0);
    assert_int_equal(mkdir(at("r/plots"), 0777), 0);
    ok(radz_file_write(at("r/plots/compare-auc.png"), "old", 3, err)); /* belongs to another script */
    warnings[0] = '\0';
    radz_log_set_sink(keep_warning, NULL);
    setenv("PATH", at("bin"), 1);
    radz_error e = {0};
    radz_status st = radz_plots_write(results, at("r"), true, &e);
    setenv("PATH", path, 1);
    assert_int_equal(st, RADZ_OK);
    assert_non_null(strstr(warnings, "gnuplot is not here"));
    assert_non_null(strstr(warnings, "do gnuplot"));
    assert_int_equal(shell("test $(ls -A %s/r/plots | wc -l) = %d && ls %s/r/plots/*.gp >/dev/null", folder, SCRIPTS, folder), 0);

    /* a gnuplot that fails */
    static const char fails[] = "#!/bin/sh\necho 'line 7: unknown terminal type' >&2\necho x > compare-auc.png\nexit 1\n";
    ok(radz_file_write(at("bin/gnuplot"), fails, strlen(fails), err));
    assert_int_equal(chmod(at("bin/gnuplot"), 0755), 0);
    setenv("PATH", at("bin"), 1);
    st = radz_plots_write(results, at("r"), true, &e);
    setenv("PATH", path, 1);
    assert_int_equal(st, RADZ_E_BACKEND);
    assert_non_null(strstr(e.message, "unknown terminal type"));
    assert_int_equal(shell("test $(ls -A %s/r/plots | wc -l) = %d", folder, SCRIPTS), 0);

    /* one that says all is well and draws nothing */
    ok(radz_file_write(at("bin/gnuplot"), "#!/bin/sh\nexit 0\n", 17, err));
    assert_int_equal(chmod(at("bin/gnuplot"), 0755), 0);
    radz_error_clear(&e);
    setenv("PATH", at("bin"), 1);
    st = radz_plots_write(results, at("r"), true, &e);
    setenv("PATH", path, 1);
    assert_int_equal(st, RADZ_E_BACKEND);
    assert_non_null(strstr(e.message, "gnuplot made no 'roc-phantom-test.svg'"));
    radz_log_set_sink(NULL, NULL);
    free(path);
}

static void odd_cases(void **state)
{
    (void)state;
    radz_error e = {0};
    ok(radz_file_write(at("file"), "x", 1, err));
    assert_int_equal(radz_plots_write(results, at("file"), false, &e), RADZ_E_IO);
    radz_results *empty;
    ok(radz_results_create("r", "s", NULL, NULL, &empty, err));
    ok(radz_plots_write(empty, at("empty"), true, err)); /* nothing to draw */
    radz_results_free(empty);
    char cut[64];
    radz_plot_cut("Cardiomegaly", 20, cut, sizeof cut);
    assert_string_equal(cut, "Cardiomegaly");
    radz_plot_cut("Cardiomegaly", 8, cut, sizeof cut);
    assert_string_equal(cut, "Cardi...");
    radz_plot_cut("ÉÉÉÉÉÉÉÉ", 6, cut, sizeof cut);
    assert_string_equal(cut, "ÉÉÉ...");
    radz_plot_cut("a very long text for such a little room", 100, cut, 20);
    assert_string_equal(cut, "a very long ...");
    /* many models: several figures, none with too many lines */
    radz_result_block b = {.dataset = "d", .split = "t", .model = "m", .scorer = "s", .protocol = "p", .n = 9};
    char name[16];
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "m%d", i);
        b.model = name;
        ok(fixture_block(results, &b, fixture_odd, 3, 1, false, err));
    }
    ok(radz_plots_write(results, at("many"), have_gnuplot(), err));
    assert_int_equal(shell("cd %s/many/plots && test -f roc-d-t-2.gp -a ! -f roc-d-t-3.gp -a -f auc-d-t-3.gp", folder), 0);
}

#define with_results(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_results(scripts_match_the_committed_files),
        with_results(pictures_are_complete_and_repeatable),
        with_results(what_is_there_is_not_drawn_again),
        with_results(without_gnuplot_scripts_are_written),
        with_results(odd_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
