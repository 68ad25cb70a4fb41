#include "run/execute.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cache/cache.h"
#include "run/checkup.h"
#include "run/make_phantom.h"
#include "run/preflight.h"
#include "run/score_images.h"
#include "run/sensitivity.h"
#include "run/subgroups.h"

/* One data set of the plan, loaded; NULL members when it is not here. */
typedef struct loaded_dataset {
    const radz_plan_dataset *planned;
    radz_dataset *data;
    const char **paths, **names; /* [n] views of the samples */
    const char **classes; /* those asked for that it has */
} loaded_dataset;

/* One model of the plan with what it has said about each data set. */
typedef struct loaded_model {
    const radz_plan_model *planned;
    bool here;
    radz_session session;
    radz_evidence_set *evidence; /* [set_count, RADZ_EVIDENCE_COUNT]: of execution.datasets, kind by kind, those that its scorers read */
} loaded_model;

typedef struct execution {
    const radz_home *home;
    const radz_plan *plan;
    const radz_execute_options *options;
    uint64_t seed;
    radz_terms_card *terms;
    radz_cache *cache;
    radz_memo *memo;
    loaded_dataset *datasets; /* [2 x plan->n_datasets]: the test sets, then the validation set of each (or nothing) */
    loaded_model *models;     /* [plan->n_models] */
    radz_results *results;
    char *run_dir;
} execution;

/* ---- loading ---- */

static size_t set_count(const execution *e)
{
    return 2 * e->plan->n_datasets;
}

static bool will_be_evaluated(const loaded_dataset *d)
{
    return d->data != NULL && d->data->n > 0;
}

/* The phantom is made by the program: on first use, or where a part of its images is not there yet. */
static radz_status generate(const execution *e, const radz_plan_dataset *d, const char *split, radz_error *err)
{
    radz_make_phantom_options make = {
        .patients = d->card->generated->patients,
        .seed = d->card->generated->seed,
        .split = split,
        .threads = e->options->threads,
    };
    radz_info("making the synthetic data set '%s' in '%s'", d->card->base.name, d->location.root);
    radz_status st = radz_make_phantom(d->location.root, &make, err);
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "data set '%s'", d->card->base.name), st);
}

/* A class, or group of classes, that is asked for need not be in every data set, but in one. */
static radz_status check_classes(const execution *e, radz_error *err)
{
    const radz_strlist *asked = e->options->classes;
    for (size_t i = 0; asked != NULL && i < asked->count; i++) {
        bool known = false;
        for (size_t d = 0; d < e->plan->n_datasets; d++)
            known = known || radz_dataset_card_knows(e->plan->datasets[d].card, asked->items[i]);
        if (known || e->plan->n_datasets == 0)
            continue;
        const radz_dataset_card *card = e->plan->datasets[0].card;
        const char **names = radz_calloc(card->classes_count + card->groups_count, sizeof *names, err);
        if (names == NULL)
            return RADZ_E_NOMEM;
        size_t n = 0;
        for (size_t k = 0; k < card->classes_count; k++)
            names[n++] = card->classes[k].name;
        for (size_t k = 0; k < card->groups_count; k++)
            names[n++] = card->groups[k].name;
        radz_status st = radz_fail_unknown_in(err, "class", asked->items[i], names, n);
        (void)radz_prefix(err, "data set '%s'", card->base.name);
        free(names);
        return st;
    }
    return RADZ_OK;
}

/* Where the labels answer questions, scorers that ask a model something, and not about a class, have something to say. */
static bool suits(const radz_dataset_card *card, radz_evidence kind)
{
    return card->columns->question == NULL || radz_evidence_takes_questions(kind);
}

static bool applies(const radz_dataset_card *card, const radz_plan_model *m, const radz_scorer *scorer)
{
    return suits(card, scorer->evidence) && radz_plan_applies(m, scorer);
}

/* The kind of evidence of a model that is a vector per image. */
static radz_evidence vectors_of(const radz_plan_model *m)
{
    return (m->evidence & 1u << RADZ_EVIDENCE_EMBEDDING) != 0 ? RADZ_EVIDENCE_EMBEDDING : RADZ_EVIDENCE_RADZ_FEATURE;
}

