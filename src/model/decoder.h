/* A Llama or Mistral decoder (Touvron et al. 2023, Jiang et al. 2023): RMSNorm, rotary embeddings, grouped-query attention
 * with or without a sliding window, SwiGLU; and the keys and values that it keeps of what it has read. */
#ifndef RADZ_MODEL_DECODER_H
#define RADZ_MODEL_DECODER_H

#include "config/decoder_config.h"
#include "model/lora.h"
#include "model/parameters.h"

typedef struct decoder decoder;

typedef struct decoder_source {
    model_parameters *from; /* files or a random start; borrowed, and must outlive the decoder */
    const char *prefix;    /* "model": PREFIX.embed_tokens.weight, PREFIX.layers.0..., PREFIX.norm.weight */
    const char *head;      /* "lm_head.weight"; not there: RADZ_E_MISSING unless the configuration says tied */
    lora *const *updates;  /* [update_count] merged into the weights; borrowed during the call */
    size_t update_count;
} decoder_source;

/* Takes the weights; missing and misshapen ones are named by the weights_finish of source.from's files, which is the
 * caller's. `*out` is the caller's and borrows from source.from. Random ones: deviation 1/sqrt(inputs), of what adds to the
 * residual stream less by sqrt(2 layers), of embeddings 1/sqrt(hidden). */
radz_status decoder_open(const decoder_config *config, const decoder_source *source, decoder **out,
                         radz_error *err) RADZ_MUST_USE;
void decoder_free(decoder *d);
const decoder_config *decoder_config_of(const decoder *d);
TDtype decoder_dtype(const decoder *d); /* what it computes in: the weights' type, or that of decoder_compute_in */
/* Weights stay as they are and are converted where they are used (mixed precision: leaves in f32, products in bf16). */
void decoder_compute_in(decoder *d, TDtype dtype);
/* Gives every linear layer of every block a low-rank update of its own to be trained: W x + alpha / rank B A x, with A
 * random and B zero (Hu et al. 2021), taken from `from` as "lora.layers.N.MODULE.lora_A.weight" and "...lora_B.weight". */
radz_status decoder_adapt(decoder *d, model_parameters *from, int64_t rank, double alpha, radz_error *err) RADZ_MUST_USE;
TDevice decoder_device(const decoder *d);

/* What stands where in a sequence: one entry per position that is run. Rows of a batch share it. */
enum { DECODER_ALL = -1 };
typedef struct decoder_place {
    int64_t position; /* of the rotary embedding, from 0 */
    int32_t owner;    /* an entry sees those of its own owner and of DECODER_ALL at positions before it */
    bool padding;     /* nothing but itself sees it */
} decoder_place;

/* Keys and values of all layers [batch,kv_heads,capacity,head_dim], of which `length` entries are in use. */
typedef struct kv_cache kv_cache;
radz_status kv_cache_create(const decoder *d, int64_t batch, int64_t capacity, kv_cache **out, radz_error *err) RADZ_MUST_USE;
/* Room for at least `capacity` entries; what is there stays. */
radz_status kv_cache_reserve(kv_cache *cache, int64_t capacity, radz_error *err) RADZ_MUST_USE;
void kv_cache_free(kv_cache *cache);
int64_t kv_cache_length(const kv_cache *cache);
void kv_cache_truncate(kv_cache *cache, int64_t length); /* forgets the entries from `length` on */

/* ids i64 [...] -> [...,hidden] */
Tensor *decoder_embed(Scope *s, const decoder *d, const Tensor *ids);
/* Runs x [B,N,hidden] at `places` [N] after what the cache holds (NULL: nothing), whose entries they join, and returns hidden
 * state `layer` [B,N,hidden]: 0 is x itself, `layers` the last block's output after the norm, others a block's output.
 * With a cache all blocks run; and where the places belong to owners 0 to G-1, N/G of each one after the other, every owner's
 * attention is computed by itself: what it gets depends, to the byte, on its own entries and the shared ones alone. */
Tensor *decoder_run(Scope *s, const decoder *d, kv_cache *cache, Tensor *x, const decoder_place *places, int64_t layer);
/* The same without a cache through all blocks, with two hidden states as result: `*state` is number `layer`, `*last` the last
 * one after the norm. */
void decoder_run_both(Scope *s, const decoder *d, Tensor *x, const decoder_place *places, int64_t layer, Tensor **state,
                      Tensor **last);
/* hidden [...,hidden], after the norm -> logits [...,vocabulary], or [...,K] of `wanted` i64 [K] alone. */
Tensor *decoder_logits(Scope *s, const decoder *d, const Tensor *hidden, const Tensor *wanted);

#endif
