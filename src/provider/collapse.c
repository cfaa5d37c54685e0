/* Collapsing: many versions of a series become few, with the same content.
 *
 * What is rewritten follows the change. Versions are taken from the newest backwards as long as the
 * next older one is at most TIER_RATIO times what was taken, or both together are small: so after a
 * collapse sizes fall from old to new by that ratio, a byte is rewritten each time only when what
 * holds it grows by half, log(size) times in all, and the newest end is merged cheaply again and
 * again. If more than the wished number would stay, older ones are taken too, smallest first by the
 * same order.
 *
 * What was taken is cut into runs, each of which becomes one version of at most RUN_BYTES; a
 * version of half of that is full and never rewritten. A run ends also where one Parquet file
 * cannot hold what reading gives: types that conflict, HUGEINT, names that differ only in case; and
 * where an integer meets a DECIMAL, since the way over DECIMAL to a later DOUBLE may round
 * otherwise than the direct one.
 *
 * Version numbers ascend and are never given twice, so all from the first that is rewritten on get
 * new ones: those that stay whole are appended once more as they are, by a link.
 *
 * The transaction is the caller's: the drop of the old and the new versions are one commit. */
#include "perf/perf.h"
#include "provider/provider_int.h"
#include <string.h>

enum { TIER_RATIO = 2 };
static const int64_t SMALL_BYTES = 1 << 20, RUN_BYTES = INT64_C(1) << 30;

/* ---- what may become one file ---- */

typedef struct Fit {
    Arena *arena;
    const Version *versions;
    Schema *schemas; /* of Parquet versions */
    bool is_table;
    const char *reason; /* the last that kept two apart */
} Fit;

static Err *fit_read(Fit *fit, size_t count)
{
    fit->schemas = AARRAY(fit->arena, Schema, count + 1);
    for (size_t i = 0; fit->is_table && i < count; i++) {
        const Version *version = &fit->versions[i];
        const Json *json = NULL;
        if (i > 0 && version->schema != NULL && fit->versions[i - 1].schema != NULL &&
            strcmp(version->schema, fit->versions[i - 1].schema) == 0) {
            fit->schemas[i] = fit->schemas[i - 1];
            continue;
        }
        if (version->schema == NULL) continue;
        TRY(json_parse(fit->arena, version->schema, strlen(version->schema), &json));
        TRY(schema_from_json(fit->arena, json, &fit->schemas[i]));
    }
    return NULL;
}

static bool is_wide(const char *type)
{
    return strcmp(type, "HUGEINT") == 0 || strcmp(type, "UHUGEINT") == 0;
}

/* The columns a file of both would have; false when there can be no such file. */
static bool fit_schemas(Fit *fit, const Schema *run, const Schema *next, Schema *out)
{
    const char *labels[] = {"older versions", "a newer one"};
    Schema both[] = {*run, *next};
    Err *err = schema_union(fit->arena, both, labels, 2, out);
    if (err != NULL) {
        fit->reason = arena_strdup(fit->arena, err_message(err));
        err_free(err);
        return false;
    }
    for (size_t i = 0; i < out->count; i++) {
        const Column *column = &out->columns[i];
        ptrdiff_t old = schema_find(run, column->name), new = schema_find(next, column->name);
        bool meets =
            old >= 0 && new >= 0 && strcmp(run->columns[old].type, next->columns[new].type) != 0;
        if (is_wide(column->type) || (meets && type_class(column->type) == TYPE_DECIMAL)) {
            fit->reason =
                arena_printf(fit->arena, "column %s would become %s", column->name, column->type);
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(column->name, out->columns[j].name) != 0) continue;
            fit->reason = arena_printf(fit->arena, "columns %s and %s differ only in case",
                                       out->columns[j].name, column->name);
            return false;
        }
    }
    return true;
}

