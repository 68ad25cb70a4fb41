/* Time and memory of this process. */
#ifndef RADZ_BASE_CLOCK_H
#define RADZ_BASE_CLOCK_H

#include <stddef.h>

double radz_clock_seconds(void);    /* monotonic, arbitrary zero */
size_t radz_peak_memory_bytes(void); /* highest resident set so far */
int radz_cpu_count(void);           /* processors this process may run on, at least 1 */

#endif
