#include "report/tables.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "report/escape.h"

/* ---- looking things up ---- */

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

size_t radz_row_indent(radz_row_style style)
{
    return style == RADZ_ROW_PART ? 2 : 0;
}

size_t radz_table_split(const radz_table *table, size_t from, size_t width, size_t gap)
{
    size_t used = 0, to = from;
    for (size_t c = 0; c < table->fixed; c++)
        used += table->widths[c] + gap;
    while (to < table->columns && (to == from || used + table->widths[to] <= width))
        used += table->widths[to++] + gap;
    return to;
}

/* ---- building ---- */

/* The status is sticky: after the first failure everything below is a no-op that returns something printable. */
typedef struct builder {
    const radz_results *results;
    radz_document *doc;
    radz_block_rows *blocks; /* [n_blocks] */
    radz_status st;
    radz_error *err;
} builder;

static void *room(builder *b, size_t count, size_t size)
{
    void *memory = b->st == RADZ_OK ? radz_arena_alloc(&b->doc->arena, count, size, b->err) : NULL;
    if (memory == NULL)
        b->st = RADZ_E_NOMEM;
    return memory;
}

#define TEXT(b, ...) \
    text_or_empty((b), (b)->st == RADZ_OK ? radz_arena_printf(&(b)->doc->arena, (b)->err, __VA_ARGS__) : NULL)

static const char *text_or_empty(builder *b, const char *text)
{
    if (text == NULL && b->st == RADZ_OK)
        b->st = RADZ_E_NOMEM;
    return text == NULL ? "" : text;
}

static void add_note(builder *b, radz_strlist *notes, const char *text)
{
    if (b->st == RADZ_OK && !radz_strlist_has(notes, text))
        b->st = radz_strlist_add(notes, text, b->err);
}

/* "0.873 [0.861, 0.884]"; "NA". */
static const char *number_text(builder *b, const radz_result_row *row, bool with_interval)
{
    if (row == NULL)
        return "";
    if (isnan(row->value))
        return "NA";
    if (with_interval && !isnan(row->ci_low) && !isnan(row->ci_high))
        return TEXT(b, "%.3f [%.3f, %.3f]", row->value, row->ci_low, row->ci_high);
    return TEXT(b, "%.3f", row->value);
}

static bool has_intervals(const radz_block_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        if (!isnan(rows->rows[i]->ci_low))
            return true;
    return false;
}

static bool same_text(const char *x, const char *y)
{
    return strcmp(x, y) == 0;
}

/* What tells the blocks of a section apart. */
typedef struct block_names {
    bool models, scorers, protocols; /* there are several */
} block_names;

static block_names names_needed(const radz_results *results, const size_t *members, size_t n)
{
    block_names names = {false, false, false};
    for (size_t i = 1; i < n; i++) {
        const radz_result_block *x = &results->blocks[members[0]], *y = &results->blocks[members[i]];
        names.models = names.models || !same_text(x->model, y->model);
        names.protocols = names.protocols || !same_text(x->protocol, y->protocol);
        names.scorers = names.scorers || !same_text(x->scorer, y->scorer);
    }
    /* scores of a file come from no scorer of ours */
    names.scorers = names.scorers || (n > 0 && !same_text(results->blocks[members[0]].scorer, RADZ_SCORER_FILE));
    names.models = names.models || names.scorers || !names.protocols;
    return names;
}

static const char *pair_name(builder *b, const radz_result_block *block, block_names names)
{
    return TEXT(b, "%s%s%s%s%s", names.models ? block->model : "", names.scorers ? " / " : "",
                names.scorers ? block->scorer : "", names.models && names.protocols ? " / " : "",
                names.protocols ? block->protocol : "");
}

/* Figures of hard answers are marked: they are no ranking of images. */
static const char *marked_name(builder *b, const radz_result_block *block, block_names names)
{
    return TEXT(b, "%s%s", pair_name(b, block, names), block->hard ? " (hard)" : "");
}

static radz_table *new_table(builder *b, radz_section *section, size_t columns, size_t fixed, size_t rows)
{
    radz_table *t = &section->tables[section->n_tables];
    *t = (radz_table){.columns = columns, .fixed = fixed, .id = "", .caption = ""};
    t->heads = room(b, columns, sizeof *t->heads);
    bool *right = room(b, columns, sizeof *right);
    t->styles = room(b, rows, sizeof *t->styles);
    t->cells = room(b, rows * columns, sizeof *t->cells);
    if (b->st != RADZ_OK)
        return NULL;
    for (size_t i = 0; i < columns; i++) {
        t->heads[i] = "";
        right[i] = i > 0;
    }
    for (size_t i = 0; i < rows * columns; i++)
        t->cells[i].text = "";
    t->right = right;
    section->n_tables++;
    return t;
}

static const char *id_part(builder *b, const char *text)
{
    char *copy = room(b, strlen(text) + 1, 1);
    for (size_t i = 0; copy != NULL && text[i] != '\0'; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        copy[i] = plain ? c : '-';
    }
    return text_or_empty(b, copy);
}

