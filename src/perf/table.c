/* The table of operations as data, and the sums of counts. */
#include "perf/perf_int.h"
#include <string.h>

static const PerfOpInfo OPS[PERF_OP_COUNT] = {
#define PERF_OP(name, layer, unit, text, details)                                                  \
    {#name, #layer, #unit, text, details, PERF_##name},
#include "perf/ops.def"
#undef PERF_OP
};

const PerfOpInfo *perf_op_at(size_t index)
{
    return &OPS[index];
}

const PerfOpInfo *perf_op_info(PerfOp op)
{
    size_t i = 0;
    while (i < PERF_OP_COUNT - 1 && OPS[i].op != op) i++;
    return &OPS[i];
}

int perf_op_by_name(const char *name)
{
    for (size_t i = 0; i < PERF_OP_COUNT; i++) {
        if (strcmp(OPS[i].name, name) == 0) return (int)OPS[i].op;
    }
    return -1;
}

const char *perf_level_name(PerfLevel level)
{
    static const char *const NAMES[] = {"off", "counts", "spans", "detail"};
    return NAMES[level];
}

uint64_t perf_read(PerfOp op)
{
    uint64_t sum = 0;
    for (Block *block = block_all(); block != NULL; block = block->next)
        sum += atomic_load_explicit(&block->counts[op].n, memory_order_relaxed);
    return sum;
}
