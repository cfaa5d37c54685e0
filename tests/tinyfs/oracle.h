/* An independent reading of patterns: translated to PCRE2, whose greedy search from the left gives
 * the captures that are promised. No code of tinyfs is on its path. */
#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tinyfs/tree.h"
#include <pcre2.h>

/* Shortest texts last, as `{...}` promises the longest. */
static inline int oracle_by_length(const void *a, const void *b)
{
    size_t x = strlen(*(const char *const *)a), y = strlen(*(const char *const *)b);
    return x == y ? 0 : x > y ? -1 : 1;
}

static inline const char *oracle_braces(Buf *to, const char *at)
{
    char body[256] = {0}, *choices[64], *rest = body;
    size_t count = 0;
    const char *end = strchr(at, '}');
    memcpy(body, at + 1, (size_t)(end - at - 1));
    for (char *choice = strsep(&rest, ","); choice != NULL; choice = strsep(&rest, ","))
        choices[count++] = choice;
    qsort(choices, count, sizeof *choices, oracle_by_length);
    buf_putc(to, '(');
    for (size_t i = 0; i < count; i++) buf_printf(to, "%s\\Q%s\\E", i > 0 ? "|" : "", choices[i]);
    buf_putc(to, ')');
    return end + 1;
}

/* Of patterns without backslashes and dots as components. */
static inline char *oracle_regex(Arena *arena, const char *pattern)
{
    Buf to = buf_new(arena);
    char *text = arena_printf(arena, "%s%s", pattern, text_ends(pattern, "/") ? "*" : "");
    char *rest = text + strspn(text, "/");
    buf_puts(&to, "^/");
    for (char *part = strsep(&rest, "/"); part != NULL; part = strsep(&rest, "/")) {
        if (strcmp(part, "**") == 0) {
            buf_puts(&to, rest == NULL ? "(.+)" : "(?:((?:[^/]+/)*[^/]+)/)?");
            continue;
        }
        for (const char *at = part; *at != '\0';) {
            const char *set_end = *at == '[' ? strchr(at + 2, ']') : NULL;
            if (*at == '*') buf_puts(&to, "([^/]*)");
            if (*at == '?') buf_puts(&to, "([^/])");
            if (*at == '[') {
                bool negated = at[1] == '!';
                buf_printf(&to, "(%s[%s%.*s])", negated ? "(?!/)" : "", negated ? "^" : "",
                           (int)(set_end - at) - 1 - negated, at + 1 + negated);
                at = set_end;
            }
            if (*at == '{') {
                at = oracle_braces(&to, at);
                continue;
            }
            if (strchr("*?]", *at) == NULL) buf_printf(&to, "\\Q%c\\E", *at);
            at++;
        }
        if (rest != NULL) buf_putc(&to, '/');
    }
    buf_puts(&to, "$");
    return to.data;
}

static inline pcre2_code *oracle_compile(Arena *arena, const char *pattern)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    const char *regex = oracle_regex(arena, pattern);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
                                     PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &error, &offset, NULL);
    if (code == NULL) fail_msg("oracle: %s: error %d at %zu", regex, error, (size_t)offset);
    return code;
}

/* "(x,y)", or NULL when the path does not match. */
static inline const char *oracle_match(Arena *arena, const pcre2_code *code, const char *path)
{
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    int found = pcre2_match(code, (PCRE2_SPTR)path, strlen(path), 0, 0, data, NULL);
    uint32_t groups = 0;
    Buf text = buf_new(arena);
    if (found != PCRE2_ERROR_NOMATCH && found < 0) fail_msg("oracle: error %d", found);
    (void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);
    for (uint32_t i = 1; found > 0 && i <= groups; i++) {
        buf_puts(&text, i == 1 ? "(" : ",");
        bool set = (int)i < found && ends[2 * i] != PCRE2_UNSET;
        if (set) buf_add(&text, path + ends[2 * i], ends[2 * i + 1] - ends[2 * i]);
    }
    if (groups > 0) buf_putc(&text, ')');
    pcre2_match_data_free(data);
    return found > 0 ? text.data : NULL;
}

/* ---- random patterns and names ---- */

/* xorshift64*: the same numbers on every machine. */
static inline uint32_t oracle_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (uint32_t)((*seed * UINT64_C(2685821657736338717)) >> 33);
}

static inline void oracle_random_name(uint64_t *seed, Buf *to)
{
    uint32_t length = 1 + oracle_random(seed) % 4;
    for (uint32_t i = 0; i < length; i++) buf_putc(to, "aab.c"[oracle_random(seed) % 5]);
    if (length == 1 && to->data[to->size - 1] == '.')
        buf_putc(to, 'a'); /* "." and ".." are no names */
    if (length == 2 && to->size >= 2 && memcmp(to->data + to->size - 2, "..", 2) == 0)
        buf_putc(to, 'b');
}

static inline void oracle_random_component(uint64_t *seed, Buf *to)
{
    static const char *const PIECES[] = {"*",      "*",       "?", "[ab]", "[!a]", "[a-b.]",
                                         "{a,ab}", "{b,,ba}", "a", "b",    "a.",   "c"};
    uint32_t kind = oracle_random(seed) % 8;
    if (kind < 2)
        buf_puts(to, "**");
    else if (kind == 2)
        oracle_random_name(seed, to);
    else {
        uint32_t pieces = 1 + oracle_random(seed) % 4;
        for (uint32_t i = 0; i < pieces; i++)
            buf_puts(to, PIECES[oracle_random(seed) % COUNT_OF(PIECES)]);
    }
}

static inline char *oracle_random_pattern(Arena *arena, uint64_t *seed)
{
    Buf to = buf_new(arena);
    uint32_t parts = 1 + oracle_random(seed) % 4;
    for (uint32_t i = 0; i < parts; i++) {
        buf_putc(&to, '/');
        size_t start = to.size;
        oracle_random_component(seed, &to);
        /* Pieces can make "**" within a component, and "." or "..": those mean something else
         * alone. */
        if (strcmp(to.data + start, ".") == 0 || strcmp(to.data + start, "..") == 0)
            buf_putc(&to, 'x');
    }
    if (oracle_random(seed) % 8 == 0) buf_putc(&to, '/');
    return to.data;
}
