/* What statements take, shape by shape (perf/query.h): every statement that asks for rows or writes
 * a file is counted and timed; of some the engine's own profile is read.
 *
 * Profiling is a setting of the connection. It is switched when the next statement wants it
 * otherwise, and stays on after the last: a switch costs as much as a small statement. COPY is only
 * profiled with profiling_coverage=ALL; the mode `detailed` adds the phases of planning, which cost
 * more to read than all the rest. The statements that switch are not counted: they are the
 * tracker's, not the command's.
 *
 * Time and bytes are those of stretches (turns) that a statement spends in the engine. One thread
 * runs a statement and, by way of feeds, the statements inside it: a stack of turns tells whose
 * time it is. Bytes are those of the engine's file calls on this thread, as module os counts them.
 *
 * Failure: a profile that is refused or missing is left out; the statement is never touched. */
#include "engine/engine_int.h"
#include "os/os.h"
#include "perf/ops.h"
#include "perf/read.h"
#include <string.h>
#include <strings.h>

static _Thread_local ProfileTurn *innermost;

/* ---- turns ---- */

ProfileTurn *profile_turn_begin(ProfileTurn *turn, Profile *profile, bool plans)
{
    bool counts = profile != NULL && profile->slot >= 0;
    if (!counts && innermost == NULL) return NULL;
    *turn = (ProfileTurn){.outer = innermost,
                          .profile = profile,
                          .begin_bytes = os_engine_read_bytes(),
                          .plans = plans};
    innermost = turn;
    turn->begin_ticks = perf_ticks();
    return turn;
}

void profile_turn_end_at(ProfileTurn **at)
{
    ProfileTurn *turn = *at;
    if (turn == NULL) return;
    Profile *profile = turn->profile;
    ProfileTurn *outer = turn->outer;
    uint64_t ticks = perf_ticks() - turn->begin_ticks;
    uint64_t bytes = os_engine_read_bytes() - turn->begin_bytes;
    uint64_t others = turn->inner_ticks + turn->own_ticks;
    uint64_t self = ticks > others ? ticks - others : 0;
    if (profile != NULL) {
        profile->self_ticks += self;
        profile->inner_ticks += turn->inner_ticks;
        profile->planning_ticks += turn->plans ? self : 0;
        profile->read_bytes += bytes - turn->inner_bytes;
    }
    innermost = outer;
    if (outer == NULL) return;
    outer->inner_ticks += profile != NULL ? self + turn->inner_ticks : 0;
    outer->own_ticks += profile != NULL ? turn->own_ticks : ticks;
    outer->inner_bytes += bytes;
}

/* ---- the engine's switch ---- */

static bool send(const Conn *conn, const char *sql)
{
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    return ddb.query(conn->handle, sql, &result) == DuckDBSuccess;
}

static bool is_copy(const char *sql)
{
    return strncasecmp(sql, "COPY", strlen("COPY")) == 0;
}

/* Only what the connection was not told yet, in one go. */
static bool switch_on(Conn *conn, bool copy, bool phases)
{
    SCRATCH(scratch);
    Buf sql = buf_new(scratch);
    if (copy && !conn->profiles_copy) buf_puts(&sql, "SET profiling_coverage = 'ALL';");
    if (phases && !conn->profiles_phases) buf_puts(&sql, "SET profiling_mode = 'detailed';");
    if (!conn->profiles) buf_puts(&sql, "SET enable_profiling = 'no_output'");
    if (sql.size == 0) return true;
    PERF_SPAN(PERF_engine_profile);
    if (!send(conn, sql.data)) return false;
    conn->profiles_copy = conn->profiles_copy || copy;
    conn->profiles_phases = conn->profiles_phases || phases;
    conn->profiles = true;
    return true;
}

static void switch_off(Conn *conn)
{
    PERF_SPAN(PERF_engine_profile);
    if (send(conn, "PRAGMA disable_profiling")) conn->profiles = false;
}

/* The tracker's own time and bytes are no statement's. */
static void switch_for(Profile *profile, const PerfAsk *ask)
{
    PROFILE_TURN(NULL, false);
    if (ask->profile)
        profile->is_profiled = switch_on(profile->conn, is_copy(profile->sql), ask->phases);
    else if (profile->conn->profiles)
        switch_off(profile->conn);
    profile->has_phases = ask->phases;
}

/* ---- a statement ---- */

/* What gives rows or writes them; settings and definitions are not recorded. */
static bool is_query(const char *sql)
{
    static const char *const WORDS[] = {"SELECT", "COPY", "WITH", "FROM", "VALUES", "("};
    sql += strspn(sql, " \t\r\n");
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strncasecmp(sql, WORDS[i], strlen(WORDS[i])) == 0) return true;
    return false;
}

void engine_note_source(Conn *conn, const EngineSource *source)
{
    PerfSources *to = &conn->sources;
    to->scans++;
    to->versions += source->versions;
    to->versions_read += source->versions_read;
    to->columns += source->columns;
    to->rows += (uint64_t)source->rows;
    to->bytes += (uint64_t)source->size_bytes;
}

void profile_begin(Profile *profile, Conn *conn, const char *sql, const char *shape_of)
{
    *profile = (Profile){.conn = conn, .sql = sql, .slot = -1};
    if (perf_level() == PERF_OFF || !is_query(sql)) return;
    profile->sources = conn->sources;
    conn->sources = (PerfSources){0};
    SCRATCH(scratch);
    Buf shape = buf_new(scratch);
    engine_shape(shape_of, &shape);
    PerfAsk ask = perf_query_begin(xxh64(shape.data, shape.size));
    profile->slot = ask.slot;
    if (ask.is_new && ask.slot >= 0) perf_query_text(ask.slot, shape.data);
    switch_for(profile, &ask);
}

void profile_end(Profile *profile, bool whole, bool failed)
{
    if (profile->slot < 0) return;
    PROFILE_TURN(NULL, false);
    SCRATCH(scratch);
    PerfProfile told;
    double us = perf_clock().ns_per_tick / 1000;
    PerfStatement statement = {.self_us = us * (double)profile->self_ticks,
                               .inner_us = us * (double)profile->inner_ticks,
                               .planning_us = us * (double)profile->planning_ticks,
                               .rows = profile->rows,
                               .read_bytes = profile->read_bytes,
                               .sql_bytes = strlen(profile->sql),
                               .failed = failed,
                               .sources = profile->sources};
    if (profile->is_profiled && whole) {
        PERF_SPAN(PERF_engine_profile);
        if (profile_read(scratch, profile, statement.inner_us, &told)) statement.profile = &told;
    }
    if (perf_query_end(profile->slot, &statement)) profile_explain(profile);
    profile->slot = -1;
}
