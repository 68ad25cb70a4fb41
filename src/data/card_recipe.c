#include "data/card_recipe.h"

#include <string.h>

#include "data/card_engine.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define UINT(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_DEFAULT, type, member)
#define UINT_OPTIONAL(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)
#define REAL(key, type, member) CYAML_FIELD_FLOAT(key, CYAML_FLAG_DEFAULT, type, member)
#define REAL_OPTIONAL(key, type, member) CYAML_FIELD_FLOAT(key, CYAML_FLAG_OPTIONAL, type, member)

static const cyaml_strval_t activations[] = {{"gelu", RADZ_ACTIVATION_GELU},
                                             {"quick_gelu", RADZ_ACTIVATION_QUICK_GELU}};
static const cyaml_strval_t positives[] = {{"pair", RADZ_POSITIVES_PAIR}, {"contained", RADZ_POSITIVES_CONTAINED}};

const char *radz_activation_name(radz_activation activation)
{
    return activation == RADZ_ACTIVATION_GELU ? "gelu" : "quick_gelu";
}

static const cyaml_schema_field_t data_fields[] = {RADZ_FIELD_TEXT("dataset", radz_recipe_data, dataset),
                                                   RADZ_FIELD_TEXT("train", radz_recipe_data, train),
                                                   UINT_OPTIONAL("limit", radz_recipe_data, limit), CYAML_FIELD_END};

static const cyaml_schema_field_t validation_fields[] = {
    RADZ_FIELD_TEXT("split", radz_recipe_validation, split),
    RADZ_FIELD_TEXT_OPTIONAL("prompts", radz_recipe_validation, prompts),
    RADZ_FIELD_TEXT_OPTIONAL("group", radz_recipe_validation, group),
    UINT_OPTIONAL("limit", radz_recipe_validation, limit),
    UINT_OPTIONAL("every", radz_recipe_validation, every),
    CYAML_FIELD_END};

static const cyaml_schema_field_t tokenizer_fields[] = {UINT("vocabulary", radz_recipe_tokenizer, vocabulary),
                                                        UINT("context", radz_recipe_tokenizer, context),
                                                        CYAML_FIELD_END};

static const cyaml_schema_field_t tower_fields[] = {
    UINT("width", radz_recipe_tower, width), UINT("mlp", radz_recipe_tower, mlp),
    UINT("layers", radz_recipe_tower, layers), UINT("heads", radz_recipe_tower, heads), CYAML_FIELD_END};

static const cyaml_schema_field_t model_fields[] = {
    UINT("image_size", radz_recipe_model, image_size),
    UINT("patch", radz_recipe_model, patch),
    UINT("projection", radz_recipe_model, projection),
    CYAML_FIELD_ENUM("activation", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, radz_recipe_model, activation, activations,
                     COUNT(activations)),
    REAL_OPTIONAL("log_scale", radz_recipe_model, log_scale),
    CYAML_FIELD_MAPPING("vision", CYAML_FLAG_DEFAULT, radz_recipe_model, vision, tower_fields),
    CYAML_FIELD_MAPPING("text", CYAML_FLAG_DEFAULT, radz_recipe_model, text, tower_fields),
    CYAML_FIELD_END};

static const cyaml_schema_field_t images_fields[] = {
    UINT("stored", radz_recipe_images, stored),
    REAL("zoom_low", radz_recipe_images, zoom_low),
    REAL("zoom_high", radz_recipe_images, zoom_high),
    REAL_OPTIONAL("aspect", radz_recipe_images, aspect),
    REAL_OPTIONAL("shift", radz_recipe_images, shift),
    REAL_OPTIONAL("rotate", radz_recipe_images, rotate),
    REAL_OPTIONAL("contrast", radz_recipe_images, contrast),
    REAL_OPTIONAL("brightness", radz_recipe_images, brightness),
    REAL_OPTIONAL("gamma", radz_recipe_images, gamma),
    REAL_OPTIONAL("noise", radz_recipe_images, noise),
    REAL("mean", radz_recipe_images, mean),
    REAL("deviation", radz_recipe_images, deviation),
    CYAML_FIELD_END};

