/* Reproducible random numbers: PCG32 (O'Neill 2014, pcg32_random_r) with a stream per purpose. The same seed gives the
 * same numbers on every machine; only + - * / and sqrt touch floating point. */
#ifndef RADZ_BASE_RNG_H
#define RADZ_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct radz_rng {
    uint64_t state, increment;
} radz_rng;

/* Independent sequences for different (seed, stream) pairs. */
void radz_rng_seed(radz_rng *rng, uint64_t seed, uint64_t stream);
uint32_t radz_rng_u32(radz_rng *rng);
uint32_t radz_rng_below(radz_rng *rng, uint32_t bound);          /* uniform in [0, bound), unbiased; bound > 0 */
double radz_rng_uniform(radz_rng *rng);                          /* [0, 1), 53 bits */
double radz_rng_range(radz_rng *rng, double low, double high);   /* [low, high) */
double radz_rng_normal(radz_rng *rng);                           /* mean 0, deviation 1 (polar method on det_log) */
void radz_rng_shuffle(radz_rng *rng, size_t *items, size_t count); /* Fisher-Yates */

#endif
