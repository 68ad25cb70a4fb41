#include "model/decoder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/rope.h"

static const double SHOWN_WORK = 1e12; /* multiplications: several seconds */

typedef struct projection {
    Tensor *weight, *bias; /* [out,in], [out] or NULL */
    Tensor *down, *up;     /* [r,in], [out,r]: A and B of an update that is trained; NULL: none */
} projection;

typedef struct decoder_block {
    Tensor *norm1, *norm2; /* [d] */
    projection q, k, v, o;
    projection gate, up, down;
} decoder_block;

struct decoder {
    decoder_config config;
    Tensor *embedding; /* [V,d] */
    Tensor *norm;      /* [d] */
    Tensor *head;      /* [V,d] */
    decoder_block *blocks;
    float *inverse_frequencies; /* [head_dim/2] */
    double attention;           /* factor of the rotary tables */
    double update;              /* factor of the updates: alpha / rank */
    TDtype compute;
    Scope *scope;               /* of merged weights */
};

/* ---- weights ------------------------------------------------------------------------------------------------------ */

/* `share` of the residual stream's growth: 1 for what only feeds other layers. */
static projection take(decoder *d, const decoder_source *source, int64_t block, const char *name, int64_t out, int64_t in,
                       bool bias, double share)
{
    projection p = {0};
    char module[96];
    snprintf(module, sizeof module, "layers.%" PRId64 ".%s", block, name);
    p.weight = parameters_get(source->from, T_SHAPE(out, in), 0, share / sqrt((double)in), "%s.%s.weight", source->prefix, module);
    for (size_t i = 0; p.weight != NULL && i < source->update_count; i++)
        p.weight = lora_merge(d->scope, source->updates[i], module, p.weight);
    if (bias)
        p.bias = parameters_get(source->from, T_SHAPE(out), 0, 0, "%s.%s.bias", source->prefix, module);
    return p;
}

static void take_all(decoder *d, const decoder_source *source)
{
    const decoder_config *c = &d->config;
    model_parameters *from = source->from;
    const char *prefix = source->prefix;
    int64_t w = c->hidden, q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
    double residual = 1 / sqrt(2.0 * (double)c->layers), embedding = 1 / sqrt((double)w);
    d->embedding = parameters_get(from, T_SHAPE(c->vocabulary, w), 0, embedding, "%s.embed_tokens.weight", prefix);
    for (int64_t i = 0; i < c->layers; i++) {
        decoder_block *b = &d->blocks[i];
        b->norm1 = parameters_get(from, T_SHAPE(w), 1, 0, "%s.layers.%" PRId64 ".input_layernorm.weight", prefix, i);
        b->q = take(d, source, i, "self_attn.q_proj", q, w, c->attention_bias, 1);
        b->k = take(d, source, i, "self_attn.k_proj", kv, w, c->attention_bias, 1);
        b->v = take(d, source, i, "self_attn.v_proj", kv, w, c->attention_bias, 1);
        b->o = take(d, source, i, "self_attn.o_proj", w, q, c->attention_bias, residual);
        b->norm2 = parameters_get(from, T_SHAPE(w), 1, 0, "%s.layers.%" PRId64 ".post_attention_layernorm.weight", prefix, i);
        b->gate = take(d, source, i, "mlp.gate_proj", c->mlp, w, c->mlp_bias, 1);
        b->up = take(d, source, i, "mlp.up_proj", c->mlp, w, c->mlp_bias, 1);
        b->down = take(d, source, i, "mlp.down_proj", w, c->mlp, c->mlp_bias, residual);
        char buffer[256]; /* saved by transformers before 4.32 */
        snprintf(buffer, sizeof buffer, "%s.layers.%" PRId64 ".self_attn.rotary_emb.inv_freq", prefix, i);
        if (from->files != NULL)
            weights_ignore(from->files, buffer);
    }
    d->norm = parameters_get(from, T_SHAPE(w), 1, 0, "%s.norm.weight", prefix);
    if (c->tied) {
        d->head = d->embedding;
        if (from->files != NULL)
            weights_ignore(from->files, source->head);
    } else {
        d->head = parameters_get(from, T_SHAPE(c->vocabulary, w), 0, embedding, "%s", source->head);
        for (size_t i = 0; d->head != NULL && i < source->update_count; i++)
            d->head = lora_merge(d->scope, source->updates[i], "lm_head", d->head);
    }
}

