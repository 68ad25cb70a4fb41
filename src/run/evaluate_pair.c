/* Two models on the same images. */
#include "run/evaluate_parts.h"

#include <math.h>
#include <stdlib.h>

#include "metric/delong.h"
#include "metric/multiple.h"
#include "metric/permutation.h"

static const radz_metric_id paired_metrics[] = {RADZ_METRIC_AUC, RADZ_METRIC_AP, RADZ_METRIC_F1_MAX};

/* The p-values of a difference of AUCs; NaN where there is no test. */
typedef struct pair_tests {
    double delong, holm, bh, permutation;
} pair_tests;

static radz_status add_pair_rows(const radz_pairing *pairing, const char *class_name, uint64_t n, uint64_t n_pos,
                                 const radz_metric_values *a, const radz_metric_values *b, const radz_paired *pair,
                                 const pair_tests *tests, radz_results *results, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < sizeof paired_metrics / sizeof paired_metrics[0]; i++) {
        radz_metric_id id = paired_metrics[i];
        bool tested = id == RADZ_METRIC_AUC;
        const radz_interval *interval = &pair->intervals.of[id];
        radz_result_pair row = {
            .dataset = pairing->dataset, .split = pairing->split, .a = pairing->model_a, .b = pairing->model_b,
            .class_name = class_name, .metric = radz_metrics[id].name, .n = n, .n_pos = n_pos,
            .value_a = a->value[id], .value_b = b->value[id], .difference = pair->difference.value[id],
            .ci_low = interval->status == RADZ_METRIC_OK ? interval->low : NAN,
            .ci_high = interval->status == RADZ_METRIC_OK ? interval->high : NAN,
            .p = tested ? tests->delong : NAN,
            .p_holm = tested ? tests->holm : NAN,
            .p_bh = tested ? tests->bh : NAN,
            .p_permutation = tested ? tests->permutation : NAN,
            .status = radz_metric_status_name(pair->difference.status[id]),
        };
        st = radz_results_add_pair(results, &row, err);
    }
    return st;
}

/* The difference a - b without an interval. */
static void subtract(const radz_metric_values *a, const radz_metric_values *b, radz_paired *out)
{
    for (size_t i = 0; i < RADZ_METRIC_COUNT; i++) {
        out->difference.status[i] = a->status[i] != RADZ_METRIC_OK ? a->status[i] : b->status[i];
        out->difference.value[i] = out->difference.status[i] == RADZ_METRIC_OK ? a->value[i] - b->value[i] : NAN;
        out->intervals.of[i].status = RADZ_METRIC_FEW_REPLICATES;
    }
}

/* `classes` [classes], and that of the mean. `all` is [classes], all 1. */
static radz_status test_pair(const radz_pairing *pairing, const uint8_t *all, pair_tests *classes, pair_tests *mean,
                             radz_error *err)
{
    size_t n = pairing->a->n_classes;
    radz_metric_input a = evaluation_input(pairing->a), b = evaluation_input(pairing->b);
    radz_clusters clusters = radz_clusters_of(pairing->a, pairing->rules);
    radz_permutation_options options = {.permutations = pairing->replicates, .seed = pairing->seed, .threads = pairing->threads,
                                        .groups = all, .group_count = 1};
    double *p = radz_calloc(2 * n, sizeof *p, err);
    radz_permutation *permuted = radz_calloc(n + 1, sizeof *permuted, err);
    radz_delong_work *work = NULL;
    radz_status st = p == NULL || permuted == NULL ? RADZ_E_NOMEM : radz_delong_work_create(&work, err);
    for (size_t c = 0; st == RADZ_OK && c < n; c++) {
        radz_delong_pair test;
        st = radz_delong_paired(&a, &b, c, &clusters, work, &test, err);
        if (st == RADZ_OK)
            p[c] = classes[c].delong = test.test_status == RADZ_METRIC_OK ? test.p : NAN;
    }
    if (st == RADZ_OK)
        st = radz_adjust_holm(p, n, p + n, err);
    for (size_t c = 0; st == RADZ_OK && c < n; c++)
        classes[c].holm = p[n + c];
    if (st == RADZ_OK)
        st = radz_adjust_bh(p, n, p + n, err);
    if (st == RADZ_OK && pairing->replicates > 0)
        st = radz_permutation_paired(&a, &b, clusters.of, clusters.count, &options, permuted, &permuted[n], err);
    for (size_t c = 0; st == RADZ_OK && c <= n; c++) {
        bool has = pairing->replicates > 0 && permuted[c].status == RADZ_METRIC_OK;
        double permutation = has ? permuted[c].p : NAN;
        if (c == n) {
            *mean = (pair_tests){NAN, NAN, NAN, permutation};
            break;
        }
        classes[c].bh = p[n + c];
        classes[c].permutation = permutation;
    }
    radz_delong_work_free(work);
    free(p);
    free(permuted);
    return st;
}

