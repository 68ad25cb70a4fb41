#include "data/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"

void radz_fingerprint_head(radz_sha256 *hash, const char *const *classes, size_t n_classes)
{
    radz_sha256_add(hash, "classes", 7);
    for (size_t i = 0; i < n_classes; i++) {
        radz_sha256_add(hash, "\t", 1);
        radz_sha256_add(hash, classes[i], strlen(classes[i]));
    }
    radz_sha256_add(hash, "\n", 1);
}

void radz_fingerprint_line(radz_sha256 *hash, const char *id, const int8_t *labels, size_t n_classes, char *line)
{
    for (size_t i = 0; i < n_classes; i++)
        line[i] = labels[i] == 1 ? '1' : labels[i] == 0 ? '0' : '?';
    line[n_classes] = '\n';
    radz_sha256_add(hash, id, strlen(id));
    radz_sha256_add(hash, "\t", 1);
    radz_sha256_add(hash, line, n_classes + 1);
}

static int compare_samples(const void *a, const void *b)
{
    return strcmp((*(const radz_sample *const *)a)->image_id, (*(const radz_sample *const *)b)->image_id);
}

radz_status radz_dataset_fingerprint(const radz_sample *samples, const int8_t *labels, size_t n,
                                     const char *const *classes, size_t n_classes, char hex[RADZ_SHA256_HEX_SIZE],
                                     radz_error *err)
{
    const radz_sample **order = radz_calloc(n, sizeof *order, err);
    char *line = radz_calloc(n_classes + 1, 1, err);
    radz_status st = RADZ_E_NOMEM;
    if (order != NULL && line != NULL) {
        for (size_t i = 0; i < n; i++)
            order[i] = &samples[i];
        qsort(order, n, sizeof *order, compare_samples);
        radz_sha256 hash;
        radz_sha256_begin(&hash);
        radz_fingerprint_head(&hash, classes, n_classes);
        for (size_t i = 0; i < n; i++)
            radz_fingerprint_line(&hash, order[i]->image_id, labels + (size_t)(order[i] - samples) * n_classes, n_classes,
                                  line);
        st = radz_sha256_end(&hash, hex, err);
    }
    free(order);
    free(line);
    return st;
}
