/* Recipes against Hugging Face transformers and against each method's own steps; recipe texts; errors. */
#include "unit/image_golden.h"

#include <math.h>

#include "image/preprocess.h"

static radz_picture picture;
static double hf_worst, preset_worst;
static size_t same_bits, compared;

static void run(const radz_recipe *recipe, const char *image, float **out, size_t *count)
{
    char path[512];
    radz_error err;
    radz_preprocessor *preprocessor;
    snprintf(path, sizeof path, "%s%s", GOLDEN, image);
    OK(radz_picture_read(path, NULL, &picture, &err));
    OK(radz_preprocessor_create(recipe, &preprocessor, &err));
    *count = 3 * radz_recipe_height(recipe) * radz_recipe_width(recipe);
    *out = malloc(*count * sizeof **out);
    assert_non_null(*out);
    OK(radz_preprocess(preprocessor, &picture, *out, &err));
    /* a second picture through the same machine must not be influenced by the first */
    float *again = malloc(*count * sizeof *again);
    assert_non_null(again);
    OK(radz_preprocess(preprocessor, &picture, again, &err));
    assert_memory_equal(*out, again, *count * sizeof *again);
    free(again);
    radz_preprocessor_free(preprocessor);
}

static void compare(const float *out, size_t count, size_t step, const char *file, double *worst)
{
    char path[512], *data;
    size_t bytes;
    radz_error err;
    snprintf(path, sizeof path, "%s%s", GOLDEN, file);
    OK(radz_file_read(path, 1 << 20, &data, &bytes, &err));
    assert_int_equal(bytes / 4, (count + step - 1) / step);
    for (size_t i = 0; i < bytes / 4; i++) {
        float wanted;
        memcpy(&wanted, data + 4 * i, 4);
        const double error = fabs((double)out[step * i] - (double)wanted);
        if (!(error <= *worst))
            *worst = error;
    }
    free(data);
}

static bool same_sha(const float *out, size_t count, const char *wanted)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_error err;
    OK(radz_sha256_data(out, count * sizeof *out, hex, &err));
    compared++;
    return strcmp(hex, wanted) == 0;
}

static void one_config(char **f)
{
    char path[512];
    radz_error err;
    radz_recipe *recipe;
    float *out;
    size_t count;
    snprintf(path, sizeof path, "%s%s", GOLDEN, f[0]);
    OK(radz_recipe_load_hf(path, &recipe, &err));
    assert_int_equal(radz_recipe_height(recipe), atoi(f[2]));
    assert_int_equal(radz_recipe_width(recipe), atoi(f[3]));
    run(recipe, f[1], &out, &count);
    if (strcmp(f[4], "-") != 0)
        compare(out, count, 1, f[4], &hf_worst);
    if (!same_sha(out, count, f[5]))
        fail_msg("%s on %s: not the same bits as transformers", f[0], f[1]);
    free(out);
    radz_recipe_free(recipe);
}

static void equal_to_hugging_face(void **state)
{
    (void)state;
    assert_int_equal(golden_rows("huggingface.csv", 6, one_config), 18);
    print_message("worst difference from transformers: %g\n", hf_worst);
    assert_true(hf_worst <= 1e-6); /* seen: 0 */
}

static void one_preset(char **f)
{
    radz_error err;
    radz_recipe *recipe;
    float *out;
    size_t count;
    double worst = 0;
    OK(radz_recipe_preset(f[0], &recipe, &err));
    assert_int_equal(radz_recipe_height(recipe), atoi(f[2]));
    assert_int_equal(radz_recipe_width(recipe), atoi(f[3]));
    run(recipe, f[1], &out, &count);
    compare(out, count, (size_t)atoi(f[4]), f[5], &worst);
    const bool same = same_sha(out, count, f[6]);
    same_bits += same;
    /* all are equal to the last bit but chexzero, where PyTorch resizes in float and we in double: values up to 1.9,
     * seen 1.2e-6, which is PyTorch's own rounding */
    if (strcmp(f[0], "chexzero") != 0 && !same)
        fail_msg("preset %s on %s: not the same bits, worst difference %g", f[0], f[1], worst);
    if (!(worst <= 2e-6))
        fail_msg("preset %s on %s: worst difference %g", f[0], f[1], worst);
    preset_worst = worst > preset_worst ? worst : preset_worst;
    free(out);
    radz_recipe_free(recipe);
}

