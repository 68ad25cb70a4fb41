/* The safetensors header: whatever the bytes, either an error or tensors that lie inside them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    radz_error err = {0};
    safetensors *st;
    if (safetensors_parse(data, size, "fuzz", &st, &err) != RADZ_OK) {
        if (st != NULL || err.code == RADZ_OK || err.message[0] == '\0')
            abort();
        return 0;
    }
    size_t total = 0;
    for (size_t i = 0; i < safetensors_count(st); i++) {
        const safetensors_entry *e = safetensors_at(st, i);
        const uint8_t *begin = e->data;
        size_t bytes = t_dtype_size(e->dtype);
        for (int d = 0; d < e->ndim; d++)
            bytes *= (size_t)e->shape[d];
        if (begin < data || begin + e->bytes > data + size || bytes != e->bytes || safetensors_find(st, e->name) != e)
            abort();
        total += e->bytes;
    }
    if (total > size)
        abort();
    radz_status status = safetensors_check_finite(st, 1, &err); /* reads every byte */
    if (status != RADZ_OK && status != RADZ_E_VALUE)
        abort();
    safetensors_free(st);
    return 0;
}
