/* The configuration of a Llama or Mistral decoder as Hugging Face writes it. */
#ifndef RADZ_CONFIG_DECODER_CONFIG_H
#define RADZ_CONFIG_DECODER_CONFIG_H

#include "base/json.h"

typedef enum decoder_family { DECODER_LLAMA, DECODER_MISTRAL } decoder_family;

/* How rotary frequencies are changed for long contexts. */
typedef enum rope_scaling {
    ROPE_PLAIN,
    ROPE_LINEAR, /* positions divided by the factor (Chen et al. 2023) */
    ROPE_YARN,   /* Peng et al. 2023 */
    ROPE_LLAMA3  /* wavelengths stretched by band (Llama 3.1) */
} rope_scaling;

typedef struct rope_config {
    rope_scaling scaling;
    double theta;  /* base of the frequencies */
    double factor; /* above 0; 1 for plain */
    int64_t original_context;
    double low_frequency, high_frequency;   /* llama3: low_freq_factor, high_freq_factor */
    double beta_fast, beta_slow, attention; /* yarn; `attention` multiplies cosines and sines */
    bool truncate;                          /* yarn: whole-numbered ramp ends */
} rope_config;

enum { DECODER_EOS_MAX = 8 };

typedef struct decoder_config {
    decoder_family family;
    int64_t hidden, mlp, layers, heads, kv_heads, head_dim;
    int64_t vocabulary; /* rows of the embedding table */
    int64_t context;    /* max_position_embeddings: most positions of a prompt with its answer */
    int64_t window;     /* a position sees this many with itself; 0: all before it */
    double norm_eps;
    rope_config rope;
    bool tied;          /* the output layer is the embedding table */
    bool attention_bias, mlp_bias;
    int64_t bos_token, eos_tokens[DECODER_EOS_MAX]; /* bos_token -1: none */
    size_t eos_count;
} decoder_config;

const char *decoder_family_name(decoder_family family); /* "llama", "mistral" */
/* Reads the object that holds "hidden_size" and its like; absent keys have Hugging Face's defaults of `family`. `where`
 * ("text_config." or "") stands before keys in messages. RADZ_E_UNSUPPORTED: an activation or rotary scaling that is not
 * known; RADZ_E_VALUE: numbers that contradict each other. */
radz_status decoder_config_read(const radz_json_doc *doc, const char *where, const radz_json *object,
                                decoder_family family, decoder_config *out, radz_error *err) RADZ_MUST_USE;

/* Members of an object that is open, as LlamaConfig and MistralConfig are saved. RADZ_E_UNSUPPORTED: scaled rotary
 * frequencies, which no new model has. */
radz_status decoder_config_put(radz_json_writer *w, const decoder_config *config, radz_error *err) RADZ_MUST_USE;

#endif
