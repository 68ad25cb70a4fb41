/* Low-rank updates of weights (Hu et al. 2021) as PEFT saves them: W + scale B A for each module it names. */
#ifndef RADZ_MODEL_LORA_H
#define RADZ_MODEL_LORA_H

#include "model/safetensors.h"

typedef struct lora lora;

/* A PEFT folder: adapter_config.json with adapter_model.safetensors (or .bin). RADZ_E_UNSUPPORTED names the option that is
 * not handled (DoRA, biases, patterns of ranks, further saved modules). The caller frees `*out`. */
radz_status lora_open(const char *dir, lora **out, radz_error *err) RADZ_MUST_USE;
/* The pairs NAME.lora_A.weight, NAME.lora_B.weight of an opened file (borrowed), whose other tensors are ignored. */
radz_status lora_from_file(const safetensors *file, double alpha, int64_t rank, lora **out, radz_error *err) RADZ_MUST_USE;
void lora_free(lora *l);

/* `weight` [out,in] of the module, updated if there is a pair for it (in `s`, computed in f32), else `weight` itself. Modules
 * are compared without what stands before the layers: "layers.0.self_attn.q_proj", "lm_head", "multi_modal_projector.linear_1". */
Tensor *lora_merge(Scope *s, lora *l, const char *module, Tensor *weight);
/* RADZ_E_VALUE names the pairs that no weight has taken. */
radz_status lora_finish(const lora *l, radz_error *err) RADZ_MUST_USE;

#endif
