/* The detail tables of a block: DeLong's intervals, operating points at a fixed rate, calibration and reliability, subgroups
 * of images. docs/results.md lists their columns. */
#ifndef RADZ_RUN_DETAILS_H
#define RADZ_RUN_DETAILS_H

#include "data/dataset.h"
#include "run/evaluate.h"

/* Adds them for the block added last, which is of `evaluation`. Nothing is fitted on the test: without a validation set scores
 * are judged as the probabilities that they claim to be. */
radz_status radz_details_add(const radz_evaluation *evaluation, radz_results *results, radz_error *err) RADZ_MUST_USE;

/* The subgroupings that a data set's samples offer (sex, age band, view), for the `n` images at `of` (indices into its
 * samples). A column with one value only is left out. `out` is zeroed first; free it also after an error. */
typedef struct radz_subgroup_columns {
    radz_subgrouping *columns;
    size_t count;
    const char **values;
} radz_subgroup_columns;
radz_status radz_subgroup_columns_make(const radz_dataset *dataset, const uint32_t *of, size_t n, radz_subgroup_columns *out,
                                       radz_error *err) RADZ_MUST_USE;
void radz_subgroup_columns_free(radz_subgroup_columns *columns);

#endif
