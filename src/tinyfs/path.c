/* Paths as text. `..` is taken textually, as a shell's `cd` does: /link/.. is the directory that
 * holds the link. Nothing here asks a backend. */
#include "tinyfs/tinyfs_int.h"
#include <string.h>

char *path_join(Arena *arena, const char *dir, const char *name)
{
    size_t length = strlen(dir);
    const char *slash = length > 0 && dir[length - 1] == '/' ? "" : "/";
    return arena_printf(arena, "%s%s%s", dir, slash, name);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

char *path_parent(Arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return arena_strdup(arena, "/");
    return arena_strndup(arena, path, (size_t)(slash - path));
}

const char *path_shown(Arena *arena, const char *path)
{
    return text_printable(arena, path);
}

int text_column(const char *text, const char *at)
{
    int column = 1;
    for (const char *p = text; p < at; p++) column += ((unsigned char)*p & 0xc0) != 0x80;
    return column;
}

/* The first characters of something too long to show whole. */
static const char *head_shown(Arena *arena, const char *text)
{
    size_t length = 40;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
    return path_shown(arena, arena_strndup(arena, text, length));
}

Err *path_check_name(const char *name)
{
    SCRATCH(scratch);
    size_t length = strlen(name);
    const char *shown = text_printable(scratch, name);
    if (length == 0) return ERR(INVALID, "a name cannot be empty");
    if (length > NAME_MAX_BYTES) {
        return ERR(INVALID, "%s...: the name has %zu bytes, at most %d are allowed",
                   head_shown(scratch, name), length, NAME_MAX_BYTES);
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return ERR(INVALID, "%s: not a name", name);
    }
    if (strchr(name, '/') != NULL) return ERR(INVALID, "%s: a name cannot contain '/'", shown);
    if (!utf8_valid(name, length)) return ERR(INVALID, "%s: the name is not valid UTF-8", shown);
    return NULL;
}

/* Cuts the last component off a path under construction. False when there is none. */
static bool pop_component(Buf *path)
{
    if (path->size == 0) return false;
    while (path->data[path->size - 1] != '/') buf_truncate(path, path->size - 1);
    buf_truncate(path, path->size - 1);
    return true;
}

static Err *add_component(Buf *to, const char *path, const char *at, size_t length)
{
    SCRATCH(scratch);
    if (length == 1 && at[0] == '.') return NULL;
    if (length == 2 && at[0] == '.' && at[1] == '.') {
        if (pop_component(to)) return NULL;
        return err_path(ERR(INVALID, "%s: '..' leads above the root", path_shown(scratch, path)),
                        path);
    }
    const char *name = arena_strndup(scratch, at, length);
    TRY(err_path(path_check_name(name), path));
    buf_putc(to, '/');
    buf_add(to, at, length);
    return NULL;
}

Err *path_normalize(Arena *arena, const char *path, char **out)
{
    size_t size_bytes = strlen(path);
    if (size_bytes == 0) return ERR(INVALID, "the path is empty");
    if (size_bytes > PATH_MAX_BYTES) {
        SCRATCH(scratch);
        return ERR(LIMIT, "%s...: the path has %zu bytes, at most %d are allowed",
                   head_shown(scratch, path), size_bytes, PATH_MAX_BYTES);
    }
    Buf to = buf_new(arena);
    for (const char *at = path; *at != '\0';) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length > 0) TRY(add_component(&to, path, at, length));
        at += length;
    }
    if (to.size == 0) buf_putc(&to, '/');
    *out = to.data;
    return NULL;
}

/* Orders the end of a path before '/', and '/' before every byte of a name. */
static int rank_of(char c)
{
    if (c == '\0') return 0;
    return c == '/' ? 1 : 2 + (unsigned char)c;
}

int path_compare(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return rank_of(*a) - rank_of(*b);
}
