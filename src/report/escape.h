/* Text made safe for the format it goes into. Input is UTF-8 (radz_results guarantees it). */
#ifndef RADZ_REPORT_ESCAPE_H
#define RADZ_REPORT_ESCAPE_H

#include <stdio.h>

#include "base/str.h"

/* One CSV field (RFC 4180): quoted when it holds a comma, a quote, a line break or outer blanks. What a spreadsheet would take
 * for a formula (it begins with = + - @, a tab or a carriage return) gets an apostrophe in front; numbers go through
 * radz_put_number. */
void radz_put_csv(FILE *out, const char *text);
/* Text in a LaTeX paragraph or cell: special characters escaped, other than ASCII left to UTF-8 input. */
void radz_put_latex(FILE *out, const char *text);
/* Text in a Markdown table cell or paragraph: what would become markup is escaped, line breaks become blanks. */
void radz_put_markdown(FILE *out, const char *text);
/* Text in an HTML or SVG element or in a double-quoted attribute. */
void radz_put_html(FILE *out, const char *text);
/* Base64 (RFC 4648, with padding), as data: URIs and hashes in a content security policy have it. */
void radz_put_base64(FILE *out, const unsigned char *data, size_t size);
/* A double-quoted gnuplot string, for terminals with "noenhanced"; without the quotes gnuplot would need. */
void radz_put_gnuplot(FILE *out, const char *text);
/* Text in an XML element or attribute; characters that XML cannot hold become '?'. */
void radz_put_xml(FILE *out, const char *text);
/* A number in CSV: fewest digits that read back the same, "NA" for NaN, "inf", "-inf". */
void radz_put_number(FILE *out, double value);

/* Columns a terminal needs for UTF-8 text, counting one per character (combining marks none, wide CJK two). */
size_t radz_text_width(const char *text);

/* A part of a file's name: everything but letters, digits, '.', '_' and '-' becomes '_'. */
radz_status radz_put_file_part(radz_strbuf *out, const char *text, radz_error *err) RADZ_MUST_USE;

#endif
