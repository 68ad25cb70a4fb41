/* The phantom generator: same bytes for the same seed, split by patient, prevalences, reports, files, and that each
 * sign can be measured in what was drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/phantom_internal.h"

enum { AREA = PH_N * PH_N };

static radz_phantom_plan *plan_of(uint32_t patients, uint64_t seed)
{
    radz_phantom_options options = {.patients = patients, .seed = seed};
    radz_phantom_plan *plan;
    radz_error err = {0};
    radz_status st = radz_phantom_plan_create(&options, &plan, &err);
    if (st != RADZ_OK)
        fail_msg("%s", err.message);
    return plan;
}

static uint16_t *pixels_of(const radz_phantom_plan *plan, size_t i, uint32_t hidden)
{
    uint16_t *pixels = malloc(AREA * sizeof *pixels);
    radz_error err = {0};
    assert_non_null(pixels);
    if (radz_phantom_render_without(plan, i, hidden, pixels, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    return pixels;
}

/* SHA-256 of pixels as little-endian bytes, whatever the machine's order. */
static void pixel_hash(const uint16_t *pixels, char hex[RADZ_SHA256_HEX_SIZE])
{
    unsigned char *bytes = malloc(2 * AREA);
    radz_error err = {0};
    assert_non_null(bytes);
    for (size_t i = 0; i < AREA; i++) {
        bytes[2 * i] = (unsigned char)(pixels[i] & 255);
        bytes[2 * i + 1] = (unsigned char)(pixels[i] >> 8);
    }
    assert_int_equal(radz_sha256_data(bytes, 2 * AREA, hex, &err), RADZ_OK);
    free(bytes);
}

static void plan_hash(const radz_phantom_plan *plan, char hex[RADZ_SHA256_HEX_SIZE])
{
    radz_sha256 hash;
    radz_error err = {0};
    radz_sha256_begin(&hash);
    for (size_t i = 0; i < radz_phantom_count(plan); i++) {
        const radz_phantom_image *image = radz_phantom_at(plan, i);
        char line[128];
        snprintf(line, sizeof line, "%s %u %d %d %c %d %d %d %d", image->file, (unsigned)image->patient,
                 image->follow_up, image->age, image->gender, image->ap, (int)(image->spacing * 1000 + 0.5),
                 (int)image->split, (int)image->storage);
        radz_sha256_add_text(&hash, line);
        radz_sha256_add_text(&hash, image->label_text);
        radz_sha256_add_text(&hash, image->report);
    }
    assert_int_equal(radz_sha256_end(&hash, hex, &err), RADZ_OK);
}

/* Recorded from this generator, version 1 of its pixels and texts (x86-64, gcc 12). Whoever changes the generator
 * raises PH_VERSION in phantom_write.c, records these anew and trains the shipped model again. */
static const char plan_golden[] = "e449535e622d34212e6cd51560cbc7fb6164271db04149796f164b0db9e13647";
static const struct {
    size_t image;
    const char *hash;
} pixel_golden[] = {
    {2,
     "ada279f0080f0673f7e7c339f80958db56b289a028353ff135df782f8623bfcd"}, /* Cardiomegaly, Edema, Effusion, Fibrosis */
    {13, "9f2659f55cee5265ec554ed270c882e7e0e65dc81bce55feccbf82e904885be2"},  /* Atelectasis, Cardiomegaly, Hernia */
    {74, "5ad57c0bf6499c2139b72e6767c0be927225de0002b72bf0d60afd8ef08d7a93"},  /* Emphysema, Nodule */
    {91, "70df67ab7dbb9a5e40258ed0f9a873821261833f9bade29181984725506a58ed"},  /* Fibrosis, Pleural_Thickening,
                                                                                  Pneumothorax */
    {92, "b23ff213a558fa16a32e8b37fb35cf9085a7bc43fc20d677305df03e86228a82"},  /* Consolidation, Infiltration */
    {137, "594b3c2fca3b135701f1ca12d2ebce4cce5d02909d1f61bcc5c5e93b67e3c982"}, /* Atelectasis, Mass, Pneumonia */
};

