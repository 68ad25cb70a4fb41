#include "text/bpe_train.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

enum { N_UNITS = 512, N_FIXED = N_UNITS + 2, MAX_VOCAB = 1000000 };
static const char bos[] = "<|startoftext|>", eos[] = "<|endoftext|>", end_of_word[] = "</w>";

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
    tok_vocab vocab;
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
    int32_t (*merges)[2];
    size_t merges_count, merges_capacity;
    int32_t unit_of_byte[256];
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
        t->symbols[t->symbols_count + i] = t->unit_of_byte[(unsigned char)text[i]] + (i + 1 == length ? N_UNITS / 2 : 0);
    t->symbols_count += length;
    return RADZ_OK;
}

static radz_status add_text(trainer *t, const char *text, size_t *words, radz_error *err)
{
    radz_strbuf clean = {0}, composed = {0}, lower = {0};
    radz_status st = radz_utf8_clean(text, strlen(text), &clean, err);
    if (st == RADZ_OK)
        st = radz_unicode_nfc(clean.text, clean.length, &composed, err);
    if (st == RADZ_OK)
        st = radz_unicode_lower(composed.text, composed.length, &lower, err);
    for (size_t i = 0; i < lower.length && st == RADZ_OK;) {
        size_t n = tok_match_clip(lower.text + i, lower.length - i);
        if (n == 0) {
            int32_t c;
            i += radz_utf8_get(lower.text + i, lower.length - i, &c);
            continue;
        }
        st = add_word(t, lower.text + i, n, err);
        i += n;
        ++*words;
    }
    radz_strbuf_free(&clean);
    radz_strbuf_free(&composed);
    radz_strbuf_free(&lower);
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
    int32_t left = t->pairs[pair_index].left, right = t->pairs[pair_index].right,
            fresh = (int32_t)(N_UNITS + t->merges_count);
    radz_status st = radz_grow(&t->merges, &t->merges_capacity, t->merges_count + 1, sizeof *t->merges, err);
    if (st == RADZ_OK)
        st = tok_vocab_add(&t->vocab, text, length, fresh, &t->arena, err);
    if (st != RADZ_OK)
        return st;
    t->merges[t->merges_count][0] = left;
    t->merges[t->merges_count][1] = right;
    t->merges_count++;
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

static radz_status train(trainer *t, size_t n_merges, size_t min_count, radz_error *err)
{
    radz_status st = RADZ_OK;
    radz_strbuf text = {0};
    for (size_t i = 0; i < t->words_count && st == RADZ_OK; i++)
        st = count_pairs(t, (uint32_t)i, 1, true, -1, err);
    for (size_t i = 0; i < t->pairs_count && st == RADZ_OK; i++)
        st = push(t, i, min_count, err);
    while (st == RADZ_OK && t->merges_count < n_merges && t->heap_count > 0) {
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
        st = radz_strbuf_append(&text, t->vocab.texts[top.left], t->vocab.lengths[top.left], err);
        if (st == RADZ_OK)
            st = radz_strbuf_append(&text, t->vocab.texts[top.right], t->vocab.lengths[top.right], err);
        /* a text that is a token already, reached another way, would have two ids: such a pair is passed over */
        if (st == RADZ_OK && tok_vocab_find(&t->vocab, text.text, text.length) < 0)
            st = merge_pair(t, top.pair, text.text, text.length, min_count, err);
    }
    radz_strbuf_free(&text);
    return st;
}

/* Ids 0 to 511 in the order of OpenAI's vocabulary: printable bytes, the others, then all of them with "</w>". */
static radz_status add_units(trainer *t, radz_error *err)
{
    int32_t id = 0;
    for (int printable = 1; printable >= 0; printable--) {
        for (unsigned byte = 0; byte < 256; byte++) {
            if ((tok_byte_to_char(byte) == (int32_t)byte) == (printable == 1))
                t->unit_of_byte[byte] = id++;
        }
    }
    for (int ends = 0; ends < 2; ends++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[4 + sizeof end_of_word];
            size_t n = radz_utf8_put(tok_byte_to_char(byte), text);
            memcpy(text + n, end_of_word, sizeof end_of_word);
            radz_status st = tok_vocab_add(&t->vocab, text, ends ? n + sizeof end_of_word - 1 : n,
                                           t->unit_of_byte[byte] + ends * N_UNITS / 2, &t->arena, err);
            if (st != RADZ_OK)
                return st;
        }
    }
    return RADZ_OK;
}

