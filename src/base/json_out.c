/* The JSON writer: compact, one pass, into a Buf. Output is always valid JSON in valid UTF-8
 * whatever is put in, except for json_put_raw, whose caller vouches. Misuse (an end without a
 * begin, more than 128 levels, a value in an object without a key) is a defect of the caller and
 * stops at an assertion.
 *
 * Numbers: a double always carries a point or an exponent, so that it is read back as a double, and
 * the fewest digits that read back equal. LC_NUMERIC is never set here. */
#include "base/json.h"
#include "base/utf8_int.h"
#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_DEPTH_MAX = 128 };

JsonOut json_out(Buf *buf)
{
    return (JsonOut){.buf = buf};
}

/* What stands in front of a value: nothing after a key, else the comma. */
static void before_value(JsonOut *out)
{
    if (out->depth == 0) return;
    int level = out->depth - 1;
    assert(out->after_key == out->in_object[level]);
    if (!out->after_key && out->need_comma[level]) buf_putc(out->buf, ',');
    out->need_comma[level] = true;
    out->after_key = false;
}

static void begin(JsonOut *out, char bracket, bool is_object)
{
    before_value(out);
    assert(out->depth < OUT_DEPTH_MAX);
    out->in_object[out->depth] = is_object;
    out->need_comma[out->depth++] = false;
    buf_putc(out->buf, bracket);
}

void json_begin_object(JsonOut *out)
{
    begin(out, '{', true);
}

void json_begin_array(JsonOut *out)
{
    begin(out, '[', false);
}

void json_end(JsonOut *out)
{
    assert(out->depth > 0 && !out->after_key);
    buf_putc(out->buf, out->in_object[--out->depth] ? '}' : ']');
}

static void put_character(Buf *buf, const char *text, size_t length, uint32_t point)
{
    static const char NAMED[] = "\"\\\b\f\n\r\t", LETTERS[] = "\"\\bfnrt";
    const char *named = point != 0 && point < 0x80 ? strchr(NAMED, (int)point) : NULL;
    if (named != NULL) {
        buf_putc(buf, '\\');
        buf_putc(buf, LETTERS[named - NAMED]);
    } else if (point < 0x20 || point == 0x7f) {
        buf_printf(buf, "\\u%04x", (unsigned)point);
    } else {
        buf_add(buf, text, length);
    }
}

static void put_text(Buf *buf, const char *text, size_t size_bytes)
{
    buf_putc(buf, '"');
    for (size_t i = 0; i < size_bytes;) {
        uint32_t point;
        size_t length = utf8_decode(text + i, size_bytes - i, &point);
        if (length == 0) {
            buf_puts(buf, "\xef\xbf\xbd");
            length = 1;
        } else {
            put_character(buf, text + i, length, point);
        }
        i += length;
    }
    buf_putc(buf, '"');
}

void json_key(JsonOut *out, const char *key)
{
    assert(out->depth > 0 && out->in_object[out->depth - 1] && !out->after_key);
    if (out->need_comma[out->depth - 1]) buf_putc(out->buf, ',');
    put_text(out->buf, key, strlen(key));
    buf_putc(out->buf, ':');
    out->after_key = true;
}

void json_put_raw(JsonOut *out, const char *json_text)
{
    before_value(out);
    buf_puts(out->buf, json_text);
}

void json_put_null(JsonOut *out)
{
    json_put_raw(out, "null");
}

void json_put_bool(JsonOut *out, bool value)
{
    json_put_raw(out, value ? "true" : "false");
}

void json_put_int(JsonOut *out, int64_t value)
{
    before_value(out);
    buf_printf(out->buf, "%" PRId64, value);
}

void json_put_double(JsonOut *out, double value)
{
    if (!isfinite(value)) {
        json_put_null(out);
        return;
    }
    char text[40];
    /* Any 15 digits come back from a normal double; a subnormal one may need fewer. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    before_value(out);
    buf_puts(out->buf, text);
    if (strpbrk(text, ".e") == NULL) buf_puts(out->buf, ".0");
}

void json_put_strn(JsonOut *out, const char *text, size_t length)
{
    before_value(out);
    put_text(out->buf, text, length);
}

void json_put_str(JsonOut *out, const char *text)
{
    if (text == NULL) {
        json_put_null(out);
    } else {
        json_put_strn(out, text, strlen(text));
    }
}

static void put_members(JsonOut *out, const Json *value)
{
    for (size_t i = 0; i < value->count; i++) {
        if (value->kind == JSON_OBJECT) json_key(out, value->keys[i]);
        json_put(out, &value->items[i]);
    }
    json_end(out);
}

void json_put(JsonOut *out, const Json *value)
{
    switch (value->kind) {
    case JSON_NULL: json_put_null(out); break;
    case JSON_BOOL: json_put_bool(out, value->boolean); break;
    case JSON_INT: json_put_int(out, value->integer); break;
    case JSON_DOUBLE: json_put_double(out, value->number); break;
    case JSON_STRING: json_put_strn(out, value->string, value->length); break;
    case JSON_ARRAY:
        json_begin_array(out);
        put_members(out, value);
        break;
    case JSON_OBJECT:
        json_begin_object(out);
        put_members(out, value);
        break;
    }
}

void json_kv_str(JsonOut *out, const char *key, const char *text)
{
    json_key(out, key);
    json_put_str(out, text);
}

void json_kv_int(JsonOut *out, const char *key, int64_t value)
{
    json_key(out, key);
    json_put_int(out, value);
}

void json_kv_bool(JsonOut *out, const char *key, bool value)
{
    json_key(out, key);
    json_put_bool(out, value);
}
