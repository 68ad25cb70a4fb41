/* Cards: every shipped one loads; every kind of mistake gives one error that names file, line and key. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "data/card.h"
#include "data/card_engine.h"
#include "data/card_gate.h"
#include "data/references.h"
#include "data/dialogue.h"
#include "data/terms.h"

#define MANIFESTS RADZ_SOURCE_DIR "/manifests"
static const char *const folders[] = {RADZ_TEST_DIR "/golden/data/no-such-folder", MANIFESTS};
static const radz_card_places places = {folders, 2};

static void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

/* ---- shipped cards ---- */

static void shipped_cards_load(void **state)
{
    (void)state;
    static const struct {
        radz_card_kind kind;
        const radz_card_schema *schema;
        size_t at_least;
    } kinds[] = {{RADZ_CARD_SUITE, &radz_suite_schema, 1},
                 {RADZ_CARD_DATASET, &radz_dataset_schema, 6},
                 {RADZ_CARD_MODEL, &radz_model_schema, 1},
                 {RADZ_CARD_PROMPTS, &radz_prompts_schema, 0},
                 {RADZ_CARD_TERMS, &radz_terms_schema, 1},
                 {RADZ_CARD_GATE, &radz_gate_schema, 1},
                 {RADZ_CARD_REFERENCES, &radz_references_schema, 4},
                 {RADZ_CARD_TEMPLATE, &radz_template_schema, 3},
                 {RADZ_CARD_ANCHORS, &radz_anchors_schema, 1}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        radz_error err = {0};
        radz_strlist names = {0};
        need(radz_card_list(&places, kinds[k].kind, &names, &err), &err);
        assert_true(names.count >= kinds[k].at_least);
        for (size_t i = 0; i < names.count; i++) {
            char *path;
            void *card;
            need(radz_card_find(&places, kinds[k].kind, names.items[i], &path, &err), &err);
            need(radz_card_load(kinds[k].schema, path, &card, &err), &err);
            const radz_card_base *base = card;
            assert_string_equal(base->name, names.items[i]);
            assert_string_equal(base->file, path);
            char hex[RADZ_SHA256_HEX_SIZE];
            need(radz_sha256_file(path, hex, &err), &err);
            assert_string_equal(base->sha256, hex);
            radz_card_release(kinds[k].schema, card);
            free(path);
        }
        radz_strlist_free(&names);
    }
}

