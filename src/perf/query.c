/* The table of shapes: fixed slots, one lock. Texts of a slot lie in an arena of its own that lives
 * as long as the process. A slot's arena is begun anew with each profile, so that many profiles of
 * one shape take no more room than one. */
#include "perf/query.h"
#include "base/hash.h"
#include "perf/perf_int.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static PerfPlans plans_wanted;

static size_t (*known_source)(void *context, PerfKnown *out);
static void *known_context;

void perf_plans_set(PerfPlans plans)
{
    plans_wanted = plans;
}

void perf_known_set(size_t (*source)(void *context, PerfKnown *out), void *context)
{
    known_source = source;
    known_context = context;
}

#ifndef POND_NO_TRACKER

typedef struct Slot {
    PerfQuery query;
    Arena *profile_arena; /* of the newest profile */
    uint64_t unprofiled_cells;
    bool plans_asked;
} Slot;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Arena *texts;
static Slot slots[PERF_SHAPES_MAX];
static int slot_count;
static uint64_t left_out;
static PerfKnown *known; /* NULL: not asked for yet */
static size_t known_count;

static void unlock_at(pthread_mutex_t **held)
{
    (void)pthread_mutex_unlock(*held);
}

static pthread_mutex_t *lock_table(void)
{
    (void)pthread_mutex_lock(&lock);
    return &lock;
}

#define LOCKED() __attribute__((cleanup(unlock_at), unused)) pthread_mutex_t *locked_ = lock_table()

static int slot_of(uint64_t shape)
{
    for (int i = 0; i < slot_count; i++) {
        if (slots[i].query.shape == shape) return i;
    }
    return -1;
}

static void learn_known(void)
{
    if (texts == NULL) texts = arena_new();
    known = AARRAY(texts, PerfKnown, PERF_KNOWN_MAX);
    known_count = known_source != NULL ? known_source(known_context, known) : 0;
}

/* New, or heavy as far as is known. */
static bool wants_first(uint64_t shape)
{
    if (known == NULL) learn_known();
    for (size_t i = known_count; i-- > 0;)
        if (known[i].shape == shape) return known[i].is_heavy;
    return true;
}

static bool wants_all(PerfLevel level)
{
    return plans_wanted == PERF_PLANS_ALL ||
           (plans_wanted == PERF_PLANS_AUTO && level >= PERF_DETAIL);
}

static bool wants_profile(const Slot *slot, PerfLevel level)
{
    if (plans_wanted == PERF_PLANS_OFF) return false;
    if (wants_all(level)) return true;
    if (slot->query.calls == 0) return wants_first(slot->query.shape);
    return slot->unprofiled_cells >= PERF_AGAIN_CELLS;
}

PerfAsk perf_query_begin(uint64_t shape)
{
    PerfLevel level = perf_level();
    if (level == PERF_OFF) return (PerfAsk){.slot = -1};
    LOCKED();
    int at = slot_of(shape);
    bool is_new = at < 0;
    if (is_new && slot_count == PERF_SHAPES_MAX) {
        left_out++;
        return (PerfAsk){.slot = -1};
    }
    if (is_new) {
        at = slot_count++;
        slots[at].query.shape = shape;
    }
    bool profile = wants_profile(&slots[at], level);
    slots[at].query.asked += profile;
    return (PerfAsk){.slot = at, .is_new = is_new, .profile = profile, .phases = wants_all(level)};
}

static char *cut(Arena *arena, const char *text, size_t most)
{
    size_t length = text != NULL ? strlen(text) : 0;
    if (length <= most) return arena_strdup(arena, text);
    while (most > 0 && ((unsigned char)text[most] & 0xC0) == 0x80) most--; /* whole characters */
    return arena_strndup(arena, text, most);
}

void perf_query_text(int slot, const char *text)
{
    LOCKED();
    if (texts == NULL) texts = arena_new();
    slots[slot].query.text = cut(texts, text, PERF_SHAPE_TEXT_MAX);
}

/* ---- a profile that is kept ---- */

