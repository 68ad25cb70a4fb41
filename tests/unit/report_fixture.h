/* A made-up set of results that holds every case the printers must get right; shared by the tests of the report room. */
#ifndef RADZ_TEST_REPORT_FIXTURE_H
#define RADZ_TEST_REPORT_FIXTURE_H

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "metric/metric.h"
#include "report/results.h"

typedef struct fixture_class {
    const char *name;
    unsigned positives;
    double separation; /* between the means of two normal distributions, in deviations */
} fixture_class;

static const fixture_class fixture_phantom[] = {
    {"Atelectasis", 131, 1.1}, {"Cardiomegaly", 96, 2.2},      {"Effusion", 140, 1.6}, {"Infiltration", 171, 0.9},
    {"Mass", 63, 0.7},         {"Nodule", 71, 0.8},            {"Pneumonia", 52, 0.6}, {"Pneumothorax", 88, 1.9},
    {"Consolidation", 94, 1.2}, {"Edema", 61, 1.8},            {"Emphysema", 57, 1.4}, {"Fibrosis", 49, 0.9},
    {"Pleural_Thickening", 55, 0.4}, {"Hernia", 44, 0.2},
};
static const fixture_class fixture_odd[] = {
    {"Pleural_Effusion, \"left\" 50% & more", 7, 1.0}, {"Épaississement {pleural} #1", 3, 0.5}, {"Fracture", 0, 0},
};

/* The ROC curve of scores drawn from two normals, by counting. */
static radz_status fixture_curve(radz_results *results, const fixture_class *c, unsigned n, uint64_t seed, double *auc,
                                 radz_error *err)
{
    enum { MOST = 2048 };
    double score[MOST], fpr[MOST + 1], tpr[MOST + 1], precision[MOST + 1];
    bool positive[MOST];
    radz_rng rng;
    radz_rng_seed(&rng, seed, 77);
    for (unsigned i = 0; i < n; i++) {
        positive[i] = i < c->positives;
        score[i] = radz_rng_normal(&rng) + (positive[i] ? c->separation : 0);
    }
    for (unsigned i = 1; i < n; i++) /* insertion sort, descending */
        for (unsigned j = i; j > 0 && score[j] > score[j - 1]; j--) {
            double s = score[j];
            bool p = positive[j];
            score[j] = score[j - 1];
            positive[j] = positive[j - 1];
            score[j - 1] = s;
            positive[j - 1] = p;
        }
    unsigned tp = 0, fp = 0;
    size_t points = 1;
    *auc = 0;
    fpr[0] = tpr[0] = 0;
    precision[0] = 1;
    for (unsigned i = 0; i < n; i++) {
        tp += positive[i];
        fp += !positive[i];
        if (!positive[i])
            *auc += tp;
        if (i + 1 < n && positive[i] == positive[i + 1])
            continue; /* inside a straight run */
        tpr[points] = (double)tp / c->positives;
        precision[points] = (double)tp / (tp + fp);
        fpr[points++] = (double)fp / (n - c->positives);
    }
    *auc /= (double)c->positives * (n - c->positives);
    radz_status st = radz_results_add_curve(results, c->name, fpr, tpr, points, err);
    return st == RADZ_OK ? radz_results_add_pr(results, c->name, tpr, precision, points, err) : st;
}

static radz_status fixture_row(radz_results *results, const radz_result_block *b, const char *class_name,
                               const char *metric, double value, double half, uint64_t n_pos, const char *status,
                               radz_error *err)
{
    bool interval = strstr(metric, "threshold") == NULL && half > 0;
    radz_result_row row = {
        .dataset = b->dataset, .split = b->split, .model = b->model, .scorer = b->scorer, .protocol = b->protocol,
        .class_name = class_name, .metric = metric, .n = b->n, .n_pos = n_pos, .value = value,
        .ci_low = interval ? value - half : NAN, .ci_high = interval ? value + half * 0.9 : NAN, .status = status,
        .ci_status = interval ? "ok" : status,
    };
    return radz_results_add_row(results, &row, err);
}

