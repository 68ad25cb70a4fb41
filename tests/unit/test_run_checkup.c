/* The check of pictures, and of data sets side by side, on small trees made on the fly. */
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
#include "image/encode.h"
#include "run/checkup.h"

enum { SIDE = 24 };
static char folder[64];
static radz_home home;

static void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

static void put(const char *name, const char *text)
{
    char path[300];
    radz_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    need(radz_file_write(path, text, strlen(text), &err), &err);
}

/* A picture that depends on `seed` alone; -1: one value everywhere. `channels` 3 or 4: the same gray in colour. */
static void put_picture(const char *name, int seed, int channels)
{
    unsigned char pixels[SIDE * SIDE * 4];
    char path[300];
    radz_error err = {0};
    for (int i = 0; i < SIDE * SIDE; i++)
        for (int c = 0; c < channels; c++)
            pixels[i * channels + c] = c == 3 ? 255 : seed < 0 ? 7 : (unsigned char)(i * (seed + 3) + i / 7);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    need(radz_png_write(path, &(radz_pixels){pixels, SIDE, SIDE, channels, 8}, &err), &err);
}

static radz_dataset_card *put_card(const char *name, const char *rest)
{
    char path[300], text[3000];
    radz_error err = {0};
    radz_dataset_card *card;
    snprintf(text, sizeof text,
             "name: %s\ntitle: T\nlicence: l\nsource: s\ncitation: c\nprovide: p\nreader: csv\n"
             "labels: {files: [labels.csv], form: list, column: Finding, none: [none]}\n"
             "columns: {image: Id, patient: Patient}\nimages: {folders: [.]}\nclasses: [{name: Mass}, {name: Edema}]\n%s",
             name, rest);
    snprintf(path, sizeof path, "%s.yaml", name);
    put(path, text);
    snprintf(path, sizeof path, "%s/%s.yaml", folder, name);
    need(radz_dataset_card_load(path, &card, &err), &err);
    return card;
}

static int set_up(void **state)
{
    (void)state;
    radz_error err = {0};
    strcpy(folder, "/tmp/radz-checkup-XXXXXX");
    assert_non_null(mkdtemp(folder));
    setenv("RADZ_HOME", RADZ_SOURCE_DIR, 1);
    need(radz_home_open(folder, NULL, &home, &err), &err);
    char path[200];
    static const char *const below[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, below[i]);
        need(radz_mkdirs(path, &err), &err);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    radz_home_close(&home);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const radz_finding *find(const radz_findings *f, const char *dataset, const char *code)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].dataset, dataset) == 0 && strcmp(f->items[i].code, code) == 0)
            return &f->items[i];
    return NULL;
}

static void need_finding(const radz_findings *f, const char *dataset, const char *code, radz_severity severity, size_t count,
                         const char *example)
{
    const radz_finding *g = find(f, dataset, code);
    if (g == NULL)
        fail_msg("no finding '%s' of '%s'", code, dataset);
    assert_int_equal(g->severity, severity);
    assert_int_equal(g->count, count);
    assert_string_equal(g->examples[0] != NULL ? g->examples[0] : "", example);
    assert_true(strlen(g->effect) > 0);
    assert_null(strstr(g->what, folder));
    for (int e = 0; e < RADZ_FINDING_EXAMPLES && g->examples[e] != NULL; e++)
        assert_null(strstr(g->examples[e], folder));
}

