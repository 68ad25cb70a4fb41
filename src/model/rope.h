/* Angles of rotary position embeddings with the scalings for long contexts. Plain numbers. */
#ifndef RADZ_MODEL_ROPE_H
#define RADZ_MODEL_ROPE_H

#include "config/decoder_config.h"

/* inverse_frequencies [head_dim/2], float as transformers has them; `*attention` multiplies cosines and sines. */
void rope_frequencies(const rope_config *config, int64_t head_dim, float *inverse_frequencies, double *attention);
/* cosines, sines [count,head_dim/2] at the positions. */
void rope_tables(const float *inverse_frequencies, int64_t head_dim, double attention, const int64_t *positions, int64_t count,
                 float *cosines, float *sines);

#endif
