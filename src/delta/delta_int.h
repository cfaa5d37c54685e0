/* What the files of delta share. Not for other modules (the fuzz target excepted).
 *
 *   path.c      percent-encoding of paths, names of log files
 *   action.c    one JSON action → DeltaActions (entries and checkpoint rows alike)
 *   entry.c     DeltaCommit → NDJSON
 *   log.c       entries: read, probe, commit by link(2)
 *   hint.c      _last_checkpoint
 *   listing.c   what _delta_log holds; which checkpoint to begin with
 *   replay.c    actions → live files and tombstones
 *   snapshot.c  load and apply
 *   checkpoint_read.c, checkpoint_rows.c, checkpoint_write.c
 *   protocol.c  which features are known
 *   schema.c    Spark schema JSON, statistics
 *   vacuum.c    files nobody refers to */
#pragma once
#include "delta/delta.h"
#include "os/os.h"

/* Everything that lines of an entry, or rows of a checkpoint, said. */
typedef struct DeltaActions {
    const char *info;
    DeltaProtocol protocol;
    DeltaMetadata metadata;
    VEC(DeltaAdd) adds;
    VEC(DeltaRemove) removes;
    VEC(DeltaTxn) txns;
    VEC(const char *) sidecars; /* file names below _delta_log/_sidecars */
} DeltaActions;

/* ---- path.c ---- */
/* Decodes %xx once; INVALID when a NUL would come out or a % is not followed by two hex digits. */
Err *delta_path_decode(Arena *arena, const char *uri, char **out) WARN_UNUSED;
char *delta_path_encode(Arena *arena, const char *path);
char *delta_log_dir(Arena *arena, const char *table);
/* A name for a temporary file of log version `version`: readers skip names that begin with a dot.
 */
char *delta_temp_path(Arena *arena, const char *table, int64_t version);
bool delta_is_temp_name(const char *name);
#define HINT_NAME "_last_checkpoint"
/* Copies of NUL-free strings; the members of a string array. */
const char **delta_strings_copy(Arena *arena, const char *const *strings, size_t count);

/* ---- action.c ---- */
/* One action: `kind` is "add", "remove", ...; unknown kinds are ignored. What is kept is copied.
 * CORRUPT when a required field is missing or of a wrong kind. */
Err *delta_action_take(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
    WARN_UNUSED;
/* All lines of an entry or of a JSON checkpoint. `label` names it in errors. */
Err *delta_actions_parse(Arena *arena, const char *label, const char *text, size_t size_bytes,
                         DeltaActions *into) WARN_UNUSED;
/* The text of an object as compact JSON; NULL when it is not an object or is empty. */
char *delta_object_text(Arena *arena, const Json *object);

/* ---- entry.c ---- */
/* INVALID names what is wrong: a path twice, a path added and removed, text that is not JSON ... */
Err *delta_commit_text(Arena *arena, const DeltaCommit *commit, Buf *out) WARN_UNUSED;

/* ---- protocol.c ---- */
Err *delta_protocol_check_readable(const DeltaProtocol *protocol) WARN_UNUSED;
Err *delta_protocol_check_writable(const DeltaProtocol *protocol) WARN_UNUSED;

/* ---- hint.c ---- */
typedef struct DeltaHint {
    int64_t version;    /* of the newest checkpoint; -1: there is no hint of ours */
    int64_t previous;   /* the one before; -1 none */
    const char *sha256; /* of the checkpoint's file; NULL unknown */
} DeltaHint;
typedef struct DeltaHintSizes {
    int64_t actions, bytes, adds;
} DeltaHintSizes;
Err *delta_hint_read(Arena *arena, const char *table, DeltaHint *out) WARN_UNUSED;
Err *delta_hint_write(Arena *arena, const char *table, const DeltaHint *hint, DeltaHintSizes sizes)
    WARN_UNUSED;
Err *delta_hint_remove(Arena *arena, const char *table) WARN_UNUSED; /* durably */
/* Of a classic checkpoint. */
char *delta_checkpoint_path(Arena *arena, const char *table, int64_t version);

/* ---- listing.c ---- */
typedef enum CheckpointKind {
    CHECKPOINT_NONE,
    CHECKPOINT_MULTI,
    CHECKPOINT_CLASSIC,
    CHECKPOINT_UUID
} CheckpointKind;

/* Entries of _delta_log, `dir`; counted. */
Err *delta_log_list(Arena *arena, const char *dir, OsEntry **out, size_t *count) WARN_UNUSED;

typedef struct DeltaCheckpointRef {
    CheckpointKind kind;
    int64_t version;    /* -1 when NONE */
    const char **paths; /* all parts, in order */
    size_t path_count;
    bool is_json;
    const char *sha256; /* NULL: not known */
} DeltaCheckpointRef;

typedef struct DeltaStart {
    DeltaCheckpointRef checkpoint;
    bool listed;          /* else found by our own hint: newest_entry is not known */
    int64_t newest_entry; /* -1 none */
    int64_t oldest_kept;  /* the lowest version that a listed checkpoint or entry 0 lets be read; -1
                             none */
} DeltaStart;

/* Where replay up to `version` (-1 = newest) begins. NOT_FOUND when there is no log. */
Err *delta_start_find(Arena *arena, const char *table, int64_t version, DeltaStart *out)
    WARN_UNUSED;

/* ---- checkpoint_read.c ---- */
Err *delta_checkpoint_read(Arena *arena, const char *table, const DeltaCheckpointRef *ref,
                           DeltaActions *into) WARN_UNUSED;

/* ---- checkpoint_rows.c ---- */
/* Writes the Parquet file of a checkpoint, not synced; the rows it has. */
Err *delta_checkpoint_file(const char *path, const DeltaSnapshot *snapshot, int64_t expire_ms,
                           int64_t *out_count) WARN_UNUSED;

/* ---- replay.c: newest state by key, in order of first appearance ---- */
typedef struct DeltaReplay {
    Arena *scratch;
    Map files; /* (path, dvId) → ReplayFile */
    Map txns;  /* appId → DeltaTxn */
    DeltaProtocol protocol;
    DeltaMetadata metadata;
} DeltaReplay;

DeltaReplay delta_replay_new(Arena *scratch);
Err *delta_replay_actions(DeltaReplay *replay, const DeltaActions *actions) WARN_UNUSED;
void delta_replay_finish(Arena *arena, const DeltaReplay *replay, DeltaSnapshot *out);
