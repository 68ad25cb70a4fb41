#include "report/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "report/escape.h"
#include "report/figure_parts.h"

enum { SETS_BESIDE = 4 /* data sets in one table: three figures each fit a page's width */ };

typedef struct figures {
    const radz_figures_input *input;
    radz_plot_set set;
    const char *dir;
    radz_strlist *absent;
    radz_strbuf document; /* body of figures.tex */
    radz_status st;       /* sticky */
    radz_error *err;
} figures;

static void miss(figures *f, const char *what, const char *why)
{
    radz_strbuf line = {0};
    if (f->st == RADZ_OK && f->absent != NULL) {
        f->st = radz_strbuf_printf(&line, f->err, "%s: %s", what, why);
        if (f->st == RADZ_OK)
            f->st = radz_strlist_add(f->absent, line.text, f->err);
    }
    radz_strbuf_free(&line);
}

static void add_to_document(figures *f, const char *text)
{
    if (f->st == RADZ_OK)
        f->st = radz_strbuf_puts(&f->document, text, f->err);
}

/* ---- tables ---- */

static const char *const heads[] = {"AUC", "F1", "ACC"}, *const metrics[] = {"auc", "f1", "acc"};

static void put_percent(FILE *out, double percent)
{
    if (isnan(percent))
        fputs(" &", out); /* not known: empty */
    else
        fprintf(out, " & %.2f", percent); /* as the sources print theirs */
}

/* A block of the table: one that needed no labels, asked or not. */
static bool is_row(const figures *f, size_t block, bool asked)
{
    return f->input->asked[block] == asked && radz_detail_of(f->input->results, block, "few_shot") == NULL;
}

static bool wanted(const figures *f, const radz_published *p, bool asked)
{
    (void)f;
    return p->asked == asked && p->class_name == NULL && isnan(p->labels);
}

/* The data sets of a table: those of our rows first. */
static radz_status collect_sets(const figures *f, bool asked, radz_strlist *out, bool *any_own, radz_error *err)
{
    const radz_results *results = f->input->results;
    radz_status st = RADZ_OK;
    *any_own = false;
    for (size_t i = 0; i < results->n_blocks && st == RADZ_OK; i++) {
        if (!is_row(f, i, asked))
            continue;
        *any_own = true;
        if (!radz_strlist_has(out, results->blocks[i].dataset))
            st = radz_strlist_add(out, results->blocks[i].dataset, err);
    }
    for (size_t i = 0; i < f->input->n_published && st == RADZ_OK; i++) {
        const radz_published *p = &f->input->published[i];
        if (wanted(f, p, asked) && p->dataset != NULL && !radz_strlist_has(out, p->dataset))
            st = radz_strlist_add(out, p->dataset, err);
    }
    return st;
}

static const radz_published *published_of(const figures *f, bool asked, const char *method, const char *source,
                                          const char *dataset)
{
    for (size_t i = 0; i < f->input->n_published; i++) {
        const radz_published *p = &f->input->published[i];
        if (wanted(f, p, asked) && strcmp(p->method, method) == 0 && strcmp(p->source, source) == 0 && p->dataset != NULL &&
            strcmp(p->dataset, dataset) == 0)
            return p;
    }
    return NULL;
}

/* Which of the sources, in order of first appearance: "a", "b", ... */
static char source_letter(const radz_strlist *sources, const char *source)
{
    for (size_t i = 0; i < sources->count; i++)
        if (strcmp(sources->items[i], source) == 0)
            return (char)('a' + i % 26);
    return '?';
}

