#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "report/figure_parts.h"

enum { PAIRS = 6, PUBLISHED = 3 };
static const double legend_line = 0.16, pi = 3.14159265358979323846;

static void put_pair_name(FILE *out, const radz_result_block *b, size_t most)
{
    char name[400];
    snprintf(name, sizeof name, "%.190s / %.190s", b->model, b->scorer);
    radz_plot_label(out, name, most);
}

/* Lines of the legend from the top, each with its dash; the first line is the subject. */
static void put_legend(FILE *out, const radz_plot_set *set, const size_t *members, size_t n, const radz_plot *plot)
{
    char subject[300];
    radz_plot_subject(&set->results->blocks[members[0]], subject);
    fputs("set label 300 ", out);
    radz_plot_label(out, subject, (size_t)((plot->width - 0.1) / radz_plot_text_inches(1)));
    fprintf(out, " at screen %.4f, screen %.4f left tc rgb '#404040'\n", 0.08 / plot->width, 1 - 0.14 / plot->height);
    for (size_t m = 0; m < n; m++) {
        double y = 1 - (0.14 + legend_line * (double)(m + 1)) / plot->height;
        fprintf(out, "set arrow %zu from screen %.4f, screen %.4f to screen %.4f, screen %.4f nohead lw 1.6 ", 300 + m,
                0.08 / plot->width, y, 0.38 / plot->width, y);
        radz_plot_style(out, set->pair_of[members[m]]);
        fprintf(out, "\nset label %zu ", 301 + m);
        put_pair_name(out, &set->results->blocks[members[m]], (size_t)((plot->width - 0.55) / radz_plot_text_inches(1)));
        fprintf(out, " at screen %.4f, screen %.4f left\n", 0.45 / plot->width, y);
    }
}

/* ---- radar ---- */

static void spoke(size_t i, size_t n, double radius, double *x, double *y)
{
    double angle = pi / 2 - 2 * pi * (double)i / (double)n; /* the first at the top, then clockwise */
    *x = radius * det_cos(angle);
    *y = radius * det_sin(angle);
}

/* Published methods that have a figure of a class of the data set. */
typedef struct published_lines {
    const radz_published *items;
    size_t n_items;
    const char *dataset;
    const char *methods[PUBLISHED];
    size_t n;
} published_lines;

/* In [0, 1]; NaN: not published. */
static double published_auc(const published_lines *lines, const char *method, const char *class_name)
{
    for (size_t i = 0; i < lines->n_items; i++) {
        const radz_published *p = &lines->items[i];
        if (p->dataset != NULL && p->class_name != NULL && isnan(p->labels) && strcmp(p->dataset, lines->dataset) == 0 &&
            strcmp(p->method, method) == 0 && strcmp(p->class_name, class_name) == 0)
            return p->auc / 100;
    }
    return NAN;
}

static void find_published(published_lines *lines, const radz_strlist *classes)
{
    for (size_t i = 0; i < lines->n_items && lines->n < PUBLISHED; i++) {
        const char *method = lines->items[i].method;
        bool known = false, any = false;
        for (size_t k = 0; k < lines->n; k++)
            known = known || strcmp(lines->methods[k], method) == 0;
        for (size_t c = 0; !known && c < classes->count; c++)
            any = any || !isnan(published_auc(lines, method, classes->items[c]));
        if (any)
            lines->methods[lines->n++] = method;
    }
}

