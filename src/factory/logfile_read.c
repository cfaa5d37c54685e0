/* Host logs, plain or gzip, and the bytes of the node they are mirrored into; and the comparison of
 * the two.
 *
 * A log grows while it is read: what counts is its size when it was opened. A gzip file may hold
 * several members, one behind the other, as gzip itself reads them. */
#include "factory/logfile_int.h"
#include <string.h>
#include <zlib.h>

enum { STEP = 1 << 18, EDGE = 1 << 16 };

struct LogReader {
    Arena *arena;
    const char *path;
    OsFile *file;
    OsStat stat;
    int64_t at; /* of the (decompressed) bytes */
    z_stream *gzip;
    unsigned char *input;
    bool member_ended;
};

bool log_is_compressed(const char *path)
{
    return text_ends(path, ".gz");
}

Err *log_open(Arena *arena, const char *path, bool archive, LogReader **out)
{
    LogReader *reader = ANEW(arena, LogReader);
    *reader = (LogReader){.arena = arena, .path = path};
    TRY(os_open_read(path, &reader->file));
    *out = reader;
    TRY(os_fstat(reader->file, &reader->stat));
    if (!archive || !log_is_compressed(path)) return NULL;
    reader->input = arena_alloc(arena, STEP);
    reader->gzip = ANEW(arena, z_stream);
    enum { GZIP_ONLY = 16 + MAX_WBITS };
    if (inflateInit2(reader->gzip, GZIP_ONLY) != Z_OK) return ERR(LIMIT, "gzip: out of memory");
    return NULL;
}

void log_close_at(LogReader **at)
{
    LogReader *reader = *at;
    if (reader == NULL) return;
    *at = NULL;
    if (reader->gzip != NULL) (void)inflateEnd(reader->gzip);
    os_close_at(&reader->file);
}

OsStat log_stat(const LogReader *reader)
{
    return reader->stat;
}

static Err *damaged(const LogReader *reader, const char *what)
{
    return err_path(ERR(INVALID, "%s: damaged gzip file: %s, at byte %lld of its content",
                        reader->path, what, (long long)reader->at),
                    reader->path);
}

/* More input when there is none; *out_end at the file's end. */
static Err *refill(LogReader *reader, bool *out_end)
{
    size_t got = 0;
    *out_end = false;
    if (reader->gzip->avail_in > 0) return NULL;
    TRY(os_read(reader->file, reader->input, STEP, &got));
    reader->gzip->next_in = reader->input;
    reader->gzip->avail_in = (unsigned)got;
    *out_end = got == 0;
    return NULL;
}

