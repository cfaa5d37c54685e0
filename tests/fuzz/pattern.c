/* Patterns, paths and captures. The input is lines: a pattern, a path, a text with references to
 * captures. Properties: a path is normalised once and for all; its own escaped text is a pattern
 * for it; a pattern matches a path exactly if a walk over a tree that holds just this path finds
 * it, with as many captures as promised; every capture comes from the path. */
#include "fuzz.h"
#include "tinyfs/tinyfs.h"

enum { PATH_BYTES_MAX = 2000, DEPTH_MAX = 100 };

static char *take_line(Arena *arena, const char **at)
{
    size_t length = strcspn(*at, "\n");
    char *line = arena_strndup(arena, *at, length);
    *at += length + ((*at)[length] == '\n');
    return line;
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (const char *p = path; *p != '\0'; p++) depth += *p == '/' && p[1] != '\0';
    return depth;
}

static const Pattern *pattern_of(Arena *arena, const char *path)
{
    Buf text = buf_new(arena);
    const Pattern *pattern = NULL;
    for (const char *p = path; *p != '\0'; p++) {
        if (strchr("*?[]{},\\", *p) != NULL) buf_putc(&text, '\\');
        buf_putc(&text, *p);
    }
    if (path[1] == '\0') buf_putc(&text, '.'); /* "/" alone means the root's contents */
    MUST(pattern_compile(arena, text.data, &pattern));
    return pattern;
}

static Fs *tree_of(Arena *arena, const char *path)
{
    FsMemory *memory = NULL;
    Fs *fs = NULL;
    MUST(fs_memory_open(arena, "/nowhere", &memory));
    MUST(fs_open(arena, fs_memory_backend(memory), &fs));
    fs_memory_begin(memory);
    MUST(fs_mkdir(fs, arena, path, true, NULL));
    fs_memory_commit(memory);
    return fs;
}

static void check_match(Arena *arena, Fs *fs, const Pattern *pattern, const char *path)
{
    const char **captures = NULL;
    Match *matches = NULL;
    size_t count = 0, found = 0;
    bool fits = pattern_match(pattern, arena, path, &captures);
    CHECK(fits == pattern_match(pattern, arena, path, NULL));
    MUST(fs_match(fs, arena, pattern, (MatchOptions){0}, &matches, &count));
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || path_compare(matches[i - 1].path, matches[i].path) < 0);
        CHECK(matches[i].capture_count == pattern_capture_count(pattern));
        found += strcmp(matches[i].path, path) == 0;
    }
    CHECK(found == fits);
    CHECK(!pattern_is_literal(pattern) || count <= 1);
    for (size_t i = 0; fits && i < pattern_capture_count(pattern); i++)
        CHECK(strstr(path, captures[i]) != NULL);
}

static void check_expansion(Arena *arena, const char *text)
{
    static const char *const CAPTURES[] = {"", "one", "$0"};
    char *out = NULL;
    if (refused(captures_expand(arena, text, CAPTURES, 3, &out))) return;
    CHECK(strchr(text, '$') != NULL || strcmp(text, out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    const char *text = arena_strndup(arena, (const char *)bytes, size_bytes);
    const char *pattern_text = take_line(arena, &text), *path_text = take_line(arena, &text);
    const Pattern *pattern = NULL;
    char *path = NULL, *again = NULL;
    check_expansion(arena, text);
    bool compiled = !refused(pattern_compile(arena, pattern_text, &pattern));
    if (refused(path_normalize(arena, path_text, &path))) return 0;
    MUST(path_normalize(arena, path, &again));
    CHECK(strcmp(path, again) == 0);
    if (strlen(path) > PATH_BYTES_MAX || depth_of(path) > DEPTH_MAX) return 0;
    Fs *fs = tree_of(arena, path);
    const Pattern *own = pattern_of(arena, path);
    CHECK(pattern_is_literal(own) && pattern_match(own, arena, path, NULL));
    check_match(arena, fs, own, path);
    if (compiled) check_match(arena, fs, pattern, path);
    return 0;
}
