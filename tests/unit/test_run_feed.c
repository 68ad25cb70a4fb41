/* What a training is fed with: variation of pictures, drawing of texts, batches as a function of their number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "image/encode.h"
#include "run/train_feed.h"
#include "text/bpe_train.h"

static radz_recipe_images plain_images(void)
{
    return (radz_recipe_images){.stored = 16, .zoom_low = 1, .zoom_high = 1, .mean = 0.5, .deviation = 0.25};
}

static void test_no_variation_is_the_picture(void **state)
{
    (void)state;
    uint8_t plane[16 * 16];
    float out[16 * 16];
    for (int i = 0; i < 256; i++)
        plane[i] = (uint8_t)(i * 7 % 256);
    radz_recipe_images o = plain_images();
    radz_feed_vary(&o, plane, 16, 1, 2, out, 16);
    double worst = 0;
    for (int i = 0; i < 256; i++)
        worst = fmax(worst, fabs((double)out[i] - (plane[i] / 255.0 - 0.5) / 0.25));
    assert_true(worst <= 1e-6); /* seen: 1.2e-7 */
}

static double mean_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum / (double)n;
}

static void test_each_variation(void **state)
{
    (void)state;
    enum { SIDE = 32, N = SIDE * SIDE };
    uint8_t plane[N];
    float a[N], b[N];
    for (int i = 0; i < N; i++)
        plane[i] = (uint8_t)(i % SIDE < SIDE / 2 ? 64 : 192); /* left dark, right bright */

    /* the same numbers give the same bytes, other numbers others */
    radz_recipe_images o = plain_images();
    o.zoom_low = 0.7;
    o.rotate = 20;
    o.shift = 0.1;
    o.aspect = 0.2;
    o.contrast = o.brightness = o.gamma = 0.3;
    o.noise = 0.1;
    radz_feed_vary(&o, plane, SIDE, 5, 9, a, SIDE);
    radz_feed_vary(&o, plane, SIDE, 5, 9, b, SIDE);
    assert_memory_equal(a, b, sizeof a);
    radz_feed_vary(&o, plane, SIDE, 5, 10, b, SIDE);
    assert_memory_not_equal(a, b, sizeof a);
    radz_feed_vary(&o, plane, SIDE, 6, 9, b, SIDE);
    assert_memory_not_equal(a, b, sizeof a);

    /* sides stay sides: however the picture is turned and cut, as long as the cut stays inside it, the right quarter is
     * the brighter one */
    o.zoom_low = 0.8;
    o.shift = o.aspect = 0;
    for (uint64_t i = 0; i < 200; i++) {
        radz_feed_vary(&o, plane, SIDE, 1, i, a, SIDE);
        double left = 0, right = 0;
        for (int y = 0; y < SIDE; y++) {
            left += mean_of(a + y * SIDE, SIDE / 4);
            right += mean_of(a + y * SIDE + SIDE * 3 / 4, SIDE / 4);
            for (int x = 0; x < SIDE; x++)
                assert_true(isfinite(a[y * SIDE + x]));
        }
        assert_true(right > left);
    }

    /* contrast and brightness stay in their ranges; noise has no mean */
    o = plain_images();
    o.contrast = 0.2;
    o.brightness = 0.1;
    double low = 9, high = -9;
    for (uint64_t i = 0; i < 500; i++) {
        radz_feed_vary(&o, plane, SIDE, 1, i, a, SIDE);
        double v = (double)a[0] * 0.25 + 0.5, w = (double)a[SIDE - 1] * 0.25 + 0.5;
        low = fmin(low, (w - v) / (128 / 255.0));
        high = fmax(high, (w - v) / (128 / 255.0));
        assert_true(fabs((v + w) / 2 - 128 / 255.0) < 0.1 + 0.01);
    }
    assert_true(low >= 0.799 && low < 0.82 && high <= 1.201 && high > 1.18);
    o = plain_images();
    o.noise = 0.1;
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < 100; i++) {
        radz_feed_vary(&o, plane, SIDE, 1, i, a, SIDE);
        for (int k = 0; k < N; k++) {
            double d = (double)a[k] * 0.25 + 0.5 - plane[k] / 255.0;
            sum += d;
            squares += d * d;
        }
    }
    assert_true(fabs(sum / (100.0 * N)) < 1e-3);
    /* deviation uniform in [0, 0.1): mean square 0.1^2 / 3 */
    assert_true(fabs(squares / (100.0 * N) / (0.01 / 3) - 1) < 0.2);

    /* outside the picture is black */
    o = plain_images();
    o.zoom_low = o.zoom_high = 2;
    radz_feed_vary(&o, plane, SIDE, 1, 1, a, SIDE);
    assert_true(fabs((double)a[0] + 2) < 1e-6);
    assert_true(fabs((double)a[N / 2 + SIDE / 2 + 3] - (192 / 255.0 - 0.5) / 0.25) < 1e-6);
}

