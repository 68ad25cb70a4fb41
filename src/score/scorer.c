#include "score/scorer.h"

#include <string.h>

#include "base/str.h"
#include "score/clip_scorers.h"
#include "score/radz_scorers.h"
#include "score/vqa_scorers.h"

static const radz_scorer *const radz_scorers[] = {
    &radz_scorer_clip_posneg,
    &radz_scorer_clip_cosine,
    &radz_scorer_clip_anchor,
    &radz_scorer_vqa_logit,
    &radz_scorer_vqa_generate,
    &radz_scorer_vqa_choice,
    &radz_scorer_radz_plain,
    &radz_scorer_radz_plain_softmax,
    &radz_scorer_radz_anchored,
    &radz_scorer_radz_anchored_softmax,
    &radz_scorer_radz_anchored_profile,
};

enum { SCORERS = sizeof radz_scorers / sizeof *radz_scorers };

const radz_scorer *radz_scorer_at(size_t i)
{
    return i < SCORERS ? radz_scorers[i] : NULL;
}

const char *radz_scorer_name(size_t i)
{
    return i < SCORERS ? radz_scorers[i]->name : NULL;
}

static const char *nth_name(const void *context, size_t i)
{
    (void)context;
    return radz_scorer_name(i);
}

radz_status radz_scorer_find(const char *name, const radz_scorer **out, radz_error *err)
{
    *out = NULL;
    for (size_t i = 0; i < SCORERS; i++)
        if (strcmp(radz_scorers[i]->name, name) == 0) {
            *out = radz_scorers[i];
            return RADZ_OK;
        }
    return radz_fail_unknown(err, "scorer", name, nth_name, NULL);
}

radz_score_options radz_score_defaults(void)
{
    return (radz_score_options){.logit_scale = 1, .temperature = 0.05};
}
