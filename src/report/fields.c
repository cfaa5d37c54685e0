/* The tables behind fields.h. Order is that of JSON and of SQL columns. */
#include "perf/ops.h"
#include "report/report_int.h"

#define AT(Type, member) offsetof(Type, member)

static const Field RUN[] = {
    {"id", FIELD_TEXT, AT(Run, id), 0, false, "16 hex digits"},
    {"command", FIELD_TEXT, AT(Run, command), 0, false, "the command line, without secrets"},
    {"version", FIELD_WORD, AT(Run, version), 0, false, "of pond"},
    {"host", FIELD_TEXT, AT(Run, host), 0, false, "its name"},
    {"level", FIELD_WORD, AT(Run, level), 0, false, "of recording: counts, spans or detail"},
    {"toggles_off", FIELD_TEXT, AT(Run, toggles_off), 0, false,
     "optimisations that were off: all, or names with commas"},
    {"pid", FIELD_INT, AT(Run, pid), 0, false, "process id"},
    {"begun_us", FIELD_TIME, AT(Run, begun), 0, false, "when it began"},
    {"duration_us", FIELD_INT, AT(Run, duration_us), -1, false,
     "from its begin to the record, in microseconds"},
    {"user_us", FIELD_INT, AT(Run, user_us), -1, false, "processor time outside of the kernel"},
    {"system_us", FIELD_INT, AT(Run, system_us), -1, false, "processor time in the kernel"},
    {"peak_bytes", FIELD_INT, AT(Run, peak_bytes), 0, false, "most memory at once"},
    {"status", FIELD_INT, AT(Run, status), INT64_MIN, false, "exit status; -1 killed"},
    {"files_left_out", FIELD_UINT, AT(Run, files_left_out), 0, false,
     "opens of files beyond those listed"},
    {"queries_left_out", FIELD_UINT, AT(Run, queries_left_out), 0, false,
     "statements of shapes beyond those listed"},
    {"spans", FIELD_UINT, AT(Run, spans), 0, false, "spans held in rings at the end"},
    {"spans_dropped", FIELD_UINT, AT(Run, spans_dropped), 0, false,
     "spans overwritten before that"},
    {"rings", FIELD_UINT, AT(Run, rings), 0, false, "threads that recorded spans"},
    {"rings_anonymous", FIELD_UINT, AT(Run, rings_anonymous), 0, false, "of them, in memory only"},
};

static const Field OP[] = {
    {"name", FIELD_WORD, AT(RunOp, name), 0, false, "of the operation: pond perf ops"},
    {"layer", FIELD_WORD, AT(RunOp, layer), 0, false, "which of the layers"},
    {"unit", FIELD_WORD, AT(RunOp, unit), 0, false, "time, fine, count, rows or bytes"},
    {"count", FIELD_UINT, AT(RunOp, count), 0, false, "calls, rows or bytes"},
    {"timed", FIELD_UINT, AT(RunOp, timed), 0, true, "calls that were timed"},
    {"total_ms", FIELD_REAL, AT(RunOp, total_ms), 0, true,
     "of all calls, scaled up where they are sampled"},
    {"mean_us", FIELD_REAL, AT(RunOp, mean_us), 0, true, "of the timed calls"},
    {"min_us", FIELD_REAL, AT(RunOp, min_us), 0, true, "shortest"},
    {"p50_us", FIELD_REAL, AT(RunOp, p50_us), 0, true, "median, at most 1.1 % off"},
    {"p90_us", FIELD_REAL, AT(RunOp, p90_us), 0, true, "quantile 0.9"},
    {"p99_us", FIELD_REAL, AT(RunOp, p99_us), 0, true, "quantile 0.99"},
    {"max_us", FIELD_REAL, AT(RunOp, max_us), 0, true, "longest"},
    {"keyed", FIELD_UINT, AT(RunOp, keyed), 0, false, "calls with a key"},
    {"keys", FIELD_UINT, AT(RunOp, keys), 0, false, "distinct keys"},
    {"per_key", FIELD_REAL, AT(RunOp, per_key), 0, false, "calls by distinct key"},
    {"most_of_one_key", FIELD_UINT, AT(RunOp, most), 0, false, "calls of the key asked most"},
    {"keys_sampled_1_in", FIELD_UINT, AT(RunOp, keys_sampled_1_in), 1, false, "1: keys are exact"},
    {"hist", FIELD_HIST, AT(RunOp, hist), 0, false, "of the times"},
};

