#include "run/train_feed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/workers.h"
#include "image/picture.h"
#include "image/resize.h"

/* Streams of the random generator, so that no two uses of one number share what they draw. */
enum { STREAM_ORDER = 1, STREAM_PICTURE = 2, STREAM_TEXT = 3 };

static void seed_stream(radz_rng *rng, uint64_t seed, uint64_t purpose, uint64_t number)
{
    radz_rng_seed(rng, seed, number * 8 + purpose);
}

/* ---- decoding ---- */

typedef struct decoder {
    radz_picture picture;
    radz_resizer *resizer;
    uint8_t *gray, *small;
    size_t gray_capacity, small_capacity;
} decoder;

typedef struct decoding {
    const radz_dataset *dataset;
    size_t side;
    decoder *decoders; /* [threads] */
    uint8_t *planes;
    radz_progress progress;
} decoding;

/* Luma as Pillow's convert("L"): ITU-R 601 in 16-bit fixed point. */
static void to_gray(const radz_picture *picture, uint8_t *out)
{
    size_t count = picture->width * picture->height;
    const uint16_t *wide = picture->pixels;
    const uint8_t *narrow = picture->pixels;
    for (size_t i = 0; i < count; i++) {
        uint32_t part[3] = {0, 0, 0};
        for (size_t c = 0; c < (size_t)picture->channels; c++) {
            size_t at = i * (size_t)picture->channels + c;
            part[c] = picture->bits == 16 ? (uint32_t)wide[at] >> 8 : narrow[at];
        }
        out[i] = picture->channels == 1
                     ? (uint8_t)part[0]
                     : (uint8_t)((part[0] * 19595 + part[1] * 38470 + part[2] * 7471 + 0x8000) >> 16);
    }
}

static radz_status decode_one(void *context, size_t i, int worker, radz_error *err)
{
    decoding *d = context;
    decoder *own = &d->decoders[worker];
    const radz_sample *sample = &d->dataset->samples[i];
    radz_status st = radz_picture_read(sample->path, NULL, &own->picture, err);
    if (st != RADZ_OK)
        return st;
    size_t width = own->picture.width, height = own->picture.height, side = d->side;
    size_t new_width = width <= height ? side : (width * side + height / 2) / height;
    size_t new_height = height <= width ? side : (height * side + width / 2) / width;
    if ((st = radz_grow(&own->gray, &own->gray_capacity, width * height, 1, err)) ||
        (st = radz_grow(&own->small, &own->small_capacity, new_width * new_height, 1, err)))
        return st;
    to_gray(&own->picture, own->gray);
    st = radz_resize_u8(own->resizer, own->gray, width, height, own->small, new_width, new_height, RADZ_FILTER_BICUBIC,
                        err);
    if (st != RADZ_OK)
        return radz_prefix(err, "'%s'", sample->path);
    const uint8_t *from = own->small + (new_height - side) / 2 * new_width + (new_width - side) / 2;
    for (size_t y = 0; y < side; y++)
        memcpy(d->planes + (i * side + y) * side, from + y * new_width, side);
    radz_progress_step(&d->progress, 1);
    return RADZ_OK;
}

radz_status radz_feed_decode(const radz_dataset *dataset, size_t side, int threads, uint8_t **planes, radz_error *err)
{
    *planes = NULL;
    if (threads < 1)
        threads = 1;
    decoding d = {.dataset = dataset, .side = side};
    radz_status st = RADZ_E_NOMEM;
    d.planes = radz_calloc(dataset->n, side * side, err);
    d.decoders = radz_calloc((size_t)threads, sizeof *d.decoders, err);
    if (d.planes == NULL || d.decoders == NULL)
        goto done;
    for (int i = 0; i < threads; i++)
        if ((st = radz_resizer_create(&d.decoders[i].resizer, err)))
            goto done;
    radz_progress_begin(&d.progress, "decode", "images", dataset->n);
    st = radz_parallel_for(dataset->n, threads, decode_one, &d, err);
    radz_progress_end(&d.progress);
done:
    for (int i = 0; i < threads && d.decoders != NULL; i++) {
        radz_picture_free(&d.decoders[i].picture);
        radz_resizer_free(d.decoders[i].resizer);
        free(d.decoders[i].gray);
        free(d.decoders[i].small);
    }
    free(d.decoders);
    if (st == RADZ_OK)
        *planes = d.planes;
    else
        free(d.planes);
    return st;
}

/* ---- variation ---- */

static double both_ways(radz_rng *rng, double reach)
{
    return radz_rng_range(rng, -reach, reach);
}

