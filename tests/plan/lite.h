/* Random tests against SQLite: numbers from a seed that is printed, tables, rows as plan_test.h
 * writes them. */
#pragma once
#include "plan_test.h"
#include <sqlite3.h>
#include <stdio.h>

static uint64_t seed;

static inline int64_t below(int64_t limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((seed >> 33) % (uint64_t)limit);
}

static inline void lite(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", message, sql);
}

static inline int add_line(void *context, int count, char **cells, char **names)
{
    (void)names;
    Buf *text = context;
    SCRATCH(scratch);
    buf_puts(text, time_format(scratch, strtoll(cells[0], NULL, 10) * US_PER_SECOND));
    for (int i = 1; i < count; i++) buf_printf(text, "|%s", cells[i] != NULL ? cells[i] : "NULL");
    buf_putc(text, '\n');
    return 0;
}

static inline char *lite_rows(World *world, sqlite3 *db, const char *sql)
{
    Buf text = buf_new(world->arena);
    char *message = NULL;
    if (sqlite3_exec(db, sql, add_line, &text, &message) != SQLITE_OK)
        fail_msg("%s: %s", message, sql);
    return text.data;
}

static inline void compare(World *world, const char *what, const char *ours, const char *expected)
{
    (void)world;
    if (strcmp(ours, expected) == 0) return;
    size_t i = 0;
    while (ours[i] == expected[i]) i++;
    while (i > 0 && ours[i - 1] != '\n') i--;
    fail_msg("%s\nours:     %.120s\nexpected: %.120s", what, ours + i, expected + i);
}

static inline sqlite3 *lite_open(uint64_t usual_seed)
{
    sqlite3 *db;
    const char *given = getenv("POND_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : usual_seed;
    print_message("# POND_SEED=%" PRIu64 "\n", seed);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    return db;
}