static radz_status put_published(figures *f, FILE *out, bool asked, const radz_strlist *sets, size_t from, size_t to,
                                 radz_strlist *sources, radz_strlist *notes)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < f->input->n_published && st == RADZ_OK; i++) {
        const radz_published *p = &f->input->published[i];
        bool first = wanted(f, p, asked);
        for (size_t j = 0; j < i && first; j++)
            first = !(wanted(f, &f->input->published[j], asked) && strcmp(f->input->published[j].method, p->method) == 0 &&
                      strcmp(f->input->published[j].source, p->source) == 0);
        if (!first)
            continue;
        radz_strbuf source = {0};
        st = radz_strbuf_printf(&source, f->err, "%s; protocol %s", p->source, p->protocol);
        if (st == RADZ_OK && !radz_strlist_has(sources, source.text))
            st = radz_strlist_add(sources, source.text, f->err);
        if (st == RADZ_OK) {
            radz_put_latex(out, p->method);
            fprintf(out, "\\textsuperscript{%c}", source_letter(sources, source.text));
            for (size_t s = from; s < to; s++) {
                const radz_published *figure = published_of(f, asked, p->method, p->source, sets->items[s]);
                put_percent(out, figure == NULL ? NAN : figure->auc);
                put_percent(out, figure == NULL ? NAN : figure->f1);
                put_percent(out, figure == NULL ? NAN : figure->acc);
            }
            fputs(" \\\\\n", out);
            radz_strbuf note = {0};
            if (p->note != NULL)
                st = radz_strbuf_printf(&note, f->err, "%s: %s", p->method, p->note);
            if (st == RADZ_OK && p->note != NULL && !radz_strlist_has(notes, note.text))
                st = radz_strlist_add(notes, note.text, f->err);
            radz_strbuf_free(&note);
        }
        radz_strbuf_free(&source);
    }
    return st;
}

static void put_own(figures *f, FILE *out, bool asked, const radz_strlist *sets, size_t from, size_t to, bool *optimistic)
{
    const radz_results *results = f->input->results;
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_block *b = &results->blocks[i];
        bool first = is_row(f, i, asked);
        for (size_t j = 0; j < i && first; j++)
            first = f->set.pair_of[j] != f->set.pair_of[i] || strcmp(results->blocks[j].protocol, b->protocol) != 0;
        if (!first)
            continue;
        radz_put_latex(out, b->model);
        fputs(" / ", out);
        radz_put_latex(out, b->scorer);
        for (size_t s = from; s < to; s++) {
            size_t block = results->n_blocks;
            for (size_t j = i; j < results->n_blocks && block == results->n_blocks; j++)
                if (f->set.pair_of[j] == f->set.pair_of[i] && strcmp(results->blocks[j].protocol, b->protocol) == 0 &&
                    strcmp(results->blocks[j].dataset, sets->items[s]) == 0 && is_row(f, j, asked))
                    block = j;
            for (size_t m = 0; m < 3; m++) {
                const radz_result_row *row =
                    block == results->n_blocks ? NULL : radz_block_row(&f->set.blocks[block], "macro", metrics[m]);
                put_percent(out, row == NULL ? NAN : 100 * row->value);
                if (row != NULL && !isnan(row->value) && m > 0 && radz_chosen_on_test(&f->set.blocks[block])) {
                    fputs("*", out);
                    *optimistic = true;
                }
            }
        }
        fputs(" \\\\\n", out);
    }
}

/* A line of small print under a table. */
static void put_line(FILE *out, const char *text)
{
    fputs("\\par{\\raggedright\\scriptsize ", out);
    radz_put_latex(out, text);
    fputs("\\par}\n", out);
}

static radz_status put_set_notes(figures *f, FILE *out, bool asked)
{
    const radz_results *results = f->input->results;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < results->n_blocks && st == RADZ_OK; i++) {
        const radz_result_block *b = &results->blocks[i];
        bool first = is_row(f, i, asked);
        for (size_t j = 0; j < i && first; j++)
            first = !radz_same_section(b, &results->blocks[j]) || strcmp(b->protocol, results->blocks[j].protocol) != 0;
        if (!first)
            continue;
        char count[32], line[600];
        radz_count_text(b->n, count);
        snprintf(line, sizeof line, "%.100s: ours on split %.60s, %s%s images%s, protocol %.60s", b->dataset, b->split, count,
                 b->synthetic ? " SYNTHETIC" : "", b->subset ? " (a subset)" : "", b->protocol);
        put_line(out, line);
    }
    return st;
}

