/* The spans of past runs: POND/history/spans-<id of the run>, one frame (frame.c) of kind 'S':
 *
 *     wire.h's: id, when the process began (µs), length of a tick, ticks at the begin, count of
 *     operations and their names by number, count of lanes, and of each lane its number, how many
 *     records, and these as they stand in the ring (16 bytes each, the machine's byte order)
 *
 * They are kept of runs with the level spans or detail, and of killed ones when they are recovered.
 * Bounds: the newest 65,536 records of a run, evenly over its lanes; of 8 files the oldest goes
 * when another is written. A file that does not match its hash, or makes no sense, is renamed to
 * <name>.damaged and counts among the 8. */
#include "perf/ops.h"
#include "report/report_int.h"
#include <stdlib.h>

enum {
    RECORDS_MOST = 1 << 16,
    FILES_MOST = 8,
    FILE_BYTES_MAX = RECORDS_MOST * (int)sizeof(PerfRecord) + (1 << 16),
    NAMES_MOST = 1 << 12,
    LANES_MOST = 1 << 12,
    ID_DIGITS = 16
};
static const char PREFIX[] = "spans-", DAMAGED[] = ".damaged";

/* spans-<id>, maybe .damaged */
static bool is_ours(const OsEntry *entry, bool damaged)
{
    const char *rest = entry->name + strlen(PREFIX);
    if (!entry->is_file || !text_starts(entry->name, PREFIX)) return false;
    return strspn(rest, "0123456789abcdef") == ID_DIGITS &&
           (rest[ID_DIGITS] == '\0' || (damaged && strcmp(rest + ID_DIGITS, DAMAGED) == 0));
}

/* Oldest first; none when there is no folder. */
static Err *list_ours(Arena *arena, const char *dir, bool damaged, ReportAged **out,
                      size_t *out_count)
{
    OsEntry *entries = NULL;
    OsStat stat;
    size_t count = 0, found = 0;
    bool exists = false;
    TRY(os_stat_if(dir, &exists, &stat));
    if (exists) TRY(os_list(arena, dir, &entries, &count));
    ReportAged *files = AARRAY(arena, ReportAged, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (!is_ours(&entries[i], damaged)) continue;
        TRY(os_stat_if(arena_printf(arena, "%s/%s", dir, entries[i].name), &exists, &stat));
        if (exists) files[found++] = (ReportAged){entries[i].name, stat.mtime_ns};
    }
    qsort(files, found, sizeof *files, report_by_age);
    *out = files;
    *out_count = found;
    return NULL;
}

/* ---- writing ---- */

static size_t count_of(const PerfSpans *spans, uint32_t lane)
{
    size_t count = 0;
    for (size_t i = 0; i < spans->count; i++) count += spans->lanes[i] == lane;
    return count;
}

/* The newest `most` records of a lane. */
static void put_lane(Buf *to, const PerfSpans *spans, uint32_t lane, size_t most)
{
    size_t count = count_of(spans, lane), skip = count > most ? count - most : 0;
    wire_put_uint(to, lane);
    wire_put_uint(to, count - skip);
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->lanes[i] != lane) continue;
        if (skip > 0)
            skip--;
        else
            buf_add(to, &spans->records[i], sizeof(PerfRecord));
    }
}

static void put_lanes(Buf *to, const PerfSpans *spans)
{
    uint32_t lanes = 0;
    for (size_t i = 0; i < spans->count; i++)
        if (spans->lanes[i] >= lanes) lanes = spans->lanes[i] + 1;
    wire_put_uint(to, lanes);
    for (uint32_t lane = 0; lane < lanes; lane++) put_lane(to, spans, lane, RECORDS_MOST / lanes);
}

Err *spans_keep(const char *pond_dir, const RunSpans *run)
{
    SCRATCH(scratch);
    CLEANUP(os_close_at) OsFile *file = NULL;
    Buf content = buf_new(scratch), frame = buf_new(scratch);
    const char *dir = report_history_dir(scratch, pond_dir);
    ReportAged *files;
    size_t count;
    wire_put_text(&content, run->run);
    wire_put_int(&content, run->begun);
    wire_put_real(&content, run->ns_per_tick);
    wire_put_uint(&content, run->start_ticks);
    wire_put_uint(&content, run->name_count);
    for (size_t i = 0; i < run->name_count; i++) wire_put_text(&content, run->names[i]);
    put_lanes(&content, &run->spans);
    frame_put(&frame, 'S', &content);
    TRY(report_history_make(dir));
    TRY(list_ours(scratch, dir, true, &files, &count));
    for (size_t i = 0; i + FILES_MOST <= count; i++)
        TRY(os_unlink_if(arena_printf(scratch, "%s/%s", dir, files[i].name)));
    TRY(os_open_new(arena_printf(scratch, "%s/%s%s", dir, PREFIX, run->run), &file));
    return os_write(file, frame.data, frame.size);
}

