#include "report/detail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/escape.h"
#include "report/print.h"
#include "report/results_parse.h"

void radz_details_free(radz_results *results)
{
    for (size_t i = 0; i < results->n_details; i++)
        free(results->details[i].cells);
    free(results->details);
}

radz_status radz_results_add_detail(radz_results *results, const char *name, const char *const *columns, size_t n_columns,
                                    radz_error *err)
{
    if (results->n_blocks == 0)
        return radz_fail(err, RADZ_E_INTERNAL, "detail '%s' before any block", name);
    if (name[0] == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(name))
        return radz_fail(err, RADZ_E_VALUE, "detail '%.80s': wanted a name of letters, digits and '_'", name);
    if (n_columns == 0)
        return radz_fail(err, RADZ_E_VALUE, "detail '%s' has no columns", name);
    const radz_result_detail *same = NULL;
    for (size_t i = 0; i < results->n_details && same == NULL; i++)
        if (strcmp(results->details[i].name, name) == 0)
            same = &results->details[i];
    bool alike = same == NULL || same->n_columns == n_columns;
    for (size_t c = 0; same != NULL && alike && c < n_columns; c++)
        alike = strcmp(same->columns[c], columns[c]) == 0;
    if (!alike)
        return radz_fail(err, RADZ_E_VALUE, "detail '%s' has other columns than the one before it", name);
    radz_result_detail detail = {.name = name, .block = results->n_blocks - 1, .n_columns = n_columns};
    if (same != NULL) {
        detail.name = same->name;
        detail.columns = same->columns;
    } else {
        const char **kept = radz_arena_alloc(&results->arena, n_columns, sizeof *kept, err);
        if (kept == NULL || radz_results_keep(results, &detail.name, err) != RADZ_OK)
            return RADZ_E_NOMEM;
        for (size_t c = 0; c < n_columns; c++) {
            kept[c] = columns[c];
            if (radz_results_keep(results, &kept[c], err) != RADZ_OK)
                return RADZ_E_NOMEM;
        }
        detail.columns = kept;
    }
    radz_status st =
        radz_grow(&results->details, &results->details_capacity, results->n_details + 1, sizeof *results->details, err);
    if (st == RADZ_OK)
        results->details[results->n_details++] = detail;
    return st;
}

radz_status radz_results_add_detail_row(radz_results *results, const radz_result_cell *cells, radz_error *err)
{
    if (results->n_details == 0)
        return radz_fail(err, RADZ_E_INTERNAL, "a detail row before any detail");
    radz_result_detail *d = &results->details[results->n_details - 1];
    radz_status st = radz_grow(&d->cells, &d->cells_capacity, (d->n_rows + 1) * d->n_columns, sizeof *d->cells, err);
    for (size_t c = 0; st == RADZ_OK && c < d->n_columns; c++) {
        radz_result_cell cell = cells[c];
        const radz_result_cell *above = d->n_rows > 0 ? &d->cells[(d->n_rows - 1) * d->n_columns + c] : NULL;
        if (cell.text != NULL && above != NULL && above->text != NULL && strcmp(above->text, cell.text) == 0)
            cell.text = above->text;
        else
            st = radz_results_keep(results, &cell.text, err);
        d->cells[d->n_rows * d->n_columns + c] = cell;
    }
    d->n_rows += st == RADZ_OK;
    return st;
}

/* ---- results.json ---- */

static void put_cell_json(radz_json_writer *w, const radz_result_cell *cell)
{
    if (cell->text != NULL)
        radz_json_put_string(w, NULL, cell->text);
    else if (isinf(cell->number))
        radz_json_put_string(w, NULL, cell->number > 0 ? "inf" : "-inf");
    else
        radz_json_put_double(w, NULL, cell->number);
}

