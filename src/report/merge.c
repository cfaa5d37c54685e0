/* Several runs as one, by name. Order is that of first appearance. */
#include "report/report_int.h"
#include <string.h>

/* The item of that key, made anew (zeroed) when it is not there yet. */
static void *item_of(Map *map, const char *key, size_t item_bytes, bool *out_new)
{
    void *item = map_get(map, key);
    *out_new = item == NULL;
    if (item == NULL) {
        item = arena_alloc(map->arena, item_bytes);
        (void)map_put(map, key, item);
    }
    return item;
}

static void add_hist(Arena *arena, PerfHist **to, const PerfHist *from)
{
    if (from == NULL) return;
    if (*to == NULL)
        *to = arena_memdup(arena, from, sizeof *from);
    else
        perf_hist_merge(*to, from);
}

static void add_op(Map *ops, const RunOp *from)
{
    bool is_new;
    RunOp *to = item_of(ops, from->name, sizeof *to, &is_new);
    if (is_new) {
        *to = *from;
        if (from->hist != NULL) to->hist = arena_memdup(ops->arena, from->hist, sizeof *from->hist);
        return;
    }
    double total = to->total_ms + from->total_ms;
    to->count += from->count;
    to->keyed += from->keyed;
    to->keys += from->keys;
    to->per_key = to->keys > 0 ? (double)to->keyed / (double)to->keys : 0;
    to->most = from->most > to->most ? from->most : to->most;
    if (from->keys_sampled_1_in > to->keys_sampled_1_in)
        to->keys_sampled_1_in = from->keys_sampled_1_in;
    if (from->hist == NULL) return;
    add_hist(ops->arena, &to->hist, from->hist);
    run_op_times(to);
    to->total_ms = total; /* each run scaled by its own sampling */
}

static void add_cache(Map *caches, const RunCache *from)
{
    bool is_new;
    RunCache *to = item_of(caches, from->name, sizeof *to, &is_new);
    if (is_new) {
        *to = *from;
        to->access = to->load = NULL;
    } else {
        to->asked += from->asked;
        to->hits += from->hits;
        to->misses += from->misses;
        to->fetches += from->fetches;
        to->evictions += from->evictions;
        to->ghost_hits += from->ghost_hits;
        if (from->held_bytes > to->held_bytes) to->held_bytes = from->held_bytes;
    }
    add_hist(caches->arena, &to->access, from->access);
    add_hist(caches->arena, &to->load, from->load);
    run_cache_times(to);
    run_cache_saved(to);
}

static void add_io(Map *io, Arena *scratch, const RunIo *from)
{
    bool is_new;
    RunIo *to = item_of(io, arena_printf(scratch, "%s %s %s", from->origin, from->class, from->op),
                        sizeof *to, &is_new);
    uint64_t calls = to->calls, bytes = to->bytes;
    *to = *from;
    to->calls += calls;
    to->bytes += bytes;
}

static void add_file(Map *files, const RunFile *from)
{
    bool is_new;
    RunFile *to = item_of(files, from->path, sizeof *to, &is_new), before = *to;
    *to = *from;
    to->opens += before.opens;
    to->reads += before.reads;
    to->writes += before.writes;
    to->read_bytes += before.read_bytes;
    to->written_bytes += before.written_bytes;
    to->footers += before.footers;
    to->total_ms += before.total_ms;
}

static void add_target(Map *targets, const RunTarget *from)
{
    bool is_new;
    RunTarget *to = item_of(targets, from->target, sizeof *to, &is_new);
    if (is_new) to->target = from->target;
    run_target_add(to, from);
}

static void add_work(Map *all, const RunWork *from)
{
    bool is_new;
    RunWork *to = item_of(all, from->name, sizeof *to, &is_new);
    to->name = from->name;
    if (from->threads > to->threads) to->threads = from->threads;
    if (from->busy_most > to->busy_most) to->busy_most = from->busy_most;
    to->jobs += from->jobs;
    to->busy_ms += from->busy_ms;
    to->wall_ms += from->wall_ms;
    to->written_bytes += from->written_bytes;
    run_work_means(to);
}

static void *flatten(Arena *arena, const Map *map, size_t item_bytes, size_t *out_count)
{
    char *items = arena_alloc(arena, (map->count + 1) * item_bytes);
    for (size_t i = 0; i < map->count; i++)
        memcpy(items + i * item_bytes, map->entries[i].value, item_bytes);
    *out_count = map->count;
    return items;
}

/* All of them, in order. */
static void collect_alarms(Arena *arena, const Run *runs, size_t count, Run *sum)
{
    VEC(RunAlarm) alarms = {0};
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < runs[r].alarm_count; i++)
            vec_push(arena, &alarms, runs[r].alarms[i]);
    sum->alarms = alarms.v;
    sum->alarm_count = alarms.n;
}

void run_merge(Arena *arena, const Run *runs, size_t count, Run *out)
{
    SCRATCH(scratch);
    Map ops = map_new(arena), caches = map_new(arena), io = map_new(arena), files = map_new(arena);
    Map targets = map_new(arena), work = map_new(arena);
    Run sum = count > 0 ? runs[count - 1] : (Run){0};
    sum.duration_us = sum.user_us = sum.system_us = 0;
    sum.files_left_out = sum.spans = sum.spans_dropped = sum.rings = sum.rings_anonymous = 0;
    for (size_t r = 0; r < count; r++) {
        const Run *run = &runs[r];
        for (size_t i = 0; i < run->op_count; i++) add_op(&ops, &run->ops[i]);
        for (size_t i = 0; i < run->cache_count; i++) add_cache(&caches, &run->caches[i]);
        for (size_t i = 0; i < run->io_count; i++) add_io(&io, scratch, &run->io[i]);
        for (size_t i = 0; i < run->file_count; i++) add_file(&files, &run->files[i]);
        for (size_t i = 0; i < run->target_count; i++) add_target(&targets, &run->targets[i]);
        for (size_t i = 0; i < run->work_count; i++) add_work(&work, &run->work[i]);
        sum.duration_us += run->duration_us > 0 ? run->duration_us : 0;
        sum.user_us += run->user_us > 0 ? run->user_us : 0;
        sum.system_us += run->system_us > 0 ? run->system_us : 0;
        sum.peak_bytes = run->peak_bytes > sum.peak_bytes ? run->peak_bytes : sum.peak_bytes;
        sum.files_left_out += run->files_left_out;
        sum.spans += run->spans;
        sum.spans_dropped += run->spans_dropped;
        sum.rings += run->rings;
        sum.rings_anonymous += run->rings_anonymous;
    }
    collect_alarms(arena, runs, count, &sum);
    sum.ops = flatten(arena, &ops, sizeof *sum.ops, &sum.op_count);
    sum.caches = flatten(arena, &caches, sizeof *sum.caches, &sum.cache_count);
    sum.io = flatten(arena, &io, sizeof *sum.io, &sum.io_count);
    sum.files = flatten(arena, &files, sizeof *sum.files, &sum.file_count);
    run_merge_queries(arena, runs, count, &sum);
    RunTarget *all = flatten(arena, &targets, sizeof *all, &sum.target_count);
    run_targets(arena, all, sum.target_count, &sum);
    sum.work = flatten(arena, &work, sizeof *sum.work, &sum.work_count);
    *out = sum;
}
