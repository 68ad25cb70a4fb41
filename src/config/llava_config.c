#include "config/llava_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "config/config_json.h"

enum { ORIGINAL_IMAGE_TOKEN = -200, DEFAULT_HF_IMAGE_TOKEN = 32000, MAX_PROJECTOR_LAYERS = 8 };

const char *llava_layout_name(llava_layout layout)
{
    return layout == LLAVA_HF ? "llava-hf" : layout == LLAVA_ORIGINAL ? "llava" : "decoder";
}

/* A tower's hidden states are counted from the embeddings, 0, to the last layer's output, `layers`. */
static radz_status set_feature_layer(const radz_json_doc *doc, const char *key, int64_t asked, llava_config *out,
                                     radz_error *err)
{
    int64_t layers = out->vision.tower.layers;
    int64_t layer = asked < 0 ? layers + 1 + asked : asked;
    if (layer < 0 || layer > layers)
        return radz_fail(err, RADZ_E_VALUE, "'%s': key '%s': %" PRId64 ", but the vision tower has %" PRId64 " layers",
                         radz_json_doc_name(doc), key, asked, layers);
    out->feature_layer = layer;
    return RADZ_OK;
}

static radz_status read_decoder(const radz_json_doc *doc, const char *where, const radz_json *object, const char *type,
                                decoder_config *out, radz_error *err)
{
    decoder_family family = DECODER_LLAMA;
    if (strcmp(type, "mistral") == 0 || strcmp(type, "llava_mistral") == 0)
        family = DECODER_MISTRAL;
    else if (strcmp(type, "llama") != 0 && strcmp(type, "llava_llama") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key '%smodel_type': '%.60s' is not a decoder that is known; known: "
                         "llama, mistral", radz_json_doc_name(doc), where, type);
    return decoder_config_read(doc, where, object, family, out, err);
}

/* ---- Hugging Face ------------------------------------------------------------------------------------------------- */

