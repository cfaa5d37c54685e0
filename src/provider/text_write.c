/* One piece of a text into one Parquet file: its reader feeds the engine's COPY, and what a file's
 * meta says of times and nulls is gathered on the way, so that nothing is decoded again. */
#include "provider/tally.h"
#include "provider/text_int.h"
#include <string.h>

typedef struct Writer {
    Arena *arena;
    const PieceWrite *write;
    TextReader *reader;
    PieceWritten *out;
    Cover *cover;
    Tally *tally;
    Vector *vectors; /* of the rows that were fed last, for the tally */
    TimeUs last;
    bool in_order, stopped;
    bool *has_value;
    int64_t rows, lines; /* lines: of the pieces before this one */
    TimeUs *times;
    size_t capacity;
} Writer;

/* ---- the next rows ---- */

static void add_times(Writer *writer, const FeedColumn *column, size_t rows)
{
    const TimeUs *stored = column->data;
    size_t count = 0;
    if (rows > writer->capacity) {
        writer->capacity = rows;
        writer->times = AARRAY(writer->arena, TimeUs, rows);
    }
    for (size_t row = 0; row < rows; row++) {
        if ((column->validity[row >> 6] >> (row & 63) & 1) == 0) {
            if (writer->out->file.null_times++ == 0)
                writer->out->file.first_null = writer->rows + (int64_t)row;
            continue;
        }
        if (stored[row] < writer->last) writer->in_order = false;
        writer->last = stored[row];
        writer->times[count++] = stored[row];
    }
    cover_add(writer->cover, writer->times, count);
}

static Phys phys_of(Target target)
{
    switch (target) {
    case TARGET_BOOL: return PHYS_BOOL;
    case TARGET_FLOAT: return PHYS_F64;
    case TARGET_DATE: return PHYS_I32;
    case TARGET_NOTHING:
    case TARGET_WORDS:
    case TARGET_JSON: return PHYS_STRING;
    case TARGET_INT:
    case TARGET_CLOCK:
    case TARGET_STAMP:
    case TARGET_STAMPTZ:
    case TARGET_TIME:
    case TARGET_EPOCH:
    case TARGET_FORM: break;
    }
    return PHYS_I64;
}

static void count_values(Writer *writer, const FeedColumn *columns, size_t rows)
{
    const Layout *layout = writer->write->layout;
    for (size_t i = 0; i < layout->count; i++)
        writer->vectors[i] = (Vector){.phys = phys_of(layout->columns[i].target),
                                      .data = columns[i].data,
                                      .validity = columns[i].validity};
    tally_add(writer->tally,
              &(Chunk){.rows = rows, .columns = layout->count, .vectors = writer->vectors});
}

static void end_reader(Writer *writer)
{
    TextReader *reader = writer->reader;
    for (size_t i = 0; i < writer->write->layout->count; i++)
        writer->has_value[i] = writer->has_value[i] || reader->has_value[i];
    writer->out->misfit = reader->misfit;
    writer->out->fault = reader->fault;
    writer->out->fault.line += writer->lines;
    writer->lines += reader->line;
    writer->stopped = reader->misfit || reader->fault.what != NULL;
}

static void open_reader(Writer *writer, const TextPiece *piece)
{
    const PieceWrite *write = writer->write;
    writer->reader = write->job->driver->open(writer->arena, write->job, write->layout, piece);
    text_check_bytes(writer->reader);
}

static Err *stop(void)
{
    return ERR(INVALID, "the text does not fit");
}

static Err *next_piece(Writer *writer, bool *out_more)
{
    TextPiece piece = {0};
    *out_more = false;
    end_reader(writer);
    if (writer->stopped) return stop();
    if (writer->write->more == NULL) return NULL;
    TRY(writer->write->more(writer->write->context, &piece));
    if (piece.size == 0) return NULL;
    open_reader(writer, &piece);
    *out_more = true;
    return NULL;
}

static Err *feed_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    Writer *writer = context;
    const TextDriver *driver = writer->write->job->driver;
    bool more = true;
    *out_rows = 0;
    TRY(os_check_interrupt());
    while (more) {
        size_t rows = writer->reader->fault.what != NULL
                          ? 0
                          : driver->next(writer->reader, columns, capacity);
        if (rows > 0) {
            add_times(writer, &columns[writer->write->layout->time], rows);
            count_values(writer, columns, rows);
            writer->rows += (int64_t)rows;
            *out_rows = rows;
            return NULL;
        }
        TRY(next_piece(writer, &more));
    }
    return NULL;
}

/* ---- the file ---- */

