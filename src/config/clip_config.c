#include "config/clip_config.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "config/config_json.h"

clip_config clip_config_default(void)
{
    return (clip_config){
        .text = {.width = 512, .mlp_width = 2048, .layers = 12, .heads = 8, .activation = CLIP_QUICK_GELU, .norm_eps = 1e-5},
        .vision = {.tower = {.width = 768, .mlp_width = 3072, .layers = 12, .heads = 12, .activation = CLIP_QUICK_GELU,
                             .norm_eps = 1e-5},
                   .image_size = 224, .patch_size = 32, .channels = 3},
        .vocabulary = 49408, .context = 77, .bos_token = 49406, .eos_token = 49407, .pad_token = 1,
        .embed_dim = 512,
        .logit_scale_init = 2.6592, .init_factor = 1.0, .init_range = 0.02};
}

static const struct {
    const char *name;
    clip_activation value;
} activations[] = {{"quick_gelu", CLIP_QUICK_GELU}, {"gelu", CLIP_GELU}, {"gelu_pytorch_tanh", CLIP_GELU_TANH},
                   {"gelu_new", CLIP_GELU_TANH}, {"relu", CLIP_RELU}};

const char *clip_activation_name(clip_activation activation)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (activations[i].value == activation)
            return activations[i].name;
    return "?";
}

radz_status clip_activation_read(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key,
                                 clip_activation *out, radz_error *err)
{
    const radz_json *act = config_member(object, key);
    if (act == NULL)
        return RADZ_OK;
    const char *name = radz_json_string(act);
    for (size_t i = 0; name != NULL && i < sizeof activations / sizeof *activations; i++) {
        if (strcmp(activations[i].name, name) == 0) {
            *out = activations[i].value;
            return RADZ_OK;
        }
    }
    return radz_fail(err, RADZ_E_UNSUPPORTED,
                     "'%s': key '%s%s': '%.60s' is not known; known: quick_gelu, gelu, gelu_new, gelu_pytorch_tanh, relu",
                     radz_json_doc_name(doc), where, key, name != NULL ? name : "(not a string)");
}

static radz_status read_tower(const radz_json_doc *doc, const char *where, const radz_json *object, clip_tower_config *out,
                              radz_error *err)
{
    radz_status status;
    if ((status = config_i64(doc, where, object, "hidden_size", 1, 1 << 20, &out->width, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "intermediate_size", 1, 1 << 22, &out->mlp_width, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "num_hidden_layers", 1, 1000, &out->layers, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "num_attention_heads", 1, 4096, &out->heads, err)) != RADZ_OK ||
        (status = config_double(doc, where, object, "layer_norm_eps", &out->norm_eps, err)) != RADZ_OK)
        return status;
    return clip_activation_read(doc, where, object, "hidden_act", &out->activation, err);
}

static radz_status get_eos(const radz_json_doc *doc, const radz_json *object, int64_t *out, radz_error *err)
{
    const radz_json *value = config_member(object, "eos_token_id");
    if (value != NULL && radz_json_kind_of(value) == RADZ_JSON_ARRAY) {
        if (radz_json_size(value) != 1 || !radz_json_as_i64(radz_json_at(value, 0), out))
            return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'text_config.eos_token_id': wanted one token id",
                             radz_json_doc_name(doc));
        return RADZ_OK;
    }
    return config_i64(doc, "text_config.", object, "eos_token_id", 0, INT32_MAX, out, err);
}

/* transformers before 4.25 wrote the sub-configuration also as NAME_dict; where it is given it holds. */
static const radz_json *sub_config(const radz_json *root, const char *name, const char *old_name)
{
    const radz_json *old = config_member(root, old_name);
    return old != NULL ? old : config_member(root, name);
}

static radz_status read_vision(const radz_json_doc *doc, const char *where, const radz_json *object,
                               clip_vision_config *out, radz_error *err)
{
    radz_status status;
    if ((status = read_tower(doc, where, object, &out->tower, err)) != RADZ_OK ||
        (status = config_side(doc, where, object, "image_size", 1 << 14, &out->image_size, err)) != RADZ_OK ||
        (status = config_side(doc, where, object, "patch_size", 1 << 14, &out->patch_size, err)) != RADZ_OK)
        return status;
    return config_i64(doc, where, object, "num_channels", 1, 64, &out->channels, err);
}