radz_status decoder_open(const decoder_config *config, const decoder_source *source, decoder **out, radz_error *err)
{
    *out = NULL;
    radz_status status;
    decoder *d = radz_calloc(1, sizeof *d, err);
    if (d == NULL)
        return RADZ_E_NOMEM;
    d->config = *config;
    d->blocks = radz_calloc((size_t)config->layers, sizeof *d->blocks, err);
    d->inverse_frequencies = radz_calloc((size_t)config->head_dim / 2, sizeof *d->inverse_frequencies, err);
    status = d->blocks != NULL && d->inverse_frequencies != NULL ? scope_create(SCOPE_INFERENCE, &d->scope, err) : RADZ_E_NOMEM;
    if (status == RADZ_OK) {
        rope_frequencies(&config->rope, config->head_dim, d->inverse_frequencies, &d->attention);
        source->from->err = err;
        take_all(d, source);
        source->from->err = NULL;
        d->compute = t_dtype(d->embedding);
        status = source->from->status != RADZ_OK ? source->from->status : scope_error(d->scope, err);
    }
    if (status) {
        decoder_free(d);
        return status;
    }
    *out = d;
    return RADZ_OK;
}

void decoder_free(decoder *d)
{
    if (d == NULL)
        return;
    scope_free(d->scope);
    free(d->blocks);
    free(d->inverse_frequencies);
    free(d);
}

const decoder_config *decoder_config_of(const decoder *d)
{
    return &d->config;
}

TDtype decoder_dtype(const decoder *d)
{
    return d->compute;
}

void decoder_compute_in(decoder *d, TDtype dtype)
{
    d->compute = dtype;
}

radz_status decoder_adapt(decoder *d, model_parameters *from, int64_t rank, double alpha, radz_error *err)
{
    d->update = alpha / (double)rank;
    from->err = err;
    for (int64_t i = 0; i < d->config.layers; i++) {
        decoder_block *b = &d->blocks[i];
        const struct {
            projection *p;
            const char *module;
        } all[] = {{&b->q, "self_attn.q_proj"}, {&b->k, "self_attn.k_proj"}, {&b->v, "self_attn.v_proj"},
                   {&b->o, "self_attn.o_proj"}, {&b->gate, "mlp.gate_proj"}, {&b->up, "mlp.up_proj"},
                   {&b->down, "mlp.down_proj"}};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            int64_t out = t_size(all[k].p->weight, 0), in = t_size(all[k].p->weight, 1);
            all[k].p->down = parameters_get(from, T_SHAPE(rank, in), 0, 1 / sqrt(3.0 * (double)in),
                                            "lora.layers.%" PRId64 ".%s.lora_A.weight", i, all[k].module);
            all[k].p->up = parameters_get(from, T_SHAPE(out, rank), 0, 0, "lora.layers.%" PRId64 ".%s.lora_B.weight", i,
                                          all[k].module);
        }
    }
    from->err = NULL;
    return from->status;
}

TDevice decoder_device(const decoder *d)
{
    return t_device(d->embedding);
}

/* ---- keys and values ---------------------------------------------------------------------------------------------- */

struct kv_cache {
    const decoder *model;
    int64_t batch, length, capacity;
    Tensor **keys, **values; /* [layers] each [batch,kv_heads,capacity,head_dim] */
    decoder_place *places;   /* [capacity] */
    Scope *scope;
};

radz_status kv_cache_create(const decoder *d, int64_t batch, int64_t capacity, kv_cache **out, radz_error *err)
{
    *out = NULL;
    kv_cache *cache = radz_calloc(1, sizeof *cache, err);
    if (cache == NULL)
        return RADZ_E_NOMEM;
    cache->model = d;
    cache->batch = batch;
    cache->keys = radz_calloc((size_t)d->config.layers, sizeof *cache->keys, err);
    cache->values = radz_calloc((size_t)d->config.layers, sizeof *cache->values, err);
    radz_status status = cache->keys != NULL && cache->values != NULL ? kv_cache_reserve(cache, capacity, err) : RADZ_E_NOMEM;
    if (status) {
        kv_cache_free(cache);
        return status;
    }
    *out = cache;
    return RADZ_OK;
}

