/* DICOM against pydicom, GDCM's and dcmtk's tools; bad files; and that nothing of the patient gets out. */
#include "unit/image_golden.h"

#include <unistd.h>

#include "base/workers.h"
#include "image/picture.h"
#include "image/preprocess.h"

#define DICOM RADZ_TEST_DIR "/golden/dicom/"

static const radz_picture_options as_stored = {
    .limits = RADZ_PICTURE_LIMITS,
    .decoding = {.no_rescale = true, .no_lut = true, .no_window = true, .no_invert = true},
};
static radz_picture picture; /* used again for every file, as a worker does */

static void read_file(const char *name, const radz_picture_options *options)
{
    char path[512];
    radz_error err;
    snprintf(path, sizeof path, "%s%s", DICOM, name);
    OK(radz_picture_read(path, options, &picture, &err));
    assert_string_equal(picture.codec, "dicom");
    assert_int_equal(picture.channels, 1);
    assert_int_equal(picture.warnings, 0);
}

static void one_stored(char **f)
{
    read_file(f[0], &as_stored);
    assert_int_equal(picture.width, atoi(f[1]));
    assert_int_equal(picture.height, atoi(f[2]));
    assert_int_equal(picture.bits, atoi(f[3]));
    assert_int_equal(picture.white, 0);
    assert_sha(picture.pixels, radz_picture_stride(&picture) * picture.height, f[4], f[0]);
}

static void stored_samples_as_pydicom_and_gdcm(void **state)
{
    (void)state;
    assert_int_equal(golden_rows("../dicom/stored.csv", 5, one_stored), 88);
}

static void one_shown(char **f)
{
    read_file(f[0], NULL);
    assert_int_equal(picture.bits, atoi(f[2]));
    assert_int_equal(picture.white, atoi(f[3]));
    assert_sha(picture.pixels, radz_picture_stride(&picture) * picture.height, f[4], f[0]);
}

static void shown_samples_as_dcmtk(void **state)
{
    (void)state;
    assert_int_equal(golden_rows("../dicom/shown.csv", 5, one_shown), 68);
}

typedef struct samples {
    uint16_t values[22 * 18];
    int bits;
} samples;

static samples shown_with(const char *name, radz_decoding decoding)
{
    const radz_picture_options options = {RADZ_PICTURE_LIMITS, decoding};
    samples s;
    read_file(name, &options);
    assert_int_equal(picture.width * picture.height, 22 * 18);
    s.bits = picture.bits;
    for (size_t i = 0; i < 22 * 18; i++)
        s.values[i] = picture.bits == 8 ? ((uint8_t *)picture.pixels)[i] : ((uint16_t *)picture.pixels)[i];
    return s;
}

/* Each switch does its part and nothing else. */
static void switches(void **state)
{
    (void)state;
    const radz_decoding none = {0}, no_window = {.no_window = true}, no_invert = {.no_invert = true},
                        no_lut = {.no_lut = true}, no_rescale = {.no_rescale = true},
                        bare = {.no_window = true, .no_invert = true};
    samples plain = shown_with("u10.dcm", none), a, b;
    a = shown_with("window10_2.dcm", no_window);
    assert_memory_equal(&a, &plain, sizeof a);
    a = shown_with("window10_1.dcm", bare);
    assert_memory_equal(&a, &plain, sizeof a);
    a = shown_with("window10_1.dcm", no_window);
    b = shown_with("u10_mono1.dcm", none);
    assert_memory_equal(&a, &b, sizeof a);
    for (size_t i = 0; i < 22 * 18; i++)
        assert_int_equal(a.values[i], 1023 - plain.values[i]);
    a = shown_with("window10_1.dcm", no_invert);
    b = shown_with("window10_2.dcm", none);
    assert_memory_equal(&a, &b, sizeof a);
    /* without its LUT this file shows its window: 2000.5 .. 2001.5 is all there is between black and white */
    a = shown_with("voi16_2.dcm", no_lut);
    b = shown_with("voi16_2.dcm", none);
    assert_memory_not_equal(&a, &b, sizeof a);
    a = shown_with("modality_lut.dcm", no_rescale);
    assert_memory_equal(&a, &plain, sizeof a);
    /* -600 +- 750 lies elsewhere when slope 2 and intercept -100 are left out */
    a = shown_with("window_signed_2.dcm", no_rescale);
    b = shown_with("window_signed_2.dcm", none);
    assert_memory_not_equal(&a, &b, sizeof a);
}

