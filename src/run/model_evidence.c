#include "run/evidence_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* ---- the table ---- */

static const evidence_kind *const kinds[RADZ_EVIDENCE_COUNT] = {
    [RADZ_EVIDENCE_EMBEDDING] = &evidence_vectors,  [RADZ_EVIDENCE_RADZ_FEATURE] = &evidence_vectors,
    [RADZ_EVIDENCE_YES_NO_LOGITS] = &evidence_logits, [RADZ_EVIDENCE_ANSWERS] = &evidence_answers,
    [RADZ_EVIDENCE_CHOICE] = &evidence_choice,
};

const evidence_kind *evidence_kind_of(const radz_evidence_set *set)
{
    return kinds[set->kind];
}

bool radz_evidence_takes_questions(radz_evidence kind)
{
    return kinds[kind]->takes_questions;
}

bool radz_evidence_is_asked(radz_evidence kind)
{
    return kinds[kind]->ask != NULL;
}

radz_status evidence_add_variant(radz_evidence_set *set, const char *varied, const char *name, radz_evidence_variant **out,
                                 radz_error *err)
{
    radz_status st = radz_grow(&set->variants, &set->variants_capacity, set->n_variants + 1, sizeof *set->variants, err);
    if (st != RADZ_OK)
        return st;
    *out = &set->variants[set->n_variants++];
    **out = (radz_evidence_variant){.varied = varied, .name = radz_strdup(name, err)};
    return (*out)->name != NULL ? RADZ_OK : RADZ_E_NOMEM;
}

/* ---- visits ---- */

/* One pass over the images, in which each set gets what it lacks. */
typedef struct visit {
    radz_session *session;
    radz_evidence_set **sets; /* [n] */
    size_t n, capacity;
} visit;

static radz_status all_known(void *context, size_t image, const unsigned char *key, bool *known, radz_error *err)
{
    const visit *v = context;
    radz_status st = RADZ_OK;
    *known = true;
    for (size_t i = 0; st == RADZ_OK && *known && i < v->n; i++)
        st = evidence_kind_of(v->sets[i])->known(v->sets[i], image, key, known, err);
    return st;
}

static radz_status flush_all(void *context, radz_error *err)
{
    const visit *v = context;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < v->n; i++) { /* an error with one is no reason to lose another */
        radz_status flushed = evidence_kind_of(v->sets[i])->flush(v->sets[i], st == RADZ_OK ? err : NULL);
        st = st == RADZ_OK ? flushed : st;
    }
    return st;
}

static radz_status compute_batch(void *context, const float *pixels, const size_t *images, const unsigned char *keys, size_t n,
                                 radz_error *err)
{
    const visit *v = context;
    (void)images;
    return evidence_kind_of(v->sets[0])->compute(v->sets[0], pixels, keys, n, err);
}

/* Everything that is asked about one image: what all questions share is computed once. The cost of a set is what it would be
 * alone: the shared part counts in each. */
static radz_status ask_about(void *context, const float *pixels, const size_t *image, const unsigned char *key, size_t n,
                             radz_error *err)
{
    const visit *v = context;
    radz_dialogue *dialogue = NULL;
    radz_status st = RADZ_OK;
    (void)n; /* one at a time: the questions are the batch */
    for (size_t i = 0; st == RADZ_OK && i < v->n; i++) {
        radz_evidence_set *set = v->sets[i];
        radz_cost own = {0};
        bool known;
        st = evidence_kind_of(set)->known(set, *image, key, &known, err);
        if (st != RADZ_OK || known)
            continue;
        if (dialogue == NULL)
            st = radz_dialogue_open(v->session->encoder, pixels, &dialogue, err);
        if (st == RADZ_OK)
            st = evidence_kind_of(set)->ask(set, dialogue, *image, key, &own, err);
        if (st == RADZ_OK) {
            set->computed++;
            set->tokens += radz_dialogue_shared(dialogue).tokens + own.tokens;
            set->seconds += own.seconds;
        }
    }
    radz_dialogue_close(dialogue);
    return st;
}

static radz_status look_at_images(visit *v, const radz_evidence_request *r, const char *title, radz_embed_output *out,
                                  radz_evidence_log *log, radz_error *err)
{
    const radz_encoder_facts *facts = v->session->facts;
    const radz_own_questions *own = &v->sets[0]->own; /* the same for every set */
    bool asked = radz_evidence_is_asked(v->sets[0]->kind), files = own->sha256[0] != '\0';
    radz_image_work work = {
        .context = v,
        .title = title,
        .batch = asked ? 1 : facts->batch,
        .recipe = facts->recipe,
        .pixels_per_image = facts->pixels_per_image,
        .known = all_known,
        .compute = asked ? ask_about : compute_batch,
        .flush = flush_all,
    };
    radz_embed_input input = {files ? own->paths : r->paths, files ? own->names : r->names, files ? own->n_files : r->dataset->n,
                              r->skip_bad, r->threads};
    radz_status st = radz_work_images(&work, v->session->o.memo, &input, out, err);
    log->stages[log->n++] = (radz_evidence_stage){title, out->n_cached + out->n_encoded, out->n_cached, out->seconds};
    return st;
}

