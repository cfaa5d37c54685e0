/* What the tests of export share: a fresh directory per test, inputs made by hand (no pond, no
 * provider), and OUT as one text: "path sha256\n" for every file outside OUT/.pond, sorted, read by
 * bare system calls. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "export/publish_int.h"
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void succeed(Err *err, const char *call, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, call, err_message(err));
    err_print_frames(err, stderr);
    err_free(err);
    fail();
}
#define OK(call) succeed((call), #call, __LINE__)

/* The error must have the code, and its message and hint together must hold `text` (NULL:
 * anything). */
static inline void fail_with(Err *err, ErrCode code, const char *text, const char *call, int line)
{
    const char *message = err == NULL ? "no error" : err_message(err);
    const char *hint = err == NULL || err_hint_text(err) == NULL ? "" : err_hint_text(err);
    bool said = text == NULL || strstr(message, text) != NULL || strstr(hint, text) != NULL;
    if (err != NULL && err_code(err) == code && said) {
        err_free(err);
        return;
    }
    print_error("line %d: %s: %s (%s)\n", line, call, message, hint);
    err_free(err);
    fail();
}
#define FAILS(call, code, text) fail_with((call), ERR_##code, (text), #call, __LINE__)

typedef struct Fixture {
    Arena *arena;
    char *base, *out, *scratch;
    Plan *plan;
} Fixture;
static Fixture fx;

/* In memory where there is such a place: thousands of fsyncs. */
static inline const char *temp_root(void)
{
    const char *tmp = getenv("TMPDIR");
    if (tmp != NULL) return tmp;
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static inline int set_up(void **state)
{
    (void)state;
    fx.arena = arena_new();
    fx.base = arena_printf(fx.arena, "%s/pond-export-XXXXXX", temp_root());
    if (mkdtemp(fx.base) == NULL) return -1;
    fx.out = path_join(fx.arena, fx.base, "out");
    fx.scratch = path_join(fx.arena, fx.base, "scratch");
    fx.plan = NULL;
    return mkdir(fx.scratch, 0777);
}

static inline int tear_down(void **state)
{
    (void)state;
    err_free(os_fault_set(NULL));
    plan_close_at(&fx.plan);
    char *command = arena_printf(fx.arena, "rm -rf '%s'", fx.base);
    int rc = system(command);
    arena_free(fx.arena);
    return rc;
}
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static inline char *under(const char *dir, const char *name)
{
    return arena_printf(fx.arena, "%s/%s", dir, name);
}

static inline void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static inline char *file_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) return arena_strdup(fx.arena, "(missing)");
    Buf text = buf_new(fx.arena);
    char block[4096];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) buf_add(&text, block, got);
    (void)fclose(file);
    return text.data;
}

static inline void tree_add(Buf *text, const char *host, const char *path, bool with_dirs)
{
    struct dirent **names;
    int count = scandir(host, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        struct stat now;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".pond") == 0)
            continue;
        char *below = under(host, name);
        char *as = path[0] == 0 ? arena_strdup(fx.arena, name) : under(path, name);
        if (lstat(below, &now) != 0) fail_msg("%s", below);
        if (S_ISDIR(now.st_mode)) {
            if (with_dirs) buf_printf(text, "%s/\n", as);
            tree_add(text, below, as, with_dirs);
        } else {
            FILE *file = fopen(below, "r");
            char hex[65] = "link";
            if (file != NULL) {
                char *bytes = malloc((size_t)now.st_size + 1);
                sha256_of(bytes, fread(bytes, 1, (size_t)now.st_size, file), hex);
                free(bytes);
                (void)fclose(file);
            }
            buf_printf(text, "%s %s\n", as, hex);
        }
    }
    for (int i = 0; i < count; i++) free(names[i]);
    if (count >= 0) free(names);
}

static inline char *tree_of(const char *dir)
{
    Buf text = buf_new(fx.arena);
    tree_add(&text, dir, "", false);
    return text.data;
}

/* Names only, directories too. */
static inline char *names_of(const char *dir)
{
    Buf all = buf_new(fx.arena), text = buf_new(fx.arena);
    tree_add(&all, dir, "", true);
    for (char *at = all.data; *at != 0;) {
        size_t size = strcspn(at, "\n"), name = size;
        if (at[size - 1] != '/')
            name = size - strlen(strrchr(arena_strndup(fx.arena, at, size), ' '));
        buf_printf(&text, "%.*s\n", (int)name, at);
        at += size + 1;
    }
    return text.data;
}

static const char *const PATTERN[] = {"/*"};

static inline ExportOptions options_new(void)
{
    return (ExportOptions){.patterns = PATTERN,
                           .pattern_count = 1,
                           .dir = fx.out,
                           .bounds = {TIME_MIN, TIME_MAX},
                           .threads = 2,
                           .pond_id = "018f0000-0000-7000-8000-000000000001"};
}

static inline ExportInput input_of(const char *source, const Rel *rel)
{
    const char **captures = AARRAY(fx.arena, const char *, 1);
    captures[0] = source + 1;
    return (ExportInput){.pattern = PATTERN[0],
                         .source = source,
                         .captures = captures,
                         .capture_count = 1,
                         .rel = rel};
}

/* Raw data of one piece; its fingerprint is its hash. */
static inline ExportInput input_raw(const char *source, const char *bytes)
{
    ExportInput input = input_of(source, NULL);
    Content *piece = ANEW(fx.arena, Content);
    *piece = (Content){.bytes = bytes, .size_bytes = (int64_t)strlen(bytes)};
    input.pieces = piece;
    input.piece_count = 1;
    char hex[65];
    sha256_of(bytes, strlen(bytes), hex);
    input.raw_fingerprint = arena_strdup(fx.arena, hex);
    return input;
}

static inline Plan *the_plan(void)
{
    if (fx.plan == NULL) fx.plan = plan_new(fx.arena, NULL);
    return fx.plan;
}

static inline Err *run_export(const ExportInput *inputs, size_t count, const ExportOptions *options,
                              ExportSummary *out)
{
    ExportCall call = {.plan = the_plan(),
                       .inputs = inputs,
                       .input_count = count,
                       .scratch_dir = fx.scratch,
                       .options = options};
    return export_inputs(fx.arena, &call, out);
}
