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
    RADZ_FIELD_TEXT("prompts", radz_recipe_validation, prompts),
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

static const cyaml_schema_field_t recipe_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_recipe_card),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_recipe_card, notes),
    RADZ_FIELD_TEXT("output", radz_recipe_card, output),
    CYAML_FIELD_MAPPING_PTR("data", CYAML_FLAG_DEFAULT, radz_recipe_card, data, data_fields),
    CYAML_FIELD_MAPPING_PTR("validation", CYAML_FLAG_OPTIONAL, radz_recipe_card, validation, validation_fields),
    CYAML_FIELD_MAPPING_PTR("tokenizer", CYAML_FLAG_DEFAULT, radz_recipe_card, tokenizer, tokenizer_fields),
    CYAML_FIELD_MAPPING_PTR("model", CYAML_FLAG_DEFAULT, radz_recipe_card, model, model_fields),
    CYAML_FIELD_MAPPING_PTR("images", CYAML_FLAG_DEFAULT, radz_recipe_card, images, images_fields),
    CYAML_FIELD_MAPPING_PTR("texts", CYAML_FLAG_DEFAULT, radz_recipe_card, texts, texts_fields),
    CYAML_FIELD_MAPPING_PTR("training", CYAML_FLAG_DEFAULT, radz_recipe_card, training, training_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t recipe_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_recipe_card, recipe_fields)};

static const radz_card_range recipe_ranges[] = {
    {"tokenizer.vocabulary", 514, 65536},
    {"tokenizer.context", 4, 512},
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
    {NULL, 0, 0}};

static radz_status check_tower(const radz_recipe_tower *tower, const char *path, const radz_card_source *source,
                               radz_error *err)
{
    if (tower->width % tower->heads != 0)
        return radz_card_fail(source, err, path, "a width of %u cannot be shared by %u heads", tower->width,
                              tower->heads);
    return RADZ_OK;
}

static radz_status finish_recipe(void *card, const radz_card_source *source, radz_error *err)
{
    radz_recipe_card *recipe = card;
    radz_recipe_model *model = recipe->model;
    radz_recipe_training *training = recipe->training;
    if (!radz_card_has(source, "model.activation"))
        model->activation = RADZ_ACTIVATION_QUICK_GELU;
    if (!radz_card_has(source, "model.log_scale"))
        model->log_scale = 2.6592600369327779; /* ln(1/0.07) */
    if (recipe->texts->per_image == 0)
        recipe->texts->per_image = 1;
    if (training->accumulate == 0)
        training->accumulate = 1;
    if (!radz_card_has(source, "training.beta1"))
        training->beta1 = 0.9;
    if (!radz_card_has(source, "training.beta2"))
        training->beta2 = 0.98;
    if (!radz_card_has(source, "training.eps"))
        training->eps = 1e-6;
    if (model->image_size % model->patch != 0)
        return radz_card_fail(source, err, "model.image_size", "%u pixels are not a whole number of patches of %u",
                              model->image_size, model->patch);
    radz_status st = check_tower(&model->vision, "model.vision.heads", source, err);
    if (st == RADZ_OK)
        st = check_tower(&model->text, "model.text.heads", source, err);
    if (st != RADZ_OK)
        return st;
    if (recipe->images->zoom_low > recipe->images->zoom_high)
        return radz_card_fail(source, err, "images.zoom_low", "%g is above zoom_high, %g", recipe->images->zoom_low,
                              recipe->images->zoom_high);
    if (training->warmup > training->steps)
        return radz_card_fail(source, err, "training.warmup", "%u steps of warm-up in a training of %u steps",
                              training->warmup, training->steps);
    if (recipe->validation != NULL && strcmp(recipe->validation->split, recipe->data->train) == 0)
        return radz_card_fail(source, err, "validation.split", "'%s' is the split that is trained on",
                              recipe->validation->split);
    return RADZ_OK;
}

static const radz_card_schema recipe_schema = {RADZ_CARD_RECIPE, &recipe_root, recipe_ranges, finish_recipe};

radz_status radz_recipe_card_load(const char *path, radz_recipe_card **out, radz_error *err)
{
    void *card = NULL;
    radz_status st = radz_card_load(&recipe_schema, path, &card, err);
    *out = card;
    return st;
}

void radz_recipe_card_free(radz_recipe_card *card)
{
    radz_card_release(&recipe_schema, card);
}
