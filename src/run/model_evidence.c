#include "run/model_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
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

static const unsigned char *image_key(const radz_evidence_set *set, size_t sample)
{
    return set->images.keys + sample * RADZ_CACHE_KEY_SIZE;
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

static void free_questions(radz_own_questions *own)
{
    free(own->paths);
    free(own->names);
    free(own->first);
    free(own->questions);
    free(own->file_of);
}

/* What came of the files becomes what came of the samples. */
static radz_status spread_to_samples(const radz_own_questions *own, size_t n, radz_embed_output *images, radz_error *err)
{
    unsigned char *keys = radz_calloc(n, RADZ_CACHE_KEY_SIZE, err);
    bool *usable = radz_calloc(n, sizeof *usable, err);
    radz_embed_skip *skips = radz_calloc(n, sizeof *skips, err);
    size_t n_skips = 0;
    radz_status st = keys != NULL && usable != NULL && skips != NULL ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        uint32_t file = own->file_of[i];
        memcpy(keys + i * RADZ_CACHE_KEY_SIZE, images->keys + (size_t)file * RADZ_CACHE_KEY_SIZE, RADZ_CACHE_KEY_SIZE);
        usable[i] = images->usable[file];
        for (size_t k = 0; st == RADZ_OK && k < images->n_skips; k++) {
            if (images->skips[k].index != file)
                continue;
            char *reason = radz_strdup(images->skips[k].reason, err);
            skips[n_skips].index = i;
            skips[n_skips].reason = reason;
            st = reason != NULL ? RADZ_OK : RADZ_E_NOMEM;
            n_skips += reason != NULL;
        }
    }
    size_t n_cached = images->n_cached, n_encoded = images->n_encoded;
    double seconds = images->seconds, decoding = images->decode_seconds, encoding = images->encode_seconds;
    radz_embed_output_free(images);
    *images = (radz_embed_output){keys, usable, n, n_cached, n_encoded, skips, n_skips, n, seconds, decoding, encoding};
    return st;
}

/* The questions of the evidence: the data set's own where it has some, else one per class. */
static radz_status prepare_questions(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    const radz_session *s = set->session;
    if (r->dataset_card->columns->question != NULL)
        return group_questions(&set->own, r, err);
    return radz_prompt_texts_say(s->o.prompts, s->o.terms, s->o.prompts->question, r->dataset->classes, r->dataset->n_classes,
                                 &set->prompts, err);
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

/* Whether the anchor of "No Finding" is one more, beside those of the classes. */
static bool has_anchor_of_none(const radz_anchors_card *card, const radz_terms_card *terms, const radz_dataset_card *dataset)
{
    const radz_anchor *none = radz_anchor_find(card, terms, RADZ_NO_FINDING);
    for (size_t i = 0; none != NULL && i < dataset->classes_count; i++)
        if (radz_anchor_find(card, terms, dataset->classes[i].name) == none)
            return false;
    return none != NULL;
}

/* The anchors of the data set's whole class list, so that a selection of classes changes no score, and then that of
 * "No Finding" where there is one. `part` of the descriptions alone (RADZ_ANCHOR_PARTS: the whole text; a class without it has
 * the whole). `hex`: the texts' hash. */
static radz_status anchor_vectors(const radz_evidence_set *set, const radz_evidence_request *r, const radz_anchors_card *card,
                                  size_t part, char *hex, float **vectors, radz_error *err)
{
    radz_session *s = set->session;
    size_t classes = r->dataset_card->classes_count, n = set->n_anchors;
    char **texts = radz_calloc(n, sizeof *texts, err);
    *vectors = radz_calloc(n * s->facts->dim, sizeof **vectors, err);
    radz_status st = texts == NULL || *vectors == NULL ? RADZ_E_NOMEM : RADZ_OK;
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        const char *name = i < classes ? r->dataset_card->classes[i].name : RADZ_NO_FINDING;
        const radz_anchor *anchor = radz_anchor_find(card, s->o.terms, name);
        if (anchor == NULL && i == classes) /* another card need not have it */
            anchor = radz_anchor_find(s->o.anchors, s->o.terms, name);
        const char *alone = anchor != NULL && part < RADZ_ANCHOR_PARTS ? radz_anchor_part(anchor, part) : NULL;
        if (anchor == NULL)
            st = radz_fail(err, RADZ_E_VALUE, "class '%s' of data set '%s' has no anchor in '%s'", name, r->dataset->name,
                           card->base.file);
        else if ((texts[i] = alone != NULL ? radz_strdup(alone, err) : radz_anchor_text(anchor, err)) == NULL)
            st = RADZ_E_NOMEM;
        else
            radz_sha256_add_text(&hash, texts[i]);
    }
    radz_status ended = radz_sha256_end(&hash, hex, st == RADZ_OK ? err : NULL);
    st = st == RADZ_OK ? ended : st;
    if (st == RADZ_OK)
        st = radz_session_anchors(s, (const char *const *)texts, n, *vectors, err);
    for (size_t i = 0; texts != NULL && i < n; i++)
        free(texts[i]);
    free(texts);
    return st;
}

