/* What the tests of report share: a fresh pond folder, errors as checks. */
#pragma once
#include "report/report_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
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
    err_free(err);
    fail();
}
#define OK(call) succeed((call), #call, __LINE__)

static char dir[64];
static Arena *arena;

static inline int begin(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(dir, sizeof dir, "%.30s/pond-report-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    arena = arena_new();
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static inline int end(void **state)
{
    (void)state;
    arena_free(arena);
    err_free(os_remove_tree(dir));
    return 0;
}

static inline char *in_history(const char *name)
{
    return arena_printf(arena, "%s/history/%s", dir, name);
}

static inline char *read_file(const char *path, size_t *out_size)
{
    char *bytes = NULL;
    OK(os_read_file(arena, path, 1 << 28, &bytes, out_size));
    return bytes;
}
