#include "report/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/detail.h"
#include "report/escape.h"

const radz_printer radz_printers[] = {
    {"table", NULL, "tables for a terminal", radz_print_text},
    {"md", "table.md", "tables in Markdown, with notes and provenance", radz_print_markdown},
    {"tex", "table.tex", "tables in LaTeX (booktabs), ready for \\input", radz_print_latex},
    {"details", NULL, "all detail tables (DeLong, calibration, subgroups, ...) for a terminal", radz_print_details},
    {"html", "report.html", "everything on one page that needs nothing but itself", radz_print_html},
    {"cost", "cost.html", "seconds, rates and memory on a page beside it (differs from run to run)", radz_print_cost},
    {"csv", "metrics.csv", "every number, one a line", radz_print_csv},
    {"json", "results.json", "everything but timings; `report` and `plot` read it back", radz_print_json},
    {"timing", "timing.json", "seconds, rates, cache hits, peak memory (differs from run to run)", radz_print_timing},
    {NULL, NULL, NULL, NULL},
};

static const char *nth_name(const void *context, size_t i)
{
    (void)context;
    return i < sizeof radz_printers / sizeof radz_printers[0] ? radz_printers[i].name : NULL;
}

radz_status radz_printer_find(const char *name, const radz_printer **out, radz_error *err)
{
    for (*out = radz_printers; (*out)->name != NULL; (*out)++)
        if (strcmp((*out)->name, name) == 0)
            return RADZ_OK;
    *out = NULL;
    return radz_fail_unknown(err, "format", name, nth_name, NULL);
}

radz_status radz_results_print(const radz_results *results, const char *format, const radz_print_options *options,
                               FILE *out, radz_error *err)
{
    static const radz_print_options plain = {0};
    const radz_printer *printer;
    radz_status st = radz_printer_find(format, &printer, err);
    if (st == RADZ_OK)
        st = printer->print(results, options == NULL ? &plain : options, out, err);
    if (st == RADZ_OK && (fflush(out) != 0 || ferror(out)))
        st = radz_fail(err, RADZ_E_IO, "cannot write the %s report: %s", format, strerror(errno));
    return st;
}

radz_status radz_results_write(const radz_results *results, const char *dir, radz_error *err)
{
    const radz_print_options options = {.dir = dir};
    radz_status st = radz_mkdirs(dir, err);
    for (const radz_printer *printer = radz_printers; printer->name != NULL && st == RADZ_OK; printer++) {
        bool timed = printer->print == radz_print_timing || printer->print == radz_print_cost;
        bool nothing_timed = timed && results->n_stages == 0 && results->total_seconds == 0;
        if (printer->file == NULL || nothing_timed) /* results read back hold no timings: the old file stays */
            continue;
        char *path = radz_path_join(dir, printer->file, err);
        if (path == NULL)
            return RADZ_E_NOMEM;
        radz_out out;
        st = radz_out_open(path, &out, err);
        if (st == RADZ_OK && (st = printer->print(results, &options, out.stream, err)) == RADZ_OK)
            st = radz_out_commit(&out, err);
        else if (out.stream != NULL)
            radz_out_abandon(&out);
        free(path);
    }
    return st == RADZ_OK ? radz_details_write(results, dir, err) : st;
}

char *radz_run_file(const char *dir, const char *kind, const char *dataset, const char *model, const char *scorer,
                    radz_error *err)
{
    radz_strbuf name = {0};
    const char *parts[] = {dataset, model, scorer};
    char *path = NULL;
    radz_status st = radz_strbuf_puts(&name, kind, err);
    for (size_t i = 0; i < 3 && st == RADZ_OK; i++) {
        if (parts[i] == NULL)
            continue;
        st = radz_strbuf_puts(&name, "-", err);
        if (st == RADZ_OK)
            st = radz_put_file_part(&name, parts[i], err);
    }
    if (st == RADZ_OK)
        st = radz_strbuf_puts(&name, ".csv", err);
    if (st == RADZ_OK)
        path = radz_path_join(dir, name.text, err);
    radz_strbuf_free(&name);
    return path;
}

radz_status radz_scores_write(const char *dir, const char *dataset, const char *model, const char *scorer,
                              const char *const *images, size_t n, const char *const *classes, size_t n_classes,
                              const double *scores, radz_error *err)
{
    radz_out out = {0};
    char *path = radz_run_file(dir, "scores", dataset, model, scorer, err);
    radz_status st = path != NULL ? radz_out_open(path, &out, err) : RADZ_E_NOMEM;
    free(path);
    if (st != RADZ_OK)
        return st;
    fputs("image", out.stream);
    for (size_t c = 0; c < n_classes; c++) {
        putc(',', out.stream);
        radz_put_csv(out.stream, classes[c]);
    }
    putc('\n', out.stream);
    for (size_t i = 0; i < n; i++) {
        radz_put_csv(out.stream, images[i]);
        for (size_t c = 0; c < n_classes; c++) {
            putc(',', out.stream);
            radz_put_number(out.stream, scores[i * n_classes + c]);
        }
        putc('\n', out.stream);
    }
    return radz_out_commit(&out, err);
}

radz_status radz_labels_write(const char *dir, const char *dataset, const char *const *images, const uint32_t *patients,
                              size_t n, const char *const *classes, size_t n_classes, const int8_t *labels,
                              radz_error *err)
{
    radz_out out = {0};
    char *path = radz_run_file(dir, "labels", dataset, NULL, NULL, err);
    radz_status st = path != NULL ? radz_out_open(path, &out, err) : RADZ_E_NOMEM;
    free(path);
    if (st != RADZ_OK)
        return st;
    fputs("image,patient", out.stream);
    for (size_t c = 0; c < n_classes; c++) {
        putc(',', out.stream);
        radz_put_csv(out.stream, classes[c]);
    }
    putc('\n', out.stream);
    for (size_t i = 0; i < n; i++) {
        radz_put_csv(out.stream, images[i]);
        fprintf(out.stream, ",%lu", (unsigned long)patients[i]);
        for (size_t c = 0; c < n_classes; c++) {
            int8_t label = labels[i * n_classes + c];
            fputs(label == 1 ? ",1" : label == 0 ? ",0" : ",", out.stream);
        }
        putc('\n', out.stream);
    }
    return radz_out_commit(&out, err);
}
