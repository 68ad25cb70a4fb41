#include "run/model_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

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

static const char *question_of(const radz_evidence_set *set, size_t i)
{
    return set->kind == RADZ_EVIDENCE_CHOICE ? set->choice : set->prompts.texts[i];
}

static size_t questions_of(const radz_evidence_set *set)
{
    return set->kind == RADZ_EVIDENCE_CHOICE ? 1 : set->prompts.n;
}

/* The keys of all questions on an image; the caller frees them. */
static radz_status question_keys(const radz_evidence_set *set, const unsigned char *image, unsigned char **out, radz_error *err)
{
    size_t n = questions_of(set);
    *out = radz_calloc(n, RADZ_CACHE_KEY_SIZE, err);
    radz_status st = *out == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++)
        st = question_key(image, question_of(set, i), *out + i * RADZ_CACHE_KEY_SIZE, err);
    return st;
}

/* ---- vectors ---- */

static radz_status prepare_vectors(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_session *s = set->session;
    radz_prompt_texts *p = &set->prompts;
    set->values = s->facts->dim;
    radz_status st = radz_prompt_texts_make(s->o.prompts, s->o.terms, r->dataset->classes, r->dataset->n_classes, p, err);
    if (st == RADZ_OK)
        st = radz_session_need_store(s, RADZ_STORE_IMAGE, err);
    if (st == RADZ_OK)
        st = radz_session_need_store(s, RADZ_STORE_TEXT, err);
    return st;
}

/* The anchors of the data set's whole class list, so that a selection of classes changes no score. */
static radz_status make_anchors(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_session *s = set->session;
    const radz_anchors_card *card = s->o.anchors;
    size_t n = r->dataset_card->classes_count;
    if (card == NULL)
        return radz_fail(err, RADZ_E_USAGE, "anchors are wanted, but neither the card of model '%s' nor the suite's names an anchors "
                         "card", s->o.card->base.name);
    char **texts = radz_calloc(n, sizeof *texts, err);
    set->anchors = radz_calloc(n * s->facts->dim, sizeof *set->anchors, err);
    radz_status st = texts == NULL || set->anchors == NULL ? RADZ_E_NOMEM : RADZ_OK;
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        const char *name = r->dataset_card->classes[i].name;
        const radz_anchor *anchor = radz_anchor_find(card, s->o.terms, name);
        if (anchor == NULL)
            st = radz_fail(err, RADZ_E_VALUE, "class '%s' of data set '%s' has no anchor in '%s'", name, r->dataset->name,
                           card->base.file);
        else if ((texts[i] = radz_anchor_text(anchor, err)) == NULL)
            st = RADZ_E_NOMEM;
        else
            radz_sha256_add_text(&hash, texts[i]);
    }
    radz_status ended = radz_sha256_end(&hash, set->anchors_sha256, st == RADZ_OK ? err : NULL);
    st = st == RADZ_OK ? ended : st;
    if (st == RADZ_OK)
        st = radz_session_anchors(s, (const char *const *)texts, n, set->anchors, err);
    set->n_anchors = n;
    for (size_t i = 0; texts != NULL && i < n; i++)
        free(texts[i]);
    free(texts);
    return st;
}

static radz_status finish_vectors(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_session *s = set->session;
    radz_prompt_texts *p = &set->prompts;
    p->embeddings = radz_calloc(p->n * s->facts->dim, sizeof(float), err);
    radz_status st = p->embeddings == NULL
                         ? RADZ_E_NOMEM
                         : radz_embed_texts(s->encoder, s->stores[RADZ_STORE_TEXT], p->texts, p->n, p->embeddings, err);
    return st == RADZ_OK && r->anchors ? make_anchors(set, r, err) : st;
}

static radz_status known_vector(void *context, const unsigned char *key, bool *known, radz_error *err)
{
    const radz_evidence_set *set = context;
    return radz_store_lookup(set->session->stores[RADZ_STORE_IMAGE], key, 1, NULL, known, err);
}

static radz_status compute_vectors(void *context, const float *pixels, const unsigned char *keys, size_t n, radz_error *err)
{
    radz_evidence_set *set = context;
    radz_session *s = set->session;
    float *rows = radz_calloc(n * s->facts->dim, sizeof *rows, err);
    radz_status st = rows == NULL ? RADZ_E_NOMEM : radz_encoder_images(s->encoder, pixels, n, rows, err);
    if (st == RADZ_OK)
        st = radz_store_append(s->stores[RADZ_STORE_IMAGE], keys, rows, n, err);
    free(rows);
    return st;
}

