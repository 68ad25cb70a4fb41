#include "report/results_lookup.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"

bool radz_same_section(const radz_result_block *a, const radz_result_block *b)
{
    return strcmp(a->dataset, b->dataset) == 0 && strcmp(a->split, b->split) == 0;
}

void radz_number_pairs(const radz_results *results, size_t *pair_of)
{
    size_t pairs = 0;
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_block *b = &results->blocks[i];
        size_t j = 0;
        while (j < i && (strcmp(b->model, results->blocks[j].model) != 0 ||
                         strcmp(b->scorer, results->blocks[j].scorer) != 0))
            j++;
        pair_of[i] = j < i ? pair_of[j] : pairs++;
    }
}

bool radz_is_mean(const char *class_name)
{
    return strcmp(class_name, "macro") == 0 || radz_str_starts(class_name, "macro:") || strcmp(class_name, "micro") == 0 ||
           strcmp(class_name, "weighted") == 0;
}

static bool of_block(const radz_result_row *row, const radz_result_block *block)
{
    return strcmp(row->dataset, block->dataset) == 0 && strcmp(row->split, block->split) == 0 &&
           strcmp(row->model, block->model) == 0 && strcmp(row->scorer, block->scorer) == 0 &&
           strcmp(row->protocol, block->protocol) == 0;
}

radz_status radz_block_rows_get(const radz_results *results, const radz_result_block *block, radz_block_rows *out,
                                radz_error *err)
{
    *out = (radz_block_rows){.block = block};
    size_t n = 0;
    for (size_t i = 0; i < results->n_rows; i++)
        n += of_block(&results->rows[i], block);
    out->rows = radz_calloc(n, sizeof *out->rows, err);
    if (out->rows == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < results->n_rows; i++)
        if (of_block(&results->rows[i], block))
            out->rows[out->n++] = &results->rows[i];
    return RADZ_OK;
}

void radz_block_rows_free(radz_block_rows *rows)
{
    free(rows->rows);
    *rows = (radz_block_rows){0};
}

const radz_result_row *radz_block_row(const radz_block_rows *rows, const char *class_name, const char *metric)
{
    for (size_t i = 0; i < rows->n; i++)
        if (strcmp(rows->rows[i]->class_name, class_name) == 0 && strcmp(rows->rows[i]->metric, metric) == 0)
            return rows->rows[i];
    return NULL;
}

const radz_result_group *radz_group_of(const radz_results *results, const char *dataset, const char *class_name)
{
    for (size_t i = 0; i < results->n_groups; i++) {
        const radz_result_group *g = &results->groups[i];
        for (size_t j = 0; strcmp(g->dataset, dataset) == 0 && j < g->n_classes; j++)
            if (strcmp(g->classes[j], class_name) == 0)
                return g;
    }
    return NULL;
}

radz_status radz_classes_in_order(const radz_results *results, const radz_block_rows *blocks, const size_t *members,
                                  size_t n_members, radz_strlist *out, radz_error *err)
{
    radz_strlist all = {0};
    radz_status st = RADZ_OK;
    for (size_t m = 0; m < n_members; m++)
        for (size_t i = 0; i < blocks[members[m]].n && st == RADZ_OK; i++) {
            const radz_result_row *row = blocks[members[m]].rows[i];
            if (strcmp(row->metric, radz_metrics[RADZ_METRIC_AUC].name) == 0 && !radz_is_mean(row->class_name) &&
                !radz_strlist_has(&all, row->class_name))
                st = radz_strlist_add(&all, row->class_name, err);
        }
    const char *dataset = results->blocks[members[0]].dataset;
    for (size_t g = 0; g <= results->n_groups; g++)
        for (size_t i = 0; i < all.count && st == RADZ_OK; i++)
            if (radz_group_of(results, dataset, all.items[i]) == (g < results->n_groups ? &results->groups[g] : NULL))
                st = radz_strlist_add(out, all.items[i], err);
    radz_strlist_free(&all);
    return st;
}

