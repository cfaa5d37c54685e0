/* The engine's profile as a PerfProfile. It is a tree: the root has the query's metrics, each node
 * below is an operator. Values are texts; an operator's EXTRA_INFO is a map printed as text,
 * {Key=value, 'Key'='it\'s'}, whose keys with two underscores are not meant for people.
 *
 * What is not taken from it: bytes and rows scanned are kept as claims only. */
#include "engine/engine_int.h"
#include "engine/profile_int.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- values ---- */

static char *take_text(Arena *arena, duckdb_value value)
{
    if (value == NULL) return NULL;
    char *given = ddb.get_varchar(value), *text = arena_strdup(arena, given);
    ddb.free(given);
    ddb.destroy_value(&value);
    return text;
}

static char *metric(Arena *arena, duckdb_profiling_info node, const char *key)
{
    return take_text(arena, ddb.profiling_info_get_value(node, key));
}

static double seconds_us(const char *text)
{
    return text != NULL ? strtod(text, NULL) * 1e6 : 0;
}

static uint64_t number(const char *text)
{
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* ---- EXTRA_INFO ---- */

/* One key or value, up to one of `ends`; in quotes where it holds signs of the map's own. */
static char *take_piece(Arena *arena, const char **at, const char *ends)
{
    Buf piece = buf_new(arena);
    const char *p = *at;
    if (*p != '\'') {
        size_t length = strcspn(p, ends);
        buf_add(&piece, p, length);
        *at = p + length;
        return piece.data;
    }
    for (p++; *p != '\0' && *p != '\''; p++) {
        if (*p == '\\' && p[1] != '\0') p++;
        buf_putc(&piece, *p);
    }
    *at = *p == '\'' ? p + 1 : p;
    return piece.data;
}

PlanInfo plan_info_of_text(Arena *arena, const char *text)
{
    PlanInfo info = {0};
    if (text == NULL || *text != '{') return info;
    for (const char *at = text + 1; *at != '\0' && *at != '}';) {
        PlanFact fact = {.key = take_piece(arena, &at, "=}")};
        if (*at == '=') at++;
        fact.value = take_piece(arena, &at, ",}");
        vec_push(arena, &info, fact);
        at += strspn(at, ", ");
    }
    return info;
}

const char *plan_info_get(const PlanInfo *info, const char *key)
{
    for (size_t i = 0; i < info->n; i++)
        if (strcmp(info->v[i].key, key) == 0) return info->v[i].value;
    return NULL;
}

/* ---- what an operator works on ---- */

/* What a scan filters by is not of the plan: a condition that always holds by the file's statistics
 * is dropped, and one that a scan cannot take over stands above it. */
static const struct {
    const char *key, *before;
    bool of_data;
} DETAILS[] = {
    {"Join Type", "", false},
    {"Conditions", "on ", false},
    {"Projections", "", false},
    {"__projections__", "", false},
    {"Expressions", "", false},
    {"__expression__", "", false},
    {"Expression", "", false},
    {"Filters", "where ", true},
    {"File Filters", "files where ", true},
    {"Scanning Files", "files ", true},
    {"Groups", "by ", false},
    {"Aggregates", "", false},
    {"__order_by__", "by ", false},
    {"Order By", "by ", false},
    {"Function", "from ", false},
};

static void put_lines(Buf *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\n')
            buf_puts(out, ", ");
        else
            buf_putc(out, *p);
    }
}

static const char *detail_of(Arena *arena, const char *name, const PlanInfo *info, bool with_data)
{
    Buf raw = buf_new(arena), detail = buf_new(arena);
    for (size_t i = 0; i < sizeof DETAILS / sizeof *DETAILS; i++) {
        const char *value = plan_info_get(info, DETAILS[i].key);
        if (value == NULL || *value == '\0' || strcmp(value, name) == 0) continue;
        if (DETAILS[i].of_data && !with_data) continue;
        if (raw.size > 0) buf_puts(&raw, "; ");
        buf_puts(&raw, DETAILS[i].before);
        put_lines(&raw, value);
    }
    engine_shape(raw.data, &detail);
    return detail.data;
}

