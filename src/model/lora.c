#include "model/lora.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/config_json.h"

typedef struct pair {
    const char *module; /* as in the file, up to ".lora_A" */
    size_t module_length;
    const safetensors_entry *a, *b; /* [r,in], [out,r] */
    bool used;
} pair;

struct lora {
    safetensors *own; /* NULL when the file is the caller's */
    double scale;
    int64_t rank;
    pair *pairs;
    size_t count, capacity;
};

static const char *const SUFFIXES[] = {".lora_A.weight", ".lora_A.default.weight"};

static radz_status add_pairs(lora *l, const safetensors *file, radz_error *err)
{
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const safetensors_entry *a = safetensors_at(file, i);
        for (size_t k = 0; k < sizeof SUFFIXES / sizeof *SUFFIXES; k++) {
            if (!radz_str_ends(a->name, SUFFIXES[k]))
                continue;
            char other[512];
            size_t stem = strlen(a->name) - strlen(SUFFIXES[k]);
            int n = snprintf(other, sizeof other, "%.*s%s", (int)stem, a->name, SUFFIXES[k]);
            if (n < 0 || (size_t)n >= sizeof other)
                return radz_fail(err, RADZ_E_VALUE, "'%s': tensor '%.80s...': its name is too long", a->file, a->name);
            other[stem + strlen(".lora_")] = 'B';
            const safetensors_entry *b = safetensors_find(file, other);
            if (b == NULL)
                return radz_fail(err, RADZ_E_MISSING, "'%s': tensor '%s' has no '%s' beside it", a->file, a->name, other);
            if (a->ndim != 2 || b->ndim != 2 || a->shape[0] != l->rank || b->shape[1] != l->rank)
                return radz_fail(err, RADZ_E_VALUE,
                                 "'%s': tensors '%s' and '%s' are not [r,in] and [out,r] of the rank that the configuration "
                                 "says, %" PRId64, a->file, a->name, other, l->rank);
            if (radz_grow(&l->pairs, &l->capacity, l->count + 1, sizeof *l->pairs, err))
                return RADZ_E_NOMEM;
            l->pairs[l->count++] = (pair){.module = a->name, .module_length = stem, .a = a, .b = b};
        }
    }
    return RADZ_OK;
}

radz_status lora_from_file(const safetensors *file, double alpha, int64_t rank, lora **out, radz_error *err)
{
    *out = NULL;
    lora *l = radz_calloc(1, sizeof *l, err);
    if (l == NULL)
        return RADZ_E_NOMEM;
    l->scale = alpha / (double)rank;
    l->rank = rank;
    radz_status status = add_pairs(l, file, err);
    if (status == RADZ_OK && l->count == 0)
        status = radz_fail(err, RADZ_E_MISSING, "the file that should hold a LoRA update has no tensor named *.lora_A.weight");
    if (status) {
        lora_free(l);
        return status;
    }
    *out = l;
    return RADZ_OK;
}

/* Options that change what the update is, each of which must be at the value that changes nothing. */
static radz_status refuse_options(const radz_json_doc *doc, const radz_json *root, radz_error *err)
{
    static const char *const flags[] = {"use_dora", "fan_in_fan_out", "lora_bias", "use_qalora"};
    static const char *const lists[] = {"rank_pattern", "alpha_pattern", "modules_to_save", "trainable_token_indices",
                                        "target_parameters"};
    const char *file = radz_json_doc_name(doc), *bias = "none";
    radz_status status = config_string(doc, "", root, "bias", &bias, err);
    if (status)
        return status;
    if (strcmp(bias, "none") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'bias': '%.40s', wanted 'none'", file, bias);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        bool on = false;
        if ((status = config_bool(doc, "", root, flags[i], &on, err)) != RADZ_OK)
            return status;
        if (on)
            return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key '%s': true, wanted false", file, flags[i]);
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const radz_json *value = config_member(root, lists[i]);
        if (value != NULL && radz_json_size(value) > 0)
            return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key '%s' is not empty, which is not handled", file, lists[i]);
    }
    return RADZ_OK;
}

