/* The loss against category anchors (DKAM), and the crossed contrastive loss (DFAT), of LLaVA-RadZ, arXiv 2503.07487. */
#ifndef RADZ_TRAIN_ANCHOR_LOSS_H
#define RADZ_TRAIN_ANCHOR_LOSS_H

#include "torch/tensor.h"

/* With g_i = features_i / |features_i| and l_ik = exp(log_scale) <g_i, a_k>:
 *
 *     loss = -1/n sum_ik P_ik log softmax_k(l_i.)_k      over the n rows that have a target
 *
 * features [B,d], not normalised; anchors [K,d], rows of length 1; log_scale [] or [1]; targets P [B,K] of anchor_targets,
 * `rows` = n. Without any row the loss is 0. -> [] */
Tensor *anchor_loss(Scope *s, const Tensor *features, const Tensor *anchors, const Tensor *log_scale, const Tensor *targets,
                    size_t rows);

/* member [count,anchors], 0 or 1 -> targets: its rows divided by their sums, a row of zeros stays; returns the rows that are
 * not zeros. `targets` [count,anchors] is the caller's. */
size_t anchor_targets(const uint8_t *member, size_t count, size_t anchors, float *targets);

/* Mean of two symmetric InfoNCE terms (infonce.h): crossed, of (global image, local text) and (local image, global text);
 * else of (global, global) and (local, local). All features [B or M,d], not normalised. -> [] */
Tensor *cross_loss(Scope *s, const Tensor *image_global, const Tensor *image_local, const Tensor *text_global,
                   const Tensor *text_local, const Tensor *log_scale, const Tensor *to_text, const Tensor *to_image, bool crossed);

#endif
