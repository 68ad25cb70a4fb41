#include "train/clip_training.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/clip.h"
#include "train/infonce.h"
#include "train/training_loop.h"

typedef struct training {
    const radz_train_clip_options *options;
    const radz_train_source *source;
    clip_model *model;
    optimizer *optimizer;
    size_t count;
    Tensor **parameters; /* [count] */
    const char **names;  /* [count] */
    Tensor *log_scale;
    radz_train_batch batch;
    int32_t *cut;        /* [texts,tokens]: its ids without the columns nobody uses */
    float *to_text, *to_image;
} training;

/* ---- setting up ---- */

static radz_status make_config(const radz_train_clip_options *o, clip_config *out, radz_error *err)
{
    static const struct {
        const char *name;
        clip_activation value;
    } activations[] = {{"gelu", CLIP_GELU}, {"quick_gelu", CLIP_QUICK_GELU}};
    const radz_clip_shape *shape = &o->shape;
    clip_config c = clip_config_default();
    bool known = false;
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, shape->activation) == 0) {
            c.text.activation = c.vision.tower.activation = activations[i].value;
            known = true;
        }
    if (!known)
        return radz_fail(err, RADZ_E_USAGE, "unknown activation '%s'; known: gelu, quick_gelu", shape->activation);
    c.text.width = shape->text.width;
    c.text.mlp_width = shape->text.mlp;
    c.text.layers = shape->text.layers;
    c.text.heads = shape->text.heads;
    c.vision.tower.width = shape->vision.width;
    c.vision.tower.mlp_width = shape->vision.mlp;
    c.vision.tower.layers = shape->vision.layers;
    c.vision.tower.heads = shape->vision.heads;
    c.vocabulary = shape->vocabulary;
    c.context = shape->context;
    c.bos_token = shape->start_id;
    c.eos_token = c.pad_token = shape->end_id;
    c.vision.image_size = shape->image_size;
    c.vision.patch_size = shape->patch;
    c.embed_dim = shape->projection;
    c.logit_scale_init = shape->log_scale;
    *out = c;
    return clip_config_check(&c, "recipe", err);
}

static radz_status check_options(const radz_train_clip_options *o, radz_error *err)
{
    if (o->texts_per_image < 1)
        return radz_fail(err, RADZ_E_VALUE, "%" PRId64 " texts per image: wanted at least 1", o->texts_per_image);
    if (strcmp(o->how.device, "cpu") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "training CLIP on '%s': only the cpu is supported", o->how.device);
    return training_check(&o->how, err);
}

static radz_status set_up(training *t, radz_error *err)
{
    const radz_train_clip_options *o = t->options;
    const radz_clip_shape *shape = &o->shape;
    clip_config config;
    radz_status st = check_options(o, err);
    if (st == RADZ_OK)
        st = make_config(o, &config, err);
    if (st == RADZ_OK)
        st = t_threads_set(o->how.threads, err);
    if (st == RADZ_OK)
        st = clip_init_random(&config, o->how.seed, &t->model, err);
    if (st != RADZ_OK)
        return st;
    const model_parameter *parameters = NULL;
    t->count = clip_parameters(t->model, &parameters);
    t->parameters = radz_calloc(t->count, sizeof *t->parameters, err);
    t->names = radz_calloc(t->count, sizeof *t->names, err);
    size_t batch = (size_t)o->how.batch, texts = batch * (size_t)o->texts_per_image, text = texts * (size_t)shape->context;
    size_t plane = (size_t)shape->image_size * (size_t)shape->image_size;
    t->batch.pixels = radz_calloc(batch * 3, plane * sizeof(float), err);
    t->batch.ids = radz_calloc(text, sizeof(int32_t), err);
    t->batch.positive = radz_calloc(batch, texts, err);
    t->to_text = radz_calloc(batch, texts * sizeof(float), err);
    t->to_image = radz_calloc(batch, texts * sizeof(float), err);
    t->cut = radz_calloc(text, sizeof(int32_t), err);
    if (t->parameters == NULL || t->names == NULL || t->batch.pixels == NULL || t->batch.ids == NULL ||
        t->batch.positive == NULL || t->to_text == NULL || t->to_image == NULL || t->cut == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < t->count; i++) {
        t->parameters[i] = parameters[i].tensor;
        t->names[i] = parameters[i].name;
    }
    t->log_scale = clip_logit_scale(t->model);
    const optimizer_options options = {o->how.beta1, o->how.beta2, o->how.eps, o->how.weight_decay};
    st = optimizer_create(t->parameters, t->count, &options, &t->optimizer, err);
    return st;
}

