/* plan — the relation tree: what a query is, before and while it runs.
 *
 * A Rel is an immutable description: scans of Parquet versions, synthetic points, projections,
 * unions, user SQL, buckets. It answers questions without running anything (schema, fingerprint,
 * time-locality, order, inputs in a range) and is run by the DuckDB emitter, one statement per
 * segment; segments are cut at `bucket`, which runs in C (plan/bucket.c).
 *
 * Inside the tree columns are known by position (c0, c1, ...), so that names that differ only in
 * case, or look like anything, never meet the engine; names are given back by the outermost SELECT
 * and to user SQL.
 *
 * Invariant (determinism contract, architecture section 5): the rows of a range are the same
 * however the range is cut, on any number of threads, with any cache on or off. Threads: building
 * and plan_resolve are one thread's business; a resolved tree may be read and run by several
 * threads, each with its own connection and arena. Errors: INVALID, SQL, NOT_FOUND (a column),
 * LIMIT; messages name the node (label). */
#pragma once
#include "cache/cache.h"
#include "engine/engine.h"

typedef struct Rel Rel;

/* ---- the context of a command's planning ---- */
typedef struct Plan Plan;
/* `cache` keeps schemas of user SQL by fingerprint; may be NULL. A connection is opened when first
 * needed. */
Plan *plan_new(Arena *arena, Cache *cache);
void plan_close_at(Plan **plan);
/* Reads a tz database file, e.g. "America/New_York"; installed from above since this module makes
 * no file calls. */
void plan_set_zone_source(Plan *plan,
                          Err *(*load)(void *context, Arena *arena, const char *name,
                                       const Zone **out),
                          void *context);

/* ---- leaves ---- */
/* What a column of a Parquet file is like, recorded when the file came in: for predictions of what
 * other files of its values will take (decision 0137). */
enum { FACT_WINDOWS = 8 };
typedef struct ColumnFacts {
    int64_t bytes; /* of its pages and dictionaries under zstd; -1: under something else */
    int64_t nulls;
    double plain;    /* bytes a value without a dictionary, about; -1: not known */
    bool is_counted; /* `distinct` says something */
    int64_t distinct[FACT_WINDOWS + 1]; /* different values among so many rows side by side, on
                                           average: facts_window(0), (1) ... and last all rows */
} ColumnFacts;
int64_t facts_window(size_t window); /* rows: 32, 128, 512 ... */
size_t facts_windows(int64_t rows);  /* of a file, the whole one included */
/* As attributes of a version; NULL for more than 1,000 columns and files without rows. */
char *facts_to_json(Arena *arena, const ColumnFacts *facts, size_t count, int64_t rows);
/* NULL where nothing was recorded for so many columns, or what is no such record. */
ColumnFacts *facts_from_json(Arena *arena, const char *text, size_t count, int64_t rows);
/* A version's attributes hold nothing else. */
bool facts_are_all(const char *attributes);

typedef struct ScanFile {
    const char *path;  /* host path of an immutable Parquet file */
    const char *label; /* for messages: "/a/b.series v3" */
    char sha256[65];   /* of its content (or of content + options it was made from) */
    int64_t rows, size_bytes;
    Schema schema;           /* as recorded; true names */
    const char *time_column; /* NULL when it has none */
    TimeUnit time_unit;      /* when that column is an INT64 */
    const TimeSpan *intervals;
    size_t interval_count;
    bool in_order;
    const char *facts; /* attributes of facts_to_json, or NULL */
    bool stored; /* a pond's own: what plan_set_file_check installed is asked before it is read */
} ScanFile;

/* Asked once for each stored file, before the first statement that reads it runs; by one thread at
 * a time, while the thread that plans rests. */
void plan_set_file_check(Plan *plan, Err *(*check)(void *context, const ScanFile *file),
                         void *context);

typedef struct ScanSpec {
    const char *label; /* the node's path */
    ScanFile *files;   /* in the order (path, version): this order is the order of rows */
    size_t file_count;
    const char *time_column; /* NULL: the files' own */
    bool keeps_order; /* unsorted reads go file by file, also where another order of the files
                         would be one by time */
    TimeSpan clip;    /* temporal overrides of this node; {TIME_MIN, TIME_MAX} = none */
} ScanSpec;
/* All rows of the files, united by column name with types widened by rule; a real conflict is
 * INVALID naming both files. The time column is that of the files, under its name, with its own
 * type when all agree, else TIMESTAMPTZ. */
