/* From patterns to OUT over a stored tree: which nodes, in which places, and what is refused. The
 * store is the one in memory. */
#include "rows.h"

typedef struct Pond {
    FsMemory *memory;
    FsBackend backend;
    Fs *fs;
    Provider *provider;
} Pond;
static Pond pond;

static Err *give_scratch(void *context, const char **out)
{
    (void)context;
    *out = fx.scratch;
    return NULL;
}

static int set_up_pond(void **state)
{
    if (set_up(state) != 0) return -1;
    OK(fs_memory_open(fx.arena, fx.base, &pond.memory));
    pond.backend = fs_memory_backend(pond.memory);
    OK(fs_open(fx.arena, pond.backend, &pond.fs));
    fs_memory_begin(pond.memory);
    return 0;
}

static int tear_down_pond(void **state)
{
    provider_close_at(&pond.provider);
    return tear_down(state);
}
#define POND_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_pond, tear_down_pond)

static Node make(const char *path, EntryType type, const char *content)
{
    Node template = {.type = type, .content = content}, node;
    OK(fs_mkdir(pond.fs, fx.arena, path_parent(fx.arena, path), true, NULL));
    OK(fs_create(pond.fs, fx.arena, path, &template, &node));
    return node;
}

static void add_bytes(const Node *node, const char *bytes)
{
    VersionSpec spec = {.meta = {.bytes = bytes, .size_bytes = (int64_t)strlen(bytes), .rows = -1}};
    Version version;
    sha256_of(bytes, strlen(bytes), spec.meta.sha256);
    OK(pond.backend.ops->append(pond.backend.self, node->id, &spec, &version));
}

static void add_rows(const Node *node, const char *time_column, const char *select)
{
    ScanFile file = version_of(node->name, time_column, select);
    Buf schema = buf_new(fx.arena);
    JsonOut json = json_out(&schema);
    schema_to_json(&json, &file.schema);
    VersionSpec spec = {.meta = {.size_bytes = file.size_bytes,
                                 .parquet = true,
                                 .rows = file.rows,
                                 .time_column = file.time_column,
                                 .intervals = (TimeSpan *)(uintptr_t)file.intervals,
                                 .interval_count = file.interval_count,
                                 .in_order = file.in_order,
                                 .schema = schema.data},
                        .staged_path = file.path};
    memcpy(spec.meta.sha256, file.sha256, sizeof file.sha256);
    Version version;
    OK(pond.backend.ops->append(pond.backend.self, node->id, &spec, &version));
}

static Err *export_patterns(const char *const *patterns, size_t count, ExportSummary *out)
{
    if (pond.provider == NULL) {
        ProviderOptions options = {.backend = pond.backend, .scratch = give_scratch};
        fs_memory_commit(pond.memory);
        TRY(provider_open(fx.arena, &options, &pond.provider));
    }
    ExportOptions options = options_new();
    options.patterns = patterns;
    options.pattern_count = count;
    options.temporal = NULL;
    return export_run(fx.arena, pond.provider, &options, out);
}

static Err *export_one(const char *pattern, ExportSummary *out)
{
    const char **patterns = AARRAY(fx.arena, const char *, 1);
    patterns[0] = pattern;
    return export_patterns(patterns, 1, out);
}

#define DAYS(n)                                                                                    \
    "SELECT TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL 1 DAY * i AS timestamp, i AS v FROM "    \
    "range(" #n ") t(i)"

static void test_nodes_of_every_type(void **state)
{
    (void)state;
    Node data = make("/in/note.txt", ENTRY_DATA, NULL),
         log = make("/in/log", ENTRY_DATA_SERIES, NULL),
         table = make("/in/list.table", ENTRY_TABLE, NULL),
         series = make("/in/a.series", ENTRY_TABLE_SERIES, NULL);
    make("/in/empty.series", ENTRY_TABLE_SERIES, NULL);
    make("/in/void", ENTRY_DATA_SERIES, NULL);
    make("/in/link", ENTRY_SYMLINK, "a.series");
    add_bytes(&data, "old");
    add_bytes(&data, "new");
    add_bytes(&log, "one\n");
    add_bytes(&log, "two\n");
    add_rows(&table, NULL, "SELECT i AS id FROM range(10) t(i)");
    add_rows(&series, "timestamp", DAYS(10));
    add_rows(&series, "timestamp",
             "SELECT TIMESTAMPTZ '2024-02-01 00:00:00Z' AS timestamp, 7::BIGINT AS v");
    ExportSummary summary;
    OK(export_one("/in/*", &summary));
    assert_string_equal(
        names_of(fx.out),
        "a.series/\na.series/data.parquet\ncatalog.json\nlink/\nlink/data.parquet\nlist.table/\n"
        "list.table/data.parquet\nlog\nnote.txt\nvoid\n");
    assert_string_equal(file_text(under(fx.out, "note.txt")), "new");
    assert_string_equal(file_text(under(fx.out, "log")), "one\ntwo\n");
    assert_rows("a.series", DAYS(10) " UNION ALL SELECT TIMESTAMPTZ '2024-02-01 00:00:00Z' AS "
                                     "timestamp, 7::BIGINT AS v");
    assert_rows("link", DAYS(10) " UNION ALL SELECT TIMESTAMPTZ '2024-02-01 00:00:00Z' AS "
                                 "timestamp, 7::BIGINT AS v");
    assert_rows("list.table", "SELECT i AS id FROM range(10) t(i)");
    assert_int_equal(summary.target_count, 7);
    assert_int_equal(summary.rows, 11 + 11 + 10);
    for (size_t i = 0; i < summary.target_count; i++)
        if (strcmp(summary.targets[i].source, "/in/log") == 0)
            assert_int_equal(summary.targets[i].rows, -1);
}

