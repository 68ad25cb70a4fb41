/* Reader "xml": one document per file (Open-I's reports), one row per element that the card names. The only includer of
 * expat, which refuses entities that grow without bound. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/packed.h"
#include "data/table.h"

enum { FILE_LIMIT = 1 << 26, DEPTH_LIMIT = 200 };

typedef struct xml_value {
    radz_strbuf text;
    bool there;
} xml_value;

typedef struct xml_table {
    const radz_xml_spec *spec;
    const char *const *files; /* borrowed */
    size_t n_files, file;     /* `file`: the next */
    xml_value *document;      /* [fields]: what stands anywhere in the document */
    xml_value *rows;          /* [n_rows, fields]: what stands in a row's element */
    size_t n_rows, row, values_capacity;
    size_t *lines;            /* [n_rows]: where each element begins */
    size_t lines_capacity;
    const char **fields;      /* [fields] */

    XML_Parser parser; /* while a file is read */
    size_t depth, row_depth; /* row_depth 0: not inside a row's element */
    size_t *open;      /* [fields]: the depth of the element whose text is being taken; 0: none */
    radz_status status;
    radz_error *err;
} xml_table;

static void free_rows(xml_table *t)
{
    size_t n = t->spec->fields_count;
    for (size_t i = 0; i < t->n_rows * n; i++)
        radz_strbuf_free(&t->rows[i].text);
    t->n_rows = t->row = 0;
    for (size_t i = 0; i < n; i++) {
        t->document[i].text.length = 0;
        t->document[i].there = false;
    }
}

static void close_table(void *state)
{
    xml_table *t = state;
    if (t == NULL)
        return;
    if (t->document != NULL) {
        free_rows(t);
        for (size_t i = 0; i < t->spec->fields_count; i++)
            radz_strbuf_free(&t->document[i].text);
    }
    free(t->document);
    free(t->rows);
    free(t->lines);
    free(t->fields);
    free(t->open);
    free(t);
}

static radz_status open_table(const radz_table_source *source, void **state, radz_error *err)
{
    xml_table *t = radz_calloc(1, sizeof *t, err);
    *state = t;
    if (t == NULL)
        return RADZ_E_NOMEM;
    t->spec = source->card->xml;
    t->files = source->files;
    t->n_files = source->n_files;
    size_t n = t->spec->fields_count;
    t->document = radz_calloc(n, sizeof *t->document, err);
    t->fields = radz_calloc(n, sizeof *t->fields, err);
    t->open = radz_calloc(n, sizeof *t->open, err);
    return t->document != NULL && t->fields != NULL && t->open != NULL ? RADZ_OK : RADZ_E_NOMEM;
}

static size_t columns(const void *state)
{
    return ((const xml_table *)state)->spec->fields_count;
}

static const char *column_name(const void *state, size_t i)
{
    return ((const xml_table *)state)->spec->fields[i].name;
}

/* ---- expat's calls ---- */

static xml_value *value_of(xml_table *t, size_t field)
{
    return t->row_depth > 0 ? &t->rows[(t->n_rows - 1) * t->spec->fields_count + field] : &t->document[field];
}

static void stop(xml_table *t, radz_status status)
{
    t->status = t->status == RADZ_OK ? status : t->status;
    XML_StopParser(t->parser, XML_FALSE);
}

static void append(xml_table *t, size_t field, const char *text, size_t length)
{
    radz_status st = radz_strbuf_append(&value_of(t, field)->text, text, length, t->err);
    if (st != RADZ_OK)
        stop(t, st);
}

/* A further value of a field begins. */
static void begin_value(xml_table *t, size_t field)
{
    xml_value *value = value_of(t, field);
    if (value->there)
        append(t, field, t->spec->fields[field].separator, strlen(t->spec->fields[field].separator));
    value->there = true;
}

static void begin_row(xml_table *t)
{
    size_t n = t->spec->fields_count;
    radz_status st = radz_grow(&t->rows, &t->values_capacity, (t->n_rows + 1) * n, sizeof *t->rows, t->err);
    if (st == RADZ_OK)
        st = radz_grow(&t->lines, &t->lines_capacity, t->n_rows + 1, sizeof *t->lines, t->err);
    if (st != RADZ_OK) {
        stop(t, st);
        return;
    }
    memset(t->rows + t->n_rows * n, 0, n * sizeof *t->rows);
    t->lines[t->n_rows++] = XML_GetCurrentLineNumber(t->parser);
    t->row_depth = t->depth;
}

