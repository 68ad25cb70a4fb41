/* Tokenizers: text to the token ids that a model was trained with, read from the files of a Hugging Face model folder.
 *
 * Ids are those of the Hugging Face `tokenizers` library for the same files. Kinds of normalizer, pre-tokenizer, model,
 * post-processor and decoder are const tables (tokenizer_parts.h); a kind that is not among them is refused by name, so a
 * tokenizer is either read wholly or not at all. Built now: byte-level BPE (CLIP, GPT-2, Llama 3, Qwen2) and SentencePiece's
 * BPE with byte fallback (Llama, Vicuna, Mistral), the latter also from SentencePiece's own file: then ids are those of
 * transformers' LlamaTokenizer with use_fast=False (4.x, which runs SentencePiece). */
#ifndef RADZ_TEXT_TOKENIZER_H
#define RADZ_TEXT_TOKENIZER_H

#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

typedef struct radz_tokenizer radz_tokenizer; /* immutable once loaded: may be used by several threads */

/* Reads a tokenizer from a model folder: `tokenizer.json` when it is there, else `tokenizer.model`, else `vocab.json` +
 * `merges.txt`; special tokens and the context length from `tokenizer_config.json`, `special_tokens_map.json` and (beside
 * tokenizer.model) `added_tokens.json` when they are there.
 * `*out` is the caller's (radz_tokenizer_free), NULL on error. RADZ_E_MISSING: no such files; RADZ_E_FORMAT: not JSON,
 * wrong types, a merge of unknown tokens, an id given twice; RADZ_E_VALUE: a key of added_tokens_decoder that is no
 * number; RADZ_E_UNSUPPORTED: a part of a kind not built. */
radz_status radz_tokenizer_load(const char *model_dir, radz_tokenizer **out, radz_error *err) RADZ_MUST_USE;
void radz_tokenizer_free(radz_tokenizer *tokenizer); /* NULL: no-op */

/* Ids are -1 where the tokenizer has no such token. */
typedef struct radz_tokenizer_info {
    const char *kind;   /* of the model part: "BPE" */
    size_t vocab_size;  /* highest id + 1: rows that an embedding table needs */
    size_t context;     /* model_max_length of tokenizer_config.json; 0: not said */
    int32_t bos_id, eos_id, unk_id;
    int32_t pad_id;     /* the pad token of the configuration; without one eos, and 0 without that */
    size_t added_count; /* tokens that the template puts around a text: 2 for CLIP */
    char sha256[RADZ_SHA256_HEX_SIZE]; /* of everything that can change an id: goes into cache keys */
} radz_tokenizer_info;
const radz_tokenizer_info *radz_tokenizer_info_of(const radz_tokenizer *tokenizer); /* borrowed, lives as long as it */

/* Text to one row of `context` ids: template (CLIP: start, text, end), the text's tokens cut on the right so that the
 * template's own tokens stay, then padded with pad_id. `ids` [context] is the caller's; `*count` is the number of ids
 * before the padding (the ones of the attention mask). `text` is UTF-8; each maximal ill-formed sequence counts as one
 * U+FFFD, as in Python's errors="replace". Special tokens written out in the text become their ids, as in Hugging Face.
 * `context` below added_count is RADZ_E_USAGE. Time is linear in the text (n log n inside one word). */
radz_status radz_tokenizer_encode(const radz_tokenizer *tokenizer, const char *text, size_t context, int32_t *ids,
                                  size_t *count, radz_error *err) RADZ_MUST_USE;

/* The same without cutting and padding; `*ids` is the caller's (free), [*count]. `length` bytes of text, NULs allowed.
 * Without `with_template` only the text's own tokens. */
radz_status radz_tokenizer_encode_all(const radz_tokenizer *tokenizer, const char *text, size_t length,
                                      bool with_template, int32_t **ids, size_t *count,
                                      radz_error *err) RADZ_MUST_USE;

/* Ids back to text; `*text` is the caller's (free). `skip_special` leaves out special tokens. For CLIP words are
 * separated by one blank and the ends are trimmed. An id without a token is RADZ_E_VALUE. */
radz_status radz_tokenizer_decode(const radz_tokenizer *tokenizer, const int32_t *ids, size_t count, bool skip_special,
                                  char **text, radz_error *err) RADZ_MUST_USE;

int32_t radz_tokenizer_id_of(const radz_tokenizer *tokenizer, const char *token);   /* -1: no such token */
const char *radz_tokenizer_token_of(const radz_tokenizer *tokenizer, int32_t id);   /* NULL: no such id; borrowed */

#endif
