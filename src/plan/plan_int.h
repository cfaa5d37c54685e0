/* What the files of `plan` share: the node, its resolved facts, and the passes over them.
 *
 * A Rel is never changed after its constructor; what is found out later (schema, fingerprint, ...)
 * stands in `facts`, filled once by rel_resolve. Passes that answer a question (extent, order,
 * inputs) and the emitter walk the tree by `kind`. Spans are pushed from the top to the leaves:
 * whoever emits a relation for a span returns exactly its rows in that span, so a range may be cut
 * anywhere. */
#pragma once
#include "plan/plan.h"
#include <pthread.h>

enum {
    PLAN_REVISION = 2
}; /* of what the emitter and `bucket` compute: part of every fingerprint */

/* ---- times ---- */
/* How a column's stored value becomes µs: value * multiply, or floor(value / divide). */
typedef struct TimeScale {
    int64_t multiply, divide;
} TimeScale;

#define SPAN_ALL ((TimeSpan){TIME_MIN, TIME_MAX})
#define TYPE_TZ "TIMESTAMP WITH TIME ZONE"

bool time_type_ok(const char *type, TimeUnit unit);
TimeScale time_scale_of(const char *type, TimeUnit unit);
/* False when the product leaves 64 bits. */
bool time_to_us(TimeScale scale, int64_t value, TimeUs *out);
bool span_is_all(TimeSpan span);
bool span_is_empty(TimeSpan span);
TimeSpan span_meet(TimeSpan a, TimeSpan b);
/* " AND "-joined comparisons of a native time column with the span's bounds, so that the engine
 * prunes row groups; "true" when there are none, "false" when nothing of the type can lie inside.
 */
char *time_filter_sql(Arena *arena, const char *expr, const char *type, TimeUnit unit,
                      TimeSpan span);
/* The expression as TIMESTAMP WITH TIME ZONE, floored to µs. */
char *time_cast_sql(Arena *arena, const char *expr, const char *type, TimeUnit unit);
/* Any text or number read as a time, NULL as NULL; what is none is an error naming the column when
 * it runs. A number counts `unit`; NONE: by its magnitude. */
char *time_read_sql(Arena *arena, const char *expr, const char *column, const char *type,
                    TimeUnit unit);
/* A minimum or maximum as the engine prints it for a column of that type. */
Err *time_of_stat(const char *text, const char *type, TimeUnit unit, TimeUs *out) WARN_UNUSED;

/* ---- bucket grids ---- */
/* Buckets begin at the instants at which the wall clock of `zone` (NULL: UTC) reads origin + k *
 * width; where such a reading falls into a gap, at the transition. */
typedef struct Grid {
    int64_t width_us;
    TimeUs origin;
    const Zone *zone;
    int months; /* > 0: calendar buckets of so many months from January 2000 on, in UTC; nothing
                   else counts */
} Grid;
TimeUs grid_floor(const Grid *grid, TimeUs time); /* start of the bucket of `time` */
TimeUs grid_next(const Grid *grid,
                 TimeUs start); /* start of the bucket after; TIME_MAX at the end of time */
/* Input times that the buckets starting inside `out` are made of. */
TimeSpan grid_widen(const Grid *grid, TimeSpan out);
/* The offsets of a zone with their instants from 1900 to 2100, hashed: its rules, whatever the
 * database's version is called. */
void zone_rules_hash(const Zone *zone, char out_hex[65]);

/* ---- nodes ---- */
typedef enum RelKind {
    REL_EMPTY,
    REL_SCAN,
    REL_SYNTHETIC,
    REL_ROWS,
    REL_PASS,   /* another label, nothing else */
    REL_RETIME, /* another column is the time */
    REL_PROJECT,
    REL_RANGE,
    REL_UNION,
    REL_JOIN,
    REL_SORT,
    REL_BUCKET,
    REL_BUCKET_OVER, /* a bucket from materialised partials */
    REL_PARTIALS,
    REL_SQL
} RelKind;