/* Whether the version may follow a run that has the columns *run, which then are those of both. */
static bool fit_next(Fit *fit, Schema *run, size_t begin, size_t next)
{
    const Version *first = &fit->versions[begin], *last = &fit->versions[next - 1],
                  *version = &fit->versions[next];
    if (!facts_are_all(version->attributes) || !facts_are_all(last->attributes)) {
        fit->reason = "a version has attributes of its own";
        return false;
    }
    if (!fit->is_table) return true;
    if (!version->parquet || !last->parquet || version->time_column == NULL ||
        first->time_column == NULL || strcmp(version->time_column, first->time_column) != 0) {
        fit->reason = "the time column is another one";
        return false;
    }
    Schema both;
    if (schema_equal(run, &fit->schemas[next])) return true;
    if (!fit_schemas(fit, run, &fit->schemas[next], &both)) return false;
    *run = both;
    return true;
}

/* ---- planning ---- */

typedef VEC(CollapseRun) RunVec;

static bool is_full(const Version *version)
{
    return version->size_bytes >= RUN_BYTES / 2;
}

static size_t full_among(const Version *versions, size_t count)
{
    size_t full = 0;
    for (size_t i = 0; i < count; i++) full += is_full(&versions[i]);
    return full;
}

static RunVec cut_into_runs(Fit *fit, size_t start, size_t count)
{
    RunVec runs = {0};
    Schema schema = {0};
    int64_t bytes = 0;
    for (size_t i = start; i < count; i++) {
        const Version *version = &fit->versions[i];
        CollapseRun *last = runs.n > 0 ? &runs.v[runs.n - 1] : NULL;
        bool joins = last != NULL && !is_full(version) && !is_full(&fit->versions[i - 1]) &&
                     bytes + version->size_bytes <= RUN_BYTES &&
                     fit_next(fit, &schema, last->begin, i);
        if (joins) {
            last->end = i + 1;
            bytes += version->size_bytes;
            continue;
        }
        vec_push(fit->arena, &runs, ((CollapseRun){i, i + 1}));
        schema = fit->schemas[i];
        bytes = version->size_bytes;
    }
    return runs;
}

static size_t start_by_size(const Version *versions, size_t count)
{
    size_t start = count;
    int64_t taken = 0;
    while (start > 0) {
        int64_t size = versions[start - 1].size_bytes;
        bool is_near = size <= TIER_RATIO * taken || size + taken <= SMALL_BYTES;
        if (start < count && !is_near) break;
        taken += size;
        start--;
    }
    return start;
}

/* Runs of one version at the old end stay where they are. */
static void keep_front(RunVec *runs, size_t *start)
{
    size_t kept = 0;
    while (kept < runs->n && runs->v[kept].end - runs->v[kept].begin == 1) kept++;
    *start += kept;
    runs->v += kept;
    runs->n -= kept;
}

Err *provider_collapse_plan(Arena *arena, EntryType type, const Version *versions, size_t count,
                            size_t most, CollapsePlan *out)
{
    Fit fit = {.arena = arena, .versions = versions, .is_table = type == ENTRY_TABLE_SERIES};
    *out = (CollapsePlan){.first = count, .after = count};
    if (count <= most) return NULL;
    TRY(fit_read(&fit, count));
    size_t start = start_by_size(versions, count);
    RunVec runs = cut_into_runs(&fit, start, count);
    while (start > 0 && start + runs.n > most) {
        size_t excess = start + runs.n - most;
        start -= excess < start ? excess : start;
        runs = cut_into_runs(&fit, start, count);
    }
    size_t after = start + runs.n;
    keep_front(&runs, &start);
    for (size_t i = 0; i < runs.n; i++) {
        for (size_t j = runs.v[i].begin; runs.v[i].end - runs.v[i].begin > 1 && j < runs.v[i].end;
             j++)
            out->rewrite_bytes += versions[j].size_bytes;
    }
    out->first = start;
    out->runs = runs.v;
    out->run_count = runs.n;
    out->after = after;
    if (after - full_among(versions, count) > most) out->reason = fit.reason;
    return NULL;
}

/* ---- making the new versions ---- */

typedef struct Collapse {
    Provider *provider;
    Arena *arena;
    const Node *node;
    const char *path;
    const Version *versions;
    FsBackend store;
} Collapse;

