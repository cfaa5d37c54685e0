/* The second half of an export: from staged files to a published OUT.
 *
 *   staged files + old manifest  →  Diff (diff.c)  →  Changes  →  redo record (record.c)  → renames
 * (publish.c) */
#pragma once
#include "export/export_int.h"

/* ---- manifest.c: OUT/.pond/manifest ---- */
typedef struct ManifestFile {
    const char *path, *keys;
    const char *staged; /* of a new file: relative to OUT; not stored */
    int64_t rows;
    FileState state;
    char sha256[65], fingerprint[65];
    bool has_range;
    TimeSpan range;
} ManifestFile;
typedef struct ManifestTarget {
    const char *pond, *pattern, *source, *path;
    const char *const *captures;
    size_t capture_count;
    bool raw;
    const char *temporal; /* as asked for; NULL: automatic */
    TimeSpan bounds;
    const char *partitioning; /* as used */
    Schema schema;
    char fingerprint[65];
    ManifestFile *files; /* by path */
    size_t file_count;
} ManifestTarget;
typedef VEC(ManifestTarget) ManifestTargetVec;
typedef VEC(const char *) TextVec;
typedef struct Manifest {
    ManifestTargetVec targets; /* by path, then pond, pattern, captures */
    bool has_catalog;
    FileState catalog;
    char catalog_sha256[65];
    TextVec dirs;  /* directories that export made, by path */
    char seal[65]; /* of the file it was read from; "" when there was none */
} Manifest;
/* An absent manifest is an empty one. CORRUPT when its checksum does not fit, UNSUPPORTED for
 * another version. */
Err *manifest_read(Arena *arena, const char *dir, Manifest *out) WARN_UNUSED;
Err *manifest_write(const char *path, const Manifest *manifest, FileState *out_state,
                    char out_seal[65]) WARN_UNUSED;
bool manifest_same_key(const ManifestTarget *a, const ManifestTarget *b);
void manifest_sort(Manifest *manifest);

/* ---- sealed.c ---- */
/* A new file, written through a buffer: add to `text`, and call file_out_flush now and then. */
typedef struct FileOut {
    OsFile *file;
    Buf text;
    Sha256 *hash;
} FileOut;
Err *file_out_open(Arena *arena, const char *path, FileOut *out) WARN_UNUSED;
Err *file_out_flush(FileOut *out) WARN_UNUSED;
/* State and hash of the whole file; not synced. */
Err *file_out_finish(FileOut *out, FileState *out_state, char out_sha256[65]) WARN_UNUSED;
void file_out_close_at(FileOut *out); /* for CLEANUP, always */
/* As JSON lines with a checksum line behind them: ends the line; writes the seal. The file stays
 * open, not synced. */
Err *sealed_line(FileOut *out) WARN_UNUSED;
Err *sealed_finish(FileOut *out, FileState *out_state, char out_seal[65]) WARN_UNUSED;
typedef struct SealedIn {
    const char *path, *at, *end;
    char seal[65];
} SealedIn;
/* CORRUPT naming `path` when the seal is broken or missing. The text lives in `arena`. */
Err *sealed_open(Arena *arena, const char *path, bool *out_found, SealedIn *out) WARN_UNUSED;
Err *sealed_next(SealedIn *in, Arena *arena, const Json **out) WARN_UNUSED; /* NULL at the end */
void file_state_put(JsonOut *out, const FileState *state);
FileState file_state_get(const Json *json);
bool file_state_equal(const FileState *a, const FileState *b);
FileState file_state_of(const OsStat *stat);

/* ---- catalog.c: OUT/catalog.json, for readers ---- */
Err *catalog_write(const char *path, const Manifest *manifest, FileState *out_state,
                   char out_sha256[65]) WARN_UNUSED;

/* ---- diff.c: the new export against the old one ---- */
typedef struct Move {
    const char *staged, *path;
    FileState state; /* of the staged file: a rename keeps it */
    bool replaces;   /* a file of ours is there, and was: */
    FileState was;
    const char *was_sha256;
} Move;
typedef struct Removal {
    const char *path;
    FileState was;
    const char *was_sha256;
} Removal;
/* What publishing does, and what the redo record holds. */
typedef struct Changes {
    VEC(Move) moves;
    VEC(Removal) removals;
    TextVec dirs_made;   /* parents first */
    TextVec dirs_unused; /* removed when empty; children first */
} Changes;
typedef struct Diff {
    Changes changes;
    Manifest manifest; /* afterwards */
    ExportFile *files; /* written and removed ones */
    size_t file_count;
    int64_t written, kept, removed;
} Diff;
typedef struct DiffInput {
    const OutDir *out;
    const Manifest *old;
    ManifestTargetVec targets; /* new; files with `staged` */
    const char *const
        *patterns; /* of this run: what they matched before and no longer do goes too */
    size_t pattern_count;
    const char *pond_id;
} DiffInput;
/* Compares. EXISTS or CONFLICT when something that is not ours stands in the way. Outside of
 * staging nothing is changed: staged files that equal the old ones are dropped, catalog and
 * manifest are staged when they differ. */
Err *diff_make(Arena *arena, const DiffInput *input, Diff *out) WARN_UNUSED;
/* Does this run replace that target of the manifest? */
bool diff_replaces(const DiffInput *input, const ManifestTarget *old);
/* Is the file as it was: the same size, mtime and inode, or at least the same content? *out_now is
 * its state. */
Err *file_is_as(const char *host_path, const FileState *was, const char *sha256, bool *out_as,
                FileState *out_now) WARN_UNUSED;

/* ---- estimate.c: what the export will take, from plans, manifest and what was learned ---- */
typedef struct PartGuess {
    int64_t rows, size_bytes; /* -1: unknown */
    bool is_kept;             /* nothing it is made of has changed since it was written */
} PartGuess;
typedef struct Estimate {
    Predictor *predictor;
    WorkAll all; /* by target */
    Prediction prediction;
    PartGuess **parts; /* by target and file */
    int64_t begun_us;
} Estimate;
/* `targets` are cut (work_partition, work_cut), and nothing of them has run. */
void estimate_make(Arena *arena, const ExportCall *call, const Manifest *old, const Target *targets,
                   Estimate *out);
/* What it was in truth. Whatever fails here fails nothing else. */
void estimate_learn(const Estimate *estimate, const ExportCall *call, const Target *targets,
                    int64_t duration_us);

/* ---- dry_run.c ---- */
Err *export_dry_run(Arena *arena, const ExportCall *call, Target *targets, ExportSummary *out)
    WARN_UNUSED;

/* ---- publish.c: the redo record ---- */
/* Makes the changes durable and visible: fsync, record (commit point), renames, removals, record
 * gone. */
Err *publish(Arena *arena, const OutDir *out, const Changes *changes) WARN_UNUSED;
/* Completes what a record left behind says. */
Err *publish_recover(Arena *arena, const OutDir *out, bool *out_completed) WARN_UNUSED;
/* record.c: its file, synced, and back. */
Err *record_write(const char *path, const Changes *changes) WARN_UNUSED;
Err *record_read(Arena *arena, const OutDir *out, bool *out_found, Changes *changes) WARN_UNUSED;