radz_status lora_open(const char *dir, lora **out, radz_error *err)
{
    *out = NULL;
    radz_json_doc *doc = NULL;
    safetensors *file = NULL;
    lora *l = NULL;
    char *path = NULL;
    radz_status status = config_open(dir, "adapter_config.json", &doc, err);
    if (status)
        return status;
    const radz_json *root = radz_json_root(doc);
    const char *type = "LORA";
    int64_t rank = 0;
    double alpha;
    bool stable = false;
    if ((status = config_string(doc, "", root, "peft_type", &type, err)) != RADZ_OK ||
        (status = radz_json_need_i64(doc, root, "r", 1, 1 << 16, &rank, err)) != RADZ_OK ||
        (status = radz_json_need_double(doc, root, "lora_alpha", &alpha, err)) != RADZ_OK ||
        (status = config_bool(doc, "", root, "use_rslora", &stable, err)) != RADZ_OK ||
        (status = refuse_options(doc, root, err)) != RADZ_OK)
        goto done;
    if (strcmp(type, "LORA") != 0) {
        status = radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'peft_type': '%.40s', wanted 'LORA'", radz_json_doc_name(doc), type);
        goto done;
    }
    path = radz_path_join(dir, "adapter_model.safetensors", err);
    if (path != NULL && !radz_file_exists(path)) {
        char *other = radz_path_join(dir, "adapter_model.bin", err);
        if (other != NULL && radz_file_exists(other)) {
            free(path);
            path = other;
        } else {
            free(other);
        }
    }
    if (path == NULL) {
        status = RADZ_E_NOMEM;
        goto done;
    }
    if ((status = safetensors_open(path, &file, err)) != RADZ_OK ||
        (status = safetensors_check_finite(file, 1, err)) != RADZ_OK ||
        (status = lora_from_file(file, alpha, rank, &l, err)) != RADZ_OK)
        goto done;
    if (stable)
        l->scale = alpha / sqrt((double)rank); /* Kalajdzievski 2023 */
    l->own = file;
    file = NULL;
    *out = l;
done:
    free(path);
    safetensors_free(file);
    radz_json_free(doc);
    return status;
}

void lora_free(lora *l)
{
    if (l == NULL)
        return;
    safetensors_free(l->own);
    free(l->pairs);
    free(l);
}

/* "base_model.model.model.layers.0.self_attn.q_proj" is "layers.0.self_attn.q_proj" after a dot. */
static bool names(const pair *p, const char *module)
{
    size_t length = strlen(module);
    return p->module_length >= length && memcmp(p->module + p->module_length - length, module, length) == 0 &&
           (p->module_length == length || p->module[p->module_length - length - 1] == '.');
}

/* The vision tower's layers end alike. */
static bool in_tower(const pair *p)
{
    for (size_t i = 0; i + 12 <= p->module_length; i++)
        if (memcmp(p->module + i, "vision_tower", 12) == 0 || memcmp(p->module + i, "vision_model", 12) == 0)
            return true;
    return false;
}

Tensor *lora_merge(Scope *s, lora *l, const char *module, Tensor *weight)
{
    for (size_t i = 0; i < l->count; i++) {
        pair *p = &l->pairs[i];
        if (p->used || in_tower(p) || !names(p, module))
            continue;
        p->used = true;
        if (p->b->shape[0] != t_size(weight, 0) || p->a->shape[1] != t_size(weight, 1)) {
            char found[T_SHAPE_TEXT_SIZE];
            t_shape_text(weight, found);
            return scope_fail(s, RADZ_E_VALUE, "'%s': the update '%.*s' is for a weight of shape [%" PRId64 ",%" PRId64 "], the "
                              "model's is %s", p->a->file, (int)p->module_length, p->module, p->b->shape[0], p->a->shape[1], found);
        }
        size_t mark = scope_mark(s);
        TDevice device = t_device(weight);
        Tensor *a = t_to(s, t_borrow_host(s, p->a->data, 2, p->a->shape, p->a->dtype), T_F32, device);
        Tensor *b = t_to(s, t_borrow_host(s, p->b->data, 2, p->b->shape, p->b->dtype), T_F32, device);
        Tensor *sum = t_add(s, t_cast(s, weight, T_F32), t_scale(s, t_matmul(s, b, a), l->scale));
        return scope_release(s, mark, t_cast(s, sum, t_dtype(weight)));
    }
    return weight;
}

radz_status lora_finish(const lora *l, radz_error *err)
{
    for (size_t i = 0; i < l->count; i++)
        if (!l->pairs[i].used)
            return radz_fail(err, RADZ_E_VALUE, "'%s': the update '%.*s' belongs to no weight that can take one",
                             l->pairs[i].a->file, (int)l->pairs[i].module_length, l->pairs[i].module);
    return RADZ_OK;
}