static size_t classes_of(const builder *b, const radz_block_rows *rows, const radz_result_group *group)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const radz_result_row *r = rows->rows[i];
        if (radz_is_mean(r->class_name) || strcmp(r->metric, radz_metrics[RADZ_METRIC_AUC].name) != 0)
            continue;
        n += group == NULL || radz_group_of(b->results, r->dataset, r->class_name) == group;
    }
    return n;
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

static summary_columns choose_summary(const builder *b, const size_t *members, size_t n_members)
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

static void measure_columns(builder *b, radz_table *t)
{
    t->widths = room(b, t->columns, sizeof *t->widths);
    for (size_t c = 0; c < t->columns && b->st == RADZ_OK; c++) {
        t->widths[c] = radz_text_width(t->heads[c]);
        for (size_t r = 0; r < t->rows; r++) {
            size_t w = radz_text_width(t->cells[r * t->columns + c].text) + (c == 0 ? radz_row_indent(t->styles[r]) : 0);
            if (t->styles[r] != RADZ_ROW_HEADING && w > t->widths[c])
                t->widths[c] = w;
        }
    }
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

static void summary_row(builder *b, radz_table *t, const radz_block_rows *rows, const char *class_name,
                        const summary_columns *columns, bool all_intervals, double *values)
{
    radz_cell *cells = t->cells + t->rows * t->columns;
    for (size_t c = 0; c < columns->n; c++) {
        const radz_result_row *row = radz_block_row(rows, class_name, summary_figures[columns->of[c]].metric);
        cells[1 + c].text = number_text(b, row, !summary_figures[columns->of[c]].at_threshold || all_intervals);
        if (values != NULL)
            values[c] = row == NULL ? NAN : row->value;
    }
}

static const radz_result_cost *cost_of(const builder *b, const radz_result_block *block)
{
    for (size_t i = 0; b->doc->with_costs && i < b->results->n_costs; i++) {
        const radz_result_cost *c = &b->results->costs[i];
        if (strcmp(c->dataset, block->dataset) == 0 && strcmp(c->model, block->model) == 0 &&
            strcmp(c->scorer, block->scorer) == 0)
            return c;
    }
    return NULL;
}

/* What the figures of each model and scorer cost, per image; for the terminal only. */
static void build_costs(builder *b, radz_section *section, const radz_result_block *first, const size_t *members,
                        size_t n_members)
{
    bool any = false;
    for (size_t i = 0; i < n_members; i++)
        any = any || cost_of(b, b->blocks[members[i]].block) != NULL;
    radz_table *t = any ? new_table(b, section, 4, 1, n_members) : NULL;
    if (t == NULL)
        return;
    t->id = TEXT(b, "%s-%s-costs", id_part(b, first->dataset), id_part(b, first->split));
    t->caption = TEXT(b, "%s: cost per image", first->dataset_title);
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
        cells[0].text = TEXT(b, "%s / %s", block->model, block->scorer);
        cells[1].text = cached ? "cached" : TEXT(b, "%.3f", cost->seconds_per_image);
        cells[2].text = cached ? "cached" : TEXT(b, "%.0f", cost->tokens_per_image);
        cells[3].text = TEXT(b, "%.2f GB", (double)cost->peak_memory / 1e9);
        t->styles[t->rows++] = RADZ_ROW_PLAIN;
    }
    measure_columns(b, t);
}

/* One row of means per model and scorer, and below it one for each group of classes. */
static void build_summary(builder *b, radz_section *section, const radz_result_block *first, const size_t *members,
                          size_t n_members)
{
    const radz_results *results = b->results;
    block_names names = names_needed(results, members, n_members);
    static const char *const averages[] = {"micro", "weighted"};
    summary_columns columns = choose_summary(b, members, n_members);
    radz_table *t = new_table(b, section, 1 + columns.n, 1, n_members * (3 + results->n_groups));
    double *values = room(b, n_members * SUMMARY, sizeof *values);
    size_t *row_of = room(b, n_members, sizeof *row_of);
    if (b->st != RADZ_OK)
        return;
    bool chosen = false, intervals = false;
    for (size_t i = 0; i < n_members; i++) {
        chosen = chosen || radz_chosen_on_test(&b->blocks[members[i]]);
        intervals = intervals || has_intervals(&b->blocks[members[i]]);
    }
    const char *models = !names.models ? "" : same_text(first->scorer, RADZ_SCORER_FILE) ? "scores" : "model";
    t->heads[0] = TEXT(b, "%s%s%s%s", models, names.scorers ? " / scorer" : "",
                       names.models && names.protocols ? " / " : "", names.protocols ? "protocol" : "");
    for (size_t c = 0; c < columns.n; c++) {
        const char *title = summary_figures[columns.of[c]].title;
        bool at_threshold = summary_figures[columns.of[c]].at_threshold;
        if ((!at_threshold || names.protocols) && intervals)
            t->heads[1 + c] = names.protocols ? TEXT(b, "%s [interval]", title)
                                              : TEXT(b, "%s [%g %% CI]", title, 100 * first->confidence);
        else
            t->heads[1 + c] = TEXT(b, "%s%s", title, at_threshold && chosen ? "*" : "");
    }
    t->id = TEXT(b, "%s-%s-summary", id_part(b, first->dataset), id_part(b, first->split));
    t->caption = TEXT(b, "%s: means over classes", first->dataset_title);
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
            size_t count = classes_of(b, rows, group);
            const char *name = TEXT(b, "macro:%s", group->name);
            if (count == 0 || radz_block_row(rows, name, radz_metrics[RADZ_METRIC_AUC].name) == NULL)
                continue;
            t->cells[t->rows * t->columns].text = TEXT(b, "%s (%zu)", group->name, count);
            summary_row(b, t, rows, name, &columns, names.protocols, NULL);
            t->styles[t->rows++] = RADZ_ROW_PART;
            add_note(b, &section->notes, TEXT(b, "%s: %s", group->name, group->title));
        }
    }
    if (!names.protocols) /* figures of different protocols are no competitors */
        mark_best(t, values, n_members, row_of);
    measure_columns(b, t);
    for (size_t i = 0; i < n_members && names.protocols; i++)
        if (radz_chosen_on_test(&b->blocks[members[i]]))
            add_note(b, &section->notes, TEXT(b, "%s: F1 and ACC stand at the threshold that gives the highest F1 on these very "
                                              "labels: optimistic", b->blocks[members[i]].block->protocol));
    if (chosen && !names.protocols)
        add_note(b, &section->notes, "* at the threshold that gives the highest F1 on these very labels: optimistic; not "
                                     "a figure for new images");
}

