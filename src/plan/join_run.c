/* The join while it runs: a merge of its sides, each a statement of its own that is read in time
 * order, as a feed of the statement above.
 *
 * Only columns that the statement above reads are asked of the sides. A side is opened when the
 * merge reaches the first time that it can have, so a hundred devices that replaced each other cost
 * the memory of those that overlap. Memory is a chunk a side, and the rows of one instant where
 * they go on in the next chunk. */
#include "perf/ops.h"
#include "plan/join_int.h"
#include <string.h>

typedef struct JoinRun {
    FeedRun base;
    Plan *plan;
    Arena *arena;
    JoinSide *sides;
    size_t side_count;
    bool has_begun;

    bool in_instant;
    TimeUs time;
    int64_t tie; /* rows of the instant so far */
} JoinRun;

static JoinRun *run_of(FeedRun *base)
{
    return (JoinRun *)base;
}

/* ---- opening ---- */

static Err *emit_side(const void *context, Emit *emit)
{
    const JoinSide *side = context;
    return join_emit_side(emit, side->reader.input, run_of(side->run)->base.span, side->sources,
                          side->column_count);
}

/* The first time inside the span that the relation can have; false: it has none. */
static bool first_time(const Rel *rel, TimeSpan span, TimeUs *out)
{
    SCRATCH(scratch);
    RelExtent extent = rel_extent(scratch, rel);
    *out = span.min;
    for (size_t i = 0; i < extent.count; i++) {
        TimeSpan part = span_meet(extent.intervals[i], span);
        if (span_is_empty(part)) continue;
        *out = part.min;
        return true;
    }
    return !extent.known;
}

static void side_begin(JoinRun *run, JoinSide *side, const Rel *input, const FeedColumn *columns,
                       size_t *target)
{
    Arena *arena = run->arena;
    const RelFacts *facts = input->facts;
    const Column *time = &facts->schema.columns[facts->time_index];
    side->sources = AARRAY(arena, size_t, facts->schema.count);
    side->targets = AARRAY(arena, size_t, facts->schema.count);
    for (size_t i = 0; i < facts->schema.count; i++) {
        if ((ptrdiff_t)i == facts->time_index) continue;
        if (columns[*target].data != NULL || !toggle_on(TOGGLE_join_columns)) {
            side->sources[side->column_count] = i;
            side->targets[side->column_count++] = *target;
        }
        ++*target;
    }
    side->kept.arena = arena_new();
    side->kept.columns = AARRAY(arena, KeptColumn, side->column_count);
    side->kept.column_count = side->column_count;
    side->origin = AARRAY(arena, int32_t, FEED_ROWS_MAX);
    side->run = &run->base;
    side->reader = (Reader){.plan = run->plan,
                            .arena = arena,
                            .rel = run->base.rel,
                            .input = input,
                            .scale = time_scale_of(time->type, facts->time_unit),
                            .emit = emit_side,
                            .context = side};
    reader_init(&side->reader);
    if (!first_time(input, run->base.span, &side->begin)) side->reader.has_ended = true;
}

static void run_begin(JoinRun *run, const FeedColumn *columns)
{
    const Rel *rel = run->base.rel;
    size_t target = 1;
    run->has_begun = true;
    run->sides = AARRAY(run->arena, JoinSide, rel->input_count);
    for (size_t i = 0; i < rel->input_count; i++, run->side_count++)
        side_begin(run, &run->sides[i], rel->inputs[i], columns, &target);
}

/* ---- sides ---- */

/* What the feed's rows still take from the chunk is copied before it goes. */
static Err *side_fetch(JoinSide *side, const FeedColumn *columns, size_t rows)
{
    if (!side->is_kept) side_copy(side, columns, rows);
    TRY(reader_next(&side->reader));
    perf_add(PERF_join_row, side->reader.chunk.rows);
    side->row = 0;
    return NULL;
}

static bool side_has_row(const JoinSide *side)
{
    return side->reader.has_begun && !side->reader.has_ended;
}

static TimeUs side_time(const JoinSide *side)
{
    return side->reader.times[side->row];
}

/* The rest of the chunk ends with rows of the instant: they are kept, with what follows of them. */
static Err *side_keep(JoinRun *run, JoinSide *side, const FeedColumn *columns, size_t rows)
{
    side_copy(side, columns, rows);
    kept_clear(&side->kept);
    size_t end = side->reader.chunk.rows;
    for (;;) {
        kept_add(&side->kept, &side->reader.chunk, side->row, end);
        if (side->kept.rows > JOIN_TIES_MAX) {
            SCRATCH(scratch);
            return ERR(LIMIT, "%s: more than %d rows of %s have the time %s", run->base.rel->label,
                       JOIN_TIES_MAX, side->reader.input->label, time_format(scratch, run->time));
        }
        side->row = end;
        if (end < side->reader.chunk.rows) break;
        TRY(side_fetch(side, columns, rows));
        if (side->reader.has_ended) break;
        for (end = 0; end < side->reader.chunk.rows && side->reader.times[end] == run->time;) end++;
        if (end == 0) break;
    }
    side->is_kept = true;
    side->first = 0;
    side->count = side->kept.rows;
    return NULL;
}