static const cyaml_schema_field_t texts_fields[] = {
    REAL("whole", radz_recipe_texts, whole), UINT("sentences", radz_recipe_texts, sentences),
    REAL("single", radz_recipe_texts, single), UINT_OPTIONAL("per_image", radz_recipe_texts, per_image),
    REAL_OPTIONAL("rarity", radz_recipe_texts, rarity), CYAML_FIELD_END};

static const cyaml_schema_field_t training_fields[] = {
    UINT("seed", radz_recipe_training, seed),
    UINT("steps", radz_recipe_training, steps),
    UINT("batch", radz_recipe_training, batch),
    UINT_OPTIONAL("accumulate", radz_recipe_training, accumulate),
    UINT("warmup", radz_recipe_training, warmup),
    REAL("learning_rate", radz_recipe_training, learning_rate),
    REAL_OPTIONAL("final_rate", radz_recipe_training, final_rate),
    REAL("weight_decay", radz_recipe_training, weight_decay),
    REAL_OPTIONAL("beta1", radz_recipe_training, beta1),
    REAL_OPTIONAL("beta2", radz_recipe_training, beta2),
    REAL_OPTIONAL("eps", radz_recipe_training, eps),
    REAL_OPTIONAL("clip_norm", radz_recipe_training, clip_norm),
    CYAML_FIELD_ENUM("positives", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, radz_recipe_training, positives, positives,
                     COUNT(positives)),
    UINT_OPTIONAL("checkpoint_every", radz_recipe_training, checkpoint_every),
    CYAML_FIELD_END};

#define INT_OPTIONAL(key, type, member) CYAML_FIELD_INT(key, CYAML_FLAG_OPTIONAL, type, member)
#define BOOL_OPTIONAL(key, type, member) CYAML_FIELD_BOOL(key, CYAML_FLAG_OPTIONAL, type, member)
#define SECTION(key, member, fields) CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_OPTIONAL, radz_recipe_card, member, fields)

static const cyaml_strval_t pairs_values[] = {{"crossed", RADZ_PAIRS_CROSSED}, {"plain", RADZ_PAIRS_PLAIN}};

static const cyaml_schema_field_t start_fields[] = {RADZ_FIELD_TEXT_OPTIONAL("model", radz_recipe_start, model),
                                                    RADZ_FIELD_TEXT_OPTIONAL("vision", radz_recipe_start, vision), CYAML_FIELD_END};

static const cyaml_schema_field_t decoder_fields[] = {
    UINT("hidden", radz_recipe_decoder, hidden),
    UINT("mlp", radz_recipe_decoder, mlp),
    UINT("layers", radz_recipe_decoder, layers),
    UINT("heads", radz_recipe_decoder, heads),
    UINT_OPTIONAL("kv_heads", radz_recipe_decoder, kv_heads),
    UINT("context", radz_recipe_decoder, context),
    REAL_OPTIONAL("theta", radz_recipe_decoder, theta),
    INT_OPTIONAL("vision_layer", radz_recipe_decoder, vision_layer),
    CYAML_FIELD_END};

static const cyaml_schema_field_t dialogue_fields[] = {
    RADZ_FIELD_TEXT("template", radz_recipe_dialogue, template_name),
    RADZ_FIELD_TEXT_OPTIONAL("report", radz_recipe_dialogue, report),
    RADZ_FIELD_TEXT("prompts", radz_recipe_dialogue, prompts),
    RADZ_FIELD_TEXT_OPTIONAL("group", radz_recipe_dialogue, group),
    UINT("questions", radz_recipe_dialogue, questions),
    REAL_OPTIONAL("yes", radz_recipe_dialogue, yes),
    REAL_OPTIONAL("images", radz_recipe_dialogue, images),
    CYAML_FIELD_END};

static const cyaml_schema_field_t radz_fields[] = {
    UINT_OPTIONAL("image_tokens", radz_recipe_radz, image_tokens),
    UINT_OPTIONAL("text_tokens", radz_recipe_radz, text_tokens),
    INT_OPTIONAL("layer", radz_recipe_radz, layer),
    RADZ_FIELD_TEXT_OPTIONAL("pooling", radz_recipe_radz, pooling),
    UINT_OPTIONAL("head_hidden", radz_recipe_radz, head_hidden),
    UINT_OPTIONAL("head_dim", radz_recipe_radz, head_dim),
    REAL_OPTIONAL("tau", radz_recipe_radz, tau),
    BOOL_OPTIONAL("learn_tau", radz_recipe_radz, learn_tau),
    RADZ_FIELD_TEXT_OPTIONAL("image_prompt", radz_recipe_radz, image_prompt),
    RADZ_FIELD_TEXT_OPTIONAL("text_prompt", radz_recipe_radz, text_prompt),
    CYAML_FIELD_END};