const char *plan_info_detail(Arena *arena, const char *name, const PlanInfo *info)
{
    return detail_of(arena, name, info, true);
}

char *plan_operator_name(Arena *arena, const char *name)
{
    static const char FEED[] = "POND_FEED";
    return strncasecmp(name, FEED, strlen(FEED)) == 0 ? arena_strdup(arena, FEED)
                                                      : arena_strdup(arena, name);
}

/* ---- the columns that a scan reads ---- */

static void add_name(Map *names, const char *begin, size_t length)
{
    if (length > 0) (void)map_put(names, arena_strndup(names->arena, begin, length), names);
}

static const char *skip_literal(const char *at)
{
    char quote = *at++;
    while (*at != '\0' && *at != quote) at++;
    return *at != '\0' ? at + 1 : at;
}

static bool is_name_of_sql(const char *word, size_t length)
{
    static const char *const WORDS[] = {"AND",       "OR",   "NOT",  "IN",   "IS",    "NULL",
                                        "BETWEEN",   "CAST", "AS",   "true", "false", "optional",
                                        "TIMESTAMP", "WITH", "TIME", "ZONE", "DATE",  "INTERVAL"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strlen(WORDS[i]) == length && strncmp(WORDS[i], word, length) == 0) return true;
    return false;
}

/* Names in a condition that are no functions, types or words of SQL. */
static void add_names_of(Map *names, const char *condition)
{
    for (const char *at = condition; *at != '\0';) {
        if (*at == '\'') {
            at = skip_literal(at);
            continue;
        }
        size_t length = 0;
        while (isalnum((unsigned char)at[length]) || at[length] == '_') length++;
        bool is_type = at > condition && at[-1] == ':';
        bool is_name = length > 0 && !isdigit((unsigned char)*at) && at[length] != '(' &&
                       !is_type && !is_name_of_sql(at, length);
        if (is_name) add_name(names, at, length);
        at += length > 0 ? length : 1;
    }
}

static uint32_t columns_read(const PlanInfo *info)
{
    SCRATCH(scratch);
    Map names = map_new(scratch);
    const char *projected = plan_info_get(info, "Projections");
    const char *filters = plan_info_get(info, "Filters");
    for (const char *at = projected != NULL ? projected : ""; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        add_name(&names, at, length);
        at += length + (at[length] != '\0');
    }
    if (filters != NULL) add_names_of(&names, filters);
    return (uint32_t)names.count;
}

/* ---- conditions ---- */

/* Lines of a list of conditions; those called optional only help to skip, and stand above as well.
 */
static uint32_t count_conditions(const char *text)
{
    uint32_t count = 0;
    for (const char *at = text != NULL ? text : ""; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        if (length > 0 && strncmp(at, "optional:", strlen("optional:")) != 0) count++;
        at += length + (at[length] != '\0');
    }
    return count;
}

/* ---- the tree ---- */

typedef struct Walk {
    Arena *arena;
    PerfProfile *profile;
    VEC(PerfOperator) operators;
    bool wants_scans;
    FilteredScanVec scans;
    Buf plan; /* what is hashed */
} Walk;

static bool is_scan(const PlanInfo *info)
{
    return plan_info_get(info, "Filename(s)") != NULL ||
           plan_info_get(info, "Total Files Read") != NULL;
}

static void add_filtered(Walk *w, const PlanInfo *info)
{
    const char *filters = plan_info_get(info, "Filters"),
               *files = plan_info_get(info, "Filename(s)");
    if (filters == NULL || files == NULL || !w->wants_scans) return;
    uint64_t count = number(plan_info_get(info, "Total Files Read"));
    vec_push(w->arena, &w->scans, ((FilteredScan){filters, files, count}));
}

