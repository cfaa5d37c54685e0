/* The pulling JSON reader. Strings and numbers stay where they are in the text, so that passing
 * over what nobody asks for costs one look at each byte. */
#include "base/json_pull.h"
#include "base/json_int.h"
#include "base/utf8_int.h"
#include <string.h>

JsonPull json_pull(const char *text, size_t size, int64_t line)
{
    return (JsonPull){.text = text, .size = size, .line = line};
}

static Err *wrong(ErrCode code, const JsonPull *pull, size_t at, const char *what)
{
    Err *err = err_make(code, __FILE__, __LINE__, "line %lld, byte %zu: %s", (long long)pull->line,
                        at + 1, what);
    return err_at(err, (int)pull->line, (int)at + 1);
}

Err *json_pull_wrong(const JsonPull *pull, size_t at, const char *what)
{
    return wrong(ERR_INVALID, pull, at, what);
}

/* ---- structure ---- */

char json_pull_peek(JsonPull *pull)
{
    size_t at = pull->at;
    while (at < pull->size && (pull->text[at] == ' ' || pull->text[at] == '\t' ||
                               pull->text[at] == '\n' || pull->text[at] == '\r'))
        at++;
    pull->at = at;
    return at < pull->size ? pull->text[at] : '\0';
}

static Err *expected(JsonPull *pull, const char *what)
{
    return json_pull_wrong(pull, pull->at, pull->at >= pull->size ? "the text ends here" : what);
}

Err *json_pull_open(JsonPull *pull, char bracket)
{
    if (json_pull_peek(pull) != bracket)
        return expected(pull, bracket == '{' ? "not an object" : "not an array");
    if (++pull->depth > JSON_DEPTH_MAX)
        return wrong(ERR_LIMIT, pull, pull->at, "nested deeper than 64 levels");
    pull->at++;
    pull->is_fresh = true;
    return NULL;
}

/* Whether something follows in the open object or array; takes the comma or the bracket. */
static Err *proceed(JsonPull *pull, char close, bool *more)
{
    char c = json_pull_peek(pull);
    *more = c != close;
    if (c == close) {
        pull->at++;
        pull->depth--;
    } else if (!pull->is_fresh) {
        if (c != ',') return expected(pull, close == '}' ? "not a ',' or '}'" : "not a ',' or ']'");
        pull->at++;
    }
    pull->is_fresh = false;
    return NULL;
}

Err *json_pull_member(JsonPull *pull, JsonText *key, bool *more)
{
    TRY(proceed(pull, '}', more));
    if (!*more) return NULL;
    if (json_pull_peek(pull) != '"') return expected(pull, "not a \"key\"");
    TRY(json_pull_string(pull, key));
    if (json_pull_peek(pull) != ':') return expected(pull, "not a ':'");
    pull->at++;
    return NULL;
}

Err *json_pull_item(JsonPull *pull, bool *more)
{
    return proceed(pull, ']', more);
}

Err *json_pull_end(JsonPull *pull)
{
    if (json_pull_peek(pull) == '\0' && pull->at >= pull->size) return NULL;
    return json_pull_wrong(pull, pull->at, "something follows behind the value");
}

/* ---- strings ---- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The length of the escape at the place, 0 when it is none. */
static size_t escape_length(const JsonPull *pull, size_t at)
{
    if (at + 1 >= pull->size) return 0;
    char c = pull->text[at + 1];
    if (c == 'u') {
        for (size_t i = 2; i < 6; i++) {
            if (at + i >= pull->size || !is_hex(pull->text[at + i])) return 0;
        }
        return 6;
    }
    return c != '\0' && strchr("\"\\/bfnrt", c) != NULL ? 2 : 0;
}

static Err *take_special(JsonPull *pull, size_t *at, bool *has_escapes)
{
    unsigned char c = (unsigned char)pull->text[*at];
    size_t length = 0;
    if (c == '\\') {
        *has_escapes = true;
        length = escape_length(pull, *at);
        if (length == 0) return json_pull_wrong(pull, *at, "a malformed escape in a string");
    } else if (c < 0x20) {
        return json_pull_wrong(pull, *at, "a control character in a string");
    } else {
        uint32_t point;
        length = utf8_decode(pull->text + *at, pull->size - *at, &point);
        if (length == 0) return json_pull_wrong(pull, *at, "invalid UTF-8");
    }
    *at += length;
    return NULL;
}

