/* A text of OTLP JSON lines, part by part: lines, what was left out, and the state that parts have
 * in common. */
#include "provider/otel_int.h"
#include <string.h>

/* ---- options ---- */

static Err *take_names(Arena *arena, const Url *url, const char *option, OtelNames *out)
{
    const char *value = url_option(url, option);
    if (value == NULL) return NULL;
    VEC(const char *) names = {0};
    char *rest = arena_strdup(arena, value);
    while (rest != NULL) {
        const char *name = strsep(&rest, ",");
        if (*name == '\0')
            return err_hint(ERR(INVALID, "option '%s': a name is missing in '%s'", option, value),
                            "names of attributes are separated by commas");
        if (strcmp(name, "*") == 0)
            out->all = true;
        else
            vec_push(arena, &names, name);
    }
    out->v = names.v;
    out->n = names.n;
    return NULL;
}

/* Options of other formats would do nothing, which is never what was meant. */
static Err *check_options(const Url *url)
{
    for (size_t i = 0; i < url->option_count; i++) {
        const char *key = url->options[i].key;
        if (strcmp(key, "attribute") == 0 || strcmp(key, "ignore") == 0) continue;
        return err_hint(ERR(INVALID, "%s: option '%s' is not one of oteljson's", url->text, key),
                        "its options are attribute and ignore");
    }
    return NULL;
}

Err *otel_new(Arena *arena, const Url *url, Otel **out)
{
    Otel *otel = ANEW(arena, Otel);
    *otel = (Otel){.arena = arena, .by_name = map_new(arena), .left = map_new(arena), .line = 1};
    TRY(check_options(url));
    TRY(take_names(arena, url, "attribute", &otel->attributes));
    TRY(take_names(arena, url, "ignore", &otel->ignored));
    if (otel->attributes.all)
        return err_hint(ERR(INVALID, "option 'attribute': '*' is no name"),
                        "name the attributes that tell series apart");
    *out = otel;
    return NULL;
}

/* ---- parts ---- */

void otel_end(Otel *otel)
{
    for (size_t i = 0; i < otel->part_columns.n; i++)
        otel->columns.v[otel->part_columns.v[i]].in_part = 0;
    arena_free(otel->part);
    otel->part = NULL;
    memset(&otel->current, 0, sizeof otel->current);
    memset(&otel->part_columns, 0, sizeof otel->part_columns);
    memset(&otel->rows, 0, sizeof otel->rows);
    otel->stream = NULL;
}

void otel_begin(Otel *otel, int64_t line)
{
    otel_end(otel);
    otel->part = arena_new();
    otel->streams = map_new(otel->part);
    otel->key = buf_new(otel->part);
    otel->line = line;
    otel->is_sorted = true;
}

int64_t otel_line(const Otel *otel)
{
    return otel->line;
}

static Err *leave_out(Otel *otel, const OtelSkipped *skipped)
{
    SCRATCH(scratch);
    size_t size = 0;
    const OtelMetric *metric = &otel->current.metrics.v[skipped->metric];
    const char *name = json_text_decode(scratch, metric->name, &size);
    OtelLeft *left = map_get(&otel->left, name);
    if (left == NULL) {
        left = ANEW(otel->arena, OtelLeft);
        left->kind = skipped->kind;
        (void)map_put(&otel->left, name, left);
    }
    left->points += skipped->points;
    return NULL;
}

static void add_row(Otel *otel, const OtelPoint *point, uint32_t column)
{
    const size_t n = otel->rows.n;
    if (n > 0 && otel->rows.v[n - 1].time > point->time) otel->is_sorted = false;
    OtelRow row = {.time = point->time, .column = column, .kind = point->kind};
    memcpy(&row.value, &point->value, sizeof row.value);
    vec_push(otel->part, &otel->rows, row);
}

static Err *add_line(Otel *otel)
{
    OtelLine *line = &otel->current;
    TRY(otel_line_read(otel->part, line));
    otel->stream = NULL;
    for (size_t i = 0; i < line->points.n; i++) {
        uint32_t column = 0;
        TRY(otel_column_of(otel, &line->points.v[i], &column));
        add_row(otel, &line->points.v[i], column);
    }
    for (size_t i = 0; i < line->skipped.n; i++) TRY(leave_out(otel, &line->skipped.v[i]));
    otel->other_lines += line->is_other;
    return NULL;
}

Err *otel_add(Otel *otel, const char *bytes, size_t size)
{
    const char *end = bytes + size;
    if (otel->line == 1 && size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) bytes += 3;
    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        const char *stop = newline != NULL ? newline : end;
        otel->current.pull = json_pull(bytes, (size_t)(stop - bytes), otel->line);
        if (json_pull_peek(&otel->current.pull) != '\0' ||
            otel->current.pull.at < (size_t)(stop - bytes))
            TRY(add_line(otel));
        otel->line++;
        bytes = stop + 1;
    }
    return NULL;
}

/* ---- what was left out ---- */

static const char *const OTHERS[][2] = {
    [OTEL_HISTOGRAM] = {"histogram", "histograms"},
    [OTEL_EXPONENTIAL] = {"exponential histogram", "exponential histograms"},
    [OTEL_SUMMARY] = {"summary", "summaries"}};

