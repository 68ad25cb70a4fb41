/* Data sets and their checks, on small hand-made trees with the quirks of the originals; with RADZ_REFERENCE_DATA set to a
 * folder with the original ChestX-ray14 files, on those too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "data/card_engine.h"
#include "data/check.h"
#include "data/dataset.h"
#include "data/name_table.h"

#define GOLDEN RADZ_TEST_DIR "/golden/data"

static void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

static radz_dataset_card *card_of(const char *name)
{
    radz_error err = {0};
    radz_dataset_card *card;
    char path[500];
    snprintf(path, sizeof path, GOLDEN "/cards/%s.yaml", name);
    need(radz_dataset_card_load(path, &card, &err), &err);
    return card;
}

static radz_dataset *load(const radz_dataset_card *card, const char *root, const char *split,
                          const radz_dataset_filter *filter)
{
    radz_error err = {0};
    radz_dataset *d;
    need(radz_dataset_load(card, root, split, filter, &d, &err), &err);
    return d;
}

/* The fingerprint is the hash of a text that anybody can write down. */
static void need_hash_of(const char *hex, const char *text)
{
    char wanted[RADZ_SHA256_HEX_SIZE];
    radz_error err = {0};
    need(radz_sha256_data(text, strlen(text), wanted, &err), &err);
    assert_string_equal(hex, wanted);
}

static void lookalike_test_split(void **state)
{
    (void)state;
    radz_dataset_card *card = card_of("lookalike");
    radz_dataset *d = load(card, GOLDEN "/lookalike", NULL, NULL);
    assert_string_equal(d->split, "test");
    assert_string_equal(d->label_file, GOLDEN "/lookalike/Data_Entry_2017_v2020.csv");
    assert_int_equal(d->n_rows, 10);
    assert_int_equal(d->split_images, 6);
    assert_int_equal(d->split_patients, 4);
    assert_int_equal(d->n_missing, 1);
    assert_string_equal(d->missing_example, "00000102_001.png");
    assert_int_equal(d->faults[RADZ_FAULT_REPEATED].count, 1);
    assert_int_equal(d->faults[RADZ_FAULT_LISTED_TWICE].count, 1);
    assert_int_equal(d->faults[RADZ_FAULT_UNLABELLED].count, 1);
    assert_string_equal(d->faults[RADZ_FAULT_UNLABELLED].examples[0], "00000199_000.png");
    assert_null(d->faults[RADZ_FAULT_UNLABELLED].examples[1]);
    assert_int_equal(d->n, 5);
    assert_int_equal(d->n_patients, 4);
    assert_int_equal(d->n_classes, 8);
    assert_false(d->subset);
    static const struct {
        const char *id, *patient, *view, *file, *labels;
        int age;
        char sex;
        uint32_t cluster;
    } want[] = {
        {"00000101_000.png", "101", "PA", "images_001/images/00000101_000.png", "00000000", 58, 'M', 0},
        {"00000101_001.png", "101", "AP", "images_001/images/00000101_001.png", "11000000", 59, 'M', 0},
        {"00000102_000.png", "102", "PA", "images_002/images/00000102_000.png", "00110000", 61, 'F', 1},
        {"00000103_000.png", "103", "AP", "images/00000103_000.png", "00000100", -1, 'F', 2}, /* 414 years */
        {"00000104_000.png", "104", "AP", "00000104_000.png", "00000010", 0, 'M', 3},         /* 6 months */
    };
    for (size_t i = 0; i < 5; i++) {
        const radz_sample *s = &d->samples[i];
        assert_string_equal(s->image_id, want[i].id);
        assert_string_equal(s->patient_id, want[i].patient);
        assert_string_equal(s->view, want[i].view);
        assert_null(s->study_id);
        assert_string_equal(s->path + strlen(GOLDEN "/lookalike/"), want[i].file);
        assert_true(radz_file_exists(s->path));
        assert_int_equal(s->age, want[i].age);
        assert_int_equal(s->sex, want[i].sex);
        assert_int_equal(s->patient, want[i].cluster);
        for (size_t k = 0; k < 8; k++)
            assert_int_equal(d->labels[i * 8 + k], want[i].labels[k] - '0');
    }
    assert_string_equal(d->samples[1].report, "A rounded opacity, \"coin\" shaped.\nNo effusion.");
    assert_null(d->samples[0].report);
    assert_int_equal(d->n_reports, 1);
    static const size_t positives[] = {1, 1, 1, 1, 0, 1, 1, 0}, split_positives[] = {1, 1, 1, 1, 1, 1, 1, 0};
    for (size_t k = 0; k < 8; k++) {
        assert_int_equal(d->positives[k], positives[k]);
        assert_int_equal(d->negatives[k], 5 - positives[k]);
        assert_int_equal(d->split_positives[k], split_positives[k]);
    }
#define HEAD "classes\tMass\tNodule\tEffusion\tPleural_Thickening\tInfiltration\tHernia\tPneumonia\tEdema\n"
    need_hash_of(d->fingerprint, HEAD "00000101_000.png\t00000000\n00000101_001.png\t11000000\n"
                                      "00000102_000.png\t00110000\n00000103_000.png\t00000100\n"
                                      "00000104_000.png\t00000010\n");
    need_hash_of(d->split_fingerprint, HEAD "00000101_000.png\t00000000\n00000101_001.png\t11000000\n"
                                            "00000102_000.png\t00110000\n00000102_001.png\t00001000\n"
                                            "00000103_000.png\t00000100\n00000104_000.png\t00000010\n");
    radz_dataset_free(d);

    const radz_dataset_filter all = {.keep_missing = true};
    d = load(card, GOLDEN "/lookalike/", "test", &all); /* with a slash behind the root */
    assert_int_equal(d->n, 6);
    assert_null(d->samples[3].path);
    assert_string_equal(d->fingerprint, d->split_fingerprint);
    assert_string_equal(d->samples[0].path, GOLDEN "/lookalike/images_001/images/00000101_000.png");
    radz_dataset_free(d);
    radz_dataset_card_free(card);
}

