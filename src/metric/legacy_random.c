#include "metric/legacy_random.h"

enum { N = 624, M = 397 };

void radz_mt_seed_numpy(radz_mt19937 *mt, uint32_t seed)
{
    for (uint32_t i = 0; i < N; i++) {
        mt->state[i] = seed;
        seed = UINT32_C(1812433253) * (seed ^ seed >> 30) + i + 1;
    }
    mt->next = N;
}

/* init_by_array of the reference implementation, with a key of one word. */
void radz_mt_seed_python(radz_mt19937 *mt, uint32_t seed)
{
    uint32_t *s = mt->state, i = 1;
    radz_mt_seed_numpy(mt, 19650218);
    for (int k = 0; k < N; k++) {
        s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * UINT32_C(1664525)) + seed;
        if (++i == N) {
            s[0] = s[N - 1];
            i = 1;
        }
    }
    for (int k = 0; k < N - 1; k++) {
        s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * UINT32_C(1566083941)) - i;
        if (++i == N) {
            s[0] = s[N - 1];
            i = 1;
        }
    }
    s[0] = UINT32_C(0x80000000);
}

static void refill(radz_mt19937 *mt)
{
    uint32_t *s = mt->state;
    for (int i = 0; i < N; i++) {
        uint32_t y = (s[i] & UINT32_C(0x80000000)) | (s[(i + 1) % N] & UINT32_C(0x7fffffff));
        s[i] = s[(i + M) % N] ^ y >> 1 ^ (y & 1 ? UINT32_C(0x9908b0df) : 0);
    }
    mt->next = 0;
}

uint32_t radz_mt_u32(radz_mt19937 *mt)
{
    if (mt->next == N)
        refill(mt);
    uint32_t y = mt->state[mt->next++];
    y ^= y >> 11;
    y ^= y << 7 & UINT32_C(0x9d2c5680);
    y ^= y << 15 & UINT32_C(0xefc60000);
    return y ^ y >> 18;
}

/* Draws under the smallest mask of ones that covers bound - 1, until one is in range. */
uint32_t radz_mt_numpy_below(radz_mt19937 *mt, uint32_t bound)
{
    uint32_t most = bound - 1, mask = most, value;
    if (most == 0)
        return 0; /* draws nothing */
    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        value = radz_mt_u32(mt) & mask;
    while (value > most);
    return value;
}

/* The top bits, as many as `bound` has, until they are in range. */
uint32_t radz_mt_python_below(radz_mt19937 *mt, uint32_t bound)
{
    int bits = 0;
    for (uint32_t b = bound; b > 0; b >>= 1)
        bits++;
    uint32_t value;
    do
        value = radz_mt_u32(mt) >> (32 - bits);
    while (value >= bound);
    return value;
}

uint32_t radz_mt_python_choice(radz_mt19937 *mt, uint32_t bound)
{
    uint32_t a = radz_mt_u32(mt) >> 5, b = radz_mt_u32(mt) >> 6;
    double uniform = ((double)a * 67108864.0 + (double)b) * (1.0 / 9007199254740992.0);
    return (uint32_t)(uniform * (double)bound);
}
