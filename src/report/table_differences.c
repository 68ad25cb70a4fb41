/* What differs between trainings and between models. */
#include <math.h>
#include <string.h>

#include "metric/metric.h"
#include "report/table_parts.h"

/* The row of an ablation for the same factor and value as row `like` of `of`, of the mean or class `class_name`. */
static const radz_result_detail *same_row(const radz_result_detail *d, const radz_result_detail *of, size_t like,
                                          const char *class_name, size_t *row)
{
    for (*row = 0; d != NULL && *row < d->n_rows; ++*row) {
        double at = radz_detail_number(d, *row, "at"), wanted = radz_detail_number(of, like, "at");
        if (radz_same_text(radz_detail_text(d, *row, "factor"), radz_detail_text(of, like, "factor")) &&
            radz_same_text(radz_detail_text(d, *row, "at"), radz_detail_text(of, like, "at")) &&
            (at == wanted || (isnan(at) && isnan(wanted))) && radz_same_text(radz_detail_text(d, *row, "class"), class_name))
            return d;
    }
    return NULL;
}

void radz_layout_ablation(radz_layout *b, radz_section *section, const radz_result_block *first, const size_t *members,
                          size_t n_members, radz_block_names names)
{
    const radz_results *results = b->results;
    const radz_result_detail *one = NULL;
    size_t *having = radz_layout_room(b, n_members, sizeof *having), n = 0, n_means = 1, rows = 0;
    const char **means = radz_layout_room(b, results->n_groups + 1, sizeof *means);
    if (b->st != RADZ_OK)
        return;
    for (size_t m = 0; m < n_members; m++) {
        const radz_result_detail *d = radz_detail_of(results, members[m], "ablation");
        if (d != NULL && d->n_rows > 0) {
            having[n++] = members[m];
            one = one == NULL ? d : one;
        }
    }
    if (one == NULL)
        return;
    means[0] = "macro";
    for (size_t r = 0; r < one->n_rows; r++) { /* the means over groups that the first value has, and how many rows there are */
        const char *class_name = radz_detail_text(one, r, "class");
        size_t known, at;
        for (known = 0; known < n_means && !radz_same_text(means[known], class_name); known++)
            ;
        if (known == n_means && radz_is_mean(class_name) && n_means <= results->n_groups &&
            same_row(one, one, 0, class_name, &at) != NULL)
            means[n_means++] = class_name;
        rows += radz_same_text(class_name, "macro");
    }
    radz_table *t = radz_layout_table(b, section, 1 + n * n_means, 1, 2 * rows);
    if (b->st != RADZ_OK)
        return;
    t->id = radz_layout_id(b, first, "ablation");
    t->caption = RADZ_TEXT(b, "%s: %s, one thing changed at a time; mean AUC [%g %% CI]", first->dataset_title,
                           results->blocks[having[0]].model, 100 * first->confidence);
    t->heads[0] = "factor";
    for (size_t m = 0; m < n; m++) {
        const radz_result_block *block = &results->blocks[having[m]];
        const char *protocol = names.protocols ? RADZ_TEXT(b, " / %s", block->protocol) : "";
        for (size_t k = 0; k < n_means; k++)
            t->heads[1 + m * n_means + k] = k == 0 ? RADZ_TEXT(b, "%s%s", block->scorer, protocol)
                                                   : RADZ_TEXT(b, "%s", strchr(means[k], ':') != NULL ? strchr(means[k], ':') + 1 : means[k]);
    }
    const char *factor = NULL;
    for (size_t r = 0; r < one->n_rows && b->st == RADZ_OK; r++) {
        if (!radz_same_text(radz_detail_text(one, r, "class"), "macro"))
            continue;
        if (factor == NULL || !radz_same_text(factor, radz_detail_text(one, r, "factor"))) {
            factor = radz_detail_text(one, r, "factor");
            t->cells[t->rows * t->columns].text = RADZ_TEXT(b, "%s", factor);
            t->styles[t->rows++] = RADZ_ROW_HEADING;
        }
        radz_cell *cells = t->cells + t->rows * t->columns;
        double at = radz_detail_number(one, r, "at");
        cells[0].text = isnan(at) ? RADZ_TEXT(b, "%s", radz_detail_text(one, r, "at")) : RADZ_TEXT(b, "%g", at);
        for (size_t c = 1; c < t->columns; c++) {
            size_t row;
            const radz_result_detail *d = same_row(radz_detail_of(results, having[(c - 1) / n_means], "ablation"), one, r,
                                                   means[(c - 1) % n_means], &row);
            if (d == NULL)
                continue;
            double auc = radz_detail_number(d, row, "auc"), low = radz_detail_number(d, row, "ci_low");
            bool interval = (c - 1) % n_means == 0 && !isnan(low);
            cells[c].text = isnan(auc)  ? "NA"
                            : interval ? RADZ_TEXT(b, "%.3f [%.3f, %.3f]", auc, low, radz_detail_number(d, row, "ci_high"))
                                       : RADZ_TEXT(b, "%.3f", auc);
        }
        t->styles[t->rows++] = RADZ_ROW_PART;
    }
    radz_layout_measure(b, t);
}

