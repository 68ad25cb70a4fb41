#include "run/plan.h"

#include <stdlib.h>
#include <string.h>

#include "encoder/encoder.h"
#include "run/model_evidence.h"
#include "score/scorer.h"

static radz_status check_names(const char *what, const radz_strlist *wanted, char **known, size_t n_known,
                               radz_error *err)
{
    for (size_t i = 0; wanted != NULL && i < wanted->count; i++) {
        bool found = false;
        for (size_t j = 0; j < n_known; j++)
            found = found || strcmp(wanted->items[i], known[j]) == 0;
        if (!found)
            return radz_fail_unknown_in(err, what, wanted->items[i], (const char *const *)known, n_known);
    }
    return RADZ_OK;
}

/* Whether `asked` is the data set `listed` or a variant of it ("siim:row-wise" of "siim"). */
static bool is_of(const char *asked, const char *listed)
{
    size_t length = strlen(listed);
    return strncmp(asked, listed, length) == 0 && (asked[length] == '\0' || asked[length] == ':');
}

static radz_status check_datasets(const char *what, const radz_strlist *wanted, char **known, size_t n_known,
                                  radz_error *err)
{
    for (size_t i = 0; wanted != NULL && i < wanted->count; i++) {
        bool found = false;
        for (size_t j = 0; j < n_known; j++)
            found = found || is_of(wanted->items[i], known[j]);
        if (!found)
            return radz_fail_unknown_in(err, what, wanted->items[i], (const char *const *)known, n_known);
    }
    return RADZ_OK;
}

static bool passes(const radz_strlist *wanted, const char *name)
{
    return wanted == NULL || wanted->count == 0 || radz_strlist_has(wanted, name);
}

radz_status radz_plan_find_dataset(const radz_home *home, const char *name, radz_plan_dataset *out, radz_error *err)
{
    *out = (radz_plan_dataset){0};
    char *generated = NULL;
    const char *colon = radz_str_ends(name, ".yaml") ? NULL : strrchr(name, ':');
    char *plain = radz_strndup(name, colon != NULL ? (size_t)(colon - name) : strlen(name), err);
    radz_status st = plain != NULL ? radz_dataset_find_card(&home->places, plain, &out->card, err) : RADZ_E_NOMEM;
    if (st == RADZ_OK && colon != NULL)
        st = radz_dataset_card_vary(out->card, colon + 1, err);
    if (st == RADZ_OK && out->card->generated != NULL) {
        generated = radz_home_generated_root(home, out->card, err);
        if (generated == NULL)
            st = RADZ_E_NOMEM;
    }
    if (st == RADZ_OK)
        st = radz_dataset_locate(out->card, NULL, generated, &out->location, err);
    free(plain);
    free(generated);
    if (st != RADZ_OK)
        radz_plan_dataset_free(out);
    return st;
}

void radz_plan_dataset_free(radz_plan_dataset *dataset)
{
    radz_dataset_location_free(&dataset->location);
    radz_dataset_card_free(dataset->card);
    *dataset = (radz_plan_dataset){0};
}

radz_status radz_plan_find_model(const radz_home *home, const char *name, const radz_suite_card *suite, radz_plan_model *out,
                                 radz_error *err)
{
    *out = (radz_plan_model){0};
    radz_status st = radz_model_find_card(&home->places, name, &out->card, err);
    if (st == RADZ_OK)
        st = radz_model_locate(out->card, home->share, &out->folder, &out->hint, err);
    const char *prompts = st == RADZ_OK && out->card->prompts != NULL ? out->card->prompts : suite->prompts;
    if (st == RADZ_OK)
        st = radz_prompts_find_card(&home->places, prompts, &out->prompts, err);
    if (st == RADZ_OK && out->card->template_name != NULL)
        st = radz_template_find_card(&home->places, out->card->template_name, &out->template_card, err);
    const char *anchors = st == RADZ_OK && out->card->anchors != NULL ? out->card->anchors : suite->anchors;
    if (st == RADZ_OK && anchors != NULL)
        st = radz_anchors_find_card(&home->places, anchors, &out->anchors, err);
    if (st == RADZ_OK)
        st = radz_encoder_family_evidence(out->card->family, &out->evidence, err);
    if (st != RADZ_OK && out->card != NULL)
        radz_prefix(err, "model card '%s'", out->card->base.file);
    for (radz_evidence kind = 0; st == RADZ_OK && out->template_card == NULL && kind < RADZ_EVIDENCE_COUNT; kind++)
        if (radz_evidence_is_asked(kind))
            out->evidence &= ~(1u << kind);
    return st;
}

