#include "run/eval_truth.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void radz_truth_free(radz_truth *t)
{
    radz_label_table_free(t->file);
    radz_dataset_free(t->data);
    radz_plan_dataset_free(&t->planned);
    radz_name_table_free(&t->index);
    radz_arena_free(&t->arena);
    free(t->patients);
    free(t->studies);
    free(t->ids);
    *t = (radz_truth){0};
}

bool radz_is_table_file(const char *what)
{
    return radz_str_ends(what, ".csv") || (radz_file_exists(what) && !radz_file_is_dir(what));
}

static radz_status load_label_file(const radz_eval_options *o, const char *path, const radz_strlist *wanted, radz_truth *t,
                                   radz_error *err)
{
    radz_label_options options = {o->id_column, o->patient_column, o->study_column, wanted};
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

static radz_status load_dataset(const radz_home *home, const char *name, const char *split, radz_truth *t, radz_error *err)
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

static radz_status index_truth(radz_truth *t, radz_error *err)
{
    t->ids = radz_calloc(t->n, sizeof *t->ids, err);
    t->patients = radz_calloc(t->n, sizeof *t->patients, err);
    t->studies = radz_calloc(t->n, sizeof *t->studies, err);
    if (t->ids == NULL || t->patients == NULL || t->studies == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < t->n && st == RADZ_OK; i++) {
        uint32_t number;
        t->ids[i] = t->file != NULL ? t->file->ids[i] : t->data->samples[i].image_id;
        t->patients[i] = t->file != NULL ? t->file->patients[i] : t->data->samples[i].patient_id;
        t->studies[i] = t->file != NULL ? t->file->studies[i] : t->data->samples[i].study_id;
        st = radz_name_add(&t->index, &t->arena, t->ids[i], &number, NULL, err);
    }
    return st;
}

radz_status radz_truth_load(const radz_home *home, const radz_eval_options *o, const char *labels, const char *split,
                            const radz_strlist *wanted, radz_truth *t, radz_error *err)
{
    radz_status st = radz_is_table_file(labels) ? load_label_file(o, labels, wanted, t, err)
                                           : load_dataset(home, labels, split, t, err);
    return st == RADZ_OK ? index_truth(t, err) : st;
}

bool radz_truth_names_class(const radz_truth *t, size_t class_index, const char *name)
{
    if (strcmp(t->classes[class_index], name) == 0)
        return true;
    const radz_class_spec *spec = t->planned.card != NULL ? &t->planned.card->classes[class_index] : NULL;
    for (size_t i = 0; spec != NULL && i < spec->synonyms_count; i++)
        if (strcmp(spec->synonyms[i], name) == 0)
            return true;
    return false;
}
