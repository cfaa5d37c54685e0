/* The new bytes of a stream, from one or several files, become one version; what is remembered
 * changes with them. Content of at most 4 KiB stays in memory, more goes through a file in the
 * store's staging folder. */
#include "factory/logfile_int.h"
#include <string.h>

enum { STEP = 1 << 18, INLINE_MAX = 4096 };

typedef struct Sink {
    const ExecCall *exec;
    Buf head; /* while it is small */
    char *path;
    OsFile *file;
    Sha256 *hash;
    int64_t bytes;
} Sink;

static void sink_close(Sink *sink)
{
    char unused[SHA256_HEX + 1];
    os_close_at(&sink->file);
    if (sink->hash != NULL) sha256_hex(sink->hash, unused); /* frees it */
}

static Err *sink_open_file(Sink *sink)
{
    sink->path = exec_stage_path(sink->exec);
    TRY(os_open_new(sink->path, &sink->file));
    sink->hash = sha256_new(sink->exec->call.arena);
    sha256_add(sink->hash, sink->head.data, sink->head.size);
    return os_write(sink->file, sink->head.data, sink->head.size);
}

static Err *sink_put(Sink *sink, const char *bytes, size_t size)
{
    sink->bytes += (int64_t)size;
    if (sink->bytes <= INLINE_MAX) {
        buf_add(&sink->head, bytes, size);
        return NULL;
    }
    if (sink->file == NULL) TRY(sink_open_file(sink));
    sha256_add(sink->hash, bytes, size);
    return os_write(sink->file, bytes, size);
}

static Err *sink_append(Sink *sink, const Node *node)
{
    VersionSpec spec = {.meta = {.rows = -1, .size_bytes = sink->bytes}};
    if (sink->file == NULL) {
        spec.meta.bytes = sink->head.data;
    } else {
        sha256_hex(sink->hash, spec.meta.sha256);
        sink->hash = NULL;
        OsFile *file = sink->file;
        sink->file = NULL;
        TRY(os_close(file));
        spec.staged_path = sink->path;
    }
    return exec_append(sink->exec, node, &spec);
}

static Err *copy(Sink *sink, LogReader *reader, int64_t from, int64_t *out_bytes)
{
    SCRATCH(scratch);
    char *bytes = arena_alloc(scratch, STEP);
    bool end = false;
    *out_bytes = from;
    TRY(log_seek(reader, from, &end));
    while (!end) {
        size_t got = 0;
        TRY(log_read(reader, bytes, STEP, &got));
        end = got == 0;
        *out_bytes += (int64_t)got;
        TRY(sink_put(sink, bytes, got));
        TRY(exec_progress(sink->exec, (int64_t)got));
    }
    return NULL;
}

static Err *rotated_meanwhile(const HostFile *file)
{
    return err_hint(
        err_path(ERR(CONFLICT, "%s: was rotated while it was looked at", file->path), file->path),
        "run it again");
}

/* Takes what a file has beyond its mark; `place` is where the node ends now. */
static Err *take_piece(Sink *sink, const Stream *stream, const Piece *piece, int64_t place,
                       Mark *out)
{
    SCRATCH(scratch); /* ends after what lives in it */
    CLEANUP(log_close_at) LogReader *own = NULL;
    Arena *arena = sink->exec->call.arena;
    int64_t bytes = 0;
    HostFile file = *piece->file;
    if (!piece->active) TRY(log_open(scratch, file.path, true, &own));
    LogReader *reader = piece->active ? stream->reader : own;
    OsStat now = log_stat(reader);
    if (now.inode != file.stat.inode) return rotated_meanwhile(&file);
    file.stat = now;
    TRY(copy(sink, reader, piece->mark.bytes, &bytes));
    Mark mark = mark_of(&file, bytes, piece->active, os_now());
    for (size_t i = 0; i < piece->mark.parts.n; i++)
        vec_push(arena, &mark.parts, piece->mark.parts.v[i]);
    Part part = {piece->mark.bytes, place};
    Part *before = mark.parts.n > 0 ? &mark.parts.v[mark.parts.n - 1] : NULL;
    bool goes_on = before != NULL && before->node_at + part.file_at - before->file_at == place;
    if (before != NULL && before->file_at == part.file_at)
        *before = part;
    else if (before == NULL || (!goes_on && bytes > part.file_at))
        vec_push(arena, &mark.parts, part);
    *out = mark;
    return NULL;
}

/* Its place among the archives that are done, once. */
static void add_done(Arena *arena, StreamState *state, const Mark *mark)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->done.n; i++) {
        if (state->done.v[i].inode != mark->inode) state->done.v[kept++] = state->done.v[i];
    }
    state->done.n = kept;
    vec_push(arena, &state->done, *mark);
}

static bool same_mark(const Mark *a, const Mark *b)
{
    return strcmp(a->path, b->path) == 0 && a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
           a->size == b->size && a->bytes == b->bytes && a->active == b->active &&
           a->parts.n == b->parts.n;
}

static Err *remember(const ExecCall *exec, Stream *stream, StreamState *state)
{
    return exec_remember(exec, &stream->node, "logfile-ingest",
                         state_write(exec->call.arena, state));
}

Err *stream_append(const ExecCall *exec, Stream *stream, const Continuation *from, StreamDone *out)
{
    Arena *arena = exec->call.arena;
    CLEANUP(sink_close) Sink sink = {.exec = exec, .head = buf_new(arena)};
    StreamState state = stream->state;
    int64_t before = stream->exists ? stream->node.size_bytes : 0;
    *out = (StreamDone){0};
    for (size_t i = 0; i < from->pieces.n; i++) {
        const Piece *piece = &from->pieces.v[i];
        TRY(take_piece(&sink, stream, piece, before + sink.bytes, &state.last));
        state.has_last = true;
        if (!piece->active) add_done(arena, &state, &state.last);
    }
    out->bytes = sink.bytes;
    out->changed = sink.bytes > 0 ||
                   (stream->exists && state.has_last &&
                    !(stream->state.has_last && same_mark(&stream->state.last, &state.last)));
    if (!out->changed) return NULL;
    TRY(exec_node(exec, stream->path, ENTRY_DATA_SERIES, &stream->node));
    if (sink.bytes > 0) TRY(sink_append(&sink, &stream->node));
    state.node_bytes = before + sink.bytes;
    return remember(exec, stream, &state);
}
