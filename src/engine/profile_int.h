/* What profile_tree.c and profile_plan.c share: facts of an operator, by key. */
#pragma once
#include "engine/engine_int.h"

typedef struct PlanFact {
    const char *key, *value;
} PlanFact;
typedef VEC(PlanFact) PlanInfo;
typedef VEC(PerfPass) PassVec;

/* A scan of Parquet files with conditions, as the profile tells of it. */
typedef struct FilteredScan {
    const char *filters; /* a line each */
    const char *files;   /* the first five */
    uint64_t file_count;
} FilteredScan;
typedef VEC(FilteredScan) FilteredScanVec;

/* Of a map as the engine prints it. */
PlanInfo plan_info_of_text(Arena *arena, const char *text);
const char *plan_info_get(const PlanInfo *info, const char *key); /* NULL when absent */
/* What the operator of that name works on, in one line, without literals. */
const char *plan_info_detail(Arena *arena, const char *name, const PlanInfo *info);
/* Without the number of a feed. */
char *plan_operator_name(Arena *arena, const char *name);
/* row_groups.c: the row groups of these scans, and those that their conditions skip. */
void row_groups_count(Arena *arena, const Profile *statement, const FilteredScanVec *scans,
                      PerfProfile *out);
/* Phases of planning and passes of the optimiser that took time. */
PassVec plan_passes(Arena *arena, duckdb_profiling_info root);
