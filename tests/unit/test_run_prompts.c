/* How a class is said when the prompts card spells it otherwise, or does not list it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run/prompt_texts.h"

static void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

static void classes_of_one_term_share_words(void **state)
{
    (void)state;
    static const char *const folders[] = {RADZ_SOURCE_DIR "/manifests"};
    const radz_card_places places = {folders, 1};
    radz_error err = {0};
    radz_terms_card *terms;
    need(radz_terms_find_card(&places, RADZ_TERMS_DEFAULT, &terms, &err), &err);
    char template[] = "{class}.", negative[] = "no {class}", name[] = "p", *templates[] = {template}, *negatives[] = {negative};
    char effusion[] = "Effusion", fluid[] = "fluid", mass[] = "Mass", normal[] = "Normal", clear[] = "clear lungs";
    char disease[] = "disease";
    radz_prompts_class entries[] = {{.class_name = effusion, .name = fluid},
                                    {.class_name = mass},
                                    {.class_name = normal, .name = clear, .negative = disease}};
    radz_prompts_card card = {.base = {.name = name},
                              .templates = templates,
                              .templates_count = 1,
                              .negative_templates = negatives,
                              .negative_templates_count = 1,
                              .classes = entries,
                              .classes_count = 3};
    static const char *const classes[] = {"Pleural Effusion", "Mass", "Thicken", "Strange_Thing", "No Finding"};
    static const char *const with[] = {"fluid.", "no fluid", "lung mass.", "no lung mass", "pleural thickening.",
                                       "no pleural thickening", "strange thing.", "no strange thing", "clear lungs.", "disease"};
    static const char *const without[] = {"pleural effusion.", "no pleural effusion", "mass.", "no mass", "thicken.",
                                          "no thicken", "strange thing.", "no strange thing"};
    radz_prompt_texts texts;
    need(radz_prompt_texts_make(&card, terms, classes, 5, &texts, &err), &err);
    assert_int_equal(texts.n, 10);
    for (size_t i = 0; i < 10; i++)
        assert_string_equal(texts.texts[i], with[i]);
    radz_prompt_texts_free(&texts);
    need(radz_prompt_texts_make(&card, NULL, classes, 4, &texts, &err), &err);
    assert_int_equal(texts.n, 8);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(texts.texts[i], without[i]);
    radz_prompt_texts_free(&texts);
    /* without the table, nothing says how to deny "No Finding" */
    assert_int_equal(radz_prompt_texts_make(&card, NULL, classes, 5, &texts, &err), RADZ_E_VALUE);
    radz_prompt_texts_free(&texts);
    radz_terms_card_free(terms);
}

/* A description's parts are texts of one class, each with the number of the part; a part alone where the class has it. */
static void descriptions_stand_for_prompts(void **state)
{
    (void)state;
    char disc[] = "a disc", round[] = "it is round", pain[] = "pain", line[] = "a line", name[] = "d", file[] = "d.yaml";
    char mass[] = "Mass", fracture[] = "Fracture";
    radz_anchor anchors[] = {{.class_name = mass, .disease = disc, .imaging = round, .presentation = pain},
                             {.class_name = fracture, .disease = line}};
    radz_anchors_card card = {.base = {.name = name, .file = file}, .anchors = anchors, .anchors_count = 2};
    static const char *const classes[] = {"Fracture", "Mass"}, *const all[] = {"a line", "a disc", "it is round", "pain"};
    radz_error err = {0};
    radz_prompt_texts texts;
    need(radz_prompt_texts_describe(&card, NULL, RADZ_ANCHOR_PARTS, classes, 2, &texts, &err), &err);
    assert_int_equal(texts.n, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_string_equal(texts.texts[i], all[i]);
        assert_int_equal(texts.class_of[i], i > 0);
        assert_int_equal(texts.template_of[i], i == 0 ? 0 : i - 1);
        assert_int_equal(texts.polarity_of[i], RADZ_PROMPT_POSITIVE);
    }
    radz_prompt_texts_free(&texts);
    need(radz_prompt_texts_describe(&card, NULL, 1, classes, 2, &texts, &err), &err);
    assert_int_equal(texts.n, 2);
    assert_string_equal(texts.texts[0], "a line"); /* has no imaging part: all it has */
    assert_string_equal(texts.texts[1], "it is round");
    radz_prompt_texts_free(&texts);
    static const char *const unknown[] = {"Mass", "Hernia"};
    assert_int_equal(radz_prompt_texts_describe(&card, NULL, RADZ_ANCHOR_PARTS, unknown, 2, &texts, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "class 'Hernia' has no anchor in 'd.yaml'"));
    radz_prompt_texts_free(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(classes_of_one_term_share_words),
                                       cmocka_unit_test(descriptions_stand_for_prompts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