Err *rel_scan(Arena *arena, const ScanSpec *spec, const Rel **out) WARN_UNUSED;
/* No rows. `schema` may be NULL: one column "timestamp" TIMESTAMPTZ. */
const Rel *rel_empty(Arena *arena, const char *label, const Schema *schema);

typedef enum WaveKind { WAVE_SINE, WAVE_TRIANGLE, WAVE_SQUARE, WAVE_LINE, WAVE_NOISE } WaveKind;
typedef struct Wave {
    WaveKind kind;
    double amplitude, period_s, offset, phase,
        slope;    /* line: offset + slope * t; others as in docs/factories.md */
    int64_t seed; /* noise: counter-based from (seed, index), uniform in [-amplitude, amplitude) +
                     offset */
} Wave;
typedef struct SyntheticColumn {
    const char *name;
    Wave *waves; /* the value is their sum; t in seconds since start */
    size_t wave_count;
} SyntheticColumn;
typedef struct SyntheticSpec {
    const char *label, *time_column;
    TimeUs start, end; /* inclusive */
    int64_t interval_us;
    SyntheticColumn *columns;
    size_t column_count;
} SyntheticSpec;
Err *rel_synthetic(Arena *arena, const SyntheticSpec *spec, const Rel **out) WARN_UNUSED;

/* Rows of a table of ours, without a time column: the catalog as something SQL can read. */
typedef struct RowsSpec {
    const char *label;
    Schema schema;        /* types with a Phys */
    const char *identity; /* two with one identity hold the same rows: of the fingerprint */
    const FeedTable *table;
    void *context; /* of the table; lives as long as what is run */
} RowsSpec;
const Rel *rel_rows(Arena *arena, const RowsSpec *spec);

/* ---- operators ---- */
typedef struct ProjectColumn {
    const char *source; /* input column's name; NULL: a column of type `cast` without values */
    const char *name;   /* output name */
    const char *cast;   /* SQL type or NULL */
    bool as_time;   /* instead of `cast`: a TIMESTAMPTZ, of text (UTC where it names no zone) or of
                       numbers */
    TimeUnit unit;  /* what the numbers count; NONE: as recorded of a time column, else by the
                       magnitude of each (1971 to 2199; others are an error when it runs) */
    bool is_absent; /* of one without a source: reading a row of it is an error, not a null */
} ProjectColumn;
Err *rel_project(Arena *arena, const Rel *input, const ProjectColumn *columns, size_t count,
                 const Rel **out) WARN_UNUSED;
/* Keeps rows with min <= time <= max. */
Err *rel_range(Arena *arena, const Rel *input, TimeSpan span, const Rel **out) WARN_UNUSED;
/* Another column is the time; the input itself when it is already. */
Err *rel_retime(Arena *arena, const Rel *input, const char *time_column, const Rel **out)
    WARN_UNUSED;
/* Rows of all inputs, in that order, columns united by name; inputs that hold nothing have no say.
 * Of scans that read alike it is one scan of all their files. */
Err *rel_union(Arena *arena, const char *label, const Rel *const *inputs, size_t count,
               const Rel **out) WARN_UNUSED;
/* All rows of all inputs that have the same time side by side: the full outer join on the time, as
 * instants. First the time (TIMESTAMPTZ, never null: a null time is an error when it runs), then
 * the other columns of each input as <prefix>.<column>. Rows in the order of time, then of the
 * first input's rows, the second's, ...; inputs with several rows of one time give every
 * combination. At most 1,000,000 rows of one time an input (LIMIT). INVALID naming both inputs of a
 * column that two would give. One input is a projection of it. */
typedef struct JoinInput {
    const Rel *rel;
    const char *prefix; /* NULL: the plain names */
} JoinInput;
typedef struct JoinSpec {
    const char *label, *time_column; /* each input's, and the output's */
    JoinInput *inputs;
    size_t count; /* at least one */
} JoinSpec;
Err *rel_join(Plan *plan, Arena *arena, const JoinSpec *spec, const Rel **out) WARN_UNUSED;
const Rel *
rel_sort(Arena *arena,
         const Rel *input); /* by time, ties in (path, version, row) order; no-op when in order */