static const cyaml_schema_field_t labels_fields[] = {RADZ_FIELD_TEXT("prompts", radz_recipe_labels, prompts),
                                                     RADZ_FIELD_TEXT_OPTIONAL("group", radz_recipe_labels, group),
                                                     REAL("share", radz_recipe_labels, share), CYAML_FIELD_END};

static const cyaml_schema_field_t losses_fields[] = {
    REAL_OPTIONAL("lm", radz_recipe_losses, lm), REAL_OPTIONAL("cross", radz_recipe_losses, cross),
    REAL_OPTIONAL("anchor", radz_recipe_losses, anchor), BOOL_OPTIONAL("lm_by_answer", radz_recipe_losses, lm_by_answer),
    CYAML_FIELD_ENUM("pairs", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, radz_recipe_losses, pairs, pairs_values, COUNT(pairs_values)),
    CYAML_FIELD_END};

static const cyaml_schema_field_t anchors_fields[] = {
    RADZ_FIELD_TEXT("card", radz_recipe_anchors, card), RADZ_FIELD_TEXT_OPTIONAL("group", radz_recipe_anchors, group),
    RADZ_FIELD_ANCHOR_FORM("form", radz_recipe_anchors, form), UINT_OPTIONAL("refresh", radz_recipe_anchors, refresh),
    REAL_OPTIONAL("texts", radz_recipe_anchors, texts),
    CYAML_FIELD_END};

static const cyaml_schema_field_t lora_fields[] = {UINT("rank", radz_recipe_lora, rank), REAL("alpha", radz_recipe_lora, alpha),
                                                   CYAML_FIELD_END};

static const cyaml_schema_field_t parts_fields[] = {BOOL_OPTIONAL("tower", radz_recipe_parts, tower),
                                                    BOOL_OPTIONAL("projector", radz_recipe_parts, projector),
                                                    BOOL_OPTIONAL("decoder", radz_recipe_parts, decoder), CYAML_FIELD_END};

static const cyaml_schema_field_t recipe_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_recipe_card),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_recipe_card, notes),
    RADZ_FIELD_TEXT("output", radz_recipe_card, output),
    CYAML_FIELD_MAPPING_PTR("data", CYAML_FLAG_DEFAULT, radz_recipe_card, data, data_fields),
    CYAML_FIELD_MAPPING_PTR("validation", CYAML_FLAG_OPTIONAL, radz_recipe_card, validation, validation_fields),
    SECTION("tokenizer", tokenizer, tokenizer_fields),
    SECTION("model", model, model_fields),
    CYAML_FIELD_MAPPING_PTR("images", CYAML_FLAG_DEFAULT, radz_recipe_card, images, images_fields),
    SECTION("texts", texts, texts_fields),
    CYAML_FIELD_MAPPING_PTR("training", CYAML_FLAG_DEFAULT, radz_recipe_card, training, training_fields),
    SECTION("start", start, start_fields),
    SECTION("decoder", decoder, decoder_fields),
    SECTION("dialogue", dialogue, dialogue_fields),
    SECTION("radz", radz, radz_fields),
    SECTION("labels", labels, labels_fields),
    SECTION("losses", losses, losses_fields),
    SECTION("anchors", anchors, anchors_fields),
    SECTION("lora", lora, lora_fields),
    SECTION("train", train, parts_fields),
    RADZ_FIELD_TEXT_OPTIONAL("dtype", radz_recipe_card, dtype),
    RADZ_FIELD_TEXT_OPTIONAL("store", radz_recipe_card, store),
    CYAML_FIELD_END};
static const cyaml_schema_value_t recipe_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_recipe_card, recipe_fields)};

