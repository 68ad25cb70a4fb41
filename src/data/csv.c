#include "data/csv.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/packed.h"

enum { CHUNK = 1 << 16 };

struct radz_csv {
    char *name;
    radz_packed *stream; /* NULL: the text form */
    const char *chunk;  /* what is being read */
    size_t chunk_size, at;
    char *buffer;       /* file form: holds the chunk */
    bool end;           /* nothing comes after this chunk */
    bool finished;      /* libcsv was told so */
    bool after_cr;      /* the last byte was a carriage return: a line feed now belongs to it */

    struct csv_parser parser;
    char *row;          /* the fields of the current row, each with its NUL */
    size_t row_size, row_capacity;
    size_t *offsets;    /* [n_fields] into row */
    size_t n_fields, offsets_capacity;
    const char **fields; /* [columns], what callers see */
    bool row_done, row_blank, no_memory;
    size_t row_bytes;   /* of the file, so far in this row */
    size_t line, row_line;

    char **columns;
    size_t n_columns, n_needed; /* n_needed: without the last columns that have no name */
};

/* libcsv calls this at the end of each field. */
static void on_field(void *text, size_t length, void *context)
{
    radz_csv *csv = context;
    if (radz_grow(&csv->row, &csv->row_capacity, csv->row_size + length + 1, 1, NULL) != RADZ_OK ||
        radz_grow(&csv->offsets, &csv->offsets_capacity, csv->n_fields + 1, sizeof *csv->offsets, NULL) != RADZ_OK) {
        csv->no_memory = true;
        return;
    }
    csv->offsets[csv->n_fields++] = csv->row_size;
    if (length > 0)
        memcpy(csv->row + csv->row_size, text, length);
    csv->row[csv->row_size + length] = '\0';
    csv->row_size += length + 1;
}

static int is_blank(unsigned char c)
{
    return c == ' ';
}

static void on_row(int terminator, void *context)
{
    (void)terminator;
    ((radz_csv *)context)->row_done = true;
}

static radz_status fail_row(const radz_csv *csv, radz_error *err, const char *what)
{
    return radz_fail(err, RADZ_E_FORMAT, "'%.300s' line %zu: %s", csv->name, csv->row_line, what);
}

static radz_status refill(radz_csv *csv, radz_error *err)
{
    csv->at = csv->chunk_size = 0;
    if (csv->stream == NULL) {
        csv->end = true;
        return RADZ_OK;
    }
    radz_status st = radz_packed_read(csv->stream, csv->buffer, CHUNK, &csv->chunk_size, err);
    csv->end = csv->chunk_size == 0;
    return st;
}

/* Gives libcsv the bytes up to the end of the line (or of the chunk): so it never runs past the end of a row. */
static radz_status feed_line(radz_csv *csv, radz_error *err)
{
    const char *begin = csv->chunk + csv->at;
    size_t left = csv->chunk_size - csv->at;
    const char *feed = memchr(begin, '\n', left);
    size_t length = feed != NULL ? (size_t)(feed - begin) + 1 : left;
    const char *cr = memchr(begin, '\r', length);
    if (cr != NULL)
        length = (size_t)(cr - begin) + 1;
    if (csv->row_bytes == 0)
        csv->row_line = csv->line;
    if (memchr(begin, '\0', length) != NULL)
        return fail_row(csv, err, "a NUL byte; the file is damaged or not UTF-8 text");
    csv->row_bytes += length;
    if (csv->row_bytes > RADZ_CSV_FIELD_LIMIT)
        return fail_row(csv, err, "a row of more than 1 MiB; a quote that is never closed?");
    size_t used = csv_parse(&csv->parser, begin, length, on_field, on_row, csv);
    if (csv->no_memory || csv_error(&csv->parser) == CSV_ENOMEM)
        return radz_fail(err, RADZ_E_NOMEM, "out of memory reading '%.300s'", csv->name);
    if (used != length)
        return fail_row(csv, err, "misplaced quote (a quote inside a field is written twice, and the field in quotes)");
    csv->at += length;
    char last = begin[length - 1];
    if (last == '\r' || (last == '\n' && !(csv->after_cr && length == 1)))
        csv->line++;
    csv->after_cr = last == '\r';
    /* an empty line gives no row: the next one begins after it */
    for (size_t i = 0; i < length && csv->row_blank; i++)
        csv->row_blank = strchr(" \t\r\n", begin[i]) != NULL;
    if (csv->row_blank && (last == '\n' || last == '\r'))
        csv->row_bytes = 0;
    return RADZ_OK;
}