static radz_status produce_vectors(radz_evidence_set *set, const radz_evidence_request *r, radz_evidence_log *log, radz_error *err)
{
    visit v = {.session = set->session, .sets = &set, .n = 1};
    double begun = radz_clock_seconds();
    /* texts first: one that the model cannot take is found out before its images are looked at, which may take hours */
    radz_status st = evidence_embed_texts(set, r, err);
    double text_seconds = radz_clock_seconds() - begun;
    uint64_t before = radz_encoder_cost(set->session->encoder).tokens;
    if (st == RADZ_OK)
        st = look_at_images(&v, r, set->kind == RADZ_EVIDENCE_EMBEDDING ? "embed images" : "read features", &set->images, log, err);
    set->computed = set->images.n_encoded;
    set->tokens = radz_encoder_cost(set->session->encoder).tokens - before;
    set->seconds = set->images.seconds;
    log->stages[log->n++] = (radz_evidence_stage){"embed texts", set->prompts.n, 0, text_seconds};
    set->peak_memory = radz_peak_memory_bytes();
    return st;
}

static radz_status add_set(visit *v, radz_evidence_set *set, radz_error *err)
{
    radz_status st = radz_grow(&v->sets, &v->capacity, v->n + 1, sizeof *v->sets, err);
    if (st == RADZ_OK)
        v->sets[v->n++] = set;
    return st;
}

/* All kinds of questions, and all wordings, in one visit. */
static radz_status produce_asked(radz_session *session, const radz_evidence_request *r, radz_evidence_set *sets,
                                 radz_evidence_log *log, radz_error *err)
{
    visit v = {.session = session};
    radz_embed_output visited = {0};
    radz_status st = RADZ_OK;
    for (radz_evidence kind = 0; st == RADZ_OK && kind < RADZ_EVIDENCE_COUNT; kind++)
        if (radz_evidence_is_asked(kind) && (r->kinds & 1u << kind) != 0)
            st = add_set(&v, &sets[kind], err);
    for (size_t i = 0, own = v.n; st == RADZ_OK && i < own; i++) {
        radz_evidence_set *set = v.sets[i];
        if (r->vary && (r->vary_questions & 1u << set->kind) != 0)
            st = evidence_vary_questions(set, r, err);
        for (size_t k = 0; st == RADZ_OK && k < set->n_variants; k++)
            st = add_set(&v, set->variants[k].asked, err);
    }
    if (st == RADZ_OK && v.n > 0)
        st = look_at_images(&v, r, "ask questions", &visited, log, err);
    /* what is nobody's own (reading files, what all questions share) counts in each set, as if it had been alone */
    double shared = visited.seconds;
    for (size_t i = 0; i < v.n; i++)
        shared -= v.sets[i]->seconds;
    for (size_t i = 0; st == RADZ_OK && i < v.n; i++) {
        radz_evidence_set *set = v.sets[i];
        if (set->computed > 0)
            set->seconds += shared * (double)set->computed / (double)visited.n_encoded;
        set->peak_memory = radz_peak_memory_bytes();
        st = evidence_take_images(set, &visited, err);
    }
    radz_embed_output_free(&visited);
    free(v.sets);
    return st;
}

radz_status radz_evidence_produce(radz_session *session, const radz_evidence_request *r, radz_evidence_set *sets,
                                  radz_evidence_log *log, radz_error *err)
{
    const radz_prompts_card *card = session->o.prompts;
    radz_status st = RADZ_OK;
    *log = (radz_evidence_log){.n = 0};
    for (radz_evidence kind = 0; st == RADZ_OK && kind < RADZ_EVIDENCE_COUNT; kind++) {
        if ((r->kinds & 1u << kind) == 0)
            continue;
        sets[kind] = (radz_evidence_set){.kind = kind, .session = session, .dataset = r->dataset,
                                         .wording = {card, card->question, card->choice}};
        st = kinds[kind]->prepare(&sets[kind], r, err);
        if (st == RADZ_OK && !radz_evidence_is_asked(kind))
            st = produce_vectors(&sets[kind], r, log, err);
    }
    return st == RADZ_OK ? produce_asked(session, r, sets, log, err) : st;
}

/* ---- what has been produced ---- */

static void free_questions(radz_own_questions *own)
{
    free(own->paths);
    free(own->names);
    free(own->first);
    free(own->questions);
    free(own->file_of);
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
        if (set->variants[i].asked != NULL)
            radz_evidence_free(set->variants[i].asked);
        free(set->variants[i].asked);
        radz_prompt_texts_free(&set->variants[i].prompts);
        free(set->variants[i].anchors);
        free(set->variants[i].name);
    }
    free(set->variants);
    radz_prompt_texts_free(&set->said);
    radz_prompt_texts_free(&set->prompts);
    radz_prompt_texts_free(&set->descriptions);
    radz_embed_output_free(&set->images);
    *set = (radz_evidence_set){0};
}

const char *radz_evidence_prompts_sha256(const radz_evidence_set *set)
{
    return set->own.sha256[0] != '\0'            ? set->own.sha256
           : set->kind == RADZ_EVIDENCE_CHOICE ? set->choice_sha256
                                               : set->prompts.list.sha256;
}

const char *radz_evidence_variant_sha256(const radz_evidence_variant *variant)
{
    return variant->asked != NULL ? radz_evidence_prompts_sha256(variant->asked) : variant->prompts.list.sha256;
}

radz_score_texts radz_evidence_texts(const radz_evidence_set *set, bool described)
{
    const radz_prompt_texts *p = described ? &set->descriptions : &set->prompts;
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
    return kinds[set->kind]->read(set, samples, n, rows, err);
}

void radz_evidence_rows_free(radz_evidence_rows *rows)
{
    drop_answers(rows);
    free(rows->answers);
    free(rows->values);
    *rows = (radz_evidence_rows){0};
}
