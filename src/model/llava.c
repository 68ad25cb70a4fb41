#include "model/llava.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/clip_tower.h"

enum { MAX_PROJECTOR = 8 };
static const double HEAD_NORM_EPS = 1e-5; /* PyTorch's LayerNorm */

struct llava {
    llava_config config;
    weights *files, *tower_files, *projector_files, *radz_files; /* the last three may be NULL */
    lora *adapter, *radz_lora;
    decoder *decoder;
    clip_vision vision;
    linear_weights projector[MAX_PROJECTOR];
    model_parameters parameters[2]; /* of the tower, of the projector */
    radz_arena arena;

    bool has_radz;
    radz_config radz;
    Tensor *special; /* [K_i+K_t,hidden] */
    norm_weights head_norm;
    linear_weights head1, head2; /* f32 */
    Scope *scope;
};

/* ---- opening ------------------------------------------------------------------------------------------------------ */

/* The first of the prefixes with which the files have PREFIX`name`; NULL: none. */
static const char *find_prefix(const weights *w, const char *const *prefixes, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        char full[256];
        snprintf(full, sizeof full, "%s%s", prefixes[i], name);
        if (weights_has(w, full))
            return prefixes[i];
    }
    return NULL;
}

static radz_status open_decoder(llava *m, radz_error *err)
{
    static const char *const hf[] = {"language_model.model", "model.language_model", "model.language_model.model"};
    lora *updates[2];
    decoder_source from = {.files = m->files, .prefix = "model", .head = "lm_head.weight", .updates = updates};
    if (m->config.layout == LLAVA_HF) {
        from.prefix = find_prefix(m->files, hf, 3, ".embed_tokens.weight");
        if (from.prefix == NULL)
            from.prefix = hf[0];
        if (!weights_has(m->files, from.head))
            from.head = "language_model.lm_head.weight";
    }
    if (m->adapter != NULL)
        updates[from.update_count++] = m->adapter;
    if (m->radz_lora != NULL)
        updates[from.update_count++] = m->radz_lora;
    return decoder_open(&m->config.decoder, &from, &m->decoder, err);
}

static radz_status open_tower(llava *m, const weights_options *how, radz_error *err)
{
    static const char *const prefixes[] = {"model.vision_tower.vision_tower.vision_model.",
                                           "model.vision_tower.vision_tower.",
                                           "vision_tower.vision_model.",
                                           "model.vision_tower.vision_model.",
                                           "vision_tower.",
                                           "model.vision_tower."};
    static const char *const own[] = {"vision_model.", ""};
    radz_status status;
    const char *first = "embeddings.class_embedding";
    weights *files = m->files;
    const char *prefix = find_prefix(files, prefixes, sizeof prefixes / sizeof *prefixes, first);
    if (prefix == NULL && m->config.layout == LLAVA_ORIGINAL) {
        if ((status = weights_open(m->config.tower_dir, how, &m->tower_files, err)) != RADZ_OK)
            return status;
        files = m->tower_files;
        prefix = find_prefix(files, own, 2, first);
        prefix = prefix != NULL ? prefix : own[0];
    }
    if (prefix == NULL)
        prefix = "vision_tower.vision_model.";
    model_parameters *p = &m->parameters[0];
    *p = (model_parameters){.files = files, .err = err};
    status = clip_vision_take(p, &m->arena, prefix, &m->config.vision, m->config.feature_layer, 1, 0, &m->vision, err);
    p->err = NULL;
    if (status)
        return status;
    if (files == m->files) { /* the layers above the one that is read, and what comes after them */
        weights_ignore_prefix(files, "vision_tower.");
        weights_ignore_prefix(files, "model.vision_tower.");
        return RADZ_OK;
    }
    weights_ignore_prefix(files, ""); /* the rest of a whole CLIP model */
    return weights_finish(files, err);
}

