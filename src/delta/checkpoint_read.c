/* Reading checkpoints of any make: classic, multi-part, V2 (JSON or Parquet, with or without
 * sidecars).
 *
 * Layer: file names come from listing.c; Parquet is read by the engine, JSON by the parser of
 * entries. Column sets differ between writers (no `tags`, an extra `stats_parsed`, a
 * `deletionVector`), so the schema is looked at first and only known fields that exist are asked
 * for, as one JSON text per action: one parser serves entries and rows. A null struct is told by
 * its key field (some writers leave the struct itself present). Failure: an engine that cannot read
 * the file is CORRUPT, naming it; the entries below may still be whole, so the hint says so. */
#include "delta/delta_int.h"
#include "os/os.h"
#include "perf/ops.h"
#include <string.h>

enum { JSON_CHECKPOINT_BYTES_MAX = 1 << 30, KIND_COUNT = 6 };

/* What is read of each action; the first field tells whether the action is there. */
static const struct {
    const char *kind;
    const char *fields[9];
} PROJECTION[KIND_COUNT] = {
    {"protocol", {"minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"}},
    {"metaData",
     {"id", "name", "description", "format", "schemaString", "partitionColumns", "configuration",
      "createdTime"}},
    {"txn", {"appId", "version", "lastUpdated"}},
    {"add",
     {"path", "partitionValues", "size", "modificationTime", "dataChange", "stats", "tags",
      "deletionVector"}},
    {"remove", {"path", "deletionTimestamp", "dataChange", "size", "deletionVector"}},
    {"sidecar", {"path"}},
};

/* The engine reads columns whatever their case; a JSON text must carry the protocol's spelling, so
 * fields are named by us. */
static Err *struct_sql(Arena *arena, Conn *conn, const char *source, size_t kind, char **out)
{
    Schema fields = {0};
    const char *column = sql_ident(arena, PROJECTION[kind].kind);
    TRY(engine_describe(arena, conn,
                        arena_printf(arena, "SELECT unnest(%s) FROM %s", column, source), &fields));
    Buf sql = buf_new(arena);
    const char *const *names = PROJECTION[kind].fields;
    for (size_t i = 0; names[i] != NULL; i++) {
        if (schema_find(&fields, names[i]) < 0) continue;
        buf_printf(&sql, "%s%s := %s.%s", sql.size == 0 ? "" : ", ", names[i], column, names[i]);
    }
    if (schema_find(&fields, names[0]) < 0) {
        *out = NULL;
        return NULL;
    }
    *out = arena_printf(
        arena, "CASE WHEN %s.%s IS NOT NULL THEN CAST(to_json(struct_pack(%s)) AS VARCHAR) END",
        column, names[0], sql.data);
    return NULL;
}

/* The statement, and which kind each of its columns holds. */
static Err *rows_sql(Arena *arena, Conn *conn, const char *path, char **out,
                     size_t kinds[KIND_COUNT], size_t *out_count)
{
    Schema schema = {0};
    size_t count = 0;
    const char *source = engine_read_parquet_sql(arena, &path, 1, ", binary_as_string=true");
    TRY(engine_describe(arena, conn, arena_printf(arena, "SELECT * FROM %s", source), &schema));
    Buf sql = buf_new(arena);
    buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        char *text = NULL;
        ptrdiff_t column = schema_find(&schema, PROJECTION[i].kind);
        if (column < 0 || !text_starts(schema.columns[column].type, "STRUCT")) continue;
        TRY(struct_sql(arena, conn, source, i, &text));
        if (text == NULL) continue;
        buf_printf(&sql, "%s%s", count == 0 ? "" : ", ", text);
        kinds[count++] = i;
    }
    buf_printf(&sql, " FROM %s", source);
    if (count == 0) return ERR(CORRUPT, "%s: holds no actions", path);
    *out = sql.data;
    *out_count = count;
    return NULL;
}

static Err *take_chunk(Arena *arena, Arena *scratch, const Chunk *chunk, const size_t *kinds,
                       DeltaActions *into)
{
    for (size_t row = 0; row < chunk->rows; row++) {
        for (size_t i = 0; i < chunk->columns; i++) {
            size_t size = 0;
            const Json *body = NULL;
            if (vector_is_null(&chunk->vectors[i], row)) continue;
            const char *text = engine_str(&chunk->vectors[i], row, &size);
            TRY(json_parse(scratch, text, size, &body));
            TRY(delta_action_take(arena, PROJECTION[kinds[i]].kind, body, into));
        }
        arena_reset(scratch);
    }
    return NULL;
}

