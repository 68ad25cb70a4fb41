/* Several runs shown as one. */
#ifndef RADZ_REPORT_MERGE_H
#define RADZ_REPORT_MERGE_H

#include "report/results.h"

/* The blocks of `n` >= 1 runs with their rows, curves, details, groups and timings in one, in the order given, titled with
 * their names. A model and scorer that two runs evaluated on the same split is told apart as "MODEL (RUN)" in the later
 * one. Mistakes, findings, skipped and absent ones stay with their runs. `*out` is the caller's, radz_results_free. */
radz_status radz_results_merge(const radz_results *const *runs, size_t n, radz_results **out, radz_error *err) RADZ_MUST_USE;

#endif
