/* Feeds: rows of ours that a statement reads as a table function.
 *
 * The engine cannot forget a table function, so functions are not made per feed but per slot:
 * pond_feed_0, pond_feed_1, ... are registered when that many feeds are first open at once, and a
 * slot serves one feed after the other. The slots belong to the instance and go with it.
 *
 * A feed is a stream: it can be read once. A table feed opens a cursor per reading, which is the
 * engine's init data. The engine calls it on the thread that runs the
 * statement (threads = 1), so `next` may run statements on other connections; they are other
 * statements to the engine, with their own tasks, and cannot wait for each other.
 *
 * Failure: the engine carries only texts, so the Err of `next` waits in the feed and
 * statement_error fetches it. */
#include "engine/engine_int.h"
#include "perf/ops.h"
#include <assert.h>
#include <stdlib.h>

typedef struct FeedSlot FeedSlot;
struct FeedSlot {
    char name[32];
    Feed *feed; /* NULL: free */
    FeedSlot *next;
};

/* What a FeedColumn's handle points to. */
typedef struct FeedCell {
    duckdb_vector vector;
    bool is_text, is_bad; /* bad: was given bytes that are no text */
} FeedCell;

/* Columns that a statement reads, in the order of its chunks. */
typedef struct FeedRead {
    size_t *columns, count;
} FeedRead;

struct Feed {
    Arena *arena;
    Conn *conn;
    Feed *next_of_conn;
    FeedSlot *slot;
    Schema schema;
    duckdb_logical_type *types;
    FeedColumn *columns;
    FeedCell *cells;
    FeedRead read;
    EngineFeedNext *next;
    const FeedTable *table; /* NULL: read once, by `next` */
    void *context;
    Err *error;
    bool started;
};

static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static FeedSlot *slots; /* all of the instance */
static size_t slot_count;

/* ---- what the engine calls ---- */

static void feed_on_bind(duckdb_bind_info info)
{
    const Feed *feed = ((const FeedSlot *)ddb.bind_get_extra_info(info))->feed;
    if (feed == NULL) {
        ddb.bind_set_error(info, "the feed is closed");
        return;
    }
    for (size_t i = 0; i < feed->schema.count; i++)
        ddb.bind_add_result_column(info, feed->schema.columns[i].name, feed->types[i]);
}

static FeedRead read_of(Arena *arena, duckdb_init_info info)
{
    FeedRead read = {.count = ddb.init_get_column_count(info)};
    read.columns = AARRAY(arena, size_t, read.count);
    for (size_t i = 0; i < read.count; i++) read.columns[i] = ddb.init_get_column_index(info, i);
    return read;
}

/* One reading of a table feed. */
typedef struct FeedReading {
    Arena *arena;
    const FeedTable *table;
    void *cursor;
    FeedRead read;
} FeedReading;

static void reading_close(void *data)
{
    FeedReading *reading = data;
    reading->table->close(reading->cursor);
    arena_free(reading->arena);
}

static void reading_open(duckdb_init_info info, Feed *feed)
{
    void *cursor = NULL;
    feed->error = feed->table->open(feed->context, &cursor);
    if (feed->error != NULL) {
        ddb.init_set_error(info, err_message(feed->error));
        return;
    }
    Arena *arena = arena_new();
    FeedReading *reading = ANEW(arena, FeedReading);
    *reading = (FeedReading){arena, feed->table, cursor, read_of(arena, info)};
    ddb.init_set_init_data(info, reading, reading_close);
}

static void feed_on_init(duckdb_init_info info)
{
    Feed *feed = ((FeedSlot *)ddb.init_get_extra_info(info))->feed;
    ddb.init_set_max_threads(info, 1);
    if (feed != NULL && feed->table != NULL) {
        reading_open(info, feed);
        return;
    }
    if (feed == NULL || feed->started) {
        if (feed != NULL && feed->error == NULL)
            feed->error = ERR(INTERNAL, "the feed %s is read a second time", feed->slot->name);
        ddb.init_set_error(info, "the feed is read a second time");
        return;
    }
    feed->started = true;
    feed->read = read_of(feed->arena, info);
}

