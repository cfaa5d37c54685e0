/* Small things with text: matching names, nearest names, sizes, UTF-8. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
/* The candidate nearest to `word` (Damerau-Levenshtein, at most a third of its length away, case
 * costs nothing), NULL when none is near: for "did you mean". */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);
bool utf8_valid(const char *text, size_t size_bytes);
int utf8_width(const char *text); /* terminal columns */
/* One shell-style wildcard match of a whole string: * ? [abc] and \ escapes, no captures; for
 * column globs. */
bool text_glob(const char *glob, const char *text);
/* Every [ has its ]: one that has none would be a plain character. */
bool text_glob_is_whole(const char *glob);
Err *size_parse(const char *text, int64_t *out_bytes) WARN_UNUSED; /* "512MB", "1.5GiB", "4096" */
char *size_format(Arena *arena, int64_t size_bytes);               /* "1.5 MB" (powers of 1000) */
char *count_format(Arena *arena, int64_t count);                   /* "12,345,678" */
/* 'it''s' and "a""b": SQL literal and identifier, quotes included. */
char *sql_literal(Arena *arena, const char *text);
char *sql_ident(Arena *arena, const char *name);
/* Text that may hold anything as one printable line: control characters as \n, \x1b. */
char *text_printable(Arena *arena, const char *text);
char *text_printable_n(Arena *arena, const char *text, size_t size_bytes); /* NUL as \x00 */
