#include "run/subgroups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "data/csv.h"
#include "data/name_table.h"
#include "metric/resample.h"

static const char unknown[] = "unknown";

/* Adds a column, unless it parts nothing. `name` and `values` [n] stay the caller's or are in the arena. */
static radz_status add_column(radz_subgroup_columns *out, const char *name, const char *const *values, size_t n, radz_error *err)
{
    bool several = false;
    for (size_t i = 1; i < n; i++)
        several = several || strcmp(values[i], values[0]) != 0;
    if (!several)
        return RADZ_OK;
    for (size_t k = 0; k < out->count; k++)
        if (strcmp(out->columns[k].column, name) == 0)
            return radz_fail(err, RADZ_E_VALUE, "subgroups: column '%.100s' is there twice", name);
    radz_status st = radz_grow(&out->columns, &out->capacity, out->count + 1, sizeof *out->columns, err);
    if (st == RADZ_OK)
        out->columns[out->count++] = (radz_subgrouping){name, values};
    return st;
}

/* ---- numbers ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers with many values become four bands, whose names sort as they do. */
static radz_status band(const char **values, size_t n, radz_arena *arena, radz_error *err)
{
    double *numbers = radz_calloc(2 * n, sizeof *numbers, err), *sorted = numbers + n, cuts[3];
    const char *names[4] = {NULL};
    size_t count = 0, distinct = 0;
    radz_status st = numbers == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        if (values[i] == unknown)
            continue;
        if (radz_parse_double(values[i], true, &numbers[i], NULL) != RADZ_OK)
            goto done; /* words */
        sorted[count++] = numbers[i];
    }
    if (st != RADZ_OK)
        goto done;
    qsort(sorted, count, sizeof *sorted, by_value);
    for (size_t i = 0; i < count; i++)
        distinct += i == 0 || sorted[i] != sorted[i - 1];
    if (distinct <= RADZ_SUBGROUPS_MOST)
        goto done;
    for (int q = 0; q < 3; q++)
        cuts[q] = radz_percentile(sorted, count, 25 * (q + 1));
    for (int q = 0; st == RADZ_OK && q < 4; q++) {
        radz_strbuf name = {0};
        st = q == 0   ? radz_strbuf_printf(&name, err, "1: up to %.6g", cuts[0])
             : q == 3 ? radz_strbuf_printf(&name, err, "4: over %.6g", cuts[2])
                      : radz_strbuf_printf(&name, err, "%d: over %.6g, up to %.6g", q + 1, cuts[q - 1], cuts[q]);
        if (st == RADZ_OK && (names[q] = radz_arena_strdup(arena, name.text, err)) == NULL)
            st = RADZ_E_NOMEM;
        radz_strbuf_free(&name);
    }
    for (size_t i = 0; st == RADZ_OK && i < n; i++)
        if (values[i] != unknown)
            values[i] = names[(numbers[i] > cuts[0]) + (numbers[i] > cuts[1]) + (numbers[i] > cuts[2])];
done:
    free(numbers);
    return st;
}

/* ---- what a data set offers ---- */

static const char *age_band(int age)
{
    return age < 0 ? unknown : age < 20 ? "0-19" : age < 40 ? "20-39" : age < 60 ? "40-59" : age < 80 ? "60-79" : "80+";
}

static const char *sex_of(const radz_sample *sample)
{
    return sample->sex == 'M' ? "M" : sample->sex == 'F' ? "F" : unknown;
}

static const char *age_of(const radz_sample *sample)
{
    return age_band(sample->age);
}

static const char *view_of(const radz_sample *sample)
{
    return sample->view != NULL && sample->view[0] != '\0' ? sample->view : unknown;
}

radz_status radz_subgroups_of_dataset(const radz_dataset *dataset, const uint32_t *of, size_t n, radz_subgroup_columns *out,
                                      radz_error *err)
{
    static const struct {
        const char *name;
        const char *(*value)(const radz_sample *sample);
    } columns[] = {{"sex", sex_of}, {"age", age_of}, {"view", view_of}};
    radz_status st = RADZ_OK;
    for (size_t k = 0; st == RADZ_OK && k < sizeof columns / sizeof *columns; k++) {
        const char **values = radz_arena_alloc(&out->arena, n, sizeof *values, err);
        if (values == NULL)
            return RADZ_E_NOMEM;
        for (size_t i = 0; i < n; i++)
            values[i] = columns[k].value(&dataset->samples[of[i]]);
        st = add_column(out, columns[k].name, values, n, err);
    }
    for (size_t k = 0; st == RADZ_OK && k < dataset->n_subgroups; k++) {
        const char **values = radz_arena_alloc(&out->arena, n, sizeof *values, err);
        if (values == NULL)
            return RADZ_E_NOMEM;
        for (size_t i = 0; i < n; i++) {
            const char *value = dataset->samples[of[i]].subgroups[k];
            values[i] = value != NULL && value[0] != '\0' ? value : unknown;
        }
        st = band(values, n, &out->arena, err);
        if (st == RADZ_OK)
            st = add_column(out, dataset->subgroups[k], values, n, err);
    }
    return st;
}

/* ---- tables ---- */

