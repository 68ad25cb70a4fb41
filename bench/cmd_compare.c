/* radz-bench compare: what moved between two runs, and whether it got worse. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "bench/command.h"
#include "bench/find_run.h"
#include "run/compare_runs.h"

radz_status radz_cmd_compare(const radz_options *options, int *exit_code, radz_error *err)
{
    radz_home home;
    radz_compared_runs runs = {0};
    char *base = NULL, *now = NULL;
    const char *format = options->format != NULL ? options->format : "table";
    if (options->positional.count == 0)
        return radz_fail(err, RADZ_E_USAGE, "compare: BASE is missing: compare BASE [NEW]");
    radz_status st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    st = radz_find_run(options->results, options->positional.items[0], &base, err);
    if (st == RADZ_OK)
        st = radz_find_run(options->results, options->positional.count > 1 ? options->positional.items[1] : NULL, &now, err);
    if (st == RADZ_OK)
        st = radz_compare_runs(&home, base, now, options->gate != NULL ? options->gate : "nightly",
                               options->threads > 0 ? (int)options->threads : radz_cpu_count(), &runs, err);
    if (st == RADZ_OK)
        st = radz_comparison_print(runs.comparison, format, stdout, err);
    if (st == RADZ_OK && options->out != NULL)
        st = radz_comparison_write(runs.comparison, options->out, err);
    if (st == RADZ_OK && runs.comparison->failures > 0)
        *exit_code = RADZ_EXIT_REGRESSION;
    radz_compared_runs_free(&runs);
    free(base);
    free(now);
    radz_home_close(&home);
    return st;
}
