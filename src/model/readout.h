/* Features read out of the decoder (LLaVA-RadZ): means of a hidden state over positions, L2-normalised. */
#ifndef RADZ_MODEL_READOUT_H
#define RADZ_MODEL_READOUT_H

#include "model/llava.h"

enum { READOUT_GLOBAL = 1, READOUT_LOCAL = 2 }; /* bits of a role */

typedef struct readout_prompt {
    const int32_t *ids;   /* [count] */
    const uint8_t *roles; /* [count] */
    size_t count;
    const float *pixels;  /* [images,3,S,S] */
    size_t images;
} readout_prompt;

typedef struct readout_options {
    int64_t layer;  /* into the hidden states, negative from the end */
    bool project;   /* through the projection head */
    int64_t pad_to; /* positions every prompt is padded to; 0: the longest */
} readout_options;

/* Sets the weights 1/n of the n positions with `role` in a row that is all zeros otherwise, [what llava_prompt_length says]; a
 * picture's role holds for all its positions. False: there is none. */
bool readout_means(const llava *m, const int32_t *ids, const uint8_t *roles, size_t count, uint8_t role, float *row);
/* global, local [count,d], d the head's or the decoder's width; NULL: not wanted. `*positions` (may be NULL) grows by what
 * the prompts take without padding. */
radz_status readout(const llava *m, const readout_prompt *prompts, size_t count, const readout_options *options, float *global,
                    float *local, uint64_t *positions, radz_error *err) RADZ_MUST_USE;
/* Mean of the input embeddings of ids -> out [hidden]. */
radz_status readout_embed_mean(const llava *m, const int32_t *ids, size_t count, float *out, radz_error *err) RADZ_MUST_USE;

#endif
