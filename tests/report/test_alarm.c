/* Alarms: a thousand runs of an unchanged program, of many commands and sizes, on ponds that grow
 * and that do not, tell nothing; each kind of defect is told the first time that it happens. Runs
 * are made from a model of a command: what it does by target, by version, by row. */
#include "report/alarm.h"
#include "report_test.h"

typedef struct Command {
    int targets, versions, rows_by_version; /* of a target */
    int windows;                            /* of each */
} Command;

static RunOp ops[32];
static RunIo ios[2];
static RunFile files[256];
static RunCache store;

static void add_op(Run *run, const char *name, uint64_t count, uint64_t keys)
{
    if (count == 0) return;
    ops[run->op_count++] = (RunOp){.name = name,
                                   .layer = "",
                                   .unit = "count",
                                   .count = count,
                                   .keyed = keys > 0 ? count : 0,
                                   .keys = keys,
                                   .per_key = keys > 0 ? (double)count / (double)keys : 0};
}

typedef struct Defect { /* what is done more often than it should; 0: sound */
    int footers, bytes, misses, trees, statements;
} Defect;

/* What a sound program does for the command, and what the defect adds. `fresh`: targets of which
 * nothing is cached yet. */
static Run run_of(const char *line, Command c, int fresh, Defect defect)
{
    uint64_t targets = (uint64_t)c.targets,
             rows = targets * (uint64_t)(c.versions * c.rows_by_version);
    uint64_t trees = targets * (uint64_t)(1 + defect.trees);
    Run run = {.id = "0123456789abcdef",
               .command = line,
               .version = "1",
               .toggles_off = "",
               .ops = ops,
               .io = ios,
               .files = files};
    add_op(&run, "relation_ask", 3 * targets, targets);
    add_op(&run, "relation_build", trees, targets);
    add_op(&run, "dir_read", 5, 5);
    add_op(&run, "export_target", targets, 0);
    add_op(&run, "engine_statement", 12 + targets * (uint64_t)(c.windows + defect.statements), 0);
    add_op(&run, "export_partition", targets * (uint64_t)c.windows, 0);
    add_op(&run, "export_row", rows, 0);
    store = (RunCache){
        .name = "store", .asked = 10 * targets, .misses = (uint64_t)(fresh + defect.misses)};
    run.caches = &store;
    run.cache_count = 1;
    add_op(&run, "schema_sql", (uint64_t)fresh, (uint64_t)fresh);
    ios[run.io_count++] =
        (RunIo){.origin = "engine",
                .class = "blob",
                .op = "read",
                .calls = rows,
                .bytes = 20 * rows * (uint64_t)(1 + defect.bytes) + 4000 * targets};
    ios[run.io_count++] = (RunIo){.origin = "engine",
                                  .class = "blob",
                                  .op = "open",
                                  .calls = targets * (uint64_t)c.windows,
                                  .bytes = 0};
    for (int i = 0; i < c.targets * c.versions && i < 256; i++)
        files[run.file_count++] =
            (RunFile){.path = "x", .class = "blob", .footers = (uint64_t)(1 + defect.footers)};
    return run;
}

static size_t judge(Run run, int64_t version)
{
    OK(alarms_judge(arena, &(AlarmContext){.pond_dir = dir, .pond_version = version}, &run));
    return run.alarm_count;
}

static uint64_t seed = 11;
static int below(int most)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (int)((seed >> 33) % (uint64_t)most);
}

static void test_a_thousand_sound_runs(void **state)
{
    (void)state;
    enum { LINES = 20, RUNS = 1500 };
    Command commands[LINES];
    size_t alarms = 0;
    int64_t version = 1;
    int changed[LINES];
    for (int i = 0; i < LINES; i++) {
        commands[i] = (Command){1 + below(12), 1 + below(3), 1000 + below(100000), 1 + below(12)};
        changed[i] = 1;
    }
    for (int i = 0; i < RUNS; i++) {
        int n = below(LINES);
        Command *c = &commands[n];
        if (below(3) == 0) { /* the pond changes: rows come, series come and go, partitions too */
            version++;
            for (int k = 0; k < LINES; k++) changed[k] = 1;
            if (below(2) == 0) c->versions += below(2);
            if (below(4) == 0) c->targets = 1 + below(12);
            if (below(4) == 0) c->windows += below(3);
        }
        int fresh = changed[n] ? below(c->targets + 1) : 0;
        changed[n] = 0;
        alarms += judge(run_of(arena_printf(arena, "pond export %d", n), *c, fresh, (Defect){0}),
                        version);
    }
    print_message("%zu alarms in %d sound runs\n", alarms, RUNS);
    assert_true(alarms * 1000 <= RUNS);
}