static const Field IO[] = {
    {"origin", FIELD_WORD, AT(RunIo, origin), 0, false, "pond or engine"},
    {"class", FIELD_WORD, AT(RunIo, class), 0, false, "what the files are"},
    {"op", FIELD_WORD, AT(RunIo, op), 0, false, "the file call"},
    {"calls", FIELD_UINT, AT(RunIo, calls), 0, false, "how many"},
    {"bytes", FIELD_UINT, AT(RunIo, bytes), 0, false, "read or written"},
};

static const Field A_FILE[] = {
    {"path", FIELD_TEXT, AT(RunFile, path), 0, false, "absolute"},
    {"class", FIELD_WORD, AT(RunFile, class), 0, false, "what the file is"},
    {"opens", FIELD_UINT, AT(RunFile, opens), 0, false, "how often opened"},
    {"reads", FIELD_UINT, AT(RunFile, reads), 0, false, "calls"},
    {"read_bytes", FIELD_UINT, AT(RunFile, read_bytes), 0, false, "in them"},
    {"footer_reads", FIELD_UINT, AT(RunFile, footers), 0, false,
     "openings by the engine that read its footer"},
    {"writes", FIELD_UINT, AT(RunFile, writes), 0, false, "calls"},
    {"written_bytes", FIELD_UINT, AT(RunFile, written_bytes), 0, false, "in them"},
    {"size_bytes", FIELD_INT, AT(RunFile, size_bytes), -1, false, "as last seen"},
    {"total_ms", FIELD_REAL, AT(RunFile, total_ms), 0, false, "in reads and writes"},
};

static const Field CACHE[] = {
    {"name", FIELD_WORD, AT(RunCache, name), 0, false, "of the cache"},
    {"layer", FIELD_WORD, AT(RunCache, layer), 0, false, "which of the layers"},
    {"text", FIELD_WORD, AT(RunCache, text), 0, false, "what it keeps"},
    {"asked", FIELD_UINT, AT(RunCache, asked), INT64_MIN, false, "lookups"},
    {"hits", FIELD_UINT, AT(RunCache, hits), INT64_MIN, false, "found"},
    {"misses", FIELD_UINT, AT(RunCache, misses), INT64_MIN, false, "not found"},
    {"fetches", FIELD_UINT, AT(RunCache, fetches), 0, false, "loads from the layer below"},
    {"evictions", FIELD_UINT, AT(RunCache, evictions), 0, false, "let go for want of room"},
    {"ghost_hits", FIELD_UINT, AT(RunCache, ghost_hits), 0, false,
     "misses on what was let go before"},
    {"held_bytes", FIELD_INT, AT(RunCache, held_bytes), 0, false, "the most at once, where known"},
    {"access_us", FIELD_REAL, AT(RunCache, access_us), 0, false, "mean of a look-up; a sample"},
    {"access_p99_us", FIELD_REAL, AT(RunCache, access_p99_us), 0, false, "quantile 0.99"},
    {"load_us", FIELD_REAL, AT(RunCache, load_us), 0, false, "mean of a fetch"},
    {"load_p99_us", FIELD_REAL, AT(RunCache, load_p99_us), 0, false, "quantile 0.99"},
    {"saved_ms", FIELD_REAL, AT(RunCache, saved_ms), 0, false, "hits x (load - access)"},
    {"access_hist", FIELD_HIST, AT(RunCache, access), 0, false, "of the look-ups"},
    {"load_hist", FIELD_HIST, AT(RunCache, load), 0, false, "of the fetches"},
};