static char *select_sql(Arena *arena, const Layout *layout, const Feed *feed)
{
    Buf sql = buf_new(arena);
    buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < layout->count; i++)
        buf_printf(&sql, "%sc%zu AS %s", i > 0 ? ", " : "", i,
                   sql_ident(arena, layout->columns[i].name));
    buf_printf(&sql, " FROM %s()", engine_feed_name(feed));
    return sql.data;
}

static Schema feed_schema(Arena *arena, const Layout *layout)
{
    Schema schema = layout_schema(arena, layout);
    for (size_t i = 0; i < schema.count; i++)
        schema.columns[i].name = arena_printf(arena, "c%zu", i);
    return schema;
}

static Err *copy(Writer *writer, ParquetStats *stats)
{
    const PieceWrite *write = writer->write;
    SCRATCH(scratch);
    CLEANUP(engine_feed_close_at) Feed *feed = NULL;
    Schema schema = feed_schema(scratch, write->layout);
    TRY(engine_feed_open(write->conn, &schema, feed_next, writer, &feed));
    ParquetWrite parquet = {.select_sql = select_sql(scratch, write->layout, feed),
                            .path = write->path};
    return engine_write_parquet(writer->arena, write->conn, &parquet, stats);
}

char *notes_schema(Arena *arena, const TextNote *notes, size_t count)
{
    SCRATCH(scratch);
    Layout layout = {.columns = AARRAY(scratch, LayoutColumn, count + 1), .count = count};
    for (size_t i = 0; i < count; i++)
        layout.columns[i] = (LayoutColumn){.name = notes[i].name, .target = notes[i].target};
    Schema schema = layout_schema(scratch, &layout);
    for (size_t i = 0; i < count; i++)
        if (notes[i].target == TARGET_NOTHING) schema.columns[i].type = "\"NULL\"";
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    schema_to_json(&json, &schema);
    return text.data;
}

static char *facts_text(const Writer *writer, const ParquetStats *stats)
{
    const Layout *layout = writer->write->layout;
    SCRATCH(scratch);
    int64_t *bytes = AARRAY(scratch, int64_t, layout->count + 1);
    Map by_name = map_new(scratch);
    for (size_t i = 0; i < stats->column_count; i++)
        map_put(&by_name, stats->columns[i].name, &stats->columns[i].bytes);
    for (size_t i = 0; i < layout->count; i++) {
        const int64_t *known = map_get(&by_name, layout->columns[i].name);
        bytes[i] = known != NULL ? *known : -1;
    }
    return facts_to_json(writer->arena, tally_finish(writer->tally, scratch, bytes), layout->count,
                         writer->rows);
}

static void finish(Writer *writer, const ParquetStats *stats)
{
    const Layout *layout = writer->write->layout;
    TextFile *file = &writer->out->file;
    file->path = writer->write->path;
    file->lines = writer->lines;
    file->note_count = layout->count;
    file->notes = AARRAY(writer->arena, TextNote, layout->count + 1);
    for (size_t i = 0; i < layout->count; i++) {
        bool keeps = writer->has_value[i] || (ptrdiff_t)i == layout->time;
        file->notes[i] = (TextNote){.name = layout->columns[i].name,
                                    .target = keeps ? layout->columns[i].target : TARGET_NOTHING};
    }
    file->meta = (Version){.parquet = true,
                           .rows = writer->rows,
                           .size_bytes = stats->size_bytes,
                           .schema = notes_schema(writer->arena, file->notes, file->note_count),
                           .time_column = layout->columns[layout->time].name,
                           .attributes = facts_text(writer, stats),
                           .in_order = writer->in_order && file->null_times == 0};
    cover_finish(writer->cover, writer->arena, writer->rows, &file->meta.intervals,
                 &file->meta.interval_count);
}

Err *piece_write(Arena *arena, const PieceWrite *write, PieceWritten *out)
{
    ParquetStats stats;
    *out = (PieceWritten){0};
    Writer writer = {.arena = arena,
                     .write = write,
                     .out = out,
                     .cover = cover_new(arena),
                     .tally = tally_new(arena, write->layout->count),
                     .vectors = AARRAY(arena, Vector, write->layout->count + 1),
                     .last = TIME_MIN,
                     .in_order = true,
                     .has_value = AARRAY(arena, bool, write->layout->count + 1)};
    open_reader(&writer, &write->piece);
    Err *err = copy(&writer, &stats);
    if (writer.stopped) { /* that is what stopped the engine */
        err_free(err);
        return NULL;
    }
    TRY(err);
    finish(&writer, &stats);
    return NULL;
}
