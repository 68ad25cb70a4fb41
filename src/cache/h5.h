/* Segment files as HDF5 images in memory. HDF5 never sees a path: no file locks, no half-written files, no error that only
 * shows when it closes a file on a full disk. */
#ifndef RADZ_CACHE_H5_H
#define RADZ_CACHE_H5_H

#include <stdint.h>

#include "cache/store.h"

enum { RADZ_SEGMENT_FORMAT = 1 };

/* Rows to write: keys [n,32] ascending and distinct, rows [n,dim], n > 0; `text` describes the store. */
typedef struct radz_h5_rows {
    const char *text;
    const unsigned char *keys;
    const void *rows;
    radz_row_type type;
    size_t n, dim;
} radz_h5_rows;

/* The bytes of an HDF5 file with these rows; the caller frees `*image`. The same input gives the same bytes. Needs about
 * three times the size of the rows. */
radz_status radz_h5_encode(const radz_h5_rows *in, unsigned char **image, size_t *size, radz_error *err) RADZ_MUST_USE;

/* What one has to know about a segment to read its rows straight from the file. */
typedef struct radz_h5_index {
    char *text;             /* the store's description, as given to radz_h5_encode */
    unsigned char *keys;    /* [n,32] */
    uint64_t *chunk_at;     /* byte offset of each chunk of `chunk_rows` rows in the file */
    size_t n, dim, chunk_rows, chunk_count;
    radz_row_type type;
} radz_h5_index;

/* Reads an image whose SHA-256 the caller has compared (HDF5's parser is not made for hostile files). RADZ_E_CORRUPT for
 * what no version of this program wrote, RADZ_E_UNSUPPORTED for a newer format. */
radz_status radz_h5_decode(const unsigned char *image, size_t size, radz_h5_index *out, radz_error *err) RADZ_MUST_USE;
void radz_h5_index_free(radz_h5_index *index);

/* A table of scores that another program wrote: data sets `ids` [n] and `classes` [C] of strings (fixed or variable length),
 * `scores` [n, C] of any number type. */
typedef struct radz_h5_scores {
    char **ids, **classes; /* [n], [n_classes], each owned */
    double *scores;        /* [n, n_classes] */
    size_t n, n_classes;
} radz_h5_scores;
bool radz_h5_is_file(const unsigned char *bytes, size_t size); /* by its signature */
/* RADZ_E_FORMAT says which data set is absent or of which shape. HDF5's own checks are all that stands between a hostile
 * file and its parser. */
radz_status radz_h5_read_scores(const unsigned char *image, size_t size, radz_h5_scores *out, radz_error *err) RADZ_MUST_USE;
void radz_h5_scores_free(radz_h5_scores *scores);

size_t radz_row_type_size(radz_row_type type);       /* bytes of an element */
const char *radz_row_type_name(radz_row_type type);  /* "float32" */

#endif