static const char *class_reason(const radz_result_row *row)
{
    if (strcmp(row->status, radz_metric_status_name(RADZ_METRIC_ONE_VALUE)) == 0)
        return row->n_pos == 0 ? "no image is positive" : "no image is negative";
    return radz_status_words(row->status);
}

/* One figure of each class, one column per block, groups apart. */
static void build_classes(builder *b, radz_section *section, const radz_result_block *first, radz_metric_id metric,
                          const size_t *members, size_t n_members, block_names names)
{
    const radz_results *results = b->results;
    const char *auc = radz_metrics[RADZ_METRIC_AUC].name, *figure = radz_metrics[metric].name;
    size_t most = 0; /* rows that could be needed: all classes of all members, and headings */
    for (size_t i = 0; i < n_members; i++)
        most += classes_of(b, &b->blocks[members[i]], NULL);
    radz_strlist classes = {0};
    for (size_t i = 0; i < n_members; i++) {
        const radz_block_rows *rows = &b->blocks[members[i]];
        for (size_t j = 0; j < rows->n; j++)
            if (!radz_is_mean(rows->rows[j]->class_name) && strcmp(rows->rows[j]->metric, auc) == 0)
                add_note(b, &classes, rows->rows[j]->class_name);
    }
    radz_table *t = most == 0 ? NULL : new_table(b, section, 2 + n_members, 2, most + results->n_groups + 1);
    if (t == NULL || b->st != RADZ_OK) {
        radz_strlist_free(&classes);
        return;
    }
    const char *title = radz_metrics[metric].title, *suffix = metric == RADZ_METRIC_AUC ? "" : TEXT(b, "-%s", figure);
    t->id = TEXT(b, "%s-%s-classes%s", id_part(b, first->dataset), id_part(b, first->split), suffix);
    t->caption = TEXT(b, "%s: %s of each class", first->dataset_title, title);
    t->heads[0] = TEXT(b, "%s of the class", title);
    t->heads[1] = "positives";
    for (size_t i = 0; i < n_members; i++)
        t->heads[2 + i] = pair_name(b, b->blocks[members[i]].block, names);
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
                t->cells[t->rows * t->columns].text = group == NULL ? "other classes" : TEXT(b, "%s", group->name);
                t->styles[t->rows++] = RADZ_ROW_HEADING;
                headed = true;
            }
            radz_cell *cells = t->cells + t->rows * t->columns;
            cells[0].text = TEXT(b, "%s", classes.items[i]);
            for (size_t m = 0; m < n_members; m++) {
                const radz_result_row *row = radz_block_row(&b->blocks[members[m]], classes.items[i], figure);
                char count[32];
                if (row == NULL)
                    continue;
                radz_count_text(row->n_pos, count);
                if (cells[1].text[0] == '\0')
                    cells[1].text = TEXT(b, "%s", count);
                cells[2 + m].text = number_text(b, row, true);
                if (isnan(row->value))
                    add_note(b, &section->notes, TEXT(b, "%s: NA, %s", row->class_name, class_reason(row)));
            }
            t->styles[t->rows++] = grouped ? RADZ_ROW_PART : RADZ_ROW_PLAIN;
        }
    }
    radz_strlist_free(&classes);
    measure_columns(b, t);
}