static bool wants_vectors(const execution *e)
{
    return e->options->probe != NULL || e->options->visit != NULL;
}

/* Is there anything to do with such a data set? */
static bool has_scorer(const execution *e, const radz_dataset_card *card)
{
    const radz_plan *plan = e->plan;
    if (card->columns->question == NULL)
        return true;
    bool any = false;
    for (size_t m = 0; m < plan->n_models && !wants_vectors(e); m++)
        for (size_t s = 0; s < plan->n_scorers; s++)
            any = any || applies(card, &plan->models[m], plan->scorers[s]);
    return any;
}

/* A data set whose images are all missing. */
static radz_status leave_out(const execution *e, const radz_dataset_card *card, const radz_dataset *data, radz_error *err)
{
    radz_unopened unopened;
    radz_strbuf why = {0};
    radz_status st = radz_unopened_find(card, data->root, &unopened, err);
    if (st != RADZ_OK)
        return st;
    bool packed = unopened.archives.count > 0;
    st = radz_strbuf_printf(&why, err, "no image of split '%s' is here%s%s", data->split, packed ? ": " : "",
                            packed ? unopened.text.text : "");
    if (st == RADZ_OK) {
        radz_warn("%s is left out: %s", data->name, why.text);
        st = radz_results_add_absent(e->results, &(radz_result_absent){card->base.name, card->base.title, why.text}, err);
    }
    radz_strbuf_free(&why);
    radz_unopened_free(&unopened);
    return st;
}

static radz_status load_dataset(const execution *e, loaded_dataset *d, const char *split, radz_error *err)
{
    const radz_dataset_card *card = d->planned->card;
    const radz_dataset_location *location = &d->planned->location;
    if (location->presence >= RADZ_DATASET_NOT_HERE) {
        radz_info("%s: not here: %s", card->base.name, location->hint);
        return radz_results_add_absent(e->results,
                                       &(radz_result_absent){card->base.name, card->base.title, location->hint}, err);
    }
    const radz_strlist *asked = e->options->classes;
    size_t n_asked = asked != NULL ? asked->count : 0, n_classes = 0;
    d->classes = radz_calloc(n_asked, sizeof *d->classes, err);
    if (d->classes == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n_asked; i++)
        if (radz_dataset_card_knows(card, asked->items[i]))
            d->classes[n_classes++] = asked->items[i];
    if (!has_scorer(e, card)) {
        static const char hint[] = "its labels answer questions about an image, and no scorer of the selection asks a model these "
                                   "(vqa-logit, vqa-generate)";
        radz_info("%s: left out: %s", card->base.name, hint);
        return radz_results_add_absent(e->results, &(radz_result_absent){card->base.name, card->base.title, hint}, err);
    }
    if (n_asked > 0 && n_classes == 0) {
        radz_info("%s: has none of the classes asked for; it is left out", card->base.name);
        return radz_results_add_absent(
            e->results, &(radz_result_absent){card->base.name, card->base.title, "has none of the classes asked for"}, err);
    }
    radz_dataset_filter filter = {
        .classes = d->classes,
        .classes_count = n_classes,
        .limit = e->options->limit,
        .seed = e->seed,
    };
    radz_status st = RADZ_OK;
    if (location->presence == RADZ_DATASET_GENERATED)
        st = generate(e, d->planned, split, err);
    if (st == RADZ_OK)
        st = radz_dataset_load(card, location->root, split, &filter, &d->data, err);
    char *own_root = st == RADZ_OK && card->generated != NULL ? radz_home_generated_root(e->home, card, err) : NULL;
    bool incomplete = own_root != NULL && strcmp(own_root, location->root) == 0 && d->data->n_missing > 0;
    free(own_root);
    if (incomplete) {
        radz_dataset_free(d->data);
        d->data = NULL;
        st = generate(e, d->planned, split, err);
        if (st == RADZ_OK)
            st = radz_dataset_load(card, location->root, split, &filter, &d->data, err);
    }
    if (st != RADZ_OK)
        return st;

    const radz_dataset *data = d->data;
    if (data->n_missing > 0 && data->n > 0)
        radz_warn("%s: %zu of the %zu images of split '%s' have no file (e.g. %s); the figures are those of the other %zu",
                  data->name, data->n_missing, data->split_images, data->split, data->missing_example, data->n);
    if (data->n == 0)
        return leave_out(e, card, data, err);
    d->paths = radz_calloc(data->n, sizeof *d->paths, err);
    d->names = radz_calloc(data->n, sizeof *d->names, err);
    if (d->paths == NULL || d->names == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < data->n; i++) {
        d->paths[i] = data->samples[i].path;
        d->names[i] = data->samples[i].image_id;
    }
    return RADZ_OK;
}

