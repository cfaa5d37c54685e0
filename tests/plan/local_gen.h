/* Random queries over a, b, c (ts, s, v, f) and st (s, h), in two dialects at once: what differs
 * between the engine and SQLite stands in braces ({B600:x} a bucket of 600 s, {M:x} its month,
 * {H:x} an hour later, {ALL} the keys of GROUP BY). Each gives the columns ts, s, v, f again, so
 * that they nest; what spoils time-locality is put in at a random place, or not at all. */
#pragma once
#include "plan_test.h"

typedef struct Generated {
    char *text;
    bool is_local;  /* by construction */
    bool is_steady; /* rows come in the inputs' order: sums of doubles stay local */
    bool is_lite;   /* SQLite can say it, with the same digits */
} Generated;

static uint64_t gen_seed;

static int64_t below(int64_t limit)
{
    gen_seed = gen_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((gen_seed >> 33) % (uint64_t)limit);
}

static const char *pick(const char *const *texts, size_t count)
{
    return texts[below((int64_t)count)];
}
#define PICK(texts) pick((texts), sizeof(texts) / sizeof *(texts))

static const char *gen_bucket(Arena *arena, const char *time)
{
    static const char *const WIDTHS[] = {"B600",   "B3600",   "B5400", "B25200",
                                         "B86400", "B604800", "M"};
    return arena_printf(arena, "{%s:%s}", PICK(WIDTHS), time);
}

static Generated gen_leaf(Arena *arena)
{
    static const char *const NAMES[] = {"a", "b", "c", "A"};
    return (Generated){arena_printf(arena, "SELECT ts, s, v, f FROM %s", PICK(NAMES)), true, true,
                       true};
}

static Generated gen_any(Arena *arena, int depth);

/* ---- one input ---- */

static Generated gen_filter(Arena *arena, Generated r)
{
    static const char *const CONDITIONS[] = {"v > 3",           "v IS NOT NULL",
                                             "s IN ('a', 'b')", "v BETWEEN 2 AND 7 OR s = 'c'",
                                             "NOT (v % 3 = 0)", "coalesce(v, 9) > length(s)",
                                             "x.f < 5.5"};
    r.text = arena_printf(arena, "SELECT * FROM (%s) x WHERE %s", r.text, PICK(CONDITIONS));
    return r;
}

static Generated gen_project(Arena *arena, Generated r)
{
    static const char *const LISTS[] = {
        "ts, s, v + 1 AS v, f * 3 AS f",
        "x.ts, upper(x.s) AS s, CASE WHEN v > 4 THEN v ELSE 0 END AS v, f",
        "ts, s || 'x' AS s, nullif(v, 2) AS v, f",
        "ts, s, abs(v) AS v, CAST(v AS DOUBLE) / 3 AS f"};
    r.text = arena_printf(arena, "SELECT %s FROM (%s) x", PICK(LISTS), r.text);
    return r;
}

static Generated gen_coarsen(Arena *arena, Generated r)
{
    r.text = arena_printf(arena, "SELECT %s AS ts, s, v, f FROM (%s) x", gen_bucket(arena, "ts"),
                          r.text);
    return r;
}

static Generated gen_group(Arena *arena, Generated r)
{
    static const char *const SETS[] = {"min(v) AS v, max(f) AS f", "count(*) AS v, min(f) AS f",
                                       "CAST(sum(v) AS INTEGER) AS v, max(f) AS f",
                                       "count(DISTINCT v) AS v, min(f) AS f"};
    static const char *const SEQUENCES[] = {"count(v) AS v, sum(f) AS f",
                                            "max(v) AS v, avg(f) AS f"};
    const bool is_sequence = r.is_steady && below(2) == 0;
    const char *aggregates = is_sequence ? PICK(SEQUENCES) : PICK(SETS);
    const bool is_sum = strncmp(aggregates, "CAST(sum(v)", 11) == 0;
    if (is_sum && !r.is_steady) aggregates = "max(v) AS v, min(f) AS f"; /* v may be anything */
    const char *time = below(2) == 0 ? "ts" : gen_bucket(arena, "ts");
    const char *having = below(3) == 0 ? " HAVING count(*) > 1" : "";
    const char *key = below(3) == 0 ? "min(s) AS s" : "s";
    const bool is_keyed = strcmp(key, "s") == 0;
    const char *keys = is_keyed ? (below(2) == 0 ? "1, 2" : "{ALL}") : "1";
    r.text = arena_printf(arena, "SELECT %s AS ts, %s, %s FROM (%s) x GROUP BY %s%s", time, key,
                          aggregates, r.text, keys, having);
    r.is_steady = false;
    r.is_lite = r.is_lite && !is_sequence;
    return r;
}

