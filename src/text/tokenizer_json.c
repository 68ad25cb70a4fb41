/* Members of a part's object in tokenizer.json, and what is said when they are wrong. */
#include <string.h>

#include "text/tokenizer_parts.h"

radz_status tok_fail(const tok_place *place, radz_error *err, radz_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    radz_error_vset(err, code, __func__, __LINE__, format, args);
    va_end(args);
    radz_prefix(err, "'%s': key '%s'", radz_json_doc_name(place->doc), place->path);
    return code;
}

const char *tok_kind_text(const radz_json *value)
{
    switch (radz_json_kind_of(value)) {
    case RADZ_JSON_NULL:
        return "null";
    case RADZ_JSON_BOOL:
        return "true or false";
    case RADZ_JSON_INTEGER:
    case RADZ_JSON_REAL:
        return "a number";
    case RADZ_JSON_STRING:
        return "a text";
    case RADZ_JSON_ARRAY:
        return "a list";
    default:
        return "an object";
    }
}

radz_status tok_get_string(const tok_place *place, const radz_json *object, const char *key, const char **out,
                           radz_error *err)
{
    *out = NULL;
    const radz_json *value = radz_json_find(object, key);
    if (value == NULL || radz_json_kind_of(value) == RADZ_JSON_NULL)
        return RADZ_OK;
    *out = radz_json_string(value);
    return *out != NULL ? RADZ_OK
                        : tok_fail(place, err, RADZ_E_FORMAT, "'%s': found %s, wanted a text", key, tok_kind_text(value));
}

radz_status tok_need_string(const tok_place *place, const radz_json *object, const char *key, const char **out,
                            radz_error *err)
{
    radz_status st = tok_get_string(place, object, key, out, err);
    if (st == RADZ_OK && *out == NULL)
        return tok_fail(place, err, RADZ_E_FORMAT, "'%s' is missing, wanted a text", key);
    return st;
}

radz_status tok_get_bool(const tok_place *place, const radz_json *object, const char *key, bool absent, bool *out,
                         radz_error *err)
{
    *out = absent;
    const radz_json *value = radz_json_find(object, key);
    if (value == NULL || radz_json_kind_of(value) == RADZ_JSON_NULL || radz_json_as_bool(value, out))
        return RADZ_OK;
    return tok_fail(place, err, RADZ_E_FORMAT, "'%s': found %s, wanted true or false", key, tok_kind_text(value));
}

radz_status tok_need_kind(const tok_place *place, const radz_json *spec, const char **type, radz_error *err)
{
    if (spec == NULL || radz_json_kind_of(spec) != RADZ_JSON_OBJECT)
        return tok_fail(place, err, RADZ_E_FORMAT, "found %s, wanted an object",
                        spec == NULL ? "nothing" : tok_kind_text(spec));
    if (place->depth > TOK_MAX_DEPTH)
        return tok_fail(place, err, RADZ_E_FORMAT, "sequences nest deeper than %d", TOK_MAX_DEPTH);
    return tok_need_string(place, spec, "type", type, err);
}

radz_status tok_fail_kind(const tok_place *place, radz_error *err, const char *what, const char *type,
                          const char *(*nth)(const void *context, size_t i), const void *context)
{
    char built[256] = "";
    for (size_t i = 0; nth(context, i) != NULL; i++) {
        size_t used = strlen(built);
        if (used + strlen(nth(context, i)) + 3 < sizeof built) {
            strcat(built, i > 0 ? ", " : "");
            strcat(built, nth(context, i));
        }
    }
    return tok_fail(place, err, RADZ_E_UNSUPPORTED, "the %s '%.60s' is not built; built: %s", what, type, built);
}
