#include "image/preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/recipe.h"
#include "image/resize.h"

enum { MAX_PIXELS = 1 << 28 }; /* of any picture on the way */

typedef enum sample_kind { SAMPLE_U8, SAMPLE_U16, SAMPLE_F32 } sample_kind;
static const size_t sample_size[] = {1, 2, 4};

/* The picture between two steps: `planes` planes of [height, width] one after the other. A gray picture that counts as
 * RGB keeps its one plane (planes 1, channels 3) for as long as no step treats the channels differently. */
typedef struct canvas {
    const void *data;
    sample_kind kind;
    size_t height, width;
    int planes, channels;
} canvas;

struct radz_preprocessor {
    const radz_recipe *recipe;
    radz_resizer *resizer;
    void *room[2]; /* the canvas lies in one of them (or in the caller's picture), the next goes into the other */
    size_t room_size[2];
    uint8_t levels8[65536]; /* a table from sample to sample, for the steps that are one */
};

radz_status radz_preprocessor_create(const radz_recipe *recipe, radz_preprocessor **out, radz_error *err)
{
    *out = radz_calloc(1, sizeof **out, err);
    if (*out == NULL)
        return RADZ_E_NOMEM;
    (*out)->recipe = recipe;
    radz_status st = radz_resizer_create(&(*out)->resizer, err);
    if (st != RADZ_OK) {
        radz_preprocessor_free(*out);
        *out = NULL;
    }
    return st;
}

void radz_preprocessor_free(radz_preprocessor *preprocessor)
{
    if (preprocessor == NULL)
        return;
    radz_resizer_free(preprocessor->resizer);
    free(preprocessor->room[0]);
    free(preprocessor->room[1]);
    free(preprocessor);
}

static size_t plane_bytes(const canvas *c)
{
    return c->height * c->width * sample_size[c->kind];
}

static const void *plane(const canvas *c, int i)
{
    return (const char *)c->data + (size_t)(c->planes == 1 ? 0 : i) * plane_bytes(c);
}

/* Room for `next` that does not overlap `now`. */
static void *room_for(radz_preprocessor *p, const canvas *now, const canvas *next, radz_error *err)
{
    if (next->height > MAX_PIXELS / next->width) {
        radz_fail(err, RADZ_E_VALUE, "a picture of %zu x %zu pixels would arise; at most %d pixels are possible",
                  next->width, next->height, MAX_PIXELS);
        return NULL;
    }
    const size_t bytes = plane_bytes(next) * (size_t)next->planes;
    const int which = now->data == p->room[0] ? 1 : 0;
    if (bytes > p->room_size[which]) {
        free(p->room[which]);
        p->room_size[which] = 0;
        p->room[which] = malloc(bytes);
        if (p->room[which] == NULL) {
            radz_fail(err, RADZ_E_NOMEM, "no memory for a picture of %zu x %zu pixels", next->width, next->height);
            return NULL;
        }
        p->room_size[which] = bytes;
    }
    return p->room[which];
}

static radz_status room_status(const radz_error *err)
{
    return err != NULL && err->code != RADZ_OK ? err->code : RADZ_E_NOMEM;
}

/* --- from the decoded picture --- */

/* Copies the first channel and says whether the two others are equal to it everywhere. */
static bool gray_in_disguise(const uint8_t *in, size_t count, uint8_t *out)
{
    enum { BLOCK = 4096 };
    for (size_t from = 0; from < count; from += BLOCK) {
        const size_t n = count - from < BLOCK ? count - from : BLOCK;
        unsigned differs = 0;
        for (size_t i = 0; i < n; i++) {
            const uint8_t *s = in + 3 * (from + i);
            out[from + i] = s[0];
            differs |= (unsigned)(s[0] ^ s[1]) | (unsigned)(s[0] ^ s[2]);
        }
        if (differs != 0)
            return false;
    }
    return true;
}

