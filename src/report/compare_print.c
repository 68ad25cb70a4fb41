/* A comparison for people (table, Markdown), for continuous integration (JUnit XML) and for programs (JSON). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "report/compare.h"
#include "report/escape.h"
#include "report/results_lookup.h"

static const radz_result_row *any_row(const radz_compared *r)
{
    return r->base != NULL ? r->base : r->now;
}

static const radz_result_block *any_block(const radz_compared_block *b)
{
    return b->base != NULL ? b->base : b->now;
}

/* Rows that a reader wants to see: what moved beyond its tolerance, was lost or came. Blocks that are wholly gone, new or of
 * other images are told in one line. */
static bool is_shown(const radz_comparison *c, const radz_compared *r)
{
    const radz_compared_block *b = &c->blocks[r->block];
    if (b->base == NULL || b->now == NULL || !b->same_images)
        return false;
    return r->verdict != RADZ_VERDICT_SAME && r->verdict != RADZ_VERDICT_WITHIN && r->verdict != RADZ_VERDICT_UNJUDGED;
}

static void value_text(const radz_result_row *row, char text[48])
{
    if (row == NULL)
        snprintf(text, 48, "-");
    else if (isnan(row->value))
        snprintf(text, 48, "NA");
    else
        snprintf(text, 48, "%.4f", row->value);
}

static void p_text(double p, char text[16])
{
    if (isnan(p))
        text[0] = '\0';
    else
        snprintf(text, 16, p < 0.0001 ? "<0.0001" : "%.4f", p);
}

/* The cells of a shown row, in words. */
typedef struct row_text {
    const char *metric, *class_name;
    char base[48], now[48], change[32], allowed[32];
    char test[80]; /* "p = 0.0031 (DeLong)", "-0.021 to -0.004 (bootstrap)" */
    char holm[16], bh[16], permutation[16];
    char verdict[80]; /* "REGRESSION (beyond the limit of 0.05)": not for the test's sake */
} row_text;

static row_text text_of(const radz_comparison *c, const radz_compared *r)
{
    row_text t = {.metric = any_row(r)->metric, .class_name = any_row(r)->class_name};
    value_text(r->base, t.base);
    value_text(r->now, t.now);
    p_text(r->p_holm, t.holm);
    p_text(r->p_bh, t.bh);
    p_text(r->p_permutation, t.permutation);
    if (isnan(r->change))
        snprintf(t.change, sizeof t.change, "-");
    else
        snprintf(t.change, sizeof t.change, "%+.4f", r->change);
    if (r->tolerance != NULL)
        snprintf(t.allowed, sizeof t.allowed, "%g", r->tolerance->fall);
    if (r->test == NULL)
        snprintf(t.test, sizeof t.test, "%s", r->beyond ? "no test" : "");
    else if (isnan(r->p))
        snprintf(t.test, sizeof t.test, "%+.4f to %+.4f (%s)", r->low, r->high, r->test);
    else if (r->p < 0.0001)
        snprintf(t.test, sizeof t.test, "p < 0.0001 (%s)", r->test);
    else
        snprintf(t.test, sizeof t.test, "p = %.4f (%s)", r->p, r->test);
    if (r->verdict == RADZ_VERDICT_WORSE && !radz_compared_is_real(r, c->gate->alpha))
        snprintf(t.verdict, sizeof t.verdict, "%s (beyond the limit of %g)", radz_verdict_name(r->verdict), r->tolerance->limit);
    else
        snprintf(t.verdict, sizeof t.verdict, "%s", radz_verdict_name(r->verdict));
    return t;
}

static const char *block_word(const radz_compared_block *b)
{
    return b->base == NULL ? "not in BASE: new" : b->now == NULL ? "not in NEW: GONE" : !b->same_images ?
           "measured on other images or labels: the figures cannot be compared" : NULL;
}

/* "1,204 figures: 1,180 same, 20 within tolerance, 3 noise, 1 REGRESSION" */
static radz_status count_line(const size_t *counts, size_t n, radz_strbuf *out, radz_error *err)
{
    char count[32];
    radz_count_text(n, count);
    radz_status st = radz_strbuf_printf(out, err, "%s figures", count);
    const char *gap = ": ";
    for (int v = 0; v < RADZ_VERDICT_COUNT && st == RADZ_OK; v++) {
        if (counts[v] == 0)
            continue;
        radz_count_text(counts[v], count);
        st = radz_strbuf_printf(out, err, "%s%s %s", gap, count, radz_verdict_name((radz_verdict)v));
        gap = ", ";
    }
    return st;
}

