/* perf/ops — the numbers of the operations, for whoever records one: PERF_dir_read is that of
 * dir_read in ops.def. Apart from perf.h, and included by .c files only, so that an edit of the
 * table compiles those that name an operation and no others. */
#pragma once
#include "perf/perf.h"

/* Units: `count`, `rows`, `bytes` are only counted. `time` counts and times every call. `fine` is
 * for calls so many that a clock would weigh: counted exactly, timed one in 64 (all at `detail`).
 * The timed ones come first in the enum, so that they index tables of histograms. */
#define PERF_TIMED_time(name) PERF_##name,
#define PERF_TIMED_fine(name) PERF_##name,
#define PERF_TIMED_count(name)
#define PERF_TIMED_rows(name)
#define PERF_TIMED_bytes(name)
#define PERF_PLAIN_time(name)
#define PERF_PLAIN_fine(name)
#define PERF_PLAIN_count(name) PERF_##name,
#define PERF_PLAIN_rows(name) PERF_##name,
#define PERF_PLAIN_bytes(name) PERF_##name,

enum {
#define PERF_OP(name, layer, unit, text, details) PERF_TIMED_##unit(name)
#include "perf/ops.def"
#undef PERF_OP
    PERF_TIMED_COUNT,
    PERF_TIMED_LAST = PERF_TIMED_COUNT - 1,
#define PERF_OP(name, layer, unit, text, details) PERF_PLAIN_##unit(name)
#include "perf/ops.def"
#undef PERF_OP
    PERF_OP_COUNT
};
