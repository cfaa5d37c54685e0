/* The JSON reader: json_scan.c checks the tokens, json-c 0.16 the structure; its tree is copied
 * into the arena and dropped, so that no reference counts leave this file.
 *
 * Integers outside 64 bits and -0 become doubles (json-c would saturate them): the text is parsed a
 * second time with ".0" behind them, after the first pass has reported errors at their true
 * positions. Nesting is limited by the token pass, which also bounds the recursion of the copy. */
#include "base/json.h"
#include "base/json_int.h"
#define json_bool json_c_bool /* its typedef for int; the name is ours */
#include <json-c/json.h>
#undef json_bool
#include <limits.h>
#include <math.h>
#include <string.h>

static void tokener_free_at(json_tokener **tokener)
{
    if (*tokener != NULL) json_tokener_free(*tokener);
}

static void object_put_at(json_object **object)
{
    json_object_put(*object);
}

static Err *tokener_error(json_tokener *tokener, const char *text, size_t size_bytes, size_t offset)
{
    enum json_tokener_error error = json_tokener_get_error(tokener);
    const char *what = error == json_tokener_continue || error == json_tokener_error_parse_eof
                           ? "the text ends too early"
                           : json_tokener_error_desc(error);
    return json_error_at(ERR_INVALID, text, size_bytes, offset, what);
}

static Err *parse_tree(const char *text, size_t size_bytes, json_object **out)
{
    if (size_bytes >= INT_MAX)
        return ERR(LIMIT, "JSON of %zu bytes: the limit is 2 GiB", size_bytes);
    CLEANUP(tokener_free_at) json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    if (tokener == NULL) return ERR(LIMIT, "JSON: out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    CLEANUP(object_put_at)
    json_object *object = json_tokener_parse_ex(tokener, text, (int)size_bytes);
    size_t offset = json_tokener_get_parse_end(tokener);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        offset = size_bytes;
        object =
            json_tokener_parse_ex(tokener, "", 1); /* a NUL ends a number at the end of the text */
    }
    if (json_tokener_get_error(tokener) != json_tokener_success) {
        return tokener_error(tokener, text, size_bytes, offset);
    }
    while (offset < size_bytes && strchr(" \t\r\n", text[offset]) != NULL) offset++;
    if (offset < size_bytes) {
        return json_error_at(ERR_INVALID, text, size_bytes, offset,
                             "text after the end of the value");
    }
    *out = object;
    object = NULL;
    return NULL;
}

static Err *copy_value(Arena *arena, json_object *from, Json *to);

static Err *copy_array(Arena *arena, json_object *from, Json *to)
{
    to->kind = JSON_ARRAY;
    to->count = json_object_array_length(from);
    Json *items = AARRAY(arena, Json, to->count);
    for (size_t i = 0; i < to->count; i++) {
        TRY(copy_value(arena, json_object_array_get_idx(from, i), &items[i]));
    }
    to->items = items;
    return NULL;
}

static Err *copy_object(Arena *arena, json_object *from, Json *to)
{
    to->kind = JSON_OBJECT;
    to->count = (size_t)json_object_object_length(from);
    Json *items = AARRAY(arena, Json, to->count);
    const char **keys = AARRAY(arena, const char *, to->count);
    size_t i = 0;
    json_object_object_foreach(from, key, value)
    {
        keys[i] = arena_strdup(arena, key);
        TRY(copy_value(arena, value, &items[i++]));
    }
    to->items = items;
    to->keys = keys;
    return NULL;
}

static Err *copy_double(json_object *from, Json *to)
{
    to->kind = JSON_DOUBLE;
    to->number = json_object_get_double(from);
    if (isfinite(to->number)) return NULL;
    return ERR(INVALID, "JSON: the number %.40s is outside the range of a double",
               json_object_get_string(from));
}

static void copy_integer(json_object *from, Json *to)
{
    to->kind = JSON_INT;
    to->integer = json_object_get_int64(from);
    to->number = (double)to->integer;
}

static Err *copy_value(Arena *arena, json_object *from, Json *to)
{
    switch (json_object_get_type(from)) {
    case json_type_null: to->kind = JSON_NULL; return NULL;
    case json_type_boolean:
        to->kind = JSON_BOOL;
        to->boolean = json_object_get_boolean(from);
        return NULL;
    case json_type_int: copy_integer(from, to); return NULL;
    case json_type_double: return copy_double(from, to);
    case json_type_array: return copy_array(arena, from, to);
    case json_type_object: return copy_object(arena, from, to);
    case json_type_string: break;
    }
    to->kind = JSON_STRING;
    to->length = (size_t)json_object_get_string_len(from);
    to->string = arena_strndup(arena, json_object_get_string(from), to->length);
    return NULL;
}

Err *json_parse(Arena *arena, const char *text, size_t size_bytes, const Json **out)
{
    JsonScan scan;
    TRY(json_scan(text, size_bytes, &scan));
    CLEANUP(object_put_at) json_object *tree = NULL;
    TRY(parse_tree(text, size_bytes, &tree));
    if (scan.has_inexact_integers) {
        SCRATCH(scratch);
        Buf widened = buf_new(scratch);
        json_scan_widen(text, size_bytes, &widened);
        json_object_put(tree);
        tree = NULL;
        TRY(parse_tree(widened.data, widened.size, &tree));
    }
    Json *value = ANEW(arena, Json);
    TRY(copy_value(arena, tree, value));
    *out = value;
    return NULL;
}

const Json *json_get(const Json *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT) return NULL;
    for (size_t i = 0; i < object->count; i++) {
        if (strcmp(object->keys[i], key) == 0) return &object->items[i];
    }
    return NULL;
}

const char *json_str(const Json *object, const char *key, const char *otherwise)
{
    const Json *value = json_get(object, key);
    return value != NULL && value->kind == JSON_STRING ? value->string : otherwise;
}

int64_t json_int(const Json *object, const char *key, int64_t otherwise)
{
    const Json *value = json_get(object, key);
    return value != NULL && value->kind == JSON_INT ? value->integer : otherwise;
}

bool json_bool(const Json *object, const char *key, bool otherwise)
{
    const Json *value = json_get(object, key);
    return value != NULL && value->kind == JSON_BOOL ? value->boolean : otherwise;
}
