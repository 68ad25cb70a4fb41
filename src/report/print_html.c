/* report.html: a whole run on one page that needs nothing but itself. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "metric/metric.h"
#include "report/escape.h"
#include "report/page_parts.h"
#include "report/print.h"

extern const char radz_page_style[], radz_page_script[]; /* page.css, page.js */

/* ---- cells ---- */

/* The number that a cell begins with, to sort by: "1,069", "0.873 [0.861, 0.884]", "62 %". */
static bool leading_number(const char *text, double *out)
{
    char plain[64];
    size_t n = 0;
    for (const char *p = text; *p != '\0' && n + 1 < sizeof plain; p++) {
        if (*p == ',' && n > 0 && isdigit((unsigned char)p[1]))
            continue;
        if (!isdigit((unsigned char)*p) && strchr("+-.eE", *p) == NULL)
            break;
        plain[n++] = *p;
    }
    plain[n] = '\0';
    char *end;
    *out = strtod(plain, &end);
    return n > 0 && end != plain && isfinite(*out);
}

/* "0.873 [0.861, 0.884]" with the interval as such. */
static void put_value(FILE *out, const char *text)
{
    const char *interval = strstr(text, " [");
    if (interval == NULL) {
        radz_put_html(out, text);
        return;
    }
    char value[64];
    snprintf(value, sizeof value, "%.*s", (int)(interval - text), text);
    radz_put_html(out, value);
    fputs(" <span class=\"ci\">", out);
    radz_put_html(out, interval + 1);
    fputs("</span>", out);
}

static void put_cell(FILE *out, const char *text, bool number, bool best)
{
    double value;
    fprintf(out, "<td%s", number ? best ? " class=\"num best\"" : " class=\"num\"" : best ? " class=\"best\"" : "");
    if (number && leading_number(text, &value)) {
        fputs(" data-v=\"", out);
        radz_put_number(out, value);
        putc('"', out);
    }
    putc('>', out);
    put_value(out, text);
    fputs("</td>", out);
}

/* ---- tables ---- */

/* `css`: further classes. The region can be scrolled with the keyboard. */
static void begin_table(FILE *out, const char *id, const char *css, const char *caption)
{
    fprintf(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"%s-c\">\n<table id=\"%s\" class=\"%s\">\n"
            "<caption id=\"%s-c\"><span>", id, id, css, id);
    radz_put_html(out, caption);
    fputs("</span></caption>\n", out);
}

static void end_table(FILE *out)
{
    fputs("</table>\n</div>\n", out);
}

static void put_head(FILE *out, const char *text, bool number)
{
    fprintf(out, "<th scope=\"col\"%s>", number ? " class=\"num\"" : "");
    radz_put_html(out, text);
    fputs("</th>", out);
}

static void put_table(FILE *out, const radz_table *t)
{
    bool parts = false, headings = false;
    for (size_t r = 0; r < t->rows; r++) {
        headings = headings || t->styles[r] == RADZ_ROW_HEADING;
        parts = parts || t->styles[r] == RADZ_ROW_PART;
    }
    /* parts under rows: a row moves with its parts; parts under headings: they are sorted below their heading */
    bool by_body = parts && !headings;
    begin_table(out, t->id, by_body ? "sortable by-body" : "sortable", t->caption);
    fputs("<thead><tr>", out);
    for (size_t c = 0; c < t->columns; c++)
        put_head(out, t->heads[c], t->right[c]);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t r = 0; r < t->rows; r++) {
        const radz_cell *cells = &t->cells[r * t->columns];
        bool heading = t->styles[r] == RADZ_ROW_HEADING;
        if (r > 0 && (heading || (by_body && t->styles[r] == RADZ_ROW_PLAIN)))
            fputs("</tbody>\n<tbody>\n", out);
        if (heading) {
            fprintf(out, "<tr class=\"heading\"><th scope=\"rowgroup\" colspan=\"%zu\">", t->columns);
            radz_put_html(out, cells[0].text);
            fputs("</th></tr>\n", out);
            continue;
        }
        fprintf(out, "<tr%s><th scope=\"row\">", t->styles[r] == RADZ_ROW_PART ? " class=\"part\"" : "");
        radz_put_html(out, cells[0].text);
        fputs("</th>", out);
        for (size_t c = 1; c < t->columns; c++)
            put_cell(out, cells[c].text, t->right[c], cells[c].best);
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    end_table(out);
}

