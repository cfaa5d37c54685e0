/* What the tests of os share: a fresh directory, small files by bare system calls that os does not
 * see. */
#pragma once
#include "os/os_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static inline void succeed(Err *err, const char *call, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, call, err_message(err));
    err_free(err);
    fail();
}
#define OK(call) succeed((call), #call, __LINE__)

static inline void fail_with(Err *err, ErrCode code, int errnum, const char *call, int line)
{
    if (err != NULL && err_code(err) == code && err_errnum(err) == errnum) {
        err_free(err);
        return;
    }
    print_error("line %d: %s: %s (errno %d)\n", line, call,
                err == NULL ? "no error" : err_message(err), err == NULL ? 0 : err_errnum(err));
    err_free(err);
    fail();
}
#define FAILS(call, code) fail_with((call), ERR_##code, 0, #call, __LINE__)
#define FAILS_ERRNO(call, errnum) fail_with((call), ERR_IO, (errnum), #call, __LINE__)

/* The directory of the test program, and below it that of the running test; of no class unless
 * register_root is called. */
static char root[64], base[80];

static inline int make_root(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%.30s/pond-os-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    return mkdtemp(root) == NULL ? -1 : 0;
}

static inline void register_root(void)
{
    os_class_add(root, OS_OUT);
}

static inline int remove_all(const char *path)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%.100s'", path);
    return system(command);
}

static inline int remove_root(void **state)
{
    (void)state;
    return remove_all(root);
}

static inline int make_base(void **state)
{
    (void)state;
    (void)snprintf(base, sizeof base, "%.60s/t-XXXXXX", root);
    return mkdtemp(base) == NULL ? -1 : 0;
}

static inline int remove_base(void **state)
{
    (void)state;
    return remove_all(base);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make_base, remove_base)
#define RUN(name, tests) cmocka_run_group_tests_name(name, tests, make_root, remove_root)

/* A path below the base; up to 8 are valid at a time. */
static inline const char *at(const char *name)
{
    static char paths[8][PATH_MAX];
    static int next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, PATH_MAX, "%s/%.4000s", base, name);
    return path;
}

static inline void put_file(const char *path, const char *text)
{
    int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(os_real()->write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(os_real()->close(fd), 0);
}

/* The content, "(missing)" for no such file. Valid until the next call but three. */
static inline const char *content(const char *path)
{
    static char texts[4][65536];
    static int next;
    char *text = texts[next++ % 4];
    int fd = openat(AT_FDCWD, path, O_RDONLY);
    if (fd < 0) return "(missing)";
    ssize_t got = os_real()->read(fd, text, sizeof texts[0] - 1);
    assert_true(got >= 0);
    text[got] = '\0';
    assert_int_equal(os_real()->close(fd), 0);
    return text;
}

static inline bool is_there(const char *path)
{
    struct stat now;
    return fstatat(AT_FDCWD, path, &now, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Runs `body` in a child; its exit status, or 128 + the signal. */
static inline int in_child(void (*body)(void *argument), void *argument)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)setenv("CMOCKA_TEST_ABORT", "1",
                     1); /* a failed assertion must not go on with the next test */
        body(argument);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
