/* Perfetto's trace format (perfetto.dev/docs/reference/trace-packet-proto), written by hand: a
 * trace is a sequence of packets, each a protobuf message in field 1. First one packet that names
 * the process and the event names (interned: later packets carry numbers), then a track for each
 * ring, then a begin and an end for each span, in order of time on each track.
 *
 * Field numbers, by message: TracePacket timestamp 8, trusted_packet_sequence_id 10, track_event
 * 11, interned_data 12, sequence_flags 13, track_descriptor 60. TrackDescriptor uuid 1, name 2,
 * process 3 (pid 1, cmdline 2, process_name 6), parent_uuid 5. TrackEvent category_iids 3,
 * type 9 (1 begin, 2 end), name_iid 10, track_uuid 11.
 * InternedData event_categories 1, event_names 2 (each iid 1, name 2). */
#include "perf/ops.h"
#include "report/report_int.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum {
    PACKET = 1,
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE = 10,
    PACKET_EVENT = 11,
    PACKET_INTERNED = 12,
    PACKET_FLAGS = 13,
    PACKET_TRACK = 60,
    TRACK_UUID = 1,
    TRACK_NAME = 2,
    TRACK_PROCESS = 3,
    TRACK_PARENT = 5,
    PROCESS_PID = 1,
    PROCESS_CMDLINE = 2,
    PROCESS_NAME = 6,
    EVENT_CATEGORY = 3,
    EVENT_TYPE = 9,
    EVENT_NAME = 10,
    EVENT_TRACK = 11,
    INTERNED_CATEGORY = 1,
    INTERNED_NAME = 2,
    ENTRY_IID = 1,
    ENTRY_NAME = 2,
    TYPE_BEGIN = 1,
    TYPE_END = 2,
    FLAG_CLEARED = 1, /* of interned data */
    FLAG_NEEDS = 2,
    SEQUENCE = 1,
    PROCESS_UUID = 1,
    LANE_UUID = 2 /* + lane */
};

/* ---- protobuf ---- */

static void put_varint(Buf *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) buf_putc(to, (char)(value | 0x80));
    buf_putc(to, (char)value);
}

static void put_uint(Buf *to, unsigned field, uint64_t value)
{
    put_varint(to, (uint64_t)field << 3);
    put_varint(to, value);
}

static void put_bytes(Buf *to, unsigned field, const void *bytes, size_t size)
{
    put_varint(to, (uint64_t)field << 3 | 2);
    put_varint(to, size);
    buf_add(to, bytes, size);
}

