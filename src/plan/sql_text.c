/* The text of a user's SQL: where it really ends, and where a byte of it stands.
 *
 * A text is put into a sub-query, so a semicolon behind it must go. Finding it takes a lexer, since
 * ';' may stand in strings, identifiers, dollar quotes and comments. It need not be perfect: what
 * it leaves is parsed by the engine as a statement of its own before it is used (sql_check). */
#include "plan/plan_int.h"
#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80) != 0;
}

/* In E'...' a backslash hides the character behind it. */
static const char *skip_quoted(const char *at, char quote, bool has_escapes)
{
    for (at++; *at != '\0'; at++) {
        if (has_escapes && *at == '\\' && at[1] != '\0') {
            at++;
            continue;
        }
        if (*at != quote) continue;
        if (at[1] != quote) return at + 1;
        at++;
    }
    return at;
}

/* NULL when it is open: the engine will say so. */
static const char *skip_block_comment(const char *at)
{
    int depth = 1;
    for (at += 2; *at != '\0' && depth > 0; at++) {
        if (at[0] == '*' && at[1] == '/')
            depth--;
        else if (at[0] == '/' && at[1] == '*')
            depth++;
        else
            continue;
        at++;
    }
    return depth == 0 ? at : NULL;
}

/* $tag$ ... $tag$; a lone $ (as in $1) is one character. */
static const char *skip_dollar(const char *at)
{
    const char *tag_end = at + 1;
    while (is_word(*tag_end)) tag_end++;
    if (*tag_end != '$' || isdigit((unsigned char)at[1])) return at + 1;
    size_t size = (size_t)(tag_end + 1 - at);
    for (const char *close = tag_end + 1; (close = strchr(close, '$')) != NULL; close++) {
        if (strncmp(close, at, size) == 0) return close + size;
    }
    return at + strlen(at);
}

/* The end of the token that begins here, and whether it is one that says something. */
static const char *skip_token(const char *at, bool *out_speaks)
{
    *out_speaks = false;
    if (isspace((unsigned char)*at)) return at + 1;
    if (at[0] == '-' && at[1] == '-') return at + strcspn(at, "\r\n");
    if (at[0] == '/' && at[1] == '*') {
        const char *end = skip_block_comment(at);
        *out_speaks = end == NULL;
        return end != NULL ? end : at + strlen(at);
    }
    *out_speaks = true;
    if (*at == '\'' || *at == '"') return skip_quoted(at, *at, false);
    if ((*at == 'e' || *at == 'E') && at[1] == '\'') return skip_quoted(at + 1, '\'', true);
    if (*at == '$') return skip_dollar(at);
    if (!is_word(*at)) return at + 1;
    while (is_word(*at) || *at == '$') at++; /* a$b$ is one name */
    return at;
}

char *sql_text_trim(Arena *arena, const char *query)
{
    const char *end = query; /* behind the last token that is not a trailing semicolon */
    for (const char *at = query; *at != '\0';) {
        bool speaks;
        const char *next = skip_token(at, &speaks);
        if (speaks && *at != ';') end = next;
        at = next;
    }
    return arena_strndup(arena, query, (size_t)(end - query));
}

void sql_text_position(const char *query, size_t offset, int *out_line, int *out_column)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < offset && query[i] != '\0'; i++) {
        if (query[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)query[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    *out_line = line;
    *out_column = column;
}
