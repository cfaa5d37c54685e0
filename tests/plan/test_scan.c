/* Scans and unions: which files are read, in which order rows come, how columns and times are
 * united. */
#include "plan/plan_int.h"
#include "plan_test.h"

static const Rel *scan_with(World *world, ScanFile *files, size_t count, TimeSpan clip)
{
    const Rel *rel = NULL;
    must(rel_scan(
        world->arena,
        &(ScanSpec){.label = "/s.series", .files = files, .file_count = count, .clip = clip},
        &rel));
    return rel;
}

/* Seconds [from, from + count) of 1970 with v = tag. */
static ScanFile seconds(World *world, int from, int count, int tag)
{
    char *sql = arena_printf(
        world->arena,
        "SELECT make_timestamptz((%d + i) * 1000000) AS ts, %d AS v FROM range(%d) r(i)", from, tag,
        count);
    ScanFile file = make_file(world, sql, "ts", TIME_UNIT_NONE);
    return with_span(world, file, from * US_PER_SECOND, (from + count - 1) * US_PER_SECOND);
}

static char *labels_in(World *world, const Rel *rel, TimeSpan span)
{
    const ScanFile **files;
    size_t count;
    Buf text = buf_new(world->arena);
    rel_inputs_in(world->arena, rel, span, &files, &count);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i > 0 ? " " : "", strrchr(files[i]->label, ' ') + 1);
    return text.data;
}

static void test_files_of_a_span(void **state)
{
    World *world = *state;
    ScanFile files[] = {seconds(world, 0, 10, 1), seconds(world, 10, 10, 2),
                        seconds(world, 20, 10, 3)};
    /* the third holds two stray rows far away: its intervals say where its rows are */
    TimeSpan parts[] = {{-1000000000, -999999999}, {20 * US_PER_SECOND, 29 * US_PER_SECOND}};
    files[2].intervals = parts;
    files[2].interval_count = 2;
    const Rel *rel = scan_with(world, files, 3, ALL);
    assert_string_equal(labels_in(world, rel, ALL), "v1 v2 v3");
    assert_string_equal(labels_in(world, rel, (TimeSpan){9 * US_PER_SECOND, 10 * US_PER_SECOND}),
                        "v1 v2");
    assert_string_equal(
        labels_in(world, rel, (TimeSpan){9 * US_PER_SECOND + 1, 10 * US_PER_SECOND - 1}), "");
    assert_string_equal(labels_in(world, rel, (TimeSpan){-500000000, -1}), "");
    assert_string_equal(labels_in(world, rel, (TimeSpan){-1000000000, 0}), "v3 v1");
    rel = scan_with(world, files, 3, (TimeSpan){15 * US_PER_SECOND, 19 * US_PER_SECOND});
    assert_string_equal(labels_in(world, rel, ALL), "v2");
    assert_string_equal(rows_in(world, rel, TIME_MIN, 16 * US_PER_SECOND),
                        "1970-01-01T00:00:15Z|2\n1970-01-01T00:00:16Z|2\n");
    files[1].rows = 0; /* an empty version is never opened */
    assert_string_equal(labels_in(world, scan_with(world, files, 3, ALL), ALL), "v1 v3");
}

/* The statement opens no other file: here the others do not even exist. */
static void test_only_those_are_opened(void **state)
{
    World *world = *state;
    ScanFile files[] = {seconds(world, 0, 2, 1), seconds(world, 10, 2, 2),
                        seconds(world, 20, 2, 3)};
    must(os_unlink(files[0].path));
    must(os_unlink(files[2].path));
    const Rel *rel = scan_with(world, files, 3, ALL);
    assert_string_equal(rows_in(world, rel, 5 * US_PER_SECOND, 19 * US_PER_SECOND),
                        "1970-01-01T00:00:10Z|2\n1970-01-01T00:00:11Z|2\n");
    assert_string_equal(rows_in(world, rel, 100 * US_PER_SECOND, TIME_MAX), "");
    char *rows = NULL;
    expect_error(rows_of(world, rel, (RelRead){.span = ALL}, &rows), ERR_IO, "/s.series");
}

static char *plan_of(World *world, const Rel *rel)
{
    char *text = NULL;
    must(
        rel_explain(world->plan, world->arena, rel, (RelRead){.span = ALL, .sorted = true}, &text));
    return text;
}

