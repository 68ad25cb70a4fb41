#include "data/card.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/card_engine.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- finding cards ---- */

static const struct {
    const char *name, *folder;
} kinds[RADZ_CARD_KIND_COUNT] = {
    [RADZ_CARD_SUITE] = {"suite", "suites"},       [RADZ_CARD_DATASET] = {"data set", "datasets"},
    [RADZ_CARD_MODEL] = {"model", "models"},       [RADZ_CARD_PROMPTS] = {"prompt set", "prompts"},
    [RADZ_CARD_RECIPE] = {"recipe", "recipes"},    [RADZ_CARD_TERMS] = {"table of terms", "terms"},
    [RADZ_CARD_GATE] = {"regression gate", "gates"},
    [RADZ_CARD_REFERENCES] = {"set of references", "references"},
    [RADZ_CARD_PROTOCOL] = {"protocol", "protocols"},
    [RADZ_CARD_ANCHORS] = {"set of anchors", "anchors"}, [RADZ_CARD_TEMPLATE] = {"template", "templates"},
};

const char *radz_card_kind_name(radz_card_kind kind)
{
    return kinds[kind].name;
}

const char *radz_card_kind_folder(radz_card_kind kind)
{
    return kinds[kind].folder;
}

radz_status radz_card_list(const radz_card_places *places, radz_card_kind kind, radz_strlist *out, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < places->count && st == RADZ_OK; i++) {
        radz_strlist files = {0};
        char *folder = radz_path_join(places->folders[i], kinds[kind].folder, err);
        if (folder == NULL)
            st = RADZ_E_NOMEM;
        else if (radz_file_is_dir(folder))
            st = radz_dir_list(folder, ".yaml", &files, err);
        for (size_t j = 0; j < files.count && st == RADZ_OK; j++) {
            files.items[j][strlen(files.items[j]) - strlen(".yaml")] = '\0';
            if (files.items[j][0] != '.' && files.items[j][0] != '\0' && !radz_strlist_has(out, files.items[j]))
                st = radz_strlist_add(out, files.items[j], err);
        }
        free(folder);
        radz_strlist_free(&files);
    }
    radz_strlist_sort(out);
    return st;
}

radz_status radz_card_find(const radz_card_places *places, radz_card_kind kind, const char *name, char **path,
                           radz_error *err)
{
    *path = NULL;
    if (radz_str_ends(name, ".yaml")) {
        if (!radz_file_exists(name))
            return radz_fail(err, RADZ_E_MISSING, "no %s card '%s'", kinds[kind].name, name);
        *path = radz_strdup(name, err);
        return *path != NULL ? RADZ_OK : RADZ_E_NOMEM;
    }
    for (size_t i = 0; i < places->count && strchr(name, '/') == NULL; i++) {
        radz_strbuf file = {0};
        radz_status st =
            radz_strbuf_printf(&file, err, "%s/%s/%s.yaml", places->folders[i], kinds[kind].folder, name);
        if (st == RADZ_OK && radz_file_exists(file.text)) {
            *path = file.text;
            return RADZ_OK;
        }
        radz_strbuf_free(&file);
        if (st != RADZ_OK)
            return st;
    }
    radz_strlist known = {0};
    radz_status st = radz_card_list(places, kind, &known, err);
    if (st == RADZ_OK && known.count > 0) {
        st = radz_fail_unknown_in(err, kinds[kind].name, name, (const char *const *)known.items, known.count);
    } else if (st == RADZ_OK) {
        st = radz_fail(err, RADZ_E_USAGE, "unknown %s '%s': no %s cards were found in '%s'", kinds[kind].name, name,
                       kinds[kind].name, places->count > 0 ? places->folders[places->count - 1] : "(no folder)");
    }
    radz_strlist_free(&known);
    return st;
}

/* ---- suite ---- */

static const cyaml_schema_field_t variant_row_fields[] = {RADZ_FIELD_TEXT("factor", radz_variant_row, factor),
                                                          RADZ_FIELD_TEXT("at", radz_variant_row, at),
                                                          RADZ_FIELD_TEXTS_OPTIONAL("set", radz_variant_row, set),
                                                          CYAML_FIELD_END};
