/* Templates and anchors; see data/dialogue.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/card_engine.h"
#include "data/dialogue.h"

/* ---- templates ---- */

static const cyaml_schema_field_t template_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_template_card),
    RADZ_FIELD_TEXT("source", radz_template_card, source),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_template_card, notes),
    RADZ_FIELD_TEXT("prompt", radz_template_card, prompt),
    RADZ_FIELD_TEXTS_OPTIONAL("stop", radz_template_card, stop),
    CYAML_FIELD_END};
static const cyaml_schema_value_t template_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_template_card, template_fields)};

static radz_status finish_template(void *data, const radz_card_source *source, radz_error *err)
{
    const radz_template_card *card = data;
    const char *image = strstr(card->prompt, "{image}"), *question = strstr(card->prompt, "{question}");
    if (image == NULL || question == NULL || question < image || strstr(image + 1, "{image}") != NULL ||
        strstr(question + 1, "{question}") != NULL)
        return radz_card_fail(source, err, "prompt", "wanted {image} once and behind it {question} once");
    return RADZ_OK;
}

const radz_card_schema radz_template_schema = {RADZ_CARD_TEMPLATE, &template_root, NULL, finish_template};

RADZ_CARD_DOORS(template)

/* ---- anchors ---- */

static const cyaml_schema_field_t anchor_fields[] = {
    RADZ_FIELD_TEXT("class", radz_anchor, class_name),
    RADZ_FIELD_TEXT("disease", radz_anchor, disease),
    RADZ_FIELD_TEXT("imaging", radz_anchor, imaging),
    RADZ_FIELD_TEXT_OPTIONAL("presentation", radz_anchor, presentation),
    RADZ_FIELD_TEXT("source", radz_anchor, source),
    CYAML_FIELD_END};
static const cyaml_schema_value_t anchor_entry = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_anchor, anchor_fields)};
static const cyaml_schema_field_t anchors_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_anchors_card),
    RADZ_FIELD_TEXT("source", radz_anchors_card, source),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_anchors_card, notes),
    RADZ_FIELD_TEXT("prompt", radz_anchors_card, generation),
    CYAML_FIELD_SEQUENCE("anchors", CYAML_FLAG_POINTER, radz_anchors_card, anchors, &anchor_entry, 1, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t anchors_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_anchors_card, anchors_fields)};

static radz_status finish_anchors(void *data, const radz_card_source *source, radz_error *err)
{
    const radz_anchors_card *card = data;
    if (strstr(card->generation, "{class}") == NULL)
        return radz_card_fail(source, err, "prompt", "'%.200s' has no {class}", card->generation);
    for (size_t i = 0; i < card->anchors_count; i++)
        for (size_t j = 0; j < i; j++)
            if (radz_term_same_spelling(card->anchors[i].class_name, card->anchors[j].class_name)) {
                char at[64];
                snprintf(at, sizeof at, "anchors[%zu].class", i);
                return radz_card_fail(source, err, at, "class '%.80s' is there twice", card->anchors[i].class_name);
            }
    return RADZ_OK;
}

const radz_card_schema radz_anchors_schema = {RADZ_CARD_ANCHORS, &anchors_root, NULL, finish_anchors};

RADZ_CARD_DOORS(anchors)

const radz_anchor *radz_anchor_find(const radz_anchors_card *card, const radz_terms_card *terms, const char *class_name)
{
    for (size_t i = 0; i < card->anchors_count; i++)
        if (radz_term_same_spelling(card->anchors[i].class_name, class_name))
            return &card->anchors[i];
    const radz_term *term = radz_term_find(terms, class_name);
    for (size_t i = 0; i < card->anchors_count && term != NULL; i++)
        if (radz_term_find(terms, card->anchors[i].class_name) == term)
            return &card->anchors[i];
    return NULL;
}

char *radz_anchor_text(const radz_anchor *anchor, radz_error *err)
{
    radz_strbuf text = {0};
    radz_status st = radz_strbuf_printf(&text, err, "%s %s%s%s", anchor->disease, anchor->imaging,
                                        anchor->presentation != NULL ? " " : "",
                                        anchor->presentation != NULL ? anchor->presentation : "");
    if (st == RADZ_OK)
        return text.text;
    radz_strbuf_free(&text);
    return NULL;
}

const char *radz_anchor_part(const radz_anchor *anchor, size_t part)
{
    const char *const parts[RADZ_ANCHOR_PARTS] = {anchor->disease, anchor->imaging, anchor->presentation};
    return parts[part];
}

const char *radz_anchor_part_name(size_t part)
{
    static const char *const names[RADZ_ANCHOR_PARTS] = {"disease", "imaging", "presentation"};
    return names[part];
}
