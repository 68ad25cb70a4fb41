#include "run/eval_join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "metric/resample.h"

enum { SHOWN_NAMES = 12 };

void radz_joined_free(radz_joined *j)
{
    for (size_t f = 0; j->scores != NULL && f < j->n_files; f++)
        free(j->scores[f]);
    free(j->scores);
    free(j->class_of);
    free(j->classes);
    free(j->rows);
    free(j->names);
    free(j->labels);
    free(j->patient_of);
    free(j->study_of);
    *j = (radz_joined){0};
}

/* The column of a class; SIZE_MAX: none. Two of them (a name and a synonym) are an error. */
static radz_status column_of(const radz_score_file *file, const radz_truth *t, size_t class_index, size_t *out, radz_error *err)
{
    *out = SIZE_MAX;
    for (size_t i = 0; i < file->n_columns; i++) {
        if (!radz_truth_names_class(t, class_index, file->columns[i]))
            continue;
        if (*out != SIZE_MAX)
            return radz_fail(err, RADZ_E_VALUE, "'%.250s': columns '%.60s' and '%.60s' are both class '%.60s'", file->path,
                             file->columns[*out], file->columns[i], t->classes[class_index]);
        *out = i;
    }
    return RADZ_OK;
}

static size_t common_prefix(const radz_score_file *file)
{
    size_t length = strlen(file->columns[0]);
    for (size_t i = 1; i < file->n_columns; i++)
        for (size_t k = 0; k < length; k++)
            if (file->columns[i][k] != file->columns[0][k])
                length = k;
    return length;
}

void radz_name_list(const char *const *names, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    size_t shown = 0;
    for (; shown < count && shown < SHOWN_NAMES && used + 90 < size; shown++)
        used += (size_t)snprintf(text + used, size - used, "%s%.60s", shown > 0 ? ", " : "", names[shown]);
    if (shown < count)
        snprintf(text + used, size - used, " and %zu more", count - shown);
}

void radz_column_prefix_hint(const radz_score_file *file, char text[120])
{
    size_t prefix = common_prefix(file);
    text[0] = '\0';
    if (prefix > 0 && file->n_columns > 1 && strlen(file->columns[0]) > prefix)
        snprintf(text, 120, " (do you mean --column-prefix %.*s?)", (int)(prefix > 60 ? 60 : prefix), file->columns[0]);
}

static radz_status fail_no_class(const radz_score_file *file, const radz_truth *t, radz_error *err)
{
    char columns[320], classes[320], hint[120];
    radz_name_list(file->columns, file->n_columns, columns, sizeof columns);
    radz_name_list(t->classes, t->n_classes, classes, sizeof classes);
    radz_column_prefix_hint(file, hint);
    return radz_fail(err, RADZ_E_MISSING, "'%.120s' has no class of '%.100s'; columns: %s; classes: %s%s", file->path,
                     t->name, columns, classes, hint);
}

/* Fills j->class_of with the classes that all score files and the labels have (in the labels' order) and that are asked
 * for; reads those columns of every file. */
static radz_status match_classes(const radz_eval_options *o, radz_score_file **files, size_t n_files, const radz_truth *t,
                                 radz_joined *j, radz_error *err)
{
    size_t *columns = radz_calloc(n_files * t->n_classes, sizeof *columns, err);
    j->class_of = radz_calloc(t->n_classes, sizeof *j->class_of, err);
    j->classes = radz_calloc(t->n_classes, sizeof *j->classes, err);
    radz_status st = columns == NULL || j->class_of == NULL || j->classes == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && o->classes != NULL && i < o->classes->count; i++) {
        bool known = false;
        for (size_t c = 0; c < t->n_classes; c++)
            known = known || radz_truth_names_class(t, c, o->classes->items[i]);
        if (!known)
            st = radz_fail_unknown_in(err, "class", o->classes->items[i], t->classes, t->n_classes);
    }
    for (size_t c = 0; c < t->n_classes && st == RADZ_OK; c++) {
        bool everywhere = o->classes == NULL || o->classes->count == 0;
        for (size_t i = 0; !everywhere && i < o->classes->count; i++)
            everywhere = radz_truth_names_class(t, c, o->classes->items[i]);
        for (size_t f = 0; f < n_files && st == RADZ_OK; f++) {
            size_t *at = &columns[f * t->n_classes + j->n_classes];
            st = column_of(files[f], t, c, at, err);
            everywhere = everywhere && *at != SIZE_MAX;
        }
        if (everywhere) {
            j->classes[j->n_classes] = t->classes[c];
            j->class_of[j->n_classes++] = c;
        }
    }
    if (st == RADZ_OK && j->n_classes == 0)
        st = fail_no_class(files[0], t, err);
    for (size_t f = 0; f < n_files && st == RADZ_OK; f++)
        st = radz_score_file_read(files[f], columns + f * t->n_classes, j->n_classes, err);
    free(columns);
    return st;
}

