/* The folders of a cache, shared by the store and the management functions. */
#ifndef RADZ_CACHE_CACHEDIR_H
#define RADZ_CACHE_CACHEDIR_H

#include "cache/cache.h"

#define RADZ_STORE_TEXT "store.txt" /* its modification time is the store's last use */
#define RADZ_STORE_LOCK "lock"      /* shared by those who use the store, exclusive to remove it */
#define RADZ_MERGE_LOCK "merge-lock"

struct radz_cache {
    char *dir, *stores; /* "DIR", "DIR/stores" */
    radz_cache_limits limits;
};

typedef enum radz_lock_wait { RADZ_LOCK_NOW, RADZ_LOCK_WAIT_30S } radz_lock_wait;

/* Takes an advisory lock on `dir`/`name`, making the file. `*fd` is -1 when another process holds it. A file system
 * without locks gives an open `*fd` all the same: locks spare work here, the files are safe without them. RADZ_E_MISSING
 * when the folder is not there (any more). */
radz_status radz_cache_lock(const char *dir, const char *name, bool exclusive, radz_lock_wait wait, int *fd,
                            radz_error *err) RADZ_MUST_USE;
void radz_cache_unlock(int fd); /* -1 is allowed */

#endif
