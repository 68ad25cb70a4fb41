/* radz-bench run and embed: a suite from its card to tables and plots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bench/command.h"
#include "bench/terminal.h"
#include "bench/write_run.h"
#include "encoder/torch_facts.h"
#include "report/print.h"
#include "run/execute.h"
#include "run/variants.h"

static radz_status write_and_show(const radz_options *options, const radz_results *results, const char *results_dir,
                                  radz_error *err)
{
    char *dir = NULL;
    radz_status st = radz_write_run(results, results_dir, &dir, err);
    if (st == RADZ_OK)
        st = radz_results_print(results, "table", &(radz_print_options){.colour = radz_terminal_is_tty()}, stdout, err);
    if (st == RADZ_OK)
        st = radz_draw_run(results, dir, !options->no_plots, stdout, err);
    free(dir);
    return st;
}

/* `probe` NULL: the scorers' figures. */
static radz_status execute(const radz_options *options, bool embed_only, const radz_probe_options *probe, radz_error *err)
{
    radz_home home;
    radz_plan *plan = NULL;
    radz_results *results = NULL;
    const char *results_dir = options->results != NULL ? options->results : "results";
    if (options->suite == NULL)
        return radz_fail(err, RADZ_E_USAGE, "--suite NAME is missing (see `radz-bench list suites`)");
    radz_status st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    radz_plan_filter filter = {
        .datasets = &options->datasets,
        .models = &options->models,
        .scorers = &options->scorers,
        .protocols = &options->protocols,
        .require = &options->require,
    };
    st = radz_plan_create(&home, options->suite, &filter, &plan, err);
    radz_execute_options run = {
        .classes = &options->classes,
        .split = options->split,
        .val_split = probe == NULL ? options->val_split : options->train_split != NULL ? options->train_split : "train",
        .limit = (size_t)options->limit,
        .seed = options->seed,
        .threads = options->threads > 0 ? (int)options->threads : radz_cpu_count(),
        .device = options->device,
        .dtype = options->dtype,
        .skip_bad = options->skip_bad_samples,
        .strict = options->strict,
        .embed_only = embed_only,
        .probe = probe,
        .groups = &options->groups,
        .thumbnails = (radz_thumbnails)options->thumbnails,
        .command = options->command_line,
        .results_dir = embed_only ? NULL : results_dir,
    };
    if (st == RADZ_OK && radz_blas_is_slow())
        radz_warn("%s", radz_blas_advice());
    if (st == RADZ_OK)
        st = plan->suite->variants != NULL ? radz_variants_execute(&home, plan, &run, &results, err)
                                           : radz_execute(&home, plan, &run, &results, err);
    if (st == RADZ_OK && !embed_only)
        st = write_and_show(options, results, results_dir, err);
    if (st == RADZ_OK && !embed_only)
        st = radz_protocols_check_stopped(&options->protocols, results, err);
    radz_results_free(results);
    radz_plan_free(plan);
    radz_home_close(&home);
    return st;
}

radz_status radz_cmd_run(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    return execute(options, false, NULL, err);
}

radz_status radz_cmd_embed(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    return execute(options, true, NULL, err);
}

radz_status radz_cmd_probe(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    radz_probe_options probe = radz_probe_defaults();
    if (options->percents.count > RADZ_PROBE_FRACTIONS)
        return radz_fail(err, RADZ_E_USAGE, "option --percent: %zu shares, wanted at most %d", options->percents.count,
                         RADZ_PROBE_FRACTIONS);
    if (options->percents.count > 0)
        probe.n_percents = options->percents.count;
    for (size_t i = 0; i < options->percents.count; i++) {
        if (radz_parse_double(options->percents.items[i], true, &probe.percents[i], NULL) != RADZ_OK ||
            !(probe.percents[i] > 0 && probe.percents[i] <= 100))
            return radz_fail(err, RADZ_E_USAGE, "option --percent: found '%s', wanted numbers above 0 and at most 100",
                             options->percents.items[i]);
    }
    if (options->draws > 0)
        probe.draws = (size_t)options->draws;
    if (options->probe_c != NULL && (radz_parse_double(options->probe_c, true, &probe.c, NULL) != RADZ_OK || !(probe.c > 0)))
        return radz_fail(err, RADZ_E_USAGE, "option --c: found '%s', wanted a number above 0", options->probe_c);
    return execute(options, false, &probe, err);
}
