/* The weights of one model by name: tensors that lie in the mapped files, checked for shape, counted. */
#ifndef RADZ_MODEL_WEIGHTS_H
#define RADZ_MODEL_WEIGHTS_H

#include "model/safetensors.h"

typedef struct weights weights;

typedef struct weights_options {
    TDevice device;
    TDtype dtype;  /* a floating type: what the weights become; no copy when the file has it and the device is the cpu */
    int threads;   /* for the scan for NaN */
    bool writable; /* every weight gets memory of its own, to be trained */
} weights_options;

/* Opens and scans the weight files of a model folder (see safetensors_open_dir), or one file. The tensors given out belong to the weights and live as long. */
radz_status weights_open(const char *path, const weights_options *options, weights **out, radz_error *err) RADZ_MUST_USE;
void weights_free(weights *w);

/* The tensor of that name (printf-style), which must have this shape (and a floating type). A missing tensor or a wrong
 * shape is remembered and gives NULL: take all, then ask weights_finish. */
Tensor *weights_take(weights *w, int ndim, const int64_t *shape, const char *format, ...) RADZ_PRINTF(4, 5);
/* The tensors of another file stand in for those of the same name, or are there as well. Names as LLaVA's trainer saves them:
 * what PEFT puts before the model's own ("base_model.", then "model." where a "model." follows) does not count. */
radz_status weights_replace(weights *w, const char *path, radz_error *err) RADZ_MUST_USE;
bool weights_has(const weights *w, const char *name);
/* Marks a tensor as known and not needed (a buffer such as position_ids). Absent is fine. */
void weights_ignore(weights *w, const char *name);
void weights_ignore_prefix(weights *w, const char *prefix); /* all whose names begin so; "" for all */
const safetensors *weights_files(const weights *w);         /* borrowed; without those of weights_replace */
/* RADZ_E_VALUE: a wrong shape or type; RADZ_E_MISSING: names of all missing tensors; RADZ_E_VALUE: names of all tensors
 * nobody took. Long lists are cut, their length is said. */
radz_status weights_finish(weights *w, radz_error *err) RADZ_MUST_USE;

#endif
