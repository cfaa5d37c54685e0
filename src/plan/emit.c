/* The DuckDB emitter: a tree becomes one SELECT, cut at `bucket`.
 *
 * Every relation is written as a SELECT with columns c0, c1, ... and returns exactly its rows in
 * the span asked for: the span goes down to the leaves, and is applied above what is not
 * time-local. Two more columns, o and r, are asked for only where rows must be sorted: o counts the
 * sources of rows in their order (files, then whatever else), r is the row within. A bucket becomes
 * a feed (bucket.c): a table function that runs its own statement on its own connection. The text
 * grows in one buffer, so that the place of each user's text is known and errors can be told in its
 * lines. */
#include "perf/ops.h"
#include "plan/plan_int.h"
#include <inttypes.h>
#include <string.h>

void emit_columns(Emit *emit, size_t count, bool with_order)
{
    for (size_t i = 0; i < count; i++) buf_printf(&emit->sql, "%sc%zu", i > 0 ? ", " : "", i);
    if (with_order) buf_puts(&emit->sql, ", o, r");
}

void emit_nothing(Emit *emit, const Schema *schema, bool with_order)
{
    buf_puts(&emit->sql, "SELECT ");
    for (size_t i = 0; i < schema->count; i++)
        buf_printf(&emit->sql, "%s%s AS c%zu", i > 0 ? ", " : "",
                   null_sql(emit->arena, schema->columns[i].type), i);
    if (with_order) buf_puts(&emit->sql, ", 0::BIGINT AS o, 0::BIGINT AS r");
    buf_puts(&emit->sql, " WHERE false");
}

void emit_count_sort(const Emit *emit, int64_t rows)
{
    if (emit->conn != NULL && rows > 0) perf_add(PERF_sort_row, (uint64_t)rows);
}

/* " WHERE ..." on the time as c<i>, for what could not be cut below. */
static void emit_cut(Emit *emit, const Rel *rel, TimeSpan span)
{
    const RelFacts *facts = rel->facts;
    if (span_is_all(span) || facts->time_index < 0) return;
    char *time = arena_printf(emit->arena, "c%zd", facts->time_index);
    const char *type = facts->schema.columns[facts->time_index].type;
    char *filter = time_filter_sql(emit->arena, time, type, facts->time_unit, span);
    if (emit->keep_null_times)
        buf_printf(&emit->sql, " WHERE (%s) OR %s IS NULL", filter, time);
    else
        buf_printf(&emit->sql, " WHERE %s", filter);
}

/* ---- projection ---- */

static char *project_column_sql(Emit *emit, const Rel *rel, size_t index)
{
    const RelFacts *input = rel->inputs[0]->facts;
    const ProjectColumn *column = &rel->project.columns[index];
    const char *type = rel->facts->schema.columns[index].type;
    if (column->is_absent)
        return arena_printf(emit->arena, "CAST(error('column was not asked for') AS %s)", type);
    if (column->source == NULL) return null_sql(emit->arena, type);
    ptrdiff_t from = schema_find(&input->schema, column->source);
    const char *from_type = input->schema.columns[from].type;
    char *expr = arena_printf(emit->arena, "c%zd", from);
    if (strcmp(from_type, type) == 0) return expr;
    bool is_time = from == input->time_index;
    if (column->as_time && !(is_time && column->unit == TIME_UNIT_NONE))
        return time_read_sql(emit->arena, expr, column->source, from_type, column->unit);
    if (is_time && strcmp(type, TYPE_TZ) == 0)
        return time_cast_sql(emit->arena, expr, from_type, input->time_unit);
    if (is_time && strcmp(type, "TIMESTAMP") == 0)
        return arena_printf(emit->arena, "CAST(%s AS TIMESTAMP)",
                            time_cast_sql(emit->arena, expr, from_type, input->time_unit));
    return arena_printf(emit->arena, "CAST(%s AS %s)", expr, type);
}

