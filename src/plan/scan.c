/* Scans: the schema that their files have together, and which files are read for a span of time, in
 * which order.
 *
 * Schema, rows, intervals and order of every file were recorded when it came in, so nothing is
 * opened to plan. Files are sorted by the first time they hold inside the span. Where each begins
 * when those before it have ended, rows come in time order without sorting; else files whose times
 * overlap make a run that is sorted by itself, and only it: one late version does not sort the
 * years before it. */
#include "plan/plan_int.h"
#include <stdlib.h>
#include <string.h>

/* ---- resolving ---- */

static Err *find_time_column(const Rel *rel, const char **out)
{
    const ScanNode *scan = &rel->scan;
    const ScanFile *with = NULL;
    *out = scan->time_column;
    if (*out != NULL) return NULL;
    for (size_t i = 0; i < scan->file_count; i++) {
        const ScanFile *file = &scan->files[i];
        if (file->time_column == NULL) continue;
        if (with == NULL) with = file;
        if (strcmp(file->time_column, with->time_column) != 0)
            return err_hint(ERR(INVALID, "%s: the time column is \"%s\" in %s and \"%s\" in %s",
                                rel->label, with->time_column, with->label, file->time_column,
                                file->label),
                            "name one of them, or rename with column-rename");
    }
    *out = with != NULL ? with->time_column : NULL;
    return NULL;
}

/* What was recorded about another column than the scan's time says nothing here. */
static void forget_other_time(ScanFile *file, const char *time_column)
{
    if (time_column != NULL && file->time_column != NULL &&
        strcmp(file->time_column, time_column) == 0)
        return;
    file->time_unit = TIME_UNIT_NONE;
    file->interval_count = 0;
    file->in_order = false;
}

Err *scan_file_part(const Rel *rel, const char *time_column, const ScanFile *file, UnionPart *out)
{
    *out = (UnionPart){
        .label = file->label, .schema = &file->schema, .time_index = -1, .unit = file->time_unit};
    if (time_column == NULL) return NULL;
    out->time_index = schema_find(&file->schema, time_column);
    if (out->time_index < 0)
        return ERR_WRAP(column_missing(file->label, &file->schema, time_column), "%s", rel->label);
    const Column *column = &file->schema.columns[out->time_index];
    if (type_class(column->type) != TYPE_INT) out->unit = TIME_UNIT_NONE;
    if (time_type_ok(column->type, out->unit)) return NULL;
    if (type_class(column->type) == TYPE_INT)
        return err_hint(ERR(INVALID, "%s: the unit of the time column \"%s\" in %s is not known",
                            rel->label, time_column, file->label),
                        "say ?unit=s, ms, us or ns when it is copied in");
    return ERR(INVALID, "%s: the time column \"%s\" is %s in %s", rel->label, time_column,
               column->type, file->label);
}

static void resolve_no_files(const Rel *rel)
{
    RelFacts *facts = rel->facts;
    Column *column = ANEW(rel->arena, Column);
    column->name = rel->scan.time_column != NULL ? rel->scan.time_column : "timestamp";
    column->type = TYPE_TZ;
    facts->schema = (Schema){.columns = column, .count = 1};
    facts->time_index = 0;
    facts->is_in_order = true;
}

Err *rel_resolve_scan(const Rel *rel)
{
    const ScanNode *scan = &rel->scan;
    RelFacts *facts = rel->facts;
    facts->is_time_local = true;
    if (scan->file_count == 0) {
        resolve_no_files(rel);
        return NULL;
    }
    const char *time_column;
    TRY(find_time_column(rel, &time_column));
    SCRATCH(scratch);
    UnionPart *parts = AARRAY(scratch, UnionPart, scan->file_count);
    for (size_t i = 0; i < scan->file_count; i++) {
        forget_other_time(&scan->files[i], time_column);
        TRY(scan_file_part(rel, time_column, &scan->files[i], &parts[i]));
    }
    United united;
    TRY(ERR_WRAP(unite(rel->arena, parts, scan->file_count, &united), "%s", rel->label));
    if (united.time_index < 0 && !span_is_all(scan->clip))
        return ERR(INVALID, "%s: temporal bounds need a time column", rel->label);
    facts->schema = united.schema;
    facts->time_index = united.time_index;
    facts->time_unit = united.unit;
    facts->is_in_order = scan_select(scratch, scan, SPAN_ALL).is_in_order || united.time_index < 0;
    return NULL;
}

/* ---- choosing files ---- */

typedef struct Candidate {
    const ScanFile *file;
    size_t ordinal;
    TimeSpan hull; /* of its rows inside the span */
} Candidate;

/* What of the file may lie in the span; empty when nothing. */
static TimeSpan hull_in(const ScanFile *file, TimeSpan span)
{
    TimeSpan hull = {TIME_MAX, TIME_MIN};
    if (file->rows == 0) return hull;
    if (file->interval_count == 0) return span;
    for (size_t i = 0; i < file->interval_count; i++) {
        TimeSpan part = span_meet(file->intervals[i], span);
        if (span_is_empty(part)) continue;
        if (part.min < hull.min) hull.min = part.min;
        if (part.max > hull.max) hull.max = part.max;
    }
    return hull;
}

static int by_time(const void *a, const void *b)
{
    const Candidate *x = a, *y = b;
    if (x->hull.min != y->hull.min) return x->hull.min < y->hull.min ? -1 : 1;
    if (x->hull.max != y->hull.max) return x->hull.max < y->hull.max ? -1 : 1;
    return x->ordinal < y->ordinal ? -1 : 1;
}

