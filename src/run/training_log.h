/* Reads the log of a training. */
#ifndef RADZ_RUN_TRAINING_LOG_H
#define RADZ_RUN_TRAINING_LOG_H

#include "report/training_curves.h"

#define RADZ_TRAINING_LOG "log.csv" /* in a training's folder */

/* Whether a path is such a log or a folder that holds one. */
bool radz_training_log_is(const char *path);

/* `path`: the file, or the folder of a training. The log's name is the folder's. Every field is a number or empty; a last line
 * without line break (a training that goes on) is passed over when it is not whole. `out` is freed with
 * radz_training_log_free also after an error. RADZ_E_FORMAT: no CSV, a field that is no number, no row. */
radz_status radz_training_log_read(const char *path, radz_training_log *out, radz_error *err) RADZ_MUST_USE;
void radz_training_log_free(radz_training_log *log);

#endif
