/* The vocabulary, and the model BPE: byte pair encoding by a list of merges (Sennrich et al., ACL 2016). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

radz_status tok_ids_add(tok_ids *ids, int32_t id, radz_error *err)
{
    radz_status st = radz_grow(&ids->items, &ids->capacity, ids->count + 1, sizeof *ids->items, err);
    if (st == RADZ_OK)
        ids->items[ids->count++] = id;
    return st;
}

void tok_scratch_free(tok_scratch *scratch)
{
    free(scratch->symbols);
    free(scratch->heap);
    *scratch = (tok_scratch){0};
}

/* ---- vocabulary ---- */
static size_t slot_of(const tok_vocab *vocab, const char *text, size_t length)
{
    size_t mask = vocab->slot_count - 1, i = (size_t)radz_hash_bytes(text, length) & mask;
    for (;; i = (i + 1) & mask) {
        int32_t id = vocab->slots[i];
        if (id < 0 || (vocab->lengths[id] == length && memcmp(vocab->texts[id], text, length) == 0))
            return i;
    }
}

static radz_status grow_slots(tok_vocab *vocab, radz_error *err)
{
    size_t count = vocab->slot_count == 0 ? 1024 : vocab->slot_count * 2;
    int32_t *slots = radz_calloc(count, sizeof *slots, err);
    if (slots == NULL)
        return RADZ_E_NOMEM;
    memset(slots, 0xFF, count * sizeof *slots);
    free(vocab->slots);
    vocab->slots = slots;
    vocab->slot_count = count;
    for (size_t id = 0; id < vocab->size; id++) {
        if (vocab->texts[id] != NULL)
            slots[slot_of(vocab, vocab->texts[id], vocab->lengths[id])] = (int32_t)id;
    }
    return RADZ_OK;
}

radz_status tok_vocab_add(tok_vocab *vocab, const char *text, size_t length, int32_t id, radz_arena *arena,
                          radz_error *err)
{
    if (id < 0 || id >= TOK_MAX_ID)
        return radz_fail(err, RADZ_E_FORMAT, "token '%.60s' has id %ld, wanted 0 to %d", text, (long)id, TOK_MAX_ID - 1);
    size_t at = (size_t)id;
    if (at < vocab->size && vocab->texts[at] != NULL)
        return radz_fail(err, RADZ_E_FORMAT, "tokens '%.60s' and '%.60s' have the same id %ld", vocab->texts[at], text,
                         (long)id);
    if (vocab->slot_count < 2 * (vocab->used + 1)) {
        radz_status st = grow_slots(vocab, err);
        if (st != RADZ_OK)
            return st;
    }
    size_t slot = slot_of(vocab, text, length);
    if (vocab->slots[slot] >= 0)
        return radz_fail(err, RADZ_E_FORMAT, "token '%.60s' has two ids, %ld and %ld", text, (long)vocab->slots[slot],
                         (long)id);
    if (at >= vocab->size) {
        size_t texts_capacity = vocab->capacity, lengths_capacity = vocab->capacity;
        radz_status st = radz_grow(&vocab->texts, &texts_capacity, at + 1, sizeof *vocab->texts, err);
        if (st == RADZ_OK)
            st = radz_grow(&vocab->lengths, &lengths_capacity, at + 1, sizeof *vocab->lengths, err);
        if (st != RADZ_OK)
            return st;
        vocab->capacity = texts_capacity;
        for (; vocab->size <= at; vocab->size++) {
            vocab->texts[vocab->size] = NULL;
            vocab->lengths[vocab->size] = 0;
        }
    }
    const char *copy = radz_arena_strndup(arena, text, length, err);
    if (copy == NULL)
        return RADZ_E_NOMEM;
    vocab->texts[at] = copy;
    vocab->lengths[at] = length;
    vocab->slots[slot] = id;
    vocab->used++;
    return RADZ_OK;
}

int32_t tok_vocab_find(const tok_vocab *vocab, const char *text, size_t length)
{
    return vocab->slot_count == 0 ? -1 : vocab->slots[slot_of(vocab, text, length)];
}

void tok_vocab_free(tok_vocab *vocab)
{
    free(vocab->texts);
    free(vocab->lengths);
    free(vocab->slots);
    *vocab = (tok_vocab){0};
}

