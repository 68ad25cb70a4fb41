#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *radz_calloc(size_t count, size_t size, radz_error *err)
{
    void *memory = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (memory == NULL)
        radz_fail(err, RADZ_E_NOMEM, "out of memory: %zu elements of %zu bytes", count, size);
    return memory;
}

radz_status radz_grow(void *array_pointer, size_t *capacity, size_t wanted, size_t size, radz_error *err)
{
    void *array;
    memcpy(&array, array_pointer, sizeof array);
    if (wanted <= *capacity && array != NULL)
        return RADZ_OK;
    size_t next = *capacity < 16 ? 16 : *capacity;
    while (next < wanted) {
        if (next > SIZE_MAX / 2)
            return radz_fail(err, RADZ_E_NOMEM, "out of memory: %zu elements of %zu bytes", wanted, size);
        next *= 2;
    }
    if (size != 0 && next > SIZE_MAX / size)
        return radz_fail(err, RADZ_E_NOMEM, "out of memory: %zu elements of %zu bytes", wanted, size);
    void *grown = realloc(array, next * size);
    if (grown == NULL)
        return radz_fail(err, RADZ_E_NOMEM, "out of memory: %zu elements of %zu bytes", next, size);
    memcpy(array_pointer, &grown, sizeof grown);
    *capacity = next;
    return RADZ_OK;
}

char *radz_strndup(const char *text, size_t length, radz_error *err)
{
    char *copy = radz_calloc(length + 1, 1, err);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

char *radz_strdup(const char *text, radz_error *err)
{
    return radz_strndup(text, strlen(text), err);
}

struct radz_arena_block {
    struct radz_arena_block *next;
    size_t used, size;
    max_align_t data[];
};

enum { ARENA_BLOCK = 64 * 1024, ARENA_ALIGN = 16 };

void *radz_arena_alloc(radz_arena *arena, size_t count, size_t size, radz_error *err)
{
    if (size != 0 && count > (SIZE_MAX - ARENA_BLOCK) / size) {
        radz_fail(err, RADZ_E_NOMEM, "out of memory: %zu elements of %zu bytes", count, size);
        return NULL;
    }
    size_t bytes = (count * size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct radz_arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < bytes) {
        size_t room = bytes > ARENA_BLOCK ? bytes : ARENA_BLOCK;
        block = calloc(1, sizeof *block + room);
        if (block == NULL) {
            radz_fail(err, RADZ_E_NOMEM, "out of memory: %zu bytes", room);
            return NULL;
        }
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *memory = (char *)block->data + block->used;
    block->used += bytes;
    return memory;
}

char *radz_arena_strndup(radz_arena *arena, const char *text, size_t length, radz_error *err)
{
    char *copy = radz_arena_alloc(arena, length + 1, 1, err);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

char *radz_arena_strdup(radz_arena *arena, const char *text, radz_error *err)
{
    return radz_arena_strndup(arena, text, strlen(text), err);
}

char *radz_arena_printf(radz_arena *arena, radz_error *err, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : radz_arena_alloc(arena, (size_t)length + 1, 1, err);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void radz_arena_free(radz_arena *arena)
{
    for (struct radz_arena_block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    arena->blocks = NULL;
}
