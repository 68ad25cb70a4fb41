#include "cache/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cache/cachedir.h"
#include "cache/segment.h"

enum { KEY = RADZ_CACHE_KEY_SIZE, MAX_PENDING = 16384, MAX_OPEN_FILES = 64, REFRESH_TRIES = 8, MAX_DIM = 1 << 20 };

struct radz_store {
    pthread_mutex_t lock;
    radz_cache_limits limits;
    char key[RADZ_SHA256_HEX_SIZE];
    char *dir, *text;               /* the folder; the content of store.txt */
    radz_row_type type;
    size_t dim, row_bytes;
    int use_lock;                   /* fd of the shared lock; -1 while the folder does not exist */
    radz_segment *segments;
    size_t segment_count, segment_capacity;
    size_t open_files, next_to_close;
    /* rows held back, in the order they came, and their order by key */
    unsigned char *pending_keys, *pending_rows;
    uint32_t *pending_order;
    size_t pending, pending_capacity;
    double pending_since;
};

/* ---- opening ---- */

static radz_status store_text(const char *kind, const char *description, radz_row_type type, size_t dim, char **out,
                              radz_error *err)
{
    *out = NULL;
    if (kind[0] == '\0' || strlen(kind) > 32 || strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(kind))
        return radz_fail(err, RADZ_E_VALUE, "cache kind '%.40s': wanted 1 to 32 of a-z, 0-9, _ and -", kind);
    if (dim < 1 || dim > MAX_DIM)
        return radz_fail(err, RADZ_E_VALUE, "cache rows of %zu elements: wanted 1 to %d", dim, MAX_DIM);
    radz_strbuf text = {0};
    radz_status st = radz_strbuf_printf(&text, err, "radz-bench store 1\nkind %s\nrow %s %zu\n\n%s\n", kind,
                                        radz_row_type_name(type), dim, description);
    if (st != RADZ_OK)
        radz_strbuf_free(&text);
    *out = text.text;
    return st;
}

static void touch(const radz_store *store)
{
    char *path = radz_path_join(store->dir, RADZ_STORE_TEXT, NULL);
    if (path != NULL)
        (void)!utimensat(AT_FDCWD, path, NULL, 0); /* a read-only cache is fine */
    free(path);
}

static radz_status add_segment(radz_store *store, radz_segment *segment, radz_error *err)
{
    radz_status st = radz_grow(&store->segments, &store->segment_capacity, store->segment_count + 1,
                               sizeof *store->segments, err);
    if (st != RADZ_OK) {
        radz_segment_free(segment);
        return st;
    }
    store->segments[store->segment_count++] = *segment;
    return RADZ_OK;
}

static void drop_segment(radz_store *store, size_t i)
{
    if (store->segments[i].fd >= 0)
        store->open_files--;
    radz_segment_free(&store->segments[i]);
    store->segments[i] = store->segments[--store->segment_count];
}

static bool knows_segment(const radz_store *store, const char *name)
{
    for (size_t i = 0; i < store->segment_count; i++)
        if (!store->segments[i].gone && strcmp(store->segments[i].name, name) == 0)
            return true;
    return false;
}

/* One look at the folder: forgets what is gone, loads what is new. `*again` when a file vanished in between (another
 * process merged): its rows are in a file that this listing may not have had. */
