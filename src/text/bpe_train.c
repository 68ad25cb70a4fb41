#include "text/bpe_train.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "text/bpe_parts.h"
#include "text/unicode.h"

enum { N_BYTES = 256, MAX_VOCAB = 1000000 };

typedef struct word {
    size_t begin, length; /* symbols, in `symbols`; shrinks in place */
    int64_t count;        /* in the texts */
} word;

/* A pair of neighbouring symbols. */
typedef struct pair {
    int32_t left, right;
    int64_t count;
    uint32_t *words; /* where it was once seen: some may have lost it since */
    size_t words_count, words_capacity;
} pair;

typedef struct candidate {
    int64_t count; /* when it was pushed: the real one can only be lower */
    int32_t left, right;
    size_t pair;
} candidate;

typedef struct trainer {
    radz_arena arena;
    bpe_trained out;
    const radz_bpe_train_options *options;
    word *words;
    size_t words_count, words_capacity;
    int32_t *symbols; /* of all words */
    size_t symbols_count, symbols_capacity;
    uint32_t *word_slots; /* hash table of words by their bytes, index + 1 */
    const char **word_texts;
    size_t *word_lengths;
    size_t word_slot_count, word_texts_capacity, word_lengths_capacity;
    pair *pairs;
    size_t pairs_count, pairs_capacity;
    uint32_t *pair_slots; /* hash table of pairs, index + 1 */
    size_t pair_slot_count;
    candidate *heap;
    size_t heap_count, heap_capacity;
    int32_t unit_of_byte[N_BYTES], last_unit_of_byte[N_BYTES]; /* inside a word, at its end */
} trainer;

/* ---- the texts' words ---- */
static size_t word_slot(const trainer *t, const char *text, size_t length)
{
    size_t mask = t->word_slot_count - 1, i = (size_t)radz_hash_bytes(text, length) & mask;
    for (;; i = (i + 1) & mask) {
        uint32_t at = t->word_slots[i];
        if (at == 0 || (t->word_lengths[at - 1] == length && memcmp(t->word_texts[at - 1], text, length) == 0))
            return i;
    }
}

static radz_status grow_word_slots(trainer *t, radz_error *err)
{
    size_t count = t->word_slot_count == 0 ? 4096 : t->word_slot_count * 2;
    uint32_t *slots = radz_calloc(count, sizeof *slots, err);
    if (slots == NULL)
        return RADZ_E_NOMEM;
    free(t->word_slots);
    t->word_slots = slots;
    t->word_slot_count = count;
    for (size_t i = 0; i < t->words_count; i++)
        slots[word_slot(t, t->word_texts[i], t->word_lengths[i])] = (uint32_t)i + 1;
    return RADZ_OK;
}

static radz_status add_word(trainer *t, const char *text, size_t length, radz_error *err)
{
    radz_status st = RADZ_OK;
    if (t->word_slot_count < 2 * (t->words_count + 1))
        st = grow_word_slots(t, err);
    if (st != RADZ_OK)
        return st;
    size_t slot = word_slot(t, text, length);
    if (t->word_slots[slot] != 0) {
        t->words[t->word_slots[slot] - 1].count++;
        return RADZ_OK;
    }
    size_t n = t->words_count;
    if (n >= UINT32_MAX - 1)
        return radz_fail(err, RADZ_E_VALUE, "more than %zu distinct words", n);
    if ((st = radz_grow(&t->words, &t->words_capacity, n + 1, sizeof *t->words, err)) != RADZ_OK ||
        (st = radz_grow(&t->word_texts, &t->word_texts_capacity, n + 1, sizeof *t->word_texts, err)) != RADZ_OK ||
        (st = radz_grow(&t->word_lengths, &t->word_lengths_capacity, n + 1, sizeof *t->word_lengths, err)) != RADZ_OK ||
        (st = radz_grow(&t->symbols, &t->symbols_capacity, t->symbols_count + length, sizeof *t->symbols, err)) != RADZ_OK)
        return st;
    const char *copy = radz_arena_strndup(&t->arena, text, length, err);
    if (copy == NULL)
        return RADZ_E_NOMEM;
    t->words[n] = (word){t->symbols_count, length, 1};
    t->word_texts[n] = copy;
    t->word_lengths[n] = length;
    t->word_slots[slot] = (uint32_t)n + 1;
    t->words_count++;
    for (size_t i = 0; i < length; i++)
        t->symbols[t->symbols_count + i] = (i + 1 == length ? t->last_unit_of_byte
                                                            : t->unit_of_byte)[(unsigned char)text[i]];
    t->symbols_count += length;
    return RADZ_OK;
}