static const char *outcome(const radz_comparison *c)
{
    return c->failures > 0 ? "REGRESSION" : c->counts[RADZ_VERDICT_SAME] == c->n_rows ? "the same" : "no regression";
}

/* Rows of a block that are shown. A block with none, and nothing else to tell, is left out. */
static size_t shown_rows(const radz_comparison *c, size_t block)
{
    size_t shown = 0;
    for (size_t i = 0; i < c->n_rows; i++)
        shown += c->rows[i].block == block && is_shown(c, &c->rows[i]);
    return shown;
}

static bool has_news(const radz_comparison *c, size_t block)
{
    return shown_rows(c, block) > 0 || block_word(&c->blocks[block]) != NULL || c->blocks[block].changes.count > 0;
}

/* ---- table ---- */

enum { COLUMNS = 11 };
static const char *const heads[COLUMNS] = {"metric", "class", "base", "new", "change", "allowed", "paired test", "Holm", "BH",
                                           "permutation", "verdict"};
static const bool right[COLUMNS] = {[2] = true, [3] = true, [4] = true, [5] = true, [7] = true, [8] = true, [9] = true};

static void cells_of(const row_text *t, const char *cells[COLUMNS])
{
    const char *const all[COLUMNS] = {t->metric, t->class_name, t->base, t->now, t->change, t->allowed, t->test, t->holm, t->bh,
                                      t->permutation, t->verdict};
    memcpy(cells, all, sizeof all);
}

/* Columns that are empty throughout are left out. */
static void table_rows(const radz_comparison *c, size_t block, FILE *out)
{
    size_t widths[COLUMNS] = {0};
    const char *cells[COLUMNS];
    for (int pass = 0; pass < 2; pass++) {
        for (size_t k = 0; pass == 1 && k < COLUMNS; k++)
            if (widths[k] > 0 && radz_text_width(heads[k]) > widths[k])
                widths[k] = radz_text_width(heads[k]);
        for (size_t i = 0; i <= c->n_rows; i++) { /* row 0 is the head */
            const radz_compared *r = i > 0 ? &c->rows[i - 1] : NULL;
            if (r == NULL ? pass == 0 : r->block != block || !is_shown(c, r))
                continue;
            row_text text = {0};
            if (r != NULL)
                text = text_of(c, r);
            cells_of(&text, cells);
            for (size_t k = 0; k < COLUMNS; k++) {
                const char *cell = r == NULL ? heads[k] : cells[k];
                size_t width = radz_text_width(cell);
                if (pass == 0)
                    widths[k] = width > widths[k] ? width : widths[k];
                if (pass == 0 || widths[k] == 0)
                    continue;
                int pad = (int)(widths[k] - width);
                fprintf(out, "  %*s%s%*s", right[k] ? pad : 0, "", cell, right[k] || k + 1 == COLUMNS ? 0 : pad, "");
            }
            if (pass == 1)
                putc('\n', out);
        }
    }
}

static void table_block(const radz_comparison *c, size_t block, FILE *out)
{
    const radz_compared_block *b = &c->blocks[block];
    const radz_result_block *any = any_block(b);
    if (!has_news(c, block))
        return;
    fprintf(out, "\n%s/%s  %s / %s  (protocol %s)\n", any->dataset, any->split, any->model, any->scorer, any->protocol);
    if (block_word(b) != NULL)
        fprintf(out, "  %s\n", block_word(b));
    for (size_t i = 0; i < b->changes.count; i++)
        fprintf(out, "  changed: %s\n", b->changes.items[i]);
    if (b->untested != NULL)
        fprintf(out, "  no paired test: %s\n", b->untested);
    if (shown_rows(c, block) > 0)
        table_rows(c, block, out);
}

