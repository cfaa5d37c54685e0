/* What of a run's account is the same each time and everywhere.
 *
 * Left out: times; numbers of keys that are estimates; calls on files of no class (the loader's,
 * /proc) and the sums they are in; bytes that hold the times or names of a run (history, locks). */
#include "bench/bench_int.h"
#include <string.h>

void counter_add(Arena *arena, CounterVec *counters, const char *command, const char *name,
                 int64_t value)
{
    if (value == 0) return;
    vec_push(arena, counters, ((BenchCounter){.command = command, .name = name, .value = value}));
}

static bool is_in(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

/* An empty one when there is none: what did not happen is not told. */
static const Json *list_of(const Json *run, const char *key)
{
    static const Json NONE = {.kind = JSON_ARRAY};
    const Json *list = json_get(run, key);
    return list != NULL && list->kind == JSON_ARRAY ? list : &NONE;
}

static void add_ops(Arena *arena, const char *command, const Json *run, CounterVec *out)
{
    static const char *const SUMS[] = {"os_open", "os_read", "os_write", "os_sync"};
    const Json *ops = list_of(run, "ops");
    for (size_t i = 0; i < ops->count; i++) {
        const Json *op = &ops->items[i];
        const char *name = json_str(op, "name", "");
        if (is_in(name, SUMS, sizeof SUMS / sizeof *SUMS)) continue;
        char *counter = arena_printf(arena, "op.%s", name);
        counter_add(arena, out, command, counter, json_int(op, "count", 0));
        if (json_int(op, "keys_sampled_1_in", 1) == 1)
            counter_add(arena, out, command, arena_printf(arena, "%s.keys", counter),
                        json_int(op, "keys", 0));
    }
}

static void add_io(Arena *arena, const char *command, const Json *run, CounterVec *out)
{
    static const char *const PRIVATE[] = {"other", "history", "lock"};
    const Json *all = list_of(run, "io");
    for (size_t i = 0; i < all->count; i++) {
        const Json *io = &all->items[i];
        const char *class = json_str(io, "class", "");
        if (is_in(class, PRIVATE, sizeof PRIVATE / sizeof *PRIVATE)) continue;
        char *counter = arena_printf(arena, "io.%s.%s.%s", class, json_str(io, "origin", ""),
                                     json_str(io, "op", ""));
        counter_add(arena, out, command, counter, json_int(io, "calls", 0));
        counter_add(arena, out, command, arena_printf(arena, "%s.bytes", counter),
                    json_int(io, "bytes", 0));
    }
}

static void add_caches(Arena *arena, const char *command, const Json *run, CounterVec *out)
{
    const Json *caches = list_of(run, "caches");
    for (size_t i = 0; i < caches->count; i++) {
        const Json *cache = &caches->items[i];
        char *counter = arena_printf(arena, "cache.%s", json_str(cache, "name", ""));
        counter_add(arena, out, command, arena_printf(arena, "%s.ask", counter),
                    json_int(cache, "asked", 0));
        counter_add(arena, out, command, arena_printf(arena, "%s.miss", counter),
                    json_int(cache, "misses", 0));
    }
}

static int64_t footers(const Json *run)
{
    int64_t sum = 0;
    const Json *files = list_of(run, "files");
    for (size_t i = 0; i < files->count; i++) sum += json_int(&files->items[i], "footers", 0);
    return sum;
}

/* The last line that is an account. */
static const char *stats_line(Arena *arena, const Buf *errors)
{
    static const char START[] = "{\"stats\":";
    const char *found = NULL, *at = errors->data;
    while (*at != '\0') {
        size_t length = strcspn(at, "\n");
        if (text_starts(at, START)) found = arena_strndup(arena, at, length);
        at += length + (at[length] == '\n');
    }
    return found;
}

Err *counters_of_stats(Arena *arena, const char *command, const Buf *errors, CounterVec *out)
{
    const Json *json = NULL, *run = NULL;
    const char *line = stats_line(arena, errors);
    if (line == NULL) return ERR(INTERNAL, "%s: the run gave no account of itself", command);
    TRY(json_parse(arena, line, strlen(line), &json));
    run = json_get(json, "stats");
    add_ops(arena, command, run, out);
    add_io(arena, command, run, out);
    add_caches(arena, command, run, out);
    counter_add(arena, out, command, "footers", footers(run));
    return NULL;
}
