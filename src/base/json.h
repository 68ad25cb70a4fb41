/* JSON: reading with errors that name file and key, writing with the same bytes for the same values. The only includer
 * of jansson. Duplicate keys are refused. Values are borrowed from their document. */
#ifndef RADZ_BASE_JSON_H
#define RADZ_BASE_JSON_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

typedef struct radz_json_doc radz_json_doc; /* a parsed file, owns everything below it */
typedef struct radz_json radz_json;         /* any value inside it, borrowed */

/* `name` is used in messages (a path). `text` need not be NUL-terminated. */
radz_status radz_json_parse(const char *text, size_t size, const char *name, radz_json_doc **out,
                            radz_error *err) RADZ_MUST_USE;
radz_status radz_json_load(const char *path, radz_json_doc **out, radz_error *err) RADZ_MUST_USE;
void radz_json_free(radz_json_doc *doc);
const radz_json *radz_json_root(const radz_json_doc *doc);

typedef enum radz_json_kind {
    RADZ_JSON_NULL, RADZ_JSON_BOOL, RADZ_JSON_INTEGER, RADZ_JSON_REAL, RADZ_JSON_STRING, RADZ_JSON_ARRAY,
    RADZ_JSON_OBJECT
} radz_json_kind;
radz_json_kind radz_json_kind_of(const radz_json *value);

size_t radz_json_size(const radz_json *value);                       /* elements or members; 0 for others */
const radz_json *radz_json_at(const radz_json *array, size_t i);     /* NULL out of range */
const radz_json *radz_json_find(const radz_json *object, const char *key); /* NULL when absent or not an object */
/* i-th member of an object in file order: `*key` borrowed; NULL past the end. O(n) per call for the iterator form: */
typedef bool (*radz_json_visit)(void *context, const char *key, const radz_json *value); /* false stops */
void radz_json_each(const radz_json *object, radz_json_visit visit, void *context);

const char *radz_json_string(const radz_json *value); /* NULL unless a string; may hold NUL bytes: see _length */
size_t radz_json_string_length(const radz_json *value);
bool radz_json_as_i64(const radz_json *value, int64_t *out);   /* false unless an integer */
bool radz_json_as_double(const radz_json *value, double *out); /* integers too */
bool radz_json_as_bool(const radz_json *value, bool *out);

/* Typed members with errors: "FILE: key 'K': found a string, wanted a whole number". `doc` gives the file's name. */
radz_status radz_json_need_i64(const radz_json_doc *doc, const radz_json *object, const char *key, int64_t low,
                               int64_t high, int64_t *out, radz_error *err) RADZ_MUST_USE;
radz_status radz_json_need_double(const radz_json_doc *doc, const radz_json *object, const char *key, double *out,
                                  radz_error *err) RADZ_MUST_USE;
radz_status radz_json_need_string(const radz_json_doc *doc, const radz_json *object, const char *key, const char **out,
                                  radz_error *err) RADZ_MUST_USE;
radz_status radz_json_need_object(const radz_json_doc *doc, const radz_json *object, const char *key,
                                  const radz_json **out, radz_error *err) RADZ_MUST_USE;
radz_status radz_json_need_array(const radz_json_doc *doc, const radz_json *object, const char *key,
                                 const radz_json **out, radz_error *err) RADZ_MUST_USE;
const char *radz_json_doc_name(const radz_json_doc *doc);

/* Writing: a streaming writer with two-space indentation. Nesting errors are bugs (assert). Strings must be UTF-8;
 * control characters are escaped, invalid bytes become U+FFFD. Doubles print with the fewest digits that read back the
 * same value; NaN and infinities are written as null. */
typedef struct radz_json_writer {
    FILE *stream;
    int depth;
    bool need_comma[64];
    bool inline_array; /* set between _array_begin_inline and _array_end: elements stay on one line */
} radz_json_writer;
void radz_json_writer_init(radz_json_writer *w, FILE *stream);
void radz_json_object_begin(radz_json_writer *w, const char *key); /* key NULL inside an array or at the top */
void radz_json_object_end(radz_json_writer *w);
void radz_json_array_begin(radz_json_writer *w, const char *key);
void radz_json_array_begin_inline(radz_json_writer *w, const char *key);
void radz_json_array_end(radz_json_writer *w);
void radz_json_put_string(radz_json_writer *w, const char *key, const char *value); /* value NULL: null */
void radz_json_put_i64(radz_json_writer *w, const char *key, int64_t value);
void radz_json_put_double(radz_json_writer *w, const char *key, double value);
/* As put_double, but whole numbers are written "1.0", for readers that tell 1 from 1.0. */
void radz_json_put_real(radz_json_writer *w, const char *key, double value);
void radz_json_put_bool(radz_json_writer *w, const char *key, bool value);
/* A whole value as it was read; members of objects in file order. */
void radz_json_put_value(radz_json_writer *w, const char *key, const radz_json *value);

/* The fewest digits (at most 17) that read back the same double; "nan", "inf", "-inf" otherwise. `text` holds 32. */
void radz_double_text(double value, char text[32]);

#endif
