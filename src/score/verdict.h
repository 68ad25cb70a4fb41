/* Reading a model's answer in words: is a finding affirmed, denied, or left open?
 *
 * Rules, not statistics, so that every verdict can be looked up: whole words only ("massive" is no mass), questions in the
 * answer are not statements, an opening yes or no counts, a finding that is named counts as affirmed unless a denial
 * reaches it. Denials and their reach are NegEx's (Chapman et al., J Biomed Inform 34:301-310, 2001): a trigger before the
 * finding reaches to the end of the sentence or to a word such as "but"; a trigger behind it stands a few words away; "no
 * change", "not only", "no doubt" deny nothing; "cannot be excluded" and "may" leave open. What contradicts itself or says
 * neither is unknown: nothing is guessed. English only; letters beyond ASCII are not folded. */
#ifndef RADZ_SCORE_VERDICT_H
#define RADZ_SCORE_VERDICT_H

#include <stdint.h>

#include "base/status.h"

typedef enum radz_answer_verdict { RADZ_ANSWER_NO, RADZ_ANSWER_YES, RADZ_ANSWER_UNKNOWN } radz_answer_verdict;
const char *radz_answer_verdict_name(radz_answer_verdict verdict); /* "no", "yes", "unknown" */

/* What an answer may call a class. '_' and '-' count as blanks but for a '-' before a digit ("COVID-19" is "covid19"); a
 * plural s is allowed at the end. Borrowed. */
typedef struct radz_finding_names {
    const char *const *names; /* [count]: "Pleural_Thickening", "pleural thickening". None: the question is about something that
                               * is not known here, and only what says yes or no by itself counts */
    size_t count;
    bool normal; /* the class stands for the absence of findings: "normal", "no abnormality" affirm it */
} radz_finding_names;

/* The answer to a yes/no question about one finding. */
radz_status radz_answer_yes_no(const char *answer, const radz_finding_names *finding, radz_answer_verdict *out,
                               radz_error *err) RADZ_MUST_USE;

/* The answer to "Choose the relevant disease from the given list": every finding of `findings` [count] that is named and
 * not denied is yes, the others no; all are unknown when the answer names none and does not say that there is none
 * either. A longer name wins over a shorter one inside it. `out` [count]. */
radz_status radz_answer_choice(const char *answer, const radz_finding_names *findings, size_t count, radz_answer_verdict *out,
                               radz_error *err) RADZ_MUST_USE;

#endif
