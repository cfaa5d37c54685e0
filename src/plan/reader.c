/* Each chunk's times are converted and checked once: null times and disorder are errors, since a
 * recorded order that does not hold means damage and would make every operator above wrong. */
#include "plan/reader.h"
#include "perf/ops.h"
#include <inttypes.h>
#include <string.h>

enum { CHUNK_ROWS_MAX = 2048 };

void reader_init(Reader *reader)
{
    reader->converted = AARRAY(reader->arena, TimeUs, CHUNK_ROWS_MAX);
    reader->last_time = TIME_MIN;
}

void reader_close(Reader *reader)
{
    engine_result_close_at(&reader->result);
    if (reader->is_open) segment_close(&reader->segment);
    reader->is_open = false;
    engine_disconnect_at(&reader->conn);
}

static Err *reader_sql(Reader *reader)
{
    PERF_SPAN(PERF_sql_emit);
    return reader->emit(reader->context, &reader->segment.emit);
}

static Err *reader_open(Reader *reader)
{
    reader->has_begun = true;
    TRY(engine_connect(&reader->conn));
    reader->segment = segment_new(reader->plan, reader->arena, reader->conn, reader->rel);
    reader->segment.emit.keep_null_times = true;
    reader->is_open = true;
    TRY(reader_sql(reader));
    Err *err = engine_query(reader->conn, reader->segment.emit.sql.data, NULL, 0, &reader->result);
    return segment_error(&reader->segment, err);
}

/* ---- times ---- */

static Err *no_time(const Reader *reader)
{
    const RelFacts *facts = reader->input->facts;
    return ERR(INVALID, "%s: a row of %s has no time: \"%s\" is null", reader->rel->label,
               reader->input->label, facts->schema.columns[facts->time_index].name);
}

static Err *convert_times(Reader *reader, const Vector *vector)
{
    for (size_t i = 0; i < reader->chunk.rows; i++) {
        if (vector_is_null(vector, i)) return no_time(reader);
        int64_t value = engine_int(vector, i);
        if (!time_to_us(reader->scale, value, &reader->converted[i]))
            return ERR(INVALID, "%s: time %" PRId64 " in %s is out of range", reader->rel->label,
                       value, reader->input->label);
    }
    reader->times = reader->converted;
    return NULL;
}

static Err *check_order(Reader *reader)
{
    TimeUs last = reader->last_time;
    bool is_ordered = true;
    for (size_t i = 0; i < reader->chunk.rows; i++) {
        is_ordered &= reader->times[i] >= last;
        last = reader->times[i];
    }
    reader->last_time = last;
    if (is_ordered) return NULL;
    return err_hint(ERR(CORRUPT, "%s: the rows of %s are not in the order that was recorded",
                        reader->rel->label, reader->input->label),
                    "run fsck");
}

Err *reader_next(Reader *reader)
{
    if (!reader->has_begun) TRY(reader_open(reader));
    TRY(segment_error(&reader->segment, engine_next(reader->result, &reader->chunk)));
    if (reader->chunk.rows == 0) {
        reader->has_ended = true;
        reader_close(reader);
        return NULL;
    }
    const Vector *times = &reader->chunk.vectors[0];
    bool is_plain = times->phys == PHYS_I64 && times->validity == NULL &&
                    reader->scale.multiply == 1 && reader->scale.divide == 1;
    if (is_plain)
        reader->times = times->data;
    else
        TRY(convert_times(reader, times));
    return check_order(reader);
}

void reader_emit_time(Emit *emit, const Rel *input)
{
    const RelFacts *facts = input->facts;
    const char *type = facts->schema.columns[facts->time_index].type;
    bool is_cast = type_class(type) == TYPE_INT && strcmp(type, "BIGINT") != 0;
    buf_printf(&emit->sql, is_cast ? "CAST(c%zd AS BIGINT)" : "c%zd", facts->time_index);
}
