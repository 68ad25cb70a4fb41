/* Phase two: scores and figures, from the cache alone. */
#include "run/execute_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/score_images.h"
#include "run/sensitivity.h"
#include "run/subgroups.h"

static radz_status note_cost(execution *e, const radz_evidence_set *evidence, const char *scorer, radz_error *err)
{
    size_t computed = evidence->computed;
    radz_result_cost cost = {
        .dataset = evidence->dataset->name,
        .model = evidence->session->o.card->base.name,
        .scorer = scorer,
        .images = computed,
        .seconds_per_image = computed > 0 ? evidence->seconds / (double)computed : NAN,
        .tokens_per_image = computed > 0 ? (double)evidence->tokens / (double)computed : NAN,
        .peak_memory = evidence->peak_memory,
    };
    return radz_results_add_cost(e->results, &cost, err);
}

/* What is known of an evaluation before any figure is made. */
static radz_result_block block_of(const execution *e, size_t dataset, const loaded_model *m, radz_evidence kind,
                                  const char *scorer)
{
    const loaded_dataset *d = &e->datasets[dataset];
    const radz_session *s = &m->session;
    const radz_evidence_set *evidence = execution_evidence(m, dataset, kind);
    bool asked = radz_evidence_is_asked(kind), features = kind == RADZ_EVIDENCE_RADZ_FEATURE;
    return (radz_result_block){
        .dataset = d->data->name,
        .dataset_title = d->planned->card->base.title,
        .split = d->data->split,
        .model = m->planned->card->base.name,
        .model_title = m->planned->card->base.title,
        .scorer = scorer,
        .prompts = d->planned->card->columns->question != NULL ? "the data set's own questions" : m->planned->prompts->base.name,
        .synthetic = d->planned->card->synthetic,
        .subset = d->data->subset,
        .n_missing = d->data->n_missing,
        .n_skipped = evidence->images.n_skips,
        .level = d->data->level == RADZ_LEVEL_STUDY ? "study" : d->planned->card->columns->question != NULL ? "question" : "image",
        .aggregate = d->data->level == RADZ_LEVEL_STUDY ? radz_aggregate_name(d->data->aggregate) : NULL,
        .n_before_limit = d->data->subset ? d->data->n_before_limit : 0,
        .n_classes = d->data->n_classes < d->data->n_card_classes ? d->data->n_classes : 0,
        .n_card_classes = d->data->n_classes < d->data->n_card_classes ? d->data->n_card_classes : 0,
        .split_fingerprint = d->data->split_fingerprint,
        .weights_sha256 = s->weights,
        .prompts_sha256 = radz_evidence_prompts_sha256(evidence),
        .recipe = s->facts->recipe_text,
        .dtype = s->facts->dtype,
        .device = s->facts->device_class,
        .trained_on = m->planned->card->trained_on,
        .prompts_wording = d->planned->card->columns->question != NULL ? NULL : m->planned->prompts->notes,
        .template_name = asked ? s->facts->template_name : NULL,
        .reading = features ? s->facts->reading_text : NULL,
        .temperature = features ? s->facts->temperature : 0,
    };
}

