/* Schemas and the widening of types.
 *
 * Two versions of a series may differ in a column's type. What they meet in is decided by name
 * alone and recorded, so it must not depend on the order of versions: type_widen is commutative,
 * and associative wherever both ways have an answer. Integers are intervals of bits; a signed type
 * holds an unsigned one that is narrower. DECIMAL keeps all digits before and after the point or
 * conflicts; an unsigned integer meets it as the signed type above would, or USMALLINT, TINYINT and
 * DECIMAL(5,0) would meet in different types by order. A timestamp without a zone is UTC, as
 * everywhere. Nanosecond timestamps have a smaller range than the others, so nothing widens to or
 * from them. docs/factories.md has the rules as tables. */
#include "base/schema.h"
#include "base/map.h"
#include <stdlib.h>
#include <string.h>

typedef struct IntType {
    const char *name;
    int bits;
    bool is_signed;
    int digits; /* as a DECIMAL: of the largest value of the signed type that holds it */
} IntType;

static const IntType INTS[] = {
    {"TINYINT", 8, true, 3},      {"SMALLINT", 16, true, 5},   {"INTEGER", 32, true, 10},
    {"BIGINT", 64, true, 19},     {"HUGEINT", 128, true, 39},  {"UTINYINT", 8, false, 5},
    {"USMALLINT", 16, false, 10}, {"UINTEGER", 32, false, 19}, {"UBIGINT", 64, false, 39},
    {"UHUGEINT", 128, false, 39},
};
enum { INT_COUNT = sizeof INTS / sizeof *INTS, DECIMAL_WIDTH_MAX = 38 };

static const IntType *int_type(const char *type)
{
    for (size_t i = 0; i < INT_COUNT; i++) {
        if (strcmp(INTS[i].name, type) == 0) return &INTS[i];
    }
    return NULL;
}

typedef struct Decimal {
    int width, scale;
} Decimal;

bool type_decimal(const char *type, int *out_width, int *out_scale)
{
    static const char OPENING[] = "DECIMAL(";
    char *end = NULL;
    if (strncmp(type, OPENING, strlen(OPENING)) != 0) return false;
    long width = strtol(type + strlen(OPENING), &end, 10);
    if (*end != ',' || width < 1 || width > 38) return false;
    long scale = strtol(end + 1, &end, 10);
    if (strcmp(end, ")") != 0 || scale < 0 || scale > width) return false;
    *out_width = (int)width;
    *out_scale = (int)scale;
    return true;
}

static bool is_any(const char *type, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(type, *names) == 0) return true;
    }
    return false;
}

TypeClass type_class(const char *type)
{
    static const char *const FLOATS[] = {"FLOAT", "DOUBLE", NULL};
    static const char *const TIMESTAMPS[] = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS",
                                             "TIMESTAMP_NS", NULL};
    Decimal decimal;
    if (int_type(type) != NULL) return TYPE_INT;
    if (is_any(type, FLOATS)) return TYPE_FLOAT;
    if (is_any(type, TIMESTAMPS)) return TYPE_TIMESTAMP;
    if (strcmp(type, "TIMESTAMP WITH TIME ZONE") == 0) return TYPE_TIMESTAMPTZ;
    if (strcmp(type, "BOOLEAN") == 0) return TYPE_BOOL;
    if (strcmp(type, "DATE") == 0) return TYPE_DATE;
    if (strcmp(type, "VARCHAR") == 0) return TYPE_TEXT;
    if (type_decimal(type, &decimal.width, &decimal.scale)) return TYPE_DECIMAL;
    return TYPE_OTHER;
}

bool type_is_numeric(const char *type)
{
    TypeClass class = type_class(type);
    return class == TYPE_INT || class == TYPE_FLOAT || class == TYPE_DECIMAL;
}

static const char *widen_ints(const IntType *a, const IntType *b)
{
    const IntType *wide = a->bits >= b->bits ? a : b, *narrow = wide == a ? b : a;
    if (a->is_signed == b->is_signed) return wide->name;
    if (wide->is_signed && wide->bits > narrow->bits) return wide->name;
    int bits = a->is_signed ? b->bits : a->bits; /* of the unsigned one */
    for (size_t i = 0; i < INT_COUNT; i++) {
        if (INTS[i].is_signed && INTS[i].bits > bits) return INTS[i].name;
    }
    return NULL;
}

/* An integer as a decimal without fraction. */
static bool as_decimal(const char *type, Decimal *out)
{
    const IntType *integer = int_type(type);
    if (integer == NULL) return type_decimal(type, &out->width, &out->scale);
    *out = (Decimal){integer->digits, 0};
    return true;
}

static const char *widen_decimals(Arena *arena, const char *a, const char *b)
{
    Decimal x, y;
    if (!as_decimal(a, &x) || !as_decimal(b, &y)) return NULL;
    int whole = x.width - x.scale > y.width - y.scale ? x.width - x.scale : y.width - y.scale;
    int scale = x.scale > y.scale ? x.scale : y.scale;
    if (whole + scale > DECIMAL_WIDTH_MAX) return NULL;
    return arena_printf(arena, "DECIMAL(%d,%d)", whole + scale, scale);
}

