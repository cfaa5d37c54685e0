/* Numbers and texts as bytes, for records of the history: integers of 7 bits a byte, the lowest
 * first (LEB128), signed ones folded (0, -1, 1, -2 ...); a real as its 8 bytes read backwards, so
 * that round ones are short; a text is its length and its bytes. Reading never leaves [at, end):
 * what is not there makes `bad` true, and zeros from then on. */
#pragma once
#include "base/buf.h"
#include <stdbool.h>
#include <string.h>

static inline void wire_put_uint(Buf *to, uint64_t value)
{
    char bytes[10];
    size_t count = 0;
    for (; value >= 0x80; value >>= 7) bytes[count++] = (char)(value | 0x80);
    bytes[count++] = (char)value;
    buf_add(to, bytes, count);
}

static inline void wire_put_int(Buf *to, int64_t value)
{
    wire_put_uint(to, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static inline void wire_put_real(Buf *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    wire_put_uint(to, __builtin_bswap64(bits));
}

static inline void wire_put_text(Buf *to, const char *text)
{
    size_t length = strlen(text);
    wire_put_uint(to, length);
    buf_add(to, text, length);
}

/* Of fixed length, little endian. */
static inline void wire_put_le(Buf *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) buf_putc(to, (char)(value >> (8 * i)));
}

static inline uint64_t wire_le(const char *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = count; i > 0; i--) value = value << 8 | (uint8_t)bytes[i - 1];
    return value;
}

typedef struct Wire {
    const char *at, *end;
    bool bad;
} Wire;

static inline uint64_t wire_uint(Wire *from)
{
    uint64_t value = 0;
    for (unsigned shift = 0; from->at < from->end && shift < 64; shift += 7) {
        uint8_t byte = (uint8_t)*from->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    from->bad = true;
    from->at = from->end;
    return 0;
}

static inline int64_t wire_int(Wire *from)
{
    uint64_t folded = wire_uint(from);
    return (int64_t)(folded >> 1 ^ (~(folded & 1) + 1));
}

static inline double wire_real(Wire *from)
{
    uint64_t bits = __builtin_bswap64(wire_uint(from));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The next `size` bytes, NULL when they are not there. */
static inline const char *wire_bytes(Wire *from, uint64_t size)
{
    const char *bytes = from->at;
    if (size > (uint64_t)(from->end - from->at)) {
        from->bad = true;
        from->at = from->end;
        return NULL;
    }
    from->at += size;
    return bytes;
}

static inline char *wire_text(Arena *arena, Wire *from)
{
    uint64_t length = wire_uint(from);
    const char *bytes = wire_bytes(from, length);
    return bytes == NULL ? arena_strdup(arena, "") : arena_strndup(arena, bytes, length);
}