static const cyaml_schema_value_t variant_row_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_variant_row, variant_row_fields)};
static const cyaml_schema_field_t variants_fields[] = {
    RADZ_FIELD_TEXT("recipe", radz_variants_spec, recipe),
    RADZ_FIELD_TEXTS_OPTIONAL("set", radz_variants_spec, set),
    CYAML_FIELD_SEQUENCE("rows", CYAML_FLAG_POINTER, radz_variants_spec, rows, &variant_row_entry, 1, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_field_t suite_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_suite_card),
    RADZ_FIELD_TEXT_OPTIONAL("description", radz_suite_card, description),
    RADZ_FIELD_TEXTS("datasets", radz_suite_card, datasets),
    RADZ_FIELD_TEXTS("models", radz_suite_card, models),
    RADZ_FIELD_TEXTS("scorers", radz_suite_card, scorers),
    RADZ_FIELD_TEXT("prompts", radz_suite_card, prompts),
    RADZ_FIELD_TEXT_OPTIONAL("anchors", radz_suite_card, anchors),
    RADZ_FIELD_TEXTS_OPTIONAL("other_prompts", radz_suite_card, other_prompts),
    RADZ_FIELD_TEXTS_OPTIONAL("other_anchors", radz_suite_card, other_anchors),
    RADZ_FIELD_TEXTS_OPTIONAL("vary_questions", radz_suite_card, vary_questions),
    RADZ_FIELD_TEXT_OPTIONAL("protocol", radz_suite_card, protocol),
    CYAML_FIELD_UINT("replicates", CYAML_FLAG_OPTIONAL, radz_suite_card, replicates),
    CYAML_FIELD_FLOAT("confidence", CYAML_FLAG_OPTIONAL, radz_suite_card, confidence),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_OPTIONAL, radz_suite_card, seed),
    CYAML_FIELD_MAPPING_PTR("variants", CYAML_FLAG_OPTIONAL, radz_suite_card, variants, variants_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t suite_root = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_suite_card, suite_fields)};
static const radz_card_range suite_ranges[] = {{"replicates", 0, 1000000}, {"confidence", 0.5, 0.9999}, {NULL, 0, 0}};

static radz_status check_variants(const radz_suite_card *suite, const radz_card_source *source, radz_error *err)
{
    const radz_variants_spec *v = suite->variants;
    char at[64];
    if (suite->models_count != 1)
        return radz_card_fail(source, err, "models", "%zu models in a suite with 'variants', wanted one: the card that says how its "
                              "trainings are evaluated", suite->models_count);
    for (size_t i = 0; i < v->rows_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(v->rows[i].factor, v->rows[j].factor) == 0 && strcmp(v->rows[i].at, v->rows[j].at) == 0) {
                snprintf(at, sizeof at, "variants.rows[%zu]", i);
                return radz_card_fail(source, err, at, "factor '%.60s' at '%.60s' is there twice", v->rows[i].factor,
                                      v->rows[i].at);
            }
        }
    }
    return RADZ_OK;
}

static radz_status finish_suite(void *card, const radz_card_source *source, radz_error *err)
{
    radz_suite_card *suite = card;
    radz_status st = radz_card_need_distinct(source, err, "datasets", suite->datasets, suite->datasets_count);
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "models", suite->models, suite->models_count);
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "scorers", suite->scorers, suite->scorers_count);
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "other_prompts", suite->other_prompts, suite->other_prompts_count);
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "other_anchors", suite->other_anchors, suite->other_anchors_count);
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "vary_questions", suite->vary_questions, suite->vary_questions_count);
    if (st == RADZ_OK && suite->variants != NULL)
        st = check_variants(suite, source, err);
    if (st == RADZ_OK && suite->protocol == NULL)
        st = radz_card_set_text(&suite->protocol, "strict", err);
    if (!radz_card_has(source, "replicates"))
        suite->replicates = 1000;
    if (!radz_card_has(source, "confidence"))
        suite->confidence = 0.95;
    return st;
}

