/* engine — DuckDB 1.5.6 through its C API; the only place that includes duckdb.h. The library is
 * loaded with dlopen on the first engine_connect, never before: opening it costs a process 33-37
 * ms.
 *
 * One in-memory database instance per process; connections are cheap (70 µs with their settings, 8
 * KB), at most 1,024 at once (a wide join reads as many streams). Each statement runs with
 * `threads=1`, on the thread that asks for it: parallelism is several connections on several
 * threads (the determinism contract), and a feed may run statements on other connections inside a
 * statement. Extensions are never installed or loaded. Settings stand in one table
 * (engine/settings.c).
 *
 * Invariant: no DuckDB object outlives its connection; results are streamed by chunks, never whole.
 * Threads: a connection and what came from it belong to one thread at a time; engine_interrupt is
 * safe anywhere (also in a signal handler's thread). Errors: SQL (with line and column where the
 * engine tells them), LIMIT (out of memory, names the limit), INTERRUPTED, IO (a file call failed:
 * disk full, unreadable), CORRUPT (a damaged Parquet file). */
#pragma once
#include "base/base.h"
#include <stdint.h>

typedef struct EngineOptions {
    int64_t memory_limit_bytes; /* buffer manager's; 0 = 256 MB */
    const char *temp_dir;       /* spilling; NULL = none */
    bool log_statements;        /* --verbose: each statement on stderr */
} EngineOptions;

/* Before the first connection; later calls change memory limit, temp_dir (until the engine has used
 * it) and logging. */
void engine_configure(const EngineOptions *options);
bool engine_is_loaded(void);
const char *engine_version(void); /* "v1.5.6"; loads the engine; NULL when it cannot */
/* Stops every running statement: they return INTERRUPTED, also streams that are being read. A
 * statement that starts later is not touched. No-op when not loaded. */
void engine_interrupt(void);
/* Closes the instance (at exit, and in tests); connections must be closed. */
void engine_shutdown(void);

typedef struct Conn Conn;
Err *engine_connect(Conn **out) WARN_UNUSED;
/* For who keeps a connection: makes one unless *kept is one already. */
Err *engine_connect_once(Conn **kept) WARN_UNUSED;
void engine_disconnect_at(Conn **conn); /* for CLEANUP; NULL is fine */

/* What files statements may touch once user SQL runs. engine_allow names a file or folder (and all
 * below it); engine_sandbox closes everything else for the rest of the process's instance, and may
 * be called before every statement with user SQL: only the first does something. Without any name
 * allowed nothing is closed. */
void engine_allow(const char *path);
Err *engine_sandbox(Conn *conn) WARN_UNUSED;

/* Statements without result rows of interest; several may be separated by semicolons. */
Err *engine_exec(Conn *conn, const char *sql) WARN_UNUSED;

/* What the next statement of `conn` reads, as its planner knows it, for the record of how it ran
 * (perf/query.h): each call adds one scan. */
typedef struct EngineSource {
    size_t versions, versions_read; /* known; left after those without rows in range were dropped */
    size_t columns;                 /* that the files have */
    int64_t rows, size_bytes;       /* of the versions read */
} EngineSource;
void engine_note_source(Conn *conn, const EngineSource *source);

/* Appends the statement's shape: its text without literals and made-up names, under which its calls
 * are recorded. */
void engine_shape(const char *sql, Buf *out);

/* ---- values bound to $1, $2, ... ---- */
typedef enum ValueKind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_TEXT,
    VALUE_BLOB,
    VALUE_TIME
} ValueKind;
typedef struct Value {
    ValueKind kind;
    int64_t integer; /* BOOL, INT, TIME (µs UTC, bound as TIMESTAMPTZ) */
    double number;
    const char *bytes; /* TEXT, BLOB */
    size_t size;
} Value;

/* ---- results, chunk-wise ---- */
typedef struct Result Result;
/* Streams: rows are produced as they are fetched. Only one open streaming result per connection. */
Err *engine_query(Conn *conn, const char *sql, const Value *values, size_t value_count,
                  Result **out) WARN_UNUSED;
