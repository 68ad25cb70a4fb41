#include "run/evaluate_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"

radz_clusters radz_clusters_of(const radz_scored_set *set, const radz_protocol_rules *rules)
{
    bool studies = rules->interval == RADZ_INTERVAL_STUDIES && set->study_of != NULL;
    return studies ? (radz_clusters){set->study_of, set->n_studies} : (radz_clusters){set->patient_of, set->n_patients};
}

radz_status radz_number_studies(const char *const *patients, const char *const *studies, size_t n, uint32_t **study_of,
                                size_t *count, radz_error *err)
{
    radz_arena arena = {0};
    const char **names = radz_calloc(n, sizeof *names, err);
    uint32_t *numbers = radz_calloc(n, sizeof *numbers, err);
    bool known = n > 0;
    radz_status st = names == NULL || numbers == NULL ? RADZ_E_NOMEM : RADZ_OK;
    *study_of = NULL;
    *count = 0;
    for (size_t i = 0; st == RADZ_OK && known && i < n; i++) {
        radz_strbuf name = {0};
        known = studies[i] != NULL && studies[i][0] != '\0';
        if (known)
            st = radz_strbuf_printf(&name, err, "%s\n%s", patients[i], studies[i]);
        if (known && st == RADZ_OK && (names[i] = radz_arena_strdup(&arena, name.text, err)) == NULL)
            st = RADZ_E_NOMEM;
        radz_strbuf_free(&name);
    }
    if (st == RADZ_OK && known)
        st = radz_number_patients(names, n, numbers, count, err);
    if (st == RADZ_OK && known) {
        *study_of = numbers;
        numbers = NULL;
    }
    free(numbers);
    free(names);
    radz_arena_free(&arena);
    return st;
}

/* ---- groups of classes ---- */

radz_status radz_evaluate_groups(const char *dataset, const radz_class_group *groups, size_t groups_count,
                                 const char *const *classes, size_t n_classes, radz_results *results, radz_error *err)
{
    uint8_t *members = radz_calloc(n_classes, 1, err);
    const char **names = radz_calloc(n_classes, sizeof *names, err);
    radz_status st = members == NULL || names == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t g = 0; st == RADZ_OK && g < groups_count; g++) {
        size_t count = 0;
        if (radz_class_group_members(&groups[g], classes, n_classes, members) == 0)
            continue;
        for (size_t c = 0; c < n_classes; c++)
            if (members[c])
                names[count++] = classes[c];
        const char *title = groups[g].title != NULL ? groups[g].title : groups[g].name;
        st = radz_results_add_group(results, &(radz_result_group){dataset, groups[g].name, title, names, count}, err);
    }
    free(members);
    free(names);
    return st;
}

static radz_status fingerprint(const radz_scored_set *set, char hex[RADZ_SHA256_HEX_SIZE], radz_error *err)
{
    radz_sample *samples = radz_calloc(set->n, sizeof *samples, err);
    if (samples == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < set->n; i++)
        samples[i].image_id = set->names[i];
    radz_status st = radz_dataset_fingerprint(samples, set->labels, set->n, set->classes, set->n_classes, hex, err);
    free(samples);
    return st;
}

/* The caller's block, with what was found here. `notes` is a list that may grow; the protocol's faults come first. */
radz_status evaluation_add_block(const radz_evaluation *ev, size_t replicates, size_t distinct, radz_strlist *notes,
                                 radz_results *results, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_status st = fingerprint(ev->test, hex, err);
    radz_result_block block = ev->block;
    block.protocol = ev->protocol->base.name;
    block.n = ev->test->n;
    block.n_patients = ev->test->n_patients;
    block.fingerprint = hex;
    block.replicates = replicates;
    block.distinct_replicates = distinct;
    radz_interval_method method = ev->protocol->rules.interval;
    bool rows = method > RADZ_INTERVAL_STUDIES;
    block.resampled = replicates == 0 ? NULL : rows ? "images" : method == RADZ_INTERVAL_STUDIES ? "studies" : "patients";
    block.bca = replicates > 0 && !rows && ev->protocol->rules.bounds == RADZ_BOUNDS_BCA;
    block.confidence = ev->confidence;
    if (rows)
        block.confidence = (double)(ev->protocol->rules.high - ev->protocol->rules.low) / ev->protocol->rules.replicates;
    block.notes = (const char *const *)notes->items;
    block.n_notes = notes->count;
    return st == RADZ_OK ? radz_results_add_block(results, &block, err) : st;
}

