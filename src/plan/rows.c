/* Rows of a table of ours (the catalog's, not data) as a leaf of the tree. They have no time
 * column: no range is cut from them. Each reading opens a cursor of its own, so a statement may
 * name the table more than once, and one with LIMIT reads no further than it must. */
#include "plan/plan_int.h"
#include <inttypes.h>

void rel_resolve_rows(const Rel *rel)
{
    rel->facts->schema = rel->rows.schema;
    rel->facts->is_in_order = true;
    rel->facts->is_time_local = true;
}

Err *emit_rows(Emit *emit, const Rel *rel, EmitWish wish)
{
    const RowsSpec *spec = &rel->rows;
    FeedRef ref = {0};
    if (emit->conn != NULL) {
        TRY(engine_feed_open_table(emit->conn, &spec->schema, spec->table, spec->context,
                                   &ref.feed));
        vec_push(emit->arena, &emit->feeds, ref);
    }
    buf_puts(&emit->sql, "SELECT ");
    for (size_t i = 0; i < spec->schema.count; i++)
        buf_printf(&emit->sql, "%s%s AS c%zu", i > 0 ? ", " : "",
                   sql_ident(emit->arena, spec->schema.columns[i].name), i);
    if (wish.with_order)
        buf_printf(&emit->sql, ", %" PRId64 "::BIGINT AS o, row_number() OVER () AS r",
                   emit->next_ordinal++);
    if (ref.feed != NULL)
        buf_printf(&emit->sql, " FROM %s()", engine_feed_name(ref.feed));
    else
        buf_printf(&emit->sql, " FROM %s", sql_ident(emit->arena, spec->label));
    return NULL;
}
