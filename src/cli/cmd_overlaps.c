/* pond detect-overlaps: which versions of series cover the same time, and what stands twice there.
 *
 * Where versions lie is recorded: up to 64 intervals each. Two intervals of a version are one run
 * of rows when the gap between them is no longer than twice the mean distance of its rows, so that
 * what overlaps does not depend on how finely the intervals tell a version. Versions whose runs
 * meet overlap, and only what lies in the ranges where they do is read, of these two files. */
#include "cli/commands.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MOST = 10000, RANGES_SHOWN = 1 };

/* A version, and the runs of its rows within the temporal bounds. */
typedef struct Piece {
    const char *path;
    const Node *node;
    const Version *version;
    TimeSpan *runs;
    size_t run_count;
} Piece;

typedef struct Pair {
    const Piece *a, *b; /* in the order (path, version) */
    TimeSpan *ranges;
    size_t range_count;
    int64_t rows_a, rows_b, same, conflicts;
} Pair;

typedef struct Search {
    Cli *cli;
    Arena *arena;
    VEC(Piece) pieces; /* of one pattern */
    VEC(Pair) pairs;   /* of all */
    size_t series, versions;
} Search;

/* ---- where versions lie ---- */

static TimeSpan bounds_of(const Node *node)
{
    return (TimeSpan){.min = node->has_min_override ? node->min_override : TIME_MIN,
                      .max = node->has_max_override ? node->max_override : TIME_MAX};
}

static bool meet(TimeSpan a, TimeSpan b, TimeSpan *out)
{
    out->min = a.min > b.min ? a.min : b.min;
    out->max = a.max < b.max ? a.max : b.max;
    return out->min <= out->max;
}

static void find_runs(Arena *arena, Piece *piece)
{
    const Version *version = piece->version;
    size_t count = version->interval_count, joined = 0;
    TimeSpan *runs = arena_memdup(arena, version->intervals, sizeof *runs * count);
    int64_t length = count > 0 ? runs[count - 1].max - runs[0].min : 0;
    int64_t reach = version->rows > 1 ? 2 * (length / (version->rows - 1)) : 0;
    for (size_t i = 0; i < count; i++) {
        if (joined > 0 && runs[i].min - runs[joined - 1].max <= reach)
            runs[joined - 1].max = runs[i].max;
        else
            runs[joined++] = runs[i];
    }
    piece->runs = runs;
    for (size_t i = 0; i < joined; i++) {
        TimeSpan inside;
        if (meet(runs[i], bounds_of(piece->node), &inside)) runs[piece->run_count++] = inside;
    }
}

/* Ranges where both have a run, ascending. */
static void find_ranges(Arena *arena, const Piece *a, const Piece *b, Pair *out)
{
    out->ranges = AARRAY(arena, TimeSpan, a->run_count + b->run_count);
    for (size_t i = 0, j = 0; i < a->run_count && j < b->run_count;) {
        TimeSpan range;
        if (meet(a->runs[i], b->runs[j], &range)) out->ranges[out->range_count++] = range;
        if (a->runs[i].max < b->runs[j].max)
            i++;
        else
            j++;
    }
}

/* ---- which series ---- */

static Err *not_a_series(const Source *source)
{
    const Node *node = &source->node;
    const char *path = source->path;
    bool derived = node->derived || node->type == ENTRY_DYNAMIC || node->type == ENTRY_DYNAMIC_DIR;
    Err *err =
        derived ? err_hint(ERR(INVALID, "%s: is derived, it has no versions", path),
                           "name the series it reads; pond describe %s --plan shows them", path)
        : entry_is_dir(node->type)
            ? err_hint(ERR(INVALID, "%s: is a directory", path), "name what is in it: %s/*", path)
            : ERR(INVALID, "%s: is %s, not a series of tables", path, entry_type_name(node->type));
    return err_path(err, path);
}

static Err *add_series(Search *search, const Source *source)
{
    FsBackend store = fs_backend(provider_fs(search->cli->provider));
    Version *versions = NULL;
    size_t count = 0;
    TRY(store.ops->versions(store.self, search->arena, source->node.id, &versions, &count));
    search->series++;
    search->versions += count;
    for (size_t i = 0; i < count; i++) {
        Piece piece = {.path = source->path, .node = &source->node, .version = &versions[i]};
        find_runs(search->arena, &piece);
        if (piece.run_count > 0) vec_push(search->arena, &search->pieces, piece);
    }
    return NULL;
}

