#include "run/train_job.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/train_validation.h"
#include "text/bpe_train.h"

#define SCORER "clip-posneg" /* measures the validation split during the training */

typedef struct clip_job {
    radz_train_job *job;
    radz_feed *feed, *validation_feed; /* the second NULL without validation */
    radz_train_validation validation;
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

static radz_status read_text(void *context, const char *text, int32_t *ids, uint8_t *roles, radz_error *err)
{
    (void)roles;
    const clip_job *j = context;
    size_t count = 0;
    return radz_tokenizer_encode(j->job->tokenizer, text, j->job->recipe->tokenizer->context, ids, &count, err);
}

static radz_status prepare_validation(clip_job *j, const char *preprocessor, radz_error *err)
{
    const radz_recipe_card *recipe = j->job->recipe;
    radz_recipe *steps = NULL;
    radz_status st = radz_recipe_load_hf(preprocessor, &steps, err);
    if (st == RADZ_OK)
        st = radz_train_validation_open(j->job, steps, recipe->model->image_size, &j->validation, err);
    radz_recipe_free(steps);
    if (st != RADZ_OK)
        return st;
    const radz_feed_source source = radz_train_validation_source(&j->validation);
    const radz_text_reader reader = {.tokens = recipe->tokenizer->context, .context = j, .read = read_text};
    st = radz_feed_create(recipe, &source, j->job->tokenizer, j->job->options->threads, &j->validation_feed, err);
    return st == RADZ_OK ? radz_train_validation_ask(&j->validation, SCORER, recipe->model->projection, &reader, err) : st;
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
    const radz_train_source source = {.context = j->feed, .batch = radz_feed_batch, .validation = j->validation_feed,
                                      .measure = radz_train_validation_measure(&j->validation), .measure_context = &j->validation};
    return j->job->door->train_clip(&options, &source, err);
}

static void put_validation(void *context, radz_json_writer *w)
{
    const clip_job *j = context;
    radz_train_validation_put(&j->validation, w);
}

radz_status radz_train_clip_recipe(radz_train_job *job, radz_error *err)
{
    clip_job j = {.job = job};
    double begun = radz_clock_seconds();
    char *file = radz_path_join(job->output, "preprocessor_config.json", err);
    radz_status st;
    if (file == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    if ((st = radz_train_job_load(job, err)) || (st = make_tokenizer(&j, err)) || (st = write_preprocessor(&j, file, err)) ||
        (st = radz_train_job_identify(job, NULL, err)) || (job->val != NULL && (st = prepare_validation(&j, file, err))))
        goto done;
    const radz_feed_source source = radz_train_job_source(job);
    if ((st = radz_feed_create(job->recipe, &source, job->tokenizer, job->options->threads, &j.feed, err)))
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
    radz_feed_free(j.validation_feed);
    radz_train_validation_free(&j.validation);
    return st;
}
