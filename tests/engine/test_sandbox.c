/* The wall behind the check of user SQL: after engine_sandbox statements reach the allowed files
 * and folders and nothing else; what the engine itself needs (new connections, spilling, writing
 * Parquet) goes on. */
#include "engine/engine_test.h"

/* Two folders, one of them allowed, and a third whose name begins as the allowed one's. */
static const char *inside, *outside, *beside;

static void write_one(const char *path)
{
    ParquetStats stats;
    OK(os_unlink_if(path));
    OK(engine_write_parquet(arena, conn,
                            &(ParquetWrite){.select_sql = "SELECT 1 AS a", .path = path}, &stats));
}

static int open_sandbox(void **state)
{
    open_conn(state);
    inside = arena_printf(arena, "%s/in", root);
    outside = arena_printf(arena, "%s/out", root);
    beside = arena_printf(arena, "%s/in-other", root);
    OK(os_mkdirs(inside));
    OK(os_mkdirs(outside));
    OK(os_mkdirs(beside));
    write_one(arena_printf(arena, "%s/a.parquet", inside));
    write_one(arena_printf(arena, "%s/[a]*.parquet", inside));
    write_one(arena_printf(arena, "%s/b.parquet", outside));
    write_one(arena_printf(arena, "%s/single.parquet", outside));
    write_one(arena_printf(arena, "%s/c.parquet", beside));
    engine_allow(inside);
    engine_allow(arena_printf(arena, "%s/single.parquet", outside));
    OK(engine_sandbox(conn));
    return 0;
}

static int close_sandbox(void **state)
{
    close_conn(state);
    engine_shutdown();
    return 0;
}

static Err *count(const char *folder, const char *name, char **out)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    return engine_scalar_text(arena, conn,
                              arena_printf(arena, "SELECT count(*) FROM %s",
                                           engine_read_parquet_sql(arena, &path, 1, "")),
                              NULL, 0, out);
}

static void reaches_what_is_allowed(void **state)
{
    (void)state;
    char *rows = NULL;
    OK(count(inside, "a.parquet", &rows));
    OK(count(inside, "[a]*.parquet", &rows));
    OK(count(outside, "single.parquet", &rows));
    assert_string_equal(rows, "1");
    write_one(arena_printf(arena, "%s/new.parquet", inside));
}

static void reaches_nothing_else(void **state)
{
    (void)state;
    char *rows = NULL;
    FAILS(count(outside, "b.parquet", &rows), SQL, "b.parquet");
    FAILS(count(beside, "c.parquet", &rows), SQL, "c.parquet");
    FAILS(count(inside, "../out/b.parquet", &rows), SQL, "b.parquet");
    assert_null(rows);
    static const char *const STATEMENTS[] = {
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1 AS a) TO '/tmp/pond-sandbox-escape.csv'",
        "ATTACH '/tmp/pond-sandbox-escape.db'",
        "EXPORT DATABASE '/tmp/pond-sandbox-escape'",
        "SET GLOBAL enable_external_access = true",
        "SET GLOBAL allowed_directories = ['/']",
        "LOAD httpfs",
    };
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof STATEMENTS[0]; i++) {
        Err *err = engine_exec(conn, STATEMENTS[i]);
        if (err == NULL) print_error("%s was not refused\n", STATEMENTS[i]);
        assert_non_null(err);
        assert_true(err_code(err) == ERR_SQL || err_code(err) == ERR_IO);
        err_free(err);
    }
    assert_false(path_exists("/tmp/pond-sandbox-escape.csv"));
    assert_false(path_exists("/tmp/pond-sandbox-escape.db"));
}

static void cannot_be_widened(void **state)
{
    (void)state;
    char *rows = NULL;
    engine_allow(outside);
    OK(engine_sandbox(conn)); /* no way back, and no error */
    FAILS(count(outside, "b.parquet", &rows), SQL, "b.parquet");
}

static void the_engine_goes_on(void **state)
{
    (void)state;
    Conn *another = NULL;
    OK(engine_connect(&another));
    OK(engine_exec(another, "SELECT 1"));
    engine_disconnect_at(&another);
}

/* Spilling into a folder that was given before, with a limit that needs it. */
static void spills_behind_the_wall(void **state)
{
    (void)state;
    char spill[128];
    (void)snprintf(spill, sizeof spill, "%s/spill", root);
    OK(os_mkdirs(spill));
    engine_configure(&(EngineOptions){.memory_limit_bytes = 32000000, .temp_dir = spill});
    (void)open_sandbox(state);
    OK(engine_exec(conn, "CREATE TEMP TABLE s AS SELECT hash(i) h, i FROM range(4000000) t(i) "
                         "ORDER BY h"));
    ANSWERS("SELECT count(*) FROM s", "4000000");
}

static void opens_again_with_a_new_instance(void **state)
{
    (void)state;
    char *rows = NULL;
    close_sandbox(NULL);
    open_conn(NULL);
    OK(count(arena_printf(arena, "%s/out", root), "b.parquet", &rows));
    assert_string_equal(rows, "1");
}

#define WALLED(name) cmocka_unit_test_setup_teardown(name, open_sandbox, close_sandbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WALLED(reaches_what_is_allowed),
        WALLED(reaches_nothing_else),
        WALLED(the_engine_goes_on),
        WALLED(opens_again_with_a_new_instance),
        WALLED(cannot_be_widened),
        cmocka_unit_test_teardown(spills_behind_the_wall, close_sandbox),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
