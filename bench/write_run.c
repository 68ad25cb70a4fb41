#include "bench/write_run.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "report/plot.h"
#include "report/print.h"

/* RESULTS/latest -> RUN; replaced in one step. A file system without links only misses the convenience. */
static void point_latest(const char *results_dir, const char *run_id)
{
    radz_strbuf link = {0}, temporary = {0};
    if (radz_strbuf_printf(&link, NULL, "%s/latest", results_dir) == RADZ_OK &&
        radz_strbuf_printf(&temporary, NULL, "%s/.latest-%ld", results_dir, (long)getpid()) == RADZ_OK) {
        unlink(temporary.text);
        if (symlink(run_id, temporary.text) == 0 && rename(temporary.text, link.text) != 0)
            unlink(temporary.text);
    }
    radz_strbuf_free(&link);
    radz_strbuf_free(&temporary);
}

radz_status radz_write_run(const radz_results *results, const char *results_dir, char **dir, radz_error *err)
{
    *dir = radz_path_join(results_dir, results->run_id, err);
    if (*dir == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_results_write(results, *dir, err);
    if (st == RADZ_OK)
        point_latest(results_dir, results->run_id);
    return st;
}

radz_status radz_draw_run(const radz_results *results, const char *dir, bool draw, FILE *out, radz_error *err)
{
    radz_status st = radz_plots_write(results, dir, draw, err);
    if (st == RADZ_OK)
        fprintf(out, "\nReport page:                   %s/report.html\nTables, scores and provenance: %s/\n"
                "Plots and gnuplot scripts:     %s/plots/\n", dir, dir, dir);
    return st;
}
