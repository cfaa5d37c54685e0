/* Three sites, each a join of two series; parameters, each a join over the sites; all of them at
 * five resolutions: every version is read once, whatever reads it, and each file has the bytes that
 * it would have by itself. */
#include "perf/ops.h"
#include "rows.h"

enum { SITES = 3, WIDTHS = 5, TARGETS = (SITES + 2) * WIDTHS, MINUTES = 40000 };
static const char *const SITE_NAMES[SITES] = {"A", "B", "C"};
static const int64_t WIDTH_HOURS[WIDTHS] = {1, 2, 4, 12, 24};

typedef struct Bay {
    ScanFile files[SITES * 2 * 2];
    size_t file_count;
    const Rel *sites[SITES];
} Bay;

/* Minutes [from, to) of a device; a fifth of them missing, others for each device; columns that are
 * asked for and three that nobody wants. Values are exact in a double. */
static char *readings(const char *columns, int device, int from, int to)
{
    return arena_printf(
        fx.arena,
        "SELECT TIMESTAMPTZ '2024-03-05 00:00:00Z' + INTERVAL 1 MINUTE * i AS timestamp, %s, "
        "hash(i)::VARCHAR AS w0, hash(i + 1)::VARCHAR AS w1, hash(i + 2)::VARCHAR AS w2 "
        "FROM range(%d, %d) t(i) WHERE hash(i * 7 + %d) %% 5 > 0",
        columns, from, to, device);
}

#define BOX "CASE WHEN i % 13 = 0 THEN NULL ELSE (hash(i * 11) % 4000)::DOUBLE / 8 END AS t"
#define SONDE                                                                                      \
    "(hash(i * 17) % 4000)::DOUBLE / 8 AS t, CASE WHEN i % 7 = 0 THEN NULL ELSE (hash(i * 19) % "  \
    "900)::DOUBLE / 4 END AS d"

static const Rel *device_of(Bay *bay, const char *name, const char *columns, int device)
{
    ScanFile *files = &bay->files[bay->file_count];
    for (int i = 0; i < 2; i++) {
        files[i] = version_of(name, "timestamp",
                              readings(columns, device, i * MINUTES / 2, (i + 1) * MINUTES / 2));
        os_class_add(files[i].path, OS_BLOB);
    }
    bay->file_count += 2;
    return series_of(name, files, 2);
}

static const Rel *joined(const char *label, JoinInput *inputs, size_t count)
{
    JoinSpec spec = {.label = label, .time_column = "timestamp", .inputs = inputs, .count = count};
    const Rel *rel;
    OK(rel_join(the_plan(), fx.arena, &spec, &rel));
    return rel;
}

static void make_sites(Bay *bay)
{
    for (int i = 0; i < SITES; i++) {
        JoinInput sides[] = {{device_of(bay, "box", BOX, 2 * i), "Box"},
                             {device_of(bay, "sonde", SONDE, 2 * i + 1), "Sonde"}};
        bay->sites[i] = joined(SITE_NAMES[i], sides, 2);
    }
}

/* One column of every site. */
static const Rel *parameter(const Bay *bay, const char *column)
{
    JoinInput inputs[SITES];
    for (size_t i = 0; i < SITES; i++) {
        ProjectColumn columns[] = {{.source = "timestamp", .name = "timestamp"},
                                   {.source = column, .name = column}};
        OK(rel_project(fx.arena, bay->sites[i], columns, 2, &inputs[i].rel));
        inputs[i].prefix = SITE_NAMES[i];
    }
    return joined(column, inputs, SITES);
}

static const Rel *reduced(const Rel *input, const char *const *columns, size_t count, int64_t hours)
{
    BucketAgg *aggs = AARRAY(fx.arena, BucketAgg, 2 * count);
    for (size_t i = 0; i < count; i++) {
        aggs[2 * i] =
            (BucketAgg){AGG_AVG, columns[i], arena_printf(fx.arena, "%s.avg", columns[i])};
        aggs[2 * i + 1] =
            (BucketAgg){AGG_MAX, columns[i], arena_printf(fx.arena, "%s.max", columns[i])};
    }
    BucketSpec spec = {.label = "reduced",
                       .time_column = "timestamp",
                       .width_us = hours * US_PER_HOUR,
                       .base_width_us = US_PER_HOUR,
                       .aggs = aggs,
                       .agg_count = 2 * count};
    const Rel *rel;
    OK(rel_bucket(the_plan(), fx.arena, input, &spec, &rel));
    return rel;
}

static ExportInput *inputs_of(const Bay *bay)
{
    static const char *const OF_SITE[] = {"Box.t", "Sonde.t", "Sonde.d"};
    static const char *const T[] = {"A.Sonde.t", "B.Sonde.t", "C.Sonde.t"};
    static const char *const D[] = {"A.Sonde.d", "B.Sonde.d", "C.Sonde.d"};
    const Rel *t = parameter(bay, "Sonde.t"), *d = parameter(bay, "Sonde.d");
    ExportInput *inputs = AARRAY(fx.arena, ExportInput, TARGETS);
    for (size_t w = 0, n = 0; w < WIDTHS; w++) {
        const long long hours = WIDTH_HOURS[w];
        for (size_t i = 0; i < SITES; i++)
            inputs[n++] = input_of(arena_printf(fx.arena, "/%s/res=%lldh", SITE_NAMES[i], hours),
                                   reduced(bay->sites[i], OF_SITE, 3, hours));
        inputs[n++] =
            input_of(arena_printf(fx.arena, "/t/res=%lldh", hours), reduced(t, T, 3, hours));
        inputs[n++] =
            input_of(arena_printf(fx.arena, "/d/res=%lldh", hours), reduced(d, D, 3, hours));
    }
    return inputs;
}

