/* What runs did, compared: work adds up over processes, what a toggle is worth, and which toggles
 * or operation a difference is due to. The commands are shell lines that give made-up accounts, so
 * that each number here follows from what the line says. */
#include "bench/bisect.h"
#include "bench/worth.h"
#include "os/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static Arena *arena;

/* say NAME=COUNT[/KEYS]...: one account; off TOGGLE: whether it is off. */
static const char FAKE[] =
    "say() {\n"
    "  ops=\n"
    "  for op in \"$@\"; do\n"
    "    count=${op#*=} keys=${op#*/}\n"
    "    [ \"$keys\" = \"$op\" ] && keys=0\n"
    "    ops=\"$ops${ops:+,}{\\\"name\\\":\\\"${op%%=*}\\\",\\\"count\\\":${count%/*},"
    "\\\"keys\\\":$keys,\\\"total_ms\\\":${count%/*}.5}\"\n"
    "  done\n"
    "  printf '{\"stats\":{\"ops\":[%s]}}\\n' \"$ops\" >>\"$POND_STATS\"\n"
    "}\n"
    "off() { case ,$POND_TOGGLES, in *,$1=off,*) true ;; *) false ;; esac }\n";

static void succeed(Err *err, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s\n", line, err_message(err));
    err_free(err);
    fail();
}
#define OK(call) succeed((call), __LINE__)

