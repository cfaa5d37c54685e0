/* URLs: [host+]FORMAT[+COMPRESSION][+ENTRYTYPE]:///PATH[?opt=v&opt=v]. Anything without "://" is a
 * plain path and taken as it stands.
 * `?` always starts options; path and options are percent-decoded once, and what was written as %2A
 * is a literal star. */
#include "base/base.h"
#include "provider/provider.h"
#include <string.h>

static const struct {
    const char *name;
    Format format;
} FORMATS[] = {{"file", FORMAT_FILE}, {"table", FORMAT_TABLE}, {"series", FORMAT_SERIES},
               {"csv", FORMAT_CSV},   {"jsonl", FORMAT_JSONL}, {"oteljson", FORMAT_OTELJSON}};

static const struct {
    const char *name;
    Compression compression;
} COMPRESSIONS[] = {
    {"gzip", COMPRESSION_GZIP}, {"zstd", COMPRESSION_ZSTD}, {"bzip2", COMPRESSION_BZIP2}};

static const struct {
    const char *name;
    EntryType entry;
} ENTRIES[] = {{"data", ENTRY_DATA},
               {"data:series", ENTRY_DATA_SERIES},
               {"table", ENTRY_TABLE},
               {"series", ENTRY_TABLE_SERIES},
               {"table:series", ENTRY_TABLE_SERIES}};

static const char *const OPTIONS[] = {"attribute", "delimiter", "header",     "ignore", "nullstr",
                                      "quote",     "time",      "timeformat", "unit"};

enum {
    FORMAT_COUNT = sizeof FORMATS / sizeof *FORMATS,
    COMPRESSION_COUNT = sizeof COMPRESSIONS / sizeof *COMPRESSIONS,
    ENTRY_COUNT = sizeof ENTRIES / sizeof *ENTRIES,
    WORD_COUNT = 1 + FORMAT_COUNT + COMPRESSION_COUNT + ENTRY_COUNT
};

static Err *unknown_word(const Url *url, const char *word)
{
    const char *known[WORD_COUNT] = {"host"};
    size_t count = 1;
    for (size_t i = 0; i < FORMAT_COUNT; i++) known[count++] = FORMATS[i].name;
    for (size_t i = 0; i < COMPRESSION_COUNT; i++) known[count++] = COMPRESSIONS[i].name;
    for (size_t i = 0; i < ENTRY_COUNT; i++) known[count++] = ENTRIES[i].name;
    Err *err = ERR(INVALID, "%s: unknown format '%s'", url->text, word);
    const char *near = text_nearest(word, known, count);
    if (near != NULL && strcmp(near, word) != 0) return err_hint(err, "did you mean '%s'?", near);
    return err_hint(err, "[host+]FORMAT[+gzip|zstd|bzip2][+ENTRYTYPE]:///path; formats are file, "
                         "table, series, csv, jsonl, oteljson");
}

const char *format_name(Format format)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (FORMATS[i].format == format) return FORMATS[i].name;
    return "file";
}

static bool take_format(Url *url, const char *word)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(word, FORMATS[i].name) != 0) continue;
        url->format = FORMATS[i].format;
        return true;
    }
    return false;
}

static bool take_compression(Url *url, const char *word)
{
    for (size_t i = 0; i < COMPRESSION_COUNT; i++) {
        if (strcmp(word, COMPRESSIONS[i].name) != 0) continue;
        url->compression = COMPRESSIONS[i].compression;
        return true;
    }
    return false;
}

static bool take_entry(Url *url, const char *word)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (strcmp(word, ENTRIES[i].name) != 0) continue;
        url->entry = ENTRIES[i].entry;
        url->has_entry = true;
        return true;
    }
    return false;
}

static void entry_of_format(Url *url)
{
    if (url->has_entry || url->format == FORMAT_FILE || format_is_text(url->format)) return;
    url->has_entry = true;
    url->entry = url->format == FORMAT_TABLE ? ENTRY_TABLE : ENTRY_TABLE_SERIES;
}

static bool may_be_packed(const Url *url)
{
    return format_is_text(url->format) && url->compression == COMPRESSION_NONE && !url->has_entry;
}

