/* A segment file: the input's first line is the file's name, the rest its bytes. Only bytes whose SHA-256 is in the name
 * may reach HDF5, so whatever is accepted must be a file that a writer made: its keys ascend and its rows lie inside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    char name[256] = "";
    size_t length = end == NULL ? 0 : (size_t)(end - data);
    if (end == NULL || length >= sizeof name)
        return 0;
    memcpy(name, data, length);
    radz_segment segment;
    radz_error err = {0};
    radz_status st = radz_segment_from_bytes(name, end + 1, size - length - 1, NULL, &segment, &err);
    if ((st == RADZ_OK) != (err.message[0] == '\0'))
        abort();
    if (st == RADZ_OK) {
        const radz_h5_index *x = &segment.index;
        size_t row_bytes = x->dim * radz_row_type_size(x->type);
        for (size_t i = 0; i < x->n; i++) {
            if (radz_segment_find(&segment, x->keys + i * RADZ_CACHE_KEY_SIZE) != i ||
                x->chunk_at[i / x->chunk_rows] + (i % x->chunk_rows + 1) * row_bytes > segment.file_bytes)
                abort();
        }
    }
    radz_segment_free(&segment);
    return 0;
}
