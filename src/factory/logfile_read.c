/* Host logs, plain or packed, and the bytes of the node they are mirrored into; and the comparison
 * of the two. A log grows while it is read: what counts is its size when it was opened. */
#include "factory/logfile_int.h"
#include <string.h>

enum { STEP = 1 << 18, EDGE = 1 << 16 };

struct LogReader {
    Arena *arena;
    const char *path;
    OsFile *file;
    OsStat stat;
    int64_t at;         /* of the unpacked bytes */
    Unpacker *unpacker; /* NULL: plain */
    char *input;        /* packed bytes; [next, next + left) are to come */
    size_t next, left;
};

static const struct {
    const char *suffix;
    Compression compression;
} SUFFIXES[] = {{".gz", COMPRESSION_GZIP}, {".zst", COMPRESSION_ZSTD}, {".bz2", COMPRESSION_BZIP2}};
enum { SUFFIX_COUNT = sizeof SUFFIXES / sizeof *SUFFIXES };

size_t log_packed_suffix(const char *path, Compression *out)
{
    *out = COMPRESSION_NONE;
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        if (!text_ends(path, SUFFIXES[i].suffix)) continue;
        *out = SUFFIXES[i].compression;
        return strlen(SUFFIXES[i].suffix);
    }
    return 0;
}

bool log_is_compressed(const char *path)
{
    Compression unused;
    return log_packed_suffix(path, &unused) > 0;
}

Err *log_open(Arena *arena, const char *path, bool archive, LogReader **out)
{
    LogReader *reader = ANEW(arena, LogReader);
    Compression compression;
    *reader = (LogReader){.arena = arena, .path = path};
    TRY(os_open_read(path, &reader->file));
    *out = reader;
    TRY(os_fstat(reader->file, &reader->stat));
    if (!archive || log_packed_suffix(path, &compression) == 0) return NULL;
    reader->input = arena_alloc(arena, STEP);
    reader->unpacker = unpacker_new(compression);
    return NULL;
}

void log_close_at(LogReader **at)
{
    LogReader *reader = *at;
    if (reader == NULL) return;
    *at = NULL;
    unpacker_free_at(&reader->unpacker);
    os_close_at(&reader->file);
}

OsStat log_stat(const LogReader *reader)
{
    return reader->stat;
}

static Err *damaged(const LogReader *reader, const char *what)
{
    Compression compression;
    (void)log_packed_suffix(reader->path, &compression);
    return err_path(ERR(INVALID, "%s: damaged %s file: %s, behind byte %lld of its content",
                        reader->path, compression_name(compression), what, (long long)reader->at),
                    reader->path);
}

static Err *read_packed(LogReader *reader, char *into, size_t size, size_t *out_read)
{
    for (*out_read = 0; *out_read < size;) {
        if (reader->left == 0) {
            TRY(os_read(reader->file, reader->input, STEP, &reader->left));
            reader->next = 0;
        }
        bool end = reader->left == 0;
        if (end && unpacker_is_between(reader->unpacker)) return NULL;
        size_t used = reader->left, made = size - *out_read;
        bool good = unpacker_step(reader->unpacker, reader->input + reader->next, &used,
                                  into + *out_read, &made);
        if (end && (!good || made == 0)) return damaged(reader, "its end is missing");
        if (!good) return damaged(reader, "it cannot be unpacked");
        reader->next += used;
        reader->left -= used;
        reader->at += (int64_t)made;
        *out_read += made;
    }
    return NULL;
}

Err *log_read(LogReader *reader, void *into, size_t size, size_t *out_read)
{
    size_t got = 0;
    if (reader->unpacker != NULL) return read_packed(reader, into, size, out_read);
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
    if (reader->unpacker == NULL) {
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
    if (whole || reader->unpacker != NULL || mark->bytes <= 2 * EDGE)
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
    if (reader->unpacker == NULL) return NULL;
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
