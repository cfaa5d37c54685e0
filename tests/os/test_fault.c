/* The fault plan: what parses, what each deed does to which call, and sweeps over the functions
 * that promise all or nothing: every call of theirs fails once, and before and after are the only
 * two states ever seen. */
#include "os_test.h"
#include <libgen.h>

static int set_up(void **state)
{
    register_root();
    return make_base(state);
}

static int tear_down(void **state)
{
    OK(os_fault_set(NULL));
    return remove_base(state);
}

static void test_plans_that_do_not_parse(void **state)
{
    (void)state;
    static const char *const WRONG[] = {
        "",
        "nth=1",
        "do=",
        "do=explode",
        "do=eio,",
        ",do=eio",
        "do=eio,nth=",
        "do=eio,nth=-1",
        "do=eio,nth=1x",
        "do=eio,nth=99999999999999999999",
        "do=eio,op=stat",
        "do=eio,op=close",
        "do=eio,op=opens",
        "do=eio,class=other",
        "do=eio,class=",
        "do=eio,class=LOG",
        "do=eio,origin=mine",
        "do=eio,origin",
        "do=eio what=1",
        "what=1,do=eio",
        "do=short,op=read",
        "do=eio nth=1",
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        Err *err = os_fault_set(WRONG[i]);
        if (err == NULL) fail_msg("\"%s\" was taken", WRONG[i]);
        assert_int_equal(err_code(err), ERR_INVALID);
        assert_non_null(err_hint_text(err));
        err_free(err);
    }
    OK(os_replace_file(at("f"), "x", 1)); /* and no plan is in force */
}

static Err *write_three(const char *path)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    TRY(os_open_append(path, &file));
    for (int i = 0; i < 3; i++) TRY(os_write(file, "12345678", 8));
    return os_sync(file);
}

static void test_eio_fails_one_call(void **state)
{
    (void)state;
    OK(os_fault_set("op=write,nth=2,do=eio"));
    FAILS_ERRNO(write_three(at("f")), EIO);
    assert_int_equal(os_fault_seen(), 2);
    assert_string_equal(content(at("f")), "12345678");
    OK(write_three(at("f"))); /* only that one */
    assert_int_equal(os_fault_seen(), 5);
}

static void test_enospc_fails_from_then_on(void **state)
{
    (void)state;
    SCRATCH(arena);
    char *text;
    put_file(at("old"), "old");
    OK(os_fault_set("nth=2,do=enospc"));
    FAILS_ERRNO(write_three(at("f")), ENOSPC); /* open, write */
    assert_string_equal(content(at("f")), "");
    FAILS_ERRNO(write_three(at("g")), ENOSPC);
    FAILS_ERRNO(os_mkdir(at("d")), ENOSPC);
    FAILS_ERRNO(os_rename(at("old"), at("new")), ENOSPC);
    OK(os_read_file(arena, at("old"), 10, &text, NULL)); /* a full disk can be read and cleared */
    OK(os_unlink(at("old")));
}

static void test_short_writes_half(void **state)
{
    (void)state;
    OK(os_fault_set("nth=2,do=short"));
    FAILS_ERRNO(write_three(at("f")), ENOSPC);
    assert_string_equal(content(at("f")), "123456781234");
    FAILS_ERRNO(write_three(at("f")), ENOSPC);
    assert_string_equal(content(at("f")), "123456781234");
    assert_int_equal(os_fault_seen(), 3); /* writes only */
}