/* Through a card: decode is the recipe's first step. */
static void switches_of_a_recipe(void **state)
{
    (void)state;
    radz_error err;
    radz_recipe *recipe, *same;
    OK(radz_recipe_parse("t", "decode window=off invert=off; depth8; crop size=4", &recipe, &err));
    const radz_decoding *d = radz_recipe_decoding(recipe);
    assert_true(d->no_window && d->no_invert && !d->no_lut && !d->no_rescale && d->least_shorter == 0);
    assert_string_equal(radz_recipe_text(recipe),
                        "decode rescale=on lut=on window=off invert=off jpeg=exact; depth8 from=max; crop size=4 round=down");
    radz_recipe_free(recipe);
    OK(radz_recipe_parse("t", "decode lut=off rescale=off; rgb; crop size=4", &recipe, &err));
    d = radz_recipe_decoding(recipe);
    assert_true(!d->no_window && !d->no_invert && d->no_lut && d->no_rescale);
    radz_recipe_free(recipe);
    /* what changes nothing is not part of the text, so that embeddings are found again */
    OK(radz_recipe_parse("t", "decode window=on; rgb; crop size=4", &recipe, &err));
    OK(radz_recipe_parse("t", "rgb; crop size=4", &same, &err));
    assert_string_equal(radz_recipe_text(recipe), radz_recipe_text(same));
    radz_recipe_free(recipe);
    radz_recipe_free(same);
    FAILS(radz_recipe_parse("t", "rgb; decode window=off; crop size=4", &recipe, &err), RADZ_E_VALUE, "must be the first step");
    FAILS(radz_recipe_parse("t", "decode window=no; crop size=4", &recipe, &err), RADZ_E_USAGE, "known: on, off");
    FAILS(radz_recipe_parse("t", "decode jpeg=draft1; crop size=4; resize mode=squash size=2 filter=box", &recipe, &err),
          RADZ_E_VALUE, "needs a resize, before any crop");
}

/* depth8 takes the window's white for white, even where no sample reaches it. */
static void window_to_eight_bits(void **state)
{
    (void)state;
    radz_error err;
    radz_recipe *recipe;
    radz_preprocessor *preprocessor;
    float out[3 * 22 * 18];
    OK(radz_recipe_parse("t", "depth8; crop size=18x22", &recipe, &err));
    OK(radz_preprocessor_create(recipe, &preprocessor, &err));
    uint16_t dim[4] = {0, 257 * 100 - 1, 257 * 100, 257 * 200};
    picture.width = picture.height = 0;
    radz_picture p = {.width = 4, .height = 1, .channels = 1, .bits = 16, .pixels = dim, .white = 65535};
    radz_recipe *small;
    radz_preprocessor *small_run;
    OK(radz_recipe_parse("t", "depth8; crop size=1x4", &small, &err));
    OK(radz_preprocessor_create(small, &small_run, &err));
    OK(radz_preprocess(small_run, &p, out, &err));
    assert_true(out[0] == 0 && out[1] == 99 && out[2] == 100 && out[3] == 200);
    p.white = 0;
    OK(radz_preprocess(small_run, &p, out, &err));
    assert_true(out[3] == 255);
    radz_preprocessor_free(small_run);
    radz_recipe_free(small);
    /* a real file: what the cutting decoder and the cutting depth8 give is what one cut gives */
    read_file("window10_2.dcm", NULL);
    OK(radz_preprocess(preprocessor, &picture, out, &err));
    for (size_t i = 0; i < 22 * 18; i++)
        assert_true(out[i] == (float)(((uint16_t *)picture.pixels)[i] / 257));
    radz_preprocessor_free(preprocessor);
    radz_recipe_free(recipe);
}