static radz_status add_text(trainer *t, const char *text, size_t *words, radz_error *err)
{
    const bpe_kind *kind = t->out.kind;
    radz_strbuf clean = {0}, normal = {0};
    radz_status st = radz_utf8_clean(text, strlen(text), &clean, err);
    if (st == RADZ_OK && kind->normalize != NULL)
        st = kind->normalize(clean.text, clean.length, &normal, err);
    const radz_strbuf *from = kind->normalize != NULL ? &normal : &clean;
    for (size_t i = 0; i < from->length && st == RADZ_OK;) {
        size_t n = kind->match(from->text + i, from->length - i);
        if (n == 0) {
            int32_t c;
            i += radz_utf8_get(from->text + i, from->length - i, &c);
            continue;
        }
        st = add_word(t, from->text + i, n, err);
        i += n;
        ++*words;
    }
    radz_strbuf_free(&clean);
    radz_strbuf_free(&normal);
    return st;
}

/* ---- pairs ---- */
static size_t pair_slot(const trainer *t, int32_t left, int32_t right)
{
    uint64_t key = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    size_t mask = t->pair_slot_count - 1, i = (size_t)(key >> 32) & mask;
    for (;; i = (i + 1) & mask) {
        uint32_t at = t->pair_slots[i];
        if (at == 0 || (t->pairs[at - 1].left == left && t->pairs[at - 1].right == right))
            return i;
    }
}

static radz_status find_pair(trainer *t, int32_t left, int32_t right, pair **out, radz_error *err)
{
    if (t->pair_slot_count < 2 * (t->pairs_count + 1)) {
        size_t count = t->pair_slot_count == 0 ? 4096 : t->pair_slot_count * 2;
        uint32_t *slots = radz_calloc(count, sizeof *slots, err);
        if (slots == NULL)
            return RADZ_E_NOMEM;
        free(t->pair_slots);
        t->pair_slots = slots;
        t->pair_slot_count = count;
        for (size_t i = 0; i < t->pairs_count; i++)
            slots[pair_slot(t, t->pairs[i].left, t->pairs[i].right)] = (uint32_t)i + 1;
    }
    size_t slot = pair_slot(t, left, right);
    if (t->pair_slots[slot] == 0) {
        radz_status st = radz_grow(&t->pairs, &t->pairs_capacity, t->pairs_count + 1, sizeof *t->pairs, err);
        if (st != RADZ_OK)
            return st;
        t->pairs[t->pairs_count] = (pair){.left = left, .right = right};
        t->pair_slots[slot] = (uint32_t)++t->pairs_count;
    }
    *out = &t->pairs[t->pair_slots[slot] - 1];
    return RADZ_OK;
}

/* Counts the pairs of a word `sign` times its count; with `note`, writes the word down at each pair that holds symbol
 * `fresh` (-1: at each). */
