/* The family "clip": two towers into one space. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/clip_config.h"
#include "encoder/encoder_parts.h"

typedef struct clip_state {
    clip_config config;
    radz_door_model *model; /* NULL while the weights are not loaded */
    double logit_factor;
    int32_t *ids;           /* [text_batch,context] */
} clip_state;

static void clip_unload(radz_encoder *e)
{
    clip_state *s = e->state;
    if (s->model != NULL)
        e->door->model_close(s->model);
    s->model = NULL;
    free(s->ids);
    s->ids = NULL;
}

static void clip_free_state(radz_encoder *e)
{
    free(e->state);
}

static radz_status clip_read(radz_encoder *e, const radz_encoder_options *options, radz_error *err)
{
    (void)options;
    clip_state *s = radz_calloc(1, sizeof *s, err);
    if (s == NULL)
        return RADZ_E_NOMEM;
    e->state = s;
    radz_status status = clip_config_load(e->dir, &s->config, err);
    e->facts.dim = (size_t)s->config.embed_dim;
    e->facts.image_size = (size_t)s->config.vision.image_size;
    e->facts.context = (size_t)s->config.context;
    e->facts.image_positions = (size_t)clip_vision_patches(&s->config.vision) + 1;
    return status;
}

static radz_status clip_finish(radz_encoder *e, const radz_encoder_options *options, radz_error *err)
{
    (void)options;
    const clip_state *s = e->state;
    size_t ids = radz_tokenizer_info_of(e->tokenizer)->vocab_size;
    if (ids > (size_t)s->config.vocabulary)
        return radz_fail(err, RADZ_E_VALUE, "'%s': the tokenizer has ids up to %zu, the model's vocabulary has %" PRId64 " rows",
                         e->dir, ids - 1, s->config.vocabulary);
    return RADZ_OK;
}

static radz_status clip_load(radz_encoder *e, radz_error *err)
{
    clip_state *s = e->state;
    const radz_encoder_facts *f = &e->facts;
    radz_door_info info;
    radz_door_options how = {.device = f->device, .dtype = e->door_dtype, .threads = f->threads};
    radz_status status = e->door->model_open(e->dir, &how, &s->model, &info, err);
    if (status)
        return status;
    if (info.embed_dim != f->dim || info.image_size != f->image_size || info.context != f->context ||
        info.vocabulary != (size_t)s->config.vocabulary)
        status = radz_fail(err, RADZ_E_INTERNAL,
                           "'%s': program and plugin read the configuration differently: dim %zu and %zu, image size %zu "
                           "and %zu, context %zu and %zu, vocabulary %" PRId64 " and %zu", e->dir, f->dim, info.embed_dim,
                           f->image_size, info.image_size, f->context, info.context, s->config.vocabulary, info.vocabulary);
    s->logit_factor = info.logit_factor;
    if (status == RADZ_OK && (s->ids = radz_calloc(f->text_batch * f->context, sizeof *s->ids, err)) == NULL)
        status = RADZ_E_NOMEM;
    if (status)
        clip_unload(e);
    return status;
}

static radz_status clip_images(radz_encoder *e, const float *pixels, float *out, radz_error *err)
{
    const clip_state *s = e->state;
    return e->door->encode_images(s->model, pixels, e->facts.batch, out, err);
}

static radz_status clip_texts(radz_encoder *e, const char *const *texts, float *out, radz_error *err)
{
    clip_state *s = e->state;
    const radz_encoder_facts *f = &e->facts;
    radz_status status = RADZ_OK;
    for (size_t r = 0; status == RADZ_OK && r < f->text_batch; r++) {
        size_t used;
        status = radz_tokenizer_encode(e->tokenizer, texts[r], f->context, s->ids + r * f->context, &used, err);
    }
    return status == RADZ_OK ? e->door->encode_texts(s->model, s->ids, f->text_batch, f->context, out, err) : status;
}

radz_status radz_encoder_logit_factor(radz_encoder *e, double *out, radz_error *err)
{
    if (e->family != &encoder_clip)
        return radz_fail(err, RADZ_E_USAGE, "a model of the family '%s' has no logit scale", e->family->name);
    radz_status status = encoder_need_model(e, err);
    if (status == RADZ_OK)
        *out = ((const clip_state *)e->state)->logit_factor;
    return status;
}

const encoder_family encoder_clip = {
    .name = "clip",
    .evidence = 1u << RADZ_EVIDENCE_EMBEDDING,
    .batch = 16,
    .text_batch = 16,
    .read = clip_read,
    .finish = clip_finish,
    .load = clip_load,
    .unload = clip_unload,
    .images = clip_images,
    .texts = clip_texts,
    .free = clip_free_state,
};