radz_status kv_cache_reserve(kv_cache *cache, int64_t capacity, radz_error *err)
{
    if (capacity <= cache->capacity)
        return RADZ_OK;
    const decoder *d = cache->model;
    const decoder_config *c = &d->config;
    Scope *s = NULL;
    radz_status status = scope_create(SCOPE_INFERENCE, &s, err);
    if (status)
        return status;
    decoder_place *places = radz_calloc((size_t)capacity, sizeof *places, err);
    if (places == NULL) {
        scope_free(s);
        return RADZ_E_NOMEM;
    }
    for (int64_t i = 0; scope_ok(s) && i < 2 * c->layers; i++) {
        Tensor **list = i % 2 == 0 ? cache->keys : cache->values;
        Tensor *old = list[i / 2];
        Tensor *x = t_zeros(s, T_SHAPE(cache->batch, c->kv_heads, capacity, c->head_dim), decoder_dtype(d), decoder_device(d));
        if (old != NULL && cache->length > 0) {
            size_t mark = scope_mark(s);
            t_copy_(s, t_slice(s, x, 2, 0, cache->length), t_slice(s, old, 2, 0, cache->length));
            scope_release(s, mark, NULL);
        }
        if (old != NULL)
            t_drop(cache->scope, old);
        list[i / 2] = x;
    }
    if ((status = scope_error(s, err)) != RADZ_OK) { /* part of the old ones are gone: nothing is left */
        cache->length = cache->capacity = 0;
        memset(cache->keys, 0, (size_t)c->layers * sizeof *cache->keys);
        memset(cache->values, 0, (size_t)c->layers * sizeof *cache->values);
        scope_free(s);
        free(places);
        return status;
    }
    if (cache->length > 0)
        memcpy(places, cache->places, (size_t)cache->length * sizeof *places);
    free(cache->places);
    scope_free(cache->scope);
    cache->places = places;
    cache->scope = s;
    cache->capacity = capacity;
    return RADZ_OK;
}

void kv_cache_free(kv_cache *cache)
{
    if (cache == NULL)
        return;
    scope_free(cache->scope);
    free(cache->keys);
    free(cache->values);
    free(cache->places);
    free(cache);
}

int64_t kv_cache_length(const kv_cache *cache)
{
    return cache->length;
}

void kv_cache_truncate(kv_cache *cache, int64_t length)
{
    if (length < cache->length)
        cache->length = length;
}

/* ---- forward ------------------------------------------------------------------------------------------------------ */

typedef struct step {
    int64_t batch, count, before; /* B, N, entries of the cache before them */
    Tensor *cosines, *sines;      /* [N,head_dim/2] */
    int64_t groups, width;        /* G: owners whose attention is computed each by itself; entries that each may see */
    Tensor *entries;              /* i64 [G width], which those are; NULL: all, and G is 1 */
    Tensor *mask;                 /* [B G or 1, 1, heads/kv_heads * N/G, width], added: 0 or -infinity */
} step;

static bool sees(const decoder_config *c, const decoder_place *self, const decoder_place *other)
{
    if (self == other)
        return true;
    if (other->padding || self->padding || (other->owner != DECODER_ALL && other->owner != self->owner))
        return false;
    return other->position < self->position && (c->window == 0 || self->position - other->position < c->window);
}

/* How many owners the places belong to, in parts of one size, with as many entries before them each; 1: it is not so. */
static int64_t count_groups(const decoder_place *before, int64_t before_count, const decoder_place *places, int64_t count)
{
    int64_t groups = (int64_t)places[count - 1].owner + 1, own = 0;
    if (groups < 2 || count % groups != 0)
        return 1;
    for (int64_t i = 0; i < count; i++)
        if (places[i].owner != i / (count / groups))
            return 1;
    for (int64_t g = 0; g < groups; g++) {
        int64_t n = 0;
        for (int64_t i = 0; i < before_count; i++)
            n += before[i].owner == g;
        if (g > 0 && n != own)
            return 1;
        own = n;
    }
    return groups;
}

