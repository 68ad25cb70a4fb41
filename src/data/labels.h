/* From the fields of a row to its labels, as the card's form and policies say. A form is one file labels_<name>.c, listed in
 * labels.c. Only src/data includes this header. */
#ifndef RADZ_DATA_LABELS_H
#define RADZ_DATA_LABELS_H

#include "data/card.h"
#include "data/dataset.h"
#include "data/field.h"
#include "data/name_table.h"

enum { RADZ_LABEL_NOTHING = -2 /* a spelling that means that nothing was found */ };

typedef struct radz_labeler {
    const radz_dataset_card *card;
    const struct radz_label_ops *ops;
    size_t n_classes;          /* of the card */
    radz_field column;         /* every form but "columns" */
    radz_field *class_columns; /* [n_classes], form "columns"; not there: masked */
    radz_name_table spellings; /* lists: what may stand in the label column */
    int *meaning;              /* [spellings.count]: a class, or RADZ_LABEL_NOTHING */
    radz_name_table others;    /* lists: labels that were passed over */
    size_t *other_rows;        /* [others.count] */
    size_t others_capacity;
    radz_strbuf scratch;
    radz_arena arena;
    bool skip;                 /* of the row just read: no labels at all, it is left out */
    /* Where faults of a row go that are to be counted; NULL: each is an error. The context is that of radz_labeler_read. */
    radz_status (*note)(void *context, radz_fault_kind kind, const char *example, radz_error *err);
} radz_labeler; /* zero-initialise */

typedef struct radz_label_ops {
    /* Looks up what the form needs. */
    radz_status (*prepare)(radz_labeler *labeler, radz_find_column find, void *context, radz_error *err);
    /* Fills `labels` [n_classes]. A fault is noted or, RADZ_E_VALUE, says its `place`. */
    radz_status (*read)(radz_labeler *labeler, const char *const *row, const char *(*place)(void *), void *context,
                        int8_t *labels, radz_error *err);
} radz_label_ops;

radz_status radz_labeler_prepare(radz_labeler *labeler, const radz_dataset_card *card, radz_find_column find, void *context,
                                 radz_error *err) RADZ_MUST_USE;
/* The labels of a row. RADZ_E_VALUE: what stands there is no label; where faults are noted, `labels` holds what could be
 * read. */
radz_status radz_labeler_read(radz_labeler *labeler, const char *const *row, const char *(*place)(void *), void *context,
                              int8_t *labels, radz_error *err) RADZ_MUST_USE;
void radz_labeler_free(radz_labeler *labeler);

/* ---- for the forms ---- */

bool radz_text_in(const char *text, char *const *list, size_t count);
/* "a.csv, b.csv" */
void radz_join_names(char *const *names, size_t count, char *text, size_t size);
radz_status radz_labels_learn(radz_labeler *labeler, radz_error *err) RADZ_MUST_USE; /* lists: the spellings */
/* Lists: one name of the list, already without blanks around. Sets `*none` or `*some`. */
radz_status radz_labels_name(radz_labeler *labeler, const char *name, size_t length, const char *(*place)(void *),
                             void *context, int8_t *labels, bool *none, bool *some, radz_error *err) RADZ_MUST_USE;
/* Lists, at the end: nothing found and something found do not go together. */
radz_status radz_labels_conclude(radz_labeler *labeler, const char *text, bool none, bool some, const char *(*place)(void *),
                                 void *context, radz_error *err) RADZ_MUST_USE;

extern const radz_label_ops radz_labels_list, radz_labels_python_list, radz_labels_columns, radz_labels_rle;

#endif
