/* Streaming results. The statement is prepared, started as a pending query and moved on by its
 * tasks (each about 50 chunks of work) until its first chunk is there; then each fetch computes
 * what it needs. With one thread nothing runs ahead of the reader beyond the engine's buffer of 1
 * MB, whatever the size of the result.
 *
 * The vectors of a chunk point into the engine's memory, which lives until the next fetch. */
#include "engine/engine_int.h"
#include "perf/ops.h"
#include <assert.h>

struct Result {
    Arena *arena;
    Conn *conn;
    Statement statement;
    duckdb_prepared_statement prepared;
    duckdb_result result;
    duckdb_data_chunk chunk; /* the last one given out */
    Phys *physes;
    Vector *vectors;
    size_t column_count;
    Profile profile;
    uint64_t interrupts; /* at the start */
    Schema schema;       /* once asked for */
    bool has_schema, ended;
};

static void pending_destroy_at(duckdb_pending_result *pending)
{
    if (*pending != NULL) ddb.destroy_pending(pending);
}

static Err *result_interrupted(const Result *result)
{
    if (instance_interrupts() == result->interrupts) return NULL;
    return ERR(INTERRUPTED, "interrupted");
}

/* Runs until rows can be fetched. */
static Err *result_start(Result *result)
{
    PERF_SPAN(PERF_engine_execute);
    PROFILE_TURN(&result->profile, false);
    CLEANUP(pending_destroy_at) duckdb_pending_result pending = NULL;
    duckdb_state state = ddb.pending_prepared_streaming(result->prepared, &pending);
    while (state == DuckDBSuccess) {
        TRY(result_interrupted(result));
        duckdb_pending_state at = ddb.pending_execute_task(pending);
        if (at == DUCKDB_PENDING_ERROR) state = DuckDBError;
        if (ddb.pending_execution_is_finished(at)) break;
    }
    if (state != DuckDBSuccess)
        return statement_error(result->conn, &result->statement, ddb.pending_error(pending));
    if (ddb.execute_pending(pending, &result->result) != DuckDBSuccess)
        return statement_error(result->conn, &result->statement, ddb.result_error(&result->result));
    return NULL;
}

static void result_columns(Result *result)
{
    result->column_count = ddb.column_count(&result->result);
    result->physes = AARRAY(result->arena, Phys, result->column_count);
    result->vectors = AARRAY(result->arena, Vector, result->column_count);
    for (size_t i = 0; i < result->column_count; i++) {
        CLEANUP(type_free_at)
        duckdb_logical_type type = ddb.column_logical_type(&result->result, i);
        result->physes[i] = type_phys(type);
    }
}

duckdb_data_chunk result_chunk(const Result *result)
{
    return result->chunk;
}

duckdb_logical_type result_type(Result *result, size_t column)
{
    return ddb.column_logical_type(&result->result, column);
}

static void result_end(Result *result)
{
    result->ended = true;
    if (result->conn->open_result == result) result->conn->open_result = NULL;
}

/* The engine keeps the plan of an unfinished stream, its open files and feeds with it, until the
 * connection's next statement: give it one (20 us). */
static void conn_forget_stream(Conn *conn)
{
    CLEANUP(prepared_destroy_at) duckdb_prepared_statement next = NULL;
    (void)ddb.prepare(conn->handle, "SELECT 1", &next);
}

void engine_result_close_at(Result **out)
{
    Result *result = *out;
    if (result == NULL) return;
    bool unfinished = result->conn->open_result == result;
    result_end(result);
    profile_end(&result->profile, false, !unfinished);
    if (result->chunk != NULL) ddb.destroy_data_chunk(&result->chunk);
    ddb.destroy_result(&result->result);
    prepared_destroy_at(&result->prepared);
    if (unfinished) conn_forget_stream(result->conn);
    arena_free(result->arena);
    *out = NULL;
}

Err *query_open(Conn *conn, const char *sql, const Statement *statement, const Value *values,
                size_t value_count, Result **out)
{
    Arena *arena = arena_new();
    CLEANUP(engine_result_close_at) Result *result = ANEW(arena, Result);
    result->arena = arena;
    result->conn = conn;
    result->statement =
        (Statement){.text = arena_strdup(arena, statement->text), .offset = statement->offset};
    result->interrupts = instance_interrupts();
    result->profile.slot = -1;
    TRY(prepared_open(conn, arena_strdup(arena, sql), &result->statement, &result->profile,
                      &result->prepared));
    TRY(prepared_bind(conn, result->prepared, &result->statement, values, value_count));
    TRY(result_start(result));
    result_columns(result);
    conn->open_result = result;
    *out = result;
    result = NULL;
    return NULL;
}