static void put_notes(FILE *out, const radz_strlist *notes)
{
    if (notes->count == 0)
        return;
    fputs("<ul class=\"notes\">\n", out);
    for (size_t i = 0; i < notes->count; i++) {
        fputs("<li>", out);
        radz_put_html(out, notes->items[i]);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

/* ---- every metric of every class ---- */

static void put_result(FILE *out, const radz_result_row *row)
{
    char text[96];
    if (row == NULL) {
        put_cell(out, "", true, false);
        return;
    }
    if (isnan(row->value))
        snprintf(text, sizeof text, "NA");
    else if (!isnan(row->ci_low) && !isnan(row->ci_high))
        snprintf(text, sizeof text, "%.3f [%.3f, %.3f]", row->value, row->ci_low, row->ci_high);
    else
        snprintf(text, sizeof text, fabs(row->value) < 1000 && (fabs(row->value) >= 0.01 || row->value == 0) ? "%.3f" : "%.3g",
                 row->value);
    if (isnan(row->value)) {
        fputs("<td class=\"num\" title=\"", out);
        radz_put_html(out, radz_status_words(row->status));
        fputs("\">NA</td>", out);
    } else {
        put_cell(out, text, true, false);
    }
}

static void put_metrics(const radz_page *page, const radz_page_section *section, size_t member)
{
    FILE *out = page->out;
    const radz_block_rows *rows = &page->blocks[section->members[member]];
    const radz_result_block *b = rows->block;
    const radz_result_row *sample[RADZ_METRIC_COUNT] = {0}; /* which metrics there are at all */
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++)
        for (size_t c = 0; c < section->classes->count && sample[m] == NULL; c++)
            sample[m] = radz_block_row(rows, section->classes->items[c], radz_metrics[m].name);
    char id[240], caption[400];
    snprintf(id, sizeof id, "%s-metrics-%zu", section->id, member);
    snprintf(caption, sizeof caption, "%.120s / %.120s: every metric of each class", b->model, b->scorer);
    fputs("<details><summary>Every metric of ", out);
    radz_put_html(out, b->model);
    fputs(" / ", out);
    radz_put_html(out, b->scorer);
    fputs("</summary>\n", out);
    begin_table(out, id, "sortable tall", caption);
    fputs("<thead><tr>", out);
    put_head(out, "class", false);
    put_head(out, "positives", true);
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++)
        if (sample[m] != NULL)
            put_head(out, radz_metrics[m].title, true);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t c = 0; c < section->classes->count; c++) {
        const char *class_name = section->classes->items[c];
        const radz_result_row *auc = radz_block_row(rows, class_name, radz_metrics[RADZ_METRIC_AUC].name);
        fputs("<tr><th scope=\"row\">", out);
        radz_put_html(out, class_name);
        fputs("</th>", out);
        char count[32] = "";
        if (auc != NULL)
            radz_count_text(auc->n_pos, count);
        put_cell(out, count, true, false);
        for (size_t m = 0; m < RADZ_METRIC_COUNT; m++)
            if (sample[m] != NULL)
                put_result(out, radz_block_row(rows, class_name, radz_metrics[m].name));
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    end_table(out);
    fputs("</details>\n", out);
}

/* ---- one data set ---- */

