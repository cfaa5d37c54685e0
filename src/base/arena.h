/* Arenas: memory that is freed as a whole. An explicit Arena * is the first parameter of whatever
 * returns memory: that is the whole ownership statement. Out of memory ends the process in one
 * place, so nothing here fails. One arena belongs to one thread at a time. All memory is zeroed. */
#pragma once
#include <stdarg.h>
#include <stddef.h>

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena);     /* NULL is allowed */
void arena_free_at(Arena **arena); /* for CLEANUP */
/* Forgets everything allocated, keeps one block of at most 1 MiB: for loops. */
void arena_reset(Arena *arena);
size_t arena_bytes(const Arena *arena); /* reserved from the system */
size_t arena_used(const Arena *arena);  /* handed out; cost: a step a block */

void *arena_alloc(Arena *arena, size_t size_bytes); /* aligned to 16, zeroed */
/* Grows the last allocation in place where it can, else copies. */
void *arena_grow(Arena *arena, void *old, size_t old_bytes, size_t new_bytes);
void *arena_memdup(Arena *arena, const void *bytes, size_t size_bytes);
char *arena_strdup(Arena *arena, const char *text); /* NULL in, NULL out */
char *arena_strndup(Arena *arena, const char *text, size_t length);
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(Arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

#define ANEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define AARRAY(arena, Type, count) ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(count)))

/* A scratch arena that ends with the scope. */
#define SCRATCH(name) __attribute__((cleanup(arena_free_at))) Arena *name = arena_new()
