#include "model/clip.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/clip_tower.h"
#include "model/model_save.h"

struct clip_model {
    clip_config config;
    clip_tower text;
    clip_vision image;
    Tensor *token_embedding;      /* [V,d] */
    Tensor *text_positions;       /* [context,d] */
    norm_weights text_norm;               /* after the last layer */
    Tensor *text_projection;      /* [e,d] */
    norm_weights image_norm_out;
    Tensor *image_projection;     /* [e,d] */
    Tensor *logit_scale;          /* [] */

    model_parameters all;
    radz_arena arena;
    weights *files; /* NULL for a model made here */
    Scope *scope;   /* of the weights made here; NULL for an opened model */
};

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static radz_status get_all(clip_model *m, radz_error *err)
{
    model_parameters *from = &m->all;
    const clip_config *c = &m->config;
    const char *t = "text_model.", *v = "vision_model.";
    int64_t dt = c->text.width, dv = c->vision.tower.width;
    double factor = c->init_factor;
    radz_status status;

    from->err = err;
    from->files = m->files;
    from->scope = m->scope;
    m->logit_scale = parameters_get(from, 0, NULL, c->logit_scale_init, 0, "logit_scale");
    m->token_embedding = parameters_get(from, T_SHAPE(c->vocabulary, dt), 0, 0.02 * factor,
                                        "%sembeddings.token_embedding.weight", t);
    m->text_positions = parameters_get(from, T_SHAPE(c->context, dt), 0, 0.02 * factor,
                                       "%sembeddings.position_embedding.weight", t);
    if ((status = clip_tower_take(from, &m->arena, t, &c->text, c->text.layers, factor, &m->text, err)) != RADZ_OK)
        return status;
    m->text_norm = parameters_norm(from, t, "final_layer_norm", dt);
    if ((status = clip_vision_take(from, &m->arena, v, &c->vision, c->vision.tower.layers, factor, c->init_range, &m->image,
                                   err)) != RADZ_OK)
        return status;
    m->image_norm_out = parameters_norm(from, v, "post_layernorm", dv);
    m->image_projection = parameters_get(from, T_SHAPE(c->embed_dim, dv), 0, factor / sqrt((double)dv),
                                         "visual_projection.weight");
    m->text_projection = parameters_get(from, T_SHAPE(c->embed_dim, dt), 0, factor / sqrt((double)dt),
                                        "text_projection.weight");
    status = from->status;
    from->err = NULL;
    return status;
}

radz_status clip_open(const char *dir, const clip_options *options, clip_model **out, radz_error *err)
{
    *out = NULL;
    radz_status status;
    clip_model *m = radz_calloc(1, sizeof *m, err);
    if (m == NULL)
        return RADZ_E_NOMEM;
    if ((status = clip_config_load(dir, &m->config, err)) != RADZ_OK)
        goto fail;
    if (options->dtype != T_F32 && options->dtype != T_F16 && options->dtype != T_BF16) {
        status = radz_fail(err, RADZ_E_USAGE, "a model computes in f32, f16 or bf16, not in %s", t_dtype_name(options->dtype));
        goto fail;
    }
    if (options->trainable && options->dtype != T_F32) {
        status = radz_fail(err, RADZ_E_UNSUPPORTED, "training works in f32, not in %s", t_dtype_name(options->dtype));
        goto fail;
    }
    if ((status = t_device_check(options->device, err)) != RADZ_OK)
        goto fail;
    if (options->dtype == T_F16 && options->device.kind == T_CPU && !t_cpu_computes_f16()) {
        status = radz_fail(err, RADZ_E_UNSUPPORTED, "libtorch %s cannot compute in f16 on the cpu; use f32 or bf16",
                           t_library_version());
        goto fail;
    }
    weights_options how = {.device = options->device, .dtype = options->dtype, .threads = options->threads,
                           .writable = options->trainable};
    if ((status = weights_open(dir, &how, &m->files, err)) != RADZ_OK)
        goto fail;
    if ((status = get_all(m, err)) != RADZ_OK)
        goto fail;
    weights_ignore(m->files, "text_model.embeddings.position_ids"); /* buffers of older files */
    weights_ignore(m->files, "vision_model.embeddings.position_ids");
    if ((status = weights_finish(m->files, err)) != RADZ_OK)
        goto fail;
    if (options->trainable) {
        if ((status = scope_create(SCOPE_INFERENCE, &m->scope, err)) != RADZ_OK)
            goto fail;
        for (size_t i = 0; i < m->all.count; i++)
            t_set_leaf(m->scope, m->all.items[i].tensor, true);
        if ((status = scope_error(m->scope, err)) != RADZ_OK)
            goto fail;
    }
    *out = m;
    return RADZ_OK;
fail:
    clip_free(m);
    return status;
}

