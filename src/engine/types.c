/* Types: from the engine's logical types to SQL names and physical layouts, and back from a name.
 *
 * The names are those that DESCRIBE prints, to the letter: they are stored in the log and compared
 * as text. A test compares both over all types. Field names inside STRUCT and UNION are quoted when
 * they are key words (in any case) or hold anything but letters, digits and _; the list of key
 * words comes from the engine itself. */
#include "engine/engine_int.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int id;
    const char *name;
    Phys phys;
} TYPES[] = {
#define ENGINE_TYPE(id, name, phys) {id, name, phys},
#include "engine/types.def"
#undef ENGINE_TYPE
};
enum { TYPE_COUNT = sizeof TYPES / sizeof TYPES[0] };

void type_free_at(duckdb_logical_type *type)
{
    if (*type != NULL) ddb.destroy_logical_type(type);
}

#define TYPE_LOCAL(name, expression) CLEANUP(type_free_at) duckdb_logical_type name = (expression)

/* A string that the engine allocated, moved into the arena. */
static char *take_text(Arena *arena, char *text)
{
    char *copy = arena_strdup(arena, text != NULL ? text : "");
    ddb.free(text);
    return copy;
}

static bool field_needs_quotes(const char *name)
{
    char lower[64];
    size_t size = strlen(name);
    if (size == 0 || isdigit((unsigned char)name[0])) return true;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)name[i] >= 0x80 || (!isalnum((unsigned char)name[i]) && name[i] != '_'))
            return true;
    if (size >= sizeof lower) return false;
    for (size_t i = 0; i <= size; i++) lower[i] = (char)tolower((unsigned char)name[i]);
    const Map *keywords = instance_keywords();
    return keywords == NULL || map_has(keywords, lower);
}

static void field_add(Arena *arena, Buf *into, char *name, duckdb_logical_type type)
{
    const char *taken = take_text(arena, name);
    buf_printf(into, "%s%s %s", into->data[into->size - 1] == '(' ? "" : ", ",
               field_needs_quotes(taken) ? sql_ident(arena, taken) : taken, type_name(arena, type));
}

static char *type_name_struct(Arena *arena, duckdb_logical_type type)
{
    Buf name = buf_new(arena);
    buf_puts(&name, "STRUCT(");
    for (idx_t i = 0; i < ddb.struct_type_child_count(type); i++) {
        TYPE_LOCAL(child, ddb.struct_type_child_type(type, i));
        field_add(arena, &name, ddb.struct_type_child_name(type, i), child);
    }
    buf_putc(&name, ')');
    return name.data;
}

static char *type_name_union(Arena *arena, duckdb_logical_type type)
{
    Buf name = buf_new(arena);
    buf_puts(&name, "UNION(");
    for (idx_t i = 0; i < ddb.union_type_member_count(type); i++) {
        TYPE_LOCAL(member, ddb.union_type_member_type(type, i));
        field_add(arena, &name, ddb.union_type_member_name(type, i), member);
    }
    buf_putc(&name, ')');
    return name.data;
}

static char *type_name_enum(Arena *arena, duckdb_logical_type type)
{
    Buf name = buf_new(arena);
    buf_puts(&name, "ENUM(");
    for (idx_t i = 0; i < ddb.enum_dictionary_size(type); i++)
        buf_printf(&name, "%s%s", i > 0 ? ", " : "",
                   sql_literal(arena, take_text(arena, ddb.enum_dictionary_value(type, i))));
    buf_putc(&name, ')');
    return name.data;
}

static char *type_name_map(Arena *arena, duckdb_logical_type type)
{
    TYPE_LOCAL(key, ddb.map_type_key_type(type));
    TYPE_LOCAL(value, ddb.map_type_value_type(type));
    return arena_printf(arena, "MAP(%s, %s)", type_name(arena, key), type_name(arena, value));
}

static char *type_name_list(Arena *arena, duckdb_logical_type type)
{
    TYPE_LOCAL(child, ddb.list_type_child_type(type));
    return arena_printf(arena, "%s[]", type_name(arena, child));
}

static char *type_name_array(Arena *arena, duckdb_logical_type type)
{
    TYPE_LOCAL(child, ddb.array_type_child_type(type));
    return arena_printf(arena, "%s[%" PRIu64 "]", type_name(arena, child),
                        ddb.array_type_array_size(type));
}

char *type_name(Arena *arena, duckdb_logical_type type)
{
    char *alias = ddb.logical_type_get_alias(type);
    if (alias != NULL) return take_text(arena, alias);
    int id = (int)ddb.get_type_id(type);
    switch (id) {
    case DUCKDB_TYPE_DECIMAL:
        return arena_printf(arena, "DECIMAL(%d,%d)", ddb.decimal_width(type),
                            ddb.decimal_scale(type));
    case DUCKDB_TYPE_ENUM: return type_name_enum(arena, type);
    case DUCKDB_TYPE_STRUCT: return type_name_struct(arena, type);
    case DUCKDB_TYPE_UNION: return type_name_union(arena, type);
    case DUCKDB_TYPE_MAP: return type_name_map(arena, type);
    case DUCKDB_TYPE_LIST: return type_name_list(arena, type);
    case DUCKDB_TYPE_ARRAY: return type_name_array(arena, type);
    default: break;
    }
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (TYPES[i].id == id) return arena_strdup(arena, TYPES[i].name);
    return arena_printf(arena, "TYPE_%d", id);
}

static Phys phys_of_id(int id)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (TYPES[i].id == id) return TYPES[i].phys;
    return PHYS_NESTED;
}

Phys type_phys(duckdb_logical_type type)
{
    int id = (int)ddb.get_type_id(type);
    return phys_of_id(id == DUCKDB_TYPE_DECIMAL ? (int)ddb.decimal_internal_type(type) : id);
}

static bool parse_decimal(const char *name, duckdb_logical_type *out)
{
    int width = 0, scale = 0;
    if (!type_decimal(name, &width, &scale)) return false;
    *out = ddb.create_decimal_type((uint8_t)width, (uint8_t)scale);
    return true;
}

Err *type_parse(const char *name, duckdb_logical_type *out)
{
    if (parse_decimal(name, out)) return NULL;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (TYPES[i].phys == PHYS_NESTED || strcmp(TYPES[i].name, name) != 0) continue;
        *out = ddb.create_logical_type((duckdb_type)TYPES[i].id);
        return NULL;
    }
    return ERR(UNSUPPORTED, "a column of type %s cannot be fed to the engine cell by cell", name);
}

size_t phys_bytes(Phys phys)
{
    switch (phys) {
    case PHYS_BOOL:
    case PHYS_I8:
    case PHYS_U8: return 1;
    case PHYS_I16:
    case PHYS_U16: return 2;
    case PHYS_I32:
    case PHYS_U32:
    case PHYS_F32: return 4;
    case PHYS_I64:
    case PHYS_U64:
    case PHYS_F64: return 8;
    case PHYS_I128: return 16;
    case PHYS_STRING:
    case PHYS_NESTED: return 0;
    }
    return 0;
}
