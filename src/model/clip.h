/* CLIP (Radford et al. 2021): a vision transformer and a causal text transformer with a common embedding space, in the
 * layout of Hugging Face's CLIPModel (config.json + model.safetensors). */
#ifndef RADZ_MODEL_CLIP_H
#define RADZ_MODEL_CLIP_H

#include "config/clip_config.h"
#include "model/parameters.h"
#include "torch/tensor.h"

typedef struct clip_options {
    TDevice device; /* zero: cpu */
    TDtype dtype;   /* zero: f32; f16 and bf16 compute in that type */
    int threads;    /* for reading; computing uses t_threads_set */
    bool trainable; /* weights in memory of their own (f32 only), collecting gradients in grad scopes */
} clip_options;

typedef struct clip_model clip_model;

/* Opens a model folder. Weights stay in the mapped file unless type, device or `trainable` ask for a copy. Missing,
 * surplus, misshapen and non-finite tensors are errors that name them. */
radz_status clip_open(const char *dir, const clip_options *options, clip_model **out, radz_error *err) RADZ_MUST_USE;
/* A new trainable f32 model on the cpu, initialised as in clip_tower.h; the same seed gives the same bytes. */
radz_status clip_init_random(const clip_config *config, uint64_t seed, clip_model **out, radz_error *err) RADZ_MUST_USE;
void clip_free(clip_model *model);
const clip_config *clip_config_of(const clip_model *model);

/* pixels [B,3,S,S], preprocessed, any floating type -> [B,embed_dim] in the model's type, not normalised. */
Tensor *clip_image_features(Scope *s, const clip_model *model, const Tensor *pixels);
/* ids i64 [B,T], T <= context -> [B,embed_dim], not normalised. The embedding of a text is that of its end token: the
 * first position of eos_token, or of the highest id where eos_token is 2 (as in the configurations of OpenAI's models).
 * Later positions do not change it. */
Tensor *clip_text_features(Scope *s, const clip_model *model, const Tensor *ids);
Tensor *clip_logit_scale(const clip_model *model);     /* [] the parameter, a logarithm; borrowed */
double clip_logit_factor(const clip_model *model);     /* exp of it, as it is now */

/* All weights, in a fixed order; borrowed. They are leaves when the model is trainable. */
size_t clip_parameters(const clip_model *model, const model_parameter **out);

/* Writes DIR/model.safetensors (f32 of an f32 model, else the model's type) and DIR/config.json, as transformers loads
 * them; same weights, same bytes. The folder is made if need be. */
radz_status clip_save(const clip_model *model, const char *dir, radz_error *err) RADZ_MUST_USE;

#endif
