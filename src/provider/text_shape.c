/* Shapes: the columns of a text in order of first appearance, found by (parent, key) through a hash
 * table, and what was seen in each. */
#include "provider/text_int.h"
#include <string.h>

void shape_init(Shape *shape, Arena *arena)
{
    *shape = (Shape){.arena = arena, .slot_count = 64};
    shape->slots = AARRAY(arena, uint32_t, shape->slot_count);
}

static uint64_t slot_hash(int parent, const char *key, size_t length)
{
    return xxh64(key, length) ^ ((uint64_t)(parent + 1) * UINT64_C(0x9E3779B97F4A7C15));
}

/* The slot that holds the column, or the free one where it belongs. */
static uint32_t *slot_of(const Shape *shape, int parent, const char *key, size_t length)
{
    size_t mask = shape->slot_count - 1;
    for (size_t at = slot_hash(parent, key, length) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &shape->slots[at];
        if (*slot == 0) return slot;
        const ShapeColumn *column = &shape->columns.v[*slot - 1];
        if (column->parent == parent && column->length == length &&
            memcmp(column->key, key, length) == 0)
            return slot;
    }
}

ptrdiff_t shape_find(const Shape *shape, int parent, const char *key, size_t length)
{
    return (ptrdiff_t)*slot_of(shape, parent, key, length) - 1;
}

static void grow_slots(Shape *shape)
{
    shape->slot_count *= 2;
    shape->slots = AARRAY(shape->arena, uint32_t, shape->slot_count);
    for (size_t i = 0; i < shape->columns.n; i++) {
        const ShapeColumn *column = &shape->columns.v[i];
        *slot_of(shape, column->parent, column->key, column->length) = (uint32_t)i + 1;
    }
}

size_t shape_column(Shape *shape, int parent, const char *key, size_t length)
{
    uint32_t *slot = slot_of(shape, parent, key, length);
    if (*slot != 0) return *slot - 1;
    ShapeColumn column = {
        .parent = parent, .key = arena_strndup(shape->arena, key, length), .length = length};
    *slot = (uint32_t)shape->columns.n + 1;
    vec_push(shape->arena, &shape->columns, column);
    if (shape->columns.n * 2 > shape->slot_count) grow_slots(shape);
    return shape->columns.n - 1;
}

void shape_join(Shape *into, const Shape *from)
{
    SCRATCH(scratch);
    int *places = AARRAY(scratch, int, from->columns.n + 1);
    for (size_t i = 0; i < from->columns.n; i++) {
        const ShapeColumn *column = &from->columns.v[i];
        int parent = column->parent >= 0 ? places[column->parent] : -1;
        size_t place = shape_column(into, parent, column->key, column->length);
        places[i] = (int)place;
        ShapeColumn *to = &into->columns.v[place];
        to->seen |= column->seen;
        to->may_be_time = column->may_be_time;
        if (to->unit == TIME_UNIT_NONE) to->unit = column->unit;
    }
}

/* ---- kept ---- */

void shape_to_json(JsonOut *out, const Shape *shape)
{
    json_begin_array(out);
    for (size_t i = 0; i < shape->columns.n; i++) {
        const ShapeColumn *column = &shape->columns.v[i];
        json_begin_array(out);
        json_put_int(out, column->parent);
        json_put_strn(out, column->key, column->length);
        json_put_int(out, column->seen);
        json_put_bool(out, column->may_be_time);
        json_put_int(out, (int64_t)column->unit);
        json_end(out);
    }
    json_end(out);
}

void shape_from_json(Shape *shape, const Json *json)
{
    for (size_t i = 0; json != NULL && i < json->count; i++) {
        const Json *item = &json->items[i];
        if (item->kind != JSON_ARRAY || item->count < 5) continue;
        const Json *fields = item->items;
        size_t place =
            shape_column(shape, (int)fields[0].integer, fields[1].string, fields[1].length);
        ShapeColumn *column = &shape->columns.v[place];
        column->seen = (unsigned)fields[2].integer;
        column->may_be_time = fields[3].boolean;
        column->unit = (TimeUnit)fields[4].integer;
    }
}