/* The sum of four uniform bytes: nearly normal, and a tenth of the time of a normal draw. */
static double rough_normal(radz_rng *rng)
{
    uint32_t bits = radz_rng_u32(rng);
    int sum = (int)(bits & 255) + (int)(bits >> 8 & 255) + (int)(bits >> 16 & 255) + (int)(bits >> 24) - 510;
    return sum * (1 / 147.80054127099805); /* deviation of that sum: sqrt(4 (256^2 - 1) / 12) */
}

void radz_feed_vary(const radz_recipe_images *o, const uint8_t *plane, size_t side, uint64_t seed, uint64_t number,
                    float *out, size_t size)
{
    radz_rng rng;
    seed_stream(&rng, seed, STREAM_PICTURE, number);
    /* everything is drawn, used or not, so that switching one variation off leaves the others as they were */
    double zoom = radz_rng_range(&rng, o->zoom_low, o->zoom_high), stretch = both_ways(&rng, o->aspect);
    double slack = zoom < 1 ? (1 - zoom) / 2 : 0;
    double shift_x = both_ways(&rng, slack + o->shift), shift_y = both_ways(&rng, slack + o->shift);
    double angle = both_ways(&rng, o->rotate) * (3.141592653589793 / 180);
    double exponent = det_pow(2, both_ways(&rng, o->gamma));
    double gain = 1 + both_ways(&rng, o->contrast), offset = both_ways(&rng, o->brightness);
    double noise = radz_rng_range(&rng, 0, o->noise);

    float table[257]; /* grey level -> normalised value; one more entry for outside */
    float mean = (float)o->mean, inverse = (float)(1 / o->deviation);
    for (int i = 0; i < 256; i++) {
        double v = det_pow(i / 255.0, exponent);
        v = (v - 0.5) * gain + 0.5 + offset;
        v = v < 0 ? 0 : v > 1 ? 1 : v;
        table[i] = ((float)v - mean) * inverse;
    }
    float black = (0 - mean) * inverse;

    double length = (double)side, step_x = zoom * (1 + stretch / 2) * length / (double)size,
           step_y = zoom * (1 - stretch / 2) * length / (double)size;
    float xx = (float)(det_cos(angle) * step_x), xy = (float)(-det_sin(angle) * step_y);
    float yx = (float)(det_sin(angle) * step_x), yy = (float)(det_cos(angle) * step_y);
    float middle = (float)size * 0.5F - 0.5F;
    float centre_x = (float)((0.5 + shift_x) * length - 0.5), centre_y = (float)((0.5 + shift_y) * length - 0.5);
    float level = (float)noise * inverse;
    int last = (int)side - 1;
    for (size_t row = 0; row < size; row++) {
        float v = (float)row - middle;
        for (size_t column = 0; column < size; column++) {
            float u = (float)column - middle;
            float x = centre_x + u * xx + v * xy, y = centre_y + u * yx + v * yy;
            float value = black;
            if (x >= 0 && y >= 0 && x <= (float)last && y <= (float)last) {
                int left = (int)x, top = (int)y;
                int right = left < last ? left + 1 : last, bottom = top < last ? top + 1 : last;
                float fx = x - (float)left, fy = y - (float)top;
                const uint8_t *above = plane + (size_t)top * side, *below = plane + (size_t)bottom * side;
                float a = table[above[left]] + fx * (table[above[right]] - table[above[left]]);
                float b = table[below[left]] + fx * (table[below[right]] - table[below[left]]);
                value = a + fy * (b - a);
            }
            if (level > 0)
                value += level * (float)rough_normal(&rng);
            out[row * size + column] = value;
        }
    }
}

void radz_feed_normalize(const radz_recipe_images *o, const uint8_t *plane, size_t size, float *out)
{
    float mean = (float)o->mean, deviation = (float)o->deviation;
    for (size_t i = 0; i < size * size; i++)
        out[i] = ((float)plane[i] / 255.0F - mean) / deviation;
}

/* ---- texts ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The end of the sentence that starts at `p`: after its stop, or the end of the text. */
static const char *sentence_end(const char *p)
{
    for (; *p != '\0'; p++)
        if ((*p == '.' || *p == '!' || *p == '?') && (p[1] == '\0' || blank(p[1])))
            return p + 1;
    return p;
}