static radz_dataset reports(radz_sample *samples, size_t n)
{
    return (radz_dataset){.name = "made", .n = n, .samples = samples};
}

static void test_sentences(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_sample samples[] = {{.image_id = "a", .report = "Clear lungs. Nodule of 1.5 cm in the left zone.  Drain"},
                             {.image_id = "b", .report = "Clear lungs."},
                             {.image_id = "c", .report = "Is it? Clear lungs. Yes!"}};
    radz_dataset dataset = reports(samples, 3);
    radz_recipe_texts options = {.whole = 0, .sentences = 3, .single = 1, .rarity = 1};
    radz_feed_texts texts;
    assert_int_equal(radz_feed_texts_create(&dataset, &options, &texts, &err), RADZ_OK);
    const char *wanted[] = {"Clear lungs.", "Nodule of 1.5 cm in the left zone.", "Drain", "Clear lungs.", "Is it?",
                            "Clear lungs.", "Yes!"};
    assert_int_equal(texts.first[3], 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(texts.sentences[texts.ids[i]], wanted[i]);
    assert_int_equal(texts.distinct, 5);
    assert_true(fabs(texts.weights[texts.ids[0]] - 1 / 3.0) < 1e-12 && texts.weights[texts.ids[1]] == 1);
    assert_int_equal(texts.ids[0], texts.ids[3]);

    /* rarity 1: 1/3 against 1 and 1 */
    size_t common = 0;
    radz_feed_text text;
    for (uint64_t k = 0; k < 7000; k++) {
        radz_feed_draw_text(&texts, &options, 0, 3, k, &text);
        assert_int_equal(text.count, 1);
        common += text.ids[0] == texts.ids[0];
    }
    assert_true(common > 850 && common < 1150); /* 1000 expected, deviation 29 */

    /* more sentences than the report has: all of them, in its order */
    options.single = 0;
    options.sentences = 2;
    size_t pairs = 0;
    for (uint64_t k = 0; k < 300; k++) {
        radz_feed_draw_text(&texts, &options, 0, 3, k, &text);
        pairs += text.count == 2 && ((text.ids[0] == texts.ids[0] && text.ids[1] == texts.ids[1]) ||
                                     (text.ids[0] == texts.ids[0] && text.ids[1] == texts.ids[2]) ||
                                     (text.ids[0] == texts.ids[1] && text.ids[1] == texts.ids[2]));
        radz_feed_draw_text(&texts, &options, 1, 3, k, &text);
        assert_int_equal(text.count, 1);
        assert_true(radz_feed_describes(&texts, &text, 0) && radz_feed_describes(&texts, &text, 1));
    }
    assert_int_equal(pairs, 300);
    options.whole = 1;
    radz_strbuf out = {0};
    radz_feed_draw_text(&texts, &options, 0, 3, 1, &text);
    assert_int_equal(radz_feed_spell_text(&texts, &text, &out, &err), RADZ_OK);
    assert_string_equal(out.text, "Clear lungs. Nodule of 1.5 cm in the left zone. Drain");
    assert_true(radz_feed_describes(&texts, &text, 0));
    assert_false(radz_feed_describes(&texts, &text, 1) || radz_feed_describes(&texts, &text, 2));
    radz_strbuf_free(&out);
    radz_feed_texts_free(&texts);

    samples[1].report = NULL;
    assert_int_equal(radz_feed_texts_create(&dataset, &options, &texts, &err), RADZ_E_MISSING);
    assert_non_null(strstr(err.message, "'b'"));
}

/* Pictures of three kinds on disk, a tokenizer of their reports, batches in any order. */
static void test_batches(void **state)
{
    (void)state;
    enum { N = 10, SIDE = 20, SIZE = 16, BATCH = 4, CONTEXT = 12, PLANE = 3 * SIZE * SIZE };
    radz_error err = {0};
    char folder[] = "/tmp/radz-feed-XXXXXX", paths[N][64], command[100];
    char texts[N][64];
    radz_sample samples[N];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < N; i++) {
        uint16_t deep[40 * 40];
        uint8_t flat[40 * 40];
        for (size_t k = 0; k < 40 * 40; k++) {
            deep[k] = (uint16_t)(k == 0 ? 65535 : 6553 * i);
            flat[k] = (uint8_t)(25 * i);
        }
        snprintf(paths[i], sizeof paths[i], "%s/%zu.png", folder, i);
        snprintf(texts[i], sizeof texts[i], "Finding number %zu. The heart is normal.", i);
        const radz_pixels pixels = i % 2 ? (radz_pixels){deep, 40, 40, 1, 16} : (radz_pixels){flat, 40, 40, 1, 8};
        assert_int_equal(radz_png_write(paths[i], &pixels, &err), RADZ_OK);
        samples[i] = (radz_sample){.image_id = paths[i], .path = paths[i], .report = texts[i]};
    }
    radz_dataset dataset = reports(samples, N);
    uint8_t *planes = NULL;
    assert_int_equal(radz_feed_decode(&dataset, SIDE, 2, &planes, &err), RADZ_OK);
    for (size_t i = 0; i < N; i++)
        assert_in_range(planes[i * SIDE * SIDE + SIDE * SIDE / 2], i % 2 ? 25.49 * (double)i : 25 * i, 25.51 * (double)i + 1);

    radz_tokenizer *tokenizer = NULL;
    const char *reports_list[N];
    for (size_t i = 0; i < N; i++)
        reports_list[i] = texts[i];
    const radz_bpe_train_options bpe = {.vocab_size = 530, .context = CONTEXT};
    assert_int_equal(radz_bpe_train(reports_list, N, &bpe, folder, NULL, &err), RADZ_OK);
    assert_int_equal(radz_tokenizer_load(folder, &tokenizer, &err), RADZ_OK);

    radz_recipe_images images = plain_images();
    images.stored = SIDE;
    images.noise = 0.1;
    radz_recipe_texts drawn = {.whole = 0.5, .sentences = 2, .single = 0.5, .rarity = 0.5, .per_image = 3};
    radz_recipe_model model = {.image_size = SIZE};
    radz_recipe_tokenizer wanted = {530, CONTEXT};
    radz_recipe_training training = {.seed = 4, .batch = BATCH, .positives = RADZ_POSITIVES_CONTAINED};
    char name[] = "test";
    radz_recipe_card recipe = {.base = {.name = name}, .model = &model, .tokenizer = &wanted, .images = &images,
                               .texts = &drawn, .training = &training};
    radz_feed *one = NULL, *two = NULL;
    radz_feed_source source = {.dataset = &dataset, .batch = BATCH, .planes = planes};
    assert_int_equal(radz_feed_create(&recipe, &source, tokenizer, 1, &one, &err), RADZ_OK);
    assert_int_equal(radz_feed_create(&recipe, &source, tokenizer, 3, &two, &err), RADZ_OK);
    enum { BATCHES = 10 }; /* four epochs */
    enum { EACH = 3, MOST = BATCH * EACH };
    static float pixels[BATCHES][BATCH * PLANE];
    static int32_t ids[BATCHES][MOST * CONTEXT];
    static uint8_t positive[BATCHES][BATCH * MOST];
    radz_train_batch batches[BATCHES];
    size_t seen[N] = {0}, shared = 0;
    for (int64_t b = 0; b < BATCHES; b++) {
        radz_train_batch *batch = &batches[b];
        *batch = (radz_train_batch){pixels[b], ids[b], positive[b], 0, 0};
        assert_int_equal(radz_feed_batch(one, b, batch, &err), RADZ_OK);
        assert_in_range(batch->tokens, 4, CONTEXT);
        assert_in_range(batch->texts, BATCH, MOST);
        size_t number[BATCH];
        for (size_t i = 0; i < BATCH; i++) {
            const float *p = pixels[b] + i * PLANE;
            assert_memory_equal(p, p + SIZE * SIZE, SIZE * SIZE * sizeof *p);
            double level = (mean_of(p, SIZE * SIZE) * 0.25 + 0.5) * 10;
            number[i] = (size_t)(level + 0.5);
            seen[number[i]]++;
        }
        for (int64_t j = 0; j < batch->texts; j++) {
            const int32_t *row = ids[b] + j * CONTEXT;
            assert_int_equal(row[0], radz_tokenizer_info_of(tokenizer)->bos_id);
            bool end = false;
            for (int64_t t = 1; t < batch->tokens; t++)
                end = end || row[t] == radz_tokenizer_info_of(tokenizer)->eos_id;
            assert_true(end);
            for (int64_t k = 0; k < j; k++)
                assert_memory_not_equal(row, ids[b] + k * CONTEXT, (size_t)batch->tokens * sizeof *row);
            /* the sentence that all reports have belongs to all, every other text to the one image it names */
            size_t owners = 0, first = 0;
            bool one_image = true; /* which may be in the batch twice where an epoch ends */
            for (size_t i = 0; i < BATCH; i++)
                if (positive[b][i * (size_t)batch->texts + (size_t)j]) {
                    first = owners++ == 0 ? i : first;
                    one_image = one_image && number[i] == number[first];
                }
            assert_true(owners > 0 && (one_image || owners == BATCH));
            shared += owners == BATCH;
        }
    }
    assert_true(shared > 0 && shared <= BATCHES);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(seen[i], 4); /* once per epoch */
    static float pixels_again[BATCH * PLANE];
    static int32_t ids_again[MOST * CONTEXT];
    static uint8_t positive_again[BATCH * MOST];
    for (int64_t b = BATCHES - 1; b >= 0; b--) {
        radz_train_batch again = {pixels_again, ids_again, positive_again, 0, 0};
        const radz_train_batch *batch = &batches[b];
        assert_int_equal(radz_feed_batch(two, b, &again, &err), RADZ_OK);
        assert_int_equal(again.texts, batch->texts);
        assert_int_equal(again.tokens, batch->tokens);
        assert_memory_equal(pixels_again, pixels[b], sizeof pixels_again);
        assert_memory_equal(ids_again, ids[b], (size_t)batch->texts * CONTEXT * sizeof *ids_again);
        assert_memory_equal(positive_again, positive[b], (size_t)(BATCH * batch->texts));
    }
    radz_feed_free(two);

    /* pairs: the texts stand in the order of their images, however often they repeat */
    training.positives = RADZ_POSITIVES_PAIR;
    assert_int_equal(radz_feed_create(&recipe, &source, tokenizer, 2, &two, &err), RADZ_OK);
    radz_train_batch paired = {pixels_again, ids_again, positive_again, 0, 0};
    assert_int_equal(radz_feed_batch(two, 0, &paired, &err), RADZ_OK);
    assert_int_equal(paired.texts, MOST);
    for (size_t i = 0; i < BATCH; i++)
        for (size_t j = 0; j < MOST; j++)
            assert_int_equal(positive_again[i * MOST + j], j / EACH == i);
    radz_feed_free(one);
    radz_feed_free(two);
    radz_feed_free(NULL);

    /* pictures as a finished model sees them are not varied, however often they are used */
    radz_recipe *steps = NULL;
    float *seen_pixels = NULL;
    assert_int_equal(radz_recipe_parse("test", "depth8 from=max; rgb; resize mode=squash size=16 filter=bilinear; float divide=full; "
                                       "normalize mean=0.5,0.4,0.3 std=0.25", &steps, &err), RADZ_OK);
    assert_int_equal(radz_feed_preprocess(&dataset, steps, 2, &seen_pixels, &err), RADZ_OK);
    const radz_feed_source as_seen = {.dataset = &dataset, .batch = 3, .pixels = seen_pixels};
    assert_int_equal(radz_feed_create(&recipe, &as_seen, tokenizer, 2, &one, &err), RADZ_OK);
    size_t used[N] = {0};
    for (int64_t b = 0; b < 2 * N; b++) { /* six epochs */
        radz_train_batch fixed = {pixels_again, ids_again, positive_again, 0, 0};
        assert_int_equal(radz_feed_batch(one, b, &fixed, &err), RADZ_OK);
        for (size_t i = 0; i < 3; i++) {
            size_t k = 0;
            while (k < N && memcmp(pixels_again + i * PLANE, seen_pixels + k * PLANE, PLANE * sizeof *seen_pixels) != 0)
                k++;
            assert_true(k < N);
            used[k]++;
            assert_true(fabs((double)(pixels_again[i * PLANE + 2 * SIZE * SIZE] - pixels_again[i * PLANE]) - 0.8) < 1e-6); /* three planes */
        }
    }
    for (size_t i = 0; i < N; i++)
        assert_int_equal(used[i], 6);
    radz_feed_free(one);
    radz_recipe_free(steps);
    free(seen_pixels);

    source.batch = N + 1;
    assert_int_equal(radz_feed_create(&recipe, &source, tokenizer, 1, &one, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "batches of 11 from 10 images"));

    /* a damaged picture is named */
    free(planes);
    radz_error_clear(&err);
    assert_int_equal(radz_file_write(paths[3], "no picture", 10, NULL), RADZ_OK);
    assert_int_equal(radz_feed_decode(&dataset, SIDE, 2, &planes, &err), RADZ_E_FORMAT);
    assert_null(planes);
    assert_non_null(strstr(err.message, "3.png"));

    radz_tokenizer_free(tokenizer);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_variation_is_the_picture),
        cmocka_unit_test(test_each_variation),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