/* Of the columns that something reads, as the files' footers tell. */
static uint64_t projected_bytes(const Bay *bay)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < bay->file_count; i++)
        bytes += strtoull(ask("SELECT sum(total_compressed_size) FROM parquet_metadata('%s') WHERE "
                              "path_in_schema IN ('timestamp', 't', 'd')",
                              bay->files[i].path),
                          NULL, 10);
    return bytes;
}

static void test_versions_are_read_once(void **state)
{
    (void)state;
    Bay bay = {0};
    make_sites(&bay);
    ExportInput *inputs = inputs_of(&bay);
    const uint64_t wanted = projected_bytes(&bay);
    const OsCount before = os_count(OS_ENGINE, OS_BLOB, OS_READ);
    const uint64_t opens = os_count(OS_ENGINE, OS_BLOB, OS_OPEN).calls;
    const uint64_t rows = perf_read(PERF_join_row);
    export_as(inputs, TARGETS, "year,month");
    const uint64_t bytes = os_count(OS_ENGINE, OS_BLOB, OS_READ).bytes - before.bytes;
    if (bytes > wanted * 11 / 10) fail_msg("%" PRIu64 " of %" PRIu64 " bytes", bytes, wanted);
    /* Each statement opens its first file to know its columns, and each of its files to read it. */
    const uint64_t opened = os_count(OS_ENGINE, OS_BLOB, OS_OPEN).calls - opens;
    if (opened > 3 * bay.file_count) fail_msg("%" PRIu64 " opens", opened);
    /* The sites' joins read every row once; the parameters' read what the sites gave, twice. */
    uint64_t stored = 0;
    for (size_t i = 0; i < bay.file_count; i++) stored += (uint64_t)bay.files[i].rows;
    uint64_t given = 0;
    for (size_t i = 0; i < bay.file_count; i += 4)
        given += strtoull(ask("SELECT count(DISTINCT timestamp) FROM read_parquet(['%s', '%s', "
                              "'%s', '%s'])",
                              bay.files[i].path, bay.files[i + 1].path, bay.files[i + 2].path,
                              bay.files[i + 3].path),
                          NULL, 10);
    assert_int_equal(perf_read(PERF_join_row) - rows, stored + 2 * given);
}

static void test_files_are_those_of_each_alone(void **state)
{
    (void)state;
    Bay bay = {0};
    make_sites(&bay);
    ExportInput *inputs = inputs_of(&bay);
    export_as(inputs, TARGETS, "year,month");
    char *together = tree_of(fx.out);
    size_t files = 0;
    for (size_t i = 0; i < TARGETS; i += 3) {
        fx.out = arena_printf(fx.arena, "%s/alone-%zu", fx.base, i);
        export_as(&inputs[i], 1, "year,month");
        for (char *line = tree_of(fx.out); *line != '\0'; line = strchr(line, '\n') + 1) {
            char *one = arena_strndup(fx.arena, line, strcspn(line, "\n"));
            if (strncmp(one, "catalog.json", 12) == 0) continue; /* it has the targets */
            if (strstr(together, one) == NULL) fail_msg("%s is not in\n%s", one, together);
            files++;
        }
    }
    assert_int_equal(files, 9 * 2); /* nine targets, in March and on the first of April */
}

/* Against plain SQL over the sources. */
static void test_rows_are_those_of_sql(void **state)
{
    (void)state;
    Bay bay = {0};
    make_sites(&bay);
    export_as(inputs_of(&bay), TARGETS, "year,month");
    char *sites[SITES];
    for (size_t i = 0; i < SITES; i++) {
        const ScanFile *files = &bay.files[4 * i];
        sites[i] =
            arena_printf(fx.arena,
                         "SELECT coalesce(b.timestamp, s.timestamp) AS timestamp, b.t AS bt, "
                         "s.t AS st, s.d AS sd FROM read_parquet(['%s', '%s']) b FULL JOIN "
                         "read_parquet(['%s', '%s']) s ON b.timestamp = s.timestamp",
                         files[0].path, files[1].path, files[2].path, files[3].path);
    }
    assert_rows(
        "B/res=4h",
        arena_printf(fx.arena,
                     "SELECT time_bucket(INTERVAL 4 HOUR, timestamp, TIMESTAMPTZ '1970-01-01 "
                     "00:00:00Z') AS timestamp, sum(bt) / count(bt), max(bt), sum(st) / "
                     "count(st), max(st), sum(sd) / count(sd), max(sd) FROM (%s) GROUP BY 1",
                     sites[1]));
    assert_rows(
        "d/res=12h",
        arena_printf(fx.arena,
                     "SELECT time_bucket(INTERVAL 12 HOUR, timestamp, TIMESTAMPTZ '1970-01-01 "
                     "00:00:00Z') AS timestamp, sum(a) / count(a), max(a), sum(b) / count(b), "
                     "max(b), sum(c) / count(c), max(c) FROM (SELECT timestamp, a.sd AS a, "
                     "b.sd AS b, c.sd AS c FROM (%s) a FULL JOIN (%s) b USING (timestamp) "
                     "FULL JOIN (%s) c USING (timestamp)) GROUP BY 1",
                     sites[0], sites[1], sites[2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_versions_are_read_once),
                                       TEST(test_files_are_those_of_each_alone),
                                       TEST(test_rows_are_those_of_sql)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
