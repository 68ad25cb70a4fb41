/* Processor time of this process so far, in seconds: what a busy machine distorts less than the clock. */
#ifndef RADZ_PERF_CPU_SECONDS_H
#define RADZ_PERF_CPU_SECONDS_H

#include <time.h>

static inline double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
