/* radz-bench list: every name that a command line or a card can use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "bench/command.h"
#include "data/card_protocol.h"
#include "data/references.h"
#include "metric/metric.h"
#include "run/home.h"
#include "run/plan.h"
#include "score/scorer.h"

typedef struct list_context {
    const radz_home *home;
    const radz_options *options;
} list_context;

typedef struct list_kind {
    const char *name;
    radz_status (*print)(const list_context *context, radz_error *err);
} list_kind;

static void line(const char *name, const char *text)
{
    printf("  %-18s %s\n", name, text);
}

static radz_status print_suite(const radz_home *home, const char *path, radz_error *err)
{
    (void)home;
    radz_suite_card *card;
    radz_status st = radz_suite_card_load(path, &card, err);
    if (st == RADZ_OK)
        line(card->base.name, card->base.title);
    radz_suite_card_free(card);
    return st;
}

static radz_status print_dataset(const radz_home *home, const char *path, radz_error *err)
{
    radz_plan_dataset d;
    radz_status st = radz_plan_find_dataset(home, path, &d, err);
    if (st != RADZ_OK)
        return st;
    line(d.card->base.name, d.card->base.title);
    if (d.location.presence == RADZ_DATASET_HERE)
        printf("  %-18s here: %s\n", "", d.location.root);
    else if (d.location.presence == RADZ_DATASET_GENERATED)
        printf("  %-18s made by the program when it is first needed\n", "");
    else
        printf("  %-18s not here: %s\n", "", d.location.hint);
    radz_plan_dataset_free(&d);
    return RADZ_OK;
}

static radz_status print_model(const radz_home *home, const char *path, radz_error *err)
{
    radz_model_card *card;
    char *folder = NULL, *hint = NULL;
    radz_status st = radz_model_card_load(path, &card, err);
    if (st == RADZ_OK)
        st = radz_model_locate(card, home->share, &folder, &hint, err);
    if (st == RADZ_OK) {
        line(card->base.name, card->base.title);
        if (folder == NULL)
            printf("  %-18s not here: %s\n", "", hint);
    }
    free(folder);
    free(hint);
    radz_model_card_free(card);
    return st;
}

static radz_status print_prompts(const radz_home *home, const char *path, radz_error *err)
{
    (void)home;
    radz_prompts_card *card;
    radz_status st = radz_prompts_card_load(path, &card, err);
    if (st == RADZ_OK)
        line(card->base.name, card->base.title);
    radz_prompts_card_free(card);
    return st;
}

static radz_status each_card(const list_context *context, radz_card_kind kind,
                             radz_status (*print)(const radz_home *, const char *, radz_error *), radz_error *err)
{
    radz_strlist names = {0};
    radz_status st = radz_card_list(&context->home->places, kind, &names, err);
    for (size_t i = 0; st == RADZ_OK && i < names.count; i++) {
        char *path = NULL;
        if (print == NULL) {
            printf("  %s\n", names.items[i]);
            continue;
        }
        st = radz_card_find(&context->home->places, kind, names.items[i], &path, err);
        if (st == RADZ_OK)
            st = print(context->home, path, err);
        free(path);
    }
    radz_strlist_free(&names);
    return st;
}

static radz_status list_suites(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_SUITE, print_suite, err);
}

static radz_status list_datasets(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_DATASET, print_dataset, err);
}

static radz_status list_models(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_MODEL, print_model, err);
}

static radz_status list_prompts(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_PROMPTS, print_prompts, err);
}

static radz_status list_templates(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_TEMPLATE, NULL, err);
}

static radz_status list_anchors(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_ANCHORS, NULL, err);
}

static radz_status list_recipes(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_RECIPE, NULL, err);
}

static radz_status list_gates(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_GATE, NULL, err);
}

static radz_status print_protocol(const radz_home *home, const char *path, radz_error *err)
{
    (void)home;
    radz_protocol_card *card;
    radz_status st = radz_protocol_card_load(path, &card, err);
    if (st == RADZ_OK)
        line(card->base.name, card->base.title);
    radz_protocol_card_free(card);
    return st;
}

/* Methods and figures of a card, with what they are of; the source comes first. */
static radz_status print_references(const radz_home *home, const char *path, radz_error *err)
{
    (void)home;
    radz_references_card *card;
    radz_status st = radz_references_card_load(path, &card, err);
    if (st != RADZ_OK)
        return st;
    line(card->base.name, card->base.title);
    printf("  %-18s source: %s; protocol %s\n", "", card->source, card->protocol);
    for (size_t m = 0; m < card->methods_count; m++) {
        const radz_reference_method *method = &card->methods[m];
        if (method->figures_count == 0)
            printf("    %-20s %s\n", method->method, method->note != NULL ? method->note : "");
        for (size_t i = 0; i < method->figures_count; i++) {
            const radz_reference_figure *f = &method->figures[i];
            printf("    %-20s %-14s %-20s", method->method, f->dataset, f->class_name != NULL ? f->class_name : f->classes);
            const char *const named[][2] = {{"AUC", f->auc}, {"F1", f->f1}, {"ACC", f->acc}};
            for (size_t k = 0; k < sizeof named / sizeof *named; k++)
                if (named[k][1] != NULL)
                    printf("  %s %s", named[k][0], named[k][1]);
            if (f->low != NULL && f->high != NULL)
                printf(" [%s, %s]", f->low, f->high);
            printf("%s%s\n", f->labels != NULL ? "  labels: " : "", f->labels != NULL ? f->labels : "");
        }
    }
    radz_references_card_free(card);
    return RADZ_OK;
}

