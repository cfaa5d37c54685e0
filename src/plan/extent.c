/* Questions about time that a tree answers without running: the intervals its rows lie in, the
 * files a range depends on, how many rows to expect, where a range is best cut, and whether rows
 * come in order.
 *
 * A span goes down the tree as the emitter sends it: through a bucket it is widened to whole
 * buckets, below what is not time-local it is everything. */
#include "plan/plan_int.h"
#include <stdlib.h>
#include <string.h>

TimeSpan rel_span_below(const Rel *rel, const Rel *input, TimeSpan span)
{
    if (rel->facts->cuts_above) return SPAN_ALL;
    if (rel->kind == REL_SQL)
        return input->facts->time_index < 0 ? SPAN_ALL
                                            : sql_local_widen(&rel->facts->sql.local, span);
    if (rel->kind == REL_RANGE) return span_meet(span, rel->range);
    if (rel->kind == REL_BUCKET || rel->kind == REL_BUCKET_OVER)
        return grid_widen(&rel->bucket->grid, span);
    if (rel->kind == REL_PARTIALS) return grid_widen(&rel->bucket->base, span);
    return span;
}

bool rel_reads(const Rel *rel, size_t input)
{
    return rel->kind != REL_SQL || rel->facts->sql.is_used[input];
}

/* ---- extents ---- */

typedef VEC(TimeSpan) SpanVec;

static int by_min(const void *a, const void *b)
{
    const TimeSpan *x = a, *y = b;
    if (x->min != y->min) return x->min < y->min ? -1 : 1;
    return (x->max > y->max) - (x->max < y->max);
}

/* Sorts and joins what overlaps or touches. */
static RelExtent extent_of(SpanVec *spans)
{
    if (spans->n > 1) qsort(spans->v, spans->n, sizeof *spans->v, by_min);
    size_t kept = 0;
    for (size_t i = 0; i < spans->n; i++) {
        TimeSpan *last = kept > 0 ? &spans->v[kept - 1] : NULL;
        TimeSpan span = spans->v[i];
        if (last != NULL && (last->max == TIME_MAX || span.min <= last->max + 1)) {
            if (span.max > last->max) last->max = span.max;
        } else {
            spans->v[kept++] = span;
        }
    }
    return (RelExtent){.known = true, .intervals = spans->v, .count = kept};
}

static void add_clipped(Arena *arena, SpanVec *spans, TimeSpan span, TimeSpan clip)
{
    span = span_meet(span, clip);
    if (!span_is_empty(span)) vec_push(arena, spans, span);
}

static RelExtent scan_extent(Arena *arena, const Rel *rel)
{
    const ScanNode *scan = &rel->scan;
    SpanVec spans = {0};
    if (rel->facts->time_index < 0) return (RelExtent){0};
    for (size_t i = 0; i < scan->file_count; i++) {
        const ScanFile *file = &scan->files[i];
        if (file->rows > 0 && file->interval_count == 0) return (RelExtent){0};
        for (size_t j = 0; file->rows > 0 && j < file->interval_count; j++)
            add_clipped(arena, &spans, file->intervals[j], scan->clip);
    }
    return extent_of(&spans);
}

static RelExtent synthetic_extent(Arena *arena, const SyntheticSpec *spec)
{
    SpanVec spans = {0};
    TimeUs last = spec->start + (spec->end - spec->start) / spec->interval_us * spec->interval_us;
    vec_push(arena, &spans, ((TimeSpan){spec->start, last}));
    return extent_of(&spans);
}

static RelExtent union_extent(Arena *arena, const Rel *rel)
{
    SpanVec spans = {0};
    for (size_t i = 0; i < rel->input_count; i++) {
        RelExtent input = rel_extent(arena, rel->inputs[i]);
        if (!input.known) return input;
        for (size_t j = 0; j < input.count; j++) vec_push(arena, &spans, input.intervals[j]);
    }
    return extent_of(&spans);
}

static RelExtent bucket_extent(Arena *arena, const Rel *rel, const Grid *grid)
{
    RelExtent input = rel_extent(arena, rel->inputs[0]);
    SpanVec spans = {0};
    for (size_t i = 0; input.known && i < input.count; i++) {
        TimeSpan span = input.intervals[i];
        vec_push(arena, &spans,
                 ((TimeSpan){grid_floor(grid, span.min), grid_floor(grid, span.max)}));
    }
    return input.known ? extent_of(&spans) : input;
}

