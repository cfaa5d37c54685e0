/* A commit as the text of its log entry: one JSON action a line, in the order commitInfo, protocol,
 * metaData, txn, remove, add (removes first: a file is never in both, which is checked).
 *
 * Layer: pure text. Everything that comes in as JSON text is parsed and written anew, so that no
 * line break and no damage can enter the log; `stats` is text inside JSON, escaped by the writer.
 * We write only what reader 1 / writer 2 knows. */
#include "delta/delta_int.h"
#include <string.h>

static Err *check_adds(Arena *scratch, const DeltaCommit *commit, Map *seen)
{
    for (size_t i = 0; i < commit->add_count; i++) {
        const DeltaAdd *add = &commit->adds[i];
        if (add->path == NULL || add->path[0] == '\0')
            return ERR(INVALID, "a file to add has no path");
        if (add->size_bytes < 0) return ERR(INVALID, "%s: a file to add has no size", add->path);
        if (add->deletion_vector != NULL)
            return ERR(UNSUPPORTED, "%s: deletion vectors are not written", add->path);
        if (!map_put(seen, add->path, scratch))
            return ERR(INVALID, "%s: added twice in one commit", add->path);
    }
    return NULL;
}

static Err *check_removes(Arena *scratch, const DeltaCommit *commit, const Map *added)
{
    Map removed = map_new(scratch);
    for (size_t i = 0; i < commit->remove_count; i++) {
        const char *path = commit->removes[i].path;
        if (path == NULL || path[0] == '\0') return ERR(INVALID, "a file to remove has no path");
        if (map_has(added, path)) return ERR(INVALID, "%s: added and removed in one commit", path);
        if (!map_put(&removed, path, scratch))
            return ERR(INVALID, "%s: removed twice in one commit", path);
    }
    return NULL;
}

static Err *check_txns(Arena *scratch, const DeltaCommit *commit)
{
    Map seen = map_new(scratch);
    for (size_t i = 0; i < commit->txn_count; i++) {
        const char *id = commit->txns[i].app_id;
        if (id == NULL || id[0] == '\0') return ERR(INVALID, "a transaction has no application id");
        if (!map_put(&seen, id, scratch))
            return ERR(INVALID, "%s: two transactions of one application", id);
    }
    return NULL;
}

static Err *commit_check(const DeltaCommit *commit)
{
    SCRATCH(scratch);
    Map added = map_new(scratch);
    TRY(check_adds(scratch, commit, &added));
    TRY(check_removes(scratch, commit, &added));
    TRY(check_txns(scratch, commit));
    if (commit->protocol.reader != 0) TRY(delta_protocol_check_writable(&commit->protocol));
    if (commit->metadata.id != NULL && commit->metadata.schema == NULL)
        return ERR(INVALID, "table metadata has no schema");
    if (commit->info == NULL && commit->protocol.reader == 0 && commit->metadata.id == NULL &&
        commit->add_count + commit->remove_count + commit->txn_count == 0)
        return ERR(INVALID, "a commit without any action");
    return NULL;
}

/* An object's text, checked; NULL is {}. */
static Err *put_object(JsonOut *out, const char *what, const char *text)
{
    if (text == NULL) {
        json_put_raw(out, "{}");
        return NULL;
    }
    SCRATCH(scratch);
    const Json *object = NULL;
    TRY(ERR_WRAP(json_parse(scratch, text, strlen(text), &object), "%s", what));
    if (object->kind != JSON_OBJECT) return ERR(INVALID, "%s is not a JSON object", what);
    json_put(out, object);
    return NULL;
}

/* Opens {"kind":{ ; end_line closes both and ends the line. */
static JsonOut begin_line(Buf *buf, const char *kind)
{
    JsonOut out = json_out(buf);
    json_begin_object(&out);
    json_key(&out, kind);
    json_begin_object(&out);
    return out;
}

static void end_line(JsonOut *out)
{
    json_end(out);
    json_end(out);
    buf_putc(out->buf, '\n');
}

