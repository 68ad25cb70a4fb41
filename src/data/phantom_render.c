/* From a planned image to pixels: maps of material along each ray, attenuation, scatter, quantum noise, detector blur
 * and the display curve of a digital radiograph. */
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "data/phantom_internal.h"

/* Linear attenuation in 1/mm at about 70 keV effective (NIST XCOM: water 0.0193, cortical bone about 0.05). The bone
 * map holds mm of bone in place of soft tissue. */
static const float MU_SOFT = 0.0193f, MU_BONE = 0.030f;

enum { EXP_STEPS = 4096, LOG_STEPS = 2048, COARSE = 16, COARSE_N = PH_N / COARSE, MAP_COUNT = 13 };
static const float EXP_LIMIT = 16;

typedef struct curves {
    float attenuation[EXP_STEPS + 2]; /* exp(-x), x in [0, EXP_LIMIT] */
    float logarithm[LOG_STEPS + 2];   /* log(1 + k / LOG_STEPS) */
} curves;

static void curves_set(curves *c)
{
    for (int i = 0; i < EXP_STEPS + 2; i++)
        c->attenuation[i] = (float)det_exp(-(double)EXP_LIMIT * i / EXP_STEPS);
    for (int i = 0; i < LOG_STEPS + 2; i++)
        c->logarithm[i] = (float)det_log(1 + (double)i / LOG_STEPS);
}

static inline float attenuate(const curves *c, float x)
{
    float at = x * (EXP_STEPS / EXP_LIMIT);
    if (at < 0)
        at = 0;
    if (at > EXP_STEPS)
        at = EXP_STEPS;
    int i = (int)at;
    float k = at - (float)i;
    return c->attenuation[i] + k * (c->attenuation[i + 1] - c->attenuation[i]);
}

static inline float logarithm(const curves *c, float x) /* x > 0 and normal */
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 23 & 0xff) - 127;
    float at = (float)(bits & 0x7fffff) * (LOG_STEPS / 8388608.0f);
    int i = (int)at;
    float k = at - (float)i;
    return (float)exponent * 0.69314718f + c->logarithm[i] + k * (c->logarithm[i + 1] - c->logarithm[i]);
}

/* Value noise: random numbers on a lattice of `cell` pixels, smoothly between; added with `weight`. */
static void add_noise(float *map, radz_rng *rng, int cell, float weight)
{
    enum { MOST = PH_N / 3 + 3 };
    float lattice[2][MOST], slope[64];
    int count = PH_N / cell + 2;
    for (int i = 0; i < cell; i++) {
        float k = ((float)i + 0.5f) / (float)cell;
        slope[i] = k * k * (3 - 2 * k);
    }
    for (int i = 0; i < count; i++)
        lattice[1][i] = weight * ((float)(radz_rng_u32(rng) >> 8) * (2.0f / 16777216.0f) - 1);
    for (int band = 0; band * cell < PH_N; band++) {
        memcpy(lattice[0], lattice[1], sizeof lattice[0]);
        for (int i = 0; i < count; i++)
            lattice[1][i] = weight * ((float)(radz_rng_u32(rng) >> 8) * (2.0f / 16777216.0f) - 1);
        for (int r = 0; r < cell && band * cell + r < PH_N; r++) {
            float *row = map + (size_t)(band * cell + r) * PH_N;
            float v = slope[r], mixed[MOST];
            for (int i = 0; i < count; i++)
                mixed[i] = lattice[0][i] + v * (lattice[1][i] - lattice[0][i]);
            int i = 0, c = 0;
            for (int x = 0; x < PH_N; x++) {
                row[x] += mixed[i] + slope[c] * (mixed[i + 1] - mixed[i]);
                if (++c == cell) {
                    c = 0;
                    i++;
                }
            }
        }
    }
}

/* A wide blur of `from`: block means, three box passes, linear interpolation back into `to`. */
static void blur_wide(const float *from, float *to, int radius)
{
    float block[2][COARSE_N][COARSE_N];
    for (int by = 0; by < COARSE_N; by++)
        for (int bx = 0; bx < COARSE_N; bx++) {
            float sum = 0;
            for (int y = 0; y < COARSE; y++)
                for (int x = 0; x < COARSE; x++)
                    sum += from[(size_t)(by * COARSE + y) * PH_N + (size_t)(bx * COARSE + x)];
            block[0][by][bx] = sum / (COARSE * COARSE);
        }
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < COARSE_N; y++)
            for (int x = 0; x < COARSE_N; x++) {
                float sum = 0;
                for (int d = -radius; d <= radius; d++) {
                    int at = x + d;
                    sum += block[0][y][at < 0 ? 0 : at >= COARSE_N ? COARSE_N - 1 : at];
                }
                block[1][y][x] = sum / (float)(2 * radius + 1);
            }
        for (int y = 0; y < COARSE_N; y++)
            for (int x = 0; x < COARSE_N; x++) {
                float sum = 0;
                for (int d = -radius; d <= radius; d++) {
                    int at = y + d;
                    sum += block[1][at < 0 ? 0 : at >= COARSE_N ? COARSE_N - 1 : at][x];
                }
                block[0][y][x] = sum / (float)(2 * radius + 1);
            }
    }
    for (int y = 0; y < PH_N; y++) {
        float fy = ((float)y + 0.5f) / COARSE - 0.5f;
        fy = fy < 0 ? 0 : fy > COARSE_N - 1.001f ? COARSE_N - 1.001f : fy;
        int iy = (int)fy;
        float ky = fy - (float)iy, mixed[COARSE_N];
        for (int i = 0; i < COARSE_N; i++)
            mixed[i] = block[0][iy][i] + ky * (block[0][iy + 1][i] - block[0][iy][i]);
        for (int x = 0; x < PH_N; x++) {
            float fx = ((float)x + 0.5f) / COARSE - 0.5f;
            fx = fx < 0 ? 0 : fx > COARSE_N - 1.001f ? COARSE_N - 1.001f : fx;
            int ix = (int)fx;
            to[(size_t)y * PH_N + (size_t)x] = mixed[ix] + (fx - (float)ix) * (mixed[ix + 1] - mixed[ix]);
        }
    }
}

