#include "report/table_parts.h"

#include <math.h>
#include <string.h>

#include "metric/metric.h"
#include "report/escape.h"

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

void *radz_layout_room(radz_layout *b, size_t count, size_t size)
{
    void *memory = b->st == RADZ_OK ? radz_arena_alloc(&b->doc->arena, count, size, b->err) : NULL;
    if (memory == NULL)
        b->st = RADZ_E_NOMEM;
    return memory;
}

const char *radz_layout_text(radz_layout *b, const char *text)
{
    if (text == NULL && b->st == RADZ_OK)
        b->st = RADZ_E_NOMEM;
    return text == NULL ? "" : text;
}

void radz_layout_note(radz_layout *b, radz_strlist *notes, const char *text)
{
    if (b->st == RADZ_OK && !radz_strlist_has(notes, text))
        b->st = radz_strlist_add(notes, text, b->err);
}

const char *radz_layout_number(radz_layout *b, const radz_result_row *row, bool with_interval)
{
    if (row == NULL)
        return "";
    if (isnan(row->value))
        return "NA";
    if (with_interval && !isnan(row->ci_low) && !isnan(row->ci_high))
        return RADZ_TEXT(b, "%.3f [%.3f, %.3f]", row->value, row->ci_low, row->ci_high);
    return RADZ_TEXT(b, "%.3f", row->value);
}

radz_block_names radz_block_names_needed(const radz_results *results, const size_t *members, size_t n)
{
    radz_block_names names = {false, false, false};
    for (size_t i = 1; i < n; i++) {
        const radz_result_block *x = &results->blocks[members[0]], *y = &results->blocks[members[i]];
        names.models = names.models || !radz_same_text(x->model, y->model);
        names.protocols = names.protocols || !radz_same_text(x->protocol, y->protocol);
        names.scorers = names.scorers || !radz_same_text(x->scorer, y->scorer);
    }
    /* scores of a file come from no scorer of ours */
    names.scorers = names.scorers || (n > 0 && !radz_same_text(results->blocks[members[0]].scorer, RADZ_SCORER_FILE));
    names.models = names.models || names.scorers || !names.protocols;
    return names;
}

const char *radz_pair_name(radz_layout *b, const radz_result_block *block, radz_block_names names)
{
    return RADZ_TEXT(b, "%s%s%s%s%s", names.models ? block->model : "", names.scorers ? " / " : "",
                     names.scorers ? block->scorer : "", names.models && names.protocols ? " / " : "",
                     names.protocols ? block->protocol : "");
}

radz_table *radz_layout_table(radz_layout *b, radz_section *section, size_t columns, size_t fixed, size_t rows)
{
    radz_table *t = &section->tables[section->n_tables];
    *t = (radz_table){.columns = columns, .fixed = fixed, .id = "", .caption = ""};
    t->heads = radz_layout_room(b, columns, sizeof *t->heads);
    bool *right = radz_layout_room(b, columns, sizeof *right);
    t->styles = radz_layout_room(b, rows, sizeof *t->styles);
    t->cells = radz_layout_room(b, rows * columns, sizeof *t->cells);
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

static const char *id_part(radz_layout *b, const char *text)
{
    char *copy = radz_layout_room(b, strlen(text) + 1, 1);
    for (size_t i = 0; copy != NULL && text[i] != '\0'; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        copy[i] = plain ? c : '-';
    }
    return radz_layout_text(b, copy);
}

const char *radz_layout_id(radz_layout *b, const radz_result_block *block, const char *what)
{
    return RADZ_TEXT(b, "%s-%s-%s", id_part(b, block->dataset), id_part(b, block->split), what);
}

size_t radz_count_classes(const radz_layout *b, const radz_block_rows *rows, const radz_result_group *group)
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

void radz_layout_measure(radz_layout *b, radz_table *t)
{
    t->widths = radz_layout_room(b, t->columns, sizeof *t->widths);
    for (size_t c = 0; c < t->columns && b->st == RADZ_OK; c++) {
        t->widths[c] = radz_text_width(t->heads[c]);
        for (size_t r = 0; r < t->rows; r++) {
            size_t w = radz_text_width(t->cells[r * t->columns + c].text) + (c == 0 ? radz_row_indent(t->styles[r]) : 0);
            if (t->styles[r] != RADZ_ROW_HEADING && w > t->widths[c])
                t->widths[c] = w;
        }
        t->widths[c] = t->widths[c] > RADZ_WIDEST_CELL ? RADZ_WIDEST_CELL : t->widths[c];
    }
}
