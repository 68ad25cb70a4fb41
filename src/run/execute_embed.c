/* Phase one: everything that may need the encoder. */
#include "run/execute_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/checkup.h"

static bool reads(const execution *e, const radz_dataset_card *card, const radz_plan_model *m, radz_evidence kind, bool *anchors)
{
    const radz_plan *plan = e->plan;
    bool any = false;
    if (execution_wants_vectors(e))
        return kind == execution_vectors_of(m);
    for (size_t i = 0; i < plan->n_scorers; i++) {
        const radz_scorer *scorer = plan->scorers[i];
        if (scorer->evidence != kind || !execution_applies(card, m, scorer))
            continue;
        any = true;
        *anchors |= scorer->needs_anchors;
    }
    return any;
}

static radz_status open_model(execution *e, loaded_model *m, radz_error *err)
{
    const radz_plan_model *planned = m->planned;
    radz_session_options options = {
        .card = planned->card,
        .prompts = planned->prompts,
        .template_card = planned->template_card,
        .anchors = planned->anchors,
        .terms = e->terms,
        .folder = planned->folder,
        .cache = e->cache,
        .memo = e->memo,
        .device = e->options->device,
        .dtype = e->options->dtype,
        .threads = e->options->threads,
    };
    m->here = true;
    radz_status st = radz_session_open(&options, &m->session, err);
    return st == RADZ_OK ? radz_session_need_device(&m->session, err) : st;
}

/* Before anything is made or computed, so that what is wrong with a later model shows at once. */
radz_status execution_open_models(execution *e, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < e->plan->n_models; i++) {
        loaded_model *m = &e->models[i];
        m->planned = &e->plan->models[i];
        m->evidence = radz_calloc(execution_set_count(e) * RADZ_EVIDENCE_COUNT, sizeof *m->evidence, err);
        st = m->evidence == NULL ? RADZ_E_NOMEM : m->planned->folder != NULL ? open_model(e, m, err) : RADZ_OK;
    }
    return st;
}

static radz_status note_skips(execution *e, const loaded_dataset *set, const radz_evidence_set *evidence, radz_error *err)
{
    const char *data_name = set->data->name, *model_name = evidence->session->o.card->base.name;
    const radz_embed_output *out = &evidence->images;
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < out->n_skips; i++) {
        radz_result_skip skip = {data_name, model_name, set->names[out->skips[i].index], out->skips[i].reason};
        bool known = false; /* another kind of evidence has met it */
        for (size_t k = 0; k < e->results->n_skips; k++)
            known = known || (strcmp(e->results->skips[k].dataset, data_name) == 0 &&
                              strcmp(e->results->skips[k].model, model_name) == 0 &&
                              strcmp(e->results->skips[k].image, skip.image) == 0);
        if (known)
            continue;
        radz_warn("skipped: %s", skip.reason);
        char *reason = radz_strdup(skip.reason, err); /* results say nothing of where the data are on this machine */
        if (reason == NULL)
            return RADZ_E_NOMEM;
        radz_finding_scrub(reason, set->data->root);
        skip.reason = reason;
        st = radz_results_add_skip(e->results, &skip, err);
        free(reason);
    }
    return st;
}

