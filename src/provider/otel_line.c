/* One line: resourceMetrics > scopeMetrics > metrics > gauge | sum > dataPoints.
 *
 * Members come in any order ("gauge" may stand before "name"), so a line is read into lists first
 * and its points find their columns afterwards. Fields that are not wanted are passed over, as the
 * protocol asks of receivers; one that is wanted and comes twice is an error. Attributes stay text
 * until a new text of them turns up. */
#include "provider/otel_int.h"

enum { FLAG_NO_VALUE = 1 }; /* DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK */

/* ---- objects by field ---- */

typedef struct Reader {
    Arena *arena;
    OtelLine *line;
    size_t resource, scope, metric; /* being read */
} Reader;

typedef struct Field {
    const char *name;
    Err *(*read)(Reader *reader, void *into);
} Field;

static ptrdiff_t field_of(const Field *fields, size_t count, JsonText key)
{
    for (size_t i = 0; i < count; i++) {
        if (json_text_is(key, fields[i].name)) return (ptrdiff_t)i;
    }
    return -1;
}

/* An object; fields that are null are as if they were not there. */
static Err *read_object(Reader *reader, const Field *fields, size_t count, void *into)
{
    JsonPull *pull = &reader->line->pull;
    unsigned seen = 0;
    TRY(json_pull_open(pull, '{'));
    for (;;) {
        JsonText key = {0};
        bool more = false, is_null = false;
        TRY(json_pull_member(pull, &key, &more));
        if (!more) return NULL;
        ptrdiff_t field = field_of(fields, count, key);
        if (field < 0) {
            TRY(json_pull_skip(pull));
            continue;
        }
        if ((seen >> field & 1) != 0)
            return json_pull_wrong(pull, pull->at, "a member that is there already");
        seen |= 1U << field;
        TRY(json_pull_null(pull, &is_null));
        if (!is_null) TRY(fields[field].read(reader, into));
    }
}
#define READ_OBJECT(reader, fields, into)                                                          \
    read_object((reader), (fields), sizeof(fields) / sizeof *(fields), (into))

static Err *read_array(Reader *reader, Err *(*read)(Reader *reader, void *into), void *into)
{
    JsonPull *pull = &reader->line->pull;
    TRY(json_pull_open(pull, '['));
    for (;;) {
        bool more = false;
        TRY(json_pull_item(pull, &more));
        if (!more) return NULL;
        TRY(read(reader, into));
    }
}

/* ---- fields that many have ---- */

static Err *read_text(Reader *reader, void *into)
{
    return json_pull_string(&reader->line->pull, into);
}

static Err *read_span(Reader *reader, size_t *begin, size_t *size)
{
    JsonPull *pull = &reader->line->pull;
    if (json_pull_peek(pull) != '[') return json_pull_wrong(pull, pull->at, "not an array");
    *begin = pull->at;
    TRY(json_pull_skip(pull));
    *size = pull->at - *begin;
    return NULL;
}

/* 64-bit numbers are written as text; numbers are taken, too. */
static Err *take_number(JsonPull *pull, JsonText *out)
{
    return json_pull_peek(pull) == '"' ? json_pull_string(pull, out) : json_pull_number(pull, out);
}

static Err *read_unsigned(Reader *reader, const char *what, uint64_t *out)
{
    JsonPull *pull = &reader->line->pull;
    (void)json_pull_peek(pull);
    size_t at = pull->at;
    JsonText text = {0};
    bool negative = false;
    TRY(take_number(pull, &text));
    if (json_text_whole(text, &negative, out) && !(negative && *out != 0)) return NULL;
    return json_pull_wrong(pull, at, what);
}

/* ---- data points ---- */

typedef struct Draft {
    uint64_t time_ns, flags;
    bool has_int, has_double;
    OtelPoint point;
} Draft;

static Err *read_time(Reader *reader, void *into)
{
    return read_unsigned(reader, "timeUnixNano is not a whole number of nanoseconds since 1970",
                         &((Draft *)into)->time_ns);
}

static Err *read_flags(Reader *reader, void *into)
{
    return read_unsigned(reader, "flags is not a whole number", &((Draft *)into)->flags);
}

