/* The history: what goes in comes out, pruning, and files that are not sound. */
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
#include "report/history.h"
#include "report_fixture.h"

static char folder[64], file[100];
static radz_results *results;

static void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

static int set_up(void **state)
{
    (void)state;
    radz_error err = {0};
    strcpy(folder, "/tmp/radz-history-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/" RADZ_HISTORY_FILE, folder);
    need(fixture_results(&results, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    radz_results_free(results);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static radz_history *open_history(bool create)
{
    radz_error err = {0};
    radz_history *h;
    need(radz_history_open(folder, create, &h, &err), &err);
    return h;
}

static void add(radz_history *h, int64_t when, const char *note, bool wanted)
{
    radz_error err = {0};
    bool added;
    need(radz_history_add(h, results, when, note, &added, &err), &err);
    assert_int_equal(added, wanted);
}

typedef struct seen {
    size_t n;
    int64_t last;
    size_t row; /* of results */
} seen;

static radz_status see_run(void *context, const radz_history_run *run, radz_error *err)
{
    (void)err;
    seen *s = context;
    assert_true(run->added >= s->last);
    assert_string_equal(run->run, "chest-0123456789ab");
    assert_string_equal(run->suite, "chest");
    assert_string_equal(run->program, "radz-bench 0.1.0");
    assert_int_equal(run->figures, results->n_rows);
    if (run->added == 2000)
        assert_string_equal(run->note, "it's a \"note\"; DROP TABLE runs");
    else
        assert_null(run->note);
    s->last = run->added;
    s->n++;
    return RADZ_OK;
}

static size_t count_runs(radz_history *h)
{
    radz_error err = {0};
    seen s = {0};
    need(radz_history_runs(h, &(radz_history_filter){0}, see_run, &s, &err), &err);
    return s.n;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static radz_status see_point(void *context, const radz_history_point *p, radz_error *err)
{
    (void)err;
    seen *s = context;
    bool found = false;
    for (size_t i = 0; i < results->n_rows && !found; i++) {
        const radz_result_row *r = &results->rows[i];
        found = strcmp(r->dataset, p->dataset) == 0 && strcmp(r->split, p->split) == 0 && strcmp(r->model, p->model) == 0 &&
                strcmp(r->scorer, p->scorer) == 0 && strcmp(r->protocol, p->protocol) == 0 &&
                strcmp(r->class_name, p->class_name) == 0 && strcmp(r->metric, p->metric) == 0;
        if (found) { /* to the last bit */
            assert_true(same_number(r->value, p->value) && same_number(r->ci_low, p->ci_low) && same_number(r->ci_high, p->ci_high));
            assert_int_equal(r->n, p->n);
            assert_string_equal(r->status, p->status);
        }
    }
    assert_true(found);
    assert_int_equal(strlen(p->fingerprint), 64);
    s->n++;
    return RADZ_OK;
}

static radz_status refuse_point(void *context, const radz_history_point *p, radz_error *err)
{
    (void)p;
    ++*(size_t *)context;
    return radz_fail(err, RADZ_E_VALUE, "enough");
}

static void figures_come_back(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_history *h;
    assert_int_equal(radz_history_open(folder, false, &h, &err), RADZ_E_MISSING);
    assert_non_null(strstr(err.message, "radz-bench history add"));
    radz_error_clear(&err);
    assert_null(h);
    h = open_history(true);
    add(h, 3000, NULL, true);
    add(h, 1000, NULL, true);
    add(h, 2000, "it's a \"note\"; DROP TABLE runs", true);
    add(h, 2000, "again", false);
    assert_int_equal(count_runs(h), 3);
    radz_history_close(h);

    h = open_history(false); /* still there */
    seen s = {0};
    need(radz_history_points(h, &(radz_history_filter){0}, see_point, &s, &err), &err);
    assert_int_equal(s.n, 3 * results->n_rows);
    s.n = 0;
    need(radz_history_points(h, &(radz_history_filter){.metric = "auc", .class_name = "macro", .dataset = "phantom",
                                                       .scorer = "clip-posneg", .model = "clip-tiny", .suite = "chest"},
                             see_point, &s, &err), &err);
    assert_int_equal(s.n, 3);
    s.n = 0;
    need(radz_history_points(h, &(radz_history_filter){.metric = "auc' OR '1'='1"}, see_point, &s, &err), &err);
    assert_int_equal(s.n, 0);
    need(radz_history_runs(h, &(radz_history_filter){.suite = "other"}, see_run, &s, &err), &err);
    assert_int_equal(s.n, 0);
    assert_int_equal(radz_history_points(h, &(radz_history_filter){0}, refuse_point, &s.n, &err), RADZ_E_VALUE);
    assert_int_equal(s.n, 1);
    radz_error_clear(&err);

    /* a trend: a script for the metric and class, each series a line; a metric that is not there is none */
    size_t plots;
    char path[200], *text;
    need(radz_history_plot(h, &(radz_history_filter){.metric = "auc", .class_name = "macro"}, folder, false, &plots, &err), &err);
    assert_int_equal(plots, 1);
    snprintf(path, sizeof path, "%s/trend-auc-macro.gp", folder);
    size_t size, lines = 0;
    need(radz_file_read(path, 1 << 20, &text, &size, &err), &err);
    for (const char *p = text; (p = strstr(p, "<< END")) != NULL; p++)
        lines++;
    assert_int_equal(lines, results->n_blocks);
    free(text);
    need(radz_history_plot(h, &(radz_history_filter){.metric = "nothing"}, folder, false, &plots, &err), &err);
    assert_int_equal(plots, 0);
    radz_history_close(h);
}

static void pruning_keeps_the_newest(void **state)
{
    (void)state;
    radz_error err = {0};
    uint64_t removed;
    radz_history *h = open_history(true);
    for (int64_t when = 4000; when < 8000; when += 1000)
        add(h, when, NULL, true);
    assert_int_equal(count_runs(h), 7);
    need(radz_history_prune(h, 2000, 0, &removed, &err), &err);
    assert_int_equal(removed, 1);
    need(radz_history_prune(h, 0, 4, &removed, &err), &err);
    assert_int_equal(removed, 2);
    need(radz_history_prune(h, 0, 4, &removed, &err), &err);
    assert_int_equal(removed, 0);
    need(radz_history_prune(h, INT64_MAX, 0, &removed, &err), &err);
    assert_int_equal(removed, 3);
    assert_int_equal(count_runs(h), 1); /* the newest stays, and its figures with it, and only those */
    seen s = {0};
    need(radz_history_points(h, &(radz_history_filter){0}, see_point, &s, &err), &err);
    assert_int_equal(s.n, results->n_rows);
    radz_history_close(h);
}

/* Opens a file of these bytes, wants this error, and the file as it was. */
static void refused(const void *data, size_t size, radz_status want, const char *message)
{
    radz_error err = {0};
    radz_history *h;
    char *after;
    size_t after_size;
    need(radz_file_write(file, data, size, &err), &err);
    for (int create = 0; create < 2; create++) {
        radz_status st = radz_history_open(folder, create == 1, &h, &err);
        if (st != want || strstr(err.message, message) == NULL)
            fail_msg("status %d, message '%s'; wanted '%s'", (int)st, err.message, message);
        assert_null(h);
        radz_error_clear(&err);
    }
    need(radz_file_read(file, 1 << 24, &after, &after_size, &err), &err);
    assert_int_equal(after_size, size);
    assert_memory_equal(after, data, size);
    free(after);
}

static void unsound_files_are_refused(void **state)
{
    (void)state;
    radz_error err = {0};
    char *good, *bad;
    size_t size;
    radz_history *h = open_history(true);
    add(h, 9000, NULL, true);
    radz_history_close(h);
    need(radz_file_read(file, 1 << 24, &good, &size, &err), &err);
    bad = radz_calloc(size, 1, &err);

    refused("not a database, but longer than its header would be .......................................................", 100,
            RADZ_E_CORRUPT, "is not a sound history");
    refused(good, size / 2, RADZ_E_CORRUPT, RADZ_HISTORY_FILE); /* cut off */
    memcpy(bad, good, size);
    memset(bad + 4096, 0x5a, 4096);
    refused(bad, size, RADZ_E_CORRUPT, RADZ_HISTORY_FILE);
    memcpy(bad, good, size);
    bad[71]++; /* application_id */
    refused(bad, size, RADZ_E_CORRUPT, "of another program");
    memcpy(bad, good, size);
    bad[63] = 99; /* user_version */
    refused(bad, size, RADZ_E_UNSUPPORTED, "has version 99, this program reads up to 1");

    /* a folder in its place */
    unlink(file);
    assert_int_equal(radz_mkdirs(file, &err), RADZ_OK);
    assert_int_equal(radz_history_open(folder, true, &h, &err), RADZ_E_IO);
    rmdir(file);
    radz_error_clear(&err);
    /* an empty file is a new history */
    need(radz_file_write(file, "", 0, &err), &err);
    h = open_history(true);
    assert_int_equal(count_runs(h), 0);
    radz_history_close(h);
    free(good);
    free(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_come_back),
        cmocka_unit_test(pruning_keeps_the_newest),
        cmocka_unit_test(unsound_files_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
