/* Parts that a table of kinds offers, and sequences of them. */
#include <string.h>

#include "text/tokenizer_parts.h"

static const char *nth_kind(const void *table, size_t i)
{
    return ((const tok_part_table *)table)->kinds[i].name;
}

static radz_status load_sequence(const tok_place *place, const radz_json *spec, const tok_part_table *table, void **state,
                                 radz_error *err)
{
    const radz_json *list = radz_json_find(spec, table->list);
    if (list == NULL || radz_json_kind_of(list) != RADZ_JSON_ARRAY)
        return tok_fail(place, err, RADZ_E_FORMAT, "a Sequence must have a list '%s'", table->list);
    tok_sequence *sequence = radz_arena_alloc(place->arena, 1, sizeof *sequence, err);
    if (sequence == NULL)
        return RADZ_E_NOMEM;
    sequence->count = radz_json_size(list);
    sequence->items = radz_arena_alloc(place->arena, sequence->count, sizeof *sequence->items, err);
    if (sequence->items == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < sequence->count; i++) {
        tok_place inner = *place;
        inner.depth++;
        inner.path = radz_arena_printf(place->arena, err, "%s.%s[%zu]", place->path, table->list, i);
        if (inner.path == NULL)
            return RADZ_E_NOMEM;
        radz_status st = tok_part_load(&inner, radz_json_at(list, i), table, &sequence->items[i], err);
        if (st != RADZ_OK)
            return st;
    }
    *state = sequence;
    return RADZ_OK;
}

radz_status tok_part_load(const tok_place *place, const radz_json *spec, const tok_part_table *table, tok_part *out, radz_error *err)
{
    *out = (tok_part){0};
    if (spec == NULL || radz_json_kind_of(spec) == RADZ_JSON_NULL)
        return RADZ_OK;
    const char *type;
    radz_status st = tok_need_kind(place, spec, &type, err);
    if (st != RADZ_OK)
        return st;
    for (const tok_part_kind *kind = table->kinds; kind->name != NULL; kind++) {
        if (strcmp(kind->name, type) == 0) {
            out->kind = kind;
            return kind->load != NULL ? kind->load(place, spec, &out->state, err)
                                      : load_sequence(place, spec, table, &out->state, err);
        }
    }
    return tok_fail_kind(place, err, table->what, type, nth_kind, table);
}

radz_status tok_load_nothing(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    (void)place, (void)spec, (void)err;
    *state = NULL;
    return RADZ_OK;
}

radz_status tok_part_text(const tok_part *part, const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    return part->kind != NULL ? part->kind->text(part->state, text, length, out, err) : radz_strbuf_append(out, text, length, err);
}

radz_status tok_sequence_text(const void *state, const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    const tok_sequence *sequence = state;
    radz_strbuf a = {0}, b = {0};
    radz_status st = radz_strbuf_append(&a, text, length, err);
    for (size_t i = 0; i < sequence->count && st == RADZ_OK; i++) {
        b.length = 0;
        st = tok_part_text(&sequence->items[i], a.text, a.length, &b, err);
        radz_strbuf swap = a;
        a = b;
        b = swap;
    }
    if (st == RADZ_OK)
        st = radz_strbuf_append(out, a.text, a.length, err);
    radz_strbuf_free(&a);
    radz_strbuf_free(&b);
    return st;
}

static void swap_pieces(tok_pieces *a, tok_pieces *b)
{
    tok_pieces swap = *a;
    *a = *b;
    *b = swap;
}

radz_status tok_part_pieces(const tok_part *part, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    if (part->kind != NULL)
        return part->kind->pieces(part->state, in, out, err);
    swap_pieces(in, out);
    return RADZ_OK;
}

radz_status tok_sequence_pieces(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    const tok_sequence *sequence = state;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < sequence->count && st == RADZ_OK; i++) { /* the result is always left in `in`, then moved */
        tok_pieces_clear(out);
        st = tok_part_pieces(&sequence->items[i], in, out, err);
        swap_pieces(in, out);
    }
    swap_pieces(in, out);
    return st;
}