static void bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        radz_status status;
        const char *message;
    } cases[] = {
        {"bad_no_pixels.dcm", RADZ_E_FORMAT, "a DICOM file without pixel data; an image is wanted"},
        {"bad_short.dcm", RADZ_E_FORMAT, "pixel data of 386 bytes, but 22 x 18 pixels of 8 bits are 396 bytes"},
        {"bad_long.dcm", RADZ_E_FORMAT, "pixel data of 406 bytes, but 22 x 18 pixels of 8 bits are 396 bytes"},
        {"bad_colour.dcm", RADZ_E_UNSUPPORTED, "photometric interpretation 'RGB' with 3 samples per pixel"},
        {"bad_palette.dcm", RADZ_E_UNSUPPORTED, "photometric interpretation 'PALETTE COLOR'"},
        {"bad_frames.dcm", RADZ_E_UNSUPPORTED, "a DICOM file of 3 frames; one picture is wanted"},
        {"bad_huge.dcm", RADZ_E_VALUE, "60000 x 60000 pixels, but at most 20000 per side"},
        {"bad_window.dcm", RADZ_E_VALUE, "1 or more is wanted (a card's 'decode window=off' ignores it)"},
        {"bad_stream_size.dcm", RADZ_E_FORMAT, "the compressed picture has 22 x 18 pixels of 1 components, the attributes say "
                                               "18 x 22"},
        {"bad_bits.dcm", RADZ_E_UNSUPPORTED, "32 bits allocated, 32 stored, high bit 31"},
    };
    radz_error err;
    char path[512];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(path, sizeof path, "%s%s", DICOM, cases[i].file);
        FAILS(radz_picture_read(path, NULL, &picture, &err), cases[i].status, cases[i].message);
        assert_non_null(strstr(err.message, cases[i].file));
        assert_null(strstr(err.message, "SECRET"));
        assert_int_equal(picture.width, 0);
    }
    /* with the window off, the file with the bad window is fine */
    read_file("bad_window.dcm", &(radz_picture_options){RADZ_PICTURE_LIMITS, {.no_window = true}});
}

static void truncated_anywhere_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {
        "u8.dcm",           "u10_implicit.dcm", "u16_big.dcm",          "u10_deflated.dcm",          "u10_rle.dcm",
        "u10_j2k.dcm",      "u10_jpegls.dcm",   "u10_jpeg_lossless.dcm", "u8_jpeg_baseline.dcm",     "u12_jpeg_extended.dcm",
        "u10_no_meta.dcm",  "u10_implicit_no_meta.dcm", "u10_j2k_pieces.dcm", "voi12_1_undefined_lengths.dcm", "u10_icon.dcm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[100];
        snprintf(name, sizeof name, "../dicom/%s", names[i]);
        blob b = load(name);
        const size_t step = strstr(names[i], "voi") != NULL || strstr(names[i], "deflated") != NULL ? 29 : 5;
        for (size_t size = 0; size < b.size; size += size + 64 > b.size ? 1 : step) {
            radz_error err = {0};
            radz_status st = decode_copy(b.data, size, "cut.dcm", &picture, &err);
            if (st != RADZ_E_FORMAT && st != RADZ_E_UNSUPPORTED)
                fail_msg("%s cut to %zu of %zu bytes: %s '%s'", names[i], size, b.size, radz_status_name(st), err.message);
            assert_non_null(strstr(err.message, "'cut.dcm'"));
            assert_null(strstr(err.message, "SECRET"));
            assert_int_equal(picture.width, 0);
        }
        radz_error err = {0};
        OK(decode_copy(b.data, b.size, "cut.dcm", &picture, &err));
        free(b.data);
    }
}