/* What one card names must exist as a card: data sets, models, the prompts of suites. */
static void suites_name_cards_that_exist(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_strlist names = {0};
    need(radz_card_list(&places, RADZ_CARD_SUITE, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        char *path, *other;
        radz_suite_card *suite;
        need(radz_card_find(&places, RADZ_CARD_SUITE, names.items[i], &path, &err), &err);
        need(radz_suite_card_load(path, &suite, &err), &err);
        for (size_t j = 0; j < suite->datasets_count; j++) {
            need(radz_card_find(&places, RADZ_CARD_DATASET, suite->datasets[j], &other, &err), &err);
            free(other);
        }
        for (size_t j = 0; j < suite->models_count; j++) {
            need(radz_card_find(&places, RADZ_CARD_MODEL, suite->models[j], &other, &err), &err);
            free(other);
        }
        need(radz_card_find(&places, RADZ_CARD_PROMPTS, suite->prompts, &other, &err), &err);
        free(other);
        radz_suite_card_free(suite);
        free(path);
    }
    radz_strlist_free(&names);
}

static void chestxray14_says_what_is_published(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_dataset_card *card;
    need(radz_dataset_card_load(MANIFESTS "/datasets/chestxray14.yaml", &card, &err), &err);
    static const struct {
        const char *name;
        unsigned positives; /* official test list */
    } want[] = {{"Atelectasis", 3279}, {"Cardiomegaly", 1069}, {"Effusion", 4658},   {"Infiltration", 6112},
                {"Mass", 1748},        {"Nodule", 1623},       {"Pneumonia", 555},   {"Pneumothorax", 2665},
                {"Consolidation", 1815}, {"Edema", 925},       {"Emphysema", 1093},  {"Fibrosis", 435},
                {"Pleural_Thickening", 1143}, {"Hernia", 86}};
    const radz_split_spec *test = radz_dataset_card_split(card, "test");
    assert_int_equal(card->classes_count, 14);
    assert_int_equal(test->positives_count, 14);
    for (size_t i = 0; i < 14; i++) {
        assert_string_equal(card->classes[i].name, want[i].name);
        assert_string_equal(test->positives[i].class_name, want[i].name);
        assert_int_equal(test->positives[i].count, want[i].positives);
    }
    assert_int_equal(test->images, 25596);
    assert_int_equal(test->patients, 2797);
    assert_int_equal(card->labels->rows_expected, 112120);
    assert_string_equal(card->split, "test");
    radz_dataset_card_free(card);
}

static void unknown_cards_are_listed(void **state)
{
    (void)state;
    char *path;
    radz_error err = {0};
    assert_int_equal(radz_card_find(&places, RADZ_CARD_DATASET, "chestxray15", &path, &err), RADZ_E_USAGE);
    assert_null(path);
    assert_non_null(strstr(err.message, "unknown data set 'chestxray15' (did you mean 'chestxray14'?)"));
    assert_non_null(strstr(err.message, "phantom"));
    radz_error_clear(&err);
    assert_int_equal(radz_card_find(&places, RADZ_CARD_DATASET, "../datasets/phantom", &path, &err), RADZ_E_USAGE);
    radz_error_clear(&err);
    assert_int_equal(radz_card_find(&places, RADZ_CARD_SUITE, "/no/such.yaml", &path, &err), RADZ_E_MISSING);
    radz_error_clear(&err);
    const radz_card_places nowhere = {folders, 1};
    assert_int_equal(radz_card_find(&nowhere, RADZ_CARD_SUITE, "chest", &path, &err), RADZ_E_USAGE);
    assert_non_null(strstr(err.message, "no suite cards were found"));
}

/* A person's own folder comes before the program's. */
static void own_cards_win(void **state)
{
    (void)state;
    radz_error err = {0};
    char folder[] = "/tmp/radz-cards-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char sub[100], file[200];
    snprintf(sub, sizeof sub, "%s/suites", folder);
    snprintf(file, sizeof file, "%s/chest.yaml", sub);
    need(radz_mkdirs(sub, &err), &err);
    need(radz_file_write(file, "x", 1, &err), &err);
    const char *const both[] = {folder, MANIFESTS};
    const radz_card_places mine = {both, 2};
    char *path;
    need(radz_card_find(&mine, RADZ_CARD_SUITE, "chest", &path, &err), &err);
    assert_string_equal(path, file);
    free(path);
    radz_strlist names = {0};
    need(radz_card_list(&mine, RADZ_CARD_SUITE, &names, &err), &err);
    assert_int_equal(names.count, 1 + (radz_strlist_has(&names, "chest") ? names.count - 1 : 0));
    size_t seen = 0;
    for (size_t i = 0; i < names.count; i++)
        seen += strcmp(names.items[i], "chest") == 0;
    assert_int_equal(seen, 1);
    radz_strlist_free(&names);
    unlink(file);
    rmdir(sub);
    rmdir(folder);
}

/* ---- mistakes ---- */

#define SUITE_TAIL "datasets: [a]\nmodels: [b]\nscorers: [c]\nprompts: p\n"
#define SUITE "name: s\ntitle: S\n" SUITE_TAIL
#define DATASET                                                                                                        \
    "name: d\ntitle: D\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: csv\n"                                   \
    "labels: {files: [l.csv], form: list, column: L, none: [None]}\ncolumns: {image: I}\nimages: {folders: [.]}\n"
#define CLASSES "classes: [{name: A, synonyms: [a]}, {name: B}]\n"
#define SPLITS "splits: [{name: t, list: [t.txt]}]\n"
#define QUESTIONS                                                                                                      \
    "name: d\ntitle: D\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: csv\n"                                   \
    "labels: {files: [l.csv], form: columns}\ncolumns: {image: I, question: Q}\nimages: {folders: [.]}\n" CLASSES SPLITS

static const struct mistake {
    const radz_card_schema *schema;
    const char *text;
    radz_status code;
    const char *wanted; /* part of the message, after the file's name */
} mistakes[] = {
    /* YAML itself */
    {&radz_suite_schema, "", RADZ_E_FORMAT, "line 1: the file is empty"},
    {&radz_suite_schema, "# nothing\n", RADZ_E_FORMAT, "line 1: the file is empty"},
    {&radz_suite_schema, "name: s\ndatasets:\n\t- a\n", RADZ_E_FORMAT, "line 3: a tab in the indentation; YAML wants blanks"},
    {&radz_suite_schema, "name: s\n  \ttitle: t\n", RADZ_E_FORMAT, "line 2: a tab in the indentation"},
    {&radz_suite_schema, "name: s\ntitle: [a\n", RADZ_E_FORMAT, "not valid YAML"},
    {&radz_suite_schema, "name: s\ntitle: \"a\n", RADZ_E_FORMAT, "line 3: not valid YAML"},
    {&radz_suite_schema, "name: s\ntitle: a\xff\n", RADZ_E_FORMAT, "line 2: not valid YAML: invalid leading UTF-8 octet"},
    {&radz_suite_schema, "name: s\ntitle: a\x01\n", RADZ_E_FORMAT, "line 2: not valid YAML: control characters"},
    {&radz_suite_schema, "name: s\n---\nname: t\n", RADZ_E_FORMAT, "line 2: a second document"},
    {&radz_suite_schema, "name: &x s\ntitle: *x\n", RADZ_E_FORMAT, "line 1: anchors (&), aliases (*) and tags (!)"},
    {&radz_suite_schema, "name: s\ntitle: *x\n", RADZ_E_FORMAT, "line 2: anchors"},
    {&radz_suite_schema, "name: !!int s\n", RADZ_E_FORMAT, "line 1: anchors"},
    {&radz_suite_schema, "name: \"a\\0b\"\n", RADZ_E_FORMAT, "line 1: a NUL character"},
    {&radz_suite_schema, "? [a, b]\n: c\n", RADZ_E_FORMAT, "line 1: a key must be plain text"},
    {&radz_suite_schema, "name: [[[[[[[[[[[[[[a]]]]]]]]]]]]]]\n", RADZ_E_FORMAT, "line 1: nested too deeply"},
    {&radz_suite_schema, "- a\n- b\n", RADZ_E_VALUE, "line 1: found a list, wanted a group of keys"},
    {&radz_suite_schema, "hello\n", RADZ_E_VALUE, "line 1: found a single value, wanted a group of keys"},
    /* keys */
    {&radz_suite_schema, SUITE "name: again\n", RADZ_E_FORMAT, "line 7: key 'name': the same key a second time (first on line 1)"},
    {&radz_suite_schema, SUITE "replicate: 5\n", RADZ_E_FORMAT,
     "line 7: key 'replicate': unknown key 'replicate' (did you mean 'replicates'?); known: name, title, description"},
    {&radz_suite_schema, "name: s\n" SUITE_TAIL, RADZ_E_MISSING, "line 1: key 'title': the key is missing"},
    {&radz_suite_schema, "name: s\ntitle:\n" SUITE_TAIL, RADZ_E_VALUE, "line 2: key 'title': has no value"},
    {&radz_suite_schema, "name: s\ntitle: ~\n" SUITE_TAIL, RADZ_E_VALUE, "line 2: key 'title': has no value"},
    {&radz_suite_schema, "name: s\ntitle: \"\"\n" SUITE_TAIL, RADZ_E_VALUE, "line 2: key 'title': is empty"},
    {&radz_suite_schema, "name: s\ntitle: [a]\n" SUITE_TAIL, RADZ_E_VALUE, "line 2: key 'title': found a list, wanted a single value"},
    {&radz_suite_schema, "name: s\ntitle: {a: b}\n" SUITE_TAIL, RADZ_E_VALUE, "line 2: key 'title': found a group of keys"},
    {&radz_suite_schema, "name: s\ntitle: S\ndatasets: a\nmodels: [b]\n", RADZ_E_VALUE, "line 3: key 'datasets': found a single value, wanted a list"},
    {&radz_suite_schema, "name: s\ntitle: S\ndatasets: []\nmodels: [b]\n", RADZ_E_VALUE, "line 3: key 'datasets': a list of 0; wanted at least 1"},
    {&radz_suite_schema, "name: s\ntitle: S\ndatasets:\n- a\n-\nmodels: [b]\n", RADZ_E_VALUE, "key 'datasets[1]': has no value"},
    {&radz_suite_schema, "name: s\ntitle: S\ndatasets:\n- a\n- b\n- a\nmodels: [b]\nscorers: [c]\nprompts: p\n", RADZ_E_VALUE,
     "line 6: key 'datasets[2]': 'a' is there twice"},
    {&radz_suite_schema, "name: S 1\ntitle: S\n" SUITE_TAIL, RADZ_E_VALUE, "line 1: key 'name': 'S 1' may hold lower-case letters"},
    {&radz_suite_schema, "name: .x\ntitle: S\n" SUITE_TAIL, RADZ_E_VALUE, "line 1: key 'name'"},
    /* numbers, truth values, enumerations */
    {&radz_suite_schema, SUITE "replicates: many\n", RADZ_E_VALUE, "line 7: key 'replicates': 'many' is not a whole number"},
    {&radz_suite_schema, SUITE "replicates: 1.5\n", RADZ_E_VALUE, "line 7: key 'replicates': '1.5' is not a whole number"},
    {&radz_suite_schema, SUITE "replicates: 010\n", RADZ_E_VALUE, "line 7: key 'replicates': '010' is not a whole number"},
    {&radz_suite_schema, SUITE "replicates: 0x10\n", RADZ_E_VALUE, "line 7: key 'replicates': '0x10' is not a whole number"},
    {&radz_suite_schema, SUITE "replicates: -1\n", RADZ_E_VALUE, "line 7: key 'replicates': -1 is outside 0 to 4294967295"},
    {&radz_suite_schema, SUITE "replicates: 1000001\n", RADZ_E_VALUE, "line 7: key 'replicates': 1000001 is outside 0 to 1000000"},
    {&radz_suite_schema, SUITE "seed: 99999999999999999999\n", RADZ_E_VALUE, "line 7: key 'seed': 99999999999999999999 is outside 0"},
    {&radz_suite_schema, SUITE "confidence: high\n", RADZ_E_VALUE, "line 7: key 'confidence': 'high' is not a number"},
    {&radz_suite_schema, SUITE "confidence: 95\n", RADZ_E_VALUE, "line 7: key 'confidence': 95 is outside 0.5 to 0.9999"},
    {&radz_suite_schema, SUITE "confidence: .nan\n", RADZ_E_VALUE, "line 7: key 'confidence': '.nan' is not a number"},
    {&radz_model_schema, "name: m\ntitle: M\nfamily: f\ndtype: float64\n", RADZ_E_VALUE,
     "line 4: key 'dtype': unknown value 'float64' (did you mean 'float32'?); known: float32, bfloat16, float16"},
    {&radz_model_schema, "name: m\ntitle: M\nfamily: f\nbatch: 0\n", RADZ_E_VALUE, "line 4: key 'batch': 0 is outside 1 to 4096"},
    {&radz_model_schema, "name: m\ntitle: M\nfamily: f\nweights_sha256: abc\n", RADZ_E_VALUE, "line 4: key 'weights_sha256': 'abc' is not 64"},
    {&radz_model_schema, "name: m\ntitle: M\nfamily: f\npreprocess: model\npreprocess_steps: [a]\n", RADZ_E_VALUE,
     "line 5: key 'preprocess_steps': both"},
    {&radz_prompts_schema, "name: p\ntitle: P\ntemplates: ['{class}']\nclasses:\n- class: A\n- name: x\n", RADZ_E_MISSING,
     "line 6: key 'classes[1].class': the key is missing"},
    {&radz_prompts_schema, "name: p\ntitle: P\ntemplates: ['{class}']\nclasses:\n- class: A\n- class: A\n", RADZ_E_VALUE,
     "line 6: key 'classes[1].class': class 'A' is there twice"},
    {&radz_prompts_schema, "name: p\ntitle: P\ntemplates: ['{class}']\nother_questions: ['Is there {class}?', 'Is it {classes}?']\n",
     RADZ_E_VALUE, "line 4: key 'other_questions[1]': 'Is it {classes}?' has no {class}"},
    {&radz_prompts_schema, "name: p\ntitle: P\ntemplates: ['{class}']\nother_choices: ['{class}?']\n", RADZ_E_VALUE,
     "line 4: key 'other_choices[0]': '{class}?' has no {classes}"},
    {&radz_prompts_schema, "name: p\ntitle: P\ntemplates: ['{class}']\nother_questions: ['{class}?', '{class}?']\n", RADZ_E_VALUE,
     "line 4: key 'other_questions[1]': '{class}?' is there twice"},
    {&radz_suite_schema, SUITE "vary_questions: [vqa-logit, vqa-logit]\n", RADZ_E_VALUE,
     "line 7: key 'vary_questions[1]': 'vqa-logit' is there twice"},
    /* data sets */
    {&radz_dataset_schema, DATASET CLASSES SPLITS "public: maybe\n", RADZ_E_VALUE, "line 13: key 'public': 'maybe' is neither true nor false"},
    {&radz_dataset_schema, DATASET CLASSES SPLITS "split: x\n", RADZ_E_VALUE, "line 13: key 'split': unknown split 'x'"},
    {&radz_dataset_schema, DATASET CLASSES SPLITS "groups:\n- name: g\n  classes:\n  - A\n  - C\n", RADZ_E_VALUE,
     "line 17: key 'groups[0].classes[1]': unknown class 'C'"},
    {&radz_dataset_schema, DATASET CLASSES SPLITS "groups: [{name: g, classes: [A, A]}]\n", RADZ_E_VALUE, "key 'groups[0].classes[1]': 'A' is there twice"},
    {&radz_dataset_schema, DATASET CLASSES SPLITS "groups: [{name: g, classes: [A]}, {name: g, classes: [B]}]\n", RADZ_E_VALUE, "group 'g' is there twice"},
    {&radz_dataset_schema, DATASET CLASSES SPLITS "subgroups: [{name: x, column: X}, {name: x, column: Y}]\n", RADZ_E_VALUE,
     "key 'subgroups[1].name': subgroup 'x' is there twice"},
    {&radz_dataset_schema, QUESTIONS, RADZ_E_VALUE, "key 'columns.question': 2 classes; a question has one answer, wanted one class"},
    {&radz_dataset_schema, DATASET CLASSES SPLITS "subgroups: [{name: sex, column: X}]\n", RADZ_E_VALUE,
     "key 'subgroups[0].name': 'sex' is a subgroup by itself: name its column in columns.sex"},
    {&radz_dataset_schema, DATASET CLASSES SPLITS "subgroups: [{name: 'a,b', column: X}]\n", RADZ_E_VALUE,
     "key 'subgroups[0].name': a subgroup's name may not hold"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- name: t\n- name: t\n", RADZ_E_VALUE, "line 14: key 'splits[1].name': split 't' is there twice"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- name: t\n  where: [{column: x}]\n", RADZ_E_VALUE, "key 'splits[0].where[0]': none of 'is', 'is_not' and 'like'"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- {name: u, list: [l]}\n- name: t\n  list: [l]\n  except: [u]\n", RADZ_E_VALUE, "both 'list' and 'except'"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- name: t\n  except: [u]\n", RADZ_E_VALUE, "line 14: key 'splits[0].except[0]': unknown split 'u'"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- name: t\n  except: [t]\n", RADZ_E_VALUE, "split 't' has no list file"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- name: t\n  images: 0\n", RADZ_E_VALUE, "key 'splits[0].images': 0 is outside 1 to 1000000000"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- name: t\n  positives: [{class: A, count: 3}]\n", RADZ_E_VALUE, "key 'splits[0].positives': 1 classes; wanted all 2"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- name: t\n  positives: [{class: Z, count: 3}]\n", RADZ_E_VALUE, "key 'splits[0].positives[0].class': unknown class 'Z'"},
    {&radz_dataset_schema, DATASET CLASSES "splits:\n- name: t\n  positives: [{class: A, count: 3}, {class: A, count: 3}]\n", RADZ_E_VALUE, "class 'A' is there twice"},
    {&radz_dataset_schema, DATASET "classes: [{name: A}, {name: A}]\n" SPLITS, RADZ_E_VALUE, "key 'classes[1].name': 'A' is there twice"},
    {&radz_dataset_schema, DATASET "classes: [{name: A}, {name: B, synonyms: [A]}]\n" SPLITS, RADZ_E_VALUE, "key 'classes[1].synonyms[0]': 'A' is there twice (class 'A' has it)"},
    {&radz_dataset_schema, DATASET "classes: [{name: None}]\n" SPLITS, RADZ_E_VALUE, "key 'classes[0].name': 'None' also stands for nothing found"},
    {&radz_dataset_schema, DATASET "classes: [{name: \"A|B\"}]\n" SPLITS, RADZ_E_VALUE, "key 'classes[0].name': a class name may not hold"},
    {&radz_dataset_schema, DATASET CLASSES, RADZ_E_MISSING, "key 'splits': the key is missing"},
    {&radz_dataset_schema, "name: d\ntitle: D\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: csv\n" CLASSES, RADZ_E_MISSING, "key 'labels': the key is missing"},
    {&radz_dataset_schema,
     "name: d\ntitle: D\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: csv\nlabels: {files: [l], form: list}\n"
     "columns: {image: I}\nimages: {folders: [.]}\n" CLASSES SPLITS, RADZ_E_VALUE, "line 8: key 'labels.column': the key is missing"},
    {&radz_dataset_schema,
     "name: d\ntitle: D\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: csv\nlabels: {files: [l], form: columns, none: [x]}\n"
     "columns: {image: I}\nimages: {folders: [.]}\n" CLASSES SPLITS, RADZ_E_VALUE, "line 8: key 'labels.none': does not go with form 'columns'"},
    {&radz_dataset_schema,
     "name: d\ntitle: D\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: csv\nlabels: {files: [l], form: list, column: c, positive: ['1']}\n"
     "columns: {image: I}\nimages: {folders: [.]}\n" CLASSES SPLITS, RADZ_E_VALUE, "line 8: key 'labels.positive': does not go with form 'list'"},
    {&radz_dataset_schema,
     "name: d\ntitle: D\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: csv\nlabels: {files: [l], form: list, column: c, separator: '||'}\n",
     RADZ_E_VALUE, "line 8: key 'labels.separator': a text of 2 bytes; at most 1"},
};

static void mistakes_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const struct mistake *m = &mistakes[i];
        radz_error err = {0};
        void *card = (void *)1;
        radz_status st = radz_card_parse(m->schema, "x.yaml", m->text, strlen(m->text), &card, &err);
        assert_null(card);
        if (st != m->code || !radz_str_starts(err.message, "manifest 'x.yaml' line ") ||
            strstr(err.message, m->wanted) == NULL)
            fail_msg("mistake %zu: status %s, wanted %s; message\n  %s\nwanted\n  %s", i, radz_status_name(st),
                     radz_status_name(m->code), err.message, m->wanted);
    }
}

