/* The results of a run: rows in long form, what they rest on, and the curves for the plots. Filled by src/run, printed by
 * the other files of this room. All strings given to the add functions are copied. */
#ifndef RADZ_REPORT_RESULTS_H
#define RADZ_REPORT_RESULTS_H

#include <stdint.h>

#include "base/mem.h"
#include "base/status.h"

#define RADZ_RESULTS_SCHEMA "radz-bench/results/1"
#define RADZ_TIMING_SCHEMA "radz-bench/timing/1"
#define RADZ_SCORER_FILE "file" /* the scorer of a block whose scores were read from a file */

/* One number. As a line of metrics.csv: dataset,split,n,model,scorer,protocol,class,metric,value,ci_low,ci_high,n_pos,status */
typedef struct radz_result_row {
    const char *dataset, *split, *model, *scorer, *protocol;
    const char *class_name; /* a class, or the name of a mean: "macro", "macro:trained" */
    const char *metric;     /* a name of radz_metrics */
    uint64_t n;             /* images that entered */
    uint64_t n_pos;         /* positives of the class; of a mean: classes that entered it */
    double value, ci_low, ci_high; /* NaN where not there */
    const char *status;     /* "ok", or why there is no value: radz_metric_status_name */
    const char *ci_status;  /* "ok", or why there is no interval; "none" when none was asked for */
} radz_result_row;

/* One evaluated pair of data set and model and scorer: everything a reader should know beside the numbers. */
typedef struct radz_result_block {
    const char *dataset, *dataset_title, *split, *model, *model_title, *scorer, *protocol, *prompts;
    bool synthetic;              /* the data set shows no patients */
    bool subset;                 /* --limit: not the figures of the split */
    uint64_t n_before_limit;     /* images (studies) there were before --limit; 0: no subset */
    uint64_t n_classes, n_card_classes; /* classes evaluated, of how many of the card; both 0: all */
    const char *level;           /* "image", "study" or "question": what `n` counts; NULL: images */
    const char *aggregate;       /* level "study": "max" or "mean" of the images' scores */
    uint64_t n, n_patients;
    uint64_t n_missing, n_skipped; /* images without a file; images that could not be read */
    uint64_t replicates, distinct_replicates;
    double confidence;           /* 0.95 */
    const char *fingerprint, *split_fingerprint; /* of the images that entered; of the whole split */
    const char *weights_sha256, *prompts_sha256, *recipe, *dtype, *device, *trained_on;
    const char *prompts_wording;  /* how the wording of the prompts was chosen: knowing the labels? NULL: the card does not say */
    const char *resampled;       /* what a replicate draws: "patients" or "images"; NULL: no replicates */
    bool bca;                    /* the interval's bounds are corrected percentiles of the replicates (metric/resample.h) */
    const char *const *notes;    /* [n_notes] what a reader must know of the protocol, one sentence each */
    size_t n_notes;
    /* Of models that answer or whose features are read inside a decoder; NULL and 0 for others. */
    const char *template_name;   /* how questions were wrapped */
    const char *reading;         /* how features were read */
    const char *anchors, *anchor_form, *anchors_sha256, *anchors_wording;
    double temperature;          /* of the scores; 0: none */
    bool hard;                   /* scores are answers: 1 yes, 0 no, 0.5 unknown */
    uint64_t n_answers, n_unknown; /* verdicts over images and classes, and those that are unknown */
    uint64_t n_judged, n_right;    /* those with a label, and those that equal it: unknown never does */
} radz_result_block;

/* What the figures of a data set, model and scorer cost, as if no other scorer had run: what several share counts in each.
 * Timings: the terminal table and timing.json show them, the deterministic files do not. */
typedef struct radz_result_cost {
    const char *dataset, *model, *scorer;
    uint64_t images;           /* that were computed in this run; the others were in the cache */
    double seconds_per_image;  /* wall; NaN when no image was computed */
    double tokens_per_image;   /* positions that went through the model; NaN when no image was computed */
    uint64_t peak_memory;      /* bytes, of the process until then */
} radz_result_cost;

/* A data set that was planned but is not on this machine, or has no reader. */
typedef struct radz_result_absent {
    const char *dataset, *title, *hint;
} radz_result_absent;

/* An image that was left out. */
typedef struct radz_result_skip {
    const char *dataset, *model, *image, *reason;
} radz_result_skip;

