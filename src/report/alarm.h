/* report/alarm — work that leaves the range that the pond's own runs have shown, told right after
 * the command. Work, not time: counts have no noise, and times are never alarmed on.
 *
 *   alarms_judge    a run that has just ended: what is out of range goes into it; what it teaches
 * is kept
 *
 * Two rules, the first of which needs no history:
 *   by key    what is to be done once for each distinct thing was done again (more than 1.05 calls
 * a key) by range  a figure of work above the median + max(4 median deviations, 5 %) of earlier
 * runs of the same command line: figures by unit (statements a target, footers a file, ...) on
 *             every run; sums and cache misses only where nothing in the pond has changed since the
 *             run before, since then the same work is to be expected
 * A figure that is out of range is told once; again only after it was in range 4 times. The range
 * learns from every run, so that what stays is the new usual.
 *
 * Invariant: nothing here fails or changes the command. POND/history/ranges holds at most 64 KiB
 * and may vanish; damaged, it is set aside, and ranges are learned anew. Threads: one. */
#pragma once
#include "report/report.h"

typedef struct AlarmContext {
    const char *pond_dir;
    int64_t pond_version; /* of the log: has anything changed? */
} AlarmContext;
Err *alarms_judge(Arena *arena, const AlarmContext *context, Run *run) WARN_UNUSED;
/* "3 footers a file, at most 1 in the 9 runs before (the same files ...)" */
char *alarm_format(Arena *arena, const RunAlarm *alarm);
