/* Stopping and limits: interrupts from other threads and from signal handlers, the memory limit,
 * spilling, and statements side by side on several threads. */
#include "engine/engine_test.h"
#include <signal.h>
#include <sys/time.h>

/* A statement that runs for minutes unless it is stopped. */
static const char ENDLESS[] = "SELECT count(*) FROM range(100000000000) t(i) WHERE sin(i) > 2";

/* ---- interrupts ---- */

static void *interrupt_after_100ms(void *unused)
{
    (void)unused;
    (void)usleep(100000);
    engine_interrupt();
    return NULL;
}

/* Starts the interrupter; the caller runs something and joins. */
static pthread_t interrupter(void)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_after_100ms, NULL), 0);
    return thread;
}

static void expect_quick_stop(Err *err, double start, pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
    FAILS(err, INTERRUPTED, "interrupted");
    assert_true(seconds_of(CLOCK_MONOTONIC) - start < 1.1);
    ANSWERS("SELECT 1", "1"); /* the connection goes on */
}

static void interrupts_exec(void **state)
{
    (void)state;
    double start = seconds_of(CLOCK_MONOTONIC);
    pthread_t thread = interrupter();
    expect_quick_stop(engine_exec(conn, ENDLESS), start, thread);
}

static void interrupts_query(void **state)
{
    (void)state;
    Result *result = NULL;
    double start = seconds_of(CLOCK_MONOTONIC);
    pthread_t thread = interrupter();
    expect_quick_stop(engine_query(conn, ENDLESS, NULL, 0, &result), start, thread);
    assert_null(result);
}

static void interrupts_a_sort(void **state)
{
    (void)state;
    double start = seconds_of(CLOCK_MONOTONIC);
    pthread_t thread = interrupter();
    expect_quick_stop(
        engine_exec(conn,
                    "SELECT max(h) FROM (SELECT hash(i) h FROM range(1000000000) t(i) ORDER BY h "
                    "LIMIT 200000)"),
        start, thread);
}

static Err *read_to_end(const char *sql)
{
    CLEANUP(engine_result_close_at) Result *result = NULL;
    TRY(engine_query(conn, sql, NULL, 0, &result));
    for (Chunk chunk = {.rows = 1}; chunk.rows > 0;) TRY(engine_next(result, &chunk));
    return NULL;
}

static void interrupts_a_stream(void **state)
{
    (void)state;
    double start = seconds_of(CLOCK_MONOTONIC);
    pthread_t thread = interrupter();
    expect_quick_stop(read_to_end("SELECT i FROM range(100000000000) t(i)"), start, thread);
}

static void interrupts_copy_without_a_trace(void **state)
{
    (void)state;
    const char *path = path_of("interrupted.parquet");
    ParquetStats stats;
    const ParquetWrite write = {.select_sql = "SELECT hash(i) AS h FROM range(10000000000) t(i)",
                                .path = path};
    double start = seconds_of(CLOCK_MONOTONIC);
    pthread_t thread = interrupter();
    expect_quick_stop(engine_write_parquet(arena, conn, &write, &stats), start, thread);
    assert_false(path_exists(path));
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    engine_interrupt();
}

/* The handler runs on the thread that runs the statement. */
static void interrupts_from_a_signal_handler(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    const struct itimerval timer = {.it_value = {.tv_usec = 100000}};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    double start = seconds_of(CLOCK_MONOTONIC);
    FAILS(engine_exec(conn, ENDLESS), INTERRUPTED, "interrupted");
    assert_true(seconds_of(CLOCK_MONOTONIC) - start < 1.1);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void interrupt_while_idle_does_no_harm(void **state)
{
    (void)state;
    engine_interrupt();
    ANSWERS("SELECT 1", "1");
    OK(engine_exec(conn, "SELECT 1"));
    OK(read_to_end("SELECT * FROM range(10000)"));
}

/* The flag of the signal stays: the last test. */
static void signal_before_the_statement(void **state)
{
    (void)state;
    os_signals_install(NULL);
    assert_int_equal(raise(SIGINT), 0);
    FAILS(engine_exec(conn, ENDLESS), INTERRUPTED, "interrupted");
    FAILS(read_to_end("SELECT * FROM range(10000)"), INTERRUPTED, "interrupted");
}

typedef struct Job {
    Err *err;
    pthread_t thread;
} Job;

static void *run_endless(void *context)
{
    Job *job = context;
    Conn *mine = NULL;
    OK(engine_connect(&mine));
    job->err = engine_exec(mine, ENDLESS);
    engine_disconnect_at(&mine);
    return NULL;
}

static void interrupts_all_connections(void **state)
{
    (void)state;
    Job jobs[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, run_endless, &jobs[i]), 0);
    (void)usleep(200000);
    engine_interrupt();
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(jobs[i].thread, NULL), 0);
        FAILS(jobs[i].err, INTERRUPTED, "interrupted");
    }
}