/* As given. */
static Candidate *candidates_in(Arena *arena, const ScanNode *scan, TimeSpan span,
                                size_t *out_count)
{
    Candidate *candidates = AARRAY(arena, Candidate, scan->file_count);
    size_t count = 0;
    span = span_meet(span, scan->clip);
    for (size_t i = 0; i < scan->file_count && !span_is_empty(span); i++) {
        TimeSpan hull = hull_in(&scan->files[i], span);
        if (!span_is_empty(hull))
            candidates[count++] = (Candidate){.file = &scan->files[i], .ordinal = i, .hull = hull};
    }
    *out_count = count;
    return candidates;
}

static FileList list_of(Arena *arena, const Candidate *candidates, size_t count)
{
    FileList list = {.files = AARRAY(arena, const ScanFile *, count),
                     .ordinals = AARRAY(arena, size_t, count),
                     .count = count};
    for (size_t i = 0; i < count; i++) {
        list.files[i] = candidates[i].file;
        list.ordinals[i] = candidates[i].ordinal;
    }
    return list;
}

/* ---- runs ---- */

/* What the files before a place end with: the last time, and the greatest ordinal that reaches it.
 */
typedef struct RunEnd {
    TimeUs time;
    size_t ordinal;
} RunEnd;

static void run_end_add(RunEnd *end, const Candidate *candidate)
{
    TimeUs time = candidate->hull.max;
    if (time == end->time && candidate->ordinal > end->ordinal) end->ordinal = candidate->ordinal;
    if (time > end->time) *end = (RunEnd){time, candidate->ordinal};
}

/* Whether all rows of the files before come before those from here on; rows of one time come by
 * ordinal. */
static bool is_border(const Candidate *sorted, size_t count, size_t from, const RunEnd *end)
{
    if (end->time != sorted[from].hull.min) return end->time < sorted[from].hull.min;
    for (size_t i = from; i < count && sorted[i].hull.min == end->time; i++) {
        if (sorted[i].ordinal < end->ordinal) return false;
    }
    return true;
}

static bool is_unordered(const Candidate *candidate)
{
    return !candidate->file->in_order || candidate->file->interval_count == 0;
}

typedef VEC(FileRun) RunVec;

static RunVec runs_of(Arena *arena, const Candidate *sorted, size_t count)
{
    RunVec runs = {0};
    RunEnd end = {TIME_MIN, 0};
    for (size_t i = 0; i < count; i++) {
        FileRun *last = runs.n > 0 ? &runs.v[runs.n - 1] : NULL;
        const bool is_apart = last == NULL || is_border(sorted, count, i, &end);
        const bool is_sorted = is_unordered(&sorted[i]);
        run_end_add(&end, &sorted[i]);
        if (is_apart && (last == NULL || last->is_sorted || is_sorted)) {
            vec_push(arena, &runs, ((FileRun){.begin = i, .end = i + 1, .is_sorted = is_sorted}));
        } else if (is_apart || last->is_sorted) {
            last->end = i + 1;
        } else { /* overlaps the last file of a run that was in order, which leaves it */
            last->end--;
            if (last->end == last->begin) runs.n--;
            vec_push(arena, &runs, ((FileRun){.begin = i - 1, .end = i + 1, .is_sorted = true}));
        }
    }
    return runs;
}

static FileList sorted_list(Arena *arena, Candidate *candidates, size_t count)
{
    if (count > 1) qsort(candidates, count, sizeof *candidates, by_time);
    RunVec runs = runs_of(arena, candidates, count);
    FileList list = list_of(arena, candidates, count);
    list.is_in_order = count == 0 || (runs.n == 1 && !runs.v[0].is_sorted);
    list.runs = runs.v;
    list.run_count = runs.n;
    return list;
}

FileList scan_select(Arena *arena, const ScanNode *scan, TimeSpan span)
{
    size_t count;
    SCRATCH(scratch);
    Candidate *candidates = candidates_in(scratch, scan, span, &count);
    FileList given = list_of(arena, candidates, count);
    FileList sorted = sorted_list(arena, candidates, count);
    return sorted.is_in_order && !scan->keeps_order ? sorted : given;
}

FileList scan_select_sorted(Arena *arena, const ScanNode *scan, TimeSpan span)
{
    size_t count;
    SCRATCH(scratch);
    Candidate *candidates = candidates_in(scratch, scan, span, &count);
    FileList list = sorted_list(arena, candidates, count);
    size_t sorts = 0;
    for (size_t i = 0; i < list.run_count; i++) sorts += list.runs[i].is_sorted;
    bool by_runs = sorts == 0 || toggle_on(TOGGLE_sort_runs);
    if (sorts <= SORTED_RUNS_MAX && by_runs && toggle_on(TOGGLE_known_order)) return list;
    if (count == 0) return list;
    list.runs[0] = (FileRun){.begin = 0, .end = count, .is_sorted = true};
    list.run_count = 1;
    return list;
}

void scan_list_rest(Arena *arena, const ScanNode *scan, FileList *list)
{
    bool *listed = AARRAY(arena, bool, scan->file_count + 1);
    FileList all = *list;
    all.files = AARRAY(arena, const ScanFile *, scan->file_count + 1);
    all.ordinals = AARRAY(arena, size_t, scan->file_count + 1);
    for (size_t i = 0; i < list->count; i++) {
        all.files[i] = list->files[i];
        all.ordinals[i] = list->ordinals[i];
        listed[list->ordinals[i]] = true;
    }
    for (size_t i = 0; i < scan->file_count; i++) {
        if (listed[i]) continue;
        all.files[all.count] = &scan->files[i];
        all.ordinals[all.count++] = i;
    }
    if (all.run_count > 0)
        all.runs[all.run_count - 1].end = all.count;
    else if (all.count > 0) {
        all.runs = ANEW(arena, FileRun);
        all.runs[all.run_count++] = (FileRun){.end = all.count};
    }
    *list = all;
}
