#include "run/compare_runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/csv.h"
#include "data/name_table.h"
#include "metric/delong.h"
#include "metric/multiple.h"
#include "metric/permutation.h"
#include "metric/resample.h"
#include "report/results_lookup.h"

/* The scores of both runs of one block on the same images, with labels and patients. */
typedef struct paired_scores {
    radz_arena arena;
    radz_name_table images; /* of the score file of BASE, in its order */
    size_t n, n_classes;
    const char **classes;   /* [n_classes] */
    double *scores[2];      /* [n, n_classes]: BASE, NEW */
    int8_t *labels;         /* [n, n_classes] */
    const char **patients;  /* [n] */
    uint32_t *patient_of;   /* [n] */
    size_t n_patients;
} paired_scores;

static void paired_scores_free(paired_scores *s)
{
    radz_name_table_free(&s->images);
    radz_arena_free(&s->arena);
    free(s->scores[0]);
    free(s->scores[1]);
    free(s->labels);
    free(s->patients);
    free(s->patient_of);
}

/* ---- files ---- */

static radz_status open_file(const char *dir, const char *kind, const radz_result_block *b, bool of_model, radz_csv **csv,
                             radz_error *err)
{
    char *path = radz_run_file(dir, kind, b->dataset, of_model ? b->model : NULL, of_model ? b->scorer : NULL, err);
    radz_status st = path != NULL ? radz_csv_open(path, ',', csv, err) : RADZ_E_NOMEM;
    free(path);
    return st;
}

/* The classes are those of the first score file: its columns behind `image`. */
static radz_status take_classes(paired_scores *s, const radz_csv *csv, radz_error *err)
{
    size_t columns = radz_csv_columns(csv);
    if (columns < 2 || strcmp(radz_csv_column_name(csv, 0), "image") != 0)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': wanted the columns image, CLASS, ...", radz_csv_file(csv));
    s->n_classes = columns - 1;
    s->classes = radz_arena_alloc(&s->arena, s->n_classes, sizeof *s->classes, err);
    for (size_t c = 0; s->classes != NULL && c < s->n_classes; c++)
        if ((s->classes[c] = radz_arena_strdup(&s->arena, radz_csv_column_name(csv, c + 1), err)) == NULL)
            return RADZ_E_NOMEM;
    return s->classes != NULL ? RADZ_OK : RADZ_E_NOMEM;
}

static radz_status class_columns(const paired_scores *s, const radz_csv *csv, size_t *at, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t c = 0; c < s->n_classes && st == RADZ_OK; c++)
        st = radz_csv_column(csv, s->classes[c], &at[c], err);
    return st;
}