/* Which entries a group may see, in their order; gives how many. */
static int64_t list_entries(const decoder_place *before, int64_t before_count, int64_t count, int64_t groups, int64_t group,
                            int64_t *out)
{
    int64_t n = 0, part = count / groups;
    for (int64_t i = 0; i < before_count; i++)
        if (groups == 1 || before[i].owner == DECODER_ALL || before[i].owner == group)
            out[n++] = i;
    for (int64_t i = 0; i < part; i++)
        out[n++] = before_count + group * part + i;
    return n;
}

/* Groups, their entries and the mask. The queries of the heads that share keys stand one after the other, so the mask's rows
 * repeat. */
static void make_groups(Scope *s, const decoder *d, const decoder_place *before, const decoder_place *places, step *st)
{
    int64_t count = st->count, all = st->before + count, group = d->config.heads / d->config.kv_heads;
    int64_t groups = st->before > 0 ? count_groups(before, st->before, places, count) : 1, part = count / groups, width = 0;
    radz_error err = {0};
    int64_t *entries = radz_calloc((size_t)(groups * all), sizeof *entries, &err);
    float *rows = radz_calloc((size_t)(count * all), sizeof *rows, &err);
    if (entries == NULL || rows == NULL) {
        scope_fail(s, RADZ_E_NOMEM, "%s", err.message);
        goto done;
    }
    for (int64_t g = 0; g < groups; g++)
        width = list_entries(before, st->before, count, groups, g, entries + g * width);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < width; k++) {
            int64_t entry = entries[i / part * width + k];
            const decoder_place *other = entry < st->before ? &before[entry] : &places[entry - st->before];
            rows[i * width + k] = sees(&d->config, &places[i], other) ? 0.0F : -INFINITY;
        }
    }
    st->groups = groups;
    st->width = width;
    TDevice device = decoder_device(d);
    if (groups > 1)
        st->entries = t_to(s, t_from_host(s, entries, T_SHAPE(groups * width), T_I64), T_I64, device);
    Tensor *mask = t_to(s, t_from_host(s, rows, T_SHAPE(1, groups, 1, part, width), T_F32), decoder_dtype(d), device);
    int64_t rows_of_batch = groups > 1 ? st->batch : 1;
    mask = t_expand(s, mask, T_SHAPE(rows_of_batch, groups, group, part, width));
    st->mask = t_reshape(s, mask, T_SHAPE(rows_of_batch * groups, 1, group * part, width));
done:
    free(entries);
    free(rows);
}

static void make_tables(Scope *s, const decoder *d, const decoder_place *places, step *st)
{
    int64_t half = d->config.head_dim / 2, n = st->count;
    radz_error err = {0};
    int64_t *positions = radz_calloc((size_t)n, sizeof *positions, &err);
    float *tables = radz_calloc((size_t)(2 * n * half), sizeof *tables, &err);
    if (positions == NULL || tables == NULL) {
        scope_fail(s, RADZ_E_NOMEM, "%s", err.message);
    } else {
        for (int64_t i = 0; i < n; i++)
            positions[i] = places[i].position;
        rope_tables(d->inverse_frequencies, d->config.head_dim, d->attention, positions, n, tables, tables + n * half);
        st->cosines = t_to(s, t_from_host(s, tables, T_SHAPE(n, half), T_F32), decoder_dtype(d), decoder_device(d));
        st->sines = t_to(s, t_from_host(s, tables + n * half, T_SHAPE(n, half), T_F32), decoder_dtype(d), decoder_device(d));
    }
    free(positions);
    free(tables);
}

static Tensor *as_computed(Scope *s, const decoder *d, Tensor *weight)
{
    return weight_as(s, weight, d->compute);
}

