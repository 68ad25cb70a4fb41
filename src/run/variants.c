#include "run/variants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cache/cache.h"
#include "data/card_recipe.h"
#include "run/preflight.h"
#include "run/train_recipe.h"
#include "run/train_start.h"

#define DETAIL "ablation"

/* One figure of one training. */
typedef struct figure {
    char *dataset, *split, *scorer, *protocol, *class_name;
    double auc, ci_low, ci_high;
} figure;

/* A training, shared by all rows whose recipes are the same. */
typedef struct variant {
    size_t row; /* the first of its rows */
    radz_strlist changes;
    char digest[RADZ_SHA256_HEX_SIZE];
    char *folder;
    figure *figures;
    size_t n_figures, capacity;
} variant;

typedef struct ablation {
    const radz_home *home;
    const radz_plan *plan;
    const radz_execute_options *options;
    const radz_variants_spec *spec;
    char *recipe_path;
    variant *variants; /* [n] */
    size_t n;
    size_t *variant_of; /* [spec->rows_count] */
    size_t base;        /* the one whose results carry the table */
} ablation;

/* ---- the trainings ---- */

static radz_status add_start(const ablation *a, const radz_recipe_card *recipe, radz_sha256 *hash, radz_error *err)
{
    radz_train_start start;
    radz_strbuf text = {0};
    if (recipe->start == NULL)
        return RADZ_OK;
    radz_status st = radz_train_start_find(a->home, recipe, &start, err);
    if (st == RADZ_OK)
        st = radz_train_start_identify(&start, &text, err);
    if (st == RADZ_OK)
        radz_sha256_add_text(hash, text.text);
    radz_strbuf_free(&text);
    radz_train_start_free(&start);
    return st;
}

static radz_status identify(const ablation *a, variant *v, radz_error *err)
{
    radz_recipe_card *recipe = NULL;
    radz_plan_dataset data = {0};
    radz_sha256 hash;
    radz_strbuf folder = {0};
    radz_status st = radz_recipe_card_load_changed(a->recipe_path, &v->changes, &recipe, err);
    if (st == RADZ_OK)
        st = radz_plan_find_dataset(a->home, recipe->data->dataset, &data, err);
    if (st == RADZ_OK) {
        radz_sha256_begin(&hash);
        radz_sha256_add_text(&hash, "radz variant 1");
        radz_sha256_add_text(&hash, recipe->base.sha256);
        radz_sha256_add_text(&hash, data.card->base.sha256);
        st = add_start(a, recipe, &hash, err);
        radz_status ended = radz_sha256_end(&hash, v->digest, err);
        st = st == RADZ_OK ? ended : st;
    }
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&folder, err, "%s/training-models/%s-%.12s", a->home->cache, recipe->base.name, v->digest);
    v->folder = folder.text;
    radz_plan_dataset_free(&data);
    radz_recipe_card_free(recipe);
    return st;
}

static void variant_free(variant *v)
{
    for (size_t i = 0; i < v->n_figures; i++) {
        char *const texts[] = {v->figures[i].dataset, v->figures[i].split, v->figures[i].scorer, v->figures[i].protocol,
                               v->figures[i].class_name};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            free(texts[k]);
    }
    free(v->figures);
    free(v->folder);
    radz_strlist_free(&v->changes);
    *v = (variant){0};
}

