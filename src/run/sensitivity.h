/* How far do a scorer's figures move with choices that are not the model's: the wording of the prompts, a softmax over the
 * class list and its temperature, the class list itself? From the cache alone. */
#ifndef RADZ_RUN_SENSITIVITY_H
#define RADZ_RUN_SENSITIVITY_H

#include "run/score_images.h"

/* Adds the detail table "sensitivity" to the block added last: the AUC of each class and of the mean for
 *   prompts    another prompts card of the suite's `other_prompts` (scorers of vectors; cards without a negative prompt for each
 *              class are passed over by scorers that need them)
 *   prompts    likewise, of scorers that ask (those of the suite's `vary_questions`): the question of that card
 *   question   another question of the own prompts card (`other_questions`, `other_choices`; the same scorers)
 *   anchors    another anchors card, or one part of the own descriptions alone (anchored scorers)
 *   template   each template of the prompts by itself (where there are several)
 *   softmax    p_c = exp(s_c / tau) / sum over the class list, at several temperatures
 *   class list the same softmax with one other class left out: the lowest and the highest AUC over which one
 * and how far that is from the AUC of the scores as they are. Without the softmax a class's AUC depends neither on a temperature
 * nor on the list. `scored` are the scores of `scorer` (not NaN); one class only: no softmax rows. */
radz_status radz_sensitivity_add(const radz_scoring *scoring, const char *scorer, const radz_scored_images *scored,
                                 radz_results *results, radz_error *err) RADZ_MUST_USE;

#endif
