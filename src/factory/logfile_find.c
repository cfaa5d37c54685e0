/* Where a stream goes on.
 *
 * The file that the newest bytes came from is looked for, in this order, since a file is known best
 * by its inode, and short files may well begin alike: the active log with its inode; an archive
 * with its inode (it was renamed); an archive, from the oldest on, that is not older than it and
 * holds the same bytes (a copy, or compressed); the active log by its bytes (moved to another disk,
 * restored). The inode is believed when the first and the last 64 KiB of what is mirrored agree;
 * where it differs, or the file was touched without growing, all bytes are compared.
 *
 * Behind that file come the archives that are younger, and then the active log. Age is the time of
 * the last change; between equal times the name decides: app.log.2 is older than app.log.1, else
 * app-01-31.log older than app-02-01.log. An archive that was mirrored before is known by inode,
 * size and time, or by its bytes.
 *
 * Not found: a log that became shorter in place was truncated: what is left is either the beginning
 * of what is mirrored, or a new beginning. An archive that was mirrored whole may vanish. Anything
 * else would lose bytes that were never seen, and is an error. */
#include "factory/logfile_int.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct Finding {
    const ExecCall *exec;
    Stream *stream;
    Continuation *out;
    Arena *arena;
} Finding;

static bool looks_same(const Mark *mark, const HostFile *file)
{
    return mark->inode == file->stat.inode && mark->size == file->stat.size_bytes &&
           mark->mtime_ns == file->stat.mtime_ns;
}

/* ---- age ---- */

/* The number behind the last point, which rotation counts up: app.log.2, app.log.2.gz; else -1. */
static int rotation_number(const char *path)
{
    Compression unused;
    size_t length = strlen(path) - log_packed_suffix(path, &unused), digits = 0;
    while (digits < length && isdigit((unsigned char)path[length - digits - 1])) digits++;
    bool counts = digits > 0 && digits <= 4 && digits < length && path[length - digits - 1] == '.';
    return counts ? (int)strtol(path + length - digits, NULL, 10) : -1;
}

static int compare_age(int64_t a_ns, const char *a, int64_t b_ns, const char *b)
{
    if (a_ns != b_ns) return a_ns < b_ns ? -1 : 1;
    int a_number = rotation_number(a), b_number = rotation_number(b);
    if (a_number >= 0 && b_number >= 0 && a_number != b_number) return b_number - a_number;
    return strverscmp(a, b);
}

static int by_age(const void *a, const void *b)
{
    const HostFile *x = a, *y = b;
    return compare_age(x->stat.mtime_ns, x->path, y->stat.mtime_ns, y->path);
}

/* ---- is it the same? ---- */

static Err *compare_archive(const Finding *finding, const HostFile *file, const Mark *mark,
                            bool whole, int64_t *out_at, bool *out_at_end)
{
    SCRATCH(scratch); /* ends after what lives in it */
    CLEANUP(log_close_at) LogReader *reader = NULL;
    TRY(log_open(scratch, file->path, true, &reader));
    TRY(log_compare(reader, finding->stream->bytes, mark, whole, out_at));
    return log_ends_at(reader, *out_at, out_at_end);
}

/* An archive all of whose bytes are mirrored: one that was done before, or a copy of what the last
 * file held when it was copied. */
static Err *is_known(const Finding *finding, const HostFile *file, bool *out)
{
    const StreamState *state = &finding->stream->state;
    *out = false;
    for (size_t i = 0; i < state->done.n && !*out; i++) *out = looks_same(&state->done.v[i], file);
    for (size_t i = state->done.n + 1; i-- > 0 && !*out;) {
        const Mark *mark = i == state->done.n ? &state->last : &state->done.v[i];
        bool last = i == state->done.n, end = false;
        int64_t at = 0, size = file->stat.size_bytes;
        bool possible =
            log_is_compressed(file->path) || (last ? size <= mark->bytes : size == mark->bytes);
        if (!possible || mark->bytes == 0) continue;
        TRY(compare_archive(finding, file, mark, true, &at, &end));
        *out = end && at > 0 && (last || at == mark->bytes);
    }
    return NULL;
}

/* ---- what follows ---- */

static void add_piece(Finding *finding, const HostFile *file, bool active, Mark mark)
{
    Piece piece = {.file = file, .active = active, .mark = mark};
    vec_push(finding->arena, &finding->out->pieces, piece);
}

