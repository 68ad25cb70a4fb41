/* Every reader and label form on arbitrary bytes: the first byte chooses a card, the rest is its label file. A load ends with a
 * data set or with one error, and what is loaded holds together. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/card_engine.h"
#include "data/dataset.h"

#define CARD(reader, labels, rest)                                                                                     \
    "name: f\ntitle: F\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: " reader "\nlabels: {files: [t], " labels  \
    "}\nimages: {folders: [i]}\nclasses: [{name: A}, {name: B}]\nsplits: [{name: s}]\n" rest
#define ONE_CLASS(reader, labels, rest)                                                                                \
    "name: f\ntitle: F\nlicence: L\nsource: S\ncitation: C\nprovide: P\nreader: " reader "\nlabels: {files: [t], " labels  \
    "}\nimages: {folders: [i]}\nclasses: [{name: A}]\nsplits: [{name: s}]\n" rest
static const char *const cards[] = {
    CARD("csv", "form: list, column: L, none: [n], cut: /, others: ignore",
         "columns: {image: I, patient: '{I/2}', study: '{I:2}'}\nlevel: study\n"),
    CARD("csv", "form: columns, unknown: ['-1'], rows: any", "columns: {image: I, age: G, sex: X}\n"),
    CARD("csv", "form: python-list, column: L, rows: vote, skip: ['']", "columns: {image: I, reader: R}\n"),
    ONE_CLASS("csv", "form: rle, column: L, rows: each", "columns: {image: I, file: '{I}.x'}\n"),
    CARD("words", "header: [p, file, l], form: list, column: l, none: [n]", "columns: {image: file, patient: p}\n"),
    CARD("json", "form: list, column: L, none: [n], others: ignore", "columns: {image: I, question: Q}\n"),
    CARD("xml", "form: list, column: L, none: [n], separator: ';', others: ignore",
         "columns: {image: I, report: '{T}{T/2..}'}\n"
         "xml: {row: r, fields: [{name: I, element: r, attribute: id}, {name: L, element: m}, {name: T, element: t, where: k, equals: v}]}\n"),
};
enum { CARD_COUNT = sizeof cards / sizeof *cards };

static void check(const radz_dataset *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const radz_sample *s = &d->samples[i];
        if (s->image_id[0] == '\0' || s->patient >= d->n_patients || s->unit >= d->n_units || s->age < -1 || s->age > 120 ||
            (i > 0 && strcmp(d->samples[i - 1].image_id, s->image_id) >= 0))
            abort();
        for (size_t k = 0; k < d->n_classes; k++)
            if (d->labels[i * d->n_classes + k] < RADZ_LABEL_MASKED || d->labels[i * d->n_classes + k] > 1)
                abort();
    }
}

static char folder[] = "/tmp/radz-fuzz-readers-XXXXXX";
static radz_dataset_card *loaded[CARD_COUNT];

static void tidy_up(void)
{
    rmdir(folder);
    for (size_t i = 0; i < CARD_COUNT; i++)
        radz_dataset_card_free(loaded[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    char path[100];
    if (!made && (mkdtemp(folder) == NULL || atexit(tidy_up) != 0))
        abort();
    made = true;
    if (size == 0)
        return 0;
    size_t which = data[0] % CARD_COUNT;
    if (loaded[which] == NULL) {
        void *card;
        radz_error err = {0};
        if (radz_card_parse(&radz_dataset_schema, "f.yaml", cards[which], strlen(cards[which]), &card, &err) != RADZ_OK)
            abort();
        loaded[which] = card;
    }
    snprintf(path, sizeof path, "%s/t", folder);
    if (radz_file_write(path, data + 1, size - 1, NULL) != RADZ_OK)
        return 0;
    for (int tolerate = 0; tolerate < 2; tolerate++) {
        const radz_dataset_filter filter = {.keep_missing = true, .tolerate = tolerate == 1, .limit = tolerate == 1 ? 3 : 0};
        radz_error err = {0};
        radz_dataset *d;
        radz_status st = radz_dataset_load(loaded[which], folder, NULL, &filter, &d, &err);
        if ((st == RADZ_OK) != (d != NULL) || (st != RADZ_OK && err.message[0] == '\0'))
            abort();
        if (d != NULL)
            check(d);
        radz_dataset_free(d);
    }
    unlink(path);
    return 0;
}
