#include "run/train_job.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "metric/metric.h"
#include "run/prompt_texts.h"
#include "run/train_feed.h"
#include "score/scorer.h"
#include "text/bpe_train.h"

#define SCORER "clip-posneg" /* measures the validation split during the training */
enum { ENCODE_BATCH = 32 };

typedef struct clip_job {
    radz_train_job *job;
    float *val_planes;     /* [val->n, image_size, image_size] */
    radz_feed *feed;
    radz_prompt_texts prompts;
    int32_t *prompt_ids;   /* [prompts.n, context] */
    const radz_scorer *scorer;
    radz_metric_work *work;
    radz_class_metrics *found; /* [val->n_classes], of the last validation */
    double validation;
} clip_job;

/* ---- the folder of the model ---- */

/* What Hugging Face's CLIPImageProcessor does with these values is what the model is to see. */
static radz_status write_preprocessor(const clip_job *j, const char *path, radz_error *err)
{
    radz_out out = {0};
    radz_status st = radz_out_open(path, &out, err);
    if (st != RADZ_OK)
        return st;
    int64_t size = j->job->recipe->model->image_size;
    const struct {
        const char *key;
        double value;
    } lists[] = {{"image_mean", j->job->recipe->images->mean}, {"image_std", j->job->recipe->images->deviation}};
    radz_json_writer w;
    radz_json_writer_init(&w, out.stream);
    radz_json_object_begin(&w, NULL);
    radz_json_object_begin(&w, "crop_size");
    radz_json_put_i64(&w, "height", size);
    radz_json_put_i64(&w, "width", size);
    radz_json_object_end(&w);
    radz_json_put_bool(&w, "do_center_crop", true);
    radz_json_put_bool(&w, "do_convert_rgb", true);
    radz_json_put_bool(&w, "do_normalize", true);
    radz_json_put_bool(&w, "do_rescale", true);
    radz_json_put_bool(&w, "do_resize", true);
    for (size_t i = 0; i < 2; i++) {
        radz_json_array_begin_inline(&w, lists[i].key);
        for (int c = 0; c < 3; c++)
            radz_json_put_double(&w, NULL, lists[i].value);
        radz_json_array_end(&w);
    }
    radz_json_put_string(&w, "image_processor_type", "CLIPImageProcessor");
    radz_json_put_i64(&w, "resample", 3); /* bicubic */
    radz_json_put_double(&w, "rescale_factor", 1 / 255.0);
    radz_json_object_begin(&w, "size");
    radz_json_put_i64(&w, "shortest_edge", size);
    radz_json_object_end(&w);
    radz_json_object_end(&w);
    fputc('\n', out.stream);
    st = radz_out_commit(&out, err);
    radz_out_abandon(&out);
    return st;
}

static radz_status make_tokenizer(clip_job *j, radz_error *err)
{
    const radz_recipe_tokenizer *wanted = j->job->recipe->tokenizer;
    const char **texts = radz_calloc(j->job->train->n, sizeof *texts, err);
    if (texts == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < j->job->train->n; i++)
        texts[i] = j->job->train->samples[i].report != NULL ? j->job->train->samples[i].report : "";
    const radz_bpe_train_options options = {.vocab_size = wanted->vocabulary, .context = wanted->context};
    radz_bpe_train_report report = {0};
    radz_status st = radz_bpe_train(texts, j->job->train->n, &options, j->job->output, &report, err);
    free(texts);
    if (st == RADZ_OK)
        st = radz_tokenizer_load(j->job->output, &j->job->tokenizer, err);
    if (st == RADZ_OK)
        radz_info("tokenizer: %zu tokens, %zu merges from %zu words (%zu different)", report.vocab_size, report.merges,
                  report.words, report.distinct_words);
    return st;
}

/* ---- validation ---- */

