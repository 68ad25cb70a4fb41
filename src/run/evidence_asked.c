/* Evidence that answers questions: logits of yes and no, answers in words. */
#include "run/evidence_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "data/name_table.h"

/* ---- keys of an image and a question ---- */

static radz_status question_key(const unsigned char *image, const char *question, unsigned char out[RADZ_CACHE_KEY_SIZE],
                                radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add(&hash, image, RADZ_CACHE_KEY_SIZE);
    radz_sha256_add_text(&hash, question);
    radz_status st = radz_sha256_end(&hash, hex, err);
    if (st == RADZ_OK && !radz_key_from_hex(hex, out))
        st = radz_fail(err, RADZ_E_INTERNAL, "a SHA-256 of odd form: '%s'", hex);
    return st;
}

typedef struct question_list {
    const char *const *texts;
    size_t n;
} question_list;

static question_list shared_questions(const radz_evidence_set *set)
{
    if (set->kind == RADZ_EVIDENCE_CHOICE)
        return (question_list){(const char *const *)&set->choice, 1};
    return (question_list){set->prompts.texts, set->prompts.n};
}

/* What is asked about one image of the input. */
static question_list questions_about(const radz_evidence_set *set, size_t image)
{
    const radz_own_questions *own = &set->own;
    if (own->sha256[0] == '\0')
        return shared_questions(set);
    return (question_list){own->questions + own->first[image], own->first[image + 1] - own->first[image]};
}

/* What the evidence of one sample answers. */
static question_list questions_of(const radz_evidence_set *set, size_t sample)
{
    if (set->own.sha256[0] == '\0')
        return shared_questions(set);
    return (question_list){&set->dataset->samples[sample].question, 1};
}

const char *radz_evidence_question(const radz_evidence_set *set, size_t sample, size_t i)
{
    return questions_of(set, sample).texts[i];
}

/* The keys of all questions on an image; the caller frees them. */
static radz_status question_keys(question_list questions, const unsigned char *image, unsigned char **out, radz_error *err)
{
    *out = radz_calloc(questions.n, RADZ_CACHE_KEY_SIZE, err);
    radz_status st = *out == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < questions.n; i++)
        st = question_key(image, questions.texts[i], *out + i * RADZ_CACHE_KEY_SIZE, err);
    return st;
}

/* ---- a data set's own questions ---- */

/* Files in the order of their first samples, each with the questions of its samples, so that what all questions about an
 * image share is computed once. */
static radz_status group_questions(radz_own_questions *own, const radz_evidence_request *r, radz_error *err)
{
    const radz_dataset *d = r->dataset;
    radz_name_table files = {0};
    radz_arena arena = {0};
    own->paths = radz_calloc(d->n, sizeof *own->paths, err);
    own->names = radz_calloc(d->n, sizeof *own->names, err);
    own->first = radz_calloc(d->n + 1, sizeof *own->first, err);
    own->questions = radz_calloc(d->n, sizeof *own->questions, err);
    own->file_of = radz_calloc(d->n, sizeof *own->file_of, err);
    size_t *filled = radz_calloc(d->n, sizeof *filled, err);
    bool memory = own->paths != NULL && own->names != NULL && own->first != NULL && own->questions != NULL &&
                  own->file_of != NULL && filled != NULL;
    radz_status st = memory ? RADZ_OK : RADZ_E_NOMEM;
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    for (size_t i = 0; st == RADZ_OK && i < d->n; i++) {
        bool is_new;
        if (d->samples[i].question == NULL)
            st = radz_fail(err, RADZ_E_VALUE, "sample '%s' has no question (column '%s')", d->samples[i].image_id,
                           r->dataset_card->columns->question);
        else
            st = radz_name_add(&files, &arena, r->paths[i], &own->file_of[i], &is_new, err);
        if (st != RADZ_OK)
            break;
        if (is_new) {
            own->paths[own->n_files] = r->paths[i];
            own->names[own->n_files++] = r->names[i];
        }
        own->first[own->file_of[i] + 1]++;
        radz_sha256_add_text(&hash, d->samples[i].image_id);
        radz_sha256_add_text(&hash, d->samples[i].question);
    }
    for (size_t f = 0; st == RADZ_OK && f < own->n_files; f++)
        own->first[f + 1] += own->first[f];
    for (size_t i = 0; st == RADZ_OK && i < d->n; i++)
        own->questions[own->first[own->file_of[i]] + filled[own->file_of[i]]++] = d->samples[i].question;
    radz_status ended = radz_sha256_end(&hash, own->sha256, st == RADZ_OK ? err : NULL);
    free(filled);
    radz_name_table_free(&files);
    radz_arena_free(&arena);
    return st == RADZ_OK ? ended : st;
}

