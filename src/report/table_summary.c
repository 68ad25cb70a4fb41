/* The means over classes, and what they cost. */
#include <math.h>
#include <string.h>

#include "metric/metric.h"
#include "report/table_parts.h"

static bool has_intervals(const radz_block_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        if (!isnan(rows->rows[i]->ci_low))
            return true;
    return false;
}

/* Figures of hard answers are marked: they are no ranking of images. */
static const char *marked_name(radz_layout *b, const radz_result_block *block, radz_block_names names)
{
    return RADZ_TEXT(b, "%s%s", radz_pair_name(b, block, names), block->hard ? " (hard)" : "");
}

static const struct {
    const char *metric, *title;
    bool at_threshold, always; /* else only where a block has it */
} summary_figures[] = {{"auc", "AUC", false, true}, {"ap", "AP", false, true},   {"auprc", "AUPRC", false, false},
                       {"f1", "F1", true, true},    {"acc", "ACC", true, true},  {"mcc", "MCC", true, false}};
enum { SUMMARY = sizeof summary_figures / sizeof summary_figures[0] };

/* The figures that a summary shows, in order. */
typedef struct summary_columns {
    size_t of[SUMMARY], n;
} summary_columns;

static summary_columns choose_summary(const radz_layout *b, const size_t *members, size_t n_members)
{
    summary_columns columns = {.n = 0};
    for (size_t f = 0; f < SUMMARY; f++) {
        bool there = summary_figures[f].always;
        for (size_t i = 0; !there && i < n_members; i++)
            there = radz_block_row(&b->blocks[members[i]], "macro", summary_figures[f].metric) != NULL;
        if (there)
            columns.of[columns.n++] = f;
    }
    return columns;
}

/* Marks the highest macro value of each column, when there is more than one row to compare. */
static void mark_best(radz_table *t, const double *values, size_t n_pairs, const size_t *row_of)
{
    for (size_t c = 0; c + 1 < t->columns && n_pairs > 1; c++) {
        double best = -INFINITY;
        for (size_t i = 0; i < n_pairs; i++)
            if (values[i * SUMMARY + c] > best)
                best = values[i * SUMMARY + c];
        for (size_t i = 0; i < n_pairs; i++)
            t->cells[row_of[i] * t->columns + 1 + c].best = values[i * SUMMARY + c] == best;
    }
}

static void summary_row(radz_layout *b, radz_table *t, const radz_block_rows *rows, const char *class_name,
                        const summary_columns *columns, bool all_intervals, double *values)
{
    radz_cell *cells = t->cells + t->rows * t->columns;
    for (size_t c = 0; c < columns->n; c++) {
        const radz_result_row *row = radz_block_row(rows, class_name, summary_figures[columns->of[c]].metric);
        cells[1 + c].text = radz_layout_number(b, row, !summary_figures[columns->of[c]].at_threshold || all_intervals);
        if (values != NULL)
            values[c] = row == NULL ? NAN : row->value;
    }
}

static const radz_result_cost *cost_of(const radz_layout *b, const radz_result_block *block)
{
    for (size_t i = 0; b->doc->with_costs && i < b->results->n_costs; i++) {
        const radz_result_cost *c = &b->results->costs[i];
        if (strcmp(c->dataset, block->dataset) == 0 && strcmp(c->model, block->model) == 0 &&
            strcmp(c->scorer, block->scorer) == 0)
            return c;
    }
    return NULL;
}

void radz_layout_costs(radz_layout *b, radz_section *section, const radz_result_block *first, const size_t *members,
                       size_t n_members)
{
    bool any = false;
    for (size_t i = 0; i < n_members; i++)
        any = any || cost_of(b, b->blocks[members[i]].block) != NULL;
    radz_table *t = any ? radz_layout_table(b, section, 4, 1, n_members) : NULL;
    if (t == NULL)
        return;
    t->id = radz_layout_id(b, first, "costs");
    t->caption = RADZ_TEXT(b, "%s: cost per image", first->dataset_title);
    t->heads[0] = "cost per image";
    t->heads[1] = "seconds";
    t->heads[2] = "tokens";
    t->heads[3] = "peak memory";
    for (size_t i = 0; i < n_members; i++) {
        const radz_result_block *block = b->blocks[members[i]].block;
        const radz_result_cost *cost = cost_of(b, block);
        radz_cell *cells = t->cells + t->rows * t->columns;
        bool repeated = false; /* scorers of one protocol each */
        for (size_t k = 0; k < i; k++)
            repeated = repeated || (strcmp(b->blocks[members[k]].block->model, block->model) == 0 &&
                                    strcmp(b->blocks[members[k]].block->scorer, block->scorer) == 0);
        if (cost == NULL || repeated)
            continue;
        bool cached = isnan(cost->seconds_per_image);
        cells[0].text = RADZ_TEXT(b, "%s / %s", block->model, block->scorer);
        cells[1].text = cached ? "cached" : RADZ_TEXT(b, "%.3f", cost->seconds_per_image);
        cells[2].text = cached ? "cached" : RADZ_TEXT(b, "%.0f", cost->tokens_per_image);
        cells[3].text = RADZ_TEXT(b, "%.2f GB", (double)cost->peak_memory / 1e9);
        t->styles[t->rows++] = RADZ_ROW_PLAIN;
    }
    radz_layout_measure(b, t);
}

