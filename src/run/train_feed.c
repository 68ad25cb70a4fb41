#include "run/train_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/workers.h"
#include "run/read_picture.h"

/* Streams of the random generator, so that no two uses of one number share what they draw. */
enum { STREAM_ORDER = 1, STREAM_PICTURE = 2, STREAM_TEXT = 3 };

static void seed_stream(radz_rng *rng, uint64_t seed, uint64_t purpose, uint64_t number)
{
    radz_rng_seed(rng, seed, number * 8 + purpose);
}

/* ---- decoding ---- */

typedef struct decoding {
    const radz_dataset *dataset;
    size_t area; /* samples of one plane */
    radz_picture_options options;      /* of the recipe */
    radz_picture *pictures;           /* [threads] */
    radz_open_archives *archives;      /* [threads] */
    radz_preprocessor **preprocessors; /* [threads] */
    float **planes;                   /* [threads], three each */
    void (*take)(void *context, size_t i, const float *planes);
    void *context;
    radz_progress progress;
} decoding;

static radz_status decode_one(void *context, size_t i, int worker, radz_error *err)
{
    decoding *d = context;
    const char *path = d->dataset->samples[i].path;
    radz_status st = radz_read_picture(&d->archives[worker], path, &d->options, &d->pictures[worker], err);
    if (st != RADZ_OK)
        return st;
    if ((st = radz_preprocess(d->preprocessors[worker], &d->pictures[worker], d->planes[worker], err)))
        return radz_prefix(err, "'%s'", path);
    d->take(d->context, i, d->planes[worker]);
    radz_progress_step(&d->progress, 1);
    return RADZ_OK;
}

/* Hands the three planes of each picture to `take`, from several threads. */
static radz_status decode_all(const radz_dataset *dataset, const radz_recipe *steps, int threads,
                              void (*take)(void *, size_t, const float *), void *context, radz_error *err)
{
    if (threads < 1)
        threads = 1;
    size_t n = (size_t)threads;
    decoding d = {.dataset = dataset, .area = radz_recipe_height(steps) * radz_recipe_width(steps), .take = take,
                  .context = context, .options = {RADZ_PICTURE_LIMITS, *radz_recipe_decoding(steps)}};
    radz_status st = RADZ_E_NOMEM;
    d.pictures = radz_calloc(n, sizeof *d.pictures, err);
    d.archives = radz_calloc(n, sizeof *d.archives, err);
    d.preprocessors = radz_calloc(n, sizeof *d.preprocessors, err);
    d.planes = radz_calloc(n, sizeof *d.planes, err);
    if (d.pictures == NULL || d.archives == NULL || d.preprocessors == NULL || d.planes == NULL)
        goto done;
    for (size_t i = 0; i < n; i++) {
        if ((st = radz_preprocessor_create(steps, &d.preprocessors[i], err)))
            goto done;
        d.planes[i] = radz_calloc(3 * d.area, sizeof(float), err);
        if (d.planes[i] == NULL) {
            st = RADZ_E_NOMEM;
            goto done;
        }
    }
    radz_progress_begin(&d.progress, "decode", "images", dataset->n);
    st = radz_parallel_for(dataset->n, threads, decode_one, &d, err);
    radz_progress_end(&d.progress);
done:
    for (size_t i = 0; i < n; i++) {
        if (d.pictures != NULL)
            radz_picture_free(&d.pictures[i]);
        if (d.archives != NULL)
            radz_archives_close(&d.archives[i]);
        if (d.preprocessors != NULL)
            radz_preprocessor_free(d.preprocessors[i]);
        if (d.planes != NULL)
            free(d.planes[i]);
    }
    free(d.pictures);
    free(d.archives);
    free(d.preprocessors);
    free(d.planes);
    return st;
}

typedef struct decoded {
    void *values;
    size_t area; /* of one plane */
} decoded;

/* The first plane: the picture is gray. */
static void take_bytes(void *context, size_t i, const float *planes)
{
    const decoded *d = context;
    uint8_t *out = (uint8_t *)d->values + i * d->area;
    for (size_t k = 0; k < d->area; k++)
        out[k] = (uint8_t)(planes[k] + 0.5F);
}

static void take_floats(void *context, size_t i, const float *planes)
{
    const decoded *d = context;
    memcpy((float *)d->values + 3 * i * d->area, planes, 3 * d->area * sizeof(float));
}