static radz_status list_references(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_REFERENCES, print_references, err);
}

static radz_status list_protocols(const list_context *context, radz_error *err)
{
    return each_card(context, RADZ_CARD_PROTOCOL, print_protocol, err);
}

static radz_status list_scorers(const list_context *context, radz_error *err)
{
    (void)context;
    (void)err;
    for (size_t i = 0; radz_scorer_at(i) != NULL; i++)
        line(radz_scorer_at(i)->name, radz_scorer_at(i)->description);
    return RADZ_OK;
}

static radz_status list_metrics(const list_context *context, radz_error *err)
{
    (void)context;
    (void)err;
    for (size_t i = 0; i < RADZ_METRIC_COUNT; i++)
        line(radz_metrics[i].name, radz_metrics[i].description);
    return RADZ_OK;
}

static radz_status list_runs(const list_context *context, radz_error *err)
{
    const char *folder = context->options->results != NULL ? context->options->results : "results";
    radz_strlist names = {0};
    radz_status st = radz_file_is_dir(folder) ? radz_dir_list(folder, "", &names, err) : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < names.count; i++) {
        radz_strbuf file = {0};
        st = radz_strbuf_printf(&file, err, "%s/%s/results.json", folder, names.items[i]);
        if (st == RADZ_OK && radz_file_exists(file.text) && strcmp(names.items[i], "latest") != 0)
            printf("  %s\n", names.items[i]);
        radz_strbuf_free(&file);
    }
    radz_strlist_free(&names);
    return st;
}

static const list_kind kinds[] = {
    {"suites", list_suites},   {"datasets", list_datasets}, {"models", list_models},   {"scorers", list_scorers},
    {"prompts", list_prompts}, {"templates", list_templates},
    {"anchors", list_anchors}, {"recipes", list_recipes},   {"protocols", list_protocols}, {"gates", list_gates}, {"metrics", list_metrics},
    {"references", list_references}, {"runs", list_runs},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static const char *nth_kind(const void *context, size_t i)
{
    (void)context;
    return i < KIND_COUNT ? kinds[i].name : NULL;
}

radz_status radz_cmd_list(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    const char *wanted = options->positional.count > 0 ? options->positional.items[0] : NULL;
    bool known = wanted == NULL;
    for (size_t i = 0; i < KIND_COUNT; i++)
        known = known || strcmp(wanted, kinds[i].name) == 0;
    if (!known)
        return radz_fail_unknown(err, "thing to list", wanted, nth_kind, NULL);
    radz_home home;
    radz_status st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    list_context context = {&home, options};
    for (size_t i = 0; st == RADZ_OK && i < KIND_COUNT; i++) {
        if (wanted != NULL && strcmp(wanted, kinds[i].name) != 0)
            continue;
        printf("%s:\n", kinds[i].name);
        st = kinds[i].print(&context, err);
    }
    radz_home_close(&home);
    return st;
}
