/* Scans: which files of a list are read for a span of time, in which order, and the SELECT over
 * them.
 *
 * Schema, rows, intervals and order of every file were recorded when it came in, so nothing is
 * opened to plan. Columns are known by position: read_parquet([...]) AS t(f0, f1, ...). Files of
 * one schema share a read_parquet: neighbours, or all of them where rows are sorted later (each
 * branch of a union that is sorted costs the engine 170 KB). The groups are joined by a balanced
 * tree of UNION ALL, which keeps order (threads=1) and does not nest deep. The filter compares the
 * column as it is stored. */
#include "plan/plan_int.h"
#include <inttypes.h>
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

static Err *file_part(const Rel *rel, const char *time_column, const ScanFile *file, UnionPart *out)
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

static UnionPart *scan_parts(const Rel *rel, Arena *arena)
{
    const ScanNode *scan = &rel->scan;
    const RelFacts *facts = rel->facts;
    UnionPart *parts = AARRAY(arena, UnionPart, scan->file_count);
    const char *time =
        facts->time_index >= 0 ? facts->schema.columns[facts->time_index].name : NULL;
    for (size_t i = 0; i < scan->file_count; i++)
        err_free(file_part(rel, time, &scan->files[i], &parts[i])); /* resolving has checked it */
    return parts;
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
        TRY(file_part(rel, time_column, &scan->files[i], &parts[i]));
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
    TimeSpan hull;
} Candidate;

static bool file_meets(const ScanFile *file, TimeSpan span)
{
    if (file->rows == 0) return false;
    for (size_t i = 0; i < file->interval_count; i++) {
        if (!span_is_empty(span_meet(file->intervals[i], span))) return true;
    }
    return file->interval_count == 0;
}

static TimeSpan file_hull(const ScanFile *file)
{
    TimeSpan hull = {TIME_MAX, TIME_MIN};
    for (size_t i = 0; i < file->interval_count; i++) {
        if (file->intervals[i].min < hull.min) hull.min = file->intervals[i].min;
        if (file->intervals[i].max > hull.max) hull.max = file->intervals[i].max;
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

/* Whether the files, each in order, follow each other; equal times must meet in the order of
 * ordinals. */
static bool follow_each_other(const Candidate *candidates, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!candidates[i].file->in_order || candidates[i].file->interval_count == 0) return false;
        if (i == 0) continue;
        TimeUs end = candidates[i - 1].hull.max, begin = candidates[i].hull.min;
        if (end > begin) return false;
        if (end == begin && candidates[i - 1].ordinal > candidates[i].ordinal) return false;
    }
    return true;
}

FileList scan_select(Arena *arena, const ScanNode *scan, TimeSpan span)
{
    SCRATCH(scratch);
    Candidate *given = AARRAY(scratch, Candidate, scan->file_count);
    FileList list = {0};
    span = span_meet(span, scan->clip);
    for (size_t i = 0; i < scan->file_count && !span_is_empty(span); i++) {
        const ScanFile *file = &scan->files[i];
        if (file_meets(file, span))
            given[list.count++] = (Candidate){.file = file, .ordinal = i, .hull = file_hull(file)};
    }
    Candidate *sorted = arena_memdup(scratch, given, sizeof *given * list.count);
    if (list.count > 1) qsort(sorted, list.count, sizeof *sorted, by_time);
    list.is_in_order = follow_each_other(sorted, list.count);
    const Candidate *chosen = list.is_in_order ? sorted : given;
    list.files = AARRAY(arena, const ScanFile *, list.count);
    list.ordinals = AARRAY(arena, size_t, list.count);
    for (size_t i = 0; i < list.count; i++) {
        list.files[i] = chosen[i].file;
        list.ordinals[i] = chosen[i].ordinal;
    }
    return list;
}

/* ---- emitting ---- */

/* Files that one read_parquet lists. */
typedef struct Group {
    size_t *members; /* places in the file list */
    size_t count;
} Group;
typedef VEC(Group) GroupVec;

typedef struct ScanEmit {
    Emit *emit;
    const Rel *rel;
    const UnionPart *parts; /* by ordinal */
    const FileList *list;
    TimeSpan span;
    bool with_order;
    int64_t first_ordinal;
    United united;
} ScanEmit;

static bool same_shape(const UnionPart *a, const UnionPart *b)
{
    return a->unit == b->unit && a->time_index == b->time_index &&
           schema_equal(a->schema, b->schema);
}

