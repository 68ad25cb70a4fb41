/* The card of a data set: its schema, defaults, cross checks and variants. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/card_engine.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const cyaml_strval_t reader_names[] = {{"csv", RADZ_READER_CSV},
                                              {"words", RADZ_READER_WORDS},
                                              {"folder", RADZ_READER_FOLDER},
                                              {"xml", RADZ_READER_XML},
                                              {"json", RADZ_READER_JSON}};
static const cyaml_strval_t form_names[] = {{"list", RADZ_LABELS_LIST},
                                            {"python-list", RADZ_LABELS_PYTHON_LIST},
                                            {"columns", RADZ_LABELS_COLUMNS},
                                            {"rle", RADZ_LABELS_RLE}};
static const cyaml_strval_t row_names[] = {
    {"one", RADZ_ROWS_ONE}, {"any", RADZ_ROWS_ANY}, {"each", RADZ_ROWS_EACH}, {"vote", RADZ_ROWS_VOTE}};
static const cyaml_strval_t uncertain_names[] = {
    {"ignore", RADZ_UNCERTAIN_IGNORE}, {"ones", RADZ_UNCERTAIN_ONES}, {"zeros", RADZ_UNCERTAIN_ZEROS}};
static const cyaml_strval_t others_names[] = {{"error", RADZ_OTHERS_ERROR}, {"ignore", RADZ_OTHERS_IGNORE}};
static const cyaml_strval_t level_names[] = {{"image", RADZ_LEVEL_IMAGE}, {"study", RADZ_LEVEL_STUDY}};
static const cyaml_strval_t aggregate_names[] = {{"max", RADZ_AGGREGATE_MAX}, {"mean", RADZ_AGGREGATE_MEAN}};

static const char *name_in(const cyaml_strval_t *names, size_t count, int64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].val == value)
            return names[i].str;
    return "?";
}

const char *radz_reader_kind_name(radz_reader_kind kind)
{
    return name_in(reader_names, COUNT(reader_names), (int64_t)kind);
}

const char *radz_label_form_name(radz_label_form form)
{
    return name_in(form_names, COUNT(form_names), (int64_t)form);
}

const char *radz_aggregate_name(radz_aggregate aggregate)
{
    return name_in(aggregate_names, COUNT(aggregate_names), (int64_t)aggregate);
}

/* ---- the schema ---- */

#define CHOICE(key, type, member, names)                                                                               \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, type, member, names, COUNT(names))
#define VALUES(key, type, member)                                                                                      \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, &radz_card_empty_text_entry, 0,  \
                         CYAML_UNLIMITED)
#define ENTRIES(key, type, member, entry)                                                                              \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, &entry, 0, 1000)
#define ONE_CHARACTER(key, type, member) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_OPTIONAL, type, member, 1, 1)

static const cyaml_schema_field_t class_fields[] = {
    RADZ_FIELD_TEXT("name", radz_class_spec, name), RADZ_FIELD_TEXT_OPTIONAL("column", radz_class_spec, column),
    RADZ_FIELD_TEXTS_OPTIONAL("synonyms", radz_class_spec, synonyms),
    CHOICE("uncertain", radz_class_spec, uncertain, uncertain_names), CYAML_FIELD_END};
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

static const cyaml_schema_field_t where_fields[] = {
    RADZ_FIELD_TEXT("column", radz_where_spec, column), VALUES("is", radz_where_spec, is),
    VALUES("is_not", radz_where_spec, is_not), VALUES("like", radz_where_spec, like), CYAML_FIELD_END};
static const cyaml_schema_value_t where_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_where_spec, where_fields)};

static const cyaml_schema_field_t columns_fields[] = {
    RADZ_FIELD_TEXT("image", radz_columns_spec, image),
    RADZ_FIELD_TEXT_OPTIONAL("file", radz_columns_spec, file),
    RADZ_FIELD_TEXT_OPTIONAL("patient", radz_columns_spec, patient),
    RADZ_FIELD_TEXT_OPTIONAL("study", radz_columns_spec, study),
    RADZ_FIELD_TEXT_OPTIONAL("view", radz_columns_spec, view),
    RADZ_FIELD_TEXT_OPTIONAL("age", radz_columns_spec, age),
    RADZ_FIELD_TEXT_OPTIONAL("sex", radz_columns_spec, sex),
    RADZ_FIELD_TEXT_OPTIONAL("reader", radz_columns_spec, reader),
    RADZ_FIELD_TEXT_OPTIONAL("report", radz_columns_spec, report),
    RADZ_FIELD_TEXT_OPTIONAL("question", radz_columns_spec, question),
    CYAML_FIELD_END};