static void pictures_and_neighbours(void **state)
{
    (void)state;
    radz_error err = {0};
    char root_a[100], root_b[100];
    snprintf(root_a, sizeof root_a, "%s/a", folder);
    snprintf(root_b, sizeof root_b, "%s/b", folder);
    put("a/labels.csv", "Id,Finding,Patient\n1.png,Mass,1\n2.png,none,2\n3.png,Edema,3\n4.png,Mass,4\n5.png,none,5\n6.png,Mass,6\n"
                        "7.png,Edema,7\n8.png,none,8\n9.png,none,9\n");
    put("a/test.txt", "1.png\n2.png\n3.png\n4.png\n5.png\n6.png\n8.png\n9.png\n");
    put("a/train.txt", "7.png\n");
    put_picture("a/1.png", 1, 1);
    put_picture("a/2.png", 2, 1);
    put_picture("a/3.png", 3, 1);
    put_picture("a/4.png", 1, 3);  /* 1.png in colour, same labels */
    put_picture("a/5.png", 2, 4);  /* 2.png with alpha, same labels */
    put_picture("a/6.png", 3, 1);  /* 3.png with other labels */
    put_picture("a/7.png", 1, 1);  /* 1.png in the other split, other labels */
    put_picture("a/8.png", -1, 1);
    put("a/9.png", "\x89PNG\r\n\x1a\nnothing more");
    put("b/labels.csv", "Id,Finding,Patient\n1.png,Mass,1\nx.png,none,2\n");
    put_picture("b/1.png", 9, 1); /* the same id, another picture */
    put_picture("b/x.png", 2, 1); /* a/2.png under another id */
    radz_dataset_card *a = put_card("a", "splits: [{name: test, list: [test.txt]}, {name: train, list: [train.txt]}, {name: all}]\n");
    radz_dataset_card *b = put_card("b", "images_from: [a]\nsplits: [{name: all}]\n");
    const radz_checkup_dataset sets[] = {{a, root_a}, {b, root_b}};

    radz_findings first = {0};
    for (int threads = 1; threads <= 4; threads += 3) {
        radz_findings f = {0};
        need(radz_checkup(&home, sets, 2, &(radz_checkup_options){.pictures = true, .threads = threads}, &f, &err), &err);
        need_finding(&f, "a", "unreadable-images", RADZ_SEVERITY_ERROR, 1, find(&f, "a", "unreadable-images")->examples[0]);
        assert_true(strncmp(find(&f, "a", "unreadable-images")->examples[0], "'9.png': ", 9) == 0);
        need_finding(&f, "a", "blank-images", RADZ_SEVERITY_WARNING, 1, "8.png");
        need_finding(&f, "a", "same-picture", RADZ_SEVERITY_WARNING, 4, "4.png = 1.png");
        need_finding(&f, "a", "same-picture-other-labels", RADZ_SEVERITY_WARNING, 2, "7.png = 1.png");
        need_finding(&f, "a", "picture-overlap", RADZ_SEVERITY_ERROR, 1, "7.png = 1.png");
        need_finding(&f, "a", "shared-pictures", RADZ_SEVERITY_WARNING, 2, "2.png = b/x.png");
        assert_null(find(&f, "b", "shared-pictures")); /* said once */
        need_finding(&f, "a", "common-ids", RADZ_SEVERITY_WARNING, 1, "1.png");
        need_finding(&f, "b", "images-from", RADZ_SEVERITY_WARNING, 1, "");
        assert_null(find(&f, "b", "unreadable-images"));
        if (threads == 1) {
            first = f;
            continue;
        }
        assert_int_equal(f.count, first.count); /* whatever the threads */
        for (size_t i = 0; i < f.count; i++) {
            assert_string_equal(f.items[i].what, first.items[i].what);
            for (int e = 0; e < RADZ_FINDING_EXAMPLES; e++)
                assert_string_equal(f.items[i].examples[e] != NULL ? f.items[i].examples[e] : "",
                                    first.items[i].examples[e] != NULL ? first.items[i].examples[e] : "");
        }
        radz_findings_free(&f);
        radz_findings_free(&first);
    }

    /* the fast form looks at no picture; one data set alone has no neighbour */
    radz_findings f = {0};
    need(radz_checkup(&home, sets + 1, 1, &(radz_checkup_options){.threads = 1}, &f, &err), &err);
    need_finding(&f, "b", "images-from", RADZ_SEVERITY_INFO, 1, "");
    assert_null(find(&f, "b", "common-ids"));
    radz_findings_free(&f);
    need(radz_checkup(&home, sets, 1, &(radz_checkup_options){.threads = 1}, &f, &err), &err);
    assert_null(find(&f, "a", "unreadable-images"));
    assert_null(find(&f, "a", "same-picture"));

    /* what goes into results: findings of the split and of the whole set */
    radz_results *results;
    need(radz_results_create("r", "s", "S", "c", &results, &err), &err);
    need(radz_checkup_report(&f, "a", "test", results, &err), &err);
    size_t wanted = 0;
    for (size_t i = 0; i < f.count; i++)
        wanted += f.items[i].split == NULL || strcmp(f.items[i].split, "test") == 0;
    assert_int_equal(results->n_findings, wanted);
    assert_true(wanted > 0 && wanted < f.count);
    radz_results_free(results);
    radz_findings_free(&f);
    radz_dataset_card_free(a);
    radz_dataset_card_free(b);
}

/* Smooth pictures as radiographs are; `form` 0: PNG, 1: JPEG, 2: half the size, 3: darker. */
static void put_smooth(const char *name, int seed, int form)
{
    enum { LARGE = 512 };
    static unsigned char pixels[LARGE * LARGE];
    size_t side = form == 2 ? LARGE / 2 : LARGE;
    char path[300];
    radz_error err = {0};
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            double u = (double)x / (double)side, v = (double)y / (double)side, sum = 0;
            for (int k = 1; k < 6; k++)
                sum += sin(6.3 * (u * (1 + (seed * k) % 5) + v * (1 + (seed + k * k) % 4)) + seed * k) / k;
            pixels[y * side + x] = (unsigned char)((form == 3 ? 60 : 125) + (form == 3 ? 20 : 45) * sum);
        }
    radz_pixels p = {pixels, side, side, 1, 8};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    need(form == 1 ? radz_jpeg_write(path, &p, 75, &err) : radz_png_write(path, &p, &err), &err);
}

