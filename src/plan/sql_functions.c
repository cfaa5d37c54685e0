/* Functions that user SQL may call, by what their results follow from.
 *
 * The engine's catalog says which are aggregates and which are CONSISTENT; it takes 10 ms to list,
 * so that is done once a command. It does not say which aggregates depend on the order of rows, nor
 * anything about macros: these are listed here by what they do, and what is not listed is unknown.
 */
#include "plan/plan_int.h"
#include <ctype.h>
#include <string.h>

/* Aggregates whose result is the same for any order of rows. */
static const char *const SETS[] = {
    "count",    "count_star",    "count_if",      "countif", "min",        "max",
    "bool_and", "bool_or",       "bit_and",       "bit_or",  "bit_xor",    "median",
    "quantile", "quantile_cont", "quantile_disc", "mad",     "regr_count", "approx_count_distinct",
    NULL};
/* Those for which it counts: they take the first, join texts, or round after each row. */
static const char *const SEQUENCES[] = {
    "sum",      "avg",          "mean",       "favg",         "fsum",      "kahan_sum",
    "sumkahan", "stddev",       "stddev_pop", "stddev_samp",  "var_pop",   "var_samp",
    "variance", "sem",          "first",      "last",         "any_value", "arbitrary",
    "arg_max",  "arg_min",      "argmax",     "argmin",       "max_by",    "min_by",
    "list",     "array_agg",    "string_agg", "group_concat", "listagg",   "product",
    "corr",     "covar_pop",    "covar_samp", "regr_avgx",    "regr_avgy", "regr_intercept",
    "regr_r2",  "regr_slope",   "regr_sxx",   "regr_sxy",     "regr_syy",  "skewness",
    "kurtosis", "kurtosis_pop", "entropy",    "mode",         "histogram", NULL};
static const char *const ROW_MACROS[] = {"array_append",
                                         "array_pop_back",
                                         "array_pop_front",
                                         "array_prepend",
                                         "array_push_back",
                                         "array_push_front",
                                         "array_reverse",
                                         "array_to_string",
                                         "date_add",
                                         "days_in_month",
                                         "fdiv",
                                         "fmod",
                                         "json",
                                         "list_append",
                                         "list_avg",
                                         "list_count",
                                         "list_first",
                                         "list_last",
                                         "list_max",
                                         "list_median",
                                         "list_min",
                                         "list_prepend",
                                         "list_reverse",
                                         "list_sum",
                                         "map_contains_entry",
                                         "map_contains_value",
                                         "nullif",
                                         "round_even",
                                         "roundbankers",
                                         "split_part",
                                         NULL};
static const char *const SEQUENCE_MACROS[] = {"geomean", "geometric_mean", "wavg", "weighted_avg",
                                              NULL};

/* What the catalog says about all forms of one name together. */
typedef struct Entry {
    bool is_value, is_aggregate, is_consistent;
} Entry;

static const char QUERY[] =
    "SELECT function_name, bool_or(function_type IN ('scalar', 'aggregate')), "
    "bool_or(function_type "
    "= 'aggregate'), coalesce(bool_and(stability = 'CONSISTENT'), true) FROM duckdb_functions() "
    "GROUP BY function_name";

static bool is_in(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0) return true;
    }
    return false;
}

static void add_entry(Plan *plan, const Chunk *chunk, size_t row)
{
    size_t size;
    const char *bytes = engine_str(&chunk->vectors[0], row, &size);
    Entry *entry = ANEW(plan->arena, Entry);
    *entry = (Entry){.is_value = engine_int(&chunk->vectors[1], row) != 0,
                     .is_aggregate = engine_int(&chunk->vectors[2], row) != 0,
                     .is_consistent = engine_int(&chunk->vectors[3], row) != 0};
    map_put(&plan->functions, arena_strndup(plan->arena, bytes, size), entry);
}

Err *sql_functions_read(Plan *plan, Conn *conn)
{
    if (plan->functions.count > 0) return NULL;
    CLEANUP(engine_result_close_at) Result *result = NULL;
    TRY(engine_query(conn, QUERY, NULL, 0, &result));
    for (;;) {
        Chunk chunk;
        TRY(engine_next(result, &chunk));
        if (chunk.rows == 0) return NULL;
        for (size_t row = 0; row < chunk.rows; row++) add_entry(plan, &chunk, row);
    }
}

static char *lower(Arena *arena, const char *name)
{
    char *copy = arena_strdup(arena, name);
    for (char *p = copy; *p != '\0'; p++) *p = (char)tolower((unsigned char)*p);
    return copy;
}

bool sql_function_is_volatile(const Plan *plan, const char *name)
{
    SCRATCH(scratch);
    const Entry *entry = map_get(&plan->functions, lower(scratch, name));
    return entry != NULL && !entry->is_consistent;
}

FunctionKind sql_function_kind(const Plan *plan, const char *any_name)
{
    SCRATCH(scratch);
    const char *name = lower(scratch, any_name);
    const Entry *entry = map_get(&plan->functions, name);
    if (is_in(name, SETS)) return FUNCTION_SET;
    if (is_in(name, SEQUENCES) || is_in(name, SEQUENCE_MACROS)) return FUNCTION_SEQUENCE;
    const bool is_row = is_in(name, ROW_MACROS) || (entry != NULL && entry->is_value &&
                                                    !entry->is_aggregate && entry->is_consistent);
    return is_row ? FUNCTION_ROW : FUNCTION_UNKNOWN;
}