static void equal_to_the_methods(void **state)
{
    (void)state;
    compared = same_bits = 0;
    assert_int_equal(golden_rows("presets.csv", 7, one_preset), 24);
    print_message("presets: %zu of %zu equal to the last bit, worst difference %g\n", same_bits, compared,
                  preset_worst);
}

/* 16-bit PNG as PadChest's, by numpy; DICOM as RSNA's, by pydicom. */
static void presets_on_files_of_data_sets(void **state)
{
    (void)state;
    compared = same_bits = 0;
    assert_int_equal(golden_rows("sources.csv", 7, one_preset), 7);
    assert_int_equal(same_bits, 7);
}

static void presets_print_as_written(void **state)
{
    (void)state;
    radz_error err;
    size_t n = 0;
    for (const char *name; (name = radz_recipe_preset_name(n)) != NULL; n++) {
        radz_recipe *recipe, *again;
        OK(radz_recipe_preset(name, &recipe, &err));
        assert_string_equal(radz_recipe_text(recipe), radz_recipe_preset_text(n));
        OK(radz_recipe_parse("again", radz_recipe_text(recipe), &again, &err));
        assert_string_equal(radz_recipe_text(recipe), radz_recipe_text(again));
        radz_recipe_free(recipe);
        radz_recipe_free(again);
    }
    assert_true(n >= 12);
    assert_null(radz_recipe_preset_text(n));
    for (n = 0; radz_recipe_step_help(n) != NULL; n++)
        assert_true(strlen(radz_recipe_step_help(n)) > 2);
    assert_int_equal(n, 12);
}

/* However a recipe is written, its text is one. */
static void one_text_for_one_recipe(void **state)
{
    (void)state;
    radz_error err;
    radz_recipe *a, *b, *c;
    OK(radz_recipe_parse(
        "a", " rgb ;resize  filter=bicubic size=224x224 mode=squash;  normalize std=0.50,0.5,5e-1 mean=.5 ", &a, &err));
    OK(radz_recipe_parse("b", "rgb; resize mode=squash size=224 filter=bicubic; normalize mean=0.5,0.5,0.5 std=0.5", &b,
                         &err));
    assert_string_equal(radz_recipe_text(a), radz_recipe_text(b));
    assert_string_equal(radz_recipe_text(a),
                        "rgb; resize mode=squash size=224 filter=bicubic; normalize mean=0.5 std=0.5");
    const radz_recipe_arg resize[] = {{"mode", "squash"}, {"size", "224"}, {"filter", "bicubic"}};
    const radz_recipe_arg normalize[] = {{"mean", "[0.5, 0.5, 0.5]"}, {"std", "0.5"}};
    const radz_recipe_step steps[] = {{"rgb", NULL, 0, 3}, {"resize", resize, 3, 4}, {"normalize", normalize, 2, 5}};
    OK(radz_recipe_build("card 'x.yaml'", steps, 3, &c, &err));
    assert_string_equal(radz_recipe_text(a), radz_recipe_text(c));
    radz_recipe_free(a);
    radz_recipe_free(b);
    radz_recipe_free(c);
    /* Hugging Face's defaults are the openai-clip preset */
    OK(radz_recipe_load_hf(GOLDEN "hf_clip_224.json", &a, &err));
    OK(radz_recipe_preset("openai-clip", &b, &err));
    assert_string_equal(radz_recipe_text(a), radz_recipe_text(b));
    radz_recipe_free(a);
    radz_recipe_free(b);
}

