/* Collapsing versions. Planning by made-up sizes and schemas: how many stay, what is rewritten in
 * the long run, what is never joined. Rewriting on a store in memory: for random schemas that drift
 * the rows that reading gives, their order and the bytes of an export are the same before and
 * after, and rows and times are those of a model. */
#include "provider_test.h"
#include <inttypes.h>

#define MB ((int64_t)1 << 20)

static uint64_t random_state;
static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 16;
}
static int pick(int n)
{
    return (int)(next_random() % (uint64_t)n);
}

/* ---- planning ---- */

static const char ONE_COLUMN[] = "[[\"timestamp\",\"TIMESTAMP WITH TIME ZONE\"]]";

static Version version_of(int64_t number, int64_t size, const char *schema)
{
    return (Version){.version = number,
                     .size_bytes = size,
                     .parquet = true,
                     .rows = 1,
                     .time_column = "timestamp",
                     .schema = schema};
}

/* "3*: 4-7 8" : three stay, then runs by version number. */
static char *plan_text(Arena *arena, EntryType type, const Version *versions, size_t count,
                       size_t most)
{
    CollapsePlan plan;
    OK(provider_collapse_plan(arena, type, versions, count, most, &plan));
    Buf text = buf_new(arena);
    buf_printf(&text, "%zu*:", plan.first);
    for (size_t i = 0; i < plan.run_count; i++) {
        CollapseRun run = plan.runs[i];
        buf_printf(&text, " %zu", run.begin + 1);
        if (run.end - run.begin > 1) buf_printf(&text, "-%zu", run.end);
    }
    assert_int_equal(plan.after, plan.first + plan.run_count);
    if (plan.reason != NULL) buf_printf(&text, " (%s)", plan.reason);
    return text.data;
}

/* Of versions of so many MB; "" ends them. */
static void plans(Arena *arena, const double *mb, size_t count, size_t most, const char *wanted)
{
    Version *versions = AARRAY(arena, Version, count);
    for (size_t i = 0; i < count; i++)
        versions[i] = version_of((int64_t)i + 1, (int64_t)(mb[i] * (double)MB), ONE_COLUMN);
    assert_string_equal(plan_text(arena, ENTRY_TABLE_SERIES, versions, count, most), wanted);
    assert_string_equal(plan_text(arena, ENTRY_DATA_SERIES, versions, count, most), wanted);
}
#define PLANS(most, wanted, ...)                                                                   \
    plans(bench->arena, (const double[]){__VA_ARGS__},                                             \
          sizeof((const double[]){__VA_ARGS__}) / sizeof(double), most, wanted)

static void test_sizes(void **state)
{
    Bench *bench = *state;
    PLANS(4, "4*:", 1, 1, 1, 1); /* no more than wanted */
    PLANS(3, "0*: 1-4", 1, 1, 1, 1);
    PLANS(3, "0*: 1-5", 0.5, 0.1, 0.1, 0.1, 0.1);   /* small ones, whatever their ratio */
    PLANS(3, "1*: 2-5", 100, 1, 1, 1, 1);           /* the large one waits */
    PLANS(3, "0*: 1-5", 100, 25, 10, 10, 10);       /* until half as much has come */
    PLANS(1, "0*: 1-5", 100, 1, 1, 1, 1);           /* or one is asked for */
    PLANS(2, "1*: 2-6", 100, 30, 9, 2.5, 0.7, 0.2); /* as many as asked for, the newest end */
    PLANS(4, "3*: 4-6", 100, 30, 9, 2.5, 0.7, 0.2);
    PLANS(2, "2*: 3-5", 600, 700, 1, 1, 1);            /* full ones stay */
    PLANS(2, "0*: 1-2 3 4 5-6", 1, 1, 600, 700, 1, 1); /* also in the middle */
    PLANS(1, "0*: 1-3 4-5", 400, 400, 200, 300, 300);  /* at most a gigabyte */
}

/* Appends of random sizes, a collapse now and then: the sum of what is rewritten stays within the
 * logarithm of growth, never more than asked for stay (but full ones), nothing is lost. */
