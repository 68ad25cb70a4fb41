/* Files inside zip archives. An image file is named "ARCHIVE.zip!/MEMBER" (base/file.h: radz_path_in_archive) and read without
 * being unpacked to disk. The only includer of libzip. */
#ifndef RADZ_DATA_ARCHIVE_H
#define RADZ_DATA_ARCHIVE_H

#include "base/status.h"

/* Not for several threads at a time. */
typedef struct radz_archive radz_archive;
typedef struct radz_archive_member radz_archive_member;

/* RADZ_E_MISSING and _IO: the file; RADZ_E_FORMAT: not a whole zip archive. Reads the archive's list of contents: some
 * 100 ms and 30 MB for 100,000 members. */
radz_status radz_archive_open(const char *path, radz_archive **out, radz_error *err) RADZ_MUST_USE;
void radz_archive_close(radz_archive *archive);

/* The members' names as paths, in byte order, each once; without folders and what macOS adds. Views of the archive. The
 * first call sorts them. */
radz_status radz_archive_names(radz_archive *archive, const char *const **names, size_t *count, radz_error *err) RADZ_MUST_USE;
bool radz_archive_has(const radz_archive *archive, const char *name);

/* One member as a stream. RADZ_E_MISSING: no such member; RADZ_E_FORMAT: it is encrypted or packed in an unknown way. */
radz_status radz_archive_member_open(radz_archive *archive, const char *name, radz_archive_member **out,
                                     radz_error *err) RADZ_MUST_USE;
/* Up to `size` bytes; `*got` 0 is the end. RADZ_E_FORMAT: damaged (its checksum differs). */
radz_status radz_archive_member_read(radz_archive_member *member, void *buffer, size_t size, size_t *got,
                                     radz_error *err) RADZ_MUST_USE;
void radz_archive_member_close(radz_archive_member *member);

/* The archives that one thread has open, so that an archive with many images is opened once. Zero-initialise. */
enum { RADZ_OPEN_ARCHIVES = 16 };
typedef struct radz_open_archives {
    struct {
        char *path;
        radz_archive *archive;
    } of[RADZ_OPEN_ARCHIVES];
    size_t next; /* whose place is taken when all are */
} radz_open_archives;

/* The archive at `path`, open; borrowed. */
radz_status radz_archives_get(radz_open_archives *open, const char *path, radz_archive **out, radz_error *err) RADZ_MUST_USE;
/* The whole of an image file, on disk or in an archive. As radz_file_read. */
radz_status radz_archives_read(radz_open_archives *open, const char *path, size_t limit, char **data, size_t *size,
                               radz_error *err) RADZ_MUST_USE;
void radz_archives_close(radz_open_archives *open);

#endif
