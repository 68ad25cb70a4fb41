#include "model/rope.h"

#include <math.h>

#define PI 3.14159265358979323846

/* Where in the list of frequencies the one lies that turns `rotations` times within the original context. */
static double yarn_index(double rotations, const rope_config *c, int64_t dim)
{
    return (double)dim * log((double)c->original_context / (rotations * 2 * PI)) / (2 * log(c->theta));
}

static void yarn(const rope_config *c, int64_t dim, float *inverse)
{
    double low = yarn_index(c->beta_fast, c, dim), high = yarn_index(c->beta_slow, c, dim);
    if (c->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = low > 0 ? low : 0;
    high = high < (double)(dim - 1) ? high : (double)(dim - 1);
    if (low == high)
        high += 0.001; /* as the reference avoids 0/0 */
    for (int64_t i = 0; i < dim / 2; i++) {
        float ramp = ((float)i - (float)low) / (float)(high - low);
        ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
        float stretched = (float)(1.0 / c->factor) * inverse[i];
        inverse[i] = stretched * ramp + inverse[i] * (1 - ramp);
    }
}

/* Long waves are stretched by the factor, short ones stay, those between are mixed. */
static void llama3(const rope_config *c, int64_t dim, float *inverse)
{
    double context = (double)c->original_context;
    for (int64_t i = 0; i < dim / 2; i++) {
        double wave = 2 * PI / inverse[i];
        if (wave > context / c->low_frequency) {
            inverse[i] = (float)(inverse[i] / c->factor);
        } else if (!(wave < context / c->high_frequency)) {
            double smooth = (context / wave - c->low_frequency) / (c->high_frequency - c->low_frequency);
            inverse[i] = (float)((1 - smooth) * inverse[i] / c->factor + smooth * inverse[i]);
        }
    }
}

void rope_frequencies(const rope_config *c, int64_t dim, float *inverse, double *attention)
{
    for (int64_t i = 0; i < dim / 2; i++)
        inverse[i] = 1.0F / powf((float)c->theta, (float)(2 * i) / (float)dim);
    *attention = 1;
    if (c->scaling == ROPE_LINEAR) {
        for (int64_t i = 0; i < dim / 2; i++)
            inverse[i] /= (float)c->factor;
    } else if (c->scaling == ROPE_LLAMA3) {
        llama3(c, dim, inverse);
    } else if (c->scaling == ROPE_YARN) {
        yarn(c, dim, inverse);
        *attention = c->attention;
    }
}

void rope_tables(const float *inverse, int64_t dim, double attention, const int64_t *positions, int64_t count, float *cosines,
                 float *sines)
{
    for (int64_t t = 0; t < count; t++) {
        for (int64_t i = 0; i < dim / 2; i++) {
            float angle = (float)positions[t] * inverse[i]; /* rounded to float as the reference does */
            cosines[t * (dim / 2) + i] = (float)(cos(angle) * attention);
            sines[t * (dim / 2) + i] = (float)(sin(angle) * attention);
        }
    }
}
