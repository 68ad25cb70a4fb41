/* The parts of report.html. */
#ifndef RADZ_REPORT_PAGE_PARTS_H
#define RADZ_REPORT_PAGE_PARTS_H

#include <stdio.h>

#include "report/svg.h"
#include "report/tables.h"

/* A page being written. Text goes through radz_put_html, always. */
typedef struct radz_page {
    FILE *out;
    const radz_results *results;
    const radz_document *document;
    const radz_block_rows *blocks; /* [n_blocks], the rows of each */
    const size_t *pair_of;         /* [n_blocks], see radz_number_pairs */
    const char *dir;               /* the run's folder: pictures are read from there; NULL: none are shown */
    bool costs;                    /* what it took, on the page itself */
} radz_page;

/* The blocks of one data set and split. */
typedef struct radz_page_section {
    const char *id;         /* unique in the page */
    const size_t *members;  /* [n] indices of blocks */
    size_t n;
    radz_strlist *classes;  /* in order of the figures */
} radz_page_section;

/* The CSS classes of the line of a pair: its colour, and a dash pattern of its own when the colours come round again. */
void radz_page_line_class(size_t pair, char css[24]);
/* Which colour is which model and scorer. */
void radz_page_legend(const radz_page *page, const radz_page_section *section);
/* AUC of each class and of the means, with intervals. */
void radz_page_intervals(const radz_page *page, const radz_page_section *section);
/* A panel for each class; false when there is no curve. */
bool radz_page_roc(const radz_page *page, const radz_page_section *section);
bool radz_page_pr(const radz_page *page, const radz_page_section *section);
/* Begins the figure of class number `c`, axes from 0 to 1; the caller draws, ends the picture and closes the <figure>. */
void radz_page_panel(const radz_page *page, const radz_page_section *section, radz_svg *svg, const char *kind,
                     const char *what, size_t c, const char *x_title, const char *y_title);
/* What the detail tables hold; nothing where there are none. */
void radz_page_reliability(const radz_page *page, const radz_page_section *section);
void radz_page_subgroups(const radz_page *page, const radz_page_section *section);
void radz_page_details(const radz_page *page, const radz_page_section *section);
/* The worst mistakes of each block, with pictures where the run's folder has them. */
radz_status radz_page_mistakes(const radz_page *page, const radz_page_section *section, radz_error *err) RADZ_MUST_USE;

#endif