/* Each series once, whatever links lead to it. */
static Err *find_pieces(Search *search, const char *text)
{
    Source *sources = NULL;
    size_t count = 0, found = 0;
    const Pattern *pattern = NULL;
    SCRATCH(scratch);
    Map seen = map_new(scratch);
    TRY(cli_pond_path(text));
    TRY(pattern_compile(search->arena, text, &pattern));
    TRY(provider_match(search->cli->provider, search->arena, text, &sources, &count));
    search->pieces.n = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_series = sources[i].node.type == ENTRY_TABLE_SERIES && !sources[i].node.derived;
        if (!is_series && pattern_is_literal(pattern)) return not_a_series(&sources[i]);
        if (!is_series || !map_put(&seen, sources[i].node.id.text, search)) continue;
        TRY(add_series(search, &sources[i]));
        found++;
    }
    if (found > 0) return NULL;
    Found missing;
    if (pattern_is_literal(pattern))
        return fs_get(provider_fs(search->cli->provider), search->arena, text, (FindOptions){0},
                      &missing);
    return ERR(NOT_FOUND, "%s: no series matches", text);
}

/* ---- which pairs ---- */

static int by_start(const void *a, const void *b)
{
    const Piece *const *x = a, *const *y = b;
    TimeUs s = (*x)->runs[0].min, t = (*y)->runs[0].min;
    if (s != t) return s < t ? -1 : 1;
    return *x < *y ? -1 : 1; /* they stand in one array, by path and version */
}

static int by_place(const void *a, const void *b)
{
    const Pair *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : 1;
}

static Err *add_pair(Search *search, const Piece *x, const Piece *y)
{
    Pair pair = {.a = x < y ? x : y, .b = x < y ? y : x};
    find_ranges(search->arena, pair.a, pair.b, &pair);
    if (pair.range_count == 0) return NULL;
    if (search->pairs.n == PAIRS_MOST)
        return err_hint(ERR(LIMIT, "more than %d pairs of versions overlap", PAIRS_MOST),
                        "name fewer series, or collapse them first: pond maintain "
                        "--collapse-versions 32");
    vec_push(search->arena, &search->pairs, pair);
    return NULL;
}

/* In the order of their first times: those that have not ended before a piece begins. */
static Err *find_pairs(Search *search)
{
    size_t count = search->pieces.n, open = 0, first = search->pairs.n;
    const Piece *pieces = arena_memdup(search->arena, search->pieces.v, sizeof *pieces * count);
    const Piece **sorted = AARRAY(search->arena, const Piece *, count + 1),
                **active = AARRAY(search->arena, const Piece *, count + 1);
    for (size_t i = 0; i < count; i++) sorted[i] = &pieces[i];
    if (count > 1) qsort(sorted, count, sizeof *sorted, by_start);
    for (size_t i = 0; i < count; i++) {
        size_t kept = 0;
        for (size_t k = 0; k < open; k++) {
            if (active[k]->runs[active[k]->run_count - 1].max < sorted[i]->runs[0].min) continue;
            active[kept++] = active[k];
            TRY(add_pair(search, active[k], sorted[i]));
        }
        active[kept] = sorted[i];
        open = kept + 1;
    }
    if (search->pairs.n > first + 1)
        qsort(search->pairs.v + first, search->pairs.n - first, sizeof *search->pairs.v, by_place);
    return NULL;
}

/* ---- what stands in the ranges ---- */

static Err *schema_of(Arena *arena, const Version *version, Schema *out)
{
    const Json *json = NULL;
    TRY(json_parse(arena, version->schema, strlen(version->schema), &json));
    return schema_from_json(arena, json, out);
}

/* The columns that both have, each of a type that holds both; text where there is none. */
static Err *common_columns(Arena *arena, const Pair *pair, ProjectColumn *a, ProjectColumn *b,
                           size_t *count)
{
    Schema x, y;
    TRY(schema_of(arena, pair->a->version, &x));
    TRY(schema_of(arena, pair->b->version, &y));
    for (size_t i = 0; i < x.count; i++) {
        const Column *column = &x.columns[i];
        ptrdiff_t other = schema_find(&y, column->name);
        if (other < 0 || strcmp(column->name, pair->a->version->time_column) == 0) continue;
        const char *type = type_widen(arena, column->type, y.columns[other].type);
        if (type == NULL) type = "VARCHAR";
        if (strcmp(type, "\"NULL\"") == 0) continue;
        const char *name = arena_printf(arena, "v%zu", *count);
        a[*count] = (ProjectColumn){.source = column->name, .name = name, .cast = type};
        b[*count] = a[*count];
        ++*count;
    }
    return NULL;
}

static Err *rows_of(Search *search, const Pair *pair, const Piece *piece,
                    const ProjectColumn *columns, size_t count, const Rel **out)
{
    Source source = {.node = *piece->node, .path = piece->path};
    Plan *plan = NULL;
    TRY(provider_version_relation(search->cli->provider, &source, piece->version, out));
    TRY(provider_plan(search->cli->provider, &plan));
    TRY(plan_resolve(plan, *out));
    TimeSpan span = {pair->ranges[0].min, pair->ranges[pair->range_count - 1].max};
    TRY(rel_range(search->arena, *out, span, out));
    return rel_project(search->arena, *out, columns, count, out);
}