static void bad_recipes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        radz_status status;
        const char *message;
    } cases[] = {
        {"rgb; resise mode=squash size=224 filter=box", RADZ_E_USAGE,
         "card, preprocess step 2 'resise': unknown step 'resise' (did you mean 'resize'?)"},
        {"resize mode=squash size=224 filtre=box", RADZ_E_USAGE, "unknown argument 'filtre' (did you mean 'filter'?)"},
        {"resize mode=squash size=224 filter=cubic", RADZ_E_USAGE, "known: nearest, box, bilinear"},
        {"resize mode=squash size=224 filter=box filter=box", RADZ_E_USAGE, "given twice"},
        {"resize mode=squash size=224", RADZ_E_MISSING, "argument 'filter' is missing"},
        {"resize mode=squash size=0 filter=box", RADZ_E_VALUE, "0 is outside 1 to 16384"},
        {"resize mode=squash size=10x filter=box", RADZ_E_VALUE, "not a whole number"},
        {"resize mode=shorter size=10x20 filter=box; crop size=5", RADZ_E_VALUE, "wants one number"},
        {"resize mode=shorter size=10 filter=box", RADZ_E_VALUE, "do not end in one size"},
        {"rgb size=3; crop size=5", RADZ_E_USAGE, "takes none"},
        {"rgb; crop", RADZ_E_MISSING, "'size' is missing"},
        {"rgb; crop 5", RADZ_E_FORMAT, "'5' is not of the form name=value"},
        {"crop size=5; normalize mean=1,2,3 std=1", RADZ_E_VALUE, "put 'rgb' before it"},
        {"rgb; crop size=5; normalize mean=1,2 std=1", RADZ_E_VALUE, "one or three numbers"},
        {"rgb; crop size=5; normalize mean=1 std=0", RADZ_E_VALUE, "a positive number is wanted"},
        {"rgb; crop size=5; normalize mean=1 std=nan", RADZ_E_VALUE, "not a number"},
        {"rgb; crop size=5; scale factor=1,2,3", RADZ_E_VALUE, "one number is wanted"},
        {"rgb; crop size=5; scale factor=2; depth8", RADZ_E_VALUE, "an earlier step made them float"},
        {"crop size=5; equalize", RADZ_E_VALUE, "put 'gray' before it"},
        {"crop size=5; resize mode=squash size=4 filter=bicubic-plain", RADZ_E_VALUE, "needs float samples"},
        {"pad size=5 fill=1,2,3", RADZ_E_VALUE, "put 'rgb' before it"},
        {"", RADZ_E_VALUE, "0 preprocess steps"},
        {"rgb; ; crop size=5", RADZ_E_USAGE, "unknown step ''"},
    };
    radz_error err;
    radz_recipe *recipe;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FAILS(radz_recipe_parse("card", cases[i].text, &recipe, &err), cases[i].status, cases[i].message);
        assert_null(recipe);
    }
    const radz_recipe_arg wrong[] = {{"size", "big"}};
    const radz_recipe_step steps[] = {{"rgb", NULL, 0, 7}, {"crop", wrong, 1, 8}};
    FAILS(radz_recipe_build("model card 'x.yaml'", steps, 2, &recipe, &err), RADZ_E_VALUE,
          "model card 'x.yaml' line 8, preprocess step 2 'crop': size 'big'");
    FAILS(radz_recipe_preset("openai-clap", &recipe, &err), RADZ_E_USAGE, "did you mean 'openai-clip'?");
}

static void bad_settings(void **state)
{
    (void)state;
    static const struct { const char *text; const char *message; } cases[] = {
        {"{\"size\": \"224\"}", "pre.json: key 'size'"},
        {"{\"size\": {\"shortest_edge\": -1}}", "key 'size': a whole number of pixels"},
        {"{\"size\": {\"longest_edge\": 1}}", "key 'size'"},
        {"{\"size\": 1e3}", "key 'size'"},
        {"{\"crop_size\": {\"shortest_edge\": 5}}", "key 'crop_size'"},
        {"{\"resample\": 9}", "key 'resample': a filter number from 0 to 5"},
        {"{\"do_resize\": 1}", "key 'do_resize': true or false"},
        {"{\"image_mean\": [1, 2]}", "key 'image_mean': a list of three numbers"},
        {"{\"image_std\": [0, 1, 1]}", "std 0: a positive number"},
        {"{\"image_std\": \"x\"}", "key 'image_std'"},
        {"{\"rescale_factor\": \"x\"}", "key 'rescale_factor'"},
        {"{\"do_pad\": true}", "key 'do_pad'"},
        {"{\"image_processor_type\": \"CLIPImageProcesor\"}", "did you mean 'CLIPImageProcessor'?"},
        {"{\"do_center_crop\": false}", "do not end in one size"},
        {"[1]", "an object"},
    };
    radz_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        radz_json_doc *doc;
        radz_recipe *recipe;
        OK(radz_json_parse(cases[i].text, strlen(cases[i].text), "pre.json", &doc, &err));
        err = (radz_error){0};
        if (radz_recipe_from_hf(doc, &recipe, &err) == RADZ_OK || strstr(err.message, cases[i].message) == NULL ||
            strstr(err.message, "pre.json") == NULL)
            fail_msg("%s: '%s', wanted '%s'", cases[i].text, err.message, cases[i].message);
        assert_null(recipe);
        radz_json_free(doc);
    }
}

