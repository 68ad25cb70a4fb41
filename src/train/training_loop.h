/* The loop of every training: steps, learning rate, gradient norm, log, checkpoints, interruption. What a step computes is
 * the caller's. */
#ifndef RADZ_TRAIN_TRAINING_LOOP_H
#define RADZ_TRAIN_TRAINING_LOOP_H

#include "encoder/training.h"
#include "train/optimizer.h"

enum { TRAINING_MAX_COLUMNS = 8 };

typedef struct training_loop {
    const radz_train_options *options;
    optimizer *optimizer;     /* borrowed */
    const char *const *names; /* [optimizer->count] of the parameters, for checkpoints */
    const char *const *columns; /* [column_count] names of what a step tells beside its loss */
    size_t column_count, part_count; /* the first so many columns are parts of the loss */
    void *context;
    /* The loss of a micro-batch [], recorded in `s` (a SCOPE_GRAD scope, cleared afterwards); adds to `told` [column_count]
     * what the log wants, which is averaged over the micro-batches of a step. `number` counts micro-batches from 0. With
     * `validation` that of a batch of the validation split by the weights as they are, in a SCOPE_INFERENCE scope; nothing
     * that later steps depend on may change. */
    radz_status (*loss)(void *context, Scope *s, bool validation, int64_t number, Tensor **loss, double *told, radz_error *err);
    /* After each step: brings parameters back into their range. NULL: nothing to do. */
    void (*constrain)(void *context, Scope *s);
    /* NULL: no AUC is measured on the validation split. */
    radz_status (*measure)(void *context, int64_t step, double *auc, radz_error *err);
} training_loop;

/* RADZ_E_UNSUPPORTED, RADZ_E_VALUE: options that no training has. */
radz_status training_check(const radz_train_options *options, radz_error *err) RADZ_MUST_USE;
/* For encoders of radz_train_measure: features [n,d] of a scope of their own to `out`. Frees the scope. */
radz_status training_hand_out(Scope *s, const Tensor *features, float *out, radz_error *err) RADZ_MUST_USE;
/* To be called before large tensors are made. */
void training_keep_memory(void);

/* Continues from options->work/checkpoint.safetensors unless `fresh`, and runs until the steps are done (`*done`) or
 * stop_after is reached. Each step adds a line to log.csv: step,loss,COLUMNS,learning_rate,gradient_norm,validation,seconds;
 * `validation` is the AUC. With losses of the validation split, the mean of its batches of a fixed choice, there are the columns
 * validation_loss and validation_PART before `seconds`. The validation fields are empty for steps without. Lines of a
 * training that is continued are kept, whichever of these columns they were written with.
 * RADZ_E_INTERRUPTED on cancellation, after a checkpoint; RADZ_E_VALUE when the loss is no longer a number, or the
 * checkpoint is of another recipe. */
radz_status training_run(const training_loop *loop, bool *done, radz_error *err) RADZ_MUST_USE;

#endif
