/* report — what a command did, as one model, and all that is made of it: the table after a command,
 * JSON, the run history of a pond, traces for Perfetto, and what is left of a killed process.
 *
 *   flight_start     at the start of a command, when spans are wanted
 *   run_snapshot     at its end: counts, times, files, caches → Run
 *   history_append   the run as a record in POND/history
 *   history_read     the runs of a pond, newest last
 *
 * Invariant: nothing here ever fails the command that is being watched. A damaged file is set
 * aside, named once, and what can be read of it is read. Everything has a bound: see history.c,
 * flight.c.
 * Threads: one, the command's own, when its workers have ended. Several processes may use one
 * history. */
#pragma once
#include "os/os.h"
#include "perf/query.h"
#include "perf/read.h"

/* "LEVEL[,OPERATION=N]...": the tracker's level (off, counts, spans, detail), and operations that
 * are timed one call in N. USAGE with the nearest name. */
Err *report_levels_set(const char *spec) WARN_UNUSED;

/* Which statements the engine profiles (perf/query.h): auto, all or off. USAGE with the nearest
 * name. */
Err *report_plans_set(const char *spec) WARN_UNUSED;

/* ---- the model ----
 * Its members are listed once more in fields.c: JSON, history and SQL tables follow from there.
 * fields.h tells how a figure is added. */

typedef struct RunOp {
    const char *name, *layer, *unit;
    uint64_t count;
    uint64_t timed;  /* of these, how many were timed; 0: it has no times */
    double total_ms; /* for all calls, scaled up where they are sampled */
    double mean_us, min_us, max_us, p50_us, p90_us, p99_us;
    uint64_t keyed, keys, most; /* calls with a key, distinct keys, calls of the key asked most */
    double per_key;
    uint64_t keys_sampled_1_in;
    PerfHist *hist; /* of the times; NULL: none */
} RunOp;

typedef struct RunIo { /* calls by whom, on what */
    const char *origin, *class, *op;
    uint64_t calls, bytes;
} RunIo;

typedef struct RunFile {
    const char *path, *class;
    uint64_t opens, reads, writes, read_bytes, written_bytes, footers;
    int64_t size_bytes; /* -1: not known */
    double total_ms;    /* in reads and writes */
} RunFile;

typedef struct RunCache { /* see perf/lookup.h */
    const char *name, *layer, *text;
    uint64_t asked, hits, misses, fetches, evictions, ghost_hits;
    int64_t held_bytes; /* the most at once, as far as it knows */
    double access_us, access_p99_us;
    double load_us, load_p99_us; /* of a fetch; 0: not timed */
    double saved_ms;             /* hits × (load - access), by their means */
    PerfHist *access, *load;     /* NULL: none */
} RunCache;

/* Statements of the engine by shape (perf/query.h), the most time first. Sums over the run; facts
 * of the plan are of the statement that was profiled last. */
typedef struct RunQuery {
    const char *shape, *plan; /* 16 hex digits; plan "": none was profiled */
    const char *plan_before;  /* of the last run that had another; "": none had */
    const char *text;         /* without literals, cut at 1,024 bytes */
    uint64_t calls, failed, profiled, plan_changes;
    uint64_t asked;                    /* to be profiled */
    uint64_t cells_most;               /* PerfQuery.cells_most */
    double total_ms, inner_ms, max_ms; /* in the engine; in statements inside; longest with both */
    double profiled_ms, planning_ms, optimizer_ms; /* of those profiled */
    uint64_t rows, read_bytes, sql_bytes;
    uint64_t versions, versions_read, source_rows, source_bytes;         /* by the catalog */
    uint64_t profiled_rows, profiled_bytes, claimed_rows, claimed_bytes; /* ours, the engine's */
    double estimate_off;                        /* of the worst operator: greater by smaller */
    uint64_t estimated_rows, real_rows;         /* of all operators: the plan's cost */
    uint64_t operators, joins, scans, feeds;    /* of the plan */
    uint64_t files, files_read;                 /* of scans that dropped files by name */
    uint64_t filters_pushed, filters_left;      /* conditions in scans, and above */
    uint64_t row_groups, row_groups_skipped;    /* of scans with conditions; see perf/query.h */
    uint64_t columns, columns_read;             /* of the scans' files; 0: not known */
    const char *logical, *optimized, *physical; /* "": not asked for, or kept beside (plans) */
} RunQuery;

