#include "run/execute_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "run/preflight.h"
#include "run/subgroups.h"

/* A name for everything that determines the figures: the same inputs give the same folder. */
static radz_status name_run(execution *e, radz_error *err)
{
    const radz_execute_options *o = e->options;
    char hex[RADZ_SHA256_HEX_SIZE], number[32];
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add_text(&hash, RADZ_VERSION);
    radz_sha256_add_text(&hash, radz_torch_version());
    radz_sha256_add_text(&hash, e->plan->suite->base.sha256);
    snprintf(number, sizeof number, "%" PRIu64, e->seed);
    radz_sha256_add_text(&hash, number);
    for (size_t i = 0; i < execution_set_count(e); i++) {
        const loaded_dataset *d = &e->datasets[i];
        radz_sha256_add_text(&hash, d->planned->card->base.sha256);
        radz_sha256_add_text(&hash, execution_has_images(d) ? d->data->fingerprint : "absent");
    }
    for (size_t i = 0; i < e->plan->n_models; i++) {
        const loaded_model *m = &e->models[i];
        radz_sha256_add_text(&hash, m->planned->card->base.sha256);
        radz_sha256_add_text(&hash, m->planned->prompts->base.sha256);
        radz_sha256_add_text(&hash, m->session.weights);
        if (m->planned->template_card != NULL)
            radz_sha256_add_text(&hash, m->planned->template_card->base.sha256);
        if (m->here) {
            radz_sha256_add_text(&hash, m->session.facts->dtype);
            radz_sha256_add_text(&hash, m->session.facts->device_class);
        }
        for (size_t d = 0; d < execution_set_count(e) * RADZ_EVIDENCE_COUNT; d++) {
            const radz_evidence_set *set = &m->evidence[d];
            radz_sha256_add_text(&hash, radz_evidence_prompts_sha256(set)); /* the table of terms has a say in it */
            radz_sha256_add_text(&hash, set->anchors_sha256);
            for (size_t v = 0; v < set->n_variants; v++)
                radz_sha256_add_text(&hash, radz_evidence_variant_sha256(&set->variants[v]));
            for (size_t s = 0; s < set->images.n_skips; s++)
                radz_sha256_add_text(&hash, e->datasets[d / RADZ_EVIDENCE_COUNT].names[set->images.skips[s].index]);
        }
    }
    for (size_t i = 0; i < e->plan->n_scorers; i++)
        radz_sha256_add_text(&hash, e->plan->scorers[i]->name);
    for (size_t i = 0; i < e->plan->suite->other_anchors_count; i++)
        radz_sha256_add_text(&hash, e->plan->other_anchors[i]->base.sha256);
    for (size_t i = 0; i < e->plan->protocols.count; i++)
        radz_sha256_add_text(&hash, e->plan->protocols.cards[i]->base.sha256);
    for (size_t i = 0; o->probe != NULL && i < o->probe->n_percents + 2; i++) {
        const radz_probe_options *p = o->probe;
        snprintf(number, sizeof number, "probe %.17g",
                 i < p->n_percents ? p->percents[i] : i == p->n_percents ? p->c : (double)p->draws);
        radz_sha256_add_text(&hash, number);
    }
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && o->groups != NULL && i < o->groups->count; i++) {
        st = radz_sha256_file(o->groups->items[i], hex, err);
        radz_sha256_add_text(&hash, hex);
    }
    radz_status ended = radz_sha256_end(&hash, hex, st == RADZ_OK ? err : NULL);
    st = st == RADZ_OK ? ended : st;
    if (st != RADZ_OK)
        return st;
    radz_strbuf id = {0};
    st = radz_strbuf_printf(&id, err, "%s-%.12s", e->plan->suite->base.name, hex);
    if (st == RADZ_OK)
        st = radz_results_name(e->results, id.text, err);
    if (st == RADZ_OK && o->results_dir != NULL) {
        e->run_dir = radz_path_join(o->results_dir, id.text, err);
        st = e->run_dir == NULL ? RADZ_E_NOMEM : radz_mkdirs(e->run_dir, err);
    }
    radz_strbuf_free(&id);
    return st;
}