typedef struct field {
    const char *name;
    int64_t value;
} field;

static radz_status check_positive(const field *fields, size_t count, const char *where, radz_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].value < 1)
            return radz_fail(err, RADZ_E_VALUE, "'%s': %s is %" PRId64 ", wanted 1 or more", where, fields[i].name,
                             fields[i].value);
    return RADZ_OK;
}

static radz_status check_vision(const clip_vision_config *c, const char *where, radz_error *err)
{
    const field positive[] = {{"vision hidden_size", c->tower.width}, {"vision intermediate_size", c->tower.mlp_width},
                              {"vision num_hidden_layers", c->tower.layers},
                              {"vision num_attention_heads", c->tower.heads}, {"image_size", c->image_size},
                              {"patch_size", c->patch_size}};
    radz_status status = check_positive(positive, sizeof positive / sizeof *positive, where, err);
    if (status)
        return status;
    if (c->tower.width % c->tower.heads != 0)
        return radz_fail(err, RADZ_E_VALUE,
                         "'%s': the hidden size %" PRId64 " (vision) must be a multiple of the heads, %" PRId64, where,
                         c->tower.width, c->tower.heads);
    if (c->channels != 3)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': num_channels is %" PRId64 ", wanted 3", where, c->channels);
    if (c->patch_size > c->image_size)
        return radz_fail(err, RADZ_E_VALUE, "'%s': patch_size %" PRId64 " is larger than image_size %" PRId64, where,
                         c->patch_size, c->image_size);
    if (!(c->tower.norm_eps > 0))
        return radz_fail(err, RADZ_E_VALUE, "'%s': layer_norm_eps (vision) must be positive", where);
    return RADZ_OK;
}

static const char *model_type(const radz_json *root)
{
    const radz_json *type = config_member(root, "model_type");
    const char *name = type != NULL ? radz_json_string(type) : NULL;
    return name != NULL ? name : "(none)";
}

static radz_status need_object(const radz_json_doc *doc, const radz_json *value, const char *key, radz_error *err)
{
    if (value == NULL || radz_json_kind_of(value) == RADZ_JSON_OBJECT)
        return RADZ_OK;
    return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s': wanted an object", radz_json_doc_name(doc), key);
}

radz_status clip_config_load(const char *dir, clip_config *out, radz_error *err)
{
    *out = clip_config_default();
    radz_json_doc *doc;
    radz_status status = config_open(dir, "config.json", &doc, err);
    if (status)
        return status;
    const radz_json *root = radz_json_root(doc);
    const radz_json *text = sub_config(root, "text_config", "text_config_dict");
    const radz_json *image = sub_config(root, "vision_config", "vision_config_dict");
    const char *t = "text_config.", *v = "vision_config.";
    if (strcmp(model_type(root), "clip") != 0) {
        status = radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'model_type': '%.60s', wanted 'clip'", radz_json_doc_name(doc),
                           model_type(root));
        goto done;
    }
    if ((status = need_object(doc, text, "text_config", err)) != RADZ_OK ||
        (status = need_object(doc, image, "vision_config", err)) != RADZ_OK ||
        (status = read_tower(doc, t, text, &out->text, err)) != RADZ_OK ||
        (status = read_vision(doc, v, image, &out->vision, err)) != RADZ_OK ||
        (status = config_i64(doc, t, text, "vocab_size", 1, 1 << 24, &out->vocabulary, err)) != RADZ_OK ||
        (status = config_i64(doc, t, text, "max_position_embeddings", 1, 1 << 16, &out->context, err)) != RADZ_OK ||
        (status = config_i64(doc, t, text, "bos_token_id", 0, INT32_MAX, &out->bos_token, err)) != RADZ_OK ||
        (status = config_i64(doc, t, text, "pad_token_id", 0, INT32_MAX, &out->pad_token, err)) != RADZ_OK ||
        (status = get_eos(doc, text, &out->eos_token, err)) != RADZ_OK ||
        (status = config_double(doc, v, image, "initializer_range", &out->init_range, err)) != RADZ_OK ||
        (status = config_i64(doc, "", root, "projection_dim", 1, 1 << 20, &out->embed_dim, err)) != RADZ_OK ||
        (status = config_double(doc, "", root, "logit_scale_init_value", &out->logit_scale_init, err)) != RADZ_OK ||
        (status = config_double(doc, "", root, "initializer_factor", &out->init_factor, err)) != RADZ_OK)
        goto done;
    status = clip_config_check(out, radz_json_doc_name(doc), err);
