/* The kinds of plots and what they share. */
#ifndef RADZ_REPORT_PLOT_PARTS_H
#define RADZ_REPORT_PLOT_PARTS_H

#include <stdio.h>

#include "report/escape.h"
#include "report/results_lookup.h"

enum { RADZ_PLOT_POINTS = 8 /* size of the text, as set in print */ };

/* A set of plots about to be written. */
typedef struct radz_plot_set {
    const radz_results *results;
    radz_block_rows *blocks;        /* [n_blocks], the rows of each; owned */
    size_t *pair_of;                /* [n_blocks] number of the block's (model, scorer) in order of first appearance */
    radz_strlist names;             /* of the scripts, without suffix */
    radz_strlist scripts;           /* their texts */
} radz_plot_set;

/* Close also after an error. Write: as radz_plots_write does, into the folder `dir` itself. */
radz_status radz_plot_set_open(const radz_results *results, radz_plot_set *set, radz_error *err) RADZ_MUST_USE;
void radz_plot_set_close(radz_plot_set *set);
radz_status radz_plot_set_write(const radz_plot_set *set, const char *dir, bool draw, radz_error *err) RADZ_MUST_USE;
/* Adds every plot of a run. */
radz_status radz_plot_set_all(radz_plot_set *set, radz_error *err) RADZ_MUST_USE;

/* One script: begin gives a stream to write the body to; end adds it to the set (or forgets it after an error). The body is
 * run once for each output format, between the lines that open and close the picture. */
typedef struct radz_plot {
    FILE *stream;
    char *text;
    size_t size;
    radz_strbuf name;
    double width, height; /* inches */
} radz_plot;
radz_status radz_plot_begin(const char *kind, const char *dataset, const char *split, size_t part, double width,
                            double height, radz_plot *out, radz_error *err) RADZ_MUST_USE;
/* Between data blocks and drawing commands. */
void radz_plot_draw_begin(radz_plot *plot);
radz_status radz_plot_end(radz_plot *plot, radz_plot_set *set, radz_status st, radz_error *err) RADZ_MUST_USE;

/* Colour (Okabe-Ito, without yellow) and dash of pair number i, as "lc rgb '#0072B2' dt 1". */
void radz_plot_style(FILE *out, size_t pair);
const char *radz_plot_colour(size_t pair);
/* At most `most` characters of a text, the rest replaced by "...", in `out` of `room` > 16 bytes. */
void radz_plot_cut(const char *text, size_t most, char *out, size_t room);
/* A quoted string of at most `most` characters, the rest replaced by "...". */
void radz_plot_label(FILE *out, const char *text, size_t most);
/* The same as one entry of "set ytics (...)". */
void radz_plot_tic(FILE *out, const char *text, size_t most, double at);
/* "phantom, test: 1,024 images (synthetic)": what a figure shows. */
void radz_plot_subject(const radz_result_block *block, char text[300]);
/* Inches that `characters` of text need, on the safe side. */
double radz_plot_text_inches(size_t characters);

/* Each adds its scripts for the blocks `members` of one data set and split; compare takes all blocks. */
radz_status radz_plot_roc(radz_plot_set *set, const size_t *members, size_t n_members, radz_error *err) RADZ_MUST_USE;
radz_status radz_plot_pr(radz_plot_set *set, const size_t *members, size_t n_members, radz_error *err) RADZ_MUST_USE;
radz_status radz_plot_auc(radz_plot_set *set, const size_t *members, size_t n_members, radz_error *err) RADZ_MUST_USE;
radz_status radz_plot_compare(radz_plot_set *set, radz_error *err) RADZ_MUST_USE;
/* Of the detail table "ablation": a figure for each factor, with a curve for each block over the factor's values (points, where
 * they are words). */
radz_status radz_plot_ablations(radz_plot_set *set, radz_error *err) RADZ_MUST_USE;

/* Writes the scripts of a set into `dir` (made when absent) and draws those that are new; see plot.h. */
radz_status radz_plot_set_write(const radz_plot_set *set, const char *dir, bool draw, radz_error *err) RADZ_MUST_USE;

/* Runs `gnuplot` on each script NAME.gp in folder `dir` (its working folder), a process for each: what one script drew before
 * would show in the next one's SVG. As many at a time as there are processors. `*missing` when there is no gnuplot.
 * RADZ_E_BACKEND with its words when it fails. */
radz_status radz_gnuplot_run(const char *dir, const radz_strlist *names, bool *missing, radz_error *err) RADZ_MUST_USE;
/* cairo writes the time into a PDF: replaced by the start of 1970, so that the same plot has the same bytes. */
radz_status radz_gnuplot_fix_pdf(const char *path, radz_error *err) RADZ_MUST_USE;

#endif