static void tear_down(training *t)
{
    optimizer_free(t->optimizer);
    clip_free(t->model);
    free(t->parameters);
    free(t->names);
    free(t->batch.pixels);
    free(t->batch.ids);
    free(t->batch.positive);
    free(t->to_text);
    free(t->to_image);
    free(t->cut);
}

/* ---- one micro-batch ---- */

static radz_status loss_of(void *context, Scope *s, bool validation, int64_t number, Tensor **loss, double *told, radz_error *err)
{
    training *t = context;
    const radz_train_clip_options *o = t->options;
    int64_t width = o->shape.context, side = o->shape.image_size, batch = validation ? o->how.validation_batch : o->how.batch;
    int64_t most = batch * o->texts_per_image;
    radz_status st = t->source->batch(validation ? t->source->validation : t->source->context, number, &t->batch, err);
    if (st != RADZ_OK)
        return st;
    int64_t tokens = t->batch.tokens, texts = t->batch.texts;
    if (tokens < 1 || tokens > width || texts < 1 || texts > most)
        return radz_fail(err, RADZ_E_INTERNAL,
                         "a batch with %" PRId64 " texts (room for %" PRId64 ") and %" PRId64 " token columns of %" PRId64,
                         texts, most, tokens, width);
    if ((st = infonce_targets(t->batch.positive, (size_t)batch, (size_t)texts, t->to_text, t->to_image, err)))
        return st;
    for (int64_t i = 0; i < texts; i++)
        memcpy(t->cut + i * tokens, t->batch.ids + i * width, (size_t)tokens * sizeof *t->cut);
    Tensor *pixels = t_borrow_host(s, t->batch.pixels, T_SHAPE(batch, 3, side, side), T_F32);
    Tensor *ids = t_cast(s, t_borrow_host(s, t->cut, T_SHAPE(texts, tokens), T_I32), T_I64);
    Tensor *to_text = t_borrow_host(s, t->to_text, T_SHAPE(batch, texts), T_F32);
    Tensor *to_image = t_borrow_host(s, t->to_image, T_SHAPE(batch, texts), T_F32);
    *loss = infonce_loss(s, clip_image_features(s, t->model, pixels), clip_text_features(s, t->model, ids), t->log_scale,
                         to_text, to_image);
    told[0] += clip_logit_factor(t->model);
    return RADZ_OK;
}

static void constrain(void *context, Scope *s)
{
    training *t = context;
    t_clamp_(s, t->log_scale, 0, INFONCE_LOG_SCALE_MAX);
}

/* ---- measuring ---- */

static radz_status encode_images(void *model, const float *pixels, int64_t n, float *features, radz_error *err)
{
    Scope *s = NULL;
    radz_status st = scope_create(SCOPE_INFERENCE, &s, err);
    if (st != RADZ_OK)
        return st;
    int64_t side = clip_config_of(model)->vision.image_size;
    Tensor *input = t_borrow_host(s, pixels, T_SHAPE(n, 3, side, side), T_F32);
    return training_hand_out(s, clip_image_features(s, model, input), features, err);
}

static radz_status encode_texts(void *model, const int32_t *ids, const uint8_t *roles, int64_t n, int64_t tokens, float *features,
                                radz_error *err)
{
    (void)roles; /* the feature is read at the end mark */
    Scope *s = NULL;
    radz_status st = scope_create(SCOPE_INFERENCE, &s, err);
    if (st != RADZ_OK)
        return st;
    Tensor *input = t_cast(s, t_borrow_host(s, ids, T_SHAPE(n, tokens), T_I32), T_I64);
    return training_hand_out(s, clip_text_features(s, model, input), features, err);
}

static radz_status measure(void *context, int64_t step, double *auc, radz_error *err)
{
    training *t = context;
    const radz_train_encoder encoder = {t->model, encode_images, encode_texts};
    return t->source->measure(t->source->measure_context, step, &encoder, auc, err);
}

radz_status train_clip(const radz_train_clip_options *options, const radz_train_source *source, radz_error *err)
{
    static const char *const columns[] = {"logit_scale"};
    training t = {.options = options, .source = source};
    bool done = false;
    training_keep_memory();
    radz_status st = set_up(&t, err);
    const training_loop loop = {.options = &options->how, .optimizer = t.optimizer, .names = t.names, .columns = columns,
                                .column_count = 1, .context = &t, .loss = loss_of, .constrain = constrain,
                                .measure = source->measure != NULL ? measure : NULL};
    if (st == RADZ_OK)
        st = training_run(&loop, &done, err);
    if (st == RADZ_OK && done)
        st = clip_save(t.model, options->how.output, err);
    tear_down(&t);
    return st;
}