static radz_status read_hf(const radz_json_doc *doc, const radz_json *root, llava_config *out, radz_error *err)
{
    const radz_json *text = config_member(root, "text_config"), *vision = config_member(root, "vision_config");
    const char *type = "llama", *tower = "clip_vision_model", *select = "default", *file = radz_json_doc_name(doc);
    int64_t layer = -2;
    bool tied = false;
    radz_status status;
    out->layout = LLAVA_HF;
    out->image_token = DEFAULT_HF_IMAGE_TOKEN;
    out->projector_layers = 2;
    out->projector_activation = CLIP_GELU;
    out->projector_bias = true;
    /* LlavaConfig's own, for what vision_config does not say */
    out->vision = clip_config_default().vision;
    if (vision == NULL) {
        out->vision = (clip_vision_config){.tower = {.width = 1024, .mlp_width = 4096, .layers = 24, .heads = 16,
                                                     .activation = CLIP_QUICK_GELU, .norm_eps = 1e-5},
                                           .image_size = 336, .patch_size = 14, .channels = 3};
    }
    if ((text != NULL && radz_json_kind_of(text) != RADZ_JSON_OBJECT) ||
        (vision != NULL && radz_json_kind_of(vision) != RADZ_JSON_OBJECT))
        return radz_fail(err, RADZ_E_FORMAT, "'%s': key 'text_config' or 'vision_config': wanted an object", file);
    if ((status = config_string(doc, "text_config.", text, "model_type", &type, err)) != RADZ_OK ||
        (status = read_decoder(doc, "text_config.", text, type, &out->decoder, err)) != RADZ_OK ||
        (status = config_bool(doc, "", root, "tie_word_embeddings", &tied, err)) != RADZ_OK ||
        (status = config_string(doc, "vision_config.", vision, "model_type", &tower, err)) != RADZ_OK)
        return status;
    out->decoder.tied = out->decoder.tied || tied;
    if (strcmp(tower, "clip_vision_model") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'vision_config.model_type': '%.60s', wanted 'clip_vision_model'",
                         file, tower);
    const radz_json *several = config_member(root, "vision_feature_layer");
    if (several != NULL && radz_json_kind_of(several) == RADZ_JSON_ARRAY)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'vision_feature_layer': a list, wanted one layer", file);
    const char *token_key = config_member(root, "image_token_index") != NULL ? "image_token_index" : "image_token_id";
    if ((status = clip_vision_config_read(doc, "vision_config.", vision, &out->vision, err)) != RADZ_OK ||
        (status = config_i64(doc, "", root, token_key, 0, INT32_MAX, &out->image_token, err)) != RADZ_OK ||
        (status = config_i64(doc, "", root, "vision_feature_layer", -1001, 1000, &layer, err)) != RADZ_OK ||
        (status = set_feature_layer(doc, "vision_feature_layer", layer, out, err)) != RADZ_OK ||
        (status = config_string(doc, "", root, "vision_feature_select_strategy", &select, err)) != RADZ_OK ||
        (status = clip_activation_read(doc, "", root, "projector_hidden_act", &out->projector_activation, err)) != RADZ_OK ||
        (status = config_bool(doc, "", root, "multimodal_projector_bias", &out->projector_bias, err)) != RADZ_OK)
        return status;
    if (strcmp(select, "full") != 0 && strcmp(select, "default") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s': key 'vision_feature_select_strategy': '%.60s' is not known; known: default, full", file, select);
    out->keep_class = strcmp(select, "full") == 0;
    return RADZ_OK;
}

/* ---- the original layout ------------------------------------------------------------------------------------------ */

typedef struct places {
    char tried[RADZ_ERROR_MESSAGE_SIZE / 2];
} places;

/* True when FOLDER/NAME is a folder with a config.json; its path goes to `out`. */
static bool look(places *p, const char *folder, const char *name, char out[LLAVA_PATH_SIZE])
{
    int n = snprintf(out, LLAVA_PATH_SIZE, "%s%s%s", folder, *folder != '\0' ? "/" : "", name);
    char config[LLAVA_PATH_SIZE + 16];
    if (n < 0 || n >= LLAVA_PATH_SIZE)
        return false;
    snprintf(config, sizeof config, "%s/config.json", out);
    if (radz_file_exists(config))
        return true;
    size_t used = strlen(p->tried);
    snprintf(p->tried + used, sizeof p->tried - used, "%s'%s'", used > 0 ? ", " : "", out);
    *out = '\0';
    return false;
}

static radz_status find_tower(const radz_json_doc *doc, const char *dir, const char *named, const char *asked,
                              char out[LLAVA_PATH_SIZE], radz_error *err)
{
    places p = {.tried = ""};
    if (asked != NULL) {
        if (look(&p, "", asked, out))
            return RADZ_OK;
        return radz_fail(err, RADZ_E_MISSING, "the vision tower's folder %s has no config.json", p.tried);
    }
    const char *last = radz_path_name(named);
    char beside[LLAVA_PATH_SIZE];
    snprintf(beside, sizeof beside, "%s/..", dir);
    if ((*named == '/' && look(&p, "", named, out)) || look(&p, dir, "vision_tower", out) ||
        (*named != '/' && look(&p, dir, named, out)) || look(&p, dir, last, out) || look(&p, beside, last, out))
        return RADZ_OK;
    return radz_fail(err, RADZ_E_MISSING,
                     "'%s': key 'mm_vision_tower': '%s': its folder (with config.json) is in none of its places: %s",
                     radz_json_doc_name(doc), named, p.tried);
}

/* "linear" or "mlpNx_gelu". */
static radz_status read_projector(const radz_json_doc *doc, const radz_json *root, llava_config *out, radz_error *err)
{
    const char *kind = "linear";
    radz_status status = config_string(doc, "", root, "mm_projector_type", &kind, err);
    if (status)
        return status;
    out->projector_activation = CLIP_GELU;
    out->projector_bias = true;
    if (strcmp(kind, "linear") == 0) {
        out->projector_layers = 1;
    } else if (strlen(kind) == 10 && strncmp(kind, "mlp", 3) == 0 && strcmp(kind + 4, "x_gelu") == 0 && kind[3] >= '1' &&
               kind[3] <= '0' + MAX_PROJECTOR_LAYERS) {
        out->projector_layers = kind[3] - '0';
    } else {
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s': key 'mm_projector_type': '%.60s' is not known; known: linear, mlp2x_gelu (1 to %d layers)",
                         radz_json_doc_name(doc), kind, MAX_PROJECTOR_LAYERS);
    }
    return RADZ_OK;
}

