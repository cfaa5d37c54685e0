/* Hashes: SHA-256 (content, through OpenSSL) and XXH3-64 (cache keys, row checks). Hex is lower
 * case. */
#pragma once
#include "base/arena.h"
#include <stddef.h>
#include <stdint.h>

enum { SHA256_HEX = 64 }; /* characters, without the NUL */

typedef struct Sha256 Sha256; /* a running hash */

Sha256 *sha256_new(Arena *arena); /* its OpenSSL context is freed by sha256_hex */
void sha256_add(Sha256 *hash, const void *bytes, size_t size_bytes);
/* Length-prefixed, so that ("a","bc") and ("ab","c") differ. */
void sha256_add_text(Sha256 *hash, const char *text);
void sha256_add_int(Sha256 *hash, int64_t value); /* 8 bytes, little endian */
/* Ends the hash; `out` has room for SHA256_HEX + 1. */
void sha256_hex(Sha256 *hash, char *out);
/* Of one byte string. */
void sha256_of(const void *bytes, size_t size_bytes, char *out_hex);

uint64_t xxh64(const void *bytes, size_t size_bytes);