static const radz_card_range recipe_ranges[] = {
    {"tokenizer.vocabulary", 514, 65536},
    {"tokenizer.context", 4, 131072},
    {"model.image_size", 16, 1024},
    {"model.patch", 2, 256},
    {"model.projection", 4, 4096},
    {"model.log_scale", 0, 4.605170185988092},
    {"model.vision.width", 8, 4096},
    {"model.vision.mlp", 8, 16384},
    {"model.vision.layers", 1, 64},
    {"model.vision.heads", 1, 64},
    {"model.text.width", 8, 4096},
    {"model.text.mlp", 8, 16384},
    {"model.text.layers", 1, 64},
    {"model.text.heads", 1, 64},
    {"images.stored", 16, 1024},
    {"images.zoom_low", 0.1, 2},
    {"images.zoom_high", 0.1, 2},
    {"images.aspect", 0, 0.9},
    {"images.shift", 0, 0.5},
    {"images.rotate", 0, 180},
    {"images.contrast", 0, 0.9},
    {"images.brightness", 0, 0.9},
    {"images.gamma", 0, 3},
    {"images.noise", 0, 1},
    {"images.mean", 0, 1},
    {"images.deviation", 0.001, 10},
    {"texts.whole", 0, 1},
    {"texts.sentences", 1, 64},
    {"texts.single", 0, 1},
    {"texts.per_image", 1, 64},
    {"texts.rarity", 0, 4},
    {"training.steps", 1, 1e9},
    {"training.batch", 2, 65536},
    {"training.accumulate", 1, 1024},
    {"training.learning_rate", 1e-9, 10},
    {"training.final_rate", 0, 1},
    {"training.weight_decay", 0, 10},
    {"training.beta1", 0, 0.99999},
    {"training.beta2", 0, 0.99999},
    {"training.eps", 1e-16, 1},
    {"training.clip_norm", 0, 1e6},
    {"decoder.hidden", 8, 16384},
    {"decoder.mlp", 8, 65536},
    {"decoder.layers", 1, 128},
    {"decoder.heads", 1, 128},
    {"decoder.kv_heads", 1, 128},
    {"decoder.context", 16, 131072},
    {"decoder.theta", 1, 1e9},
    {"decoder.vision_layer", -65, -1},
    {"dialogue.questions", 0, 64},
    {"dialogue.yes", 0, 1},
    {"dialogue.images", 0, 1},
    {"radz.image_tokens", 0, 64},
    {"radz.text_tokens", 0, 64},
    {"radz.layer", -129, 128},
    {"radz.head_hidden", 0, 65536},
    {"radz.head_dim", 0, 65536},
    {"radz.tau", 0.0001, 100},
    {"labels.share", 0, 1},
    {"losses.lm", 0, 1000},
    {"losses.cross", 0, 1000},
    {"losses.anchor", 0, 1000},
    {"anchors.refresh", 1, 1e6},
    {"anchors.texts", 0, 1},
    {"lora.rank", 1, 65536},
    {"lora.alpha", 0.001, 1e6},
    {NULL, 0, 0}};

static radz_status check_tower(const radz_recipe_tower *tower, const char *path, const radz_card_source *source,
                               radz_error *err)
{
    if (tower->width % tower->heads != 0)
        return radz_card_fail(source, err, path, "a width of %u cannot be shared by %u heads", tower->width,
                              tower->heads);
    return RADZ_OK;
}

/* The sections that a recipe of this kind has, and those it must not have. */
static radz_status check_sections(const radz_recipe_card *r, const radz_card_source *source, radz_error *err)
{
    bool mllm = r->start != NULL, is_new = mllm && r->decoder != NULL;
    const struct {
        const char *key;
        const void *section;
        bool wanted, allowed;
    } all[] = {{"model", r->model, !mllm, !mllm},
               {"validation", r->validation, false, true},
               {"tokenizer", r->tokenizer, !mllm || is_new, !mllm || is_new},
               {"texts", r->texts, !mllm || r->radz != NULL, !mllm || r->radz != NULL},
               {"decoder", r->decoder, false, mllm},
               {"dialogue", r->dialogue, false, mllm},
               {"radz", r->radz, false, mllm},
               {"labels", r->labels, false, r->radz != NULL},
               {"losses", r->losses, mllm, mllm},
               {"anchors", r->anchors, false, r->radz != NULL},
               {"lora", r->lora, false, r->radz != NULL},
               {"train", r->train, false, mllm}};
    for (size_t i = 0; i < COUNT(all); i++) {
        if (all[i].section == NULL && all[i].wanted)
            return radz_card_fail(source, err, all[i].key, "is missing; this kind of recipe needs it");
        if (all[i].section != NULL && !all[i].allowed)
            return radz_card_fail(source, err, all[i].key, "has no place in this kind of recipe%s",
                                  mllm ? " (see start, decoder and radz)" : " (without start it makes a CLIP model)");
    }
    return RADZ_OK;
}

