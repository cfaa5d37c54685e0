/* The bucket operator: rows in time order in, one row per bucket out, as a feed of the statement
 * above.
 *
 * It runs its own statement on its own connection, in the thread that reads the feed, and opens it
 * with the first row that is asked for. Each chunk's times are converted and checked once (null
 * times and disorder are errors: a recorded order that does not hold means damage); then runs of
 * rows of one bucket go to the states, a column at a time. Buckets of the base width are folded,
 * whole and in order, into the wider ones. Over partials the rows are the base buckets. Memory is
 * one chunk and two buckets. */
#include "perf/perf.h"
#include "plan/bucket_int.h"
#include <inttypes.h>
#include <string.h>

enum { CHUNK_ROWS_MAX = 2048 };

struct BucketRun {
    Plan *plan;
    Arena *arena;
    const Rel *rel;
    TimeSpan span; /* of the output */
    Conn *conn;
    Segment segment;
    bool is_open, has_ended, has_failed;
    Result *result;
    CellVec cells; /* of partials: read, or written */

    Chunk chunk;
    size_t row;          /* next of the chunk */
    const TimeUs *times; /* of the chunk */
    TimeUs *converted;
    TimeUs last_time;

    Bucket base, wide;
    TimeUs base_end, wide_end;
    bool has_base, is_wide_taken;
};

BucketRun *bucket_run_new(Plan *plan, const Rel *rel, TimeSpan span)
{
    Arena *arena = arena_new();
    BucketRun *run = ANEW(arena, BucketRun);
    run->plan = plan;
    run->arena = arena;
    run->rel = rel;
    run->span = span;
    run->last_time = TIME_MIN;
    run->cells = bucket_cells(arena, rel->bucket);
    run->converted = AARRAY(arena, TimeUs, CHUNK_ROWS_MAX);
    run->base = bucket_new(arena, rel->bucket);
    run->wide = bucket_new(arena, rel->bucket);
    return run;
}

/* The stream below and its connection; the states stay. */
static void run_close_input(BucketRun *run)
{
    engine_result_close_at(&run->result);
    if (run->is_open) segment_close(&run->segment);
    run->is_open = false;
    engine_disconnect_at(&run->conn);
}

void bucket_run_close(BucketRun *run)
{
    run_close_input(run);
    arena_free(run->arena);
}

bool bucket_run_has_failed(const BucketRun *run)
{
    return run->has_failed;
}

const Rel *bucket_run_rel(const BucketRun *run, TimeSpan *out_span)
{
    *out_span = run->span;
    return run->rel;
}

/* ---- what it reads ---- */

static bool is_over_partials(const Rel *rel)
{
    return rel->kind == REL_BUCKET_OVER;
}

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

static Err *emit_partials_input(Emit *emit, const Rel *rel, TimeSpan span)
{
    return emit_sorted(emit, rel->inputs[0], grid_widen(&rel->bucket->grid, span));
}

Err *bucket_emit_input(Emit *emit, const Rel *rel, TimeSpan span)
{
    if (is_over_partials(rel)) return emit_partials_input(emit, rel, span);
    const BucketPlan *bucket = rel->bucket;
    const Rel *input = rel->inputs[0];
    const RelFacts *facts = input->facts;
    const Grid *grid = rel->kind == REL_PARTIALS ? &bucket->base : &bucket->grid;
    const char *type = facts->schema.columns[facts->time_index].type;
    bool is_cast = type_class(type) == TYPE_INT && strcmp(type, "BIGINT") != 0;
    buf_printf(&emit->sql, is_cast ? "SELECT CAST(c%zd AS BIGINT)" : "SELECT c%zd",
               facts->time_index);
    for (size_t i = 0; i < bucket->channels.n; i++)
        buf_printf(&emit->sql, ", %s", channel_sql(emit->arena, &bucket->channels.v[i]));
    buf_puts(&emit->sql, " FROM (");
    TRY(emit_sorted(emit, input, grid_widen(grid, span)));
    buf_putc(&emit->sql, ')');
    return NULL;
}