static void splits(void **state)
{
    (void)state;
    static const struct {
        const char *split;
        size_t images, missing;
    } want[] = {{"train", 3, 2}, {"rest", 3, 2}, {"men", 4, 0}, {"nobody", 0, 0}, {"all", 9, 3}};
    radz_dataset_card *card = card_of("lookalike");
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        radz_dataset *d = load(card, GOLDEN "/lookalike", want[i].split, NULL);
        assert_int_equal(d->split_images, want[i].images);
        assert_int_equal(d->n_missing, want[i].missing);
        assert_int_equal(d->n, want[i].images - want[i].missing);
        if (strcmp(want[i].split, "train") == 0)
            assert_string_equal(d->samples[0].image_id, "00000105_000.png"); /* blanks around the id in the file */
        radz_dataset_free(d);
    }
    radz_dataset_card_free(card);
}

static void column_labels(void **state)
{
    (void)state;
    radz_dataset_card *card = card_of("columns");
    radz_dataset *d = load(card, GOLDEN "/columns", NULL, NULL);
    assert_int_equal(d->n, 3);
    assert_int_equal(d->n_patients, 3);
    static const char *const ids[] = {"train/p1/view1.jpg", "train/p1/view2.jpg", "train/p2/view1.jpg"};
    static const int8_t labels[] = {1, 0, -1, 1, 1, -1, 0, 0, 1};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(d->samples[i].image_id, ids[i]);
        assert_string_equal(d->samples[i].patient_id, ids[i]); /* the set names no patients */
        assert_true(radz_file_exists(d->samples[i].path));
    }
    assert_memory_equal(d->labels, labels, sizeof labels);
    assert_int_equal(d->samples[0].sex, 'F');
    assert_int_equal(d->samples[2].sex, '?');
    assert_int_equal(d->samples[0].age, 68);
    assert_int_equal(d->samples[1].age, -1);
    assert_int_equal(d->samples[2].age, -1);
    assert_int_equal(d->positives[2], 1);
    assert_int_equal(d->negatives[2], 0);
    need_hash_of(d->fingerprint, "classes\tLung Opacity\tFracture\tSupport Devices\ntrain/p1/view1.jpg\t10?\n"
                                 "train/p1/view2.jpg\t11?\ntrain/p2/view1.jpg\t001\n");
    radz_dataset_free(d);
    radz_dataset_card_free(card);
}

static void class_filter(void **state)
{
    (void)state;
    radz_dataset_card *card = card_of("lookalike");
    static const char *const names[] = {"Hernia", "Mass"};
    radz_dataset_filter filter = {.classes = names, .classes_count = 2};
    radz_dataset *d = load(card, GOLDEN "/lookalike", NULL, &filter), *whole = load(card, GOLDEN "/lookalike", NULL, NULL);
    assert_int_equal(d->n, 5);
    assert_int_equal(d->n_classes, 2);
    assert_string_equal(d->classes[0], "Mass"); /* the card's order */
    assert_string_equal(d->classes[1], "Hernia");
    static const int8_t labels[] = {0, 0, 1, 0, 0, 0, 0, 1, 0, 0};
    assert_memory_equal(d->labels, labels, sizeof labels);
    assert_string_equal(d->split_fingerprint, whole->split_fingerprint);
    assert_string_not_equal(d->fingerprint, whole->fingerprint);
    radz_dataset_free(d);
    radz_dataset_free(whole);
    static const char *const wrong[] = {"Masses"};
    filter = (radz_dataset_filter){.classes = wrong, .classes_count = 1};
    radz_error err = {0};
    assert_int_equal(radz_dataset_load(card, GOLDEN "/lookalike", NULL, &filter, &d, &err), RADZ_E_USAGE);
    assert_non_null(strstr(err.message, "unknown class 'Masses' (did you mean 'Mass'?)"));
    assert_null(d);
    radz_dataset_card_free(card);
}

/* ---- trees made on the fly ---- */

typedef struct tree {
    char folder[64];
    radz_dataset_card *card;
} tree;

static void put(const tree *t, const char *name, const char *text, size_t size)
{
    char path[300];
    radz_error err = {0};
    snprintf(path, sizeof path, "%s/%s", t->folder, name);
    need(radz_file_write(path, text, size, &err), &err);
}

