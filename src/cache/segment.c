#include "cache/segment.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum { HEX = RADZ_SHA256_HEX_SIZE - 1 };
static const size_t max_file_bytes = (size_t)1 << 31; /* no writer makes them larger */

bool radz_segment_name_ok(const char *name, uint64_t *rows)
{
    if (strspn(name, "0123456789abcdef") != HEX || name[HEX] != '.')
        return false;
    const char *digits = name + HEX + 1;
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > 12 || digits[0] == '0' || strcmp(digits + count, RADZ_SEGMENT_SUFFIX) != 0)
        return false;
    *rows = strtoull(digits, NULL, 10);
    return true;
}

radz_status radz_segment_from_bytes(const char *name, const unsigned char *bytes, size_t size, const char *text,
                                    radz_segment *out, radz_error *err)
{
    *out = (radz_segment){.fd = -1};
    uint64_t rows;
    if (!radz_segment_name_ok(name, &rows))
        return radz_fail(err, RADZ_E_CORRUPT, "its name is not <SHA-256>.<rows>" RADZ_SEGMENT_SUFFIX);
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_status st = radz_sha256_data(bytes, size, hex, err);
    if (st != RADZ_OK)
        return st;
    if (memcmp(hex, name, HEX) != 0)
        return radz_fail(err, RADZ_E_CORRUPT, "truncated or altered: the SHA-256 of its %zu bytes is %.16s..., its name says %.16s...",
                         size, hex, name);
    radz_h5_index index;
    st = radz_h5_decode(bytes, size, &index, err);
    if (st != RADZ_OK)
        return st;
    if (index.n != rows)
        st = radz_fail(err, RADZ_E_CORRUPT, "it has %zu rows, its name says %" PRIu64, index.n, rows);
    else if (text != NULL && strcmp(index.text, text) != 0)
        st = radz_fail(err, RADZ_E_CORRUPT, "it belongs to another store");
    else if ((out->name = radz_strdup(name, err)) == NULL)
        st = RADZ_E_NOMEM;
    if (st != RADZ_OK) {
        radz_h5_index_free(&index);
        return st;
    }
    out->index = index;
    out->file_bytes = size;
    return RADZ_OK;
}

radz_status radz_segment_load(const char *dir, const char *name, const char *text, radz_segment *out, radz_error *err)
{
    *out = (radz_segment){.fd = -1};
    char *path = radz_path_join(dir, name, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    char *bytes = NULL;
    size_t size = 0;
    radz_status st = radz_file_read(path, max_file_bytes, &bytes, &size, err);
    if (st == RADZ_OK)
        st = radz_segment_from_bytes(name, (unsigned char *)bytes, size, text, out, err);
    free(bytes);
    free(path);
    return st;
}

radz_status radz_sync_dir(const char *dir, radz_error *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* some file systems cannot sync a folder (EINVAL); then there is nothing more to be done */
    bool good = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    radz_status st = RADZ_OK;
    if (!good)
        st = radz_fail(err, errno == ENOENT ? RADZ_E_MISSING : RADZ_E_IO, "cannot sync the folder '%s': %s", dir,
                       strerror(errno));
    if (fd >= 0)
        close(fd);
    return st;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        data += n;
        size -= (size_t)n;
    }
    return true;
}

