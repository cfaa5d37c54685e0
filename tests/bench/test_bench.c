/* What scenarios, scales, steps and baselines mean: by hand. The commands themselves run in
 * tests/cli/scenarios.bats. */
#include "bench/bench.h"
#include "os/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void is_error(Err *err, ErrCode code)
{
    assert_non_null(err);
    assert_int_equal(err_code(err), code);
    err_free(err);
}

static void scales(void **state)
{
    static const char *const WRONG[] = {"",   "0",   "-1",    "1/0", "1/",
                                        "/2", "1.5", "1/2/3", "2x",  "1000001"};
    SCRATCH(arena);
    BenchScale scale = {7, 7};
    (void)state;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        is_error(bench_scale_parse(WRONG[i], &scale), ERR_USAGE);
    assert_int_equal(scale.times, 7); /* untouched */
    assert_null(bench_scale_parse("3/40", &scale));
    assert_int_equal(scale.times, 3);
    assert_int_equal(scale.by, 40);
    assert_string_equal(bench_scale_format(arena, scale), "3/40");
    assert_null(bench_scale_parse("12", &scale));
    assert_string_equal(bench_scale_format(arena, scale), "12");
}

static void words(void **state)
{
    static const BenchCommand COMMAND = {.name = "x", .words = "export -p /a/* -d {out} --dry-run"};
    SCRATCH(arena);
    size_t count = 0;
    const char **out = bench_words(arena, &COMMAND, "there", &count);
    (void)state;
    assert_int_equal(count, 6);
    assert_string_equal(out[0], "export");
    assert_string_equal(out[4], "there");
    assert_string_equal(out[5], "--dry-run");
    assert_null(out[6]);
}

static void names_are_known(void **state)
{
    const BenchScenario *scenario = NULL;
    (void)state;
    assert_null(bench_scenario_get("noyo-sql", &scenario));
    assert_string_equal(scenario->name, "noyo-sql");
    is_error(bench_scenario_get("noyo_sql", &scenario), ERR_NOT_FOUND);
}

static void steps(void **state)
{
    (void)state;
    assert_int_equal(bench_steps(""), 0);
    assert_int_equal(bench_steps("    make\n"), 0);
    assert_int_equal(bench_steps("pond export\n    pond export -p x"), 1);
    assert_int_equal(
        bench_steps("    cat >f <<EOF\n    pond export\n    x\n    EOF\n    pond list\n"
                    "\n    pond export -p x\n    pond fsck\n"),
        3);
    assert_int_equal(bench_steps("    cat <<-'E' >f\n    EE\n    E\n    pond export\n"), 2);
}

/* ---- baselines ---- */

static char *folder(Arena *arena)
{
    const char *root = getenv("TMPDIR");
    uint64_t random;
    os_random(&random, sizeof random);
    char *dir = arena_printf(arena, "%s/pond-test-%016llx", root != NULL ? root : "/tmp",
                             (unsigned long long)random);
    assert_null(os_mkdir(dir));
    return dir;
}

static BenchResult result_of(BenchCounter *counters, size_t count)
{
    BenchResult result = {.counters = counters, .count = count};
    memset(result.root, 'a', sizeof result.root - 1);
    return result;
}

/* Whether `now` after `was` is worse (1), better (-1), or the same (0). */
static int judged(Arena *arena, const char *dir, const BenchRun *run, const char *counter,
                  int64_t was, int64_t now)
{
    BenchCounter before = {"list", counter, was}, after = {"list", counter, now};
    BenchResult old = result_of(&before, 1), new = result_of(&after, 1);
    BenchComparison comparison;
    assert_null(bench_baseline_write(arena, dir, run, &old));
    assert_null(bench_compare(arena, dir, run, &new, &comparison));
    assert_true(comparison.has_baseline);
    assert_null(comparison.other_root);
    assert_int_equal(comparison.compared, 1);
    assert_int_equal(comparison.worse, comparison.count == 1 && now > was);
    return comparison.count == 0 ? 0 : comparison.changes[0].worse ? 1 : -1;
}

static void what_counters_may_differ_by(void **state)
{
    static const struct {
        const char *counter;
        int64_t was, now;
        int judged;
    } TABLE[] = {
        {"op.dir_read", 1000000, 1000001, 1},
        {"op.dir_read", 1000000, 999999, -1},
        {"op.dir_read", 7, 7, 0},
        {"io.blob.engine.read.bytes", 1, 2, 1},
        {"allocs.own", 1000, 1001, 0}, /* a block of an arena */
        {"allocs.own", 1000, 1002, 1},
        {"allocs.own.bytes", 1000, 1000 + 1048576, 0},
        {"allocs.own.bytes", 1000, 1000 + 1048577, 1},
        {"allocs.engine", 1000, 1020, 0}, /* 2 % */
        {"allocs.engine", 1000, 1021, 1},
        {"instructions", 5000000, 5050000, 0}, /* 1 % */
        {"instructions", 5000000, 5050001, 1},
        {"instructions", 5000000, 4949999, -1},
        {"peak_bytes", 10000000, 10000000 + 1000000 + 4194304, 0}, /* 10 % and 4 MiB */
        {"peak_bytes", 10000000, 10000000 + 1000000 + 4194305, 1},
    };
    SCRATCH(arena);
    BenchRun run = {.scenario = &BENCH_SCENARIOS[0], .scale = {1, 3}};
    char *dir = folder(arena);
    (void)state;
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++)
        assert_int_equal(judged(arena, dir, &run, TABLE[i].counter, TABLE[i].was, TABLE[i].now),
                         TABLE[i].judged);
    assert_null(os_remove_tree(dir));
}

