/* Trains a small byte-level BPE tokenizer and writes it as a Hugging Face tokenizer folder. Two kinds are built:
 *
 *   RADZ_BPE_CLIP  CLIP's own form: composed, in lower case, words without their blanks, the last unit of a word with "</w>";
 *                  texts stand between "<|startoftext|>" and "<|endoftext|>". For two-tower models.
 *   RADZ_BPE_GPT2  GPT-2's form: texts as they are, a blank goes with the word after it, no end-of-word mark; "<s>" stands
 *                  before a text. For decoders: what was encoded decodes to the same text.
 *
 * Vocabulary, in order of id: the caller's first special tokens, 256 byte units (CLIP: then the same with "</w>"), one token
 * per merge, CLIP's two special tokens, the caller's last special tokens. Pairs are merged by count (Sennrich et al.,
 * ACL 2016), the most frequent first, equal counts by the left token's id and then the right one's, as the trainer of
 * Hugging Face tokenizers does it; a pair whose text is a token already is passed over, so that there is one token per
 * merge. The same texts give the same bytes on every machine, in any order of the texts. */
#ifndef RADZ_TEXT_BPE_TRAIN_H
#define RADZ_TEXT_BPE_TRAIN_H

#include "base/status.h"

typedef enum radz_bpe_kind { RADZ_BPE_CLIP, RADZ_BPE_GPT2 } radz_bpe_kind;

typedef struct radz_bpe_train_options {
    radz_bpe_kind kind;
    size_t vocab_size; /* special tokens and byte units (no merges) to 1000000: all of the vocabulary listed above */
    size_t min_count;  /* pairs seen less often are not merged; 0 means 2 */
    size_t context;    /* model_max_length that is written; 0 means 77 (CLIP) or 2048 (GPT-2) */
    /* Special tokens with the first and the last ids, in order; borrowed, may be NULL when the number is 0. Found in texts as
     * they are written; left out by a decode that skips special tokens. GPT-2: "<s>", "</s>" and "<pad>" must be among them. */
    const char *const *first, *const *last;
    size_t n_first, n_last;
} radz_bpe_train_options;

typedef struct radz_bpe_train_report {
    size_t words, distinct_words; /* of the texts */
    size_t merges;
    size_t vocab_size; /* what came out: smaller than asked for when no pair is frequent enough */
} radz_bpe_train_report;

/* `texts` [count], UTF-8, without special tokens (they would be learnt as words). Writes tokenizer.json,
 * tokenizer_config.json, special_tokens_map.json and for CLIP vocab.json and merges.txt into `folder` (made when missing;
 * files there are replaced). `report` may be NULL. RADZ_E_USAGE: vocab_size out of range, a special token that the kind
 * needs is not given; RADZ_E_FORMAT: a special token given twice or equal to a byte unit; RADZ_E_VALUE: no word in the
 * texts; RADZ_E_IO. Time: near linear in the text for each merge's own words only (1,000 merges over 10 MB of reports
 * take about a second). */
radz_status radz_bpe_train(const char *const *texts, size_t count, const radz_bpe_train_options *options,
                           const char *folder, radz_bpe_train_report *report, radz_error *err) RADZ_MUST_USE;

#endif
