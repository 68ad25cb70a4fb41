#include "cache/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cache/cachedir.h"
#include "cache/segment.h"

/* https://bford.info/cachedir/: backup programs leave a folder with this file out. */
#define TAG_NAME "CACHEDIR.TAG"
#define TAG_SIGNATURE "Signature: 8a477f597d28d172789f06886806bc55"
#define TAG_FORMAT "# radz-bench cache, format "
#define TAG_TEXT TAG_SIGNATURE "\n" TAG_FORMAT "1\n# Results can be recomputed; safe to remove when nothing uses it.\n"

enum { STALE_SECONDS = 3600, MAX_STORE_TEXT = 1 << 24 };

/* ---- opening ---- */

static radz_status check_tag(const char *dir, const char *path, radz_error *err)
{
    char *text;
    size_t size;
    radz_status st = radz_file_read(path, 1 << 16, &text, &size, err);
    if (st != RADZ_OK)
        return st;
    const char *format = strstr(text, TAG_FORMAT);
    if (!radz_str_starts(text, TAG_SIGNATURE) || format == NULL)
        st = radz_fail(err, RADZ_E_VALUE, "'%s' is not a radz-bench cache: its " TAG_NAME " says something else", dir);
    else if (strncmp(format + strlen(TAG_FORMAT), "1\n", 2) != 0)
        st = radz_fail(err, RADZ_E_UNSUPPORTED, "cache '%s' has format %.*s, this program knows 1", dir,
                       (int)strcspn(format + strlen(TAG_FORMAT), "\n"), format + strlen(TAG_FORMAT));
    free(text);
    return st;
}

radz_status radz_cache_open(const char *dir, radz_cache **out, radz_error *err)
{
    *out = NULL;
    char *tag = NULL;
    radz_status st = RADZ_E_NOMEM;
    radz_cache *cache = radz_calloc(1, sizeof *cache, err);
    if (cache == NULL)
        return RADZ_E_NOMEM;
    cache->limits = (radz_cache_limits){.segment_bytes = (size_t)8 << 20, .pending_bytes = (size_t)2 << 20,
                                        .pending_seconds = 5, .small_segments = 32};
    cache->dir = radz_strdup(dir, err);
    cache->stores = radz_path_join(dir, "stores", err);
    tag = radz_path_join(dir, TAG_NAME, err);
    if (cache->dir == NULL || cache->stores == NULL || tag == NULL)
        goto done;
    if (!radz_file_exists(tag)) {
        st = radz_mkdirs(dir, err);
        radz_strlist names = {0};
        if (st == RADZ_OK)
            st = radz_dir_list(dir, "", &names, err);
        for (size_t i = 0; i < names.count && st == RADZ_OK; i++) /* another process may be making it right now */
            if (strcmp(names.items[i], "stores") != 0 && strcmp(names.items[i], TAG_NAME) != 0 &&
                !radz_str_starts(names.items[i], RADZ_TEMPORARY_PREFIX))
                st = radz_fail(err, RADZ_E_VALUE, "'%s' is not a radz-bench cache: it has no " TAG_NAME
                               ", but holds '%s'; give an empty or a new folder", dir, names.items[i]);
        radz_strlist_free(&names);
        if (st == RADZ_OK)
            st = radz_write_durably(dir, TAG_NAME, TAG_TEXT, strlen(TAG_TEXT), err);
        if (st != RADZ_OK)
            goto done;
    }
    st = check_tag(dir, tag, err);
done:
    free(tag);
    if (st != RADZ_OK) {
        radz_cache_free(cache);
        return st;
    }
    *out = cache;
    return RADZ_OK;
}

void radz_cache_free(radz_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->dir);
    free(cache->stores);
    free(cache);
}

const char *radz_cache_dir(const radz_cache *cache)
{
    return cache->dir;
}

radz_cache_limits radz_cache_limits_get(const radz_cache *cache)
{
    return cache->limits;
}

void radz_cache_limits_set(radz_cache *cache, radz_cache_limits limits)
{
    cache->limits = limits;
}

/* ---- locks ---- */

