/* bench/worth — what each toggle is worth for one command: its counter with it on and off, and the
 * time of one to the other in pairs. Outputs must be equal to the byte.
 *
 * A toggle pays where, off, its counter grows or the command gets slower; where neither happens it
 * may pay elsewhere. Threads: one. */
#pragma once
#include "bench/work.h"
#include "report/verdict.h"

typedef struct WorthSpec {
    const char *command; /* for /bin/sh */
    const char *scratch_dir;
    VerdictRule rule;     /* of the times */
    int64_t cap_us;       /* a toggle's pairs end after this long; 0 = none */
    bool work_only;       /* times are not measured */
    const char *valgrind; /* counts instructions, some fifty times slower; NULL: not */
    uint64_t seed;
    void (*progress)(void *context, Toggle toggle, size_t pairs);
    void *context;
} WorthSpec;

typedef enum WorthKind {
    WORTH_NOTHING, /* neither more work nor more time without it */
    WORTH_WORK,    /* more work without it */
    WORTH_TIME,    /* more time without it, and maybe more work */
    WORTH_COSTS    /* faster without it */
} WorthKind;

typedef struct Worth {
    Toggle toggle;
    WorthKind kind;
    int64_t on, off; /* of what toggles.def says that it shows; 0 and 0 for time */
    int64_t instructions_on, instructions_off; /* 0: not counted */
    bool is_timed;                             /* else `times` says nothing */
    VerdictState times;                        /* of off to on */
    bool same_output;
} Worth;

/* INVALID when the command fails. */
Err *worth_measure(Arena *arena, const WorthSpec *spec, const Toggle *toggles, size_t count,
                   Worth *out) WARN_UNUSED;
