/* The contrastive loss of two towers (symmetric InfoNCE) with any number of positives. */
#ifndef RADZ_TRAIN_INFONCE_H
#define RADZ_TRAIN_INFONCE_H

#include "torch/tensor.h"

/* The learned scale of CLIP is kept at or below 100: log_scale is clamped to [0, ln 100] after each step. */
#define INFONCE_LOG_SCALE_MAX 4.605170185988092

/* With u_i = image_i / |image_i|, v_j = text_j / |text_j| and logits l_ij = exp(log_scale) <u_i, v_j>:
 *
 *     loss = -1/2 ( 1/B sum_ij P_ij log softmax_j(l_i.)_j + 1/M sum_ij Q_ij log softmax_i(l_.j)_i )
 *
 * (van den Oord et al. 2018, eq. 4; both directions as in Radford et al. 2021, figure 3, which is B = M and P = Q = 1;
 * several positives as L_sup_out of Khosla et al. 2020, eq. 2). images [B,d], texts [M,d], not normalised; log_scale: []
 * or [1]; to_text P, to_image Q [B,M] of infonce_targets, without gradient. -> [] */
Tensor *infonce_loss(Scope *s, const Tensor *images, const Tensor *texts, const Tensor *log_scale,
                     const Tensor *to_text, const Tensor *to_image);

/* Sets the `count` values out[0], out[step], ... to 1/n where `positive` (likewise) is 1, n of them, else to 0. Returns n. */
size_t share_targets(const uint8_t *positive, size_t count, size_t step, float *out);
/* positive [images,texts], 0 or 1 -> to_text: its rows divided by their sums, to_image: its columns; both [images,texts],
 * the caller's. RADZ_E_VALUE names an image without a text or a text without an image. */
radz_status infonce_targets(const uint8_t *positive, size_t images, size_t texts, float *to_text, float *to_image,
                            radz_error *err) RADZ_MUST_USE;

#endif
