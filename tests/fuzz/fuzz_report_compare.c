/* Two results.json, one behind the other (a line "----" between them): what can be read can be compared, whatever it holds;
 * every format prints, and a run beside itself is no regression. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/compare.h"
#include "report/results_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const radz_tolerance tolerances[] = {{"auc", "means", 0.002, 0.02}, {"auc", "each", 0.005, 0.05}, {"f1", NULL, 0.01, 0.1}};
static const radz_gate gate = {"fuzz", 0.01, tolerances, 3};

static void compare(const radz_results *base, const radz_results *now, bool same)
{
    radz_comparison *c;
    radz_error err = {0};
    if (radz_compare(base, now, &gate, &c, &err) != RADZ_OK) {
        if (err.message[0] == '\0')
            abort();
        return;
    }
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->rows[i].beyond && i % 2 == 0)
            radz_compare_tested(&c->rows[i], "DeLong", 0.5, -1, 1);
    radz_compare_judge(c);
    static const char *const formats[] = {"text", "md", "junit", "json"};
    for (size_t i = 0; i < 4; i++) {
        char *text = NULL;
        size_t n;
        FILE *out = open_memstream(&text, &n);
        if (out == NULL || radz_comparison_print(c, formats[i], out, &err) != RADZ_OK)
            abort();
        fclose(out);
        if (i == 2) /* as many cases as the head says */
            for (const char *p = strstr(text, "<testsuites"); p != NULL; p = NULL)
                if (strstr(text, "</testsuites>") == NULL)
                    abort();
        free(text);
    }
    size_t counted = 0;
    for (int v = 0; v < RADZ_VERDICT_COUNT; v++)
        counted += c->counts[v];
    if (counted != c->n_rows || (same && c->failures > 0))
        abort();
    radz_comparison_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *gap = size >= 6 ? memmem(data, size, "\n----\n", 6) : NULL;
    size_t first = gap != NULL ? (size_t)(gap - data) : size;
    radz_results *base = NULL, *now = NULL;
    radz_error err = {0};
    if (radz_results_parse((const char *)data, first, "base", &base, &err) == RADZ_OK)
        compare(base, base, true);
    radz_error_clear(&err);
    if (gap != NULL && radz_results_parse((const char *)gap + 6, size - first - 6, "new", &now, &err) == RADZ_OK && base != NULL) {
        compare(base, now, false);
        compare(now, base, false);
    }
    radz_results_free(base);
    radz_results_free(now);
    return 0;
}
