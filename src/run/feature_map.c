#include "run/feature_map.h"

#include <stdlib.h>
#include <string.h>

#include "metric/tsne.h"
#include "run/execute.h"

enum { LEAST = 20 /* images worth a map */ };

typedef struct map_maker {
    radz_feature_maps *maps;
    int threads;
} map_maker;

/* The most frequent classes, at most RADZ_MAP_CLASSES, by falling frequency; ties in the data set's order. Returns how many. */
static size_t frequent(const radz_dataset *data, size_t chosen[RADZ_MAP_CLASSES])
{
    size_t n = 0;
    while (n < RADZ_MAP_CLASSES) {
        size_t best = data->n_classes;
        for (size_t c = 0; c < data->n_classes; c++) {
            bool taken = data->positives[c] == 0;
            for (size_t k = 0; k < n; k++)
                taken = taken || chosen[k] == c;
            if (!taken && (best == data->n_classes || data->positives[c] > data->positives[best]))
                best = c;
        }
        if (best == data->n_classes)
            break;
        chosen[n++] = best;
    }
    return n;
}

/* The group of image i: its only finding, n_chosen when it has none at all, SIZE_MAX when it is left out. */
static size_t group_of(const radz_dataset *data, size_t i, const size_t *chosen, size_t n_chosen)
{
    size_t found = 0, group = n_chosen;
    for (size_t c = 0; c < data->n_classes; c++) {
        if (data->labels[i * data->n_classes + c] != 1)
            continue;
        found++;
        group = SIZE_MAX;
        for (size_t k = 0; k < n_chosen; k++)
            if (chosen[k] == c)
                group = k;
    }
    return found > 1 ? SIZE_MAX : group;
}

static radz_status add_map(map_maker *maker, const radz_dataset *data, const char *model, const size_t *chosen, size_t n_chosen,
                           const float *features, size_t dim, const size_t *groups, size_t n, radz_error *err)
{
    radz_feature_maps *maps = maker->maps;
    radz_arena *memory = &maps->memory;
    double *layout = radz_arena_alloc(memory, 2 * n, sizeof *layout, err);
    size_t *kept = radz_arena_alloc(memory, n, sizeof *kept, err);
    const char **names = radz_arena_alloc(memory, n_chosen + 1, sizeof *names, err);
    radz_feature_map map = {
        .dataset = radz_arena_strdup(memory, data->name, err), .split = radz_arena_strdup(memory, data->split, err),
        .model = radz_arena_strdup(memory, model, err), .n = n, .layout = layout, .group = kept, .groups = names,
        .n_groups = n_chosen + 1,
    };
    if (layout == NULL || kept == NULL || names == NULL || map.dataset == NULL || map.split == NULL || map.model == NULL)
        return RADZ_E_NOMEM;
    memcpy(kept, groups, n * sizeof *kept);
    for (size_t k = 0; k < n_chosen; k++)
        if ((names[k] = radz_arena_strdup(memory, data->classes[chosen[k]], err)) == NULL)
            return RADZ_E_NOMEM;
    names[n_chosen] = "none of the findings";
    radz_tsne_options options = radz_tsne_defaults();
    options.threads = maker->threads;
    options.perplexity = n < 100 ? (double)n / 4 : options.perplexity;
    map.perplexity = options.perplexity;
    radz_status st = radz_tsne(features, n, dim, &options, layout, &map.kl, err);
    if (st == RADZ_OK)
        st = radz_grow(&maps->items, &maps->capacity, maps->count + 1, sizeof *maps->items, err);
    if (st == RADZ_OK)
        maps->items[maps->count++] = map;
    return st;
}

static radz_status visit(void *context, const char *model, const radz_evidence_set *vectors, radz_error *err)
{
    const radz_dataset *data = vectors->dataset;
    size_t chosen[RADZ_MAP_CLASSES], n_chosen = frequent(data, chosen), n = 0;
    uint32_t *samples = radz_calloc(data->n, sizeof *samples, err);
    size_t *groups = radz_calloc(data->n, sizeof *groups, err);
    radz_evidence_rows rows = {0};
    radz_status st = samples == NULL || groups == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; i < data->n && st == RADZ_OK; i++) {
        size_t group = vectors->images.usable[i] ? group_of(data, i, chosen, n_chosen) : SIZE_MAX;
        if (group == SIZE_MAX)
            continue;
        samples[n] = (uint32_t)i;
        groups[n++] = group;
    }
    if (st == RADZ_OK && n >= LEAST)
        st = radz_evidence_read(vectors, samples, n, &rows, err);
    if (st == RADZ_OK && n >= LEAST)
        st = add_map(context, data, model, chosen, n_chosen, rows.values, vectors->values, groups, n, err);
    radz_evidence_rows_free(&rows);
    free(samples);
    free(groups);
    return st;
}

/* What the results evaluated, by name; score files have no features. */
static radz_status named(const radz_results *results, radz_strlist *datasets, radz_strlist *models, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < results->n_blocks && st == RADZ_OK; i++) {
        if (strcmp(results->blocks[i].scorer, RADZ_SCORER_FILE) == 0)
            continue;
        if (!radz_strlist_has(datasets, results->blocks[i].dataset))
            st = radz_strlist_add(datasets, results->blocks[i].dataset, err);
        if (st == RADZ_OK && !radz_strlist_has(models, results->blocks[i].model))
            st = radz_strlist_add(models, results->blocks[i].model, err);
    }
    if (st == RADZ_OK && models->count == 0)
        st = radz_fail(err, RADZ_E_MISSING, "the scores come from files: there are no features");
    return st;
}

radz_status radz_feature_maps_make(const radz_home *home, const radz_results *results, int threads, radz_feature_maps *out,
                                   radz_error *err)
{
    radz_strlist datasets = {0}, models = {0};
    radz_plan *plan = NULL;
    radz_results *nothing = NULL;
    map_maker maker = {out, threads};
    radz_status st = named(results, &datasets, &models, err);
    radz_plan_filter filter = {.datasets = &datasets, .models = &models};
    if (st == RADZ_OK)
        st = radz_plan_create(home, results->suite, &filter, &plan, err);
    radz_execute_options options = {
        .limit = RADZ_MAP_IMAGES, .seed = -1, .threads = threads, .embed_only = true, .skip_bad = true, .visit = visit,
        .visit_context = &maker,
    };
    if (st == RADZ_OK)
        st = radz_execute(home, plan, &options, &nothing, err);
    radz_results_free(nothing);
    radz_plan_free(plan);
    radz_strlist_free(&datasets);
    radz_strlist_free(&models);
    return st;
}

void radz_feature_maps_free(radz_feature_maps *maps)
{
    free(maps->items);
    radz_arena_free(&maps->memory);
    *maps = (radz_feature_maps){0};
}