/* "host+csv+series" and its shorter forms; a lone "host" is host+file. */
static Err *parse_scheme(Arena *arena, Url *url, const char *scheme, size_t length)
{
    char *words = arena_strndup(arena, scheme, length), *rest = words;
    bool have_format = false;
    for (int i = 0; rest != NULL; i++) {
        const char *word = strsep(&rest, "+");
        if (i == 0 && strcmp(word, "host") == 0) {
            url->host = true;
        } else if (!have_format && take_format(url, word)) {
            have_format = true;
        } else if (may_be_packed(url) && take_compression(url, word)) {
            continue;
        } else if ((!have_format && !url->host) || url->has_entry || !take_entry(url, word)) {
            return unknown_word(url, word);
        }
    }
    if (!have_format && !url->host) return unknown_word(url, words);
    entry_of_format(url);
    return NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Decodes %XX. With `pattern`, a decoded wildcard gets a backslash so that it stays literal. */
static Err *percent_decode(Arena *arena, const Url *url, const char *text, size_t length,
                           bool pattern, char **out)
{
    Buf buf = buf_new(arena);
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '%') {
            buf_putc(&buf, text[i]);
            continue;
        }
        int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low < 0 || high * 16 + low == 0) {
            return err_hint(ERR(INVALID,
                                "%s: '%%' at character %td is not followed by two hex digits",
                                url->text, text + i - url->text + 1),
                            "write a percent sign as %%25");
        }
        char c = (char)(high * 16 + low);
        if (pattern && strchr("*?[]{}\\", c) != NULL) buf_putc(&buf, '\\');
        buf_putc(&buf, c);
        i += 2;
    }
    *out = buf.data;
    return NULL;
}

static Err *parse_option(Arena *arena, Url *url, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    size_t key_length = equals != NULL ? (size_t)(equals - text) : length;
    const char *key = arena_strndup(arena, text, key_length);
    size_t known = 0, count = sizeof OPTIONS / sizeof *OPTIONS;
    while (known < count && strcmp(key, OPTIONS[known]) != 0) known++;
    if (known == count || equals == NULL) {
        Err *err = equals == NULL && known < count
                       ? ERR(INVALID, "%s: option '%s' has no value", url->text, key)
                       : ERR(INVALID, "%s: unknown option '%s'", url->text, key);
        const char *near = text_nearest(key, OPTIONS, count);
        if (near != NULL && known == count) return err_hint(err, "did you mean '%s'?", near);
        return err_hint(err, "options are attribute, delimiter, header, ignore, nullstr, quote, "
                             "time, timeformat, unit; a '?' in a name is %%3F");
    }
    char *value = NULL;
    TRY(percent_decode(arena, url, equals + 1, length - key_length - 1, false, &value));
    url->options[url->option_count++] = (UrlOption){.key = OPTIONS[known], .value = value};
    return NULL;
}

static Err *parse_options(Arena *arena, Url *url, const char *text)
{
    size_t most = 1;
    for (const char *p = text; *p != '\0'; p++) most += *p == '&';
    url->options = AARRAY(arena, UrlOption, most);
    while (*text != '\0') {
        size_t length = strcspn(text, "&");
        if (length > 0) TRY(parse_option(arena, url, text, length));
        text += length + (text[length] == '&');
    }
    return NULL;
}

Err *url_parse(Arena *arena, const char *text, Url *out)
{
    Url url = {.text = arena_strdup(arena, text), .format = FORMAT_FILE};
    const char *colon = strstr(url.text, "://");
    if (colon == NULL || strchr(url.text, '/') < colon) {
        url.path = url.text;
        *out = url;
        return NULL;
    }
    url.is_url = true;
    TRY(parse_scheme(arena, &url, url.text, (size_t)(colon - url.text)));
    const char *path = colon + 3;
    if (*path != '/') {
        return err_hint(ERR(INVALID, "%s: the path of a URL is absolute", url.text),
                        "write three slashes: %.*s:///%s", (int)(colon - url.text), url.text, path);
    }
    size_t length = strcspn(path, "?");
    char *decoded = NULL;
    TRY(percent_decode(arena, &url, path, length, !url.host, &decoded));
    url.path = decoded;
    if (path[length] == '?') TRY(parse_options(arena, &url, path + length + 1));
    *out = url;
    return NULL;
}

const char *url_option(const Url *url, const char *key)
{
    for (size_t i = 0; url != NULL && i < url->option_count; i++) {
        if (strcmp(url->options[i].key, key) == 0) return url->options[i].value;
    }
    return NULL;
}
