#include "model/clip.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/weights.h"

typedef struct linear {
    Tensor *weight, *bias; /* [out,in], [out] or NULL */
} linear;

typedef struct norm {
    Tensor *weight, *bias; /* [d] */
} norm;

typedef struct clip_layer {
    norm norm1, norm2;
    linear q, k, v, out; /* [d,d] */
    linear fc1, fc2;     /* [m,d], [d,m] */
} clip_layer;

typedef struct clip_tower {
    const clip_tower_config *config;
    clip_layer *layers;
} clip_tower;

struct clip_model {
    clip_config config;
    clip_tower text, image;
    Tensor *token_embedding;      /* [V,d] */
    Tensor *text_positions;       /* [context,d] */
    norm text_norm;               /* after the last layer */
    Tensor *text_projection;      /* [e,d] */
    Tensor *class_embedding;      /* [d] */
    Tensor *patch_embedding;      /* [d,3,p,p] */
    Tensor *image_positions;      /* [1+patches,d] */
    norm image_norm_in, image_norm_out;
    Tensor *image_projection;     /* [e,d] */
    Tensor *logit_scale;          /* [] */

    clip_parameter *parameters;
    size_t parameter_count, parameter_capacity;
    radz_arena arena;
    weights *files; /* NULL for a model made here */
    Scope *scope;   /* of the weights made here; NULL for an opened model */
};

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* Where the weights come from: files, or a random start value mean + deviation * normal. */
typedef struct source {
    clip_model *model;
    weights *files; /* NULL: random */
    uint64_t seed;
    radz_error *err;
    radz_status status; /* of bookkeeping; tensor errors stick to the scopes */
} source;

