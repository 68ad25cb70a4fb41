/* The readers of all named data sets, each on a small hand-made tree in the set's own format, with its quirks; then damaged
 * files of every kind; then, with RADZ_REFERENCE_DATA set (tests/README.md says what it must hold), the real files. */
#include "data_fixture.h"

#include "base/clock.h"

#define GOLDEN RADZ_TEST_DIR "/golden/data/"

/* One line per sample: "id patient study view age sex 1:positive classes ?:masked classes". */
static char *describe(const radz_dataset *d)
{
    radz_error err = {0};
    radz_strbuf out = {0};
    need(radz_strbuf_puts(&out, "", &err), &err);
    for (size_t i = 0; i < d->n; i++) {
        const radz_sample *s = &d->samples[i];
        need(radz_strbuf_printf(&out, &err, "%s %s %s %s %d %c", s->image_id, s->patient_id, s->study_id != NULL ? s->study_id : "-",
                                s->view != NULL ? s->view : "-", s->age, s->sex), &err);
        for (int label = 1; label >= -1; label -= 2) {
            bool any = false;
            for (size_t k = 0; k < d->n_classes; k++) {
                if (d->labels[i * d->n_classes + k] != label)
                    continue;
                need(radz_strbuf_printf(&out, &err, "%s%s", any ? "," : label == 1 ? " 1:" : " ?:", d->classes[k]), &err);
                any = true;
            }
        }
        need(radz_strbuf_puts(&out, "\n", &err), &err);
    }
    return out.text;
}

