#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

bool radz_file_exists(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}

bool radz_file_is_dir(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static radz_status fail_errno(radz_error *err, const char *doing, const char *path)
{
    radz_status code = errno == ENOENT ? RADZ_E_MISSING : RADZ_E_IO;
    return radz_fail(err, code, "cannot %s '%s': %s", doing, path, strerror(errno));
}

size_t radz_path_in_archive(const char *path, const char **member)
{
    static const char ending[] = ".zip!";
    for (const char *p = path; (p = strstr(p, ending)) != NULL; p++) {
        const char *end = p + strlen(ending);
        if (p > path && p[-1] != '/' && (*end == '/' || *end == '\0')) {
            *member = end + (*end == '/');
            return (size_t)(end - 1 - path);
        }
    }
    return 0;
}

radz_status radz_file_stat_get(const char *path, radz_file_stat *out, radz_error *err)
{
    struct stat s;
    const char *member;
    size_t length = radz_path_in_archive(path, &member);
    char *archive = length > 0 ? radz_strndup(path, length, err) : NULL;
    if (length > 0 && archive == NULL)
        return RADZ_E_NOMEM;
    bool there = stat(archive != NULL ? archive : path, &s) == 0;
    radz_status st = there ? RADZ_OK : fail_errno(err, "look at", archive != NULL ? archive : path);
    free(archive);
    if (st != RADZ_OK)
        return st;
    out->size = (uint64_t)s.st_size;
    out->mtime_ns = (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec;
    out->inode = (uint64_t)s.st_ino;
    return RADZ_OK;
}

/* Opens a regular file for reading and says how long it is. */
static radz_status open_regular(const char *path, int *fd, size_t *size, radz_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return fail_errno(err, "open", path);
    struct stat s;
    if (fstat(*fd, &s) != 0) {
        radz_status st = fail_errno(err, "look at", path);
        close(*fd);
        return st;
    }
    if (!S_ISREG(s.st_mode)) {
        close(*fd);
        return radz_fail(err, RADZ_E_IO, "cannot read '%s': not a regular file", path);
    }
    *size = (size_t)s.st_size;
    return RADZ_OK;
}

radz_status radz_file_read(const char *path, size_t limit, char **data, size_t *size, radz_error *err)
{
    *data = NULL;
    *size = 0;
    int fd;
    size_t length;
    radz_status st = open_regular(path, &fd, &length, err);
    if (st != RADZ_OK)
        return st;
    char *buffer = NULL;
    if (length > limit) {
        st = radz_fail(err, RADZ_E_VALUE, "'%s' has %zu bytes, more than the %zu allowed", path, length, limit);
        goto done;
    }
    buffer = malloc(length + 1);
    if (buffer == NULL) {
        st = radz_fail(err, RADZ_E_NOMEM, "out of memory: %zu bytes for '%s'", length, path);
        goto done;
    }
    size_t got = 0;
    while (got < length) {
        ssize_t n = read(fd, buffer + got, length - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            st = fail_errno(err, "read", path);
            goto done;
        }
        if (n == 0)
            break; /* it shrank while we read */
        got += (size_t)n;
    }
    buffer[got] = '\0';
    *data = buffer;
    *size = got;
    buffer = NULL;
done:
    free(buffer);
    close(fd);
    return st;
}

radz_status radz_map_open(const char *path, radz_map *out, radz_error *err)
{
    *out = (radz_map){0};
    int fd;
    size_t length;
    radz_status st = open_regular(path, &fd, &length, err);
    if (st != RADZ_OK)
        return st;
    if (length > 0) {
        void *data = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            st = fail_errno(err, "map", path);
        else
            *out = (radz_map){data, length};
    }
    close(fd);
    return st;
}

void radz_map_close(radz_map *map)
{
    if (map->data != NULL)
        munmap((void *)map->data, map->size);
    *map = (radz_map){0};
}

static void out_reset(radz_out *out)
{
    free(out->path);
    free(out->temporary);
    *out = (radz_out){0};
}

radz_status radz_out_open(const char *path, radz_out *out, radz_error *err)
{
    *out = (radz_out){0};
    out->path = radz_strdup(path, err);
    radz_strbuf name = {0};
    radz_status st = radz_strbuf_printf(&name, err, "%s.%ld.tmp", path, (long)getpid());
    out->temporary = name.text;
    if (out->path == NULL || st != RADZ_OK) {
        out_reset(out);
        return RADZ_E_NOMEM;
    }
    out->stream = fopen(out->temporary, "wbe");
    if (out->stream == NULL) {
        st = fail_errno(err, "write", path);
        out_reset(out);
    }
    return st;
}

radz_status radz_out_commit(radz_out *out, radz_error *err)
{
    errno = 0;
    bool good = fflush(out->stream) == 0 && !ferror(out->stream) && fsync(fileno(out->stream)) == 0;
    int saved = errno;
    good = fclose(out->stream) == 0 && good;
    out->stream = NULL;
    if (good && rename(out->temporary, out->path) == 0) {
        out_reset(out);
        return RADZ_OK;
    }
    if (saved != 0)
        errno = saved;
    else if (errno == 0)
        errno = EIO;
    radz_status st = fail_errno(err, "write", out->path);
    unlink(out->temporary);
    out_reset(out);
    return st;
}

void radz_out_abandon(radz_out *out)
{
    if (out->stream != NULL) {
        fclose(out->stream);
        unlink(out->temporary);
    }
    out_reset(out);
}

radz_status radz_file_write(const char *path, const void *data, size_t size, radz_error *err)
{
    radz_out out;
    radz_status st = radz_out_open(path, &out, err);
    if (st != RADZ_OK)
        return st;
    if (size > 0 && fwrite(data, 1, size, out.stream) != size) {
        st = fail_errno(err, "write", path);
        radz_out_abandon(&out);
        return st;
    }
    return radz_out_commit(&out, err);
}

radz_status radz_mkdirs(const char *path, radz_error *err)
{
    char *copy = radz_strdup(path, err);
    if (copy == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (char *p = copy + 1; st == RADZ_OK; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            st = fail_errno(err, "make the folder", copy);
        else if (!radz_file_is_dir(copy))
            st = radz_fail(err, RADZ_E_IO, "cannot make the folder '%s': a file of that name is in the way", copy);
        *p = kept;
        if (kept == '\0')
            break;
    }
    free(copy);
    return st;
}

radz_status radz_need_writable(const char *path, radz_error *err)
{
    radz_out probe = {0};
    radz_status st = radz_mkdirs(path, err);
    char *file = st == RADZ_OK ? radz_path_join(path, ".can-be-written", err) : NULL;
    if (st == RADZ_OK)
        st = file != NULL ? radz_out_open(file, &probe, err) : RADZ_E_NOMEM;
    radz_out_abandon(&probe);
    free(file);
    return st;
}

char *radz_path_join(const char *a, const char *b, radz_error *err)
{
    if (b[0] == '/' || a[0] == '\0')
        return radz_strdup(b, err);
    radz_strbuf buf = {0};
    if (radz_strbuf_printf(&buf, err, "%s%s%s", a, radz_str_ends(a, "/") ? "" : "/", b) != RADZ_OK)
        radz_strbuf_free(&buf);
    return buf.text;
}

char *radz_path_dir(const char *path, radz_error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return radz_strdup(".", err);
    return radz_strndup(path, slash == path ? 1 : (size_t)(slash - path), err);
}

const char *radz_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

radz_status radz_dir_list(const char *path, const char *suffix, radz_strlist *out, radz_error *err)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return fail_errno(err, "list the folder", path);
    radz_status st = RADZ_OK;
    for (struct dirent *entry; st == RADZ_OK && (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && radz_str_ends(name, suffix))
            st = radz_strlist_add(out, name, err);
    }
    closedir(dir);
    radz_strlist_sort(out);
    return st;
}

radz_status radz_file_copy(const char *from, const char *to, const char *name, size_t limit, radz_error *err)
{
    char *source = radz_path_join(from, name, err), *path = radz_path_join(to, name, err), *data = NULL;
    size_t size = 0;
    radz_status st = source == NULL || path == NULL ? RADZ_E_NOMEM : radz_file_read(source, limit, &data, &size, err);
    if (st == RADZ_OK)
        st = radz_file_write(path, data, size, err);
    free(data);
    free(source);
    free(path);
    return st;
}