static const Field QUERY[] = {
    {"shape", FIELD_TEXT, AT(RunQuery, shape), 0, false, "hash of the text: 16 hex digits"},
    {"plan", FIELD_TEXT, AT(RunQuery, plan), 0, false, "hash of the physical plan; none profiled"},
    {"plan_before", FIELD_TEXT, AT(RunQuery, plan_before), 0, false,
     "what the shape had in the run before, where that was another"},
    {"text", FIELD_TEXT, AT(RunQuery, text), 0, false, "the statement without literals"},
    {"calls", FIELD_UINT, AT(RunQuery, calls), 0, false, "statements"},
    {"failed", FIELD_UINT, AT(RunQuery, failed), 0, false, "of them, that ended with an error"},
    {"profiled", FIELD_UINT, AT(RunQuery, profiled), 0, false, "of them, with a profile"},
    {"asked", FIELD_UINT, AT(RunQuery, asked), 0, false, "of them, that were to be profiled"},
    {"plan_changes", FIELD_UINT, AT(RunQuery, plan_changes), 0, false,
     "profiles whose plan was not that of the one before"},
    {"total_ms", FIELD_REAL, AT(RunQuery, total_ms), 0, false,
     "in the engine, without statements inside"},
    {"inner_ms", FIELD_REAL, AT(RunQuery, inner_ms), 0, false, "in statements inside"},
    {"max_ms", FIELD_REAL, AT(RunQuery, max_ms), 0, false, "of the longest, with those inside"},
    {"cells_most", FIELD_UINT, AT(RunQuery, cells_most), 0, false,
     "of the heaviest: rows x columns scanned, and rows given"},
    {"profiled_ms", FIELD_REAL, AT(RunQuery, profiled_ms), 0, false, "total of those profiled"},
    {"planning_ms", FIELD_REAL, AT(RunQuery, planning_ms), 0, false, "of that, in planning"},
    {"optimizer_ms", FIELD_REAL, AT(RunQuery, optimizer_ms), 0, false, "of that, in the optimizer"},
    {"rows", FIELD_UINT, AT(RunQuery, rows), 0, false, "given out"},
    {"read_bytes", FIELD_UINT, AT(RunQuery, read_bytes), 0, false, "by the engine's file calls"},
    {"sql_bytes", FIELD_UINT, AT(RunQuery, sql_bytes), 0, false, "length of the longest text"},
    {"versions", FIELD_UINT, AT(RunQuery, versions), 0, false, "that scans knew"},
    {"versions_read", FIELD_UINT, AT(RunQuery, versions_read), 0, false,
     "left after pruning by time"},
    {"source_rows", FIELD_UINT, AT(RunQuery, source_rows), 0, false,
     "of the versions read, by the catalog"},
    {"source_bytes", FIELD_UINT, AT(RunQuery, source_bytes), 0, false, "size of the versions read"},
    {"profiled_rows", FIELD_UINT, AT(RunQuery, profiled_rows), 0, false,
     "source_rows of those profiled"},
    {"profiled_bytes", FIELD_UINT, AT(RunQuery, profiled_bytes), 0, false,
     "read_bytes of those profiled"},
    {"claimed_rows", FIELD_UINT, AT(RunQuery, claimed_rows), 0, false,
     "scanned by those profiled, as the engine tells"},
    {"claimed_bytes", FIELD_UINT, AT(RunQuery, claimed_bytes), 0, false,
     "read by those profiled, as the engine tells"},
    {"estimate_off", FIELD_REAL, AT(RunQuery, estimate_off), 0, false,
     "of the worst operator: greater by smaller of rows estimated and real"},
    {"estimated_rows", FIELD_UINT, AT(RunQuery, estimated_rows), 0, false,
     "of all operators: the plan's estimated cost"},
    {"real_rows", FIELD_UINT, AT(RunQuery, real_rows), 0, false, "of the same"},
    {"operators", FIELD_UINT, AT(RunQuery, operators), 0, false, "of the plan"},
    {"joins", FIELD_UINT, AT(RunQuery, joins), 0, false, "of the plan"},
    {"scans", FIELD_UINT, AT(RunQuery, scans), 0, false, "of files"},
    {"feeds", FIELD_UINT, AT(RunQuery, feeds), 0, false, "scans of rows that pond computes"},
    {"files", FIELD_UINT, AT(RunQuery, files), 0, false, "of scans that dropped some by name"},
    {"files_read", FIELD_UINT, AT(RunQuery, files_read), 0, false, "left of them"},
    {"filters_pushed", FIELD_UINT, AT(RunQuery, filters_pushed), 0, false, "conditions in scans"},
    {"filters_left", FIELD_UINT, AT(RunQuery, filters_left), 0, false, "filters above scans"},
    {"row_groups", FIELD_UINT, AT(RunQuery, row_groups), 0, false,
     "of scans with conditions, where footers were asked"},
    {"row_groups_skipped", FIELD_UINT, AT(RunQuery, row_groups_skipped), 0, false,
     "of them, by their statistics"},
    {"columns", FIELD_UINT, AT(RunQuery, columns), 0, false, "of the files scanned"},
    {"columns_read", FIELD_UINT, AT(RunQuery, columns_read), 0, false, "of them, by scans"},
    {"logical", FIELD_TEXT, AT(RunQuery, logical), 0, false, "plan, as bound"},
    {"optimized", FIELD_TEXT, AT(RunQuery, optimized), 0, false, "plan, as optimised"},
    {"physical", FIELD_TEXT, AT(RunQuery, physical), 0, false, "plan, as it runs"},
};