static char *staged_path(const Collapse *collapse)
{
    NodeId unique = node_id_new();
    return arena_printf(collapse->arena, "%s/%s",
                        collapse->store.ops->staging_dir(collapse->store.self), unique.text);
}

/* A version that stays whole: the blob under another name in the staging folder. Its hash is
 * checked, since what is staged counts as read. */
static Err *stage_again(const Collapse *collapse, const Version *version, VersionSpec *spec)
{
    Content content;
    bool won = false;
    spec->meta = *version;
    TRY(collapse->store.ops->content(collapse->store.self, collapse->arena, version, &content));
    if (content.path == NULL) return NULL; /* inline */
    char *path = staged_path(collapse);
    Err *err = os_link(content.path, path, &won);
    if (err != NULL) { /* a file system without links */
        err_free(err);
        char hash[SHA256_HEX + 1];
        int64_t size = 0;
        TRY(os_copy_file(content.path, path, NULL, NULL, &size, hash));
    }
    spec->staged_path = path;
    return NULL;
}

static Err *scan_of(const Collapse *collapse, const CollapseRun *run, const Rel **out)
{
    Arena *arena = collapse->arena;
    ScanSpec spec = {.label = collapse->path,
                     .files = AARRAY(arena, ScanFile, run->end - run->begin),
                     .clip = {TIME_MIN, TIME_MAX},
                     .keeps_order = true};
    for (size_t i = run->begin; i < run->end; i++) {
        const Version *version = &collapse->versions[i];
        ScanFile *file = &spec.files[spec.file_count++];
        Content content;
        TRY(collapse->store.ops->locate(collapse->store.self, arena, version, &content));
        memcpy(file->sha256, version->sha256, sizeof file->sha256);
        TRY(scan_file_of(
            arena, version, content.path,
            arena_printf(arena, "%s v%lld", collapse->path, (long long)version->version), file));
        file->stored = true;
    }
    return rel_scan(arena, &spec, out);
}

/* The file must say what reading the versions says: columns without any value have no type of their
 * own, all else is exact. */
static Err *check_same(const Collapse *collapse, const Rel *rel, const Version *made, int64_t rows)
{
    const Json *json = NULL;
    Schema schema;
    if (made->rows != rows)
        return ERR(CORRUPT, "%s: %lld rows were read where %lld are recorded", collapse->path,
                   (long long)made->rows, (long long)rows);
    TRY(json_parse(collapse->arena, made->schema, strlen(made->schema), &json));
    TRY(schema_from_json(collapse->arena, json, &schema));
    for (size_t i = 0; i < schema.count; i++) {
        const Column *wanted = &rel_schema(rel)->columns[i], *got = &schema.columns[i];
        bool is_untyped = strcmp(wanted->type, "\"NULL\"") == 0 ||
                          strcmp(got->type, "\"NULL\"") == 0; /* no value in either */
        if (is_untyped || strcmp(wanted->type, got->type) == 0) continue;
        return err_hint(ERR(UNSUPPORTED,
                            "%s: column %s is %s, which a file that is written anew "
                            "would hold as %s",
                            collapse->path, wanted->name, wanted->type, got->type),
                        "leave this series as it is");
    }
    return NULL;
}

static Err *describe(const Collapse *collapse, const Rel *rel, const char *path, int64_t rows,
                     Version *meta)
{
    static const char *const UNITS[] = {
        [TIME_UNIT_S] = "s", [TIME_UNIT_MS] = "ms", [TIME_UNIT_US] = "us", [TIME_UNIT_NS] = "ns"};
    const Schema *schema = rel_schema(rel);
    const IngestOptions options = {.label = collapse->path,
                                   .time_column = schema->columns[rel_time_index(rel)].name,
                                   .unit = UNITS[rel_time_unit(rel)],
                                   .series = true,
                                   .converted = true};
    TRY(os_sha256_file(path, &meta->size_bytes, meta->sha256));
    TRY(provider_check_parquet(collapse->provider, collapse->arena, path, &options, meta));
    TRY(check_same(collapse, rel, meta, rows));
    Buf text = buf_new(collapse->arena);
    JsonOut json = json_out(&text);
    schema_to_json(&json, schema);
    meta->schema = text.data;
    return NULL;
}

