/* Permutation test of the difference of two models' AUCs on the same rows.
 *
 * If the models are equally good it makes no odds which of them said what about a patient. So both models' scores are
 * replaced by their mid-ranks (their scales need not agree), each patient's ranks are swapped between the models or left,
 * all images of a patient together, and the p-value is the share of swaps whose difference of AUCs is at least as large (in
 * size) as the one found. Source: Bandos, Rockette and Gur 2005, Statistics in Medicine 24 (ranks, exchanged within
 * subjects); Phipson and Smyth 2010 for (1 + extreme) / (1 + permutations).
 *
 * Where 2^patients is not above the number of permutations every swap is made once and the p-value is exact (the swap of
 * nobody included, nothing added). Permutation i is a function of (seed, i) and the patients' numbers alone.
 *
 * Cost: permutations x rows x classes. */
#ifndef RADZ_METRIC_PERMUTATION_H
#define RADZ_METRIC_PERMUTATION_H

#include "metric/metric.h"

typedef struct radz_permutation_options {
    size_t permutations; /* 1 to RADZ_RESAMPLE_MOST; usual: 10000 */
    uint64_t seed;
    int threads;           /* at least 1; changes no result */
    const uint8_t *groups; /* [group_count, classes], non-zero for the classes of a mean; or NULL */
    size_t group_count;
} radz_permutation_options;

typedef struct radz_permutation {
    double difference; /* AUC of a less AUC of b; of a mean over the classes defined; NaN with the status */
    double p;          /* two-sided */
    size_t extreme, permutations; /* p = (1 + extreme) / (1 + permutations), or extreme / permutations when exact */
    bool exact;
    radz_metric_status status; /* that of the AUC; RADZ_METRIC_NO_CLASS for a mean over none */
} radz_permutation;

/* Inputs as radz_bootstrap_paired. `class_results` is [classes], `group_results` [group_count] (NULL without groups). */
radz_status radz_permutation_paired(const radz_metric_input *a, const radz_metric_input *b, const uint32_t *patient_of,
                                    size_t patients, const radz_permutation_options *options,
                                    radz_permutation *class_results, radz_permutation *group_results,
                                    radz_error *err) RADZ_MUST_USE;

#endif
