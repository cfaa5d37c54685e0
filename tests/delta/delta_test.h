/* What the tests of delta share: errors as failures, a fresh directory per test, tables made of
 * literal text. */
#pragma once
#include "delta/delta_int.h"
#include "os/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void succeed(Err *err, const char *call, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, call, err_message(err));
    err_print_frames(err, stderr);
    err_free(err);
    fail();
}
#define OK(call) succeed((call), #call, __LINE__)

/* The call must fail with that code and say `words`. */
static inline void fail_with(Err *err, ErrCode code, const char *words, const char *call, int line)
{
    bool right = err != NULL && err_code(err) == code && strstr(err_message(err), words) != NULL;
    if (!right)
        print_error("line %d: %s: %s %s, not %s \"%s\"\n", line, call,
                    err == NULL ? "" : err_code_name(err_code(err)),
                    err == NULL ? "no error" : err_message(err), err_code_name(code), words);
    err_free(err);
    if (!right) fail();
}
#define FAILS(call, code, words) fail_with((call), ERR_##code, (words), #call, __LINE__)

/* The directory of the test program (a log, for counts and faults); the running test's own below
 * it, its arena and table. */
static char program_root[60];
static Arena *arena;
static const char *root, *table;

static inline int program_begin(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(program_root, sizeof program_root, "%.30s/pond-delta-XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(program_root) == NULL) return -1;
    os_class_add(program_root, OS_LOG);
    return 0;
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
    table = arena_printf(arena, "%s/table", root);
    OK(os_mkdirs(delta_log_dir(arena, table)));
    return 0;
}

static inline int test_end(void **state)
{
    (void)state;
    OK(os_fault_set(NULL));
    OK(os_remove_tree(root));
    arena_free(arena);
    return 0;
}
#define RUN(name, tests) cmocka_run_group_tests_name(name, tests, program_begin, program_end)
#define TEST(test) cmocka_unit_test_setup_teardown(test, test_begin, test_end)

static inline void put_file(const char *path, const char *text)
{
    OK(os_replace_file(path, text, strlen(text)));
}

/* A file below _delta_log. */
static inline const char *log_file(const char *name)
{
    return arena_printf(arena, "%s/_delta_log/%s", table, name);
}

static inline void put_entry(int64_t version, const char *text)
{
    put_file(delta_entry_path(arena, table, version), text);
}

static inline const char *content(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    OK(os_read_file(arena, path, 1 << 20, &text, &size));
    return text;
}

#define PROTOCOL "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
#define SCHEMA "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}"
#define METADATA                                                                                   \
    "{\"metaData\":{\"id\":\"m-1\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"          \
    "\"schemaString\":\"" SCHEMA                                                                   \
    "\",\"partitionColumns\":[],\"configuration\":{\"pond.id\":\"p\"},\"createdTime\":7}}\n"
#define ADD(path)                                                                                  \
    "{\"add\":{\"path\":\"" path                                                                   \
    "\",\"partitionValues\":{},\"size\":10,\"modificationTime\":5,\"dataChange\":true}}\n"
#define REMOVE(path)                                                                               \
    "{\"remove\":{\"path\":\"" path "\",\"deletionTimestamp\":900,\"dataChange\":true}}\n"

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline const char **add_names(const DeltaSnapshot *snapshot)
{
    const char **names = AARRAY(arena, const char *, snapshot->add_count);
    for (size_t i = 0; i < snapshot->add_count; i++) names[i] = snapshot->adds[i].path;
    qsort(names, snapshot->add_count, sizeof *names, by_bytes);
    return names;
}

/* The live paths, sorted, with commas between them. */
static inline const char *live(const DeltaSnapshot *snapshot)
{
    const char **names = add_names(snapshot);
    Buf text = buf_new(arena);
    for (size_t i = 0; i < snapshot->add_count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "," : "", names[i]);
    return text.data;
}

static inline DeltaSnapshot load(int64_t version)
{
    DeltaSnapshot snapshot = {0};
    OK(delta_snapshot_load(arena, table, version, &snapshot));
    return snapshot;
}

/* In a child, after what is tested: a last call that a fault plan can meet, so that a power cut
 * right after a success is tried as well. */
static inline void one_more_call(void)
{
    err_free(os_mkdir(arena_printf(arena, "%s/one-more", root)));
    err_free(os_rmdir(arena_printf(arena, "%s/one-more", root)));
}