static Err *stage_rows(const Collapse *collapse, const CollapseRun *run, VersionSpec *spec)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    const Rel *rel = NULL;
    Plan *plan = NULL;
    RelWritten written;
    int64_t rows = 0;
    TRY(provider_plan(collapse->provider, &plan));
    TRY(scan_of(collapse, run, &rel));
    TRY(plan_resolve(plan, rel));
    TRY(engine_connect(&conn));
    char *path = staged_path(collapse);
    const RelWrite write = {.read = {.span = {TIME_MIN, TIME_MAX}}, .path = path, .any_time = true};
    TRY(rel_write(plan, collapse->arena, conn, rel, &write, &written));
    for (size_t i = run->begin; i < run->end; i++) rows += collapse->versions[i].rows;
    spec->staged_path = path;
    return describe(collapse, rel, path, rows, &spec->meta);
}

/* ---- bytes ---- */

static Err *join_versions(const Collapse *collapse, const CollapseRun *run, OsSink *joined)
{
    for (size_t i = run->begin; i < run->end; i++) {
        SCRATCH(scratch);
        Content content;
        TRY(collapse->store.ops->content(collapse->store.self, scratch, &collapse->versions[i],
                                         &content));
        TRY(content.path != NULL ? os_read_each(content.path, os_sink_put, joined)
                                 : os_sink_put(joined, content.bytes, (size_t)content.size_bytes));
    }
    return NULL;
}

static Err *stage_bytes(const Collapse *collapse, const CollapseRun *run, VersionSpec *spec)
{
    enum { INLINE_MAX = 4096 };
    char *path = staged_path(collapse);
    OsSink joined;
    TRY(os_sink_open(collapse->arena, path, &joined));
    TRY(os_sink_close(&joined, join_versions(collapse, run, &joined), spec->meta.sha256));
    spec->meta.size_bytes = joined.size_bytes;
    spec->meta.rows = -1;
    spec->staged_path = path;
    if (joined.size_bytes > INLINE_MAX) return NULL;
    char *bytes = NULL;
    size_t size = 0;
    TRY(os_read_file(collapse->arena, path, INLINE_MAX, &bytes, &size));
    spec->meta.bytes = bytes;
    spec->staged_path = NULL;
    return os_unlink(path);
}

/* ---- the change ---- */

static Err *stage(const Collapse *collapse, const CollapseRun *run, VersionSpec *spec)
{
    if (run->end - run->begin == 1)
        return stage_again(collapse, &collapse->versions[run->begin], spec);
    return collapse->node->type == ENTRY_TABLE_SERIES ? stage_rows(collapse, run, spec)
                                                      : stage_bytes(collapse, run, spec);
}

Err *provider_collapse(Provider *provider, Arena *arena, const CollapseCall *call)
{
    const CollapsePlan *plan = call->plan;
    Collapse collapse = {.provider = provider,
                         .arena = arena,
                         .node = call->node,
                         .path = call->path,
                         .versions = call->versions,
                         .store = provider->options.backend};
    FsBackend store = collapse.store;
    VersionSpec *specs = AARRAY(arena, VersionSpec, plan->run_count + 1);
    if (plan->run_count == 0) return NULL;
    for (size_t i = 0; i < plan->run_count; i++)
        TRY(err_path(stage(&collapse, &plan->runs[i], &specs[i]), call->path));
    int64_t from = call->versions[plan->first].version,
            to = call->versions[plan->runs[plan->run_count - 1].end - 1].version;
    TRY(store.ops->drop(store.self, call->node->id, from, to));
    for (size_t i = 0; i < plan->run_count; i++)
        TRY(store.ops->append(store.self, call->node->id, &specs[i], NULL));
    return NULL;
}
