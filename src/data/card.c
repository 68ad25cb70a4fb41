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

static const cyaml_schema_field_t suite_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_suite_card),
    RADZ_FIELD_TEXT_OPTIONAL("description", radz_suite_card, description),
    RADZ_FIELD_TEXTS("datasets", radz_suite_card, datasets),
    RADZ_FIELD_TEXTS("models", radz_suite_card, models),
    RADZ_FIELD_TEXTS("scorers", radz_suite_card, scorers),
    RADZ_FIELD_TEXT("prompts", radz_suite_card, prompts),
    RADZ_FIELD_TEXT_OPTIONAL("protocol", radz_suite_card, protocol),
    CYAML_FIELD_UINT("replicates", CYAML_FLAG_OPTIONAL, radz_suite_card, replicates),
    CYAML_FIELD_FLOAT("confidence", CYAML_FLAG_OPTIONAL, radz_suite_card, confidence),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_OPTIONAL, radz_suite_card, seed),
    CYAML_FIELD_END};
static const cyaml_schema_value_t suite_root = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_suite_card, suite_fields)};
static const radz_card_range suite_ranges[] = {{"replicates", 0, 1000000}, {"confidence", 0.5, 0.9999}, {NULL, 0, 0}};

static radz_status finish_suite(void *card, const radz_card_source *source, radz_error *err)
{
    radz_suite_card *suite = card;
    radz_status st = radz_card_need_distinct(source, err, "datasets", suite->datasets, suite->datasets_count);
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "models", suite->models, suite->models_count);
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "scorers", suite->scorers, suite->scorers_count);
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
    CYAML_FIELD_END};
static const cyaml_schema_value_t model_root = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_model_card, model_fields)};
static const radz_card_range model_ranges[] = {{"batch", 1, 4096}, {NULL, 0, 0}};

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

static bool is_sha256(const char *text)
{
    size_t digits = strspn(text, "0123456789abcdef");
    return digits == RADZ_SHA256_HEX_SIZE - 1 && text[digits] == '\0';
}

static radz_status finish_model(void *card, const radz_card_source *source, radz_error *err)
{
    radz_model_card *model = card;
    if (model->batch == 0)
        model->batch = 16;
    if (model->preprocess != NULL && model->preprocess_steps_count > 0)
        return radz_card_fail(source, err, "preprocess_steps", "both 'preprocess' and 'preprocess_steps'; wanted one");
    if (model->weights_sha256 != NULL) {
        if (!is_sha256(model->weights_sha256))
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
    CYAML_FIELD_SEQUENCE("classes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_prompts_card, classes,
                         &prompts_class_entry, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t prompts_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_prompts_card, prompts_fields)};

static radz_status finish_prompts(void *card, const radz_card_source *source, radz_error *err)
{
    radz_prompts_card *prompts = card;
    char at[64];
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

/* ---- data set ---- */

static const cyaml_strval_t reader_names[] = {{"none", RADZ_READER_NONE}, {"csv", RADZ_READER_CSV}};
static const cyaml_strval_t form_names[] = {{"list", RADZ_LABELS_LIST}, {"columns", RADZ_LABELS_COLUMNS}};
static const cyaml_strval_t row_names[] = {{"one", RADZ_ROWS_ONE}, {"any", RADZ_ROWS_ANY}};

static const cyaml_schema_field_t class_fields[] = {RADZ_FIELD_TEXT("name", radz_class_spec, name),
                                                    RADZ_FIELD_TEXT_OPTIONAL("column", radz_class_spec, column),
                                                    RADZ_FIELD_TEXTS_OPTIONAL("synonyms", radz_class_spec, synonyms),
                                                    CYAML_FIELD_END};
static const cyaml_schema_value_t class_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_class_spec, class_fields)};

static const cyaml_schema_field_t group_fields[] = {RADZ_FIELD_TEXT("name", radz_class_group, name),
                                                    RADZ_FIELD_TEXT_OPTIONAL("title", radz_class_group, title),
                                                    RADZ_FIELD_TEXTS("classes", radz_class_group, classes),
                                                    CYAML_FIELD_END};
