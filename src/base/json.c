#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

struct radz_json_doc {
    json_t *root;
    char *name;
};

static const json_t *inner(const radz_json *value)
{
    return (const json_t *)value;
}

static const radz_json *outer(const json_t *value)
{
    return (const radz_json *)value;
}

radz_status radz_json_parse(const char *text, size_t size, const char *name, radz_json_doc **out, radz_error *err)
{
    *out = NULL;
    json_error_t where;
    /* a BOM is not JSON, but some Windows tools write one */
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &where);
    if (root == NULL)
        return radz_fail(err, RADZ_E_FORMAT, "'%s' line %d column %d: not valid JSON: %s", name, where.line,
                         where.column, where.text);
    radz_json_doc *doc = radz_calloc(1, sizeof *doc, err);
    if (doc != NULL)
        doc->name = radz_strdup(name, err);
    if (doc == NULL || doc->name == NULL) {
        free(doc);
        json_decref(root);
        return RADZ_E_NOMEM;
    }
    doc->root = root;
    *out = doc;
    return RADZ_OK;
}

radz_status radz_json_load(const char *path, radz_json_doc **out, radz_error *err)
{
    *out = NULL;
    char *text;
    size_t size;
    radz_status st = radz_file_read(path, (size_t)512 << 20, &text, &size, err);
    if (st != RADZ_OK)
        return st;
    st = radz_json_parse(text, size, path, out, err);
    free(text);
    return st;
}

void radz_json_free(radz_json_doc *doc)
{
    if (doc == NULL)
        return;
    json_decref(doc->root);
    free(doc->name);
    free(doc);
}

const radz_json *radz_json_root(const radz_json_doc *doc)
{
    return outer(doc->root);
}

const char *radz_json_doc_name(const radz_json_doc *doc)
{
    return doc->name;
}

radz_json_kind radz_json_kind_of(const radz_json *value)
{
    switch (json_typeof(inner(value))) {
    case JSON_OBJECT:
        return RADZ_JSON_OBJECT;
    case JSON_ARRAY:
        return RADZ_JSON_ARRAY;
    case JSON_STRING:
        return RADZ_JSON_STRING;
    case JSON_INTEGER:
        return RADZ_JSON_INTEGER;
    case JSON_REAL:
        return RADZ_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return RADZ_JSON_BOOL;
    default:
        return RADZ_JSON_NULL;
    }
}

size_t radz_json_size(const radz_json *value)
{
    return json_is_array(inner(value)) ? json_array_size(inner(value)) : json_object_size(inner(value));
}

const radz_json *radz_json_at(const radz_json *array, size_t i)
{
    return outer(json_array_get(inner(array), i));
}

const radz_json *radz_json_find(const radz_json *object, const char *key)
{
    return outer(json_object_get(inner(object), key));
}

void radz_json_each(const radz_json *object, radz_json_visit visit, void *context)
{
    json_t *mutable_object = (json_t *)inner(object); /* jansson's iterator is not const-correct */
    const char *key;
    json_t *value;
    json_object_foreach(mutable_object, key, value) {
        if (!visit(context, key, outer(value)))
            return;
    }
}

const char *radz_json_string(const radz_json *value)
{
    return json_string_value(inner(value));
}

size_t radz_json_string_length(const radz_json *value)
{
    return json_string_length(inner(value));
}

bool radz_json_as_i64(const radz_json *value, int64_t *out)
{
    if (!json_is_integer(inner(value)))
        return false;
    *out = json_integer_value(inner(value));
    return true;
}

bool radz_json_as_double(const radz_json *value, double *out)
{
    if (!json_is_number(inner(value)))
        return false;
    *out = json_number_value(inner(value));
    return true;
}

bool radz_json_as_bool(const radz_json *value, bool *out)
{
    if (!json_is_boolean(inner(value)))
        return false;
    *out = json_is_true(inner(value));
    return true;
}

static radz_status need(const radz_json_doc *doc, const radz_json *object, const char *key, bool fits,
                        const radz_json *value, const char *wanted, radz_error *err)
{
    static const char *const kinds[] = {"null", "a true/false", "a whole number", "a number", "a string", "a list",
                                        "an object"};
    (void)object;
    if (value == NULL)
        return radz_fail(err, RADZ_E_MISSING, "'%s': key '%s' is missing (wanted %s)", doc->name, key, wanted);
    if (!fits)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s': found %s, wanted %s", doc->name, key,
                         kinds[radz_json_kind_of(value)], wanted);
    return RADZ_OK;
}

radz_status radz_json_need_i64(const radz_json_doc *doc, const radz_json *object, const char *key, int64_t low,
                               int64_t high, int64_t *out, radz_error *err)
{
    const radz_json *value = radz_json_find(object, key);
    radz_status st = need(doc, object, key, radz_json_as_i64(value, out), value, "a whole number", err);
    if (st == RADZ_OK && (*out < low || *out > high))
        st = radz_fail(err, RADZ_E_VALUE, "'%s': key '%s': %" PRId64 " is outside %" PRId64 " to %" PRId64, doc->name,
                       key, *out, low, high);
    return st;
}

radz_status radz_json_need_double(const radz_json_doc *doc, const radz_json *object, const char *key, double *out,
                                  radz_error *err)
{
    const radz_json *value = radz_json_find(object, key);
    return need(doc, object, key, radz_json_as_double(value, out), value, "a number", err);
}

radz_status radz_json_need_string(const radz_json_doc *doc, const radz_json *object, const char *key, const char **out,
                                  radz_error *err)
{
    const radz_json *value = radz_json_find(object, key);
    *out = radz_json_string(value);
    return need(doc, object, key, *out != NULL, value, "a string", err);
}