static int times_in(const char *text, const char *word)
{
    int count = 0;
    for (size_t i = 0; text[i] != '\0'; i++) count += strncmp(text + i, word, strlen(word)) == 0;
    return count;
}

static void test_order(void **state)
{
    World *world = *state;
    ScanFile disjoint[] = {seconds(world, 0, 2, 1), seconds(world, 4, 2, 2),
                           seconds(world, 2, 2, 3)};
    const Rel *rel = scan_with(world, disjoint, 3, ALL);
    assert_true(rel_is_in_order(rel)); /* listed by time */
    assert_int_equal(times_in(plan_of(world, rel), "ORDER BY"), 0);
    assert_string_equal(all_rows(world, rel),
                        "1970-01-01T00:00:00Z|1\n1970-01-01T00:00:01Z|1\n1970-01-01T00:00:02Z|3\n"
                        "1970-01-01T00:00:03Z|3\n1970-01-01T00:00:04Z|2\n1970-01-01T00:00:05Z|2\n");

    ScanFile overlapping[] = {seconds(world, 2, 2, 1), seconds(world, 0, 4, 2)};
    rel = scan_with(world, overlapping, 2, ALL);
    assert_false(rel_is_in_order(rel));
    assert_int_equal(times_in(plan_of(world, rel), "ORDER BY"), 1);
    assert_string_equal(all_rows(world, rel),
                        "1970-01-01T00:00:00Z|2\n1970-01-01T00:00:01Z|2\n1970-01-01T00:00:02Z|1\n"
                        "1970-01-01T00:00:02Z|2\n1970-01-01T00:00:03Z|1\n1970-01-01T00:00:03Z|2\n");
    /* where only one of them is read nothing is sorted */
    assert_true(rel_in_order_for(rel, (TimeSpan){0, US_PER_SECOND}));

    overlapping[0].in_order = false;
    assert_false(rel_is_in_order(scan_with(world, overlapping, 1, ALL)));
}

/* A late version is sorted with what it overlaps, and nothing else. */
static void test_runs(void **state)
{
    World *world = *state;
    ScanFile files[11];
    for (int i = 0; i < 10; i++) files[i] = seconds(world, i * 10, 10, i);
    files[10] = seconds(world, 35, 10, 99);
    const Rel *rel = scan_with(world, files, 11, ALL);
    assert_false(rel_is_in_order(rel));
    assert_int_equal(times_in(plan_of(world, rel), "ORDER BY"), 1);
    assert_int_equal(times_in(plan_of(world, rel), "read_parquet"), 3); /* 0-2, 3 4 late, 5-9 */
    Buf expected = buf_new(world->arena);
    for (int i = 0; i < 100; i++) {
        buf_printf(&expected, "%s|%d\n", time_format(world->arena, i * US_PER_SECOND), i / 10);
        if (i >= 35 && i < 45)
            buf_printf(&expected, "%s|99\n", time_format(world->arena, i * US_PER_SECOND));
    }
    assert_string_equal(all_rows(world, rel), expected.data);
    /* below what keeps rows, too */
    const Rel *range = NULL, *project = NULL;
    ProjectColumn columns[] = {{"v", "w", NULL}, {"ts", "t", NULL}};
    must(rel_range(world->arena, rel, (TimeSpan){0, US_PER_DAY}, &range));
    must(rel_project(world->arena, range, columns, 2, &project));
    assert_int_equal(times_in(plan_of(world, project), "read_parquet"), 3);
    assert_string_equal(
        rows_in(world, project, 44 * US_PER_SECOND, 45 * US_PER_SECOND),
        "4|1970-01-01T00:00:44Z\n99|1970-01-01T00:00:44Z\n4|1970-01-01T00:00:45Z\n");
    /* without the late one's part nothing is sorted */
    assert_true(rel_in_order_for(rel, (TimeSpan){45 * US_PER_SECOND, US_PER_DAY}));
}

/* Versions of one instant, named out of order, between two that meet there. */
static void test_ties_of_three(void **state)
{
    World *world = *state;
    ScanFile files[] = {seconds(world, 0, 2, 1), seconds(world, 1, 2, 2), seconds(world, 1, 1, 3)};
    const Rel *rel = scan_with(world, files, 3, ALL);
    assert_false(rel_is_in_order(rel));
    assert_string_equal(all_rows(world, rel),
                        "1970-01-01T00:00:00Z|1\n1970-01-01T00:00:01Z|1\n1970-01-01T00:00:01Z|2\n"
                        "1970-01-01T00:00:01Z|3\n1970-01-01T00:00:02Z|2\n");
}

