/* A Run as JSON and back. One shape for `perf report --json`, --stats with --json and the history;
 * numbers that were not measured are left out. Members are listed once, in tables, for both ways.
 */
#include "report/report_int.h"
#include <stddef.h>
#include <string.h>

typedef enum FieldKind { FIELD_TEXT, FIELD_INT, FIELD_UINT, FIELD_REAL } FieldKind;

typedef struct Field {
    const char *key;
    FieldKind kind;
    size_t at;
    int64_t otherwise; /* a number that is not written, and read when it is not there */
} Field;

#define AT(Type, member) offsetof(Type, member)
static const Field RUN[] = {
    {"id", FIELD_TEXT, AT(Run, id), 0},
    {"command", FIELD_TEXT, AT(Run, command), 0},
    {"version", FIELD_TEXT, AT(Run, version), 0},
    {"host", FIELD_TEXT, AT(Run, host), 0},
    {"level", FIELD_TEXT, AT(Run, level), 0},
    {"pid", FIELD_INT, AT(Run, pid), 0},
    {"begun_us", FIELD_INT, AT(Run, begun), 0},
    {"duration_us", FIELD_INT, AT(Run, duration_us), -1},
    {"user_us", FIELD_INT, AT(Run, user_us), -1},
    {"system_us", FIELD_INT, AT(Run, system_us), -1},
    {"peak_bytes", FIELD_INT, AT(Run, peak_bytes), 0},
    {"status", FIELD_INT, AT(Run, status), INT64_MIN},
    {"files_left_out", FIELD_UINT, AT(Run, files_left_out), 0},
    {"spans", FIELD_UINT, AT(Run, spans), 0},
    {"spans_dropped", FIELD_UINT, AT(Run, spans_dropped), 0},
    {"rings", FIELD_UINT, AT(Run, rings), 0},
    {"rings_anonymous", FIELD_UINT, AT(Run, rings_anonymous), 0},
};
static const Field OP[] = {
    {"name", FIELD_TEXT, AT(RunOp, name), 0},
    {"layer", FIELD_TEXT, AT(RunOp, layer), 0},
    {"unit", FIELD_TEXT, AT(RunOp, unit), 0},
    {"count", FIELD_UINT, AT(RunOp, count), 0},
    {"timed", FIELD_UINT, AT(RunOp, timed), 0},
    {"total_ms", FIELD_REAL, AT(RunOp, total_ms), 0},
    {"mean_us", FIELD_REAL, AT(RunOp, mean_us), 0},
    {"min_us", FIELD_REAL, AT(RunOp, min_us), 0},
    {"p50_us", FIELD_REAL, AT(RunOp, p50_us), 0},
    {"p90_us", FIELD_REAL, AT(RunOp, p90_us), 0},
    {"p99_us", FIELD_REAL, AT(RunOp, p99_us), 0},
    {"max_us", FIELD_REAL, AT(RunOp, max_us), 0},
    {"keyed", FIELD_UINT, AT(RunOp, keyed), 0},
    {"keys", FIELD_UINT, AT(RunOp, keys), 0},
    {"per_key", FIELD_REAL, AT(RunOp, per_key), 0},
    {"most_of_one_key", FIELD_UINT, AT(RunOp, most), 0},
    {"keys_sampled_1_in", FIELD_UINT, AT(RunOp, keys_sampled_1_in), 1},
};
static const Field IO[] = {
    {"origin", FIELD_TEXT, AT(RunIo, origin), 0}, {"class", FIELD_TEXT, AT(RunIo, class), 0},
    {"op", FIELD_TEXT, AT(RunIo, op), 0},         {"calls", FIELD_UINT, AT(RunIo, calls), 0},
    {"bytes", FIELD_UINT, AT(RunIo, bytes), 0},
};
static const Field A_FILE[] = {
    {"path", FIELD_TEXT, AT(RunFile, path), 0},
    {"class", FIELD_TEXT, AT(RunFile, class), 0},
    {"opens", FIELD_UINT, AT(RunFile, opens), 0},
    {"reads", FIELD_UINT, AT(RunFile, reads), 0},
    {"read_bytes", FIELD_UINT, AT(RunFile, read_bytes), 0},
    {"footer_reads", FIELD_UINT, AT(RunFile, footers), 0},
    {"writes", FIELD_UINT, AT(RunFile, writes), 0},
    {"written_bytes", FIELD_UINT, AT(RunFile, written_bytes), 0},
    {"size_bytes", FIELD_INT, AT(RunFile, size_bytes), -1},
    {"total_ms", FIELD_REAL, AT(RunFile, total_ms), 0},
};
static const Field CACHE[] = {
    {"name", FIELD_TEXT, AT(RunCache, name), 0},
    {"layer", FIELD_TEXT, AT(RunCache, layer), 0},
    {"text", FIELD_TEXT, AT(RunCache, text), 0},
    {"asked", FIELD_UINT, AT(RunCache, asked), INT64_MIN},
    {"hits", FIELD_UINT, AT(RunCache, hits), INT64_MIN},
    {"misses", FIELD_UINT, AT(RunCache, misses), INT64_MIN},
    {"load_us", FIELD_REAL, AT(RunCache, load_us), 0},
    {"saved_ms", FIELD_REAL, AT(RunCache, saved_ms), 0},
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- out ---- */

static void put_real(JsonOut *json, const char *key, double value)
{
    char text[32];
    if (value == 0) return;
    (void)snprintf(text, sizeof text, "%.6g", value); /* more digits would pretend */
    json_key(json, key);
    json_put_raw(json, text);
}

static void put_fields(JsonOut *json, const Field *fields, size_t count, const void *from)
{
    for (size_t i = 0; i < count; i++) {
        const void *at = (const char *)from + fields[i].at;
        if (fields[i].kind == FIELD_TEXT) {
            json_kv_str(json, fields[i].key, *(const char *const *)at);
        } else if (fields[i].kind == FIELD_REAL) {
            put_real(json, fields[i].key, *(const double *)at);
        } else {
            int64_t value = *(const int64_t *)at; /* counts above 2^63 do not happen */
            if (value != fields[i].otherwise) json_kv_int(json, fields[i].key, value);
        }
    }
}

/* The buckets that are not empty: [index, count, ...]. */
static void put_hist(JsonOut *json, const PerfHist *hist)
{
    json_key(json, "hist");
    json_begin_object(json);
    put_real(json, "ns_per_tick", hist->ns_per_tick);
    put_real(json, "sum_ns", hist->sum_ns);
    put_real(json, "min_ns", hist->min_ns);
    put_real(json, "max_ns", hist->max_ns);
    json_key(json, "buckets");
    json_begin_array(json);
    for (int i = 0; i < PERF_BUCKETS; i++) {
        if (hist->buckets[i] == 0) continue;
        json_put_int(json, i);
        json_put_int(json, (int64_t)hist->buckets[i]);
    }
    json_end(json);
    json_end(json);
}

static void put_ops(JsonOut *json, const Run *run)
{
    json_key(json, "ops");
    json_begin_array(json);
    for (size_t i = 0; i < run->op_count; i++) {
        json_begin_object(json);
        put_fields(json, OP, COUNT(OP), &run->ops[i]);
        if (run->ops[i].hist != NULL) put_hist(json, run->ops[i].hist);
        json_end(json);
    }
    json_end(json);
}

static void put_list(JsonOut *json, const char *key, const Field *fields, size_t field_count,
                     const void *items, size_t item_bytes, size_t count)
{
    json_key(json, key);
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(json);
        put_fields(json, fields, field_count, (const char *)items + i * item_bytes);
        json_end(json);
    }
    json_end(json);
}