typedef enum AggKind {
    AGG_AVG,
    AGG_MIN,
    AGG_MAX,
    AGG_SUM,
    AGG_COUNT,
    AGG_FIRST,
    AGG_LAST,
    AGG_STDDEV
} AggKind;
typedef struct BucketAgg {
    AggKind kind;
    const char *column; /* input column; NULL: rows ("timestamp.count") */
    const char *name;   /* output column */
} BucketAgg;
typedef struct BucketSpec {
    const char *label, *time_column;
    int64_t width_us;
    int64_t base_width_us; /* the finest width of the node when `width` nests in it (then this is
                              its fold); else = width */
    TimeUs
        origin; /* buckets are floored to origin + k * width; with a zone: origin is a local time */
    const char *zone; /* NULL = UTC */
    BucketAgg *aggs;  /* output: time column, then these in this order */
    size_t agg_count;
} BucketSpec;
Err *rel_bucket(Plan *plan, Arena *arena, const Rel *input, const BucketSpec *spec, const Rel **out)
    WARN_UNUSED;
/* The partial states of a bucket relation at its base width, as a relation of its own: what several
 * resolutions over one input share. All buckets with the same input, base width, origin, zone and
 * aggregated columns have equal partials (equal fingerprints). NULL when the relation is not a
 * bucket itself. */
const Rel *rel_bucket_partials(Arena *arena, const Rel *bucket);
/* The same bucket relation (resolved before) computed from materialised partials. */
const Rel *rel_bucket_over(Arena *arena, const Rel *bucket, const Rel *partials);

typedef struct SqlInput {
    const char *name; /* table name in the query */
    const Rel *rel;
} SqlInput;
/* One SELECT over named inputs. The text is checked when resolved: one SELECT; FROM may name only
 * inputs, CTEs, VALUES, sub-queries, range, generate_series, unnest (so that no input escapes the
 * fingerprint). `query` NULL = all of the one input. SQL errors have line and column in the query.
 */
Err *rel_sql(Arena *arena, const char *label, const char *query, const SqlInput *inputs,
             size_t count, const Rel **out) WARN_UNUSED;
/* What a query reads that it does not define itself: tables of FROM that are no CTE there, each
 * name once, in order of appearance. */
typedef struct SqlTable {
    const char *name;  /* as written, without quotes; with dots when qualified */
    bool is_qualified; /* schema.name */
    int line, column;  /* of its first appearance; 0 when not known */
} SqlTable;
Err *plan_sql_tables(Plan *plan, Arena *arena, const char *query, SqlTable **out, size_t *count)
    WARN_UNUSED;
/* The text of a rel_sql alone, whatever its inputs' columns: before a node is made of it. */
Err *rel_sql_check(Plan *plan, const Rel *sql) WARN_UNUSED;

/* ---- answers ---- */
/* Computes what is lazy in the whole tree (schemas of SQL by the engine or cache, zones,
 * fingerprints). Needed before any of the following. */
Err *plan_resolve(Plan *plan, const Rel *rel) WARN_UNUSED;
const char *rel_label(const Rel *rel);
const Schema *rel_schema(const Rel *rel);
ptrdiff_t rel_time_index(const Rel *rel); /* column; -1 when it has none */
TimeUnit rel_time_unit(const Rel *rel);
const char *
rel_fingerprint(const Rel *rel); /* 64 hex; architecture section 4 lists the ingredients */
bool rel_is_time_local(const Rel *rel);
bool rel_is_volatile(const Rel *rel); /* random(), now(): never cached */
bool rel_is_in_order(const Rel *rel);
bool rel_is_nothing(const Rel *rel); /* no rows, whatever happens: such inputs have no say */
/* Disjoint intervals that cover every row's time, ascending; known = false when only running it
 * tells (SQL). */
typedef struct RelExtent {
    bool known;
    TimeSpan *intervals;
    size_t count;
} RelExtent;
RelExtent rel_extent(Arena *arena, const Rel *rel);
/* The files a range of the output can depend on (range widened to buckets; all of them when not
 * time-local). */
