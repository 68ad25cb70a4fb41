/* The history of runs: one SQLite file below the results folder, so that a figure can be followed over months. history.c is
 * the only includer of sqlite3.h.
 *
 * Tables: runs(id, run, added, suite, command, program, note) with `added` in seconds since 1970 (UTC); figures(run_id, dataset,
 * split, model, scorer, protocol, class, metric, n, value, ci_low, ci_high, status, fingerprint), the rows of results.json.
 * application_id and user_version say that the file is ours and of which version. */
#ifndef RADZ_REPORT_HISTORY_H
#define RADZ_REPORT_HISTORY_H

#include "report/results.h"

#define RADZ_HISTORY_FILE "history.sqlite"

typedef struct radz_history radz_history;

/* Opens DIR/history.sqlite; `create` makes it when it is not there (else RADZ_E_MISSING). A file that is no database, is
 * damaged, or belongs to another program is RADZ_E_CORRUPT and is left as it is; one of a newer version of this program
 * RADZ_E_UNSUPPORTED. Several processes may use it at once; a writer waits up to 10 s for another. */
radz_status radz_history_open(const char *dir, bool create, radz_history **out, radz_error *err) RADZ_MUST_USE;
void radz_history_close(radz_history *history);

/* Adds the figures of a run as of the time `added`; all or nothing. The same run at the same time again changes nothing
 * (`*added_now` false). `note` may be NULL. */
radz_status radz_history_add(radz_history *history, const radz_results *results, int64_t added, const char *note,
                             bool *added_now, radz_error *err) RADZ_MUST_USE;

/* Empty or NULL members do not filter. */
typedef struct radz_history_filter {
    const char *suite, *dataset, *model, *scorer, *class_name, *metric;
} radz_history_filter;

typedef struct radz_history_run {
    int64_t id, added;
    const char *run, *suite, *program, *note; /* note may be NULL */
    uint64_t figures;
} radz_history_run;
/* Calls `one` for each run, the oldest first; what it returns ends the walk unless RADZ_OK. Strings are valid during the call. */
radz_status radz_history_runs(radz_history *history, const radz_history_filter *filter,
                              radz_status (*one)(void *context, const radz_history_run *run, radz_error *err), void *context,
                              radz_error *err) RADZ_MUST_USE;

typedef struct radz_history_point {
    int64_t added;
    const char *run, *dataset, *split, *model, *scorer, *protocol, *class_name, *metric, *status, *fingerprint;
    uint64_t n;
    double value, ci_low, ci_high; /* NaN where not there */
} radz_history_point;
/* Calls `one` for each figure that fits, by series (dataset, split, model, scorer, protocol, class, metric), then time. */
radz_status radz_history_points(radz_history *history, const radz_history_filter *filter,
                                radz_status (*one)(void *context, const radz_history_point *point, radz_error *err),
                                void *context, radz_error *err) RADZ_MUST_USE;

/* Removes runs added before `before` (0: none for their age) and all but the newest `keep` (0: none for their number), but
 * never the newest run. `*removed` runs. */
radz_status radz_history_prune(radz_history *history, int64_t before, uint64_t keep, uint64_t *removed,
                               radz_error *err) RADZ_MUST_USE;

/* One plot per metric and class of the filter, DIR/trend-<metric>-<class>: the value over time, a line for each data set,
 * model and scorer, with intervals; a mark where the images or labels changed. `*plots` scripts written; none is no error. */
radz_status radz_history_plot(radz_history *history, const radz_history_filter *filter, const char *dir, bool draw,
                              size_t *plots, radz_error *err) RADZ_MUST_USE;

#endif
