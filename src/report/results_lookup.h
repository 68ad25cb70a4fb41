/* Looking things up in the results of a run. */
#ifndef RADZ_REPORT_RESULTS_LOOKUP_H
#define RADZ_REPORT_RESULTS_LOOKUP_H

#include "base/str.h"
#include "report/results.h"

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
/* How a model was asked or read, and by which words, as a reader of provenance wants it; a value may be NULL. */
typedef struct radz_fact {
    const char *key, *value;
} radz_fact;
enum { RADZ_READING_FACTS = 6 };
void radz_reading_facts(const radz_result_block *block, radz_fact facts[RADZ_READING_FACTS]);
/* Was the operating point of F1 and ACC chosen on the labels they are measured on? */
bool radz_chosen_on_test(const radz_block_rows *rows);
/* "na-one-value" in words; the status itself when it has none. */
const char *radz_status_words(const char *status);
/* 25596 -> "25,596" */
void radz_count_text(uint64_t count, char text[32]);

#endif
