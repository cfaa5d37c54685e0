/* Where a relation has rows, found by reading its times: for what says so only when it has run.
 *
 * Times are read in order and joined into intervals wherever the gap is small; the smallest gap
 * that still parts two intervals doubles when there are too many, so memory is bounded and a row
 * far from the rest still stands alone. */
#include "export/export_int.h"

enum { INTERVALS_MAX = 65536 };

typedef struct Gathering {
    Arena *arena;
    const Rel *grid; /* times are rounded down to its buckets; NULL: as they are */
    SpanVec spans;
    int64_t gap_us;
} Gathering;

static void join_near(Gathering *g)
{
    while (g->spans.n > INTERVALS_MAX / 2) {
        size_t kept = 0;
        g->gap_us *= 2;
        for (size_t i = 1; i < g->spans.n; i++) {
            if (g->spans.v[i].min - g->spans.v[kept].max <= g->gap_us)
                g->spans.v[kept].max = g->spans.v[i].max;
            else
                g->spans.v[++kept] = g->spans.v[i];
        }
        g->spans.n = kept + 1;
    }
}

static void add_time(Gathering *g, TimeUs time)
{
    if (g->grid != NULL) time = rel_cut_down(g->grid, time);
    TimeSpan *last = g->spans.n > 0 ? &g->spans.v[g->spans.n - 1] : NULL;
    int64_t distance;
    if (last != NULL && !__builtin_sub_overflow(time, last->max, &distance) &&
        distance <= g->gap_us) {
        if (time > last->max) last->max = time;
        return;
    }
    vec_push(g->arena, &g->spans, ((TimeSpan){time, time}));
    if (g->spans.n > INTERVALS_MAX) join_near(g);
}

static Err *read_times(Gathering *g, RelStream *stream, TimeScale scale)
{
    for (;;) {
        Chunk chunk;
        TRY(os_check_interrupt());
        TRY(rel_next(stream, &chunk));
        if (chunk.rows == 0) return NULL;
        for (size_t i = 0; i < chunk.rows; i++) {
            if (vector_is_null(&chunk.vectors[0], i)) continue;
            add_time(g, time_scaled(scale, engine_int(&chunk.vectors[0], i)));
        }
    }
}

Err *extent_read(Arena *arena, Plan *plan, const Rel *rel, const Rel *grid, RelExtent *out)
{
    const Column *time = &rel_schema(rel)->columns[rel_time_index(rel)];
    TimeScale scale;
    if (!time_scale_find(time->type, rel_time_unit(rel), &scale)) {
        *out = rel_extent(arena, rel);
        return NULL;
    }
    const Rel *times;
    ProjectColumn column = {.source = time->name, .name = time->name};
    TRY(rel_project(arena, rel, &column, 1, &times));
    TRY(plan_resolve(plan, times));
    CLEANUP(rel_close_at) RelStream *stream = NULL;
    TRY(rel_open(plan, times, (RelRead){.span = {TIME_MIN, TIME_MAX}, .sorted = true}, &stream));
    Gathering gathering = {.arena = arena, .grid = grid, .gap_us = US_PER_MINUTE};
    TRY(read_times(&gathering, stream, scale));
    *out = (RelExtent){.known = true, .intervals = gathering.spans.v, .count = gathering.spans.n};
    return NULL;
}
