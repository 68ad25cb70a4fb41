/* Post-processors (RobertaProcessing, BertProcessing, TemplateProcessing, ByteLevel, Sequence), all of which come down to
 * ids before and after the text; and the decoders. */
#include <string.h>

#include "text/tokenizer_parts.h"
#include "text/unicode.h"

static radz_status append_id(const tok_place *place, int32_t **ids, size_t *count, int32_t id, radz_error *err)
{
    int32_t *longer = radz_arena_alloc(place->arena, *count + 1, sizeof *longer, err);
    if (longer == NULL)
        return RADZ_E_NOMEM;
    if (*count > 0)
        memcpy(longer, *ids, *count * sizeof *longer);
    longer[(*count)++] = id;
    *ids = longer;
    return RADZ_OK;
}

static radz_status check_id(const tok_place *place, const tok_vocab *vocab, const char *token, const radz_json *value,
                            int32_t *out, radz_error *err)
{
    int64_t id;
    if (value == NULL || !radz_json_as_i64(value, &id) || id < 0 || id >= TOK_MAX_ID)
        return tok_fail(place, err, RADZ_E_FORMAT, "token '%.60s' wants an id from 0 to %d", token, TOK_MAX_ID - 1);
    int32_t known = tok_vocab_find(vocab, token, strlen(token));
    if (known != (int32_t)id)
        return tok_fail(place, err, RADZ_E_FORMAT, "token '%.60s' has id %ld here and %ld in the vocabulary", token,
                        (long)id, (long)known);
    *out = known;
    return RADZ_OK;
}