static void *watch_progress(void *out)
{
    double *most = out;
    (void)usleep(50000);
    for (int i = 0; i < 20; i++, (void)usleep(10000)) {
        double percent = engine_progress(conn);
        if (percent > *most) *most = percent;
    }
    engine_interrupt();
    return NULL;
}

static void tells_progress(void **state)
{
    (void)state;
    const char *path = path_of("progress.parquet");
    ParquetStats stats;
    OK(engine_write_parquet(
        arena, conn,
        &(ParquetWrite){.select_sql = "SELECT i FROM range(3000000) t(i)", .path = path}, &stats));
    assert_true(engine_progress(conn) <= 0 || engine_progress(conn) >= 100); /* nothing runs */
    double most = -1;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, watch_progress, &most), 0);
    const char *terms = "sin(i) + cos(i) + tan(i) + sin(i + 1) + cos(i + 1) + tan(i + 1)";
    Err *err = engine_exec(conn, arena_printf(arena, "SELECT sum(%s) FROM '%s'", terms, path));
    err_free(err); /* done or interrupted */
    assert_int_equal(pthread_join(thread, NULL), 0);
    print_message("# progress seen: %.1f %%\n", most);
    assert_true(most > 0 && most <= 100);
}

/* ---- limits ---- */

static void with_memory(int64_t limit_bytes, const char *temp_dir)
{
    engine_configure(&(EngineOptions){.memory_limit_bytes = limit_bytes, .temp_dir = temp_dir});
}

static const char SORT[] = "CREATE OR REPLACE TEMP TABLE sorted AS SELECT hash(i) h, i FROM "
                           "range(4000000) t(i) ORDER BY h";

static void names_the_memory_limit(void **state)
{
    (void)state;
    with_memory(32 * 1000 * 1000, NULL);
    Err *err = engine_exec(conn, SORT);
    assert_non_null(err);
    assert_non_null(err_hint_text(err));
    assert_non_null(strstr(err_hint_text(err), "--memory-limit"));
    FAILS(err, LIMIT, "memory limit of 32");
    ANSWERS("SELECT sum(i) FROM range(1000) t(i)", "499500");
    with_memory(0, NULL);
    OK(engine_exec(conn, SORT));
    OK(engine_exec(conn, "DROP TABLE sorted"));
}

static void spills_to_the_temp_dir(void **state)
{
    (void)state;
    with_memory(32 * 1000 * 1000, root);
    OK(engine_exec(conn, SORT));
    ANSWERS("SELECT count(*) FROM sorted", "4000000");
    OK(engine_exec(conn, "DROP TABLE sorted"));
    with_memory(0, root); /* the engine keeps a directory that it has used */
}

/* ---- side by side ---- */

static void *burn(void *unused)
{
    (void)unused;
    Conn *mine = NULL;
    OK(engine_connect(&mine));
    OK(engine_exec(mine, "SELECT sum(sin(i)) FROM range(30000000) t(i)"));
    engine_disconnect_at(&mine);
    return NULL;
}

/* With threads = 1 each client thread computes its own statement: two statements use two processors
 * if there are two. That is printed; what is checked is who computes, which does not depend on the
 * machine. */
static void statements_run_on_their_own_threads(void **state)
{
    (void)state;
    pthread_t threads[2];
    double wall = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, burn, NULL), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    print_message("# two statements: %.2f s of CPU in %.2f s\n",
                  seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds_of(CLOCK_MONOTONIC) - wall);
    /* A statement of this thread is computed by this thread. */
    double process = seconds_of(CLOCK_PROCESS_CPUTIME_ID),
           here = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    OK(engine_exec(conn, "SELECT sum(sin(i)) FROM range(30000000) t(i)"));
    process = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - process;
    here = seconds_of(CLOCK_THREAD_CPUTIME_ID) - here;
    assert_true(here > 0.95 * process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(interrupts_exec),
        TEST(interrupts_query),
        TEST(interrupts_a_sort),
        TEST(interrupts_a_stream),
        TEST(interrupts_copy_without_a_trace),
        TEST(interrupts_from_a_signal_handler),
        TEST(interrupt_while_idle_does_no_harm),
        TEST(interrupts_all_connections),
        TEST(tells_progress),
        TEST(names_the_memory_limit),
        TEST(spills_to_the_temp_dir),
        TEST(statements_run_on_their_own_threads),
        TEST(signal_before_the_statement),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
