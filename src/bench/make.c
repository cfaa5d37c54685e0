/* Filling a pond through the same doors as copy and mknod: a CSV text is written, converted,
 * checked and staged; a configuration is validated.
 *
 * The clock stands still within a transaction and moves on by a minute between two, so that no
 * figure hangs on how fast the machine is. */
#include "bench/bench_int.h"
#include "perf/query.h"
#include <stdlib.h>
#include <string.h>

/* ---- clock and chance ---- */

static TimeUs clock_now;

static TimeUs clock_read(void *context)
{
    (void)context;
    return clock_now;
}

static uint64_t clock_ms(void)
{
    return (uint64_t)clock_now / 1000;
}

static void begin(TimeUs now, OsReplay replay)
{
    clock_now = now;
    os_clock_set(clock_read, NULL);
    os_replay_begin(replay);
    node_id_source_set((NodeIdSource){.now_ms = clock_ms, .random = os_random});
}

void bench_begin(uint64_t seed)
{
    begin(BENCH_BEGIN + 366 * US_PER_DAY, (OsReplay){.seed = seed, .without_sync = true});
}

void bench_begin_measured(void)
{
    const char *seed = getenv(BENCH_MEASURED);
    if (seed == NULL) return;
    begin(BENCH_BEGIN + 731 * US_PER_DAY, (OsReplay){.seed = strtoull(seed, NULL, 10)});
    perf_plans_set(PERF_PLANS_OFF); /* which statements are profiled hangs on how long they take */
}

void bench_end(void)
{
    os_clock_set(NULL, NULL);
    os_replay_end();
    node_id_source_set((NodeIdSource){0});
}

uint64_t bench_mix(uint64_t seed, uint64_t number)
{
    return splitmix64_of(seed + (number + 1) * SPLITMIX64_STEP);
}

int64_t maker_count(const Maker *maker, int64_t full)
{
    BenchScale scale = maker->make->scale;
    int64_t count = full * scale.times / scale.by;
    return count > 0 ? count : 1;
}

/* ---- transactions ---- */

typedef struct Step {
    Maker *maker;
    MakerBody *body;
    void *context;
} Step;

static Err *step(void *context, Pond *pond)
{
    Step *self = context;
    (void)pond;
    fs_forget(provider_fs(self->maker->make->provider));
    return self->body(self->maker, self->context);
}

Err *maker_transact(Maker *maker, const char *command, MakerBody *body, void *context)
{
    const BenchMake *make = maker->make;
    Step self = {.maker = maker, .body = body, .context = context};
    TlogCommitted committed;
    clock_now += US_PER_MINUTE;
    pond_act_as(make->pond, command, 0);
    TRY(os_check_interrupt());
    TRY(pond_transact(make->pond, step, &self, &committed));
    fs_forget(provider_fs(make->provider));
    maker->made.commits++;
    return NULL;
}

static void one_done(Maker *maker)
{
    const BenchMake *make = maker->make;
    maker->done++;
    if (make->progress != NULL) make->progress(make->context, maker->done, maker->all);
}

/* ---- rows ---- */

/* Thousandths: a level by column, a swing with the day, and chance. */
static int64_t value_of(const Readings *readings, uint64_t seed, size_t column, int64_t row)
{
    enum { LEVEL = 3000, SWING = 4000, CHANCE = 201 };
    int64_t time = (readings->begin + row * readings->step_us) % US_PER_DAY;
    int64_t half = US_PER_DAY / 2, rise = time < half ? time : US_PER_DAY - time;
    uint64_t chance = bench_mix(seed, (uint64_t)row * 64 + column);
    return LEVEL * (int64_t)(column + 1) + SWING * (rise / 1000) / (half / 1000) +
           (int64_t)(chance % CHANCE);
}

static void add_time(Buf *csv, TimeUs time)
{
    Civil civil = civil_of(time);
    buf_printf(csv, "%04d-%02d-%02dT%02d:%02d:%02dZ", civil.year, civil.month, civil.day,
               civil.hour, civil.minute, civil.second);
}

static void add_row(Buf *csv, const Readings *readings, uint64_t seed, int64_t row)
{
    enum { CELLS_FULL = 100 };
    for (size_t i = 0; i < readings->column_count; i++) {
        uint64_t missing = bench_mix(~seed, (uint64_t)row * 64 + i);
        if (readings->gaps && missing % CELLS_FULL == 0) {
            buf_putc(csv, ',');
            continue;
        }
        int64_t value = value_of(readings, seed, i, row);
        buf_printf(csv, ",%lld.%03lld", (long long)(value / 1000), (long long)(value % 1000));
    }
    buf_putc(csv, '\n');
}

