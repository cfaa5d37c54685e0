/* Runs over time: CACHE_DIR/history.tsv, a line a measurement, appended by each run:
 *
 *   time (µs)  machine  scenario  scale  command  measure  value
 *
 * The machine is processor, kernel, engine and pond, as one text: a level that changes where it
 * changes is no news. A line that cannot be read is counted and passed over. The file holds at most
 * 4 MiB; then its older half goes. */
#include "bench/bench_int.h"
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { FIELDS = 7, FILE_MAX = 4 << 20 };

static char *file_of(Arena *arena, const char *cache_dir)
{
    return arena_printf(arena, "%s/history.tsv", cache_dir);
}

/* ---- the machine ---- */

static char *cpu_model(Arena *arena)
{
    static const char KEY[] = "model name\t: ";
    char *text = NULL;
    size_t size = 0;
    err_free(os_read_file_if(arena, "/proc/cpuinfo", 1 << 20, &text, &size));
    const char *at = text != NULL ? strstr(text, KEY) : NULL;
    if (at == NULL) return arena_strdup(arena, "unknown processor");
    at += strlen(KEY);
    return arena_strndup(arena, at, strcspn(at, "\n\t"));
}

/* By a child: the engine is not loaded here, its memory would be counted as the commands'. */
static Err *versions(Arena *arena, const BenchRun *run, const char **out)
{
    const char *words[] = {run->program, "--json", "--verbose", "version", NULL};
    const char *environment[] = {"LC_ALL=C.UTF-8", NULL};
    ChildSpec spec = {.words = words, .environment = environment};
    ChildResult result;
    const Json *json = NULL;
    TRY(child_run(arena, &spec, &result));
    TRY(child_check(&spec, &result, arena_printf(arena, "version: %s", words[0])));
    TRY(json_parse(arena, result.out.data, result.out.size, &json));
    *out = arena_printf(arena, "engine %s, pond %s", json_str(json, "engine", "?"),
                        json_str(json, "pond", "?"));
    return NULL;
}

static Err *machine_of(Arena *arena, const BenchRun *run, const char **out)
{
    struct utsname names;
    const char *version = NULL;
    TRY(versions(arena, run, &version));
    bool known = uname(&names) == 0;
    *out = arena_printf(arena, "%s, %s %s, %s", cpu_model(arena), known ? names.sysname : "?",
                        known ? names.release : "?", version);
    return NULL;
}

/* ---- appending ---- */

static bool is_kept(const char *counter)
{
    static const char *const KEPT[] = {"instructions", "allocs.own", "allocs.engine", "peak_bytes"};
    for (size_t i = 0; i < sizeof KEPT / sizeof *KEPT; i++)
        if (strcmp(counter, KEPT[i]) == 0) return true;
    return false;
}

static Err *make_room(Arena *arena, const char *file)
{
    char *text = NULL;
    size_t size = 0;
    TRY(os_read_file_if(arena, file, (size_t)FILE_MAX * 2, &text, &size));
    if (text == NULL || size < FILE_MAX) return NULL;
    const char *half = strchr(text + size / 2, '\n');
    if (half == NULL) return NULL;
    return os_replace_file(file, half + 1, size - (size_t)(half + 1 - text));
}

Err *bench_history_append(Arena *arena, const BenchRun *run, const BenchResult *result)
{
    CLEANUP(os_close_at) OsFile *out = NULL;
    const char *machine = NULL, *file = file_of(arena, run->cache_dir);
    Buf lines = buf_new(arena);
    TRY(machine_of(arena, run, &machine));
    TRY(make_room(arena, file));
    char *start = arena_printf(arena, "%lld\t%s\t%s\t%s", (long long)os_now(), machine,
                               run->scenario->name, bench_scale_format(arena, run->scale));
    for (size_t i = 0; i < run->scenario->command_count; i++)
        buf_printf(&lines, "%s\t%s\twall_us\t%lld\n", start, run->scenario->commands[i].name,
                   (long long)result->wall_us[i]);
    for (size_t i = 0; i < result->count; i++)
        if (is_kept(result->counters[i].name))
            buf_printf(&lines, "%s\t%s\t%s\t%lld\n", start, result->counters[i].command,
                       result->counters[i].name, (long long)result->counters[i].value);
    TRY(os_open_append(file, &out));
    return os_write(out, lines.data, lines.size);
}

/* ---- reading ---- */

typedef VEC(BenchSeries *) SeriesVec;
typedef VEC(BenchPoint) PointVec;

static bool split_line(char *line, char *fields[FIELDS])
{
    size_t n = 0;
    for (char *at = line; at != NULL && n < FIELDS; n++) {
        fields[n] = at;
        at = strchr(at, '\t');
        if (at != NULL) *at++ = '\0';
        if (n + 1 == FIELDS && at != NULL) return false;
    }
    return n == FIELDS;
}

static bool number_of(const char *text, int64_t *out)
{
    char *end = NULL;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0';
}

typedef struct Reading {
    Arena *arena;
    Map by_name; /* "scenario\tscale\tcommand\tmeasure" → its place */
    SeriesVec series;
    VEC(PointVec) points; /* by place */
} Reading;

static size_t place_of(Reading *reading, char *fields[FIELDS])
{
    char *name =
        arena_printf(reading->arena, "%s\t%s\t%s\t%s", fields[2], fields[3], fields[4], fields[5]);
    uintptr_t place = (uintptr_t)map_get(&reading->by_name, name);
    if (place > 0) return place - 1;
    BenchSeries *series = ANEW(reading->arena, BenchSeries);
    *series = (BenchSeries){
        .scenario = fields[2], .scale = fields[3], .command = fields[4], .measure = fields[5]};
    vec_push(reading->arena, &reading->series, series);
    vec_push(reading->arena, &reading->points, ((PointVec){0}));
    map_put(&reading->by_name, name, (void *)(uintptr_t)reading->series.n); /* place + 1 */
    return reading->series.n - 1;
}

static bool add_line(Reading *reading, char *line)
{
    char *fields[FIELDS];
    BenchPoint point;
    int64_t value;
    if (!split_line(line, fields) || !number_of(fields[0], &point.time) ||
        !number_of(fields[6], &value))
        return false;
    point.machine = fields[1];
    point.value = (double)value;
    size_t place = place_of(reading, fields);
    vec_push(reading->arena, &reading->points.v[place], point);
    return true;
}

static void finish(Arena *arena, BenchSeries *series, const PointVec *points)
{
    double *values = AARRAY(arena, double, points->n);
    for (size_t i = 0; i < points->n; i++) values[i] = points->v[i].value;
    series->points = points->v;
    series->count = points->n;
    bench_changes(arena, values, points->n, &series->changes, &series->change_count);
}

Err *bench_history_read(Arena *arena, const char *cache_dir, BenchHistory *out)
{
    Reading reading = {.arena = arena, .by_name = map_new(arena)};
    BenchHistory all = {0};
    char *text = NULL;
    size_t size = 0;
    TRY(os_read_file_if(arena, file_of(arena, cache_dir), (size_t)FILE_MAX * 2, &text, &size));
    for (char *at = text; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, "\n");
        char *next = at + length + (at[length] == '\n');
        at[length] = '\0';
        if (!add_line(&reading, at)) all.damaged++;
        at = next;
    }
    for (size_t i = 0; i < reading.series.n; i++)
        finish(arena, reading.series.v[i], &reading.points.v[i]);
    all.series = reading.series.v;
    all.count = reading.series.n;
    *out = all;
    return NULL;
}
