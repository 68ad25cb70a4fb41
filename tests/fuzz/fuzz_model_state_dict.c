/* Files of torch.save: whatever the bytes, either an error or tensors that lie inside them (or in memory of their own). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/state_dict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned total;

static radz_status visit(void *context, const safetensors_entry *e, radz_error *err)
{
    (void)context;
    (void)err;
    size_t bytes = t_dtype_size(e->dtype);
    for (int d = 0; d < e->ndim; d++)
        bytes *= (size_t)e->shape[d];
    if (bytes != e->bytes || e->name == NULL)
        abort();
    const unsigned char *at = e->data;
    for (size_t i = 0; i < e->bytes; i++) /* the sanitizer looks at every byte */
        total += at[i];
    return RADZ_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    radz_error err = {0};
    radz_arena arena = {0};
    uint8_t *exact = malloc(size > 0 ? size : 1); /* so that a byte too many is seen */
    if (exact == NULL)
        return 0;
    if (size > 0)
        memcpy(exact, data, size);
    radz_status status = state_dict_read(exact, size, "fuzz", &arena, visit, NULL, &err);
    if (status != RADZ_OK && (err.code == RADZ_OK || err.message[0] == '\0'))
        abort();
    radz_arena_free(&arena);
    free(exact);
    return 0;
}
