/* What a model answered, beside its scores: DIR/answers-<dataset>-<model>-<scorer>.csv, so that every verdict can be looked up. */
#ifndef RADZ_REPORT_ANSWERS_FILE_H
#define RADZ_REPORT_ANSWERS_FILE_H

#include "base/file.h"

typedef struct radz_answers_file {
    radz_out out;
} radz_answers_file;

typedef struct radz_answer_row {
    const char *image, *class_name; /* class "": the answer is about all classes, `verdict` then lists those that it affirms */
    const char *question, *verdict, *answer;
} radz_answer_row;

/* Columns image, class, question, verdict, answer. Zero-initialise; the file appears when it is committed. */
radz_status radz_answers_file_open(const char *dir, const char *dataset, const char *model, const char *scorer,
                                   radz_answers_file *file, radz_error *err) RADZ_MUST_USE;
void radz_answers_file_row(radz_answers_file *file, const radz_answer_row *row);
radz_status radz_answers_file_commit(radz_answers_file *file, radz_error *err) RADZ_MUST_USE;
void radz_answers_file_abandon(radz_answers_file *file); /* no-op after commit */

#endif