static Err *run_open(BucketRun *run)
{
    TRY(engine_connect(&run->conn));
    run->segment = segment_new(run->plan, run->arena, run->conn, run->rel);
    run->segment.emit.keep_null_times = true;
    run->is_open = true;
    TRY(bucket_emit_input(&run->segment.emit, run->rel, run->span));
    Err *err = engine_query(run->conn, run->segment.emit.sql.data, NULL, 0, &run->result);
    return segment_error(&run->segment, err);
}

/* ---- times ---- */

static Err *no_time(const BucketRun *run)
{
    const Rel *input = run->rel->inputs[0];
    return ERR(INVALID, "%s: a row of %s has no time: \"%s\" is null", run->rel->label,
               input->label, input->facts->schema.columns[input->facts->time_index].name);
}

static Err *convert_times(BucketRun *run, const Vector *vector, TimeScale scale)
{
    for (size_t i = 0; i < run->chunk.rows; i++) {
        if (vector_is_null(vector, i)) return no_time(run);
        int64_t value = engine_int(vector, i);
        if (!time_to_us(scale, value, &run->converted[i]))
            return ERR(INVALID, "%s: time %" PRId64 " in %s is out of range", run->rel->label,
                       value, run->rel->inputs[0]->label);
    }
    run->times = run->converted;
    return NULL;
}

static Err *check_order(BucketRun *run)
{
    TimeUs last = run->last_time;
    bool is_ordered = true;
    for (size_t i = 0; i < run->chunk.rows; i++) {
        is_ordered &= run->times[i] >= last;
        last = run->times[i];
    }
    run->last_time = last;
    if (is_ordered) return NULL;
    return err_hint(ERR(CORRUPT, "%s: the rows of %s are not in the order that was recorded",
                        run->rel->label, run->rel->inputs[0]->label),
                    "run fsck");
}

static Err *fetch(BucketRun *run)
{
    const BucketPlan *bucket = run->rel->bucket;
    if (run->result == NULL) TRY(run_open(run));
    TRY(segment_error(&run->segment, engine_next(run->result, &run->chunk)));
    run->row = 0;
    if (run->chunk.rows == 0) {
        run->has_ended = true;
        run_close_input(run); /* connections are few, and a statement may read many feeds in turn */
        return NULL;
    }
    const Vector *times = &run->chunk.vectors[0];
    const TimeScale one = {1, 1};
    TimeScale scale = is_over_partials(run->rel) ? one : bucket->input_scale;
    bool is_plain = times->phys == PHYS_I64 && times->validity == NULL && scale.multiply == 1 &&
                    scale.divide == 1;
    if (is_plain)
        run->times = times->data;
    else
        TRY(convert_times(run, times, scale));
    if (!is_over_partials(run->rel)) perf_add(PERF_bucket_row, run->chunk.rows);
    return check_order(run);
}

/* ---- base buckets ---- */