static const struct {
    const char *set, *folder, *split;
    size_t rows, filtered, unlabelled;
    const char *wanted;
} trees[] = {
    {"chestxray14", "chestxray14", "test", 6, 0, 0,
     "00900001_000.png 900001 - PA 57 M 1:Cardiomegaly\n00900002_000.png 900002 - AP 81 F\n"
     "00900003_000.png 900003 - PA -1 F 1:Hernia\n00900005_000.png 900005 - AP 69 F 1:Effusion,Mass,Nodule\n"},
    {"chestxray14", "chestxray14", "chexnet", 6, 0, 0,
     "00900001_000.png 900001 - PA 57 M 1:Cardiomegaly\n00900004_000.png 900004 - AP 82 M 1:Infiltration,Pleural_Thickening\n"},
    {"chestxray14-boxes", "chestxray14", NULL, 4, 0, 0,
     "00900001_000.png 00900001 - - -1 ? 1:Cardiomegaly\n00900004_000.png 00900004 - - -1 ? 1:Atelectasis,Infiltration\n"},
    {"chestxray14-google", "chestxray14", "combined_test", 3, 1, 0,
     "00900001_000.png 00900001 - - -1 ? 1:Airspace opacity\n00900002_000.png 00900002 - - -1 ?\n"},
    {"chexpert", "chexpert", "test", 3, 1, 0,
     "test/patient94741/study1/view1_frontal.jpg patient94741 patient94741/study1 - -1 ? 1:Enlarged Cardiomediastinum,Support Devices\n"
     "test/patient94742/study1/view1_frontal.jpg patient94742 patient94742/study1 - -1 ? "
     "1:Cardiomegaly,Lung Opacity,Edema,Atelectasis,Pleural Effusion\n"},
    {"chexpert", "chexpert", "test_studies", 2, 0, 0,
     "test/patient94741/study1/view1_frontal.jpg patient94741 patient94741/study1 - -1 ? 1:Enlarged Cardiomediastinum,Support Devices\n"
     "test/patient94742/study1/view1_frontal.jpg patient94742 patient94742/study1 - -1 ? "
     "1:Cardiomegaly,Lung Opacity,Edema,Atelectasis,Pleural Effusion\n"},
    {"chexpert:competition", "chexpert", "valid", 4, 0, 0,
     "valid/patient94541/study1/view1_frontal.jpg patient94541 patient94541/study1 Frontal 73 M 1:Cardiomegaly\n"
     "valid/patient94542/study1/view1_frontal.jpg patient94542 patient94542/study1 Frontal 70 M\n"
     "valid/patient94542/study1/view2_lateral.jpg patient94542 patient94542/study1 Lateral 70 M\n"
     "valid/patient94543/study1/view1_frontal.jpg patient94543 patient94543/study1 Frontal 0 ? 1:Edema,Atelectasis,Pleural Effusion\n"},
    {"chexpert:frontal", "chexpert", "valid", 4, 1, 0,
     "valid/patient94541/study1/view1_frontal.jpg patient94541 patient94541/study1 Frontal 73 M "
     "1:Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity\n"
     "valid/patient94542/study1/view1_frontal.jpg patient94542 patient94542/study1 Frontal 70 M 1:Support Devices\n"
     "valid/patient94543/study1/view1_frontal.jpg patient94543 patient94543/study1 Frontal 0 ? "
     "1:Lung Opacity,Edema,Atelectasis,Pleural Effusion\n"},
    /* uncertain labels: Edema, Atelectasis, Pleural Effusion count as present, Cardiomegaly and Consolidation as absent, others
     * are masked; then all one way */
    {"chexpert:frontal", "chexpert", "train", 4, 1, 0,
     "train/patient90001/study1/view1_frontal.jpg patient90001 patient90001/study1 Frontal 68 F 1:No Finding,Support Devices\n"
     "train/patient90002/study1/view1_frontal.jpg patient90002 patient90002/study1 Frontal 83 F 1:Lung Opacity,Fracture ?:Pneumonia\n"
     "train/patient90002/study2/view1_frontal.jpg patient90002 patient90002/study2 Frontal 87 F "
     "1:Lung Opacity,Edema,Atelectasis,Pleural Effusion,Fracture\n"},
    {"chexpert:u-zeros", "chexpert", "train", 4, 0, 0,
     "train/patient90001/study1/view1_frontal.jpg patient90001 patient90001/study1 Frontal 68 F 1:No Finding,Support Devices\n"
     "train/patient90002/study1/view1_frontal.jpg patient90002 patient90002/study1 Frontal 83 F 1:Lung Opacity,Fracture\n"
     "train/patient90002/study1/view2_lateral.jpg patient90002 patient90002/study1 Lateral 83 F 1:Lung Opacity,Fracture\n"
     "train/patient90002/study2/view1_frontal.jpg patient90002 patient90002/study2 Frontal 87 F 1:Lung Opacity,Fracture\n"},
    {"chexpert:u-ones", "chexpert", "train", 4, 0, 0,
     "train/patient90001/study1/view1_frontal.jpg patient90001 patient90001/study1 Frontal 68 F 1:No Finding,Support Devices\n"
     "train/patient90002/study1/view1_frontal.jpg patient90002 patient90002/study1 Frontal 83 F "
     "1:Lung Opacity,Consolidation,Pneumonia,Fracture\n"
     "train/patient90002/study1/view2_lateral.jpg patient90002 patient90002/study1 Lateral 83 F "
     "1:Lung Opacity,Consolidation,Pneumonia,Fracture\n"
     "train/patient90002/study2/view1_frontal.jpg patient90002 patient90002/study2 Frontal 87 F "
     "1:Cardiomegaly,Lung Opacity,Edema,Consolidation,Atelectasis,Pleural Effusion,Fracture\n"},
    {"chexpert:u-ignore", "chexpert", "train", 4, 0, 0,
     "train/patient90001/study1/view1_frontal.jpg patient90001 patient90001/study1 Frontal 68 F 1:No Finding,Support Devices\n"
     "train/patient90002/study1/view1_frontal.jpg patient90002 patient90002/study1 Frontal 83 F 1:Lung Opacity,Fracture "
     "?:Consolidation,Pneumonia\n"
     "train/patient90002/study1/view2_lateral.jpg patient90002 patient90002/study1 Lateral 83 F 1:Lung Opacity,Fracture "
     "?:Consolidation,Pneumonia\n"
     "train/patient90002/study2/view1_frontal.jpg patient90002 patient90002/study2 Frontal 87 F 1:Lung Opacity,Fracture "
     "?:Cardiomegaly,Edema,Consolidation,Atelectasis,Pleural Effusion\n"},
    {"rsna", "rsna", NULL, 4, 0, 0,
     "0009cfab 0009cfab - - -1 ?\n0049ffd0 0049ffd0 - - -1 ? 1:Pneumonia\n0092d1ac 0092d1ac - - -1 ?\n"},
    {"rsna-classes", "rsna", NULL, 4, 0, 0,
     "0009cfab 0009cfab - - -1 ? 1:Abnormal without Opacity\n0049ffd0 0049ffd0 - - -1 ? 1:Lung Opacity\n"
     "0092d1ac 0092d1ac - - -1 ? 1:Normal\n"},
    {"siim", "siim", NULL, 5, 0, 0,
     "1.2.276.1 1.2.276.1 - - -1 ?\n1.2.276.2 1.2.276.2 - - -1 ? 1:Pneumothorax\n1.2.276.3 1.2.276.3 - - -1 ?\n"
     "1.2.276.4 1.2.276.4 - - -1 ? 1:Pneumothorax\n"},
    {"siim:row-wise", "siim", NULL, 5, 0, 0,
     "1.2.276.1 1.2.276.1 - - -1 ?\n1.2.276.2 1.2.276.2 - - -1 ? 1:Pneumothorax\n1.2.276.2#2 1.2.276.2 - - -1 ? 1:Pneumothorax\n"
     "1.2.276.3 1.2.276.3 - - -1 ?\n1.2.276.4 1.2.276.4 - - -1 ? 1:Pneumothorax\n"},
    {"siim", "siim", "test", 5, 0, 0,
     "1.2.276.1 1.2.276.1 - - -1 ?\n1.2.276.2 1.2.276.2 - - -1 ? 1:Pneumothorax\n1.2.276.4 1.2.276.4 - - -1 ? 1:Pneumothorax\n"},
    {"siim:row-wise", "siim", "test", 5, 0, 0,
     "1.2.276.1 1.2.276.1 - - -1 ?\n1.2.276.2 1.2.276.2 - - -1 ? 1:Pneumothorax\n1.2.276.2#2 1.2.276.2 - - -1 ? 1:Pneumothorax\n"
     "1.2.276.4 1.2.276.4 - - -1 ? 1:Pneumothorax\n"},
    {"covidx", "covidx", "test", 4, 0, 0,
     "0009cfab.png 0009cfab - - -1 ?\nANON24.jpg ANON24 - - -1 ? 1:COVID-19\nCOVID(70).png COVID 70 - - -1 ? 1:COVID-19\n"
     "MIDRC-RICORD-1C-1.png 419639-003251 - - -1 ? 1:COVID-19\n"},
    {"covidx", "covidx", "train", 2, 0, 0, "7-fatal-covid19.jpg 16 - - -1 ? 1:COVID-19\nSARS-1.jpeg 3 - - -1 ?\n"},
    {"covidx-classes", "covidx-classes", "test", 4, 0, 0,
     "0009cfab.png 0009cfab - - -1 ?\nCOVID(70).png COVID 70 - - -1 ? 1:COVID-19\nSARS-day0.jpeg 0 - - -1 ? 1:Pneumonia\n"
     "b.png 13 - - -1 ? 1:Pneumonia\n"},
    {"padchest", "padchest", "all", 6, 0, 1,
     "900001_a.png P1 S1 PA -1 M\n900002_a.png P2 S2 PA -1 F 1:pleural effusion,cardiomegaly\n"
     "900002_b.png P2 S2 L -1 F 1:pleural effusion,cardiomegaly\n900003_a.png P3 S3 AP_horizontal -1 F 1:pacemaker,NSG tube\n"
     "900005_a.png P5 S5 PA -1 F\n"},
    {"padchest:frontal", "padchest", "physician", 6, 2, 1,
     "900001_a.png P1 S1 PA -1 M\n900002_a.png P2 S2 PA -1 F 1:pleural effusion,cardiomegaly\n900005_a.png P5 S5 PA -1 F\n"},
    {"openi", "openi", NULL, 4, 0, 1,
     "CXR9001_1_IM-0001-3001 CXR9001 CXR9001 PA -1 F\nCXR9001_1_IM-0001-4001 CXR9001 CXR9001 - -1 ?\n"
     "CXR9002_IM-0652-1001 CXR9002 CXR9002 - -1 ? 1:Cardiomegaly,Opacity\n"},
    {"openi-kaggle", "openi-kaggle", NULL, 4, 0, 1,
     "1_IM-0001-3001.dcm.png 1 1 Lateral -1 ?\n1_IM-0001-4001.dcm.png 1 1 Frontal -1 ?\n"
     "2_IM-0652-1001.dcm.png 2 2 Frontal -1 ? 1:Cardiomegaly\n"},
    {"vindr-kaggle", "vindr-kaggle", NULL, 7, 0, 0, "a1 a1 - - -1 ?\nb2 b2 - - -1 ? 1:Aortic enlargement\n"},
    {"vindr-kaggle:any-reader", "vindr-kaggle", NULL, 7, 0, 0,
     "a1 a1 - - -1 ? 1:Cardiomegaly\nb2 b2 - - -1 ? 1:Aortic enlargement,Nodule/Mass\n"},
    {"vindr", "vindr", "train", 6, 0, 0, "a1 a1 - - -1 ? 1:Aortic enlargement\nb2 b2 - - -1 ? 1:No finding\n"},
    {"vindr", "vindr", "test", 2, 0, 0, "c3 c3 - - -1 ? 1:Aortic enlargement\nd4 d4 - - -1 ? 1:No finding\n"},
    {"mimic", "mimic", "test", 5, 1, 1,
     "d1 10000032 50000001 PA -1 ? 1:Cardiomegaly ?:Pleural Effusion\nd2 10000032 50000001 LATERAL -1 ? 1:Cardiomegaly ?:Pleural Effusion\n"
     "d3 10000764 50000002 AP -1 ? 1:No Finding\n"},
    {"mimic-negbio", "mimic", "test", 5, 1, 1,
     "d1 10000032 50000001 PA -1 ? 1:Pleural Effusion ?:Cardiomegaly\nd2 10000032 50000001 LATERAL -1 ? 1:Pleural Effusion ?:Cardiomegaly\n"
     "d3 10000764 50000002 AP -1 ? 1:No Finding\n"},
    {"mimic:frontal", "mimic", "test", 5, 3, 0,
     "d1 10000032 50000001 PA -1 ? 1:Cardiomegaly ?:Pleural Effusion\nd3 10000764 50000002 AP -1 ? 1:No Finding\n"},
    {"shenzhen", "shenzhen", NULL, 3, 0, 0,
     "CHNCXR_9001_0.png CHNCXR_9001_0 - - -1 ?\nCHNCXR_9002_1.png CHNCXR_9002_1 - - -1 ? 1:Tuberculosis\n"
     "CHNCXR_9003_1.png CHNCXR_9003_1 - - -1 ? 1:Tuberculosis\n"},
    {"montgomery", "montgomery", NULL, 2, 0, 0,
     "MCUCXR_9001_0.png MCUCXR_9001_0 - - -1 ?\nMCUCXR_9002_1.png MCUCXR_9002_1 - - -1 ? 1:Tuberculosis\n"},
    {"vqarad", "vqarad", "test", 6, 4, 0, "1 synpic90001.jpg - - -1 ?\n2 synpic90001.jpg - - -1 ? 1:yes\n"},
    {"vqarad", "vqarad", "all", 6, 3, 0,
     "1 synpic90001.jpg - - -1 ?\n2 synpic90001.jpg - - -1 ? 1:yes\n3 synpic90002.jpg - - -1 ? 1:yes\n"},
};