/* "0.031", "<0.001" */
static const char *p_text(radz_layout *b, double p)
{
    return isnan(p) ? "" : p < 0.001 ? "<0.001" : RADZ_TEXT(b, "%.3f", p);
}

void radz_layout_pairs(radz_layout *b, radz_section *section, const radz_result_block *first)
{
    const radz_results *results = b->results;
    const char *auc = radz_metrics[RADZ_METRIC_AUC].name;
    size_t n = 0;
    for (size_t i = 0; i < results->n_pairs; i++)
        n += radz_same_text(results->pairs[i].dataset, first->dataset) && radz_same_text(results->pairs[i].split, first->split) &&
             radz_same_text(results->pairs[i].metric, auc);
    radz_table *t = n == 0 ? NULL : radz_layout_table(b, section, 8, 1, 2 * n);
    if (t == NULL || b->st != RADZ_OK)
        return;
    t->id = radz_layout_id(b, first, "pairs");
    t->caption = RADZ_TEXT(b, "%s: differences of AUC on the same images", first->dataset_title);
    t->heads[0] = "difference of AUC";
    t->heads[1] = "first";
    t->heads[2] = "second";
    t->heads[3] = RADZ_TEXT(b, "first - second [%g %% CI]", 100 * first->confidence);
    t->heads[4] = "p (DeLong)";
    t->heads[5] = "Holm";
    t->heads[6] = "BH";
    t->heads[7] = "permutation";
    const radz_result_pair *before = NULL;
    for (size_t i = 0; i < results->n_pairs && b->st == RADZ_OK; i++) {
        const radz_result_pair *p = &results->pairs[i];
        if (!radz_same_text(p->dataset, first->dataset) || !radz_same_text(p->split, first->split) || !radz_same_text(p->metric, auc))
            continue;
        if (before == NULL || !radz_same_text(before->a, p->a) || !radz_same_text(before->b, p->b)) {
            t->cells[t->rows * t->columns].text = RADZ_TEXT(b, "%s - %s", p->a, p->b);
            t->styles[t->rows++] = RADZ_ROW_HEADING;
        }
        before = p;
        radz_cell *cells = t->cells + t->rows * t->columns;
        cells[0].text = RADZ_TEXT(b, "%s", p->class_name);
        cells[1].text = isnan(p->value_a) ? "NA" : RADZ_TEXT(b, "%.3f", p->value_a);
        cells[2].text = isnan(p->value_b) ? "NA" : RADZ_TEXT(b, "%.3f", p->value_b);
        cells[3].text = isnan(p->difference) ? "NA"
                        : isnan(p->ci_low)   ? RADZ_TEXT(b, "%+.3f", p->difference)
                                             : RADZ_TEXT(b, "%+.3f [%+.3f, %+.3f]", p->difference, p->ci_low, p->ci_high);
        const double tests[] = {p->p, p->p_holm, p->p_bh, p->p_permutation};
        for (size_t k = 0; k < sizeof tests / sizeof *tests; k++)
            cells[4 + k].text = p_text(b, tests[k]);
        t->styles[t->rows++] = RADZ_ROW_PART;
    }
    radz_layout_note(b, &section->notes, "differences: both models on the same patient replicates; p: DeLong's paired test over patients, "
                                         "two-sided, each class by itself; Holm, BH: the same adjusted for the number of classes (chance of "
                                         "any false finding; share of false ones among the findings); permutation: the models exchanged "
                                         "within patients");
    radz_layout_measure(b, t);
}