/* Stray rows far away do not make a version overlap what lies between, in a range without them. */
static void test_strays(void **state)
{
    World *world = *state;
    ScanFile files[] = {seconds(world, 10, 5, 1), seconds(world, 20, 5, 2),
                        seconds(world, 30, 5, 3)};
    TimeSpan parts[] = {{0, US_PER_SECOND}, {30 * US_PER_SECOND, 34 * US_PER_SECOND}};
    files[2].intervals = parts;
    files[2].interval_count = 2;
    const Rel *rel = scan_with(world, files, 3, ALL);
    assert_false(rel_is_in_order(rel));
    assert_true(rel_in_order_for(rel, (TimeSpan){2 * US_PER_SECOND, US_PER_DAY}));
}

/* Sorted runs are many or all is one: a statement has its limits. */
static void test_many_runs(void **state)
{
    World *world = *state;
    enum { PAIRS = SORTED_RUNS_MAX + 1 };
    ScanFile *files = AARRAY(world->arena, ScanFile, 2 * PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        files[2 * i] = seconds(world, i * 10, 3, 0);
        files[2 * i + 1] = seconds(world, i * 10 + 1, 3, 1);
    }
    const Rel *rel = scan_with(world, files, 2 * PAIRS, ALL),
              *less = scan_with(world, files, 2 * PAIRS - 2, ALL);
    assert_int_equal(times_in(plan_of(world, rel), "ORDER BY"), 1);
    assert_int_equal(times_in(plan_of(world, less), "ORDER BY"), SORTED_RUNS_MAX);
    char *rows = all_rows(world, rel), *most = all_rows(world, less);
    assert_memory_equal(rows, most, strlen(most));
    assert_int_equal(times_in(rows, "\n"), 6 * PAIRS);
}

/* Rows of one time come by version and row: v1 before v2 needs no sort, v2 before v1 does. */
static void test_ties(void **state)
{
    World *world = *state;
    ScanFile rising[] = {seconds(world, 0, 2, 1), seconds(world, 1, 2, 2)};
    assert_true(rel_is_in_order(scan_with(world, rising, 2, ALL)));
    ScanFile falling[] = {seconds(world, 1, 2, 1), seconds(world, 0, 2, 2)};
    const Rel *rel = scan_with(world, falling, 2, ALL);
    assert_false(rel_is_in_order(rel));
    assert_string_equal(rows_in(world, rel, US_PER_SECOND, US_PER_SECOND),
                        "1970-01-01T00:00:01Z|1\n1970-01-01T00:00:01Z|2\n");
    /* within a file: the rows' own order */
    ScanFile same = make_file(
        world, "SELECT make_timestamptz(5) AS ts, (i * 7919) % 3001 AS v FROM range(3001) r(i)",
        "ts", TIME_UNIT_NONE);
    char *rows = all_rows(world, scan_with(world, &same, 1, ALL));
    for (int i = 0; i < 3001; i++) {
        char *expected =
            arena_printf(world->arena, "1970-01-01T00:00:00.000005Z|%d\n", i * 7919 % 3001);
        assert_memory_equal(rows, expected, strlen(expected));
        rows += strlen(expected);
    }
}

static void test_columns_are_united_by_name(void **state)
{
    World *world = *state;
    ScanFile files[] = {
        make_file(world, "SELECT 1::INTEGER AS a, make_timestamptz(1) AS ts, 'x' AS s", "ts",
                  TIME_UNIT_NONE),
        make_file(world, "SELECT make_timestamptz(2) AS ts, 2.5::DOUBLE AS a", "ts",
                  TIME_UNIT_NONE),
        make_file(world, "SELECT make_timestamptz(3) AS ts, 3::BIGINT AS a, true AS \"A\"", "ts",
                  TIME_UNIT_NONE),
    };
    files[2].schema.columns[2].name = "A"; /* the engine tells it as A_1 */
    const Rel *rel = scan_with(world, files, 3, ALL);
    assert_int_equal(rel_schema(rel)->count, 4);
    assert_string_equal(rel_schema(rel)->columns[0].type, "DOUBLE");
    assert_string_equal(rel_schema(rel)->columns[3].name, "A");
    assert_int_equal(rel_time_index(rel), 1);
    assert_string_equal(all_rows(world, rel), "1|1970-01-01T00:00:00.000001Z|x|NULL\n"
                                              "2.5|1970-01-01T00:00:00.000002Z|NULL|NULL\n"
                                              "3|1970-01-01T00:00:00.000003Z|NULL|1\n");
    ScanFile conflict[] = {files[0], make_file(world, "SELECT make_timestamptz(2) AS ts, 5 AS s",
                                               "ts", TIME_UNIT_NONE)};
    Err *err = rel_scan(
        world->arena,
        &(ScanSpec){.label = "/s.series", .files = conflict, .file_count = 2, .clip = ALL}, &rel);
    assert_non_null(strstr(err_message(err), conflict[0].label));
    assert_non_null(strstr(err_message(err), conflict[1].label));
    expect_error(err, ERR_INVALID, "column s");
}

