/* The library: loaded on first use only, every function that we use is in it, a missing one is an
 * error that tells the way out, settings hold, and the instance can be closed and opened again. */
#include "engine/engine_test.h"
#include <dlfcn.h>
#include <link.h>
#include <sys/wait.h>

static const char *const SYMBOLS[] = {
#define ENGINE_SYMBOL(name) "duckdb_" #name,
#include "engine/symbols.def"
#undef ENGINE_SYMBOL
};

/* The first test: nothing before it has touched the engine. */
static void loads_on_first_use_only(void **state)
{
    (void)state;
    assert_false(engine_is_loaded());
    engine_configure(&(EngineOptions){.memory_limit_bytes = INT64_C(100) << 20});
    engine_interrupt();
    assert_false(engine_is_loaded());
    assert_null(dlopen("libduckdb.so", RTLD_NOLOAD | RTLD_LAZY));
    assert_string_equal(engine_version(), "v1.5.6");
    assert_true(engine_is_loaded());
    engine_shutdown();
}

static const char *library_file(void)
{
    static char file[4096];
    OK(engine_connect(&conn));
    engine_disconnect_at(&conn);
    for (struct link_map *map = _r_debug.r_map; map != NULL; map = map->l_next)
        if (map->l_name != NULL && strstr(map->l_name, "libduckdb.so") != NULL)
            (void)snprintf(file, sizeof file, "%s", map->l_name);
    return file;
}

static void finds_every_symbol(void **state)
{
    (void)state;
    void *library = dlopen(library_file(), RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(library);
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof SYMBOLS[0]; i++)
        if (dlsym(library, SYMBOLS[i]) == NULL) fail_msg("symbol %zu is missing", i);
    (void)dlclose(library);
}

/* In a child that has not loaded the engine: what engine_connect says when POND_LIBDUCKDB is that
 * file. */
static void expect_refusal(const char *library, ErrCode code, const char *text)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)setenv("POND_LIBDUCKDB", library, 1);
        Conn *none = NULL;
        Err *err = engine_connect(&none);
        bool right = err != NULL && err_code(err) == code && strstr(err_message(err), text) != NULL;
        if (!right) (void)fprintf(stderr, "got %s\n", err != NULL ? err_message(err) : "success");
        _exit(right ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void refuses_what_is_not_the_library(void **state)
{
    (void)state;
    assert_false(engine_is_loaded());
    expect_refusal("/nonexistent/libduckdb.so", ERR_IO, "/nonexistent/libduckdb.so");
    expect_refusal("libm.so.6", ERR_UNSUPPORTED, "duckdb_library_version");
    expect_refusal("/etc/passwd", ERR_IO, "/etc/passwd");
}

static void settings_hold(void **state)
{
    (void)state;
    engine_configure(&(EngineOptions){.memory_limit_bytes = INT64_C(128) << 20, .temp_dir = root});
    (void)setenv("TZ", "America/New_York", 1);
    open_conn(NULL);
    ANSWERS("SELECT current_setting('threads')", "1");
    ANSWERS("SELECT current_setting('memory_limit')", "128.0 MiB");
    ANSWERS("SELECT current_setting('temp_directory')", root);
    ANSWERS("SELECT current_setting('TimeZone')", "UTC");
    ANSWERS("SELECT current_setting('autoinstall_known_extensions')", "false");
    ANSWERS("SELECT current_setting('autoload_known_extensions')", "false");
    ANSWERS("SELECT current_setting('enable_external_file_cache')", "false");
    ANSWERS("SELECT current_setting('enable_progress_bar_print')", "false");
    ANSWERS("SELECT '2024-07-01 12:00:00'::TIMESTAMPTZ::VARCHAR", "2024-07-01 12:00:00+00");
    FAILS(engine_exec(conn, "LOAD httpfs"), IO, "httpfs");

    engine_configure(&(EngineOptions){.memory_limit_bytes = INT64_C(64) << 20});
    ANSWERS("SELECT current_setting('memory_limit')", "64.0 MiB");
    ANSWERS("SELECT current_setting('temp_directory')", "");
    close_conn(NULL);
    (void)unsetenv("TZ");
    engine_shutdown();
}

static void opens_again_after_shutdown(void **state)
{
    (void)state;
    open_conn(NULL);
    OK(engine_exec(conn, "CREATE TABLE kept (a INTEGER)"));
    close_conn(NULL);
    engine_shutdown();
    open_conn(NULL);
    FAILS(engine_exec(conn, "SELECT * FROM kept"), SQL, "kept does not exist");
    ANSWERS("SELECT current_setting('memory_limit')", "256.0 MiB"); /* the default again */
    close_conn(NULL);
    engine_shutdown();
}

static void *connect_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 50; i++) {
        Conn *mine = NULL;
        OK(engine_connect(&mine));
        OK(engine_exec(mine, "SELECT 1"));
        engine_disconnect_at(&mine);
    }
    return NULL;
}

static void connects_from_many_threads(void **state)
{
    (void)state;
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, NULL), 0);
    for (int i = 0; i < 100; i++)
        engine_interrupt(); /* must never touch a connection that is going */
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void limits_connections(void **state)
{
    (void)state;
    Conn *many[1024] = {0}, *more = NULL;
    for (int i = 0; i < 1024; i++) OK(engine_connect(&many[i]));
    FAILS(engine_connect(&more), LIMIT, "1024");
    engine_disconnect_at(&many[17]);
    OK(engine_connect(&more));
    engine_disconnect_at(&more);
    for (int i = 0; i < 1024; i++) engine_disconnect_at(&many[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_the_library),
        cmocka_unit_test(loads_on_first_use_only),
        cmocka_unit_test(finds_every_symbol),
        cmocka_unit_test(settings_hold),
        cmocka_unit_test(opens_again_after_shutdown),
        cmocka_unit_test(connects_from_many_threads),
        cmocka_unit_test(limits_connections),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
