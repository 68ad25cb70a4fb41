#include "base/hash.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/file.h"

void radz_sha256_begin(radz_sha256 *hash)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    hash->context = context;
}

void radz_sha256_add(radz_sha256 *hash, const void *data, size_t size)
{
    if (hash->context != NULL && size > 0)
        EVP_DigestUpdate(hash->context, data, size);
}

void radz_sha256_add_text(radz_sha256 *hash, const char *text)
{
    radz_sha256_add(hash, text, strlen(text) + 1);
}

radz_status radz_sha256_end(radz_sha256 *hash, char hex[RADZ_SHA256_HEX_SIZE], radz_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    bool good = hash->context != NULL && EVP_DigestFinal_ex(hash->context, digest, &size) == 1;
    EVP_MD_CTX_free(hash->context);
    hash->context = NULL;
    hex[0] = '\0';
    if (!good)
        return radz_fail(err, RADZ_E_NOMEM, "libcrypto could not compute a SHA-256");
    static const char digits[] = "0123456789abcdef";
    for (unsigned int i = 0; i < RADZ_SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[RADZ_SHA256_HEX_SIZE - 1] = '\0';
    return RADZ_OK;
}

radz_status radz_sha256_data(const void *data, size_t size, char hex[RADZ_SHA256_HEX_SIZE], radz_error *err)
{
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add(&hash, data, size);
    return radz_sha256_end(&hash, hex, err);
}

radz_status radz_sha256_file(const char *path, char hex[RADZ_SHA256_HEX_SIZE], radz_error *err)
{
    radz_map map;
    radz_status st = radz_map_open(path, &map, err);
    if (st != RADZ_OK)
        return st;
    st = radz_sha256_data(map.data, map.size, hex, err);
    radz_map_close(&map);
    return st;
}

uint64_t radz_hash_bytes(const void *data, size_t size)
{
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

bool radz_is_sha256(const char *text)
{
    size_t digits = strspn(text, "0123456789abcdef");
    return digits == RADZ_SHA256_HEX_SIZE - 1 && text[digits] == '\0';
}
