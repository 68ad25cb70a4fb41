/* Text files line by line, also from gzip and zip: CRLF and LF, a byte order mark, a last line without line break; empty
 * lines are passed over, blanks around a line dropped. */
#ifndef RADZ_DATA_LINES_H
#define RADZ_DATA_LINES_H

#include "base/status.h"

enum { RADZ_LINE_LIMIT = 1 << 16 /* bytes of one line; more is taken for a damaged file */ };

typedef struct radz_lines radz_lines;
radz_status radz_lines_open(const char *path, radz_lines **out, radz_error *err) RADZ_MUST_USE;
/* The next line that is not empty, the caller's to write to until the next call; NULL at the end. RADZ_E_FORMAT names file
 * and line: bytes that are not UTF-8, a NUL byte, a line over the limit. */
radz_status radz_lines_next(radz_lines *lines, char **line, radz_error *err) RADZ_MUST_USE;
size_t radz_lines_number(const radz_lines *lines); /* of the current line, from 1 */
const char *radz_lines_file(const radz_lines *lines);
void radz_lines_close(radz_lines *lines);

#endif