void run_to_json(JsonOut *json, const Run *run)
{
    json_begin_object(json);
    json_kv_int(json, "pond", 1);
    put_fields(json, RUN, COUNT(RUN), run);
    put_ops(json, run);
    put_list(json, "caches", CACHE, COUNT(CACHE), run->caches, sizeof *run->caches,
             run->cache_count);
    put_list(json, "io", IO, COUNT(IO), run->io, sizeof *run->io, run->io_count);
    put_list(json, "files", A_FILE, COUNT(A_FILE), run->files, sizeof *run->files, run->file_count);
    json_end(json);
}

/* ---- in ---- */

static void get_fields(const Json *json, const Field *fields, size_t count, void *to)
{
    for (size_t i = 0; i < count; i++) {
        char *at = (char *)to + fields[i].at;
        const Json *value = json_get(json, fields[i].key);
        bool is_number = value != NULL && (value->kind == JSON_INT || value->kind == JSON_DOUBLE);
        if (fields[i].kind == FIELD_TEXT) {
            const char *text = json_str(json, fields[i].key, "");
            memcpy(at, &text, sizeof text);
        } else if (fields[i].kind == FIELD_REAL) {
            double number = is_number ? value->number : 0;
            memcpy(at, &number, sizeof number);
        } else {
            int64_t number = json_int(json, fields[i].key, fields[i].otherwise);
            memcpy(at, &number, sizeof number);
        }
    }
}

