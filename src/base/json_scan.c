/* The lexical pass in front of json-c, which in its strict mode still takes NaN and Infinity, "1.",
 * raw control characters, surrogates in UTF-8, stops at a NUL byte, cuts keys at \u0000, and
 * saturates integers beyond 64 bits without a word. Each of these would be a silent fallback, so
 * the tokens are checked here, nesting is counted, and json-c builds the tree. One pass, no memory,
 * no recursion. */
#include "base/json_int.h"
#include "base/utf8_int.h"
#include <string.h>

typedef struct Scanner {
    const char *text;
    size_t size_bytes, at;
    int depth; /* of brackets, whether or not they match */
} Scanner;

Err *json_error_at(ErrCode code, const char *text, size_t size_bytes, size_t offset,
                   const char *what)
{
    int line = 1, column = 1;
    if (offset > size_bytes) offset = size_bytes;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    Err *err =
        err_make(code, __FILE__, __LINE__, "JSON line %d, column %d: %s", line, column, what);
    return err_at(err, line, column);
}

static Err *wrong(const Scanner *scanner, size_t offset, const char *what)
{
    return json_error_at(ERR_INVALID, scanner->text, scanner->size_bytes, offset, what);
}

static char byte_at(const char *text, size_t size, size_t at)
{
    return at < size ? text[at] : '\0';
}

/* The byte at the place, 0 at the end (a NUL byte in the text is an error of its own). */
static char peek(const Scanner *scanner, size_t at)
{
    return byte_at(scanner->text, scanner->size_bytes, at);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool key_follows(const Scanner *scanner)
{
    size_t at = scanner->at;
    while (is_space(peek(scanner, at))) at++;
    return peek(scanner, at) == ':';
}

static Err *scan_string(Scanner *scanner)
{
    size_t begin = scanner->at++;
    bool has_nul = false;
    for (;;) {
        if (scanner->at >= scanner->size_bytes)
            return wrong(scanner, begin, "a string without end");
        char c = scanner->text[scanner->at];
        if (c == '"') break;
        if ((unsigned char)c < 0x20)
            return wrong(scanner, scanner->at, "a control character in a string");
        if (c == '\\') {
            has_nul = has_nul || (scanner->size_bytes - scanner->at >= 6 &&
                                  memcmp(scanner->text + scanner->at, "\\u0000", 6) == 0);
            scanner->at += 2;
            continue;
        }
        uint32_t point;
        size_t length =
            utf8_decode(scanner->text + scanner->at, scanner->size_bytes - scanner->at, &point);
        if (length == 0) return wrong(scanner, scanner->at, "invalid UTF-8");
        scanner->at += length;
    }
    scanner->at++;
    if (has_nul && key_follows(scanner)) return wrong(scanner, begin, "a key with a NUL character");
    return NULL;
}

static size_t skip_digits(const char *text, size_t size, size_t at)
{
    while (at < size && text[at] >= '0' && text[at] <= '9') at++;
    return at;
}

size_t json_number_end(const char *text, size_t size, size_t at, bool *is_integer)
{
    if (byte_at(text, size, at) == '-') at++;
    size_t end = skip_digits(text, size, at);
    if (end == at || (text[at] == '0' && end > at + 1)) return 0;
    *is_integer = true;
    if (byte_at(text, size, end) == '.') {
        *is_integer = false;
        at = end + 1;
        end = skip_digits(text, size, at);
        if (end == at) return 0;
    }
    if (byte_at(text, size, end) == 'e' || byte_at(text, size, end) == 'E') {
        *is_integer = false;
        at = end + 1;
        if (byte_at(text, size, at) == '+' || byte_at(text, size, at) == '-') at++;
        end = skip_digits(text, size, at);
        if (end == at) return 0;
    }
    return end;
}

/* Is the number of this text an int64? Not beyond 64 bits, and not -0, whose sign would be lost.
 * Leading zeros are excluded, so digits compare as numbers. */
static bool fits_int64(const char *digits, size_t length)
{
    bool negative = digits[0] == '-';
    if (negative && digits[1] == '0') return false;
    if (negative) {
        digits++;
        length--;
    }
    if (length != 19) return length < 19;
    return memcmp(digits, negative ? "9223372036854775808" : "9223372036854775807", 19) <= 0;
}

static Err *scan_number(Scanner *scanner, JsonScan *out)
{
    bool is_integer = false;
    size_t begin = scanner->at;
    size_t end = json_number_end(scanner->text, scanner->size_bytes, begin, &is_integer);
    if (end == 0) return wrong(scanner, begin, "a malformed number");
    if (is_integer && !fits_int64(scanner->text + begin, end - begin))
        out->has_inexact_integers = true;
    scanner->at = end;
    return NULL;
}

static Err *scan_word(Scanner *scanner)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(WORDS[i]);
        if (scanner->size_bytes - scanner->at < length) continue;
        if (memcmp(scanner->text + scanner->at, WORDS[i], length) != 0) continue;
        scanner->at += length;
        return NULL;
    }
    return wrong(scanner, scanner->at,
                 "not a JSON value (true, false, null, a number, \"text\", [ or {)");
}

static Err *scan_bracket(Scanner *scanner, char c)
{
    scanner->depth += c == '[' || c == '{' ? 1 : -1;
    if (scanner->depth > JSON_DEPTH_MAX) {
        return json_error_at(ERR_LIMIT, scanner->text, scanner->size_bytes, scanner->at,
                             "nested deeper than 64 levels");
    }
    scanner->at++;
    return NULL;
}

static Err *scan_token(Scanner *scanner, JsonScan *out)
{
    char c = scanner->text[scanner->at];
    if (c == '"') return scan_string(scanner);
    if (c == '-' || (c >= '0' && c <= '9')) return scan_number(scanner, out);
    if (c == '[' || c == '{' || c == ']' || c == '}') return scan_bracket(scanner, c);
    if (is_space(c) || c == ',' || c == ':') {
        scanner->at++;
        return NULL;
    }
    return scan_word(scanner);
}

Err *json_scan(const char *text, size_t size_bytes, JsonScan *out)
{
    Scanner scanner = {.text = text, .size_bytes = size_bytes};
    JsonScan scan = {0};
    while (scanner.at < size_bytes) TRY(scan_token(&scanner, &scan));
    *out = scan;
    return NULL;
}

void json_scan_widen(const char *text, size_t size_bytes, Buf *out)
{
    Scanner scanner = {.text = text, .size_bytes = size_bytes};
    while (scanner.at < size_bytes) {
        size_t begin = scanner.at;
        JsonScan token = {0};
        err_free(scan_token(&scanner, &token)); /* json_scan has passed over the same bytes */
        buf_add(out, text + begin, scanner.at - begin);
        if (token.has_inexact_integers) buf_puts(out, ".0");
    }
}
