/* What must hold of the metrics whatever the numbers: order, shards, masks, means, errors, the table. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "metric/metric.h"

enum { ROWS = 5000, CLASSES = 3 };

typedef struct data {
    double scores[ROWS * CLASSES];
    int8_t labels[ROWS * CLASSES];
    radz_metric_input input;
    radz_metric_work *work;
} data;

/* Class 0 distinct scores, class 1 heavily tied, class 2 with masked rows and infinities. */
static int make(void **state)
{
    data *d = radz_calloc(1, sizeof *d, NULL);
    radz_rng rng;
    radz_rng_seed(&rng, 11, 0);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t c = 0; c < CLASSES; c++) {
            double u = radz_rng_uniform(&rng);
            int8_t label = radz_rng_below(&rng, 9) == 0;
            d->labels[i * CLASSES + c] = label;
            u += 0.3 * label;
            if (c == 1)
                u = floor(u * 20) / 20;
            if (c == 2 && radz_rng_below(&rng, 50) == 0)
                u = label ? INFINITY : -INFINITY;
            if (c == 2 && radz_rng_below(&rng, 4) == 0)
                d->labels[i * CLASSES + c] = -1;
            d->scores[i * CLASSES + c] = u;
        }
    d->input = (radz_metric_input){.rows = ROWS, .classes = CLASSES, .scores = d->scores, .labels = d->labels};
    if (radz_metric_work_create(&d->work, NULL) != RADZ_OK)
        return 1;
    *state = d;
    return 0;
}

static int drop(void **state)
{
    data *d = *state;
    radz_metric_work_free(d->work);
    free(d);
    return 0;
}

static bool same_bits(const radz_class_metrics *a, const radz_class_metrics *b)
{
    return memcmp(a->metrics.value, b->metrics.value, sizeof a->metrics.value) == 0 &&
           memcmp(a->metrics.status, b->metrics.status, sizeof a->metrics.status) == 0 &&
           a->positives == b->positives && a->negatives == b->negatives && a->masked == b->masked;
}

static void row_order_changes_nothing(void **state)
{
    data *d = *state;
    radz_class_metrics straight[CLASSES], shuffled[CLASSES];
    radz_metric_input other = d->input;
    double *scores = radz_calloc(ROWS * CLASSES, sizeof *scores, NULL);
    int8_t *labels = radz_calloc(ROWS * CLASSES, 1, NULL);
    size_t *order = radz_calloc(ROWS, sizeof *order, NULL);
    radz_rng rng;
    radz_rng_seed(&rng, 5, 0);
    assert_int_equal(radz_metric_classes(&d->input, NULL, d->work, straight, NULL), RADZ_OK);
    for (size_t i = 0; i < ROWS; i++)
        order[i] = i;
    for (int round = 0; round < 5; round++) {
        radz_rng_shuffle(&rng, order, ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            memcpy(scores + i * CLASSES, d->scores + order[i] * CLASSES, CLASSES * sizeof *scores);
            memcpy(labels + i * CLASSES, d->labels + order[i] * CLASSES, CLASSES);
        }
        other.scores = scores;
        other.labels = labels;
        assert_int_equal(radz_metric_classes(&other, NULL, d->work, shuffled, NULL), RADZ_OK);
        for (size_t c = 0; c < CLASSES; c++)
            assert_true(same_bits(&straight[c], &shuffled[c]));
    }
    free(scores);
    free(labels);
    free(order);
}

/* Rows scored as shards (every third row, or a front and a back part) and put together give the same bits. */
static void shards_merge(void **state)
{
    data *d = *state;
    radz_class_metrics whole[CLASSES], merged[CLASSES];
    double *scores = radz_calloc(ROWS * CLASSES, sizeof *scores, NULL);
    int8_t *labels = radz_calloc(ROWS * CLASSES, 1, NULL);
    assert_int_equal(radz_metric_classes(&d->input, NULL, d->work, whole, NULL), RADZ_OK);
    size_t at = 0;
    for (size_t shard = 0; shard < 3; shard++)
        for (size_t i = shard; i < ROWS; i += 3, at++) {
            memcpy(scores + at * CLASSES, d->scores + i * CLASSES, CLASSES * sizeof *scores);
            memcpy(labels + at * CLASSES, d->labels + i * CLASSES, CLASSES);
        }
    assert_int_equal(at, ROWS);
    radz_metric_input other = d->input;
    other.scores = scores;
    other.labels = labels;
    assert_int_equal(radz_metric_classes(&other, NULL, d->work, merged, NULL), RADZ_OK);
    for (size_t c = 0; c < CLASSES; c++)
        assert_true(same_bits(&whole[c], &merged[c]));
    free(scores);
    free(labels);
}

/* Removing a masked row is the same as masking it, whatever its score, and scaling by a power of two changes nothing
 * but thresholds; every row twice changes no ratio. */