/* Examples of ids that only one side has, and the score file that lacks one. */
typedef struct one_sided {
    const char *label_example, *score_example, *score_file;
} one_sided;

static radz_status check_ids(const radz_eval_options *o, const one_sided *s, const radz_truth *t, const radz_joined *j,
                             radz_error *err)
{
    char scores[200] = "", labels[200] = "";
    if (j->without_labels > 0)
        snprintf(scores, sizeof scores, "ids with scores but without labels in '%.60s': %zu (e.g. '%.60s')", t->name,
                 j->without_labels, s->score_example);
    if (j->without_scores > 0)
        snprintf(labels, sizeof labels, "ids with labels but without scores in '%.60s': %zu (e.g. '%.60s')",
                 radz_path_name(s->score_file), j->without_scores, s->label_example);
    const char *and = scores[0] != '\0' && labels[0] != '\0' ? "; " : "";
    if (j->n == 0)
        return radz_fail(err, RADZ_E_VALUE, "no id in common: %s%s%s", scores, and, labels);
    if (!o->partial && (j->without_labels > 0 || j->without_scores > 0))
        return radz_fail(err, RADZ_E_VALUE, "%s%s%s; --partial evaluates the %zu that have both", scores, and, labels, j->n);
    return RADZ_OK;
}

/* Rows in the order of the first score file: those that the labels and every other file have, too. */
static radz_status join_ids(const radz_eval_options *o, radz_score_file **files, size_t n_files, const radz_truth *t, radz_joined *j,
                            radz_error *err)
{
    one_sided sides = {.score_file = files[0]->path};
    uint32_t *found = radz_calloc(t->n, sizeof *found, err); /* score files that have the id */
    j->rows = radz_calloc(files[0]->n, sizeof *j->rows, err);
    j->names = radz_calloc(files[0]->n, sizeof *j->names, err);
    if (found == NULL || j->rows == NULL || j->names == NULL) {
        free(found);
        return RADZ_E_NOMEM;
    }
    for (size_t f = 0; f < n_files; f++)
        for (size_t i = 0; i < files[f]->n; i++) {
            uint32_t row = radz_name_find(&t->index, files[f]->ids.names[i]);
            if (row != RADZ_NAME_NONE)
                found[row]++;
            else if (j->without_labels++ == 0)
                sides.score_example = files[f]->ids.names[i];
        }
    for (size_t i = 0; i < t->n; i++) {
        if (found[i] == n_files || (j->without_scores++ > 0))
            continue;
        sides.label_example = t->ids[i];
        for (size_t f = n_files; f-- > 0;)
            if (radz_name_find(&files[f]->ids, t->ids[i]) == RADZ_NAME_NONE)
                sides.score_file = files[f]->path;
    }
    for (size_t i = 0; i < files[0]->n; i++) {
        uint32_t row = radz_name_find(&t->index, files[0]->ids.names[i]);
        if (row == RADZ_NAME_NONE || found[row] != n_files)
            continue;
        j->rows[j->n] = row;
        j->names[j->n++] = t->ids[row];
    }
    free(found);
    return check_ids(o, &sides, t, j, err);
}