static radz_status print_table(const radz_comparison *c, FILE *out, radz_error *err)
{
    radz_strbuf line = {0};
    radz_status st = count_line(c->counts, c->n_rows, &line, err);
    if (st != RADZ_OK)
        return st;
    fprintf(out, "BASE  %s\nNEW   %s\ngate  %s\n", c->base->run_id, c->now->run_id, c->gate->name);
    for (size_t i = 0; i < c->changes.count; i++)
        fprintf(out, "  changed: %s\n", c->changes.items[i]);
    for (size_t i = 0; i < c->n_blocks; i++)
        table_block(c, i, out);
    fprintf(out, "\n%s: %s\n", outcome(c), line.text);
    radz_strbuf_free(&line);
    return RADZ_OK;
}

/* ---- Markdown ---- */

static void put_item(FILE *out, const char *text)
{
    fputs("- ", out);
    radz_put_markdown(out, text);
    putc('\n', out);
}

static void markdown_block(const radz_comparison *c, size_t block, FILE *out)
{
    const radz_compared_block *b = &c->blocks[block];
    const radz_result_block *any = any_block(b);
    const char *word = block_word(b);
    if (!has_news(c, block))
        return;
    fputs("\n## ", out);
    const char *const parts[] = {any->dataset, "/", any->split, ": ", any->model, " / ", any->scorer, ", protocol ", any->protocol};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        radz_put_markdown(out, parts[i]);
    fputs("\n\n", out);
    if (word != NULL)
        put_item(out, word);
    for (size_t i = 0; i < b->changes.count; i++)
        put_item(out, b->changes.items[i]);
    if (b->untested != NULL)
        fprintf(out, "- no paired test: %s\n", b->untested);
    if (shown_rows(c, block) == 0)
        return;
    if (word != NULL || b->changes.count > 0 || b->untested != NULL)
        putc('\n', out);
    for (size_t k = 0; k < COLUMNS; k++)
        fprintf(out, "| %s ", heads[k]);
    fputs("|\n", out);
    for (size_t k = 0; k < COLUMNS; k++)
        fputs(right[k] ? "|--:" : "|---", out);
    fputs("|\n", out);
    for (size_t i = 0; i < c->n_rows; i++) {
        const radz_compared *r = &c->rows[i];
        const char *cells[COLUMNS];
        if (r->block != block || !is_shown(c, r))
            continue;
        row_text text = text_of(c, r);
        cells_of(&text, cells);
        for (size_t k = 0; k < COLUMNS; k++) {
            const char *bold = k + 1 == COLUMNS && radz_verdict_fails(r->verdict) ? "**" : "";
            fprintf(out, "| %s", bold);
            radz_put_markdown(out, cells[k]);
            fprintf(out, "%s ", bold);
        }
        fputs("|\n", out);
    }
}

static radz_status print_markdown(const radz_comparison *c, FILE *out, radz_error *err)
{
    radz_strbuf line = {0};
    radz_status st = count_line(c->counts, c->n_rows, &line, err);
    if (st != RADZ_OK)
        return st;
    fprintf(out, "# %s%s%s\n\n", c->failures > 0 ? "**" : "", outcome(c), c->failures > 0 ? "**" : "");
    fputs("| | |\n|---|---|\n| base | ", out);
    radz_put_markdown(out, c->base->run_id);
    fputs(" |\n| new | ", out);
    radz_put_markdown(out, c->now->run_id);
    fputs(" |\n| gate | ", out);
    radz_put_markdown(out, c->gate->name);
    fprintf(out, " |\n\n%s.\n", line.text);
    if (c->changes.count > 0)
        fputs("\nWhat changed:\n\n", out);
    for (size_t i = 0; i < c->changes.count; i++)
        put_item(out, c->changes.items[i]);
    for (size_t i = 0; i < c->n_blocks; i++)
        markdown_block(c, i, out);
    fputs("\nA fall counts as a regression when it is larger than allowed and the paired test tells it from nothing, when there is "
          "no test, or when it is beyond the gate's limit.\n", out);
    radz_strbuf_free(&line);
    return RADZ_OK;
}

/* ---- JUnit XML ---- */