/* Reads one row of whatever width; `*more` false when there is none. */
static radz_status read_row(radz_csv *csv, bool *more, radz_error *err)
{
    csv->row_done = false;
    csv->row_blank = true;
    csv->row_size = csv->n_fields = csv->row_bytes = 0;
    while (!csv->row_done && !csv->finished) {
        radz_status st = RADZ_OK;
        if (csv->at < csv->chunk_size) {
            st = feed_line(csv, err);
        } else if (!csv->end) {
            st = refill(csv, err);
        } else {
            csv->finished = true;
            if (csv_fini(&csv->parser, on_field, on_row, csv) != 0)
                st = fail_row(csv, err, "the quote that opens here is never closed");
            if (st == RADZ_OK && csv->no_memory)
                st = radz_fail(err, RADZ_E_NOMEM, "out of memory reading '%.300s'", csv->name);
        }
        if (st != RADZ_OK)
            return st;
    }
    *more = csv->row_done;
    size_t fault = csv->row_done ? radz_utf8_fault(csv->row, csv->row_size) : csv->row_size;
    if (fault < csv->row_size)
        return radz_fail(err, RADZ_E_FORMAT, "'%.300s' line %zu: the byte 0x%02X is not UTF-8; a Latin-1 or Windows-1252"
                         " file? convert it: iconv -f WINDOWS-1252 -t UTF-8", csv->name, csv->row_line,
                         (unsigned)(unsigned char)csv->row[fault]);
    return RADZ_OK;
}

static radz_status read_header(radz_csv *csv, radz_error *err)
{
    bool more;
    radz_status st = read_row(csv, &more, err);
    if (st != RADZ_OK)
        return st;
    if (!more)
        return radz_fail(err, RADZ_E_FORMAT, "'%.300s' is empty; wanted a header line", csv->name);
    csv->columns = radz_calloc(csv->n_fields, sizeof *csv->columns, err);
    csv->fields = radz_calloc(csv->n_fields, sizeof *csv->fields, err);
    if (csv->columns == NULL || csv->fields == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < csv->n_fields; i++) {
        const char *begin = csv->row + csv->offsets[i];
        size_t length = strlen(begin), lead = strspn(begin, " \t");
        while (length > lead && (begin[length - 1] == ' ' || begin[length - 1] == '\t'))
            length--;
        csv->columns[i] = radz_strndup(begin + lead, length - lead, err);
        if (csv->columns[i] == NULL)
            return RADZ_E_NOMEM;
        csv->n_columns = i + 1;
        for (size_t j = 0; j < i && csv->columns[i][0] != '\0'; j++)
            if (strcmp(csv->columns[i], csv->columns[j]) == 0)
                return radz_fail(err, RADZ_E_FORMAT, "'%.300s' line %zu: column '%.80s' is there twice", csv->name,
                                 csv->row_line, csv->columns[i]);
        if (csv->columns[i][0] != '\0')
            csv->n_needed = i + 1;
    }
    return RADZ_OK;
}

/* Spreadsheet programs write "Unicode text" in UTF-16: said in words, not as a NUL byte. */
static radz_status check_encoding(const radz_csv *csv, radz_error *err)
{
    if (radz_is_utf16(csv->chunk, csv->chunk_size))
        return radz_fail(err, RADZ_E_FORMAT, "'%.300s' is UTF-16; wanted UTF-8: convert it: iconv -f UTF-16 -t UTF-8",
                         csv->name);
    return RADZ_OK;
}

