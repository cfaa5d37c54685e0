/* export — Hive-partitioned Parquet from patterns: resolve, plan, partition, execute, publish
 * (architecture section 5).
 *
 * OUT/<target>/year=2024/month=7/data.parquet, OUT/catalog.json;
 * OUT/.pond/{lock,manifest,publish,staging/}. docs/format.md describes each. Publishing is by a
 * redo record: before OUT/.pond/publish is durable the old export stands, after it the new one;
 * export_recover and the next export finish it.
 *
 * Invariant: OUT is a function of (pond, options): equal bytes on every run and any number of
 * threads. Only files of the manifest are ever replaced or removed, and only if they are as
 * recorded; foreign and edited files in the way are an error. Threads: export_run starts its own
 * workers (one connection each). Errors: INVALID (directory matched, two targets in one place, a
 * column named like a partition key, no time column, null times), LIMIT (more than 100,000
 * partitions: names the version with the outlier), LOCKED, EXISTS (foreign file), IO. */
#pragma once
#include "provider/provider.h"
#include "report/predict.h"
#include "steward/steward.h"

typedef enum ExportPart {
    PART_YEAR,
    PART_QUARTER,
    PART_MONTH,
    PART_DAY,
    PART_HOUR,
    PART_MINUTE,
    PART_SECOND,
    PART_COUNT
} ExportPart;

typedef struct ExportProgress {
    int64_t partitions_done, partitions_all, rows_done, rows_all, bytes_done;
    double work_done, work_all; /* predicted seconds of workers; the way a bar goes */
    double predicted_s;         /* for the whole export; 0: unknown */
    const char *target;         /* one that is being written */
} ExportProgress;

typedef struct ExportOptions {
    const char *const *patterns;
    size_t pattern_count;
    const char *dir;
    const char *temporal; /* "year,month"; NULL = automatic per target */
    TimeSpan bounds;      /* inclusive; {TIME_MIN, TIME_MAX} = all */
    bool dry_run, rebuild;
    int64_t wait_ms;      /* for OUT's lock */
    int threads;          /* 0 = cores */
    int64_t memory_bytes; /* 0 = 400 MB for the whole export */
    const char *pond_id;
    const char
        *history_of; /* the pond's folder, for what was learned from exports; NULL: nothing */
    bool learns;     /* and learn from this one */
    /* Called from the calling thread a few times a second; may be NULL. */
    void (*progress)(void *context, const ExportProgress *progress);
    void *context;
} ExportOptions;

/* Where time goes: connections to the engine; what is made known to it (relation trees, tables of
 * ours, views); planning; running and writing; walking names, of the pond and of OUT; what is
 * recorded of files (hashes, fingerprints, entries of the catalogue). */
typedef enum ExportPhase {
    PHASE_CONTEXT,
    PHASE_REGISTRATION,
    PHASE_PLANNING,
    PHASE_EXECUTION,
    PHASE_TRAVERSAL,
    PHASE_METADATA,
    PHASE_COUNT
} ExportPhase;
typedef struct ExportPhases {
    double us[PHASE_COUNT];
} ExportPhases;
/* Of the workers, while files are made. */
typedef struct ExportWork {
    int threads;
    int busy_most;          /* at once */
    int64_t jobs, busy_us;  /* of all workers */
    int64_t wall_us, bytes; /* written meanwhile */
} ExportWork;

typedef struct ExportFile {
    const char *path; /* relative to OUT */
    int64_t rows, size_bytes;
    const char *action; /* "write", "keep", "remove" */
} ExportFile;
typedef struct ExportTarget {
    const char *source, *path; /* pond path; directory relative to OUT */
    const char *partitioning;  /* "year,month"; "" for raw data and one file */
    int64_t rows, size_bytes;
    size_t file_count;
    double predicted_s;  /* dry run: its share of the time */
    ExportPhases phases; /* what it took; of what targets share, a part each */
} ExportTarget;
typedef struct ExportSummary {
    ExportTarget *targets;
    size_t target_count;
    ExportFile *files; /* dry run: every file; else those written or removed */
    size_t file_count;
    int64_t written, kept, removed, rows, bytes, duration_us;
    Prediction prediction; /* dry run */
    ExportWork work;
} ExportSummary;

/* Dry run: plans only, writes nothing, takes no lock; rows, bytes and time are predicted from what
 * is recorded and what exports before it have taught (report/predict.h). */
Err *export_run(Arena *arena, Provider *provider, const ExportOptions *options, ExportSummary *out)
    WARN_UNUSED;
/* Completes a publish that a crash interrupted and removes staging. *out_completed tells whether
 * there was one. */
Err *export_recover(const char *dir, int64_t wait_ms, bool *out_completed) WARN_UNUSED;
