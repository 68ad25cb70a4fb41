/* Decoders, the way back from tokens to text: ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace, Sequence. */
#include <string.h>

#include "text/tokenizer_parts.h"
#include "text/unicode.h"

static radz_status decode_byte_level(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    (void)state;
    radz_status st = RADZ_OK;
    for (size_t p = 0; p < in->count && st == RADZ_OK; p++) {
        const char *token = in->text.text + in->spans[p].begin;
        size_t length = in->spans[p].length, begin = out->text.length;
        for (size_t i = 0; i < length && st == RADZ_OK;) {
            int32_t c;
            i += radz_utf8_get(token + i, length - i, &c);
            int byte = tok_char_to_byte(c);
            char b = (char)byte;
            if (byte < 0) { /* an added token that was never at the byte level: as it is */
                out->text.length = begin;
                st = radz_strbuf_append(&out->text, token, length, err);
                break;
            }
            st = radz_strbuf_append(&out->text, &b, 1, err);
        }
        if (st == RADZ_OK)
            st = tok_pieces_end(out, begin, err);
    }
    return st;
}

/* ---- ByteFallback: "<0x41>" ---- */
static int byte_of_token(const char *token, size_t length)
{
    if (length != 6 || memcmp(token, "<0x", 3) != 0 || token[5] != '>')
        return -1;
    int value = 0;
    for (int i = 3; i < 5; i++) {
        char c = token[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = 16 * value + digit;
    }
    return value;
}

/* Bytes side by side are one text where they are UTF-8, and one U+FFFD each where they are not. */
static radz_status decode_byte_fallback(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    (void)state;
    radz_strbuf bytes = {0};
    radz_status st = RADZ_OK;
    for (size_t p = 0; p <= in->count && st == RADZ_OK; p++) {
        const char *token = p < in->count ? in->text.text + in->spans[p].begin : NULL;
        int byte = token != NULL ? byte_of_token(token, in->spans[p].length) : -1;
        if (byte >= 0) {
            char b = (char)byte;
            st = radz_strbuf_append(&bytes, &b, 1, err);
            continue;
        }
        size_t begin = out->text.length;
        if (bytes.length > 0) {
            bool well_formed = radz_utf8_valid(bytes.text, bytes.length);
            if (well_formed)
                st = radz_strbuf_append(&out->text, bytes.text, bytes.length, err);
            for (size_t i = 0; i < bytes.length && !well_formed && st == RADZ_OK; i++)
                st = radz_strbuf_append(&out->text, "\xEF\xBF\xBD", 3, err);
            if (st == RADZ_OK)
                st = tok_pieces_end(out, begin, err);
            bytes.length = 0;
            begin = out->text.length;
        }
        if (token != NULL && st == RADZ_OK)
            st = radz_strbuf_append(&out->text, token, in->spans[p].length, err);
        if (token != NULL && st == RADZ_OK)
            st = tok_pieces_end(out, begin, err);
    }
    radz_strbuf_free(&bytes);
    return st;
}

/* ---- Fuse: all pieces become one ---- */
static radz_status decode_fuse(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    (void)state;
    radz_status st = RADZ_OK;
    for (size_t p = 0; p < in->count && st == RADZ_OK; p++)
        st = radz_strbuf_append(&out->text, in->text.text + in->spans[p].begin, in->spans[p].length, err);
    return st == RADZ_OK ? tok_pieces_end(out, 0, err) : st;
}

/* ---- Strip: up to so many of a character at the ends of each piece ---- */
typedef struct strip_state {
    const char *content;
    size_t length;
    int64_t start, stop;
} strip_state;

static radz_status load_strip(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    strip_state *strip = radz_arena_alloc(place->arena, 1, sizeof *strip, err);
    const char *content;
    if (strip == NULL)
        return RADZ_E_NOMEM;
    radz_status st = tok_need_string(place, spec, "content", &content, err);
    const char *const keys[] = {"start", "stop"};
    int64_t *const counts[] = {&strip->start, &strip->stop};
    for (int i = 0; i < 2 && st == RADZ_OK; i++) {
        const radz_json *value = radz_json_find(spec, keys[i]);
        if (value == NULL || !radz_json_as_i64(value, counts[i]) || *counts[i] < 0)
            st = tok_fail(place, err, RADZ_E_FORMAT, "'%s' must be a number from 0", keys[i]);
    }
    if (st == RADZ_OK && content[0] == '\0')
        st = tok_fail(place, err, RADZ_E_FORMAT, "'content' is empty, wanted one character");
    if (st == RADZ_OK && (strip->content = radz_arena_strdup(place->arena, content, err)) == NULL)
        st = RADZ_E_NOMEM;
    if (st != RADZ_OK)
        return st;
    strip->length = strlen(content);
    *state = strip;
    return RADZ_OK;
}

static radz_status decode_strip(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    const strip_state *strip = state;
    radz_status st = RADZ_OK;
    for (size_t p = 0; p < in->count && st == RADZ_OK; p++) {
        const char *text = in->text.text + in->spans[p].begin;
        size_t length = in->spans[p].length, begin = out->text.length;
        for (int64_t i = 0; i < strip->start && length >= strip->length &&
                            memcmp(text, strip->content, strip->length) == 0; i++) {
            text += strip->length;
            length -= strip->length;
        }
        for (int64_t i = 0; i < strip->stop && length >= strip->length &&
                            memcmp(text + length - strip->length, strip->content, strip->length) == 0; i++)
            length -= strip->length;
        st = radz_strbuf_append(&out->text, text, length, err);
        if (st == RADZ_OK)
            st = tok_pieces_end(out, begin, err);
    }
    return st;
}

/* ---- Replace: a literal text, everywhere ---- */
typedef struct replace_state {
    const char *pattern, *content;
    size_t pattern_length, content_length;
} replace_state;

static radz_status load_replace(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    const radz_json *pattern = radz_json_find(spec, "pattern");
    const char *content, *literal = NULL;
    replace_state *replace = radz_arena_alloc(place->arena, 1, sizeof *replace, err);
    if (replace == NULL)
        return RADZ_E_NOMEM;
    radz_status st = tok_need_string(place, spec, "content", &content, err);
    if (st == RADZ_OK && pattern != NULL && radz_json_kind_of(pattern) == RADZ_JSON_OBJECT)
        st = tok_get_string(place, pattern, "String", &literal, err);
    if (st == RADZ_OK && (literal == NULL || literal[0] == '\0'))
        st = tok_fail(place, err, RADZ_E_UNSUPPORTED, "a decoder's 'pattern' must be {\"String\": ...}, not empty");
    if (st != RADZ_OK)
        return st;
    *replace = (replace_state){radz_arena_strdup(place->arena, literal, err), radz_arena_strdup(place->arena, content, err),
                               strlen(literal), strlen(content)};
    if (replace->pattern == NULL || replace->content == NULL)
        return RADZ_E_NOMEM;
    *state = replace;
    return RADZ_OK;
}

static radz_status decode_replace(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    const replace_state *replace = state;
    radz_status st = RADZ_OK;
    for (size_t p = 0; p < in->count && st == RADZ_OK; p++) {
        const char *text = in->text.text + in->spans[p].begin;
        size_t length = in->spans[p].length, begin = out->text.length;
        for (size_t i = 0; i < length && st == RADZ_OK;) {
            bool found = length - i >= replace->pattern_length &&
                         memcmp(text + i, replace->pattern, replace->pattern_length) == 0;
            st = found ? radz_strbuf_append(&out->text, replace->content, replace->content_length, err)
                       : radz_strbuf_append(&out->text, text + i, 1, err);
            i += found ? replace->pattern_length : 1;
        }
        if (st == RADZ_OK)
            st = tok_pieces_end(out, begin, err);
    }
    return st;
}

/* ---- Metaspace: blanks in place of the marks; those of the first piece go when the encoder puts one there ---- */
static radz_status decode_metaspace(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    const tok_metaspace *metaspace = state;
    radz_status st = RADZ_OK;
    for (size_t p = 0; p < in->count && st == RADZ_OK; p++) {
        const char *text = in->text.text + in->spans[p].begin;
        size_t length = in->spans[p].length, begin = out->text.length;
        for (size_t i = 0; i < length && st == RADZ_OK;) {
            bool mark = length - i >= metaspace->length && memcmp(text + i, metaspace->mark, metaspace->length) == 0;
            if (!mark)
                st = radz_strbuf_append(&out->text, text + i, 1, err);
            else if (p > 0 || metaspace->prepend == TOK_PREPEND_NEVER)
                st = radz_strbuf_append(&out->text, " ", 1, err);
            i += mark ? metaspace->length : 1;
        }
        if (st == RADZ_OK)
            st = tok_pieces_end(out, begin, err);
    }
    return st;
}

static const tok_part_kind kinds[] = {
    {"ByteLevel", tok_load_nothing, .pieces = decode_byte_level},
    {"Replace", load_replace, .pieces = decode_replace},
    {"ByteFallback", tok_load_nothing, .pieces = decode_byte_fallback},
    {"Fuse", tok_load_nothing, .pieces = decode_fuse},
    {"Strip", load_strip, .pieces = decode_strip},
    {"Metaspace", tok_metaspace_load, .pieces = decode_metaspace},
    {"Sequence", NULL, .pieces = tok_sequence_pieces},
    {.name = NULL},
};
const tok_part_table tok_decoders = {"decoder", "decoders", kinds};