radz_status evidence_take_images(radz_evidence_set *set, const radz_embed_output *visited, radz_error *err)
{
    const radz_own_questions *own = set->own.sha256[0] != '\0' ? &set->own : NULL;
    size_t n = set->dataset->n;
    radz_embed_output *out = &set->images;
    *out = (radz_embed_output){
        .keys = radz_calloc(n, RADZ_CACHE_KEY_SIZE, err),
        .usable = radz_calloc(n, sizeof *out->usable, err),
        .skips = radz_calloc(n, sizeof *out->skips, err),
        .n = n,
        .skips_capacity = n,
    };
    radz_status st = out->keys != NULL && out->usable != NULL && out->skips != NULL ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        size_t file = own != NULL ? own->file_of[i] : i;
        memcpy(out->keys + i * RADZ_CACHE_KEY_SIZE, visited->keys + file * RADZ_CACHE_KEY_SIZE, RADZ_CACHE_KEY_SIZE);
        out->usable[i] = visited->usable[file];
        for (size_t k = 0; st == RADZ_OK && k < visited->n_skips; k++) {
            if (visited->skips[k].index != file)
                continue;
            char *reason = radz_strdup(visited->skips[k].reason, err);
            st = reason != NULL ? RADZ_OK : RADZ_E_NOMEM;
            if (reason != NULL)
                out->skips[out->n_skips++] = (radz_embed_skip){i, reason};
        }
    }
    return st;
}

/* The questions of the evidence: the data set's own where it has some, else one per class. */
static radz_status prepare_questions(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    const radz_wording *w = &set->wording;
    if (r->dataset_card->columns->question != NULL)
        return group_questions(&set->own, r, err);
    return radz_prompt_texts_say(w->card, set->session->o.terms, w->question, r->dataset->classes, r->dataset->n_classes,
                                 &set->prompts, err);
}

/* ---- logits of yes and no ---- */

static radz_status prepare_logits(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_session *s = set->session;
    size_t tokens = s->facts->n_yes + s->facts->n_no;
    set->values = r->dataset->n_classes * tokens;
    if (s->facts->n_yes == 0 || s->facts->n_no == 0)
        return radz_fail(err, RADZ_E_VALUE, "the tokenizer of '%s' has no token for '%s' in any spelling (small, capital, all capitals, "
                         "with or without a blank before): its logits cannot be read", s->facts->dir,
                         s->facts->n_yes == 0 ? "yes" : "no");
    radz_status st = prepare_questions(set, r, err);
    return st == RADZ_OK ? radz_session_need_store(s, RADZ_STORE_LOGITS, err) : st;
}

static radz_status known_logits(const radz_evidence_set *set, size_t image, const unsigned char *key, bool *known, radz_error *err)
{
    question_list questions = questions_about(set, image);
    unsigned char *keys = NULL;
    bool *found = radz_calloc(questions.n, sizeof *found, err);
    radz_status st = found == NULL ? RADZ_E_NOMEM : question_keys(questions, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_store_lookup(set->session->stores[RADZ_STORE_LOGITS], keys, questions.n, NULL, found, err);
    *known = st == RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < questions.n; i++)
        *known = *known && found[i];
    free(keys);
    free(found);
    return st;
}

static radz_status ask_logits(radz_evidence_set *set, radz_dialogue *dialogue, size_t image, const unsigned char *key, radz_cost *cost,
                              radz_error *err)
{
    question_list questions = questions_about(set, image);
    const radz_encoder_facts *facts = set->session->facts;
    unsigned char *keys = NULL;
    float *logits = radz_calloc(questions.n * (facts->n_yes + facts->n_no), sizeof *logits, err);
    radz_status st = logits == NULL ? RADZ_E_NOMEM : question_keys(questions, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_dialogue_yes_no(dialogue, questions.texts, questions.n, logits, cost, err);
    if (st == RADZ_OK)
        st = radz_store_append(set->session->stores[RADZ_STORE_LOGITS], keys, logits, questions.n, err);
    free(keys);
    free(logits);
    return st;
}

static radz_status flush_logits(const radz_evidence_set *set, radz_error *err)
{
    return radz_store_flush(set->session->stores[RADZ_STORE_LOGITS], err);
}

static radz_status read_logits(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
                               radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        question_list questions = questions_of(set, samples[i]);
        unsigned char *own = NULL;
        st = question_keys(questions, evidence_image_key(set, samples[i]), &own, err);
        if (st == RADZ_OK)
            st = radz_store_lookup(set->session->stores[RADZ_STORE_LOGITS], own, questions.n, rows->values + i * set->values,
                                   NULL, err);
        free(own);
    }
    return st;
}

/* ---- answers in words ---- */