enum { RANK_DATE, RANK_ZONED = 4, RANK_COUNT };

static int timestamp_rank(const char *type)
{
    static const char *const ORDER[] = {"DATE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP",
                                        "TIMESTAMP WITH TIME ZONE"};
    for (int i = 0; i < RANK_COUNT; i++) {
        if (strcmp(ORDER[i], type) == 0) return i;
    }
    return -1;
}

static const char *widen_times(const char *a, const char *b)
{
    int x = timestamp_rank(a), y = timestamp_rank(b);
    if (x < 0 || y < 0) return NULL;
    bool any_date = x == RANK_DATE || y == RANK_DATE,
         any_zoned = x == RANK_ZONED || y == RANK_ZONED;
    if (any_date && !any_zoned) return "TIMESTAMP";
    return x > y ? a : b;
}

const char *type_widen(Arena *arena, const char *a, const char *b)
{
    static const char NULL_TYPE[] = "\"NULL\"";
    if (strcmp(a, b) == 0 || strcmp(b, NULL_TYPE) == 0) return a;
    if (strcmp(a, NULL_TYPE) == 0) return b;
    const IntType *x = int_type(a), *y = int_type(b);
    if (x != NULL && y != NULL) return widen_ints(x, y);
    if (type_is_numeric(a) && type_is_numeric(b)) {
        bool any_float = type_class(a) == TYPE_FLOAT || type_class(b) == TYPE_FLOAT;
        return any_float ? "DOUBLE" : widen_decimals(arena, a, b);
    }
    return widen_times(a, b);
}

ptrdiff_t schema_find(const Schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (strcmp(schema->columns[i].name, name) == 0) return (ptrdiff_t)i;
    }
    return -1;
}

bool schema_equal(const Schema *a, const Schema *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        const Column *x = &a->columns[i], *y = &b->columns[i];
        if (strcmp(x->name, y->name) != 0 || strcmp(x->type, y->type) != 0) return false;
    }
    return true;
}

void schema_to_json(JsonOut *out, const Schema *schema)
{
    json_begin_array(out);
    for (size_t i = 0; i < schema->count; i++) {
        json_begin_array(out);
        json_put_str(out, schema->columns[i].name);
        json_put_str(out, schema->columns[i].type);
        json_end(out);
    }
    json_end(out);
}

static bool is_text_pair(const Json *pair)
{
    if (pair->kind != JSON_ARRAY || pair->count != 2) return false;
    for (size_t i = 0; i < 2; i++) {
        const Json *text = &pair->items[i];
        if (text->kind != JSON_STRING || strlen(text->string) != text->length) return false;
    }
    return true;
}

Err *schema_from_json(Arena *arena, const Json *json, Schema *out)
{
    if (json == NULL || json->kind != JSON_ARRAY) return ERR(INVALID, "schema: not a JSON array");
    Schema schema = {.columns = AARRAY(arena, Column, json->count), .count = json->count};
    SCRATCH(scratch);
    Map seen = map_new(scratch);
    for (size_t i = 0; i < json->count; i++) {
        const Json *pair = &json->items[i];
        if (!is_text_pair(pair))
            return ERR(INVALID, "schema: column %zu is not [name, type]", i + 1);
        const char *name = pair->items[0].string;
        if (!map_put(&seen, name, NULL))
            return ERR(INVALID, "schema: column %s stands twice", name);
        schema.columns[i].name = arena_strdup(arena, name);
        schema.columns[i].type = arena_strdup(arena, pair->items[1].string);
    }
    *out = schema;
    return NULL;
}

/* A column of the union: where it stands, and who gave it its type. */
typedef struct Merged {
    size_t place;
    const char *label;
} Merged;

static Err *merge_column(Arena *arena, Column *into, Merged *merged, const Column *column,
                         const char *label)
{
    const char *type = type_widen(arena, into->type, column->type);
    if (type == NULL) {
        return err_hint(ERR(INVALID, "column %s: %s in %s, %s in %s", column->name, into->type,
                            merged->label, column->type, label),
                        "cast one of them: column-rename with `cast`, or CAST in SQL");
    }
    if (strcmp(type, into->type) != 0) merged->label = label;
    into->type = arena_strdup(arena, type);
    return NULL;
}

Err *schema_union(Arena *arena, const Schema *schemas, const char *const *labels, size_t count,
                  Schema *out)
{
    SCRATCH(scratch);
    Map seen = map_new(scratch);
    ColumnVec columns = {0};
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < schemas[i].count; j++) {
            const Column *column = &schemas[i].columns[j];
            Merged *merged = map_get(&seen, column->name);
            if (merged != NULL) {
                TRY(merge_column(arena, &columns.v[merged->place], merged, column, labels[i]));
                continue;
            }
            merged = ANEW(scratch, Merged);
            *merged = (Merged){.place = columns.n, .label = labels[i]};
            map_put(&seen, column->name, merged);
            vec_push(
                arena, &columns,
                ((Column){arena_strdup(arena, column->name), arena_strdup(arena, column->type)}));
        }
    }
    *out = (Schema){.columns = columns.v, .count = columns.n};
    return NULL;
}
