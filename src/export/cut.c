/* Cutting: many small files from one pass over their rows.
 *
 * A file of its own statement reads whole row groups, so where files hold less than a row group
 * each would be decoded again for every file that needs a part of it (measured:
 * docs/decisions/0030). Here a batch of neighbouring files is read once, in time order, and each
 * file's COPY is fed the rows of its window. The file is the same to the byte: rows arrive in full
 * chunks whatever was read before.
 *
 * Only columns that can be handed over by cell are cut this way; a target with nested ones is
 * written file by file. One thread: the stream has a connection of its own, so the COPY may pull
 * it. */
#include "export/export_int.h"
#include <string.h>

struct Cut {
    Arena *arena;
    RelStream *stream;
    Chunk chunk;
    size_t at; /* next row of the chunk */
    bool ended;
    size_t time_index;
    TimeScale scale;
    TimeUs until;        /* of the file that is being fed */
    TimeSpan seen;       /* times it was fed */
    Schema columns;      /* c0, c1, ...: what the feed has */
    const Schema *names; /* what the file has */
};

/* ---- times as they are stored ---- */

bool time_scale_find(const char *type, TimeUnit unit, TimeScale *out)
{
    static const struct {
        const char *type;
        TimeUnit unit;
        TimeScale scale;
    } SCALES[] = {
        {"TIMESTAMP WITH TIME ZONE", TIME_UNIT_NONE, {1, 1}},
        {"TIMESTAMP", TIME_UNIT_NONE, {1, 1}},
        {"TIMESTAMP_S", TIME_UNIT_NONE, {US_PER_SECOND, 1}},
        {"TIMESTAMP_MS", TIME_UNIT_NONE, {1000, 1}},
        {"TIMESTAMP_NS", TIME_UNIT_NONE, {1, 1000}},
        {"DATE", TIME_UNIT_NONE, {US_PER_DAY, 1}},
        {"BIGINT", TIME_UNIT_S, {US_PER_SECOND, 1}},
        {"BIGINT", TIME_UNIT_MS, {1000, 1}},
        {"BIGINT", TIME_UNIT_US, {1, 1}},
        {"BIGINT", TIME_UNIT_NS, {1, 1000}},
    };
    for (size_t i = 0; i < sizeof SCALES / sizeof SCALES[0]; i++) {
        if (strcmp(SCALES[i].type, type) != 0 || SCALES[i].unit != unit) continue;
        *out = SCALES[i].scale;
        return true;
    }
    return false;
}

/* Saturates: infinities of the engine are the ends of time. */
TimeUs time_scaled(TimeScale scale, int64_t value)
{
    if (scale.divide > 1) return value / scale.divide - (value % scale.divide < 0);
    int64_t scaled;
    if (!__builtin_mul_overflow(value, scale.multiply, &scaled)) return scaled;
    return value < 0 ? TIME_MIN : TIME_MAX;
}

static TimeUs time_of_row(const Cut *cut, size_t row)
{
    return time_scaled(cut->scale, engine_int(&cut->chunk.vectors[cut->time_index], row));
}

/* ---- rows of one file ---- */

static Err *fill_chunk(Cut *cut)
{
    if (cut->ended || cut->at < cut->chunk.rows) return NULL;
    TRY(os_check_interrupt());
    TRY(rel_next(cut->stream, &cut->chunk));
    cut->at = 0;
    cut->ended = cut->chunk.rows == 0;
    return NULL;
}

/* Rows of the chunk, from `at`, that belong to the file: they come in time order. */
static size_t rows_until(const Cut *cut)
{
    size_t low = cut->at, high = cut->chunk.rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (time_of_row(cut, middle) <= cut->until)
            low = middle + 1;
        else
            high = middle;
    }
    return low - cut->at;
}

static void copy_column(const Vector *from, size_t at, const FeedColumn *to, size_t into,
                        size_t rows)
{
    size_t width = phys_bytes(from->phys);
    if (width > 0)
        memcpy((char *)to->data + into * width, (const char *)from->data + at * width,
               rows * width);
    for (size_t i = 0; i < rows; i++) {
        if (vector_is_null(from, at + i)) {
            to->validity[(into + i) >> 6] &= ~(UINT64_C(1) << ((into + i) & 63));
        } else if (width == 0) {
            size_t size;
            const char *bytes = engine_str(from, at + i, &size);
            engine_feed_str(to, into + i, bytes, size);
        }
    }
}

