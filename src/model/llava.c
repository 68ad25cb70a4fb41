#include "model/llava.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/llava_parts.h"

static const double HEAD_NORM_EPS = 1e-5; /* PyTorch's LayerNorm */

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

/* Ready to take a part's weights: from files, or NULL for a random start. */
static model_parameters *part_from(llava *m, llava_part part, weights *files, bool leaves)
{
    model_parameters *p = &m->parts[part];
    *p = (model_parameters){.files = files, .leaves = leaves, .scope = m->scope, .seed = m->seed + (uint64_t)part, .device = m->device};
    return p;
}

static radz_status open_decoder(llava *m, const llava_options *o, radz_error *err)
{
    static const char *const hf[] = {"language_model.model", "model.language_model", "model.language_model.model"};
    lora *updates[2];
    decoder_source source = {.from = part_from(m, LLAVA_DECODER, m->files, (o->train & LLAVA_TRAIN_DECODER) != 0),
                             .prefix = "model", .head = "lm_head.weight", .updates = updates};
    if (m->config.layout == LLAVA_HF) {
        source.prefix = m->files != NULL ? find_prefix(m->files, hf, 3, ".embed_tokens.weight") : NULL;
        if (source.prefix == NULL)
            source.prefix = hf[0];
        if (m->files == NULL || !weights_has(m->files, source.head))
            source.head = "language_model.lm_head.weight";
    }
    m->decoder_prefix = source.prefix;
    if (m->adapter != NULL)
        updates[source.update_count++] = m->adapter;
    if (m->radz_lora != NULL)
        updates[source.update_count++] = m->radz_lora;
    radz_status status = decoder_open(&m->config.decoder, &source, &m->decoder, err);
    if (status == RADZ_OK && o->radz != NULL && o->radz->lora_rank > 0)
        status = decoder_adapt(m->decoder, part_from(m, LLAVA_UPDATE, NULL, true), o->radz->lora_rank, o->radz->lora_alpha, err);
    return status;
}

static radz_status open_tower(llava *m, const weights_options *how, const llava_options *o, radz_error *err)
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
    const char *prefix = files != NULL ? find_prefix(files, prefixes, sizeof prefixes / sizeof *prefixes, first) : NULL;
    if (prefix == NULL && *m->config.tower_dir != '\0') {
        if ((status = weights_open(m->config.tower_dir, how, &m->tower_files, err)) != RADZ_OK)
            return status;
        files = m->tower_files;
        prefix = find_prefix(files, own, 2, first);
        prefix = prefix != NULL ? prefix : own[0];
    }
    if (prefix == NULL)
        prefix = "vision_tower.vision_model.";
    m->tower_prefix = prefix;
    model_parameters *p = part_from(m, LLAVA_TOWER, files, (o->train & LLAVA_TRAIN_TOWER) != 0);
    p->err = err;
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

