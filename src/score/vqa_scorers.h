/* Scorers that ask a model in words, one yes/no question per class or the whole list at once. */
#ifndef RADZ_SCORE_VQA_SCORERS_H
#define RADZ_SCORE_VQA_SCORERS_H

#include "score/scorer.h"

/* logsumexp over the logits of the yes spellings minus logsumexp over those of the no spellings: the log odds of yes
 * against no as first token of the answer. Any real number; 0 is undecided. */
extern const radz_scorer radz_scorer_vqa_logit;

/* The answer in words to a question per class, read by score/verdict.h: 1 yes, 0 no, 0.5 unknown. Without unknown answers
 * the AUC of such scores is (TPR + TNR) / 2. */
extern const radz_scorer radz_scorer_vqa_generate;

/* The same for the answer to one question that lists all classes. */
extern const radz_scorer radz_scorer_vqa_choice;

#endif