static radz_status refresh_once(radz_store *store, bool *again, radz_error *err)
{
    *again = false;
    radz_strlist names = {0};
    radz_error why = {0};
    radz_status st = radz_dir_list(store->dir, RADZ_SEGMENT_SUFFIX, &names, &why);
    if (st == RADZ_E_MISSING) {
        st = RADZ_OK; /* nothing stored yet, or removed: no rows */
    } else if (st != RADZ_OK) {
        st = radz_fail(err, why.code, "%s", why.message);
        goto done;
    }
    for (size_t i = store->segment_count; i-- > 0;)
        if (store->segments[i].gone || !radz_strlist_has(&names, store->segments[i].name))
            drop_segment(store, i);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        if (knows_segment(store, names.items[i]))
            continue;
        radz_segment segment;
        radz_error_clear(&why);
        radz_status loaded = radz_segment_load(store->dir, names.items[i], store->text, &segment, &why);
        if (loaded == RADZ_OK)
            st = add_segment(store, &segment, err);
        else if (loaded == RADZ_E_MISSING)
            *again = true;
        else if (loaded == RADZ_E_NOMEM)
            st = radz_fail(err, loaded, "%s", why.message);
        else if (loaded == RADZ_E_CORRUPT || loaded == RADZ_E_VALUE)
            radz_segment_quarantine(store->dir, names.items[i], why.message);
        else
            radz_warn("cache file '%s/%s' is not used: %s; its rows are computed again", store->dir, names.items[i],
                      why.message);
    }
done:
    radz_strlist_free(&names);
    return st;
}

static radz_status refresh(radz_store *store, radz_error *err)
{
    bool again = true;
    radz_status st = RADZ_OK;
    for (int i = 0; i < REFRESH_TRIES && again && st == RADZ_OK; i++)
        st = refresh_once(store, &again, err);
    return st;
}

