/* t-SNE (van der Maaten and Hinton 2008; the Barnes-Hut form van der Maaten 2014): points of many dimensions laid out in two,
 * so that neighbours stay neighbours. For looking at features, not for measuring: distances between far groups mean nothing.
 * The same points, options and seed give the same bytes on any number of threads. */
#ifndef RADZ_METRIC_TSNE_H
#define RADZ_METRIC_TSNE_H

#include <stdint.h>

#include "base/status.h"

typedef struct radz_tsne_options {
    double perplexity;         /* effective neighbours, at least 1 and less than n; 30 */
    double theta;              /* 0: exact, O(n^2) a step; above, to 1: Barnes-Hut with this opening angle, O(n log n) */
    size_t steps;              /* 1000 */
    size_t exaggerated_steps;  /* of them the first so many with `exaggeration` and little momentum; 250 */
    double exaggeration;       /* attraction is so much stronger at first; 12 */
    double learning_rate;      /* 0: max(n / exaggeration / 4, 50), as sklearn's "auto" */
    uint64_t seed;             /* of the starting direction of the principal axes */
    int threads;
} radz_tsne_options;
radz_tsne_options radz_tsne_defaults(void); /* as sklearn.manifold.TSNE's; theta 0.5, one thread */

/* features [n,dim] -> layout [n,2], `*kl` the Kullback-Leibler divergence that is left (may be NULL; exact with theta 0, else
 * over the neighbours as Barnes-Hut sees it). Starts from the two principal components, scaled to a deviation of 1e-4 along
 * the first. n from 4 to 2^20; with theta 0 to 20,000. RADZ_E_VALUE: sizes, perplexity, a feature that is not finite;
 * RADZ_E_INTERRUPTED on cancellation. */
radz_status radz_tsne(const float *features, size_t n, size_t dim, const radz_tsne_options *options, double *layout,
                      double *kl, radz_error *err) RADZ_MUST_USE;

/* The two halves of the exact method, for tests and for judging a layout.
 * Affinities: p [n,n], symmetric, sum 1, zero on the diagonal; as sklearn.manifold._t_sne._joint_probabilities on squared
 * Euclidean distances. Objective: sum over pairs of p log(p / q), q from the layout [n,2] by Student's t with one degree of
 * freedom; `gradient` [n,2] may be NULL; as sklearn.manifold._t_sne._kl_divergence. */
radz_status radz_tsne_affinities(const float *features, size_t n, size_t dim, double perplexity, int threads, double *p,
                                 radz_error *err) RADZ_MUST_USE;
radz_status radz_tsne_objective(const double *p, size_t n, const double *layout, int threads, double *kl, double *gradient,
                                radz_error *err) RADZ_MUST_USE;

#endif
