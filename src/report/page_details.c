/* The detail tables in report.html: reliability diagrams, gaps between subgroups, and every table as such. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "report/page_parts.h"
#include "report/svg.h"

enum { COLOURS = 7 };

/* ---- reliability ---- */

/* One class of one block: a mark for each bin, its interval, and a line through them. */
static void put_bins(const radz_page *page, radz_svg *svg, size_t block, const char *class_name)
{
    const radz_result_detail *d = radz_detail_of(page->results, block, "reliability");
    size_t colour = page->pair_of[block] % COLOURS, n = 0;
    double x[64], y[64];
    const char *probability = NULL; /* scores that were made probabilities in several ways: the first is drawn */
    char css[24];
    for (size_t r = 0; d != NULL && r < d->n_rows; r++) {
        double at = radz_detail_number(d, r, "mean_probability"), seen = radz_detail_number(d, r, "observed");
        double low = radz_detail_number(d, r, "ci_low"), high = radz_detail_number(d, r, "ci_high");
        if (strcmp(radz_detail_text(d, r, "class"), class_name) != 0)
            continue;
        probability = probability == NULL ? radz_detail_text(d, r, "probability") : probability;
        if (strcmp(radz_detail_text(d, r, "probability"), probability) != 0 || isnan(at) || isnan(seen) || n == 64)
            continue;
        snprintf(css, sizeof css, "i i%zu", colour);
        if (!isnan(low) && !isnan(high))
            radz_svg_line(svg, css, at, low, at, high);
        snprintf(css, sizeof css, "m%zu", colour);
        radz_svg_mark(svg, css, page->pair_of[block], radz_svg_x(svg, at), radz_svg_y(svg, seen), 5);
        x[n] = at;
        y[n++] = seen;
    }
    radz_page_line_class(page->pair_of[block], css);
    if (n > 1)
        radz_svg_curve(svg, css, x, y, n);
}

static bool has_detail(const radz_page *page, const radz_page_section *section, const char *name)
{
    for (size_t m = 0; m < section->n; m++)
        if (radz_detail_of(page->results, section->members[m], name) != NULL)
            return true;
    return false;
}

void radz_page_reliability(const radz_page *page, const radz_page_section *section)
{
    FILE *out = page->out;
    if (!has_detail(page, section, "reliability"))
        return;
    fputs("<details><summary>Reliability diagrams</summary>\n<p class=\"faint\">Of the images whose probability is about so, how "
          "many have the finding (with intervals). The diagonal is perfect; above it the model says too little.</p>\n", out);
    radz_page_legend(page, section);
    fputs("<div class=\"panels\">\n", out);
    for (size_t c = 0; c < section->classes->count; c++) {
        radz_svg svg;
        radz_page_panel(page, section, &svg, "reliability", "Reliability diagram", c, "mean probability", "share of positives");
        radz_svg_line(&svg, "chance", 0, 0, 1, 1);
        for (size_t m = 0; m < section->n; m++)
            put_bins(page, &svg, section->members[m], section->classes->items[c]);
        radz_svg_end(&svg);
        fputs("</figure>\n", out);
    }
    fputs("</div>\n</details>\n", out);
}

/* ---- gaps between subgroups ---- */