static void good_texts(void **state)
{
    (void)state;
    radz_error err = {0};
    void *card;
    static const char suite_text[] = "\xef\xbb\xbf# a byte order mark, CRLF and quotes\r\nname: \"s\"\r\ntitle: yes\r\n"
                                     "datasets: [a, b]\r\nmodels:\r\n- c\r\nscorers: [d]\r\nprompts: >-\r\n  p\r\n";
    need(radz_card_parse(&radz_suite_schema, "x.yaml", suite_text, sizeof suite_text - 1, &card, &err), &err);
    radz_suite_card *suite = card;
    assert_string_equal(suite->base.name, "s");
    assert_string_equal(suite->base.title, "yes");
    assert_string_equal(suite->base.folder, ".");
    assert_int_equal(suite->datasets_count, 2);
    assert_string_equal(suite->datasets[1], "b");
    assert_string_equal(suite->prompts, "p");
    assert_null(suite->description);
    assert_string_equal(suite->protocol, "strict");
    assert_int_equal(suite->replicates, 1000);
    assert_true(suite->confidence == 0.95);
    assert_int_equal(suite->seed, 0);
    radz_suite_card_free(suite);

    static const char zero[] = SUITE "replicates: 0\nconfidence: 0.9\nseed: 9223372036854775807\nprotocol: medklip\n";
    need(radz_card_parse(&radz_suite_schema, "x.yaml", zero, sizeof zero - 1, &card, &err), &err);
    suite = card;
    assert_int_equal(suite->replicates, 0);
    assert_true(suite->confidence == 0.9);
    assert_true(suite->seed == INT64_MAX);
    assert_string_equal(suite->protocol, "medklip");
    radz_suite_card_free(suite);

    static const char model_text[] = "name: m-1.b\ntitle: M\nfamily: clip\npath: w\npreprocess_steps: [a, b]\n";
    need(radz_card_parse(&radz_model_schema, "x.yaml", model_text, sizeof model_text - 1, &card, &err), &err);
    radz_model_card *model = card;
    assert_int_equal(model->dtype, RADZ_DTYPE_FLOAT32);
    assert_int_equal(model->batch, 0);
    assert_string_equal(model->env, "RADZ_MODEL_M1B");
    assert_int_equal(model->preprocess_steps_count, 2);
    char *folder, *hint;
    unsetenv("RADZ_MODEL_M1B");
    need(radz_model_locate(model, "/no/home", &folder, &hint, &err), &err);
    assert_null(folder);
    assert_non_null(strstr(hint, "no folder '/no/home/w'; set RADZ_MODEL_M1B"));
    free(hint);
    setenv("RADZ_MODEL_M1B", "/tmp", 1);
    need(radz_model_locate(model, "/no/home", &folder, &hint, &err), &err);
    assert_string_equal(folder, "/tmp");
    assert_null(hint);
    free(folder);
    unsetenv("RADZ_MODEL_M1B");
    radz_model_card_free(model);

    static const char data_text[] = DATASET CLASSES SPLITS;
    need(radz_card_parse(&radz_dataset_schema, "x.yaml", data_text, sizeof data_text - 1, &card, &err), &err);
    radz_dataset_card *data = card;
    assert_string_equal(data->labels->separator, "|");
    assert_string_equal(data->split, "t");
    assert_false(data->is_public);
    assert_null(data->generated);
    radz_dataset_card_free(data);
}