const radz_card_schema radz_suite_schema = {RADZ_CARD_SUITE, &suite_root, suite_ranges, finish_suite};

/* ---- model ---- */

static const cyaml_strval_t dtype_names[] = {
    {"float32", RADZ_DTYPE_FLOAT32}, {"bfloat16", RADZ_DTYPE_BFLOAT16}, {"float16", RADZ_DTYPE_FLOAT16}};

const char *radz_model_dtype_name(radz_model_dtype dtype)
{
    for (size_t i = 0; i < COUNT(dtype_names); i++)
        if (dtype_names[i].val == (int64_t)dtype)
            return dtype_names[i].str;
    return "?";
}

const cyaml_strval_t radz_anchor_form_values[2] = {{"embed-mean", RADZ_ANCHORS_EMBED_MEAN}, {"decoder", RADZ_ANCHORS_DECODER}};

const char *radz_anchor_form_name(radz_anchor_form form)
{
    return radz_anchor_form_values[form].str;
}

static const cyaml_schema_field_t reading_fields[] = {
    RADZ_FIELD_TEXTS_OPTIONAL("image_tokens", radz_reading_spec, image_tokens),
    RADZ_FIELD_TEXTS_OPTIONAL("text_tokens", radz_reading_spec, text_tokens),
    CYAML_FIELD_INT("layer", CYAML_FLAG_OPTIONAL, radz_reading_spec, layer),
    RADZ_FIELD_TEXT_OPTIONAL("pooling", radz_reading_spec, pooling),
    CYAML_FIELD_BOOL("head", CYAML_FLAG_OPTIONAL, radz_reading_spec, head),
    CYAML_FIELD_FLOAT("tau", CYAML_FLAG_OPTIONAL, radz_reading_spec, tau),
    RADZ_FIELD_TEXT_OPTIONAL("image_prompt", radz_reading_spec, image_prompt),
    RADZ_FIELD_TEXT_OPTIONAL("text_prompt", radz_reading_spec, text_prompt),
    CYAML_FIELD_END};

static const cyaml_schema_field_t model_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_model_card),
    RADZ_FIELD_TEXT("family", radz_model_card, family),
    RADZ_FIELD_TEXT_OPTIONAL("path", radz_model_card, path),
    RADZ_FIELD_TEXT_OPTIONAL("env", radz_model_card, env),
    RADZ_FIELD_TEXT_OPTIONAL("source", radz_model_card, source),
    RADZ_FIELD_TEXT_OPTIONAL("licence", radz_model_card, licence),
    RADZ_FIELD_TEXT_OPTIONAL("citation", radz_model_card, citation),
    RADZ_FIELD_TEXT_OPTIONAL("trained_on", radz_model_card, trained_on),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_model_card, notes),
    RADZ_FIELD_TEXT_OPTIONAL("weights_sha256", radz_model_card, weights_sha256),
    CYAML_FIELD_ENUM("dtype", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, radz_model_card, dtype, dtype_names,
                     COUNT(dtype_names)),
    CYAML_FIELD_UINT("batch", CYAML_FLAG_OPTIONAL, radz_model_card, batch),
    RADZ_FIELD_TEXT_OPTIONAL("prompts", radz_model_card, prompts),
    RADZ_FIELD_TEXT_OPTIONAL("preprocess", radz_model_card, preprocess),
    RADZ_FIELD_TEXTS_OPTIONAL("preprocess_steps", radz_model_card, preprocess_steps),
    RADZ_FIELD_TEXT_OPTIONAL("decode", radz_model_card, decode),
    RADZ_FIELD_TEXT_OPTIONAL("template", radz_model_card, template_name),
    CYAML_FIELD_UINT("max_tokens", CYAML_FLAG_OPTIONAL, radz_model_card, max_tokens),
    RADZ_FIELD_TEXT_OPTIONAL("tower", radz_model_card, tower),
    RADZ_FIELD_TEXT_OPTIONAL("adapter", radz_model_card, adapter),
    RADZ_FIELD_TEXT_OPTIONAL("anchors", radz_model_card, anchors),
    RADZ_FIELD_ANCHOR_FORM("anchor_form", radz_model_card, anchor_form),
    CYAML_FIELD_MAPPING_PTR("radz", CYAML_FLAG_OPTIONAL, radz_model_card, radz, reading_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t model_root = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_model_card, model_fields)};
