/* Facts of a tree, bottom-up: schema, time column, order, locality, volatility; then the
 * fingerprint.
 *
 * Each node is resolved once. Without a Plan the pass goes as far as it can: user SQL and unusual
 * casts need the engine, and a tree that holds one stays unresolved until plan_resolve. Depth of
 * recursion is the depth of the tree, which the walk over derived nodes bounds. */
#include "plan/plan_int.h"
#include <string.h>

static const char *const TIME_NAMES[] = {"timestamp", "event_time", "time",
                                         "ts",        "datetime",   "date"};

static bool is_named(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] != NULL && strcasecmp(name, names[i]) == 0) return true;
    }
    return false;
}

ptrdiff_t time_column_by_name(const Schema *schema, const char *const *own, size_t own_count)
{
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        if (!time_type_ok(column->type, TIME_UNIT_NONE)) continue;
        if (is_named(column->name, own, own_count) ||
            is_named(column->name, TIME_NAMES, sizeof TIME_NAMES / sizeof *TIME_NAMES))
            return (ptrdiff_t)i;
    }
    return -1;
}

/* The columns and time of the only input; order and locality too. */
static void inherit(const Rel *rel)
{
    char fingerprint[65];
    memcpy(fingerprint, rel->facts->fingerprint, sizeof fingerprint);
    *rel->facts = *rel->inputs[0]->facts;
    rel->facts->is_resolved = false;
    rel->facts->cuts_above = false;
    memcpy(rel->facts->fingerprint, fingerprint, sizeof fingerprint);
}

static void resolve_empty(const Rel *rel)
{
    RelFacts *facts = rel->facts;
    facts->time_index = time_column_by_name(&facts->schema, NULL, 0);
    facts->is_in_order = true;
    facts->is_time_local = true;
}

static void resolve_synthetic(const Rel *rel)
{
    const SyntheticSpec *spec = &rel->synthetic;
    Schema schema = {.columns = AARRAY(rel->arena, Column, spec->column_count + 1),
                     .count = spec->column_count + 1};
    schema.columns[0] = (Column){.name = spec->time_column, .type = TYPE_TZ};
    for (size_t i = 0; i < spec->column_count; i++)
        schema.columns[i + 1] = (Column){.name = spec->columns[i].name, .type = "DOUBLE"};
    rel->facts->schema = schema;
    rel->facts->time_index = 0;
    rel->facts->is_in_order = true;
    rel->facts->is_time_local = true;
}

static Err *resolve_range(const Rel *rel)
{
    inherit(rel);
    if (rel->facts->time_index < 0 && !span_is_all(rel->range))
        return ERR(INVALID, "%s: a range of time needs a time column", rel->label);
    return NULL;
}

static Err *resolve_retime(const Rel *rel)
{
    inherit(rel);
    RelFacts *facts = rel->facts;
    ptrdiff_t index = schema_find(&facts->schema, rel->time_column);
    if (index < 0) return column_missing(rel->label, &facts->schema, rel->time_column);
    if (index == facts->time_index) return NULL;
    const Column *column = &facts->schema.columns[index];
    if (!time_type_ok(column->type, TIME_UNIT_NONE))
        return ERR(INVALID, "%s: column \"%s\" is %s, not a time", rel->label, column->name,
                   column->type);
    facts->time_index = index;
    facts->time_unit = TIME_UNIT_NONE;
    facts->is_in_order = false;
    facts->is_time_local = false;
    facts->cuts_above = true;
    return NULL;
}

static Err *resolve_kind(Plan *plan, const Rel *rel, bool *out_done)
{
    switch (rel->kind) {
    case REL_EMPTY: resolve_empty(rel); return NULL;
    case REL_SCAN: return rel_resolve_scan(rel);
    case REL_SYNTHETIC: resolve_synthetic(rel); return NULL;
    case REL_ROWS: rel_resolve_rows(rel); return NULL;
    case REL_PASS: inherit(rel); return NULL;
    case REL_RETIME: return resolve_retime(rel);
    case REL_PROJECT: return rel_resolve_project(plan, rel, out_done);
    case REL_RANGE: return resolve_range(rel);
    case REL_UNION: return rel_resolve_union(rel);
    case REL_JOIN: return rel_resolve_join(rel);
    case REL_SORT:
        inherit(rel);
        rel->facts->is_in_order = true;
        return NULL;
    case REL_BUCKET:
    case REL_BUCKET_OVER: return rel_resolve_bucket(rel);
    case REL_PARTIALS: return rel_resolve_partials(rel);
    case REL_SQL: return rel_resolve_sql(plan, rel, out_done);
    }
    return NULL;
}

