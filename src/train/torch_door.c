/* The plugin's side of the door: its operations on the model room. */
#include "encoder/door.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/clip.h"
#include "train/clip_training.h"
#include "train/mllm_door.h"

struct radz_door_model {
    clip_model *clip;
    Scope *scope; /* of one call, cleared after each */
    int64_t *ids; /* [ids_capacity] */
    size_t ids_capacity;
};

static void model_close(radz_door_model *model)
{
    if (model == NULL)
        return;
    scope_free(model->scope);
    clip_free(model->clip);
    free(model->ids);
    free(model);
}

static radz_status model_open(const char *dir, const radz_door_options *options, radz_door_model **out,
                              radz_door_info *info, radz_error *err)
{
    *out = NULL;
    radz_status status;
    clip_options how = {.threads = options->threads};
    radz_door_model *model = radz_calloc(1, sizeof *model, err);
    if (model == NULL)
        return RADZ_E_NOMEM;
    if ((status = t_device_parse(options->device, &how.device, err)) != RADZ_OK ||
        (status = t_dtype_parse(options->dtype, &how.dtype, err)) != RADZ_OK ||
        (status = t_threads_set(options->threads, err)) != RADZ_OK ||
        (status = scope_create(SCOPE_INFERENCE, &model->scope, err)) != RADZ_OK ||
        (status = clip_open(dir, &how, &model->clip, err)) != RADZ_OK) {
        model_close(model);
        return status;
    }
    const clip_config *c = clip_config_of(model->clip);
    *info = (radz_door_info){.embed_dim = (size_t)c->embed_dim, .image_size = (size_t)c->vision.image_size,
                             .context = (size_t)c->context, .vocabulary = (size_t)c->vocabulary,
                             .eos_token = c->eos_token, .logit_factor = clip_logit_factor(model->clip)};
    *out = model;
    return RADZ_OK;
}

/* Normalises [batch,d] in float, whatever the model computes in, and hands it out. */
static radz_status hand_out(radz_door_model *model, Tensor *features, size_t batch, float *out, radz_error *err)
{
    Scope *s = model->scope;
    Tensor *unit = t_l2_normalize(s, t_cast(s, features, T_F32), -1, 0);
    if (scope_ok(s) && !t_all_finite(s, unit))
        scope_fail(s, RADZ_E_VALUE, "an embedding is not a finite vector of length 1 (overflow in the model?)");
    t_to_host(s, unit, T_F32, out, batch * (size_t)clip_config_of(model->clip)->embed_dim);
    radz_status status = scope_error(s, err);
    scope_clear(s);
    return status;
}

static radz_status encode_images(radz_door_model *model, const float *pixels, size_t batch, float *out, radz_error *err)
{
    Scope *s = model->scope;
    int64_t side = clip_config_of(model->clip)->vision.image_size;
    Tensor *x = t_borrow_host(s, pixels, T_SHAPE((int64_t)batch, 3, side, side), T_F32);
    return hand_out(model, clip_image_features(s, model->clip, x), batch, out, err);
}

static radz_status encode_texts(radz_door_model *model, const int32_t *ids, size_t batch, size_t length, float *out,
                                radz_error *err)
{
    Scope *s = model->scope;
    if (radz_grow(&model->ids, &model->ids_capacity, batch * length, sizeof *model->ids, err))
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < batch * length; i++)
        model->ids[i] = ids[i];
    Tensor *x = t_borrow_host(s, model->ids, T_SHAPE((int64_t)batch, (int64_t)length), T_I64);
    return hand_out(model, clip_text_features(s, model->clip, x), batch, out, err);
}

const radz_door *radz_torch_door(void)
{
    static const radz_door door = {.abi = RADZ_DOOR_ABI,
                                   .torch_version = t_library_version,
                                   .model_open = model_open,
                                   .encode_images = encode_images,
                                   .encode_texts = encode_texts,
                                   .model_close = model_close,
                                   .train_clip = train_clip,
                                   .mllm_open = mllm_door_open,
                                   .mllm_close = mllm_door_close,
                                   .mllm_features = mllm_door_features,
                                   .mllm_embed_mean = mllm_door_embed_mean,
                                   .prefix_open = mllm_door_prefix_open,
                                   .prefix_close = mllm_door_prefix_close,
                                   .prefix_logits = mllm_door_prefix_logits,
                                   .prefix_generate = mllm_door_prefix_generate,
                                   .config_text = t_library_config};
    return &door;
}