typedef struct RunOperator {
    const char *shape; /* its query's */
    const char *name, *detail;
    uint64_t depth, rows;
    int64_t estimate; /* -1: none */
    double self_ms;
} RunOperator;

typedef struct RunPass { /* a phase of planning, or a pass of the optimiser */
    const char *shape, *name;
    double ms;
} RunPass;

typedef struct RunAlarm { /* a figure of work that was out of range: alarm.h */
    const char *name;
    double value, most;          /* and the end of the range */
    uint64_t runs;               /* that the range comes from; 0: it holds for any run */
    const char *cause, *command; /* what it may mean; what shows more of it */
} RunAlarm;

/* Of an export: where the time of one target went. Beyond the first 64 by time they stand
 * together. */
typedef struct RunTarget {
    const char *target;
    uint64_t targets, files, bytes; /* targets: 1, or how many stand together */
    int64_t rows;
    double total_ms, context_ms, registration_ms, planning_ms, execution_ms, traversal_ms,
        metadata_ms;
} RunTarget;
enum { RUN_TARGETS_MAX = 64 };

typedef struct RunWork { /* of several workers, while they made files */
    const char *name;
    uint64_t threads, busy_most, jobs; /* busy_most: at once */
    double busy_ms, wall_ms;           /* of all workers together; from begin to end */
    uint64_t written_bytes;            /* meanwhile */
    double busy_mean, bytes_per_s;     /* workers at once; by wall_ms */
} RunWork;

typedef struct Run {
    const char *id, *command, *version, *host, *level;
    const char *toggles_off; /* names of optimisations that were off, with commas; "": none */
    TimeUs begun;
    int64_t duration_us, user_us, system_us, peak_bytes, pid;
    int64_t status; /* exit status; -1: killed, as told by what it left */
    RunOp *ops;
    size_t op_count;
    RunIo *io;
    size_t io_count;
    RunFile *files;
    size_t file_count;
    uint64_t files_left_out; /* opens of files beyond the table's room */
    RunCache *caches;
    size_t cache_count;
    RunQuery *queries;
    size_t query_count;
    RunOperator *operators; /* query by query, depth first */
    size_t operator_count;
    RunPass *passes; /* query by query */
    size_t pass_count;
    uint64_t queries_left_out; /* statements of shapes beyond those listed */
    RunAlarm *alarms;
    size_t alarm_count;
    RunTarget *targets; /* the most time first */
    size_t target_count;
    RunWork *work;
    size_t work_count;
    uint64_t spans, spans_dropped, rings, rings_anonymous;
} Run;

/* What the process did until now. Only what happened is there: no zeros. */
typedef struct RunContext {
    const char *command; /* redacted */
    TimeUs begun;
    int64_t begun_monotonic_us;
    int status;
    const RunTarget *targets; /* in any order, any number */
    size_t target_count;
    const RunWork *work;
    size_t work_count;
} RunContext;
void run_snapshot(Arena *arena, const RunContext *context, Run *out);

void run_to_json(JsonOut *json, const Run *run);
/* Several runs as one: counts, times, caches, files added up; id and status of the newest. Distinct
 * keys are those of each run, added up. */
void run_merge(Arena *arena, const Run *runs, size_t count, Run *out);
/* Caches of `run` that fetched nothing take what a fetch cost from the newest of `runs` that tells:
 * what their hits have saved is known then, too. */
void run_caches_price(Run *run, const Run *runs, size_t count);
/* The operation of that name, NULL when it did not happen. */
const RunOp *run_op(const Run *run, const char *name);

/* ---- history ---- */

/* Appends to POND/history. Errors of its own; the caller passes them by. */
Err *history_append(const char *pond_dir, const Run *run) WARN_UNUSED;

typedef struct HistoryEntry HistoryEntry;
/* What there is, without its content: for going through all of it in little memory. */
typedef struct HistoryIndex {
    const HistoryEntry *entries; /* oldest first */
    size_t count;
    uint64_t damaged;       /* pieces that could not be read */
    const char **set_aside; /* files found damaged now, by name */
    size_t set_aside_count;
} HistoryIndex;
/* `mend`: damaged files are renamed so that nothing is appended to them; without (a pond that
 * cannot be written) they are only told. */