radz_status radz_feed_texts_create(const radz_dataset *dataset, const radz_recipe_texts *options, radz_feed_texts *out,
                                   radz_error *err)
{
    *out = (radz_feed_texts){.n = dataset->n};
    radz_status st = RADZ_E_NOMEM;
    size_t capacity = 0, count = 0;
    const char **sorted = NULL, **list = NULL;
    out->reports = radz_arena_alloc(&out->arena, dataset->n, sizeof *out->reports, err);
    out->first = radz_arena_alloc(&out->arena, dataset->n + 1, sizeof *out->first, err);
    if (out->reports == NULL || out->first == NULL)
        goto done;
    for (size_t i = 0; i < dataset->n; i++) {
        const char *report = dataset->samples[i].report;
        out->first[i] = count;
        for (const char *p = report != NULL ? report : ""; *p != '\0';) {
            const char *end = sentence_end(p);
            if ((st = radz_grow(&list, &capacity, count + 1, sizeof *list, err)))
                goto done;
            list[count] = radz_arena_strndup(&out->arena, p, (size_t)(end - p), err);
            if (list[count] == NULL) {
                st = RADZ_E_NOMEM;
                goto done;
            }
            count++;
            while (blank(*end))
                end++;
            p = end;
        }
        if (count == out->first[i]) {
            st = radz_fail(err, RADZ_E_MISSING, "data set '%s': image '%s' has no report to train with", dataset->name,
                           dataset->samples[i].image_id);
            goto done;
        }
        out->reports[i] = report;
    }
    out->first[dataset->n] = count;
    st = RADZ_E_NOMEM;
    out->sentences = radz_arena_alloc(&out->arena, count, sizeof *out->sentences, err);
    out->weights = radz_arena_alloc(&out->arena, count, sizeof *out->weights, err);
    sorted = radz_calloc(count, sizeof *sorted, err);
    if (out->sentences == NULL || out->weights == NULL || sorted == NULL)
        goto done;
    if (count > 0) {
        memcpy(out->sentences, list, count * sizeof *list);
        memcpy(sorted, list, count * sizeof *list);
        qsort(sorted, count, sizeof *sorted, by_text);
    }
    for (size_t i = 0; i < count; i++)
        out->distinct += i == 0 || strcmp(sorted[i - 1], sorted[i]) != 0;
    for (size_t i = 0; i < count; i++) {
        const char **found = bsearch(&list[i], sorted, count, sizeof *sorted, by_text);
        const char **low = found, **high = found + 1;
        while (low > sorted && strcmp(low[-1], *found) == 0)
            low--;
        while (high < sorted + count && strcmp(*high, *found) == 0)
            high++;
        out->weights[i] = det_pow((double)(high - low), -options->rarity);
    }
    st = RADZ_OK;
done:
    free(sorted);
    free(list);
    if (st != RADZ_OK)
        radz_feed_texts_free(out);
    return st;
}

void radz_feed_texts_free(radz_feed_texts *texts)
{
    radz_arena_free(&texts->arena);
    *texts = (radz_feed_texts){0};
}

radz_status radz_feed_draw_text(const radz_feed_texts *texts, const radz_recipe_texts *options, size_t i, uint64_t seed,
                                uint64_t number, radz_strbuf *out, radz_error *err)
{
    radz_rng rng;
    seed_stream(&rng, seed, STREAM_TEXT, number);
    enum { MOST = 64 }; /* sentences of a report that can be drawn; the card allows as many */
    size_t first = texts->first[i], count = texts->first[i + 1] - first;
    count = count < MOST ? count : MOST;
    if (radz_rng_uniform(&rng) < options->whole)
        return radz_strbuf_puts(out, texts->reports[i], err);
    bool single = radz_rng_uniform(&rng) < options->single;
    size_t wanted = single || options->sentences < 2 ? 1 : 2 + radz_rng_below(&rng, options->sentences - 1);
    if (wanted > count)
        wanted = count;
    bool taken[MOST] = {false};
    for (size_t k = 0; k < wanted; k++) {
        double sum = 0;
        for (size_t j = 0; j < count; j++)
            sum += taken[j] ? 0 : texts->weights[first + j];
        double at = radz_rng_uniform(&rng) * sum;
        size_t chosen = MOST;
        for (size_t j = 0; j < count; j++) {
            if (taken[j])
                continue;
            chosen = j; /* the last one also when rounding leaves something of `at` */
            at -= texts->weights[first + j];
            if (at < 0)
                break;
        }
        taken[chosen] = true;
    }
    radz_status st = RADZ_OK;
    bool any = false;
    for (size_t j = 0; j < count && st == RADZ_OK; j++) {
        if (!taken[j])
            continue;
        if (any)
            st = radz_strbuf_puts(out, " ", err);
        if (st == RADZ_OK)
            st = radz_strbuf_puts(out, texts->sentences[first + j], err);
        any = true;
    }
    return st;
}

/* ---- batches ---- */

struct radz_feed {
    const radz_recipe_card *recipe;
    const radz_dataset *dataset;
    const uint8_t *planes;
    const radz_tokenizer *tokenizer;
    int threads;
    radz_feed_texts texts;
    size_t *order; /* [dataset->n], of `epoch` */
    uint64_t epoch;
    radz_strbuf *buffers; /* [threads] */
    size_t *lengths;      /* [batch] tokens of each text */
    size_t *samples;      /* [batch] */
    /* of the batch being made */
    uint64_t number;
    float *pixels;
    int32_t *ids;
};

