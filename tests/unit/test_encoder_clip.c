/* The encoder: what it knows without libtorch, embeddings end to end against Hugging Face transformers
 * (tests/reference/make_clip_goldens.py, folder "whole"), independence of batch, order and threads, errors. */
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
#include "base/json.h"
#include "base/log.h"
#include "encoder/door.h"
#include "encoder/encoder.h"
#include "must.h"

#define WHOLE RADZ_TEST_DIR "/golden/clip/whole"

static radz_encoder *open_whole(radz_encoder_options options)
{
    radz_encoder *e;
    MUST(radz_encoder_open("clip", WHOLE, &options, &e, &err));
    return e;
}

static bool libtorch_is_loaded(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    char line[4096];
    bool found = false;
    while (fgets(line, sizeof line, maps) != NULL)
        found = found || strstr(line, "libtorch") != NULL;
    fclose(maps);
    return found;
}

static void facts_without_libtorch(void **state)
{
    (void)state;
    radz_encoder *e = open_whole((radz_encoder_options){.batch = 4, .device = "cuda", .dtype = "bfloat16", .threads = 3});
    const radz_encoder_facts *f = radz_encoder_info(e);
    assert_string_equal(f->family, "clip");
    assert_string_equal(f->dir, WHOLE);
    assert_int_equal(f->dim, 14);
    assert_int_equal(f->image_size, 28);
    assert_int_equal(f->pixels_per_image, 3 * 28 * 28);
    assert_int_equal(f->context, 20);
    assert_int_equal(f->batch, 4);
    assert_string_equal(f->device, "cuda:0");
    assert_string_equal(f->device_class, "cuda");
    assert_string_equal(f->dtype, "bfloat16");
    assert_int_equal(f->threads, 3);
    assert_true(strlen(f->recipe_text) > 20);
    assert_int_equal(strlen(f->tokenizer_sha256), 64);
    assert_int_equal(strlen(f->config_sha256), 64);
    assert_int_equal(f->n_weight_files, 5);
    assert_string_equal(f->weight_files[0], WHOLE "/model-00001-of-00004.safetensors");
    assert_string_equal(f->weight_files[4], WHOLE "/model.safetensors.index.json");
    radz_encoder_free(e);
    radz_encoder_free(NULL);

    MUST(radz_encoder_open("clip", WHOLE, NULL, &e, &err)); /* the defaults */
    f = radz_encoder_info(e);
    assert_string_equal(f->device, "cpu");
    assert_string_equal(f->dtype, "float32");
    assert_int_equal(f->batch, 16);
    assert_true(f->threads >= 1);
    radz_encoder_free(e);

    static const char *const steps[] = {"rgb", "depth8 from=max", "resize mode=squash size=28 filter=bilinear", "float divide=full",
                                        "normalize mean=0.5 std=0.5"};
    e = open_whole((radz_encoder_options){.preprocess_steps = steps, .n_preprocess_steps = 5});
    assert_non_null(strstr(radz_encoder_info(e)->recipe_text, "squash"));
    radz_encoder_free(e);

    assert_false(radz_door_is_open());
    assert_false(libtorch_is_loaded());
    assert_true(strlen(radz_torch_version()) >= 4);
    assert_true(strlen(radz_blas_text()) >= 3);
    assert_false(libtorch_is_loaded()); /* asking for the BLAS does not load it either */
    assert_true(radz_blas_is_slow() == (strstr(radz_blas_text(), "slow") != NULL));
    assert_true(!radz_blas_is_slow() || radz_blas_advice() != NULL);
}

static void assert_refused(const char *family, const char *dir, radz_encoder_options options, radz_status code,
                           const char *part)
{
    radz_error err = {0};
    radz_encoder *e;
    radz_status status = radz_encoder_open(family, dir, &options, &e, &err);
    assert_null(e);
    if (status != code || strstr(err.message, part) == NULL)
        fail_msg("status %s, '%s' (wanted '%s')", radz_status_name(status), err.message, part);
}

