/* The two figures of export, each against the engine's own PARTITION_BY, as interleaved pairs of processes.
 *
 *   export_bench gen DIR ROWS            ROWS rows x 10 columns, a row each 2 s, in DIR/source.parquet
 *   export_bench gen-many DIR N ROWS     N series of ROWS rows each, DIR/s0000.parquet ...
 *   export_bench ours DIR OUT THREADS    our export by year,month of every file in DIR, with hashes, manifest, fsync
 *   export_bench theirs DIR OUT THREADS  COPY ... PARTITION_BY (year, month) per file on one connection, then fsync of every file
 *   export_bench pairs DIR OUT THREADS N both, N times, in alternating order; prints every pair, the median ratio and peak memory
 *
 * Both write v2 pages with zstd. Each run is a process of its own, so neither inherits the other's memory; OUT is removed before the clock
 * starts. bench/README says how to read the figures. */
#include "export/publish_int.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(Err *err)
{
    if (err == NULL) return;
    (void)fprintf(stderr, "export_bench: %s\n", err_message(err));
    exit(1);
}

/* ---- sources ---- */

/* Seven sensor-like signals rounded to three digits, one of pure noise, one of few values. */
static char *source_sql(Arena *arena, long long rows, long long seed)
{
    Buf sql = buf_new(arena);
    buf_puts(&sql, "SELECT TIMESTAMPTZ '2022-01-01 00:00:00Z' + INTERVAL 2 SECOND * i AS timestamp, (i % 5)::INTEGER AS site");
    for (int v = 1; v <= 7; v++)
        buf_printf(&sql,
                   ", round(%d + %d * sin(i / %d.0 + %lld) + (hash(i + %d * 1000003 + %lld) %% 1000) / 5000.0, 3) AS v%d",
                   10 * v, v, 500 * v * v, seed, v, seed, v);
    buf_printf(&sql, ", (hash(i * 7919 + %lld) %% 1000000007) / 1000000007.0 AS v8 FROM range(%lld) t(i)", seed, rows);
    return sql.data;
}

static void generate(const char *path, long long rows, long long seed)
{
    SCRATCH(scratch);
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    ParquetStats stats;
    check(engine_connect(&conn));
    ParquetWrite write = {.select_sql = source_sql(scratch, rows, seed), .path = path};
    check(engine_write_parquet(scratch, conn, &write, &stats));
}

static void generate_many(const char *dir, long long count, long long rows)
{
    SCRATCH(scratch);
    for (long long i = 0; i < count; i++) generate(arena_printf(scratch, "%s/s%04lld.parquet", dir, i), rows, i);
}

static const char **files_in(Arena *arena, const char *dir, size_t *out_count)
{
    OsEntry *entries;
    size_t count, kept = 0;
    check(os_list(arena, dir, &entries, &count));
    const char **names = AARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        if (text_ends(entries[i].name, ".parquet")) names[kept++] = entries[i].name;
    *out_count = kept;
    return names;
}

/* ---- ours ---- */

static const char *const PATTERN[] = {"/*.parquet"};

/* What ingest records; here from the footer, so that it is not part of the measured time. */
static void describe(Arena *arena, Conn *conn, const char *path, ScanFile *out)
{
    TimeSpan *span = ANEW(arena, TimeSpan);
    char *text;
    *out = (ScanFile){.path = path, .label = path, .time_column = "timestamp", .intervals = span, .interval_count = 1, .in_order = true};
    check(engine_parquet_schema(arena, conn, path, &out->schema, &out->rows));
    check(engine_scalar_text(arena, conn, arena_printf(arena, "SELECT epoch_us(min(timestamp)) FROM '%s'", path), NULL, 0, &text));
    span->min = strtoll(text, NULL, 10);
    check(engine_scalar_text(arena, conn, arena_printf(arena, "SELECT epoch_us(max(timestamp)) FROM '%s'", path), NULL, 0, &text));
    span->max = strtoll(text, NULL, 10);
    sha256_of(path, strlen(path), out->sha256);
}

