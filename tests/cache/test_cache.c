/* The cache: values come back exactly or not at all, the byte budget holds and the least recently
 * used leave, damage is counted and mended, several processes share a file, and no failing file
 * call reaches the user. */
#include "cache/cache.h"
#include "os/os.h"
#include "perf/ops.h"
#include "perf/read.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void succeed(Err *err, const char *call, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, call, err_message(err));
    err_free(err);
    fail();
}
#define OK(call) succeed((call), #call, __LINE__)

/* The directory of the test program (a cache, for faults); the running test's file below it, and a
 * clock that stands still. */
static char program_root[60];
static Arena *arena;
static const char *path;
static TimeUs now;

static TimeUs clock_of_test(void *context)
{
    (void)context;
    return now;
}

static int program_begin(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(program_root, sizeof program_root, "%.30s/pond-cache-XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(program_root) == NULL) return -1;
    os_class_add(program_root, OS_CACHE);
    os_clock_set(clock_of_test, NULL);
    return 0;
}

static int program_end(void **state)
{
    (void)state;
    OK(os_remove_tree(program_root));
    return 0;
}

static int test_begin(void **state)
{
    static int number;
    (void)state;
    arena = arena_new();
    path = arena_printf(arena, "%s/%d/cache.db", program_root, ++number);
    now = INT64_C(1700000000) * US_PER_SECOND;
    return 0;
}

static int test_end(void **state)
{
    (void)state;
    OK(os_fault_set(NULL));
    cache_set_off(false);
    arena_free(arena);
    return 0;
}
#define TEST(test) cmocka_unit_test_setup_teardown(test, test_begin, test_end)

static const char *get(Cache *cache, const char *kind, const char *key)
{
    size_t size = 0;
    const char *value = cache_get(cache, arena, kind, key, &size);
    if (value != NULL) assert_int_equal(strlen(value), size);
    return value;
}

static void put(Cache *cache, const char *kind, const char *key, const char *value)
{
    cache_put(cache, kind, key, value, strlen(value));
}

static void check_basics(Cache *cache)
{
    size_t size = 9;
    assert_null(get(cache, "schema", "k"));
    put(cache, "schema", "k", "one");
    put(cache, "format", "k", "other kind");
    assert_string_equal(get(cache, "schema", "k"), "one");
    assert_string_equal(get(cache, "format", "k"), "other kind");
    put(cache, "schema", "k", "two");
    assert_string_equal(get(cache, "schema", "k"), "two");
    cache_put(cache, "schema", "empty", NULL, 0);
    assert_string_equal(cache_get(cache, arena, "schema", "empty", &size), "");
    assert_int_equal(size, 0);
    cache_put(cache, "schema", "it's \"odd\"\n", "a\0b", 3);
    const char *value = cache_get(cache, arena, "schema", "it's \"odd\"\n", &size);
    assert_int_equal(size, 3);
    assert_memory_equal(value, "a\0b", 4); /* and the NUL behind it */
    assert_string_equal(cache_get(cache, arena, "schema", "k", NULL), "two");
}

static void test_values_come_back(void **state)
{
    (void)state;
    PerfCacheCounts before, after;
    perf_read_cache(arena, PERF_CACHE_store, &before);
    CLEANUP(cache_close_at) Cache *cache = cache_open(path, 0), *memory = cache_open(NULL, 0);
    check_basics(cache);
    check_basics(memory);
    assert_false(cache_stats(cache).in_memory);
    assert_true(cache_stats(memory).in_memory);
    assert_int_equal(cache_stats(cache).hits, 6);
    assert_int_equal(cache_stats(cache).misses, 1);
    assert_int_equal(cache_stats(cache).puts, 5);
    perf_read_cache(arena, PERF_CACHE_store, &after);
    assert_int_equal(after.events[PERF_HITS] - before.events[PERF_HITS], 12);
    assert_int_equal(after.events[PERF_MISSES] - before.events[PERF_MISSES], 2);
}

static void test_values_outlive_the_handle(void **state)
{
    (void)state;
    Cache *cache = cache_open(path, 0);
    put(cache, "a", "k", "kept");
    int64_t size = cache_stats(cache).size_bytes;
    cache_close_at(&cache);
    assert_null(cache);
    cache = cache_open(path, 0);
    assert_string_equal(get(cache, "a", "k"), "kept");
    assert_int_equal(cache_stats(cache).size_bytes, size);
    cache_close_at(&cache);
    cache_close_at(&cache);
}

static void test_off_and_null_always_miss(void **state)
{
    (void)state;
    CLEANUP(cache_close_at) Cache *cache = cache_open(path, 0);
    put(cache, "a", "k", "v");
    cache_set_off(true);
    assert_true(cache_is_off());
    assert_null(get(cache, "a", "k"));
    put(cache, "a", "other", "v");
    cache_set_off(false);
    assert_string_equal(get(cache, "a", "k"), "v");
    assert_null(get(cache, "a", "other"));
    put(NULL, "a", "k", "v");
    assert_null(get(NULL, "a", "k"));
    assert_int_equal(cache_stats(NULL).misses, 0);
}

static int64_t value_bytes_in_file(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT coalesce(sum(length(value)), 0) FROM entry", -1,
                                        &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t bytes = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return bytes;
}

static void test_the_least_recently_used_leave(void **state)
{
    (void)state;
    char value[1000];
    memset(value, 'v', sizeof value);
    CLEANUP(cache_close_at) Cache *cache = cache_open(path, 20000);
    for (int i = 0; i < 100; i++) {
        now += 2 * US_PER_SECOND;
        cache_put(cache, "a", arena_printf(arena, "%d", i), value, sizeof value);
        assert_non_null(cache_get(cache, arena, "a", "0", NULL)); /* in use all the time */
        assert_in_range(value_bytes_in_file(), 0, 20000);
    }
    assert_non_null(cache_get(cache, arena, "a", "99", NULL));
    assert_non_null(cache_get(cache, arena, "a", "90", NULL));
    for (int i = 1; i < 80; i++)
        assert_null(cache_get(cache, arena, "a", arena_printf(arena, "%d", i), NULL));
    assert_in_range(cache_stats(cache).evictions, 80, 90);
    assert_in_range(cache_stats(cache).size_bytes, 15000, 20000);
}

static uint64_t store_events(PerfCacheEvent event)
{
    PerfCacheCounts counts;
    perf_read_cache(arena, PERF_CACHE_store, &counts);
    return counts.events[event];
}

/* A miss on what was let go is told from one on what never was there, by another handle too. */
static void test_evicted_keys_are_remembered(void **state)
{
    (void)state;
    char value[1000] = {0};
    uint64_t evicted = store_events(PERF_EVICTIONS), ghosts = store_events(PERF_GHOST_HITS);
    uint64_t fetched = store_events(PERF_FETCHES);
    Cache *cache = cache_open(path, 20000);
    for (int i = 0; i < 30; i++) {
        now += 2 * US_PER_SECOND;
        cache_put(cache, "a", arena_printf(arena, "%d", i), value, sizeof value);
    }
    assert_true(cache_stats(cache).evictions > 0);
    assert_int_equal(store_events(PERF_EVICTIONS) - evicted, cache_stats(cache).evictions);
    assert_int_equal(store_events(PERF_FETCHES) - fetched, 30);
    cache_close_at(&cache);
    cache = cache_open(path, 20000);
    assert_non_null(cache_get(cache, arena, "a", "29", NULL));
    assert_null(cache_get(cache, arena, "a", "30", NULL));
    assert_null(cache_get(cache, arena, "b", "0", NULL));
    assert_int_equal(store_events(PERF_GHOST_HITS) - ghosts, 0);
    assert_null(cache_get(cache, arena, "a", "0", NULL));
    assert_null(cache_get(cache, arena, "a", "0", NULL)); /* once */
    assert_int_equal(store_events(PERF_GHOST_HITS) - ghosts, 1);
    cache_close_at(&cache);
}

static int64_t held_most(void)
{
    PerfCacheCounts counts;
    perf_read_cache(arena, PERF_CACHE_store, &counts);
    return counts.held_bytes_most;
}

/* What is let go, and what a closed cache held, is taken off: the most at once is that of one. */
static void test_what_is_held(void **state)
{
    (void)state;
    static char value[100000];
    Cache *cache = cache_open(path, 20000);
    for (int i = 0; i < 30; i++) cache_put(cache, "a", arena_printf(arena, "%d", i), value, 1000);
    assert_true(cache_stats(cache).evictions > 0);
    cache_close_at(&cache);
    const char *other = arena_printf(arena, "%s.other", path);
    cache = cache_open(other, 0);
    const int64_t most = held_most();
    for (int i = 0; cache_stats(cache).size_bytes <= most; i++)
        cache_put(cache, "a", arena_printf(arena, "%d", i), value, sizeof value);
    assert_int_equal(held_most(), cache_stats(cache).size_bytes);
    cache_close_at(&cache);
    cache = cache_open(other, 0);
    cache_put(cache, "b", "1", value, sizeof value);
    assert_int_equal(held_most(), cache_stats(cache).size_bytes);
    cache_close_at(&cache);
}

static void test_a_value_beyond_half_the_budget_is_not_kept(void **state)
{
    (void)state;
    char value[600] = {0};
    CLEANUP(cache_close_at) Cache *cache = cache_open(path, 1000);
    put(cache, "a", "small", "s");
    cache_put(cache, "a", "big", value, sizeof value);
    assert_null(cache_get(cache, arena, "a", "big", NULL));
    assert_string_equal(get(cache, "a", "small"), "s");
}

/* ---- damage ---- */

static void put_file(const char *text)
{
    OK(os_mkdirs(arena_printf(arena, "%.*s", (int)(strrchr(path, '/') - path), path)));
    OK(os_replace_file(path, text, strlen(text)));
}

static void check_made_anew(void)
{
    CLEANUP(cache_close_at) Cache *cache = cache_open(path, 0);
    assert_int_equal(cache_stats(cache).damaged, 1);
    assert_false(cache_stats(cache).in_memory);
    put(cache, "a", "k", "v");
    assert_string_equal(get(cache, "a", "k"), "v");
    CLEANUP(cache_close_at) Cache *again = cache_open(path, 0);
    assert_int_equal(cache_stats(again).damaged, 0);
    assert_string_equal(get(again, "a", "k"), "v");
}

static void test_foreign_files_are_made_anew(void **state)
{
    (void)state;
    put_file("this is not an SQLite file, but it is long enough to be looked at as if it were "
             "one............");
    check_made_anew();
    OK(os_unlink(path));
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE entry (a)", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    check_made_anew();
    OK(os_unlink(path));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA application_id = 1886350947; PRAGMA user_version = 999",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(db);
    check_made_anew();
}

static void test_a_changed_row_is_found(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE entry SET value = 'X'",   "UPDATE entry SET hash = hash + 1",
        "UPDATE entry SET key = 'other'", "UPDATE entry SET kind = 'other'",
        "UPDATE entry SET value = NULL",  "DROP TABLE entry"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        CLEANUP(cache_close_at) Cache *cache = cache_open(path, 0);
        sqlite3 *db = NULL;
        put(cache, "a", "k", "v");
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        (void)sqlite3_exec(db, changes[i], NULL, NULL, NULL);
        (void)sqlite3_close(db);
        const char *value = get(cache, "a", "k"), *other = get(cache, "a", "other"),
                   *kind = get(cache, "other", "k");
        assert_true(value == NULL || i == 4); /* NOT NULL refuses the fifth */
        assert_null(other);
        assert_null(kind);
        put(cache, "a", "k", "w");
        assert_string_equal(get(cache, "a", "k"), "w");
    }
}

