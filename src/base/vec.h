/* A growing array in an arena.   VEC(Node) nodes = {0};   vec_push(arena, &nodes, node);
 * nodes.v[i], nodes.n */
#pragma once
#include "base/arena.h"
#include <stddef.h>

#define VEC(Type)                                                                                  \
    struct {                                                                                       \
        Type *v;                                                                                   \
        size_t n, capacity;                                                                        \
    }

#define vec_push(arena, vec, item) (vec_reserve((arena), (vec), 1), (vec)->v[(vec)->n++] = (item))
#define vec_reserve(arena, vec, extra)                                                             \
    ((vec)->n + (extra) > (vec)->capacity                                                          \
         ? (void)((vec)->v = vec_grow((arena), (vec)->v, sizeof *(vec)->v, (vec)->n + (extra),     \
                                      &(vec)->capacity))                                           \
         : (void)0)

void *vec_grow(Arena *arena, void *items, size_t item_bytes, size_t wanted, size_t *capacity);