static radz_status put_section(const radz_page *page, const radz_section *laid_out, const radz_page_section *section,
                               radz_error *err)
{
    FILE *out = page->out;
    const radz_result_block *first = &page->results->blocks[section->members[0]];
    fprintf(out, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">", section->id, section->id, section->id);
    radz_put_html(out, laid_out->title);
    fputs("</h2>\n<p>", out);
    radz_put_html(out, laid_out->subtitle);
    fputs("</p>\n", out);
    if (first->synthetic)
        fputs("<p class=\"notice\"><strong>Synthetic images.</strong> They show no patients; these figures prove nothing "
              "clinical.</p>\n", out);
    if (first->subset)
        fputs("<p class=\"notice\"><strong>A subset</strong> of the split was evaluated: these are not the figures of the "
              "split.</p>\n", out);
    for (size_t t = 0; t < laid_out->n_tables; t++)
        put_table(out, &laid_out->tables[t]);
    put_notes(out, &laid_out->notes);
    if (section->classes->count > 0) {
        fputs("<h3>AUC with intervals</h3>\n", out);
        radz_page_legend(page, section);
        radz_page_intervals(page, section);
    }
    for (size_t m = 0; m < section->n; m++)
        put_metrics(page, section, m);
    fputs("<details open><summary>ROC curves</summary>\n", out);
    radz_page_legend(page, section);
    if (!radz_page_roc(page, section))
        fputs("<p class=\"faint\">No class has a curve: it needs positive and negative images.</p>\n", out);
    fputs("</details>\n<details open><summary>Precision-recall curves</summary>\n<p class=\"faint\">The dotted line is the "
          "prevalence: what chance would give. The figure is the average precision.</p>\n", out);
    radz_page_legend(page, section);
    if (!radz_page_pr(page, section))
        fputs("<p class=\"faint\">The results hold no precision-recall curves: the run was made by an earlier version, or no "
              "class has one.</p>\n", out);
    fputs("</details>\n", out);
    radz_page_reliability(page, section);
    radz_page_subgroups(page, section);
    radz_page_details(page, section);
    radz_status st = radz_page_mistakes(page, section, err);
    fputs("</section>\n", out);
    return st;
}

/* ---- what the figures rest on ---- */

static void put_fact(FILE *out, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    fputs("<tr><th scope=\"row\">", out);
    radz_put_html(out, key);
    fputs("</th><td>", out);
    radz_put_html(out, value);
    fputs("</td></tr>\n", out);
}

static void put_provenance(const radz_page *page)
{
    FILE *out = page->out;
    const radz_results *results = page->results;
    fputs("<section id=\"provenance\" aria-labelledby=\"provenance-h\">\n<h2 id=\"provenance-h\">Provenance</h2>\n", out);
    begin_table(out, "provenance-run", "facts", "The run");
    fputs("<tbody>\n", out);
    put_fact(out, "run", results->run_id);
    put_fact(out, "command", results->command);
    for (size_t i = 0; i < results->n_facts; i++)
        put_fact(out, results->facts[i].key, results->facts[i].value);
    fputs("</tbody>\n", out);
    end_table(out);
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_block *b = &results->blocks[i];
        char id[40], caption[500], number[64];
        snprintf(id, sizeof id, "provenance-%zu", i);
        snprintf(caption, sizeof caption, "%.120s, %.60s, %.120s / %.120s", b->dataset, b->split, b->model, b->scorer);
        fputs("<details><summary>", out);
        radz_put_html(out, caption);
        fputs("</summary>\n", out);
        begin_table(out, id, "facts", caption);
        fputs("<tbody>\n", out);
        const struct {
            const char *key;
            uint64_t count;
        } counts[] = {{"images", b->n}, {"patients", b->n_patients}, {"images without a file", b->n_missing},
                      {"unreadable images left out", b->n_skipped}, {"bootstrap replicates", b->replicates},
                      {"distinct replicates", b->distinct_replicates}};
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            radz_count_text(counts[k].count, number);
            put_fact(out, counts[k].key, number);
        }
        put_fact(out, "protocol", b->protocol);
        put_fact(out, "fingerprint of ids and labels", b->fingerprint);
        put_fact(out, "fingerprint of the whole split", b->split_fingerprint);
        put_fact(out, "model", b->model_title);
        put_fact(out, "weights SHA-256", b->weights_sha256);
        put_fact(out, "trained on", b->trained_on);
        put_fact(out, "dtype", b->dtype);
        put_fact(out, "device", b->device);
        put_fact(out, "preprocess", b->recipe);
        put_fact(out, "prompts", b->prompts);
        put_fact(out, "prompts SHA-256", b->prompts_sha256);
        put_fact(out, "wording of the prompts", b->prompts_wording);
        radz_fact facts[RADZ_READING_FACTS];
        radz_reading_facts(b, facts);
        for (size_t k = 0; k < RADZ_READING_FACTS; k++)
            put_fact(out, facts[k].key, facts[k].value);
        fputs("</tbody>\n", out);
        end_table(out);
        fputs("</details>\n", out);
    }
    fputs("</section>\n", out);
}