/* A test set, and the validation set that belongs to it where one is asked for and there is such a split. */
static radz_status load_pair(execution *e, size_t i, radz_error *err)
{
    loaded_dataset *test = &e->datasets[i], *validation = &e->datasets[e->plan->n_datasets + i];
    const radz_dataset_card *card = e->plan->datasets[i].card;
    const char *split = e->options->split != NULL ? e->options->split : card->split, *val_split = e->options->val_split;
    test->planned = validation->planned = &e->plan->datasets[i];
    radz_status st = load_dataset(e, test, split, err);
    if (st != RADZ_OK || val_split == NULL || !will_be_evaluated(test))
        return st;
    if (radz_dataset_card_split(card, val_split) == NULL) {
        radz_warn("%s: no split '%s'; %s", card->base.name, val_split,
                  e->options->probe != NULL ? "a probe has nothing to learn from"
                                            : "thresholds are chosen as without a validation set");
        return RADZ_OK;
    }
    return load_dataset(e, validation, val_split, err);
}

/* ---- phase one: everything that may need the encoder ---- */

static bool reads(const execution *e, const radz_dataset_card *card, const radz_plan_model *m, radz_evidence kind, bool *anchors)
{
    const radz_plan *plan = e->plan;
    bool any = false;
    if (wants_vectors(e))
        return kind == vectors_of(m);
    for (size_t i = 0; i < plan->n_scorers; i++) {
        const radz_scorer *scorer = plan->scorers[i];
        if (scorer->evidence != kind || !applies(card, m, scorer))
            continue;
        any = true;
        *anchors |= scorer->needs_anchors;
    }
    return any;
}

static radz_status open_model(execution *e, loaded_model *m, radz_error *err)
{
    const radz_plan_model *planned = m->planned;
    radz_session_options options = {
        .card = planned->card,
        .prompts = planned->prompts,
        .template_card = planned->template_card,
        .anchors = planned->anchors,
        .terms = e->terms,
        .folder = planned->folder,
        .cache = e->cache,
        .memo = e->memo,
        .device = e->options->device,
        .dtype = e->options->dtype,
        .threads = e->options->threads,
    };
    m->here = true;
    radz_status st = radz_session_open(&options, &m->session, err);
    return st == RADZ_OK ? radz_session_need_device(&m->session, err) : st;
}

/* Before anything is made or computed, so that what is wrong with a later model shows at once. */
static radz_status open_models(execution *e, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < e->plan->n_models; i++) {
        loaded_model *m = &e->models[i];
        m->planned = &e->plan->models[i];
        m->evidence = radz_calloc(set_count(e) * RADZ_EVIDENCE_COUNT, sizeof *m->evidence, err);
        st = m->evidence == NULL ? RADZ_E_NOMEM : m->planned->folder != NULL ? open_model(e, m, err) : RADZ_OK;
    }
    return st;
}

static radz_evidence_set *evidence_of(const loaded_model *m, size_t dataset, radz_evidence kind)
{
    return &m->evidence[dataset * RADZ_EVIDENCE_COUNT + kind];
}

static radz_status note_skips(execution *e, const loaded_dataset *set, const radz_evidence_set *evidence, radz_error *err)
{
    const char *data_name = set->data->name, *model_name = evidence->session->o.card->base.name;
    const radz_embed_output *out = &evidence->images;
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < out->n_skips; i++) {
        radz_result_skip skip = {data_name, model_name, set->names[out->skips[i].index], out->skips[i].reason};
        bool known = false; /* another kind of evidence has met it */
        for (size_t k = 0; k < e->results->n_skips; k++)
            known = known || (strcmp(e->results->skips[k].dataset, data_name) == 0 &&
                              strcmp(e->results->skips[k].model, model_name) == 0 &&
                              strcmp(e->results->skips[k].image, skip.image) == 0);
        if (known)
            continue;
        radz_warn("skipped: %s", skip.reason);
        st = radz_results_add_skip(e->results, &skip, err);
    }
    return st;
}

