/* A comparison for people (text, Markdown), for continuous integration (JUnit XML) and for programs (JSON). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "report/compare.h"
#include "report/escape.h"
#include "report/tables.h"

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

static void change_text(const radz_compared *r, char text[32])
{
    if (isnan(r->change))
        snprintf(text, 32, "-");
    else
        snprintf(text, 32, "%+.4f", r->change);
}

/* "p 0.003 (DeLong)", "-0.021 to -0.004 (bootstrap)" */
static void test_text(const radz_compared *r, char text[80])
{
    if (r->test == NULL)
        snprintf(text, 80, "%s", r->beyond ? "no test" : "");
    else if (isnan(r->p))
        snprintf(text, 80, "%+.4f to %+.4f (%s)", r->low, r->high, r->test);
    else if (r->p < 0.0001)
        snprintf(text, 80, "p < 0.0001 (%s)", r->test);
    else
        snprintf(text, 80, "p = %.4f (%s)", r->p, r->test);
}

/* "REGRESSION (beyond the limit of 0.05)": not for the test's sake. */
static void verdict_text(const radz_comparison *c, const radz_compared *r, char text[80])
{
    if (r->verdict == RADZ_VERDICT_WORSE && !radz_compared_is_real(r, c->gate->alpha))
        snprintf(text, 80, "%s (beyond the limit of %g)", radz_verdict_name(r->verdict), r->tolerance->limit);
    else
        snprintf(text, 80, "%s", radz_verdict_name(r->verdict));
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

/* ---- text ---- */

static void text_block(const radz_comparison *c, size_t block, FILE *out)
{
    const radz_compared_block *b = &c->blocks[block];
    const radz_result_block *any = any_block(b);
    size_t shown = 0, width = 5;
    for (size_t i = 0; i < c->n_rows; i++) {
        if (c->rows[i].block == block && is_shown(c, &c->rows[i])) {
            size_t w = radz_text_width(any_row(&c->rows[i])->class_name);
            width = w > width ? w : width;
            shown++;
        }
    }
    const char *word = block_word(b);
    if (shown == 0 && word == NULL && b->changes.count == 0)
        return;
    fprintf(out, "\n%s/%s  %s / %s  (protocol %s)\n", any->dataset, any->split, any->model, any->scorer, any->protocol);
    if (word != NULL)
        fprintf(out, "  %s\n", word);
    for (size_t i = 0; i < b->changes.count; i++)
        fprintf(out, "  changed: %s\n", b->changes.items[i]);
    if (b->untested != NULL)
        fprintf(out, "  no paired test: %s\n", b->untested);
    if (shown == 0)
        return;
    fprintf(out, "  %-12s %-*s %9s %9s %9s %9s  %-30s %s\n", "metric", (int)width, "class", "base", "new", "change", "allowed",
            "paired test", "verdict");
    for (size_t i = 0; i < c->n_rows; i++) {
        const radz_compared *r = &c->rows[i];
        if (r->block != block || !is_shown(c, r))
            continue;
        char base[48], now[48], change[32], test[80], verdict[80], allowed[32] = "";
        value_text(r->base, base);
        value_text(r->now, now);
        change_text(r, change);
        test_text(r, test);
        verdict_text(c, r, verdict);
        if (r->tolerance != NULL)
            snprintf(allowed, sizeof allowed, "%g", r->tolerance->fall);
        const radz_result_row *any_of = any_row(r);
        int pad = (int)(width - radz_text_width(any_of->class_name));
        fprintf(out, "  %-12s %s%*s %9s %9s %9s %9s  %-30s %s\n", any_of->metric, any_of->class_name, pad, "", base, now, change,
                allowed, test, verdict);
    }
}

static radz_status print_text(const radz_comparison *c, FILE *out, radz_error *err)
{
    radz_strbuf line = {0};
    radz_status st = count_line(c->counts, c->n_rows, &line, err);
    if (st != RADZ_OK)
        return st;
    fprintf(out, "BASE  %s\nNEW   %s\ngate  %s\n", c->base->run_id, c->now->run_id, c->gate->name);
    for (size_t i = 0; i < c->changes.count; i++)
        fprintf(out, "  changed: %s\n", c->changes.items[i]);
    for (size_t i = 0; i < c->n_blocks; i++)
        text_block(c, i, out);
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
    size_t shown = 0;
    for (size_t i = 0; i < c->n_rows; i++)
        shown += c->rows[i].block == block && is_shown(c, &c->rows[i]);
    if (shown == 0 && word == NULL && b->changes.count == 0)
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
    if (shown == 0)
        return;
    fprintf(out, "%s| metric | class | base | new | change | allowed | paired test | verdict |\n|---|---|--:|--:|--:|--:|---|---|\n",
            word != NULL || b->changes.count > 0 || b->untested != NULL ? "\n" : "");
    for (size_t i = 0; i < c->n_rows; i++) {
        const radz_compared *r = &c->rows[i];
        if (r->block != block || !is_shown(c, r))
            continue;
        char base[48], now[48], change[32], test[80], verdict[80], allowed[32] = "";
        value_text(r->base, base);
        value_text(r->now, now);
        change_text(r, change);
        test_text(r, test);
        verdict_text(c, r, verdict);
        if (r->tolerance != NULL)
            snprintf(allowed, sizeof allowed, "%g", r->tolerance->fall);
        bool bold = radz_verdict_fails(r->verdict);
        fputs("| ", out);
        radz_put_markdown(out, any_row(r)->metric);
        fputs(" | ", out);
        radz_put_markdown(out, any_row(r)->class_name);
        fprintf(out, " | %s | %s | %s | %s | ", base, now, change, allowed);
        radz_put_markdown(out, test);
        fprintf(out, " | %s%s%s |\n", bold ? "**" : "", verdict, bold ? "**" : "");
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
    char base[48], now[48], change[32], test[80], verdict[80];
    verdict_text(c, r, verdict);
    value_text(r->base, base);
    value_text(r->now, now);
    change_text(r, change);
    test_text(r, test);
    fputs("    <testcase", out);
    ATTRIBUTE(out, "name", any_row(r)->metric, " ", any_row(r)->class_name);
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
        ATTRIBUTE(out, "message", any_row(r)->metric, " ", any_row(r)->class_name, ": ", base, " -> ", now);
        putc('>', out);
    }
    fprintf(out, "%s: %s -&gt; %s, change %s", verdict, base, now, change);
    if (r->tolerance != NULL)
        fprintf(out, ", allowed %g", r->tolerance->fall);
    if (test[0] != '\0') {
        fputs(", ", out);
        radz_put_xml(out, test);
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
} formats[] = {{"text", NULL, print_text}, {"md", "compare.md", print_markdown}, {"junit", "compare.xml", print_junit},
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
