/* A reader of JSON (RFC 8259) that gives one value after the other, without a tree: for texts of
 * which little is wanted. Everything that is passed over is checked, too: tokens, structure, UTF-8
 * and nesting (json.h has the same limits).
 *
 *   TRY(json_pull_open(pull, '{'));
 *   for (JsonText key;;) {
 *       TRY(json_pull_member(pull, &key, &more));
 *       if (!more) break;
 *       if (json_text_is(key, "n")) TRY(json_pull_number(pull, &n));
 *       else TRY(json_pull_skip(pull));
 *   }
 *
 * Each member's or item's value must be taken by exactly one call. Errors are INVALID (LIMIT when
 * nested deeper than 64), "line 3, byte 14: what", with that position; after one the reader is
 * spent. Nothing is allocated but by json_text_decode. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string between its quotes, or a number, as it stands in the text. */
typedef struct JsonText {
    const char *bytes;
    size_t size;
    bool has_escapes;
} JsonText;

typedef struct JsonPull {
    const char *text;
    size_t size, at; /* bytes */
    int64_t line;    /* what messages call this text's only line */
    int depth;
    bool is_fresh; /* behind an opening bracket */
} JsonPull;

JsonPull json_pull(const char *text, size_t size, int64_t line);
/* The first character of the next value, '\0' at the end. */
char json_pull_peek(JsonPull *pull);
/* Takes the bracket: '{' or '['. */
Err *json_pull_open(JsonPull *pull, char bracket) WARN_UNUSED;
/* The next key of the open object; more = false behind the last one, which closes it. */
Err *json_pull_member(JsonPull *pull, JsonText *key, bool *more) WARN_UNUSED;
/* Likewise for the items of the open array. */
Err *json_pull_item(JsonPull *pull, bool *more) WARN_UNUSED;
Err *json_pull_string(JsonPull *pull, JsonText *out) WARN_UNUSED;
Err *json_pull_number(JsonPull *pull, JsonText *out) WARN_UNUSED;
/* Takes null when it is next. */
Err *json_pull_null(JsonPull *pull, bool *taken) WARN_UNUSED;
/* Passes over the value, whatever it is. */
Err *json_pull_skip(JsonPull *pull) WARN_UNUSED;
/* Nothing but white space may be left. */
Err *json_pull_end(JsonPull *pull) WARN_UNUSED;
/* An error of the caller's at a byte offset of the text. */
Err *json_pull_wrong(const JsonPull *pull, size_t at, const char *what) WARN_UNUSED;

/* Is the string this plain text? */
bool json_text_is(JsonText text, const char *plain);
/* The string's bytes, escapes resolved, NUL-terminated; a lone surrogate becomes U+FFFD. */
char *json_text_decode(Arena *arena, JsonText text, size_t *out_size);
/* The number that the text is, rounded to the nearest double. False when it is no JSON number, or
 * beyond a double. */
bool json_text_double(JsonText text, double *out);
/* The text's whole number, also written 1.0 or 2e3: its sign and magnitude. False when it is no
 * JSON number, not whole, or beyond 64 bits. */
bool json_text_whole(JsonText text, bool *out_negative, uint64_t *out_magnitude);
