#include "train/clip_training.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/clip.h"
#include "train/checkpoint.h"
#include "train/infonce.h"
#include "train/schedule.h"

#define LOG_HEADER "step,loss,learning_rate,gradient_norm,logit_scale,validation,seconds\n"
static const double REPORT_SECONDS = 10; /* between two lines for people */

typedef struct training {
    const radz_train_clip_options *options;
    const radz_train_source *source;
    clip_model *model;
    optimizer *optimizer;
    size_t count;
    Tensor **parameters; /* [count] */
    const char **names;  /* [count] */
    Tensor *log_scale;
    Scope *scope;        /* of one micro-batch */
    radz_train_batch batch;
    int32_t *cut;        /* [texts,tokens]: its ids without the columns nobody uses */
    float *to_text, *to_image;
    char *checkpoint, *log_path;
    FILE *log;
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
    if (strcmp(o->device, "cpu") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "training on '%s': only the cpu is supported", o->device);
    if (o->steps < 1 || o->batch < 1 || o->accumulate < 1 || o->texts_per_image < 1)
        return radz_fail(err, RADZ_E_VALUE,
                         "%" PRId64 " steps of %" PRId64 " x %" PRId64 " images with %" PRId64
                         " texts: wanted at least 1 of each", o->steps, o->accumulate, o->batch, o->texts_per_image);
    if (o->warmup < 0 || o->warmup > o->steps)
        return radz_fail(err, RADZ_E_VALUE, "%" PRId64 " steps of warm-up in a training of %" PRId64, o->warmup, o->steps);
    return RADZ_OK;
}

/* Large tensors come and go in every step. As glibc is set up they are mapped and unmapped each time, and the kernel
 * spends a third of the training clearing pages; keeping them in the heap costs nothing but address space. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
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
        st = t_threads_set(o->threads, err);
    if (st == RADZ_OK)
        st = clip_init_random(&config, o->seed, &t->model, err);
    if (st != RADZ_OK)
        return st;
    const model_parameter *parameters = NULL;
    t->count = clip_parameters(t->model, &parameters);
    t->parameters = radz_calloc(t->count, sizeof *t->parameters, err);
    t->names = radz_calloc(t->count, sizeof *t->names, err);
    size_t batch = (size_t)o->batch, texts = batch * (size_t)o->texts_per_image, text = texts * (size_t)shape->context;
    size_t plane = (size_t)shape->image_size * (size_t)shape->image_size;
    t->batch.pixels = radz_calloc(batch * 3, plane * sizeof(float), err);
    t->batch.ids = radz_calloc(text, sizeof(int32_t), err);
    t->batch.positive = radz_calloc(batch, texts, err);
    t->to_text = radz_calloc(batch, texts * sizeof(float), err);
    t->to_image = radz_calloc(batch, texts * sizeof(float), err);
    t->cut = radz_calloc(text, sizeof(int32_t), err);
    t->checkpoint = radz_path_join(o->work, "checkpoint.safetensors", err);
    t->log_path = radz_path_join(o->work, "log.csv", err);
    if (t->parameters == NULL || t->names == NULL || t->batch.pixels == NULL || t->batch.ids == NULL ||
        t->batch.positive == NULL || t->to_text == NULL || t->to_image == NULL || t->cut == NULL ||
        t->checkpoint == NULL || t->log_path == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < t->count; i++) {
        t->parameters[i] = parameters[i].tensor;
        t->names[i] = parameters[i].name;
    }
    t->log_scale = clip_logit_scale(t->model);
    const optimizer_options options = {o->beta1, o->beta2, o->eps, o->weight_decay};
    st = optimizer_create(t->parameters, t->count, &options, &t->optimizer, err);
    if (st == RADZ_OK)
        st = scope_create(SCOPE_GRAD, &t->scope, err);
    return st;
}

static void tear_down(training *t)
{
    if (t->log != NULL)
        fclose(t->log);
    scope_free(t->scope);
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
    free(t->checkpoint);
    free(t->log_path);
}

/* ---- the log ---- */

/* Keeps the lines of steps up to the checkpoint, then leaves the file open for more. */
static radz_status open_log(training *t, radz_error *err)
{
    char *old = NULL;
    size_t size = 0;
    radz_strbuf kept = {0};
    radz_status st = radz_strbuf_puts(&kept, LOG_HEADER, err);
    if (st == RADZ_OK && t->optimizer->step > 0 && radz_file_exists(t->log_path))
        st = radz_file_read(t->log_path, (size_t)1 << 30, &old, &size, err);
    for (char *line = old != NULL ? strchr(old, '\n') : NULL; st == RADZ_OK && line != NULL && line[1] != '\0';) {
        char *start = line + 1, *end = strchr(start, '\n');
        if (end == NULL || strtoll(start, NULL, 10) > t->optimizer->step)
            break; /* a line cut short by a crash, or steps that are going to be taken again */
        st = radz_strbuf_append(&kept, start, (size_t)(end + 1 - start), err);
        line = end;
    }
    if (st == RADZ_OK)
        st = radz_file_write(t->log_path, kept.text, kept.length, err);
    if (st == RADZ_OK) {
        t->log = fopen(t->log_path, "a");
        if (t->log == NULL)
            st = radz_fail(err, RADZ_E_IO, "'%s': %s", t->log_path, strerror(errno));
    }
    free(old);
    radz_strbuf_free(&kept);
    return st;
}

