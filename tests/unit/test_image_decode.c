/* The codecs against Pillow, and bad files. */
#include "unit/image_golden.h"

#include <unistd.h>

#include "base/workers.h"
#include "image/picture.h"
#include "image/preprocess.h"

static radz_picture picture; /* used again for every file, as a worker does */

static void one_file(char **f)
{
    char path[512];
    radz_error err;
    snprintf(path, sizeof path, "%s%s", GOLDEN, f[0]);
    OK(radz_picture_read(path, NULL, &picture, &err));
    assert_int_equal(picture.width, atoi(f[1]));
    assert_int_equal(picture.height, atoi(f[2]));
    assert_int_equal(picture.channels, atoi(f[3]));
    assert_int_equal(picture.bits, atoi(f[4]));
    assert_int_equal(picture.warnings, 0);
    assert_string_equal(picture.codec, strstr(f[0], ".png") != NULL ? "png" : "jpeg");
    const size_t samples = picture.width * picture.height * (size_t)picture.channels;
    if (atoi(f[5])) { /* Pillow reads these 16-bit files as 8-bit ones */
        uint8_t *upper = malloc(samples);
        assert_non_null(upper);
        for (size_t i = 0; i < samples; i++)
            upper[i] = (uint8_t)(((uint16_t *)picture.pixels)[i] >> 8);
        assert_sha(upper, samples, f[6], f[0]);
        free(upper);
    } else {
        assert_sha(picture.pixels, radz_picture_stride(&picture) * picture.height, f[6], f[0]);
    }
    if (strcmp(f[7], "-") == 0)
        return;
    /* convert("L"), by way of a recipe that leaves the size alone */
    char text[80];
    snprintf(text, sizeof text, "gray; crop size=%sx%s", f[2], f[1]);
    radz_recipe *recipe;
    radz_preprocessor *preprocessor;
    OK(radz_recipe_parse("test", text, &recipe, &err));
    OK(radz_preprocessor_create(recipe, &preprocessor, &err));
    const size_t count = picture.width * picture.height;
    float *out = calloc(3 * count, sizeof *out);
    uint8_t *luma = malloc(count);
    assert_true(out != NULL && luma != NULL);
    OK(radz_preprocess(preprocessor, &picture, out, &err));
    for (size_t i = 0; i < count; i++)
        luma[i] = (uint8_t)out[count + i];
    assert_sha(luma, count, f[7], f[0]);
    free(luma);
    free(out);
    radz_preprocessor_free(preprocessor);
    radz_recipe_free(recipe);
}

static void decodes_as_pillow(void **state)
{
    (void)state;
    assert_int_equal(golden_rows("decode.csv", 8, one_file), 45);
}

static void one_draft(char **f)
{
    char path[512];
    radz_error err;
    radz_picture_options options = {.limits = RADZ_PICTURE_LIMITS};
    if (strcmp(f[1], "shorter") == 0)
        options.decoding.least_shorter = (size_t)atoi(f[2]);
    else
        options.decoding.least_longer = (size_t)atoi(f[2]);
    snprintf(path, sizeof path, "%s%s", GOLDEN, f[0]);
    OK(radz_picture_read(path, &options, &picture, &err));
    assert_int_equal(picture.width, atoi(f[3]));
    assert_int_equal(picture.height, atoi(f[4]));
    assert_sha(picture.pixels, radz_picture_stride(&picture) * picture.height, f[5], f[0]);
}

static void reduced_jpeg_as_pillow(void **state)
{
    (void)state;
    assert_int_equal(golden_rows("draft.csv", 6, one_draft), 30);
}

/* The demands of a recipe's first resize. */
static void reduced_jpeg_by_recipe(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        radz_decoding wanted;
    } cases[] = {
        {"decode jpeg=draft2; rgb; resize mode=shorter size=224 filter=bicubic; crop size=224", {.least_shorter = 448}},
        {"decode jpeg=draft1; resize mode=longer size=256 filter=area; pad size=256", {.least_longer = 256}},
        {"decode jpeg=draft1; resize mode=squash size=20x30 filter=box", {.least_height = 20, .least_width = 30}},
        {"decode jpeg=draft1; rgb; pad size=square; resize mode=shorter size=336 filter=box; crop size=336",
         {.least_longer = 336}},
        {"rgb; resize mode=shorter size=224 filter=bicubic; crop size=224", {.least_shorter = 0}},
    };
    radz_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        radz_recipe *recipe;
        OK(radz_recipe_parse("t", cases[i].text, &recipe, &err));
        const radz_decoding *d = radz_recipe_decoding(recipe), *w = &cases[i].wanted;
        assert_true(d->least_shorter == w->least_shorter && d->least_longer == w->least_longer &&
                    d->least_width == w->least_width && d->least_height == w->least_height);
        radz_recipe_free(recipe);
    }
}

