/* A table of distinct names, numbered in the order in which they came: image ids, patients, files. */
#ifndef RADZ_DATA_NAME_TABLE_H
#define RADZ_DATA_NAME_TABLE_H

#include <stdint.h>

#include "base/mem.h"

typedef struct radz_name_table {
    const char **names; /* [count], in the arena given to _add */
    size_t count, capacity;
    struct radz_name_slot *slots; /* open addressing, a power of two */
    size_t n_slots;
} radz_name_table; /* zero-initialise */

#define RADZ_NAME_NONE UINT32_MAX

/* The number of a name; RADZ_NAME_NONE when it is not there. The second form takes the first `length` bytes. */
uint32_t radz_name_find(const radz_name_table *table, const char *name);
uint32_t radz_name_find_n(const radz_name_table *table, const char *name, size_t length);
/* The number of a name, added (as a copy in `arena`) when it is new; `*is_new` may be NULL. */
radz_status radz_name_add(radz_name_table *table, radz_arena *arena, const char *name, uint32_t *number, bool *is_new,
                          radz_error *err) RADZ_MUST_USE;
void radz_name_table_free(radz_name_table *table); /* not the names themselves */

#endif
