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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(classes_of_one_term_share_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