static void trees_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        radz_error err = {0};
        radz_dataset *d;
        char root[500];
        radz_dataset_card *card = card_of(trees[i].set);
        const radz_dataset_filter all = {.keep_missing = true};
        snprintf(root, sizeof root, GOLDEN "%s", trees[i].folder);
        if (radz_dataset_load(card, root, trees[i].split, &all, &d, &err) != RADZ_OK)
            fail_msg("%s: %s", trees[i].set, err.message);
        char *text = describe(d);
        if (strcmp(text, trees[i].wanted) != 0)
            fail_msg("%s/%s:\n%swanted\n%s", trees[i].set, d->split, text, trees[i].wanted);
        if (d->n_rows != trees[i].rows || d->n_filtered != trees[i].filtered ||
            d->faults[RADZ_FAULT_UNLABELLED].count != trees[i].unlabelled)
            fail_msg("%s/%s: %zu rows, %zu left out, %zu unlabelled; wanted %zu, %zu, %zu", trees[i].set, d->split, d->n_rows,
                     d->n_filtered, d->faults[RADZ_FAULT_UNLABELLED].count, trees[i].rows, trees[i].filtered,
                     trees[i].unlabelled);
        assert_string_equal(d->name, trees[i].set);
        free(text);
        radz_dataset_free(d);
        radz_dataset_card_free(card);
    }
}

