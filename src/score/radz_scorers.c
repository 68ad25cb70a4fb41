#include "score/radz_scorers.h"

#include <math.h>
#include <stdlib.h>

#include "base/detmath.h"
#include "base/mem.h"
#include "score/directions.h"

typedef struct radz_state {
    radz_directions texts;   /* t_c */
    radz_directions anchors; /* rows of A; classes 0: none */
    double *through;         /* [classes, anchors]: t_c A^T / tau, or its softmax */
    double temperature;
    bool softmax, profile;
} radz_state;

static void radz_free(radz_score_state *state)
{
    radz_state *s = (radz_state *)state;
    if (s == NULL)
        return;
    radz_directions_free(&s->texts);
    radz_directions_free(&s->anchors);
    free(s->through);
    free(s);
}

static void apply_softmax(double *s, size_t n)
{
    if (n == 1) {
        s[0] = 1 / (1 + det_exp(-s[0]));
        return;
    }
    double top = s[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        top = s[i] > top ? s[i] : top;
    for (size_t i = 0; i < n; i++)
        sum += s[i] = det_exp(s[i] - top);
    for (size_t i = 0; i < n; i++)
        s[i] /= sum;
}

/* The anchors as directions: one "class" with one positive prompt each, so that they are checked and normalised alike. */
static radz_status make_anchors(const radz_score_texts *texts, radz_state *s, radz_error *err)
{
    size_t n = texts->anchors, classes = texts->classes;
    if (texts->anchor_of_none && !s->profile)
        n--;
    if (n == 0)
        return radz_fail(err, RADZ_E_VALUE, "no anchors, wanted one for each category");
    uint32_t *number = radz_calloc(n, sizeof *number, err), *zero = radz_calloc(n, sizeof *zero, err);
    uint8_t *positive = radz_calloc(n, 1, err);
    radz_status st = number == NULL || zero == NULL || positive == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++)
        number[i] = (uint32_t)i;
    radz_score_texts rows = {.classes = n, .rows = n, .dim = texts->dim, .embeddings = texts->anchor_vectors,
                             .class_of = number, .polarity_of = positive, .template_of = zero};
    if (st == RADZ_OK && (st = radz_directions_make(&rows, false, &s->anchors, err)) != RADZ_OK)
        radz_prefix(err, "anchors");
    if (st == RADZ_OK && (s->through = radz_calloc(classes * n, sizeof *s->through, err)) == NULL)
        st = RADZ_E_NOMEM;
    for (size_t c = 0; st == RADZ_OK && c < classes; c++)
        for (size_t k = 0; k < n; k++)
            s->through[c * n + k] =
                radz_directions_dot(s->texts.unit + c * texts->dim, s->anchors.unit + k * texts->dim, texts->dim) / s->temperature;
    for (size_t c = 0; st == RADZ_OK && s->profile && c < classes; c++)
        apply_softmax(s->through + c * n, n);
    free(number);
    free(zero);
    free(positive);
    return st;
}

enum { ANCHORED = 1, SOFTMAX = 2, PROFILE = 4 };

static radz_status prepare(const radz_score_texts *texts, const radz_score_options *options, unsigned kind, radz_score_state **out,
                           radz_error *err)
{
    *out = NULL;
    double temperature = (options != NULL ? *options : radz_score_defaults()).temperature;
    if (!(isfinite(temperature) && temperature > 0))
        return radz_fail(err, RADZ_E_USAGE, "temperature %g, wanted a finite number above 0", temperature);
    radz_state *s = radz_calloc(1, sizeof *s, err);
    if (s == NULL)
        return RADZ_E_NOMEM;
    s->temperature = temperature;
    s->softmax = (kind & SOFTMAX) != 0;
    s->profile = (kind & PROFILE) != 0;
    radz_status st = radz_directions_make(texts, false, &s->texts, err);
    if (st == RADZ_OK && (kind & ANCHORED) != 0)
        st = make_anchors(texts, s, err);
    if (st == RADZ_OK)
        *out = (radz_score_state *)s;
    else
        radz_free((radz_score_state *)s);
    return st;
}

static radz_status prepare_plain(const radz_score_texts *t, const radz_score_options *o, radz_score_state **out, radz_error *err)
{
    return prepare(t, o, 0, out, err);
}

static radz_status prepare_plain_softmax(const radz_score_texts *t, const radz_score_options *o, radz_score_state **out,
                                         radz_error *err)
{
    return prepare(t, o, SOFTMAX, out, err);
}

