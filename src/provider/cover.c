/* Few disjoint intervals that cover all times of a version. Each chunk of times gives at most MOST
 * intervals (its largest gaps separate them); they are merged into the running list, and the
 * smallest gaps close first. So two bad rows dated 1970 stay an interval of their own, however long
 * the rest is. Gaps that are not much longer than the usual step between rows are no gaps. */
#include "provider/provider_int.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 64, ROOM = 2 * MOST };

struct Cover {
    TimeSpan spans[ROOM]; /* ascending, disjoint */
    size_t count;
};

Cover *cover_new(Arena *arena)
{
    return ANEW(arena, Cover);
}

static int by_time(const void *a, const void *b)
{
    TimeUs x = *(const TimeUs *)a, y = *(const TimeUs *)b;
    return (x > y) - (x < y);
}

static void sort_times(TimeUs *times, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (times[i] >= times[i - 1]) continue;
        qsort(times, count, sizeof *times, by_time);
        return;
    }
}

static uint64_t gap_after(const TimeSpan *span)
{
    return (uint64_t)span[1].min - (uint64_t)span[0].max;
}

static void close_smallest_gap(TimeSpan *spans, size_t *count)
{
    size_t smallest = 0;
    for (size_t i = 1; i + 1 < *count; i++) {
        if (gap_after(&spans[i]) < gap_after(&spans[smallest])) smallest = i;
    }
    spans[smallest].max = spans[smallest + 1].max;
    memmove(&spans[smallest + 1], &spans[smallest + 2], (*count - smallest - 2) * sizeof *spans);
    --*count;
}

/* Sorted times to at most MOST spans. `floor` is the smallest gap worth keeping: it rises once the
 * list is full. */
static size_t spans_of(const TimeUs *times, size_t count, TimeSpan *spans)
{
    size_t n = 0;
    uint64_t worth = 0;
    for (size_t i = 0; i < count; i++) {
        if (n > 0 && (uint64_t)times[i] - (uint64_t)spans[n - 1].max <= worth) {
            spans[n - 1].max = times[i];
            continue;
        }
        spans[n++] = (TimeSpan){times[i], times[i]};
        if (n <= MOST) continue;
        close_smallest_gap(spans, &n);
        worth = UINT64_MAX;
        for (size_t j = 0; j + 1 < n; j++) {
            if (gap_after(&spans[j]) < worth) worth = gap_after(&spans[j]);
        }
    }
    return n;
}

static int by_begin(const void *a, const void *b)
{
    return by_time(&((const TimeSpan *)a)->min, &((const TimeSpan *)b)->min);
}

static void unite(TimeSpan *spans, size_t *count)
{
    qsort(spans, *count, sizeof *spans, by_begin);
    size_t kept = 0;
    for (size_t i = 1; i < *count; i++) {
        if (spans[i].min <= spans[kept].max) {
            if (spans[i].max > spans[kept].max) spans[kept].max = spans[i].max;
        } else {
            spans[++kept] = spans[i];
        }
    }
    *count = kept + 1;
    while (*count > MOST) close_smallest_gap(spans, count);
}

void cover_add(Cover *cover, TimeUs *times, size_t count)
{
    if (count == 0) return;
    sort_times(times, count);
    TimeSpan spans[MOST + 1];
    size_t n = spans_of(times, count, spans);
    memcpy(cover->spans + cover->count, spans, n * sizeof *spans);
    cover->count += n;
    unite(cover->spans, &cover->count);
}

void cover_add_spans(Cover *cover, const TimeSpan *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cover->spans[cover->count++] = spans[i];
        unite(cover->spans, &cover->count);
    }
}

void cover_finish(Cover *cover, Arena *arena, int64_t rows, TimeSpan **out, size_t *out_count)
{
    *out_count = 0;
    if (cover->count == 0) return;
    double covered = 0;
    for (size_t i = 0; i < cover->count; i++)
        covered += (double)cover->spans[i].max - (double)cover->spans[i].min;
    uint64_t worth = rows > 1 ? (uint64_t)(covered / (double)rows * 8) : 0;
    TimeSpan *spans = AARRAY(arena, TimeSpan, cover->count);
    size_t n = 0;
    for (size_t i = 0; i < cover->count; i++) {
        if (n > 0 && (uint64_t)cover->spans[i].min - (uint64_t)spans[n - 1].max <= worth) {
            spans[n - 1].max = cover->spans[i].max;
        } else {
            spans[n++] = cover->spans[i];
        }
    }
    *out = spans;
    *out_count = n;
}
