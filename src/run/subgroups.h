/* Subgroups of images: columns that a data set's samples have, and columns of a table that names images. */
#ifndef RADZ_RUN_SUBGROUPS_H
#define RADZ_RUN_SUBGROUPS_H

#include "data/dataset.h"
#include "run/evaluate.h"

/* Zero-initialise; the functions below add to it. A column that gives all images the same value is left out. */
typedef struct radz_subgroup_columns {
    radz_subgrouping *columns; /* [count] */
    size_t count, capacity;
    radz_arena arena;          /* owns what tables say; a data set's values are its own */
} radz_subgroup_columns;

/* Sex, age band (those of Seyyed-Kalantari 2021, Nature Medicine 27), view and the columns that the data set's card names, of the
 * `n` images at `of` (indices into the data set's samples). Numbers as below. */
radz_status radz_subgroups_of_dataset(const radz_dataset *dataset, const uint32_t *of, size_t n, radz_subgroup_columns *out,
                                      radz_error *err) RADZ_MUST_USE;

/* Columns of a CSV file: one row per image, its id in the column `id_column` (NULL, or not there: the first). `wanted` NULL: all
 * but the id. `ids` [n] are the images; one that the file does not have, or has a blank for, is "unknown"; further rows of the
 * file are not looked at. A column of numbers with more than RADZ_SUBGROUPS_MOST values is parted at its quartiles. Errors: those
 * of data/csv.h, a wanted column that is not there, an id that is there twice, no id in common (RADZ_E_VALUE). */
radz_status radz_subgroups_of_file(const char *path, const char *id_column, const radz_strlist *wanted, const char *const *ids,
                                   size_t n, radz_subgroup_columns *out, radz_error *err) RADZ_MUST_USE;

/* "subgroups 'PATH' SHA-256": a line of provenance. The same file twice is RADZ_E_USAGE. */
radz_status radz_subgroups_add_fact(const char *path, radz_results *results, radz_error *err) RADZ_MUST_USE;

enum { RADZ_SUBGROUPS_MOST = 12 /* of one column; further values go into "other" */ };

void radz_subgroup_columns_free(radz_subgroup_columns *columns);

#endif
