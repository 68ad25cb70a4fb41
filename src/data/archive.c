#include "data/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/file.h"
#include "base/mem.h"

struct radz_archive {
    char *path;
    zip_t *zip;
    const char **names; /* [count], sorted; NULL: not asked for yet */
    size_t count;
};

struct radz_archive_member {
    const radz_archive *archive;
    zip_file_t *file;
    uint64_t size; /* unpacked, as the archive says */
    const char *name;
};

radz_status radz_archive_open(const char *path, radz_archive **out, radz_error *err)
{
    int code = 0;
    *out = NULL;
    radz_archive *a = radz_calloc(1, sizeof *a, err);
    if (a == NULL)
        return RADZ_E_NOMEM;
    a->path = radz_strdup(path, err);
    radz_status st = a->path != NULL ? RADZ_OK : RADZ_E_NOMEM;
    if (st == RADZ_OK && (a->zip = zip_open(path, ZIP_RDONLY, &code)) == NULL) {
        zip_error_t why;
        zip_error_init_with_code(&why, code);
        bool missing = code == ZIP_ER_NOENT, unread = code == ZIP_ER_OPEN || code == ZIP_ER_READ;
        st = missing || unread ? radz_fail(err, missing ? RADZ_E_MISSING : RADZ_E_IO, "cannot open '%.300s': %s", path,
                                           zip_error_strerror(&why))
                               : radz_fail(err, RADZ_E_FORMAT, "'%.300s' is not a whole zip archive: %s", path,
                                           zip_error_strerror(&why));
        zip_error_fini(&why);
    }
    if (st == RADZ_OK)
        *out = a;
    else
        radz_archive_close(a);
    return st;
}

void radz_archive_close(radz_archive *a)
{
    if (a == NULL)
        return;
    if (a->zip != NULL)
        zip_discard(a->zip);
    free(a->names);
    free(a->path);
    free(a);
}