radz_result_row evaluation_row(const radz_evaluation *ev, const char *class_name, const char *metric)
{
    return (radz_result_row){
        .dataset = ev->block.dataset,
        .split = ev->block.split,
        .model = ev->block.model,
        .scorer = ev->block.scorer,
        .protocol = ev->protocol->base.name,
        .class_name = class_name,
        .metric = metric,
        .n = ev->test->n,
        .value = NAN,
        .ci_low = NAN,
        .ci_high = NAN,
        .status = "ok",
        .ci_status = "none",
    };
}

radz_bootstrap_options evaluation_bootstrap_options(uint32_t replicates, double confidence, uint64_t seed, int threads,
                                                    const uint8_t *members, size_t n_means)
{
    radz_bootstrap_options options = radz_bootstrap_defaults();
    options.replicates = replicates;
    options.confidence = 100 * confidence;
    options.seed = seed;
    options.threads = threads;
    options.groups = members;
    options.group_count = n_means;
    return options;
}

/* One class of an input, with rows of its own. */
typedef struct one_class {
    double *scores; /* [rows] */
    int8_t *labels; /* [rows] */
    radz_metric_input input;
} one_class;

static radz_status one_class_create(const radz_metric_input *from, one_class *one, radz_error *err)
{
    one->scores = radz_calloc(from->rows, sizeof *one->scores, err);
    one->labels = radz_calloc(from->rows, sizeof *one->labels, err);
    one->input = (radz_metric_input){.rows = from->rows, .classes = 1, .scores = one->scores, .labels = one->labels,
                                     .row_names = from->row_names};
    return one->scores == NULL || one->labels == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

static void one_class_take(const radz_metric_input *from, size_t class_index, one_class *one)
{
    for (size_t i = 0; i < from->rows; i++) {
        one->scores[i] = from->scores[i * from->classes + class_index];
        one->labels[i] = from->labels[i * from->classes + class_index];
    }
    one->input.class_names = from->class_names + class_index;
}

static void one_class_free(one_class *one)
{
    free(one->scores);
    free(one->labels);
}

/* The classes once more, each by itself: what is drawn with and without a positive image of it is drawn apart. `b` NULL fills
 * `intervals` [classes], otherwise `pairs` [classes] of a - b. */
radz_status evaluation_draw_by_label(const radz_metric_input *a, const radz_metric_input *b, const radz_clusters *drawn,
                                     const radz_bootstrap_options *from, radz_bootstrap_work *work, radz_intervals *intervals,
                                     radz_paired *pairs, radz_error *err)
{
    one_class of_a = {0}, of_b = {0};
    uint32_t *stratum_of = radz_calloc(drawn->count, sizeof *stratum_of, err);
    radz_bootstrap_options options = *from;
    options.groups = NULL;
    options.group_count = 0;
    options.stratum_of = stratum_of;
    options.strata = 2;
    radz_status st = stratum_of == NULL ? RADZ_E_NOMEM : one_class_create(a, &of_a, err);
    if (st == RADZ_OK && b != NULL)
        st = one_class_create(b, &of_b, err);
    for (size_t c = 0; st == RADZ_OK && c < a->classes; c++) {
        one_class_take(a, c, &of_a);
        memset(stratum_of, 0, drawn->count * sizeof *stratum_of);
        for (size_t i = 0; i < a->rows; i++)
            stratum_of[drawn->of[i]] |= of_a.labels[i] == 1;
        options.points = from->points != NULL ? from->points + c : NULL;
        if (b == NULL) {
            st = radz_bootstrap(&of_a.input, drawn->of, drawn->count, &options, work, &intervals[c], NULL, NULL, err);
        } else {
            one_class_take(b, c, &of_b);
            st = radz_bootstrap_paired(&of_a.input, &of_b.input, drawn->of, drawn->count, &options, NULL, work, &pairs[c], NULL,
                                       NULL, err);
        }
    }
    free(stratum_of);
    one_class_free(&of_a);
    one_class_free(&of_b);
    return st;
}

radz_status radz_evaluate(const radz_evaluation *ev, radz_results *results, radz_error *err)
{
    radz_strlist notes = {0};
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < ev->protocol->faults_count; i++)
        st = radz_strlist_add(&notes, ev->protocol->faults[i], err);
    if (st == RADZ_OK)
        st = ev->protocol->rules.arithmetic == RADZ_ARITHMETIC_EXACT ? evaluation_exact(ev, &notes, results, err)
                                                                     : evaluation_preset(ev, &notes, results, err);
    radz_strlist_free(&notes);
    return st;
}
