/* Locks between processes: one holder at a time, whose note others read, and never the note of one
 * that ended. */
#include "os_test.h"
#include <signal.h>
#include <sys/file.h>
#include <time.h>

static void wait_ms(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* A child that takes the lock, says so through the pipe, and holds it until killed or for so long.
 */
static pid_t hold(const char *note, long ms)
{
    int pipe_fds[2];
    char ready;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0) {
        Arena *arena = arena_new();
        OsLock *lock = NULL;
        err_free(os_lock(arena, at("lock"), note, 0, &lock, NULL));
        (void)!write(pipe_fds[1], lock != NULL ? "+" : "-", 1);
        wait_ms(ms);
        os_unlock_at(&lock);
        _exit(0);
    }
    assert_int_equal(read(pipe_fds[0], &ready, 1), 1);
    assert_int_equal(ready, '+');
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    return child;
}

static void end(pid_t child, int signal_number)
{
    if (signal_number != 0) assert_int_equal(kill(child, signal_number), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_take_and_give_back(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsLock *lock = NULL;
    const char *holder = "untouched";
    OK(os_lock(arena, at("lock"), "first", 0, &lock, &holder));
    assert_non_null(lock);
    assert_string_equal(holder, "untouched");
    assert_string_equal(content(at("lock")), "first");
    os_unlock_at(&lock);
    assert_null(lock);
    assert_string_equal(content(at("lock")), "");
    os_unlock_at(&lock); /* NULL is fine */
    OK(os_lock(arena, at("lock"), "2", 0, &lock, NULL));
    assert_string_equal(content(at("lock")), "2");
    os_unlock_at(&lock);
    FAILS_ERRNO(os_lock(arena, at("no/lock"), "x", 0, &lock, NULL), ENOENT);
}

static void test_one_process_cannot_hold_it_twice(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsLock *first = NULL, *second = NULL;
    const char *holder = NULL;
    OK(os_lock(arena, at("lock"), "first", 0, &first, NULL));
    OK(os_lock(arena, at("lock"), "second", 0, &second, &holder));
    assert_null(second);
    assert_string_equal(holder, "first");
    assert_string_equal(content(at("lock")), "first");
    os_unlock_at(&first);
}

static void test_the_holder_is_named(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsLock *lock = NULL;
    const char *holder = NULL;
    put_file(at("lock"), "a much longer note of one that ended long ago");
    pid_t child = hold("pid 7, pond copy, since noon", 60000);
    OK(os_lock(arena, at("lock"), "me", 0, &lock, &holder));
    assert_null(lock);
    assert_string_equal(holder, "pid 7, pond copy, since noon");
    OK(os_lock(arena, at("lock"), "me", 50, &lock, NULL));
    assert_null(lock);
    end(child, SIGKILL);
}

static void test_a_killed_holder_holds_nothing(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsLock *lock = NULL;
    pid_t child = hold("the dead", 60000);
    end(child, SIGKILL);
    assert_string_equal(content(at("lock")), "the dead"); /* the text is still there */
    OK(os_lock(arena, at("lock"), "me", 0, &lock, NULL));
    assert_non_null(lock);
    assert_string_equal(content(at("lock")), "me");
    os_unlock_at(&lock);
}

/* The moment in which the next holder has the lock, but the text is still that of one that was
 * killed. */
static void test_a_dead_holders_note_is_not_believed(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsLock *lock = NULL;
    const char *holder = NULL;
    put_file(at("lock"), "the dead");
    int fd = openat(AT_FDCWD, at("lock"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    OK(os_lock(arena, at("lock"), "me", 0, &lock, &holder));
    assert_null(lock);
    assert_string_equal(holder, "");
    (void)close(fd);
}

static void test_waiting(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsLock *lock = NULL;
    int64_t began = os_monotonic_us();
    pid_t child = hold("short", 300);
    OK(os_lock(arena, at("lock"), "me", 20000, &lock, NULL));
    assert_non_null(lock);
    assert_true(os_monotonic_us() - began >= 290 * 1000);
    assert_string_equal(content(at("lock")), "me");
    os_unlock_at(&lock);
    end(child, 0);
}

static void wait_for_lock(void *argument)
{
    (void)argument;
    SCRATCH(arena);
    OsLock *lock;
    os_signals_install(NULL);
    Err *err = os_lock(arena, at("lock"), "me", 20000, &lock, NULL);
    _exit(err != NULL && err_code(err) == ERR_INTERRUPTED ? 42 : 1);
}

static void test_waiting_can_be_interrupted(void **state)
{
    (void)state;
    pid_t holder = hold("long", 60000);
    pid_t child = fork();
    if (child == 0) wait_for_lock(NULL);
    wait_ms(200);
    assert_int_equal(kill(child, SIGINT), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 42);
    end(holder, SIGKILL);
}

enum { PROCESSES = 4, ROUNDS = 50 };

/* Reads, waits a little and writes a number: only the lock keeps this from losing counts. */
static void count_under_lock(void)
{
    SCRATCH(arena);
    for (int i = 0; i < ROUNDS; i++) {
        CLEANUP(os_unlock_at) OsLock *lock = NULL;
        char text[32];
        OK(os_lock(arena, at("lock"), "counting", 60000, &lock, NULL));
        assert_non_null(lock);
        int number = atoi(content(at("number")));
        (void)snprintf(text, sizeof text, "%d", number + 1);
        put_file(at("number"), text);
    }
}

static void count_in_child(void *argument)
{
    (void)argument;
    count_under_lock();
}

static void test_mutual_exclusion(void **state)
{
    (void)state;
    pid_t children[PROCESSES];
    put_file(at("number"), "0");
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
            count_in_child(NULL);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(atoi(content(at("number"))), PROCESSES * ROUNDS);
}

/* Who wins the lock of a file that has lost its name meanwhile would guard nothing. */
static void test_a_removed_file_is_made_anew(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsLock *old = NULL, *new = NULL;
    const char *holder = NULL;
    OK(os_lock(arena, at("lock"), "old", 0, &old, NULL));
    OK(os_unlink(at("lock")));
    OK(os_lock(arena, at("lock"), "new", 0, &new, NULL));
    assert_non_null(new);
    assert_string_equal(content(at("lock")), "new");
    os_unlock_at(&old);
    assert_string_equal(content(at("lock")), "new"); /* it emptied its own */
    OK(os_lock(arena, at("lock"), "third", 0, &old, &holder));
    assert_null(old);
    assert_string_equal(holder, "new");
    os_unlock_at(&new);
}

/* A full disk: no lock without its note, and the next one gets it. */
static void test_faults(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsLock *lock = NULL;
    os_class_add(at("lock"), OS_LOCK);
    for (int nth = 1; nth <= 3; nth++) {
        char plan[64];
        (void)snprintf(plan, sizeof plan, "class=lock,origin=ours,nth=%d,do=enospc", nth);
        OK(os_fault_set(plan));
        FAILS_ERRNO(os_lock(arena, at("lock"), "note", 0, &lock, NULL),
                    ENOSPC); /* open, truncate, write */
        assert_null(lock);
        OK(os_fault_set(NULL));
    }
    OK(os_lock(arena, at("lock"), "note", 0, &lock, NULL));
    assert_non_null(lock);
    os_unlock_at(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_take_and_give_back),
        TEST(test_one_process_cannot_hold_it_twice),
        TEST(test_the_holder_is_named),
        TEST(test_a_killed_holder_holds_nothing),
        TEST(test_a_dead_holders_note_is_not_believed),
        TEST(test_waiting),
        TEST(test_waiting_can_be_interrupted),
        TEST(test_mutual_exclusion),
        TEST(test_a_removed_file_is_made_anew),
        TEST(test_faults),
    };
    return RUN("os: locks", tests);
}