static void test_cost_in_the_long_run(void **state)
{
    Bench *bench = *state;
    enum { STEPS = 20000, MOST = 16 };
    random_state = 7;
    Version *versions = AARRAY(bench->arena, Version, STEPS);
    size_t count = 0;
    int64_t all = 0, rewritten = 0, largest_step = 0, number = 0;
    for (int step = 0; step < STEPS; step++) {
        int64_t size = 20000 + pick(200000);
        all += size;
        versions[count++] = version_of(++number, size, ONE_COLUMN);
        if (pick(8) != 0) continue;
        SCRATCH(scratch);
        CollapsePlan plan;
        OK(provider_collapse_plan(scratch, ENTRY_TABLE_SERIES, versions, count, MOST, &plan));
        rewritten += plan.rewrite_bytes;
        size_t kept = plan.first, full = 0;
        int64_t taken = 0;
        for (size_t i = 0; i < plan.run_count; i++) {
            int64_t sum = 0;
            for (size_t k = plan.runs[i].begin; k < plan.runs[i].end; k++)
                sum += versions[k].size_bytes;
            if (plan.runs[i].end - plan.runs[i].begin > 1) taken += sum;
            versions[kept++] = version_of(++number, sum, ONE_COLUMN);
        }
        if (plan.run_count > 0) count = kept;
        assert_int_equal(taken, plan.rewrite_bytes);
        if (taken > largest_step) largest_step = taken;
        for (size_t i = 0; i < count; i++) full += versions[i].size_bytes >= 512 * MB;
        assert_true(count <= MOST + full);
    }
    int64_t now = 0;
    for (size_t i = 0; i < count; i++) now += versions[i].size_bytes;
    assert_int_equal(now, all);
    assert_true(all > 2000 * MB);
    /* each time a byte is rewritten it comes to lie in one and a half times as much: from 20 kB to
     * half a gigabyte that is at most 26 times; it is far less */
    assert_true(rewritten < 12 * all);
    assert_true(largest_step <= 1024 * MB);
}

static void schemas_plan(Arena *arena, const char *a, const char *b, const char *wanted)
{
    Version versions[] = {version_of(1, 100, a), version_of(2, 100, b)};
    assert_string_equal(plan_text(arena, ENTRY_TABLE_SERIES, versions, 2, 1), wanted);
}

static void test_what_one_file_cannot_hold(void **state)
{
    Bench *bench = *state;
    Arena *arena = bench->arena;
#define WITH(name, type) "[[\"timestamp\",\"TIMESTAMP\"],[\"" name "\",\"" type "\"]]"
    schemas_plan(arena, WITH("a", "INTEGER"), WITH("a", "DOUBLE"), "0*: 1-2");
    schemas_plan(arena, WITH("a", "INTEGER"), WITH("b", "VARCHAR"), "0*: 1-2");
    schemas_plan(arena, WITH("a", "\\\"NULL\\\""), WITH("a", "BIGINT"), "0*: 1-2");
    schemas_plan(arena, WITH("a", "DECIMAL(9,2)"), WITH("a", "DECIMAL(9,2)"), "0*: 1-2");
    schemas_plan(arena, WITH("a", "DECIMAL(9,2)"), WITH("a", "INTEGER"),
                 "2*: (column a would become DECIMAL(12,2))");
    schemas_plan(arena, WITH("a", "UBIGINT"), WITH("a", "BIGINT"),
                 "2*: (column a would become HUGEINT)");
    schemas_plan(arena, WITH("a", "INTEGER"), WITH("A", "INTEGER"),
                 "2*: (columns a and A differ only in case)");
    schemas_plan(arena, WITH("a", "INTEGER"), WITH("a", "VARCHAR"),
                 "2*: (column a: INTEGER in older versions, VARCHAR in a newer one)");
    Version times[] = {version_of(1, 100, ONE_COLUMN), version_of(2, 100, ONE_COLUMN)};
    times[1].time_column = "t";
    assert_string_equal(plan_text(arena, ENTRY_TABLE_SERIES, times, 2, 1),
                        "2*: (the time column is another one)");
    times[1] = version_of(2, 100, ONE_COLUMN);
    times[0].attributes = times[1].attributes = "{\"columns\":[[1,0,0]]}"; /* made anew */
    assert_string_equal(plan_text(arena, ENTRY_TABLE_SERIES, times, 2, 1), "0*: 1-2");
    times[1].attributes = "{\"columns\":[[1,0,0]],\"other\":1}";
    assert_string_equal(plan_text(arena, ENTRY_TABLE_SERIES, times, 2, 1),
                        "2*: (a version has attributes of its own)");
}

