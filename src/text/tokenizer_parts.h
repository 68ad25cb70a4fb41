/* The parts a tokenizer is made of, in the order text goes through them: normalizer, pre-tokenizer, model,
 * post-processor; and the decoder for the way back. Each part is read from its object of tokenizer.json by the kind its
 * "type" names; a new kind is one more row of its table. For src/text/tokenizer*.c only. */
#ifndef RADZ_TEXT_TOKENIZER_PARTS_H
#define RADZ_TEXT_TOKENIZER_PARTS_H

#include <stdint.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/str.h"
#include "text/sentencepiece.h"
#include "text/tokenizer.h"

#define TOK_MARK "\xE2\x96\x81" /* U+2581: SentencePiece's blank */

enum { TOK_MAX_DEPTH = 8 /* of sequences inside sequences */ };

/* Where a part is read from, for messages: "FILE: key 'PATH': ...". */
typedef struct tok_place {
    const radz_json_doc *doc;
    const char *path; /* "normalizer", "pre_tokenizer.pretokenizers[1]" */
    int depth;
    radz_arena *arena; /* lives as long as the tokenizer: every part's state and text goes there */
} tok_place;
radz_status tok_fail(const tok_place *place, radz_error *err, radz_status code, const char *format, ...)
    RADZ_PRINTF(4, 5);
const char *tok_kind_text(const radz_json *value); /* "a number", for messages */
/* The text under `key`, which must be there. */
radz_status tok_need_string(const tok_place *place, const radz_json *object, const char *key, const char **out,
                            radz_error *err) RADZ_MUST_USE;
/* The "type" of a part; refuses what is not an object and what nests too deep. */
radz_status tok_need_kind(const tok_place *place, const radz_json *spec, const char **type,
                          radz_error *err) RADZ_MUST_USE;
/* "the normalizer 'X' is not built; built: ..." (RADZ_E_UNSUPPORTED); `nth` gives NULL past the last name. */
radz_status tok_fail_kind(const tok_place *place, radz_error *err, const char *what, const char *type,
                          const char *(*nth)(const void *context, size_t i), const void *context);
/* An optional switch: `absent` when it is not there or null. */
radz_status tok_get_bool(const tok_place *place, const radz_json *object, const char *key, bool absent, bool *out,
                         radz_error *err) RADZ_MUST_USE;
/* An optional text: NULL when it is not there or null. */
radz_status tok_get_string(const tok_place *place, const radz_json *object, const char *key, const char **out,
                           radz_error *err) RADZ_MUST_USE;

/* ---- pieces of a text ---- */
typedef struct tok_span {
    size_t begin, length; /* bytes of the pieces' text */
} tok_span;
typedef struct tok_pieces {
    radz_strbuf text;
    tok_span *spans;
    size_t count, capacity;
    bool at_start; /* the first piece begins where the whole text begins */
} tok_pieces;
void tok_pieces_clear(tok_pieces *pieces); /* keeps the memory */
void tok_pieces_free(tok_pieces *pieces);
/* A piece of its own, unless it is empty. */
radz_status tok_pieces_add(tok_pieces *pieces, const char *text, size_t length, radz_error *err) RADZ_MUST_USE;
/* What was appended to the pieces' text from `begin` on is one piece, also when it is empty. */
radz_status tok_pieces_end(tok_pieces *pieces, size_t begin, radz_error *err) RADZ_MUST_USE;

/* ---- normalizers (text to text), pre-tokenizers (pieces to smaller pieces), decoders (tokens to pieces of text) ---- */
typedef struct tok_part_kind {
    const char *name;
    /* NULL: a Sequence of parts of the same table */
    radz_status (*load)(const tok_place *place, const radz_json *spec, void **state, radz_error *err);
    /* One of the two, as the table's parts do. `text`: appends to `out`. */
    radz_status (*text)(const void *state, const char *text, size_t length, radz_strbuf *out, radz_error *err);
    /* `out` is empty; `in` may be destroyed. A decoder's pieces need not be UTF-8 in the end. */
    radz_status (*pieces)(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err);
} tok_part_kind;

typedef struct tok_part_table {
    const char *what; /* "pre-tokenizer", for messages */
    const char *list; /* the member that holds the parts of a Sequence */
    const tok_part_kind *kinds; /* ends with name NULL */
} tok_part_table;
extern const tok_part_table tok_normalizers, tok_pretokenizers, tok_decoders;

typedef struct tok_part {
    const tok_part_kind *kind; /* NULL: what goes in comes out */
    void *state;
} tok_part;

/* State of a Sequence. */
typedef struct tok_sequence {
    tok_part *items;
    size_t count;
} tok_sequence;

/* A spec that is NULL or null leaves `kind` NULL. */
radz_status tok_part_load(const tok_place *place, const radz_json *spec, const tok_part_table *table, tok_part *out,
                          radz_error *err) RADZ_MUST_USE;
radz_status tok_load_nothing(const tok_place *place, const radz_json *spec, void **state, radz_error *err); /* of kinds without options */
radz_status tok_part_text(const tok_part *part, const char *text, size_t length, radz_strbuf *out, radz_error *err) RADZ_MUST_USE;
radz_status tok_part_pieces(const tok_part *part, tok_pieces *in, tok_pieces *out, radz_error *err) RADZ_MUST_USE;
/* `text` and `pieces` of a Sequence. */
radz_status tok_sequence_text(const void *state, const char *text, size_t length, radz_strbuf *out, radz_error *err) RADZ_MUST_USE;
radz_status tok_sequence_pieces(const void *state, tok_pieces *in, tok_pieces *out, radz_error *err) RADZ_MUST_USE;

