/* Facts of columns as JSON, the member "columns" of a version's attributes (docs/format.md):
 *
 *   {"columns":[[bytes,nulls,plain,distinct...],...]}
 *
 * A reader takes what has this form and is of as many columns as the schema; anything else is as if
 * nothing had been recorded, since nothing but predictions follows from it. */
#include "plan/plan_int.h"
#include <string.h>

enum { COLUMNS_MOST = 1000, LEADING = 3 };
static const double PLAIN_UNIT = 1000; /* plain is written for so many values */

size_t facts_windows(int64_t rows)
{
    size_t count = 0;
    while (count < FACT_WINDOWS && facts_window(count) < rows) count++;
    return count + 1;
}

int64_t facts_window(size_t window)
{
    return INT64_C(32) << (2 * window);
}

static void put_column(JsonOut *json, const ColumnFacts *facts, size_t windows)
{
    json_begin_array(json);
    json_put_int(json, facts->bytes);
    json_put_int(json, facts->nulls);
    json_put_int(json, facts->plain < 0 ? -1 : (int64_t)(facts->plain * PLAIN_UNIT + 0.5));
    if (facts->is_counted) {
        while (windows > 1 && facts->distinct[windows - 2] == facts->distinct[windows - 1])
            windows--;
        for (size_t i = 0; i < windows; i++) json_put_int(json, facts->distinct[i]);
    }
    json_end(json);
}

char *facts_to_json(Arena *arena, const ColumnFacts *facts, size_t count, int64_t rows)
{
    if (count == 0 || count > COLUMNS_MOST || rows <= 0) return NULL;
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_key(&json, "columns");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) put_column(&json, &facts[i], facts_windows(rows));
    json_end(&json);
    json_end(&json);
    return text.data;
}

static bool get_column(const Json *json, int64_t rows, size_t windows, ColumnFacts *out)
{
    if (json->kind != JSON_ARRAY || json->count < LEADING || json->count > LEADING + windows)
        return false;
    for (size_t i = 0; i < json->count; i++)
        if (json->items[i].kind != JSON_INT || json->items[i].integer < -1) return false;
    *out = (ColumnFacts){.bytes = json->items[0].integer,
                         .nulls = json->items[1].integer,
                         .plain = (double)json->items[2].integer / PLAIN_UNIT,
                         .is_counted = json->count > LEADING};
    if (out->nulls < 0 || out->nulls > rows) return false;
    for (size_t i = 0; i < windows && out->is_counted; i++) {
        size_t at = LEADING + i < json->count ? LEADING + i : json->count - 1;
        out->distinct[i] = json->items[at].integer;
        if (out->distinct[i] < 0 || out->distinct[i] > rows) return false;
    }
    return true;
}

ColumnFacts *facts_from_json(Arena *arena, const char *text, size_t count, int64_t rows)
{
    const Json *json = NULL;
    if (text == NULL || rows <= 0) return NULL;
    Err *err = json_parse(arena, text, strlen(text), &json);
    err_free(err);
    const Json *columns = err == NULL ? json_get(json, "columns") : NULL;
    if (columns == NULL || columns->kind != JSON_ARRAY || columns->count != count) return NULL;
    ColumnFacts *facts = AARRAY(arena, ColumnFacts, count + 1);
    for (size_t i = 0; i < count; i++)
        if (!get_column(&columns->items[i], rows, facts_windows(rows), &facts[i])) return NULL;
    return facts;
}

bool facts_are_all(const char *attributes)
{
    SCRATCH(scratch);
    const Json *json = NULL;
    if (attributes == NULL) return true;
    Err *err = json_parse(scratch, attributes, strlen(attributes), &json);
    bool all = err == NULL && json->kind == JSON_OBJECT &&
               json->count == (json_get(json, "columns") != NULL ? 1 : 0);
    err_free(err);
    return all;
}