static radz_status flush_vectors(void *context, radz_error *err)
{
    return radz_store_flush(((radz_evidence_set *)context)->session->stores[RADZ_STORE_IMAGE], err);
}

static radz_status read_vectors(const radz_evidence_set *set, const unsigned char *keys, size_t n, radz_evidence_rows *rows,
                                radz_error *err)
{
    return radz_store_lookup(set->session->stores[RADZ_STORE_IMAGE], keys, n, rows->values, NULL, err);
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
    radz_status st = radz_prompt_texts_say(s->o.prompts, s->o.terms, s->o.prompts->question, r->dataset->classes,
                                           r->dataset->n_classes, &set->prompts, err);
    return st == RADZ_OK ? radz_session_need_store(s, RADZ_STORE_LOGITS, err) : st;
}

static radz_status known_logits(void *context, const unsigned char *key, bool *known, radz_error *err)
{
    const radz_evidence_set *set = context;
    size_t n = questions_of(set);
    unsigned char *keys = NULL;
    bool *found = radz_calloc(n, sizeof *found, err);
    radz_status st = found == NULL ? RADZ_E_NOMEM : question_keys(set, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_store_lookup(set->session->stores[RADZ_STORE_LOGITS], keys, n, NULL, found, err);
    *known = st == RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++)
        *known = *known && found[i];
    free(keys);
    free(found);
    return st;
}

static radz_status compute_logits(void *context, const float *pixels, const unsigned char *key, size_t n, radz_error *err)
{
    radz_evidence_set *set = context;
    (void)n; /* one at a time: the questions are the batch */
    size_t questions = questions_of(set);
    unsigned char *keys = NULL;
    float *logits = radz_calloc(set->values, sizeof *logits, err);
    radz_status st = logits == NULL ? RADZ_E_NOMEM : question_keys(set, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_encoder_yes_no(set->session->encoder, pixels, set->prompts.texts, questions, logits, err);
    if (st == RADZ_OK)
        st = radz_store_append(set->session->stores[RADZ_STORE_LOGITS], keys, logits, questions, err);
    free(keys);
    free(logits);
    return st;
}

static radz_status flush_logits(void *context, radz_error *err)
{
    return radz_store_flush(((radz_evidence_set *)context)->session->stores[RADZ_STORE_LOGITS], err);
}

static radz_status read_logits(const radz_evidence_set *set, const unsigned char *keys, size_t n, radz_evidence_rows *rows,
                               radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        unsigned char *own = NULL;
        st = question_keys(set, keys + i * RADZ_CACHE_KEY_SIZE, &own, err);
        if (st == RADZ_OK)
            st = radz_store_lookup(set->session->stores[RADZ_STORE_LOGITS], own, questions_of(set),
                                   rows->values + i * set->values, NULL, err);
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
    radz_status st = radz_prompt_texts_say(s->o.prompts, s->o.terms, "{class}", r->dataset->classes, n, &set->said, err);
    set->findings = radz_calloc(n, sizeof *set->findings, err);
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
        const char *question = s->o.prompts->choice, *place = strstr(question, "{classes}");
        radz_strbuf text = {0};
        st = radz_strbuf_printf(&text, err, "%.*s%s%s", (int)(place - question), question, list.text, place + strlen("{classes}"));
        set->choice = text.text;
    }
    radz_strbuf_free(&list);
    return st;
}

static radz_status prepare_answers(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_session *s = set->session;
    bool choice = set->kind == RADZ_EVIDENCE_CHOICE;
    set->answers = choice ? 1 : r->dataset->n_classes;
    radz_status st = radz_prompt_texts_say(s->o.prompts, s->o.terms, s->o.prompts->question, r->dataset->classes,
                                           r->dataset->n_classes, &set->prompts, err);
    if (st == RADZ_OK)
        st = make_findings(set, r, err);
    return st == RADZ_OK ? radz_session_need_answers(s, err) : st;
}

