/* What survives kill -9: the rings of spans, in a file that is mapped. POND/history/flight-<id>:
 *
 *     header (8 KiB): magic, sizes, pid, clocks, command, names of the operations by number
 *     16 slots, each a PerfRing of the size that the header tells
 *
 * All of it is taken from the disk when the file is made (a full disk is then an error there and no
 * signal later), and locked: a file whose lock nobody holds belongs to a process that has ended. A
 * thread beyond the 16th has its ring in memory, and the run says so. The file goes when the
 * process ends well. Of those left by others the oldest goes when there are more than 8.
 *
 * A file that is no flight, or whose numbers make no sense, is renamed to flight-<id>.damaged. */
#include "perf/ops.h"
#include "report/report_int.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SLOTS = 16,
    HEADER_BYTES = 8192,
    COMMAND_BYTES = 1024,
    NAMES_BYTES = 6144,
    FLIGHT_BYTES_MAX = 256 << 20,
    LEFT_MOST = 8
};
static const char MAGIC[8] = "PONDFLT1";

typedef struct Header {
    char magic[8];
    uint64_t header_bytes, ring_bytes, ring_records, slots, name_count;
    int64_t pid;
    TimeUs begun;
    uint64_t start_ticks, start_ns;
    double ns_per_tick;
    _Atomic uint64_t slots_used;
    char command[COMMAND_BYTES];
    char names[NAMES_BYTES]; /* each ends with a line break, by number */
} Header;
_Static_assert(sizeof(Header) <= HEADER_BYTES, "the header fits");

static struct {
    OsMap *map;
    char path[4096];
} flight;

/* ---- while the process lives ---- */

/* Called under the rings' lock, by the thread that needs one. */
static PerfRing *next_slot(void *context, size_t size_bytes)
{
    Header *header = context;
    uint64_t slot = atomic_load(&header->slots_used);
    if (slot >= header->slots || size_bytes > header->ring_bytes) return NULL;
    atomic_store(&header->slots_used, slot + 1);
    return (PerfRing *)(void *)((char *)header + header->header_bytes + slot * header->ring_bytes);
}

static void write_names(Header *header)
{
    size_t used = 0;
    for (int i = 0; i < PERF_OP_COUNT; i++) {
        const char *name = perf_op_info((PerfOp)i)->name;
        size_t length = strlen(name);
        if (used + length + 2 > NAMES_BYTES) return;
        memcpy(header->names + used, name, length);
        header->names[used + length] = '\n';
        used += length + 1;
        header->name_count++;
    }
}

static void write_header(Header *header, const char *command, size_t records)
{
    PerfClock clock = perf_clock();
    header->header_bytes = HEADER_BYTES;
    header->ring_bytes = (perf_ring_bytes(records) + 63) / 64 * 64;
    header->ring_records = records;
    header->slots = SLOTS;
    header->pid = getpid();
    header->begun = os_now();
    header->start_ticks = clock.start_ticks;
    header->start_ns = clock.start_ns;
    header->ns_per_tick = clock.ns_per_tick;
    (void)snprintf(header->command, COMMAND_BYTES, "%s", command);
    write_names(header);
    memcpy(header->magic, MAGIC, sizeof MAGIC); /* last: from now on it is one */
}

static bool is_flight(const OsEntry *entry)
{
    return entry->is_file && text_starts(entry->name, "flight-") && strlen(entry->name) == 23;
}

/* Files of the dead and set aside, oldest first. */
static Err *list_left(Arena *arena, const char *dir, bool damaged, ReportAged **out,
                      size_t *out_count)
{
    OsEntry *entries;
    size_t count, left = 0;
    TRY(os_list(arena, dir, &entries, &count));
    *out = AARRAY(arena, ReportAged, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *path = arena_printf(arena, "%s/%s", dir, entries[i].name);
        bool aside = damaged && text_starts(entries[i].name, "flight-") &&
                     text_ends(entries[i].name, ".damaged");
        bool held = false, exists = false;
        OsStat stat;
        if (!aside && !is_flight(&entries[i])) continue;
        Err *err = aside ? NULL : os_is_held(path, &held);
        if (err != NULL) {
            err_free(err); /* its process has just ended well, or it is not ours to read */
            continue;
        }
        TRY(os_stat_if(path, &exists, &stat));
        if (!held && exists) (*out)[left++] = (ReportAged){entries[i].name, stat.mtime_ns};
    }
    qsort(*out, left, sizeof **out, report_by_age);
    *out_count = left;
    return NULL;
}