/* Everything that the scorers of the plan read of this data set. */
static radz_status embed_dataset(execution *e, loaded_model *m, size_t d, radz_error *err)
{
    const loaded_dataset *set = &e->datasets[d];
    const char *model_name = m->planned->card->base.name;
    radz_evidence_request request = {
        .dataset = set->data,
        .dataset_card = set->planned->card,
        .paths = set->paths,
        .names = set->names,
        .skip_bad = e->options->skip_bad,
        .threads = e->options->threads,
        .other_prompts = (const radz_prompts_card *const *)e->plan->other_prompts,
        .n_other_prompts = e->plan->suite->other_prompts_count,
        .other_anchors = (const radz_anchors_card *const *)e->plan->other_anchors,
        .n_other_anchors = e->plan->suite->other_anchors_count,
        .vary = d < e->plan->n_datasets && e->options->probe == NULL && e->options->visit == NULL,
        .vary_questions = e->plan->vary_questions,
    };
    radz_evidence_log log;
    radz_info("%s with %s:", set->data->name, model_name);
    for (radz_evidence kind = 0; kind < RADZ_EVIDENCE_COUNT; kind++)
        if (reads(e, set->planned->card, m->planned, kind, &request.anchors))
            request.kinds |= 1u << kind;
    radz_status st = radz_evidence_produce(&m->session, &request, evidence_of(m, d, 0), &log, err);
    for (radz_evidence kind = 0; st == RADZ_OK && kind < RADZ_EVIDENCE_COUNT; kind++)
        if ((request.kinds & 1u << kind) != 0)
            st = note_skips(e, set, evidence_of(m, d, kind), err);
    for (size_t i = 0; st == RADZ_OK && i < log.n; i++) {
        const radz_evidence_stage *s = &log.stages[i];
        st = radz_results_add_stage(e->results, &(radz_result_stage){s->name, set->data->name, model_name, s->items, s->cached,
                                                                     s->seconds}, err);
    }
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "data set '%s', model '%s'", set->data->name, model_name), st);
}

static radz_status embed_and_visit(execution *e, loaded_model *m, size_t d, radz_error *err)
{
    radz_status st = embed_dataset(e, m, d, err);
    if (st == RADZ_OK && e->options->visit != NULL)
        st = e->options->visit(e->options->visit_context, m->planned->card->base.name, evidence_of(m, d, vectors_of(m->planned)),
                               err);
    return st;
}

