/* radz-bench check: faults in data sets, before they become figures. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "bench/command.h"
#include "data/check.h"
#include "run/home.h"
#include "run/plan.h"

typedef struct check_totals {
    size_t errors, warnings, checked;
} check_totals;

static void print_finding(const char *dataset, const radz_finding *f)
{
    printf("%-8s %s%s%s: %s\n", radz_severity_name(f->severity), dataset, f->split != NULL ? "/" : "",
           f->split != NULL ? f->split : "", f->what);
    if (f->severity != RADZ_SEVERITY_INFO && f->effect != NULL)
        printf("         effect: %s\n", f->effect);
    if (f->examples[0] != NULL) {
        printf("         e.g. ");
        for (int i = 0; i < RADZ_FINDING_EXAMPLES && f->examples[i] != NULL; i++)
            printf("%s%s", i == 0 ? "" : ", ", f->examples[i]);
        putchar('\n');
    }
}

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

static radz_status check_one(const radz_home *home, const char *name, radz_json_writer *json, check_totals *totals,
                             radz_error *err)
{
    radz_plan_dataset d;
    radz_findings findings = {0};
    radz_status st = radz_plan_find_dataset(home, name, &d, err);
    if (st != RADZ_OK)
        return st;
    bool here = d.location.presence == RADZ_DATASET_HERE;
    if (here)
        st = radz_check_dataset(d.card, d.location.root, &findings, err);
    if (st == RADZ_OK && json != NULL) {
        radz_json_object_begin(json, NULL);
        radz_json_put_string(json, "dataset", name);
        radz_json_put_bool(json, "here", here);
        radz_json_put_string(json, "hint", d.location.hint);
        radz_json_array_begin(json, "findings");
        for (size_t i = 0; i < findings.count; i++)
            write_finding(json, &findings.items[i]);
        radz_json_array_end(json);
        radz_json_object_end(json);
    } else if (st == RADZ_OK && !here) {
        printf("%-8s %s: %s\n", "not here", name, d.location.hint);
    } else if (st == RADZ_OK) {
        for (size_t i = 0; i < findings.count; i++)
            print_finding(name, &findings.items[i]);
        if (findings.count == 0)
            printf("%-8s %s: nothing to report\n", "ok", name);
    }
    totals->errors += findings.errors;
    totals->warnings += findings.warnings;
    totals->checked += here;
    radz_findings_free(&findings);
    radz_plan_dataset_free(&d);
    return st;
}

radz_status radz_cmd_check(const radz_options *options, int *exit_code, radz_error *err)
{
    radz_home home;
    radz_plan *plan = NULL;
    radz_strlist names = {0};
    check_totals totals = {0};
    radz_status st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    /* named data sets may be any; otherwise those of the suite */
    for (size_t i = 0; st == RADZ_OK && i < options->datasets.count; i++)
        st = radz_strlist_add(&names, options->datasets.items[i], err);
    if (st == RADZ_OK && names.count == 0) {
        st = radz_plan_create(&home, options->suite != NULL ? options->suite : "chest", &(radz_plan_filter){0}, &plan, err);
        for (size_t i = 0; st == RADZ_OK && i < plan->n_datasets; i++)
            st = radz_strlist_add(&names, plan->datasets[i].card->base.name, err);
    }
    radz_json_writer writer;
    if (options->json) {
        radz_json_writer_init(&writer, stdout);
        radz_json_array_begin(&writer, NULL);
    }
    for (size_t i = 0; st == RADZ_OK && i < names.count; i++)
        st = check_one(&home, names.items[i], options->json ? &writer : NULL, &totals, err);
    if (options->json && st == RADZ_OK)
        radz_json_array_end(&writer);
    else if (st == RADZ_OK)
        printf("%zu data sets checked, %zu errors, %zu warnings\n", totals.checked, totals.errors, totals.warnings);
    if (st == RADZ_OK && (totals.errors > 0 || (options->strict && totals.warnings > 0)))
        *exit_code = RADZ_EXIT_FAILED;
    radz_strlist_free(&names);
    radz_plan_free(plan);
    radz_home_close(&home);
    return st;
}