/* The trainings that the rows come to, each once; a mistake in any row is found here. */
static radz_status find_variants(ablation *a, radz_error *err)
{
    const radz_variants_spec *spec = a->spec;
    a->variants = radz_calloc(spec->rows_count, sizeof *a->variants, err);
    a->variant_of = radz_calloc(spec->rows_count, sizeof *a->variant_of, err);
    if (a->variants == NULL || a->variant_of == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_card_find(&a->home->places, RADZ_CARD_RECIPE, spec->recipe, &a->recipe_path, err);
    bool has_base = false;
    for (size_t r = 0; r < spec->rows_count && st == RADZ_OK; r++) {
        const radz_variant_row *row = &spec->rows[r];
        variant *v = &a->variants[a->n];
        v->row = r;
        for (size_t i = 0; i < spec->set_count && st == RADZ_OK; i++)
            st = radz_strlist_add(&v->changes, spec->set[i], err);
        for (size_t i = 0; i < row->set_count && st == RADZ_OK; i++)
            st = radz_strlist_add(&v->changes, row->set[i], err);
        if (st == RADZ_OK && (st = identify(a, v, err)) != RADZ_OK)
            radz_prefix(err, "suite '%s', factor '%s' at '%s'", a->plan->suite->base.name, row->factor, row->at);
        size_t same = 0;
        while (st == RADZ_OK && same < a->n && strcmp(a->variants[same].digest, v->digest) != 0)
            same++;
        a->variant_of[r] = same;
        if (st == RADZ_OK && row->set_count == 0 && !has_base) {
            a->base = same;
            has_base = true;
        }
        if (st != RADZ_OK || same < a->n)
            variant_free(v);
        else
            a->n++;
    }
    return st;
}

/* What would end the evaluation ends it before the trainings. */
static radz_status check_evaluation(const ablation *a, radz_error *err)
{
    radz_terms_card *terms = NULL;
    radz_status st = RADZ_OK;
    if (a->options->results_dir != NULL)
        st = radz_preflight_folder("results folder", a->options->results_dir, err);
    if (st == RADZ_OK)
        st = radz_terms_find_card(&a->home->places, RADZ_TERMS_DEFAULT, &terms, err);
    if (st == RADZ_OK)
        st = radz_preflight(a->plan, a->options, terms, err);
    radz_terms_card_free(terms);
    return st;
}

static radz_status train_all(const ablation *a, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < a->n && st == RADZ_OK; i++) {
        const variant *v = &a->variants[i];
        const radz_variant_row *row = &a->spec->rows[v->row];
        char *done = radz_path_join(v->folder, "training.json", err); /* written last */
        if (done == NULL)
            return RADZ_E_NOMEM;
        bool there = radz_file_exists(done);
        free(done);
        radz_info("training %zu of %zu, %s %s: %s", i + 1, a->n, row->factor, row->at, there ? "is there" : v->folder);
        const radz_train_recipe_options train = {.out = v->folder, .changes = &v->changes, .threads = a->options->threads,
                                                 .device = a->options->device};
        if (!there && (st = radz_train_recipe(a->home, a->spec->recipe, &train, err)) != RADZ_OK)
            radz_prefix(err, "suite '%s', factor '%s' at '%s'", a->plan->suite->base.name, row->factor, row->at);
    }
    return st;
}

/* ---- their figures ---- */

/* The suite's model with the weights of a training. */
static radz_status make_model(const ablation *a, const variant *v, radz_plan_model *out, radz_error *err)
{
    const radz_suite_card *suite = a->plan->suite;
    const radz_variant_row *row = &a->spec->rows[v->row];
    radz_strbuf name = {0}, title = {0};
    bool base = v == &a->variants[a->base];
    radz_status st = radz_plan_find_model(a->home, suite->models[0], suite, out, err);
    if (st != RADZ_OK)
        return st;
    st = radz_strbuf_printf(&name, err, "%s:%s", out->card->base.name, base ? suite->base.name : row->factor);
    if (st == RADZ_OK && !base)
        st = radz_strbuf_printf(&name, err, "=%s", row->at);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&title, err, "%s, trained anew for the suite '%s'", out->card->base.title, suite->base.name);
    char *folder = radz_strdup(v->folder, err);
    if (folder == NULL || st != RADZ_OK) {
        radz_strbuf_free(&name);
        radz_strbuf_free(&title);
        free(folder);
        return RADZ_E_NOMEM;
    }
    char **const replaced[] = {&out->card->base.name, &out->card->base.title, &out->folder, &out->hint, &out->card->weights_sha256};
    char *const by[] = {name.text, title.text, folder, NULL, NULL};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        free(*replaced[i]);
        *replaced[i] = by[i];
    }
    return RADZ_OK;
}

static radz_status keep_figures(variant *v, const radz_results *results, radz_error *err)
{
    for (size_t i = 0; i < results->n_rows; i++) {
        const radz_result_row *r = &results->rows[i];
        if (strcmp(r->metric, "auc") != 0)
            continue;
        radz_status st = radz_grow(&v->figures, &v->capacity, v->n_figures + 1, sizeof *v->figures, err);
        if (st != RADZ_OK)
            return st;
        figure *f = &v->figures[v->n_figures++];
        *f = (figure){.auc = r->value, .ci_low = r->ci_low, .ci_high = r->ci_high};
        const char *const from[] = {r->dataset, r->split, r->scorer, r->protocol, r->class_name};
        char **const to[] = {&f->dataset, &f->split, &f->scorer, &f->protocol, &f->class_name};
        for (size_t k = 0; k < sizeof to / sizeof *to; k++)
            if ((*to[k] = radz_strdup(from[k], err)) == NULL)
                return RADZ_E_NOMEM;
    }
    return RADZ_OK;
}