static radz_status open_projector(llava *m, const char *dir, const weights_options *how, const llava_options *o,
                                  radz_error *err)
{
    static const char *const hf[] = {"multi_modal_projector.", "model.multi_modal_projector."};
    const llava_config *c = &m->config;
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
    model_parameters *p = part_from(m, LLAVA_PROJECTOR, files, (o->train & LLAVA_TRAIN_PROJECTOR) != 0);
    p->err = err;
    const char *prefix = c->layout != LLAVA_HF ? "model." : files != NULL ? find_prefix(files, hf, 2, "linear_1.weight") : NULL;
    prefix = prefix != NULL ? prefix : hf[0];
    m->projector_prefix = prefix;
    int64_t in = c->vision.tower.width, out = c->decoder.hidden;
    for (int i = 0; i < c->projector_layers; i++) {
        char name[64];
        if (c->layout == LLAVA_HF)
            snprintf(name, sizeof name, "linear_%d", i + 1);
        else if (c->projector_layers == 1)
            snprintf(name, sizeof name, "mm_projector%s", weights_has(files, "model.mm_projector.0.weight") ? ".0" : "");
        else
            snprintf(name, sizeof name, "mm_projector.%d", 2 * i);
        m->projector[i].weight = parameters_get(p, T_SHAPE(out, in), 0, 1 / sqrt((double)in), "%s%s.weight", prefix, name);
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
    if (o->radz != NULL) {
        m->radz = *o->radz;
        m->has_radz = true;
        return RADZ_OK;
    }
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
static radz_status take_radz(llava *m, bool leaves, radz_error *err)
{
    const radz_config *r = &m->radz;
    model_parameters *p = part_from(m, LLAVA_RADZ, m->radz_files, leaves);
    int64_t d = m->config.decoder.hidden;
    double deviation = 1 / sqrt((double)d);
    p->err = err;
    if (r->image_token_count > 0)
        m->special[0] = parameters_get(p, T_SHAPE((int64_t)r->image_token_count, d), 0, deviation, "image_tokens");
    if (r->text_token_count > 0)
        m->special[1] = parameters_get(p, T_SHAPE((int64_t)r->text_token_count, d), 0, deviation, "text_tokens");
    if (r->head_dim > 0) {
        m->head_norm = parameters_norm(p, "head.", "norm", d);
        m->head1 = parameters_linear(p, "head.", "fc1", r->head_hidden, d, deviation);
        m->head2 = parameters_linear(p, "head.", "fc2", r->head_dim, r->head_hidden, 1 / sqrt((double)r->head_hidden));
    }
    p->err = NULL;
    return p->status;
}

static radz_status open_radz(llava *m, const char *dir, const llava_options *o, const weights_options *how, radz_error *err)
{
    const radz_config *r = &m->radz;
    if (!m->has_radz || (r->image_token_count + r->text_token_count == 0 && r->head_dim == 0 && r->lora_rank == 0))
        return RADZ_OK;
    if (o->radz != NULL)
        return take_radz(m, true, err);
    char *path = radz_path_join(o->radz_dir != NULL ? o->radz_dir : dir, "radz.safetensors", err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status status = weights_open(path, how, &m->radz_files, err);
    free(path);
    if (status == RADZ_OK && r->lora_rank > 0) {
        status = lora_from_file(weights_files(m->radz_files), r->lora_alpha, r->lora_rank, &m->radz_lora, err);
        weights_ignore_prefix(m->radz_files, "lora.");
    }
    if (status == RADZ_OK)
        status = take_radz(m, false, err);
    return status == RADZ_OK ? weights_finish(m->radz_files, err) : status;
}

/* What LLaVA trains beside its LoRA adapters (the projector, seldom more) stands in for the base's. */
static radz_status open_beside(llava *m, const llava_options *o, radz_error *err)
{
    char *path = o->adapter_dir != NULL ? radz_path_join(o->adapter_dir, "non_lora_trainables.bin", err) : NULL;
    if (o->adapter_dir == NULL)
        return RADZ_OK;
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status status = radz_file_exists(path) ? weights_replace(m->files, path, err) : RADZ_OK;
    free(path);
    return status;
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

/* With the configuration and, unless the model is new, its files there. */
static radz_status open_parts(llava *m, const char *dir, const llava_options *o, const weights_options *how, radz_error *err)
{
    radz_status status;
    if ((status = open_radz(m, dir, o, how, err)) != RADZ_OK || (status = open_decoder(m, o, err)) != RADZ_OK)
        return status;
    if (m->config.layout != LLAVA_TEXT_ONLY && ((status = open_tower(m, how, o, err)) != RADZ_OK ||
                                                (status = open_projector(m, dir, how, o, err)) != RADZ_OK))
        return status;
    if (m->files != NULL && m->config.layout != LLAVA_HF)
        weights_ignore(m->files, "model.image_newline"); /* of LLaVA 1.6; unused without image grids */
    if ((m->files != NULL && (status = weights_finish(m->files, err)) != RADZ_OK) ||
        (status = scope_error(m->scope, err)) != RADZ_OK ||
        (m->adapter != NULL && (status = lora_finish(m->adapter, err)) != RADZ_OK) ||
        (m->radz_lora != NULL && (status = lora_finish(m->radz_lora, err)) != RADZ_OK))
        return status;
    return RADZ_OK;
}

static radz_status make(const llava_options *o, llava **out, radz_error *err)
{
    *out = NULL;
    llava *m = radz_calloc(1, sizeof *m, err);
    if (m == NULL)
        return RADZ_E_NOMEM;
    m->device = o->device;
    m->seed = o->seed;
    radz_status status = check_options(o, err);
    if (status == RADZ_OK)
        status = scope_create(SCOPE_INFERENCE, &m->scope, err);
    if (status != RADZ_OK) {
        llava_free(m);
        return status;
    }
    *out = m;
    return RADZ_OK;
}

static weights_options files_of(const llava_options *o)
{
    return (weights_options){.device = o->device, .dtype = o->dtype, .threads = o->threads};
}

radz_status llava_open(const char *dir, const llava_options *o, llava **out, radz_error *err)
{
    llava *m;
    weights_options how = files_of(o);
    *out = NULL;
    radz_status status = make(o, &m, err);
    if (status != RADZ_OK)
        return status;
    if ((status = llava_config_load(dir, o->adapter_dir, o->tower_dir, &m->config, err)) != RADZ_OK ||
        (status = read_radz(m, dir, o, err)) != RADZ_OK ||
        (o->adapter_dir != NULL && (status = lora_open(o->adapter_dir, &m->adapter, err)) != RADZ_OK) ||
        (status = weights_open(dir, &how, &m->files, err)) != RADZ_OK || (status = open_beside(m, o, err)) != RADZ_OK ||
        (status = open_parts(m, dir, o, &how, err)) != RADZ_OK) {
        llava_free(m);
        return status;
    }
    *out = m;
    return RADZ_OK;
}

radz_status llava_create(const llava_config *config, const char *tower_dir, const llava_options *o, llava **out, radz_error *err)
{
    llava *m;
    weights_options how = files_of(o);
    *out = NULL;
    radz_status status = make(o, &m, err);
    if (status != RADZ_OK)
        return status;
    m->config = *config;
    int length = snprintf(m->config.tower_dir, sizeof m->config.tower_dir, "%s", tower_dir);
    if (length < 0 || (size_t)length >= sizeof m->config.tower_dir)
        status = radz_fail(err, RADZ_E_VALUE, "'%.200s...': the path of the vision tower is too long", tower_dir);
    if (status == RADZ_OK)
        status = read_radz(m, tower_dir, o, err);
    if (status == RADZ_OK)
        status = open_parts(m, tower_dir, o, &how, err);
    if (status != RADZ_OK) {
        llava_free(m);
        return status;
    }
    *out = m;
    return RADZ_OK;
}

void llava_free(llava *m)
{
    if (m == NULL)
        return;
    decoder_free(m->decoder);
    scope_free(m->scope);
    for (int i = 0; i < LLAVA_PARTS; i++)
        parameters_free(&m->parts[i]);
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

decoder *llava_decoder_to_train(llava *m)
{
    return m->decoder;
}

void llava_set_tau(llava *m, double tau)
{
    m->radz.tau = tau;
}

const radz_config *llava_radz(const llava *m)
{
    return m->has_radz ? &m->radz : NULL;
}

radz_status llava_trained(const llava *m, model_parameter **out, size_t *count, radz_error *err)
{
    size_t most = 0;
    *count = 0;
    for (int i = 0; i < LLAVA_PARTS; i++)
        most += m->parts[i].count;
    *out = radz_calloc(most + 1, sizeof **out, err);
    if (*out == NULL)
        return RADZ_E_NOMEM;
    for (int i = 0; i < LLAVA_PARTS; i++)
        for (size_t k = 0; k < m->parts[i].count; k++)
            if (t_is_leaf(m->parts[i].items[k].tensor))
                (*out)[(*count)++] = m->parts[i].items[k];
    return RADZ_OK;
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
    return scope_release(s, mark, weight_as(s, x, decoder_dtype(m->decoder)));
}

/* Rows of the special tokens' table, that of the image prompt first. */
static Tensor *special_table(Scope *s, const llava *m)
{
    Tensor *parts[2];
    size_t n = 0;
    for (int i = 0; i < 2; i++)
        if (m->special[i] != NULL)
            parts[n++] = m->special[i];
    return n == 1 ? parts[0] : t_cat(s, parts, n, 0);
}

Tensor *llava_embed_rows(Scope *s, const llava *m, const int32_t *ids, int64_t rows, int64_t length)
{
    size_t count = (size_t)(rows * length), specials = 0;
    size_t mark = scope_mark(s);
    radz_error err = {0};
    int64_t *plain = radz_calloc(2 * count, sizeof *plain, &err), *special = plain + count;
    uint8_t *is_special = radz_calloc(count, 1, &err);
    Tensor *x = NULL;
    if (plain == NULL || is_special == NULL) {
        scope_fail(s, RADZ_E_NOMEM, "%s", err.message);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t row = special_row(m, ids[i]);
        is_special[i] = row >= 0;
        specials += row >= 0;
        plain[i] = row >= 0 ? 0 : ids[i];
        special[i] = row >= 0 ? row : 0;
    }
    x = decoder_embed(s, m->decoder, t_from_host(s, plain, T_SHAPE(rows, length), T_I64));
    if (specials > 0) {
        TDevice device = t_device(x);
        Tensor *index = t_to(s, t_from_host(s, special, T_SHAPE(rows, length), T_I64), T_I64, device);
        Tensor *y = weight_as(s, t_embedding(s, special_table(s, m), index), decoder_dtype(m->decoder));
        Tensor *mask = t_to(s, t_from_host(s, is_special, T_SHAPE(rows, length, 1), T_U8), T_BOOL, device);
        x = t_where(s, mask, y, x);
    }
done:
    free(plain);
    free(is_special);
    return scope_release(s, mark, x);
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
        size_t end = i + 1;
        while (end < count && !is_picture(m, ids[end]))
            end++;
        parts[part_count++] = t_expand(s, llava_embed_rows(s, m, ids + i, 1, (int64_t)(end - i)), T_SHAPE(batch, (int64_t)(end - i), d));
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
