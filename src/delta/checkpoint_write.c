/* Writing classic checkpoints: N.checkpoint.parquet, then _last_checkpoint.
 *
 * One row per action, struct columns protocol, metaData, txn, add, remove. The rows go through the
 * appender into a temporary table of plain columns (lists and maps as JSON text), and one COPY
 * makes structs, maps and lists of them.
 *
 * Order on disk: temporary name (a dot first), fsync, rename, fsync of the directory; only then the
 * hint, which is replaced whole, and last the checkpoint before the previous one goes: entries are
 * kept, so older versions are read from those, and a reader that has just followed the old hint
 * still finds its file. A crash leaves at most a temporary file or one old checkpoint too many. */
#include "delta/delta_int.h"
#include "os/os.h"
#include "perf/perf.h"
#include <inttypes.h>
#include <string.h>

/* Columns of the temporary table, in the order of the enum. */
static const char CREATE_SQL[] = "CREATE TEMP TABLE delta_action (kind VARCHAR, path VARCHAR, "
                                 "object VARCHAR, size BIGINT, time BIGINT, change BOOLEAN,"
                                 " stats VARCHAR, tags VARCHAR, id VARCHAR, name VARCHAR, "
                                 "description VARCHAR, schema VARCHAR, list VARCHAR, reader BIGINT,"
                                 " writer BIGINT)";
