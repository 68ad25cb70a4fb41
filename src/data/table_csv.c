/* Reader "csv": data/csv.h as a table. */
#include "data/csv.h"
#include "data/table.h"

static radz_status open_table(const radz_table_source *source, void **state, radz_error *err)
{
    radz_csv *csv;
    radz_status st = radz_csv_open(source->files[0], source->card->labels->delimiter[0], &csv, err);
    *state = csv;
    return st;
}

static size_t columns(const void *state)
{
    return radz_csv_columns(state);
}

static const char *column_name(const void *state, size_t i)
{
    return radz_csv_column_name(state, i);
}

static radz_status next(void *state, const char *const **fields, bool *more, radz_error *err)
{
    return radz_csv_next(state, fields, more, err);
}

static void place(const void *state, radz_strbuf *out)
{
    (void)(radz_strbuf_printf(out, NULL, "'%.300s' line %zu", radz_csv_file(state), radz_csv_line(state)) == RADZ_OK);
}

static size_t line(const void *state)
{
    return radz_csv_line(state);
}

static void close_table(void *state)
{
    radz_csv_close(state);
}

const radz_table_ops radz_table_csv = {open_table, columns, column_name, next, place, line, close_table};
