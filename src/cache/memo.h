/* What the content hash of a file was when it was last read, so that a second run need not read it again. */
#ifndef RADZ_CACHE_MEMO_H
#define RADZ_CACHE_MEMO_H

#include "base/file.h"
#include "cache/store.h"

typedef struct radz_memo radz_memo;

/* Opens the memo of a cache. Thread-safe; free with radz_memo_close, before the cache. */
radz_status radz_memo_open(radz_cache *cache, radz_memo **out, radz_error *err) RADZ_MUST_USE;

/* The SHA-256 of the file's content: from the memo when a file of the same path, size, modification time (ns) and inode was
 * read before, else by reading it. A file that changed less than 2 s before it was looked at is not remembered: another
 * change within the clock's grain could not be told. `*hit` (may be NULL) tells which way it went. */
radz_status radz_memo_sha256(radz_memo *memo, const char *path, unsigned char digest[RADZ_CACHE_KEY_SIZE], bool *hit,
                             radz_error *err) RADZ_MUST_USE;

/* The three steps of it, for callers that have the bytes in memory anyway: look at the file before reading it, ask, and
 * remember what was read. Remembering does nothing when the file has changed since or was too young when looked at. */
typedef struct radz_memo_file {
    radz_file_stat stat;
    int64_t seen_ns; /* when, nanoseconds since 1970 */
} radz_memo_file;
radz_status radz_memo_look(const char *path, radz_memo_file *out, radz_error *err) RADZ_MUST_USE;
radz_status radz_memo_find(radz_memo *memo, const char *path, const radz_memo_file *file,
                           unsigned char digest[RADZ_CACHE_KEY_SIZE], bool *found, radz_error *err) RADZ_MUST_USE;
radz_status radz_memo_keep(radz_memo *memo, const char *path, const radz_memo_file *file,
                           const unsigned char digest[RADZ_CACHE_KEY_SIZE], radz_error *err) RADZ_MUST_USE;

/* Writes what is held back; RADZ_OK: it is on disk. */
radz_status radz_memo_flush(radz_memo *memo, radz_error *err) RADZ_MUST_USE;
/* Flushes, merges small files, frees (also after an error). */
radz_status radz_memo_close(radz_memo *memo, radz_error *err);

/* Two hex digits a byte -> bytes; false when `hex` is not exactly 64 lower-case digits. */
bool radz_key_from_hex(const char *hex, unsigned char key[RADZ_CACHE_KEY_SIZE]);

#endif
