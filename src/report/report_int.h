/* What the files of report share. */
#pragma once
#include "base/base.h"
#include "report/report.h"

/* ---- caches.c: fills run->caches from its operations ---- */
void run_caches(Arena *arena, Run *run);

/* ---- model.c: the figures of an operation from its histogram and count ---- */
void run_op_times(RunOp *op);

char *report_random_id(Arena *arena); /* 16 hex digits */
char *report_history_dir(Arena *arena, const char *pond_dir);
/* Renames `name` in the history folder to `name`.damaged, where it can. */
void report_set_aside(const char *dir, const char *name);
