#include <string.h>

#include "report/escape.h"
#include "report/print.h"
#include "report/tables.h"

enum { DEFAULT_WIDTH = 100, GAP = 2 };

static void paint(FILE *out, const radz_print_options *o, const char *code)
{
    if (o->colour)
        fprintf(out, "\033[%sm", code);
}

static void blanks(FILE *out, size_t n)
{
    while (n-- > 0)
        putc(' ', out);
}

/* Text on one line, wrapped at blanks to `width` columns with a hanging indent. */
static void wrapped(FILE *out, const char *text, size_t width, size_t indent)
{
    size_t column = indent;
    blanks(out, indent);
    for (const char *p = text; *p != '\0';) {
        size_t length = strcspn(p, " \n\t");
        char word[512];
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word - 1 ? length : sizeof word - 1), p);
        size_t w = radz_text_width(word);
        if (column > indent + 2 && column + 1 + w > width) {
            putc('\n', out);
            blanks(out, indent + 2);
            column = indent + 2;
        } else if (column > indent) {
            putc(' ', out);
            column++;
        }
        fwrite(p, 1, length, out);
        column += w;
        p += length;
        p += strspn(p, " \n\t");
    }
    putc('\n', out);
}

static void put_cell(FILE *out, const char *text, size_t width, bool right)
{
    char cut[4 * RADZ_WIDEST_CELL + 8];
    size_t w = radz_text_width(text);
    if (width > 0 && w > width) { /* of a name that is too long, what fits, whole characters, and a mark */
        size_t n = 0;
        for (size_t next = 1; text[n] != '\0' && n + 8 < sizeof cut; n = next) {
            for (next = n + 1; (text[next] & 0xc0) == 0x80; next++)
                ;
            memcpy(cut, text, next);
            cut[next] = '\0';
            if (radz_text_width(cut) + 1 > width)
                break;
        }
        memcpy(cut + n, "…", sizeof "…");
        text = cut;
        w = radz_text_width(cut);
    }
    if (right)
        blanks(out, width > w ? width - w : 0);
    for (const char *p = text; *p != '\0'; p++) /* a name may hold a line break; a row may not */
        putc(*p == '\n' || *p == '\t' || *p == '\r' ? ' ' : *p, out);
    if (!right)
        blanks(out, width > w ? width - w : 0);
}

/* Columns [from, to) beside the fixed ones. */
static void put_columns(FILE *out, const radz_print_options *o, const radz_table *t, size_t from, size_t to)
{
    for (size_t r = 0; r <= t->rows; r++) { /* row 0 is the head */
        bool head = r == 0, heading = !head && t->styles[r - 1] == RADZ_ROW_HEADING;
        blanks(out, 2);
        paint(out, o, head ? "1" : heading ? "3" : "0");
        for (size_t c = 0; c < to; c++) {
            if ((c >= t->fixed && c < from) || (heading && c > 0))
                continue;
            const radz_cell *cell = head ? NULL : &t->cells[(r - 1) * t->columns + c];
            size_t indent = c == 0 && !head ? radz_row_indent(t->styles[r - 1]) : 0;
            bool best = cell != NULL && cell->best, last = c + 1 == to && !t->right[c];
            if (c > 0)
                blanks(out, GAP);
            blanks(out, indent);
            if (best)
                paint(out, o, "1;32");
            put_cell(out, head ? t->heads[c] : cell->text, heading || last ? 0 : t->widths[c] - indent, t->right[c]);
            if (best)
                paint(out, o, "0");
        }
        paint(out, o, "0");
        putc('\n', out);
    }
}

static void put_table(FILE *out, const radz_print_options *o, const radz_table *t)
{
    size_t width = o->width == 0 ? DEFAULT_WIDTH : o->width;
    for (size_t from = t->fixed; from < t->columns;) {
        size_t to = radz_table_split(t, from, width - 2, GAP);
        putc('\n', out);
        put_columns(out, o, t, from, to);
        from = to;
    }
}

static void put_notes(FILE *out, const radz_strlist *notes, size_t width)
{
    for (size_t i = 0; i < notes->count; i++)
        wrapped(out, notes->items[i], width, 2);
}

radz_status radz_print_text(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err)
{
    size_t width = options->width == 0 ? DEFAULT_WIDTH : options->width;
    radz_document doc = {.with_costs = true}; /* the terminal's only: timings differ from run to run */
    radz_status st = radz_document_build(results, &doc, err);
    if (st != RADZ_OK)
        goto done;
    paint(out, options, "1");
    fputs(doc.title, out);
    paint(out, options, "0");
    fprintf(out, " (%s)\n", doc.subtitle);
    for (size_t i = 0; i < doc.n_all; i++) {
        const radz_section *section = &doc.sections[i];
        putc('\n', out);
        paint(out, options, "1");
        fprintf(out, "%s\n", section->title);
        paint(out, options, "0");
        wrapped(out, section->subtitle, width, 0);
        for (size_t t = 0; t < section->n_tables; t++)
            put_table(out, options, &section->tables[t]);
        if (section->notes.count > 0)
            putc('\n', out);
        put_notes(out, &section->notes, width);
    }
    if (doc.notes.count > 0) {
        fputs("\nNotes\n", out);
        put_notes(out, &doc.notes, width);
    }
    if (doc.absent.count > 0) {
        fputs("\nNot here\n", out);
        put_notes(out, &doc.absent, width);
    }
done:
    radz_document_free(&doc);
    return st;
}