/* What the check of a data set found before the run; see data/check.h for the members. */
enum { RADZ_RESULT_EXAMPLES = 3 };
typedef struct radz_result_finding {
    const char *dataset;
    const char *split;    /* NULL: of the whole set */
    const char *severity; /* "info", "warning", "error" */
    const char *code, *what, *effect;
    uint64_t count;
    const char *examples[RADZ_RESULT_EXAMPLES]; /* NULL past the last */
} radz_result_finding;

/* A ROC curve of one class of a block, ascending. */
typedef struct radz_result_curve {
    size_t block;               /* index into blocks */
    const char *class_name;
    size_t count;
    double *fpr, *tpr;          /* [count] */
} radz_result_curve;

/* A precision-recall curve of one class of a block, by rising recall. */
typedef struct radz_result_pr {
    size_t block;               /* index into blocks */
    const char *class_name;
    size_t count;
    double *recall, *precision; /* [count] */
} radz_result_pr;

/* An image that a block's scores put far on the wrong side. */
typedef struct radz_result_mistake {
    size_t block;               /* index into blocks */
    const char *class_name, *image;
    bool positive;              /* its label */
    double score;
    double outranked;           /* share of the images of the other label that its score is on the wrong side of, 0 to 1 */
    const char *picture;        /* a small picture of it below the run's folder; NULL: none */
} radz_result_mistake;

/* One figure of two models on the same images. */
typedef struct radz_result_pair {
    const char *dataset, *split, *a, *b; /* a, b: models */
    const char *class_name, *metric;     /* as in rows */
    uint64_t n, n_pos;
    double value_a, value_b, difference; /* difference: a - b */
    double ci_low, ci_high;              /* of the difference, over patients; NaN where not there */
    double p;                            /* DeLong's paired test, of AUCs; NaN where not there, as the three below */
    double p_holm, p_bh;                 /* adjusted for the number of classes of this pair: Holm; Benjamini and Hochberg */
    double p_permutation;                /* of AUCs: patients' ranks exchanged between the models */
    const char *status;                  /* of the difference: "ok", or why there is none */
} radz_result_pair;

/* A named group of classes that is shown apart ("trained", "zero_shot"); rows of it have class_name "macro:NAME". */
typedef struct radz_result_group {
    const char *dataset, *name, *title;
    const char *const *classes;
    size_t n_classes;
} radz_result_group;

/* The finding that a class of a data set is, under its preferred name: classes of one term can stand side by side. */
typedef struct radz_result_term {
    const char *dataset, *class_name, *term;
} radz_result_term;

/* A table beside the rows: DeLong's intervals, calibration, subgroups, ... (docs/results.md lists names and columns). */
typedef struct radz_result_cell {
    const char *text; /* NULL: the cell is `number`, NaN where there is none */
    double number;
} radz_result_cell;

typedef struct radz_result_detail {
    const char *name;           /* "delong"; letters, digits, '_' */
    size_t block;               /* index into blocks */
    const char *const *columns; /* [n_columns] */
    size_t n_columns, n_rows, cells_capacity;
    radz_result_cell *cells;    /* [n_rows, n_columns] */
} radz_result_detail;

typedef struct radz_result_fact { /* one line of provenance, in the order added: "program" "0.1.0" */
    const char *key, *value;
} radz_result_fact;

typedef struct radz_result_stage { /* one line of timing.json */
    const char *stage, *dataset, *model; /* "embed images"; NULL where it is of the whole run */
    uint64_t items, cached;
    double seconds;
} radz_result_stage;

typedef struct radz_results {
    char *run_id, *suite, *suite_title, *command;
    radz_result_row *rows;
    size_t n_rows, rows_capacity;
    radz_result_block *blocks;
    size_t n_blocks, blocks_capacity;
    radz_result_absent *absent;
    size_t n_absent, absent_capacity;
    radz_result_skip *skips;
    size_t n_skips, skips_capacity;
    radz_result_finding *findings;
    size_t n_findings, findings_capacity;
    radz_result_curve *curves;
    size_t n_curves, curves_capacity;
    radz_result_pr *pr_curves;
    size_t n_pr_curves, pr_curves_capacity;
    radz_result_mistake *mistakes;
    size_t n_mistakes, mistakes_capacity;
    radz_result_group *groups;
    size_t n_groups, groups_capacity;
    radz_result_term *terms;
    size_t n_terms, terms_capacity;
    radz_result_detail *details;
    size_t n_details, details_capacity;
    radz_result_pair *pairs;
    size_t n_pairs, pairs_capacity;
    const char **notes; /* on the run as a whole, one sentence each */
    size_t n_notes, notes_capacity;
    radz_result_fact *facts;
    size_t n_facts, facts_capacity;
    radz_result_stage *stages; /* timings: written to timing.json only */
    size_t n_stages, stages_capacity;
    radz_result_cost *costs;   /* likewise, and in the terminal's table */
    size_t n_costs, costs_capacity;
    uint64_t peak_memory;      /* bytes; timing.json */
    double total_seconds;      /* timing.json */
    radz_arena arena;          /* owns the strings */
} radz_results;

