/* The figures of each class. */
#include <math.h>
#include <string.h>

#include "metric/metric.h"
#include "report/table_parts.h"

static const char *class_reason(const radz_result_row *row)
{
    if (strcmp(row->status, radz_metric_status_name(RADZ_METRIC_ONE_VALUE)) == 0)
        return row->n_pos == 0 ? "no image is positive" : "no image is negative";
    return radz_status_words(row->status);
}

void radz_layout_classes(radz_layout *b, radz_section *section, const radz_result_block *first, radz_metric_id metric,
                         const size_t *members, size_t n_members, radz_block_names names)
{
    const radz_results *results = b->results;
    const char *auc = radz_metrics[RADZ_METRIC_AUC].name, *figure = radz_metrics[metric].name;
    size_t most = 0; /* rows that could be needed: all classes of all members, and headings */
    for (size_t i = 0; i < n_members; i++)
        most += radz_count_classes(b, &b->blocks[members[i]], NULL);
    radz_strlist classes = {0};
    for (size_t i = 0; i < n_members; i++) {
        const radz_block_rows *rows = &b->blocks[members[i]];
        for (size_t j = 0; j < rows->n; j++)
            if (!radz_is_mean(rows->rows[j]->class_name) && strcmp(rows->rows[j]->metric, auc) == 0)
                radz_layout_note(b, &classes, rows->rows[j]->class_name);
    }
    radz_table *t = most == 0 ? NULL : radz_layout_table(b, section, 2 + n_members, 2, most + results->n_groups + 1);
    if (t == NULL || b->st != RADZ_OK) {
        radz_strlist_free(&classes);
        return;
    }
    const char *title = radz_metrics[metric].title, *suffix = metric == RADZ_METRIC_AUC ? "" : RADZ_TEXT(b, "-%s", figure);
    t->id = radz_layout_id(b, first, RADZ_TEXT(b, "classes%s", suffix));
    t->caption = RADZ_TEXT(b, "%s: %s of each class", first->dataset_title, title);
    t->heads[0] = RADZ_TEXT(b, "%s of the class", title);
    t->heads[1] = "positives";
    for (size_t i = 0; i < n_members; i++)
        t->heads[2 + i] = radz_pair_name(b, b->blocks[members[i]].block, names);
    bool grouped = false;
    for (size_t i = 0; i < classes.count; i++)
        grouped = grouped || radz_group_of(results, first->dataset, classes.items[i]) != NULL;
    for (size_t g = 0; g <= results->n_groups && b->st == RADZ_OK; g++) {
        const radz_result_group *group = g < results->n_groups ? &results->groups[g] : NULL;
        bool headed = !grouped;
        for (size_t i = 0; i < classes.count; i++) {
            if (radz_group_of(results, first->dataset, classes.items[i]) != group)
                continue;
            if (!headed) {
                t->cells[t->rows * t->columns].text = group == NULL ? "other classes" : RADZ_TEXT(b, "%s", group->name);
                t->styles[t->rows++] = RADZ_ROW_HEADING;
                headed = true;
            }
            radz_cell *cells = t->cells + t->rows * t->columns;
            cells[0].text = RADZ_TEXT(b, "%s", classes.items[i]);
            for (size_t m = 0; m < n_members; m++) {
                const radz_result_row *row = radz_block_row(&b->blocks[members[m]], classes.items[i], figure);
                char count[32];
                if (row == NULL)
                    continue;
                radz_count_text(row->n_pos, count);
                if (cells[1].text[0] == '\0')
                    cells[1].text = RADZ_TEXT(b, "%s", count);
                cells[2 + m].text = radz_layout_number(b, row, true);
                if (isnan(row->value))
                    radz_layout_note(b, &section->notes, RADZ_TEXT(b, "%s: NA, %s", row->class_name, class_reason(row)));
            }
            t->styles[t->rows++] = grouped ? RADZ_ROW_PART : RADZ_ROW_PLAIN;
        }
    }
    radz_strlist_free(&classes);
    radz_layout_measure(b, t);
}

void radz_layout_details(radz_layout *b, radz_section *section, const radz_block_rows *rows)
{
    static const struct {
        const char *metric, *title;
        bool interval, at_threshold;
    } columns[] = {{"auc", "AUC", true, false},    {"auc_delong", "DeLong", true, false},
                   {"ap", "AP", false, false},     {"prevalence", "chance", false, false},
                   {"auprc", "AUPRC", true, false}, {"f1", "F1", true, true},
                   {"acc", "ACC", true, true},     {"mcc", "MCC", true, true},
                   {"threshold", "threshold", false, true}};
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    bool there[COLUMNS] = {false};
    size_t used = 0, classes = 0;
    bool chosen = radz_chosen_on_test(rows), exact = false;
    for (size_t i = 0; i < rows->n; i++) {
        classes += !radz_is_mean(rows->rows[i]->class_name) && radz_same_text(rows->rows[i]->metric, columns[0].metric);
        exact = exact || radz_same_text(rows->rows[i]->metric, columns[1].metric);
        for (size_t c = 0; c < COLUMNS; c++)
            there[c] = there[c] || radz_same_text(rows->rows[i]->metric, columns[c].metric);
    }
    for (size_t c = 0; c < COLUMNS; c++)
        used += there[c];
    radz_table *t = classes == 0 ? NULL : radz_layout_table(b, section, 2 + used, 1, classes);
    if (t == NULL || b->st != RADZ_OK)
        return;
    const radz_result_block *block = rows->block;
    t->id = radz_layout_id(b, block, "details");
    t->caption = RADZ_TEXT(b, "%s: %s, class by class", block->dataset_title, block->model);
    t->heads[0] = "class";
    t->heads[1] = "positives";
    for (size_t c = 0, at = 2; c < COLUMNS; c++)
        if (there[c])
            t->heads[at++] = RADZ_TEXT(b, "%s%s", columns[c].title, chosen && columns[c].at_threshold ? "*" : "");
    for (size_t i = 0; i < rows->n && b->st == RADZ_OK; i++) {
        const radz_result_row *row = rows->rows[i];
        if (radz_is_mean(row->class_name) || !radz_same_text(row->metric, columns[0].metric))
            continue;
        radz_cell *cells = t->cells + t->rows * t->columns;
        char count[32];
        radz_count_text(row->n_pos, count);
        cells[0].text = RADZ_TEXT(b, "%s", row->class_name);
        cells[1].text = RADZ_TEXT(b, "%s", count);
        for (size_t c = 0, at = 2; c < COLUMNS; c++) {
            if (!there[c])
                continue;
            const radz_result_row *cell = radz_block_row(rows, row->class_name, columns[c].metric);
            if (c == 1 && cell != NULL) /* the AUC stands beside it already */
                cells[at++].text = isnan(cell->ci_low) ? "" : RADZ_TEXT(b, "[%.3f, %.3f]", cell->ci_low, cell->ci_high);
            else if (c + 1 == COLUMNS && cell != NULL)
                cells[at++].text = isnan(cell->value) ? "NA" : RADZ_TEXT(b, "%.4g", cell->value);
            else
                cells[at++].text = radz_layout_number(b, cell, columns[c].interval && (!columns[c].at_threshold || !exact));
        }
        if (isnan(row->value))
            radz_layout_note(b, &section->notes, RADZ_TEXT(b, "%s: NA, %s", row->class_name, class_reason(row)));
        t->styles[t->rows++] = RADZ_ROW_PLAIN;
    }
    radz_layout_measure(b, t);
}
