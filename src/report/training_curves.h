/* The curves of trainings, drawn from their logs. */
#ifndef RADZ_REPORT_TRAINING_CURVES_H
#define RADZ_REPORT_TRAINING_CURVES_H

#include "base/status.h"

/* A training's log: one row per step. Borrowed by the plot. */
typedef struct radz_training_log {
    char *name;      /* of the training, for the legend */
    char **columns;  /* [n_columns] names of the header */
    size_t n_columns;
    double *values;  /* [rows, n_columns] row-major; NaN: an empty field */
    size_t rows;
} radz_training_log;

/* Writes DIR/training.gp and, when `draw`, the pictures (radz_plots_write in report/plot.h says how): a panel for each column
 * over the column `step`. Parts of the loss share its panel when there is one log; of several logs, each is a line in every
 * panel. Columns are taken as they come: what is not known gets a panel of its own; `seconds` gets none. Thin lines are
 * the values of single steps, thick ones their mean over a fortieth of the training; points on a line are the same on the
 * validation split (`validation_X` in the panel of X). RADZ_E_MISSING: a log without `step`. */
radz_status radz_training_plot(const radz_training_log *logs, size_t n, const char *dir, bool draw,
                               radz_error *err) RADZ_MUST_USE;

#endif
