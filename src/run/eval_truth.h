/* The labels that score files are evaluated against: a file of labels, or a data set by its card. */
#ifndef RADZ_RUN_EVAL_TRUTH_H
#define RADZ_RUN_EVAL_TRUTH_H

#include "data/dataset.h"
#include "data/label_file.h"
#include "data/name_table.h"
#include "run/eval.h"
#include "run/plan.h"

/* Labels of either kind, seen alike. The arrays are views. */
typedef struct radz_truth {
    radz_label_table *file;  /* one of the two */
    radz_dataset *data;
    radz_plan_dataset planned;
    const char **patients;   /* [n], owned */
    const char **studies;    /* [n], owned; NULL where it is not known */
    const char **ids;        /* [n], owned */
    radz_name_table index;   /* of the ids: numbers are rows */
    radz_arena arena;
    const char *name, *title, *split, *path;
    const char *const *classes;
    const int8_t *labels;    /* [n, n_classes], see radz_dataset */
    size_t n, n_classes;
} radz_truth;

/* `labels` is a file or the name of a data set; `split` of the data set (NULL: its card's); `wanted`: the columns to take of a file's.
 * Zero-initialise `out`; free also after an error. RADZ_E_MISSING when there is no such file, data set or column. */
radz_status radz_truth_load(const radz_home *home, const radz_eval_options *o, const char *labels, const char *split,
                            const radz_strlist *wanted, radz_truth *out, radz_error *err) RADZ_MUST_USE;
void radz_truth_free(radz_truth *t);

/* Is this the class's name, or one of its synonyms on the card? */
bool radz_truth_names_class(const radz_truth *t, size_t class_index, const char *name);
/* A file, or the name of something else? */
bool radz_is_table_file(const char *what);

#endif
