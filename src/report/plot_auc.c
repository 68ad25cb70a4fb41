/* AUC of each class as bars from chance (0.5), with intervals: one bar for each model and scorer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/plot_parts.h"

enum { PAIRS = 4 /* bars of a class */, LONGEST = 36 /* characters of a label */ };
static const double space = 0.09 /* inches between classes */, legend_line = 0.16;

/* A class or a mean: `n` bars beside one label. */
typedef struct slot {
    const char *class_name; /* in the rows: "macro:trained" */
    char label[160];        /* "mean, trained", "Hernia (44)" */
    double y;               /* inches from the top of the plotted area to the first bar */
} slot;

typedef struct chart {
    slot *slots;
    size_t count;
    double y;          /* where the next slot goes */
    double lines[64];  /* between groups */
    size_t n_lines;
    size_t longest;    /* label, in characters */
    double bar;        /* inches */
} chart;

static void add_slot(chart *ch, const char *class_name, const char *shown, const char *count, size_t bars)
{
    slot *s = &ch->slots[ch->count++];
    s->class_name = class_name;
    char cut[100];
    radz_plot_cut(shown, count[0] != '\0' ? LONGEST - 3 - strlen(count) : LONGEST, cut, sizeof cut);
    snprintf(s->label, sizeof s->label, count[0] != '\0' ? "%s (%s)" : "%s%s", cut, count);
    s->y = ch->y + space / 2;
    ch->y += space + ch->bar * (double)bars;
    size_t width = radz_text_width(s->label);
    ch->longest = width > ch->longest ? width : ch->longest;
}

/* "macro:NAME" as the rows of these blocks have it, or NULL. */
static const char *mean_of_group(const radz_block_rows *rows, const char *group)
{
    for (size_t i = 0; i < rows->n; i++) {
        const char *name = rows->rows[i]->class_name;
        if (radz_is_mean(name) && strchr(name, ':') != NULL && strcmp(strchr(name, ':') + 1, group) == 0)
            return name;
    }
    return NULL;
}

/* The mean of all, then each group: its mean and its classes. */
static void lay_out(const radz_plot_set *set, const size_t *members, size_t n, const radz_strlist *classes, chart *ch)
{
    const char *dataset = set->results->blocks[members[0]].dataset;
    const radz_result_group *group = NULL;
    add_slot(ch, "macro", "mean of the classes", "", n);
    for (size_t c = 0; c < classes->count; c++) {
        const radz_result_group *now = radz_group_of(set->results, dataset, classes->items[c]);
        if (c == 0 || now != group) {
            if (ch->n_lines < sizeof ch->lines / sizeof ch->lines[0])
                ch->lines[ch->n_lines++] = ch->y + 0.03;
            ch->y += 0.06;
            const char *mean = now == NULL ? NULL : mean_of_group(&set->blocks[members[0]], now->name);
            char shown[120];
            snprintf(shown, sizeof shown, "mean, %.100s", now == NULL ? "" : now->name);
            if (mean != NULL)
                add_slot(ch, mean, shown, "", n);
        }
        group = now;
        char count[32] = "";
        const radz_result_row *row = NULL;
        for (size_t m = 0; m < n && row == NULL; m++)
            row = radz_block_row(&set->blocks[members[m]], classes->items[c], "auc");
        if (row != NULL)
            radz_count_text(row->n_pos, count);
        add_slot(ch, classes->items[c], classes->items[c], count, n);
    }
}

/* $auc_0, $auc_1, ...: value, y, interval; what is NA becomes a label. Returns the least value drawn. */
static double put_data(FILE *out, const radz_plot_set *set, const size_t *members, size_t n, const chart *ch)
{
    double least = 0.5;
    for (size_t m = 0; m < n; m++) {
        fprintf(out, "$auc_%zu << END\n", m);
        for (size_t i = 0; i < ch->count; i++) {
            const radz_result_row *row = radz_block_row(&set->blocks[members[m]], ch->slots[i].class_name, "auc");
            if (row == NULL || isnan(row->value))
                continue;
            bool interval = !isnan(row->ci_low) && !isnan(row->ci_high);
            double low = interval ? row->ci_low : row->value, high = interval ? row->ci_high : row->value;
            fprintf(out, "%.6f %.4f %.6f %.6f\n", row->value, ch->slots[i].y + ch->bar * ((double)m + 0.5), low, high);
            least = low < least ? low : least;
            least = row->value < least ? row->value : least;
        }
        fputs("END\n", out);
    }
    return least;
}

