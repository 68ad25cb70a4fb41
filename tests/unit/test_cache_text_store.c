/* Texts in the cache: of every length that matters, kept for good, and never read from a file that was cut or altered. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "cache/memo.h"
#include "cache/segment.h"
#include "cache/text_store.h"
#include "must.h"

enum { KEY = RADZ_CACHE_KEY_SIZE, PART = 252 /* bytes of a text in a row of the store */ };
#define DESCRIPTION "model: m\ndialogue: d"

static char folder[64]; /* of the running test */

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/radz-texts-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void key_of(size_t i, unsigned char key[KEY])
{
    char text[32], hex[RADZ_SHA256_HEX_SIZE];
    snprintf(text, sizeof text, "question %zu", i);
    MUST(radz_sha256_data(text, strlen(text), hex, &err));
    assert_true(radz_key_from_hex(hex, key));
}

/* Text `i`: `length` bytes, zeros among them. */
static char *text_of(size_t i, size_t length)
{
    char *text = malloc(length + 1);
    assert_non_null(text);
    for (size_t k = 0; k < length; k++)
        text[k] = (char)(k * 31 + i * 7 + k / 251);
    text[length] = '\0';
    return text;
}

static const size_t LENGTHS[] = {0, 1, 17, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1, 5000, 100000};
enum { TEXTS = sizeof LENGTHS / sizeof *LENGTHS };

typedef struct opened {
    radz_cache *cache;
    radz_text_store *store;
} opened;

static opened open_it(void)
{
    opened o;
    MUST(radz_cache_open(folder, &o.cache, &err));
    MUST(radz_text_store_open(o.cache, "answer", DESCRIPTION, &o.store, &err));
    return o;
}

static void close_it(opened *o)
{
    MUST(radz_text_store_close(o->store, &err));
    radz_cache_free(o->cache);
}

static void put_all(radz_text_store *store)
{
    for (size_t i = 0; i < TEXTS; i++) {
        unsigned char key[KEY];
        char *text = text_of(i, LENGTHS[i]);
        key_of(i, key);
        MUST(radz_text_store_put(store, key, text, LENGTHS[i], &err));
        free(text);
    }
}

/* How many of the texts are there; those that are must be right, to the byte and the NUL behind them. */
static size_t count_right(radz_text_store *store)
{
    size_t there = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        unsigned char key[KEY];
        char *text, *wanted = text_of(i, LENGTHS[i]);
        size_t length;
        bool has;
        key_of(i, key);
        MUST(radz_text_store_get(store, key, &text, &length, &err));
        MUST(radz_text_store_has(store, key, 1, &has, &err));
        assert_int_equal(has, text != NULL);
        if (text != NULL) {
            assert_int_equal(length, LENGTHS[i]);
            assert_memory_equal(text, wanted, length + 1);
            there++;
        }
        free(text);
        free(wanted);
    }
    return there;
}

static void texts_come_back(void **state)
{
    (void)state;
    opened o = open_it();
    assert_int_equal(count_right(o.store), 0);
    put_all(o.store);
    assert_int_equal(count_right(o.store), TEXTS); /* before anything is written */
    MUST(radz_text_store_flush(o.store, &err));
    assert_int_equal(count_right(o.store), TEXTS);
    close_it(&o);
    o = open_it();
    assert_int_equal(count_right(o.store), TEXTS);
    MUST(radz_text_store_compact(o.store, &err));
    assert_int_equal(count_right(o.store), TEXTS);
    close_it(&o);
}

