/* A hash map from strings to pointers, in an arena. Keys are copied. Iteration is in order of
 * insertion, so results never depend on hashes. */
#pragma once
#include "base/arena.h"
#include <stdbool.h>

typedef struct MapEntry {
    const char *key;
    void *value;
} MapEntry;

typedef struct Map {
    Arena *arena;
    MapEntry *entries; /* in order of insertion; [0, count) */
    size_t count, capacity;
    unsigned *slots;
    size_t slot_count;
} Map;

Map map_new(Arena *arena);
void *map_get(const Map *map, const char *key); /* NULL when absent */
bool map_has(const Map *map, const char *key);
/* Inserts or replaces; returns true when the key was new. */
bool map_put(Map *map, const char *key, void *value);