static radz_status fixture_block(radz_results *results, const radz_result_block *b, const fixture_class *classes,
                                 size_t n_classes, double skill, bool fixed_threshold, radz_error *err)
{
    radz_status st = radz_results_add_block(results, b, err);
    double sum = 0, auc[32], trained = 0, others = 0;
    size_t defined = 0;
    for (size_t c = 0; c < n_classes && st == RADZ_OK; c++) {
        fixture_class shown = classes[c];
        shown.separation *= skill;
        auc[c] = NAN;
        if (shown.positives == 0)
            continue;
        st = fixture_curve(results, &shown, (unsigned)b->n, 11 * c + (uint64_t)(skill * 100), &auc[c], err);
        sum += auc[c];
        defined++;
        bool zero = strcmp(shown.name, "Mass") == 0 || strcmp(shown.name, "Pleural_Thickening") == 0 ||
                    strcmp(shown.name, "Hernia") == 0;
        *(zero ? &others : &trained) += auc[c];
    }
    struct {
        const char *name;
        double value;
        uint64_t members;
    } means[] = {{"macro", sum / (double)defined, defined}, {"macro:trained", trained / 11, 11},
                 {"macro:zero_shot", others / 3, 3}};
    size_t n_means = n_classes == 14 ? 3 : 1;
    for (size_t m = 0; m < n_means && st == RADZ_OK; m++) {
        double v = means[m].value;
        st = fixture_row(results, b, means[m].name, "auc", v, 0.012 + 0.01 * (double)m, means[m].members, "ok", err);
        if (st == RADZ_OK)
            st = fixture_row(results, b, means[m].name, "ap", v * v * 0.6, 0.02, means[m].members, "ok", err);
        if (st == RADZ_OK)
            st = fixture_row(results, b, means[m].name, "f1", v * 0.55, 0.02, means[m].members, "ok", err);
        if (st == RADZ_OK)
            st = fixture_row(results, b, means[m].name, "acc", 0.5 + v * 0.45, 0.01, means[m].members, "ok", err);
    }
    for (size_t c = 0; c < n_classes && st == RADZ_OK; c++) {
        bool there = !isnan(auc[c]);
        const char *status = there ? "ok" : "na-one-value";
        const fixture_class *k = &classes[c];
        st = fixture_row(results, b, k->name, "auc", auc[c], there ? 0.5 / sqrt(k->positives + 1.0) : 0, k->positives,
                         status, err);
        if (st == RADZ_OK)
            st = fixture_row(results, b, k->name, "ap", there ? auc[c] * 0.5 : NAN, 0.03, k->positives, status, err);
        if (st == RADZ_OK)
            st = fixture_row(results, b, k->name, "threshold_f1_max", there ? 0.25 + auc[c] / 7 : NAN, 0, k->positives,
                             status, err);
        if (st == RADZ_OK)
            st = fixture_row(results, b, k->name, "threshold", !there ? NAN : fixed_threshold ? 0.5 : 0.25 + auc[c] / 7, 0,
                             k->positives, status, err);
    }
    return st;
}

