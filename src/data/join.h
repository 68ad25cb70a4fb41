/* Further CSV files of a data set, looked up by a key: its reports, its views, its studies' labels. Only src/data includes
 * this header. */
#ifndef RADZ_DATA_JOIN_H
#define RADZ_DATA_JOIN_H

#include "data/card.h"
#include "data/field.h"
#include "data/name_table.h"

typedef struct radz_join {
    const radz_join_spec *spec;
    char *file;           /* the caller's to free through radz_join_free; NULL: not there (optional) */
    radz_field on;        /* to be compiled by the loader */
    radz_name_table keys;
    radz_name_table texts;
    uint32_t *values;     /* [keys.count, spec->columns_count] into texts */
    size_t values_capacity;
    radz_arena arena;
} radz_join; /* zero-initialise */

/* Reads the file whole. RADZ_E_MISSING: not there and not optional, or a column is missing; RADZ_E_VALUE: a key with two
 * different rows. */
radz_status radz_join_load(const radz_join_spec *spec, const char *root, radz_join *out, radz_error *err) RADZ_MUST_USE;
/* The fields [columns_count] for a key, "" where there are none. Returns whether the key is there. */
bool radz_join_find(const radz_join *join, const char *key, const char **fields);
void radz_join_free(radz_join *join);

#endif