RunSpans run_spans_of_process(Arena *arena, const PerfSpans *spans, const char *run)
{
    PerfClock clock = perf_clock();
    uint64_t age_ns = perf_clock_monotonic() - clock.start_ns;
    RunSpans out = {.run = run,
                    .begun = os_now() - (TimeUs)(age_ns / 1000),
                    .ns_per_tick = clock.ns_per_tick,
                    .start_ticks = clock.start_ticks,
                    .names = AARRAY(arena, const char *, PERF_OP_COUNT),
                    .name_count = PERF_OP_COUNT,
                    .spans = *spans};
    for (int op = 0; op < PERF_OP_COUNT; op++) out.names[op] = perf_op_info((PerfOp)op)->name;
    return out;
}

RunSpans run_spans_of_flight(const Flight *flight, const char *run)
{
    return (RunSpans){.run = run,
                      .begun = flight->begun,
                      .ns_per_tick = flight->ns_per_tick,
                      .start_ticks = flight->start_ticks,
                      .names = flight->names,
                      .name_count = flight->name_count,
                      .spans = flight->spans};
}

/* ---- reading ---- */

static void get_names(Arena *arena, Wire *from, RunSpans *out)
{
    uint64_t count = wire_uint(from);
    if (count > NAMES_MOST) from->bad = true;
    if (from->bad) return;
    out->name_count = count;
    out->names = AARRAY(arena, const char *, count + 1);
    for (uint64_t i = 0; i < count; i++) out->names[i] = wire_text(arena, from);
}

static void get_lane(Wire *from, RunSpans *out)
{
    PerfSpans *spans = &out->spans;
    uint64_t lane = wire_uint(from), count = wire_uint(from);
    if (lane > UINT32_MAX || count > RECORDS_MOST - spans->count) from->bad = true;
    const char *bytes = from->bad ? NULL : wire_bytes(from, count * sizeof(PerfRecord));
    if (bytes == NULL) return;
    memcpy(spans->records + spans->count, bytes, count * sizeof(PerfRecord));
    for (uint64_t i = 0; i < count; i++, spans->count++) {
        const PerfRecord *record = &spans->records[spans->count];
        spans->lanes[spans->count] = (uint32_t)lane;
        if (record->op >= out->name_count || record->shift > 32) from->bad = true;
    }
}

bool run_spans_parse(Arena *arena, const char *bytes, size_t size, RunSpans *out)
{
    const char *body;
    RunSpans run = {0};
    size_t body_size = frame_at(bytes, size, size, &body);
    if (body_size == 0 || *body != 'S' || FRAME_HEAD + body_size != size) return false;
    Wire from = {body + 1, body + body_size, false};
    run.run = wire_text(arena, &from);
    run.begun = wire_int(&from);
    run.ns_per_tick = wire_real(&from);
    run.start_ticks = wire_uint(&from);
    run.spans.records = AARRAY(arena, PerfRecord, RECORDS_MOST);
    run.spans.lanes = AARRAY(arena, uint32_t, RECORDS_MOST);
    get_names(arena, &from, &run);
    uint64_t lanes = wire_uint(&from);
    for (uint64_t i = 0; i < lanes && i <= LANES_MOST && !from.bad; i++) get_lane(&from, &run);
    if (from.bad || from.at != from.end || !(run.ns_per_tick > 0 && run.ns_per_tick < 1e6))
        return false;
    perf_sort_spans(&run.spans);
    *out = run;
    return true;
}

Err *spans_list(Arena *arena, const char *pond_dir, const char ***out, size_t *out_count)
{
    ReportAged *files;
    TRY(list_ours(arena, report_history_dir(arena, pond_dir), false, &files, out_count));
    const char **names = AARRAY(arena, const char *, *out_count + 1);
    for (size_t i = 0; i < *out_count; i++) names[i] = files[i].name;
    *out = names;
    return NULL;
}

bool spans_read(Arena *arena, const char *pond_dir, const char *name, bool mend, RunSpans *out)
{
    char *bytes = NULL;
    size_t size = 0;
    const char *dir = report_history_dir(arena, pond_dir);
    Err *err = os_read_file_if(arena, arena_printf(arena, "%s/%s", dir, name), FILE_BYTES_MAX,
                               &bytes, &size);
    *out = (RunSpans){0};
    bool gone = err == NULL && bytes == NULL; /* another process needed the room */
    bool good = gone || (err == NULL && run_spans_parse(arena, bytes, size, out));
    err_free(err);
    if (!good && mend) report_set_aside(dir, name);
    return good;
}
