/* radz-bench check: faults in data sets, before they become figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "bench/command.h"
#include "bench/terminal.h"
#include "report/tables.h"
#include "run/checkup.h"
#include "run/home.h"
#include "run/plan.h"

/* ---- text ---- */

static int widest_class(const radz_split_counts *splits, size_t n)
{
    size_t width = 5;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < splits[i].n_classes; k++)
            width = strlen(splits[i].classes[k]) > width ? strlen(splits[i].classes[k]) : width;
    return (int)width;
}

/* Columns wide enough for the splits' names. */
static int split_width(const radz_split_counts *splits, size_t n)
{
    size_t width = 11;
    for (size_t i = 0; i < n; i++)
        width = strlen(splits[i].split) > width ? strlen(splits[i].split) : width;
    return (int)width;
}

static void print_count(size_t count, uint64_t published, bool known, int width)
{
    char text[32], cell[40];
    radz_count_text(count, text);
    snprintf(cell, sizeof cell, "%s%s", text, known && published != count ? "!" : " ");
    printf("%*s", width + 1, cell);
}

/* Images, patients and files of each split, and the positives of each class. */
static void print_counts(const radz_split_counts *splits, size_t n)
{
    bool differs = false, masked = false;
    int name = split_width(splits, n);
    printf("  %-*s %11s %11s %11s  %s\n", name + 1, "split", "images", "patients", "with file", "fingerprint");
    for (size_t i = 0; i < n; i++) {
        const radz_split_counts *s = &splits[i];
        printf("  %-*s", name + 1, s->split);
        print_count(s->images, s->images_published, s->images_published != 0, 11);
        print_count(s->patients, s->patients_published, s->patients_published != 0, 11);
        print_count(s->files, 0, false, 11);
        printf(" %.16s%s%s\n", s->fingerprint, s->as_published ? "  as published" : "", s->evaluated ? "  (evaluated)" : "");
        differs = differs || (s->images_published != 0 && s->images_published != s->images) ||
                  (s->patients_published != 0 && s->patients_published != s->patients);
    }
    int width = n > 0 ? widest_class(splits, n) : 0;
    if (n > 0 && splits[0].n_classes > 0) {
        printf("\n  %-*s", width, "positives");
        for (size_t i = 0; i < n; i++)
            printf(" %*s ", name, splits[i].split);
        putchar('\n');
    }
    for (size_t k = 0; n > 0 && k < splits[0].n_classes; k++) {
        printf("  %-*s", width, splits[0].classes[k]);
        for (size_t i = 0; i < n; i++) {
            const radz_split_counts *s = &splits[i];
            bool known = s->positives_published != NULL;
            print_count(s->positives[k], known ? s->positives_published[k] : 0, known, name + 1);
            differs = differs || (known && s->positives_published[k] != s->positives[k]);
            masked = masked || s->masked[k] > 0;
        }
        putchar('\n');
    }
    if (differs)
        printf("  ! is not the published number\n");
    if (masked)
        printf("  images masked for a class count for neither side\n");
    if (n > 0)
        putchar('\n');
}

static void print_finding(const radz_finding *f, bool colour)
{
    static const char *const colours[] = {"", "\033[33m", "\033[31m"};
    const char *start = colour ? colours[f->severity] : "", *end = colour && *start != '\0' ? "\033[0m" : "";
    printf("%s%-8s%s %s%s%s: %s", start, radz_severity_name(f->severity), end, f->dataset, f->split != NULL ? "/" : "",
           f->split != NULL ? f->split : "", f->what);
    putchar('\n');
    for (int i = 0; i < RADZ_FINDING_EXAMPLES && f->examples[i] != NULL; i++)
        printf("         %s%s\n", i == 0 ? "e.g. " : "     ", f->examples[i]);
    if (f->effect != NULL && f->effect[0] != '\0')
        printf("         effect: %s\n", f->effect);
}

/* ---- JSON ---- */