static bool find_feed(const Rel *rel)
{
    if (rel->kind == REL_BUCKET || rel->kind == REL_BUCKET_OVER || rel->kind == REL_PARTIALS ||
        rel->kind == REL_JOIN)
        return true;
    for (size_t i = 0; i < rel->input_count; i++) {
        if (rel->inputs[i]->facts->has_feed) return true;
    }
    return false;
}

static int64_t count_ways(const Rel *rel)
{
    int64_t ways = rel->input_count == 0;
    for (size_t i = 0; i < rel->input_count && ways <= WAYS_MAX; i++)
        ways += rel->inputs[i]->facts->ways;
    return ways;
}

Err *rel_resolve(Plan *plan, const Rel *rel)
{
    if (rel->facts->is_resolved) return NULL;
    bool is_done = true;
    for (size_t i = 0; i < rel->input_count; i++) {
        /* without a plan nothing has changed since the input's own constructor tried */
        if (plan != NULL) TRY(rel_resolve(plan, rel->inputs[i]));
        is_done = is_done && rel->inputs[i]->facts->is_resolved;
    }
    if (!is_done) return NULL;
    TRY(resolve_kind(plan, rel, &is_done));
    if (!is_done) return NULL;
    rel_fingerprint_fill(rel);
    rel_extent_fill(rel);
    rel->facts->has_feed = find_feed(rel);
    rel->facts->ways = count_ways(rel);
    rel->facts->is_resolved = true;
    return NULL;
}

Err *plan_resolve(Plan *plan, const Rel *rel)
{
    return rel_resolve(plan, rel);
}

static bool all_are_nothing(const Rel *rel)
{
    for (size_t i = 0; i < rel->input_count; i++) {
        if (!rel_is_nothing(rel->inputs[i])) return false;
    }
    return true;
}

bool rel_is_nothing(const Rel *rel)
{
    switch (rel->kind) {
    case REL_EMPTY: return true;
    case REL_SCAN: return rel->scan.file_count == 0;
    case REL_PASS:
    case REL_RETIME:
    case REL_PROJECT:
    case REL_RANGE:
    case REL_UNION:
    case REL_JOIN:
    case REL_SORT:
    case REL_BUCKET:
    case REL_BUCKET_OVER:
    case REL_PARTIALS: return all_are_nothing(rel);
    case REL_SYNTHETIC:
    case REL_ROWS:
    case REL_SQL: return false;
    }
    return false;
}

/* Inputs that hold nothing have no say in the schema, unless none holds anything. */
static size_t union_parts(const Rel *rel, UnionPart *parts)
{
    size_t count = 0;
    for (size_t i = 0; i < rel->input_count; i++) {
        const RelFacts *input = rel->inputs[i]->facts;
        bool is_last = i + 1 == rel->input_count;
        if (rel_is_nothing(rel->inputs[i]) && !(is_last && count == 0)) continue;
        parts[count++] = (UnionPart){.label = rel->inputs[i]->label,
                                     .schema = &input->schema,
                                     .time_index = input->time_index,
                                     .unit = input->time_unit};
    }
    return count;
}

Err *rel_resolve_union(const Rel *rel)
{
    SCRATCH(scratch);
    UnionPart *parts = AARRAY(scratch, UnionPart, rel->input_count);
    size_t count = union_parts(rel, parts);
    RelFacts *facts = rel->facts;
    facts->is_time_local = true;
    for (size_t i = 0; i < rel->input_count; i++) {
        const RelFacts *input = rel->inputs[i]->facts;
        facts->is_time_local = facts->is_time_local && input->is_time_local;
        facts->is_volatile = facts->is_volatile || input->is_volatile;
    }
    United united;
    TRY(ERR_WRAP(unite(rel->arena, parts, count, &united), "%s", rel->label));
    facts->schema = united.schema;
    facts->time_index = united.time_index;
    facts->time_unit = united.unit;
    facts->is_in_order = rel_in_order_for(rel, SPAN_ALL);
    return NULL;
}

/* ---- answers ---- */

const char *rel_label(const Rel *rel)
{
    return rel->label;
}

const Schema *rel_schema(const Rel *rel)
{
    return &rel->facts->schema;
}

ptrdiff_t rel_time_index(const Rel *rel)
{
    return rel->facts->time_index;
}

TimeUnit rel_time_unit(const Rel *rel)
{
    return rel->facts->time_unit;
}

const char *rel_fingerprint(const Rel *rel)
{
    return rel->facts->fingerprint;
}

bool rel_is_time_local(const Rel *rel)
{
    return rel->facts->is_time_local;
}

bool rel_is_volatile(const Rel *rel)
{
    return rel->facts->is_volatile;
}

bool rel_is_in_order(const Rel *rel)
{
    return rel->facts->is_in_order;
}