/* Evaluates one training. `*out` gets the results of the base; those of others are read and forgotten. */
static radz_status evaluate(const ablation *a, variant *v, radz_results **out, radz_error *err)
{
    bool base = v == &a->variants[a->base];
    radz_plan_model model = {0};
    radz_plan plan = *a->plan;
    radz_execute_options options = *a->options;
    radz_results *results = NULL;
    radz_status st = make_model(a, v, &model, err);
    plan.models = &model;
    plan.n_models = 1;
    if (!base) {
        options.results_dir = NULL;
        options.thumbnails = RADZ_THUMBNAILS_NONE;
    }
    if (st == RADZ_OK)
        st = radz_execute(a->home, &plan, &options, &results, err);
    if (st == RADZ_OK)
        st = keep_figures(v, results, err);
    if (st == RADZ_OK && base) {
        *out = results;
        results = NULL;
    }
    radz_results_free(results);
    radz_plan_model_free(&model);
    return st;
}

/* One table for each block of the base: every row's figures for its data set, scorer and protocol. */
static radz_status tabulate(const ablation *a, radz_results *results, radz_error *err)
{
    static const char *const columns[] = {"factor", "at", "class", "auc", "ci_low", "ci_high"};
    radz_status st = RADZ_OK;
    for (size_t b = 0; b < results->n_blocks && st == RADZ_OK; b++) {
        const radz_result_block *block = &results->blocks[b];
        if ((st = radz_results_add_detail(results, DETAIL, columns, sizeof columns / sizeof *columns, err)) != RADZ_OK)
            return st;
        results->details[results->n_details - 1].block = b;
        for (size_t r = 0; r < a->spec->rows_count; r++) {
            const radz_variant_row *row = &a->spec->rows[r];
            const variant *v = &a->variants[a->variant_of[r]];
            double at = NAN;
            bool number = radz_parse_double(row->at, true, &at, NULL) == RADZ_OK;
            for (size_t i = 0; i < v->n_figures && st == RADZ_OK; i++) {
                const figure *f = &v->figures[i];
                if (strcmp(f->dataset, block->dataset) != 0 || strcmp(f->split, block->split) != 0 ||
                    strcmp(f->scorer, block->scorer) != 0 || strcmp(f->protocol, block->protocol) != 0)
                    continue;
                const radz_result_cell cells[] = {{row->factor, NAN}, {number ? NULL : row->at, at}, {f->class_name, NAN},
                                                  {NULL, f->auc}, {NULL, f->ci_low}, {NULL, f->ci_high}};
                st = radz_results_add_detail_row(results, cells, err);
            }
        }
    }
    return st;
}

/* What a reader must know of the trainings, and their digests. */
static radz_status add_provenance(const ablation *a, radz_results *results, radz_error *err)
{
    radz_strbuf note = {0};
    radz_status st = radz_strbuf_printf(&note, err, "%zu trainings of recipe '%s'", a->n, a->spec->recipe);
    for (size_t i = 0; i < a->spec->set_count && st == RADZ_OK; i++)
        st = radz_strbuf_printf(&note, err, "%s%s", i == 0 ? ", all with " : ", ", a->spec->set[i]);
    if (st == RADZ_OK)
        st = radz_results_add_note(results, note.text, err);
    for (size_t i = 0; i < a->n && st == RADZ_OK; i++) {
        const radz_variant_row *row = &a->spec->rows[a->variants[i].row];
        note.length = 0;
        st = radz_strbuf_printf(&note, err, "training %s=%s", row->factor, row->at);
        if (st == RADZ_OK)
            st = radz_results_add_fact(results, note.text, a->variants[i].digest, err);
    }
    radz_strbuf_free(&note);
    return st;
}

radz_status radz_variants_execute(const radz_home *home, const radz_plan *plan, const radz_execute_options *options,
                                  radz_results **out, radz_error *err)
{
    ablation a = {.home = home, .plan = plan, .options = options, .spec = plan->suite->variants};
    radz_results *results = NULL;
    *out = NULL;
    if (options->probe != NULL)
        return radz_fail(err, RADZ_E_USAGE, "suite '%s' compares trainings: a probe wants a suite of models", plan->suite->base.name);
    radz_cache *cache = NULL;
    radz_status st = find_variants(&a, err);
    if (st == RADZ_OK)
        st = radz_cache_open(home->cache, &cache, err); /* marks the folder as a cache before models are put into it */
    radz_cache_free(cache);
    if (st == RADZ_OK)
        st = check_evaluation(&a, err);
    if (st == RADZ_OK)
        st = train_all(&a, err);
    for (size_t i = 0; i < a.n && st == RADZ_OK; i++)
        st = evaluate(&a, &a.variants[i], &results, err);
    if (st == RADZ_OK && !options->embed_only)
        st = tabulate(&a, results, err);
    if (st == RADZ_OK && !options->embed_only)
        st = add_provenance(&a, results, err);
    for (size_t i = 0; i < a.n; i++)
        variant_free(&a.variants[i]);
    free(a.variants);
    free(a.variant_of);
    free(a.recipe_path);
    if (st == RADZ_OK)
        *out = results;
    else
        radz_results_free(results);
    return st;
}