static Err *read_int(Reader *reader, void *into)
{
    Draft *draft = into;
    JsonPull *pull = &reader->line->pull;
    (void)json_pull_peek(pull);
    size_t at = pull->at;
    JsonText text = {0};
    bool negative = false;
    uint64_t magnitude = 0;
    TRY(take_number(pull, &text));
    if (!json_text_whole(text, &negative, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return json_pull_wrong(pull, at, "asInt is not a whole number of 64 bits");
    draft->has_int = true;
    draft->point.kind = OTEL_INT;
    draft->point.value.integer = (int64_t)(negative ? -magnitude : magnitude);
    return NULL;
}

static bool is_special(JsonText text, double *out)
{
    if (json_text_is(text, "NaN"))
        *out = __builtin_nan("");
    else if (json_text_is(text, "Infinity"))
        *out = __builtin_inf();
    else if (json_text_is(text, "-Infinity"))
        *out = -__builtin_inf();
    else
        return false;
    return true;
}

static Err *read_double(Reader *reader, void *into)
{
    Draft *draft = into;
    JsonPull *pull = &reader->line->pull;
    bool is_text = json_pull_peek(pull) == '"';
    size_t at = pull->at;
    JsonText text = {0};
    TRY(take_number(pull, &text));
    draft->has_double = true;
    draft->point.kind = OTEL_DOUBLE;
    if (json_text_double(text, &draft->point.value.number)) return NULL;
    if (is_text && is_special(text, &draft->point.value.number)) return NULL;
    return json_pull_wrong(pull, at, "asDouble is not a number that fits a double");
}

static Err *read_point_attributes(Reader *reader, void *into)
{
    OtelPoint *point = &((Draft *)into)->point;
    return read_span(reader, &point->attributes, &point->attributes_size);
}

static Err *finish_point(Reader *reader, Draft *draft)
{
    JsonPull *pull = &reader->line->pull;
    size_t at = draft->point.at;
    if (draft->time_ns == 0) return json_pull_wrong(pull, at, "a data point without timeUnixNano");
    if (draft->has_int && draft->has_double)
        return json_pull_wrong(pull, at, "a data point with both asInt and asDouble");
    if ((draft->flags & FLAG_NO_VALUE) != 0) draft->point.kind = OTEL_NULL;
    draft->point.time = (TimeUs)(draft->time_ns / 1000);
    draft->point.metric = reader->metric;
    vec_push(reader->arena, &reader->line->points, draft->point);
    return NULL;
}

static Err *read_point(Reader *reader, void *into)
{
    static const Field FIELDS[] = {{"timeUnixNano", read_time},
                                   {"asDouble", read_double},
                                   {"asInt", read_int},
                                   {"attributes", read_point_attributes},
                                   {"flags", read_flags}};
    (void)into;
    Draft draft = {0};
    (void)json_pull_peek(&reader->line->pull);
    draft.point.at = reader->line->pull.at;
    TRY(READ_OBJECT(reader, FIELDS, &draft));
    return finish_point(reader, &draft);
}

/* ---- metrics ---- */

typedef struct MetricDraft {
    Slice name;
    int kinds; /* gauge, sum, ...: one at most */
} MetricDraft;

static Err *read_points(Reader *reader, void *into)
{
    (void)into;
    return read_array(reader, read_point, NULL);
}

static Err *read_values(Reader *reader, void *into)
{
    static const Field FIELDS[] = {{"dataPoints", read_points}};
    ((MetricDraft *)into)->kinds++;
    return READ_OBJECT(reader, FIELDS, NULL);
}

static Err *count_point(Reader *reader, void *into)
{
    ++*(int64_t *)into;
    return json_pull_skip(&reader->line->pull);
}

static Err *count_points(Reader *reader, void *into)
{
    return read_array(reader, count_point, into);
}

static Err *skip_values(Reader *reader, MetricDraft *draft, OtelOther kind)
{
    static const Field FIELDS[] = {{"dataPoints", count_points}};
    OtelSkipped skipped = {.metric = reader->metric, .kind = kind};
    draft->kinds++;
    TRY(READ_OBJECT(reader, FIELDS, &skipped.points));
    vec_push(reader->arena, &reader->line->skipped, skipped);
    return NULL;
}

static Err *skip_histogram(Reader *reader, void *into)
{
    return skip_values(reader, into, OTEL_HISTOGRAM);
}

static Err *skip_exponential(Reader *reader, void *into)
{
    return skip_values(reader, into, OTEL_EXPONENTIAL);
}

static Err *skip_summary(Reader *reader, void *into)
{
    return skip_values(reader, into, OTEL_SUMMARY);
}

static Err *read_metric(Reader *reader, void *into)
{
    static const Field FIELDS[] = {{"name", read_text},
                                   {"gauge", read_values},
                                   {"sum", read_values},
                                   {"histogram", skip_histogram},
                                   {"exponentialHistogram", skip_exponential},
                                   {"summary", skip_summary}};
    (void)into;
    JsonPull *pull = &reader->line->pull;
    MetricDraft draft = {0}; /* the name is its first member, as read_text needs */
    (void)json_pull_peek(pull);
    OtelMetric metric = {.at = pull->at, .resource = reader->resource, .scope = reader->scope};
    reader->metric = reader->line->metrics.n;
    vec_push(reader->arena, &reader->line->metrics, metric);
    TRY(READ_OBJECT(reader, FIELDS, &draft));
    if (draft.name.size == 0) return json_pull_wrong(pull, metric.at, "a metric without a name");
    if (draft.kinds > 1)
        return json_pull_wrong(pull, metric.at, "a metric of several kinds (gauge, sum, ...)");
    reader->line->metrics.v[reader->metric].name = draft.name;
    return NULL;
}

/* ---- scopes and resources ---- */

static Err *read_metrics(Reader *reader, void *into)
{
    (void)into;
    return read_array(reader, read_metric, NULL);
}

static Err *read_owner_attributes(Reader *reader, void *into)
{
    OtelOwner *owner = into;
    return read_span(reader, &owner->attributes, &owner->attributes_size);
}

static Err *read_scope_owner(Reader *reader, void *into)
{
    static const Field FIELDS[] = {{"name", read_text}, {"attributes", read_owner_attributes}};
    (void)into;
    OtelOwner owner = {0}; /* the name is its first member */
    TRY(READ_OBJECT(reader, FIELDS, &owner));
    reader->line->scopes.v[reader->scope] = owner;
    return NULL;
}

static Err *read_scope(Reader *reader, void *into)
{
    static const Field FIELDS[] = {{"scope", read_scope_owner},
                                   {"instrumentationLibrary", read_scope_owner},
                                   {"metrics", read_metrics}};
    (void)into;
    reader->scope = reader->line->scopes.n;
    vec_push(reader->arena, &reader->line->scopes, (OtelOwner){0});
    return READ_OBJECT(reader, FIELDS, NULL);
}

static Err *read_scopes(Reader *reader, void *into)
{
    (void)into;
    return read_array(reader, read_scope, NULL);
}

static Err *read_resource_owner(Reader *reader, void *into)
{
    static const Field FIELDS[] = {{"attributes", read_owner_attributes}};
    (void)into;
    return READ_OBJECT(reader, FIELDS, &reader->line->resources.v[reader->resource]);
}

static Err *read_resource(Reader *reader, void *into)
{
    static const Field FIELDS[] = {{"resource", read_resource_owner},
                                   {"scopeMetrics", read_scopes},
                                   {"instrumentationLibraryMetrics", read_scopes}};
    (void)into;
    reader->resource = reader->line->resources.n;
    vec_push(reader->arena, &reader->line->resources, (OtelOwner){0});
    return READ_OBJECT(reader, FIELDS, NULL);
}

/* ---- the line ---- */

typedef struct Top {
    bool has_metrics, has_other;
} Top;

static Err *read_resources(Reader *reader, void *into)
{
    ((Top *)into)->has_metrics = true;
    return read_array(reader, read_resource, NULL);
}

static Err *skip_other(Reader *reader, void *into)
{
    ((Top *)into)->has_other = true;
    return json_pull_skip(&reader->line->pull);
}

/* A line without any of the fields that requests have is a mistake, unless it is empty. */
static Err *check_request(const OtelLine *line, const Field *fields, size_t count)
{
    JsonPull pull = json_pull(line->pull.text, line->pull.size, line->pull.line);
    JsonText key = {0};
    TRY(json_pull_open(&pull, '{'));
    for (bool is_first = true, more = false;; is_first = false) {
        TRY(json_pull_member(&pull, &key, &more));
        if (!more && is_first) return NULL;
        if (!more) break;
        if (field_of(fields, count, key) >= 0) return NULL;
        TRY(json_pull_skip(&pull));
    }
    return err_hint(json_pull_wrong(&pull, 0, "no resourceMetrics: not OTLP metrics"),
                    "lines of other JSON objects are read with jsonl://");
}

Err *otel_line_read(Arena *arena, OtelLine *line)
{
    static const Field FIELDS[] = {{"resourceMetrics", read_resources},
                                   {"resourceSpans", skip_other},
                                   {"resourceLogs", skip_other},
                                   {"resourceProfiles", skip_other}};
    Reader reader = {.arena = arena, .line = line};
    Top top = {0};
    line->resources.n = line->scopes.n = line->metrics.n = line->points.n = line->skipped.n = 0;
    TRY(READ_OBJECT(&reader, FIELDS, &top));
    TRY(json_pull_end(&line->pull));
    line->is_other = top.has_other;
    if (top.has_metrics || top.has_other) return NULL;
    return check_request(line, FIELDS, sizeof FIELDS / sizeof *FIELDS);
}
