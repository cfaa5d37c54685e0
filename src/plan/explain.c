/* A tree for people: as indented text, and as the statements that would run. */
#include "plan/plan_int.h"
#include <inttypes.h>
#include <string.h>

static const char *const KIND_NAMES[] = {
    [REL_EMPTY] = "empty",
    [REL_SCAN] = "scan",
    [REL_SYNTHETIC] = "synthetic",
    [REL_ROWS] = "rows",
    [REL_PASS] = "pass",
    [REL_RETIME] = "time",
    [REL_PROJECT] = "project",
    [REL_RANGE] = "range",
    [REL_UNION] = "union",
    [REL_JOIN] = "join",
    [REL_SORT] = "sort",
    [REL_BUCKET] = "bucket",
    [REL_BUCKET_OVER] = "bucket over partials",
    [REL_PARTIALS] = "partials",
    [REL_SQL] = "sql",
};

static void add_span(Buf *text, TimeSpan span)
{
    SCRATCH(scratch);
    if (span.min != TIME_MIN) buf_printf(text, " from %s", time_format(scratch, span.min));
    if (span.max != TIME_MAX) buf_printf(text, " to %s", time_format(scratch, span.max));
}

static void add_scan(Buf *text, const ScanNode *scan)
{
    int64_t rows = 0;
    for (size_t i = 0; i < scan->file_count; i++) rows += scan->files[i].rows;
    SCRATCH(scratch);
    buf_printf(text, " %zu %s, %s %s", scan->file_count, scan->file_count == 1 ? "file" : "files",
               count_format(scratch, rows), rows == 1 ? "row" : "rows");
    add_span(text, scan->clip);
}

/* As it would be configured: 15m, 6h, 7d. */
static void add_width(Buf *text, int64_t width_us)
{
    static const struct {
        int64_t us;
        const char *name;
    } UNITS[] = {{US_PER_DAY, "d"},    {US_PER_HOUR, "h"}, {US_PER_MINUTE, "m"},
                 {US_PER_SECOND, "s"}, {1000, "ms"},       {1, "us"}};
    size_t unit = 0;
    while (width_us % UNITS[unit].us != 0) unit++;
    buf_printf(text, "%" PRId64 "%s", width_us / UNITS[unit].us, UNITS[unit].name);
}

static void add_grid(Buf *text, const BucketPlan *bucket, const Grid *grid)
{
    SCRATCH(scratch);
    buf_putc(text, ' ');
    add_width(text, grid->width_us);
    if (grid->origin != 0) buf_printf(text, " from %s", time_format(scratch, grid->origin));
    if (bucket->spec.zone != NULL) buf_printf(text, " in %s", bucket->spec.zone);
    buf_printf(text, ", %zu %s", bucket->spec.agg_count,
               bucket->spec.agg_count == 1 ? "aggregate" : "aggregates");
    if (grid->width_us == bucket->base.width_us) return;
    buf_puts(text, ", folded from ");
    add_width(text, bucket->base.width_us);
}

static void add_project(Buf *text, const ProjectSpec *project)
{
    for (size_t i = 0; i < project->count; i++) {
        const ProjectColumn *column = &project->columns[i];
        const char *source = column->source != NULL ? column->source : "NULL";
        bool is_renamed = strcmp(source, column->name) != 0;
        buf_printf(text, "%s%s", i > 0 ? ", " : " ", source);
        if (column->as_time) buf_puts(text, "::time");
        if (column->cast != NULL) buf_printf(text, "::%s", column->cast);
        if (is_renamed) buf_printf(text, " as %s", column->name);
    }
}

static void add_join(Buf *text, const Rel *rel)
{
    buf_printf(text, " on %s", rel->join.time_column);
    for (size_t i = 0; i < rel->input_count; i++) {
        const char *prefix = rel->join.prefixes[i];
        buf_printf(text, "%s%s", i > 0 ? ", " : ": ", prefix != NULL ? prefix : "(no scope)");
    }
}

static void add_details(Buf *text, const Rel *rel)
{
    switch (rel->kind) {
    case REL_SCAN: add_scan(text, &rel->scan); return;
    case REL_SYNTHETIC:
        add_span(text, (TimeSpan){rel->synthetic.start, rel->synthetic.end});
        return;
    case REL_RANGE: add_span(text, rel->range); return;
    case REL_PROJECT: add_project(text, &rel->project); return;
    case REL_BUCKET:
    case REL_BUCKET_OVER: add_grid(text, rel->bucket, &rel->bucket->grid); return;
    case REL_PARTIALS: add_grid(text, rel->bucket, &rel->bucket->base); return;
    case REL_JOIN: add_join(text, rel); return;
    case REL_RETIME: buf_printf(text, " by %s", rel->time_column); return;
    case REL_EMPTY:
    case REL_ROWS:
    case REL_PASS:
    case REL_UNION:
    case REL_SORT:
    case REL_SQL: return;
    }
}