static const char QUERY[] =
    "WITH a AS MATERIALIZED (SELECT * FROM x WHERE %s), b AS MATERIALIZED (SELECT * FROM y WHERE "
    "%s), same AS MATERIALIZED (SELECT t FROM a INTERSECT SELECT t FROM b) SELECT (SELECT count(*) "
    "FROM a) AS rows_a, (SELECT count(*) FROM b) AS rows_b, (SELECT count(*) FROM same) AS same, "
    "(SELECT count(DISTINCT t) FROM ((SELECT * FROM a EXCEPT SELECT * FROM b) UNION ALL (SELECT * "
    "FROM b EXCEPT SELECT * FROM a)) WHERE t IN (SELECT t FROM same)) AS conflicts";

static char *ranges_sql(Arena *arena, const Pair *pair)
{
    Buf text = buf_new(arena);
    for (size_t i = 0; i < pair->range_count; i++)
        buf_printf(&text,
                   "%st BETWEEN make_timestamptz(%" PRId64 ") AND make_timestamptz(%" PRId64 ")",
                   i > 0 ? " OR " : "", pair->ranges[i].min, pair->ranges[i].max);
    return text.data;
}

static Err *read_counts(Plan *plan, const Rel *rel, Pair *pair)
{
    CLEANUP(rel_close_at) RelStream *stream = NULL;
    Chunk chunk;
    TRY(plan_resolve(plan, rel));
    TRY(rel_open(plan, rel, (RelRead){.span = {TIME_MIN, TIME_MAX}}, &stream));
    TRY(rel_next(stream, &chunk));
    if (chunk.rows != 1) return ERR(INTERNAL, "a count without a row");
    pair->rows_a = engine_int(&chunk.vectors[0], 0);
    pair->rows_b = engine_int(&chunk.vectors[1], 0);
    pair->same = engine_int(&chunk.vectors[2], 0);
    pair->conflicts = engine_int(&chunk.vectors[3], 0);
    return NULL;
}

static Err *compare(Search *search, Pair *pair)
{
    SCRATCH(scratch);
    Schema schema;
    Plan *plan = NULL;
    const Rel *rel = NULL;
    SqlInput inputs[] = {{.name = "x"}, {.name = "y"}};
    TRY(schema_of(scratch, pair->a->version, &schema));
    ProjectColumn *a = AARRAY(scratch, ProjectColumn, schema.count + 1),
                  *b = AARRAY(scratch, ProjectColumn, schema.count + 1);
    size_t count = 1;
    a[0] = (ProjectColumn){pair->a->version->time_column, "t", "TIMESTAMP WITH TIME ZONE"};
    b[0] = (ProjectColumn){pair->b->version->time_column, "t", "TIMESTAMP WITH TIME ZONE"};
    TRY(common_columns(scratch, pair, a, b, &count));
    TRY(rows_of(search, pair, pair->a, a, count, &inputs[0].rel));
    TRY(rows_of(search, pair, pair->b, b, count, &inputs[1].rel));
    const char *where = ranges_sql(scratch, pair);
    TRY(provider_plan(search->cli->provider, &plan));
    TRY(rel_sql(search->arena, pair->a->path, arena_printf(scratch, QUERY, where, where), inputs, 2,
                &rel));
    return read_counts(plan, rel, pair);
}

static Err *compare_all(Search *search)
{
    CLEANUP(progress_end_at) Progress *progress = progress_new(search->cli, "compare");
    for (size_t i = 0; i < search->pairs.n; i++) {
        progress_update(progress, (int64_t)i, (int64_t)search->pairs.n, "pairs",
                        search->pairs.v[i].a->path);
        TRY(os_check_interrupt());
        TRY(compare(search, &search->pairs.v[i]));
    }
    return NULL;
}

/* ---- what is told ---- */

static void print_pair(const Cli *cli, const Pair *pair)
{
    SCRATCH(scratch);
    bool one = pair->a->node == pair->b->node;
    out_printf("%s v%" PRId64 " and %s%sv%" PRId64 "\n", text_printable(scratch, pair->a->path),
               pair->a->version->version, one ? "" : text_printable(scratch, pair->b->path),
               one ? "" : " ", pair->b->version->version);
    for (size_t i = 0; i < pair->range_count && (cli->verbose || i < RANGES_SHOWN); i++)
        out_printf("    %s .. %s\n", time_format_human(scratch, pair->ranges[i].min),
                   time_format_human(scratch, pair->ranges[i].max));
    if (!cli->verbose && pair->range_count > RANGES_SHOWN)
        out_printf("    and %s (--verbose shows them)\n",
                   count_of(scratch, (int64_t)pair->range_count - RANGES_SHOWN, "more range"));
    out_printf("    %s and %s there; %s in both, %s of them with different values\n",
               count_of(scratch, pair->rows_a, "row"), count_of(scratch, pair->rows_b, "row"),
               count_of(scratch, pair->same, "time"), count_format(scratch, pair->conflicts));
}

