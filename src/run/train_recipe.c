#include "run/train_recipe.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/card_recipe.h"
#include "encoder/door.h"
#include "metric/metric.h"
#include "run/make_phantom.h"
#include "run/plan.h"
#include "run/prompt_texts.h"
#include "run/train_feed.h"
#include "score/scorer.h"
#include "text/bpe_train.h"
#include "text/tokenizer.h"

#define SCORER "clip-posneg" /* measures the validation split during the training */
enum { ENCODE_BATCH = 32 };

typedef struct job {
    const radz_home *home;
    const radz_train_recipe_options *options;
    radz_recipe_card *recipe;
    radz_plan_dataset data;
    radz_dataset *train, *val;
    uint8_t *planes;       /* [train->n, stored, stored] */
    float *val_planes;     /* [val->n, image_size, image_size] */
    radz_tokenizer *tokenizer;
    radz_feed *feed;
    radz_prompt_texts prompts;
    int32_t *prompt_ids;   /* [prompts.n, context] */
    const radz_scorer *scorer;
    radz_metric_work *work;
    radz_class_metrics *found; /* [val->n_classes], of the last validation */
    double validation;
    char digest[RADZ_SHA256_HEX_SIZE]; /* of all that decides the weights */
    char *folder, *output;
} job;

/* ---- data ---- */

static radz_status make_phantom_split(const job *j, const char *split, radz_error *err)
{
    const radz_generated_spec *spec = j->data.card->generated;
    radz_make_phantom_options make = {.patients = spec->patients, .seed = spec->seed, .split = split,
                                      .threads = j->options->threads};
    radz_info("making split '%s' of the synthetic data set '%s' in '%s'", split, j->data.card->base.name,
              j->data.location.root);
    return radz_make_phantom(j->data.location.root, &make, err);
}

static radz_status load_split(const job *j, const char *split, uint32_t limit, radz_dataset **out, radz_error *err)
{
    const radz_dataset_card *card = j->data.card;
    const radz_dataset_location *location = &j->data.location;
    const radz_dataset_filter filter = {.limit = limit, .seed = j->recipe->training->seed};
    bool made = false;
    radz_status st = RADZ_OK;
    if (location->presence == RADZ_DATASET_GENERATED) {
        made = true;
        st = make_phantom_split(j, split, err);
    }
    if (st == RADZ_OK)
        st = radz_dataset_load(card, location->root, split, &filter, out, err);
    char *own = st == RADZ_OK && card->generated != NULL ? radz_home_generated_root(j->home, card, err) : NULL;
    if (own != NULL && !made && (*out)->n_missing > 0 && strcmp(own, location->root) == 0) {
        radz_dataset_free(*out);
        *out = NULL;
        st = make_phantom_split(j, split, err);
        if (st == RADZ_OK)
            st = radz_dataset_load(card, location->root, split, &filter, out, err);
    }
    free(own);
    if (st == RADZ_OK && (*out)->n_missing > 0)
        radz_warn("%s: %zu of the %zu images of split '%s' have no file (e.g. %s)", card->base.name, (*out)->n_missing,
                  (*out)->split_images, split, (*out)->missing_example);
    if (st == RADZ_OK && (*out)->n == 0)
        st = radz_fail(err, RADZ_E_MISSING, "data set '%s': no image of split '%s' is in '%s'", card->base.name, split,
                       location->root);
    return st;
}

