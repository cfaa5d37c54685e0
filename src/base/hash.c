/* Hashes over libcrypto and libxxhash.
 *
 * SHA-256 names content (blobs, fingerprints); its bytes are on disk, so the framing of
 * sha256_add_text and sha256_add_int is part of the format and never changes. XXH3 is for keys of
 * caches that may be dropped.
 *
 * The algorithm is fetched from OpenSSL once per process: an implicit fetch for each hash would
 * take a global lock and cost more than hashing a short text. libcrypto fails here only when out of
 * memory, which ends the process as in an arena. */
#include "base/hash.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct Sha256 {
    EVP_MD_CTX *context;
};

static EVP_MD *algorithm;
static pthread_once_t algorithm_once = PTHREAD_ONCE_INIT;

static void must(int ok)
{
    if (ok == 1) return;
    (void)fprintf(stderr, "pond: SHA-256 is not available from libcrypto\n");
    abort();
}

static void fetch_algorithm(void)
{
    algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(algorithm != NULL);
}

Sha256 *sha256_new(Arena *arena)
{
    must(pthread_once(&algorithm_once, fetch_algorithm) == 0);
    Sha256 *hash = ANEW(arena, Sha256);
    hash->context = EVP_MD_CTX_new();
    must(hash->context != NULL);
    must(EVP_DigestInit_ex2(hash->context, algorithm, NULL));
    return hash;
}

void sha256_add(Sha256 *hash, const void *bytes, size_t size_bytes)
{
    if (size_bytes > 0) must(EVP_DigestUpdate(hash->context, bytes, size_bytes));
}

void sha256_add_int(Sha256 *hash, int64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
    sha256_add(hash, bytes, sizeof bytes);
}

void sha256_add_text(Sha256 *hash, const char *text)
{
    size_t length = strlen(text);
    sha256_add_int(hash, (int64_t)length);
    sha256_add(hash, text, length);
}

static void to_hex(const unsigned char *digest, char *out)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (int i = 0; i < SHA256_HEX / 2; i++) {
        out[2 * i] = DIGITS[digest[i] >> 4];
        out[2 * i + 1] = DIGITS[digest[i] & 15];
    }
    out[SHA256_HEX] = '\0';
}

void sha256_hex(Sha256 *hash, char *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    must(EVP_DigestFinal_ex(hash->context, digest, NULL));
    EVP_MD_CTX_free(hash->context);
    hash->context = NULL;
    to_hex(digest, out);
}

void sha256_of(const void *bytes, size_t size_bytes, char *out_hex)
{
    must(pthread_once(&algorithm_once, fetch_algorithm) == 0);
    unsigned char digest[EVP_MAX_MD_SIZE];
    must(EVP_Digest(size_bytes > 0 ? bytes : "", size_bytes, digest, NULL, algorithm, NULL));
    to_hex(digest, out_hex);
}

uint64_t xxh64(const void *bytes, size_t size_bytes)
{
    return XXH3_64bits(size_bytes > 0 ? bytes : "", size_bytes);
}