static void what_was_not_measured_is_left_out(void **state)
{
    BenchCounter all[] = {{"list", "instructions", 100}, {"list", "op.a", 1}, {"list", "op.b", 2}};
    BenchCounter some[] = {{"list", "op.b", 2}, {"list", "op.c", 3}};
    SCRATCH(arena);
    BenchRun run = {.scenario = &BENCH_SCENARIOS[0], .scale = {1, 1}};
    BenchResult old = result_of(all, 3), new = result_of(some, 2);
    BenchComparison comparison;
    char *dir = folder(arena);
    (void)state;
    assert_null(bench_compare(arena, dir, &run, &old, &comparison));
    assert_false(comparison.has_baseline);
    assert_null(bench_baseline_write(arena, dir, &run, &old));
    assert_null(bench_compare(arena, dir, &run, &new, &comparison));
    assert_int_equal(comparison.count, 2); /* c is new, a has gone; instructions nobody counted */
    assert_int_equal(comparison.worse, 1);
    assert_string_equal(comparison.changes[0].counter, "op.c");
    assert_string_equal(comparison.changes[1].counter, "op.a");
    new.root[0] = 'b';
    assert_null(bench_compare(arena, dir, &run, &new, &comparison));
    assert_string_equal(comparison.other_root, old.root);
    run.scale.by = 2;
    assert_null(bench_compare(arena, dir, &run, &new, &comparison));
    assert_false(comparison.has_baseline);
    assert_null(os_remove_tree(dir));
}

/* ---- change points ---- */

static uint64_t chance_state;

static double chance(void) /* splitmix64, in (0, 1) */
{
    uint64_t z = (chance_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static double noise(void) /* normal, by Box and Muller */
{
    return sqrt(-2 * log(chance())) * cos(6.283185307179586 * chance());
}

enum { VALUES = 1000, SHIFTS_MAX = 40, NEAR = 3 };

/* A new level of 3 to 5 deviations, either way, every 30 to 230 values. */
static size_t shifted(double values[VALUES], size_t shifts[SHIFTS_MAX])
{
    double level = 100;
    size_t count = 0, next = 30 + (size_t)(chance() * 200);
    for (size_t i = 0; i < VALUES; i++) {
        if (i == next && i + 30 < VALUES) {
            level += (chance() < 0.5 ? -1 : 1) * (3 + 2 * chance());
            shifts[count++] = i;
            next = i + 30 + (size_t)(chance() * 200);
        }
        values[i] = level + noise();
    }
    return count;
}

static size_t matched(const size_t *places, size_t count, const size_t *others, size_t other_count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < other_count; k++)
            if (places[i] <= others[k] + NEAR && others[k] <= places[i] + NEAR) {
                found++;
                break;
            }
    return found;
}

static void changes_are_found(void **state)
{
    enum { SERIES = 50 };
    size_t all = 0, found = 0, false_ones = 0;
    (void)state;
    chance_state = 4711;
    for (int i = 0; i < SERIES; i++) {
        SCRATCH(arena);
        double values[VALUES];
        size_t shifts[SHIFTS_MAX], *places, count, n = shifted(values, shifts);
        bench_changes(arena, values, VALUES, &places, &count);
        all += n;
        found += matched(shifts, n, places, count);
        false_ones += count - matched(places, count, shifts, n);
    }
    print_message("%zu of %zu shifts, %zu false in %d values\n", found, all, false_ones,
                  SERIES * VALUES);
    assert_true(all > 300);
    assert_true(found * 100 >= all * 95);
    assert_true(false_ones <= SERIES); /* one in 1,000 values */
}

static void what_never_changes_has_no_change(void **state)
{
    SCRATCH(arena);
    double values[100];
    size_t *places, count;
    (void)state;
    for (size_t i = 0; i < 100; i++) values[i] = 7;
    bench_changes(arena, values, 100, &places, &count);
    assert_int_equal(count, 0);
    bench_changes(arena, values, 7, &places, &count); /* too few */
    assert_int_equal(count, 0);
    for (size_t i = 60; i < 100; i++) values[i] = 8; /* an exact count that grew */
    bench_changes(arena, values, 100, &places, &count);
    assert_int_equal(count, 1);
    assert_int_equal(places[0], 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales),
        cmocka_unit_test(words),
        cmocka_unit_test(names_are_known),
        cmocka_unit_test(steps),
        cmocka_unit_test(what_counters_may_differ_by),
        cmocka_unit_test(what_was_not_measured_is_left_out),
        cmocka_unit_test(changes_are_found),
        cmocka_unit_test(what_never_changes_has_no_change),
    };
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
