/* ROC and precision-recall curves: a panel for each class, a line for each model and scorer. */
#include <math.h>
#include <string.h>

#include "report/plot_parts.h"

enum { PAIRS = 6 /* lines in a panel */, COLUMNS = 4 };
static const double panel = 1.55, left = 0.48, right = 0.1, bottom = 0.46, title = 0.2, gap = 0.24, legend_line = 0.16;

/* What a figure shows, and what differs between the two. */
typedef struct curve_kind {
    const char *name, *metric, *x_title, *y_title, *y_title_long;
    bool pr;
} curve_kind;
static const curve_kind roc_kind = {"roc", "auc", "false positive rate (1 - specificity)", "true positive rate",
                                    "true positive rate (sensitivity)", false};
static const curve_kind pr_kind = {"pr", "ap", "recall (sensitivity)", "precision", "precision (PPV)", true};

typedef struct curve {
    const double *x, *y; /* [count] */
    size_t count;
} curve;

static bool curve_of(const curve_kind *kind, const radz_results *results, size_t block, const char *class_name, curve *out)
{
    for (size_t i = 0; !kind->pr && i < results->n_curves; i++) {
        const radz_result_curve *c = &results->curves[i];
        if (c->block == block && strcmp(c->class_name, class_name) == 0)
            return *out = (curve){c->fpr, c->tpr, c->count}, true;
    }
    for (size_t i = 0; kind->pr && i < results->n_pr_curves; i++) {
        const radz_result_pr *c = &results->pr_curves[i];
        /* the first point belongs to no threshold: it would draw a line down the axis */
        if (c->block == block && strcmp(c->class_name, class_name) == 0 && c->count > 1)
            return *out = (curve){c->recall + 1, c->precision + 1, c->count - 1}, true;
    }
    return false;
}

static void put_data(FILE *out, const curve_kind *kind, const radz_plot_set *set, const size_t *members, size_t n, const radz_strlist *classes)
{
    for (size_t c = 0; c < classes->count; c++)
        for (size_t m = 0; m < n; m++) {
            curve points;
            if (!curve_of(kind, set->results, members[m], classes->items[c], &points))
                continue;
            fprintf(out, "$%s_%zu_%zu << END\n", kind->name, c, m);
            for (size_t i = 0; i < points.count; i++)
                fprintf(out, "%.5g %.5g\n", points.x[i], points.y[i]);
            fputs("END\n", out);
        }
}

static void put_panel(FILE *out, const curve_kind *kind, const radz_plot_set *set, const size_t *members, size_t n, const char *class_name, size_t c)
{
    const radz_results *results = set->results;
    bool any = false;
    fputs("set title ", out);
    radz_plot_label(out, class_name, 26);
    fputs(" offset 0,-0.7\n", out);
    for (size_t m = 0; m < n; m++) {
        const radz_result_row *row = radz_block_row(&set->blocks[members[m]], class_name, kind->metric);
        if (row == NULL || isnan(row->value))
            continue;
        fprintf(out, "set label %zu \"%.3f\" at graph 0.97,%.2f right tc rgb '%s' front\n", m + 1, row->value,
                kind->pr ? 0.93 - 0.095 * (double)m : 0.07 + 0.095 * (double)(n - 1 - m), radz_plot_colour(set->pair_of[members[m]]));
        any = true;
    }
    if (!any)
        fputs("set label 1 \"NA\" at graph 0.5,0.75 center tc rgb '#606060'\n", out);
    const radz_result_row *prevalence = radz_block_row(&set->blocks[members[0]], class_name, "prevalence");
    if (!kind->pr)
        fputs("plot x", out);
    else if (prevalence != NULL && !isnan(prevalence->value))
        fprintf(out, "plot %.5f", prevalence->value);
    else
        fputs("plot NaN", out);
    fputs(" with lines lc rgb '#808080' lw 0.8 dt (2,3) notitle", out);
    for (size_t m = 0; m < n; m++) {
        curve points;
        if (!curve_of(kind, results, members[m], class_name, &points))
            continue;
        fprintf(out, ", $%s_%zu_%zu with lines lw 1.3 ", kind->name, c, m);
        radz_plot_style(out, set->pair_of[members[m]]);
        fputs(" notitle", out);
    }
    putc('\n', out);
}

/* One line of the legend for each pair, drawn by hand: gnuplot's own would take room from a panel. */
static void put_legend(FILE *out, const radz_plot_set *set, const size_t *members, size_t n, const radz_plot *plot)
{
    for (size_t m = 0; m < n; m++) {
        const radz_result_block *b = &set->results->blocks[members[m]];
        double y = 1 - (0.5 + 1 + (double)(m / 2)) * legend_line / plot->height - 0.06 / plot->height;
        double x = (left + (double)(m % 2) * (plot->width - left) / 2) / plot->width;
        fprintf(out, "set arrow %zu from screen %.4f,%.4f to screen %.4f,%.4f nohead lw 1.6 ", m + 1, x, y,
                x + 0.3 / plot->width, y);
        radz_plot_style(out, set->pair_of[members[m]]);
        fprintf(out, "\nset label %zu ", 100 + m);
        radz_strbuf name = {0};
        if (radz_strbuf_printf(&name, NULL, "%s / %s", b->model, b->scorer) == RADZ_OK)
            radz_plot_label(out, name.text, (size_t)((plot->width - left) / 2 / radz_plot_text_inches(1)) - 7);
        else
            fputs("\"\"", out);
        radz_strbuf_free(&name);
        fprintf(out, " at screen %.4f,%.4f left\n", x + 0.36 / plot->width, y);
    }
}

