/* Segments: one statement and the feeds it reads; and streams, which are a segment that is being
 * read.
 *
 * A stream owns its connection, so streams of one resolved tree run on as many threads as there
 * are. The order of closing is: result, feeds (with the streams below them), connection.
 *
 * An error that the engine places in the statement is told in the user's text if it lies there,
 * else without a place. An error that comes up from a feed has been told already. */
#include "perf/ops.h"
#include "plan/plan_int.h"
#include <string.h>

Segment segment_new(Plan *plan, Arena *arena, Conn *conn, const Rel *rel)
{
    return (Segment){.rel = rel,
                     .emit = {.arena = arena, .plan = plan, .conn = conn, .sql = buf_new(arena)}};
}

void segment_close(Segment *segment)
{
    for (size_t i = 0; i < segment->emit.feeds.n; i++) {
        FeedRef *ref = &segment->emit.feeds.v[i];
        engine_feed_close_at(&ref->feed);
        if (ref->run != NULL) ref->run->ops->close(ref->run);
    }
    segment->emit.feeds.n = 0;
}

/* ---- feeds ---- */

static Err *feed_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    FeedRun *run = context;
    Err *err = run->ops->next(run, columns, capacity, out_rows);
    run->has_failed = err != NULL;
    return err;
}

Err *emit_open_feed(Emit *emit, FeedRun *run, const Schema *schema, const char **out_name)
{
    vec_push(emit->arena, &emit->feeds, ((FeedRef){.run = run}));
    FeedRef *ref = &emit->feeds.v[emit->feeds.n - 1];
    *out_name = arena_printf(emit->arena, "%s_%zu", run->ops->name, emit->feeds.n);
    if (emit->conn == NULL) return NULL;
    TRY(engine_feed_open(emit->conn, schema, feed_next, run, &ref->feed));
    *out_name = engine_feed_name(ref->feed);
    return NULL;
}

/* ---- errors ---- */

static bool comes_from_feed(const Segment *segment)
{
    for (size_t i = 0; i < segment->emit.feeds.n; i++) {
        const FeedRun *run = segment->emit.feeds.v[i].run;
        if (run != NULL && run->has_failed) return true;
    }
    return false;
}

static int line_of(const char *text, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset; i++) line += text[i] == '\n';
    return line;
}

/* The user's text that holds the line; *out_line counts within it. */
static const UserText *text_at(const Emit *emit, int line, int *out_line)
{
    for (size_t i = 0; i < emit->texts.n; i++) {
        const UserText *text = &emit->texts.v[i];
        int first = line_of(emit->sql.data, text->begin), last = line_of(emit->sql.data, text->end);
        if (line < first || line > last) continue;
        *out_line = line - first + 1;
        return text;
    }
    return NULL;
}

Err *segment_error(const Segment *segment, Err *err)
{
    if (err == NULL || err_code(err) == ERR_INTERRUPTED || comes_from_feed(segment)) return err;
    if (err_code(err) != ERR_SQL) return ERR_WRAP(err, "%s", segment->rel->label);
    int line, column;
    err_position(err, &line, &column);
    const UserText *text = line > 0 ? text_at(&segment->emit, line, &line) : NULL;
    bool is_placed = text != NULL;
    if (text == NULL && segment->emit.texts.n == 1) text = &segment->emit.texts.v[0];
    Err *told =
        ERR(SQL, "%s: %s", text != NULL ? text->rel->label : segment->rel->label, err_message(err));
    if (err_hint_text(err) != NULL) told = err_hint(told, "%s", err_hint_text(err));
    if (is_placed) told = err_source(err_at(told, line, column), text->rel->sql.query);
    err_free(err);
    return told;
}

/* ---- streams ---- */

struct RelStream {
    Arena *arena;
    Conn *conn;
    Segment segment;
    Result *result;
};

void rel_close_at(RelStream **out)
{
    RelStream *stream = *out;
    if (stream == NULL) return;
    engine_result_close_at(&stream->result);
    segment_close(&stream->segment);
    engine_disconnect_at(&stream->conn);
    arena_free(stream->arena);
    *out = NULL;
}

Err *check_resolved(const Rel *rel, TimeSpan span)
{
    if (!rel->facts->is_resolved) return ERR(INTERNAL, "%s: run before plan_resolve", rel->label);
    if (rel->facts->time_index < 0 && !span_is_all(span))
        return ERR(INVALID, "%s: a range of time needs a time column", rel->label);
    if (rel->facts->ways > WAYS_MAX)
        return err_hint(
            ERR(LIMIT, "%s: it reads its inputs in more than %d ways", rel->label, WAYS_MAX),
            "nodes that it reads share their inputs again and again: see describe");
    return NULL;
}

static Err *stream_sql(Emit *emit, const Rel *rel, RelRead read)
{
    PERF_SPAN(PERF_sql_emit);
    TRY(read.sorted ? emit_sorted(emit, rel, read.span)
                    : emit_rel(emit, rel, (EmitWish){.span = read.span}));
    if (read.limit > 0) buf_printf(&emit->sql, " LIMIT %lld", (long long)read.limit);
    return NULL;
}

static Err *stream_start(RelStream *stream, const Rel *rel, RelRead read)
{
    Emit *emit = &stream->segment.emit;
    TRY(stream_sql(emit, rel, read));
    Err *err = engine_query(stream->conn, emit->sql.data, NULL, 0, &stream->result);
    return segment_error(&stream->segment, err);
}

Err *rel_open(Plan *plan, const Rel *rel, RelRead read, RelStream **out)
{
    TRY(check_resolved(rel, read.span));
    Arena *arena = arena_new();
    CLEANUP(rel_close_at) RelStream *stream = ANEW(arena, RelStream);
    stream->arena = arena;
    TRY(engine_connect(&stream->conn));
    stream->segment = segment_new(plan, arena, stream->conn, rel);
    TRY(stream_start(stream, rel, read));
    *out = stream;
    stream = NULL;
    return NULL;
}

const Schema *rel_stream_schema(const RelStream *stream)
{
    return &stream->segment.rel->facts->schema;
}

Err *rel_next(RelStream *stream, Chunk *out)
{
    return segment_error(&stream->segment, engine_next(stream->result, out));
}
