#include "bench/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"

enum { PLAIN_INTERVAL = 10 /* seconds */ };

typedef struct terminal_state {
    bool tty;
    bool line_open;      /* a progress line without its newline stands on the terminal */
    double plain_shown;  /* stage seconds of the last plain line */
} terminal_state;

static terminal_state terminal; /* touched under the lock of base/log.c only */

static void clear_line(void)
{
    if (terminal.line_open)
        fputs("\r\033[K", stderr);
    terminal.line_open = false;
}

static void show_line(void *context, radz_log_level level, const char *line)
{
    (void)context;
    clear_line();
    fprintf(stderr, "%s%s\n", level == RADZ_LOG_WARNING ? "warning: " : "", line);
}

enum { SPAN_TEXT = 32 };

static void span_text(double seconds, char text[SPAN_TEXT])
{
    long s = seconds < 0 || seconds > 1e9 ? 0 : (long)(seconds + 0.5);
    if (s < 3600)
        snprintf(text, SPAN_TEXT, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(text, SPAN_TEXT, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

static void progress_text(const radz_progress_state *p, bool bar, char *text, size_t size)
{
    double rate = p->seconds > 0.05 ? (double)p->done / p->seconds : 0;
    size_t used = (size_t)snprintf(text, size, "%-16s ", p->stage);
    if (p->total > 0 && bar) {
        enum { WIDTH = 20 };
        size_t full = p->done >= p->total ? WIDTH : p->done * WIDTH / p->total;
        text[used++] = '[';
        for (size_t i = 0; i < WIDTH; i++)
            text[used++] = i < full ? '#' : '.';
        text[used++] = ']';
        text[used++] = ' ';
    }
    if (p->total > 0)
        used += (size_t)snprintf(text + used, size - used, "%zu/%zu %s", p->done, p->total, p->unit);
    else
        used += (size_t)snprintf(text + used, size - used, "%zu %s", p->done, p->unit);
    if (rate > 0)
        used += (size_t)snprintf(text + used, size - used, rate < 10 ? "  %.1f/s" : "  %.0f/s", rate);
    char span[SPAN_TEXT];
    if (p->finished) {
        span_text(p->seconds, span);
        snprintf(text + used, size - used, "  done in %s", span);
    } else if (rate > 0 && p->total > p->done) {
        span_text((double)(p->total - p->done) / rate, span);
        snprintf(text + used, size - used, "  %s left", span);
    }
}

static void show_progress(void *context, const radz_progress_state *p)
{
    (void)context;
    char text[256];
    if (terminal.tty) {
        progress_text(p, true, text, sizeof text);
        struct winsize window;
        size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col - 1u : 79;
        if (strlen(text) > width)
            text[width] = '\0';
        fprintf(stderr, "\r\033[K%s", text);
        terminal.line_open = true;
        if (p->finished) {
            putc('\n', stderr);
            terminal.line_open = false;
        }
        fflush(stderr);
        return;
    }
    bool begins = p->done == 0 && !p->finished;
    if (begins)
        terminal.plain_shown = 0;
    if (p->finished || p->seconds - terminal.plain_shown >= PLAIN_INTERVAL) {
        terminal.plain_shown = p->seconds;
        progress_text(p, false, text, sizeof text);
        fprintf(stderr, "%s\n", text);
    }
}

static void on_signal(int number)
{
    if (radz_cancelled()) { /* asked twice: do not wait for the orderly end */
        signal(number, SIG_DFL);
        raise(number);
    }
    radz_cancel_request();
}

void radz_terminal_open(bool quiet)
{
    terminal.tty = isatty(STDERR_FILENO) && strcmp(getenv("TERM") != NULL ? getenv("TERM") : "dumb", "dumb") != 0;
    if (!quiet) {
        radz_log_set_sink(show_line, NULL);
        radz_progress_set_sink(show_progress, NULL);
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe and a file over `ulimit -f` are write errors like any other */
    signal(SIGXFSZ, SIG_IGN);
}

bool radz_terminal_is_tty(void)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0') &&
           strcmp(getenv("TERM") != NULL ? getenv("TERM") : "dumb", "dumb") != 0;
}
