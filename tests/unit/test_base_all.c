/* The base room: errors, memory, strings, files, hashes, JSON, random numbers, elementary functions, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>

#include "base/detmath.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/workers.h"

static void first_error_wins_and_can_be_prefixed(void **state)
{
    (void)state;
    radz_error err = {0};
    assert_int_equal(radz_fail(&err, RADZ_E_IO, "first %d", 1), RADZ_E_IO);
    assert_int_equal(radz_fail(&err, RADZ_E_VALUE, "second"), RADZ_E_VALUE);
    assert_int_equal(err.code, RADZ_E_IO);
    assert_int_equal(radz_prefix(&err, "file '%s'", "x"), RADZ_E_IO);
    assert_string_equal(err.message, "file 'x': first 1");
    char longer[3000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    radz_error_clear(&err);
    (void)radz_fail(&err, RADZ_E_IO, "%s", longer);
    (void)radz_prefix(&err, "head");
    assert_true(radz_str_starts(err.message, "head: aaa"));
    assert_true(radz_str_ends(err.message, "..."));
    assert_int_equal(strlen(err.message), RADZ_ERROR_MESSAGE_SIZE - 1);
    assert_int_equal(radz_fail(NULL, RADZ_E_IO, "no place for it"), RADZ_E_IO);
}

static void numbers_are_parsed_strictly(void **state)
{
    (void)state;
    int64_t whole;
    double real;
    static const char *const bad_whole[] = {"", " 1", "1 ", "0x10", "1.0", "1e3", "+-1", "99999999999999999999", "-"};
    for (size_t i = 0; i < sizeof bad_whole / sizeof *bad_whole; i++)
        assert_int_equal(radz_parse_i64(bad_whole[i], INT64_MIN, INT64_MAX, &whole, NULL), RADZ_E_VALUE);
    assert_int_equal(radz_parse_i64("-42", -42, 0, &whole, NULL), RADZ_OK);
    assert_int_equal(whole, -42);
    assert_int_equal(radz_parse_i64("-43", -42, 0, &whole, NULL), RADZ_E_VALUE);
    static const char *const bad_real[] = {"", " 1", "1 ", "0x1p3", "nan", "inf", "infinity", "1,5", "1e999", "e5", "-"};
    for (size_t i = 0; i < sizeof bad_real / sizeof *bad_real; i++)
        assert_int_equal(radz_parse_double(bad_real[i], true, &real, NULL), RADZ_E_VALUE);
    assert_int_equal(radz_parse_double("-1.5e-3", true, &real, NULL), RADZ_OK);
    assert_true(real == -1.5e-3);
    assert_int_equal(radz_parse_double("nan", false, &real, NULL), RADZ_OK);
    assert_true(isnan(real));
}

static void unknown_names_list_the_known(void **state)
{
    (void)state;
    static const char *const known[] = {"clip-posneg", "clip-cosine"};
    radz_error err = {0};
    assert_int_equal(radz_fail_unknown_in(&err, "scorer", "clip-cosin", known, 2), RADZ_E_USAGE);
    assert_string_equal(err.message,
                        "unknown scorer 'clip-cosin' (did you mean 'clip-cosine'?); known: clip-posneg, clip-cosine");
    radz_error_clear(&err);
    (void)radz_fail_unknown_in(&err, "scorer", "zebra", known, 2);
    assert_string_equal(err.message, "unknown scorer 'zebra'; known: clip-posneg, clip-cosine");
}

static void arena_and_growth(void **state)
{
    (void)state;
    radz_arena arena = {0};
    for (size_t i = 0; i < 1000; i++) {
        char *text = radz_arena_printf(&arena, NULL, "%zu", i * 1000);
        assert_int_equal(strtoul(text, NULL, 10), i * 1000);
        assert_int_equal((uintptr_t)text % 16, 0);
    }
    char *large = radz_arena_alloc(&arena, 1, 1 << 20, NULL);
    assert_int_equal(large[(1 << 20) - 1], 0);
    radz_error err = {0};
    assert_null(radz_arena_alloc(&arena, SIZE_MAX / 2, 4, &err));
    assert_int_equal(err.code, RADZ_E_NOMEM);
    radz_arena_free(&arena);
    int *numbers = NULL;
    size_t capacity = 0;
    assert_int_equal(radz_grow(&numbers, &capacity, 100, sizeof *numbers, NULL), RADZ_OK);
    assert_true(capacity >= 100);
    assert_int_equal(radz_grow(&numbers, &capacity, SIZE_MAX / 2, sizeof *numbers, NULL), RADZ_E_NOMEM);
    free(numbers);
}

static void files_appear_whole_or_not_at_all(void **state)
{
    (void)state;
    char folder[] = "/tmp/radz-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *deep = radz_path_join(folder, "a/b/c", NULL);
    assert_int_equal(radz_mkdirs(deep, NULL), RADZ_OK);
    assert_true(radz_file_is_dir(deep));
    char *path = radz_path_join(deep, "file", NULL);
    assert_int_equal(radz_file_write(path, "old", 3, NULL), RADZ_OK);
    radz_out out;
    assert_int_equal(radz_out_open(path, &out, NULL), RADZ_OK);
    fputs("half of the new", out.stream);
    radz_out_abandon(&out);
    char *data;
    size_t size;
    assert_int_equal(radz_file_read(path, 100, &data, &size, NULL), RADZ_OK);
    assert_string_equal(data, "old");
    free(data);
    radz_error err = {0};
    assert_int_equal(radz_file_read(path, 2, &data, &size, &err), RADZ_E_VALUE);
    assert_null(data);

    /* a full disk: the size limit stands in for it */
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old_limit, small = {4096, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &old_limit);
    small.rlim_max = old_limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    char *big = calloc(1, 100000);
    radz_error_clear(&err);
    assert_int_equal(radz_file_write(path, big, 100000, &err), RADZ_E_IO);
    assert_non_null(strstr(err.message, path));
    setrlimit(RLIMIT_FSIZE, &old_limit);
    free(big);
    radz_strlist names = {0};
    assert_int_equal(radz_dir_list(deep, "", &names, NULL), RADZ_OK);
    assert_int_equal(names.count, 1); /* no temporary file stays */
    assert_string_equal(names.items[0], "file");
    radz_strlist_free(&names);

    radz_error_clear(&err);
    char *under_file = radz_path_join(path, "sub", NULL);
    assert_int_equal(radz_mkdirs(under_file, &err), RADZ_E_IO);

    /* a folder that is there and takes no files, also not root's; one that does keeps nothing */
    char *fresh = radz_path_join(folder, "a/new", NULL);
    assert_int_equal(radz_need_writable(fresh, NULL), RADZ_OK);
    names = (radz_strlist){0};
    assert_int_equal(radz_dir_list(fresh, "", &names, NULL), RADZ_OK);
    assert_int_equal(names.count, 0);
    radz_strlist_free(&names);
    free(fresh);
    radz_error_clear(&err);
    assert_int_not_equal(radz_need_writable("/proc", &err), RADZ_OK);
    assert_non_null(strstr(err.message, "'/proc/"));
    radz_map map;
    assert_int_equal(radz_map_open(deep, &map, NULL), RADZ_E_IO);
    assert_int_equal(radz_map_open("/nonexistent", &map, NULL), RADZ_E_MISSING);
    free(under_file);
    unlink(path);
    free(path);
    rmdir(deep);
    free(deep);
}

