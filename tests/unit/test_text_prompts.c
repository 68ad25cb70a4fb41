/* Prompt sets: what they expand to, and every way they can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/prompts.h"

static radz_error err;

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TEXTS(...) (const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__}))

static void names_of_classes(void **state)
{
    (void)state;
    static const struct {
        const char *class_name, *text;
    } rows[] = {
        {"Pleural_Thickening", "pleural thickening"},
        {"Atelectasis", "atelectasis"},
        {"No Finding", "no finding"},
        {"COVID-19", "COVID-19"},
        {"Enlarged  Cardiomediastinum", "enlarged cardiomediastinum"},
        {"_Lung__Opacity_", "lung opacity"},
        {"ILD", "ILD"},
        {"ILD_Pattern", "ILD pattern"},
        {"A", "a"},
        {"", ""},
        {"_", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = radz_prompts_class_text(rows[i].class_name, &err);
        assert_non_null(text);
        assert_string_equal(text, rows[i].text);
        free(text);
    }
    static const char *const absent[] = {"No Finding", "no_finding", "NO FINDING", "Normal", "normal", "No", " No Finding", "Normal chest", "no-finding"};
    static const char *const present[] = {"Nodule", "Node", "Noxious gas", "Normalised", "Pneumonia", "", "Abnormal", "Nonspecific"};
    for (size_t i = 0; i < COUNT(absent); i++)
        assert_true(radz_prompts_is_no_finding(absent[i]));
    for (size_t i = 0; i < COUNT(present); i++)
        assert_false(radz_prompts_is_no_finding(present[i]));
}

static void expands(void **state)
{
    (void)state;
    const char *templates[] = {"{class}", "There is {class}.", "{description}.", "Signs of {class}: {description}"};
    const char *negatives[] = {"no {class}", "{class} is not seen, no  {class}\n"}, *const signs[] = {"large rounded\n opacity"};
    const radz_prompt_class classes[] = {
        {"Effusion", "pleural effusion", NULL, 0, NULL},
        {"Mass", NULL, signs, 1, NULL},
        {"No Finding", "normal chest", NULL, 0, "abnormal chest"},
        {"Elsewhere", NULL, NULL, 0, NULL},
    };
    const radz_prompt_set set = {"small", templates, COUNT(templates), negatives, COUNT(negatives), classes, COUNT(classes)};
    const char *const data[] = {"Mass", "Pleural_Thickening", "Effusion", "No Finding"};
    radz_prompt_list list;
    assert_int_equal(radz_prompts_expand(&set, data, COUNT(data), NULL, 0, &list, &err), RADZ_OK);
    static const char wanted[] =
        "Mass\tpositive\t2\tlarge rounded opacity.\n"
        "Mass\tpositive\t3\tSigns of mass: large rounded opacity\n"
        "Mass\tnegative\t0\tno mass\n"
        "Mass\tnegative\t1\tmass is not seen, no mass\n"
        "Pleural_Thickening\tpositive\t0\tpleural thickening\n"
        "Pleural_Thickening\tpositive\t1\tThere is pleural thickening.\n"
        "Pleural_Thickening\tnegative\t0\tno pleural thickening\n"
        "Pleural_Thickening\tnegative\t1\tpleural thickening is not seen, no pleural thickening\n"
        "Effusion\tpositive\t0\tpleural effusion\n"
        "Effusion\tpositive\t1\tThere is pleural effusion.\n"
        "Effusion\tnegative\t0\tno pleural effusion\n"
        "Effusion\tnegative\t1\tpleural effusion is not seen, no pleural effusion\n"
        "No Finding\tpositive\t0\tnormal chest\n"
        "No Finding\tpositive\t1\tThere is normal chest.\n"
        "No Finding\tnegative\t0\tabnormal chest\n";
    assert_string_equal(list.canonical, wanted);
    assert_int_equal(list.count, 15);
    assert_int_equal(list.items[2].class_index, 0);
    assert_int_equal(list.items[2].polarity, RADZ_PROMPT_NEGATIVE);
    assert_int_equal(list.items[2].template_index, 0);
    assert_string_equal(list.items[2].text, "no mass");
    char hex[RADZ_SHA256_HEX_SIZE];
    assert_int_equal(radz_sha256_data(wanted, strlen(wanted), hex, &err), RADZ_OK);
    assert_string_equal(list.sha256, hex);
    radz_prompt_list_free(&list);
    assert_null(list.items);

    /* a change of any word, order or class shows in the hash */
    const char *other[] = {"Mass", "Pleural_Thickening", "No Finding", "Effusion"};
    assert_int_equal(radz_prompts_expand(&set, other, COUNT(other), NULL, 0, &list, &err), RADZ_OK);
    assert_string_not_equal(list.sha256, hex);
    radz_prompt_list_free(&list);
    radz_prompt_list_free(&list); /* twice is harmless */

    /* without negative templates "No Finding" needs nothing, and own negatives still count */
    const radz_prompt_set positive = {"positive", templates, 1, NULL, 0, classes, 3};
    assert_int_equal(radz_prompts_expand(&positive, data, COUNT(data), TEXTS("Mass", "Effusion", "No Finding"), &list, &err), RADZ_OK);
    assert_string_equal(list.canonical, "Mass\tpositive\t0\tmass\nPleural_Thickening\tpositive\t0\tpleural thickening\n"
                                        "Effusion\tpositive\t0\tpleural effusion\nNo Finding\tpositive\t0\tnormal chest\n"
                                        "No Finding\tnegative\t0\tabnormal chest\n");
    radz_prompt_list_free(&list);

    /* several classes may share a negative prompt */
    const radz_prompt_class shared[] = {{"A", NULL, NULL, 0, "normal"}, {"B", NULL, NULL, 0, "normal"}};
    const radz_prompt_set one = {"one", templates, 1, NULL, 0, shared, 2};
    assert_int_equal(radz_prompts_expand(&one, TEXTS("A", "B"), NULL, 0, &list, &err), RADZ_OK);
    assert_int_equal(list.count, 4);
    radz_prompt_list_free(&list);
}

