/* Sources as Parquet files made by plain SQL, and questions to what was exported, asked on a
 * connection of its own. */
#pragma once
#include "export_test.h"

static inline char *ask(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline char *ask(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sql = arena_vprintf(fx.arena, format, args);
    va_end(args);
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    char *answer = NULL;
    OK(engine_connect(&conn));
    Err *err = engine_scalar_text(fx.arena, conn, sql, NULL, 0, &answer);
    if (err != NULL) print_error("%s\n", sql);
    OK(err);
    return answer;
}

static inline TimeUs time_at(const char *text)
{
    TimeUs time;
    OK(time_parse(text, &time));
    return time;
}

/* One version: rows of `select` as they come. Interval and order are what ingest would have found.
 */
static inline ScanFile version_of(const char *name, const char *time_column, const char *select)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    OK(engine_connect(&conn));
    static int number;
    ScanFile file = {.path = arena_printf(fx.arena, "%s/source-%d.parquet", fx.base, number++),
                     .label = name,
                     .time_column = time_column};
    ParquetWrite write = {.select_sql = select, .path = file.path};
    ParquetStats stats;
    OK(engine_write_parquet(fx.arena, conn, &write, &stats));
    OK(engine_parquet_schema(fx.arena, conn, file.path, &file.schema, &file.rows));
    OK(os_sha256_file(file.path, &file.size_bytes, file.sha256));
    if (time_column == NULL || file.rows == 0) return file;
    TimeSpan *span = ANEW(fx.arena, TimeSpan);
    span->min =
        strtoll(ask("SELECT epoch_us(min(\"%s\")) FROM '%s'", time_column, file.path), NULL, 10);
    span->max =
        strtoll(ask("SELECT epoch_us(max(\"%s\")) FROM '%s'", time_column, file.path), NULL, 10);
    file.intervals = span;
    file.interval_count = 1;
    file.in_order = strcmp(ask("SELECT count(*) FROM (SELECT \"%s\" < lag(\"%s\") OVER (ORDER BY "
                               "file_row_number) AS b FROM "
                               "read_parquet('%s', file_row_number = true)) WHERE b",
                               time_column, time_column, file.path),
                           "0") == 0;
    return file;
}

static inline const Rel *series_of(const char *label, ScanFile *files, size_t count)
{
    ScanSpec spec = {
        .label = label, .files = files, .file_count = count, .clip = {TIME_MIN, TIME_MAX}};
    const Rel *rel;
    OK(rel_scan(fx.arena, &spec, &rel));
    return rel;
}

static inline const Rel *series_from(const char *name, const char *select)
{
    ScanFile *file = ANEW(fx.arena, ScanFile);
    *file = version_of(name, "timestamp", select);
    return series_of(name, file, 1);
}

static inline ExportSummary export_as(const ExportInput *inputs, size_t count, const char *temporal)
{
    ExportOptions options = options_new();
    ExportSummary summary;
    options.temporal = temporal;
    OK(run_export(inputs, count, &options, &summary));
    return summary;
}

static inline Err *try_as(const ExportInput *inputs, size_t count, const char *temporal)
{
    ExportOptions options = options_new();
    ExportSummary summary;
    options.temporal = temporal;
    return run_export(inputs, count, &options, &summary);
}

/* Rows below OUT/path, keys not read from names. */
static inline char *rows_in(const char *path)
{
    return arena_printf(
        fx.arena,
        "read_parquet('%s/%s/**/*.parquet', hive_partitioning = false, union_by_name = true)",
        fx.out, path);
}

/* The export holds exactly the rows of `select`, by value. */
static inline void assert_rows(const char *path, const char *select)
{
    const char *got = rows_in(path);
    assert_string_equal(ask("SELECT count(*) FROM (FROM %s EXCEPT ALL (%s))", got, select), "0");
    assert_string_equal(ask("SELECT count(*) FROM ((%s) EXCEPT ALL FROM %s)", select, got), "0");
}

/* Each file's rows are in time order, and in the window its directory says. */
static inline void assert_order_and_keys(const char *path, const char *keys_sql)
{
    const char *rows = arena_printf(fx.arena,
                                    "read_parquet('%s/%s/**/*.parquet', hive_partitioning = false, "
                                    "file_row_number = true, filename = true)",
                                    fx.out, path);
    assert_string_equal(ask("SELECT count(*) FROM (SELECT timestamp < lag(timestamp) OVER "
                            "(PARTITION BY filename ORDER BY "
                            "file_row_number) AS b FROM %s) WHERE b",
                            rows),
                        "0");
    assert_string_equal(
        ask("SELECT count(*) FROM %s WHERE NOT contains(filename, %s)", rows, keys_sql), "0");
}