static void test_filters(void **state)
{
    (void)state;
    os_class_add(at("log"), OS_LOG);
    OK(os_mkdir(at("log")));
    OK(os_fault_set("class=log,origin=ours,do=eio,nth=0"));
    OK(os_replace_file(at("f"), "x", 1)); /* class out */
    assert_int_equal(os_fault_seen(), 0);
    OK(os_replace_file(at("log/f"), "x", 1)); /* open write sync rename, open sync */
    assert_int_equal(os_fault_seen(), 6);
    int fd = open(at("log/f"), O_RDONLY); /* not ours */
    assert_int_equal(close(fd), 0);
    assert_int_equal(os_fault_seen(), 6);
    OK(os_fault_set("class=log,origin=engine,do=eio"));
    OK(os_replace_file(at("log/f"), "y", 1));
    errno = 0;
    assert_int_equal(open(at("log/f"), O_RDONLY), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(os_fault_seen(), 1);
    OK(os_fault_set(NULL));
    assert_int_equal(os_fault_seen(), 1); /* still tells of the last plan */
}

/* Each operation by its name: the first such call fails, no other is seen. */
static void test_every_operation_can_fail(void **state)
{
    (void)state;
    static const char *const OPS[] = {"open", "read",   "write", "sync",  "rename",
                                      "link", "unlink", "mkdir", "rmdir", "truncate"};
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++) {
        char plan[64], byte;
        int failed = 0;
        put_file(at("f"), "content");
        (void)snprintf(plan, sizeof plan, "do=eio,op=%s", OPS[i]);
        int fd =
            openat(AT_FDCWD, at("f"), O_RDWR); /* past the interposer: gets its class by hand */
        os_class_set_fd(fd, OS_OUT);
        OK(os_fault_set(plan));
        failed += os_call_open(OS_OURS, at("f"), O_RDONLY, 0) < 0;
        failed += os_call_read(OS_OURS, fd, &byte, 1, 0) < 0;
        failed += os_call_write(OS_OURS, fd, "c", 1, 0) < 0;
        failed += os_call_sync(OS_OURS, fd) != 0;
        failed += os_call_truncate(OS_OURS, fd, 7) != 0;
        failed += os_call_link(OS_OURS, at("f"), at("l")) != 0;
        failed += os_call_rename(OS_OURS, at("f"), at("g")) != 0;
        failed += os_call_mkdir(OS_OURS, at("d"), 0755) != 0;
        failed += os_call_rmdir(OS_OURS, at("d")) != 0;
        failed += os_call_unlink(OS_OURS, at("g")) != 0;
        OK(os_fault_set(NULL));
        (void)close(fd);
        assert_true(failed >= 1 && failed <= 2); /* a directory not made is not removed either */
        OK(os_unlink_if(at("l")));
        OK(os_unlink_if(at("g")));
        OK(os_remove_tree(at("d")));
    }
}

/* ---- sweeps ---- */

static size_t stray_names(void)
{
    SCRATCH(arena);
    OsEntry *entries;
    size_t count, strays = 0;
    OK(os_list(arena, base, &entries, &count));
    for (size_t i = 0; i < count; i++) strays += strchr(entries[i].name, '.') != NULL;
    return strays;
}

static const char *plan_of(const char *deed, int nth)
{
    static char plan[64];
    (void)snprintf(plan, sizeof plan, "nth=%d,do=%s", nth, deed);
    return plan;
}

/* Runs `body` with the 1st, 2nd ... call failing, until it passes without meeting the fault.
 * Returns how many calls were made to fail. */
static int sweep(const char *deed, Err *(*body)(void), void (*check)(bool succeeded))
{
    for (int nth = 1;; nth++) {
        OK(os_fault_set(plan_of(deed, nth)));
        Err *err = body();
        bool met = os_fault_seen() >= (uint64_t)nth;
        OK(os_fault_set(NULL));
        check(err == NULL);
        if (!met) {
            assert_null(err);
            return nth - 1;
        }
        err_free(err);
        assert_true(nth < 100);
    }
}

static Err *replace(void)
{
    return os_replace_file(at("f"), "new content", 11);
}

static void check_replaced(bool succeeded)
{
    const char *now = content(at("f"));
    if (succeeded || strcmp(now, "old") != 0) assert_string_equal(now, "new content");
    assert_int_equal(stray_names(), 0);
    put_file(at("f"), "old");
}

static Err *replace_unsynced(void)
{
    return os_replace_unsynced(at("f"), "new content", 11);
}

static Err *copy(void)
{
    int64_t size;
    char hex[65];
    return os_copy_file(at("from"), at("to"), NULL, NULL, &size, hex);
}

static void check_copied(bool succeeded)
{
    assert_string_equal(content(at("to")), succeeded ? "source" : "(missing)");
    OK(os_unlink_if(at("to")));
}

static void test_sweep_replace(void **state)
{
    (void)state;
    put_file(at("f"), "old");
    assert_int_equal(sweep("eio", replace, check_replaced), 6);
    assert_int_equal(sweep("enospc", replace, check_replaced),
                     5); /* opening the directory takes no space */
    assert_int_equal(sweep("short", replace, check_replaced), 1);
}

static void test_sweep_replace_unsynced(void **state)
{
    (void)state;
    put_file(at("f"), "old");
    assert_int_equal(sweep("eio", replace_unsynced, check_replaced), 3); /* open, write, rename */
    assert_int_equal(sweep("enospc", replace_unsynced, check_replaced), 3);
    assert_int_equal(sweep("short", replace_unsynced, check_replaced), 1);
}

static void test_sweep_copy(void **state)
{
    (void)state;
    put_file(at("from"), "source");
    assert_int_equal(sweep("eio", copy, check_copied), 5); /* open, open, read, write, read */
    assert_int_equal(sweep("enospc", copy, check_copied), 2);
    assert_int_equal(sweep("short", copy, check_copied), 1);
}