static Err *read_parquet(Arena *arena, Conn *conn, const char *path, DeltaActions *into)
{
    SCRATCH(scratch);
    SCRATCH(row_scratch);
    CLEANUP(engine_result_close_at) Result *result = NULL;
    char *sql = NULL;
    size_t kinds[KIND_COUNT] = {0}, count = 0;
    Chunk chunk = {0};
    TRY(rows_sql(scratch, conn, path, &sql, kinds, &count));
    TRY(engine_query(conn, sql, NULL, 0, &result));
    do {
        TRY(engine_next(result, &chunk));
        TRY(take_chunk(arena, row_scratch, &chunk, kinds, into));
    } while (chunk.rows > 0);
    return NULL;
}

/* What the engine, the parser or an action calls wrong with the file is damage of it; the machine's
 * troubles stay what they are. */
static Err *damage(Err *err, const char *path)
{
    if (err == NULL) return NULL;
    ErrCode code = err_code(err);
    if (code != ERR_SQL && code != ERR_INVALID && code != ERR_CORRUPT && code != ERR_NOT_FOUND)
        return ERR_WRAP(err, "%s", path);
    Err *corrupt = ERR(CORRUPT, "%s: %s", path, err_message(err));
    err_free(err);
    return err_hint(
        err_path(corrupt, path),
        "the log entries below it may be whole: move this checkpoint and _last_checkpoint aside");
}

static Err *read_json(Arena *arena, const char *path, DeltaActions *into)
{
    SCRATCH(scratch);
    char *text = NULL;
    size_t size = 0;
    TRY(os_read_file(scratch, path, JSON_CHECKPOINT_BYTES_MAX, &text, &size));
    return delta_actions_parse(arena, path, text, size, into);
}

static Err *read_sidecars(Arena *arena, Conn *conn, const char *table, DeltaActions *into)
{
    SCRATCH(scratch);
    size_t count = into->sidecars.n;
    for (size_t i = 0; i < count; i++) {
        OsStat stat;
        bool exists = false;
        const char *path = arena_printf(scratch, "%s/_sidecars/%s", delta_log_dir(scratch, table),
                                        into->sidecars.v[i]);
        TRY(os_stat_if(path, &exists, &stat));
        if (!exists)
            return err_path(
                ERR(CORRUPT, "%s: a sidecar that the checkpoint names is missing", path), path);
        TRY(damage(read_parquet(arena, conn, path, into), path));
    }
    return NULL;
}

/* What the engine reads without noticing that it is damaged, the hash does not let pass. */
static Err *check_hash(const DeltaCheckpointRef *ref)
{
    char sha256[SHA256_HEX + 1];
    int64_t size_bytes = 0;
    if (ref->sha256 == NULL) return NULL;
    TRY(os_sha256_file(ref->paths[0], &size_bytes, sha256));
    if (strcmp(sha256, ref->sha256) == 0) return NULL;
    return damage(ERR(CORRUPT, "its content does not match its hash"), ref->paths[0]);
}

static Err *read_all(Arena *arena, const char *table, const DeltaCheckpointRef *ref,
                     DeltaActions *into)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    if (ref->is_json) TRY(read_json(arena, ref->paths[0], into));
    if (ref->is_json && into->sidecars.n == 0) return NULL; /* the engine is not needed */
    TRY(engine_connect(&conn));
    for (size_t i = 0; !ref->is_json && i < ref->path_count; i++)
        TRY(damage(read_parquet(arena, conn, ref->paths[i], into), ref->paths[i]));
    return read_sidecars(arena, conn, table, into);
}

static size_t count_of(const DeltaActions *actions)
{
    size_t single = (actions->protocol.reader != 0) + (size_t)(actions->metadata.id != NULL);
    return single + actions->adds.n + actions->removes.n + actions->txns.n;
}

Err *delta_checkpoint_read(Arena *arena, const char *table, const DeltaCheckpointRef *ref,
                           DeltaActions *into)
{
    PERF_SPAN_FOR(PERF_checkpoint_read, ref->paths[0]);
    TRY(check_hash(ref));
    TRY(read_all(arena, table, ref, into));
    perf_add(PERF_checkpoint_row, count_of(into));
    return NULL;
}
