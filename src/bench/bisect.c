/* The half that compares counters. The distance of two runs is the sum over the counters of how
 * often one is the other, in logarithms, so that a dozen calls more count as much as a megabyte
 * more where both are the double. */
#include "bench/bisect_int.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double WORTH = 0.02; /* of the difference: below it a toggle is not named */

const char *bisect_b(const Bisect *bisect)
{
    return bisect->spec->b != NULL ? bisect->spec->b : bisect->spec->a;
}

char *bisect_off(Arena *arena, const bool *chosen)
{
    Buf text = buf_new(arena);
    for (int i = 0; i < TOGGLE_COUNT; i++)
        if (chosen[i])
            buf_printf(&text, "%s%s=off", text.size > 0 ? "," : "", toggle_info((Toggle)i)->name);
    return text.data;
}

void bisect_tell(const Bisect *bisect, const char *what)
{
    if (bisect->spec->progress != NULL) bisect->spec->progress(bisect->spec->context, what);
}

void bisect_add_toggle(Bisect *bisect, const BisectToggle *toggle)
{
    BisectResult *result = &bisect->result;
    if (result->toggles == NULL)
        result->toggles = AARRAY(bisect->arena, BisectToggle, TOGGLE_COUNT);
    result->toggles[result->toggle_count++] = *toggle;
}

/* ---- measuring ---- */

typedef struct Compare {
    Bisect *bisect;
    BenchWork a, b;
    const char **steady; /* the counters that count */
    size_t steady_count;
} Compare;

static Err *measure(const Bisect *bisect, const char *command, const char *toggles, BenchWork *out)
{
    BenchWorkSpec spec = {
        .command = command, .toggles = toggles, .scratch_dir = bisect->spec->scratch_dir};
    return bench_work_settled(bisect->arena, &spec, out);
}

static bool counts(const BisectSpec *spec, const char *counter)
{
    return spec->by == NULL || strcmp(spec->by, counter) == 0;
}

static void find_steady(Compare *compare, const BenchWork *a, const BenchWork *b)
{
    const BenchWork *works[] = {&compare->a, &compare->b};
    Bisect *bisect = compare->bisect;
    Map seen = map_new(bisect->arena);
    compare->steady = AARRAY(bisect->arena, const char *,
                             compare->a.counters.count + compare->b.counters.count + 1);
    for (size_t w = 0; w < 2; w++)
        for (size_t i = 0; i < works[w]->counters.count; i++) {
            const char *name = works[w]->counters.entries[i].key;
            if (!map_put(&seen, name, bisect) || !counts(bisect->spec, name)) continue;
            if (bench_work_count(&compare->a, name) == bench_work_count(a, name) &&
                bench_work_count(&compare->b, name) == bench_work_count(b, name))
                compare->steady[compare->steady_count++] = name;
            else
                bisect->result.unsteady++;
        }
}

static double apart(int64_t a, int64_t b)
{
    return log((double)(b + 1) / (double)(a + 1));
}

static double distance(const Compare *compare, const BenchWork *work, const BenchWork *from)
{
    double sum = 0;
    for (size_t i = 0; i < compare->steady_count; i++)
        sum += fabs(apart(bench_work_count(from, compare->steady[i]),
                          bench_work_count(work, compare->steady[i])));
    return sum;
}

/* ---- counters ---- */

static int by_growth(const void *a, const void *b)
{
    const BisectCounter *x = a, *y = b;
    double left = fabs(apart(x->a, x->b)), right = fabs(apart(y->a, y->b));
    return left != right ? (left < right) - (left > right) : strcmp(x->name, y->name);
}

static void list_counters(Compare *compare)
{
    BisectResult *result = &compare->bisect->result;
    result->counters = AARRAY(compare->bisect->arena, BisectCounter, compare->steady_count + 1);
    for (size_t i = 0; i < compare->steady_count; i++) {
        BisectCounter counter = {compare->steady[i],
                                 bench_work_count(&compare->a, compare->steady[i]),
                                 bench_work_count(&compare->b, compare->steady[i])};
        if (counter.a != counter.b) result->counters[result->counter_count++] = counter;
    }
    if (result->counter_count > 1)
        qsort(result->counters, result->counter_count, sizeof *result->counters, by_growth);
}

