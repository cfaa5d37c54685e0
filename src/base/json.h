/* JSON (RFC 8259): a reader into an arena tree (json-c underneath; 64-bit integers are exact,
 * longer ones and -0 are JSON_DOUBLE; nesting is limited to 64) and a writer into a Buf. Objects
 * keep the order of their members; the last of equal keys wins, in the place of the first. A lone
 * surrogate (\ud800) reads as U+FFFD. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include <stdint.h>

typedef enum JsonKind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} JsonKind;

typedef struct Json Json;
struct Json {
    JsonKind kind;
    bool boolean;
    int64_t integer;    /* JSON_INT */
    double number;      /* JSON_DOUBLE and JSON_INT */
    const char *string; /* JSON_STRING: UTF-8, NUL-terminated */
    size_t length;      /* JSON_STRING: bytes; a string with NULs has length > strlen */
    size_t count;       /* JSON_ARRAY, JSON_OBJECT */
    const Json *items;  /* values, in order */
    const char **keys;  /* JSON_OBJECT: as many as items */
};

/* INVALID with line and column when malformed or followed by something other than white space, when
 * a number is beyond a double or a key holds a NUL; LIMIT when nested deeper than 64. */
Err *json_parse(Arena *arena, const char *text, size_t size_bytes, const Json **out) WARN_UNUSED;
/* NULL when `object` is NULL, not an object, or has no such member. */
const Json *json_get(const Json *object, const char *key);
/* The member if it has the kind, else the default: for tolerant readers. */
const char *json_str(const Json *object, const char *key, const char *otherwise);
int64_t json_int(const Json *object, const char *key, int64_t otherwise);
bool json_bool(const Json *object, const char *key, bool otherwise);

/* Writer. Commas and colons are its own business:
 *   JsonOut j = json_out(&buf); json_begin_object(&j); json_key(&j, "n"); json_put_int(&j, 3);
 * json_end(&j);  */
typedef struct JsonOut {
    Buf *buf;
    int depth;
    bool in_object[128], need_comma[128],
        after_key; /* 128 levels, so that a parsed value fits inside */
} JsonOut;

JsonOut json_out(Buf *buf);
void json_begin_object(JsonOut *out);
void json_begin_array(JsonOut *out);
void json_end(JsonOut *out); /* closes the innermost object or array */
void json_key(JsonOut *out, const char *key);
void json_put_null(JsonOut *out);
void json_put_bool(JsonOut *out, bool value);
void json_put_int(JsonOut *out, int64_t value);
void json_put_double(
    JsonOut *out,
    double value); /* shortest text that reads back as an equal double; NaN, inf: null */
void json_put_str(JsonOut *out, const char *text); /* NULL: null; invalid UTF-8 becomes U+FFFD */
void json_put_strn(JsonOut *out, const char *text, size_t length);
void json_put_raw(JsonOut *out, const char *json_text); /* already JSON */
void json_put(JsonOut *out, const Json *value);
/* key + value in one */
void json_kv_str(JsonOut *out, const char *key, const char *text);
void json_kv_int(JsonOut *out, const char *key, int64_t value);
void json_kv_bool(JsonOut *out, const char *key, bool value);