static void put_left(const Otel *otel, OtelOther kind, Buf *text)
{
    const size_t most = 5;
    SCRATCH(scratch);
    Buf names = buf_new(scratch);
    size_t metrics = 0;
    int64_t points = 0;
    for (size_t i = 0; i < otel->left.count; i++) {
        const OtelLeft *left = otel->left.entries[i].value;
        if (left->kind != kind) continue;
        if (metrics++ < most)
            buf_printf(&names, "%s'%s'", metrics > 1 ? ", " : "",
                       text_printable(scratch, otel->left.entries[i].key));
        points += left->points;
    }
    if (metrics == 0) return;
    if (metrics > most) buf_printf(&names, " and %zu more", metrics - most);
    buf_printf(text, "%s%lld %s of %zu %s (%s)", text->size > 0 ? "; " : "", (long long)points,
               points == 1 ? "point" : "points", metrics, OTHERS[kind][metrics > 1], names.data);
}

char *otel_left_out(const Otel *otel, Arena *arena)
{
    Buf text = buf_new(arena);
    for (OtelOther kind = OTEL_HISTOGRAM; kind < OTEL_OTHERS; kind++) put_left(otel, kind, &text);
    if (otel->other_lines > 0)
        buf_printf(&text, "%s%lld %s of traces, logs or profiles", text.size > 0 ? "; " : "",
                   (long long)otel->other_lines, otel->other_lines == 1 ? "line" : "lines");
    return text.size > 0 ? text.data : NULL;
}

/* ---- state ---- */

static void put_column(JsonOut *json, const OtelColumn *column)
{
    json_begin_object(json);
    json_kv_str(json, "name", column->name);
    json_kv_str(json, "metric", column->metric);
    json_kv_int(json, "line", column->line);
    json_key(json, "attributes");
    json_begin_array(json);
    for (size_t i = 0; i < column->pair_count; i++) {
        json_put_str(json, column->pairs[i].key);
        json_put_str(json, column->pairs[i].value);
    }
    json_end(json);
    json_end(json);
}

void otel_state_put(const Otel *otel, JsonOut *json)
{
    json_begin_object(json);
    json_key(json, "columns");
    json_begin_array(json);
    for (size_t i = 0; i < otel->columns.n; i++) put_column(json, &otel->columns.v[i]);
    json_end(json);
    json_key(json, "left_out");
    json_begin_array(json);
    for (size_t i = 0; i < otel->left.count; i++) {
        const OtelLeft *left = otel->left.entries[i].value;
        json_begin_object(json);
        json_kv_str(json, "name", otel->left.entries[i].key);
        json_kv_int(json, "kind", left->kind);
        json_kv_int(json, "points", left->points);
        json_end(json);
    }
    json_end(json);
    json_kv_int(json, "other_lines", otel->other_lines);
    json_end(json);
}

static Err *broken_state(void)
{
    return ERR(CORRUPT, "the state of an OTLP text is not whole");
}

static Err *get_column(Otel *otel, const Json *json)
{
    const Json *pairs = json_get(json, "attributes");
    const char *name = json_str(json, "name", NULL), *metric = json_str(json, "metric", NULL);
    if (name == NULL || metric == NULL || pairs == NULL || pairs->count % 2 != 0)
        return broken_state();
    OtelPair *kept = AARRAY(otel->arena, OtelPair, pairs->count / 2 + 1);
    for (size_t i = 0; i < pairs->count; i++) {
        if (pairs->items[i].kind != JSON_STRING) return broken_state();
        const char *text = arena_strdup(otel->arena, pairs->items[i].string);
        *(i % 2 == 0 ? &kept[i / 2].key : &kept[i / 2].value) = text;
    }
    OtelColumn column = {.name = arena_strdup(otel->arena, name),
                         .metric = arena_strdup(otel->arena, metric),
                         .pairs = kept,
                         .pair_count = pairs->count / 2,
                         .line = json_int(json, "line", 0)};
    vec_push(otel->arena, &otel->columns, column);
    (void)map_put(&otel->by_name, name, (void *)(uintptr_t)otel->columns.n);
    return NULL;
}

static Err *get_left(Otel *otel, const Json *json)
{
    const char *name = json_str(json, "name", NULL);
    int64_t kind = json_int(json, "kind", -1);
    if (name == NULL || kind < 0 || kind >= OTEL_OTHERS) return broken_state();
    OtelLeft *left = ANEW(otel->arena, OtelLeft);
    *left = (OtelLeft){.kind = (OtelOther)kind, .points = json_int(json, "points", 0)};
    (void)map_put(&otel->left, name, left);
    return NULL;
}

Err *otel_state_get(Otel *otel, const Json *json)
{
    const Json *columns = json_get(json, "columns"), *left = json_get(json, "left_out");
    if (columns == NULL || left == NULL) return broken_state();
    for (size_t i = 0; i < columns->count; i++) TRY(get_column(otel, &columns->items[i]));
    for (size_t i = 0; i < left->count; i++) TRY(get_left(otel, &left->items[i]));
    otel->other_lines = json_int(json, "other_lines", 0);
    return NULL;
}
