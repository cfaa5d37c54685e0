/* pond_nodes, pond_versions, pond_commits: a cursor each, which fills rows as they are asked for.
 */
#include "cli/catalog.h"
#include <string.h>

#define TIMES "TIMESTAMP WITH TIME ZONE"

static void put_bound(FeedColumn *column, size_t row, bool present, TimeUs time)
{
    if (present)
        cell_put_int(column, row, time);
    else
        cell_put_null(column, row);
}

static void put_count(FeedColumn *column, size_t row, int64_t count)
{
    put_bound(column, row, count >= 0, count);
}

/* ---- pond_nodes ---- */

enum {
    N_PATH,
    N_NAME,
    N_TYPE,
    N_ID,
    N_VERSION,
    N_TXN,
    N_TIME,
    N_SIZE,
    N_ROWS,
    N_VERSIONS,
    N_FIRST,
    N_LAST,
    N_MIN_TIME,
    N_MAX_TIME,
    N_FACTORY,
    N_TARGET,
    N_DERIVED
};
static const CatalogColumn NODE_COLUMNS[] = {
    [N_PATH] = {"path", "VARCHAR", "absolute"},
    [N_NAME] = {"name", "VARCHAR", "last component of the path"},
    [N_TYPE] = {"type", "VARCHAR",
                "directory, symlink, data, data:series, table, table:series, ..."},
    [N_ID] = {"id", "VARCHAR", "the node's UUID; stays through renames"},
    [N_VERSION] = {"version", "BIGINT", "newest version, or number of states"},
    [N_TXN] = {"txn", "BIGINT", "transaction of the last change"},
    [N_TIME] = {"time", TIMES, "of the last change"},
    [N_SIZE] = {"size", "BIGINT", "bytes of the live versions; null without content"},
    [N_ROWS] = {"rows", "BIGINT", "rows of the live versions; null when not a table"},
    [N_VERSIONS] = {"versions", "BIGINT", "number of live versions"},
    [N_FIRST] = {"first", TIMES, "first time stored, bounds do not count"},
    [N_LAST] = {"last", TIMES, "last time stored"},
    [N_MIN_TIME] = {"min_time", TIMES, "temporal bound, or null"},
    [N_MAX_TIME] = {"max_time", TIMES, "temporal bound, or null"},
    [N_FACTORY] = {"factory", "VARCHAR", "of dynamic nodes"},
    [N_TARGET] = {"target", "VARCHAR", "of symlinks"},
    [N_DERIVED] = {"derived", "BOOLEAN", "exists only through a factory"},
};

static void put_node(FeedColumn *columns, size_t row, const Node *node, const char *path)
{
    cell_put_text(&columns[N_PATH], row, path);
    cell_put_text(&columns[N_NAME], row, node->name);
    cell_put_text(&columns[N_TYPE], row, entry_type_name(node->type));
    cell_put_text(&columns[N_ID], row, node->id.text);
    cell_put_int(&columns[N_VERSION], row, node->version);
    cell_put_int(&columns[N_TXN], row, node->txn);
    cell_put_int(&columns[N_TIME], row, node->time);
    put_count(&columns[N_SIZE], row, node->size_bytes);
    put_count(&columns[N_ROWS], row, node->rows);
    cell_put_int(&columns[N_VERSIONS], row, node->version_count);
    put_bound(&columns[N_FIRST], row, node->has_range, node->range.min);
    put_bound(&columns[N_LAST], row, node->has_range, node->range.max);
    put_bound(&columns[N_MIN_TIME], row, node->has_min_override, node->min_override);
    put_bound(&columns[N_MAX_TIME], row, node->has_max_override, node->max_override);
    cell_put_text(&columns[N_FACTORY], row, node->factory);
    cell_put_text(&columns[N_TARGET], row, node->type == ENTRY_SYMLINK ? node->content : NULL);
    cell_put_bool(&columns[N_DERIVED], row, node->derived);
}

static Err *nodes_open(void *context, void **out)
{
    const CatalogSource *source = context;
    *out = node_walk_open(source->cli, (NodeWalkOptions){.derived = true});
    return NULL;
}

static void nodes_close(void *cursor)
{
    node_walk_close(cursor);
}

static Err *nodes_next(void *cursor, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    size_t rows = 0;
    while (rows < capacity) {
        const Node *node = NULL;
        const char *path = NULL;
        TRY(node_walk_next(cursor, &node, &path));
        if (node == NULL) break;
        put_node(columns, rows++, node, path);
    }
    *out_rows = rows;
    return NULL;
}

const CatalogTable CATALOG_NODES = {
    .name = "pond_nodes",
    .text = "every node but the root, links as links, derived ones too",
    .columns = NODE_COLUMNS,
    .column_count = sizeof NODE_COLUMNS / sizeof *NODE_COLUMNS,
    .feed = {nodes_open, nodes_next, nodes_close},
};