static bool same_file(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

radz_status radz_cache_lock(const char *dir, const char *name, bool exclusive, radz_lock_wait wait, int *fd,
                            radz_error *err)
{
    *fd = -1;
    char *path = radz_path_join(dir, name, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    double begun = radz_clock_seconds();
    for (;;) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) {
            st = radz_fail(err, errno == ENOENT ? RADZ_E_MISSING : RADZ_E_IO, "cannot open '%s': %s", path,
                           strerror(errno));
            break;
        }
        bool taken = flock(file, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0;
        bool held = !taken && (errno == EWOULDBLOCK || errno == EINTR);
        /* a lock on a file that gc has removed meanwhile is worth nothing */
        if (!held && same_file(file, path)) {
            *fd = file;
            break;
        }
        close(file);
        if (held && (wait == RADZ_LOCK_NOW || radz_clock_seconds() - begun > 30 || radz_cancelled()))
            break;
        if (held)
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    free(path);
    return st;
}

void radz_cache_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* ---- listing ---- */

/* One store's folder, seen from outside. */
static radz_status look_at_store(const radz_cache *cache, const char *key, radz_cache_entry *entry, radz_error *err)
{
    radz_strlist names = {0};
    char *dir = radz_path_join(cache->stores, key, err), *path = NULL, *text = NULL, *rest = NULL;
    radz_status st = dir == NULL ? RADZ_E_NOMEM : radz_dir_list(dir, "", &names, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        uint64_t rows;
        radz_file_stat s;
        free(path);
        path = radz_path_join(dir, names.items[i], err);
        if (path == NULL)
            st = RADZ_E_NOMEM;
        else if (radz_file_stat_get(path, &s, NULL) != RADZ_OK)
            continue; /* merged away meanwhile */
        else if (strcmp(names.items[i], RADZ_STORE_TEXT) == 0)
            entry->used = s.mtime_ns / 1000000000;
        if (st == RADZ_OK) {
            entry->bytes += s.size;
            entry->bad += radz_str_ends(names.items[i], RADZ_BAD_SUFFIX);
            if (radz_segment_name_ok(names.items[i], &rows)) {
                entry->segments++;
                entry->rows += rows;
            }
        }
    }
    free(path);
    path = st == RADZ_OK ? radz_path_join(dir, RADZ_STORE_TEXT, err) : NULL;
    if (st == RADZ_OK && path == NULL)
        st = RADZ_E_NOMEM;
    size_t size;
    char kind[33] = "?", row[64] = "?";
    const char *description = "(store.txt cannot be read)";
    if (st == RADZ_OK && radz_file_read(path, MAX_STORE_TEXT, &text, &size, NULL) == RADZ_OK &&
        sscanf(text, "radz-bench store 1\nkind %32[^\n]\nrow %63[^\n]\n", kind, row) == 2 &&
        (rest = strstr(text, "\n\n")) != NULL) {
        description = rest + 2;
        size_t length = strlen(description);
        if (length > 0 && description[length - 1] == '\n')
            text[size - 1] = '\0';
    }
    if (st == RADZ_OK) {
        entry->key = radz_strdup(key, err);
        entry->kind = radz_strdup(kind, err);
        entry->row = radz_strdup(row, err);
        entry->description = radz_strdup(description, err);
        if (entry->key == NULL || entry->kind == NULL || entry->row == NULL || entry->description == NULL)
            st = RADZ_E_NOMEM;
    }
    free(text);
    free(path);
    free(dir);
    radz_strlist_free(&names);
    return st;
}

static int by_kind_and_key(const void *a, const void *b)
{
    const radz_cache_entry *x = a, *y = b;
    int order = strcmp(x->kind, y->kind);
    return order != 0 ? order : strcmp(x->key, y->key);
}

static bool is_store_name(const char *name)
{
    return strlen(name) == RADZ_SHA256_HEX_SIZE - 1 &&
           strspn(name, "0123456789abcdef") == RADZ_SHA256_HEX_SIZE - 1;
}

static radz_status store_names(const radz_cache *cache, radz_strlist *names, radz_error *err)
{
    return radz_file_is_dir(cache->stores) ? radz_dir_list(cache->stores, "", names, err) : RADZ_OK;
}

radz_status radz_cache_ls(const radz_cache *cache, radz_cache_listing *out, radz_error *err)
{
    radz_strlist names = {0};
    radz_status st = store_names(cache, &names, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        if (!is_store_name(names.items[i]))
            continue;
        st = radz_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items, err);
        if (st != RADZ_OK)
            break;
        radz_error why = {0};
        radz_cache_entry *entry = &out->items[out->count];
        *entry = (radz_cache_entry){0};
        st = look_at_store(cache, names.items[i], entry, &why);
        if (st == RADZ_E_MISSING) { /* removed by another process meanwhile */
            st = RADZ_OK;
            continue;
        }
        out->count++;
        if (st != RADZ_OK)
            (void)radz_fail(err, st, "%s", why.message);
        out->bytes += entry->bytes;
    }
    if (st == RADZ_OK && out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, by_kind_and_key);
    radz_strlist_free(&names);
    return st;
}

void radz_cache_listing_free(radz_cache_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->items[i].key);
        free(listing->items[i].kind);
        free(listing->items[i].row);
        free(listing->items[i].description);
    }
    free(listing->items);
    *listing = (radz_cache_listing){0};
}