/* ---- rewriting ---- */

typedef struct World {
    Bench *bench;
    Arena *arena;
    FsMemory *memory;
    FsBackend store;
    Provider *provider;
    Node node;
    int64_t rows;
    TimeSpan range;
    const char *first_export, *last_export;
} World;

static int files; /* made so far */

static World world_new(Bench *bench, EntryType type)
{
    World world = {.bench = bench, .arena = bench->arena, .range = {TIME_MAX, TIME_MIN}};
    OK(fs_memory_open(world.arena, bench->dir, &world.memory));
    world.store = fs_memory_backend(world.memory);
    ProviderOptions options = {.backend = world.store, .scratch = bench_scratch, .context = bench};
    OK(provider_open(world.arena, &options, &world.provider));
    fs_memory_begin(world.memory);
    OK(world.store.ops->create(world.store.self, world.arena,
                               &(Node){.parent = NODE_ROOT, .name = "s", .type = type},
                               &world.node));
    fs_memory_commit(world.memory);
    return world;
}

static void append_select(World *world, const char *select)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    Arena *arena = world->arena;
    ParquetStats stats;
    char *path = arena_printf(arena, "%s/given-%d.parquet", world->bench->dir, ++files);
    OK(engine_connect(&conn));
    OK(engine_write_parquet(arena, conn, &(ParquetWrite){.select_sql = select, .path = path},
                            &stats));
    VersionSpec spec = {.staged_path = path};
    OK(os_sha256_file(path, &spec.meta.size_bytes, spec.meta.sha256));
    OK(provider_check_parquet(world->provider, arena, path,
                              &(IngestOptions){.label = path, .series = true, .converted = true},
                              &spec.meta));
    fs_memory_begin(world->memory);
    OK(world->store.ops->append(world->store.self, world->node.id, &spec, NULL));
    fs_memory_commit(world->memory);
}

static const Rel *relation(World *world)
{
    Source source = {.node = world->node, .path = "/s"};
    const Rel *rel = NULL;
    Plan *plan = NULL;
    world->provider->relations = map_new(world->arena); /* what it knew has changed */
    OK(provider_relation(world->provider, &source, NULL, &rel));
    OK(provider_plan(world->provider, &plan));
    OK(plan_resolve(plan, rel));
    return rel;
}

/* The bytes of an export of everything. */
static const char *export_hash(World *world)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    Plan *plan = NULL;
    RelWritten written;
    int64_t size = 0;
    char *hash = arena_alloc(world->arena, SHA256_HEX + 1);
    char *path = arena_printf(world->arena, "%s/export-%d.parquet", world->bench->dir, ++files);
    const Rel *rel = relation(world);
    if (world->first_export == NULL) world->first_export = path;
    world->last_export = path;
    OK(provider_plan(world->provider, &plan));
    OK(engine_connect(&conn));
    RelWrite write = {.read = {.span = {TIME_MIN, TIME_MAX}, .sorted = true}, .path = path};
    OK(rel_write(plan, world->arena, conn, rel, &write, &written));
    OK(os_sha256_file(path, &size, hash));
    assert_int_equal(written.rows, world->rows);
    if (world->rows > 0) {
        assert_true(written.range.min == world->range.min);
        assert_true(written.range.max == world->range.max);
    }
    return hash;
}

/* The last export and the first, row by row. */
static void expect_same_rows(World *world)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    char *text = NULL;
    const char *first = engine_path_sql(world->arena, world->first_export),
               *last = engine_path_sql(world->arena, world->last_export);
    OK(engine_connect(&conn));
    OK(engine_scalar_text(
        world->arena, conn,
        arena_printf(world->arena,
                     "SELECT count(*) || ' ' || count(*) FILTER (WHERE a IS DISTINCT FROM b) FROM "
                     "(SELECT row_number() OVER () AS r, a FROM read_parquet(%s) a) JOIN "
                     "(SELECT row_number() OVER () AS r, b FROM read_parquet(%s) b) USING (r)",
                     first, last),
        NULL, 0, &text));
    assert_string_equal(text, arena_printf(world->arena, "%" PRId64 " 0", world->rows));
}

