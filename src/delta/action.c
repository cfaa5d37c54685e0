/* Actions from JSON: the lines of log entries, JSON checkpoints, and the rows of Parquet
 * checkpoints (which arrive as one JSON text per action), so that there is one parser for all of
 * them.
 *
 * Tolerant as the protocol demands: unknown actions and unknown fields are ignored, optional ones
 * may be null or absent. A required field that is missing or of another kind is CORRUPT. What is
 * kept is copied into the caller's arena; the parsed tree lives in a scratch arena per line, so a
 * log of any length costs only what it says. */
#include "delta/delta_int.h"
#include <string.h>

/* A string member without NULs: paths and ids go to C interfaces. */
static Err *required_str(const Json *body, const char *kind, const char *key, const char **out)
{
    const Json *value = json_get(body, key);
    if (value == NULL || value->kind != JSON_STRING)
        return ERR(CORRUPT, "action %s has no text \"%s\"", kind, key);
    if (strlen(value->string) != value->length)
        return ERR(CORRUPT, "action %s: \"%s\" holds a NUL character", kind, key);
    *out = value->string;
    return NULL;
}

static Err *required_int(const Json *body, const char *kind, const char *key, int64_t *out)
{
    const Json *value = json_get(body, key);
    if (value == NULL || value->kind != JSON_INT)
        return ERR(CORRUPT, "action %s has no integer \"%s\"", kind, key);
    *out = value->integer;
    return NULL;
}

char *delta_object_text(Arena *arena, const Json *object)
{
    if (object == NULL || object->kind != JSON_OBJECT || object->count == 0) return NULL;
    Buf text = buf_new(arena);
    JsonOut out = json_out(&text);
    json_put(&out, object);
    return text.data;
}

static Err *path_of(Arena *arena, const Json *body, const char *kind, const char **out)
{
    const char *uri = NULL;
    char *path = NULL;
    TRY(required_str(body, kind, "path", &uri));
    Err *bad = delta_path_decode(arena, uri, &path);
    if (bad != NULL) {
        Err *corrupt = ERR(CORRUPT, "action %s: %s", kind, err_message(bad));
        err_free(bad);
        return corrupt;
    }
    if (path[0] == '\0') return ERR(CORRUPT, "action %s has an empty path", kind);
    *out = path;
    return NULL;
}