done:
    radz_json_free(doc);
    return status;
}

radz_status clip_config_check(const clip_config *c, const char *where, radz_error *err)
{
    const field positive[] = {{"text hidden_size", c->text.width}, {"text intermediate_size", c->text.mlp_width},
                              {"text num_hidden_layers", c->text.layers}, {"text num_attention_heads", c->text.heads},
                              {"vocab_size", c->vocabulary}, {"max_position_embeddings", c->context},
                              {"projection_dim", c->embed_dim}};
    radz_status status = check_positive(positive, sizeof positive / sizeof *positive, where, err);
    if (status)
        return status;
    if (c->text.width % c->text.heads != 0)
        return radz_fail(err, RADZ_E_VALUE,
                         "'%s': the hidden size %" PRId64 " (text) must be a multiple of the heads, %" PRId64, where,
                         c->text.width, c->text.heads);
    if (!(c->text.norm_eps > 0) || !isfinite(c->logit_scale_init) || !(c->init_factor > 0) || !(c->init_range >= 0))
        return radz_fail(err, RADZ_E_VALUE,
                         "'%s': layer_norm_eps and initializer_factor must be positive, logit_scale_init_value finite", where);
    return check_vision(&c->vision, where, err);
}

radz_status clip_vision_config_read(const radz_json_doc *doc, const char *where, const radz_json *object,
                                    clip_vision_config *out, radz_error *err)
{
    radz_status status = read_vision(doc, where, object, out, err);
    return status != RADZ_OK ? status : check_vision(out, radz_json_doc_name(doc), err);
}

radz_status clip_vision_config_load(const char *dir, clip_vision_config *out, radz_error *err)
{
    *out = clip_config_default().vision;
    radz_json_doc *doc;
    radz_status status = config_open(dir, "config.json", &doc, err);
    if (status)
        return status;
    const radz_json *root = radz_json_root(doc);
    if (strcmp(model_type(root), "clip") == 0) {
        const radz_json *image = sub_config(root, "vision_config", "vision_config_dict");
        status = need_object(doc, image, "vision_config", err);
        if (status == RADZ_OK)
            status = clip_vision_config_read(doc, "vision_config.", image, out, err);
    } else if (strcmp(model_type(root), "clip_vision_model") == 0) {
        status = clip_vision_config_read(doc, "", root, out, err);
    } else {
        status = radz_fail(err, RADZ_E_UNSUPPORTED,
                           "'%s': key 'model_type': '%.60s' is not a vision tower that is known; known: clip, "
                           "clip_vision_model", radz_json_doc_name(doc), model_type(root));
    }
    radz_json_free(doc);
    return status;
}

int64_t clip_vision_patches(const clip_vision_config *c)
{
    int64_t side = c->image_size / c->patch_size;
    return side * side;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

void clip_tower_config_put(radz_json_writer *w, const clip_tower_config *c)
{
    radz_json_put_i64(w, "hidden_size", c->width);
    radz_json_put_i64(w, "intermediate_size", c->mlp_width);
    radz_json_put_i64(w, "num_hidden_layers", c->layers);
    radz_json_put_i64(w, "num_attention_heads", c->heads);
    radz_json_put_string(w, "hidden_act", clip_activation_name(c->activation));
    radz_json_put_real(w, "layer_norm_eps", c->norm_eps);
}

void clip_vision_config_put(radz_json_writer *w, const clip_vision_config *c, double init_range, int64_t projection)
{
    radz_json_object_begin(w, "vision_config");
    radz_json_put_string(w, "model_type", "clip_vision_model");
    clip_tower_config_put(w, &c->tower);
    radz_json_put_i64(w, "image_size", c->image_size);
    radz_json_put_i64(w, "patch_size", c->patch_size);
    radz_json_put_i64(w, "num_channels", c->channels);
    radz_json_put_real(w, "initializer_range", init_range);
    if (projection > 0)
        radz_json_put_i64(w, "projection_dim", projection);
    radz_json_object_end(w);
}