static Generated gen_static(Arena *arena, Generated r)
{
    static const char *const JOINS[] = {
        "SELECT ts, x.s, v + h AS v, f FROM (%s) x JOIN st ON x.s = st.s",
        "SELECT ts, s, coalesce(h, v) AS v, f FROM (%s) x LEFT JOIN st USING (s)",
        "SELECT x.ts, x.s, v, f + h AS f FROM st RIGHT JOIN (%s) x ON x.s = st.s AND h > 2",
        "SELECT ts, s, v, f FROM (%s) x WHERE s IN (SELECT s FROM st WHERE h < 5)"};
    const char *join = PICK(JOINS);
    const char *at = strstr(join, "%s");
    r.text = arena_printf(arena, "%.*s%s%s", (int)(at - join), join, r.text, at + 2);
    r.is_steady = r.is_steady && strstr(join, "WHERE s IN") != NULL;
    return r;
}

/* ---- two inputs ---- */

static Generated gen_both(Generated x, Generated y, char *text)
{
    return (Generated){text, x.is_local && y.is_local, false, x.is_lite && y.is_lite};
}

static Generated gen_union(Arena *arena, Generated x, Generated y)
{
    const bool is_all = below(2) == 0;
    Generated r =
        gen_both(x, y,
                 arena_printf(arena, "SELECT * FROM (%s) x UNION%s SELECT ts, s, v, f FROM (%s) y",
                              x.text, is_all ? " ALL" : "", y.text));
    r.is_steady = is_all && x.is_steady && y.is_steady;
    return r;
}

static Generated gen_join(Arena *arena, Generated x, Generated y)
{
    static const char *const FORMS[] = {
        "SELECT x.ts AS ts, x.s AS s, y.v AS v, x.f AS f FROM (%s) x JOIN (%s) y ON x.ts = y.ts "
        "AND "
        "x.s = y.s",
        "SELECT x.ts AS ts, x.s AS s, y.v AS v, y.f AS f FROM (%s) x LEFT JOIN (%s) y ON y.ts = "
        "x.ts AND x.s = y.s AND y.v > 2",
        "SELECT y.ts AS ts, y.s AS s, x.v AS v, y.f AS f FROM (%s) x RIGHT JOIN (%s) y ON x.ts = "
        "y.ts AND x.v = y.v",
        "SELECT COALESCE(x.ts, y.ts) AS ts, x.s AS s, y.v AS v, y.f AS f FROM (%s) x FULL JOIN "
        "(%s) y ON x.ts = y.ts AND x.s = y.s",
        "SELECT ts, s, v, f FROM (SELECT ts, s, v FROM (%s) p) x NATURAL FULL JOIN (SELECT ts, s, "
        "f FROM (%s) q) y",
        "SELECT ts, x.s AS s, y.v AS v, x.f AS f FROM (%s) x JOIN (%s) y USING (ts, v)",
        "SELECT ts, s, x.v AS v, y.f AS f FROM (%s) x FULL OUTER JOIN (%s) y USING (ts, s)",
        "SELECT x.ts AS ts, x.s AS s, y.v AS v, x.f AS f FROM (%s) x, (%s) y WHERE x.s = y.s AND "
        "x.ts = y.ts"};
    const char *form = PICK(FORMS);
    const char *first = strstr(form, "%s"), *second = strstr(first + 2, "%s");
    return gen_both(x, y,
                    arena_printf(arena, "%.*s%s%.*s%s%s", (int)(first - form), form, x.text,
                                 (int)(second - first - 2), first + 2, y.text, second + 2));
}

/* The form of section "UNION of timestamps": every time, with what each has at it. */
static Generated gen_times(Arena *arena, Generated x, Generated y)
{
    return gen_both(
        x, y,
        arena_printf(arena,
                     "WITH p AS (%s), q AS (%s), t AS (SELECT ts, s FROM p UNION SELECT "
                     "ts, s FROM q) SELECT t.ts AS ts, t.s AS s, p.v AS v, q.f AS f FROM "
                     "t LEFT JOIN p ON t.ts = p.ts AND t.s = p.s LEFT JOIN q ON t.ts = "
                     "q.ts AND t.s = q.s",
                     x.text, y.text));
}

/* ---- what is not local ---- */