static void forget_oldest(const char *dir)
{
    SCRATCH(scratch);
    ReportAged *left = NULL;
    size_t count = 0;
    err_free(list_left(scratch, dir, true, &left, &count));
    for (size_t i = 0; i + LEFT_MOST < count; i++)
        err_free(os_unlink_if(arena_printf(scratch, "%s/%s", dir, left[i].name)));
}

static Err *make_flight(const char *pond_dir, const char *command, size_t records)
{
    SCRATCH(scratch);
    const char *dir = report_history_dir(scratch, pond_dir);
    size_t ring_bytes = (perf_ring_bytes(records) + 63) / 64 * 64;
    TRY(report_history_make(dir));
    forget_oldest(dir);
    int length =
        snprintf(flight.path, sizeof flight.path, "%s/flight-%s", dir, report_random_id(scratch));
    if (length < 0 || (size_t)length >= sizeof flight.path)
        return ERR(LIMIT, "the name of the flight recorder's file is too long");
    TRY(os_map_new(flight.path, HEADER_BYTES + SLOTS * ring_bytes, &flight.map));
    write_header(os_map_memory(flight.map), command, records);
    return NULL;
}

void flight_start(const char *pond_dir, const char *command, size_t records)
{
    PerfLevel level = perf_level();
    if (level >= PERF_SPANS) perf_level_set(PERF_COUNTS); /* our own calls need no ring yet */
    Err *err = pond_dir == NULL ? NULL : make_flight(pond_dir, command, records);
    if (err != NULL) log_debug("spans are kept in memory: %s", err_message(err));
    err_free(err);
    perf_rings_set(records, flight.map != NULL ? next_slot : NULL,
                   flight.map != NULL ? os_map_memory(flight.map) : NULL);
    perf_level_set(level);
}

/* The rings stay mapped: other threads may still end. */
void flight_end(void)
{
    if (flight.map != NULL) err_free(os_unlink_if(flight.path));
}

/* ---- what was left ---- */

static bool makes_sense(const Header *header, size_t size)
{
    uint64_t records = header->ring_records;
    return size >= sizeof *header && memcmp(header->magic, MAGIC, sizeof MAGIC) == 0 &&
           header->header_bytes == HEADER_BYTES && header->slots == SLOTS && records > 0 &&
           records <= 1 << 20 && (records & (records - 1)) == 0 &&
           header->ring_bytes == (perf_ring_bytes(records) + 63) / 64 * 64 &&
           header->header_bytes + header->slots * header->ring_bytes == size &&
           header->slots_used <= header->slots && header->name_count <= UINT16_MAX &&
           header->ns_per_tick > 0 && header->ns_per_tick < 1e6 &&
           memchr(header->command, '\0', COMMAND_BYTES) != NULL &&
           memchr(header->names, '\0', NAMES_BYTES) != NULL;
}

static bool read_names(Arena *arena, const Header *header, Flight *out)
{
    char *rest = arena_strdup(arena, header->names);
    out->names = AARRAY(arena, const char *, header->name_count + 1);
    for (uint64_t i = 0; i < header->name_count; i++) {
        char *end = strchr(rest, '\n');
        if (end == NULL) return false;
        *end = '\0';
        out->names[i] = rest;
        rest = end + 1;
    }
    out->name_count = header->name_count;
    return true;
}

static uint64_t last_moment(const Flight *out, const PerfRing *ring)
{
    uint64_t last = 0;
    for (size_t i = 0; i < out->spans.count; i++) {
        const PerfRecord *record = &out->spans.records[i];
        uint64_t end = record->begin_ticks + ((uint64_t)record->length << record->shift);
        last = end > last ? end : last;
    }
    for (uint64_t i = 0; i < ring->depth && i < PERF_DEPTH_MAX; i++)
        last = ring->open[i].begin_ticks > last ? ring->open[i].begin_ticks : last;
    return last;
}

static bool read_ring(Flight *out, const PerfRing *ring, uint32_t lane)
{
    size_t begin = out->spans.count;
    out->spans.dropped += perf_ring_read(ring, out->spans.records, &out->spans.count);
    out->spans.rings++;
    for (size_t i = begin; i < out->spans.count; i++) {
        if (out->spans.records[i].op >= out->name_count || out->spans.records[i].shift > 32)
            return false;
        out->spans.lanes[i] = lane;
    }
    uint64_t last = last_moment(out, ring);
    for (uint64_t i = 0; i < ring->depth && i < PERF_DEPTH_MAX; i++) {
        if (ring->open[i].op >= out->name_count) return false;
        double ticks = (double)(last - ring->open[i].begin_ticks);
        out->open[out->open_count++] =
            (FlightOpen){out->names[ring->open[i].op], ticks * out->ns_per_tick / 1e6};
    }
    return true;
}