static void *get_list(Arena *arena, const Json *run, const char *key, const Field *fields,
                      size_t field_count, size_t item_bytes, size_t *out_count)
{
    const Json *list = json_get(run, key);
    *out_count = list != NULL && list->kind == JSON_ARRAY ? list->count : 0;
    char *items = arena_alloc(arena, (*out_count + 1) * item_bytes);
    for (size_t i = 0; i < *out_count; i++)
        get_fields(&list->items[i], fields, field_count, items + i * item_bytes);
    return items;
}

static double real_of(const Json *json, const char *key)
{
    const Json *value = json_get(json, key);
    return value != NULL && (value->kind == JSON_INT || value->kind == JSON_DOUBLE) ? value->number
                                                                                    : 0;
}

/* NULL when it has none, or one that makes no sense. */
static PerfHist *get_hist(Arena *arena, const Json *op)
{
    const Json *json = json_get(op, "hist"), *buckets = json_get(json, "buckets");
    if (buckets == NULL || buckets->kind != JSON_ARRAY || buckets->count % 2 != 0) return NULL;
    PerfHist *hist = ANEW(arena, PerfHist);
    hist->ns_per_tick = real_of(json, "ns_per_tick");
    hist->sum_ns = real_of(json, "sum_ns");
    hist->min_ns = real_of(json, "min_ns");
    hist->max_ns = real_of(json, "max_ns");
    for (size_t i = 0; i < buckets->count; i += 2) {
        int64_t index = buckets->items[i].integer, n = buckets->items[i + 1].integer;
        if (index < 0 || index >= PERF_BUCKETS || n < 0) return NULL;
        hist->buckets[index] += (uint64_t)n;
        hist->count += (uint64_t)n;
    }
    return hist->count > 0 && hist->ns_per_tick > 0 ? hist : NULL;
}

Err *run_from_json(Arena *arena, const Json *json, Run *out)
{
    Run run = {0};
    if (json == NULL || json->kind != JSON_OBJECT || json_int(json, "pond", 0) != 1)
        return ERR(INVALID, "not the record of a run");
    get_fields(json, RUN, COUNT(RUN), &run);
    run.ops = get_list(arena, json, "ops", OP, COUNT(OP), sizeof *run.ops, &run.op_count);
    for (size_t i = 0; i < run.op_count; i++)
        run.ops[i].hist = get_hist(arena, &json_get(json, "ops")->items[i]);
    run.caches =
        get_list(arena, json, "caches", CACHE, COUNT(CACHE), sizeof *run.caches, &run.cache_count);
    run.io = get_list(arena, json, "io", IO, COUNT(IO), sizeof *run.io, &run.io_count);
    run.files =
        get_list(arena, json, "files", A_FILE, COUNT(A_FILE), sizeof *run.files, &run.file_count);
    *out = run;
    return NULL;
}