static radz_status one_radar(radz_plot_set *set, const size_t *members, size_t n, size_t part, const radz_strlist *classes,
                             const published_lines *published, radz_error *err)
{
    const radz_result_block *b = &set->results->blocks[members[0]];
    size_t k = classes->count, longest = 0;
    double low = 0.4, x, y;
    for (size_t m = 0; m < n; m++)
        for (size_t c = 0; c < k; c++) {
            const radz_result_row *row = radz_block_row(&set->blocks[members[m]], classes->items[c], "auc");
            while (row != NULL && row->value < low - 1e-9 && low > 0.1)
                low -= 0.2; /* so that rings of 0.2 end at 1 */
        }
    for (size_t c = 0; c < k; c++)
        longest = radz_text_width(classes->items[c]) > longest ? radz_text_width(classes->items[c]) : longest;
    longest = longest > 20 ? 20 : longest;
    /* as wide as the longest names beside it ask for, as high as the circle */
    double side = radz_plot_text_inches(longest) + 0.12, radius = 1.25, width = 2 * (radius + side);
    double top = 0.2 + legend_line * (double)(n + published->n + 1) + 0.18, height = top + 2 * radius + 0.3;
    radz_plot plot;
    radz_status st = radz_plot_begin("radar", b->dataset, b->split, part, width, height, &plot, err);
    if (st != RADZ_OK)
        return st;
    FILE *out = plot.stream;
    fputs("$rings << END\n", out);
    for (double at = low + 0.2; at < 1.001; at += 0.2) {
        for (size_t c = 0; c <= k; c++) {
            spoke(c % k, k, (at - low) / (1 - low), &x, &y);
            fprintf(out, "%.4f %.4f\n", x, y);
        }
        fputs("\n", out);
    }
    for (size_t c = 0; c < k; c++) {
        spoke(c, k, 1, &x, &y);
        fprintf(out, "0 0\n%.4f %.4f\n\n", x, y);
    }
    fputs("END\n$chance << END\n", out);
    for (size_t c = 0; c <= k; c++) {
        spoke(c % k, k, (0.5 - low) / (1 - low), &x, &y);
        fprintf(out, "%.4f %.4f\n", x, y);
    }
    fputs("END\n", out);
    for (size_t m = 0; m < n; m++) {
        fprintf(out, "$auc_%zu << END\n", m);
        bool broken = false;
        for (size_t c = 0; c <= k; c++) {
            const radz_result_row *row = radz_block_row(&set->blocks[members[m]], classes->items[c % k], "auc");
            if (row == NULL || isnan(row->value)) {
                fputs(broken ? "" : "\n", out); /* a gap where a class has no value */
                broken = true;
                continue;
            }
            broken = false;
            spoke(c % k, k, (row->value - low) / (1 - low), &x, &y);
            fprintf(out, "%.4f %.4f\n", x, y);
        }
        fputs("END\n", out);
    }
    for (size_t m = 0; m < published->n; m++) {
        fprintf(out, "$published_%zu << END\n", m);
        for (size_t c = 0; c <= k; c++) {
            double auc = published_auc(published, published->methods[m], classes->items[c % k]);
            spoke(c % k, k, ((auc > low ? auc : low) - low) / (1 - low), &x, &y);
            if (isnan(auc))
                putc('\n', out);
            else
                fprintf(out, "%.4f %.4f\n", x, y);
        }
        fputs("END\n", out);
    }
    radz_plot_draw_begin(&plot);
    fprintf(out, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen "
            "%.4f\nset xrange [-1:1]\nset yrange [-1:1]\nunset border\nunset xtics\nunset ytics\nunset key\n", side / width,
            1 - side / width, 1 - top / height, 0.3 / height);
    put_legend(out, set, members, n, &plot);
    for (size_t m = 0; m < published->n; m++) {
        double at = 1 - (0.14 + legend_line * (double)(n + m + 1)) / plot.height;
        char name[200];
        snprintf(name, sizeof name, "%.150s (published)", published->methods[m]);
        fprintf(out, "set label %zu \"\" at screen %.4f, screen %.4f point pt %zu ps 0.5 lc rgb '#202020'\nset label %zu ", 320 + m,
                0.23 / plot.width, at, 4 + 2 * m, 330 + m);
        radz_plot_label(out, name, (size_t)((plot.width - 0.55) / radz_plot_text_inches(1)));
        fprintf(out, " at screen %.4f, screen %.4f left\n", 0.45 / plot.width, at);
    }
    for (size_t c = 0; c < k; c++) {
        spoke(c, k, 1, &x, &y);
        fprintf(out, "set label %zu ", c + 1);
        radz_plot_label(out, classes->items[c], 20);
        fprintf(out, " at %.4f,%.4f %s offset 0,%.2f\n", x * 1.07, y * 1.07, fabs(x) < 0.05 ? "center" : x > 0 ? "left" : "right",
                fabs(x) < 0.05 ? (y > 0 ? 0.3 : -0.3) : 0.0);
    }
    for (double at = low + 0.2; at < 0.999; at += 0.2) {
        double angle = pi / 2 - pi / (double)k; /* between the first two spokes */
        double r = (at - low) / (1 - low) * det_cos(pi / (double)k);
        fprintf(out, "set label \"%.1f\" at %.4f,%.4f center font \",6\" tc rgb '#606060' front\n", at, r * det_cos(angle),
                r * det_sin(angle));
    }
    fputs("plot $rings with lines lc rgb '#d0d0d0' lw 0.6 notitle, $chance with lines lc rgb '#606060' lw 0.8 dt (2,3) notitle",
          out);
    for (size_t m = 0; m < n; m++) {
        fprintf(out, ", $auc_%zu with linespoints pt 7 ps 0.25 lw 1.4 ", m);
        radz_plot_style(out, set->pair_of[members[m]]);
        fputs(" notitle", out);
    }
    for (size_t m = 0; m < published->n; m++)
        fprintf(out, ", $published_%zu with points pt %zu ps 0.5 lc rgb '#202020' notitle", m, 4 + 2 * m);
    putc('\n', out);
    return radz_plot_end(&plot, set, st, err);
}

