#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

radz_status radz_strbuf_append(radz_strbuf *buf, const char *text, size_t length, radz_error *err)
{
    if (length > SIZE_MAX - buf->length - 1)
        return radz_fail(err, RADZ_E_NOMEM, "text too long: %zu bytes", length);
    radz_status st = radz_grow(&buf->text, &buf->capacity, buf->length + length + 1, 1, err);
    if (st != RADZ_OK)
        return st;
    if (length > 0)
        memcpy(buf->text + buf->length, text, length);
    buf->length += length;
    buf->text[buf->length] = '\0';
    return RADZ_OK;
}

radz_status radz_strbuf_puts(radz_strbuf *buf, const char *text, radz_error *err)
{
    return radz_strbuf_append(buf, text, strlen(text), err);
}

radz_status radz_strbuf_printf(radz_strbuf *buf, radz_error *err, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    radz_status st = length < 0 ? radz_fail(err, RADZ_E_INTERNAL, "format '%s' failed", format)
                                : radz_grow(&buf->text, &buf->capacity, buf->length + (size_t)length + 1, 1, err);
    if (st == RADZ_OK) {
        vsnprintf(buf->text + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
    return st;
}

void radz_strbuf_free(radz_strbuf *buf)
{
    free(buf->text);
    *buf = (radz_strbuf){0};
}

radz_status radz_strlist_add(radz_strlist *list, const char *text, radz_error *err)
{
    radz_status st = radz_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items, err);
    if (st != RADZ_OK)
        return st;
    char *copy = radz_strdup(text, err);
    if (copy == NULL)
        return RADZ_E_NOMEM;
    list->items[list->count++] = copy;
    return RADZ_OK;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void radz_strlist_sort(radz_strlist *list)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_strings);
}

bool radz_strlist_has(const radz_strlist *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

void radz_strlist_free(radz_strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (radz_strlist){0};
}

bool radz_is_utf16(const char *text, size_t size)
{
    bool marked = size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
    return marked || (size >= 4 && (text[0] == '\0') != (text[1] == '\0') && (text[2] == '\0') == (text[0] == '\0') &&
                      (text[3] == '\0') == (text[1] == '\0'));
}

size_t radz_utf8_fault(const char *text, size_t size)
{
    const unsigned char *t = (const unsigned char *)text;
    size_t i = 0;
    while (i < size) {
        uint64_t eight;
        if (size - i >= sizeof eight) { /* ASCII, eight bytes at a time */
            memcpy(&eight, t + i, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        unsigned char c = t[i];
        if (c < 0x80) {
            i++;
            continue;
        }
        size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c < 0xc2 || c > 0xf4 || size - i <= more)
            return i;
        unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        if (t[i + 1] < low || t[i + 1] > high)
            return i;
        for (size_t k = 2; k <= more; k++)
            if (t[i + k] < 0x80 || t[i + k] > 0xbf)
                return i;
        i += more + 1;
    }
    return size;
}

bool radz_str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool radz_str_ends(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

radz_status radz_parse_i64(const char *text, int64_t low, int64_t high, int64_t *out, radz_error *err)
{
    char *end = NULL;
    errno = 0;
    bool shaped = isdigit((unsigned char)text[0]) ||
                  ((text[0] == '-' || text[0] == '+') && isdigit((unsigned char)text[1]));
    long long value = shaped ? strtoll(text, &end, 10) : 0;
    if (!shaped || *end != '\0' || errno == ERANGE)
        return radz_fail(err, RADZ_E_VALUE, "'%.80s' is not a whole number", text);
    if (value < low || value > high)
        return radz_fail(err, RADZ_E_VALUE, "%lld is outside %" PRId64 " to %" PRId64, value, low, high);
    *out = value;
    return RADZ_OK;
}

radz_status radz_parse_double(const char *text, bool finite, double *out, radz_error *err)
{
    if (!finite) {
        if (strcmp(text, "nan") == 0)
            return *out = NAN, RADZ_OK;
        if (strcmp(text, "inf") == 0)
            return *out = INFINITY, RADZ_OK;
        if (strcmp(text, "-inf") == 0)
            return *out = -INFINITY, RADZ_OK;
    }
    /* strtod also takes hexadecimal, "infinity", "nan(...)" and leading blanks: only plain decimals pass here. */
    for (const char *p = text; *p != '\0'; p++)
        if (!isdigit((unsigned char)*p) && strchr("+-.eE", *p) == NULL)
            return radz_fail(err, RADZ_E_VALUE, "'%.80s' is not a number", text);
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0')
        return radz_fail(err, RADZ_E_VALUE, "'%.80s' is not a number", text);
    if (!isfinite(value))
        return radz_fail(err, RADZ_E_VALUE, "'%.80s' is too large", text);
    *out = value;
    return RADZ_OK;
}

/* Levenshtein distance without case, for names up to 63 bytes; longer ones never match. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { MAX = 63 };
    size_t n = strlen(a), m = strlen(b);
    if (n > MAX || m > MAX)
        return SIZE_MAX;
    size_t row[MAX + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            size_t best = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < best ? change : best;
        }
    }
    return row[m];
}

radz_status radz_fail_unknown(radz_error *err, const char *what, const char *name,
                              const char *(*nth)(const void *context, size_t i), const void *context)
{
    if (err == NULL || err->code != RADZ_OK)
        return RADZ_E_USAGE;
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; nth(context, i) != NULL; i++) {
        size_t distance = edit_distance(name, nth(context, i));
        if (distance < best) {
            best = distance;
            nearest = nth(context, i);
        }
    }
    char text[RADZ_ERROR_MESSAGE_SIZE];
    size_t used = (size_t)snprintf(text, sizeof text, "unknown %s '%.80s'", what, name);
    if (nearest != NULL && best <= 2 + strlen(name) / 4)
        used += (size_t)snprintf(text + used, sizeof text - used, " (did you mean '%s'?)", nearest);
    for (size_t i = 0; nth(context, i) != NULL && used + 80 < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.60s", i == 0 ? "; known: " : ", ", nth(context, i));
    return radz_fail(err, RADZ_E_USAGE, "%s", text);
}

typedef struct name_array {
    const char *const *names;
    size_t count;
} name_array;

static const char *nth_of_array(const void *context, size_t i)
{
    const name_array *array = context;
    return i < array->count ? array->names[i] : NULL;
}

radz_status radz_fail_unknown_in(radz_error *err, const char *what, const char *name, const char *const *known,
                                 size_t count)
{
    name_array array = {known, count};
    return radz_fail_unknown(err, what, name, nth_of_array, &array);
}