static void put_attribute(FILE *out, const char *name, const char *const *parts, size_t n)
{
    fprintf(out, " %s=\"", name);
    for (size_t i = 0; i < n; i++)
        radz_put_xml(out, parts[i]);
    putc('"', out);
}
#define ATTRIBUTE(out, name, ...) \
    put_attribute(out, name, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* A row that nobody judges is no test. */
static bool is_case(const radz_compared *r)
{
    return r->verdict != RADZ_VERDICT_UNJUDGED && (r->tolerance != NULL || radz_verdict_fails(r->verdict));
}

static void junit_case(const radz_comparison *c, const radz_compared *r, const radz_result_block *b, FILE *out)
{
    row_text t = text_of(c, r);
    fputs("    <testcase", out);
    ATTRIBUTE(out, "name", t.metric, " ", t.class_name);
    ATTRIBUTE(out, "classname", b->dataset, ".", b->split, ".", b->model, ".", b->scorer, ".", b->protocol);
    bool fails = radz_verdict_fails(r->verdict), told = r->verdict == RADZ_VERDICT_NOISE || r->verdict == RADZ_VERDICT_BETTER;
    if (!fails && !told) {
        fputs("/>\n", out);
        return;
    }
    fputs(">\n      ", out);
    fputs(fails ? "<failure" : "<system-out>", out);
    if (fails) {
        ATTRIBUTE(out, "type", radz_verdict_name(r->verdict));
        ATTRIBUTE(out, "message", t.metric, " ", t.class_name, ": ", t.base, " -> ", t.now);
        putc('>', out);
    }
    fprintf(out, "%s: %s -&gt; %s, change %s", t.verdict, t.base, t.now, t.change);
    const char *const more[][2] = {{"allowed ", t.allowed}, {"", t.test}, {"Holm ", t.holm}, {"BH ", t.bh},
                                   {"permutation ", t.permutation}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (more[i][1][0] != '\0') {
            fprintf(out, ", %s", more[i][0]);
            radz_put_xml(out, more[i][1]);
        }
    fprintf(out, "</%s>\n    </testcase>\n", fails ? "failure" : "system-out");
}

static radz_status print_junit(const radz_comparison *c, FILE *out, radz_error *err)
{
    (void)err;
    size_t cases = 0;
    for (size_t i = 0; i < c->n_rows; i++)
        cases += is_case(&c->rows[i]);
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"radz-bench compare\" tests=\"%zu\" failures=\"%zu\">\n",
            cases, c->failures);
    for (size_t b = 0; b < c->n_blocks; b++) {
        const radz_result_block *block = any_block(&c->blocks[b]);
        size_t tests = 0, failures = 0;
        for (size_t i = 0; i < c->n_rows; i++) {
            tests += c->rows[i].block == b && is_case(&c->rows[i]);
            failures += c->rows[i].block == b && radz_verdict_fails(c->rows[i].verdict);
        }
        fputs("  <testsuite", out);
        ATTRIBUTE(out, "name", block->dataset, "/", block->split, " ", block->model, " / ", block->scorer, ", ", block->protocol);
        fprintf(out, " tests=\"%zu\" failures=\"%zu\">\n    <properties>\n      <property name=\"base\"", tests, failures);
        ATTRIBUTE(out, "value", c->base->run_id);
        fputs("/>\n      <property name=\"new\"", out);
        ATTRIBUTE(out, "value", c->now->run_id);
        fputs("/>\n", out);
        for (size_t i = 0; i < c->blocks[b].changes.count; i++) {
            fputs("      <property name=\"changed\"", out);
            ATTRIBUTE(out, "value", c->blocks[b].changes.items[i]);
            fputs("/>\n", out);
        }
        fputs("    </properties>\n", out);
        for (size_t i = 0; i < c->n_rows; i++)
            if (c->rows[i].block == b && is_case(&c->rows[i]))
                junit_case(c, &c->rows[i], block, out);
        fputs("  </testsuite>\n", out);
    }
    fputs("</testsuites>\n", out);
    return RADZ_OK;
}

/* ---- JSON ---- */

static radz_status print_json(const radz_comparison *c, FILE *out, radz_error *err)
{
    (void)err;
    radz_json_writer w;
    radz_json_writer_init(&w, out);
    radz_json_object_begin(&w, NULL);
    radz_json_put_string(&w, "schema", "radz-bench/comparison/1");
    radz_json_put_string(&w, "base", c->base->run_id);
    radz_json_put_string(&w, "new", c->now->run_id);
    radz_json_put_string(&w, "gate", c->gate->name);
    radz_json_put_bool(&w, "regression", c->failures > 0);
    radz_json_object_begin(&w, "counts");
    for (int v = 0; v < RADZ_VERDICT_COUNT; v++)
        radz_json_put_i64(&w, radz_verdict_name((radz_verdict)v), (int64_t)c->counts[v]);
    radz_json_object_end(&w);
    radz_json_array_begin(&w, "changes");
    for (size_t i = 0; i < c->changes.count; i++)
        radz_json_put_string(&w, NULL, c->changes.items[i]);
    radz_json_array_end(&w);
    radz_json_array_begin(&w, "rows");
    for (size_t i = 0; i < c->n_rows; i++) {
        const radz_compared *r = &c->rows[i];
        const radz_result_row *any = any_row(r);
        if (r->verdict == RADZ_VERDICT_SAME)
            continue;
        radz_json_object_begin(&w, NULL);
        radz_json_put_string(&w, "dataset", any->dataset);
        radz_json_put_string(&w, "split", any->split);
        radz_json_put_string(&w, "model", any->model);
        radz_json_put_string(&w, "scorer", any->scorer);
        radz_json_put_string(&w, "protocol", any->protocol);
        radz_json_put_string(&w, "class", any->class_name);
        radz_json_put_string(&w, "metric", any->metric);
        radz_json_put_double(&w, "base", r->base != NULL ? r->base->value : NAN);
        radz_json_put_double(&w, "new", r->now != NULL ? r->now->value : NAN);
        radz_json_put_double(&w, "change", r->change);
        radz_json_put_double(&w, "allowed", r->tolerance != NULL ? r->tolerance->fall : NAN);
        radz_json_put_string(&w, "test", r->test);
        radz_json_put_double(&w, "p", r->p);
        radz_json_put_double(&w, "p_holm", r->p_holm);
        radz_json_put_double(&w, "p_bh", r->p_bh);
        radz_json_put_double(&w, "p_permutation", r->p_permutation);
        radz_json_put_double(&w, "low", r->low);
        radz_json_put_double(&w, "high", r->high);
        radz_json_put_string(&w, "verdict", radz_verdict_name(r->verdict));
        radz_json_object_end(&w);
    }
    radz_json_array_end(&w);
    radz_json_object_end(&w);
    return RADZ_OK;
}

/* ---- the table ---- */

static const struct {
    const char *name, *file;
    radz_status (*print)(const radz_comparison *comparison, FILE *out, radz_error *err);
} formats[] = {{"table", NULL, print_table}, {"md", "compare.md", print_markdown}, {"junit", "compare.xml", print_junit},
               {"json", NULL, print_json}};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

radz_status radz_comparison_print(const radz_comparison *comparison, const char *format, FILE *out, radz_error *err)
{
    const char *known[FORMAT_COUNT];
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        known[i] = formats[i].name;
        if (strcmp(formats[i].name, format) != 0)
            continue;
        radz_status st = formats[i].print(comparison, out, err);
        if (st == RADZ_OK && (fflush(out) != 0 || ferror(out)))
            st = radz_fail(err, RADZ_E_IO, "cannot write the comparison");
        return st;
    }
    return radz_fail_unknown_in(err, "format", format, known, FORMAT_COUNT);
}

radz_status radz_comparison_write(const radz_comparison *comparison, const char *dir, radz_error *err)
{
    radz_status st = radz_mkdirs(dir, err);
    for (size_t i = 0; i < FORMAT_COUNT && st == RADZ_OK; i++) {
        if (formats[i].file == NULL)
            continue;
        radz_out out = {0};
        char *path = radz_path_join(dir, formats[i].file, err);
        st = path != NULL ? radz_out_open(path, &out, err) : RADZ_E_NOMEM;
        free(path);
        if (st != RADZ_OK)
            break;
        st = formats[i].print(comparison, out.stream, err);
        if (st == RADZ_OK)
            st = radz_out_commit(&out, err);
        else
            radz_out_abandon(&out);
    }
    return st;
}
