/* Rings of spans, one a thread. The ring is the buffer: nothing drains it before the end; when it
 * is full the oldest record is overwritten, and how many were is what `written` exceeds the
 * capacity by. A record is whole before `written` tells of it (release), so that another process
 * that maps the ring after a kill finds every record that was ended, and the spans still open. */
#include "perf/perf_int.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static size_t ring_records = RING_RECORDS_DEFAULT;
static PerfRingSource *ring_source;
static void *ring_context;
static _Atomic size_t anonymous_rings;

size_t perf_ring_bytes(size_t records)
{
    return sizeof(PerfRing) + records * sizeof(PerfRecord);
}

void perf_rings_set(size_t records, PerfRingSource *source, void *context)
{
    ring_records = records;
    ring_source = source;
    ring_context = context;
}

#ifndef POND_NO_TRACKER

static pthread_mutex_t rings_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t lanes;

static PerfRing *make_ring(bool is_shared)
{
    size_t size = perf_ring_bytes(ring_records);
    (void)pthread_mutex_lock(&rings_lock);
    PerfRing *ring = ring_source != NULL ? ring_source(ring_context, size) : NULL;
    if (ring == NULL) {
        ring = block_memory(size, is_shared);
        atomic_fetch_add(&anonymous_rings, 1);
    }
    ring->capacity = ring_records;
    ring->lane = lanes++;
    (void)pthread_mutex_unlock(&rings_lock);
    return ring;
}

PerfRing *ring_new(Block *block)
{
    PerfRing *ring = make_ring(block->is_shared);
    atomic_store_explicit(&block->ring, ring, memory_order_release);
    return ring;
}

#endif

uint64_t perf_ring_read(const PerfRing *ring, PerfRecord *out, size_t *out_count)
{
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
    uint64_t first = written > ring->capacity ? written - ring->capacity : 0;
    for (uint64_t i = first; i < written; i++) {
        out[*out_count] = ring->records[i & (ring->capacity - 1)];
        *out_count += 1;
    }
    return first;
}

typedef struct Placed {
    PerfRecord record;
    uint32_t lane;
} Placed;

static int by_begin(const void *a, const void *b)
{
    const Placed *x = a, *y = b;
    if (x->record.begin_ticks != y->record.begin_ticks)
        return x->record.begin_ticks < y->record.begin_ticks ? -1 : 1;
    if (x->lane != y->lane) return x->lane < y->lane ? -1 : 1;
    return x->record.depth < y->record.depth ? -1 : x->record.depth > y->record.depth;
}

void perf_sort_spans(PerfSpans *spans)
{
    SCRATCH(scratch);
    Placed *placed = AARRAY(scratch, Placed, spans->count + 1);
    for (size_t i = 0; i < spans->count; i++)
        placed[i] = (Placed){spans->records[i], spans->lanes[i]};
    qsort(placed, spans->count, sizeof *placed, by_begin);
    for (size_t i = 0; i < spans->count; i++) {
        spans->records[i] = placed[i].record;
        spans->lanes[i] = placed[i].lane;
    }
}

PerfSpans perf_read_spans(Arena *arena)
{
    PerfSpans spans = {.anonymous = atomic_load(&anonymous_rings)};
    size_t most = 1;
    for (Block *block = block_all(); block != NULL; block = block->next) {
        PerfRing *ring = atomic_load_explicit(&block->ring, memory_order_acquire);
        if (ring != NULL) most += ring->capacity;
    }
    spans.records = AARRAY(arena, PerfRecord, most);
    spans.lanes = AARRAY(arena, uint32_t, most);
    for (Block *block = block_all(); block != NULL; block = block->next) {
        PerfRing *ring = atomic_load_explicit(&block->ring, memory_order_acquire);
        if (ring == NULL) continue;
        size_t begin = spans.count;
        spans.dropped += perf_ring_read(ring, spans.records, &spans.count);
        for (size_t i = begin; i < spans.count; i++) spans.lanes[i] = (uint32_t)ring->lane;
        spans.rings++;
    }
    return spans;
}

PerfSpanCounts perf_count_spans(void)
{
    PerfSpanCounts counts = {.anonymous = atomic_load(&anonymous_rings)};
    for (Block *block = block_all(); block != NULL; block = block->next) {
        PerfRing *ring = atomic_load_explicit(&block->ring, memory_order_acquire);
        if (ring == NULL) continue;
        uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
        uint64_t held = written < ring->capacity ? written : ring->capacity;
        counts.held += held;
        counts.dropped += written - held;
        counts.rings++;
    }
    return counts;
}