/* A column beyond the schema is the engine's own, for statements that only count rows. */
static void feed_point_at(Feed *feed, const FeedRead *read, duckdb_data_chunk chunk)
{
    for (size_t i = 0; i < feed->schema.count; i++) feed->columns[i] = (FeedColumn){0};
    for (size_t i = 0; i < read->count; i++) {
        size_t column = read->columns[i];
        if (column >= feed->schema.count) continue;
        duckdb_vector vector = ddb.data_chunk_get_vector(chunk, i);
        ddb.vector_ensure_validity_writable(vector);
        feed->cells[column].vector = vector;
        feed->columns[column] = (FeedColumn){.data = ddb.vector_get_data(vector),
                                             .validity = ddb.vector_get_validity(vector),
                                             .handle = &feed->cells[column]};
    }
}

static Err *feed_check_text(const Feed *feed)
{
    for (size_t i = 0; i < feed->schema.count; i++)
        if (feed->cells[i].is_bad)
            return ERR(INVALID, "column %s: a text is not UTF-8", feed->schema.columns[i].name);
    return NULL;
}

static void feed_on_rows(duckdb_function_info info, duckdb_data_chunk chunk)
{
    Feed *feed = ((FeedSlot *)ddb.function_get_extra_info(info))->feed;
    const FeedReading *reading = feed->table != NULL ? ddb.function_get_init_data(info) : NULL;
    feed_point_at(feed, reading != NULL ? &reading->read : &feed->read, chunk);
    size_t capacity = ddb.vector_size(), rows = 0;
    void *context = reading != NULL ? reading->cursor : feed->context;
    feed->error = feed->next(context, feed->columns, capacity, &rows);
    if (feed->error == NULL) feed->error = feed_check_text(feed);
    if (feed->error != NULL) {
        ddb.function_set_error(info, err_message(feed->error));
        return;
    }
    assert(rows <= capacity);
    ddb.data_chunk_set_size(chunk, rows);
}

/* ---- slots ---- */

static Err *slot_register(Conn *conn, FeedSlot *slot)
{
    duckdb_table_function function = ddb.create_table_function();
    ddb.table_function_set_name(function, slot->name);
    ddb.table_function_set_extra_info(function, slot, NULL);
    ddb.table_function_set_bind(function, feed_on_bind);
    ddb.table_function_set_init(function, feed_on_init);
    ddb.table_function_set_function(function, feed_on_rows);
    ddb.table_function_supports_projection_pushdown(function, true);
    duckdb_state state = ddb.register_table_function(conn->handle, function);
    ddb.destroy_table_function(&function);
    if (state == DuckDBSuccess) return NULL;
    return ERR(INTERNAL, "the engine refuses the table function %s", slot->name);
}

/* A free slot, else a new one. The lock is held. */
static Err *slot_get(Conn *conn, FeedSlot **out)
{
    for (FeedSlot *slot = slots; slot != NULL; slot = slot->next) {
        if (slot->feed != NULL) continue;
        *out = slot;
        return NULL;
    }
    FeedSlot *slot = calloc(1, sizeof *slot);
    if (slot == NULL) abort();
    (void)snprintf(slot->name, sizeof slot->name, "pond_feed_%zu", slot_count);
    Err *err = slot_register(conn, slot);
    if (err != NULL) {
        free(slot);
        return err;
    }
    slot->next = slots;
    slots = slot;
    slot_count++;
    *out = slot;
    return NULL;
}

static Err *slot_take(Conn *conn, Feed *feed)
{
    PERF_SPAN(PERF_engine_feed);
    (void)pthread_mutex_lock(&slots_lock);
    Err *err = slot_get(conn, &feed->slot);
    if (err == NULL) feed->slot->feed = feed;
    (void)pthread_mutex_unlock(&slots_lock);
    return err;
}

void feed_forget_all(void)
{
    (void)pthread_mutex_lock(&slots_lock);
    while (slots != NULL) {
        FeedSlot *next = slots->next;
        free(slots);
        slots = next;
    }
    slot_count = 0;
    (void)pthread_mutex_unlock(&slots_lock);
}

/* ---- life ---- */

static void feed_unlink(Feed *feed)
{
    for (Feed **at = &feed->conn->feeds; *at != NULL; at = &(*at)->next_of_conn) {
        if (*at != feed) continue;
        *at = feed->next_of_conn;
        return;
    }
}

