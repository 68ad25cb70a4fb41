/* Values of a config.json: an absent or null key leaves `*out` at its default; a wrong one is an error that names the file
 * and WHEREkey, where `where` ("text_config." or "") says in which object the key stands. */
#ifndef RADZ_CONFIG_CONFIG_JSON_H
#define RADZ_CONFIG_CONFIG_JSON_H

#include "base/json.h"

const radz_json *config_member(const radz_json *object, const char *key); /* NULL when absent or null */
radz_status config_i64(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key, int64_t low,
                       int64_t high, int64_t *out, radz_error *err) RADZ_MUST_USE;
/* A finite number. */
radz_status config_double(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key, double *out,
                          radz_error *err) RADZ_MUST_USE;
radz_status config_bool(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key, bool *out,
                        radz_error *err) RADZ_MUST_USE;
/* Borrowed from the document. */
radz_status config_string(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key,
                          const char **out, radz_error *err) RADZ_MUST_USE;
/* A number, or an array of two equal ones: the side of a square. */
radz_status config_side(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key, int64_t high,
                        int64_t *out, radz_error *err) RADZ_MUST_USE;
/* Reads DIR/NAME, which must hold an object. `*out` is the caller's. */
radz_status config_open(const char *dir, const char *name, radz_json_doc **out, radz_error *err) RADZ_MUST_USE;

#endif
