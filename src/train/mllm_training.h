/* Training of multimodal language models: LLaVA's next-token loss on dialogues about images, and what LLaVA-RadZ adds to it,
 * DFAT's contrast of decoder features and DKAM's anchors (arXiv 2503.07487). */
#ifndef RADZ_TRAIN_MLLM_TRAINING_H
#define RADZ_TRAIN_MLLM_TRAINING_H

#include "encoder/door.h"

/* Trains until options->how.steps are done, then writes the model to options->how.output: the LLaVA folder when the decoder
 * is trained wholly or the model is new, radz.json with radz.safetensors when features are trained.
 *
 *     loss = lm L_lm + cross L_cross + anchor L_anchor
 *
 * L_lm is the mean of -log p over the learnt tokens of a micro-batch, or over its answers of each one's mean; L_cross see
 * cross_loss; L_anchor the mean of anchor_loss of the images' and of the texts' global features. What has no weight is not
 * computed. Dialogues of an image and the special tokens of its image prompt are branches
 * behind the same keys and values: each sees the shared part and itself, as if it had run alone. The anchors are computed
 * with the weights of every anchor_refresh-th step and carry no gradient; the checkpoint holds them. For the losses of the
 * validation split they are computed apart, with the weights of that step.
 * The log has the columns lm, cross, anchor, tau. Otherwise as training_run. */
radz_status train_mllm(const radz_train_mllm_options *options, const radz_mllm_source *source, radz_error *err) RADZ_MUST_USE;

#endif