static radz_status read_original(const radz_json_doc *doc, const radz_json *root, const char *dir, const char *tower_dir,
                                 const char *type, llava_config *out, radz_error *err)
{
    const char *named = NULL, *select = "patch", *aspect = "square", *file = radz_json_doc_name(doc);
    const radz_json *architectures = config_member(root, "architectures");
    int64_t layer = -2, width = 0;
    bool start_end = false;
    radz_status status;
    out->layout = LLAVA_ORIGINAL;
    out->image_token = ORIGINAL_IMAGE_TOKEN;
    if (strcmp(type, "llava") == 0) { /* releases of 2023 said only this */
        const char *name = radz_json_string(radz_json_at(architectures, 0));
        type = name != NULL && strstr(name, "Mistral") != NULL ? "mistral" : "llama";
    }
    if ((status = read_decoder(doc, "", root, type, &out->decoder, err)) != RADZ_OK ||
        (status = config_string(doc, "", root, "mm_vision_tower", &named, err)) != RADZ_OK ||
        (status = find_tower(doc, dir, named, tower_dir, out->tower_dir, err)) != RADZ_OK ||
        (status = clip_vision_config_load(out->tower_dir, &out->vision, err)) != RADZ_OK ||
        (status = config_i64(doc, "", root, "mm_hidden_size", 1, 1 << 20, &width, err)) != RADZ_OK ||
        (status = config_i64(doc, "", root, "mm_vision_select_layer", -1001, 1000, &layer, err)) != RADZ_OK ||
        (status = set_feature_layer(doc, "mm_vision_select_layer", layer, out, err)) != RADZ_OK ||
        (status = config_string(doc, "", root, "mm_vision_select_feature", &select, err)) != RADZ_OK ||
        (status = config_string(doc, "", root, "image_aspect_ratio", &aspect, err)) != RADZ_OK ||
        (status = config_bool(doc, "", root, "mm_use_im_start_end", &start_end, err)) != RADZ_OK ||
        (status = read_projector(doc, root, out, err)) != RADZ_OK)
        return status;
    if (width != 0 && width != out->vision.tower.width)
        return radz_fail(err, RADZ_E_VALUE,
                         "'%s': key 'mm_hidden_size': %" PRId64 ", but the vision tower '%s' has a width of %" PRId64, file,
                         width, out->tower_dir, out->vision.tower.width);
    if (strcmp(select, "patch") != 0 && strcmp(select, "cls_patch") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s': key 'mm_vision_select_feature': '%.60s' is not known; known: patch, cls_patch", file, select);
    if (strcmp(aspect, "pad") != 0 && strcmp(aspect, "square") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s': key 'image_aspect_ratio': '%.60s' is not known; known: pad, square", file, aspect);
    if (start_end)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'mm_use_im_start_end': true, wanted false", file);
    out->keep_class = strcmp(select, "cls_patch") == 0;
    out->pad_square = strcmp(aspect, "pad") == 0;
    return RADZ_OK;
}

radz_status llava_config_parse(const radz_json_doc *doc, const char *dir, const char *tower_dir, llava_config *out,
                               radz_error *err)
{
    *out = (llava_config){0};
    const radz_json *root = radz_json_root(doc);
    const char *type = "(none)";
    radz_status status = config_string(doc, "", root, "model_type", &type, err);
    if (status)
        return status;
    if (config_member(root, "mm_vision_tower") != NULL)
        status = read_original(doc, root, dir, tower_dir, type, out, err);
    else if (strcmp(type, "llava") == 0)
        status = read_hf(doc, root, out, err);
    else if (strcmp(type, "llama") == 0 || strcmp(type, "mistral") == 0)
        status = read_decoder(doc, "", root, type, &out->decoder, err);
    else
        status = radz_fail(err, RADZ_E_UNSUPPORTED,
                           "'%s': key 'model_type': '%.60s' is not a language model that is known; known: llava, llava_llama, "
                           "llava_mistral, llama, mistral", radz_json_doc_name(doc), type);
    if (status)
        return status;
    if (out->layout != LLAVA_ORIGINAL && tower_dir != NULL)
        return radz_fail(err, RADZ_E_USAGE, "a vision tower '%s' is given, but '%s' %s", tower_dir, radz_json_doc_name(doc),
                         out->layout == LLAVA_HF ? "has its own" : "is a decoder that sees no pictures");
    if (out->layout == LLAVA_TEXT_ONLY)
        return RADZ_OK;
    out->image_tokens = clip_vision_patches(&out->vision) + (out->keep_class ? 1 : 0);
    if (out->image_tokens >= out->decoder.context)
        return radz_fail(err, RADZ_E_VALUE, "'%s': a picture takes %" PRId64 " tokens, the decoder's context is %" PRId64,
                         radz_json_doc_name(doc), out->image_tokens, out->decoder.context);
    return RADZ_OK;
}

static radz_status load_one(const char *dir, const char *tower_dir, llava_config *out, radz_error *err)
{
    *out = (llava_config){0};
    radz_json_doc *doc;
    radz_status status = config_open(dir, "config.json", &doc, err);
    if (status == RADZ_OK)
        status = llava_config_parse(doc, dir, tower_dir, out, err);
    radz_json_free(doc);
    return status;
}

radz_status llava_config_load(const char *dir, const char *adapter_dir, const char *tower_dir, llava_config *out,
                              radz_error *err)
{
    char *path = adapter_dir != NULL ? radz_path_join(adapter_dir, "config.json", err) : NULL;
    if (adapter_dir != NULL && path == NULL)
        return RADZ_E_NOMEM;
    bool other = path != NULL && radz_file_exists(path);
    free(path);
    radz_status status = load_one(dir, other ? NULL : tower_dir, out, err);
    if (status != RADZ_OK || !other)
        return status;
    return out->layout == LLAVA_TEXT_ONLY ? load_one(adapter_dir, tower_dir, out, err)
           : tower_dir != NULL            ? load_one(dir, tower_dir, out, err)
                                          : RADZ_OK;
}