radz_status radz_store_open_typed(radz_cache *cache, const char *kind, const char *description, radz_row_type type,
                                  size_t dim, radz_store **out, radz_error *err)
{
    *out = NULL;
    radz_store *store = radz_calloc(1, sizeof *store, err);
    if (store == NULL)
        return RADZ_E_NOMEM;
    pthread_mutex_init(&store->lock, NULL);
    store->limits = cache->limits;
    store->type = type;
    store->dim = dim;
    store->row_bytes = dim * radz_row_type_size(type);
    store->use_lock = -1;
    radz_status st = store_text(kind, description, type, dim, &store->text, err);
    if (st == RADZ_OK)
        st = radz_sha256_data(store->text, strlen(store->text), store->key, err);
    if (st != RADZ_OK)
        goto done;
    store->dir = radz_path_join(cache->stores, store->key, err);
    if (store->dir == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    size_t capacity = store->limits.pending_bytes / (store->row_bytes + KEY);
    store->pending_capacity = capacity < 1 ? 1 : capacity > MAX_PENDING ? MAX_PENDING : capacity;
    if (radz_file_is_dir(store->dir)) {
        /* before the listing, so that gc cannot remove it from now on; a read-only cache has no locks */
        (void)!radz_cache_lock(store->dir, RADZ_STORE_LOCK, false, RADZ_LOCK_WAIT_30S, &store->use_lock, NULL);
        touch(store);
    }
    st = refresh(store, err);
done:
    if (st != RADZ_OK) {
        (void)radz_store_close(store, NULL);
        return radz_prefix(err, "cache '%s'", cache->dir);
    }
    *out = store;
    return RADZ_OK;
}

radz_status radz_store_open(radz_cache *cache, const char *kind, const char *description, size_t dim, radz_store **out,
                            radz_error *err)
{
    return radz_store_open_typed(cache, kind, description, RADZ_ROW_FLOAT32, dim, out, err);
}

/* ---- looking up ---- */

/* Index in pending_order where `key` is or belongs. */
static size_t pending_place(const radz_store *store, const unsigned char *key, bool *there)
{
    size_t low = 0, high = store->pending;
    *there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(store->pending_keys + (size_t)store->pending_order[middle] * KEY, key, KEY);
        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The segment that has `key`, or SIZE_MAX; `*row` is its position there. */
static size_t segment_with(const radz_store *store, const unsigned char *key, size_t *row)
{
    for (size_t i = 0; i < store->segment_count; i++) {
        *row = radz_segment_find(&store->segments[i], key);
        if (*row != SIZE_MAX)
            return i;
    }
    return SIZE_MAX;
}

/* Reads one row; keeps the number of open files small. */
static radz_status read_row(radz_store *store, size_t i, size_t row, void *out, radz_error *err)
{
    radz_segment *segment = &store->segments[i];
    bool was_open = segment->fd >= 0;
    if (!was_open && store->open_files >= MAX_OPEN_FILES) {
        for (size_t tries = 0; tries < store->segment_count; tries++) {
            radz_segment *victim = &store->segments[store->next_to_close++ % store->segment_count];
            if (victim->fd >= 0) {
                radz_segment_close_file(victim);
                store->open_files--;
                break;
            }
        }
    }
    radz_status st = radz_segment_read(segment, store->dir, row, out, err);
    if (!was_open && segment->fd >= 0)
        store->open_files++;
    return st;
}

typedef struct hit {
    uint32_t segment, row;
    size_t request;
} hit;

static int by_place(const void *a, const void *b)
{
    const hit *x = a, *y = b;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* One pass over the keys not found yet. `*lost` when a file could not be read: the pass must be made again. */
static radz_status lookup_pass(radz_store *store, const unsigned char *keys, size_t n, unsigned char *out, bool *found,
                               hit *hits, bool *lost, radz_error *err)
{
    *lost = false;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (found[i])
            continue;
        const unsigned char *key = keys + i * KEY;
        bool there;
        size_t at = pending_place(store, key, &there);
        if (there) {
            if (out != NULL)
                memcpy(out + i * store->row_bytes,
                       store->pending_rows + (size_t)store->pending_order[at] * store->row_bytes, store->row_bytes);
            found[i] = true;
            continue;
        }
        size_t row, segment = segment_with(store, key, &row);
        if (segment == SIZE_MAX)
            continue;
        if (out == NULL)
            found[i] = true;
        else
            hits[count++] = (hit){(uint32_t)segment, (uint32_t)row, i};
    }
    qsort(hits, count, sizeof *hits, by_place);
    for (size_t i = 0; i < count; i++) {
        radz_segment *segment = &store->segments[hits[i].segment];
        if (segment->gone)
            continue;
        radz_error why = {0};
        radz_status st = read_row(store, hits[i].segment, hits[i].row, out + hits[i].request * store->row_bytes, &why);
        if (st == RADZ_OK) {
            found[hits[i].request] = true;
            continue;
        }
        if (st == RADZ_E_NOMEM)
            return radz_fail(err, st, "%s", why.message);
        if (st == RADZ_E_CORRUPT)
            radz_segment_quarantine(store->dir, segment->name, why.message);
        else if (st != RADZ_E_MISSING)
            radz_warn("cache: %s; its rows are computed again", why.message);
        segment->gone = true;
        *lost = *lost || st == RADZ_E_MISSING;
    }
    return RADZ_OK;
}

static radz_status lookup_locked(radz_store *store, const unsigned char *keys, size_t n, void *out, bool *found,
                                 radz_error *err)
{
    memset(found, 0, n * sizeof *found);
    hit *hits = radz_calloc(out == NULL ? 0 : n, sizeof *hits, err);
    if (hits == NULL)
        return RADZ_E_NOMEM;
    bool lost = true;
    radz_status st = RADZ_OK;
    for (int i = 0; i < REFRESH_TRIES && lost && st == RADZ_OK; i++) {
        if (i > 0)
            st = refresh(store, err);
        if (st == RADZ_OK)
            st = lookup_pass(store, keys, n, out, found, hits, &lost, err);
    }
    free(hits);
    return st;
}

radz_status radz_store_lookup(radz_store *store, const unsigned char *keys, size_t n, void *out, bool *found,
                              radz_error *err)
{
    bool *flags = found != NULL ? found : radz_calloc(n, sizeof *flags, err);
    if (flags == NULL)
        return RADZ_E_NOMEM;
    pthread_mutex_lock(&store->lock);
    radz_status st = lookup_locked(store, keys, n, out, flags, err);
    pthread_mutex_unlock(&store->lock);
    size_t missing = 0;
    for (size_t i = 0; found == NULL && st == RADZ_OK && i < n; i++)
        missing += !flags[i];
    if (missing > 0)
        st = radz_fail(err, RADZ_E_MISSING, "cache store %.16s...: %zu of %zu rows are not there", store->key, missing, n);
    if (found == NULL)
        free(flags);
    return st;
}

/* ---- writing ---- */

/* Makes the folder with its store.txt and takes the shared lock. */
static radz_status ensure_folder(radz_store *store, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (int tries = 0; tries < REFRESH_TRIES; tries++) {
        radz_error why = {0};
        st = radz_mkdirs(store->dir, err);
        if (st != RADZ_OK)
            return st;
        if (store->use_lock < 0)
            st = radz_cache_lock(store->dir, RADZ_STORE_LOCK, false, RADZ_LOCK_WAIT_30S, &store->use_lock, &why);
        char *path = radz_path_join(store->dir, RADZ_STORE_TEXT, err);
        if (path == NULL)
            return RADZ_E_NOMEM;
        bool there = radz_file_exists(path);
        free(path);
        if (st == RADZ_OK && !there)
            st = radz_write_durably(store->dir, RADZ_STORE_TEXT, store->text, strlen(store->text), &why);
        if (st == RADZ_OK)
            return RADZ_OK;
        if (st != RADZ_E_MISSING)
            return radz_fail(err, st, "%s", why.message);
        radz_cache_unlock(store->use_lock); /* gc removed the folder under us: make it again */
        store->use_lock = -1;
    }
    return radz_fail(err, RADZ_E_IO, "the folder '%s' vanishes whenever it is made", store->dir);
}

/* Writes keys and rows that are in ascending order as one new segment and adds it to the list. Its name is added to
 * `written` (may be NULL). */
static radz_status write_segment(radz_store *store, const unsigned char *keys, const void *rows, size_t n,
                                 radz_strlist *written, radz_error *err)
{
    radz_h5_rows in = {store->text, keys, rows, store->type, n, store->dim};
    radz_segment segment;
    radz_status st = RADZ_E_MISSING;
    for (int tries = 0; tries < 2 && st == RADZ_E_MISSING; tries++) {
        radz_error why = {0};
        st = ensure_folder(store, err);
        if (st != RADZ_OK)
            return st;
        st = radz_segment_write(store->dir, &in, &segment, &why);
        if (st != RADZ_OK && (st != RADZ_E_MISSING || tries == 1))
            return radz_fail(err, st == RADZ_E_MISSING ? RADZ_E_IO : st, "%s", why.message);
    }
    if (written != NULL && (st = radz_strlist_add(written, segment.name, err)) != RADZ_OK) {
        radz_segment_free(&segment);
        return st;
    }
    if (knows_segment(store, segment.name)) { /* the same rows once more: the file is the same file */
        radz_segment_free(&segment);
        return RADZ_OK;
    }
    return add_segment(store, &segment, err);
}

static radz_status flush_locked(radz_store *store, radz_error *err)
{
    if (store->pending == 0)
        return RADZ_OK;
    size_t n = store->pending;
    unsigned char *keys = radz_calloc(n, KEY, err), *rows = radz_calloc(n, store->row_bytes, err);
    radz_status st = keys == NULL || rows == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        size_t from = store->pending_order[i];
        memcpy(keys + i * KEY, store->pending_keys + from * KEY, KEY);
        memcpy(rows + i * store->row_bytes, store->pending_rows + from * store->row_bytes, store->row_bytes);
    }
    if (st == RADZ_OK)
        st = write_segment(store, keys, rows, n, NULL, err);
    free(keys);
    free(rows);
    if (st != RADZ_OK)
        return radz_prefix(err, "cache: %zu rows are not stored (those stored before are safe)", n);
    store->pending = 0;
    touch(store);
    return RADZ_OK;
}

static size_t rows_per_segment(const radz_store *store)
{
    size_t rows = store->limits.segment_bytes / (store->row_bytes + KEY);
    return rows < 1 ? 1 : rows;
}

/* Where a merge stands in one of the files it reads. */
typedef struct merge_source {
    size_t segment, next;
} merge_source;

/* The source with the least key not taken yet, the first of equals; -1 at the end. */
static int least_source(const radz_store *store, const merge_source *sources, size_t count)
{
    int best = -1;
    const unsigned char *least = NULL;
    for (size_t i = 0; i < count; i++) {
        const radz_h5_index *x = &store->segments[sources[i].segment].index;
        if (sources[i].next >= x->n)
            continue;
        const unsigned char *key = x->keys + sources[i].next * KEY;
        if (least == NULL || memcmp(key, least, KEY) < 0) {
            least = key;
            best = (int)i;
        }
    }
    return best;
}

/* Writes the rows of the named segments (in order of name, so that of a key in two files every process takes the same
 * row) as new segments in key order; their names are added to `written`. */
static radz_status write_merged(radz_store *store, const radz_strlist *names, radz_strlist *written, radz_error *err)
{
    size_t most = rows_per_segment(store), held = 0;
    merge_source *sources = radz_calloc(names->count, sizeof *sources, err);
    unsigned char *keys = radz_calloc(most, KEY, err), *rows = radz_calloc(most, store->row_bytes, err);
    radz_status st = sources == NULL || keys == NULL || rows == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < names->count; i++)
        for (size_t j = 0; j < store->segment_count; j++)
            if (strcmp(store->segments[j].name, names->items[i]) == 0)
                sources[i] = (merge_source){j, 0};
    const unsigned char *last = NULL;
    while (st == RADZ_OK) {
        int at = least_source(store, sources, names->count);
        if (held == most || (at < 0 && held > 0)) {
            /* a new segment goes to the end of the list: the positions of the sources stay what they are */
            st = write_segment(store, keys, rows, held, written, err);
            held = 0;
        }
        if (at < 0 || st != RADZ_OK)
            break;
        merge_source *source = &sources[at];
        radz_segment *segment = &store->segments[source->segment];
        const unsigned char *key = segment->index.keys + source->next * KEY;
        if (last == NULL || memcmp(last, key, KEY) != 0) {
            radz_error why = {0};
            st = read_row(store, source->segment, source->next, rows + held * store->row_bytes, &why);
            if (st == RADZ_E_CORRUPT)
                radz_segment_quarantine(store->dir, segment->name, why.message);
            if (st != RADZ_OK)
                (void)radz_fail(err, st, "%s", why.message);
            memcpy(keys + held++ * KEY, key, KEY);
        }
        last = key;
        source->next++;
    }
    free(sources);
    free(keys);
    free(rows);
    return st;
}