radz_status clip_init_random(const clip_config *config, uint64_t seed, clip_model **out, radz_error *err)
{
    *out = NULL;
    radz_status status = clip_config_check(config, "new model", err);
    if (status)
        return status;
    clip_model *m = radz_calloc(1, sizeof *m, err);
    if (m == NULL)
        return RADZ_E_NOMEM;
    m->config = *config;
    m->all.seed = seed;
    if ((status = scope_create(SCOPE_INFERENCE, &m->scope, err)) == RADZ_OK && (status = get_all(m, err)) == RADZ_OK)
        status = scope_error(m->scope, err);
    if (status) {
        clip_free(m);
        return status;
    }
    *out = m;
    return RADZ_OK;
}

void clip_free(clip_model *m)
{
    if (m == NULL)
        return;
    scope_free(m->scope);
    weights_free(m->files);
    parameters_free(&m->all);
    radz_arena_free(&m->arena);
    free(m);
}

const clip_config *clip_config_of(const clip_model *model)
{
    return &model->config;
}

size_t clip_parameters(const clip_model *model, const model_parameter **out)
{
    *out = model->all.items;
    return model->all.count;
}

Tensor *clip_logit_scale(const clip_model *model)
{
    return model->logit_scale;
}

double clip_logit_factor(const clip_model *model)
{
    Scope *s = NULL;
    if (scope_create(SCOPE_INFERENCE, &s, NULL))
        return NAN;
    double factor = exp(t_item(s, model->logit_scale));
    scope_free(s);
    return factor;
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* All layers; of the last one only the position that becomes the embedding: `pool` i64 [B], or NULL for position 0.
 * x [B,T,d] -> [B,d] */
static Tensor *run_tower(Scope *s, const clip_tower *tower, Tensor *x, const Tensor *pool, bool causal)
{
    const clip_tower_config *c = tower->config;
    size_t mark = scope_mark(s);
    for (int64_t i = 0; i + 1 < c->layers; i++)
        x = scope_release(s, mark, clip_layer_run(s, c, &tower->layers[i], x, x, NULL, causal));

    Tensor *ask, *mask = NULL;
    if (pool != NULL) {
        ask = t_unsqueeze(s, t_pick(s, x, pool), 1);
        Tensor *positions = t_arange(s, 0, t_size(x, 1), T_I64, t_device(x));
        Tensor *last = t_reshape(s, pool, T_SHAPE(-1, 1, 1, 1));
        mask = t_less(s, positions, t_shift(s, last, 1)); /* [B,1,1,T]: what a causal row `pool` may see */
    } else {
        ask = t_slice(s, x, 1, 0, 1);
    }
    x = clip_layer_run(s, c, &tower->layers[c->layers - 1], ask, x, mask, false);
    return t_squeeze(s, x, 1);
}

Tensor *clip_image_features(Scope *s, const clip_model *m, const Tensor *pixels)
{
    size_t mark = scope_mark(s);
    Tensor *x = clip_vision_embed(s, &m->image, pixels);
    x = run_tower(s, &m->image.tower, x, NULL, false);
    x = norm_apply(s, &m->image_norm_out, x, m->config.vision.tower.norm_eps);
    return scope_release(s, mark, t_linear(s, x, m->image_projection, NULL));
}

Tensor *clip_text_features(Scope *s, const clip_model *m, const Tensor *ids)
{
    const clip_config *c = &m->config;
    if (!scope_ok(s))
        return NULL;
    if (t_ndim(ids) != 2 || t_dtype(ids) != T_I64 || t_size(ids, 1) < 1 || t_size(ids, 1) > c->context) {
        char found[T_SHAPE_TEXT_SIZE];
        t_shape_text(ids, found);
        return scope_fail(s, RADZ_E_INTERNAL, "token ids are %s, the model wants [B,T] i64 with T from 1 to %" PRId64, found,
                          c->context);
    }
    size_t mark = scope_mark(s);
    Tensor *on_device = t_to(s, ids, T_I64, t_device(m->token_embedding));
    Tensor *x = t_add(s, t_embedding(s, m->token_embedding, on_device),
                      t_slice(s, m->text_positions, 0, 0, t_size(ids, 1)));
    Tensor *pool = c->eos_token == 2
                       ? t_argmax(s, on_device, 1, false)
                       : t_argmax(s, t_cast(s, t_equal_to(s, on_device, (double)c->eos_token), T_U8), 1, false);
    x = run_tower(s, &m->text, x, pool, true);
    x = norm_apply(s, &m->text_norm, x, c->text.norm_eps);
    return scope_release(s, mark, t_linear(s, x, m->text_projection, NULL));
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static radz_status save_config(const clip_model *m, const char *dir, radz_error *err)
{
    const clip_config *c = &m->config;
    radz_out out;
    radz_json_writer w;
    radz_status status = save_config_begin(dir, "CLIPModel", "clip", &out, &w, err);
    if (status)
        return status;
    radz_json_put_i64(&w, "projection_dim", c->embed_dim);
    radz_json_put_real(&w, "logit_scale_init_value", c->logit_scale_init);
    radz_json_put_real(&w, "initializer_factor", c->init_factor);
    radz_json_put_string(&w, "torch_dtype", save_dtype_name(t_dtype(m->token_embedding)));
    radz_json_object_begin(&w, "text_config");
    radz_json_put_string(&w, "model_type", "clip_text_model");
    clip_tower_config_put(&w, &c->text);
    radz_json_put_i64(&w, "vocab_size", c->vocabulary);
    radz_json_put_i64(&w, "max_position_embeddings", c->context);
    radz_json_put_i64(&w, "bos_token_id", c->bos_token);
    radz_json_put_i64(&w, "eos_token_id", c->eos_token);
    radz_json_put_i64(&w, "pad_token_id", c->pad_token);
    radz_json_put_i64(&w, "projection_dim", c->embed_dim);
    radz_json_object_end(&w);
    clip_vision_config_put(&w, &c->vision, c->init_range, c->embed_dim);
    return save_config_end(&out, &w, RADZ_OK, err);
}

radz_status clip_save(const clip_model *m, const char *dir, radz_error *err)
{
    char *path = radz_path_join(dir, "model.safetensors", err);
    save_piece *pieces = radz_calloc(m->all.count, sizeof *pieces, err);
    radz_status status = path == NULL || pieces == NULL ? RADZ_E_NOMEM : radz_mkdirs(dir, err);
    for (size_t i = 0; i < m->all.count && status == RADZ_OK; i++) {
        const Tensor *x = m->all.items[i].tensor;
        pieces[i] = (save_piece){.name = m->all.items[i].name, .dtype = t_dtype(x), .tensor = x};
    }
    if (status == RADZ_OK)
        status = save_tensors(path, pieces, m->all.count, err);
    if (status == RADZ_OK)
        status = save_config(m, dir, err);
    free(pieces);
    free(path);
    return status;
}