static Tensor *project(Scope *s, const decoder *d, const projection *p, const Tensor *x)
{
    Tensor *y = t_linear(s, x, as_computed(s, d, p->weight), as_computed(s, d, p->bias));
    if (p->down == NULL)
        return y;
    Tensor *low = t_linear(s, x, as_computed(s, d, p->down), NULL);
    return t_add(s, y, t_scale(s, t_linear(s, low, as_computed(s, d, p->up), NULL), d->update));
}

/* [B,N,H dh] -> [B,H,N,dh] */
static Tensor *heads_of(Scope *s, Tensor *x, int64_t heads, int64_t width)
{
    return t_transpose(s, t_reshape(s, x, T_SHAPE(t_size(x, 0), t_size(x, 1), heads, width)), 1, 2);
}

/* x + y in the memory of y where no gradient needs it. */
static Tensor *add_in_place(Scope *s, Tensor *x, Tensor *y)
{
    return scope_kind(s) == SCOPE_GRAD ? t_add(s, x, y) : t_add_(s, y, x, 1.0);
}

/* [B,kv,entries,dh] -> [B G,kv,width,dh]: what each group may see */
static Tensor *entries_of(Scope *s, Tensor *x, const step *st, int64_t rows)
{
    int64_t kv = t_size(x, 1), w = t_size(x, 3);
    Tensor *y = t_reshape(s, t_index_select(s, x, 2, st->entries), T_SHAPE(st->batch, kv, st->groups, st->width, w));
    return t_reshape(s, t_transpose(s, y, 1, 2), T_SHAPE(rows, kv, st->width, w));
}

static Tensor *attend(Scope *s, const decoder *d, const decoder_block *b, kv_cache *cache, int64_t layer, Tensor *x,
                      const step *st)
{
    const decoder_config *c = &d->config;
    int64_t n = st->count, group = c->heads / c->kv_heads, w = c->head_dim;
    Tensor *q = t_rope(s, heads_of(s, project(s, d, &b->q, x), c->heads, w), st->cosines, st->sines);
    Tensor *k = t_rope(s, heads_of(s, project(s, d, &b->k, x), c->kv_heads, w), st->cosines, st->sines);
    Tensor *v = heads_of(s, project(s, d, &b->v, x), c->kv_heads, w);
    if (cache != NULL) {
        int64_t end = st->before + n;
        t_copy_(s, t_slice(s, cache->keys[layer], 2, st->before, end), k);
        t_copy_(s, t_slice(s, cache->values[layer], 2, st->before, end), v);
        k = t_slice(s, cache->keys[layer], 2, 0, end);
        v = t_slice(s, cache->values[layer], 2, 0, end);
    }
    /* Query heads that share keys become further queries of one head: no key is copied but for groups. */
    int64_t groups = st->groups, part = n / groups, rows = st->batch * groups;
    q = t_transpose(s, t_reshape(s, q, T_SHAPE(st->batch, c->heads, groups, part, w)), 1, 2);
    q = t_reshape(s, q, T_SHAPE(rows, c->kv_heads, group * part, w));
    if (st->entries != NULL) {
        k = entries_of(s, k, st, rows);
        v = entries_of(s, v, st, rows);
    }
    Tensor *a = t_attention(s, q, k, v, st->mask, false, 1.0 / sqrt((double)w));
    a = t_transpose(s, t_reshape(s, a, T_SHAPE(st->batch, groups, c->heads, part, w)), 1, 2);
    a = t_transpose(s, t_reshape(s, a, T_SHAPE(st->batch, c->heads, n, w)), 1, 2);
    return project(s, d, &b->o, t_reshape(s, a, T_SHAPE(st->batch, n, c->heads * w)));
}

static Tensor *run_block(Scope *s, const decoder *d, kv_cache *cache, int64_t layer, Tensor *x, const step *st)
{
    const decoder_block *b = &d->blocks[layer];
    double eps = d->config.norm_eps;
    Tensor *y = add_in_place(s, x, attend(s, d, b, cache, layer, t_rms_norm(s, x, as_computed(s, d, b->norm1), eps), st));
    Tensor *h = t_rms_norm(s, y, as_computed(s, d, b->norm2), eps);
    Tensor *f = t_mul(s, t_silu(s, project(s, d, &b->gate, h)), project(s, d, &b->up, h));
    return add_in_place(s, y, project(s, d, &b->down, f));
}

