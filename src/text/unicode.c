#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

radz_char_class radz_char_class_of(int32_t c)
{
    if (c < 0x80) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            return RADZ_CHAR_LETTER;
        if (c >= '0' && c <= '9')
            return RADZ_CHAR_NUMBER;
        return c == ' ' || (c >= '\t' && c <= '\r') ? RADZ_CHAR_SPACE : RADZ_CHAR_OTHER;
    }
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return RADZ_CHAR_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return RADZ_CHAR_NUMBER;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return RADZ_CHAR_SPACE;
    default:
        return c == 0x85 ? RADZ_CHAR_SPACE : RADZ_CHAR_OTHER; /* next line: a control that is white space */
    }
}

bool radz_char_is_assigned(int32_t c)
{
    return utf8proc_category(c) != UTF8PROC_CATEGORY_CN;
}

const char *radz_unicode_version(void)
{
    return utf8proc_unicode_version();
}

size_t radz_utf8_get(const char *text, size_t length, int32_t *c)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned first = s[0];
    if (first < 0x80) {
        *c = (int32_t)first;
        return 1;
    }
    *c = RADZ_UNICODE_REPLACEMENT;
    size_t wanted = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4)
        return 1;
    /* the second byte's range shuts out overlong forms, surrogates and what is above U+10FFFF */
    unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    int32_t value = (int32_t)(first & (0x7Fu >> wanted));
    for (size_t i = 1; i < wanted; i++) {
        if (i >= length || s[i] < low || s[i] > high)
            return i;
        value = (value << 6) | (s[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *c = value;
    return wanted;
}

bool radz_utf8_valid(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        int32_t c;
        size_t n = radz_utf8_get(text + i, length - i, &c);
        if (c == RADZ_UNICODE_REPLACEMENT && (n != 3 || memcmp(text + i, "\xEF\xBF\xBD", 3) != 0))
            return false; /* put in place of something ill-formed */
        i += n;
    }
    return true;
}

size_t radz_utf8_put(int32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static size_t ascii_length(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && (unsigned char)text[n] < 0x80)
        n++;
    return n;
}

radz_status radz_utf8_clean(const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    size_t good = 0; /* start of the part not yet copied */
    for (size_t i = 0; i < length;) {
        int32_t c;
        size_t n = radz_utf8_get(text + i, length - i, &c);
        if (c == RADZ_UNICODE_REPLACEMENT) { /* written out it is copied as well: the same bytes */
            char mark[4];
            radz_status st = radz_strbuf_append(out, text + good, i - good, err);
            if (st == RADZ_OK)
                st = radz_strbuf_append(out, mark, radz_utf8_put(c, mark), err);
            if (st != RADZ_OK)
                return st;
            good = i + n;
        }
        i += n;
    }
    return radz_strbuf_append(out, text + good, length - good, err);
}

/* Stable sort of combining marks by their class: by insertion while they are few, by counting otherwise, so that a text
 * of nothing but marks stays linear. */
static radz_status sort_marks(utf8proc_int32_t *marks, size_t count, radz_error *err)
{
    enum { FEW = 32, CLASSES = 256 };
    if (count <= FEW) {
        for (size_t i = 1; i < count; i++) {
            utf8proc_int32_t c = marks[i];
            int rank = utf8proc_get_property(c)->combining_class;
            size_t j = i;
            for (; j > 0 && utf8proc_get_property(marks[j - 1])->combining_class > rank; j--)
                marks[j] = marks[j - 1];
            marks[j] = c;
        }
        return RADZ_OK;
    }
    utf8proc_int32_t *sorted = radz_calloc(count, sizeof *sorted, err);
    if (sorted == NULL)
        return RADZ_E_NOMEM;
    size_t start[CLASSES + 1] = {0};
    for (size_t i = 0; i < count; i++)
        start[(utf8proc_get_property(marks[i])->combining_class & 0xFF) + 1]++;
    for (size_t k = 0; k < CLASSES; k++)
        start[k + 1] += start[k];
    for (size_t i = 0; i < count; i++)
        sorted[start[utf8proc_get_property(marks[i])->combining_class & 0xFF]++] = marks[i];
    memcpy(marks, sorted, count * sizeof *sorted);
    free(sorted);
    return RADZ_OK;
}

radz_status radz_unicode_nfc(const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    radz_status st = RADZ_OK;
    utf8proc_int32_t *chars = NULL;
    size_t count = 0, capacity = 0;
    bool composed = true; /* nothing below U+0300 changes, alone or beside another such character */
    for (size_t i = ascii_length(text, length); i < length && composed;) {
        int32_t c;
        i += radz_utf8_get(text + i, length - i, &c);
        composed = c < 0x300;
    }
    if (composed)
        return radz_strbuf_append(out, text, length, err);

    for (size_t i = 0; i < length;) {
        int32_t c;
        enum { LONGEST = 32 }; /* the longest canonical decomposition has 4 characters */
        i += radz_utf8_get(text + i, length - i, &c);
        if ((st = radz_grow(&chars, &capacity, count + LONGEST, sizeof *chars, err)) != RADZ_OK)
            goto done;
        int boundary = 0;
        utf8proc_ssize_t n = utf8proc_decompose_char(c, chars + count, LONGEST,
                                                     UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundary);
        if (n < 0 || n > LONGEST) {
            st = radz_fail(err, RADZ_E_INTERNAL, "U+%04X: no decomposition: %s", (unsigned)c, utf8proc_errmsg(n));
            goto done;
        }
        count += (size_t)n;
    }
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && utf8proc_get_property(chars[end])->combining_class != 0)
            end++;
        if (end > i + 1 && (st = sort_marks(chars + i, end - i, err)) != RADZ_OK)
            goto done;
        i = end + 1;
    }
    utf8proc_ssize_t left =
        utf8proc_normalize_utf32(chars, (utf8proc_ssize_t)count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (left < 0) {
        st = radz_fail(err, RADZ_E_INTERNAL, "text of %zu bytes: %s", length, utf8proc_errmsg(left));
        goto done;
    }
    for (utf8proc_ssize_t i = 0; i < left && st == RADZ_OK; i++) {
        char bytes[4];
        st = radz_strbuf_append(out, bytes, radz_utf8_put(chars[i], bytes), err);
    }
done:
    free(chars);
    return st;
}

radz_status radz_unicode_lower(const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    for (size_t i = 0; i < length;) {
        size_t ascii = ascii_length(text + i, length - i);
        if (ascii > 0) {
            radz_status st = radz_strbuf_append(out, text + i, ascii, err);
            if (st != RADZ_OK)
                return st;
            for (char *p = out->text + out->length - ascii; p < out->text + out->length; p++) {
                if (*p >= 'A' && *p <= 'Z')
                    *p = (char)(*p + ('a' - 'A'));
            }
            i += ascii;
            continue;
        }
        int32_t c;
        char bytes[4];
        i += radz_utf8_get(text + i, length - i, &c);
        /* the only character whose full lower case is longer than one character: I with a dot above */
        radz_status st = c == 0x130 ? radz_strbuf_append(out, "i\xCC\x87", 3, err)
                                    : radz_strbuf_append(out, bytes, radz_utf8_put(utf8proc_tolower(c), bytes), err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}