/* The figures of one block, class by class: what a single score file is evaluated for. */
static void build_details(builder *b, radz_section *section, const radz_block_rows *rows)
{
    static const struct {
        const char *metric, *title;
        bool interval;
    } columns[] = {{"auc", "AUC", true},   {"auc_delong", "DeLong", true}, {"ap", "AP", false},
                   {"auprc", "AUPRC", true}, {"f1", "F1", true},           {"acc", "ACC", true},
                   {"mcc", "MCC", true},   {"threshold", "threshold", false}};
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    bool there[COLUMNS] = {false};
    size_t used = 0, classes = 0;
    bool chosen = radz_chosen_on_test(rows), exact = false;
    for (size_t i = 0; i < rows->n; i++) {
        classes += !radz_is_mean(rows->rows[i]->class_name) && same_text(rows->rows[i]->metric, columns[0].metric);
        exact = exact || same_text(rows->rows[i]->metric, columns[1].metric);
        for (size_t c = 0; c < COLUMNS; c++)
            there[c] = there[c] || same_text(rows->rows[i]->metric, columns[c].metric);
    }
    for (size_t c = 0; c < COLUMNS; c++)
        used += there[c];
    radz_table *t = classes == 0 ? NULL : new_table(b, section, 2 + used, 1, classes);
    if (t == NULL || b->st != RADZ_OK)
        return;
    const radz_result_block *block = rows->block;
    t->id = TEXT(b, "%s-%s-details", id_part(b, block->dataset), id_part(b, block->split));
    t->caption = TEXT(b, "%s: %s, class by class", block->dataset_title, block->model);
    t->heads[0] = "class";
    t->heads[1] = "positives";
    for (size_t c = 0, at = 2; c < COLUMNS; c++)
        if (there[c])
            t->heads[at++] = TEXT(b, "%s%s", columns[c].title, chosen && c >= 4 ? "*" : "");
    for (size_t i = 0; i < rows->n && b->st == RADZ_OK; i++) {
        const radz_result_row *row = rows->rows[i];
        if (radz_is_mean(row->class_name) || !same_text(row->metric, columns[0].metric))
            continue;
        radz_cell *cells = t->cells + t->rows * t->columns;
        char count[32];
        radz_count_text(row->n_pos, count);
        cells[0].text = TEXT(b, "%s", row->class_name);
        cells[1].text = TEXT(b, "%s", count);
        for (size_t c = 0, at = 2; c < COLUMNS; c++) {
            if (!there[c])
                continue;
            const radz_result_row *cell = radz_block_row(rows, row->class_name, columns[c].metric);
            if (c == 1 && cell != NULL) /* the AUC stands beside it already */
                cells[at++].text = isnan(cell->ci_low) ? "" : TEXT(b, "[%.3f, %.3f]", cell->ci_low, cell->ci_high);
            else if (c + 1 == COLUMNS && cell != NULL)
                cells[at++].text = isnan(cell->value) ? "NA" : TEXT(b, "%.4g", cell->value);
            else
                cells[at++].text = number_text(b, cell, columns[c].interval && (c < 4 || !exact));
        }
        if (isnan(row->value))
            add_note(b, &section->notes, TEXT(b, "%s: NA, %s", row->class_name, class_reason(row)));
        t->styles[t->rows++] = RADZ_ROW_PLAIN;
    }
    measure_columns(b, t);
}

/* The row of an ablation for the same factor and value as row `like` of `of`, of the mean or class `class_name`. */
static const radz_result_detail *same_row(const radz_result_detail *d, const radz_result_detail *of, size_t like,
                                          const char *class_name, size_t *row)
{
    for (*row = 0; d != NULL && *row < d->n_rows; ++*row) {
        double at = radz_detail_number(d, *row, "at"), wanted = radz_detail_number(of, like, "at");
        if (same_text(radz_detail_text(d, *row, "factor"), radz_detail_text(of, like, "factor")) &&
            same_text(radz_detail_text(d, *row, "at"), radz_detail_text(of, like, "at")) &&
            (at == wanted || (isnan(at) && isnan(wanted))) && same_text(radz_detail_text(d, *row, "class"), class_name))
            return d;
    }
    return NULL;
}

