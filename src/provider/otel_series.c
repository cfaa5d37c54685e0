/* Which column a point belongs to.
 *
 * A metric's column bears its name, followed by the values of the attributes that ?attribute= asks
 * for. All points of a column must come with the same attributes (their own, their scope's, their
 * resource's; ?ignore= leaves some out of account): else two sensors would silently become one. The
 * text of attributes is compared first, so that each is parsed once a part. */
#include "provider/otel_int.h"
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 20000 };

typedef VEC(OtelPair) PairVec;

/* What a text of attributes leads to. */
typedef struct Place {
    const char *text;
    size_t size;
    uint32_t column; /* of the part */
} Place;

struct OtelStream {
    const char *metric;
    PairVec pairs;     /* of resource and scope */
    Map places;        /* text of a point's attributes -> Place */
    const Place *last; /* found last */
};

/* ---- attributes ---- */

static Err *decode(Arena *arena, const JsonPull *pull, Slice text, const char **out)
{
    size_t size = 0;
    char *decoded = json_text_decode(arena, text, &size);
    if (memchr(decoded, '\0', size) != NULL)
        return json_pull_wrong(pull, pull->at, "a name with a NUL character");
    *out = decoded;
    return NULL;
}

/* The text of an AnyValue: its only member, whatever kind it is. */
static Err *read_value(Arena *arena, JsonPull *pull, const char **out)
{
    JsonText key, text;
    bool more = false;
    TRY(json_pull_open(pull, '{'));
    for (;;) {
        TRY(json_pull_member(pull, &key, &more));
        if (!more) return NULL;
        if (json_pull_peek(pull) == '"') {
            TRY(json_pull_string(pull, &text));
            TRY(decode(arena, pull, text, out));
            continue;
        }
        size_t begin = pull->at;
        TRY(json_pull_skip(pull));
        *out = arena_strndup(arena, pull->text + begin, pull->at - begin);
    }
}

static Err *read_pair(Arena *arena, JsonPull *pull, OtelPair *out)
{
    JsonText key, text;
    bool more = false, is_null = false;
    *out = (OtelPair){.key = "", .value = ""};
    TRY(json_pull_open(pull, '{'));
    for (;;) {
        TRY(json_pull_member(pull, &key, &more));
        if (!more) return NULL;
        TRY(json_pull_null(pull, &is_null));
        if (is_null) continue;
        if (json_text_is(key, "key")) {
            TRY(json_pull_string(pull, &text));
            TRY(decode(arena, pull, text, &out->key));
        } else if (json_text_is(key, "value")) {
            TRY(read_value(arena, pull, &out->value));
        } else {
            TRY(json_pull_skip(pull));
        }
    }
}

static bool is_listed(const OtelNames *names, const char *key)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->v[i], key) == 0) return true;
    }
    return names->all;
}

static bool is_wanted(const Otel *otel, const char *key)
{
    return is_listed(&otel->attributes, key) || !is_listed(&otel->ignored, key);
}

/* Later pairs replace earlier ones of the same key. */
static void set_pair(Arena *arena, PairVec *pairs, OtelPair pair)
{
    for (size_t i = 0; i < pairs->n; i++) {
        if (strcmp(pairs->v[i].key, pair.key) != 0) continue;
        pairs->v[i] = pair;
        return;
    }
    vec_push(arena, pairs, pair);
}

static Err *read_pairs(Otel *otel, size_t begin, size_t size, PairVec *pairs)
{
    if (size == 0) return NULL;
    JsonPull pull = otel->current.pull;
    bool more = false;
    pull.at = begin;
    pull.depth = 0;
    TRY(json_pull_open(&pull, '['));
    for (;;) {
        OtelPair pair;
        TRY(json_pull_item(&pull, &more));
        if (!more) return NULL;
        TRY(read_pair(otel->part, &pull, &pair));
        if (is_wanted(otel, pair.key)) set_pair(otel->part, pairs, pair);
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const OtelPair *)a)->key, ((const OtelPair *)b)->key);
}

/* ---- columns ---- */

static const OtelPair *find_pair(const OtelPair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].key, key) == 0) return &pairs[i];
    }
    return NULL;
}

static char *pair_text(Arena *arena, const OtelPair *pair, const char *key)
{
    if (pair == NULL) return arena_printf(arena, "no '%s'", key);
    return arena_printf(arena, "%s='%s'", key, text_printable(arena, pair->value));
}