static void add_active(Finding *finding)
{
    Stream *stream = finding->stream;
    if (stream->active == NULL || stream->active->stat.size_bytes == 0) return;
    add_piece(finding, stream->active, true, (Mark){0});
}

static Err *add_archives(Finding *finding, size_t from)
{
    LogFiles *archives = &finding->stream->archives;
    for (size_t i = from; i < archives->n; i++) {
        bool known = false;
        if (finding->stream->state.has_last) TRY(is_known(finding, &archives->v[i], &known));
        if (!known) add_piece(finding, &archives->v[i], false, (Mark){0});
    }
    return NULL;
}

/* The first archive that is younger than the last file. */
static size_t first_younger(const Stream *stream)
{
    const Mark *last = &stream->state.last;
    size_t i = 0;
    while (i < stream->archives.n &&
           compare_age(stream->archives.v[i].stat.mtime_ns, stream->archives.v[i].path,
                       last->mtime_ns, last->path) <= 0)
        i++;
    return i;
}

/* ---- looking for the last file ---- */

static Err *is_active(Finding *finding, bool *out)
{
    const Stream *stream = finding->stream;
    const Mark *last = &stream->state.last;
    const HostFile *file = stream->active;
    int64_t at = 0;
    *out = false;
    if (file == NULL || file->stat.inode != last->inode || file->stat.size_bytes < last->bytes)
        return NULL;
    *out = looks_same(last, file) && !last->fresh;
    if (*out) return NULL;
    bool touched = file->stat.size_bytes == last->size && file->stat.mtime_ns != last->mtime_ns;
    TRY(log_compare(stream->reader, stream->bytes, last, touched, &at));
    *out = at == last->bytes;
    return NULL;
}

static Err *is_active_elsewhere(Finding *finding, bool *out)
{
    const Stream *stream = finding->stream;
    const Mark *last = &stream->state.last;
    int64_t at = 0;
    *out = false;
    if (stream->active == NULL || last->bytes == 0 || stream->active->stat.size_bytes < last->bytes)
        return NULL;
    TRY(log_compare(stream->reader, stream->bytes, last, true, &at));
    *out = at == last->bytes;
    return NULL;
}

/* *out: its place in archives, or their number. */
static Err *find_archive(Finding *finding, bool by_inode, size_t *out)
{
    enum { SECOND_NS = 1000000000 };
    const Stream *stream = finding->stream;
    const Mark *last = &stream->state.last;
    for (*out = 0; *out < stream->archives.n; ++*out) {
        const HostFile *file = &stream->archives.v[*out];
        bool compressed = log_is_compressed(file->path), end = false;
        int64_t at = 0;
        if (by_inode ? file->stat.inode != last->inode
                     : file->stat.mtime_ns / SECOND_NS < last->mtime_ns / SECOND_NS)
            continue;
        if (by_inode && looks_same(last, file) && !last->fresh) return NULL;
        if (!compressed && file->stat.size_bytes < last->bytes) continue;
        TRY(compare_archive(finding, file, last, !by_inode, &at, &end));
        if (at == last->bytes) return NULL;
    }
    return NULL;
}

/* The active log seems to be the last file, but an archive holds the same bytes: a copy of it, or
 * what it was before it was truncated and filled anew, with the same beginning. *out: the place of
 * the latter, or the number of archives. */
static Err *find_copied(Finding *finding, size_t *out)
{
    const Stream *stream = finding->stream;
    SCRATCH(scratch); /* ends after what lives in it */
    CLEANUP(log_close_at) LogReader *reader = NULL;
    bool copy = false;
    TRY(find_archive(finding, false, out));
    if (*out == stream->archives.n) return NULL;
    TRY(log_open(scratch, stream->archives.v[*out].path, true, &reader));
    TRY(log_begins_with(stream->reader, reader, &copy));
    if (copy) *out = stream->archives.n;
    return NULL;
}

/* ---- not found ---- */

static Mark cut_to(Arena *arena, const Mark *mark, int64_t bytes)
{
    Mark cut = *mark;
    cut.bytes = bytes;
    cut.parts.v = NULL;
    cut.parts.n = cut.parts.capacity = 0;
    for (size_t i = 0; i < mark->parts.n; i++) {
        if (i == 0 || mark->parts.v[i].file_at < bytes)
            vec_push(arena, &cut.parts, mark->parts.v[i]);
    }
    return cut;
}

