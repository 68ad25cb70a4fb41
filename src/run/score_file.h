/* Score files that another program wrote: ids and one column of scores per class, as CSV, or as HDF5 with the data sets
 * `ids` [n] and `classes` [C] (strings) and `scores` [n, C] (numbers). Opening gives the columns, so that the caller can
 * choose the ones it has labels for; reading gives their scores. */
#ifndef RADZ_RUN_SCORE_FILE_H
#define RADZ_RUN_SCORE_FILE_H

#include "base/mem.h"
#include "base/str.h"
#include "data/name_table.h"

typedef struct radz_score_options {
    const char *id_column; /* CSV: NULL: the first column */
    const char *prefix;    /* taken off the front of the names of columns that have it; NULL: none */
} radz_score_options;

typedef struct radz_score_file {
    const char *path;      /* as in messages */
    const char *name;      /* the path's last part without its extension: what the model is called */
    const char **columns;  /* [n_columns] all but the id, without the prefix, in the file's order, distinct */
    size_t n_columns;
    radz_name_table ids;   /* after reading: numbers are rows, in the file's order */
    size_t n, n_chosen;
    double *scores;        /* [n, n_chosen], after reading; finite */
    radz_arena arena;
    struct radz_score_source *source; /* until it is read */
} radz_score_file;

/* `*out` is the caller's. RADZ_E_MISSING for an id column that is not there; two columns of one name are RADZ_E_FORMAT. */
radz_status radz_score_file_open(const char *path, const radz_score_options *options, radz_score_file **out,
                                 radz_error *err) RADZ_MUST_USE;
/* The CSV form from a text that messages call `name`. */
radz_status radz_score_file_open_text(const char *text, size_t size, const char *name, const radz_score_options *options,
                                      radz_score_file **out, radz_error *err) RADZ_MUST_USE;
/* Reads `count` columns, given by their places in file->columns. Once. A score that is not a finite number, an empty id and
 * one that is there twice are RADZ_E_VALUE with file, line and column; no row at all is RADZ_E_FORMAT. */
radz_status radz_score_file_read(radz_score_file *file, const size_t *chosen, size_t count, radz_error *err) RADZ_MUST_USE;
void radz_score_file_free(radz_score_file *file);

#endif
