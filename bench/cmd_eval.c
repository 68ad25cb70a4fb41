/* radz-bench eval: score files that another program wrote, put through the same figures as a run's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/command.h"
#include "bench/terminal.h"
#include "bench/write_run.h"
#include "report/print.h"
#include "run/eval.h"
#include "run/protocols.h"

/* Standard output has the figures in the format that was asked for; where the rest is, is told beside it. */
static radz_status write_results(const radz_options *options, const radz_results *results, radz_error *err)
{
    char *dir = NULL;
    radz_status st = radz_write_run(results, options->results, &dir, err);
    if (st == RADZ_OK)
        st = radz_draw_run(results, dir, !options->no_plots, stderr, err);
    free(dir);
    return st;
}

radz_status radz_cmd_eval(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    const char *format = options->format != NULL ? options->format : "table";
    const radz_printer *printer;
    radz_home home;
    radz_results *results = NULL;
    bool asked_for_details = options->details || options->groups.count > 0;
    if (options->scores.count == 0)
        return radz_fail(err, RADZ_E_USAGE, "--scores FILE is missing");
    if (options->labels == NULL)
        return radz_fail(err, RADZ_E_USAGE, "--labels FILE (or a data set's name) is missing");
    if (options->replicates > 0 && options->replicates < 20)
        return radz_fail(err, RADZ_E_USAGE, "option --replicates: found %d, wanted 0 or at least 20", (int)options->replicates);
    radz_status st = radz_printer_find(format, &printer, err);
    if (st == RADZ_OK)
        st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    radz_eval_options eval = {
        .scores = &options->scores,
        .labels = options->labels,
        .split = options->split,
        .val_scores = &options->val_scores,
        .val_labels = options->val_labels,
        .val_split = options->val_split,
        .protocols = &options->protocols,
        .classes = &options->classes,
        .id_column = options->id_column,
        .column_prefix = options->column_prefix,
        .patient_column = options->patient_column,
        .study_column = options->study_column,
        .partial = options->partial,
        .groups = &options->groups,
        .details = asked_for_details || options->results != NULL || strcmp(format, "details") == 0,
        .replicates = options->replicates,
        .confidence = options->confidence / 100,
        .seed = options->seed,
        .threads = options->threads > 0 ? (int)options->threads : radz_cpu_count(),
        .command = options->command_line,
        .results_dir = options->results,
    };
    st = radz_eval_files(&home, &eval, &results, err);
    radz_print_options print = {.colour = radz_terminal_is_tty()};
    if (st == RADZ_OK)
        st = radz_results_print(results, format, &print, stdout, err);
    if (st == RADZ_OK && asked_for_details && printer->print == radz_print_text) {
        putchar('\n');
        st = radz_results_print(results, "details", &print, stdout, err);
    }
    if (st == RADZ_OK && options->results != NULL)
        st = write_results(options, results, err);
    if (st == RADZ_OK)
        st = radz_protocols_check_stopped(&options->protocols, results, err);
    radz_results_free(results);
    radz_home_close(&home);
    return st;
}