static radz_dataset *load_tree(const char *set, const char *folder, const char *split, const radz_dataset_filter *filter,
                               radz_dataset_card **card)
{
    radz_error err = {0};
    radz_dataset *d;
    char root[500];
    *card = card_of(set);
    snprintf(root, sizeof root, GOLDEN "%s", folder);
    need(radz_dataset_load(*card, root, split, filter, &d, &err), &err);
    return d;
}

/* What is beside the labels: texts, questions, labels passed over, files, a hospital's table without most columns. */
static void details_are_read(void **state)
{
    (void)state;
    const radz_dataset_filter all = {.keep_missing = true};
    radz_dataset_card *card;
    radz_dataset *d = load_tree("openi", "openi", NULL, &all, &card);
    assert_string_equal(d->samples[0].report, "Heart < normal. No disease.");
    assert_string_equal(d->samples[2].report, "caf\xc3\xa9 "); /* the file is in Latin-1 and says so */
    assert_int_equal(d->n_others, 1);
    assert_string_equal(d->others[0].name, "Markings");
    radz_dataset_free(d);
    radz_dataset_card_free(card);

    d = load_tree("vqarad", "vqarad", "all", &all, &card);
    assert_string_equal(d->samples[0].question, "Is there a pneumothorax?");
    assert_string_equal(d->samples[2].question, "Caf\xc3\xa9?");
    assert_int_equal(d->n_patients, 2);
    radz_dataset_free(d);
    radz_dataset_card_free(card);

    d = load_tree("padchest", "padchest", "all", &all, &card);
    assert_int_equal(d->n_others, 2);
    assert_string_equal(d->others[0].name, "loc right");
    assert_int_equal(d->others[0].rows, 2);
    assert_string_equal(d->samples[0].report, "sin hallazgos , normal .");
    radz_dataset_free(d);
    radz_dataset_card_free(card);

    d = load_tree("covidx", "covidx", "train", &all, &card); /* lines of three and of four words */
    assert_int_equal(d->n_subgroups, 1);
    assert_string_equal(d->subgroups[0], "source");
    assert_string_equal(d->samples[0].subgroups[0], "cohen");
    assert_null(d->samples[1].subgroups[0]);
    radz_dataset_free(d);
    radz_dataset_card_free(card);

    d = load_tree("chexpert", "chexpert", "valid", &all, &card); /* the test table has no such column */
    assert_string_equal(d->subgroups[0], "projection");
    assert_string_equal(d->samples[0].subgroups[0], "AP");
    radz_dataset_free(d);
    radz_dataset_card_free(card);

    d = load_tree("shenzhen", "shenzhen", NULL, NULL, &card);
    assert_int_equal(d->n, 3);
    assert_string_equal(d->samples[1].path, GOLDEN "shenzhen/CXR_png/CHNCXR_9002_1.png");
    radz_dataset_free(d);
    radz_dataset_card_free(card);

    static const char *const wanted[] = {"Pneumothorax", "Pleural Effusion", "Edema"};
    const radz_dataset_filter three = {.classes = wanted, .classes_count = 3, .keep_missing = true};
    d = load_tree("hospital", "hospital", NULL, &three, &card);
    char *text = describe(d);
    assert_string_equal(text, "i1.png p1 s1 - -1 ? 1:Pneumothorax ?:Edema,Pleural Effusion\n"
                              "i2.png p1 s1 - -1 ? 1:Pleural Effusion ?:Edema\ni3.png p2 s2 - -1 ? ?:Edema,Pneumothorax\n");
    assert_int_equal(d->n_classes, 3);
    assert_int_equal(d->n_card_classes, card->classes_count);
    free(text);
    radz_dataset_free(d);
    radz_dataset_card_free(card);
}

/* Studies are counted, chosen and numbered as wholes. */
static void studies_are_units(void **state)
{
    (void)state;
    radz_dataset_card *card;
    radz_dataset_filter filter = {.keep_missing = true};
    radz_dataset *d = load_tree("chexpert:study-mean", "chexpert", "valid", &filter, &card);
    assert_int_equal(d->level, RADZ_LEVEL_STUDY);
    assert_int_equal(d->aggregate, RADZ_AGGREGATE_MEAN);
    assert_int_equal(d->n, 4);
    assert_int_equal(d->n_units, 3);
    static const uint32_t units[] = {0, 1, 1, 2};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(d->samples[i].unit, units[i]);
    radz_dataset_free(d);
    radz_error err = {0};
    for (uint64_t seed = 0; seed < 20; seed++) {
        filter.limit = 2;
        filter.seed = seed;
        need(radz_dataset_load(card, GOLDEN "chexpert", "valid", &filter, &d, &err), &err);
        assert_true(d->subset);
        assert_int_equal(d->n_units, 2);
        assert_int_equal(d->n_before_limit, 3);
        size_t of_study = 0; /* both images of a study, or none */
        for (size_t i = 0; i < d->n; i++)
            of_study += strcmp(d->samples[i].study_id, "patient94542/study1") == 0;
        assert_true(of_study == 0 || of_study == 2);
        radz_dataset_free(d);
    }
    radz_dataset_card_free(card);
}