static radz_status add_provenance(execution *e, radz_error *err)
{
    char hdf5[32], number[32];
    radz_cache_hdf5_version(hdf5);
    snprintf(number, sizeof number, "%" PRIu64, e->seed);
    const struct {
        const char *key, *value;
    } facts[] = {
        {"program", "radz-bench " RADZ_VERSION}, {"libtorch", radz_torch_version()},
        {"blas", radz_blas_text()},              {"hdf5", hdf5},
        {"suite card", e->plan->suite->base.sha256}, {"seed", number},
        {"on error", e->options->skip_bad ? "skip" : "stop"},
    };
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < sizeof facts / sizeof facts[0]; i++)
        st = radz_results_add_fact(e->results, facts[i].key, facts[i].value, err);
    for (size_t i = 0; st == RADZ_OK && i < e->plan->suite->other_anchors_count; i++) {
        radz_strbuf key = {0};
        st = radz_strbuf_printf(&key, err, "other anchors '%s'", e->plan->other_anchors[i]->base.name);
        if (st == RADZ_OK)
            st = radz_results_add_fact(e->results, key.text, e->plan->other_anchors[i]->base.sha256, err);
        radz_strbuf_free(&key);
    }
    for (size_t i = 0; st == RADZ_OK && e->options->groups != NULL && i < e->options->groups->count; i++)
        st = radz_subgroups_add_fact(e->options->groups->items[i], e->results, err);
    return st;
}

static radz_status prepare(execution *e, radz_error *err)
{
    e->datasets = radz_calloc(execution_set_count(e), sizeof *e->datasets, err);
    e->models = radz_calloc(e->plan->n_models, sizeof *e->models, err);
    if (e->datasets == NULL || e->models == NULL)
        return RADZ_E_NOMEM;
    radz_status st = execution_check_classes(e, err);
    if (st == RADZ_OK)
        st = radz_results_create("", e->plan->suite->base.name, e->plan->suite->base.title, e->options->command, &e->results,
                                 err);
    if (st == RADZ_OK && e->options->results_dir != NULL)
        st = radz_preflight_folder("results folder", e->options->results_dir, err);
    if (st == RADZ_OK)
        st = radz_terms_find_card(&e->home->places, RADZ_TERMS_DEFAULT, &e->terms, err);
    if (st == RADZ_OK)
        st = radz_cache_open(e->home->cache, &e->cache, err);
    if (st == RADZ_OK)
        st = radz_preflight_folder("cache", e->home->cache, err);
    if (st == RADZ_OK)
        st = radz_memo_open(e->cache, &e->memo, err);
    if (st == RADZ_OK && e->options->visit == NULL)
        st = radz_preflight_models(e->plan, err);
    if (st == RADZ_OK && e->options->visit == NULL)
        st = radz_preflight_models(e->plan, err);
    if (st == RADZ_OK)
        st = radz_preflight(e->plan, e->options, e->terms, err);
    if (st == RADZ_OK)
        st = execution_open_models(e, err);
    for (size_t i = 0; st == RADZ_OK && i < e->plan->n_datasets; i++)
        st = execution_load_pair(e, i, err);
    return st == RADZ_OK ? execution_check_datasets(e, err) : st;
}

static radz_status tear_down(execution *e, radz_status st, radz_error *err)
{
    for (size_t i = 0; e->models != NULL && i < e->plan->n_models; i++) {
        loaded_model *m = &e->models[i];
        for (size_t d = 0; m->evidence != NULL && d < execution_set_count(e) * RADZ_EVIDENCE_COUNT; d++)
            radz_evidence_free(&m->evidence[d]);
        free(m->evidence);
        radz_status closed = radz_session_close(&m->session, st == RADZ_OK ? err : NULL);
        st = st == RADZ_OK ? closed : st;
    }
    for (size_t i = 0; e->datasets != NULL && i < execution_set_count(e); i++) {
        radz_dataset_free(e->datasets[i].data);
        free(e->datasets[i].paths);
        free(e->datasets[i].names);
        free(e->datasets[i].classes);
    }
    if (e->memo != NULL) {
        radz_status closed = radz_memo_close(e->memo, st == RADZ_OK ? err : NULL);
        st = st == RADZ_OK ? closed : st;
    }
    radz_cache_free(e->cache);
    radz_terms_card_free(e->terms);
    free(e->models);
    free(e->datasets);
    free(e->run_dir);
    return st;
}

radz_status radz_execute(const radz_home *home, const radz_plan *plan, const radz_execute_options *options,
                         radz_results **out, radz_error *err)
{
    *out = NULL;
    execution e = {.home = home, .plan = plan, .options = options};
    e.seed = options->seed < 0 ? plan->suite->seed : (uint64_t)options->seed;
    double begun = radz_clock_seconds();
    radz_status st = prepare(&e, err);
    if (st == RADZ_OK)
        st = execution_embed(&e, err);
    if (st == RADZ_OK)
        st = execution_check_files(&e, err);
    if (st == RADZ_OK)
        st = name_run(&e, err);
    if (st == RADZ_OK && !options->embed_only)
        st = add_provenance(&e, err);
    if (st == RADZ_OK && !options->embed_only)
        st = execution_score(&e, err);
    st = tear_down(&e, st, err);
    if (st == RADZ_OK) {
        e.results->total_seconds = radz_clock_seconds() - begun;
        e.results->peak_memory = radz_peak_memory_bytes();
        *out = e.results;
    } else {
        radz_results_free(e.results);
    }
    return st;
}