const radz_result_detail *radz_detail_of(const radz_results *results, size_t block, const char *name)
{
    for (size_t i = 0; i < results->n_details; i++)
        if (results->details[i].block == block && strcmp(results->details[i].name, name) == 0)
            return &results->details[i];
    return NULL;
}

static size_t detail_column(const radz_result_detail *detail, const char *name)
{
    for (size_t c = 0; c < detail->n_columns; c++)
        if (strcmp(detail->columns[c], name) == 0)
            return c;
    return detail->n_columns;
}

double radz_detail_number(const radz_result_detail *detail, size_t row, const char *column)
{
    size_t c = detail_column(detail, column);
    return c == detail->n_columns || detail->cells[row * detail->n_columns + c].text != NULL
               ? NAN : detail->cells[row * detail->n_columns + c].number;
}

const char *radz_detail_text(const radz_result_detail *detail, size_t row, const char *column)
{
    size_t c = detail_column(detail, column);
    const char *text = c == detail->n_columns ? NULL : detail->cells[row * detail->n_columns + c].text;
    return text == NULL ? "" : text;
}

void radz_reading_facts(const radz_result_block *b, radz_fact facts[RADZ_READING_FACTS])
{
    const radz_fact all[RADZ_READING_FACTS] = {
        {"template", b->template_name},     {"features", b->reading},
        {"anchors", b->anchors},            {"anchor form", b->anchor_form},
        {"anchors SHA-256", b->anchors_sha256}, {"wording of the anchors", b->anchors_wording},
    };
    memcpy(facts, all, sizeof all);
}

bool radz_chosen_on_test(const radz_block_rows *rows)
{
    bool any = false;
    for (size_t i = 0; i < rows->n; i++) {
        const radz_result_row *at = rows->rows[i];
        if (strcmp(at->metric, radz_metrics[RADZ_METRIC_THRESHOLD].name) != 0 || isnan(at->value))
            continue;
        const radz_result_row *best =
            radz_block_row(rows, at->class_name, radz_metrics[RADZ_METRIC_THRESHOLD_F1_MAX].name);
        if (best == NULL || best->value != at->value)
            return false;
        any = true;
    }
    return any;
}

const char *radz_status_words(const char *status)
{
    static const char *const words[] = {
        [RADZ_METRIC_OK] = "ok",
        [RADZ_METRIC_NO_ROWS] = "no labelled image",
        [RADZ_METRIC_ONE_VALUE] = "all images positive, or all negative",
        [RADZ_METRIC_ZERO_DIVISION] = "no image called so",
        [RADZ_METRIC_NO_CLASS] = "no class has a value",
        [RADZ_METRIC_FEW_REPLICATES] = "too few bootstrap replicates have a value",
        [RADZ_METRIC_ONE_SIDED] = "all bootstrap replicates on one side of the value",
        [RADZ_METRIC_FEW_PATIENTS] = "fewer than two patients with a positive image, or with a negative one",
        [RADZ_METRIC_FEW_ROWS] = "fewer than two positive or two negative images",
        [RADZ_METRIC_SEPARABLE] = "a threshold parts the labels without a mistake: no finite fit",
        [RADZ_METRIC_NOT_TRAINED] = "no draw of training images has both labels",
        [RADZ_METRIC_OUTSIDE] = "the scores are no probabilities",
        [RADZ_METRIC_ZERO_VARIANCE] = "nothing varies",
        [RADZ_METRIC_NO_VALIDATION] = "the threshold is chosen on a validation split, and none was given",
        [RADZ_METRIC_STOPPED] = "the code that the protocol repeats ends with an error",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i] != NULL && strcmp(status, radz_metric_status_name((radz_metric_status)i)) == 0)
            return words[i];
    return status;
}

void radz_count_text(uint64_t count, char text[32])
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = text;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
}