void radz_details_put_json(radz_json_writer *w, const radz_results *results)
{
    radz_json_array_begin(w, "details");
    for (size_t i = 0; i < results->n_details; i++) {
        const radz_result_detail *d = &results->details[i];
        radz_json_object_begin(w, NULL);
        radz_json_put_string(w, "name", d->name);
        radz_json_put_i64(w, "block", (int64_t)d->block);
        radz_json_array_begin_inline(w, "columns");
        for (size_t c = 0; c < d->n_columns; c++)
            radz_json_put_string(w, NULL, d->columns[c]);
        radz_json_array_end(w);
        radz_json_array_begin(w, "rows");
        for (size_t r = 0; r < d->n_rows; r++) {
            radz_json_array_begin_inline(w, NULL);
            for (size_t c = 0; c < d->n_columns; c++)
                put_cell_json(w, &d->cells[r * d->n_columns + c]);
            radz_json_array_end(w);
        }
        radz_json_array_end(w);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
}

static radz_status read_cell(const radz_json_doc *doc, const radz_json *value, radz_result_cell *cell, radz_error *err)
{
    *cell = (radz_result_cell){NULL, NAN};
    switch (radz_json_kind_of(value)) {
    case RADZ_JSON_NULL:
        return RADZ_OK;
    case RADZ_JSON_INTEGER:
    case RADZ_JSON_REAL:
        (void)radz_json_as_double(value, &cell->number);
        return RADZ_OK;
    case RADZ_JSON_STRING:
        cell->text = radz_json_string(value);
        if (strlen(cell->text) != radz_json_string_length(value))
            return radz_fail(err, RADZ_E_FORMAT, "%s: a NUL character in a cell", radz_json_doc_name(doc));
        if (strcmp(cell->text, "inf") == 0 || strcmp(cell->text, "-inf") == 0)
            *cell = (radz_result_cell){NULL, cell->text[0] == '-' ? -INFINITY : INFINITY};
        return RADZ_OK;
    default:
        return radz_fail(err, RADZ_E_FORMAT, "%s: wanted a cell: a string, a number or null", radz_json_doc_name(doc));
    }
}

radz_status radz_details_read(const radz_json_doc *doc, const radz_json *object, radz_results *results, radz_error *err)
{
    const char *name = NULL;
    const radz_json *columns = NULL, *rows = NULL;
    int64_t block = 0;
    const char **names = NULL;
    radz_result_cell *cells = NULL;
    radz_status st = radz_json_need_string(doc, object, "name", &name, err);
    if (st == RADZ_OK)
        st = radz_json_need_array(doc, object, "columns", &columns, err);
    if (st == RADZ_OK)
        st = radz_json_need_array(doc, object, "rows", &rows, err);
    if (st == RADZ_OK && results->n_blocks == 0)
        st = radz_fail(err, RADZ_E_FORMAT, "%s: a detail without any block", radz_json_doc_name(doc));
    if (st == RADZ_OK)
        st = radz_json_need_i64(doc, object, "block", 0, (int64_t)results->n_blocks - 1, &block, err);
    if (st != RADZ_OK)
        return st;
    size_t n = radz_json_size(columns);
    names = radz_calloc(n, sizeof *names, err);
    cells = radz_calloc(n, sizeof *cells, err);
    if (names == NULL || cells == NULL)
        st = RADZ_E_NOMEM;
    for (size_t c = 0; st == RADZ_OK && c < n; c++) {
        const radz_json *value = radz_json_at(columns, c);
        names[c] = radz_json_string(value);
        if (names[c] == NULL || strlen(names[c]) != radz_json_string_length(value))
            st = radz_fail(err, RADZ_E_FORMAT, "%s: key 'columns': wanted names", radz_json_doc_name(doc));
    }
    if (st == RADZ_OK)
        st = radz_results_add_detail(results, name, names, n, err);
    if (st == RADZ_OK)
        results->details[results->n_details - 1].block = (size_t)block;
    for (size_t r = 0; st == RADZ_OK && r < radz_json_size(rows); r++) {
        const radz_json *row = radz_json_at(rows, r);
        if (radz_json_kind_of(row) != RADZ_JSON_ARRAY || radz_json_size(row) != n)
            st = radz_fail(err, RADZ_E_FORMAT, "%s: row %zu: wanted a list of %zu cells", radz_json_doc_name(doc), r + 1, n);
        for (size_t c = 0; st == RADZ_OK && c < n; c++)
            st = read_cell(doc, radz_json_at(row, c), &cells[c], err);
        if (st == RADZ_OK)
            st = radz_results_add_detail_row(results, cells, err);
    }
    free(names);
    free(cells);
    return st;
}

/* ---- CSV ---- */

static bool first_of_name(const radz_results *results, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(results->details[j].name, results->details[i].name) == 0)
            return false;
    return true;
}