static void put_text(Buf *to, unsigned field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

/* ---- packets ---- */

/* Buffers that the packets are built in, one inside the other. */
typedef struct Writer {
    Buf *out;
    Buf packet, inner, innermost;
    const TraceInput *input;
} Writer;

static void end_packet(Writer *writer, uint64_t flags)
{
    put_uint(&writer->packet, PACKET_SEQUENCE, SEQUENCE);
    if (flags != 0) put_uint(&writer->packet, PACKET_FLAGS, flags);
    put_bytes(writer->out, PACKET, writer->packet.data, writer->packet.size);
    buf_clear(&writer->packet);
    buf_clear(&writer->inner);
}

static void put_interned(Writer *writer, unsigned field, const char *const *names)
{
    for (size_t i = 0; i < writer->input->name_count; i++) {
        buf_clear(&writer->innermost);
        put_uint(&writer->innermost, ENTRY_IID, i + 1);
        put_text(&writer->innermost, ENTRY_NAME, names[i]);
        put_bytes(&writer->inner, field, writer->innermost.data, writer->innermost.size);
    }
}

static void put_names(Writer *writer)
{
    put_interned(writer, INTERNED_CATEGORY, writer->input->layers);
    put_interned(writer, INTERNED_NAME, writer->input->names);
    put_bytes(&writer->packet, PACKET_INTERNED, writer->inner.data, writer->inner.size);
    end_packet(writer, FLAG_CLEARED);
}

static void put_process(Writer *writer)
{
    buf_clear(&writer->innermost);
    put_uint(&writer->innermost, PROCESS_PID, (uint64_t)writer->input->pid);
    put_text(&writer->innermost, PROCESS_CMDLINE, writer->input->command);
    put_text(&writer->innermost, PROCESS_NAME, "pond");
    put_uint(&writer->inner, TRACK_UUID, PROCESS_UUID);
    put_bytes(&writer->inner, TRACK_PROCESS, writer->innermost.data, writer->innermost.size);
    put_bytes(&writer->packet, PACKET_TRACK, writer->inner.data, writer->inner.size);
    end_packet(writer, 0);
}

static void put_lane(Writer *writer, uint32_t lane)
{
    char name[32];
    (void)snprintf(name, sizeof name, lane == 0 ? "main" : "worker %u", lane);
    put_uint(&writer->inner, TRACK_UUID, LANE_UUID + lane);
    put_uint(&writer->inner, TRACK_PARENT, PROCESS_UUID);
    put_text(&writer->inner, TRACK_NAME, name);
    put_bytes(&writer->packet, PACKET_TRACK, writer->inner.data, writer->inner.size);
    end_packet(writer, 0);
}

static uint64_t ns_at(const TraceInput *input, uint64_t ticks)
{
    double since = ((double)ticks - (double)input->start_ticks) * input->ns_per_tick;
    return input->start_ns + (uint64_t)(since > 0 ? llround(since) : 0);
}

static void put_begin(Writer *writer, const PerfRecord *record, uint32_t lane)
{
    put_uint(&writer->inner, EVENT_TYPE, TYPE_BEGIN);
    put_uint(&writer->inner, EVENT_TRACK, LANE_UUID + lane);
    put_uint(&writer->inner, EVENT_CATEGORY, record->op + 1U);
    put_uint(&writer->inner, EVENT_NAME, record->op + 1U);
    put_uint(&writer->packet, PACKET_TIMESTAMP, ns_at(writer->input, record->begin_ticks));
    put_bytes(&writer->packet, PACKET_EVENT, writer->inner.data, writer->inner.size);
    end_packet(writer, FLAG_NEEDS);
}

/* It needs nothing interned, and says so by saying nothing. */
static void put_end(Writer *writer, uint64_t end_ticks, uint32_t lane)
{
    put_uint(&writer->inner, EVENT_TYPE, TYPE_END);
    put_uint(&writer->inner, EVENT_TRACK, LANE_UUID + lane);
    put_uint(&writer->packet, PACKET_TIMESTAMP, ns_at(writer->input, end_ticks));
    put_bytes(&writer->packet, PACKET_EVENT, writer->inner.data, writer->inner.size);
    end_packet(writer, 0);
}

/* ---- spans, one lane after the other ---- */

static uint64_t end_of(const PerfRecord *record)
{
    return record->begin_ticks + ((uint64_t)record->length << record->shift);
}

/* Open spans are a stack of their ends; a begin first ends those that are over. A span whose outer
 * one was overwritten in the ring stands on its own. */
static void put_spans(Writer *writer, uint32_t lane)
{
    const PerfSpans *spans = writer->input->spans;
    uint64_t ends[256];
    size_t depth = 0;
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->lanes[i] != lane) continue;
        const PerfRecord *record = &spans->records[i];
        while (depth > 0 && (ends[depth - 1] <= record->begin_ticks || depth == 256))
            put_end(writer, ends[--depth], lane);
        put_begin(writer, record, lane);
        uint64_t end =
            end_of(record); /* of long ones rounded down, then maybe before an inner one's */
        ends[depth] = depth > 0 && end > ends[depth - 1] ? ends[depth - 1] : end;
        depth++;
    }
    while (depth > 0) put_end(writer, ends[--depth], lane);
}

static uint32_t lane_count(const PerfSpans *spans)
{
    uint32_t count = 0;
    for (size_t i = 0; i < spans->count; i++)
        if (spans->lanes[i] >= count) count = spans->lanes[i] + 1;
    return count;
}

void trace_to_perfetto(Buf *out, const TraceInput *input)
{
    SCRATCH(scratch);
    Writer writer = {.out = out,
                     .packet = buf_new(scratch),
                     .inner = buf_new(scratch),
                     .innermost = buf_new(scratch),
                     .input = input};
    uint32_t lanes = lane_count(input->spans);
    put_names(&writer);
    put_process(&writer);
    for (uint32_t lane = 0; lane < lanes; lane++) put_lane(&writer, lane);
    for (uint32_t lane = 0; lane < lanes; lane++) put_spans(&writer, lane);
}

TraceInput trace_of_process(Arena *arena, const PerfSpans *spans, const char *command)
{
    PerfClock clock = perf_clock();
    const char **names = AARRAY(arena, const char *, PERF_OP_COUNT);
    const char **layers = AARRAY(arena, const char *, PERF_OP_COUNT);
    for (int i = 0; i < PERF_OP_COUNT; i++) {
        names[i] = perf_op_info((PerfOp)i)->name;
        layers[i] = perf_op_info((PerfOp)i)->layer;
    }
    return (TraceInput){.spans = spans,
                        .names = names,
                        .layers = layers,
                        .name_count = PERF_OP_COUNT,
                        .ns_per_tick = clock.ns_per_tick,
                        .start_ticks = clock.start_ticks,
                        .start_ns = clock.start_ns,
                        .pid = getpid(),
                        .command = command};
}