static Tensor *random_tensor(source *from, int ndim, const int64_t *shape, double mean, double deviation)
{
    clip_model *m = from->model;
    size_t count = 1;
    for (int d = 0; d < ndim; d++)
        count *= (size_t)shape[d];
    float *values = radz_calloc(count, sizeof *values, from->err);
    if (values == NULL) {
        from->status = RADZ_E_NOMEM;
        return NULL;
    }
    radz_rng rng; /* a stream per tensor: a change to one leaves the others as they are */
    radz_rng_seed(&rng, from->seed, m->parameter_count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(deviation == 0 ? mean : mean + deviation * radz_rng_normal(&rng));
    Tensor *x = t_from_host(m->scope, values, ndim, shape, T_F32);
    free(values);
    return t_set_leaf(m->scope, x, true);
}

/* The next parameter of the model; its name is printf-style. */
RADZ_PRINTF(6, 7)
static Tensor *get(source *from, int ndim, const int64_t *shape, double mean, double deviation, const char *format, ...)
{
    clip_model *m = from->model;
    if (from->status)
        return NULL;
    char name[128];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    char *kept = radz_arena_strdup(&m->arena, name, from->err);
    if (kept == NULL ||
        radz_grow(&m->parameters, &m->parameter_capacity, m->parameter_count + 1, sizeof *m->parameters, from->err)) {
        from->status = RADZ_E_NOMEM;
        return NULL;
    }
    Tensor *x = from->files != NULL ? weights_take(from->files, ndim, shape, "%s", name)
                                    : random_tensor(from, ndim, shape, mean, deviation);
    m->parameters[m->parameter_count++] = (clip_parameter){.name = kept, .tensor = x};
    return x;
}

static linear get_linear(source *from, const char *prefix, const char *name, int64_t out, int64_t in, double deviation)
{
    linear l;
    l.weight = get(from, T_SHAPE(out, in), 0, deviation, "%s.%s.weight", prefix, name);
    l.bias = get(from, T_SHAPE(out), 0, 0, "%s.%s.bias", prefix, name);
    return l;
}

static norm get_norm(source *from, const char *prefix, const char *name, int64_t width)
{
    norm n;
    n.weight = get(from, T_SHAPE(width), 1, 0, "%s.%s.weight", prefix, name);
    n.bias = get(from, T_SHAPE(width), 0, 0, "%s.%s.bias", prefix, name);
    return n;
}

/* Standard deviations as in transformers' CLIPPreTrainedModel._init_weights. */
static radz_status get_tower_weights(source *from, const char *prefix, const clip_tower_config *c, clip_tower *out)
{
    out->config = c;
    out->layers = radz_arena_alloc(&from->model->arena, (size_t)c->layers, sizeof *out->layers, from->err);
    if (out->layers == NULL)
        return RADZ_E_NOMEM;
    double factor = from->model->config.init_factor;
    double d = (double)c->width;
    double in = factor / sqrt(d) / sqrt(2.0 * (double)c->layers);
    double proj = factor / sqrt(d);
    double fc = factor / sqrt(2.0 * d);
    for (int64_t i = 0; i < c->layers; i++) {
        clip_layer *l = &out->layers[i];
        char at[80];
        snprintf(at, sizeof at, "%s.encoder.layers.%" PRId64, prefix, i);
        l->k = get_linear(from, at, "self_attn.k_proj", c->width, c->width, in);
        l->v = get_linear(from, at, "self_attn.v_proj", c->width, c->width, in);
        l->q = get_linear(from, at, "self_attn.q_proj", c->width, c->width, in);
        l->out = get_linear(from, at, "self_attn.out_proj", c->width, c->width, proj);
        l->norm1 = get_norm(from, at, "layer_norm1", c->width);
        l->fc1 = get_linear(from, at, "mlp.fc1", c->mlp_width, c->width, fc);
        l->fc2 = get_linear(from, at, "mlp.fc2", c->width, c->mlp_width, in);
        l->norm2 = get_norm(from, at, "layer_norm2", c->width);
    }
    return RADZ_OK;
}

static int64_t patches_per_side(const clip_config *c)
{
    return c->vision.image_size / c->vision.patch_size;
}

static radz_status get_all(source *from)
{
    clip_model *m = from->model;
    const clip_config *c = &m->config;
    const char *t = "text_model", *v = "vision_model";
    int64_t dt = c->text.width, dv = c->vision.tower.width, p = c->vision.patch_size, side = patches_per_side(c);
    double factor = c->init_factor, image_range = c->init_range * factor;
    radz_status status;

    m->logit_scale = get(from, 0, NULL, c->logit_scale_init, 0, "logit_scale");
    m->token_embedding = get(from, T_SHAPE(c->vocabulary, dt), 0, 0.02 * factor, "%s.embeddings.token_embedding.weight", t);
    m->text_positions = get(from, T_SHAPE(c->context, dt), 0, 0.02 * factor, "%s.embeddings.position_embedding.weight", t);
    if ((status = get_tower_weights(from, t, &c->text, &m->text)) != RADZ_OK)
        return status;
    m->text_norm = get_norm(from, t, "final_layer_norm", dt);
    m->class_embedding = get(from, T_SHAPE(dv), 0, factor / sqrt((double)dv), "%s.embeddings.class_embedding", v);
    m->patch_embedding = get(from, T_SHAPE(dv, c->vision.channels, p, p), 0, image_range, "%s.embeddings.patch_embedding.weight", v);
    m->image_positions = get(from, T_SHAPE(1 + side * side, dv), 0, image_range,
                             "%s.embeddings.position_embedding.weight", v);
    m->image_norm_in = get_norm(from, v, "pre_layrnorm", dv); /* so spelled in every published file */
    if ((status = get_tower_weights(from, v, &c->vision.tower, &m->image)) != RADZ_OK)
        return status;
    m->image_norm_out = get_norm(from, v, "post_layernorm", dv);
    m->image_projection = get(from, T_SHAPE(c->embed_dim, dv), 0, factor / sqrt((double)dv), "visual_projection.weight");
    m->text_projection = get(from, T_SHAPE(c->embed_dim, dt), 0, factor / sqrt((double)dt), "text_projection.weight");
    return from->status;
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
    source from = {.model = m, .files = m->files, .err = err};
    if ((status = get_all(&from)) != RADZ_OK)
        goto fail;
    weights_ignore(m->files, "text_model.embeddings.position_ids"); /* buffers of older files */
    weights_ignore(m->files, "vision_model.embeddings.position_ids");
    if ((status = weights_finish(m->files, err)) != RADZ_OK)
        goto fail;
    if (options->trainable) {
        if ((status = scope_create(SCOPE_INFERENCE, &m->scope, err)) != RADZ_OK)
            goto fail;
        for (size_t i = 0; i < m->parameter_count; i++)
            t_set_leaf(m->scope, m->parameters[i].tensor, true);
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
    source from = {.model = m, .seed = seed, .err = err};
    if ((status = scope_create(SCOPE_INFERENCE, &m->scope, err)) == RADZ_OK && (status = get_all(&from)) == RADZ_OK)
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
    free(m->parameters);
    radz_arena_free(&m->arena);
    free(m);
}

const clip_config *clip_config_of(const clip_model *model)
{
    return &model->config;
}

size_t clip_parameters(const clip_model *model, const clip_parameter **out)
{
    *out = model->parameters;
    return model->parameter_count;
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

static Tensor *apply_linear(Scope *s, const linear *l, Tensor *x)
{
    return t_linear(s, x, l->weight, l->bias);
}

static Tensor *apply_norm(Scope *s, const norm *n, Tensor *x, double eps)
{
    return t_layer_norm(s, x, n->weight, n->bias, eps);
}

static Tensor *activate(Scope *s, Tensor *x, clip_activation activation)
{
    switch (activation) {
    case CLIP_QUICK_GELU:
        return t_quick_gelu(s, x);
    case CLIP_GELU:
        return t_gelu(s, x);
    case CLIP_GELU_TANH:
        return t_gelu_tanh(s, x);
    case CLIP_RELU:
        return t_relu(s, x);
    }
    return scope_fail(s, RADZ_E_INTERNAL, "activation %d", (int)activation);
}

/* [B,T,d] -> [B,H,T,d/H] */
static Tensor *split_heads(Scope *s, Tensor *x, int64_t heads)
{
    return t_transpose(s, t_reshape(s, x, T_SHAPE(t_size(x, 0), t_size(x, 1), heads, t_size(x, 2) / heads)), 1, 2);
}

static Tensor *merge_heads(Scope *s, Tensor *x)
{
    Tensor *y = t_transpose(s, x, 1, 2);
    return t_reshape(s, y, T_SHAPE(t_size(y, 0), t_size(y, 1), t_size(y, 2) * t_size(y, 3)));
}

/* x + y; in the memory of y where no gradient needs it. */
static Tensor *add_residual(Scope *s, Tensor *x, Tensor *y)
{
    return scope_kind(s) == SCOPE_GRAD ? t_add(s, x, y) : t_add_(s, y, x, 1.0);
}

/* One pre-norm transformer layer. `ask` [B,Q,d] are the positions whose new values are wanted, `x` [B,T,d] all of them
 * (the same tensor but in the last layer); -> [B,Q,d]. */
static Tensor *run_layer(Scope *s, const clip_tower_config *c, const clip_layer *l, Tensor *ask, Tensor *x,
                         const Tensor *mask, bool causal)
{
    double scale = 1.0 / sqrt((double)(c->width / c->heads));
    Tensor *h = apply_norm(s, &l->norm1, x, c->norm_eps);
    Tensor *h_ask = ask == x ? h : apply_norm(s, &l->norm1, ask, c->norm_eps);
    Tensor *q = split_heads(s, apply_linear(s, &l->q, h_ask), c->heads);
    Tensor *k = split_heads(s, apply_linear(s, &l->k, h), c->heads);
    Tensor *v = split_heads(s, apply_linear(s, &l->v, h), c->heads);
    Tensor *a = merge_heads(s, t_attention(s, q, k, v, mask, causal, scale));
    Tensor *y = add_residual(s, ask, apply_linear(s, &l->out, a));
    Tensor *f = activate(s, apply_linear(s, &l->fc1, apply_norm(s, &l->norm2, y, c->norm_eps)), c->activation);
    return add_residual(s, y, apply_linear(s, &l->fc2, f));
}

/* All layers; of the last one only the position that becomes the embedding: `pool` i64 [B], or NULL for position 0.
 * x [B,T,d] -> [B,d] */
static Tensor *run_tower(Scope *s, const clip_tower *tower, Tensor *x, const Tensor *pool, bool causal)
{
    const clip_tower_config *c = tower->config;
    size_t mark = scope_mark(s);
    for (int64_t i = 0; i + 1 < c->layers; i++)
        x = scope_release(s, mark, run_layer(s, c, &tower->layers[i], x, x, NULL, causal));

    Tensor *ask, *mask = NULL;
    if (pool != NULL) {
        ask = t_unsqueeze(s, t_pick(s, x, pool), 1);
        Tensor *positions = t_arange(s, 0, t_size(x, 1), T_I64, t_device(x));
        Tensor *last = t_reshape(s, pool, T_SHAPE(-1, 1, 1, 1));
        mask = t_less(s, positions, t_shift(s, last, 1)); /* [B,1,1,T]: what a causal row `pool` may see */
    } else {
        ask = t_slice(s, x, 1, 0, 1);
    }
    x = run_layer(s, c, &tower->layers[c->layers - 1], ask, x, mask, false);
    return t_squeeze(s, x, 1);
}

Tensor *clip_image_features(Scope *s, const clip_model *m, const Tensor *pixels)
{
    const clip_config *c = &m->config;
    if (!scope_ok(s))
        return NULL;
    if (t_ndim(pixels) != 4 || t_size(pixels, 1) != 3 || t_size(pixels, 2) != c->vision.image_size ||
        t_size(pixels, 3) != c->vision.image_size) {
        char found[T_SHAPE_TEXT_SIZE];
        t_shape_text(pixels, found);
        return scope_fail(s, RADZ_E_INTERNAL, "pixels are %s, the model wants [B,3,%" PRId64 ",%" PRId64 "]", found,
                          c->vision.image_size, c->vision.image_size);
    }
    int64_t b = t_size(pixels, 0), p = c->vision.patch_size, side = patches_per_side(c), d = c->vision.tower.width;
    size_t mark = scope_mark(s);

    /* The patch convolution has stride = kernel, so it is one matrix product over cut-out patches. */
    Tensor *x = t_to(s, pixels, t_dtype(m->patch_embedding), t_device(m->patch_embedding));
    if (side * p != c->vision.image_size)
        x = t_slice(s, t_slice(s, x, 2, 0, side * p), 3, 0, side * p);
    x = t_reshape(s, x, T_SHAPE(b, 3, side, p, side, p));
    x = t_permute(s, x, T_SHAPE(0, 2, 4, 1, 3, 5));
    x = t_reshape(s, x, T_SHAPE(b, side * side, 3 * p * p));
    x = t_linear(s, x, t_reshape(s, m->patch_embedding, T_SHAPE(d, 3 * p * p)), NULL);
    Tensor *parts[2] = {t_expand(s, m->class_embedding, T_SHAPE(b, 1, d)), x};
    x = t_add(s, t_cat(s, parts, 2, 1), m->image_positions); /* [B,1+patches,d] */
    x = scope_release(s, mark, apply_norm(s, &m->image_norm_in, x, c->vision.tower.norm_eps));

    x = run_tower(s, &m->image, x, NULL, false);
    x = apply_norm(s, &m->image_norm_out, x, c->vision.tower.norm_eps);
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
    x = apply_norm(s, &m->text_norm, x, c->text.norm_eps);
    return scope_release(s, mark, t_linear(s, x, m->text_projection, NULL));
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static void put_tower(radz_json_writer *w, const clip_tower_config *c)
{
    radz_json_put_i64(w, "hidden_size", c->width);
    radz_json_put_i64(w, "intermediate_size", c->mlp_width);
    radz_json_put_i64(w, "num_hidden_layers", c->layers);
    radz_json_put_i64(w, "num_attention_heads", c->heads);
    radz_json_put_string(w, "hidden_act", clip_activation_name(c->activation));
    radz_json_put_real(w, "layer_norm_eps", c->norm_eps);
}

static radz_status save_config(const clip_model *m, const char *path, radz_error *err)
{
    const clip_config *c = &m->config;
    radz_out out = {0};
    radz_status status = radz_out_open(path, &out, err);
    if (status)
        return status;
    TDtype dtype = t_dtype(m->token_embedding);
    radz_json_writer w;
    radz_json_writer_init(&w, out.stream);
    radz_json_object_begin(&w, NULL);
    radz_json_array_begin_inline(&w, "architectures");
    radz_json_put_string(&w, NULL, "CLIPModel");
    radz_json_array_end(&w);
    radz_json_put_string(&w, "model_type", "clip");
    radz_json_put_i64(&w, "projection_dim", c->embed_dim);
    radz_json_put_real(&w, "logit_scale_init_value", c->logit_scale_init);
    radz_json_put_real(&w, "initializer_factor", c->init_factor);
    radz_json_put_string(&w, "torch_dtype", dtype == T_F16 ? "float16" : dtype == T_BF16 ? "bfloat16" : "float32");
    radz_json_object_begin(&w, "text_config");
    radz_json_put_string(&w, "model_type", "clip_text_model");
    put_tower(&w, &c->text);
    radz_json_put_i64(&w, "vocab_size", c->vocabulary);
    radz_json_put_i64(&w, "max_position_embeddings", c->context);
    radz_json_put_i64(&w, "bos_token_id", c->bos_token);
    radz_json_put_i64(&w, "eos_token_id", c->eos_token);
    radz_json_put_i64(&w, "pad_token_id", c->pad_token);
    radz_json_put_i64(&w, "projection_dim", c->embed_dim);
    radz_json_object_end(&w);
    radz_json_object_begin(&w, "vision_config");
    radz_json_put_string(&w, "model_type", "clip_vision_model");
    put_tower(&w, &c->vision.tower);
    radz_json_put_i64(&w, "image_size", c->vision.image_size);
    radz_json_put_i64(&w, "patch_size", c->vision.patch_size);
    radz_json_put_i64(&w, "num_channels", c->vision.channels);
    radz_json_put_real(&w, "initializer_range", c->init_range);
    radz_json_put_i64(&w, "projection_dim", c->embed_dim);
    radz_json_object_end(&w);
    radz_json_object_end(&w);
    fputc('\n', out.stream);
    return radz_out_commit(&out, err);
}

static radz_status fetch_parameter(void *context, size_t i, void *buffer, size_t bytes, radz_error *err)
{
    (void)bytes; /* safetensors_write computed it from the same shape and type */
    const clip_model *m = context;
    Scope *s = NULL;
    radz_status status = scope_create(SCOPE_INFERENCE, &s, err);
    if (status)
        return status;
    const Tensor *x = m->parameters[i].tensor;
    if (!t_to_host(s, x, t_dtype(x), buffer, (size_t)t_numel(x)))
        status = scope_error(s, err);
    scope_free(s);
    return status;
}

radz_status clip_save(const clip_model *m, const char *dir, radz_error *err)
{
    radz_status status;
    char *weights_path = radz_path_join(dir, "model.safetensors", err);
    char *config_path = radz_path_join(dir, "config.json", err);
    safetensors_entry *entries = radz_calloc(m->parameter_count, sizeof *entries, err);
    if (weights_path == NULL || config_path == NULL || entries == NULL) {
        status = RADZ_E_NOMEM;
        goto done;
    }
    if ((status = radz_mkdirs(dir, err)) != RADZ_OK)
        goto done;
    for (size_t i = 0; i < m->parameter_count; i++) {
        const Tensor *x = m->parameters[i].tensor;
        entries[i] = (safetensors_entry){.name = m->parameters[i].name, .dtype = t_dtype(x), .ndim = t_ndim(x)};
        for (int d = 0; d < entries[i].ndim; d++)
            entries[i].shape[d] = t_size(x, d);
    }
    clip_model *context = (clip_model *)(uintptr_t)m; /* only read */
    if ((status = safetensors_write(weights_path, entries, m->parameter_count, fetch_parameter, context, err)) == RADZ_OK)
        status = save_config(m, config_path, err);
done:
    free(entries);
    free(weights_path);
    free(config_path);
    return status;
}
