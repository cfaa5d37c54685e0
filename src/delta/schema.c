/* Schemas as Spark's JSON, and statistics of added files.
 *
 * Types are those that both the engine and Delta have without loss; others are refused, because a
 * reader of the table would silently get something else. Delta compares column names without case.
 * Statistics serve skipping only, so what is not exact is left out: floating point, times (Delta
 * floors them), long text. */
#include "delta/delta_int.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STATS_TEXT_BYTES_MAX = 32 };

static const struct {
    const char *sql, *delta;
} TYPES[] = {
    {"BIGINT", "long"},     {"INTEGER", "integer"},
    {"BOOLEAN", "boolean"}, {"DOUBLE", "double"},
    {"VARCHAR", "string"},  {"BLOB", "binary"},
    {"DATE", "date"},       {"TIMESTAMP WITH TIME ZONE", "timestamp"},
};

static const char *type_of(const char *sql)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(TYPES[i].sql, sql) == 0) return TYPES[i].delta;
    return NULL;
}

static Err *check_columns(const Schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        if (type_of(column->type) == NULL)
            return ERR(UNSUPPORTED, "column \"%s\" has type %s, which a Delta table cannot hold",
                       column->name, column->type);
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(schema->columns[j].name, column->name) == 0)
                return ERR(UNSUPPORTED, "columns \"%s\" and \"%s\" have one name in a Delta table",
                           schema->columns[j].name, column->name);
    }
    return NULL;
}

Err *delta_schema_json(Arena *arena, const Schema *schema, char **out)
{
    TRY(check_columns(schema));
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_str(&json, "type", "struct");
    json_key(&json, "fields");
    json_begin_array(&json);
    for (size_t i = 0; i < schema->count; i++) {
        json_begin_object(&json);
        json_kv_str(&json, "name", schema->columns[i].name);
        json_kv_str(&json, "type", type_of(schema->columns[i].type));
        json_kv_bool(&json, "nullable", true);
        json_key(&json, "metadata");
        json_put_raw(&json, "{}");
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
    *out = text.data;
    return NULL;
}

/* ---- statistics ---- */

static bool is_integer(const char *text)
{
    char *end = NULL;
    (void)strtoll(text, &end, 10);
    return end != text && *end == '\0';
}

/* Is the bound the value itself, and not something cut or rounded? */
static bool is_exact(const Column *column, const char *text)
{
    if (text == NULL) return false;
    TypeClass class = type_class(column->type);
    if (class == TYPE_INT) return is_integer(text);
    return class == TYPE_TEXT && strlen(text) <= STATS_TEXT_BYTES_MAX &&
           utf8_valid(text, strlen(text));
}

static const ParquetColumnStats *stats_of(const ParquetStats *stats, const char *name)
{
    for (size_t i = 0; i < stats->column_count; i++)
        if (strcmp(stats->columns[i].name, name) == 0) return &stats->columns[i];
    return NULL;
}

typedef enum Bound { BOUND_MIN, BOUND_MAX } Bound;

static void put_bounds(JsonOut *json, const ParquetStats *stats, const Column *columns,
                       size_t count, Bound bound)
{
    json_key(json, bound == BOUND_MIN ? "minValues" : "maxValues");
    json_begin_object(json);
    for (size_t i = 0; i < count; i++) {
        const ParquetColumnStats *of = stats_of(stats, columns[i].name);
        if (of == NULL || !is_exact(&columns[i], of->min) || !is_exact(&columns[i], of->max))
            continue;
        const char *text = bound == BOUND_MIN ? of->min : of->max;
        json_key(json, columns[i].name);
        if (type_class(columns[i].type) == TYPE_INT)
            json_put_raw(json, text);
        else
            json_put_str(json, text);
    }
    json_end(json);
}

char *delta_stats_json(Arena *arena, const ParquetStats *stats, const Column *columns,
                       size_t column_count)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "numRecords", stats->rows);
    put_bounds(&json, stats, columns, column_count, BOUND_MIN);
    put_bounds(&json, stats, columns, column_count, BOUND_MAX);
    json_key(&json, "nullCount");
    json_begin_object(&json);
    for (size_t i = 0; i < column_count; i++) {
        const ParquetColumnStats *of = stats_of(stats, columns[i].name);
        if (of != NULL && of->null_count >= 0) json_kv_int(&json, columns[i].name, of->null_count);
    }
    json_end(&json);
    json_end(&json);
    return text.data;
}
