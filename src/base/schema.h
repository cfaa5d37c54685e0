/* A schema: the ordered columns of a table, with the engine's SQL type names ("DOUBLE", "TIMESTAMP
 * WITH TIME ZONE", "DECIMAL(18,3)", "STRUCT(a INTEGER)"). What Parquet files, versions and
 * relations have in common. Names are compared by bytes here (two columns that differ only in case
 * are two columns). */
#pragma once
#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"

/* What can be done with a type, from its name. */
typedef enum TypeClass {
    TYPE_BOOL,
    TYPE_INT,   /* TINYINT ... HUGEINT and the unsigned ones */
    TYPE_FLOAT, /* FLOAT, DOUBLE */
    TYPE_DECIMAL,
    TYPE_TIMESTAMP, /* TIMESTAMP, _S, _MS, _NS: no zone */
    TYPE_TIMESTAMPTZ,
    TYPE_DATE,
    TYPE_TEXT,
    TYPE_OTHER
} TypeClass;

typedef struct Column {
    const char *name;
    const char *type; /* SQL type name, upper case, as DuckDB prints it */
} Column;

typedef VEC(Column) ColumnVec;

typedef struct Schema {
    Column *columns;
    size_t count;
} Schema;

TypeClass type_class(const char *type);
/* Width (1..38) and scale of "DECIMAL(w,s)"; false for other types. */
bool type_decimal(const char *type, int *out_width, int *out_scale);
bool type_is_numeric(const char *type); /* int, float, decimal */
/* The type both widen to without loss by rule (ints to wider ints; int and float to DOUBLE; FLOAT
 * to DOUBLE; DATE to TIMESTAMP to TIMESTAMPTZ; equal types stay; NULL is "\"NULL\""), or NULL when
 * they conflict.
 */
const char *type_widen(Arena *arena, const char *a, const char *b);

ptrdiff_t schema_find(const Schema *schema, const char *name); /* -1 when absent; exact bytes */
bool schema_equal(const Schema *a, const Schema *b);
/* [["name","TYPE"],...] : the stored form. */
void schema_to_json(JsonOut *out, const Schema *schema);
Err *schema_from_json(Arena *arena, const Json *json, Schema *out) WARN_UNUSED;
/* By name, in order of first appearance, types widened. A conflict is INVALID naming the column,
 * both types and both labels (for example paths). labels[i] describes schemas[i]. */
Err *schema_union(Arena *arena, const Schema *schemas, const char *const *labels, size_t count,
                  Schema *out) WARN_UNUSED;
