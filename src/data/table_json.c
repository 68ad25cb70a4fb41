/* Reader "json": an array of objects (VQA-RAD). The columns are the keys of all objects; a value that is no text is written
 * as JSON writes it, null and what is not there are empty. Lists and objects inside an object are empty, too. Blanks around a
 * text are dropped. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "data/name_table.h"
#include "data/packed.h"
#include "data/table.h"

enum { FILE_LIMIT = 1 << 28 };

typedef struct json_table {
    char *path;
    radz_json_doc *doc;
    radz_name_table keys;
    radz_arena arena;
    size_t at;            /* the next element */
    const char **fields;  /* [keys.count] */
    radz_strbuf *texts;   /* [keys.count]: what the fields point to */
    radz_error *err;      /* while visiting */
    radz_status visited;
} json_table;

static void close_table(void *state)
{
    json_table *t = state;
    if (t == NULL)
        return;
    radz_json_free(t->doc);
    for (size_t i = 0; t->texts != NULL && i < t->keys.count; i++)
        radz_strbuf_free(&t->texts[i]);
    radz_name_table_free(&t->keys);
    radz_arena_free(&t->arena);
    free(t->fields);
    free(t->texts);
    free(t->path);
    free(t);
}

static bool add_key(void *context, const char *key, const radz_json *value)
{
    json_table *t = context;
    uint32_t number;
    (void)value;
    t->visited = radz_name_add(&t->keys, &t->arena, key, &number, NULL, t->err);
    return t->visited == RADZ_OK;
}

static radz_status open_table(const radz_table_source *source, void **state, radz_error *err)
{
    json_table *t = radz_calloc(1, sizeof *t, err);
    *state = t;
    if (t == NULL)
        return RADZ_E_NOMEM;
    char *text = NULL;
    size_t size = 0;
    t->path = radz_strdup(source->files[0], err);
    radz_status st = t->path != NULL ? radz_packed_load(t->path, FILE_LIMIT, &text, &size, err) : RADZ_E_NOMEM;
    char place[320];
    snprintf(place, sizeof place, "'%.300s'", source->files[0]);
    if (st == RADZ_OK)
        st = radz_check_text(text, size, place, err);
    size_t skip = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (st == RADZ_OK)
        st = radz_json_parse(text + skip, size - skip, t->path, &t->doc, err);
    free(text);
    if (st != RADZ_OK)
        return st;
    const radz_json *root = radz_json_root(t->doc);
    if (radz_json_kind_of(root) != RADZ_JSON_ARRAY)
        return radz_fail(err, RADZ_E_FORMAT, "'%.300s': wanted a list of objects ([{...}, ...])", t->path);
    t->err = err;
    for (size_t i = 0; i < radz_json_size(root) && t->visited == RADZ_OK; i++) {
        if (radz_json_kind_of(radz_json_at(root, i)) != RADZ_JSON_OBJECT)
            return radz_fail(err, RADZ_E_FORMAT, "'%.300s' element %zu: wanted an object", t->path, i + 1);
        radz_json_each(radz_json_at(root, i), add_key, t);
    }
    t->err = NULL;
    if (t->visited != RADZ_OK)
        return t->visited;
    t->fields = radz_calloc(t->keys.count, sizeof *t->fields, err);
    t->texts = radz_calloc(t->keys.count, sizeof *t->texts, err);
    return t->fields != NULL && t->texts != NULL ? RADZ_OK : RADZ_E_NOMEM;
}

static size_t columns(const void *state)
{
    return ((const json_table *)state)->keys.count;
}

static const char *column_name(const void *state, size_t i)
{
    return ((const json_table *)state)->keys.names[i];
}

static bool take_value(void *context, const char *key, const radz_json *value)
{
    json_table *t = context;
    uint32_t i = radz_name_find(&t->keys, key);
    char number[32] = "";
    const char *text = number;
    int64_t whole = 0;
    double real = 0;
    bool truth = false;
    switch (radz_json_kind_of(value)) {
    case RADZ_JSON_STRING:
        text = radz_json_string(value);
        break;
    case RADZ_JSON_INTEGER:
        (void)radz_json_as_i64(value, &whole);
        snprintf(number, sizeof number, "%" PRId64, whole);
        break;
    case RADZ_JSON_REAL:
        (void)radz_json_as_double(value, &real);
        radz_double_text(real, number);
        break;
    case RADZ_JSON_BOOL:
        (void)radz_json_as_bool(value, &truth);
        text = truth ? "true" : "false";
        break;
    default:
        break;
    }
    const char *end = text + strlen(text);
    text += strspn(text, " \t\r\n");
    while (end > text && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    t->texts[i].length = 0;
    t->visited = radz_strbuf_append(&t->texts[i], text, (size_t)(end - text), t->err);
    t->fields[i] = t->texts[i].text;
    return t->visited == RADZ_OK;
}

static radz_status next(void *state, const char *const **fields, bool *more, radz_error *err)
{
    json_table *t = state;
    const radz_json *root = radz_json_root(t->doc);
    *fields = t->fields;
    *more = t->at < radz_json_size(root);
    if (!*more)
        return RADZ_OK;
    for (size_t i = 0; i < t->keys.count; i++)
        t->fields[i] = "";
    t->err = err;
    radz_json_each(radz_json_at(root, t->at++), take_value, t);
    t->err = NULL;
    return t->visited;
}

static void place(const void *state, radz_strbuf *out)
{
    const json_table *t = state;
    (void)(radz_strbuf_printf(out, NULL, "'%.300s' element %zu", t->path, t->at) == RADZ_OK);
}

static size_t line(const void *state)
{
    (void)state;
    return 0;
}

const radz_table_ops radz_table_json = {open_table, columns, column_name, next, place, line, close_table};
