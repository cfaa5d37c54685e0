/* A growing byte string in an arena. Always NUL-terminated; may hold NULs. */
#pragma once
#include "base/arena.h"
#include <stdarg.h>
#include <stdint.h>

typedef struct Buf {
    Arena *arena;
    char *data; /* never NULL after buf_new */
    size_t size, capacity;
} Buf;

Buf buf_new(Arena *arena);
void buf_add(Buf *buf, const void *bytes, size_t size_bytes);
void buf_puts(Buf *buf, const char *text);
void buf_putc(Buf *buf, char c);
void buf_printf(Buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_clear(Buf *buf);
void buf_truncate(Buf *buf, size_t size_bytes);