/* Rewrites the named segments, then removes those that are not among the results. */
static radz_status merge(radz_store *store, const radz_strlist *names, radz_error *err)
{
    radz_strlist written = {0};
    radz_status st = write_merged(store, names, &written, err);
    for (size_t i = 0; st == RADZ_OK && i < names->count; i++) {
        if (radz_strlist_has(&written, names->items[i]))
            continue;
        char *path = radz_path_join(store->dir, names->items[i], err);
        if (path == NULL) {
            st = RADZ_E_NOMEM;
            break;
        }
        (void)!unlink(path); /* if it stays, its rows are there twice: no harm */
        free(path);
        for (size_t j = 0; j < store->segment_count; j++)
            if (strcmp(store->segments[j].name, names->items[i]) == 0) {
                drop_segment(store, j);
                break;
            }
    }
    radz_strlist_free(&written);
    return st;
}

static int by_first_key(const void *a, const void *b)
{
    const radz_segment *const *x = a, *const *y = b;
    return memcmp((*x)->index.keys, (*y)->index.keys, KEY);
}

/* Are the segments what merging them all would give? */
static radz_status is_merged(const radz_store *store, bool *yes, radz_error *err)
{
    size_t n = store->segment_count, most = rows_per_segment(store);
    const radz_segment **sorted = radz_calloc(n, sizeof *sorted, err);
    if (sorted == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &store->segments[i];
    qsort(sorted, n, sizeof *sorted, by_first_key);
    *yes = true;
    for (size_t i = 0; i < n; i++) {
        const radz_h5_index *x = &sorted[i]->index;
        if (i + 1 < n)
            *yes = *yes && x->n == most && memcmp(x->keys + (x->n - 1) * KEY, sorted[i + 1]->index.keys, KEY) < 0;
        else
            *yes = *yes && x->n <= most;
    }
    free(sorted);
    return RADZ_OK;
}

static radz_status name_all(const radz_store *store, size_t below_bytes, radz_strlist *names, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < store->segment_count && st == RADZ_OK; i++)
        if (!store->segments[i].gone && store->segments[i].index.n * (store->row_bytes + KEY) < below_bytes)
            st = radz_strlist_add(names, store->segments[i].name, err);
    radz_strlist_sort(names);
    return st;
}

