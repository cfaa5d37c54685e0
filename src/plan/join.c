/* join_on_time: the full outer join of several relations on their times, as one relation.
 *
 * Its rows are, for each instant at which any side has a row, every combination of the sides' rows
 * of that instant (as SQL's FULL JOIN: a side without one gives nulls; two rows here and three
 * there give six), in the order of time, then of the first side's rows, the second's, ... The time
 * comes first and is TIMESTAMP WITH TIME ZONE in µs: sides with other time types meet as instants.
 * The other columns follow, side by side, named <prefix>.<column>. */
#include "plan/join_int.h"
#include <inttypes.h>
#include <string.h>

/* ---- schema ---- */

static Err *taken_twice(const Rel *rel, const char *name, const Rel *first, const Rel *second)
{
    return err_hint(ERR(INVALID, "%s: column \"%s\" comes from %s and from %s", rel->label, name,
                        first->label, second->label),
                    "give one of them another scope, or both the same one to unite their rows");
}

static const char *joined_name(const Rel *rel, size_t side, const char *name)
{
    const char *prefix = rel->join.prefixes[side];
    return prefix != NULL ? arena_printf(rel->arena, "%s.%s", prefix, name) : name;
}

static Err *add_side(const Rel *rel, size_t side, Map *seen, ColumnVec *columns)
{
    const Rel *input = rel->inputs[side];
    const RelFacts *facts = input->facts;
    for (size_t i = 0; i < facts->schema.count; i++) {
        if ((ptrdiff_t)i == facts->time_index) continue;
        const char *name = joined_name(rel, side, facts->schema.columns[i].name);
        const Rel *other = map_get(seen, name);
        if (other != NULL) return taken_twice(rel, name, other, input);
        map_put(seen, name, (void *)(uintptr_t)input);
        vec_push(rel->arena, columns, ((Column){name, facts->schema.columns[i].type}));
    }
    return NULL;
}

Err *rel_resolve_join(const Rel *rel)
{
    SCRATCH(scratch);
    RelFacts *facts = rel->facts;
    ColumnVec columns = {0};
    Map seen = map_new(scratch);
    vec_push(rel->arena, &columns, ((Column){rel->join.time_column, TYPE_TZ}));
    map_put(&seen, rel->join.time_column, (void *)(uintptr_t)rel->inputs[0]);
    facts->is_time_local = true;
    for (size_t i = 0; i < rel->input_count; i++) {
        const RelFacts *input = rel->inputs[i]->facts;
        TRY(add_side(rel, i, &seen, &columns));
        facts->is_time_local = facts->is_time_local && input->is_time_local;
        facts->is_volatile = facts->is_volatile || input->is_volatile;
    }
    facts->schema = (Schema){.columns = columns.v, .count = columns.n};
    facts->time_index = 0;
    facts->is_in_order = true;
    return NULL;
}

/* ---- what a side reads ---- */

/* Types that the feed cannot carry travel as text, which the engine reads back exactly. */
static bool is_carried(const char *type)
{
    switch (type_class(type)) {
    case TYPE_INT: return strcmp(type, "UHUGEINT") != 0;
    case TYPE_BOOL:
    case TYPE_FLOAT:
    case TYPE_DECIMAL:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_DATE:
    case TYPE_TEXT: return true;
    case TYPE_OTHER: return strcmp(type, "BLOB") == 0 || strcmp(type, "TIME") == 0;
    }
    return false;
}

Err *join_emit_side(Emit *emit, const Rel *input, TimeSpan span, const size_t *sources,
                    size_t count)
{
    buf_puts(&emit->sql, "SELECT ");
    reader_emit_time(emit, input);
    for (size_t i = 0; i < count; i++) {
        const char *type = input->facts->schema.columns[sources[i]].type;
        buf_printf(&emit->sql, is_carried(type) ? ", c%zu" : ", CAST(c%zu AS VARCHAR)", sources[i]);
    }
    buf_puts(&emit->sql, " FROM (");
    TRY(emit_sorted(emit, input, span));
    buf_putc(&emit->sql, ')');
    return NULL;
}

/* ---- emitting ---- */

/* The output, then the place of a row among those of its instant. */
static Schema feed_schema(Arena *arena, const Rel *rel)
{
    const Schema *schema = &rel->facts->schema;
    Schema feed = {.columns = AARRAY(arena, Column, schema->count + 1), .count = schema->count + 1};
    for (size_t i = 0; i < schema->count; i++) {
        const char *type = schema->columns[i].type;
        feed.columns[i] = (Column){.name = arena_printf(arena, "f%zu", i),
                                   .type = is_carried(type) ? type : "VARCHAR"};
    }
    feed.columns[schema->count] = (Column){.name = "r", .type = "BIGINT"};
    return feed;
}

Err *emit_join(Emit *emit, const Rel *rel, EmitWish wish)
{
    const Schema *schema = &rel->facts->schema;
    const Schema feed = feed_schema(emit->arena, rel);
    const char *name;
    TRY(emit_open_feed(emit, join_run_new(emit->plan, rel, wish.span), &feed, &name));
    buf_puts(&emit->sql, "SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        const char *type = schema->columns[i].type;
        bool has_type = strcmp(type, "\"NULL\"") != 0;
        const char *value = !has_type ? arena_strdup(emit->arena, "NULL")
                            : is_carried(type)
                                ? arena_printf(emit->arena, "f%zu", i)
                                : arena_printf(emit->arena, "CAST(f%zu AS %s)", i, type);
        buf_printf(&emit->sql, "%s%s AS c%zu", i > 0 ? ", " : "", value, i);
    }
    if (wish.with_order)
        buf_printf(&emit->sql, ", %" PRId64 "::BIGINT AS o, r", emit->next_ordinal++);
    buf_printf(&emit->sql, " FROM %s()", name);
    return NULL;
}