static void put_csv_tables(const radz_results *results, size_t first, FILE *out)
{
    fputs("dataset,split,model,scorer,protocol", out);
    for (size_t c = 0; c < results->details[first].n_columns; c++) {
        putc(',', out);
        radz_put_csv(out, results->details[first].columns[c]);
    }
    putc('\n', out);
    for (size_t i = first; i < results->n_details; i++) {
        const radz_result_detail *d = &results->details[i];
        if (strcmp(d->name, results->details[first].name) != 0)
            continue;
        const radz_result_block *b = &results->blocks[d->block];
        const char *of[] = {b->dataset, b->split, b->model, b->scorer, b->protocol};
        for (size_t r = 0; r < d->n_rows; r++) {
            for (size_t c = 0; c < 5; c++) {
                if (c > 0)
                    putc(',', out);
                radz_put_csv(out, of[c]);
            }
            for (size_t c = 0; c < d->n_columns; c++) {
                const radz_result_cell *cell = &d->cells[r * d->n_columns + c];
                putc(',', out);
                if (cell->text != NULL)
                    radz_put_csv(out, cell->text);
                else
                    radz_put_number(out, cell->number);
            }
            putc('\n', out);
        }
    }
}

radz_status radz_details_write(const radz_results *results, const char *dir, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < results->n_details; i++) {
        if (!first_of_name(results, i))
            continue;
        radz_strbuf name = {0};
        radz_out out = {0};
        char *path = NULL;
        st = radz_strbuf_printf(&name, err, "%s.csv", results->details[i].name);
        if (st == RADZ_OK && (path = radz_path_join(dir, name.text, err)) == NULL)
            st = RADZ_E_NOMEM;
        if (st == RADZ_OK)
            st = radz_out_open(path, &out, err);
        if (st == RADZ_OK) {
            put_csv_tables(results, i, out.stream);
            st = radz_out_commit(&out, err);
        }
        free(path);
        radz_strbuf_free(&name);
    }
    return st;
}

/* ---- terminal ---- */

static void cell_text(const radz_result_cell *cell, char *text, size_t room)
{
    double x = cell->number;
    if (cell->text != NULL) {
        size_t n = 0; /* on one line */
        for (const char *p = cell->text; *p != '\0' && n + 1 < room; p++)
            text[n++] = *p == '\n' || *p == '\t' ? ' ' : *p;
        text[n] = '\0';
    } else if (isnan(x)) {
        snprintf(text, room, "-");
    } else if (x == floor(x) && fabs(x) < 1e9) {
        snprintf(text, room, "%.0f", x);
    } else if (fabs(x) < 1e-3 || fabs(x) >= 1e5) {
        snprintf(text, room, "%.2e", x);
    } else {
        snprintf(text, room, "%.4g", x);
    }
}

static void put_padded(FILE *out, const char *text, size_t width, bool right)
{
    size_t w = radz_text_width(text), pad = width > w ? width - w : 0;
    for (size_t i = 0; right && i < pad; i++)
        putc(' ', out);
    fputs(text, out);
    for (size_t i = 0; !right && i < pad; i++)
        putc(' ', out);
}

radz_status radz_print_details(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err)
{
    (void)options;
    char text[256];
    size_t shown = 0;
    for (size_t i = 0; i < results->n_details; i++) {
        const radz_result_detail *d = &results->details[i];
        const radz_result_block *b = &results->blocks[d->block];
        if (d->n_rows == 0)
            continue;
        size_t *widths = radz_calloc(d->n_columns, sizeof *widths, err);
        bool *right = radz_calloc(d->n_columns, sizeof *right, err);
        if (widths == NULL || right == NULL) {
            free(widths);
            free(right);
            return RADZ_E_NOMEM;
        }
        fprintf(out, "%s%s: %s (%s), %s / %s\n", shown++ > 0 ? "\n" : "", d->name, b->dataset, b->split, b->model, b->scorer);
        for (size_t c = 0; c < d->n_columns; c++) {
            widths[c] = radz_text_width(d->columns[c]);
            right[c] = true;
            for (size_t r = 0; r < d->n_rows; r++) {
                const radz_result_cell *cell = &d->cells[r * d->n_columns + c];
                right[c] = right[c] && cell->text == NULL;
                cell_text(cell, text, sizeof text);
                size_t w = radz_text_width(text);
                widths[c] = w > widths[c] ? w : widths[c];
            }
        }
        for (size_t r = 0; r <= d->n_rows; r++) {
            for (size_t c = 0; c < d->n_columns; c++) {
                if (r == 0)
                    snprintf(text, sizeof text, "%s", d->columns[c]);
                else
                    cell_text(&d->cells[(r - 1) * d->n_columns + c], text, sizeof text);
                fputs("  ", out);
                put_padded(out, text, !right[c] && c + 1 == d->n_columns ? 0 : widths[c], right[c]);
            }
            putc('\n', out);
        }
        free(widths);
        free(right);
    }
    if (results->n_details == 0)
        fputs("This run has no detail tables.\n", out);
    return RADZ_OK;
}