static tree make_tree(const char *card, const char *labels, const char *list)
{
    tree t = {.card = card_of(card)};
    strcpy(t.folder, "/tmp/radz-tree-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    if (labels != NULL)
        put(&t, strcmp(card, "columns") == 0 ? "labels.csv" : "Data_Entry_2017.csv", labels, strlen(labels));
    if (list != NULL)
        put(&t, "test_list.txt", list, strlen(list));
    return t;
}

static void remove_tree(tree *t)
{
    radz_error err = {0};
    radz_strlist names = {0};
    need(radz_dir_list(t->folder, "", &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", t->folder, names.items[i]);
        unlink(path);
    }
    radz_strlist_free(&names);
    rmdir(t->folder);
    radz_dataset_card_free(t->card);
}

#define H "Image Index,Finding Labels,Patient ID,View Position,Patient Age,Patient Gender\n"
static const struct {
    const char *card, *labels, *list, *split;
    radz_status code;
    const char *wanted;
} broken[] = {
    {"lookalike", NULL, "a\n", "test", RADZ_E_MISSING, "does not hold Data_Entry_2017.csv, Data_Entry_2017_v2020.csv"},
    {"lookalike", H "a,Mass,1,PA,1,M\n", NULL, "test", RADZ_E_MISSING, "list of split 'test': '/tmp/radz-tree-"},
    {"lookalike", H, "a\n", "tests", RADZ_E_USAGE, "data set 'lookalike': unknown split 'tests' (did you mean 'test'?)"},
    {"lookalike", "Image Index,Labels,Patient ID\n", "a\n", "test", RADZ_E_MISSING,
     "no column 'View Position'; found 'Image Index', 'Labels', 'Patient ID'"},
    {"lookalike", "Image Index,Patient ID,View Position,Patient Age,Patient Gender\n", "a\n", "test", RADZ_E_MISSING,
     "no column 'Finding Labels'"},
    {"lookalike", H "b,Mass,1,PA,1,M\na,Mas,1,PA,1,M\n", "a\n", "test", RADZ_E_VALUE,
     "Data_Entry_2017.csv' line 3 column 'Finding Labels': unknown label 'Mas' (did you mean 'Mass'?); known: Mass, Nodule"},
    {"lookalike", H "a,Mass||Hernia,1,PA,1,M\n", "a\n", "test", RADZ_E_VALUE, "line 2 column 'Finding Labels': unknown label ''"},
    {"lookalike", H "a,,1,PA,1,M\n", "a\n", "test", RADZ_E_VALUE, "unknown label ''"},
    {"lookalike", H "a,mass,1,PA,1,M\n", "a\n", "test", RADZ_E_VALUE, "unknown label 'mass'"},
    {"lookalike", H "a,No Finding|Mass,1,PA,1,M\n", "a\n", "test", RADZ_E_VALUE,
     "line 2 column 'Finding Labels': 'No Finding|Mass' says that nothing was found and names a finding"},
    {"lookalike", H "a,Mass,1,PA,1,M\nb,Mass,1,PA,1,M\na,Hernia,1,PA,1,M\n", "a\n", "test", RADZ_E_VALUE,
     "line 4: image 'a' has other labels than on line 2"},
    {"lookalike", H "a,Mass,1,PA,1,M\n,Hernia,1,PA,1,M\n", "a\n", "test", RADZ_E_VALUE, "line 3 column 'Image Index': no image id"},
    {"lookalike", H "a,Mass,1,PA,1\n", "a\n", "test", RADZ_E_FORMAT, "line 2: 5 fields; wanted 6"},
    {"lookalike", H "\"a\nb\",Mass,1,PA,1,M\n", "a\n", "all", RADZ_E_VALUE, "an image id with a tab or a line break"},
    {"columns", "Path,Sex,Age,fold,Opacity,Fracture,Devices\nx,M,1,a,1.0,2,0\n", NULL, "a", RADZ_E_VALUE,
     "line 2 column 'Fracture': unknown value '2'; present: 1, 1.0; absent: 0, 0.0, ; uncertain: -1.0"},
    {"columns", "Path,Sex,Age,fold,Opacity,Fracture\n", NULL, "a", RADZ_E_MISSING, "no column 'Devices'"},
    {"columns", "Path,Sex,Age,Opacity,Fracture,Devices\n", NULL, "a", RADZ_E_MISSING, "no column 'fold'"},
};

static void broken_files_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        tree t = make_tree(broken[i].card, broken[i].labels, broken[i].list);
        radz_error err = {0};
        radz_dataset *d = (radz_dataset *)1;
        radz_status st = radz_dataset_load(t.card, t.folder, broken[i].split, NULL, &d, &err);
        assert_null(d);
        if (st != broken[i].code || strstr(err.message, broken[i].wanted) == NULL)
            fail_msg("%zu: %s, %s; wanted %s", i, radz_status_name(st), err.message, broken[i].wanted);
        remove_tree(&t);
    }
    tree t = make_tree("lookalike", H "a,Mass,1,PA,1,M\n", NULL);
    put(&t, "test_list.txt", "a\nb\0c\n", 6);
    radz_error err = {0};
    radz_dataset *d;
    assert_int_equal(radz_dataset_load(t.card, t.folder, "test", NULL, &d, &err), RADZ_E_FORMAT);
    assert_non_null(strstr(err.message, "test_list.txt' line 2: a NUL byte"));
    put(&t, "test_list.txt", "a\n", 2);
    put(&t, "reports.csv", "Image Index,Report\na,x\na,y\n", 27);
    put(&t, "a", "x", 1);
    radz_error_clear(&err);
    assert_int_equal(radz_dataset_load(t.card, t.folder, "test", NULL, &d, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "reports.csv' line 3: a second report for image 'a'"));
    put(&t, "reports.csv", "Image Index,Text\n", 17);
    radz_error_clear(&err);
    assert_int_equal(radz_dataset_load(t.card, t.folder, "test", NULL, &d, &err), RADZ_E_MISSING);
    assert_non_null(strstr(err.message, "no column 'Report'"));
    remove_tree(&t);
}