static radz_status canvas_from_picture(radz_preprocessor *p, const radz_picture *picture, canvas *c, radz_error *err)
{
    *c = (canvas){.data = picture->pixels,
                  .kind = picture->bits == 8 ? SAMPLE_U8 : SAMPLE_U16,
                  .height = picture->height,
                  .width = picture->width,
                  .planes = picture->channels,
                  .channels = picture->channels};
    if (picture->channels == 1)
        return RADZ_OK;
    const size_t count = c->height * c->width;
    void *planes = room_for(p, c, c, err);
    if (planes == NULL)
        return room_status(err);
    if (c->kind == SAMPLE_U8) {
        const uint8_t *in = picture->pixels;
        uint8_t *r = planes, *g = r + count, *b = g + count;
        if (gray_in_disguise(in, count, r))
            c->planes = 1;
        else
            for (size_t i = 0; i < count; i++, in += 3) {
                r[i] = in[0];
                g[i] = in[1];
                b[i] = in[2];
            }
    } else {
        const uint16_t *in = picture->pixels;
        uint16_t *r = planes, *g = r + count, *b = g + count;
        for (size_t i = 0; i < count; i++, in += 3) {
            r[i] = in[0];
            g[i] = in[1];
            b[i] = in[2];
        }
    }
    c->data = planes;
    return RADZ_OK;
}

/* --- steps that change channels or levels --- */

/* ITU-R 601-2 luma with Pillow's 16-bit weights. */
static radz_status to_gray(radz_preprocessor *p, canvas *c, radz_error *err)
{
    c->channels = 1;
    if (c->planes == 1)
        return RADZ_OK;
    canvas next = *c;
    next.planes = 1;
    void *to = room_for(p, c, &next, err);
    if (to == NULL)
        return room_status(err);
    const size_t count = c->height * c->width;
    if (c->kind == SAMPLE_U8) {
        const uint8_t *r = plane(c, 0), *g = plane(c, 1), *b = plane(c, 2);
        uint8_t *out = to;
        for (size_t i = 0; i < count; i++)
            out[i] = (uint8_t)((r[i] * 19595u + g[i] * 38470u + b[i] * 7471u + 0x8000u) >> 16);
    } else if (c->kind == SAMPLE_U16) {
        const uint16_t *r = plane(c, 0), *g = plane(c, 1), *b = plane(c, 2);
        uint16_t *out = to;
        for (size_t i = 0; i < count; i++)
            out[i] =
                (uint16_t)((r[i] * UINT64_C(19595) + g[i] * UINT64_C(38470) + b[i] * UINT64_C(7471) + 0x8000u) >> 16);
    } else {
        const float *r = plane(c, 0), *g = plane(c, 1), *b = plane(c, 2);
        float *out = to;
        for (size_t i = 0; i < count; i++)
            out[i] = (float)((r[i] * 299.0 + g[i] * 587.0 + b[i] * 114.0) / 1000.0);
    }
    next.data = to;
    *c = next;
    return RADZ_OK;
}

static void extremes(const canvas *c, unsigned *low, unsigned *high)
{
    const size_t count = c->height * c->width * (size_t)c->planes;
    unsigned least = UINT16_MAX, most = 0;
    if (c->kind == SAMPLE_U8) {
        const uint8_t *s = c->data;
        uint8_t l = UINT8_MAX, m = 0;
        for (size_t i = 0; i < count; i++) {
            l = s[i] < l ? s[i] : l;
            m = s[i] > m ? s[i] : m;
        }
        least = l;
        most = m;
    } else {
        const uint16_t *s = c->data;
        uint16_t l = UINT16_MAX, m = 0;
        for (size_t i = 0; i < count; i++) {
            l = s[i] < l ? s[i] : l;
            m = s[i] > m ? s[i] : m;
        }
        least = l;
        most = m;
    }
    *low = least;
    *high = most;
}

/* Every sample through p->levels8, to 8 bits. */
static radz_status map_levels(radz_preprocessor *p, canvas *c, radz_error *err)
{
    canvas next = *c;
    next.kind = SAMPLE_U8;
    uint8_t *to = room_for(p, c, &next, err);
    if (to == NULL)
        return room_status(err);
    const size_t count = c->height * c->width * (size_t)c->planes;
    if (c->kind == SAMPLE_U8) {
        const uint8_t *s = c->data;
        for (size_t i = 0; i < count; i++)
            to[i] = p->levels8[s[i]];
    } else {
        const uint16_t *s = c->data;
        for (size_t i = 0; i < count; i++)
            to[i] = p->levels8[s[i]];
    }
    next.data = to;
    *c = next;
    return RADZ_OK;
}