static const cyaml_schema_field_t subgroup_fields[] = {
    RADZ_FIELD_TEXT("name", radz_subgroup_spec, name), RADZ_FIELD_TEXT("column", radz_subgroup_spec, column),
    CYAML_FIELD_BOOL("optional", CYAML_FLAG_OPTIONAL, radz_subgroup_spec, optional), CYAML_FIELD_END};
static const cyaml_schema_value_t subgroup_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_subgroup_spec, subgroup_fields)};

static const cyaml_schema_field_t split_fields[] = {
    RADZ_FIELD_TEXT("name", radz_split_spec, name),
    RADZ_FIELD_TEXT_OPTIONAL("note", radz_split_spec, note),
    RADZ_FIELD_TEXT_OPTIONAL("scheme", radz_split_spec, scheme),
    RADZ_FIELD_TEXTS_OPTIONAL("files", radz_split_spec, files),
    CYAML_FIELD_MAPPING_PTR("columns", CYAML_FLAG_OPTIONAL, radz_split_spec, columns, columns_fields),
    RADZ_FIELD_TEXTS_OPTIONAL("list", radz_split_spec, list),
    RADZ_FIELD_TEXT_OPTIONAL("list_column", radz_split_spec, list_column),
    CYAML_FIELD_BOOL("list_words", CYAML_FLAG_OPTIONAL, radz_split_spec, list_words),
    ENTRIES("where", radz_split_spec, where, where_entry),
    RADZ_FIELD_TEXTS_OPTIONAL("except", radz_split_spec, except),
    CYAML_FIELD_UINT("images", CYAML_FLAG_OPTIONAL, radz_split_spec, images),
    CYAML_FIELD_UINT("patients", CYAML_FLAG_OPTIONAL, radz_split_spec, patients),
    CYAML_FIELD_SEQUENCE("positives", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_split_spec, positives,
                         &count_entry, 0, CYAML_UNLIMITED),
    RADZ_FIELD_TEXT_OPTIONAL("fingerprint", radz_split_spec, fingerprint),
    CYAML_FIELD_END};
static const cyaml_schema_value_t split_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_split_spec, split_fields)};

static const cyaml_schema_field_t join_fields[] = {
    RADZ_FIELD_TEXTS("files", radz_join_spec, files),
    RADZ_FIELD_TEXT("on", radz_join_spec, on),
    RADZ_FIELD_TEXT_OPTIONAL("key", radz_join_spec, key),
    RADZ_FIELD_TEXTS("columns", radz_join_spec, columns),
    CYAML_FIELD_BOOL("optional", CYAML_FLAG_OPTIONAL, radz_join_spec, optional),
    CYAML_FIELD_END};
static const cyaml_schema_value_t join_entry = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_join_spec, join_fields)};

static const cyaml_schema_field_t labels_fields[] = {
    RADZ_FIELD_TEXTS_OPTIONAL("files", radz_labels_spec, files),
    ONE_CHARACTER("delimiter", radz_labels_spec, delimiter),
    RADZ_FIELD_TEXTS_OPTIONAL("header", radz_labels_spec, header),
    CYAML_FIELD_ENUM("form", CYAML_FLAG_STRICT, radz_labels_spec, form, form_names, COUNT(form_names)),
    CHOICE("rows", radz_labels_spec, rows, row_names),
    CYAML_FIELD_UINT("votes", CYAML_FLAG_OPTIONAL, radz_labels_spec, votes),
    RADZ_FIELD_TEXT_OPTIONAL("column", radz_labels_spec, column),
    ONE_CHARACTER("separator", radz_labels_spec, separator),
    ONE_CHARACTER("cut", radz_labels_spec, cut),
    CHOICE("others", radz_labels_spec, others, others_names),
    VALUES("none", radz_labels_spec, none),
    VALUES("skip", radz_labels_spec, skip),
    VALUES("positive", radz_labels_spec, positive),
    VALUES("negative", radz_labels_spec, negative),
    VALUES("unknown", radz_labels_spec, unknown),
    CHOICE("uncertain", radz_labels_spec, uncertain, uncertain_names),
    CYAML_FIELD_BOOL("optional_columns", CYAML_FLAG_OPTIONAL, radz_labels_spec, optional_columns),
    CYAML_FIELD_UINT("rows_expected", CYAML_FLAG_OPTIONAL, radz_labels_spec, rows_expected),
    CYAML_FIELD_END};