/* What one aggregate needs of the values of a column in a bucket. */
typedef enum Need {
    NEED_SUM = 1,
    NEED_MIN = 2,
    NEED_MAX = 4,
    NEED_FIRST = 8,
    NEED_LAST = 16,
    NEED_SPREAD = 32 /* mean and M2 */
} Need;

/* How values of a column travel from the engine to `bucket` and back. */
typedef enum ChannelKind {
    CHANNEL_COUNT,  /* only whether there is a value */
    CHANNEL_INT,    /* 64 bits: integers, booleans, timestamps and dates as stored */
    CHANNEL_WIDE,   /* 128 bits: UBIGINT, HUGEINT, DECIMAL without its point */
    CHANNEL_DOUBLE, /* FLOAT, DOUBLE; DECIMAL where arithmetic is done */
    CHANNEL_TEXT    /* VARCHAR, BLOB; TIME and UUID, whose text sorts as they do */
} ChannelKind;

typedef struct Channel {
    ChannelKind kind;
    size_t column;    /* of the input */
    const char *name; /* its name, for messages */
    const char *type; /* its type */
    unsigned needs;   /* of Need; the count of values is always kept */
} Channel;

typedef VEC(Channel) ChannelVec;

enum { NO_CHANNEL = -1 };

typedef struct BucketPlan {
    BucketSpec spec;  /* copied */
    bool is_resolved; /* what stands below `base` is filled in */
    Grid grid, base;
    char zone_rules[65];
    TimeScale input_scale;
    ChannelVec channels;
    ptrdiff_t *agg_channel; /* per aggregate; NO_CHANNEL = rows */
} BucketPlan;

/* Whether user SQL is time-local, and what a range of it needs (sql_local.c). */
typedef struct SqlLocal {
    const char *why_whole; /* NULL: it is time-local */
    Grid *grids;           /* the buckets that it makes of times */
    size_t grid_count;
    int steps;         /* times that come out are at most so many buckets away from the inputs' */
    bool sorts_inputs; /* an aggregate, or what follows, depends on the order of rows */
    bool is_steady;    /* rows keep the order of the inputs' rows */
    bool is_in_order;  /* which is that of their times */
} SqlLocal;

typedef struct SqlFacts {
    bool *is_used; /* per input: the text names it */
    SqlLocal local;
} SqlFacts;

typedef struct RelFacts {
    bool is_resolved;
    Schema schema;
    ptrdiff_t time_index;
    TimeUnit time_unit;
    char fingerprint[65];
    bool is_in_order, is_time_local, is_volatile;
    bool cuts_above; /* a span says nothing about the input: all of it is read, and cut here */
    int64_t
        ways; /* from here to leaves; nodes that are shared count each time: what running costs */
    bool has_feed; /* an operator that runs in C is in it: what reads it can do so once */
    SqlFacts sql;
    RelExtent extent;
} RelFacts;

typedef struct ProjectSpec {
    ProjectColumn *columns;
    size_t count;
} ProjectSpec;

typedef struct ScanNode {
    ScanFile *files;
    size_t file_count;
    const char *time_column; /* NULL: none */
    TimeSpan clip;
    bool keeps_order;
    bool is_materialized; /* facts are those of what was written */
} ScanNode;

typedef struct SqlNode {
    const char *query;
    const char **names; /* of the inputs */
} SqlNode;

typedef struct JoinNode {
    const char *time_column;
    const char **prefixes; /* of the inputs; NULL: none */
} JoinNode;

struct Rel {
    RelKind kind;
    Arena *arena;
    const char *label;
    const Rel **inputs;
    size_t input_count;
    RelFacts *facts;
    union {
        ScanNode scan;
        SyntheticSpec synthetic;
        RowsSpec rows;
        ProjectSpec project;
        TimeSpan range;
        const char *time_column; /* RETIME */
        BucketPlan *bucket;
        JoinNode join;
        SqlNode sql;
    };
};