static radz_status count_pairs(trainer *t, uint32_t at, int sign, bool note, int32_t fresh, radz_error *err)
{
    const word *w = &t->words[at];
    for (size_t i = 0; i + 1 < w->length; i++) {
        int32_t left = t->symbols[w->begin + i], right = t->symbols[w->begin + i + 1];
        pair *p;
        radz_status st = find_pair(t, left, right, &p, err);
        if (st != RADZ_OK)
            return st;
        p->count += sign * w->count;
        if (!note || (fresh >= 0 && left != fresh && right != fresh))
            continue;
        if (p->words_count > 0 && p->words[p->words_count - 1] == at)
            continue;
        if ((st = radz_grow(&p->words, &p->words_capacity, p->words_count + 1, sizeof *p->words, err)) != RADZ_OK)
            return st;
        p->words[p->words_count++] = at;
    }
    return RADZ_OK;
}

static bool before(candidate a, candidate b)
{
    if (a.count != b.count)
        return a.count > b.count;
    return a.left != b.left ? a.left < b.left : a.right < b.right;
}

static radz_status push(trainer *t, size_t pair_index, size_t min_count, radz_error *err)
{
    const pair *p = &t->pairs[pair_index];
    if (p->count < (int64_t)min_count)
        return RADZ_OK;
    radz_status st = radz_grow(&t->heap, &t->heap_capacity, t->heap_count + 1, sizeof *t->heap, err);
    if (st != RADZ_OK)
        return st;
    candidate item = {p->count, p->left, p->right, pair_index};
    size_t i = t->heap_count++;
    for (; i > 0 && before(item, t->heap[(i - 1) / 2]); i = (i - 1) / 2)
        t->heap[i] = t->heap[(i - 1) / 2];
    t->heap[i] = item;
    return RADZ_OK;
}

static candidate pop(trainer *t)
{
    candidate top = t->heap[0], last = t->heap[--t->heap_count];
    size_t i = 0;
    for (size_t child = 1; child < t->heap_count; child = 2 * i + 1) {
        if (child + 1 < t->heap_count && before(t->heap[child + 1], t->heap[child]))
            child++;
        if (!before(t->heap[child], last))
            break;
        t->heap[i] = t->heap[child];
        i = child;
    }
    t->heap[i] = last;
    return top;
}

/* Gives the pair a token of its own and puts that in its place in every word. */
static radz_status merge_pair(trainer *t, size_t pair_index, const char *text, size_t length, size_t min_count,
                              radz_error *err)
{
    bpe_trained *out = &t->out;
    int32_t left = t->pairs[pair_index].left, right = t->pairs[pair_index].right, fresh = (int32_t)out->vocab.size;
    radz_status st = radz_grow(&out->merges, &out->merges_capacity, out->merges_count + 1, sizeof *out->merges, err);
    if (st == RADZ_OK)
        st = tok_vocab_add(&out->vocab, text, length, fresh, &t->arena, err);
    if (st != RADZ_OK)
        return st;
    out->merges[out->merges_count][0] = left;
    out->merges[out->merges_count][1] = right;
    out->merges_count++;
    size_t first_new = t->pairs_count;
    uint32_t *words = t->pairs[pair_index].words;
    size_t count = t->pairs[pair_index].words_count;
    t->pairs[pair_index].words = NULL; /* find_pair may move the pairs; nobody adds to this one any more */
    t->pairs[pair_index].words_count = t->pairs[pair_index].words_capacity = 0;
    for (size_t k = 0; k < count && st == RADZ_OK; k++) {
        word *w = &t->words[words[k]];
        int32_t *s = t->symbols + w->begin;
        bool found = false;
        for (size_t i = 0; i + 1 < w->length && !found; i++)
            found = s[i] == left && s[i + 1] == right;
        if (!found)
            continue;
        if ((st = count_pairs(t, words[k], -1, false, -1, err)) != RADZ_OK)
            break;
        size_t to = 0;
        for (size_t i = 0; i < w->length; to++) {
            bool here = i + 1 < w->length && s[i] == left && s[i + 1] == right;
            s[to] = here ? fresh : s[i];
            i += here ? 2 : 1;
        }
        w->length = to;
        st = count_pairs(t, words[k], 1, true, fresh, err);
    }
    free(words);
    /* only pairs with the new token can have become more frequent, and those are all new */
    for (size_t i = first_new; i < t->pairs_count && st == RADZ_OK; i++)
        st = push(t, i, min_count, err);
    return st;
}