static radz_status finish_clip(radz_recipe_card *recipe, const radz_card_source *source, radz_error *err)
{
    radz_recipe_model *model = recipe->model;
    if (!radz_card_has(source, "model.activation"))
        model->activation = RADZ_ACTIVATION_QUICK_GELU;
    if (!radz_card_has(source, "model.log_scale"))
        model->log_scale = 2.6592600369327779; /* ln(1/0.07) */
    if (model->image_size % model->patch != 0)
        return radz_card_fail(source, err, "model.image_size", "%u pixels are not a whole number of patches of %u",
                              model->image_size, model->patch);
    radz_status st = check_tower(&model->vision, "model.vision.heads", source, err);
    return st == RADZ_OK ? check_tower(&model->text, "model.text.heads", source, err) : st;
}

static radz_status finish_radz(radz_recipe_radz *r, const radz_card_source *source, radz_error *err)
{
    radz_status st = RADZ_OK;
    if (!radz_card_has(source, "radz.layer"))
        r->layer = -2;
    if (!radz_card_has(source, "radz.tau"))
        r->tau = 0.05;
    if (r->pooling == NULL)
        st = radz_card_set_text(&r->pooling, "special", err);
    if (st != RADZ_OK)
        return st;
    if ((r->head_hidden == 0) != (r->head_dim == 0))
        return radz_card_fail(source, err, "radz.head_dim", "a head of %u to %u; both are 0 (no head) or above", r->head_hidden, r->head_dim);
    bool special = strcmp(r->pooling, "special") == 0;
    if (special != (r->image_tokens > 0) || special != (r->text_tokens > 0))
        return radz_card_fail(source, err, "radz.pooling", "'%s' with %u image tokens and %u text tokens; 'special' needs both, 'last' and "
                              "'mean' have none", r->pooling, r->image_tokens, r->text_tokens);
    return RADZ_OK;
}

static radz_status finish_mllm(radz_recipe_card *r, const radz_card_source *source, radz_error *err)
{
    if ((r->start->model == NULL) == (r->start->vision == NULL))
        return radz_card_fail(source, err, "start", "names %s of 'model' and 'vision', wanted one",
                              r->start->model == NULL ? "none" : "both");
    if ((r->start->vision == NULL) != (r->decoder == NULL))
        return radz_card_fail(source, err, "decoder", "%s", r->decoder == NULL ? "is missing: start.vision makes a new model"
                                                                               : "has no place beside start.model");
    radz_recipe_decoder *d = r->decoder;
    if (d != NULL) {
        if (d->kv_heads == 0)
            d->kv_heads = d->heads;
        if (!radz_card_has(source, "decoder.theta"))
            d->theta = 10000;
        if (!radz_card_has(source, "decoder.vision_layer"))
            d->vision_layer = -2;
        if (d->hidden % d->heads != 0 || d->hidden / d->heads % 2 != 0 || d->heads % d->kv_heads != 0)
            return radz_card_fail(source, err, "decoder.heads", "a width of %u cannot be shared by %u heads (%u of keys): wanted an even "
                                  "width of each, and whole groups", d->hidden, d->heads, d->kv_heads);
    }
    if (r->dialogue != NULL && !radz_card_has(source, "dialogue.images"))
        r->dialogue->images = 1;
    if (r->dialogue != NULL && r->dialogue->report == NULL && r->dialogue->questions == 0)
        return radz_card_fail(source, err, "dialogue.questions", "0, and no report is said: there is nothing to learn");
    radz_status st = RADZ_OK;
    radz_recipe_losses *l = r->losses;
    if (!radz_card_has(source, "losses.lm"))
        l->lm = r->dialogue != NULL ? 1 : 0;
    if (!radz_card_has(source, "losses.cross"))
        l->cross = r->radz != NULL ? 0.5 : 0;
    if (!radz_card_has(source, "losses.anchor"))
        l->anchor = r->anchors != NULL ? 0.5 : 0;
    if (l->lm > 0 && r->dialogue == NULL)
        return radz_card_fail(source, err, "losses.lm", "%g, but there is no section 'dialogue'", l->lm);
    if (l->cross > 0 && r->radz == NULL)
        return radz_card_fail(source, err, "losses.cross", "%g, but there is no section 'radz'", l->cross);
    if (l->anchor > 0 && r->anchors == NULL)
        return radz_card_fail(source, err, "losses.anchor", "%g, but there is no section 'anchors'", l->anchor);
    if (r->train != NULL && !radz_card_has(source, "train.projector"))
        r->train->projector = true;
    if (r->train != NULL && !radz_card_has(source, "train.decoder"))
        r->train->decoder = r->lora == NULL;
    if (r->radz != NULL)
        st = finish_radz(r->radz, source, err);
    if (st == RADZ_OK && r->anchors != NULL && r->anchors->refresh == 0)
        r->anchors->refresh = 1;
    if (st == RADZ_OK && r->dtype == NULL)
        st = radz_card_set_text(&r->dtype, "f32", err);
    if (st == RADZ_OK && r->store == NULL)
        st = radz_card_set_text(&r->store, "f32", err);
    return st;
}

