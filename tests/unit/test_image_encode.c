/* The writers: what they write is read back, the same every time, and failures leave nothing behind. */
#include "unit/image_golden.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/encode.h"
#include "image/picture.h"

static char folder[64], path[128];

/* A ramp with texture, 8 or 16 bits. */
static void *make(size_t w, size_t h, int channels, int bits)
{
    const size_t count = w * h * (size_t)channels;
    void *data = malloc(count * (size_t)bits / 8);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) {
        const uint32_t v = (uint32_t)(i * 131 + (i / (w * (size_t)channels)) * 977 + (i * 2654435761u >> 24));
        if (bits == 16)
            ((uint16_t *)data)[i] = (uint16_t)v;
        else
            ((uint8_t *)data)[i] = (uint8_t)v;
    }
    return data;
}

static void png_round_trip(void **state)
{
    (void)state;
    radz_error err;
    radz_picture picture = {0};
    for (int channels = 1; channels <= 4; channels++)
        for (int bits = 8; bits <= 16; bits += 8)
            for (size_t w = 1; w <= 40; w += 13) {
                const size_t h = w + 3;
                void *data = make(w, h, channels, bits);
                OK(radz_png_write(path, &(radz_pixels){data, w, h, channels, bits}, &err));
                OK(radz_picture_read(path, NULL, &picture, &err));
                assert_int_equal(picture.width, w);
                assert_int_equal(picture.height, h);
                assert_int_equal(picture.bits, bits);
                assert_int_equal(picture.channels, channels <= 2 ? 1 : 3);
                const size_t sample = (size_t)bits / 8, kept = (size_t)picture.channels;
                for (size_t i = 0; i < w * h; i++) /* alpha goes, the rest stays */
                    assert_memory_equal((char *)picture.pixels + i * kept * sample,
                                        (char *)data + i * (size_t)channels * sample, kept * sample);
                free(data);
            }
    radz_picture_free(&picture);
}

static void same_bytes_every_time(void **state)
{
    (void)state;
    radz_error err;
    void *data = make(200, 150, 3, 8);
    const radz_pixels pixels = {data, 200, 150, 3, 8};
    char first[RADZ_SHA256_HEX_SIZE], again[RADZ_SHA256_HEX_SIZE];
    OK(radz_png_write(path, &pixels, &err));
    OK(radz_sha256_file(path, first, &err));
    sleep(1); /* a time stamp would show */
    OK(radz_png_write(path, &pixels, &err));
    OK(radz_sha256_file(path, again, &err));
    assert_string_equal(first, again);
    OK(radz_jpeg_write(path, &pixels, 90, &err));
    OK(radz_sha256_file(path, first, &err));
    OK(radz_jpeg_write(path, &pixels, 90, &err));
    OK(radz_sha256_file(path, again, &err));
    assert_string_equal(first, again);
    free(data);
}

static void jpeg_round_trip(void **state)
{
    (void)state;
    radz_error err;
    radz_picture picture = {0};
    for (int channels = 1; channels <= 3; channels += 2) {
        uint8_t smooth[48 * 40 * 3];
        for (int i = 0; i < 48 * 40 * channels; i++)
            smooth[i] = (uint8_t)(60 + i / channels % 48 * 2 + i / channels / 48);
        OK(radz_jpeg_write(path, &(radz_pixels){smooth, 48, 40, channels, 8}, 50, &err));
        OK(radz_picture_read(path, NULL, &picture, &err));
        assert_string_equal(picture.codec, "jpeg");
        assert_int_equal(picture.channels, channels);
        int worst = 0;
        for (int i = 0; i < 48 * 40 * channels; i++) {
            const int difference = abs(((uint8_t *)picture.pixels)[i] - smooth[i]);
            worst = difference > worst ? difference : worst;
        }
        print_message("JPEG quality 50, %d channels: worst difference %d\n", channels, worst);
        assert_true(worst <= 3); /* seen: 3 for both; 0 at quality 95 */
    }
    radz_picture_free(&picture);
}

static void refused(void **state)
{
    (void)state;
    radz_error err;
    uint8_t data[64] = {0};
    FAILS(radz_png_write(path, &(radz_pixels){data, 0, 4, 1, 8}, &err), RADZ_E_VALUE, "0 x 4 pixels");
    FAILS(radz_png_write(path, &(radz_pixels){data, 4, 4, 5, 8}, &err), RADZ_E_VALUE, "5 channels; 1 to 4");
    FAILS(radz_png_write(path, &(radz_pixels){data, 4, 4, 1, 12}, &err), RADZ_E_VALUE, "12 bits per sample; 8 and 16");
    FAILS(radz_jpeg_write(path, &(radz_pixels){data, 4, 4, 2, 8}, 90, &err), RADZ_E_VALUE, "2 channels; 1 and 3");
    FAILS(radz_jpeg_write(path, &(radz_pixels){data, 4, 4, 1, 16}, 90, &err), RADZ_E_VALUE, "16 bits per sample; 8 is");
    FAILS(radz_jpeg_write(path, &(radz_pixels){data, 4, 4, 1, 8}, 0, &err), RADZ_E_VALUE, "quality 0");
    FAILS(radz_png_write("no/such/folder/x.png", &(radz_pixels){data, 4, 4, 1, 8}, &err), RADZ_E_MISSING,
          "no/such/folder");
}

/* A disk that fills up: /dev/full is no regular file to rename, so the file size limit of the process stands in. */
static void full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    radz_error err;
    void *data = make(600, 400, 3, 8);
    OK(radz_file_write(path, "old", 3, &err));
    struct rlimit before, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = 20000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    const radz_pixels pixels = {data, 600, 400, 3, 8};
    radz_error png = {0}, jpeg = {0};
    radz_status png_status = radz_png_write(path, &pixels, &png),
                jpeg_status = radz_jpeg_write(path, &pixels, 98, &jpeg);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(png_status, RADZ_E_IO);
    assert_int_equal(jpeg_status, RADZ_E_IO);
    assert_non_null(strstr(png.message, path));
    assert_non_null(strstr(jpeg.message, path));
    char *text;
    size_t size;
    OK(radz_file_read(path, 100, &text, &size, &err));
    assert_string_equal(text, "old");
    free(text);
    radz_strlist left = {0};
    OK(radz_dir_list(folder, "", &left, &err));
    assert_int_equal(left.count, 1); /* no temporary file */
    radz_strlist_free(&left);
    free(data);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "image_encode_%ld", (long)getpid());
    snprintf(path, sizeof path, "%s/x.img", folder);
    return mkdir(folder, 0777);
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_round_trip),
        cmocka_unit_test(same_bytes_every_time),
        cmocka_unit_test(jpeg_round_trip),
        cmocka_unit_test(refused),
        cmocka_unit_test(full_disk_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
