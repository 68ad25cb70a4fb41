/* Pre-tokenizers: Split by a known regular expression, ByteLevel, Metaspace, Sequence. */
#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_parts.h"
#include "text/unicode.h"

void tok_pieces_clear(tok_pieces *pieces)
{
    pieces->text.length = 0;
    pieces->count = 0;
}

void tok_pieces_free(tok_pieces *pieces)
{
    radz_strbuf_free(&pieces->text);
    free(pieces->spans);
    *pieces = (tok_pieces){0};
}

radz_status tok_pieces_end(tok_pieces *pieces, size_t begin, radz_error *err)
{
    radz_status st = radz_grow(&pieces->spans, &pieces->capacity, pieces->count + 1, sizeof *pieces->spans, err);
    if (st == RADZ_OK)
        pieces->spans[pieces->count++] = (tok_span){begin, pieces->text.length - begin};
    return st;
}

radz_status tok_pieces_add(tok_pieces *pieces, const char *text, size_t length, radz_error *err)
{
    if (length == 0)
        return RADZ_OK;
    size_t begin = pieces->text.length;
    radz_status st = radz_strbuf_append(&pieces->text, text, length, err);
    return st == RADZ_OK ? tok_pieces_end(pieces, begin, err) : st;
}

/* ---- the regular expressions ---- */

/* Length of the run of characters of a class. */
static size_t run_of(const char *text, size_t length, radz_char_class wanted)
{
    size_t n = 0;
    while (n < length) {
        int32_t c;
        size_t step = radz_utf8_get(text + n, length - n, &c);
        if (radz_char_class_of(c) != wanted)
            break;
        n += step;
    }
    return n;
}

static size_t match_word(const char *text, size_t length, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(words[i]);
        if (n <= length && memcmp(text, words[i], n) == 0)
            return n;
    }
    return 0;
}

static const char *const contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
static const char *const clip_specials[] = {"<|startoftext|>", "<|endoftext|>"};
#define LENGTH_OF(array) (sizeof(array) / sizeof *(array))

size_t tok_match_clip(const char *text, size_t length)
{
    size_t n = match_word(text, length, contractions, LENGTH_OF(contractions));
    if (n > 0 || length == 0)
        return n;
    int32_t c;
    size_t step = radz_utf8_get(text, length, &c);
    switch (radz_char_class_of(c)) {
    case RADZ_CHAR_LETTER:
        return run_of(text, length, RADZ_CHAR_LETTER);
    case RADZ_CHAR_NUMBER:
        return step; /* one digit at a time */
    case RADZ_CHAR_OTHER:
        return run_of(text, length, RADZ_CHAR_OTHER);
    case RADZ_CHAR_SPACE:
    default:
        return 0;
    }
}

static size_t match_clip_or_special(const char *text, size_t length)
{
    size_t n = match_word(text, length, clip_specials, LENGTH_OF(clip_specials));
    return n > 0 ? n : tok_match_clip(text, length);
}

/* \s+(?!\S)|\s+ : white space but for the last character before something else, unless it is the only one */
static size_t match_blanks(const char *text, size_t length)
{
    size_t n = run_of(text, length, RADZ_CHAR_SPACE);
    if (n == length || n == 0)
        return n;
    size_t last = n - 1;
    while (last > 0 && ((unsigned char)text[last] & 0xC0) == 0x80)
        last--;
    return last > 0 ? last : n;
}