static radz_status evaluate_scorer(execution *e, size_t dataset, loaded_model *m, const radz_scorer *scorer, radz_error *err)
{
    const loaded_dataset *d = &e->datasets[dataset];
    const radz_evidence_set *evidence = execution_evidence(m, dataset, scorer->evidence);
    const char *model_name = m->planned->card->base.name;
    size_t val = e->plan->n_datasets + dataset;
    bool validated = execution_has_images(&e->datasets[val]);
    radz_scoring scoring = {.evidence = evidence, .run_dir = e->run_dir};
    radz_scored_images scored, validation = {0};
    radz_subgroup_columns subgroups = {0};
    radz_status st = radz_score_images(&scoring, scorer->name, &scored, err);
    if (st == RADZ_OK && validated) {
        radz_scoring of_validation = {.evidence = execution_evidence(m, val, scorer->evidence)};
        st = radz_score_images(&of_validation, scorer->name, &validation, err);
    }
    if (st == RADZ_OK)
        st = radz_subgroups_of_dataset(d->data, scored.sample_of, scored.set.n, &subgroups, err);
    for (size_t i = 0; st == RADZ_OK && e->options->groups != NULL && i < e->options->groups->count; i++)
        st = radz_subgroups_of_file(e->options->groups->items[i], NULL, NULL, scored.set.names, scored.set.n, &subgroups, err);
    radz_evaluation evaluation = {
        .test = &scored.set,
        .validation = validated ? &validation.set : NULL,
        .validation_split = validated ? e->datasets[val].data->split : NULL,
        .probabilities = st == RADZ_OK && scored.probabilities,
        .details = true,
        .subgroupings = subgroups.columns,
        .subgroupings_count = subgroups.count,
        .groups = d->planned->card->groups,
        .groups_count = d->planned->card->groups_count,
        .replicates = e->plan->suite->replicates,
        .confidence = e->plan->suite->confidence,
        .seed = e->seed,
        .threads = e->options->threads,
        .block = block_of(e, dataset, m, scorer->evidence, scorer->name),
        .run_dir = e->run_dir,
        .pictures = e->options->thumbnails == RADZ_THUMBNAILS_ALL ||
                    (e->options->thumbnails == RADZ_THUMBNAILS_PUBLIC && d->planned->card->is_public),
    };
    if (scorer->needs_anchors) {
        evaluation.block.anchors = m->session.o.anchors->base.name;
        if (!scorer->described)
            evaluation.block.anchor_form = radz_anchor_form_name(m->session.o.card->anchor_form);
        evaluation.block.anchors_sha256 = evidence->anchors_sha256;
        evaluation.block.anchors_wording = m->session.o.anchors->notes;
    }
    if (scorer->described)
        evaluation.block.prompts = evaluation.block.prompts_sha256 = evaluation.block.prompts_wording = NULL;
    if (scorer->hard) {
        evaluation.block.hard = true;
        evaluation.block.n_answers = scored.answers;
        evaluation.block.n_unknown = scored.unknown;
        evaluation.block.n_judged = scored.judged;
        evaluation.block.n_right = scored.right;
    }
    for (size_t p = 0; st == RADZ_OK && p < e->plan->protocols.count; p++) {
        evaluation.protocol = e->plan->protocols.cards[p];
        st = radz_evaluate(&evaluation, e->results, err);
        if (st == RADZ_OK && p == 0)
            st = radz_sensitivity_add(&scoring, scorer->name, &scored, e->results, err);
    }
    if (st == RADZ_OK && e->run_dir != NULL)
        st = radz_scores_write(e->run_dir, d->data->name, model_name, scorer->name, scored.set.names, scored.set.n,
                               scored.set.classes, scored.set.n_classes, scored.set.scores, err);
    if (st == RADZ_OK)
        st = note_cost(e, evidence, scorer->name, err);
    radz_subgroup_columns_free(&subgroups);
    radz_scored_images_free(&scored);
    radz_scored_images_free(&validation);
    return st == RADZ_OK ? RADZ_OK
                         : (radz_prefix(err, "data set '%s', model '%s', scorer '%s'", d->data->name, model_name, scorer->name), st);
}

/* Few-shot rows: trained on the second split. */
static radz_status evaluate_probe(execution *e, size_t dataset, loaded_model *m, radz_error *err)
{
    size_t sets[2] = {e->plan->n_datasets + dataset, dataset};
    radz_scored_images images[2] = {{.names = NULL}, {.names = NULL}};
    float *features[2] = {NULL, NULL};
    radz_probe_set probe[2];
    radz_status st = RADZ_OK;
    for (int i = 0; st == RADZ_OK && i < 2; i++) {
        radz_scoring scoring = {.evidence = execution_evidence(m, sets[i], execution_vectors_of(m->planned))};
        st = radz_gather_images(&scoring, &images[i], err);
        if (st == RADZ_OK)
            st = radz_gather_features(&scoring, &images[i], &features[i], err);
        probe[i] = (radz_probe_set){images[i].set, features[i]};
    }
    if (st == RADZ_OK) {
        radz_result_block block = block_of(e, dataset, m, execution_vectors_of(m->planned), "linear-probe");
        block.level = "image"; /* the probe learns and scores images, whatever the card's level */
        block.aggregate = NULL;
        st = radz_probe_evaluate(&probe[0], &probe[1], m->session.facts->dim, e->options->probe, e->seed,
                                 e->options->threads, e->plan->suite->confidence, &block, "few-shot", e->results, err);
    }
    for (int i = 0; i < 2; i++) {
        radz_scored_images_free(&images[i]);
        free(features[i]);
    }
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "data set '%s', model '%s'", e->datasets[dataset].data->name,
                                                  m->planned->card->base.name), st);
}