static radz_status open_csv(radz_packed *stream, const char *text, size_t size, const char *name, char delimiter,
                            radz_csv **out, radz_error *err)
{
    radz_csv *csv = radz_calloc(1, sizeof *csv, err);
    if (csv == NULL) {
        radz_packed_close(stream);
        return RADZ_E_NOMEM;
    }
    csv->stream = stream;
    csv->line = 1;
    csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&csv->parser, (unsigned char)delimiter);
    if (delimiter == '\t') /* otherwise taken for a blank around a field */
        csv_set_space_func(&csv->parser, is_blank);
    csv->name = radz_strdup(name, err);
    radz_status st = csv->name != NULL ? RADZ_OK : RADZ_E_NOMEM;
    if (st == RADZ_OK && stream != NULL) {
        csv->buffer = radz_calloc(CHUNK, 1, err);
        csv->chunk = csv->buffer;
        st = csv->buffer != NULL ? refill(csv, err) : RADZ_E_NOMEM;
    } else if (st == RADZ_OK) {
        csv->chunk = text;
        csv->chunk_size = size;
    }
    if (st == RADZ_OK)
        st = check_encoding(csv, err);
    if (st == RADZ_OK && csv->chunk_size >= 3 && memcmp(csv->chunk, "\xef\xbb\xbf", 3) == 0)
        csv->at = 3;
    if (st == RADZ_OK)
        st = read_header(csv, err);
    if (st != RADZ_OK) {
        radz_csv_close(csv);
        return st;
    }
    *out = csv;
    return RADZ_OK;
}

radz_status radz_csv_open(const char *path, char delimiter, radz_csv **out, radz_error *err)
{
    *out = NULL;
    radz_packed *stream;
    radz_status st = radz_packed_open(path, &stream, err);
    return st == RADZ_OK ? open_csv(stream, NULL, 0, path, delimiter, out, err) : st;
}

radz_status radz_csv_open_text(const char *text, size_t size, const char *name, char delimiter, radz_csv **out,
                               radz_error *err)
{
    *out = NULL;
    return open_csv(NULL, text, size, name, delimiter, out, err);
}

void radz_csv_close(radz_csv *csv)
{
    if (csv == NULL)
        return;
    radz_packed_close(csv->stream);
    csv_free(&csv->parser);
    for (size_t i = 0; i < csv->n_columns; i++)
        free(csv->columns[i]);
    free(csv->columns);
    free(csv->fields);
    free(csv->row);
    free(csv->offsets);
    free(csv->buffer);
    free(csv->name);
    free(csv);
}

size_t radz_csv_columns(const radz_csv *csv)
{
    return csv->n_columns;
}

const char *radz_csv_column_name(const radz_csv *csv, size_t i)
{
    return csv->columns[i];
}

radz_status radz_csv_column(const radz_csv *csv, const char *name, size_t *at, radz_error *err)
{
    for (size_t i = 0; i < csv->n_columns; i++) {
        if (strcmp(csv->columns[i], name) == 0) {
            *at = i;
            return RADZ_OK;
        }
    }
    char found[600];
    size_t used = 0;
    found[0] = '\0';
    for (size_t i = 0; i < csv->n_columns && used + 70 < sizeof found; i++)
        used += (size_t)snprintf(found + used, sizeof found - used, "%s'%.60s'", i > 0 ? ", " : "", csv->columns[i]);
    return radz_fail(err, RADZ_E_MISSING, "'%.250s': no column '%.80s'; found %s", csv->name, name, found);
}

radz_status radz_csv_next(radz_csv *csv, const char *const **fields, bool *more, radz_error *err)
{
    *fields = NULL;
    radz_status st = read_row(csv, more, err);
    if (st != RADZ_OK || !*more)
        return st;
    if (csv->n_fields > csv->n_columns || csv->n_fields < csv->n_needed)
        return radz_fail(err, RADZ_E_FORMAT, "'%.300s' line %zu: %zu fields; wanted %zu as in the header", csv->name,
                         csv->row_line, csv->n_fields, csv->n_columns);
    for (size_t i = 0; i < csv->n_fields; i++)
        csv->fields[i] = csv->row + csv->offsets[i];
    for (size_t i = csv->n_fields; i < csv->n_columns; i++)
        csv->fields[i] = "";
    *fields = csv->fields;
    return RADZ_OK;
}

size_t radz_csv_line(const radz_csv *csv)
{
    return csv->row_line;
}

const char *radz_csv_file(const radz_csv *csv)
{
    return csv->name;
}
