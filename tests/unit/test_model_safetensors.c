/* The safetensors reader and writer: what is right, and every way of being wrong. */
#include <math.h>
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
#include "model/safetensors.h"
#include "must.h"

#define GOLDEN RADZ_TEST_DIR "/golden/clip/"

/* A file image: header length, header, `bytes` bytes of data 0, 1, 2, ... The caller frees it. */
static unsigned char *image_of(const char *header, size_t bytes, size_t *size)
{
    size_t length = strlen(header);
    *size = 8 + length + bytes;
    unsigned char *image = malloc(*size + 1);
    for (int i = 0; i < 8; i++)
        image[i] = (unsigned char)((uint64_t)length >> (8 * i));
    memcpy(image + 8, header, length);
    for (size_t i = 0; i < bytes; i++)
        image[8 + length + i] = (unsigned char)i;
    return image;
}

static void assert_bad(const void *image, size_t size, radz_status code, const char *part)
{
    radz_error err = {0};
    safetensors *st;
    radz_status status = safetensors_parse(image, size, "a file", &st, &err);
    assert_null(st);
    if (status != code || strstr(err.message, part) == NULL || strstr(err.message, "'a file'") == NULL)
        fail_msg("status %s, '%s' (wanted '%s')", radz_status_name(status), err.message, part);
}

static void good_files(void **state)
{
    (void)state;
    size_t size;
    unsigned char *image = image_of("{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"I16\",\"shape\":[2,3],\"data_offsets\":[4,16]},"
                                    "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[4,4]},"
                                    "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}   ", 16, &size);
    safetensors *st;
    MUST(safetensors_parse(image, size, "a file", &st, &err));
    assert_int_equal(safetensors_count(st), 3);
    assert_string_equal(safetensors_at(st, 0)->name, "a");
    assert_null(safetensors_at(st, 3));
    const safetensors_entry *b = safetensors_find(st, "b");
    assert_int_equal(b->dtype, T_I16);
    assert_int_equal(b->ndim, 2);
    assert_int_equal(b->shape[1], 3);
    assert_int_equal(b->bytes, 12);
    assert_int_equal(*(const unsigned char *)b->data, 4);
    assert_int_equal(safetensors_find(st, "a")->ndim, 0);
    assert_int_equal(safetensors_find(st, "empty")->bytes, 0);
    assert_null(safetensors_find(st, "c"));
    safetensors_free(st);
    free(image);

    image = image_of("{}", 0, &size);
    MUST(safetensors_parse(image, size, "a file", &st, &err));
    assert_int_equal(safetensors_count(st), 0);
    assert_null(safetensors_find(st, "a"));
    MUST(safetensors_check_finite(st, 2, &err));
    safetensors_free(st);
    free(image);
    safetensors_free(NULL);
}

#define TENSOR(NAME, DTYPE, SHAPE, FROM, TO)                                                                            \
    "\"" NAME "\":{\"dtype\":\"" DTYPE "\",\"shape\":" SHAPE ",\"data_offsets\":[" #FROM "," #TO "]}"