static bool is_content(const char *name)
{
    return name[0] != '\0' && !radz_str_ends(name, "/") && strncmp(name, "__MACOSX/", 9) != 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

radz_status radz_archive_names(radz_archive *a, const char *const **names, size_t *count, radz_error *err)
{
    if (a->names == NULL) {
        zip_int64_t entries = zip_get_num_entries(a->zip, 0);
        size_t n = 0;
        a->names = radz_calloc(entries > 0 ? (size_t)entries : 1, sizeof *a->names, err);
        if (a->names == NULL)
            return RADZ_E_NOMEM;
        for (zip_int64_t i = 0; i < entries; i++) {
            const char *name = zip_get_name(a->zip, (zip_uint64_t)i, 0);
            if (name != NULL && is_content(name))
                a->names[n++] = name;
        }
        if (n > 1)
            qsort(a->names, n, sizeof *a->names, compare_names);
        for (size_t i = 0; i < n; i++)
            if (a->count == 0 || strcmp(a->names[a->count - 1], a->names[i]) != 0)
                a->names[a->count++] = a->names[i];
    }
    *names = a->names;
    *count = a->count;
    return RADZ_OK;
}

bool radz_archive_has(const radz_archive *a, const char *name)
{
    return is_content(name) && zip_name_locate(a->zip, name, 0) >= 0;
}

radz_status radz_archive_member_open(radz_archive *a, const char *name, radz_archive_member **out, radz_error *err)
{
    *out = NULL;
    zip_stat_t stat;
    zip_int64_t at = zip_name_locate(a->zip, name, 0);
    if (at < 0)
        return radz_fail(err, RADZ_E_MISSING, "'%.300s' holds no file '%.300s'", a->path, name);
    zip_file_t *file = zip_stat_index(a->zip, (zip_uint64_t)at, 0, &stat) == 0 ? zip_fopen_index(a->zip, (zip_uint64_t)at, 0) : NULL;
    if (file == NULL)
        return radz_fail(err, RADZ_E_FORMAT, "'%.300s!/%.300s': cannot unpack: %s", a->path, name, zip_strerror(a->zip));
    radz_archive_member *m = radz_calloc(1, sizeof *m, err);
    if (m == NULL) {
        zip_fclose(file);
        return RADZ_E_NOMEM;
    }
    *m = (radz_archive_member){a, file, (stat.valid & ZIP_STAT_SIZE) != 0 ? stat.size : 0, zip_get_name(a->zip, (zip_uint64_t)at, 0)};
    *out = m;
    return RADZ_OK;
}

radz_status radz_archive_member_read(radz_archive_member *m, void *buffer, size_t size, size_t *got, radz_error *err)
{
    zip_int64_t n = zip_fread(m->file, buffer, size);
    *got = n > 0 ? (size_t)n : 0;
    return n >= 0 ? RADZ_OK
                  : radz_fail(err, RADZ_E_FORMAT, "'%.300s!/%.300s' is damaged (zip: %s)", m->archive->path, m->name,
                              zip_error_strerror(zip_file_get_error(m->file)));
}

void radz_archive_member_close(radz_archive_member *m)
{
    if (m == NULL)
        return;
    zip_fclose(m->file);
    free(m);
}

/* ---- whole files ---- */

radz_status radz_archives_get(radz_open_archives *open, const char *path, radz_archive **out, radz_error *err)
{
    for (size_t i = 0; i < RADZ_OPEN_ARCHIVES; i++) {
        if (open->of[i].path != NULL && strcmp(open->of[i].path, path) == 0) {
            *out = open->of[i].archive;
            return RADZ_OK;
        }
    }
    *out = NULL;
    char *name = radz_strdup(path, err);
    radz_status st = name != NULL ? radz_archive_open(path, out, err) : RADZ_E_NOMEM;
    if (st != RADZ_OK) {
        free(name);
        return st;
    }
    size_t at = open->next++ % RADZ_OPEN_ARCHIVES;
    radz_archive_close(open->of[at].archive);
    free(open->of[at].path);
    open->of[at].path = name;
    open->of[at].archive = *out;
    return RADZ_OK;
}

static radz_status read_member(radz_archive *a, const char *name, size_t limit, char **data, size_t *size, radz_error *err)
{
    radz_archive_member *m;
    size_t capacity = 0, used = 0, got = 1;
    char *bytes = NULL;
    radz_status st = radz_archive_member_open(a, name, &m, err);
    /* the size that the archive gives is a claim: no more is allocated in advance than a picture usually has */
    size_t first = st == RADZ_OK && m->size < (size_t)64 << 20 ? (size_t)m->size + 2 : (size_t)1 << 20;
    while (st == RADZ_OK && got > 0) {
        if (used + 1 >= capacity)
            st = radz_grow(&bytes, &capacity, used == 0 ? first : 2 * capacity, 1, err);
        if (st == RADZ_OK)
            st = radz_archive_member_read(m, bytes + used, capacity - used - 1, &got, err);
        used += st == RADZ_OK ? got : 0;
        if (st == RADZ_OK && used > limit)
            st = radz_fail(err, RADZ_E_VALUE, "'%.300s!/%.300s' has more than the %zu bytes allowed", a->path, name, limit);
    }
    radz_archive_member_close(m);
    if (st != RADZ_OK) {
        free(bytes);
        return st;
    }
    bytes[used] = '\0';
    *data = bytes;
    *size = used;
    return RADZ_OK;
}

radz_status radz_archives_read(radz_open_archives *open, const char *path, size_t limit, char **data, size_t *size, radz_error *err)
{
    const char *member;
    size_t length = radz_path_in_archive(path, &member);
    *data = NULL;
    *size = 0;
    if (length == 0)
        return radz_file_read(path, limit, data, size, err);
    radz_archive *archive = NULL;
    char *of = radz_strndup(path, length, err);
    radz_status st = of != NULL ? radz_archives_get(open, of, &archive, err) : RADZ_E_NOMEM;
    free(of);
    return st == RADZ_OK ? read_member(archive, member, limit, data, size, err) : st;
}

void radz_archives_close(radz_open_archives *open)
{
    for (size_t i = 0; i < RADZ_OPEN_ARCHIVES; i++) {
        radz_archive_close(open->of[i].archive);
        free(open->of[i].path);
    }
    *open = (radz_open_archives){0};
}