radz_status radz_feed_create(const radz_recipe_card *recipe, const radz_dataset *dataset, const uint8_t *planes,
                             const radz_tokenizer *tokenizer, int threads, radz_feed **out, radz_error *err)
{
    *out = NULL;
    if (dataset->n < recipe->training->batch)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': batches of %u from %zu images; wanted at least as many images",
                         recipe->base.name, recipe->training->batch, dataset->n);
    radz_feed *feed = radz_calloc(1, sizeof *feed, err);
    if (feed == NULL)
        return RADZ_E_NOMEM;
    feed->recipe = recipe;
    feed->dataset = dataset;
    feed->planes = planes;
    feed->tokenizer = tokenizer;
    feed->threads = threads < 1 ? 1 : threads;
    feed->epoch = UINT64_MAX;
    size_t batch = recipe->training->batch;
    feed->order = radz_calloc(dataset->n, sizeof *feed->order, err);
    feed->buffers = radz_calloc((size_t)feed->threads, sizeof *feed->buffers, err);
    feed->lengths = radz_calloc(batch, sizeof *feed->lengths, err);
    feed->samples = radz_calloc(batch, sizeof *feed->samples, err);
    radz_status st = feed->order == NULL || feed->buffers == NULL || feed->lengths == NULL || feed->samples == NULL
                         ? RADZ_E_NOMEM
                         : radz_feed_texts_create(dataset, recipe->texts, &feed->texts, err);
    if (st != RADZ_OK) {
        radz_feed_free(feed);
        return st;
    }
    *out = feed;
    return RADZ_OK;
}

void radz_feed_free(radz_feed *feed)
{
    if (feed == NULL)
        return;
    for (int i = 0; i < feed->threads && feed->buffers != NULL; i++)
        radz_strbuf_free(&feed->buffers[i]);
    radz_feed_texts_free(&feed->texts);
    free(feed->order);
    free(feed->buffers);
    free(feed->lengths);
    free(feed->samples);
    free(feed);
}

static size_t sample_at(radz_feed *feed, uint64_t position)
{
    uint64_t epoch = position / feed->dataset->n;
    if (epoch != feed->epoch) {
        radz_rng rng;
        seed_stream(&rng, feed->recipe->training->seed, STREAM_ORDER, epoch);
        for (size_t i = 0; i < feed->dataset->n; i++)
            feed->order[i] = i;
        radz_rng_shuffle(&rng, feed->order, feed->dataset->n);
        feed->epoch = epoch;
    }
    return feed->order[position % feed->dataset->n];
}

static radz_status make_pair(void *context, size_t i, int worker, radz_error *err)
{
    radz_feed *feed = context;
    const radz_recipe_card *recipe = feed->recipe;
    size_t size = recipe->model->image_size, side = recipe->images->stored, plane = size * size;
    uint64_t number = feed->number * recipe->training->batch + i, seed = recipe->training->seed;
    size_t sample = feed->samples[i];
    float *pixels = feed->pixels + i * 3 * plane;
    radz_feed_vary(recipe->images, feed->planes + sample * side * side, side, seed, number, pixels, size);
    memcpy(pixels + plane, pixels, plane * sizeof *pixels);
    memcpy(pixels + 2 * plane, pixels, plane * sizeof *pixels);
    radz_strbuf *text = &feed->buffers[worker];
    text->length = 0;
    radz_status st = radz_feed_draw_text(&feed->texts, recipe->texts, sample, seed, number, text, err);
    size_t context_length = recipe->tokenizer->context;
    if (st == RADZ_OK)
        st = radz_tokenizer_encode(feed->tokenizer, text->text, context_length, feed->ids + i * context_length,
                                   &feed->lengths[i], err);
    return st;
}

radz_status radz_feed_batch(void *context, int64_t number, float *pixels, int32_t *ids, int64_t *tokens,
                            radz_error *err)
{
    radz_feed *feed = context;
    size_t batch = feed->recipe->training->batch;
    feed->number = (uint64_t)number;
    feed->pixels = pixels;
    feed->ids = ids;
    for (size_t i = 0; i < batch; i++)
        feed->samples[i] = sample_at(feed, feed->number * batch + i);
    radz_status st = radz_parallel_for(batch, feed->threads, make_pair, feed, err);
    size_t longest = 0;
    for (size_t i = 0; i < batch; i++)
        longest = feed->lengths[i] > longest ? feed->lengths[i] : longest;
    *tokens = (int64_t)longest;
    return st;
}
