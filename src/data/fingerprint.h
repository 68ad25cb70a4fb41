/* The text whose SHA-256 is a fingerprint; its form is given in data/dataset.h. Only src/data includes this header. */
#ifndef RADZ_DATA_FINGERPRINT_H
#define RADZ_DATA_FINGERPRINT_H

#include <stdint.h>

#include "base/hash.h"

void radz_fingerprint_head(radz_sha256 *hash, const char *const *classes, size_t n_classes);
/* `line` is scratch for the labels of one image: [n_classes + 1]. */
void radz_fingerprint_line(radz_sha256 *hash, const char *id, const int8_t *labels, size_t n_classes, char *line);

#endif
