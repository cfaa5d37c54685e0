/* What the two halves of bisect share. */
#pragma once
#include "bench/bench_int.h"
#include "bench/bisect.h"

typedef struct Bisect {
    Arena *arena;
    const BisectSpec *spec;
    Toggle candidates[TOGGLE_COUNT];
    size_t candidate_count;
    const char *b_toggles; /* "" when B is a command of its own */
    BisectResult result;
} Bisect;

const char *bisect_b(const Bisect *bisect); /* B's command */
/* "x=off,y=off" of `chosen`, which has all toggles. */
char *bisect_off(Arena *arena, const bool *chosen);
void bisect_tell(const Bisect *bisect, const char *what);
void bisect_add_toggle(Bisect *bisect, const BisectToggle *toggle);

Err *bisect_time(Bisect *bisect) WARN_UNUSED; /* bisect_time.c */
