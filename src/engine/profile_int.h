/* What profile_tree.c and profile_plan.c share: facts of an operator, by key. */
#pragma once
#include "engine/engine_int.h"

typedef struct PlanFact {
    const char *key, *value;
} PlanFact;
typedef VEC(PlanFact) PlanInfo;
typedef VEC(PerfPass) PassVec;

/* Of a map as the engine prints it. */
PlanInfo plan_info_of_text(Arena *arena, const char *text);
const char *plan_info_get(const PlanInfo *info, const char *key); /* NULL when absent */
/* What the operator of that name works on, in one line, without literals. */
const char *plan_info_detail(Arena *arena, const char *name, const PlanInfo *info);
/* Without the number of a feed. */
char *plan_operator_name(Arena *arena, const char *name);
/* Phases of planning and passes of the optimiser that took time. */
PassVec plan_passes(Arena *arena, duckdb_profiling_info root);