static void variants_are_named(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_dataset_card *card = card_of("siim"), *other = card_of("siim:row-wise");
    assert_string_equal(other->base.name, "siim:row-wise");
    assert_int_equal(card->splits[0].images, 12047); /* what is published of the rows read as usual says nothing here */
    assert_int_equal(other->splits[0].images, 0);
    assert_int_equal(other->splits[0].positives_count, 0);
    assert_string_not_equal(card->base.sha256, other->base.sha256);
    assert_int_equal(radz_dataset_card_vary(card, "rows", &err), RADZ_E_USAGE);
    assert_non_null(strstr(err.message, "data set 'siim': unknown variant 'rows'"));
    assert_non_null(strstr(err.message, "known: row-wise"));
    radz_dataset_location at;
    setenv("RADZ_DATA_SIIM", GOLDEN "siim", 1);
    need(radz_dataset_locate(other, NULL, NULL, &at, &err), &err); /* the variable is that of the set itself */
    assert_int_equal(at.presence, RADZ_DATASET_HERE);
    radz_dataset_location_free(&at);
    unsetenv("RADZ_DATA_SIIM");
    radz_dataset_card_free(card);
    radz_dataset_card_free(other);
}

/* ---- damaged files ---- */

#define UTF16(a, b) "\xff\xfe" a "\0" b "\0"
/* For each reader what is cut off, in another encoding, of another form: one clear error. */
static const struct {
    const char *set, *file, *text;
    size_t size; /* 0: strlen */
    radz_status code;
    const char *wanted;
} damaged[] = {
    {"rsna", "stage_2_train_labels.csv", "patientId,x,y,width,height,Target\na,,,,,0\nb,,,", 0, RADZ_E_FORMAT, "line 3: 4 fields; wanted 6"},
    {"rsna", "stage_2_train_labels.csv", "patientId,x,y,width,height,Target\na,,,,,2\n", 0, RADZ_E_VALUE,
     "line 2 column 'Target': unknown value '2'; present: 1, 1.0"},
    {"rsna", "stage_2_train_labels.csv", "patientId,x,y,width,height\na,,,,\n", 0, RADZ_E_MISSING, "no column 'Target'; found 'patientId', 'x'"},
    {"rsna", "stage_2_train_labels.csv", UTF16("p", "a"), 6, RADZ_E_FORMAT, "is UTF-16; wanted UTF-8"},
    {"rsna", "stage_2_train_labels.csv", "patientId,x,y,width,height,Target\n\xe9,,,,,0\n", 0, RADZ_E_FORMAT,
     "line 2: the byte 0xE9 is not UTF-8; a Latin-1"},
    {"siim", "train-rle.csv", "ImageId, EncodedPixels\na,1 2 3\n", 0, RADZ_E_VALUE, "line 2 column 'EncodedPixels': '1 2 3' is no run-length mask"},
    {"siim", "train-rle.csv", "ImageId, EncodedPixels\na,1 0\n", 0, RADZ_E_VALUE, "is no run-length mask"},
    {"siim", "train-rle.csv", "ImageId, EncodedPixels\na,1 -2\n", 0, RADZ_E_VALUE, "is no run-length mask"},
    {"siim", "train-rle.csv", "ImageId, EncodedPixels\na,\n", 0, RADZ_E_VALUE, "is no run-length mask"},
    {"covidx", "test.txt", "1 a.png\n", 0, RADZ_E_VALUE, "line 1 column 'label': unknown value ''; present: positive, COVID-19"},
    {"covidx", "test.txt", "1 a.png maybe x\n", 0, RADZ_E_VALUE, "unknown value 'maybe'"},
    {"covidx", "test.txt", "1 a.png positive x y\n", 0, RADZ_E_FORMAT, "line 1: more words after the file name than columns"},
    {"covidx", "test.txt", "\n1 picture positive x\n", 0, RADZ_E_FORMAT, "line 2: no word is the name of an image file"},
    {"covidx", "test.txt", "a.png positive x\n", 0, RADZ_E_FORMAT, "line 1: no patient id before the file name"},
    {"covidx", "test.txt", UTF16("1", " "), 6, RADZ_E_FORMAT, "line 1: UTF-16; wanted UTF-8"},
    {"covidx", "test.txt", "1 \xe9.png positive x\n", 0, RADZ_E_FORMAT, "line 1: the byte 0xE9 is not UTF-8"},
    {"covidx", "test.txt", "1 a.png positive x\n2 a.png negative x\n", 0, RADZ_E_VALUE, "line 2: image 'a.png' has other labels than on line 1"},
    {"openi", "1.xml", "<eCitation><parentImage id=\"a\"", 0, RADZ_E_FORMAT, "1.xml' line 1: not well-formed XML"},
    {"openi", "1.xml", "<eCitation>\n<uId id='x'/>", 0, RADZ_E_FORMAT, "1.xml' line 2: not well-formed XML: no element found"},
    {"openi", "1.xml", "", 0, RADZ_E_FORMAT, "not well-formed XML: no element found"},
    {"openi", "1.xml", "<a>\xe9</a>", 0, RADZ_E_FORMAT, "not well-formed XML"},
    {"openi", "1.xml", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a><uId id='1'/><MeSH><major>normal&b;</major></MeSH>"
     "<parentImage id=''/></a>", 0, RADZ_E_VALUE, "line 1 column 'image': no image id"},
    {"vqarad", "vqa_rad.json", "[{\"qid\": 1,", 0, RADZ_E_FORMAT, "vqa_rad.json"},
    {"vqarad", "vqa_rad.json", "{}", 0, RADZ_E_FORMAT, "wanted a list of objects"},
    {"vqarad", "vqa_rad.json", "[1]", 0, RADZ_E_FORMAT, "element 1: wanted an object"},
    {"vqarad", "vqa_rad.json", "[{\"qid\": 1}]", 0, RADZ_E_MISSING, "no column 'image_name'; found 'qid'"},
    {"vqarad", "vqa_rad.json", UTF16("[", "]"), 6, RADZ_E_FORMAT, "UTF-16; wanted UTF-8"},
    {"vqarad", "vqa_rad.json", "[{\"qid\": \"\xe9\"}]", 0, RADZ_E_FORMAT, "the byte 0xE9 is not UTF-8"},
    {"padchest", "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv",
     "ImageID,StudyID,PatientID,PatientSex_DICOM,Projection,MethodLabel,Labels,Report\na,s,p,M,PA,Physician,\"['mass\",\n", 0,
     RADZ_E_VALUE, "line 2 column 'Labels': '['mass' is no list of strings as Python writes it"},
    {"padchest", "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv",
     "ImageID,StudyID,PatientID,PatientSex_DICOM,Projection,MethodLabel,Labels,Report\na,s,p,M,PA,Physician,mass,\n", 0,
     RADZ_E_VALUE, "'mass' is no list of strings"},
    {"openi-kaggle", "indiana_projections.csv", "uid,filename,projection\n1,a,Frontal\n", 0, RADZ_E_MISSING, "does not hold indiana_reports.csv"},
    {"rsna", "stage_2_train_labels.csv.gz", "\x1f\x8b\x08\0\0\0\0\0\0\3\x2b\x2d", 12, RADZ_E_FORMAT, "is damaged or cut off"},
    {"rsna", "stage_2_train_labels.csv.zip", "PK\3\4 this is no archive", 0, RADZ_E_FORMAT, "is not a whole zip archive"},
};