/* ---- BPE ---- */
typedef struct merge {
    int32_t left, right; /* left -1: empty slot */
    int32_t rank, result;
} merge;

typedef struct bpe_state {
    merge *merges; /* hash table, [slot_count], a power of two */
    size_t slot_count, count;
    int32_t unk;
    bool fuse_unk, ignore_merges;
    bool byte_fallback;      /* a character without a token becomes its UTF-8 bytes' tokens, "<0x0A>" */
    int32_t byte_tokens[256]; /* -1: no such token */
    int32_t *wholes;         /* [whole_count] tokens that are taken out of a text before anything is merged */
    size_t whole_count;
    bool whole_begins[256];  /* some of them begin with this byte */
    char suffix[32]; /* of the last symbol of a word */
    size_t suffix_length;
} bpe_state;

static size_t merge_slot(const bpe_state *bpe, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    key *= 0x9E3779B97F4A7C15u; /* Fibonacci hashing; the high bits are the good ones */
    size_t mask = bpe->slot_count - 1, i = (size_t)(key >> 32) & mask;
    while (bpe->merges[i].left >= 0 && (bpe->merges[i].left != left || bpe->merges[i].right != right))
        i = (i + 1) & mask;
    return i;
}

static const merge *find_merge(const bpe_state *bpe, int32_t left, int32_t right)
{
    const merge *m = &bpe->merges[merge_slot(bpe, left, right)];
    return m->left >= 0 ? m : NULL;
}

static radz_status reserve_merges(bpe_state *bpe, size_t count, radz_error *err)
{
    bpe->slot_count = 64;
    while (bpe->slot_count < 2 * count)
        bpe->slot_count *= 2;
    bpe->merges = radz_calloc(bpe->slot_count, sizeof *bpe->merges, err);
    if (bpe->merges == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < bpe->slot_count; i++)
        bpe->merges[i].left = -1;
    return RADZ_OK;
}

/* A pair that is listed twice has the rank of its last place, as in the tokenizers library. */
static void put_merge(bpe_state *bpe, int32_t left, int32_t right, int32_t rank, int32_t result)
{
    bpe->merges[merge_slot(bpe, left, right)] = (merge){left, right, rank, result};
    bpe->count++;
}

/* Adds the merge of rank `bpe->count`. */
static radz_status add_merge(bpe_state *bpe, const tok_vocab *vocab, const char *left, size_t left_length,
                             const char *right, size_t right_length, radz_error *err)
{
    int32_t a = tok_vocab_find(vocab, left, left_length), b = tok_vocab_find(vocab, right, right_length), c;
    if (a < 0 || b < 0)
        return radz_fail(err, RADZ_E_FORMAT, "merge %zu ('%.*s' '%.*s'): '%.*s' is not in the vocabulary", bpe->count,
                         (int)(left_length < 60 ? left_length : 60), left,
                         (int)(right_length < 60 ? right_length : 60), right,
                         (int)((a < 0 ? left_length : right_length) < 60 ? (a < 0 ? left_length : right_length) : 60),
                         a < 0 ? left : right);
    char joined[512];
    char *text = left_length + right_length <= sizeof joined ? joined : radz_calloc(left_length + right_length, 1, err);
    if (text == NULL)
        return RADZ_E_NOMEM;
    memcpy(text, left, left_length);
    memcpy(text + left_length, right, right_length);
    c = tok_vocab_find(vocab, text, left_length + right_length);
    if (text != joined)
        free(text);
    if (c < 0)
        return radz_fail(err, RADZ_E_FORMAT, "merge %zu ('%.*s' '%.*s'): their union is not in the vocabulary", bpe->count,
                         (int)(left_length < 60 ? left_length : 60), left,
                         (int)(right_length < 60 ? right_length : 60), right);
    put_merge(bpe, a, b, (int32_t)bpe->count, c);
    return RADZ_OK;
}

typedef struct vocab_reader {
    const char *name; /* for messages */
    tok_vocab *vocab;
    radz_arena *arena;
    radz_status status;
    radz_error *err;
} vocab_reader;