/* ---- pond_versions ---- */

enum {
    V_PATH,
    V_ID,
    V_VERSION,
    V_TXN,
    V_TIME,
    V_SIZE,
    V_SHA256,
    V_INLINE,
    V_PARQUET,
    V_ROWS,
    V_TIME_COLUMN,
    V_FIRST,
    V_LAST,
    V_IN_ORDER
};
static const CatalogColumn VERSION_COLUMNS[] = {
    [V_PATH] = {"path", "VARCHAR", "of the node"},
    [V_ID] = {"id", "VARCHAR", "of the node"},
    [V_VERSION] = {"version", "BIGINT", "number within the node"},
    [V_TXN] = {"txn", "BIGINT", "transaction that brought it"},
    [V_TIME] = {"time", TIMES, "when it came in"},
    [V_SIZE] = {"size", "BIGINT", "bytes"},
    [V_SHA256] = {"sha256", "VARCHAR", "of its bytes"},
    [V_INLINE] = {"inline", "BOOLEAN", "stands in the log, not in a blob"},
    [V_PARQUET] = {"parquet", "BOOLEAN", "is a Parquet file"},
    [V_ROWS] = {"rows", "BIGINT", "of a Parquet file"},
    [V_TIME_COLUMN] = {"time_column", "VARCHAR", "its name, or null"},
    [V_FIRST] = {"first", TIMES, "first time in it"},
    [V_LAST] = {"last", TIMES, "last time in it"},
    [V_IN_ORDER] = {"in_order", "BOOLEAN", "its rows ascend in time; null without times"},
};

typedef struct VersionCursor {
    Cli *cli;
    Arena *arena;
    NodeWalk *walk;
    Arena *node_arena; /* of the versions of one node */
    const Node *node;
    const char *path;
    Version *versions;
    size_t count, next;
} VersionCursor;

static Err *versions_open(void *context, void **out)
{
    const CatalogSource *source = context;
    Arena *arena = arena_new();
    VersionCursor *cursor = ANEW(arena, VersionCursor);
    cursor->cli = source->cli;
    cursor->arena = arena;
    cursor->walk = node_walk_open(source->cli, (NodeWalkOptions){0});
    cursor->node_arena = arena_new();
    *out = cursor;
    return NULL;
}

static void versions_close(void *context)
{
    VersionCursor *cursor = context;
    node_walk_close(cursor->walk);
    arena_free(cursor->node_arena);
    arena_free(cursor->arena);
}

/* The next node with versions; node NULL at the end. */
static Err *next_node(VersionCursor *cursor)
{
    FsBackend store = fs_backend(provider_fs(cursor->cli->provider));
    cursor->count = cursor->next = 0;
    do {
        TRY(node_walk_next(cursor->walk, &cursor->node, &cursor->path));
    } while (cursor->node != NULL && !entry_has_versions(cursor->node->type));
    if (cursor->node == NULL) return NULL;
    arena_reset(cursor->node_arena);
    return store.ops->versions(store.self, cursor->node_arena, cursor->node->id, &cursor->versions,
                               &cursor->count);
}

static void put_version(FeedColumn *columns, size_t row, const VersionCursor *cursor,
                        const Version *version)
{
    size_t spans = version->interval_count;
    cell_put_text(&columns[V_PATH], row, cursor->path);
    cell_put_text(&columns[V_ID], row, cursor->node->id.text);
    cell_put_int(&columns[V_VERSION], row, version->version);
    cell_put_int(&columns[V_TXN], row, version->txn);
    cell_put_int(&columns[V_TIME], row, version->time);
    cell_put_int(&columns[V_SIZE], row, version->size_bytes);
    cell_put_text(&columns[V_SHA256], row, version->sha256);
    cell_put_bool(&columns[V_INLINE], row, version->bytes != NULL);
    cell_put_bool(&columns[V_PARQUET], row, version->parquet);
    put_count(&columns[V_ROWS], row, version->rows);
    cell_put_text(&columns[V_TIME_COLUMN], row, version->time_column);
    put_bound(&columns[V_FIRST], row, spans > 0, spans > 0 ? version->intervals[0].min : 0);
    put_bound(&columns[V_LAST], row, spans > 0, spans > 0 ? version->intervals[spans - 1].max : 0);
    if (version->time_column != NULL)
        cell_put_bool(&columns[V_IN_ORDER], row, version->in_order);
    else
        cell_put_null(&columns[V_IN_ORDER], row);
}

static Err *versions_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    VersionCursor *cursor = context;
    size_t rows = 0;
    while (rows < capacity) {
        if (cursor->next == cursor->count) {
            TRY(next_node(cursor));
            if (cursor->node == NULL) break;
            continue;
        }
        put_version(columns, rows++, cursor, &cursor->versions[cursor->next++]);
    }
    *out_rows = rows;
    return NULL;
}

