/* The engine that reads any kind of card: libcyaml fills the C struct, driven by its schema tables; before that the
 * engine walks the parsed file along the same tables, because libcyaml's own messages lack file and line. Only
 * src/data/card*.c include this header.
 *
 * A new kind of card is: a struct whose first member is a radz_card_base, a field table that begins with
 * RADZ_CARD_BASE_FIELDS, number ranges where the C type is too wide, a finish function for defaults and cross checks. */
#ifndef RADZ_DATA_CARD_ENGINE_H
#define RADZ_DATA_CARD_ENGINE_H

#include <cyaml/cyaml.h>

#include "data/card.h"

/* The keys that every card has. */
#define RADZ_CARD_BASE_FIELDS(type)                                                                                    \
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, type, base.name, 1, 60),                                        \
        CYAML_FIELD_STRING_PTR("title", CYAML_FLAG_DEFAULT, type, base.title, 1, 200)

/* Optional and required text: a pointer to an owned string. */
#define RADZ_FIELD_TEXT(key, type, member) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_DEFAULT, type, member, 1, 20000)
#define RADZ_FIELD_TEXT_OPTIONAL(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_OPTIONAL, type, member, 1, 20000)

/* A list of texts: members `char **member` and `size_t member_count`. */
extern const cyaml_schema_value_t radz_card_text_entry;       /* at least one character */
extern const cyaml_schema_value_t radz_card_empty_text_entry; /* may be empty */
#define RADZ_FIELD_TEXTS(key, type, member)                                                                            \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER, type, member, &radz_card_text_entry, 1, CYAML_UNLIMITED)
#define RADZ_FIELD_TEXTS_OPTIONAL(key, type, member)                                                                   \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, &radz_card_text_entry, 0,       \
                         CYAML_UNLIMITED)

/* The allowed values of a number: `path` is the keys joined by dots, without indices ("splits.images"). */
typedef struct radz_card_range {
    const char *path;
    double low, high; /* both allowed */
} radz_card_range;

/* The parsed file, for the finish function's messages. */
typedef struct radz_card_source radz_card_source;

typedef struct radz_card_schema {
    radz_card_kind kind;
    const cyaml_schema_value_t *root;  /* a mapping, CYAML_FLAG_POINTER */
    const radz_card_range *ranges;     /* NULL: none; ends with path NULL */
    /* Fills defaults and checks what a table cannot say; NULL: nothing to do. */
    radz_status (*finish)(void *card, const radz_card_source *source, radz_error *err);
} radz_card_schema;

/* Records "manifest 'FILE' line N: key 'PATH': ..." for a place in the card: `path` as "splits[1].list"; the nearest
 * place that exists gives the line. Returns RADZ_E_VALUE. */
radz_status radz_card_fail(const radz_card_source *source, radz_error *err, const char *path, const char *format, ...)
    RADZ_PRINTF(4, 5);
/* The same for a name that is not among `known`: adds the nearest and the list. */
radz_status radz_card_fail_unknown(const radz_card_source *source, radz_error *err, const char *path, const char *what,
                                   const char *name, const char *const *known, size_t count);
/* What a kind of card offers to the rest: loading by path, by name (radz_card_find), and freeing. Wants radz_KIND_schema. */
#define RADZ_CARD_DOORS(kind)                                                                                          \
    radz_status radz_##kind##_card_load(const char *path, radz_##kind##_card **out, radz_error *err)                   \
    {                                                                                                                  \
        void *card = NULL;                                                                                             \
        radz_status st = radz_card_load(&radz_##kind##_schema, path, &card, err);                                      \
        *out = card;                                                                                                   \
        return st;                                                                                                     \
    }                                                                                                                  \
    radz_status radz_##kind##_find_card(const radz_card_places *places, const char *name, radz_##kind##_card **out,    \
                                        radz_error *err)                                                               \
    {                                                                                                                  \
        void *card = NULL;                                                                                             \
        radz_status st = radz_card_load_named(&radz_##kind##_schema, places, name, &card, err);                        \
        *out = card;                                                                                                   \
        return st;                                                                                                     \
    }                                                                                                                  \
    void radz_##kind##_card_free(radz_##kind##_card *card)                                                             \
    {                                                                                                                  \
        radz_card_release(&radz_##kind##_schema, card);                                                                \
    }

/* Whether a key was written at all: tells "0" from "absent". */
bool radz_card_has(const radz_card_source *source, const char *path);
/* Fails unless every text of a list is there once only. */
radz_status radz_card_need_distinct(const radz_card_source *source, radz_error *err, const char *path,
                                    char *const *items, size_t count);

/* Reads a card from a file, or from a text whose messages name it `file`. `*out` is the caller's, radz_card_release. The
 * text form does not ask that the card's name be that of the file. */
radz_status radz_card_load(const radz_card_schema *schema, const char *path, void **out, radz_error *err) RADZ_MUST_USE;
radz_status radz_card_parse(const radz_card_schema *schema, const char *file, const char *text, size_t size, void **out,
                            radz_error *err) RADZ_MUST_USE;
/* The card of the schema's kind that radz_card_find finds. */
radz_status radz_card_load_named(const radz_card_schema *schema, const radz_card_places *places, const char *name, void **out,
                                 radz_error *err) RADZ_MUST_USE;
/* The same with other values under some keys. `changes`: texts "KEY=VALUE", applied in order; KEY is a path as in messages
 * ("training.steps", "splits[1].list"), VALUE is YAML ("0.5", "[a, b]"); an empty VALUE takes the key out. NULL or empty:
 * as radz_card_load. The file must be good as it is; then the changed text is checked as a file is, and its digest is the
 * card's, so equal changes of equal files are one card. Messages name the change: "manifest 'F' with --set KEY=VALUE: ...".
 * RADZ_E_USAGE: a text without '='. The name may be changed as well. */
radz_status radz_card_load_changed(const radz_card_schema *schema, const char *path, const radz_strlist *changes,
                                   void **out, radz_error *err) RADZ_MUST_USE;
/* The text of the card `file` with the changes in it, appended to `out`; `text` is one that the engine took. */
radz_status radz_card_change(const char *file, const char *text, size_t size, const radz_strlist *changes, radz_strbuf *out,
                             radz_error *err) RADZ_MUST_USE;
void radz_card_release(const radz_card_schema *schema, void *card); /* NULL: no-op */
/* Replaces an owned string of a card, for defaults. */
radz_status radz_card_set_text(char **member, const char *text, radz_error *err) RADZ_MUST_USE;

/* An optional key whose value is a form of anchors. */
extern const cyaml_strval_t radz_anchor_form_values[2];
#define RADZ_FIELD_ANCHOR_FORM(key, type, member)                                                                      \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, type, member, radz_anchor_form_values, 2)

/* The kinds of src/data itself, for the tests and the fuzzer. */
extern const radz_card_schema radz_suite_schema, radz_model_schema, radz_prompts_schema, radz_dataset_schema,
    radz_protocol_schema;

#endif
