/* The folder of a finished run, whatever command made it. */
#ifndef RADZ_BENCH_WRITE_RUN_H
#define RADZ_BENCH_WRITE_RUN_H

#include <stdio.h>

#include "report/results.h"

/* Writes tables, report page and provenance to RESULTS_DIR/<run>/ and points RESULTS_DIR/latest there. `*dir` is that folder,
 * the caller's. */
radz_status radz_write_run(const radz_results *results, const char *results_dir, char **dir, radz_error *err) RADZ_MUST_USE;

/* Last, so that a gnuplot that fails hides no figure: the plots (`draw` false: their scripts alone), and on `out` where
 * everything is. */
radz_status radz_draw_run(const radz_results *results, const char *dir, bool draw, FILE *out, radz_error *err) RADZ_MUST_USE;

#endif