static void test_golden(void **state)
{
    (void)state;
    radz_phantom_plan *plan = plan_of(100, 1);
    char hex[RADZ_SHA256_HEX_SIZE];
    plan_hash(plan, hex);
    if (strcmp(hex, plan_golden) != 0)
        print_message("plan %s\n", hex);
    bool same = strcmp(hex, plan_golden) == 0;
    for (size_t i = 0; i < sizeof pixel_golden / sizeof *pixel_golden; i++) {
        uint16_t *pixels = pixels_of(plan, pixel_golden[i].image, 0);
        pixel_hash(pixels, hex);
        if (strcmp(hex, pixel_golden[i].hash) != 0) {
            print_message("image %zu %s\n", pixel_golden[i].image, hex);
            same = false;
        }
        free(pixels);
    }
    assert_true(same);
    radz_phantom_plan_free(plan);
}

/* An image does not depend on how many patients there are, nor on what was rendered before. */
static void test_independent(void **state)
{
    (void)state;
    radz_phantom_plan *few = plan_of(20, 5), *many = plan_of(60, 5);
    size_t last = radz_phantom_count(few) - 1;
    for (size_t i = 0; i <= last; i++) {
        assert_string_equal(radz_phantom_at(few, i)->file, radz_phantom_at(many, i)->file);
        assert_string_equal(radz_phantom_at(few, i)->report, radz_phantom_at(many, i)->report);
    }
    uint16_t *a = pixels_of(few, last, 0), *other = pixels_of(many, 0, 0), *b = pixels_of(many, last, 0);
    assert_memory_equal(a, b, AREA * sizeof *a);
    assert_memory_not_equal(a, other, AREA * sizeof *a);
    free(a);
    free(b);
    free(other);
    radz_phantom_plan_free(few);
    radz_phantom_plan_free(many);
}

static void test_seeds_differ(void **state)
{
    (void)state;
    radz_phantom_plan *one = plan_of(30, 1), *two = plan_of(30, 2);
    char a[RADZ_SHA256_HEX_SIZE], b[RADZ_SHA256_HEX_SIZE];
    plan_hash(one, a);
    plan_hash(two, b);
    assert_string_not_equal(a, b);
    uint16_t *p = pixels_of(one, 0, 0), *q = pixels_of(two, 0, 0);
    assert_memory_not_equal(p, q, AREA * sizeof *p);
    free(p);
    free(q);
    radz_phantom_plan_free(one);
    radz_phantom_plan_free(two);
}

static void test_split_and_prevalence(void **state)
{
    (void)state;
    radz_phantom_plan *plan = plan_of(0, RADZ_PHANTOM_DEFAULT_SEED);
    assert_int_equal(radz_phantom_patients(plan), RADZ_PHANTOM_DEFAULT_PATIENTS);
    size_t n = radz_phantom_count(plan), sizes[RADZ_PHANTOM_SPLITS] = {0}, none = 0;
    size_t counts[RADZ_PHANTOM_SPLITS][RADZ_PHANTOM_FINDINGS] = {{0}}, stored[RADZ_PHANTOM_STORAGES] = {0};
    uint32_t patient = 0;
    int next = 0;
    radz_phantom_split split = RADZ_PHANTOM_TRAIN;
    for (size_t i = 0; i < n; i++) {
        const radz_phantom_image *image = radz_phantom_at(plan, i);
        if (image->patient != patient) {
            assert_int_equal(image->patient, patient + 1); /* sorted, none missing */
            patient++;
            next = 0;
            split = image->split;
        }
        assert_int_equal(image->split, split); /* a patient is in one split only */
        assert_int_equal(image->follow_up, next++);
        assert_true(image->follow_up < PH_MAX_IMAGES);
        assert_in_range(image->age, 1, 100);
        sizes[image->split]++;
        stored[image->storage]++;
        none += image->labels == 0;
        for (int k = 0; k < RADZ_PHANTOM_FINDINGS; k++)
            counts[image->split][k] += image->labels >> k & 1;
    }
    assert_in_range(sizes[RADZ_PHANTOM_TRAIN], 9400, 10400); /* seen: 9776 */
    assert_in_range(sizes[RADZ_PHANTOM_VAL], 900, 1300);     /* seen: 1204 */
    assert_in_range(sizes[RADZ_PHANTOM_TEST], 950, 1250);    /* seen: 1157 */
    assert_in_range(none, n * 30 / 100, n * 40 / 100);       /* seen: 30.2 % */
    for (int k = 0; k < RADZ_PHANTOM_FINDINGS; k++) {
        size_t all = counts[0][k] + counts[1][k] + counts[2][k];
        if (all * 100 < n * 6 || all * 100 > n * 14 ||
            counts[RADZ_PHANTOM_TEST][k] * 100 < sizes[RADZ_PHANTOM_TEST] * 4)
            fail_msg("%s: %zu of %zu images, %zu of %zu in test", radz_phantom_finding_name((radz_phantom_finding)k),
                     all, n, counts[RADZ_PHANTOM_TEST][k], sizes[RADZ_PHANTOM_TEST]);
    }
    for (int k = 0; k < RADZ_PHANTOM_STORAGES; k++)
        assert_true(stored[k] * 100 > n * 2);
    radz_phantom_plan_free(plan);
}