static radz_status make_anchors(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    const radz_anchors_card *card = set->session->o.anchors;
    if (card == NULL)
        return radz_fail(err, RADZ_E_USAGE, "anchors are wanted, but neither the card of model '%s' nor the suite's names an anchors "
                         "card", set->session->o.card->base.name);
    set->anchor_of_none = has_anchor_of_none(card, set->session->o.terms, r->dataset_card);
    set->n_anchors = r->dataset_card->classes_count + set->anchor_of_none;
    return anchor_vectors(set, r, card, RADZ_ANCHOR_PARTS, set->anchors_sha256, &set->anchors, err);
}

static radz_status embed_prompts(radz_session *s, radz_prompt_texts *p, radz_error *err)
{
    p->embeddings = radz_calloc(p->n * s->facts->dim, sizeof(float), err);
    return p->embeddings == NULL
               ? RADZ_E_NOMEM
               : radz_embed_texts(s->encoder, s->stores[RADZ_STORE_TEXT], p->texts, p->n, p->embeddings, err);
}

static radz_status add_variant(radz_evidence_set *set, const char *varied, const char *name, radz_evidence_variant **out,
                               radz_error *err)
{
    radz_status st = radz_grow(&set->variants, &set->variants_capacity, set->n_variants + 1, sizeof *set->variants, err);
    if (st != RADZ_OK)
        return st;
    *out = &set->variants[set->n_variants++];
    **out = (radz_evidence_variant){.varied = varied, .name = radz_strdup(name, err)};
    return (*out)->name != NULL ? RADZ_OK : RADZ_E_NOMEM;
}

/* Other wordings and other anchors: texts only, no image is looked at again. */
static radz_status make_variants(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_session *s = set->session;
    radz_evidence_variant *v;
    char hex[RADZ_SHA256_HEX_SIZE], name[100];
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < r->n_other_prompts; i++) {
        const radz_prompts_card *card = r->other_prompts[i];
        if (strcmp(card->base.sha256, s->o.prompts->base.sha256) == 0)
            continue;
        st = add_variant(set, "prompts", card->base.name, &v, err);
        if (st == RADZ_OK)
            st = radz_prompt_texts_make(card, s->o.terms, r->dataset->classes, r->dataset->n_classes, &v->prompts, err);
        if (st == RADZ_OK)
            st = embed_prompts(s, &v->prompts, err);
    }
    for (size_t i = 0; st == RADZ_OK && r->anchors && i < r->n_other_anchors; i++) {
        const radz_anchors_card *card = r->other_anchors[i];
        if (strcmp(card->base.sha256, s->o.anchors->base.sha256) == 0)
            continue;
        st = add_variant(set, "anchors", card->base.name, &v, err);
        if (st == RADZ_OK)
            st = anchor_vectors(set, r, card, RADZ_ANCHOR_PARTS, hex, &v->anchors, err);
    }
    for (size_t part = 0; st == RADZ_OK && r->anchors && part < RADZ_ANCHOR_PARTS; part++) {
        snprintf(name, sizeof name, "%.60s, %s only", s->o.anchors->base.name, radz_anchor_part_name(part));
        st = add_variant(set, "anchors", name, &v, err);
        if (st == RADZ_OK)
            st = anchor_vectors(set, r, s->o.anchors, part, hex, &v->anchors, err);
    }
    return st;
}

