/* The bucket operator: rows in time order in, one row per bucket out, as a feed of the statement
 * above.
 *
 * It reads in the thread that reads the feed, and only what the statement above asks for. Runs of
 * rows of one bucket go to the states, a column at a time. Buckets of the base width are folded,
 * whole and in order, into the wider ones. Over partials the rows are the base buckets. Memory is
 * one chunk and two buckets. */
#include "perf/ops.h"
#include "plan/bucket_int.h"
#include "plan/reader.h"
#include <inttypes.h>
#include <string.h>

typedef struct BucketRun {
    FeedRun base_run;
    Arena *arena;
    Reader reader;
    bool has_begun;
    bool *is_wanted; /* aggregates that are read above */
    size_t *vectors; /* where a channel stands in the chunk; 0: it is not read */
    CellVec cells;   /* of partials: read, or written */
    size_t row;      /* next of the chunk */

    Bucket base, wide;
    TimeUs base_end, wide_end;
    bool has_base, is_wide_taken;
} BucketRun;

static BucketRun *run_of(FeedRun *base)
{
    return (BucketRun *)base;
}

static const Rel *rel_of(const BucketRun *run)
{
    return run->base_run.rel;
}

static bool is_over_partials(const Rel *rel)
{
    return rel->kind == REL_BUCKET_OVER;
}

/* ---- what it reads ---- */

static char *channel_sql(Arena *arena, const Channel *channel)
{
    char *column = arena_printf(arena, "c%zu", channel->column);
    TypeClass class = type_class(channel->type);
    const char *type = NULL;
    switch (channel->kind) {
    case CHANNEL_COUNT: return arena_printf(arena, "%s IS NOT NULL", column);
    case CHANNEL_INT:
        type = class == TYPE_INT || class == TYPE_BOOL ? "BIGINT" : channel->type;
        break;
    case CHANNEL_WIDE:
        if (class == TYPE_DECIMAL)
            column = arena_printf(arena, "replace(CAST(%s AS VARCHAR), '.', '')", column);
        type = "HUGEINT";
        break;
    case CHANNEL_DOUBLE: type = "DOUBLE"; break;
    case CHANNEL_TEXT: type = strcmp(channel->type, "BLOB") == 0 ? "BLOB" : "VARCHAR"; break;
    }
    if (strcmp(type, channel->type) == 0) return column;
    return arena_printf(arena, "CAST(%s AS %s)", column, type);
}

/* The statement that feeds it: the time, then a column for each channel that is read (of values or,
 * over partials, all of them), in time order. */
static Err *emit_input(const BucketRun *run, Emit *emit)
{
    const Rel *rel = rel_of(run), *input = rel->inputs[0];
    const BucketPlan *bucket = rel->bucket;
    const Grid *grid = rel->kind == REL_PARTIALS ? &bucket->base : &bucket->grid;
    TimeSpan span = grid_widen(grid, run->base_run.span);
    if (is_over_partials(rel)) return emit_sorted(emit, input, span);
    buf_puts(&emit->sql, "SELECT ");
    reader_emit_time(emit, input);
    for (size_t i = 0; i < bucket->channels.n; i++) {
        if (run->vectors[i] > 0)
            buf_printf(&emit->sql, ", %s", channel_sql(emit->arena, &bucket->channels.v[i]));
    }
    buf_puts(&emit->sql, " FROM (");
    TRY(emit_sorted(emit, input, span));
    buf_putc(&emit->sql, ')');
    return NULL;
}

static Err *emit_reader(const void *context, Emit *emit)
{
    return emit_input(context, emit);
}

static Err *bucket_explain(const FeedRun *base, Emit *emit, size_t index)
{
    (void)index;
    return emit_input((const BucketRun *)base, emit);
}

/* All aggregates are wanted until the statement above tells which. */
static void want(BucketRun *run, const FeedColumn *columns)
{
    const BucketPlan *bucket = rel_of(run)->bucket;
    const bool is_partials = rel_of(run)->kind == REL_PARTIALS;
    size_t next = 1;
    memset(run->vectors, 0, bucket->channels.n * sizeof *run->vectors);
    for (size_t i = 0; i < bucket->spec.agg_count; i++) {
        run->is_wanted[i] = is_partials || columns == NULL || columns[i + 1].data != NULL;
        ptrdiff_t channel = bucket->agg_channel[i];
        if (run->is_wanted[i] && channel != NO_CHANNEL) run->vectors[channel] = 1;
    }
    for (size_t i = 0; i < bucket->channels.n; i++) {
        if (run->vectors[i] > 0) run->vectors[i] = next++;
    }
}