static Err *put_info(Buf *buf, const char *info)
{
    JsonOut out = json_out(buf);
    json_begin_object(&out);
    json_key(&out, "commitInfo");
    TRY(put_object(&out, "commitInfo", info));
    json_end(&out);
    buf_putc(buf, '\n');
    return NULL;
}

static void put_protocol(Buf *buf, const DeltaProtocol *protocol)
{
    JsonOut out = begin_line(buf, "protocol");
    json_kv_int(&out, "minReaderVersion", protocol->reader);
    json_kv_int(&out, "minWriterVersion", protocol->writer);
    end_line(&out);
}

static void put_metadata(Buf *buf, const DeltaMetadata *metadata)
{
    JsonOut out = begin_line(buf, "metaData");
    json_kv_str(&out, "id", metadata->id);
    if (metadata->name != NULL) json_kv_str(&out, "name", metadata->name);
    if (metadata->description != NULL) json_kv_str(&out, "description", metadata->description);
    json_key(&out, "format");
    json_put_raw(&out, "{\"provider\":\"parquet\",\"options\":{}}");
    json_kv_str(&out, "schemaString", metadata->schema);
    json_key(&out, "partitionColumns");
    json_begin_array(&out);
    for (size_t i = 0; i < metadata->partition_column_count; i++)
        json_put_str(&out, metadata->partition_columns[i]);
    json_end(&out);
    json_key(&out, "configuration");
    json_begin_object(&out);
    for (size_t i = 0; i < metadata->configuration_count; i++)
        json_kv_str(&out, metadata->configuration[i].key, metadata->configuration[i].value);
    json_end(&out);
    json_kv_int(&out, "createdTime", metadata->created_ms);
    end_line(&out);
}

static void put_txn(Buf *buf, const DeltaTxn *txn)
{
    JsonOut out = begin_line(buf, "txn");
    json_kv_str(&out, "appId", txn->app_id);
    json_kv_int(&out, "version", txn->version);
    json_kv_int(&out, "lastUpdated", txn->updated_ms);
    end_line(&out);
}

static void put_remove(Arena *arena, Buf *buf, const DeltaRemove *remove)
{
    JsonOut out = begin_line(buf, "remove");
    json_kv_str(&out, "path", delta_path_encode(arena, remove->path));
    json_kv_int(&out, "deletionTimestamp", remove->deleted_ms);
    json_kv_bool(&out, "dataChange", remove->data_change);
    if (remove->size_bytes >= 0) {
        json_kv_bool(&out, "extendedFileMetadata", true);
        json_key(&out, "partitionValues");
        json_put_raw(&out, "{}");
        json_kv_int(&out, "size", remove->size_bytes);
    }
    end_line(&out);
}

static Err *put_add(Arena *arena, Buf *buf, const DeltaAdd *add)
{
    JsonOut out = begin_line(buf, "add");
    json_kv_str(&out, "path", delta_path_encode(arena, add->path));
    json_key(&out, "partitionValues");
    TRY(put_object(&out, "partitionValues", add->partition_values));
    json_kv_int(&out, "size", add->size_bytes);
    json_kv_int(&out, "modificationTime", add->modified_ms);
    json_kv_bool(&out, "dataChange", add->data_change);
    if (add->stats != NULL) json_kv_str(&out, "stats", add->stats);
    if (add->tags != NULL) {
        json_key(&out, "tags");
        TRY(put_object(&out, "tags", add->tags));
    }
    end_line(&out);
    return NULL;
}

Err *delta_commit_text(Arena *arena, const DeltaCommit *commit, Buf *out)
{
    TRY(commit_check(commit));
    if (commit->info != NULL) TRY(put_info(out, commit->info));
    if (commit->protocol.reader != 0) put_protocol(out, &commit->protocol);
    if (commit->metadata.id != NULL) put_metadata(out, &commit->metadata);
    for (size_t i = 0; i < commit->txn_count; i++) put_txn(out, &commit->txns[i]);
    for (size_t i = 0; i < commit->remove_count; i++) put_remove(arena, out, &commit->removes[i]);
    for (size_t i = 0; i < commit->add_count; i++) TRY(put_add(arena, out, &commit->adds[i]));
    return NULL;
}