static ExportInput *inputs_of(Arena *arena, const char *dir, size_t *out_count)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    check(engine_connect(&conn));
    const char **names = files_in(arena, dir, out_count);
    ExportInput *inputs = AARRAY(arena, ExportInput, *out_count);
    for (size_t i = 0; i < *out_count; i++) {
        ScanFile *file = ANEW(arena, ScanFile);
        describe(arena, conn, path_join(arena, dir, names[i]), file);
        const char **captures = AARRAY(arena, const char *, 1);
        captures[0] = arena_strndup(arena, names[i], strlen(names[i]) - strlen(".parquet"));
        ScanSpec spec = {.label = names[i], .files = file, .file_count = 1, .clip = {TIME_MIN, TIME_MAX}};
        inputs[i] = (ExportInput){.pattern = PATTERN[0], .source = arena_printf(arena, "/%s", names[i]), .captures = captures, .capture_count = 1};
        check(rel_scan(arena, &spec, &inputs[i].rel));
    }
    return inputs;
}

static double ours(const char *dir, const char *out, int threads, const char *temporal)
{
    SCRATCH(arena);
    CLEANUP(plan_close_at) Plan *plan = plan_new(arena, NULL);
    size_t count;
    const char *scratch = arena_printf(arena, "%s-scratch", out);
    check(os_remove_tree(scratch));
    check(os_mkdirs(scratch));
    ExportOptions options = {.patterns = PATTERN, .pattern_count = 1, .dir = out, .temporal = temporal, .bounds = {TIME_MIN, TIME_MAX},
                             .threads = threads, .pond_id = "bench"};
    ExportCall call = {.plan = plan, .inputs = inputs_of(arena, dir, &count), .scratch_dir = scratch, .options = &options};
    call.input_count = count;
    ExportSummary summary;
    int64_t begun = os_monotonic_us();
    check(export_inputs(arena, &call, &summary));
    double seconds = (double)(os_monotonic_us() - begun) / 1e6;
    check(os_remove_tree(scratch));
    return seconds;
}

/* ---- theirs ---- */