/* ---- the five files ---- */
static void put_vocab(const trainer *t, radz_json_writer *w, const char *key)
{
    radz_json_object_begin(w, key);
    for (size_t id = 0; id < t->vocab.size; id++)
        radz_json_put_i64(w, t->vocab.texts[id], (int64_t)id);
    radz_json_object_end(w);
}

static void put_added(radz_json_writer *w, const char *content, int32_t id)
{
    radz_json_object_begin(w, NULL);
    radz_json_put_i64(w, "id", id);
    radz_json_put_string(w, "content", content);
    radz_json_put_bool(w, "single_word", false);
    radz_json_put_bool(w, "lstrip", false);
    radz_json_put_bool(w, "rstrip", false);
    radz_json_put_bool(w, "normalized", false);
    radz_json_put_bool(w, "special", true);
    radz_json_object_end(w);
}

static void put_type(radz_json_writer *w, const char *key, const char *type)
{
    radz_json_object_begin(w, key);
    radz_json_put_string(w, "type", type);
}

static void put_byte_level(radz_json_writer *w, const char *key, bool prefix)
{
    put_type(w, key, "ByteLevel");
    radz_json_put_bool(w, "add_prefix_space", prefix);
    radz_json_put_bool(w, "trim_offsets", true);
    radz_json_put_bool(w, "use_regex", true);
    radz_json_object_end(w);
}

static void put_pattern(radz_json_writer *w, const char *regex)
{
    radz_json_object_begin(w, "pattern");
    radz_json_put_string(w, "Regex", regex);
    radz_json_object_end(w);
}

static void put_ends(radz_json_writer *w, const char *key, const char *content, int32_t id)
{
    radz_json_array_begin_inline(w, key);
    radz_json_put_string(w, NULL, content);
    radz_json_put_i64(w, NULL, id);
    radz_json_array_end(w);
}

static void put_tokenizer(const trainer *t, radz_json_writer *w)
{
    int32_t bos_id = tok_vocab_find(&t->vocab, bos, sizeof bos - 1), eos_id = tok_vocab_find(&t->vocab, eos, sizeof eos - 1);
    radz_json_object_begin(w, NULL);
    radz_json_put_string(w, "version", "1.0");
    radz_json_put_string(w, "truncation", NULL);
    radz_json_put_string(w, "padding", NULL);
    radz_json_array_begin(w, "added_tokens");
    put_added(w, bos, bos_id);
    put_added(w, eos, eos_id);
    radz_json_array_end(w);
    put_type(w, "normalizer", "Sequence");
    radz_json_array_begin(w, "normalizers");
    put_type(w, NULL, "NFC");
    radz_json_object_end(w);
    put_type(w, NULL, "Replace");
    put_pattern(w, "\\s+");
    radz_json_put_string(w, "content", " ");
    radz_json_object_end(w);
    put_type(w, NULL, "Lowercase");
    radz_json_object_end(w);
    radz_json_array_end(w);
    radz_json_object_end(w);
    put_type(w, "pre_tokenizer", "Sequence");
    radz_json_array_begin(w, "pretokenizers");
    put_type(w, NULL, "Split");
    put_pattern(w, "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+");
    radz_json_put_string(w, "behavior", "Removed");
    radz_json_put_bool(w, "invert", true);
    radz_json_object_end(w);
    put_byte_level(w, NULL, false);
    radz_json_array_end(w);
    radz_json_object_end(w);
    put_type(w, "post_processor", "RobertaProcessing");
    put_ends(w, "sep", eos, eos_id);
    put_ends(w, "cls", bos, bos_id);
    radz_json_put_bool(w, "trim_offsets", false);
    radz_json_put_bool(w, "add_prefix_space", false);
    radz_json_object_end(w);
    put_byte_level(w, "decoder", true);
    put_type(w, "model", "BPE");
    radz_json_put_string(w, "dropout", NULL);
    radz_json_put_string(w, "unk_token", eos);
    radz_json_put_string(w, "continuing_subword_prefix", "");
    radz_json_put_string(w, "end_of_word_suffix", end_of_word);
    radz_json_put_bool(w, "fuse_unk", false);
    put_vocab(t, w, "vocab");
    radz_json_array_begin(w, "merges");
    for (size_t i = 0; i < t->merges_count; i++) {
        /* as one text with a blank: the form that every version of the library reads */
        char text[1024];
        const char *left = t->vocab.texts[t->merges[i][0]], *right = t->vocab.texts[t->merges[i][1]];
        size_t a = t->vocab.lengths[t->merges[i][0]], b = t->vocab.lengths[t->merges[i][1]];
        if (a + b + 2 > sizeof text) { /* as a list, which has no limit here */
            radz_json_array_begin_inline(w, NULL);
            radz_json_put_string(w, NULL, left);
            radz_json_put_string(w, NULL, right);
            radz_json_array_end(w);
            continue;
        }
        memcpy(text, left, a);
        text[a] = ' ';
        memcpy(text + a + 1, right, b + 1);
        radz_json_put_string(w, NULL, text);
    }
    radz_json_array_end(w);
    radz_json_object_end(w);
    radz_json_object_end(w);
}

