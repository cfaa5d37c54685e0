/* Open addressing over an array of entries in insertion order; slots hold entry index + 1. */
#include "base/map.h"
#include <string.h>
#include <xxhash.h>

Map map_new(Arena *arena)
{
    return (Map){.arena = arena};
}

static size_t slot_of(const Map *map, const char *key)
{
    size_t mask = map->slot_count - 1;
    size_t slot = (size_t)XXH3_64bits(key, strlen(key)) & mask;
    while (map->slots[slot] != 0 && strcmp(map->entries[map->slots[slot] - 1].key, key) != 0) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static MapEntry *find(const Map *map, const char *key)
{
    if (map->slot_count == 0) return NULL;
    unsigned index = map->slots[slot_of(map, key)];
    return index == 0 ? NULL : &map->entries[index - 1];
}

void *map_get(const Map *map, const char *key)
{
    const MapEntry *entry = find(map, key);
    return entry == NULL ? NULL : entry->value;
}

bool map_has(const Map *map, const char *key)
{
    return find(map, key) != NULL;
}

static void grow(Map *map)
{
    size_t capacity = map->capacity == 0 ? 8 : map->capacity * 2;
    map->entries = arena_grow(map->arena, map->entries, map->capacity * sizeof(MapEntry),
                              capacity * sizeof(MapEntry));
    map->capacity = capacity;
    map->slot_count = capacity * 2;
    map->slots = AARRAY(map->arena, unsigned, map->slot_count);
    for (size_t i = 0; i < map->count; i++)
        map->slots[slot_of(map, map->entries[i].key)] = (unsigned)i + 1;
}

bool map_put(Map *map, const char *key, void *value)
{
    MapEntry *entry = find(map, key);
    if (entry != NULL) {
        entry->value = value;
        return false;
    }
    if (map->count == map->capacity) grow(map);
    size_t slot = slot_of(map, key);
    map->entries[map->count] = (MapEntry){.key = arena_strdup(map->arena, key), .value = value};
    map->slots[slot] = (unsigned)++map->count;
    return true;
}
