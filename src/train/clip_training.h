/* The training loop of a CLIP model. */
#ifndef RADZ_TRAIN_CLIP_TRAINING_H
#define RADZ_TRAIN_CLIP_TRAINING_H

#include "encoder/door.h"

/* Trains from random weights, or from the checkpoint in options->work, until options->steps are done, then writes the
 * model to options->output. The same options, source and number of threads give the same bytes on the same machine,
 * however often it was interrupted. Every step adds a line to log.csv (step,loss,learning_rate,gradient_norm,
 * logit_scale,validation,seconds). RADZ_E_INTERRUPTED on cancellation, after a checkpoint; RADZ_E_VALUE when the loss is
 * no longer a number, or the checkpoint is of another recipe. */
radz_status train_clip(const radz_train_clip_options *options, const radz_train_source *source,
                       radz_error *err) RADZ_MUST_USE;

#endif