static Err *read_gzip(LogReader *reader, void *into, size_t size, size_t *out_read)
{
    z_stream *gzip = reader->gzip;
    gzip->next_out = into;
    gzip->avail_out = (unsigned)size;
    while (gzip->avail_out > 0) {
        bool end = false;
        TRY(refill(reader, &end));
        if (end && (reader->member_ended || gzip->total_in == 0)) break;
        if (end) return damaged(reader, "its end is missing");
        if (reader->member_ended && inflateReset(gzip) != Z_OK)
            return damaged(reader, "what follows is not gzip");
        reader->member_ended = false;
        int status = inflate(gzip, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return damaged(reader, gzip->msg != NULL ? gzip->msg : "inflate fails");
        reader->member_ended = status == Z_STREAM_END;
    }
    *out_read = size - gzip->avail_out;
    reader->at += (int64_t)*out_read;
    return NULL;
}

Err *log_read(LogReader *reader, void *into, size_t size, size_t *out_read)
{
    size_t got = 0;
    if (reader->gzip != NULL) return read_gzip(reader, into, size, out_read);
    int64_t left = reader->stat.size_bytes - reader->at;
    if ((int64_t)size > left) size = left > 0 ? (size_t)left : 0;
    if (size > 0) TRY(os_pread(reader->file, into, size, reader->at, &got));
    if (size > 0 && got == 0) {
        return err_hint(
            err_path(ERR(CONFLICT, "%s: became shorter while it was read", reader->path),
                     reader->path),
            "run it again");
    }
    reader->at += (int64_t)got;
    *out_read = got;
    return NULL;
}

Err *log_seek(LogReader *reader, int64_t to, bool *out_end)
{
    SCRATCH(scratch);
    *out_end = false;
    if (reader->gzip == NULL) {
        *out_end = to > reader->stat.size_bytes;
        reader->at = to;
        return NULL;
    }
    char *unused = arena_alloc(scratch, STEP);
    while (reader->at < to) {
        size_t got = 0, wanted = to - reader->at < STEP ? (size_t)(to - reader->at) : STEP;
        TRY(log_read(reader, unused, wanted, &got));
        *out_end = got == 0;
        if (*out_end) return NULL;
    }
    return NULL;
}

/* ---- the node's bytes ---- */

struct NodeBytes {
    Arena *arena;
    FsBackend backend;
    Version *versions;
    size_t count;
    size_t open; /* the version that `content` is of, count when none */
    Content content;
    OsFile *file;
};

Err *node_bytes_open(Arena *arena, FsBackend backend, const Node *node, NodeBytes **out)
{
    NodeBytes *bytes = ANEW(arena, NodeBytes);
    *bytes = (NodeBytes){.arena = arena, .backend = backend};
    TRY(backend.ops->versions(backend.self, arena, node->id, &bytes->versions, &bytes->count));
    bytes->open = bytes->count;
    *out = bytes;
    return NULL;
}

void node_bytes_close_at(NodeBytes **at)
{
    if (*at == NULL) return;
    os_close_at(&(*at)->file);
    *at = NULL;
}

static Err *open_version(NodeBytes *bytes, size_t index)
{
    if (bytes->open == index) return NULL;
    os_close_at(&bytes->file);
    bytes->open = bytes->count;
    TRY(bytes->backend.ops->content(bytes->backend.self, bytes->arena, &bytes->versions[index],
                                    &bytes->content));
    if (bytes->content.path != NULL) TRY(os_open_read(bytes->content.path, &bytes->file));
    bytes->open = index;
    return NULL;
}

Err *node_bytes_read(NodeBytes *bytes, int64_t at, void *into, size_t size, size_t *out_read)
{
    size_t index = 0;
    *out_read = 0;
    while (index < bytes->count && at >= bytes->versions[index].size_bytes)
        at -= bytes->versions[index++].size_bytes;
    if (index == bytes->count) return NULL;
    int64_t left = bytes->versions[index].size_bytes - at;
    if ((int64_t)size > left) size = (size_t)left;
    TRY(open_version(bytes, index));
    if (bytes->content.path != NULL) return os_pread(bytes->file, into, size, at, out_read);
    memcpy(into, bytes->content.bytes + at, size);
    *out_read = size;
    return NULL;
}

/* ---- comparison ---- */

/* Where the file's byte `at` stands in the node, and how many follow there. */
static int64_t node_offset(const Mark *mark, int64_t at, int64_t *out_left)
{
    size_t part = 0;
    while (part + 1 < mark->parts.n && mark->parts.v[part + 1].file_at <= at) part++;
    int64_t end = part + 1 < mark->parts.n ? mark->parts.v[part + 1].file_at : mark->bytes;
    *out_left = end - at;
    return mark->parts.v[part].node_at + at - mark->parts.v[part].file_at;
}

static size_t first_difference(const char *a, const char *b, size_t size)
{
    size_t at = 0;
    while (at < size && a[at] == b[at]) at++;
    return at;
}

/* [from, to) of the file with what is mirrored of it; *out_at: the first difference, or the file's
 * end, or `to`. */
static Err *compare_range(LogReader *reader, NodeBytes *node, const Mark *mark, int64_t from,
                          int64_t to, int64_t *out_at)
{
    SCRATCH(scratch);
    bool end = false;
    char *ours = arena_alloc(scratch, STEP), *theirs = arena_alloc(scratch, STEP);
    TRY(log_seek(reader, from, &end));
    for (*out_at = from; !end && *out_at < to;) {
        int64_t left = 0, place = node_offset(mark, *out_at, &left);
        size_t got = 0, wanted = left < STEP ? (size_t)left : STEP;
        if (to - *out_at < (int64_t)wanted) wanted = (size_t)(to - *out_at);
        TRY(os_check_interrupt());
        TRY(node_bytes_read(node, place, ours, wanted, &got));
        if (got == 0) return ERR(INTERNAL, "%s: more is remembered than mirrored", reader->path);
        size_t have = 0;
        while (have < got && !end) {
            size_t step = 0;
            TRY(log_read(reader, theirs + have, got - have, &step));
            end = step == 0;
            have += step;
        }
        size_t same = first_difference(ours, theirs, have);
        *out_at += (int64_t)same;
        if (same < have) return NULL;
    }
    return NULL;
}

Err *log_compare(LogReader *reader, NodeBytes *node, const Mark *mark, bool whole, int64_t *out_at)
{
    *out_at = 0;
    if (mark->bytes == 0) return NULL;
    if (reader->stat.size_bytes < mark->bytes) whole = true;
    if (whole || reader->gzip != NULL || mark->bytes <= 2 * EDGE)
        return compare_range(reader, node, mark, 0, mark->bytes, out_at);
    TRY(compare_range(reader, node, mark, 0, EDGE, out_at));
    if (*out_at < EDGE) return NULL;
    return compare_range(reader, node, mark, mark->bytes - EDGE, mark->bytes, out_at);
}

Err *log_ends_at(LogReader *reader, int64_t at, bool *out)
{
    char byte;
    size_t got = 0;
    *out = at == reader->stat.size_bytes;
    if (reader->gzip == NULL) return NULL;
    *out = false;
    if (at < reader->at) return NULL; /* there was more */
    TRY(log_read(reader, &byte, 1, &got));
    *out = got == 0;
    return NULL;
}

Err *log_begins_with(LogReader *log, LogReader *beginning, bool *out)
{
    SCRATCH(scratch);
    bool end = false;
    char *a = arena_alloc(scratch, STEP), *b = arena_alloc(scratch, STEP);
    TRY(log_seek(log, 0, &end));
    for (*out = true; *out;) {
        size_t wanted = 0, got = 0;
        TRY(log_read(beginning, b, STEP, &wanted));
        if (wanted == 0) return NULL;
        while (got < wanted && !end) {
            size_t step = 0;
            TRY(log_read(log, a + got, wanted - got, &step));
            end = step == 0;
            got += step;
        }
        *out = got == wanted && memcmp(a, b, got) == 0;
    }
    return NULL;
}
