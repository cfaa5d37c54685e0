/* Baselines: what a run of each scenario took when it was last agreed to.
 *
 * DIR/SCENARIO.tsv: lines of scale, command, counter, value, between tabs, in the order of a
 * result, scale by scale; # begins a comment. The content root of the pond stands there as the
 * counter "root" of the command "-". Written by `pond bench baseline --update`, so that a change of
 * work is a change of this file, line by line.
 *
 * How much a counter may grow (ALLOWED, by how its name begins):
 *   instructions   1 %   libraries of other minor versions differ a little
 *   allocs.engine  2 %   the folders on the way to a pond are more or fewer
 *   allocs.own     1 of at most 1 MiB   the account itself tells times, whose digits may take one
 *                  more block of an arena
 *   peak_bytes     10 % and 4 MiB   pages are taken by the kernel as it sees fit
 *   others         nothing */
#include "bench/bench_int.h"
#include <stdlib.h>
#include <string.h>

typedef struct Allowed {
    const char *name;
    int64_t permille, more;
} Allowed;

static const Allowed ALLOWED[] = {{"instructions", 10, 0},
                                  {"allocs.engine", 20, 0},
                                  {"allocs.own.bytes", 0, 1 << 20},
                                  {"allocs.own", 0, 1},
                                  {"peak_bytes", 100, 4 << 20}};

/* Counters that are measured only where something is installed. */
static const char *const OPTIONAL[] = {"instructions", "allocs."};

typedef struct Line {
    const char *scale, *command, *counter, *text;
    int64_t value;
} Line;
typedef VEC(Line) LineVec;

/* ---- the file ---- */

static char *file_of(Arena *arena, const char *dir, const BenchRun *run)
{
    return arena_printf(arena, "%s/%s.tsv", dir, run->scenario->name);
}

static Err *read_line(Arena *arena, const char *file, int number, const char *text, size_t length,
                      LineVec *out)
{
    enum { FIELDS = 4 };
    const char *fields[FIELDS], *at = text, *end = text + length;
    char *stop = NULL;
    size_t n = 0;
    while (n < FIELDS) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        const char *until = tab != NULL && n + 1 < FIELDS ? tab : end;
        fields[n++] = arena_strndup(arena, at, (size_t)(until - at));
        if (until == end) break;
        at = until + 1;
    }
    Line line = {.scale = fields[0]};
    if (n == FIELDS) {
        line = (Line){fields[0], fields[1], fields[2], fields[3], strtoll(fields[3], &stop, 10)};
        if (*fields[3] != '\0' && (*stop == '\0' || strcmp(line.counter, "root") == 0)) {
            vec_push(arena, out, line);
            return NULL;
        }
    }
    return err_at(err_path(ERR(INVALID,
                               "%s: scale, command, counter and a number are expected, "
                               "with tabs between them",
                               file),
                           file),
                  number, 1);
}

static Err *read_file(Arena *arena, const char *file, LineVec *out)
{
    enum { FILE_MAX = 16 << 20 };
    char *text = NULL;
    size_t size = 0;
    TRY(os_read_file_if(arena, file, FILE_MAX, &text, &size));
    int number = 1;
    for (const char *at = text; at != NULL && *at != '\0'; number++) {
        size_t length = strcspn(at, "\n");
        if (length > 0 && *at != '#') TRY(read_line(arena, file, number, at, length, out));
        at += length + (at[length] == '\n');
    }
    return NULL;
}

/* ---- comparing ---- */

static bool is_optional(const char *counter)
{
    for (size_t i = 0; i < sizeof OPTIONAL / sizeof *OPTIONAL; i++)
        if (text_starts(counter, OPTIONAL[i])) return true;
    return false;
}

static int64_t allowed_of(const char *counter, int64_t was)
{
    for (size_t i = 0; i < sizeof ALLOWED / sizeof *ALLOWED; i++)
        if (text_starts(counter, ALLOWED[i].name))
            return was / 1000 * ALLOWED[i].permille + ALLOWED[i].more;
    return 0;
}

static bool is_within(const char *counter, int64_t was, int64_t now)
{
    int64_t allowed = allowed_of(counter, was);
    return now - was <= allowed && was - now <= allowed;
}

static const BenchCounter *find_counter(const BenchResult *result, const Line *line)
{
    for (size_t i = 0; i < result->count; i++) {
        const BenchCounter *counter = &result->counters[i];
        if (strcmp(counter->name, line->counter) == 0 &&
            strcmp(counter->command, line->command) == 0)
            return counter;
    }
    return NULL;
}

