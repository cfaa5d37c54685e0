/* What the JSON reader's two files share. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum { JSON_DEPTH_MAX = 64 };

/* What the lexical pass found beside errors. */
typedef struct JsonScan {
    bool has_inexact_integers; /* outside 64 bits, or -0 */
} JsonScan;

/* Checks the tokens of `text` by RFC 8259 where json-c is tolerant. Structure (commas, colons, what
 * closes what) is json-c's business. INVALID with position, LIMIT beyond JSON_DEPTH_MAX. */
Err *json_scan(const char *text, size_t size_bytes, JsonScan *out) WARN_UNUSED;
/* The text with ".0" behind each such integer, so that it reads as a double and neither saturates
 * nor loses its sign. */
void json_scan_widen(const char *text, size_t size_bytes, Buf *out);
/* The end of the number that begins at `at`, 0 when it is malformed. */
size_t json_number_end(const char *text, size_t size, size_t at, bool *is_integer);
/* An error at a byte offset, turned into line and column (characters). */
Err *json_error_at(ErrCode code, const char *text, size_t size_bytes, size_t offset,
                   const char *what) WARN_UNUSED;