static radz_status encode_prompts(const clip_job *j, const radz_train_encoder *encoder, radz_error *err)
{
    int64_t context = j->job->recipe->tokenizer->context;
    size_t dim = j->job->recipe->model->projection;
    for (size_t i = 0; i < j->prompts.n; i += ENCODE_BATCH) {
        size_t n = j->prompts.n - i < ENCODE_BATCH ? j->prompts.n - i : ENCODE_BATCH;
        radz_status st = encoder->texts(encoder->model, j->prompt_ids + i * (size_t)context, (int64_t)n, context,
                                        j->prompts.embeddings + i * dim, err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

static radz_status encode_pictures(const clip_job *j, const radz_train_encoder *encoder, float *embeddings, radz_error *err)
{
    size_t size = j->job->recipe->model->image_size, area = size * size, dim = j->job->recipe->model->projection;
    float *pixels = radz_calloc(ENCODE_BATCH * 3, area * sizeof *pixels, err);
    radz_status st = pixels == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; i < j->job->val->n && st == RADZ_OK; i += ENCODE_BATCH) {
        size_t n = j->job->val->n - i < ENCODE_BATCH ? j->job->val->n - i : ENCODE_BATCH;
        for (size_t k = 0; k < 3 * n; k++)
            memcpy(pixels + k * area, j->val_planes + (i + k / 3) * area, area * sizeof *pixels);
        st = encoder->images(encoder->model, pixels, (int64_t)n, embeddings + i * dim, err);
        if (st == RADZ_OK && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    free(pixels);
    return st;
}

/* Macro AUC over the classes of the recipe's group (all when it names none). */
static double mean_auc(const clip_job *j, size_t *defined)
{
    const char *name = j->job->recipe->validation->group;
    const radz_class_group *group = NULL;
    for (size_t g = 0; name != NULL && g < j->job->data.card->groups_count; g++)
        if (strcmp(j->job->data.card->groups[g].name, name) == 0)
            group = &j->job->data.card->groups[g];
    double sum = 0;
    *defined = 0;
    for (size_t c = 0; c < j->job->val->n_classes; c++) {
        bool member = group == NULL;
        for (size_t k = 0; group != NULL && k < group->classes_count; k++)
            member = member || strcmp(group->classes[k], j->job->val->classes[c]) == 0;
        if (!member || j->found[c].metrics.status[RADZ_METRIC_AUC] != RADZ_METRIC_OK)
            continue;
        sum += j->found[c].metrics.value[RADZ_METRIC_AUC];
        ++*defined;
    }
    return *defined > 0 ? sum / (double)*defined : NAN;
}

static radz_status validate(void *context, int64_t step, const radz_train_encoder *encoder, double *value,
                            radz_error *err)
{
    clip_job *j = context;
    size_t n = j->job->val->n, classes = j->job->val->n_classes, dim = j->job->recipe->model->projection, defined = 0;
    float *embeddings = radz_calloc(n, dim * sizeof *embeddings, err);
    double *scores = radz_calloc(n, classes * sizeof *scores, err);
    radz_score_state *state = NULL;
    radz_status st = embeddings == NULL || scores == NULL ? RADZ_E_NOMEM : encode_prompts(j, encoder, err);
    if (st == RADZ_OK)
        st = encode_pictures(j, encoder, embeddings, err);
    if (st != RADZ_OK)
        goto done;
    const radz_score_texts texts = {.rows = j->prompts.n, .dim = dim, .classes = classes,
                                    .embeddings = j->prompts.embeddings, .class_of = j->prompts.class_of,
                                    .polarity_of = j->prompts.polarity_of, .template_of = j->prompts.template_of,
                                    .class_names = j->job->val->classes};
    if ((st = j->scorer->prepare(&texts, NULL, &state, err)))
        goto done;
    const radz_score_block block = {.rows = n, .dim = dim, .embeddings = embeddings};
    if ((st = j->scorer->score(state, &block, scores, err)))
        goto done;
    const radz_metric_input input = {.rows = n, .classes = classes, .scores = scores, .labels = j->job->val->labels,
                                     .class_names = j->job->val->classes};
    if ((st = radz_metric_classes(&input, NULL, j->work, j->found, err)))
        goto done;
    *value = j->validation = mean_auc(j, &defined);
    if (step == j->job->recipe->training->steps) {
        radz_info("AUC on split '%s' (%zu images), macro over %zu classes: %.4f", j->job->val->split, n, defined, *value);
        for (size_t c = 0; c < classes; c++)
            radz_info("  %-20s %.4f", j->job->val->classes[c], j->found[c].metrics.value[RADZ_METRIC_AUC]);
    }
done:
    if (state != NULL)
        j->scorer->free(state);
    free(embeddings);
    free(scores);
    return st;
}

static radz_status prepare_validation(clip_job *j, radz_error *err)
{
    const radz_recipe_validation *v = j->job->recipe->validation;
    radz_prompts_card *card = NULL;
    radz_terms_card *terms = NULL;
    radz_recipe *steps = NULL;
    size_t context = j->job->recipe->tokenizer->context, count = 0;
    char *path = NULL, *file = NULL;
    radz_status st = RADZ_E_USAGE;
    bool known = v->group == NULL;
    for (size_t g = 0; g < j->job->data.card->groups_count; g++)
        known = known || strcmp(j->job->data.card->groups[g].name, v->group) == 0;
    if (!known) {
        st = radz_fail(err, RADZ_E_VALUE, "recipe '%s': data set '%s' has no group of classes '%s'", j->job->recipe->base.name,
                       j->job->data.card->base.name, v->group);
        goto done;
    }
    if ((st = radz_scorer_find(SCORER, &j->scorer, err)) || (st = radz_metric_work_create(&j->work, err)) ||
        (st = radz_card_find(&j->job->home->places, RADZ_CARD_PROMPTS, v->prompts, &path, err)) ||
        (st = radz_prompts_card_load(path, &card, err)) ||
        (st = radz_terms_find_card(&j->job->home->places, RADZ_TERMS_DEFAULT, &terms, err)) ||
        (st = radz_prompt_texts_make(card, terms, j->job->val->classes, j->job->val->n_classes, &j->prompts, err)))
        goto done;
    st = RADZ_E_NOMEM;
    j->found = radz_calloc(j->job->val->n_classes, sizeof *j->found, err);
    j->prompt_ids = radz_calloc(j->prompts.n, context * sizeof *j->prompt_ids, err);
    j->prompts.embeddings = radz_calloc(j->prompts.n, j->job->recipe->model->projection * sizeof(float), err);
    file = radz_path_join(j->job->output, "preprocessor_config.json", err);
    if (j->found == NULL || j->prompt_ids == NULL || j->prompts.embeddings == NULL || file == NULL)
        goto done;
    for (size_t i = 0; i < j->prompts.n; i++)
        if ((st = radz_tokenizer_encode(j->job->tokenizer, j->prompts.texts[i], context, j->prompt_ids + i * context, &count,
                                        err)))
            goto done;
    st = radz_recipe_load_hf(file, &steps, err);
    if (st == RADZ_OK)
        st = radz_feed_preprocess(j->job->val, steps, j->job->options->threads, &j->val_planes, err);
done:
    radz_prompts_card_free(card);
    radz_terms_card_free(terms);
    radz_recipe_free(steps);
    free(path);
    free(file);
    return st;
}

/* ---- the training ---- */

static radz_tower_shape tower(const radz_recipe_tower *t)
{
    return (radz_tower_shape){.width = t->width, .mlp = t->mlp, .layers = t->layers, .heads = t->heads};
}

static radz_status run_training(clip_job *j, radz_error *err)
{
    const radz_recipe_card *recipe = j->job->recipe;
    const radz_recipe_model *m = recipe->model;
    const radz_tokenizer_info *tokens = radz_tokenizer_info_of(j->job->tokenizer);
    const radz_train_clip_options options = {
        .how = radz_train_job_options(j->job),
        .shape = {.vision = tower(&m->vision), .text = tower(&m->text), .image_size = m->image_size, .patch = m->patch,
                  .vocabulary = (int64_t)tokens->vocab_size, .context = recipe->tokenizer->context,
                  .start_id = tokens->bos_id, .end_id = tokens->eos_id, .projection = m->projection,
                  .activation = radz_activation_name(m->activation), .log_scale = m->log_scale},
        .texts_per_image = recipe->texts->per_image};
    /* validation is the job's, batches are the feed's */
    radz_train_source source = {.context = j->feed, .batch = radz_feed_batch,
                                .validate = j->job->val != NULL ? validate : NULL, .validate_context = j};
    return j->job->door->train_clip(&options, &source, err);
}

static void put_validation(void *context, radz_json_writer *w)
{
    const clip_job *j = context;
    if (j->job->val != NULL && j->found != NULL && isfinite(j->validation)) {
        radz_json_object_begin(w, "validation");
        radz_json_put_string(w, "split", j->job->val->split);
        radz_json_put_i64(w, "images", (int64_t)j->job->val->n);
        radz_json_put_string(w, "scorer", SCORER);
        radz_json_put_string(w, "prompts", j->job->recipe->validation->prompts);
        radz_json_put_string(w, "prompts_sha256", j->prompts.list.sha256);
        radz_json_put_double(w, "macro_auc", j->validation);
        radz_json_object_begin(w, "auc");
        for (size_t c = 0; c < j->job->val->n_classes; c++)
            radz_json_put_double(w, j->job->val->classes[c], j->found[c].metrics.value[RADZ_METRIC_AUC]);
        radz_json_object_end(w);
        radz_json_object_end(w);
    }
}

radz_status radz_train_clip_recipe(radz_train_job *job, radz_error *err)
{
    clip_job j = {.job = job, .validation = NAN};
    double begun = radz_clock_seconds();
    char *file = radz_path_join(job->output, "preprocessor_config.json", err);
    radz_status st;
    if (file == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    if ((st = radz_train_job_load(job, err)) || (st = make_tokenizer(&j, err)) || (st = write_preprocessor(&j, file, err)) ||
        (st = radz_train_job_identify(job, NULL, err)) || (job->val != NULL && (st = prepare_validation(&j, err))) ||
        (st = radz_feed_create(job->recipe, job->train, job->planes, job->tokenizer, job->options->threads, &j.feed, err)))
        goto done;
    radz_info("training '%s' on %zu images of %s/%s: %" PRIu32 " steps of %" PRIu32 "; checkpoints and log in '%s'",
              job->recipe->base.name, job->train->n, job->train->name, job->train->split, job->recipe->training->steps,
              job->recipe->training->batch * job->recipe->training->accumulate, job->folder);
    st = run_training(&j, err);
    if (st == RADZ_OK && job->options->steps == 0)
        st = radz_train_job_summarise(job, radz_clock_seconds() - begun, put_validation, &j, err);
done:
    free(file);
    radz_feed_free(j.feed);
    radz_metric_work_free(j.work);
    radz_prompt_texts_free(&j.prompts);
    free(j.val_planes);
    free(j.prompt_ids);
    free(j.found);
    return st;
}