radz_status radz_plot_radar(radz_plot_set *set, const size_t *members, size_t n_members, const radz_published *published,
                            size_t n_published, radz_error *err)
{
    radz_strlist classes = {0};
    published_lines lines = {.items = published, .n_items = n_published, .dataset = set->results->blocks[members[0]].dataset};
    radz_status st = radz_classes_in_order(set->results, set->blocks, members, n_members, &classes, err);
    if (st == RADZ_OK)
        find_published(&lines, &classes);
    for (size_t from = 0; classes.count >= 3 && from < n_members && st == RADZ_OK; from += PAIRS)
        st = one_radar(set, members + from, n_members - from < PAIRS ? n_members - from : PAIRS, from / PAIRS, &classes, &lines, err);
    radz_strlist_free(&classes);
    return st;
}

/* ---- ablation ---- */

static bool is_ablation(const radz_result_detail *d, size_t row, const char *factor)
{
    return strcmp(radz_detail_text(d, row, "factor"), factor) == 0 && strcmp(radz_detail_text(d, row, "class"), "macro") == 0 &&
           !isnan(radz_detail_number(d, row, "auc"));
}

/* Where a row stands: at its number, or at the place of its word in `words`, to which it is added when new. */
static radz_status place_of(const radz_result_detail *d, size_t row, radz_strlist *words, double *at, radz_error *err)
{
    const char *word = radz_detail_text(d, row, "at");
    *at = radz_detail_number(d, row, "at");
    if (!isnan(*at))
        return RADZ_OK;
    size_t i = 0;
    while (i < words->count && strcmp(words->items[i], word) != 0)
        i++;
    *at = (double)i;
    return i < words->count ? RADZ_OK : radz_strlist_add(words, word, err);
}

