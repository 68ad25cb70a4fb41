#include "report/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "report/results_lookup.h"

const char *radz_verdict_name(radz_verdict verdict)
{
    static const char *const names[RADZ_VERDICT_COUNT] = {
        "same", "within tolerance", "noise", "better", "gained", "new", "not judged", "REGRESSION", "LOST", "GONE",
        "OTHER IMAGES"};
    return names[verdict];
}

bool radz_verdict_fails(radz_verdict verdict)
{
    return verdict >= RADZ_VERDICT_WORSE;
}

/* ---- matching ---- */

static int compare_keys(const char *const *a, const char *const *b, size_t n)
{
    int order = 0;
    for (size_t i = 0; i < n && order == 0; i++)
        order = strcmp(a[i], b[i]);
    return order;
}

static int compare_blocks(const radz_result_block *a, const radz_result_block *b)
{
    const char *x[] = {a->dataset, a->split, a->model, a->scorer, a->protocol};
    const char *y[] = {b->dataset, b->split, b->model, b->scorer, b->protocol};
    return compare_keys(x, y, 5);
}

static int compare_rows(const void *left, const void *right)
{
    const radz_result_row *a = *(const radz_result_row *const *)left, *b = *(const radz_result_row *const *)right;
    const char *x[] = {a->dataset, a->split, a->model, a->scorer, a->protocol, a->class_name, a->metric};
    const char *y[] = {b->dataset, b->split, b->model, b->scorer, b->protocol, b->class_name, b->metric};
    return compare_keys(x, y, 7);
}

static const radz_result_row **sorted_rows(const radz_results *results, const char *which, radz_error *err)
{
    const radz_result_row **rows = radz_calloc(results->n_rows, sizeof *rows, err);
    for (size_t i = 0; rows != NULL && i < results->n_rows; i++)
        rows[i] = &results->rows[i];
    if (rows == NULL)
        return NULL;
    qsort(rows, results->n_rows, sizeof *rows, compare_rows);
    for (size_t i = 1; i < results->n_rows; i++) {
        if (compare_rows(&rows[i - 1], &rows[i]) == 0) {
            (void)radz_fail(err, RADZ_E_VALUE, "%s: the row of data set '%s', model '%s', scorer '%s', class '%s', metric '%s' is"
                            " there twice", which, rows[i]->dataset, rows[i]->model, rows[i]->scorer, rows[i]->class_name,
                            rows[i]->metric);
            free(rows);
            return NULL;
        }
    }
    return rows;
}

static const radz_result_row *find_row(const radz_result_row **sorted, size_t n, const radz_result_row *wanted)
{
    const radz_result_row **at = bsearch(&wanted, sorted, n, sizeof *sorted, compare_rows);
    return at != NULL ? *at : NULL;
}

static bool belongs(const radz_result_row *r, const radz_result_block *b)
{
    const char *x[] = {r->dataset, r->split, r->model, r->scorer, r->protocol};
    const char *y[] = {b->dataset, b->split, b->model, b->scorer, b->protocol};
    return compare_keys(x, y, 5) == 0;
}

/* ---- what else changed ---- */

static radz_status note_change(radz_strlist *list, const char *what, const char *a, const char *b, radz_error *err)
{
    radz_strbuf line = {0};
    a = a != NULL ? a : "(none)";
    b = b != NULL ? b : "(none)";
    if (strcmp(a, b) == 0)
        return RADZ_OK;
    bool hash = strlen(a) == 64 && strlen(b) == 64; /* SHA-256: the first digits tell them apart */
    radz_status st = hash ? radz_strbuf_printf(&line, err, "%s: %.12s -> %.12s", what, a, b)
                          : radz_strbuf_printf(&line, err, "%s: %s -> %s", what, a, b);
    for (char *p = line.text; st == RADZ_OK && *p != '\0'; p++)
        *p = *p == '\n' ? ' ' : *p;
    if (st == RADZ_OK)
        st = radz_strlist_add(list, line.text, err);
    radz_strbuf_free(&line);
    return st;
}

static radz_status note_block_changes(radz_compared_block *b, radz_error *err)
{
    const radz_result_block *x = b->base, *y = b->now;
    char n_x[32], n_y[32];
    radz_count_text(x->n, n_x);
    radz_count_text(y->n, n_y);
    const struct {
        const char *what, *a, *b;
    } facts[] = {{"images", n_x, n_y},
                 {"ids and labels", x->fingerprint, y->fingerprint},
                 {"weights", x->weights_sha256, y->weights_sha256},
                 {"prompts", x->prompts, y->prompts},
                 {"prompt texts", x->prompts_sha256, y->prompts_sha256},
                 {"image recipe", x->recipe, y->recipe},
                 {"dtype", x->dtype, y->dtype},
                 {"device", x->device, y->device}};
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < sizeof facts / sizeof *facts && st == RADZ_OK; i++)
        st = note_change(&b->changes, facts[i].what, facts[i].a, facts[i].b, err);
    return st;
}

