/* The pictures of report.html. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "report/page_parts.h"
#include "report/svg.h"

enum { COLOURS = 7, LABELLED = 6 /* lines in a panel that get their figure written */ };

static const radz_result_curve *roc_of(const radz_results *results, size_t block, const char *class_name)
{
    for (size_t i = 0; i < results->n_curves; i++)
        if (results->curves[i].block == block && strcmp(results->curves[i].class_name, class_name) == 0)
            return &results->curves[i];
    return NULL;
}

static const radz_result_pr *pr_of(const radz_results *results, size_t block, const char *class_name)
{
    for (size_t i = 0; i < results->n_pr_curves; i++)
        if (results->pr_curves[i].block == block && strcmp(results->pr_curves[i].class_name, class_name) == 0)
            return &results->pr_curves[i];
    return NULL;
}

void radz_page_line_class(size_t pair, char css[24])
{
    size_t round = pair / COLOURS;
    snprintf(css, 24, round == 0 ? "c c%zu" : "c c%zu r%zu", pair % COLOURS, (round - 1) % 2 + 1);
}

void radz_page_legend(const radz_page *page, const radz_page_section *section)
{
    FILE *out = page->out;
    fputs("<ul class=\"legend\">\n", out);
    for (size_t m = 0; m < section->n; m++) {
        const radz_result_block *b = &page->results->blocks[section->members[m]];
        size_t pair = page->pair_of[section->members[m]];
        radz_svg svg = {.out = out};
        fputs("<li><svg viewBox=\"0 0 34 12\" aria-hidden=\"true\">", out);
        radz_svg_area(&svg, 0, 0, 34, 12, 0, 34, 0, 12);
        char css[24];
        radz_page_line_class(pair, css);
        radz_svg_line(&svg, css, 0, 6, 34, 6);
        snprintf(css, sizeof css, "m%zu", pair % COLOURS);
        radz_svg_mark(&svg, css, pair, 17, 6, 7);
        fputs("</svg>", out);
        radz_put_html(out, b->model);
        fputs(" / ", out);
        radz_put_html(out, b->scorer);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

/* ---- AUC with intervals ---- */

typedef struct interval_rows {
    const radz_page *page;
    const radz_page_section *section;
    radz_svg *svg;
    double y;
} interval_rows;

static const double mark_step = 13, row_gap = 8, label_width = 142, plot_width = 230, value_width = 42, top_gap = 6;

static void put_interval_row(interval_rows *rows, const char *class_name, const char *shown, bool mean)
{
    const radz_page *page = rows->page;
    radz_svg *svg = rows->svg;
    char label[128], cut[100];
    size_t most = mean ? 23 : 25;
    snprintf(cut, sizeof cut, "%.90s", shown);
    size_t width = 0, at = 0;
    for (; cut[at] != '\0' && width < most; width++) {
        do
            at++;
        while (((unsigned char)cut[at] & 0xc0) == 0x80);
    }
    bool whole = cut[at] == '\0';
    cut[at] = '\0';
    snprintf(label, sizeof label, "%s%s", cut, whole ? "" : "…");
    double height = mark_step * (double)rows->section->n;
    radz_svg_text(svg, mean ? "mean" : "name", "end", label_width - 6, rows->y + height / 2 + 3.5, label);
    for (size_t m = 0; m < rows->section->n; m++) {
        size_t block = rows->section->members[m], colour = page->pair_of[block] % COLOURS;
        const radz_result_row *row = radz_block_row(&page->blocks[block], class_name, "auc");
        double y = rows->y + mark_step * ((double)m + 0.5);
        if (row == NULL)
            continue;
        char text[16], css[16];
        snprintf(text, sizeof text, isnan(row->value) ? "NA" : "%.3f", row->value);
        radz_svg_text(svg, "tick", "start", label_width + plot_width + 6, y + 3.5, text);
        if (isnan(row->value))
            continue;
        double data_y = svg->y_high - (y - svg->top) / svg->height * (svg->y_high - svg->y_low);
        if (!isnan(row->ci_low) && !isnan(row->ci_high)) {
            snprintf(css, sizeof css, "i i%zu", colour);
            radz_svg_line(svg, css, fmax(row->ci_low, svg->x_low), data_y, row->ci_high, data_y);
        }
        snprintf(css, sizeof css, "m%zu", colour);
        radz_svg_mark(svg, css, page->pair_of[block], radz_svg_x(svg, row->value), y, mean ? 6.5 : 5.2);
    }
    rows->y += height + row_gap;
}

void radz_page_intervals(const radz_page *page, const radz_page_section *section)
{
    const radz_results *results = page->results;
    const radz_result_block *first = &results->blocks[section->members[0]];
    const radz_strlist *classes = section->classes;
    double low = 0.5, row_height = mark_step * (double)section->n + row_gap;
    size_t count = 1 + classes->count;
    for (size_t g = 0; g < results->n_groups; g++)
        count += strcmp(results->groups[g].dataset, first->dataset) == 0;
    for (size_t m = 0; m < section->n; m++)
        for (size_t i = 0; i < page->blocks[section->members[m]].n; i++) {
            const radz_result_row *row = page->blocks[section->members[m]].rows[i];
            if (strcmp(row->metric, "auc") != 0)
                continue;
            low = row->value < low ? row->value : low;
            low = row->ci_low < low ? row->ci_low : low;
        }
    low = floor(low * 10 + 1e-9) / 10;
    double body = row_height * (double)count, width = label_width + plot_width + value_width;
    char id[200], title[400];
    snprintf(id, sizeof id, "%s-intervals", section->id);
    snprintf(title, sizeof title, "AUC of each class of %.200s with intervals", first->dataset_title);
    fputs("<figure class=\"wide\">\n", page->out);
    radz_svg svg;
    radz_svg_begin(&svg, page->out, id, width, top_gap + body + 32, title,
                   "A row for each class and mean, a mark with its interval for each model and scorer. The tables hold the same "
                   "numbers.");
    radz_svg_area(&svg, label_width, top_gap, plot_width, body, low, 1, 0, 1);
    size_t ticks = (size_t)lround((1 - low) * 10) + 1, every = ticks > 7 ? 2 : 1;
    double tick_first = every == 2 && ticks % 2 == 0 ? low + 0.1 : low; /* so that 1.0 has a tick */
    radz_svg_axis_x(&svg, tick_first, 0.1 * (double)every, (ticks + every - 1) / every, 1, "AUC");
    radz_svg_line(&svg, "chance", 0.5, 0, 0.5, 1);
    interval_rows rows = {page, section, &svg, top_gap + row_gap / 2};
    put_interval_row(&rows, "macro", "mean of the classes", true);
    const radz_result_group *group = NULL;
    for (size_t c = 0; c < classes->count; c++) {
        const radz_result_group *now = radz_group_of(results, first->dataset, classes->items[c]);
        if (now != NULL && now != group) {
            char mean[200], shown[200];
            snprintf(mean, sizeof mean, "macro:%.190s", now->name);
            snprintf(shown, sizeof shown, "mean, %.190s", now->name);
            put_interval_row(&rows, mean, shown, true);
        }
        group = now;
        put_interval_row(&rows, classes->items[c], classes->items[c], false);
    }
    radz_svg_end(&svg);
    fputs("</figure>\n", page->out);
}

/* ---- panels of curves ---- */

static const double panel_left = 32, panel_top = 6, panel_side = 180;

void radz_page_panel(const radz_page *page, const radz_page_section *section, radz_svg *svg, const char *kind,
                     const char *what, size_t c, const char *x_title, const char *y_title)
{
    const char *class_name = section->classes->items[c];
    char id[220], title[300];
    snprintf(id, sizeof id, "%s-%s-%zu", section->id, kind, c);
    snprintf(title, sizeof title, "%s: %.200s", what, class_name);
    fputs("<figure><h4>", page->out);
    radz_put_html(page->out, class_name);
    fputs("</h4>\n", page->out);
    radz_svg_begin(svg, page->out, id, panel_left + panel_side + 8, panel_top + panel_side + 32, title,
                   "A line for each model and scorer; the areas under them stand in the tables.");
    radz_svg_area(svg, panel_left, panel_top, panel_side, panel_side, 0, 1, 0, 1);
    radz_svg_axis_x(svg, 0, 0.5, 3, 1, x_title);
    radz_svg_axis_y(svg, 0, 0.5, 3, 1, y_title);
}

/* "0.734" beside a mark of the line's colour, in the corner that a good curve leaves free. */
static void put_figures(const radz_page *page, const radz_page_section *section, radz_svg *svg, const char *class_name,
                        const char *metric, bool at_bottom)
{
    for (size_t m = 0; m < section->n && section->n <= LABELLED; m++) {
        size_t block = section->members[m];
        const radz_result_row *row = radz_block_row(&page->blocks[block], class_name, metric);
        if (row == NULL)
            continue;
        double y = at_bottom ? panel_top + panel_side - 8 - 13 * (double)(section->n - 1 - m) : panel_top + 12 + 13 * (double)m;
        char text[16], css[16];
        snprintf(text, sizeof text, isnan(row->value) ? "NA" : "%.3f", row->value);
        snprintf(css, sizeof css, "m%zu", page->pair_of[block] % COLOURS);
        radz_svg_mark(svg, css, page->pair_of[block], panel_left + panel_side - 41, y - 3.5, 6);
        radz_svg_text(svg, "figure", "end", panel_left + panel_side - 3, y, text);
    }
}

/* What a curve is made of; count 0: there is none. */
typedef struct page_curve {
    const double *x, *y;
    size_t count;
} page_curve;

static page_curve roc_curve(const radz_page *page, size_t block, const char *class_name)
{
    const radz_result_curve *curve = roc_of(page->results, block, class_name);
    return curve == NULL ? (page_curve){0} : (page_curve){curve->fpr, curve->tpr, curve->count};
}

/* Without the point that no threshold has: it would draw a line down the axis. */
static page_curve pr_curve(const radz_page *page, size_t block, const char *class_name)
{
    const radz_result_pr *curve = pr_of(page->results, block, class_name);
    return curve == NULL || curve->count < 2 ? (page_curve){0}
                                             : (page_curve){curve->recall + 1, curve->precision + 1, curve->count - 1};
}

/* A panel for each class, with the figure of metric `figure` of each block in a corner. */
typedef struct panel_kind {
    const char *name, *title, *x_title, *y_title, *figure;
    bool figures_at_bottom;
    page_curve (*curve)(const radz_page *page, size_t block, const char *class_name);
    bool chance_is_prevalence; /* else the diagonal */
} panel_kind;

static const panel_kind roc_kind = {"roc", "ROC curve", "false positive rate", "true positive rate", "auc", true, roc_curve, false};
static const panel_kind pr_kind = {"pr", "Precision-recall curve", "recall (sensitivity)", "precision (PPV)", "ap", false, pr_curve,
                                   true};

static void put_panel(const radz_page *page, const radz_page_section *section, const panel_kind *kind, size_t c)
{
    const char *class_name = section->classes->items[c];
    radz_svg svg;
    radz_page_panel(page, section, &svg, kind->name, kind->title, c, kind->x_title, kind->y_title);
    const radz_result_row *prevalence = radz_block_row(&page->blocks[section->members[0]], class_name, "prevalence");
    if (!kind->chance_is_prevalence)
        radz_svg_line(&svg, "chance", 0, 0, 1, 1);
    else if (prevalence != NULL && !isnan(prevalence->value))
        radz_svg_line(&svg, "chance", 0, prevalence->value, 1, prevalence->value);
    for (size_t m = 0; m < section->n; m++) {
        page_curve curve = kind->curve(page, section->members[m], class_name);
        char css[24];
        radz_page_line_class(page->pair_of[section->members[m]], css);
        if (curve.count > 0)
            radz_svg_curve(&svg, css, curve.x, curve.y, curve.count);
    }
    put_figures(page, section, &svg, class_name, kind->figure, kind->figures_at_bottom);
    radz_svg_end(&svg);
    fputs("</figure>\n", page->out);
}

static bool put_panels(const radz_page *page, const radz_page_section *section, const panel_kind *kind)
{
    bool any = false;
    for (size_t m = 0; m < section->n; m++)
        for (size_t c = 0; c < section->classes->count; c++)
            any = any || kind->curve(page, section->members[m], section->classes->items[c]).count > 0;
    if (!any)
        return false;
    fputs("<div class=\"panels\">\n", page->out);
    for (size_t c = 0; c < section->classes->count; c++)
        put_panel(page, section, kind, c);
    fputs("</div>\n", page->out);
    return true;
}

bool radz_page_roc(const radz_page *page, const radz_page_section *section)
{
    return put_panels(page, section, &roc_kind);
}

bool radz_page_pr(const radz_page *page, const radz_page_section *section)
{
    return put_panels(page, section, &pr_kind);
}
