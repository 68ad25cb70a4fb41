/* Scores of images to scores of studies. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "score/aggregate.h"

/* As pandas.DataFrame(scores).groupby(unit_of).max() and .mean(), pandas 2. */
static void as_pandas(void **state)
{
    (void)state;
    static const double scores[] = {0.5, -1, 0.25, 2, 0.75, 0.5, -3, 4, 0.125, 1};
    static const uint32_t unit_of[] = {1, 0, 1, 1, 2};
    static const double max[] = {0.25, 2, 0.75, 4, 0.125, 1}, mean[] = {0.25, 2, (0.5 + 0.75 - 3) / 3, 3.5 / 3, 0.125, 1};
    double out[6];
    size_t counts[3];
    radz_score_aggregate(scores, 5, 2, unit_of, 3, RADZ_SCORES_MAX, out, counts);
    assert_memory_equal(out, max, sizeof max);
    assert_int_equal(counts[1], 3);
    radz_score_aggregate(scores, 5, 2, unit_of, 3, RADZ_SCORES_MEAN, out, counts);
    assert_memory_equal(out, mean, sizeof mean);
}

static void not_a_number_stays(void **state)
{
    (void)state;
    static const uint32_t unit_of[] = {0, 0, 0};
    double out[1];
    size_t counts[1];
    for (size_t at = 0; at < 3; at++) {
        double scores[] = {1, 2, 3};
        scores[at] = NAN;
        radz_score_aggregate(scores, 3, 1, unit_of, 1, RADZ_SCORES_MAX, out, counts);
        assert_true(isnan(out[0]));
        radz_score_aggregate(scores, 3, 1, unit_of, 1, RADZ_SCORES_MEAN, out, counts);
        assert_true(isnan(out[0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_pandas),
        cmocka_unit_test(not_a_number_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