static const char *fact_of(const radz_results *results, const char *key)
{
    for (size_t i = 0; i < results->n_facts; i++)
        if (strcmp(results->facts[i].key, key) == 0)
            return results->facts[i].value;
    return NULL;
}

static radz_status note_run_changes(radz_comparison *c, radz_error *err)
{
    radz_status st = note_change(&c->changes, "suite", c->base->suite, c->now->suite, err);
    for (size_t i = 0; i < c->base->n_facts && st == RADZ_OK; i++)
        st = note_change(&c->changes, c->base->facts[i].key, c->base->facts[i].value,
                         fact_of(c->now, c->base->facts[i].key), err);
    for (size_t i = 0; i < c->now->n_facts && st == RADZ_OK; i++)
        if (fact_of(c->base, c->now->facts[i].key) == NULL)
            st = note_change(&c->changes, c->now->facts[i].key, NULL, c->now->facts[i].value, err);
    return st;
}

/* ---- rows ---- */

static const radz_tolerance *tolerance_of(const radz_gate *gate, const radz_result_row *row)
{
    bool mean = radz_is_mean(row->class_name);
    for (size_t i = 0; i < gate->n_tolerances; i++) {
        const radz_tolerance *t = &gate->tolerances[i];
        if (strcmp(t->metric, row->metric) != 0)
            continue;
        if (t->classes == NULL || strcmp(t->classes, row->class_name) == 0 || (mean && strcmp(t->classes, "means") == 0) ||
            (!mean && strcmp(t->classes, "each") == 0))
            return t;
    }
    return NULL;
}

/* Up or down for the better: 1, -1; 0: neither way is better. */
static int direction_of(const char *metric)
{
    for (size_t i = 0; i < RADZ_METRIC_COUNT; i++)
        if (strcmp(radz_metrics[i].name, metric) == 0)
            return radz_metrics[i].higher_is_better ? 1 : 0;
    return 0;
}

static radz_compared compare_pair(const radz_comparison *c, size_t block, const radz_result_row *base,
                                  const radz_result_row *now)
{
    radz_compared r = {.base = base, .now = now, .block = block, .change = NAN, .p = NAN, .low = NAN, .high = NAN, .p_holm = NAN,
                       .p_bh = NAN, .p_permutation = NAN};
    const radz_result_row *any = base != NULL ? base : now;
    if (direction_of(any->metric) != 0)
        r.tolerance = tolerance_of(c->gate, any);
    if (base != NULL && now != NULL) {
        r.change = base->value == now->value ? 0 : now->value - base->value;
        r.beyond = r.tolerance != NULL && fabs(r.change) > r.tolerance->fall;
    }
    return r;
}

static radz_status compare_block(radz_comparison *c, size_t block, const radz_result_row **sorted_base,
                                 const radz_result_row **sorted_now, radz_error *err)
{
    radz_compared_block *b = &c->blocks[block];
    b->same_images = b->base != NULL && b->now != NULL &&
                     (b->base->fingerprint == NULL || b->now->fingerprint == NULL ||
                      strcmp(b->base->fingerprint, b->now->fingerprint) == 0);
    for (size_t i = 0; b->base != NULL && i < c->base->n_rows; i++) {
        const radz_result_row *row = &c->base->rows[i];
        if (!belongs(row, b->base))
            continue;
        radz_compared *r = &c->rows[c->n_rows++];
        *r = compare_pair(c, block, row, find_row(sorted_now, c->now->n_rows, row));
        b->n_beyond += r->beyond;
    }
    for (size_t i = 0; b->now != NULL && i < c->now->n_rows; i++) {
        const radz_result_row *row = &c->now->rows[i];
        if (belongs(row, b->now) && (b->base == NULL || find_row(sorted_base, c->base->n_rows, row) == NULL))
            c->rows[c->n_rows++] = compare_pair(c, block, NULL, row);
    }
    return b->base != NULL && b->now != NULL ? note_block_changes(b, err) : RADZ_OK;
}

static radz_status match_blocks(radz_comparison *c, radz_error *err)
{
    c->blocks = radz_calloc(c->base->n_blocks + c->now->n_blocks, sizeof *c->blocks, err);
    if (c->blocks == NULL)
        return RADZ_E_NOMEM;
    for (int side = 0; side < 2; side++) {
        const radz_results *from = side == 0 ? c->base : c->now, *to = side == 0 ? c->now : c->base;
        for (size_t i = 0; i < from->n_blocks; i++) {
            const radz_result_block *own = &from->blocks[i], *other = NULL;
            for (size_t j = 0; j < i; j++)
                if (compare_blocks(own, &from->blocks[j]) == 0)
                    return radz_fail(err, RADZ_E_VALUE, "%s: data set '%s', model '%s', scorer '%s' is there twice",
                                     side == 0 ? "BASE" : "NEW", own->dataset, own->model, own->scorer);
            for (size_t j = 0; j < to->n_blocks && other == NULL; j++)
                if (compare_blocks(own, &to->blocks[j]) == 0)
                    other = &to->blocks[j];
            if (side == 0)
                c->blocks[c->n_blocks++] = (radz_compared_block){.base = own, .now = other};
            else if (other == NULL)
                c->blocks[c->n_blocks++] = (radz_compared_block){.now = own};
        }
    }
    return RADZ_OK;
}

