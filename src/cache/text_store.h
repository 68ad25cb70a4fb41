/* Texts of any length under 32-byte keys: answers of language models, with the question they answer. Kept on a store of
 * fixed rows (cache/store.h), so that everything said there holds here: nothing that was reported as stored is lost, a
 * damaged file is named and its texts count as absent. A long text goes on in further rows under keys derived from its
 * own. */
#ifndef RADZ_CACHE_TEXT_STORE_H
#define RADZ_CACHE_TEXT_STORE_H

#include "cache/store.h"

typedef struct radz_text_store radz_text_store;

/* As radz_store_open. */
radz_status radz_text_store_open(radz_cache *cache, const char *kind, const char *description, radz_text_store **out,
                                 radz_error *err) RADZ_MUST_USE;
/* Is the text of each of `n` keys [n,32] there? May be called from several threads. */
radz_status radz_text_store_has(radz_text_store *store, const unsigned char *keys, size_t n, bool *all,
                                radz_error *err) RADZ_MUST_USE;
/* `*text` is the caller's (free), NULL when absent. It is `*length` bytes and a NUL. */
radz_status radz_text_store_get(radz_text_store *store, const unsigned char key[RADZ_CACHE_KEY_SIZE], char **text,
                                size_t *length, radz_error *err) RADZ_MUST_USE;
/* A key that is there already keeps its text. At most 16 MiB. */
radz_status radz_text_store_put(radz_text_store *store, const unsigned char key[RADZ_CACHE_KEY_SIZE], const char *text,
                                size_t length, radz_error *err) RADZ_MUST_USE;
radz_status radz_text_store_flush(radz_text_store *store, radz_error *err) RADZ_MUST_USE;
radz_status radz_text_store_compact(radz_text_store *store, radz_error *err) RADZ_MUST_USE;
radz_status radz_text_store_close(radz_text_store *store, radz_error *err); /* as radz_store_close */

#endif
