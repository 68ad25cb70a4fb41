/* The scores of LLaVA-RadZ (arXiv 2503.07487): features read inside the decoder, g of the image and t_c of a sentence with
 * the class, all of length 1, and anchors A [K, d], one per category, each of length 1. */
#ifndef RADZ_SCORE_RADZ_SCORERS_H
#define RADZ_SCORE_RADZ_SCORERS_H

#include "score/scorer.h"

/* s_c = <g, t_c> / tau */
extern const radz_scorer radz_scorer_radz_plain;
/* s_c = < g A^T / tau, t_c A^T / tau >: image and text both seen through the anchors */
extern const radz_scorer radz_scorer_radz_anchored;
/* softmax of s over the class list (one class: the sigmoid), as in the method's experiments: a class's figures then depend
 * on which other classes are listed */
extern const radz_scorer radz_scorer_radz_plain_softmax, radz_scorer_radz_anchored_softmax;
/* s_c = < softmax(g A'^T / tau), softmax(t_c A'^T / tau) >, A' with the anchor of "No Finding" where there is one: both seen as
 * probabilities over the categories, as the loss against the anchors has it. Ours, not the paper's. */
extern const radz_scorer radz_scorer_radz_anchored_profile;

#endif
