/* Few-shot rows: a linear probe on a model's cached image features, with a share of the training labels. */
#ifndef RADZ_RUN_PROBE_H
#define RADZ_RUN_PROBE_H

#include "run/evaluate.h"

enum { RADZ_PROBE_FRACTIONS = 16, RADZ_PROBE_DRAWS = 1000 };

typedef struct radz_probe_options {
    double percents[RADZ_PROBE_FRACTIONS]; /* of the training patients, in (0, 100] */
    size_t n_percents;
    size_t draws; /* 1 to RADZ_PROBE_DRAWS, of each share; 100 % is one draw */
    double c;     /* of radz_logistic_fit */
} radz_probe_options;
radz_probe_options radz_probe_defaults(void); /* 1, 10, 100 %; 5 draws; C = 1 */

/* Images with features and labels; `set.scores` is not looked at. */
typedef struct radz_probe_set {
    radz_scored_set set;
    const float *features; /* [set.n, dim], of any length but zero: brought to length sqrt(dim) here */
} radz_probe_set;

/* Both sets have the same classes. A draw shuffles the training patients (seeded by the number of the draw) and takes the first
 * ceil(percent of them) with all their images, so smaller shares are inside larger ones. For each class a logistic regression
 * is fitted to the drawn images; its log odds on the test are measured. A class whose drawn images are all of one label has no
 * figure in that draw, and the mean over classes of a draw runs over those that have one.
 *
 * Adds for every share a block with the scorer "linear-probe-<percent>", rows (auc, ap: means over the draws, and macro), and
 * the detail table "few_shot" with mean, deviation, least and largest. `block` is as radz_evaluation's. The same figures on
 * any number of threads. */
radz_status radz_probe_evaluate(const radz_probe_set *training, const radz_probe_set *test, size_t dim,
                                const radz_probe_options *options, uint64_t seed, int threads, double confidence,
                                const radz_result_block *block, const char *protocol, radz_results *results,
                                radz_error *err) RADZ_MUST_USE;

#endif