enum { ROWS = 40, FLIPS = 300 };

static const char *value_of(int row)
{
    return arena_printf(arena, "value %d %0*d", row, 200 + row, row);
}

/* Whatever bit of the file flips: a value is right or absent. */
static void test_300_flipped_bits_never_give_a_wrong_value(void **state)
{
    (void)state;
    char *whole = NULL;
    size_t size = 0;
    unsigned random = 4711;
    uint64_t damaged = 0;
    int lost = 0;
    Cache *cache = cache_open(path, 0);
    for (int row = 0; row < ROWS; row++)
        put(cache, "kind", arena_printf(arena, "key %d", row), value_of(row));
    cache_close_at(&cache);
    OK(os_read_file(arena, path, 1 << 24, &whole, &size));
    for (int flip = 0; flip < FLIPS; flip++) {
        random = random * 1103515245u + 12345u;
        size_t at = ((size_t)(random >> 8) * 64 + (size_t)flip) % size;
        char bit = (char)(1u << ((random >> 4) % 8));
        whole[at] = (char)(whole[at] ^ bit);
        OK(os_replace_file(path, whole, size));
        cache = cache_open(path, 0);
        for (int row = 0; row < ROWS; row++) {
            const char *value = get(cache, "kind", arena_printf(arena, "key %d", row));
            if (value != NULL) assert_string_equal(value, value_of(row));
            lost += value == NULL;
        }
        damaged += cache_stats(cache).damaged;
        cache_close_at(&cache);
        whole[at] = (char)(whole[at] ^ bit);
    }
    print_message("# %d flips: %d files found damaged, %d of %d values lost\n", FLIPS, (int)damaged,
                  lost, FLIPS * ROWS);
    assert_true(damaged > 10); /* the flips hit something */
}