/* A length field that claims more than there is costs no memory. */
static void lengths_beyond_the_file(void **state)
{
    (void)state;
    blob b = load("../dicom/u8.dcm");
    for (size_t at = 132; at + 8 < b.size; at += 3) {
        unsigned char saved[4];
        memcpy(saved, b.data + at, 4);
        memcpy(b.data + at, "\xf0\xff\xff\x7f", 4);
        radz_error err = {0};
        const radz_status st = decode_copy(b.data, b.size, "cut.dcm", &picture, &err);
        assert_true(st == RADZ_OK || err.message[0] != '\0');
        memcpy(b.data + at, saved, 4);
    }
    free(b.data);
}

static void not_dicom(void **state)
{
    (void)state;
    radz_error err;
    unsigned char data[200] = {0};
    FAILS(radz_picture_decode(data, sizeof data, "zeros", NULL, &picture, &err), RADZ_E_FORMAT, "not an image of a known kind");
    memcpy(data + 128, "DICM", 4);
    FAILS(radz_picture_decode(data, 132, "short", NULL, &picture, &err), RADZ_E_FORMAT, "truncated DICOM file");
    FAILS(radz_picture_decode(data, sizeof data, "zeros", NULL, &picture, &err), RADZ_E_FORMAT, "'zeros'");
}

/* Threads on the same files: every result must be the single-threaded one. */
static radz_status read_in_thread(void *context, size_t i, int worker, radz_error *err)
{
    static const char *const names[] = {"u10_rle.dcm", "u16_j2k.dcm", "u10_jpegls.dcm", "u8_jpeg_baseline.dcm",
                                        "u16_big.dcm", "voi12_1.dcm", "u12_jpeg_extended.dcm", "bad_short.dcm"};
    radz_picture *mine = (radz_picture *)context + worker;
    char path[512];
    snprintf(path, sizeof path, "%s%s", DICOM, names[i % 8]);
    if (i % 8 == 7) {
        radz_error ignored = {0};
        if (radz_picture_read(path, NULL, mine, &ignored) == RADZ_OK)
            return radz_fail(err, RADZ_E_INTERNAL, "a bad file was read");
        return RADZ_OK;
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

static size_t real_found;

static void one_real(char **f)
{
    char path[1024];
    radz_error err;
    snprintf(path, sizeof path, "%s/dicom/%s", getenv("RADZ_REFERENCE_DATA"), f[0]);
    if (!radz_file_exists(path)) {
        print_message("not here: %s\n", path);
        return;
    }
    real_found++;
    OK(radz_picture_read(path, &as_stored, &picture, &err));
    assert_sha(picture.pixels, radz_picture_stride(&picture) * picture.height, f[1], f[0]);
    OK(radz_picture_read(path, NULL, &picture, &err));
    assert_sha(picture.pixels, radz_picture_stride(&picture) * picture.height, f[3], f[0]);
}

/* Real radiographs in their original files (the four RG3 files are one picture: their rows of real.csv say so), where they
 * are at hand. */
static void real_files(void **state)
{
    (void)state;
    const char *root = getenv("RADZ_REFERENCE_DATA");
    if (root == NULL || *root == '\0') {
        print_message("skipped: RADZ_REFERENCE_DATA names no folder with real files (dicom/RG3_RLE.dcm, ...)\n");
        skip();
    }
    const size_t rows = golden_rows("../dicom/real.csv", 4, one_real);
    print_message("%zu of %zu real files read\n", real_found, rows);
    assert_true(real_found > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_samples_as_pydicom_and_gdcm),
        cmocka_unit_test(shown_samples_as_dcmtk),
        cmocka_unit_test(switches),
        cmocka_unit_test(switches_of_a_recipe),
        cmocka_unit_test(window_to_eight_bits),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(truncated_anywhere_is_an_error),
        cmocka_unit_test(lengths_beyond_the_file),
        cmocka_unit_test(not_dicom),
        cmocka_unit_test(threads),
        cmocka_unit_test(real_files),
    };
    setenv("RADZ_DICOM_HELPER", RADZ_TEST_DICOM_HELPER, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    radz_picture_free(&picture);
    return failed;
}