static RelExtent range_extent(Arena *arena, const Rel *rel)
{
    RelExtent input = rel_extent(arena, rel->inputs[0]);
    SpanVec spans = {0};
    for (size_t i = 0; input.known && i < input.count; i++)
        add_clipped(arena, &spans, input.intervals[i], rel->range);
    return input.known ? extent_of(&spans) : input;
}

/* Rows of time-local SQL lie where its inputs have rows, or where the buckets of these begin. */
static RelExtent sql_extent(Arena *arena, const Rel *rel)
{
    SpanVec spans = {0};
    if (rel->facts->cuts_above) return (RelExtent){0};
    for (size_t i = 0; i < rel->input_count; i++) {
        if (!rel_reads(rel, i) || rel->inputs[i]->facts->time_index < 0) continue;
        RelExtent input = rel_extent(arena, rel->inputs[i]);
        if (!input.known) return input;
        for (size_t j = 0; j < input.count; j++) {
            TimeSpan span = input.intervals[j];
            span.min = sql_local_floor(&rel->facts->sql.local, span.min);
            vec_push(arena, &spans, span);
        }
    }
    return extent_of(&spans);
}

static RelExtent find_extent(Arena *arena, const Rel *rel)
{
    if (rel->kind == REL_EMPTY) return (RelExtent){.known = true};
    if (rel->facts->time_index < 0) return (RelExtent){0};
    switch (rel->kind) {
    case REL_SCAN: return scan_extent(arena, rel);
    case REL_SYNTHETIC: return synthetic_extent(arena, &rel->synthetic);
    case REL_UNION:
    case REL_JOIN: return union_extent(arena, rel);
    case REL_RANGE: return range_extent(arena, rel);
    case REL_BUCKET:
    case REL_BUCKET_OVER: return bucket_extent(arena, rel, &rel->bucket->grid);
    case REL_PARTIALS: return bucket_extent(arena, rel, &rel->bucket->base);
    case REL_PASS:
    case REL_SORT: return rel_extent(arena, rel->inputs[0]);
    case REL_PROJECT:
    case REL_RETIME:
        if (rel->facts->cuts_above) return (RelExtent){0};
        return rel_extent(arena, rel->inputs[0]);
    case REL_SQL: return sql_extent(arena, rel);
    case REL_EMPTY:
    case REL_ROWS: return (RelExtent){0};
    }
    return (RelExtent){0};
}

/* Once a node, from those of its inputs: trees share their parts. */
void rel_extent_fill(const Rel *rel)
{
    rel->facts->extent = find_extent(rel->arena, rel);
}

RelExtent rel_extent(Arena *arena, const Rel *rel)
{
    RelExtent extent = rel->facts->extent;
    extent.intervals =
        arena_memdup(arena, extent.intervals, sizeof *extent.intervals * extent.count);
    return extent;
}

/* ---- walking what is shared once ---- */

/* What a pass has found at leaves and below nodes with several inputs: only through these do ways
 * multiply. */
typedef struct Seen {
    const Rel *rel;
    TimeSpan span;
    double rows;
    TimeUs cut;
} Seen;

typedef struct SeenKey {
    char text[3 * 16 + 1];
} SeenKey;

/* By hand: an export asks for each part of each target. */
static SeenKey seen_key(const Rel *rel, TimeSpan span)
{
    const uint64_t parts[] = {(uint64_t)(uintptr_t)rel, (uint64_t)span.min, (uint64_t)span.max};
    SeenKey key;
    for (size_t i = 0; i < 3 * 16; i++)
        key.text[i] = "0123456789abcdef"[parts[i / 16] >> (4 * (i % 16)) & 15];
    key.text[3 * 16] = '\0';
    return key;
}

static Seen *seen_get(const Map *map, const Rel *rel, TimeSpan span)
{
    if (rel->input_count == 1) return NULL;
    SeenKey key = seen_key(rel, span);
    return map_get(map, key.text);
}