/* The first key under which the two lists differ. */
static const char *differing_key(const OtelColumn *column, const PairVec *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        const OtelPair *known = find_pair(column->pairs, column->pair_count, pairs->v[i].key);
        if (known == NULL || strcmp(known->value, pairs->v[i].value) != 0) return pairs->v[i].key;
    }
    for (size_t i = 0; i < column->pair_count; i++) {
        if (find_pair(pairs->v, pairs->n, column->pairs[i].key) == NULL)
            return column->pairs[i].key;
    }
    return NULL;
}

/* NULL when the column's points come with these attributes. */
static Err *check_same(const Otel *otel, const OtelColumn *column, const char *metric,
                       const PairVec *pairs, size_t at)
{
    SCRATCH(scratch);
    const char *key = differing_key(column, pairs);
    if (strcmp(column->metric, metric) != 0) {
        return json_pull_wrong(
            &otel->current.pull, at,
            arena_printf(scratch, "metric '%s' and metric '%s' of line %lld make one column '%s'",
                         metric, column->metric, (long long)column->line, column->name));
    }
    if (key == NULL) return NULL;
    const OtelPair *known = find_pair(column->pairs, column->pair_count, key);
    const char *what = arena_printf(
        scratch, "column '%s' comes with %s here and with %s in line %lld",
        text_printable(scratch, column->name),
        pair_text(scratch, find_pair(pairs->v, pairs->n, key), text_printable(scratch, key)),
        pair_text(scratch, known, text_printable(scratch, key)), (long long)column->line);
    return err_hint(json_pull_wrong(&otel->current.pull, at, what),
                    "?attribute=%s makes columns by its values, ?ignore=%s takes them for one "
                    "series",
                    text_printable(scratch, key), text_printable(scratch, key));
}

static const OtelPair *keep_pairs(Arena *arena, const PairVec *pairs)
{
    OtelPair *kept = AARRAY(arena, OtelPair, pairs->n + 1);
    for (size_t i = 0; i < pairs->n; i++) {
        kept[i] = (OtelPair){.key = arena_strdup(arena, pairs->v[i].key),
                             .value = arena_strdup(arena, pairs->v[i].value)};
    }
    return kept;
}

static char *column_name(const Otel *otel, const char *metric, const PairVec *pairs)
{
    Buf name = buf_new(otel->part);
    buf_puts(&name, metric);
    for (size_t i = 0; i < otel->attributes.n; i++) {
        const OtelPair *pair = find_pair(pairs->v, pairs->n, otel->attributes.v[i]);
        if (pair != NULL) buf_printf(&name, ".%s", pair->value);
    }
    return name.data;
}

static Err *check_new(const Otel *otel, const char *name, size_t at)
{
    const JsonPull *pull = &otel->current.pull;
    if (strcmp(name, "timestamp") == 0) {
        return err_hint(
            json_pull_wrong(pull, at, "metric 'timestamp' is named like the time column"),
            "give the metric another name where it is made");
    }
    if (otel->columns.n < COLUMNS_MAX) return NULL;
    return err_hint(
        ERR(LIMIT, "line %lld: more than %d columns", (long long)pull->line, COLUMNS_MAX),
        "leave out of ?attribute= what has many values");
}

static Err *column_named(Otel *otel, const char *metric, const PairVec *pairs, size_t at,
                         OtelColumn **out)
{
    const char *name = column_name(otel, metric, pairs);
    size_t known = (size_t)(uintptr_t)map_get(&otel->by_name, name);
    if (known != 0) {
        *out = &otel->columns.v[known - 1];
        return check_same(otel, *out, metric, pairs, at);
    }
    TRY(check_new(otel, name, at));
    OtelColumn column = {.name = arena_strdup(otel->arena, name),
                         .metric = arena_strdup(otel->arena, metric),
                         .pairs = keep_pairs(otel->arena, pairs),
                         .pair_count = pairs->n,
                         .line = otel->current.pull.line};
    vec_push(otel->arena, &otel->columns, column);
    (void)map_put(&otel->by_name, name, (void *)(uintptr_t)otel->columns.n);
    *out = &otel->columns.v[otel->columns.n - 1];
    return NULL;
}

