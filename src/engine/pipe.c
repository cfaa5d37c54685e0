/* The rows of one statement as the only source of another.
 *
 * COPY gives each pipeline of its SELECT a buffer of its own, and what a pipeline leaves at its end
 * when that is less than half a row group waits in a common buffer until the last has ended: behind
 * a branch of UNION ALL that ends so, later rows come first. And a row group ends with the chunk
 * that fills it, so where it ends depends on how the rows came. Both end with one source that gives
 * full chunks: rows stay in order, and row groups are exact.
 *
 * The inner statement streams on its own connection, on the same thread. Cells of any type are
 * copied by the engine, a chunk at a time. */
#include "engine/engine_int.h"

struct Pipe {
    Arena *arena;
    Result *result;
    Conn *conn; /* of the outer statement */
    Feed *feed;
    duckdb_selection_vector rows; /* 0, 1, 2, ... */
    size_t taken, size;           /* of the chunk at hand */
    bool ended;
};

static Err *pipe_fetch(Pipe *pipe)
{
    Chunk chunk;
    TRY(engine_next(pipe->result, &chunk));
    pipe->taken = 0;
    pipe->size = chunk.rows;
    pipe->ended = chunk.rows == 0;
    return NULL;
}

static Err *pipe_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    Pipe *pipe = context;
    size_t filled = 0;
    while (filled < capacity && !pipe->ended) {
        if (pipe->taken == pipe->size) {
            TRY(pipe_fetch(pipe));
            continue;
        }
        size_t left = pipe->size - pipe->taken, room = capacity - filled;
        size_t count = left < room ? left : room;
        duckdb_data_chunk from = result_chunk(pipe->result);
        for (size_t i = 0; i < ddb.data_chunk_get_column_count(from); i++)
            ddb.vector_copy_sel(ddb.data_chunk_get_vector(from, i), feed_vector(&columns[i]),
                                pipe->rows, pipe->taken + count, pipe->taken, filled);
        pipe->taken += count;
        filled += count;
    }
    *out_rows = filled;
    return NULL;
}

void pipe_close_at(Pipe **out)
{
    Pipe *pipe = *out;
    if (pipe == NULL) return;
    engine_feed_close_at(&pipe->feed);
    engine_disconnect_at(&pipe->conn);
    if (pipe->rows != NULL) ddb.destroy_selection_vector(pipe->rows);
    engine_result_close_at(&pipe->result);
    arena_free(pipe->arena);
    *out = NULL;
}

Err *pipe_open(Conn *inner, const char *sql, Pipe **out)
{
    Arena *arena = arena_new();
    CLEANUP(pipe_close_at) Pipe *pipe = ANEW(arena, Pipe);
    pipe->arena = arena;
    size_t capacity = ddb.vector_size();
    pipe->rows = ddb.create_selection_vector(capacity);
    sel_t *rows = ddb.selection_vector_get_data_ptr(pipe->rows);
    for (size_t i = 0; i < capacity; i++) rows[i] = (sel_t)i;
    TRY(engine_query(inner, sql, NULL, 0, &pipe->result));
    TRY(engine_connect(&pipe->conn));
    TRY(feed_open_like(pipe->conn, pipe->result, pipe_next, pipe, &pipe->feed));
    *out = pipe;
    pipe = NULL;
    return NULL;
}

Conn *pipe_conn(const Pipe *pipe)
{
    return pipe->conn;
}

const char *pipe_select_sql(const Pipe *pipe)
{
    return arena_printf(pipe->arena, "SELECT * FROM %s()", engine_feed_name(pipe->feed));
}