static void test_truncated_files(void **state)
{
    (void)state;
    char *whole = NULL;
    size_t size = 0;
    Cache *cache = cache_open(path, 0);
    for (int row = 0; row < ROWS; row++)
        put(cache, "kind", arena_printf(arena, "key %d", row), value_of(row));
    cache_close_at(&cache);
    OK(os_read_file(arena, path, 1 << 24, &whole, &size));
    for (size_t left = 0; left < size; left += 1000) {
        OK(os_replace_file(path, whole, left));
        cache = cache_open(path, 0);
        for (int row = 0; row < ROWS; row++) {
            const char *value = get(cache, "kind", arena_printf(arena, "key %d", row));
            if (value != NULL) assert_string_equal(value, value_of(row));
        }
        cache_close_at(&cache);
    }
}

/* ---- files that cannot be used ---- */

static void test_an_unusable_place_becomes_memory(void **state)
{
    (void)state;
    put_file("a file where a directory should be");
    CLEANUP(cache_close_at)
    Cache *cache = cache_open(arena_printf(arena, "%s/below/cache.db", path), 0);
    assert_true(cache_stats(cache).in_memory);
    check_basics(cache);
    CLEANUP(cache_close_at) Cache *directory = cache_open(program_root, 0);
    assert_true(cache_stats(directory).in_memory);
    check_basics(directory);
}

