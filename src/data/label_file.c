#include "data/label_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/csv.h"
#include "data/dataset.h"
#include "data/name_table.h"

typedef struct label_reader {
    radz_csv *csv;
    radz_label_table *table;
    radz_name_table ids, patients, studies;
    size_t id_at, patient_at, study_at; /* the latter two SIZE_MAX: none */
    size_t *columns;                    /* [n_classes] */
    size_t ids_capacity, patients_capacity, studies_capacity, labels_capacity;
} label_reader;

static bool find_column(const radz_csv *csv, const char *name, size_t *at)
{
    for (size_t i = 0; name != NULL && i < radz_csv_columns(csv); i++)
        if (strcmp(radz_csv_column_name(csv, i), name) == 0)
            return *at = i, true;
    return false;
}

static radz_status fail_no_label_column(const radz_csv *csv, const radz_strlist *wanted, radz_error *err)
{
    char found[300] = "", sought[300] = "";
    size_t used = 0;
    for (size_t i = 0; i < radz_csv_columns(csv) && used + 50 < sizeof found; i++)
        used += (size_t)snprintf(found + used, sizeof found - used, "%s'%.40s'", i > 0 ? ", " : "",
                                 radz_csv_column_name(csv, i));
    used = 0;
    for (size_t i = 0; i < wanted->count && used + 50 < sizeof sought; i++)
        used += (size_t)snprintf(sought + used, sizeof sought - used, "%s'%.40s'", i > 0 ? ", " : "", wanted->items[i]);
    return radz_fail(err, RADZ_E_MISSING, "'%.200s': none of the classes %s has a column; found %s", radz_csv_file(csv),
                     sought, found);
}

/* The column that was asked for, or the first that is called like one of `usual` (up to NULL); SIZE_MAX: none. */
static radz_status choose_column(const radz_csv *csv, const char *wanted, const char *const *usual, size_t *at, radz_error *err)
{
    *at = SIZE_MAX;
    if (wanted != NULL)
        return radz_csv_column(csv, wanted, at, err);
    for (; *usual != NULL && *at == SIZE_MAX; usual++)
        (void)find_column(csv, *usual, at);
    return RADZ_OK;
}

static radz_status choose_columns(label_reader *r, const radz_label_options *options, radz_error *err)
{
    static const char *const patient_names[] = {"patient", "patient_id", "Patient ID", "PatientID", "subject_id", NULL};
    static const char *const study_names[] = {"study", "study_id", "Study ID", "StudyID", NULL};
    radz_label_table *t = r->table;
    size_t n = radz_csv_columns(r->csv);
    if (!find_column(r->csv, options->id_column, &r->id_at))
        r->id_at = 0;
    radz_status st = choose_column(r->csv, options->patient_column, patient_names, &r->patient_at, err);
    if (st == RADZ_OK)
        st = choose_column(r->csv, options->study_column, study_names, &r->study_at, err);
    if (st != RADZ_OK)
        return st;
    if (r->patient_at != SIZE_MAX)
        t->patient_column = radz_arena_strdup(&t->arena, radz_csv_column_name(r->csv, r->patient_at), err);
    r->columns = radz_calloc(n, sizeof *r->columns, err);
    t->classes = radz_arena_alloc(&t->arena, n, sizeof *t->classes, err);
    if (r->columns == NULL || t->classes == NULL || (r->patient_at != SIZE_MAX && t->patient_column == NULL))
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *name = radz_csv_column_name(r->csv, i);
        if (i == r->id_at || i == r->patient_at || i == r->study_at || !radz_strlist_has(options->wanted, name))
            continue;
        t->classes[t->n_classes] = radz_arena_strdup(&t->arena, name, err);
        if (t->classes[t->n_classes] == NULL)
            return RADZ_E_NOMEM;
        r->columns[t->n_classes++] = i;
    }
    return t->n_classes > 0 ? RADZ_OK : fail_no_label_column(r->csv, options->wanted, err);
}

static radz_status parse_label(label_reader *r, size_t class_index, const char *text, int8_t *out, radz_error *err)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    bool whole = (digits[0] == '0' || digits[0] == '1') && (digits[1] == '\0' || strcmp(digits + 1, ".0") == 0);
    if (text[0] == '\0') {
        *out = RADZ_LABEL_MASKED;
        r->table->n_blank++;
    } else if (whole && digits == text) {
        *out = (int8_t)(digits[0] - '0');
    } else if (whole && digits[0] == '1') {
        *out = RADZ_LABEL_MASKED;
        r->table->n_uncertain++;
    } else {
        return radz_fail(err, RADZ_E_VALUE, "'%.250s' line %zu column '%.80s': label '%.80s'; wanted 1, 0, -1 or a blank",
                         radz_csv_file(r->csv), radz_csv_line(r->csv), r->table->classes[class_index], text);
    }
    return RADZ_OK;
}

