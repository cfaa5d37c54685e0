/* What the tests of tlogfs and steward share: a fresh folder per test, ponds in it, transactions in
 * a few words, and the check that every pond must pass at the end. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tlogfs/tlog_int.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void succeed(Err *err, const char *call, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, call, err_message(err));
    err_print_frames(err, stderr);
    err_free(err);
    fail();
}
#define OK(call) succeed((call), #call, __LINE__)

static inline void fail_with(Err *err, ErrCode code, const char *words, const char *call, int line)
{
    bool right = err != NULL && err_code(err) == code && strstr(err_message(err), words) != NULL;
    if (!right) {
        print_error("line %d: %s: %s %s, not %s \"%s\"\n", line, call,
                    err == NULL ? "" : err_code_name(err_code(err)),
                    err == NULL ? "no error" : err_message(err), err_code_name(code), words);
    }
    err_free(err);
    if (!right) fail();
}
#define FAILS(call, code, words) fail_with((call), ERR_##code, (words), #call, __LINE__)

/* The folder of the test program; the running test's own below it, its arena, its pond. */
static char program_root[60];
static Arena *arena;
static const char *root, *pond;
static const TlogCommitInfo WHO = {.command = "pond test", .user = "tester", .host = "here"};

static inline int program_begin(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(program_root, sizeof program_root, "%.30s/pond-tlogfs-XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    return mkdtemp(program_root) == NULL ? -1 : 0;
}

static inline int program_end(void **state)
{
    (void)state;
    engine_shutdown();
    OK(os_remove_tree(program_root));
    return 0;
}

static inline int test_begin(void **state)
{
    static int number;
    (void)state;
    arena = arena_new();
    root = arena_printf(arena, "%s/%d", program_root, ++number);
    pond = path_join(arena, root, "pond");
    OK(os_mkdirs(root));
    return 0;
}

static inline int test_end(void **state)
{
    (void)state;
    OK(os_fault_set(NULL));
    os_clock_set(NULL, NULL);
    OK(os_remove_tree(root));
    arena_free(arena);
    return 0;
}
#define RUN(name, tests) cmocka_run_group_tests_name(name, tests, program_begin, program_end)
#define TEST(test) cmocka_unit_test_setup_teardown(test, test_begin, test_end)

static inline Tlog *open_pond(void)
{
    Tlog *tlog = NULL;
    OK(tlog_open(pond, (TlogOptions){0}, &tlog));
    return tlog;
}

static inline Tlog *new_pond(void)
{
    OK(tlog_create(pond, "here", &WHO));
    return open_pond();
}

/* ---- changes, inside a transaction ---- */

static inline Node make(Tlog *tlog, NodeId parent, const char *name, EntryType type)
{
    Node given = {.parent = parent, .name = name, .type = type}, made = {0};
    OK(tlog_op_create(tlog, arena, &given, &made));
    return made;
}

static inline Version append_text(Tlog *tlog, NodeId id, const char *text)
{
    VersionSpec spec = {.meta = {.bytes = text, .size_bytes = (int64_t)strlen(text), .rows = -1}};
    Version made = {0};
    OK(tlog_op_append(tlog, id, &spec, &made));
    return made;
}

/* A staged file of `size` bytes that follow from `seed`; marked as Parquet it is not looked into by
 * this module. */
static inline VersionSpec stage(Tlog *tlog, int seed, size_t size, bool parquet)
{
    static int number;
    char *bytes = arena_alloc(arena, size + 1);
    uint32_t x = (uint32_t)seed * 2654435761u + 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 24);
    }
    const char *path = arena_printf(arena, "%s/file-%d", tlog_op_staging_dir(tlog), ++number);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    VersionSpec spec = {
        .meta = {.size_bytes = (int64_t)size, .parquet = parquet, .rows = parquet ? 1 : -1},
        .staged_path = path};
    sha256_of(bytes, size, spec.meta.sha256);
    return spec;
}

static inline Version append_blob(Tlog *tlog, NodeId id, int seed, size_t size)
{
    VersionSpec spec = stage(tlog, seed, size, true);
    Version made = {0};
    OK(tlog_op_append(tlog, id, &spec, &made));
    return made;
}

static inline TlogCommitted commit(Tlog *tlog)
{
    TlogCommitted done = {0};
    OK(tlog_commit(tlog, &WHO, &done));
    return done;
}

static inline bool exists_file(const char *path)
{
    return access(path, F_OK) == 0;
}

static inline const char *fingerprint(Tlog *tlog)
{
    char *hex = arena_alloc(arena, 65);
    OK(tlog_root_fingerprint(tlog_backend(tlog), hex));
    return hex;
}
