/* What the table printers (text, Markdown, LaTeX) show, laid out once: sections, tables of plain text cells, notes. */
#ifndef RADZ_REPORT_TABLES_H
#define RADZ_REPORT_TABLES_H

#include "base/str.h"
#include "report/results_lookup.h"

typedef enum radz_row_style {
    RADZ_ROW_PLAIN,
    RADZ_ROW_PART,    /* belongs to the row above: indented */
    RADZ_ROW_HEADING  /* first cell only: names the rows below */
} radz_row_style;

typedef struct radz_cell {
    const char *text;
    bool best;        /* the best of its column among comparable rows */
} radz_cell;

enum { RADZ_WIDEST_CELL = 48 };

typedef struct radz_table {
    const char *id;          /* unique in the document: letters, digits and '-' */
    const char *caption;
    size_t columns;
    size_t fixed;            /* leading columns that are repeated when a table is too wide and is split */
    const char **heads;      /* [columns] */
    const bool *right;       /* [columns] aligned to the right */
    size_t *widths;          /* [columns] characters of the widest cell, at most RADZ_WIDEST_CELL: longer ones are cut on the terminal */
    size_t rows;
    radz_row_style *styles;  /* [rows] */
    radz_cell *cells;        /* [rows, columns] */
} radz_table;

typedef struct radz_section {
    const char *title;
    const char *subtitle;    /* one line: split, numbers of images and patients */
    radz_table *tables;
    size_t n_tables;
    radz_strlist notes;
} radz_section;

typedef struct radz_document {
    const char *title, *subtitle;
    radz_section *sections;  /* one per data set and split, in order of first appearance */
    size_t n_sections;
    size_t n_all;            /* with the one behind them that puts findings of several data sets side by side, if any */
    radz_strlist notes;      /* of the whole run */
    radz_strlist absent;     /* "name: how to provide it" */
    bool with_costs;         /* set before building: what each figure cost stands beside it */
    radz_arena arena;
} radz_document;

/* Lays out results; zero-initialise `out` but for with_costs; free with radz_document_free, also after an error. */
radz_status radz_document_build(const radz_results *results, radz_document *out, radz_error *err) RADZ_MUST_USE;
void radz_document_free(radz_document *document);

/* Columns a PART row is indented by. */
size_t radz_row_indent(radz_row_style style);
/* One past the last column that fits, beside the fixed ones, into `width` characters when the part begins with column
 * `from`; at least from + 1. `gap` characters stand between columns. */
size_t radz_table_split(const radz_table *table, size_t from, size_t width, size_t gap);

#endif