/* Every name a class has: its own, the prompt's, the data set's synonyms, the table of terms'. */
static radz_status make_findings(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    const radz_session *s = set->session;
    size_t n = r->dataset->n_classes;
    const radz_prompt_texts *said = &set->said;
    set->findings = radz_calloc(n, sizeof *set->findings, err);
    if (set->own.sha256[0] != '\0') /* the class is the answer itself and names nothing */
        return set->findings != NULL ? RADZ_OK : RADZ_E_NOMEM;
    radz_status st = radz_prompt_texts_say(set->wording.card, s->o.terms, "{class}", r->dataset->classes, n, &set->said, err);
    set->finding_names = radz_calloc(n, sizeof *set->finding_names, err);
    if (st == RADZ_OK && (set->findings == NULL || set->finding_names == NULL))
        st = RADZ_E_NOMEM;
    for (size_t c = 0; st == RADZ_OK && c < n; c++) {
        const char *name = r->dataset->classes[c];
        const radz_term *term = radz_term_find(s->o.terms, name);
        const radz_class_spec *spec = NULL;
        for (size_t i = 0; i < r->dataset_card->classes_count; i++)
            if (strcmp(r->dataset_card->classes[i].name, name) == 0)
                spec = &r->dataset_card->classes[i];
        size_t synonyms = spec != NULL ? spec->synonyms_count : 0, spellings = term != NULL ? 1 + term->spellings_count : 0, k = 0;
        const char **names = radz_calloc(2 + synonyms + spellings, sizeof *names, err);
        set->finding_names[c] = names;
        if (names == NULL) {
            st = RADZ_E_NOMEM;
            break;
        }
        names[k++] = name;
        names[k++] = said->texts[c];
        for (size_t i = 0; i < synonyms; i++)
            names[k++] = spec->synonyms[i];
        if (term != NULL)
            names[k++] = term->name;
        for (size_t i = 0; term != NULL && i < term->spellings_count; i++)
            names[k++] = term->spellings[i];
        set->findings[c] = (radz_finding_names){names, k, radz_prompts_is_no_finding(name)};
    }
    radz_strbuf list = {0};
    for (size_t c = 0; st == RADZ_OK && c < n; c++)
        st = radz_strbuf_printf(&list, err, "%s%s", c > 0 ? ", " : "", said->texts[c]);
    if (st == RADZ_OK && set->kind == RADZ_EVIDENCE_CHOICE) {
        const char *question = set->wording.choice, *place = strstr(question, "{classes}");
        radz_strbuf text = {0};
        st = radz_strbuf_printf(&text, err, "%.*s%s%s", (int)(place - question), question, list.text, place + strlen("{classes}"));
        set->choice = text.text;
        if (st == RADZ_OK)
            st = radz_sha256_data(text.text, text.length, set->choice_sha256, err);
    }
    radz_strbuf_free(&list);
    return st;
}

static radz_status prepare_answers(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_session *s = set->session;
    bool choice = set->kind == RADZ_EVIDENCE_CHOICE;
    set->answers = choice ? 1 : r->dataset->n_classes;
    radz_status st = prepare_questions(set, r, err);
    if (st == RADZ_OK)
        st = make_findings(set, r, err);
    return st == RADZ_OK ? radz_session_need_answers(s, err) : st;
}