static double by_key(const BenchWork *work, const char *counter)
{
    SCRATCH(scratch);
    int64_t keys = bench_work_count(work, arena_printf(scratch, "%s.keys", counter));
    return keys > 0 ? (double)bench_work_count(work, counter) / (double)keys : 0;
}

/* How much a counter speaks for its operation: growth, and growth by distinct key on top of it. */
static double evidence(const Compare *compare, const BisectCounter *counter)
{
    double a = by_key(&compare->a, counter->name), b = by_key(&compare->b, counter->name);
    return fabs(apart(counter->a, counter->b)) + (a > 0 && b > 0 ? fabs(log(b / a)) : 0);
}

static void name_operation(Compare *compare)
{
    static const char PREFIX[] = "op.";
    BisectResult *result = &compare->bisect->result;
    double best = 0;
    for (size_t i = 0; i < result->counter_count; i++) {
        const BisectCounter *counter = &result->counters[i];
        bool is_operation =
            text_starts(counter->name, PREFIX) && !text_ends(counter->name, ".keys");
        double speaks = is_operation ? evidence(compare, counter) : 0;
        if (speaks <= best) continue;
        best = speaks;
        result->operation = counter->name + strlen(PREFIX);
        result->operation_a = (double)counter->a;
        result->operation_b = (double)counter->b;
    }
}

/* ---- toggles ---- */

static BisectToggle toggle_effect(const Compare *compare, Toggle toggle, const BenchWork *on,
                                  const BenchWork *off, double share)
{
    BisectToggle effect = {.toggle = toggle, .share = share};
    double most = 0;
    for (size_t i = 0; i < compare->steady_count; i++) {
        int64_t before = bench_work_count(on, compare->steady[i]);
        int64_t after = bench_work_count(off, compare->steady[i]);
        if (fabs(apart(before, after)) <= most) continue;
        most = fabs(apart(before, after));
        effect.counter = compare->steady[i];
        effect.on = before;
        effect.off = after;
    }
    return effect;
}

static Err *measure_with(const Compare *compare, bool *chosen, Toggle toggle, bool is_off,
                         BenchWork *out)
{
    Bisect *bisect = compare->bisect;
    SCRATCH(scratch);
    bool was = chosen[toggle];
    bisect_tell(bisect, toggle_info(toggle)->name);
    chosen[toggle] = is_off;
    Err *err = measure(bisect, bisect->spec->a, bisect_off(scratch, chosen), out);
    chosen[toggle] = was;
    return err;
}

static int by_share(const void *a, const void *b)
{
    const BisectToggle *x = a, *y = b;
    return (x->share < y->share) - (x->share > y->share);
}

/* B is A with toggles off: those without which B would be another. */
static Err *thin_out(const Compare *compare, double all)
{
    Bisect *bisect = compare->bisect;
    bool chosen[TOGGLE_COUNT] = {0};
    BenchWork current = compare->b;
    for (size_t i = 0; i < bisect->candidate_count; i++) chosen[bisect->candidates[i]] = true;
    for (size_t i = 0; i < bisect->candidate_count; i++) {
        Toggle toggle = bisect->candidates[i];
        BenchWork without;
        TRY(measure_with(compare, chosen, toggle, false, &without));
        double share = distance(compare, &without, &current) / all;
        if (share > WORTH) {
            BisectToggle effect = toggle_effect(compare, toggle, &without, &current, share);
            bisect_add_toggle(bisect, &effect);
        } else {
            chosen[toggle] = false;
            current = without;
        }
    }
    bisect->result.explained = 1 - distance(compare, &compare->b, &current) / all;
    if (bisect->result.toggle_count > 1)
        qsort(bisect->result.toggles, bisect->result.toggle_count, sizeof *bisect->result.toggles,
              by_share);
    return NULL;
}

/* The toggle that, off as well, brings A nearest to B. */
static Err *nearest(const Compare *compare, bool *chosen, bool *helps, double now, BenchWork *out,
                    int *out_toggle, double *out_distance)
{
    const Bisect *bisect = compare->bisect;
    *out_toggle = -1;
    *out_distance = now;
    for (size_t i = 0; i < bisect->candidate_count; i++) {
        Toggle toggle = bisect->candidates[i];
        BenchWork with;
        if (chosen[toggle] || !helps[toggle]) continue;
        TRY(measure_with(compare, chosen, toggle, true, &with));
        double apart_then = distance(compare, &with, &compare->b);
        helps[toggle] = apart_then < now;
        if (apart_then >= *out_distance) continue;
        *out_toggle = (int)toggle;
        *out_distance = apart_then;
        *out = with;
    }
    return NULL;
}