static void masks_scale_and_copies(void **state)
{
    data *d = *state;
    radz_class_metrics masked, removed, scaled, doubled;
    double *scores = radz_calloc(2 * ROWS, sizeof *scores, NULL);
    int8_t *labels = radz_calloc(2 * ROWS, 1, NULL);
    size_t kept = 0;
    assert_int_equal(radz_metric_class(&d->input, 2, NULL, d->work, &masked, NULL), RADZ_OK);
    assert_true(masked.masked > 500);
    for (size_t i = 0; i < ROWS; i++)
        if (d->labels[i * CLASSES + 2] >= 0) {
            scores[kept] = d->scores[i * CLASSES + 2];
            labels[kept++] = d->labels[i * CLASSES + 2];
        }
    radz_metric_input one = {.rows = kept, .classes = 1, .scores = scores, .labels = labels};
    assert_int_equal(radz_metric_class(&one, 0, NULL, d->work, &removed, NULL), RADZ_OK);
    assert_int_equal(removed.masked, 0);
    removed.masked = masked.masked;
    assert_true(same_bits(&masked, &removed));
    memcpy(scores + kept, scores, kept * sizeof *scores);
    memcpy(labels + kept, labels, kept);
    one.rows = 2 * kept;
    assert_int_equal(radz_metric_class(&one, 0, NULL, d->work, &doubled, NULL), RADZ_OK);
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++)
        if (m == RADZ_METRIC_AP) /* a sum of rounded terms: seen 0 */
            assert_true(fabs(doubled.metrics.value[m] - removed.metrics.value[m]) < 1e-13);
        else
            assert_true(doubled.metrics.value[m] == removed.metrics.value[m]);
    one.rows = kept;
    for (size_t i = 0; i < kept; i++)
        scores[i] *= 8;
    assert_int_equal(radz_metric_class(&one, 0, NULL, d->work, &scaled, NULL), RADZ_OK);
    for (size_t m = 0; m < RADZ_METRIC_COUNT; m++) {
        bool threshold = m == RADZ_METRIC_THRESHOLD || m == RADZ_METRIC_THRESHOLD_F1_MAX;
        assert_true(scaled.metrics.value[m] == removed.metrics.value[m] * (threshold ? 8 : 1));
    }
    free(scores);
    free(labels);
    /* a NaN under a mask is not looked at */
    double with_nan[] = {0.5, NAN, 0.25, 0.75};
    int8_t with_mask[] = {1, -1, 0, 1};
    radz_metric_input small = {.rows = 4, .classes = 1, .scores = with_nan, .labels = with_mask};
    assert_int_equal(radz_metric_class(&small, 0, NULL, d->work, &masked, NULL), RADZ_OK);
    assert_true(masked.metrics.value[RADZ_METRIC_AUC] == 1);
}

/* Area under the curve that is drawn = the AUC that is printed. */
static void curve_has_the_area(void **state)
{
    data *d = *state;
    radz_roc_point *points = radz_calloc(ROWS + 1, sizeof *points, NULL);
    for (size_t c = 0; c < CLASSES; c++) {
        radz_class_metrics found;
        size_t count;
        assert_int_equal(radz_metric_class(&d->input, c, NULL, d->work, &found, NULL), RADZ_OK);
        assert_int_equal(radz_roc_curve(&d->input, c, d->work, points, ROWS + 1, &count, NULL), RADZ_OK);
        double area = 0;
        for (size_t i = 1; i < count; i++) {
            assert_true(points[i].fpr >= points[i - 1].fpr && points[i].tpr >= points[i - 1].tpr);
            assert_true(points[i].threshold <= points[i - 1].threshold);
            area += (points[i].fpr - points[i - 1].fpr) * (points[i].tpr + points[i - 1].tpr) / 2;
        }
        assert_true(points[0].fpr == 0 && points[0].tpr == 0 && points[0].threshold == INFINITY);
        assert_true(points[count - 1].fpr == 1 && points[count - 1].tpr == 1);
        assert_true(fabs(area - found.metrics.value[RADZ_METRIC_AUC]) < 1e-13); /* seen: 1.1e-16 */
    }
    free(points);
}

