#include "report/escape.h"
#include "report/print.h"
#include "report/tables.h"

enum { WIDEST = 88 /* characters of a row that fit a one-column page in \footnotesize */, GAP = 2 };

static void put_row_cells(FILE *out, const radz_table *t, size_t row, size_t from, size_t to)
{
    radz_row_style style = t->styles[row];
    for (size_t c = 0; c < to; c++) {
        if (c >= t->fixed && c < from)
            continue;
        const radz_cell *cell = &t->cells[row * t->columns + c];
        if (c > 0)
            fputs(" & ", out);
        if (c == 0 && style == RADZ_ROW_PART)
            fputs("\\quad ", out);
        const char *open = cell->best && cell->text[0] != '\0' ? "\\textbf{"
                           : c == 0 && style == RADZ_ROW_HEADING ? "\\emph{" : "";
        fputs(open, out);
        radz_put_latex(out, cell->text);
        fputs(open[0] == '\0' ? "" : "}", out);
    }
    fputs(" \\\\\n", out);
}

/* Columns [from, to) beside the fixed ones, as one floating table. */
static void put_part(FILE *out, const radz_table *t, size_t from, size_t to, size_t part, const radz_section *section)
{
    fputs("\\begin{table}[htbp]\n  \\centering\n  \\caption{", out);
    radz_put_latex(out, t->caption);
    fputs(" (", out);
    radz_put_latex(out, section->subtitle);
    fprintf(out, ")%s.}\n  \\label{tab:radz-%s", part > 0 ? ", continued" : "", t->id);
    if (part > 0)
        fprintf(out, "-%zu", part + 1);
    fputs("}\n  \\footnotesize\n  \\setlength{\\tabcolsep}{4pt}\n  \\begin{tabular}{", out);
    for (size_t c = 0; c < to; c++)
        if (c < t->fixed || c >= from)
            putc(t->right[c] ? 'r' : 'l', out);
    fputs("}\n    \\toprule\n    ", out);
    for (size_t c = 0; c < to; c++) {
        if (c >= t->fixed && c < from)
            continue;
        fputs(c > 0 ? " & " : "", out);
        radz_put_latex(out, t->heads[c]);
    }
    fputs(" \\\\\n    \\midrule\n", out);
    for (size_t r = 0; r < t->rows; r++) {
        if (r > 0 && t->styles[r] == RADZ_ROW_HEADING)
            fputs("    \\addlinespace\n", out);
        fputs("    ", out);
        put_row_cells(out, t, r, from, to);
    }
    fputs("    \\bottomrule\n  \\end{tabular}\n", out);
}

static void put_notes(FILE *out, const radz_strlist *notes)
{
    if (notes->count == 0)
        return;
    fputs("\n  \\smallskip\n  \\begin{minipage}{\\linewidth}\\footnotesize\n", out);
    for (size_t i = 0; i < notes->count; i++) {
        fputs("    ", out);
        radz_put_latex(out, notes->items[i]);
        fputs(i + 1 < notes->count ? ".\\\\\n" : ".\n", out);
    }
    fputs("  \\end{minipage}\n", out);
}

radz_status radz_print_latex(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err)
{
    (void)options;
    radz_document doc = {0};
    radz_status st = radz_document_build(results, &doc, err);
    if (st != RADZ_OK)
        goto done;
    fputs("% ", out);
    radz_put_latex(out, doc.title);
    fputs(", ", out);
    radz_put_latex(out, doc.subtitle);
    fputs("\n% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}; use with \\input{table}\n", out);
    for (size_t i = 0; i < doc.n_all; i++) {
        const radz_section *section = &doc.sections[i];
        for (size_t n = 0; n < section->n_tables; n++) {
            const radz_table *t = &section->tables[n];
            size_t part = 0;
            for (size_t from = t->fixed; from < t->columns; part++) {
                size_t to = radz_table_split(t, from, WIDEST, GAP);
                putc('\n', out);
                put_part(out, t, from, to, part, section);
                if (n == 0 && to == t->columns)
                    put_notes(out, &section->notes);
                fputs("\\end{table}\n", out);
                from = to;
            }
        }
    }
    for (size_t i = 0; i < doc.absent.count; i++) {
        fputs(i == 0 ? "\n% not here: " : "% not here: ", out);
        radz_put_latex(out, doc.absent.items[i]);
        putc('\n', out);
    }
done:
    radz_document_free(&doc);
    return st;
}
