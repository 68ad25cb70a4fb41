/* The generator behind the seeded bootstraps of published evaluation code: MT19937 (Matsumoto and Nishimura 1998), as
 * numpy's RandomState and as Python's random seed it and draw whole numbers from it. Only for reproducing such code:
 * radz_rng is ours. */
#ifndef RADZ_METRIC_LEGACY_RANDOM_H
#define RADZ_METRIC_LEGACY_RANDOM_H

#include <stdint.h>

typedef struct radz_mt19937 {
    uint32_t state[624];
    uint32_t next; /* index of the next word; 624: none left */
} radz_mt19937;

void radz_mt_seed_numpy(radz_mt19937 *mt, uint32_t seed);  /* numpy.random.RandomState(seed) */
void radz_mt_seed_python(radz_mt19937 *mt, uint32_t seed); /* random.seed(seed) */
uint32_t radz_mt_u32(radz_mt19937 *mt);

/* One element of RandomState.choice(bound, size) or .randint(0, bound, size), and so of sklearn.utils.resample; bound in
 * [1, 2^32). */
uint32_t radz_mt_numpy_below(radz_mt19937 *mt, uint32_t bound);
uint32_t radz_mt_python_below(radz_mt19937 *mt, uint32_t bound);  /* random.randint(0, bound - 1) */
uint32_t radz_mt_python_choice(radz_mt19937 *mt, uint32_t bound); /* index of one element of random.choices(population) */

#endif