/* Finds the side's rows of the instant and steps behind them. */
static Err *side_enter(JoinRun *run, JoinSide *side, const FeedColumn *columns, size_t rows)
{
    side->at = 0;
    side->count = 0;
    if (!side_has_row(side) || side_time(side) != run->time) return NULL;
    size_t end = side->row + 1, chunk_rows = side->reader.chunk.rows;
    while (end < chunk_rows && side->reader.times[end] == run->time) end++;
    if (end == chunk_rows) return side_keep(run, side, columns, rows);
    if (side->is_kept) side_copy(side, columns, rows);
    side->is_kept = false;
    side->first = side->row;
    side->count = end - side->row;
    side->row = end;
    return NULL;
}

/* ---- instants ---- */

/* The earliest time at hand; `*out_closed` is a side that must be opened first, or NULL. */
static bool earliest(const JoinRun *run, TimeUs *out_time, JoinSide **out_closed)
{
    bool any = false;
    TimeUs best = TIME_MAX;
    *out_closed = NULL;
    for (size_t i = 0; i < run->side_count; i++) {
        const JoinSide *side = &run->sides[i];
        if (!side_has_row(side) || (any && side_time(side) >= best)) continue;
        best = side_time(side);
        any = true;
    }
    for (size_t i = 0; i < run->side_count; i++) {
        JoinSide *side = &run->sides[i];
        if (side->reader.has_begun || side->reader.has_ended || (any && side->begin > best))
            continue;
        if (*out_closed == NULL || side->begin < (*out_closed)->begin) *out_closed = side;
    }
    *out_time = best;
    return any;
}

static Err *next_instant(JoinRun *run, const FeedColumn *columns, size_t rows)
{
    JoinSide *closed = NULL;
    run->in_instant = earliest(run, &run->time, &closed);
    while (closed != NULL) {
        TRY(side_fetch(closed, columns, rows));
        run->in_instant = earliest(run, &run->time, &closed);
    }
    run->tie = 0;
    for (size_t i = 0; run->in_instant && i < run->side_count; i++)
        TRY(side_enter(run, &run->sides[i], columns, rows));
    return NULL;
}

/* The next combination: the last side's row changes first. */
static void step(JoinRun *run)
{
    run->tie++;
    for (size_t i = run->side_count; i-- > 0;) {
        JoinSide *side = &run->sides[i];
        if (side->count == 0) continue;
        if (++side->at < side->count) return;
        side->at = 0;
    }
    run->in_instant = false;
}

static void put_row(JoinRun *run, const FeedColumn *columns, size_t row)
{
    const FeedColumn *time = &columns[0], *tie = &columns[run->base.rel->facts->schema.count];
    if (time->data != NULL) ((int64_t *)time->data)[row] = run->time;
    if (tie->data != NULL) ((int64_t *)tie->data)[row] = run->tie;
    for (size_t i = 0; i < run->side_count; i++) {
        JoinSide *side = &run->sides[i];
        side->origin[row] = side->count == 0 ? -1 : (int32_t)(side->first + side->at);
    }
}

/* ---- the feed ---- */

static Err *join_next(FeedRun *base, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    JoinRun *run = run_of(base);
    size_t rows = 0;
    if (!run->has_begun) run_begin(run, columns);
    for (size_t i = 0; i < run->side_count; i++) run->sides[i].copied = 0;
    if (capacity > FEED_ROWS_MAX) capacity = FEED_ROWS_MAX;
    while (rows < capacity) {
        if (!run->in_instant) TRY(next_instant(run, columns, rows));
        if (!run->in_instant) break;
        put_row(run, columns, rows++);
        step(run);
    }
    for (size_t i = 0; i < run->side_count; i++) side_copy(&run->sides[i], columns, rows);
    perf_add(PERF_join_out, rows);
    *out_rows = rows;
    return NULL;
}

static void join_close(FeedRun *base)
{
    JoinRun *run = run_of(base);
    for (size_t i = 0; i < run->side_count; i++) {
        reader_close(&run->sides[i].reader);
        arena_free(run->sides[i].kept.arena);
    }
    arena_free(run->arena);
}

/* All columns, since what will be read of them shows only when it runs. */
static Err *join_explain(const FeedRun *base, Emit *emit, size_t index)
{
    const Rel *input = base->rel->inputs[index];
    const RelFacts *facts = input->facts;
    size_t *sources = AARRAY(emit->arena, size_t, facts->schema.count), count = 0;
    for (size_t i = 0; i < facts->schema.count; i++) {
        if ((ptrdiff_t)i != facts->time_index) sources[count++] = i;
    }
    return join_emit_side(emit, input, base->span, sources, count);
}

FeedRun *join_run_new(Plan *plan, const Rel *rel, TimeSpan span)
{
    static const FeedRunOps OPS = {
        .name = "join", .next = join_next, .close = join_close, .emit = join_explain};
    Arena *arena = arena_new();
    JoinRun *run = ANEW(arena, JoinRun);
    run->base = (FeedRun){.ops = &OPS, .rel = rel, .span = span, .statements = rel->input_count};
    run->plan = plan;
    run->arena = arena;
    return &run->base;
}
