#include "run/training_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/csv.h"

enum { LOG_LIMIT = 1 << 30 };

/* The log's file: the path itself, or the file in the folder. */
static char *log_file(const char *path, radz_error *err)
{
    return radz_file_is_dir(path) ? radz_path_join(path, RADZ_TRAINING_LOG, err) : radz_strdup(path, err);
}

bool radz_training_log_is(const char *path)
{
    char *file = log_file(path, NULL);
    bool is = file != NULL && radz_str_ends(file, ".csv") && radz_file_exists(file);
    free(file);
    return is;
}

/* The folder that holds the file; of a file in the current folder, its own name. */
static char *name_of(const char *file, radz_error *err)
{
    char *folder = radz_path_dir(file, err), *name = NULL;
    if (folder != NULL) {
        const char *last = radz_path_name(folder);
        name = radz_strdup(last[0] != '\0' && strcmp(last, ".") != 0 ? last : radz_path_name(file), err);
    }
    free(folder);
    return name;
}

static radz_status read_rows(radz_csv *csv, radz_training_log *log, radz_error *err)
{
    size_t capacity = 0;
    const char *const *fields;
    for (bool more = true;;) {
        radz_status st = radz_csv_next(csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            return st;
        if ((st = radz_grow(&log->values, &capacity, (log->rows + 1) * log->n_columns, sizeof *log->values, err)) != RADZ_OK)
            return st;
        double *row = log->values + log->rows * log->n_columns;
        for (size_t c = 0; c < log->n_columns; c++) {
            row[c] = NAN;
            if (fields[c][0] == '\0')
                continue;
            radz_error why = {0};
            if (radz_parse_double(fields[c], false, &row[c], &why) != RADZ_OK)
                return radz_fail(err, RADZ_E_FORMAT, "'%s' line %zu: column '%s': %s", radz_csv_file(csv), radz_csv_line(csv),
                                 log->columns[c], why.message);
        }
        log->rows++;
    }
}

radz_status radz_training_log_read(const char *path, radz_training_log *out, radz_error *err)
{
    *out = (radz_training_log){0};
    radz_csv *csv = NULL;
    char *text = NULL, *file = log_file(path, err);
    size_t size = 0;
    radz_status st = file == NULL ? RADZ_E_NOMEM : radz_file_read(file, LOG_LIMIT, &text, &size, err);
    while (st == RADZ_OK && size > 0 && text[size - 1] != '\n')
        size--; /* a line that is being written */
    if (st == RADZ_OK)
        st = radz_csv_open_text(text, size, file, ',', &csv, err);
    if (st != RADZ_OK)
        goto done;
    if ((out->name = name_of(file, err)) == NULL ||
        (out->columns = radz_calloc(radz_csv_columns(csv), sizeof *out->columns, err)) == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    for (size_t c = 0; c < radz_csv_columns(csv); c++) {
        if ((out->columns[c] = radz_strdup(radz_csv_column_name(csv, c), err)) == NULL) {
            st = RADZ_E_NOMEM;
            goto done;
        }
        out->n_columns++;
    }
    st = read_rows(csv, out, err);
    if (st == RADZ_OK && out->rows == 0)
        st = radz_fail(err, RADZ_E_FORMAT, "'%s': no step yet", file);
done:
    radz_csv_close(csv);
    free(text);
    free(file);
    return st;
}

void radz_training_log_free(radz_training_log *log)
{
    for (size_t c = 0; c < log->n_columns; c++)
        free(log->columns[c]);
    free(log->columns);
    free(log->name);
    free(log->values);
    *log = (radz_training_log){0};
}