radz_status radz_results_create(const char *run_id, const char *suite, const char *suite_title, const char *command,
                                radz_results **out, radz_error *err) RADZ_MUST_USE;
void radz_results_free(radz_results *results);
/* Sets the run's name once everything that determines it is known. */
radz_status radz_results_name(radz_results *results, const char *run_id, radz_error *err) RADZ_MUST_USE;

radz_status radz_results_add_row(radz_results *results, const radz_result_row *row, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_block(radz_results *results, const radz_result_block *block, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_absent(radz_results *results, const radz_result_absent *absent, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_skip(radz_results *results, const radz_result_skip *skip, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_finding(radz_results *results, const radz_result_finding *finding,
                                     radz_error *err) RADZ_MUST_USE;
/* The curve is of the block added last. */
radz_status radz_results_add_curve(radz_results *results, const char *class_name, const double *fpr, const double *tpr,
                                   size_t count, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_pr(radz_results *results, const char *class_name, const double *recall,
                                const double *precision, size_t count, radz_error *err) RADZ_MUST_USE;
/* `mistake->block` counts from 0 and must be there. */
radz_status radz_results_add_mistake(radz_results *results, const radz_result_mistake *mistake,
                                     radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_group(radz_results *results, const radz_result_group *group, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_term(radz_results *results, const radz_result_term *term, radz_error *err) RADZ_MUST_USE;
/* Begins an empty detail table of the block added last; every later detail row goes into it. */
radz_status radz_results_add_detail(radz_results *results, const char *name, const char *const *columns, size_t n_columns,
                                    radz_error *err) RADZ_MUST_USE;
/* `cells` is [n_columns] of the detail added last. */
radz_status radz_results_add_detail_row(radz_results *results, const radz_result_cell *cells, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_pair(radz_results *results, const radz_result_pair *pair, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_note(radz_results *results, const char *note, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_fact(radz_results *results, const char *key, const char *value, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_stage(radz_results *results, const radz_result_stage *stage, radz_error *err) RADZ_MUST_USE;
radz_status radz_results_add_cost(radz_results *results, const radz_result_cost *cost, radz_error *err) RADZ_MUST_USE;

/* Writes metrics.csv, results.json, table.md, table.tex, report.html, timing.json and NAME.csv of every kind of detail into
 * the folder `dir` (made when absent), each through a temporary name. */
radz_status radz_results_write(const radz_results *results, const char *dir, radz_error *err) RADZ_MUST_USE;
/* Reads DIR/results.json back (rows, blocks, pairs, notes, absent, skips, findings, groups, terms, facts, curves, details);
 * printing it again gives the same bytes. */
radz_status radz_results_load(const char *dir, radz_results **out, radz_error *err) RADZ_MUST_USE;
/* Adds the stages, the total and the peak memory of DIR/timing.json; no such file is no error. One of another run is
 * RADZ_E_VALUE. */
radz_status radz_results_load_timing(radz_results *results, const char *dir, radz_error *err) RADZ_MUST_USE;

/* Per-image scores: DIR/scores-<dataset>-<model>-<scorer>.csv with columns image, <class>...; `images` [n], `scores`
 * [n, n_classes] row-major. */
radz_status radz_scores_write(const char *dir, const char *dataset, const char *model, const char *scorer,
                              const char *const *images, size_t n, const char *const *classes, size_t n_classes,
                              const double *scores, radz_error *err) RADZ_MUST_USE;
/* DIR/labels-<dataset>.csv, so that scores of a run can be compared with another run's without the data set: columns image,
 * patient (a number that only tells which images belong together), <class>... with 1, 0 or nothing (masked). `images` and
 * `patients` [n], `labels` [n, n_classes]. */
radz_status radz_labels_write(const char *dir, const char *dataset, const char *const *images, const uint32_t *patients,
                              size_t n, const char *const *classes, size_t n_classes, const int8_t *labels,
                              radz_error *err) RADZ_MUST_USE;
/* Where the two are: `kind` "scores" or "labels"; NULL parts are left out. The caller frees it; NULL for want of memory. */
char *radz_run_file(const char *dir, const char *kind, const char *dataset, const char *model, const char *scorer,
                    radz_error *err) RADZ_MUST_USE;

#endif
