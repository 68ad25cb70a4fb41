/* Score files and label files from arbitrary bytes: the first byte chooses. What is accepted has finite scores, distinct ids
 * and labels of the three kinds. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/label_file.h"
#include "run/score_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scores(const char *text, size_t size, const radz_score_options *options)
{
    radz_error err = {0};
    radz_score_file *file;
    radz_status st = radz_score_file_open_text(text, size, "fuzz.csv", options, &file, &err);
    if ((st == RADZ_OK) != (file != NULL) || (st != RADZ_OK && err.message[0] == '\0') || st == RADZ_E_INTERNAL)
        abort();
    if (st != RADZ_OK)
        return;
    size_t *all = malloc(file->n_columns * sizeof *all);
    if (all == NULL)
        exit(2);
    for (size_t i = 0; i < file->n_columns; i++)
        all[i] = file->n_columns - 1 - i;
    st = radz_score_file_read(file, all, file->n_columns, &err);
    if (st == RADZ_OK && (file->n == 0 || file->ids.count != file->n))
        abort();
    for (size_t i = 0; st == RADZ_OK && i < file->n * file->n_chosen; i++)
        if (!isfinite(file->scores[i]))
            abort();
    free(all);
    radz_score_file_free(file);
}

static void labels(const char *text, size_t size)
{
    static char mass[] = "Mass", edema[] = "Edema", formula[] = "=1+1", markup[] = "<b>";
    static char *names[] = {mass, edema, formula, markup};
    radz_strlist wanted = {names, 4, 4};
    radz_label_options options = {"id", NULL, NULL, &wanted};
    radz_error err = {0};
    radz_label_table *table;
    radz_status st = radz_label_file_parse(text, size, "fuzz.csv", &options, &table, &err);
    if ((st == RADZ_OK) != (table != NULL) || (st != RADZ_OK && err.message[0] == '\0') || st == RADZ_E_INTERNAL)
        abort();
    for (size_t i = 0; table != NULL && i < table->n * table->n_classes; i++)
        if (table->labels[i] < -1 || table->labels[i] > 1)
            abort();
    radz_label_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    switch (data[0] % 3) {
    case 0: scores(text, size - 1, &(radz_score_options){NULL, NULL}); break;
    case 1: scores(text, size - 1, &(radz_score_options){"id", "prob_"}); break;
    default: labels(text, size - 1); break;
    }
    return 0;
}
