/* A suite that compares trainings: its recipe is trained with other values under some keys, each training is evaluated as the
 * suite says, and the results of one of them carry a table of all (detail "ablation", docs/results.md). */
#ifndef RADZ_RUN_VARIANTS_H
#define RADZ_RUN_VARIANTS_H

#include "run/execute.h"

/* Runs a plan whose suite has `variants`, in place of radz_execute and with its options. Every row's recipe is checked before
 * the first training begins. A training goes to CACHE/training-models/<recipe>-<digest>, the digest being that of the changed
 * recipe, the data set's card and the weights it starts from: one that is there is not trained again, one that was
 * interrupted continues, rows that come to the same recipe share one. `*out` holds the figures of the row without changes (else the first), as
 * model "<model>:<suite>", and one table for each of its blocks. With `embed_only` the trainings are made and embedded.
 * RADZ_E_USAGE with `probe`. */
radz_status radz_variants_execute(const radz_home *home, const radz_plan *plan, const radz_execute_options *options,
                                  radz_results **out, radz_error *err) RADZ_MUST_USE;

#endif