static void refused_when_opened(void **state)
{
    (void)state;
    static const char *const steps[] = {"rgb", "resize mode=squash size=30 filter=bilinear", "float divide=full"};
    radz_encoder_options none = {0};
    assert_refused("clop", WHOLE, none, RADZ_E_USAGE, "known: clip");
    assert_refused("clip", "/nonexistent", none, RADZ_E_MISSING, "'/nonexistent' is not there");
    assert_refused("clip", RADZ_TEST_DIR "/golden/clip", none, RADZ_E_MISSING, "config.json");
    assert_refused("clip", RADZ_TEST_DIR "/golden/clip/quick", none, RADZ_E_MISSING, "preprocessor_config.json");
    assert_refused("clip", WHOLE, (radz_encoder_options){.device = "gpu"}, RADZ_E_USAGE, "known: cpu, cuda");
    assert_refused("clip", WHOLE, (radz_encoder_options){.device = "cuda:x"}, RADZ_E_USAGE, "'cuda:x'");
    assert_refused("clip", WHOLE, (radz_encoder_options){.dtype = "f64"}, RADZ_E_USAGE, "float32, bfloat16, float16");
    assert_refused("clip", WHOLE, (radz_encoder_options){.batch = 5000}, RADZ_E_USAGE, "5000 images");
    assert_refused("clip", WHOLE, (radz_encoder_options){.threads = -1}, RADZ_E_USAGE, "-1 threads");
    assert_refused("clip", WHOLE, (radz_encoder_options){.preprocess = "openai-clip"}, RADZ_E_VALUE,
                   "pictures of 224 x 224 pixels, the model wants 28 x 28");
    assert_refused("clip", WHOLE, (radz_encoder_options){.preprocess_steps = steps, .n_preprocess_steps = 3}, RADZ_E_VALUE,
                   "30 x 30");
    assert_refused("clip", WHOLE, (radz_encoder_options){.preprocess = "model", .preprocess_steps = steps, .n_preprocess_steps = 3},
                   RADZ_E_USAGE, "given twice");
    assert_refused("clip", WHOLE, (radz_encoder_options){.preprocess = "nothing"}, RADZ_E_USAGE, "nothing");
}

/* Before anything has loaded the plugin. */
static void plugin_that_is_not_one(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        radz_status code;
        const char *part;
    } cases[] = {{"/nonexistent/libradz_torch.so", RADZ_E_MISSING, "RADZ_TORCH_PLUGIN names '/nonexistent/"},
                 {WHOLE "/config.json", RADZ_E_BACKEND, "cannot load"},
                 {"libm.so.6", RADZ_E_MISSING, "libm.so.6"}};
    radz_encoder *e = open_whole((radz_encoder_options){.batch = 4});
    float row[14];
    const char *text = "lung";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        radz_error err = {0};
        assert_int_equal(setenv("RADZ_TORCH_PLUGIN", cases[i].path, 1), 0);
        radz_status status = radz_encoder_texts(e, &text, 1, row, &err);
        if (status != cases[i].code || strstr(err.message, cases[i].part) == NULL)
            fail_msg("status %s, '%s' (wanted '%s')", radz_status_name(status), err.message, cases[i].part);
    }
    radz_error err = {0};
    unsetenv("RADZ_TORCH_PLUGIN"); /* this program has none beside it */
    assert_int_equal(radz_encoder_texts(e, &text, 1, row, &err), RADZ_E_MISSING);
    assert_non_null(strstr(err.message, "libradz_torch.so"));
    assert_non_null(strstr(err.message, "../lib/radz-bench/"));
    radz_encoder_free(e);
}

#ifdef RADZ_TEST_PLUGIN

enum { DIM = 14, PIXELS = 3 * 28 * 28, FILES = 5, TEXTS = 6 };