static radz_status to_depth8(radz_preprocessor *p, canvas *c, int from, unsigned white, radz_error *err)
{
    if (c->kind == SAMPLE_U8)
        return RADZ_OK;
    unsigned low, high;
    extremes(c, &low, &high);
    for (unsigned v = 0; v <= high; v++) {
        if (from == FROM_MAX && white != 0) /* whole numbers: cutting twice, here and in the decoder, is cutting once */
            p->levels8[v] = (uint8_t)(v < white ? v * 255 / white : 255);
        else if (from == FROM_MAX)
            p->levels8[v] = (uint8_t)(high == 0 ? 0.0 : (double)v / high * 255.0);
        else
            p->levels8[v] = (uint8_t)(from == FROM_HIGH ? v >> 8 : v < 255 ? v : 255);
    }
    return map_levels(p, c, err);
}

static radz_status to_minmax8(radz_preprocessor *p, canvas *c, radz_error *err)
{
    unsigned low, high;
    extremes(c, &low, &high);
    const double range = (double)(high - low);
    for (unsigned v = low; v <= high; v++)
        p->levels8[v] = (uint8_t)(range == 0 ? 0.0 : (double)(v - low) / range * 255.0);
    return map_levels(p, c, err);
}

/* skimage.exposure.equalize_hist on samples / full scale: the cumulative histogram of `bins` equal bins between the
 * least and the greatest sample, interpolated linearly between bin centres; then x 255, cut. */
static radz_status equalize(radz_preprocessor *p, canvas *c, int bins, radz_error *err)
{
    const size_t count = c->height * c->width;
    const double full = c->kind == SAMPLE_U8 ? 255.0 : 65535.0;
    unsigned low, high;
    extremes(c, &low, &high);
    const size_t levels = (size_t)high + 1;
    size_t *seen = radz_calloc(levels, sizeof *seen, err);
    double *edges = radz_calloc((size_t)bins + 1, sizeof *edges, err);
    double *share = radz_calloc((size_t)bins, sizeof *share, err);
    radz_status st = seen == NULL || edges == NULL || share == NULL ? RADZ_E_NOMEM : RADZ_OK;
    if (st != RADZ_OK)
        goto done;
    for (size_t i = 0; i < count; i++)
        seen[c->kind == SAMPLE_U8 ? ((const uint8_t *)c->data)[i] : ((const uint16_t *)c->data)[i]]++;

    /* numpy.histogram: a picture of one level gets a range of 1 around it */
    const double first = low == high ? low / full - 0.5 : low / full;
    const double last = low == high ? low / full + 0.5 : high / full;
    const double step = (last - first) / bins;
    for (int i = 0; i < bins; i++)
        edges[i] = i * step + first;
    edges[bins] = last;
    for (unsigned v = low; v <= high; v++) {
        const double x = v / full;
        int at = (int)((x - first) / (last - first) * bins);
        at = at >= bins ? bins - 1 : at;
        if (x < edges[at])
            at--;
        else if (at != bins - 1 && x >= edges[at + 1])
            at++;
        share[at] += (double)seen[v];
    }
    for (int i = 1; i < bins; i++)
        share[i] += share[i - 1];
    for (int i = 0; i < bins; i++)
        share[i] /= (double)count;
    /* numpy.interp over the bin centres */
    int at = 0;
    for (unsigned v = low; v <= high; v++) {
        const double x = v / full;
        while (at < bins - 1 && x >= (edges[at + 1] + edges[at + 2]) / 2)
            at++;
        const double centre = (edges[at] + edges[at + 1]) / 2;
        double y = share[at];
        if (x > centre && at < bins - 1) {
            const double slope = (share[at + 1] - share[at]) / ((edges[at + 1] + edges[at + 2]) / 2 - centre);
            y = slope * (x - centre) + share[at];
        }
        p->levels8[v] = (uint8_t)(255 * y);
    }
done:
    free(seen);
    free(edges);
    free(share);
    return st != RADZ_OK ? st : map_levels(p, c, err);
}

/* --- steps that compute each sample from itself alone --- */

static bool is_pointwise(const recipe_step *s)
{
    return s->code == STEP_SCALE || s->code == STEP_NORMALIZE || (s->code == STEP_FLOAT && s->word != DIVIDE_MAX);
}

static bool treats_channels_alike(const recipe_step *s)
{
    return s->code != STEP_NORMALIZE || (s->a.count == 1 && s->b.count == 1);
}