/* Many files of alternating schemas are one statement that does not nest deep. */
static void test_many_groups(void **state)
{
    World *world = *state;
    ScanFile pair[] = {seconds(world, 0, 1, 1),
                       make_file(world, "SELECT make_timestamptz(0) AS ts, 2.0::DOUBLE AS w", "ts",
                                 TIME_UNIT_NONE)};
    ScanFile *files = AARRAY(world->arena, ScanFile, 1500);
    for (size_t i = 0; i < 1500; i++) files[i] = pair[i % 2];
    const Rel *rel = scan_with(world, files, 1500, ALL);
    char *rows = all_rows(world, rel);
    size_t lines = 0;
    for (char *p = rows; *p != '\0'; p++) lines += *p == '\n';
    assert_int_equal(lines, 1500);
    assert_memory_equal(rows, "1970-01-01T00:00:00Z|1|NULL\n1970-01-01T00:00:00Z|NULL|2\n", 52);
}

typedef struct Native {
    const char *expr; /* of i, counted in units */
    TimeUnit unit;
} Native;

/* Each kind of time column, with instants on both sides of 1970; bounds fall between stored values.
 */
static void test_native_times(void **state)
{
    World *world = *state;
    static const Native NATIVE[] = {
        {"make_timestamptz(i * 1000000)", TIME_UNIT_NONE},
        {"make_timestamp(i * 1000000)", TIME_UNIT_NONE},
        {"make_timestamp_ns(i * 1000000000 + 999)", TIME_UNIT_NONE},
        {"i::BIGINT", TIME_UNIT_S},
        {"i::INTEGER", TIME_UNIT_S},
        {"i::BIGINT * 1000", TIME_UNIT_MS},
        {"i::BIGINT * 1000000", TIME_UNIT_US},
        {"i::BIGINT * 1000000000 + 999", TIME_UNIT_NS},
    };
    for (size_t k = 0; k < sizeof NATIVE / sizeof *NATIVE; k++) {
        char *sql = arena_printf(world->arena, "SELECT %s AS t, i AS v FROM range(-5, 5) r(i)",
                                 NATIVE[k].expr);
        ScanFile file = make_file(world, sql, "t", NATIVE[k].unit);
        file = with_span(world, file, -5 * US_PER_SECOND, 4 * US_PER_SECOND);
        ProjectColumn only_v = {"v", "v", NULL};
        const Rel *scan = scan_with(world, &file, 1, ALL), *range = NULL, *rel = NULL;
        must(rel_range(world->arena, scan, (TimeSpan){-3 * US_PER_SECOND, 2 * US_PER_SECOND},
                       &range));
        must(rel_project(world->arena, range, &only_v, 1, &rel));
        assert_string_equal(all_rows(world, rel), "-3\n-2\n-1\n0\n1\n2\n");
        must(rel_range(world->arena, scan,
                       (TimeSpan){-3 * US_PER_SECOND + 1, 2 * US_PER_SECOND - 1}, &range));
        must(rel_project(world->arena, range, &only_v, 1, &rel));
        assert_string_equal(all_rows(world, rel), "-2\n-1\n0\n1\n");
    }
    ScanFile days = make_file(
        world, "SELECT DATE '1970-01-01' + i::INTEGER AS d, i AS v FROM range(-2, 3) r(i)", "d",
        TIME_UNIT_NONE);
    assert_string_equal(
        rows_in(world, scan_with(world, &days, 1, ALL), -US_PER_DAY, US_PER_DAY - 1),
        "-1|-1\n0|0\n");
    ScanFile wide = make_file(world, "SELECT i::UBIGINT AS u FROM range(3) r(i)", "u", TIME_UNIT_S);
    const Rel *unsigned_scan = scan_with(world, &wide, 1, ALL);
    assert_int_equal(strlen(rows_in(world, unsigned_scan, -5 * US_PER_SECOND, US_PER_SECOND)), 4);
    assert_string_equal(rows_in(world, unsigned_scan, TIME_MIN, -1), "");
}