/* Everything that the scorers of the plan read of this data set. */
static radz_status embed_dataset(execution *e, loaded_model *m, size_t d, radz_error *err)
{
    const loaded_dataset *set = &e->datasets[d];
    const char *model_name = m->planned->card->base.name;
    radz_evidence_request request = {
        .dataset = set->data,
        .dataset_card = set->planned->card,
        .paths = set->paths,
        .names = set->names,
        .skip_bad = e->options->skip_bad,
        .threads = e->options->threads,
        .other_prompts = (const radz_prompts_card *const *)e->plan->other_prompts,
        .n_other_prompts = e->plan->suite->other_prompts_count,
        .other_anchors = (const radz_anchors_card *const *)e->plan->other_anchors,
        .n_other_anchors = e->plan->suite->other_anchors_count,
        .vary = d < e->plan->n_datasets && e->options->probe == NULL && e->options->visit == NULL,
        .vary_questions = e->plan->vary_questions,
    };
    radz_evidence_log log;
    radz_info("%s with %s:", set->data->name, model_name);
    for (radz_evidence kind = 0; kind < RADZ_EVIDENCE_COUNT; kind++)
        if (reads(e, set->planned->card, m->planned, kind, &request.anchors))
            request.kinds |= 1u << kind;
    radz_status st = radz_evidence_produce(&m->session, &request, execution_evidence(m, d, 0), &log, err);
    for (radz_evidence kind = 0; st == RADZ_OK && kind < RADZ_EVIDENCE_COUNT; kind++)
        if ((request.kinds & 1u << kind) != 0)
            st = note_skips(e, set, execution_evidence(m, d, kind), err);
    for (size_t i = 0; st == RADZ_OK && i < log.n; i++) {
        const radz_evidence_stage *s = &log.stages[i];
        st = radz_results_add_stage(e->results, &(radz_result_stage){s->name, set->data->name, model_name, s->items, s->cached,
                                                                     s->seconds}, err);
    }
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "data set '%s', model '%s'", set->data->name, model_name), st);
}

static radz_status embed_and_visit(execution *e, loaded_model *m, size_t d, radz_error *err)
{
    radz_status st = embed_dataset(e, m, d, err);
    if (st == RADZ_OK && e->options->visit != NULL)
        st = e->options->visit(e->options->visit_context, m->planned->card->base.name, execution_evidence(m, d, execution_vectors_of(m->planned)),
                               err);
    return st;
}

radz_status execution_embed(execution *e, radz_error *err)
{
    for (size_t i = 0; i < e->plan->n_models; i++) {
        loaded_model *m = &e->models[i];
        const radz_model_card *card = m->planned->card;
        radz_status st = RADZ_OK;
        if (!m->here)
            st = radz_results_add_absent(e->results, &(radz_result_absent){card->base.name, card->base.title, m->planned->hint},
                                         err);
        for (size_t d = 0; st == RADZ_OK && m->here && d < execution_set_count(e); d++)
            if (execution_has_images(&e->datasets[d]))
                st = embed_and_visit(e, m, d, err);
        if (st == RADZ_OK && m->here)
            st = radz_session_rest(&m->session, err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

/* Files that are there twice: known for nothing once everything is embedded, and the same for every model. */
radz_status execution_check_files(execution *e, radz_error *err)
{
    radz_checkup_files *splits = radz_calloc(e->plan->n_datasets, sizeof *splits, err);
    size_t n = 0, before = e->results->n_findings;
    if (splits == NULL)
        return RADZ_E_NOMEM;
    for (size_t d = 0; d < e->plan->n_datasets; d++) {
        const radz_embed_output *out = NULL;
        for (size_t m = 0; out == NULL && m < e->plan->n_models; m++)
            for (radz_evidence kind = 0; out == NULL && kind < RADZ_EVIDENCE_COUNT; kind++) {
                const radz_evidence_set *set = execution_evidence(&e->models[m], d, kind);
                out = set->images.keys != NULL ? &set->images : NULL;
            }
        if (out != NULL && execution_has_images(&e->datasets[d]))
            splits[n++] = (radz_checkup_files){e->datasets[d].data->name, e->datasets[d].data->split, e->datasets[d].names,
                                               e->datasets[d].paths, out->keys, out->usable, out->n};
    }
    radz_status st = radz_checkup_same_files(splits, n, e->results, err);
    for (size_t i = before; st == RADZ_OK && i < e->results->n_findings; i++)
        radz_warn("%s: %s", e->results->findings[i].dataset, e->results->findings[i].what);
    free(splits);
    return st;
}