static void truncated_anywhere_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {
        "gray8.png", "gray16_adam7.png",     "rgba8.png",     "palette4_trns.png", "gray8_extras.png",
        "gray.jpg",  "gray_progressive.jpg", "ycbcr_420.jpg", "gray_restarts.jpg", "cmyk.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        blob b = load(names[i]);
        for (size_t size = 0; size < b.size; size++) {
            radz_error err = {0};
            radz_status st = decode_copy(b.data, size, "cut.png", &picture, &err);
            if (st != RADZ_E_FORMAT)
                fail_msg("%s cut to %zu of %zu bytes: %s '%s'", names[i], size, b.size, radz_status_name(st),
                         err.message);
            assert_non_null(strstr(err.message, "'cut.png'"));
            assert_int_equal(picture.width, 0);
        }
        radz_error err = {0};
        OK(decode_copy(b.data, b.size, "cut.png", &picture, &err));
        free(b.data);
    }
}

static void damaged_png_is_an_error(void **state)
{
    (void)state;
    radz_error err;
    blob b = load("gray8.png");
    /* every byte of the chunk that holds the samples, and of its checksum, is covered by that checksum */
    size_t at = 8;
    while (memcmp(b.data + at + 4, "IDAT", 4) != 0)
        at += 12 + ((size_t)b.data[at + 2] << 8) + b.data[at + 3];
    const size_t length = ((size_t)b.data[at + 2] << 8) + b.data[at + 3];
    for (size_t i = at + 8; i < at + 12 + length; i++) {
        b.data[i] ^= 0x10;
        err = (radz_error){0};
        assert_int_equal(radz_picture_decode(b.data, b.size, "x.png", NULL, &picture, &err), RADZ_E_FORMAT);
        b.data[i] ^= 0x10;
    }
    b.data[at + 9 + length] ^= 1;
    FAILS(radz_picture_decode(b.data, b.size, "x.png", NULL, &picture, &err), RADZ_E_FORMAT, "CRC error");
    assert_non_null(strstr(err.message, "'x.png'"));
    free(b.data);
}

static void damaged_jpeg_is_an_error(void **state)
{
    (void)state;
    radz_error err;
    /* one restart marker taken away: the decoder would shift or invent the rest */
    blob b = load("gray_restarts.jpg");
    size_t i = b.size / 2;
    while (!(b.data[i] == 0xff && b.data[i + 1] >= 0xd0 && b.data[i + 1] <= 0xd7))
        i++;
    memmove(b.data + i, b.data + i + 2, b.size - i - 2);
    err = (radz_error){0};
    assert_int_equal(radz_picture_decode(b.data, b.size - 2, "x.jpg", NULL, &picture, &err), RADZ_E_FORMAT);
    free(b.data);
    /* bytes between two markers are skipped, without harm to the samples, and counted */
    b = load("gray.jpg");
    unsigned char *longer = malloc(b.size + 3);
    assert_non_null(longer);
    memcpy(longer, b.data, 2);
    const size_t app0 = 2 + 2 + (size_t)(b.data[4] << 8 | b.data[5]);
    memcpy(longer + 2, b.data + 2, app0 - 2);
    memcpy(longer + app0, "\1\2\3", 3);
    memcpy(longer + app0 + 3, b.data + app0, b.size - app0);
    OK(radz_picture_decode(longer, b.size + 3, "x.jpg", NULL, &picture, &err));
    assert_int_equal(picture.warnings, 1);
    free(longer);
    free(b.data);
}

static void header_limits(void **state)
{
    (void)state;
    radz_error err;
    char path[512];
    snprintf(path, sizeof path, "%s/fuzz/corpus/image_png/huge.png", RADZ_TEST_DIR);
    const radz_picture before = picture;
    FAILS(radz_picture_read(path, NULL, &picture, &err), RADZ_E_VALUE,
          "60000 x 60000 pixels, but at most 20000 per side");
    assert_int_equal(picture.capacity, before.capacity); /* nothing was allocated for it */
    const radz_picture_options area = {.limits = {100000, 1000000, 1 << 20}};
    FAILS(radz_picture_read(path, &area, &picture, &err), RADZ_E_VALUE, "3600000000 pixels, but at most 1000000");

    blob b = load("gray.jpg");
    size_t i = 2;
    while (b.data[i + 1] != 0xc0)
        i += 2 + ((size_t)b.data[i + 2] << 8 | b.data[i + 3]);
    memset(b.data + i + 5, 0xea, 4); /* 60138 x 60138 */
    FAILS(radz_picture_decode(b.data, b.size, "wide.jpg", NULL, &picture, &err), RADZ_E_VALUE,
          "'wide.jpg': 60138 x 60138 pixels, but at most 20000");
    free(b.data);
    const radz_picture_options small = {.limits = {10, 1000, 1 << 20}};
    FAILS(radz_picture_read(GOLDEN "gray8.png", &small, &picture, &err), RADZ_E_VALUE,
          "23 x 17 pixels, but at most 10");
    const radz_picture_options bytes = {.limits = {1000, 1000000, 10}};
    FAILS(radz_picture_read(GOLDEN "gray8.png", &bytes, &picture, &err), RADZ_E_VALUE, "gray8.png");
}

