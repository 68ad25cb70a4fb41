/* Macro AUC of every data set, model and scorer, with intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/plot_parts.h"

enum { LONGEST = 44 };
static const double line = 0.17 /* inches a row */, heading = 0.24;

static const radz_result_row *macro_of(const radz_plot_set *set, size_t block)
{
    return radz_block_row(&set->blocks[block], "macro", "auc");
}

static void put_value(FILE *labels, double value, double y)
{
    if (isnan(value))
        fprintf(labels, "set label \"NA\" at graph 1.03, first %.4f left\n", y);
    else
        fprintf(labels, "set label \"%.3f\" at graph 1.03, first %.4f left\n", value, y);
}

/* Puts the rows of all blocks under headings, one heading for each data set and split: y in inches from the top. The
 * streams may be NULL. Returns the height. */
static double lay_out(const radz_plot_set *set, FILE *data, FILE *tics, FILE *labels, double *least, size_t *longest)
{
    const radz_results *results = set->results;
    double y = 0;
    bool any_tic = false;
    *least = 0.5;
    *longest = 0;
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_block *first = &results->blocks[i];
        bool is_first = true;
        for (size_t j = 0; j < i; j++)
            is_first = is_first && !radz_same_section(first, &results->blocks[j]);
        if (!is_first)
            continue;
        if (labels != NULL) {
            char text[300];
            radz_plot_subject(first, text);
            fputs("set label ", labels);
            radz_plot_label(labels, text, LONGEST + 24);
            fprintf(labels, " at screen 0.02, first %.4f left tc rgb '#404040'\n", y + heading * 0.6);
        }
        y += heading;
        double top = y;
        for (size_t j = i; j < results->n_blocks; j++) {
            const radz_result_block *b = &results->blocks[j];
            const radz_result_row *row = macro_of(set, j);
            if (!radz_same_section(first, b))
                continue;
            char name[200];
            snprintf(name, sizeof name, "%.90s / %.90s", b->model, b->scorer);
            size_t width = radz_text_width(name);
            *longest = width > *longest ? width : *longest;
            if (tics != NULL) {
                fputs(any_tic ? ", " : "", tics);
                radz_plot_tic(tics, name, LONGEST, y + line / 2);
                any_tic = true;
            }
            bool there = row != NULL && !isnan(row->value);
            bool interval = there && !isnan(row->ci_low) && !isnan(row->ci_high);
            if (there) {
                double low = interval ? row->ci_low : row->value, high = interval ? row->ci_high : row->value;
                if (data != NULL)
                    fprintf(data, "%.6f %.4f %.6f %.6f %s\n", row->value, y + line / 2, low, high,
                            radz_plot_colour(set->pair_of[j]) + 1);
                *least = low < *least ? low : *least;
            }
            if (labels != NULL)
                put_value(labels, there ? row->value : NAN, y + line / 2);
            y += line;
        }
        /* the grid ends where the next heading begins */
        for (int tenth = 0; labels != NULL && tenth <= 10; tenth++)
            fprintf(labels, "if (%.1f >= low) { set arrow from %.1f, first %.4f to %.1f, first %.4f nohead %s }\n",
                    tenth / 10.0, tenth / 10.0, top, tenth / 10.0, y,
                    tenth == 5 ? "lw 0.8 lc rgb '#404040' front" : "lw 0.5 lc rgb '#d8d8d8' back");
    }
    return y;
}

radz_status radz_plot_compare(radz_plot_set *set, radz_error *err)
{
    double least;
    size_t longest;
    double rows = lay_out(set, NULL, NULL, NULL, &least, &longest) + 0.06;
    double left = 0.12 + radz_plot_text_inches(longest < LONGEST ? longest : LONGEST), right = 0.48, top = 0.05, bottom = 0.42;
    double width = left + 2.1 + right, height = top + rows + bottom;
    radz_plot plot;
    radz_status st = radz_plot_begin("compare-auc", NULL, NULL, 0, width, height, &plot, err);
    if (st != RADZ_OK)
        return st;
    FILE *out = plot.stream;
    char *tics = NULL, *labels = NULL;
    size_t tics_size = 0, labels_size = 0;
    FILE *tics_out = open_memstream(&tics, &tics_size), *labels_out = open_memstream(&labels, &labels_size);
    if (tics_out == NULL || labels_out == NULL) {
        st = radz_fail(err, RADZ_E_NOMEM, "out of memory for the plot 'compare-auc'");
    } else {
        fputs("$auc << END\n", out);
        lay_out(set, out, tics_out, labels_out, &least, &longest);
        fputs("END\n", out);
    }
    if (tics_out != NULL)
        fclose(tics_out);
    if (labels_out != NULL)
        fclose(labels_out);
    if (st == RADZ_OK) {
        double low = floor(least * 10 + 1e-9) / 10;
        radz_plot_draw_begin(&plot);
        fprintf(out, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at "
                "screen %.4f\n", left / width, 1 - right / width, 1 - top / height, bottom / height);
        fprintf(out, "low = %.1f\nset border 1\nset xrange [low:1]\nset yrange [%.4f:0]\nset xtics 0.1 format \"%%.1f\" offset "
                "0,0.4\nset xlabel \"mean AUC over the classes\" offset 0,0.9\nunset key\nset ytics scale 0 (%s)\n%s",
                low > 0.4 ? 0.4 : low, rows, tics, labels);
        fprintf(out,
                "set style fill solid 1 noborder\n"
                "colour(text) = int(\"0x\".text)\n"
                "plot $auc using 1:2:($1 < 0.5 ? $1 : 0.5):($1 < 0.5 ? 0.5 : $1):($2 - %.4f):($2 + %.4f):"
                "(colour(strcol(5))) with boxxyerror lc rgb variable notitle, $auc using 1:2:3:4 with xerrorbars "
                "lc rgb '#202020' lw 0.8 pt 7 ps 0.2 notitle\n", line * 0.33, line * 0.33);
    }
    st = radz_plot_end(&plot, set, st, err);
    free(tics);
    free(labels);
    return st;
}
