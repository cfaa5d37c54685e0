/* Paths in actions, and names in _delta_log.
 *
 * Layer: pure text, no file calls. Actions hold percent-encoded URIs relative to the table (or
 * absolute); they are decoded exactly once, here, because a directory itself may be called "x=%2F".
 * Encoding keeps RFC 3986's unreserved characters, "/" and "=", and the scheme of an absolute URI;
 * everything else becomes %XX. A "file:" URI decodes to the absolute path it names. */
#include "delta/delta_int.h"
#include "os/os.h"
#include <inttypes.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

Err *delta_path_decode(Arena *arena, const char *uri, char **out)
{
    if (text_starts(uri, "file:///"))
        uri += strlen("file://");
    else if (text_starts(uri, "file:/") && uri[strlen("file:/")] != '/')
        uri += strlen("file:");
    size_t length = strlen(uri), size = 0;
    char *path = arena_alloc(arena, length + 1);
    for (size_t i = 0; i < length; i++) {
        if (uri[i] != '%') {
            path[size++] = uri[i];
            continue;
        }
        int high = hex_digit(uri[i + 1]);
        int low = high < 0 ? -1 : hex_digit(uri[i + 2]);
        if (low < 0 || (high == 0 && low == 0))
            return ERR(INVALID, "%s: bad percent-encoding in a path", text_printable(arena, uri));
        path[size++] = (char)(high * 16 + low);
        i += 2;
    }
    *out = path;
    return NULL;
}

static bool is_kept(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/=", c) != NULL);
}

/* The bytes of "scheme://" at the start (RFC 3986, 3.1), 0 when there is none. "file" is none: such
 * URIs were decoded to plain absolute paths. */
static size_t scheme_bytes(const char *path)
{
    if (text_starts(path, "file:")) return 0;
    size_t size = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return size > 0 && text_starts(path + size, "://") ? size + 3 : 0;
}

char *delta_path_encode(Arena *arena, const char *path)
{
    Buf uri = buf_new(arena);
    size_t scheme = scheme_bytes(path);
    buf_add(&uri, path, scheme);
    path += scheme;
    for (; *path != '\0'; path++) {
        if (is_kept(*path))
            buf_putc(&uri, *path);
        else
            buf_printf(&uri, "%%%02X", (unsigned)(unsigned char)*path);
    }
    return uri.data;
}

char *delta_log_dir(Arena *arena, const char *table)
{
    return arena_printf(arena, "%s/_delta_log", table);
}

char *delta_entry_path(Arena *arena, const char *table, int64_t version)
{
    return arena_printf(arena, "%s/_delta_log/%020" PRId64 ".json", table, version);
}

char *delta_temp_path(Arena *arena, const char *table, int64_t version)
{
    uint64_t random[2];
    os_random(random, sizeof random);
    return arena_printf(arena, "%s/_delta_log/.%020" PRId64 ".%016" PRIx64 "%016" PRIx64 ".tmp",
                        table, version, random[0], random[1]);
}

/* ".", 20 digits, ".", 32 hex digits, ".tmp" */
bool delta_is_temp_name(const char *name)
{
    return strlen(name) == 1 + 20 + 1 + 32 + 4 && name[0] == '.' &&
           strspn(name + 1, "0123456789") == 20 && name[21] == '.' &&
           strspn(name + 22, "0123456789abcdef") == 32 && text_ends(name, ".tmp");
}

const char **delta_strings_copy(Arena *arena, const char *const *strings, size_t count)
{
    const char **copy = AARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) copy[i] = arena_strdup(arena, strings[i]);
    return copy;
}
