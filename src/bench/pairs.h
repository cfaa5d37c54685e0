/* bench/pairs — runs two commands in pairs until a verdict on their times is final, and compares
 * what they put out.
 *
 * A command is a line for /bin/sh. "{out}" in it stands for a folder of the run's own that does not
 * exist yet. After one run of each that is not timed, pairs follow in random order; each run's exit
 * status, standard output and {out} (names and bytes of all files but those below .pond) must be
 * what the first run of its side gave, and the two sides' the same.
 *
 * Time is the wall's, from before the fork until the child is reaped; folders are made and compared
 * outside of it. Errors: INVALID when a command fails (with the end of what it said) or puts out
 * something else than before; INTERRUPTED.
 * Threads: one. The children are this process's only ones. */
#pragma once
#include "report/verdict.h"

typedef enum PairSide { SIDE_A, SIDE_B, SIDE_COUNT } PairSide;

typedef struct PairsSpec {
    const char *commands[SIDE_COUNT];
    const char *environment[SIDE_COUNT]; /* "NAME=value" more, or NULL */
    VerdictRule rule;
    int64_t cap_us;          /* no further pair after this long; 0 = none */
    const char *scratch_dir; /* exists; what is made in it is removed */
    uint64_t seed;           /* of the order */
    bool differ;             /* the sides need not put out the same */
    void (*progress)(void *context, const VerdictState *state, size_t pairs);
    void *context;
} PairsSpec;

typedef struct PairsUse {
    double wall_s, cpu_s; /* medians over the timed runs */
    int64_t peak_bytes;   /* the largest process of any run */
} PairsUse;

typedef struct PairsResult {
    VerdictState state;
    size_t pairs; /* run; state.pairs of them are what the verdict rests on */
    PairsUse use[SIDE_COUNT];
    const char *difference; /* what the sides put out differently; NULL: nothing */
} PairsResult;

Err *pairs_run(Arena *arena, const PairsSpec *spec, PairsResult *out) WARN_UNUSED;

/* The command with {out} replaced. */
char *pairs_command(Arena *arena, const char *command, const char *out_dir);
/* Names and bytes of all files, but for those below a .pond. */
Err *pairs_hash_tree(const char *dir, char out_hex[65]) WARN_UNUSED;

/* How often this machine gives a false verdict: pairs of one and the same piece of work (some
 * milliseconds of hashing in a child), resampled. */
typedef struct PairsSelftest {
    size_t pairs, trials;
    double false_paired; /* share of trials without a difference that find one, at 40 pairs */
    double false_blocks; /* the same for "40 runs of A, then 40 of B, medians 5 % apart" */
    double found_paired; /* share of trials with B 10 % slower that find it within 80 pairs */
    double spread;       /* 95th to 5th percentile of the run times */
} PairsSelftest;
Err *pairs_selftest(Arena *arena, size_t pairs, uint64_t seed, PairsSelftest *out) WARN_UNUSED;