static const cyaml_schema_field_t xml_field_fields[] = {
    RADZ_FIELD_TEXT("name", radz_xml_field, name),
    RADZ_FIELD_TEXT("element", radz_xml_field, element),
    RADZ_FIELD_TEXT_OPTIONAL("attribute", radz_xml_field, attribute),
    RADZ_FIELD_TEXT_OPTIONAL("where", radz_xml_field, where),
    RADZ_FIELD_TEXT_OPTIONAL("equals", radz_xml_field, equals),
    RADZ_FIELD_TEXT_OPTIONAL("separator", radz_xml_field, separator),
    CYAML_FIELD_END};
static const cyaml_schema_value_t xml_field_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_xml_field, xml_field_fields)};
static const cyaml_schema_field_t xml_fields[] = {
    RADZ_FIELD_TEXT("row", radz_xml_spec, row),
    CYAML_FIELD_SEQUENCE("fields", CYAML_FLAG_POINTER, radz_xml_spec, fields, &xml_field_entry, 1, 100),
    CYAML_FIELD_END};

static const cyaml_schema_field_t images_fields[] = {
    RADZ_FIELD_TEXTS("folders", radz_images_spec, folders),
    VALUES("extensions", radz_images_spec, extensions), CYAML_FIELD_END};

static const cyaml_schema_field_t reports_fields[] = {RADZ_FIELD_TEXT("file", radz_reports_spec, file),
                                                      RADZ_FIELD_TEXT("image", radz_reports_spec, image),
                                                      RADZ_FIELD_TEXT("text", radz_reports_spec, text),
                                                      CYAML_FIELD_END};

static const cyaml_schema_field_t generated_fields[] = {
    RADZ_FIELD_TEXT("generator", radz_generated_spec, generator),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_OPTIONAL, radz_generated_spec, seed),
    CYAML_FIELD_UINT("patients", CYAML_FLAG_DEFAULT, radz_generated_spec, patients),
    RADZ_FIELD_TEXT_OPTIONAL("complete", radz_generated_spec, complete), CYAML_FIELD_END};

static const cyaml_schema_field_t variant_fields[] = {
    RADZ_FIELD_TEXT("name", radz_variant_spec, name),
    RADZ_FIELD_TEXT("title", radz_variant_spec, title),
    RADZ_FIELD_TEXT_OPTIONAL("split", radz_variant_spec, split),
    RADZ_FIELD_TEXTS_OPTIONAL("evaluated", radz_variant_spec, evaluated),
    ENTRIES("where", radz_variant_spec, where, where_entry),
    CHOICE("rows", radz_variant_spec, rows, row_names),
    CHOICE("uncertain", radz_variant_spec, uncertain, uncertain_names),
    CHOICE("level", radz_variant_spec, level, level_names),
    CHOICE("aggregate", radz_variant_spec, aggregate, aggregate_names),
    CYAML_FIELD_END};