typedef struct table_reader {
    radz_csv *csv;
    radz_name_table ids;     /* of the images */
    radz_name_table texts;   /* values, each kept once */
    size_t id_at, n_columns;
    size_t *columns;         /* [n_columns] places in the file */
    const char ***values;    /* [n_columns], each [n] */
    bool *seen;              /* [n] */
} table_reader;

static radz_status choose_columns(table_reader *r, const char *id_column, const radz_strlist *wanted, radz_error *err)
{
    size_t n = radz_csv_columns(r->csv);
    for (size_t i = 0; id_column != NULL && i < n; i++)
        if (strcmp(radz_csv_column_name(r->csv, i), id_column) == 0)
            r->id_at = i;
    r->columns = radz_calloc(n + (wanted != NULL ? wanted->count : 0), sizeof *r->columns, err);
    if (r->columns == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; wanted == NULL && i < n; i++)
        if (i != r->id_at)
            r->columns[r->n_columns++] = i;
    radz_status st = RADZ_OK;
    for (size_t i = 0; wanted != NULL && st == RADZ_OK && i < wanted->count; i++)
        st = radz_csv_column(r->csv, wanted->items[i], &r->columns[r->n_columns++], err);
    return st;
}

static radz_status read_rows(table_reader *r, radz_arena *arena, size_t *found, radz_error *err)
{
    radz_status st = RADZ_OK;
    size_t rows = 0;
    for (bool more = true; st == RADZ_OK;) {
        const char *const *fields;
        st = radz_csv_next(r->csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        uint32_t image = radz_name_find(&r->ids, fields[r->id_at]);
        if (++rows % 8192 == 0 && radz_cancelled())
            st = radz_fail_interrupted(err);
        if (image == RADZ_NAME_NONE)
            continue;
        if (r->seen[image])
            return radz_fail(err, RADZ_E_VALUE, "'%.250s' line %zu: id '%.100s' is there twice", radz_csv_file(r->csv),
                             radz_csv_line(r->csv), fields[r->id_at]);
        r->seen[image] = true;
        ++*found;
        for (size_t k = 0; st == RADZ_OK && k < r->n_columns; k++) {
            const char *text = fields[r->columns[k]];
            uint32_t number;
            if (text[0] == '\0')
                continue;
            st = radz_name_add(&r->texts, arena, text, &number, NULL, err);
            if (st == RADZ_OK)
                r->values[k][image] = r->texts.names[number];
        }
    }
    return st;
}

radz_status radz_subgroups_of_file(const char *path, const char *id_column, const radz_strlist *wanted, const char *const *ids,
                                   size_t n, radz_subgroup_columns *out, radz_error *err)
{
    table_reader r = {.csv = NULL};
    size_t found = 0;
    radz_status st = radz_csv_open(path, ',', &r.csv, err);
    if (st == RADZ_OK)
        st = choose_columns(&r, id_column, wanted, err);
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        uint32_t number;
        st = radz_name_add(&r.ids, &out->arena, ids[i], &number, NULL, err);
    }
    if (st == RADZ_OK) {
        r.values = radz_calloc(r.n_columns, sizeof *r.values, err);
        r.seen = radz_calloc(n, sizeof *r.seen, err);
        st = r.values == NULL || r.seen == NULL ? RADZ_E_NOMEM : RADZ_OK;
    }
    for (size_t k = 0; st == RADZ_OK && k < r.n_columns; k++) {
        r.values[k] = radz_arena_alloc(&out->arena, n, sizeof **r.values, err);
        st = r.values[k] == NULL ? RADZ_E_NOMEM : RADZ_OK;
        for (size_t i = 0; st == RADZ_OK && i < n; i++)
            r.values[k][i] = unknown;
    }
    if (st == RADZ_OK)
        st = read_rows(&r, &out->arena, &found, err);
    if (st == RADZ_OK && found == 0 && n > 0)
        st = radz_fail(err, RADZ_E_VALUE, "'%.250s' has none of the %zu ids (e.g. '%.100s')", path, n, ids[0]);
    for (size_t k = 0; st == RADZ_OK && k < r.n_columns; k++) {
        const char *name = radz_arena_strdup(&out->arena, radz_csv_column_name(r.csv, r.columns[k]), err);
        st = name == NULL ? RADZ_E_NOMEM : band(r.values[k], n, &out->arena, err);
        if (st == RADZ_OK)
            st = add_column(out, name, r.values[k], n, err);
    }
    radz_csv_close(r.csv);
    radz_name_table_free(&r.ids);
    radz_name_table_free(&r.texts);
    free(r.columns);
    free(r.values);
    free(r.seen);
    return st;
}

radz_status radz_subgroups_add_fact(const char *path, radz_results *results, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_strbuf key = {0};
    radz_status st = radz_sha256_file(path, hex, err);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&key, err, "subgroups '%s' SHA-256", path);
    for (size_t i = 0; st == RADZ_OK && i < results->n_facts; i++)
        if (strcmp(results->facts[i].key, key.text) == 0)
            st = radz_fail(err, RADZ_E_USAGE, "subgroups: the file '%.250s' is given twice", path);
    if (st == RADZ_OK)
        st = radz_results_add_fact(results, key.text, hex, err);
    radz_strbuf_free(&key);
    return st;
}

void radz_subgroup_columns_free(radz_subgroup_columns *columns)
{
    free(columns->columns);
    radz_arena_free(&columns->arena);
    *columns = (radz_subgroup_columns){0};
}
