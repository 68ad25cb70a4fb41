#include <math.h>
#include <string.h>

#include "base/json.h"
#include "report/detail.h"
#include "report/print.h"

/* NaN is null; infinities, which JSON does not know, are strings. */
static void put_real(radz_json_writer *w, const char *key, double value)
{
    if (isinf(value))
        radz_json_put_string(w, key, value > 0 ? "inf" : "-inf");
    else
        radz_json_put_double(w, key, value);
}

static void put_count(radz_json_writer *w, const char *key, uint64_t value)
{
    radz_json_put_i64(w, key, (int64_t)value);
}

/* How a model was asked or read; of models of which there is nothing to say it is left out. */
static void put_evidence(radz_json_writer *w, const radz_result_block *b)
{
    if (b->template_name == NULL && b->reading == NULL && b->anchors == NULL && !b->hard)
        return;
    radz_json_object_begin(w, "evidence");
    radz_json_put_string(w, "template", b->template_name);
    radz_json_put_string(w, "reading", b->reading);
    radz_json_put_string(w, "anchors", b->anchors);
    radz_json_put_string(w, "anchor_form", b->anchor_form);
    radz_json_put_string(w, "anchors_sha256", b->anchors_sha256);
    if (b->anchors_wording != NULL)
        radz_json_put_string(w, "anchors_wording", b->anchors_wording);
    put_real(w, "temperature", b->temperature);
    radz_json_put_bool(w, "hard_answers", b->hard);
    put_count(w, "answers", b->n_answers);
    put_count(w, "unknown", b->n_unknown);
    if (b->n_judged > 0) {
        put_count(w, "judged", b->n_judged);
        put_count(w, "right", b->n_right);
    }
    radz_json_object_end(w);
}

static void put_block(radz_json_writer *w, const radz_result_block *b)
{
    radz_json_object_begin(w, NULL);
    radz_json_put_string(w, "dataset", b->dataset);
    radz_json_put_string(w, "dataset_title", b->dataset_title);
    radz_json_put_bool(w, "synthetic", b->synthetic);
    radz_json_put_string(w, "split", b->split);
    radz_json_put_bool(w, "subset", b->subset);
    if (b->n_before_limit > 0)
        put_count(w, "before_limit", b->n_before_limit);
    if (b->n_card_classes > 0) {
        put_count(w, "classes", b->n_classes);
        put_count(w, "classes_of_the_card", b->n_card_classes);
    }
    if (b->level != NULL && strcmp(b->level, "image") != 0)
        radz_json_put_string(w, "level", b->level);
    if (b->aggregate != NULL)
        radz_json_put_string(w, "aggregate", b->aggregate);
    put_count(w, "images", b->n);
    put_count(w, "patients", b->n_patients);
    put_count(w, "missing", b->n_missing);
    put_count(w, "skipped", b->n_skipped);
    radz_json_put_string(w, "fingerprint", b->fingerprint);
    radz_json_put_string(w, "split_fingerprint", b->split_fingerprint);
    radz_json_put_string(w, "model", b->model);
    radz_json_put_string(w, "model_title", b->model_title);
    radz_json_put_string(w, "weights_sha256", b->weights_sha256);
    radz_json_put_string(w, "trained_on", b->trained_on);
    radz_json_put_string(w, "dtype", b->dtype);
    radz_json_put_string(w, "device", b->device);
    radz_json_put_string(w, "recipe", b->recipe);
    radz_json_put_string(w, "scorer", b->scorer);
    radz_json_put_string(w, "prompts", b->prompts);
    radz_json_put_string(w, "prompts_sha256", b->prompts_sha256);
    if (b->prompts_wording != NULL)
        radz_json_put_string(w, "prompts_wording", b->prompts_wording);
    radz_json_put_string(w, "protocol", b->protocol);
    put_real(w, "confidence", b->confidence);
    put_count(w, "replicates", b->replicates);
    put_count(w, "distinct_replicates", b->distinct_replicates);
    radz_json_put_string(w, "resampled", b->resampled);
    if (b->bca)
        radz_json_put_string(w, "bounds", "bca");
    radz_json_array_begin(w, "notes");
    for (size_t i = 0; i < b->n_notes; i++)
        radz_json_put_string(w, NULL, b->notes[i]);
    radz_json_array_end(w);
    put_evidence(w, b);
    radz_json_object_end(w);
}

static void put_row(radz_json_writer *w, const radz_result_row *r)
{
    radz_json_object_begin(w, NULL);
    radz_json_put_string(w, "dataset", r->dataset);
    radz_json_put_string(w, "split", r->split);
    put_count(w, "n", r->n);
    radz_json_put_string(w, "model", r->model);
    radz_json_put_string(w, "scorer", r->scorer);
    radz_json_put_string(w, "protocol", r->protocol);
    radz_json_put_string(w, "class", r->class_name);
    radz_json_put_string(w, "metric", r->metric);
    put_real(w, "value", r->value);
    put_real(w, "ci_low", r->ci_low);
    put_real(w, "ci_high", r->ci_high);
    put_count(w, "n_pos", r->n_pos);
    radz_json_put_string(w, "status", r->status);
    radz_json_put_string(w, "ci_status", r->ci_status);
    radz_json_object_end(w);
}

