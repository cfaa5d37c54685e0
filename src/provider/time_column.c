/* Which column is the time, and what an integer time counts. */
#include "provider/provider_int.h"
#include <string.h>
#include <strings.h>

static const char *const NAMES[] = {"timestamp", "event_time", "time", "ts", "datetime", "date"};
enum { NAME_COUNT = sizeof NAMES / sizeof *NAMES };

bool time_column_is_named(const char *name)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcasecmp(name, NAMES[i]) == 0) return true;
    }
    return false;
}

static bool is_time_type(const char *type)
{
    TypeClass class = type_class(type);
    return class == TYPE_TIMESTAMP || class == TYPE_TIMESTAMPTZ || class == TYPE_DATE;
}

static Err *no_such_column(const Schema *schema, const char *wanted, const char *label)
{
    SCRATCH(scratch);
    const char **names = AARRAY(scratch, const char *, schema->count + 1);
    for (size_t i = 0; i < schema->count; i++) names[i] = schema->columns[i].name;
    Err *err = ERR(NOT_FOUND, "%s: no column '%s'", label, wanted);
    const char *near = text_nearest(wanted, names, schema->count);
    return near == NULL ? err : err_hint(err, "did you mean '%s'?", near);
}

/* A column named like a time that can hold one: a time type, BIGINT, or (texts) anything when `any`
 * is asked for by name. */
static ptrdiff_t find_named(const Schema *schema)
{
    for (size_t n = 0; n < NAME_COUNT; n++) {
        for (size_t i = 0; i < schema->count; i++) {
            const Column *column = &schema->columns[i];
            if (strcasecmp(column->name, NAMES[n]) != 0) continue;
            if (is_time_type(column->type) || strcmp(column->type, "BIGINT") == 0)
                return (ptrdiff_t)i;
        }
    }
    return -1;
}

static Err *find_only(const Schema *schema, const char *label, ptrdiff_t *out)
{
    SCRATCH(scratch);
    Buf candidates = buf_new(scratch);
    size_t found = 0;
    for (size_t i = 0; i < schema->count; i++) {
        if (!is_time_type(schema->columns[i].type)) continue;
        buf_printf(&candidates, "%s'%s'", found++ > 0 ? ", " : "", schema->columns[i].name);
        *out = (ptrdiff_t)i;
    }
    if (found <= 1) return NULL;
    *out = -1;
    return err_hint(
        ERR(INVALID, "%s: several columns could be the time: %s", label, candidates.data),
        "say which with ?time=COLUMN");
}

Err *time_column_find(const Schema *schema, const char *wanted, const char *label, ptrdiff_t *out)
{
    *out = -1;
    if (wanted != NULL) {
        *out = schema_find(schema, wanted);
        return *out < 0 ? no_such_column(schema, wanted, label) : NULL;
    }
    *out = find_named(schema);
    return *out >= 0 ? NULL : find_only(schema, label, out);
}

TimeUnit time_unit_guess(int64_t typical)
{
    /* A typical value that stands for 1971 to 2199 in exactly one unit. */
    const int64_t low = INT64_C(31536000), high = INT64_C(7258118400);
    const struct {
        TimeUnit unit;
        int64_t factor;
    } units[] = {{TIME_UNIT_S, 1},
                 {TIME_UNIT_MS, 1000},
                 {TIME_UNIT_US, 1000000},
                 {TIME_UNIT_NS, 1000000000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t scaled = typical / units[i].factor;
        if (scaled >= low && scaled < high) return units[i].unit;
    }
    return TIME_UNIT_NONE;
}

Err *time_unit_parse(const char *text, TimeUnit *out)
{
    static const char *const UNITS[] = {
        [TIME_UNIT_S] = "s", [TIME_UNIT_MS] = "ms", [TIME_UNIT_US] = "us", [TIME_UNIT_NS] = "ns"};
    for (int unit = TIME_UNIT_S; unit <= TIME_UNIT_NS; unit++) {
        if (strcmp(text, UNITS[unit]) != 0) continue;
        *out = (TimeUnit)unit;
        return NULL;
    }
    return ERR(INVALID, "unit '%s': not one of s, ms, us, ns", text);
}