static void print_text(const Search *search)
{
    const Cli *cli = search->cli;
    Arena *arena = cli->arena;
    int64_t same = 0, conflicts = 0;
    for (size_t i = 0; i < search->pairs.n; i++) {
        print_pair(cli, &search->pairs.v[i]);
        same += search->pairs.v[i].same;
        conflicts += search->pairs.v[i].conflicts;
    }
    char *versions = count_of(arena, (int64_t)search->versions, "version");
    if (search->pairs.n == 0)
        out_printf("No overlaps: %s of %zu series\n", versions, search->series);
    else
        out_printf("Summary: %s of %s of %zu series overlap; %s twice, %s with different values\n",
                   count_of(arena, (int64_t)search->pairs.n, "pair"), versions, search->series,
                   count_of(arena, same, "time"), count_format(arena, conflicts));
}

static void json_piece(JsonOut *json, const char *key, const Piece *piece, int64_t rows)
{
    json_key(json, key);
    json_begin_object(json);
    json_kv_str(json, "path", piece->path);
    json_kv_int(json, "version", piece->version->version);
    json_kv_int(json, "rows", rows);
    json_end(json);
}

static void json_pair(JsonOut *json, const Pair *pair)
{
    SCRATCH(scratch);
    json_begin_object(json);
    json_piece(json, "a", pair->a, pair->rows_a);
    json_piece(json, "b", pair->b, pair->rows_b);
    json_key(json, "ranges");
    json_begin_array(json);
    for (size_t i = 0; i < pair->range_count; i++) {
        json_begin_object(json);
        json_kv_str(json, "start", time_format(scratch, pair->ranges[i].min));
        json_kv_str(json, "end", time_format(scratch, pair->ranges[i].max));
        json_end(json);
    }
    json_end(json);
    json_kv_int(json, "same_times", pair->same);
    json_kv_int(json, "conflicts", pair->conflicts);
    json_end(json);
}

static void print_json(const Search *search)
{
    Buf text = buf_new(search->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "series", (int64_t)search->series);
    json_kv_int(&json, "versions", (int64_t)search->versions);
    json_key(&json, "pairs");
    json_begin_array(&json);
    for (size_t i = 0; i < search->pairs.n; i++) json_pair(&json, &search->pairs.v[i]);
    json_end(&json);
    json_end(&json);
    out_json(&text);
}

static Err *run(Cli *cli)
{
    Search search = {.cli = cli, .arena = cli->arena};
    Provider *provider = NULL;
    TRY(cli_open_provider(cli, true, &provider));
    for (size_t i = 0; i < cli->arg_count; i++) {
        TRY(find_pieces(&search, cli->args[i]));
        TRY(find_pairs(&search));
    }
    TRY(compare_all(&search));
    if (cli->json)
        print_json(&search);
    else
        print_text(&search);
    cli->status = search.pairs.n > 0 ? 1 : 0;
    return NULL;
}

const Command COMMAND_OVERLAPS = {
    .name = "detect-overlaps",
    .usage = "detect-overlaps PATTERN... [--verbose]",
    .summary = "versions of series whose time ranges overlap, and what stands twice",
    .examples = "  pond detect-overlaps /sensors/north.series\n"
                "  pond detect-overlaps '/devices/*/SilverVulink*.series' --verbose\n"
                "  pond detect-overlaps '/sensors/**' --json\n",
    .details =
        "Versions of one series are compared, and those of all series that one pattern names. For "
        "each pair: the ranges of time that both cover (--verbose: all of them), how many rows "
        "each "
        "has there, how many times stand in both, and at how many of these the columns that both "
        "have differ. Ranges come from what is recorded; only rows inside them are read. A gap of "
        "more than twice the mean distance of a version's rows ends a range. Temporal bounds hold. "
        "Derived nodes have no versions and are passed over.\n"
        "Exit 1 when there are overlaps, 0 when there are none.",
    .json =
        "{\"series\",\"versions\",\"pairs\":[{\"a\":{\"path\",\"version\",\"rows\"},\"b\":{...},"
        "\"ranges\":[{\"start\",\"end\"}],\"same_times\",\"conflicts\"}]}",
    .least_args = 1,
    .most_args = -1,
    .run = run,
};