/* The name on a card is the file's: two cards cannot claim one name. */
static void name_must_be_that_of_the_file(void **state)
{
    (void)state;
    radz_error err = {0};
    char file[] = "/tmp/radz-card-XXXXXX.yaml";
    int fd = mkstemps(file, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, SUITE, strlen(SUITE)), (ssize_t)strlen(SUITE));
    close(fd);
    radz_suite_card *suite;
    assert_int_equal(radz_suite_card_load(file, &suite, &err), RADZ_E_VALUE);
    assert_null(suite);
    assert_non_null(strstr(err.message, "line 1: key 'name': 's' is not the file's name"));
    unlink(file);
    radz_error_clear(&err);
    assert_int_equal(radz_suite_card_load("/no/such/file.yaml", &suite, &err), RADZ_E_MISSING);
}

/* Every range names a number of its schema: a renamed key must not lose its range in silence. */
static const cyaml_schema_value_t *schema_at(const cyaml_schema_value_t *value, const char *path)
{
    while (value->type == CYAML_SEQUENCE)
        value = value->sequence.entry;
    if (*path == '\0')
        return value;
    size_t length = strcspn(path, ".");
    if (value->type == CYAML_MAPPING)
        for (const cyaml_schema_field_t *f = value->mapping.fields; f->key != NULL; f++)
            if (strlen(f->key) == length && memcmp(f->key, path, length) == 0)
                return schema_at(&f->value, path + length + (path[length] == '.'));
    return NULL;
}

