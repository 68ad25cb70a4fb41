/* results.json: what is accepted can be printed in every format, and reads back as the same bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/print.h"
#include "report/results_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *printed(const radz_results *results, const char *format, size_t *size)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, size);
    radz_error err = {0};
    if (stream == NULL || radz_results_print(results, format, NULL, stream, &err) != RADZ_OK)
        abort();
    fclose(stream);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    radz_results *results, *back;
    radz_error err = {0};
    if (radz_results_parse((const char *)data, size, "fuzz", &results, &err) != RADZ_OK)
        return err.message[0] == '\0' ? (abort(), 1) : 0;
    for (const radz_printer *p = radz_printers; p->name != NULL; p++) {
        size_t n;
        free(printed(results, p->name, &n));
    }
    size_t n, m;
    char *first = printed(results, "json", &n);
    if (radz_results_parse(first, n, "again", &back, &err) != RADZ_OK)
        abort();
    char *second = printed(back, "json", &m);
    if (n != m || memcmp(first, second, n) != 0)
        abort();
    free(first);
    free(second);
    radz_results_free(results);
    radz_results_free(back);
    return 0;
}