/* During a run: many small files become few, if no other process is merging. */
static radz_status merge_small(radz_store *store, radz_error *err)
{
    radz_strlist names = {0};
    int lock = -1;
    radz_status st = name_all(store, store->limits.segment_bytes / 2, &names, err);
    if (st == RADZ_OK && names.count >= store->limits.small_segments && names.count > 1) {
        radz_error why = {0};
        st = radz_cache_lock(store->dir, RADZ_MERGE_LOCK, true, RADZ_LOCK_NOW, &lock, &why);
        if (st == RADZ_OK && lock >= 0)
            st = merge(store, &names, &why);
        radz_cache_unlock(lock);
        /* a file that another process merged before, or a damaged one: the next look at the folder puts it right. Any
         * other failure (full disk) will show again when rows are written. */
        if (st == RADZ_E_MISSING || st == RADZ_E_CORRUPT)
            st = refresh(store, err);
        else if (st != RADZ_OK && st != RADZ_E_NOMEM) {
            radz_warn("cache: small files are not merged: %s", why.message);
            st = RADZ_OK;
        } else if (st != RADZ_OK)
            (void)radz_fail(err, st, "%s", why.message);
    }
    radz_strlist_free(&names);
    return st;
}

static radz_status append_one(radz_store *store, const unsigned char *key, const unsigned char *row, radz_error *err)
{
    bool there;
    size_t ignored, at = pending_place(store, key, &there);
    if (there || segment_with(store, key, &ignored) != SIZE_MAX)
        return RADZ_OK;
    if (store->pending == store->pending_capacity) {
        radz_status st = flush_locked(store, err);
        if (st == RADZ_OK)
            st = merge_small(store, err);
        if (st != RADZ_OK)
            return st;
        at = 0;
    }
    if (store->pending == 0)
        store->pending_since = radz_clock_seconds();
    memmove(store->pending_order + at + 1, store->pending_order + at, (store->pending - at) * sizeof *store->pending_order);
    store->pending_order[at] = (uint32_t)store->pending;
    memcpy(store->pending_keys + store->pending * KEY, key, KEY);
    memcpy(store->pending_rows + store->pending * store->row_bytes, row, store->row_bytes);
    store->pending++;
    return RADZ_OK;
}