static radz_status known_answers(void *context, const unsigned char *key, bool *known, radz_error *err)
{
    const radz_evidence_set *set = context;
    unsigned char *keys = NULL;
    radz_status st = question_keys(set, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_text_store_has(set->session->answers, keys, questions_of(set), known, err);
    free(keys);
    return st;
}

/* A record holds the question as well, so that the cache can be read without the program. */
static const char before_question[] = "Q: ", before_answer[] = "\nA: ";

static radz_status compute_answers(void *context, const float *pixels, const unsigned char *key, size_t n, radz_error *err)
{
    radz_evidence_set *set = context;
    (void)n;
    size_t questions = questions_of(set);
    unsigned char *keys = NULL;
    char **answers = radz_calloc(questions, sizeof *answers, err);
    const char *const *asked = set->kind == RADZ_EVIDENCE_CHOICE ? (const char *const *)&set->choice
                                                                 : (const char *const *)set->prompts.texts;
    radz_strbuf record = {0};
    radz_status st = answers == NULL ? RADZ_E_NOMEM : question_keys(set, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_encoder_answers(set->session->encoder, pixels, asked, questions, answers, err);
    for (size_t i = 0; st == RADZ_OK && i < questions; i++) {
        record.length = 0;
        st = radz_strbuf_printf(&record, err, "%s%s%s%s", before_question, asked[i], before_answer, answers[i]);
        if (st == RADZ_OK)
            st = radz_text_store_put(set->session->answers, keys + i * RADZ_CACHE_KEY_SIZE, record.text, record.length, err);
    }
    for (size_t i = 0; answers != NULL && i < questions; i++)
        free(answers[i]);
    free(answers);
    free(keys);
    radz_strbuf_free(&record);
    return st;
}

static radz_status flush_answers(void *context, radz_error *err)
{
    return radz_text_store_flush(((radz_evidence_set *)context)->session->answers, err);
}

static radz_status read_answers(const radz_evidence_set *set, const unsigned char *keys, size_t n, radz_evidence_rows *rows,
                                radz_error *err)
{
    radz_status st = RADZ_OK;
    size_t questions = questions_of(set);
    for (size_t i = 0; st == RADZ_OK && i < n * questions; i++) {
        const char *question = question_of(set, i % questions);
        size_t head = strlen(before_question) + strlen(question) + strlen(before_answer), length = 0;
        unsigned char key[RADZ_CACHE_KEY_SIZE];
        char *record = NULL;
        st = question_key(keys + i / questions * RADZ_CACHE_KEY_SIZE, question, key, err);
        if (st == RADZ_OK)
            st = radz_text_store_get(set->session->answers, key, &record, &length, err);
        if (st == RADZ_OK && record == NULL)
            st = radz_fail(err, RADZ_E_MISSING, "an answer is not in the cache any more");
        if (st == RADZ_OK && (length < head || strncmp(record + strlen(before_question), question, strlen(question)) != 0))
            st = radz_fail(err, RADZ_E_CORRUPT, "an answer in the cache belongs to another question than '%.60s'", question);
        if (st == RADZ_OK)
            memmove(record, record + head, length - head + 1);
        rows->answers[i] = record;
    }
    return st;
}

/* ---- the table ---- */

typedef struct evidence_kind {
    const char *stage;
    bool batches; /* images in batches of the model's size; else one at a time */
    radz_status (*prepare)(radz_evidence_set *set, const radz_evidence_request *request, radz_error *err);
    radz_status (*known)(void *context, const unsigned char *key, bool *known, radz_error *err);
    radz_status (*compute)(void *context, const float *pixels, const unsigned char *keys, size_t n, radz_error *err);
    radz_status (*flush)(void *context, radz_error *err);
    radz_status (*finish)(radz_evidence_set *set, const radz_evidence_request *request, radz_error *err); /* may be NULL */
    radz_status (*read)(const radz_evidence_set *set, const unsigned char *keys, size_t n, radz_evidence_rows *rows,
                        radz_error *err);
} evidence_kind;

static const evidence_kind kinds[RADZ_EVIDENCE_COUNT] = {
    [RADZ_EVIDENCE_EMBEDDING] = {"embed images", true, prepare_vectors, known_vector, compute_vectors, flush_vectors,
                                 finish_vectors, read_vectors},
    [RADZ_EVIDENCE_RADZ_FEATURE] = {"read features", true, prepare_vectors, known_vector, compute_vectors, flush_vectors,
                                    finish_vectors, read_vectors},
    [RADZ_EVIDENCE_YES_NO_LOGITS] = {"ask for logits", false, prepare_logits, known_logits, compute_logits, flush_logits, NULL,
                                     read_logits},
    [RADZ_EVIDENCE_ANSWERS] = {"ask for answers", false, prepare_answers, known_answers, compute_answers, flush_answers, NULL,
                               read_answers},
    [RADZ_EVIDENCE_CHOICE] = {"ask for a choice", false, prepare_answers, known_answers, compute_answers, flush_answers, NULL,
                              read_answers},
};

const char *radz_evidence_stage(radz_evidence kind)
{
    return kinds[kind].stage;
}

radz_status radz_evidence_produce(radz_session *session, const radz_evidence_request *r, radz_evidence_set *out,
                                  radz_error *err)
{
    const evidence_kind *kind = &kinds[r->kind];
    const radz_encoder_facts *facts = session->facts;
    *out = (radz_evidence_set){.kind = r->kind, .session = session, .dataset = r->dataset};
    radz_status st = kind->prepare(out, r, err);
    if (st != RADZ_OK)
        return st;
    radz_image_work work = {
        .context = out,
        .title = kind->stage,
        .batch = kind->batches ? facts->batch : 1,
        .recipe = facts->recipe,
        .pixels_per_image = facts->pixels_per_image,
        .known = kind->known,
        .compute = kind->compute,
        .flush = kind->flush,
    };
    radz_embed_input input = {r->paths, r->names, r->dataset->n, r->skip_bad, r->threads};
    uint64_t before = radz_encoder_cost(session->encoder).tokens;
    st = radz_work_images(&work, session->o.memo, &input, &out->images, err);
    out->tokens = radz_encoder_cost(session->encoder).tokens - before;
    out->seconds = out->images.seconds;
    double begun = radz_clock_seconds();
    if (st == RADZ_OK && kind->finish != NULL)
        st = kind->finish(out, r, err);
    out->text_seconds = radz_clock_seconds() - begun;
    out->peak_memory = radz_peak_memory_bytes();
    return st;
}

void radz_evidence_free(radz_evidence_set *set)
{
    for (size_t c = 0; set->finding_names != NULL && c < set->dataset->n_classes; c++)
        free(set->finding_names[c]);
    free(set->finding_names);
    free(set->findings);
    free(set->anchors);
    free(set->choice);
    radz_prompt_texts_free(&set->said);
    radz_prompt_texts_free(&set->prompts);
    radz_embed_output_free(&set->images);
    *set = (radz_evidence_set){0};
}

const char *radz_evidence_prompts_sha256(const radz_evidence_set *set)
{
    return set->prompts.list.sha256;
}

radz_score_texts radz_evidence_texts(const radz_evidence_set *set)
{
    const radz_prompt_texts *p = &set->prompts;
    const radz_encoder_facts *facts = set->session->facts;
    bool vectors = p->embeddings != NULL;
    return (radz_score_texts){
        .classes = set->dataset->n_classes,
        .class_names = set->dataset->classes,
        .rows = vectors ? p->n : 0,
        .dim = vectors ? facts->dim : 0,
        .embeddings = p->embeddings,
        .class_of = p->class_of,
        .polarity_of = p->polarity_of,
        .template_of = p->template_of,
        .anchors = set->n_anchors,
        .anchor_vectors = set->anchors,
        .yes_tokens = facts->n_yes,
        .no_tokens = facts->n_no,
        .findings = set->findings,
    };
}

static void drop_answers(radz_evidence_rows *rows)
{
    for (size_t i = 0; i < rows->n_answers; i++)
        free(rows->answers[i]);
    rows->n_answers = 0;
}

radz_status radz_evidence_read(const radz_evidence_set *set, const unsigned char *keys, size_t n, radz_evidence_rows *rows,
                               radz_error *err)
{
    drop_answers(rows);
    size_t answers = n * set->answers;
    radz_status st = radz_grow(&rows->values, &rows->values_capacity, n * set->values + 1, sizeof *rows->values, err);
    if (st == RADZ_OK)
        st = radz_grow(&rows->answers, &rows->answers_capacity, answers + 1, sizeof *rows->answers, err);
    if (st != RADZ_OK)
        return st;
    memset(rows->answers, 0, answers * sizeof *rows->answers);
    rows->n_answers = answers;
    return kinds[set->kind].read(set, keys, n, rows, err);
}

void radz_evidence_rows_free(radz_evidence_rows *rows)
{
    drop_answers(rows);
    free(rows->answers);
    free(rows->values);
    *rows = (radz_evidence_rows){0};
}