static const Field OPERATOR[] = {
    {"shape", FIELD_TEXT, AT(RunOperator, shape), 0, false, "of its statement"},
    {"name", FIELD_TEXT, AT(RunOperator, name), 0, false, "of the operator"},
    {"detail", FIELD_TEXT, AT(RunOperator, detail), 0, false, "what it works on"},
    {"depth", FIELD_UINT, AT(RunOperator, depth), 0, false, "0 at the root"},
    {"rows", FIELD_UINT, AT(RunOperator, rows), 0, false, "that it gave"},
    {"estimate", FIELD_INT, AT(RunOperator, estimate), -1, false, "rows expected; -1 none"},
    {"self_ms", FIELD_REAL, AT(RunOperator, self_ms), 0, false, "without those below"},
};

static const Field PASS[] = {
    {"shape", FIELD_TEXT, AT(RunPass, shape), 0, false, "of its statement"},
    {"name", FIELD_TEXT, AT(RunPass, name), 0, false, "phase of planning or optimizer pass"},
    {"ms", FIELD_REAL, AT(RunPass, ms), 0, false, "time; what took under 1 % is in others"},
};

static const Field ALARM[] = {
    {"name", FIELD_TEXT, AT(RunAlarm, name), 0, false, "of the figure of work"},
    {"value", FIELD_REAL, AT(RunAlarm, value), 0, false, "in this run"},
    {"most", FIELD_REAL, AT(RunAlarm, most), 0, false, "the upper end of the range"},
    {"runs", FIELD_UINT, AT(RunAlarm, runs), 0, false, "that the range comes from; 0 any run"},
    {"cause", FIELD_TEXT, AT(RunAlarm, cause), 0, false, "what it may mean"},
    {"command", FIELD_TEXT, AT(RunAlarm, command), 0, false, "what shows more"},
};

static const Field TARGET[] = {
    {"target", FIELD_TEXT, AT(RunTarget, target), 0, false, "path in the pond"},
    {"targets", FIELD_UINT, AT(RunTarget, targets), 1, false, "how many stand together"},
    {"files", FIELD_UINT, AT(RunTarget, files), 0, false, "in OUT"},
    {"rows", FIELD_INT, AT(RunTarget, rows), -1, false, "-1: raw data"},
    {"bytes", FIELD_UINT, AT(RunTarget, bytes), 0, false, "of the files"},
    {"total_ms", FIELD_REAL, AT(RunTarget, total_ms), 0, false, "the sum of the following"},
    {"context_ms", FIELD_REAL, AT(RunTarget, context_ms), 0, false, "connections to the engine"},
    {"registration_ms", FIELD_REAL, AT(RunTarget, registration_ms), 0, false,
     "relation trees, tables and views made known"},
    {"planning_ms", FIELD_REAL, AT(RunTarget, planning_ms), 0, false, "schemas and statements"},
    {"execution_ms", FIELD_REAL, AT(RunTarget, execution_ms), 0, false, "running and writing"},
    {"traversal_ms", FIELD_REAL, AT(RunTarget, traversal_ms), 0, false,
     "walking names of the pond and of OUT"},
    {"metadata_ms", FIELD_REAL, AT(RunTarget, metadata_ms), 0, false,
     "hashes, fingerprints, the catalogue"},
};

