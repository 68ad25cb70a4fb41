#include "base/rng.h"

#include <math.h>

#include "base/detmath.h"

void radz_rng_seed(radz_rng *rng, uint64_t seed, uint64_t stream)
{
    rng->state = 0;
    rng->increment = stream << 1 | 1;
    radz_rng_u32(rng);
    rng->state += seed;
    radz_rng_u32(rng);
}

uint32_t radz_rng_u32(radz_rng *rng)
{
    uint64_t old = rng->state;
    rng->state = old * 6364136223846793005u + rng->increment;
    uint32_t shifted = (uint32_t)(((old >> 18) ^ old) >> 27);
    uint32_t turn = (uint32_t)(old >> 59);
    return shifted >> turn | shifted << (-turn & 31);
}

uint32_t radz_rng_below(radz_rng *rng, uint32_t bound)
{
    uint32_t threshold = -bound % bound;
    for (;;) {
        uint32_t value = radz_rng_u32(rng);
        if (value >= threshold)
            return value % bound;
    }
}

double radz_rng_uniform(radz_rng *rng)
{
    uint64_t high = radz_rng_u32(rng) >> 5, low = radz_rng_u32(rng) >> 6;
    return (double)(high << 26 | low) / 9007199254740992.0;
}

double radz_rng_range(radz_rng *rng, double low, double high)
{
    return low + (high - low) * radz_rng_uniform(rng);
}

double radz_rng_normal(radz_rng *rng)
{
    for (;;) {
        double u = 2 * radz_rng_uniform(rng) - 1, v = 2 * radz_rng_uniform(rng) - 1;
        double s = u * u + v * v;
        if (s > 0 && s < 1)
            return u * sqrt(-2 * det_log(s) / s);
    }
}

void radz_rng_shuffle(radz_rng *rng, size_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = radz_rng_below(rng, (uint32_t)i);
        size_t kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}