static const cyaml_schema_value_t variant_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_variant_spec, variant_fields)};

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
    RADZ_FIELD_TEXTS_OPTIONAL("verified", radz_dataset_card, verified),
    RADZ_FIELD_TEXTS_OPTIONAL("images_from", radz_dataset_card, images_from),
    RADZ_FIELD_TEXT("citation", radz_dataset_card, citation),
    RADZ_FIELD_TEXT("provide", radz_dataset_card, provide),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_dataset_card, notes),
    RADZ_FIELD_TEXT_OPTIONAL("root", radz_dataset_card, root),
    RADZ_FIELD_TEXT_OPTIONAL("folder_of", radz_dataset_card, folder_of),
    CYAML_FIELD_BOOL("public", CYAML_FLAG_OPTIONAL, radz_dataset_card, is_public),
    CYAML_FIELD_BOOL("synthetic", CYAML_FLAG_OPTIONAL, radz_dataset_card, synthetic),
    CYAML_FIELD_ENUM("reader", CYAML_FLAG_STRICT, radz_dataset_card, reader, reader_names, COUNT(reader_names)),
    RADZ_FIELD_TEXT_OPTIONAL("split", radz_dataset_card, split),
    CYAML_FIELD_SEQUENCE("classes", CYAML_FLAG_POINTER, radz_dataset_card, classes, &class_entry, 1, 1000),
    CYAML_FIELD_SEQUENCE("groups", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_dataset_card, groups, &group_entry,
                         0, 100),
    RADZ_FIELD_TEXTS_OPTIONAL("evaluated", radz_dataset_card, evaluated),
    CYAML_FIELD_MAPPING_PTR("labels", CYAML_FLAG_DEFAULT, radz_dataset_card, labels, labels_fields),
    CYAML_FIELD_MAPPING_PTR("xml", CYAML_FLAG_OPTIONAL, radz_dataset_card, xml, xml_fields),
    CYAML_FIELD_MAPPING_PTR("columns", CYAML_FLAG_DEFAULT, radz_dataset_card, columns, columns_fields),
    ENTRIES("subgroups", radz_dataset_card, subgroups, subgroup_entry),
    ENTRIES("joins", radz_dataset_card, joins, join_entry),
    ENTRIES("where", radz_dataset_card, where, where_entry),
    CHOICE("level", radz_dataset_card, level, level_names),
    CHOICE("aggregate", radz_dataset_card, aggregate, aggregate_names),
    CYAML_FIELD_MAPPING_PTR("images", CYAML_FLAG_DEFAULT, radz_dataset_card, images, images_fields),
    CYAML_FIELD_MAPPING_PTR("reports", CYAML_FLAG_OPTIONAL, radz_dataset_card, reports, reports_fields),
    CYAML_FIELD_SEQUENCE("splits", CYAML_FLAG_POINTER, radz_dataset_card, splits, &split_entry, 1, 100),
    ENTRIES("variants", radz_dataset_card, variants, variant_entry),
    CYAML_FIELD_MAPPING_PTR("generated", CYAML_FLAG_OPTIONAL, radz_dataset_card, generated, generated_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t dataset_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_dataset_card, dataset_fields)};
static const radz_card_range dataset_ranges[] = {{"splits.images", 1, 1e9},
                                                 {"splits.patients", 1, 1e9},
                                                 {"labels.rows_expected", 1, 1e9},
                                                 {"labels.votes", 1, 1000},
                                                 {"generated.patients", 1, 1e6},
                                                 {NULL, 0, 0}};

/* ---- cross checks ---- */

const radz_split_spec *radz_dataset_card_split(const radz_dataset_card *card, const char *name)
{
    for (size_t i = 0; i < card->splits_count; i++)
        if (strcmp(card->splits[i].name, name) == 0)
            return &card->splits[i];
    return NULL;
}

static const char *nth_split(const void *card, size_t i)
{
    const radz_dataset_card *c = card;
    return i < c->splits_count ? c->splits[i].name : NULL;
}

radz_status radz_dataset_card_need_split(const radz_dataset_card *card, const char *name, const radz_split_spec **out,
                                         radz_error *err)
{
    *out = radz_dataset_card_split(card, name != NULL ? name : card->split);
    if (*out != NULL)
        return RADZ_OK;
    radz_status st = radz_fail_unknown(err, "split", name, nth_split, card);
    (void)radz_prefix(err, "data set '%s'", card->base.name);
    return st;
}

const radz_class_group *radz_dataset_card_group(const radz_dataset_card *card, const char *name)
{
    for (size_t i = 0; i < card->groups_count; i++)
        if (strcmp(card->groups[i].name, name) == 0)
            return &card->groups[i];
    return NULL;
}

static bool has_class(const radz_dataset_card *card, const char *name)
{
    for (size_t i = 0; i < card->classes_count; i++)
        if (strcmp(card->classes[i].name, name) == 0)
            return true;
    return false;
}

size_t radz_class_group_members(const radz_class_group *group, const char *const *classes, size_t n_classes, uint8_t *members)
{
    size_t count = 0;
    for (size_t c = 0; c < n_classes; c++) {
        members[c] = group == NULL;
        for (size_t i = 0; group != NULL && i < group->classes_count; i++)
            members[c] |= strcmp(group->classes[i], classes[c]) == 0;
        count += members[c];
    }
    return count;
}