static radz_status finish_vectors(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_status st = embed_prompts(set->session, &set->prompts, err);
    if (st == RADZ_OK && r->anchors)
        st = make_anchors(set, r, err);
    return st == RADZ_OK && r->vary ? make_variants(set, r, err) : st;
}

static radz_status known_vector(void *context, size_t index, const unsigned char *key, bool *known, radz_error *err)
{
    (void)index;
    const radz_evidence_set *set = context;
    return radz_store_lookup(set->session->stores[RADZ_STORE_IMAGE], key, 1, NULL, known, err);
}

static radz_status compute_vectors(void *context, const float *pixels, const size_t *indices, const unsigned char *keys, size_t n,
                                   radz_error *err)
{
    (void)indices;
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

static radz_status read_vectors(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
                                radz_error *err)
{
    unsigned char *keys = radz_calloc(n, RADZ_CACHE_KEY_SIZE, err);
    if (keys == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        memcpy(keys + i * RADZ_CACHE_KEY_SIZE, image_key(set, samples[i]), RADZ_CACHE_KEY_SIZE);
    radz_status st = radz_store_lookup(set->session->stores[RADZ_STORE_IMAGE], keys, n, rows->values, NULL, err);
    free(keys);
    return st;
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

static radz_status known_logits(void *context, size_t index, const unsigned char *key, bool *known, radz_error *err)
{
    const radz_evidence_set *set = context;
    question_list questions = questions_about(set, index);
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

static radz_status compute_logits(void *context, const float *pixels, const size_t *index, const unsigned char *key, size_t n,
                                  radz_error *err)
{
    radz_evidence_set *set = context;
    (void)n; /* one at a time: the questions are the batch */
    question_list questions = questions_about(set, *index);
    const radz_encoder_facts *facts = set->session->facts;
    unsigned char *keys = NULL;
    float *logits = radz_calloc(questions.n * (facts->n_yes + facts->n_no), sizeof *logits, err);
    radz_status st = logits == NULL ? RADZ_E_NOMEM : question_keys(questions, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_encoder_yes_no(set->session->encoder, pixels, questions.texts, questions.n, logits, err);
    if (st == RADZ_OK)
        st = radz_store_append(set->session->stores[RADZ_STORE_LOGITS], keys, logits, questions.n, err);
    free(keys);
    free(logits);
    return st;
}

static radz_status flush_logits(void *context, radz_error *err)
{
    return radz_store_flush(((radz_evidence_set *)context)->session->stores[RADZ_STORE_LOGITS], err);
}

static radz_status read_logits(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
                               radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        question_list questions = questions_of(set, samples[i]);
        unsigned char *own = NULL;
        st = question_keys(questions, image_key(set, samples[i]), &own, err);
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
    radz_status st = radz_prompt_texts_say(s->o.prompts, s->o.terms, "{class}", r->dataset->classes, n, &set->said, err);
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
    radz_status st = prepare_questions(set, r, err);
    if (st == RADZ_OK)
        st = make_findings(set, r, err);
    return st == RADZ_OK ? radz_session_need_answers(s, err) : st;
}

static radz_status known_answers(void *context, size_t index, const unsigned char *key, bool *known, radz_error *err)
{
    const radz_evidence_set *set = context;
    question_list questions = questions_about(set, index);
    unsigned char *keys = NULL;
    radz_status st = question_keys(questions, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_text_store_has(set->session->answers, keys, questions.n, known, err);
    free(keys);
    return st;
}

/* A record holds the question as well, so that the cache can be read without the program. */
static const char before_question[] = "Q: ", before_answer[] = "\nA: ";

static radz_status compute_answers(void *context, const float *pixels, const size_t *index, const unsigned char *key, size_t n,
                                   radz_error *err)
{
    radz_evidence_set *set = context;
    (void)n;
    question_list questions = questions_about(set, *index);
    unsigned char *keys = NULL;
    char **answers = radz_calloc(questions.n, sizeof *answers, err);
    radz_strbuf record = {0};
    radz_status st = answers == NULL ? RADZ_E_NOMEM : question_keys(questions, key, &keys, err);
    if (st == RADZ_OK)
        st = radz_encoder_answers(set->session->encoder, pixels, questions.texts, questions.n, answers, err);
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

static radz_status flush_answers(void *context, radz_error *err)
{
    return radz_text_store_flush(((radz_evidence_set *)context)->session->answers, err);
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
            st = read_answer(set, image_key(set, samples[i]), questions.texts[k], &rows->answers[at++], err);
    }
    return st;
}

/* ---- the table ---- */

typedef struct evidence_kind {
    const char *stage;
    bool batches; /* images in batches of the model's size; else one at a time */
    bool takes_questions; /* of the data set's own */
    radz_status (*prepare)(radz_evidence_set *set, const radz_evidence_request *request, radz_error *err);
    radz_status (*known)(void *context, size_t index, const unsigned char *key, bool *known, radz_error *err);
    radz_status (*compute)(void *context, const float *pixels, const size_t *indices, const unsigned char *keys, size_t n,
                           radz_error *err);
    radz_status (*flush)(void *context, radz_error *err);
    radz_status (*finish)(radz_evidence_set *set, const radz_evidence_request *request, radz_error *err); /* may be NULL */
    radz_status (*read)(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
                        radz_error *err);
} evidence_kind;

static const evidence_kind kinds[RADZ_EVIDENCE_COUNT] = {
    [RADZ_EVIDENCE_EMBEDDING] = {"embed images", true, false, prepare_vectors, known_vector, compute_vectors, flush_vectors,
                                 finish_vectors, read_vectors},
    [RADZ_EVIDENCE_RADZ_FEATURE] = {"read features", true, false, prepare_vectors, known_vector, compute_vectors, flush_vectors,
                                    finish_vectors, read_vectors},
    [RADZ_EVIDENCE_YES_NO_LOGITS] = {"ask for logits", false, true, prepare_logits, known_logits, compute_logits, flush_logits, NULL,
                                     read_logits},
    [RADZ_EVIDENCE_ANSWERS] = {"ask for answers", false, true, prepare_answers, known_answers, compute_answers, flush_answers, NULL,
                               read_answers},
    [RADZ_EVIDENCE_CHOICE] = {"ask for a choice", false, false, prepare_answers, known_answers, compute_answers, flush_answers, NULL,
                              read_answers},
};

const char *radz_evidence_stage(radz_evidence kind)
{
    return kinds[kind].stage;
}

bool radz_evidence_takes_questions(radz_evidence kind)
{
    return kinds[kind].takes_questions;
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
    bool own = out->own.sha256[0] != '\0';
    radz_embed_input input = {own ? out->own.paths : r->paths, own ? out->own.names : r->names,
                              own ? out->own.n_files : r->dataset->n, r->skip_bad, r->threads};
    uint64_t before = radz_encoder_cost(session->encoder).tokens;
    st = radz_work_images(&work, session->o.memo, &input, &out->images, err);
    out->tokens = radz_encoder_cost(session->encoder).tokens - before;
    out->seconds = out->images.seconds;
    if (st == RADZ_OK && own)
        st = spread_to_samples(&out->own, r->dataset->n, &out->images, err);
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
    free_questions(&set->own);
    for (size_t i = 0; i < set->n_variants; i++) {
        radz_prompt_texts_free(&set->variants[i].prompts);
        free(set->variants[i].anchors);
        free(set->variants[i].name);
    }
    free(set->variants);
    radz_prompt_texts_free(&set->said);
    radz_prompt_texts_free(&set->prompts);
    radz_embed_output_free(&set->images);
    *set = (radz_evidence_set){0};
}

const char *radz_evidence_prompts_sha256(const radz_evidence_set *set)
{
    return set->own.sha256[0] != '\0' ? set->own.sha256 : set->prompts.list.sha256;
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
        .anchor_of_none = set->anchor_of_none,
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

radz_status radz_evidence_read(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
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
    return kinds[set->kind].read(set, samples, n, rows, err);
}

void radz_evidence_rows_free(radz_evidence_rows *rows)
{
    drop_answers(rows);
    free(rows->answers);
    free(rows->values);
    *rows = (radz_evidence_rows){0};
}