static radz_status one_figure(const curve_kind *kind, radz_plot_set *set, const size_t *members, size_t n, size_t part, const radz_strlist *classes,
                              radz_error *err)
{
    const radz_result_block *b = &set->results->blocks[members[0]];
    size_t columns = classes->count < COLUMNS ? classes->count : COLUMNS;
    size_t rows = (classes->count + columns - 1) / columns;
    double legend = 0.12 + legend_line * (1 + (double)((n + 1) / 2));
    /* at least as wide as two columns of panels: the legend and the axis titles need that much */
    double wide = left + right + (double)(columns < 2 ? 2 : columns) * panel + ((double)(columns < 2 ? 2 : columns) - 1) * gap;
    radz_plot plot;
    radz_status st = radz_plot_begin(kind->name, b->dataset, b->split, part, wide,
                                     bottom + legend + (double)rows * (panel + title) + ((double)rows - 1) * 0.06, &plot, err);
    if (st != RADZ_OK)
        return st;
    FILE *out = plot.stream;
    put_data(out, kind, set, members, n, classes);
    radz_plot_draw_begin(&plot);
    fputs("set multiplot\nset xrange [0:1]\nset yrange [0:1]\nunset key\nset samples 2\n", out);
    put_legend(out, set, members, n, &plot);
    char subject[300];
    radz_plot_subject(b, subject);
    fputs("set label 202 ", out);
    radz_plot_label(out, subject, (size_t)((wide - left) / radz_plot_text_inches(1)));
    fprintf(out, " at screen %.4f,%.4f left tc rgb '#404040'\n", left / plot.width,
            1 - (0.5 * legend_line + 0.06) / plot.height);
    fprintf(out, "set label 200 \"%s\" at screen %.4f,%.4f center\n", kind->x_title,
            (left + (plot.width - left - right) / 2) / plot.width, 0.11 / plot.height);
    fprintf(out, "set label 201 \"%s\" at screen %.4f,%.4f center rotate by 90\n",
            rows > 1 ? kind->y_title_long : kind->y_title, 0.1 / plot.width, (bottom + (plot.height - bottom - legend) / 2) / plot.height);
    for (size_t c = 0; c < classes->count; c++) {
        size_t row = c / columns, column = c % columns;
        double x = left + (double)column * (panel + gap), top = plot.height - legend - title - (double)row * (panel + title + 0.06);
        fprintf(out, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at "
                "screen %.4f\n", x / plot.width, (x + panel) / plot.width, top / plot.height, (top - panel) / plot.height);
        bool last_in_column = c + columns >= classes->count;
        fprintf(out, "set xtics 0,0.5,1 format \"%s\" offset 0,0.4\n", last_in_column ? "%g" : "");
        fprintf(out, "set ytics 0,0.5,1 format \"%s\" offset 0.5,0\n", column == 0 ? "%g" : "");
        put_panel(out, kind, set, members, n, classes->items[c], c);
        fputs("unset arrow\nunset label\n", out); /* the legend is drawn with the first panel */
    }
    fputs("unset multiplot\n", out);
    return radz_plot_end(&plot, set, st, err);
}

static radz_status all_figures(const curve_kind *kind, radz_plot_set *set, const size_t *members, size_t n_members,
                               radz_error *err)
{
    radz_strlist classes = {0};
    radz_status st = radz_classes_in_order(set->results, set->blocks, members, n_members, &classes, err);
    bool any = false;
    curve points;
    for (size_t m = 0; m < n_members; m++)
        for (size_t c = 0; c < classes.count; c++)
            any = any || curve_of(kind, set->results, members[m], classes.items[c], &points);
    for (size_t from = 0; any && from < n_members && st == RADZ_OK; from += PAIRS)
        st = one_figure(kind, set, members + from, n_members - from < PAIRS ? n_members - from : PAIRS, from / PAIRS, &classes,
                        err);
    radz_strlist_free(&classes);
    return st;
}

radz_status radz_plot_roc(radz_plot_set *set, const size_t *members, size_t n_members, radz_error *err)
{
    return all_figures(&roc_kind, set, members, n_members, err);
}

radz_status radz_plot_pr(radz_plot_set *set, const size_t *members, size_t n_members, radz_error *err)
{
    return all_figures(&pr_kind, set, members, n_members, err);
}