/* ---- cost ---- */

static void begin_cost_table(FILE *out, const char *id, const char *caption, const char *const *heads, size_t n, size_t words)
{
    begin_table(out, id, "sortable", caption);
    fputs("<thead><tr>", out);
    for (size_t i = 0; i < n; i++)
        put_head(out, heads[i], i >= words);
    fputs("</tr></thead>\n<tbody>\n", out);
}

static void put_scorer_costs(FILE *out, const radz_results *results)
{
    static const char *const heads[] = {"data set", "model", "scorer", "images computed", "ms per image", "tokens per image",
                                        "most memory, MiB"};
    char number[64];
    begin_cost_table(out, "cost-scorers", "Cost of each model and scorer", heads, sizeof heads / sizeof heads[0], 3);
    for (size_t i = 0; i < results->n_costs; i++) {
        const radz_result_cost *c = &results->costs[i];
        fputs("<tr><th scope=\"row\">", out);
        radz_put_html(out, c->dataset);
        fputs("</th>", out);
        put_cell(out, c->model, false, false);
        put_cell(out, c->scorer, false, false);
        radz_count_text(c->images, number);
        put_cell(out, number, true, false);
        snprintf(number, sizeof number, isnan(c->seconds_per_image) ? "cached" : "%.3f", 1000 * c->seconds_per_image);
        put_cell(out, number, true, false);
        snprintf(number, sizeof number, isnan(c->tokens_per_image) ? "" : "%.0f", c->tokens_per_image);
        put_cell(out, number, true, false);
        snprintf(number, sizeof number, "%.0f", (double)c->peak_memory / 1048576);
        put_cell(out, number, true, false);
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    end_table(out);
}

static void put_stages(FILE *out, const radz_results *results)
{
    static const char *const heads[] = {"stage", "data set", "model", "items", "from the cache", "seconds", "ms per computed item"};
    char number[64];
    begin_cost_table(out, "cost-stages", "Time of each stage", heads, sizeof heads / sizeof heads[0], 3);
    for (size_t i = 0; i < results->n_stages; i++) {
        const radz_result_stage *s = &results->stages[i];
        fputs("<tr><th scope=\"row\">", out);
        radz_put_html(out, s->stage);
        fputs("</th>", out);
        put_cell(out, s->dataset == NULL ? "" : s->dataset, false, false);
        put_cell(out, s->model == NULL ? "" : s->model, false, false);
        radz_count_text(s->items, number);
        put_cell(out, number, true, false);
        radz_count_text(s->cached, number);
        put_cell(out, number, true, false);
        snprintf(number, sizeof number, "%.3f", s->seconds);
        put_cell(out, number, true, false);
        if (s->items > s->cached)
            snprintf(number, sizeof number, "%.3g", 1000 * s->seconds / (double)(s->items - s->cached));
        else
            number[0] = '\0';
        put_cell(out, number, true, false);
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    end_table(out);
}

static void put_costs(FILE *out, const radz_results *results)
{
    if (results->n_stages == 0 && results->total_seconds == 0)
        fputs("<p class=\"faint\">The run's folder holds no timing.json: what it took is not known.</p>\n", out);
    else
        fprintf(out, "<p>The run took %.1f s; at most %.0f MiB of memory were in use. Images that came from the cache took no "
                "encoding. A scorer's cost is what it would take alone: what several of them share is done once and counts in "
                "each.</p>\n", results->total_seconds, (double)results->peak_memory / 1048576);
    if (results->n_costs > 0)
        put_scorer_costs(out, results);
    if (results->n_stages > 0)
        put_stages(out, results);
}

/* Times would make the page another one after each run: in its folder they have a page of their own. */
static void put_cost(const radz_page *page)
{
    fputs("<section id=\"cost\" aria-labelledby=\"cost-h\">\n<h2 id=\"cost-h\">Cost</h2>\n", page->out);
    if (page->costs)
        put_costs(page->out, page->results);
    else
        fputs("<p>Seconds, rates and memory differ from run to run: they stand beside this page, in <a href=\"cost.html\">cost.html</a>"
              " and <code>timing.json</code>. <code>radz-bench report --format html</code> puts them on the page.</p>\n", page->out);
    fputs("</section>\n", page->out);
}

static void put_findings(const radz_page *page)
{
    FILE *out = page->out;
    const radz_results *results = page->results;
    fputs("<section id=\"findings\" aria-labelledby=\"findings-h\">\n<h2 id=\"findings-h\">Findings of the check</h2>\n", out);
    if (results->n_findings == 0) {
        fputs("<p class=\"faint\">None is recorded in this run.</p>\n</section>\n", out);
        return;
    }
    begin_table(out, "findings-table", "sortable wrap", "What the check of the data sets found before the run");
    static const char *const heads[] = {"severity", "data set", "split", "count", "what", "what it does to the figures", "examples"};
    fputs("<thead><tr>", out);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        put_head(out, heads[i], i == 3);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < results->n_findings; i++) {
        const radz_result_finding *f = &results->findings[i];
        char count[32];
        radz_count_text(f->count, count);
        fputs("<tr><th scope=\"row\">", out);
        radz_put_html(out, f->severity);
        fputs("</th>", out);
        put_cell(out, f->dataset, false, false);
        put_cell(out, f->split == NULL ? "all" : f->split, false, false);
        put_cell(out, count, true, false);
        put_cell(out, f->what, false, false);
        put_cell(out, f->effect, false, false);
        fputs("<td>", out);
        for (size_t e = 0; e < RADZ_RESULT_EXAMPLES && f->examples[e] != NULL; e++) {
            fputs(e > 0 ? ", " : "", out);
            radz_put_html(out, f->examples[e]);
        }
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody>\n", out);
    end_table(out);
    fputs("</section>\n", out);
}

static void put_absent(const radz_page *page)
{
    FILE *out = page->out;
    if (page->document->absent.count == 0)
        return;
    fputs("<section id=\"absent\" aria-labelledby=\"absent-h\">\n<h2 id=\"absent-h\">Not here</h2>\n<p>Planned, but not on the "
          "machine that made this run.</p>\n", out);
    put_notes(out, &page->document->absent);
    fputs("</section>\n", out);
}

static void put_skips(const radz_page *page)
{
    FILE *out = page->out;
    const radz_results *results = page->results;
    if (results->n_skips == 0)
        return;
    fputs("<section id=\"skipped\" aria-labelledby=\"skipped-h\">\n<h2 id=\"skipped-h\">Images left out</h2>\n", out);
    begin_table(out, "skipped-images", "sortable wrap", "Images that could not be read");
    fputs("<thead><tr>", out);
    put_head(out, "image", false);
    put_head(out, "data set", false);
    put_head(out, "model", false);
    put_head(out, "reason", false);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < results->n_skips; i++) {
        const radz_result_skip *s = &results->skips[i];
        fputs("<tr><th scope=\"row\">", out);
        radz_put_html(out, s->image);
        fputs("</th><td>", out);
        radz_put_html(out, s->dataset);
        fputs("</td><td>", out);
        radz_put_html(out, s->model);
        fputs("</td><td>", out);
        radz_put_html(out, s->reason);
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody>\n", out);
    end_table(out);
    fputs("</section>\n", out);
}

/* ---- the whole ---- */

/* 'sha256-...' of a text, so that no other style or script than ours is ever used, whatever names a file brought in. */
static radz_status put_pin(FILE *out, const char *text, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    unsigned char digest[RADZ_SHA256_SIZE];
    radz_status st = radz_sha256_data(text, strlen(text), hex, err);
    if (st != RADZ_OK)
        return st;
    for (size_t i = 0; i < sizeof digest; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        digest[i] = (unsigned char)strtoul(byte, NULL, 16);
    }
    fputs("'sha256-", out);
    radz_put_base64(out, digest, sizeof digest);
    putc('\'', out);
    return RADZ_OK;
}

static radz_status put_top(FILE *out, const char *title, radz_error *err)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; base-uri 'none'; "
          "form-action 'none'; style-src ", out);
    radz_status st = put_pin(out, radz_page_style, err);
    fputs("; script-src ", out);
    if (st == RADZ_OK)
        st = put_pin(out, radz_page_script, err);
    fputs("\">\n<meta name=\"generator\" content=\"radz-bench " RADZ_VERSION "\">\n<link rel=\"icon\" href=\"data:,\">\n<title>", out);
    radz_put_html(out, title);
    fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n",
            radz_page_style);
    return st;
}