static Err *emit_project(Emit *emit, const Rel *rel, EmitWish wish)
{
    const bool cuts = rel->facts->cuts_above && !span_is_all(wish.span);
    EmitWish below = {.span = rel->facts->cuts_above ? SPAN_ALL : wish.span,
                      .with_order = wish.with_order,
                      .sorted = wish.sorted};
    if (cuts) buf_puts(&emit->sql, "SELECT * FROM (");
    buf_puts(&emit->sql, "SELECT ");
    for (size_t i = 0; i < rel->project.count; i++)
        buf_printf(&emit->sql, "%s%s AS c%zu", i > 0 ? ", " : "", project_column_sql(emit, rel, i),
                   i);
    if (wish.with_order) buf_puts(&emit->sql, ", o, r");
    buf_puts(&emit->sql, " FROM (");
    TRY(emit_rel(emit, rel->inputs[0], below));
    buf_putc(&emit->sql, ')');
    if (!cuts) return NULL;
    buf_putc(&emit->sql, ')');
    emit_cut(emit, rel, wish.span);
    return NULL;
}

/* ---- union ---- */

static bool same_columns(const Rel *rel, const Rel *input)
{
    return schema_equal(&rel->facts->schema, &input->facts->schema) &&
           rel->facts->time_unit == input->facts->time_unit;
}

static Err *emit_union_input(Emit *emit, const Rel *rel, const Rel *input, EmitWish wish)
{
    if (same_columns(rel, input)) return emit_rel(emit, input, wish);
    const RelFacts *facts = rel->facts;
    const United united = {
        .schema = facts->schema, .time_index = facts->time_index, .unit = facts->time_unit};
    const UnionPart part = {.label = input->label,
                            .schema = &input->facts->schema,
                            .time_index = input->facts->time_index,
                            .unit = input->facts->time_unit};
    buf_puts(&emit->sql, "SELECT ");
    for (size_t i = 0; i < facts->schema.count; i++)
        buf_printf(&emit->sql, "%s%s AS c%zu", i > 0 ? ", " : "",
                   unite_column_sql(emit->arena, &united, i, &part, "c"), i);
    if (wish.with_order) buf_puts(&emit->sql, ", o, r");
    buf_puts(&emit->sql, " FROM (");
    TRY(emit_rel(emit, input, wish));
    buf_putc(&emit->sql, ')');
    return NULL;
}

static Err *emit_inputs(Emit *emit, const Rel *rel, const Rel *const *inputs, size_t count,
                        EmitWish wish)
{
    if (count == 1) return emit_union_input(emit, rel, inputs[0], wish);
    buf_putc(&emit->sql, '(');
    TRY(emit_inputs(emit, rel, inputs, count / 2, wish));
    buf_puts(&emit->sql, ") UNION ALL (");
    TRY(emit_inputs(emit, rel, inputs + count / 2, count - count / 2, wish));
    buf_putc(&emit->sql, ')');
    return NULL;
}

static Err *emit_union(Emit *emit, const Rel *rel, EmitWish wish)
{
    const Rel **inputs = AARRAY(emit->arena, const Rel *, rel->input_count);
    size_t count = 0;
    for (size_t i = 0; i < rel->input_count; i++) {
        if (!rel_is_nothing(rel->inputs[i])) inputs[count++] = rel->inputs[i];
    }
    if (count > 0) return emit_inputs(emit, rel, inputs, count, wish);
    emit_nothing(emit, &rel->facts->schema, wish.with_order);
    return NULL;
}

/* ---- user SQL ---- */

static Err *emit_in_order(Emit *emit, const Rel *rel, EmitWish wish);

static bool runs_whole(const Rel *rel)
{
    return rel->facts->cuts_above || !toggle_on(TOGGLE_sql_range);
}

/* What the text needs of an input for a span of its rows: all of it when it runs whole, and of what
 * has no time. */
static EmitWish sql_input_wish(const Rel *rel, const Rel *input, TimeSpan span)
{
    if (runs_whole(rel) || input->facts->time_index < 0) return (EmitWish){.span = SPAN_ALL};
    return (EmitWish){.span = sql_local_widen(&rel->facts->sql.local, span)};
}

