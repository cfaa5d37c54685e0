/* A part's points as rows of a Parquet file: sorted by time (stable, so that of several values of
 * one cell the last one in the text counts), then fed to the engine row by row. Wide parts are
 * written in small row groups, since the engine holds a group in memory. */
#include "provider/otel_int.h"
#include <string.h>

enum { GROUP_CELLS = 8 << 20, GROUP_ROWS_MIN = 2048, GROUP_ROWS_MAX = 122880 };

static void merge(const OtelRow *a, size_t a_count, const OtelRow *b, size_t b_count, OtelRow *to)
{
    while (a_count > 0 && b_count > 0) {
        if (a->time <= b->time) {
            *to++ = *a++;
            a_count--;
        } else {
            *to++ = *b++;
            b_count--;
        }
    }
    memcpy(to, a, a_count * sizeof *a);
    memcpy(to + a_count, b, b_count * sizeof *b);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void sort_rows(Otel *otel)
{
    size_t count = otel->rows.n;
    if (otel->is_sorted) return;
    OtelRow *from = otel->rows.v, *to = AARRAY(otel->part, OtelRow, count);
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t i = 0; i < count; i += 2 * width) {
            size_t middle = least(i + width, count), end = least(i + 2 * width, count);
            merge(from + i, middle - i, from + middle, end - middle, to + i);
        }
        OtelRow *swap = from;
        from = to;
        to = swap;
    }
    otel->rows.v = from;
    otel->is_sorted = true;
}

/* ---- types ---- */

typedef struct Writer {
    const Otel *otel;
    OtelKind *kinds; /* of the part's columns: DOUBLE when any value is one */
    Cover *cover;
    size_t next; /* in the rows */
    int64_t rows;
} Writer;

static void find_kinds(Writer *writer)
{
    for (size_t i = 0; i < writer->otel->rows.n; i++) {
        const OtelRow *row = &writer->otel->rows.v[i];
        if (row->kind > writer->kinds[row->column]) writer->kinds[row->column] = row->kind;
    }
}

/* A column without any value is of no type, as a CSV's is: later parts decide. */
static const char *type_of(OtelKind kind, bool in_file)
{
    if (kind == OTEL_NULL) return in_file ? "BIGINT" : "\"NULL\"";
    return kind == OTEL_INT ? "BIGINT" : "DOUBLE";
}

static Schema schema_of(Arena *arena, const Writer *writer, bool in_file)
{
    const Otel *otel = writer->otel;
    Schema schema = {.columns = AARRAY(arena, Column, otel->part_columns.n + 1),
                     .count = otel->part_columns.n + 1};
    for (size_t i = 0; i < schema.count; i++) {
        Column *column = &schema.columns[i];
        *column = (Column){.name = arena_printf(arena, "c%zu", i),
                           .type = i == 0 ? "TIMESTAMP WITH TIME ZONE"
                                          : type_of(writer->kinds[i - 1], in_file)};
        if (!in_file)
            column->name =
                i == 0 ? "timestamp"
                       : arena_strdup(arena, otel->columns.v[otel->part_columns.v[i - 1]].name);
    }
    return schema;
}

/* ---- rows ---- */

static void put_cell(const FeedColumn *column, size_t at, const OtelRow *row, OtelKind kind)
{
    if (row->kind == OTEL_NULL) return; /* says nothing against a value of the same time */
    column->validity[at >> 6] |= UINT64_C(1) << (at & 63);
    if (kind == OTEL_INT)
        ((int64_t *)column->data)[at] = row->value.integer;
    else
        ((double *)column->data)[at] =
            row->kind == OTEL_INT ? (double)row->value.integer : row->value.number;
}

static Err *next_rows(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    Writer *writer = context;
    const Otel *otel = writer->otel;
    size_t rows = 0;
    TRY(os_check_interrupt());
    for (size_t i = 0; i < otel->part_columns.n; i++)
        memset(columns[i + 1].validity, 0, (capacity + 63) / 64 * sizeof(uint64_t));
    for (; rows < capacity && writer->next < otel->rows.n; rows++) {
        TimeUs time = otel->rows.v[writer->next].time;
        ((TimeUs *)columns[0].data)[rows] = time;
        for (; writer->next < otel->rows.n && otel->rows.v[writer->next].time == time;
             writer->next++) {
            const OtelRow *row = &otel->rows.v[writer->next];
            put_cell(&columns[row->column + 1], rows, row, writer->kinds[row->column]);
        }
    }
    SCRATCH(scratch);
    TimeUs *times = arena_memdup(scratch, columns[0].data, rows * sizeof *times);
    cover_add(writer->cover, times, rows);
    writer->rows += (int64_t)rows;
    *out_rows = rows;
    return NULL;
}

static int64_t group_rows(const Otel *otel)
{
    size_t rows = GROUP_CELLS / (otel->part_columns.n + 1);
    if (rows < GROUP_ROWS_MIN) return GROUP_ROWS_MIN;
    return (int64_t)least(rows, GROUP_ROWS_MAX);
}

static Err *write_file(Writer *writer, Arena *arena, Conn *conn, const char *path,
                       ParquetStats *stats)
{
    SCRATCH(scratch);
    CLEANUP(engine_feed_close_at) Feed *feed = NULL;
    Schema schema = schema_of(scratch, writer, true);
    TRY(engine_feed_open(conn, &schema, next_rows, writer, &feed));
    ParquetWrite write = {.select_sql =
                              arena_printf(scratch, "SELECT * FROM %s()", engine_feed_name(feed)),
                          .path = path,
                          .row_group_rows = group_rows(writer->otel)};
    return engine_write_parquet(arena, conn, &write, stats);
}

Err *otel_write(Otel *otel, Arena *arena, Conn *conn, const char *path, Version *meta)
{
    Writer writer = {.otel = otel,
                     .kinds = AARRAY(otel->part, OtelKind, otel->part_columns.n + 1),
                     .cover = cover_new(otel->part)};
    ParquetStats stats = {0};
    *meta = (Version){.parquet = true, .time_column = "timestamp", .in_order = true};
    sort_rows(otel);
    find_kinds(&writer);
    TRY(write_file(&writer, arena, conn, path, &stats));
    Schema schema = schema_of(arena, &writer, false);
    Buf json = buf_new(arena);
    JsonOut out = json_out(&json);
    schema_to_json(&out, &schema);
    meta->schema = json.data;
    meta->rows = writer.rows;
    meta->size_bytes = stats.size_bytes;
    cover_finish(writer.cover, arena, writer.rows, &meta->intervals, &meta->interval_count);
    return NULL;
}