static void near_pictures(void **state)
{
    (void)state;
    radz_error err = {0};
    char root_a[100], root_b[100];
    snprintf(root_a, sizeof root_a, "%s/a", folder);
    snprintf(root_b, sizeof root_b, "%s/b", folder);
    put("a/labels.csv", "Id,Finding,Patient\n1.png,Mass,1\n2.png,none,2\n3.png,Edema,3\n4.png,Mass,4\n5.png,none,5\n");
    put("a/test.txt", "1.png\n2.png\n3.png\n4.png\n");
    put("a/train.txt", "5.png\n");
    for (int i = 1; i <= 4; i++) {
        char name[20];
        snprintf(name, sizeof name, "a/%d.png", i);
        put_smooth(name, i, 0);
    }
    put_smooth("a/5.png", 2, 2); /* 2.png at half its size, in the other split */
    put("b/labels.csv", "Id,Finding,Patient\nx.png,Mass,1\ny.png,none,2\nz.png,none,3\n");
    put_smooth("b/x.png", 1, 1); /* a/1.png as JPEG */
    put_smooth("b/y.png", 3, 3); /* a/3.png darker */
    put_smooth("b/z.png", 7, 0); /* another picture */
    radz_dataset_card *a = put_card("a", "splits: [{name: test, list: [test.txt]}, {name: train, list: [train.txt]}]\n");
    radz_dataset_card *b = put_card("b", "splits: [{name: all}]\n");
    const radz_checkup_dataset sets[] = {{a, root_a}, {b, root_b}};
    for (int threads = 1; threads <= 3; threads += 2) {
        radz_findings f = {0};
        need(radz_checkup(&home, sets, 2, &(radz_checkup_options){.pictures = true, .threads = threads}, &f, &err), &err);
        need_finding(&f, "a", "near-pictures", RADZ_SEVERITY_WARNING, 1, "5.png ~ 2.png (of another split)");
        need_finding(&f, "b", "shared-near-pictures", RADZ_SEVERITY_WARNING, 2, "x.png ~ a/1.png");
        assert_string_equal(find(&f, "b", "shared-near-pictures")->examples[1], "y.png ~ a/3.png");
        assert_null(find(&f, "b", "near-pictures"));
        assert_null(find(&f, "a", "same-picture")); /* no two have the same pixels */
        radz_findings_free(&f);
    }
    radz_dataset_card_free(a);
    radz_dataset_card_free(b);
}

static void same_files(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_results *results;
    unsigned char a_keys[5 * 32] = {0}, b_keys[2 * 32] = {0};
    static const char *const a_names[] = {"1", "2", "3", "4", "5"}, *const b_names[] = {"x", "y"};
    static const bool a_usable[] = {true, true, true, true, false}, b_usable[] = {true, true};
    static const unsigned char a_of[] = {7, 9, 7, 7, 9}, b_of[] = {9, 5}; /* the last of a could not be read */
    for (int i = 0; i < 5; i++)
        a_keys[32 * i + 31] = a_of[i];
    for (int i = 0; i < 2; i++)
        b_keys[32 * i + 31] = b_of[i];
    const radz_checkup_files splits[] = {{"a", "test", a_names, a_names, a_keys, a_usable, 5}, {"b", "all", b_names, b_names, b_keys, b_usable, 2}};
    need(radz_results_create("r", "s", "S", "c", &results, &err), &err);
    need(radz_checkup_same_files(splits, 2, results, &err), &err);
    assert_int_equal(results->n_findings, 2);
    const radz_result_finding *f = results->findings;
    assert_string_equal(f[0].code, "same-file");
    assert_int_equal(f[0].count, 2);
    assert_string_equal(f[0].examples[0], "3 = 1");
    assert_string_equal(f[0].examples[1], "4 = 3");
    assert_null(f[0].examples[2]);
    assert_string_equal(f[1].code, "shared-files");
    assert_string_equal(f[1].dataset, "a");
    assert_int_equal(f[1].count, 1);
    assert_string_equal(f[1].examples[0], "2 = b/x");
    radz_results_free(results);

    static const char *const one_file[] = {"i", "j", "i", "i", "j"}; /* several samples of a file: only i and k differ */
    const radz_checkup_files questions = {"a", "test", a_names, one_file, a_keys, a_usable, 4};
    need(radz_results_create("r", "s", "S", "c", &results, &err), &err);
    need(radz_checkup_same_files(&questions, 1, results, &err), &err);
    assert_int_equal(results->n_findings, 0);
    radz_results_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(pictures_and_neighbours, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(near_pictures, set_up, tear_down),
                                       cmocka_unit_test(same_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