static bool read_vocab_entry(void *context, const char *key, const radz_json *value)
{
    vocab_reader *reader = context;
    int64_t id;
    if (!radz_json_as_i64(value, &id) || id < 0 || id >= TOK_MAX_ID)
        reader->status = radz_fail(reader->err, RADZ_E_FORMAT, "%s: token '%.60s' wants an id from 0 to %d",
                                   reader->name, key, TOK_MAX_ID - 1);
    else if ((reader->status = tok_vocab_add(reader->vocab, key, strlen(key), (int32_t)id, reader->arena,
                                             reader->err)) != RADZ_OK)
        radz_prefix(reader->err, "%s", reader->name);
    return reader->status == RADZ_OK;
}

static radz_status read_vocab(const char *name, const radz_json *object, radz_arena *arena, tok_vocab *vocab,
                              radz_error *err)
{
    vocab_reader reader = {name, vocab, arena, RADZ_OK, err};
    if (radz_json_size(object) == 0)
        return radz_fail(err, RADZ_E_FORMAT, "%s: the vocabulary is empty", name);
    radz_json_each(object, read_vocab_entry, &reader);
    return reader.status;
}

static radz_status read_merges(const tok_place *place, const radz_json *list, const tok_vocab *vocab, bpe_state *bpe,
                               radz_error *err)
{
    size_t count = radz_json_size(list);
    radz_status st = reserve_merges(bpe, count, err);
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        /* "a b", or ["a", "b"] since tokenizers 0.20 */
        const radz_json *item = radz_json_at(list, i);
        const char *left = NULL, *right = NULL;
        size_t left_length = 0, right_length = 0;
        if (radz_json_kind_of(item) == RADZ_JSON_STRING) {
            const char *text = radz_json_string(item), *blank = strchr(text, ' ');
            if (blank != NULL && blank > text && blank[1] != '\0' && strchr(blank + 1, ' ') == NULL) {
                left = text;
                left_length = (size_t)(blank - text);
                right = blank + 1;
                right_length = strlen(right);
            }
        } else if (radz_json_kind_of(item) == RADZ_JSON_ARRAY && radz_json_size(item) == 2) {
            left = radz_json_string(radz_json_at(item, 0));
            right = radz_json_string(radz_json_at(item, 1));
            left_length = left != NULL ? strlen(left) : 0;
            right_length = right != NULL ? strlen(right) : 0;
        }
        if (left == NULL || right == NULL || left_length == 0 || right_length == 0)
            st = tok_fail(place, err, RADZ_E_FORMAT, "merge %zu must be two tokens: \"a b\" or [\"a\", \"b\"]", i);
        else if ((st = add_merge(bpe, vocab, left, left_length, right, right_length, err)) != RADZ_OK)
            radz_prefix(err, "'%s': key '%s'", radz_json_doc_name(place->doc), place->path);
    }
    return st;
}

static radz_status set_suffix(bpe_state *bpe, const char *suffix, radz_error *err)
{
    size_t length = suffix != NULL ? strlen(suffix) : 0;
    if (length >= sizeof bpe->suffix)
        return radz_fail(err, RADZ_E_FORMAT, "end_of_word_suffix '%.60s' has %zu bytes, wanted at most %zu", suffix, length,
                         sizeof bpe->suffix - 1);
    memcpy(bpe->suffix, length > 0 ? suffix : "", length);
    bpe->suffix_length = length;
    return RADZ_OK;
}

static void free_bpe(void *state)
{
    bpe_state *bpe = state;
    if (bpe != NULL) {
        free(bpe->merges);
        free(bpe->wholes);
    }
    free(bpe);
}

static void find_bytes(bpe_state *bpe, const tok_vocab *vocab)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", byte);
        bpe->byte_tokens[byte] = tok_vocab_find(vocab, name, 6);
    }
}

