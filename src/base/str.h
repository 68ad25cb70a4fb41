/* Strings: a growing buffer, a list, case-folding comparison, strict number parsing, "did you mean". */
#ifndef RADZ_BASE_STR_H
#define RADZ_BASE_STR_H

#include <stdint.h>

#include "base/status.h"

/* A growing text. Zero-initialise; `text` is NUL-terminated once anything was appended; free with radz_strbuf_free. */
typedef struct radz_strbuf {
    char *text;
    size_t length, capacity;
} radz_strbuf;

radz_status radz_strbuf_append(radz_strbuf *buf, const char *text, size_t length, radz_error *err) RADZ_MUST_USE;
radz_status radz_strbuf_puts(radz_strbuf *buf, const char *text, radz_error *err) RADZ_MUST_USE;
radz_status radz_strbuf_printf(radz_strbuf *buf, radz_error *err, const char *format, ...)
    RADZ_PRINTF(3, 4) RADZ_MUST_USE;
void radz_strbuf_free(radz_strbuf *buf);

/* A list of owned strings. Zero-initialise. */
typedef struct radz_strlist {
    char **items;
    size_t count, capacity;
} radz_strlist;

radz_status radz_strlist_add(radz_strlist *list, const char *text, radz_error *err) RADZ_MUST_USE;
void radz_strlist_sort(radz_strlist *list); /* by byte value */
bool radz_strlist_has(const radz_strlist *list, const char *text);
void radz_strlist_free(radz_strlist *list);

/* Where the first byte stands that is no part of well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most
 * U+10FFFF); `size` when there is none. */
size_t radz_utf8_fault(const char *text, size_t size);
/* UTF-16 of either byte order, by its mark or by NUL bytes in every other place of the first four. */
bool radz_is_utf16(const char *text, size_t size);

bool radz_str_starts(const char *text, const char *prefix);
bool radz_str_ends(const char *text, const char *suffix);

/* Strict parsing: the whole text must be a number in range (no blanks, no trailing text, no locale). NaN and infinity
 * are accepted by the double form only as "nan", "inf", "-inf" when `finite` is false. */
radz_status radz_parse_i64(const char *text, int64_t low, int64_t high, int64_t *out, radz_error *err) RADZ_MUST_USE;
radz_status radz_parse_double(const char *text, bool finite, double *out, radz_error *err) RADZ_MUST_USE;

/* Fills `err` with "unknown WHAT 'NAME' (did you mean 'X'?); known: a, b, c" and returns RADZ_E_USAGE. `nth` gives the
 * i-th known name or NULL past the end. */
radz_status radz_fail_unknown(radz_error *err, const char *what, const char *name,
                              const char *(*nth)(const void *context, size_t i), const void *context);
/* radz_fail_unknown over an array of strings. */
radz_status radz_fail_unknown_in(radz_error *err, const char *what, const char *name, const char *const *known,
                                 size_t count);

#endif