static void bad_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t bytes;
        radz_status code;
        const char *part;
    } cases[] = {
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("b", "F32", "[2]", 4, 12) "}", 12, RADZ_E_FORMAT,
         "tensors 'a' and 'b' overlap by 4 bytes"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("b", "F32", "[2]", 0, 8) "}", 8, RADZ_E_FORMAT, "overlap by 8 bytes"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("b", "F32", "[2]", 12, 20) "}", 20, RADZ_E_FORMAT,
         "4 bytes before tensor 'b' belong to no tensor"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "}", 9, RADZ_E_FORMAT, "the last 1 bytes belong to no tensor"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "}", 7, RADZ_E_FORMAT, "tensor 'a': offsets [0, 8] are not within the 7 bytes"},
        {"{" TENSOR("a", "F32", "[2]", 8, 0) "}", 8, RADZ_E_FORMAT, "offsets [8, 0] are not within"},
        {"{" TENSOR("a", "F32", "[2]", -4, 4) "}", 8, RADZ_E_FORMAT, "offsets [-4, 4] are not within"},
        {"{" TENSOR("a", "F32", "[2]", 0, 9223372036854775807) "}", 8, RADZ_E_FORMAT, "are not within the 8 bytes"},
        {"{" TENSOR("a", "F32", "[3]", 0, 8) "}", 8, RADZ_E_FORMAT, "offsets span 8 bytes, its shape and type need 12"},
        {"{" TENSOR("a", "F32", "[4294967296,4294967296,4]", 0, 8) "}", 8, RADZ_E_FORMAT, "its shape overflows"},
        {"{" TENSOR("a", "F32", "[-2]", 0, 8) "}", 8, RADZ_E_FORMAT, "size 0 of its shape"},
        {"{" TENSOR("a", "F32", "[2.0]", 0, 8) "}", 8, RADZ_E_FORMAT, "size 0 of its shape"},
        {"{" TENSOR("a", "F32", "2", 0, 8) "}", 8, RADZ_E_FORMAT, "'shape' is missing or not an array"},
        {"{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,2]", 0, 8) "}", 8, RADZ_E_UNSUPPORTED, "9 dimensions; at most 8"},
        {"{" TENSOR("a", "F8_E4M3", "[8]", 0, 8) "}", 8, RADZ_E_UNSUPPORTED, "tensor 'a' has elements of type F8_E4M3"},
        {"{" TENSOR("a", "f32", "[2]", 0, 8) "}", 8, RADZ_E_FORMAT, "unknown element type 'f32'"},
        {"{" TENSOR("a", "F32", "[1]", 0, 4) "," TENSOR("a", "F32", "[1]", 4, 8) "}", 8, RADZ_E_FORMAT, "not valid JSON"},
        {"{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, RADZ_E_FORMAT, "'dtype' is missing"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, RADZ_E_FORMAT, "'shape' is missing"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, RADZ_E_FORMAT, "'data_offsets' is not"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, RADZ_E_FORMAT, "'data_offsets' is not"},
        {"{\"a\":[1]}", 0, RADZ_E_FORMAT, "tensor 'a': wanted an object"},
        {"{\"__metadata__\":3}", 0, RADZ_E_FORMAT, "'__metadata__' is not an object"},
        {"[1]", 0, RADZ_E_FORMAT, "does not start with '{'"},
        {"{\"a\":", 0, RADZ_E_FORMAT, "not valid JSON"},
        {"", 0, RADZ_E_FORMAT, "does not start with '{'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size;
        unsigned char *image = image_of(cases[i].header, cases[i].bytes, &size);
        assert_bad(image, size, cases[i].code, cases[i].part);
        free(image);
    }
}

static void truncated_and_foreign_files(void **state)
{
    (void)state;
    size_t size;
    unsigned char *image = image_of("{" TENSOR("a", "F32", "[2]", 0, 8) "}", 8, &size);
    for (size_t n = 0; n < size; n++) { /* in a block of its own, so that a read past the end shows */
        unsigned char *copy = malloc(n > 0 ? n : 1);
        memcpy(copy, image, n);
        assert_bad(copy, n, RADZ_E_FORMAT, "");
        free(copy);
    }
    free(image);
    assert_bad("PK\3\4\0\0\0\0\0\0", 10, RADZ_E_FORMAT, "not a file of torch.save");
    assert_bad("\0\0\3\4\0\0\0\0\0\0", 10, RADZ_E_FORMAT, "header of 67305472 bytes in a file of 10 bytes");
    assert_bad("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, RADZ_E_FORMAT, "not a safetensors file");
    assert_bad("hello, this is text", 19, RADZ_E_FORMAT, "not a safetensors file");

    radz_error err = {0};
    safetensors *st;
    assert_int_equal(safetensors_open("/nonexistent/model.safetensors", &st, &err), RADZ_E_MISSING);
    assert_non_null(strstr(err.message, "/nonexistent/model.safetensors"));
}

/* ---- NaN and infinity -------------------------------------------------------------------------------------------- */

static void finds_what_is_not_finite(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t size;
        uint64_t bad[3], good[3]; /* NaN, infinity, -NaN; largest, smallest subnormal, -largest */
    } types[] = {
        {"F64", 8, {0x7ff8000000000000, 0x7ff0000000000000, 0xfff0000000000001}, {0x7fefffffffffffff, 1, 0xffefffffffffffff}},
        {"F32", 4, {0x7fc00000, 0x7f800000, 0xff800001}, {0x7f7fffff, 1, 0xff7fffff}},
        {"F16", 2, {0x7e00, 0x7c00, 0xfc01}, {0x7bff, 1, 0xfbff}},
        {"BF16", 2, {0x7fc0, 0x7f80, 0xff81}, {0x7f7f, 1, 0xff7f}},
        {"I32", 4, {0, 0, 0}, {0x7fc00000, 0x7f800000, 0xff800001}},
    };
    const size_t bytes = ((size_t)9 << 20) + 24; /* three pieces, and not a whole block at the end */
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        char header[256], part[64];
        size_t size, count = bytes / types[t].size;
        snprintf(header, sizeof header, "{\"first\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                 "\"x\":{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[4,%zu]}}", types[t].name, count, bytes + 4);
        unsigned char *image = image_of(header, bytes + 4, &size);
        unsigned char *data = image + size - bytes;
        memset(data - 4, 0, bytes + 4);
        safetensors *st;
        MUST(safetensors_parse(image, size, "a file", &st, &err));
        const size_t places[] = {0, 1, 1023, 2048, count / 2, ((size_t)4 << 20) / types[t].size, count - 1};
        for (size_t p = 0; p < sizeof places / sizeof *places; p++)
            for (int v = 0; v < 6; v++) {
                bool bad = v < 3 && types[t].bad[v] != 0;
                memcpy(data + places[p] * types[t].size, v < 3 ? &types[t].bad[v] : &types[t].good[v - 3], types[t].size);
                for (int threads = 1; threads <= 2; threads++) {
                    radz_error err = {0};
                    radz_status status = safetensors_check_finite(st, threads, &err);
                    assert_int_equal(status, bad ? RADZ_E_VALUE : RADZ_OK);
                    snprintf(part, sizeof part, "tensor 'x' holds a NaN or an infinity at element %zu", places[p]);
                    if (bad)
                        assert_non_null(strstr(err.message, part));
                }
                memset(data + places[p] * types[t].size, 0, types[t].size);
            }
        safetensors_free(st);
        free(image);
    }
}