static void put_nav_link(FILE *out, const char *id, const char *text)
{
    fprintf(out, "<li><a href=\"#%s\">", id);
    radz_put_html(out, text);
    fputs("</a></li>\n", out);
}

static void put_navigation(const radz_page *page, const radz_page_section *sections, size_t n)
{
    FILE *out = page->out;
    fputs("<nav aria-label=\"Parts of this page\"><ul>\n", out);
    put_nav_link(out, "summary", "Summary");
    for (size_t i = 0; i < n; i++) {
        const radz_result_block *b = &page->results->blocks[sections[i].members[0]];
        char text[200];
        snprintf(text, sizeof text, "%.120s, %.60s", b->dataset, b->split);
        put_nav_link(out, sections[i].id, text);
    }
    put_nav_link(out, "findings", "Findings of the check");
    if (page->results->n_skips > 0)
        put_nav_link(out, "skipped", "Images left out");
    if (page->document->absent.count > 0)
        put_nav_link(out, "absent", "Not here");
    put_nav_link(out, "cost", "Cost");
    put_nav_link(out, "provenance", "Provenance");
    fputs("</ul></nav>\n", out);
}

static void put_overview(const radz_page *page)
{
    FILE *out = page->out;
    const radz_results *results = page->results;
    static const radz_metric_id shown[] = {RADZ_METRIC_AUC, RADZ_METRIC_AP, RADZ_METRIC_F1, RADZ_METRIC_ACC};
    fputs("<section id=\"summary\" aria-labelledby=\"summary-h\">\n<h2 id=\"summary-h\">Summary</h2>\n", out);
    if (results->n_blocks == 0) {
        fputs("<p>Nothing was evaluated.</p>\n</section>\n", out);
        return;
    }
    begin_table(out, "summary-table", "sortable", "Means over the classes");
    fputs("<thead><tr>", out);
    put_head(out, "data set", false);
    put_head(out, "model", false);
    put_head(out, "scorer", false);
    bool chosen = false;
    for (size_t i = 0; i < results->n_blocks; i++)
        chosen = chosen || radz_chosen_on_test(&page->blocks[i]);
    for (size_t m = 0; m < sizeof shown / sizeof shown[0]; m++) {
        char head[100];
        snprintf(head, sizeof head, "%s%s", radz_metrics[shown[m]].title,
                 chosen && radz_metrics[shown[m]].at_threshold ? "*" : "");
        put_head(out, head, true);
    }
    put_head(out, "images", true);
    put_head(out, "protocol", false);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_block *b = &results->blocks[i];
        char text[200];
        snprintf(text, sizeof text, "%.120s, %.60s%s", b->dataset, b->split, b->subset ? " (subset)" : "");
        fputs("<tr><th scope=\"row\">", out);
        radz_put_html(out, text);
        fputs("</th>", out);
        put_cell(out, b->model, false, false);
        put_cell(out, b->scorer, false, false);
        for (size_t m = 0; m < sizeof shown / sizeof shown[0]; m++)
            put_result(out, radz_block_row(&page->blocks[i], "macro", radz_metrics[shown[m]].name));
        radz_count_text(b->n, text);
        put_cell(out, text, true, false);
        put_cell(out, b->protocol, false, false);
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    end_table(out);
    if (chosen)
        fputs("<p class=\"faint\">* at the threshold that gives the highest F1 on the very labels it is measured on: optimistic, "
              "not a figure for new images.</p>\n", out);
    put_notes(out, &page->document->notes);
    fputs("</section>\n", out);
}

