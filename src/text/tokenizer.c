#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_parts.h"
#include "text/unicode.h"

void radz_tokenizer_free(radz_tokenizer *tokenizer)
{
    if (tokenizer == NULL)
        return;
    if (tokenizer->model.kind != NULL)
        tokenizer->model.kind->free(tokenizer->model.state);
    tok_vocab_free(&tokenizer->vocab);
    free(tokenizer->added);
    radz_arena_free(&tokenizer->arena);
    free(tokenizer);
}

const radz_tokenizer_info *radz_tokenizer_info_of(const radz_tokenizer *tokenizer)
{
    return &tokenizer->info;
}

int32_t radz_tokenizer_id_of(const radz_tokenizer *tokenizer, const char *token)
{
    return tok_vocab_find(&tokenizer->vocab, token, strlen(token));
}

const char *radz_tokenizer_token_of(const radz_tokenizer *tokenizer, int32_t id)
{
    return id >= 0 && (size_t)id < tokenizer->vocab.size ? tokenizer->vocab.texts[id] : NULL;
}

/* ---- text to ids ---- */
typedef struct encoder {
    const radz_tokenizer *tok;
    radz_strbuf clean, normal;
    tok_pieces in, out;
    tok_scratch scratch;
    tok_ids ids;
    bool at_start; /* nothing of the text has been taken yet */
    size_t first_named; /* place of the first added token that the configuration names; SIZE_MAX: none */
    size_t enough; /* ids beyond these will be cut off: stop early */
} encoder;

static void encoder_free(encoder *e)
{
    radz_strbuf_free(&e->clean);
    radz_strbuf_free(&e->normal);
    tok_pieces_free(&e->in);
    tok_pieces_free(&e->out);
    tok_scratch_free(&e->scratch);
    free(e->ids.items);
}

/* The added token whose needle begins at text[0]; the longest of several. */
static const tok_added *match_added(const radz_tokenizer *tok, bool normalized, const char *text, size_t length)
{
    const tok_added *best = NULL;
    if (!tok->first_byte[normalized][(unsigned char)text[0]])
        return NULL;
    for (size_t i = 0; i < tok->added_count; i++) {
        const tok_added *token = &tok->added[i];
        if (token->normalized == normalized && token->needle_length > 0 && token->needle_length <= length &&
            memcmp(text, token->needle, token->needle_length) == 0 &&
            (best == NULL || token->needle_length > best->needle_length))
            best = token;
    }
    return best;
}

static size_t blanks_before(const char *text, size_t from, size_t at)
{
    while (at > from) { /* back over one whole character at a time */
        size_t start = at - 1;
        int32_t c;
        while (start > from && ((unsigned char)text[start] & 0xC0) == 0x80)
            start--;
        radz_utf8_get(text + start, at - start, &c);
        if (radz_char_class_of(c) != RADZ_CHAR_SPACE)
            break;
        at = start;
    }
    return at;
}

static size_t blanks_after(const char *text, size_t at, size_t length)
{
    while (at < length) {
        int32_t c;
        size_t n = radz_utf8_get(text + at, length - at, &c);
        if (radz_char_class_of(c) != RADZ_CHAR_SPACE)
            break;
        at += n;
    }
    return at;
}

static radz_status encode_words(encoder *e, const char *text, size_t length, radz_error *err)
{
    tok_pieces_clear(&e->in);
    tok_pieces_clear(&e->out);
    e->in.at_start = e->at_start;
    e->at_start = false;
    radz_status st = tok_pieces_add(&e->in, text, length, err);
    if (st == RADZ_OK)
        st = tok_part_pieces(&e->tok->pretokenizer, &e->in, &e->out, err);
    for (size_t i = 0; i < e->out.count && st == RADZ_OK && e->ids.count < e->enough; i++)
        st = e->tok->model.kind->encode(e->tok->model.state, &e->tok->vocab, e->out.text.text + e->out.spans[i].begin,
                                        e->out.spans[i].length, &e->scratch, &e->ids, err);
    return st;
}

