/* query — the engine's statements by shape: how often, how long, and what the engine's profile says
 * of those that were profiled: operators, phases, estimates, what was pushed into scans.
 *
 * A shape is a statement without what changes from call to call (literals, paths, lists of files);
 * its number is a hash of that text. Which statements are profiled is decided here, since a profile
 * costs about a million instructions: at the level detail all; at counts and spans the first of a
 * shape that is new or known to be heavy (perf_known_set), and one whenever the statements of a
 * shape have had PERF_AGAIN_CELLS since its last; or as perf_plans_set says. Never by time, so that
 * the same work is profiled the same, on whatever machine.
 *
 * Bounds: 128 shapes a process, with 48 operators each; what is beyond is counted exactly.
 * Invariant: calls and times are those of all statements, whatever is profiled; self times do not
 * hold what statements inside a statement took. The engine's own figures of bytes and rows are kept
 * beside ours, never instead of them.
 * Threads: any; a lock is held for a few instructions a statement. */
#pragma once
#include "base/arena.h"
#include "perf/perf.h"

enum {
    PERF_SHAPES_MAX = 128,
    PERF_OPERATORS_MAX = 48,
    PERF_PASSES_MAX = 48,
    PERF_SHAPE_TEXT_MAX = 1024, /* bytes of a shape's text that are kept */
    PERF_PLAN_TEXT_MAX = 4096,  /* of each plan */
};

typedef enum PerfPlans { PERF_PLANS_AUTO, PERF_PLANS_ALL, PERF_PLANS_OFF } PerfPlans;
/* At start, before other threads. */
void perf_plans_set(PerfPlans plans);

/* A cell takes the engine some hundred instructions, so a profile stays below a hundredth of a
 * heavy statement. */
enum { PERF_HEAVY_CELLS = 1000 * 1000, PERF_AGAIN_CELLS = 4 * PERF_HEAVY_CELLS };
enum { PERF_KNOWN_MAX = 4096 };
typedef struct PerfKnown {
    uint64_t shape;
    bool is_heavy; /* had PERF_HEAVY_CELLS once */
} PerfKnown;
/* Who knows shapes that were profiled before: asked once, when the first statement begins, for the
 * newest PERF_KNOWN_MAX, the newest last. At start, before other threads. */
void perf_known_set(size_t (*source)(void *context, PerfKnown *out), void *context);

/* ---- what is told of a statement ---- */

typedef struct PerfOperator {
    const char *name;
    const char *detail; /* what it works on, literals and paths left out */
    uint32_t depth;
    double self_us;
    uint64_t rows;
    int64_t estimate; /* rows; -1: the engine gave none */
} PerfOperator;

typedef struct PerfPass { /* a phase of planning, or a pass of the optimiser */
    const char *name;
    double us;
} PerfPass;

/* Of one statement. Texts belong to the caller. */
typedef struct PerfProfile {
    uint64_t plan; /* hash of the physical plan: operators, what they work on, their order; without
                      the conditions in scans, which come and go with the data */
    double planning_us, optimizer_us;      /* planning holds the optimiser's passes */
    uint64_t rows_scanned, bytes_read;     /* as the engine claims */
    uint64_t estimated_rows, real_rows;    /* of all operators with an estimate: the plan's cost */
    double estimate_off;                   /* the worst operator: greater by smaller, 1 is right */
    uint32_t joins, scans, feeds;          /* operators of that kind; scans are of files */
    uint32_t files, files_read;            /* of scans that dropped files by their names */
    uint32_t filters_pushed, filters_left; /* conditions in scans, and above them */
    uint32_t columns_read;                 /* of scans: projected or filtered by */
    uint64_t row_groups;                   /* of scans with conditions, where footers were asked */
    uint64_t row_groups_skipped;           /* of them, by their statistics; at least */
    PerfOperator *operators;               /* depth first, from the root */
    size_t operator_count;
    PerfPass *passes;
    size_t pass_count;
} PerfProfile;

/* Sources of a statement as the planner knows them. */
typedef struct PerfSources {
    uint64_t versions, versions_read; /* known, and left after pruning by time */
    uint64_t columns;                 /* of each scan's files, added up */
    uint64_t rows, bytes;             /* of the versions read, from the catalog */
    uint64_t scans;
} PerfSources;

typedef struct PerfStatement {
    double self_us, inner_us; /* in the engine; in statements that ran inside it */
    double planning_us;       /* where it was timed apart from execution; 0: not */
    uint64_t rows;            /* given out */
    uint64_t read_bytes;      /* by the engine's calls, as counted by module os */
    uint64_t sql_bytes;
    bool failed;
    PerfSources sources;
    const PerfProfile *profile; /* NULL: not profiled, or not read to its end */
} PerfStatement;

/* ---- a statement's way ---- */

typedef struct PerfAsk {
    int slot;     /* -1: not recorded (level off, or no room) */
    bool is_new;  /* its text is wanted */
    bool profile; /* it is to be profiled */
    bool phases;  /* with the phases of planning */
} PerfAsk;

#ifndef POND_NO_TRACKER
/* A statement of that shape begins. */
PerfAsk perf_query_begin(uint64_t shape);
/* The text of a new shape. */
void perf_query_text(int slot, const char *text);
/* It has ended. Its cells: rows of its scans by the columns of a scan's files, or where the planner
 * knows none the bytes read by 8, and the rows given out, or all that operators gave where a
 * profile tells. True: its three plans are wanted, once a shape. */
bool perf_query_end(int slot, const PerfStatement *statement);
/* Any may be NULL. The passes replace those of the profile: those of a stream are not told there.
 */
void perf_query_plans(int slot, const char *logical, const char *optimized, const char *physical,
                      const PerfPass *passes, size_t pass_count);
#else
static inline PerfAsk perf_query_begin(uint64_t shape)
{
    (void)shape;
    return (PerfAsk){.slot = -1};
}
static inline void perf_query_text(int slot, const char *text)
{
    (void)slot;
    (void)text;
}
static inline bool perf_query_end(int slot, const PerfStatement *statement)
{
    (void)slot;
    (void)statement;
    return false;
}
static inline void perf_query_plans(int slot, const char *logical, const char *optimized,
                                    const char *physical, const PerfPass *passes, size_t pass_count)
{
    (void)slot;
    (void)logical;
    (void)optimized;
    (void)physical;
    (void)passes;
    (void)pass_count;
}
#endif

/* ---- reading ---- */

typedef struct PerfQuery {
    uint64_t shape;
    const char *text;
    uint64_t calls, failed, profiled;
    uint64_t asked;        /* to be profiled; not all are read to their end */
    uint64_t plan_changes; /* the physical plan was another than that of the profile before */
    uint64_t cells_most;   /* of the heaviest statement */
    double self_us, inner_us, max_us, planning_us;
    double profiled_us; /* self times of those profiled: what planning_us is a part of */
    double optimizer_us;
    uint64_t rows, sql_bytes; /* sql_bytes: of the longest */
    uint64_t read_bytes;
    PerfSources sources;
    uint64_t profiled_rows, profiled_bytes; /* by the catalog and by module os, of those profiled */
    uint64_t claimed_rows, claimed_bytes;   /* by the engine, of the same */
    double estimate_off;                    /* the worst of all */
    PerfProfile profile;                    /* the newest */
    const char *logical, *optimized, *physical;
} PerfQuery;

/* By self time, the longest first. `out_left_out`: statements whose shape found no room. */
void perf_read_queries(Arena *arena, PerfQuery **out, size_t *out_count, uint64_t *out_left_out);