/* Times of different kinds meet as TIMESTAMPTZ, floored to µs. */
static void test_mixed_times(void **state)
{
    World *world = *state;
    ScanFile files[] = {
        make_file(world, "SELECT 1::BIGINT AS t", "t", TIME_UNIT_S),
        make_file(world, "SELECT -1500::BIGINT AS t", "t", TIME_UNIT_MS),
        make_file(world, "SELECT -1::BIGINT AS t UNION ALL SELECT -1001", "t", TIME_UNIT_NS),
        make_file(world, "SELECT make_timestamp_ns(-1) AS t", "t", TIME_UNIT_NONE),
        make_file(world, "SELECT TIMESTAMP '2024-01-01 00:00:00.5' AS t", "t", TIME_UNIT_NONE),
        make_file(world, "SELECT DATE '2024-01-02' AS t", "t", TIME_UNIT_NONE),
    };
    const Rel *rel = scan_with(world, files, 6, ALL);
    assert_string_equal(rel_schema(rel)->columns[0].type, TZ);
    assert_string_equal(
        all_rows(world, rel),
        "1969-12-31T23:59:58.5Z\n1969-12-31T23:59:59.999998Z\n1969-12-31T23:59:59.999999Z\n"
        "1969-12-31T23:59:59.999999Z\n1970-01-01T00:00:01Z\n2024-01-01T00:00:00.5Z\n"
        "2024-01-02T00:00:00Z\n");
    assert_string_equal(rows_in(world, rel, -1, 0),
                        "1969-12-31T23:59:59.999999Z\n1969-12-31T23:59:59.999999Z\n");

    files[1].time_unit = TIME_UNIT_NONE;
    expect_error(rel_scan(world->arena,
                          &(ScanSpec){.label = "/s", .files = files, .file_count = 2, .clip = ALL},
                          &rel),
                 ERR_INVALID, "unit of the time column \"t\" in");
    ScanFile names[] = {
        files[0], make_file(world, "SELECT 1::BIGINT AS t, 2::BIGINT AS u", "u", TIME_UNIT_S)};
    expect_error(rel_scan(world->arena,
                          &(ScanSpec){.label = "/s", .files = names, .file_count = 2, .clip = ALL},
                          &rel),
                 ERR_INVALID, "the time column is \"t\" in");
}

/* Columns named like the engine's own, and folders that look like partitions. */
static void test_deceptive_names(void **state)
{
    World *world = *state;
    char *dir = arena_printf(world->arena, "%s/year=1999/[a]*?'x", world->dir);
    must(os_mkdirs(dir));
    ScanFile files[2];
    for (int i = 0; i < 2; i++) {
        files[i] = make_file(
            world,
            "SELECT make_timestamptz(i // 2) AS ts, 9 AS file_index, 8 AS file_row_number, "
            "7 AS filename, i AS c0, i AS \"C0\" FROM range(2) r(i)",
            "ts", TIME_UNIT_NONE);
        char *path = arena_printf(world->arena, "%s/%d.parquet", dir, i);
        must(os_rename(files[i].path, path));
        files[i].path = path;
    }
    const Rel *rel = scan_with(world, files, 2, ALL);
    assert_int_equal(rel_schema(rel)->count, 6);
    assert_string_equal(all_rows(world, rel),
                        "1970-01-01T00:00:00Z|9|8|7|0|0\n1970-01-01T00:00:00Z|9|8|7|1|1\n"
                        "1970-01-01T00:00:00Z|9|8|7|0|0\n1970-01-01T00:00:00Z|9|8|7|1|1\n");
}

