/* radz-bench history: runs kept in one file, so that a figure can be followed over months. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "bench/command.h"
#include "bench/find_run.h"
#include "report/history.h"

typedef struct history_context {
    const radz_options *options;
    const char *results; /* folder */
    radz_history_filter filter;
    radz_json_writer *json;
} history_context;

static const char *first_of(const radz_strlist *list)
{
    return list->count > 0 ? list->items[0] : NULL;
}

/* "2025-03-01 02:00:00", UTC */
static void time_text(int64_t added, char text[32])
{
    time_t seconds = (time_t)added;
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL || strftime(text, 32, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(text, 32, "%" PRId64, added);
}

/* "2025-03-01", "2025-03-01T02:00:00" (UTC); NULL: now. */
static radz_status parse_time(const char *text, int64_t *out, radz_error *err)
{
    struct tm parts = {0};
    *out = (int64_t)time(NULL);
    if (text == NULL)
        return RADZ_OK;
    char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (end == NULL || *end != '\0') {
        parts = (struct tm){0};
        end = strptime(text, "%Y-%m-%d", &parts);
    }
    if (end == NULL || *end != '\0')
        return radz_fail(err, RADZ_E_USAGE, "option --date: found '%s', wanted a date such as 2025-03-01 or 2025-03-01T02:00:00 "
                         "(UTC)", text);
    *out = (int64_t)timegm(&parts);
    return RADZ_OK;
}

/* ---- add ---- */

static radz_status add_run(history_context *c, radz_error *err)
{
    const radz_options *o = c->options;
    char *dir = NULL;
    radz_results *results = NULL;
    radz_history *history = NULL;
    int64_t when;
    bool added = false;
    radz_status st = parse_time(o->date, &when, err);
    if (st == RADZ_OK)
        st = radz_find_run(o->results, o->positional.count > 1 ? o->positional.items[1] : NULL, &dir, err);
    if (st == RADZ_OK)
        st = radz_results_load(dir, &results, err);
    if (st == RADZ_OK)
        st = radz_history_open(c->results, true, &history, err);
    if (st == RADZ_OK)
        st = radz_history_add(history, results, when, o->note, &added, err);
    if (st == RADZ_OK) {
        char text[32];
        time_text(when, text);
        printf(added ? "added %s as of %s (%zu figures)\n" : "%s was there already as of %s\n", results->run_id, text,
               results->n_rows);
    }
    radz_history_close(history);
    radz_results_free(results);
    free(dir);
    return st;
}

/* ---- list ---- */

static radz_status print_run(void *context, const radz_history_run *run, radz_error *err)
{
    (void)err;
    history_context *c = context;
    char added[32];
    time_text(run->added, added);
    if (c->json != NULL) {
        radz_json_object_begin(c->json, NULL);
        radz_json_put_string(c->json, "run", run->run);
        radz_json_put_string(c->json, "added", added);
        radz_json_put_string(c->json, "suite", run->suite);
        radz_json_put_string(c->json, "program", run->program);
        radz_json_put_i64(c->json, "figures", (int64_t)run->figures);
        radz_json_put_string(c->json, "note", run->note);
        radz_json_object_end(c->json);
    } else {
        printf("%s  %-28s %-12s %7" PRIu64 " figures%s%s\n", added, run->run, run->suite, run->figures,
               run->note != NULL ? "  " : "", run->note != NULL ? run->note : "");
    }
    return RADZ_OK;
}

static radz_status print_point(void *context, const radz_history_point *p, radz_error *err)
{
    (void)err;
    history_context *c = context;
    char added[32], value[32] = "NA", interval[64] = "";
    time_text(p->added, added);
    if (c->json != NULL) {
        radz_json_object_begin(c->json, NULL);
        radz_json_put_string(c->json, "added", added);
        radz_json_put_string(c->json, "run", p->run);
        radz_json_put_string(c->json, "dataset", p->dataset);
        radz_json_put_string(c->json, "split", p->split);
        radz_json_put_string(c->json, "model", p->model);
        radz_json_put_string(c->json, "scorer", p->scorer);
        radz_json_put_string(c->json, "protocol", p->protocol);
        radz_json_put_string(c->json, "class", p->class_name);
        radz_json_put_string(c->json, "metric", p->metric);
        radz_json_put_i64(c->json, "n", (int64_t)p->n);
        radz_json_put_double(c->json, "value", p->value);
        radz_json_put_double(c->json, "ci_low", p->ci_low);
        radz_json_put_double(c->json, "ci_high", p->ci_high);
        radz_json_put_string(c->json, "status", p->status);
        radz_json_put_string(c->json, "fingerprint", p->fingerprint);
        radz_json_object_end(c->json);
        return RADZ_OK;
    }
    if (!isnan(p->value))
        snprintf(value, sizeof value, "%.4f", p->value);
    if (!isnan(p->ci_low) && !isnan(p->ci_high))
        snprintf(interval, sizeof interval, " [%.4f, %.4f]", p->ci_low, p->ci_high);
    printf("%s  %s/%s  %s / %s  %s %s  %s%s\n", added, p->dataset, p->split, p->model, p->scorer, p->metric, p->class_name, value,
           interval);
    return RADZ_OK;
}

/* Runs; with --metric or --class the figures themselves. */
static radz_status list_runs(history_context *c, radz_error *err)
{
    radz_history *history = NULL;
    radz_json_writer writer;
    bool figures = c->options->metric != NULL || c->options->classes.count > 0;
    radz_status st = radz_history_open(c->results, false, &history, err);
    if (st == RADZ_OK && c->options->json) {
        radz_json_writer_init(&writer, stdout);
        radz_json_array_begin(&writer, NULL);
        c->json = &writer;
    }
    if (st == RADZ_OK)
        st = figures ? radz_history_points(history, &c->filter, print_point, c, err)
                     : radz_history_runs(history, &c->filter, print_run, c, err);
    if (st == RADZ_OK && c->json != NULL)
        radz_json_array_end(c->json);
    radz_history_close(history);
    return st;
}

/* ---- plot, prune ---- */

static radz_status plot_trend(history_context *c, radz_error *err)
{
    radz_history *history = NULL;
    size_t plots = 0;
    char *dir = c->options->out != NULL ? radz_strdup(c->options->out, err) : radz_path_join(c->results, "history", err);
    radz_status st = dir != NULL ? radz_history_open(c->results, false, &history, err) : RADZ_E_NOMEM;
    if (c->filter.metric == NULL)
        c->filter.metric = "auc";
    if (c->filter.class_name == NULL)
        c->filter.class_name = "macro";
    if (st == RADZ_OK)
        st = radz_history_plot(history, &c->filter, dir, !c->options->no_plots, &plots, err);
    if (st == RADZ_OK && plots == 0)
        st = radz_fail(err, RADZ_E_MISSING, "the history holds no figure of metric '%s', class '%s'%s (see `radz-bench history list`)",
                       c->filter.metric, c->filter.class_name, c->options->datasets.count > 0 ? " for that selection" : "");
    if (st == RADZ_OK)
        printf("Trend (SVG, PDF, PNG): %s/\n", dir);
    radz_history_close(history);
    free(dir);
    return st;
}

static radz_status prune_runs(history_context *c, radz_error *err)
{
    radz_history *history = NULL;
    uint64_t removed = 0;
    int64_t now;
    if (c->options->days < 0 && c->options->keep == 0)
        return radz_fail(err, RADZ_E_USAGE, "history prune: say what to remove: --days N, --keep N, or both");
    radz_status st = parse_time(c->options->date, &now, err);
    int64_t before = c->options->days >= 0 ? now - c->options->days * 86400 : 0;
    if (st == RADZ_OK)
        st = radz_history_open(c->results, false, &history, err);
    if (st == RADZ_OK)
        st = radz_history_prune(history, before, (uint64_t)c->options->keep, &removed, err);
    if (st == RADZ_OK)
        printf("%" PRIu64 " run%s removed from the history (their folders stay)\n", removed, removed == 1 ? "" : "s");
    radz_history_close(history);
    return st;
}

/* ---- the command ---- */

static const struct {
    const char *name;
    radz_status (*run)(history_context *context, radz_error *err);
} actions[] = {{"add", add_run}, {"list", list_runs}, {"plot", plot_trend}, {"prune", prune_runs}};
enum { ACTION_COUNT = sizeof actions / sizeof actions[0] };

static const char *nth_action(const void *context, size_t i)
{
    (void)context;
    return i < ACTION_COUNT ? actions[i].name : NULL;
}

radz_status radz_cmd_history(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    const char *wanted = options->positional.count > 0 ? options->positional.items[0] : "list";
    history_context context = {.options = options, .results = options->results != NULL ? options->results : "results"};
    context.filter = (radz_history_filter){.suite = options->suite,
                                           .dataset = first_of(&options->datasets),
                                           .model = first_of(&options->models),
                                           .scorer = first_of(&options->scorers),
                                           .class_name = first_of(&options->classes),
                                           .metric = options->metric};
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(actions[i].name, wanted) != 0)
            continue;
        if (options->positional.count > 1 && strcmp(wanted, "add") != 0)
            return radz_fail(err, RADZ_E_USAGE, "history %s: unexpected argument '%s'", wanted, options->positional.items[1]);
        return actions[i].run(&context, err);
    }
    return radz_fail_unknown(err, "action of 'history'", wanted, nth_action, NULL);
}
