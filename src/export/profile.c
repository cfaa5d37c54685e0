/* Where the time of each target goes. A meter runs on one thread, from the begin of a piece of work
 * for one target to its end; what operations of the layers below took meanwhile on that thread goes
 * to their own phase, the rest to the phase of the piece. The operations are such that none
 * contains another. With the tracker off all is the rest. */
#include "export/export_int.h"
#include "perf/ops.h"
#include "perf/read.h"

static const struct {
    PerfOp op;
    ExportPhase phase;
} INNER[METER_INNER] = {
    {PERF_engine_connect, PHASE_CONTEXT},    {PERF_engine_feed, PHASE_REGISTRATION},
    {PERF_sql_view, PHASE_REGISTRATION},     {PERF_engine_prepare, PHASE_PLANNING},
    {PERF_engine_copy_plan, PHASE_PLANNING}, {PERF_pattern_walk, PHASE_TRAVERSAL},
    {PERF_export_hash, PHASE_METADATA},
};

Meter meter_begin(void)
{
    Meter meter;
    for (int i = 0; i < METER_INNER; i++) meter.inner[i] = perf_my_ticks(INNER[i].op);
    meter.begin = perf_ticks();
    return meter;
}

void meter_end(const Meter *meter, ExportPhase phase, ExportPhases *to)
{
    double us_per_tick = perf_clock().ns_per_tick / 1000;
    double rest = (double)(perf_ticks() - meter->begin);
    for (int i = 0; i < METER_INNER; i++) {
        double ticks = (double)(perf_my_ticks(INNER[i].op) - meter->inner[i]);
        to->us[INNER[i].phase] += ticks * us_per_tick;
        rest -= ticks;
    }
    if (rest > 0) to->us[phase] += rest * us_per_tick;
}

void phases_add(ExportPhases *to, const ExportPhases *from, double share)
{
    for (int i = 0; i < PHASE_COUNT; i++) to->us[i] += from->us[i] * share;
}
