#include "config/config_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/file.h"

const radz_json *config_member(const radz_json *object, const char *key)
{
    const radz_json *value = radz_json_find(object, key);
    return value != NULL && radz_json_kind_of(value) != RADZ_JSON_NULL ? value : NULL;
}

radz_status config_i64(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key,
                       int64_t low, int64_t high, int64_t *out, radz_error *err)
{
    const radz_json *value = config_member(object, key);
    if (value == NULL)
        return RADZ_OK;
    int64_t n;
    if (!radz_json_as_i64(value, &n))
        return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s%s': wanted a whole number", radz_json_doc_name(doc), where, key);
    if (n < low || n > high)
        return radz_fail(err, RADZ_E_VALUE, "'%s': key '%s%s': %" PRId64 " is not within %" PRId64 " to %" PRId64,
                         radz_json_doc_name(doc), where, key, n, low, high);
    *out = n;
    return RADZ_OK;
}

radz_status config_double(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key,
                          double *out, radz_error *err)
{
    const radz_json *value = config_member(object, key);
    if (value == NULL || (radz_json_as_double(value, out) && isfinite(*out)))
        return RADZ_OK;
    return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s%s': wanted a number", radz_json_doc_name(doc), where, key);
}

radz_status config_side(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key,
                        int64_t high, int64_t *out, radz_error *err)
{
    const radz_json *value = config_member(object, key);
    int64_t a, b;
    if (value == NULL || radz_json_kind_of(value) != RADZ_JSON_ARRAY)
        return config_i64(doc, where, object, key, 1, high, out, err);
    if (radz_json_size(value) != 2 || !radz_json_as_i64(radz_json_at(value, 0), &a) ||
        !radz_json_as_i64(radz_json_at(value, 1), &b))
        return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s%s': wanted one or two whole numbers", radz_json_doc_name(doc),
                         where, key);
    if (a != b)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key '%s%s': %" PRId64 " x %" PRId64 " is not square",
                         radz_json_doc_name(doc), where, key, a, b);
    if (a < 1 || a > high)
        return radz_fail(err, RADZ_E_VALUE, "'%s': key '%s%s': %" PRId64 " is not within 1 to %" PRId64,
                         radz_json_doc_name(doc), where, key, a, high);
    *out = a;
    return RADZ_OK;
}

radz_status config_bool(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key, bool *out,
                        radz_error *err)
{
    const radz_json *value = config_member(object, key);
    if (value == NULL || radz_json_as_bool(value, out))
        return RADZ_OK;
    return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s%s': wanted true or false", radz_json_doc_name(doc), where, key);
}

radz_status config_string(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key,
                          const char **out, radz_error *err)
{
    const radz_json *value = config_member(object, key);
    if (value == NULL)
        return RADZ_OK;
    if (radz_json_string(value) == NULL)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s%s': wanted a string", radz_json_doc_name(doc), where, key);
    *out = radz_json_string(value);
    return RADZ_OK;
}

radz_status config_open(const char *dir, const char *name, radz_json_doc **out, radz_error *err)
{
    *out = NULL;
    char *path = radz_path_join(dir, name, err);
    radz_status status = path != NULL ? radz_json_load(path, out, err) : RADZ_E_NOMEM;
    if (status == RADZ_OK && radz_json_kind_of(radz_json_root(*out)) != RADZ_JSON_OBJECT) {
        status = radz_fail(err, RADZ_E_FORMAT, "'%s': wanted a JSON object", path);
        radz_json_free(*out);
        *out = NULL;
    }
    free(path);
    return status;
}