/* A set of 3,000 images: Mass in every 2nd, Hernia in every 500th. */
static tree big_tree(void)
{
    radz_error err = {0};
    radz_strbuf labels = {0}, list = {0};
    need(radz_strbuf_puts(&labels, H, &err), &err);
    for (int i = 2999; i >= 0; i--) {
        need(radz_strbuf_printf(&labels, &err, "i%04d.png,%s,%d,PA,50,F\n", i,
                                i % 500 == 0 ? "Hernia|Mass" : i % 2 == 0 ? "Mass" : "No Finding", i / 3), &err);
        need(radz_strbuf_printf(&list, &err, "i%04d.png\n", i), &err);
    }
    tree t = make_tree("lookalike", labels.text, list.text);
    radz_strbuf_free(&labels);
    radz_strbuf_free(&list);
    return t;
}

static void limit_is_stratified_and_repeatable(void **state)
{
    (void)state;
    tree t = big_tree();
    radz_dataset_filter filter = {.limit = 100, .seed = 5, .keep_missing = true};
    radz_dataset *a = load(t.card, t.folder, NULL, &filter), *b = load(t.card, t.folder, NULL, &filter);
    filter.seed = 6;
    radz_dataset *c = load(t.card, t.folder, NULL, &filter);
    filter.limit = 200;
    radz_dataset *more = load(t.card, t.folder, NULL, &filter);
    assert_int_equal(a->n, 100);
    assert_true(a->subset);
    assert_int_equal(more->n, 200);
    assert_string_equal(a->fingerprint, b->fingerprint);
    assert_string_not_equal(a->fingerprint, c->fingerprint);
    assert_string_equal(a->split_fingerprint, c->split_fingerprint);
    assert_int_equal(a->split_images, 3000);
    assert_true(a->positives[5] >= 1);                             /* Hernia: 0.2 of 100 images, but never none */
    assert_true(a->positives[0] >= 49 && a->positives[0] <= 51);   /* Mass: half */
    for (size_t i = 1; i < a->n; i++)
        assert_true(strcmp(a->samples[i - 1].image_id, a->samples[i].image_id) < 0);
    size_t seen = 0; /* clusters are numbered without gaps */
    for (size_t i = 0; i < a->n; i++)
        seen = a->samples[i].patient + 1 > seen ? a->samples[i].patient + 1 : seen;
    assert_int_equal(seen, a->n_patients);
    radz_dataset_free(a);
    radz_dataset_free(b);
    radz_dataset_free(c);
    radz_dataset_free(more);
    const size_t limits[] = {1, 2, 2999, 3000, 5000};
    for (size_t i = 0; i < 5; i++) {
        filter.limit = limits[i];
        radz_dataset *d = load(t.card, t.folder, NULL, &filter);
        assert_int_equal(d->n, limits[i] < 3000 ? limits[i] : 3000);
        assert_int_equal(d->subset, limits[i] < 3000);
        radz_dataset_free(d);
    }
    remove_tree(&t);
}

/* ---- where is it ---- */

static void locate(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_dataset_location at;
    radz_dataset_card *card = card_of("lookalike");
    unsetenv("RADZ_DATA_LOOKALIKE");
    need(radz_dataset_locate(card, NULL, NULL, &at, &err), &err);
    assert_int_equal(at.presence, RADZ_DATASET_HERE); /* the card's own root, relative to the card */
    assert_string_equal(at.root, GOLDEN "/cards/../lookalike");
    assert_string_equal(at.variable, "RADZ_DATA_LOOKALIKE");
    assert_null(at.hint);
    radz_dataset_location_free(&at);

    setenv("RADZ_DATA_LOOKALIKE", "/no/such/folder", 1);
    need(radz_dataset_locate(card, NULL, NULL, &at, &err), &err);
    assert_int_equal(at.presence, RADZ_DATASET_NOT_HERE);
    assert_string_equal(at.hint, "there is no folder '/no/such/folder' (from RADZ_DATA_LOOKALIKE); set RADZ_DATA_LOOKALIKE to"
                                 " the folder");
    radz_dataset_location_free(&at);
    setenv("RADZ_DATA_LOOKALIKE", GOLDEN "/cards", 1);
    need(radz_dataset_locate(card, NULL, NULL, &at, &err), &err);
    assert_int_equal(at.presence, RADZ_DATASET_NOT_HERE);
    assert_non_null(strstr(at.hint, "does not hold Data_Entry_2017.csv, Data_Entry_2017_v2020.csv; set"));
    radz_dataset_location_free(&at);
    need(radz_dataset_locate(card, GOLDEN "/lookalike", NULL, &at, &err), &err);
    assert_int_equal(at.presence, RADZ_DATASET_HERE);
    radz_dataset_location_free(&at);
    unsetenv("RADZ_DATA_LOOKALIKE");
    radz_dataset_card_free(card);

    card = card_of("columns");
    unsetenv("RADZ_DATA_COLUMNS");
    need(radz_dataset_locate(card, NULL, NULL, &at, &err), &err);
    assert_int_equal(at.presence, RADZ_DATASET_NOT_HERE);
    assert_string_equal(at.hint, "set RADZ_DATA_COLUMNS to the folder");
    assert_null(at.root);
    radz_dataset_location_free(&at);
    radz_dataset_card_free(card);
}

