/* The contrastive loss of two towers (symmetric InfoNCE). */
#ifndef RADZ_TRAIN_INFONCE_H
#define RADZ_TRAIN_INFONCE_H

#include "torch/tensor.h"

/* Which texts of a batch are a positive of an image. */
typedef enum infonce_positives {
    INFONCE_PAIR,      /* its own text alone (Radford et al. 2021) */
    INFONCE_SAME_TEXT  /* every text of the batch with the same token ids, in equal parts */
} infonce_positives;

/* The learned scale of CLIP is kept at or below 100: log_scale is clamped to [0, ln 100] after each step. */
#define INFONCE_LOG_SCALE_MAX 4.605170185988092

/* With u_i = image_i / |image_i|, v_j = text_j / |text_j| and logits l_ij = exp(log_scale) <u_i, v_j>:
 *
 *     loss = -1/(2B) sum_ij P_ij ( log softmax_j(l_i.)_j + log softmax_i(l_.j)_i )
 *
 * (van den Oord et al. 2018, eq. 4; both directions as in Radford et al. 2021, figure 3). P is the identity when
 * `targets` is NULL; otherwise a symmetric [B,B] matrix whose rows sum to one (infonce_targets), without gradient.
 * images, texts: [B,d], not normalised; log_scale: [] or [1]. -> [] */
Tensor *infonce_loss(Scope *s, const Tensor *images, const Tensor *texts, const Tensor *log_scale,
                     const Tensor *targets);

/* P of INFONCE_SAME_TEXT: P_ij = [text_i == text_j] / |{k: text_k == text_i}|. `ids` [B,T] row-major; rows are compared
 * whole, so they must be padded alike. `targets` [B,B] belongs to the caller. Returns the number of pairs i != j that are
 * positives. O(B^2 T) at worst. */
size_t infonce_targets(const int32_t *ids, size_t batch, size_t tokens, float *targets);

#endif
