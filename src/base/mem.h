/* Memory: overflow-checked allocation, and an arena for many small things that die together. */
#ifndef RADZ_BASE_MEM_H
#define RADZ_BASE_MEM_H

#include "base/status.h"

/* Zeroed room for `count` elements of `size` bytes; the caller frees it with free(). NULL with `err` set on overflow or
 * exhaustion. count == 0 gives a valid, freeable pointer. */
void *radz_calloc(size_t count, size_t size, radz_error *err) RADZ_MUST_USE;

/* Grows `*array` (elements of `size` bytes) so that it holds at least `wanted` elements; capacity doubles. The new part
 * is not initialised. On failure the array stays as it was. */
radz_status radz_grow(void *array_pointer, size_t *capacity, size_t wanted, size_t size, radz_error *err) RADZ_MUST_USE;

/* A copy of a string or of its first `length` bytes; the caller frees it. */
char *radz_strdup(const char *text, radz_error *err) RADZ_MUST_USE;
char *radz_strndup(const char *text, size_t length, radz_error *err) RADZ_MUST_USE;

/* An arena: allocations are aligned to 16 bytes, zeroed, never freed one by one. Zero-initialise it. */
typedef struct radz_arena {
    struct radz_arena_block *blocks; /* newest first */
} radz_arena;

void *radz_arena_alloc(radz_arena *arena, size_t count, size_t size, radz_error *err) RADZ_MUST_USE;
char *radz_arena_strdup(radz_arena *arena, const char *text, radz_error *err) RADZ_MUST_USE;
char *radz_arena_strndup(radz_arena *arena, const char *text, size_t length, radz_error *err) RADZ_MUST_USE;
char *radz_arena_printf(radz_arena *arena, radz_error *err, const char *format, ...) RADZ_PRINTF(3, 4) RADZ_MUST_USE;
void radz_arena_free(radz_arena *arena); /* frees everything; the arena can be used again */

#endif
