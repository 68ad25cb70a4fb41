/* Segment files: `<sha256 of the bytes>.<rows>.h5`, immutable, keys ascending. Used by the store and by verify. */
#ifndef RADZ_CACHE_SEGMENT_H
#define RADZ_CACHE_SEGMENT_H

#include "cache/h5.h"

#define RADZ_SEGMENT_SUFFIX ".h5"
#define RADZ_BAD_SUFFIX ".bad"
#define RADZ_TEMPORARY_PREFIX "tmp-"

typedef struct radz_segment {
    char *name;             /* in the store's folder */
    radz_h5_index index;
    uint64_t file_bytes;
    int fd;                 /* -1: not open now */
    bool gone;              /* damaged or removed by another process: its rows do not count */
} radz_segment;

/* "<64 hex>.<rows>.h5"? `*rows` is filled when so. */
bool radz_segment_name_ok(const char *name, uint64_t *rows);

/* Makes a segment of the bytes of a file called `name`. Compares the SHA-256 before anything looks inside. `text` NULL: any
 * store. RADZ_E_CORRUPT with the reason. */
radz_status radz_segment_from_bytes(const char *name, const unsigned char *bytes, size_t size, const char *text,
                                    radz_segment *out, radz_error *err) RADZ_MUST_USE;
/* Reads `dir`/`name`. RADZ_E_MISSING when it is not there (any more). */
radz_status radz_segment_load(const char *dir, const char *name, const char *text, radz_segment *out,
                              radz_error *err) RADZ_MUST_USE;
/* Writes rows as a new file, on disk when RADZ_OK is returned; `out` is then as radz_segment_load would give it. */
radz_status radz_segment_write(const char *dir, const radz_h5_rows *rows, radz_segment *out,
                               radz_error *err) RADZ_MUST_USE;
/* Position of a key, or SIZE_MAX. */
size_t radz_segment_find(const radz_segment *segment, const unsigned char *key);
/* Copies row `row` to `out`. RADZ_E_MISSING: the file is not there any more; RADZ_E_CORRUPT: it is shorter than it was. */
radz_status radz_segment_read(radz_segment *segment, const char *dir, size_t row, void *out,
                              radz_error *err) RADZ_MUST_USE;
void radz_segment_close_file(radz_segment *segment);
void radz_segment_free(radz_segment *segment);

/* Moves a damaged file aside (suffix ".bad") and says so in a warning. */
void radz_segment_quarantine(const char *dir, const char *name, const char *reason);

/* A file that is on disk, whole, under its name when RADZ_OK is returned; else nothing of that name changed. */
radz_status radz_write_durably(const char *dir, const char *name, const void *data, size_t size,
                               radz_error *err) RADZ_MUST_USE;
radz_status radz_sync_dir(const char *dir, radz_error *err) RADZ_MUST_USE;

#endif
