#include "report/merge.h"

#include <string.h>

#include "base/str.h"
#include "report/results_lookup.h"

static bool is_same(const radz_result_block *a, const radz_result_block *b)
{
    return radz_same_section(a, b) && strcmp(a->model, b->model) == 0 && strcmp(a->scorer, b->scorer) == 0 &&
           strcmp(a->protocol, b->protocol) == 0;
}

static radz_status add_rows(const radz_results *run, const radz_result_block *block, const char *model, radz_results *out,
                            radz_error *err)
{
    radz_block_rows rows;
    radz_status st = radz_block_rows_get(run, block, &rows, err);
    for (size_t i = 0; i < rows.n && st == RADZ_OK; i++) {
        radz_result_row row = *rows.rows[i];
        row.model = model;
        st = radz_results_add_row(out, &row, err);
    }
    radz_block_rows_free(&rows);
    return st;
}

static radz_status add_details(const radz_results *run, size_t block, radz_results *out, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < run->n_details && st == RADZ_OK; i++) {
        const radz_result_detail *d = &run->details[i];
        if (d->block != block)
            continue;
        st = radz_results_add_detail(out, d->name, d->columns, d->n_columns, err);
        for (size_t r = 0; r < d->n_rows && st == RADZ_OK; r++)
            st = radz_results_add_detail_row(out, d->cells + r * d->n_columns, err);
    }
    return st;
}

static radz_status add_block(const radz_results *run, size_t block, radz_results *out, radz_error *err)
{
    radz_result_block b = run->blocks[block];
    radz_strbuf model = {0};
    bool taken = false;
    for (size_t i = 0; i < out->n_blocks; i++)
        taken = taken || is_same(&out->blocks[i], &b);
    radz_status st = taken ? radz_strbuf_printf(&model, err, "%s (%s)", b.model, run->run_id)
                           : radz_strbuf_puts(&model, b.model, err);
    if (st == RADZ_OK) {
        b.model = model.text;
        for (size_t i = 0; i < out->n_blocks && st == RADZ_OK; i++)
            if (is_same(&out->blocks[i], &b))
                st = radz_fail(err, RADZ_E_USAGE, "run '%s' is given twice", run->run_id);
    }
    if (st == RADZ_OK)
        st = radz_results_add_block(out, &b, err);
    if (st == RADZ_OK)
        st = add_rows(run, &run->blocks[block], model.text, out, err);
    for (size_t i = 0; i < run->n_curves && st == RADZ_OK; i++)
        if (run->curves[i].block == block)
            st = radz_results_add_curve(out, run->curves[i].class_name, run->curves[i].fpr, run->curves[i].tpr,
                                        run->curves[i].count, err);
    for (size_t i = 0; i < run->n_pr_curves && st == RADZ_OK; i++)
        if (run->pr_curves[i].block == block)
            st = radz_results_add_pr(out, run->pr_curves[i].class_name, run->pr_curves[i].recall, run->pr_curves[i].precision,
                                     run->pr_curves[i].count, err);
    if (st == RADZ_OK)
        st = add_details(run, block, out, err);
    for (size_t i = 0; i < run->n_costs && st == RADZ_OK; i++) {
        radz_result_cost cost = run->costs[i];
        if (strcmp(cost.dataset, b.dataset) == 0 && strcmp(cost.model, run->blocks[block].model) == 0 &&
            strcmp(cost.scorer, b.scorer) == 0) {
            cost.model = model.text;
            st = radz_results_add_cost(out, &cost, err);
        }
    }
    radz_strbuf_free(&model);
    return st;
}

static radz_status add_run(const radz_results *run, radz_results *out, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < run->n_groups && st == RADZ_OK; i++) {
        bool known = false;
        for (size_t j = 0; j < out->n_groups; j++)
            known = known || (strcmp(out->groups[j].dataset, run->groups[i].dataset) == 0 &&
                              strcmp(out->groups[j].name, run->groups[i].name) == 0);
        if (!known)
            st = radz_results_add_group(out, &run->groups[i], err);
    }
    for (size_t i = 0; i < run->n_blocks && st == RADZ_OK; i++)
        st = add_block(run, i, out, err);
    for (size_t i = 0; i < run->n_stages && st == RADZ_OK; i++)
        st = radz_results_add_stage(out, &run->stages[i], err);
    return st;
}

radz_status radz_results_merge(const radz_results *const *runs, size_t n, radz_results **out, radz_error *err)
{
    *out = NULL;
    radz_strbuf names = {0};
    radz_results *merged = NULL;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        st = radz_strbuf_printf(&names, err, "%s%s", i > 0 ? ", " : "", runs[i]->run_id);
    if (st == RADZ_OK)
        st = radz_results_create(names.text, runs[0]->suite, runs[0]->suite_title, "", &merged, err);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        st = add_run(runs[i], merged, err);
    radz_strbuf_free(&names);
    if (st != RADZ_OK) {
        radz_results_free(merged);
        return st;
    }
    *out = merged;
    return RADZ_OK;
}
