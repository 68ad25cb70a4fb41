/* CSV files with a header line, read row by row, also from gzip and zip. The only includer of libcsv. Takes CRLF and LF, a
 * byte order mark, quoted fields with separators, quotes and line breaks inside; a last line without line break; empty lines are passed
 * over. Last columns without a name may be left out of rows (ChestX-ray14's box list does so). Blanks around header
 * names are dropped, and around fields too unless they are quoted. */
#ifndef RADZ_DATA_CSV_H
#define RADZ_DATA_CSV_H

#include "base/status.h"

enum { RADZ_CSV_FIELD_LIMIT = 1 << 20 /* bytes of one row; more is taken for a damaged file */ };

typedef struct radz_csv radz_csv;

/* Opens a file (or, second form, a text that messages call `name`; borrowed) and reads the header. `delimiter` stands
 * between fields: ',' ';' or a tab. Errors: RADZ_E_MISSING and _IO for the file, RADZ_E_FORMAT for an empty file, a damaged
 * archive, UTF-16, a NUL byte, a name that occurs twice among the header's. */
radz_status radz_csv_open(const char *path, char delimiter, radz_csv **out, radz_error *err) RADZ_MUST_USE;
radz_status radz_csv_open_text(const char *text, size_t size, const char *name, char delimiter, radz_csv **out,
                               radz_error *err) RADZ_MUST_USE;
void radz_csv_close(radz_csv *csv);

size_t radz_csv_columns(const radz_csv *csv);
const char *radz_csv_column_name(const radz_csv *csv, size_t i);
/* The place of a column by its header name. RADZ_E_MISSING names the file, the column and the columns found. */
radz_status radz_csv_column(const radz_csv *csv, const char *name, size_t *at, radz_error *err) RADZ_MUST_USE;

/* The next row: `*fields` [columns] are NUL-terminated and valid until the next call; `*more` is false at the end.
 * RADZ_E_FORMAT names file and line: a row with more or fewer fields than the header, a NUL byte, a quote that is never
 * closed, a row over the limit, bytes that are not UTF-8, packed data that is cut off. */
radz_status radz_csv_next(radz_csv *csv, const char *const **fields, bool *more, radz_error *err) RADZ_MUST_USE;
size_t radz_csv_line(const radz_csv *csv); /* the line on which the current row begins, from 1 */
const char *radz_csv_file(const radz_csv *csv); /* as in messages */

#endif