static Seen *seen_put(Map *map, const Rel *rel, TimeSpan span)
{
    if (rel->input_count == 1) return NULL;
    SeenKey key = seen_key(rel, span);
    Seen *seen = ANEW(map->arena, Seen);
    map_put(map, arena_strdup(map->arena, key.text), seen);
    return seen;
}

/* ---- inputs and rows ---- */

typedef VEC(const ScanFile *) FileVec;

static void add_inputs(Arena *arena, Map *map, const Rel *rel, TimeSpan span, FileVec *files)
{
    if (seen_get(map, rel, span) != NULL) return;
    (void)seen_put(map, rel, span);
    if (rel->kind == REL_SCAN) {
        FileList list =
            scan_select(arena, &rel->scan, rel->facts->time_index < 0 ? SPAN_ALL : span);
        for (size_t i = 0; i < list.count; i++) vec_push(arena, files, list.files[i]);
    }
    for (size_t i = 0; i < rel->input_count; i++)
        if (rel_reads(rel, i))
            add_inputs(arena, map, rel->inputs[i], rel_span_below(rel, rel->inputs[i], span),
                       files);
}

void rel_inputs_in(Arena *arena, const Rel *rel, TimeSpan span, const ScanFile ***out,
                   size_t *count)
{
    SCRATCH(scratch);
    Map map = map_new(scratch);
    FileVec files = {0};
    add_inputs(arena, &map, rel, span, &files);
    *out = files.v;
    *count = files.n;
}

double scan_file_rows(const ScanFile *file, TimeSpan span)
{
    double covered = 0, whole = 0;
    if (file->interval_count == 0 || span_is_all(span)) return (double)file->rows;
    for (size_t i = 0; i < file->interval_count; i++) {
        TimeSpan part = span_meet(file->intervals[i], span);
        whole += (double)file->intervals[i].max - (double)file->intervals[i].min + 1;
        if (!span_is_empty(part)) covered += (double)part.max - (double)part.min + 1;
    }
    return (double)file->rows * covered / whole;
}

static double scan_rows(const Rel *rel, TimeSpan span)
{
    double rows = 0;
    span = span_meet(span, rel->scan.clip);
    for (size_t i = 0; i < rel->scan.file_count && !span_is_empty(span); i++)
        if (rel->scan.files[i].rows > 0) rows += scan_file_rows(&rel->scan.files[i], span);
    return rows;
}

double rel_bucket_rows(const Rel *rel, const Grid *grid, TimeSpan span, double input)
{
    SCRATCH(scratch);
    RelExtent extent = rel_extent(scratch, rel);
    double buckets = 0;
    if (!extent.known) return input;
    for (size_t i = 0; i < extent.count; i++) {
        TimeSpan part = span_meet(extent.intervals[i], span);
        if (!span_is_empty(part))
            buckets += ((double)part.max - (double)part.min) / (double)grid->width_us + 1;
    }
    return buckets < input ? buckets : input;
}

static double rows_in(Map *map, const Rel *rel, TimeSpan span);

/* Sides of a join mostly have the same times: as many as the longest. */
static double rows_of_inputs(Map *map, const Rel *rel, TimeSpan span)
{
    double rows = 0;
    for (size_t i = 0; i < rel->input_count; i++) {
        if (!rel_reads(rel, i)) continue;
        double input = rows_in(map, rel->inputs[i], rel_span_below(rel, rel->inputs[i], span));
        if (rel->kind != REL_JOIN)
            rows += input;
        else if (input > rows)
            rows = input;
    }
    return rows;
}

static double rows_of(Map *map, const Rel *rel, TimeSpan span)
{
    double rows = rows_of_inputs(map, rel, span);
    switch (rel->kind) {
    case REL_SCAN: return scan_rows(rel, span);
    case REL_SYNTHETIC: {
        TimeSpan indexes = synthetic_indexes(&rel->synthetic, span);
        return span_is_empty(indexes) ? 0 : (double)(indexes.max - indexes.min + 1);
    }
    case REL_BUCKET:
    case REL_BUCKET_OVER: return rel_bucket_rows(rel, &rel->bucket->grid, span, rows);
    case REL_PARTIALS: return rel_bucket_rows(rel, &rel->bucket->base, span, rows);
    case REL_EMPTY:
    case REL_ROWS:
    case REL_PASS:
    case REL_RETIME:
    case REL_PROJECT:
    case REL_RANGE:
    case REL_UNION:
    case REL_JOIN:
    case REL_SORT:
    case REL_SQL: return rows;
    }
    return rows;
}

