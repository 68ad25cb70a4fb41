/* Pictures and texts for a training: decoded once, kept small in memory, varied anew for each use. What a
 * micro-batch holds is a function of the recipe's seed and the batch's number alone. */
#ifndef RADZ_RUN_TRAIN_FEED_H
#define RADZ_RUN_TRAIN_FEED_H

#include "data/card_recipe.h"
#include "data/dataset.h"
#include "encoder/training.h"
#include "image/preprocess.h"
#include "text/tokenizer.h"

/* ---- pictures ---- */

/* Decodes the pictures of all samples, gray, 8 bits (16-bit ones divided by their maximum): shorter side to `side` with
 * antialiased bicubic resampling, centre cut out. -> *planes [dataset->n, side, side], the caller's. */
radz_status radz_feed_decode(const radz_dataset *dataset, size_t side, int threads, uint8_t **planes,
                             radz_error *err) RADZ_MUST_USE;

/* One variation of a stored picture [side, side] into out [size, size], normalised by the recipe's mean and deviation:
 * a rotated, shifted and stretched square is cut out (bilinear; black outside), then gamma, contrast, brightness and
 * noise. A function of the two numbers. */
void radz_feed_vary(const radz_recipe_images *images, const uint8_t *plane, size_t side, uint64_t seed, uint64_t number,
                    float *out, size_t size);
/* The pictures as a finished model sees them. -> *pixels [dataset->n, 3, height, width] of `steps`, the caller's. */
radz_status radz_feed_preprocess(const radz_dataset *dataset, const radz_recipe *steps, int threads, float **pixels,
                                 radz_error *err) RADZ_MUST_USE;

/* What batches are made of, to train on or to validate on. All borrowed. */
typedef struct radz_feed_source {
    const radz_dataset *dataset;
    size_t batch;          /* images of a micro-batch, at most as many as the data set has */
    const uint8_t *planes; /* as radz_feed_decode made them with recipe->images->stored: varied anew for each use. Or, NULL: */
    const float *pixels;   /* as radz_feed_preprocess made them: always the same */
} radz_feed_source;

/* RADZ_E_VALUE when the data set has fewer images than a batch. */
radz_status radz_feed_check(const radz_recipe_card *recipe, const radz_feed_source *source, radz_error *err) RADZ_MUST_USE;
/* Use `number` of sample i as a model takes it, out [3, size, size]; a variation is the same in three planes. */
void radz_feed_picture(const radz_recipe_card *recipe, const radz_feed_source *source, size_t i, uint64_t number, size_t size,
                       float *out);

/* ---- texts ---- */

enum { RADZ_FEED_MOST_SENTENCES = 64 }; /* of one report; more are left aside */

typedef struct radz_feed_texts {
    radz_arena arena;
    size_t n;              /* reports */
    size_t *first;         /* [n + 1]: sentences of report i are ids[first[i]] to ids[first[i + 1] - 1] */
    uint32_t *ids;         /* below distinct */
    size_t distinct;       /* different sentences */
    const char **sentences; /* [distinct], in byte order */
    double *weights;       /* [distinct], of drawing each */
} radz_feed_texts;

/* A text: some sentences of one report, in its order. */
typedef struct radz_feed_text {
    size_t count;
    uint32_t ids[RADZ_FEED_MOST_SENTENCES];
} radz_feed_text;

/* Cuts reports into sentences (at '.', '!' or '?' before a blank or the end) and counts in how many reports each is. A
 * sample without a report is RADZ_E_MISSING. */
radz_status radz_feed_texts_create(const radz_dataset *dataset, const radz_recipe_texts *options, radz_feed_texts *out,
                                   radz_error *err) RADZ_MUST_USE;
void radz_feed_texts_free(radz_feed_texts *texts);
/* A text for sample i: the whole report, or some of its sentences. A function of the two numbers. */
void radz_feed_draw_text(const radz_feed_texts *texts, const radz_recipe_texts *options, size_t i, uint64_t seed,
                         uint64_t number, radz_feed_text *out);
/* Appends the sentences with a blank between each two. */
radz_status radz_feed_spell_text(const radz_feed_texts *texts, const radz_feed_text *text, radz_strbuf *out,
                                 radz_error *err) RADZ_MUST_USE;
/* Whether all sentences of the text stand in the report of sample i. */
bool radz_feed_describes(const radz_feed_texts *texts, const radz_feed_text *text, size_t i);

bool radz_feed_same_text(const radz_feed_text *a, const radz_feed_text *b);

/* ---- order ---- */

/* Every sample comes once per epoch, in an order of the epoch's own. */
typedef struct radz_feed_order {
    size_t n, *items;     /* [n], of `epoch` */
    uint64_t seed, epoch;
} radz_feed_order;
radz_status radz_feed_order_create(size_t n, uint64_t seed, radz_feed_order *out, radz_error *err) RADZ_MUST_USE;
void radz_feed_order_free(radz_feed_order *order);
/* The sample at a position of the endless sequence. A function of seed and position. */
size_t radz_feed_order_at(radz_feed_order *order, uint64_t position);

/* ---- batches for CLIP ---- */

typedef struct radz_feed radz_feed;
/* What the arguments point to must outlive the feed. */
radz_status radz_feed_create(const radz_recipe_card *recipe, const radz_feed_source *source, const radz_tokenizer *tokenizer,
                             int threads, radz_feed **out, radz_error *err) RADZ_MUST_USE;
void radz_feed_free(radz_feed *feed);
/* As radz_train_source.batch asks, in radz_feed_order. With positives
 * "contained" the texts of a batch are all different; with "pair" they are those drawn, image by image. */
radz_status radz_feed_batch(void *feed, int64_t number, radz_train_batch *out, radz_error *err);

#endif
