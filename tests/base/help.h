/* What the tests of base share: errors as expectations, and lines of the data files beside them. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The call succeeds. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        Err *unexpected_ = (call);                                                                 \
        if (unexpected_ != NULL) fail_msg("%s", err_message(unexpected_));                         \
    } while (0)

/* The call fails with this code; the error is freed. */
#define REFUSED(name, call)                                                                        \
    do {                                                                                           \
        Err *expected_ = (call);                                                                   \
        if (expected_ == NULL) fail_msg("%s: no error", #call);                                    \
        assert_string_equal(err_code_name(err_code(expected_)), #name);                            \
        err_free(expected_);                                                                       \
    } while (0)

/* The call fails with this code at this place, and its message holds `part`. */
#define REFUSED_AT(name, at_line, at_column, part, call)                                           \
    do {                                                                                           \
        Err *expected_ = (call);                                                                   \
        int line_ = 0, column_ = 0;                                                                \
        if (expected_ == NULL) fail_msg("%s: no error", #call);                                    \
        assert_string_equal(err_code_name(err_code(expected_)), #name);                            \
        err_position(expected_, &line_, &column_);                                                 \
        if (line_ != (at_line) || column_ != (at_column) ||                                        \
            strstr(err_message(expected_), (part)) == NULL) {                                      \
            fail_msg("at %d:%d: %s", line_, column_, err_message(expected_));                      \
        }                                                                                          \
        err_free(expected_);                                                                       \
    } while (0)

/* A whole file below tests/base/data. */
static inline char *data_read(Arena *arena, const char *name, size_t *out_bytes)
{
    const char *source = getenv("POND_SOURCE");
    char *path = arena_printf(arena, "%s/tests/base/data/%s", source != NULL ? source : ".", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s cannot be opened", path);
    Buf buf = buf_new(arena);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;) buf_add(&buf, chunk, n);
    (void)fclose(file);
    *out_bytes = buf.size;
    return buf.data;
}

/* The next line that is not a comment; NULL at the end. Cuts the text up. */
static inline char *data_line(char **rest)
{
    char *line;
    do line = strsep(rest, "\n");
    while (line != NULL && (line[0] == '#' || line[0] == '\0'));
    return line;
}