static void put_scenery(FILE *out, const radz_plot_set *set, const size_t *members, size_t n, const chart *ch, double least)
{
    double low = floor(least * 10 + 1e-9) / 10;
    fprintf(out, "set xrange [%.1f:1]\nset yrange [%.4f:0]\nset xtics 0.1 format \"%%.1f\" offset 0,0.4\n"
            "set border 1\nset xlabel \"AUC\" offset 0,0.9\nset grid x lc rgb '#d8d8d8' lw 0.5 dt 1\nset ytics scale 0 (",
            low > 0.4 ? 0.4 : low, ch->y + 0.05);
    for (size_t i = 0; i < ch->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        radz_plot_tic(out, ch->slots[i].label, LONGEST, ch->slots[i].y + ch->bar * (double)n / 2);
    }
    fputs(")\nset arrow from 0.5, graph 0 to 0.5, graph 1 nohead lw 0.8 lc rgb '#404040' front\n", out);
    for (size_t i = 0; i < ch->n_lines; i++)
        fprintf(out, "set arrow from graph 0, first %.4f to graph 1, first %.4f nohead lw 0.5 lc rgb '#909090'\n",
                ch->lines[i], ch->lines[i]);
    for (size_t m = 0; m < n; m++)
        for (size_t i = 0; i < ch->count; i++) {
            const radz_result_row *row = radz_block_row(&set->blocks[members[m]], ch->slots[i].class_name, "auc");
            if (row != NULL && isnan(row->value))
                fprintf(out, "set label \"NA\" at 0.51, %.4f left font \",6\" tc rgb '#606060'\n",
                        ch->slots[i].y + ch->bar * ((double)m + 0.5));
        }
}

static radz_status one_figure(radz_plot_set *set, const size_t *members, size_t n, size_t part, const radz_strlist *classes,
                              radz_error *err)
{
    const radz_results *results = set->results;
    const radz_result_block *b = &results->blocks[members[0]];
    chart ch = {.slots = radz_calloc(1 + classes->count + results->n_groups, sizeof *ch.slots, err)};
    if (ch.slots == NULL)
        return RADZ_E_NOMEM;
    ch.bar = n > 2 ? 0.065 : 0.085;
    lay_out(set, members, n, classes, &ch);
    double left = 0.1 + radz_plot_text_inches(ch.longest < LONGEST ? ch.longest : LONGEST), bottom = 0.42;
    double top = 0.12 + legend_line * (double)(n + 1), width = left + 2.3, height = top + ch.y + 0.05 + bottom;
    radz_plot plot;
    radz_status st = radz_plot_begin("auc", b->dataset, b->split, part, width, height, &plot, err);
    if (st == RADZ_OK) {
        FILE *out = plot.stream;
        double least = put_data(out, set, members, n, &ch);
        radz_plot_draw_begin(&plot);
        fprintf(out, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at "
                "screen %.4f\n", left / width, 1 - 0.12 / width, 1 - top / height, bottom / height);
        put_scenery(out, set, members, n, &ch, least);
        char subject[300];
        radz_plot_subject(b, subject);
        fputs("set label ", out);
        radz_plot_label(out, subject, (size_t)(width / radz_plot_text_inches(1)));
        fprintf(out, " at screen %.4f, screen %.4f left tc rgb '#404040'\n", 0.08 / width,
                1 - (0.06 + 0.5 * legend_line) / height);
        fprintf(out, "set key at screen %.4f, screen %.4f left top Left reverse samplen 1.5 maxcols 1\n"
                "set style fill solid 1 noborder\nplot ", 0.08 / width, 1 - (0.06 + legend_line) / height);
        for (size_t m = 0; m < n; m++) {
            const radz_result_block *block = &results->blocks[members[m]];
            char name[200];
            snprintf(name, sizeof name, "%.90s / %.90s", block->model, block->scorer);
            fprintf(out, "%s$auc_%zu using 1:2:($1 < 0.5 ? $1 : 0.5):($1 < 0.5 ? 0.5 : $1):($2 - %.4f):($2 + %.4f) with "
                    "boxxyerror lc rgb '%s' title ", m > 0 ? ", " : "", m, ch.bar * 0.42, ch.bar * 0.42,
                    radz_plot_colour(set->pair_of[members[m]]));
            radz_plot_label(out, name, 44);
        }
        for (size_t m = 0; m < n; m++)
            fprintf(out, ", $auc_%zu using 1:2:3:4 with xerrorbars lc rgb '#202020' lw 0.8 pt 7 ps 0.15 notitle", m);
        putc('\n', out);
        st = radz_plot_end(&plot, set, st, err);
    }
    free(ch.slots);
    return st;
}

radz_status radz_plot_auc(radz_plot_set *set, const size_t *members, size_t n_members, radz_error *err)
{
    radz_strlist classes = {0};
    radz_status st = radz_classes_in_order(set->results, set->blocks, members, n_members, &classes, err);
    for (size_t from = 0; classes.count > 0 && from < n_members && st == RADZ_OK; from += PAIRS)
        st = one_figure(set, members + from, n_members - from < PAIRS ? n_members - from : PAIRS, from / PAIRS, &classes, err);
    radz_strlist_free(&classes);
    return st;
}
