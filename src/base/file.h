/* Files: whole reads, memory maps, writes that either happen completely or not at all, folders. */
#ifndef RADZ_BASE_FILE_H
#define RADZ_BASE_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "base/str.h"

/* A file inside an archive is named "X.zip!/member": gives the length of "X.zip", and the member's name ("" for the archive's
 * top, "X.zip!"). 0: a plain path. Only data/archive.h reads such files; looking at one (radz_file_stat_get) looks at the
 * archive. */
size_t radz_path_in_archive(const char *path, const char **member);

bool radz_file_exists(const char *path); /* anything of that name */
bool radz_file_is_dir(const char *path);

typedef struct radz_file_stat {
    uint64_t size;     /* bytes */
    int64_t mtime_ns;  /* last change, nanoseconds since 1970 */
    uint64_t inode;
} radz_file_stat;
radz_status radz_file_stat_get(const char *path, radz_file_stat *out, radz_error *err) RADZ_MUST_USE;

/* Reads a whole file; `*data` is the caller's (free) and has a NUL after its `*size` bytes. A file over `limit` bytes is
 * refused (RADZ_E_VALUE) before anything is allocated. Gives NULL and 0 on error. */
radz_status radz_file_read(const char *path, size_t limit, char **data, size_t *size, radz_error *err) RADZ_MUST_USE;

/* A read-only private memory map; an empty file maps to data NULL, size 0. */
typedef struct radz_map {
    const unsigned char *data;
    size_t size;
} radz_map;
radz_status radz_map_open(const char *path, radz_map *out, radz_error *err) RADZ_MUST_USE;
void radz_map_close(radz_map *map);

/* A file that appears under its name only when it is complete: it is written beside it under a temporary name,
 * flushed to disk and renamed by radz_out_commit. radz_out_abandon (or a crash) leaves the old file untouched.
 * Zero-initialise; write with stdio on `stream`. */
typedef struct radz_out {
    FILE *stream;
    char *path, *temporary;
} radz_out;
radz_status radz_out_open(const char *path, radz_out *out, radz_error *err) RADZ_MUST_USE;
radz_status radz_out_commit(radz_out *out, radz_error *err) RADZ_MUST_USE;
void radz_out_abandon(radz_out *out); /* no-op after commit */
/* The whole of `data` under `path`, through radz_out. */
radz_status radz_file_write(const char *path, const void *data, size_t size, radz_error *err) RADZ_MUST_USE;

/* A small file of folder `from` into folder `to`, under the same name; over `limit` bytes: as radz_file_read. */
radz_status radz_file_copy(const char *from, const char *to, const char *name, size_t limit, radz_error *err) RADZ_MUST_USE;

radz_status radz_mkdirs(const char *path, radz_error *err) RADZ_MUST_USE; /* as mkdir -p */
/* The same, and files can be made in it: found out before the work whose outcome is to be written there. */
radz_status radz_need_writable(const char *path, radz_error *err) RADZ_MUST_USE;

/* "a/b"; an absolute `b` wins. The caller frees it; NULL on exhaustion. */
char *radz_path_join(const char *a, const char *b, radz_error *err) RADZ_MUST_USE;
/* The folder part of a path ("." when there is none); the caller frees it. */
char *radz_path_dir(const char *path, radz_error *err) RADZ_MUST_USE;
const char *radz_path_name(const char *path); /* the part after the last '/', borrowed */

/* Names (not paths) of the entries of a folder that end in `suffix` ("" for all), sorted by byte; without . and .. */
radz_status radz_dir_list(const char *path, const char *suffix, radz_strlist *out, radz_error *err) RADZ_MUST_USE;

#endif