/* Whatever file call fails: a value is right or absent, and the next process finds a working cache.
 */
static void test_no_failing_call_reaches_the_user(void **state)
{
    (void)state;
    static const char *const actions[] = {"eio", "enospc"};
    for (size_t action = 0; action < 2; action++) {
        for (int nth = 1; nth < 200; nth++) {
            OK(os_fault_set(arena_printf(arena, "origin=any,class=cache,op=any,nth=%d,do=%s", nth,
                                         actions[action])));
            Cache *cache = cache_open(path, 0);
            put(cache, "a", "k", "value");
            const char *value = get(cache, "a", "k");
            cache_close_at(&cache);
            bool done = os_fault_seen() < (uint64_t)nth;
            OK(os_fault_set(NULL));
            if (value != NULL) assert_string_equal(value, "value");
            cache = cache_open(path, 0);
            value = get(cache, "a", "k");
            if (value != NULL) assert_string_equal(value, "value");
            cache_close_at(&cache);
            OK(os_unlink_if(path));
            if (done) break;
            assert_true(nth < 199);
        }
    }
}

static void test_a_busy_file_is_a_miss(void **state)
{
    (void)state;
    CLEANUP(cache_close_at) Cache *cache = cache_open(path, 0);
    put(cache, "a", "k", "v");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "BEGIN IMMEDIATE; UPDATE entry SET used = 1", NULL, NULL, NULL),
        SQLITE_OK);
    put(cache, "a", "other", "v"); /* not kept, no error */
    now += 5 * US_PER_SECOND;
    assert_string_equal(get(cache, "a", "k"), "v"); /* readers do not wait for writers */
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_null(get(cache, "a", "other"));
    assert_int_equal(cache_stats(cache).damaged, 0);
    assert_false(cache_stats(cache).in_memory);
}

/* ---- several processes ---- */

enum { PROCESSES = 4, ROUNDS = 100 };

static void worker(int number)
{
    (void)signal(SIGSEGV, SIG_DFL);
    Cache *cache = cache_open(path, 30000);
    for (int i = 0; i < ROUNDS; i++) {
        const char *key = arena_printf(arena, "%d", i % 2 == 0 ? 0 : (i * 7 + number) % 50);
        now += US_PER_SECOND;
        const char *value = cache_get(cache, arena, "a", key, NULL),
                   *right = arena_printf(arena, "%s-%0900d", key, atoi(key));
        if (value != NULL && strcmp(value, right) != 0) _exit(1);
        cache_put(cache, "a", key, right, strlen(right));
    }
    CacheStats stats = cache_stats(cache);
    bool fine = stats.damaged == 0 && !stats.in_memory && stats.hits > 0;
    if (!fine)
        (void)fprintf(stderr, "worker %d: %d damaged, %d hits, %s\n", number, (int)stats.damaged,
                      (int)stats.hits, stats.in_memory ? "in memory" : "in a file");
    cache_close_at(&cache);
    _exit(fine ? 0 : 2);
}

static void test_processes_share_a_file(void **state)
{
    (void)state;
    pid_t workers[PROCESSES];
    (void)fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        workers[i] = fork();
        if (workers[i] == 0) worker(i);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_come_back),
        TEST(test_values_outlive_the_handle),
        TEST(test_off_and_null_always_miss),
        TEST(test_the_least_recently_used_leave),
        TEST(test_evicted_keys_are_remembered),
        TEST(test_what_is_held),
        TEST(test_a_value_beyond_half_the_budget_is_not_kept),
        TEST(test_foreign_files_are_made_anew),
        TEST(test_a_changed_row_is_found),
        TEST(test_300_flipped_bits_never_give_a_wrong_value),
        TEST(test_truncated_files),
        TEST(test_an_unusable_place_becomes_memory),
        TEST(test_no_failing_call_reaches_the_user),
        TEST(test_a_busy_file_is_a_miss),
        TEST(test_processes_share_a_file),
    };
    return cmocka_run_group_tests_name("cache", tests, program_begin, program_end);
}