/* One factor; nothing when no block has it. */
static radz_status plot_ablation(radz_plot_set *set, const char *factor, radz_error *err)
{
    const radz_results *results = set->results;
    size_t members[PAIRS], n = 0;
    double least_at = INFINITY, most_at = -INFINITY;
    radz_strlist words = {0}; /* values that are no numbers, side by side in the order of the table */
    for (size_t i = 0; i < results->n_blocks && n < PAIRS; i++) {
        const radz_result_detail *d = radz_detail_of(results, i, "ablation");
        bool has = false;
        for (size_t r = 0; d != NULL && r < d->n_rows; r++)
            if (is_ablation(d, r, factor)) {
                double at;
                radz_status st = place_of(d, r, &words, &at, err);
                if (st != RADZ_OK) {
                    radz_strlist_free(&words);
                    return st;
                }
                least_at = at < least_at ? at : least_at;
                most_at = at > most_at ? at : most_at;
                has = true;
            }
        if (has)
            members[n++] = i;
    }
    if (n == 0)
        return RADZ_OK;
    radz_plot plot;
    double width = 3.3, top = 0.2 + legend_line * (double)(n + 1), height = top + 1.9 + 0.45;
    radz_status st = radz_plot_begin("ablation", factor, NULL, 0, width, height, &plot, err);
    if (st != RADZ_OK) {
        radz_strlist_free(&words);
        return st;
    }
    FILE *out = plot.stream;
    for (size_t m = 0; m < n; m++) {
        const radz_result_detail *d = radz_detail_of(results, members[m], "ablation");
        fprintf(out, "$auc_%zu << END\n", m);
        for (size_t r = 0; r < d->n_rows; r++) {
            double at = NAN, auc = radz_detail_number(d, r, "auc");
            double low = radz_detail_number(d, r, "ci_low"), high = radz_detail_number(d, r, "ci_high");
            if (st == RADZ_OK && is_ablation(d, r, factor) && (st = place_of(d, r, &words, &at, err)) == RADZ_OK)
                fprintf(out, "%.6g %.6f %.6f %.6f\n", at, auc, isnan(low) ? auc : low, isnan(high) ? auc : high);
        }
        fputs("END\n", out);
    }
    radz_plot_draw_begin(&plot);
    bool logarithmic = words.count == 0 && least_at > 0 && most_at / least_at > 50;
    double room = logarithmic ? 1.2 : words.count > 0 ? 0.5 : (most_at - least_at) * 0.06;
    fprintf(out, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen "
            "%.4f\nunset key\nset offsets 0,0,graph 0.06,graph 0.06\nset ylabel \"mean AUC over the classes\" offset 1,0\n"
            "set format y \"%%.2f\"\nset ytics offset 0.5,0\nset xtics offset 0,0.4\nset grid y lc rgb '#d8d8d8' lw 0.5 dt 1\n",
            0.58 / width, 1 - 0.1 / width, 1 - top / height, 0.45 / height);
    if (logarithmic)
        fprintf(out, "set logscale x\nset xrange [%.6g:%.6g]\n", least_at / room, most_at * room);
    else
        fprintf(out, "set xrange [%.6g:%.6g]\n", least_at - (room > 0 ? room : 1), most_at + (room > 0 ? room : 1));
    fputs("set xlabel ", out);
    radz_plot_label(out, factor, 40);
    fputs(" offset 0,0.9\n", out);
    const radz_result_detail *of = radz_detail_of(results, members[0], "ablation");
    bool any_tic = false; /* at the values that were tried */
    for (size_t r = 0; words.count == 0 && !logarithmic && r < of->n_rows; r++) {
        if (!is_ablation(of, r, factor))
            continue;
        fprintf(out, "%s\"%g\" %.6g", any_tic ? ", " : "set xtics (", radz_detail_number(of, r, "at"), radz_detail_number(of, r, "at"));
        any_tic = true;
    }
    fputs(any_tic ? ")\n" : "", out);
    for (size_t i = 0; i < words.count; i++) {
        fputs(i == 0 ? "set xtics (" : ", ", out);
        radz_plot_tic(out, words.items[i], 16, (double)i);
        fputs(i + 1 == words.count ? ")\n" : "", out);
    }
    put_legend(out, set, members, n, &plot);
    fputs("plot ", out);
    for (size_t m = 0; m < n; m++) {
        double aside = (n > 1 ? ((double)m / (double)(n - 1) - 0.5) : 0) * 0.02 * (most_at - least_at + (words.count > 0 ? 2 * room : 0));
        if (logarithmic)
            aside = 0;
        fprintf(out, "%s$auc_%zu using ($1 + %.6g):2:3:4 with yerrorbars pt 7 ps 0.3 lw 0.8 lc rgb '%s' notitle", m > 0 ? ", " : "", m,
                aside, radz_plot_colour(set->pair_of[members[m]]));
        if (words.count > 0) /* between words there is nothing to draw a line through */
            continue;
        fprintf(out, ", $auc_%zu using ($1 + %.6g):2 with lines lw 1.4 ", m, aside);
        radz_plot_style(out, set->pair_of[members[m]]);
        fputs(" notitle", out);
    }
    fputs("\nunset logscale x\n", out);
    radz_strlist_free(&words);
    return radz_plot_end(&plot, set, st, err);
}

