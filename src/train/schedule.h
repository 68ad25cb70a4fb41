/* The learning rate over a training. */
#ifndef RADZ_TRAIN_SCHEDULE_H
#define RADZ_TRAIN_SCHEDULE_H

#include <stdint.h>

/* Linear warm-up, then half a cosine down to `final` x peak (Loshchilov and Hutter 2017 without restarts). For the step
 * i in [0, steps):
 *     i < warmup:  peak (i + 1) / warmup
 *     otherwise:   peak (final + (1 - final) (1 + cos(pi (i - warmup) / (steps - warmup))) / 2)
 * warmup in [0, steps], final in [0, 1]. A step at or past the end gives peak x final. */
double schedule_rate(double peak, double final, int64_t warmup, int64_t steps, int64_t i);

#endif
