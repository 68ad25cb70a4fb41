/* The tables and figures of a paper, in one style, from results: LaTeX tables, and plots as PDF, SVG and PNG. */
#ifndef RADZ_REPORT_FIGURES_H
#define RADZ_REPORT_FIGURES_H

#include "base/str.h"
#include "report/results.h"

/* A published method on one data set, for a row beside ours. All strings borrowed. */
typedef struct radz_published {
    const char *method, *source, *protocol;
    const char *note;       /* NULL: none */
    const char *dataset;    /* NULL: the method has no figure: its row stays empty */
    const char *class_name; /* NULL: the mean over the classes */
    bool asked;             /* a multimodal language model: the MLLM table */
    double labels;          /* share of the training labels in percent; NaN: zero-shot */
    double auc, f1, acc;    /* percent; NaN: not known, its cell stays empty */
} radz_published;

/* Features of images laid out in the plane. */
typedef struct radz_feature_map {
    const char *dataset, *split, *model;
    size_t n;               /* images shown */
    const double *layout;   /* [n, 2] */
    const size_t *group;    /* [n] index into `groups` */
    const char *const *groups; /* [n_groups], the last for images without any of the others */
    size_t n_groups;
    double perplexity, kl;
} radz_feature_map;

typedef struct radz_figures_input {
    const radz_results *results;      /* with timings where they are known */
    const bool *asked;                /* [n_blocks] the block's scores are answers to questions */
    const radz_published *published;
    size_t n_published;
    const radz_feature_map *maps;
    size_t n_maps;
    const char *no_maps;              /* why there are no maps, for the figure that says so */
} radz_figures_input;

/* Writes into `dir` (made when absent):
 *   table-zero-shot.tex, table-mllm.tex, table-few-shot.tex   booktabs
 *   roc-, pr-, auc- (bars) of each data set, compare-auc        as radz_plots_write
 *   radar-<dataset>-<split>                                     AUC of each class, published ones too where they are known
 *   ablation-<factor>                                           of the detail table "ablation"
 *   tsne-<dataset>-<model>                                      of the maps
 *   cost-auc                                                    time of an image against mean AUC
 *   figures.tex                                                 all of them, to compile or to copy from
 * What has no data is written as well, and says which data it lacks; `absent` (may be NULL) gets a line for each. Drawing
 * as radz_plots_write. */
radz_status radz_figures_write(const radz_figures_input *input, const char *dir, bool draw, radz_strlist *absent,
                               radz_error *err) RADZ_MUST_USE;

#endif
