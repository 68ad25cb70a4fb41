#include "run/anchor_work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/plan.h"
#include "run/session.h"

typedef struct work {
    radz_suite_card *suite;
    radz_plan_model model;
    radz_anchors_card *card;
    radz_terms_card *terms;
    radz_cache *cache;
    radz_memo *memo;
    radz_session session;
    const radz_anchor **anchors; /* [n] of the card */
    size_t n;
} work;

static radz_status close_work(work *w, radz_status st, radz_error *err)
{
    radz_status closed = radz_session_close(&w->session, st == RADZ_OK ? err : NULL);
    st = st == RADZ_OK ? closed : st;
    if (w->memo != NULL) {
        closed = radz_memo_close(w->memo, st == RADZ_OK ? err : NULL);
        st = st == RADZ_OK ? closed : st;
    }
    radz_cache_free(w->cache);
    radz_terms_card_free(w->terms);
    radz_plan_model_free(&w->model);
    radz_suite_card_free(w->suite);
    free(w->anchors);
    return st;
}

static radz_status choose(work *w, const radz_strlist *classes, radz_error *err)
{
    w->anchors = radz_calloc(w->card->anchors_count, sizeof *w->anchors, err);
    if (w->anchors == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; (classes == NULL || classes->count == 0) && i < w->card->anchors_count; i++)
        w->anchors[w->n++] = &w->card->anchors[i];
    for (size_t i = 0; classes != NULL && i < classes->count; i++) {
        const radz_anchor *anchor = radz_anchor_find(w->card, w->terms, classes->items[i]);
        if (anchor == NULL)
            return radz_fail(err, RADZ_E_USAGE, "class '%s' has no anchor in '%s'", classes->items[i], w->card->base.file);
        if (w->n < w->card->anchors_count)
            w->anchors[w->n++] = anchor;
    }
    return RADZ_OK;
}

static radz_status open_work(const radz_home *home, const radz_anchor_work_options *o, work *w, radz_error *err)
{
    radz_status st = radz_suite_find_card(&home->places, o->suite, &w->suite, err);
    if (st == RADZ_OK)
        st = radz_plan_find_model(home, o->model, w->suite, &w->model, err);
    if (st == RADZ_OK && w->model.folder == NULL)
        st = radz_fail(err, RADZ_E_MISSING, "model '%s' is not here: %s", o->model, w->model.hint);
    const char *name = o->anchors != NULL                                 ? o->anchors
                       : st == RADZ_OK && w->model.card->anchors != NULL ? w->model.card->anchors
                       : st == RADZ_OK                                    ? w->suite->anchors
                                                                          : NULL;
    if (st == RADZ_OK && name == NULL)
        st = radz_fail(err, RADZ_E_USAGE, "neither the card of model '%s' nor the suite '%s' names an anchors card: name one", o->model,
                       o->suite);
    if (st == RADZ_OK)
        st = radz_anchors_find_card(&home->places, name, &w->card, err);
    if (st == RADZ_OK && (w->model.evidence & 1u << RADZ_EVIDENCE_RADZ_FEATURE) == 0)
        st = radz_fail(err, RADZ_E_USAGE, "model '%s' is of the family '%s', which has no decoder to read anchors in", o->model,
                       w->model.card->family);
    if (st == RADZ_OK)
        st = radz_terms_find_card(&home->places, RADZ_TERMS_DEFAULT, &w->terms, err);
    if (st == RADZ_OK)
        st = choose(w, o->classes, err);
    if (st == RADZ_OK)
        st = radz_cache_open(home->cache, &w->cache, err);
    if (st == RADZ_OK)
        st = radz_memo_open(w->cache, &w->memo, err);
    radz_session_options session = {
        .card = w->model.card,
        .prompts = w->model.prompts,
        .template_card = w->model.template_card,
        .anchors = w->card,
        .terms = w->terms,
        .folder = w->model.folder,
        .cache = w->cache,
        .memo = w->memo,
        .device = o->device,
        .dtype = o->dtype,
        .threads = o->threads,
    };
    return st == RADZ_OK ? radz_session_open(&session, &w->session, err) : st;
}

radz_status radz_anchor_embed(const radz_home *home, const radz_anchor_work_options *o, radz_anchor_vectors *out,
                              radz_error *err)
{
    *out = (radz_anchor_vectors){0};
    work w = {0};
    char **texts = NULL;
    radz_status st = open_work(home, o, &w, err);
    if (st == RADZ_OK) {
        out->n = w.n;
        out->dim = w.session.facts->dim;
        out->form = radz_anchor_form_name(w.model.card->anchor_form);
        out->names = radz_calloc(w.n, sizeof *out->names, err);
        out->vectors = radz_calloc(w.n * out->dim, sizeof *out->vectors, err);
        texts = radz_calloc(w.n, sizeof *texts, err);
        if (out->names == NULL || out->vectors == NULL || texts == NULL)
            st = RADZ_E_NOMEM;
    }
    for (size_t i = 0; st == RADZ_OK && i < w.n; i++) {
        out->names[i] = w.anchors[i]->class_name;
        if ((texts[i] = radz_anchor_text(w.anchors[i], err)) == NULL)
            st = RADZ_E_NOMEM;
    }
    if (st == RADZ_OK)
        st = radz_session_anchors(&w.session, (const char *const *)texts, w.n, out->vectors, err);
    if (st == RADZ_OK)
        st = radz_session_rest(&w.session, err);
    for (size_t i = 0; texts != NULL && i < w.n; i++)
        free(texts[i]);
    free(texts);
    out->card = w.card;
    return close_work(&w, st, err);
}

