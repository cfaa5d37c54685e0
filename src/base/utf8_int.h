/* Decoding of UTF-8 for the files of base. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The bytes of the well-formed character at `text` (1 to 4), its code point in *out; 0 when the
 * bytes are not UTF-8 (overlong forms, surrogates, beyond U+10FFFF, cut off). `size_bytes` is at
 * least 1. */
size_t utf8_decode(const char *text, size_t size_bytes, uint32_t *out);
