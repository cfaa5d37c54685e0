/* The shape of a statement: its text without what changes from call to call, so that calls of one
 * statement meet whatever they read. Literals, values ($1) and the numbers in names that are made
 * up (pond_feed_3) become ?, lists of them one; white space and comments one space. What is left is
 * the statement's structure: names of columns, tables and functions, operators.
 *
 * One pass, byte by byte: it runs for every statement. A text that is not SQL has a shape as well.
 */
#include "engine/engine_int.h"
#include <string.h>
#include <strings.h>

typedef struct Scanner {
    const char *at;
    Buf *out;
} Scanner;

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_with(const Buf *out, const char *text)
{
    size_t length = strlen(text);
    return out->size >= length && memcmp(out->data + out->size - length, text, length) == 0;
}

/* A list has one mark, whatever its length: of (?, ? and (?), (? the last is taken back. */
static void put_mark(Buf *out)
{
    if (ends_with(out, "?, "))
        buf_truncate(out, out->size - 2);
    else
        buf_putc(out, '?');
}

static void put_sign(Buf *out, char c)
{
    if (strchr(",)]", c) != NULL && ends_with(out, " ")) buf_truncate(out, out->size - 1);
    buf_putc(out, c);
    if (c == ')' && ends_with(out, "(?), (?)")) buf_truncate(out, out->size - strlen(", (?)"));
}

static void skip_quoted(Scanner *s, char quote)
{
    for (s->at++; *s->at != '\0'; s->at++) {
        if (*s->at != quote) continue;
        if (s->at[1] != quote) break;
        s->at++;
    }
    if (*s->at != '\0') s->at++;
}

static void skip_number(Scanner *s)
{
    while (is_word(*s->at) || *s->at == '.' ||
           ((*s->at == '-' || *s->at == '+') && (s->at[-1] == 'e' || s->at[-1] == 'E')))
        s->at++;
}

/* A minus belongs to its number where no value stands before it. */
static bool is_sign(const Scanner *s)
{
    if (*s->at != '-' || !is_digit(s->at[1])) return false;
    const Buf *out = s->out;
    size_t end = out->size;
    while (end > 0 && out->data[end - 1] == ' ') end--;
    return end == 0 || strchr("(,=<>[+*/", out->data[end - 1]) != NULL;
}

static void take_word(Scanner *s)
{
    static const char FEED[] = "pond_feed_";
    const char *begin = s->at;
    while (is_word(*s->at)) s->at++;
    bool is_feed = strncasecmp(begin, FEED, strlen(FEED)) == 0;
    buf_add(s->out, begin, is_feed ? strlen(FEED) - 1 : (size_t)(s->at - begin));
}

static bool skip_space(Scanner *s)
{
    const char *begin = s->at;
    for (;;) {
        if (*s->at == ' ' || (*s->at >= '\t' && *s->at <= '\r')) {
            s->at++;
        } else if (s->at[0] == '-' && s->at[1] == '-') {
            s->at += strcspn(s->at, "\n");
        } else if (s->at[0] == '/' && s->at[1] == '*') {
            const char *end = strstr(s->at + 2, "*/");
            s->at = end != NULL ? end + 2 : s->at + strlen(s->at);
        } else {
            return s->at > begin;
        }
    }
}

static void take_one(Scanner *s)
{
    char c = *s->at;
    if (c == '\'') {
        skip_quoted(s, c);
        put_mark(s->out);
    } else if (c == '"') {
        const char *begin = s->at;
        skip_quoted(s, c);
        buf_add(s->out, begin, (size_t)(s->at - begin));
    } else if (is_digit(c) || (c == '$' && is_digit(s->at[1])) || is_sign(s)) {
        s->at++;
        skip_number(s);
        put_mark(s->out);
    } else if (is_word(c)) {
        take_word(s);
    } else {
        put_sign(s->out, c);
        s->at++;
    }
}

void engine_shape(const char *sql, Buf *out)
{
    Scanner s = {.at = sql, .out = out};
    (void)skip_space(&s);
    while (*s.at != '\0') {
        take_one(&s);
        if (skip_space(&s) && *s.at != '\0') buf_putc(out, ' ');
    }
}