static radz_status embed_all(execution *e, radz_error *err)
{
    for (size_t i = 0; i < e->plan->n_models; i++) {
        loaded_model *m = &e->models[i];
        const radz_model_card *card = m->planned->card;
        radz_status st = RADZ_OK;
        if (!m->here)
            st = radz_results_add_absent(e->results, &(radz_result_absent){card->base.name, card->base.title, m->planned->hint},
                                         err);
        for (size_t d = 0; st == RADZ_OK && m->here && d < set_count(e); d++)
            if (will_be_evaluated(&e->datasets[d]))
                st = embed_and_visit(e, m, d, err);
        if (st == RADZ_OK && m->here)
            st = radz_session_rest(&m->session, err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

/* Files that are there twice: known for nothing once everything is embedded, and the same for every model. */
static radz_status check_files(execution *e, radz_error *err)
{
    radz_checkup_files *splits = radz_calloc(e->plan->n_datasets, sizeof *splits, err);
    size_t n = 0, before = e->results->n_findings;
    if (splits == NULL)
        return RADZ_E_NOMEM;
    for (size_t d = 0; d < e->plan->n_datasets; d++) {
        const radz_embed_output *out = NULL;
        for (size_t m = 0; out == NULL && m < e->plan->n_models; m++)
            for (radz_evidence kind = 0; out == NULL && kind < RADZ_EVIDENCE_COUNT; kind++) {
                const radz_evidence_set *set = evidence_of(&e->models[m], d, kind);
                out = set->images.keys != NULL ? &set->images : NULL;
            }
        if (out != NULL && will_be_evaluated(&e->datasets[d]))
            splits[n++] = (radz_checkup_files){e->datasets[d].data->name, e->datasets[d].data->split, e->datasets[d].names,
                                               e->datasets[d].paths, out->keys, out->usable, out->n};
    }
    radz_status st = radz_checkup_same_files(splits, n, e->results, err);
    for (size_t i = before; st == RADZ_OK && i < e->results->n_findings; i++)
        radz_warn("%s: %s", e->results->findings[i].dataset, e->results->findings[i].what);
    free(splits);
    return st;
}

/* ---- identity ---- */

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
    for (size_t i = 0; i < set_count(e); i++) {
        const loaded_dataset *d = &e->datasets[i];
        radz_sha256_add_text(&hash, d->planned->card->base.sha256);
        radz_sha256_add_text(&hash, will_be_evaluated(d) ? d->data->fingerprint : "absent");
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
        for (size_t d = 0; d < set_count(e) * RADZ_EVIDENCE_COUNT; d++) {
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

/* ---- phase two: from the cache alone ---- */

static radz_status note_cost(execution *e, const radz_evidence_set *evidence, const char *scorer, radz_error *err)
{
    size_t computed = evidence->computed;
    radz_result_cost cost = {
        .dataset = evidence->dataset->name,
        .model = evidence->session->o.card->base.name,
        .scorer = scorer,
        .images = computed,
        .seconds_per_image = computed > 0 ? evidence->seconds / (double)computed : NAN,
        .tokens_per_image = computed > 0 ? (double)evidence->tokens / (double)computed : NAN,
        .peak_memory = evidence->peak_memory,
    };
    return radz_results_add_cost(e->results, &cost, err);
}

/* What is known of an evaluation before any figure is made. */
static radz_result_block block_of(const execution *e, size_t dataset, const loaded_model *m, radz_evidence kind,
                                  const char *scorer)
{
    const loaded_dataset *d = &e->datasets[dataset];
    const radz_session *s = &m->session;
    const radz_evidence_set *evidence = evidence_of(m, dataset, kind);
    bool asked = evidence->answers > 0 || kind == RADZ_EVIDENCE_YES_NO_LOGITS, features = kind == RADZ_EVIDENCE_RADZ_FEATURE;
    return (radz_result_block){
        .dataset = d->data->name,
        .dataset_title = d->planned->card->base.title,
        .split = d->data->split,
        .model = m->planned->card->base.name,
        .model_title = m->planned->card->base.title,
        .scorer = scorer,
        .prompts = d->planned->card->columns->question != NULL ? "the data set's own questions" : m->planned->prompts->base.name,
        .synthetic = d->planned->card->synthetic,
        .subset = d->data->subset,
        .n_missing = d->data->n_missing,
        .n_skipped = evidence->images.n_skips,
        .level = d->data->level == RADZ_LEVEL_STUDY ? "study" : d->planned->card->columns->question != NULL ? "question" : "image",
        .aggregate = d->data->level == RADZ_LEVEL_STUDY ? radz_aggregate_name(d->data->aggregate) : NULL,
        .n_before_limit = d->data->subset ? d->data->n_before_limit : 0,
        .n_classes = d->data->n_classes < d->data->n_card_classes ? d->data->n_classes : 0,
        .n_card_classes = d->data->n_classes < d->data->n_card_classes ? d->data->n_card_classes : 0,
        .split_fingerprint = d->data->split_fingerprint,
        .weights_sha256 = s->weights,
        .prompts_sha256 = radz_evidence_prompts_sha256(evidence),
        .recipe = s->facts->recipe_text,
        .dtype = s->facts->dtype,
        .device = s->facts->device_class,
        .trained_on = m->planned->card->trained_on,
        .prompts_wording = d->planned->card->columns->question != NULL ? NULL : m->planned->prompts->notes,
        .template_name = asked ? s->facts->template_name : NULL,
        .reading = features ? s->facts->reading_text : NULL,
        .temperature = features ? s->facts->temperature : 0,
    };
}

static radz_status evaluate_scorer(execution *e, size_t dataset, loaded_model *m, const radz_scorer *scorer, radz_error *err)
{
    const loaded_dataset *d = &e->datasets[dataset];
    const radz_evidence_set *evidence = evidence_of(m, dataset, scorer->evidence);
    const char *model_name = m->planned->card->base.name;
    size_t val = e->plan->n_datasets + dataset;
    bool validated = will_be_evaluated(&e->datasets[val]);
    radz_scoring scoring = {.evidence = evidence, .run_dir = e->run_dir};
    radz_scored_images scored, validation = {0};
    radz_subgroup_columns subgroups = {0};
    radz_status st = radz_score_images(&scoring, scorer->name, &scored, err);
    if (st == RADZ_OK && validated) {
        radz_scoring of_validation = {.evidence = evidence_of(m, val, scorer->evidence)};
        st = radz_score_images(&of_validation, scorer->name, &validation, err);
    }
    if (st == RADZ_OK)
        st = radz_subgroups_of_dataset(d->data, scored.sample_of, scored.set.n, &subgroups, err);
    for (size_t i = 0; st == RADZ_OK && e->options->groups != NULL && i < e->options->groups->count; i++)
        st = radz_subgroups_of_file(e->options->groups->items[i], NULL, NULL, scored.set.names, scored.set.n, &subgroups, err);
    radz_evaluation evaluation = {
        .test = &scored.set,
        .validation = validated ? &validation.set : NULL,
        .validation_split = validated ? e->datasets[val].data->split : NULL,
        .probabilities = st == RADZ_OK && scored.probabilities,
        .details = true,
        .subgroupings = subgroups.columns,
        .subgroupings_count = subgroups.count,
        .groups = d->planned->card->groups,
        .groups_count = d->planned->card->groups_count,
        .replicates = e->plan->suite->replicates,
        .confidence = e->plan->suite->confidence,
        .seed = e->seed,
        .threads = e->options->threads,
        .block = block_of(e, dataset, m, scorer->evidence, scorer->name),
        .run_dir = e->run_dir,
        .pictures = e->options->thumbnails == RADZ_THUMBNAILS_ALL ||
                    (e->options->thumbnails == RADZ_THUMBNAILS_PUBLIC && d->planned->card->is_public),
    };
    if (scorer->needs_anchors) {
        evaluation.block.anchors = m->session.o.anchors->base.name;
        if (!scorer->described)
            evaluation.block.anchor_form = radz_anchor_form_name(m->session.o.card->anchor_form);
        evaluation.block.anchors_sha256 = evidence->anchors_sha256;
        evaluation.block.anchors_wording = m->session.o.anchors->notes;
    }
    if (scorer->described)
        evaluation.block.prompts = evaluation.block.prompts_sha256 = evaluation.block.prompts_wording = NULL;
    if (scorer->hard) {
        evaluation.block.hard = true;
        evaluation.block.n_answers = scored.answers;
        evaluation.block.n_unknown = scored.unknown;
        evaluation.block.n_judged = scored.judged;
        evaluation.block.n_right = scored.right;
    }
    for (size_t p = 0; st == RADZ_OK && p < e->plan->protocols.count; p++) {
        evaluation.protocol = e->plan->protocols.cards[p];
        st = radz_evaluate(&evaluation, e->results, err);
        if (st == RADZ_OK && p == 0)
            st = radz_sensitivity_add(&scoring, scorer->name, &scored, e->results, err);
    }
    if (st == RADZ_OK && e->run_dir != NULL)
        st = radz_scores_write(e->run_dir, d->data->name, model_name, scorer->name, scored.set.names, scored.set.n,
                               scored.set.classes, scored.set.n_classes, scored.set.scores, err);
    if (st == RADZ_OK)
        st = note_cost(e, evidence, scorer->name, err);
    radz_subgroup_columns_free(&subgroups);
    radz_scored_images_free(&scored);
    radz_scored_images_free(&validation);
    return st == RADZ_OK ? RADZ_OK
                         : (radz_prefix(err, "data set '%s', model '%s', scorer '%s'", d->data->name, model_name, scorer->name), st);
}

/* Few-shot rows: trained on the second split. */
static radz_status evaluate_probe(execution *e, size_t dataset, loaded_model *m, radz_error *err)
{
    size_t sets[2] = {e->plan->n_datasets + dataset, dataset};
    radz_scored_images images[2] = {{.names = NULL}, {.names = NULL}};
    float *features[2] = {NULL, NULL};
    radz_probe_set probe[2];
    radz_status st = RADZ_OK;
    for (int i = 0; st == RADZ_OK && i < 2; i++) {
        radz_scoring scoring = {.evidence = evidence_of(m, sets[i], vectors_of(m->planned))};
        st = radz_gather_images(&scoring, &images[i], err);
        if (st == RADZ_OK)
            st = radz_gather_features(&scoring, &images[i], &features[i], err);
        probe[i] = (radz_probe_set){images[i].set, features[i]};
    }
    if (st == RADZ_OK) {
        radz_result_block block = block_of(e, dataset, m, vectors_of(m->planned), "linear-probe");
        block.level = "image"; /* the probe learns and scores images, whatever the card's level */
        block.aggregate = NULL;
        st = radz_probe_evaluate(&probe[0], &probe[1], m->session.facts->dim, e->options->probe, e->seed,
                                 e->options->threads, e->plan->suite->confidence, &block, "few-shot", e->results, err);
    }
    for (int i = 0; i < 2; i++) {
        radz_scored_images_free(&images[i]);
        free(features[i]);
    }
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "data set '%s', model '%s'", e->datasets[dataset].data->name,
                                                  m->planned->card->base.name), st);
}

static radz_status evaluate_model(execution *e, size_t dataset, loaded_model *m, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t s = 0; st == RADZ_OK && s < e->plan->n_scorers; s++)
        if (applies(e->datasets[dataset].planned->card, m->planned, e->plan->scorers[s]))
            st = evaluate_scorer(e, dataset, m, e->plan->scorers[s], err);
    return st;
}

/* What each class is called in the table of terms, so that data sets can be put side by side. */
static radz_status add_terms(execution *e, const radz_dataset *data, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t c = 0; c < data->n_classes && st == RADZ_OK; c++) {
        const radz_term *term = radz_term_find(e->terms, data->classes[c]);
        if (term != NULL)
            st = radz_results_add_term(e->results, &(radz_result_term){data->name, data->classes[c], term->name}, err);
    }
    return st;
}

/* A row for each thing that is scored: an image, or a study with the labels of its images merged. */
static radz_status write_labels(const execution *e, const loaded_dataset *d, radz_error *err)
{
    const radz_dataset *data = d->data;
    size_t classes = data->n_classes;
    uint32_t *patients = radz_calloc(data->n_units, sizeof *patients, err);
    const char **names = radz_calloc(data->n_units, sizeof *names, err);
    int8_t *labels = radz_calloc(data->n_units * classes, sizeof *labels, err);
    radz_status st = patients == NULL || names == NULL || labels == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < data->n; i++) {
        uint32_t unit = data->samples[i].unit;
        int8_t *to = labels + unit * classes;
        for (size_t k = 0; k < classes; k++)
            to[k] = names[unit] == NULL ? data->labels[i * classes + k] : radz_label_merge(to[k], data->labels[i * classes + k]);
        if (names[unit] == NULL) {
            names[unit] = radz_sample_unit_name(data, i);
            patients[unit] = data->samples[i].patient;
        }
    }
    if (st == RADZ_OK)
        st = radz_labels_write(e->run_dir, data->name, names, patients, data->n_units, data->classes, classes, labels, err);
    free(patients);
    free(names);
    free(labels);
    return st;
}