struct Plan {
    Arena *arena;
    Cache *cache;
    Conn *conn; /* NULL until needed */
    Err *(*load_zone)(void *context, Arena *arena, const char *name, const Zone **out);
    void *zone_context;
    Map zones;
    Map functions; /* sql_functions.c */
    Err *(*check_file)(void *context, const ScanFile *file);
    void *check_context;
    pthread_mutex_t check_lock; /* of what follows, and held while a file is checked */
    Arena *checked_arena;
    Map checked; /* paths */
};
Err *plan_conn(Plan *plan, Conn **out) WARN_UNUSED;
Err *plan_zone(Plan *plan, const char *name, const Zone **out) WARN_UNUSED;
Err *plan_check_files(Plan *plan, const ScanFile *const *files, size_t count) WARN_UNUSED;

/* A scan of what rel_write has written of `rel`: same columns, types, label and fingerprint. */
const Rel *rel_scan_materialized(Arena *arena, const Rel *rel, const ScanFile *file);

/* ---- resolving ---- */
/* Fills facts bottom-up. `plan` NULL: what can be done without the engine; a tree that needs it
 * stays unresolved, which is no error. */
Err *rel_resolve(Plan *plan, const Rel *rel) WARN_UNUSED;
/* Each fills schema, time column, order, locality and volatility of its kind; inputs are resolved.
 */
Err *rel_resolve_scan(const Rel *rel) WARN_UNUSED;
void rel_resolve_rows(const Rel *rel);
Err *rel_resolve_union(const Rel *rel) WARN_UNUSED;
Err *rel_resolve_join(const Rel *rel) WARN_UNUSED;
Err *rel_resolve_bucket(const Rel *rel) WARN_UNUSED;
Err *rel_resolve_partials(const Rel *rel) WARN_UNUSED;
/* *out_done = false when `plan` is needed and NULL. */
Err *rel_resolve_project(Plan *plan, const Rel *rel, bool *out_done) WARN_UNUSED;
Err *rel_resolve_sql(Plan *plan, const Rel *rel, bool *out_done) WARN_UNUSED;
void rel_fingerprint_fill(const Rel *rel);
void rel_extent_fill(const Rel *rel);
/* NOT_FOUND with the nearest name as a hint. */
Err *column_missing(const char *label, const Schema *schema, const char *name) WARN_UNUSED;
/* The first column that is a time by its name (`own` counts as one of them) and type; -1 when none.
 */
ptrdiff_t time_column_by_name(const Schema *schema, const char *const *own, size_t own_count);

/* How one source of rows (a file, an input) fills the columns of a union. */
typedef struct UnionPart {
    const char *label;
    const Schema *schema;
    ptrdiff_t time_index; /* -1: none */
    TimeUnit unit;
} UnionPart;
typedef struct United {
    Schema schema;
    ptrdiff_t time_index;
    TimeUnit unit;
} United;
/* Columns by name with widened types; times of different kinds become TIMESTAMP WITH TIME ZONE. */
Err *unite(Arena *arena, const UnionPart *parts, size_t count, United *out) WARN_UNUSED;
char *null_sql(Arena *arena, const char *type); /* NULL of a type */
/* Column `column` of the union as an expression over columns <prefix>0, <prefix>1 ... of the part.
 */
char *unite_column_sql(Arena *arena, const United *united, size_t column, const UnionPart *part,
                       const char *prefix);

/* ---- user SQL ---- */
typedef struct SqlCheck {
    bool is_volatile;
    bool *is_used;
} SqlCheck;
/* All that is asked about a text. */
typedef struct SqlAnswer {
    SqlCheck check;
    Schema schema;
    SqlLocal local;
} SqlAnswer;
/* Of what the answer follows from: text, names, columns and times of the inputs. */
void sql_answer_key(const Rel *rel, char out_hex[65]);
bool sql_answer_get(Plan *plan, const Rel *rel, const char *key, SqlAnswer *out);
/* Returns how many bytes it is. */
int64_t sql_answer_put(Plan *plan, const Rel *rel, const char *key, const SqlAnswer *answer);

