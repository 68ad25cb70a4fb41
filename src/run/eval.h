/* Evaluation of score files that another program wrote, without a model: scores and labels are joined by id, classes are
 * matched by name, and the rest is run/evaluate.h. */
#ifndef RADZ_RUN_EVAL_H
#define RADZ_RUN_EVAL_H

#include "report/results.h"
#include "run/home.h"

typedef struct radz_eval_options {
    const radz_strlist *scores;     /* score files (run/score_file.h), at least one; two or more are compared as paired */
    const char *labels;             /* a label file (data/label_file.h), or the name of a data set card */
    const char *split;              /* of a data set; NULL: as its card says */
    const radz_strlist *val_scores; /* scores of the validation set: none, or one file per file of `scores` */
    const char *val_labels;         /* their labels; NULL: the data set of `labels`, split `val_split` */
    const char *val_split;          /* NULL: "val" */
    const radz_strlist *protocols;  /* NULL or empty: "strict" */
    const radz_strlist *classes;    /* only these; NULL or empty: all */
    const char *id_column, *column_prefix, *patient_column, *study_column; /* NULL: see the headers of the readers */
    const radz_strlist *groups;     /* CSV files with ids and columns that part the images into subgroups; where `labels` is a
                                     * file, also names of its columns. NULL: those that a data set's samples have */
    bool details;                   /* the detail tables too (run/details.h) */
    bool partial;                   /* ids on one side only are left out and counted, otherwise they are an error */
    int64_t replicates;             /* over patients; < 0: 1000; 0: no intervals and no permutation test */
    double confidence;              /* inside (0, 1) */
    int64_t seed;                   /* < 0: 0 */
    int threads;
    const char *command;            /* for provenance */
    const char *results_dir;        /* scores and labels are kept in its folder of this run, so that two runs can be tested as
                                     * paired (run/compare_runs.h); NULL: nowhere */
} radz_eval_options;

/* The rows of the evaluation are in the order of the first score file. Errors name file, line, column, id: no class in
 * common (RADZ_E_MISSING), ids on one side only without `partial` (RADZ_E_VALUE), and what the readers refuse. */
radz_status radz_eval_files(const radz_home *home, const radz_eval_options *options, radz_results **out,
                            radz_error *err) RADZ_MUST_USE;

#endif
