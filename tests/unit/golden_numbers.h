/* What the tests of the metric room share: deterministic numbers as their golden scripts make them, and golden numbers read. */
#ifndef RADZ_TEST_GOLDEN_NUMBERS_H
#define RADZ_TEST_GOLDEN_NUMBERS_H

#include <math.h>
#include <string.h>

#include "base/json.h"

/* As mix() of the scripts. */
static inline uint64_t mix(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* "inf", "-inf"; null and what is not there: NaN. */
static inline double number_of(const radz_json *value)
{
    double x = NAN;
    const char *text = radz_json_string(value);
    if (text != NULL)
        return strcmp(text, "inf") == 0 ? INFINITY : strcmp(text, "-inf") == 0 ? -INFINITY : NAN;
    if (value == NULL || radz_json_kind_of(value) == RADZ_JSON_NULL || !radz_json_as_double(value, &x))
        return NAN;
    return x;
}

static inline double member(const radz_json *object, const char *key)
{
    const radz_json *value = radz_json_find(object, key);
    if (value == NULL)
        fail_msg("golden file: no key '%s'", key);
    return number_of(value);
}

#endif
