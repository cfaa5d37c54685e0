/* Names and quotes: what error messages, tables and SQL text need. All functions are pure; text is
 * UTF-8 where characters matter (globs, printing), bytes everywhere else. */
#include "base/text.h"
#include "base/buf.h"
#include "base/utf8_int.h"
#include <ctype.h>
#include <string.h>

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && memcmp(text + length - tail, suffix, tail) == 0;
}

enum { NEAREST_MAX = 64 }; /* longer names are not typing errors of each other */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. Three
 * rows of the usual table are kept. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NEAREST_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t substitution = above[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = least(least(above[j], row[j - 1]) + 1, substitution);
            bool swapped = i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                           same_letter(a[i - 2], b[j - 1]);
            if (swapped) row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strlen(word), limit = length / 3 + 1;
    const char *nearest = NULL;
    if (length == 0 || length > NEAREST_MAX) return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > NEAREST_MAX) continue;
        size_t distance = edit_distance(word, length, candidates[i], candidate_length);
        if (distance < limit) {
            limit = distance;
            nearest = candidates[i];
            if (distance == 0) break;
        }
    }
    return nearest;
}

/* One character of text or glob; a byte that is not UTF-8 stands for itself, above all others. */
static size_t next_char(const char *text, uint32_t *out)
{
    size_t length = utf8_decode(text, strnlen(text, 4), out);
    if (length > 0) return length;
    *out = 0x110000U + (unsigned char)text[0];
    return 1;
}

/* One character of a set or a literal, with its backslash escape resolved; 0 at the end. */
static size_t next_glob_char(const char *glob, uint32_t *out)
{
    if (glob[0] == '\0') return 0;
    if (glob[0] == '\\' && glob[1] != '\0') return 1 + next_char(glob + 1, out);
    return next_char(glob, out);
}

/* "[...]" at `glob` against one character. Returns the length of the set, 0 when it has no end
 * (then the bracket is a plain character). */
static size_t match_set(const char *glob, uint32_t point, bool *out)
{
    const char *p = glob + 1;
    bool negated = *p == '!' || *p == '^', found = false;
    if (negated) p++;
    for (bool first = true; *p != ']' || first; first = false) {
        uint32_t low, high;
        size_t length = next_glob_char(p, &low);
        if (length == 0) return 0;
        p += length;
        high = low;
        if (p[0] == '-' && p[1] != ']' && p[1] != '\0') p += 1 + next_glob_char(p + 1, &high);
        if (low <= point && point <= high) found = true;
    }
    *out = found != negated;
    return (size_t)(p + 1 - glob);
}

/* One element of the glob that is not '*' against one character; 0 when it does not match. */
static size_t match_one(const char *glob, uint32_t point)
{
    if (glob[0] == '?') return 1;
    if (glob[0] == '[') {
        bool matches = false;
        size_t length = match_set(glob, point, &matches);
        if (length > 0) return matches ? length : 0;
    }
    uint32_t wanted;
    size_t length = next_glob_char(glob, &wanted);
    return length > 0 && wanted == point ? length : 0;
}

bool text_glob(const char *glob, const char *text)
{
    const char *star = NULL,
               *star_text = NULL; /* where to go back to: the last '*' takes one more */
    while (*text != '\0') {
        uint32_t point;
        if (*glob == '*') {
            star = ++glob;
            star_text = text;
            continue;
        }
        size_t text_length = next_char(text, &point);
        size_t glob_length = match_one(glob, point);
        if (glob_length > 0) {
            glob += glob_length;
            text += text_length;
        } else if (star != NULL) {
            star_text += next_char(star_text, &point);
            glob = star;
            text = star_text;
        } else {
            return false;
        }
    }
    while (*glob == '*') glob++;
    return *glob == '\0';
}

bool text_glob_is_whole(const char *glob)
{
    while (*glob != '\0') {
        uint32_t point;
        bool matches;
        size_t length = *glob == '[' ? match_set(glob, 0, &matches) : next_glob_char(glob, &point);
        if (length == 0) return false;
        glob += length;
    }
    return true;
}

static char *quoted(Arena *arena, const char *text, char quote)
{
    Buf buf = buf_new(arena);
    buf_putc(&buf, quote);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == quote) buf_putc(&buf, quote);
        buf_putc(&buf, *p);
    }
    buf_putc(&buf, quote);
    return buf.data;
}

char *sql_literal(Arena *arena, const char *text)
{
    return quoted(arena, text, '\'');
}

char *sql_ident(Arena *arena, const char *name)
{
    return quoted(arena, name, '"');
}

/* What a terminal acts on instead of showing it: C0, C1, line separators, text direction. */
static bool acts_on_terminal(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static void add_escape(Buf *buf, uint32_t point)
{
    static const char NAMED[] = "\n\r\t", LETTERS[] = "nrt";
    const char *named = point != 0 && point < 0x80 ? strchr(NAMED, (int)point) : NULL;
    if (named != NULL) {
        buf_printf(buf, "\\%c", LETTERS[named - NAMED]);
    } else if (point < 0x80) {
        buf_printf(buf, "\\x%02x", (unsigned)point);
    } else {
        buf_printf(buf, "\\u%04x", (unsigned)point);
    }
}

char *text_printable(Arena *arena, const char *text)
{
    return text_printable_n(arena, text, strlen(text));
}

char *text_printable_n(Arena *arena, const char *text, size_t size_bytes)
{
    Buf buf = buf_new(arena);
    for (size_t i = 0; i < size_bytes;) {
        uint32_t point;
        size_t length = utf8_decode(text + i, size_bytes - i, &point);
        if (length == 0) {
            buf_printf(&buf, "\\x%02x", (unsigned)(unsigned char)text[i]);
            length = 1;
        } else if (acts_on_terminal(point)) {
            add_escape(&buf, point);
        } else {
            buf_add(&buf, text + i, length);
        }
        i += length;
    }
    return buf.data;
}
