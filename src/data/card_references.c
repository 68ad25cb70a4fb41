/* Cards of published figures; see data/references.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/card_engine.h"
#include "data/references.h"

static const cyaml_strval_t kind_names[] = {{"clip", RADZ_REFERENCE_CLIP}, {"mllm", RADZ_REFERENCE_MLLM}};

static const cyaml_schema_field_t figure_fields[] = {
    RADZ_FIELD_TEXT("dataset", radz_reference_figure, dataset),
    RADZ_FIELD_TEXT("classes", radz_reference_figure, classes),
    RADZ_FIELD_TEXT_OPTIONAL("class", radz_reference_figure, class_name),
    RADZ_FIELD_TEXT_OPTIONAL("labels", radz_reference_figure, labels),
    RADZ_FIELD_TEXT_OPTIONAL("auc", radz_reference_figure, auc),
    RADZ_FIELD_TEXT_OPTIONAL("f1", radz_reference_figure, f1),
    RADZ_FIELD_TEXT_OPTIONAL("acc", radz_reference_figure, acc),
    RADZ_FIELD_TEXT_OPTIONAL("low", radz_reference_figure, low),
    RADZ_FIELD_TEXT_OPTIONAL("high", radz_reference_figure, high),
    CYAML_FIELD_END};
static const cyaml_schema_value_t figure_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_reference_figure, figure_fields)};
static const cyaml_schema_field_t method_fields[] = {
    RADZ_FIELD_TEXT("method", radz_reference_method, method),
    RADZ_FIELD_TEXT_OPTIONAL("note", radz_reference_method, note),
    CYAML_FIELD_SEQUENCE("figures", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, radz_reference_method, figures, &figure_entry, 0,
                         CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t method_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_reference_method, method_fields)};
static const cyaml_schema_field_t references_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_references_card),
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, radz_references_card, kind, kind_names,
                     sizeof kind_names / sizeof kind_names[0]),
    RADZ_FIELD_TEXT("source", radz_references_card, source),
    RADZ_FIELD_TEXT("protocol", radz_references_card, protocol),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_references_card, notes),
    CYAML_FIELD_SEQUENCE("methods", CYAML_FLAG_POINTER, radz_references_card, methods, &method_entry, 1, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t references_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_references_card, references_fields)};

double radz_reference_number(const char *text)
{
    double value;
    return text == NULL || radz_parse_double(text, true, &value, NULL) != RADZ_OK ? NAN : value;
}

static radz_status check_figure(const radz_reference_figure *f, const char *at, const radz_card_source *source, radz_error *err)
{
    const struct {
        const char *key, *text;
    } numbers[] = {{"auc", f->auc}, {"f1", f->f1}, {"acc", f->acc}, {"low", f->low}, {"high", f->high}, {"labels", f->labels}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].text == NULL)
            continue;
        double value = radz_reference_number(numbers[i].text);
        char path[160];
        snprintf(path, sizeof path, "%s.%s", at, numbers[i].key);
        if (!(value >= 0 && value <= 100))
            return radz_card_fail(source, err, path, "found '%.40s', wanted percent from 0 to 100", numbers[i].text);
    }
    if (f->auc == NULL && f->f1 == NULL && f->acc == NULL)
        return radz_card_fail(source, err, at, "no figure: wanted auc, f1 or acc; leave the entry out where it is not known");
    if ((f->low == NULL) != (f->high == NULL) || (f->low != NULL && f->auc == NULL))
        return radz_card_fail(source, err, at, "'low' and 'high' go together, and with 'auc'");
    return RADZ_OK;
}

static radz_status finish_references(void *data, const radz_card_source *source, radz_error *err)
{
    const radz_references_card *card = data;
    radz_status st = RADZ_OK;
    char at[120];
    for (size_t i = 0; i < card->methods_count && st == RADZ_OK; i++) {
        const radz_reference_method *m = &card->methods[i];
        snprintf(at, sizeof at, "methods[%zu].method", i);
        for (size_t j = 0; j < i && st == RADZ_OK; j++)
            if (strcmp(m->method, card->methods[j].method) == 0)
                st = radz_card_fail(source, err, at, "method '%.80s' is there twice", m->method);
        snprintf(at, sizeof at, "methods[%zu]", i);
        if (st == RADZ_OK && m->figures_count == 0 && m->note == NULL)
            st = radz_card_fail(source, err, at, "no figures and no 'note': wanted one that says why");
        for (size_t k = 0; k < m->figures_count && st == RADZ_OK; k++) {
            snprintf(at, sizeof at, "methods[%zu].figures[%zu]", i, k);
            st = check_figure(&m->figures[k], at, source, err);
        }
    }
    return st;
}

const radz_card_schema radz_references_schema = {RADZ_CARD_REFERENCES, &references_root, NULL, finish_references};

RADZ_CARD_DOORS(references)
