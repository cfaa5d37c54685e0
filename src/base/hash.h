/* Hashes: SHA-256 (content, through OpenSSL) and XXH3-64 (cache keys, row checks); splitmix64. Hex
 * is lower case. */
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

/* splitmix64, numbers that look random and follow from a state (Steele, Lea, Flood: Fast splittable
 * pseudorandom number generators, 2014): the state goes on by a step, the number is a function of
 * it, so that any one of a row can be had alone. Not for secrets. */
#define SPLITMIX64_STEP UINT64_C(0x9e3779b97f4a7c15)
static inline uint64_t splitmix64_of(uint64_t state)
{
    state = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    state = (state ^ (state >> 27)) * UINT64_C(0x94d049bb133111eb);
    return state ^ (state >> 31);
}
static inline uint64_t splitmix64_next(uint64_t *state)
{
    return splitmix64_of(*state += SPLITMIX64_STEP);
}