static void add_scan(PerfProfile *profile, const PlanInfo *info)
{
    const char *scanned =
        plan_info_get(info, "Scanning Files"); /* "1/8", where some were dropped */
    const char *of = scanned != NULL ? strchr(scanned, '/') : NULL;
    profile->scans++;
    profile->columns_read += columns_read(info);
    if (of == NULL) return;
    profile->files_read += (uint32_t)strtoul(scanned, NULL, 10);
    profile->files += (uint32_t)strtoul(of + 1, NULL, 10);
}

static void add_facts(PerfProfile *profile, const char *name, const PlanInfo *info)
{
    bool is_filter = strcmp(name, "FILTER") == 0;
    profile->joins += strstr(name, "JOIN") != NULL || strcmp(name, "CROSS_PRODUCT") == 0;
    profile->feeds += strcmp(name, "POND_FEED") == 0;
    profile->filters_left += is_filter ? 1 : 0;
    profile->filters_pushed += count_conditions(plan_info_get(info, "Filters")) +
                               count_conditions(plan_info_get(info, "File Filters"));
    if (is_scan(info)) add_scan(profile, info);
}

/* A LIMIT stops what is below it: there the rows say nothing about the estimate. */
static void add_estimate(PerfProfile *profile, const PerfOperator *op, bool is_cut)
{
    if (op->estimate < 0) return;
    double estimate = op->estimate > 0 ? (double)op->estimate : 1;
    double rows = op->rows > 0 ? (double)op->rows : 1;
    double error = estimate > rows ? estimate / rows : rows / estimate;
    profile->estimated_rows += (uint64_t)op->estimate;
    profile->real_rows += op->rows;
    if (!is_cut && error > profile->estimate_off) profile->estimate_off = error;
}

/* Columns made narrow before a sort or a join, and wide again: they come and go with the data. */
static bool is_packing(const PerfOperator *op)
{
    return strcmp(op->name, "PROJECTION") == 0 && strstr(op->detail, "__internal_") != NULL;
}

typedef struct Place {
    uint32_t depth, plan_depth; /* the second without operators that are not of the plan */
    bool is_cut;                /* below a LIMIT */
} Place;

static PerfOperator read_operator(Arena *arena, duckdb_profiling_info node, const char *given,
                                  const PlanInfo *info)
{
    const char *estimate = plan_info_get(info, "__estimated_cardinality__");
    return (PerfOperator){.name = plan_operator_name(arena, given),
                          .detail = plan_info_detail(arena, given, info),
                          .self_us = seconds_us(metric(arena, node, "OPERATOR_TIMING")),
                          .rows = number(metric(arena, node, "OPERATOR_CARDINALITY")),
                          .estimate = estimate != NULL ? strtoll(estimate, NULL, 10) : -1};
}

/* Whether rows of a feed come in here or below: the engine knows nothing of their number, its
 * estimates are no judgement. */
static bool walk(Walk *w, duckdb_profiling_info node, Place at)
{
    Arena *arena = w->arena;
    const char *given = metric(arena, node, "OPERATOR_NAME");
    if (given == NULL) given = "?";
    PlanInfo info = plan_info_of_text(arena, metric(arena, node, "EXTRA_INFO"));
    PerfOperator op = read_operator(arena, node, given, &info);
    op.depth = at.depth;
    bool is_of_plan = !is_packing(&op);
    if (is_of_plan)
        buf_printf(&w->plan, "%u %s %s\n", at.plan_depth, op.name,
                   detail_of(arena, given, &info, false));
    add_facts(w->profile, op.name, &info);
    add_filtered(w, &info);
    vec_push(arena, &w->operators, op);
    const Place below = {at.depth + 1, at.plan_depth + is_of_plan,
                         at.is_cut || strstr(op.name, "LIMIT") != NULL};
    bool is_fed = strcmp(op.name, "POND_FEED") == 0;
    idx_t count = ddb.profiling_info_get_child_count(node);
    for (idx_t i = 0; i < count; i++)
        is_fed = walk(w, ddb.profiling_info_get_child(node, i), below) || is_fed;
    if (!is_fed) add_estimate(w->profile, &op, at.is_cut);
    return is_fed;
}

