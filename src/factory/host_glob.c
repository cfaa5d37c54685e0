/* The walk: one component of the pattern a level. A literal component is looked up, any other is
 * listed and tried against the pattern's first components, compiled for themselves. */
#include "factory/host_glob.h"
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 };

typedef VEC(HostFile) HostFiles;

typedef struct Walk {
    Arena *arena;
    const Pattern *pattern;
    const char **names;     /* the components' texts */
    const Pattern **fronts; /* [k]: the first k + 1 components */
    size_t count, deep;     /* deep: the first `**`, or count */
    HostFiles files;
} Walk;

static char *without_escapes(Arena *arena, const char *text)
{
    Buf plain = buf_new(arena);
    for (; *text != '\0'; text++) {
        if (*text == '\\' && text[1] != '\0') text++;
        buf_putc(&plain, *text);
    }
    return plain.data;
}

static Err *split(Walk *walk, const char *text)
{
    walk->names = AARRAY(walk->arena, const char *, strlen(text) + 1);
    walk->fronts = AARRAY(walk->arena, const Pattern *, strlen(text) + 1);
    for (const char *at = text; *at != '\0';) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length == 0) break;
        walk->names[walk->count] = arena_strndup(walk->arena, at, length);
        at += length;
        const char *front = arena_strndup(walk->arena, text, (size_t)(at - text));
        TRY(pattern_compile(walk->arena, front, &walk->fronts[walk->count]));
        walk->count++;
    }
    walk->deep = walk->count;
    for (size_t i = walk->count; i-- > 0;) {
        if (strcmp(walk->names[i], "**") == 0) walk->deep = i;
    }
    return NULL;
}

static void take(Walk *walk, const char *path, const OsStat *stat)
{
    HostFile file = {.path = path, .stat = *stat};
    file.capture_count = pattern_capture_count(walk->pattern);
    if (pattern_match(walk->pattern, walk->arena, path, &file.captures))
        vec_push(walk->arena, &walk->files, file);
}

static Err *walk_dir(Walk *walk, const char *dir, size_t level);

/* `path` is the entry of a directory at `level`; what has gone meanwhile is not there. */
static Err *visit(Walk *walk, const char *path, size_t level, bool is_link)
{
    bool exists = false, below = level >= walk->deep;
    OsStat stat;
    TRY(os_stat_if(path, &exists, &stat));
    if (!exists) return NULL;
    if (stat.is_file && (below || level + 1 == walk->count)) take(walk, path, &stat);
    if (!stat.is_dir || (below && is_link) || (!below && level + 1 == walk->count)) return NULL;
    return walk_dir(walk, path, level + 1);
}

static Err *walk_dir(Walk *walk, const char *dir, size_t level)
{
    OsEntry *entries = NULL;
    size_t count = 0;
    bool below = level >= walk->deep;
    if (level > DEEPEST) return ERR(LIMIT, "%s: nested deeper than %d", dir, DEEPEST);
    if (!below && strpbrk(walk->names[level], "*?[{") == NULL) {
        const char *name = without_escapes(walk->arena, walk->names[level]);
        return visit(walk, path_join(walk->arena, dir, name), level, false);
    }
    TRY(os_list(walk->arena, dir, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        char *path = path_join(walk->arena, dir, entries[i].name);
        if (below || pattern_match(walk->fronts[level], walk->arena, path, NULL))
            TRY(visit(walk, path, level, entries[i].is_link));
    }
    return NULL;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const HostFile *)a)->path, ((const HostFile *)b)->path);
}

Err *host_glob(Arena *arena, const Pattern *pattern, HostFile **out, size_t *count)
{
    Walk walk = {.arena = arena, .pattern = pattern};
    TRY(split(&walk, pattern_text(pattern)));
    TRY(walk_dir(&walk, "/", 0));
    if (walk.files.n > 0) qsort(walk.files.v, walk.files.n, sizeof *walk.files.v, by_path);
    *out = walk.files.v;
    *count = walk.files.n;
    return NULL;
}

char *host_glob_dir(Arena *arena, const char *pattern_text)
{
    size_t length = strcspn(pattern_text, "*?[{");
    while (length > 1 && pattern_text[length - 1] != '/') length--;
    while (length > 1 && pattern_text[length - 1] == '/') length--;
    return without_escapes(arena, arena_strndup(arena, pattern_text, length));
}

/* Behind the wildcard that begins at `at`; the first character of a set is never its end. */
static const char *behind(const char *start, const char *at)
{
    bool whole = (at == start || at[-1] == '/') && (at[1] == '*' && (at[2] == '/' || at[2] == 0));
    if (at[0] == '*') return at + (whole ? 2 : 1);
    if (at[0] == '?') return at + 1;
    char close = at[0] == '[' ? ']' : '}';
    at++;
    if (close == ']') at += at[0] == '!' ? 2 : 1;
    for (; *at != '\0' && *at != close; at++) {
        if (*at == '\\' && at[1] != '\0') at++;
    }
    return at + (*at == close);
}

char *host_glob_fill(Arena *arena, const char *pattern_text, const char *const *captures)
{
    Buf path = buf_new(arena);
    size_t capture = 0;
    for (const char *at = pattern_text; *at != '\0';) {
        if (strchr("*?[{", *at) != NULL) {
            buf_puts(&path, captures[capture++]);
            at = behind(pattern_text, at);
            continue;
        }
        if (*at == '\\' && at[1] != '\0') at++;
        bool doubled = *at == '/' && path.size > 0 && path.data[path.size - 1] == '/';
        if (!doubled) buf_putc(&path, *at); /* a `**` that matched nothing */
        at++;
    }
    return path.data;
}