/* Metaspace's object, the same in a pre-tokenizer and in a decoder. */
typedef enum tok_prepend { TOK_PREPEND_FIRST, TOK_PREPEND_ALWAYS, TOK_PREPEND_NEVER } tok_prepend;
typedef struct tok_metaspace {
    const char *mark; /* in place of a blank */
    size_t length;
    tok_prepend prepend; /* a mark before the text's first piece, before each, before none */
    bool split;          /* at each mark; it goes with what follows */
} tok_metaspace;
radz_status tok_metaspace_load(const tok_place *place, const radz_json *spec, void **state, radz_error *err) RADZ_MUST_USE;

/* A regular expression of the table: the length of its match that begins at text[0], 0 when none does. */
typedef size_t (*tok_matcher)(const char *text, size_t length);
size_t tok_match_clip(const char *text, size_t length); /* CLIP's words; nothing matches white space */
size_t tok_match_gpt2(const char *text, size_t length); /* GPT-2's words, with the blank before them; everything matches */

/* The byte level: each byte of a text as a printable character (GPT-2's table). */
int32_t tok_byte_to_char(unsigned byte);
int tok_char_to_byte(int32_t c); /* -1: stands for no byte */

/* ---- model: pieces to ids ---- */
typedef struct tok_ids {
    int32_t *items;
    size_t count, capacity;
} tok_ids;
radz_status tok_ids_add(tok_ids *ids, int32_t id, radz_error *err) RADZ_MUST_USE;

/* Vocabulary: token texts and ids, both ways. */
typedef struct tok_vocab {
    const char **texts; /* [size], NULL: no token has this id */
    size_t *lengths;    /* [size] */
    size_t size, capacity;
    int32_t *slots;     /* hash table of ids, -1 empty; [slot_count], a power of two */
    size_t slot_count, used;
} tok_vocab;
enum { TOK_MAX_ID = 1 << 20 };
radz_status tok_vocab_add(tok_vocab *vocab, const char *text, size_t length, int32_t id, radz_arena *arena,
                          radz_error *err) RADZ_MUST_USE; /* both new: else RADZ_E_FORMAT */
int32_t tok_vocab_find(const tok_vocab *vocab, const char *text, size_t length); /* -1: none */
void tok_vocab_free(tok_vocab *vocab);

typedef struct tok_scratch { /* memory one encode call reuses from piece to piece */
    void *symbols, *heap;
    size_t symbols_capacity, heap_capacity;
} tok_scratch;
void tok_scratch_free(tok_scratch *scratch);

typedef struct tok_model tok_model;
typedef struct tok_model_kind {
    const char *name;
    /* `vocab` is filled as well */
    radz_status (*load)(const tok_place *place, const radz_json *spec, tok_vocab *vocab, void **state, radz_error *err);
    radz_status (*encode)(const void *state, const tok_vocab *vocab, const char *piece, size_t length,
                          tok_scratch *scratch, tok_ids *out, radz_error *err);
    void (*free)(void *state);
    int32_t (*unk_id)(const void *state);             /* -1: none */
    const char *(*end_of_word)(const void *state);    /* suffix of a word's last token; "": none */
} tok_model_kind;
struct tok_model {
    const tok_model_kind *kind;
    void *state;
};
extern const tok_model_kind tok_model_kinds[];
radz_status tok_model_load(const tok_place *place, const radz_json *spec, tok_vocab *vocab, tok_model *out,
                           radz_error *err) RADZ_MUST_USE;

/* BPE from lists that were read from vocab.json and merges.txt instead. */
radz_status tok_bpe_load_files(const char *vocab_path, const char *merges_path, const char *unk_token,
                               const char *end_of_word, radz_arena *arena, tok_vocab *vocab, tok_model *out,
                               radz_error *err) RADZ_MUST_USE;

/* BPE from SentencePiece's pieces: two neighbours become one where their union is a piece, the best score first; pieces that
 * the user defined are taken whole and join nothing. `name` is the file's. */
radz_status tok_bpe_load_pieces(const char *name, const sp_file *file, radz_arena *arena, tok_vocab *vocab, tok_model *out,
                                radz_error *err) RADZ_MUST_USE;

/* ---- post-processor: the template around a text ---- */
typedef struct tok_template {
    int32_t *before, *after; /* ids before and after the text; in the arena */
    size_t before_count, after_count;
} tok_template;
radz_status tok_template_load(const tok_place *place, const radz_json *spec, const tok_vocab *vocab, tok_template *out,
                              radz_error *err) RADZ_MUST_USE;

/* ---- the whole ---- */
/* A token that is taken out of the text before the model sees it. */
typedef struct tok_added {
    const char *content;
    size_t length;
    int32_t id;
    bool special;          /* left out by a decode that skips special tokens */
    bool normalized;       /* looked for in the normalised text (as itself normalised), not in the raw one */
    bool lstrip, rstrip;   /* takes the white space beside it along */
    const char *needle;    /* what is looked for: the content, normalised when `normalized` */
    size_t needle_length;
    bool named;            /* the configuration names it: bos, eos, ... or an additional special token */
} tok_added;

struct radz_tokenizer {
    radz_arena arena;
    tok_vocab vocab;
    tok_part normalizer;
    tok_part pretokenizer;
    tok_model model;
    tok_template around;
    tok_part decoder;
    tok_added *added;
    size_t added_count, added_capacity;
    bool first_byte[2][256]; /* [normalized]: some added token begins with this byte */
    /* transformers' LlamaTokenizer with legacy off: one mark before the whole text (not before each part between added
     * tokens), which goes again where a named special token follows it */
    bool mark_text, drop_mark;
    radz_tokenizer_info info;
};

#endif
