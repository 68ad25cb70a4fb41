/* Image files inside zip archives: names, contents, folders on cards, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/archive.h"
#include "data/card_engine.h"
#include "data/dataset.h"
#include "data/folders.h"

#define ZIPPED RADZ_TEST_DIR "/golden/data/zipped"
#define IMAGES ZIPPED "/images.zip"

static void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t length;
        const char *member;
    } rows[] = {
        {"/a/b.zip!/c/d.png", 8, "c/d.png"}, {"b.zip!", 5, ""}, {"b.zip!/", 5, ""}, {"/a/b.zip/c", 0, NULL},
        {"/a/b.zip!c", 0, NULL}, {".zip!/x", 0, NULL}, {"/a/.zip!/x", 0, NULL}, {"", 0, NULL}, {"x.zip!y.zip!/z", 11, "z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *member = NULL;
        size_t length = radz_path_in_archive(rows[i].path, &member);
        if (length != rows[i].length || (length > 0 && strcmp(member, rows[i].member) != 0))
            fail_msg("'%s': %zu '%s'", rows[i].path, length, member != NULL ? member : "");
    }
    radz_error err = {0};
    radz_file_stat archive, inside;
    need(radz_file_stat_get(IMAGES, &archive, &err), &err);
    need(radz_file_stat_get(IMAGES "!/pictures/i1.png", &inside, &err), &err);
    assert_memory_equal(&archive, &inside, sizeof archive);
}

static void contents(void **state)
{
    (void)state;
    static const struct {
        const char *member, *same;
    } files[] = {{"pictures/i1.png", "gray8.png"}, {"pictures/i2.png", "gray4.png"}, {"pictures/more/i3.png", "gray.jpg"}};
    static const char *const wanted[] = {"pictures/i1.png", "pictures/i2.png", "pictures/more/i3.png", "readme.txt"};
    radz_error err = {0};
    radz_open_archives open = {0};
    radz_archive *archive, *again;
    const char *const *names;
    size_t count;
    need(radz_archives_get(&open, IMAGES, &archive, &err), &err);
    need(radz_archives_get(&open, IMAGES, &again, &err), &err);
    assert_ptr_equal(archive, again);
    need(radz_archive_names(archive, &names, &count, &err), &err);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(names[i], wanted[i]);
    assert_true(radz_archive_has(archive, "pictures/i1.png"));
    assert_false(radz_archive_has(archive, "pictures/"));
    assert_false(radz_archive_has(archive, "i1.png"));
    for (size_t i = 0; i < 3; i++) {
        char path[500], *data, *same;
        size_t size, same_size;
        snprintf(path, sizeof path, "%s!/%s", IMAGES, files[i].member);
        need(radz_archives_read(&open, path, 1 << 20, &data, &size, &err), &err);
        snprintf(path, sizeof path, RADZ_TEST_DIR "/golden/image/%s", files[i].same);
        need(radz_archives_read(&open, path, 1 << 20, &same, &same_size, &err), &err);
        assert_int_equal(size, same_size);
        assert_memory_equal(data, same, size);
        free(data);
        free(same);
    }
    radz_archives_close(&open);
}

/* The archive with one byte at `at` changed by `mask`, or cut off there. */
static void put_archive(const char *path, long at, int mask)
{
    radz_error err = {0};
    char *data;
    size_t size;
    need(radz_file_read(IMAGES, 1 << 20, &data, &size, &err), &err);
    if (at >= 0 && mask != 0)
        data[at] = (char)(data[at] ^ mask);
    need(radz_file_write(path, data, at >= 0 && mask == 0 ? (size_t)at : size, &err), &err);
    free(data);
}

static long find_bytes(const char *what, size_t length, size_t after)
{
    radz_error err = {0};
    char *data;
    size_t size;
    long at = -1;
    need(radz_file_read(IMAGES, 1 << 20, &data, &size, &err), &err);
    for (size_t i = after; i + length <= size && at < 0; i++)
        if (memcmp(data + i, what, length) == 0)
            at = (long)i;
    free(data);
    assert_true(at >= 0);
    return at;
}