static void check_refused(const radz_prompt_set *set, const char *const *data, size_t n_data, radz_status wanted,
                          const char *part)
{
    static const char *const known[] = {"Mass", "Effusion", "No Finding", "Pleural_Thickening"};
    radz_prompt_list list = {.count = 7};
    radz_status st = radz_prompts_expand(set, data, n_data, known, COUNT(known), &list, &err);
    if (st != wanted || strstr(err.message, part) == NULL)
        fail_msg("status %s, message '%s'; wanted %s and '%s'", radz_status_name(st), err.message, radz_status_name(wanted), part);
    assert_null(list.items);
    assert_null(list.canonical);
    assert_int_equal(list.count, 0);
    radz_error_clear(&err);
}

/* One prompt for each description, also where a class has fewer of them. */
static void several_descriptions(void **state)
{
    (void)state;
    const char *templates[] = {"{description}", "Seen: {description}"}, *const two[] = {"a disc", "it is round"}, *const one[] = {"a line"};
    const radz_prompt_class classes[] = {{"Mass", NULL, two, 2, NULL}, {"Fracture", NULL, one, 1, NULL}};
    const radz_prompt_set set = {"described", templates, 2, NULL, 0, classes, 2};
    radz_prompt_list list;
    assert_int_equal(radz_prompts_expand(&set, TEXTS("Mass", "Fracture"), NULL, 0, &list, &err), RADZ_OK);
    assert_string_equal(list.canonical, "Mass\tpositive\t0\ta disc\n"
                                        "Mass\tpositive\t1\tit is round\n"
                                        "Mass\tpositive\t2\tSeen: a disc\n"
                                        "Mass\tpositive\t3\tSeen: it is round\n"
                                        "Fracture\tpositive\t0\ta line\n"
                                        "Fracture\tpositive\t1\tSeen: a line\n");
    radz_prompt_list_free(&list);
}

