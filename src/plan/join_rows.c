/* Rows of a join on their way: from chunks of the sides, or kept from chunks that are gone, into
 * the vectors of the feed, a column at a time. */
#include "plan/join_int.h"
#include <string.h>

/* ---- kept rows ---- */

static void *grown(Arena *arena, const void *old, size_t old_bytes, size_t new_bytes)
{
    void *fresh = arena_alloc(arena, new_bytes);
    if (old_bytes > 0) memcpy(fresh, old, old_bytes);
    return fresh;
}

static void kept_reserve(Kept *kept, size_t extra)
{
    if (kept->rows + extra <= kept->capacity) return;
    size_t capacity =
        kept->capacity * 2 > kept->rows + extra ? kept->capacity * 2 : kept->rows + extra;
    for (size_t i = 0; i < kept->column_count; i++) {
        KeptColumn *column = &kept->columns[i];
        column->nulls = grown(kept->arena, column->nulls, kept->rows, capacity);
        column->values = grown(kept->arena, column->values, kept->rows * column->width,
                               capacity * column->width);
        if (column->width > 0) continue;
        column->texts = grown(kept->arena, column->texts, kept->rows * sizeof *column->texts,
                              capacity * sizeof *column->texts);
        column->sizes = grown(kept->arena, column->sizes, kept->rows * sizeof *column->sizes,
                              capacity * sizeof *column->sizes);
    }
    kept->capacity = capacity;
}

static void keep_cell(const Kept *kept, KeptColumn *column, const Vector *vector, size_t row)
{
    size_t at = kept->rows, size = 0;
    column->nulls[at] = vector_is_null(vector, row);
    if (column->nulls[at]) return;
    if (column->width > 0) {
        memcpy(column->values + at * column->width,
               (const char *)vector->data + row * column->width, column->width);
        return;
    }
    const char *bytes = engine_str(vector, row, &size);
    column->texts[at] = arena_memdup(kept->arena, bytes, size);
    column->sizes[at] = size;
}

void kept_add(Kept *kept, const Chunk *chunk, size_t from, size_t to)
{
    for (size_t i = 0; i < kept->column_count; i++) {
        kept->columns[i].phys = chunk->vectors[i + 1].phys;
        kept->columns[i].width = phys_bytes(kept->columns[i].phys);
    }
    kept_reserve(kept, to - from);
    for (size_t row = from; row < to; row++) {
        for (size_t i = 0; i < kept->column_count; i++)
            keep_cell(kept, &kept->columns[i], &chunk->vectors[i + 1], row);
        kept->rows++;
    }
}

/* Few rows keep their room; many give it back. */
void kept_clear(Kept *kept)
{
    kept->rows = 0;
    if (kept->capacity == 0) return;
    arena_reset(kept->arena);
    kept->capacity = 0;
    for (size_t i = 0; i < kept->column_count; i++) kept->columns[i] = (KeptColumn){0};
}

/* ---- into the feed ---- */

static void put_null(const FeedColumn *column, size_t row)
{
    column->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

/* A loop per width, so that each copy is one instruction. */
#define COPY_VALUES(Type)                                                                          \
    for (size_t row = from; row < to; row++) {                                                     \
        if (origin[row] >= 0) ((Type *)column->data)[row] = ((const Type *)values)[origin[row]];   \
    }

static void copy_values(const FeedColumn *column, const void *values, size_t width,
                        const int32_t *origin, size_t from, size_t to)
{
    switch (width) {
    case 1: COPY_VALUES(uint8_t) return;
    case 2: COPY_VALUES(uint16_t) return;
    case 4: COPY_VALUES(uint32_t) return;
    case 8: COPY_VALUES(uint64_t) return;
    case 16: COPY_VALUES(__int128) return;
    default: return;
    }
}

static void copy_chunk_column(const FeedColumn *column, const Vector *vector, const int32_t *origin,
                              size_t from, size_t to)
{
    size_t width = phys_bytes(vector->phys), size = 0;
    for (size_t row = from; row < to; row++) {
        bool is_null = origin[row] < 0 || vector_is_null(vector, (size_t)origin[row]);
        if (is_null) put_null(column, row);
        if (is_null || width > 0) continue;
        const char *bytes = engine_str(vector, (size_t)origin[row], &size);
        engine_feed_str(column, row, bytes, size);
    }
    copy_values(column, vector->data, width, origin, from, to);
}

static void copy_kept_column(const FeedColumn *column, const KeptColumn *kept,
                             const int32_t *origin, size_t from, size_t to)
{
    for (size_t row = from; row < to; row++) {
        bool is_null = origin[row] < 0 || kept->nulls[origin[row]];
        if (is_null) put_null(column, row);
        if (is_null || kept->width > 0) continue;
        engine_feed_str(column, row, kept->texts[origin[row]], kept->sizes[origin[row]]);
    }
    copy_values(column, kept->values, kept->width, origin, from, to);
}

static void put_nulls(const FeedColumn *column, size_t from, size_t to)
{
    for (size_t row = from; row < to; row++) put_null(column, row);
}

void side_copy(JoinSide *side, const FeedColumn *columns, size_t rows)
{
    bool any = false;
    for (size_t row = side->copied; row < rows; row++) any = any || side->origin[row] >= 0;
    for (size_t i = 0; i < side->column_count; i++) {
        const FeedColumn *column = &columns[side->targets[i]];
        if (column->data == NULL) continue; /* read, but not asked for */
        if (!any)
            put_nulls(column, side->copied, rows);
        else if (side->is_kept)
            copy_kept_column(column, &side->kept.columns[i], side->origin, side->copied, rows);
        else
            copy_chunk_column(column, &side->reader.chunk.vectors[i + 1], side->origin,
                              side->copied, rows);
    }
    side->copied = rows;
}