static radz_status load_bpe(const tok_place *place, const radz_json *spec, tok_vocab *vocab, void **state,
                            radz_error *err)
{
    *state = NULL;
    bpe_state *bpe = radz_calloc(1, sizeof *bpe, err);
    if (bpe == NULL)
        return RADZ_E_NOMEM;
    *state = bpe;
    const radz_json *words = radz_json_find(spec, "vocab"), *merges = radz_json_find(spec, "merges"),
                    *dropout = radz_json_find(spec, "dropout");
    const char *prefix, *suffix, *unk;
    double probability = 0;
    radz_status st = tok_get_string(place, spec, "continuing_subword_prefix", &prefix, err);
    if (st == RADZ_OK)
        st = tok_get_string(place, spec, "end_of_word_suffix", &suffix, err);
    if (st == RADZ_OK)
        st = tok_get_string(place, spec, "unk_token", &unk, err);
    if (st == RADZ_OK)
        st = tok_get_bool(place, spec, "fuse_unk", false, &bpe->fuse_unk, err);
    if (st == RADZ_OK)
        st = tok_get_bool(place, spec, "byte_fallback", false, &bpe->byte_fallback, err);
    if (st == RADZ_OK)
        st = tok_get_bool(place, spec, "ignore_merges", false, &bpe->ignore_merges, err);
    if (st == RADZ_OK)
        st = set_suffix(bpe, suffix, err);
    if (st != RADZ_OK)
        return st;
    if (prefix != NULL && prefix[0] != '\0')
        return tok_fail(place, err, RADZ_E_UNSUPPORTED, "BPE with continuing_subword_prefix '%.60s' is not built", prefix);
    if (dropout != NULL && radz_json_kind_of(dropout) != RADZ_JSON_NULL &&
        (!radz_json_as_double(dropout, &probability) || probability != 0))
        return tok_fail(place, err, RADZ_E_UNSUPPORTED, "BPE with dropout is not built: ids would be random");
    if (words == NULL || radz_json_kind_of(words) != RADZ_JSON_OBJECT || merges == NULL ||
        radz_json_kind_of(merges) != RADZ_JSON_ARRAY)
        return tok_fail(place, err, RADZ_E_FORMAT, "a BPE wants an object 'vocab' and a list 'merges'");
    if ((st = read_vocab(radz_json_doc_name(place->doc), words, place->arena, vocab, err)) != RADZ_OK ||
        (st = read_merges(place, merges, vocab, bpe, err)) != RADZ_OK)
        return st;
    find_bytes(bpe, vocab);
    bpe->unk = unk != NULL ? tok_vocab_find(vocab, unk, strlen(unk)) : -1;
    if (unk != NULL && bpe->unk < 0)
        return tok_fail(place, err, RADZ_E_FORMAT, "unk_token '%.60s' is not in the vocabulary", unk);
    return RADZ_OK;
}

static radz_status parse_merges(const char *path, const char *text, size_t size, const tok_vocab *vocab, bpe_state *bpe,
                                radz_error *err)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    radz_status st = reserve_merges(bpe, lines + 1, err);
    size_t number = 0;
    for (size_t i = 0; i < size && st == RADZ_OK;) {
        const char *line = text + i, *end = memchr(line, '\n', size - i);
        size_t length = end != NULL ? (size_t)(end - line) : size - i;
        i += length + 1;
        number++;
        if (length > 0 && line[length - 1] == '\r')
            length--;
        if ((length >= 8 && memcmp(line, "#version", 8) == 0) || length == 0)
            continue;
        const char *blank = memchr(line, ' ', length);
        size_t left = blank != NULL ? (size_t)(blank - line) : 0;
        if (left == 0 || left + 1 >= length || memchr(blank + 1, ' ', length - left - 1) != NULL)
            return radz_fail(err, RADZ_E_FORMAT, "'%s' line %zu: found '%.*s', wanted two tokens with one blank", path,
                             number, (int)(length < 60 ? length : 60), line);
        if ((st = add_merge(bpe, vocab, line, left, blank + 1, length - left - 1, err)) != RADZ_OK)
            radz_prefix(err, "'%s' line %zu", path, number);
    }
    return st;
}