radz_status radz_store_append(radz_store *store, const unsigned char *keys, const void *rows, size_t n, radz_error *err)
{
    radz_status st = RADZ_OK;
    pthread_mutex_lock(&store->lock);
    if (store->pending_keys == NULL) {
        store->pending_keys = radz_calloc(store->pending_capacity, KEY, err);
        store->pending_rows = radz_calloc(store->pending_capacity, store->row_bytes, err);
        store->pending_order = radz_calloc(store->pending_capacity, sizeof *store->pending_order, err);
        if (store->pending_keys == NULL || store->pending_rows == NULL || store->pending_order == NULL) {
            free(store->pending_keys);
            free(store->pending_rows);
            free(store->pending_order);
            store->pending_keys = store->pending_rows = NULL;
            store->pending_order = NULL;
            st = RADZ_E_NOMEM;
        }
    }
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        st = append_one(store, keys + i * KEY, (const unsigned char *)rows + i * store->row_bytes, err);
    if (st == RADZ_OK && store->pending > 0 &&
        radz_clock_seconds() - store->pending_since >= store->limits.pending_seconds) {
        st = flush_locked(store, err);
        if (st == RADZ_OK)
            st = merge_small(store, err);
    }
    pthread_mutex_unlock(&store->lock);
    return st;
}