static radz_status load_data(job *j, radz_error *err)
{
    const radz_recipe_card *recipe = j->recipe;
    radz_status st = radz_plan_find_dataset(j->home, recipe->data->dataset, &j->data, err);
    if (st == RADZ_OK && j->options->data_root != NULL) {
        radz_dataset_location_free(&j->data.location);
        st = radz_dataset_locate(j->data.card, j->options->data_root, NULL, &j->data.location, err);
    }
    if (st != RADZ_OK)
        return st;
    if (j->data.location.presence >= RADZ_DATASET_NOT_HERE)
        return radz_fail(err, RADZ_E_MISSING, "data set '%s' is not here: %s", recipe->data->dataset,
                         j->data.location.hint);
    if (j->data.card->reports == NULL)
        return radz_fail(err, RADZ_E_MISSING, "data set '%s' has no reports to train with", recipe->data->dataset);
    st = load_split(j, recipe->data->train, recipe->data->limit, &j->train, err);
    if (st == RADZ_OK && recipe->validation != NULL)
        st = load_split(j, recipe->validation->split, recipe->validation->limit, &j->val, err);
    if (st == RADZ_OK)
        st = radz_feed_decode(j->train, recipe->images->stored, j->options->threads, &j->planes, err);
    return st;
}

/* ---- the folder of the model ---- */