/* The embedded set is made where the caller says; it is here once its split is wholly written. */
static void locate_generated(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_dataset_location at;
    tree t = make_tree("lookalike", H "a,Mass,1,PA,1,M\n", NULL);
    radz_dataset_card_free(t.card);
    need(radz_dataset_card_load(RADZ_SOURCE_DIR "/manifests/datasets/phantom.yaml", &t.card, &err), &err);
    unsetenv("RADZ_DATA_PHANTOM");
    const char *const markers[] = {NULL, "val\n", "train\ntests\n", "train\ntest\n"};
    for (size_t i = 0; i < 4; i++) {
        if (markers[i] != NULL)
            put(&t, "complete.txt", markers[i], strlen(markers[i]));
        need(radz_dataset_locate(t.card, NULL, t.folder, &at, &err), &err);
        assert_int_equal(at.presence, i == 3 ? RADZ_DATASET_HERE : RADZ_DATASET_GENERATED);
        assert_string_equal(at.root, t.folder);
        radz_dataset_location_free(&at);
    }
    setenv("RADZ_DATA_PHANTOM", "/no/such", 1); /* a person's own choice is not replaced in silence */
    need(radz_dataset_locate(t.card, NULL, t.folder, &at, &err), &err);
    assert_int_equal(at.presence, RADZ_DATASET_NOT_HERE);
    radz_dataset_location_free(&at);
    unsetenv("RADZ_DATA_PHANTOM");
    remove_tree(&t);
}

/* ---- checks ---- */

static const radz_finding *finding(const radz_findings *f, const char *code, const char *split)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].code, code) == 0 &&
            (split == NULL ? f->items[i].split == NULL
                           : f->items[i].split != NULL && strcmp(f->items[i].split, split) == 0))
            return &f->items[i];
    fail_msg("no finding '%s' of split '%s'", code, split != NULL ? split : "-");
    return NULL;
}

static void checks_of_the_lookalike(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_dataset_card *card = card_of("lookalike");
    radz_findings f = {0};
    need(radz_check_dataset(card, GOLDEN "/lookalike", NULL, &f, &err), &err);
    static const struct {
        const char *code, *split;
        radz_severity severity;
        size_t count;
        const char *what, *example;
    } want[] = {
        {"rows", NULL, RADZ_SEVERITY_WARNING, 1, "has 10 rows; the published file has 11", NULL},
        {"images", "test", RADZ_SEVERITY_ERROR, 1, "6 images; the published split has 7", NULL},
        {"positives", "test", RADZ_SEVERITY_ERROR, 1, "differs", "Mass: 1, published 2"},
        {"repeated-rows", "test", RADZ_SEVERITY_WARNING, 1, "rows that repeat an image, with the same labels: 1", "00000104_000.png (line 12)"},
        {"listed-twice", "test", RADZ_SEVERITY_WARNING, 1, "'test_list.txt': lines that repeat an image: 1", "00000104_000.png"},
        {"no-labels", "test", RADZ_SEVERITY_ERROR, 1, "'test_list.txt': images without a row in the label file: 1", "00000199_000.png"},
        {"missing-images", "test", RADZ_SEVERITY_WARNING, 1, "1 of 6 images have no file", "00000102_001.png"},
        {"missing-images", "train", RADZ_SEVERITY_INFO, 2, "2 of 3 images have no file", "00000103_001.png"},
        {"one-valued-class", "test", RADZ_SEVERITY_WARNING, 2, "one value only", "Infiltration: 0 positive, 5 negative"},
        {"few-positives", "test", RADZ_SEVERITY_INFO, 6, "fewer than 10", "Mass: 1 positive, 4 negative"},
        {"no-reports", "test", RADZ_SEVERITY_INFO, 5, "5 of 6 images have no report", "00000101_000.png"},
        {"empty-split", "nobody", RADZ_SEVERITY_ERROR, 1, "no row", NULL},
        {"unreadable", "lost", RADZ_SEVERITY_INFO, 1, "lost_list.txt", NULL},
        {"patient-overlap", "test", RADZ_SEVERITY_ERROR, 1, "patients that are in both 'train' and 'test'", "103"},
        {"image-overlap", "train", RADZ_SEVERITY_ERROR, 3, "images that are in both 'train' and 'rest'", "00000103_001.png"},
    };
    size_t errors = 0, warnings = 0;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const radz_finding *g = finding(&f, want[i].code, want[i].split);
        assert_int_equal(g->severity, want[i].severity);
        assert_int_equal(g->count, want[i].count);
        assert_non_null(strstr(g->what, want[i].what));
        assert_true(strlen(g->effect) > 0);
        if (want[i].example != NULL)
            assert_string_equal(g->examples[0], want[i].example);
        else
            assert_null(g->examples[0]);
    }
    for (size_t i = 0; i < f.count; i++) {
        errors += f.items[i].severity == RADZ_SEVERITY_ERROR;
        warnings += f.items[i].severity == RADZ_SEVERITY_WARNING;
        /* 'all' holds every other split and overlaps by its nature */
        assert_true(strstr(f.items[i].code, "overlap") == NULL || strstr(f.items[i].what, "'all'") == NULL);
        assert_true(strcmp(f.items[i].code, "patients") != 0);
    }
    assert_int_equal(f.errors, errors);
    assert_int_equal(f.warnings, warnings);
    radz_findings_free(&f);
    radz_dataset_card_free(card);
}