static radz_status put_part(figures *f, FILE *out, bool asked, const radz_strlist *sets, size_t from, size_t to, bool any_own)
{
    size_t columns = 1 + 3 * (to - from);
    radz_strlist sources = {0}, notes = {0};
    bool optimistic = false;
    fputs("\\begin{tabular}{@{}l", out);
    for (size_t s = from; s < to; s++)
        fputs(" rrr", out);
    fputs("@{}}\n\\toprule\n", out);
    for (size_t s = from; s < to; s++) {
        fputs(" & \\multicolumn{3}{c}{", out);
        radz_put_latex(out, sets->items[s]);
        putc('}', out);
    }
    fputs(" \\\\\n", out);
    for (size_t s = from; s < to; s++)
        fprintf(out, "\\cmidrule(lr){%zu-%zu} ", 2 + 3 * (s - from), 4 + 3 * (s - from));
    fputs("\n", out);
    for (size_t s = from; s < to; s++)
        for (size_t m = 0; m < 3; m++)
            fprintf(out, " & %s", heads[m]);
    fputs(" \\\\\n\\midrule\n", out);
    radz_status st = put_published(f, out, asked, sets, from, to, &sources, &notes);
    fputs("\\midrule\n", out);
    if (any_own)
        put_own(f, out, asked, sets, from, to, &optimistic);
    else
        fprintf(out, "\\multicolumn{%zu}{@{}l@{}}{\\emph{no such model in these results}} \\\\\n", columns);
    fputs("\\bottomrule\n\\end{tabular}\n\\smallskip\n", out);
    put_line(out, "Percent, means over the classes that have a value. Empty: not available. Published figures stand as printed "
                           "by their sources; data, classes and protocols differ:");
    for (size_t i = 0; i < sources.count; i++) {
        char line[900];
        snprintf(line, sizeof line, "%c: %.880s", (char)('a' + i % 26), sources.items[i]);
        put_line(out, line);
    }
    for (size_t i = 0; i < notes.count; i++)
        put_line(out, notes.items[i]);
    if (st == RADZ_OK)
        st = put_set_notes(f, out, asked);
    if (optimistic)
        put_line(out, "*: at the threshold of the highest F1 on the very labels it is measured on: optimistic");
    radz_strlist_free(&sources);
    radz_strlist_free(&notes);
    return st;
}

static void write_table(figures *f, const char *name, const char *title, const char *text)
{
    radz_strbuf path = {0};
    if (f->st == RADZ_OK)
        f->st = radz_strbuf_printf(&path, f->err, "%s/%s.tex", f->dir, name);
    if (f->st == RADZ_OK)
        f->st = radz_file_write(path.text, text, strlen(text), f->err);
    if (f->st == RADZ_OK)
        f->st = radz_strbuf_printf(&f->document, f->err, "\\begin{table}[p]\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}\n"
                                   "\\caption{%s}\n\\input{%s}\n\\end{table}\n\n", title, name);
    radz_strbuf_free(&path);
}

static void comparison_table(figures *f, bool asked, const char *name, const char *title, const char *how)
{
    radz_strlist sets = {0};
    bool any_own = false;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        f->st = radz_fail(f->err, RADZ_E_NOMEM, "out of memory for the table '%s'", name);
    if (f->st == RADZ_OK)
        f->st = collect_sets(f, asked, &sets, &any_own, f->err);
    if (f->st == RADZ_OK && sets.count == 0) /* rows without figures only: one column that stays empty */
        f->st = radz_strlist_add(&sets, "no data set", f->err);
    for (size_t from = 0; from < sets.count && f->st == RADZ_OK; from += SETS_BESIDE) {
        if (from > 0)
            fputs("\n\\medskip\n\n", out);
        f->st = put_part(f, out, asked, &sets, from, from + SETS_BESIDE < sets.count ? from + SETS_BESIDE : sets.count, any_own);
    }
    if (out != NULL && fclose(out) != 0 && f->st == RADZ_OK)
        f->st = radz_fail(f->err, RADZ_E_NOMEM, "out of memory for the table '%s'", name);
    if (f->st == RADZ_OK)
        write_table(f, name, title, text);
    if (!any_own)
        miss(f, name, how);
    free(text);
    radz_strlist_free(&sets);
}

