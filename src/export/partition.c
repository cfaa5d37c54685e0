/* Partitions: calendar windows in UTC, from year down to second.
 *
 * A partition is a half-open calendar window [start, end) and a directory such as
 * year=2024/month=7, values unpadded. Each part needs those that make it a single stretch of time
 * (month needs year, hour needs day): else one directory would collect rows of many stretches and a
 * range of time would not be a range of files.
 *
 * Windows are derived from the intervals in which a relation is known to have rows, never by
 * walking the calendar between the first and the last: two rows dated 1970 cost one window each,
 * not six hundred. Bounds and windows are inclusive on both sides here, because that is how
 * relations are read; times are whole microseconds, so end = next start - 1. */
#include "export/export_int.h"
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int needs; /* the part that must stand before it; -1: none; quarter may take the place of year
                  for month */
} PARTS[PART_COUNT] = {
    [PART_YEAR] = {"year", -1},
    [PART_QUARTER] = {"quarter", PART_YEAR},
    [PART_MONTH] = {"month", PART_YEAR},
    [PART_DAY] = {"day", PART_MONTH},
    [PART_HOUR] = {"hour", PART_DAY},
    [PART_MINUTE] = {"minute", PART_HOUR},
    [PART_SECOND] = {"second", PART_MINUTE},
};

/* Beyond these a window would leave the range of TimeUs; the last and first window are open-ended.
 */
enum { YEAR_LAST = 294246, YEAR_FIRST = -290307 };

const char *part_name(ExportPart part)
{
    return PARTS[part].name;
}

static bool parts_have(const Parts *parts, ExportPart part)
{
    for (size_t i = 0; i < parts->n; i++)
        if (parts->v[i] == part) return true;
    return false;
}

static Err *part_of_word(const char *word, ExportPart *out)
{
    const char *names[PART_COUNT];
    for (int part = 0; part < PART_COUNT; part++) {
        names[part] = PARTS[part].name;
        if (strcmp(word, names[part]) != 0) continue;
        *out = (ExportPart)part;
        return NULL;
    }
    const char *near = text_nearest(word, names, PART_COUNT);
    Err *err = ERR(USAGE, "--temporal: '%s' is not a part of time", word);
    return near != NULL
               ? err_hint(err, "did you mean '%s'?", near)
               : err_hint(err, "parts are year, quarter, month, day, hour, minute, second");
}

/* "year,month,day" for `part`: itself and all that it needs. */
static char *parts_needed(Arena *arena, ExportPart part)
{
    char *text = arena_strdup(arena, PARTS[part].name);
    for (int needs = PARTS[part].needs; needs >= 0; needs = PARTS[needs].needs)
        text = arena_printf(arena, "%s,%s", PARTS[needs].name, text);
    return text;
}

static Err *parts_add(Parts *parts, ExportPart part)
{
    const char *name = PARTS[part].name;
    if (parts_have(parts, part)) return ERR(USAGE, "--temporal: '%s' stands there twice", name);
    if (parts->n > 0 && parts->v[parts->n - 1] > part)
        return err_hint(
            ERR(USAGE, "--temporal: '%s' after '%s'", name, PARTS[parts->v[parts->n - 1]].name),
            "write parts from the longest to the shortest");
    int needs = PARTS[part].needs;
    SCRATCH(scratch);
    if (needs >= 0 && !parts_have(parts, (ExportPart)needs))
        return err_hint(ERR(USAGE,
                            "--temporal: '%s' without '%s' would mix different times in one file",
                            name, PARTS[needs].name),
                        "write '%s'", parts_needed(scratch, part));
    parts->v[parts->n++] = part;
    return NULL;
}

Err *parts_parse(const char *text, Parts *out)
{
    SCRATCH(scratch);
    Parts parts = {0};
    for (const char *at = text;;) {
        const char *comma = strchr(at, ',');
        const char *end = comma != NULL ? comma : at + strlen(at);
        const char *stop = end;
        while (at < stop && isspace((unsigned char)*at)) at++;
        while (stop > at && isspace((unsigned char)stop[-1])) stop--;
        ExportPart part = PART_COUNT;
        TRY(part_of_word(arena_strndup(scratch, at, (size_t)(stop - at)), &part));
        TRY(parts_add(&parts, part));
        if (comma == NULL) break;
        at = comma + 1;
    }
    *out = parts;
    return NULL;
}

