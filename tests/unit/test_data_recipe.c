/* Recipe cards: the shipped one, defaults, and one error per mistake, with file, line and key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "data/card_recipe.h"

static const char good[] = "name: recipe\n"                                                               /* 1 */
                           "title: A recipe\n"                                                            /* 2 */
                           "output: out\n"                                                                /* 3 */
                           "data: {dataset: phantom, train: train}\n"                                     /* 4 */
                           "validation: {split: val, prompts: phantom}\n"                                 /* 5 */
                           "tokenizer: {vocabulary: 600, context: 32}\n"                                  /* 6 */
                           "model:\n"                                                                     /* 7 */
                           "  image_size: 64\n"                                                           /* 8 */
                           "  patch: 16\n"                                                                /* 9 */
                           "  projection: 32\n"                                                           /* 10 */
                           "  vision: {width: 32, mlp: 64, layers: 2, heads: 2}\n"                        /* 11 */
                           "  text: {width: 32, mlp: 64, layers: 1, heads: 4}\n"                          /* 12 */
                           "images: {stored: 72, zoom_low: 0.9, zoom_high: 1, mean: 0.5, deviation: 0.3}\n" /* 13 */
                           "texts: {whole: 0.5, sentences: 2, single: 0.5}\n"                             /* 14 */
                           "training:\n"                                                                  /* 15 */
                           "  seed: 1\n"                                                                  /* 16 */
                           "  steps: 10\n"                                                                /* 17 */
                           "  batch: 4\n"                                                                 /* 18 */
                           "  warmup: 2\n"                                                                /* 19 */
                           "  learning_rate: 0.001\n"                                                     /* 20 */
                           "  weight_decay: 0.1\n";                                                       /* 21 */

/* Loads `good` with its first `from` replaced by `to`. */
static radz_status load(const char *from, const char *to, radz_recipe_card **card, radz_error *err)
{
    char text[4096], folder[] = "/tmp/radz-recipe-XXXXXX", path[64];
    const char *at = from != NULL ? strstr(good, from) : good;
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to != NULL ? to : "",
             at + (from != NULL ? strlen(from) : 0));
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/recipe.yaml", folder);
    assert_int_equal(radz_file_write(path, text, strlen(text), NULL), RADZ_OK);
    radz_status st = radz_recipe_card_load(path, card, err);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    return st;
}

