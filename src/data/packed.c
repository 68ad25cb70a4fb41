#include "data/packed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"

struct radz_packed {
    char *path;
    FILE *plain;
    gzFile gzip;
    zip_t *archive;
    zip_file_t *member;
    bool ended;
};

/* ---- zip ---- */

static bool is_content(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && name[length - 1] != '/' && strncmp(name, "__MACOSX/", 9) != 0;
}

/* The one file of an archive, or the one that has the archive's name. */
static radz_status choose_member(const radz_packed *p, zip_uint64_t *member, radz_error *err)
{
    zip_int64_t entries = zip_get_num_entries(p->archive, 0);
    const char *own = radz_path_name(p->path), *first = NULL;
    size_t own_length = strlen(own), found = 0;
    own_length -= radz_str_ends(own, ".zip") ? 4 : 0;
    for (zip_int64_t i = 0; i < entries; i++) {
        const char *name = zip_get_name(p->archive, (zip_uint64_t)i, 0);
        if (name == NULL || !is_content(name))
            continue;
        const char *last = radz_path_name(name);
        if (strlen(last) == own_length && strncmp(last, own, own_length) == 0) {
            *member = (zip_uint64_t)i;
            return RADZ_OK;
        }
        if (found++ == 0) {
            first = name;
            *member = (zip_uint64_t)i;
        }
    }
    if (found == 0)
        return radz_fail(err, RADZ_E_FORMAT, "'%.300s': the archive holds no file", p->path);
    if (found > 1)
        return radz_fail(err, RADZ_E_FORMAT, "'%.300s': the archive holds %zu files ('%.100s', ...); wanted one, or one named"
                         " '%.*s'", p->path, found, first, (int)(own_length > 100 ? 100 : own_length), own);
    return RADZ_OK;
}

static radz_status open_zip(radz_packed *p, radz_error *err)
{
    int code = 0;
    zip_uint64_t member = 0;
    p->archive = zip_open(p->path, ZIP_RDONLY, &code);
    if (p->archive == NULL) {
        zip_error_t why;
        zip_error_init_with_code(&why, code);
        radz_status st = radz_fail(err, RADZ_E_FORMAT, "'%.300s' is not a whole zip archive: %s", p->path,
                                   zip_error_strerror(&why));
        zip_error_fini(&why);
        return st;
    }
    radz_status st = choose_member(p, &member, err);
    if (st != RADZ_OK)
        return st;
    p->member = zip_fopen_index(p->archive, member, 0);
    return p->member != NULL ? RADZ_OK
                             : radz_fail(err, RADZ_E_FORMAT, "'%.300s': cannot unpack: %s", p->path,
                                         zip_strerror(p->archive));
}

/* ---- the stream ---- */

radz_status radz_packed_open(const char *path, radz_packed **out, radz_error *err)
{
    *out = NULL;
    if (radz_file_is_dir(path))
        return radz_fail(err, RADZ_E_IO, "cannot read '%.300s': it is a folder", path);
    FILE *stream = fopen(path, "rbe");
    if (stream == NULL)
        return radz_fail(err, errno == ENOENT ? RADZ_E_MISSING : RADZ_E_IO, "cannot open '%.300s': %s", path,
                         strerror(errno));
    radz_packed *p = radz_calloc(1, sizeof *p, err);
    radz_status st = p != NULL ? RADZ_OK : RADZ_E_NOMEM;
    if (st == RADZ_OK) {
        p->path = radz_strdup(path, err);
        st = p->path != NULL ? RADZ_OK : RADZ_E_NOMEM;
    }
    unsigned char magic[4] = {0};
    size_t length = fread(magic, 1, sizeof magic, stream);
    bool zip = length == 4 && (memcmp(magic, "PK\3\4", 4) == 0 || memcmp(magic, "PK\5\6", 4) == 0);
    bool gzip = length >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    if (st == RADZ_OK && zip) {
        st = open_zip(p, err);
    } else if (st == RADZ_OK && gzip) {
        p->gzip = gzopen(path, "rb");
        if (p->gzip == NULL)
            st = radz_fail(err, RADZ_E_IO, "cannot open '%.300s': %s", path, strerror(errno));
        else
            gzbuffer(p->gzip, 1 << 17);
    } else if (st == RADZ_OK) {
        rewind(stream);
        p->plain = stream;
    }
    if (p == NULL || p->plain == NULL)
        fclose(stream);
    if (st == RADZ_OK)
        *out = p;
    else
        radz_packed_close(p);
    return st;
}