static void means_over_defined_classes(void **state)
{
    data *d = *state;
    double scores[] = {0.9, 0.1, 0.5, 0.2, 0.8, 0.4, 0.4, 0.4, 0.7};                /* [3, 3] */
    int8_t labels[] = {1, 0, 1, 0, 0, 0, 0, 0, 1};                                  /* class 1: one value only */
    radz_metric_input input = {.rows = 3, .classes = 3, .scores = scores, .labels = labels};
    radz_class_metrics found[3];
    radz_mean_metrics mean;
    assert_int_equal(radz_metric_classes(&input, NULL, d->work, found, NULL), RADZ_OK);
    assert_int_equal(found[1].metrics.status[RADZ_METRIC_AUC], RADZ_METRIC_ONE_VALUE);
    assert_true(isnan(found[1].metrics.value[RADZ_METRIC_AUC]));
    assert_true(found[1].metrics.value[RADZ_METRIC_PREVALENCE] == 0);
    radz_metric_mean(found, 3, NULL, &mean);
    assert_int_equal(mean.members, 3);
    assert_int_equal(mean.defined[RADZ_METRIC_AUC], 2);
    assert_true(mean.metrics.value[RADZ_METRIC_AUC] == 1);
    assert_int_equal(mean.defined[RADZ_METRIC_PREVALENCE], 3);
    assert_true(fabs(mean.metrics.value[RADZ_METRIC_PREVALENCE] - (1 / 3.0 + 0 + 2 / 3.0) / 3) < 1e-16);
    assert_int_equal(mean.metrics.status[RADZ_METRIC_THRESHOLD], RADZ_METRIC_NO_CLASS);
    const uint8_t second[] = {0, 1, 0}, none[] = {0, 0, 0};
    radz_metric_mean(found, 3, second, &mean);
    assert_int_equal(mean.members, 1);
    assert_int_equal(mean.metrics.status[RADZ_METRIC_AUC], RADZ_METRIC_NO_CLASS);
    assert_true(isnan(mean.metrics.value[RADZ_METRIC_AUC]));
    assert_int_equal(mean.metrics.status[RADZ_METRIC_PREVALENCE], RADZ_METRIC_OK);
    radz_metric_mean(found, 3, none, &mean);
    assert_int_equal(mean.members, 0);
    assert_int_equal(mean.metrics.status[RADZ_METRIC_PREVALENCE], RADZ_METRIC_NO_CLASS);
}

static void errors_name_the_place(void **state)
{
    data *d = *state;
    double scores[] = {0.1, 0.2, 0.3, NAN};
    int8_t labels[] = {0, 1, 1, 0};
    const char *classes[] = {"Edema", "Mass"}, *rows[] = {"a.png", "b.png"};
    radz_metric_input input = {
        .rows = 2, .classes = 2, .scores = scores, .labels = labels, .class_names = classes, .row_names = rows};
    radz_class_metrics found[2];
    radz_error err = {0};
    assert_int_equal(radz_metric_classes(&input, NULL, d->work, found, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "row 1 ('b.png'), class 1 ('Mass'): the score is NaN, wanted a number");
    radz_error_clear(&err);
    scores[3] = 0.5;
    labels[2] = 2;
    input.row_names = NULL;
    assert_int_equal(radz_metric_classes(&input, NULL, d->work, found, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "row 1, class 0 ('Edema'): label 2, wanted 1, 0 or -1");
    radz_error_clear(&err);
    labels[2] = 1;
    radz_operating_point points[] = {{RADZ_OPERATING_F1_MAX, NAN}, {RADZ_OPERATING_FIXED, NAN}};
    assert_int_equal(radz_metric_classes(&input, points, d->work, found, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "class 1 Mass: the fixed threshold is NaN"));
    radz_error_clear(&err);
    assert_int_equal(radz_metric_class(&input, 1, &points[1], d->work, found, &err), RADZ_E_VALUE);
    radz_error_clear(&err);
    assert_int_equal(radz_metric_class(&input, 2, NULL, d->work, found, &err), RADZ_E_INTERNAL);
    radz_error_clear(&err);
    radz_roc_point points_out[2];
    size_t count;
    assert_int_equal(radz_roc_curve(&input, 0, d->work, points_out, 2, &count, &err), RADZ_E_INTERNAL);
    assert_non_null(strstr(err.message, "room for 2 points, wanted 3"));
    radz_error_clear(&err);
    input.rows = (size_t)1 << 26;
    assert_int_equal(radz_metric_classes(&input, NULL, d->work, found, &err), RADZ_E_UNSUPPORTED);
    radz_error_clear(&err);
    float as_float[4] = {0};
    input.rows = 2;
    input.scores_f32 = as_float;
    assert_int_equal(radz_metric_classes(&input, NULL, d->work, found, &err), RADZ_E_INTERNAL);
}

static void table_is_complete(void **state)
{
    (void)state;
    radz_error err = {0};
    for (size_t i = 0; i < RADZ_METRIC_COUNT; i++) {
        radz_metric_id id;
        const radz_metric_info *m = &radz_metrics[i];
        assert_true(m->name && m->title && m->description && m->source);
        assert_true(m->name[0] && m->title[0] && m->description[0] && m->source[0]);
        assert_ptr_equal(radz_metric_name(i), m->name);
        assert_int_equal(radz_metric_find(m->name, &id, &err), RADZ_OK);
        assert_int_equal(id, i); /* so names are unique */
    }
    assert_null(radz_metric_name(RADZ_METRIC_COUNT));
    radz_metric_id id;
    assert_int_equal(radz_metric_find("auroc", &id, &err), RADZ_E_USAGE);
    assert_non_null(strstr(err.message, "auc, ap, f1_max"));
    for (int s = RADZ_METRIC_OK; s <= RADZ_METRIC_FEW_REPLICATES; s++)
        assert_true(strcmp(radz_metric_status_name((radz_metric_status)s), "na") != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_order_changes_nothing), cmocka_unit_test(shards_merge),
        cmocka_unit_test(masks_scale_and_copies),    cmocka_unit_test(curve_has_the_area),
        cmocka_unit_test(means_over_defined_classes), cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(table_is_complete),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