static PerfPass *copy_passes(Arena *arena, const PerfPass *passes, size_t count)
{
    PerfPass *copy = AARRAY(arena, PerfPass, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = (PerfPass){.name = arena_strdup(arena, passes[i].name), .us = passes[i].us};
    return copy;
}

static PerfProfile copy_profile(Arena *arena, const PerfProfile *from)
{
    PerfProfile to = *from;
    if (to.operator_count > PERF_OPERATORS_MAX) to.operator_count = PERF_OPERATORS_MAX;
    if (to.pass_count > PERF_PASSES_MAX) to.pass_count = PERF_PASSES_MAX;
    to.operators = AARRAY(arena, PerfOperator, to.operator_count + 1);
    for (size_t i = 0; i < to.operator_count; i++) {
        to.operators[i] = from->operators[i];
        to.operators[i].name = arena_strdup(arena, from->operators[i].name);
        to.operators[i].detail = arena_strdup(arena, from->operators[i].detail);
    }
    to.passes = copy_passes(arena, from->passes, to.pass_count);
    return to;
}

/* The engine's figure may hold the planning of a statement before that was not read to its end. */
static double planning_of(const PerfStatement *statement)
{
    double told_us = statement->profile->planning_us;
    if (told_us <= 0) told_us = statement->planning_us;
    return told_us < statement->self_us ? told_us : statement->self_us;
}

static void keep_profile(Slot *slot, const PerfStatement *statement)
{
    PerfQuery *query = &slot->query;
    const PerfProfile *profile = statement->profile;
    query->plan_changes += query->profiled > 0 && query->profile.plan != profile->plan;
    query->profiled++;
    query->profiled_us += statement->self_us;
    query->planning_us += planning_of(statement);
    query->optimizer_us += profile->optimizer_us;
    query->profiled_rows += statement->sources.rows;
    query->profiled_bytes += statement->read_bytes;
    query->claimed_rows += profile->rows_scanned;
    query->claimed_bytes += profile->bytes_read;
    if (profile->estimate_off > query->estimate_off) query->estimate_off = profile->estimate_off;
    if (slot->profile_arena == NULL) slot->profile_arena = arena_new();
    /* the passes of a stream came with its plans, once: they stay */
    bool keeps_passes = profile->pass_count == 0 && query->profile.pass_count > 0;
    Arena *old = slot->profile_arena, *arena = arena_new();
    PerfProfile kept = copy_profile(arena, profile);
    if (keeps_passes) {
        kept.passes = copy_passes(arena, query->profile.passes, query->profile.pass_count);
        kept.pass_count = query->profile.pass_count;
    }
    query->profile = kept;
    slot->profile_arena = arena;
    arena_free(old);
}

static void add_sources(PerfSources *to, const PerfSources *from)
{
    to->versions += from->versions;
    to->versions_read += from->versions_read;
    to->columns = from->columns;
    to->rows += from->rows;
    to->bytes += from->bytes;
    to->scans = from->scans;
}

static uint64_t cells_of(const PerfStatement *statement)
{
    const PerfSources *sources = &statement->sources;
    uint64_t scanned = sources->scans > 0 ? sources->rows * (sources->columns / sources->scans)
                                          : statement->read_bytes / 8;
    uint64_t given = statement->rows;
    if (statement->profile != NULL && statement->profile->real_rows > given)
        given = statement->profile->real_rows;
    return scanned + given;
}

bool perf_query_end(int at, const PerfStatement *statement)
{
    if (at < 0) return false;
    LOCKED();
    Slot *slot = &slots[at];
    PerfQuery *query = &slot->query;
    double us = statement->self_us + statement->inner_us;
    query->calls++;
    query->failed += statement->failed;
    query->self_us += statement->self_us;
    query->inner_us += statement->inner_us;
    if (us > query->max_us) query->max_us = us;
    query->rows += statement->rows;
    query->read_bytes += statement->read_bytes;
    if (statement->sql_bytes > query->sql_bytes) query->sql_bytes = statement->sql_bytes;
    add_sources(&query->sources, &statement->sources);
    uint64_t cells = cells_of(statement);
    if (cells > query->cells_most) query->cells_most = cells;
    slot->unprofiled_cells += cells;
    if (statement->profile == NULL) return false;
    slot->unprofiled_cells = 0;
    keep_profile(slot, statement);
    bool wants = !slot->plans_asked && wants_all(perf_level());
    slot->plans_asked = slot->plans_asked || wants;
    return wants;
}

void perf_query_plans(int at, const char *logical, const char *optimized, const char *physical,
                      const PerfPass *passes, size_t pass_count)
{
    LOCKED();
    if (texts == NULL) texts = arena_new();
    PerfQuery *query = &slots[at].query;
    query->logical = cut(texts, logical, PERF_PLAN_TEXT_MAX);
    query->optimized = cut(texts, optimized, PERF_PLAN_TEXT_MAX);
    query->physical = cut(texts, physical, PERF_PLAN_TEXT_MAX);
    if (query->profile.pass_count > 0 || pass_count == 0) return;
    query->profile.pass_count = pass_count < PERF_PASSES_MAX ? pass_count : PERF_PASSES_MAX;
    query->profile.passes = copy_passes(slots[at].profile_arena, passes, query->profile.pass_count);
}

/* ---- reading ---- */

static int by_time(const void *a, const void *b)
{
    const PerfQuery *x = a, *y = b;
    if (x->self_us != y->self_us) return x->self_us > y->self_us ? -1 : 1;
    return x->shape < y->shape ? -1 : x->shape > y->shape;
}

void perf_read_queries(Arena *arena, PerfQuery **out, size_t *out_count, uint64_t *out_left_out)
{
    LOCKED();
    PerfQuery *queries = AARRAY(arena, PerfQuery, slot_count + 1);
    size_t count = 0;
    for (int i = 0; i < slot_count; i++) {
        PerfQuery query = slots[i].query;
        if (query.calls == 0) continue;
        query.text = arena_strdup(arena, query.text);
        query.logical = arena_strdup(arena, query.logical);
        query.optimized = arena_strdup(arena, query.optimized);
        query.physical = arena_strdup(arena, query.physical);
        query.profile = copy_profile(arena, &query.profile);
        queries[count++] = query;
    }
    if (count > 1) qsort(queries, count, sizeof *queries, by_time);
    *out = queries;
    *out_count = count;
    *out_left_out = left_out;
}

#else

void perf_read_queries(Arena *arena, PerfQuery **out, size_t *out_count, uint64_t *out_left_out)
{
    *out = ANEW(arena, PerfQuery);
    *out_count = 0;
    *out_left_out = 0;
}

#endif