bool radz_plan_applies(const radz_plan_model *model, const radz_scorer *scorer)
{
    return (model->evidence & 1u << scorer->evidence) != 0 && (!scorer->needs_anchors || model->anchors != NULL);
}

/* A selection that scores nothing is a mistake; its error says what the models can be scored by. */
static radz_status need_a_pair(const radz_plan *plan, radz_error *err)
{
    for (size_t m = 0; m < plan->n_models; m++)
        for (size_t s = 0; s < plan->n_scorers; s++)
            if (radz_plan_applies(&plan->models[m], plan->scorers[s]))
                return RADZ_OK;
    if (plan->n_models == 0 || plan->n_scorers == 0)
        return RADZ_OK;
    const radz_plan_model *m = &plan->models[0];
    const radz_scorer *s = plan->scorers[0];
    char given[128] = "";
    for (size_t k = 0; k < RADZ_EVIDENCE_COUNT; k++)
        if ((m->evidence & 1u << k) != 0) {
            strcat(given, given[0] != '\0' ? ", " : "");
            strcat(given, radz_evidence_name((radz_evidence)k));
        }
    bool unasked = m->template_card == NULL && (m->evidence & 1u << RADZ_EVIDENCE_RADZ_FEATURE) != 0 &&
                   radz_evidence_is_asked(s->evidence);
    return radz_fail(err, RADZ_E_USAGE, "no scorer of the selection can score a model of it: '%s' reads %s%s, model '%s' (family %s) "
                     "gives %s%s", s->name, radz_evidence_name(s->evidence), s->needs_anchors ? " and anchors" : "",
                     m->card->base.name, m->card->family, given,
                     s->needs_anchors && m->anchors == NULL ? ", and neither its card nor the suite's names anchors"
                     : unasked                              ? "; its card names no template"
                                                            : "");
}

static radz_status require_datasets(const radz_plan *plan, const radz_strlist *require, radz_error *err)
{
    for (size_t i = 0; require != NULL && i < plan->n_datasets; i++) {
        const radz_plan_dataset *d = &plan->datasets[i];
        bool wanted = radz_strlist_has(require, d->card->base.name) || radz_strlist_has(require, "all");
        if (wanted && d->location.presence >= RADZ_DATASET_NOT_HERE)
            return radz_fail(err, RADZ_E_MISSING, "data set '%s' is required but not here: %s", d->card->base.name,
                             d->location.hint);
    }
    return RADZ_OK;
}

/* What only shows how far figures move. */
static radz_status find_others(const radz_home *home, radz_plan *plan, radz_error *err)
{
    const radz_suite_card *suite = plan->suite;
    plan->other_prompts = radz_calloc(suite->other_prompts_count, sizeof *plan->other_prompts, err);
    plan->other_anchors = radz_calloc(suite->other_anchors_count, sizeof *plan->other_anchors, err);
    radz_status st = plan->other_prompts == NULL || plan->other_anchors == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < suite->other_prompts_count; i++)
        st = radz_prompts_find_card(&home->places, suite->other_prompts[i], &plan->other_prompts[i], err);
    for (size_t i = 0; st == RADZ_OK && i < suite->other_anchors_count; i++)
        st = radz_anchors_find_card(&home->places, suite->other_anchors[i], &plan->other_anchors[i], err);
    for (size_t i = 0; st == RADZ_OK && i < suite->vary_questions_count; i++) {
        const radz_scorer *scorer;
        st = radz_scorer_find(suite->vary_questions[i], &scorer, err);
        if (st == RADZ_OK && !radz_evidence_is_asked(scorer->evidence))
            st = radz_fail(err, RADZ_E_USAGE, "scorer '%s' under 'vary_questions' asks nothing: it reads %s", scorer->name,
                           radz_evidence_name(scorer->evidence));
        if (st == RADZ_OK)
            plan->vary_questions |= 1u << scorer->evidence;
    }
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "suite '%s'", suite->base.name), st);
}