void engine_result_close_at(Result **result); /* for CLEANUP */
/* Names and SQL types, in order; in the result's lifetime. */
const Schema *engine_result_schema(Result *result);

/* One column of a chunk. `data` is an array of `size` C values by the column's physical type. */
typedef enum Phys {
    PHYS_BOOL,
    PHYS_I8,
    PHYS_I16,
    PHYS_I32,
    PHYS_I64,
    PHYS_U8,
    PHYS_U16,
    PHYS_U32,
    PHYS_U64,
    PHYS_I128,
    PHYS_F32,
    PHYS_F64,
    PHYS_STRING, /* engine_str */
    PHYS_NESTED  /* not readable by cell: cast to text in SQL */
} Phys;
/* Of one value in a vector's `data`; 0 for strings and nested ones. */
size_t phys_bytes(Phys phys);
typedef struct Vector {
    Phys phys;
    const void *data;
    const uint64_t *validity; /* bit per row, 1 = not null; NULL = no nulls */
} Vector;
typedef struct Chunk {
    size_t rows, columns;
    const Vector *vectors;
} Chunk;
/* The next chunk (at most 2,048 rows), valid until the next call; rows = 0 at the end. */
Err *engine_next(Result *result, Chunk *out) WARN_UNUSED;
static inline bool vector_is_null(const Vector *vector, size_t row)
{
    return vector->validity != NULL && ((vector->validity[row >> 6] >> (row & 63)) & 1) == 0;
}
/* Bytes of a PHYS_STRING cell (VARCHAR or BLOB), not NUL-terminated, in the chunk's lifetime. */
const char *engine_str(const Vector *vector, size_t row, size_t *out_size);
/* Integer of any PHYS_BOOL..I64/U32 cell; TIMESTAMPs and DATEs as stored. */
int64_t engine_int(const Vector *vector, size_t row);
double engine_double(const Vector *vector, size_t row); /* of F32, F64 */

/* Convenience for one-row answers: the first cell of a SELECT, cast to text; NULL when null or no
 * row. */
Err *engine_scalar_text(Arena *arena, Conn *conn, const char *sql, const Value *values,
                        size_t value_count, char **out) WARN_UNUSED;

/* ---- asking about a statement without running it ---- */
/* Result columns of a SELECT (PREPARE only). */
Err *engine_describe(Arena *arena, Conn *conn, const char *sql, Schema *out) WARN_UNUSED;
/* The AST of one SELECT as the engine serialises it: {"statements": [{"node": ...}]}. SQL error
 * with its place when it does not parse; SQL error saying so when it is not exactly one SELECT. */
Err *engine_parse_select(Arena *arena, Conn *conn, const char *sql, const Json **out) WARN_UNUSED;
/* EXPLAIN text. */
Err *engine_explain(Arena *arena, Conn *conn, const char *sql, char **out) WARN_UNUSED;

/* ---- rows of ours as a table: SELECT * FROM <name>() ---- */
/* A source that a statement can read as a table function without arguments, one thread. `next`
 * fills up to `capacity` rows into writable vectors and returns the row count (0 = end). It may
 * itself run statements on *other* connections. Columns that the statement does not read have no
 * `data`: the same ones in every call. */
typedef struct FeedColumn {
    void *data; /* writable C values; PHYS_STRING columns are set with engine_feed_str; or NULL */
    uint64_t *validity; /* writable; all valid at first */
    void *handle;
} FeedColumn;
typedef Err *EngineFeedNext(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows);
typedef struct Feed Feed;
/* Registers; `schema` types must have a Phys other than NESTED (else UNSUPPORTED). The name is
 * unique among open feeds. A feed is read once, by a statement of `conn`; asking for its columns or
 * plan is not reading. An error returned by `next` comes back unchanged (same code, message, hint)
 * from the statement that read the feed. A copy of another statement's rows through a feed costs
 * about 5 % of writing them. */
Err *engine_feed_open(Conn *conn, const Schema *schema, EngineFeedNext *next, void *context,
                      Feed **out) WARN_UNUSED;
/* A feed that can be read any number of times, also side by side: each reading has a cursor of its
 * own, closed at the latest with the result. */
