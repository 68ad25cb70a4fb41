#include "cache/memo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/mem.h"

/* Entries are rows of a store: key = SHA-256 of path, size, time and inode; row = SHA-256 of the content. */
struct radz_memo {
    radz_store *store;
};

static const int64_t grain_ns = 2000000000; /* FAT counts in steps of 2 s, the coarsest we may meet */

bool radz_key_from_hex(const char *hex, unsigned char key[RADZ_CACHE_KEY_SIZE])
{
    for (size_t i = 0; i < 2 * RADZ_CACHE_KEY_SIZE; i++) {
        char c = hex[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        key[i / 2] = (unsigned char)(i % 2 == 0 ? digit << 4 : key[i / 2] | digit);
    }
    return hex[2 * RADZ_CACHE_KEY_SIZE] == '\0';
}

radz_status radz_memo_open(radz_cache *cache, radz_memo **out, radz_error *err)
{
    *out = NULL;
    radz_memo *memo = radz_calloc(1, sizeof *memo, err);
    if (memo == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_store_open_typed(cache, "file-hash", "content SHA-256 by path, size, modification time, inode",
                                           RADZ_ROW_UINT8, RADZ_CACHE_KEY_SIZE, &memo->store, err);
    if (st != RADZ_OK) {
        free(memo);
        return st;
    }
    *out = memo;
    return RADZ_OK;
}

static radz_status entry_key(const char *path, const radz_file_stat *stat, unsigned char key[RADZ_CACHE_KEY_SIZE],
                             radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE], numbers[80];
    /* a relative path names another file from another folder, but hardly one with the same time and inode */
    snprintf(numbers, sizeof numbers, "%" PRIu64 " %" PRId64 " %" PRIu64, stat->size, stat->mtime_ns, stat->inode);
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add_text(&hash, path);
    radz_sha256_add_text(&hash, numbers);
    radz_status st = radz_sha256_end(&hash, hex, err);
    if (st == RADZ_OK && !radz_key_from_hex(hex, key))
        st = radz_fail(err, RADZ_E_INTERNAL, "SHA-256 '%s' is not hexadecimal", hex);
    return st;
}

radz_status radz_memo_look(const char *path, radz_memo_file *out, radz_error *err)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    out->seen_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    return radz_file_stat_get(path, &out->stat, err);
}

radz_status radz_memo_find(radz_memo *memo, const char *path, const radz_memo_file *file,
                           unsigned char digest[RADZ_CACHE_KEY_SIZE], bool *found, radz_error *err)
{
    unsigned char key[RADZ_CACHE_KEY_SIZE];
    *found = false;
    radz_status st = entry_key(path, &file->stat, key, err);
    return st != RADZ_OK ? st : radz_store_lookup(memo->store, key, 1, digest, found, err);
}

radz_status radz_memo_keep(radz_memo *memo, const char *path, const radz_memo_file *file,
                           const unsigned char digest[RADZ_CACHE_KEY_SIZE], radz_error *err)
{
    radz_file_stat after;
    if (file->seen_ns - file->stat.mtime_ns < grain_ns || radz_file_stat_get(path, &after, NULL) != RADZ_OK ||
        after.size != file->stat.size || after.mtime_ns != file->stat.mtime_ns || after.inode != file->stat.inode)
        return RADZ_OK;
    unsigned char key[RADZ_CACHE_KEY_SIZE];
    radz_status st = entry_key(path, &file->stat, key, err);
    return st != RADZ_OK ? st : radz_store_append(memo->store, key, digest, 1, err);
}

radz_status radz_memo_sha256(radz_memo *memo, const char *path, unsigned char digest[RADZ_CACHE_KEY_SIZE], bool *hit,
                             radz_error *err)
{
    bool found;
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_memo_file file;
    radz_status st = radz_memo_look(path, &file, err);
    if (st == RADZ_OK)
        st = radz_memo_find(memo, path, &file, digest, &found, err);
    if (st != RADZ_OK)
        return st;
    if (hit != NULL)
        *hit = found;
    if (found)
        return RADZ_OK;
    st = radz_sha256_file(path, hex, err);
    if (st != RADZ_OK)
        return st;
    if (!radz_key_from_hex(hex, digest))
        return radz_fail(err, RADZ_E_INTERNAL, "SHA-256 '%s' is not hexadecimal", hex);
    return radz_memo_keep(memo, path, &file, digest, err);
}

radz_status radz_memo_flush(radz_memo *memo, radz_error *err)
{
    return radz_store_flush(memo->store, err);
}

radz_status radz_memo_close(radz_memo *memo, radz_error *err)
{
    if (memo == NULL)
        return RADZ_OK;
    radz_status st = radz_store_compact(memo->store, err);
    radz_status closed = radz_store_close(memo->store, err);
    free(memo);
    return st != RADZ_OK ? st : closed;
}