/* ---- verify ---- */

/* Compares store.txt with the folder's name; `*text` is its content, or NULL when it is not what it should be. */
static radz_status verify_text(const char *dir, const char *key, char **text, const char **reason, radz_error *err)
{
    *text = NULL;
    *reason = NULL;
    char *path = radz_path_join(dir, RADZ_STORE_TEXT, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    size_t size;
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_status st = RADZ_OK;
    if (radz_file_read(path, MAX_STORE_TEXT, text, &size, NULL) != RADZ_OK) {
        *reason = "cannot be read; the next run that uses the store writes it again";
    } else {
        st = radz_sha256_data(*text, size, hex, err);
        if (st == RADZ_OK && strcmp(hex, key) != 0) {
            *reason = "altered: its SHA-256 is not the folder's name; removed, the next run writes it again";
            unlink(path);
            free(*text);
            *text = NULL;
        }
    }
    free(path);
    return st;
}

static radz_status verify_store(const char *dir, const char *key, radz_cache_problem problem, void *context,
                                radz_cache_check *out, radz_error *err)
{
    radz_strlist names = {0};
    radz_strbuf path = {0};
    char *text = NULL;
    const char *reason;
    radz_status st = verify_text(dir, key, &text, &reason, err);
    if (st == RADZ_OK)
        st = radz_dir_list(dir, "", &names, err);
    if (st == RADZ_OK && reason != NULL && names.count > 0) {
        st = radz_strbuf_printf(&path, err, "%s/" RADZ_STORE_TEXT, dir);
        out->bad++;
        if (st == RADZ_OK && problem != NULL)
            problem(context, path.text, reason);
    }
    out->stores++;
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        if (radz_cancelled()) {
            st = radz_fail_interrupted(err);
            break;
        }
        bool bad_before = radz_str_ends(names.items[i], RADZ_BAD_SUFFIX);
        if (!bad_before && !radz_str_ends(names.items[i], RADZ_SEGMENT_SUFFIX))
            continue;
        radz_error why = {0};
        radz_segment segment = {.fd = -1};
        radz_status loaded = RADZ_E_CORRUPT;
        if (bad_before)
            radz_fail(&why, RADZ_E_CORRUPT, "moved aside before; `cache gc` removes it");
        else
            loaded = radz_segment_load(dir, names.items[i], text, &segment, &why);
        if (loaded == RADZ_OK) {
            out->segments++;
            out->rows += segment.index.n;
            out->bytes += segment.file_bytes;
        } else if (loaded != RADZ_E_MISSING) {
            out->bad++;
            path.length = 0;
            st = radz_strbuf_printf(&path, err, "%s/%s", dir, names.items[i]);
            if (st == RADZ_OK && problem != NULL)
                problem(context, path.text, why.message);
            if (st == RADZ_OK && !bad_before && (loaded == RADZ_E_CORRUPT || loaded == RADZ_E_VALUE))
                radz_segment_quarantine(dir, names.items[i], why.message);
        }
        radz_segment_free(&segment);
    }
    radz_strbuf_free(&path);
    radz_strlist_free(&names);
    free(text);
    return st;
}

radz_status radz_cache_verify(const radz_cache *cache, radz_cache_problem problem, void *context, radz_cache_check *out,
                              radz_error *err)
{
    *out = (radz_cache_check){0};
    radz_strlist names = {0};
    radz_status st = store_names(cache, &names, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        if (!is_store_name(names.items[i]))
            continue;
        char *dir = radz_path_join(cache->stores, names.items[i], err);
        radz_error why = {0};
        st = dir == NULL ? RADZ_E_NOMEM : verify_store(dir, names.items[i], problem, context, out, &why);
        if (st == RADZ_E_MISSING)
            st = RADZ_OK;
        else if (st != RADZ_OK)
            (void)radz_fail(err, st, "%s", why.message);
        free(dir);
    }
    radz_strlist_free(&names);
    return st;
}

/* ---- gc ---- */

static void remove_file(const char *dir, const char *name, radz_cache_gc_report *out)
{
    radz_file_stat s = {0};
    char *path = radz_path_join(dir, name, NULL);
    if (path != NULL && radz_file_stat_get(path, &s, NULL) == RADZ_OK && unlink(path) == 0) {
        out->files_removed++;
        out->bytes_freed += s.size;
    }
    free(path);
}

