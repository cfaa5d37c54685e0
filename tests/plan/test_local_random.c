/* Random queries over random inputs (versions that overlap, gaps, equal times, nulls): what is
 * called time-local gives, window by window, the slice of the whole; what is not local by
 * construction is called so; and the whole is what SQLite gives, where it can say the same. */
#include "local_gen.h"
#include "plan/plan_int.h"
#include <sqlite3.h>
#include <stdio.h>

enum { POOL = 24, FILES_MAX = 4, START_S = 1704067200 - 4 * 86400, STEP_S = 600 };

typedef struct Tally {
    int rounds, local, lite, rows;
} Tally;

static void lite(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", message, sql);
}

/* A third of the files have TIMESTAMP, for input c. */
static ScanFile random_file(World *world, sqlite3 *db, int number)
{
    const bool is_plain = number % 3 == 2;
    const int64_t rows = below(20) + 1;
    int64_t time = START_S + below(8 * 144) * STEP_S, min = INT64_MAX, max = INT64_MIN;
    Buf values = buf_new(world->arena);
    for (int64_t i = 0; i < rows; i++) {
        time += below(3) * STEP_S * (below(9) == 0 ? 40 : 1) - (below(12) == 0 ? 7200 : 0);
        min = time < min ? time : min;
        max = time > max ? time : max;
        const char *v = below(9) == 0 ? "NULL" : arena_printf(world->arena, "%d", (int)below(10));
        const char *s =
            below(15) == 0 ? "NULL" : arena_printf(world->arena, "'%c'", (char)('a' + below(4)));
        const char *row = arena_printf(world->arena, "%s, %s, '%.17g'", s, v,
                                       (double)below(100) * 0.1 + 1e-9 * (double)below(1000));
        buf_printf(&values, "%s(%" PRId64 ", %s)", i > 0 ? ", " : "", time, row);
        lite(db, arena_printf(world->arena, "INSERT INTO pool VALUES (%d, %" PRId64 ", %s)", number,
                              time, row));
    }
    ScanFile file = make_file(
        world,
        arena_printf(
            world->arena,
            "SELECT %s(t::BIGINT * 1000000) AS ts, s::VARCHAR AS s, v::INTEGER AS v, f::DOUBLE AS "
            "f FROM (VALUES %s) AS r(t, s, v, f)",
            is_plain ? "make_timestamp" : "make_timestamptz", values.data),
        "ts", TIME_UNIT_NONE);
    file = with_span(world, file, min * US_PER_SECOND, max * US_PER_SECOND);
    file.in_order = false;
    return file;
}

/* ---- inputs of one round ---- */

typedef struct Round {
    World *world;
    sqlite3 *db;
    const ScanFile *pool;
    SqlInput inputs[4];
} Round;

static void choose_files(Round *round, int input)
{
    ScanFile files[FILES_MAX];
    Buf list = buf_new(round->world->arena);
    const char *name = round->inputs[input].name;
    size_t count = 1 + (size_t)below(FILES_MAX);
    for (size_t i = 0; i < count; i++) {
        const int kind = input == 2 ? 2 : (int)below(2); /* TIMESTAMP for c alone */
        const int number = (int)below(POOL / 3) * 3 + kind;
        files[i] = round->pool[number];
        buf_printf(&list, "%sSELECT ts, s, v, f FROM pool WHERE file = %d",
                   i > 0 ? " UNION ALL " : "", number);
    }
    round->inputs[input].rel = scan_of(round->world, files, count);
    lite(round->db,
         arena_printf(round->world->arena, "DROP VIEW IF EXISTS %s; CREATE TEMP VIEW %s AS %s",
                      name, name, list.data));
}

/* ---- rows of both ---- */

static void add_lite_row(World *world, Buf *text, sqlite3_stmt *statement)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const int type = sqlite3_column_type(statement, i);
        if (i > 0) buf_putc(text, '|');
        if (type == SQLITE_NULL)
            buf_puts(text, "NULL");
        else if (i == 0)
            buf_puts(text,
                     time_format(world->arena, sqlite3_column_int64(statement, i) * US_PER_SECOND));
        else if (type == SQLITE_FLOAT)
            buf_printf(text, "%.17g", sqlite3_column_double(statement, i));
        else
            buf_puts(text, (const char *)sqlite3_column_text(statement, i));
    }
    buf_putc(text, '\n');
}

/* NULL where SQLite does not say: it refuses some joins on top of a FULL JOIN, flattened. */
static char *lite_rows(World *world, sqlite3 *db, const char *query)
{
    static const char LIMITATION[] = "ON clause references tables to its right";
    sqlite3_stmt *statement = NULL;
    Buf text = buf_new(world->arena);
    const char *sql = arena_printf(world->arena, "SELECT ts, s, v, f FROM (%s)", query);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        if (strcmp(sqlite3_errmsg(db), LIMITATION) == 0) return NULL;
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    }
    while (sqlite3_step(statement) == SQLITE_ROW) add_lite_row(world, &text, statement);
    sqlite3_finalize(statement);
    return text.data;
}