static void write_finding(radz_json_writer *w, const radz_finding *f)
{
    radz_json_object_begin(w, NULL);
    radz_json_put_string(w, "severity", radz_severity_name(f->severity));
    radz_json_put_string(w, "code", f->code);
    radz_json_put_string(w, "split", f->split);
    radz_json_put_string(w, "what", f->what);
    radz_json_put_string(w, "effect", f->effect);
    radz_json_put_i64(w, "count", (int64_t)f->count);
    radz_json_array_begin(w, "examples");
    for (int i = 0; i < RADZ_FINDING_EXAMPLES && f->examples[i] != NULL; i++)
        radz_json_put_string(w, NULL, f->examples[i]);
    radz_json_array_end(w);
    radz_json_object_end(w);
}

static void write_published(radz_json_writer *w, const char *key, uint64_t count)
{
    if (count != 0)
        radz_json_put_i64(w, key, (int64_t)count);
    else
        radz_json_put_string(w, key, NULL);
}

static void write_counts(radz_json_writer *w, const radz_split_counts *s)
{
    radz_json_object_begin(w, NULL);
    radz_json_put_string(w, "split", s->split);
    radz_json_put_bool(w, "evaluated", s->evaluated);
    radz_json_put_i64(w, "images", (int64_t)s->images);
    write_published(w, "images_published", s->images_published);
    radz_json_put_i64(w, "patients", (int64_t)s->patients);
    write_published(w, "patients_published", s->patients_published);
    radz_json_put_i64(w, "files", (int64_t)s->files);
    radz_json_put_string(w, "fingerprint", s->fingerprint);
    radz_json_put_bool(w, "as_published", s->as_published);
    radz_json_array_begin(w, "classes");
    for (size_t k = 0; k < s->n_classes; k++) {
        radz_json_object_begin(w, NULL);
        radz_json_put_string(w, "class", s->classes[k]);
        radz_json_put_i64(w, "positives", (int64_t)s->positives[k]);
        if (s->positives_published != NULL)
            radz_json_put_i64(w, "positives_published", (int64_t)s->positives_published[k]);
        else
            radz_json_put_string(w, "positives_published", NULL);
        radz_json_put_i64(w, "masked", (int64_t)s->masked[k]);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
    radz_json_object_end(w);
}

/* ---- the command ---- */

static void show_dataset(const radz_plan_dataset *d, const radz_findings *findings, radz_json_writer *json)
{
    const char *name = d->card->base.name;
    bool here = d->location.presence == RADZ_DATASET_HERE;
    size_t first = 0, splits = 0, shown = 0;
    while (first < findings->n_splits && strcmp(findings->splits[first].dataset, name) != 0)
        first++;
    while (first + splits < findings->n_splits && strcmp(findings->splits[first + splits].dataset, name) == 0)
        splits++;
    if (json != NULL) {
        radz_json_object_begin(json, NULL);
        radz_json_put_string(json, "dataset", name);
        radz_json_put_bool(json, "here", here);
        radz_json_put_string(json, "hint", d->location.hint);
        radz_json_array_begin(json, "splits");
        for (size_t i = 0; i < splits; i++)
            write_counts(json, &findings->splits[first + i]);
        radz_json_array_end(json);
        radz_json_array_begin(json, "findings");
        for (size_t i = 0; i < findings->count; i++)
            if (strcmp(findings->items[i].dataset, name) == 0)
                write_finding(json, &findings->items[i]);
        radz_json_array_end(json);
        radz_json_object_end(json);
        return;
    }
    if (!here) {
        printf("%-8s %s: %s\n\n", "not here", name, d->location.hint);
        return;
    }
    printf("%s: %s\n\n", name, d->card->base.title);
    print_counts(&findings->splits[first], splits);
    for (int severity = RADZ_SEVERITY_ERROR; severity >= RADZ_SEVERITY_INFO; severity--)
        for (size_t i = 0; i < findings->count; i++)
            if (strcmp(findings->items[i].dataset, name) == 0 && findings->items[i].severity == (radz_severity)severity) {
                print_finding(&findings->items[i], radz_terminal_is_tty());
                shown++;
            }
    if (shown == 0)
        printf("%-8s %s: nothing to report\n", "ok", name);
    putchar('\n');
}

/* Named data sets may be any; otherwise those of the suite. */
static radz_status collect_names(const radz_home *home, const radz_options *options, radz_strlist *names, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < options->datasets.count; i++)
        if (!radz_strlist_has(names, options->datasets.items[i]))
            st = radz_strlist_add(names, options->datasets.items[i], err);
    if (st != RADZ_OK || names->count > 0)
        return st;
    radz_plan *plan = NULL;
    st = radz_plan_create(home, options->suite != NULL ? options->suite : "chest", &(radz_plan_filter){0}, &plan, err);
    for (size_t i = 0; st == RADZ_OK && i < plan->n_datasets; i++)
        st = radz_strlist_add(names, plan->datasets[i].card->base.name, err);
    radz_plan_free(plan);
    return st;
}