static double of_channel(const number_list *list, int channel)
{
    return list->values[list->count == 1 ? 0 : channel];
}

/* `count` floats in place. `full` is what white is, 255 or 65535. Scaling happens in double and the rest in float, as
 * in Hugging Face's and torchvision's code, so that results are equal to the last bit. */
static void pointwise(const recipe_step *s, int channel, float full, float *x, size_t count)
{
    if (s->code == STEP_SCALE) {
        const double factor = s->a.values[0];
        for (size_t i = 0; i < count; i++)
            x[i] = (float)((double)x[i] * factor);
    } else if (s->code == STEP_NORMALIZE) {
        const float mean = (float)of_channel(&s->a, channel), deviation = (float)of_channel(&s->b, channel);
        for (size_t i = 0; i < count; i++)
            x[i] = (x[i] - mean) / deviation;
    } else if (s->code == STEP_FLOAT && s->word == DIVIDE_FULL) {
        for (size_t i = 0; i < count; i++)
            x[i] = x[i] / full;
    }
}

/* The samples of plane `channel` as floats, after the pointwise steps first .. last - 1. Whole samples of 8 bits have
 * only 256 values, so the steps run over a table. */
static void run_pointwise(const canvas *c, int channel, const recipe_step *first, const recipe_step *last, float *out)
{
    const size_t count = c->height * c->width;
    if (c->kind == SAMPLE_U8) {
        const uint8_t *in = plane(c, channel);
        float table[256];
        for (int v = 0; v < 256; v++)
            table[v] = (float)v;
        for (const recipe_step *s = first; s < last; s++)
            pointwise(s, channel, 255.0f, table, 256);
        for (size_t i = 0; i < count; i++)
            out[i] = table[in[i]];
        return;
    }
    if (c->kind == SAMPLE_U16) {
        const uint16_t *in = plane(c, channel);
        for (size_t i = 0; i < count; i++)
            out[i] = in[i];
    } else {
        memcpy(out, plane(c, channel), count * sizeof *out);
    }
    for (const recipe_step *s = first; s < last; s++)
        pointwise(s, channel, 65535.0f, out, count);
}

/* A run of pointwise steps in the middle of a recipe. */
static radz_status to_float(radz_preprocessor *p, canvas *c, const recipe_step *first, const recipe_step *last,
                            radz_error *err)
{
    canvas next = *c;
    next.kind = SAMPLE_F32;
    for (const recipe_step *s = first; s < last; s++)
        if (!treats_channels_alike(s))
            next.planes = c->channels;
    float *to = room_for(p, c, &next, err);
    if (to == NULL)
        return room_status(err);
    for (int i = 0; i < next.planes; i++)
        run_pointwise(c, i, first, last, to + (size_t)i * c->height * c->width);
    next.data = to;
    *c = next;
    return RADZ_OK;
}

static radz_status divide_by_maximum(radz_preprocessor *p, canvas *c, radz_error *err)
{
    unsigned low, high;
    extremes(c, &low, &high);
    canvas next = *c;
    next.kind = SAMPLE_F32;
    float *to = room_for(p, c, &next, err);
    if (to == NULL)
        return room_status(err);
    const size_t count = c->height * c->width * (size_t)c->planes;
    for (size_t i = 0; i < count; i++) {
        const unsigned v = c->kind == SAMPLE_U8 ? ((const uint8_t *)c->data)[i] : ((const uint16_t *)c->data)[i];
        to[i] = (float)(high == 0 ? 0.0 : (double)v / high);
    }
    next.data = to;
    *c = next;
    return RADZ_OK;
}

/* --- steps that change the shape --- */

static void target_size(const recipe_step *s, size_t width, size_t height, size_t *out_width, size_t *out_height)
{
    const size_t size = s->height;
    const size_t shorter = width < height ? width : height, longer = width < height ? height : width;
    size_t new_shorter = size, new_longer = size;
    switch (s->word) {
    case MODE_SQUASH:
        *out_width = s->width;
        *out_height = s->height;
        return;
    case MODE_SHORTER:
        new_longer = (size_t)((double)(size * longer) / (double)shorter);
        break;
    case MODE_LONGER:
        new_shorter = (size_t)((double)shorter * ((double)size / (double)longer));
        break;
    default:
        new_shorter = (size_t)((double)shorter * ((double)size / (double)longer));
        new_longer = (size_t)((double)longer * ((double)size / (double)longer));
    }
    if (new_shorter < 1)
        new_shorter = 1;
    *out_width = width <= height ? new_shorter : new_longer;
    *out_height = width <= height ? new_longer : new_shorter;
}