radz_status radz_plot_ablations(radz_plot_set *set, radz_error *err)
{
    const radz_results *results = set->results;
    radz_strlist drawn = {0};
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < results->n_details; i++) {
        const radz_result_detail *d = &results->details[i];
        for (size_t r = 0; strcmp(d->name, "ablation") == 0 && r < d->n_rows && st == RADZ_OK; r++) {
            const char *factor = radz_detail_text(d, r, "factor");
            if (radz_strlist_has(&drawn, factor))
                continue;
            st = plot_ablation(set, factor, err);
            if (st == RADZ_OK)
                st = radz_strlist_add(&drawn, factor, err);
        }
    }
    radz_strlist_free(&drawn);
    return st;
}

/* ---- features ---- */

radz_status radz_plot_tsne(radz_plot_set *set, const radz_feature_map *map, radz_error *err)
{
    static const int shapes[] = {7, 5, 9, 13, 11, 15}; /* disc, square, triangle, diamond, ... all filled */
    double width = 3.3, square = 2.7, top = 0.22 + legend_line * (double)((map->n_groups + 1) / 2 + 2);
    double height = top + square + 0.1;
    radz_plot plot;
    radz_status st = radz_plot_begin("tsne", map->dataset, map->model, 0, width, height, &plot, err);
    if (st != RADZ_OK)
        return st;
    FILE *out = plot.stream;
    for (size_t g = 0; g < map->n_groups; g++) {
        fprintf(out, "$group_%zu << END\n", g);
        for (size_t i = 0; i < map->n; i++)
            if (map->group[i] == g)
                fprintf(out, "%.3f %.3f\n", map->layout[2 * i], map->layout[2 * i + 1]);
        fputs("END\n", out);
    }
    radz_plot_draw_begin(&plot);
    char text[400], count[32];
    radz_count_text(map->n, count);
    fprintf(out, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen "
            "%.4f\nset border 15 lw 0.5 lc rgb '#a0a0a0'\nunset xtics\nunset ytics\nset offsets graph 0.03,graph 0.03,graph "
            "0.03,graph 0.03\nset autoscale\nunset key\n", 0.1 / width, 1 - 0.1 / width, 1 - top / height, 0.1 / height);
    snprintf(text, sizeof text, "features of %.120s on %.120s, %.60s", map->model, map->dataset, map->split);
    fputs("set label 300 ", out);
    radz_plot_label(out, text, 52);
    fprintf(out, " at screen %.4f, screen %.4f left tc rgb '#404040'\n", 0.08 / width, 1 - 0.14 / height);
    snprintf(text, sizeof text, "t-SNE of %s images with one finding or none, perplexity %g", count, map->perplexity);
    fputs("set label 301 ", out);
    radz_plot_label(out, text, 64);
    fprintf(out, " at screen %.4f, screen %.4f left font \",6\" tc rgb '#606060'\n", 0.08 / width, 1 - 0.29 / height);
    for (size_t g = 0; g < map->n_groups; g++) {
        double y = 1 - (0.29 + legend_line * (double)(g / 2 + 1)) / height, x = (0.12 + 1.6 * (double)(g % 2)) / width;
        bool none = g + 1 == map->n_groups;
        fprintf(out, "set label %zu \"\" at screen %.4f, screen %.4f point pt %d ps %.2f lc rgb '%s'\nset label %zu ", 310 + 2 * g, x,
                y, none ? 7 : shapes[g % 6], none ? 0.3 : 0.45, none ? "#a0a0a0" : radz_plot_colour(g), 311 + 2 * g);
        radz_plot_label(out, map->groups[g], 22);
        fprintf(out, " at screen %.4f, screen %.4f left\n", x + 0.1 / width, y);
    }
    /* those without a finding are most: under the others */
    fprintf(out, "plot $group_%zu with points pt 7 ps 0.2 lc rgb '#b8b8b8' notitle", map->n_groups - 1);
    for (size_t g = 0; g + 1 < map->n_groups; g++)
        fprintf(out, ", $group_%zu with points pt %d ps 0.32 lc rgb '%s' notitle", g, shapes[g % 6], radz_plot_colour(g));
    putc('\n', out);
    return radz_plot_end(&plot, set, st, err);
}