static void test_captures_name_the_places(void **state)
{
    (void)state;
    Node a = make("/r/DO/res=1h.series", ENTRY_TABLE_SERIES, NULL),
         b = make("/r/x/y/res=1d.series", ENTRY_TABLE_SERIES, NULL),
         c = make("/r/res=2h.series", ENTRY_TABLE_SERIES, NULL);
    add_rows(&a, "timestamp", DAYS(3));
    add_rows(&b, "timestamp", DAYS(4));
    add_rows(&c, "timestamp", DAYS(5));
    ExportSummary summary;
    OK(export_one("/r/**/*.series", &summary));
    assert_string_equal(names_of(fx.out),
                        "DO/\nDO/res=1h/\nDO/res=1h/data.parquet\ncatalog.json\nres=2h/\nres=2h/"
                        "data.parquet\nx/\nx/y/\n"
                        "x/y/res=1d/\nx/y/res=1d/data.parquet\n");
    fx.out = under(fx.base, "literal");
    OK(export_one("/r/DO/res=1h.series", &summary));
    assert_string_equal(names_of(fx.out),
                        "catalog.json\nr/\nr/DO/\nr/DO/res=1h/\nr/DO/res=1h/data.parquet\n");
}

static void test_what_is_refused(void **state)
{
    (void)state;
    Node a = make("/d/a.series", ENTRY_TABLE_SERIES, NULL);
    add_rows(&a, "timestamp", DAYS(3));
    make("/d/sub/x", ENTRY_DATA, NULL);
    ExportSummary summary;
    FAILS(export_one("/d", &summary), INVALID, "/d: is a directory");
    FAILS(export_one("/d/*", &summary), INVALID, "/d/sub: is a directory");
    FAILS(export_one("/nothing/*", &summary), NOT_FOUND, "/nothing/*: nothing in the pond matches");
    FAILS(export_one("/d/[", &summary), INVALID, NULL);
    FAILS(export_one("host+csv:///tmp/x.csv", &summary), INVALID, "not from the host");
    FAILS(export_patterns(NULL, 0, &summary), USAGE, "no pattern");
    static const char *const TWICE[] = {"/d/a.series", "/d/{a}.series", "/d/a.series"},
                             *const CLASH[] = {"/d/*.series", "/d/?.series"};
    FAILS(export_patterns(CLASH, 2, &summary), INVALID, "would both be exported to a");
    assert_int_equal(access(fx.out, F_OK), -1);
    OK(export_patterns(TWICE, 3, &summary));
    assert_int_equal(summary.target_count, 2);
}

static void test_overrides_hold(void **state)
{
    (void)state;
    Node a = make("/a.series", ENTRY_TABLE_SERIES, NULL);
    add_rows(&a, "timestamp",
             "SELECT unnest([TIMESTAMPTZ '1970-01-01 00:07:00Z', '2024-01-01 00:00:00Z', "
             "'2024-01-02 00:00:00Z']) AS "
             "timestamp, 1 AS v");
    a.has_min_override = true;
    a.min_override = time_at("2024-01-01");
    OK(pond.backend.ops->update(pond.backend.self, &a));
    ExportSummary summary;
    OK(export_one("/a.series", &summary));
    assert_int_equal(summary.rows, 2);
    assert_rows("a", "SELECT unnest([TIMESTAMPTZ '2024-01-01 00:00:00Z', '2024-01-02 00:00:00Z']) "
                     "AS timestamp, 1 AS v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        POND_TEST(test_nodes_of_every_type),
        POND_TEST(test_captures_name_the_places),
        POND_TEST(test_what_is_refused),
        POND_TEST(test_overrides_hold),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