Err *history_index(Arena *arena, const char *pond_dir, bool mend, HistoryIndex *out) WARN_UNUSED;
/* The run of an entry; false when it makes no sense. */
bool history_run(Arena *arena, const HistoryIndex *index, size_t entry, Run *out);

typedef struct History {
    Run *runs; /* oldest first */
    size_t count;
    uint64_t damaged;
    const char **set_aside;
    size_t set_aside_count;
} History;
/* The last `most` runs (0 = all): some 100 KiB of memory each. */
Err *history_read(Arena *arena, const char *pond_dir, size_t most, bool mend, History *out)
    WARN_UNUSED;

/* ---- plans of statements, beside the history ---- */

typedef struct StoredPlan {
    const char *shape, *plan, *text;
    const char *run; /* the first that had it */
    TimeUs begun;
    const char *logical, *optimized, *physical;
} StoredPlan;
typedef struct StoredPlans {
    StoredPlan *plans; /* as they were added: the last of a shape is its plan */
    size_t count;
    uint64_t damaged; /* lines passed by */
} StoredPlans;
/* For perf_known_set: `context` is the pond's folder. */
size_t plans_known(void *context, PerfKnown *out);
void plans_read(Arena *arena, const char *pond_dir, StoredPlans *out);
/* Adds what is new of the run, and fills plan_before of its queries. */
Err *plans_keep(Arena *arena, const char *pond_dir, Run *run) WARN_UNUSED;

/* ---- spans ---- */

/* From now on each thread's ring lies in a file of POND/history (dir NULL: in memory). A file that
 * cannot be made costs nothing but that: the rings are anonymous, and the run says so. */
void flight_start(const char *pond_dir, const char *command, size_t records);
/* The process ends well: its file goes. */
void flight_end(void);

typedef struct FlightOpen {
    const char *op;
    double open_ms; /* until the last thing the process recorded */
} FlightOpen;

typedef struct Flight { /* what a process left that did not end */
    const char *path, *command;
    int64_t pid;
    TimeUs begun;
    PerfSpans spans; /* op numbers are of `names` */
    const char **names;
    size_t name_count;
    double ns_per_tick;
    uint64_t start_ticks, start_ns;
    FlightOpen *open; /* outermost first, thread by thread */
    size_t open_count;
} Flight;
/* Of processes that have ended. Damaged files are set aside as by history_read. */
typedef struct Flights {
    Flight *flights;
    size_t count;
    const char **set_aside;
    size_t set_aside_count;
} Flights;
Err *flight_recover(Arena *arena, const char *pond_dir, bool mend, Flights *out) WARN_UNUSED;
/* The run as far as its spans tell, for the history. */
void flight_to_run(Arena *arena, const Flight *flight, Run *out);

/* ---- spans of past runs ----
 * Of runs with the level spans or detail, and of killed ones that were recovered: the newest 65,536
 * spans each, of the last 8 runs. */

typedef struct RunSpans {
    const char *run; /* its id; NULL: none */
    TimeUs begun;    /* when ticks were start_ticks */
    double ns_per_tick;
    uint64_t start_ticks;
    const char **names; /* of operations, by number */
    size_t name_count;
    PerfSpans spans; /* as read: in order of their begins */
} RunSpans;
RunSpans run_spans_of_process(Arena *arena, const PerfSpans *spans, const char *run);
RunSpans run_spans_of_flight(const Flight *flight, const char *run);
Err *spans_keep(const char *pond_dir, const RunSpans *run) WARN_UNUSED;
/* Names of the files, the oldest first, for spans_read. */
Err *spans_list(Arena *arena, const char *pond_dir, const char ***out, size_t *out_count)
    WARN_UNUSED;
/* False: it was damaged, and is set aside when `mend`. A file that has gone meanwhile has no run.
 */
bool spans_read(Arena *arena, const char *pond_dir, const char *name, bool mend, RunSpans *out);

/* ---- Perfetto ---- */

typedef struct TraceInput {
    const PerfSpans *spans;   /* in order of their begins */
    const char *const *names; /* by op number */
    const char *const *layers;
    size_t name_count;
    double ns_per_tick;
    uint64_t start_ticks, start_ns;
    int64_t pid;
    const char *command;
} TraceInput;
/* A trace as perfetto.dev and its trace processor read it. */
void trace_to_perfetto(Buf *out, const TraceInput *input);
/* Of this process. */
TraceInput trace_of_process(Arena *arena, const PerfSpans *spans, const char *command);