/* Lines whose time, the first cell, lies in the window. */
static char *slice(World *world, const char *whole, TimeUs from, TimeUs to)
{
    Buf text = buf_new(world->arena);
    for (const char *line = whole; *line != '\0';) {
        size_t size = strcspn(line, "\n") + 1;
        char *stamp = arena_strndup(world->arena, line, strcspn(line, "|"));
        TimeUs time = TIME_MIN;
        if (strcmp(stamp, "NULL") != 0) must(time_parse(stamp, &time));
        if (time != TIME_MIN && time >= from && time <= to) buf_add(&text, line, size);
        line += size;
    }
    return text.data;
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++) lines += *text == '\n';
    return lines;
}

static void compare(const char *what, const char *query, const char *ours, const char *wanted)
{
    size_t i = 0;
    if (strcmp(ours, wanted) == 0) return;
    while (ours[i] == wanted[i]) i++;
    while (i > 0 && ours[i - 1] != '\n') i--;
    fail_msg("%s\n%s\nours:\n%.300s\nwanted:\n%.300s", what, query, ours + i, wanted + i);
}

static TimeUs random_cut(void)
{
    return (START_S + below(12 * 144) * STEP_S) * US_PER_SECOND - below(2);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Rows of one time have an order of ours. */
static char *sorted_lines(World *world, const char *text)
{
    VEC(char *) lines = {0};
    Buf out = buf_new(world->arena);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        vec_push(world->arena, &lines, arena_strndup(world->arena, line, strcspn(line, "\n") + 1));
    if (lines.n > 1) qsort(lines.v, lines.n, sizeof *lines.v, by_text);
    for (size_t i = 0; i < lines.n; i++) buf_puts(&out, lines.v[i]);
    return out.data;
}

static void check_window(World *world, const Rel *rel, const char *query, const char *whole,
                         TimeSpan window)
{
    compare("a window", query, rows_in(world, rel, window.min, window.max),
            slice(world, whole, window.min, window.max));
}

/* One in the middle, or two that are all. */
static void check_windows(World *world, const Rel *rel, const char *query, const char *whole)
{
    const TimeUs cut = random_cut(), other = random_cut();
    if (below(2) == 0 && cut <= other) {
        check_window(world, rel, query, whole, (TimeSpan){cut, other});
        return;
    }
    check_window(world, rel, query, whole, (TimeSpan){TIME_MIN, cut});
    check_window(world, rel, query, whole, (TimeSpan){cut + 1, TIME_MAX});
}

static void one_round(Round *round, Tally *tally)
{
    World *world = round->world;
    for (int i = 0; i < 3; i++) choose_files(round, i);
    Generated made = gen_query(world->arena);
    const char *query = gen_text(world->arena, made.text, false);
    const Rel *rel = NULL;
    must(rel_sql(world->arena, "/d.series", query, round->inputs, 4, &rel));
    Err *err = plan_resolve(world->plan, rel);
    if (err != NULL) print_error("%s\n", query);
    must(err);
    if (rel_is_time_local(rel) != made.is_local)
        fail_msg("%s\n  is %s", query,
                 made.is_local ? rel->facts->sql.local.why_whole : "called time-local");
    char *whole = all_rows(world, rel);
    check_windows(world, rel, query, whole);
    const char *lite = NULL;
    if (made.is_lite) lite = lite_rows(world, round->db, gen_text(world->arena, made.text, true));
    if (lite != NULL)
        compare("SQLite", query, sorted_lines(world, whole), sorted_lines(world, lite));
    tally->rounds++;
    tally->local += made.is_local;
    tally->lite += lite != NULL;
    tally->rows += count_lines(whole);
}

static ScanFile *random_pool(World *world, sqlite3 *db)
{
    ScanFile *pool = AARRAY(world->arena, ScanFile, POOL);
    lite(db,
         "CREATE TABLE pool (file INTEGER, ts INTEGER, s TEXT, v INTEGER, f REAL); CREATE INDEX "
         "pool_file ON pool (file); CREATE TABLE st (s TEXT, h INTEGER); INSERT INTO st VALUES "
         "('a', 1), ('b', 4), ('b', 6), ('e', 2)");
    for (int i = 0; i < POOL; i++) pool[i] = random_file(world, db, i);
    return pool;
}

static void run(World *world, uint64_t seed, int rounds, Tally *tally)
{
    sqlite3 *db;
    gen_seed = seed;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    ScanFile st =
        make_file(world, "SELECT * FROM (VALUES ('a', 1), ('b', 4), ('b', 6), ('e', 2)) AS t(s, h)",
                  NULL, TIME_UNIT_NONE);
    Round round = {.world = world, .db = db, .pool = random_pool(world, db)};
    round.inputs[0].name = "a";
    round.inputs[1].name = "b";
    round.inputs[2].name = "c";
    round.inputs[3] = (SqlInput){"st", scan_of(world, &st, 1)};
    for (int i = 0; i < rounds; i++) one_round(&round, tally);
    sqlite3_close(db);
}

static void test_random_queries(void **state)
{
    World *world = *state;
    const char *given = getenv("POND_SEED"), *count = getenv("POND_ROUNDS");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20240101;
    Tally tally = {0};
    print_message("# POND_SEED=%" PRIu64 "\n", seed);
    run(world, seed, count != NULL ? atoi(count) : 1000, &tally);
    print_message("# %d queries, %d local, %d said to SQLite, %d rows\n", tally.rounds, tally.local,
                  tally.lite, tally.rows);
    assert_true(tally.local * 3 > tally.rounds && tally.local * 3 < tally.rounds * 2);
    assert_true(tally.lite * 4 > tally.rounds && tally.rows > tally.rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(test_random_queries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