static radz_status evaluate_all(execution *e, radz_error *err)
{
    size_t evaluated = 0;
    radz_status st = RADZ_OK;
    for (size_t d = 0; st == RADZ_OK && d < e->plan->n_datasets; d++) {
        if (!will_be_evaluated(&e->datasets[d]))
            continue;
        st = radz_evaluate_groups(e->datasets[d].data->name, e->datasets[d].planned->card->groups,
                                  e->datasets[d].planned->card->groups_count, e->datasets[d].data->classes,
                                  e->datasets[d].data->n_classes, e->results, err);
        if (st == RADZ_OK)
            st = add_terms(e, e->datasets[d].data, err);
        if (st == RADZ_OK && e->run_dir != NULL)
            st = write_labels(e, &e->datasets[d], err);
        for (size_t m = 0; st == RADZ_OK && m < e->plan->n_models; m++) {
            if (!e->models[m].here)
                continue;
            if (e->options->probe != NULL && !will_be_evaluated(&e->datasets[e->plan->n_datasets + d]))
                continue;
            st = e->options->probe != NULL ? evaluate_probe(e, d, &e->models[m], err)
                                           : evaluate_model(e, d, &e->models[m], err);
            evaluated++;
        }
    }
    if (st == RADZ_OK && evaluated == 0)
        st = radz_fail(err, RADZ_E_MISSING, "nothing to evaluate: no data set of the selection%s and no model for it is here",
                       e->options->probe != NULL ? " with a training split" : "");
    return st;
}