static void damaged_files_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        scratch s = new_folder();
        radz_error err = {0};
        radz_dataset *d = (radz_dataset *)1;
        radz_dataset_card *card = card_of(damaged[i].set);
        put(&s, damaged[i].file, damaged[i].text, damaged[i].size > 0 ? damaged[i].size : strlen(damaged[i].text));
        radz_status st = radz_dataset_load(card, s.folder, strcmp(damaged[i].set, "vqarad") == 0 ? "all" : NULL, NULL, &d, &err);
        if (st != damaged[i].code || d != NULL || strstr(err.message, damaged[i].wanted) == NULL)
            fail_msg("%zu (%s): %s, %s; wanted %s", i, damaged[i].set, radz_status_name(st), err.message, damaged[i].wanted);
        radz_dataset_card_free(card);
        remove_folder(&s);
    }
}

/* Columns and rows in another order give the same data set, doubled rows are counted, and a file may be packed. */
static void order_and_packing_do_not_matter(void **state)
{
    (void)state;
    static const char plain[] = "patientId,x,y,width,height,Target\na,,,,,0\nb,1,2,3,4,1\n",
                      other[] = "Target,height,patientId,y,x,width\n1,4,b,2,1,3\n0,,a,,,\n0,,a,,,\n";
    /* both made with gzip -n and zip -X from the first text, and the zip with a second file beside it */
    scratch s = new_folder();
    radz_error err = {0};
    radz_dataset *d;
    radz_dataset_card *card = card_of("rsna");
    const radz_dataset_filter all = {.keep_missing = true};
    char wanted[RADZ_SHA256_HEX_SIZE];
    put(&s, "stage_2_train_labels.csv", plain, sizeof plain - 1);
    need(radz_dataset_load(card, s.folder, NULL, &all, &d, &err), &err);
    memcpy(wanted, d->fingerprint, sizeof wanted);
    radz_dataset_free(d);
    put(&s, "stage_2_train_labels.csv", other, sizeof other - 1);
    need(radz_dataset_load(card, s.folder, NULL, &all, &d, &err), &err);
    assert_string_equal(d->fingerprint, wanted);
    assert_int_equal(d->n_rows, 3);
    radz_dataset_free(d);
    remove_folder(&s);
    static const char *const packed[] = {"packed-gzip", "packed-zip", "packed-zip-several"};
    for (size_t i = 0; i < 3; i++) {
        char root[300];
        snprintf(root, sizeof root, GOLDEN "%s", packed[i]);
        need(radz_dataset_load(card, root, NULL, &all, &d, &err), &err);
        assert_string_equal(d->fingerprint, wanted);
        radz_dataset_free(d);
    }
    radz_dataset_card_free(card);
}

