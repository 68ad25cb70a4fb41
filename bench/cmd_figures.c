/* radz-bench figures: the tables and figures of a paper from finished runs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "bench/command.h"
#include "bench/find_run.h"
#include "bench/load_runs.h"
#include "data/references.h"
#include "report/figures.h"
#include "run/feature_map.h"
#include "score/scorer.h"

typedef struct published_list {
    radz_references_card **cards;
    size_t n_cards, cards_capacity;
    radz_published *items;
    size_t count, capacity;
} published_list;

static void free_published(published_list *list)
{
    for (size_t i = 0; i < list->n_cards; i++)
        radz_references_card_free(list->cards[i]);
    free(list->cards);
    free(list->items);
}

static radz_status add_item(published_list *list, const radz_published *item, radz_error *err)
{
    radz_status st = radz_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items, err);
    if (st == RADZ_OK)
        list->items[list->count++] = *item;
    return st;
}

static radz_status add_card(published_list *list, const radz_references_card *card, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t m = 0; m < card->methods_count && st == RADZ_OK; m++) {
        const radz_reference_method *method = &card->methods[m];
        radz_published item = {.method = method->method, .source = card->source, .protocol = card->protocol,
                               .note = method->note, .asked = card->kind == RADZ_REFERENCE_MLLM, .labels = NAN, .auc = NAN,
                               .f1 = NAN, .acc = NAN};
        if (method->figures_count == 0)
            st = add_item(list, &item, err);
        for (size_t k = 0; k < method->figures_count && st == RADZ_OK; k++) {
            const radz_reference_figure *f = &method->figures[k];
            item.dataset = f->dataset;
            item.class_name = f->class_name;
            item.labels = radz_reference_number(f->labels);
            item.auc = radz_reference_number(f->auc);
            item.f1 = radz_reference_number(f->f1);
            item.acc = radz_reference_number(f->acc);
            st = add_item(list, &item, err);
        }
    }
    return st;
}

static radz_status load_published(const radz_home *home, published_list *list, radz_error *err)
{
    radz_strlist names = {0};
    radz_status st = radz_card_list(&home->places, RADZ_CARD_REFERENCES, &names, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        radz_references_card *card = NULL;
        st = radz_references_find_card(&home->places, names.items[i], &card, err);
        if (st == RADZ_OK)
            st = radz_grow(&list->cards, &list->cards_capacity, list->n_cards + 1, sizeof *list->cards, err);
        if (st == RADZ_OK) {
            list->cards[list->n_cards++] = card;
            st = add_card(list, card, err);
        } else {
            radz_references_card_free(card);
        }
    }
    radz_strlist_free(&names);
    return st;
}

/* Scores that are answers to questions belong to the table of language models. Scorers that are not this program's (scores
 * from a file) count as others. */
static bool is_asked(const char *name)
{
    static const char *const answers[] = {"yes-no-logits", "answers", "choice"};
    const radz_scorer *scorer;
    if (radz_scorer_find(name, &scorer, NULL) != RADZ_OK)
        return false;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (strcmp(radz_evidence_name(scorer->evidence), answers[i]) == 0)
            return true;
    return false;
}

static radz_status write_figures(const radz_options *options, const radz_home *home, const radz_results *results,
                                 const char *dir, radz_error *err)
{
    published_list published = {0};
    radz_feature_maps maps = {0};
    radz_strlist absent = {0};
    radz_error no_maps = {0};
    int threads = options->threads > 0 ? (int)options->threads : radz_cpu_count();
    bool *asked = radz_calloc(results->n_blocks, sizeof *asked, err);
    radz_status st = asked == NULL ? RADZ_E_NOMEM : load_published(home, &published, err);
    for (size_t i = 0; i < results->n_blocks && st == RADZ_OK; i++)
        asked[i] = is_asked(results->blocks[i].scorer);
    if (st == RADZ_OK && radz_feature_maps_make(home, results, threads, &maps, &no_maps) != RADZ_OK) {
        if (no_maps.code == RADZ_E_INTERRUPTED || no_maps.code == RADZ_E_NOMEM)
            st = radz_fail(err, no_maps.code, "%s", no_maps.message);
        else
            radz_warn("no feature map: %s", no_maps.message);
    }
    radz_figures_input input = {
        .results = results, .asked = asked, .published = published.items, .n_published = published.count, .maps = maps.items,
        .n_maps = maps.count, .no_maps = no_maps.message[0] != '\0' ? no_maps.message : "too few images with one finding or none",
    };
    if (st == RADZ_OK)
        st = radz_figures_write(&input, dir, !options->no_plots, &absent, err);
    if (st == RADZ_OK) {
        printf("Figures (PDF, SVG, PNG) and tables (LaTeX): %s/\nAll of them in one document:                %s/figures.tex\n", dir,
               dir);
        if (absent.count > 0)
            printf("\nWithout data, and saying so:\n");
        for (size_t i = 0; i < absent.count; i++)
            printf("  %s\n", absent.items[i]);
    }
    radz_strlist_free(&absent);
    radz_feature_maps_free(&maps);
    free_published(&published);
    free(asked);
    return st;
}

radz_status radz_cmd_figures(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    radz_home home;
    radz_results *results = NULL;
    char *dir = NULL, *first = NULL;
    radz_status st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    st = radz_load_runs(options, &results, &first, err);
    if (st == RADZ_OK && options->out == NULL && options->positional.count > 1)
        st = radz_fail(err, RADZ_E_USAGE, "figures of several runs: say where with --out DIR");
    if (st == RADZ_OK) {
        dir = options->out != NULL ? radz_strdup(options->out, err) : radz_path_join(first, "figures", err);
        st = dir == NULL ? RADZ_E_NOMEM : write_figures(options, &home, results, dir, err);
    }
    radz_results_free(results);
    free(dir);
    free(first);
    radz_home_close(&home);
    return st;
}
