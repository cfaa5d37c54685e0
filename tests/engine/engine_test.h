/* What the tests of the engine share: one connection per test, a fresh directory, errors as checks.
 */
#pragma once
#include "engine/engine.h"
#include "os/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline void succeed(Err *err, const char *call, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, call, err_message(err));
    err_free(err);
    fail();
}
#define OK(call) succeed((call), #call, __LINE__)

/* Fails with that code and a message that holds the text; at that line and column unless 0. */
static inline void fail_with(Err *err, ErrCode code, const char *text, int at_line, int at_column,
                             int line)
{
    int has_line = 0, has_column = 0;
    if (err != NULL) err_position(err, &has_line, &has_column);
    bool right = err != NULL && err_code(err) == code && strstr(err_message(err), text) != NULL &&
                 strchr(err_message(err), '\n') == NULL &&
                 (at_line == 0 || (has_line == at_line && has_column == at_column));
    if (!right)
        print_error("line %d: expected %s \"%s\" at %d:%d, got %s \"%s\" at %d:%d\n", line,
                    err_code_name(code), text, at_line, at_column,
                    err != NULL ? err_code_name(err_code(err)) : "success",
                    err != NULL ? err_message(err) : "", has_line, has_column);
    err_free(err);
    assert_true(right);
}
#define FAILS(call, code, text) fail_with((call), ERR_##code, (text), 0, 0, __LINE__)
#define FAILS_AT(call, line, column, text)                                                         \
    fail_with((call), ERR_SQL, (text), (line), (column), __LINE__)

static char root[96];
static Conn *conn;
static Arena *arena;

static inline int make_root(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%.60s/pond-engine-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(root) == NULL) return -1;
    os_class_add(root, OS_OUT); /* faults only meet files of a class */
    return 0;
}

static inline int remove_root(void **state)
{
    (void)state;
    err_free(os_remove_tree(root));
    engine_shutdown();
    return 0;
}

static inline int open_conn(void **state)
{
    (void)state;
    arena = arena_new();
    OK(engine_connect(&conn));
    return 0;
}

static inline int close_conn(void **state)
{
    (void)state;
    OK(os_fault_set(NULL));
    engine_disconnect_at(&conn);
    arena_free_at(&arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_conn, close_conn)

/* A path in the fresh directory; nothing is there yet. */
static inline const char *path_of(const char *name)
{
    const char *path = arena_printf(arena, "%s/%s", root, name);
    OK(os_unlink_if(path));
    return path;
}

static inline bool path_exists(const char *path)
{
    bool exists = false;
    OsStat ignored;
    OK(os_stat_if(path, &exists, &ignored));
    return exists;
}

static inline const char *scalar(const char *sql)
{
    char *text = NULL;
    OK(engine_scalar_text(arena, conn, sql, NULL, 0, &text));
    return text != NULL ? text : "(null)";
}
#define ANSWERS(sql, expected) assert_string_equal(scalar(sql), (expected))

static inline double seconds_of(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The process's resident memory now. */
static inline int64_t resident_bytes(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    long long pages = 0;
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%*s %lld", &pages), 1);
    (void)fclose(statm);
    return pages * sysconf(_SC_PAGESIZE);
}
