/* What the trainer of BPE tokenizers and the writer of their files share. For src/text/bpe_*.c only. */
#ifndef RADZ_TEXT_BPE_PARTS_H
#define RADZ_TEXT_BPE_PARTS_H

#include "base/json.h"
#include "text/tokenizer_parts.h"

typedef struct bpe_trained bpe_trained;

/* What tells the kinds of tokenizers apart. */
typedef struct bpe_kind {
    const char *bos, *eos, *unk, *pad; /* unk NULL: every byte has a unit, nothing is unknown */
    const char *const *own;            /* special tokens that come with the kind, ended by NULL; before the caller's last */
    const char *end_of_word;           /* mark of a word's last unit; "": none */
    size_t context;                    /* tokens of a text when the caller does not say */
    radz_status (*normalize)(const char *text, size_t length, radz_strbuf *out, radz_error *err); /* NULL: as it is */
    tok_matcher match;                 /* a word; what does not match is no part of any */
    /* members of tokenizer.json: what is done to a text before the model; the template around it */
    void (*put_front)(radz_json_writer *w);
    void (*put_template)(const bpe_trained *t, radz_json_writer *w);
    void (*put_config)(radz_json_writer *w); /* members of tokenizer_config.json that only this kind has */
    const char *const *files; /* names of bpe_write's, ended by NULL */
} bpe_kind;
extern const bpe_kind bpe_kinds[]; /* by radz_bpe_kind */

/* A finished vocabulary. */
struct bpe_trained {
    const bpe_kind *kind;
    tok_vocab vocab;
    int32_t (*merges)[2]; /* [merges_count] ids */
    size_t merges_count, merges_capacity;
    int32_t *specials; /* [specials_count] ids of special tokens, ascending */
    size_t specials_count;
    size_t context;
};

/* Writes the kind's files into `folder`, which is there. */
radz_status bpe_write(const bpe_trained *trained, const char *folder, radz_error *err) RADZ_MUST_USE;

#endif
