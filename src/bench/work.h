/* bench/work — what a line for /bin/sh does: the counters of all pond processes in it, what it puts
 * out, and how long it takes. Each process gives its account to the file that POND_STATS names.
 *
 *   bench_work_run       once, in this process's environment with more toggles
 *   bench_work_settled   again after a first time, so that caches are as they will be
 *   bench_work_instructions
 *                        only counts them; the line may run any program
 *
 * Counters have the names of baselines (op.dir_read, io.blob.pond.open ...); times are those of
 * operations, in ms. Not counted are times and what differs by the machine: see counters.c.
 * Threads: one. */
#pragma once
#include "base/base.h"

typedef struct BenchWorkSpec {
    const char *command;     /* "{out}" is a new folder */
    const char *toggles;     /* more than POND_TOGGLES says, "" for none */
    const char *setting;     /* "NAME=value" more in the environment, or NULL */
    const char *scratch_dir; /* exists; what is made in it is removed */
    const char *valgrind;    /* the program, to count instructions; NULL: they are 0 */
} BenchWorkSpec;

typedef struct BenchWork {
    Map counters;     /* name → int64_t; none is 0 */
    Map times_ms;     /* timed operation → double */
    char outcome[65]; /* of standard output and {out} (what is below .pond aside) */
    double wall_s;
    int64_t instructions; /* of all processes in it */
} BenchWork;

/* INVALID with what the command said when it fails; INTERRUPTED. */
Err *bench_work_run(Arena *arena, const BenchWorkSpec *spec, BenchWork *out) WARN_UNUSED;
Err *bench_work_settled(Arena *arena, const BenchWorkSpec *spec, BenchWork *out) WARN_UNUSED;
Err *bench_work_instructions(const BenchWorkSpec *spec, int64_t *out) WARN_UNUSED;
int64_t bench_work_count(const BenchWork *work, const char *counter);
double bench_work_time_ms(const BenchWork *work, const char *operation);