static const radz_card_range model_ranges[] = {{"batch", 1, 4096}, {"max_tokens", 1, 4096}, {"radz.layer", -1000, 1000},
                                               {"radz.tau", 1e-6, 1e6}, {NULL, 0, 0}};

/* "chest-xray_14" -> "RADZ_DATA_CHESTXRAY14" */
static char *variable_name(const char *prefix, const char *name, radz_error *err)
{
    char *text = radz_calloc(strlen(prefix) + strlen(name) + 1, 1, err);
    if (text == NULL)
        return NULL;
    strcpy(text, prefix);
    char *end = text + strlen(prefix);
    for (const char *p = name; *p != '\0'; p++)
        if (isalnum((unsigned char)*p))
            *end++ = (char)toupper((unsigned char)*p);
    return text;
}

static radz_status finish_model(void *card, const radz_card_source *source, radz_error *err)
{
    radz_model_card *model = card;
    if (model->max_tokens == 0)
        model->max_tokens = 64;
    radz_reading_spec *radz = model->radz;
    if (radz != NULL) {
        static const char *const poolings[] = {"special", "last", "mean"};
        radz->layer_given = radz_card_has(source, "radz.layer");
        if (!radz_card_has(source, "radz.head"))
            radz->head = true;
        bool known = radz->pooling == NULL;
        for (size_t i = 0; i < COUNT(poolings); i++)
            known = known || strcmp(radz->pooling, poolings[i]) == 0;
        if (!known)
            return radz_card_fail_unknown(source, err, "radz.pooling", "pooling", radz->pooling, poolings, COUNT(poolings));
        if (radz->text_prompt != NULL && strstr(radz->text_prompt, "{text}") == NULL)
            return radz_card_fail(source, err, "radz.text_prompt", "'%.200s' has no {text}", radz->text_prompt);
        if (radz->image_prompt != NULL && strstr(radz->image_prompt, "<image>") == NULL)
            return radz_card_fail(source, err, "radz.image_prompt", "'%.200s' has no <image>", radz->image_prompt);
    }
    if (model->preprocess != NULL && model->preprocess_steps_count > 0)
        return radz_card_fail(source, err, "preprocess_steps", "both 'preprocess' and 'preprocess_steps'; wanted one");
    if (model->weights_sha256 != NULL) {
        if (!radz_is_sha256(model->weights_sha256))
            return radz_card_fail(source, err, "weights_sha256", "'%.80s' is not 64 lower-case hexadecimal digits",
                                  model->weights_sha256);
    }
    if (model->env == NULL) {
        model->env = variable_name("RADZ_MODEL_", model->base.name, err);
        if (model->env == NULL)
            return RADZ_E_NOMEM;
    }
    return RADZ_OK;
}

const radz_card_schema radz_model_schema = {RADZ_CARD_MODEL, &model_root, model_ranges, finish_model};

radz_status radz_model_locate(const radz_model_card *card, const char *home, char **folder, char **hint,
                              radz_error *err)
{
    *folder = *hint = NULL;
    const char *set = getenv(card->env);
    radz_strbuf why = {0};
    radz_status st = RADZ_OK;
    char *path = NULL;
    bool is_set = set != NULL && set[0] != '\0', named = is_set || card->path != NULL;
    if (named)
        path = is_set ? radz_strdup(set, err) : radz_path_join(home, card->path, err);
    if (named && path == NULL)
        st = RADZ_E_NOMEM;
    else if (!named)
        st = radz_strbuf_printf(&why, err, "set %s to the folder of the weights%s%s", card->env,
                                card->source != NULL ? ", from " : "", card->source != NULL ? card->source : "");
    else if (!radz_file_is_dir(path))
        st = radz_strbuf_printf(&why, err, "there is no folder '%s'; set %s to the folder of the weights", path,
                                card->env);
    if (st == RADZ_OK && why.text == NULL) {
        *folder = path;
        path = NULL;
    }
    *hint = why.text;
    free(path);
    return st;
}