static radz_status fixture_results(radz_results **out, radz_error *err)
{
    radz_results *results = NULL;
    *out = NULL;
    radz_status st = radz_results_create("", "chest", "Zero-shot chest X-ray recognition",
                                         "radz-bench --suite chest --results results", &results, err);
    static const char *const trained[] = {"Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Nodule", "Pneumonia",
                                          "Pneumothorax", "Consolidation", "Edema", "Emphysema", "Fibrosis"};
    static const char *const zero[] = {"Mass", "Pleural_Thickening", "Hernia"};
    if (st == RADZ_OK)
        st = radz_results_add_group(results, &(radz_result_group){"phantom", "trained",
                                    "11 findings named in training reports", trained, 11}, err);
    if (st == RADZ_OK)
        st = radz_results_add_group(results, &(radz_result_group){"phantom", "zero_shot",
                                    "3 findings never named in training reports", zero, 3}, err);
    radz_result_block b = {
        .dataset = "phantom", .dataset_title = "Phantom (synthetic chest radiographs)", .split = "test",
        .model = "clip-tiny", .model_title = "CLIP tiny", .protocol = "strict", .prompts = "chest", .synthetic = true,
        .n = 1024, .n_patients = 402, .replicates = 1000, .distinct_replicates = 1000, .confidence = 0.95,
        .fingerprint = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        .split_fingerprint = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        .weights_sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        .prompts_sha256 = "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13",
        .recipe = "resize shorter 224 bicubic\ncrop 224\nscale 1/255", .dtype = "float32", .device = "cpu",
        .trained_on = "phantom train (synthetic)",
        .prompts_wording = "Chosen without looking at any label.",
    };
    static const struct {
        const char *model, *scorer;
        double skill;
    } pairs[] = {{"clip-tiny", "clip-posneg", 1}, {"clip-tiny", "clip-cosine", 0.8}, {"vit_b_32", "clip-posneg", 0.3},
                 {"vit_b_32", "clip-cosine", 0.25}};
    for (size_t i = 0; i < 4 && st == RADZ_OK; i++) {
        b.model = pairs[i].model;
        b.trained_on = i < 2 ? b.trained_on : NULL;
        b.scorer = pairs[i].scorer;
        st = fixture_block(results, &b, fixture_phantom, 14, pairs[i].skill, false, err);
    }
    b.dataset = "odd_set";
    b.dataset_title = "Odd <set> | 100% \"strange\" & $dear$";
    b.synthetic = false;
    b.subset = true;
    b.n = 40;
    b.n_patients = 33;
    b.n_missing = 1234;
    b.n_skipped = 2;
    b.distinct_replicates = 998;
    b.model = "clip-tiny";
    b.scorer = "clip-posneg";
    b.template_name = "plain";
    b.reading = "layer -2, pooling last";
    b.anchors = "chest";
    b.anchor_form = "decoder";
    b.anchors_sha256 = b.prompts_sha256;
    b.prompts_wording = NULL;
    b.anchors_wording = "Chosen by AUC on the validation split.";
    b.temperature = 0.05;
    b.hard = true;
    b.n_answers = 120;
    b.n_unknown = 7;
    if (st == RADZ_OK)
        st = fixture_block(results, &b, fixture_odd, 3, 1, true, err);
    if (st == RADZ_OK)
        st = radz_results_add_cost(results, &(radz_result_cost){"odd_set", "clip-tiny", "clip-posneg", 40, 12.5, 7150.25,
                                   14200000000}, err);
    if (st == RADZ_OK)
        st = radz_results_add_cost(results, &(radz_result_cost){"phantom", "vit_b_32", "clip-posneg", 0, NAN, NAN, 210000000},
                                   err);
    static const char *const columns[] = {"class", "auc", "variance", "status"};
    static const radz_result_cell cells[][4] = {
        {{"Pleural_Effusion, \"left\" 50% & more", 0}, {NULL, 0.8125}, {NULL, 1.5e-4}, {"ok", 0}},
        {{"Fracture", 0}, {NULL, NAN}, {NULL, NAN}, {"na-one-value", 0}},
        {{"=SUM(A1)\n<b>", 0}, {NULL, 1}, {NULL, INFINITY}, {"ok", 0}}};
    if (st == RADZ_OK)
        st = radz_results_add_detail(results, "delong", columns, 4, err);
    for (size_t i = 0; i < 3 && st == RADZ_OK; i++)
        st = radz_results_add_detail_row(results, cells[i], err);
    if (st == RADZ_OK)
        st = radz_results_add_absent(results, &(radz_result_absent){"chestxray14", "ChestX-ray14",
                                     "set RADZ_DATA_CHESTXRAY14 to the folder with Data_Entry_2017_v2020.csv, test_list.txt "
                                     "and images_001 ... images_012"}, err);
    if (st == RADZ_OK)
        st = radz_results_add_absent(results, &(radz_result_absent){"siim", "SIIM-ACR", "its reader is not built yet"}, err);
    if (st == RADZ_OK)
        st = radz_results_add_skip(results, &(radz_result_skip){"odd_set", "clip-tiny", "a,b.png",
                                   "'a,b.png': not a PNG: truncated after 33 bytes"}, err);
    if (st == RADZ_OK)
        st = radz_results_add_skip(results, &(radz_result_skip){"odd_set", "clip-tiny", "bad\xff\x01name.png", "empty file"},
                                   err);
    static const radz_result_finding findings[] = {
        {"odd_set", "test", "error", "images", "40 images; the published split has 41", "Not comparable.", 1, {NULL}},
        {"odd_set", NULL, "warning", "repeated-rows", "'<labels>.csv': rows that repeat an image: 4", "", 4,
         {"=1+1 (line 3)", "b\"c (line 4)", "d (line 5)"}},
        {"odd_set", "test", "info", "few-positives", "classes with few positive images", "Look at the intervals.", 2, {"Mass"}},
        {"odd_set", "train", "error", "images", "of another split", "", 1, {NULL}},
        {"phantom", NULL, "error", "patients", "of another data set", "", 1, {NULL}},
    };
    for (size_t i = 0; i < sizeof findings / sizeof *findings && st == RADZ_OK; i++)
        st = radz_results_add_finding(results, &findings[i], err);
    static const radz_result_term terms[] = {
        {"phantom", "Effusion", "pleural effusion"},
        {"phantom", "Mass", "pulmonary mass"}, /* in one data set only */
        {"chestxray14", "Mass", "pulmonary mass"}, /* not evaluated */
        {"odd_set", "Pleural_Effusion, \"left\" 50% & more", "pleural effusion"},
    };
    for (size_t i = 0; i < sizeof terms / sizeof *terms && st == RADZ_OK; i++)
        st = radz_results_add_term(results, &terms[i], err);
    if (st == RADZ_OK)
        st = radz_results_add_mistake(results, &(radz_result_mistake){0, "Hernia", "00000013_001.png", true, -0.25, 0.984,
                                      "thumbnails/0123456789abcdef.jpg"}, err);
    if (st == RADZ_OK)
        st = radz_results_add_mistake(results, &(radz_result_mistake){4, "Fracture", "<script>alert(1)</script>.png", false,
                                      3.5, 1, NULL}, err);
    if (st == RADZ_OK)
        st = radz_results_add_fact(results, "program", "radz-bench 0.1.0", err);
    if (st == RADZ_OK)
        st = radz_results_add_fact(results, "blas", "OpenBLAS 0.3.21 (OpenMP)", err);
    if (st == RADZ_OK)
        st = radz_results_add_fact(results, "seed", "1", err);
    if (st == RADZ_OK)
        st = radz_results_add_stage(results, &(radz_result_stage){"embed images", "phantom", "clip-tiny", 1024, 256, 12.5},
                                    err);
    if (st == RADZ_OK)
        st = radz_results_add_stage(results, &(radz_result_stage){"measure", NULL, NULL, 14, 0, 0.25}, err);
    if (st == RADZ_OK)
        st = radz_results_name(results, "chest-0123456789ab", err);
    if (st != RADZ_OK) {
        radz_results_free(results);
        return st;
    }
    results->total_seconds = 20.25;
    results->peak_memory = 123456789;
    *out = results;
    return RADZ_OK;
}

#endif