typedef struct whole {
    radz_json_doc *doc;
    const char *texts[TEXTS];
    float pixels[FILES * PIXELS];
    double image_rows[FILES * DIM], text_rows[TEXTS * DIM];
} whole;

static void read_rows(const radz_json *rows, double *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(radz_json_as_double(radz_json_at(radz_json_at(rows, i / DIM), i % DIM), &out[i]));
}

static int load_whole(void **state)
{
    whole *w = calloc(1, sizeof *w);
    *state = w;
    setenv("RADZ_TORCH_PLUGIN", RADZ_TEST_PLUGIN, 1);
    MUST(radz_json_load(WHOLE "/end_to_end.json", &w->doc, &err));
    const radz_json *root = radz_json_root(w->doc);
    for (size_t i = 0; i < TEXTS; i++)
        w->texts[i] = radz_json_string(radz_json_at(radz_json_find(root, "texts"), i));
    read_rows(radz_json_find(root, "image_embeds"), w->image_rows, FILES * DIM);
    read_rows(radz_json_find(root, "text_embeds"), w->text_rows, TEXTS * DIM);
    radz_encoder *e = open_whole((radz_encoder_options){0});
    radz_preprocessor *p;
    radz_picture picture = {0};
    MUST(radz_preprocessor_create(radz_encoder_info(e)->recipe, &p, &err));
    for (size_t i = 0; i < FILES; i++) {
        char path[512];
        snprintf(path, sizeof path, WHOLE "/%s", radz_json_string(radz_json_at(radz_json_find(root, "files"), i)));
        MUST(radz_picture_read(path, NULL, &picture, &err));
        MUST(radz_preprocess(p, &picture, w->pixels + i * PIXELS, &err));
    }
    radz_picture_free(&picture);
    radz_preprocessor_free(p);
    radz_encoder_free(e);
    return 0;
}

static int free_whole(void **state)
{
    whole *w = *state;
    radz_json_free(w->doc);
    free(w);
    return 0;
}

static double largest_difference(const float *a, const double *b, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        worst = fabs(a[i] - b[i]) <= worst ? worst : fabs(a[i] - b[i]);
    return worst;
}

static void end_to_end(void **state)
{
    whole *w = *state;
    float images[FILES * DIM], texts[TEXTS * DIM];
    double factor, wanted;
    radz_encoder *e = open_whole((radz_encoder_options){.threads = 1, .batch = 2});
    MUST(radz_encoder_images(e, w->pixels, FILES, images, &err));
    MUST(radz_encoder_texts(e, w->texts, TEXTS, texts, &err));
    double di = largest_difference(images, w->image_rows, FILES * DIM);
    double dt = largest_difference(texts, w->text_rows, TEXTS * DIM);
    print_message("files to embeddings differ by %.1e, texts by %.1e\n", di, dt);
    assert_true(di < 1e-5 && dt < 1e-5); /* seen: 1.2e-7, 1.2e-7 */
    MUST(radz_encoder_logit_factor(e, &factor, &err));
    MUST(radz_json_need_double(w->doc, radz_json_root(w->doc), "logit_factor", &wanted, &err));
    assert_true(fabs(factor - wanted) < 1e-5);
    assert_true(radz_door_is_open());
    assert_true(libtorch_is_loaded());
    MUST(radz_encoder_images(e, NULL, 0, NULL, &err));
    MUST(radz_encoder_texts(e, NULL, 0, NULL, &err));
    radz_encoder_free(e);
}