/* Detail table "few_shot": a row for each block and share of the labels. */
static void few_shot_table(figures *f)
{
    const radz_results *results = f->input->results;
    char *text = NULL;
    size_t size = 0, rows = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        f->st = radz_fail(f->err, RADZ_E_NOMEM, "out of memory for the table 'table-few-shot'");
        return;
    }
    fputs("\\begin{tabular}{@{}llrrrr@{}}\n\\toprule\ndata set & features & labels, \\% & draws & AUC & spread \\\\\n\\midrule\n", out);
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_detail *d = radz_detail_of(results, i, "few_shot");
        for (size_t r = 0; d != NULL && r < d->n_rows; r++) {
            double auc = radz_detail_number(d, r, "auc_mean"), spread = radz_detail_number(d, r, "auc_sd");
            if (strcmp(radz_detail_text(d, r, "class"), "macro") != 0)
                continue;
            radz_put_latex(out, results->blocks[i].dataset);
            fputs(" & ", out);
            radz_put_latex(out, results->blocks[i].model);
            fprintf(out, " & %g & %g", radz_detail_number(d, r, "percent"), radz_detail_number(d, r, "draws"));
            put_percent(out, 100 * auc);
            put_percent(out, 100 * spread);
            fputs(" \\\\\n", out);
            rows++;
        }
    }
    if (rows == 0)
        fputs("\\multicolumn{6}{@{}l@{}}{\\emph{no few-shot figures in these results (make them with \\texttt{radz-bench probe})}} \\\\\n", out);
    for (size_t i = 0; i < f->input->n_published; i++) {
        const radz_published *p = &f->input->published[i];
        if (isnan(p->labels) || p->dataset == NULL || p->class_name != NULL)
            continue;
        radz_put_latex(out, p->dataset);
        fputs(" & ", out);
        radz_put_latex(out, p->method);
        fprintf(out, " & %g &", p->labels);
        put_percent(out, p->auc);
        fputs(" & \\\\\n", out);
    }
    fputs("\\bottomrule\n\\end{tabular}\n\\smallskip\n", out);
    put_line(out, "Linear probe on frozen features; AUC in percent, mean over the classes, mean and standard deviation over seeded draws "
                     "of the labels.");
    if (fclose(out) != 0 && f->st == RADZ_OK)
        f->st = radz_fail(f->err, RADZ_E_NOMEM, "out of memory for the table 'table-few-shot'");
    if (f->st == RADZ_OK)
        write_table(f, "table-few-shot", "Few labels: linear probes on frozen features.", text);
    if (rows == 0)
        miss(f, "table-few-shot", "no few-shot figures in these results: `radz-bench probe` makes them");
    free(text);
}

/* ---- plots ---- */

static void absent_plot(figures *f, const char *name, const char *const *lines, size_t n)
{
    if (f->st == RADZ_OK)
        f->st = radz_plot_absent(&f->set, name, lines, n, f->err);
    miss(f, name, lines[n - 1]);
}

static void all_radars(figures *f)
{
    const radz_results *results = f->input->results;
    size_t *members = radz_calloc(results->n_blocks, sizeof *members, f->err);
    f->st = members == NULL ? RADZ_E_NOMEM : f->st;
    for (size_t i = 0; i < results->n_blocks && f->st == RADZ_OK; i++) {
        bool first = true;
        size_t n = 0;
        for (size_t j = 0; j < i; j++)
            first = first && !radz_same_section(&results->blocks[i], &results->blocks[j]);
        for (size_t j = i; j < results->n_blocks && first; j++)
            if (radz_same_section(&results->blocks[i], &results->blocks[j]))
                members[n++] = j;
        if (first)
            f->st = radz_plot_radar(&f->set, members, n, f->input->published, f->input->n_published, f->err);
    }
    free(members);
}

