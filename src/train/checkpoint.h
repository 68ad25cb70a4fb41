/* The state of a training in one file, from which it continues to the same bytes. */
#ifndef RADZ_TRAIN_CHECKPOINT_H
#define RADZ_TRAIN_CHECKPOINT_H

#include "train/optimizer.h"

/* A safetensors file with "weights/NAME", "first/NAME" and "second/NAME" for each parameter, "step" (i64, steps taken)
 * and "recipe" (u8, the text given). No state of a random generator: what is drawn for a step is a function of the seed
 * and the step. `names` [o->count] are those of o->parameters. The file appears completely or not at all. */
radz_status checkpoint_write(const char *path, const optimizer *o, const char *const *names, const char *recipe,
                             radz_error *err) RADZ_MUST_USE;

/* Fills parameters, moments and step from a file. RADZ_E_VALUE when it was written for another `recipe` or has other
 * tensors; RADZ_E_FORMAT when it is damaged. Nothing is changed unless everything fits. */
radz_status checkpoint_read(const char *path, optimizer *o, const char *const *names, const char *recipe,
                            radz_error *err) RADZ_MUST_USE;

#endif