static const cyaml_schema_value_t group_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_class_group, group_fields)};

static const cyaml_schema_field_t count_fields[] = {
    RADZ_FIELD_TEXT("class", radz_class_count, class_name),
    CYAML_FIELD_UINT("count", CYAML_FLAG_DEFAULT, radz_class_count, count), CYAML_FIELD_END};
static const cyaml_schema_value_t count_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_class_count, count_fields)};

static const cyaml_schema_field_t split_fields[] = {
    RADZ_FIELD_TEXT("name", radz_split_spec, name),
    RADZ_FIELD_TEXT_OPTIONAL("note", radz_split_spec, note),
    RADZ_FIELD_TEXT_OPTIONAL("scheme", radz_split_spec, scheme),
    RADZ_FIELD_TEXT_OPTIONAL("list", radz_split_spec, list),
    RADZ_FIELD_TEXT_OPTIONAL("column", radz_split_spec, column),
    RADZ_FIELD_TEXT_OPTIONAL("value", radz_split_spec, value),
    RADZ_FIELD_TEXTS_OPTIONAL("except", radz_split_spec, except),
    CYAML_FIELD_UINT("images", CYAML_FLAG_OPTIONAL, radz_split_spec, images),
    CYAML_FIELD_UINT("patients", CYAML_FLAG_OPTIONAL, radz_split_spec, patients),
    CYAML_FIELD_SEQUENCE("positives", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_split_spec, positives,
                         &count_entry, 0, CYAML_UNLIMITED),
    RADZ_FIELD_TEXT_OPTIONAL("fingerprint", radz_split_spec, fingerprint),
    CYAML_FIELD_END};
static const cyaml_schema_value_t split_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_split_spec, split_fields)};

static const cyaml_schema_field_t columns_fields[] = {
    RADZ_FIELD_TEXT("image", radz_columns_spec, image),
    RADZ_FIELD_TEXT_OPTIONAL("patient", radz_columns_spec, patient),
    RADZ_FIELD_TEXT_OPTIONAL("study", radz_columns_spec, study),
    RADZ_FIELD_TEXT_OPTIONAL("view", radz_columns_spec, view),
    RADZ_FIELD_TEXT_OPTIONAL("age", radz_columns_spec, age),
    RADZ_FIELD_TEXT_OPTIONAL("sex", radz_columns_spec, sex),
    CYAML_FIELD_END};

#define VALUES(key, member)                                                                                            \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_labels_spec, member,                      \
                         &radz_card_empty_text_entry, 0, CYAML_UNLIMITED)
static const cyaml_schema_field_t labels_fields[] = {
    RADZ_FIELD_TEXTS("files", radz_labels_spec, files),
    CYAML_FIELD_ENUM("form", CYAML_FLAG_STRICT, radz_labels_spec, form, form_names, COUNT(form_names)),
    CYAML_FIELD_ENUM("rows", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, radz_labels_spec, rows, row_names,
                     COUNT(row_names)),
    RADZ_FIELD_TEXT_OPTIONAL("column", radz_labels_spec, column),
    CYAML_FIELD_STRING_PTR("separator", CYAML_FLAG_OPTIONAL, radz_labels_spec, separator, 1, 1),
    VALUES("none", none),
    VALUES("positive", positive),
    VALUES("negative", negative),
    VALUES("unknown", unknown),
    CYAML_FIELD_UINT("rows_expected", CYAML_FLAG_OPTIONAL, radz_labels_spec, rows_expected),
    CYAML_FIELD_END};
#undef VALUES

static const cyaml_schema_field_t images_fields[] = {
    RADZ_FIELD_TEXTS("folders", radz_images_spec, folders),
    RADZ_FIELD_TEXT_OPTIONAL("extension", radz_images_spec, extension), CYAML_FIELD_END};

