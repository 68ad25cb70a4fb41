/* What the parts of a document share while it is laid out. */
#ifndef RADZ_REPORT_TABLE_PARTS_H
#define RADZ_REPORT_TABLE_PARTS_H

#include <string.h>

#include "metric/metric.h"
#include "report/tables.h"

/* A document being laid out. The status is sticky: after the first failure everything below is a no-op that returns something
 * printable. All texts live in the document's arena. */
typedef struct radz_layout {
    const radz_results *results;
    radz_document *doc;
    radz_block_rows *blocks; /* [n_blocks] */
    radz_status st;
    radz_error *err;
} radz_layout;

void *radz_layout_room(radz_layout *b, size_t count, size_t size); /* zeroed; NULL after a failure */
const char *radz_layout_text(radz_layout *b, const char *text);    /* `text`, or "" and out of memory where it is NULL */
#define RADZ_TEXT(b, ...) \
    radz_layout_text((b), (b)->st == RADZ_OK ? radz_arena_printf(&(b)->doc->arena, (b)->err, __VA_ARGS__) : NULL)
void radz_layout_note(radz_layout *b, radz_strlist *notes, const char *text); /* once, however often it is said */
/* "0.873 [0.861, 0.884]"; "NA"; "" without a row. */
const char *radz_layout_number(radz_layout *b, const radz_result_row *row, bool with_interval);

static inline bool radz_same_text(const char *x, const char *y)
{
    return strcmp(x, y) == 0;
}

/* The next table of a section, cells empty; NULL after a failure. The caller fills cells and styles, counting `rows` up to the number given,
 * then measures. */
radz_table *radz_layout_table(radz_layout *b, radz_section *section, size_t columns, size_t fixed, size_t rows);
/* "phantom-test-summary": the id of a table of the block's data set and split; '-' for all but letters and digits of theirs. */
const char *radz_layout_id(radz_layout *b, const radz_result_block *block, const char *what);
void radz_layout_measure(radz_layout *b, radz_table *table);

/* What tells the blocks of a section apart. */
typedef struct radz_block_names {
    bool models, scorers, protocols; /* there are several */
} radz_block_names;
radz_block_names radz_block_names_needed(const radz_results *results, const size_t *members, size_t n);
const char *radz_pair_name(radz_layout *b, const radz_result_block *block, radz_block_names names);
/* Classes of a block, all of them or those in a group. */
size_t radz_count_classes(const radz_layout *b, const radz_block_rows *rows, const radz_result_group *group);

/* The tables. `members` [n_members] are the blocks of the section, `first` is the first of them. */

/* One row of means per model and scorer, and below it one for each group of classes. */
void radz_layout_summary(radz_layout *b, radz_section *section, const radz_result_block *first, const size_t *members,
                         size_t n_members);
/* What the figures of each model and scorer cost, per image; for the terminal only. */
void radz_layout_costs(radz_layout *b, radz_section *section, const radz_result_block *first, const size_t *members,
                       size_t n_members);
/* One figure of each class, one column per block, groups apart. */
void radz_layout_classes(radz_layout *b, radz_section *section, const radz_result_block *first, radz_metric_id metric,
                         const size_t *members, size_t n_members, radz_block_names names);
/* The figures of one block, class by class: what a single score file is evaluated for. */
void radz_layout_details(radz_layout *b, radz_section *section, const radz_block_rows *rows);
/* Trainings that differ in one thing each: mean AUC over the values of each factor, for every block that has the detail. */
void radz_layout_ablation(radz_layout *b, radz_section *section, const radz_result_block *first, const size_t *members,
                          size_t n_members, radz_block_names names);
/* Two models on the same images: differences of the AUCs. */
void radz_layout_pairs(radz_layout *b, radz_section *section, const radz_result_block *first);
/* A section of its own, behind the others: one heading per finding that more than one data set has, below it a row for each of them. */
void radz_layout_across(radz_layout *b);

/* The notes of a section: on a block, on its means, on how far they move, on what the check found. */
void radz_layout_block_notes(radz_layout *b, radz_section *section, const radz_result_block *first,
                             const radz_result_block *block, bool several);
void radz_layout_mean_notes(radz_layout *b, radz_section *section, const radz_block_rows *rows, radz_block_names names);
void radz_layout_sensitivity_note(radz_layout *b, radz_section *section, size_t block, radz_block_names names);
void radz_layout_finding_notes(radz_layout *b, radz_section *section, const radz_result_block *first);
/* "images", "study", "questions" */
const char *radz_units_name(const radz_result_block *block, uint64_t n);

#endif