static Err *take_add(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
{
    DeltaAdd add = {.data_change = json_bool(body, "dataChange", true),
                    .modified_ms = json_int(body, "modificationTime", 0),
                    .stats = arena_strdup(arena, json_str(body, "stats", NULL)),
                    .partition_values = delta_object_text(arena, json_get(body, "partitionValues")),
                    .tags = delta_object_text(arena, json_get(body, "tags")),
                    .deletion_vector = delta_object_text(arena, json_get(body, "deletionVector"))};
    TRY(path_of(arena, body, kind, &add.path));
    TRY(required_int(body, kind, "size", &add.size_bytes));
    vec_push(arena, &into->adds, add);
    return NULL;
}

static Err *take_remove(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
{
    DeltaRemove remove = {.data_change = json_bool(body, "dataChange", true),
                          .deleted_ms = json_int(body, "deletionTimestamp", 0),
                          .size_bytes = json_int(body, "size", -1),
                          .deletion_vector =
                              delta_object_text(arena, json_get(body, "deletionVector"))};
    TRY(path_of(arena, body, kind, &remove.path));
    vec_push(arena, &into->removes, remove);
    return NULL;
}

static Err *take_txn(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
{
    DeltaTxn txn = {.updated_ms = json_int(body, "lastUpdated", 0)};
    TRY(required_str(body, kind, "appId", &txn.app_id));
    TRY(required_int(body, kind, "version", &txn.version));
    txn.app_id = arena_strdup(arena, txn.app_id);
    vec_push(arena, &into->txns, txn);
    return NULL;
}

/* An array of strings; absent or null is empty. */
static Err *strings_of(Arena *arena, const Json *body, const char *kind, const char *key,
                       const char ***out, size_t *out_count)
{
    const Json *array = json_get(body, key);
    if (array == NULL || array->kind == JSON_NULL) return NULL;
    if (array->kind != JSON_ARRAY)
        return ERR(CORRUPT, "action %s: \"%s\" is not a list", kind, key);
    const char **strings = AARRAY(arena, const char *, array->count);
    for (size_t i = 0; i < array->count; i++) {
        if (array->items[i].kind != JSON_STRING)
            return ERR(CORRUPT, "action %s: \"%s\" holds something that is not text", kind, key);
        strings[i] = arena_strdup(arena, array->items[i].string);
    }
    *out = strings;
    *out_count = array->count;
    return NULL;
}

static Err *take_protocol(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
{
    DeltaProtocol protocol = {0};
    int64_t reader = 0, writer = 0;
    TRY(required_int(body, kind, "minReaderVersion", &reader));
    TRY(required_int(body, kind, "minWriterVersion", &writer));
    if (reader < 1 || writer < 1 || reader > 1000 || writer > 1000)
        return ERR(CORRUPT, "action protocol: versions %lld and %lld", (long long)reader,
                   (long long)writer);
    protocol.reader = (int)reader;
    protocol.writer = (int)writer;
    TRY(strings_of(arena, body, kind, "readerFeatures", &protocol.reader_features,
                   &protocol.reader_feature_count));
    TRY(strings_of(arena, body, kind, "writerFeatures", &protocol.writer_features,
                   &protocol.writer_feature_count));
    if (into->protocol.reader != 0) return ERR(CORRUPT, "two protocol actions in one place");
    into->protocol = protocol;
    return NULL;
}

static void configuration_of(Arena *arena, const Json *body, DeltaMetadata *metadata)
{
    const Json *pairs = json_get(body, "configuration");
    if (pairs == NULL || pairs->kind != JSON_OBJECT) return;
    metadata->configuration = AARRAY(arena, DeltaPair, pairs->count);
    for (size_t i = 0; i < pairs->count; i++) {
        if (pairs->items[i].kind != JSON_STRING) continue; /* null: as if absent */
        DeltaPair pair = {arena_strdup(arena, pairs->keys[i]),
                          arena_strdup(arena, pairs->items[i].string)};
        metadata->configuration[metadata->configuration_count++] = pair;
    }
}

static Err *take_metadata(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
{
    DeltaMetadata metadata = {
        .name = arena_strdup(arena, json_str(body, "name", NULL)),
        .description = arena_strdup(arena, json_str(body, "description", NULL)),
        .schema = arena_strdup(
            arena, json_str(body, "schemaString", NULL)), /* the live one must have it */
        .created_ms = json_int(body, "createdTime", 0)};
    TRY(required_str(body, kind, "id", &metadata.id));
    metadata.id = arena_strdup(arena, metadata.id);
    TRY(strings_of(arena, body, kind, "partitionColumns", &metadata.partition_columns,
                   &metadata.partition_column_count));
    configuration_of(arena, body, &metadata);
    const char *provider = json_str(json_get(body, "format"), "provider", "parquet");
    if (strcmp(provider, "parquet") != 0)
        return ERR(UNSUPPORTED, "the table's files are in format \"%s\"; only parquet is known",
                   provider);
    if (into->metadata.id != NULL) return ERR(CORRUPT, "two metaData actions in one place");
    into->metadata = metadata;
    return NULL;
}

static Err *take_info(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
{
    (void)kind;
    if (into->info != NULL) return NULL; /* free form: the first one counts */
    char *text = delta_object_text(arena, body);
    into->info = text != NULL ? text : "{}";
    return NULL;
}

static Err *take_sidecar(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
{
    const char *path = "";
    TRY(path_of(arena, body, kind, &path));
    const char *slash =
        strrchr(path, '/'); /* they always live in _sidecars; some writers say the whole URI */
    const char *name = slash == NULL ? path : slash + 1;
    if (name[0] == '\0' || strcmp(name, "..") == 0)
        return ERR(CORRUPT, "action sidecar names no file: %s", path);
    vec_push(arena, &into->sidecars, name);
    return NULL;
}

static const struct {
    const char *kind;
    Err *(*take)(Arena *arena, const char *kind, const Json *body, DeltaActions *into);
} ACTIONS[] = {
    {"add", take_add},           {"remove", take_remove},     {"txn", take_txn},
    {"protocol", take_protocol}, {"metaData", take_metadata}, {"commitInfo", take_info},
    {"sidecar", take_sidecar},
};

Err *delta_action_take(Arena *arena, const char *kind, const Json *body, DeltaActions *into)
{
    for (size_t i = 0; i < sizeof ACTIONS / sizeof *ACTIONS; i++) {
        if (strcmp(ACTIONS[i].kind, kind) != 0) continue;
        if (body->kind == JSON_NULL) return NULL;
        if (body->kind != JSON_OBJECT) return ERR(CORRUPT, "action %s is not an object", kind);
        return ACTIONS[i].take(arena, kind, body, into);
    }
    return NULL;
}

static Err *take_line(Arena *arena, Arena *scratch, const char *line, size_t length,
                      DeltaActions *into)
{
    const Json *json = NULL;
    TRY(json_parse(scratch, line, length, &json));
    if (json->kind != JSON_OBJECT) return ERR(CORRUPT, "not an object");
    for (size_t i = 0; i < json->count; i++)
        TRY(delta_action_take(arena, json->keys[i], &json->items[i], into));
    return NULL;
}

/* Damage found in line `number` of `label`, whatever noticed it; refusals keep their code. */
static Err *line_error(Err *err, const char *label, int number)
{
    if (err_code(err) == ERR_UNSUPPORTED) return ERR_WRAP(err, "%s", label);
    Err *corrupt = ERR(CORRUPT, "%s: line %d: %s", label, number, err_message(err));
    err_free(err);
    return err_at(err_path(corrupt, label), number, 1);
}

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (strchr(" \t\r", line[i]) == NULL || line[i] == '\0') return false;
    return true;
}

Err *delta_actions_parse(Arena *arena, const char *label, const char *text, size_t size_bytes,
                         DeltaActions *into)
{
    SCRATCH(scratch);
    const char *end = text + size_bytes;
    bool any = false;
    for (int number = 1; text < end; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline != NULL ? newline : end) - text);
        if (!is_blank(text, length)) {
            Err *err = take_line(arena, scratch, text, length, into);
            if (err != NULL) return line_error(err, label, number);
            any = true;
            arena_reset(scratch);
        }
        text = newline != NULL ? newline + 1 : end;
    }
    if (!any) return err_path(ERR(CORRUPT, "%s: is empty", label), label);
    return NULL;
}