static void refuses(void **state)
{
    (void)state;
    static const char *const blank[] = {" "};
    static const struct {
        const char *template, *negative;
        radz_prompt_class class; /* class_name NULL: none listed */
        const char *part;
    } rows[] = {
        {NULL, NULL, {0}, "prompt set 'bad': no templates"},
        {"", NULL, {0}, "positive template 0 is empty"},
        {" \t", NULL, {0}, "positive template 0 is empty"},
        {"{class}", "\n", {0}, "negative template 0 is empty"},
        {"a lung", NULL, {0}, "positive template 0 'a lung': no placeholder, wanted {class} or {description}"},
        {"{class}", "nothing", {0}, "negative template 0 'nothing': no placeholder"},
        {"{name}", NULL, {0}, "unknown placeholder '{name}'; known: {class}, {description}"},
        {"{Class}", NULL, {0}, "unknown placeholder '{Class}'"},
        {"{}", NULL, {0}, "unknown placeholder '{}'"},
        {"{class", NULL, {0}, "'{class': a '{' without its partner"},
        {"class}", NULL, {0}, "a '}' without its partner"},
        {"{{class}}", NULL, {0}, "a '{' without its partner"},
        {"{class}}", NULL, {0}, "a '}' without its partner"},
        {"{description}", NULL, {0}, "class 'Mass' has no description and every positive template wants one"},
        {"{class}", "no {description}", {0}, "every negative template wants one"},
        {"{class}", NULL, {"Mass", "", NULL, 0, NULL}, "class 'Mass' (entry 0): 'name' is empty"},
        {"{class}", NULL, {"Mass", NULL, blank, 1, NULL}, "'description' is empty"},
        {"{class}", NULL, {"Mass", NULL, NULL, 0, "\t"}, "'negative' is empty"},
        {"{class}", NULL, {"", NULL, NULL, 0, NULL}, "'class' is empty"},
        {"{class}", "no {class}", {"Mass", "no mass", NULL, 0, NULL}, "class 'Mass' stands for the absence of findings"},
    };
    static const char *const mass[] = {"Mass"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const radz_prompt_set set = {"bad", &rows[i].template, rows[i].template != NULL, &rows[i].negative, rows[i].negative != NULL,
                                     &rows[i].class, rows[i].class.class_name != NULL};
        check_refused(&set, mass, 1, RADZ_E_VALUE, rows[i].part);
    }

    const char *templates[] = {"{class}", "{class} "}, *negative = "no {class}";
    radz_prompt_set set = {"bad", templates, 1, NULL, 0, NULL, 0};
    check_refused(&set, NULL, 0, RADZ_E_VALUE, "no classes to expand it over");
    check_refused(&set, TEXTS("Mass", "Mass"), RADZ_E_VALUE, "class 'Mass' is given twice");
    check_refused(&set, TEXTS("Mass", ""), RADZ_E_VALUE, "class 1 has an empty name");
    check_refused(&set, TEXTS("__"), RADZ_E_VALUE, "class '__' leaves no words");
    check_refused(&set, TEXTS("Mass", "mass"), RADZ_E_VALUE, "classes 'Mass' and 'mass' have the same prompt 'mass'");
    set.n_templates = 2;
    check_refused(&set, mass, 1, RADZ_E_VALUE, "class 'Mass' has the positive prompt 'mass' twice");
    set.n_templates = 1;
    set.negative_templates = &negative;
    set.n_negative_templates = 1;
    check_refused(&set, TEXTS("Mass", "No Finding"), RADZ_E_VALUE,
                  "class 'No Finding' stands for the absence of findings: list it with a 'negative' prompt of its own");
    const radz_prompt_class twice[] = {{"Mass", NULL, NULL, 0, NULL}, {"Mass", "tumour", NULL, 0, NULL}};
    set.classes = twice;
    set.n_classes = 2;
    check_refused(&set, mass, 1, RADZ_E_VALUE, "class 'Mass' is listed twice");
    const radz_prompt_class unknown[] = {{"Efusion", NULL, NULL, 0, NULL}};
    set.classes = unknown;
    set.n_classes = 1;
    check_refused(&set, mass, 1, RADZ_E_USAGE, "prompt set 'bad': unknown class 'Efusion' (did you mean 'Effusion'?)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_classes),
        cmocka_unit_test(expands),
        cmocka_unit_test(several_descriptions),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
