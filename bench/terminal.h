/* Where messages and progress of the rooms become text on the terminal: stderr, so that stdout holds results alone. */
#ifndef RADZ_BENCH_TERMINAL_H
#define RADZ_BENCH_TERMINAL_H

#include <stdbool.h>

/* Installs the sinks of base/log.h and the handlers of Ctrl-C and SIGTERM. On a terminal progress is one line that
 * redraws itself; elsewhere it is a plain line when a stage begins and ends and every ten seconds between. */
void radz_terminal_open(bool quiet);
bool radz_terminal_is_tty(void);    /* stdout is a terminal: colour is allowed unless NO_COLOR is set */

#endif
