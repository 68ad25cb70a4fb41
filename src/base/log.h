/* Messages and progress on their way to a person. The rooms call these; only bench/ decides where they go: without a
 * sink nothing is printed. Thread-safe. Also the one flag that Ctrl-C sets. */
#ifndef RADZ_BASE_LOG_H
#define RADZ_BASE_LOG_H

#include "base/status.h"

typedef enum radz_log_level { RADZ_LOG_INFO, RADZ_LOG_WARNING } radz_log_level;

/* One finished line, without its newline. */
typedef void (*radz_log_sink)(void *context, radz_log_level level, const char *line);
void radz_log_set_sink(radz_log_sink sink, void *context);
void radz_info(const char *format, ...) RADZ_PRINTF(1, 2);
void radz_warn(const char *format, ...) RADZ_PRINTF(1, 2);

/* Progress of one stage: begin, step from any thread, end. The sink sees a snapshot at most every 100 ms and at begin
 * and end. */
typedef struct radz_progress_state {
    const char *stage;      /* "encode images"; borrowed until end */
    const char *unit;       /* "images" */
    size_t done, total;     /* total 0: unknown */
    double seconds;         /* since begin */
    bool finished;
} radz_progress_state;
typedef void (*radz_progress_sink)(void *context, const radz_progress_state *state);
void radz_progress_set_sink(radz_progress_sink sink, void *context);

typedef struct radz_progress {
    radz_progress_state state;
    double begun, shown;
} radz_progress;
void radz_progress_begin(radz_progress *progress, const char *stage, const char *unit, size_t total);
void radz_progress_step(radz_progress *progress, size_t count);
void radz_progress_end(radz_progress *progress);

/* Cancellation: set by the signal handler of bench/, polled by every long loop, which then returns
 * radz_fail_interrupted after keeping what it has. */
void radz_cancel_request(void); /* async-signal-safe */
bool radz_cancelled(void);
void radz_cancel_reset(void); /* tests */
radz_status radz_fail_interrupted(radz_error *err);

#endif
