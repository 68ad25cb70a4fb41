/* What a subcommand is, and the options they share. Only this folder prints and exits. */
#ifndef RADZ_BENCH_COMMAND_H
#define RADZ_BENCH_COMMAND_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

enum radz_exit { RADZ_EXIT_OK = 0, RADZ_EXIT_FAILED = 1, RADZ_EXIT_USAGE = 2, RADZ_EXIT_REGRESSION = 3 };

/* The values of every option of every command; a command reads those that its table entry names. */
typedef struct radz_options {
    const char *suite;                                  /* --suite */
    radz_strlist datasets, models, scorers, classes;    /* --dataset, ...: repeatable, or comma-separated */
    radz_strlist protocols;                             /* --protocol */
    radz_strlist require;                               /* --require: data sets that must be here; "all" for each */
    int64_t limit;                                      /* --limit, 0: all images */
    const char *results, *cache;                        /* --results, --cache */
    radz_strlist manifests;                             /* --manifests: more folders of cards */
    int64_t threads;                                    /* --threads, 0: all processors of this process */
    const char *device, *dtype;                         /* --device, --dtype; NULL: as the model's card says */
    bool skip_bad_samples;                              /* --on-error stop|skip */
    int64_t seed;                                       /* --seed; -1: as the card says */
    bool no_plots;                                      /* --no-plots */
    bool strict, json;                                  /* check, run */
    const char *gate;                                   /* compare */
    bool fast;                                          /* check: read no image */
    int thumbnails;                                     /* --thumbnails public|all|none: a radz_thumbnails */
    const char *split;                                  /* --split */
    const char *out;                                    /* --out */
    int64_t patients;                                   /* phantom */
    bool sheet;                                         /* phantom */
    const char *recipe;                                 /* train */
    radz_strlist changes;                               /* train: --set KEY=VALUE, not split at commas */
    bool fresh;                                         /* train: do not resume from a checkpoint */
    int64_t days;                                       /* cache gc, history prune; -1: not given */
    int64_t keep;                                       /* history prune; 0: not given */
    const char *metric, *note, *date;                   /* history */
    const char *format;                                 /* report: a name of radz_printers */
    radz_strlist scores, val_scores;                    /* eval: --scores, --val-scores; paths, not split at commas */
    const char *labels, *val_labels, *val_split;        /* eval */
    radz_strlist groups;                                /* run: files; eval: files, or columns of the label file */
    bool details;                                       /* eval */
    const char *id_column, *column_prefix, *patient_column, *study_column; /* eval */
    bool partial;                                       /* eval */
    int64_t replicates;                                 /* --replicates; -1: as the card or command says */
    double confidence;                                  /* --confidence, percent; 95 */
    radz_strlist percents;                              /* probe: --percent */
    int64_t draws;                                      /* probe; 0: the default */
    const char *probe_c, *train_split;                  /* probe: --c, --train-split */
    bool quiet, help;
    radz_strlist positional;
    char *command_line;                                 /* as typed, quoted where needed; for provenance */
} radz_options;

typedef struct radz_command {
    const char *name;
    const char *summary;            /* one line for `help` */
    const char *usage;              /* after the name: "[DIR]" */
    const char *details;            /* further lines for `help NAME`, or NULL */
    const char *const *options;     /* names it takes, NULL-terminated; --help and --quiet are understood by all */
    size_t max_positional;
    radz_status (*run)(const radz_options *options, int *exit_code, radz_error *err);
} radz_command;

extern const radz_command radz_commands[]; /* ends with name == NULL */

/* Parses the arguments after the command's name. `options` must be zero-initialised; free with radz_options_free. */
radz_status radz_options_parse(const radz_command *command, int argc, char **argv, radz_options *options,
                               radz_error *err) RADZ_MUST_USE;
void radz_options_free(radz_options *options);
void radz_print_help(const radz_command *command); /* NULL: the overview */

radz_status radz_cmd_run(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_check(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_history(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_list(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_compare(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_datasets(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_embed(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_eval(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_probe(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_report(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_figures(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_plot(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_anchors(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_cache(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_phantom(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_train(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_version(const radz_options *options, int *exit_code, radz_error *err);
radz_status radz_cmd_help(const radz_options *options, int *exit_code, radz_error *err);

#endif
