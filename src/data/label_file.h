/* A label file: a CSV with an id column, one column per class, and perhaps a column that names the patient. For labels that
 * have no data set card. */
#ifndef RADZ_DATA_LABEL_FILE_H
#define RADZ_DATA_LABEL_FILE_H

#include "base/mem.h"
#include "base/str.h"

typedef struct radz_label_options {
    const char *id_column;      /* used when the file has it; otherwise, or when NULL, the first column is the id */
    const char *patient_column; /* NULL: the first of patient, patient_id, Patient ID, PatientID, subject_id, if any */
    const char *study_column;   /* NULL: the first of study, study_id, Study ID, StudyID, if any */
    const radz_strlist *wanted; /* columns that are read as labels, as far as the file has them; others are not looked at */
} radz_label_options;

/* In the file's order. Owned by the table. */
typedef struct radz_label_table {
    size_t n, n_classes;
    const char **ids;             /* [n], distinct */
    const char **patients;        /* [n]; the id where the file has no patient column */
    const char **studies;         /* [n]; NULL where the file has no study column, or a blank in it */
    const char **classes;         /* [n_classes], in the file's order */
    int8_t *labels;               /* [n, n_classes]: 1, 0, or -1 (RADZ_LABEL_MASKED) for a blank and for -1 */
    const char *patient_column;   /* NULL: there is none */
    size_t n_blank, n_uncertain;  /* labels that are masked, by what the file says */
    radz_arena arena;
} radz_label_table;

/* A label is 1, 0 or -1 (also written 1.0, 0.0, -1.0) or blank; anything else is RADZ_E_VALUE with file, line and column, as
 * are an empty id and one that is there twice. No wanted column at all is RADZ_E_MISSING and names the columns found. */
radz_status radz_label_file_load(const char *path, const radz_label_options *options, radz_label_table **out,
                                 radz_error *err) RADZ_MUST_USE;
/* The same from a text that messages call `name`. */
radz_status radz_label_file_parse(const char *text, size_t size, const char *name, const radz_label_options *options,
                                  radz_label_table **out, radz_error *err) RADZ_MUST_USE;
void radz_label_table_free(radz_label_table *table);

#endif