char *parts_text(Arena *arena, const Parts *parts)
{
    Buf text = buf_new(arena);
    for (size_t i = 0; i < parts->n; i++)
        buf_printf(&text, "%s%s", i > 0 ? "," : "", PARTS[parts->v[i]].name);
    return text.data;
}

/* The calendar begins a little after the first of all times, which stands for minus infinity. */
static Civil civil_near(TimeUs time)
{
    return civil_of(time < TIME_MIN + 2 * US_PER_DAY ? TIME_MIN + 2 * US_PER_DAY : time);
}

int64_t part_value(ExportPart part, TimeUs time)
{
    Civil civil = civil_near(time);
    switch (part) {
    case PART_YEAR: return civil.year;
    case PART_QUARTER: return (civil.month - 1) / 3 + 1;
    case PART_MONTH: return civil.month;
    case PART_DAY: return civil.day;
    case PART_HOUR: return civil.hour;
    case PART_MINUTE: return civil.minute;
    case PART_SECOND: return civil.second;
    case PART_COUNT: break;
    }
    return 0;
}

static Civil floor_to(Civil civil, ExportPart part)
{
    civil.microsecond = 0;
    if (part < PART_SECOND) civil.second = 0;
    if (part < PART_MINUTE) civil.minute = 0;
    if (part < PART_HOUR) civil.hour = 0;
    if (part < PART_DAY) civil.day = 1;
    if (part == PART_QUARTER) civil.month = (civil.month - 1) / 3 * 3 + 1;
    if (part < PART_QUARTER) civil.month = 1;
    return civil;
}

static Civil next_of(Civil civil, ExportPart part)
{
    if (part == PART_YEAR) civil.year++;
    if (part == PART_QUARTER) civil.month += 3;
    if (part == PART_MONTH) civil.month++;
    if (part == PART_DAY) civil.day++;
    if (part == PART_HOUR) civil.hour++;
    if (part == PART_MINUTE) civil.minute++;
    if (part == PART_SECOND) civil.second++;
    return civil;
}

TimeSpan parts_window(const Parts *parts, TimeUs time)
{
    TimeSpan window = {TIME_MIN, TIME_MAX};
    if (parts->n == 0) return window;
    ExportPart finest = parts->v[parts->n - 1];
    Civil start = floor_to(civil_near(time), finest);
    if (start.year >= YEAR_FIRST) window.min = civil_to_time(start);
    if (start.year <= YEAR_LAST) window.max = civil_to_time(next_of(start, finest)) - 1;
    return window;
}

char *parts_dir(Arena *arena, const Parts *parts, TimeUs time)
{
    Buf dir = buf_new(arena);
    for (size_t i = 0; i < parts->n; i++)
        buf_printf(&dir, "%s%s=%" PRId64, i > 0 ? "/" : "", PARTS[parts->v[i]].name,
                   part_value(parts->v[i], time));
    return dir.data;
}

static TimeSpan clip(TimeSpan span, TimeSpan bounds)
{
    if (span.min < bounds.min) span.min = bounds.min;
    if (span.max > bounds.max) span.max = bounds.max;
    return span;
}

/* Steps through the windows: *next starts as false and the function says whether there is one. */
typedef struct WindowWalk {
    const Parts *parts;
    const RelExtent *extent;
    TimeSpan bounds;
    size_t interval;
    bool started, ended;
    TimeSpan window; /* the last one, not clipped */
} WindowWalk;

static bool walk_next(WindowWalk *walk)
{
    for (; walk->interval < walk->extent->count && !walk->ended; walk->interval++) {
        TimeSpan left = clip(walk->extent->intervals[walk->interval], walk->bounds);
        if (walk->started && left.min <= walk->window.max) {
            if (walk->window.max == TIME_MAX)
                walk->ended = true;
            else
                left.min = walk->window.max + 1;
        }
        if (walk->ended || left.min > left.max) continue;
        walk->window = parts_window(walk->parts, left.min);
        walk->started = true;
        return true;
    }
    return false;
}

bool parts_windows(Arena *arena, const Parts *parts, const RelExtent *extent, TimeSpan bounds,
                   SpanVec *out)
{
    WindowWalk walk = {.parts = parts, .extent = extent, .bounds = bounds};
    while (walk_next(&walk)) {
        if (out->n == PARTITION_LIMIT) return false;
        vec_push(arena, out, clip(walk.window, bounds));
    }
    return true;
}