static const cyaml_schema_field_t reports_fields[] = {RADZ_FIELD_TEXT("file", radz_reports_spec, file),
                                                      RADZ_FIELD_TEXT("image", radz_reports_spec, image),
                                                      RADZ_FIELD_TEXT("text", radz_reports_spec, text),
                                                      CYAML_FIELD_END};

static const cyaml_schema_field_t generated_fields[] = {
    RADZ_FIELD_TEXT("generator", radz_generated_spec, generator),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_OPTIONAL, radz_generated_spec, seed),
    CYAML_FIELD_UINT("patients", CYAML_FLAG_DEFAULT, radz_generated_spec, patients),
    RADZ_FIELD_TEXT_OPTIONAL("complete", radz_generated_spec, complete), CYAML_FIELD_END};

static const cyaml_schema_field_t literature_fields[] = {
    RADZ_FIELD_TEXT("preset", radz_literature, preset), RADZ_FIELD_TEXT_OPTIONAL("split", radz_literature, split),
    RADZ_FIELD_TEXT("who", radz_literature, who), CYAML_FIELD_END};
static const cyaml_schema_value_t literature_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_literature, literature_fields)};

static const cyaml_schema_field_t dataset_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_dataset_card),
    RADZ_FIELD_TEXT_OPTIONAL("description", radz_dataset_card, description),
    RADZ_FIELD_TEXT("licence", radz_dataset_card, licence),
    RADZ_FIELD_TEXT("source", radz_dataset_card, source),
    RADZ_FIELD_TEXT_OPTIONAL("access", radz_dataset_card, access),
    RADZ_FIELD_TEXT_OPTIONAL("size", radz_dataset_card, size),
    RADZ_FIELD_TEXT_OPTIONAL("pictures", radz_dataset_card, pictures),
    RADZ_FIELD_TEXT_OPTIONAL("tree", radz_dataset_card, tree),
    CYAML_FIELD_SEQUENCE("literature", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_dataset_card, literature,
                         &literature_entry, 0, 100),
    RADZ_FIELD_TEXTS_OPTIONAL("must_know", radz_dataset_card, must_know),
    RADZ_FIELD_TEXTS_OPTIONAL("images_from", radz_dataset_card, images_from),
    RADZ_FIELD_TEXT("citation", radz_dataset_card, citation),
    RADZ_FIELD_TEXT("provide", radz_dataset_card, provide),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_dataset_card, notes),
    RADZ_FIELD_TEXT_OPTIONAL("root", radz_dataset_card, root),
    CYAML_FIELD_BOOL("public", CYAML_FLAG_OPTIONAL, radz_dataset_card, is_public),
    CYAML_FIELD_BOOL("synthetic", CYAML_FLAG_OPTIONAL, radz_dataset_card, synthetic),
    CYAML_FIELD_ENUM("reader", CYAML_FLAG_STRICT, radz_dataset_card, reader, reader_names, COUNT(reader_names)),
    RADZ_FIELD_TEXT_OPTIONAL("split", radz_dataset_card, split),
    CYAML_FIELD_SEQUENCE("classes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_dataset_card, classes, &class_entry, 0,
                         1000),
    CYAML_FIELD_SEQUENCE("groups", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_dataset_card, groups, &group_entry,
                         0, 100),
    CYAML_FIELD_MAPPING_PTR("labels", CYAML_FLAG_OPTIONAL, radz_dataset_card, labels, labels_fields),
    CYAML_FIELD_MAPPING_PTR("columns", CYAML_FLAG_OPTIONAL, radz_dataset_card, columns, columns_fields),
    CYAML_FIELD_MAPPING_PTR("images", CYAML_FLAG_OPTIONAL, radz_dataset_card, images, images_fields),
    CYAML_FIELD_MAPPING_PTR("reports", CYAML_FLAG_OPTIONAL, radz_dataset_card, reports, reports_fields),
    CYAML_FIELD_SEQUENCE("splits", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_dataset_card, splits, &split_entry,
                         0, 100),
    CYAML_FIELD_MAPPING_PTR("generated", CYAML_FLAG_OPTIONAL, radz_dataset_card, generated, generated_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t dataset_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_dataset_card, dataset_fields)};
