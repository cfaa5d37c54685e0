/* A Run as JSON and back. One shape for `perf report --json`, --stats with --json and the history;
 * numbers that were not measured are left out. Members are listed once, in tables, for both ways.
 */
#include "report/report_int.h"
#include <stddef.h>
#include <string.h>

/* ---- out ---- */

static void put_real(JsonOut *json, const char *key, double value)
{
    char text[32];
    if (value == 0) return;
    (void)snprintf(text, sizeof text, "%.6g", value); /* more digits would pretend */
    json_key(json, key);
    json_put_raw(json, text);
}

/* The buckets that are not empty: [index, count, ...]. */
static void put_hist(JsonOut *json, const char *key, const PerfHist *hist)
{
    if (hist == NULL) return;
    json_key(json, key);
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

static void put_field(JsonOut *json, const Field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_WORD: json_kv_str(json, field->key, *(const char *const *)at); return;
    case FIELD_REAL: put_real(json, field->key, *(const double *)at); return;
    case FIELD_HIST: put_hist(json, field->key, *(const PerfHist *const *)at); return;
    case FIELD_INT:
    case FIELD_UINT: /* counts above 2^63 do not happen */
    case FIELD_TIME: break;
    }
    int64_t value = *(const int64_t *)at;
    if (value != field->otherwise) json_kv_int(json, field->key, value);
}

static void put_fields(JsonOut *json, const Section *section, const void *from)
{
    for (size_t i = 0; i < section->field_count; i++)
        put_field(json, &section->fields[i], (const char *)from + section->fields[i].at);
}

static void put_list(JsonOut *json, const Section *section, const Run *run)
{
    json_key(json, section->key);
    json_begin_array(json);
    for (size_t i = 0; i < run_items(section, run); i++) {
        json_begin_object(json);
        put_fields(json, section, run_item(section, run, i));
        json_end(json);
    }
    json_end(json);
}

void run_to_json(JsonOut *json, const Run *run)
{
    json_begin_object(json);
    json_kv_int(json, "pond", 1);
    put_fields(json, &RUN_SECTIONS[0], run);
    for (size_t i = 1; i < RUN_SECTION_COUNT; i++) put_list(json, &RUN_SECTIONS[i], run);
    json_end(json);
}
