/* The command with everything on is measured once for all toggles, the times in pairs of their own
 * (bench/pairs.h), since the machine drifts. */
#include "bench/worth.h"
#include "bench/pairs.h"
#include "os/os.h"
#include <stdlib.h>
#include <string.h>

static const char BY_TIME[] = "time";

/* The sum over whoever made the calls: CLASS.OP is io.CLASS.<origin>.OP. */
static int64_t count_calls(const BenchWork *work, const char *shows)
{
    SCRATCH(scratch);
    const char *op = strchr(shows, '.');
    const char *class = arena_printf(scratch, "io.%.*s.", (int)(op - shows), shows);
    int64_t sum = 0;
    for (size_t i = 0; i < work->counters.count; i++) {
        const char *name = work->counters.entries[i].key;
        const char *origin = text_starts(name, class) ? name + strlen(class) : "";
        if (strcmp(origin + strcspn(origin, "."), op) == 0) sum += bench_work_count(work, name);
    }
    return sum;
}

static int64_t shown(const BenchWork *work, Toggle toggle)
{
    SCRATCH(scratch);
    const char *shows = toggle_info(toggle)->shows;
    if (strcmp(shows, BY_TIME) == 0) return 0;
    return strchr(shows, '.') != NULL
               ? count_calls(work, shows)
               : bench_work_count(work, arena_printf(scratch, "op.%s", shows));
}

static const char *setting(Arena *arena, Toggle toggle, bool on)
{
    const char *set = getenv("POND_TOGGLES");
    return arena_printf(arena, "POND_TOGGLES=%s,%s=%s", set != NULL ? set : "",
                        toggle_info(toggle)->name, on ? "on" : "off");
}

typedef struct Timed {
    const WorthSpec *spec;
    Toggle toggle;
} Timed;

static void on_pair(void *context, const VerdictState *state, size_t pairs)
{
    const Timed *timed = context;
    (void)state;
    if (timed->spec->progress != NULL)
        timed->spec->progress(timed->spec->context, timed->toggle, pairs);
}

static Err *measure_times(Arena *arena, const WorthSpec *spec, Worth *worth)
{
    Timed timed = {.spec = spec, .toggle = worth->toggle};
    PairsSpec pairs = {
        .commands = {spec->command, spec->command},
        .environment = {setting(arena, worth->toggle, true), setting(arena, worth->toggle, false)},
        .rule = spec->rule,
        .cap_us = spec->cap_us,
        .scratch_dir = spec->scratch_dir,
        .seed = spec->seed,
        .differ = true,
        .progress = on_pair,
        .context = &timed};
    PairsResult result;
    TRY(pairs_run(arena, &pairs, &result));
    worth->times = result.state;
    worth->is_timed = true;
    worth->same_output = worth->same_output && result.difference == NULL;
    return NULL;
}

static WorthKind kind_of(const Worth *worth)
{
    if (worth->is_timed && worth->times.verdict == VERDICT_FASTER) return WORTH_COSTS;
    if (worth->is_timed && worth->times.verdict == VERDICT_SLOWER) return WORTH_TIME;
    return worth->off > worth->on ? WORTH_WORK : WORTH_NOTHING;
}

static Err *measure_work(Arena *arena, const WorthSpec *spec, const char *toggles, BenchWork *out)
{
    BenchWorkSpec work = {.command = spec->command,
                          .toggles = toggles,
                          .scratch_dir = spec->scratch_dir,
                          .valgrind = spec->valgrind};
    return bench_work_settled(arena, &work, out);
}

static Err *measure_one(Arena *arena, const WorthSpec *spec, const BenchWork *plain, Worth *worth)
{
    SCRATCH(scratch);
    BenchWork off;
    const char *toggles = arena_printf(scratch, "%s=off", toggle_info(worth->toggle)->name);
    if (spec->progress != NULL) spec->progress(spec->context, worth->toggle, 0);
    TRY(measure_work(scratch, spec, toggles, &off));
    worth->instructions_on = plain->instructions;
    worth->instructions_off = off.instructions;
    worth->on = shown(plain, worth->toggle);
    worth->off = shown(&off, worth->toggle);
    worth->same_output = strcmp(plain->outcome, off.outcome) == 0;
    if (!spec->work_only) TRY(measure_times(arena, spec, worth));
    worth->kind = kind_of(worth);
    return NULL;
}

Err *worth_measure(Arena *arena, const WorthSpec *spec, const Toggle *toggles, size_t count,
                   Worth *out)
{
    BenchWork plain;
    TRY(measure_work(arena, spec, "", &plain));
    for (size_t i = 0; i < count; i++) {
        out[i] = (Worth){.toggle = toggles[i]};
        TRY(measure_one(arena, spec, &plain, &out[i]));
    }
    return NULL;
}