static void put_names(radz_json_writer *w)
{
    radz_json_put_string(w, "bos_token", bos);
    radz_json_put_string(w, "eos_token", eos);
    radz_json_put_string(w, "unk_token", eos);
    radz_json_put_string(w, "pad_token", eos);
}

static radz_status write_file(const trainer *t, const char *folder, const char *name, size_t context, radz_error *err)
{
    radz_out out = {0};
    radz_json_writer w;
    char *path = radz_path_join(folder, name, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_out_open(path, &out, err);
    free(path);
    if (st != RADZ_OK)
        return st;
    radz_json_writer_init(&w, out.stream);
    if (strcmp(name, "vocab.json") == 0) {
        put_vocab(t, &w, NULL);
    } else if (strcmp(name, "tokenizer.json") == 0) {
        put_tokenizer(t, &w);
    } else if (strcmp(name, "merges.txt") == 0) {
        fputs("#version: 0.2\n", out.stream);
        for (size_t i = 0; i < t->merges_count; i++)
            fprintf(out.stream, "%s %s\n", t->vocab.texts[t->merges[i][0]], t->vocab.texts[t->merges[i][1]]);
    } else {
        radz_json_object_begin(&w, NULL);
        put_names(&w);
        if (strcmp(name, "tokenizer_config.json") == 0) {
            radz_json_put_i64(&w, "model_max_length", (int64_t)context);
            radz_json_put_bool(&w, "add_prefix_space", false);
            radz_json_put_bool(&w, "do_lower_case", true);
            radz_json_put_string(&w, "errors", "replace");
            radz_json_put_string(&w, "tokenizer_class", "CLIPTokenizer");
        }
        radz_json_object_end(&w);
    }
    st = radz_out_commit(&out, err);
    radz_out_abandon(&out);
    return st;
}

static void trainer_free(trainer *t)
{
    for (size_t i = 0; i < t->pairs_count; i++)
        free(t->pairs[i].words);
    tok_vocab_free(&t->vocab);
    free(t->words);
    free(t->symbols);
    free(t->word_slots);
    free(t->word_texts);
    free(t->word_lengths);
    free(t->pairs);
    free(t->pair_slots);
    free(t->heap);
    free(t->merges);
    radz_arena_free(&t->arena);
}

radz_status radz_bpe_train(const char *const *texts, size_t count, const radz_bpe_train_options *options,
                           const char *folder, radz_bpe_train_report *report, radz_error *err)
{
    static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
                                        "special_tokens_map.json"};
    trainer t = {0};
    size_t words = 0, min_count = options->min_count > 0 ? options->min_count : 2,
           context = options->context > 0 ? options->context : 77;
    if (options->vocab_size < N_FIXED || options->vocab_size > MAX_VOCAB)
        return radz_fail(err, RADZ_E_USAGE, "a vocabulary of %zu tokens, wanted %d to %d", options->vocab_size, N_FIXED,
                         MAX_VOCAB);
    radz_status st = add_units(&t, err);
    for (size_t i = 0; i < count && st == RADZ_OK; i++)
        st = add_text(&t, texts[i], &words, err);
    if (st == RADZ_OK && words == 0)
        st = radz_fail(err, RADZ_E_VALUE, "no word in the %zu texts to train a tokenizer on", count);
    if (st == RADZ_OK)
        st = train(&t, options->vocab_size - N_FIXED, min_count, err);
    if (st == RADZ_OK)
        st = tok_vocab_add(&t.vocab, bos, sizeof bos - 1, (int32_t)t.vocab.size, &t.arena, err);
    if (st == RADZ_OK)
        st = tok_vocab_add(&t.vocab, eos, sizeof eos - 1, (int32_t)t.vocab.size, &t.arena, err);
    if (st == RADZ_OK)
        st = radz_mkdirs(folder, err);
    for (size_t i = 0; i < sizeof names / sizeof *names && st == RADZ_OK; i++)
        st = write_file(&t, folder, names[i], context, err);
    if (st == RADZ_OK && report != NULL)
        *report = (radz_bpe_train_report){words, t.words_count, t.merges_count, t.vocab.size};
    trainer_free(&t);
    return st;
}
