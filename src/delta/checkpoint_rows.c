/* The rows of a checkpoint, streamed into the engine.
 *
 * One row per action in the order protocol, metaData, txn, add, remove: rows of plain columns come
 * out of the snapshot as the engine asks for them (a feed), and the statement in checkpoint.sql
 * makes structs, lists and maps of them. Nothing is held but the chunk under way and one row group,
 * so a table of any number of files has a checkpoint. */
#include "delta/checkpoint_sql.h"
#include "delta/delta_int.h"
#include <string.h>

/* The feed's columns, in the order of the enum. */
static Column columns[] = {
    {"kind", "VARCHAR"},  {"path", "VARCHAR"},        {"object", "VARCHAR"}, {"size", "BIGINT"},
    {"time", "BIGINT"},   {"stats", "VARCHAR"},       {"tags", "VARCHAR"},   {"id", "VARCHAR"},
    {"name", "VARCHAR"},  {"description", "VARCHAR"}, {"schema", "VARCHAR"}, {"list", "VARCHAR"},
    {"reader", "BIGINT"}, {"writer", "BIGINT"},
};
enum {
    COL_KIND,
    COL_PATH,
    COL_OBJECT,
    COL_SIZE,
    COL_TIME,
    COL_STATS,
    COL_TAGS,
    COL_ID,
    COL_NAME,
    COL_DESCRIPTION,
    COL_SCHEMA,
    COL_LIST,
    COL_READER,
    COL_WRITER,
    COL_COUNT
};

enum { ROW_GROUP_ROWS = 20480 };

typedef struct Rows {
    const DeltaSnapshot *snapshot;
    int64_t expire_ms;
    Arena *scratch;
    size_t at;     /* in the sequence protocol, metaData, txns, adds, removes */
    int64_t count; /* rows given */
} Rows;

/* ---- one row ---- */

static Value text_value(const char *text)
{
    if (text == NULL) return (Value){.kind = VALUE_NULL};
    return (Value){.kind = VALUE_TEXT, .bytes = text, .size = strlen(text)};
}

static Value int_value(int64_t integer)
{
    return (Value){.kind = VALUE_INT, .integer = integer};
}

static char *configuration_text(Arena *arena, const DeltaMetadata *metadata)
{
    Buf text = buf_new(arena);
    JsonOut out = json_out(&text);
    json_begin_object(&out);
    for (size_t i = 0; i < metadata->configuration_count; i++)
        json_kv_str(&out, metadata->configuration[i].key, metadata->configuration[i].value);
    json_end(&out);
    return text.data;
}

static void protocol_row(const DeltaProtocol *protocol, Value *row)
{
    row[COL_KIND] = text_value("protocol");
    row[COL_READER] = int_value(protocol->reader);
    row[COL_WRITER] = int_value(protocol->writer);
}

static void metadata_row(Arena *scratch, const DeltaMetadata *metadata, Value *row)
{
    row[COL_KIND] = text_value("metaData");
    row[COL_ID] = text_value(metadata->id);
    row[COL_NAME] = text_value(metadata->name);
    row[COL_DESCRIPTION] = text_value(metadata->description);
    row[COL_SCHEMA] = text_value(metadata->schema);
    row[COL_LIST] = text_value("[]"); /* tables with partitions are refused */
    row[COL_OBJECT] = text_value(configuration_text(scratch, metadata));
    row[COL_TIME] = int_value(metadata->created_ms);
}

static void txn_row(const DeltaTxn *txn, Value *row)
{
    row[COL_KIND] = text_value("txn");
    row[COL_ID] = text_value(txn->app_id);
    row[COL_SIZE] = int_value(txn->version);
    row[COL_TIME] = int_value(txn->updated_ms);
}

static void add_row(Arena *scratch, const DeltaAdd *add, Value *row)
{
    row[COL_KIND] = text_value("add");
    row[COL_PATH] = text_value(delta_path_encode(scratch, add->path));
    row[COL_OBJECT] = text_value(add->partition_values == NULL ? "{}" : add->partition_values);
    row[COL_SIZE] = int_value(add->size_bytes);
    row[COL_TIME] = int_value(add->modified_ms);
    row[COL_STATS] = text_value(add->stats);
    row[COL_TAGS] = text_value(add->tags);
}

static void remove_row(Arena *scratch, const DeltaRemove *remove, Value *row)
{
    row[COL_KIND] = text_value("remove");
    row[COL_PATH] = text_value(delta_path_encode(scratch, remove->path));
    row[COL_TIME] = int_value(remove->deleted_ms);
    if (remove->size_bytes < 0) return;
    row[COL_SIZE] = int_value(remove->size_bytes);
    row[COL_OBJECT] = text_value("{}");
}

/* The next row that is to be written; false at the end. */
static bool next_row(Rows *rows, Value *row)
{
    const DeltaSnapshot *snapshot = rows->snapshot;
    memset(row, 0, sizeof *row * COL_COUNT); /* nulls */
    for (;;) {
        size_t at = rows->at++;
        if (at == 0) return protocol_row(&snapshot->protocol, row), true;
        if (at == 1) return metadata_row(rows->scratch, &snapshot->metadata, row), true;
        at -= 2;
        if (at < snapshot->txn_count) return txn_row(&snapshot->txns[at], row), true;
        at -= snapshot->txn_count;
        if (at < snapshot->add_count) return add_row(rows->scratch, &snapshot->adds[at], row), true;
        at -= snapshot->add_count;
        if (at >= snapshot->remove_count) return false;
        if (snapshot->removes[at].deleted_ms < rows->expire_ms) continue;
        return remove_row(rows->scratch, &snapshot->removes[at], row), true;
    }
}

/* ---- the feed ---- */

static void put_row(FeedColumn *into, size_t number, const Value *row)
{
    for (size_t i = 0; i < COL_COUNT; i++) {
        if (row[i].kind == VALUE_NULL)
            into[i].validity[number >> 6] &= ~(UINT64_C(1) << (number & 63));
        else if (row[i].kind == VALUE_TEXT)
            engine_feed_str(&into[i], number, row[i].bytes, row[i].size);
        else
            ((int64_t *)into[i].data)[number] = row[i].integer;
    }
}

static Err *next_rows(void *context, FeedColumn *into, size_t capacity, size_t *out_rows)
{
    Rows *rows = context;
    Value row[COL_COUNT];
    size_t count = 0;
    while (count < capacity && next_row(rows, row)) put_row(into, count++, row);
    arena_reset(rows->scratch);
    rows->count += (int64_t)count;
    *out_rows = count;
    return NULL;
}

Err *delta_checkpoint_file(const char *path, const DeltaSnapshot *snapshot, int64_t expire_ms,
                           int64_t *out_count)
{
    SCRATCH(scratch);
    SCRATCH(row_scratch);
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    CLEANUP(engine_feed_close_at) Feed *feed = NULL;
    Rows rows = {.snapshot = snapshot, .expire_ms = expire_ms, .scratch = row_scratch};
    Schema schema = {columns, COL_COUNT};
    ParquetStats stats = {0};
    TRY(engine_connect(&conn));
    TRY(engine_feed_open(conn, &schema, next_rows, &rows, &feed));
    ParquetWrite write = {.select_sql = arena_printf(scratch, "%s FROM %s()", DELTA_CHECKPOINT_SQL,
                                                     engine_feed_name(feed)),
                          .path = path,
                          .plain_v1 = true,
                          .row_group_rows = ROW_GROUP_ROWS};
    TRY(engine_write_parquet(scratch, conn, &write, &stats));
    *out_count = rows.count;
    return NULL;
}
