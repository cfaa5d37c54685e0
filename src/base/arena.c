/* Arenas: a chain of blocks, doubling up to 1 MiB; larger requests get a block of their own. */
#include "base/arena.h"
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block {
    struct Block *next;
    size_t capacity, used;
    _Alignas(16) char data[];
} Block;

struct Arena {
    Block *head;
    size_t reserved_bytes;
};

static const size_t BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20;

/* The one place where memory runs out. */
static void *must_alloc(size_t size_bytes)
{
    void *p = size_bytes <= SIZE_MAX / 4 ? calloc(1, size_bytes) : NULL;
    if (p == NULL) {
        (void)fprintf(stderr, "pond: out of memory (%zu bytes)\n", size_bytes);
        abort();
    }
    return p;
}

static Block *block_new(Arena *arena, size_t capacity)
{
    Block *block = must_alloc(sizeof(Block) + capacity);
    block->capacity = capacity;
    arena->reserved_bytes += capacity;
    return block;
}

Arena *arena_new(void)
{
    return must_alloc(sizeof(Arena));
}

void arena_free(Arena *arena)
{
    if (arena == NULL) return;
    for (Block *block = arena->head; block != NULL;) {
        Block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void arena_free_at(Arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}

/* The newest block of common size stays, so that one huge request is not kept and cleared for ever.
 */
void arena_reset(Arena *arena)
{
    Block *keep = NULL;
    for (Block *block = arena->head; block != NULL;) {
        Block *next = block->next;
        if (keep == NULL && block->capacity <= BLOCK_MAX) {
            keep = block;
        } else {
            arena->reserved_bytes -= block->capacity;
            free(block);
        }
        block = next;
    }
    arena->head = keep;
    if (keep == NULL) return;
    keep->next = NULL;
    memset(keep->data, 0, keep->used);
    keep->used = 0;
}

size_t arena_bytes(const Arena *arena)
{
    return arena->reserved_bytes;
}

size_t arena_used(const Arena *arena)
{
    size_t used = 0;
    for (const Block *block = arena->head; block != NULL; block = block->next) used += block->used;
    return used;
}

static size_t rounded(size_t size_bytes)
{
    return (size_bytes + 15) & ~(size_t)15;
}

static void add_block(Arena *arena, size_t need)
{
    size_t capacity = arena->head != NULL ? arena->head->capacity * 2 : BLOCK_MIN;
    if (capacity > BLOCK_MAX) capacity = BLOCK_MAX;
    if (capacity < need) capacity = need;
    Block *block = block_new(arena, capacity);
    block->next = arena->head;
    arena->head = block;
}

void *arena_alloc(Arena *arena, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX / 4) return must_alloc(size_bytes); /* reports and ends */
    size_t need = rounded(size_bytes == 0 ? 1 : size_bytes);
    if (arena->head == NULL || arena->head->capacity - arena->head->used < need)
        add_block(arena, need);
    void *p = arena->head->data + arena->head->used;
    arena->head->used += need;
    return p;
}

void *arena_grow(Arena *arena, void *old, size_t old_bytes, size_t new_bytes)
{
    Block *head = arena->head;
    if (old != NULL && head != NULL &&
        (char *)old + rounded(old_bytes) == head->data + head->used) {
        size_t extra = rounded(new_bytes) - rounded(old_bytes);
        if (new_bytes >= old_bytes && head->capacity - head->used >= extra) {
            head->used += extra;
            return old;
        }
    }
    void *p = arena_alloc(arena, new_bytes);
    if (old != NULL) memcpy(p, old, old_bytes < new_bytes ? old_bytes : new_bytes);
    return p;
}

void *arena_memdup(Arena *arena, const void *bytes, size_t size_bytes)
{
    void *p = arena_alloc(arena, size_bytes);
    if (size_bytes > 0) memcpy(p, bytes, size_bytes);
    return p;
}

char *arena_strndup(Arena *arena, const char *text, size_t length)
{
    char *p = arena_alloc(arena, length + 1);
    memcpy(p, text, length);
    return p;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(Arena *arena, const char *format, va_list args)
{
    assert(format != NULL);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) length = 0;
    char *p = arena_alloc(arena, (size_t)length + 1);
    (void)vsnprintf(p, (size_t)length + 1, format, args);
    return p;
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *p = arena_vprintf(arena, format, args);
    va_end(args);
    return p;
}
