/* radz.json: how features are read out of a LLaVA model (LLaVA-RadZ, arXiv 2503.07487), see docs/radz-format.md. */
#ifndef RADZ_CONFIG_RADZ_CONFIG_H
#define RADZ_CONFIG_RADZ_CONFIG_H

#include "base/json.h"
#include "base/str.h"

enum { RADZ_SPECIAL_MAX = 64, RADZ_SPECIAL_TEXT_SIZE = 48, RADZ_PROMPT_SIZE = 512 };

/* What follows a text before the special tokens (LLaVA-RadZ), and the text prompt with it. */
#define RADZ_TEXT_QUESTION "What disease is described in this text?"
#define RADZ_TEXT_PROMPT "{text} " RADZ_TEXT_QUESTION

/* A token that the base model does not have, or has with another embedding. */
typedef struct radz_special_token {
    char text[RADZ_SPECIAL_TEXT_SIZE]; /* "<ImgCls_0>": the tokenizer's added token */
    int64_t id;
} radz_special_token;

typedef enum radz_pooling {
    RADZ_POOL_SPECIAL, /* global: mean over the special tokens; local: over the visual tokens, or the text's */
    RADZ_POOL_LAST,    /* global: the last position */
    RADZ_POOL_MEAN     /* global: mean over all positions */
} radz_pooling;
const char *radz_pooling_name(radz_pooling pooling); /* "special", "last", "mean" */
radz_status radz_pooling_parse(const char *name, radz_pooling *out, radz_error *err) RADZ_MUST_USE;

typedef struct radz_config {
    radz_special_token image_tokens[RADZ_SPECIAL_MAX], text_tokens[RADZ_SPECIAL_MAX];
    size_t image_token_count, text_token_count; /* K_i, K_t; both 0 unless pooling is special */
    int64_t layer;       /* index into the hidden states: 0 the embeddings, -1 the last after its norm, -2 one before */
    radz_pooling pooling;
    int64_t head_hidden; /* projection head LayerNorm, Linear, GELU, Linear: its inner width; 0: no head */
    int64_t head_dim;    /* its output; without a head 0, and features have the decoder's width */
    double tau;          /* temperature, above 0 */
    char image_prompt[RADZ_PROMPT_SIZE]; /* "<image>": what stands before the image tokens */
    char text_prompt[RADZ_PROMPT_SIZE];  /* "{text} What disease is described in this text?", before the text tokens */
    double lora_alpha;   /* of the update in radz.safetensors; 0: there is none */
    int64_t lora_rank;
} radz_config;

/* The training-free reading of any LLaVA: last token, layer -2, no tokens, no head, tau 0.05. */
radz_config radz_config_default(void);
/* Reads a radz.json. RADZ_E_FORMAT, RADZ_E_VALUE: names file and key; unknown keys are refused. */
radz_status radz_config_load(const char *path, radz_config *out, radz_error *err) RADZ_MUST_USE;
radz_status radz_config_parse(const radz_json_doc *doc, radz_config *out, radz_error *err) RADZ_MUST_USE;

/* The prompts that features are read from, the special tokens at their end; replace what `out` holds. Training and evaluation
 * must read alike, so both ask here. */
radz_status radz_config_spell_image(const radz_config *config, radz_strbuf *out, radz_error *err) RADZ_MUST_USE;
radz_status radz_config_spell_text(const radz_config *config, const char *text, radz_strbuf *out, radz_error *err) RADZ_MUST_USE;
/* Whether the position of token `id` of such a prompt belongs to the global feature; `last`: it is the prompt's last. */
bool radz_config_is_global(const radz_config *config, bool image, int64_t id, bool last);
/* Writes a radz.json that reads back as the same. */
radz_status radz_config_save(const radz_config *config, const char *path, radz_error *err) RADZ_MUST_USE;

#endif
