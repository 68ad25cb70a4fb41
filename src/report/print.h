/* The printers: one per output format, in one table. */
#ifndef RADZ_REPORT_PRINT_H
#define RADZ_REPORT_PRINT_H

#include <stdio.h>

#include "report/results.h"

typedef struct radz_print_options {
    bool colour; /* terminal escapes; only the table printer looks at it */
    size_t width; /* columns of the table printer; 0: 100 */
    const char *dir; /* the run's folder; only the HTML printer looks at it, for pictures; NULL: none */
    bool costs;      /* HTML printer: times and memory on the page itself; they make it another page after each run */
} radz_print_options;

typedef struct radz_printer {
    const char *name;        /* as in `report --format NAME` */
    const char *file;        /* in the run's folder; NULL: goes to the terminal only */
    const char *description; /* one line */
    /* Writes to `out`, which may fail silently: the caller checks ferror. */
    radz_status (*print)(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err);
} radz_printer;

extern const radz_printer radz_printers[]; /* table, md, tex, html, cost, details, csv, json, timing; ends with name == NULL */
/* An unknown name fails with the list of known ones (RADZ_E_USAGE). */
radz_status radz_printer_find(const char *name, const radz_printer **out, radz_error *err) RADZ_MUST_USE;
/* Finds and prints; `options` may be NULL. A stream that refuses is RADZ_E_IO. */
radz_status radz_results_print(const radz_results *results, const char *format, const radz_print_options *options,
                               FILE *out, radz_error *err) RADZ_MUST_USE;

/* The entries of the table. */
radz_status radz_print_text(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err);
radz_status radz_print_markdown(const radz_results *results, const radz_print_options *options, FILE *out,
                                radz_error *err);
radz_status radz_print_latex(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err);
radz_status radz_print_details(const radz_results *results, const radz_print_options *options, FILE *out,
                               radz_error *err);
radz_status radz_print_html(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err);
radz_status radz_print_cost(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err);
radz_status radz_print_csv(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err);
radz_status radz_print_json(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err);
radz_status radz_print_timing(const radz_results *results, const radz_print_options *options, FILE *out,
                              radz_error *err);

#endif
