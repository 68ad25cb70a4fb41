/* What `radz-bench anchors` does with a model: vectors of a card's anchors, and drafts of new ones. */
#ifndef RADZ_RUN_ANCHOR_WORK_H
#define RADZ_RUN_ANCHOR_WORK_H

#include "data/dialogue.h"
#include "run/home.h"

typedef struct radz_anchor_work_options {
    const char *suite;   /* whose prompts a model without its own has */
    const char *model;   /* name of a model card */
    const char *anchors; /* name of an anchors card; NULL: the model's, else the suite's */
    const radz_strlist *classes; /* only these anchors; NULL or empty: all */
    const char *device, *dtype;  /* NULL: cpu; as the model's card says */
    int threads;
} radz_anchor_work_options;

typedef struct radz_anchor_vectors {
    radz_anchors_card *card;
    const char *form;    /* "embed-mean"; static */
    size_t n, dim;
    const char **names;  /* [n] classes, views of the card */
    float *vectors;      /* [n, dim] */
} radz_anchor_vectors;

/* The anchors' vectors, from the cache or into it. Free with radz_anchor_vectors_free, also after an error. */
radz_status radz_anchor_embed(const radz_home *home, const radz_anchor_work_options *options, radz_anchor_vectors *out,
                              radz_error *err) RADZ_MUST_USE;
double radz_anchor_cosine(const radz_anchor_vectors *vectors, size_t i, size_t k);
void radz_anchor_vectors_free(radz_anchor_vectors *vectors);

/* Asks the model with the card's prompt for each class, without a picture, greedy, and appends a card of the drafts to
 * `out`: the text of the answer stands under `disease`, for a person to review, shorten and put in place. */
radz_status radz_anchor_generate(const radz_home *home, const radz_anchor_work_options *options, radz_strbuf *out,
                                 radz_error *err) RADZ_MUST_USE;

#endif