static radz_status resize(radz_preprocessor *p, canvas *c, const recipe_step *s, radz_error *err)
{
    canvas next = *c;
    target_size(s, c->width, c->height, &next.width, &next.height);
    if (next.width == c->width && next.height == c->height)
        return RADZ_OK;
    void *to = room_for(p, c, &next, err);
    if (to == NULL)
        return room_status(err);
    next.data = to;
    for (int i = 0; i < c->planes; i++) {
        void *out = (char *)to + (size_t)i * plane_bytes(&next);
        const radz_filter filter = (radz_filter)s->filter;
        radz_status st;
        if (c->kind == SAMPLE_U8)
            st =
                radz_resize_u8(p->resizer, plane(c, i), c->width, c->height, out, next.width, next.height, filter, err);
        else if (c->kind == SAMPLE_U16)
            st = radz_resize_u16(p->resizer, plane(c, i), c->width, c->height, out, next.width, next.height, filter,
                                 err);
        else
            st = radz_resize_f32(p->resizer, plane(c, i), c->width, c->height, out, next.width, next.height, filter,
                                 err);
        if (st != RADZ_OK)
            return st;
    }
    *c = next;
    return RADZ_OK;
}

static void fill_row(void *to, sample_kind kind, double value, size_t count)
{
    if (kind == SAMPLE_U8) {
        const double v = value < 0 ? 0 : value > 255 ? 255 : value;
        memset(to, (int)v, count);
    } else if (kind == SAMPLE_U16) {
        const double v = value < 0 ? 0 : value > 65535 ? 65535 : value;
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)to)[i] = (uint16_t)v;
    } else {
        for (size_t i = 0; i < count; i++)
            ((float *)to)[i] = (float)value;
    }
}

/* A window of `next`'s shape onto the picture, its corner at (left, top), which may lie outside; there is `fill`. */
static radz_status window(radz_preprocessor *p, canvas *c, canvas next, ptrdiff_t left, ptrdiff_t top,
                          const number_list *fill, radz_error *err)
{
    char *to = room_for(p, c, &next, err);
    if (to == NULL)
        return room_status(err);
    const size_t sample = sample_size[c->kind];
    /* columns before, inside and behind the picture */
    const ptrdiff_t width = (ptrdiff_t)next.width, end = (ptrdiff_t)c->width - left;
    const ptrdiff_t before = left >= 0 ? 0 : -left < width ? -left : width;
    const ptrdiff_t behind_from = end < before ? before : end < width ? end : width;
    for (int i = 0; i < next.planes; i++) {
        const double value = of_channel(fill, i);
        const char *from = plane(c, i);
        for (size_t y = 0; y < next.height; y++, to += next.width * sample) {
            const ptrdiff_t row = top + (ptrdiff_t)y;
            if (row < 0 || row >= (ptrdiff_t)c->height) {
                fill_row(to, c->kind, value, next.width);
                continue;
            }
            fill_row(to, c->kind, value, (size_t)before);
            memcpy(to + (size_t)before * sample, from + ((size_t)row * c->width + (size_t)(left + before)) * sample,
                   (size_t)(behind_from - before) * sample);
            fill_row(to + (size_t)behind_from * sample, c->kind, value, (size_t)(width - behind_from));
        }
    }
    next.data = to - (size_t)next.planes * plane_bytes(&next);
    *c = next;
    return RADZ_OK;
}

/* Where a crop of `part` begins in `whole`. */
static ptrdiff_t crop_offset(size_t whole, size_t part, int rounding)
{
    const ptrdiff_t spare = (ptrdiff_t)whole - (ptrdiff_t)part;
    if (rounding == ROUND_EVEN)
        return spare >= 0 ? (ptrdiff_t)rint((double)spare / 2.0) : -(-spare / 2);
    return spare >= 0 ? spare / 2 : -((-spare + 1) / 2);
}

