/* Normalizers: NFC, Lowercase, Replace, Prepend, Sequence. */
#include <string.h>

#include "text/tokenizer_parts.h"
#include "text/unicode.h"

static radz_status apply_nfc(const void *state, const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    (void)state;
    return radz_unicode_nfc(text, length, out, err);
}

static radz_status apply_lowercase(const void *state, const char *text, size_t length, radz_strbuf *out,
                                   radz_error *err)
{
    (void)state;
    return radz_unicode_lower(text, length, out, err);
}

/* ---- Replace: a literal text, or runs of white space (the one regular expression that CLIP's files use) ---- */
typedef struct replace_state {
    const char *pattern; /* NULL: \s+ */
    const char *content;
    size_t pattern_length, content_length;
} replace_state;

static radz_status load_replace(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    const radz_json *pattern = radz_json_find(spec, "pattern");
    const char *content, *literal = NULL, *regex = NULL;
    radz_status st = tok_need_string(place, spec, "content", &content, err);
    if (st == RADZ_OK && (pattern == NULL || radz_json_kind_of(pattern) != RADZ_JSON_OBJECT))
        st = tok_fail(place, err, RADZ_E_FORMAT, "'pattern' must be {\"String\": ...} or {\"Regex\": ...}");
    if (st == RADZ_OK)
        st = tok_get_string(place, pattern, "String", &literal, err);
    if (st == RADZ_OK)
        st = tok_get_string(place, pattern, "Regex", &regex, err);
    if (st != RADZ_OK)
        return st;
    if (regex != NULL && strcmp(regex, "\\s+") != 0)
        return tok_fail(place, err, RADZ_E_UNSUPPORTED, "Replace with the pattern '%s' is not built; built: '\\s+'",
                        regex);
    if (regex == NULL && (literal == NULL || literal[0] == '\0'))
        return tok_fail(place, err, RADZ_E_FORMAT, "'pattern' must hold a text under \"String\" or \"Regex\"");
    replace_state *replace = radz_arena_alloc(place->arena, 1, sizeof *replace, err);
    if (replace == NULL)
        return RADZ_E_NOMEM;
    if (regex == NULL && (replace->pattern = radz_arena_strdup(place->arena, literal, err)) == NULL)
        return RADZ_E_NOMEM;
    if ((replace->content = radz_arena_strdup(place->arena, content, err)) == NULL)
        return RADZ_E_NOMEM;
    replace->pattern_length = regex == NULL ? strlen(replace->pattern) : 0;
    replace->content_length = strlen(content);
    *state = replace;
    return RADZ_OK;
}

static size_t match_replace(const replace_state *replace, const char *text, size_t length)
{
    if (replace->pattern != NULL)
        return length >= replace->pattern_length && memcmp(text, replace->pattern, replace->pattern_length) == 0
                   ? replace->pattern_length
                   : 0;
    size_t n = 0;
    while (n < length) {
        int32_t c;
        size_t step = radz_utf8_get(text + n, length - n, &c);
        if (radz_char_class_of(c) != RADZ_CHAR_SPACE)
            break;
        n += step;
    }
    return n;
}

static radz_status apply_replace(const void *state, const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    const replace_state *replace = state;
    size_t kept = 0; /* start of what is not yet copied */
    for (size_t i = 0; i < length;) {
        size_t n = match_replace(replace, text + i, length - i);
        if (n == 0) {
            int32_t c;
            i += radz_utf8_get(text + i, length - i, &c);
            continue;
        }
        radz_status st = radz_strbuf_append(out, text + kept, i - kept, err);
        if (st == RADZ_OK)
            st = radz_strbuf_append(out, replace->content, replace->content_length, err);
        if (st != RADZ_OK)
            return st;
        i += n;
        kept = i;
    }
    return radz_strbuf_append(out, text + kept, length - kept, err);
}

/* ---- Prepend: a text before every text that is not empty ---- */
static radz_status load_prepend(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    const char *prefix;
    radz_status st = tok_need_string(place, spec, "prepend", &prefix, err);
    if (st == RADZ_OK && (*state = radz_arena_strdup(place->arena, prefix, err)) == NULL)
        st = RADZ_E_NOMEM;
    return st;
}

static radz_status apply_prepend(const void *state, const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    radz_status st = radz_strbuf_append(out, state, length > 0 ? strlen(state) : 0, err);
    return st == RADZ_OK ? radz_strbuf_append(out, text, length, err) : st;
}

static const tok_part_kind kinds[] = {
    {"NFC", tok_load_nothing, .text = apply_nfc},    {"Lowercase", tok_load_nothing, .text = apply_lowercase},
    {"Replace", load_replace, .text = apply_replace}, {"Prepend", load_prepend, .text = apply_prepend},
    {"Sequence", NULL, .text = tok_sequence_text},    {.name = NULL},
};
const tok_part_table tok_normalizers = {"normalizer", "normalizers", kinds};