static Err *imitate(const Compare *compare, double all)
{
    Bisect *bisect = compare->bisect;
    bool chosen[TOGGLE_COUNT] = {0}, helps[TOGGLE_COUNT];
    BenchWork current = compare->a, next;
    double now = all;
    memset(helps, true, sizeof helps);
    while (now > 0) {
        int toggle;
        double then;
        TRY(nearest(compare, chosen, helps, now, &next, &toggle, &then));
        if (toggle < 0 || now - then < WORTH * all) break;
        BisectToggle effect =
            toggle_effect(compare, (Toggle)toggle, &current, &next, (now - then) / all);
        bisect_add_toggle(bisect, &effect);
        chosen[toggle] = true;
        current = next;
        now = then;
    }
    bisect->result.explained = 1 - now / all;
    return NULL;
}

static Err *work(Bisect *bisect, bool *out_differs)
{
    const BisectSpec *spec = bisect->spec;
    Compare compare = {.bisect = bisect};
    BenchWork a, b;
    bisect_tell(bisect, "A");
    TRY(measure(bisect, spec->a, "", &a));
    TRY(measure(bisect, spec->a, "", &compare.a));
    bisect_tell(bisect, "B");
    TRY(measure(bisect, bisect_b(bisect), bisect->b_toggles, &b));
    TRY(measure(bisect, bisect_b(bisect), bisect->b_toggles, &compare.b));
    bisect->result.same_output = strcmp(compare.a.outcome, compare.b.outcome) == 0;
    find_steady(&compare, &a, &b);
    double all = distance(&compare, &compare.a, &compare.b);
    *out_differs = all > 0;
    if (!*out_differs) return NULL;
    bisect->result.by = BISECT_WORK;
    list_counters(&compare);
    name_operation(&compare);
    return spec->b == NULL ? thin_out(&compare, all) : imitate(&compare, all);
}

/* ---- both halves ---- */

/* With the same work, toggles can differ in time only where they say so. */
static bool times_may_differ(const Bisect *bisect)
{
    bool may = bisect->spec->b != NULL;
    for (size_t i = 0; i < bisect->candidate_count; i++)
        may = may || strcmp(toggle_info(bisect->candidates[i])->shows, "time") == 0;
    return may;
}

static void take_candidates(Bisect *bisect, const bool *is_off)
{
    for (int i = 0; i < TOGGLE_COUNT; i++)
        if (is_off[i]) bisect->candidates[bisect->candidate_count++] = (Toggle)i;
}

static Err *read_candidates(Bisect *bisect)
{
    bool chosen[TOGGLE_COUNT];
    const char *off = bisect->spec->off;
    memset(chosen, off == NULL || strcmp(off, "all") == 0, sizeof chosen);
    for (const char *at = off; at != NULL && *at != '\0' && strcmp(off, "all") != 0;) {
        size_t length = strcspn(at, ",");
        int toggle = toggle_by_name(at, length);
        if (toggle < 0)
            TRY(toggles_check("--off", arena_printf(bisect->arena, "%.*s=off", (int)length, at)));
        else
            chosen[toggle] = true;
        at += length + (at[length] == ',');
    }
    take_candidates(bisect, chosen);
    bisect->b_toggles = bisect->spec->b == NULL ? bisect_off(bisect->arena, chosen) : "";
    return NULL;
}

Err *bisect(Arena *arena, const BisectSpec *spec, BisectResult *out)
{
    Bisect state = {.arena = arena, .spec = spec, .result = {.same_output = true}};
    bool by_time = spec->by != NULL && strcmp(spec->by, "time") == 0, differs = false;
    TRY(read_candidates(&state));
    if (!by_time) TRY(work(&state, &differs));
    if (!differs && (by_time || (spec->by == NULL && times_may_differ(&state))))
        TRY(bisect_time(&state));
    *out = state.result;
    return NULL;
}
