#include "run/sensitivity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "metric/metric.h"
#include "score/scorer.h"

static const double temperatures[] = {0.01, 0.05, 0.2, 1};
static const double usual_temperature = 0.05;

typedef struct bench {
    const radz_scored_set *set;
    radz_metric_work *work;
    radz_class_metrics *found; /* [classes] */
    double *scores;            /* [n, classes] */
    double *reference, *now, *least, *most; /* [classes + 1] AUCs, the last of the mean; NaN where there is none */
    radz_results *results;
} bench;

static radz_status measure(const bench *b, const double *scores, double *out, radz_error *err)
{
    const radz_scored_set *set = b->set;
    radz_metric_input input = {.rows = set->n, .classes = set->n_classes, .scores = scores, .labels = set->labels,
                               .class_names = set->classes, .row_names = set->names};
    radz_mean_metrics mean;
    radz_status st = radz_metric_classes(&input, NULL, b->work, b->found, err);
    if (st != RADZ_OK)
        return st;
    radz_metric_mean(b->found, set->n_classes, NULL, &mean);
    for (size_t c = 0; c < set->n_classes; c++)
        out[c] = b->found[c].metrics.value[RADZ_METRIC_AUC];
    out[set->n_classes] = mean.metrics.value[RADZ_METRIC_AUC];
    return RADZ_OK;
}

static radz_status add_rows(const bench *b, const char *kind, const char *variant, const double *auc, radz_error *err)
{
    size_t classes = b->set->n_classes;
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i <= classes; i++) {
        size_t c = i == 0 ? classes : i - 1; /* the mean first */
        const radz_result_cell cells[] = {{kind, 0}, {variant, 0}, {i == 0 ? "macro" : b->set->classes[c], 0}, {NULL, auc[c]},
                                          {NULL, b->reference[c]}, {NULL, auc[c] - b->reference[c]}};
        st = radz_results_add_detail_row(b->results, cells, err);
    }
    return st;
}

/* ---- templates ---- */

/* The prompts of one template; a class and polarity that it does not have keeps what it has. */
static void choose_template(const radz_prompt_texts *all, size_t dim, uint32_t number, radz_prompt_texts *out)
{
    out->n = 0;
    for (size_t i = 0; i < all->n; i++) {
        bool has = false;
        for (size_t k = 0; k < all->n && !has; k++)
            has = all->class_of[k] == all->class_of[i] && all->polarity_of[k] == all->polarity_of[i] &&
                  all->template_of[k] == number;
        if (has && all->template_of[i] != number)
            continue;
        out->texts[out->n] = all->texts[i];
        out->class_of[out->n] = all->class_of[i];
        out->polarity_of[out->n] = all->polarity_of[i];
        out->template_of[out->n] = all->template_of[i];
        memcpy(out->embeddings + out->n * dim, all->embeddings + i * dim, dim * sizeof *out->embeddings);
        out->n++;
    }
}

/* ---- cards and questions ---- */

static bool has_negatives(const radz_prompt_texts *prompts, size_t classes)
{
    for (size_t c = 0; c < classes; c++) {
        bool found = false;
        for (size_t i = 0; i < prompts->n && !found; i++)
            found = prompts->class_of[i] == c && prompts->polarity_of[i] == RADZ_PROMPT_NEGATIVE;
        if (!found)
            return false;
    }
    return true;
}

/* Does the scorer read what a variant varies? */
static bool fits(const radz_evidence_variant *variant, const radz_scorer *scorer, size_t classes)
{
    if (variant->asked != NULL)
        return true;
    if (variant->of_anchors || scorer->described)
        return variant->of_anchors && scorer->needs_anchors;
    return !scorer->needs_negatives || has_negatives(&variant->prompts, classes);
}

/* Other prompts cards, other questions, other anchors, in place of the model's own. */
static radz_status vary_wordings(const bench *b, const radz_scoring *scoring, const radz_scorer *scorer, radz_error *err)
{
    const radz_evidence_set *evidence = scoring->evidence;
    radz_status st = RADZ_OK;
    for (size_t v = 0; st == RADZ_OK && v < evidence->n_variants; v++) {
        const radz_evidence_variant *variant = &evidence->variants[v];
        radz_scoring one = {.evidence = variant->asked != NULL ? variant->asked : evidence,
                            .prompts = variant->prompts.n > 0 ? &variant->prompts : NULL,
                            .anchors = variant->anchors};
        radz_scored_images scored = {0};
        if (!fits(variant, scorer, b->set->n_classes))
            continue;
        st = radz_score_images(&one, scorer->name, &scored, err);
        if (st == RADZ_OK)
            st = measure(b, scored.scores, b->now, err);
        if (st == RADZ_OK)
            st = add_rows(b, variant->varied, variant->name, b->now, err);
        radz_scored_images_free(&scored);
    }
    return st;
}