static const Command PLAIN = {4, 2, 10000, 6};

static void test_found_at_once(void **state)
{
    (void)state;
    static const struct {
        Defect defect;
        const char *name;
    } CASES[] = {{{.footers = 1}, "footers a file"},
                 {{.bytes = 2}, "bytes read a row exported"},
                 {{.misses = 8}, "misses a look-up"},
                 {{.statements = 3}, "statements a file exported"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *line = arena_printf(arena, "pond export %zu", i);
        for (int k = 0; k < 4; k++)
            assert_int_equal(judge(run_of(line, PLAIN, k == 0 ? 4 : 0, (Defect){0}), 7), 0);
        Run run = run_of(line, PLAIN, 0, CASES[i].defect);
        OK(alarms_judge(arena, &(AlarmContext){.pond_dir = dir, .pond_version = 7}, &run));
        bool found = false;
        for (size_t a = 0; a < run.alarm_count; a++)
            found = found || strcmp(run.alarms[a].name, CASES[i].name) == 0;
        if (!found) print_error("%s\n", CASES[i].name);
        assert_true(found);
        assert_int_equal(run.alarms[0].runs, 3); /* the first of the four came after a change */
    }
    /* without any history: a tree built twice */
    Run run = run_of("pond new", PLAIN, 0, (Defect){.trees = 1});
    OK(alarms_judge(arena, &(AlarmContext){.pond_dir = dir, .pond_version = 7}, &run));
    assert_int_equal(run.alarm_count, 1);
    assert_string_equal(run.alarms[0].name, "calls of relation_build a key");
    assert_true(run.alarms[0].value == 2 && run.alarms[0].runs == 0);
}

/* On a pond that changes before each run, figures by unit still tell. */
static void test_found_while_it_grows(void **state)
{
    (void)state;
    for (int k = 0; k < 6; k++) {
        Command c = PLAIN;
        c.versions += k;
        assert_int_equal(judge(run_of("pond export g", c, 2, (Defect){0}), k), 0);
    }
    Command c = PLAIN;
    c.versions += 6;
    assert_true(judge(run_of("pond export g", c, 2, (Defect){.bytes = 3}), 99) >= 1);
}

/* Told once; again after four runs in range; what stays is the new usual. */
static void test_hysteresis(void **state)
{
    (void)state;
    Defect bad = {.footers = 1}, sound = {0};
    for (int k = 0; k < 9; k++) (void)judge(run_of("pond export h", PLAIN, 0, sound), 7);
    assert_int_equal(judge(run_of("pond export h", PLAIN, 0, bad), 7), 1);
    assert_int_equal(judge(run_of("pond export h", PLAIN, 0, bad), 7), 0);
    for (int k = 0; k < 3; k++)
        assert_int_equal(judge(run_of("pond export h", PLAIN, 0, sound), 7), 0);
    assert_int_equal(judge(run_of("pond export h", PLAIN, 0, bad), 7), 0);
    for (int k = 0; k < 8; k++)
        assert_int_equal(judge(run_of("pond export h", PLAIN, 0, sound), 7), 0);
    assert_int_equal(judge(run_of("pond export h", PLAIN, 0, bad), 7), 1);
    for (int k = 0; k < 30; k++)
        assert_int_equal(judge(run_of("pond export h", PLAIN, 0, bad), 7), 0);
}

static void test_bounds_and_damage(void **state)
{
    (void)state;
    size_t size;
    for (int i = 0; i < 200; i++)
        (void)judge(run_of(arena_printf(arena, "pond export %d", i), PLAIN, 0, (Defect){0}), 1);
    char *good = read_file(in_history("ranges"), &size);
    assert_true(size <= 64 << 10);
    log_set_level(LOG_QUIET);
    for (size_t i = 0; i < size; i += 997) {
        char *bad = arena_memdup(arena, good, size);
        bad[i] ^= 0x10;
        OK(report_replace(dir, "ranges", bad, size));
        assert_int_equal(judge(run_of("pond x", PLAIN, 0, (Defect){0}), 1), 0);
        assert_int_equal(access(in_history("ranges.damaged"), F_OK), 0);
        OK(report_replace(dir, "ranges", good, i)); /* cut off there */
        assert_int_equal(judge(run_of("pond x", PLAIN, 0, (Defect){0}), 1), 0);
    }
    Run failed = run_of("pond f", PLAIN, 0, (Defect){.trees = 1});
    failed.status = 1;
    assert_int_equal(judge(failed, 1), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_a_thousand_sound_runs), TEST(test_found_at_once),
                                       TEST(test_found_while_it_grows), TEST(test_hysteresis),
                                       TEST(test_bounds_and_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
