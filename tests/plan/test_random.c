/* Random series against SQLite: versions that overlap, gaps, nulls and duplicates of time, cut into
 * random windows, stored or computed directly. Values are small integers in doubles, so that sums
 * are exact in any order and the comparison is of texts. */
#include "lite.h"

enum { ROUNDS = 40 };

/* One version: rows of v, w (null now and then) from `start` on; also into SQLite, with its place
 * in the order. */
static ScanFile random_version(World *world, sqlite3 *db, int version, int64_t start_s,
                               bool in_order)
{
    int64_t rows = below(300), time = start_s, min = INT64_MAX, max = INT64_MIN;
    Buf values = buf_new(world->arena);
    for (int64_t i = 0; i < rows; i++) {
        time += in_order ? below(4) * below(300) : below(2000) - 900;
        min = time < min ? time : min;
        max = time > max ? time : max;
        const char *v =
            below(10) == 0 ? "NULL" : arena_printf(world->arena, "%d", (int)below(2001) - 1000);
        const char *w = below(3) == 0 ? "NULL" : arena_printf(world->arena, "%d", (int)below(100));
        buf_printf(&values, "%s(%" PRId64 ", %s, %s)", i > 0 ? ", " : "", time, v, w);
        lite(db, arena_printf(world->arena,
                              "INSERT INTO t VALUES (%" PRId64 ", %d, %" PRId64 ", %s, %s)", time,
                              version, i, v, w));
    }
    if (rows == 0) buf_puts(&values, "(0, 0, 0)");
    char *sql = arena_printf(
        world->arena,
        "SELECT make_timestamptz(t::BIGINT * 1000000) AS ts, v::DOUBLE AS v, w::INTEGER AS w FROM "
        "(VALUES %s) AS r(t, v, w)%s",
        values.data, rows == 0 ? " WHERE false" : "");
    ScanFile file = make_file(world, sql, "ts", TIME_UNIT_NONE);
    if (rows == 0) return file;
    file = with_span(world, file, min * US_PER_SECOND, max * US_PER_SECOND);
    file.in_order = in_order;
    return file;
}

/* Floor division in SQLite, which truncates. */
static char *lite_buckets(World *world, sqlite3 *db, int64_t width, int64_t origin, int64_t from,
                          int64_t to)
{
    char *bucket = arena_printf(world->arena,
                                "((t - %" PRId64 ") - (((t - %" PRId64 ") %% %" PRId64
                                ") + %" PRId64 ") %% %" PRId64 " + %" PRId64 ")",
                                origin, origin, width, width, width, origin);
    return lite_rows(world, db,
                     arena_printf(world->arena,
                                  "SELECT b, count(*), count(v), CAST(sum(v) AS INTEGER), min(v), "
                                  "max(v), count(w), sum(w), "
                                  "(SELECT v FROM t AS u WHERE %s = b AND v IS NOT NULL ORDER BY "
                                  "t, version, row LIMIT 1), "
                                  "(SELECT w FROM t AS u WHERE %s = b AND w IS NOT NULL ORDER BY t "
                                  "DESC, version DESC, row DESC LIMIT 1) "
                                  "FROM (SELECT %s AS b, v, w FROM t) WHERE b BETWEEN %" PRId64
                                  " AND %" PRId64 " GROUP BY b ORDER BY b",
                                  bucket, bucket, bucket, from, to));
}

static const Rel *random_bucket(World *world, const Rel *scan, int64_t width, int64_t base,
                                int64_t origin)
{
    static BucketAgg aggs[] = {
        {AGG_COUNT, NULL, "n"}, {AGG_COUNT, "v", "nv"}, {AGG_SUM, "v", "sv"},
        {AGG_MIN, "v", "min"},  {AGG_MAX, "v", "max"},  {AGG_COUNT, "w", "nw"},
        {AGG_SUM, "w", "sw"},   {AGG_FIRST, "v", "fv"}, {AGG_LAST, "w", "lw"}};
    const Rel *rel = NULL;
    must(rel_bucket(world->plan, world->arena, scan,
                    &(BucketSpec){.label = "/r",
                                  .time_column = "ts",
                                  .width_us = width * US_PER_SECOND,
                                  .base_width_us = base * US_PER_SECOND,
                                  .origin = origin * US_PER_SECOND,
                                  .aggs = aggs,
                                  .agg_count = 9},
                    &rel));
    return rel;
}

static void one_round(World *world, sqlite3 *db)
{
    ScanFile files[12];
    int count = 1 + (int)below(12);
    bool is_chain = below(2) == 0; /* mostly one after the other, now and then too early */
    int64_t start = below(200000) - 100000;
    lite(db, "DELETE FROM t");
    for (int i = 0; i < count; i++) {
        files[i] = random_version(world, db, i, start, below(4) != 0);
        int64_t end =
            files[i].interval_count > 0 ? files[i].intervals[0].max / US_PER_SECOND : start;
        start =
            is_chain ? end + below(3) * below(500) - below(5) / 4 * 2000 : below(200000) - 100000;
    }
    const Rel *scan = scan_of(world, files, (size_t)count);
    compare(world, "rows in order", all_rows(world, scan),
            lite_rows(world, db, "SELECT t, v, w FROM t ORDER BY t, version, row"));

    int64_t base = 1 + below(5000), width = base * (1 + below(7)),
            origin = below(3) == 0 ? below(1000000) - 500000 : 0;
    const Rel *rel = random_bucket(world, scan, width, base, origin);
    char *what = arena_printf(world->arena, "width %" PRId64 ", base %" PRId64 ", origin %" PRId64,
                              width, base, origin);
    compare(world, what, all_rows(world, rel),
            lite_buckets(world, db, width, origin, -10000000, 10000000));
    int64_t from = below(300000) - 150000, to = from + below(100000);
    compare(world, what, rows_in(world, rel, from * US_PER_SECOND, to * US_PER_SECOND),
            lite_buckets(world, db, width, origin, from, to));
    const Rel *kept = NULL;
    must(materialized(world->plan, world->arena, world->conn,
                      rel_bucket_partials(world->arena, rel), ALL, new_path(world), &kept));
    const Rel *over = rel_bucket_over(world->arena, rel, kept);
    compare(world, what, rows_in(world, over, from * US_PER_SECOND, to * US_PER_SECOND),
            lite_buckets(world, db, width, origin, from, to));
}

static void test_against_sqlite(void **state)
{
    World *world = *state;
    sqlite3 *db = lite_open(20240101);
    lite(db, "CREATE TABLE t (t INTEGER, version INTEGER, row INTEGER, v INTEGER, w INTEGER)");
    for (int i = 0; i < ROUNDS; i++) one_round(world, db);
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(test_against_sqlite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