static void a_key_keeps_its_text(void **state)
{
    (void)state;
    opened o = open_it();
    unsigned char keys[2][KEY];
    char *text;
    size_t length;
    bool all;
    key_of(0, keys[0]);
    key_of(1, keys[1]);
    MUST(radz_text_store_put(o.store, keys[0], "Yes.", 4, &err));
    MUST(radz_text_store_put(o.store, keys[0], "No, there is none.", 18, &err));
    MUST(radz_text_store_get(o.store, keys[0], &text, &length, &err));
    assert_string_equal(text, "Yes.");
    free(text);
    MUST(radz_text_store_has(o.store, keys[0], 2, &all, &err)); /* one of the two */
    assert_false(all);
    MUST(radz_text_store_put(o.store, keys[1], "", 0, &err));
    MUST(radz_text_store_has(o.store, keys[0], 2, &all, &err));
    assert_true(all);
    MUST(radz_text_store_has(o.store, keys[0], 0, &all, &err));
    assert_true(all);
    radz_error err = {0};
    static char room[1];
    assert_int_equal(radz_text_store_put(o.store, keys[1], room, (16u << 20) + 1, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "16777217 bytes, wanted at most 16777216"));
    close_it(&o);
}

/* Another description is another store. */
static void descriptions_part_texts(void **state)
{
    (void)state;
    opened o = open_it();
    put_all(o.store);
    radz_text_store *other;
    MUST(radz_text_store_open(o.cache, "answer", DESCRIPTION "\nanswer: longer", &other, &err));
    assert_int_equal(count_right(other), 0);
    MUST(radz_text_store_close(other, &err));
    close_it(&o);
}

/* ---- damage ---- */

static char warnings[4096];
static void keep_warning(void *context, radz_log_level level, const char *line)
{
    (void)context;
    if (level == RADZ_LOG_WARNING && strlen(warnings) + strlen(line) + 2 < sizeof warnings) {
        strcat(warnings, line);
        strcat(warnings, "\n");
    }
}

static char segment[512];
static int find_segment(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    size_t length = strlen(path), tail = strlen(RADZ_SEGMENT_SUFFIX);
    if (type == FTW_F && length > tail && strcmp(path + length - tail, RADZ_SEGMENT_SUFFIX) == 0)
        snprintf(segment, sizeof segment, "%s", path);
    return 0;
}

/* The file of all texts, compacted into one; its bytes. */
static char *one_file(size_t *size)
{
    char *data;
    opened o = open_it();
    put_all(o.store);
    MUST(radz_text_store_compact(o.store, &err));
    close_it(&o);
    segment[0] = '\0';
    assert_int_equal(nftw(folder, find_segment, 8, FTW_PHYS), 0);
    assert_true(segment[0] != '\0');
    MUST(radz_file_read(segment, 1 << 24, &data, size, &err));
    return data;
}

static void write_segment(const char *data, size_t size)
{
    FILE *f = fopen(segment, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Opens the cache over a spoilt file: it is named, nothing wrong is given out, and the texts can be stored again. */
static void expect_named_and_rebuilt(void)
{
    warnings[0] = '\0';
    opened o = open_it();
    assert_int_equal(count_right(o.store), 0);
    if (strstr(warnings, segment) == NULL)
        fail_msg("'%s' is damaged, and not named in: %s", segment, warnings);
    put_all(o.store);
    assert_int_equal(count_right(o.store), TEXTS);
    close_it(&o);
    o = open_it();
    assert_int_equal(count_right(o.store), TEXTS);
    close_it(&o);
}

static void damaged_files_are_never_read_as_good(void **state)
{
    (void)state;
    radz_log_set_sink(keep_warning, NULL);
    for (int round = 0; round < 8; round++) {
        size_t size;
        char *data = one_file(&size);
        if (round < 4) /* cut: to nothing, early, in the middle, by one byte */
            write_segment(data, round == 0 ? 0 : round == 1 ? 100 : round == 2 ? size / 2 : size - 1);
        else {
            data[size * (size_t)(2 * round - 7) / 10] ^= 16; /* one bit, at several places */
            write_segment(data, size);
        }
        free(data);
        expect_named_and_rebuilt();
        assert_int_equal(tear_down(NULL), 0);
        assert_int_equal(mkdir(folder, 0700), 0);
    }
    radz_log_set_sink(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_keeps_its_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(descriptions_part_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_files_are_never_read_as_good, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
