/* clip-posneg: see score/clip_scorers.h */
#include <stdlib.h>

#include "base/detmath.h"
#include "base/mem.h"
#include "score/clip_scorers.h"
#include "score/directions.h"

typedef struct posneg_state {
    radz_directions directions;
} posneg_state;

static void posneg_free(radz_score_state *state)
{
    posneg_state *s = (posneg_state *)state;
    if (s != NULL)
        radz_directions_free(&s->directions);
    free(s);
}

static radz_status posneg_prepare(const radz_score_texts *texts, const radz_score_options *options,
                                  radz_score_state **out, radz_error *err)
{
    (void)options;
    *out = NULL;
    posneg_state *s = radz_calloc(1, sizeof *s, err);
    if (s == NULL)
        return RADZ_E_NOMEM;
    radz_status status = radz_directions_make(texts, true, &s->directions, err);
    if (status == RADZ_OK)
        *out = (radz_score_state *)s;
    else
        posneg_free((radz_score_state *)s);
    return status;
}

static radz_status posneg_score(const radz_score_state *state, const radz_score_block *block, double *scores,
                                radz_error *err)
{
    const radz_directions *d = &((const posneg_state *)state)->directions;
    radz_status status = radz_directions_check(d, block, err);
    for (size_t row = 0; status == RADZ_OK && row < block->rows; row++) {
        radz_image_vector image;
        status = radz_directions_image(block, row, &image, err);
        for (size_t c = 0; status == RADZ_OK && c < d->classes; c++) {
            double p = radz_directions_cosine(d, c, RADZ_PROMPT_POSITIVE, &image);
            double n = radz_directions_cosine(d, c, RADZ_PROMPT_NEGATIVE, &image);
            scores[row * d->classes + c] = 1 / (1 + det_exp(n - p)); /* = exp(p) / (exp(p) + exp(n)) */
        }
    }
    return status;
}

const radz_scorer radz_scorer_clip_posneg = {
    .name = "clip-posneg",
    .description =
        "exp(p) / (exp(p) + exp(n)) over the cosines with the positive and the negative prompt, no temperature",
    .source = "CheXzero (softmax evaluation)",
    .evidence = RADZ_EVIDENCE_EMBEDDING,
    .needs_negatives = true,
    .probabilities = true,
    .prepare = posneg_prepare,
    .score = posneg_score,
    .free = posneg_free,
};
