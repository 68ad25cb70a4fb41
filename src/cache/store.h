/* One store of the cache: rows of one fixed size under 32-byte keys (the SHA-256 of an image or a text). */
#ifndef RADZ_CACHE_STORE_H
#define RADZ_CACHE_STORE_H

#include "cache/cache.h"

enum { RADZ_CACHE_KEY_SIZE = 32 };

/* Kinds of row elements. A new kind (answers of varying length) gets a name here and its own data sets in a segment. */
typedef enum radz_row_type { RADZ_ROW_FLOAT32, RADZ_ROW_UINT8 } radz_row_type;

typedef struct radz_store radz_store;

/* Opens the store that `kind`, the row's type and size, and `description` name. The description is the readable list of
 * everything that can change a number in a row (weights hash, family, dtype, device class, library versions, preprocess
 * recipe, ...): another text is another store. `kind` is a short word ([a-z0-9_-]); `dim` is the number of elements of a
 * row, 1 to 1,048,576. The whole of every segment file is read and its SHA-256 compared; a file that fails is named in a
 * warning and moved aside, its rows count as absent. Nothing is written until rows are.
 *
 * Memory: 32 bytes a row; rows stay on disk. Safe to use from several threads. Free with radz_store_close. */
radz_status radz_store_open(radz_cache *cache, const char *kind, const char *description, size_t dim, radz_store **out,
                            radz_error *err) RADZ_MUST_USE;
radz_status radz_store_open_typed(radz_cache *cache, const char *kind, const char *description, radz_row_type type,
                                  size_t dim, radz_store **out, radz_error *err) RADZ_MUST_USE;

/* For each of `n` keys [n,32]: found[i] tells whether the row is there; if so, row i of `out` [n,dim] is filled, else it is
 * left alone. `out` may be NULL to ask only; `found` may be NULL when all must be there (then a missing one is
 * RADZ_E_MISSING). Sees rows that were appended but not flushed. Any `n`; rows are read in file order within a call, so
 * calls of some thousand keys are fastest. A file found damaged meanwhile is moved aside, its rows are then absent. */
radz_status radz_store_lookup(radz_store *store, const unsigned char *keys, size_t n, void *out, bool *found,
                              radz_error *err) RADZ_MUST_USE;

/* Adds `n` rows [n,dim] under keys [n,32]. A key that is there already keeps its row. Rows are held back until they are
 * many or old enough (radz_cache_limits) and then written as radz_store_flush does. After an error the held rows are still
 * held: a later flush tries again. */
radz_status radz_store_append(radz_store *store, const unsigned char *keys, const void *rows, size_t n,
                              radz_error *err) RADZ_MUST_USE;

/* Writes what is held back. When it returns RADZ_OK every row appended so far survives kill -9 and, as far as fsync tells
 * the truth, a power cut. */
radz_status radz_store_flush(radz_store *store, radz_error *err) RADZ_MUST_USE;

/* Flushes, then rewrites all segments (those other processes added too) as few files in key order: the same rows give the
 * same files, byte for byte, in whatever order they came. Waits up to 30 s for another process that is at it, then leaves
 * the work to it. Meant for the end of a run; nothing to do costs nothing. Fails when the flush fails; that files could
 * not be merged is a warning. */
radz_status radz_store_compact(radz_store *store, radz_error *err) RADZ_MUST_USE;

/* Flushes and frees; `store` is freed also when an error is returned. NULL is allowed. */
radz_status radz_store_close(radz_store *store, radz_error *err);

size_t radz_store_rows(radz_store *store);       /* rows on disk (a row in two files counts twice until compaction) */
size_t radz_store_pending(radz_store *store);    /* rows held back */
const char *radz_store_key(const radz_store *store); /* 64 hex digits, borrowed */
size_t radz_store_dim(const radz_store *store);

#endif
