/* What the files of the engine share: the table of the library's functions, connections, error
 * mapping, type names. Only this module sees duckdb.h. */
#pragma once
#include "base/base.h"
#include "engine/engine.h"
#include "perf/query.h"
#include <duckdb.h>
#include <pthread.h>
#include <stdatomic.h>

/* What libduckdb 1.5 has and the header of 1.4.4 has not. */
void duckdb_unsafe_vector_assign_string_element_len(duckdb_vector vector, idx_t index,
                                                    const char *bytes, idx_t size);

/* ---- library.c: the functions of libduckdb, by pointer ---- */
typedef struct EngineLibrary {
#define ENGINE_SYMBOL(name) __typeof__(duckdb_##name) *name;
#include "engine/symbols.def"
#undef ENGINE_SYMBOL
} EngineLibrary;

/* Filled before the first connection exists and never changed again. */
extern EngineLibrary ddb;
/* Opens the library once; later calls are free. The caller holds the instance's lock. */
Err *library_load(void) WARN_UNUSED;
bool library_is_loaded(void);

/* ---- settings.c ---- */
/* The settings of a new instance; `config` is the caller's. */
Err *settings_fill_config(duckdb_config config, const EngineOptions *options) WARN_UNUSED;
/* Statements, separated by semicolons, that complete a new instance and each new connection. */
const char *settings_instance_sql(Arena *arena);
const char *settings_connection_sql(Arena *arena);
/* What a change of the options comes to, as statements. */
const char *settings_change_sql(Arena *arena, const EngineOptions *from, const EngineOptions *to);
int64_t settings_memory_limit_bytes(const EngineOptions *options);

/* ---- instance.c ---- */
struct Conn {
    duckdb_connection handle;
    size_t slot;         /* where engine_interrupt finds it */
    Feed *feeds;         /* open ones; the newest first */
    Result *open_result; /* a stream that has not ended */
    PerfSources sources; /* of the next statement */
    bool profiles;       /* the engine profiles the connection's statements */
    bool profiles_copy;  /* and COPY */
    bool profiles_phases;
};

/* A new instance is open again (sandbox.c). */
/* A path as a pattern that matches nothing but it. */
char *path_pattern(Arena *arena, const char *path);
void sandbox_forget(void);
/* Grows with each engine_interrupt: a statement that sees it change stops. */
uint64_t instance_interrupts(void);
EngineOptions instance_options(void);
/* The engine's key words, lower case, as a set. Asked once. NULL when the engine cannot tell. */
const Map *instance_keywords(void);

/* ---- profile.c: what each statement took, and the engine's profile of some ---- */
typedef struct Profile {
    Conn *conn;
    const char *sql; /* as sent; lives as long */
    int slot;        /* of perf/query.h; -1: nothing is recorded */
    bool is_profiled, has_phases;
    uint64_t self_ticks, inner_ticks, planning_ticks, read_bytes, rows;
    PerfSources sources;
} Profile;
/* Before the statement goes to the engine; its shape is that of `shape_of`. Switches the engine's
 * profiling where that changes. */
void profile_begin(Profile *profile, Conn *conn, const char *sql, const char *shape_of);
/* The statement is over; `whole`: it ran to its end, so that its profile is there. */
void profile_end(Profile *profile, bool whole, bool failed);

/* A stretch of a statement in the engine, to the end of the scope. Statements that run inside it,
 * by way of feeds, are taken off. Without a profile: the tracker's own doing, nobody's. */
typedef struct ProfileTurn {
    struct ProfileTurn *outer;
    Profile *profile;
    uint64_t begin_ticks, begin_bytes, inner_ticks, inner_bytes, own_ticks;
    bool plans;
} ProfileTurn;
ProfileTurn *profile_turn_begin(ProfileTurn *turn, Profile *profile, bool plans);
void profile_turn_end_at(ProfileTurn **turn);
#define PROFILE_TURN(profile, plans)                                                               \
    ProfileTurn turn_here_;                                                                        \
    CLEANUP(profile_turn_end_at)                                                                   \
    ProfileTurn *turn_ __attribute__((unused)) = profile_turn_begin(&turn_here_, (profile), (plans))