static const char *attribute_of(const char **attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static void on_start(void *context, const char *name, const char **attributes)
{
    xml_table *t = context;
    if (t->status != RADZ_OK)
        return;
    if (++t->depth > DEPTH_LIMIT) {
        stop(t, radz_fail(t->err, RADZ_E_FORMAT, "'%.300s' line %zu: elements nested more than %d deep", t->files[t->file],
                          (size_t)XML_GetCurrentLineNumber(t->parser), (int)DEPTH_LIMIT));
        return;
    }
    if (t->row_depth == 0 && strcmp(name, t->spec->row) == 0)
        begin_row(t);
    for (size_t i = 0; i < t->spec->fields_count && t->status == RADZ_OK; i++) {
        const radz_xml_field *f = &t->spec->fields[i];
        if (t->open[i] != 0 || strcmp(name, f->element) != 0)
            continue;
        const char *is = f->where != NULL ? attribute_of(attributes, f->where) : NULL;
        if (f->where != NULL && (is == NULL || strcmp(is, f->equals) != 0))
            continue;
        const char *text = f->attribute != NULL ? attribute_of(attributes, f->attribute) : NULL;
        if (f->attribute != NULL && text == NULL)
            continue;
        begin_value(t, i);
        if (text != NULL)
            append(t, i, text, strlen(text));
        else
            t->open[i] = t->depth;
    }
}

static void on_end(void *context, const char *name)
{
    xml_table *t = context;
    (void)name;
    for (size_t i = 0; i < t->spec->fields_count; i++)
        if (t->open[i] == t->depth)
            t->open[i] = 0;
    if (t->row_depth == t->depth)
        t->row_depth = 0;
    t->depth--;
}

static void on_text(void *context, const char *text, int length)
{
    xml_table *t = context;
    for (size_t i = 0; i < t->spec->fields_count && t->status == RADZ_OK; i++)
        if (t->open[i] != 0)
            append(t, i, text, (size_t)length);
}

/* ---- files ---- */

static radz_status read_document(xml_table *t, radz_error *err)
{
    const char *path = t->files[t->file];
    char *text = NULL;
    size_t size = 0;
    free_rows(t);
    t->depth = t->row_depth = 0;
    t->status = RADZ_OK;
    t->err = err;
    memset(t->open, 0, t->spec->fields_count * sizeof *t->open);
    radz_status st = radz_packed_load(path, FILE_LIMIT, &text, &size, err);
    if (st != RADZ_OK)
        return st;
    t->parser = XML_ParserCreate(NULL); /* the document says its encoding: UTF-8, UTF-16, Latin-1 */
    if (t->parser == NULL) {
        st = radz_fail(err, RADZ_E_NOMEM, "out of memory reading '%.300s'", path);
        goto done;
    }
    XML_SetUserData(t->parser, t);
    XML_SetElementHandler(t->parser, on_start, on_end);
    XML_SetCharacterDataHandler(t->parser, on_text);
    enum XML_Status parsed = XML_Parse(t->parser, text, (int)size, XML_TRUE);
    st = t->status;
    if (st == RADZ_OK && parsed != XML_STATUS_OK)
        st = radz_fail(err, RADZ_E_FORMAT, "'%.300s' line %zu: not well-formed XML: %s", path,
                       (size_t)XML_GetCurrentLineNumber(t->parser), XML_ErrorString(XML_GetErrorCode(t->parser)));
done:
    if (t->parser != NULL)
        XML_ParserFree(t->parser);
    t->parser = NULL;
    t->err = NULL;
    free(text);
    return st;
}

static radz_status next(void *state, const char *const **fields, bool *more, radz_error *err)
{
    xml_table *t = state;
    *fields = t->fields;
    *more = false;
    while (t->row == t->n_rows) {
        if (t->file == t->n_files)
            return RADZ_OK;
        radz_status st = read_document(t, err);
        t->file++;
        if (st != RADZ_OK)
            return st;
    }
    const xml_value *row = t->rows + t->row * t->spec->fields_count;
    for (size_t i = 0; i < t->spec->fields_count; i++) {
        const xml_value *value = row[i].there ? &row[i] : &t->document[i];
        t->fields[i] = value->there && value->text.text != NULL ? value->text.text : "";
    }
    t->row++;
    *more = true;
    return RADZ_OK;
}

static size_t line(const void *state)
{
    const xml_table *t = state;
    return t->row > 0 ? t->lines[t->row - 1] : 0;
}

static void place(const void *state, radz_strbuf *out)
{
    const xml_table *t = state;
    (void)(radz_strbuf_printf(out, NULL, "'%.300s' line %zu", t->files[t->file > 0 ? t->file - 1 : 0], line(state)) ==
           RADZ_OK);
}

const radz_table_ops radz_table_xml = {open_table, columns, column_name, next, place, line, close_table};
