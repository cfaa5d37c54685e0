/* Arenas, byte strings, arrays, maps and errors. */
#include "help.h"
#include <errno.h>

static bool all_zero(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

/* Also after a reset, when memory is used a second time. */
static void test_arena_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    SCRATCH(arena);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 5000; size = size * 3 / 2 + 1) {
            char *p = arena_alloc(arena, size);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(all_zero(p, size));
            memset(p, 0xaa, size);
        }
        arena_reset(arena);
    }
    size_t kept = arena_bytes(arena);
    arena_alloc(arena, 3 << 20);
    assert_true(arena_bytes(arena) >= kept + (3 << 20));
    arena_reset(arena);
    assert_true(arena_bytes(arena) <= 1 << 20); /* the huge one is not kept */
    assert_true(all_zero(arena_alloc(arena, 4000), 4000));
    arena_free(NULL);
}

static void test_arena_grow(void **state)
{
    (void)state;
    SCRATCH(arena);
    char *p = arena_alloc(arena, 100);
    memset(p, 'x', 100);
    char *grown = arena_grow(arena, p, 100, 200);
    assert_ptr_equal(grown, p); /* the last one grows in place */
    assert_true(all_zero(grown + 112, 88));
    arena_alloc(arena, 1);
    char *moved = arena_grow(arena, grown, 200, 10000);
    assert_ptr_not_equal(moved, grown);
    assert_int_equal(moved[99], 'x');
    assert_true(all_zero(moved + 200, 9800));
    assert_true(all_zero(arena_grow(arena, NULL, 0, 50), 50));
}

static void test_arena_text(void **state)
{
    (void)state;
    SCRATCH(arena);
    assert_null(arena_strdup(arena, NULL));
    assert_string_equal(arena_strdup(arena, "abc"), "abc");
    assert_string_equal(arena_strndup(arena, "abc", 2), "ab");
    assert_string_equal(arena_printf(arena, "%s-%d", "x", 7), "x-7");
    assert_memory_equal(arena_memdup(arena, "a\0b", 3), "a\0b", 3);
    assert_non_null(arena_memdup(arena, NULL, 0));
    char *wide = arena_printf(arena, "%*d", 100000, 1);
    assert_int_equal(strlen(wide), 100000);
}

static void test_buf(void **state)
{
    (void)state;
    SCRATCH(arena);
    Buf buf = buf_new(arena);
    assert_string_equal(buf.data, "");
    for (int i = 0; i < 10000; i++) {
        buf_putc(&buf, (char)('a' + i % 26));
        if (i % 100 == 0) arena_alloc(arena, 8); /* so that it cannot always grow in place */
    }
    assert_int_equal(buf.size, 10000);
    for (size_t i = 0; i < buf.size; i++) assert_int_equal(buf.data[i], 'a' + (int)(i % 26));
    buf_truncate(&buf, 3);
    assert_string_equal(buf.data, "abc");
    buf_truncate(&buf, 100);
    assert_int_equal(buf.size, 3);
    buf_printf(&buf, "-%d-%s", 5, "x");
    buf_add(&buf, "\0y", 2);
    assert_memory_equal(buf.data, "abc-5-x\0y", 10);
    buf_clear(&buf);
    buf_printf(&buf, "%*d", 5000, 1);
    assert_int_equal(buf.size, 5000);
    assert_int_equal(buf.data[5000], '\0');
}

static void test_vec(void **state)
{
    (void)state;
    SCRATCH(arena);
    VEC(int) numbers = {0};
    for (int i = 0; i < 1000; i++) {
        vec_push(arena, &numbers, i);
        if (i % 7 == 0) arena_alloc(arena, 1);
    }
    assert_int_equal(numbers.n, 1000);
    for (int i = 0; i < 1000; i++) assert_int_equal(numbers.v[i], i);
}

static void test_map(void **state)
{
    (void)state;
    SCRATCH(arena);
    Map map = map_new(arena);
    int values[2000];
    assert_null(map_get(&map, "x"));
    assert_false(map_has(&map, "x"));
    for (int i = 0; i < 2000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i * 7919 % 2000);
        assert_true(map_put(&map, key, &values[i]));
    }
    assert_int_equal(map.count, 2000);
    for (int i = 0; i < 2000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i * 7919 % 2000);
        assert_ptr_equal(map_get(&map, key), &values[i]);
        assert_string_equal(map.entries[i].key, key); /* in order of insertion */
    }
    assert_false(map_put(&map, "k5", NULL));
    assert_int_equal(map.count, 2000);
    assert_null(map_get(&map, "k5"));
    assert_true(map_has(&map, "k5"));
    assert_true(map_put(&map, "", &values[0]));
    assert_ptr_equal(map_get(&map, ""), &values[0]);
}

static Err *inner(void)
{
    return err_path(err_hint(ERR(NOT_FOUND, "%s: no such path", "/a"), "try %s", "/b"), "/a");
}

static Err *outer(void)
{
    TRY(ERR_WRAP(inner(), "export"));
    return NULL;
}

static void test_errors(void **state)
{
    (void)state;
    Err *err = outer();
    assert_int_equal(err_code(err), ERR_NOT_FOUND);
    assert_string_equal(err_message(err), "export: /a: no such path");
    assert_string_equal(err_hint_text(err), "try /b");
    assert_string_equal(err_path_text(err), "/a");
    err = err_path(err_at(err_at(err_hint(err, "other"), 3, 4), 5, 6), "/other");
    assert_string_equal(err_hint_text(err), "try /b"); /* the first stays */
    assert_string_equal(err_path_text(err), "/a");
    int line, column;
    err_position(err, &line, &column);
    assert_int_equal(line, 3);
    assert_int_equal(column, 4);
    assert_null(err_source_text(err));
    err = err_source(err_source(err, "a: [1"), "other");
    assert_string_equal(err_source_text(err), "a: [1");
    assert_int_equal(err_errnum(err), 0);
    char frames[512] = "";
    FILE *to = fmemopen(frames, sizeof frames, "w");
    err_print_frames(err, to);
    (void)fclose(to);
    const char *first = strstr(frames, "test_core.c");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "test_core.c"));
    err_free(err);
    err_free(NULL);
    assert_null(err_wrap(NULL, "x"));
    assert_null(err_hint(NULL, "x"));
}

static void test_errors_from_errno(void **state)
{
    (void)state;
    Err *err = ERR_ERRNO(ENOSPC, "write %s", "/x");
    assert_int_equal(err_code(err), ERR_IO);
    assert_int_equal(err_errnum(err), ENOSPC);
    assert_string_equal(err_message(err), "write /x: No space left on device");
    err_free(err);
}

static void test_error_table(void **state)
{
    (void)state;
    assert_int_equal(err_exit_status(ERR_NOT_FOUND), 4);
    assert_int_equal(err_exit_status(ERR_CORRUPT), 7);
    assert_string_equal(err_code_name(ERR_LIMIT), "LIMIT");
    assert_string_equal(err_code_id(ERR_LIMIT), "POND-0019");
    assert_true(strlen(err_code_when(ERR_USAGE)) > 10);
    assert_true(strlen(err_code_state(ERR_USAGE)) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_arena_grow),
        cmocka_unit_test(test_arena_text),
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_vec),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_errors_from_errno),
        cmocka_unit_test(test_error_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