radz_status radz_feed_decode(const radz_dataset *dataset, size_t side, int threads, uint8_t **planes, radz_error *err)
{
    *planes = NULL;
    char text[200];
    snprintf(text, sizeof text,
             "depth8 from=max; gray; resize mode=shorter size=%zu filter=bicubic; crop size=%zu; float divide=none", side,
             side);
    radz_recipe *steps = NULL;
    radz_status st = radz_recipe_parse("stored pictures", text, &steps, err);
    if (st != RADZ_OK)
        return st;
    decoded d = {radz_calloc(dataset->n, side * side, err), side * side};
    st = d.values == NULL ? RADZ_E_NOMEM : decode_all(dataset, steps, threads, take_bytes, &d, err);
    radz_recipe_free(steps);
    if (st == RADZ_OK)
        *planes = d.values;
    else
        free(d.values);
    return st;
}

radz_status radz_feed_preprocess(const radz_dataset *dataset, const radz_recipe *steps, int threads, float **pixels,
                                 radz_error *err)
{
    *pixels = NULL;
    decoded d = {NULL, radz_recipe_height(steps) * radz_recipe_width(steps)};
    d.values = radz_calloc(dataset->n, 3 * d.area * sizeof(float), err);
    radz_status st = d.values == NULL ? RADZ_E_NOMEM : decode_all(dataset, steps, threads, take_floats, &d, err);
    if (st == RADZ_OK)
        *pixels = d.values;
    else
        free(d.values);
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

/* ---- what batches are made of ---- */

radz_status radz_feed_check(const radz_recipe_card *recipe, const radz_feed_source *source, radz_error *err)
{
    if (source->dataset->n >= source->batch)
        return RADZ_OK;
    return radz_fail(err, RADZ_E_VALUE, "recipe '%s': batches of %zu from %zu images; wanted at least as many images", recipe->base.name,
                     source->batch, source->dataset->n);
}

void radz_feed_picture(const radz_recipe_card *recipe, const radz_feed_source *source, size_t i, uint64_t number, size_t size,
                       float *out)
{
    size_t side = recipe->images->stored, plane = size * size;
    if (source->planes == NULL) {
        memcpy(out, source->pixels + 3 * i * plane, 3 * plane * sizeof *out);
        return;
    }
    radz_feed_vary(recipe->images, source->planes + i * side * side, side, recipe->training->seed, number, out, size);
    memcpy(out + plane, out, plane * sizeof *out);
    memcpy(out + 2 * plane, out, plane * sizeof *out);
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

typedef struct sentence_list {
    const char **items; /* of all reports, one after the other; in the arena of the texts */
    size_t count, capacity;
} sentence_list;

static radz_status cut_reports(const radz_dataset *dataset, radz_feed_texts *out, sentence_list *list, radz_error *err)
{
    for (size_t i = 0; i < dataset->n; i++) {
        const char *report = dataset->samples[i].report;
        size_t first = out->first[i] = list->count;
        for (const char *p = report != NULL ? report : ""; *p != '\0' && list->count - first < RADZ_FEED_MOST_SENTENCES;) {
            const char *end = sentence_end(p);
            radz_status st = radz_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items, err);
            if (st != RADZ_OK)
                return st;
            const char *sentence = radz_arena_strndup(&out->arena, p, (size_t)(end - p), err);
            if (sentence == NULL)
                return RADZ_E_NOMEM;
            list->items[list->count++] = sentence;
            while (blank(*end))
                end++;
            p = end;
        }
        if (list->count == first)
            return radz_fail(err, RADZ_E_MISSING, "data set '%s': image '%s' has no report to train with", dataset->name,
                             dataset->samples[i].image_id);
    }
    out->first[dataset->n] = list->count;
    return RADZ_OK;
}

radz_status radz_feed_texts_create(const radz_dataset *dataset, const radz_recipe_texts *options, radz_feed_texts *out,
                                   radz_error *err)
{
    *out = (radz_feed_texts){.n = dataset->n};
    sentence_list list = {0};
    radz_status st = RADZ_E_NOMEM;
    out->first = radz_arena_alloc(&out->arena, dataset->n + 1, sizeof *out->first, err);
    if (out->first == NULL || (st = cut_reports(dataset, out, &list, err)))
        goto done;
    st = RADZ_E_NOMEM;
    out->ids = radz_arena_alloc(&out->arena, list.count, sizeof *out->ids, err);
    out->sentences = radz_arena_alloc(&out->arena, list.count, sizeof *out->sentences, err);
    out->weights = radz_arena_alloc(&out->arena, list.count, sizeof *out->weights, err);
    if (out->ids == NULL || out->sentences == NULL || out->weights == NULL)
        goto done;
    if (list.count > 0) {
        memcpy(out->sentences, list.items, list.count * sizeof *list.items);
        qsort(out->sentences, list.count, sizeof *out->sentences, by_text);
    }
    for (size_t i = 0; i < list.count; i++) { /* counts into weights, each sentence once */
        if (i == 0 || strcmp(out->sentences[out->distinct - 1], out->sentences[i]) != 0) {
            out->sentences[out->distinct] = out->sentences[i];
            out->weights[out->distinct++] = 0;
        }
        out->weights[out->distinct - 1] += 1;
    }
    for (size_t i = 0; i < out->distinct; i++)
        out->weights[i] = det_pow(out->weights[i], -options->rarity);
    for (size_t i = 0; i < list.count; i++) {
        const char **found = bsearch(&list.items[i], out->sentences, out->distinct, sizeof *out->sentences, by_text);
        out->ids[i] = (uint32_t)(found - out->sentences);
    }
    st = RADZ_OK;
done:
    free(list.items);
    if (st != RADZ_OK)
        radz_feed_texts_free(out);
    return st;
}

void radz_feed_texts_free(radz_feed_texts *texts)
{
    radz_arena_free(&texts->arena);
    *texts = (radz_feed_texts){0};
}

void radz_feed_draw_text(const radz_feed_texts *texts, const radz_recipe_texts *options, size_t i, uint64_t seed,
                         uint64_t number, radz_feed_text *out)
{
    radz_rng rng;
    seed_stream(&rng, seed, STREAM_TEXT, number);
    const uint32_t *ids = texts->ids + texts->first[i];
    size_t count = texts->first[i + 1] - texts->first[i], wanted = count;
    bool taken[RADZ_FEED_MOST_SENTENCES] = {false};
    if (radz_rng_uniform(&rng) >= options->whole) {
        bool single = radz_rng_uniform(&rng) < options->single;
        size_t drawn = single || options->sentences < 2 ? 1 : 2 + radz_rng_below(&rng, options->sentences - 1);
        wanted = drawn < count ? drawn : count;
    }
    for (size_t k = 0; k < wanted; k++) {
        double sum = 0;
        for (size_t j = 0; j < count; j++)
            sum += taken[j] ? 0 : texts->weights[ids[j]];
        double at = radz_rng_uniform(&rng) * sum;
        size_t chosen = 0;
        for (size_t j = 0; j < count; j++) {
            if (taken[j])
                continue;
            chosen = j; /* the last one also when rounding leaves something of `at` */
            at -= texts->weights[ids[j]];
            if (at < 0)
                break;
        }
        taken[chosen] = true;
    }
    out->count = 0;
    for (size_t j = 0; j < count; j++)
        if (taken[j])
            out->ids[out->count++] = ids[j];
}

radz_status radz_feed_spell_text(const radz_feed_texts *texts, const radz_feed_text *text, radz_strbuf *out,
                                 radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t j = 0; j < text->count && st == RADZ_OK; j++) {
        if (j > 0)
            st = radz_strbuf_puts(out, " ", err);
        if (st == RADZ_OK)
            st = radz_strbuf_puts(out, texts->sentences[text->ids[j]], err);
    }
    return st;
}