void engine_feed_close_at(Feed **out)
{
    Feed *feed = *out;
    if (feed == NULL) return;
    feed_unlink(feed);
    if (feed->slot != NULL) {
        (void)pthread_mutex_lock(&slots_lock);
        feed->slot->feed = NULL;
        (void)pthread_mutex_unlock(&slots_lock);
    }
    for (size_t i = 0; i < feed->schema.count; i++) type_free_at(&feed->types[i]);
    err_free(feed->error);
    arena_free(feed->arena);
    *out = NULL;
}

static void feed_columns(Feed *feed, const Schema *schema)
{
    feed->types = AARRAY(feed->arena, duckdb_logical_type, schema->count);
    feed->columns = AARRAY(feed->arena, FeedColumn, schema->count);
    feed->cells = AARRAY(feed->arena, FeedCell, schema->count);
    feed->schema.columns = AARRAY(feed->arena, Column, schema->count);
    feed->schema.count = schema->count;
    for (size_t i = 0; i < schema->count; i++)
        feed->schema.columns[i].name = arena_strdup(feed->arena, schema->columns[i].name);
}

static Err *feed_types(Feed *feed, const Schema *schema)
{
    feed_columns(feed, schema);
    for (size_t i = 0; i < schema->count; i++) {
        TRY(type_parse(schema->columns[i].type, &feed->types[i]));
        feed->cells[i].is_text = ddb.get_type_id(feed->types[i]) == DUCKDB_TYPE_VARCHAR;
    }
    return NULL;
}

static Feed *feed_new(Conn *conn, EngineFeedNext *next, void *context)
{
    Arena *arena = arena_new();
    Feed *feed = ANEW(arena, Feed);
    feed->arena = arena;
    feed->conn = conn;
    feed->next = next;
    feed->context = context;
    return feed;
}

static Err *feed_start(Conn *conn, const Schema *schema, Feed *made, Feed **out)
{
    CLEANUP(engine_feed_close_at) Feed *feed = made;
    TRY(feed_types(feed, schema));
    TRY(slot_take(conn, feed));
    feed->next_of_conn = conn->feeds;
    conn->feeds = feed;
    *out = feed;
    feed = NULL;
    return NULL;
}

Err *engine_feed_open(Conn *conn, const Schema *schema, EngineFeedNext *next, void *context,
                      Feed **out)
{
    return feed_start(conn, schema, feed_new(conn, next, context), out);
}

Err *engine_feed_open_table(Conn *conn, const Schema *schema, const FeedTable *table, void *context,
                            Feed **out)
{
    Feed *feed = feed_new(conn, table->next, context);
    feed->table = table;
    return feed_start(conn, schema, feed, out);
}

Err *feed_open_like(Conn *conn, Result *result, EngineFeedNext *next, void *context, Feed **out)
{
    CLEANUP(engine_feed_close_at) Feed *feed = feed_new(conn, next, context);
    feed_columns(feed, engine_result_schema(result));
    for (size_t i = 0; i < feed->schema.count; i++) feed->types[i] = result_type(result, i);
    TRY(slot_take(conn, feed));
    feed->next_of_conn = conn->feeds;
    conn->feeds = feed;
    *out = feed;
    feed = NULL;
    return NULL;
}

duckdb_vector feed_vector(const FeedColumn *column)
{
    return ((const FeedCell *)column->handle)->vector;
}

const char *engine_feed_name(const Feed *feed)
{
    return feed->slot->name;
}

/* The engine's checked form would make a null of what is not UTF-8, silently. */
void engine_feed_str(const FeedColumn *column, size_t row, const char *bytes, size_t size)
{
    FeedCell *cell = column->handle;
    if (cell->is_text && !utf8_valid(bytes, size)) {
        cell->is_bad = true;
        size = 0;
    }
    ddb.unsafe_vector_assign_string_element_len(cell->vector, row, bytes, size);
}

Err *feed_take_error(Conn *conn)
{
    for (Feed *feed = conn->feeds; feed != NULL; feed = feed->next_of_conn) {
        Err *err = feed->error;
        feed->error = NULL;
        if (err != NULL) return err;
    }
    return NULL;
}