/* Whether files may be listed apart from their neighbours: rows are sorted later. */
static Group *group_for(const ScanEmit *s, GroupVec *groups, size_t index)
{
    const UnionPart *part = &s->parts[s->list->ordinals[index]];
    for (size_t i = groups->n; i-- > 0;) {
        Group *group = &groups->v[i];
        if (same_shape(part, &s->parts[s->list->ordinals[group->members[0]]])) return group;
        if (!s->with_order) return NULL;
    }
    return NULL;
}

static GroupVec scan_groups(Arena *arena, const ScanEmit *s)
{
    GroupVec groups = {0};
    for (size_t i = 0; i < s->list->count; i++) {
        Group *group = group_for(s, &groups, i);
        if (group == NULL) {
            vec_push(arena, &groups,
                     ((Group){.members = AARRAY(arena, size_t, s->list->count - i)}));
            group = &groups.v[groups.n - 1];
        }
        group->members[group->count++] = i;
    }
    return groups;
}

/* The ordinal of a row's file: a list to look it up in, unless the files follow each other. */
static void emit_ordinal(const ScanEmit *s, const Group *group)
{
    Buf *sql = &s->emit->sql;
    const size_t *ordinals = s->list->ordinals;
    size_t first = ordinals[group->members[0]];
    bool is_run = true;
    for (size_t i = 0; i < group->count; i++)
        is_run = is_run && ordinals[group->members[i]] == first + i;
    buf_printf(sql, ", %" PRId64 " + ", s->first_ordinal);
    if (is_run) {
        buf_printf(sql, "%zu + CAST(file_index AS BIGINT) AS o", first);
        return;
    }
    for (size_t i = 0; i < group->count; i++)
        buf_printf(sql, "%s%zu", i > 0 ? ", " : "[", ordinals[group->members[i]]);
    buf_puts(sql, "][CAST(file_index AS BIGINT) + 1] AS o");
}

static void emit_group_source(const ScanEmit *s, const Group *group, const UnionPart *part)
{
    Buf *sql = &s->emit->sql;
    Arena *arena = s->emit->arena;
    const char **paths = AARRAY(arena, const char *, group->count);
    for (size_t i = 0; i < group->count; i++) paths[i] = s->list->files[group->members[i]]->path;
    buf_printf(sql, " FROM %s AS t(", engine_read_parquet_sql(arena, paths, group->count, ""));
    for (size_t i = 0; i < part->schema->count; i++)
        buf_printf(sql, "%sf%zu", i > 0 ? ", " : "", i);
    buf_putc(sql, ')');
}

static void emit_group(const ScanEmit *s, const Group *group)
{
    Buf *sql = &s->emit->sql;
    const UnionPart *part = &s->parts[s->list->ordinals[group->members[0]]];
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < s->united.schema.count; i++)
        buf_printf(sql, "%s%s AS c%zu", i > 0 ? ", " : "",
                   unite_column_sql(s->emit->arena, &s->united, i, part, "f"), i);
    if (s->with_order) {
        emit_ordinal(s, group);
        buf_puts(sql, ", file_row_number AS r");
    }
    emit_group_source(s, group, part);
    if (part->time_index < 0 || span_is_all(s->span)) return;
    char *time = arena_printf(s->emit->arena, "f%zd", part->time_index);
    buf_printf(sql, " WHERE %s",
               time_filter_sql(s->emit->arena, time, part->schema->columns[part->time_index].type,
                               part->unit, s->span));
}

static void emit_groups(const ScanEmit *s, const Group *groups, size_t count)
{
    if (count == 1) {
        emit_group(s, groups);
        return;
    }
    Buf *sql = &s->emit->sql;
    buf_putc(sql, '(');
    emit_groups(s, groups, count / 2);
    buf_puts(sql, ") UNION ALL (");
    emit_groups(s, groups + count / 2, count - count / 2);
    buf_putc(sql, ')');
}

Err *emit_scan(Emit *emit, const Rel *rel, EmitWish wish)
{
    const RelFacts *facts = rel->facts;
    FileList list = scan_select(emit->arena, &rel->scan, wish.span);
    ScanEmit s = {
        .emit = emit,
        .rel = rel,
        .parts = scan_parts(rel, emit->arena),
        .list = &list,
        .span = span_meet(wish.span, rel->scan.clip),
        .with_order = wish.with_order,
        .first_ordinal = emit->next_ordinal,
        .united = {.schema = facts->schema,
                   .time_index = facts->time_index,
                   .unit = facts->time_unit},
    };
    emit->next_ordinal += (int64_t)rel->scan.file_count;
    if (list.count == 0) {
        emit_nothing(emit, &facts->schema, wish.with_order);
        return NULL;
    }
    GroupVec groups = scan_groups(emit->arena, &s);
    emit_groups(&s, groups.v, groups.n);
    return NULL;
}