/* Of one block: the gap of each subgroup's mean AUC to that of all other images. */
static void put_gaps(const radz_page *page, const radz_page_section *section, size_t member)
{
    static const double row_height = 18, label_width = 142, plot_width = 230, value_width = 50, top_gap = 6;
    size_t block = section->members[member], shown = 0;
    const radz_result_detail *d = radz_detail_of(page->results, block, "subgroups");
    double most = 0.05;
    for (size_t r = 0; r < d->n_rows; r++) {
        if (strcmp(radz_detail_text(d, r, "class"), "macro") != 0)
            continue;
        double bounds[] = {radz_detail_number(d, r, "gap"), radz_detail_number(d, r, "gap_low"),
                           radz_detail_number(d, r, "gap_high")};
        for (size_t k = 0; k < 3; k++)
            most = isfinite(bounds[k]) && fabs(bounds[k]) > most ? fabs(bounds[k]) : most;
        shown++;
    }
    if (shown == 0)
        return;
    most = ceil(most * 20 - 1e-9) / 20;
    const radz_result_block *b = &page->results->blocks[block];
    char id[200], title[400], text[200];
    snprintf(id, sizeof id, "%s-gaps-%zu", section->id, member);
    snprintf(title, sizeof title, "Gaps between subgroups, %.150s / %.150s", b->model, b->scorer);
    fputs("<figure class=\"wide\"><h4>", page->out);
    radz_put_html(page->out, title);
    fputs("</h4>\n", page->out);
    radz_svg svg;
    radz_svg_begin(&svg, page->out, id, label_width + plot_width + value_width, top_gap + row_height * (double)shown + 32, title,
                   "A row for each subgroup: its mean AUC less that of all other images, with an interval. The table holds the "
                   "same numbers.");
    radz_svg_area(&svg, label_width, top_gap, plot_width, row_height * (double)shown, -most, most, 0, 1);
    radz_svg_axis_x(&svg, -most, most, 3, 2, "mean AUC less that of the other images");
    radz_svg_line(&svg, "chance", 0, 0, 0, 1);
    double y = top_gap;
    size_t colour = page->pair_of[block] % COLOURS;
    for (size_t r = 0; r < d->n_rows; r++) {
        if (strcmp(radz_detail_text(d, r, "class"), "macro") != 0)
            continue;
        double gap = radz_detail_number(d, r, "gap"), low = radz_detail_number(d, r, "gap_low");
        double high = radz_detail_number(d, r, "gap_high"), middle = y + row_height / 2;
        snprintf(text, sizeof text, "%.40s: %.40s", radz_detail_text(d, r, "column"), radz_detail_text(d, r, "group"));
        radz_svg_text(&svg, "name", "end", label_width - 6, middle + 3.5, text);
        snprintf(text, sizeof text, isnan(gap) ? "NA" : "%+.3f", gap);
        radz_svg_text(&svg, "tick", "start", label_width + plot_width + 6, middle + 3.5, text);
        double data_y = 1 - (middle - top_gap) / (row_height * (double)shown);
        snprintf(text, sizeof text, "i i%zu", colour);
        if (!isnan(low) && !isnan(high))
            radz_svg_line(&svg, text, low, data_y, high, data_y);
        snprintf(text, sizeof text, "m%zu", colour);
        if (!isnan(gap))
            radz_svg_mark(&svg, text, page->pair_of[block], radz_svg_x(&svg, gap), middle, 5.5);
        y += row_height;
    }
    radz_svg_end(&svg);
    fputs("</figure>\n", page->out);
}

void radz_page_subgroups(const radz_page *page, const radz_page_section *section)
{
    if (!has_detail(page, section, "subgroups"))
        return;
    fputs("<details open><summary>Gaps between subgroups</summary>\n", page->out);
    for (size_t m = 0; m < section->n; m++)
        if (radz_detail_of(page->results, section->members[m], "subgroups") != NULL)
            put_gaps(page, section, m);
    fputs("</details>\n", page->out);
}

/* ---- every table ---- */

static void put_words(FILE *out, const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "%.120s", name);
    for (char *p = text; *p != '\0'; p++)
        if (*p == '_')
            *p = ' ';
    radz_put_html(out, text);
}

static void put_detail(const radz_page *page, const radz_page_section *section, const radz_result_detail *d, size_t number)
{
    FILE *out = page->out;
    const radz_result_block *b = &page->results->blocks[d->block];
    fputs("<details class=\"bulk\"><summary>Table: ", out); /* stays closed on paper, where hundreds of rows help nobody */
    put_words(out, d->name);
    fputs(", ", out);
    radz_put_html(out, b->model);
    fputs(" / ", out);
    radz_put_html(out, b->scorer);
    fprintf(out, "</summary>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"%s-detail-%zu-c\">\n"
            "<table id=\"%s-detail-%zu\" class=\"sortable tall\">\n<caption id=\"%s-detail-%zu-c\"><span>", section->id, number,
            section->id, number, section->id, number);
    put_words(out, d->name);
    fputs("</span></caption>\n<thead><tr>", out);
    for (size_t c = 0; c < d->n_columns; c++) {
        bool number_column = true;
        for (size_t r = 0; r < d->n_rows; r++)
            number_column = number_column && d->cells[r * d->n_columns + c].text == NULL;
        fprintf(out, "<th scope=\"col\"%s>", number_column ? " class=\"num\"" : "");
        put_words(out, d->columns[c]);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t r = 0; r < d->n_rows; r++) {
        fputs("<tr>", out);
        for (size_t c = 0; c < d->n_columns; c++) {
            const radz_result_cell *cell = &d->cells[r * d->n_columns + c];
            if (cell->text != NULL) {
                fputs(c == 0 ? "<th scope=\"row\">" : "<td>", out);
                radz_put_html(out, cell->text);
                fputs(c == 0 ? "</th>" : "</td>", out);
            } else if (isnan(cell->number)) {
                fputs("<td class=\"num\">NA</td>", out);
            } else {
                fputs("<td class=\"num\" data-v=\"", out);
                radz_put_number(out, cell->number);
                fprintf(out, "\">%.4g</td>", cell->number);
            }
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n</table>\n</div>\n</details>\n", out);
}

void radz_page_details(const radz_page *page, const radz_page_section *section)
{
    for (size_t m = 0; m < section->n; m++)
        for (size_t i = 0; i < page->results->n_details; i++)
            if (page->results->details[i].block == section->members[m] && page->results->details[i].n_rows > 0)
                put_detail(page, section, &page->results->details[i], i);
}