/* ---- shards ------------------------------------------------------------------------------------------------------ */

static char folder[] = "/tmp/radz_safetensors_XXXXXX";

static void put_file(const char *name, const void *data, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    MUST(radz_file_write(path, data, size, &err));
}

static void put_shard(const char *name, const char *header, size_t bytes)
{
    size_t size;
    unsigned char *image = image_of(header, bytes, &size);
    put_file(name, image, size);
    free(image);
}

static void assert_index(const char *json, radz_status code, const char *part)
{
    radz_error err = {0};
    safetensors *st;
    put_file("model.safetensors.index.json", json, strlen(json));
    radz_status status = safetensors_open_dir(folder, &st, &err);
    if (status != code || (code != RADZ_OK && strstr(err.message, part) == NULL))
        fail_msg("status %s, '%s' (wanted '%s')", radz_status_name(status), err.message, part);
    if (status == RADZ_OK)
        assert_int_equal(safetensors_count(st), 2);
    safetensors_free(st);
}

static void shards(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    put_shard("one.safetensors", "{" TENSOR("a", "F32", "[2]", 0, 8) "}", 8);
    put_shard("two.safetensors", "{" TENSOR("b", "F32", "[2]", 0, 8) "}", 8);
    put_shard("again.safetensors", "{" TENSOR("a", "F32", "[2]", 0, 8) "}", 8);
    assert_index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}", RADZ_OK, "");
    assert_index("{\"weight_map\":{\"a\":\"two.safetensors\",\"b\":\"two.safetensors\"}}", RADZ_E_MISSING, "tensor 'a' is not in 'two.safetensors'");
    assert_index("{\"weight_map\":{\"a\":\"two.safetensors\",\"b\":\"one.safetensors\"}}", RADZ_E_FORMAT, "the index says 'two.safetensors'");
    assert_index("{\"weight_map\":{\"a\":\"one.safetensors\",\"c\":\"two.safetensors\"}}", RADZ_E_MISSING, "tensor 'c'");
    assert_index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"three.safetensors\"}}", RADZ_E_MISSING, "three.safetensors");
    assert_index("{\"weight_map\":{\"a\":\"../one.safetensors\"}}", RADZ_E_FORMAT, "a file in the same folder");
    assert_index("{\"weight_map\":{\"a\":7}}", RADZ_E_FORMAT, "a file in the same folder");
    assert_index("{\"weight_map\":[]}", RADZ_E_FORMAT, "weight_map");
    assert_index("{\"weight_map\":{\"a\":\"one.safetensors\",\"z\":\"again.safetensors\"}}", RADZ_E_FORMAT, "tensor 'a' is in");
    put_shard("one.safetensors", "{" TENSOR("a", "F32", "[1]", 0, 4) "," TENSOR("s", "F32", "[1]", 4, 8) "}", 8);
    assert_index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}", RADZ_E_FORMAT, "does not list tensor 's'");

    /* whether a file is whole can be asked without opening it; one of torch.save under that name is not its business */
    char path[256];
    radz_error why = {0};
    snprintf(path, sizeof path, "%s/one.safetensors", folder);
    assert_int_equal(safetensors_check(path, &why), RADZ_OK);
    assert_int_equal(truncate(path, 40), 0);
    assert_int_equal(safetensors_check(path, &why), RADZ_E_FORMAT);
    assert_non_null(strstr(why.message, path));
    radz_error_clear(&why);
    put_file("one.safetensors", "PK\3\4 and so on", 14);
    assert_int_equal(safetensors_check(path, &why), RADZ_OK);
    assert_int_equal(safetensors_check(GOLDEN "whole/golden.safetensors", &why), RADZ_OK);

    safetensors *st; /* as transformers writes them */
    MUST(safetensors_open_dir(GOLDEN "whole", &st, &err));
    assert_int_equal(safetensors_count(st), 78);
    safetensors_free(st);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static radz_status fetch_copy(void *context, size_t i, void *buffer, size_t bytes, radz_error *err)
{
    const safetensors_entry *entries = context;
    if (entries[i].data == NULL)
        return radz_fail(err, RADZ_E_BACKEND, "no data");
    memcpy(buffer, entries[i].data, bytes);
    return RADZ_OK;
}