radz_status radz_packed_read(radz_packed *p, void *buffer, size_t size, size_t *got, radz_error *err)
{
    *got = 0;
    if (p->ended)
        return RADZ_OK;
    if (p->plain != NULL) {
        errno = 0;
        *got = fread(buffer, 1, size, p->plain);
        if (*got < size && ferror(p->plain))
            return radz_fail(err, RADZ_E_IO, "cannot read '%.300s': %s", p->path, strerror(errno));
    } else if (p->gzip != NULL) {
        int n = gzread(p->gzip, buffer, size > 1 << 30 ? 1 << 30 : (unsigned)size), code = Z_OK;
        const char *what = gzerror(p->gzip, &code);
        if (n < 0 || (code != Z_OK && code != Z_STREAM_END)) /* a stream that was cut gives its bytes and Z_BUF_ERROR */
            return radz_fail(err, RADZ_E_FORMAT, "'%.300s' is damaged or cut off (gzip: %s)", p->path,
                             code == Z_ERRNO ? strerror(errno) : what);
        *got = (size_t)n;
    } else {
        zip_int64_t n = zip_fread(p->member, buffer, size);
        if (n < 0)
            return radz_fail(err, RADZ_E_FORMAT, "'%.300s' is damaged (zip: %s)", p->path,
                             zip_error_strerror(zip_file_get_error(p->member)));
        *got = (size_t)n;
    }
    p->ended = *got == 0;
    return RADZ_OK;
}

void radz_packed_close(radz_packed *p)
{
    if (p == NULL)
        return;
    if (p->plain != NULL)
        fclose(p->plain);
    if (p->gzip != NULL)
        gzclose_r(p->gzip);
    if (p->member != NULL)
        zip_fclose(p->member);
    if (p->archive != NULL)
        zip_discard(p->archive);
    free(p->path);
    free(p);
}

radz_status radz_packed_load(const char *path, size_t limit, char **data, size_t *size, radz_error *err)
{
    *data = NULL;
    *size = 0;
    radz_packed *p;
    size_t capacity = 0, used = 0, got = 1;
    char *text = NULL;
    radz_status st = radz_packed_open(path, &p, err);
    while (st == RADZ_OK && got > 0) {
        st = radz_grow(&text, &capacity, used + (1 << 16) + 1, 1, err);
        if (st == RADZ_OK)
            st = radz_packed_read(p, text + used, capacity - used - 1, &got, err);
        used += st == RADZ_OK ? got : 0;
        if (st == RADZ_OK && used > limit)
            st = radz_fail(err, RADZ_E_VALUE, "'%.300s' has more than the %zu bytes allowed", path, limit);
    }
    radz_packed_close(p);
    if (st != RADZ_OK) {
        free(text);
        return st;
    }
    text[used] = '\0';
    *data = text;
    *size = used;
    return RADZ_OK;
}

radz_status radz_packed_find(const char *path, char **found, radz_error *err)
{
    static const char *const endings[] = {"", ".gz", ".zip"};
    *found = NULL;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        radz_strbuf name = {0};
        radz_status st = radz_strbuf_printf(&name, err, "%s%s", path, endings[i]);
        if (st != RADZ_OK)
            return st;
        if (radz_file_exists(name.text) && !radz_file_is_dir(name.text)) {
            *found = name.text;
            return RADZ_OK;
        }
        radz_strbuf_free(&name);
    }
    return RADZ_OK;
}