/* Trainings that differ in one thing each: mean AUC over the values of each factor, for every block that has the detail. */
static void build_ablation(builder *b, radz_section *section, const radz_result_block *first, const size_t *members,
                           size_t n_members, block_names names)
{
    const radz_results *results = b->results;
    const radz_result_detail *one = NULL;
    size_t *having = room(b, n_members, sizeof *having), n = 0, n_means = 1, rows = 0;
    const char **means = room(b, results->n_groups + 1, sizeof *means);
    if (b->st != RADZ_OK)
        return;
    for (size_t m = 0; m < n_members; m++) {
        const radz_result_detail *d = radz_detail_of(results, members[m], "ablation");
        if (d != NULL && d->n_rows > 0) {
            having[n++] = members[m];
            one = one == NULL ? d : one;
        }
    }
    if (one == NULL)
        return;
    means[0] = "macro";
    for (size_t r = 0; r < one->n_rows; r++) { /* the means over groups that the first value has, and how many rows there are */
        const char *class_name = radz_detail_text(one, r, "class");
        size_t known, at;
        for (known = 0; known < n_means && !same_text(means[known], class_name); known++)
            ;
        if (known == n_means && radz_is_mean(class_name) && n_means <= results->n_groups &&
            same_row(one, one, 0, class_name, &at) != NULL)
            means[n_means++] = class_name;
        rows += same_text(class_name, "macro");
    }
    radz_table *t = new_table(b, section, 1 + n * n_means, 1, 2 * rows);
    if (b->st != RADZ_OK)
        return;
    t->id = TEXT(b, "%s-%s-ablation", id_part(b, first->dataset), id_part(b, first->split));
    t->caption = TEXT(b, "%s: %s, one thing changed at a time; mean AUC [%g %% CI]", first->dataset_title,
                      results->blocks[having[0]].model, 100 * first->confidence);
    t->heads[0] = "factor";
    for (size_t m = 0; m < n; m++) {
        const radz_result_block *block = &results->blocks[having[m]];
        const char *protocol = names.protocols ? TEXT(b, " / %s", block->protocol) : "";
        for (size_t k = 0; k < n_means; k++)
            t->heads[1 + m * n_means + k] = k == 0 ? TEXT(b, "%s%s", block->scorer, protocol)
                                                   : TEXT(b, "%s", strchr(means[k], ':') != NULL ? strchr(means[k], ':') + 1 : means[k]);
    }
    const char *factor = NULL;
    for (size_t r = 0; r < one->n_rows && b->st == RADZ_OK; r++) {
        if (!same_text(radz_detail_text(one, r, "class"), "macro"))
            continue;
        if (factor == NULL || !same_text(factor, radz_detail_text(one, r, "factor"))) {
            factor = radz_detail_text(one, r, "factor");
            t->cells[t->rows * t->columns].text = TEXT(b, "%s", factor);
            t->styles[t->rows++] = RADZ_ROW_HEADING;
        }
        radz_cell *cells = t->cells + t->rows * t->columns;
        double at = radz_detail_number(one, r, "at");
        cells[0].text = isnan(at) ? TEXT(b, "%s", radz_detail_text(one, r, "at")) : TEXT(b, "%g", at);
        for (size_t c = 1; c < t->columns; c++) {
            size_t row;
            const radz_result_detail *d = same_row(radz_detail_of(results, having[(c - 1) / n_means], "ablation"), one, r,
                                                   means[(c - 1) % n_means], &row);
            if (d == NULL)
                continue;
            double auc = radz_detail_number(d, row, "auc"), low = radz_detail_number(d, row, "ci_low");
            bool interval = (c - 1) % n_means == 0 && !isnan(low);
            cells[c].text = isnan(auc)  ? "NA"
                            : interval ? TEXT(b, "%.3f [%.3f, %.3f]", auc, low, radz_detail_number(d, row, "ci_high"))
                                       : TEXT(b, "%.3f", auc);
        }
        t->styles[t->rows++] = RADZ_ROW_PART;
    }
    measure_columns(b, t);
}

/* "0.031", "<0.001" */
static const char *p_text(builder *b, double p)
{
    return isnan(p) ? "" : p < 0.001 ? "<0.001" : TEXT(b, "%.3f", p);
}

/* Two models on the same images: differences of the AUCs. */
static void build_pairs(builder *b, radz_section *section, const radz_result_block *first)
{
    const radz_results *results = b->results;
    const char *auc = radz_metrics[RADZ_METRIC_AUC].name;
    size_t n = 0;
    for (size_t i = 0; i < results->n_pairs; i++)
        n += same_text(results->pairs[i].dataset, first->dataset) && same_text(results->pairs[i].split, first->split) &&
             same_text(results->pairs[i].metric, auc);
    radz_table *t = n == 0 ? NULL : new_table(b, section, 8, 1, 2 * n);
    if (t == NULL || b->st != RADZ_OK)
        return;
    t->id = TEXT(b, "%s-%s-pairs", id_part(b, first->dataset), id_part(b, first->split));
    t->caption = TEXT(b, "%s: differences of AUC on the same images", first->dataset_title);
    t->heads[0] = "difference of AUC";
    t->heads[1] = "first";
    t->heads[2] = "second";
    t->heads[3] = TEXT(b, "first - second [%g %% CI]", 100 * first->confidence);
    t->heads[4] = "p (DeLong)";
    t->heads[5] = "Holm";
    t->heads[6] = "BH";
    t->heads[7] = "permutation";
    const radz_result_pair *before = NULL;
    for (size_t i = 0; i < results->n_pairs && b->st == RADZ_OK; i++) {
        const radz_result_pair *p = &results->pairs[i];
        if (!same_text(p->dataset, first->dataset) || !same_text(p->split, first->split) || !same_text(p->metric, auc))
            continue;
        if (before == NULL || !same_text(before->a, p->a) || !same_text(before->b, p->b)) {
            t->cells[t->rows * t->columns].text = TEXT(b, "%s - %s", p->a, p->b);
            t->styles[t->rows++] = RADZ_ROW_HEADING;
        }
        before = p;
        radz_cell *cells = t->cells + t->rows * t->columns;
        cells[0].text = TEXT(b, "%s", p->class_name);
        cells[1].text = isnan(p->value_a) ? "NA" : TEXT(b, "%.3f", p->value_a);
        cells[2].text = isnan(p->value_b) ? "NA" : TEXT(b, "%.3f", p->value_b);
        cells[3].text = isnan(p->difference) ? "NA"
                        : isnan(p->ci_low)   ? TEXT(b, "%+.3f", p->difference)
                                             : TEXT(b, "%+.3f [%+.3f, %+.3f]", p->difference, p->ci_low, p->ci_high);
        const double tests[] = {p->p, p->p_holm, p->p_bh, p->p_permutation};
        for (size_t k = 0; k < sizeof tests / sizeof *tests; k++)
            cells[4 + k].text = p_text(b, tests[k]);
        t->styles[t->rows++] = RADZ_ROW_PART;
    }
    add_note(b, &section->notes, "differences: both models on the same patient replicates; p: DeLong's paired test over patients, "
                                 "two-sided, each class by itself; Holm, BH: the same adjusted for the number of classes (chance of "
                                 "any false finding; share of false ones among the findings); permutation: the models exchanged "
                                 "within patients");
    measure_columns(b, t);
}