static void check_of_nothing(void **state)
{
    (void)state;
    radz_error err = {0};
    tree t = make_tree("lookalike", H "a,Mass,1,PA,1,M\nb,Maas,2,PA,1,M\n", "a\nb\n");
    radz_findings f = {0};
    need(radz_check_dataset(t.card, t.folder, NULL, &f, &err), &err);
    const radz_finding *g = finding(&f, "unknown-label", "test");
    assert_int_equal(g->severity, RADZ_SEVERITY_ERROR);
    assert_string_equal(g->examples[0], "Maas (line 3)");
    assert_null(g->examples[1]);
    radz_findings_free(&f);
    put(&t, "Data_Entry_2017.csv", H "a,Mass,1,PA,1\n", strlen(H "a,Mass,1,PA,1\n"));
    need(radz_check_dataset(t.card, t.folder, NULL, &f, &err), &err);
    g = finding(&f, "unreadable", "test");
    assert_int_equal(g->severity, RADZ_SEVERITY_ERROR);
    assert_non_null(strstr(g->what, "line 2"));
    radz_findings_free(&f);
    put(&t, "Data_Entry_2017.csv", H "a,Mass,1,PA,1,M\nb,Mass,1,PA,1,M\n", strlen(H "a,Mass,1,PA,1,M\nb,Mass,1,PA,1,M\n"));
    need(radz_check_dataset(t.card, t.folder, NULL, &f, &err), &err);
    g = finding(&f, "no-images", "test");
    assert_int_equal(g->severity, RADZ_SEVERITY_ERROR);
    assert_int_equal(g->count, 2);
    (void)finding(&f, "one-patient", "test");
    radz_findings_free(&f);
    remove_tree(&t);
}

static radz_terms_card *shipped_terms(void)
{
    radz_error err = {0};
    radz_terms_card *terms;
    need(radz_terms_card_load(RADZ_SOURCE_DIR "/manifests/terms/chest.yaml", &terms, &err), &err);
    return terms;
}

static radz_dataset_card *card_of_text(const char *text)
{
    radz_error err = {0};
    void *card;
    need(radz_card_parse(&radz_dataset_schema, "c.yaml", text, strlen(text), &card, &err), &err);
    return card;
}

#define COLUMNS_CARD "name: c\ntitle: C\nlicence: l\nsource: s\ncitation: c\nprovide: p\nreader: csv\n" \
                     "labels: {files: [labels.csv], form: columns}\ncolumns: {image: Id}\nimages: {folders: [.]}\n"