static void begin_run(BucketRun *run, const FeedColumn *columns)
{
    size_t wanted = 0;
    want(run, columns);
    for (size_t i = 0; i < rel_of(run)->bucket->spec.agg_count; i++) wanted += run->is_wanted[i];
    perf_add(PERF_bucket_agg, wanted);
    run->has_begun = true;
}

static Err *fetch(BucketRun *run)
{
    run->row = 0;
    TRY(reader_next(&run->reader));
    if (!is_over_partials(rel_of(run))) perf_add(PERF_bucket_row, run->reader.chunk.rows);
    return NULL;
}

/* ---- base buckets ---- */

static size_t run_end(const BucketRun *run)
{
    size_t low = run->row, high = run->reader.chunk.rows; /* times[low] < base_end */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (run->reader.times[middle] < run->base_end)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void begin_base(BucketRun *run, TimeUs time)
{
    const Grid *grid = &rel_of(run)->bucket->base;
    bucket_reset(&run->base, rel_of(run)->bucket, grid_floor(grid, time));
    run->base_end = grid_next(grid, run->base.start);
}

/* Rows up to the end of the bucket, over as many chunks as it takes. */
static Err *base_of_rows(BucketRun *run)
{
    const BucketPlan *bucket = rel_of(run)->bucket;
    while (!run->reader.has_ended) {
        if (run->row == run->reader.chunk.rows) {
            TRY(fetch(run));
            continue;
        }
        if (run->base.rows == 0) begin_base(run, run->reader.times[run->row]);
        if (run->reader.times[run->row] >= run->base_end) return NULL;
        size_t end = run_end(run);
        for (size_t i = 0; i < bucket->channels.n; i++) {
            if (run->vectors[i] == 0) continue;
            state_add(run->arena, &run->base.states[i], &bucket->channels.v[i],
                      &run->reader.chunk.vectors[run->vectors[i]], run->row, end);
        }
        run->base.rows += (int64_t)(end - run->row);
        run->row = end;
    }
    return NULL;
}

static Err *base_of_partials(BucketRun *run)
{
    const BucketPlan *bucket = rel_of(run)->bucket;
    if (run->row == run->reader.chunk.rows) TRY(fetch(run));
    if (run->reader.has_ended) return NULL;
    bucket_reset(&run->base, bucket, run->reader.times[run->row]);
    run->base.rows = engine_int(&run->reader.chunk.vectors[1], run->row);
    for (size_t i = 0; i < run->cells.n; i++) {
        const Cell *cell = &run->cells.v[i];
        cell_read(run->arena, &run->base.states[cell->channel], &bucket->channels.v[cell->channel],
                  cell, &run->reader.chunk.vectors[i + 2], run->row);
    }
    run->row++;
    return NULL;
}

/* The next base bucket; false at the end. */
static Err *next_base(BucketRun *run, bool *out_any)
{
    run->base.rows = 0;
    *out_any = false;
    if (run->reader.has_ended) return NULL;
    TRY(is_over_partials(rel_of(run)) ? base_of_partials(run) : base_of_rows(run));
    *out_any = run->base.rows > 0;
    return NULL;
}

/* ---- wider buckets ---- */

static void begin_wide(BucketRun *run, TimeUs time)
{
    const Grid *grid = &rel_of(run)->bucket->grid;
    bucket_reset(&run->wide, rel_of(run)->bucket, grid_floor(grid, time));
    run->wide_end = grid_next(grid, run->wide.start);
    run->is_wide_taken = false;
}

static Err *next_wide(BucketRun *run, const Bucket **out)
{
    if (run->is_wide_taken) run->wide.rows = 0;
    for (;;) {
        if (!run->has_base) TRY(next_base(run, &run->has_base));
        bool is_done = !run->has_base || (run->wide.rows > 0 && run->base.start >= run->wide_end);
        if (is_done) break;
        if (run->wide.rows == 0) begin_wide(run, run->base.start);
        bucket_fold(run->arena, &run->wide, &run->base, rel_of(run)->bucket);
        run->has_base = false;
    }
    *out = run->wide.rows > 0 ? &run->wide : NULL;
    run->is_wide_taken = true;
    return NULL;
}

static Err *next_bucket(BucketRun *run, const Bucket **out)
{
    const BucketPlan *bucket = rel_of(run)->bucket;
    if (rel_of(run)->kind != REL_PARTIALS && bucket->grid.width_us != bucket->base.width_us)
        return next_wide(run, out);
    bool has_any;
    TRY(next_base(run, &has_any));
    *out = has_any ? &run->base : NULL;
    return NULL;
}

/* ---- the feed ---- */

static Err *write_bucket(const BucketRun *run, const Bucket *bucket, const FeedColumn *columns,
                         size_t row)
{
    const BucketPlan *plan = rel_of(run)->bucket;
    if (columns[0].data != NULL) ((int64_t *)columns[0].data)[row] = bucket->start;
    if (rel_of(run)->kind == REL_PARTIALS) {
        if (columns[1].data != NULL) ((int64_t *)columns[1].data)[row] = bucket->rows;
        for (size_t i = 0; i < run->cells.n; i++) {
            const Cell *cell = &run->cells.v[i];
            if (columns[i + 2].data == NULL) continue;
            cell_write(&bucket->states[cell->channel], &plan->channels.v[cell->channel], cell,
                       &columns[i + 2], row);
        }
        return NULL;
    }
    for (size_t i = 0; i < plan->spec.agg_count; i++) {
        if (!run->is_wanted[i]) continue;
        TRY(result_write(rel_of(run), bucket, i, &columns[i + 1], row));
    }
    return NULL;
}

static Err *fill(BucketRun *run, const FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    size_t rows = 0;
    while (rows < capacity) {
        const Bucket *bucket = NULL;
        TRY(next_bucket(run, &bucket));
        if (bucket == NULL) break;
        TRY(write_bucket(run, bucket, columns, rows));
        rows++;
    }
    perf_add(PERF_bucket_out, rows);
    *out_rows = rows;
    return NULL;
}

static Err *bucket_next(FeedRun *base, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    BucketRun *run = run_of(base);
    if (!run->has_begun) begin_run(run, columns);
    return fill(run, columns, capacity, out_rows);
}

static void bucket_close(FeedRun *base)
{
    BucketRun *run = run_of(base);
    reader_close(&run->reader);
    arena_free(run->arena);
}

FeedRun *bucket_run_new(Plan *plan, const Rel *rel, TimeSpan span)
{
    static const FeedRunOps OPS = {
        .name = "bucket", .next = bucket_next, .close = bucket_close, .emit = bucket_explain};
    Arena *arena = arena_new();
    BucketRun *run = ANEW(arena, BucketRun);
    const BucketPlan *bucket = rel->bucket;
    run->base_run = (FeedRun){.ops = &OPS, .rel = rel, .span = span, .statements = 1};
    run->arena = arena;
    run->reader = (Reader){.plan = plan,
                           .arena = arena,
                           .rel = rel,
                           .input = rel->inputs[0],
                           .scale = is_over_partials(rel) ? (TimeScale){1, 1} : bucket->input_scale,
                           .emit = emit_reader,
                           .context = run};
    reader_init(&run->reader);
    run->is_wanted = AARRAY(arena, bool, bucket->spec.agg_count);
    run->vectors = AARRAY(arena, size_t, bucket->channels.n);
    want(run, NULL);
    run->cells = bucket_cells(arena, bucket);
    run->base = bucket_new(arena, bucket);
    run->wide = bucket_new(arena, bucket);
    return &run->base_run;
}

/* ---- emitting ---- */

static Schema feed_schema(Arena *arena, const Rel *rel)
{
    Schema schema = {.columns = AARRAY(arena, Column, rel->facts->schema.count),
                     .count = rel->facts->schema.count};
    for (size_t i = 0; i < schema.count; i++) {
        const char *type = rel->facts->schema.columns[i].type;
        if (rel->kind != REL_PARTIALS && i > 0) type = result_feed_type(rel->bucket, i - 1);
        schema.columns[i] = (Column){.name = arena_printf(arena, "f%zu", i), .type = type};
    }
    return schema;
}

Err *emit_bucket(Emit *emit, const Rel *rel, EmitWish wish)
{
    const Schema *schema = &rel->facts->schema;
    Schema feed = feed_schema(emit->arena, rel);
    const char *name;
    TRY(emit_open_feed(emit, bucket_run_new(emit->plan, rel, wish.span), &feed, &name));
    buf_puts(&emit->sql, "SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        bool is_same = strcmp(feed.columns[i].type, schema->columns[i].type) == 0;
        const char *value = arena_printf(emit->arena, is_same ? "f%zu" : "CAST(f%zu AS %s)", i,
                                         schema->columns[i].type);
        buf_printf(&emit->sql, "%s%s AS c%zu", i > 0 ? ", " : "", value, i);
    }
    if (wish.with_order)
        buf_printf(&emit->sql, ", %" PRId64 "::BIGINT AS o, 0::BIGINT AS r", emit->next_ordinal++);
    buf_printf(&emit->sql, " FROM %s()", name);
    return NULL;
}
