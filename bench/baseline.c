/* DuckDB by itself, as a user would call it: what pond's exports are compared with, and the maker
 * of the data.
 *
 *   baseline generate ROWS STEP_US FILE            10 columns, one row every STEP_US, Parquet
 * (snappy, as sources are) baseline partition THREADS OUT FILE            one COPY ... PARTITION_BY
 * (year, month), v2 + zstd, then fsync baseline series THREADS OUT FILE...            one
 * connection, one such COPY per file, then fsync
 */
#include <duckdb.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void run(duckdb_connection conn, const char *sql)
{
    duckdb_result result;
    if (duckdb_query(conn, sql, &result) != DuckDBSuccess) {
        (void)fprintf(stderr, "baseline: %s\n%s\n", duckdb_result_error(&result), sql);
        exit(1);
    }
    duckdb_destroy_result(&result);
}

static duckdb_connection connect_with(const char *threads)
{
    duckdb_config config;
    duckdb_database database;
    duckdb_connection conn;
    if (duckdb_create_config(&config) != DuckDBSuccess) exit(1);
    (void)duckdb_set_config(config, "threads", threads);
    (void)duckdb_set_config(config, "memory_limit", "2GB");
    char *error = NULL;
    if (duckdb_open_ext(":memory:", &database, config, &error) != DuckDBSuccess) {
        (void)fprintf(stderr, "baseline: %s\n", error);
        exit(1);
    }
    if (duckdb_connect(database, &conn) != DuckDBSuccess) exit(1);
    run(conn, "SET TimeZone='UTC'");
    return conn;
}

static void generate(const char *rows, const char *step_us, const char *file)
{
    char sql[2048];
    (void)snprintf(
        sql, sizeof sql,
        "COPY (SELECT make_timestamptz(1640995200000000 + i * %s) AS timestamp, CAST(i %% 7 AS "
        "INTEGER) AS site, "
        "round(10 + 5 * sin(i / 6875.0), 2) AS v1, round(20 + 3 * cos(i / 43200.0), 2) AS v2, "
        "round(1013 + (i %% 1000) / 100.0, 1) AS v3, round(7 + sin(i / 1000.0), 3) AS v4, round(i "
        "/ 100000.0, 1) AS v5, "
        "round(50 + 10 * sin(i / 86400.0), 1) AS v6, round(3 + cos(i / 500.0), 2) AS v7, hash(i) / "
        "1.8e19 AS v8 "
        "FROM range(%s) t(i)) TO '%s' (FORMAT parquet)",
        step_us, rows, file);
    run(connect_with("2"), sql);
}

static void partition(duckdb_connection conn, const char *file, const char *out)
{
    char sql[16384];
    (void)snprintf(sql, sizeof sql,
                   "COPY (SELECT *, year(timestamp) AS year, month(timestamp) AS month FROM "
                   "read_parquet('%s')) TO '%s' (FORMAT parquet, "
                   "PARTITION_BY (year, month), PARQUET_VERSION v2, COMPRESSION zstd)",
                   file, out);
    run(conn, sql);
}

static int sync_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)ftw;
    int fd = open(path, type == FTW_F ? O_RDONLY : O_RDONLY | O_DIRECTORY);
    if (fd < 0 || fsync(fd) != 0) return 1;
    return close(fd);
}

static int series(const char *threads, const char *out, int count, char **files)
{
    duckdb_connection conn = connect_with(threads);
    if (mkdir(out, 0777) != 0) return 1;
    for (int i = 0; i < count; i++) {
        char dir[4096];
        (void)snprintf(dir, sizeof dir, "%s/%d", out, i);
        partition(conn, files[i], dir);
    }
    return nftw(out, sync_one, 16, FTW_PHYS | FTW_DEPTH);
}

static void text(const char *format, const char *rows, const char *file)
{
    char sql[2048];
    (void)snprintf(
        sql, sizeof sql,
        "COPY (SELECT strftime(make_timestamp(1640995200000000 + i * 2000000), "
        "'%%Y-%%m-%%dT%%H:%%M:%%SZ') AS "
        "timestamp, i %% 7 AS site, round(10 + 5 * sin(i / 6875.0), 2) AS temperature, "
        "round(20 + 3 * cos(i / 43200.0), 2) AS salinity, round(1013 + (i %% 1000) / 100.0, 1) AS "
        "pressure, round(7 + sin(i / 1000.0), 3) AS ph, round(50 + 10 * sin(i / 86400.0), 1) AS "
        "humidity, (hash(i) %% 100000) / 1000.0 AS noise, i %% 60 AS count, CASE WHEN i %% 50 = 0 "
        "THEN 'checked, \"ok\"' WHEN i %% 3 = 0 THEN NULL ELSE 'normal' END AS note FROM "
        "range(%s) t(i)) TO '%s' (FORMAT %s)",
        rows, file, format);
    run(connect_with("2"), sql);
}

/* As a user would, with an instance's own number of threads. */
static void convert(const char *format, const char *file, const char *parquet)
{
    char sql[4096];
    duckdb_database database;
    duckdb_connection conn;
    if (duckdb_open(":memory:", &database) != DuckDBSuccess) exit(1);
    if (duckdb_connect(database, &conn) != DuckDBSuccess) exit(1);
    (void)snprintf(sql, sizeof sql, "COPY (SELECT * FROM read_%s('%s')) TO '%s' (FORMAT parquet)",
                   format, file, parquet);
    run(conn, sql);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "generate") == 0) {
        generate(argv[2], argv[3], argv[4]);
        return 0;
    }
    if (argc >= 5 && strcmp(argv[1], "partition") == 0) {
        partition(connect_with(argv[2]), argv[4], argv[3]);
        return nftw(argv[3], sync_one, 16, FTW_PHYS | FTW_DEPTH);
    }
    if (argc >= 5 && strcmp(argv[1], "series") == 0)
        return series(argv[2], argv[3], argc - 4, argv + 4);
    if (argc == 5 && strcmp(argv[1], "text") == 0) {
        text(argv[2], argv[3], argv[4]);
        return 0;
    }
    if (argc == 5 && strcmp(argv[1], "convert") == 0) {
        convert(argv[2], argv[3], argv[4]);
        return 0;
    }
    (void)fprintf(stderr, "usage: baseline generate|partition|series|text|convert ...\n");
    return 2;
}
