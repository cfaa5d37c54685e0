/* Uniting columns by name: what the files of a scan and the inputs of a union have in common.
 *
 * Types widen by base/schema's rules. The time columns must have one name; when their kinds differ
 * (BIGINT seconds here, TIMESTAMP there) the union's is TIMESTAMP WITH TIME ZONE in µs, else it
 * stays as it is stored. Missing columns are NULL. */
#include "plan/plan_int.h"
#include <string.h>

Err *column_missing(const char *label, const Schema *schema, const char *name)
{
    SCRATCH(scratch);
    const char **names = AARRAY(scratch, const char *, schema->count);
    Buf list = buf_new(scratch);
    for (size_t i = 0; i < schema->count; i++) {
        names[i] = schema->columns[i].name;
        if (i < 12) buf_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    if (schema->count > 12) buf_printf(&list, " and %zu more", schema->count - 12);
    const char *nearest = text_nearest(name, names, schema->count);
    Err *err = ERR(NOT_FOUND, "%s: there is no column \"%s\"", label, name);
    if (nearest != NULL) return err_hint(err, "did you mean \"%s\"?", nearest);
    return err_hint(err, "the columns are: %s", list.data);
}

static const char *time_name(const UnionPart *part)
{
    return part->time_index < 0 ? NULL : part->schema->columns[part->time_index].name;
}

static const char *time_type(const UnionPart *part)
{
    return part->schema->columns[part->time_index].type;
}

static Err *check_time_names(const UnionPart *parts, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const char *a = time_name(&parts[0]), *b = time_name(&parts[i]);
        if (a == NULL && b == NULL) continue;
        if (a == NULL || b == NULL)
            return ERR(INVALID, "%s has no time column, %s has \"%s\"",
                       parts[a == NULL ? 0 : i].label, parts[a == NULL ? i : 0].label,
                       a == NULL ? b : a);
        if (strcmp(a, b) != 0)
            return err_hint(ERR(INVALID, "the time column is \"%s\" in %s and \"%s\" in %s", a,
                                parts[0].label, b, parts[i].label),
                            "give them one name with column-rename");
    }
    return NULL;
}

static bool times_agree(const UnionPart *parts, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (parts[i].unit != parts[0].unit ||
            strcmp(time_type(&parts[i]), time_type(&parts[0])) != 0)
            return false;
    }
    return true;
}

/* The part's schema, its time column as TIMESTAMP WITH TIME ZONE. */
static Schema with_time_converted(Arena *arena, const UnionPart *part)
{
    Schema schema = {
        .columns = arena_memdup(arena, part->schema->columns,
                                sizeof *part->schema->columns * part->schema->count),
        .count = part->schema->count,
    };
    schema.columns[part->time_index].type = TYPE_TZ;
    return schema;
}

Err *unite(Arena *arena, const UnionPart *parts, size_t count, United *out)
{
    TRY(check_time_names(parts, count));
    SCRATCH(scratch);
    bool has_time = parts[0].time_index >= 0;
    bool is_converted = has_time && !times_agree(parts, count);
    Schema *schemas = AARRAY(scratch, Schema, count);
    const char **labels = AARRAY(scratch, const char *, count);
    for (size_t i = 0; i < count; i++) {
        schemas[i] = is_converted ? with_time_converted(scratch, &parts[i]) : *parts[i].schema;
        labels[i] = parts[i].label;
    }
    United united = {.time_index = -1, .unit = TIME_UNIT_NONE};
    TRY(schema_union(arena, schemas, labels, count, &united.schema));
    if (has_time) united.time_index = schema_find(&united.schema, time_name(&parts[0]));
    if (has_time && !is_converted) united.unit = parts[0].unit;
    *out = united;
    return NULL;
}

char *null_sql(Arena *arena, const char *type)
{
    if (strcmp(type, "\"NULL\"") == 0) return arena_strdup(arena, "NULL");
    return arena_printf(arena, "CAST(NULL AS %s)", type);
}

char *unite_column_sql(Arena *arena, const United *united, size_t column, const UnionPart *part,
                       const char *prefix)
{
    const Column *wanted = &united->schema.columns[column];
    ptrdiff_t from = schema_find(part->schema, wanted->name);
    bool has_type = strcmp(wanted->type, "\"NULL\"") != 0;
    if (from < 0) return null_sql(arena, wanted->type);
    char *expr = arena_printf(arena, "%s%zd", prefix, from);
    const char *type = part->schema->columns[from].type;
    const bool is_time =
        (ptrdiff_t)column == united->time_index && strcmp(wanted->type, TYPE_TZ) == 0;
    if (is_time && strcmp(type, TYPE_TZ) != 0) return time_cast_sql(arena, expr, type, part->unit);
    if (!has_type || strcmp(type, wanted->type) == 0) return expr;
    return arena_printf(arena, "CAST(%s AS %s)", expr, wanted->type);
}