/* ---- prompts ---- */

static const cyaml_schema_field_t prompts_class_fields[] = {
    RADZ_FIELD_TEXT("class", radz_prompts_class, class_name),
    RADZ_FIELD_TEXT_OPTIONAL("name", radz_prompts_class, name),
    RADZ_FIELD_TEXT_OPTIONAL("description", radz_prompts_class, description),
    RADZ_FIELD_TEXT_OPTIONAL("negative", radz_prompts_class, negative),
    CYAML_FIELD_END};
static const cyaml_schema_value_t prompts_class_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_prompts_class, prompts_class_fields)};
static const cyaml_schema_field_t prompts_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_prompts_card),
    RADZ_FIELD_TEXT_OPTIONAL("source", radz_prompts_card, source),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_prompts_card, notes),
    RADZ_FIELD_TEXTS("templates", radz_prompts_card, templates),
    RADZ_FIELD_TEXTS_OPTIONAL("negative_templates", radz_prompts_card, negative_templates),
    RADZ_FIELD_TEXT_OPTIONAL("question", radz_prompts_card, question),
    RADZ_FIELD_TEXT_OPTIONAL("choice", radz_prompts_card, choice),
    RADZ_FIELD_TEXTS_OPTIONAL("other_questions", radz_prompts_card, other_questions),
    RADZ_FIELD_TEXTS_OPTIONAL("other_choices", radz_prompts_card, other_choices),
    CYAML_FIELD_SEQUENCE("classes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_prompts_card, classes,
                         &prompts_class_entry, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t prompts_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_prompts_card, prompts_fields)};

/* Each of a list of questions has the place that it needs, and is there once. */
static radz_status check_questions(const radz_card_source *source, const char *key, char *const *questions, size_t n,
                                   const char *place, radz_error *err)
{
    char at[64];
    for (size_t i = 0; i < n; i++) {
        snprintf(at, sizeof at, "%s[%zu]", key, i);
        if (strstr(questions[i], place) == NULL)
            return radz_card_fail(source, err, at, "'%.200s' has no %s", questions[i], place);
    }
    return radz_card_need_distinct(source, err, key, questions, n);
}

static radz_status finish_prompts(void *card, const radz_card_source *source, radz_error *err)
{
    radz_prompts_card *prompts = card;
    char at[64];
    radz_status st = RADZ_OK;
    if (prompts->question == NULL)
        st = radz_card_set_text(&prompts->question, "Does this chest X-ray show {class}? Answer yes or no.", err);
    if (st == RADZ_OK && prompts->choice == NULL)
        st = radz_card_set_text(&prompts->choice, "Choose the relevant disease from the given list: {classes}.", err);
    if (st != RADZ_OK)
        return st;
    if (strstr(prompts->question, "{class}") == NULL)
        return radz_card_fail(source, err, "question", "'%.200s' has no {class}", prompts->question);
    if (strstr(prompts->choice, "{classes}") == NULL)
        return radz_card_fail(source, err, "choice", "'%.200s' has no {classes}", prompts->choice);
    st = check_questions(source, "other_questions", prompts->other_questions, prompts->other_questions_count, "{class}", err);
    if (st == RADZ_OK)
        st = check_questions(source, "other_choices", prompts->other_choices, prompts->other_choices_count, "{classes}", err);
    if (st != RADZ_OK)
        return st;
    for (size_t i = 0; i < prompts->classes_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(prompts->classes[i].class_name, prompts->classes[j].class_name) == 0) {
                snprintf(at, sizeof at, "classes[%zu].class", i);
                return radz_card_fail(source, err, at, "class '%s' is there twice", prompts->classes[i].class_name);
            }
        }
    }
    return RADZ_OK;
}

const radz_card_schema radz_prompts_schema = {RADZ_CARD_PROMPTS, &prompts_root, NULL, finish_prompts};

/* ---- typed doors ---- */

RADZ_CARD_DOORS(suite)
RADZ_CARD_DOORS(model)
RADZ_CARD_DOORS(prompts)
RADZ_CARD_DOORS(dataset)