/* Headers, names and labels of one column per class. */
static void checks_of_columns(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_terms_card *terms = shipped_terms();
    tree t = make_tree("columns", "Id,Edema,Mass,Pleural Effusion,Effusion,Fracture,Age,Nodule,Rib Fracture\n"
                       "a,1,0,1,1,0,3,1,1\nb,0,1,0,0,1,4,1,1\nb,1,1,0,0,1,4,1,1\nc,1,yes,0,0,1,5,1,0\n,0,0,0,0,0,6,0,0\n", NULL);
    radz_dataset_card_free(t.card);
    t.card = card_of_text(COLUMNS_CARD
                          "classes: [{name: Mass}, {name: Edema}, {name: Pleural Effusion}, {name: Effusion}, {name: Fracture},"
                          " {name: Rib Fracture}, {name: Oddity, column: Nodule}]\n"
                          "splits:\n  - {name: all, images: 3, fingerprint: "
                          "0000000000000000000000000000000000000000000000000000000000000000}\n");
    radz_findings f = {0};
    need(radz_check_dataset(t.card, t.folder, &(radz_check_options){.terms = terms}, &f, &err), &err);
    static const struct {
        const char *code, *split;
        radz_severity severity;
        size_t count;
        const char *what, *example;
    } want[] = {
        {"column-order", NULL, RADZ_SEVERITY_INFO, 2, "another order in 'labels.csv' than on the card: 2", "'Edema' is column 2"},
        {"same-labels", "all", RADZ_SEVERITY_WARNING, 1, "the very same labels on every image: 1", "Pleural Effusion = Effusion"},
        {"one-term-twice", NULL, RADZ_SEVERITY_WARNING, 1, "the same finding: 1", "'Pleural Effusion' and 'Effusion'"},
        {"name-in-name", NULL, RADZ_SEVERITY_INFO, 2, "inside another class's name: 2", "'Effusion' in 'Pleural Effusion'"},
        {"no-term", NULL, RADZ_SEVERITY_INFO, 1, "not in the table of terms: 1", "Oddity"},
        {"no-patients", NULL, RADZ_SEVERITY_INFO, 1, "no column with patients", NULL},
        {"unknown-label", "all", RADZ_SEVERITY_ERROR, 1, "no class of the card: 1", "Mass 'yes' (line 5)"},
        {"contradiction", "all", RADZ_SEVERITY_ERROR, 1, "an earlier row of the image: 1", "b (line 4)"},
        {"bad-id", "all", RADZ_SEVERITY_ERROR, 1, "without an image id", "(none) (line 6)"},
        {"fingerprint", "all", RADZ_SEVERITY_ERROR, 1, "those of the published split have 000000000000...", NULL},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const radz_finding *g = finding(&f, want[i].code, want[i].split);
        assert_int_equal(g->severity, want[i].severity);
        assert_int_equal(g->count, want[i].count);
        if (strstr(g->what, want[i].what) == NULL)
            fail_msg("'%s' is not in '%s'", want[i].what, g->what);
        assert_string_equal(g->dataset, "c");
        if (want[i].example != NULL)
            assert_string_equal(g->examples[0], want[i].example);
        assert_null(strstr(g->what, t.folder)); /* where the data is kept is said nowhere */
    }
    assert_int_equal(f.n_splits, 1);
    assert_int_equal(f.splits[0].images, 3);
    assert_int_equal(f.splits[0].files, 0);
    assert_int_equal(f.splits[0].positives[2], 1);
    assert_true(f.splits[0].evaluated);
    radz_findings_free(&f);

    /* the card leaves a finding of the file out: said; in the file's order and without doubles there is nothing else */
    radz_dataset_card_free(t.card);
    t.card = card_of_text(COLUMNS_CARD "classes: [{name: Edema}, {name: Mass}]\nsplits: [{name: all}]\n");
    need(radz_check_dataset(t.card, t.folder, &(radz_check_options){.terms = terms}, &f, &err), &err);
    const radz_finding *g = finding(&f, "label-columns-left-out", NULL);
    assert_int_equal(g->count, 5);
    assert_string_equal(g->examples[0], "Pleural Effusion");
    for (size_t i = 0; i < f.count; i++)
        assert_true(strcmp(f.items[i].code, "column-order") != 0 && strcmp(f.items[i].code, "no-term") != 0 &&
                    strcmp(f.items[i].code, "one-term-twice") != 0 && strcmp(f.items[i].code, "name-in-name") != 0);
    radz_findings_free(&f);
    remove_tree(&t);
    radz_terms_card_free(terms);
}

/* Columns that part the images: kept with each sample as the file spells them, of the first row of an image. */
static void subgroups_are_kept(void **state)
{
    (void)state;
    radz_error err = {0};
    tree t = make_tree("columns", "Id,Site,Edema,Model\nb,North,1,X 2\na,South,0,\nb,South,1,X 3\nc,\"a, b\",0,X 2\n", NULL);
    radz_dataset_card_free(t.card);
#define PARTED COLUMNS_CARD "classes: [{name: Edema}]\nsplits: [{name: all}]\nsubgroups:\n"
    t.card = card_of_text(PARTED "  - {name: hospital, column: Site}\n  - {name: scanner, column: '{Site:1}/{Model}'}\n"
                                 "  - {name: ward, column: Ward, optional: true}\n");
    const radz_dataset_filter all = {.keep_missing = true};
    radz_dataset *d = load(t.card, t.folder, NULL, &all);
    static const char *const names[] = {"hospital", "scanner", "ward"},
                      *const values[] = {"South", "S/", NULL, "North", "N/X 2", NULL, "a, b", "a/X 2", NULL};
    assert_int_equal(d->n_subgroups, 3);
    assert_int_equal(d->n, 3);
    for (size_t k = 0; k < 3; k++)
        assert_string_equal(d->subgroups[k], names[k]);
    for (size_t i = 0; i < 9; i++) {
        const char *value = d->samples[i / 3].subgroups[i % 3];
        if (values[i] == NULL)
            assert_null(value);
        else
            assert_string_equal(value, values[i]);
    }
    radz_dataset_free(d);
    radz_dataset_card_free(t.card);
    t.card = card_of_text(PARTED "  - {name: ward, column: Ward}\n");
    assert_int_equal(radz_dataset_load(t.card, t.folder, NULL, &all, &d, &err), RADZ_E_MISSING);
    assert_non_null(strstr(err.message, "no column 'Ward'; found 'Id', 'Site', 'Edema', 'Model'"));
    remove_tree(&t);
}

/* A label that is another name of a class is told from a mistake. */
static void checks_know_other_names(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_terms_card *terms = shipped_terms();
    tree t = make_tree("lookalike", H "a,pleural effusion|Maas,1,PA,1,M\nb,pleural effusion|No Finding,2,PA,1,M\n", "a\nb\n");
    radz_findings f = {0};
    need(radz_check_dataset(t.card, t.folder, &(radz_check_options){.terms = terms}, &f, &err), &err);
    const radz_finding *g = finding(&f, "unknown-label", "test");
    assert_int_equal(g->count, 3);
    assert_string_equal(g->examples[0], "pleural effusion (line 2), a name of 'Effusion': add it to its synonyms");
    assert_string_equal(g->examples[1], "Maas (line 2)");
    assert_null(g->examples[2]);
    radz_findings_free(&f);
    remove_tree(&t);
    radz_terms_card_free(terms);
    char text[] = "'/data/x/a.csv' and /data/x/ and '/data/x' and /data/xy/b and /data/x";
    radz_finding_scrub(text, "/data/x/");
    assert_string_equal(text, "'a.csv' and  and '.' and /data/xy/b and ");
}