static void not_an_image(void **state)
{
    (void)state;
    radz_error err;
    char path[64];
    snprintf(path, sizeof path, "not_an_image_%ld.png", (long)getpid());
    OK(radz_file_write(path, "", 0, &err));
    FAILS(radz_picture_read(path, NULL, &picture, &err), RADZ_E_FORMAT, "empty (0 bytes)");
    assert_non_null(strstr(err.message, path));
    OK(radz_file_write(path, "patient,label\n1,0\n", 18, &err));
    FAILS(radz_picture_read(path, NULL, &picture, &err), RADZ_E_FORMAT, "18 bytes beginning with 'patient,labe'");
    OK(radz_file_write(path, "\x00\x01\x02", 3, &err));
    FAILS(radz_picture_read(path, NULL, &picture, &err), RADZ_E_FORMAT, "beginning with '00 01 02'");
    /* a JPEG file under a PNG's name is read as what it is */
    blob b = load("ycbcr_444.jpg");
    OK(radz_file_write(path, b.data, b.size, &err));
    OK(radz_picture_read(path, NULL, &picture, &err));
    assert_string_equal(picture.codec, "jpeg");
    assert_int_equal(picture.channels, 3);
    free(b.data);
    unlink(path);
    FAILS(radz_picture_read(path, NULL, &picture, &err), RADZ_E_MISSING, path);
    FAILS(radz_picture_read(".", NULL, &picture, &err), RADZ_E_IO, "'.'");
}

static void palette_index_beyond_the_palette(void **state)
{
    (void)state;
    radz_error err;
    blob b = load("palette8.png");
    /* the palette of 256 colours is exchanged for one of a single colour, with its checksum */
    size_t at = 8 + 25;
    assert_memory_equal(b.data + at + 4, "PLTE", 4);
    static const unsigned char one_colour[] = {0, 0, 0, 3, 'P', 'L', 'T', 'E', 0, 0, 0, 0xa7, 0x7a, 0x3d, 0xda};
    const size_t rest = b.size - (at + 12 + 768);
    memmove(b.data + at + sizeof one_colour, b.data + at + 12 + 768, rest);
    memcpy(b.data + at, one_colour, sizeof one_colour);
    FAILS(radz_picture_decode(b.data, at + sizeof one_colour + rest, "p.png", NULL, &picture, &err), RADZ_E_FORMAT,
          "but the palette has 1 colours");
    free(b.data);
}

/* Threads on the same files: every result must be the single-threaded one. */
static radz_status read_in_thread(void *context, size_t i, int worker, radz_error *err)
{
    static const char *const names[] = {"gray8.png", "rgb16_adam7.png", "ycbcr_420.jpg", "cmyk.jpg", "palette2.png"};
    radz_picture *mine = (radz_picture *)context + worker;
    char path[512];
    snprintf(path, sizeof path, "%s%s", GOLDEN, names[i % 5]);
    if (i % 7 == 0) { /* an error now and then */
        radz_error ignored = {0};
        if (radz_picture_decode("\x89PNG\r\n\x1a\n....", 12, "bad", NULL, mine, &ignored) == RADZ_OK)
            return radz_fail(err, RADZ_E_INTERNAL, "a bad file was read");
    }
    return read_twice(path, mine, err);
}

static void threads(void **state)
{
    (void)state;
    radz_error err;
    radz_picture pictures[4] = {{0}};
    OK(radz_parallel_for(200, 4, read_in_thread, pictures, &err));
    for (size_t i = 0; i < 4; i++)
        radz_picture_free(&pictures[i]);
}

static void codec_table(void **state)
{
    (void)state;
    assert_string_equal(radz_picture_codec_name(0), "png");
    assert_string_equal(radz_picture_codec_name(1), "jpeg");
    size_t n = 0;
    while (radz_picture_codec_name(n) != NULL)
        n++;
    assert_true(n >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_as_pillow),
        cmocka_unit_test(reduced_jpeg_as_pillow),
        cmocka_unit_test(reduced_jpeg_by_recipe),
        cmocka_unit_test(truncated_anywhere_is_an_error),
        cmocka_unit_test(damaged_png_is_an_error),
        cmocka_unit_test(damaged_jpeg_is_an_error),
        cmocka_unit_test(header_limits),
        cmocka_unit_test(not_an_image),
        cmocka_unit_test(palette_index_beyond_the_palette),
        cmocka_unit_test(threads),
        cmocka_unit_test(codec_table),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    radz_picture_free(&picture);
    return failed;
}