size_t tok_match_gpt2(const char *text, size_t length)
{
    size_t n = match_word(text, length, contractions, LENGTH_OF(contractions));
    if (n > 0 || length == 0)
        return n;
    int32_t c;
    size_t blank = text[0] == ' ' ? 1 : 0; /* one blank goes with what follows it */
    if (blank < length) {
        radz_utf8_get(text + blank, length - blank, &c);
        radz_char_class class = radz_char_class_of(c);
        if (class != RADZ_CHAR_SPACE)
            return blank + run_of(text + blank, length - blank, class);
    }
    return match_blanks(text, length);
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Contractions whatever their case, the long s among them, as Unicode's case folding has it. */
static size_t match_contraction(const char *text, size_t length)
{
    if (length >= 3 && memcmp(text, "'\xC5\xBF", 3) == 0)
        return 3;
    char small[3] = "";
    for (size_t i = 0; i < 3 && i < length; i++)
        small[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
    return match_word(small, length < 3 ? length : 3, contractions, LENGTH_OF(contractions));
}

/* The expression of tiktoken's cl100k_base, which Llama 3 has with up to three digits to a number and Qwen2 with one. */
static size_t match_cl100k(const char *text, size_t length, size_t digits)
{
    size_t n = length > 0 ? match_contraction(text, length) : 0;
    if (n > 0 || length == 0)
        return n;
    int32_t c;
    size_t first = radz_utf8_get(text, length, &c);
    radz_char_class class = radz_char_class_of(c);
    if (class == RADZ_CHAR_LETTER) /* [^\r\n\p{L}\p{N}]?\p{L}+ */
        return run_of(text, length, RADZ_CHAR_LETTER);
    if (class != RADZ_CHAR_NUMBER && !is_line_end(text[0])) {
        n = run_of(text + first, length - first, RADZ_CHAR_LETTER);
        if (n > 0)
            return first + n;
    }
    if (class == RADZ_CHAR_NUMBER) { /* \p{N}{1,digits} */
        for (n = first; digits > 1 && n < length; digits--) {
            size_t step = radz_utf8_get(text + n, length - n, &c);
            if (radz_char_class_of(c) != RADZ_CHAR_NUMBER)
                break;
            n += step;
        }
        return n;
    }
    size_t blank = text[0] == ' ' ? 1 : 0; /* " ?[^\s\p{L}\p{N}]+[\r\n]*" */
    n = run_of(text + blank, length - blank, RADZ_CHAR_OTHER);
    if (n > 0) {
        n += blank;
        while (n < length && is_line_end(text[n]))
            n++;
        return n;
    }
    size_t space = run_of(text, length, RADZ_CHAR_SPACE), last = space; /* "\s*[\r\n]+": to the run's last line end */
    while (last > 0 && !is_line_end(text[last - 1]))
        last--;
    return last > 0 ? last : match_blanks(text, length);
}

static size_t match_llama3(const char *text, size_t length)
{
    return match_cl100k(text, length, 3);
}

static size_t match_qwen2(const char *text, size_t length)
{
    return match_cl100k(text, length, 1);
}

static const struct {
    const char *pattern;
    tok_matcher match;
} matchers[] = {
    {"<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
     match_clip_or_special},
    {"'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", tok_match_clip},
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", tok_match_gpt2},
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", match_llama3},
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", match_qwen2},
};

/* ---- Split ---- */
typedef struct split_state {
    tok_matcher match;
    bool keep_matches, keep_gaps;
} split_state;

static radz_status load_split(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    const radz_json *pattern = radz_json_find(spec, "pattern");
    const char *regex = NULL, *behavior;
    bool invert;
    radz_status st = tok_need_string(place, spec, "behavior", &behavior, err);
    if (st == RADZ_OK)
        st = tok_get_bool(place, spec, "invert", false, &invert, err);
    if (st == RADZ_OK && (pattern == NULL || radz_json_kind_of(pattern) != RADZ_JSON_OBJECT))
        st = tok_fail(place, err, RADZ_E_FORMAT, "'pattern' must be {\"Regex\": ...}");
    if (st == RADZ_OK)
        st = tok_get_string(place, pattern, "Regex", &regex, err);
    if (st != RADZ_OK)
        return st;
    if (regex == NULL)
        return tok_fail(place, err, RADZ_E_UNSUPPORTED,
                        "Split by a literal text is not built; built: the regular expressions of CLIP, GPT-2, Llama 3 and Qwen2");
    split_state *split = radz_arena_alloc(place->arena, 1, sizeof *split, err);
    if (split == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < LENGTH_OF(matchers); i++) {
        if (strcmp(matchers[i].pattern, regex) == 0)
            split->match = matchers[i].match;
    }
    if (split->match == NULL)
        return tok_fail(place, err, RADZ_E_UNSUPPORTED,
                        "Split by the regular expression '%.400s' is not built; built: those of CLIP, GPT-2, Llama 3 and Qwen2", regex);
    /* what is not a delimiter is kept; `invert` makes the gaps between matches the delimiters */
    bool isolated = strcmp(behavior, "Isolated") == 0;
    if (!isolated && strcmp(behavior, "Removed") != 0)
        return tok_fail(place, err, RADZ_E_UNSUPPORTED, "Split with behavior '%s' is not built; built: Removed, Isolated",
                        behavior);
    split->keep_matches = isolated || invert;
    split->keep_gaps = isolated || !invert;
    *state = split;
    return RADZ_OK;
}

static radz_status split_piece(const split_state *split, const char *text, size_t length, tok_pieces *out,
                               radz_error *err)
{
    radz_status st = RADZ_OK;
    size_t gap = 0; /* start of what has not matched */
    for (size_t i = 0; i < length && st == RADZ_OK;) {
        size_t n = split->match(text + i, length - i);
        if (n == 0) {
            int32_t c;
            i += radz_utf8_get(text + i, length - i, &c);
            continue;
        }
        if (split->keep_gaps)
            st = tok_pieces_add(out, text + gap, i - gap, err);
        if (st == RADZ_OK && split->keep_matches)
            st = tok_pieces_add(out, text + i, n, err);
        i += n;
        gap = i;
    }
    if (st == RADZ_OK && split->keep_gaps)
        st = tok_pieces_add(out, text + gap, length - gap, err);
    return st;
}

static radz_status apply_split(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < in->count && st == RADZ_OK; i++) {
        st = split_piece(state, in->text.text + in->spans[i].begin, in->spans[i].length, out, err);
        if (i == 0 && st == RADZ_OK) /* unless the text's beginning was removed */
            out->at_start = in->at_start && out->count > 0 &&
                            memcmp(out->text.text, in->text.text + in->spans[0].begin, out->spans[0].length) == 0;
    }
    return st;
}

/* ---- ByteLevel ---- */
int32_t tok_byte_to_char(unsigned byte)
{
    /* printable bytes stand for themselves, the other 68, in order, for U+0100 and up */
    if ((byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE)
        return (int32_t)byte;
    if (byte <= 0x20)
        return (int32_t)(0x100 + byte);
    if (byte <= 0xA0)
        return (int32_t)(0x100 + 33 + byte - 0x7F);
    return 0x100 + 67; /* 0xAD, the soft hyphen */
}

int tok_char_to_byte(int32_t c)
{
    if (c < 0x100)
        return c >= 0 && tok_byte_to_char((unsigned)c) == c ? (int)c : -1;
    if (c <= 0x120)
        return (int)(c - 0x100);
    if (c <= 0x142)
        return (int)(c - 0x121 + 0x7F);
    return c == 0x143 ? 0xAD : -1;
}

typedef struct byte_level_state {
    bool add_prefix_space, use_regex;
} byte_level_state;

static radz_status load_byte_level(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    byte_level_state *level = radz_arena_alloc(place->arena, 1, sizeof *level, err);
    if (level == NULL)
        return RADZ_E_NOMEM;
    radz_status st = tok_get_bool(place, spec, "add_prefix_space", true, &level->add_prefix_space, err);
    if (st == RADZ_OK)
        st = tok_get_bool(place, spec, "use_regex", true, &level->use_regex, err);
    *state = level;
    return st;
}

static radz_status add_byte_piece(tok_pieces *out, const char *text, size_t length, radz_error *err)
{
    size_t begin = out->text.length;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < length && st == RADZ_OK; i++) {
        char bytes[4];
        st = radz_strbuf_append(&out->text, bytes, radz_utf8_put(tok_byte_to_char((unsigned char)text[i]), bytes), err);
    }
    return st == RADZ_OK ? tok_pieces_end(out, begin, err) : st;
}

static radz_status apply_byte_level(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    const byte_level_state *level = state;
    radz_strbuf prefixed = {0};
    radz_status st = RADZ_OK;
    for (size_t p = 0; p < in->count && st == RADZ_OK; p++) {
        const char *text = in->text.text + in->spans[p].begin;
        size_t length = in->spans[p].length;
        if (level->add_prefix_space && text[0] != ' ') {
            prefixed.length = 0;
            st = radz_strbuf_append(&prefixed, " ", 1, err);
            if (st == RADZ_OK)
                st = radz_strbuf_append(&prefixed, text, length, err);
            if (st != RADZ_OK)
                break;
            text = prefixed.text;
            length = prefixed.length;
        }
        for (size_t i = 0; i < length && st == RADZ_OK;) {
            size_t n = level->use_regex ? tok_match_gpt2(text + i, length - i) : length;
            st = add_byte_piece(out, text + i, n, err);
            i += n;
        }
    }
    out->at_start = in->at_start;
    radz_strbuf_free(&prefixed);
    return st;
}

/* ---- Metaspace: SentencePiece's way, a visible mark in place of every blank ---- */
radz_status tok_metaspace_load(const tok_place *place, const radz_json *spec, void **state, radz_error *err)
{
    const char *mark, *scheme;
    bool prefix;
    tok_metaspace *metaspace = radz_arena_alloc(place->arena, 1, sizeof *metaspace, err);
    if (metaspace == NULL)
        return RADZ_E_NOMEM;
    radz_status st = tok_need_string(place, spec, "replacement", &mark, err);
    if (st == RADZ_OK)
        st = tok_get_string(place, spec, "prepend_scheme", &scheme, err);
    if (st == RADZ_OK) /* files from before 2024 */
        st = tok_get_bool(place, spec, "add_prefix_space", true, &prefix, err);
    if (st == RADZ_OK)
        st = tok_get_bool(place, spec, "split", true, &metaspace->split, err);
    if (st != RADZ_OK)
        return st;
    if (mark[0] == '\0')
        return tok_fail(place, err, RADZ_E_FORMAT, "'replacement' is empty, wanted one character");
    if (scheme == NULL)
        scheme = prefix ? "always" : "never";
    if (strcmp(scheme, "first") == 0)
        metaspace->prepend = TOK_PREPEND_FIRST;
    else if (strcmp(scheme, "always") == 0)
        metaspace->prepend = TOK_PREPEND_ALWAYS;
    else if (strcmp(scheme, "never") == 0)
        metaspace->prepend = TOK_PREPEND_NEVER;
    else
        return tok_fail(place, err, RADZ_E_FORMAT, "prepend_scheme '%.60s', wanted first, always or never", scheme);
    if ((metaspace->mark = radz_arena_strdup(place->arena, mark, err)) == NULL)
        return RADZ_E_NOMEM;
    metaspace->length = strlen(mark);
    *state = metaspace;
    return RADZ_OK;
}

static bool has_mark(const tok_metaspace *metaspace, const char *text, size_t length)
{
    return length >= metaspace->length && memcmp(text, metaspace->mark, metaspace->length) == 0;
}

static radz_status apply_metaspace(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err)
{
    const tok_metaspace *metaspace = state;
    radz_status st = RADZ_OK;
    for (size_t p = 0; p < in->count && st == RADZ_OK; p++) {
        const char *text = in->text.text + in->spans[p].begin;
        size_t length = in->spans[p].length, begin = out->text.length;
        bool marked = text[0] == ' ' || has_mark(metaspace, text, length);
        bool wanted = metaspace->prepend == TOK_PREPEND_ALWAYS ||
                      (metaspace->prepend == TOK_PREPEND_FIRST && p == 0 && in->at_start);
        if (wanted && !marked)
            st = radz_strbuf_append(&out->text, metaspace->mark, metaspace->length, err);
        for (size_t i = 0; i < length && st == RADZ_OK;) {
            bool blank = text[i] == ' ';
            size_t step = !blank && has_mark(metaspace, text + i, length - i) ? metaspace->length : 1;
            if (metaspace->split && (blank || step > 1) && out->text.length > begin) {
                st = tok_pieces_end(out, begin, err);
                begin = out->text.length;
            }
            if (st == RADZ_OK)
                st = blank ? radz_strbuf_append(&out->text, metaspace->mark, metaspace->length, err)
                           : radz_strbuf_append(&out->text, text + i, step, err);
            i += step;
        }
        if (st == RADZ_OK)
            st = tok_pieces_end(out, begin, err);
    }
    out->at_start = in->at_start;
    return st;
}

static const tok_part_kind kinds[] = {
    {"Split", load_split, .pieces = apply_split},
    {"ByteLevel", load_byte_level, .pieces = apply_byte_level},
    {"Metaspace", tok_metaspace_load, .pieces = apply_metaspace},
    {"Sequence", NULL, .pieces = tok_sequence_pieces},
    {.name = NULL},
};
const tok_part_table tok_pretokenizers = {"pre-tokenizer", "pretokenizers", kinds};