static bool of_studies(const radz_result_block *block)
{
    return block->level != NULL && strcmp(block->level, "study") == 0;
}

static const char *units_name(const radz_result_block *block, uint64_t n)
{
    if (of_studies(block))
        return n == 1 ? "study" : "studies";
    bool asks = block->level != NULL && strcmp(block->level, "question") == 0;
    return asks ? (n == 1 ? "question" : "questions") : n == 1 ? "image" : "images";
}

static void block_notes(builder *b, radz_section *section, const radz_result_block *first, const radz_result_block *block,
                        bool several)
{
    char n[32], all[32];
    radz_count_text(block->n, n);
    radz_strlist *notes = &section->notes;
    if (block->synthetic)
        add_note(b, notes, "SYNTHETIC images: they show no patients, these figures prove nothing clinical");
    if (block->subset) {
        radz_count_text(block->n_before_limit, all);
        add_note(b, notes, block->n_before_limit > 0
                 ? TEXT(b, "SUBSET: %s of the %s %s of split %s, these are not the figures of the split", n, all,
                        units_name(block, block->n_before_limit), block->split)
                 : TEXT(b, "SUBSET: %s images of split %s were asked for, these are not the figures of the split", n,
                        block->split));
    }
    if (block->n_card_classes > 0)
        add_note(b, notes, TEXT(b, "SUBSET OF CLASSES: %" PRIu64 " of %" PRIu64 ": macro means are over these", block->n_classes,
                                block->n_card_classes));
    if (block->aggregate != NULL)
        add_note(b, notes, TEXT(b, "scored per study: the %s of the scores of its images", block->aggregate));
    if (block->n_missing > 0) {
        radz_count_text(block->n_missing, all);
        add_note(b, notes, TEXT(b, "%s images of the split have no file here and are left out", all));
    }
    if (block->n_skipped > 0)
        add_note(b, notes, TEXT(b, "%s: %" PRIu64 " images could not be read and are left out", block->model,
                                block->n_skipped));
    if (block->n != first->n)
        add_note(b, notes, TEXT(b, "%s / %s: %s images", block->model, block->scorer, n));
    if (block->replicates > 0) {
        radz_count_text(block->replicates, n);
        radz_count_text(block->distinct_replicates, all);
        bool images = block->resampled != NULL && same_text(block->resampled, "images");
        const char *of = several ? TEXT(b, "%s: ", block->protocol) : "";
        const char *distinct = "";
        if (block->distinct_replicates < block->replicates)
            distinct = TEXT(b, " (only %s of them distinct)", all);
        add_note(b, notes, TEXT(b, "%sintervals: %g %%, %s of %s bootstrap replicates over %s%s", of, 100 * block->confidence,
                                block->bca ? "BCa" : "percentiles", n, images ? "images" : "patients", distinct));
    }
    for (size_t i = 0; i < block->n_notes; i++)
        add_note(b, notes, several ? TEXT(b, "%s: %s", block->protocol, block->notes[i]) : block->notes[i]);
    if (block->hard) {
        radz_count_text(block->n_answers, n);
        radz_count_text(block->n_unknown, all);
        add_note(b, notes, TEXT(b, "%s / %s: AUC of hard answers (yes 1, no 0, unknown between): (TPR + TNR) / 2 where none is "
                                "unknown; unknown: %s of %s", block->model, block->scorer, all, n));
        radz_count_text(block->n_judged, n);
        radz_count_text(block->n_right, all);
        if (block->n_judged > 0)
            add_note(b, notes, TEXT(b, "%s / %s: right answers, unknown counted as wrong: %s of %s (%.1f %%)", block->model,
                                    block->scorer, all, n, 100.0 * (double)block->n_right / (double)block->n_judged));
    }
    if (block->trained_on != NULL)
        add_note(b, notes, TEXT(b, "%s was trained on: %s", block->model, block->trained_on));
}

static void mean_notes(builder *b, radz_section *section, const radz_block_rows *rows, block_names names)
{
    const radz_result_row *macro = radz_block_row(rows, "macro", radz_metrics[RADZ_METRIC_AUC].name);
    size_t classes = classes_of(b, rows, NULL);
    if (macro != NULL && isnan(macro->value))
        add_note(b, &section->notes, TEXT(b, "%s: mean NA, %s", pair_name(b, rows->block, names),
                                          radz_status_words(macro->status)));
    else if (macro != NULL && macro->n_pos < classes)
        add_note(b, &section->notes, TEXT(b, "means are over the %" PRIu64 " of %zu classes that have a value",
                                          macro->n_pos, classes));
}