static radz_status open_projector(llava *m, const char *dir, const weights_options *how, radz_error *err)
{
    static const char *const hf[] = {"multi_modal_projector.", "model.multi_modal_projector."};
    const llava_config *c = &m->config;
    model_parameters *p = &m->parameters[1];
    weights *files = m->files;
    radz_status status;
    if (c->layout == LLAVA_ORIGINAL && !weights_has(files, "model.mm_projector.0.weight") &&
        !weights_has(files, "model.mm_projector.weight")) { /* trained and saved by itself */
        char *path = radz_path_join(dir, "mm_projector.bin", err);
        if (path == NULL)
            return RADZ_E_NOMEM;
        status = radz_file_exists(path) ? weights_open(path, how, &m->projector_files, err) : RADZ_OK;
        free(path);
        if (status)
            return status;
        files = m->projector_files != NULL ? m->projector_files : files;
    }
    *p = (model_parameters){.files = files, .err = err};
    const char *prefix = c->layout == LLAVA_HF ? find_prefix(files, hf, 2, "linear_1.weight") : "model.";
    prefix = prefix != NULL ? prefix : hf[0];
    int64_t in = c->vision.tower.width, out = c->decoder.hidden;
    for (int i = 0; i < c->projector_layers; i++) {
        char name[64];
        if (c->layout == LLAVA_HF)
            snprintf(name, sizeof name, "linear_%d", i + 1);
        else if (c->projector_layers == 1)
            snprintf(name, sizeof name, "mm_projector%s", weights_has(files, "model.mm_projector.0.weight") ? ".0" : "");
        else
            snprintf(name, sizeof name, "mm_projector.%d", 2 * i);
        m->projector[i].weight = parameters_get(p, T_SHAPE(out, in), 0, 0, "%s%s.weight", prefix, name);
        if (c->projector_bias)
            m->projector[i].bias = parameters_get(p, T_SHAPE(out), 0, 0, "%s%s.bias", prefix, name);
        if (m->adapter != NULL && m->projector[i].weight != NULL)
            m->projector[i].weight = lora_merge(m->scope, m->adapter, name, m->projector[i].weight);
        in = out;
    }
    p->err = NULL;
    if (p->status)
        return p->status;
    return m->projector_files != NULL ? weights_finish(m->projector_files, err) : RADZ_OK;
}

/* ---- RadZ --------------------------------------------------------------------------------------------------------- */

static radz_status read_radz(llava *m, const char *dir, const llava_options *o, radz_error *err)
{
    char *path = radz_path_join(o->radz_dir != NULL ? o->radz_dir : dir, "radz.json", err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status status = RADZ_OK;
    m->has_radz = o->radz_dir != NULL || radz_file_exists(path);
    if (m->has_radz)
        status = radz_config_load(path, &m->radz, err);
    int64_t layers = m->config.decoder.layers;
    if (status == RADZ_OK && m->has_radz && (m->radz.layer > layers || m->radz.layer < -layers - 1))
        status = radz_fail(err, RADZ_E_VALUE, "'%s': key 'layer': %" PRId64 ", but the decoder has %" PRId64 " layers", path,
                           m->radz.layer, layers);
    free(path);
    return status;
}

/* Everything of radz.safetensors but the update of the decoder, which must be there before the decoder's weights. */
static void take_radz(llava *m)
{
    const radz_config *r = &m->radz;
    weights *w = m->radz_files;
    Scope *s = m->scope;
    int64_t d = m->config.decoder.hidden;
    Tensor *parts[2];
    size_t count = 0;
    if (r->image_token_count > 0)
        parts[count++] = weights_take(w, T_SHAPE((int64_t)r->image_token_count, d), "image_tokens");
    if (r->text_token_count > 0)
        parts[count++] = weights_take(w, T_SHAPE((int64_t)r->text_token_count, d), "text_tokens");
    if (count > 0 && parts[0] != NULL && parts[count - 1] != NULL)
        m->special = t_cat(s, parts, count, 0);
    if (r->head_dim > 0) {
        const struct {
            Tensor **to;
            const char *name;
            int ndim;
            int64_t shape[2];
        } all[] = {{&m->head_norm.weight, "head.norm.weight", 1, {d}},
                   {&m->head_norm.bias, "head.norm.bias", 1, {d}},
                   {&m->head1.weight, "head.fc1.weight", 2, {r->head_hidden, d}},
                   {&m->head1.bias, "head.fc1.bias", 1, {r->head_hidden}},
                   {&m->head2.weight, "head.fc2.weight", 2, {r->head_dim, r->head_hidden}},
                   {&m->head2.bias, "head.fc2.bias", 1, {r->head_dim}}};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            Tensor *x = weights_take(w, all[i].ndim, all[i].shape, "%s", all[i].name);
            *all[i].to = x != NULL ? t_cast(s, x, T_F32) : NULL;
        }
    }
}