radz_status radz_evaluate_pair(const radz_pairing *pairing, radz_results *results, radz_error *err)
{
    size_t classes = pairing->a->n_classes;
    radz_metric_input a = evaluation_input(pairing->a), b = evaluation_input(pairing->b);
    radz_class_metrics *of_a = radz_calloc(classes, sizeof *of_a, err), *of_b = radz_calloc(classes, sizeof *of_b, err);
    radz_paired *pairs = radz_calloc(classes + 1, sizeof *pairs, err);
    pair_tests *tests = radz_calloc(classes + 1, sizeof *tests, err);
    uint8_t *all = radz_calloc(classes, 1, err);
    radz_metric_work *work = NULL;
    radz_bootstrap_work *bootstrap = NULL;
    radz_mean_metrics mean_a, mean_b;
    bool memory = of_a != NULL && of_b != NULL && pairs != NULL && tests != NULL && all != NULL;
    radz_status st = memory ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t c = 0; st == RADZ_OK && c < classes; c++)
        all[c] = 1;
    radz_bootstrap_options options = evaluation_bootstrap_options(pairing->replicates, pairing->confidence, pairing->seed,
                                                                  pairing->threads, all, 1);
    options.bounds = pairing->rules->bounds;
    radz_clusters drawn = radz_clusters_of(pairing->a, pairing->rules);
    if (st == RADZ_OK)
        st = radz_metric_work_create(&work, err);
    if (st == RADZ_OK)
        st = radz_bootstrap_work_create(&bootstrap, err);
    if (st == RADZ_OK)
        st = radz_metric_classes(&a, NULL, work, of_a, err);
    if (st == RADZ_OK)
        st = radz_metric_classes(&b, NULL, work, of_b, err);
    if (st == RADZ_OK && pairing->replicates > 0)
        st = radz_bootstrap_paired(&a, &b, drawn.of, drawn.count, &options, NULL, bootstrap, pairs, &pairs[classes], NULL, err);
    if (st == RADZ_OK && pairing->replicates > 0 && pairing->rules->strata == RADZ_STRATA_LABELS)
        st = evaluation_draw_by_label(&a, &b, &drawn, &options, bootstrap, NULL, pairs, err);
    if (st == RADZ_OK)
        st = test_pair(pairing, all, tests, &tests[classes], err);
    if (st != RADZ_OK)
        goto done;
    radz_metric_mean(of_a, classes, NULL, &mean_a);
    radz_metric_mean(of_b, classes, NULL, &mean_b);
    for (size_t c = 0; pairing->replicates == 0 && c <= classes; c++)
        subtract(c < classes ? &of_a[c].metrics : &mean_a.metrics, c < classes ? &of_b[c].metrics : &mean_b.metrics, &pairs[c]);
    st = add_pair_rows(pairing, "macro", pairing->a->n, mean_a.defined[RADZ_METRIC_AUC], &mean_a.metrics, &mean_b.metrics,
                       &pairs[classes], &tests[classes], results, err);
    for (size_t c = 0; st == RADZ_OK && c < classes; c++)
        st = add_pair_rows(pairing, pairing->a->classes[c], of_a[c].positives + of_a[c].negatives, of_a[c].positives,
                           &of_a[c].metrics, &of_b[c].metrics, &pairs[c], &tests[c], results, err);
done:
    free(of_a);
    free(of_b);
    free(pairs);
    free(tests);
    free(all);
    radz_metric_work_free(work);
    radz_bootstrap_work_free(bootstrap);
    return st;
}
