/* The cache folder: stores of rows (embeddings) that were expensive to compute, and what is needed to look after them.
 *
 * A cache is a folder with a `CACHEDIR.TAG` and one folder per store in `stores/`. A store is a set of immutable HDF5 segment
 * files named by the SHA-256 of their bytes: a file is either whole and what its name says, or it is ignored. Any number of
 * processes may use one cache at the same time; nothing that was reported as stored is changed in place. docs/cache.md
 * describes the files. */
#ifndef RADZ_CACHE_CACHE_H
#define RADZ_CACHE_CACHE_H

#include <stdint.h>

#include "base/status.h"

typedef struct radz_cache radz_cache;

/* Opens the cache in folder `dir`, making it when absent. RADZ_E_IO when the folder cannot be made or written,
 * RADZ_E_UNSUPPORTED when it was written by a newer version, RADZ_E_VALUE when it is a folder of something else. The cache
 * must outlive its stores. */
radz_status radz_cache_open(const char *dir, radz_cache **out, radz_error *err) RADZ_MUST_USE;
void radz_cache_free(radz_cache *cache);
const char *radz_cache_dir(const radz_cache *cache); /* borrowed */

/* What the writers of this process keep to; the defaults suit everybody, tests make them small. */
typedef struct radz_cache_limits {
    size_t segment_bytes;   /* most bytes of keys and rows in one merged file (8 MiB); bounds the memory of a merge */
    size_t pending_bytes;   /* rows appended but not yet on disk: at most so many bytes (2 MiB) ... */
    double pending_seconds; /* ... or so old when the next row is appended (5 s) */
    size_t small_segments;  /* so many small files are merged during a run (32) */
} radz_cache_limits;
radz_cache_limits radz_cache_limits_get(const radz_cache *cache);
void radz_cache_limits_set(radz_cache *cache, radz_cache_limits limits); /* before stores are opened */

/* One store as `cache ls` shows it. Strings are owned by the list. */
typedef struct radz_cache_entry {
    char *key;          /* 64 hex digits: SHA-256 of the store's `store.txt`; the folder's name */
    char *kind;         /* "image", "text", ...; "?" when store.txt cannot be read */
    char *row;          /* "float32 512" */
    char *description;  /* what the rows depend on, as given when the store was opened; may hold several lines */
    uint64_t rows;      /* as the files' names say; a row that two files hold counts twice */
    uint64_t bytes;     /* everything in the store's folder */
    uint64_t segments, bad; /* good-looking segment files; quarantined ones */
    int64_t used;       /* last use, seconds since 1970 */
} radz_cache_entry;
typedef struct radz_cache_listing {
    radz_cache_entry *items; /* by kind, then key */
    size_t count, capacity;
    uint64_t bytes;
} radz_cache_listing;
/* Lists without opening segment files. Zero-initialise `out`; free with radz_cache_listing_free, also after an error. */
radz_status radz_cache_ls(const radz_cache *cache, radz_cache_listing *out, radz_error *err) RADZ_MUST_USE;
void radz_cache_listing_free(radz_cache_listing *listing);

/* Re-reads every file and compares every checksum; a bad file is named in `problem` calls (path and reason) and moved out
 * of the way (suffix ".bad"), so that its rows are computed again. */
typedef struct radz_cache_check {
    uint64_t stores, segments, rows, bytes, bad;
} radz_cache_check;
typedef void (*radz_cache_problem)(void *context, const char *path, const char *reason);
radz_status radz_cache_verify(const radz_cache *cache, radz_cache_problem problem, void *context, radz_cache_check *out,
                              radz_error *err) RADZ_MUST_USE;

/* Removes quarantined files, left-over temporary files, stores not used for more than `days` days, and then, least
 * recently used first, stores until at most `max_bytes` are left. A store that a process has open is kept and counted. */
typedef struct radz_cache_gc_options {
    int64_t days;       /* < 0: age is no reason */
    uint64_t max_bytes; /* 0: size is no reason */
    int64_t now;        /* seconds since 1970; 0: the clock's */
} radz_cache_gc_options;
typedef struct radz_cache_gc_report {
    uint64_t stores_removed, stores_kept, stores_in_use, files_removed, bytes_freed, bytes_left;
} radz_cache_gc_report;
radz_status radz_cache_gc(const radz_cache *cache, const radz_cache_gc_options *options, radz_cache_gc_report *out,
                          radz_error *err) RADZ_MUST_USE;

/* "1.10.8": the version of the HDF5 library that is loaded. */
void radz_cache_hdf5_version(char text[32]);

#endif