static double rows_in(Map *map, const Rel *rel, TimeSpan span)
{
    Seen *seen = seen_get(map, rel, span);
    if (seen != NULL) return seen->rows;
    double rows = rows_of(map, rel, span);
    seen = seen_put(map, rel, span);
    if (seen != NULL) seen->rows = rows;
    return rows;
}

int64_t rel_rows_estimate(const Rel *rel, TimeSpan span)
{
    SCRATCH(scratch);
    Map map = map_new(scratch);
    return (int64_t)(rows_in(&map, rel, span) + 0.5);
}

/* ---- cuts ---- */

static TimeUs cut_once(Map *map, const Rel *rel, TimeUs time)
{
    if (rel->kind == REL_BUCKET || rel->kind == REL_BUCKET_OVER)
        return grid_floor(&rel->bucket->grid, time);
    if (rel->kind == REL_PARTIALS) return grid_floor(&rel->bucket->base, time);
    if (!rel->facts->is_time_local) return time;
    Seen *seen = seen_get(map, rel, (TimeSpan){time, time});
    if (seen != NULL) return seen->cut;
    TimeUs cut = rel->kind == REL_SQL ? sql_local_floor(&rel->facts->sql.local, time) : time;
    for (size_t i = 0; i < rel->input_count; i++) {
        TimeUs input = cut_once(map, rel->inputs[i], time);
        if (input < cut) cut = input;
    }
    seen = seen_put(map, rel, (TimeSpan){time, time});
    if (seen != NULL) seen->cut = cut;
    return cut;
}

/* Grids of several inputs need not meet; then, after some rounds, the cut is merely a good one. */
TimeUs rel_cut_down(const Rel *rel, TimeUs time)
{
    SCRATCH(scratch);
    Map map = map_new(scratch);
    for (int round = 0; round < 64; round++) {
        TimeUs cut = cut_once(&map, rel, time);
        if (cut == time) break;
        time = cut;
    }
    return time;
}

/* ---- order ---- */

/* Inputs that follow each other in time, each in order. Equal times may meet: the earlier goes
 * first. */
static bool union_in_order(const Rel *rel, TimeSpan span)
{
    SCRATCH(scratch);
    bool is_first = true;
    TimeUs end = TIME_MIN;
    for (size_t i = 0; i < rel->input_count; i++) {
        RelExtent extent = rel_extent(scratch, rel->inputs[i]);
        if (!rel_in_order_for(rel->inputs[i], span)) return false;
        if (!extent.known) return rel->input_count == 1;
        for (size_t j = 0; j < extent.count; j++) {
            TimeSpan part = span_meet(extent.intervals[j], span);
            if (span_is_empty(part)) continue;
            if (!is_first && part.min < end) return false;
            end = part.max;
            is_first = false;
        }
    }
    return true;
}

bool rel_in_order_for(const Rel *rel, TimeSpan span)
{
    if (rel->facts->is_resolved && (rel->facts->is_in_order || span_is_all(span)))
        return rel->facts->is_in_order;
    if (rel->facts->time_index < 0) return true;
    SCRATCH(scratch);
    switch (rel->kind) {
    case REL_SCAN: return scan_select(scratch, &rel->scan, span).is_in_order;
    case REL_UNION: return union_in_order(rel, span);
    case REL_PASS:
    case REL_RANGE:
    case REL_PROJECT:
        return rel_in_order_for(rel->inputs[0], rel_span_below(rel, rel->inputs[0], span));
    case REL_RETIME: return !rel->facts->cuts_above && rel_in_order_for(rel->inputs[0], span);
    case REL_SQL: return false;
    case REL_EMPTY:
    case REL_SYNTHETIC:
    case REL_JOIN:
    case REL_ROWS:
    case REL_SORT:
    case REL_BUCKET:
    case REL_BUCKET_OVER:
    case REL_PARTIALS: return true;
    }
    return false;
}