enum {
    COL_KIND,
    COL_PATH,
    COL_OBJECT,
    COL_SIZE,
    COL_TIME,
    COL_CHANGE,
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

#define MAP_OF(column) "from_json(" column ", '\"MAP(VARCHAR, VARCHAR)\"')"
static const char SELECT_SQL[] =
    "SELECT"
    " CASE WHEN kind = 'protocol' THEN struct_pack(minReaderVersion := reader::INTEGER, "
    "minWriterVersion := writer::INTEGER) END"
    "  AS protocol,"
    " CASE WHEN kind = 'metaData' THEN struct_pack(id := id, name := name, description := "
    "description,"
    "  format := struct_pack(provider := 'parquet', options := MAP {}::MAP(VARCHAR, VARCHAR)), "
    "schemaString := schema,"
    "  partitionColumns := from_json(list, '[\"VARCHAR\"]'), configuration := " MAP_OF(
        "object") ", createdTime := time) END"
                  "  AS \"metaData\","
                  " CASE WHEN kind = 'txn' THEN struct_pack(appId := id, version := size, "
                  "lastUpdated := time) END AS txn,"
                  " CASE WHEN kind = 'add' THEN struct_pack(path := path, partitionValues "
                  ":= " MAP_OF(
                      "object") ", size := size,"
                                "  modificationTime := time, dataChange := change, stats := stats, "
                                "tags := " MAP_OF(
                                    "tags") ") END AS \"add\","
                                            " CASE WHEN kind = 'remove' THEN struct_pack(path := "
                                            "path, deletionTimestamp := time, dataChange := change,"
                                            "  extendedFileMetadata := size IS NOT NULL, "
                                            "partitionValues := " MAP_OF(
                                                "object") ", size := size) END AS remove"
                                                          " FROM delta_action ORDER BY rowid";

static Value text_value(const char *text)
{
    if (text == NULL) return (Value){.kind = VALUE_NULL};
    return (Value){.kind = VALUE_TEXT, .bytes = text, .size = strlen(text)};
}

static Value int_value(int64_t integer)
{
    return (Value){.kind = VALUE_INT, .integer = integer};
}

/* A row of nulls of a kind. */
static void row_begin(Value *row, const char *kind)
{
    memset(row, 0, sizeof *row * COL_COUNT);
    row[COL_KIND] = text_value(kind);
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

static char *list_text(Arena *arena, const char *const *strings, size_t count)
{
    Buf text = buf_new(arena);
    JsonOut out = json_out(&text);
    json_begin_array(&out);
    for (size_t i = 0; i < count; i++) json_put_str(&out, strings[i]);
    json_end(&out);
    return text.data;
}

static Err *append_table(Arena *scratch, Appender *rows, const DeltaSnapshot *snapshot)
{
    Value row[COL_COUNT];
    const DeltaMetadata *metadata = &snapshot->metadata;
    row_begin(row, "protocol");
    row[COL_READER] = int_value(snapshot->protocol.reader);
    row[COL_WRITER] = int_value(snapshot->protocol.writer);
    TRY(engine_append_row(rows, row, COL_COUNT));
    row_begin(row, "metaData");
    row[COL_ID] = text_value(metadata->id);
    row[COL_NAME] = text_value(metadata->name);
    row[COL_DESCRIPTION] = text_value(metadata->description);
    row[COL_SCHEMA] = text_value(metadata->schema);
    row[COL_LIST] = text_value(
        list_text(scratch, metadata->partition_columns, metadata->partition_column_count));
    row[COL_OBJECT] = text_value(configuration_text(scratch, metadata));
    row[COL_TIME] = int_value(metadata->created_ms);
    TRY(engine_append_row(rows, row, COL_COUNT));
    for (size_t i = 0; i < snapshot->txn_count; i++) {
        row_begin(row, "txn");
        row[COL_ID] = text_value(snapshot->txns[i].app_id);
        row[COL_SIZE] = int_value(snapshot->txns[i].version);
        row[COL_TIME] = int_value(snapshot->txns[i].updated_ms);
        TRY(engine_append_row(rows, row, COL_COUNT));
    }
    return NULL;
}

static Err *append_add(Arena *scratch, Appender *rows, const DeltaAdd *add)
{
    Value row[COL_COUNT];
    row_begin(row, "add");
    row[COL_PATH] = text_value(delta_path_encode(scratch, add->path));
    row[COL_OBJECT] = text_value(add->partition_values == NULL ? "{}" : add->partition_values);
    row[COL_SIZE] = int_value(add->size_bytes);
    row[COL_TIME] = int_value(add->modified_ms);
    row[COL_CHANGE] = (Value){.kind = VALUE_BOOL, .integer = 0}; /* a checkpoint changes no data */
    row[COL_STATS] = text_value(add->stats);
    row[COL_TAGS] = text_value(add->tags);
    return engine_append_row(rows, row, COL_COUNT);
}

static Err *append_remove(Arena *scratch, Appender *rows, const DeltaRemove *remove)
{
    Value row[COL_COUNT];
    row_begin(row, "remove");
    row[COL_PATH] = text_value(delta_path_encode(scratch, remove->path));
    row[COL_TIME] = int_value(remove->deleted_ms);
    row[COL_CHANGE] = (Value){.kind = VALUE_BOOL, .integer = 0};
    if (remove->size_bytes >= 0) {
        row[COL_SIZE] = int_value(remove->size_bytes);
        row[COL_OBJECT] = text_value("{}");
    }
    return engine_append_row(rows, row, COL_COUNT);
}

static Err *append_files(Appender *rows, const DeltaSnapshot *snapshot, int64_t expire_ms,
                         int64_t *inout_count)
{
    SCRATCH(scratch);
    for (size_t i = 0; i < snapshot->add_count; i++) {
        TRY(append_add(scratch, rows, &snapshot->adds[i]));
        arena_reset(scratch);
        *inout_count += 1;
    }
    for (size_t i = 0; i < snapshot->remove_count; i++) {
        if (snapshot->removes[i].deleted_ms < expire_ms) continue;
        TRY(append_remove(scratch, rows, &snapshot->removes[i]));
        arena_reset(scratch);
        *inout_count += 1;
    }
    return NULL;
}

static Err *append_all(Conn *conn, const DeltaSnapshot *snapshot, int64_t expire_ms,
                       int64_t *out_count)
{
    SCRATCH(scratch);
    Appender *rows = NULL;
    TRY(engine_exec(conn, CREATE_SQL));
    TRY(engine_appender_open(conn, "delta_action", &rows));
    int64_t count = 2 + (int64_t)snapshot->txn_count;
    Err *failed = append_table(scratch, rows, snapshot);
    if (failed == NULL) failed = append_files(rows, snapshot, expire_ms, &count);
    Err *closing = engine_appender_close(rows);
    if (failed != NULL) {
        err_free(closing);
        return err_frame(failed, __FILE__, __LINE__);
    }
    TRY(closing);
    *out_count = count;
    return NULL;
}

/* What this module cannot say again in a checkpoint must not be lost by writing one. */
static Err *check_writable(const DeltaSnapshot *snapshot)
{
    TRY(delta_protocol_check_writable(&snapshot->protocol));
    for (size_t i = 0; i < snapshot->add_count; i++)
        if (snapshot->adds[i].deletion_vector != NULL)
            return ERR(UNSUPPORTED, "%s: deletion vectors are not written", snapshot->adds[i].path);
    if (snapshot->metadata.partition_column_count > 0)
        return ERR(UNSUPPORTED, "checkpoints of partitioned tables are not written");
    return NULL;
}

/* Writes and publishes the Parquet file; its size and hash. */
static Err *write_parquet(Arena *scratch, Conn *conn, const char *temp, const char *final,
                          int64_t *out_size, char *out_sha256)
{
    ParquetStats stats = {0};
    ParquetWrite write = {.select_sql = SELECT_SQL, .path = temp, .plain_v1 = true};
    TRY(engine_write_parquet(scratch, conn, &write, &stats));
    TRY(os_sync_path(temp));
    TRY(os_sha256_file(temp, out_size, out_sha256));
    return os_rename(temp, final);
}

static Err *publish(Arena *scratch, Conn *conn, const char *table, int64_t version,
                    int64_t *out_size, char *out_sha256)
{
    const char *temp = delta_temp_path(scratch, table, version);
    const char *final = delta_checkpoint_path(scratch, table, version);
    Err *failed = write_parquet(scratch, conn, temp, final, out_size, out_sha256);
    if (failed != NULL) {
        err_free(os_unlink_if(temp));
        return ERR_WRAP(failed, "checkpoint %" PRId64, version);
    }
    return os_sync_dir(delta_log_dir(scratch, table));
}

Err *delta_checkpoint_write(Arena *arena, const char *table, const DeltaSnapshot *snapshot,
                            int64_t expire_ms)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    char sha256[SHA256_HEX + 1];
    DeltaHint old = {.version = -1}, hint = {.version = snapshot->version, .sha256 = sha256};
    DeltaHintSizes sizes = {.adds = (int64_t)snapshot->add_count};
    TRY(check_writable(snapshot));
    TRY(delta_hint_read(arena, table, &old));
    TRY(engine_connect(&conn));
    TRY(append_all(conn, snapshot, expire_ms, &sizes.actions));
    bool replaces = old.version == hint.version;
    hint.previous = replaces ? old.previous : old.version;
    if (replaces) TRY(delta_hint_remove(arena, table)); /* its hash is about to be wrong */
    TRY(publish(arena, conn, table, hint.version, &sizes.bytes, sha256));
    perf_count(PERF_checkpoint_write);
    TRY(delta_hint_write(arena, table, &hint, sizes));
    if (!replaces && old.previous >= 0 && old.previous < old.version) /* two are kept */
        err_free(os_unlink_if(delta_checkpoint_path(arena, table, old.previous)));
    return NULL;
}
