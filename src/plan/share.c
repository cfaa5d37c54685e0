/* What several relations have in common below them, so that it can be run once for all.
 *
 * Shared are joins: they read many files and cost more than reading a scratch file. The topmost
 * ones are found that at least two of the relations read, by fingerprint. Of each only the columns
 * are run that its readers want; what replaces it has all columns again, so that places of columns
 * and everything else that was found out about the readers stay true, and reading one of the others
 * is an error. Below user SQL every column counts as wanted, which could read more than is saved:
 * what it reads is not shared. */
#include "plan/plan_int.h"
#include <string.h>

typedef struct Visit {
    const Rel *rel;
    bool *wanted; /* by column */
    size_t root;  /* last seen below; from 1 */
    size_t roots; /* how many relations read it */
    bool is_below_sql;
} Visit;

typedef struct Sharing {
    Arena *arena;
    Map visits; /* fingerprint -> Visit */
    size_t root;
    bool counts; /* the first pass: who reads what; the second: which columns */
} Sharing;

/* What changes nothing has the fingerprint of what is below, and is one visit with it. */
static const Rel *below_transparent(const Rel *rel)
{
    while (rel->input_count == 1 &&
           strcmp(rel->facts->fingerprint, rel->inputs[0]->facts->fingerprint) == 0)
        rel = rel->inputs[0];
    return rel;
}

static Visit *visit_of(Sharing *sharing, const Rel *rel)
{
    Visit *visit = map_get(&sharing->visits, rel->facts->fingerprint);
    if (visit != NULL) return visit;
    visit = ANEW(sharing->arena, Visit);
    visit->rel = rel;
    visit->wanted = AARRAY(sharing->arena, bool, rel->facts->schema.count + 1);
    map_put(&sharing->visits, rel->facts->fingerprint, visit);
    return visit;
}

static bool is_shared(const Visit *visit)
{
    return visit->rel->kind == REL_JOIN && visit->roots > 1 && !visit->is_below_sql &&
           !visit->rel->facts->is_volatile;
}

/* ---- who reads what ---- */

static void count_roots(Sharing *sharing, const Rel *rel, bool is_below_sql)
{
    rel = below_transparent(rel);
    Visit *visit = visit_of(sharing, rel);
    const bool is_news = visit->root != sharing->root || (is_below_sql && !visit->is_below_sql);
    visit->roots += visit->root != sharing->root;
    visit->root = sharing->root;
    visit->is_below_sql |= is_below_sql;
    if (!is_news) return;
    for (size_t i = 0; i < rel->input_count; i++)
        count_roots(sharing, rel->inputs[i], is_below_sql || rel->kind == REL_SQL);
}

/* ---- which columns ---- */

static void want(Sharing *sharing, const Rel *rel, const bool *wanted);

static void want_by_name(bool *wanted, const Rel *input, const char *name)
{
    ptrdiff_t column = name != NULL ? schema_find(&input->facts->schema, name) : -1;
    if (column >= 0) wanted[column] = true;
}

static void want_of_join(const Rel *rel, const bool *wanted, size_t side, bool *out)
{
    size_t column = 1;
    for (size_t i = 0; i <= side; i++) {
        const RelFacts *facts = rel->inputs[i]->facts;
        for (size_t j = 0; j < facts->schema.count; j++) {
            if ((ptrdiff_t)j == facts->time_index) continue;
            if (i == side) out[j] = wanted[column];
            column++;
        }
    }
}

static void want_of_input(const Rel *rel, const bool *wanted, size_t index, bool *out)
{
    const Rel *input = rel->inputs[index];
    const Schema *schema = &rel->facts->schema;
    switch (rel->kind) {
    case REL_PASS:
    case REL_RETIME:
    case REL_RANGE:
    case REL_SORT: memcpy(out, wanted, schema->count * sizeof *out); break;
    case REL_PROJECT:
        for (size_t i = 0; i < schema->count; i++)
            if (wanted[i]) want_by_name(out, input, rel->project.columns[i].source);
        break;
    case REL_UNION:
        for (size_t i = 0; i < schema->count; i++)
            if (wanted[i]) want_by_name(out, input, schema->columns[i].name);
        break;
    case REL_JOIN: want_of_join(rel, wanted, index, out); break;
    case REL_BUCKET:
    case REL_PARTIALS:
        for (size_t i = 0; i < rel->bucket->channels.n; i++)
            out[rel->bucket->channels.v[i].column] = true;
        break;
    case REL_EMPTY:
    case REL_SCAN:
    case REL_SYNTHETIC:
    case REL_ROWS:
    case REL_BUCKET_OVER:
    case REL_SQL: memset(out, true, input->facts->schema.count * sizeof *out); break;
    }
}