static Generated gen_spoil(Arena *arena, Generated r)
{
    static const struct {
        const char *text;
        bool is_lite;
    } FORMS[] = {
        {"SELECT ts, s, CAST(row_number() OVER (ORDER BY ts, s, v, f) AS INTEGER) AS v, f FROM "
         "(%s) "
         "x",
         false},
        {"SELECT ts, s, v, lag(f) OVER (PARTITION BY s ORDER BY ts, v, f) AS f FROM (%s) x", false},
        {"SELECT ts, s, v, f FROM (%s) x ORDER BY v NULLS LAST, f NULLS LAST, s NULLS LAST, ts "
         "NULLS LAST LIMIT 7",
         true},
        {"SELECT {H:ts} AS ts, s, v, f FROM (%s) x", true},
        {"SELECT ts, s, v, f FROM (%s) x WHERE v > (SELECT avg(v) FROM a)", true},
        {"SELECT ts, s, v, f FROM (%s) x WHERE ts IN (SELECT ts FROM b WHERE v > 4)", true},
        {"SELECT ts, s, v, f FROM (%s) x WHERE EXISTS (SELECT 1 FROM c WHERE v = 8)", true},
        {"SELECT DISTINCT ON (s) ts, s, v, f FROM (%s) x ORDER BY s, ts, v, f", false},
        {"SELECT x.ts AS ts, x.s AS s, y.v AS v, x.f AS f FROM (%s) x JOIN a y ON x.v = y.v AND "
         "x.s "
         "= y.s",
         true},
        {"SELECT x.ts AS ts, x.s AS s, y.v AS v, x.f AS f FROM (%s) x JOIN b y ON x.ts <= y.ts AND "
         "y.v = 8",
         true},
        {"SELECT max(ts) AS ts, s, max(v) AS v, min(f) AS f FROM (%s) x GROUP BY s", true},
        {"SELECT * FROM (%s) x EXCEPT SELECT ts, s, v, f FROM b", true},
        {"SELECT x.ts AS ts, x.s AS s, y.v AS v, x.f AS f FROM (%s) x LEFT JOIN a y ON x.s = y.s "
         "AND "
         "y.v > 7",
         true},
    };
    size_t i = (size_t)below(sizeof FORMS / sizeof *FORMS);
    const char *at = strstr(FORMS[i].text, "%s");
    r.text =
        arena_printf(arena, "%.*s%s%s", (int)(at - FORMS[i].text), FORMS[i].text, r.text, at + 2);
    r.is_lite = r.is_lite && FORMS[i].is_lite;
    r.is_local = r.is_steady = false;
    return r;
}

/* ---- trees ---- */

static Generated gen_any(Arena *arena, int depth)
{
    if (depth == 0) return gen_leaf(arena);
    const int64_t kind = below(11);
    if (kind >= 7) {
        Generated x = gen_any(arena, depth - 1), y = gen_any(arena, depth - 1 - (int)below(depth));
        if (kind == 7) return gen_union(arena, x, y);
        return kind == 8 ? gen_times(arena, x, y) : gen_join(arena, x, y);
    }
    Generated r = gen_any(arena, depth - 1);
    if (kind == 0) return gen_filter(arena, r);
    if (kind == 1) return gen_project(arena, r);
    if (kind == 2) return gen_coarsen(arena, r);
    if (kind == 3 || kind == 4) return gen_group(arena, r);
    if (kind == 5) return gen_static(arena, r);
    r.text = arena_printf(arena, "SELECT DISTINCT ts, s, v, f FROM (%s) x", r.text);
    r.is_steady = false;
    return r;
}

static Generated gen_query(Arena *arena)
{
    Generated r = gen_any(arena, 1 + (int)below(3));
    if (below(2) == 0) r = gen_spoil(arena, r);
    if (below(3) == 0) r = gen_filter(arena, r);
    if (below(4) == 0) r = gen_group(arena, r);
    if (below(4) == 0) r = gen_union(arena, r, gen_leaf(arena));
    return r;
}

/* ---- dialects ---- */

static void gen_put(Arena *arena, Buf *out, const char *text, bool lite);

static void gen_put_call(Arena *arena, Buf *out, const char *name, const char *time, bool lite)
{
    Buf value = buf_new(arena);
    gen_put(arena, &value, time, lite);
    const char *t = value.data;
    if (strcmp(name, "ALL") == 0)
        buf_puts(out, lite ? "1, 2" : "ALL");
    else if (name[0] == 'M' && lite)
        buf_printf(out, "CAST(strftime('%%s', %s, 'unixepoch', 'start of month') AS INTEGER)", t);
    else if (name[0] == 'M')
        buf_printf(out, "date_trunc('month', %s)", t);
    else if (name[0] == 'H')
        buf_printf(out, lite ? "(%s + 3600)" : "(%s + INTERVAL 1 HOUR)", t);
    else if (lite) /* floored from 2000-01-03 on */
        buf_printf(out, "((%s - 946857600) - (((%s - 946857600) %% %s) + %s) %% %s + 946857600)", t,
                   t, name + 1, name + 1, name + 1);
    else
        buf_printf(out, "time_bucket(INTERVAL '%s seconds', %s)", name + 1, t);
}

static void gen_put(Arena *arena, Buf *out, const char *text, bool lite)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '{') {
            buf_putc(out, *at);
            continue;
        }
        const char *end = strchr(at, '}');
        char *inner = arena_strndup(arena, at + 1, (size_t)(end - at - 1));
        char *time = strchr(inner, ':');
        if (time != NULL) *time++ = '\0';
        gen_put_call(arena, out, inner, time != NULL ? time : "", lite);
        at = end;
    }
}

static char *gen_text(Arena *arena, const char *text, bool lite)
{
    Buf out = buf_new(arena);
    gen_put(arena, &out, text, lite);
    return out.data;
}
