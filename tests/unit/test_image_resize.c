/* Resizing against Pillow, OpenCV and PyTorch, and the fast passes against plain loops. */
#include "unit/image_golden.h"

#include <math.h>

#include "image/preprocess.h"
#include "image/resize.h"

static radz_resizer *resizer;

/* The same hash of a position as in make_image_goldens.py. */
static uint32_t pattern(size_t x, size_t y, size_t plane, uint32_t seed)
{
    uint32_t v =
        (uint32_t)x * 2654435761u + (uint32_t)y * 2246822519u + (uint32_t)plane * 3266489917u + seed * 668265263u;
    v = (v ^ (v >> 15)) * 2246822519u;
    v = (v ^ (v >> 13)) * 3266489917u;
    return v ^ (v >> 16);
}

static int filter_of(const char *name)
{
    for (size_t i = 0; i < RADZ_FILTER_COUNT; i++)
        if (strcmp(radz_filter_name(i), name) == 0)
            return (int)i;
    fail_msg("filter '%s'", name);
    return -1;
}

static float float_sample(size_t x, size_t y, uint32_t seed)
{
    return (float)(pattern(x, y, 0, seed) >> 8) / (float)(1 << 23) - 1.0f;
}

/* A colour picture goes the whole way: recipe in, planes out. */
static void resize_colour(char **f, size_t w, size_t h, size_t ow, size_t oh, uint32_t seed)
{
    radz_error err;
    uint8_t *pixels = malloc(3 * w * h), *made = malloc(3 * ow * oh);
    float *planes = malloc(3 * ow * oh * sizeof *planes);
    assert_true(pixels != NULL && made != NULL && planes != NULL);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            for (size_t c = 0; c < 3; c++)
                pixels[(y * w + x) * 3 + c] = (uint8_t)(pattern(x, y, c, seed) >> 24);
    radz_picture picture = {.width = w, .height = h, .channels = 3, .bits = 8, .pixels = pixels};
    char text[128];
    snprintf(text, sizeof text, "rgb; resize mode=squash size=%zux%zu filter=%s", oh, ow, f[1]);
    radz_recipe *recipe;
    radz_preprocessor *preprocessor;
    OK(radz_recipe_parse("test", text, &recipe, &err));
    OK(radz_preprocessor_create(recipe, &preprocessor, &err));
    OK(radz_preprocess(preprocessor, &picture, planes, &err));
    for (size_t i = 0; i < ow * oh; i++)
        for (size_t c = 0; c < 3; c++)
            made[3 * i + c] = (uint8_t)planes[c * ow * oh + i];
    assert_sha(made, 3 * ow * oh, f[7], f[1]);
    radz_preprocessor_free(preprocessor);
    radz_recipe_free(recipe);
    free(planes);
    free(made);
    free(pixels);
}

static double plain_worst, area_worst; /* over the rows that are compared by value */

static void one_size(char **f)
{
    radz_error err;
    const size_t w = (size_t)atoi(f[2]), h = (size_t)atoi(f[3]), ow = (size_t)atoi(f[4]), oh = (size_t)atoi(f[5]);
    const uint32_t seed = (uint32_t)atoi(f[6]);
    const radz_filter filter = (radz_filter)filter_of(f[1]);
    char what[128];
    snprintf(what, sizeof what, "%s %s %zux%zu to %zux%zu", f[0], f[1], w, h, ow, oh);
    if (strcmp(f[0], "RGB") == 0) {
        resize_colour(f, w, h, ow, oh, seed);
        return;
    }
    const size_t size = strcmp(f[0], "F") == 0 ? 4 : strcmp(f[0], "I;16") == 0 ? 2 : 1;
    void *in = malloc(w * h * size), *out = malloc(ow * oh * size);
    assert_true(in != NULL && out != NULL);
    for (size_t y = 0, i = 0; y < h; y++)
        for (size_t x = 0; x < w; x++, i++) {
            const uint32_t v = pattern(x, y, 0, seed);
            if (size == 4)
                ((float *)in)[i] = float_sample(x, y, seed);
            else if (size == 2)
                ((uint16_t *)in)[i] = (uint16_t)(v >> 16);
            else
                ((uint8_t *)in)[i] = strcmp(f[0], "edges") == 0 ? (uint8_t)(v >> 31 ? 255 : 0) : (uint8_t)(v >> 24);
        }
    if (size == 4)
        OK(radz_resize_f32(resizer, in, w, h, out, ow, oh, filter, &err));
    else if (size == 2)
        OK(radz_resize_u16(resizer, in, w, h, out, ow, oh, filter, &err));
    else
        OK(radz_resize_u8(resizer, in, w, h, out, ow, oh, filter, &err));
    if (strstr(f[7], ".f32") != NULL) {
        double *worst = filter == RADZ_FILTER_AREA ? &area_worst : &plain_worst;
        char path[512], *data;
        size_t bytes;
        snprintf(path, sizeof path, "%s%s", GOLDEN, f[7]);
        OK(radz_file_read(path, 1 << 20, &data, &bytes, &err));
        assert_int_equal(bytes, (ow * oh + 30) / 31 * 4);
        for (size_t i = 0; i < bytes / 4; i++) {
            float wanted;
            memcpy(&wanted, data + 4 * i, 4);
            const double error = fabs((double)((float *)out)[31 * i] - (double)wanted);
            *worst = error <= *worst ? *worst : error;
        }
        free(data);
    } else {
        assert_sha(out, ow * oh * size, f[7], what);
    }
    free(out);
    free(in);
}