radz_status radz_compare(const radz_results *base, const radz_results *now, const radz_gate *gate, radz_comparison **out,
                         radz_error *err)
{
    *out = NULL;
    for (size_t i = 0; i < gate->n_tolerances; i++) {
        radz_metric_id id;
        if (radz_metric_find(gate->tolerances[i].metric, &id, err) != RADZ_OK)
            return radz_prefix(err, "regression gate '%s'", gate->name);
    }
    if (base->n_rows == 0 || now->n_rows == 0)
        return radz_fail(err, RADZ_E_VALUE, "the run '%s' has no figures: there is nothing to compare",
                         base->n_rows == 0 ? base->run_id : now->run_id);
    radz_comparison *c = radz_calloc(1, sizeof *c, err);
    if (c == NULL)
        return RADZ_E_NOMEM;
    *c = (radz_comparison){.base = base, .now = now, .gate = gate};
    const radz_result_row **sorted_base = sorted_rows(base, "BASE", err);
    const radz_result_row **sorted_now = sorted_base != NULL ? sorted_rows(now, "NEW", err) : NULL;
    radz_status st = sorted_base != NULL && sorted_now != NULL ? RADZ_OK : err != NULL && err->code != RADZ_OK ? err->code
                                                                                                              : RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = match_blocks(c, err);
    if (st == RADZ_OK)
        st = (c->rows = radz_calloc(base->n_rows + now->n_rows, sizeof *c->rows, err)) != NULL ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t i = 0; i < c->n_blocks && st == RADZ_OK; i++)
        st = compare_block(c, i, sorted_base, sorted_now, err);
    if (st == RADZ_OK)
        st = note_run_changes(c, err);
    free(sorted_base);
    free(sorted_now);
    if (st == RADZ_OK)
        *out = c;
    else
        radz_comparison_free(c);
    return st;
}

void radz_comparison_free(radz_comparison *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_blocks; i++)
        radz_strlist_free(&c->blocks[i].changes);
    radz_strlist_free(&c->changes);
    radz_arena_free(&c->arena);
    free(c->blocks);
    free(c->rows);
    free(c);
}

void radz_compare_tested(radz_compared *row, const char *test, double p, double low, double high)
{
    row->test = test;
    row->p = p;
    row->low = low;
    row->high = high;
}

/* ---- verdicts ---- */

bool radz_compared_is_real(const radz_compared *r, double alpha)
{
    return r->test == NULL || (isnan(r->p) ? !(r->low <= 0 && r->high >= 0) : r->p < alpha);
}

static radz_verdict verdict_of(const radz_comparison *c, const radz_compared *r)
{
    if (r->base == NULL)
        return RADZ_VERDICT_NEW;
    bool had = !isnan(r->base->value), has = r->now != NULL && !isnan(r->now->value);
    if (r->now != NULL && c->blocks[r->block].same_images &&
        (had && has ? r->change == 0 : had == has && strcmp(r->base->status, r->now->status) == 0))
        return RADZ_VERDICT_SAME;
    if (r->tolerance == NULL || (!had && !has))
        return RADZ_VERDICT_UNJUDGED;
    if (r->now == NULL)
        return RADZ_VERDICT_GONE;
    if (!c->blocks[r->block].same_images)
        return RADZ_VERDICT_OTHER_IMAGES;
    if (!had || !has)
        return had ? RADZ_VERDICT_LOST : RADZ_VERDICT_GAINED;
    if (!r->beyond)
        return RADZ_VERDICT_WITHIN;
    bool real = radz_compared_is_real(r, c->gate->alpha);
    if (r->change > 0)
        return real ? RADZ_VERDICT_BETTER : RADZ_VERDICT_NOISE;
    return real || -r->change > r->tolerance->limit ? RADZ_VERDICT_WORSE : RADZ_VERDICT_NOISE;
}

void radz_compare_judge(radz_comparison *c)
{
    for (size_t i = 0; i < c->n_rows; i++) {
        radz_compared *r = &c->rows[i];
        r->verdict = verdict_of(c, r);
        c->counts[r->verdict]++;
        c->blocks[r->block].counts[r->verdict]++;
        c->failures += radz_verdict_fails(r->verdict);
    }
}