struct SqlTree;
Err *sql_check(Plan *plan, Arena *arena, const Rel *rel, const struct SqlTree *tree, SqlCheck *out)
    WARN_UNUSED;
/* Of a text that was checked and that the engine has accepted, with the output that it gives. */
Err *sql_local(Plan *plan, Arena *arena, const Rel *rel, const struct SqlTree *tree,
               const Schema *schema, SqlLocal *out) WARN_UNUSED;
/* The range of the inputs that a range of time-local SQL follows from. */
TimeSpan sql_local_widen(const SqlLocal *local, TimeSpan span);
/* The latest time at which a range can be cut without widening the part before it; and the first
 * time that rows of an input at `time` can come out with. */
TimeUs sql_local_floor(const SqlLocal *local, TimeUs time);
typedef enum FunctionKind {
    FUNCTION_UNKNOWN,
    FUNCTION_ROW,     /* its result follows from its arguments */
    FUNCTION_SET,     /* an aggregate: the order of rows does not count */
    FUNCTION_SEQUENCE /* an aggregate: it does; sums of doubles are rounded after each row */
} FunctionKind;
/* Before the following; once a command. */
Err *sql_functions_read(Plan *plan, Conn *conn) WARN_UNUSED;
FunctionKind sql_function_kind(const Plan *plan, const char *any_name);
bool sql_function_is_volatile(const Plan *plan, const char *name);
/* The text without trailing semicolons, white space and comments behind them. */
char *sql_text_trim(Arena *arena, const char *query);
void sql_text_position(const char *query, size_t offset, int *out_line, int *out_column);

/* ---- files of a scan ---- */
enum { SORTED_RUNS_MAX = 200 }; /* in one statement; beyond, everything is sorted at once */

/* Neighbours in a list: in order as they are, or to be sorted together. */
typedef struct FileRun {
    size_t begin, end;
    bool is_sorted;
} FileRun;

typedef struct FileList {
    const ScanFile **files;
    size_t *ordinals; /* place in the scan */
    size_t count;
    bool is_in_order; /* listed so that rows come in time order, ties by ordinal and row */
    FileRun *runs;    /* of a list by time: they cover it */
    size_t run_count;
} FileList;
/* Files whose intervals meet the span, in time order where that sorts the rows, else as given. */
FileList scan_select(Arena *arena, const ScanNode *scan, TimeSpan span);
/* Always by time, with runs. */
FileList scan_select_sorted(Arena *arena, const ScanNode *scan, TimeSpan span);
/* The scan's other files behind those of the list: the filter will leave none of their rows. */
void scan_list_rest(Arena *arena, const ScanNode *scan, FileList *list);
/* The file as a part of the scan's union. */
Err *scan_file_part(const Rel *rel, const char *time_column, const ScanFile *file, UnionPart *out)
    WARN_UNUSED;
bool rel_in_order_for(const Rel *rel, TimeSpan span);

/* ---- guesses: extent.c, work.c ---- */
/* The span that the input must deliver for `span` of the node. */
TimeSpan rel_span_below(const Rel *rel, const Rel *input, TimeSpan span);
/* User SQL may leave out inputs. */
bool rel_reads(const Rel *rel, size_t input);
/* Rows of a file inside a span, as if spread evenly over its intervals. */
double scan_file_rows(const ScanFile *file, TimeSpan span);
/* As many as the input has, but no more than there are buckets where the node's rows lie. */
double rel_bucket_rows(const Rel *rel, const Grid *grid, TimeSpan span, double input);

/* ---- emitting ---- */
typedef struct Emit Emit;
/* An ORDER BY over about so many rows was written; what is only explained does not count. */
void emit_count_sort(const Emit *emit, int64_t rows);
/* Where a user's text stands in a statement, in bytes. */
typedef struct UserText {
    size_t begin, end;
    const Rel *rel;
} UserText;

