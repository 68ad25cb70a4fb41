/* A tokenizer with further special tokens. */
#ifndef RADZ_TEXT_TOKENIZER_EXTEND_H
#define RADZ_TEXT_TOKENIZER_EXTEND_H

#include <stdint.h>

#include "base/status.h"

/* Copies tokenizer.json of the folder `from` (with tokenizer_config.json and special_tokens_map.json, when they are there)
 * into `to`, which exists, with the special tokens `tokens` [count] added under the ids that follow the highest; a token
 * that it has already keeps its id. ids [count] is the caller's. RADZ_E_MISSING: there is no tokenizer.json. */
radz_status radz_tokenizer_extend(const char *from, const char *to, const char *const *tokens, size_t count, int32_t *ids,
                                  radz_error *err) RADZ_MUST_USE;

#endif
