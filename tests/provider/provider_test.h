/* What the tests of provider and factory share: a provider without a pond over a folder of its own.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "provider/provider_int.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static inline void test_ok(Err *err, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, err_code_name(err_code(err)), err_message(err));
    err_free(err);
    fail();
}
#define OK(expression) test_ok((expression), __LINE__)

/* The error's message, which must have that code; its hint behind " | ". */
static inline const char *test_fails(Arena *arena, Err *err, ErrCode code, int line)
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
#define FAILS(arena, code, expression) test_fails((arena), (expression), ERR_##code, __LINE__)

static inline void test_has(const char *text, const char *part, int line)
{
    if (strstr(text, part) == NULL) fail_msg("line %d: '%s' is not in: %s", line, part, text);
}
#define HAS(text, part) test_has((text), (part), __LINE__)

typedef struct Bench {
    Arena *arena;
    Provider *provider;
    char dir[64];
} Bench;

static inline Err *bench_scratch(void *context, const char **out)
{
    *out = ((Bench *)context)->dir;
    return NULL;
}

static const UrlOption BENCH_VARS[] = {{"key", "value"}, {"empty", ""}, {"key", "last"}};

static inline int bench_setup(void **state)
{
    Arena *arena = arena_new();
    Bench *bench = ANEW(arena, Bench);
    bench->arena = arena;
    (void)strcpy(bench->dir, "/tmp/pond-provider-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    ProviderOptions options = {.scratch = bench_scratch,
                               .context = bench,
                               .vars = BENCH_VARS,
                               .var_count = COUNT_OF(BENCH_VARS)};
    OK(provider_open(arena, &options, &bench->provider));
    *state = bench;
    return 0;
}

static inline int bench_teardown(void **state)
{
    Bench *bench = *state;
    provider_close_at(&bench->provider);
    engine_shutdown();
    err_free(os_remove_tree(bench->dir));
    arena_free(bench->arena);
    return 0;
}
#define TEST(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)
