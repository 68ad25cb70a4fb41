#include "run/train_validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum { ENCODE_BATCH = 32 };

radz_status radz_train_validation_open(const radz_train_job *job, const radz_recipe *steps, size_t side, radz_train_validation *out,
                                       radz_error *err)
{
    *out = (radz_train_validation){.job = job, .side = side, .auc = NAN};
    if (radz_recipe_height(steps) != side || radz_recipe_width(steps) != side)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': validation: the preprocessing makes pictures of %zu x %zu pixels, the model wants "
                         "%zu x %zu", job->recipe->base.name, radz_recipe_width(steps), radz_recipe_height(steps), side, side);
    return radz_feed_preprocess(job->val, steps, job->options->threads, &out->pixels, err);
}

radz_feed_source radz_train_validation_source(const radz_train_validation *v)
{
    return (radz_feed_source){.dataset = v->job->val, .batch = radz_train_job_validation_batch(v->job), .pixels = v->pixels};
}

static const radz_class_group *group_of(const radz_train_validation *v)
{
    const char *name = v->job->recipe->validation->group;
    return name != NULL ? radz_dataset_card_group(v->job->data.card, name) : NULL;
}

static radz_status make_prompts(radz_train_validation *v, radz_error *err)
{
    const radz_recipe_validation *recipe = v->job->recipe->validation;
    const radz_home *home = v->job->home;
    radz_prompts_card *card = NULL;
    radz_terms_card *terms = NULL;
    radz_status st;
    if ((st = radz_prompts_find_card(&home->places, recipe->prompts, &card, err)) == RADZ_OK &&
        (st = radz_terms_find_card(&home->places, RADZ_TERMS_DEFAULT, &terms, err)) == RADZ_OK)
        st = radz_prompt_texts_make(card, terms, v->job->val->classes, v->job->val->n_classes, &v->prompts, err);
    radz_prompts_card_free(card);
    radz_terms_card_free(terms);
    return st;
}

radz_status radz_train_validation_ask(radz_train_validation *v, const char *scorer, size_t dim, const radz_text_reader *reader,
                                      radz_error *err)
{
    const radz_recipe_card *recipe = v->job->recipe;
    radz_status st;
    if (recipe->validation->prompts == NULL)
        return RADZ_OK;
    if (recipe->validation->group != NULL && group_of(v) == NULL)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': validation.group: data set '%s' has no group of classes '%s'", recipe->base.name,
                         v->job->data.card->base.name, recipe->validation->group);
    if ((st = radz_scorer_find(scorer, &v->scorer, err)) != RADZ_OK || (st = radz_metric_work_create(&v->work, err)) != RADZ_OK ||
        (st = make_prompts(v, err)) != RADZ_OK)
        return st;
    size_t n = v->prompts.n, tokens = v->tokens = reader->tokens;
    v->dim = dim;
    v->found = radz_calloc(v->job->val->n_classes, sizeof *v->found, err);
    v->ids = radz_calloc(n, tokens * sizeof *v->ids, err);
    v->roles = radz_calloc(n, tokens, err);
    v->prompts.embeddings = radz_calloc(n, dim * sizeof *v->prompts.embeddings, err);
    if (v->found == NULL || v->ids == NULL || v->roles == NULL || v->prompts.embeddings == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        st = reader->read(reader->context, v->prompts.texts[i], v->ids + i * tokens, v->roles + i * tokens, err);
    return st;
}

/* ---- measuring ---- */