/* Detector blur: 1 2 1 in both directions, mixed with the sharp image. */
static void blur_detector(float *map, float *scratch)
{
    for (int y = 0; y < PH_N; y++) {
        const float *row = map + (size_t)y * PH_N;
        float *out = scratch + (size_t)y * PH_N;
        out[0] = row[0];
        out[PH_N - 1] = row[PH_N - 1];
        for (int x = 1; x < PH_N - 1; x++)
            out[x] = 0.6f * row[x] + 0.2f * (row[x - 1] + row[x + 1]);
    }
    memcpy(map, scratch, sizeof(float) * PH_N);
    memcpy(map + (size_t)(PH_N - 1) * PH_N, scratch + (size_t)(PH_N - 1) * PH_N, sizeof(float) * PH_N);
    for (int y = 1; y < PH_N - 1; y++) {
        const float *row = scratch + (size_t)y * PH_N;
        float *out = map + (size_t)y * PH_N;
        for (int x = 0; x < PH_N; x++)
            out[x] = 0.6f * row[x] + 0.2f * (row[x - PH_N] + row[x + PH_N]);
    }
}

static float quantile(const int *histogram, int bins, int total, double share)
{
    int want = (int)(share * total), sum = 0;
    for (int i = 0; i < bins; i++) {
        sum += histogram[i];
        if (sum > want)
            return (float)i;
    }
    return (float)bins;
}

radz_status ph_maps_create(ph_maps *m, radz_error *err)
{
    const size_t area = (size_t)PH_N * PH_N;
    memset(m, 0, sizeof *m);
    m->memory = radz_calloc(area * MAP_COUNT, sizeof *m->memory, err);
    if (m->memory == NULL)
        return RADZ_E_NOMEM;
    float **each[MAP_COUNT] = {&m->torso, &m->lung, &m->heart, &m->gas,   &m->fill,  &m->free,   &m->vessel,
                               &m->solid, &m->bone, &m->metal, &m->grain, &m->cloud, &m->scratch};
    for (int i = 0; i < MAP_COUNT; i++)
        *each[i] = m->memory + area * (size_t)i;
    return RADZ_OK;
}

void ph_maps_free(ph_maps *m)
{
    free(m->memory);
    memset(m, 0, sizeof *m);
}

/* Everything up to the detector; the result is in m->torso. */
static void expose(const ph_thorax *t, const curves *c, ph_maps *m)
{
    const ph_shot *shot = t->shot;
    const size_t area = (size_t)PH_N * PH_N;
    radz_rng rng;
    radz_rng_seed(&rng, shot->seed, 20);
    add_noise(m->grain, &rng, 3, 0.5f);
    add_noise(m->grain, &rng, 7, 0.5f);
    add_noise(m->cloud, &rng, 14, 0.4f);
    add_noise(m->cloud, &rng, 31, 0.6f);
    ph_draw_anatomy(t, m);
    ph_draw_findings(t, m);
    ph_draw_devices(t, m);

    /* attenuation; the primary beam lands in m->torso */
    float density = (float)t->lung_density;
    for (size_t i = 0; i < area; i++) {
        float lung = m->lung[i], fill = m->fill[i] > 1 ? 1 : m->fill[i], air = 1 - fill, gone = m->free[i];
        float open = air * (1 - gone);
        float near = lung * (1 / 40.0f);
        near = near > 1 ? 1 : near;
        float water = lung * (fill + open * density * (1 + 0.32f * m->grain[i] + 0.12f * m->cloud[i])) +
                      m->vessel[i] * open * near * 0.9f;
        float soft = m->torso[i] - lung + water + m->solid[i];
        float gas = m->gas[i];
        soft = soft - gas < 3 && m->torso[i] > 5 ? 3 : soft - gas;
        if (soft < 0)
            soft = 0;
        m->torso[i] = attenuate(c, MU_SOFT * soft * (1 + 0.012f * m->cloud[i]) + MU_BONE * m->bone[i] + m->metal[i]);
    }
    blur_wide(m->torso, m->scratch, 2);
    float scatter = (float)shot->scatter, photons = (float)(26000 * shot->exposure);
    radz_rng_seed(&rng, ph_mix(shot->seed, 77), 21);
    for (size_t i = 0; i < area; i++) {
        float value = m->torso[i] + scatter * m->scratch[i];
        /* four bytes make a bell: variance 4 (256^2 - 1) / 12 */
        uint32_t bits = radz_rng_u32(&rng);
        float bell = ((float)((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24)) - 510) / 147.8f;
        value += bell * sqrtf(value / photons);
        m->torso[i] = value < 2e-5f ? 2e-5f : value;
    }
    blur_detector(m->torso, m->scratch);
    for (size_t i = 0; i < area; i++)
        m->torso[i] = -logarithm(c, m->torso[i]); /* what a digital detector shows: density along the ray */
}

