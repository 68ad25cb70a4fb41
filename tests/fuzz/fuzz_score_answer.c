/* Any text as a model's answer: there is always a verdict, and the same one for the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "score/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const one[] = {"pneumonia"}, *const two[] = {"Pleural_Thickening", "pleural thickening"}, *const three[] = {"No Finding", "COVID-19"};
    const radz_finding_names findings[] = {{one, 1, false}, {two, 2, false}, {three, 2, true}, {NULL, 0, false}};
    radz_error err = {0};
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    radz_answer_verdict out[3], again[3];
    for (size_t f = 0; f < 4; f++) {
        radz_answer_verdict a, b;
        if (radz_answer_yes_no(text, &findings[f], &a, &err) != RADZ_OK || a > RADZ_ANSWER_UNKNOWN ||
            radz_answer_yes_no(text, &findings[f], &b, &err) != RADZ_OK || a != b)
            abort();
    }
    if (radz_answer_choice(text, findings, 3, out, &err) != RADZ_OK ||
        radz_answer_choice(text, findings, 3, again, &err) != RADZ_OK || memcmp(out, again, sizeof out) != 0)
        abort();
    free(text);
    return 0;
}