static radz_status evaluate_model(execution *e, size_t dataset, loaded_model *m, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t s = 0; st == RADZ_OK && s < e->plan->n_scorers; s++)
        if (execution_applies(e->datasets[dataset].planned->card, m->planned, e->plan->scorers[s]))
            st = evaluate_scorer(e, dataset, m, e->plan->scorers[s], err);
    return st;
}

/* What each class is called in the table of terms, so that data sets can be put side by side. */
static radz_status add_terms(execution *e, const radz_dataset *data, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t c = 0; c < data->n_classes && st == RADZ_OK; c++) {
        const radz_term *term = radz_term_find(e->terms, data->classes[c]);
        if (term != NULL)
            st = radz_results_add_term(e->results, &(radz_result_term){data->name, data->classes[c], term->name}, err);
    }
    return st;
}

/* A row for each thing that is scored: an image, or a study with the labels of its images merged. */
static radz_status write_labels(const execution *e, const loaded_dataset *d, radz_error *err)
{
    const radz_dataset *data = d->data;
    size_t classes = data->n_classes;
    uint32_t *patients = radz_calloc(data->n_units, sizeof *patients, err);
    const char **names = radz_calloc(data->n_units, sizeof *names, err);
    int8_t *labels = radz_calloc(data->n_units * classes, sizeof *labels, err);
    radz_status st = patients == NULL || names == NULL || labels == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < data->n; i++) {
        uint32_t unit = data->samples[i].unit;
        int8_t *to = labels + unit * classes;
        for (size_t k = 0; k < classes; k++)
            to[k] = names[unit] == NULL ? data->labels[i * classes + k] : radz_label_merge(to[k], data->labels[i * classes + k]);
        if (names[unit] == NULL) {
            names[unit] = radz_sample_unit_name(data, i);
            patients[unit] = data->samples[i].patient;
        }
    }
    if (st == RADZ_OK)
        st = radz_labels_write(e->run_dir, data->name, names, patients, data->n_units, data->classes, classes, labels, err);
    free(patients);
    free(names);
    free(labels);
    return st;
}

radz_status execution_score(execution *e, radz_error *err)
{
    size_t evaluated = 0;
    radz_status st = RADZ_OK;
    for (size_t d = 0; st == RADZ_OK && d < e->plan->n_datasets; d++) {
        if (!execution_has_images(&e->datasets[d]))
            continue;
        st = radz_evaluate_groups(e->datasets[d].data->name, e->datasets[d].planned->card->groups,
                                  e->datasets[d].planned->card->groups_count, e->datasets[d].data->classes,
                                  e->datasets[d].data->n_classes, e->results, err);
        if (st == RADZ_OK)
            st = add_terms(e, e->datasets[d].data, err);
        if (st == RADZ_OK && e->run_dir != NULL)
            st = write_labels(e, &e->datasets[d], err);
        for (size_t m = 0; st == RADZ_OK && m < e->plan->n_models; m++) {
            if (!e->models[m].here)
                continue;
            if (e->options->probe != NULL && !execution_has_images(&e->datasets[e->plan->n_datasets + d]))
                continue;
            st = e->options->probe != NULL ? evaluate_probe(e, d, &e->models[m], err)
                                           : evaluate_model(e, d, &e->models[m], err);
            evaluated++;
        }
    }
    if (st == RADZ_OK && evaluated == 0)
        st = radz_fail(err, RADZ_E_MISSING, "nothing to evaluate: no data set of the selection%s and no model for it is here",
                       e->options->probe != NULL ? " with a training split" : "");
    return st;
}
