/* The same findings in several data sets. */
#include <string.h>

#include "metric/metric.h"
#include "report/escape.h"
#include "report/table_parts.h"

static const radz_result_block *block_of(const radz_layout *b, const char *dataset, const radz_result_block *pair, size_t *at)
{
    for (size_t i = 0; i < b->results->n_blocks; i++) {
        const radz_result_block *x = &b->results->blocks[i];
        if (strcmp(x->dataset, dataset) == 0 && (pair == NULL || (strcmp(x->model, pair->model) == 0 &&
                                                                  strcmp(x->scorer, pair->scorer) == 0))) {
            *at = i;
            return x;
        }
    }
    return NULL;
}

/* The i-th class of a term counts when its data set was evaluated; how many data sets a term has. */
static size_t sets_of_term(const radz_layout *b, const char *term)
{
    size_t n = 0, at;
    for (size_t i = 0; i < b->results->n_terms; i++)
        n += strcmp(b->results->terms[i].term, term) == 0 && block_of(b, b->results->terms[i].dataset, NULL, &at) != NULL;
    return n;
}

enum { LONGEST_CLASS = 28 /* characters; the finding's name stands above */ };

static void across_row(radz_layout *b, radz_table *t, const radz_result_term *term, const size_t *pairs, size_t n_pairs)
{
    radz_cell *cells = t->cells + t->rows * t->columns;
    bool fits = radz_text_width(term->class_name) <= LONGEST_CLASS;
    cells[0].text = RADZ_TEXT(b, "%s%s%s", term->dataset, fits ? ": " : "", fits ? term->class_name : "");
    for (size_t p = 0; p < n_pairs; p++) {
        size_t at;
        const radz_result_row *row = NULL;
        if (block_of(b, term->dataset, &b->results->blocks[pairs[p]], &at) != NULL)
            row = radz_block_row(&b->blocks[at], term->class_name, radz_metrics[RADZ_METRIC_AUC].name);
        cells[2 + p].text = radz_layout_number(b, row, true);
        if (row != NULL && cells[1].text[0] == '\0') {
            char count[32];
            radz_count_text(row->n_pos, count);
            cells[1].text = RADZ_TEXT(b, "%s", count);
        }
    }
    t->styles[t->rows++] = RADZ_ROW_PART;
}

void radz_layout_across(radz_layout *b)
{
    const radz_results *results = b->results;
    size_t shared = 0, n_pairs = 0, *pairs = radz_layout_room(b, results->n_blocks, sizeof *pairs);
    for (size_t i = 0; i < results->n_terms && b->st == RADZ_OK; i++)
        shared += sets_of_term(b, results->terms[i].term) > 1;
    if (b->st != RADZ_OK || shared == 0)
        return;
    for (size_t i = 0; i < results->n_blocks; i++) {
        bool is_new = true;
        for (size_t p = 0; p < n_pairs; p++)
            is_new = is_new && (strcmp(results->blocks[i].model, results->blocks[pairs[p]].model) != 0 ||
                                strcmp(results->blocks[i].scorer, results->blocks[pairs[p]].scorer) != 0);
        if (is_new)
            pairs[n_pairs++] = i;
    }
    radz_section *section = &b->doc->sections[b->doc->n_sections];
    section->title = "The same findings in several data sets";
    section->subtitle = "AUC; what a set calls positive, and how it was decided, differs: see the sets' cards";
    section->tables = radz_layout_room(b, 1, sizeof *section->tables);
    radz_table *t = b->st == RADZ_OK ? radz_layout_table(b, section, 2 + n_pairs, 2, 2 * shared) : NULL;
    if (t == NULL)
        return;
    t->id = "across-data-sets";
    t->caption = "AUC of findings that several data sets have";
    t->heads[0] = "finding / data set";
    t->heads[1] = "positives";
    for (size_t p = 0; p < n_pairs; p++)
        t->heads[2 + p] = radz_pair_name(b, &results->blocks[pairs[p]], (radz_block_names){.models = true, .scorers = true});
    for (size_t i = 0; i < results->n_terms; i++) {
        const char *term = results->terms[i].term;
        bool first = sets_of_term(b, term) > 1;
        for (size_t j = 0; j < i; j++)
            first = first && strcmp(results->terms[j].term, term) != 0;
        if (!first)
            continue;
        t->cells[t->rows * t->columns].text = term;
        t->styles[t->rows++] = RADZ_ROW_HEADING;
        for (size_t j = i; j < results->n_terms; j++) {
            size_t at;
            if (strcmp(results->terms[j].term, term) == 0 && block_of(b, results->terms[j].dataset, NULL, &at) != NULL)
                across_row(b, t, &results->terms[j], pairs, n_pairs);
        }
    }
    radz_layout_measure(b, t);
    b->doc->n_all++;
}
