/* Score files and labels, joined by class and id. */
#ifndef RADZ_RUN_EVAL_JOIN_H
#define RADZ_RUN_EVAL_JOIN_H

#include "run/eval_truth.h"
#include "run/evaluate.h"
#include "run/score_file.h"

/* All score files on one set of labels. Views into the labels but for the arrays themselves. */
typedef struct radz_joined {
    size_t n, n_classes, n_patients, n_files;
    size_t *class_of;     /* [n_classes] class of the labels */
    const char **classes; /* [n_classes] */
    size_t *rows;         /* [n] row of the labels */
    const char **names;   /* [n] */
    int8_t *labels;       /* [n, n_classes] */
    uint32_t *patient_of; /* [n] */
    uint32_t *study_of;   /* [n]; NULL: not known of every image */
    size_t n_studies;
    double **scores;      /* [n_files], each [n, n_classes] */
    size_t without_labels, without_scores; /* ids of a score file that the labels lack, and the other way round */
} radz_joined;

/* Classes: those that all score files and the labels have (in the labels' order) and that are asked for. Rows: the ids that all have, in
 * the order of the first score file; others are an error unless o->partial. Zero-initialise `out`; free also after an error. */
radz_status radz_join(const radz_eval_options *o, radz_score_file **files, size_t n_files, const radz_truth *t, radz_joined *out,
                      radz_error *err) RADZ_MUST_USE;
void radz_joined_free(radz_joined *j);
/* Brings the classes into the order of `classes` [j->n_classes], which are the same by name: RADZ_E_VALUE names one that is missing. */
radz_status radz_joined_order(radz_joined *j, const char *const *classes, radz_error *err) RADZ_MUST_USE;
/* One file's scores with their labels; a view. */
radz_scored_set radz_joined_set(const radz_joined *j, size_t file);

/* "a, b, c and 7 more" */
void radz_name_list(const char *const *names, size_t count, char *text, size_t size);
/* " (do you mean --column-prefix prob_?)" where all columns begin alike; otherwise nothing. */
void radz_column_prefix_hint(const radz_score_file *file, char text[120]);

#endif