size_t parts_count(const Parts *parts, const RelExtent *extent, TimeSpan bounds, size_t limit)
{
    WindowWalk walk = {.parts = parts, .extent = extent, .bounds = bounds};
    size_t count = 0;
    while (count <= limit && walk_next(&walk)) count++;
    return count;
}

/* ---- the automatic choice ---- */

static const double ROWS_A_FILE = 100000;

static Parts parts_down_to(int levels)
{
    static const ExportPart LADDER[] = {PART_YEAR, PART_MONTH,  PART_DAY,
                                        PART_HOUR, PART_MINUTE, PART_SECOND};
    Parts parts = {0};
    for (int i = 0; i < levels; i++) parts.v[parts.n++] = LADDER[i];
    return parts;
}

/* The level whose files come nearest to the wanted size, by ratio; the coarser of two that are
 * equally near. */
static Parts choose_by_rows(const RelExtent *extent, TimeSpan bounds, int64_t rows)
{
    enum { LEVELS = 6 };
    Parts best = {0};
    double best_distance = INFINITY;
    for (int level = 0; level <= LEVELS; level++) {
        Parts parts = parts_down_to(level);
        size_t files = parts_count(&parts, extent, bounds, PARTITION_LIMIT);
        if (files == 0 || files > PARTITION_LIMIT) break;
        double distance = fabs(log((double)(rows > 0 ? rows : 1) / (double)files / ROWS_A_FILE));
        if (distance >= best_distance) break;
        best_distance = distance;
        best = parts;
    }
    return best;
}

Parts parts_choose(const RelExtent *extent, TimeSpan bounds, int64_t grid_us, int64_t rows)
{
    if (grid_us >= US_PER_HOUR) return parts_down_to(1);
    if (grid_us >= US_PER_MINUTE) return parts_down_to(2);
    return choose_by_rows(extent, bounds, rows);
}

int64_t rel_grid_us(const Rel *rel, TimeUs time)
{
    TimeUs cut = rel_cut_down(rel, time);
    int64_t below = 0, step = 1; /* cut + below is in the same bucket */
    while (step < 1000 * US_PER_DAY && rel_cut_down(rel, cut + step) == cut) {
        below = step;
        step *= 2;
    }
    while (step - below > 1) {
        int64_t middle = below + (step - below) / 2;
        if (rel_cut_down(rel, cut + middle) == cut)
            below = middle;
        else
            step = middle;
    }
    return step;
}

/* ---- too many ---- */

typedef struct Edge {
    TimeUs time;
    const ScanFile *file;
} Edge;

static int edge_compare(const void *a, const void *b)
{
    TimeUs left = ((const Edge *)a)->time, right = ((const Edge *)b)->time;
    return (left > right) - (left < right);
}

/* The file with the time that lies farthest from the middle one. */
static const Edge *farthest_edge(Arena *arena, const Rel *rel)
{
    const ScanFile **files;
    size_t file_count, n = 0;
    rel_inputs_in(arena, rel, (TimeSpan){TIME_MIN, TIME_MAX}, &files, &file_count);
    for (size_t i = 0; i < file_count; i++) n += 2 * files[i]->interval_count;
    if (n == 0) return NULL;
    Edge *edges = AARRAY(arena, Edge, n);
    n = 0;
    for (size_t i = 0; i < file_count; i++)
        for (size_t k = 0; k < files[i]->interval_count; k++) {
            edges[n++] = (Edge){files[i]->intervals[k].min, files[i]};
            edges[n++] = (Edge){files[i]->intervals[k].max, files[i]};
        }
    qsort(edges, n, sizeof *edges, edge_compare);
    const Edge *median = &edges[n / 2];
    double middle = (double)median->time;
    double below = middle - (double)edges[0].time, above = (double)edges[n - 1].time - middle;
    return below > above ? &edges[0] : &edges[n - 1];
}

Err *parts_too_many(const Rel *rel, const Parts *parts, const char *source)
{
    SCRATCH(scratch);
    const Edge *edge = farthest_edge(scratch, rel);
    const char *text = parts_text(scratch, parts);
    if (edge == NULL)
        return err_hint(
            ERR(LIMIT, "%s: more than %d partitions by %s", source, PARTITION_LIMIT, text),
            "choose a coarser --temporal, or bounds with --start-time and --end-time");
    return err_hint(
        ERR(LIMIT, "%s: more than %d partitions by %s: %s reaches to %s", source, PARTITION_LIMIT,
            text, edge->file->label, time_format(scratch, edge->time)),
        "hide bad times with 'pond set-temporal-bounds', or choose a coarser --temporal");
}