static void damage(void **state)
{
    (void)state;
    char folder[] = "/tmp/radz-archive-XXXXXX", path[200], member[300];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.zip", folder);
    long first = find_bytes("pictures/i2.png", 15, 0) + 15, list = find_bytes("PK\1\2", 4, 0);
    const struct {
        long at;
        int mask;
        const char *member;
        size_t limit;
        radz_status code;
        const char *wanted;
    } rows[] = {
        {-1, 0, "pictures/i9.png", 1 << 20, RADZ_E_MISSING, "a.zip' holds no file 'pictures/i9.png'"},
        {-1, 0, "pictures/i2.png", 10, RADZ_E_VALUE, "a.zip!/pictures/i2.png' has more than the 10 bytes allowed"},
        {first + 40, 1, "pictures/i2.png", 1 << 20, RADZ_E_FORMAT, "a.zip!/pictures/i2.png' is damaged (zip: CRC error)"},
        {list + 8, 1, "pictures/i2.png", 1 << 20, RADZ_E_FORMAT, "a.zip!/pictures/i2.png': cannot unpack: "}, /* said to be encrypted */
        {list + 20, 0, "pictures/i2.png", 1 << 20, RADZ_E_FORMAT, "a.zip' is not a whole zip archive: "},
        {3, 0, "pictures/i2.png", 1 << 20, RADZ_E_FORMAT, "a.zip' is not a whole zip archive: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        radz_error err = {0};
        radz_open_archives open = {0};
        char *data = (char *)1;
        size_t size;
        put_archive(path, rows[i].at, rows[i].mask);
        snprintf(member, sizeof member, "%s!/%s", path, rows[i].member);
        radz_status st = radz_archives_read(&open, member, rows[i].limit, &data, &size, &err);
        if (st != rows[i].code || data != NULL || strstr(err.message, rows[i].wanted) == NULL)
            fail_msg("%zu: %s, %s; wanted %s", i, radz_status_name(st), err.message, rows[i].wanted);
        radz_archives_close(&open);
    }
    unlink(path);
    radz_error err = {0};
    radz_open_archives open = {0};
    char *data;
    size_t size;
    assert_int_equal(radz_archives_read(&open, member, 100, &data, &size, &err), RADZ_E_MISSING);
    assert_non_null(strstr(err.message, "a.zip': No such file"));
    radz_archives_close(&open);
    rmdir(folder);
}

#define HEAD "name: z\ntitle: Z\nlicence: L\nsource: S\ncitation: C\nprovide: P\nsplits: [{name: s}]\n"
static radz_dataset_card *card_of_text(const char *text)
{
    radz_error err = {0};
    void *card;
    need(radz_card_parse(&radz_dataset_schema, "z.yaml", text, strlen(text), &card, &err), &err);
    return card;
}

static void folders(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *wanted;
    } rows[] = {
        {"images.zip!", "images.zip!"}, {"images.zip!/", "images.zip!"}, {"images.zip!/pictures", "images.zip!/pictures"},
        {"*.zip!/*", "images.zip!/pictures"}, {"im*.zip!/pictures/*", "images.zip!/pictures/more"},
        {"images.zip!/pictures/more", "images.zip!/pictures/more"}, {"images.zip!/picture", ""}, {"images.zip!/pictures/i1.png", ""},
        {"none.zip!", ""}, {"images.zip", ""}, {"images.zip!/__MACOSX", ""}, {"./*.zip!/pictures/m*", "images.zip!/pictures/more"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        radz_error err = {0};
        radz_name_table found = {0};
        radz_arena arena = {0};
        snprintf(text, sizeof text, HEAD "reader: csv\nlabels: {files: [l], form: columns}\ncolumns: {image: I}\nclasses: [{name: A}]\n"
                 "images: {folders: [\"%s\"]}\n", rows[i].pattern);
        radz_dataset_card *card = card_of_text(text);
        need(radz_image_folders(card, ZIPPED, &found, &arena, &err), &err);
        const char *got = found.count > 0 ? found.names[0] : "";
        if (found.count > 1 || strcmp(got, rows[i].wanted) != 0)
            fail_msg("'%s': %zu folders, '%s'; wanted '%s'", rows[i].pattern, found.count, got, rows[i].wanted);
        radz_name_table_free(&found);
        radz_arena_free(&arena);
        radz_dataset_card_free(card);
    }
}

/* Ids that are names, ids that are paths, and the files themselves as the rows. */
static void data_sets(void **state)
{
    (void)state;
    static const struct {
        const char *card, *labels;
        size_t n;
        const char *first, *path;
    } rows[] = {
        {HEAD "reader: csv\nlabels: {files: [labels.csv], form: columns}\ncolumns: {image: I}\nclasses: [{name: A}]\n"
              "images: {folders: ['*.zip!/*', images.zip!/pictures/more]}\n", "I,A\ni1.png,1\ni3.png,0\ni9.png,0\n", 2, "i1.png",
         "images.zip!/pictures/i1.png"},
        {HEAD "reader: csv\nlabels: {files: [labels.csv], form: columns}\ncolumns: {image: I}\nclasses: [{name: A}]\n"
              "images: {folders: [images.zip!], extensions: ['', .png]}\n", "I,A\npictures/more/i3,1\npictures/i2.png,0\npictures/,0\n", 2,
         "pictures/i2.png", "images.zip!/pictures/i2.png"},
        {HEAD "reader: folder\nlabels: {form: columns, positive: ['1'], negative: ['2', '3']}\ncolumns: {image: file}\n"
              "classes: [{name: A, column: '{stem:-1}'}]\nimages: {folders: [images.zip!/pictures, 'images.zip!/pictures/*']}\n", NULL, 3,
         "i1.png", "images.zip!/pictures/i1.png"},
    };
    char folder[] = "/tmp/radz-archive-XXXXXX", path[200], labels[200];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/images.zip", folder);
    snprintf(labels, sizeof labels, "%s/labels.csv", folder);
    put_archive(path, -1, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        radz_error err = {0};
        radz_dataset *d;
        radz_dataset_card *card = card_of_text(rows[i].card);
        if (rows[i].labels != NULL)
            need(radz_file_write(labels, rows[i].labels, strlen(rows[i].labels), &err), &err);
        need(radz_dataset_load(card, folder, NULL, NULL, &d, &err), &err);
        assert_int_equal(d->n, rows[i].n);
        assert_string_equal(d->samples[0].image_id, rows[i].first);
        assert_string_equal(d->samples[0].path + strlen(folder) + 1, rows[i].path);
        radz_open_archives open = {0};
        for (size_t k = 0; k < d->n; k++) {
            char *data;
            size_t size;
            need(radz_archives_read(&open, d->samples[k].path, 1 << 20, &data, &size, &err), &err);
            assert_true(size > 50);
            free(data);
        }
        radz_archives_close(&open);
        radz_dataset_free(d);
        put_archive(path, 3, 0);
        assert_int_equal(radz_dataset_load(card, folder, NULL, NULL, &d, &err), RADZ_E_FORMAT);
        assert_non_null(strstr(err.message, "images.zip' is not a whole zip archive"));
        put_archive(path, -1, 0);
        radz_dataset_card_free(card);
    }
    unlink(path);
    unlink(labels);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths), cmocka_unit_test(contents), cmocka_unit_test(damage),
                                       cmocka_unit_test(folders), cmocka_unit_test(data_sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