void radz_layout_summary(radz_layout *b, radz_section *section, const radz_result_block *first, const size_t *members,
                         size_t n_members)
{
    const radz_results *results = b->results;
    radz_block_names names = radz_block_names_needed(results, members, n_members);
    static const char *const averages[] = {"micro", "weighted"};
    summary_columns columns = choose_summary(b, members, n_members);
    radz_table *t = radz_layout_table(b, section, 1 + columns.n, 1, n_members * (3 + results->n_groups));
    double *values = radz_layout_room(b, n_members * SUMMARY, sizeof *values);
    size_t *row_of = radz_layout_room(b, n_members, sizeof *row_of);
    if (b->st != RADZ_OK)
        return;
    bool chosen = false, intervals = false;
    for (size_t i = 0; i < n_members; i++) {
        chosen = chosen || radz_chosen_on_test(&b->blocks[members[i]]);
        intervals = intervals || has_intervals(&b->blocks[members[i]]);
    }
    const char *models = !names.models ? "" : radz_same_text(first->scorer, RADZ_SCORER_FILE) ? "scores" : "model";
    t->heads[0] = RADZ_TEXT(b, "%s%s%s%s", models, names.scorers ? " / scorer" : "",
                            names.models && names.protocols ? " / " : "", names.protocols ? "protocol" : "");
    for (size_t c = 0; c < columns.n; c++) {
        const char *title = summary_figures[columns.of[c]].title;
        bool at_threshold = summary_figures[columns.of[c]].at_threshold;
        if ((!at_threshold || names.protocols) && intervals)
            t->heads[1 + c] = names.protocols ? RADZ_TEXT(b, "%s [interval]", title)
                                              : RADZ_TEXT(b, "%s [%g %% CI]", title, 100 * first->confidence);
        else
            t->heads[1 + c] = RADZ_TEXT(b, "%s%s", title, at_threshold && chosen ? "*" : "");
    }
    t->id = radz_layout_id(b, first, "summary");
    t->caption = RADZ_TEXT(b, "%s: means over classes", first->dataset_title);
    for (size_t i = 0; i < n_members; i++) {
        const radz_block_rows *rows = &b->blocks[members[i]];
        row_of[i] = t->rows;
        t->cells[t->rows * t->columns].text = marked_name(b, rows->block, names);
        summary_row(b, t, rows, "macro", &columns, names.protocols, values + i * SUMMARY);
        t->styles[t->rows++] = RADZ_ROW_PLAIN;
        for (size_t a = 0; a < sizeof averages / sizeof averages[0]; a++) {
            if (radz_block_row(rows, averages[a], radz_metrics[RADZ_METRIC_AUC].name) == NULL)
                continue;
            t->cells[t->rows * t->columns].text = averages[a];
            summary_row(b, t, rows, averages[a], &columns, names.protocols, NULL);
            t->styles[t->rows++] = RADZ_ROW_PART;
        }
        for (size_t g = 0; g < results->n_groups; g++) {
            const radz_result_group *group = &results->groups[g];
            if (strcmp(group->dataset, first->dataset) != 0)
                continue;
            size_t count = radz_count_classes(b, rows, group);
            const char *name = RADZ_TEXT(b, "macro:%s", group->name);
            if (count == 0 || radz_block_row(rows, name, radz_metrics[RADZ_METRIC_AUC].name) == NULL)
                continue;
            t->cells[t->rows * t->columns].text = RADZ_TEXT(b, "%s (%zu)", group->name, count);
            summary_row(b, t, rows, name, &columns, names.protocols, NULL);
            t->styles[t->rows++] = RADZ_ROW_PART;
            radz_layout_note(b, &section->notes, RADZ_TEXT(b, "%s: %s", group->name, group->title));
        }
    }
    if (!names.protocols) /* figures of different protocols are no competitors */
        mark_best(t, values, n_members, row_of);
    radz_layout_measure(b, t);
    for (size_t i = 0; i < n_members && names.protocols; i++)
        if (radz_chosen_on_test(&b->blocks[members[i]]))
            radz_layout_note(b, &section->notes, RADZ_TEXT(b, "%s: F1 and ACC stand at the threshold that gives the highest F1 on these very "
                                                           "labels: optimistic", b->blocks[members[i]].block->protocol));
    if (chosen && !names.protocols)
        radz_layout_note(b, &section->notes, "* at the threshold that gives the highest F1 on these very labels: optimistic; not "
                                             "a figure for new images");
}
