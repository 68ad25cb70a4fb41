/* What the tests of data sets share: shipped cards, a scratch folder for label files, failures with their message. */
#ifndef RADZ_TEST_DATA_FIXTURE_H
#define RADZ_TEST_DATA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "data/dataset.h"

static inline void need(radz_status st, const radz_error *err)
{
    if (st != RADZ_OK)
        fail_msg("%s", err->message);
}

/* "siim" or "siim:row-wise" of the shipped cards. */
static inline radz_dataset_card *card_of(const char *name)
{
    radz_error err = {0};
    radz_dataset_card *card;
    char path[500];
    const char *colon = strchr(name, ':');
    snprintf(path, sizeof path, RADZ_SOURCE_DIR "/manifests/datasets/%.*s.yaml",
             (int)(colon != NULL ? (size_t)(colon - name) : strlen(name)), name);
    need(radz_dataset_card_load(path, &card, &err), &err);
    if (colon != NULL)
        need(radz_dataset_card_vary(card, colon + 1, &err), &err);
    return card;
}

typedef struct scratch {
    char folder[64];
} scratch;

static inline scratch new_folder(void)
{
    scratch s;
    strcpy(s.folder, "/tmp/radz-readers-XXXXXX");
    assert_non_null(mkdtemp(s.folder));
    return s;
}

static inline void put(const scratch *s, const char *name, const void *data, size_t size)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    FILE *file = fopen(path, "wb"); /* radz_file_write would wait for the disk */
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void remove_folder(const scratch *s)
{
    radz_error err = {0};
    radz_strlist names = {0};
    need(radz_dir_list(s->folder, "", &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", s->folder, names.items[i]);
        unlink(path);
    }
    radz_strlist_free(&names);
    rmdir(s->folder);
}

#endif