static void sync_tree(const char *dir)
{
    SCRATCH(scratch);
    OsEntry *entries;
    size_t count;
    check(os_list(scratch, dir, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        const char *path = path_join(scratch, dir, entries[i].name);
        if (entries[i].is_dir) sync_tree(path);
        else check(os_sync_path(path));
    }
    check(os_sync_dir(dir));
}

static char *keys_sql(Arena *arena, const char *temporal, bool as_columns)
{
    Parts parts;
    Buf sql = buf_new(arena);
    check(parts_parse(temporal, &parts));
    for (size_t i = 0; i < parts.n; i++) {
        const char *name = part_name(parts.v[i]);
        if (as_columns) buf_printf(&sql, ", %s(timestamp) AS %s", name, name);
        else buf_printf(&sql, "%s%s", i > 0 ? ", " : "", name);
    }
    return sql.data;
}

static double theirs(const char *dir, const char *out, int threads, const char *temporal)
{
    SCRATCH(arena);
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    size_t count;
    const char **names = files_in(arena, dir, &count);
    check(os_mkdirs(out));
    check(engine_connect(&conn));
    check(engine_exec(conn, arena_printf(arena, "SET threads = %d; SET memory_limit = '4GB'", threads)));
    int64_t begun = os_monotonic_us();
    for (size_t i = 0; i < count; i++)
        check(engine_exec(conn, arena_printf(arena,
                                             "COPY (SELECT *%s FROM '%s/%s') TO '%s/%s' (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, "
                                             "PARTITION_BY (%s))",
                                             keys_sql(arena, temporal, true), dir, names[i], out, names[i],
                                             keys_sql(arena, temporal, false))));
    sync_tree(out);
    return (double)(os_monotonic_us() - begun) / 1e6;
}

/* ---- pairs ---- */

typedef struct Measured {
    double seconds, cpu_seconds, peak_mb;
} Measured;

static Measured run_child(const char *self, char *const *argv, const char *out)
{
    check(os_remove_tree(out));
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0) exit(1);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(pipe_ends[1], STDOUT_FILENO);
        (void)execv(self, argv);
        _exit(127);
    }
    (void)close(pipe_ends[1]);
    FILE *from = fdopen(pipe_ends[0], "r");
    Measured measured = {0};
    if (from == NULL || fscanf(from, "%lf", &measured.seconds) != 1) exit(1);
    (void)fclose(from);
    struct rusage usage;
    int status;
    if (wait4(child, &status, 0, &usage) != child || status != 0) exit(1);
    measured.cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    measured.peak_mb = (double)usage.ru_maxrss / 1024;
    return measured;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void run_pairs(char **argv, int pairs)
{
    SCRATCH(arena);
    char *dir = argv[2], *out = argv[3], *threads = argv[4], *temporal = argv[6];
    char ours_word[] = "ours", theirs_word[] = "theirs";
    char *us[] = {argv[0], ours_word, dir, out, threads, temporal, NULL}, *them[] = {argv[0], theirs_word, dir, out, threads, temporal, NULL};
    double *ratios = AARRAY(arena, double, pairs), peak = 0;
    for (int i = 0; i < pairs; i++) {
        Measured first = run_child("/proc/self/exe", i % 2 == 0 ? us : them, out);
        Measured second = run_child("/proc/self/exe", i % 2 == 0 ? them : us, out);
        Measured mine = i % 2 == 0 ? first : second, its = i % 2 == 0 ? second : first;
        ratios[i] = mine.seconds / its.seconds;
        if (mine.peak_mb > peak) peak = mine.peak_mb;
        (void)printf("pair %d: ours %.2f s (CPU %.2f, %.0f MB)  theirs %.2f s (CPU %.2f, %.0f MB)  ratio %.3f\n", i + 1, mine.seconds,
                     mine.cpu_seconds, mine.peak_mb, its.seconds, its.cpu_seconds, its.peak_mb, ratios[i]);
        (void)fflush(stdout);
    }
    qsort(ratios, (size_t)pairs, sizeof *ratios, by_value);
    (void)printf("median ratio %.3f, our peak memory %.0f MB\n", ratios[pairs / 2], peak);
    check(os_remove_tree(out));
}

int main(int argc, char **argv)
{
    const char *what = argc > 3 ? argv[1] : "";
    const char *temporal = argc > 5 ? argv[argc - 1] : "year,month";
    if (strcmp(what, "gen") == 0) {
        check(os_mkdirs(argv[2]));
        SCRATCH(scratch);
        generate(path_join(scratch, argv[2], "source.parquet"), atoll(argv[3]), 0);
    } else if (strcmp(what, "gen-many") == 0 && argc == 5) {
        check(os_mkdirs(argv[2]));
        generate_many(argv[2], atoll(argv[3]), atoll(argv[4]));
    } else if (strcmp(what, "ours") == 0 && argc == 6) {
        (void)printf("%f\n", ours(argv[2], argv[3], atoi(argv[4]), temporal));
    } else if (strcmp(what, "theirs") == 0 && argc == 6) {
        (void)printf("%f\n", theirs(argv[2], argv[3], atoi(argv[4]), temporal));
    } else if (strcmp(what, "pairs") == 0 && argc == 7) {
        run_pairs(argv, atoi(argv[5]));
    } else {
        (void)fprintf(stderr, "usage: export_bench gen DIR ROWS | gen-many DIR N ROWS | ours|theirs DIR OUT THREADS PARTS | pairs DIR OUT THREADS N PARTS\n");
        return 2;
    }
    return 0;
}