const CatalogTable CATALOG_VERSIONS = {
    .name = "pond_versions",
    .text = "every live version of every stored node",
    .columns = VERSION_COLUMNS,
    .column_count = sizeof VERSION_COLUMNS / sizeof *VERSION_COLUMNS,
    .feed = {versions_open, versions_next, versions_close},
};

/* ---- pond_commits ---- */

enum {
    C_TXN,
    C_LOG_VERSION,
    C_TIME,
    C_COMMAND,
    C_USER,
    C_HOST,
    C_NODES,
    C_VERSIONS,
    C_DROPPED,
    C_DELETED,
    C_BYTES,
    C_PATHS
};
static const CatalogColumn COMMIT_COLUMNS[] = {
    [C_TXN] = {"txn", "BIGINT", "number of the transaction, from 1"},
    [C_LOG_VERSION] = {"log_version", "BIGINT", "version of the Delta table"},
    [C_TIME] = {"time", TIMES, "when it was committed"},
    [C_COMMAND] = {"command", "VARCHAR", "that made it, secrets left out"},
    [C_USER] = {"username", "VARCHAR", "who ran it"},
    [C_HOST] = {"host", "VARCHAR", "and where"},
    [C_NODES] = {"nodes", "BIGINT", "nodes made or changed"},
    [C_VERSIONS] = {"versions", "BIGINT", "versions added"},
    [C_DROPPED] = {"dropped", "BIGINT", "versions dropped"},
    [C_DELETED] = {"deleted", "BIGINT", "nodes deleted"},
    [C_BYTES] = {"bytes", "BIGINT", "of new content"},
    [C_PATHS] = {"paths", "VARCHAR", "the first touched, as a JSON list"},
};

enum { COMMIT_STEP = 16 }; /* entries are files: no more are read ahead than that */

typedef struct CommitCursor {
    Arena *arena, *batch;
    Tlog *tlog;
    int64_t before; /* log version; -1: from the newest */
} CommitCursor;

static Err *commits_open(void *context, void **out)
{
    const CatalogSource *source = context;
    Arena *arena = arena_new();
    CommitCursor *cursor = ANEW(arena, CommitCursor);
    *cursor = (CommitCursor){
        .arena = arena, .batch = arena_new(), .tlog = pond_tlog(source->cli->pond), .before = -1};
    *out = cursor;
    return NULL;
}

static void commits_close(void *context)
{
    CommitCursor *cursor = context;
    arena_free(cursor->batch);
    arena_free(cursor->arena);
}

static const char *json_text(Arena *arena, const Json *value)
{
    if (value == NULL) return NULL;
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_put(&json, value);
    return text.data;
}

static void put_commit(Arena *arena, FeedColumn *columns, size_t row, const TlogEntry *entry)
{
    static const struct {
        int column;
        const char *key;
    } COUNTS[] = {{C_NODES, "nodes"},
                  {C_VERSIONS, "versions"},
                  {C_DROPPED, "dropped"},
                  {C_DELETED, "deleted"},
                  {C_BYTES, "bytes"}};
    cell_put_int(&columns[C_TXN], row, entry->txn);
    cell_put_int(&columns[C_LOG_VERSION], row, entry->log_version);
    cell_put_int(&columns[C_TIME], row, entry->time);
    cell_put_text(&columns[C_COMMAND], row, entry->command);
    cell_put_text(&columns[C_USER], row, entry->user);
    cell_put_text(&columns[C_HOST], row, entry->host);
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++)
        put_count(&columns[COUNTS[i].column], row, json_int(entry->metrics, COUNTS[i].key, -1));
    cell_put_text(&columns[C_PATHS], row, json_text(arena, json_get(entry->metrics, "paths")));
}

static Err *commits_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    CommitCursor *cursor = context;
    TlogEntry *entries = NULL;
    size_t count = 0;
    arena_reset(cursor->batch);
    TRY(tlog_history(cursor->batch, cursor->tlog, cursor->before,
                     capacity < COMMIT_STEP ? capacity : COMMIT_STEP, &entries, &count));
    for (size_t i = 0; i < count; i++) put_commit(cursor->batch, columns, i, &entries[i]);
    cursor->before = count > 0 ? entries[count - 1].log_version : 0;
    *out_rows = count;
    return NULL;
}

const CatalogTable CATALOG_COMMITS = {
    .name = "pond_commits",
    .text = "the history, newest first; with LIMIT no more of it is read than needed",
    .columns = COMMIT_COLUMNS,
    .column_count = sizeof COMMIT_COLUMNS / sizeof *COMMIT_COLUMNS,
    .feed = {commits_open, commits_next, commits_close},
};