static radz_status vary_templates(const bench *b, const radz_scoring *scoring, const char *scorer, radz_error *err)
{
    const radz_prompt_texts *all = &scoring->evidence->prompts;
    size_t dim = scoring->evidence->values;
    if (all->embeddings == NULL) /* questions */
        return RADZ_OK;
    uint32_t count = 0;
    for (size_t i = 0; i < all->n; i++)
        count = all->template_of[i] >= count ? all->template_of[i] + 1 : count;
    if (count < 2)
        return RADZ_OK;
    radz_prompt_texts some = {0};
    some.texts = radz_calloc(all->n, sizeof *some.texts, err);
    some.class_of = radz_calloc(all->n, sizeof *some.class_of, err);
    some.polarity_of = radz_calloc(all->n, sizeof *some.polarity_of, err);
    some.template_of = radz_calloc(all->n, sizeof *some.template_of, err);
    some.embeddings = radz_calloc(all->n * dim, sizeof *some.embeddings, err);
    bool memory = some.texts != NULL && some.class_of != NULL && some.polarity_of != NULL && some.template_of != NULL &&
                  some.embeddings != NULL;
    radz_status st = memory ? RADZ_OK : RADZ_E_NOMEM;
    for (uint32_t t = 0; st == RADZ_OK && t < count; t++) {
        radz_scoring one = *scoring;
        radz_scored_images scored = {0};
        char name[32];
        choose_template(all, dim, t, &some);
        one.prompts = &some;
        one.run_dir = NULL;
        snprintf(name, sizeof name, "only number %u", (unsigned)t + 1);
        st = radz_score_images(&one, scorer, &scored, err);
        if (st == RADZ_OK)
            st = measure(b, scored.scores, b->now, err);
        if (st == RADZ_OK)
            st = add_rows(b, "template", name, b->now, err);
        radz_scored_images_free(&scored);
    }
    radz_prompt_texts_free(&some);
    return st;
}

/* ---- softmax ---- */

/* Softmax over the classes but `left_out` (SIZE_MAX: none), whose column is set to 0. */
static void softmax(const radz_scored_set *set, const double *scores, double temperature, size_t left_out, double *out)
{
    for (size_t i = 0; i < set->n; i++) {
        const double *s = scores + i * set->n_classes;
        double *p = out + i * set->n_classes, most = -INFINITY, sum = 0;
        for (size_t c = 0; c < set->n_classes; c++)
            most = c != left_out && s[c] > most ? s[c] : most;
        for (size_t c = 0; c < set->n_classes; c++) {
            p[c] = c == left_out ? 0 : det_exp((s[c] - most) / temperature);
            sum += p[c];
        }
        for (size_t c = 0; c < set->n_classes; c++)
            p[c] /= sum;
    }
}

static radz_status vary_softmax(const bench *b, radz_error *err)
{
    const radz_scored_set *set = b->set;
    size_t classes = set->n_classes;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < set->n * classes; i++)
        if (isinf(set->scores[i]))
            return RADZ_OK; /* a softmax needs finite scores */
    for (size_t t = 0; st == RADZ_OK && t < sizeof temperatures / sizeof *temperatures; t++) {
        char name[32];
        snprintf(name, sizeof name, "tau %g", temperatures[t]);
        softmax(set, set->scores, temperatures[t], SIZE_MAX, b->scores);
        st = measure(b, b->scores, b->now, err);
        if (st == RADZ_OK)
            st = add_rows(b, "softmax", name, b->now, err);
    }
    for (size_t c = 0; c <= classes; c++) {
        b->least[c] = INFINITY;
        b->most[c] = -INFINITY;
    }
    for (size_t out = 0; st == RADZ_OK && classes > 2 && out < classes; out++) {
        softmax(set, set->scores, usual_temperature, out, b->scores);
        st = measure(b, b->scores, b->now, err);
        for (size_t c = 0; st == RADZ_OK && c < classes; c++)
            if (c != out && !isnan(b->now[c])) {
                b->least[c] = fmin(b->least[c], b->now[c]);
                b->most[c] = fmax(b->most[c], b->now[c]);
            }
    }
    if (st != RADZ_OK || classes <= 2)
        return st;
    double sums[2] = {0, 0}, n = 0;
    for (size_t c = 0; c < classes; c++) {
        if (isinf(b->least[c])) {
            b->least[c] = b->most[c] = NAN;
            continue;
        }
        sums[0] += b->least[c];
        sums[1] += b->most[c];
        n++;
    }
    b->least[classes] = n > 0 ? sums[0] / n : NAN;
    b->most[classes] = n > 0 ? sums[1] / n : NAN;
    st = add_rows(b, "class list", "one class left out: least", b->least, err);
    return st == RADZ_OK ? add_rows(b, "class list", "one class left out: most", b->most, err) : st;
}

radz_status radz_sensitivity_add(const radz_scoring *scoring, const char *scorer, const radz_scored_images *scored,
                                 radz_results *results, radz_error *err)
{
    static const char *const columns[] = {"varied", "variant", "class", "auc", "auc_as_run", "moved"};
    size_t classes = scored->set.n_classes;
    const radz_scorer *table_entry = NULL;
    bench b = {.set = &scored->set, .results = results};
    double *numbers = radz_calloc(4 * (classes + 1), sizeof *numbers, err);
    b.scores = radz_calloc(scored->set.n * classes, sizeof *b.scores, err);
    b.found = radz_calloc(classes, sizeof *b.found, err);
    radz_status st = numbers == NULL || b.scores == NULL || b.found == NULL ? RADZ_E_NOMEM : radz_metric_work_create(&b.work, err);
    if (st == RADZ_OK) {
        b.reference = numbers;
        b.now = numbers + (classes + 1);
        b.least = numbers + 2 * (classes + 1);
        b.most = numbers + 3 * (classes + 1);
        st = radz_results_add_detail(results, "sensitivity", columns, sizeof columns / sizeof *columns, err);
    }
    if (st == RADZ_OK)
        st = measure(&b, scored->set.scores, b.reference, err);
    if (st == RADZ_OK)
        st = radz_scorer_find(scorer, &table_entry, err);
    if (st == RADZ_OK && !table_entry->described) /* the parts of descriptions are variants */
        st = vary_templates(&b, scoring, scorer, err);
    if (st == RADZ_OK)
        st = vary_wordings(&b, scoring, table_entry, err);
    if (st == RADZ_OK && classes > 1)
        st = vary_softmax(&b, err);
    radz_metric_work_free(b.work);
    free(b.found);
    free(b.scores);
    free(numbers);
    return st;
}