/* Whether some of the eight bytes may be a quote, a backslash, a control character or not ASCII. */
static bool is_special_in(const char *eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t bytes;
    memcpy(&bytes, eight, sizeof bytes);
    uint64_t quotes = bytes ^ ones * '"', slashes = bytes ^ ones * '\\';
    return ((bytes | ((bytes - ones * 0x20) & ~bytes) | ((quotes - ones) & ~quotes) |
             ((slashes - ones) & ~slashes)) &
            highs) != 0;
}

/* Where the next byte of a string is that needs a look, or the text's end. */
static size_t skip_plain(const JsonPull *pull, size_t at)
{
    while (pull->size - at >= 8 && !is_special_in(pull->text + at)) at += 8;
    while (at < pull->size && pull->text[at] >= 0x20 && pull->text[at] < 0x7f &&
           pull->text[at] != '"' && pull->text[at] != '\\')
        at++;
    return at;
}

/* Behind a string's opening quote: the bytes up to the closing one. */
static Err *take_string(JsonPull *pull, JsonText *out)
{
    size_t begin = pull->at + 1, at = begin;
    bool has_escapes = false;
    for (;;) {
        at = skip_plain(pull, at);
        if (at >= pull->size) return json_pull_wrong(pull, begin - 1, "a string without end");
        if (pull->text[at] == '"') break;
        TRY(take_special(pull, &at, &has_escapes));
    }
    *out = (JsonText){pull->text + begin, at - begin, has_escapes};
    pull->at = at + 1;
    return NULL;
}

Err *json_pull_string(JsonPull *pull, JsonText *out)
{
    if (json_pull_peek(pull) != '"') return expected(pull, "not a \"text\"");
    pull->is_fresh = false;
    return take_string(pull, out);
}

/* ---- numbers and words ---- */

Err *json_pull_number(JsonPull *pull, JsonText *out)
{
    bool is_integer = false;
    char c = json_pull_peek(pull);
    if (c != '-' && (c < '0' || c > '9')) return expected(pull, "not a number");
    size_t end = json_number_end(pull->text, pull->size, pull->at, &is_integer);
    if (end == 0) return json_pull_wrong(pull, pull->at, "a malformed number");
    *out = (JsonText){pull->text + pull->at, end - pull->at, false};
    pull->at = end;
    pull->is_fresh = false;
    return NULL;
}

static bool take_word(JsonPull *pull, const char *word)
{
    size_t length = strlen(word);
    if (pull->size - pull->at < length || memcmp(pull->text + pull->at, word, length) != 0)
        return false;
    pull->at += length;
    pull->is_fresh = false;
    return true;
}

Err *json_pull_null(JsonPull *pull, bool *taken)
{
    *taken = json_pull_peek(pull) == 'n';
    if (!*taken || take_word(pull, "null")) return NULL;
    return expected(pull, "not a JSON value");
}

/* ---- passing over ---- */

static Err *skip_all(JsonPull *pull, char bracket)
{
    bool more = true;
    JsonText ignored;
    TRY(json_pull_open(pull, bracket));
    for (;;) {
        TRY(bracket == '{' ? json_pull_member(pull, &ignored, &more) : json_pull_item(pull, &more));
        if (!more) return NULL;
        TRY(json_pull_skip(pull));
    }
}

Err *json_pull_skip(JsonPull *pull)
{
    JsonText ignored;
    char c = json_pull_peek(pull);
    switch (c) {
    case '{':
    case '[': return skip_all(pull, c);
    case '"': return json_pull_string(pull, &ignored);
    case 't':
    case 'f':
    case 'n':
        if (take_word(pull, "true") || take_word(pull, "false") || take_word(pull, "null"))
            return NULL;
        break;
    default:
        if (c == '-' || (c >= '0' && c <= '9')) return json_pull_number(pull, &ignored);
    }
    return expected(pull, "not a JSON value (true, false, null, a number, \"text\", [ or {)");
}
