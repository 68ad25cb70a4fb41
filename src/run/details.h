/* The detail tables of a block: DeLong's intervals, operating points at a fixed rate, calibration and reliability, subgroups
 * of images. docs/results.md lists their columns. */
#ifndef RADZ_RUN_DETAILS_H
#define RADZ_RUN_DETAILS_H

#include "run/evaluate.h"

/* Adds them for the block added last, which is of `evaluation`. Nothing is fitted on the test: without a validation set scores
 * are judged as the probabilities that they claim to be. */
radz_status radz_details_add(const radz_evaluation *evaluation, radz_results *results, radz_error *err) RADZ_MUST_USE;

#endif
