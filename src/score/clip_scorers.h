/* Scorers that compare an image's vector with one direction per class and polarity. */
#ifndef RADZ_SCORE_CLIP_SCORERS_H
#define RADZ_SCORE_CLIP_SCORERS_H

#include "score/scorer.h"

/* exp(p) / (exp(p) + exp(n)), p and n the cosines with the positive and the negative direction, without a temperature:
 * as CheXzero's softmax evaluation (rajpurkarlab/CheXzero zero_shot.py, run_softmax_eval). */
extern const radz_scorer radz_scorer_clip_posneg;

/* logit_scale x cosine with the positive direction: as CLIP's zero-shot logits (openai/CLIP), one class at a time. */
extern const radz_scorer radz_scorer_clip_cosine;

/* The same with the descriptions of an anchors card in place of prompts: a direction is the mean over a description's parts, each of which
 * fits into a text tower's context where the whole would not. */
extern const radz_scorer radz_scorer_clip_anchor;

#endif
