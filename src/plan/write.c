/* Writing a range of a relation as one Parquet file, from the COPY's own statistics: rows, the true
 * range of times, and whether a time was null (found without a second pass: the file is dropped
 * then).
 *
 * Parquet has no 128-bit integers and the engine writes HUGEINT as DOUBLE. A value that a double
 * holds exactly is written so; one beyond 2^53 is an error that says what to cast (decision 0023).
 * Scratch files keep internal names; what the engine changed in them is cast back when they are
 * read. */
#include "os/os.h"
#include "perf/ops.h"
#include "plan/plan_int.h"
#include <string.h>

/* ---- before ---- */

static Err *check_case(const Rel *rel)
{
    const Schema *schema = &rel->facts->schema;
    SCRATCH(scratch);
    Map seen = map_new(scratch);
    for (size_t i = 0; i < schema->count; i++) {
        char *folded = arena_strdup(scratch, schema->columns[i].name);
        for (char *p = folded; *p != '\0'; p++) {
            if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
        }
        const Column *other = map_get(&seen, folded);
        if (other != NULL)
            return err_hint(
                ERR(INVALID,
                    "%s: columns \"%s\" and \"%s\" differ only in case, which a Parquet "
                    "file cannot hold",
                    rel->label, other->name, schema->columns[i].name),
                "rename one of them with column-rename");
        map_put(&seen, folded, &schema->columns[i]);
    }
    return NULL;
}

static bool is_wide_type(const char *type)
{
    return strcmp(type, "HUGEINT") == 0 || strcmp(type, "UHUGEINT") == 0;
}

static const char *file_column_name(Arena *arena, const Rel *rel, const RelWrite *write,
                                    size_t column)
{
    if (write->scratch) return arena_printf(arena, "c%zu", column);
    return rel->facts->schema.columns[column].name;
}

/* A column as it goes into the file. */
static char *file_column_sql(Arena *arena, const RelWrite *write, const Column *column,
                             size_t index)
{
    char *value = arena_printf(arena, "c%zu", index);
    if (!is_wide_type(column->type)) return value;
    if (write->scratch) return arena_printf(arena, "CAST(%s AS VARCHAR)", value);
    char *message =
        arena_printf(arena,
                     "\"%s\" is %s with values beyond 2^53, which Parquet cannot hold: cast it "
                     "to BIGINT, DECIMAL(38,0) or VARCHAR",
                     column->name, column->type);
    return arena_printf(
        arena,
        "CASE WHEN %s IS NULL OR %s BETWEEN -9007199254740992 AND 9007199254740992 THEN "
        "CAST(%s AS DOUBLE) ELSE error(%s) END",
        value, value, value, sql_literal(arena, message));
}

static Err *write_sql(Segment *segment, const Rel *rel, const RelWrite *write)
{
    PERF_SPAN(PERF_sql_emit);
    Emit *emit = &segment->emit;
    const Schema *schema = &rel->facts->schema;
    emit->keep_null_times = true;
    buf_puts(&emit->sql, "SELECT ");
    for (size_t i = 0; i < schema->count; i++)
        buf_printf(&emit->sql, "%s%s AS %s", i > 0 ? ", " : "",
                   file_column_sql(emit->arena, write, &schema->columns[i], i),
                   sql_ident(emit->arena, file_column_name(emit->arena, rel, write, i)));
    buf_puts(&emit->sql, " FROM (");
    TRY(write->read.sorted ? emit_sorted(emit, rel, write->read.span)
                           : emit_rel(emit, rel, (EmitWish){.span = write->read.span}));
    buf_putc(&emit->sql, ')');
    if (write->read.limit > 0) buf_printf(&emit->sql, " LIMIT %lld", (long long)write->read.limit);
    return NULL;
}

/* ---- after ---- */

static const ParquetColumnStats *stats_of(const ParquetStats *stats, const char *name)
{
    for (size_t i = 0; i < stats->column_count; i++) {
        if (strcmp(stats->columns[i].name, name) == 0) return &stats->columns[i];
    }
    return NULL;
}

static Err *time_range(const Rel *rel, const RelWrite *write, const ParquetStats *stats,
                       RelWritten *out)
{
    const RelFacts *facts = rel->facts;
    if (facts->time_index < 0 || stats->rows == 0 || write->any_time) return NULL;
    SCRATCH(scratch);
    const Column *time = &facts->schema.columns[facts->time_index];
    const ParquetColumnStats *column =
        stats_of(stats, file_column_name(scratch, rel, write, (size_t)facts->time_index));
    if (column != NULL && column->null_count > 0)
        return ERR(INVALID, "%s: %lld of %lld rows have no time: \"%s\" is null", rel->label,
                   (long long)column->null_count, (long long)stats->rows, time->name);
    if (column == NULL || column->min == NULL || column->max == NULL)
        return ERR(INTERNAL, "%s: the engine told no range of \"%s\"", rel->label, time->name);
    TRY(time_of_stat(column->min, time->type, facts->time_unit, &out->range.min));
    TRY(time_of_stat(column->max, time->type, facts->time_unit, &out->range.max));
    out->has_range = true;
    return NULL;
}

static Err *write_file(Arena *arena, Segment *segment, const Rel *rel, const RelWrite *write,
                       RelWritten *out)
{
    ParquetStats stats;
    TRY(write_sql(segment, rel, write));
    const ParquetWrite parquet = {
        .select_sql = segment->emit.sql.data, .path = write->path, .exact = true};
    TRY(segment_error(segment, engine_write_parquet(arena, segment->emit.conn, &parquet, &stats)));
    RelWritten written = {.rows = stats.rows, .size_bytes = stats.size_bytes};
    Err *err = time_range(rel, write, &stats, &written);
    if (err != NULL) {
        err_free(os_unlink_if(write->path));
        return err;
    }
    *out = written;
    return NULL;
}

Err *rel_write(Plan *plan, Arena *arena, Conn *conn, const Rel *rel, const RelWrite *write,
               RelWritten *out)
{
    TRY(check_resolved(rel, write->read.span));
    if (!write->scratch) TRY(check_case(rel));
    SCRATCH(scratch);
    Segment segment = segment_new(plan, scratch, conn, rel);
    Err *err = write_file(scratch, &segment, rel, write, out);
    segment_close(&segment);
    (void)arena;
    return err;
}

/* ---- scratch ---- */

Err *rel_of_written(Arena *arena, Conn *conn, const Rel *rel, const char *path,
                    const RelWritten *written, const Rel **out)
{
    Schema schema;
    int64_t rows;
    TRY(engine_parquet_schema(arena, conn, path, &schema, &rows));
    TimeSpan range = written->range;
    ScanFile file = {.path = path,
                     .label = rel->label,
                     .rows = written->rows,
                     .size_bytes = written->size_bytes,
                     .schema = schema,
                     .intervals = &range,
                     .interval_count = written->has_range ? 1 : 0,
                     .in_order = true};
    *out = rel_scan_materialized(arena, rel, &file);
    return NULL;
}
