/* Trees in a memory store for the tests of tinyfs: made from lines, asked by path. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "perf/read.h"
#include "tinyfs/tinyfs.h"
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

typedef struct Tree {
    Arena *arena;
    FsMemory *memory;
    FsBackend backend;
    Fs *fs;
} Tree;

static inline void tree_ok(Err *err, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, err_code_name(err_code(err)), err_message(err));
    err_free(err);
    fail();
}
#define OK(expression) tree_ok((expression), __LINE__)

/* The error's message, which must have that code; its hint behind " | ". */
static inline const char *tree_fails(Arena *arena, Err *err, ErrCode code, int line)
{
    if (err == NULL) fail_msg("line %d: no error", line);
    const char *hint = err_hint_text(err);
    char *text = arena_printf(arena, "%s%s%s", err_message(err), hint != NULL ? " | " : "",
                              hint != NULL ? hint : "");
    ErrCode got = err_code(err);
    err_free(err);
    if (got != code) fail_msg("line %d: %s: %s", line, err_code_name(got), text);
    return text;
}
#define FAILS(arena, code, expression) tree_fails((arena), (expression), ERR_##code, __LINE__)

static inline int tree_setup(void **state)
{
    Arena *arena = arena_new();
    Tree *tree = ANEW(arena, Tree);
    tree->arena = arena;
    OK(fs_memory_open(arena, "/nowhere", &tree->memory));
    tree->backend = fs_memory_backend(tree->memory);
    OK(fs_open(arena, tree->backend, &tree->fs));
    *state = tree;
    return 0;
}

static inline int tree_teardown(void **state)
{
    Tree *tree = *state;
    arena_free(tree->arena);
    return 0;
}

/* "/dir/" makes directories as needed, "/link -> target" a link, "/x <- factory" a dynamic
 * directory, else data. */
static inline void tree_add(Tree *tree, const char *line)
{
    const char *arrow = strstr(line, " -> "), *made = strstr(line, " <- ");
    Node node = {.type = ENTRY_DATA};
    if (arrow != NULL) node = (Node){.type = ENTRY_SYMLINK, .content = arrow + 4};
    if (made != NULL) node = (Node){.type = ENTRY_DYNAMIC_DIR, .factory = made + 4};
    const char *end = arrow != NULL ? arrow : made != NULL ? made : line + strlen(line);
    char *path = arena_strndup(tree->arena, line, (size_t)(end - line));
    if (text_ends(path, "/")) {
        OK(fs_mkdir(tree->fs, tree->arena, path, true, NULL));
        return;
    }
    OK(fs_mkdir(tree->fs, tree->arena, path_parent(tree->arena, path), true, NULL));
    OK(fs_create(tree->fs, tree->arena, path, &node, NULL));
}

static inline void tree_grow(Tree *tree, const char *const *lines, size_t count)
{
    fs_memory_begin(tree->memory);
    for (size_t i = 0; i < count; i++) tree_add(tree, lines[i]);
    fs_memory_commit(tree->memory);
    fs_forget(tree->fs);
}
#define GROW(tree, ...)                                                                            \
    tree_grow((tree), (const char *const[]){__VA_ARGS__},                                          \
              COUNT_OF(((const char *const[]){__VA_ARGS__})))

static inline const Pattern *compiled(Arena *arena, const char *text)
{
    const Pattern *pattern = NULL;
    OK(pattern_compile(arena, text, &pattern));
    return pattern;
}

static inline Err *tree_try_match(Tree *tree, const char *pattern, MatchOptions options,
                                  Match **out, size_t *count)
{
    return fs_match(tree->fs, tree->arena, compiled(tree->arena, pattern), options, out, count);
}

/* "/a(x,y) /b(z,)": paths with their captures. */
static inline const char *tree_match(Tree *tree, const char *pattern, MatchOptions options)
{
    Match *matches = NULL;
    size_t count = 0;
    OK(tree_try_match(tree, pattern, options, &matches, &count));
    Buf text = buf_new(tree->arena);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "%s%s", i > 0 ? " " : "", matches[i].path);
        for (size_t k = 0; k < matches[i].capture_count; k++) {
            buf_printf(&text, "%s%s", k == 0 ? "(" : ",", matches[i].captures[k]);
        }
        if (matches[i].capture_count > 0) buf_putc(&text, ')');
    }
    return text.data;
}