static const radz_card_range dataset_ranges[] = {{"splits.images", 1, 1e9},
                                                 {"splits.patients", 1, 1e9},
                                                 {"labels.rows_expected", 1, 1e9},
                                                 {"generated.patients", 1, 1e6},
                                                 {NULL, 0, 0}};

const radz_split_spec *radz_dataset_card_split(const radz_dataset_card *card, const char *name)
{
    for (size_t i = 0; i < card->splits_count; i++)
        if (strcmp(card->splits[i].name, name) == 0)
            return &card->splits[i];
    return NULL;
}

static bool has_class(const radz_dataset_card *card, const char *name)
{
    for (size_t i = 0; i < card->classes_count; i++)
        if (strcmp(card->classes[i].name, name) == 0)
            return true;
    return false;
}

static radz_status fail_class(const radz_dataset_card *card, const radz_card_source *source, const char *at,
                              const char *name, radz_error *err)
{
    const char **known = radz_calloc(card->classes_count, sizeof *known, err);
    if (known == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < card->classes_count; i++)
        known[i] = card->classes[i].name;
    radz_status st = radz_card_fail_unknown(source, err, at, "class", name, known, card->classes_count);
    free(known);
    return st;
}

/* No spelling may stand for two classes, or for a class and for nothing found. */
static radz_status check_classes(const radz_dataset_card *card, const radz_card_source *source, radz_error *err)
{
    char at[80];
    for (size_t i = 0; i < card->classes_count; i++) {
        const radz_class_spec *a = &card->classes[i];
        for (size_t s = 0; s <= a->synonyms_count; s++) {
            const char *spelling = s == 0 ? a->name : a->synonyms[s - 1];
            if (s == 0)
                snprintf(at, sizeof at, "classes[%zu].name", i);
            else
                snprintf(at, sizeof at, "classes[%zu].synonyms[%zu]", i, s - 1);
            for (size_t j = 0; j <= i; j++) {
                const radz_class_spec *b = &card->classes[j];
                size_t end = j < i ? b->synonyms_count + 1 : s;
                for (size_t r = 0; r < end; r++)
                    if (strcmp(spelling, r == 0 ? b->name : b->synonyms[r - 1]) == 0)
                        return radz_card_fail(source, err, at, "'%.80s' is there twice (class '%.80s' has it)", spelling,
                                              b->name);
            }
            for (size_t j = 0; card->labels != NULL && j < card->labels->none_count; j++)
                if (strcmp(spelling, card->labels->none[j]) == 0)
                    return radz_card_fail(source, err, at, "'%.80s' also stands for nothing found (labels.none)",
                                          spelling);
        }
        if (strpbrk(a->name, "\t\r\n,|\"") != NULL) {
            snprintf(at, sizeof at, "classes[%zu].name", i);
            return radz_card_fail(source, err, at, "a class name may not hold tabs, line breaks, commas, bars or quotes");
        }
    }
    return RADZ_OK;
}

