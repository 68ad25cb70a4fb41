/* clip-cosine and clip-anchor: see score/clip_scorers.h */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "score/clip_scorers.h"
#include "score/directions.h"

typedef struct cosine_state {
    radz_directions directions;
    double scale;
} cosine_state;

static void cosine_free(radz_score_state *state)
{
    cosine_state *s = (cosine_state *)state;
    if (s != NULL)
        radz_directions_free(&s->directions);
    free(s);
}

static radz_status cosine_prepare(const radz_score_texts *texts, const radz_score_options *options,
                                  radz_score_state **out, radz_error *err)
{
    *out = NULL;
    double scale = (options != NULL ? *options : radz_score_defaults()).logit_scale;
    if (!(isfinite(scale) && scale > 0))
        return radz_fail(err, RADZ_E_USAGE, "logit scale %g, wanted a finite number above 0", scale);
    cosine_state *s = radz_calloc(1, sizeof *s, err);
    if (s == NULL)
        return RADZ_E_NOMEM;
    s->scale = scale;
    radz_status status = radz_directions_make(texts, false, &s->directions, err);
    if (status == RADZ_OK)
        *out = (radz_score_state *)s;
    else
        cosine_free((radz_score_state *)s);
    return status;
}

static radz_status cosine_score(const radz_score_state *state, const radz_score_block *block, double *scores,
                                radz_error *err)
{
    const cosine_state *s = (const cosine_state *)state;
    const radz_directions *d = &s->directions;
    radz_status status = radz_directions_check(d, block, err);
    for (size_t row = 0; status == RADZ_OK && row < block->rows; row++) {
        radz_image_vector image;
        status = radz_directions_image(block, row, &image, err);
        for (size_t c = 0; status == RADZ_OK && c < d->classes; c++)
            scores[row * d->classes + c] = s->scale * radz_directions_cosine(d, c, RADZ_PROMPT_POSITIVE, &image);
    }
    return status;
}

const radz_scorer radz_scorer_clip_cosine = {
    .name = "clip-cosine",
    .description = "logit scale x cosine with the positive prompt",
    .source = "CLIP (zero-shot logits)",
    .evidence = RADZ_EVIDENCE_EMBEDDING,
    .uses_logit_scale = true,
    .prepare = cosine_prepare,
    .score = cosine_score,
    .free = cosine_free,
};

const radz_scorer radz_scorer_clip_anchor = {
    .name = "clip-anchor",
    .description = "logit scale x cosine with the class's description, the mean over its parts",
    .source = "clip-cosine with the descriptions of LLaVA-RadZ's anchors as text",
    .evidence = RADZ_EVIDENCE_EMBEDDING,
    .uses_logit_scale = true,
    .needs_anchors = true,
    .described = true,
    .prepare = cosine_prepare,
    .score = cosine_score,
    .free = cosine_free,
};
