/* The SELECT over the files of a scan.
 *
 * Columns are known by position: read_parquet([...]) AS t(f0, f1, ...). Files of one schema share a
 * read_parquet: neighbours, or all of them where rows are sorted later (each branch of a union that
 * is sorted costs the engine 170 KB). The groups are joined by a balanced tree of UNION ALL, which
 * keeps order (threads=1) and does not nest deep; so are runs, some of which are sorted. The filter
 * compares the column as it is stored. */
#include "perf/ops.h"
#include "plan/plan_int.h"
#include <inttypes.h>

static UnionPart *scan_parts(const Rel *rel, Arena *arena)
{
    const ScanNode *scan = &rel->scan;
    const RelFacts *facts = rel->facts;
    UnionPart *parts = AARRAY(arena, UnionPart, scan->file_count);
    const char *time =
        facts->time_index >= 0 ? facts->schema.columns[facts->time_index].name : NULL;
    for (size_t i = 0; i < scan->file_count; i++)
        err_free(
            scan_file_part(rel, time, &scan->files[i], &parts[i])); /* resolving has checked it */
    return parts;
}

/* Files that one read_parquet lists. */
typedef struct Group {
    size_t *members; /* places in the file list */
    size_t count;
} Group;
typedef VEC(Group) GroupVec;

typedef struct ScanEmit {
    Emit *emit;
    const UnionPart *parts; /* by ordinal */
    const FileList *list;
    TimeSpan span;
    int64_t first_ordinal;
    United united;
} ScanEmit;

static bool same_shape(const UnionPart *a, const UnionPart *b)
{
    return a->unit == b->unit && a->time_index == b->time_index &&
           schema_equal(a->schema, b->schema);
}

/* The group that the file joins: that of its neighbour, or any when rows are sorted later. */
static Group *group_for(const ScanEmit *s, GroupVec *groups, size_t index, bool with_order)
{
    const UnionPart *part = &s->parts[s->list->ordinals[index]];
    for (size_t i = groups->n; i-- > 0;) {
        Group *group = &groups->v[i];
        if (same_shape(part, &s->parts[s->list->ordinals[group->members[0]]])) return group;
        if (!with_order) return NULL;
    }
    return NULL;
}

static GroupVec scan_groups(const ScanEmit *s, size_t begin, size_t end, bool with_order)
{
    GroupVec groups = {0};
    Arena *arena = s->emit->arena;
    for (size_t i = begin; i < end; i++) {
        Group *group = group_for(s, &groups, i, with_order);
        if (group == NULL) {
            vec_push(arena, &groups, ((Group){.members = AARRAY(arena, size_t, end - i)}));
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

static void emit_group(const ScanEmit *s, const Group *group, bool with_order)
{
    Buf *sql = &s->emit->sql;
    const UnionPart *part = &s->parts[s->list->ordinals[group->members[0]]];
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < s->united.schema.count; i++)
        buf_printf(sql, "%s%s AS c%zu", i > 0 ? ", " : "",
                   unite_column_sql(s->emit->arena, &s->united, i, part, "f"), i);
    if (with_order) {
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

static void emit_groups(const ScanEmit *s, const Group *groups, size_t count, bool with_order)
{
    if (count == 1) {
        emit_group(s, groups, with_order);
        return;
    }
    Buf *sql = &s->emit->sql;
    buf_putc(sql, '(');
    emit_groups(s, groups, count / 2, with_order);
    buf_puts(sql, ") UNION ALL (");
    emit_groups(s, groups + count / 2, count - count / 2, with_order);
    buf_putc(sql, ')');
}

static void emit_files(const ScanEmit *s, size_t begin, size_t end, bool with_order)
{
    GroupVec groups = scan_groups(s, begin, end, with_order);
    emit_groups(s, groups.v, groups.n, with_order);
}

static void emit_run(const ScanEmit *s, const FileRun *run)
{
    if (!run->is_sorted) {
        emit_files(s, run->begin, run->end, false);
        return;
    }
    buf_puts(&s->emit->sql, "SELECT ");
    emit_columns(s->emit, s->united.schema.count, false);
    buf_puts(&s->emit->sql, " FROM (");
    emit_files(s, run->begin, run->end, true);
    buf_printf(&s->emit->sql, ") ORDER BY c%zd, o, r", s->united.time_index);
    int64_t rows = 0;
    for (size_t i = run->begin; i < run->end; i++) rows += s->list->files[i]->rows;
    emit_count_sort(s->emit, rows);
}

static void emit_runs(const ScanEmit *s, const FileRun *runs, size_t count)
{
    if (count == 1) {
        emit_run(s, runs);
        return;
    }
    buf_putc(&s->emit->sql, '(');
    emit_runs(s, runs, count / 2);
    buf_puts(&s->emit->sql, ") UNION ALL (");
    emit_runs(s, runs + count / 2, count - count / 2);
    buf_putc(&s->emit->sql, ')');
}

/* What is left of the scan's versions, for the record of the statement. */
static void note_source(const Emit *emit, const Rel *rel, const FileList *list)
{
    if (emit->conn == NULL) return;
    EngineSource source = {.versions = rel->scan.file_count,
                           .versions_read = list->count,
                           .columns = rel->facts->schema.count};
    for (size_t i = 0; i < list->count; i++) {
        source.rows += list->files[i]->rows;
        source.size_bytes += list->files[i]->size_bytes;
    }
    perf_add(PERF_version_known, source.versions);
    perf_add(PERF_version_read, source.versions_read);
    engine_note_source(emit->conn, &source);
}

Err *emit_scan(Emit *emit, const Rel *rel, EmitWish wish)
{
    const RelFacts *facts = rel->facts;
    FileList list = wish.sorted ? scan_select_sorted(emit->arena, &rel->scan, wish.span)
                                : scan_select(emit->arena, &rel->scan, wish.span);
    if (!toggle_on(TOGGLE_version_pruning)) scan_list_rest(emit->arena, &rel->scan, &list);
    if (emit->conn != NULL) TRY(plan_check_files(emit->plan, list.files, list.count));
    ScanEmit s = {
        .emit = emit,
        .parts = scan_parts(rel, emit->arena),
        .list = &list,
        .span = span_meet(wish.span, rel->scan.clip),
        .first_ordinal = emit->next_ordinal,
        .united = {.schema = facts->schema,
                   .time_index = facts->time_index,
                   .unit = facts->time_unit},
    };
    emit->next_ordinal += (int64_t)rel->scan.file_count;
    note_source(emit, rel, &list);
    if (list.count == 0)
        emit_nothing(emit, &facts->schema, wish.with_order);
    else if (wish.sorted)
        emit_runs(&s, list.runs, list.run_count);
    else
        emit_files(&s, 0, list.count, wish.with_order);
    return NULL;
}
