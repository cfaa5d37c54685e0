/* What is remembered of a stream: the member "logfile-ingest" of its node's attributes. See
 * docs/format.md. Written in the transaction that appends the bytes it speaks of. */
#include "factory/logfile_int.h"
#include <string.h>

enum { DONE_MOST = 256, TRUST_AFTER_US = 2000000 };

static Err *malformed(const char *what)
{
    return err_hint(ERR(INVALID, "what is remembered of the log is malformed: %s", what),
                    "move the node away: it will be mirrored anew");
}

static Err *read_parts(Arena *arena, const Json *parts, Mark *out)
{
    for (size_t i = 0; parts != NULL && parts->kind == JSON_ARRAY && i < parts->count; i++) {
        const Json *pair = &parts->items[i];
        bool good = pair->kind == JSON_ARRAY && pair->count == 2 &&
                    pair->items[0].kind == JSON_INT && pair->items[1].kind == JSON_INT;
        if (!good) return malformed("parts");
        Part part = {pair->items[0].integer, pair->items[1].integer};
        bool order = out->parts.n == 0 ? part.file_at == 0
                                       : part.file_at > out->parts.v[out->parts.n - 1].file_at;
        if (!order || part.node_at < 0 || part.file_at > out->bytes) return malformed("parts");
        vec_push(arena, &out->parts, part);
    }
    return out->parts.n > 0 ? NULL : malformed("parts");
}

static Err *read_mark(Arena *arena, const Json *json, Mark *out)
{
    *out = (Mark){.path = arena_strdup(arena, json_str(json, "path", "")),
                  .inode = (uint64_t)json_int(json, "inode", 0),
                  .mtime_ns = json_int(json, "mtime_ns", 0),
                  .size = json_int(json, "size", -1),
                  .bytes = json_int(json, "bytes", -1),
                  .active = json_bool(json, "active", false),
                  .fresh = json_bool(json, "fresh", false)};
    if (out->bytes < 0 || out->size < 0) return malformed("size");
    return read_parts(arena, json_get(json, "parts"), out);
}

Err *state_read(Arena *arena, const char *attributes, bool *found, StreamState *out)
{
    const Json *all = NULL;
    *found = false;
    if (attributes == NULL) return NULL;
    TRY(json_parse(arena, attributes, strlen(attributes), &all));
    const Json *own = json_get(all, "logfile-ingest");
    if (own == NULL) return NULL;
    StreamState state = {.node_bytes = json_int(own, "node_bytes", -1)};
    const Json *last = json_get(own, "last"), *done = json_get(own, "done");
    state.has_last = last != NULL;
    if (last != NULL) TRY(read_mark(arena, last, &state.last));
    for (size_t i = 0; done != NULL && done->kind == JSON_ARRAY && i < done->count; i++) {
        Mark mark;
        TRY(read_mark(arena, &done->items[i], &mark));
        vec_push(arena, &state.done, mark);
    }
    *found = true;
    *out = state;
    return NULL;
}

static void write_mark(JsonOut *json, const Mark *mark)
{
    json_begin_object(json);
    json_kv_str(json, "path", mark->path);
    json_kv_int(json, "inode", (int64_t)mark->inode);
    json_kv_int(json, "mtime_ns", mark->mtime_ns);
    json_kv_int(json, "size", mark->size);
    json_kv_int(json, "bytes", mark->bytes);
    if (mark->active) json_kv_bool(json, "active", true);
    if (mark->fresh) json_kv_bool(json, "fresh", true);
    json_key(json, "parts");
    json_begin_array(json);
    for (size_t i = 0; i < mark->parts.n; i++) {
        json_begin_array(json);
        json_put_int(json, mark->parts.v[i].file_at);
        json_put_int(json, mark->parts.v[i].node_at);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

char *state_write(Arena *arena, const StreamState *state)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "node_bytes", state->node_bytes);
    if (state->has_last) {
        json_key(&json, "last");
        write_mark(&json, &state->last);
    }
    json_key(&json, "done");
    json_begin_array(&json);
    size_t first = state->done.n > DONE_MOST ? state->done.n - DONE_MOST : 0;
    for (size_t i = first; i < state->done.n; i++) write_mark(&json, &state->done.v[i]);
    json_end(&json);
    json_end(&json);
    return text.data;
}

Mark mark_of(const HostFile *file, int64_t bytes, bool active, TimeUs now)
{
    return (Mark){.path = file->path,
                  .inode = file->stat.inode,
                  .mtime_ns = file->stat.mtime_ns,
                  .size = file->stat.size_bytes,
                  .bytes = bytes,
                  .active = active,
                  .fresh = file->stat.mtime_ns / 1000 > now - TRUST_AFTER_US};
}