static radz_status add_row(label_reader *r, const char *const *fields, radz_error *err)
{
    radz_label_table *t = r->table;
    uint32_t id, patient, study;
    bool is_new;
    if (fields[r->id_at][0] == '\0')
        return radz_fail(err, RADZ_E_VALUE, "'%.250s' line %zu column '%.80s': no id", radz_csv_file(r->csv),
                         radz_csv_line(r->csv), radz_csv_column_name(r->csv, r->id_at));
    radz_status st = radz_name_add(&r->ids, &t->arena, fields[r->id_at], &id, &is_new, err);
    if (st == RADZ_OK && !is_new)
        st = radz_fail(err, RADZ_E_VALUE, "'%.250s' line %zu: id '%.100s' is there twice (first as row %u)",
                       radz_csv_file(r->csv), radz_csv_line(r->csv), fields[r->id_at], id + 1);
    if (st == RADZ_OK)
        st = radz_grow(&t->ids, &r->ids_capacity, t->n + 1, sizeof *t->ids, err);
    if (st == RADZ_OK)
        st = radz_grow(&t->patients, &r->patients_capacity, t->n + 1, sizeof *t->patients, err);
    if (st == RADZ_OK)
        st = radz_grow(&t->studies, &r->studies_capacity, t->n + 1, sizeof *t->studies, err);
    if (st == RADZ_OK)
        st = radz_grow(&t->labels, &r->labels_capacity, (t->n + 1) * t->n_classes, 1, err);
    if (st != RADZ_OK)
        return st;
    t->ids[t->n] = t->patients[t->n] = r->ids.names[id];
    if (r->patient_at != SIZE_MAX) {
        const char *name = fields[r->patient_at];
        if (name[0] == '\0')
            return radz_fail(err, RADZ_E_VALUE, "'%.250s' line %zu column '%.80s': no patient", radz_csv_file(r->csv),
                             radz_csv_line(r->csv), t->patient_column);
        st = radz_name_add(&r->patients, &t->arena, name, &patient, NULL, err);
        if (st == RADZ_OK)
            t->patients[t->n] = r->patients.names[patient];
    }
    t->studies[t->n] = NULL;
    if (st == RADZ_OK && r->study_at != SIZE_MAX && fields[r->study_at][0] != '\0') {
        st = radz_name_add(&r->studies, &t->arena, fields[r->study_at], &study, NULL, err);
        if (st == RADZ_OK)
            t->studies[t->n] = r->studies.names[study];
    }
    for (size_t c = 0; st == RADZ_OK && c < t->n_classes; c++)
        st = parse_label(r, c, fields[r->columns[c]], &t->labels[t->n * t->n_classes + c], err);
    t->n++;
    return st;
}

static radz_status read_rows(label_reader *r, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (bool more = true; st == RADZ_OK;) {
        const char *const *fields;
        st = radz_csv_next(r->csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        st = add_row(r, fields, err);
        if (st == RADZ_OK && r->table->n % 8192 == 0 && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    if (st == RADZ_OK && r->table->n == 0)
        st = radz_fail(err, RADZ_E_FORMAT, "'%.250s' has a header but no row", radz_csv_file(r->csv));
    return st;
}

/* Takes `csv` over. */
static radz_status load(radz_csv *csv, const radz_label_options *options, radz_label_table **out, radz_error *err)
{
    label_reader r = {.csv = csv, .table = radz_calloc(1, sizeof *r.table, err)};
    radz_status st = r.table == NULL ? RADZ_E_NOMEM : choose_columns(&r, options, err);
    if (st == RADZ_OK)
        st = read_rows(&r, err);
    if (st == RADZ_OK)
        *out = r.table;
    else
        radz_label_table_free(r.table);
    radz_name_table_free(&r.ids);
    radz_name_table_free(&r.patients);
    radz_name_table_free(&r.studies);
    free(r.columns);
    radz_csv_close(csv);
    return st;
}

radz_status radz_label_file_load(const char *path, const radz_label_options *options, radz_label_table **out,
                                 radz_error *err)
{
    radz_csv *csv;
    *out = NULL;
    radz_status st = radz_csv_open(path, ',', &csv, err);
    return st == RADZ_OK ? load(csv, options, out, err) : st;
}

radz_status radz_label_file_parse(const char *text, size_t size, const char *name, const radz_label_options *options,
                                  radz_label_table **out, radz_error *err)
{
    radz_csv *csv;
    *out = NULL;
    radz_status st = radz_csv_open_text(text, size, name, ',', &csv, err);
    return st == RADZ_OK ? load(csv, options, out, err) : st;
}

void radz_label_table_free(radz_label_table *table)
{
    if (table == NULL)
        return;
    free(table->ids);
    free(table->patients);
    free(table->studies);
    free(table->labels);
    radz_arena_free(&table->arena);
    free(table);
}
