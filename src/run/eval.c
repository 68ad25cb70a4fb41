#include "run/eval.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "data/dataset.h"
#include "data/label_file.h"
#include "data/name_table.h"
#include "metric/resample.h"
#include "run/evaluate.h"
#include "run/plan.h"
#include "run/protocols.h"
#include "run/score_file.h"
#include "run/subgroups.h"

enum { REPLICATES = 1000, SHOWN_NAMES = 12 };

/* Labels of either kind, seen alike. The arrays are views. */
typedef struct truth {
    radz_label_table *file;  /* one of the two */
    radz_dataset *data;
    radz_plan_dataset planned;
    const char **patients;   /* [n], owned */
    const char **ids;        /* [n], owned */
    radz_name_table index;   /* of the ids: numbers are rows */
    radz_arena arena;
    const char *name, *title, *split, *path;
    const char *const *classes;
    const int8_t *labels;
    size_t n, n_classes;
} truth;

static void truth_free(truth *t)
{
    radz_label_table_free(t->file);
    radz_dataset_free(t->data);
    radz_plan_dataset_free(&t->planned);
    radz_name_table_free(&t->index);
    radz_arena_free(&t->arena);
    free(t->patients);
    free(t->ids);
    *t = (truth){0};
}

/* All score files on one set of labels, joined. */
typedef struct joined {
    size_t n, n_classes, n_patients, n_files;
    size_t *class_of;     /* [n_classes] class of the labels */
    const char **classes; /* [n_classes] */
    size_t *rows;         /* [n] row of the labels */
    const char **names;   /* [n] */
    int8_t *labels;       /* [n, n_classes] */
    uint32_t *patient_of; /* [n] */
    double **scores;      /* [n_files], each [n, n_classes] */
} joined;

static void joined_free(joined *j)
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
    *j = (joined){0};
}

/* ---- labels ---- */

/* A file, or the name of something else? */
static bool is_table(const char *what)
{
    return radz_str_ends(what, ".csv") || (radz_file_exists(what) && !radz_file_is_dir(what));
}