/* The display of a digital radiograph: local contrast, window from the lungs' dark end to the mediastinum's bright end,
 * an S curve, the shutter. */
static void display(const ph_thorax *t, ph_maps *m, uint16_t *pixels)
{
    enum { BINS = 1200 };
    const ph_shot *shot = t->shot;
    blur_wide(m->torso, m->scratch, 1);
    int histogram[BINS] = {0}, total = 0;
    ph_box box = ph_box_around(t, -0.8 * t->half_width, 0.1 * t->height, 0.8 * t->half_width, 1.0 * t->height);
    float enhance = (float)shot->enhance;
    for (size_t i = 0; i < (size_t)PH_N * PH_N; i++)
        m->torso[i] += enhance * (m->torso[i] - m->scratch[i]);
    for (int y = box.y0; y < box.y1; y += 2)
        for (int x = box.x0; x < box.x1; x += 2) {
            int bin = (int)((m->torso[(size_t)y * PH_N + (size_t)x] + 1) * 100);
            histogram[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
            total++;
        }
    float low = quantile(histogram, BINS, total, 0.02) / 100 - 1,
          high = quantile(histogram, BINS, total, 0.965) / 100 - 1;
    if (high < low + 0.3f)
        high = low + 0.3f;
    float span = high - low, start = low - 0.22f * span, scale = (float)(shot->window / (1.38 * span));
    float gamma[1026];
    for (int i = 0; i < 1026; i++) {
        /* an S curve: toe and shoulder as film had them, bent by the image's own gamma */
        double x = det_pow(i / 1024.0, shot->gamma);
        gamma[i] = (float)(65535 * (0.6 * x + 0.4 * x * x * (3 - 2 * x)));
    }
    int margin = (int)(shot->collimation / t->mm);
    for (int y = 0; y < PH_N; y++)
        for (int x = 0; x < PH_N; x++) {
            float value = (m->torso[(size_t)y * PH_N + (size_t)x] - start) * scale * 1024;
            value = value < 0 ? 0 : value > 1024 ? 1024 : value;
            int at = (int)value;
            float shown = gamma[at] + (value - (float)at) * (gamma[at + 1] - gamma[at]);
            if (x < margin || y < margin / 2 || x >= PH_N - margin || y >= PH_N - margin / 2)
                shown = shot->shutter_white ? 64000 : 900;
            pixels[(size_t)y * PH_N + (size_t)x] = (uint16_t)(shown > 65535 ? 65535 : shown);
        }
}

/* Either of `density` and `pixels` may be NULL. */
static radz_status render(const ph_shot *shot, unsigned hidden, float *density, uint16_t *pixels, radz_error *err)
{
    ph_maps m;
    radz_status st = ph_maps_create(&m, err);
    ph_thorax *t = radz_calloc(1, sizeof *t, err);
    curves *c = radz_calloc(1, sizeof *c, err);
    if (st != RADZ_OK || t == NULL || c == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    curves_set(c);
    ph_thorax_set(t, shot, hidden);
    expose(t, c, &m);
    if (density != NULL)
        memcpy(density, m.torso, sizeof *density * PH_N * PH_N);
    if (pixels != NULL)
        display(t, &m, pixels);
done:
    free(c);
    free(t);
    ph_maps_free(&m);
    return st;
}

radz_status ph_expose(const ph_shot *shot, unsigned hidden, float *density, radz_error *err)
{
    return render(shot, hidden, density, NULL, err);
}

radz_status radz_phantom_render_without(const radz_phantom_plan *plan, size_t i, uint32_t hidden, uint16_t *pixels,
                                        radz_error *err)
{
    if (i >= plan->count)
        return radz_fail(err, RADZ_E_USAGE, "phantom image %zu: the plan has %zu images", i, plan->count);
    return render(&plan->images[i].shot, hidden, NULL, pixels, err);
}

radz_status radz_phantom_render(const radz_phantom_plan *plan, size_t i, uint16_t *pixels, radz_error *err)
{
    return radz_phantom_render_without(plan, i, 0, pixels, err);
}
