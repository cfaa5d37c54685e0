/* logfile-ingest, in files by what they do:
 *   logfile.c         the factory: configuration, streams of a run, what it tells
 *   logfile_find.c    where a stream goes on: which host files hold what is mirrored, which are new
 *   logfile_append.c  the new bytes as one version
 *   logfile_state.c   what is remembered, as JSON in the node's attributes
 *   logfile_read.c    host files (plain or compressed) and the node's own bytes
 *
 * A stream is one active log and its archives; its node (data:series) holds all bytes ever written
 * to it, in order. The node itself is what a file's prefix is compared with: there is no second
 * truth. */
#pragma once
#include "factory/exec.h"
#include "factory/factory_int.h"
#include "factory/host_glob.h"

/* ---- what is remembered ---- */

/* The file's bytes from file_at on stand in the node from node_at on. */
typedef struct Part {
    int64_t file_at, node_at;
} Part;
typedef struct Mark {
    const char *path; /* where it was seen last */
    uint64_t inode;
    int64_t mtime_ns, size; /* as the host told */
    int64_t bytes;          /* mirrored from its beginning; decompressed */
    bool active;            /* it was the active log, not an archive */
    bool fresh;             /* its mtime was too young to be believed */
    VEC(Part) parts;        /* ascending; more than one after a truncation */
} Mark;
typedef VEC(Mark) Marks;
typedef struct StreamState {
    int64_t node_bytes; /* what the node held then */
    bool has_last;
    Mark last;  /* the file that the newest bytes came from */
    Marks done; /* archives mirrored whole */
} StreamState;

/* INVALID when the attributes are not ours to read. *found = false when there is none. */
Err *state_read(Arena *arena, const char *attributes, bool *found, StreamState *out) WARN_UNUSED;
char *state_write(Arena *arena, const StreamState *state);
Mark mark_of(const HostFile *file, int64_t bytes, bool active, TimeUs now);

/* ---- reading ---- */
typedef struct LogReader LogReader;
/* Of an archive whose name ends in .gz, .zst or .bz2 the unpacked bytes. What is appended later is
 * not seen.
 */
Err *log_open(Arena *arena, const char *path, bool archive, LogReader **out) WARN_UNUSED;
void log_close_at(LogReader **reader);
bool log_is_compressed(const char *path);
/* Its length in the name, 0 when there is none. */
size_t log_packed_suffix(const char *path, Compression *out);
OsStat log_stat(const LogReader *reader); /* when it was opened */
/* The next bytes, 0 at the end. CONFLICT when the file has become shorter than it was. */
Err *log_read(LogReader *reader, void *into, size_t size, size_t *out_read) WARN_UNUSED;
/* Goes `to` an offset that is not behind; *out_end: the file is shorter. */
Err *log_seek(LogReader *reader, int64_t to, bool *out_end) WARN_UNUSED;

/* A node's versions as one string of bytes. */
typedef struct NodeBytes NodeBytes;
Err *node_bytes_open(Arena *arena, FsBackend backend, const Node *node, NodeBytes **out)
    WARN_UNUSED;
void node_bytes_close_at(NodeBytes **bytes);
Err *node_bytes_read(NodeBytes *bytes, int64_t at, void *into, size_t size, size_t *out_read)
    WARN_UNUSED;

/* Does the file hold the first `mark->bytes` that are mirrored? `whole`: all of it is compared,
 * else (plain files only) its first and last 64 KiB. *out_at is the first difference, or the file's
 * end where it is shorter, else mark->bytes. */
Err *log_compare(LogReader *reader, NodeBytes *node, const Mark *mark, bool whole, int64_t *out_at)
    WARN_UNUSED;

/* After log_compare: does the file end at its *out_at? */
Err *log_ends_at(LogReader *reader, int64_t at, bool *out) WARN_UNUSED;

/* Is all of `beginning`, which was just opened, the beginning of `log`, which is plain? */
Err *log_begins_with(LogReader *log, LogReader *beginning, bool *out) WARN_UNUSED;

/* ---- one stream ---- */
typedef VEC(HostFile) LogFiles;
typedef struct Stream {
    const char *name;  /* below pond_path */
    const char *path;  /* in the pond */
    const char *host;  /* of the active log, there or not */
    HostFile *active;  /* NULL: it is not there */
    LogReader *reader; /* of it */
    LogFiles archives; /* oldest first; never the active one */
    bool exists;       /* the node does */
    Node node;
    NodeBytes *bytes;  /* when it exists */
    StreamState state; /* has_last is false when there is none */
    bool restart;      /* the user gives up what may be lost */
} Stream;

/* From `from` on of a host file, to its end. */
typedef struct Piece {
    const HostFile *file;
    bool active;
    Mark mark; /* of what is mirrored of it before */
} Piece;
typedef struct Continuation {
    VEC(Piece) pieces; /* in order; the first may have nothing new */
    const char *note;  /* what the user should know, or NULL */
    bool restarted;
} Continuation;
/* INVALID when the active log's prefix was rewritten and no archive holds it. */
Err *stream_find(const ExecCall *exec, Stream *stream, Continuation *out) WARN_UNUSED;

typedef struct StreamDone {
    int64_t bytes; /* appended */
    bool changed;  /* bytes, or what is remembered */
} StreamDone;
Err *stream_append(const ExecCall *exec, Stream *stream, const Continuation *from, StreamDone *out)
    WARN_UNUSED;