radz_status radz_json_need_object(const radz_json_doc *doc, const radz_json *object, const char *key,
                                  const radz_json **out, radz_error *err)
{
    *out = radz_json_find(object, key);
    return need(doc, object, key, json_is_object(inner(*out)), *out, "an object", err);
}

radz_status radz_json_need_array(const radz_json_doc *doc, const radz_json *object, const char *key,
                                 const radz_json **out, radz_error *err)
{
    *out = radz_json_find(object, key);
    return need(doc, object, key, json_is_array(inner(*out)), *out, "a list", err);
}

void radz_json_writer_init(radz_json_writer *w, FILE *stream)
{
    *w = (radz_json_writer){.stream = stream};
}

/* Length of the UTF-8 sequence at `s`, or 0 when it is not valid UTF-8. */
static int utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    int length = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

static void write_quoted(FILE *stream, const char *text)
{
    putc('"', stream);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        int length = utf8_length(p);
        if (length == 0) {
            fputs("\xef\xbf\xbd", stream);
            p++;
            continue;
        }
        if (*p == '"' || *p == '\\')
            fprintf(stream, "\\%c", *p);
        else if (*p == '\n')
            fputs("\\n", stream);
        else if (*p == '\t')
            fputs("\\t", stream);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(stream, "\\u%04x", *p);
        else
            fwrite(p, 1, (size_t)length, stream);
        p += length;
    }
    putc('"', stream);
}

static void before_value(radz_json_writer *w, const char *key)
{
    if (w->need_comma[w->depth])
        fputs(w->inline_array ? ", " : ",", w->stream);
    w->need_comma[w->depth] = true;
    if (w->depth > 0 && !w->inline_array)
        fprintf(w->stream, "\n%*s", 2 * w->depth, "");
    if (key != NULL) {
        write_quoted(w->stream, key);
        fputs(": ", w->stream);
    }
}

static void open_level(radz_json_writer *w, const char *key, char bracket)
{
    assert(w->depth + 1 < (int)(sizeof w->need_comma / sizeof w->need_comma[0]) && !w->inline_array);
    before_value(w, key);
    putc(bracket, w->stream);
    w->need_comma[++w->depth] = false;
}

static void close_level(radz_json_writer *w, char bracket)
{
    assert(w->depth > 0);
    bool any = w->need_comma[w->depth--];
    if (any && !w->inline_array)
        fprintf(w->stream, "\n%*s", 2 * w->depth, "");
    w->inline_array = false;
    putc(bracket, w->stream);
    if (w->depth == 0)
        putc('\n', w->stream);
}

void radz_json_object_begin(radz_json_writer *w, const char *key)
{
    open_level(w, key, '{');
}

void radz_json_object_end(radz_json_writer *w)
{
    close_level(w, '}');
}

void radz_json_array_begin(radz_json_writer *w, const char *key)
{
    open_level(w, key, '[');
}

void radz_json_array_begin_inline(radz_json_writer *w, const char *key)
{
    open_level(w, key, '[');
    w->inline_array = true;
}

void radz_json_array_end(radz_json_writer *w)
{
    close_level(w, ']');
}

void radz_json_put_string(radz_json_writer *w, const char *key, const char *value)
{
    before_value(w, key);
    if (value == NULL)
        fputs("null", w->stream);
    else
        write_quoted(w->stream, value);
}

void radz_json_put_i64(radz_json_writer *w, const char *key, int64_t value)
{
    before_value(w, key);
    fprintf(w->stream, "%" PRId64, value);
}

void radz_json_put_double(radz_json_writer *w, const char *key, double value)
{
    before_value(w, key);
    char text[32];
    radz_double_text(value, text);
    fputs(isfinite(value) ? text : "null", w->stream);
}

void radz_json_put_real(radz_json_writer *w, const char *key, double value)
{
    radz_json_put_double(w, key, value);
    char text[32];
    radz_double_text(value, text);
    if (isfinite(value) && strpbrk(text, ".e") == NULL)
        fputs(".0", w->stream);
}

void radz_json_put_bool(radz_json_writer *w, const char *key, bool value)
{
    before_value(w, key);
    fputs(value ? "true" : "false", w->stream);
}

static bool put_member(void *context, const char *key, const radz_json *value)
{
    radz_json_put_value(context, key, value);
    return true;
}

void radz_json_put_value(radz_json_writer *w, const char *key, const radz_json *value)
{
    int64_t integer = 0;
    double real = 0;
    bool flag = false;
    switch (radz_json_kind_of(value)) {
    case RADZ_JSON_NULL:
        radz_json_put_string(w, key, NULL);
        return;
    case RADZ_JSON_BOOL:
        radz_json_as_bool(value, &flag);
        radz_json_put_bool(w, key, flag);
        return;
    case RADZ_JSON_INTEGER:
        radz_json_as_i64(value, &integer);
        radz_json_put_i64(w, key, integer);
        return;
    case RADZ_JSON_REAL:
        radz_json_as_double(value, &real);
        radz_json_put_real(w, key, real);
        return;
    case RADZ_JSON_STRING:
        radz_json_put_string(w, key, radz_json_string(value));
        return;
    case RADZ_JSON_ARRAY:
        radz_json_array_begin(w, key);
        for (size_t i = 0; i < radz_json_size(value); i++)
            radz_json_put_value(w, NULL, radz_json_at(value, i));
        radz_json_array_end(w);
        return;
    case RADZ_JSON_OBJECT:
        radz_json_object_begin(w, key);
        radz_json_each(value, put_member, w);
        radz_json_object_end(w);
        return;
    }
}

void radz_double_text(double value, char text[32])
{
    if (!isfinite(value)) {
        snprintf(text, 32, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return;
    }
}
