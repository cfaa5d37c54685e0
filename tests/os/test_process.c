/* Clock, randomness, host and user against the system's own programs, and signals in children. */
#include "os_test.h"
#include <pthread.h>
#include <signal.h>
#include <time.h>

static TimeUs noon(void *context)
{
    return *(TimeUs *)context;
}

static void test_clock(void **state)
{
    (void)state;
    TimeUs fixed = 1720000000 * US_PER_SECOND, now = os_now();
    assert_true(now / US_PER_SECOND - time(NULL) <= 1 && time(NULL) - now / US_PER_SECOND <= 1);
    os_clock_set(noon, &fixed);
    assert_int_equal(os_now(), fixed);
    fixed += 5;
    assert_int_equal(os_now(), fixed);
    os_clock_set(NULL, NULL);
    assert_true(os_now() >= now);
    int64_t before = os_monotonic_us();
    (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    assert_true(os_monotonic_us() >= before + 2000);
}

static void test_random(void **state)
{
    (void)state;
    uint64_t a[4] = {0}, b[4] = {0};
    static unsigned char many[1 << 20];
    int ones = 0;
    os_random(a, sizeof a);
    os_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    os_random(many, sizeof many);
    for (size_t i = 0; i < sizeof many; i++) ones += __builtin_popcount(many[i]);
    assert_in_range(ones, 4 * sizeof many - 20000,
                    4 * sizeof many + 20000); /* 13 standard deviations */
}

static const char *first_line_of(const char *command)
{
    static char line[300];
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_non_null(fgets(line, sizeof line, output));
    line[strcspn(line, "\n")] = '\0';
    (void)pclose(output);
    return line;
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(os_hostname(), first_line_of("uname -n"));
    assert_string_equal(os_username(), first_line_of("id -un"));
}

/* What a replayed process sees is the same, and takes as many digits, on every machine. */
static void test_replay(void **state)
{
    (void)state;
    uint64_t a[2], b[2];
    TimeUs fixed = 1720000000 * US_PER_SECOND;
    OsStat plain, replayed, after;
    OK(os_stat(".", &plain));
    assert_int_equal(plain.inode, strtoull(first_line_of("stat -c %i ."), NULL, 10));
    os_clock_set(noon, &fixed);
    os_replay_begin((OsReplay){.seed = 7});
    os_random(a, sizeof a);
    os_replay_begin((OsReplay){.seed = 7});
    os_random(b, sizeof b);
    assert_memory_equal(a, b, sizeof a);
    OK(os_stat(".", &replayed));
    assert_int_equal(replayed.mtime_ns, fixed * 1000);
    assert_int_equal(replayed.inode % 1000000000000000, plain.inode);
    assert_int_equal(replayed.inode / 1000000000000000, 1);
    os_replay_end();
    os_clock_set(NULL, NULL);
    OK(os_stat(".", &after));
    assert_int_equal(after.inode, plain.inode);
}

/* ---- signals: each in a child, whose exit status tells ---- */

static volatile sig_atomic_t called;

static void on_interrupt(void)
{
    called++;
}

static void one_signal(void *argument)
{
    int number = *(int *)argument;
    if (os_interrupted()) _exit(1);
    os_signals_install(on_interrupt);
    OK(os_check_interrupt());
    (void)raise(number);
    if (!os_interrupted() || called != 1) _exit(2);
    Err *err = os_check_interrupt();
    if (err == NULL || err_code(err) != ERR_INTERRUPTED) _exit(3);
    err_free(err);
    _exit(42);
}

static void two_signals(void *argument)
{
    os_signals_install(NULL);
    (void)raise(*(int *)argument);
    (void)raise(SIGINT);
    _exit(1);
}

static void test_signals(void **state)
{
    (void)state;
    int numbers[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(in_child(one_signal, &numbers[i]), 42);
        assert_int_equal(in_child(two_signals, &numbers[i]), 130);
    }
}

static void write_to_closed_pipe(void *argument)
{
    (void)argument;
    int fds[2];
    os_signals_install(NULL);
    assert_int_equal(pipe(fds), 0);
    (void)close(fds[0]);
    _exit(write(fds[1], "x", 1) < 0 && errno == EPIPE ? 42 : 1);
}

static void test_closed_pipe_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(in_child(write_to_closed_pipe, NULL), 42);
}

static pthread_t reader;

/* After a while, when the read waits. */
static void *interrupt_reader(void *argument)
{
    (void)argument;
    (void)nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    (void)pthread_kill(reader, SIGINT);
    return NULL;
}

static void read_from_pipe(void *argument)
{
    pthread_t thread;
    char byte;
    size_t got;
    OsFile *file;
    (void)argument;
    (void)alarm(60);
    os_signals_install(NULL);
    reader = pthread_self();
    assert_true(openat(AT_FDCWD, at("pipe"), O_RDWR) >= 0); /* a writer that says nothing */
    OK(os_open_read(at("pipe"), &file));
    assert_int_equal(pthread_create(&thread, NULL, interrupt_reader, NULL), 0);
    FAILS(os_read(file, &byte, 1, &got), INTERRUPTED);
    (void)pthread_join(thread, NULL);
    OK(os_close(file));
    _exit(42);
}

static void test_waiting_read_is_interrupted(void **state)
{
    (void)state;
    assert_int_equal(mkfifoat(AT_FDCWD, at("pipe"), 0600), 0);
    assert_int_equal(in_child(read_from_pipe, NULL), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_clock),
        TEST(test_random),
        TEST(test_names),
        TEST(test_replay),
        TEST(test_signals),
        TEST(test_closed_pipe_is_an_error),
        TEST(test_waiting_read_is_interrupted),
    };
    return RUN("os: process", tests);
}
