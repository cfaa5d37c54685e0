/* Messages: which level shows what, one printable line each, and the hook. stderr is a pipe
 * meanwhile. */
#include "help.h"
#include <unistd.h>

static char captured[4096];
static char hooked[1024];

static void capture(void (*body)(void))
{
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    (void)fflush(stderr);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    body();
    (void)fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(ends[1]);
    close(kept);
    ssize_t n = read(ends[0], captured, sizeof captured - 1);
    captured[n > 0 ? n : 0] = '\0';
    close(ends[0]);
}

static void on_warning(LogLevel level, const char *message, void *context)
{
    assert_int_equal(level, LOG_NORMAL);
    assert_ptr_equal(context, hooked);
    (void)snprintf(hooked + strlen(hooked), sizeof hooked - strlen(hooked), "<%s>", message);
}

static void all_three(void)
{
    log_warn("w %d", 1);
    log_note("n %s", "2");
    log_debug("d");
}

static void test_levels(void **state)
{
    (void)state;
    assert_int_equal(log_level(), LOG_NORMAL);
    capture(all_three);
    assert_string_equal(captured, "pond: warning: w 1\npond: n 2\n");
    log_set_level(LOG_VERBOSE);
    capture(all_three);
    assert_string_equal(captured, "pond: warning: w 1\npond: n 2\npond: debug: d\n");
    log_set_level(LOG_QUIET);
    capture(all_three);
    assert_string_equal(captured, "");
    log_set_level(LOG_NORMAL);
}

static void test_hook(void **state)
{
    (void)state;
    log_set_hook(on_warning, hooked);
    log_set_level(LOG_QUIET);
    capture(all_three);
    log_set_level(LOG_NORMAL);
    log_set_hook(NULL, NULL);
    capture(all_three);
    assert_string_equal(hooked, "<w 1>");
}

static void nasty(void)
{
    log_warn("file %s", "a\nb\x1b[2J\xff");
}

static void test_one_printable_line(void **state)
{
    (void)state;
    capture(nasty);
    assert_string_equal(captured, "pond: warning: file a\\nb\\x1b[2J\\xff\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_hook),
        cmocka_unit_test(test_one_printable_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