/* Quarantined files, and temporary files that nobody can be writing any more. */
static radz_status remove_rubbish(const char *dir, int64_t now, radz_cache_gc_report *out, radz_error *err)
{
    radz_strlist names = {0};
    radz_status st = radz_dir_list(dir, "", &names, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        bool rubbish = radz_str_ends(names.items[i], RADZ_BAD_SUFFIX);
        if (radz_str_starts(names.items[i], RADZ_TEMPORARY_PREFIX)) {
            radz_file_stat s;
            char *path = radz_path_join(dir, names.items[i], err);
            if (path == NULL)
                st = RADZ_E_NOMEM;
            else
                rubbish = radz_file_stat_get(path, &s, NULL) == RADZ_OK &&
                          now - s.mtime_ns / 1000000000 > STALE_SECONDS;
            free(path);
        }
        if (rubbish && st == RADZ_OK)
            remove_file(dir, names.items[i], out);
    }
    radz_strlist_free(&names);
    return st;
}

/* Removes a store unless somebody has it open. The lock file goes last: who opens it meanwhile sees that it is gone. */
static radz_status remove_store(const char *dir, bool *removed, radz_cache_gc_report *out, radz_error *err)
{
    int lock;
    *removed = false;
    radz_status st = radz_cache_lock(dir, RADZ_STORE_LOCK, true, RADZ_LOCK_NOW, &lock, err);
    if (st != RADZ_OK || lock < 0) {
        out->stores_in_use += st == RADZ_OK;
        return st;
    }
    radz_strlist names = {0};
    st = radz_dir_list(dir, "", &names, err);
    for (size_t i = 0; i < names.count; i++)
        if (strcmp(names.items[i], RADZ_STORE_TEXT) != 0 && strcmp(names.items[i], RADZ_STORE_LOCK) != 0)
            remove_file(dir, names.items[i], out);
    if (st == RADZ_OK) {
        remove_file(dir, RADZ_STORE_TEXT, out);
        remove_file(dir, RADZ_STORE_LOCK, out);
        *removed = rmdir(dir) == 0 || errno == ENOENT;
        if (!*removed)
            st = radz_fail(err, RADZ_E_IO, "cannot remove the folder '%s': %s", dir, strerror(errno));
        out->stores_removed += *removed;
    }
    radz_strlist_free(&names);
    radz_cache_unlock(lock);
    return st;
}

static int by_last_use(const void *a, const void *b)
{
    const radz_cache_entry *x = a, *y = b;
    if (x->used != y->used)
        return x->used < y->used ? -1 : 1;
    return strcmp(x->key, y->key);
}

radz_status radz_cache_gc(const radz_cache *cache, const radz_cache_gc_options *options, radz_cache_gc_report *out,
                          radz_error *err)
{
    *out = (radz_cache_gc_report){0};
    int64_t now = options->now != 0 ? options->now : (int64_t)time(NULL);
    radz_cache_listing list = {0};
    radz_strlist names = {0};
    radz_status st = remove_rubbish(cache->dir, now, out, err);
    if (st == RADZ_OK)
        st = store_names(cache, &names, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        radz_error why = {0};
        char *dir = is_store_name(names.items[i]) ? radz_path_join(cache->stores, names.items[i], err) : NULL;
        if (dir != NULL && (st = remove_rubbish(dir, now, out, &why)) == RADZ_E_MISSING)
            st = RADZ_OK;
        if (st != RADZ_OK)
            (void)radz_fail(err, st, "%s", why.message);
        free(dir);
    }
    if (st == RADZ_OK)
        st = radz_cache_ls(cache, &list, err);
    if (st == RADZ_OK && list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, by_last_use);
    uint64_t left = list.bytes;
    for (size_t i = 0; i < list.count && st == RADZ_OK; i++) {
        const radz_cache_entry *entry = &list.items[i];
        bool old = options->days >= 0 && now - entry->used > options->days * 86400;
        bool removed = false;
        if (old || (options->max_bytes > 0 && left > options->max_bytes)) {
            radz_error why = {0};
            char *dir = radz_path_join(cache->stores, entry->key, err);
            st = dir == NULL ? RADZ_E_NOMEM : remove_store(dir, &removed, out, &why);
            if (st == RADZ_E_MISSING)
                st = RADZ_OK;
            else if (st != RADZ_OK)
                (void)radz_fail(err, st, "%s", why.message);
            free(dir);
        }
        if (removed)
            left -= entry->bytes;
        else
            out->stores_kept++;
    }
    out->bytes_left = left;
    radz_cache_listing_free(&list);
    radz_strlist_free(&names);
    return st;
}