Err *engine_query(Conn *conn, const char *sql, const Value *values, size_t value_count,
                  Result **out)
{
    return query_open(conn, sql, &(Statement){.text = sql}, values, value_count, out);
}

const Schema *engine_result_schema(Result *result)
{
    if (result->has_schema) return &result->schema;
    result->schema.count = result->column_count;
    result->schema.columns = AARRAY(result->arena, Column, result->column_count);
    for (size_t i = 0; i < result->column_count; i++) {
        CLEANUP(type_free_at)
        duckdb_logical_type type = ddb.column_logical_type(&result->result, i);
        result->schema.columns[i] = (Column){
            .name = arena_strdup(result->arena, ddb.column_name(&result->result, i)),
            .type = type_name(result->arena, type),
        };
    }
    result->has_schema = true;
    return &result->schema;
}

static void result_vectors(Result *result)
{
    for (size_t i = 0; i < result->column_count; i++) {
        duckdb_vector vector = ddb.data_chunk_get_vector(result->chunk, i);
        result->vectors[i] = (Vector){
            .phys = result->physes[i],
            .data = result->physes[i] == PHYS_NESTED ? NULL : ddb.vector_get_data(vector),
            .validity = ddb.vector_get_validity(vector),
        };
    }
}

static void fetch(Result *result)
{
    PERF_SPAN(PERF_engine_fetch);
    PROFILE_TURN(&result->profile, false);
    result->chunk = ddb.fetch_chunk(result->result);
}

/* Fetches the next chunk; none at the end. */
static Err *result_fetch(Result *result)
{
    if (result->chunk != NULL) ddb.destroy_data_chunk(&result->chunk);
    result->chunk = NULL;
    if (result->ended) return NULL;
    TRY(result_interrupted(result));
    fetch(result);
    if (result->chunk != NULL && ddb.data_chunk_get_size(result->chunk) > 0) return NULL;
    result_end(result);
    const char *message = ddb.result_error(&result->result);
    bool is_whole = message == NULL || message[0] == '\0';
    profile_end(&result->profile, is_whole, !is_whole);
    return is_whole ? NULL : statement_error(result->conn, &result->statement, message);
}

Err *engine_next(Result *result, Chunk *out)
{
    TRY(result_fetch(result));
    size_t rows = result->chunk != NULL ? ddb.data_chunk_get_size(result->chunk) : 0;
    if (rows > 0) result_vectors(result);
    perf_count(PERF_engine_chunk);
    perf_add(PERF_engine_row, rows);
    result->profile.rows += rows;
    *out = (Chunk){.rows = rows, .columns = result->column_count, .vectors = result->vectors};
    return NULL;
}

/* ---- cells ---- */

/* The engine's string: up to 12 bytes inside, longer ones by pointer. */
static const char *string_bytes(const duckdb_string_t *string, size_t *out_size)
{
    size_t size = string->value.inlined.length;
    *out_size = size;
    return size <= sizeof string->value.inlined.inlined ? string->value.inlined.inlined
                                                        : string->value.pointer.ptr;
}

const char *string_cell(duckdb_vector vector, size_t row, size_t *out_size)
{
    return string_bytes((const duckdb_string_t *)ddb.vector_get_data(vector) + row, out_size);
}

const char *engine_str(const Vector *vector, size_t row, size_t *out_size)
{
    return string_bytes((const duckdb_string_t *)vector->data + row, out_size);
}

int64_t engine_int(const Vector *vector, size_t row)
{
    switch (vector->phys) {
    case PHYS_BOOL: return ((const bool *)vector->data)[row];
    case PHYS_I8: return ((const int8_t *)vector->data)[row];
    case PHYS_I16: return ((const int16_t *)vector->data)[row];
    case PHYS_I32: return ((const int32_t *)vector->data)[row];
    case PHYS_I64: return ((const int64_t *)vector->data)[row];
    case PHYS_U8: return ((const uint8_t *)vector->data)[row];
    case PHYS_U16: return ((const uint16_t *)vector->data)[row];
    case PHYS_U32: return ((const uint32_t *)vector->data)[row];
    case PHYS_U64: return (int64_t)((const uint64_t *)vector->data)[row];
    case PHYS_I128:
    case PHYS_F32:
    case PHYS_F64:
    case PHYS_STRING:
    case PHYS_NESTED: break;
    }
    assert(false && "engine_int of a column that is no integer");
    return 0;
}

double engine_double(const Vector *vector, size_t row)
{
    assert(vector->phys == PHYS_F32 || vector->phys == PHYS_F64);
    return vector->phys == PHYS_F32 ? (double)((const float *)vector->data)[row]
                                    : ((const double *)vector->data)[row];
}