static radz_status load_label_file(const radz_eval_options *o, const char *path, const radz_strlist *wanted, truth *t,
                                   radz_error *err)
{
    radz_label_options options = {o->id_column, o->patient_column, wanted};
    radz_status st = radz_label_file_load(path, &options, &t->file, err);
    if (st != RADZ_OK)
        return st;
    const char *last = radz_path_name(path), *dot = strrchr(last, '.');
    t->name = t->title = radz_arena_strndup(&t->arena, last, dot != NULL && dot != last ? (size_t)(dot - last) : strlen(last), err);
    t->path = radz_arena_strdup(&t->arena, path, err);
    t->split = "all";
    t->n = t->file->n;
    t->n_classes = t->file->n_classes;
    t->classes = t->file->classes;
    t->labels = t->file->labels;
    return t->name == NULL || t->path == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

static radz_status load_dataset(const radz_home *home, const char *name, const char *split, truth *t, radz_error *err)
{
    radz_status st = radz_plan_find_dataset(home, name, &t->planned, err);
    if (st != RADZ_OK)
        return radz_prefix(err, "--labels '%.100s' is no file", name), st;
    const radz_dataset_card *card = t->planned.card;
    if (t->planned.location.presence != RADZ_DATASET_HERE)
        return radz_fail(err, RADZ_E_MISSING, "data set '%s' is not here: %s", card->base.name, t->planned.location.hint);
    radz_dataset_filter filter = {.keep_missing = true};
    st = radz_dataset_load(card, t->planned.location.root, split != NULL ? split : card->split, &filter, &t->data, err);
    if (st != RADZ_OK)
        return st;
    t->name = t->data->name;
    t->title = card->base.title;
    t->split = t->data->split;
    t->path = t->data->label_file;
    t->n = t->data->n;
    t->n_classes = t->data->n_classes;
    t->classes = t->data->classes;
    t->labels = t->data->labels;
    return RADZ_OK;
}

static radz_status index_truth(truth *t, radz_error *err)
{
    t->ids = radz_calloc(t->n, sizeof *t->ids, err);
    t->patients = radz_calloc(t->n, sizeof *t->patients, err);
    if (t->ids == NULL || t->patients == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < t->n && st == RADZ_OK; i++) {
        uint32_t number;
        t->ids[i] = t->file != NULL ? t->file->ids[i] : t->data->samples[i].image_id;
        t->patients[i] = t->file != NULL ? t->file->patients[i] : t->data->samples[i].patient_id;
        st = radz_name_add(&t->index, &t->arena, t->ids[i], &number, NULL, err);
    }
    return st;
}

static radz_status load_truth(const radz_home *home, const radz_eval_options *o, const char *labels, const char *split,
                              const radz_strlist *wanted, truth *t, radz_error *err)
{
    radz_status st = is_table(labels) ? load_label_file(o, labels, wanted, t, err)
                                           : load_dataset(home, labels, split, t, err);
    return st == RADZ_OK ? index_truth(t, err) : st;
}

/* ---- classes ---- */

static bool names_class(const truth *t, size_t class_index, const char *name)
{
    if (strcmp(t->classes[class_index], name) == 0)
        return true;
    const radz_class_spec *spec = t->planned.card != NULL ? &t->planned.card->classes[class_index] : NULL;
    for (size_t i = 0; spec != NULL && i < spec->synonyms_count; i++)
        if (strcmp(spec->synonyms[i], name) == 0)
            return true;
    return false;
}

/* The column of a class; SIZE_MAX: none. Two of them (a name and a synonym) are an error. */
static radz_status column_of(const radz_score_file *file, const truth *t, size_t class_index, size_t *out, radz_error *err)
{
    *out = SIZE_MAX;
    for (size_t i = 0; i < file->n_columns; i++) {
        if (!names_class(t, class_index, file->columns[i]))
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

static void join_names(const char *const *names, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    size_t shown = 0;
    for (; shown < count && shown < SHOWN_NAMES && used + 90 < size; shown++)
        used += (size_t)snprintf(text + used, size - used, "%s%.60s", shown > 0 ? ", " : "", names[shown]);
    if (shown < count)
        snprintf(text + used, size - used, " and %zu more", count - shown);
}

/* " (do you mean --column-prefix prob_?)" where all columns begin alike; otherwise nothing. */
static void prefix_hint(const radz_score_file *file, char text[120])
{
    size_t prefix = common_prefix(file);
    text[0] = '\0';
    if (prefix > 0 && file->n_columns > 1 && strlen(file->columns[0]) > prefix)
        snprintf(text, 120, " (do you mean --column-prefix %.*s?)", (int)(prefix > 60 ? 60 : prefix), file->columns[0]);
}

static radz_status fail_no_class(const radz_score_file *file, const truth *t, radz_error *err)
{
    char columns[320], classes[320], hint[120];
    join_names(file->columns, file->n_columns, columns, sizeof columns);
    join_names(t->classes, t->n_classes, classes, sizeof classes);
    prefix_hint(file, hint);
    return radz_fail(err, RADZ_E_MISSING, "'%.120s' has no class of '%.100s'; columns: %s; classes: %s%s", file->path,
                     t->name, columns, classes, hint);
}

/* Fills j->class_of with the classes that all score files and the labels have (in the labels' order) and that are asked
 * for; reads those columns of every file. */
static radz_status match_classes(const radz_eval_options *o, radz_score_file **files, size_t n_files, const truth *t,
                                 joined *j, radz_error *err)
{
    size_t *columns = radz_calloc(n_files * t->n_classes, sizeof *columns, err);
    j->class_of = radz_calloc(t->n_classes, sizeof *j->class_of, err);
    j->classes = radz_calloc(t->n_classes, sizeof *j->classes, err);
    radz_status st = columns == NULL || j->class_of == NULL || j->classes == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && o->classes != NULL && i < o->classes->count; i++) {
        bool known = false;
        for (size_t c = 0; c < t->n_classes; c++)
            known = known || names_class(t, c, o->classes->items[i]);
        if (!known)
            st = radz_fail_unknown_in(err, "class", o->classes->items[i], t->classes, t->n_classes);
    }
    for (size_t c = 0; c < t->n_classes && st == RADZ_OK; c++) {
        bool everywhere = o->classes == NULL || o->classes->count == 0;
        for (size_t i = 0; !everywhere && i < o->classes->count; i++)
            everywhere = names_class(t, c, o->classes->items[i]);
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

/* ---- ids ---- */

typedef struct one_sided {
    size_t without_labels, without_scores; /* ids of a score file that the labels lack, and the other way round */
    const char *label_example, *score_example, *score_file;
} one_sided;

static radz_status check_ids(const radz_eval_options *o, const one_sided *s, const truth *t, const joined *j, radz_error *err)
{
    char scores[200] = "", labels[200] = "";
    if (s->without_labels > 0)
        snprintf(scores, sizeof scores, "ids with scores but without labels in '%.60s': %zu (e.g. '%.60s')", t->name,
                 s->without_labels, s->score_example);
    if (s->without_scores > 0)
        snprintf(labels, sizeof labels, "ids with labels but without scores in '%.60s': %zu (e.g. '%.60s')",
                 radz_path_name(s->score_file), s->without_scores, s->label_example);
    const char *and = scores[0] != '\0' && labels[0] != '\0' ? "; " : "";
    if (j->n == 0)
        return radz_fail(err, RADZ_E_VALUE, "no id in common: %s%s%s", scores, and, labels);
    if (!o->partial && (s->without_labels > 0 || s->without_scores > 0))
        return radz_fail(err, RADZ_E_VALUE, "%s%s%s; --partial evaluates the %zu that have both", scores, and, labels, j->n);
    return RADZ_OK;
}

/* Rows in the order of the first score file: those that the labels and every other file have, too. */
static radz_status join_ids(const radz_eval_options *o, radz_score_file **files, size_t n_files, const truth *t, joined *j,
                            one_sided *sides, radz_error *err)
{
    *sides = (one_sided){.score_file = files[0]->path};
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
            else if (sides->without_labels++ == 0)
                sides->score_example = files[f]->ids.names[i];
        }
    for (size_t i = 0; i < t->n; i++) {
        if (found[i] == n_files || (sides->without_scores++ > 0))
            continue;
        sides->label_example = t->ids[i];
        for (size_t f = n_files; f-- > 0;)
            if (radz_name_find(&files[f]->ids, t->ids[i]) == RADZ_NAME_NONE)
                sides->score_file = files[f]->path;
    }
    for (size_t i = 0; i < files[0]->n; i++) {
        uint32_t row = radz_name_find(&t->index, files[0]->ids.names[i]);
        if (row == RADZ_NAME_NONE || found[row] != n_files)
            continue;
        j->rows[j->n] = row;
        j->names[j->n++] = t->ids[row];
    }
    free(found);
    return check_ids(o, sides, t, j, err);
}

static radz_status gather(radz_score_file **files, size_t n_files, const truth *t, joined *j, radz_error *err)
{
    size_t classes = j->n_classes;
    const char **patients = radz_calloc(j->n, sizeof *patients, err);
    j->labels = radz_calloc(j->n, classes, err);
    j->patient_of = radz_calloc(j->n, sizeof *j->patient_of, err);
    j->scores = radz_calloc(n_files, sizeof *j->scores, err);
    radz_status st = patients == NULL || j->labels == NULL || j->patient_of == NULL || j->scores == NULL ? RADZ_E_NOMEM
                                                                                                         : RADZ_OK;
    j->n_files = st == RADZ_OK ? n_files : 0;
    for (size_t i = 0; i < j->n && st == RADZ_OK; i++) {
        patients[i] = t->patients[j->rows[i]];
        for (size_t c = 0; c < classes; c++)
            j->labels[i * classes + c] = t->labels[j->rows[i] * t->n_classes + j->class_of[c]];
    }
    if (st == RADZ_OK)
        st = radz_number_patients(patients, j->n, j->patient_of, &j->n_patients, err);
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
    return st;
}

static radz_scored_set set_of(const joined *j, size_t file)
{
    return (radz_scored_set){
        .n = j->n, .n_classes = j->n_classes, .n_patients = j->n_patients, .names = j->names, .classes = j->classes,
        .labels = j->labels, .scores = j->scores[file], .patient_of = j->patient_of,
    };
}

/* ---- subgroups ---- */

/* Columns of the label file by name, further files, and what the samples of a data set have. */
static radz_status find_subgroups(const radz_eval_options *o, const truth *t, const joined *j, radz_subgroup_columns *out,
                                  radz_error *err)
{
    radz_strlist own = {0}, files = {0};
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && o->groups != NULL && i < o->groups->count; i++) {
        const char *item = o->groups->items[i];
        bool file = is_table(item);
        if (!file && t->file == NULL)
            st = radz_fail(err, RADZ_E_USAGE, "--groups '%.100s' is no file; the columns of a data set are shown by themselves",
                           item);
        else
            st = radz_strlist_add(file ? &files : &own, item, err);
    }
    if (st == RADZ_OK && t->data != NULL) {
        uint32_t *of = radz_calloc(j->n, sizeof *of, err);
        for (size_t i = 0; of != NULL && i < j->n; i++)
            of[i] = (uint32_t)j->rows[i];
        st = of == NULL ? RADZ_E_NOMEM : radz_subgroups_of_dataset(t->data, of, j->n, out, err);
        free(of);
    }
    if (st == RADZ_OK && own.count > 0)
        st = radz_subgroups_of_file(t->path, o->id_column, &own, j->names, j->n, out, err);
    for (size_t i = 0; st == RADZ_OK && i < files.count; i++)
        st = radz_subgroups_of_file(files.items[i], o->id_column, NULL, j->names, j->n, out, err);
    radz_strlist_free(&own);
    radz_strlist_free(&files);
    return st;
}

/* Scores that could be probabilities are taken at their word. */
static bool are_probabilities(const joined *j, size_t file)
{
    for (size_t i = 0; i < j->n * j->n_classes; i++)
        if (!(j->scores[file][i] >= 0 && j->scores[file][i] <= 1))
            return false;
    return true;
}

/* ---- the whole ---- */

/* One side of the evaluation: the test set, or the validation set. */
typedef struct side {
    radz_score_file **files;
    size_t n_files;
    truth truth;
    joined joined;
    one_sided sides;
} side;

static void side_free(side *s)
{
    for (size_t f = 0; s->files != NULL && f < s->n_files; f++)
        radz_score_file_free(s->files[f]);
    free(s->files);
    joined_free(&s->joined);
    truth_free(&s->truth);
}

static radz_status load_side(const radz_home *home, const radz_eval_options *o, const radz_strlist *scores,
                             const char *labels, const char *split, side *s, radz_error *err)
{
    radz_score_options options = {o->id_column, o->column_prefix};
    radz_strlist wanted = {0};
    s->files = radz_calloc(scores->count, sizeof *s->files, err);
    radz_status st = s->files == NULL ? RADZ_E_NOMEM : RADZ_OK;
    s->n_files = st == RADZ_OK ? scores->count : 0;
    for (size_t f = 0; f < s->n_files && st == RADZ_OK; f++) {
        st = radz_score_file_open(scores->items[f], &options, &s->files[f], err);
        for (size_t i = 0; st == RADZ_OK && i < s->files[f]->n_columns; i++)
            if (!radz_strlist_has(&wanted, s->files[f]->columns[i]))
                st = radz_strlist_add(&wanted, s->files[f]->columns[i], err);
    }
    if (st == RADZ_OK) {
        st = load_truth(home, o, labels, split, &wanted, &s->truth, err);
        char hint[120];
        prefix_hint(s->files[0], hint);
        if (st == RADZ_E_MISSING && hint[0] != '\0' && is_table(labels) && radz_file_exists(labels))
            (void)radz_prefix(err, "nothing to compare%s", hint);
    }
    if (st == RADZ_OK)
        st = match_classes(o, s->files, s->n_files, &s->truth, &s->joined, err);
    if (st == RADZ_OK)
        st = join_ids(o, s->files, s->n_files, &s->truth, &s->joined, &s->sides, err);
    if (st == RADZ_OK)
        st = gather(s->files, s->n_files, &s->truth, &s->joined, err);
    radz_strlist_free(&wanted);
    return st;
}

/* Thresholds are looked up by class: the validation set must have the classes of the test. */
static radz_status check_validation(const side *test, const side *validation, radz_error *err)
{
    for (size_t c = 0; c < test->joined.n_classes; c++)
        if (c >= validation->joined.n_classes || strcmp(test->joined.classes[c], validation->joined.classes[c]) != 0)
            return radz_fail(err, RADZ_E_VALUE, "the validation set has no scores or labels of class '%s'; wanted the classes"
                             " of the test, in the same order of labels", test->joined.classes[c]);
    if (validation->joined.n_classes != test->joined.n_classes)
        return radz_fail(err, RADZ_E_VALUE, "the validation set has class '%s', the test has not; choose classes with --class",
                         validation->joined.classes[test->joined.n_classes]);
    return RADZ_OK;
}

static radz_status add_note(radz_results *results, radz_error *err, const char *format, ...) RADZ_PRINTF(3, 4);
static radz_status add_note(radz_results *results, radz_error *err, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return radz_results_add_note(results, text, err);
}

/* What was left out, and what the intervals rest on. */
static radz_status add_notes(const radz_eval_options *o, const side *s, radz_results *results, radz_error *err)
{
    const truth *t = &s->truth;
    const joined *j = &s->joined;
    const char **names = NULL;
    char text[900];
    radz_status st = RADZ_OK;
    for (size_t f = 0; f < s->n_files && st == RADZ_OK; f++) {
        const radz_score_file *file = s->files[f];
        size_t count = 0;
        names = radz_calloc(file->n_columns, sizeof *names, err);
        if (names == NULL)
            return RADZ_E_NOMEM;
        for (size_t i = 0; i < file->n_columns; i++) {
            bool used = false;
            for (size_t c = 0; c < j->n_classes; c++)
                used = used || names_class(t, j->class_of[c], file->columns[i]);
            if (!used)
                names[count++] = file->columns[i];
        }
        join_names(names, count, text, sizeof text);
        if (count > 0)
            st = add_note(results, err, "columns of '%s' that are not evaluated: %s", file->name, text);
        free(names);
    }
    size_t count = 0;
    names = radz_calloc(t->n_classes, sizeof *names, err);
    if (names == NULL)
        return RADZ_E_NOMEM;
    for (size_t c = 0, k = 0; c < t->n_classes; c++)
        if (k < j->n_classes && j->class_of[k] == c)
            k++;
        else
            names[count++] = t->classes[c];
    join_names(names, count, text, sizeof text);
    free(names);
    if (st == RADZ_OK && count > 0)
        st = add_note(results, err, "classes of '%s' that are not evaluated: %s", t->name, text);
    if (st == RADZ_OK && s->sides.without_labels > 0)
        st = add_note(results, err, "PARTIAL: ids with scores but without labels, left out: %zu", s->sides.without_labels);
    if (st == RADZ_OK && s->sides.without_scores > 0)
        st = add_note(results, err, "PARTIAL: ids with labels but without scores, left out: %zu", s->sides.without_scores);
    if (st == RADZ_OK && t->file != NULL && t->file->n_blank + t->file->n_uncertain > 0)
        st = add_note(results, err, "labels that are left out of their class: %zu blank, %zu uncertain (-1)", t->file->n_blank,
                      t->file->n_uncertain);
    if (st == RADZ_OK && t->file != NULL && t->file->patient_column == NULL && o->replicates != 0)
        st = add_note(results, err, "'%s' names no patients: each image counts as a patient of its own, so intervals are too "
                      "narrow where patients have several images", t->name);
    return st;
}

/* Names that tell the files apart: the file's name, or its path where two are alike. */
static const char *model_name(const side *s, size_t file)
{
    for (size_t f = 0; f < s->n_files; f++)
        if (f != file && strcmp(s->files[f]->name, s->files[file]->name) == 0)
            return s->files[file]->path;
    return s->files[file]->name;
}

static radz_status add_facts(const side *s, const char *prefix, radz_sha256 *id, radz_results *results, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_strbuf key = {0};
    radz_status st = RADZ_OK;
    for (size_t f = 0; f <= s->n_files && st == RADZ_OK; f++) {
        const char *path = f < s->n_files ? s->files[f]->path : s->truth.path;
        radz_strbuf_free(&key);
        st = radz_sha256_file(path, hex, err);
        if (st == RADZ_OK)
            st = radz_strbuf_printf(&key, err, "%s%s '%s' SHA-256", prefix, f < s->n_files ? "scores" : "labels",
                                    f < s->n_files ? model_name(s, f) : s->truth.name);
        if (st == RADZ_OK)
            st = radz_results_add_fact(results, key.text, hex, err);
        radz_sha256_add_text(id, hex);
    }
    radz_sha256_add_text(id, s->truth.split);
    for (size_t c = 0; c < s->joined.n_classes; c++)
        radz_sha256_add_text(id, s->joined.classes[c]);
    radz_strbuf_free(&key);
    return st;
}

static radz_status identify(const radz_eval_options *o, const side *test, const side *validation,
                            const radz_protocols *protocols, radz_results *results, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE], name[40], seed[100];
    radz_sha256 id;
    snprintf(seed, sizeof seed, "%" PRId64, o->seed < 0 ? 0 : o->seed);
    radz_status st = radz_results_add_fact(results, "program", "radz-bench " RADZ_VERSION, err);
    if (st == RADZ_OK)
        st = radz_results_add_fact(results, "seed", seed, err);
    radz_sha256_begin(&id);
    radz_sha256_add_text(&id, RADZ_VERSION);
    snprintf(seed, sizeof seed, "%" PRId64 " %" PRId64 " %.17g", o->seed, o->replicates, o->confidence);
    radz_sha256_add_text(&id, seed);
    if (st == RADZ_OK)
        st = add_facts(test, "", &id, results, err);
    if (st == RADZ_OK && validation->n_files > 0)
        st = add_facts(validation, "validation ", &id, results, err);
    for (size_t p = 0; p < protocols->count; p++)
        radz_sha256_add_text(&id, protocols->cards[p]->base.sha256);
    for (size_t i = 0; st == RADZ_OK && o->groups != NULL && i < o->groups->count; i++) {
        radz_sha256_add_text(&id, o->groups->items[i]);
        if (!is_table(o->groups->items[i]))
            continue;
        st = radz_sha256_file(o->groups->items[i], hex, err);
        radz_sha256_add_text(&id, hex);
        if (st == RADZ_OK)
            st = radz_subgroups_add_fact(o->groups->items[i], results, err);
    }
    radz_status ended = radz_sha256_end(&id, hex, st == RADZ_OK ? err : NULL);
    st = st == RADZ_OK ? ended : st;
    snprintf(name, sizeof name, "eval-%.12s", hex);
    return st == RADZ_OK ? radz_results_name(results, name, err) : st;
}

static radz_status evaluate_files(const radz_eval_options *o, const side *test, const side *validation,
                                  const radz_protocols *protocols, radz_results *results, radz_error *err)
{
    const radz_dataset_card *card = test->truth.planned.card;
    radz_evaluation ev = {
        .groups = card != NULL ? card->groups : NULL,
        .groups_count = card != NULL ? card->groups_count : 0,
        .replicates = o->replicates < 0 ? REPLICATES : (uint32_t)o->replicates,
        .confidence = o->confidence,
        .seed = o->seed < 0 ? 0 : (uint64_t)o->seed,
        .threads = o->threads,
        .details = o->details,
        .block = {
            .dataset = test->truth.name,
            .dataset_title = test->truth.title,
            .split = test->truth.split,
            .scorer = RADZ_SCORER_FILE,
            .synthetic = card != NULL && card->synthetic,
            .split_fingerprint = test->truth.data != NULL ? test->truth.data->split_fingerprint : NULL,
        },
    };
    radz_status st = radz_evaluate_groups(test->truth.name, ev.groups, ev.groups_count, test->joined.classes,
                                          test->joined.n_classes, results, err);
    radz_subgroup_columns subgroups = {0};
    if (st == RADZ_OK && o->details)
        st = find_subgroups(o, &test->truth, &test->joined, &subgroups, err);
    ev.subgroupings = subgroups.columns;
    ev.subgroupings_count = subgroups.count;
    for (size_t f = 0; f < test->n_files && st == RADZ_OK; f++) {
        radz_scored_set set = set_of(&test->joined, f), val = {0};
        if (validation->n_files > 0)
            val = set_of(&validation->joined, f);
        ev.test = &set;
        ev.validation = validation->n_files > 0 ? &val : NULL;
        ev.validation_split = ev.validation == NULL ? NULL : validation->truth.split;
        ev.probabilities = are_probabilities(&test->joined, f);
        ev.block.model = model_name(test, f);
        for (size_t p = 0; p < protocols->count && st == RADZ_OK; p++) {
            ev.protocol = protocols->cards[p];
            st = radz_evaluate(&ev, results, err);
        }
    }
    for (size_t a = 0; a < test->n_files && ev.replicates > 0 && st == RADZ_OK; a++)
        for (size_t b = a + 1; b < test->n_files && st == RADZ_OK; b++) {
            radz_scored_set set_a = set_of(&test->joined, a), set_b = set_of(&test->joined, b);
            radz_pairing pairing = {
                .a = &set_a, .b = &set_b, .dataset = ev.block.dataset, .split = ev.block.split,
                .model_a = model_name(test, a), .model_b = model_name(test, b), .scorer = ev.block.scorer,
                .replicates = ev.replicates, .confidence = ev.confidence, .seed = ev.seed, .threads = ev.threads,
            };
            st = radz_evaluate_pair(&pairing, results, err);
        }
    radz_subgroup_columns_free(&subgroups);
    return st;
}

static radz_status load_validation(const radz_home *home, const radz_eval_options *o, const side *test, side *validation,
                                   radz_error *err)
{
    if (o->val_scores == NULL || o->val_scores->count == 0)
        return RADZ_OK;
    if (o->val_scores->count != o->scores->count)
        return radz_fail(err, RADZ_E_USAGE, "%zu files of validation scores for %zu score files; wanted one for each",
                         o->val_scores->count, o->scores->count);
    if (o->val_labels == NULL && test->truth.data == NULL)
        return radz_fail(err, RADZ_E_USAGE, "--val-scores wants --val-labels as well, as --labels is a file");
    const char *labels = o->val_labels != NULL ? o->val_labels : o->labels;
    radz_status st = load_side(home, o, o->val_scores, labels, o->val_split != NULL ? o->val_split : "val", validation, err);
    if (st != RADZ_OK)
        return radz_prefix(err, "validation set"), st;
    return check_validation(test, validation, err);
}

radz_status radz_eval_files(const radz_home *home, const radz_eval_options *o, radz_results **out, radz_error *err)
{
    *out = NULL;
    side test = {0}, validation = {0};
    radz_protocols protocols = {0};
    radz_results *results = NULL;
    double begun = radz_clock_seconds();
    radz_status st = radz_protocols_load(home, o->protocols, RADZ_PROTOCOL_DEFAULT, &protocols, err);
    if (st == RADZ_OK)
        st = load_side(home, o, o->scores, o->labels, o->split, &test, err);
    if (st == RADZ_OK)
        st = load_validation(home, o, &test, &validation, err);
    if (st == RADZ_OK)
        st = radz_results_create("", "eval", "Evaluation of score files", o->command, &results, err);
    if (st == RADZ_OK)
        st = identify(o, &test, &validation, &protocols, results, err);
    if (st == RADZ_OK)
        st = add_notes(o, &test, results, err);
    if (st == RADZ_OK)
        st = evaluate_files(o, &test, &validation, &protocols, results, err);
    if (st == RADZ_OK) {
        results->total_seconds = radz_clock_seconds() - begun;
        results->peak_memory = radz_peak_memory_bytes();
        *out = results;
    } else {
        radz_results_free(results);
    }
    side_free(&validation);
    side_free(&test);
    radz_protocols_free(&protocols);
    return st;
}
