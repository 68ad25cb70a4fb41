/* The run that a command line means. */
#ifndef RADZ_BENCH_FIND_RUN_H
#define RADZ_BENCH_FIND_RUN_H

#include "base/status.h"

/* `wanted` is the name of a run below the folder `results` (NULL: "results"), a folder, or a results.json file; NULL: the
 * newest run. `*out` is the caller's. */
radz_status radz_find_run(const char *results, const char *wanted, char **out, radz_error *err) RADZ_MUST_USE;

#endif