/* ---- cost ---- */

/* Milliseconds of one image that was really computed, of the block's model and scorer on its data set; NaN: all came from the
 * cache. Runs of earlier versions say it of the encoding alone. */
static double image_time(const radz_results *results, const radz_result_block *b)
{
    double seconds = 0, images = 0;
    for (size_t i = 0; i < results->n_costs; i++) {
        const radz_result_cost *c = &results->costs[i];
        if (strcmp(c->dataset, b->dataset) == 0 && strcmp(c->model, b->model) == 0 && strcmp(c->scorer, b->scorer) == 0)
            return 1000 * c->seconds_per_image;
    }
    for (size_t i = 0; i < results->n_stages; i++) {
        const radz_result_stage *s = &results->stages[i];
        if (s->dataset != NULL && s->model != NULL && strcmp(s->stage, "embed images") == 0 && s->items > s->cached &&
            strcmp(s->dataset, b->dataset) == 0 && strcmp(s->model, b->model) == 0) {
            seconds += s->seconds;
            images += (double)(s->items - s->cached);
        }
    }
    return images > 0 ? 1000 * seconds / images : NAN;
}

radz_status radz_plot_cost(radz_plot_set *set, bool *any, radz_error *err)
{
    const radz_results *results = set->results;
    size_t n = 0;
    double least = INFINITY, most = 0;
    *any = false;
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_row *row = radz_block_row(&set->blocks[i], "macro", "auc");
        double ms = image_time(results, &results->blocks[i]);
        if (row == NULL || isnan(row->value) || isnan(ms))
            continue;
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
        n++;
    }
    if (n == 0)
        return RADZ_OK;
    *any = true;
    double width = 3.3, square = 2.1, top = 0.2 + legend_line * (double)n, height = top + square + 0.45;
    radz_plot plot;
    radz_status st = radz_plot_begin("cost-auc", NULL, NULL, 0, width, height, &plot, err);
    if (st != RADZ_OK)
        return st;
    static const int shapes[] = {7, 5, 9, 13, 11, 15};
    FILE *out = plot.stream;
    size_t shown = 0;
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_row *row = radz_block_row(&set->blocks[i], "macro", "auc");
        double ms = image_time(results, &results->blocks[i]);
        if (row == NULL || isnan(row->value) || isnan(ms))
            continue;
        bool interval = !isnan(row->ci_low) && !isnan(row->ci_high);
        fprintf(out, "$cost_%zu << END\n%.6g %.6f %.6f %.6f\nEND\n", shown++, ms, row->value, interval ? row->ci_low : row->value,
                interval ? row->ci_high : row->value);
    }
    radz_plot_draw_begin(&plot);
    fprintf(out, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen "
            "%.4f\nunset key\nset logscale x\nset xrange [%.4g:%.4g]\nset offsets 0,0,graph 0.1,graph 0.1\nset xlabel \"ms of an "
            "image (log scale)\" offset 0,0.9\nset ylabel \"mean AUC over the classes\" offset 1,0\nset format y \"%%.2f\"\n"
            "set ytics offset 0.5,0\nset xtics offset 0,0.4\nset grid y lc rgb '#d8d8d8' lw 0.5 dt 1\n", 0.58 / width,
            1 - 0.12 / width, 1 - top / height, 0.45 / height, least / 2.5, most * 2.5);
    /* 1, 2, 5, 10, ...: gnuplot alone writes whole decades only */
    fputs("set xtics (", out);
    size_t tics = 0;
    for (double decade = 1e-6; decade < 1e9; decade *= 10)
        for (int k = 0; k < 3; k++) {
            double at = decade * (k == 0 ? 1 : k == 1 ? 2 : 5);
            if (at >= least / 2.5 && at <= most * 2.5)
                fprintf(out, "%s\"%g\" %.9g", tics++ > 0 ? ", " : "", round(at * 1e6) / 1e6, at);
        }
    fputs(")\n", out);
    shown = 0;
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_block *b = &results->blocks[i];
        const radz_result_row *row = radz_block_row(&set->blocks[i], "macro", "auc");
        if (row == NULL || isnan(row->value) || isnan(image_time(results, b)))
            continue;
        double y = 1 - (0.14 + legend_line * (double)shown) / height;
        char name[400];
        snprintf(name, sizeof name, "%.120s: %.120s / %.120s", b->dataset, b->model, b->scorer);
        fprintf(out, "set label %zu \"\" at screen %.4f, screen %.4f point pt %d ps 0.5 lc rgb '%s'\nset label %zu ", 300 + 2 * shown,
                0.12 / width, y, shapes[shown % 6], radz_plot_colour(shown), 301 + 2 * shown);
        radz_plot_label(out, name, (size_t)((width - 0.3) / radz_plot_text_inches(1)));
        fprintf(out, " at screen %.4f, screen %.4f left\n", 0.22 / width, y);
        shown++;
    }
    for (size_t i = 0; i < shown; i++)
        fprintf(out, "%s$cost_%zu using 1:2:3:4 with yerrorbars pt %d ps 0.5 lw 0.9 lc rgb '%s' notitle", i > 0 ? ", " : "plot ", i,
                shapes[i % 6], radz_plot_colour(i));
    fputs("\nunset logscale x\n", out);
    return radz_plot_end(&plot, set, st, err);
}