static void test_without_time(void **state)
{
    World *world = *state;
    ScanFile file = make_file(world, "SELECT 2 AS a UNION ALL SELECT 1", NULL, TIME_UNIT_NONE);
    const Rel *rel = scan_with(world, &file, 1, ALL);
    assert_int_equal(rel_time_index(rel), -1);
    assert_string_equal(all_rows(world, rel), "2\n1\n");
    assert_false(rel_extent(world->arena, rel).known);
    char *rows = NULL;
    expect_error(rows_of(world, rel, (RelRead){.span = {0, 1}}, &rows), ERR_INVALID,
                 "needs a time column");
    expect_error(
        rel_scan(
            world->arena,
            &(ScanSpec){
                .label = "/s", .files = &file, .file_count = 1, .time_column = "b", .clip = ALL},
            &rel),
        ERR_NOT_FOUND, "no column \"b\"");
    expect_error(
        rel_scan(world->arena,
                 &(ScanSpec){.label = "/s", .files = &file, .file_count = 1, .clip = {0, 1}}, &rel),
        ERR_INVALID, "temporal bounds need a time column");
}

static void test_nothing(void **state)
{
    World *world = *state;
    const Rel *none = scan_with(world, NULL, 0, ALL), *empty = rel_empty(world->arena, "/e", NULL),
              *rel = NULL;
    assert_string_equal(all_rows(world, none), "");
    assert_string_equal(rel_schema(empty)->columns[0].name, "timestamp");
    assert_true(rel_extent(world->arena, empty).known);
    /* what holds nothing does not object to another's columns */
    ScanFile file = seconds(world, 0, 1, 7);
    const Rel *inputs[] = {empty, scan_with(world, &file, 1, ALL), none};
    must(rel_union(world->arena, "/u", inputs, 3, &rel));
    assert_string_equal(all_rows(world, rel), "1970-01-01T00:00:00Z|7\n");
    must(rel_range(world->arena, inputs[1], (TimeSpan){0, US_PER_DAY}, &inputs[1]));
    must(rel_union(world->arena, "/u", inputs, 3, &rel));
    assert_string_equal(all_rows(world, rel), "1970-01-01T00:00:00Z|7\n");
    must(rel_union(world->arena, "/u", inputs, 1, &rel));
    assert_string_equal(all_rows(world, rel), "");
    must(rel_union(world->arena, "/u", NULL, 0, &rel));
    assert_string_equal(all_rows(world, rel), "");
}

/* Scans become one: known to be in order although they are named out of order, and read at once. */
static void test_union_of_scans(void **state)
{
    World *world = *state;
    const Rel *inputs[40], *rel = NULL;
    for (int i = 0; i < 40; i++) {
        ScanFile file = seconds(world, (i * 7 % 40) * 2, 2, i);
        inputs[i] = scan_with(world, &file, 1, ALL);
    }
    must(rel_union(world->arena, "/many", inputs, 40, &rel));
    assert_true(rel_is_in_order(rel));
    assert_string_equal(rel_label(rel), "/many");
    assert_int_equal(times_in(plan_of(world, rel), "ORDER BY"), 0);
    assert_int_equal(times_in(plan_of(world, rel), "read_parquet"), 1);
    assert_int_equal(strlen(all_rows(world, rel)),
                     20 * 23 + 60 * 24); /* v of one and of two digits */
}

static void test_union(void **state)
{
    World *world = *state;
    ScanFile early = seconds(world, 0, 2, 1), late = seconds(world, 1, 2, 2);
    ScanFile other = make_file(world, "SELECT 1::BIGINT AS ts, 0.5::FLOAT AS w", "ts", TIME_UNIT_S);
    const Rel *inputs[] = {scan_with(world, &late, 1, ALL), scan_with(world, &early, 1, ALL),
                           scan_with(world, &other, 1, ALL)};
    const Rel *rel = NULL;
    must(rel_union(world->arena, "/u", inputs, 3, &rel));
    assert_string_equal(
        all_rows(world, rel),
        "1970-01-01T00:00:00Z|1|NULL\n1970-01-01T00:00:01Z|2|NULL\n1970-01-01T00:00:01Z|1|NULL\n"
        "1970-01-01T00:00:01Z|NULL|0.5\n1970-01-01T00:00:02Z|2|NULL\n");
    const Rel *ordered[] = {inputs[1], inputs[0]};
    must(rel_union(world->arena, "/u", ordered, 2, &rel));
    assert_true(rel_is_in_order(rel));
    must(rel_union(world->arena, "/u", inputs, 2, &rel));
    assert_false(rel_is_in_order(rel));
    assert_string_equal(labels_in(world, rel, (TimeSpan){0, 0}), strrchr(early.label, ' ') + 1);
    RelExtent extent = rel_extent(world->arena, rel);
    assert_true(extent.known);
    assert_int_equal(extent.count, 1);
    assert_int_equal(extent.intervals[0].max, 2 * US_PER_SECOND);
}