static void writing(void **state)
{
    (void)state;
    char path[256], again[256];
    snprintf(path, sizeof path, "%s/written.safetensors", folder);
    snprintf(again, sizeof again, "%s/again.safetensors", folder);
    double wide[2] = {1.5, -2.5};
    float narrow[6] = {1, 2, 3, 4, 5, 6}, scalar = 42;
    unsigned char bytes[3] = {7, 8, 9};
    safetensors_entry entries[] = {
        {.name = "bytes", .dtype = T_U8, .ndim = 1, .shape = {3}, .data = bytes},
        {.name = "z \"quoted\" \xc3\xa9", .dtype = T_F32, .ndim = 2, .shape = {2, 3}, .data = narrow},
        {.name = "scalar", .dtype = T_F32, .data = &scalar},
        {.name = "wide", .dtype = T_F64, .ndim = 1, .shape = {2}, .data = wide},
        {.name = "nothing", .dtype = T_F32, .ndim = 2, .shape = {0, 4}, .data = bytes},
    };
    enum { COUNT = sizeof entries / sizeof *entries };
    MUST(safetensors_write(path, entries, COUNT, fetch_copy, entries, &err));
    safetensors *st;
    MUST(safetensors_open(path, &st, &err));
    assert_int_equal(safetensors_count(st), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const safetensors_entry *x = safetensors_find(st, entries[i].name);
        assert_non_null(x);
        assert_int_equal(x->dtype, entries[i].dtype);
        assert_memory_equal(x->shape, entries[i].shape, sizeof x->shape);
        assert_memory_equal(x->data, entries[i].data, x->bytes);
        assert_int_equal((uintptr_t)x->data % t_dtype_size(x->dtype), 0);
    }
    safetensors_free(st);

    safetensors_entry swapped = entries[0]; /* the order of the entries is not the file's business */
    entries[0] = entries[3];
    entries[3] = swapped;
    MUST(safetensors_write(again, entries, COUNT, fetch_copy, entries, &err));
    char *a, *b;
    size_t n, m;
    MUST(radz_file_read(path, 1 << 20, &a, &n, &err));
    MUST(radz_file_read(again, 1 << 20, &b, &m, &err));
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);

    radz_error e = {0};
    entries[1].data = NULL; /* a failure on the way leaves the old file */
    assert_int_equal(safetensors_write(again, entries, COUNT, fetch_copy, entries, &e), RADZ_E_BACKEND);
    free(b);
    MUST(radz_file_read(again, 1 << 20, &b, &m, &err));
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
    entries[1] = entries[0];
    e = (radz_error){0};
    assert_int_equal(safetensors_write(again, entries, COUNT, fetch_copy, entries, &e), RADZ_E_INTERNAL);
    assert_non_null(strstr(e.message, "given twice"));
    e = (radz_error){0};
    assert_int_equal(safetensors_write("/nonexistent/x", entries, 1, fetch_copy, entries, &e), RADZ_E_MISSING);

    static const char *const files[] = {"one.safetensors", "two.safetensors", "again.safetensors", "written.safetensors",
                                        "model.safetensors.index.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(folder), 0); /* no temporary file is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_files), cmocka_unit_test(bad_headers),
                                       cmocka_unit_test(truncated_and_foreign_files),
                                       cmocka_unit_test(finds_what_is_not_finite), cmocka_unit_test(shards),
                                       cmocka_unit_test(writing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
