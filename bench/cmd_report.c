/* radz-bench report and plot: a finished run once more, from its results.json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "bench/command.h"
#include "bench/find_run.h"
#include "bench/load_runs.h"
#include "bench/terminal.h"
#include "report/plot.h"
#include "report/print.h"

static radz_status find_run(const radz_options *options, char **out, radz_error *err)
{
    return radz_find_run(options->results, options->positional.count > 0 ? options->positional.items[0] : NULL, out, err);
}

radz_status radz_cmd_report(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    char *dir = NULL;
    radz_results *results = NULL;
    const char *format = options->format != NULL ? options->format : "table";
    const radz_printer *printer;
    radz_status st = radz_printer_find(format, &printer, err);
    if (st == RADZ_OK)
        st = find_run(options, &dir, err);
    if (st == RADZ_OK)
        st = radz_results_load(dir, &results, err);
    if (st == RADZ_OK)
        st = radz_results_load_timing(results, dir, err);
    if (st == RADZ_OK)
        st = radz_results_print(results, format, &(radz_print_options){.colour = radz_terminal_is_tty(), .dir = dir}, stdout, err);
    radz_results_free(results);
    free(dir);
    return st;
}

radz_status radz_cmd_plot(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    char *first = NULL;
    radz_results *results = NULL;
    if (options->positional.count > 1 && options->out == NULL)
        return radz_fail(err, RADZ_E_USAGE, "plots of several runs: say where with --out DIR");
    radz_status st = radz_load_runs(options, &results, &first, err);
    const char *dir = options->out != NULL ? options->out : first;
    if (st == RADZ_OK)
        st = radz_plots_write(results, dir, !options->no_plots, err);
    if (st == RADZ_OK)
        printf("Plots (SVG, PDF, PNG): %s/plots/\n", dir);
    radz_results_free(results);
    free(first);
    return st;
}
