#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "model/llava_parts.h"
#include "model/model_save.h"

typedef struct pieces {
    radz_arena arena; /* of names */
    save_piece *items;
    size_t count, capacity;
    TDtype store;
} pieces;

static radz_status add(pieces *list, const char *prefix, const char *name, const Tensor *tensor, const safetensors_entry *entry,
                       radz_error *err)
{
    if (radz_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items, err))
        return RADZ_E_NOMEM;
    radz_strbuf full = {0};
    radz_status status = radz_strbuf_printf(&full, err, "%s%s", prefix, name);
    const char *kept = status == RADZ_OK ? radz_arena_strdup(&list->arena, full.text, err) : NULL;
    radz_strbuf_free(&full);
    if (kept == NULL)
        return RADZ_E_NOMEM;
    list->items[list->count++] = (save_piece){kept, list->store, tensor, entry};
    return RADZ_OK;
}

/* The items of a part whose names begin with `prefix`, under another one; the others under `rest` (NULL: their own name). */
static radz_status add_part(pieces *list, const model_parameters *part, const char *prefix, const char *as, radz_error *err)
{
    radz_status status = RADZ_OK;
    for (size_t i = 0; i < part->count && status == RADZ_OK; i++) {
        const char *name = part->items[i].name;
        bool inside = radz_str_starts(name, prefix);
        status = add(list, inside ? as : "", inside ? name + strlen(prefix) : name, part->items[i].tensor, NULL, err);
    }
    return status;
}

static bool listed(const model_parameters *part, const char *name)
{
    for (size_t i = 0; i < part->count; i++)
        if (strcmp(part->items[i].name, name) == 0)
            return true;
    return false;
}

/* What the tower's files hold beside the layers that are read. */
static radz_status add_rest_of_tower(pieces *list, const llava *m, const char *as, radz_error *err)
{
    const model_parameters *tower = &m->parts[LLAVA_TOWER];
    const safetensors *files = weights_files(tower->files);
    radz_status status = RADZ_OK;
    for (size_t i = 0; i < safetensors_count(files) && status == RADZ_OK; i++) {
        const safetensors_entry *e = safetensors_at(files, i);
        if (radz_str_starts(e->name, m->tower_prefix) && !listed(tower, e->name) && !radz_str_ends(e->name, "position_ids"))
            status = add(list, as, e->name + strlen(m->tower_prefix), NULL, e, err);
    }
    return status;
}

static radz_status write_pieces(const pieces *list, const char *dir, const char *name, radz_error *err)
{
    char *path = radz_path_join(dir, name, err);
    radz_status status = path == NULL ? RADZ_E_NOMEM : radz_mkdirs(dir, err);
    if (status == RADZ_OK)
        status = save_tensors(path, list->items, list->count, err);
    free(path);
    return status;
}

static void pieces_free(pieces *list)
{
    free(list->items);
    radz_arena_free(&list->arena);
}

static radz_status save_config(const llava *m, const char *dir, TDtype store, radz_error *err)
{
    const llava_config *c = &m->config;
    radz_out out;
    radz_json_writer w;
    radz_status status = save_config_begin(dir, "LlavaForConditionalGeneration", "llava", &out, &w, err);
    if (status)
        return status;
    radz_json_put_string(&w, "torch_dtype", save_dtype_name(store));
    radz_json_put_i64(&w, "image_token_index", c->image_token);
    radz_json_put_i64(&w, "image_seq_length", c->image_tokens);
    radz_json_put_i64(&w, "vision_feature_layer", c->feature_layer - c->vision.tower.layers - 1);
    radz_json_put_string(&w, "vision_feature_select_strategy", c->keep_class ? "full" : "default");
    radz_json_put_string(&w, "projector_hidden_act", clip_activation_name(c->projector_activation));
    radz_json_put_bool(&w, "multimodal_projector_bias", c->projector_bias);
    radz_json_put_bool(&w, "tie_word_embeddings", c->decoder.tied);
    radz_json_object_begin(&w, "text_config");
    status = decoder_config_put(&w, &c->decoder, err);
    if (status == RADZ_OK) {
        radz_json_object_end(&w);
        clip_vision_config_put(&w, &c->vision, 0.02, 0);
    }
    return save_config_end(&out, &w, status, err);
}

radz_status llava_save(const llava *m, const char *dir, TDtype store, radz_error *err)
{
    static const char tower[] = "vision_tower.vision_model.";
    if (m->config.layout != LLAVA_HF)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "a model of the layout '%s' cannot be saved; only its radz.json and "
                         "radz.safetensors can", llava_layout_name(m->config.layout));
    pieces list = {.store = store};
    radz_status status = add_part(&list, &m->parts[LLAVA_DECODER], m->decoder_prefix, "language_model.model", err);
    if (status == RADZ_OK)
        status = add_part(&list, &m->parts[LLAVA_PROJECTOR], m->projector_prefix, "multi_modal_projector.", err);
    if (status == RADZ_OK)
        status = add_part(&list, &m->parts[LLAVA_TOWER], m->tower_prefix, tower, err);
    if (status == RADZ_OK)
        status = add_rest_of_tower(&list, m, tower, err);
    if (status == RADZ_OK)
        status = write_pieces(&list, dir, "model.safetensors", err);
    if (status == RADZ_OK)
        status = save_config(m, dir, store, err);
    pieces_free(&list);
    return status;
}

radz_status llava_save_radz(const llava *m, const char *dir, radz_error *err)
{
    if (!m->has_radz)
        return radz_fail(err, RADZ_E_INTERNAL, "a model without special tokens or head has no radz.json to be saved");
    pieces list = {.store = T_F32};
    char *path = radz_path_join(dir, "radz.json", err);
    radz_status status = path == NULL ? RADZ_E_NOMEM : radz_mkdirs(dir, err);
    if (status == RADZ_OK)
        status = add_part(&list, &m->parts[LLAVA_RADZ], "", "", err);
    if (status == RADZ_OK)
        status = add_part(&list, &m->parts[LLAVA_UPDATE], "", "", err);
    if (status == RADZ_OK && list.count > 0)
        status = write_pieces(&list, dir, "radz.safetensors", err);
    if (status == RADZ_OK)
        status = radz_config_save(&m->radz, path, err);
    pieces_free(&list);
    free(path);
    return status;
}