/* ---- the root ---- */

static const char *pass_name(Arena *arena, const char *key)
{
    static const char PREFIX[] = "OPTIMIZER_";
    char *name = arena_strdup(arena, text_starts(key, PREFIX) ? key + strlen(PREFIX) : key);
    for (char *p = name; *p != '\0'; p++) *p = (char)tolower((unsigned char)*p);
    return name;
}

PassVec plan_passes(Arena *arena, duckdb_profiling_info root)
{
    PassVec passes = {0};
    duckdb_value metrics = ddb.profiling_info_get_metrics(root);
    idx_t count = metrics != NULL ? ddb.get_map_size(metrics) : 0;
    for (idx_t i = 0; i < count; i++) {
        const char *key = take_text(arena, ddb.get_map_key(metrics, i));
        if (!text_starts(key, "OPTIMIZER_") && !text_starts(key, "PLANNER_") &&
            !text_starts(key, "PHYSICAL_PLANNER_"))
            continue;
        double us = seconds_us(take_text(arena, ddb.get_map_value(metrics, i)));
        if (us > 0) vec_push(arena, &passes, ((PerfPass){pass_name(arena, key), us}));
    }
    if (metrics != NULL) ddb.destroy_value(&metrics);
    return passes;
}

/* Operators that read feeds hold the time of what runs inside. */
static void take_off_inner(const Walk *w, double inner_us)
{
    double fed_us = 0;
    for (size_t i = 0; i < w->operators.n; i++)
        if (strcmp(w->operators.v[i].name, "POND_FEED") == 0) fed_us += w->operators.v[i].self_us;
    double kept = fed_us > inner_us ? (fed_us - inner_us) / fed_us : 0;
    for (size_t i = 0; i < w->operators.n; i++)
        if (strcmp(w->operators.v[i].name, "POND_FEED") == 0) w->operators.v[i].self_us *= kept;
}

static void read_phases(Arena *arena, duckdb_profiling_info root, PerfProfile *out)
{
    PassVec passes = plan_passes(arena, root);
    out->optimizer_us = seconds_us(metric(arena, root, "ALL_OPTIMIZERS"));
    out->planning_us = seconds_us(metric(arena, root, "PLANNER")) + out->optimizer_us +
                       seconds_us(metric(arena, root, "PHYSICAL_PLANNER"));
    out->passes = passes.v;
    out->pass_count = passes.n;
}

bool profile_read(Arena *arena, const Profile *statement, double inner_us, PerfProfile *out)
{
    PerfProfile profile = {0};
    duckdb_profiling_info root = ddb.get_profiling_info(statement->conn->handle);
    idx_t count = root != NULL ? ddb.profiling_info_get_child_count(root) : 0;
    if (count == 0) return false;
    Walk w = {.arena = arena,
              .profile = &profile,
              .wants_scans = statement->has_phases,
              .plan = buf_new(arena)};
    for (idx_t i = 0; i < count; i++)
        (void)walk(&w, ddb.profiling_info_get_child(root, i), (Place){0});
    take_off_inner(&w, inner_us);
    if (statement->has_phases) read_phases(arena, root, &profile);
    profile.rows_scanned = number(metric(arena, root, "CUMULATIVE_ROWS_SCANNED"));
    profile.bytes_read = number(metric(arena, root, "TOTAL_BYTES_READ"));
    profile.plan = xxh64(w.plan.data, w.plan.size);
    profile.operators = w.operators.v;
    profile.operator_count = w.operators.n;
    row_groups_count(arena, statement, &w.scans, &profile);
    *out = profile;
    return true;
}