static Buf rows_text(Arena *arena, const Readings *readings, uint64_t seed)
{
    enum { ROWS_FULL = 50 };
    Buf csv = buf_new(arena);
    buf_puts(&csv, "timestamp");
    for (size_t i = 0; i < readings->column_count; i++)
        buf_printf(&csv, ",%s", readings->columns[i]);
    buf_putc(&csv, '\n');
    for (int64_t i = 0; i < readings->unset; i++) {
        add_time(&csv, (7 + i) * US_PER_MINUTE);
        add_row(&csv, readings, seed, -1 - i);
    }
    for (int64_t row = 0; row < readings->rows; row++) {
        if (readings->gaps && bench_mix(seed ^ 1, (uint64_t)row) % ROWS_FULL == 0) continue;
        add_time(&csv, readings->begin + row * readings->step_us);
        add_row(&csv, readings, seed, row);
    }
    return csv;
}

/* ---- versions ---- */

static Err *write_new(const char *path, const Buf *text)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    TRY(os_unlink_if(path));
    TRY(os_open_new(path, &file));
    return os_write(file, text->data, text->size);
}

static Err *append(Maker *maker, Arena *arena, const char *path, EntryType type,
                   const VersionSpec *spec)
{
    Fs *fs = provider_fs(maker->make->provider);
    FsBackend backend = fs_backend(fs);
    Node template = {.type = type}, made;
    Found found;
    TRY(fs_mkdir(fs, arena, path_parent(arena, path), true, &made));
    TRY(fs_find(fs, arena, path, (FindOptions){0}, &found));
    if (found.exists)
        made = found.node;
    else
        TRY(fs_create(fs, arena, path, &template, &made));
    TRY(backend.ops->append(backend.self, made.id, spec, NULL));
    fs_forget(fs);
    maker->made.versions++;
    if (spec->meta.rows > 0) maker->made.rows += spec->meta.rows;
    one_done(maker);
    return os_check_interrupt();
}

Err *maker_readings(Maker *maker, const Readings *readings)
{
    SCRATCH(arena);
    Provider *provider = maker->make->provider;
    FsBackend backend = fs_backend(provider_fs(provider));
    const char *scratch_dir = NULL;
    VersionSpec spec = {0};
    Url url;
    Buf csv = rows_text(arena, readings, bench_mix(maker->make->seed, readings->stream));
    TRY(provider_scratch_dir(provider, &scratch_dir));
    const char *from = arena_printf(arena, "%s/readings.csv", scratch_dir);
    const char *staged =
        arena_printf(arena, "%s/%s", backend.ops->staging_dir(backend.self), node_id_new().text);
    TRY(write_new(from, &csv));
    TRY(url_parse(arena, "host+csv+series:///readings.csv", &url));
    TRY(provider_text_to_parquet(provider, arena, from, &url, readings->path, staged, &spec.meta));
    TRY(os_sha256_file(staged, &spec.meta.size_bytes, spec.meta.sha256));
    spec.staged_path = staged;
    return append(maker, arena, readings->path, ENTRY_TABLE_SERIES, &spec);
}

Err *maker_text(Maker *maker, const char *path, const char *text)
{
    SCRATCH(arena);
    VersionSpec spec = {.meta = {.bytes = text, .size_bytes = (int64_t)strlen(text), .rows = -1}};
    sha256_of(text, strlen(text), spec.meta.sha256);
    return append(maker, arena, path, ENTRY_DATA_SERIES, &spec);
}

/* ---- derived nodes ---- */

typedef struct Nodes {
    const MakerNode *nodes;
    size_t count;
} Nodes;

static Err *make_node(Maker *maker, const MakerNode *node)
{
    SCRATCH(arena);
    Provider *provider = maker->make->provider;
    Fs *fs = provider_fs(provider);
    const Factory *factory = NULL;
    Node made;
    TRY(factory_validate(arena, node->factory, node->config, &factory));
    TRY(factory_check(provider, factory, node->path, node->config));
    TRY(fs_mkdir(fs, arena, path_parent(arena, node->path), true, &made));
    Node template = {
        .type = factory_entry_type(factory), .factory = factory->name, .content = node->config};
    TRY(fs_create(fs, arena, node->path, &template, NULL));
    return provider_check_circle(provider, node->path);
}

static Err *make_nodes(Maker *maker, void *context)
{
    const Nodes *all = context;
    for (size_t i = 0; i < all->count; i++) TRY(make_node(maker, &all->nodes[i]));
    return NULL;
}

Err *maker_nodes(Maker *maker, const MakerNode *nodes, size_t count)
{
    Nodes all = {.nodes = nodes, .count = count};
    return maker_transact(maker, "pond apply -f nodes.yaml", make_nodes, &all);
}

/* ---- the whole ---- */

Err *bench_make(const BenchMake *make, BenchMade *out)
{
    Maker maker = {.make = make};
    TRY(fill_of(make->scenario)(&maker));
    *out = maker.made;
    return NULL;
}