static void collapse(World *world, size_t most)
{
    Version *versions = NULL;
    size_t count = 0;
    CollapsePlan plan;
    OK(world->store.ops->versions(world->store.self, world->arena, world->node.id, &versions,
                                  &count));
    OK(provider_collapse_plan(world->arena, world->node.type, versions, count, most, &plan));
    CollapseCall call = {.node = &world->node, .path = "/s", .versions = versions, .plan = &plan};
    fs_memory_begin(world->memory);
    OK(provider_collapse(world->provider, world->arena, &call));
    fs_memory_commit(world->memory);
    Node now;
    bool found = false;
    OK(world->store.ops->get(world->store.self, world->arena, world->node.id, &found, &now));
    assert_int_equal(now.version_count, plan.after);
    assert_int_equal(now.rows, world->node.type == ENTRY_TABLE_SERIES ? world->rows : -1);
}

/* A version: rows from `start` on, every `step`; each column is of a random type of its family,
 * now and then missing. */
static void append_random(World *world, TimeUs start)
{
    static const char *const FAMILIES[][4] = {{"TINYINT", "INTEGER", "BIGINT", "DOUBLE"},
                                              {"FLOAT", "DOUBLE", "SMALLINT", "UINTEGER"},
                                              {"VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR"},
                                              {"DATE", "TIMESTAMP", "DATE", "TIMESTAMP"},
                                              {"DECIMAL(9,2)", "DECIMAL(9,2)", "DOUBLE", "FLOAT"},
                                              {"BOOLEAN", "BOOLEAN", "BOOLEAN", "BOOLEAN"}};
    static const char *const VALUES[] = {
        "(i * 7 % 100)",   "(i * 13 % 128)",
        "('v' || i % 50)", "(DATE '2020-01-01' + (i % 90)::INTEGER)",
        "(i % 1000)",      "(i % 3 = 0)"};
    static const char *const TIMES[] = {"TIMESTAMPTZ", "TIMESTAMP", "TIMESTAMP", "TIMESTAMPTZ"};
    int64_t rows = pick(6) == 0 ? 130000 + pick(20000) : 1 + pick(4000), step = 1 + pick(100);
    Buf sql = buf_new(world->arena);
    buf_printf(&sql, "SELECT make_timestamptz(%" PRId64 " + i * %" PRId64 ")::%s AS timestamp",
               start, step * US_PER_SECOND, TIMES[pick(4)]);
    for (size_t f = 0; f < COUNT_OF(FAMILIES); f++) {
        if (pick(3) == 0) continue;
        buf_printf(&sql, ", CASE WHEN i %% %d <> 0 THEN ", 2 + pick(9));
        buf_puts(&sql, VALUES[f]);
        buf_printf(&sql, "::%s END AS c%zu", FAMILIES[f][pick(4)], f);
    }
    buf_printf(&sql, " FROM range(%" PRId64 ") t(i)", rows);
    append_select(world, sql.data);
    TimeUs last = start + (rows - 1) * step * US_PER_SECOND;
    world->rows += rows;
    if (start < world->range.min) world->range.min = start;
    if (last > world->range.max) world->range.max = last;
}

static void test_reading_is_the_same(void **state)
{
    Bench *bench = *state;
    const char *given = getenv("POND_SEED");
    uint64_t seed = given != NULL ? (uint64_t)atol(given) : (uint64_t)(getpid());
    random_state = seed;
    print_message("# seed %" PRIu64 "\n", seed);
    for (int round = 0; round < 4; round++) {
        World world = world_new(bench, ENTRY_TABLE_SERIES);
        TimeUs at = INT64_C(1700000000) * US_PER_SECOND;
        int versions = 5 + pick(8);
        for (int i = 0; i < versions; i++) {
            append_random(&world, at);
            at += (pick(3) == 0 ? -1 : 1) * (int64_t)pick(400000) *
                  US_PER_SECOND; /* late ones, overlaps */
        }
        const char *before = export_hash(&world);
        Schema columns = *rel_schema(relation(&world));
        for (size_t most = 4; most >= 1; most--) {
            collapse(&world, most);
            assert_true(schema_equal(&columns, rel_schema(relation(&world))));
            const char *after = export_hash(&world);
            expect_same_rows(&world);
            assert_string_equal(after, before);
        }
        provider_close_at(&world.provider);
    }
}