static radz_status gather(radz_score_file **files, size_t n_files, const radz_truth *t, radz_joined *j, radz_error *err)
{
    size_t classes = j->n_classes;
    const char **patients = radz_calloc(j->n, sizeof *patients, err), **studies = radz_calloc(j->n, sizeof *studies, err);
    j->labels = radz_calloc(j->n, classes, err);
    j->patient_of = radz_calloc(j->n, sizeof *j->patient_of, err);
    j->scores = radz_calloc(n_files, sizeof *j->scores, err);
    bool memory = patients != NULL && studies != NULL && j->labels != NULL && j->patient_of != NULL && j->scores != NULL;
    radz_status st = memory ? RADZ_OK : RADZ_E_NOMEM;
    j->n_files = st == RADZ_OK ? n_files : 0;
    for (size_t i = 0; i < j->n && st == RADZ_OK; i++) {
        patients[i] = t->patients[j->rows[i]];
        studies[i] = t->studies[j->rows[i]];
        for (size_t c = 0; c < classes; c++)
            j->labels[i * classes + c] = t->labels[j->rows[i] * t->n_classes + j->class_of[c]];
    }
    if (st == RADZ_OK)
        st = radz_number_patients(patients, j->n, j->patient_of, &j->n_patients, err);
    if (st == RADZ_OK)
        st = radz_number_studies(patients, studies, j->n, &j->study_of, &j->n_studies, err);
    for (size_t f = 0; f < n_files && st == RADZ_OK; f++) {
        j->scores[f] = radz_calloc(j->n * classes, sizeof **j->scores, err);
        if (j->scores[f] == NULL)
            st = RADZ_E_NOMEM;
        for (size_t i = 0; i < j->n && st == RADZ_OK; i++) {
            uint32_t row = radz_name_find(&files[f]->ids, j->names[i]);
            memcpy(j->scores[f] + i * classes, files[f]->scores + (size_t)row * classes, classes * sizeof(double));
        }
    }
    free(patients);
    free(studies);
    return st;
}

radz_status radz_join(const radz_eval_options *o, radz_score_file **files, size_t n_files, const radz_truth *t, radz_joined *out,
                      radz_error *err)
{
    radz_status st = match_classes(o, files, n_files, t, out, err);
    if (st == RADZ_OK)
        st = join_ids(o, files, n_files, t, out, err);
    return st == RADZ_OK ? gather(files, n_files, t, out, err) : st;
}

radz_status radz_joined_order(radz_joined *j, const char *const *classes, radz_error *err)
{
    size_t n = j->n_classes, widest = sizeof(double);
    size_t *from = radz_calloc(n, sizeof *from, err), *class_of = radz_calloc(n, sizeof *class_of, err);
    unsigned char *row = radz_calloc(n, widest, err);
    radz_status st = from == NULL || class_of == NULL || row == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t c = 0; st == RADZ_OK && c < n; c++) {
        while (from[c] < n && strcmp(j->classes[from[c]], classes[c]) != 0)
            from[c]++;
        if (from[c] == n)
            st = radz_fail(err, RADZ_E_VALUE, "there are no scores or labels of class '%s'", classes[c]);
        else
            class_of[c] = j->class_of[from[c]];
    }
    for (size_t i = 0; st == RADZ_OK && i < j->n; i++) {
        int8_t *labels = j->labels + i * n;
        memcpy(row, labels, n);
        for (size_t c = 0; c < n; c++)
            labels[c] = (int8_t)row[from[c]];
        for (size_t f = 0; f < j->n_files; f++) {
            double *scores = j->scores[f] + i * n;
            memcpy(row, scores, n * sizeof *scores);
            for (size_t c = 0; c < n; c++)
                memcpy(&scores[c], row + from[c] * sizeof *scores, sizeof *scores);
        }
    }
    for (size_t c = 0; st == RADZ_OK && c < n; c++) {
        j->classes[c] = classes[c];
        j->class_of[c] = class_of[c];
    }
    free(from);
    free(class_of);
    free(row);
    return st;
}

radz_scored_set radz_joined_set(const radz_joined *j, size_t file)
{
    return (radz_scored_set){
        .n = j->n, .n_classes = j->n_classes, .n_patients = j->n_patients, .names = j->names, .classes = j->classes,
        .labels = j->labels, .scores = j->scores[file], .patient_of = j->patient_of,
        .study_of = j->study_of, .n_studies = j->n_studies,
    };
}