/* One score file; side 0 makes the list of images, side 1 must have the same. */
static radz_status read_scores(paired_scores *s, int side, const char *dir, const radz_result_block *b, radz_error *err)
{
    radz_csv *csv = NULL;
    size_t *at = NULL, image_at = 0, capacity = 0, read = 0;
    radz_status st = open_file(dir, "scores", b, true, &csv, err);
    if (st == RADZ_OK && side == 0)
        st = take_classes(s, csv, err);
    if (st == RADZ_OK)
        st = radz_csv_column(csv, "image", &image_at, err);
    if (st == RADZ_OK)
        st = (at = radz_calloc(s->n_classes, sizeof *at, err)) != NULL ? class_columns(s, csv, at, err) : RADZ_E_NOMEM;
    if (st == RADZ_OK && side == 1)
        st = (s->scores[1] = radz_calloc(s->n * s->n_classes, sizeof(double), err)) != NULL ? RADZ_OK : RADZ_E_NOMEM;
    bool *seen = st == RADZ_OK && side == 1 ? radz_calloc(s->n, sizeof *seen, err) : NULL;
    if (st == RADZ_OK && side == 1 && seen == NULL)
        st = RADZ_E_NOMEM;
    for (bool more = true; st == RADZ_OK;) {
        const char *const *fields;
        uint32_t image;
        bool is_new = false;
        st = radz_csv_next(csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        if (side == 0)
            st = radz_name_add(&s->images, &s->arena, fields[image_at], &image, &is_new, err);
        else
            image = radz_name_find(&s->images, fields[image_at]);
        if (st == RADZ_OK && (side == 0 ? !is_new : image == RADZ_NAME_NONE || seen[image]))
            st = radz_fail(err, RADZ_E_VALUE, "'%s' line %zu: image '%.100s' %s", radz_csv_file(csv), radz_csv_line(csv),
                           fields[image_at], side == 1 && image == RADZ_NAME_NONE ? "is not in BASE" : "is there twice");
        if (st == RADZ_OK && side == 0)
            st = radz_grow(&s->scores[0], &capacity, ((size_t)image + 1) * s->n_classes, sizeof(double), err);
        for (size_t c = 0; c < s->n_classes && st == RADZ_OK; c++) {
            double *score = &s->scores[side][(size_t)image * s->n_classes + c];
            st = radz_parse_double(fields[at[c]], false, score, err);
            if (st == RADZ_OK && isnan(*score))
                st = radz_fail(err, RADZ_E_VALUE, "NaN is no score");
            if (st != RADZ_OK)
                (void)radz_prefix(err, "'%s' line %zu column '%.100s'", radz_csv_file(csv), radz_csv_line(csv), s->classes[c]);
        }
        if (st == RADZ_OK && side == 1)
            seen[image] = true;
        read += st == RADZ_OK;
    }
    if (st == RADZ_OK && side == 1 && read != s->n)
        st = radz_fail(err, RADZ_E_VALUE, "'%s' has scores of %zu images, BASE of %zu", radz_csv_file(csv), read, s->n);
    if (side == 0)
        s->n = s->images.count;
    radz_csv_close(csv);
    free(seen);
    free(at);
    return st;
}

static radz_status read_labels(paired_scores *s, const char *dir, const radz_result_block *b, radz_error *err)
{
    radz_csv *csv = NULL;
    size_t *at = NULL, image_at = 0, patient_at = 0, found = 0;
    radz_status st = open_file(dir, "labels", b, false, &csv, err);
    if (st == RADZ_OK)
        st = radz_csv_column(csv, "image", &image_at, err);
    if (st == RADZ_OK)
        st = radz_csv_column(csv, "patient", &patient_at, err);
    if (st == RADZ_OK)
        st = (at = radz_calloc(s->n_classes, sizeof *at, err)) != NULL ? class_columns(s, csv, at, err) : RADZ_E_NOMEM;
    s->labels = st == RADZ_OK ? radz_calloc(s->n * s->n_classes, 1, err) : NULL;
    s->patients = st == RADZ_OK ? radz_calloc(s->n, sizeof *s->patients, err) : NULL;
    s->patient_of = st == RADZ_OK ? radz_calloc(s->n, sizeof *s->patient_of, err) : NULL;
    if (st == RADZ_OK && (s->labels == NULL || s->patients == NULL || s->patient_of == NULL))
        st = RADZ_E_NOMEM;
    for (bool more = true; st == RADZ_OK;) {
        const char *const *fields;
        st = radz_csv_next(csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        uint32_t image = radz_name_find(&s->images, fields[image_at]);
        if (image == RADZ_NAME_NONE) /* an image that was left out of this block */
            continue;
        if (s->patients[image] != NULL)
            st = radz_fail(err, RADZ_E_VALUE, "image '%.100s' is there twice", fields[image_at]);
        else if ((s->patients[image] = radz_arena_strdup(&s->arena, fields[patient_at], err)) == NULL)
            st = RADZ_E_NOMEM;
        for (size_t c = 0; c < s->n_classes && st == RADZ_OK; c++) {
            const char *value = fields[at[c]];
            bool known = value[0] == '\0' || ((value[0] == '0' || value[0] == '1') && value[1] == '\0');
            if (!known)
                st = radz_fail(err, RADZ_E_VALUE, "label '%.40s'; wanted 1, 0 or nothing", value);
            else
                s->labels[(size_t)image * s->n_classes + c] = value[0] == '\0' ? -1 : (int8_t)(value[0] - '0');
        }
        if (st != RADZ_OK)
            (void)radz_prefix(err, "'%s' line %zu", radz_csv_file(csv), radz_csv_line(csv));
        found++;
    }
    if (st == RADZ_OK && found != s->n)
        st = radz_fail(err, RADZ_E_VALUE, "'%s' has labels of %zu of the %zu scored images", radz_csv_file(csv), found, s->n);
    radz_csv_close(csv);
    free(at);
    return st == RADZ_OK ? radz_number_patients(s->patients, s->n, s->patient_of, &s->n_patients, err) : st;
}

/* ---- tests ---- */

/* Side 0 is BASE, 1 is NEW. */
static radz_metric_input input_of(const paired_scores *s, int side)
{
    return (radz_metric_input){
        .rows = s->n, .classes = s->n_classes, .scores = s->scores[side], .labels = s->labels, .class_names = s->classes,
        .row_names = s->images.names,
    };
}

/* The groups of a block's data set as masks over the classes: the macro mean first. */
static radz_status class_groups(const paired_scores *s, const radz_results *results, const char *dataset,
                                const char ***names, uint8_t **members, size_t *count, radz_error *err)
{
    *names = radz_calloc(results->n_groups + 1, sizeof **names, err);
    *members = radz_calloc((results->n_groups + 1) * s->n_classes, 1, err);
    *count = 0;
    if (*names == NULL || *members == NULL)
        return RADZ_E_NOMEM;
    memset(*members, 1, s->n_classes);
    (*names)[(*count)++] = "";
    for (size_t g = 0; g < results->n_groups; g++) {
        const radz_result_group *group = &results->groups[g];
        if (strcmp(group->dataset, dataset) != 0)
            continue;
        for (size_t c = 0; c < s->n_classes; c++)
            for (size_t k = 0; k < group->n_classes; k++)
                (*members)[*count * s->n_classes + c] |= strcmp(group->classes[k], s->classes[c]) == 0;
        (*names)[(*count)++] = group->name;
    }
    return RADZ_OK;
}

/* The threshold that F1 and what stands beside it were taken at, where it was fixed and not the best on these labels. */
static void find_points(const paired_scores *s, const radz_results *results, const radz_result_block *b,
                        radz_operating_point *points)
{
    for (size_t c = 0; c < s->n_classes; c++) {
        double used = NAN, best = NAN;
        for (size_t i = 0; i < results->n_rows; i++) {
            const radz_result_row *r = &results->rows[i];
            if (strcmp(r->class_name, s->classes[c]) != 0 || strcmp(r->dataset, b->dataset) != 0 ||
                strcmp(r->model, b->model) != 0 || strcmp(r->scorer, b->scorer) != 0 || strcmp(r->protocol, b->protocol) != 0)
                continue;
            if (strcmp(r->metric, radz_metrics[RADZ_METRIC_THRESHOLD].name) == 0)
                used = r->value;
            else if (strcmp(r->metric, radz_metrics[RADZ_METRIC_THRESHOLD_F1_MAX].name) == 0)
                best = r->value;
        }
        bool fixed = !isnan(used) && used != best;
        points[c] = (radz_operating_point){fixed ? RADZ_OPERATING_FIXED : RADZ_OPERATING_F1_MAX, fixed ? used : 0};
    }
}

/* The test speaks of the figure only when it computes the same difference: another protocol may define it otherwise. */
static bool same_difference(double tested, const radz_compared *row)
{
    return fabs(tested - row->change) <= 1e-9;
}

static bool is_auc(const radz_compared *row, size_t block)
{
    return row->block == block && row->beyond && strcmp(row->base->metric, radz_metrics[RADZ_METRIC_AUC].name) == 0;
}

/* DeLong's test of every class (the adjustment is for all that could have been looked at, not for those that moved), kept
 * where a figure moved. */
static radz_status test_aucs(const paired_scores *s, radz_comparison *c, size_t block, radz_error *err)
{
    radz_metric_input a = input_of(s, 1), b = input_of(s, 0);
    radz_clusters clusters = {s->patient_of, s->n_patients};
    radz_delong_work *work = NULL;
    radz_delong_pair *pairs = radz_calloc(s->n_classes, sizeof *pairs, err);
    double *p = radz_calloc(3 * s->n_classes, sizeof *p, err), *holm = NULL, *bh = NULL;
    radz_status st = pairs == NULL || p == NULL ? RADZ_E_NOMEM : radz_delong_work_create(&work, err);
    for (size_t k = 0; k < s->n_classes && st == RADZ_OK; k++) {
        st = radz_delong_paired(&a, &b, k, &clusters, work, &pairs[k], err);
        p[k] = st == RADZ_OK && pairs[k].test_status == RADZ_METRIC_OK ? pairs[k].p : NAN;
    }
    if (st == RADZ_OK) {
        holm = p + s->n_classes;
        bh = holm + s->n_classes;
        st = radz_adjust_holm(p, s->n_classes, holm, err);
    }
    if (st == RADZ_OK)
        st = radz_adjust_bh(p, s->n_classes, bh, err);
    for (size_t i = 0; i < c->n_rows && st == RADZ_OK; i++) {
        radz_compared *row = &c->rows[i];
        for (size_t k = 0; is_auc(row, block) && k < s->n_classes; k++) {
            double low, high;
            if (strcmp(s->classes[k], row->base->class_name) != 0 || isnan(p[k]) || !same_difference(pairs[k].difference, row))
                continue;
            (void)radz_delong_pair_interval(&pairs[k], 100 * (1 - c->gate->alpha), &low, &high);
            radz_compare_tested(row, "DeLong", p[k], low, high);
            row->p_holm = holm[k];
            row->p_bh = bh[k];
        }
    }
    radz_delong_work_free(work);
    free(pairs);
    free(p);
    return st;
}

/* Which class a row is of, or n_classes and which group; the sum of both: neither. */
static size_t place_of(const paired_scores *s, const char *name, const char *const *groups, size_t n_groups)
{
    for (size_t k = 0; k < s->n_classes; k++)
        if (strcmp(s->classes[k], name) == 0)
            return k;
    for (size_t g = 0; g < n_groups && radz_is_mean(name); g++)
        if (strcmp(groups[g], strchr(name, ':') != NULL ? strchr(name, ':') + 1 : "") == 0)
            return s->n_classes + g;
    return s->n_classes + n_groups;
}

static void take_interval(radz_compared *row, const radz_paired *pair)
{
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++) {
        if (strcmp(radz_metrics[m].name, row->base->metric) != 0)
            continue;
        const radz_interval *interval = &pair->intervals.of[m];
        if (interval->status == RADZ_METRIC_OK && same_difference(pair->difference.value[m], row))
            radz_compare_tested(row, "bootstrap", NAN, interval->low, interval->high);
    }
}

static bool wants_bootstrap(const radz_comparison *c, size_t block)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->rows[i].block == block && c->rows[i].beyond && c->rows[i].test == NULL)
            return true;
    return false;
}