/* ---- crash ---- */

static void replace_in_child(void *plan)
{
    if (os_fault_set(plan) != NULL) _exit(3);
    if (replace() != NULL) _exit(4);
    if (printf("unflushed output is lost, as in a kill") < 0) _exit(5);
}

static void test_crash_at_every_call(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 7; nth++) {
        char plan[64];
        (void)snprintf(plan, sizeof plan, "%s", plan_of("crash", nth));
        put_file(at("f"), "old");
        assert_int_equal(in_child(replace_in_child, plan), nth <= 6 ? 137 : 0);
        /* open, write, sync, rename | open, sync: the fourth is not made, the fifth finds it done
         */
        assert_string_equal(content(at("f")), nth <= 4 ? "old" : "new content");
    }
}

/* ---- the environment ---- */

static char self[PATH_MAX];

static int run_with_plan(const char *plan)
{
    char command[3 * PATH_MAX];
    (void)snprintf(command, sizeof command, "POND_FAULT='%s' '%s' replace '%s' 2>'%s' >/dev/null",
                   plan, self, at("f"), at("stderr"));
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_plan_from_the_environment(void **state)
{
    (void)state;
    assert_int_equal(run_with_plan("op=rename,do=crash"), 137);
    assert_string_equal(content(at("f")), "(missing)");
    assert_int_equal(run_with_plan("op=rename,do=eio"), 1);
    assert_int_equal(run_with_plan("op=rename,do=eios"), 2);
    assert_non_null(strstr(content(at("stderr")), "POND_FAULT=op=rename,do=eios: do is eio"));
    assert_string_equal(content(at("f")), "(missing)");
    assert_int_equal(run_with_plan(""), 0);
    assert_string_equal(content(at("f")), "x");
}

static void test_a_report_tells_of_every_matching_call(void **state)
{
    (void)state;
    assert_int_equal(setenv("POND_FAULT_REPORT", at("report"), 1), 0);
    assert_int_equal(run_with_plan("nth=0,do=enospc"), 0);
    assert_string_equal(content(at("report")),
                        "1 ours out open\n2 ours out write\n3 ours out sync\n"
                        "4 ours out rename\n5 ours out sync\n");
    assert_int_equal(run_with_plan("nth=2,do=crash"),
                     137); /* made anew; the call that crashes too */
    assert_string_equal(content(at("report")), "1 ours out open\n2 ours out write\n");
    assert_int_equal(setenv("POND_FAULT_REPORT", at("missing/report"), 1), 0);
    assert_int_equal(run_with_plan("nth=0,do=eio"), 2);
    assert_non_null(strstr(content(at("stderr")), "POND_FAULT_REPORT="));
    assert_int_equal(unsetenv("POND_FAULT_REPORT"), 0);
}

/* Each of them works, and none takes less than it should. */
static void test_slow_calls_take_their_time(void **state)
{
    (void)state;
    SCRATCH(scratch);
    char *text = NULL;
    size_t size = 0;
    OK(os_replace_file(at("f"), "abc", 3));
    OK(os_fault_set("op=read,nth=2,do=slow"));
    int64_t began_us = os_monotonic_us();
    for (int i = 0; i < 3; i++) OK(os_read_file(scratch, at("f"), 10, &text, &size));
    assert_int_equal(size, 3);
    assert_true(os_fault_seen() >= 3);
    assert_true(os_monotonic_us() - began_us >= (int64_t)(os_fault_seen() - 1) * 10 * 1000);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "replace") == 0) { /* run by test_plan_from_the_environment */
        char dir[PATH_MAX];
        (void)snprintf(dir, sizeof dir, "%s", argv[2]);
        os_class_add(dirname(dir), OS_OUT);
        Err *err = os_replace_file(argv[2], "x", 1);
        return err == NULL ? 0 : 1;
    }
    if (realpath(argv[0], self) == NULL) return 1;
#define FAULTY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FAULTY(test_slow_calls_take_their_time),
        FAULTY(test_plans_that_do_not_parse),
        FAULTY(test_eio_fails_one_call),
        FAULTY(test_enospc_fails_from_then_on),
        FAULTY(test_short_writes_half),
        FAULTY(test_filters),
        FAULTY(test_every_operation_can_fail),
        FAULTY(test_sweep_replace),
        FAULTY(test_sweep_replace_unsynced),
        FAULTY(test_sweep_copy),
        FAULTY(test_crash_at_every_call),
        FAULTY(test_plan_from_the_environment),
        FAULTY(test_a_report_tells_of_every_matching_call),
    };
    return RUN("os: faults", tests);
}