bool radz_dataset_card_knows(const radz_dataset_card *card, const char *name)
{
    return has_class(card, name) || radz_dataset_card_group(card, name) != NULL;
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
            for (size_t j = 0; j < card->labels->none_count; j++)
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

static radz_status check_subgroups(const radz_dataset_card *card, const radz_card_source *source, radz_error *err)
{
    static const char *const taken[] = {"sex", "age", "view"};
    char at[80];
    for (size_t i = 0; i < card->subgroups_count; i++) {
        const char *name = card->subgroups[i].name;
        snprintf(at, sizeof at, "subgroups[%zu].name", i);
        for (size_t j = 0; j < COUNT(taken); j++)
            if (strcmp(name, taken[j]) == 0)
                return radz_card_fail(source, err, at, "'%s' is a subgroup by itself: name its column in columns.%s", name, name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(name, card->subgroups[j].name) == 0)
                return radz_card_fail(source, err, at, "subgroup '%.80s' is there twice", name);
        if (strpbrk(name, "\t\r\n,|\"") != NULL)
            return radz_card_fail(source, err, at, "a subgroup's name may not hold tabs, line breaks, commas, bars or quotes");
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

/* Classes or names of groups. */
static radz_status check_evaluated(const radz_dataset_card *card, const char *at, char *const *names, size_t count,
                                   const radz_card_source *source, radz_error *err)
{
    char place[100];
    radz_status st = radz_card_need_distinct(source, err, at, names, count);
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        snprintf(place, sizeof place, "%.60s[%zu]", at, i);
        if (!radz_dataset_card_knows(card, names[i]))
            st = fail_class(card, source, place, names[i], err);
    }
    return st;
}

static radz_status check_where(const char *at, const radz_where_spec *where, size_t count, const radz_card_source *source,
                               radz_error *err)
{
    char place[100];
    for (size_t i = 0; i < count; i++) {
        snprintf(place, sizeof place, "%.60s[%zu]", at, i);
        if (where[i].is_count + where[i].is_not_count + where[i].like_count == 0)
            return radz_card_fail(source, err, place, "none of 'is', 'is_not' and 'like'; wanted at least one");
    }
    return RADZ_OK;
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
    if (split->list_count > 0 && split->except_count > 0)
        return radz_card_fail(source, err, at, "both 'list' and 'except'; wanted one at most");
    snprintf(at, sizeof at, "splits[%zu].where", i);
    radz_status st = check_where(at, split->where, split->where_count, source, err);
    if (st != RADZ_OK)
        return st;
    for (size_t j = 0; j < split->except_count; j++) {
        const radz_split_spec *other = radz_dataset_card_split(card, split->except[j]);
        snprintf(at, sizeof at, "splits[%zu].except[%zu]", i, j);
        if (other == NULL)
            return fail_split(card, source, at, split->except[j], err);
        if (other->list_count == 0)
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
    if (split->fingerprint != NULL && !radz_is_sha256(split->fingerprint))
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

/* Keys that do not go with the card's label form. */
static radz_status check_form(const radz_dataset_card *card, const radz_card_source *source, radz_error *err)
{
    enum { LIST = 1 << RADZ_LABELS_LIST, PYTHON = 1 << RADZ_LABELS_PYTHON_LIST, COLUMNS = 1 << RADZ_LABELS_COLUMNS,
           RLE = 1 << RADZ_LABELS_RLE };
    static const struct {
        const char *key;
        int forms;
    } keys[] = {{"labels.column", LIST | PYTHON | RLE}, {"labels.separator", LIST},
                {"labels.cut", LIST | PYTHON},          {"labels.others", LIST | PYTHON},
                {"labels.none", LIST | PYTHON},         {"labels.skip", LIST | PYTHON | RLE},
                {"labels.positive", COLUMNS},           {"labels.negative", COLUMNS},
                {"labels.unknown", COLUMNS},            {"labels.uncertain", COLUMNS},
                {"labels.optional_columns", COLUMNS}};
    const radz_labels_spec *labels = card->labels;
    for (size_t i = 0; i < COUNT(keys); i++)
        if (radz_card_has(source, keys[i].key) && !(keys[i].forms & 1 << labels->form))
            return radz_card_fail(source, err, keys[i].key, "does not go with form '%s'", radz_label_form_name(labels->form));
    if (labels->form != RADZ_LABELS_COLUMNS && labels->column == NULL)
        return radz_card_fail(source, err, "labels.column", "the key is missing (form '%s' wants it)",
                              radz_label_form_name(labels->form));
    if (labels->form == RADZ_LABELS_RLE && card->classes_count != 1)
        return radz_card_fail(source, err, "classes", "%zu classes; form 'rle' wants one", card->classes_count);
    return RADZ_OK;
}

static radz_status finish_labels(radz_dataset_card *card, const radz_card_source *source, radz_error *err)
{
    static const char *const positive[] = {"1", "1.0"}, *const negative[] = {"0", "0.0", ""};
    radz_labels_spec *labels = card->labels;
    radz_status st = check_form(card, source, err);
    if (st != RADZ_OK)
        return st;
    labels->rows = labels->rows == RADZ_ROWS_UNSET ? RADZ_ROWS_ONE : labels->rows;
    labels->uncertain = labels->uncertain == RADZ_UNCERTAIN_UNSET ? RADZ_UNCERTAIN_IGNORE : labels->uncertain;
    if (labels->votes > 0 && labels->rows != RADZ_ROWS_VOTE)
        return radz_card_fail(source, err, "labels.votes", "goes with rows 'vote'");
    if (labels->rows == RADZ_ROWS_VOTE && card->columns->reader == NULL)
        return radz_card_fail(source, err, "columns.reader", "the key is missing (rows 'vote' wants it)");
    if (labels->delimiter == NULL)
        st = radz_card_set_text(&labels->delimiter, ",", err);
    if (st == RADZ_OK && labels->separator == NULL)
        st = radz_card_set_text(&labels->separator, "|", err);
    if (labels->form != RADZ_LABELS_COLUMNS)
        return st;
    if (st == RADZ_OK && !radz_card_has(source, "labels.positive"))
        st = default_texts(&labels->positive, &labels->positive_count, positive, COUNT(positive), err);
    if (st == RADZ_OK && !radz_card_has(source, "labels.negative"))
        st = default_texts(&labels->negative, &labels->negative_count, negative, COUNT(negative), err);
    for (size_t i = 0; i < card->classes_count && st == RADZ_OK; i++)
        if (card->classes[i].column == NULL)
            st = radz_card_set_text(&card->classes[i].column, card->classes[i].name, err);
    return st;
}

/* What a reader wants, and what no other takes. */
static radz_status check_reader(const radz_dataset_card *card, const radz_card_source *source, radz_error *err)
{
    bool words = card->reader == RADZ_READER_WORDS, xml = card->reader == RADZ_READER_XML;
    bool files = card->labels->files_count > 0;
    for (size_t i = 0; i < card->splits_count && !files; i++)
        files = card->splits[i].files_count > 0;
    if (card->reader == RADZ_READER_FOLDER ? files : !files)
        return radz_card_fail(source, err, "labels.files", card->reader == RADZ_READER_FOLDER
                              ? "does not go with reader '%s': it reads images.folders" : "the key is missing (reader '%s' wants it)",
                              radz_reader_kind_name(card->reader));
    if (words != (card->labels->header_count > 0))
        return radz_card_fail(source, err, "labels.header", words ? "the key is missing (reader '%s' wants it)"
                              : "does not go with reader '%s'", radz_reader_kind_name(card->reader));
    if (xml != (card->xml != NULL))
        return radz_card_fail(source, err, "xml", xml ? "the key is missing (reader '%s' wants it)"
                              : "does not go with reader '%s'", radz_reader_kind_name(card->reader));
    if (radz_card_has(source, "labels.delimiter") && card->reader != RADZ_READER_CSV)
        return radz_card_fail(source, err, "labels.delimiter", "does not go with reader '%s'",
                              radz_reader_kind_name(card->reader));
    for (size_t i = 0; xml && i < card->xml->fields_count; i++) {
        char at[80];
        snprintf(at, sizeof at, "xml.fields[%zu]", i);
        if ((card->xml->fields[i].where == NULL) != (card->xml->fields[i].equals == NULL))
            return radz_card_fail(source, err, at, "'where' and 'equals' go together");
    }
    return RADZ_OK;
}

static radz_status check_variants(const radz_dataset_card *card, const radz_card_source *source, radz_error *err)
{
    char at[80];
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < card->variants_count && st == RADZ_OK; i++) {
        const radz_variant_spec *v = &card->variants[i];
        for (size_t j = 0; j < i; j++) {
            snprintf(at, sizeof at, "variants[%zu].name", i);
            if (strcmp(card->variants[j].name, v->name) == 0)
                return radz_card_fail(source, err, at, "variant '%.80s' is there twice", v->name);
        }
        snprintf(at, sizeof at, "variants[%zu].split", i);
        if (v->split != NULL && radz_dataset_card_split(card, v->split) == NULL)
            return fail_split(card, source, at, v->split, err);
        snprintf(at, sizeof at, "variants[%zu].level", i);
        if (v->level == RADZ_LEVEL_STUDY && card->columns->study == NULL)
            return radz_card_fail(source, err, at, "level 'study' wants columns.study");
        snprintf(at, sizeof at, "variants[%zu].rows", i);
        if (v->rows == RADZ_ROWS_VOTE && card->columns->reader == NULL)
            return radz_card_fail(source, err, at, "rows 'vote' wants columns.reader");
        snprintf(at, sizeof at, "variants[%zu].evaluated", i);
        st = check_evaluated(card, at, v->evaluated, v->evaluated_count, source, err);
        snprintf(at, sizeof at, "variants[%zu].where", i);
        if (st == RADZ_OK)
            st = check_where(at, v->where, v->where_count, source, err);
    }
    return st;
}

static radz_status finish_dataset(void *data, const radz_card_source *source, radz_error *err)
{
    radz_dataset_card *card = data;
    radz_status st = check_classes(card, source, err);
    if (st == RADZ_OK)
        st = check_groups(card, source, err);
    if (st == RADZ_OK)
        st = check_subgroups(card, source, err);
    if (st == RADZ_OK)
        st = check_evaluated(card, "evaluated", card->evaluated, card->evaluated_count, source, err);
    for (size_t i = 0; i < card->splits_count && st == RADZ_OK; i++)
        st = check_split(card, i, source, err);
    if (st == RADZ_OK)
        st = check_where("where", card->where, card->where_count, source, err);
    if (st == RADZ_OK)
        st = check_reader(card, source, err);
    if (st == RADZ_OK)
        st = finish_labels(card, source, err);
    if (st == RADZ_OK && card->columns->question != NULL && card->classes_count != 1)
        st = radz_card_fail(source, err, "columns.question", "%zu classes; a question has one answer, wanted one class",
                            card->classes_count);
    if (st == RADZ_OK && card->level == RADZ_LEVEL_STUDY && card->columns->study == NULL)
        st = radz_card_fail(source, err, "level", "level 'study' wants columns.study");
    if (st == RADZ_OK)
        st = check_variants(card, source, err);
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
    if (st == RADZ_OK && card->split == NULL)
        st = radz_card_set_text(&card->split, card->splits[0].name, err);
    for (size_t i = 0; i < card->joins_count && st == RADZ_OK; i++)
        if (card->joins[i].key == NULL)
            st = radz_card_set_text(&card->joins[i].key, card->joins[i].on, err);
    for (size_t i = 0; card->xml != NULL && i < card->xml->fields_count && st == RADZ_OK; i++)
        if (card->xml->fields[i].separator == NULL)
            st = radz_card_set_text(&card->xml->fields[i].separator, ";", err);
    card->level = card->level == RADZ_LEVEL_UNSET ? RADZ_LEVEL_IMAGE : card->level;
    card->aggregate = card->aggregate == RADZ_AGGREGATE_UNSET ? RADZ_AGGREGATE_MAX : card->aggregate;
    if (card->generated != NULL && !radz_card_has(source, "generated.seed"))
        card->generated->seed = 1;
    return st;
}

const radz_card_schema radz_dataset_schema = {RADZ_CARD_DATASET, &dataset_root, dataset_ranges, finish_dataset};

/* ---- variants ---- */

static radz_status fail_variant(const radz_dataset_card *card, const char *name, radz_error *err)
{
    if (card->variants_count == 0)
        return radz_fail(err, RADZ_E_USAGE, "data set '%s' has no variants; found '%s'", card->base.name, name);
    const char **known = radz_calloc(card->variants_count, sizeof *known, err);
    if (known == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < card->variants_count; i++)
        known[i] = card->variants[i].name;
    radz_status st = radz_fail_unknown_in(err, "variant", name, known, card->variants_count);
    (void)radz_prefix(err, "data set '%s'", card->base.name);
    free(known);
    return st;
}

#define SWAP(type, a, b)                                                                                               \
    do {                                                                                                               \
        type swapped = (a);                                                                                            \
        (a) = (b);                                                                                                     \
        (b) = swapped;                                                                                                 \
    } while (0)

/* Moves the variant's conditions behind the card's own. */
static radz_status add_conditions(radz_dataset_card *card, radz_variant_spec *v, radz_error *err)
{
    size_t total = card->where_count + v->where_count;
    if (v->where_count == 0)
        return RADZ_OK;
    radz_where_spec *all = radz_calloc(total, sizeof *all, err);
    if (all == NULL)
        return RADZ_E_NOMEM;
    if (card->where_count > 0)
        memcpy(all, card->where, card->where_count * sizeof *all);
    memcpy(all + card->where_count, v->where, v->where_count * sizeof *all);
    free(card->where);
    free(v->where);
    card->where = all;
    card->where_count = total;
    v->where = NULL;
    v->where_count = 0;
    return RADZ_OK;
}

/* The published splits are read in the published way: other rows or labels have other counts. */
static void forget_published(radz_split_spec *split, bool other_rows)
{
    if (other_rows)
        split->images = split->patients = 0;
    for (size_t i = 0; i < split->positives_count; i++)
        free(split->positives[i].class_name);
    free(split->positives);
    free(split->fingerprint);
    split->positives = NULL;
    split->positives_count = 0;
    split->fingerprint = NULL;
}

radz_status radz_dataset_card_vary(radz_dataset_card *card, const char *variant, radz_error *err)
{
    radz_variant_spec *v = NULL;
    for (size_t i = 0; i < card->variants_count && v == NULL; i++)
        if (strcmp(card->variants[i].name, variant) == 0)
            v = &card->variants[i];
    if (v == NULL)
        return fail_variant(card, variant, err);
    bool other_rows = v->rows != RADZ_ROWS_UNSET || v->where_count > 0;
    radz_strbuf name = {0}, title = {0};
    radz_status st = radz_strbuf_printf(&name, err, "%s:%s", card->base.name, v->name);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&title, err, "%s, %s", card->base.title, v->title);
    if (st == RADZ_OK)
        st = radz_card_set_text(&card->base.name, name.text, err);
    if (st == RADZ_OK)
        st = radz_card_set_text(&card->base.title, title.text, err);
    if (st == RADZ_OK)
        st = add_conditions(card, v, err);
    if (st == RADZ_OK) {
        radz_sha256 hash;
        radz_sha256_begin(&hash);
        radz_sha256_add_text(&hash, card->base.sha256);
        radz_sha256_add_text(&hash, v->name);
        st = radz_sha256_end(&hash, card->base.sha256, err);
    }
    radz_strbuf_free(&name);
    radz_strbuf_free(&title);
    if (st != RADZ_OK)
        return st;
    if (v->split != NULL)
        SWAP(char *, card->split, v->split);
    if (v->evaluated_count > 0) {
        SWAP(char **, card->evaluated, v->evaluated);
        SWAP(size_t, card->evaluated_count, v->evaluated_count);
    }
    for (size_t i = 0; i < card->splits_count && (other_rows || v->uncertain != RADZ_UNCERTAIN_UNSET); i++)
        forget_published(&card->splits[i], other_rows);
    card->labels->rows = v->rows != RADZ_ROWS_UNSET ? v->rows : card->labels->rows;
    card->level = v->level != RADZ_LEVEL_UNSET ? v->level : card->level;
    card->aggregate = v->aggregate != RADZ_AGGREGATE_UNSET ? v->aggregate : card->aggregate;
    if (v->uncertain != RADZ_UNCERTAIN_UNSET) {
        card->labels->uncertain = v->uncertain;
        for (size_t i = 0; i < card->classes_count; i++)
            card->classes[i].uncertain = RADZ_UNCERTAIN_UNSET;
    }
    return RADZ_OK;
}