static radz_status test_others(const paired_scores *s, radz_comparison *c, size_t block, const radz_gate_card *card,
                               int threads, radz_error *err)
{
    if (!wants_bootstrap(c, block))
        return RADZ_OK;
    const radz_compared_block *cb = &c->blocks[block];
    radz_metric_input a = input_of(s, 1), b = input_of(s, 0);
    const char **names = NULL;
    uint8_t *members = NULL;
    size_t groups = 0;
    radz_operating_point *points = radz_calloc(2 * s->n_classes, sizeof *points, err);
    radz_paired *classes = radz_calloc(s->n_classes, sizeof *classes, err), *means = NULL;
    radz_bootstrap_work *work = NULL;
    radz_status st = points != NULL && classes != NULL ? class_groups(s, c->now, cb->now->dataset, &names, &members, &groups, err)
                                                       : RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = (means = radz_calloc(groups, sizeof *means, err)) != NULL ? radz_bootstrap_work_create(&work, err) : RADZ_E_NOMEM;
    if (st == RADZ_OK) {
        find_points(s, c->now, cb->now, points);
        find_points(s, c->base, cb->base, points + s->n_classes);
        radz_bootstrap_options options = radz_bootstrap_defaults();
        options.replicates = card->replicates;
        options.confidence = 100 * (1 - card->alpha);
        options.seed = card->seed;
        options.threads = threads;
        options.points = points;
        options.groups = members;
        options.group_count = groups;
        st = radz_bootstrap_paired(&a, &b, s->patient_of, s->n_patients, &options, points + s->n_classes, work, classes, means,
                                   NULL, err);
    }
    for (size_t i = 0; i < c->n_rows && st == RADZ_OK; i++) {
        radz_compared *row = &c->rows[i];
        if (row->block != block || !row->beyond || row->test != NULL)
            continue;
        size_t at = place_of(s, row->base->class_name, names, groups);
        if (at < s->n_classes + groups)
            take_interval(row, at < s->n_classes ? &classes[at] : &means[at - s->n_classes]);
    }
    radz_bootstrap_work_free(work);
    free(points);
    free(classes);
    free(means);
    free(names);
    free(members);
    return st;
}

