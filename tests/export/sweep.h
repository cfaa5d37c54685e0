/* A sweep: a body runs in a child process with the n-th file call failing, for n = 1, 2, ... until
 * the body passes the last. After each the export must be the old one or the new one, once what
 * stands in OUT/.pond has been completed. */
#pragma once
#include "export_test.h"

typedef struct Sweep {
    const char *plan; /* without nth */
    Err *(*body)(void *context);
    void *context;
    const char *old, *new;       /* tree_of before and after */
    const char *saved;           /* a copy of fx.out as before; NULL: absent */
    uint64_t first, step, count; /* 0: 1, 1, all */
} Sweep;

enum { CHILD_DONE = 0, CHILD_FAILED = 1, CHILD_DIED = 137, CHILD_PASSED = 2 };

static inline void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void shell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *command = arena_vprintf(fx.arena, format, args);
    va_end(args);
    if (system(command) != 0) fail_msg("%s", command);
}

static inline void sweep_reset(const Sweep *sweep)
{
    shell("rm -rf '%s' '%s'/*", fx.out, fx.scratch);
    if (sweep->saved != NULL) shell("cp -a '%s' '%s'", sweep->saved, fx.out);
}

static inline void register_classes(void)
{
    OutDir names;
    OK(outdir_names(fx.arena, fx.out, &names));
    os_class_add(names.dir, OS_OUT);
    os_class_add(names.staging_dir, OS_STAGING);
    os_class_add(under(names.private_dir, "lock"), OS_LOCK);
    os_class_add(fx.scratch, OS_STAGING);
}

static inline int sweep_child(const Sweep *sweep, uint64_t nth)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        log_set_level(LOG_QUIET);
        if (os_fault_set(arena_printf(fx.arena, "%s,nth=%" PRIu64, sweep->plan, nth)) != NULL)
            _exit(99);
        Err *err = sweep->body(sweep->context);
        if (os_fault_seen() < nth) _exit(err == NULL ? CHILD_PASSED : 98);
        if (err != NULL && err_code(err) == ERR_INTERNAL) _exit(97);
        _exit(err == NULL ? CHILD_DONE : CHILD_FAILED);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline void sweep_check(const Sweep *sweep, uint64_t nth, int how)
{
    const char *seen = tree_of(fx.out);
    bool completed;
    if (access(under(fx.out, ".pond"), F_OK) == 0) OK(export_recover(fx.out, 0, &completed));
    const char *recovered = tree_of(fx.out);
    bool is_old = strcmp(recovered, sweep->old) == 0, is_new = strcmp(recovered, sweep->new) == 0;
    if ((!is_old && !is_new) || (how == CHILD_DONE && !is_new))
        fail_msg("%s, call %" PRIu64
                 ", ended with %d: neither old nor new:\n%s--- before recovery:\n%s",
                 sweep->plan, nth, how, recovered, seen);
    OK(sweep->body(sweep->context));
    assert_string_equal(tree_of(fx.out), sweep->new);
    assert_string_equal(names_of(under(fx.out, ".pond")), "lock\nmanifest\n");
}

/* Returns the number of calls it took. */
static inline uint64_t sweep_run(const Sweep *sweep)
{
    uint64_t first = sweep->first > 0 ? sweep->first : 1, step = sweep->step > 0 ? sweep->step : 1;
    uint64_t most = sweep->count > 0 ? sweep->count : 100000;
    for (uint64_t n = 0; n < most; n++) {
        uint64_t nth = first + n * step;
        sweep_reset(sweep);
        register_classes();
        int how = sweep_child(sweep, nth);
        if (how == CHILD_PASSED) {
            assert_string_equal(tree_of(fx.out), sweep->new);
            return nth - 1;
        }
        if (how != CHILD_DONE && how != CHILD_FAILED && how != CHILD_DIED)
            fail_msg("%s, call %" PRIu64 ": %d", sweep->plan, nth, how);
        sweep_check(sweep, nth, how);
    }
    return first + most * step;
}