/* How far the mean AUC moves with choices that are not the model's, as the detail table has it. */
static void sensitivity_note(builder *b, radz_section *section, size_t block, block_names names)
{
    const radz_result_detail *d = radz_detail_of(b->results, block, "sensitivity");
    size_t least = SIZE_MAX, most = SIZE_MAX; /* rows */
    for (size_t r = 0; d != NULL && r < d->n_rows; r++) {
        double moved = radz_detail_number(d, r, "moved");
        if (strcmp(radz_detail_text(d, r, "class"), "macro") != 0 || isnan(moved))
            continue;
        least = least == SIZE_MAX || moved < radz_detail_number(d, least, "moved") ? r : least;
        most = most == SIZE_MAX || moved > radz_detail_number(d, most, "moved") ? r : most;
    }
    if (least == SIZE_MAX)
        return;
    add_note(b, &section->notes, TEXT(b, "%s: mean AUC moves by %+.3f (%s: %s) to %+.3f (%s: %s) with other wordings, anchors, softmax or "
                                      "class lists", pair_name(b, &b->results->blocks[block], names),
                                      radz_detail_number(d, least, "moved"), radz_detail_text(d, least, "varied"),
                                      radz_detail_text(d, least, "variant"), radz_detail_number(d, most, "moved"),
                                      radz_detail_text(d, most, "varied"), radz_detail_text(d, most, "variant")));
}

/* What the check found, as far as it concerns the figures of this section; missing images have a note of their own. */
static void finding_notes(builder *b, radz_section *section, const radz_result_block *first)
{
    for (size_t i = 0; i < b->results->n_findings; i++) {
        const radz_result_finding *f = &b->results->findings[i];
        if (strcmp(f->dataset, first->dataset) != 0 || strcmp(f->severity, "info") == 0 ||
            strcmp(f->code, "missing-images") == 0 || (f->split != NULL && strcmp(f->split, first->split) != 0))
            continue;
        size_t length = strlen(f->effect);
        length -= length > 0 && f->effect[length - 1] == '.';
        add_note(b, &section->notes, length > 0 ? TEXT(b, "check, %s: %s (%.*s)", f->severity, f->what, (int)length, f->effect)
                                                : TEXT(b, "check, %s: %s", f->severity, f->what));
    }
}

static const char *protocol_list(builder *b, const size_t *members, size_t n)
{
    const char *list = "";
    for (size_t i = 0; i < n; i++) {
        const radz_result_block *block = &b->results->blocks[members[i]];
        bool is_new = true;
        for (size_t j = 0; j < i; j++)
            is_new = is_new && !same_text(b->results->blocks[members[j]].protocol, block->protocol);
        if (is_new)
            list = TEXT(b, "%s%s%s", list, i > 0 ? ", " : "", block->protocol);
    }
    return list;
}

enum { MOST_TABLES = 7 /* of a section: summary, costs, three figures by class or the details, ablation, pairs */ };

static void build_section(builder *b, const radz_result_block *first)
{
    const radz_results *results = b->results;
    radz_section *section = &b->doc->sections[b->doc->n_sections++];
    size_t *members = room(b, results->n_blocks, sizeof *members), n = 0;
    section->tables = room(b, MOST_TABLES, sizeof *section->tables);
    if (b->st != RADZ_OK)
        return;
    for (size_t i = 0; i < results->n_blocks; i++)
        if (radz_same_section(&results->blocks[i], first))
            members[n++] = i;
    char images[32], patients[32];
    radz_count_text(first->n, images);
    radz_count_text(first->n_patients, patients);
    section->title = strcmp(first->dataset, first->dataset_title) == 0
                         ? TEXT(b, "%s", first->dataset)
                         : TEXT(b, "%s: %s", first->dataset, first->dataset_title);
    block_names names = names_needed(results, members, n);
    section->subtitle = TEXT(b, "%s%ssplit %s: %s %s of %s patients%s%s%s; protocol%s %s", names.models ? "" : first->model,
                             names.models ? "" : ", ", first->split, images,
                             units_name(first, first->n), patients,
                             first->n_card_classes > 0 ? ", SUBSET OF CLASSES" : "",
                             first->subset ? ", SUBSET" : "", first->synthetic ? ", SYNTHETIC" : "",
                             names.protocols ? "s" : "", names.protocols ? protocol_list(b, members, n) : first->protocol);
    build_summary(b, section, first, members, n);
    build_costs(b, section, first, members, n);
    if (n == 1 && same_text(first->scorer, RADZ_SCORER_FILE)) {
        build_details(b, section, &b->blocks[members[0]]);
    } else {
        build_classes(b, section, first, RADZ_METRIC_AUC, members, n, names);
        for (int acc = 0; names.protocols && acc < 2; acc++) {
            radz_metric_id metric = acc ? RADZ_METRIC_ACC : RADZ_METRIC_F1;
            size_t *having = room(b, n, sizeof *having), n_having = 0;
            for (size_t i = 0; b->st == RADZ_OK && i < n; i++)
                if (radz_block_row(&b->blocks[members[i]], "macro", radz_metrics[metric].name) != NULL)
                    having[n_having++] = members[i];
            if (b->st == RADZ_OK && n_having > 0)
                build_classes(b, section, first, metric, having, n_having, names);
        }
    }
    build_ablation(b, section, first, members, n, names);
    build_pairs(b, section, first);
    for (size_t i = 0; i < n; i++)
        mean_notes(b, section, &b->blocks[members[i]], names);
    for (size_t i = 0; i < n; i++)
        sensitivity_note(b, section, members[i], names);
    for (size_t i = 0; i < n; i++)
        block_notes(b, section, first, &results->blocks[members[i]], names.protocols);
    finding_notes(b, section, first);
}