radz_status radz_store_flush(radz_store *store, radz_error *err)
{
    pthread_mutex_lock(&store->lock);
    radz_status st = flush_locked(store, err);
    pthread_mutex_unlock(&store->lock);
    return st;
}

static radz_status compact_under_lock(radz_store *store, radz_error *err)
{
    radz_status st = RADZ_E_MISSING;
    /* without working locks another process may merge the same files: look again and take it from there */
    for (int tries = 0; tries < REFRESH_TRIES && (st == RADZ_E_MISSING || st == RADZ_E_CORRUPT); tries++) {
        bool merged;
        radz_strlist names = {0};
        radz_error why = {0};
        st = refresh(store, &why);
        if (st == RADZ_OK)
            st = is_merged(store, &merged, &why);
        if (st == RADZ_OK && !merged) {
            st = name_all(store, SIZE_MAX, &names, &why);
            if (st == RADZ_OK)
                st = merge(store, &names, &why);
        }
        radz_strlist_free(&names);
        if (st != RADZ_OK && ((st != RADZ_E_MISSING && st != RADZ_E_CORRUPT) || tries == REFRESH_TRIES - 1))
            return radz_fail(err, st, "%s", why.message);
    }
    return st;
}

radz_status radz_store_compact(radz_store *store, radz_error *err)
{
    int lock = -1;
    pthread_mutex_lock(&store->lock);
    radz_status st = flush_locked(store, err);
    if (st != RADZ_OK)
        goto done;
    bool merged = true;
    radz_error why = {0};
    st = refresh(store, &why);
    if (st == RADZ_OK)
        st = is_merged(store, &merged, &why);
    if (st == RADZ_OK && merged)
        goto done;
    if (st == RADZ_OK)
        st = radz_cache_lock(store->dir, RADZ_MERGE_LOCK, true, RADZ_LOCK_WAIT_30S, &lock, &why);
    if (st == RADZ_OK && lock < 0) {
        radz_info("cache: another process is merging '%s'", store->dir);
        goto done;
    }
    if (st == RADZ_OK)
        st = compact_under_lock(store, &why);
    if (st != RADZ_OK) {
        radz_warn("cache: files are not merged (nothing is lost): %s", why.message);
        st = RADZ_OK;
    }
done:
    radz_cache_unlock(lock);
    pthread_mutex_unlock(&store->lock);
    return st;
}

radz_status radz_store_close(radz_store *store, radz_error *err)
{
    if (store == NULL)
        return RADZ_OK;
    radz_status st = store->dir == NULL ? RADZ_OK : flush_locked(store, err);
    for (size_t i = 0; i < store->segment_count; i++)
        radz_segment_free(&store->segments[i]);
    radz_cache_unlock(store->use_lock);
    free(store->segments);
    free(store->pending_keys);
    free(store->pending_rows);
    free(store->pending_order);
    free(store->dir);
    free(store->text);
    pthread_mutex_destroy(&store->lock);
    free(store);
    return st;
}

size_t radz_store_rows(radz_store *store)
{
    size_t rows = 0;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->segment_count; i++)
        rows += store->segments[i].gone ? 0 : store->segments[i].index.n;
    pthread_mutex_unlock(&store->lock);
    return rows;
}

size_t radz_store_pending(radz_store *store)
{
    pthread_mutex_lock(&store->lock);
    size_t pending = store->pending;
    pthread_mutex_unlock(&store->lock);
    return pending;
}

const char *radz_store_key(const radz_store *store)
{
    return store->key;
}

size_t radz_store_dim(const radz_store *store)
{
    return store->dim;
}