static radz_status check_validation(const radz_recipe_card *r, const radz_card_source *source, radz_error *err)
{
    const radz_recipe_validation *v = r->validation;
    if (strcmp(v->split, r->data->train) == 0)
        return radz_card_fail(source, err, "validation.split", "'%s' is the split that is trained on", v->split);
    if (v->prompts != NULL && r->start != NULL && r->radz == NULL)
        return radz_card_fail(source, err, "validation.prompts", "has no place in this kind of recipe: without radz there are no "
                              "features to be compared with prompts; losses alone are measured");
    if (v->prompts == NULL && v->group != NULL)
        return radz_card_fail(source, err, "validation.group", "has no place without validation.prompts: it says over which classes "
                              "their AUC is averaged");
    return RADZ_OK;
}

static radz_status finish_recipe(void *card, const radz_card_source *source, radz_error *err)
{
    radz_recipe_card *recipe = card;
    radz_recipe_training *training = recipe->training;
    radz_status st = check_sections(recipe, source, err);
    if (st == RADZ_OK)
        st = recipe->start == NULL ? finish_clip(recipe, source, err) : finish_mllm(recipe, source, err);
    if (st != RADZ_OK)
        return st;
    if (recipe->texts != NULL && recipe->texts->per_image == 0)
        recipe->texts->per_image = 1;
    if (training->accumulate == 0)
        training->accumulate = 1;
    if (!radz_card_has(source, "training.beta1"))
        training->beta1 = 0.9;
    if (!radz_card_has(source, "training.beta2"))
        training->beta2 = 0.98;
    if (!radz_card_has(source, "training.eps"))
        training->eps = 1e-6;
    if (recipe->images->zoom_low > recipe->images->zoom_high)
        return radz_card_fail(source, err, "images.zoom_low", "%g is above zoom_high, %g", recipe->images->zoom_low,
                              recipe->images->zoom_high);
    if (training->warmup > training->steps)
        return radz_card_fail(source, err, "training.warmup", "%u steps of warm-up in a training of %u steps",
                              training->warmup, training->steps);
    return recipe->validation != NULL ? check_validation(recipe, source, err) : RADZ_OK;
}

static const radz_card_schema recipe_schema = {RADZ_CARD_RECIPE, &recipe_root, recipe_ranges, finish_recipe};

radz_status radz_recipe_card_load(const char *path, radz_recipe_card **out, radz_error *err)
{
    return radz_recipe_card_load_changed(path, NULL, out, err);
}

radz_status radz_recipe_card_load_changed(const char *path, const radz_strlist *changes, radz_recipe_card **out,
                                          radz_error *err)
{
    void *card = NULL;
    radz_status st = radz_card_load_changed(&recipe_schema, path, changes, &card, err);
    *out = card;
    return st;
}

void radz_recipe_card_free(radz_recipe_card *card)
{
    radz_card_release(&recipe_schema, card);
}
