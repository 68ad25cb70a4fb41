#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The loops below are written so that a compiler turns them into vector code; where it can, it makes one version per
 * instruction set and the program picks at start-up. All versions give the same bytes: integers, and doubles without
 * fused multiply-add. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define RADZ_VECTOR __attribute__((optimize("O3"), target_clones("avx2", "sse4.1", "default")))
#else
#define RADZ_VECTOR
#endif

enum {
    PRECISION = 32 - 8 - 2, /* fraction bits of a weight: 8 bits of sample and two spare bits make 32 */
    TAPS = 4,               /* taps per sweep of the inner loops; weight lists are padded with zeros to a multiple */
    LANES = 64,             /* rows that the horizontal pass of 8-bit samples treats together */
    WIDE_LANES = 32,        /* the same for doubles */
    MAX_SIDE = 100000,
    KEPT = 8                /* weight tables kept */
};

static const char *const filter_names[RADZ_FILTER_COUNT] = {
    "nearest", "box", "bilinear", "hamming", "bicubic", "lanczos", "area", "bicubic-plain",
};

const char *radz_filter_name(size_t i)
{
    return i < RADZ_FILTER_COUNT ? filter_names[i] : NULL;
}

/* --- filter functions; their arithmetic is Pillow's, operation by operation, because the weights must not differ in
 * the last bit --- */

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double bilinear(double x)
{
    x = x < 0.0 ? -x : x;
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double hamming(double x)
{
    x = x < 0.0 ? -x : x;
    if (x == 0.0)
        return 1.0;
    if (x >= 1.0)
        return 0.0;
    x = x * M_PI;
    return sin(x) / x * (0.54f + 0.46f * cos(x));
}

static double bicubic(double x)
{
    const double a = -0.5;
    x = x < 0.0 ? -x : x;
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static double sinc(double x)
{
    if (x == 0.0)
        return 1.0;
    x = x * M_PI;
    return sin(x) / x;
}

static double lanczos(double x)
{
    return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

typedef struct kernel {
    double (*weight)(double x);
    double support;
} kernel;

static const kernel kernels[RADZ_FILTER_COUNT] = {
    [RADZ_FILTER_BOX] = {box, 0.5},
    [RADZ_FILTER_BILINEAR] = {bilinear, 1.0},
    [RADZ_FILTER_HAMMING] = {hamming, 1.0},
    [RADZ_FILTER_BICUBIC] = {bicubic, 2.0},
    [RADZ_FILTER_LANCZOS] = {lanczos, 3.0},
};

/* For each output position the inputs first .. first + count - 1 and their weights. */
typedef struct weights {
    size_t in, out;
    radz_filter filter;
    size_t taps;     /* room per position, a multiple of TAPS */
    int *first;      /* [out] */
    int *count;      /* [out], a multiple of TAPS, zeros at the end; first + count may pass `in` there */
    double *real;    /* [out, taps] */
    int32_t *fixed;  /* [out, taps], real x 2^PRECISION */
    unsigned used;   /* age */
} weights;

struct radz_resizer {
    weights kept[KEPT];
    unsigned clock;
    void *scratch[5];
    size_t scratch_size[5];
};

static void weights_free(weights *w)
{
    free(w->first);
    free(w->count);
    free(w->real);
    free(w->fixed);
    *w = (weights){0};
}

static void fill_antialias(weights *w)
{
    const kernel *k = &kernels[w->filter];
    const double scale = (double)w->in / (double)w->out;
    const double filter_scale = scale < 1.0 ? 1.0 : scale;
    const double support = k->support * filter_scale;
    const double inverse = 1.0 / filter_scale;
    for (size_t i = 0; i < w->out; i++) {
        const double centre = ((double)i + 0.5) * scale;
        int low = (int)(centre - support + 0.5);
        if (low < 0)
            low = 0;
        int high = (int)(centre + support + 0.5);
        if (high > (int)w->in)
            high = (int)w->in;
        double *row = w->real + i * w->taps;
        double sum = 0.0;
        for (int j = 0; j < high - low; j++) {
            row[j] = k->weight((j + low - centre + 0.5) * inverse);
            sum += row[j];
        }
        for (int j = 0; sum != 0.0 && j < high - low; j++)
            row[j] /= sum;
        w->first[i] = low;
        w->count[i] = high - low;
    }
}

/* PyTorch's four taps with a = -0.75. Its positions are floats, rounded once (fused multiply-add), which decides more
 * than all other rounding: the same is done here. Weights are double. Taps outside the picture fall on its border. */
static void fill_plain_bicubic(weights *w)
{
    const double a = -0.75;
    const float scale = (float)w->in / (float)w->out;
    for (size_t i = 0; i < w->out; i++) {
        const float position = (float)((double)scale * ((double)i + 0.5) - 0.5);
        const float whole = floorf(position);
        const double t = (double)(position - whole), u = 1.0 - t;
        const double t1 = t + 1.0, u1 = u + 1.0;
        const double tap[4] = {
            ((a * t1 - 5 * a) * t1 + 8 * a) * t1 - 4 * a,
            ((a + 2) * t - (a + 3)) * t * t + 1,
            ((a + 2) * u - (a + 3)) * u * u + 1,
            ((a * u1 - 5 * a) * u1 + 8 * a) * u1 - 4 * a,
        };
        const int last = (int)w->in - 1;
        const int from = (int)whole - 1;
        const int low = from < 0 ? 0 : from > last ? last : from;
        double *row = w->real + i * w->taps;
        int count = 0;
        for (int j = 0; j < 4; j++) {
            int at = from + j < 0 ? 0 : from + j > last ? last : from + j;
            row[at - low] += tap[j];
            count = at - low + 1;
        }
        w->first[i] = low;
        w->count[i] = count;
    }
}

static radz_status weights_fill(weights *w, size_t in, size_t out, radz_filter filter, radz_error *err)
{
    const double scale = (double)in / (double)out;
    const size_t taps = filter == RADZ_FILTER_BICUBIC_PLAIN
                            ? 4 : (size_t)ceil(kernels[filter].support * (scale < 1.0 ? 1.0 : scale)) * 2 + 1;
    w->in = in;
    w->out = out;
    w->filter = filter;
    w->taps = (taps + TAPS - 1) / TAPS * TAPS;
    if (out > SIZE_MAX / sizeof(double) / w->taps)
        return radz_fail(err, RADZ_E_NOMEM, "weights from %zu to %zu pixels are too many", in, out);
    w->first = radz_calloc(out, sizeof *w->first, err);
    w->count = radz_calloc(out, sizeof *w->count, err);
    w->real = radz_calloc(out * w->taps, sizeof *w->real, err);
    w->fixed = radz_calloc(out * w->taps, sizeof *w->fixed, err);
    if (w->first == NULL || w->count == NULL || w->real == NULL || w->fixed == NULL) {
        weights_free(w);
        return RADZ_E_NOMEM;
    }
    if (filter == RADZ_FILTER_BICUBIC_PLAIN)
        fill_plain_bicubic(w);
    else
        fill_antialias(w);
    for (size_t i = 0; i < out * w->taps; i++) {
        const double scaled = w->real[i] * (1 << PRECISION);
        w->fixed[i] = (int32_t)(w->real[i] < 0 ? -0.5 + scaled : 0.5 + scaled);
    }
    for (size_t i = 0; i < out; i++)
        w->count[i] = (w->count[i] + TAPS - 1) / TAPS * TAPS;
    return RADZ_OK;
}

/* The table for one axis, kept from an earlier call or made now. */
static const weights *weights_get(radz_resizer *r, size_t in, size_t out, radz_filter filter, radz_error *err)
{
    weights *oldest = &r->kept[0];
    r->clock++;
    for (size_t i = 0; i < KEPT; i++) {
        weights *w = &r->kept[i];
        if (w->first != NULL && w->in == in && w->out == out && w->filter == filter) {
            w->used = r->clock;
            return w;
        }
        if (w->used < oldest->used)
            oldest = w;
    }
    weights_free(oldest);
    if (weights_fill(oldest, in, out, filter, err) != RADZ_OK)
        return NULL;
    oldest->used = r->clock;
    return oldest;
}

/* Room number `which` with at least `bytes`; what it held is lost. NULL on exhaustion. */
static void *scratch(radz_resizer *r, size_t which, size_t bytes, radz_error *err)
{
    if (bytes > r->scratch_size[which]) {
        free(r->scratch[which]);
        r->scratch_size[which] = 0;
        r->scratch[which] = malloc(bytes);
        if (r->scratch[which] == NULL) {
            radz_fail(err, RADZ_E_NOMEM, "no memory for %zu bytes while resizing", bytes);
            return NULL;
        }
        r->scratch_size[which] = bytes;
    }
    return r->scratch[which];
}

radz_status radz_resizer_create(radz_resizer **out, radz_error *err)
{
    *out = radz_calloc(1, sizeof **out, err);
    return *out == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

void radz_resizer_free(radz_resizer *resizer)
{
    if (resizer == NULL)
        return;
    for (size_t i = 0; i < KEPT; i++)
        weights_free(&resizer->kept[i]);
    for (size_t i = 0; i < sizeof resizer->scratch / sizeof resizer->scratch[0]; i++)
        free(resizer->scratch[i]);
    free(resizer);
}

/* --- 8 bits --- */

/* Sums of weight x sample over `count` lines (a multiple of TAPS) of `width` samples, rounded and clipped. Both passes
 * are this one function: the horizontal pass hands it columns. Lines from `limit` on do not exist: their weights are
 * 0. */
RADZ_VECTOR static void blend_u8(const uint8_t *restrict lines, size_t pitch, size_t first, size_t count, size_t limit,
                                 const int32_t *restrict weight, size_t width, int32_t *restrict sums,
                                 uint8_t *restrict out)
{
    for (size_t x = 0; x < width; x++)
        sums[x] = 1 << (PRECISION - 1);
    for (size_t t = 0; t < count; t += TAPS) {
        const uint8_t *line[TAPS];
        for (size_t i = 0; i < TAPS; i++) {
            size_t at = first + t + i < limit ? first + t + i : limit - 1;
            line[i] = lines + at * pitch;
        }
        const uint8_t *restrict a = line[0], *restrict b = line[1], *restrict c = line[2], *restrict d = line[3];
        const int32_t ka = weight[t], kb = weight[t + 1], kc = weight[t + 2], kd = weight[t + 3];
        for (size_t x = 0; x < width; x++)
            sums[x] += ka * a[x] + kb * b[x] + kc * c[x] + kd * d[x];
    }
    for (size_t x = 0; x < width; x++) {
        int32_t v = sums[x] >> PRECISION;
        v = v < 0 ? 0 : v;
        out[x] = (uint8_t)(v > 255 ? 255 : v);
    }
}

/* out[x * out_pitch + y] = in[y * in_pitch + x] for 8 x 8 samples. */
static inline void transpose_8x8(const uint8_t *in, size_t in_pitch, uint8_t *out, size_t out_pitch)
{
    uint64_t r[8];
    for (size_t i = 0; i < 8; i++)
        memcpy(&r[i], in + i * in_pitch, 8);
    /* swap bytes, then pairs, then fours, between rows of increasing distance */
    for (size_t i = 0; i < 8; i += 2) {
        uint64_t a = r[i], b = r[i + 1];
        r[i] = (a & 0x00ff00ff00ff00ffu) | ((b & 0x00ff00ff00ff00ffu) << 8);
        r[i + 1] = ((a >> 8) & 0x00ff00ff00ff00ffu) | (b & 0xff00ff00ff00ff00u);
    }
    for (size_t i = 0; i < 8; i += 1 + (i & 1) * 2) {
        uint64_t a = r[i], b = r[i + 2];
        r[i] = (a & 0x0000ffff0000ffffu) | ((b & 0x0000ffff0000ffffu) << 16);
        r[i + 2] = ((a >> 16) & 0x0000ffff0000ffffu) | (b & 0xffff0000ffff0000u);
    }
    for (size_t i = 0; i < 4; i++) {
        uint64_t a = r[i], b = r[i + 4];
        r[i] = (a & 0x00000000ffffffffu) | (b << 32);
        r[i + 4] = (a >> 32) | (b & 0xffffffff00000000u);
    }
    for (size_t i = 0; i < 8; i++)
        memcpy(out + i * out_pitch, &r[i], 8);
}

/* in [height, width] with rows in_pitch apart -> out [width, height] with rows out_pitch apart. */
static void transpose_u8(const uint8_t *in, size_t width, size_t height, size_t in_pitch, uint8_t *out,
                         size_t out_pitch)
{
    size_t y = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; y + 8 <= height; y += 8) {
        size_t x = 0;
        for (; x + 8 <= width; x += 8)
            transpose_8x8(in + y * in_pitch + x, in_pitch, out + x * out_pitch + y, out_pitch);
        for (; x < width; x++)
            for (size_t i = 0; i < 8; i++)
                out[x * out_pitch + y + i] = in[(y + i) * in_pitch + x];
    }
#endif
    for (; y < height; y++)
        for (size_t x = 0; x < width; x++)
            out[x * out_pitch + y] = in[y * in_pitch + x];
}

static radz_status horizontal_u8(radz_resizer *r, const weights *w, const uint8_t *in, size_t rows, uint8_t *out,
                                 radz_error *err)
{
    uint8_t *columns = scratch(r, 0, (w->in + w->out) * LANES, err);
    int32_t *sums = scratch(r, 1, LANES * sizeof *sums, err);
    if (columns == NULL || sums == NULL)
        return RADZ_E_NOMEM;
    uint8_t *made = columns + w->in * LANES;
    for (size_t y = 0; y < rows; y += LANES) {
        const size_t n = rows - y < LANES ? rows - y : LANES;
        transpose_u8(in + y * w->in, w->in, n, w->in, columns, LANES);
        for (size_t x = 0; x < w->out; x++)
            blend_u8(columns, LANES, (size_t)w->first[x], (size_t)w->count[x], w->in, w->fixed + x * w->taps, n, sums,
                     made + x * LANES);
        transpose_u8(made, n, w->out, LANES, out + y * w->out, w->out);
    }
    return RADZ_OK;
}

static radz_status vertical_u8(radz_resizer *r, const weights *w, const uint8_t *in, size_t width, uint8_t *out,
                               radz_error *err)
{
    int32_t *sums = scratch(r, 1, width * sizeof *sums, err);
    if (sums == NULL)
        return RADZ_E_NOMEM;
    for (size_t y = 0; y < w->out; y++)
        blend_u8(in, width, (size_t)w->first[y], (size_t)w->count[y], w->in, w->fixed + y * w->taps, width, sums,
                 out + y * width);
    return RADZ_OK;
}

/* Which pass comes first decides which intermediate is rounded. Pillow 13 starts with the vertical one where the height
 * shrinks by more than twice what the width does; earlier versions always start with the horizontal one. */
static bool vertical_first(size_t in_width, size_t in_height, size_t out_width, size_t out_height)
{
    const long lost_height = (long)in_height - (long)out_height, lost_width = (long)in_width - (long)out_width;
    return lost_height > 0 && lost_height > 2 * lost_width;
}

static radz_status resample_u8(radz_resizer *r, const uint8_t *in, size_t in_width, size_t in_height, uint8_t *out,
                               size_t out_width, size_t out_height, radz_filter filter, radz_error *err)
{
    const bool across = in_width != out_width, down = in_height != out_height;
    const weights *h = across ? weights_get(r, in_width, out_width, filter, err) : NULL;
    const weights *v = down ? weights_get(r, in_height, out_height, filter, err) : NULL;
    if ((across && h == NULL) || (down && v == NULL))
        return RADZ_E_NOMEM;
    if (!across && !down) {
        memcpy(out, in, in_width * in_height);
        return RADZ_OK;
    }
    if (!down)
        return horizontal_u8(r, h, in, in_height, out, err);
    if (!across)
        return vertical_u8(r, v, in, in_width, out, err);
    if (vertical_first(in_width, in_height, out_width, out_height)) {
        uint8_t *middle = scratch(r, 2, in_width * out_height, err);
        radz_status st = middle == NULL ? RADZ_E_NOMEM : vertical_u8(r, v, in, in_width, middle, err);
        return st != RADZ_OK ? st : horizontal_u8(r, h, middle, out_height, out, err);
    }
    uint8_t *middle = scratch(r, 2, out_width * in_height, err);
    radz_status st = middle == NULL ? RADZ_E_NOMEM : horizontal_u8(r, h, in, in_height, middle, err);
    return st != RADZ_OK ? st : vertical_u8(r, v, middle, out_width, out, err);
}

/* --- float and 16 bits --- */

/* As blend_u8 in double; the order of the additions is the order of the taps. `whole`: round to 0 .. 65535. */
RADZ_VECTOR static void blend_f32(const float *restrict lines, size_t pitch, size_t first, size_t count, size_t limit,
                                  const double *restrict weight, size_t width, double *restrict sums, bool whole,
                                  float *restrict out)
{
    for (size_t x = 0; x < width; x++)
        sums[x] = 0.0;
    for (size_t t = 0; t < count; t += TAPS) {
        const float *line[TAPS];
        for (size_t i = 0; i < TAPS; i++) {
            size_t at = first + t + i < limit ? first + t + i : limit - 1;
            line[i] = lines + at * pitch;
        }
        const float *restrict a = line[0], *restrict b = line[1], *restrict c = line[2], *restrict d = line[3];
        const double ka = weight[t], kb = weight[t + 1], kc = weight[t + 2], kd = weight[t + 3];
        for (size_t x = 0; x < width; x++)
            sums[x] = (((sums[x] + (double)a[x] * ka) + (double)b[x] * kb) + (double)c[x] * kc) + (double)d[x] * kd;
    }
    if (!whole) {
        for (size_t x = 0; x < width; x++)
            out[x] = (float)sums[x];
        return;
    }
    for (size_t x = 0; x < width; x++) {
        int v = (int)(sums[x] >= 0.0 ? sums[x] + 0.5 : sums[x] - 0.5);
        v = v < 0 ? 0 : v;
        out[x] = (float)(v > 65535 ? 65535 : v);
    }
}

static radz_status horizontal_f32(radz_resizer *r, const weights *w, const float *in, size_t rows, bool whole,
                                  float *out, radz_error *err)
{
    float *columns = scratch(r, 0, (w->in + w->out) * WIDE_LANES * sizeof *columns, err);
    double *sums = scratch(r, 1, WIDE_LANES * sizeof *sums, err);
    if (columns == NULL || sums == NULL)
        return RADZ_E_NOMEM;
    float *made = columns + w->in * WIDE_LANES;
    for (size_t y = 0; y < rows; y += WIDE_LANES) {
        const size_t n = rows - y < WIDE_LANES ? rows - y : WIDE_LANES;
        for (size_t i = 0; i < n; i++)
            for (size_t x = 0; x < w->in; x++)
                columns[x * WIDE_LANES + i] = in[(y + i) * w->in + x];
        for (size_t x = 0; x < w->out; x++)
            blend_f32(columns, WIDE_LANES, (size_t)w->first[x], (size_t)w->count[x], w->in, w->real + x * w->taps, n,
                      sums, whole, made + x * WIDE_LANES);
        for (size_t i = 0; i < n; i++)
            for (size_t x = 0; x < w->out; x++)
                out[(y + i) * w->out + x] = made[x * WIDE_LANES + i];
    }
    return RADZ_OK;
}

static radz_status vertical_f32(radz_resizer *r, const weights *w, const float *in, size_t width, bool whole,
                                float *out, radz_error *err)
{
    double *sums = scratch(r, 1, width * sizeof *sums, err);
    if (sums == NULL)
        return RADZ_E_NOMEM;
    for (size_t y = 0; y < w->out; y++)
        blend_f32(in, width, (size_t)w->first[y], (size_t)w->count[y], w->in, w->real + y * w->taps, width, sums, whole,
                  out + y * width);
    return RADZ_OK;
}

/* `whole`: the samples are 16-bit numbers and stay such after each pass. */
static radz_status resample_f32(radz_resizer *r, const float *in, size_t in_width, size_t in_height, float *out,
                                size_t out_width, size_t out_height, radz_filter filter, bool whole, radz_error *err)
{
    const bool across = in_width != out_width, down = in_height != out_height;
    const weights *h = across ? weights_get(r, in_width, out_width, filter, err) : NULL;
    const weights *v = down ? weights_get(r, in_height, out_height, filter, err) : NULL;
    if ((across && h == NULL) || (down && v == NULL))
        return RADZ_E_NOMEM;
    if (!across && !down) {
        memcpy(out, in, in_width * in_height * sizeof *in);
        return RADZ_OK;
    }
    if (!down)
        return horizontal_f32(r, h, in, in_height, whole, out, err);
    if (!across)
        return vertical_f32(r, v, in, in_width, whole, out, err);
    if (vertical_first(in_width, in_height, out_width, out_height)) {
        float *middle = scratch(r, 2, in_width * out_height * sizeof *middle, err);
        radz_status st = middle == NULL ? RADZ_E_NOMEM : vertical_f32(r, v, in, in_width, whole, middle, err);
        return st != RADZ_OK ? st : horizontal_f32(r, h, middle, out_height, whole, out, err);
    }
    float *middle = scratch(r, 2, out_width * in_height * sizeof *middle, err);
    radz_status st = middle == NULL ? RADZ_E_NOMEM : horizontal_f32(r, h, in, in_height, whole, middle, err);
    return st != RADZ_OK ? st : vertical_f32(r, v, middle, out_width, whole, out, err);
}

/* --- nearest --- */

/* For 8-bit and float samples Pillow adds the step up, for 16-bit ones it multiplies: the last bit of a position, and
 * with it sometimes the pixel, depends on the way there. */
static void nearest_positions(size_t in, size_t out, bool adding, size_t *at)
{
    const double step = (double)in / (double)out;
    double position = step * 0.5;
    for (size_t i = 0; i < out; i++) {
        size_t whole = (size_t)(adding ? position : step * ((double)i + 0.5));
        at[i] = whole < in ? whole : in - 1;
        position += step;
    }
}

static radz_status nearest(radz_resizer *r, const void *in, size_t in_width, size_t in_height, void *out,
                           size_t out_width, size_t out_height, size_t sample, radz_error *err)
{
    size_t *at = scratch(r, 0, (out_width + out_height) * sizeof *at, err);
    if (at == NULL)
        return RADZ_E_NOMEM;
    nearest_positions(in_width, out_width, sample != 2, at);
    nearest_positions(in_height, out_height, sample != 2, at + out_width);
    for (size_t y = 0; y < out_height; y++) {
        const char *line = (const char *)in + at[out_width + y] * in_width * sample;
        char *to = (char *)out + y * out_width * sample;
        for (size_t x = 0; x < out_width; x++)
            memcpy(to + x * sample, line + at[x] * sample, sample);
    }
    return RADZ_OK;
}

/* --- area --- */

typedef struct area_entry {
    size_t in, out;
    float weight;
} area_entry;

/* How much of each input pixel lies under each output pixel. `table` has room for 2 x in + 2 x out entries. */
static size_t area_table(size_t in, size_t out, area_entry *table)
{
    const double scale = (double)in / (double)out;
    size_t count = 0;
    for (size_t i = 0; i < out; i++) {
        const double low = (double)i * scale, high = low + scale;
        const double left = (double)in - low;
        const double cell = scale < left ? scale : left;
        size_t from = (size_t)ceil(low), to = (size_t)floor(high);
        to = to < in - 1 ? to : in - 1;
        from = from < to ? from : to;
        if ((double)from - low > 1e-3)
            table[count++] = (area_entry){from - 1, i, (float)(((double)from - low) / cell)};
        for (size_t j = from; j < to; j++)
            table[count++] = (area_entry){j, i, (float)(1.0 / cell)};
        if (high - (double)to > 1e-3) {
            double part = high - (double)to < 1.0 ? high - (double)to : 1.0;
            part = part < cell ? part : cell;
            table[count++] = (area_entry){to, i, (float)(part / cell)};
        }
    }
    return count;
}

/* Where a side grows OpenCV's INTER_AREA is a linear interpolation whose weights are the areas: for output position i
 * the inputs at[i] and at[i] + 1 with weights 1 - part[i] and part[i]. */
static void area_positions(size_t in, size_t out, size_t *at, float *part)
{
    const double inverse = (double)out / (double)in, scale = 1.0 / inverse;
    for (size_t i = 0; i < out; i++) {
        size_t from = (size_t)floor((double)i * scale);
        float f = (float)((double)(i + 1) - (double)(from + 1) * inverse);
        f = f <= 0 ? 0.0f : f - floorf(f);
        if (from >= in - 1) {
            from = in - 1;
            f = 0;
        }
        at[i] = from;
        part[i] = f;
    }
}

static size_t next_of(size_t at, size_t count)
{
    return at + 1 < count ? at + 1 : at;
}

/* 8-bit samples in integers, weights of 11 bits; otherwise float, `top` as in area(). */
static radz_status area_grow(radz_resizer *r, const float *in, size_t in_width, size_t in_height, float *out,
                             size_t out_width, size_t out_height, float top, radz_error *err)
{
    size_t *at = scratch(r, 0, (out_width + out_height) * (sizeof *at + sizeof(float)), err);
    if (at == NULL)
        return RADZ_E_NOMEM;
    float *part = (float *)(at + out_width + out_height);
    area_positions(in_width, out_width, at, part);
    area_positions(in_height, out_height, at + out_width, part + out_width);
    for (size_t y = 0; y < out_height; y++) {
        const size_t row = at[out_width + y];
        const float *a = in + row * in_width, *b = in + next_of(row, in_height) * in_width;
        const float fy = part[out_width + y];
        const int wy0 = (int)rintf((1.0f - fy) * 2048), wy1 = (int)rintf(fy * 2048);
        for (size_t x = 0; x < out_width; x++) {
            const size_t i = at[x], j = next_of(i, in_width);
            const float fx = part[x];
            float *to = out + y * out_width + x;
            if (top == 255) {
                const int wx0 = (int)rintf((1.0f - fx) * 2048), wx1 = (int)rintf(fx * 2048);
                const int upper = (int)a[i] * wx0 + (int)a[j] * wx1, lower = (int)b[i] * wx0 + (int)b[j] * wx1;
                *to = (float)((((wy0 * (upper >> 4)) >> 16) + ((wy1 * (lower >> 4)) >> 16) + 2) >> 2);
            } else {
                const float upper = a[i] * (1.0f - fx) + a[j] * fx, lower = b[i] * (1.0f - fx) + b[j] * fx;
                const float v = upper * (1.0f - fy) + lower * fy;
                *to = top > 0 ? rintf(v) : v;
            }
        }
    }
    return RADZ_OK;
}

/* Float sums in the order of the inputs; `top` > 0 rounds to whole numbers 0 .. top. */
static radz_status area(radz_resizer *r, const float *in, size_t in_width, size_t in_height, float *out,
                        size_t out_width, size_t out_height, float top, radz_error *err)
{
    if (in_width == out_width && in_height == out_height) {
        memcpy(out, in, in_width * in_height * sizeof *in);
        return RADZ_OK;
    }
    if (out_width > in_width || out_height > in_height)
        return area_grow(r, in, in_width, in_height, out, out_width, out_height, top, err);
    if (in_width % out_width == 0 && in_height % out_height == 0) {
        const size_t step_x = in_width / out_width, step_y = in_height / out_height;
        const float share = 1.0f / (float)(step_x * step_y);
        for (size_t y = 0; y < out_height; y++)
            for (size_t x = 0; x < out_width; x++) {
                double sum = 0; /* exact for whole samples; float samples are summed more exactly than in OpenCV */
                for (size_t j = 0; j < step_y; j++)
                    for (size_t i = 0; i < step_x; i++)
                        sum += (double)in[(y * step_y + j) * in_width + x * step_x + i];
                float value = (float)sum * share;
                if (top > 0)
                    value = step_x == 2 && step_y == 2 ? floorf((float)(sum + 2) / 4) : rintf(value);
                out[y * out_width + x] = value;
            }
        return RADZ_OK;
    }
    area_entry *table = scratch(r, 0, 2 * (in_width + out_width + in_height + out_height) * sizeof *table, err);
    float *sums = scratch(r, 1, 2 * out_width * sizeof *sums, err);
    if (table == NULL || sums == NULL)
        return RADZ_E_NOMEM;
    float *line_sum = sums + out_width;
    const size_t across = area_table(in_width, out_width, table);
    const area_entry *down_table = table + across;
    const size_t down = area_table(in_height, out_height, table + across);
    memset(sums, 0, out_width * sizeof *sums);
    for (size_t j = 0; j < down; j++) {
        const float *line = in + down_table[j].in * in_width;
        memset(line_sum, 0, out_width * sizeof *line_sum);
        for (size_t k = 0; k < across; k++)
            line_sum[table[k].out] += line[table[k].in] * table[k].weight;
        for (size_t x = 0; x < out_width; x++)
            sums[x] += line_sum[x] * down_table[j].weight;
        if (j + 1 < down && down_table[j + 1].out == down_table[j].out)
            continue;
        float *to = out + down_table[j].out * out_width;
        for (size_t x = 0; x < out_width; x++) {
            float v = top > 0 ? rintf(sums[x]) : sums[x];
            to[x] = top > 0 && v > top ? top : top > 0 && v < 0 ? 0 : v;
            sums[x] = 0;
        }
    }
    return RADZ_OK;
}

/* --- entrances --- */

static radz_status check(size_t in_width, size_t in_height, size_t out_width, size_t out_height, radz_filter filter,
                         bool real, radz_error *err)
{
    const size_t sides[4] = {in_width, in_height, out_width, out_height};
    for (size_t i = 0; i < 4; i++)
        if (sides[i] < 1 || sides[i] > MAX_SIDE)
            return radz_fail(err, RADZ_E_VALUE,
                             "cannot resize %zu x %zu to %zu x %zu pixels: sides of 1 to %d are possible", in_width,
                             in_height, out_width, out_height, MAX_SIDE);
    if ((unsigned)filter >= RADZ_FILTER_COUNT)
        return radz_fail(err, RADZ_E_INTERNAL, "filter number %d", (int)filter);
    if (filter == RADZ_FILTER_BICUBIC_PLAIN && !real)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "the filter 'bicubic-plain' works on float samples only");
    return RADZ_OK;
}

radz_status radz_resize_f32(radz_resizer *resizer, const float *in, size_t in_width, size_t in_height, float *out,
                            size_t out_width, size_t out_height, radz_filter filter, radz_error *err)
{
    radz_status st = check(in_width, in_height, out_width, out_height, filter, true, err);
    if (st != RADZ_OK)
        return st;
    if (filter == RADZ_FILTER_NEAREST)
        return nearest(resizer, in, in_width, in_height, out, out_width, out_height, sizeof *in, err);
    if (filter == RADZ_FILTER_AREA)
        return area(resizer, in, in_width, in_height, out, out_width, out_height, 0, err);
    return resample_f32(resizer, in, in_width, in_height, out, out_width, out_height, filter, false, err);
}

radz_status radz_resize_u16(radz_resizer *resizer, const uint16_t *in, size_t in_width, size_t in_height, uint16_t *out,
                            size_t out_width, size_t out_height, radz_filter filter, radz_error *err)
{
    radz_status st = check(in_width, in_height, out_width, out_height, filter, false, err);
    if (st != RADZ_OK)
        return st;
    if (filter == RADZ_FILTER_NEAREST)
        return nearest(resizer, in, in_width, in_height, out, out_width, out_height, sizeof *in, err);
    /* 65535 is exact in float: the samples travel as floats and stay whole */
    const size_t in_count = in_width * in_height, out_count = out_width * out_height;
    float *wide = scratch(resizer, 3, in_count * sizeof *wide, err);
    float *made = scratch(resizer, 4, out_count * sizeof *made, err);
    if (wide == NULL || made == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < in_count; i++)
        wide[i] = in[i];
    if (filter == RADZ_FILTER_AREA)
        st = area(resizer, wide, in_width, in_height, made, out_width, out_height, 65535, err);
    else
        st = resample_f32(resizer, wide, in_width, in_height, made, out_width, out_height, filter, true, err);
    for (size_t i = 0; st == RADZ_OK && i < out_count; i++)
        out[i] = (uint16_t)made[i];
    return st;
}

radz_status radz_resize_u8(radz_resizer *resizer, const uint8_t *in, size_t in_width, size_t in_height, uint8_t *out,
                           size_t out_width, size_t out_height, radz_filter filter, radz_error *err)
{
    radz_status st = check(in_width, in_height, out_width, out_height, filter, false, err);
    if (st != RADZ_OK)
        return st;
    if (filter == RADZ_FILTER_NEAREST)
        return nearest(resizer, in, in_width, in_height, out, out_width, out_height, sizeof *in, err);
    const size_t in_count = in_width * in_height, out_count = out_width * out_height;
    if (filter == RADZ_FILTER_AREA) {
        float *wide = scratch(resizer, 3, in_count * sizeof *wide, err);
        float *made = scratch(resizer, 4, out_count * sizeof *made, err);
        if (wide == NULL || made == NULL)
            return RADZ_E_NOMEM;
        for (size_t i = 0; i < in_count; i++)
            wide[i] = in[i];
        st = area(resizer, wide, in_width, in_height, made, out_width, out_height, 255, err);
        for (size_t i = 0; st == RADZ_OK && i < out_count; i++)
            out[i] = (uint8_t)made[i];
        return st;
    }
    return resample_u8(resizer, in, in_width, in_height, out, out_width, out_height, filter, err);
}