static const Field WORK[] = {
    {"name", FIELD_WORD, AT(RunWork, name), 0, false, "what was done"},
    {"threads", FIELD_UINT, AT(RunWork, threads), 0, false, "workers"},
    {"busy_most", FIELD_UINT, AT(RunWork, busy_most), 0, false, "of them busy at once, at most"},
    {"busy_mean", FIELD_REAL, AT(RunWork, busy_mean), 0, false, "on average"},
    {"jobs", FIELD_UINT, AT(RunWork, jobs), 0, false, "pieces of work"},
    {"busy_ms", FIELD_REAL, AT(RunWork, busy_ms), 0, false, "of all workers together"},
    {"wall_ms", FIELD_REAL, AT(RunWork, wall_ms), 0, false, "from begin to end"},
    {"written_bytes", FIELD_UINT, AT(RunWork, written_bytes), 0, false, "meanwhile"},
    {"bytes_per_s", FIELD_REAL, AT(RunWork, bytes_per_s), 0, false, "written, by the wall"},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define LIST(key, text, fields, Item, items, count)                                                \
    {                                                                                              \
        key, text, fields, COUNT(fields), sizeof(Item), AT(Run, items), AT(Run, count)             \
    }

const Section RUN_SECTIONS[] = {
    {NULL, "the commands that ran on this pond, as far back as the history goes", RUN, COUNT(RUN),
     sizeof(Run), 0, 0},
    LIST("ops", "what each run did: operations that happened", OP, RunOp, ops, op_count),
    LIST("caches", "what was asked of caches in each run", CACHE, RunCache, caches, cache_count),
    LIST("io", "file calls of each run, by whom and on what", IO, RunIo, io, io_count),
    LIST("files", "files of each run, the 64 with the most bytes", A_FILE, RunFile, files,
         file_count),
    LIST("queries", "statements of the engine in each run, by shape", QUERY, RunQuery, queries,
         query_count),
    LIST("operators", "operators of the statements that were profiled", OPERATOR, RunOperator,
         operators, operator_count),
    LIST("passes", "phases of planning and optimizer passes of the statements that were profiled",
         PASS, RunPass, passes, pass_count),
    LIST("alarms", "figures of work out of their usual range", ALARM, RunAlarm, alarms,
         alarm_count),
    LIST("targets", "where the time of each export's targets went, the 64 longest", TARGET,
         RunTarget, targets, target_count),
    LIST("work", "how busy workers were, and what they wrote", WORK, RunWork, work, work_count),
};
const size_t RUN_SECTION_COUNT = COUNT(RUN_SECTIONS);

size_t run_items(const Section *section, const Run *run)
{
    return section->key == NULL ? 1 : *(const size_t *)((const char *)run + section->count_at);
}

const void *run_item(const Section *section, const Run *run, size_t index)
{
    if (section->key == NULL) return run;
    const char *items = *(const char *const *)((const char *)run + section->items_at);
    return items + index * section->item_bytes;
}

void run_word(Map *words, const char *word)
{
    if (map_has(words, word)) return;
    size_t *number = ANEW(words->arena, size_t);
    *number = words->count + 1;
    (void)map_put(words, word, number);
}

void run_words(Map *words)
{
    for (size_t i = 0; i < PERF_OP_COUNT; i++) {
        const PerfOpInfo *info = perf_op_at(i);
        run_word(words, info->name);
        run_word(words, info->layer);
        run_word(words, info->unit);
    }
    for (int class = 0; class < OS_CLASS_COUNT; class ++)
        run_word(words, os_class_name((OsClass) class));
    for (int op = 0; op < OS_OP_COUNT; op++) run_word(words, os_op_name((OsOp)op));
    for (int level = PERF_OFF; level <= PERF_DETAIL; level++)
        run_word(words, perf_level_name((PerfLevel)level));
    run_word(words, RUN_BY_POND);
    run_word(words, RUN_BY_ENGINE);
    run_word(words, POND_VERSION);
    run_cache_words(words);
}
