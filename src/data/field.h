/* What a card calls a column: a column of a table by its header name, or a text made from columns. The notation is that of
 * data/card.h: "Patient ID", "files/p{subject_id:2}/p{subject_id}/{dicom_id}.jpg", "{Path/3}". */
#ifndef RADZ_DATA_FIELD_H
#define RADZ_DATA_FIELD_H

#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

typedef enum radz_cut {
    RADZ_CUT_NONE,
    RADZ_CUT_FIRST, /* {X:n} */
    RADZ_CUT_LAST,  /* {X:-n} */
    RADZ_CUT_PART,  /* {X/n}: the n-th part of a path from the end, 1 is the last */
    RADZ_CUT_PARTS  /* {X/n..}: its last n parts */
} radz_cut;

typedef struct radz_field_part {
    const char *text; /* literal; NULL: a column */
    size_t column, n;
    radz_cut cut;
} radz_field_part;

typedef struct radz_field {
    const char *text; /* as on the card; NULL: the card names none */
    radz_field_part *parts;
    size_t n_parts;
    radz_strbuf value; /* of the current row */
} radz_field;

/* Looks up a column by name: RADZ_E_MISSING when there is none. */
typedef radz_status (*radz_find_column)(void *context, const char *name, size_t *at, radz_error *err);

/* `text` NULL gives a field that is not there. Parts are kept in `arena`. RADZ_E_VALUE: braces that do not match. */
radz_status radz_field_compile(const char *text, radz_find_column find, void *context, radz_arena *arena, radz_field *out,
                               radz_error *err) RADZ_MUST_USE;
bool radz_field_there(const radz_field *field);
/* The value in a row, valid until the next call or the next row; NULL for want of memory (then `err` is set). A path with
 * fewer parts than asked for gives what there is. */
const char *radz_field_get(radz_field *field, const char *const *row, radz_error *err);
void radz_field_free(radz_field *field);

#endif