/* {"sep": ["</s>", 2], "cls": ["<s>", 0]}: cls text sep */
static radz_status load_pair(const tok_place *place, const radz_json *spec, const tok_vocab *vocab, tok_template *out,
                             radz_error *err)
{
    static const char *const keys[] = {"cls", "sep"};
    for (int i = 0; i < 2; i++) {
        const radz_json *pair = radz_json_find(spec, keys[i]);
        const char *token = NULL;
        if (pair != NULL && radz_json_kind_of(pair) == RADZ_JSON_ARRAY && radz_json_size(pair) == 2)
            token = radz_json_string(radz_json_at(pair, 0));
        if (token == NULL)
            return tok_fail(place, err, RADZ_E_FORMAT, "'%s' must be [TOKEN, ID]", keys[i]);
        int32_t id;
        radz_status st = check_id(place, vocab, token, radz_json_at(pair, 1), &id, err);
        if (st == RADZ_OK)
            st = i == 0 ? append_id(place, &out->before, &out->before_count, id, err)
                        : append_id(place, &out->after, &out->after_count, id, err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

static radz_status load_template(const tok_place *place, const radz_json *spec, const tok_vocab *vocab,
                                 tok_template *out, radz_error *err)
{
    const radz_json *single = radz_json_find(spec, "single"), *tokens = radz_json_find(spec, "special_tokens");
    if (single == NULL || radz_json_kind_of(single) != RADZ_JSON_ARRAY)
        return tok_fail(place, err, RADZ_E_FORMAT, "a TemplateProcessing must have a list 'single'");
    bool seen = false; /* the text's own place */
    for (size_t i = 0; i < radz_json_size(single); i++) {
        const radz_json *item = radz_json_at(single, i), *special = radz_json_find(item, "SpecialToken");
        if (special == NULL && radz_json_find(item, "Sequence") != NULL && !seen) {
            seen = true;
            continue;
        }
        const char *name = special != NULL ? radz_json_string(radz_json_find(special, "id")) : NULL;
        const radz_json *entry = name != NULL && tokens != NULL ? radz_json_find(tokens, name) : NULL;
        const radz_json *ids = entry != NULL ? radz_json_find(entry, "ids") : NULL;
        const radz_json *texts = entry != NULL ? radz_json_find(entry, "tokens") : NULL;
        if (ids == NULL || texts == NULL || radz_json_kind_of(ids) != RADZ_JSON_ARRAY ||
            radz_json_kind_of(texts) != RADZ_JSON_ARRAY || radz_json_size(ids) != radz_json_size(texts))
            return tok_fail(place, err, RADZ_E_FORMAT,
                            "'single[%zu]' must be one Sequence or a SpecialToken listed in 'special_tokens'", i);
        for (size_t k = 0; k < radz_json_size(ids); k++) {
            const char *token = radz_json_string(radz_json_at(texts, k));
            int32_t id;
            if (token == NULL)
                return tok_fail(place, err, RADZ_E_FORMAT, "special token '%.60s': its tokens must be texts", name);
            radz_status st = check_id(place, vocab, token, radz_json_at(ids, k), &id, err);
            if (st == RADZ_OK)
                st = seen ? append_id(place, &out->after, &out->after_count, id, err)
                          : append_id(place, &out->before, &out->before_count, id, err);
            if (st != RADZ_OK)
                return st;
        }
    }
    return seen ? RADZ_OK : tok_fail(place, err, RADZ_E_FORMAT, "'single' has no Sequence: the text has no place");
}

static radz_status load_nothing(const tok_place *place, const radz_json *spec, const tok_vocab *vocab,
                                tok_template *out, radz_error *err)
{
    (void)place, (void)spec, (void)vocab, (void)out, (void)err; /* ByteLevel only moves offsets, which nobody asks for */
    return RADZ_OK;
}

/* Each part puts its ids around what the parts before it made. */
static radz_status load_sequence(const tok_place *place, const radz_json *spec, const tok_vocab *vocab,
                                 tok_template *out, radz_error *err)
{
    const radz_json *list = radz_json_find(spec, "processors");
    if (list == NULL || radz_json_kind_of(list) != RADZ_JSON_ARRAY)
        return tok_fail(place, err, RADZ_E_FORMAT, "a Sequence must have a list 'processors'");
    for (size_t i = 0; i < radz_json_size(list); i++) {
        tok_place inner = *place;
        tok_template part;
        inner.depth++;
        inner.path = radz_arena_printf(place->arena, err, "%s.processors[%zu]", place->path, i);
        if (inner.path == NULL)
            return RADZ_E_NOMEM;
        radz_status st = tok_template_load(&inner, radz_json_at(list, i), vocab, &part, err);
        for (size_t k = 0; k < out->before_count && st == RADZ_OK; k++)
            st = append_id(place, &part.before, &part.before_count, out->before[k], err);
        for (size_t k = 0; k < part.after_count && st == RADZ_OK; k++)
            st = append_id(place, &out->after, &out->after_count, part.after[k], err);
        if (st != RADZ_OK)
            return st;
        out->before = part.before;
        out->before_count = part.before_count;
    }
    return RADZ_OK;
}

static const struct {
    const char *name;
    radz_status (*load)(const tok_place *place, const radz_json *spec, const tok_vocab *vocab, tok_template *out,
                        radz_error *err);
} post_kinds[] = {
    {"RobertaProcessing", load_pair},    {"BertProcessing", load_pair},
    {"TemplateProcessing", load_template}, {"ByteLevel", load_nothing},
    {"Sequence", load_sequence},
};
enum { N_POST_KINDS = sizeof post_kinds / sizeof *post_kinds };

static const char *post_kind_name(const void *context, size_t i)
{
    (void)context;
    return i < N_POST_KINDS ? post_kinds[i].name : NULL;
}

radz_status tok_template_load(const tok_place *place, const radz_json *spec, const tok_vocab *vocab, tok_template *out,
                              radz_error *err)
{
    *out = (tok_template){0};
    if (spec == NULL || radz_json_kind_of(spec) == RADZ_JSON_NULL)
        return RADZ_OK;
    const char *type;
    radz_status st = tok_need_kind(place, spec, &type, err);
    if (st != RADZ_OK)
        return st;
    for (size_t i = 0; i < N_POST_KINDS; i++) {
        if (strcmp(post_kinds[i].name, type) == 0)
            return post_kinds[i].load(place, spec, vocab, out, err);
    }
    return tok_fail_kind(place, err, "post-processor", type, post_kind_name);
}

/* ---- decoders ---- */
static radz_status load_stateless(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    (void)place, (void)spec, (void)err;
    *state = NULL;
    return RADZ_OK;
}

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
typedef struct metaspace_state {
    const char *mark;
    size_t length;
    bool drop_first;
} metaspace_state;

static radz_status load_metaspace(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    const char *mark, *scheme;
    bool prefix;
    metaspace_state *metaspace = radz_arena_alloc(place->arena, 1, sizeof *metaspace, err);
    if (metaspace == NULL)
        return RADZ_E_NOMEM;
    radz_status st = tok_need_string(place, spec, "replacement", &mark, err);
    if (st == RADZ_OK)
        st = tok_get_string(place, spec, "prepend_scheme", &scheme, err);
    if (st == RADZ_OK)
        st = tok_get_bool(place, spec, "add_prefix_space", true, &prefix, err);
    if (st == RADZ_OK && mark[0] == '\0')
        st = tok_fail(place, err, RADZ_E_FORMAT, "'replacement' is empty, wanted one character");
    if (st == RADZ_OK && (metaspace->mark = radz_arena_strdup(place->arena, mark, err)) == NULL)
        st = RADZ_E_NOMEM;
    if (st != RADZ_OK)
        return st;
    metaspace->length = strlen(mark);
    metaspace->drop_first = scheme != NULL ? strcmp(scheme, "never") != 0 : prefix;
    *state = metaspace;
    return RADZ_OK;
}

static radz_status decode_metaspace(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    const metaspace_state *metaspace = state;
    radz_status st = RADZ_OK;
    for (size_t p = 0; p < in->count && st == RADZ_OK; p++) {
        const char *text = in->text.text + in->spans[p].begin;
        size_t length = in->spans[p].length, begin = out->text.length;
        for (size_t i = 0; i < length && st == RADZ_OK;) {
            bool mark = length - i >= metaspace->length && memcmp(text + i, metaspace->mark, metaspace->length) == 0;
            if (!mark)
                st = radz_strbuf_append(&out->text, text + i, 1, err);
            else if (p > 0 || !metaspace->drop_first)
                st = radz_strbuf_append(&out->text, " ", 1, err);
            i += mark ? metaspace->length : 1;
        }
        if (st == RADZ_OK)
            st = tok_pieces_end(out, begin, err);
    }
    return st;
}

/* ---- Sequence ---- */
typedef struct decoder_list {
    tok_decoder *items;
    size_t count;
} decoder_list;

static radz_status load_decoders(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    const radz_json *list = radz_json_find(spec, "decoders");
    if (list == NULL || radz_json_kind_of(list) != RADZ_JSON_ARRAY)
        return tok_fail(place, err, RADZ_E_FORMAT, "a Sequence must have a list 'decoders'");
    decoder_list *decoders = radz_arena_alloc(place->arena, 1, sizeof *decoders, err);
    if (decoders == NULL)
        return RADZ_E_NOMEM;
    decoders->count = radz_json_size(list);
    decoders->items = radz_arena_alloc(place->arena, decoders->count, sizeof *decoders->items, err);
    if (decoders->items == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < decoders->count; i++) {
        tok_place inner = *place;
        inner.depth++;
        inner.path = radz_arena_printf(place->arena, err, "%s.decoders[%zu]", place->path, i);
        if (inner.path == NULL)
            return RADZ_E_NOMEM;
        radz_status st = tok_decoder_load(&inner, radz_json_at(list, i), &decoders->items[i], err);
        if (st != RADZ_OK)
            return st;
    }
    *state = decoders;
    return RADZ_OK;
}

static void swap_pieces(tok_pieces *a, tok_pieces *b)
{
    tok_pieces swap = *a;
    *a = *b;
    *b = swap;
}

static radz_status decode_sequence(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    const decoder_list *decoders = state;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < decoders->count && st == RADZ_OK; i++) { /* the result is always left in `in`, then moved */
        tok_pieces_clear(out);
        st = tok_decode(&decoders->items[i], in, out, err);
        swap_pieces(in, out);
    }
    swap_pieces(in, out);
    return st;
}

const tok_decoder_kind tok_decoder_kinds[] = {
    {"ByteLevel", load_stateless, decode_byte_level},
    {"Replace", load_replace, decode_replace},
    {"ByteFallback", load_stateless, decode_byte_fallback},
    {"Fuse", load_stateless, decode_fuse},
    {"Strip", load_strip, decode_strip},
    {"Metaspace", load_metaspace, decode_metaspace},
    {"Sequence", load_decoders, decode_sequence},
    {NULL, NULL, NULL},
};

static const char *decoder_name(const void *context, size_t i)
{
    (void)context;
    return tok_decoder_kinds[i].name;
}

radz_status tok_decoder_load(const tok_place *place, const radz_json *spec, tok_decoder *out, radz_error *err)
{
    *out = (tok_decoder){0};
    if (spec == NULL || radz_json_kind_of(spec) == RADZ_JSON_NULL)
        return RADZ_OK;
    const char *type;
    radz_status st = tok_need_kind(place, spec, &type, err);
    if (st != RADZ_OK)
        return st;
    for (const tok_decoder_kind *kind = tok_decoder_kinds; kind->name != NULL; kind++) {
        if (strcmp(kind->name, type) == 0) {
            out->kind = kind;
            return kind->load(place, spec, &out->state, err);
        }
    }
    return tok_fail_kind(place, err, "decoder", type, decoder_name);
}

radz_status tok_decode(const tok_decoder *decoder, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    if (decoder->kind != NULL)
        return decoder->kind->decode(decoder->state, in, out, err);
    swap_pieces(in, out);
    return RADZ_OK;
}