static void test_unions_that_conflict(void **state)
{
    World *world = *state;
    ScanFile a = seconds(world, 0, 1, 1);
    ScanFile b =
        make_file(world, "SELECT make_timestamptz(0) AS time, 1 AS v", "time", TIME_UNIT_NONE);
    ScanFile c =
        make_file(world, "SELECT make_timestamptz(0) AS ts, 'x' AS v", "ts", TIME_UNIT_NONE);
    ScanFile d = make_file(world, "SELECT 1 AS v", NULL, TIME_UNIT_NONE);
    const Rel *inputs[] = {scan_with(world, &a, 1, ALL), scan_with(world, &b, 1, ALL)}, *rel = NULL;
    expect_error(rel_union(world->arena, "/u", inputs, 2, &rel), ERR_INVALID,
                 "/u: the time column is \"ts\" in /s.series and \"time\" in /s.series");
    inputs[1] = scan_with(world, &c, 1, ALL);
    expect_error(rel_union(world->arena, "/u", inputs, 2, &rel), ERR_INVALID,
                 "column v: INTEGER in");
    must(rel_range(world->arena, inputs[1], (TimeSpan){0, 1}, &inputs[1]));
    expect_error(rel_union(world->arena, "/u", inputs, 2, &rel), ERR_INVALID,
                 "/u: column v: INTEGER in /s.series");
    inputs[1] = scan_with(world, &d, 1, ALL);
    expect_error(rel_union(world->arena, "/u", inputs, 2, &rel), ERR_INVALID, "has no time column");
}

/* Inputs that are no scans: in order where they follow each other. */
static void test_order_of_unions(void **state)
{
    World *world = *state;
    static const int FROM[] = {0, 2, 1};
    const Rel *inputs[3], *rel = NULL;
    for (int i = 0; i < 3; i++) {
        ScanFile file = seconds(world, FROM[i], 2, i);
        must(rel_range(world->arena, scan_with(world, &file, 1, ALL), (TimeSpan){0, US_PER_DAY},
                       &inputs[i]));
    }
    must(rel_union(world->arena, "/u", inputs, 2, &rel));
    assert_true(rel_is_in_order(rel));
    assert_int_equal(times_in(plan_of(world, rel), "ORDER BY"), 0);
    must(rel_union(world->arena, "/u", inputs, 3, &rel));
    assert_false(rel_is_in_order(rel));
    assert_string_equal(all_rows(world, rel),
                        "1970-01-01T00:00:00Z|0\n1970-01-01T00:00:01Z|0\n1970-01-01T00:00:01Z|2\n"
                        "1970-01-01T00:00:02Z|1\n1970-01-01T00:00:02Z|2\n1970-01-01T00:00:03Z|1\n");
    assert_true(rel_in_order_for(rel, (TimeSpan){0, US_PER_SECOND - 1}));
}

static void test_project(void **state)
{
    World *world = *state;
    ScanFile file = seconds(world, 0, 3, 4);
    const Rel *scan = scan_with(world, &file, 1, ALL), *rel = NULL;
    ProjectColumn columns[] = {
        {"v", "text", "varchar"}, {"ts", "t", NULL}, {"v", "dec", "DECIMAL(6, 2)"}};
    must(rel_project(world->arena, scan, columns, 3, &rel));
    must(plan_resolve(world->plan, rel));
    assert_string_equal(rel_schema(rel)->columns[2].type, "DECIMAL(6,2)");
    assert_int_equal(rel_time_index(rel), 1);
    assert_true(rel_is_time_local(rel) && rel_is_in_order(rel));
    const Rel *two = NULL;
    expect_error(rel_project(world->arena, rel, columns, 0, &two), ERR_INVALID, "no columns");
    ProjectColumn days[] = {{"ts", "d", "DATE"}};
    must(rel_project(world->arena, scan, days, 1, &two));
    assert_false(rel_is_time_local(two)); /* the day begins before the rows */
    assert_string_equal(rows_in(world, two, 0, 0), "0\n0\n0\n");
    ProjectColumn missing[] = {{"tss", "x", NULL}};
    expect_error(rel_project(world->arena, scan, missing, 1, &two), ERR_NOT_FOUND,
                 "no column \"tss\"");
    ProjectColumn twice[] = {{"ts", "x", NULL}, {"v", "x", NULL}};
    expect_error(rel_project(world->arena, scan, twice, 2, &two), ERR_INVALID,
                 "two columns would be named \"x\"");
    static const char *const CASTS[] = {"nonsense", "INT), (SELECT 1", "INT) FROM read_csv('x') --",
                                        "", "INT; SELECT 1"};
    for (size_t i = 0; i < sizeof CASTS / sizeof *CASTS; i++) {
        ProjectColumn bad[] = {{"v", "v", CASTS[i]}};
        must(rel_project(world->arena, scan, bad, 1, &two));
        expect_error(plan_resolve(world->plan, two), ERR_INVALID, "is not a type");
    }
}