/* An operator that runs in C, as a feed of the statement above it. */
typedef struct FeedRun FeedRun;
typedef struct FeedRunOps {
    const char *name;
    /* As EngineFeedNext. */
    Err *(*next)(FeedRun *run, FeedColumn *columns, size_t capacity, size_t *out_rows);
    void (*close)(FeedRun *run);
    /* The statements that it reads, for explaining. */
    Err *(*emit)(const FeedRun *run, Emit *emit, size_t index);
} FeedRunOps;
struct FeedRun {
    const FeedRunOps *ops;
    const Rel *rel;
    TimeSpan span; /* of the output */
    size_t statements;
    bool has_failed;
};
typedef struct FeedRef {
    FeedRun *run; /* NULL: a table feed */
    Feed *feed;
} FeedRef;

struct Emit {
    Arena *arena;
    Plan *plan;
    Conn *conn; /* NULL: for explaining, feeds get placeholder names */
    Buf sql;
    bool keep_null_times; /* rows without a time pass the cut of user SQL, to be found by the reader
                           */
    int64_t next_ordinal;
    VEC(FeedRef) feeds;
    VEC(UserText) texts;
};

typedef struct EmitWish {
    TimeSpan span;
    bool with_order; /* two more columns, o and r: ties sort by them */
    bool sorted;     /* rows in time order; only of what emits_sorted() */
} EmitWish;
/* Appends a SELECT with columns c0, c1, ... (and o, r). */
Err *emit_rel(Emit *emit, const Rel *rel, EmitWish wish) WARN_UNUSED;
Err *emit_scan(Emit *emit, const Rel *rel, EmitWish wish) WARN_UNUSED;
Err *emit_synthetic(Emit *emit, const Rel *rel, EmitWish wish) WARN_UNUSED;
Err *emit_rows(Emit *emit, const Rel *rel, EmitWish wish) WARN_UNUSED;
Err *emit_bucket(Emit *emit, const Rel *rel, EmitWish wish) WARN_UNUSED;
Err *emit_join(Emit *emit, const Rel *rel, EmitWish wish) WARN_UNUSED;
/* Takes the run over; the name of the table function that reads it (a placeholder when explaining).
 */
Err *emit_open_feed(Emit *emit, FeedRun *run, const Schema *schema, const char **out_name)
    WARN_UNUSED;
/* The same, with an ORDER BY where it is needed and `sorted` is asked for. */
Err *emit_sorted(Emit *emit, const Rel *rel, TimeSpan span) WARN_UNUSED;
/* SELECT NULL::T AS c0, ... without rows. */
void emit_nothing(Emit *emit, const Schema *schema, bool with_order);
void emit_columns(Emit *emit, size_t count, bool with_order); /* c0, c1, ..., o, r */
TimeSpan synthetic_indexes(const SyntheticSpec *spec, TimeSpan span);

/* ---- segments ---- */
/* One statement with the feeds it reads, on one connection. */
typedef struct Segment {
    const Rel *rel;
    Emit emit; /* its SQL text is the statement */
} Segment;
Segment segment_new(Plan *plan, Arena *arena, Conn *conn, const Rel *rel);
void segment_close(Segment *segment); /* its feeds and the streams below them */
/* An engine error as the user should see it: names the node, positions count in the user's text. */
Err *segment_error(const Segment *segment, Err *err) WARN_UNUSED;

/* INTERNAL when not resolved; INVALID when a range is asked for where there is no time; LIMIT when
 * shared parts would be read more often than WAYS_MAX in all. */
enum { WAYS_MAX = 100000 };
Err *check_resolved(const Rel *rel, TimeSpan span) WARN_UNUSED;

/* ---- operators that run in C ---- */
FeedRun *bucket_run_new(Plan *plan, const Rel *rel, TimeSpan span);
FeedRun *join_run_new(Plan *plan, const Rel *rel, TimeSpan span);
