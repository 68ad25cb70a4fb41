/* What the fuzz targets of the readers and label forms share: a card, and a folder whose label file `t` is the input. A load
 * ends with a data set or with one error, and what is loaded holds together. */
#ifndef RADZ_FUZZ_READER_H
#define RADZ_FUZZ_READER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/card_engine.h"
#include "data/dataset.h"

#define FUZZ_CARD_HEAD "name: f\ntitle: F\nlicence: L\nsource: S\ncitation: C\nprovide: P\nsplits: [{name: s}]\n"
#define FUZZ_CARD(reader, labels, classes, rest)                                                                       \
    FUZZ_CARD_HEAD "reader: " reader "\nlabels: {files: [t], " labels "}\nimages: {folders: [i]}\nclasses: " classes "\n" rest

static char fuzz_folder[] = "/tmp/radz-fuzz-readers-XXXXXX";
static radz_dataset_card *fuzz_card;

static inline void fuzz_tidy_up(void)
{
    char path[100];
    snprintf(path, sizeof path, "%s/i", fuzz_folder);
    rmdir(path);
    rmdir(fuzz_folder);
    radz_dataset_card_free(fuzz_card);
}

/* Once: the folder, with an empty folder `i` in it, and the card. */
static inline void fuzz_open(const char *text)
{
    char path[100];
    void *card;
    radz_error err = {0};
    if (fuzz_card != NULL)
        return;
    if (mkdtemp(fuzz_folder) == NULL || atexit(fuzz_tidy_up) != 0)
        abort();
    snprintf(path, sizeof path, "%s/i", fuzz_folder);
    if (radz_mkdirs(path, &err) != RADZ_OK ||
        radz_card_parse(&radz_dataset_schema, "f.yaml", text, strlen(text), &card, &err) != RADZ_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    fuzz_card = card;
}

static inline void fuzz_check(const radz_dataset *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const radz_sample *s = &d->samples[i];
        if (s->image_id[0] == '\0' || s->patient >= d->n_patients || s->unit >= d->n_units || s->age < -1 || s->age > 120 ||
            (i > 0 && strcmp(d->samples[i - 1].image_id, s->image_id) >= 0))
            abort();
        for (size_t k = 0; k < d->n_classes; k++)
            if (d->labels[i * d->n_classes + k] < RADZ_LABEL_MASKED || d->labels[i * d->n_classes + k] > 1)
                abort();
        for (size_t k = 0; k < d->n_subgroups; k++)
            if (s->subgroups[k] != NULL && s->subgroups[k][0] == '\0')
                abort();
    }
}

/* As a run loads it, and as `check` does. */
static inline void fuzz_load(void)
{
    for (int tolerate = 0; tolerate < 2; tolerate++) {
        const radz_dataset_filter filter = {.keep_missing = true, .tolerate = tolerate == 1, .limit = tolerate == 1 ? 3 : 0};
        radz_error err = {0};
        radz_dataset *d;
        radz_status st = radz_dataset_load(fuzz_card, fuzz_folder, NULL, &filter, &d, &err);
        if ((st == RADZ_OK) != (d != NULL) || (st != RADZ_OK && err.message[0] == '\0'))
            abort();
        if (d != NULL)
            fuzz_check(d);
        radz_dataset_free(d);
    }
}

static inline int fuzz_reader(const char *card, const uint8_t *data, size_t size)
{
    char path[100];
    fuzz_open(card);
    snprintf(path, sizeof path, "%s/t", fuzz_folder);
    FILE *file = fopen(path, "wb"); /* radz_file_write would wait for the disk each time */
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
    fuzz_load();
    unlink(path);
    return 0;
}

#endif