/* Integer seconds that are renamed and cast become instants. */
static void test_cast_of_time(void **state)
{
    World *world = *state;
    ScanFile file = make_file(world, "SELECT i::BIGINT AS t FROM range(3) r(i)", "t", TIME_UNIT_S);
    const Rel *rel = NULL;
    ProjectColumn columns[] = {
        {"t", "timestamp", "timestamptz"}, {"t", "raw", NULL}, {"t", "local", "TIMESTAMP"}};
    must(rel_project(world->arena, scan_with(world, &file, 1, ALL), columns, 3, &rel));
    assert_true(rel_is_time_local(rel));
    assert_string_equal(rows_in(world, rel, US_PER_SECOND, US_PER_SECOND),
                        "1970-01-01T00:00:01Z|1|1970-01-01T00:00:01Z\n");
}

static void test_estimates(void **state)
{
    World *world = *state;
    ScanFile files[] = {seconds(world, 0, 100, 1), seconds(world, 200, 100, 2)};
    const Rel *rel = scan_with(world, files, 2, ALL), *bucket = NULL;
    assert_int_equal(rel_rows_estimate(rel, ALL), 200);
    assert_int_equal(rel_rows_estimate(rel, (TimeSpan){0, 49 * US_PER_SECOND}), 49);
    assert_int_equal(rel_rows_estimate(rel, (TimeSpan){110 * US_PER_SECOND, 190 * US_PER_SECOND}),
                     0);
    RelExtent extent = rel_extent(world->arena, rel);
    assert_int_equal(extent.count, 2);
    assert_int_equal(extent.intervals[1].min, 200 * US_PER_SECOND);
    must(rel_bucket(world->plan, world->arena, rel,
                    &(BucketSpec){.label = "/b",
                                  .time_column = "ts",
                                  .width_us = US_PER_MINUTE,
                                  .base_width_us = US_PER_MINUTE},
                    &bucket));
    assert_int_equal(rel_rows_estimate(bucket, ALL), 4);
    extent = rel_extent(world->arena, bucket);
    assert_int_equal(extent.count, 2);
    assert_int_equal(extent.intervals[0].max, US_PER_MINUTE);
    assert_int_equal(extent.intervals[1].min, 3 * US_PER_MINUTE);
    assert_int_equal(rel_cut_down(bucket, 119 * US_PER_SECOND), US_PER_MINUTE);
    assert_int_equal(rel_cut_down(rel, 119), 119);
    /* a bucket depends on all of its input */
    assert_string_equal(labels_in(world, bucket, (TimeSpan){US_PER_MINUTE, US_PER_MINUTE}), "v1");
    assert_string_equal(
        labels_in(world, bucket, (TimeSpan){US_PER_MINUTE + 1, 4 * US_PER_MINUTE - 1}), "v2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_files_of_a_span),
        WORLD_TEST(test_only_those_are_opened),
        WORLD_TEST(test_order),
        WORLD_TEST(test_ties),
        WORLD_TEST(test_runs),
        WORLD_TEST(test_ties_of_three),
        WORLD_TEST(test_strays),
        WORLD_TEST(test_many_runs),
        WORLD_TEST(test_columns_are_united_by_name),
        WORLD_TEST(test_many_groups),
        WORLD_TEST(test_native_times),
        WORLD_TEST(test_mixed_times),
        WORLD_TEST(test_deceptive_names),
        WORLD_TEST(test_without_time),
        WORLD_TEST(test_nothing),
        WORLD_TEST(test_union),
        WORLD_TEST(test_union_of_scans),
        WORLD_TEST(test_unions_that_conflict),
        WORLD_TEST(test_order_of_unions),
        WORLD_TEST(test_project),
        WORLD_TEST(test_cast_of_time),
        WORLD_TEST(test_estimates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