/* "name" AS (SELECT c0 AS "timestamp", ... FROM (...)). A feed can be read once, so it is kept. */
static Err *emit_sql_input(Emit *emit, const Rel *rel, size_t index, TimeSpan span)
{
    const char *name = rel->sql.names[index];
    const Rel *input = rel->inputs[index];
    const EmitWish wish = sql_input_wish(rel, input, span);
    const Schema *schema = &input->facts->schema;
    buf_printf(&emit->sql, "%s AS %s (SELECT ", sql_ident(emit->arena, name),
               input->facts->has_feed ? "MATERIALIZED" : "NOT MATERIALIZED");
    for (size_t i = 0; i < schema->count; i++)
        buf_printf(&emit->sql, "%sc%zu AS %s", i > 0 ? ", " : "", i,
                   sql_ident(emit->arena, schema->columns[i].name));
    buf_puts(&emit->sql, " FROM (");
    TRY(rel->facts->sql.local.sorts_inputs ? emit_in_order(emit, input, wish)
                                           : emit_rel(emit, input, wish));
    buf_puts(&emit->sql, "))");
    return NULL;
}

/* Only inputs that the text names: the others need not run. */
static Err *emit_sql_inputs(Emit *emit, const Rel *rel, TimeSpan span)
{
    const char *before = "WITH ";
    for (size_t i = 0; i < rel->input_count; i++) {
        if (!rel->facts->sql.is_used[i]) continue;
        buf_puts(&emit->sql, before);
        TRY(emit_sql_input(emit, rel, i, span));
        before = ", ";
    }
    return NULL;
}

/* "c<time>, c0, c1, ...": the order of rows of user SQL with a time that does not keep that of its
 * inputs: the order in which the engine gives them depends on the range. Rows that are equal in all
 * columns may change places. */
static char *sql_order(Emit *emit, const Rel *rel)
{
    Buf keys = buf_new(emit->arena);
    buf_printf(&keys, "c%zd", rel->facts->time_index);
    for (size_t i = 0; i < rel->facts->schema.count; i++)
        if ((ptrdiff_t)i != rel->facts->time_index) buf_printf(&keys, ", c%zu", i);
    return keys.data;
}

/* o, r */
static void emit_sql_ordinals(Emit *emit, const Rel *rel)
{
    const char *order = rel->facts->time_index < 0 || rel->facts->sql.local.is_steady
                            ? ""
                            : arena_printf(emit->arena, "ORDER BY %s", sql_order(emit, rel));
    buf_printf(&emit->sql, ", %" PRId64 "::BIGINT AS o, row_number() OVER (%s) AS r",
               emit->next_ordinal++, order);
}

/* No filter passes a LIMIT: what runs whole gives the same rows, to the bit, whatever range of it
 * is asked for. */
static void emit_sql_barrier(Emit *emit, const Rel *rel, TimeSpan span)
{
    if (runs_whole(rel) && !span_is_all(span)) buf_printf(&emit->sql, " LIMIT %" PRId64, INT64_MAX);
}

/* The user's text stands alone on its lines, in a sub-query: its own CTEs may have the inputs'
 * names. */
static Err *emit_sql(Emit *emit, const Rel *rel, EmitWish wish)
{
    size_t columns = rel->facts->schema.count;
    if (emit->conn != NULL) TRY(engine_sandbox(emit->conn));
    buf_puts(&emit->sql, "SELECT ");
    emit_columns(emit, columns, false);
    if (wish.with_order) emit_sql_ordinals(emit, rel);
    buf_puts(&emit->sql, " FROM (");
    TRY(emit_sql_inputs(emit, rel, wish.span));
    buf_puts(&emit->sql, " SELECT * FROM (\n");
    size_t begin = emit->sql.size;
    buf_puts(&emit->sql, rel->sql.query);
    vec_push(emit->arena, &emit->texts, ((UserText){begin, emit->sql.size, rel}));
    buf_puts(&emit->sql, "\n) AS q(");
    emit_columns(emit, columns, false);
    buf_putc(&emit->sql, ')');
    emit_sql_barrier(emit, rel, wish.span);
    buf_putc(&emit->sql, ')');
    emit_cut(emit, rel, wish.span);
    if (!wish.sorted) return NULL;
    buf_printf(&emit->sql, " ORDER BY %s", sql_order(emit, rel));
    emit_count_sort(emit, rel_rows_estimate(rel, wish.span));
    return NULL;
}