static bool says(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (; *text != '\0'; text++)
        if (strncasecmp(text, word, length) == 0)
            return true;
    return false;
}

static void test_reports(void **state)
{
    (void)state;
    static const char *const never[] = {"mass",
                                        "tumor",
                                        "tumour",
                                        "hernia",
                                        "pleural thickening",
                                        "thickened pleura",
                                        "thickening",
                                        "neoplasm",
                                        "cancer",
                                        "carcinoma",
                                        "hiatal",
                                        "hiatus",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        "|",
                                        "\"",
                                        "\n",
                                        "  "};
    static const struct {
        radz_phantom_finding finding;
        const char *word;
    } names[] = {{RADZ_PHANTOM_ATELECTASIS, "atelectasis"},
                 {RADZ_PHANTOM_CARDIOMEGALY, "cardiomegaly"},
                 {RADZ_PHANTOM_CONSOLIDATION, "consolidation"},
                 {RADZ_PHANTOM_EDEMA, "edema"},
                 {RADZ_PHANTOM_EFFUSION, "pleural effusion"},
                 {RADZ_PHANTOM_EMPHYSEMA, "emphysema"},
                 {RADZ_PHANTOM_FIBROSIS, "fibrosis"},
                 {RADZ_PHANTOM_INFILTRATION, "infiltration"},
                 {RADZ_PHANTOM_NODULE, "nodule"},
                 {RADZ_PHANTOM_PNEUMONIA, "pneumonia"},
                 {RADZ_PHANTOM_PNEUMOTHORAX, "pneumothorax"}};
    enum { NAMES = sizeof names / sizeof *names };
    radz_phantom_plan *plan = plan_of(0, RADZ_PHANTOM_DEFAULT_SEED);
    size_t named[NAMES] = {0}, unnamed[NAMES] = {0}, denied = 0;
    for (size_t i = 0; i < radz_phantom_count(plan); i++) {
        const radz_phantom_image *image = radz_phantom_at(plan, i);
        for (size_t k = 0; k < sizeof never / sizeof *never; k++)
            if (strstr(image->report, never[k]) != NULL || says(image->report, never[k]))
                fail_msg("%s says '%s': %s", image->file, never[k], image->report);
        assert_true(image->sentence_count >= 1);
        char joined[4096] = "";
        bool said[NAMES] = {false};
        for (size_t k = 0; k < image->sentence_count; k++) {
            const char *sentence = image->sentences[k];
            if (k > 0)
                strcat(joined, " ");
            strcat(joined, sentence);
            assert_int_equal(sentence[strlen(sentence) - 1], '.');
            assert_true(sentence[0] >= 'A' && sentence[0] <= 'Z');
            for (size_t j = 0; j < NAMES; j++)
                if (says(sentence, names[j].word)) {
                    bool has = image->labels >> names[j].finding & 1, denies = strncmp(sentence, "No ", 3) == 0;
                    denied += denies;
                    if (has == denies)
                        fail_msg("%s [%s] says: %s", image->file, image->label_text, sentence);
                    said[j] = said[j] || has;
                }
        }
        assert_string_equal(joined, image->report);
        for (size_t j = 0; j < NAMES; j++)
            if (image->labels >> names[j].finding & 1) {
                named[j] += said[j];
                unnamed[j] += !said[j];
            }
    }
    assert_true(denied > 200);
    for (size_t j = 0; j < NAMES; j++) {
        if (named[j] < 200 || unnamed[j] < 100)
            fail_msg("%s: named in %zu reports, only described in %zu", names[j].word, named[j], unnamed[j]);
    }
    radz_phantom_plan_free(plan);
}