/* ---- one step ---- */

static radz_status micro_batch(training *t, int64_t number, double *loss_value, radz_error *err)
{
    const radz_train_clip_options *o = t->options;
    int64_t context = o->shape.context, side = o->shape.image_size, most = o->batch * o->texts_per_image;
    radz_status st = t->source->batch(t->source->context, number, &t->batch, err);
    if (st != RADZ_OK)
        return st;
    int64_t tokens = t->batch.tokens, texts = t->batch.texts;
    if (tokens < 1 || tokens > context || texts < 1 || texts > most)
        return radz_fail(err, RADZ_E_INTERNAL,
                         "a batch with %" PRId64 " texts (room for %" PRId64 ") and %" PRId64 " token columns of %" PRId64,
                         texts, most, tokens, context);
    if ((st = infonce_targets(t->batch.positive, (size_t)o->batch, (size_t)texts, t->to_text, t->to_image, err)))
        return st;
    for (int64_t i = 0; i < texts; i++)
        memcpy(t->cut + i * tokens, t->batch.ids + i * context, (size_t)tokens * sizeof *t->cut);
    Scope *s = t->scope;
    Tensor *pixels = t_borrow_host(s, t->batch.pixels, T_SHAPE(o->batch, 3, side, side), T_F32);
    Tensor *ids = t_cast(s, t_borrow_host(s, t->cut, T_SHAPE(texts, tokens), T_I32), T_I64);
    Tensor *to_text = t_borrow_host(s, t->to_text, T_SHAPE(o->batch, texts), T_F32);
    Tensor *to_image = t_borrow_host(s, t->to_image, T_SHAPE(o->batch, texts), T_F32);
    Tensor *loss = infonce_loss(s, clip_image_features(s, t->model, pixels), clip_text_features(s, t->model, ids),
                                t->log_scale, to_text, to_image);
    *loss_value += t_item(s, loss) / (double)o->accumulate;
    if (o->accumulate > 1)
        loss = t_scale(s, loss, 1.0 / (double)o->accumulate);
    t_backward(s, loss);
    st = scope_error(s, err);
    scope_clear(s);
    return st;
}

static radz_status take_step(training *t, double rate, double *loss, double *norm, radz_error *err)
{
    const radz_train_clip_options *o = t->options;
    Scope *s = t->scope;
    radz_status st = RADZ_OK;
    *loss = 0;
    for (int64_t k = 0; k < o->accumulate && st == RADZ_OK; k++)
        st = micro_batch(t, t->optimizer->step * o->accumulate + k, loss, err);
    if (st == RADZ_OK) {
        *norm = o->clip_norm > 0 ? t_clip_grad_norm(s, t->parameters, t->count, o->clip_norm)
                                 : t_grad_norm(s, t->parameters, t->count);
        st = scope_error(s, err);
    }
    if (st == RADZ_OK && !(isfinite(*loss) && isfinite(*norm)))
        st = radz_fail(err, RADZ_E_VALUE,
                       "the loss is %g and the gradient's norm %g at step %" PRId64
                       ": the training has diverged (a lower learning rate or a longer warm-up may help)",
                       *loss, *norm, t->optimizer->step + 1);
    if (st == RADZ_OK)
        st = optimizer_step(t->optimizer, rate, err);
    if (st == RADZ_OK) {
        t_clamp_(s, t->log_scale, 0, INFONCE_LOG_SCALE_MAX);
        st = scope_error(s, err);
    }
    t_zero_grad(s, t->parameters, t->count);
    scope_clear(s);
    return st;
}

/* ---- measuring ---- */

static radz_status encode(Tensor *(*features)(Scope *, const clip_model *, const Tensor *), void *model, Scope *s,
                          Tensor *input, float *out, radz_error *err)
{
    Tensor *f = features(s, model, input);
    t_to_host(s, f, T_F32, out, (size_t)t_numel(f));
    radz_status st = scope_error(s, err);
    scope_free(s);
    return st;
}

static radz_status encode_images(void *model, const float *pixels, int64_t n, float *features, radz_error *err)
{
    Scope *s = NULL;
    radz_status st = scope_create(SCOPE_INFERENCE, &s, err);
    if (st != RADZ_OK)
        return st;
    int64_t side = clip_config_of(model)->vision.image_size;
    return encode(clip_image_features, model, s, t_borrow_host(s, pixels, T_SHAPE(n, 3, side, side), T_F32), features,
                  err);
}

