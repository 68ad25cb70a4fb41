#include "score/vqa_scorers.h"

#include <math.h>
#include <stdlib.h>

#include "base/detmath.h"
#include "base/mem.h"

typedef struct vqa_state {
    radz_score_texts texts;
} vqa_state;

static void vqa_free(radz_score_state *state)
{
    free(state);
}

static radz_status keep_texts(const radz_score_texts *texts, radz_score_state **out, radz_error *err)
{
    *out = NULL;
    if (texts->classes == 0)
        return radz_fail(err, RADZ_E_VALUE, "questions: no classes, wanted at least one");
    vqa_state *s = radz_calloc(1, sizeof *s, err);
    if (s == NULL)
        return RADZ_E_NOMEM;
    s->texts = *texts;
    *out = (radz_score_state *)s;
    return RADZ_OK;
}

/* ---- vqa-logit ---- */

static radz_status logit_prepare(const radz_score_texts *texts, const radz_score_options *options,
                                 radz_score_state **out, radz_error *err)
{
    (void)options;
    *out = NULL;
    if (texts->yes_tokens == 0 || texts->no_tokens == 0)
        return radz_fail(err, RADZ_E_VALUE, "logits of %zu yes and %zu no tokens, wanted at least one of each",
                         texts->yes_tokens, texts->no_tokens);
    return keep_texts(texts, out, err);
}

static double logsumexp(const float *x, size_t n)
{
    double top = x[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++)
        sum += det_exp(x[i] - top);
    return top + det_log(sum);
}

static radz_status logit_score(const radz_score_state *state, const radz_score_block *block, double *scores,
                               radz_error *err)
{
    const radz_score_texts *t = &((const vqa_state *)state)->texts;
    size_t tokens = t->yes_tokens + t->no_tokens;
    if (block->rows > 0 && block->dim != t->classes * tokens)
        return radz_fail(err, RADZ_E_VALUE, "%zu logits per image, wanted %zu (%zu classes x %zu tokens)", block->dim,
                         t->classes * tokens, t->classes, tokens);
    for (size_t row = 0; row < block->rows; row++)
        for (size_t c = 0; c < t->classes; c++) {
            const float *x = block->embeddings + row * block->dim + c * tokens;
            for (size_t i = 0; i < tokens; i++)
                if (!isfinite(x[i]))
                    return radz_fail(err, RADZ_E_VALUE, "image row %zu ('%s'), class '%s': logit %zu is not a finite number",
                                     block->first_row + row, block->row_names != NULL ? block->row_names[row] : "",
                                     t->class_names != NULL ? t->class_names[c] : "", i);
            scores[row * t->classes + c] = logsumexp(x, t->yes_tokens) - logsumexp(x + t->yes_tokens, t->no_tokens);
        }
    return RADZ_OK;
}

const radz_scorer radz_scorer_vqa_logit = {
    .name = "vqa-logit",
    .description = "logsumexp(yes spellings) - logsumexp(no spellings) of the answer's first token, one question per class",
    .source = "multiple-choice scoring by logits, as in LLM evaluation harnesses",
    .evidence = RADZ_EVIDENCE_YES_NO_LOGITS,
    .prepare = logit_prepare,
    .score = logit_score,
    .free = vqa_free,
};

/* ---- answers in words ---- */

static radz_status answers_prepare(const radz_score_texts *texts, const radz_score_options *options,
                                   radz_score_state **out, radz_error *err)
{
    (void)options;
    *out = NULL;
    if (texts->findings == NULL)
        return radz_fail(err, RADZ_E_VALUE, "answers: the classes have no names to look for");
    return keep_texts(texts, out, err);
}

static double score_of(radz_answer_verdict verdict)
{
    return verdict == RADZ_ANSWER_YES ? RADZ_SCORE_OF_YES : verdict == RADZ_ANSWER_NO ? 0 : 0.5;
}

static radz_status answers_score(const radz_score_state *state, const radz_score_block *block, double *scores,
                                 radz_error *err)
{
    const radz_score_texts *t = &((const vqa_state *)state)->texts;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < block->rows * t->classes && st == RADZ_OK; i++) {
        radz_answer_verdict verdict;
        st = radz_answer_yes_no(block->answers[i], &t->findings[i % t->classes], &verdict, err);
        if (st != RADZ_OK)
            return st;
        scores[i] = score_of(verdict);
        if (block->verdicts != NULL)
            block->verdicts[i] = verdict;
    }
    return st;
}

static radz_status choice_score(const radz_score_state *state, const radz_score_block *block, double *scores,
                                radz_error *err)
{
    const radz_score_texts *t = &((const vqa_state *)state)->texts;
    radz_answer_verdict *verdicts = radz_calloc(t->classes, sizeof *verdicts, err);
    radz_status st = verdicts == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t row = 0; row < block->rows && st == RADZ_OK; row++) {
        st = radz_answer_choice(block->answers[row], t->findings, t->classes, verdicts, err);
        for (size_t c = 0; c < t->classes && st == RADZ_OK; c++) {
            scores[row * t->classes + c] = score_of(verdicts[c]);
            if (block->verdicts != NULL)
                block->verdicts[row * t->classes + c] = verdicts[c];
        }
    }
    free(verdicts);
    return st;
}

const radz_scorer radz_scorer_vqa_generate = {
    .name = "vqa-generate",
    .description = "greedy answer to one yes/no question per class: 1 yes, 0 no, 0.5 unknown",
    .source = "visual question answering; negation after NegEx",
    .evidence = RADZ_EVIDENCE_ANSWERS,
    .hard = true,
    .prepare = answers_prepare,
    .score = answers_score,
    .free = vqa_free,
};

const radz_scorer radz_scorer_vqa_choice = {
    .name = "vqa-choice",
    .description = "greedy answer to one question that lists all classes: 1 named, 0 not named or denied, 0.5 unknown",
    .source = "visual question answering with a list of diseases; negation after NegEx",
    .evidence = RADZ_EVIDENCE_CHOICE,
    .hard = true,
    .over_classes = true,
    .prepare = answers_prepare,
    .score = choice_score,
    .free = vqa_free,
};