static size_t run_end(const BucketRun *run)
{
    size_t low = run->row, high = run->chunk.rows; /* times[low] < base_end */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (run->times[middle] < run->base_end)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void begin_base(BucketRun *run, TimeUs time)
{
    const Grid *grid = &run->rel->bucket->base;
    bucket_reset(&run->base, run->rel->bucket, grid_floor(grid, time));
    run->base_end = grid_next(grid, run->base.start);
}

/* Rows up to the end of the bucket, over as many chunks as it takes. */
static Err *base_of_rows(BucketRun *run)
{
    const BucketPlan *bucket = run->rel->bucket;
    while (!run->has_ended) {
        if (run->row == run->chunk.rows) {
            TRY(fetch(run));
            continue;
        }
        if (run->base.rows == 0) begin_base(run, run->times[run->row]);
        if (run->times[run->row] >= run->base_end) return NULL;
        size_t end = run_end(run);
        for (size_t i = 0; i < bucket->channels.n; i++)
            state_add(run->arena, &run->base.states[i], &bucket->channels.v[i],
                      &run->chunk.vectors[i + 1], run->row, end);
        run->base.rows += (int64_t)(end - run->row);
        run->row = end;
    }
    return NULL;
}

static Err *base_of_partials(BucketRun *run)
{
    const BucketPlan *bucket = run->rel->bucket;
    if (run->row == run->chunk.rows) TRY(fetch(run));
    if (run->has_ended) return NULL;
    bucket_reset(&run->base, bucket, run->times[run->row]);
    run->base.rows = engine_int(&run->chunk.vectors[1], run->row);
    for (size_t i = 0; i < run->cells.n; i++) {
        const Cell *cell = &run->cells.v[i];
        cell_read(run->arena, &run->base.states[cell->channel], &bucket->channels.v[cell->channel],
                  cell, &run->chunk.vectors[i + 2], run->row);
    }
    run->row++;
    return NULL;
}

/* The next base bucket; false at the end. */
static Err *next_base(BucketRun *run, bool *out_any)
{
    run->base.rows = 0;
    *out_any = false;
    if (run->has_ended) return NULL;
    TRY(is_over_partials(run->rel) ? base_of_partials(run) : base_of_rows(run));
    *out_any = run->base.rows > 0;
    return NULL;
}

/* ---- wider buckets ---- */

static void begin_wide(BucketRun *run, TimeUs time)
{
    const Grid *grid = &run->rel->bucket->grid;
    bucket_reset(&run->wide, run->rel->bucket, grid_floor(grid, time));
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
        bucket_fold(run->arena, &run->wide, &run->base, run->rel->bucket);
        run->has_base = false;
    }
    *out = run->wide.rows > 0 ? &run->wide : NULL;
    run->is_wide_taken = true;
    return NULL;
}

static Err *next_bucket(BucketRun *run, const Bucket **out)
{
    const BucketPlan *bucket = run->rel->bucket;
    if (run->rel->kind != REL_PARTIALS && bucket->grid.width_us != bucket->base.width_us)
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
    const BucketPlan *plan = run->rel->bucket;
    ((int64_t *)columns[0].data)[row] = bucket->start;
    if (run->rel->kind == REL_PARTIALS) {
        ((int64_t *)columns[1].data)[row] = bucket->rows;
        for (size_t i = 0; i < run->cells.n; i++) {
            const Cell *cell = &run->cells.v[i];
            cell_write(&bucket->states[cell->channel], &plan->channels.v[cell->channel], cell,
                       &columns[i + 2], row);
        }
        return NULL;
    }
    for (size_t i = 0; i < plan->spec.agg_count; i++)
        TRY(result_write(run->rel, bucket, i, &columns[i + 1], row));
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

Err *bucket_run_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    BucketRun *run = context;
    Err *err = fill(run, columns, capacity, out_rows);
    run->has_failed = err != NULL;
    return err;
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
    FeedRef ref = {.run = bucket_run_new(emit->plan, rel, wish.span)};
    vec_push(emit->arena, &emit->feeds, ref);
    FeedRef *kept = &emit->feeds.v[emit->feeds.n - 1];
    if (emit->conn != NULL)
        TRY(engine_feed_open(emit->conn, &feed, bucket_run_next, kept->run, &kept->feed));
    buf_puts(&emit->sql, "SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        bool is_same = strcmp(feed.columns[i].type, schema->columns[i].type) == 0;
        const char *value = arena_printf(emit->arena, is_same ? "f%zu" : "CAST(f%zu AS %s)", i,
                                         schema->columns[i].type);
        buf_printf(&emit->sql, "%s%s AS c%zu", i > 0 ? ", " : "", value, i);
    }
    if (wish.with_order)
        buf_printf(&emit->sql, ", %" PRId64 "::BIGINT AS o, 0::BIGINT AS r", emit->next_ordinal++);
    if (kept->feed != NULL)
        buf_printf(&emit->sql, " FROM %s()", engine_feed_name(kept->feed));
    else
        buf_printf(&emit->sql, " FROM bucket_%zu()", emit->feeds.n);
    return NULL;
}