static const Line *find_line(const LineVec *lines, const char *scale, const char *command,
                             const char *counter)
{
    for (size_t i = 0; i < lines->n; i++) {
        const Line *line = &lines->v[i];
        if (strcmp(line->counter, counter) == 0 && strcmp(line->command, command) == 0 &&
            strcmp(line->scale, scale) == 0)
            return line;
    }
    return NULL;
}

typedef VEC(BenchChange) ChangeVec;

static void compare(Arena *arena, BenchComparison *out, ChangeVec *changes, BenchChange change)
{
    out->compared++;
    if (is_within(change.counter, change.was, change.now)) return;
    change.worse = change.now > change.was;
    out->worse += change.worse;
    vec_push(arena, changes, change);
}

Err *bench_compare(Arena *arena, const char *dir, const BenchRun *run, const BenchResult *result,
                   BenchComparison *out)
{
    BenchComparison all = {0};
    LineVec lines = {0};
    ChangeVec changes = {0};
    char *scale = bench_scale_format(arena, run->scale);
    TRY(read_file(arena, file_of(arena, dir, run), &lines));
    const Line *root = find_line(&lines, scale, "-", "root");
    all.has_baseline = root != NULL;
    if (root != NULL && strcmp(root->text, result->root) != 0) all.other_root = root->text;
    for (size_t i = 0; all.has_baseline && i < result->count; i++) {
        const BenchCounter *now = &result->counters[i];
        const Line *line = find_line(&lines, scale, now->command, now->name);
        if (line == NULL && is_optional(now->name)) continue; /* not measured then */
        compare(arena, &all, &changes,
                (BenchChange){.command = now->command,
                              .counter = now->name,
                              .was = line != NULL ? line->value : 0,
                              .now = now->value});
    }
    for (size_t i = 0; i < lines.n; i++) {
        const Line *line = &lines.v[i];
        if (strcmp(line->scale, scale) != 0 || line == root || is_optional(line->counter) ||
            find_counter(result, line) != NULL)
            continue;
        compare(
            arena, &all, &changes,
            (BenchChange){.command = line->command, .counter = line->counter, .was = line->value});
    }
    all.changes = changes.v;
    all.count = changes.n;
    *out = all;
    return NULL;
}

/* ---- writing ---- */

static void put_line(Buf *text, const char *scale, const char *command, const char *counter,
                     const char *value)
{
    buf_printf(text, "%s\t%s\t%s\t%s\n", scale, command, counter, value);
}

static void put_result(Arena *arena, Buf *text, const LineVec *old, const BenchRun *run,
                       const BenchResult *result)
{
    char *scale = bench_scale_format(arena, run->scale);
    put_line(text, scale, "-", "root", result->root);
    for (size_t i = 0; i < result->count; i++) {
        const BenchCounter *counter = &result->counters[i];
        const Line *line = find_line(old, scale, counter->command, counter->name);
        bool stays = line != NULL && is_within(counter->name, line->value, counter->value);
        put_line(text, scale, counter->command, counter->name,
                 stays ? line->text : arena_printf(arena, "%lld", (long long)counter->value));
    }
    for (size_t i = 0; i < old->n; i++) { /* what was not measured now */
        const Line *line = &old->v[i];
        if (strcmp(line->scale, scale) == 0 && is_optional(line->counter) &&
            find_counter(result, line) == NULL)
            put_line(text, scale, line->command, line->counter, line->text);
    }
}

Err *bench_baseline_write(Arena *arena, const char *dir, const BenchRun *run,
                          const BenchResult *result)
{
    LineVec old = {0};
    Buf text = buf_new(arena);
    char *file = file_of(arena, dir, run), *scale = bench_scale_format(arena, run->scale);
    TRY(read_file(arena, file, &old));
    buf_printf(&text,
               "# Work of the scenario %s: scale, command, counter, value. Written by\n"
               "#   pond bench baseline --update\n",
               run->scenario->name);
    for (size_t i = 0; i < old.n; i++) {
        const Line *line = &old.v[i];
        if (strcmp(line->scale, scale) != 0)
            put_line(&text, line->scale, line->command, line->counter, line->text);
    }
    put_result(arena, &text, &old, run, result);
    return os_replace_file(file, text.data, text.size);
}