/* ---- profile_tree.c: the engine's profile as a PerfProfile ---- */
/* False when it holds no operator. `inner_us` of the time is that of statements inside: it is taken
 * off the operators that read feeds. */
bool profile_read(Arena *arena, const Profile *profile, double inner_us, PerfProfile *out);

/* ---- profile_plan.c: logical, optimised and physical plan as text ---- */
void profile_explain(Profile *profile);

/* ---- errors.c, statement.c ---- */
/* A statement as it is sent: the user's text stands at `offset` in it, so that positions are the
 * user's. */
typedef struct Statement {
    const char *text; /* the user's */
    size_t offset;
    const char *shape_of; /* instead of what is sent: what its shape is that of; NULL: it itself */
} Statement;

/* The Err for the engine's message (JSON, as the setting errors_as_json makes it). A feed of the
 * connection that failed goes first: its own error comes back. Never NULL. */
Err *statement_error(Conn *conn, const Statement *statement, const char *engine_message)
    WARN_UNUSED;
/* Counts the statement, shows it with --verbose, and refuses to run beside an open stream. */
Err *statement_begin(Conn *conn, const char *sql) WARN_UNUSED;
/* Runs a statement to its end; rows are materialised, so only for statements with few. *out is to
 * be destroyed with result_destroy_at also after failure. */
Err *statement_run(Conn *conn, const char *sql, const Statement *statement, duckdb_result *out)
    WARN_UNUSED;
/* The same for a COPY whose `shape_of` is given, planned and executed one after the other. */
Err *statement_copy(Conn *conn, const char *sql, const Statement *statement, duckdb_result *out)
    WARN_UNUSED;
void result_destroy_at(duckdb_result *result);

void prepared_destroy_at(duckdb_prepared_statement *prepared);
/* `profile` is begun, and lives as long as the statement is run; NULL: it is not run. */
Err *prepared_open(Conn *conn, const char *sql, const Statement *statement, Profile *profile,
                   duckdb_prepared_statement *out) WARN_UNUSED;
Err *prepared_bind(Conn *conn, duckdb_prepared_statement prepared, const Statement *statement,
                   const Value *values, size_t value_count) WARN_UNUSED;

/* ---- types.c ---- */
/* The SQL name, exactly as DESCRIBE prints it. */
char *type_name(Arena *arena, duckdb_logical_type type);
Phys type_phys(duckdb_logical_type type);
/* The type of a name with a Phys other than NESTED; UNSUPPORTED for others. To be freed with
 * type_free_at. */
Err *type_parse(const char *name, duckdb_logical_type *out) WARN_UNUSED;
void type_free_at(duckdb_logical_type *type);

/* ---- result.c ---- */
/* engine_query for a statement that the user's text is only a part of. */
Err *query_open(Conn *conn, const char *sql, const Statement *statement, const Value *values,
                size_t value_count, Result **out) WARN_UNUSED;
/* One cell of a VARCHAR or BLOB vector. */
const char *string_cell(duckdb_vector vector, size_t row, size_t *out_size);

/* The chunk last given out, whose cells may be of any type. */
duckdb_data_chunk result_chunk(const Result *result);

/* ---- pipe.c ---- */
typedef struct Pipe Pipe;
/* `sql` runs on `inner`; the outer statement is to run on pipe_conn. An error of the inner one
 * comes out of the outer one as it is. */
Err *pipe_open(Conn *inner, const char *sql, Pipe **out) WARN_UNUSED;
void pipe_close_at(Pipe **pipe);
Conn *pipe_conn(const Pipe *pipe);
const char *pipe_select_sql(const Pipe *pipe);

/* ---- feed.c ---- */
/* A feed with the columns of a result, whatever their types; cells are filled by way of their
 * vectors. */
Err *feed_open_like(Conn *conn, Result *result, EngineFeedNext *next, void *context, Feed **out)
    WARN_UNUSED;
duckdb_vector feed_vector(const FeedColumn *column);
duckdb_logical_type result_type(Result *result, size_t column); /* to be freed */
/* Takes the error with which one of the connection's feeds ended; NULL when none failed. */
Err *feed_take_error(Conn *conn) WARN_UNUSED;
/* Forgets the table functions of an instance that is closed. */
void feed_forget_all(void);
