/* Evidence that is a vector per image: embeddings, features inside a decoder; with the vectors of prompts and anchors. */
#include "run/evidence_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

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

static radz_status embed_prompts(radz_session *s, radz_prompt_texts *p, radz_error *err)
{
    p->embeddings = radz_calloc(p->n * s->facts->dim, sizeof(float), err);
    return p->embeddings == NULL
               ? RADZ_E_NOMEM
               : radz_embed_texts(s->encoder, s->stores[RADZ_STORE_TEXT], p->texts, p->n, p->embeddings, err);
}

/* The same for a model whose images and texts are embedded alike: the descriptions of the classes that are evaluated, as texts. */
static radz_status describe(const radz_evidence_set *set, const radz_evidence_request *r, const radz_anchors_card *card, size_t part,
                            radz_prompt_texts *out, radz_error *err)
{
    radz_session *s = set->session;
    radz_status st = radz_prompt_texts_describe(card, s->o.terms, part, r->dataset->classes, r->dataset->n_classes, out, err);
    return st == RADZ_OK ? embed_prompts(s, out, err) : st;
}

static radz_status make_anchors(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    const radz_anchors_card *card = set->session->o.anchors;
    if (card == NULL)
        return radz_fail(err, RADZ_E_USAGE, "anchors are wanted, but neither the card of model '%s' nor the suite's names an anchors "
                         "card", set->session->o.card->base.name);
    if (set->kind == RADZ_EVIDENCE_EMBEDDING) {
        radz_status st = describe(set, r, card, RADZ_ANCHOR_PARTS, &set->descriptions, err);
        memcpy(set->anchors_sha256, set->descriptions.list.sha256, sizeof set->anchors_sha256);
        return st;
    }
    set->anchor_of_none = has_anchor_of_none(card, set->session->o.terms, r->dataset_card);
    set->n_anchors = r->dataset_card->classes_count + set->anchor_of_none;
    return anchor_vectors(set, r, card, RADZ_ANCHOR_PARTS, set->anchors_sha256, &set->anchors, err);
}

/* Another anchors card, or a part of the own. */
static radz_status add_anchors(radz_evidence_set *set, const radz_evidence_request *r, const radz_anchors_card *card, size_t part,
                               radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE], name[100];
    radz_evidence_variant *v;
    bool whole = part == RADZ_ANCHOR_PARTS;
    snprintf(name, sizeof name, "%.60s%s%s%s", card->base.name, whole ? "" : ", ", whole ? "" : radz_anchor_part_name(part),
             whole ? "" : " only");
    radz_status st = evidence_add_variant(set, "anchors", name, &v, err);
    if (st != RADZ_OK)
        return st;
    v->of_anchors = true;
    return set->kind == RADZ_EVIDENCE_EMBEDDING ? describe(set, r, card, part, &v->prompts, err)
                                                : anchor_vectors(set, r, card, part, hex, &v->anchors, err);
}

/* Other wordings and other anchors: texts only, no image is looked at again. */
static radz_status make_variants(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_session *s = set->session;
    radz_evidence_variant *v;
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < r->n_other_prompts; i++) {
        const radz_prompts_card *card = r->other_prompts[i];
        if (strcmp(card->base.sha256, s->o.prompts->base.sha256) == 0)
            continue;
        st = evidence_add_variant(set, "prompts", card->base.name, &v, err);
        if (st == RADZ_OK)
            st = radz_prompt_texts_make(card, s->o.terms, r->dataset->classes, r->dataset->n_classes, &v->prompts, err);
        if (st == RADZ_OK)
            st = embed_prompts(s, &v->prompts, err);
    }
    for (size_t i = 0; st == RADZ_OK && r->anchors && i < r->n_other_anchors; i++)
        if (strcmp(r->other_anchors[i]->base.sha256, s->o.anchors->base.sha256) != 0)
            st = add_anchors(set, r, r->other_anchors[i], RADZ_ANCHOR_PARTS, err);
    for (size_t part = 0; st == RADZ_OK && r->anchors && part < RADZ_ANCHOR_PARTS; part++)
        st = add_anchors(set, r, s->o.anchors, part, err);
    return st;
}

radz_status evidence_embed_texts(radz_evidence_set *set, const radz_evidence_request *r, radz_error *err)
{
    radz_status st = embed_prompts(set->session, &set->prompts, err);
    if (st == RADZ_OK && r->anchors)
        st = make_anchors(set, r, err);
    return st == RADZ_OK && r->vary ? make_variants(set, r, err) : st;
}

static radz_status known_vector(const radz_evidence_set *set, size_t image, const unsigned char *key, bool *known, radz_error *err)
{
    (void)image;
    return radz_store_lookup(set->session->stores[RADZ_STORE_IMAGE], key, 1, NULL, known, err);
}

static radz_status compute_vectors(radz_evidence_set *set, const float *pixels, const unsigned char *keys, size_t n, radz_error *err)
{
    radz_session *s = set->session;
    float *rows = radz_calloc(n * s->facts->dim, sizeof *rows, err);
    radz_status st = rows == NULL ? RADZ_E_NOMEM : radz_encoder_images(s->encoder, pixels, n, rows, err);
    if (st == RADZ_OK)
        st = radz_store_append(s->stores[RADZ_STORE_IMAGE], keys, rows, n, err);
    free(rows);
    return st;
}

static radz_status flush_vectors(const radz_evidence_set *set, radz_error *err)
{
    return radz_store_flush(set->session->stores[RADZ_STORE_IMAGE], err);
}

static radz_status read_vectors(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
                                radz_error *err)
{
    unsigned char *keys = radz_calloc(n, RADZ_CACHE_KEY_SIZE, err);
    if (keys == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        memcpy(keys + i * RADZ_CACHE_KEY_SIZE, evidence_image_key(set, samples[i]), RADZ_CACHE_KEY_SIZE);
    radz_status st = radz_store_lookup(set->session->stores[RADZ_STORE_IMAGE], keys, n, rows->values, NULL, err);
    free(keys);
    return st;
}

const evidence_kind evidence_vectors = {
    .prepare = prepare_vectors,
    .known = known_vector,
    .compute = compute_vectors,
    .flush = flush_vectors,
    .read = read_vectors,
};
