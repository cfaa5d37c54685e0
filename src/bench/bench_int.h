/* What the files of bench share. */
#pragma once
#include "bench/bench.h"
#include "os/os.h"

/* ---- make.c: what scenarios are filled with ---- */

typedef struct Maker {
    const BenchMake *make;
    int64_t done, all; /* for progress */
    BenchMade made;
} Maker;

/* The full count at the scale, at least 1. */
int64_t maker_count(const Maker *maker, int64_t full);

/* `body` in a transaction of its own, a minute after the one before. */
typedef Err *MakerBody(Maker *maker, void *context);
Err *maker_transact(Maker *maker, const char *command, MakerBody *body, void *context) WARN_UNUSED;

/* Rows at equal distances; each column is a value of its own that swings with the day and a little
 * by chance. */
typedef struct Readings {
    const char *path;
    const char *const *columns;
    size_t column_count;
    TimeUs begin;
    int64_t step_us, rows;
    uint64_t stream; /* equal streams have equal chance */
    bool gaps;       /* 2 % of the rows and 1 % of the cells are missing */
    int64_t unset;   /* so many rows come before all others, dated 1970 */
} Readings;
/* Inside a transaction: the rows as a version of the series, made with its folders when missing, by
 * way of a CSV text. */
Err *maker_readings(Maker *maker, const Readings *readings) WARN_UNUSED;
/* A version of a data:series from a text. */
Err *maker_text(Maker *maker, const char *path, const char *text) WARN_UNUSED;
/* A node of a factory. */
typedef struct MakerNode {
    const char *factory, *path, *config;
} MakerNode;
Err *maker_nodes(Maker *maker, const MakerNode *nodes, size_t count) WARN_UNUSED;

uint64_t bench_mix(uint64_t seed, uint64_t number); /* chance that hangs on nothing else */

#define BENCH_BEGIN (INT64_C(1704067200) * US_PER_SECOND) /* 2024-01-01: first rows */

/* ---- fill.c, fill_noyo.c ---- */
typedef Err *Fill(Maker *maker);
Fill fill_small, fill_medium, fill_large, fill_wildcards, fill_deep, fill_reduce, fill_noyo,
    fill_noyo_sql, fill_history;
Fill *fill_of(const BenchScenario *scenario); /* scenario.c */

/* ---- child.c: one run of a program ---- */
enum { STDOUT_STREAM, STDERR_STREAM, STREAM_COUNT };
typedef struct ChildSpec {
    const char *dir;                 /* its working folder; NULL: ours */
    const char *const *words;        /* program (a path) and arguments, ended by NULL */
    const char *const *environment;  /* the whole of it, ended by NULL */
    const char *paths[STREAM_COUNT]; /* files, made anew, that take a stream; NULL: it is kept */
    bool layout_by_chance;           /* of its memory, as users have it; else the same each time */
} ChildSpec;
typedef struct ChildResult {
    int status;       /* of wait */
    int64_t wall_us;  /* from the fork to its end */
    int64_t first_us; /* to the first byte that was kept of what it put out, -1: none */
    double cpu_s;
    int64_t peak_bytes;
    Buf out, errors; /* what it put out; of each stream at most 16 MiB */
} ChildResult;
/* This process's environment with "NAME=value" more, each in place of what has its name: of two of
 * one name a shell would take either. Both end with NULL. */
const char **child_environment(Arena *arena, const char *const *settings);
/* INTERRUPTED when this process was asked to end; the child then was, too. */
Err *child_run(Arena *arena, const ChildSpec *spec, ChildResult *out) WARN_UNUSED;
/* The end of a child that was forked at `began_us`; only status, times and memory are filled. */
Err *child_reap(int child, int64_t began_us, ChildResult *out) WARN_UNUSED;
/* INVALID with the end of what it said unless it exited with 0: "WHAT exited with 3". */
Err *child_check(const ChildSpec *spec, const ChildResult *result, const char *what) WARN_UNUSED;

/* ---- kept.c: ponds that are kept, and their copies ---- */
/* The folder of the run's pond, made by a child when it is not there; its content root. */
Err *kept_pond(Arena *arena, const BenchRun *run, const char **out_dir, char out_root[65])
    WARN_UNUSED;
/* A pond with the same content and log, without caches and history: blobs and log are links. */
Err *kept_clone(const char *from, const char *to) WARN_UNUSED;

/* ---- counters.c ---- */
typedef VEC(BenchCounter) CounterVec;
/* From the run's own account (--stats --json) on standard error. */
Err *counters_of_stats(Arena *arena, const char *command, const Buf *errors, CounterVec *out)
    WARN_UNUSED;
void counter_add(Arena *arena, CounterVec *counters, const char *command, const char *name,
                 int64_t value); /* not when it is 0 */

/* ---- run.c: one round over the commands, on a copy of the pond ---- */
typedef struct Round {
    Arena *arena;
    const BenchRun *run;
    const char *dir; /* of this round: pond, out, tmp; the commands' working folder */
    bool plain;      /* the commands give no account of themselves */
    CounterVec *counters;
    int64_t *wall_us; /* by command */
} Round;
/* The run with its cache folder made absolute, and its pond. */
Err *run_pond_of(Arena *arena, const BenchRun *run, BenchRun *out_run, const char **out_pond,
                 char out_root[65]) WARN_UNUSED;
/* What is made is removed by round_end, also after an error, which it gives back. */
Err *round_begin(Arena *arena, const BenchRun *run, const char *pond, Round *out) WARN_UNUSED;
Err *round_end(const Round *round, Err *err) WARN_UNUSED;
/* `counted`: by valgrind; then round_instructions tells how many. */
Err *round_exec(const Round *round, const BenchCommand *command, bool counted, ChildResult *out)
    WARN_UNUSED;
Err *round_instructions(const Round *round, const BenchCommand *command, int64_t *out) WARN_UNUSED;