static void equal_to_the_references(void **state)
{
    (void)state;
    assert_int_equal(golden_rows("resize.csv", 8, one_size), 5 * 6 * 13 + 4 + 36 + 5);
    /* PyTorch and OpenCV sum in float, in orders of their own; samples are -1 .. 1 */
    print_message("worst difference from PyTorch %.3g, from OpenCV's area of floats %.3g\n", plain_worst, area_worst);
    assert_true(plain_worst < 1e-6); /* seen: 5.4e-7 */
    assert_true(area_worst < 1e-6);  /* seen: 3.0e-8 */
}

/* Pillow's algorithm for 8 bits in plain loops, horizontal pass first. */
static double plain_weight(radz_filter filter, double x)
{
    x = fabs(x);
    if (filter == RADZ_FILTER_BILINEAR)
        return x < 1 ? 1 - x : 0;
    return x < 1 ? ((-0.5 + 2.0) * x - (-0.5 + 3.0)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

static void plain_pass(const uint8_t *in, size_t n_in, size_t step_in, uint8_t *out, size_t n_out, size_t step_out,
                       radz_filter filter)
{
    const double scale = (double)n_in / (double)n_out, wide = scale < 1 ? 1 : scale;
    const double support = (filter == RADZ_FILTER_BILINEAR ? 1 : 2) * wide;
    for (size_t i = 0; i < n_out; i++) {
        const double centre = ((double)i + 0.5) * scale;
        int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5);
        low = low < 0 ? 0 : low;
        high = high > (int)n_in ? (int)n_in : high;
        double sum = 0;
        for (int j = low; j < high; j++)
            sum += plain_weight(filter, (j - low + low - centre + 0.5) * (1 / wide));
        int32_t value = 1 << 21;
        for (int j = low; j < high; j++) {
            const double w = plain_weight(filter, (j - low + low - centre + 0.5) * (1 / wide)) / sum * (1 << 22);
            value += in[(size_t)j * step_in] * (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
        }
        value >>= 22;
        out[i * step_out] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static void equal_to_plain_loops(void **state)
{
    (void)state;
    static const size_t sizes[][4] = {{1024, 1024, 224, 224}, {63, 65, 224, 200}, {129, 64, 65, 63},
                                      {64, 130, 500, 128},    {7, 9, 8, 8},       {300, 290, 299, 7}};
    radz_error err;
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        const size_t w = sizes[k][0], h = sizes[k][1], ow = sizes[k][2], oh = sizes[k][3];
        uint8_t *in = malloc(w * h), *middle = malloc(w * h + ow * h + w * oh), *wanted = malloc(ow * oh),
                *out = malloc(ow * oh);
        assert_true(in != NULL && middle != NULL && wanted != NULL && out != NULL);
        for (size_t i = 0; i < w * h; i++)
            in[i] = (uint8_t)(pattern(i % w, i / w, 1, 99) >> 24);
        for (radz_filter filter = RADZ_FILTER_BILINEAR; filter <= RADZ_FILTER_BICUBIC; filter += 2) {
            if (h > oh && (long)h - (long)oh > 2 * ((long)w - (long)ow)) {
                for (size_t x = 0; x < w; x++)
                    plain_pass(in + x, h, w, middle + x, oh, w, filter);
                for (size_t y = 0; y < oh; y++)
                    plain_pass(middle + y * w, w, 1, wanted + y * ow, ow, 1, filter);
            } else {
                for (size_t y = 0; y < h; y++)
                    plain_pass(in + y * w, w, 1, middle + y * ow, ow, 1, filter);
                for (size_t x = 0; x < ow; x++)
                    plain_pass(middle + x, h, ow, wanted + x, oh, ow, filter);
            }
            OK(radz_resize_u8(resizer, in, w, h, out, ow, oh, filter, &err));
            assert_memory_equal(out, wanted, ow * oh);
        }
        free(in);
        free(middle);
        free(wanted);
        free(out);
    }
}

/* Weights are kept per size: going back and forth among more sizes than are kept must not change anything. */
static void kept_weights(void **state)
{
    (void)state;
    radz_error err;
    uint8_t in[40 * 40], first[20][30 * 30], again[30 * 30];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(pattern(i, 0, 0, 5) >> 24);
    for (int round = 0; round < 3; round++)
        for (size_t n = 1; n <= 20; n++) {
            OK(radz_resize_u8(resizer, in, 40, 40, again, n + 5, n + 9, RADZ_FILTER_BICUBIC, &err));
            if (round == 0)
                memcpy(first[n - 1], again, (n + 5) * (n + 9));
            assert_memory_equal(again, first[n - 1], (n + 5) * (n + 9));
        }
}

static void refused(void **state)
{
    (void)state;
    radz_error err;
    uint8_t in[16] = {0}, out[64];
    FAILS(radz_resize_u8(resizer, in, 4, 4, out, 8, 8, RADZ_FILTER_BICUBIC_PLAIN, &err), RADZ_E_UNSUPPORTED, "float");
    FAILS(radz_resize_u8(resizer, in, 4, 4, out, 0, 8, RADZ_FILTER_BOX, &err), RADZ_E_VALUE, "4 x 4 to 0 x 8");
    FAILS(radz_resize_u8(resizer, in, 4, 4, out, 100001, 8, RADZ_FILTER_BOX, &err), RADZ_E_VALUE, "100001");
}

static int setup(void **state)
{
    (void)state;
    radz_error err = {0};
    return radz_resizer_create(&resizer, &err);
}

static int teardown(void **state)
{
    (void)state;
    radz_resizer_free(resizer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_the_references),
        cmocka_unit_test(equal_to_plain_loops),
        cmocka_unit_test(kept_weights),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