static void test_defaults(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_recipe_card *card = NULL;
    if (load(NULL, NULL, &card, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    assert_string_equal(card->data->dataset, "phantom");
    assert_int_equal(card->model->vision.layers, 2);
    assert_int_equal(card->model->text.heads, 4);
    assert_int_equal(card->model->activation, RADZ_ACTIVATION_QUICK_GELU);
    assert_true(card->model->log_scale > 2.659 && card->model->log_scale < 2.66);
    assert_int_equal(card->training->accumulate, 1);
    assert_true(card->training->beta1 == 0.9 && card->training->beta2 == 0.98 && card->training->eps == 1e-6);
    assert_true(card->training->clip_norm == 0 && card->training->final_rate == 0);
    assert_int_equal(card->training->positives, RADZ_POSITIVES_PAIR);
    assert_int_equal(card->validation->every, 0);
    assert_true(card->images->rotate == 0 && card->images->noise == 0);
    assert_null(card->validation->group);
    assert_int_equal(strlen(card->base.sha256), 64);
    radz_recipe_card_free(card);
    radz_recipe_card_free(NULL);
}

static void test_values_that_are_given(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_recipe_card *card = NULL;
    assert_int_equal(load("  seed: 1\n", "  seed: 18446744073709551\n  accumulate: 3\n  positives: contained\n  beta2: 0\n",
                          &card, &err), RADZ_OK);
    assert_true(card->training->seed == 18446744073709551U);
    assert_int_equal(card->training->accumulate, 3);
    assert_int_equal(card->training->positives, RADZ_POSITIVES_CONTAINED);
    assert_true(card->training->beta2 == 0);
    radz_recipe_card_free(card);
}

static void test_the_shipped_recipe(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_recipe_card *card = NULL;
    if (radz_recipe_card_load(RADZ_SOURCE_DIR "/manifests/recipes/clip-tiny.yaml", &card, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    assert_string_equal(card->data->train, "train");
    assert_string_equal(card->validation->split, "val");
    radz_recipe_card_free(card);
}

/* Changes are read as the file is: equal texts are equal cards, in whatever way they came about. */
static void test_changes(void **state)
{
    (void)state;
    radz_error err = {0};
    char folder[] = "/tmp/radz-recipe-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/recipe.yaml", folder);
    assert_int_equal(radz_file_write(path, good, strlen(good), NULL), RADZ_OK);
    static const char *const changes[4][3] = {
        {"training.steps=20", "title='a: \"b\" # c'", "model.vision.width=64"},
        {"model={image_size: 64, patch: 16, projection: 32, vision: {width: 64, mlp: 64, layers: 2, heads: 2}, text: {width: "
         "32, mlp: 64, layers: 1, heads: 4}}", "training.positives=contained", "validation="},
        {"training.steps=3", "training.steps=20", "title='a: \"b\" # c'"}};
    char digests[4][RADZ_SHA256_HEX_SIZE];
    for (size_t i = 0; i < 4; i++) {
        radz_strlist list = {0};
        radz_recipe_card *card = NULL;
        for (size_t k = 0; k < 3 && changes[i][k] != NULL; k++)
            assert_int_equal(radz_strlist_add(&list, changes[i][k], NULL), RADZ_OK);
        if (radz_recipe_card_load_changed(path, &list, &card, &err) != RADZ_OK)
            fail_msg("%s", err.message);
        memcpy(digests[i], card->base.sha256, sizeof digests[i]);
        assert_string_equal(card->base.name, "recipe");
        assert_int_equal(card->training->steps, i == 0 || i == 2 ? 20 : 10);
        assert_int_equal(card->training->warmup, 2);
        assert_int_equal(card->model->vision.width, i < 2 ? 64 : 32);
        assert_int_equal(card->training->positives, i == 1 ? RADZ_POSITIVES_CONTAINED : RADZ_POSITIVES_PAIR);
        assert_string_equal(card->base.title, i == 0 || i == 2 ? "a: \"b\" # c" : "A recipe");
        assert_int_equal(card->validation == NULL, i == 1);
        radz_recipe_card_free(card);
        radz_strlist_free(&list);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(digests[k], digests[i]);
    }
    /* one change after another of the same key, and the last alone */
    for (size_t i = 0; i < 2; i++) {
        radz_strlist list = {0};
        radz_recipe_card *card = NULL;
        if (i == 0)
            assert_int_equal(radz_strlist_add(&list, "training.steps=3", NULL), RADZ_OK);
        assert_int_equal(radz_strlist_add(&list, "training.steps=20", NULL), RADZ_OK);
        assert_int_equal(radz_recipe_card_load_changed(path, &list, &card, &err), RADZ_OK);
        memcpy(digests[i], card->base.sha256, sizeof digests[i]);
        radz_recipe_card_free(card);
        radz_strlist_free(&list);
    }
    assert_string_equal(digests[0], digests[1]);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        const char *parts[3]; /* that the message holds */
    } cases[] = {
        {"  steps: 10\n", "", {"line 16", "training.steps", "missing"}},
        {"  steps: 10\n", "  steps: 10\n  stepps: 11\n", {"line 18", "stepps", "steps"}},
        {"  steps: 10\n", "  steps: many\n", {"line 17", "training.steps", "many"}},
        {"  steps: 10\n", "  steps: 0\n", {"line 17", "training.steps", "0 is outside 1"}},
        {"  steps: 10\n", "  steps: 1\n", {"training.warmup", "2 steps of warm-up", "1 steps"}},
        {"  batch: 4\n", "  batch: 1\n", {"line 18", "training.batch", "outside 2"}},
        {"  batch: 4\n", "  batch: 4\n  positives: all\n", {"line 19", "positives", "contained"}},
        {"0.001\n", "fast\n", {"line 20", "training.learning_rate", "fast"}},
        {"patch: 16", "patch: 15", {"model.image_size", "64 pixels", "15"}},
        {"vision: {width: 32", "vision: {width: 33", {"line 11", "33", "2 heads"}},
        {"heads: 4", "heads: 5", {"line 12", "32", "5 heads"}},
        {"zoom_low: 0.9", "zoom_low: 1.5", {"line 13", "images.zoom_low", "1.5"}},
        {"single: 0.5", "single: 1.5", {"line 14", "texts.single", "1.5"}},
        {"vocabulary: 600", "vocabulary: 500", {"line 6", "tokenizer.vocabulary", "500 is outside 514"}},
        {"split: val", "split: train", {"line 5", "validation.split", "trained on"}},
        {"prompts: phantom", "group: trained", {"line 5", "validation.group", "without validation.prompts"}},
        {"tokenizer: {vocabulary: 600, context: 32}\n", "", {"tokenizer", "", ""}},
        {"  projection: 32\n", "  projection: 32\n  activation: relu\n", {"line 11", "relu", "quick_gelu"}},
        {"  seed: 1\n", "  seed: -1\n", {"line 16", "training.seed", "-1"}},
        {"  seed: 1\n", "\tseed: 1\n", {"line 16", "tab", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        radz_error err = {0};
        radz_recipe_card *card = NULL;
        radz_status st = load(cases[i].from, cases[i].to, &card, &err);
        if (st == RADZ_OK || card != NULL)
            fail_msg("case %zu was accepted", i);
        assert_non_null(strstr(err.message, "recipe.yaml"));
        for (size_t k = 0; k < 3; k++)
            if (strstr(err.message, cases[i].parts[k]) == NULL)
                fail_msg("case %zu: '%s' does not say '%s'", i, err.message, cases[i].parts[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values_that_are_given),
        cmocka_unit_test(test_the_shipped_recipe),
        cmocka_unit_test(test_changes), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
