/* SHA-256 (FIPS 180-4, by libcrypto) and its lower-case hexadecimal form. */
#ifndef RADZ_BASE_HASH_H
#define RADZ_BASE_HASH_H

#include <stdint.h>

#include "base/status.h"

enum { RADZ_SHA256_SIZE = 32, RADZ_SHA256_HEX_SIZE = 65 /* with the NUL */ };

typedef struct radz_sha256 {
    void *context; /* NULL once an allocation failed: the digest call then reports it */
} radz_sha256;

/* Streaming: begin, add any number of times, end (which also frees; call it exactly once, also on error paths). */
void radz_sha256_begin(radz_sha256 *hash);
void radz_sha256_add(radz_sha256 *hash, const void *data, size_t size);
void radz_sha256_add_text(radz_sha256 *hash, const char *text); /* with its NUL, so that "a","b" differs from "ab" */
radz_status radz_sha256_end(radz_sha256 *hash, char hex[RADZ_SHA256_HEX_SIZE], radz_error *err);

radz_status radz_sha256_data(const void *data, size_t size, char hex[RADZ_SHA256_HEX_SIZE],
                             radz_error *err) RADZ_MUST_USE;
radz_status radz_sha256_file(const char *path, char hex[RADZ_SHA256_HEX_SIZE], radz_error *err) RADZ_MUST_USE;

bool radz_is_sha256(const char *text); /* 64 lower-case hexadecimal digits */

/* FNV-1a, 64 bit: for hash tables only, never for identity. */
uint64_t radz_hash_bytes(const void *data, size_t size);

#endif