static void ranges_name_numbers(void **state)
{
    (void)state;
    const radz_card_schema *const all[] = {&radz_suite_schema, &radz_model_schema, &radz_prompts_schema,
                                           &radz_dataset_schema, &radz_terms_schema, &radz_gate_schema,
                                           &radz_references_schema, &radz_template_schema, &radz_anchors_schema};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (const radz_card_range *r = all[i]->ranges; r != NULL && r->path != NULL; r++) {
            const cyaml_schema_value_t *value = schema_at(all[i]->root, r->path);
            if (value == NULL || (value->type != CYAML_INT && value->type != CYAML_UINT && value->type != CYAML_FLOAT))
                fail_msg("range '%s' names no number", r->path);
            assert_true(r->low <= r->high);
        }
    }
}

/* Every key of every kind is explained in manifests/README.md. */
static void need_explained(const cyaml_schema_value_t *value, const char *text)
{
    while (value->type == CYAML_SEQUENCE)
        value = value->sequence.entry;
    if (value->type != CYAML_MAPPING)
        return;
    for (const cyaml_schema_field_t *f = value->mapping.fields; f->key != NULL; f++) {
        char quoted[80];
        snprintf(quoted, sizeof quoted, "`%s`", f->key);
        if (strstr(text, quoted) == NULL)
            fail_msg("key '%s' is not explained in manifests/README.md", f->key);
        need_explained(&f->value, text);
    }
}

