/* Spans that are kept: what was recorded is read, in order, within bounds; damage is told. */
#include "report_test.h"

enum { LANES = 3, EACH = 40 };

static const char *const NAMES[] = {"dir_read", "merge"};

/* Lane by lane, as rings are read. */
static RunSpans some(size_t each, const char *id)
{
    size_t count = LANES * each;
    RunSpans run = {.run = id,
                    .begun = 1700000000000000,
                    .ns_per_tick = 0.5,
                    .start_ticks = 1000,
                    .names = AARRAY(arena, const char *, 2),
                    .name_count = 2};
    memcpy(run.names, NAMES, sizeof NAMES);
    run.spans.records = AARRAY(arena, PerfRecord, count);
    run.spans.lanes = AARRAY(arena, uint32_t, count);
    run.spans.count = count;
    for (size_t i = 0; i < count; i++) {
        run.spans.lanes[i] = (uint32_t)(i / each);
        run.spans.records[i] = (PerfRecord){
            .begin_ticks = 1000 + i % each * 10 + i / each, .length = 7, .op = (uint16_t)(i % 2)};
    }
    return run;
}

static const char **names_of(size_t *out_count)
{
    const char **names;
    OK(spans_list(arena, dir, &names, out_count));
    return names;
}

static void test_round_trip(void **state)
{
    (void)state;
    size_t count;
    RunSpans run = some(EACH, "00000000000000aa"), got;
    OK(spans_keep(dir, &run));
    const char **names = names_of(&count);
    assert_int_equal(count, 1);
    assert_true(spans_read(arena, dir, names[0], true, &got));
    assert_string_equal(got.run, "00000000000000aa");
    assert_int_equal(got.begun, 1700000000000000);
    assert_true(got.ns_per_tick == 0.5);
    assert_int_equal(got.start_ticks, 1000);
    assert_string_equal(got.names[1], "merge");
    assert_int_equal(got.spans.count, LANES * EACH);
    for (size_t i = 0; i < got.spans.count; i++) { /* by begin: lanes in turns */
        assert_int_equal(got.spans.records[i].begin_ticks, 1000 + i / LANES * 10 + i % LANES);
        assert_int_equal(got.spans.lanes[i], i % LANES);
        assert_int_equal(got.spans.records[i].op, (i / LANES + i % LANES * EACH) % 2);
    }
    (void)spans_read(arena, dir, "spans-ffffffffffffffff", true, &got); /* gone meanwhile */
    assert_null(got.run);
}

/* Of too many the newest of each lane; of too many files the oldest goes. */
static void test_bounds(void **state)
{
    (void)state;
    enum { MOST = 65536 / LANES };
    size_t count;
    RunSpans got;
    for (int i = 0; i < 10; i++) {
        RunSpans run = some(i == 9 ? MOST + 5 : 1, arena_printf(arena, "%016x", i));
        OK(spans_keep(dir, &run));
        (void)usleep(5000); /* files are as old as their mtime says */
    }
    const char **names = names_of(&count);
    assert_int_equal(count, 8);
    assert_string_equal(names[0], "spans-0000000000000002");
    assert_true(spans_read(arena, dir, names[7], true, &got));
    assert_int_equal(got.spans.count, LANES * MOST);
    assert_int_equal(got.spans.records[0].begin_ticks, 1000 + 5 * 10);
    OsStat stat;
    OK(os_stat(in_history(names[7]), &stat));
    assert_true(stat.size_bytes < (1 << 20) + 4096);
}

/* Every byte changed, every length: never read as something else, set aside by name. */
static void test_damage(void **state)
{
    (void)state;
    size_t size, count;
    RunSpans run = some(3, "00000000000000aa"), got;
    OK(spans_keep(dir, &run));
    const char *name = names_of(&count)[0], *path = in_history(name);
    const char *bytes = read_file(path, &size);
    for (size_t i = 0; i < 2 * size; i++) {
        SCRATCH(scratch);
        char *changed = arena_memdup(scratch, bytes, size);
        if (i < size) changed[i] ^= (char)(1 << (i % 8));
        assert_false(run_spans_parse(scratch, changed, i < size ? size : i - size, &got));
    }
    OK(os_replace_file(path, bytes, size - 1));
    assert_false(spans_read(arena, dir, name, false, &got)); /* told, not touched */
    (void)names_of(&count);
    assert_int_equal(count, 1);
    assert_false(spans_read(arena, dir, name, true, &got));
    (void)names_of(&count);
    assert_int_equal(count, 0);
    assert_int_equal(access(in_history("spans-00000000000000aa.damaged"), F_OK), 0);
}

/* A frame that is whole, of numbers that make no sense. */
static void test_nonsense(void **state)
{
    (void)state;
    size_t count, size;
    RunSpans got, run = some(3, "00000000000000aa");
    run.spans.records[4].op = 2; /* of two */
    OK(spans_keep(dir, &run));
    const char *bytes = read_file(in_history(names_of(&count)[0]), &size);
    assert_false(run_spans_parse(arena, bytes, size, &got));
    Buf content = buf_new(arena), frame = buf_new(arena);
    buf_puts(&content, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
    frame_put(&frame, 'S', &content);
    assert_false(run_spans_parse(arena, frame.data, frame.size, &got));
}

/* A million spans, three deep, as a trace for Perfetto: what the file may have at most. */
static void test_trace_of_a_million(void **state)
{
    (void)state;
    enum { COUNT = 999999 };
    static const char *const LAYERS[] = {"tinyfs", "tlogfs"};
    Buf trace = buf_new(arena);
    PerfSpans spans = {.records = AARRAY(arena, PerfRecord, COUNT),
                       .lanes = AARRAY(arena, uint32_t, COUNT),
                       .count = COUNT};
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t depth = (uint8_t)(i % 3);
        spans.records[i] = (PerfRecord){.begin_ticks = 1000 + i * 3000,
                                        .length = (uint32_t)((3 - depth) * 2900),
                                        .op = (uint16_t)(i % 2),
                                        .depth = depth};
    }
    TraceInput input = {.spans = &spans,
                        .names = NAMES,
                        .layers = LAYERS,
                        .name_count = 2,
                        .ns_per_tick = 0.4,
                        .start_ns = 30000000000000000, /* of a machine that is up for a year */
                        .command = "pond export"};
    trace_to_perfetto(&trace, &input);
    assert_true(trace.size > 20000000);
    assert_true(trace.size <= 45000000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {TEST(test_round_trip), TEST(test_bounds), TEST(test_damage),
                                       TEST(test_nonsense), TEST(test_trace_of_a_million)};
    return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