/* The check of the data sets that are evaluated, as far as it reads no image: what it finds goes into the results. */
static radz_status check_datasets(execution *e, radz_error *err)
{
    radz_checkup_dataset *sets = radz_calloc(e->plan->n_datasets, sizeof *sets, err);
    radz_findings findings = {0};
    radz_checkup_options options = {.split = e->options->split, .threads = e->options->threads};
    size_t n = 0;
    if (sets == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < e->plan->n_datasets; i++)
        if (will_be_evaluated(&e->datasets[i]))
            sets[n++] = (radz_checkup_dataset){e->datasets[i].planned->card, e->datasets[i].data->root};
    radz_status st = radz_checkup(e->home, sets, n, &options, &findings, err);
    size_t errors = 0, warnings = 0;
    for (size_t i = 0; st == RADZ_OK && i < e->plan->n_datasets; i++)
        if (will_be_evaluated(&e->datasets[i]))
            st = radz_checkup_report(&findings, e->datasets[i].data->name, e->datasets[i].data->split, e->results, err);
    for (size_t i = 0; st == RADZ_OK && i < e->results->n_findings; i++) {
        const radz_result_finding *f = &e->results->findings[i];
        bool is_error = strcmp(f->severity, "error") == 0, is_warning = strcmp(f->severity, "warning") == 0;
        errors += is_error;
        warnings += is_warning;
        if ((is_error || is_warning) && strcmp(f->code, "missing-images") != 0) /* said when the set was loaded */
            radz_warn("%s: %s", f->dataset, f->what);
    }
    if (st == RADZ_OK && e->options->strict && errors + warnings > 0)
        st = radz_fail(err, RADZ_E_VALUE, "the check of the data sets found %zu errors and %zu warnings, and --strict lets none "
                       "pass (see `radz-bench check`)", errors, warnings);
    radz_findings_free(&findings);
    free(sets);
    return st;
}