void rel_inputs_in(Arena *arena, const Rel *rel, TimeSpan span, const ScanFile ***out,
                   size_t *count);
int64_t rel_rows_estimate(const Rel *rel, TimeSpan span);
/* What running a range of it takes and gives, from what is recorded alone: rows and bytes of the
 * files that it needs (each file once, by the part of its times that is asked for), and rows and
 * Parquet bytes that come out, footers aside. Joins are guessed from the steps and phases of their
 * sides' times, buckets from their grid, bytes from those of the stored columns. */
typedef enum RelWorkKind {
    REL_WORK_COPY,
    REL_WORK_BUCKET,
    REL_WORK_JOIN,
    REL_WORK_SQL
} RelWorkKind;
typedef struct RelWork {
    RelWorkKind kind; /* the dearest operator in it */
    double rows_in, cells_in, bytes_in;
    double rows, bytes;
} RelWork;
/* file_rows: of one written file, about. */
void rel_work(const Rel *rel, TimeSpan span, double file_rows, RelWork *out);
/* The bucket grids on the way. A range cut anywhere gives the same rows (those of buckets that
 * start inside it); cut here it holds whole buckets. Any time when there is no bucket. */
TimeUs rel_cut_down(const Rel *rel, TimeUs time); /* the latest allowed cut <= time */
/* The tree as indented text, for describe --plan. */
char *rel_tree_text(Arena *arena, const Rel *rel);
/* ---- running ---- */
typedef struct RelRead {
    TimeSpan span; /* {TIME_MIN, TIME_MAX} = all; rows outside are not returned */
    bool sorted;   /* in time order (ties by path, version, row); else as the relation gives them */
    int64_t limit; /* 0 = none */
} RelRead;
/* The statement(s) that would run, for --explain. */
Err *rel_explain(Plan *plan, Arena *arena, const Rel *rel, RelRead read, char **out) WARN_UNUSED;
typedef struct RelStream RelStream;
Err *rel_open(Plan *plan, const Rel *rel, RelRead read, RelStream **out) WARN_UNUSED;
const Schema *rel_stream_schema(const RelStream *stream);
Err *rel_next(RelStream *stream, Chunk *out) WARN_UNUSED; /* rows = 0 at the end */
void rel_close_at(RelStream **stream);

/* Writes a range as one Parquet file on `conn` (the caller's, one per thread): v2 pages, zstd, in
 * time order when `sorted`, columns under their names. Two columns that differ only in case are
 * INVALID naming them. A row with a null time is INVALID naming the node; a HUGEINT beyond 2^53 is
 * an SQL error (docs/decisions/0023). Nothing is left at `path` after a failure. */
typedef struct RelWrite {
    RelRead read;
    const char *path;
    bool scratch;  /* a temporary file: uncompressed, internal names allowed */
    bool any_time; /* null and infinite times are written, too; the range stays unknown */
} RelWrite;
typedef struct RelWritten {
    int64_t rows, size_bytes;
    bool has_range;
    TimeSpan range; /* true min and max of the time column */
} RelWritten;
Err *rel_write(Plan *plan, Arena *arena, Conn *conn, const Rel *rel, const RelWrite *write,
               RelWritten *out) WARN_UNUSED;
/* What rel_write put into a scratch file: the whole relation in time order, as a scan with the same
 * schema, label and fingerprint; for what is not time-local, or shared. `path` stays the caller's.
 */
Err *rel_of_written(Arena *arena, Conn *conn, const Rel *rel, const char *path,
                    const RelWritten *written, const Rel **out) WARN_UNUSED;

/* A relation that several read (a join), to be run once for all of them. */
typedef struct RelShared {
    const Rel *of;
    const Rel *rel;  /* the columns of it that they read: resolve and materialise this, as */
    const Rel *made; /* set by the caller */
} RelShared;
/* What at least two of the (resolved) relations have in common, the topmost of it. */
Err *rel_share(Arena *arena, const Rel *const *rels, size_t count, RelShared **out,
               size_t *out_count) WARN_UNUSED;
/* One of those relations, reading what was made: the same rows, fingerprint and all else. */
Err *rel_replace(Plan *plan, Arena *arena, const Rel *rel, const RelShared *shared, size_t count,
                 const Rel **out) WARN_UNUSED;