static int begin(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    (void)snprintf(dir, sizeof dir, "%.30s/pond-bench-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    arena = arena_new();
    if (mkdtemp(dir) == NULL) return -1;
    OK(os_replace_file(arena_printf(arena, "%s/fake", dir), FAKE, sizeof FAKE - 1));
    return 0;
}

static int end(void **state)
{
    (void)state;
    err_free(os_remove_tree(dir));
    arena_free(arena);
    return 0;
}

static char *line_of(const char *text)
{
    return arena_printf(arena, ". %s/fake; %s", dir, text);
}

/* ---- work ---- */

static Err *work_of(const char *text, BenchWork *out)
{
    BenchWorkSpec spec = {.command = line_of(text), .toggles = "", .scratch_dir = dir};
    return bench_work_run(arena, &spec, out);
}

static void work_adds_up_over_processes(void **state)
{
    BenchWork one, other;
    (void)state;
    OK(work_of("say dir_read=3 lookup=2 os_open=9; say dir_read=4; mkdir {out}; echo x >{out}/f",
               &one));
    assert_int_equal(bench_work_count(&one, "op.dir_read"), 7);
    assert_int_equal(bench_work_count(&one, "op.lookup"), 2);
    assert_int_equal(bench_work_count(&one, "op.os_open"), 0); /* of all classes: not the same */
    assert_int_equal(bench_work_count(&one, "op.merge"), 0);
    assert_true(bench_work_time_ms(&one, "dir_read") == 8); /* 3.5 + 4.5 */
    assert_true(bench_work_time_ms(&one, "merge") == 0);
    OK(work_of("say dir_read=1; mkdir {out}; echo x >{out}/f", &other));
    assert_string_equal(one.outcome, other.outcome);
    OK(work_of("say dir_read=1; mkdir {out}; echo y >{out}/f", &other));
    assert_string_not_equal(one.outcome, other.outcome);
    OK(work_of("say dir_read=1; mkdir {out}; echo x >{out}/f; echo z", &other));
    assert_string_not_equal(one.outcome, other.outcome);
}

static void is_invalid(Err *err, const char *message, const char *hint)
{
    assert_non_null(err);
    assert_int_equal(err_code(err), ERR_INVALID);
    if (strstr(err_message(err), message) == NULL) fail_msg("%s", err_message(err));
    if (hint != NULL) assert_non_null(strstr(err_hint_text(err), hint));
    err_free(err);
}

static void work_that_cannot_be_told(void **state)
{
    BenchWork work;
    OsEntry *left = NULL;
    size_t count = 0;
    (void)state;
    is_invalid(work_of("echo why >&2; exit 3", &work), "exited with 3", "why");
    is_invalid(work_of("kill -TERM $$", &work), "was ended by signal 15", NULL);
    is_invalid(work_of("true", &work), "tells what it does", "POND_TRACE");
    Err *err = work_of("echo '{\"stats\":[' >>\"$POND_STATS\"", &work);
    assert_non_null(err);
    err_free(err);
    OK(os_list(arena, dir, &left, &count));
    assert_int_equal(count, 1); /* only fake */
}

/* ---- what a toggle is worth ---- */

static void worth_of_toggles(void **state)
{
    static const Toggle TOGGLES[] = {TOGGLE_dir_memo, TOGGLE_name_memo, TOGGLE_filter_pushdown};
    Worth worths[3];
    (void)state;
    const char *line = line_of(
        "n=10 b=23; off dir_memo && n=40; off filter_pushdown && b=900 && echo other; "
        "say dir_read=$n lookup=5; "
        "printf '{\"stats\":{\"io\":[{\"class\":\"blob\",\"origin\":\"pond\",\"op\":\"read\","
        "\"calls\":1,\"bytes\":100},{\"class\":\"blob\",\"origin\":\"engine\",\"op\":\"read\","
        "\"calls\":1,\"bytes\":%s}]}}\\n' $b >>\"$POND_STATS\"");
    WorthSpec spec = {.command = line, .scratch_dir = dir, .work_only = true};
    OK(worth_measure(arena, &spec, TOGGLES, 3, worths));
    assert_int_equal(worths[0].kind, WORTH_WORK);
    assert_int_equal(worths[0].on, 10);
    assert_int_equal(worths[0].off, 40);
    assert_true(worths[0].same_output && !worths[0].is_timed);
    assert_int_equal(worths[1].kind, WORTH_NOTHING);
    assert_int_equal(worths[1].on, 5);
    assert_int_equal(worths[1].off, 5);
    assert_int_equal(worths[2].kind, WORTH_WORK);
    assert_int_equal(worths[2].on, 123); /* whoever made the calls */
    assert_int_equal(worths[2].off, 1000);
    assert_false(worths[2].same_output);
}

/* ---- bisect ---- */

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static BisectResult bisected(const char *a, const char *b, const char *off, const char *by)
{
    BisectResult result;
    BisectSpec spec = {.a = line_of(a),
                       .b = b != NULL ? line_of(b) : NULL,
                       .off = off,
                       .by = by,
                       .scratch_dir = dir};
    OK(bisect(arena, &spec, &result));
    return result;
}

static const char TWO[] = "d=10 l=10; off dir_memo && d=40; off name_memo && l=20; "
                          "say dir_read=$d lookup=$l";

static void of_a_set_those_that_matter(void **state)
{
    const double d = log(41.0 / 11), l = log(21.0 / 11);
    (void)state;
    BisectResult r = bisected(TWO, NULL, "pattern_memo,name_memo,dir_memo", NULL);
    assert_int_equal(r.by, BISECT_WORK);
    assert_int_equal(r.toggle_count, 2);
    assert_int_equal(r.toggles[0].toggle, TOGGLE_dir_memo); /* most first */
    assert_true(is_near(r.toggles[0].share, d / (d + l)));
    assert_string_equal(r.toggles[0].counter, "op.dir_read");
    assert_int_equal(r.toggles[0].on, 10);
    assert_int_equal(r.toggles[0].off, 40);
    assert_int_equal(r.toggles[1].toggle, TOGGLE_name_memo);
    assert_true(is_near(r.toggles[1].share, l / (d + l)));
    assert_true(is_near(r.explained, 1));
    assert_true(r.same_output);
    assert_int_equal(bisected(TWO, NULL, "pattern_memo", NULL).by, BISECT_NOTHING);
    r = bisected(TWO, NULL, "name_memo,dir_memo", "op.lookup");
    assert_int_equal(r.toggle_count, 1);
    assert_int_equal(r.toggles[0].toggle, TOGGLE_name_memo);
    assert_int_equal(r.counter_count, 1);
}

/* Neither does anything alone: both are behind it. */
static void toggles_that_only_matter_together(void **state)
{
    (void)state;
    BisectResult r = bisected("d=10; off dir_memo && off name_memo && d=99; say dir_read=$d", NULL,
                              "dir_memo,name_memo,pattern_memo", NULL);
    assert_int_equal(r.toggle_count, 2);
    assert_true(is_near(r.explained, 1));
    for (size_t i = 0; i < 2; i++) {
        assert_int_not_equal(r.toggles[i].toggle, TOGGLE_pattern_memo);
        assert_true(is_near(r.toggles[i].share, 1));
    }
}

static void a_command_as_if_toggles_were_off(void **state)
{
    (void)state;
    BisectResult r =
        bisected(TWO, "say dir_read=40 lookup=20", "pattern_memo,name_memo,dir_memo", NULL);
    assert_int_equal(r.toggle_count, 2);
    assert_int_equal(r.toggles[0].toggle, TOGGLE_dir_memo);
    assert_int_equal(r.toggles[1].toggle, TOGGLE_name_memo);
    assert_true(is_near(r.explained, 1));
    r = bisected(TWO, "say dir_read=40 lookup=10 merge=1", "dir_memo", NULL);
    const double d = log(41.0 / 11), m = log(2.0);
    assert_int_equal(r.toggle_count, 1);
    assert_true(is_near(r.explained, d / (d + m)));
}

/* What is not the same twice does not count, and is told. */
static void counters_that_vary_are_set_aside(void **state)
{
    (void)state;
    OK(os_replace_file(arena_printf(arena, "%s/n", dir), "1\n", 2));
    char *a = arena_printf(
        arena, "read -r n <%s/n; echo $((n + 1)) >%s/n; say dir_read=$n lookup=5", dir, dir);
    BisectResult r = bisected(a, "say dir_read=7 lookup=9", "pattern_memo", NULL);
    assert_int_equal(r.unsteady, 1);
    assert_int_equal(r.counter_count, 1);
    assert_string_equal(r.counters[0].name, "op.lookup");
    assert_int_equal(r.counters[0].a, 5);
    assert_int_equal(r.counters[0].b, 9);
    assert_int_equal(r.toggle_count, 0);
    assert_string_equal(r.operation, "lookup");
}

/* Twice as many for the same keys speaks louder than twice as many for twice the keys. */
static void asking_again_names_the_operation(void **state)
{
    (void)state;
    BisectResult r = bisected("say dir_read=100/100 lookup=10/10",
                              "say dir_read=210/210 lookup=20/10", "pattern_memo", NULL);
    assert_string_equal(r.operation, "lookup");
    assert_true(r.operation_a == 10 && r.operation_b == 20);
}

static void unknown_toggles_are_named(void **state)
{
    BisectResult result;
    (void)state;
    BisectSpec spec = {.a = "true", .off = "dir_memo,nam_memo", .scratch_dir = dir};
    Err *err = bisect(arena, &spec, &result);
    assert_non_null(err);
    assert_int_equal(err_code(err), ERR_USAGE);
    assert_non_null(strstr(err_message(err), "nam_memo"));
    err_free(err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(work_adds_up_over_processes),
        TEST(work_that_cannot_be_told),
        TEST(worth_of_toggles),
        TEST(of_a_set_those_that_matter),
        TEST(toggles_that_only_matter_together),
        TEST(a_command_as_if_toggles_were_off),
        TEST(counters_that_vary_are_set_aside),
        TEST(asking_again_names_the_operation),
        TEST(unknown_toggles_are_named),
    };
    return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