static radz_status open_radz(llava *m, const char *dir, const llava_options *o, const weights_options *how, radz_error *err)
{
    const radz_config *r = &m->radz;
    if (!m->has_radz || (r->image_token_count + r->text_token_count == 0 && r->head_dim == 0 && r->lora_rank == 0))
        return RADZ_OK;
    char *path = radz_path_join(o->radz_dir != NULL ? o->radz_dir : dir, "radz.safetensors", err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status status = weights_open(path, how, &m->radz_files, err);
    free(path);
    if (status == RADZ_OK && r->lora_rank > 0) {
        status = lora_from_file(weights_files(m->radz_files), r->lora_alpha, r->lora_rank, &m->radz_lora, err);
        weights_ignore_prefix(m->radz_files, "lora.");
    }
    if (status)
        return status;
    take_radz(m);
    return weights_finish(m->radz_files, err);
}

static radz_status check_options(const llava_options *o, radz_error *err)
{
    if (o->dtype != T_F32 && o->dtype != T_F16 && o->dtype != T_BF16)
        return radz_fail(err, RADZ_E_USAGE, "a model computes in f32, f16 or bf16, not in %s", t_dtype_name(o->dtype));
    if (o->dtype == T_F16 && o->device.kind == T_CPU && !t_cpu_computes_f16())
        return radz_fail(err, RADZ_E_UNSUPPORTED, "libtorch %s cannot compute in f16 on the cpu; use f32 or bf16",
                         t_library_version());
    return t_device_check(o->device, err);
}

radz_status llava_open(const char *dir, const llava_options *o, llava **out, radz_error *err)
{
    *out = NULL;
    radz_status status;
    llava *m = radz_calloc(1, sizeof *m, err);
    if (m == NULL)
        return RADZ_E_NOMEM;
    weights_options how = {.device = o->device, .dtype = o->dtype, .threads = o->threads};
    if ((status = llava_config_load(dir, o->tower_dir, &m->config, err)) != RADZ_OK ||
        (status = check_options(o, err)) != RADZ_OK || (status = read_radz(m, dir, o, err)) != RADZ_OK ||
        (status = scope_create(SCOPE_INFERENCE, &m->scope, err)) != RADZ_OK ||
        (o->adapter_dir != NULL && (status = lora_open(o->adapter_dir, &m->adapter, err)) != RADZ_OK) ||
        (status = weights_open(dir, &how, &m->files, err)) != RADZ_OK ||
        (status = open_radz(m, dir, o, &how, err)) != RADZ_OK || (status = open_decoder(m, err)) != RADZ_OK)
        goto fail;
    if (m->config.layout != LLAVA_TEXT_ONLY && ((status = open_tower(m, &how, err)) != RADZ_OK ||
                                                (status = open_projector(m, dir, &how, err)) != RADZ_OK))
        goto fail;
    if (m->config.layout != LLAVA_HF)
        weights_ignore(m->files, "model.image_newline"); /* of LLaVA 1.6; unused without image grids */
    if ((status = weights_finish(m->files, err)) != RADZ_OK || (status = scope_error(m->scope, err)) != RADZ_OK ||
        (m->adapter != NULL && (status = lora_finish(m->adapter, err)) != RADZ_OK) ||
        (m->radz_lora != NULL && (status = lora_finish(m->radz_lora, err)) != RADZ_OK))
        goto fail;
    *out = m;
    return RADZ_OK;
fail:
    llava_free(m);
    return status;
}

void llava_free(llava *m)
{
    if (m == NULL)
        return;
    decoder_free(m->decoder);
    scope_free(m->scope);
    parameters_free(&m->parameters[0]);
    parameters_free(&m->parameters[1]);
    lora_free(m->adapter);
    lora_free(m->radz_lora);
    weights_free(m->radz_files);
    weights_free(m->projector_files);
    weights_free(m->tower_files);
    weights_free(m->files);
    radz_arena_free(&m->arena);
    free(m);
}

const llava_config *llava_config_of(const llava *m)
{
    return &m->config;
}

const decoder *llava_decoder(const llava *m)
{
    return m->decoder;
}

const radz_config *llava_radz(const llava *m)
{
    return m->has_radz ? &m->radz : NULL;
}

/* ---- prompts ------------------------------------------------------------------------------------------------------ */

/* The row of an id in the special table; -1: it is one of the base. */
static int64_t special_row(const llava *m, int64_t id)
{
    if (!m->has_radz)
        return -1;
    for (size_t i = 0; i < m->radz.image_token_count; i++)
        if (m->radz.image_tokens[i].id == id)
            return (int64_t)i;
    for (size_t i = 0; i < m->radz.text_token_count; i++)
        if (m->radz.text_tokens[i].id == id)
            return (int64_t)(m->radz.image_token_count + i);
    return -1;
}

int64_t llava_vocabulary(const llava *m)
{
    int64_t n = m->config.decoder.vocabulary;
    for (size_t i = 0; m->has_radz && i < m->radz.image_token_count; i++)
        n = m->radz.image_tokens[i].id >= n ? m->radz.image_tokens[i].id + 1 : n;
    for (size_t i = 0; m->has_radz && i < m->radz.text_token_count; i++)
        n = m->radz.text_tokens[i].id >= n ? m->radz.text_tokens[i].id + 1 : n;
    return n;
}

static bool is_picture(const llava *m, int64_t id)
{
    return m->config.image_tokens > 0 && id == m->config.image_token;
}

radz_status llava_prompt_length(const llava *m, const int32_t *ids, size_t count, size_t images, int64_t reserve,
                                int64_t *out, radz_error *err)
{
    const llava_config *c = &m->config;
    size_t pictures = 0;
    int64_t length = 0;
    if (count == 0)
        return radz_fail(err, RADZ_E_VALUE, "a prompt without a single token");
    for (size_t i = 0; i < count; i++) {
        if (is_picture(m, ids[i])) {
            pictures++;
            length += c->image_tokens;
            continue;
        }
        length++;
        if (special_row(m, ids[i]) < 0 && (ids[i] < 0 || ids[i] >= c->decoder.vocabulary))
            return radz_fail(err, RADZ_E_VALUE, "token %zu of a prompt has id %" PRId32 ", the model's embeddings are 0 to %" PRId64,
                             i, ids[i], c->decoder.vocabulary - 1);
    }
    if (pictures != images)
        return radz_fail(err, RADZ_E_VALUE, "a prompt has %zu places for pictures, but %zu pictures are given", pictures, images);
    if (length + reserve > c->decoder.context)
        return radz_fail(err, RADZ_E_VALUE, "a prompt takes %" PRId64 " positions%s, the model's context is %" PRId64,
                         length + reserve, reserve > 0 ? " with what follows it" : "", c->decoder.context);
    *out = length;
    return RADZ_OK;
}

Tensor *llava_see(Scope *s, const llava *m, const Tensor *pixels)
{
    const llava_config *c = &m->config;
    size_t mark = scope_mark(s);
    Tensor *x = clip_vision_hidden(s, &m->vision, pixels, c->feature_layer);
    if (!c->keep_class)
        x = t_slice(s, x, 1, 1, t_size(x, 1));
    for (int i = 0; i < c->projector_layers; i++) {
        if (i > 0)
            x = clip_activate(s, x, c->projector_activation);
        x = linear_apply(s, &m->projector[i], x);
    }
    return scope_release(s, mark, x);
}

/* A run of ids of one kind: [1,n,hidden]. */
static Tensor *embed_run(Scope *s, const llava *m, const int32_t *ids, size_t count, bool special)
{
    int64_t short_list[256], *list = short_list;
    radz_error err = {0};
    if (count > sizeof short_list / sizeof *short_list && (list = radz_calloc(count, sizeof *list, &err)) == NULL)
        return scope_fail(s, RADZ_E_NOMEM, "%s", err.message);
    for (size_t i = 0; i < count; i++)
        list[i] = special ? special_row(m, ids[i]) : ids[i];
    Tensor *index = t_from_host(s, list, T_SHAPE(1, (int64_t)count), T_I64);
    if (list != short_list)
        free(list);
    return special ? t_embedding(s, m->special, t_to(s, index, T_I64, t_device(m->special)))
                   : decoder_embed(s, m->decoder, index);
}

Tensor *llava_prompt(Scope *s, const llava *m, const int32_t *ids, size_t count, const Tensor *seen, int64_t batch,
                     int64_t images)
{
    int64_t d = m->config.decoder.hidden;
    size_t mark = scope_mark(s), part_count = 0;
    radz_error err = {0};
    Tensor **parts = radz_calloc(count, sizeof *parts, &err);
    if (parts == NULL)
        return scope_fail(s, RADZ_E_NOMEM, "%s", err.message);
    const Tensor *rows = NULL; /* [B,images,tokens,d] */
    if (images > 0)
        rows = t_reshape(s, seen, T_SHAPE(batch, images, m->config.image_tokens, d));
    int64_t picture = 0;
    for (size_t i = 0; i < count;) {
        if (is_picture(m, ids[i])) {
            parts[part_count++] = t_select(s, rows, 1, picture++);
            i++;
            continue;
        }
        bool special = special_row(m, ids[i]) >= 0;
        size_t end = i + 1;
        while (end < count && !is_picture(m, ids[end]) && (special_row(m, ids[end]) >= 0) == special)
            end++;
        parts[part_count++] = t_expand(s, embed_run(s, m, ids + i, end - i, special), T_SHAPE(batch, (int64_t)(end - i), d));
        i = end;
    }
    Tensor *x = t_cat(s, parts, part_count, 1);
    free(parts);
    return scope_release(s, mark, x);
}

Tensor *llava_head(Scope *s, const llava *m, const Tensor *x)
{
    Tensor *h = norm_apply(s, &m->head_norm, x, HEAD_NORM_EPS);
    return linear_apply(s, &m->head2, t_gelu(s, linear_apply(s, &m->head1, h)));
}
