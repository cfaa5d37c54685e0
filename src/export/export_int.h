/* What the files of export share: the export seen as a pipeline of plain values.
 *
 *   Input (resolve.c)  →  Target (target.c)  →  Part (partition.c, work.c)  →  Job (execute.c)
 *                     →  Manifest (manifest.c)  →  Record (publish.c)
 *
 * Everything up to Part is made by the calling thread; jobs are run by workers, each with its own
 * connection and arena; everything after (publish_int.h) is the calling thread's again. Paths in
 * here are relative to OUT unless they are called host paths. */
#pragma once
#include "export/export.h"
#include "os/os.h"
#include "perf/perf.h"

/* ---- resolve.c: what is exported, before export has an opinion on it ---- */
typedef struct ExportInput {
    const char *pattern; /* as the user wrote it */
    const char *source;  /* pond path */
    const char *const *captures;
    size_t capture_count;
    const Rel *rel; /* NULL: raw data, then its bytes in order: */
    const Content *pieces;
    size_t piece_count;
    const char *raw_fingerprint; /* raw: of the versions' hashes */
    ExportPhases phases;         /* of finding and building it */
} ExportInput;
typedef struct ExportCall {
    Plan *plan;
    const ExportInput *inputs;
    size_t input_count;
    const char *scratch_dir; /* exists */
    const ExportOptions *options;
} ExportCall;
Err *inputs_resolve(Arena *arena, Provider *provider, const ExportOptions *options,
                    ExportInput **out, size_t *out_count) WARN_UNUSED;
/* The whole export of given inputs: export_run without the provider. */
Err *export_inputs(Arena *arena, const ExportCall *call, ExportSummary *out) WARN_UNUSED;

/* ---- partition.c: calendar windows in UTC ---- */
enum { PARTITION_LIMIT = 100000 };
typedef struct Parts {
    ExportPart v[PART_COUNT];
    size_t n; /* 0: one file for all times */
} Parts;
/* "year,month". USAGE when a part is unknown, out of order, or means nothing without one that is
 * left out. */
Err *parts_parse(const char *text, Parts *out) WARN_UNUSED;
char *parts_text(Arena *arena, const Parts *parts);
const char *part_name(ExportPart part);
int64_t part_value(ExportPart part, TimeUs time);
/* The window that holds `time`; everything when there are no parts. */
TimeSpan parts_window(const Parts *parts, TimeUs time);
/* "year=2024/month=7"; "" without parts. */
char *parts_dir(Arena *arena, const Parts *parts, TimeUs time);
typedef VEC(TimeSpan) SpanVec;
/* Windows that meet the intervals (disjoint, ascending), clipped to `bounds`, ascending. False when
 * there would be more than the limit. */
bool parts_windows(Arena *arena, const Parts *parts, const RelExtent *extent, TimeSpan bounds,
                   SpanVec *out);
/* How many there would be, at most `limit` + 1; nothing is kept. */
size_t parts_count(const Parts *parts, const RelExtent *extent, TimeSpan bounds, size_t limit);
/* The automatic choice (cli.md): by the grid of a reduced relation, else by rows a file. `rows` =
 * -1: unknown. */
Parts parts_choose(const RelExtent *extent, TimeSpan bounds, int64_t grid_us, int64_t rows);
/* Width of the relation's bucket grid near `time`; 1 when it has none. */
int64_t rel_grid_us(const Rel *rel, TimeUs time);
/* LIMIT: too many partitions, naming the file whose times lie farthest from the rest. */
Err *parts_too_many(const Rel *rel, const Parts *parts, const char *source) WARN_UNUSED;

/* ---- outdir.c: OUT and OUT/.pond ---- */
typedef struct OutDir {
    const char *dir;         /* absolute host path */
    const char *private_dir; /* dir/.pond */
    const char *staging_dir; /* dir/.pond/staging */
    const char *record_path; /* dir/.pond/publish */
    OsLock *lock;
    bool made_dir, made_private; /* by this run */
} OutDir;
Err *outdir_names(Arena *arena, const char *dir, OutDir *out) WARN_UNUSED;
/* Makes OUT and OUT/.pond and takes the lock. LOCKED names the holder. */
Err *outdir_open(Arena *arena, const char *dir, int64_t wait_ms, OutDir *out) WARN_UNUSED;
void outdir_close(OutDir *out);
/* Removes what outdir_open made, if it holds nothing yet; the lock is still held. */
void outdir_unmake(const OutDir *out);
Err *outdir_clear_staging(const OutDir *out) WARN_UNUSED;
char *outdir_host_path(Arena *arena, const OutDir *out, const char *path);

/* ---- name.c: names in OUT ---- */
/* Appends one path component, reversibly encoded (docs/format.md, "Names"). `keys` holds the Hive
 * keys met so far in the path. */
void name_encode(Buf *out, const char *component, Map *keys);
/* The target's path from captures, or from the pond path; raw data keep their extension. INVALID
 * when a component would be longer than 255 bytes. */
Err *name_target_path(Arena *arena, const ExportInput *input, char **out) WARN_UNUSED;

/* ---- target.c ---- */
typedef struct Target {
    const ExportInput *input;
    const char *path;    /* directory of a relation, file of raw data */
    const Rel *rel;      /* what is run: input->rel, or what replaces it once it is materialised */
    const Rel *material; /* what was materialised for it; NULL: nothing */
    Parts parts;
    VEC(struct Part *) files; /* ascending in time */
    bool is_cut;              /* they are there */
    double predicted_s;       /* of work; 0: unknown */
    int64_t busy_us;          /* of workers, so far, on what is its alone */
    ExportPhases phases;      /* so far, without its files and its input */
} Target;
/* Paths and collisions; a column named like a key in the path is found by target_check_columns once
 * the parts are known. */