static radz_status encode(const radz_train_validation *v, const radz_train_encoder *encoder, float *pictures, radz_error *err)
{
    size_t images = v->job->val->n, texts = v->prompts.n, dim = v->dim, size = 3 * v->side * v->side;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < texts && st == RADZ_OK; i += ENCODE_BATCH) {
        size_t n = texts - i < ENCODE_BATCH ? texts - i : ENCODE_BATCH;
        st = encoder->texts(encoder->model, v->ids + i * v->tokens, v->roles + i * v->tokens, (int64_t)n, (int64_t)v->tokens,
                            v->prompts.embeddings + i * dim, err);
    }
    for (size_t i = 0; i < images && st == RADZ_OK; i += ENCODE_BATCH) {
        size_t n = images - i < ENCODE_BATCH ? images - i : ENCODE_BATCH;
        st = encoder->images(encoder->model, v->pixels + i * size, (int64_t)n, pictures + i * dim, err);
        if (st == RADZ_OK && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    return st;
}

static radz_status measure(void *context, int64_t step, const radz_train_encoder *encoder, double *auc, radz_error *err)
{
    radz_train_validation *v = context;
    const radz_dataset *val = v->job->val;
    size_t n = val->n, classes = val->n_classes;
    radz_mean_metrics mean;
    float *embeddings = radz_calloc(n, v->dim * sizeof *embeddings, err);
    double *scores = radz_calloc(n, classes * sizeof *scores, err);
    uint8_t *members = radz_calloc(classes, 1, err);
    radz_score_state *state = NULL;
    radz_status st = embeddings == NULL || scores == NULL || members == NULL ? RADZ_E_NOMEM : encode(v, encoder, embeddings, err);
    if (st != RADZ_OK)
        goto done;
    const radz_score_texts texts = {.rows = v->prompts.n, .dim = v->dim, .classes = classes, .embeddings = v->prompts.embeddings,
                                    .class_of = v->prompts.class_of, .polarity_of = v->prompts.polarity_of,
                                    .template_of = v->prompts.template_of, .class_names = val->classes};
    if ((st = v->scorer->prepare(&texts, NULL, &state, err)))
        goto done;
    const radz_score_block block = {.rows = n, .dim = v->dim, .embeddings = embeddings};
    if ((st = v->scorer->score(state, &block, scores, err)))
        goto done;
    const radz_metric_input input = {.rows = n, .classes = classes, .scores = scores, .labels = val->labels, .class_names = val->classes};
    if ((st = radz_metric_classes(&input, NULL, v->work, v->found, err)))
        goto done;
    (void)radz_class_group_members(group_of(v), val->classes, classes, members);
    radz_metric_mean(v->found, classes, members, &mean);
    *auc = v->auc = mean.metrics.value[RADZ_METRIC_AUC];
    if (step == v->job->recipe->training->steps) {
        radz_info("AUC on split '%s' (%zu images), macro over %zu classes: %.4f", val->split, n, mean.defined[RADZ_METRIC_AUC], *auc);
        for (size_t c = 0; c < classes; c++)
            radz_info("  %-20s %.4f", val->classes[c], v->found[c].metrics.value[RADZ_METRIC_AUC]);
    }
done:
    if (state != NULL)
        v->scorer->free(state);
    free(embeddings);
    free(scores);
    free(members);
    return st;
}

radz_train_measure radz_train_validation_measure(const radz_train_validation *v)
{
    return v->scorer != NULL ? measure : NULL;
}

void radz_train_validation_put(const radz_train_validation *v, radz_json_writer *w)
{
    if (v->scorer == NULL || !isfinite(v->auc))
        return;
    const radz_dataset *val = v->job->val;
    radz_json_object_begin(w, "validation");
    radz_json_put_string(w, "split", val->split);
    radz_json_put_i64(w, "images", (int64_t)val->n);
    radz_json_put_string(w, "scorer", v->scorer->name);
    radz_json_put_string(w, "prompts", v->job->recipe->validation->prompts);
    radz_json_put_string(w, "prompts_sha256", v->prompts.list.sha256);
    radz_json_put_double(w, "macro_auc", v->auc);
    radz_json_object_begin(w, "auc");
    for (size_t c = 0; c < val->n_classes; c++)
        radz_json_put_double(w, val->classes[c], v->found[c].metrics.value[RADZ_METRIC_AUC]);
    radz_json_object_end(w);
    radz_json_object_end(w);
}

void radz_train_validation_free(radz_train_validation *v)
{
    radz_metric_work_free(v->work);
    radz_prompt_texts_free(&v->prompts);
    free(v->pixels);
    free(v->ids);
    free(v->roles);
    free(v->found);
    *v = (radz_train_validation){0};
}