static void put_pair(radz_json_writer *w, const radz_result_pair *p)
{
    radz_json_object_begin(w, NULL);
    radz_json_put_string(w, "dataset", p->dataset);
    radz_json_put_string(w, "split", p->split);
    put_count(w, "n", p->n);
    radz_json_put_string(w, "a", p->a);
    radz_json_put_string(w, "b", p->b);
    radz_json_put_string(w, "class", p->class_name);
    radz_json_put_string(w, "metric", p->metric);
    put_real(w, "value_a", p->value_a);
    put_real(w, "value_b", p->value_b);
    put_real(w, "difference", p->difference);
    put_real(w, "ci_low", p->ci_low);
    put_real(w, "ci_high", p->ci_high);
    put_real(w, "p", p->p);
    put_real(w, "p_holm", p->p_holm);
    put_real(w, "p_bh", p->p_bh);
    put_real(w, "p_permutation", p->p_permutation);
    put_count(w, "n_pos", p->n_pos);
    radz_json_put_string(w, "status", p->status);
    radz_json_object_end(w);
}

static void put_lists(radz_json_writer *w, const radz_results *results)
{
    radz_json_array_begin(w, "groups");
    for (size_t i = 0; i < results->n_groups; i++) {
        const radz_result_group *g = &results->groups[i];
        radz_json_object_begin(w, NULL);
        radz_json_put_string(w, "dataset", g->dataset);
        radz_json_put_string(w, "name", g->name);
        radz_json_put_string(w, "title", g->title);
        radz_json_array_begin_inline(w, "classes");
        for (size_t j = 0; j < g->n_classes; j++)
            radz_json_put_string(w, NULL, g->classes[j]);
        radz_json_array_end(w);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
    radz_json_array_begin(w, "absent");
    for (size_t i = 0; i < results->n_absent; i++) {
        radz_json_object_begin(w, NULL);
        radz_json_put_string(w, "name", results->absent[i].dataset);
        radz_json_put_string(w, "title", results->absent[i].title);
        radz_json_put_string(w, "hint", results->absent[i].hint);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
    radz_json_array_begin(w, "skipped_images");
    for (size_t i = 0; i < results->n_skips; i++) {
        radz_json_object_begin(w, NULL);
        radz_json_put_string(w, "dataset", results->skips[i].dataset);
        radz_json_put_string(w, "model", results->skips[i].model);
        radz_json_put_string(w, "image", results->skips[i].image);
        radz_json_put_string(w, "reason", results->skips[i].reason);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
}

static void put_findings(radz_json_writer *w, const radz_results *results)
{
    radz_json_array_begin(w, "findings");
    for (size_t i = 0; i < results->n_findings; i++) {
        const radz_result_finding *f = &results->findings[i];
        radz_json_object_begin(w, NULL);
        radz_json_put_string(w, "dataset", f->dataset);
        radz_json_put_string(w, "split", f->split);
        radz_json_put_string(w, "severity", f->severity);
        radz_json_put_string(w, "code", f->code);
        radz_json_put_string(w, "what", f->what);
        radz_json_put_string(w, "effect", f->effect);
        put_count(w, "count", f->count);
        radz_json_array_begin(w, "examples");
        for (size_t e = 0; e < RADZ_RESULT_EXAMPLES && f->examples[e] != NULL; e++)
            radz_json_put_string(w, NULL, f->examples[e]);
        radz_json_array_end(w);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
}

static void put_rates(radz_json_writer *w, const char *key, const double *rates, size_t count)
{
    radz_json_array_begin_inline(w, key);
    for (size_t i = 0; i < count; i++)
        radz_json_put_double(w, NULL, rates[i]);
    radz_json_array_end(w);
}

static void put_terms(radz_json_writer *w, const radz_results *results)
{
    radz_json_array_begin(w, "terms");
    for (size_t i = 0; i < results->n_terms; i++) {
        radz_json_object_begin(w, NULL);
        radz_json_put_string(w, "dataset", results->terms[i].dataset);
        radz_json_put_string(w, "class", results->terms[i].class_name);
        radz_json_put_string(w, "term", results->terms[i].term);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
}

static void put_curves(radz_json_writer *w, const radz_results *results)
{
    radz_json_array_begin(w, "roc_curves");
    for (size_t i = 0; i < results->n_curves; i++) {
        const radz_result_curve *c = &results->curves[i];
        radz_json_object_begin(w, NULL);
        put_count(w, "block", c->block);
        radz_json_put_string(w, "class", c->class_name);
        put_rates(w, "fpr", c->fpr, c->count);
        put_rates(w, "tpr", c->tpr, c->count);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
    radz_json_array_begin(w, "pr_curves");
    for (size_t i = 0; i < results->n_pr_curves; i++) {
        const radz_result_pr *c = &results->pr_curves[i];
        radz_json_object_begin(w, NULL);
        put_count(w, "block", c->block);
        radz_json_put_string(w, "class", c->class_name);
        put_rates(w, "recall", c->recall, c->count);
        put_rates(w, "precision", c->precision, c->count);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
}

static void put_mistakes(radz_json_writer *w, const radz_results *results)
{
    radz_json_array_begin(w, "mistakes");
    for (size_t i = 0; i < results->n_mistakes; i++) {
        const radz_result_mistake *m = &results->mistakes[i];
        radz_json_object_begin(w, NULL);
        put_count(w, "block", m->block);
        radz_json_put_string(w, "class", m->class_name);
        radz_json_put_string(w, "image", m->image);
        radz_json_put_bool(w, "positive", m->positive);
        put_real(w, "score", m->score);
        put_real(w, "outranked", m->outranked);
        radz_json_put_string(w, "picture", m->picture);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
}

radz_status radz_print_json(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err)
{
    (void)options;
    (void)err;
    radz_json_writer w;
    radz_json_writer_init(&w, out);
    radz_json_object_begin(&w, NULL);
    radz_json_put_string(&w, "schema", RADZ_RESULTS_SCHEMA);
    radz_json_put_string(&w, "run", results->run_id);
    radz_json_put_string(&w, "suite", results->suite);
    radz_json_put_string(&w, "suite_title", results->suite_title);
    radz_json_put_string(&w, "command", results->command);
    radz_json_object_begin(&w, "provenance");
    for (size_t i = 0; i < results->n_facts; i++)
        radz_json_put_string(&w, results->facts[i].key, results->facts[i].value);
    radz_json_object_end(&w);
    radz_json_array_begin(&w, "notes");
    for (size_t i = 0; i < results->n_notes; i++)
        radz_json_put_string(&w, NULL, results->notes[i]);
    radz_json_array_end(&w);
    radz_json_array_begin(&w, "blocks");
    for (size_t i = 0; i < results->n_blocks; i++)
        put_block(&w, &results->blocks[i]);
    radz_json_array_end(&w);
    put_lists(&w, results);
    put_findings(&w, results);
    put_terms(&w, results);
    radz_json_array_begin(&w, "rows");
    for (size_t i = 0; i < results->n_rows; i++)
        put_row(&w, &results->rows[i]);
    radz_json_array_end(&w);
    radz_json_array_begin(&w, "pairs");
    for (size_t i = 0; i < results->n_pairs; i++)
        put_pair(&w, &results->pairs[i]);
    radz_json_array_end(&w);
    put_curves(&w, results);
    radz_details_put_json(&w, results);
    put_mistakes(&w, results);
    radz_json_object_end(&w);
    return RADZ_OK;
}

radz_status radz_print_timing(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err)
{
    (void)options;
    (void)err;
    uint64_t items = 0, cached = 0;
    radz_json_writer w;
    radz_json_writer_init(&w, out);
    radz_json_object_begin(&w, NULL);
    radz_json_put_string(&w, "schema", RADZ_TIMING_SCHEMA);
    radz_json_put_string(&w, "run", results->run_id);
    put_real(&w, "seconds", results->total_seconds);
    put_count(&w, "peak_memory_bytes", results->peak_memory);
    radz_json_array_begin(&w, "stages");
    for (size_t i = 0; i < results->n_stages; i++) {
        const radz_result_stage *s = &results->stages[i];
        uint64_t computed = s->items > s->cached ? s->items - s->cached : 0;
        items += s->items;
        cached += s->cached;
        radz_json_object_begin(&w, NULL);
        radz_json_put_string(&w, "stage", s->stage);
        radz_json_put_string(&w, "dataset", s->dataset);
        radz_json_put_string(&w, "model", s->model);
        put_count(&w, "items", s->items);
        put_count(&w, "cached", s->cached);
        put_real(&w, "seconds", s->seconds);
        put_real(&w, "items_per_second", s->seconds > 0 ? (double)s->items / s->seconds : NAN);
        put_real(&w, "computed_per_second", s->seconds > 0 && computed > 0 ? (double)computed / s->seconds : NAN);
        radz_json_object_end(&w);
    }
    radz_json_array_end(&w);
    radz_json_array_begin(&w, "costs");
    for (size_t i = 0; i < results->n_costs; i++) {
        const radz_result_cost *c = &results->costs[i];
        radz_json_object_begin(&w, NULL);
        radz_json_put_string(&w, "dataset", c->dataset);
        radz_json_put_string(&w, "model", c->model);
        radz_json_put_string(&w, "scorer", c->scorer);
        put_count(&w, "images", c->images);
        put_real(&w, "seconds_per_image", c->seconds_per_image);
        put_real(&w, "tokens_per_image", c->tokens_per_image);
        put_count(&w, "peak_memory_bytes", c->peak_memory);
        radz_json_object_end(&w);
    }
    radz_json_array_end(&w);
    radz_json_object_begin(&w, "cache");
    put_count(&w, "items", items);
    put_count(&w, "hits", cached);
    radz_json_object_end(&w);
    radz_json_object_end(&w);
    return RADZ_OK;
}
