/* The table of terms; see data/terms.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/card_engine.h"
#include "data/terms.h"

static const cyaml_schema_field_t term_fields[] = {
    RADZ_FIELD_TEXT("name", radz_term, name),
    RADZ_FIELD_TEXT_OPTIONAL("prompt", radz_term, prompt),
    RADZ_FIELD_TEXTS_OPTIONAL("spellings", radz_term, spellings),
    RADZ_FIELD_TEXT_OPTIONAL("note", radz_term, note),
    CYAML_FIELD_END};
static const cyaml_schema_value_t term_entry = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_term, term_fields)};
static const cyaml_schema_field_t terms_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_terms_card),
    CYAML_FIELD_SEQUENCE("terms", CYAML_FLAG_POINTER, radz_terms_card, terms, &term_entry, 1, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t terms_root = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_terms_card, terms_fields)};

static bool is_gap(char c)
{
    return c == ' ' || c == '_' || c == '-' || c == '\t';
}

bool radz_term_same_spelling(const char *a, const char *b)
{
    while (is_gap(*a))
        a++;
    while (is_gap(*b))
        b++;
    while (*a != '\0' && *b != '\0') {
        bool gap_a = is_gap(*a), gap_b = is_gap(*b);
        if (gap_a != gap_b)
            break;
        if (gap_a) {
            while (is_gap(*a))
                a++;
            while (is_gap(*b))
                b++;
        } else if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++)) {
            return false;
        }
    }
    while (is_gap(*a))
        a++;
    while (is_gap(*b))
        b++;
    return *a == '\0' && *b == '\0';
}

static const char *spelling_of(const radz_term *term, size_t i)
{
    return i == 0 ? term->name : term->spellings[i - 1];
}

const radz_term *radz_term_find(const radz_terms_card *card, const char *spelling)
{
    for (size_t i = 0; card != NULL && i < card->terms_count; i++)
        for (size_t s = 0; s <= card->terms[i].spellings_count; s++)
            if (radz_term_same_spelling(spelling_of(&card->terms[i], s), spelling))
                return &card->terms[i];
    return NULL;
}

const char *radz_term_prompt(const radz_term *term)
{
    return term->prompt != NULL ? term->prompt : term->name;
}

static radz_status finish_terms(void *data, const radz_card_source *source, radz_error *err)
{
    const radz_terms_card *card = data;
    for (size_t i = 0; i < card->terms_count; i++) {
        for (size_t s = 0; s <= card->terms[i].spellings_count; s++) {
            const char *spelling = spelling_of(&card->terms[i], s);
            for (size_t j = 0; j <= i; j++) {
                size_t end = j < i ? card->terms[j].spellings_count + 1 : s;
                for (size_t r = 0; r < end; r++) {
                    if (!radz_term_same_spelling(spelling, spelling_of(&card->terms[j], r)))
                        continue;
                    char at[80];
                    if (s == 0)
                        snprintf(at, sizeof at, "terms[%zu].name", i);
                    else
                        snprintf(at, sizeof at, "terms[%zu].spellings[%zu]", i, s - 1);
                    return radz_card_fail(source, err, at, "'%.80s' is there twice (term '%.80s' has it; case, '_', '-' and"
                                          " blanks do not count)", spelling, card->terms[j].name);
                }
            }
        }
    }
    return RADZ_OK;
}

const radz_card_schema radz_terms_schema = {RADZ_CARD_TERMS, &terms_root, NULL, finish_terms};

RADZ_CARD_DOORS(terms)