double radz_anchor_cosine(const radz_anchor_vectors *v, size_t i, size_t k)
{
    const float *a = v->vectors + i * v->dim, *b = v->vectors + k * v->dim;
    double ab = 0, aa = 0, bb = 0;
    for (size_t d = 0; d < v->dim; d++) {
        ab += (double)a[d] * b[d];
        aa += (double)a[d] * a[d];
        bb += (double)b[d] * b[d];
    }
    return ab / sqrt(aa * bb);
}

void radz_anchor_vectors_free(radz_anchor_vectors *vectors)
{
    radz_anchors_card_free(vectors->card);
    free(vectors->names);
    free(vectors->vectors);
    *vectors = (radz_anchor_vectors){0};
}

/* A text as a double-quoted YAML scalar. */
static radz_status put_quoted(radz_strbuf *out, const char *text, radz_error *err)
{
    radz_status st = radz_strbuf_puts(out, "\"", err);
    for (const char *p = text; *p != '\0' && st == RADZ_OK; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            st = radz_strbuf_printf(out, err, "\\%c", c);
        else if (c == '\n')
            st = radz_strbuf_puts(out, "\\n", err);
        else if (c < 0x20 || c == 0x7F)
            st = radz_strbuf_printf(out, err, "\\x%02X", c);
        else
            st = radz_strbuf_append(out, p, 1, err);
    }
    return st == RADZ_OK ? radz_strbuf_puts(out, "\"", err) : st;
}

radz_status radz_anchor_generate(const radz_home *home, const radz_anchor_work_options *o, radz_strbuf *out, radz_error *err)
{
    work w = {0};
    radz_strbuf question = {0};
    radz_dialogue *dialogue = NULL;
    radz_status st = open_work(home, o, &w, err);
    if (st == RADZ_OK)
        st = radz_dialogue_open(w.session.encoder, NULL, &dialogue, err);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(out, err, "# A draft, written by the model '%s' (weights SHA-256 %s), greedy, at most %u tokens a class. To be\n"
                                "# reviewed by a person before it is used.\nname: draft\ntitle: Draft by %s\nsource: \"the model '%s'\"\nprompt: ",
                                w.model.card->base.name, w.session.weights, (unsigned)w.model.card->max_tokens,
                                w.model.card->base.name, w.model.card->base.name);
    if (st == RADZ_OK)
        st = put_quoted(out, w.card->generation, err);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(out, "\nanchors:\n", err);
    for (size_t i = 0; st == RADZ_OK && i < w.n; i++) {
        const radz_term *term = radz_term_find(w.terms, w.anchors[i]->class_name);
        const char *said = term != NULL ? radz_term_prompt(term) : w.anchors[i]->class_name, *place;
        char *answer = NULL;
        question.length = 0;
        for (const char *p = w.card->generation; st == RADZ_OK; p = place + strlen("{class}")) {
            place = strstr(p, "{class}");
            st = radz_strbuf_append(&question, p, place != NULL ? (size_t)(place - p) : strlen(p), err);
            if (place == NULL)
                break;
            if (st == RADZ_OK)
                st = radz_strbuf_puts(&question, said, err);
        }
        const char *asked = question.text;
        if (st == RADZ_OK)
            st = radz_dialogue_answers(dialogue, &asked, 1, &answer, NULL, err);
        if (st == RADZ_OK)
            st = radz_strbuf_puts(out, "  - class: ", err);
        if (st == RADZ_OK)
            st = put_quoted(out, w.anchors[i]->class_name, err);
        if (st == RADZ_OK)
            st = radz_strbuf_puts(out, "\n    disease: ", err);
        if (st == RADZ_OK)
            st = put_quoted(out, answer[0] != '\0' ? answer : "(the model said nothing)", err);
        if (st == RADZ_OK)
            st = radz_strbuf_puts(out, "\n    imaging: \"(to be taken out of the text above)\"\n    source: \"not reviewed\"\n", err);
        free(answer);
    }
    radz_dialogue_close(dialogue);
    radz_strbuf_free(&question);
    radz_anchors_card *card = w.card;
    st = close_work(&w, st, err);
    radz_anchors_card_free(card);
    return st;
}