static void sha256_is_the_standard_one(void **state)
{
    (void)state;
    char hex[RADZ_SHA256_HEX_SIZE];
    assert_int_equal(radz_sha256_data("abc", 3, hex, NULL), RADZ_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-4 */
    assert_int_equal(radz_sha256_data("", 0, hex, NULL), RADZ_OK);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void json_reads_and_names_its_errors(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_json_doc *doc;
    static const char text[] = "{\"a\": 3, \"b\": [1.5, \"x\"], \"c\": {\"d\": true}}";
    assert_int_equal(radz_json_parse(text, sizeof text - 1, "f.json", &doc, &err), RADZ_OK);
    const radz_json *root = radz_json_root(doc);
    int64_t a;
    assert_int_equal(radz_json_need_i64(doc, root, "a", 0, 5, &a, &err), RADZ_OK);
    assert_int_equal(a, 3);
    assert_int_equal(radz_json_need_i64(doc, root, "a", 0, 2, &a, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "'f.json': key 'a': 3 is outside 0 to 2");
    radz_error_clear(&err);
    assert_int_equal(radz_json_need_i64(doc, root, "b", 0, 2, &a, &err), RADZ_E_FORMAT);
    assert_string_equal(err.message, "'f.json': key 'b': found a list, wanted a whole number");
    radz_error_clear(&err);
    assert_int_equal(radz_json_need_i64(doc, root, "z", 0, 2, &a, &err), RADZ_E_MISSING);
    radz_json_free(doc);
    radz_error_clear(&err);
    static const char twice[] = "{\"a\": 1,\n \"a\": 2}";
    assert_int_equal(radz_json_parse(twice, sizeof twice - 1, "f.json", &doc, &err), RADZ_E_FORMAT);
    assert_non_null(strstr(err.message, "line 2"));
    assert_null(doc);
}

static void json_writes_the_same_bytes(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    radz_json_writer w;
    radz_json_writer_init(&w, stream);
    radz_json_object_begin(&w, NULL);
    radz_json_put_string(&w, "s", "a\"b\\\n\x01\xff\xc3\xa9");
    radz_json_put_double(&w, "tenth", 0.1);
    radz_json_put_double(&w, "nan", NAN);
    radz_json_array_begin_inline(&w, "l");
    radz_json_put_i64(&w, NULL, 1);
    radz_json_put_i64(&w, NULL, -2);
    radz_json_array_end(&w);
    radz_json_object_begin(&w, "empty");
    radz_json_object_end(&w);
    radz_json_object_end(&w);
    fclose(stream);
    assert_string_equal(text, "{\n  \"s\": \"a\\\"b\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\",\n  \"tenth\": 0.1,\n  \"nan\": null,\n"
                              "  \"l\": [1, -2],\n  \"empty\": {}\n}\n");
    radz_json_doc *doc;
    assert_int_equal(radz_json_parse(text, size, "own", &doc, NULL), RADZ_OK);
    radz_json_free(doc);
    free(text);
}

static void random_numbers_are_pcg32(void **state)
{
    (void)state;
    radz_rng rng;
    radz_rng_seed(&rng, 42, 54); /* the sequence printed by the reference implementation's demo */
    static const uint32_t wanted[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(radz_rng_u32(&rng), wanted[i]);
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double x = radz_rng_normal(&rng);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / 100000) < 0.015);        /* 4.7 standard errors; observed below 0.01 */
    assert_true(fabs(squares / 100000 - 1) < 0.02); /* 4.5 standard errors */
}

static void elementary_functions_match_libm(void **state)
{
    (void)state;
    double worst[6] = {0};
    for (int i = -20000; i <= 20000; i++) {
        double x = i / 1000.0 + 1e-5;
        worst[0] = fmax(worst[0], fabs(det_exp(x) / exp(x) - 1));
        worst[1] = fmax(worst[1], fabs(det_sin(x) - sin(x)));
        worst[2] = fmax(worst[2], fabs(det_cos(x) - cos(x)));
        if (x > 0) {
            worst[3] = fmax(worst[3], fabs(det_log(x) - log(x)) / fmax(1, fabs(log(x))));
            worst[4] = fmax(worst[4], fabs(det_pow(x, 1.7) / pow(x, 1.7) - 1));
        }
        worst[5] = fmax(worst[5], fabs(det_atan2(x, 1.5 - x * x / 7) - atan2(x, 1.5 - x * x / 7)));
    }
    for (int i = 0; i < 6; i++) /* observed: 4e-16, 7e-16, 7e-16, 3e-16, 1e-15, 9e-16 */
        assert_true(worst[i] < 4e-15);
}

typedef struct counting {
    atomic_size_t sum;
    size_t fail_at;
} counting;

static radz_status count_up(void *context, size_t i, int worker, radz_error *err)
{
    counting *c = context;
    (void)worker;
    if (i == c->fail_at)
        return radz_fail(err, RADZ_E_VALUE, "item %zu", i);
    atomic_fetch_add(&c->sum, i);
    return RADZ_OK;
}

static void loops_run_on_threads_and_stop_at_errors(void **state)
{
    (void)state;
    counting c = {.fail_at = SIZE_MAX};
    assert_int_equal(radz_parallel_for(1000, 4, count_up, &c, NULL), RADZ_OK);
    assert_int_equal(atomic_load(&c.sum), 499500);
    radz_error err = {0};
    c.fail_at = 17;
    assert_int_equal(radz_parallel_for(1000, 4, count_up, &c, &err), RADZ_E_VALUE);
    assert_string_equal(err.message, "item 17");
    radz_error_clear(&err);
    c.fail_at = SIZE_MAX;
    radz_cancel_request();
    assert_int_equal(radz_parallel_for(1000, 4, count_up, &c, &err), RADZ_E_INTERRUPTED);
    radz_cancel_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_error_wins_and_can_be_prefixed),
        cmocka_unit_test(numbers_are_parsed_strictly),
        cmocka_unit_test(unknown_names_list_the_known),
        cmocka_unit_test(arena_and_growth),
        cmocka_unit_test(files_appear_whole_or_not_at_all),
        cmocka_unit_test(sha256_is_the_standard_one),
        cmocka_unit_test(json_reads_and_names_its_errors),
        cmocka_unit_test(json_writes_the_same_bytes),
        cmocka_unit_test(random_numbers_are_pcg32),
        cmocka_unit_test(elementary_functions_match_libm),
        cmocka_unit_test(loops_run_on_threads_and_stop_at_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