/* ---- files ---- */

typedef struct counter {
    int calls, fail_after;
} counter;

/* Stands for an encoder: stores the pixels' hash, so that files are small. */
static radz_status store_hash(void *context, const char *path, radz_phantom_storage storage, const uint16_t *pixels,
                              int width, int height, radz_error *err)
{
    counter *count = context;
    (void)storage;
    if (__atomic_fetch_add(&count->calls, 1, __ATOMIC_RELAXED) >= count->fail_after)
        return radz_fail(err, RADZ_E_IO, "'%s': no space left", path);
    assert_int_equal(width, PH_N);
    assert_int_equal(height, PH_N);
    char hex[RADZ_SHA256_HEX_SIZE];
    pixel_hash(pixels, hex);
    return radz_file_write(path, hex, strlen(hex), err);
}

static void remove_tree(const char *dir)
{
    char command[512];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

static char *text_of(const char *dir, const char *name)
{
    char path[512], *text;
    size_t size;
    radz_error err = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (radz_file_read(path, 64u << 20, &text, &size, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    return text;
}

static void test_write(void **state)
{
    (void)state;
    char base[] = "/tmp/radz_phantom_XXXXXX", one[64], three[64];
    assert_non_null(mkdtemp(base));
    snprintf(one, sizeof one, "%s/one", base);
    snprintf(three, sizeof three, "%s/three", base);
    radz_phantom_plan *plan = plan_of(10, 3);
    size_t n = radz_phantom_count(plan);
    radz_error err = {0};
    counter all = {0, 1 << 20}, broken = {0, 4}, again = {0, 1 << 20};
    radz_phantom_sink sink = {store_hash, &all}, failing = {store_hash, &broken}, resumed = {store_hash, &again};
    assert_int_equal(radz_phantom_write(plan, one, RADZ_PHANTOM_ALL_SPLITS, 1, &sink, &err), RADZ_OK);
    assert_int_equal(all.calls, n);

    /* a full disk after four images, then a second try with more threads gives the same files */
    assert_int_equal(radz_phantom_write(plan, three, RADZ_PHANTOM_ALL_SPLITS, 1, &failing, &err), RADZ_E_IO);
    radz_error_clear(&err);
    assert_int_equal(radz_phantom_write(plan, three, RADZ_PHANTOM_ALL_SPLITS, 3, &resumed, &err), RADZ_OK);
    assert_int_equal(again.calls, n - 4);
    static const char *const files[] = {"Data_Entry_2017.csv", "train_list.txt", "val_list.txt", "test_list.txt",
                                        "reports.csv",         "README.txt",     "phantom.txt",  "complete.txt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *a = text_of(one, files[i]), *b = text_of(three, files[i]);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    for (size_t i = 0; i < n; i++) {
        char name[64];
        snprintf(name, sizeof name, "images/%s", radz_phantom_at(plan, i)->file);
        char *a = text_of(one, name), *b = text_of(three, name);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    /* complete: nothing is done again */
    again.calls = 0;
    assert_int_equal(radz_phantom_write(plan, three, RADZ_PHANTOM_ALL_SPLITS, 3, &resumed, &err), RADZ_OK);
    assert_int_equal(again.calls, 0);

    /* another seed must not be mixed in */
    radz_phantom_plan *other = plan_of(10, 4);
    assert_int_equal(radz_phantom_write(other, one, RADZ_PHANTOM_ALL_SPLITS, 1, &sink, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "seed 3"));
    assert_non_null(strstr(err.message, "seed 4"));
    radz_phantom_plan_free(other);

    /* the table reads back */
    char *text = text_of(one, "Data_Entry_2017.csv"), *save = NULL, *line = strtok_r(text, "\n", &save);
    assert_string_equal(line, "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View "
                              "Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]");
    for (size_t i = 0; i < n; i++) {
        const radz_phantom_image *image = radz_phantom_at(plan, i);
        line = strtok_r(NULL, "\n", &save);
        assert_non_null(line);
        char file[32], labels[256], gender, view[3];
        int follow, patient, age, width, height;
        double x, y;
        assert_int_equal(sscanf(line, "%31[^,],%255[^,],%d,%d,%d,%c,%2[^,],%d,%d,%lf,%lf", file, labels, &follow,
                                &patient, &age, &gender, view, &width, &height, &x, &y),
                         11);
        assert_string_equal(file, image->file);
        assert_string_equal(labels, image->label_text);
        assert_int_equal(follow, image->follow_up);
        assert_int_equal(patient, image->patient);
        assert_int_equal(age, image->age);
        assert_int_equal(gender, image->gender);
        assert_string_equal(view, image->ap ? "AP" : "PA");
        assert_int_equal(width, PH_N);
        assert_int_equal(height, PH_N);
        assert_true(x == image->spacing && y == x && x > 0.4 && x < 1.2);
        uint32_t mask = 0;
        char *inner = NULL;
        for (char *name = strtok_r(labels, "|", &inner); name != NULL; name = strtok_r(NULL, "|", &inner))
            for (int k = 0; k < RADZ_PHANTOM_FINDINGS; k++)
                if (strcmp(name, radz_phantom_finding_name((radz_phantom_finding)k)) == 0)
                    mask |= 1u << k;
        assert_int_equal(mask, image->labels);
    }
    assert_null(strtok_r(NULL, "\n", &save));
    free(text);
    radz_phantom_plan_free(plan);
    remove_tree(base);
}

/* Only the test split's images, but the tables about everybody. */
static void test_write_split(void **state)
{
    (void)state;
    char base[] = "/tmp/radz_phantom_XXXXXX";
    assert_non_null(mkdtemp(base));
    radz_phantom_plan *plan = plan_of(40, 3);
    radz_error err = {0};
    counter all = {0, 1 << 20};
    radz_phantom_sink sink = {store_hash, &all};
    int test_images = 0;
    for (size_t i = 0; i < radz_phantom_count(plan); i++)
        test_images += radz_phantom_at(plan, i)->split == RADZ_PHANTOM_TEST;
    assert_in_range(test_images, 1, 40);
    assert_int_equal(radz_phantom_write(plan, base, 1u << RADZ_PHANTOM_TEST, 2, &sink, &err), RADZ_OK);
    assert_int_equal(all.calls, test_images);
    char *reports = text_of(base, "reports.csv"), *done = text_of(base, "complete.txt");
    size_t lines = 0;
    for (const char *c = reports; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, radz_phantom_count(plan) + 1);
    assert_string_equal(done, "test\n");
    free(reports);
    free(done);
    assert_int_equal(radz_phantom_write(plan, base, 0, 2, &sink, &err), RADZ_E_USAGE);
    radz_cancel_request();
    radz_error_clear(&err);
    assert_int_equal(radz_phantom_write(plan, base, RADZ_PHANTOM_ALL_SPLITS, 2, &sink, &err), RADZ_E_INTERRUPTED);
    radz_cancel_reset();
    radz_phantom_plan_free(plan);
    remove_tree(base);
}

/* ---- physics ---- */

/* Widest extent of the heart over widest extent of the lungs, as drawn. */
static double ratio_drawn(const ph_shot *shot, unsigned hidden)
{
    static ph_thorax t;
    ph_maps m;
    radz_error err = {0};
    assert_int_equal(ph_maps_create(&m, &err), RADZ_OK);
    ph_thorax_set(&t, shot, hidden);
    ph_draw_anatomy(&t, &m);
    int heart_low = PH_N, heart_high = 0, lung_low = PH_N, lung_high = 0;
    for (int y = (int)ph_py(&t, t.carina_y + 25); y < (int)ph_py(&t, t.dome_y[PH_RIGHT]); y++)
        for (int x = 0; x < PH_N; x++) {
            size_t at = (size_t)y * PH_N + (size_t)x;
            /* the border that one sees: a third of the heart's depth in the way */
            if (m.heart[at] > 20) {
                heart_low = x < heart_low ? x : heart_low;
                heart_high = x > heart_high ? x : heart_high;
            }
            if (m.lung[at] > 5) {
                lung_low = x < lung_low ? x : lung_low;
                lung_high = x > lung_high ? x : lung_high;
            }
        }
    ph_maps_free(&m);
    return (double)(heart_high - heart_low) / (lung_high - lung_low);
}

static void test_cardiothoracic_ratio(void **state)
{
    (void)state;
    radz_phantom_plan *plan = plan_of(300, 1);
    double normal = 0, large = 0, smallest = 1, largest = 0;
    int normals = 0, larges = 0;
    for (size_t i = 0; i < radz_phantom_count(plan); i++) {
        const ph_image *image = &plan->images[i];
        bool big = image->info.labels >> RADZ_PHANTOM_CARDIOMEGALY & 1;
        if (image->info.ap || (!big && image->info.labels != 0) || (big ? larges : normals) >= 25)
            continue;
        double ratio = ratio_drawn(&image->shot, 0);
        if (big) {
            large += ratio;
            larges++;
            smallest = ratio < smallest ? ratio : smallest;
            assert_true(ratio_drawn(&image->shot, 1u << RADZ_PHANTOM_CARDIOMEGALY) < ratio - 0.02);
        } else {
            normal += ratio;
            normals++;
            largest = ratio > largest ? ratio : largest;
        }
    }
    print_message("cardiothoracic ratio: normal %.3f (largest %.3f), cardiomegaly %.3f (smallest %.3f)\n",
                  normal / normals, largest, large / larges, smallest);
    assert_int_equal(normals, 25);
    assert_true(larges >= 15);
    assert_true(normal / normals < 0.47); /* seen: 0.456 */
    assert_true(large / larges > 0.55);   /* seen: 0.584 */
    assert_true(smallest > 0.50);         /* seen: 0.519 */
    assert_true(largest < 0.50);          /* seen: 0.488 */
    radz_phantom_plan_free(plan);
}

/* Mean density over a rectangle given as fractions of the lungs; `mirror` sides 0 right, 1 left. */
static double mean_density(const ph_shot *shot, const float *density, int side, double s0, double s1, double u0,
                           double u1)
{
    static ph_thorax t;
    ph_thorax_set(&t, shot, ~0u);
    double sum = 0;
    int count = 0;
    for (double s = s0; s <= s1; s += 0.02)
        for (double u = u0; u <= u1; u += 0.02) {
            double x, y;
            ph_lung_point(&t, side, s, u, &x, &y);
            int column = (int)(ph_px(&t, x) + 0.5), row = (int)(ph_py(&t, y) + 0.5);
            if (column < 0 || row < 0 || column >= PH_N || row >= PH_N)
                continue;
            sum += density[(size_t)row * PH_N + (size_t)column];
            count++;
        }
    assert_true(count > 10);
    return sum / count;
}

static void test_emphysema_is_lucent(void **state)
{
    (void)state;
    radz_phantom_plan *plan = plan_of(400, 1);
    float *with = malloc(AREA * sizeof *with), *without = malloc(AREA * sizeof *without);
    radz_error err = {0};
    int seen = 0;
    double least = 1e9;
    for (size_t i = 0; i < radz_phantom_count(plan) && seen < 12; i++) {
        const ph_image *image = &plan->images[i];
        if (image->info.labels != 1u << RADZ_PHANTOM_EMPHYSEMA)
            continue;
        seen++;
        assert_int_equal(ph_expose(&image->shot, 0, with, &err), RADZ_OK);
        assert_int_equal(ph_expose(&image->shot, 1u << RADZ_PHANTOM_EMPHYSEMA, without, &err), RADZ_OK);
        for (int side = 0; side < 2; side++) {
            double gain = mean_density(&image->shot, without, side, 0.25, 0.8, 0.5, 0.8) -
                          mean_density(&image->shot, with, side, 0.25, 0.8, 0.5, 0.8);
            least = gain < least ? gain : least;
        }
    }
    print_message("emphysema: the lungs are at least %.3f less dense (optical density, natural log)\n", least);
    assert_int_equal(seen, 12);
    assert_true(least > 0.1); /* seen: 0.181 */
    free(with);
    free(without);
    radz_phantom_plan_free(plan);
}

/* For findings that displace nothing, the image with and without the finding differs where the report says and hardly
 * elsewhere. */
static void test_findings_are_where_reported(void **state)
{
    (void)state;
    static const radz_phantom_finding local[] = {RADZ_PHANTOM_MASS,         RADZ_PHANTOM_NODULE,
                                                 RADZ_PHANTOM_PNEUMONIA,    RADZ_PHANTOM_CONSOLIDATION,
                                                 RADZ_PHANTOM_INFILTRATION, RADZ_PHANTOM_PLEURAL_THICKENING,
                                                 RADZ_PHANTOM_PNEUMOTHORAX, RADZ_PHANTOM_EFFUSION,
                                                 RADZ_PHANTOM_EDEMA,        RADZ_PHANTOM_HERNIA};
    static ph_thorax t;
    radz_phantom_plan *plan = plan_of(600, 1);
    float *with = malloc(AREA * sizeof *with), *without = malloc(AREA * sizeof *without);
    radz_error err = {0};
    for (size_t k = 0; k < sizeof local / sizeof *local; k++) {
        int seen = 0;
        double worst_share = 1, weakest = 1e9;
        for (size_t i = 0; i < radz_phantom_count(plan) && seen < 12; i++) {
            const ph_image *image = &plan->images[i];
            const ph_sign *sign = ph_find(&image->shot, local[k]);
            if (sign == NULL)
                continue;
            if (sign->extra && local[k] == RADZ_PHANTOM_PNEUMOTHORAX)
                continue; /* under tension everything moves */
            if (local[k] == RADZ_PHANTOM_EFFUSION && (sign->form == PH_EFF_VEIL || sign->severity > 0.75))
                continue;
            seen++;
            assert_int_equal(ph_expose(&image->shot, 0, with, &err), RADZ_OK);
            assert_int_equal(ph_expose(&image->shot, 1u << local[k], without, &err), RADZ_OK);
            ph_thorax_set(&t, &image->shot, 0);
            bool zoned = local[k] != RADZ_PHANTOM_PLEURAL_THICKENING && local[k] != RADZ_PHANTOM_EDEMA &&
                         local[k] != RADZ_PHANTOM_PNEUMOTHORAX && local[k] != RADZ_PHANTOM_HERNIA &&
                         local[k] != RADZ_PHANTOM_CONSOLIDATION && local[k] != RADZ_PHANTOM_EFFUSION;
            double inside = 0, outside = 0, peak = 0;
            for (int y = 0; y < PH_N; y++)
                for (int x = 0; x < PH_N; x++) {
                    size_t at = (size_t)y * PH_N + (size_t)x;
                    double change = fabs((double)with[at] - (double)without[at]);
                    if (change < 0.03)
                        continue; /* scatter spreads a little of it everywhere */
                    double px = ph_x(&t, x), py = ph_y(&t, y);
                    int side = px > t.mid_row[y + PH_PAD] ? PH_LEFT : PH_RIGHT;
                    double s = py / t.dome_y[side], mid = 1.0 / 6 + sign->zone / 3.0;
                    bool here = sign->side == PH_BOTH || sign->side == side ||
                                (local[k] == RADZ_PHANTOM_HERNIA && fabs(px) < 60);
                    if (zoned)
                        here = here && fabs(s - mid) < 1.0 / 6 + 0.14;
                    if (local[k] == RADZ_PHANTOM_HERNIA || local[k] == RADZ_PHANTOM_EFFUSION)
                        here = here && s > 0.4;
                    if (here)
                        inside += change;
                    else
                        outside += change;
                    peak = change > peak ? change : peak;
                }
            double share = inside / (inside + outside + 1e-9);
            worst_share = share < worst_share ? share : worst_share;
            weakest = peak < weakest ? peak : weakest;
        }
        print_message("%-19s weakest peak %.2f, least share at the reported place %.2f (%d images)\n",
                      radz_phantom_finding_name(local[k]), weakest, worst_share, seen);
        assert_int_equal(seen, 12);
        assert_true(weakest > 0.08);     /* seen: 0.12 (Pleural_Thickening) to 0.81 (Pneumonia) */
        assert_true(worst_share > 0.85); /* seen: 0.90 (Pneumonia) to 1.00 */
    }
    free(with);
    free(without);
    radz_phantom_plan_free(plan);
}

/* Signs that move things: the dome over a collapsed lobe, the mediastinum away from air under tension, flat diaphragms.
 */
static void test_displacements(void **state)
{
    (void)state;
    static ph_thorax with, without;
    radz_phantom_plan *plan = plan_of(800, 1);
    int collapsed = 0, tension = 0, flat = 0;
    for (size_t i = 0; i < radz_phantom_count(plan); i++) {
        const ph_shot *shot = &plan->images[i].shot;
        ph_thorax_set(&with, shot, 0);
        const ph_sign *sign = ph_find(shot, RADZ_PHANTOM_ATELECTASIS);
        if (sign != NULL && sign->form == PH_ATEL_LOBAR) {
            ph_thorax_set(&without, shot, 1u << RADZ_PHANTOM_ATELECTASIS);
            double toward = sign->side == PH_LEFT ? 1 : -1;
            assert_true(with.dome_y[sign->side] < without.dome_y[sign->side] - 8);
            assert_true((with.shift_upper - without.shift_upper) * toward > 1);
            collapsed++;
        }
        sign = ph_find(shot, RADZ_PHANTOM_PNEUMOTHORAX);
        if (sign != NULL && sign->extra) {
            ph_thorax_set(&without, shot, 1u << RADZ_PHANTOM_PNEUMOTHORAX);
            double toward = sign->side == PH_LEFT ? 1 : -1;
            assert_true((with.shift_lower - without.shift_lower) * toward < -8);
            tension++;
        }
        if (ph_has(shot, RADZ_PHANTOM_EMPHYSEMA)) {
            ph_thorax_set(&without, shot, 1u << RADZ_PHANTOM_EMPHYSEMA);
            for (int side = 0; side < 2; side++) {
                assert_true(with.dome_y[side] > without.dome_y[side] + 6);
                assert_true(with.lateral_drop[side] < 0.9 * without.lateral_drop[side]);
            }
            flat++;
        }
    }
    assert_true(collapsed >= 10 && tension >= 10 && flat >= 30);
    radz_phantom_plan_free(plan);
}

static void test_sheet(void **state)
{
    (void)state;
    radz_phantom_plan *plan = plan_of(120, 1);
    uint8_t *gray;
    int width, height;
    radz_error err = {0};
    assert_int_equal(radz_phantom_sheet(plan, -1, 3, 64, 2, &gray, &width, &height, &err), RADZ_OK);
    assert_int_equal(width, 192);
    assert_int_equal(height, RADZ_PHANTOM_FINDINGS * (64 + 13));
    int dark = 0, bright = 0;
    for (int i = 0; i < width * height; i++) {
        dark += gray[i] < 60;
        bright += gray[i] > 180;
    }
    assert_true(dark > width * height / 20 && bright > width * height / 20);
    free(gray);
    assert_int_equal(radz_phantom_sheet(plan, 14, 3, 64, 1, &gray, &width, &height, &err), RADZ_E_USAGE);
    assert_null(gray);
    radz_phantom_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_independent),
        cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_split_and_prevalence),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_split),
        cmocka_unit_test(test_cardiothoracic_ratio),
        cmocka_unit_test(test_emphysema_is_lucent),
        cmocka_unit_test(test_findings_are_where_reported),
        cmocka_unit_test(test_displacements),
        cmocka_unit_test(test_sheet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