/* Whether a text is, or is going to be, a token of its own. */
static bool is_taken(const trainer *t, const radz_strbuf *text)
{
    if (tok_vocab_find(&t->out.vocab, text->text, text->length) >= 0)
        return true;
    for (size_t i = 0; i < t->options->n_last; i++) {
        if (strcmp(t->options->last[i], text->text) == 0)
            return true;
    }
    return false;
}

static radz_status train(trainer *t, size_t n_merges, size_t min_count, radz_error *err)
{
    radz_status st = RADZ_OK;
    radz_strbuf text = {0};
    const tok_vocab *vocab = &t->out.vocab;
    for (size_t i = 0; i < t->words_count && st == RADZ_OK; i++)
        st = count_pairs(t, (uint32_t)i, 1, true, -1, err);
    for (size_t i = 0; i < t->pairs_count && st == RADZ_OK; i++)
        st = push(t, i, min_count, err);
    while (st == RADZ_OK && t->out.merges_count < n_merges && t->heap_count > 0) {
        if (radz_cancelled()) {
            st = radz_fail_interrupted(err);
            break;
        }
        candidate top = pop(t);
        if (top.count != t->pairs[top.pair].count) {
            st = push(t, top.pair, min_count, err); /* it has become rarer: back, with its real count */
            continue;
        }
        text.length = 0;
        st = radz_strbuf_append(&text, vocab->texts[top.left], vocab->lengths[top.left], err);
        if (st == RADZ_OK)
            st = radz_strbuf_append(&text, vocab->texts[top.right], vocab->lengths[top.right], err);
        /* a text that is a token already, reached another way, would have two ids: such a pair is passed over */
        if (st == RADZ_OK && !is_taken(t, &text))
            st = merge_pair(t, top.pair, text.text, text.length, min_count, err);
    }
    radz_strbuf_free(&text);
    return st;
}

/* ---- the fixed part of the vocabulary ---- */

/* Units in the order of OpenAI's vocabularies: printable bytes, the others, and then all of them with the mark at the end of
 * a word when the kind has one. */
static radz_status add_units(trainer *t, radz_error *err)
{
    const char *mark = t->out.kind->end_of_word;
    int32_t *const units[] = {t->unit_of_byte, t->last_unit_of_byte};
    for (int ends = 0; ends < (mark[0] != '\0' ? 2 : 1); ends++) {
        for (unsigned k = 0; k < 2 * N_BYTES; k++) {
            unsigned byte = k % N_BYTES;
            if ((tok_byte_to_char(byte) == (int32_t)byte) != (k < N_BYTES))
                continue;
            char text[16];
            size_t n = radz_utf8_put(tok_byte_to_char(byte), text);
            if (ends) {
                memcpy(text + n, mark, strlen(mark));
                n += strlen(mark);
            }
            units[ends][byte] = (int32_t)t->out.vocab.size;
            radz_status st = tok_vocab_add(&t->out.vocab, text, n, units[ends][byte], &t->arena, err);
            if (st != RADZ_OK)
                return st;
        }
    }
    if (mark[0] == '\0')
        memcpy(t->last_unit_of_byte, t->unit_of_byte, sizeof t->unit_of_byte);
    return RADZ_OK;
}

static radz_status add_specials(trainer *t, const char *const *tokens, size_t count, radz_error *err)
{
    bpe_trained *out = &t->out;
    for (size_t i = 0; i < count; i++) {
        if (tokens[i][0] == '\0')
            return radz_fail(err, RADZ_E_USAGE, "special token %zu is empty", i);
        out->specials[out->specials_count++] = (int32_t)out->vocab.size;
        radz_status st = tok_vocab_add(&out->vocab, tokens[i], strlen(tokens[i]), (int32_t)out->vocab.size, &t->arena, err);
        if (st != RADZ_OK)
            return radz_prefix(err, "special token '%s'", tokens[i]);
    }
    return RADZ_OK;
}