static void put_end(FILE *out)
{
    fprintf(out, "</main>\n<p id=\"status\" class=\"skip\" role=\"status\" aria-live=\"polite\"></p>\n<script>%s</script>\n</body>\n"
            "</html>\n", radz_page_script);
}

static radz_status put_page(const radz_page *page, const radz_page_section *sections, size_t n, radz_error *err)
{
    FILE *out = page->out;
    radz_status st = put_top(out, page->document->title, err);
    fputs("<header>\n<h1>", out);
    radz_put_html(out, page->document->title);
    fputs("</h1>\n<p class=\"faint\">", out);
    radz_put_html(out, page->document->subtitle);
    fputs("; made by radz-bench " RADZ_VERSION "</p>\n", out);
    put_navigation(page, sections, n);
    fputs("</header>\n<main id=\"main\">\n", out);
    put_overview(page);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        st = put_section(page, &page->document->sections[i], &sections[i], err);
    put_findings(page);
    put_skips(page);
    put_absent(page);
    put_cost(page);
    put_provenance(page);
    put_end(out);
    return st;
}

/* ---- cost.html ---- */

radz_status radz_print_cost(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err)
{
    (void)options;
    radz_strbuf title = {0};
    const char *of = results->suite_title != NULL ? results->suite_title : results->suite;
    radz_status st = radz_strbuf_printf(&title, err, "%s: cost", of);
    if (st == RADZ_OK)
        st = put_top(out, title.text, err);
    if (st == RADZ_OK) {
        fputs("<header>\n<h1>", out);
        radz_put_html(out, title.text);
        fputs("</h1>\n<p class=\"faint\">run ", out);
        radz_put_html(out, results->run_id);
        fputs("; made by radz-bench " RADZ_VERSION "</p>\n<nav aria-label=\"Other pages\"><ul><li><a href=\"report.html\">Report</a></li>"
              "</ul></nav>\n</header>\n<main id=\"main\">\n<section aria-label=\"Cost\">\n", out);
        put_costs(out, results);
        fputs("</section>\n", out);
        put_end(out);
    }
    radz_strbuf_free(&title);
    return st;
}