static radz_status prepare(execution *e, radz_error *err)
{
    e->datasets = radz_calloc(set_count(e), sizeof *e->datasets, err);
    e->models = radz_calloc(e->plan->n_models, sizeof *e->models, err);
    if (e->datasets == NULL || e->models == NULL)
        return RADZ_E_NOMEM;
    radz_status st = check_classes(e, err);
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
    if (st == RADZ_OK)
        st = radz_preflight(e->plan, e->options, e->terms, err);
    if (st == RADZ_OK)
        st = open_models(e, err);
    for (size_t i = 0; st == RADZ_OK && i < e->plan->n_datasets; i++)
        st = load_pair(e, i, err);
    return st == RADZ_OK ? check_datasets(e, err) : st;
}

static radz_status tear_down(execution *e, radz_status st, radz_error *err)
{
    for (size_t i = 0; e->models != NULL && i < e->plan->n_models; i++) {
        loaded_model *m = &e->models[i];
        for (size_t d = 0; m->evidence != NULL && d < set_count(e) * RADZ_EVIDENCE_COUNT; d++)
            radz_evidence_free(&m->evidence[d]);
        free(m->evidence);
        radz_status closed = radz_session_close(&m->session, st == RADZ_OK ? err : NULL);
        st = st == RADZ_OK ? closed : st;
    }
    for (size_t i = 0; e->datasets != NULL && i < set_count(e); i++) {
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
        st = embed_all(&e, err);
    if (st == RADZ_OK)
        st = check_files(&e, err);
    if (st == RADZ_OK)
        st = name_run(&e, err);
    if (st == RADZ_OK && !options->embed_only)
        st = add_provenance(&e, err);
    if (st == RADZ_OK && !options->embed_only)
        st = evaluate_all(&e, err);
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