static radz_status check_groups(const radz_dataset_card *card, const radz_card_source *source, radz_error *err)
{
    char at[80];
    for (size_t i = 0; i < card->groups_count; i++) {
        const radz_class_group *g = &card->groups[i];
        for (size_t j = 0; j < i; j++) {
            if (strcmp(g->name, card->groups[j].name) == 0) {
                snprintf(at, sizeof at, "groups[%zu].name", i);
                return radz_card_fail(source, err, at, "group '%.80s' is there twice", g->name);
            }
        }
        snprintf(at, sizeof at, "groups[%zu].classes", i);
        radz_status st = radz_card_need_distinct(source, err, at, g->classes, g->classes_count);
        for (size_t j = 0; j < g->classes_count && st == RADZ_OK; j++) {
            snprintf(at, sizeof at, "groups[%zu].classes[%zu]", i, j);
            if (!has_class(card, g->classes[j]))
                st = fail_class(card, source, at, g->classes[j], err);
        }
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

static radz_status fail_split(const radz_dataset_card *card, const radz_card_source *source, const char *at,
                              const char *name, radz_error *err)
{
    const char *known[100];
    for (size_t i = 0; i < card->splits_count; i++)
        known[i] = card->splits[i].name;
    return radz_card_fail_unknown(source, err, at, "split", name, known, card->splits_count);
}

static radz_status check_split(const radz_dataset_card *card, size_t i, const radz_card_source *source,
                               radz_error *err)
{
    const radz_split_spec *split = &card->splits[i];
    char at[80];
    snprintf(at, sizeof at, "splits[%zu].name", i);
    if (radz_dataset_card_split(card, split->name) != split)
        return radz_card_fail(source, err, at, "split '%.80s' is there twice", split->name);
    snprintf(at, sizeof at, "splits[%zu]", i);
    if ((split->column == NULL) != (split->value == NULL))
        return radz_card_fail(source, err, at, "'column' and 'value' go together");
    if ((split->list != NULL) + (split->column != NULL) + (split->except_count > 0) > 1)
        return radz_card_fail(source, err, at, "more than one of 'list', 'column' and 'except'; wanted one at most");
    for (size_t j = 0; j < split->except_count; j++) {
        const radz_split_spec *other = radz_dataset_card_split(card, split->except[j]);
        snprintf(at, sizeof at, "splits[%zu].except[%zu]", i, j);
        if (other == NULL)
            return fail_split(card, source, at, split->except[j], err);
        if (other->list == NULL)
            return radz_card_fail(source, err, at, "split '%.80s' has no list file", other->name);
    }
    for (size_t j = 0; j < split->positives_count; j++) {
        snprintf(at, sizeof at, "splits[%zu].positives[%zu].class", i, j);
        if (!has_class(card, split->positives[j].class_name))
            return fail_class(card, source, at, split->positives[j].class_name, err);
        for (size_t k = 0; k < j; k++)
            if (strcmp(split->positives[j].class_name, split->positives[k].class_name) == 0)
                return radz_card_fail(source, err, at, "class '%.80s' is there twice", split->positives[j].class_name);
    }
    snprintf(at, sizeof at, "splits[%zu].fingerprint", i);
    if (split->fingerprint != NULL && !is_sha256(split->fingerprint))
        return radz_card_fail(source, err, at, "'%.80s' is not 64 lower-case hexadecimal digits", split->fingerprint);
    snprintf(at, sizeof at, "splits[%zu].positives", i);
    if (split->positives_count != 0 && split->positives_count != card->classes_count)
        return radz_card_fail(source, err, at, "%zu classes; wanted all %zu, or leave the key out",
                              split->positives_count, card->classes_count);
    return RADZ_OK;
}

/* A list of one or two texts for an absent key. */
static radz_status default_texts(char ***list, size_t *count, const char *const *texts, size_t n, radz_error *err)
{
    *list = radz_calloc(n, sizeof **list, err);
    if (*list == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        (*list)[i] = radz_strdup(texts[i], err);
        if ((*list)[i] == NULL)
            return RADZ_E_NOMEM;
        *count = i + 1;
    }
    return RADZ_OK;
}

static radz_status finish_labels(radz_dataset_card *card, const radz_card_source *source, radz_error *err)
{
    static const char *const positive[] = {"1", "1.0"}, *const negative[] = {"0", "0.0", ""};
    radz_labels_spec *labels = card->labels;
    radz_status st = RADZ_OK;
    if (labels->form == RADZ_LABELS_LIST) {
        static const char *const other[] = {"labels.positive", "labels.negative", "labels.unknown"};
        if (labels->column == NULL)
            return radz_card_fail(source, err, "labels.column", "the key is missing (form 'list' wants it)");
        for (size_t i = 0; i < COUNT(other); i++)
            if (radz_card_has(source, other[i]))
                return radz_card_fail(source, err, other[i], "goes with form 'columns', not with 'list'");
        if (labels->separator == NULL)
            st = radz_card_set_text(&labels->separator, "|", err);
        return st;
    }
    static const char *const other[] = {"labels.column", "labels.separator", "labels.none"};
    for (size_t i = 0; i < COUNT(other); i++)
        if (radz_card_has(source, other[i]))
            return radz_card_fail(source, err, other[i], "goes with form 'list', not with 'columns'");
    if (!radz_card_has(source, "labels.positive"))
        st = default_texts(&labels->positive, &labels->positive_count, positive, COUNT(positive), err);
    if (st == RADZ_OK && !radz_card_has(source, "labels.negative"))
        st = default_texts(&labels->negative, &labels->negative_count, negative, COUNT(negative), err);
    for (size_t i = 0; i < card->classes_count && st == RADZ_OK; i++)
        if (card->classes[i].column == NULL)
            st = radz_card_set_text(&card->classes[i].column, card->classes[i].name, err);
    return st;
}

static radz_status finish_dataset(void *data, const radz_card_source *source, radz_error *err)
{
    radz_dataset_card *card = data;
    if (card->reader != RADZ_READER_NONE) {
        const char *missing = card->classes_count == 0 ? "classes"
                              : card->labels == NULL    ? "labels"
                              : card->columns == NULL ? "columns"
                              : card->images == NULL  ? "images"
                              : card->splits_count == 0 ? "splits"
                                                        : NULL;
        if (missing != NULL)
            return radz_card_fail(source, err, missing, "the key is missing (a card with a reader wants it)");
    }
    radz_status st = check_classes(card, source, err);
    if (st == RADZ_OK)
        st = check_groups(card, source, err);
    for (size_t i = 0; i < card->splits_count && st == RADZ_OK; i++)
        st = check_split(card, i, source, err);
    if (st == RADZ_OK && card->labels != NULL)
        st = finish_labels(card, source, err);
    if (st == RADZ_OK && card->split != NULL && radz_dataset_card_split(card, card->split) == NULL)
        st = fail_split(card, source, "split", card->split, err);
    for (size_t i = 0; i < card->literature_count && st == RADZ_OK; i++) {
        char at[80];
        snprintf(at, sizeof at, "literature[%zu].split", i);
        if (card->literature[i].split != NULL && radz_dataset_card_split(card, card->literature[i].split) == NULL)
            st = fail_split(card, source, at, card->literature[i].split, err);
    }
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "images_from", card->images_from, card->images_from_count);
    if (st == RADZ_OK && card->split == NULL && card->splits_count > 0)
        st = radz_card_set_text(&card->split, card->splits[0].name, err);
    if (card->generated != NULL && !radz_card_has(source, "generated.seed"))
        card->generated->seed = 1;
    return st;
}

const radz_card_schema radz_dataset_schema = {RADZ_CARD_DATASET, &dataset_root, dataset_ranges, finish_dataset};

/* ---- typed doors ---- */

#define CARD_DOORS(kind)                                                                                               \
    radz_status radz_##kind##_card_load(const char *path, radz_##kind##_card **out, radz_error *err)                   \
    {                                                                                                                  \
        void *card = NULL;                                                                                             \
        radz_status st = radz_card_load(&radz_##kind##_schema, path, &card, err);                                      \
        *out = card;                                                                                                   \
        return st;                                                                                                     \
    }                                                                                                                  \
    void radz_##kind##_card_free(radz_##kind##_card *card)                                                             \
    {                                                                                                                  \
        radz_card_release(&radz_##kind##_schema, card);                                                                \
    }
CARD_DOORS(suite)
CARD_DOORS(model)
CARD_DOORS(prompts)
CARD_DOORS(dataset)