static radz_status encode_part(encoder *e, bool normalized, const char *text, size_t length, radz_error *err);

/* The text between two added tokens: from raw to normalised, from normalised to words. */
static radz_status encode_between(encoder *e, bool normalized, const char *text, size_t length, radz_error *err)
{
    if (length == 0)
        return RADZ_OK;
    if (normalized)
        return encode_words(e, text, length, err);
    e->normal.length = 0;
    radz_status st = tok_part_text(&e->tok->normalizer, text, length, &e->normal, err);
    return st == RADZ_OK ? encode_part(e, true, e->normal.text, e->normal.length, err) : st;
}

/* Takes the added tokens out of a text; what is between them goes on. */
static radz_status encode_part(encoder *e, bool normalized, const char *text, size_t length, radz_error *err)
{
    size_t begin = 0;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < length && st == RADZ_OK && e->ids.count < e->enough;) {
        const tok_added *token = match_added(e->tok, normalized, text + i, length - i);
        if (token == NULL) {
            i++;
            continue;
        }
        size_t end = i + token->needle_length;
        st = encode_between(e, normalized, text + begin,
                            (token->lstrip ? blanks_before(text, begin, i) : i) - begin, err);
        if (token->named && e->first_named == SIZE_MAX)
            e->first_named = e->ids.count;
        if (st == RADZ_OK)
            st = tok_ids_add(&e->ids, token->id, err);
        e->at_start = false;
        begin = i = token->rstrip ? blanks_after(text, end, length) : end;
    }
    return st == RADZ_OK ? encode_between(e, normalized, text + begin, length - begin, err) : st;
}

/* Adds the ids of a text to e->ids. */
static radz_status encode_text(encoder *e, const char *text, size_t length, radz_error *err)
{
    const radz_tokenizer *tok = e->tok;
    size_t first = e->ids.count;
    radz_status st = tok->mark_text && length > 0 ? radz_strbuf_puts(&e->clean, TOK_MARK, err) : RADZ_OK;
    if (st == RADZ_OK)
        st = radz_utf8_clean(text, length, &e->clean, err);
    e->at_start = true;
    e->first_named = SIZE_MAX;
    if (st == RADZ_OK)
        st = encode_part(e, false, e->clean.text, e->clean.length, err);
    if (st == RADZ_OK && tok->drop_mark && e->first_named == first + 1 &&
        e->ids.items[first] == tok_vocab_find(&tok->vocab, TOK_MARK, strlen(TOK_MARK))) {
        e->ids.count--;
        memmove(e->ids.items + first, e->ids.items + first + 1, (e->ids.count - first) * sizeof *e->ids.items);
    }
    return st;
}

radz_status radz_tokenizer_encode(const radz_tokenizer *tokenizer, const char *text, size_t context, int32_t *ids,
                                  size_t *count, radz_error *err)
{
    const tok_template *around = &tokenizer->around;
    size_t fixed = around->before_count + around->after_count;
    *count = 0;
    if (context < fixed || context == 0)
        return radz_fail(err, RADZ_E_USAGE, "a context of %zu tokens does not hold the template's own %zu", context,
                         fixed);
    encoder e = {.tok = tokenizer, .enough = context - fixed + tokenizer->drop_mark};
    radz_status st = encode_text(&e, text, strlen(text), err);
    if (st == RADZ_OK) {
        size_t own = e.ids.count < context - fixed ? e.ids.count : context - fixed, n = 0;
        for (size_t i = 0; i < around->before_count; i++)
            ids[n++] = around->before[i];
        for (size_t i = 0; i < own; i++)
            ids[n++] = e.ids.items[i];
        for (size_t i = 0; i < around->after_count; i++)
            ids[n++] = around->after[i];
        *count = n;
        while (n < context)
            ids[n++] = tokenizer->info.pad_id;
    }
    encoder_free(&e);
    return st;
}