static radz_status prepare_anchored(const radz_score_texts *t, const radz_score_options *o, radz_score_state **out,
                                    radz_error *err)
{
    return prepare(t, o, ANCHORED, out, err);
}

static radz_status prepare_anchored_softmax(const radz_score_texts *t, const radz_score_options *o, radz_score_state **out,
                                            radz_error *err)
{
    return prepare(t, o, ANCHORED | SOFTMAX, out, err);
}

static radz_status prepare_profile(const radz_score_texts *t, const radz_score_options *o, radz_score_state **out, radz_error *err)
{
    return prepare(t, o, ANCHORED | PROFILE, out, err);
}

static radz_status score(const radz_score_state *state, const radz_score_block *block, double *scores, radz_error *err)
{
    const radz_state *s = (const radz_state *)state;
    size_t classes = s->texts.classes, n = s->anchors.classes;
    double *seen = n > 0 ? radz_calloc(n, sizeof *seen, err) : NULL; /* g A^T / tau */
    radz_status st = n > 0 && seen == NULL ? RADZ_E_NOMEM : radz_directions_check(&s->texts, block, err);
    for (size_t row = 0; st == RADZ_OK && row < block->rows; row++) {
        radz_image_vector image;
        double *out = scores + row * classes;
        if ((st = radz_directions_image(block, row, &image, err)) != RADZ_OK)
            break;
        for (size_t k = 0; k < n; k++)
            seen[k] = radz_directions_cosine(&s->anchors, k, RADZ_PROMPT_POSITIVE, &image) / s->temperature;
        if (s->profile)
            apply_softmax(seen, n);
        for (size_t c = 0; c < classes; c++)
            out[c] = n > 0 ? radz_directions_dot(seen, s->through + c * n, n)
                           : radz_directions_cosine(&s->texts, c, RADZ_PROMPT_POSITIVE, &image) / s->temperature;
        if (s->softmax)
            apply_softmax(out, classes);
    }
    free(seen);
    return st;
}

#define SOURCE "LLaVA-RadZ (arXiv 2503.07487)"

const radz_scorer radz_scorer_radz_plain = {
    .name = "radz-plain",
    .description = "cosine of image and class-text feature / temperature",
    .source = SOURCE,
    .evidence = RADZ_EVIDENCE_RADZ_FEATURE,
    .prepare = prepare_plain,
    .score = score,
    .free = radz_free,
};

const radz_scorer radz_scorer_radz_plain_softmax = {
    .name = "radz-plain-softmax",
    .description = "softmax of radz-plain over the class list",
    .source = SOURCE,
    .evidence = RADZ_EVIDENCE_RADZ_FEATURE,
    .over_classes = true,
    .probabilities = true,
    .prepare = prepare_plain_softmax,
    .score = score,
    .free = radz_free,
};

const radz_scorer radz_scorer_radz_anchored = {
    .name = "radz-anchored",
    .description = "<g A^T / tau, t A^T / tau>: image and class text seen through the anchors A",
    .source = SOURCE,
    .evidence = RADZ_EVIDENCE_RADZ_FEATURE,
    .needs_anchors = true,
    .prepare = prepare_anchored,
    .score = score,
    .free = radz_free,
};

const radz_scorer radz_scorer_radz_anchored_softmax = {
    .name = "radz-anchored-softmax",
    .description = "softmax of radz-anchored over the class list",
    .source = SOURCE,
    .evidence = RADZ_EVIDENCE_RADZ_FEATURE,
    .needs_anchors = true,
    .over_classes = true,
    .probabilities = true,
    .prepare = prepare_anchored_softmax,
    .score = score,
    .free = radz_free,
};

/* Descriptions of diseases are much alike, so that g A^T and t A^T are mostly one number for all anchors, of which raw
 * products are made. As probabilities, which is what the loss against the anchors trains, they tell categories apart. */
const radz_scorer radz_scorer_radz_anchored_profile = {
    .name = "radz-anchored-profile",
    .description = "<softmax(g A^T / tau), softmax(t A^T / tau)>: as radz-anchored, seen as probabilities over the anchors",
    .source = "radz-bench",
    .evidence = RADZ_EVIDENCE_RADZ_FEATURE,
    .needs_anchors = true,
    .prepare = prepare_profile,
    .score = score,
    .free = radz_free,
};