static void copy_rows(Cut *cut, FeedColumn *columns, size_t into, size_t rows)
{
    for (size_t i = 0; i < cut->columns.count; i++)
        copy_column(&cut->chunk.vectors[i], cut->at, &columns[i], into, rows);
    TimeUs first = time_of_row(cut, cut->at);
    if (cut->seen.min > cut->seen.max) cut->seen.min = first;
    cut->seen.max = time_of_row(cut, cut->at + rows - 1);
    cut->at += rows;
}

/* Full chunks, whatever the chunks of the stream are: what a file holds must not depend on what is
 * before it. */
static Err *feed_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    Cut *cut = context;
    size_t filled = 0;
    while (filled < capacity) {
        TRY(fill_chunk(cut));
        size_t rows = rows_until(cut);
        if (rows > capacity - filled) rows = capacity - filled;
        if (rows == 0) break;
        copy_rows(cut, columns, filled, rows);
        filled += rows;
    }
    *out_rows = filled;
    return NULL;
}

static char *select_sql(Arena *arena, const Cut *cut, const Feed *feed)
{
    Buf sql = buf_new(arena);
    buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < cut->columns.count; i++)
        buf_printf(&sql, "%sc%zu AS %s", i > 0 ? ", " : "", i,
                   sql_ident(arena, cut->names->columns[i].name));
    buf_printf(&sql, " FROM %s()", engine_feed_name(feed));
    return sql.data;
}

static Err *write_fed(Cut *cut, Arena *arena, Conn *conn, const char *path, RelWritten *out)
{
    CLEANUP(engine_feed_close_at) Feed *feed = NULL;
    TRY(engine_feed_open(conn, &cut->columns, feed_next, cut, &feed));
    ParquetWrite write = {.select_sql = select_sql(arena, cut, feed), .path = path};
    ParquetStats stats;
    TRY(engine_write_parquet(arena, conn, &write, &stats));
    *out = (RelWritten){.rows = stats.rows,
                        .size_bytes = stats.size_bytes,
                        .has_range = stats.rows > 0,
                        .range = cut->seen};
    return NULL;
}

Err *cut_next(Cut *cut, Arena *arena, Conn *conn, TimeUs until, const char *path, RelWritten *out)
{
    cut->until = until;
    cut->seen = (TimeSpan){TIME_MAX, TIME_MIN};
    TRY(fill_chunk(cut));
    if (cut->ended || rows_until(cut) == 0) {
        *out = (RelWritten){0};
        return NULL;
    }
    return write_fed(cut, arena, conn, path, out);
}

/* ---- the pass ---- */

/* By cell, and as it is: the engine's 128-bit integers do not survive Parquet, so the relation's
 * own writer must see them. */
static bool is_cut_type(const char *type)
{
    TypeClass class = type_class(type);
    if (class == TYPE_TEXT) return strcmp(type, "VARCHAR") == 0;
    return class != TYPE_OTHER && strstr(type, "HUGEINT") == NULL;
}

bool cut_can(const Rel *rel)
{
    const Schema *schema = rel_schema(rel);
    ptrdiff_t time = rel_time_index(rel);
    TimeScale scale;
    if (time < 0 || !time_scale_find(schema->columns[time].type, rel_time_unit(rel), &scale))
        return false;
    for (size_t i = 0; i < schema->count; i++)
        if (!is_cut_type(schema->columns[i].type)) return false;
    return true;
}

Err *cut_open(Arena *arena, Plan *plan, const Rel *rel, TimeSpan span, Cut **out)
{
    Cut *cut = ANEW(arena, Cut);
    cut->arena = arena;
    cut->time_index = (size_t)rel_time_index(rel);
    cut->names = rel_schema(rel);
    (void)time_scale_find(cut->names->columns[cut->time_index].type, rel_time_unit(rel),
                          &cut->scale);
    cut->columns =
        (Schema){.columns = AARRAY(arena, Column, cut->names->count), .count = cut->names->count};
    for (size_t i = 0; i < cut->columns.count; i++)
        cut->columns.columns[i] =
            (Column){.name = arena_printf(arena, "c%zu", i), .type = cut->names->columns[i].type};
    TRY(rel_open(plan, rel, (RelRead){.span = span, .sorted = true}, &cut->stream));
    *out = cut;
    return NULL;
}

void cut_close_at(Cut **cut)
{
    if (*cut != NULL) rel_close_at(&(*cut)->stream);
    *cut = NULL;
}