/* ---- the same findings in several data sets ---- */

static const radz_result_block *block_of(const builder *b, const char *dataset, const radz_result_block *pair, size_t *at)
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
static size_t sets_of_term(const builder *b, const char *term)
{
    size_t n = 0, at;
    for (size_t i = 0; i < b->results->n_terms; i++)
        n += strcmp(b->results->terms[i].term, term) == 0 && block_of(b, b->results->terms[i].dataset, NULL, &at) != NULL;
    return n;
}

enum { LONGEST_CLASS = 28 /* characters; the finding's name stands above */ };

static void across_row(builder *b, radz_table *t, const radz_result_term *term, const size_t *pairs, size_t n_pairs)
{
    radz_cell *cells = t->cells + t->rows * t->columns;
    bool fits = radz_text_width(term->class_name) <= LONGEST_CLASS;
    cells[0].text = TEXT(b, "%s%s%s", term->dataset, fits ? ": " : "", fits ? term->class_name : "");
    for (size_t p = 0; p < n_pairs; p++) {
        size_t at;
        const radz_result_row *row = NULL;
        if (block_of(b, term->dataset, &b->results->blocks[pairs[p]], &at) != NULL)
            row = radz_block_row(&b->blocks[at], term->class_name, radz_metrics[RADZ_METRIC_AUC].name);
        cells[2 + p].text = number_text(b, row, true);
        if (row != NULL && cells[1].text[0] == '\0') {
            char count[32];
            radz_count_text(row->n_pos, count);
            cells[1].text = TEXT(b, "%s", count);
        }
    }
    t->styles[t->rows++] = RADZ_ROW_PART;
}

/* One heading per finding that more than one data set has, below it a row for each of them. */
static void build_across(builder *b)
{
    const radz_results *results = b->results;
    size_t shared = 0, n_pairs = 0, *pairs = room(b, results->n_blocks, sizeof *pairs);
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
    section->tables = room(b, 1, sizeof *section->tables);
    radz_table *t = b->st == RADZ_OK ? new_table(b, section, 2 + n_pairs, 2, 2 * shared) : NULL;
    if (t == NULL)
        return;
    t->id = "across-data-sets";
    t->caption = "AUC of findings that several data sets have";
    t->heads[0] = "finding / data set";
    t->heads[1] = "positives";
    for (size_t p = 0; p < n_pairs; p++)
        t->heads[2 + p] = pair_name(b, &results->blocks[pairs[p]], (block_names){.models = true, .scorers = true});
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
    measure_columns(b, t);
    b->doc->n_all++;
}

static void skip_notes(builder *b)
{
    enum { SHOWN = 5 };
    const radz_results *results = b->results;
    for (size_t i = 0; i < results->n_skips && i < SHOWN; i++) {
        const radz_result_skip *s = &results->skips[i];
        add_note(b, &b->doc->notes, TEXT(b, "skipped %s of %s: %s", s->image, s->dataset, s->reason));
    }
    if (results->n_skips > SHOWN)
        add_note(b, &b->doc->notes, TEXT(b, "... and %zu more skipped images: see results.json", results->n_skips - SHOWN));
}

radz_status radz_document_build(const radz_results *results, radz_document *out, radz_error *err)
{
    builder b = {results, out, NULL, RADZ_OK, err};
    b.blocks = radz_calloc(results->n_blocks, sizeof *b.blocks, err);
    if (b.blocks == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < results->n_blocks && b.st == RADZ_OK; i++)
        b.st = radz_block_rows_get(results, &results->blocks[i], &b.blocks[i], err);
    out->sections = room(&b, results->n_blocks + 1, sizeof *out->sections);
    out->title = TEXT(&b, "%s", results->suite_title);
    out->subtitle = TEXT(&b, "suite %s, run %s", results->suite, results->run_id);
    for (size_t i = 0; i < results->n_blocks && b.st == RADZ_OK; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            first = first && !radz_same_section(&results->blocks[i], &results->blocks[j]);
        if (first)
            build_section(&b, &results->blocks[i]);
    }
    for (size_t i = 0; i < results->n_notes; i++)
        add_note(&b, &out->notes, results->notes[i]);
    out->n_all = out->n_sections;
    build_across(&b);
    skip_notes(&b);
    for (size_t i = 0; i < results->n_absent; i++)
        add_note(&b, &out->absent, TEXT(&b, "%s: %s", results->absent[i].dataset, results->absent[i].hint));
    for (size_t i = 0; i < results->n_blocks; i++)
        radz_block_rows_free(&b.blocks[i]);
    free(b.blocks);
    return b.st;
}

void radz_document_free(radz_document *document)
{
    for (size_t i = 0; i < document->n_all; i++)
        radz_strlist_free(&document->sections[i].notes);
    radz_strlist_free(&document->notes);
    radz_strlist_free(&document->absent);
    radz_arena_free(&document->arena);
    *document = (radz_document){0};
}