static radz_status resolve(const radz_home *home, const radz_plan_filter *filter, radz_plan *plan, radz_error *err)
{
    radz_suite_card *suite = plan->suite;
    radz_status st = check_datasets("data set of this suite", filter->datasets, suite->datasets, suite->datasets_count, err);
    if (st == RADZ_OK)
        st = check_names("model of this suite", filter->models, suite->models, suite->models_count, err);
    if (st == RADZ_OK)
        st = check_names("scorer of this suite", filter->scorers, suite->scorers, suite->scorers_count, err);
    radz_strlist all_or = {0};
    for (size_t i = 0; st == RADZ_OK && i < suite->datasets_count; i++)
        st = radz_strlist_add(&all_or, suite->datasets[i], err);
    if (st == RADZ_OK)
        st = radz_strlist_add(&all_or, "all", err);
    if (st == RADZ_OK)
        st = check_names("data set to require", filter->require, all_or.items, all_or.count, err);
    radz_strlist_free(&all_or);
    if (st != RADZ_OK)
        return st;

    size_t asked = filter->datasets != NULL ? filter->datasets->count : 0;
    plan->datasets = radz_calloc(suite->datasets_count * (asked + 1), sizeof *plan->datasets, err);
    plan->models = radz_calloc(suite->models_count, sizeof *plan->models, err);
    plan->scorers = radz_calloc(suite->scorers_count, sizeof *plan->scorers, err);
    if (plan->datasets == NULL || plan->models == NULL || plan->scorers == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < suite->datasets_count; i++) {
        /* what was asked for by name may be variants of it, several even */
        const char *listed = suite->datasets[i];
        for (size_t j = 0; j < asked || (asked == 0 && j == 0); j++) {
            if (asked > 0 && !is_of(filter->datasets->items[j], listed))
                continue;
            st = radz_plan_find_dataset(home, asked > 0 ? filter->datasets->items[j] : listed,
                                        &plan->datasets[plan->n_datasets], err);
            if (st != RADZ_OK)
                return radz_prefix(err, "suite '%s'", suite->base.name);
            plan->n_datasets++;
        }
    }
    for (size_t i = 0; i < suite->models_count; i++) {
        if (!passes(filter->models, suite->models[i]))
            continue;
        st = radz_plan_find_model(home, suite->models[i], suite, &plan->models[plan->n_models++], err);
        if (st != RADZ_OK)
            return radz_prefix(err, "suite '%s'", suite->base.name);
    }
    for (size_t i = 0; i < suite->scorers_count; i++) {
        const radz_scorer *scorer;
        st = radz_scorer_find(suite->scorers[i], &scorer, err);
        if (st != RADZ_OK)
            return radz_prefix(err, "suite '%s'", suite->base.name);
        if (passes(filter->scorers, suite->scorers[i]))
            plan->scorers[plan->n_scorers++] = scorer;
    }
    st = radz_protocols_load(home, filter->protocols, suite->protocol, &plan->protocols, err);
    if (st == RADZ_OK)
        st = find_others(home, plan, err);
    if (st == RADZ_OK)
        st = need_a_pair(plan, err);
    return st == RADZ_OK ? require_datasets(plan, filter->require, err) : st;
}

radz_status radz_plan_create(const radz_home *home, const char *suite, const radz_plan_filter *filter, radz_plan **out,
                             radz_error *err)
{
    *out = NULL;
    radz_plan *plan = radz_calloc(1, sizeof *plan, err);
    if (plan == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_suite_find_card(&home->places, suite, &plan->suite, err);
    if (st == RADZ_OK)
        st = resolve(home, filter, plan, err);
    if (st == RADZ_OK)
        *out = plan;
    else
        radz_plan_free(plan);
    return st;
}

void radz_plan_model_free(radz_plan_model *model)
{
    radz_model_card_free(model->card);
    radz_prompts_card_free(model->prompts);
    radz_template_card_free(model->template_card);
    radz_anchors_card_free(model->anchors);
    free(model->folder);
    free(model->hint);
    *model = (radz_plan_model){0};
}

void radz_plan_free(radz_plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->n_datasets; i++)
        radz_plan_dataset_free(&plan->datasets[i]);
    for (size_t i = 0; i < plan->n_models; i++)
        radz_plan_model_free(&plan->models[i]);
    free(plan->datasets);
    free(plan->models);
    free(plan->scorers);
    for (size_t i = 0; plan->other_prompts != NULL && i < plan->suite->other_prompts_count; i++)
        radz_prompts_card_free(plan->other_prompts[i]);
    for (size_t i = 0; plan->other_anchors != NULL && i < plan->suite->other_anchors_count; i++)
        radz_anchors_card_free(plan->other_anchors[i]);
    free(plan->other_prompts);
    free(plan->other_anchors);
    radz_protocols_free(&plan->protocols);
    radz_suite_card_free(plan->suite);
    free(plan);
}
