/* The runs that a command line names, as one. */
#ifndef RADZ_BENCH_LOAD_RUNS_H
#define RADZ_BENCH_LOAD_RUNS_H

#include "bench/command.h"
#include "report/results.h"

/* The positional arguments as radz_find_run takes them (none: the newest run), with their timings; several are merged.
 * `*first` is the folder of the first; both are the caller's. */
radz_status radz_load_runs(const radz_options *options, radz_results **out, char **first, radz_error *err) RADZ_MUST_USE;

#endif