Err *targets_make(Arena *arena, const ExportCall *call, Target **out) WARN_UNUSED;
Err *target_check_columns(const Target *target) WARN_UNUSED;

/* ---- profile.c: where the time of a target goes ---- */
enum { METER_INNER = 7 };
typedef struct Meter {
    uint64_t begin, inner[METER_INNER];
} Meter;
Meter meter_begin(void);
/* On the thread where it began. */
void meter_end(const Meter *meter, ExportPhase phase, ExportPhases *to);
void phases_add(ExportPhases *to, const ExportPhases *from, double share);

/* ---- execute.c: workers ---- */
/* One thing a worker does. `run` may be called on any worker; results go into `self`. */
struct Slot;
typedef struct Worker {
    Arena *arena;  /* reset after each job */
    Conn *conn;    /* opened when first asked for by worker_conn */
    int64_t bytes; /* that the job has put into OUT, for progress */
    struct Slot *slot;
} Worker;
Err *worker_conn(Worker *worker, Conn **out) WARN_UNUSED;
/* How much of its job is done, 0 to 1, for progress: where a job knows. */
void worker_tell(Worker *worker, double part);
typedef struct Job {
    Err *(*run)(void *self, Worker *worker);
    void *self;
    int64_t cost;        /* longest first */
    double work_s;       /* predicted, for progress */
    int64_t rows, files; /* that it brings the export forward, for progress */
    const char *label;
} Job;
typedef VEC(Job) JobVec;
typedef struct JobPool {
    int threads;
    const ExportOptions *options; /* progress; NULL: none, and interrupts are not heard */
    ExportProgress progress;      /* where earlier jobs left it */
    ExportWork work;              /* of all jobs so far */
} JobPool;
/* fsync by name, many at once: they share the journal's commits (a third of the time of one after
 * the other). */
Err *sync_files(const char *const *paths, size_t count) WARN_UNUSED;
Err *sync_dirs(const char *const *paths, size_t count) WARN_UNUSED;
/* Runs all jobs; the first error (by the order given) of those that failed is returned and stops
 * the rest. Progress is called, and interrupts are heard, on the calling thread. */
Err *jobs_run(JobPool *pool, const Job *jobs, size_t count) WARN_UNUSED;
int jobs_thread_count(const ExportOptions *options);

/* ---- raw.c ---- */
/* Writes the pieces, one after the other, into a new host file; size and hash as written; not
 * synced. */
Err *raw_write(const char *path, const Content *pieces, size_t count, int64_t *out_size,
               char out_sha256[65]) WARN_UNUSED;

/* What tells that a file is still the one that was written. */
typedef struct FileState {
    int64_t size_bytes, mtime_ns;
    uint64_t inode;
} FileState;

/* ---- cut.c: many small files from one pass ---- */
/* µs of a stored time: value * multiply, or floor(value / divide). */
typedef struct TimeScale {
    int64_t multiply, divide;
} TimeScale;
bool time_scale_find(const char *type, TimeUnit unit, TimeScale *out);
TimeUs time_scaled(TimeScale scale, int64_t value);
typedef struct Cut Cut;
/* Can its rows be handed over cell by cell? */
bool cut_can(const Rel *rel);
Err *cut_open(Arena *arena, Plan *plan, const Rel *rel, TimeSpan span, Cut **out) WARN_UNUSED;
/* Writes the rows up to and with `until` that have not been written yet; no rows, no file. */
Err *cut_next(Cut *cut, Arena *arena, Conn *conn, TimeUs until, const char *path, RelWritten *out)
    WARN_UNUSED;
void cut_close_at(Cut **cut);

/* ---- extent.c ---- */
/* Intervals that hold all rows of a relation, by reading its times once; rounded down to the
 * buckets of `grid` (NULL: not). */
Err *extent_read(Arena *arena, Plan *plan, const Rel *rel, const Rel *grid, RelExtent *out)
    WARN_UNUSED;

/* ---- work.c: files to be made ---- */
typedef struct Part {
    const ExportCall *call;
    const OutDir *out;
    const Target *target;
    const char *path; /* of the file */
    const char *keys; /* "year=2024/month=7" */
    TimeSpan span;    /* what the file may hold, inclusive */
    int64_t rows_estimate;
    size_t number; /* of the staged file */
    /* set by the worker */
    bool empty; /* no rows: no file was staged */
    RelWritten written;
    char sha256[65];
    FileState state;
    int64_t busy_us;
    ExportPhases phases;
} Part;

/* Materialises what several targets share and what cannot be cut before it has run; sets
 * Target.rel. */
Err *work_materialize(Arena *arena, const ExportCall *call, JobPool *pool, Target *targets)
    WARN_UNUSED;
/* Removes what was materialised. */
Err *work_clear(const ExportCall *call) WARN_UNUSED;
/* Chooses partitions; sets Target.parts and Target.files. `old` may have an automatic choice to
 * keep. */
struct Manifest;
Err *work_partition(Arena *arena, const ExportCall *call, const OutDir *out,
                    const struct Manifest *old, Target *targets) WARN_UNUSED;
/* The same, uncounted: for a guess. What it cut stands, but for targets that are materialised
 * afterwards. */
Err *work_cut(Arena *arena, const ExportCall *call, const OutDir *out, const struct Manifest *old,
              Target *targets) WARN_UNUSED;
/* Writes every file into staging. */
Err *work_write(Arena *arena, JobPool *pool, const Target *targets, size_t count) WARN_UNUSED;
char *part_fingerprint(Arena *arena, const Part *part);