static radz_status test_by_permutation(const paired_scores *s, radz_comparison *c, size_t block, const radz_gate_card *card,
                                       int threads, radz_error *err)
{
    bool wanted = false;
    for (size_t i = 0; i < c->n_rows; i++)
        wanted = wanted || is_auc(&c->rows[i], block);
    if (!wanted)
        return RADZ_OK;
    const radz_compared_block *cb = &c->blocks[block];
    radz_metric_input a = input_of(s, 1), b = input_of(s, 0);
    const char **names = NULL;
    uint8_t *members = NULL;
    size_t groups = 0;
    radz_permutation *found = NULL;
    radz_status st = class_groups(s, c->now, cb->now->dataset, &names, &members, &groups, err);
    if (st == RADZ_OK)
        st = (found = radz_calloc(s->n_classes + groups, sizeof *found, err)) != NULL ? RADZ_OK : RADZ_E_NOMEM;
    if (st == RADZ_OK) {
        radz_permutation_options options = {.permutations = card->replicates, .seed = card->seed, .threads = threads,
                                            .groups = members, .group_count = groups};
        st = radz_permutation_paired(&a, &b, s->patient_of, s->n_patients, &options, found, found + s->n_classes, err);
    }
    for (size_t i = 0; i < c->n_rows && st == RADZ_OK; i++) {
        radz_compared *row = &c->rows[i];
        size_t at = is_auc(row, block) ? place_of(s, row->base->class_name, names, groups) : SIZE_MAX;
        if (at < s->n_classes + groups && found[at].status == RADZ_METRIC_OK && same_difference(found[at].difference, row))
            row->p_permutation = found[at].p;
    }
    free(found);
    free(names);
    free(members);
    return st;
}