static void keys_are_explained(void **state)
{
    (void)state;
    radz_error err = {0};
    char *text;
    size_t size;
    need(radz_file_read(MANIFESTS "/README.md", 1 << 20, &text, &size, &err), &err);
    const radz_card_schema *const all[] = {&radz_suite_schema, &radz_model_schema, &radz_prompts_schema,
                                           &radz_dataset_schema, &radz_terms_schema, &radz_gate_schema,
                                           &radz_references_schema, &radz_template_schema, &radz_anchors_schema};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        need_explained(all[i]->root, text);
    free(text);
}

/* ---- terms ---- */

static void terms_fold_spellings(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_terms_card *terms;
    need(radz_terms_find_card(&places, RADZ_TERMS_DEFAULT, &terms, &err), &err);
    static const struct {
        const char *a, *b;
    } same[] = {{"Effusion", "Pleural Effusion"},   {"Pleural_Thickening", "pleural  thickening"},
                {"Thicken", "Pleural_Thickening"},  {"Edema", "pulmonary edema"},
                {"Infiltrate", "Infiltration"},     {"No Finding", "normal"},
                {"COVID-19", "covid 19"},           {"Consolidation", "lung consolidation"},
                {"Fibrosis", "Pulmonary fibrosis"}, {"Hernia", "hiatal hernia"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_non_null(radz_term_find(terms, same[i].a));
        assert_ptr_equal(radz_term_find(terms, same[i].a), radz_term_find(terms, same[i].b));
    }
    assert_string_equal(radz_term_find(terms, "Effusion")->name, "pleural effusion");
    assert_string_equal(radz_term_prompt(radz_term_find(terms, "Mass")), "lung mass");
    assert_string_equal(radz_term_prompt(radz_term_find(terms, "Effusion")), "pleural effusion");
    /* near, but not the same finding */
    static const char *const apart[] = {"Nodule", "Mass", "Nodule/Mass", "Lung Lesion", "Lung Opacity", "Pleural Effusion",
                                        "Pericardial effusion", "Cardiomegaly", "Enlarged Cardiomediastinum"};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(radz_term_find(terms, apart[i]), radz_term_find(terms, apart[j]));
    assert_null(radz_term_find(terms, "Effusio"));
    assert_null(radz_term_find(terms, "Effusion s"));
    assert_null(radz_term_find(terms, ""));
    assert_null(radz_term_find(NULL, "Effusion"));
    radz_terms_card_free(terms);

    void *card;
    static const char twice[] = "name: t\ntitle: T\nterms:\n  - {name: pleural effusion}\n  - {name: x, spellings: [y, Pleural_Effusion]}\n";
    assert_int_equal(radz_card_parse(&radz_terms_schema, "t.yaml", twice, strlen(twice), &card, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "manifest 't.yaml' line 5: key 'terms[1].spellings[1]': 'Pleural_Effusion' is there twice"));
}

static void gates_have_defaults(void **state)
{
    (void)state;
    radz_error err = {0};
    void *card;
    static const char text[] = "name: g\ntitle: G\ntolerances:\n  - {metric: auc, fall: 0.01}\n  - {metric: f1, fall: 0, limit: 0.5}\n";
    need(radz_card_parse(&radz_gate_schema, "g.yaml", text, strlen(text), &card, &err), &err);
    const radz_gate_card *gate = card;
    assert_true(gate->alpha == 0.01 && gate->replicates == 1000 && gate->seed == 0 && gate->tolerances_count == 2);
    assert_true(isinf(gate->tolerances[0].limit) && gate->tolerances[0].classes == NULL && gate->tolerances[1].limit == 0.5);
    radz_card_release(&radz_gate_schema, card);
    static const struct {
        const char *text, *message;
    } bad[] = {{"name: g\ntitle: G\ntolerances:\n  - {metric: auc, fall: 0.1, limit: 0.01}\n", "is below 'fall', 0.1"},
               {"name: g\ntitle: G\ntolerances:\n  - {metric: auc, fall: -1}\n", "tolerances[0].fall"},
               {"name: g\ntitle: G\nalpha: 2\ntolerances:\n  - {metric: auc, fall: 1}\n", "alpha"},
               {"name: g\ntitle: G\ntolerances: []\n", "tolerances"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(radz_card_parse(&radz_gate_schema, "g.yaml", bad[i].text, strlen(bad[i].text), &card, &err), RADZ_OK);
        if (strstr(err.message, bad[i].message) == NULL)
            fail_msg("'%s' is not in '%s'", bad[i].message, err.message);
        radz_error_clear(&err);
    }
}

/* Every class of every shipped data set is in the table, so that figures of different sets can stand side by side. */
static void terms_hold_all_classes(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_terms_card *terms;
    radz_strlist names = {0};
    need(radz_terms_find_card(&places, RADZ_TERMS_DEFAULT, &terms, &err), &err);
    need(radz_card_list(&places, RADZ_CARD_DATASET, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        char *path;
        radz_dataset_card *card;
        need(radz_card_find(&places, RADZ_CARD_DATASET, names.items[i], &path, &err), &err);
        need(radz_dataset_card_load(path, &card, &err), &err);
        for (size_t k = 0; k < card->classes_count && card->columns->question == NULL; k++) {
            const radz_term *term = radz_term_find(terms, card->classes[k].name);
            if (term == NULL)
                fail_msg("class '%s' of '%s' is not in manifests/terms/chest.yaml", card->classes[k].name, names.items[i]);
            for (size_t j = 0; j < k; j++)
                if (radz_term_find(terms, card->classes[j].name) == term)
                    fail_msg("'%s': classes '%s' and '%s' are one term", names.items[i], card->classes[j].name,
                             card->classes[k].name);
        }
        radz_dataset_card_free(card);
        free(path);
    }
    radz_strlist_free(&names);
    radz_terms_card_free(terms);
}

/* An anchor serves every name of its term, its own name first. */
/* Every anchors card that is shipped has all classes of the suites' data sets and of one's own, and no text of another card. */
static void anchors_cover_the_suites(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_strlist names = {0}, sets = {0};
    radz_terms_card *terms;
    radz_suite_card *suite;
    radz_anchors_card *cards[8];
    need(radz_terms_find_card(&places, RADZ_TERMS_DEFAULT, &terms, &err), &err);
    need(radz_suite_card_load(MANIFESTS "/suites/chest.yaml", &suite, &err), &err);
    assert_true(suite->other_anchors_count > 0);
    for (size_t i = 0; i < suite->datasets_count; i++)
        need(radz_strlist_add(&sets, suite->datasets[i], &err), &err);
    need(radz_strlist_add(&sets, "hospital", &err), &err);
    need(radz_card_list(&places, RADZ_CARD_ANCHORS, &names, &err), &err);
    assert_in_range(names.count, 2, 8);
    for (size_t k = 0; k < names.count; k++) {
        char *path;
        need(radz_card_find(&places, RADZ_CARD_ANCHORS, names.items[k], &path, &err), &err);
        need(radz_anchors_card_load(path, &cards[k], &err), &err);
        free(path);
        assert_non_null(radz_anchor_find(cards[k], terms, RADZ_NO_FINDING));
        for (size_t i = 0; i < sets.count; i++) {
            radz_dataset_card *set;
            need(radz_card_find(&places, RADZ_CARD_DATASET, sets.items[i], &path, &err), &err);
            need(radz_dataset_card_load(path, &set, &err), &err);
            for (size_t c = 0; c < set->classes_count; c++)
                if (radz_anchor_find(cards[k], terms, set->classes[c].name) == NULL)
                    fail_msg("'%s' has no anchor for class '%s' of '%s'", names.items[k], set->classes[c].name, sets.items[i]);
            radz_dataset_card_free(set);
            free(path);
        }
    }
    for (size_t a = 0; a < cards[0]->anchors_count; a++)
        for (size_t b = 0; b < cards[1]->anchors_count; b++)
            for (size_t part = 0; part < RADZ_ANCHOR_PARTS; part++) {
                const char *one = radz_anchor_part(&cards[0]->anchors[a], part), *two = radz_anchor_part(&cards[1]->anchors[b], part);
                assert_true(one == NULL || two == NULL || strcmp(one, two) != 0);
            }
    for (size_t k = 0; k < names.count; k++)
        radz_anchors_card_free(cards[k]);
    radz_suite_card_free(suite);
    radz_terms_card_free(terms);
    radz_strlist_free(&sets);
    radz_strlist_free(&names);
}

static void anchors_by_term(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_terms_card *terms;
    void *card;
    static const char text[] = "name: a\ntitle: A\nsource: S\nprompt: 'Describe {class}.'\nanchors:\n"
                               "  - {class: Effusion, disease: fluid, imaging: blunted angle, source: s}\n"
                               "  - {class: Pleural_Thickening, disease: scar, imaging: rim, source: s}\n"
                               "  - {class: pleural effusion, disease: other, imaging: other, source: s}\n"
                               "  - {class: Gizmo, disease: none, imaging: none, source: s}\n";
    static const struct {
        const char *name, *found, *without_terms; /* NULL: none */
    } rows[] = {
        {"Effusion", "Effusion", "Effusion"},
        {"Pleural Effusion", "pleural effusion", "pleural effusion"}, /* spelt so on the card: before a name of the same term */
        {"Pleural Thickening", "Pleural_Thickening", "Pleural_Thickening"},
        {"Thicken", "Pleural_Thickening", NULL},
        {"Gizmo", "Gizmo", "Gizmo"},
        {"Pneumothorax", NULL, NULL},
        {"Nonsense", NULL, NULL},
    };
    need(radz_terms_find_card(&places, RADZ_TERMS_DEFAULT, &terms, &err), &err);
    need(radz_card_parse(&radz_anchors_schema, "a.yaml", text, strlen(text), &card, &err), &err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int with = 0; with < 2; with++) {
            const radz_anchor *anchor = radz_anchor_find(card, with ? terms : NULL, rows[i].name);
            const char *wanted = with ? rows[i].found : rows[i].without_terms;
            if ((anchor == NULL) != (wanted == NULL) || (anchor != NULL && strcmp(anchor->class_name, wanted) != 0))
                fail_msg("'%s'%s: %s, wanted %s", rows[i].name, with ? "" : " without terms",
                         anchor != NULL ? anchor->class_name : "none", wanted != NULL ? wanted : "none");
        }
    }
    radz_anchors_card *chest;
    need(radz_anchors_card_load(RADZ_SOURCE_DIR "/manifests/anchors/chest.yaml", &chest, &err), &err);
    assert_string_equal(radz_anchor_find(chest, terms, "Pleural Effusion")->class_name, "Effusion"); /* CheXpert's name */
    assert_null(radz_anchor_find(chest, NULL, "Pleural Effusion"));
    radz_anchors_card_free(chest);
    radz_card_release(&radz_anchors_schema, card);
    radz_terms_card_free(terms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_cards_load),
        cmocka_unit_test(suites_name_cards_that_exist),
        cmocka_unit_test(chestxray14_says_what_is_published),
        cmocka_unit_test(unknown_cards_are_listed),
        cmocka_unit_test(own_cards_win),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(anchors_cover_the_suites),
        cmocka_unit_test(anchors_by_term),
        cmocka_unit_test(good_texts),
        cmocka_unit_test(name_must_be_that_of_the_file),
        cmocka_unit_test(ranges_name_numbers),
        cmocka_unit_test(keys_are_explained),
        cmocka_unit_test(gates_have_defaults),
        cmocka_unit_test(terms_fold_spellings),
        cmocka_unit_test(terms_hold_all_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
