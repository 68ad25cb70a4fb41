#include "cache/text_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "cache/memo.h"

/* A row: four bytes, little-endian, then text and zeros. The bytes are the length of the whole text in its first row, and
 * the row's number in the others. */
enum { ROW = 256, HEAD = 4, PART = ROW - HEAD, MAX_TEXT = 16 << 20 };

struct radz_text_store {
    radz_store *rows;
};

radz_status radz_text_store_open(radz_cache *cache, const char *kind, const char *description, radz_text_store **out,
                                 radz_error *err)
{
    *out = NULL;
    radz_text_store *store = radz_calloc(1, sizeof *store, err);
    if (store == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_store_open_typed(cache, kind, description, RADZ_ROW_UINT8, ROW, &store->rows, err);
    if (st == RADZ_OK)
        *out = store;
    else
        free(store);
    return st;
}

static void put_number(unsigned char *at, size_t number)
{
    for (int i = 0; i < HEAD; i++)
        at[i] = (unsigned char)(number >> 8 * i);
}

static size_t get_number(const unsigned char *at)
{
    return at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* The key of row `number` of a text; row 0 has the text's own. */
static radz_status row_key(const unsigned char *key, size_t number, unsigned char out[RADZ_CACHE_KEY_SIZE], radz_error *err)
{
    unsigned char head[HEAD];
    char hex[RADZ_SHA256_HEX_SIZE];
    if (number == 0) {
        memcpy(out, key, RADZ_CACHE_KEY_SIZE);
        return RADZ_OK;
    }
    put_number(head, number);
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add(&hash, key, RADZ_CACHE_KEY_SIZE);
    radz_sha256_add(&hash, head, sizeof head);
    radz_status st = radz_sha256_end(&hash, hex, err);
    if (st == RADZ_OK && !radz_key_from_hex(hex, out))
        st = radz_fail(err, RADZ_E_INTERNAL, "a SHA-256 of odd form: '%s'", hex);
    return st;
}

/* Row `number` of a text into `row`; *found false when it is absent or not what it should be. */
static radz_status read_row(radz_text_store *store, const unsigned char *key, size_t number, unsigned char row[ROW], bool *found,
                            radz_error *err)
{
    unsigned char own[RADZ_CACHE_KEY_SIZE];
    radz_status st = row_key(key, number, own, err);
    if (st == RADZ_OK)
        st = radz_store_lookup(store->rows, own, 1, row, found, err);
    if (st == RADZ_OK && *found && (number == 0 ? get_number(row) > MAX_TEXT : get_number(row) != number))
        *found = false;
    return st;
}

radz_status radz_text_store_get(radz_text_store *store, const unsigned char key[RADZ_CACHE_KEY_SIZE], char **text,
                                size_t *length, radz_error *err)
{
    unsigned char row[ROW];
    bool found = false;
    *text = NULL;
    radz_status st = read_row(store, key, 0, row, &found, err);
    if (st != RADZ_OK || !found)
        return st;
    *length = get_number(row);
    char *out = radz_calloc(*length + 1, 1, err);
    if (out == NULL)
        return RADZ_E_NOMEM;
    for (size_t at = 0, number = 0; st == RADZ_OK && found && (at < *length || number == 0); at += PART, number++) {
        if (number > 0)
            st = read_row(store, key, number, row, &found, err);
        if (st == RADZ_OK && found)
            memcpy(out + at, row + HEAD, *length - at < PART ? *length - at : PART);
    }
    if (st == RADZ_OK && found)
        *text = out;
    else
        free(out);
    return st;
}

radz_status radz_text_store_has(radz_text_store *store, const unsigned char *keys, size_t n, bool *all, radz_error *err)
{
    *all = true;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < n && *all && st == RADZ_OK; i++) {
        char *text;
        size_t length;
        st = radz_text_store_get(store, keys + i * RADZ_CACHE_KEY_SIZE, &text, &length, err);
        *all = text != NULL;
        free(text);
    }
    return st;
}

radz_status radz_text_store_put(radz_text_store *store, const unsigned char key[RADZ_CACHE_KEY_SIZE], const char *text,
                                size_t length, radz_error *err)
{
    if (length > MAX_TEXT)
        return radz_fail(err, RADZ_E_VALUE, "a text of %zu bytes, wanted at most %d", length, MAX_TEXT);
    size_t rows = length == 0 ? 1 : (length + PART - 1) / PART;
    radz_status st = RADZ_OK;
    for (size_t number = rows; number-- > 0 && st == RADZ_OK;) { /* the first row last: it says that all are there */
        unsigned char row[ROW] = {0}, own[RADZ_CACHE_KEY_SIZE];
        size_t at = number * PART;
        put_number(row, number == 0 ? length : number);
        memcpy(row + HEAD, text + at, length - at < PART ? length - at : PART);
        st = row_key(key, number, own, err);
        if (st == RADZ_OK)
            st = radz_store_append(store->rows, own, row, 1, err);
    }
    return st;
}

radz_status radz_text_store_flush(radz_text_store *store, radz_error *err)
{
    return radz_store_flush(store->rows, err);
}

radz_status radz_text_store_compact(radz_text_store *store, radz_error *err)
{
    return radz_store_compact(store->rows, err);
}

radz_status radz_text_store_close(radz_text_store *store, radz_error *err)
{
    if (store == NULL)
        return RADZ_OK;
    radz_status st = radz_store_close(store->rows, err);
    free(store);
    return st;
}