/* ---- report.html ---- */

/* The sections of the document with their blocks and classes; `memory` owns what they point to. */
static radz_status find_sections(const radz_page *page, radz_page_section *sections, size_t n, radz_arena *memory,
                                 radz_error *err)
{
    const radz_results *results = page->results;
    size_t block = 0;
    for (size_t s = 0; s < n; s++, block++) {
        for (bool seen = true; seen; block += seen) { /* the first block of a section not met before */
            seen = false;
            for (size_t j = 0; j < block; j++)
                seen = seen || radz_same_section(&results->blocks[j], &results->blocks[block]);
        }
        size_t *members = radz_arena_alloc(memory, results->n_blocks, sizeof *members, err), count = 0;
        radz_strlist *classes = radz_arena_alloc(memory, 1, sizeof *classes, err);
        char *id = radz_arena_printf(memory, err, "data-%zu", s + 1);
        if (members == NULL || classes == NULL || id == NULL)
            return RADZ_E_NOMEM;
        for (size_t j = block; j < results->n_blocks; j++)
            if (radz_same_section(&results->blocks[j], &results->blocks[block]))
                members[count++] = j;
        sections[s] = (radz_page_section){id, members, count, classes};
        radz_status st = radz_classes_in_order(results, page->blocks, members, count, classes, err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

radz_status radz_print_html(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err)
{
    radz_document document = {0};
    radz_arena memory = {0};
    size_t n = results->n_blocks;
    radz_block_rows *blocks = radz_calloc(n, sizeof *blocks, err);
    size_t *pair_of = radz_calloc(n, sizeof *pair_of, err);
    radz_page_section *sections = radz_calloc(n, sizeof *sections, err);
    radz_status st = blocks == NULL || pair_of == NULL || sections == NULL ? RADZ_E_NOMEM : RADZ_OK;
    if (st == RADZ_OK)
        st = radz_document_build(results, &document, err);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        st = radz_block_rows_get(results, &results->blocks[i], &blocks[i], err);
    radz_page page = {out, results, &document, blocks, pair_of, options->dir, options->costs};
    if (st == RADZ_OK) {
        radz_number_pairs(results, pair_of);
        st = find_sections(&page, sections, document.n_sections, &memory, err);
    }
    if (st == RADZ_OK)
        st = put_page(&page, sections, document.n_sections, err);
    for (size_t i = 0; sections != NULL && i < n; i++)
        if (sections[i].classes != NULL)
            radz_strlist_free(sections[i].classes);
    for (size_t i = 0; blocks != NULL && i < n; i++)
        radz_block_rows_free(&blocks[i]);
    radz_document_free(&document);
    radz_arena_free(&memory);
    free(sections);
    free(pair_of);
    free(blocks);
    return st;
}