bool radz_feed_describes(const radz_feed_texts *texts, const radz_feed_text *text, size_t i)
{
    for (size_t j = 0; j < text->count; j++) {
        size_t k = texts->first[i];
        while (k < texts->first[i + 1] && texts->ids[k] != text->ids[j])
            k++;
        if (k == texts->first[i + 1])
            return false;
    }
    return true;
}

bool radz_feed_same_text(const radz_feed_text *a, const radz_feed_text *b)
{
    return a->count == b->count && memcmp(a->ids, b->ids, a->count * sizeof *a->ids) == 0;
}

/* ---- order ---- */

radz_status radz_feed_order_create(size_t n, uint64_t seed, radz_feed_order *out, radz_error *err)
{
    *out = (radz_feed_order){.n = n, .seed = seed, .epoch = UINT64_MAX, .items = radz_calloc(n, sizeof *out->items, err)};
    return out->items == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

void radz_feed_order_free(radz_feed_order *order)
{
    free(order->items);
    order->items = NULL;
}

size_t radz_feed_order_at(radz_feed_order *order, uint64_t position)
{
    uint64_t epoch = position / order->n;
    if (epoch != order->epoch) {
        radz_rng rng;
        seed_stream(&rng, order->seed, STREAM_ORDER, epoch);
        for (size_t i = 0; i < order->n; i++)
            order->items[i] = i;
        radz_rng_shuffle(&rng, order->items, order->n);
        order->epoch = epoch;
    }
    return order->items[position % order->n];
}

/* ---- batches for CLIP ---- */

struct radz_feed {
    const radz_recipe_card *recipe;
    radz_feed_source source;
    const radz_tokenizer *tokenizer;
    int threads;
    radz_feed_texts texts;
    radz_feed_order order;
    radz_strbuf *buffers; /* [threads] */
    size_t *samples;      /* [batch] */
    radz_feed_text *drawn; /* [batch * per_image] */
    size_t *lengths;      /* [batch * per_image] tokens of each */
    /* the batch being made */
    uint64_t number;
    radz_train_batch *out;
};

radz_status radz_feed_create(const radz_recipe_card *recipe, const radz_feed_source *source, const radz_tokenizer *tokenizer,
                             int threads, radz_feed **out, radz_error *err)
{
    *out = NULL;
    radz_status st = radz_feed_check(recipe, source, err);
    if (st != RADZ_OK)
        return st;
    radz_feed *feed = radz_calloc(1, sizeof *feed, err);
    if (feed == NULL)
        return RADZ_E_NOMEM;
    feed->recipe = recipe;
    feed->source = *source;
    feed->tokenizer = tokenizer;
    feed->threads = threads < 1 ? 1 : threads;
    size_t batch = source->batch, texts = batch * recipe->texts->per_image;
    feed->buffers = radz_calloc((size_t)feed->threads, sizeof *feed->buffers, err);
    feed->samples = radz_calloc(batch, sizeof *feed->samples, err);
    feed->drawn = radz_calloc(texts, sizeof *feed->drawn, err);
    feed->lengths = radz_calloc(texts, sizeof *feed->lengths, err);
    st = feed->buffers == NULL || feed->samples == NULL || feed->drawn == NULL || feed->lengths == NULL
             ? RADZ_E_NOMEM
             : radz_feed_texts_create(source->dataset, recipe->texts, &feed->texts, err);
    if (st == RADZ_OK)
        st = radz_feed_order_create(source->dataset->n, recipe->training->seed, &feed->order, err);
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
    radz_feed_order_free(&feed->order);
    free(feed->buffers);
    free(feed->samples);
    free(feed->drawn);
    free(feed->lengths);
    free(feed);
}

static radz_status make_picture(void *context, size_t i, int worker, radz_error *err)
{
    (void)worker;
    (void)err;
    radz_feed *feed = context;
    const radz_recipe_card *recipe = feed->recipe;
    size_t size = recipe->model->image_size;
    radz_feed_picture(recipe, &feed->source, feed->samples[i], feed->number * feed->source.batch + i, size,
                      feed->out->pixels + i * 3 * size * size);
    return RADZ_OK;
}

static radz_status make_text(void *context, size_t i, int worker, radz_error *err)
{
    radz_feed *feed = context;
    size_t length = feed->recipe->tokenizer->context;
    radz_strbuf *text = &feed->buffers[worker];
    text->length = 0;
    radz_status st = radz_feed_spell_text(&feed->texts, &feed->drawn[i], text, err);
    return st != RADZ_OK ? st
                         : radz_tokenizer_encode(feed->tokenizer, text->text, length, feed->out->ids + i * length,
                                                 &feed->lengths[i], err);
}

/* Draws the texts of the batch and says whose they are; returns their number. */
static size_t draw_texts(radz_feed *feed)
{
    const radz_recipe_card *recipe = feed->recipe;
    size_t batch = feed->source.batch, each = recipe->texts->per_image, count = 0;
    bool contained = recipe->training->positives == RADZ_POSITIVES_CONTAINED;
    for (size_t i = 0; i < batch; i++)
        for (size_t k = 0; k < each; k++) {
            uint64_t number = (feed->number * batch + i) * each + k;
            radz_feed_text *text = &feed->drawn[count];
            radz_feed_draw_text(&feed->texts, recipe->texts, feed->samples[i], recipe->training->seed, number, text);
            size_t j = 0;
            while (contained && j < count && !radz_feed_same_text(&feed->drawn[j], text))
                j++;
            count += !contained || j == count;
        }
    for (size_t i = 0; i < batch; i++)
        for (size_t j = 0; j < count; j++)
            feed->out->positive[i * count + j] =
                contained ? radz_feed_describes(&feed->texts, &feed->drawn[j], feed->samples[i]) : j / each == i;
    return count;
}

radz_status radz_feed_batch(void *context, int64_t number, radz_train_batch *out, radz_error *err)
{
    radz_feed *feed = context;
    size_t batch = feed->source.batch, longest = 0;
    feed->number = (uint64_t)number;
    feed->out = out;
    for (size_t i = 0; i < batch; i++)
        feed->samples[i] = radz_feed_order_at(&feed->order, feed->number * batch + i);
    size_t texts = draw_texts(feed);
    radz_status st = radz_parallel_for(batch, feed->threads, make_picture, feed, err);
    if (st == RADZ_OK)
        st = radz_parallel_for(texts, feed->threads, make_text, feed, err);
    for (size_t i = 0; i < texts; i++)
        longest = feed->lengths[i] > longest ? feed->lengths[i] : longest;
    out->texts = (int64_t)texts;
    out->tokens = (int64_t)longest;
    return st;
}
