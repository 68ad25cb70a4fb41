/* Changes of a card ("KEY=VALUE", one to a line) from arbitrary bytes: whatever is accepted gives a text that reads as a card
 * or as one clear error, and the same changes give the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/card_engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card_text[] = "name: s\ntitle: A suite\ndatasets: [a, b]\nmodels: [m]\nscorers: [clip-posneg]\nprompts: p\nseed: 1\n"
                                    "variants:\n  recipe: r\n  rows:\n    - {factor: f, at: \"1\"}\n    - {factor: f, at: \"2\", set: [x.y=1]}\n";
    radz_error err = {0};
    radz_strlist changes = {0};
    radz_strbuf one = {0}, two = {0};
    void *card = NULL;
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        if (radz_strlist_add(&changes, line, &err) != RADZ_OK)
            abort();
    }
    radz_status st = radz_card_change("fuzz.yaml", card_text, sizeof card_text - 1, &changes, &one, &err);
    if (st == RADZ_E_INTERNAL || (st != RADZ_OK && err.message[0] == '\0'))
        abort();
    if (st == RADZ_OK) {
        if (radz_card_change("fuzz.yaml", card_text, sizeof card_text - 1, &changes, &two, &err) != RADZ_OK ||
            one.length != two.length || memcmp(one.text, two.text, one.length) != 0)
            abort();
        st = radz_card_parse(&radz_suite_schema, "fuzz.yaml", one.text, one.length, &card, &err);
        if (st == RADZ_E_INTERNAL || (st == RADZ_OK) != (card != NULL) || (st != RADZ_OK && err.message[0] == '\0'))
            abort();
        radz_card_release(&radz_suite_schema, card);
    }
    radz_strbuf_free(&one);
    radz_strbuf_free(&two);
    radz_strlist_free(&changes);
    free(text);
    return 0;
}