/* An enormous line ends the load early; an enormous number of rows costs no more than their labels. */
static void enormous_files(void **state)
{
    (void)state;
    scratch s = new_folder();
    radz_error err = {0};
    radz_strbuf text = {0};
    radz_dataset *d;
    radz_dataset_card *card = card_of("rsna");
    need(radz_strbuf_puts(&text, "patientId,x,y,width,height,Target\n\"", &err), &err);
    char *filler = radz_calloc(3 << 20, 1, &err);
    assert_non_null(filler);
    memset(filler, 'x', 3 << 20);
    need(radz_strbuf_append(&text, filler, 3 << 20, &err), &err);
    put(&s, "stage_2_train_labels.csv", text.text, text.length);
    assert_int_equal(radz_dataset_load(card, s.folder, NULL, NULL, &d, &err), RADZ_E_FORMAT);
    assert_non_null(strstr(err.message, "line 2: a row of more than 1 MiB"));
    radz_dataset_card_free(card);
    card = card_of("covidx");
    put(&s, "test.txt", filler, 3 << 20);
    radz_error_clear(&err);
    assert_int_equal(radz_dataset_load(card, s.folder, NULL, NULL, &d, &err), RADZ_E_FORMAT);
    assert_non_null(strstr(err.message, "line 1: a line of more than 65536 bytes"));
    radz_dataset_card_free(card);
    free(filler);
    text.length = 0;
    need(radz_strbuf_puts(&text, "patientId,x,y,width,height,Target\n", &err), &err);
    for (int i = 0; i < 300000; i++)
        need(radz_strbuf_printf(&text, &err, "p%07d,,,,,%d\n", i, i % 5 == 0), &err);
    put(&s, "stage_2_train_labels.csv", text.text, text.length);
    card = card_of("rsna");
    const radz_dataset_filter some = {.keep_missing = true, .limit = 50};
    need(radz_dataset_load(card, s.folder, NULL, &some, &d, &err), &err);
    assert_int_equal(d->split_images, 300000);
    assert_int_equal(d->n, 50);
    assert_int_equal(d->positives[0], 10);
    radz_dataset_free(d);
    radz_dataset_card_free(card);
    radz_strbuf_free(&text);
    remove_folder(&s);
}

/* ---- the real files ---- */

/* Counts made once with pandas 2 from the same files, without any of this program. `positives` in the order of the card's
 * classes. */
static const struct {
    const char *set, *folder, *split;
    size_t rows, images, patients; /* patients 0: the set names none */
    size_t filtered;
    size_t positives[15], masked_first; /* masked images of the second class */
} real[] = {
    {"chestxray14", "nih", "test", 112120, 25596, 2797, 0,
     {3279, 1069, 4658, 6112, 1748, 1623, 555, 2665, 1815, 925, 1093, 435, 1143, 86}, 0},
    {"chestxray14", "nih", "chexnet", 112120, 22433, 6187, 0,
     {2423, 582, 2756, 3944, 1139, 1337, 260, 1089, 957, 413, 509, 362, 734, 42}, 0},
    {"chestxray14-boxes", "nih", NULL, 984, 880, 0, 0, {180, 146, 153, 123, 85, 79, 120, 98}, 0},
    {"chestxray14-google", "nih", "combined_test", 4376, 1962, 0, 2414, {72, 195, 1135, 295}, 0},
    {"chestxray14-google", "nih", "combined_validation", 4376, 2414, 0, 1962, {114, 43, 1031, 310}, 0},
    {"chexpert:u-ignore", "chexpert", "train", 223414, 223414, 64540, 0,
     {22381, 10798, 27000, 105581, 9186, 52246, 14783, 6039, 33376, 19448, 86187, 3523, 9040, 116001}, 12403},
    {"chexpert:u-zeros", "chexpert", "train", 223414, 223414, 64540, 0,
     {22381, 10798, 27000, 105581, 9186, 52246, 14783, 6039, 33376, 19448, 86187, 3523, 9040, 116001}, 0},
    {"chexpert:u-ones", "chexpert", "train", 223414, 223414, 64540, 0,
     {22381, 10798 + 12403, 27000 + 8087, 105581 + 5598, 9186 + 1488, 52246 + 12984, 14783 + 27742, 6039 + 18770,
      33376 + 33739, 19448 + 3145, 86187 + 11628, 3523 + 2653, 9040 + 642, 116001 + 1079}, 0},
    {"chexpert", "chexpert", "train", 223414, 223414, 64540, 0,
     {22381, 10798, 27000, 105581, 9186, 52246 + 12984, 14783, 6039, 33376 + 33739, 19448, 86187 + 11628, 3523, 9040, 116001},
     12403},
    {"chexpert", "chexpert", "valid", 234, 234, 200, 0, {38, 109, 68, 126, 1, 45, 33, 8, 80, 8, 67, 1, 0, 107}, 0},
    {"rsna", "rsna", NULL, 30227, 26684, 26684, 0, {6012}, 0},
    {"siim", "siim", NULL, 12954, 12047, 12047, 0, {2669}, 0},
    {"siim:row-wise", "siim", NULL, 12954, 12954, 12047, 0, {3576}, 0},
    {"vindr-kaggle", "vinbigdata", NULL, 67914, 15000, 0, 0,
     {2346, 62, 177, 1817, 121, 152, 245, 547, 405, 362, 634, 882, 58, 1017}, 0},
    {"vindr-kaggle:any-reader", "vinbigdata", NULL, 67914, 15000, 0, 0,
     {3067, 186, 452, 2300, 353, 386, 613, 1322, 826, 1134, 1032, 1981, 96, 1617}, 0},
};

static const char *reference_data(void)
{
    const char *root = getenv("RADZ_REFERENCE_DATA");
    if (root == NULL || root[0] == '\0') {
        print_message("skipped: RADZ_REFERENCE_DATA is not set\n");
        skip();
    }
    return root;
}

