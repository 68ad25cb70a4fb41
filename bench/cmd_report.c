/* radz-bench report and plot: a finished run once more, from its results.json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "bench/command.h"
#include "bench/find_run.h"
#include "bench/load_runs.h"
#include "bench/terminal.h"
#include "report/plot.h"
#include "report/print.h"
#include "run/training_log.h"

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
        st = radz_results_print(results, format,
                                &(radz_print_options){.colour = radz_terminal_is_tty(), .dir = dir, .costs = true}, stdout, err);
    radz_results_free(results);
    free(dir);
    return st;
}

/* Curves of trainings: all arguments are their logs or folders. */
static radz_status plot_trainings(const radz_options *options, radz_error *err)
{
    size_t n = options->positional.count;
    radz_training_log *logs = radz_calloc(n, sizeof *logs, err);
    char *folder = NULL, *dir = NULL;
    radz_status st = logs == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        const char *path = options->positional.items[i];
        st = radz_training_log_is(path) ? radz_training_log_read(path, &logs[i], err)
                                        : radz_fail(err, RADZ_E_USAGE, "'%s' is no training (a folder with %s, or such a file): runs and "
                                                    "trainings are not drawn together", path, RADZ_TRAINING_LOG);
    }
    if (st == RADZ_OK) {
        const char *path = options->positional.items[0];
        folder = options->out != NULL ? radz_strdup(options->out, err)
                 : radz_file_is_dir(path) ? radz_strdup(path, err) : radz_path_dir(path, err);
        dir = folder != NULL ? radz_path_join(folder, "plots", err) : NULL;
        st = dir != NULL ? radz_training_plot(logs, n, dir, !options->no_plots, err) : RADZ_E_NOMEM;
    }
    if (st == RADZ_OK)
        printf("Plots and gnuplot scripts: %s/\n", dir);
    for (size_t i = 0; logs != NULL && i < n; i++)
        radz_training_log_free(&logs[i]);
    free(logs);
    free(folder);
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
    for (size_t i = 0; i < options->positional.count; i++)
        if (radz_training_log_is(options->positional.items[i]))
            return plot_trainings(options, err);
    radz_status st = radz_load_runs(options, &results, &first, err);
    const char *dir = options->out != NULL ? options->out : first;
    if (st == RADZ_OK)
        st = radz_plots_write(results, dir, !options->no_plots, err);
    if (st == RADZ_OK)
        printf("Plots and gnuplot scripts: %s/plots/\n", dir);
    radz_results_free(results);
    free(first);
    return st;
}