radz_status radz_tokenizer_encode_all(const radz_tokenizer *tokenizer, const char *text, size_t length,
                                      bool with_template, int32_t **ids, size_t *count, radz_error *err)
{
    const tok_template *around = &tokenizer->around;
    *ids = NULL;
    *count = 0;
    encoder e = {.tok = tokenizer, .enough = SIZE_MAX};
    radz_status st = radz_grow(&e.ids.items, &e.ids.capacity, 16, sizeof *e.ids.items, err);
    for (size_t i = 0; i < around->before_count && with_template && st == RADZ_OK; i++)
        st = tok_ids_add(&e.ids, around->before[i], err);
    if (st == RADZ_OK)
        st = encode_text(&e, text, length, err);
    for (size_t i = 0; i < around->after_count && with_template && st == RADZ_OK; i++)
        st = tok_ids_add(&e.ids, around->after[i], err);
    if (st == RADZ_OK) {
        *ids = e.ids.items;
        *count = e.ids.count;
        e.ids.items = NULL;
    }
    encoder_free(&e);
    return st;
}

/* ---- ids to text ---- */
static bool is_special(const radz_tokenizer *tok, int32_t id)
{
    for (size_t i = 0; i < tok->added_count; i++) {
        if (tok->added[i].id == id)
            return tok->added[i].special;
    }
    return false;
}

/* Blanks in place of the end-of-word marks, ends trimmed. */
static void separate_words(radz_strbuf *text, const char *mark)
{
    size_t length = strlen(mark), to = 0;
    for (size_t i = 0; i < text->length;) {
        if (text->length - i >= length && memcmp(text->text + i, mark, length) == 0) {
            text->text[to++] = ' ';
            i += length;
        } else {
            text->text[to++] = text->text[i++];
        }
    }
    size_t begin = blanks_after(text->text, 0, to), end = blanks_before(text->text, begin, to);
    memmove(text->text, text->text + begin, end - begin);
    text->length = end - begin;
    text->text[text->length] = '\0';
}

radz_status radz_tokenizer_decode(const radz_tokenizer *tokenizer, const int32_t *ids, size_t count, bool skip_special,
                                  char **text, radz_error *err)
{
    radz_strbuf clean = {0};
    tok_pieces in = {0}, out = {0};
    *text = NULL;
    radz_status st = radz_strbuf_append(&in.text, "", 0, err);
    if (st == RADZ_OK)
        st = radz_strbuf_append(&out.text, "", 0, err);
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        const char *token = radz_tokenizer_token_of(tokenizer, ids[i]);
        if (token == NULL)
            st = radz_fail(err, RADZ_E_VALUE, "id %ld at place %zu is no token, wanted 0 to %zu", (long)ids[i], i,
                           tokenizer->vocab.size - 1);
        else if (skip_special && is_special(tokenizer, ids[i]))
            continue;
        size_t begin = in.text.length;
        if (st == RADZ_OK)
            st = radz_strbuf_append(&in.text, token, tokenizer->vocab.lengths[ids[i]], err);
        if (st == RADZ_OK)
            st = tok_pieces_end(&in, begin, err);
    }
    if (st == RADZ_OK)
        st = tok_part_pieces(&tokenizer->decoder, &in, &out, err);
    if (st == RADZ_OK)
        st = radz_utf8_clean(out.text.text != NULL ? out.text.text : "", out.text.length, &clean, err);
    if (st == RADZ_OK) {
        const char *mark = tokenizer->model.kind->end_of_word(tokenizer->model.state);
        if (mark[0] != '\0')
            separate_words(&clean, mark);
        *text = clean.text;
        clean.text = NULL;
    }
    tok_pieces_free(&in);
    tok_pieces_free(&out);
    radz_strbuf_free(&clean);
    return st;
}
