#include "run/score_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "cache/h5.h"
#include "data/csv.h"

/* Where the rows come from: one of the two. */
struct radz_score_source {
    radz_csv *csv;
    size_t id_at;
    radz_h5_scores h5;
    size_t *fields; /* [n_columns]: place of each column in the CSV row, or in the rows of `h5` */
};

static radz_status add_column(radz_score_file *file, const char *name, const char *prefix, size_t field, radz_error *err)
{
    if (prefix != NULL && radz_str_starts(name, prefix))
        name += strlen(prefix);
    for (size_t i = 0; i < file->n_columns; i++)
        if (strcmp(file->columns[i], name) == 0)
            return radz_fail(err, RADZ_E_FORMAT, "'%.300s': column '%.80s' is there twice", file->path, name);
    file->columns[file->n_columns] = radz_arena_strdup(&file->arena, name, err);
    if (file->columns[file->n_columns] == NULL)
        return RADZ_E_NOMEM;
    file->source->fields[file->n_columns++] = field;
    return RADZ_OK;
}

static radz_status make_room(radz_score_file *file, size_t columns, radz_error *err)
{
    file->columns = radz_arena_alloc(&file->arena, columns, sizeof *file->columns, err);
    file->source->fields = radz_calloc(columns, sizeof *file->source->fields, err);
    return file->columns == NULL || file->source->fields == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

static radz_status read_csv_header(radz_score_file *file, const radz_score_options *options, radz_error *err)
{
    struct radz_score_source *s = file->source;
    size_t n = radz_csv_columns(s->csv);
    radz_status st = make_room(file, n, err);
    if (st == RADZ_OK && options->id_column != NULL)
        st = radz_csv_column(s->csv, options->id_column, &s->id_at, err);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        if (i != s->id_at && radz_csv_column_name(s->csv, i)[0] != '\0')
            st = add_column(file, radz_csv_column_name(s->csv, i), options->prefix, i, err);
    if (st == RADZ_OK && file->n_columns == 0)
        st = radz_fail(err, RADZ_E_FORMAT, "'%.300s': no column beside the id '%.80s'; wanted one per class, with commas between%s",
                       file->path, radz_csv_column_name(s->csv, s->id_at),
                       strpbrk(radz_csv_column_name(s->csv, s->id_at), ";\t|") != NULL ? " (it is divided otherwise)" : "");
    return st;
}

static radz_status read_h5(radz_score_file *file, const radz_score_options *options, radz_error *err)
{
    struct radz_score_source *s = file->source;
    radz_map map;
    radz_status st = radz_map_open(file->path, &map, err);
    if (st != RADZ_OK)
        return st;
    st = radz_h5_read_scores(map.data, map.size, &s->h5, err);
    radz_map_close(&map);
    if (st != RADZ_OK)
        return radz_prefix(err, "'%.300s'", file->path), st;
    st = make_room(file, s->h5.n_classes, err);
    for (size_t i = 0; i < s->h5.n_classes && st == RADZ_OK; i++)
        st = add_column(file, s->h5.classes[i], options->prefix, i, err);
    return st;
}

static radz_status create(const char *path, radz_score_file **out, radz_error *err)
{
    *out = NULL;
    radz_score_file *file = radz_calloc(1, sizeof *file, err);
    if (file == NULL)
        return RADZ_E_NOMEM;
    *out = file;
    const char *last = radz_path_name(path), *dot = strrchr(last, '.');
    size_t length = dot != NULL && dot != last ? (size_t)(dot - last) : strlen(last);
    file->source = radz_calloc(1, sizeof *file->source, err);
    file->path = radz_arena_strdup(&file->arena, path, err);
    file->name = radz_arena_strndup(&file->arena, last, length, err);
    return file->source == NULL || file->path == NULL || file->name == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

static radz_status finish_open(radz_status st, radz_score_file **out)
{
    if (st != RADZ_OK) {
        radz_score_file_free(*out);
        *out = NULL;
    }
    return st;
}

static radz_status looks_like_h5(const char *path, bool *is_h5, radz_error *err)
{
    FILE *stream = fopen(path, "rbe");
    unsigned char head[8];
    struct stat s;
    if (stream == NULL)
        return radz_fail(err, RADZ_E_MISSING, "no score file '%.300s'", path);
    if (fstat(fileno(stream), &s) != 0 || !S_ISREG(s.st_mode)) { /* the file is read more than once */
        fclose(stream);
        return radz_fail(err, RADZ_E_USAGE, "'%.300s' is a pipe or a device; wanted a score file", path);
    }
    *is_h5 = fread(head, 1, sizeof head, stream) == sizeof head && radz_h5_is_file(head, sizeof head);
    fclose(stream);
    return RADZ_OK;
}

radz_status radz_score_file_open(const char *path, const radz_score_options *options, radz_score_file **out,
                                 radz_error *err)
{
    bool is_h5 = false;
    radz_status st = create(path, out, err);
    if (st == RADZ_OK && radz_file_is_dir(path))
        st = radz_fail(err, RADZ_E_USAGE, "'%.300s' is a folder; wanted a score file", path);
    if (st == RADZ_OK)
        st = looks_like_h5(path, &is_h5, err);
    if (st == RADZ_OK && is_h5) {
        st = read_h5(*out, options, err);
    } else if (st == RADZ_OK) {
        st = radz_csv_open(path, ',', &(*out)->source->csv, err);
        if (st == RADZ_OK)
            st = read_csv_header(*out, options, err);
    }
    return finish_open(st, out);
}

radz_status radz_score_file_open_text(const char *text, size_t size, const char *name, const radz_score_options *options,
                                      radz_score_file **out, radz_error *err)
{
    radz_status st = create(name, out, err);
    if (st == RADZ_OK)
        st = radz_csv_open_text(text, size, name, ',', &(*out)->source->csv, err);
    if (st == RADZ_OK)
        st = read_csv_header(*out, options, err);
    return finish_open(st, out);
}

/* "'S.csv' line 7" or "'S.h5' row 6" */
static void place_of(const radz_score_file *file, char text[420])
{
    if (file->source->csv != NULL)
        snprintf(text, 420, "'%.300s' line %zu", file->path, radz_csv_line(file->source->csv));
    else
        snprintf(text, 420, "'%.300s' row %zu", file->path, file->n);
}

static radz_status add_id(radz_score_file *file, const char *id, radz_error *err)
{
    uint32_t number;
    bool is_new = true;
    char place[420];
    radz_status st = RADZ_OK;
    if (id[0] != '\0')
        st = radz_name_add(&file->ids, &file->arena, id, &number, &is_new, err);
    if (st != RADZ_OK || (id[0] != '\0' && is_new))
        return st;
    place_of(file, place);
    if (id[0] == '\0')
        return radz_fail(err, RADZ_E_VALUE, "%s: no id", place);
    return radz_fail(err, RADZ_E_VALUE, "%s: id '%.100s' is there twice (first as row %u)", place, id, number + 1);
}

static radz_status fail_score(const radz_score_file *file, size_t column, const char *found, radz_error *err)
{
    char place[420];
    place_of(file, place);
    return radz_fail(err, RADZ_E_VALUE, "%s column '%.80s': score '%.40s'; wanted a finite number", place,
                     file->columns[column], found);
}

static radz_status add_csv_row(radz_score_file *file, const char *const *fields, const size_t *chosen,
                               radz_error *err)
{
    radz_status st = add_id(file, fields[file->source->id_at], err);
    for (size_t c = 0; c < file->n_chosen && st == RADZ_OK; c++) {
        const char *text = fields[file->source->fields[chosen[c]]];
        if (radz_parse_double(text, true, &file->scores[file->n * file->n_chosen + c], NULL) != RADZ_OK)
            st = fail_score(file, chosen[c], text, err);
    }
    file->n++;
    return st;
}

static radz_status read_csv_rows(radz_score_file *file, const size_t *chosen, radz_error *err)
{
    size_t capacity = 0;
    radz_status st = RADZ_OK;
    while (st == RADZ_OK) {
        const char *const *fields;
        bool more;
        st = radz_csv_next(file->source->csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        st = radz_grow(&file->scores, &capacity, (file->n + 1) * file->n_chosen, sizeof *file->scores, err);
        if (st == RADZ_OK)
            st = add_csv_row(file, fields, chosen, err);
        if (st == RADZ_OK && file->n % 8192 == 0 && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    return st;
}

static radz_status copy_h5_rows(radz_score_file *file, const size_t *chosen, radz_error *err)
{
    const radz_h5_scores *h5 = &file->source->h5;
    file->scores = radz_calloc(h5->n * file->n_chosen, sizeof *file->scores, err);
    if (file->scores == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (; file->n < h5->n && st == RADZ_OK; file->n++) {
        st = add_id(file, h5->ids[file->n], err);
        for (size_t c = 0; c < file->n_chosen && st == RADZ_OK; c++) {
            double score = h5->scores[file->n * h5->n_classes + file->source->fields[chosen[c]]];
            char text[32];
            snprintf(text, sizeof text, "%g", score);
            if (!isfinite(score))
                st = fail_score(file, chosen[c], text, err);
            file->scores[file->n * file->n_chosen + c] = score;
        }
    }
    return st;
}

static void source_free(struct radz_score_source *source)
{
    if (source == NULL)
        return;
    radz_csv_close(source->csv);
    radz_h5_scores_free(&source->h5);
    free(source->fields);
    free(source);
}

radz_status radz_score_file_read(radz_score_file *file, const size_t *chosen, size_t count, radz_error *err)
{
    if (file->source == NULL)
        return radz_fail(err, RADZ_E_INTERNAL, "'%.300s' is read twice", file->path);
    file->n_chosen = count;
    radz_status st = file->source->csv != NULL ? read_csv_rows(file, chosen, err) : copy_h5_rows(file, chosen, err);
    if (st == RADZ_OK && file->n == 0)
        st = radz_fail(err, RADZ_E_FORMAT, "'%.300s' has a header but no row", file->path);
    source_free(file->source);
    file->source = NULL;
    return st;
}

void radz_score_file_free(radz_score_file *file)
{
    if (file == NULL)
        return;
    source_free(file->source);
    radz_name_table_free(&file->ids);
    free(file->scores);
    radz_arena_free(&file->arena);
    free(file);
}
