/* bench/bisect — what is behind a difference between two runs: which toggles, or which operation.
 *
 * BenchWork comes first, because it is exact: each side is measured twice, and counters that are
 * not the same both times are set aside. Where work differs, toggles are switched off in A, one
 * more at a time, as long as that brings A's counters nearer to B's; where B *is* A with toggles
 * off, each of them is switched on again and kept only if something changes. The operation is the
 * one whose count grew most, calls by distinct key before others. Where no work differs, time is
 * compared in pairs (report/verdict.h), and the operation is the innermost that most of the time
 * went into. Threads: one. */
#pragma once
#include "bench/work.h"
#include "report/verdict.h"

typedef struct BisectSpec {
    const char *a, *b; /* lines for /bin/sh; b NULL: a with `off` */
    const char *off;   /* "NAME,NAME" or "all"; with b: the toggles to try, NULL: all */
    const char *by;    /* only this counter counts, or "time"; NULL: all */
    size_t most_pairs; /* for time; 0 = 40 */
    const char *scratch_dir;
    void (*progress)(void *context, const char *what);
    void *context;
} BisectSpec;

typedef struct BisectToggle {
    Toggle toggle;
    double share;        /* of the difference that goes with it */
    const char *counter; /* that it moves most; NULL for time */
    int64_t on, off;     /* that counter in A, and in A with the toggle off */
} BisectToggle;

typedef struct BisectCounter {
    const char *name;
    int64_t a, b;
} BisectCounter;

typedef enum BisectBy { BISECT_NOTHING, BISECT_WORK, BISECT_TIME } BisectBy;

typedef struct BisectResult {
    BisectBy by;
    bool same_output;
    size_t unsteady;         /* counters set aside */
    BisectCounter *counters; /* that differ, most first */
    size_t counter_count;
    BisectToggle *toggles; /* most first */
    size_t toggle_count;
    double explained;                /* share of the difference, by the toggles */
    const char *operation;           /* NULL: none */
    double operation_a, operation_b; /* its count, or its ms */
    VerdictState times;              /* of B to A */
} BisectResult;

/* USAGE for unknown toggles; INVALID when a command fails. */
Err *bisect(Arena *arena, const BisectSpec *spec, BisectResult *out) WARN_UNUSED;
