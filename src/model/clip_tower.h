/* The pre-norm transformer of CLIP's two towers, and its vision transformer up to any layer, which LLaVA uses too. */
#ifndef RADZ_MODEL_CLIP_TOWER_H
#define RADZ_MODEL_CLIP_TOWER_H

#include "config/clip_config.h"
#include "model/parameters.h"

typedef struct clip_layer {
    norm_weights norm1, norm2;
    linear_weights q, k, v, out; /* [d,d] */
    linear_weights fc1, fc2;     /* [m,d], [d,m] */
} clip_layer;

typedef struct clip_tower {
    const clip_tower_config *config;
    clip_layer *layers; /* in the arena */
    int64_t count;      /* of layers that are there */
} clip_tower;

typedef struct clip_vision {
    const clip_vision_config *config;
    Tensor *class_embedding; /* [d] */
    Tensor *patch_embedding; /* [d,3,p,p] */
    Tensor *positions;       /* [1+patches,d] */
    norm_weights norm_in;
    clip_tower tower;
} clip_vision;

/* PREFIXencoder.layers.0 to `count` - 1; the prefix ends in a dot or is empty. Deviations of random ones as in
 * initialize_parameters of OpenAI's CLIP, times this initializer_factor: transformers' CLIPPreTrainedModel has those of the
 * queries, keys and values exchanged with that of the attention's output, and small queries and keys keep a small model from
 * learning for hundreds of steps. The configurations are borrowed. */
radz_status clip_tower_take(model_parameters *from, radz_arena *arena, const char *prefix, const clip_tower_config *config,
                            int64_t count, double factor, clip_tower *out, radz_error *err) RADZ_MUST_USE;
radz_status clip_vision_take(model_parameters *from, radz_arena *arena, const char *prefix, const clip_vision_config *config,
                             int64_t count, double factor, double range, clip_vision *out, radz_error *err) RADZ_MUST_USE;

/* One layer. `ask` [B,Q,d] are the positions whose new values are wanted, `x` [B,T,d] all of them (the same tensor when
 * all are wanted); mask and causal as in t_attention -> [B,Q,d]. */
Tensor *clip_layer_run(Scope *s, const clip_tower_config *config, const clip_layer *layer, Tensor *ask, Tensor *x,
                       const Tensor *mask, bool causal);
Tensor *clip_activate(Scope *s, Tensor *x, clip_activation activation);
/* pixels [B,3,S,S], any floating type -> the embeddings [B,1+patches,d], class token first: hidden state 0. */
Tensor *clip_vision_embed(Scope *s, const clip_vision *vision, const Tensor *pixels);
/* Hidden state `layer`, from 0 to tower.count. */
Tensor *clip_vision_hidden(Scope *s, const clip_vision *vision, const Tensor *pixels, int64_t layer);

#endif
