/* The one database instance of the process, its connections, and the way to stop them all.
 *
 * Locking: `instance_lock` guards the instance, the options and the key words. Connections stand in
 * a fixed table of slots that engine_interrupt walks without a lock, because it may run in a signal
 * handler: a slot is LIVE, or BUSY while an interrupt touches it, or FREE or CLAIMED when nobody
 * may. An interrupt skips what it cannot have at once; closing waits for the few instructions of an
 * interrupt in another thread.
 *
 * An interrupt also counts up `interrupts`. The engine forgets an interrupt that arrives before its
 * own start of the statement; the loops in result.c compare the count and do not.
 *
 * Failure: an instance that cannot be opened leaves nothing behind, and the next connection tries
 * again. */
#include "engine/engine_int.h"
#include "os/os.h"
#include "perf/lookup.h"
#include "perf/ops.h"
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { CONN_MAX = 1024 };
enum { SLOT_FREE, SLOT_CLAIMED, SLOT_LIVE, SLOT_BUSY };

typedef struct ConnSlot {
    _Atomic int state;
    duckdb_connection handle;
} ConnSlot;

static pthread_mutex_t instance_lock = PTHREAD_MUTEX_INITIALIZER;
static duckdb_database instance; /* NULL until the first connection */
static EngineOptions options;    /* temp_dir in options_arena */
static Arena *options_arena, *keywords_arena;
static Map keywords;
static ConnSlot slots[CONN_MAX];
static _Atomic uint64_t interrupts;

static void unlock_at(pthread_mutex_t **lock)
{
    (void)pthread_mutex_unlock(*lock);
}

static pthread_mutex_t *lock_instance(void)
{
    (void)pthread_mutex_lock(&instance_lock);
    return &instance_lock;
}

#define LOCKED()                                                                                   \
    CLEANUP(unlock_at) pthread_mutex_t *locked_ __attribute__((unused)) = lock_instance()

/* ---- the instance ---- */

static void config_destroy_at(duckdb_config *config)
{
    if (*config != NULL) ddb.destroy_config(config);
}

static Err *raw_exec(duckdb_connection handle, const char *sql)
{
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    if (ddb.query(handle, sql, &result) == DuckDBSuccess) return NULL;
    return ERR(INTERNAL, "the engine refuses its settings: %s", ddb.result_error(&result));
}

static Err *instance_complete(duckdb_database database)
{
    SCRATCH(scratch);
    duckdb_connection handle = NULL;
    if (ddb.connect(database, &handle) != DuckDBSuccess)
        return ERR(INTERNAL, "the engine refuses a connection");
    Err *err = raw_exec(handle, settings_instance_sql(scratch));
    ddb.disconnect(&handle);
    return err;
}

/* Opens the instance if it is not; the lock is held. */
static Err *instance_open(void)
{
    if (instance != NULL) return NULL;
    TRY(library_load());
    CLEANUP(config_destroy_at) duckdb_config config = NULL;
    if (ddb.create_config(&config) != DuckDBSuccess)
        return ERR(INTERNAL, "the engine gives no configuration");
    TRY(settings_fill_config(config, &options));
    duckdb_database database = NULL;
    char *text = NULL;
    if (ddb.open_ext(":memory:", &database, config, &text) != DuckDBSuccess) {
        Err *err =
            ERR(INTERNAL, "the engine does not start: %s", text != NULL ? text : "no reason given");
        ddb.free(text);
        return err;
    }
    Err *err = instance_complete(database);
    if (err != NULL) {
        ddb.close(&database);
        return err;
    }
    instance = database;
    return NULL;
}

EngineOptions instance_options(void)
{
    LOCKED();
    return options;
}

static void options_store(const EngineOptions *wanted)
{
    if (options_arena == NULL) options_arena = arena_new();
    options = *wanted;
    options.temp_dir = arena_strdup(options_arena, wanted->temp_dir);
}

void engine_configure(const EngineOptions *wanted)
{
    LOCKED();
    SCRATCH(scratch);
    const EngineOptions before = options;
    options_store(wanted);
    if (instance == NULL) return;
    duckdb_connection handle = NULL;
    if (ddb.connect(instance, &handle) != DuckDBSuccess) return;
    Err *err = raw_exec(handle, settings_change_sql(scratch, &before, wanted));
    if (err != NULL) log_warn("%s", err_message(err));
    err_free(err);
    ddb.disconnect(&handle);
}

bool engine_is_loaded(void)
{
    LOCKED();
    return library_is_loaded();
}

const char *engine_version(void)
{
    LOCKED();
    Err *err = library_load();
    if (err != NULL) {
        err_free(err);
        return NULL;
    }
    return ddb.library_version();
}