typedef struct FeedTable {
    Err *(*open)(void *context, void **out_cursor);
    EngineFeedNext *next; /* its context is the cursor */
    void (*close)(void *cursor);
} FeedTable;
Err *engine_feed_open_table(Conn *conn, const Schema *schema, const FeedTable *table, void *context,
                            Feed **out) WARN_UNUSED;
const char *engine_feed_name(const Feed *feed);
void engine_feed_close_at(Feed **feed); /* after the results that read it */
/* Copies. Text that is not UTF-8 makes the statement fail with INVALID naming the column. */
void engine_feed_str(const FeedColumn *column, size_t row, const char *bytes, size_t size);

/* ---- appending rows to a (temporary) table ---- */
typedef struct Appender Appender;
Err *engine_appender_open(Conn *conn, const char *table, Appender **out) WARN_UNUSED;
Err *engine_append_row(Appender *appender, const Value *values, size_t value_count) WARN_UNUSED;
/* Flushes and frees, also on failure. After a row that failed nothing more is flushed. */
Err *engine_appender_close(Appender *appender) WARN_UNUSED;
void engine_appender_close_at(Appender **appender); /* for CLEANUP: ignores errors; NULL is fine */

/* ---- writing Parquet ---- */
/* Columns inside nested ones are left out. NaN counts for neither min nor max. */
typedef struct ParquetColumnStats {
    const char *name, *min, *max; /* text as the engine prints it, BLOBs as hex; NULL when absent */
    int64_t null_count;
    int64_t bytes; /* of its pages and dictionary */
} ParquetColumnStats;
typedef struct ParquetStats {
    int64_t rows, size_bytes, footer_bytes;
    ParquetColumnStats *columns; /* sorted by name */
    size_t column_count;
} ParquetStats;
typedef struct ParquetWrite {
    const char *select_sql; /* what to write; row order is kept */
    const char *path;       /* new file; partial files are removed on failure; never fsynced here */
    bool exact; /* rows in order and row groups of exactly row_group_rows also where the SELECT has
                   several sources (UNION ALL, many files), for about 5 % of the time */
    bool plain_v1;          /* Delta's log files: V1 pages; else V2 */
    const char *const *kv;  /* key, value, key, value ... into the footer; may be NULL */
    size_t kv_count;        /* pairs */
    int64_t row_group_rows; /* 0 = 122,880 */
} ParquetWrite;
/* COPY ... (FORMAT parquet, COMPRESSION zstd, RETURN_STATS). The same rows give the same bytes.
 * EXISTS when there is something at `path`; about 2 million rows of 10 columns a second. HUGEINT
 * becomes DOUBLE in the file, _S and _MS timestamps TIMESTAMP, ENUM VARCHAR. */
Err *engine_write_parquet(Arena *arena, Conn *conn, const ParquetWrite *write, ParquetStats *out)
    WARN_UNUSED;
/* A path as a literal for table functions, which take their paths for patterns: it matches nothing
 * but this path. */
char *engine_path_sql(Arena *arena, const char *path);
/* read_parquet(['a', 'b']) that reads exactly these files: pattern characters in paths and folders
 * named k=v mean nothing. `extra` e.g. ", file_row_number=true" or "". */
char *engine_read_parquet_sql(Arena *arena, const char *const *paths, size_t count,
                              const char *extra);
/* Schema (names as the file has them) and rows from the footer. CORRUPT when it is not Parquet or
 * damaged. */
Err *engine_parquet_schema(Arena *arena, Conn *conn, const char *path, Schema *out,
                           int64_t *out_rows) WARN_UNUSED;
/* What each of its columns takes (inner ones, pages and dictionaries), by the footer; -1 where that
 * is not compressed by zstd. A column named "a, b" behind a nested "a" is taken for a part of it.
 */
Err *engine_parquet_bytes(Conn *conn, const char *path, const Schema *schema, int64_t *out)
    WARN_UNUSED;

/* Percent done of the statement running on `conn`, from any thread; -1 unknown or nothing runs. The
 * engine knows it for scans of files; what reads feeds or range() stays at 0. */
double engine_progress(Conn *conn);