/* What Hugging Face's CLIPImageProcessor does with these values is what the model is to see. */
static radz_status write_preprocessor(const job *j, const char *path, radz_error *err)
{
    radz_out out = {0};
    radz_status st = radz_out_open(path, &out, err);
    if (st != RADZ_OK)
        return st;
    int64_t size = j->recipe->model->image_size;
    const struct {
        const char *key;
        double value;
    } lists[] = {{"image_mean", j->recipe->images->mean}, {"image_std", j->recipe->images->deviation}};
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

static radz_status make_tokenizer(job *j, radz_error *err)
{
    const radz_recipe_tokenizer *wanted = j->recipe->tokenizer;
    const char **texts = radz_calloc(j->train->n, sizeof *texts, err);
    if (texts == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < j->train->n; i++)
        texts[i] = j->train->samples[i].report != NULL ? j->train->samples[i].report : "";
    const radz_bpe_train_options options = {.vocab_size = wanted->vocabulary, .context = wanted->context};
    radz_bpe_train_report report = {0};
    radz_status st = radz_bpe_train(texts, j->train->n, &options, j->output, &report, err);
    free(texts);
    if (st == RADZ_OK)
        st = radz_tokenizer_load(j->output, &j->tokenizer, err);
    if (st == RADZ_OK)
        radz_info("tokenizer: %zu tokens, %zu merges from %zu words (%zu different)", report.vocab_size, report.merges,
                  report.words, report.distinct_words);
    return st;
}

/* ---- what the weights depend on ---- */

static radz_status make_digest(job *j, radz_error *err)
{
    const radz_recipe_card *recipe = j->recipe;
    size_t side = recipe->images->stored;
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add_text(&hash, "radz training 1");
    radz_sha256_add_text(&hash, recipe->base.sha256);
    radz_sha256_add_text(&hash, radz_tokenizer_info_of(j->tokenizer)->sha256);
    for (size_t i = 0; i < j->train->n; i++) {
        radz_sha256_add_text(&hash, j->train->samples[i].image_id);
        radz_sha256_add_text(&hash, j->train->samples[i].report != NULL ? j->train->samples[i].report : "");
    }
    radz_sha256_add(&hash, j->planes, j->train->n * side * side);
    return radz_sha256_end(&hash, j->digest, err);
}

/* ---- validation ---- */

static radz_status encode_prompts(const job *j, const radz_train_encoder *encoder, radz_error *err)
{
    int64_t context = j->recipe->tokenizer->context;
    size_t dim = j->recipe->model->projection;
    for (size_t i = 0; i < j->prompts.n; i += ENCODE_BATCH) {
        size_t n = j->prompts.n - i < ENCODE_BATCH ? j->prompts.n - i : ENCODE_BATCH;
        radz_status st = encoder->texts(encoder->model, j->prompt_ids + i * (size_t)context, (int64_t)n, context,
                                        j->prompts.embeddings + i * dim, err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

static radz_status encode_pictures(const job *j, const radz_train_encoder *encoder, float *embeddings, radz_error *err)
{
    size_t size = j->recipe->model->image_size, area = size * size, dim = j->recipe->model->projection;
    float *pixels = radz_calloc(ENCODE_BATCH * 3, area * sizeof *pixels, err);
    radz_status st = pixels == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; i < j->val->n && st == RADZ_OK; i += ENCODE_BATCH) {
        size_t n = j->val->n - i < ENCODE_BATCH ? j->val->n - i : ENCODE_BATCH;
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
static double mean_auc(const job *j, size_t *defined)
{
    const char *name = j->recipe->validation->group;
    const radz_class_group *group = NULL;
    for (size_t g = 0; name != NULL && g < j->data.card->groups_count; g++)
        if (strcmp(j->data.card->groups[g].name, name) == 0)
            group = &j->data.card->groups[g];
    double sum = 0;
    *defined = 0;
    for (size_t c = 0; c < j->val->n_classes; c++) {
        bool member = group == NULL;
        for (size_t k = 0; group != NULL && k < group->classes_count; k++)
            member = member || strcmp(group->classes[k], j->val->classes[c]) == 0;
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
    job *j = context;
    size_t n = j->val->n, classes = j->val->n_classes, dim = j->recipe->model->projection, defined = 0;
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
                                    .class_names = j->val->classes};
    if ((st = j->scorer->prepare(&texts, NULL, &state, err)))
        goto done;
    const radz_score_block block = {.rows = n, .dim = dim, .embeddings = embeddings};
    if ((st = j->scorer->score(state, &block, scores, err)))
        goto done;
    const radz_metric_input input = {.rows = n, .classes = classes, .scores = scores, .labels = j->val->labels,
                                     .class_names = j->val->classes};
    if ((st = radz_metric_classes(&input, NULL, j->work, j->found, err)))
        goto done;
    *value = j->validation = mean_auc(j, &defined);
    if (step == j->recipe->training->steps) {
        radz_info("AUC on split '%s' (%zu images), macro over %zu classes: %.4f", j->val->split, n, defined, *value);
        for (size_t c = 0; c < classes; c++)
            radz_info("  %-20s %.4f", j->val->classes[c], j->found[c].metrics.value[RADZ_METRIC_AUC]);
    }
done:
    if (state != NULL)
        j->scorer->free(state);
    free(embeddings);
    free(scores);
    return st;
}

static radz_status prepare_validation(job *j, radz_error *err)
{
    const radz_recipe_validation *v = j->recipe->validation;
    radz_prompts_card *card = NULL;
    radz_terms_card *terms = NULL;
    radz_recipe *steps = NULL;
    size_t context = j->recipe->tokenizer->context, count = 0;
    char *path = NULL, *file = NULL;
    radz_status st = RADZ_E_USAGE;
    bool known = v->group == NULL;
    for (size_t g = 0; g < j->data.card->groups_count; g++)
        known = known || strcmp(j->data.card->groups[g].name, v->group) == 0;
    if (!known) {
        st = radz_fail(err, RADZ_E_VALUE, "recipe '%s': data set '%s' has no group of classes '%s'", j->recipe->base.name,
                       j->data.card->base.name, v->group);
        goto done;
    }
    if ((st = radz_scorer_find(SCORER, &j->scorer, err)) || (st = radz_metric_work_create(&j->work, err)) ||
        (st = radz_card_find(&j->home->places, RADZ_CARD_PROMPTS, v->prompts, &path, err)) ||
        (st = radz_prompts_card_load(path, &card, err)) ||
        (st = radz_terms_find_card(&j->home->places, RADZ_TERMS_DEFAULT, &terms, err)) ||
        (st = radz_prompt_texts_make(card, terms, j->val->classes, j->val->n_classes, &j->prompts, err)))
        goto done;
    st = RADZ_E_NOMEM;
    j->found = radz_calloc(j->val->n_classes, sizeof *j->found, err);
    j->prompt_ids = radz_calloc(j->prompts.n, context * sizeof *j->prompt_ids, err);
    j->prompts.embeddings = radz_calloc(j->prompts.n, j->recipe->model->projection * sizeof(float), err);
    file = radz_path_join(j->output, "preprocessor_config.json", err);
    if (j->found == NULL || j->prompt_ids == NULL || j->prompts.embeddings == NULL || file == NULL)
        goto done;
    for (size_t i = 0; i < j->prompts.n; i++)
        if ((st = radz_tokenizer_encode(j->tokenizer, j->prompts.texts[i], context, j->prompt_ids + i * context, &count,
                                        err)))
            goto done;
    st = radz_recipe_load_hf(file, &steps, err);
    if (st == RADZ_OK)
        st = radz_feed_preprocess(j->val, steps, j->options->threads, &j->val_planes, err);
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

static radz_train_options common_options(const job *j)
{
    const radz_recipe_card *recipe = j->recipe;
    const radz_recipe_training *t = recipe->training;
    return (radz_train_options){
        .seed = t->seed, .steps = t->steps, .batch = t->batch, .accumulate = t->accumulate, .learning_rate = t->learning_rate,
        .final_rate = t->final_rate, .warmup = t->warmup, .beta1 = t->beta1, .beta2 = t->beta2, .eps = t->eps,
        .weight_decay = t->weight_decay, .clip_norm = t->clip_norm, .checkpoint_every = t->checkpoint_every,
        .validate_every = recipe->validation != NULL ? recipe->validation->every : 0, .stop_after = j->options->steps,
        .threads = j->options->threads, .device = j->options->device != NULL ? j->options->device : "cpu", .work = j->folder,
        .output = j->output, .fresh = j->options->fresh, .recipe = j->digest};
}

static radz_status run_training(job *j, const radz_door *door, radz_error *err)
{
    const radz_recipe_card *recipe = j->recipe;
    const radz_recipe_model *m = recipe->model;
    const radz_tokenizer_info *tokens = radz_tokenizer_info_of(j->tokenizer);
    const radz_train_clip_options options = {
        .how = common_options(j),
        .shape = {.vision = tower(&m->vision), .text = tower(&m->text), .image_size = m->image_size, .patch = m->patch,
                  .vocabulary = (int64_t)tokens->vocab_size, .context = recipe->tokenizer->context,
                  .start_id = tokens->bos_id, .end_id = tokens->eos_id, .projection = m->projection,
                  .activation = radz_activation_name(m->activation), .log_scale = m->log_scale},
        .texts_per_image = recipe->texts->per_image};
    /* validation is the job's, batches are the feed's */
    radz_train_source source = {.context = j->feed, .batch = radz_feed_batch,
                                .validate = j->val != NULL ? validate : NULL, .validate_context = j};
    return door->train_clip(&options, &source, err);
}

static radz_status write_summary(const job *j, const radz_door *door, double seconds, radz_error *err)
{
    const radz_recipe_card *recipe = j->recipe;
    radz_out out = {0};
    char *path = radz_path_join(j->output, "training.json", err);
    radz_status st = path == NULL ? RADZ_E_NOMEM : radz_out_open(path, &out, err);
    free(path);
    if (st != RADZ_OK)
        return st;
    radz_json_writer w;
    radz_json_writer_init(&w, out.stream);
    radz_json_object_begin(&w, NULL);
    radz_json_put_string(&w, "recipe", recipe->base.name);
    radz_json_put_string(&w, "recipe_sha256", recipe->base.sha256);
    radz_json_put_string(&w, "training", j->digest);
    radz_json_put_string(&w, "dataset", j->data.card->base.name);
    radz_json_put_bool(&w, "synthetic", j->data.card->synthetic);
    radz_json_put_string(&w, "split", j->train->split);
    radz_json_put_i64(&w, "images", (int64_t)j->train->n);
    radz_json_put_string(&w, "split_fingerprint", j->train->split_fingerprint);
    radz_json_put_i64(&w, "seed", (int64_t)recipe->training->seed);
    radz_json_put_i64(&w, "steps", recipe->training->steps);
    radz_json_put_i64(&w, "threads", j->options->threads);
    radz_json_put_double(&w, "seconds_of_the_last_call", floor(seconds + 0.5));
    radz_json_put_string(&w, "radz_bench", RADZ_VERSION);
    radz_json_put_string(&w, "libtorch", door->torch_version());
    if (j->val != NULL && j->found != NULL && isfinite(j->validation)) {
        radz_json_object_begin(&w, "validation");
        radz_json_put_string(&w, "split", j->val->split);
        radz_json_put_i64(&w, "images", (int64_t)j->val->n);
        radz_json_put_string(&w, "scorer", SCORER);
        radz_json_put_string(&w, "prompts", recipe->validation->prompts);
        radz_json_put_string(&w, "prompts_sha256", j->prompts.list.sha256);
        radz_json_put_double(&w, "macro_auc", j->validation);
        radz_json_object_begin(&w, "auc");
        for (size_t c = 0; c < j->val->n_classes; c++)
            radz_json_put_double(&w, j->val->classes[c], j->found[c].metrics.value[RADZ_METRIC_AUC]);
        radz_json_object_end(&w);
        radz_json_object_end(&w);
    }
    radz_json_object_end(&w);
    fputc('\n', out.stream);
    st = radz_out_commit(&out, err);
    radz_out_abandon(&out);
    return st;
}

static radz_status open_folders(job *j, radz_error *err)
{
    radz_strbuf name = {0};
    radz_status st =
        radz_strbuf_printf(&name, err, "%s/training/%s-%.12s", j->home->cache, j->recipe->base.name, j->digest);
    j->folder = name.text;
    return st == RADZ_OK ? radz_mkdirs(j->folder, err) : st;
}

static void job_free(job *j)
{
    radz_feed_free(j->feed);
    radz_tokenizer_free(j->tokenizer);
    radz_metric_work_free(j->work);
    radz_prompt_texts_free(&j->prompts);
    radz_dataset_free(j->train);
    radz_dataset_free(j->val);
    radz_plan_dataset_free(&j->data);
    radz_recipe_card_free(j->recipe);
    free(j->planes);
    free(j->val_planes);
    free(j->prompt_ids);
    free(j->found);
    free(j->folder);
    free(j->output);
}

radz_status radz_train_recipe(const radz_home *home, const char *name, const radz_train_recipe_options *options,
                              radz_error *err)
{
    job j = {.home = home, .options = options, .validation = NAN};
    const radz_door *door = NULL;
    double begun = radz_clock_seconds();
    char *path = NULL, *file = NULL;
    radz_status st = radz_card_find(&home->places, RADZ_CARD_RECIPE, name, &path, err);
    if (st != RADZ_OK)
        goto done;
    if ((st = radz_recipe_card_load(path, &j.recipe, err)))
        goto done;
    j.output = radz_strdup(options->out != NULL ? options->out : j.recipe->output, err);
    file = j.output != NULL ? radz_path_join(j.output, "preprocessor_config.json", err) : NULL;
    if (file == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    if ((st = radz_door_open(&door, err)) || /* before an hour of work, not after it */
        (st = radz_mkdirs(j.output, err)) || (st = load_data(&j, err)) || (st = make_tokenizer(&j, err)) ||
        (st = write_preprocessor(&j, file, err)) || (st = make_digest(&j, err)) || (st = open_folders(&j, err)) ||
        (j.val != NULL && (st = prepare_validation(&j, err))) ||
        (st = radz_feed_create(j.recipe, j.train, j.planes, j.tokenizer, options->threads, &j.feed, err)))
        goto done;
    radz_info("training '%s' on %zu images of %s/%s: %" PRIu32 " steps of %" PRIu32 "; checkpoints and log in '%s'",
              j.recipe->base.name, j.train->n, j.train->name, j.train->split, j.recipe->training->steps,
              j.recipe->training->batch * j.recipe->training->accumulate, j.folder);
    st = run_training(&j, door, err);
    if (st == RADZ_OK && options->steps == 0)
        st = write_summary(&j, door, radz_clock_seconds() - begun, err);
done:
    free(path);
    free(file);
    job_free(&j);
    return st;
}