radz_status tok_bpe_load_files(const char *vocab_path, const char *merges_path, const char *unk_token,
                               const char *end_of_word, radz_arena *arena, tok_vocab *vocab, tok_model *out,
                               radz_error *err)
{
    *out = (tok_model){0};
    radz_json_doc *doc = NULL;
    char *text = NULL;
    size_t size = 0;
    bpe_state *bpe = NULL;
    radz_status st = radz_json_load(vocab_path, &doc, err);
    if (st != RADZ_OK)
        goto done;
    bpe = radz_calloc(1, sizeof *bpe, err);
    if (bpe == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    if (radz_json_kind_of(radz_json_root(doc)) != RADZ_JSON_OBJECT) {
        st = radz_fail(err, RADZ_E_FORMAT, "'%s': wanted an object of tokens and ids", vocab_path);
        goto done;
    }
    if ((st = read_vocab(vocab_path, radz_json_root(doc), arena, vocab, err)) != RADZ_OK ||
        (st = set_suffix(bpe, end_of_word, err)) != RADZ_OK ||
        (st = radz_file_read(merges_path, (size_t)256 << 20, &text, &size, err)) != RADZ_OK ||
        (st = parse_merges(merges_path, text, size, vocab, bpe, err)) != RADZ_OK)
        goto done;
    bpe->unk = unk_token != NULL ? tok_vocab_find(vocab, unk_token, strlen(unk_token)) : -1;
    out->kind = &tok_model_kinds[0];
    out->state = bpe;
    bpe = NULL;
done:
    free_bpe(bpe);
    free(text);
    radz_json_free(doc);
    return st;
}

/* ---- BPE from SentencePiece's pieces ---- */
typedef struct scored {
    float score;
    int32_t id;
} scored;

static int by_score(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    return x->score != y->score ? (x->score > y->score ? -1 : 1) : x->id < y->id ? -1 : x->id > y->id;
}

/* What a union may be made of: a character, or a piece that is itself one. -1: neither. */
static int32_t find_part(const sp_file *file, const tok_vocab *vocab, const char *text, size_t length)
{
    int32_t id = tok_vocab_find(vocab, text, length), c;
    return id >= 0 && (file->pieces[id].kind == SP_NORMAL || radz_utf8_get(text, length, &c) == length) ? id : -1;
}

/* Calls put_merge (bpe not NULL) for every way to make piece `id` of two; gives how many there are. */
static size_t add_ways(bpe_state *bpe, const sp_file *file, const tok_vocab *vocab, int32_t id, int32_t rank)
{
    const sp_piece *p = &file->pieces[id];
    size_t ways = 0;
    int32_t c;
    for (size_t cut = radz_utf8_get(p->text, p->length, &c); cut < p->length;
         cut += radz_utf8_get(p->text + cut, p->length - cut, &c)) {
        int32_t left = find_part(file, vocab, p->text, cut), right = find_part(file, vocab, p->text + cut, p->length - cut);
        if (left < 0 || right < 0)
            continue;
        ways++;
        if (bpe != NULL)
            put_merge(bpe, left, right, rank, id);
    }
    return ways;
}

static radz_status check_characters(const char *name, const sp_piece *p, const tok_vocab *vocab, radz_error *err)
{
    int32_t c;
    for (size_t i = 0, n; i < p->length; i += n) {
        n = radz_utf8_get(p->text + i, p->length - i, &c);
        if (tok_vocab_find(vocab, p->text + i, n) < 0)
            return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': piece '%.60s' has a character that is no piece, '%.*s': that is not "
                             "built", name, p->text, (int)n, p->text + i);
    }
    return RADZ_OK;
}

radz_status tok_bpe_load_pieces(const char *name, const sp_file *file, radz_arena *arena, tok_vocab *vocab, tok_model *out,
                                radz_error *err)
{
    *out = (tok_model){0};
    size_t n = file->count, normal = 0, ways = 0;
    radz_status st = RADZ_OK;
    scored *order = radz_calloc(n, sizeof *order, err);
    bpe_state *bpe = radz_calloc(1, sizeof *bpe, err);
    if (order == NULL || bpe == NULL || (bpe->wholes = radz_calloc(n, sizeof *bpe->wholes, err)) == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        const sp_piece *p = &file->pieces[i];
        st = tok_vocab_add(vocab, p->text, p->length, (int32_t)i, arena, err);
        if (st != RADZ_OK)
            radz_prefix(err, "'%s'", name);
        if (p->kind == SP_USER_DEFINED) {
            bpe->wholes[bpe->whole_count++] = (int32_t)i;
            bpe->whole_begins[(unsigned char)p->text[0]] = true;
        } else if (p->kind == SP_NORMAL) {
            order[normal++] = (scored){p->score, (int32_t)i};
        }
    }
    for (size_t i = 0; i < normal && st == RADZ_OK; i++) {
        st = check_characters(name, &file->pieces[order[i].id], vocab, err);
        ways += st == RADZ_OK ? add_ways(NULL, file, vocab, order[i].id, 0) : 0;
    }
    if (st == RADZ_OK)
        st = reserve_merges(bpe, ways, err);
    if (st != RADZ_OK)
        goto done;
    qsort(order, normal, sizeof *order, by_score);
    for (size_t i = 0, rank = 0; i < normal; i++) { /* equal scores: the first place in the text decides */
        rank = i > 0 && order[i].score != order[i - 1].score ? i : rank;
        (void)add_ways(bpe, file, vocab, order[i].id, (int32_t)rank);
    }
    find_bytes(bpe, vocab);
    bpe->byte_fallback = file->byte_fallback;
    bpe->fuse_unk = true;
    bpe->unk = file->unknown;
    out->kind = &tok_model_kinds[0];
    out->state = bpe;
    bpe = NULL;
done:
    free_bpe(bpe);
    free(order);
    return st;
}

