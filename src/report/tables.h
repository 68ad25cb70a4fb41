/* What the table printers (text, Markdown, LaTeX) show, laid out once: sections, tables of plain text cells, notes. */
#ifndef RADZ_REPORT_TABLES_H
#define RADZ_REPORT_TABLES_H

#include "base/str.h"
#include "report/results.h"

typedef enum radz_row_style {
    RADZ_ROW_PLAIN,
    RADZ_ROW_PART,    /* belongs to the row above: indented */
    RADZ_ROW_HEADING  /* first cell only: names the rows below */
} radz_row_style;

typedef struct radz_cell {
    const char *text;
    bool best;        /* the best of its column among comparable rows */
} radz_cell;

typedef struct radz_table {
    const char *id;          /* unique in the document: letters, digits and '-' */
    const char *caption;
    size_t columns;
    size_t fixed;            /* leading columns that are repeated when a table is too wide and is split */
    const char **heads;      /* [columns] */
    const bool *right;       /* [columns] aligned to the right */
    size_t *widths;          /* [columns] characters of the widest cell */
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

/* Rows of one block, so that looking a number up is not a search through the whole run. */
typedef struct radz_block_rows {
    const radz_result_block *block;
    const radz_result_row **rows;
    size_t n;
} radz_block_rows;
radz_status radz_block_rows_get(const radz_results *results, const radz_result_block *block, radz_block_rows *out,
                                radz_error *err) RADZ_MUST_USE;
void radz_block_rows_free(radz_block_rows *rows);
/* The classes of some blocks (those of `members`, out of `blocks`) in order of the figures: those of the first group, the second, ..., those in none. */
radz_status radz_classes_in_order(const radz_results *results, const radz_block_rows *blocks, const size_t *members,
                                  size_t n_members, radz_strlist *out, radz_error *err) RADZ_MUST_USE;

const radz_result_row *radz_block_row(const radz_block_rows *rows, const char *class_name, const char *metric);

bool radz_same_section(const radz_result_block *a, const radz_result_block *b); /* same data set and split */
/* pair_of [n_blocks]: the number of each block's (model, scorer) in order of first appearance. */
void radz_number_pairs(const radz_results *results, size_t *pair_of);
bool radz_is_mean(const char *class_name); /* "macro", "macro:...", "micro", "weighted" */
/* The group of the data set that a class is in (the first of them); NULL when in none. */
const radz_result_group *radz_group_of(const radz_results *results, const char *dataset, const char *class_name);
/* The detail table of a block by name, NULL when it has none; a cell by its column's name: NaN and "" where there is none. */
const radz_result_detail *radz_detail_of(const radz_results *results, size_t block, const char *name);
double radz_detail_number(const radz_result_detail *detail, size_t row, const char *column);
const char *radz_detail_text(const radz_result_detail *detail, size_t row, const char *column);
/* Was the operating point of F1 and ACC chosen on the labels they are measured on? */
bool radz_chosen_on_test(const radz_block_rows *rows);
/* "na-one-value" in words; the status itself when it has none. */
const char *radz_status_words(const char *status);
/* 25596 -> "25,596" */
void radz_count_text(uint64_t count, char text[32]);

#endif