static radz_status encode_texts(void *model, const int32_t *ids, int64_t n, int64_t tokens, float *features,
                                radz_error *err)
{
    Scope *s = NULL;
    radz_status st = scope_create(SCOPE_INFERENCE, &s, err);
    if (st != RADZ_OK)
        return st;
    Tensor *input = t_cast(s, t_borrow_host(s, ids, T_SHAPE(n, tokens), T_I32), T_I64);
    return encode(clip_text_features, model, s, input, features, err);
}

static radz_status validate(training *t, double *value, radz_error *err)
{
    const radz_train_encoder encoder = {t->model, encode_images, encode_texts};
    return t->source->validate(t->source->validate_context, t->optimizer->step, &encoder, value, err);
}

/* ---- the loop ---- */

static radz_status loop(training *t, radz_error *err)
{
    const radz_train_clip_options *o = t->options;
    optimizer *opt = t->optimizer;
    radz_status st = RADZ_OK;
    int64_t first = opt->step, last = o->steps;
    if (o->stop_after > 0 && first + o->stop_after < last)
        last = first + o->stop_after;
    radz_progress progress;
    radz_progress_begin(&progress, "train", "steps", (size_t)(o->steps - first));
    double begun = radz_clock_seconds(), reported = begun, validated = 0;
    while (opt->step < last && st == RADZ_OK) {
        double loss = 0, norm = 0, value = NAN;
        double rate = schedule_rate(o->learning_rate, o->final_rate, o->warmup, o->steps, opt->step);
        if ((st = take_step(t, rate, &loss, &norm, err)))
            break;
        bool end = opt->step == o->steps, stop = radz_cancelled();
        bool due = end || (o->validate_every > 0 && opt->step % o->validate_every == 0);
        if (due && !stop && t->source->validate != NULL) {
            double before = radz_clock_seconds();
            st = validate(t, &value, err);
            validated += radz_clock_seconds() - before;
        }
        double now = radz_clock_seconds(), scale = clip_logit_factor(t->model);
        char value_text[32] = "";
        if (isfinite(value))
            snprintf(value_text, sizeof value_text, "%.5f", value);
        fprintf(t->log, "%" PRId64 ",%.6f,%.6g,%.5g,%.4f,%s,%.1f\n", opt->step, loss, rate, norm, scale, value_text,
                now - begun);
        if (fflush(t->log) != 0 && st == RADZ_OK)
            st = radz_fail(err, RADZ_E_IO, "'%s': %s", t->log_path, strerror(errno));
        double per_step = (now - begun - validated) / (double)(opt->step - first);
        if (now - reported >= REPORT_SECONDS || opt->step == first + 1 || opt->step == last || isfinite(value)) {
            reported = now;
            radz_info("step %" PRId64 "/%" PRId64 "  loss %.4f  rate %.2e  gradient %.3f  scale %.1f  %.1f images/s  "
                      "%.0f min left%s%s",
                      opt->step, o->steps, loss, rate, norm, scale, (double)(o->batch * o->accumulate) / per_step,
                      per_step * (double)(o->steps - opt->step) / 60, isfinite(value) ? "  validation " : "",
                      value_text);
        }
        radz_progress_step(&progress, 1);
        bool keep = opt->step == last || (o->checkpoint_every > 0 && opt->step % o->checkpoint_every == 0);
        if (st == RADZ_OK && keep)
            st = checkpoint_write(t->checkpoint, opt, t->names, o->recipe, err);
        if (st == RADZ_OK && stop && opt->step < o->steps)
            st = radz_fail_interrupted(err);
    }
    if (st == RADZ_E_INTERRUPTED && opt->step > first) { /* wherever it was noticed */
        radz_error late = {0};
        if (checkpoint_write(t->checkpoint, opt, t->names, o->recipe, &late) == RADZ_OK)
            radz_info("interrupted at step %" PRId64 "; the same command continues there", opt->step);
        else
            radz_warn("no checkpoint of step %" PRId64 " was written: %s", opt->step, late.message);
    }
    radz_progress_end(&progress);
    return st;
}

radz_status train_clip(const radz_train_clip_options *options, const radz_train_source *source, radz_error *err)
{
    training t = {.options = options, .source = source};
    keep_memory();
    radz_status st = set_up(&t, err);
    if (st == RADZ_OK && !options->fresh && radz_file_exists(t.checkpoint)) {
        st = checkpoint_read(t.checkpoint, t.optimizer, t.names, options->recipe, err);
        if (st == RADZ_OK)
            radz_info("continuing after step %" PRId64 " of '%s'", t.optimizer->step, t.checkpoint);
    }
    if (st == RADZ_OK)
        st = open_log(&t, err);
    if (st == RADZ_OK)
        st = loop(&t, err);
    if (st == RADZ_OK && t.optimizer->step == options->steps)
        st = clip_save(t.model, options->output, err);
    tear_down(&t);
    return st;
}