/* ---- the rest ---- */

static Err *emit_retime(Emit *emit, const Rel *rel, EmitWish wish)
{
    if (!rel->facts->cuts_above) return emit_rel(emit, rel->inputs[0], wish);
    buf_puts(&emit->sql, "SELECT * FROM (");
    TRY(emit_rel(emit, rel->inputs[0], (EmitWish){SPAN_ALL, wish.with_order}));
    buf_putc(&emit->sql, ')');
    emit_cut(emit, rel, wish.span);
    return NULL;
}

static bool needs_sort(const Rel *rel, TimeSpan span)
{
    return rel->facts->time_index >= 0 &&
           !(toggle_on(TOGGLE_known_order) && rel_in_order_for(rel, span));
}

/* Whether it sorts itself, and no more than is needed: a scan or user SQL, also below what keeps
 * rows. */
static bool emits_sorted(const Rel *rel)
{
    switch (rel->kind) {
    case REL_SCAN: return true;
    case REL_SQL: return !rel->facts->sql.local.is_steady;
    case REL_PASS:
    case REL_RANGE: return emits_sorted(rel->inputs[0]);
    case REL_PROJECT:
    case REL_RETIME: return !rel->facts->cuts_above && emits_sorted(rel->inputs[0]);
    case REL_EMPTY:
    case REL_SYNTHETIC:
    case REL_ROWS:
    case REL_UNION:
    case REL_JOIN:
    case REL_SORT:
    case REL_BUCKET:
    case REL_BUCKET_OVER:
    case REL_PARTIALS: return false;
    }
    return false;
}

/* SELECT c0, ... FROM (SELECT ..., o, r) ORDER BY time, o, r; as little of it as will do. */
static Err *emit_in_order(Emit *emit, const Rel *rel, EmitWish wish)
{
    if (!needs_sort(rel, wish.span)) return emit_rel(emit, rel, wish);
    if (!wish.with_order && emits_sorted(rel)) {
        wish.sorted = true;
        return emit_rel(emit, rel, wish);
    }
    buf_puts(&emit->sql, "SELECT ");
    emit_columns(emit, rel->facts->schema.count, wish.with_order);
    buf_puts(&emit->sql, " FROM (");
    TRY(emit_rel(emit, rel, (EmitWish){.span = wish.span, .with_order = true}));
    buf_printf(&emit->sql, ") ORDER BY c%zd, o, r", rel->facts->time_index);
    emit_count_sort(emit, rel_rows_estimate(rel, wish.span));
    return NULL;
}

Err *emit_sorted(Emit *emit, const Rel *rel, TimeSpan span)
{
    return emit_in_order(emit, rel, (EmitWish){.span = span});
}

Err *emit_rel(Emit *emit, const Rel *rel, EmitWish wish)
{
    switch (rel->kind) {
    case REL_EMPTY: emit_nothing(emit, &rel->facts->schema, wish.with_order); return NULL;
    case REL_SCAN: return emit_scan(emit, rel, wish);
    case REL_SYNTHETIC: return emit_synthetic(emit, rel, wish);
    case REL_ROWS: return emit_rows(emit, rel, wish);
    case REL_PASS: return emit_rel(emit, rel->inputs[0], wish);
    case REL_RETIME: return emit_retime(emit, rel, wish);
    case REL_PROJECT: return emit_project(emit, rel, wish);
    case REL_RANGE:
        wish.span = span_meet(wish.span, rel->range);
        return emit_rel(emit, rel->inputs[0], wish);
    case REL_UNION: return emit_union(emit, rel, wish);
    case REL_JOIN: return emit_join(emit, rel, wish);
    case REL_SORT: return emit_in_order(emit, rel->inputs[0], wish);
    case REL_BUCKET:
    case REL_BUCKET_OVER:
    case REL_PARTIALS: return emit_bucket(emit, rel, wish);
    case REL_SQL: return emit_sql(emit, rel, wish);
    }
    return NULL;
}
