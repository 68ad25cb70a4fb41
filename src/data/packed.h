/* Text files as people keep them: plain, gzip (NAME.gz) or a zip archive with the one file (NAME.zip), told apart by their
 * first bytes and read as one stream. The only includer of zlib here. */
#ifndef RADZ_DATA_PACKED_H
#define RADZ_DATA_PACKED_H

#include "base/status.h"

typedef struct radz_packed radz_packed;

/* Errors: RADZ_E_MISSING and _IO for the file; RADZ_E_FORMAT for an archive that is damaged, encrypted or does not hold
 * just one file (folders and what macOS adds aside; with several, the one named as the archive without ".zip" is taken). */
radz_status radz_packed_open(const char *path, radz_packed **out, radz_error *err) RADZ_MUST_USE;
/* Up to `size` bytes; `*got` 0 is the end. RADZ_E_FORMAT: the packed data is truncated or altered (its checksum differs). */
radz_status radz_packed_read(radz_packed *packed, void *buffer, size_t size, size_t *got, radz_error *err) RADZ_MUST_USE;
void radz_packed_close(radz_packed *packed);

/* The whole of it; `*data` is the caller's (free) and has a NUL behind its `*size` bytes. More than `limit` unpacked bytes
 * are refused with RADZ_E_VALUE. */
radz_status radz_packed_load(const char *path, size_t limit, char **data, size_t *size, radz_error *err) RADZ_MUST_USE;

/* Which of PATH, PATH.gz and PATH.zip is there; the caller frees `*found`, NULL when none is. */
radz_status radz_packed_find(const char *path, char **found, radz_error *err) RADZ_MUST_USE;

#endif
