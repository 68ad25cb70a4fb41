/* The training loop of a CLIP model. */
#ifndef RADZ_TRAIN_CLIP_TRAINING_H
#define RADZ_TRAIN_CLIP_TRAINING_H

#include "encoder/door.h"

/* Trains from random weights, or from the checkpoint in options->work, until options->steps are done, then writes the
 * model to options->output. The same options, source and number of threads give the same bytes on the same machine,
 * however often it was interrupted. The log has the column logit_scale; see training_run for the rest. */
radz_status train_clip(const radz_train_clip_options *options, const radz_train_source *source,
                       radz_error *err) RADZ_MUST_USE;

#endif
