/* Reading tests/golden/image/ for the image tests. */
#ifndef RADZ_TESTS_IMAGE_GOLDEN_H
#define RADZ_TESTS_IMAGE_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "image/picture.h"

#define GOLDEN RADZ_TEST_DIR "/golden/image/"
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        err = (radz_error){0};                                                                                         \
        if ((call) != RADZ_OK)                                                                                         \
            fail_msg("%s: %s", #call, err.message);                                                                    \
    } while (0)

/* The call fails with `code` and a message that contains `text`. */
#define FAILS(call, wanted, text)                                                                                      \
    do {                                                                                                               \
        err = (radz_error){0};                                                                                         \
        radz_status got_ = (call);                                                                                     \
        if (got_ != (wanted) || err.code != got_ || strstr(err.message, (text)) == NULL)                               \
            fail_msg("%s: status %s, message '%s'; wanted %s and '%s'", #call, radz_status_name(got_), err.message,    \
                     radz_status_name(wanted), (text));                                                                \
    } while (0)

enum { GOLDEN_FIELDS = 8 };

/* Calls row(fields) for each line below the version line and the header; returns how many. */
static inline size_t golden_rows(const char *name, size_t fields, void (*row)(char **f))
{
    char path[512], *text;
    size_t size, count = 0;
    radz_error err = {0};
    snprintf(path, sizeof path, "%s%s", GOLDEN, name);
    OK(radz_file_read(path, 1 << 20, &text, &size, &err));
    for (char *line = text, *next; *line != '\0'; line = next) {
        next = strchr(line, '\n');
        assert_non_null(next);
        *next++ = '\0';
        if (count++ < 2)
            continue;
        char *f[GOLDEN_FIELDS];
        size_t n = 0;
        for (char *p = line; p != NULL && n < GOLDEN_FIELDS;) {
            f[n++] = p;
            p = strchr(p, ',');
            if (p != NULL)
                *p++ = '\0';
        }
        assert_int_equal(n, fields);
        row(f);
    }
    free(text);
    return count - 2;
}

static inline void assert_sha(const void *data, size_t size, const char *wanted, const char *what)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_error err = {0};
    OK(radz_sha256_data(data, size, hex, &err));
    if (strcmp(hex, wanted) != 0)
        fail_msg("%s: other samples than the reference (sha256 %s, wanted %s)", what, hex, wanted);
}

typedef struct blob {
    unsigned char *data;
    size_t size;
} blob;

/* A file below tests/golden/image/ ("../dicom/u8.dcm"); free its data. */
static inline blob load(const char *name)
{
    char path[512], *data;
    blob b;
    radz_error err = {0};
    snprintf(path, sizeof path, "%s%s", GOLDEN, name);
    OK(radz_file_read(path, 1 << 20, &data, &b.size, &err));
    b.data = (unsigned char *)data;
    return b;
}

/* Decodes an exact-size copy, so that AddressSanitizer sees a read past the end. */
static inline radz_status decode_copy(const unsigned char *data, size_t size, const char *name, radz_picture *picture,
                                      radz_error *err)
{
    unsigned char *copy = malloc(size == 0 ? 1 : size);
    assert_non_null(copy);
    memcpy(copy, data, size);
    radz_status st = radz_picture_decode(copy, size, name, NULL, picture, err);
    free(copy);
    return st;
}

/* Reads a file into a picture that is used again, and into a new one: they must not differ. For threads. */
static inline radz_status read_twice(const char *path, radz_picture *mine, radz_error *err)
{
    radz_picture again = {0};
    radz_status st = radz_picture_read(path, NULL, mine, err);
    if (st == RADZ_OK)
        st = radz_picture_read(path, NULL, &again, err);
    if (st == RADZ_OK && (again.width != mine->width || again.height != mine->height ||
                          memcmp(again.pixels, mine->pixels, radz_picture_stride(&again) * again.height) != 0))
        st = radz_fail(err, RADZ_E_INTERNAL, "'%s': other samples", path);
    radz_picture_free(&again);
    return st;
}

#endif
