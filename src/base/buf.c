/* Growing bytes and arrays in arenas: capacity doubles, the last allocation of the arena grows in
 * place. */
#include "base/buf.h"
#include "base/vec.h"
#include <stdio.h>
#include <string.h>

Buf buf_new(Arena *arena)
{
    return (Buf){.arena = arena, .data = arena_alloc(arena, 64), .capacity = 64};
}

static void reserve(Buf *buf, size_t extra)
{
    size_t need = buf->size + extra + 1;
    if (need <= buf->capacity) return;
    size_t capacity = buf->capacity * 2 > need ? buf->capacity * 2 : need;
    buf->data = arena_grow(buf->arena, buf->data, buf->capacity, capacity);
    buf->capacity = capacity;
}

void buf_add(Buf *buf, const void *bytes, size_t size_bytes)
{
    reserve(buf, size_bytes);
    if (size_bytes > 0) memcpy(buf->data + buf->size, bytes, size_bytes);
    buf->size += size_bytes;
    buf->data[buf->size] = '\0';
}

void buf_puts(Buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_putc(Buf *buf, char c)
{
    reserve(buf, 1);
    buf->data[buf->size++] = c;
    buf->data[buf->size] = '\0';
}

void buf_printf(Buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length > 0) {
        reserve(buf, (size_t)length);
        (void)vsnprintf(buf->data + buf->size, (size_t)length + 1, format, args);
        buf->size += (size_t)length;
    }
    va_end(args);
}

void buf_clear(Buf *buf)
{
    buf_truncate(buf, 0);
}

void buf_truncate(Buf *buf, size_t size_bytes)
{
    if (size_bytes > buf->size) return;
    buf->size = size_bytes;
    buf->data[size_bytes] = '\0';
}

void *vec_grow(Arena *arena, void *items, size_t item_bytes, size_t wanted, size_t *capacity)
{
    size_t larger = *capacity < 8 ? 8 : *capacity * 2;
    if (larger < wanted) larger = wanted;
    void *grown = arena_grow(arena, items, *capacity * item_bytes, larger * item_bytes);
    *capacity = larger;
    return grown;
}