static void preprocess_text(const char *text, const radz_picture *p, float *out)
{
    radz_error err;
    radz_recipe *recipe;
    radz_preprocessor *preprocessor;
    OK(radz_recipe_parse("test", text, &recipe, &err));
    OK(radz_preprocessor_create(recipe, &preprocessor, &err));
    OK(radz_preprocess(preprocessor, p, out, &err));
    radz_preprocessor_free(preprocessor);
    radz_recipe_free(recipe);
}

static void assert_planes(const float *out, size_t count, const float *r, const float *g, const float *b)
{
    const float *planes[3] = {r, g, b};
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < count; i++)
            if (out[c * count + i] != planes[c][i])
                fail_msg("channel %zu sample %zu: %g, wanted %g", c, i, (double)out[c * count + i],
                         (double)planes[c][i]);
}

/* Steps whose result one can see without a reference. */
static void small_cases(void **state)
{
    (void)state;
    float out[64];
    uint8_t gray[6] = {0, 50, 100, 150, 200, 250};
    radz_picture p = {.width = 3, .height = 2, .channels = 1, .bits = 8, .pixels = gray};
    /* crop and pad, larger than the picture on both sides: zeros, then the fill, per channel */
    const float cropped[4] = {0, 50, 150, 200};
    preprocess_text("crop size=2", &p, out); /* (3 - 2) / 2 = 0 from the left */
    assert_planes(out, 4, cropped, cropped, cropped);
    const float rounded[4] = {0, 50, 150, 200}; /* rint(0.5) = 0 */
    preprocess_text("crop size=2 round=even", &p, out);
    assert_planes(out, 4, rounded, rounded, rounded);
    const float column[4] = {0, 50, 200, 0}; /* height 4 around 2 */
    preprocess_text("crop size=4x1", &p, out);
    assert_planes(out, 4, (const float[]){0, 50, 200, 0}, column, column);
    preprocess_text("rgb; pad size=square fill=1,2,3; crop size=3", &p, out);
    const float red[9] = {0, 50, 100, 150, 200, 250, 1, 1, 1}, green[9] = {0, 50, 100, 150, 200, 250, 2, 2, 2},
                blue[9] = {0, 50, 100, 150, 200, 250, 3, 3, 3};
    assert_planes(out, 9, red, green, blue);
    preprocess_text("pad size=4 fill=9 at=corner; crop size=4", &p, out);
    const float corner[16] = {0, 50, 100, 9, 150, 200, 250, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    assert_planes(out, 16, corner, corner, corner);
    /* levels */
    preprocess_text("crop size=2x3; minmax8", &p, out);
    const float stretched[6] = {0, 51, 102, 153, 204, 255};
    assert_planes(out, 6, stretched, stretched, stretched);
    preprocess_text("crop size=2x3; float divide=max", &p, out);
    const float parts[6] = {0, 0.2f, 0.4f, 0.6f, 0.8f, 1};
    assert_planes(out, 6, parts, parts, parts);
    preprocess_text("rgb; crop size=2x3; normalize mean=0,50,100 std=1,2,0.5; scale factor=2; float", &p, out);
    assert_planes(out, 6, (const float[]){0, 100, 200, 300, 400, 500}, (const float[]){-50, 0, 50, 100, 150, 200},
                  (const float[]){-400, -200, 0, 200, 400, 600});
    /* a flat picture */
    uint8_t flat[6] = {7, 7, 7, 7, 7, 7};
    p.pixels = flat;
    const float zeros[6] = {0};
    preprocess_text("crop size=2x3; minmax8", &p, out);
    assert_planes(out, 6, zeros, zeros, zeros);
    preprocess_text("gray; crop size=2x3; equalize", &p, out);
    assert_true(out[0] == out[5]);
    /* 16 bits */
    uint16_t deep[6] = {0, 1000, 255, 256, 4000, 40};
    p.pixels = deep;
    p.bits = 16;
    const float by_max[6] = {0, 63, 16, 16, 255, 2}, high[6] = {0, 3, 0, 1, 15, 0},
                clip[6] = {0, 255, 255, 255, 255, 40};
    preprocess_text("depth8; crop size=2x3", &p, out);
    assert_planes(out, 6, by_max, by_max, by_max);
    preprocess_text("depth8 from=high; crop size=2x3", &p, out);
    assert_planes(out, 6, high, high, high);
    preprocess_text("depth8 from=clip; crop size=2x3", &p, out);
    assert_planes(out, 6, clip, clip, clip);
    preprocess_text("crop size=2x3; float divide=full", &p, out);
    assert_true(out[1] == 1000.0f / 65535.0f);
    const float as_is[6] = {0, 1000, 255, 256, 4000, 40};
    preprocess_text("crop size=2x3", &p, out);
    assert_planes(out, 6, as_is, as_is, as_is);
    /* 16-bit colour to gray, and colour that is gray after all */
    uint16_t colour[3] = {65535, 65535, 65535};
    p = (radz_picture){.width = 1, .height = 1, .channels = 3, .bits = 16, .pixels = colour};
    preprocess_text("gray; crop size=1", &p, out);
    assert_true(out[0] == 65535.0f && out[2] == 65535.0f);
    uint8_t disguise[6] = {9, 9, 9, 200, 200, 200};
    p = (radz_picture){.width = 2, .height = 1, .channels = 3, .bits = 8, .pixels = disguise};
    preprocess_text("rgb; crop size=1x2; normalize mean=0,1,2 std=1", &p, out);
    assert_planes(out, 2, (const float[]){9, 200}, (const float[]){8, 199}, (const float[]){7, 198});
}

static void pictures_that_do_not_fit(void **state)
{
    (void)state;
    radz_error err;
    radz_recipe *recipe;
    radz_preprocessor *preprocessor;
    float out[3 * 16];
    uint8_t gray[64] = {0};
    radz_picture p = {.width = 8, .height = 2, .channels = 1, .bits = 8, .pixels = gray};
    OK(radz_recipe_parse("test", "rgb; pad size=4; crop size=4", &recipe, &err));
    OK(radz_preprocessor_create(recipe, &preprocessor, &err));
    FAILS(radz_preprocess(preprocessor, &p, out, &err), RADZ_E_VALUE,
          "preprocess step 2: the picture has 8 x 2 pixels here and does not fit into 4 x 4");
    p.width = 4; /* the machine still works */
    OK(radz_preprocess(preprocessor, &p, out, &err));
    radz_preprocessor_free(preprocessor);
    radz_recipe_free(recipe);
    /* a needle whose longer side would become enormous */
    OK(radz_recipe_parse("test", "resize mode=shorter size=16384 filter=box; crop size=4", &recipe, &err));
    OK(radz_preprocessor_create(recipe, &preprocessor, &err));
    p.width = 64;
    p.height = 1;
    FAILS(radz_preprocess(preprocessor, &p, out, &err), RADZ_E_VALUE, "1048576 x 16384 pixels would arise");
    radz_preprocessor_free(preprocessor);
    radz_recipe_free(recipe);
}

int main(void)
{
    setenv("RADZ_DICOM_HELPER", RADZ_TEST_DICOM_HELPER, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_hugging_face),
        cmocka_unit_test(equal_to_the_methods),
        cmocka_unit_test(presets_on_files_of_data_sets),
        cmocka_unit_test(presets_print_as_written),
        cmocka_unit_test(one_text_for_one_recipe),
        cmocka_unit_test(bad_recipes),
        cmocka_unit_test(bad_settings),
        cmocka_unit_test(small_cases),
        cmocka_unit_test(pictures_that_do_not_fit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    radz_picture_free(&picture);
    return failed;
}
