#include "model/clip_tower.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

radz_status clip_tower_take(model_parameters *from, radz_arena *arena, const char *prefix, const clip_tower_config *c,
                            int64_t count, double factor, clip_tower *out, radz_error *err)
{
    *out = (clip_tower){.config = c, .count = count};
    out->layers = radz_arena_alloc(arena, (size_t)count, sizeof *out->layers, err);
    if (out->layers == NULL)
        return RADZ_E_NOMEM;
    double d = (double)c->width;
    double in = factor / sqrt(d);
    double residual = in / sqrt(2.0 * (double)c->layers); /* of the two that add to the residual stream */
    double fc = factor / sqrt(2.0 * d);
    for (int64_t i = 0; i < count; i++) {
        clip_layer *l = &out->layers[i];
        char at[200];
        snprintf(at, sizeof at, "%sencoder.layers.%" PRId64 ".", prefix, i);
        l->k = parameters_linear(from, at, "self_attn.k_proj", c->width, c->width, in);
        l->v = parameters_linear(from, at, "self_attn.v_proj", c->width, c->width, in);
        l->q = parameters_linear(from, at, "self_attn.q_proj", c->width, c->width, in);
        l->out = parameters_linear(from, at, "self_attn.out_proj", c->width, c->width, residual);
        l->norm1 = parameters_norm(from, at, "layer_norm1", c->width);
        l->fc1 = parameters_linear(from, at, "mlp.fc1", c->mlp_width, c->width, fc);
        l->fc2 = parameters_linear(from, at, "mlp.fc2", c->width, c->mlp_width, residual);
        l->norm2 = parameters_norm(from, at, "layer_norm2", c->width);
    }
    return from->status;
}

radz_status clip_vision_take(model_parameters *from, radz_arena *arena, const char *prefix, const clip_vision_config *c,
                             int64_t count, double factor, double range, clip_vision *out, radz_error *err)
{
    int64_t d = c->tower.width, p = c->patch_size;
    *out = (clip_vision){.config = c};
    out->class_embedding = parameters_get(from, T_SHAPE(d), 0, factor / sqrt((double)d), "%sembeddings.class_embedding", prefix);
    out->patch_embedding = parameters_get(from, T_SHAPE(d, c->channels, p, p), 0, range * factor,
                                          "%sembeddings.patch_embedding.weight", prefix);
    out->positions = parameters_get(from, T_SHAPE(1 + clip_vision_patches(c), d), 0, range * factor,
                                    "%sembeddings.position_embedding.weight", prefix);
    out->norm_in = parameters_norm(from, prefix, "pre_layrnorm", d); /* so spelled in every published file */
    return clip_tower_take(from, arena, prefix, &c->tower, count, factor, &out->tower, err);
}

Tensor *clip_activate(Scope *s, Tensor *x, clip_activation activation)
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

Tensor *clip_layer_run(Scope *s, const clip_tower_config *c, const clip_layer *l, Tensor *ask, Tensor *x,
                       const Tensor *mask, bool causal)
{
    double scale = 1.0 / sqrt((double)(c->width / c->heads));
    Tensor *h = norm_apply(s, &l->norm1, x, c->norm_eps);
    Tensor *h_ask = ask == x ? h : norm_apply(s, &l->norm1, ask, c->norm_eps);
    Tensor *q = split_heads(s, linear_apply(s, &l->q, h_ask), c->heads);
    Tensor *k = split_heads(s, linear_apply(s, &l->k, h), c->heads);
    Tensor *v = split_heads(s, linear_apply(s, &l->v, h), c->heads);
    Tensor *a = merge_heads(s, t_attention(s, q, k, v, mask, causal, scale));
    Tensor *y = add_residual(s, ask, linear_apply(s, &l->out, a));
    Tensor *f = clip_activate(s, linear_apply(s, &l->fc1, norm_apply(s, &l->norm2, y, c->norm_eps)), c->activation);
    return add_residual(s, y, linear_apply(s, &l->fc2, f));
}


Tensor *clip_vision_embed(Scope *s, const clip_vision *m, const Tensor *pixels)
{
    const clip_vision_config *c = m->config;
    if (!scope_ok(s))
        return NULL;
    if (t_ndim(pixels) != 4 || t_size(pixels, 1) != 3 || t_size(pixels, 2) != c->image_size ||
        t_size(pixels, 3) != c->image_size) {
        char found[T_SHAPE_TEXT_SIZE];
        t_shape_text(pixels, found);
        return scope_fail(s, RADZ_E_INTERNAL, "pixels are %s, the model wants [B,3,%" PRId64 ",%" PRId64 "]", found,
                          c->image_size, c->image_size);
    }
    int64_t b = t_size(pixels, 0), p = c->patch_size, side = c->image_size / p, d = c->tower.width;
    size_t mark = scope_mark(s);

    /* The patch convolution has stride = kernel, so it is one matrix product over cut-out patches. */
    Tensor *x = t_to(s, pixels, t_dtype(m->patch_embedding), t_device(m->patch_embedding));
    if (side * p != c->image_size)
        x = t_slice(s, t_slice(s, x, 2, 0, side * p), 3, 0, side * p);
    x = t_reshape(s, x, T_SHAPE(b, 3, side, p, side, p));
    x = t_permute(s, x, T_SHAPE(0, 2, 4, 1, 3, 5));
    x = t_reshape(s, x, T_SHAPE(b, side * side, 3 * p * p));
    x = t_linear(s, x, t_reshape(s, m->patch_embedding, T_SHAPE(d, 3 * p * p)), NULL);
    Tensor *parts[2] = {t_expand(s, m->class_embedding, T_SHAPE(b, 1, d)), x};
    x = t_add(s, t_cat(s, parts, 2, 1), m->positions);
    return scope_release(s, mark, norm_apply(s, &m->norm_in, x, c->tower.norm_eps));
}

Tensor *clip_vision_hidden(Scope *s, const clip_vision *m, const Tensor *pixels, int64_t layer)
{
    size_t mark = scope_mark(s);
    Tensor *x = clip_vision_embed(s, m, pixels);
    for (int64_t i = 0; i < layer; i++)
        x = scope_release(s, mark, clip_layer_run(s, &m->config->tower, &m->tower.layers[i], x, x, NULL, false));
    return x;
}
