#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static radz_log_sink log_sink;
static void *log_context;
static radz_progress_sink progress_sink;
static void *progress_context;
static atomic_bool cancel_flag;

void radz_log_set_sink(radz_log_sink sink, void *context)
{
    pthread_mutex_lock(&sink_lock);
    log_sink = sink;
    log_context = context;
    pthread_mutex_unlock(&sink_lock);
}

void radz_progress_set_sink(radz_progress_sink sink, void *context)
{
    pthread_mutex_lock(&sink_lock);
    progress_sink = sink;
    progress_context = context;
    pthread_mutex_unlock(&sink_lock);
}

static void send_line(radz_log_level level, const char *format, va_list args)
{
    char line[2048];
    vsnprintf(line, sizeof line, format, args);
    pthread_mutex_lock(&sink_lock);
    if (log_sink != NULL)
        log_sink(log_context, level, line);
    pthread_mutex_unlock(&sink_lock);
}

void radz_info(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    send_line(RADZ_LOG_INFO, format, args);
    va_end(args);
}

void radz_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    send_line(RADZ_LOG_WARNING, format, args);
    va_end(args);
}

/* Called with the lock held. */
static void show(radz_progress *progress, double now)
{
    progress->shown = now;
    progress->state.seconds = now - progress->begun;
    if (progress_sink != NULL)
        progress_sink(progress_context, &progress->state);
}

void radz_progress_begin(radz_progress *progress, const char *stage, const char *unit, size_t total)
{
    pthread_mutex_lock(&sink_lock);
    *progress = (radz_progress){.state = {.stage = stage, .unit = unit, .total = total}};
    progress->begun = radz_clock_seconds();
    show(progress, progress->begun);
    pthread_mutex_unlock(&sink_lock);
}

void radz_progress_step(radz_progress *progress, size_t count)
{
    pthread_mutex_lock(&sink_lock);
    progress->state.done += count;
    double now = radz_clock_seconds();
    if (now - progress->shown >= 0.1)
        show(progress, now);
    pthread_mutex_unlock(&sink_lock);
}

void radz_progress_end(radz_progress *progress)
{
    pthread_mutex_lock(&sink_lock);
    progress->state.finished = true;
    show(progress, radz_clock_seconds());
    pthread_mutex_unlock(&sink_lock);
}

void radz_cancel_request(void)
{
    atomic_store(&cancel_flag, true);
}

bool radz_cancelled(void)
{
    return atomic_load(&cancel_flag);
}

void radz_cancel_reset(void)
{
    atomic_store(&cancel_flag, false);
}

radz_status radz_fail_interrupted(radz_error *err)
{
    return radz_fail(err, RADZ_E_INTERRUPTED, "interrupted; what was computed so far is kept");
}