/* ---- nothing to draw ---- */

radz_status radz_plot_absent(radz_plot_set *set, const char *name, const char *const *lines, size_t n_lines, radz_error *err)
{
    double width = 3.3, height = 0.3 + 0.17 * (double)n_lines;
    radz_plot plot;
    radz_status st = radz_plot_begin(name, NULL, NULL, 0, width, height, &plot, err);
    if (st != RADZ_OK)
        return st;
    FILE *out = plot.stream;
    radz_plot_draw_begin(&plot);
    fputs("set lmargin 0\nset rmargin 0\nset tmargin 0\nset bmargin 0\nunset border\nunset xtics\nunset ytics\nunset key\nset xrange "
          "[0:1]\nset yrange [0:1]\n", out);
    for (size_t i = 0; i < n_lines; i++) {
        fprintf(out, "set label %zu ", i + 1);
        radz_plot_label(out, lines[i], i == 0 ? 58 : 68);
        fprintf(out, " at screen 0.5, screen %.4f center %stc rgb '%s'\n", 1 - (0.22 + 0.17 * (double)i) / height,
                i == 0 ? "" : "font \",7\" ", i == 0 ? "#000000" : "#606060");
    }
    fprintf(out, "set object 1 rectangle from screen %.4f, screen %.4f to screen %.4f, screen %.4f fs empty border lc rgb '#b0b0b0' "
            "lw 0.6\nplot NaN notitle\nunset object 1\n", 0.02 / width, 0.02 / height, 1 - 0.02 / width, 1 - 0.02 / height);
    return radz_plot_end(&plot, set, st, err);
}
