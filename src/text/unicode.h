/* Unicode as the tokenizers need it: UTF-8, classes of characters, canonical composition, lower case. The only includer
 * of utf8proc, whose tables (Unicode 15 in Debian 12) decide: a letter that a later version added counts as neither
 * letter, number nor space. */
#ifndef RADZ_TEXT_UNICODE_H
#define RADZ_TEXT_UNICODE_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

enum { RADZ_UNICODE_REPLACEMENT = 0xFFFD };

typedef enum radz_char_class {
    RADZ_CHAR_OTHER,  /* punctuation, marks, symbols, controls, unassigned */
    RADZ_CHAR_LETTER, /* \p{L} */
    RADZ_CHAR_NUMBER, /* \p{N} */
    RADZ_CHAR_SPACE   /* \s: the property White_Space */
} radz_char_class;
radz_char_class radz_char_class_of(int32_t c);
bool radz_char_is_assigned(int32_t c);

/* Decodes the character at text[0], length >= 1: gives the bytes it takes (1 to 4) and sets `*c`. An ill-formed sequence
 * gives U+FFFD and the length of its maximal subpart (Unicode, section 3.9, as Python's errors="replace"). */
size_t radz_utf8_get(const char *text, size_t length, int32_t *c);
bool radz_utf8_valid(const char *text, size_t length);
size_t radz_utf8_put(int32_t c, char out[4]); /* the bytes written; `c` is a scalar value */

/* These append to `out`, which may not be the source. The first one replaces what is ill-formed; the others expect
 * well-formed text. */
radz_status radz_utf8_clean(const char *text, size_t length, radz_strbuf *out, radz_error *err) RADZ_MUST_USE;
radz_status radz_unicode_nfc(const char *text, size_t length, radz_strbuf *out, radz_error *err) RADZ_MUST_USE;
/* Character by character, without the context rule for the final sigma; U+0130 becomes two characters. */
radz_status radz_unicode_lower(const char *text, size_t length, radz_strbuf *out, radz_error *err) RADZ_MUST_USE;
const char *radz_unicode_version(void); /* of the tables: "14.0.0"; static */

#endif