static void all_ablations(figures *f)
{
    static const char *const factors[] = {"tokens", "layer", "temperature"};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0] && f->st == RADZ_OK; i++) {
        char name[64], first[100], second[140];
        snprintf(name, sizeof name, "ablation-%s", factors[i]);
        snprintf(first, sizeof first, "No ablation over the factor '%s' here.", factors[i]);
        snprintf(second, sizeof second, "needs the detail table 'ablation' with factor '%s'", factors[i]);
        if (!radz_strlist_has(&f->set.names, name)) /* else it is among all plots of a run */
            absent_plot(f, name, (const char *const[]){first, second}, 2);
    }
}

static void all_maps(figures *f)
{
    for (size_t i = 0; i < f->input->n_maps && f->st == RADZ_OK; i++)
        f->st = radz_plot_tsne(&f->set, &f->input->maps[i], f->err);
    if (f->st == RADZ_OK && f->input->n_maps == 0)
        absent_plot(f, "tsne", (const char *const[]){"No features to lay out.",
                                                    f->input->no_maps != NULL ? f->input->no_maps : "no embeddings in the cache"}, 2);
}

static void all_plots(figures *f)
{
    bool any = false;
    if (f->st == RADZ_OK)
        f->st = radz_plot_set_all(&f->set, f->err);
    if (f->st == RADZ_OK)
        all_radars(f);
    if (f->st == RADZ_OK)
        all_ablations(f);
    if (f->st == RADZ_OK)
        all_maps(f);
    if (f->st == RADZ_OK)
        f->st = radz_plot_cost(&f->set, &any, f->err);
    if (f->st == RADZ_OK && !any)
        absent_plot(f, "cost-auc", (const char *const[]){"No time of an image is known.",
                                                        "no timing.json, or every image came from the cache"}, 2);
    for (size_t i = 0; i < f->set.names.count && f->st == RADZ_OK; i++)
        f->st = radz_strbuf_printf(&f->document, f->err, "\\begin{figure}[p]\\centering\\includegraphics{%s.pdf}\n"
                                   "\\caption{\\texttt{\\detokenize{%s}}}\n\\end{figure}\n\n", f->set.names.items[i],
                                   f->set.names.items[i]);
}

/* ---- the whole ---- */

radz_status radz_figures_write(const radz_figures_input *input, const char *dir, bool draw, radz_strlist *absent,
                               radz_error *err)
{
    figures f = {.input = input, .dir = dir, .absent = absent, .err = err};
    if (input->results->n_blocks == 0)
        return radz_fail(err, RADZ_E_MISSING, "run '%s' has evaluated nothing: there is nothing to draw", input->results->run_id);
    f.st = radz_plot_set_open(input->results, &f.set, err);
    if (f.st == RADZ_OK)
        f.st = radz_mkdirs(dir, err);
    add_to_document(&f, "% pdflatex figures.tex compiles this; copy what is needed. Sizes are those of print: do not scale.\n"
                        "\\documentclass[10pt]{article}\n\\usepackage[T1]{fontenc}\n"
                        "\\IfFileExists{lmodern.sty}{\\usepackage{lmodern}}{} % letters as outlines, not bitmaps\n\\usepackage[utf8]{inputenc}\n"
                        "\\usepackage[margin=9mm]{geometry}\n\\usepackage{booktabs,graphicx,textcomp}\n"
                        "\\begin{document}\n\n");
    if (f.st == RADZ_OK)
        comparison_table(&f, false, "table-zero-shot", "Zero-shot recognition.", "no model with embeddings in these results");
    if (f.st == RADZ_OK)
        comparison_table(&f, true, "table-mllm", "Multimodal language models that are asked.",
                         "no scorer that asks questions in these results");
    if (f.st == RADZ_OK)
        few_shot_table(&f);
    if (f.st == RADZ_OK)
        all_plots(&f);
    add_to_document(&f, "\\end{document}\n");
    char *path = f.st == RADZ_OK ? radz_path_join(dir, "figures.tex", err) : NULL;
    if (f.st == RADZ_OK)
        f.st = path == NULL ? RADZ_E_NOMEM : radz_file_write(path, f.document.text, f.document.length, err);
    if (f.st == RADZ_OK)
        f.st = radz_plot_set_write(&f.set, dir, draw, err);
    radz_plot_set_close(&f.set);
    radz_strbuf_free(&f.document);
    free(path);
    return f.st;
}