static bool read_rings(Arena *arena, const Header *header, Flight *out)
{
    size_t most = header->slots_used * header->ring_records;
    out->spans.records = AARRAY(arena, PerfRecord, most + 1);
    out->spans.lanes = AARRAY(arena, uint32_t, most + 1);
    out->open = AARRAY(arena, FlightOpen, SLOTS * PERF_DEPTH_MAX);
    for (uint64_t i = 0; i < header->slots_used; i++) {
        const PerfRing *ring =
            (const PerfRing *)(const void *)((const char *)header + header->header_bytes +
                                             i * header->ring_bytes);
        if (ring->capacity == 0) continue; /* killed between taking and beginning it */
        if (ring->capacity != header->ring_records || !read_ring(out, ring, (uint32_t)i))
            return false;
    }
    perf_sort_spans(&out->spans);
    return true;
}

bool flight_parse(Arena *arena, const char *bytes, size_t size, Flight *out)
{
    const Header *header = (const Header *)(const void *)bytes;
    if (size < sizeof *header || !makes_sense(header, size)) return false;
    *out = (Flight){.command = header->command,
                    .pid = header->pid,
                    .begun = header->begun,
                    .ns_per_tick = header->ns_per_tick,
                    .start_ticks = header->start_ticks,
                    .start_ns = header->start_ns};
    return read_names(arena, header, out) && read_rings(arena, header, out);
}

static bool read_flight(Arena *arena, const char *path, Flight *out)
{
    char *bytes = NULL;
    size_t size = 0;
    Err *err = os_read_file_if(arena, path, FLIGHT_BYTES_MAX, &bytes, &size);
    bool good = err == NULL && bytes != NULL && flight_parse(arena, bytes, size, out);
    err_free(err);
    out->path = path;
    return good;
}

Err *flight_recover(Arena *arena, const char *pond_dir, bool mend, Flights *out)
{
    const char *dir = report_history_dir(arena, pond_dir);
    ReportAged *left = NULL;
    size_t count = 0;
    OsStat stat;
    bool exists = false;
    TRY(os_stat_if(dir, &exists, &stat));
    if (exists) TRY(list_left(arena, dir, false, &left, &count));
    Flights found = {.flights = AARRAY(arena, Flight, count + 1),
                     .set_aside = AARRAY(arena, const char *, count + 1)};
    for (size_t i = 0; i < count; i++) {
        const char *path = arena_printf(arena, "%s/%s", dir, left[i].name);
        if (read_flight(arena, path, &found.flights[found.count])) {
            found.count++;
            continue;
        }
        found.set_aside[found.set_aside_count++] = left[i].name;
        if (mend) report_set_aside(dir, left[i].name);
    }
    *out = found;
    return NULL;
}

/* ---- as a run ---- */

static void add_span(const Flight *from, const PerfRecord *record, RunOp *op)
{
    double us = ldexp(record->length, record->shift) * from->ns_per_tick / 1000;
    op->name = from->names[record->op];
    if (op->count == 0 || us < op->min_us) op->min_us = us;
    if (us > op->max_us) op->max_us = us;
    op->count++;
    op->timed++;
    op->total_ms += us / 1000;
    op->mean_us = op->total_ms * 1000 / (double)op->count;
}

void flight_to_run(Arena *arena, const Flight *from, Run *out)
{
    Run run = {.id = report_random_id(arena),
               .command = from->command,
               .version = POND_VERSION,
               .host = os_hostname(),
               .level = "spans",
               .toggles_off = "",
               .pid = from->pid,
               .begun = from->begun,
               .status = -1,
               .spans = from->spans.count,
               .spans_dropped = from->spans.dropped,
               .rings = from->spans.rings};
    RunOp *ops = AARRAY(arena, RunOp, from->name_count + 1);
    for (size_t i = 0; i < from->spans.count; i++)
        add_span(from, &from->spans.records[i], &ops[from->spans.records[i].op]);
    run.ops = AARRAY(arena, RunOp, from->name_count + 1);
    for (size_t i = 0; i < from->name_count; i++) {
        if (ops[i].count == 0) continue;
        int op = perf_op_by_name(ops[i].name);
        ops[i].layer = op >= 0 ? perf_op_info((PerfOp)op)->layer : "";
        ops[i].unit = "time";
        run.ops[run.op_count++] = ops[i];
    }
    for (size_t i = 0; i < run.op_count; i++) run.ops[i].keys_sampled_1_in = 1;
    run.duration_us = -1;
    *out = run;
}