/* Goes below again only where more is wanted than before. */
static void want(Sharing *sharing, const Rel *rel, const bool *wanted)
{
    rel = below_transparent(rel);
    Visit *visit = visit_of(sharing, rel);
    const RelFacts *facts = rel->facts;
    bool is_news = visit->root != sharing->root;
    visit->root = sharing->root;
    for (size_t i = 0; i < facts->schema.count; i++) {
        const bool is_wanted = wanted[i] || (ptrdiff_t)i == facts->time_index ||
                               strcmp(facts->schema.columns[i].type, "\"NULL\"") == 0;
        is_news |= is_wanted && !visit->wanted[i];
        visit->wanted[i] |= is_wanted;
    }
    if (!is_news || is_shared(visit)) return;
    for (size_t i = 0; i < rel->input_count; i++) {
        bool *below = AARRAY(sharing->arena, bool, rel->inputs[i]->facts->schema.count + 1);
        want_of_input(rel, visit->wanted, i, below);
        want(sharing, rel->inputs[i], below);
    }
}

/* ---- answers ---- */

static Err *share(Arena *arena, const Visit *visit, RelShared *out)
{
    const RelFacts *facts = visit->rel->facts;
    ProjectColumn *columns = AARRAY(arena, ProjectColumn, facts->schema.count);
    size_t count = 0;
    for (size_t i = 0; i < facts->schema.count; i++) {
        const char *name = facts->schema.columns[i].name;
        if (visit->wanted[i]) columns[count++] = (ProjectColumn){.source = name, .name = name};
    }
    out->of = visit->rel;
    return rel_project(arena, visit->rel, columns, count, &out->rel);
}

Err *rel_share(Arena *arena, const Rel *const *rels, size_t count, RelShared **out,
               size_t *out_count)
{
    SCRATCH(scratch);
    Sharing sharing = {.arena = scratch, .visits = map_new(scratch)};
    VEC(RelShared) found = {0};
    for (size_t i = 0; i < count; i++) {
        sharing.root = i + 1;
        count_roots(&sharing, rels[i], false);
    }
    for (size_t i = 0; i < count; i++) {
        bool *all = AARRAY(scratch, bool, rels[i]->facts->schema.count + 1);
        memset(all, true, rels[i]->facts->schema.count * sizeof *all);
        sharing.root = count + i + 1;
        want(&sharing, rels[i], all);
    }
    for (size_t i = 0; i < sharing.visits.count; i++) {
        const Visit *visit = sharing.visits.entries[i].value;
        if (!is_shared(visit) || visit->root <= count) continue; /* not the topmost of any */
        vec_push(arena, &found, (RelShared){0});
        TRY(share(arena, visit, &found.v[found.n - 1]));
    }
    *out = found.v;
    *out_count = found.n;
    return NULL;
}

/* All columns of the shared relation over what was made of some of them. */
static Err *widened(Arena *arena, const RelShared *shared, const Rel **out)
{
    const Schema *schema = &shared->of->facts->schema;
    ProjectColumn *columns = AARRAY(arena, ProjectColumn, schema->count);
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        bool is_there = schema_find(&shared->rel->facts->schema, column->name) >= 0;
        columns[i] = (ProjectColumn){.source = is_there ? column->name : NULL,
                                     .name = column->name,
                                     .cast = is_there ? NULL : column->type,
                                     .is_absent = !is_there};
    }
    return rel_project(arena, shared->made, columns, schema->count, out);
}

static const Rel *replace(Arena *arena, const Rel *rel, Map *known)
{
    const Rel *instead = map_get(known, rel->facts->fingerprint);
    if (instead != NULL) return instead;
    const Rel **inputs = AARRAY(arena, const Rel *, rel->input_count + 1);
    bool is_same = true;
    for (size_t i = 0; i < rel->input_count; i++) {
        inputs[i] = replace(arena, rel->inputs[i], known);
        is_same = is_same && inputs[i] == rel->inputs[i];
    }
    if (!is_same) {
        Rel *copy = arena_memdup(arena, rel, sizeof *rel);
        copy->inputs = inputs;
        rel = copy;
    }
    map_put(known, rel->facts->fingerprint, (void *)(uintptr_t)rel);
    return rel;
}

Err *rel_replace(Plan *plan, Arena *arena, const Rel *rel, const RelShared *shared, size_t count,
                 const Rel **out)
{
    Map known = map_new(arena);
    for (size_t i = 0; i < count; i++) {
        const Rel *instead = NULL;
        TRY(widened(arena, &shared[i], &instead));
        TRY(plan_resolve(plan, instead));
        map_put(&known, shared[i].of->facts->fingerprint, (void *)(uintptr_t)instead);
    }
    *out = replace(arena, rel, &known);
    return NULL;
}