/* The same rows alone, in another order, in other calls, with more threads, after a release: the same bytes. */
static void rows_are_independent(void **state)
{
    whole *w = *state;
    for (size_t batch = 1; batch <= 4; batch += 3) {
        float all[FILES * DIM], one[DIM], texts[TEXTS * DIM];
        for (int threads = 1; threads <= 2; threads++) {
            radz_encoder *e = open_whole((radz_encoder_options){.threads = threads, .batch = batch});
            if (threads == 1) {
                MUST(radz_encoder_images(e, w->pixels, FILES, all, &err));
                MUST(radz_encoder_texts(e, w->texts, TEXTS, texts, &err));
            }
            for (size_t i = FILES; i-- > 0;) {
                MUST(radz_encoder_images(e, w->pixels + i * PIXELS, 1, one, &err));
                assert_memory_equal(one, all + i * DIM, sizeof one);
                radz_encoder_release(e);
            }
            for (size_t i = TEXTS; i-- > 0;) {
                MUST(radz_encoder_texts(e, &w->texts[i], 1, one, &err));
                assert_memory_equal(one, texts + i * DIM, sizeof one);
            }
            radz_encoder_free(e);
        }
    }
}

static void refused_when_used(void **state)
{
    whole *w = *state;
    radz_error e1 = {0};
    float row[DIM];
    radz_encoder *e = open_whole((radz_encoder_options){.batch = 1});
    float *pixels = malloc(PIXELS * sizeof *pixels);
    memcpy(pixels, w->pixels, PIXELS * sizeof *pixels);
    pixels[100] = NAN;
    assert_int_equal(radz_encoder_images(e, pixels, 1, row, &e1), RADZ_E_VALUE);
    assert_non_null(strstr(e1.message, "not a finite vector"));
    MUST(radz_encoder_images(e, w->pixels, 1, row, &err)); /* and goes on */
    radz_cancel_request();
    e1 = (radz_error){0};
    assert_int_equal(radz_encoder_images(e, w->pixels, 1, row, &e1), RADZ_E_INTERRUPTED);
    radz_cancel_reset();
    free(pixels);
    radz_encoder_free(e);

    e = open_whole((radz_encoder_options){.device = "cuda:120"});
    e1 = (radz_error){0};
    assert_int_equal(radz_encoder_images(e, w->pixels, 1, row, &e1), RADZ_E_UNSUPPORTED);
    assert_non_null(strstr(e1.message, "cuda:120"));
    radz_encoder_free(e);

    const radz_door *door;
    MUST(radz_door_open(&door, &err));
    assert_int_equal(door->abi, RADZ_DOOR_ABI);
    assert_string_equal(door->torch_version(), radz_torch_version());
    char text[2000];
    door->config_text(text, sizeof text);
    assert_true(strlen(text) > 20);
}

static void bf16_is_close(void **state)
{
    whole *w = *state;
    float images[FILES * DIM];
    radz_encoder *e = open_whole((radz_encoder_options){.dtype = "bfloat16"});
    MUST(radz_encoder_images(e, w->pixels, FILES, images, &err));
    double d = largest_difference(images, w->image_rows, FILES * DIM);
    assert_true(d < 0.03 && d > 1e-5); /* seen: 7e-3 */
    for (size_t i = 0; i < FILES; i++) { /* normalised in float all the same */
        double square = 0;
        for (size_t k = 0; k < DIM; k++)
            square += (double)images[i * DIM + k] * images[i * DIM + k];
        assert_true(fabs(square - 1) < 1e-6);
    }
    radz_encoder_free(e);
}

#endif

int main(void)
{
    const struct CMUnitTest before[] = {cmocka_unit_test(facts_without_libtorch), cmocka_unit_test(refused_when_opened),
                                        cmocka_unit_test(plugin_that_is_not_one)};
    int failed = cmocka_run_group_tests_name("without libtorch", before, NULL, NULL);
#ifdef RADZ_TEST_PLUGIN
    const struct CMUnitTest with[] = {cmocka_unit_test(end_to_end), cmocka_unit_test(rows_are_independent),
                                      cmocka_unit_test(refused_when_used), cmocka_unit_test(bf16_is_close)};
    failed += cmocka_run_group_tests_name("with libtorch", with, load_whole, free_whole);
#endif
    return failed;
}