static radz_status known_answers(const radz_evidence_set *set, size_t image, const unsigned char *key, bool *known, radz_error *err)
{
    question_list questions = questions_about(set, image);
    unsigned char *keys = NULL;
    radz_status st = question_keys(questions, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_text_store_has(set->session->answers, keys, questions.n, known, err);
    free(keys);
    return st;
}

/* A record holds the question as well, so that the cache can be read without the program. */
static const char before_question[] = "Q: ", before_answer[] = "\nA: ";

static radz_status ask_answers(radz_evidence_set *set, radz_dialogue *dialogue, size_t image, const unsigned char *key, radz_cost *cost,
                               radz_error *err)
{
    question_list questions = questions_about(set, image);
    unsigned char *keys = NULL;
    char **answers = radz_calloc(questions.n, sizeof *answers, err);
    radz_strbuf record = {0};
    radz_status st = answers == NULL ? RADZ_E_NOMEM : question_keys(questions, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_dialogue_answers(dialogue, questions.texts, questions.n, answers, cost, err);
    for (size_t i = 0; st == RADZ_OK && i < questions.n; i++) {
        record.length = 0;
        st = radz_strbuf_printf(&record, err, "%s%s%s%s", before_question, questions.texts[i], before_answer, answers[i]);
        if (st == RADZ_OK)
            st = radz_text_store_put(set->session->answers, keys + i * RADZ_CACHE_KEY_SIZE, record.text, record.length, err);
    }
    for (size_t i = 0; answers != NULL && i < questions.n; i++)
        free(answers[i]);
    free(answers);
    free(keys);
    radz_strbuf_free(&record);
    return st;
}

static radz_status flush_answers(const radz_evidence_set *set, radz_error *err)
{
    return radz_text_store_flush(set->session->answers, err);
}

static radz_status read_answer(const radz_evidence_set *set, const unsigned char *image, const char *question, char **out,
                               radz_error *err)
{
    size_t head = strlen(before_question) + strlen(question) + strlen(before_answer), length = 0;
    unsigned char key[RADZ_CACHE_KEY_SIZE];
    char *record = NULL;
    radz_status st = question_key(image, question, key, err);
    if (st == RADZ_OK)
        st = radz_text_store_get(set->session->answers, key, &record, &length, err);
    if (st == RADZ_OK && record == NULL)
        st = radz_fail(err, RADZ_E_MISSING, "an answer is not in the cache any more");
    if (st == RADZ_OK && (length < head || strncmp(record + strlen(before_question), question, strlen(question)) != 0))
        st = radz_fail(err, RADZ_E_CORRUPT, "an answer in the cache belongs to another question than '%.60s'", question);
    if (st == RADZ_OK)
        memmove(record, record + head, length - head + 1);
    *out = record;
    return st;
}

static radz_status read_answers(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
                                radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0, at = 0; st == RADZ_OK && i < n; i++) {
        question_list questions = questions_of(set, samples[i]);
        for (size_t k = 0; st == RADZ_OK && k < questions.n; k++)
            st = read_answer(set, evidence_image_key(set, samples[i]), questions.texts[k], &rows->answers[at++], err);
    }
    return st;
}

const evidence_kind evidence_logits = {
    .takes_questions = true,
    .prepare = prepare_logits,
    .known = known_logits,
    .ask = ask_logits,
    .flush = flush_logits,
    .read = read_logits,
};

const evidence_kind evidence_answers = {
    .takes_questions = true,
    .prepare = prepare_answers,
    .known = known_answers,
    .ask = ask_answers,
    .flush = flush_answers,
    .read = read_answers,
};

const evidence_kind evidence_choice = {
    .prepare = prepare_answers,
    .known = known_answers,
    .ask = ask_answers,
    .flush = flush_answers,
    .read = read_answers,
};

/* ---- other wordings ---- */

static bool same_questions(const radz_evidence_set *a, const radz_evidence_set *b)
{
    question_list x = shared_questions(a), y = shared_questions(b);
    bool same = x.n == y.n;
    for (size_t i = 0; same && i < x.n; i++)
        same = strcmp(x.texts[i], y.texts[i]) == 0;
    return same;
}

/* One more variant of `set`, unless the wording comes to questions that are asked already. */
static radz_status add_wording(radz_evidence_set *set, const radz_evidence_request *r, const radz_wording *wording,
                               const char *varied, const char *name, radz_error *err)
{
    radz_evidence_set *other = radz_calloc(1, sizeof *other, err);
    radz_evidence_variant *v;
    if (other == NULL)
        return RADZ_E_NOMEM;
    *other = (radz_evidence_set){.kind = set->kind, .session = set->session, .dataset = set->dataset, .wording = *wording};
    radz_status st = evidence_kind_of(set)->prepare(other, r, err);
    bool known = st != RADZ_OK || same_questions(set, other);
    for (size_t i = 0; i < set->n_variants && !known; i++)
        known = same_questions(set->variants[i].asked, other);
    if (!known) {
        st = evidence_add_variant(set, varied, name, &v, err);
        if (st == RADZ_OK) {
            v->asked = other;
            return RADZ_OK;
        }
    }
    radz_evidence_free(other);
    free(other);
    return st;
}

radz_status evidence_vary_questions(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    const radz_wording own = set->wording;
    const radz_prompts_card *card = own.card;
    bool choice = set->kind == RADZ_EVIDENCE_CHOICE;
    char *const *others = choice ? card->other_choices : card->other_questions;
    size_t n_others = choice ? card->other_choices_count : card->other_questions_count;
    radz_status st = RADZ_OK;
    if (set->own.sha256[0] != '\0')
        return RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < r->n_other_prompts; i++) {
        const radz_prompts_card *other = r->other_prompts[i];
        st = add_wording(set, r, &(radz_wording){other, other->question, other->choice}, "prompts", other->base.name, err);
    }
    for (size_t i = 0; st == RADZ_OK && i < n_others; i++) {
        const radz_wording other = {card, choice ? own.question : others[i], choice ? others[i] : own.choice};
        st = add_wording(set, r, &other, "question", others[i], err);
    }
    return st;
}