/* Splits of two schemes overlap by their nature. */
static void schemes_may_overlap(void **state)
{
    (void)state;
    radz_error err = {0};
    tree t = make_tree("lookalike", H "a,Mass,1,PA,1,M\nb,Mass,2,PA,1,M\n", "a\nb\n");
    put(&t, "train_list.txt", "a\n", 2);
    static char other[] = "other";
    for (int turn = 0; turn < 2; turn++) {
        radz_findings f = {0};
        t.card->splits[0].scheme = turn == 1 ? other : NULL;
        need(radz_check_dataset(t.card, t.folder, NULL, &f, &err), &err);
        size_t found = 0;
        for (size_t i = 0; i < f.count; i++)
            found += strcmp(f.items[i].code, "image-overlap") == 0 && strstr(f.items[i].what, "'train' and 'test'") != NULL;
        assert_int_equal(found, turn == 0);
        radz_findings_free(&f);
    }
    t.card->splits[0].scheme = NULL;
    remove_tree(&t);
}

static void names_are_numbered(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_name_table table = {0};
    radz_arena arena = {0};
    assert_int_equal(radz_name_find(&table, "x"), RADZ_NAME_NONE);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            char name[20];
            uint32_t number;
            bool is_new;
            snprintf(name, sizeof name, "n%u", i);
            need(radz_name_add(&table, &arena, name, &number, &is_new, &err), &err);
            assert_int_equal(number, i);
            assert_int_equal(is_new, round == 0);
        }
    }
    assert_int_equal(radz_name_find(&table, "n4999"), 4999);
    assert_int_equal(radz_name_find_n(&table, "n12345", 3), 12);
    assert_int_equal(radz_name_find(&table, "n5000"), RADZ_NAME_NONE);
    assert_int_equal(radz_name_find(&table, ""), RADZ_NAME_NONE);
    radz_name_table_free(&table);
    radz_arena_free(&arena);
}

/* ---- the original files ---- */

static void original_chestxray14(void **state)
{
    (void)state;
    const char *root = getenv("RADZ_REFERENCE_DATA");
    if (root == NULL || root[0] == '\0') {
        print_message("skipped: RADZ_REFERENCE_DATA is not set\n");
        skip();
    }
    radz_error err = {0};
    radz_dataset_card *card;
    char folder[500];
    snprintf(folder, sizeof folder, "%s/nih", root);
    root = folder;
    need(radz_dataset_card_load(RADZ_SOURCE_DIR "/manifests/datasets/chestxray14.yaml", &card, &err), &err);
    double begun = radz_clock_seconds();
    const radz_dataset_filter all = {.keep_missing = true};
    radz_dataset *d = load(card, root, NULL, &all);
    print_message("%zu rows in %.3f s, %zu images missing\n", d->n_rows, radz_clock_seconds() - begun, d->n_missing);
    assert_int_equal(d->n_rows, 112120);
    assert_int_equal(d->n, 25596);
    assert_int_equal(d->n_patients, 2797);
    size_t healthy = 0;
    for (size_t i = 0; i < d->n; i++) {
        bool any = false;
        for (size_t k = 0; k < d->n_classes; k++)
            any = any || d->labels[i * d->n_classes + k] == 1;
        healthy += !any;
    }
    assert_int_equal(healthy, 9861);
    for (size_t k = 0; k < d->n_classes; k++)
        assert_int_equal(d->positives[k], radz_dataset_card_split(card, "test")->positives[k].count);
    /* made once with Python's csv and hashlib from the original files, by the rule in data/dataset.h */
    assert_string_equal(d->split_fingerprint, "3d1e5ccb8c4cb38a66843c5c336112daddec0808e94351a3a662fd1ba6946fd1");
    radz_dataset_free(d);
    radz_findings f = {0};
    begun = radz_clock_seconds();
    need(radz_check_dataset(card, root, NULL, &f, &err), &err);
    print_message("check in %.3f s\n", radz_clock_seconds() - begun);
    for (size_t i = 0; i < f.count; i++)
        if (f.items[i].severity == RADZ_SEVERITY_ERROR && strcmp(f.items[i].code, "no-images") != 0)
            fail_msg("%s: %s", f.items[i].code, f.items[i].what);
    radz_findings_free(&f);
    radz_dataset_card_free(card);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookalike_test_split),
        cmocka_unit_test(splits),
        cmocka_unit_test(column_labels),
        cmocka_unit_test(class_filter),
        cmocka_unit_test(broken_files_are_named),
        cmocka_unit_test(limit_is_stratified_and_repeatable),
        cmocka_unit_test(locate),
        cmocka_unit_test(locate_generated),
        cmocka_unit_test(checks_of_the_lookalike),
        cmocka_unit_test(check_of_nothing),
        cmocka_unit_test(checks_of_columns),
        cmocka_unit_test(subgroups_are_kept),
        cmocka_unit_test(checks_know_other_names),
        cmocka_unit_test(schemes_may_overlap),
        cmocka_unit_test(names_are_numbered),
        cmocka_unit_test(original_chestxray14),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
