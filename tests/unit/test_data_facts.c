/* datasets/NAME/README.md and the cards say the same: the first part of each page is what `datasets NAME --format md` prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "data/facts.h"

static const char *const folders[] = {RADZ_SOURCE_DIR "/manifests"};
static const radz_card_places places = {folders, 1};

static void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

static char *facts_of(const char *name, radz_facts_format format, size_t *size)
{
    radz_error err = {0};
    char *path, *text = NULL;
    radz_dataset_card *card;
    need(radz_card_find(&places, RADZ_CARD_DATASET, name, &path, &err), &err);
    need(radz_dataset_card_load(path, &card, &err), &err);
    FILE *out = open_memstream(&text, size);
    assert_non_null(out);
    need(radz_dataset_facts_write(card, format, "/data/here", out, &err), &err);
    fclose(out);
    radz_dataset_card_free(card);
    free(path);
    return text;
}

static void pages_say_what_cards_say(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_strlist names = {0};
    need(radz_card_list(&places, RADZ_CARD_DATASET, &names, &err), &err);
    assert_true(names.count >= 13);
    for (size_t i = 0; i < names.count; i++) {
        size_t size, page_size;
        char path[500], *page = NULL, *text = facts_of(names.items[i], RADZ_FACTS_MARKDOWN, &size);
        snprintf(path, sizeof path, RADZ_SOURCE_DIR "/datasets/%s/README.md", names.items[i]);
        need(radz_file_read(path, 1 << 20, &page, &page_size, &err), &err);
        const char *rest = page_size >= size && memcmp(page, text, size) == 0 ? page + size : NULL;
        if (rest == NULL || (rest[0] != '\0' && !radz_str_starts(rest, "\n" RADZ_FACTS_END "\n")))
            fail_msg("'%s' does not begin with what `radz-bench datasets %s --format md` prints: put it there again "
                     "(`radz-bench datasets %s --format md >datasets/%s/README.md` where nothing follows)",
                     path, names.items[i], names.items[i], names.items[i]);
        free(page);
        free(text);
    }
    radz_strlist_free(&names);
}

/* Every set tells what a person needs who does not have it yet. */
static void nothing_is_left_out(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_strlist names = {0};
    need(radz_card_list(&places, RADZ_CARD_DATASET, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        size_t size;
        char *text = facts_of(names.items[i], RADZ_FACTS_JSON, &size);
        radz_json_doc *doc;
        need(radz_json_parse(text, size, names.items[i], &doc, &err), &err);
        static const char *const keys[] = {"description", "licence", "source", "access", "size", "images", "tree", "citation"};
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            if (radz_json_string(radz_json_find(radz_json_root(doc), keys[k])) == NULL)
                fail_msg("data set '%s' does not say its '%s'", names.items[i], keys[k]);
        assert_string_equal(radz_json_string(radz_json_find(radz_json_root(doc), "here")), "/data/here");
        radz_json_free(doc);
        free(text);
        text = facts_of(names.items[i], RADZ_FACTS_TEXT, &size);
        for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            if (end > line && end[-1] == ' ')
                fail_msg("'%s': a blank at the end of '%.*s'", names.items[i], (int)(end - line), line);
        }
        free(text);
    }
    radz_strlist_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_say_what_cards_say),
        cmocka_unit_test(nothing_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