Tensor *decoder_embed(Scope *s, const decoder *d, const Tensor *ids)
{
    return as_computed(s, d, t_embedding(s, d->embedding, t_to(s, ids, T_I64, decoder_device(d))));
}

/* The state `layer`, and in `*last`, unless it is NULL, the last one after the norm. */
static Tensor *run(Scope *s, const decoder *d, kv_cache *cache, Tensor *x, const decoder_place *places, int64_t layer,
                   Tensor **last)
{
    if (!scope_ok(s))
        return NULL;
    const decoder_config *c = &d->config;
    step st = {.batch = t_size(x, 0), .count = t_size(x, 1), .before = cache != NULL ? cache->length : 0};
    if (layer < 0 || layer > c->layers || st.count < 1 || t_size(x, 2) != c->hidden ||
        (cache != NULL && (st.batch != cache->batch || st.before + st.count > cache->capacity))) {
        char found[T_SHAPE_TEXT_SIZE];
        t_shape_text(x, found);
        return scope_fail(s, RADZ_E_INTERNAL, "decoder: layer %" PRId64 " of %s after %" PRId64 " entries is not possible", layer,
                          found, st.before);
    }
    size_t mark = scope_mark(s);
    make_groups(s, d, cache != NULL ? cache->places : NULL, places, &st);
    make_tables(s, d, places, &st);
    int64_t blocks = cache != NULL || last != NULL ? c->layers : layer;
    Tensor *state = layer == 0 ? x : NULL;
    /* A long prompt of a large model takes minutes on a cpu. Not ended: the progress of the images goes on in its place. */
    radz_progress progress;
    double work = (double)(st.batch * st.count * blocks * c->hidden) * (double)(2 * c->hidden + 3 * c->mlp);
    bool shown = decoder_device(d).kind == T_CPU && work > SHOWN_WORK;
    if (shown)
        radz_progress_begin(&progress, "decoder", "layers", (size_t)blocks);
    for (int64_t i = 0; i < blocks && scope_ok(s); i++) {
        size_t inner = scope_mark(s);
        x = scope_release(s, inner, run_block(s, d, cache, i, x, &st));
        if (i + 1 == layer && layer < blocks)
            state = t_alias(s, x);
        if (shown)
            radz_progress_step(&progress, 1);
        if (shown && radz_cancelled()) {
            radz_error err = {0};
            radz_status cancelled = radz_fail_interrupted(&err);
            scope_fail(s, cancelled, "%s", err.message);
        }
    }
    if (state == NULL)
        state = x;
    Tensor *norm = as_computed(s, d, d->norm);
    if (layer == c->layers)
        state = t_rms_norm(s, state, norm, c->norm_eps);
    if (last != NULL) /* nothing is freed early: gradients want it anyway */
        *last = layer == c->layers ? state : t_rms_norm(s, x, norm, c->norm_eps);
    if (cache != NULL && scope_ok(s)) {
        memcpy(cache->places + st.before, places, (size_t)st.count * sizeof *places);
        cache->length = st.before + st.count;
    }
    return last != NULL ? state : scope_release(s, mark, t_alias(s, state));
}

Tensor *decoder_run(Scope *s, const decoder *d, kv_cache *cache, Tensor *x, const decoder_place *places, int64_t layer)
{
    return run(s, d, cache, x, places, layer, NULL);
}

void decoder_run_both(Scope *s, const decoder *d, Tensor *x, const decoder_place *places, int64_t layer, Tensor **state,
                      Tensor **last)
{
    *last = NULL;
    *state = run(s, d, NULL, x, places, layer, last);
}

Tensor *decoder_logits(Scope *s, const decoder *d, const Tensor *hidden, const Tensor *wanted)
{
    if (wanted == NULL)
        return t_linear(s, hidden, as_computed(s, d, d->head), NULL);
    size_t mark = scope_mark(s);
    Tensor *rows = as_computed(s, d, t_index_select(s, d->head, 0, t_to(s, wanted, T_I64, decoder_device(d))));
    return scope_release(s, mark, t_linear(s, hidden, rows, NULL));
}