/* Opens a new file whose name no other process uses, also not one with the same number on another machine. */
static int open_temporary(const char *dir, radz_strbuf *path, radz_error *err)
{
    static atomic_uint serial; /* only makes names differ */
    for (int tries = 0; tries < 100; tries++) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        path->length = 0;
        if (radz_strbuf_printf(path, err, "%s/" RADZ_TEMPORARY_PREFIX "%ld-%ld%09ld-%u", dir, (long)getpid(),
                               (long)t.tv_sec, t.tv_nsec, atomic_fetch_add(&serial, 1)) != RADZ_OK)
            return -1;
        int fd = open(path->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

radz_status radz_write_durably(const char *dir, const char *name, const void *data, size_t size, radz_error *err)
{
    radz_status st = RADZ_OK;
    radz_strbuf temporary = {0};
    char *path = radz_path_join(dir, name, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    errno = 0;
    int fd = open_temporary(dir, &temporary, err);
    if (fd < 0) {
        st = radz_fail(err, errno == ENOENT ? RADZ_E_MISSING : RADZ_E_IO, "cannot make a file in '%s': %s", dir,
                       strerror(errno));
        goto done;
    }
    bool good = write_all(fd, data, size) && fsync(fd) == 0;
    int saved = errno;
    if (close(fd) != 0 && good) {
        good = false;
        saved = errno;
    }
    if (good && rename(temporary.text, path) != 0) {
        good = false;
        saved = errno;
    }
    if (!good) {
        unlink(temporary.text);
        st = radz_fail(err, saved == ENOENT ? RADZ_E_MISSING : RADZ_E_IO, "cannot write %zu bytes to '%s': %s", size,
                       path, strerror(saved));
        goto done;
    }
    st = radz_sync_dir(dir, err);
done:
    radz_strbuf_free(&temporary);
    free(path);
    return st;
}

radz_status radz_segment_write(const char *dir, const radz_h5_rows *rows, radz_segment *out, radz_error *err)
{
    *out = (radz_segment){.fd = -1};
    unsigned char *image;
    size_t size;
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_strbuf name = {0};
    radz_status st = radz_h5_encode(rows, &image, &size, err);
    if (st == RADZ_OK)
        st = radz_sha256_data(image, size, hex, err);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&name, err, "%s.%zu" RADZ_SEGMENT_SUFFIX, hex, rows->n);
    /* read it as a reader would before it is reported as stored */
    if (st == RADZ_OK)
        st = radz_segment_from_bytes(name.text, image, size, rows->text, out, err);
    if (st == RADZ_OK)
        st = radz_write_durably(dir, name.text, image, size, err);
    if (st != RADZ_OK)
        radz_segment_free(out);
    radz_strbuf_free(&name);
    free(image);
    return st;
}

size_t radz_segment_find(const radz_segment *segment, const unsigned char *key)
{
    const unsigned char *keys = segment->index.keys;
    size_t low = 0, high = segment->gone ? 0 : segment->index.n;
    if (high == 0 || memcmp(key, keys, RADZ_CACHE_KEY_SIZE) < 0 ||
        memcmp(key, keys + (high - 1) * RADZ_CACHE_KEY_SIZE, RADZ_CACHE_KEY_SIZE) > 0)
        return SIZE_MAX;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(keys + middle * RADZ_CACHE_KEY_SIZE, key, RADZ_CACHE_KEY_SIZE);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

radz_status radz_segment_read(radz_segment *segment, const char *dir, size_t row, void *out, radz_error *err)
{
    if (segment->fd < 0) {
        char *path = radz_path_join(dir, segment->name, err);
        if (path == NULL)
            return RADZ_E_NOMEM;
        segment->fd = open(path, O_RDONLY | O_CLOEXEC);
        radz_status st = RADZ_OK;
        if (segment->fd < 0)
            st = radz_fail(err, errno == ENOENT ? RADZ_E_MISSING : RADZ_E_IO, "cannot open '%s': %s", path,
                           strerror(errno));
        free(path);
        if (st != RADZ_OK)
            return st;
    }
    const radz_h5_index *x = &segment->index;
    size_t left = x->dim * radz_row_type_size(x->type);
    off_t at = (off_t)(x->chunk_at[row / x->chunk_rows] + row % x->chunk_rows * left);
    for (char *to = out; left > 0;) {
        ssize_t n = pread(segment->fd, to, left, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return radz_fail(err, RADZ_E_IO, "cannot read '%s/%s': %s", dir, segment->name, strerror(errno));
        if (n == 0)
            return radz_fail(err, RADZ_E_CORRUPT, "it was cut short while in use");
        to += n;
        at += n;
        left -= (size_t)n;
    }
    return RADZ_OK;
}

void radz_segment_close_file(radz_segment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    segment->fd = -1;
}

void radz_segment_free(radz_segment *segment)
{
    radz_segment_close_file(segment);
    free(segment->name);
    radz_h5_index_free(&segment->index);
    *segment = (radz_segment){.fd = -1};
}

void radz_segment_quarantine(const char *dir, const char *name, const char *reason)
{
    radz_strbuf from = {0}, to = {0};
    if (radz_strbuf_printf(&from, NULL, "%s/%s", dir, name) == RADZ_OK &&
        radz_strbuf_printf(&to, NULL, "%s/%s" RADZ_BAD_SUFFIX, dir, name) == RADZ_OK) {
        bool moved = rename(from.text, to.text) == 0;
        radz_warn("cache file '%s' is not used: %s; %s", from.text, reason,
                  moved ? "moved aside as .bad, its rows are computed again" : "its rows are computed again");
    }
    radz_strbuf_free(&from);
    radz_strbuf_free(&to);
}