/* ---- merging ---- */
typedef struct symbol {
    int32_t id;
    int32_t previous, next; /* -1: none */
    bool gone;              /* swallowed by its left neighbour */
} symbol;

typedef struct candidate { /* of a merge of symbol `at` with its right neighbour, as they were when it was found */
    int32_t rank, at, result;
} candidate;

static bool before(candidate a, candidate b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static void heap_push(candidate *heap, size_t *count, candidate item)
{
    size_t i = (*count)++;
    for (; i > 0 && before(item, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = item;
}

static candidate heap_pop(candidate *heap, size_t *count)
{
    candidate top = heap[0], last = heap[--*count];
    size_t i = 0;
    for (size_t child = 1; child < *count; child = 2 * i + 1) {
        if (child + 1 < *count && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

static void push_pair(const bpe_state *bpe, const symbol *symbols, int32_t at, candidate *heap, size_t *count)
{
    if (at < 0 || symbols[at].next < 0)
        return;
    const merge *m = find_merge(bpe, symbols[at].id, symbols[symbols[at].next].id);
    if (m != NULL)
        heap_push(heap, count, (candidate){m->rank, at, m->result});
}

static void add_symbol(symbol *symbols, size_t *count, int32_t id)
{
    symbols[*count] = (symbol){id, (int32_t)*count - 1, (int32_t)*count + 1, false};
    (*count)++;
}

/* The tokens of a character's bytes; nothing unless there is one for each. */
static bool add_bytes(const bpe_state *bpe, const char *text, size_t length, symbol *symbols, size_t *count)
{
    for (size_t i = 0; i < length; i++)
        if (bpe->byte_tokens[(unsigned char)text[i]] < 0)
            return false;
    for (size_t i = 0; i < length; i++)
        add_symbol(symbols, count, bpe->byte_tokens[(unsigned char)text[i]]);
    return true;
}

/* The longest token that is taken whole and begins at text[0]; its length, 0: none. */
static size_t match_whole(const bpe_state *bpe, const tok_vocab *vocab, const char *text, size_t length, int32_t *id)
{
    size_t best = 0;
    for (size_t i = 0; bpe->whole_begins[(unsigned char)text[0]] && i < bpe->whole_count; i++) {
        size_t n = vocab->lengths[bpe->wholes[i]];
        if (n > best && n <= length && memcmp(text, vocab->texts[bpe->wholes[i]], n) == 0) {
            best = n;
            *id = bpe->wholes[i];
        }
    }
    return best;
}

static radz_status encode_bpe(const void *state, const tok_vocab *vocab, const char *piece, size_t length,
                              tok_scratch *scratch, tok_ids *out, radz_error *err)
{
    const bpe_state *bpe = state;
    if (bpe->ignore_merges) {
        int32_t whole = tok_vocab_find(vocab, piece, length);
        if (whole >= 0)
            return tok_ids_add(out, whole, err);
    }
    if (length > INT32_MAX / 4)
        return radz_fail(err, RADZ_E_VALUE, "a word of %zu bytes is too long", length);
    /* Every symbol pushes at most one candidate at first, every merge at most two: 3 n in all. */
    size_t most = length + sizeof bpe->suffix; /* the suffix's bytes may be symbols too */
    radz_status st = radz_grow(&scratch->symbols, &scratch->symbols_capacity, most, sizeof(symbol), err);
    if (st == RADZ_OK)
        st = radz_grow(&scratch->heap, &scratch->heap_capacity, 3 * most, sizeof(candidate), err);
    if (st != RADZ_OK)
        return st;
    symbol *symbols = scratch->symbols;
    candidate *heap = scratch->heap;
    size_t count = 0, waiting = 0;
    bool unk_waits = false; /* set down before the next symbol that has a token, as the tokenizers library does it: bytes
                               pass it by */
    for (size_t i = 0; i < length;) {
        int32_t c;
        char text[4 + sizeof bpe->suffix];
        int32_t id = -1;
        size_t n = match_whole(bpe, vocab, piece + i, length - i, &id);
        bool last = false;
        if (n == 0) {
            n = radz_utf8_get(piece + i, length - i, &c);
            memcpy(text, piece + i, n);
            last = i + n == length;
            if (last)
                memcpy(text + n, bpe->suffix, bpe->suffix_length);
            id = tok_vocab_find(vocab, text, n + (last ? bpe->suffix_length : 0));
        }
        i += n;
        if (id >= 0) {
            if (unk_waits)
                add_symbol(symbols, &count, bpe->unk);
            unk_waits = false;
            add_symbol(symbols, &count, id);
        } else if (!(bpe->byte_fallback &&
                     add_bytes(bpe, text, n + (last ? bpe->suffix_length : 0), symbols, &count)) && bpe->unk >= 0) {
            /* without an unknown token the character is dropped */
            if (unk_waits && !bpe->fuse_unk)
                add_symbol(symbols, &count, bpe->unk);
            unk_waits = true;
        }
    }
    if (unk_waits)
        add_symbol(symbols, &count, bpe->unk);
    if (count == 0)
        return RADZ_OK;
    symbols[count - 1].next = -1;
    for (size_t i = 0; i + 1 < count; i++)
        push_pair(bpe, symbols, (int32_t)i, heap, &waiting);
    while (waiting > 0) {
        candidate top = heap_pop(heap, &waiting);
        symbol *left = &symbols[top.at];
        if (left->gone || left->next < 0)
            continue;
        symbol *right = &symbols[left->next];
        const merge *m = find_merge(bpe, left->id, right->id);
        if (m == NULL || m->result != top.result)
            continue; /* one of the two has changed since */
        left->id = top.result;
        left->next = right->next;
        right->gone = true;
        if (left->next >= 0)
            symbols[left->next].previous = top.at;
        push_pair(bpe, symbols, left->previous, heap, &waiting);
        push_pair(bpe, symbols, top.at, heap, &waiting);
    }
    for (int32_t i = 0; i >= 0 && st == RADZ_OK; i = symbols[i].next)
        st = tok_ids_add(out, symbols[i].id, err);
    return st;
}

static int32_t bpe_unk_id(const void *state)
{
    return ((const bpe_state *)state)->unk;
}

static const char *bpe_end_of_word(const void *state)
{
    return ((const bpe_state *)state)->suffix;
}

const tok_model_kind tok_model_kinds[] = {
    {"BPE", load_bpe, encode_bpe, free_bpe, bpe_unk_id, bpe_end_of_word},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static const char *kind_name(const void *context, size_t i)
{
    (void)context;
    return tok_model_kinds[i].name;
}

radz_status tok_model_load(const tok_place *place, const radz_json *spec, tok_vocab *vocab, tok_model *out,
                           radz_error *err)
{
    *out = (tok_model){0};
    if (spec == NULL || radz_json_kind_of(spec) != RADZ_JSON_OBJECT)
        return tok_fail(place, err, RADZ_E_FORMAT, "a tokenizer must have a model");
    const char *type = NULL;
    radz_status st = tok_get_string(place, spec, "type", &type, err);
    if (st != RADZ_OK)
        return st;
    if (type == NULL) /* files of 2020 and 2021 do not name it; only BPE has merges */
        type = radz_json_find(spec, "merges") != NULL ? "BPE" : "(without a type)";
    for (const tok_model_kind *kind = tok_model_kinds; kind->name != NULL; kind++) {
        if (strcmp(kind->name, type) == 0) {
            out->kind = kind;
            return kind->load(place, spec, vocab, &out->state, err);
        }
    }
    return tok_fail_kind(place, err, "model", type, kind_name, NULL);
}