static uint32_t place_in_part(Otel *otel, OtelColumn *column)
{
    if (column->in_part == 0) {
        vec_push(otel->part, &otel->part_columns, (uint32_t)(column - otel->columns.v));
        column->in_part = (uint32_t)otel->part_columns.n;
    }
    return column->in_part - 1;
}

/* ---- streams ---- */

static void key_add(Buf *key, const char *bytes, size_t size)
{
    buf_add(key, bytes, size);
    buf_putc(key, '\x01'); /* stands in no JSON text */
}

static Err *new_stream(Otel *otel, const OtelMetric *metric, OtelStream **out)
{
    const OtelLine *line = &otel->current;
    const OtelOwner *resource = &line->resources.v[metric->resource],
                    *scope = &line->scopes.v[metric->scope];
    OtelStream *stream = ANEW(otel->part, OtelStream);
    stream->places = map_new(otel->part);
    TRY(decode(otel->part, &line->pull, metric->name, &stream->metric));
    TRY(read_pairs(otel, resource->attributes, resource->attributes_size, &stream->pairs));
    if (scope->name.size > 0) {
        OtelPair pair = {.key = "otel.scope.name"};
        TRY(decode(otel->part, &line->pull, scope->name, &pair.value));
        if (is_wanted(otel, pair.key)) set_pair(otel->part, &stream->pairs, pair);
    }
    TRY(read_pairs(otel, scope->attributes, scope->attributes_size, &stream->pairs));
    *out = stream;
    return NULL;
}

static Err *stream_of(Otel *otel, const OtelMetric *metric, OtelStream **out)
{
    const OtelLine *line = &otel->current;
    const OtelOwner *resource = &line->resources.v[metric->resource],
                    *scope = &line->scopes.v[metric->scope];
    Buf *key = &otel->key;
    buf_clear(key);
    key_add(key, line->pull.text + resource->attributes, resource->attributes_size);
    key_add(key, scope->name.bytes, scope->name.size);
    key_add(key, line->pull.text + scope->attributes, scope->attributes_size);
    key_add(key, metric->name.bytes, metric->name.size);
    *out = map_get(&otel->streams, key->data);
    if (*out != NULL) return NULL;
    TRY(new_stream(otel, metric, out));
    (void)map_put(&otel->streams, key->data, *out);
    return NULL;
}

static Err *new_place(Otel *otel, const OtelStream *stream, const OtelPoint *point, Place *out)
{
    PairVec pairs = {0};
    OtelColumn *column = NULL;
    for (size_t i = 0; i < stream->pairs.n; i++) vec_push(otel->part, &pairs, stream->pairs.v[i]);
    TRY(read_pairs(otel, point->attributes, point->attributes_size, &pairs));
    if (pairs.n > 1) qsort(pairs.v, pairs.n, sizeof *pairs.v, by_key);
    TRY(column_named(otel, stream->metric, &pairs, point->at, &column));
    out->column = place_in_part(otel, column);
    return NULL;
}

static Err *place_of(Otel *otel, OtelStream *stream, const OtelPoint *point, const char *text,
                     const Place **out)
{
    size_t size = point->attributes_size;
    buf_clear(&otel->key);
    buf_add(&otel->key, text, size);
    *out = map_get(&stream->places, otel->key.data);
    if (*out != NULL) return NULL;
    Place *place = ANEW(otel->part, Place);
    place->text = arena_strndup(otel->part, text, size);
    place->size = size;
    TRY(new_place(otel, stream, point, place));
    (void)map_put(&stream->places, place->text, place);
    *out = place;
    return NULL;
}

Err *otel_column_of(Otel *otel, const OtelPoint *point, uint32_t *out)
{
    const OtelLine *line = &otel->current;
    if (otel->stream == NULL || otel->stream_metric != point->metric) {
        TRY(stream_of(otel, &line->metrics.v[point->metric], &otel->stream));
        otel->stream_metric = point->metric;
    }
    OtelStream *stream = otel->stream;
    const char *text = line->pull.text + point->attributes;
    const Place *last = stream->last;
    if (last == NULL || last->size != point->attributes_size ||
        memcmp(last->text, text, last->size) != 0)
        TRY(place_of(otel, stream, point, text, &stream->last));
    *out = stream->last->column;
    return NULL;
}