/* Rows in version order, each version's own order kept, also where another order would be one by
 * time; integers that count seconds keep their unit. */
static void test_order_and_units(void **state)
{
    World world = world_new(*state, ENTRY_TABLE_SERIES);
    append_select(&world, "SELECT 1700000300 + i AS timestamp, 'a' || i AS v FROM range(3) t(i)");
    append_select(&world, "SELECT 1700000100 - i AS timestamp, 'b' || i AS v FROM range(3) t(i)");
    append_select(&world, "SELECT 1700000200 + i AS timestamp, 'c' || i AS v FROM range(2) t(i)");
    world.rows = 8;
    collapse(&world, 1);
    Version *versions = NULL;
    size_t count = 0;
    OK(world.store.ops->versions(world.store.self, world.arena, world.node.id, &versions, &count));
    assert_int_equal(count, 1);
    assert_int_equal(versions[0].version, 4);
    assert_int_equal(versions[0].time_unit, TIME_UNIT_S);
    assert_false(versions[0].in_order);
    assert_int_equal(versions[0].interval_count,
                     8); /* each row by itself, but neighbours touch not */
    assert_true(versions[0].intervals[0].min == INT64_C(1700000098) * US_PER_SECOND);
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    Content content;
    char *text = NULL;
    OK(world.store.ops->content(world.store.self, world.arena, &versions[0], &content));
    OK(engine_connect(&conn));
    const char *from = engine_read_parquet_sql(world.arena, &content.path, 1, "");
    OK(engine_scalar_text(
        world.arena, conn,
        arena_printf(world.arena,
                     "SELECT string_agg(v, ' ') || ' ' || typeof(any_value(timestamp)) FROM %s",
                     from),
        NULL, 0, &text));
    assert_string_equal(text, "a0 a1 a2 b0 b1 b2 c0 c1 BIGINT");
    provider_close_at(&world.provider);
}

static void append_bytes(World *world, const char *bytes, size_t size)
{
    VersionSpec spec = {.meta = {.size_bytes = (int64_t)size, .rows = -1}};
    if (size <= 4096) {
        spec.meta.bytes = arena_strndup(world->arena, bytes, size);
    } else {
        char *path = arena_printf(world->arena, "%s/bytes-%d", world->bench->dir, ++files);
        OK(os_replace_file(path, bytes, size));
        OK(os_sha256_file(path, &spec.meta.size_bytes, spec.meta.sha256));
        spec.staged_path = path;
    }
    fs_memory_begin(world->memory);
    OK(world->store.ops->append(world->store.self, world->node.id, &spec, NULL));
    fs_memory_commit(world->memory);
}

static void test_bytes(void **state)
{
    World world = world_new(*state, ENTRY_DATA_SERIES);
    Buf all = buf_new(world.arena);
    random_state = 11;
    for (int i = 0; i < 40; i++) {
        size_t size = (size_t)(i % 10 == 9 ? 5000 + pick(3000) : pick(60));
        Buf part = buf_new(world.arena);
        buf_putc(&part, '+');
        while (part.size <= size) buf_putc(&part, (char)('a' + pick(26)));
        append_bytes(&world, part.data, part.size);
        buf_add(&all, part.data, part.size);
        if (i != 8 && i != 39) continue; /* once what is inline, once more than that */
        collapse(&world, 1);
        Version *versions = NULL;
        size_t count = 0, got = 0;
        Content content;
        OK(world.store.ops->versions(world.store.self, world.arena, world.node.id, &versions,
                                     &count));
        assert_int_equal(count, 1);
        OK(world.store.ops->content(world.store.self, world.arena, &versions[0], &content));
        assert_int_equal(content.size_bytes, all.size);
        assert_int_equal(content.path == NULL, i == 8);
        char *bytes = NULL;
        if (content.path != NULL)
            OK(os_read_file(world.arena, content.path, all.size, &bytes, &got));
        assert_memory_equal(content.path != NULL ? bytes : content.bytes, all.data, all.size);
    }
    provider_close_at(&world.provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sizes),

        TEST(test_cost_in_the_long_run),
        TEST(test_what_one_file_cannot_hold),
        TEST(test_reading_is_the_same),
        TEST(test_order_and_units),
        TEST(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
