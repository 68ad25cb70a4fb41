#include "data/packed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/archive.h"

struct radz_packed {
    char *path;
    FILE *plain;
    gzFile gzip;
    radz_archive *archive;
    radz_archive_member *member;
    bool ended;
};

/* ---- zip ---- */

/* The one file of an archive, or the one that has the archive's name. */
static radz_status choose_member(const radz_packed *p, const char **member, radz_error *err)
{
    const char *const *names;
    const char *own = radz_path_name(p->path);
    size_t own_length = strlen(own), count;
    own_length -= radz_str_ends(own, ".zip") ? 4 : 0;
    radz_status st = radz_archive_names(p->archive, &names, &count, err);
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        const char *last = radz_path_name(names[i]);
        if (strlen(last) == own_length && strncmp(last, own, own_length) == 0) {
            *member = names[i];
            return RADZ_OK;
        }
    }
    if (st == RADZ_OK && count == 0)
        st = radz_fail(err, RADZ_E_FORMAT, "'%.300s': the archive holds no file", p->path);
    if (st == RADZ_OK && count > 1)
        st = radz_fail(err, RADZ_E_FORMAT, "'%.300s': the archive holds %zu files ('%.100s', ...); wanted one, or one named"
                       " '%.*s'", p->path, count, names[0], (int)(own_length > 100 ? 100 : own_length), own);
    if (st == RADZ_OK)
        *member = names[0];
    return st;
}

static radz_status open_zip(radz_packed *p, radz_error *err)
{
    const char *member = NULL;
    radz_status st = radz_archive_open(p->path, &p->archive, err);
    if (st == RADZ_OK)
        st = choose_member(p, &member, err);
    return st == RADZ_OK ? radz_archive_member_open(p->archive, member, &p->member, err) : st;
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
        radz_status st = radz_archive_member_read(p->member, buffer, size, got, err);
        if (st != RADZ_OK)
            return st;
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
    radz_archive_member_close(p->member);
    radz_archive_close(p->archive);
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