static Err *truncated(Finding *finding)
{
    Stream *stream = finding->stream;
    Arena *arena = finding->arena;
    int64_t size = stream->active->stat.size_bytes, at = 0;
    Mark cut = cut_to(arena, &stream->state.last, size);
    TRY(log_compare(stream->reader, stream->bytes, &cut, true, &at));
    bool beginning = at == size;
    add_piece(finding, stream->active, true, beginning ? cut : (Mark){0});
    if (size == 0) return NULL;
    finding->out->note =
        beginning ? arena_printf(arena,
                                 "%s: became shorter, %lld bytes of %lld are left; it is mirrored "
                                 "on from there",
                                 stream->host, (long long)size, (long long)stream->state.last.bytes)
                  : arena_printf(arena,
                                 "%s: was truncated behind its first %lld bytes, which are "
                                 "mirrored; its new beginning follows them",
                                 stream->host, (long long)stream->state.last.bytes);
    return NULL;
}

static Err *rewritten(const Finding *finding)
{
    const Stream *stream = finding->stream;
    const Mark *last = &stream->state.last;
    int64_t at = 0;
    Err *err = NULL;
    if (stream->active == NULL) {
        err =
            ERR(INVALID, "%s: is gone, and no archive holds the %lld bytes that are mirrored of it",
                stream->host, (long long)last->bytes);
    } else {
        TRY(log_compare(stream->reader, stream->bytes, last, true, &at));
        err = ERR(INVALID,
                  "%s: differs at byte offset %lld from what is mirrored in %s, and no archive "
                  "holds the %lld bytes that are",
                  stream->host, (long long)at, stream->path, (long long)last->bytes);
    }
    return err_path(err_hint(err,
                             "if its archive is elsewhere, widen archived_pattern; to go on "
                             "without it: pond run %s restart %s",
                             finding->exec->call.path, stream->name),
                    stream->host);
}

static Err *go_on_without(Finding *finding)
{
    const Stream *stream = finding->stream;
    const Mark *last = &stream->state.last;
    TRY(add_archives(finding, first_younger(stream)));
    bool lost = last->active && last->bytes > 0;
    if (!lost || stream->restart) {
        finding->out->restarted = lost;
        add_active(finding);
        return NULL;
    }
    bool shorter = stream->active != NULL && stream->active->stat.inode == last->inode &&
                   stream->active->stat.size_bytes < last->bytes;
    if (shorter && finding->out->pieces.n == 0) return truncated(finding);
    if (stream->active == NULL && finding->out->pieces.n == 0) return NULL;
    return rewritten(finding);
}

/* *out_active, or *out_place among the archives, or their number: not found. */
static Err *find_last(Finding *finding, bool *out_active, size_t *out_place)
{
    const Stream *stream = finding->stream;
    size_t none = stream->archives.n;
    *out_place = none;
    TRY(is_active(finding, out_active));
    if (*out_active && looks_same(&stream->state.last, stream->active)) return NULL;
    if (*out_active) {
        TRY(find_copied(finding, out_place));
        *out_active = *out_place == none;
        return NULL;
    }
    TRY(find_archive(finding, true, out_place));
    if (*out_place == none) TRY(find_archive(finding, false, out_place));
    return *out_place == none ? is_active_elsewhere(finding, out_active) : NULL;
}

Err *stream_find(const ExecCall *exec, Stream *stream, Continuation *out)
{
    Finding finding = {.exec = exec, .stream = stream, .out = out, .arena = exec->call.arena};
    const Mark *last = &stream->state.last;
    bool active = false;
    size_t place = 0;
    *out = (Continuation){0};
    if (stream->archives.n > 0)
        qsort(stream->archives.v, stream->archives.n, sizeof *stream->archives.v, by_age);
    if (!stream->state.has_last) {
        TRY(add_archives(&finding, 0));
        add_active(&finding);
        return NULL;
    }
    if (last->bytes == 0) return go_on_without(&finding); /* nothing to know it by */
    TRY(find_last(&finding, &active, &place));
    if (!active && place == stream->archives.n) return go_on_without(&finding);
    if (active) {
        add_piece(&finding, stream->active, true, *last);
        return NULL;
    }
    add_piece(&finding, &stream->archives.v[place], false, *last);
    TRY(add_archives(&finding, place + 1));
    add_active(&finding);
    return NULL;
}
