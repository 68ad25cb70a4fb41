/* Any bytes as a preprocessor_config.json, and as the text of a recipe. What is accepted prints to a text that is
 * accepted again as the same recipe, and runs on small pictures without touching memory it should not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/preprocess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_out(radz_recipe *recipe)
{
    radz_error err = {0};
    radz_recipe *again;
    if (radz_recipe_parse("again", radz_recipe_text(recipe), &again, &err) != RADZ_OK ||
        strcmp(radz_recipe_text(recipe), radz_recipe_text(again)) != 0)
        abort();
    radz_recipe_free(again);
    const size_t pixels = radz_recipe_height(recipe) * radz_recipe_width(recipe);
    if (pixels == 0 || pixels > 100000)
        return;
    /* large intermediate sizes are slow, not wrong: the text of a recipe with a side over 999 is not run */
    for (const char *p = radz_recipe_text(recipe); (p = strstr(p, "size=")) != NULL; p += 5)
        if (strspn(p + 5, "0123456789") > 3)
            return;
    uint8_t samples[7 * 5 * 3 * 2];
    for (size_t i = 0; i < sizeof samples; i++)
        samples[i] = (uint8_t)(i * 37);
    float *out = malloc(3 * pixels * sizeof *out);
    radz_preprocessor *preprocessor = NULL;
    if (out == NULL || radz_preprocessor_create(recipe, &preprocessor, &err) != RADZ_OK)
        abort();
    for (int channels = 1; channels <= 3; channels += 2)
        for (int bits = 8; bits <= 16; bits += 8) {
            const radz_picture picture = {
                .width = 7, .height = 5, .channels = channels, .bits = bits, .pixels = samples};
            radz_error mine = {0};
            if (radz_preprocess(preprocessor, &picture, out, &mine) == RADZ_E_INTERNAL)
                abort();
        }
    radz_preprocessor_free(preprocessor);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    radz_error err = {0};
    radz_json_doc *doc = NULL;
    radz_recipe *recipe = NULL;
    if (radz_json_parse((const char *)data, size, "fuzz.json", &doc, &err) == RADZ_OK) {
        if (radz_recipe_from_hf(doc, &recipe, &err) == RADZ_OK)
            try_out(recipe);
        radz_recipe_free(recipe);
        radz_json_free(doc);
    }
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    err = (radz_error){0};
    if (radz_recipe_parse("fuzz", text, &recipe, &err) == RADZ_OK)
        try_out(recipe);
    radz_recipe_free(recipe);
    free(text);
    return 0;
}
