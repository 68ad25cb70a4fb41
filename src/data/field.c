#include "data/field.h"

#include <ctype.h>
#include <string.h>

/* Splits "Path/3.." into the column's name and the cut; a name that merely holds a slash or colon stays whole. */
static radz_cut parse_cut(char *name, size_t *n)
{
    size_t length = strlen(name), end = length;
    bool parts = length > 2 && strcmp(name + length - 2, "..") == 0;
    end -= parts ? 2 : 0;
    size_t at = end;
    while (at > 0 && isdigit((unsigned char)name[at - 1]))
        at--;
    if (at == end || end - at > 4 || at == 0)
        return RADZ_CUT_NONE;
    size_t value = 0;
    for (size_t i = at; i < end; i++)
        value = value * 10 + (size_t)(name[i] - '0');
    radz_cut cut = RADZ_CUT_NONE;
    if (name[at - 1] == '/')
        cut = parts ? RADZ_CUT_PARTS : RADZ_CUT_PART;
    else if (name[at - 1] == ':' && !parts)
        cut = RADZ_CUT_FIRST;
    else if (name[at - 1] == '-' && at >= 2 && name[at - 2] == ':' && !parts) {
        cut = RADZ_CUT_LAST;
        at--;
    }
    if (cut == RADZ_CUT_NONE || value == 0 || at < 2)
        return RADZ_CUT_NONE;
    name[at - 1] = '\0';
    *n = value;
    return cut;
}

static radz_status fail_braces(const char *text, radz_error *err)
{
    return radz_fail(err, RADZ_E_VALUE, "the column '%.100s': braces that do not match; wanted as in \"{Patient}/{Study}\"",
                     text);
}

static radz_status compile_part(const char *begin, size_t length, radz_find_column find, void *context,
                                radz_arena *arena, radz_field_part *part, radz_error *err)
{
    char *name = radz_arena_strndup(arena, begin, length, err);
    if (name == NULL)
        return RADZ_E_NOMEM;
    part->cut = parse_cut(name, &part->n);
    return find(context, name, &part->column, err);
}

radz_status radz_field_compile(const char *text, radz_find_column find, void *context, radz_arena *arena, radz_field *out,
                               radz_error *err)
{
    *out = (radz_field){.text = text};
    if (text == NULL)
        return RADZ_OK;
    size_t room = 1;
    for (const char *p = text; *p != '\0'; p++)
        room += 2 * (*p == '{');
    out->parts = radz_arena_alloc(arena, room, sizeof *out->parts, err);
    if (out->parts == NULL)
        return RADZ_E_NOMEM;
    if (strpbrk(text, "{}") == NULL) {
        out->n_parts = 1;
        return find(context, text, &out->parts[0].column, err);
    }
    radz_status st = RADZ_OK;
    for (const char *at = text; *at != '\0' && st == RADZ_OK;) {
        radz_field_part *part = &out->parts[out->n_parts++];
        size_t length = strcspn(at, "{}");
        if (length > 0) {
            part->text = radz_arena_strndup(arena, at, length, err);
            st = part->text != NULL ? RADZ_OK : RADZ_E_NOMEM;
            at += length;
            continue;
        }
        size_t inside = strcspn(at + 1, "{}");
        if (*at != '{' || at[1 + inside] != '}' || inside == 0)
            return fail_braces(text, err);
        st = compile_part(at + 1, inside, find, context, arena, part, err);
        at += inside + 2;
    }
    return st;
}

bool radz_field_there(const radz_field *field)
{
    return field->n_parts > 0;
}

/* The part of a value that a cut leaves. */
static const char *cut_value(const char *value, const radz_field_part *part, size_t *length)
{
    size_t all = strlen(value);
    *length = all;
    if (part->cut == RADZ_CUT_FIRST) {
        *length = part->n < all ? part->n : all;
    } else if (part->cut == RADZ_CUT_LAST) {
        *length = part->n < all ? part->n : all;
        return value + all - *length;
    } else if (part->cut != RADZ_CUT_NONE) {
        const char *end = value + all, *begin = end;
        for (size_t slashes = 0;; begin--) {
            if (begin == value || (begin[-1] == '/' && ++slashes == part->n))
                break;
            if (begin[-1] == '/' && part->cut == RADZ_CUT_PART)
                end = begin - 1;
        }
        *length = (size_t)(end - begin);
        return begin;
    }
    return value;
}

const char *radz_field_get(radz_field *field, const char *const *row, radz_error *err)
{
    const radz_field_part *only = &field->parts[0];
    if (field->n_parts == 1 && only->text == NULL && only->cut == RADZ_CUT_NONE)
        return row[only->column];
    field->value.length = 0;
    if (radz_strbuf_puts(&field->value, "", err) != RADZ_OK)
        return NULL;
    for (size_t i = 0; i < field->n_parts; i++) {
        const radz_field_part *part = &field->parts[i];
        size_t length;
        const char *text = part->text;
        if (text != NULL)
            length = strlen(text);
        else
            text = cut_value(row[part->column], part, &length);
        if (radz_strbuf_append(&field->value, text, length, err) != RADZ_OK)
            return NULL;
    }
    return field->value.text;
}

void radz_field_free(radz_field *field)
{
    radz_strbuf_free(&field->value);
}
