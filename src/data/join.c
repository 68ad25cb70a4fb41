#include "data/join.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "data/csv.h"
#include "data/labels.h"
#include "data/table.h"

static radz_status find_file(const radz_join_spec *spec, const char *root, char **file, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < spec->files_count && *file == NULL && st == RADZ_OK; i++) {
        radz_strlist found = {0};
        st = radz_match_files(root, spec->files[i], &found, err);
        if (st == RADZ_OK && found.count > 0) {
            *file = radz_strdup(found.items[0], err);
            st = *file != NULL ? RADZ_OK : RADZ_E_NOMEM;
        }
        radz_strlist_free(&found);
    }
    if (st == RADZ_OK && *file == NULL && !spec->optional) {
        char names[300];
        radz_join_names(spec->files, spec->files_count, names, sizeof names);
        st = radz_fail(err, RADZ_E_MISSING, "'%.300s' does not hold %s", root, names);
    }
    return st;
}

static radz_status add_row(radz_join *j, const radz_csv *csv, const char *const *fields, size_t key_at, const size_t *at,
                           radz_error *err)
{
    size_t n = j->spec->columns_count;
    uint32_t number, text;
    bool is_new;
    radz_status st = radz_name_add(&j->keys, &j->arena, fields[key_at], &number, &is_new, err);
    if (st == RADZ_OK && is_new)
        st = radz_grow(&j->values, &j->values_capacity, ((size_t)number + 1) * n, sizeof *j->values, err);
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        st = radz_name_add(&j->texts, &j->arena, fields[at[i]], &text, NULL, err);
        uint32_t *value = st == RADZ_OK ? &j->values[(size_t)number * n + i] : NULL;
        if (st == RADZ_OK && !is_new && *value != text)
            st = radz_fail(err, RADZ_E_VALUE, "'%.300s' line %zu: '%.100s' has another '%.80s' than in a row before",
                           radz_csv_file(csv), radz_csv_line(csv), fields[key_at], j->spec->columns[i]);
        else if (st == RADZ_OK)
            *value = text;
    }
    return st;
}

radz_status radz_join_load(const radz_join_spec *spec, const char *root, radz_join *j, radz_error *err)
{
    *j = (radz_join){.spec = spec};
    radz_csv *csv = NULL;
    size_t key_at = 0, rows = 0;
    size_t *at = radz_arena_alloc(&j->arena, spec->columns_count, sizeof *at, err);
    radz_status st = at != NULL ? find_file(spec, root, &j->file, err) : RADZ_E_NOMEM;
    if (st != RADZ_OK || j->file == NULL)
        return st;
    st = radz_csv_open(j->file, ',', &csv, err);
    if (st == RADZ_OK)
        st = radz_csv_column(csv, spec->key, &key_at, err);
    for (size_t i = 0; i < spec->columns_count && st == RADZ_OK; i++)
        st = radz_csv_column(csv, spec->columns[i], &at[i], err);
    for (bool more = true; st == RADZ_OK;) {
        const char *const *fields;
        st = radz_csv_next(csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        st = add_row(j, csv, fields, key_at, at, err);
        if (++rows % 8192 == 0 && st == RADZ_OK && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    radz_csv_close(csv);
    return st;
}

bool radz_join_find(const radz_join *j, const char *key, const char **fields)
{
    size_t n = j->spec->columns_count;
    uint32_t number = radz_name_find(&j->keys, key);
    for (size_t i = 0; i < n; i++)
        fields[i] = number != RADZ_NAME_NONE ? j->texts.names[j->values[(size_t)number * n + i]] : "";
    return number != RADZ_NAME_NONE;
}

void radz_join_free(radz_join *j)
{
    free(j->file);
    radz_field_free(&j->on);
    radz_name_table_free(&j->keys);
    radz_name_table_free(&j->texts);
    free(j->values);
    radz_arena_free(&j->arena);
    *j = (radz_join){0};
}
