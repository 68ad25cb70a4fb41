/* Label files of any format, read as rows of named columns. A format is one file table_<name>.c with an ops struct, listed
 * in table.c under the reader kind of the cards. */
#ifndef RADZ_DATA_TABLE_H
#define RADZ_DATA_TABLE_H

#include "data/card.h"

/* What is read. `files` are [n_files], at least one (reader "folder": none). */
typedef struct radz_table_source {
    const radz_dataset_card *card;
    const char *root;
    const char *const *files;
    size_t n_files;
} radz_table_source;

typedef struct radz_table_ops {
    radz_status (*open)(const radz_table_source *source, void **state, radz_error *err);
    size_t (*columns)(const void *state);
    const char *(*column_name)(const void *state, size_t i);
    /* As radz_csv_next: `*fields` [columns] are valid until the next call. */
    radz_status (*next)(void *state, const char *const **fields, bool *more, radz_error *err);
    void (*place)(const void *state, radz_strbuf *out); /* of the current row: "'FILE' line 3"; out of memory: shorter */
    size_t (*line)(const void *state); /* of the current row in its file; 0: the format has no lines */
    void (*close)(void *state);        /* NULL: no-op */
} radz_table_ops;

typedef struct radz_table {
    const radz_table_ops *ops;
    void *state;
    const char *file; /* the first file, or the root; borrowed from the source */
    radz_strbuf where;
} radz_table; /* zero-initialise */

radz_status radz_table_open(const radz_table_source *source, radz_table *out, radz_error *err) RADZ_MUST_USE;
void radz_table_close(radz_table *table);
/* The place of a column; RADZ_E_MISSING names the file, the column and the columns found. */
radz_status radz_table_column(const radz_table *table, const char *name, size_t *at, radz_error *err) RADZ_MUST_USE;
radz_status radz_table_next(radz_table *table, const char *const **fields, bool *more, radz_error *err) RADZ_MUST_USE;
const char *radz_table_place(radz_table *table); /* for messages; valid until the next call */
size_t radz_table_line(const radz_table *table);

/* ---- for the formats ---- */

/* Names of the files that match `pattern` below `root` ('*', '?' and '[' in any part of it), as paths with the root, in byte
 * order; NAME.gz and NAME.zip count for a pattern without wildcards. Adds to `out`. */
radz_status radz_match_files(const char *root, const char *pattern, radz_strlist *out, radz_error *err) RADZ_MUST_USE;
/* Whether bytes are UTF-8 without NUL; an error in words ("PLACE: the byte 0xE9 is not UTF-8 ...") otherwise. */
radz_status radz_check_text(const char *text, size_t size, const char *place, radz_error *err) RADZ_MUST_USE;

extern const radz_table_ops radz_table_csv, radz_table_words, radz_table_folder, radz_table_xml, radz_table_json;

#endif
