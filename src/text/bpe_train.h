/* Trains a small byte-level BPE tokenizer in CLIP's own form and writes it as a Hugging Face tokenizer folder.
 *
 * Vocabulary, in order of id: 256 byte units, the same with "</w>" (end of word), one token per merge, "<|startoftext|>",
 * "<|endoftext|>". Texts are normalised and split into words as CLIP does it; pairs are merged by count (Sennrich et al.,
 * ACL 2016), the most frequent first, equal counts by the left token's id and then the right one's; a pair whose text is a
 * token already is passed over, so that there is one token per merge. The same texts give
 * the same bytes on every machine, in any order of the texts. */
#ifndef RADZ_TEXT_BPE_TRAIN_H
#define RADZ_TEXT_BPE_TRAIN_H

#include "base/status.h"

typedef struct radz_bpe_train_options {
    size_t vocab_size;    /* 514 (no merges) to 1000000: all of the vocabulary listed above */
    size_t min_count;     /* pairs seen less often are not merged; 0 means 2 */
    size_t context;       /* model_max_length that is written; 0 means 77 */
} radz_bpe_train_options;

typedef struct radz_bpe_train_report {
    size_t words, distinct_words; /* of the texts */
    size_t merges;
    size_t vocab_size; /* what came out: smaller than asked for when no pair is frequent enough */
} radz_bpe_train_report;

/* `texts` [count], UTF-8. Writes vocab.json, merges.txt, tokenizer.json, tokenizer_config.json and
 * special_tokens_map.json into `folder` (made when missing; files there are replaced). `report` may be NULL. RADZ_E_USAGE:
 * vocab_size out of range; RADZ_E_VALUE: no word in the texts; RADZ_E_IO. Time: near linear in the text for each merge's
 * own words only (1,000 merges over 10 MB of reports take about a second). */
radz_status radz_bpe_train(const char *const *texts, size_t count, const radz_bpe_train_options *options,
                           const char *folder, radz_bpe_train_report *report, radz_error *err) RADZ_MUST_USE;

#endif