static void add_flags(Buf *text, const Rel *rel)
{
    const RelFacts *facts = rel->facts;
    if (!facts->is_resolved) return;
    if (!facts->is_in_order) buf_puts(text, ", not in time order");
    if (!facts->is_time_local) buf_puts(text, ", runs whole");
    if (rel->kind == REL_SQL && facts->sql.local.why_whole != NULL)
        buf_printf(text, " (%s)", facts->sql.local.why_whole);
    if (facts->is_volatile) buf_puts(text, ", volatile");
}

/* The user's lines, as they stand. */
static void add_query(Buf *text, const char *query, int depth)
{
    for (const char *line = query; line != NULL;) {
        size_t size = strcspn(line, "\n");
        buf_printf(text, "%*s| %.*s\n", depth * 2, "", (int)size, line);
        line = line[size] == '\n' ? line + size + 1 : NULL;
    }
}

static void add_tree(Buf *text, Map *seen, const Rel *rel, int depth)
{
    bool is_hidden = rel->kind == REL_RETIME && rel->facts->is_resolved && !rel->facts->cuts_above;
    if (!is_hidden) {
        SCRATCH(scratch);
        bool is_new = rel->input_count < 2 ||
                      map_put(seen, arena_printf(scratch, "%p", (const void *)rel), seen);
        buf_printf(text, "%*s%s %s", depth * 2, "", KIND_NAMES[rel->kind], rel->label);
        if (!is_new) {
            buf_puts(text, ", as above\n");
            return;
        }
        add_details(text, rel);
        add_flags(text, rel);
        buf_putc(text, '\n');
        if (rel->kind == REL_SQL) add_query(text, rel->sql.query, depth + 1);
        depth++;
    }
    for (size_t i = 0; i < rel->input_count; i++) add_tree(text, seen, rel->inputs[i], depth);
}

char *rel_tree_text(Arena *arena, const Rel *rel)
{
    SCRATCH(scratch);
    Buf text = buf_new(arena);
    Map seen = map_new(scratch);
    add_tree(&text, &seen, rel, 0);
    return text.data;
}

/* ---- statements ---- */

static Err *explain_feeds(Plan *plan, Arena *arena, Segment *segment, Buf *text);

static Err *explain_statement(Plan *plan, Arena *arena, const FeedRun *run, size_t index,
                              const char *title, Buf *text)
{
    Segment inner = segment_new(plan, arena, NULL, run->rel);
    Err *err = run->ops->emit(run, &inner.emit, index);
    if (err == NULL) buf_printf(text, "\n-- %s\n%s\n", title, inner.emit.sql.data);
    if (err == NULL) err = explain_feeds(plan, arena, &inner, text);
    segment_close(&inner);
    return err;
}

static Err *explain_feed(Plan *plan, Arena *arena, const FeedRun *run, size_t number, Buf *text)
{
    for (size_t i = 0; i < run->statements; i++) {
        const char *title =
            arena_printf(arena, "%s_%zu of %s reads", run->ops->name, number, run->rel->label);
        if (run->statements > 1)
            title = arena_printf(arena, "%s, %zu of %zu", title, i + 1, run->statements);
        TRY(explain_statement(plan, arena, run, i, title, text));
    }
    return NULL;
}

static Err *explain_feeds(Plan *plan, Arena *arena, Segment *segment, Buf *text)
{
    for (size_t i = 0; i < segment->emit.feeds.n; i++)
        if (segment->emit.feeds.v[i].run != NULL)
            TRY(explain_feed(plan, arena, segment->emit.feeds.v[i].run, i + 1, text));
    return NULL;
}

Err *rel_explain(Plan *plan, Arena *arena, const Rel *rel, RelRead read, char **out)
{
    TRY(check_resolved(rel, read.span));
    Buf text = buf_new(arena);
    Segment segment = segment_new(plan, arena, NULL, rel);
    Err *err = read.sorted ? emit_sorted(&segment.emit, rel, read.span)
                           : emit_rel(&segment.emit, rel, (EmitWish){.span = read.span});
    if (err == NULL) buf_printf(&text, "%s\n", segment.emit.sql.data);
    if (err == NULL) err = explain_feeds(plan, arena, &segment, &text);
    segment_close(&segment);
    if (err == NULL) *out = text.data;
    return err;
}