static radz_status check_all(const radz_home *home, const radz_options *options, radz_plan_dataset *sets, size_t n,
                             int *exit_code, radz_error *err)
{
    radz_checkup_options how = {.split = options->split,
                                .pictures = !options->fast,
                                .threads = options->threads > 0 ? (int)options->threads : radz_cpu_count()};
    radz_findings findings = {0};
    radz_json_writer writer;
    size_t here = 0, absent = 0;
    radz_checkup_dataset *given = radz_calloc(n, sizeof *given, err);
    if (given == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        if (sets[i].location.presence == RADZ_DATASET_HERE)
            given[here++] = (radz_checkup_dataset){sets[i].card, sets[i].location.root};
        else
            absent += sets[i].location.presence == RADZ_DATASET_NOT_HERE;
    radz_status st = radz_checkup(home, given, here, &how, &findings, err);
    if (st == RADZ_OK && options->json) {
        radz_json_writer_init(&writer, stdout);
        radz_json_array_begin(&writer, NULL);
    }
    for (size_t i = 0; st == RADZ_OK && i < n; i++)
        show_dataset(&sets[i], &findings, options->json ? &writer : NULL);
    if (st == RADZ_OK && options->json)
        radz_json_array_end(&writer);
    else if (st == RADZ_OK)
        printf("%zu data set%s checked, %zu error%s, %zu warning%s%s\n", here, here == 1 ? "" : "s", findings.errors,
               findings.errors == 1 ? "" : "s", findings.warnings, findings.warnings == 1 ? "" : "s",
               options->fast ? "; images were not looked at (--fast)" : "");
    bool unseen = absent > 0 && options->datasets.count > 0; /* asked for by name */
    if (st == RADZ_OK && (unseen || findings.errors > 0 || (options->strict && findings.warnings > 0)))
        *exit_code = RADZ_EXIT_FAILED;
    radz_findings_free(&findings);
    free(given);
    return st;
}

radz_status radz_cmd_check(const radz_options *options, int *exit_code, radz_error *err)
{
    radz_home home;
    radz_strlist names = {0};
    radz_plan_dataset *sets = NULL;
    size_t n = 0;
    radz_status st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    st = collect_names(&home, options, &names, err);
    if (st == RADZ_OK)
        st = (sets = radz_calloc(names.count, sizeof *sets, err)) != NULL ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t i = 0; st == RADZ_OK && i < names.count; i++) {
        st = radz_plan_find_dataset(&home, names.items[i], &sets[i], err);
        n += st == RADZ_OK;
    }
    if (st == RADZ_OK)
        st = check_all(&home, options, sets, n, exit_code, err);
    for (size_t i = 0; i < n; i++)
        radz_plan_dataset_free(&sets[i]);
    free(sets);
    radz_strlist_free(&names);
    radz_home_close(&home);
    return st;
}