static void real_files(void **state)
{
    (void)state;
    const char *reference = reference_data();
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        radz_error err = {0};
        radz_dataset *d;
        char root[500];
        radz_dataset_card *card = card_of(real[i].set);
        const radz_dataset_filter all = {.keep_missing = true};
        snprintf(root, sizeof root, "%s/%s", reference, real[i].folder);
        double begun = radz_clock_seconds();
        if (radz_dataset_load(card, root, real[i].split, &all, &d, &err) != RADZ_OK)
            fail_msg("%s: %s", real[i].set, err.message);
        print_message("%-24s %-20s %6zu rows, %6zu images in %.3f s\n", real[i].set, d->split, d->n_rows, d->n,
                      radz_clock_seconds() - begun);
        assert_int_equal(d->n_rows, real[i].rows);
        assert_int_equal(d->n, real[i].images);
        assert_int_equal(d->n_filtered, real[i].filtered);
        if (real[i].patients > 0)
            assert_int_equal(d->n_patients, real[i].patients);
        for (size_t k = 0; k < d->n_classes; k++)
            if (d->positives[k] != real[i].positives[k])
                fail_msg("%s/%s: %s: %zu positive, wanted %zu", real[i].set, d->split, d->classes[k], d->positives[k],
                         real[i].positives[k]);
        if (d->n_classes > 1)
            assert_int_equal(d->n - d->positives[1] - d->negatives[1], real[i].masked_first);
        radz_dataset_free(d);
        radz_dataset_card_free(card);
    }
}

/* The views of CheXpert's validation images and studies; Open-I's metadata as a table (quoted fields with line breaks). */
static void real_views(void **state)
{
    (void)state;
    const char *reference = reference_data();
    radz_error err = {0};
    radz_dataset *d;
    char root[500];
    radz_dataset_card *card = card_of("chexpert:frontal");
    const radz_dataset_filter all = {.keep_missing = true};
    snprintf(root, sizeof root, "%s/chexpert", reference);
    need(radz_dataset_load(card, root, "valid", &all, &d, &err), &err);
    assert_int_equal(d->n, 202);
    assert_int_equal(d->n_filtered, 32);
    radz_dataset_free(d);
    need(radz_dataset_load(card, root, "train", &all, &d, &err), &err);
    assert_int_equal(d->n, 191027);
    radz_dataset_free(d);
    radz_dataset_card_free(card);
    card = card_of("chexpert:study-max");
    need(radz_dataset_load(card, root, "valid", &all, &d, &err), &err);
    assert_int_equal(d->n_units, 200);
    radz_dataset_free(d);
    need(radz_dataset_load(card, root, "train", &all, &d, &err), &err);
    assert_int_equal(d->n_units, 187641);
    radz_dataset_free(d);
    radz_dataset_card_free(card);

    need(radz_dataset_card_load(GOLDEN "cards/openi-metadata.yaml", &card, &err), &err);
    snprintf(root, sizeof root, "%s/openi", reference);
    need(radz_dataset_load(card, root, NULL, &all, &d, &err), &err);
    assert_int_equal(d->n_rows, 7469);
    assert_int_equal(d->n, 7469);
    assert_int_equal(d->n_patients, 3851);
    assert_int_equal(d->positives[0], 3593);
    assert_int_equal(d->positives[1], 423);
    radz_dataset_free(d);
    radz_dataset_card_free(card);
}

/* Downloads that nobody has unpacked: found in the root and in image folders, with a command that a shell takes. */
static void unopened(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_unopened found;
    scratch s = new_folder();
    radz_dataset_card *card = card_of("chestxray14");
    need(radz_unopened_find(card, s.folder, &found, &err), &err);
    assert_int_equal(found.archives.count, 0);
    assert_null(found.text.text);
    radz_unopened_free(&found);

    char path[300];
    snprintf(path, sizeof path, "%s/images", s.folder);
    need(radz_mkdirs(path, &err), &err);
    const char *const names[] = {"it's all.tar.gz", "labels.csv.zip", "notes.txt", "images/a.tgz", "images/b.tgz", "images/one.zip"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put(&s, names[i], "x", 1);
    need(radz_unopened_find(card, s.folder, &found, &err), &err);
    assert_int_equal(found.archives.count, 4);
    assert_string_equal(found.archives.items[0], "it's all.tar.gz");
    assert_string_equal(found.archives.items[3], "images/one.zip");
    assert_string_equal(found.text.text,
                        "4 archives are there, inside which images are not read; if not done yet, unpack in the data set's folder: "
                        "tar -xf 'it'\\''s all.tar.gz' && for f in images/*.tgz; do tar -xf \"$f\"; done && unzip -qn images/one.zip");
    radz_unopened_free(&found);
    radz_dataset_card_free(card);

    card = card_of("covidx"); /* reads test.zip as it is */
    put(&s, "test.zip", "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    put(&s, "other.zip", "x", 1);
    need(radz_unopened_find(card, s.folder, &found, &err), &err);
    assert_int_equal(found.archives.count, 2);
    assert_string_equal(found.archives.items[1], "other.zip");
    radz_unopened_free(&found);
    radz_dataset_card_free(card);
    for (size_t i = 3; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", s.folder, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/images", s.folder);
    rmdir(path);
    remove_folder(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_read),
        cmocka_unit_test(details_are_read),
        cmocka_unit_test(studies_are_units),
        cmocka_unit_test(variants_are_named),
        cmocka_unit_test(damaged_files_are_named),
        cmocka_unit_test(order_and_packing_do_not_matter),
        cmocka_unit_test(enormous_files),
        cmocka_unit_test(real_files),
        cmocka_unit_test(real_views),
        cmocka_unit_test(unopened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
