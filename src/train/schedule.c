#include "train/schedule.h"

#include "base/detmath.h"

double schedule_rate(double peak, double final, int64_t warmup, int64_t steps, int64_t i)
{
    if (i < warmup)
        return peak * (double)(i + 1) / (double)warmup;
    if (i >= steps)
        return peak * final;
    double done = (double)(i - warmup) / (double)(steps - warmup);
    return peak * (final + (1 - final) * 0.5 * (1 + det_cos(3.141592653589793 * done)));
}