static bool is_among(const char *const *tokens, size_t count, const char *token)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tokens[i], token) == 0)
            return true;
    }
    return false;
}

static size_t own_count(const bpe_kind *kind)
{
    size_t n = 0;
    while (kind->own[n] != NULL)
        n++;
    return n;
}

static radz_status check_options(const radz_bpe_train_options *o, const bpe_kind *kind, size_t n_fixed, radz_error *err)
{
    const char *const needed[] = {kind->bos, kind->eos, kind->pad};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!is_among(kind->own, own_count(kind), needed[i]) && !is_among(o->first, o->n_first, needed[i]) &&
            !is_among(o->last, o->n_last, needed[i]))
            return radz_fail(err, RADZ_E_USAGE, "'%s' is not among the special tokens, which this kind of tokenizer needs",
                             needed[i]);
    }
    if (o->vocab_size < n_fixed || o->vocab_size > MAX_VOCAB)
        return radz_fail(err, RADZ_E_USAGE, "a vocabulary of %zu tokens, wanted %zu to %d", o->vocab_size, n_fixed, MAX_VOCAB);
    return RADZ_OK;
}

static void trainer_free(trainer *t)
{
    for (size_t i = 0; i < t->pairs_count; i++)
        free(t->pairs[i].words);
    tok_vocab_free(&t->out.vocab);
    free(t->words);
    free(t->symbols);
    free(t->word_slots);
    free(t->word_texts);
    free(t->word_lengths);
    free(t->pairs);
    free(t->pair_slots);
    free(t->heap);
    free(t->out.merges);
    free(t->out.specials);
    radz_arena_free(&t->arena);
}

radz_status radz_bpe_train(const char *const *texts, size_t count, const radz_bpe_train_options *options,
                           const char *folder, radz_bpe_train_report *report, radz_error *err)
{
    const bpe_kind *kind = &bpe_kinds[options->kind];
    size_t words = 0, n_own = own_count(kind), n_specials = options->n_first + n_own + options->n_last,
           n_fixed = n_specials + (kind->end_of_word[0] != '\0' ? 2 : 1) * N_BYTES;
    trainer t = {.options = options,
                 .out = {.kind = kind, .context = options->context > 0 ? options->context : kind->context}};
    radz_status st = check_options(options, kind, n_fixed, err);
    if (st == RADZ_OK && (t.out.specials = radz_calloc(n_specials, sizeof *t.out.specials, err)) == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = add_specials(&t, options->first, options->n_first, err);
    if (st == RADZ_OK)
        st = add_units(&t, err);
    for (size_t i = 0; i < count && st == RADZ_OK; i++)
        st = add_text(&t, texts[i], &words, err);
    if (st == RADZ_OK && words == 0)
        st = radz_fail(err, RADZ_E_VALUE, "no word in the %zu texts to train a tokenizer on", count);
    if (st == RADZ_OK)
        st = train(&t, options->vocab_size - n_fixed, options->min_count > 0 ? options->min_count : 2, err);
    if (st == RADZ_OK)
        st = add_specials(&t, kind->own, n_own, err);
    if (st == RADZ_OK)
        st = add_specials(&t, options->last, options->n_last, err);
    if (st == RADZ_OK)
        st = radz_mkdirs(folder, err);
    if (st == RADZ_OK)
        st = bpe_write(&t.out, folder, err);
    if (st == RADZ_OK && report != NULL)
        *report = (radz_bpe_train_report){words, t.words_count, t.out.merges_count, t.out.vocab.size};
    trainer_free(&t);
    return st;
}
