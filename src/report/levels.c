/* What is to be recorded, as text: "LEVEL[,OPERATION=N]...": times of one call in N. */
#include "perf/ops.h"
#include "report/report_int.h"
#include <stdlib.h>
#include <string.h>

static Err *unknown(const char *what, const char *word, const char *const *names, size_t count)
{
    const char *near = text_nearest(word, names, count);
    Err *err = ERR(USAGE, "unknown %s '%s'", what, word);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "levels are off, counts, spans and detail; operations are "
                                        "listed by: pond perf ops");
}

Err *report_plans_set(const char *spec)
{
    static const char *const NAMES[] = {"auto", "all", "off"}; /* as in PerfPlans */
    enum { COUNT = sizeof NAMES / sizeof *NAMES };
    for (int i = 0; i < COUNT; i++) {
        if (strcmp(NAMES[i], spec) != 0) continue;
        perf_plans_set((PerfPlans)i);
        return NULL;
    }
    const char *near = text_nearest(spec, NAMES, COUNT);
    Err *err = ERR(USAGE, "unknown value '%s'", spec);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "there are auto, all and off");
}

static Err *set_level(const char *word)
{
    const char *names[PERF_DETAIL + 1];
    for (int level = PERF_OFF; level <= PERF_DETAIL; level++) {
        names[level] = perf_level_name((PerfLevel)level);
        if (strcmp(names[level], word) != 0) continue;
        perf_level_set((PerfLevel)level);
        return NULL;
    }
    return unknown("level", word, names, PERF_DETAIL + 1);
}

static Err *set_sample(char *word, char *equals)
{
    const char *names[PERF_OP_COUNT];
    char *end = NULL;
    *equals = '\0';
    int op = perf_op_by_name(word);
    for (size_t i = 0; i < PERF_OP_COUNT; i++) names[i] = perf_op_at(i)->name;
    if (op < 0) return unknown("operation", word, names, PERF_OP_COUNT);
    if (op >= PERF_TIMED_COUNT)
        return ERR(USAGE, "%s is only counted, there are no times to sample", word);
    unsigned long one_in = strtoul(equals + 1, &end, 10);
    if (*end != '\0' || one_in == 0 || one_in > 65536 || (one_in & (one_in - 1)) != 0)
        return ERR(USAGE, "%s=%s: one in N, a power of two up to 65536, is expected", word,
                   equals + 1);
    perf_sample_set((PerfOp)op, (unsigned)__builtin_ctzl(one_in));
    return NULL;
}

Err *report_levels_set(const char *spec)
{
    SCRATCH(scratch);
    char *rest = arena_strdup(scratch, spec), *word;
    while ((word = strsep(&rest, ",")) != NULL) {
        char *equals = strchr(word, '=');
        TRY(equals == NULL ? set_level(word) : set_sample(word, equals));
    }
    return NULL;
}