static void shutdown_locked(void)
{
    if (instance != NULL) ddb.close(&instance);
    instance = NULL;
    feed_forget_all();
    sandbox_forget();
    arena_free_at(&keywords_arena);
    arena_free_at(&options_arena);
    options = (EngineOptions){0};
}

void engine_shutdown(void)
{
    LOCKED();
    shutdown_locked();
}

/* ---- connections ---- */

static Err *slot_claim(size_t *out)
{
    for (size_t i = 0; i < CONN_MAX; i++) {
        int expected = SLOT_FREE;
        if (atomic_compare_exchange_strong(&slots[i].state, &expected, SLOT_CLAIMED)) {
            *out = i;
            return NULL;
        }
    }
    return ERR(LIMIT, "more than %d engine connections are open at once", CONN_MAX);
}

/* After this no interrupt touches the slot's connection any more. */
static void slot_withdraw(size_t slot)
{
    int expected = SLOT_LIVE;
    while (!atomic_compare_exchange_weak(&slots[slot].state, &expected, SLOT_CLAIMED)) {
        expected = SLOT_LIVE;
        (void)sched_yield();
    }
}

static Err *raw_connect(duckdb_connection *out)
{
    LOCKED();
    TRY(instance_open());
    if (ddb.connect(instance, out) != DuckDBSuccess)
        return ERR(INTERNAL, "the engine refuses a connection");
    return NULL;
}

static Err *connect_new(Conn **out)
{
    SCRATCH(scratch);
    PERF_SPAN(PERF_engine_connect);
    duckdb_connection handle = NULL;
    TRY(raw_connect(&handle));
    size_t slot = 0;
    Err *err = raw_exec(handle, settings_connection_sql(scratch));
    if (err == NULL) err = slot_claim(&slot);
    if (err != NULL) {
        ddb.disconnect(&handle);
        return err;
    }
    Conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) abort();
    conn->handle = handle;
    conn->slot = slot;
    slots[slot].handle = handle;
    atomic_store(&slots[slot].state, SLOT_LIVE);
    *out = conn;
    return NULL;
}

Err *engine_connect_once(Conn **kept)
{
    PERF_LOOKUP(look, PERF_CACHE_session);
    if (perf_found(&look, *kept != NULL)) return NULL;
    TRY(connect_new(kept));
    perf_fetched(&look, 0);
    return NULL;
}

Err *engine_connect(Conn **out)
{
    Conn *conn = NULL;
    TRY(engine_connect_once(&conn));
    *out = conn;
    return NULL;
}

void engine_disconnect_at(Conn **conn)
{
    if (*conn == NULL) return;
    size_t slot = (*conn)->slot;
    slot_withdraw(slot);
    ddb.disconnect(&(*conn)->handle);
    atomic_store(&slots[slot].state, SLOT_FREE);
    free(*conn);
    *conn = NULL;
}

/* ---- from other threads ---- */

uint64_t instance_interrupts(void)
{
    return atomic_load(&interrupts);
}

void engine_interrupt(void)
{
    atomic_fetch_add(&interrupts, 1);
    for (size_t i = 0; i < CONN_MAX; i++) {
        int expected = SLOT_LIVE;
        if (!atomic_compare_exchange_strong(&slots[i].state, &expected, SLOT_BUSY)) continue;
        ddb.interrupt(slots[i].handle);
        atomic_store(&slots[i].state, SLOT_LIVE);
    }
}

double engine_progress(Conn *conn)
{
    return ddb.query_progress(conn->handle).percentage;
}

/* ---- key words ---- */

static void keywords_read(duckdb_connection handle)
{
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    if (ddb.query(handle, "SELECT keyword_name FROM duckdb_keywords()", &result) != DuckDBSuccess)
        return;
    keywords_arena = arena_new();
    keywords = map_new(keywords_arena);
    for (duckdb_data_chunk chunk; (chunk = ddb.fetch_chunk(result)) != NULL;
         ddb.destroy_data_chunk(&chunk)) {
        duckdb_vector names = ddb.data_chunk_get_vector(chunk, 0);
        for (size_t row = 0; row < ddb.data_chunk_get_size(chunk); row++) {
            size_t size = 0;
            const char *name = string_cell(names, row, &size);
            (void)map_put(&keywords, arena_strndup(keywords_arena, name, size), &keywords);
        }
    }
}

const Map *instance_keywords(void)
{
    LOCKED();
    duckdb_connection handle = NULL;
    if (keywords_arena == NULL && instance != NULL &&
        ddb.connect(instance, &handle) == DuckDBSuccess) {
        keywords_read(handle);
        ddb.disconnect(&handle);
    }
    return keywords_arena != NULL ? &keywords : NULL;
}