static radz_status test_block(radz_comparison *c, size_t block, const char *base_dir, const char *now_dir,
                              const radz_gate_card *card, int threads, radz_error *err)
{
    radz_compared_block *b = &c->blocks[block];
    if (b->n_beyond == 0 || !b->same_images)
        return RADZ_OK;
    if (base_dir == NULL || now_dir == NULL) {
        b->untested = "a results.json alone has no scores";
        return RADZ_OK;
    }
    paired_scores s = {0};
    radz_error why = {0};
    radz_status st = read_scores(&s, 0, base_dir, b->base, &why);
    if (st == RADZ_OK)
        st = read_scores(&s, 1, now_dir, b->now, &why);
    if (st == RADZ_OK)
        st = read_labels(&s, now_dir, b->now, &why);
    if (st == RADZ_OK)
        st = test_aucs(&s, c, block, &why);
    if (st == RADZ_OK)
        st = test_others(&s, c, block, card, threads, &why);
    if (st == RADZ_OK)
        st = test_by_permutation(&s, c, block, card, threads, &why);
    paired_scores_free(&s);
    if (st == RADZ_OK)
        return RADZ_OK;
    if (st == RADZ_E_NOMEM || st == RADZ_E_INTERRUPTED || st == RADZ_E_INTERNAL)
        return radz_fail(err, st, "%s", why.message);
    b->untested = radz_arena_strdup(&c->arena, why.message, err);
    return b->untested != NULL ? RADZ_OK : RADZ_E_NOMEM;
}

/* ---- the whole ---- */

static radz_status load_gate(const radz_home *home, const char *name, radz_compared_runs *out, radz_error *err)
{
    radz_status st = radz_gate_find_card(&home->places, name, &out->card, err);
    if (st != RADZ_OK)
        return st;
    out->tolerances = radz_calloc(out->card->tolerances_count, sizeof *out->tolerances, err);
    if (out->tolerances == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < out->card->tolerances_count; i++) {
        const radz_gate_tolerance *t = &out->card->tolerances[i];
        out->tolerances[i] = (radz_tolerance){t->metric, t->classes, t->fall, t->limit};
    }
    out->gate = (radz_gate){out->card->base.name, out->card->alpha, out->tolerances, out->card->tolerances_count};
    return RADZ_OK;
}

radz_status radz_compare_runs(const radz_home *home, const char *base, const char *now, const char *gate, int threads,
                              radz_compared_runs *out, radz_error *err)
{
    *out = (radz_compared_runs){0};
    radz_status st = load_gate(home, gate, out, err);
    if (st == RADZ_OK && (st = radz_results_load(base, &out->base, err)) != RADZ_OK)
        return radz_prefix(err, "BASE");
    if (st == RADZ_OK && (st = radz_results_load(now, &out->now, err)) != RADZ_OK)
        return radz_prefix(err, "NEW");
    if (st == RADZ_OK)
        st = radz_compare(out->base, out->now, &out->gate, &out->comparison, err);
    for (size_t i = 0; st == RADZ_OK && i < out->comparison->n_blocks; i++)
        st = test_block(out->comparison, i, radz_file_is_dir(base) ? base : NULL, radz_file_is_dir(now) ? now : NULL, out->card,
                        threads, err);
    if (st == RADZ_OK)
        radz_compare_judge(out->comparison);
    return st;
}

void radz_compared_runs_free(radz_compared_runs *runs)
{
    radz_comparison_free(runs->comparison);
    radz_results_free(runs->base);
    radz_results_free(runs->now);
    radz_gate_card_free(runs->card);
    free(runs->tolerances);
    *runs = (radz_compared_runs){0};
}