static radz_status crop(radz_preprocessor *p, canvas *c, const recipe_step *s, radz_error *err)
{
    static const number_list zero = {.count = 1};
    if (s->height == c->height && s->width == c->width)
        return RADZ_OK;
    canvas next = *c;
    next.height = s->height;
    next.width = s->width;
    return window(p, c, next, crop_offset(c->width, s->width, s->word), crop_offset(c->height, s->height, s->word),
                  &zero, err);
}

static radz_status pad(radz_preprocessor *p, canvas *c, const recipe_step *s, radz_error *err)
{
    canvas next = *c;
    const size_t longer = c->width > c->height ? c->width : c->height;
    next.height = s->height != 0 ? s->height : longer;
    next.width = s->height != 0 ? s->width : longer;
    if (next.height < c->height || next.width < c->width)
        return radz_fail(err, RADZ_E_VALUE, "the picture has %zu x %zu pixels here and does not fit into %zu x %zu",
                         c->width, c->height, next.width, next.height);
    if (next.height == c->height && next.width == c->width)
        return RADZ_OK;
    if (s->a.count == 3 && (s->a.values[0] != s->a.values[1] || s->a.values[1] != s->a.values[2]))
        next.planes = c->channels;
    const bool centre = s->word == AT_CENTRE;
    return window(p, c, next, centre ? -(ptrdiff_t)((next.width - c->width) / 2) : 0,
                  centre ? -(ptrdiff_t)((next.height - c->height) / 2) : 0, &s->a, err);
}

/* --- the whole --- */

static radz_status run_step(radz_preprocessor *p, canvas *c, const recipe_step *s, unsigned white, radz_error *err)
{
    switch (s->code) {
    case STEP_DECODE: /* done before we saw the picture */
        return RADZ_OK;
    case STEP_GRAY:
        return to_gray(p, c, err);
    case STEP_RGB:
        c->channels = 3;
        return RADZ_OK;
    case STEP_DEPTH8:
        return to_depth8(p, c, s->word, white, err);
    case STEP_MINMAX8:
        return to_minmax8(p, c, err);
    case STEP_EQUALIZE:
        return equalize(p, c, s->bins, err);
    case STEP_FLOAT:
        return divide_by_maximum(p, c, err);
    case STEP_RESIZE:
        return resize(p, c, s, err);
    case STEP_CROP:
        return crop(p, c, s, err);
    case STEP_PAD:
        return pad(p, c, s, err);
    case STEP_SCALE:
    case STEP_NORMALIZE:
    case STEP_COUNT:
        break;
    }
    return radz_fail(err, RADZ_E_INTERNAL, "step code %d", (int)s->code);
}

radz_status radz_preprocess(radz_preprocessor *p, const radz_picture *picture, float *out, radz_error *err)
{
    const radz_recipe *recipe = p->recipe;
    if (picture->width == 0 || picture->height == 0 || picture->pixels == NULL)
        return radz_fail(err, RADZ_E_INTERNAL, "preprocess: no picture");
    const recipe_step *s = recipe->steps, *const end = recipe->steps + recipe->count;
    canvas c;
    radz_status st = canvas_from_picture(p, picture, &c, err);
    while (st == RADZ_OK && s < end) {
        const recipe_step *last = s;
        while (last < end && is_pointwise(last))
            last++;
        if (last == end)
            break; /* the rest is computed on the way out */
        if (last > s) {
            st = to_float(p, &c, s, last, err);
            s = last;
            continue;
        }
        st = run_step(p, &c, s, picture->white, err);
        if (st != RADZ_OK)
            return radz_prefix(err, "preprocess step %zu", (size_t)(s - recipe->steps) + 1);
        s++;
    }
    if (st != RADZ_OK)
        return st;
    if (c.height != recipe->height || c.width != recipe->width)
        return radz_fail(err, RADZ_E_INTERNAL, "preprocess '%s' gave %zu x %zu, not %zu x %zu", recipe->text, c.width,
                         c.height, recipe->width, recipe->height);
    bool alike = c.planes == 1;
    for (const recipe_step *t = s; t < end; t++)
        alike = alike && treats_channels_alike(t);
    const size_t count = c.height * c.width;
    for (int i = 0; i < 3; i++) {
        if (i > 0 && alike)
            memcpy(out + (size_t)i * count, out, count * sizeof *out);
        else
            run_pointwise(&c, i, s, end, out + (size_t)i * count);
    }
    return RADZ_OK;
}
