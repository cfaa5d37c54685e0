/* OTLP JSON lines to Parquet. What stands in the file is compared with what was written into the
 * lines; tests/cli/oteljson.bats compares random texts with Python's json. */
#include "provider/otel.h"
#include "provider_test.h"

/* A line of one metric; `data` stands behind its name. */
#define LINE(name, data)                                                                           \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"" name "\"," data          \
    "}]}]}]}\n"
#define GAUGE(points) "\"gauge\":{\"dataPoints\":[" points "]}"
#define AT(time, value) "{\"timeUnixNano\":\"" time "\"," value "}"
#define ATTR(key, value)                                                                           \
    "\"attributes\":[{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}]"

typedef struct Written {
    Otel *otel;
    Version meta;
    char *path;
} Written;

/* The URL's options: one, or none. */
static Url url_with(Bench *bench, const char *option)
{
    Url url = {.text = "x", .options = ANEW(bench->arena, UrlOption)};
    const char *equals = strchr(option, '=');
    if (equals == NULL) return url;
    url.options[url.option_count++] =
        (UrlOption){arena_strndup(bench->arena, option, (size_t)(equals - option)), equals + 1};
    return url;
}

static Err *read_parts(Bench *bench, const char *option, const char *const *parts, size_t count,
                       Written *out)
{
    Url url = url_with(bench, option);
    Conn *conn = NULL;
    out->path = arena_printf(bench->arena, "%s/out.parquet", bench->dir);
    OK(os_unlink_if(out->path));
    OK(provider_conn(bench->provider, &conn));
    TRY(otel_new(bench->arena, &url, &out->otel));
    otel_begin(out->otel, 1);
    Err *err = NULL;
    for (size_t i = 0; i < count && err == NULL; i++)
        err = otel_add(out->otel, parts[i], strlen(parts[i]));
    if (err == NULL) err = otel_write(out->otel, bench->arena, conn, out->path, &out->meta);
    otel_end(out->otel);
    return err;
}

static Err *read_text(Bench *bench, const char *option, const char *text, Written *out)
{
    return read_parts(bench, option, &text, 1, out);
}

/* "name TYPE, ...: row | row", by the recorded schema. */
static const char *content(Bench *bench, const Written *written)
{
    Conn *conn = NULL;
    Schema schema;
    const Json *json = NULL;
    char *cells = NULL;
    Buf text = buf_new(bench->arena), sql = buf_new(bench->arena);
    OK(provider_conn(bench->provider, &conn));
    OK(json_parse(bench->arena, written->meta.schema, strlen(written->meta.schema), &json));
    OK(schema_from_json(bench->arena, json, &schema));
    buf_puts(&sql, "SELECT string_agg(concat_ws(','");
    for (size_t i = 0; i < schema.count; i++) {
        if (i > 0)
            buf_printf(&text, "%s%s %s", i > 1 ? ", " : "", schema.columns[i].name,
                       schema.columns[i].type);
        buf_printf(&sql, i == 0 ? ", epoch_us(c%zu)" : ", coalesce(CAST(c%zu AS VARCHAR), '-')", i);
    }
    buf_printf(&sql, "), ' | ') FROM read_parquet('%s')", written->path);
    if (written->meta.parquet)
        OK(engine_scalar_text(bench->arena, conn, sql.data, NULL, 0, &cells));
    buf_printf(&text, ": %s", cells != NULL ? cells : "");
    return text.data;
}

typedef struct Good {
    const char *text, *content;
} Good;

static const Good GOOD[] = {
    {LINE("a", GAUGE(AT("1000", "\"asDouble\":1.5"))), "a DOUBLE: 1,1.5"},
    {LINE("a", GAUGE(AT("1999", "\"asInt\":\"7\""))), "a BIGINT: 1,7"},
    {LINE("a", "\"sum\":{\"isMonotonic\":true,\"dataPoints\":[" AT("5000", "\"asInt\":7") "]}"),
     "a BIGINT: 5,7"},
    {LINE("a", GAUGE("{\"timeUnixNano\":1544712660300000001,\"asDouble\":\"2.5\"}")),
     "a DOUBLE: 1544712660300000,2.5"},
    {LINE("a", GAUGE("{\"asInt\":1e2,\"timeUnixNano\":1.5447126603e18}")),
     "a BIGINT: 1544712660300000,100"},
    /* The greatest of unsigned 64 bits is a time, too. */
    {LINE("a", GAUGE(AT("18446744073709551615", "\"asInt\":-9223372036854775808"))),
     "a BIGINT: 18446744073709551,-9223372036854775808"},
    /* Ints where a double turns up are doubles; the last value of a time counts. */
    {LINE("a", GAUGE(AT("1000", "\"asInt\":1") "," AT("2000", "\"asDouble\":0.5") "," AT(
                   "2999", "\"asInt\":3"))),
     "a DOUBLE: 1,1.0 | 2,3.0"},
    {LINE("a",
          GAUGE(AT("3000", "\"asDouble\":\"NaN\"") "," AT(
              "1000", "\"asDouble\":\"Infinity\"") "," AT("2000", "\"asDouble\":\"-Infinity\""))),
     "a DOUBLE: 1,inf | 2,-inf | 3,nan"},
    /* Rows of several lines and metrics meet; a later null is no value. */
    {LINE("a", GAUGE(AT("1000", "\"asInt\":1"))) LINE("b", GAUGE(AT("1000", "\"asInt\":2")))
         LINE("a", GAUGE(AT("1000", "\"flags\":1,\"asInt\":9") "," AT("2000", "\"flags\":1"))),
     "a BIGINT, b BIGINT: 1,1,2 | 2,-,-"},
    {LINE("a", GAUGE(AT("1000", "\"flags\":\"1\""))), "a \"NULL\": 1,-"},
    {LINE("a", GAUGE("{\"timeUnixNano\":\"1000\"}")), "a \"NULL\": 1,-"},
    /* Members in any order, unknown ones, nulls, the old names, two of each list. */
    {"{\"x\":[{}],\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":"
     "[{\"exemplars\":[],\"asDouble\":1,\"timeUnixNano\":\"1000\",\"startTimeUnixNano\":\"5\"}]},"
     "\"unit\":\"C\",\"sum\":null,\"name\":\"a\"}],\"scope\":{\"version\":\"1\",\"name\":\"s\"}}],"
     "\"resource\":{\"attributes\":[]}}]}",
     "a DOUBLE: 1,1.0"},
    {"{\"resourceMetrics\":[{\"instrumentationLibraryMetrics\":[{\"instrumentationLibrary\":{"
     "\"name\":\"s\"},\"metrics\":[{\"name\":\"a\",\"gauge\":{\"dataPoints\":[{\"asInt\":\"4\","
     "\"timeUnixNano\":\"1000\"}]}}]}]},{\"scopeMetrics\":[{\"metrics\":[]},{\"metrics\":[{"
     "\"name\":"
     "\"b\",\"gauge\":{\"dataPoints\":[{\"asInt\":\"5\",\"timeUnixNano\":\"1000\"}]}}]}]}]}\n",
     "a BIGINT, b BIGINT: 1,4,5"},
    {"\xEF\xBB\xBF" LINE("a", GAUGE(AT("1000", "\"asInt\":1"))) "\r\n  \n\n" LINE(
         "a", GAUGE(AT("2000", "\"asInt\":2"))),
     "a BIGINT: 1,1 | 2,2"},
    {LINE("\\u00b5S\\/cm \\\"\\ud83d\\ude00", GAUGE(AT("1000", "\"asInt\":1"))),
     "\xC2\xB5S/cm \"\xF0\x9F\x98\x80 BIGINT: 1,1"},
    {LINE("A", GAUGE(AT("1000", "\"asInt\":1"))) LINE("a", GAUGE(AT("1000", "\"asInt\":2"))),
     "A BIGINT, a BIGINT: 1,1,2"},
    {"{}\n{\"resourceMetrics\":null}\n{\"resourceMetrics\":[]}\n", ": "},
    {"", ": "},
};

static void test_content(void **state)
{
    Bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
        Written written = {0};
        Err *err = read_text(bench, "", GOOD[i].text, &written);
        if (err != NULL) fail_msg("%zu: %s", i, err_message(err));
        const char *got = content(bench, &written);
        if (strcmp(got, GOOD[i].content) != 0)
            fail_msg("%zu:\n%s\nis not\n%s", i, got, GOOD[i].content);
    }
}

static void test_attributes(void **state)
{
    Bench *bench = *state;
    const char *two = LINE("t", GAUGE(AT("1000", "\"asInt\":1," ATTR("sensor", "x")) "," AT(
                                    "1000", "\"asInt\":2," ATTR("sensor", "y"))));
    Written written = {0};
    HAS(FAILS(bench->arena, INVALID, read_text(bench, "", two, &written)),
        "line 1, byte 179: column 't' comes with sensor='y' here and with sensor='x' in line 1 | "
        "?attribute=sensor");
    OK(read_text(bench, "attribute=sensor", two, &written));
    assert_string_equal(content(bench, &written), "t.x BIGINT, t.y BIGINT: 1,1,2");
    OK(read_text(bench, "ignore=sensor", two, &written));
    assert_string_equal(content(bench, &written), "t BIGINT: 1,2");
    OK(read_text(bench, "ignore=*", two, &written));
    assert_string_equal(content(bench, &written), "t BIGINT: 1,2");

    /* One set of attributes, however it is written, is one column. */
    const char *same = LINE(
        "t",
        GAUGE(
            AT("1000",
               "\"asInt\":1,\"attributes\":[{\"key\":\"a\","
               "\"value\":{\"intValue\":\"1\"}},{\"key\":\"b\","
               "\"value\":{\"boolValue\":true}}]") "," AT("2000",
                                                          "\"asInt\":2,\"attributes\":[{\"value\":{"
                                                          "\"boolValue\":true},\"key\":\"b\"}, "
                                                          "{\"key\":"
                                                          "\"a\",\"value\":{\"intValue\":1}}]")));
    OK(read_text(bench, "", same, &written));
    assert_string_equal(content(bench, &written), "t BIGINT: 1,1 | 2,2");
    OK(read_text(bench, "attribute=b,a", same, &written));
    assert_string_equal(content(bench, &written), "t.true.1 BIGINT: 1,1 | 2,2");
}

/* Resources and scopes tell series apart, too. */
static void test_owners(void **state)
{
    Bench *bench = *state;
    const char *text = "{\"resourceMetrics\":[{\"resource\":{" ATTR(
        "host",
        "h1") "},\"scopeMetrics\":[{\"metrics\":"
              "[{\"name\":\"t\"," GAUGE(
                  AT("1000",
                     "\"asInt\":1")) "}]}]}]}\n"
                                     "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":"
                                     "[{\"name\":\"t\"," GAUGE(AT(
                                         "1000",
                                         "\"asInt\":2")) "}]}],\"resource\":{" ATTR("host",
                                                                                    "h2") "}}]}\n";
    const char *scopes =
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"scope\":{\"name\":\"s1\"},\"metrics\":"
        "[{\"name\":\"t\"," GAUGE(
            AT("1000", "\"asInt\":1")) "}]},{\"metrics\":"
                                       "[{\"name\":\"t\"," GAUGE(
                                           AT("1000", "\"asInt\":2")) "}]}]}]}\n";
    Written written = {0};
    HAS(FAILS(bench->arena, INVALID, read_text(bench, "", text, &written)),
        "line 2, byte 85: column 't' comes with host='h2' here and with host='h1' in line 1");
    OK(read_text(bench, "attribute=host", text, &written));
    assert_string_equal(content(bench, &written), "t.h1 BIGINT, t.h2 BIGINT: 1,1,2");
    HAS(FAILS(bench->arena, INVALID, read_text(bench, "", scopes, &written)),
        "with no 'otel.scope.name' here and with otel.scope.name='s1' in line 1");
    OK(read_text(bench, "attribute=otel.scope.name", scopes, &written));
    assert_string_equal(content(bench, &written), "t.s1 BIGINT, t BIGINT: 1,1,2");
    /* "t" with x and a metric of the name "t.x" would be one column. */
    const char *twins = LINE("t", GAUGE(AT("1000", "\"asInt\":1," ATTR("s", "x"))))
        LINE("t.x", GAUGE(AT("1000", "\"asInt\":2")));
    HAS(FAILS(bench->arena, INVALID, read_text(bench, "attribute=s", twins, &written)),
        "metric 't.x' and metric 't' of line 1 make one column 't.x'");
}

typedef struct Bad {
    ErrCode code;
    const char *text, *told;
} Bad;

#define POINTS(points) LINE("a", GAUGE(points))
static const Bad BAD[] = {
    {ERR_INVALID, "{}\n{\"resourceMetrics\":[\n]}", "line 2, byte 21: the text ends here"},
    {ERR_INVALID, "{\"a\":1}", "line 1, byte 1: no resourceMetrics"},
    {ERR_INVALID, "[]", "line 1, byte 1: not an object"},
    {ERR_INVALID, "{} {}", "line 1, byte 4: something follows"},
    {ERR_INVALID, "{\"a\":nul}", "line 1, byte 6: not a JSON value"},
    {ERR_INVALID, "{\"a\":01}", "line 1, byte 6: a malformed number"},
    {ERR_INVALID, "{\"a\":\"\xff\"}", "line 1, byte 7: invalid UTF-8"},
    {ERR_INVALID, "{\"a\":\"\t\"}", "line 1, byte 7: a control character"},
    {ERR_INVALID, "{\"a\":\"\\x\"}", "line 1, byte 7: a malformed escape"},
    {ERR_INVALID, "{\"a\":1,}", "line 1, byte 8: not a \"key\""},
    {ERR_INVALID, "{\"a\":[1 2]}", "line 1, byte 9: not a ',' or ']'"},
    {ERR_INVALID, "{\"resourceMetrics\":{}}", "byte 20: not an array"},
    {ERR_INVALID, "{\"resourceMetrics\":[],\"resourceMetrics\":[]}",
     "byte 41: a member that is there already"},
    {ERR_INVALID, POINTS("{\"asInt\":1}"), "byte 85: a data point without timeUnixNano"},
    {ERR_INVALID, POINTS(AT("0", "\"asInt\":1")), "a data point without timeUnixNano"},
    {ERR_INVALID, POINTS(AT("-1", "\"asInt\":1")), "byte 101: timeUnixNano is not a whole"},
    {ERR_INVALID, POINTS(AT("1.5", "\"asInt\":1")), "timeUnixNano is not a whole"},
    {ERR_INVALID, POINTS(AT("soon", "\"asInt\":1")), "timeUnixNano is not a whole"},
    {ERR_INVALID, POINTS(AT("18446744073709551616", "\"asInt\":1")), "timeUnixNano is not a whole"},
    {ERR_INVALID, POINTS(AT("1", "\"asInt\":9223372036854775808")), "asInt is not a whole"},
    {ERR_INVALID, POINTS(AT("1", "\"asInt\":0.5")), "asInt is not a whole"},
    {ERR_INVALID, POINTS(AT("1", "\"asInt\":true")), "not a number"},
    {ERR_INVALID, POINTS(AT("1", "\"asDouble\":1e999")), "asDouble is not a number that fits"},
    {ERR_INVALID, POINTS(AT("1", "\"asDouble\":\"nan\"")), "asDouble is not a number that fits"},
    {ERR_INVALID, POINTS(AT("1", "\"asDouble\":NaN")), "not a number"},
    {ERR_INVALID, POINTS(AT("1", "\"asDouble\":1,\"asInt\":1")), "both asInt and asDouble"},
    {ERR_INVALID, LINE("", GAUGE(AT("1", "\"asInt\":1"))), "byte 50: a metric without a name"},
    {ERR_INVALID, LINE("a", GAUGE("") ",\"sum\":{}"), "a metric of several kinds"},
    {ERR_INVALID, LINE("timestamp", GAUGE(AT("1", "\"asInt\":1"))), "named like the time column"},
    {ERR_INVALID, LINE("a\\u0000", GAUGE(AT("1", "\"asInt\":1"))), "a name with a NUL"},
    {ERR_INVALID, POINTS(AT("1", "\"asInt\":1,\"attributes\":[1]")), "not an object"},
    {ERR_INVALID, POINTS(AT("1", "\"asInt\":1,\"attributes\":{}")), "not an array"},
};

static void test_refused(void **state)
{
    Bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        Written written = {0};
        Err *err = read_text(bench, "", BAD[i].text, &written);
        if (err == NULL) fail_msg("%zu: %s is taken", i, BAD[i].text);
        int line = 0, column = 0;
        err_position(err, &line, &column);
        if (err_code(err) != BAD[i].code || strstr(err_message(err), BAD[i].told) == NULL ||
            line < 1)
            fail_msg("%zu: %s", i, err_message(err));
        err_free(err);
    }
}

/* A hundred thousand levels are refused where the limit is, without recursion to match. */
static void test_bomb(void **state)
{
    Bench *bench = *state;
    const size_t levels = 100000;
    char *text = arena_alloc(bench->arena, levels + 10);
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', levels);
    Written written = {0};
    HAS(FAILS(bench->arena, LIMIT, read_text(bench, "", text, &written)),
        "line 1, byte 69: nested deeper than 64 levels");
}

static void test_left_out(void **state)
{
    Bench *bench = *state;
    const char *text = LINE("h", "\"histogram\":{\"dataPoints\":[{},{\"x\":[1]}]}")
        LINE("h", "\"histogram\":{\"dataPoints\":[{}]}")
            LINE("e", "\"exponentialHistogram\":{\"dataPoints\":[{}]}")
                LINE("s", "\"summary\":{\"dataPoints\":[{},{}]}")
                    LINE("a", GAUGE(AT("1000", "\"asInt\":1"))) "{\"resourceSpans\":[1]}\n";
    Written written = {0};
    OK(read_text(bench, "", text, &written));
    assert_string_equal(content(bench, &written), "a BIGINT: 1,1");
    assert_string_equal(otel_left_out(written.otel, bench->arena),
                        "3 points of 1 histogram ('h'); 1 point of 1 exponential histogram ('e'); "
                        "2 points of 1 summary ('s'); 1 line of traces, logs or profiles");
    OK(read_text(bench, "", "{}", &written));
    assert_null(otel_left_out(written.otel, bench->arena));
}

/* What one part tells holds for the next, also by way of the stored state. */
static void test_state(void **state)
{
    Bench *bench = *state;
    Url url = url_with(bench, "");
    Written written = {0};
    Otel *next = NULL;
    const Json *json = NULL;
    const char *first = LINE("t", GAUGE(AT("1000", "\"asInt\":1," ATTR("s", "x"))))
        LINE("h", "\"histogram\":{\"dataPoints\":[{}]}");
    const char *other = LINE("t", GAUGE(AT("1000", "\"asInt\":1," ATTR("s", "y"))));
    OK(read_text(bench, "", first, &written));
    Buf text = buf_new(bench->arena);
    JsonOut out = json_out(&text);
    otel_state_put(written.otel, &out);
    otel_begin(written.otel, otel_line(written.otel));
    HAS(FAILS(bench->arena, INVALID, otel_add(written.otel, other, strlen(other))),
        "line 3, byte 85: column 't' comes with s='y' here and with s='x' in line 1");
    OK(otel_new(bench->arena, &url, &next));
    OK(json_parse(bench->arena, text.data, text.size, &json));
    OK(otel_state_get(next, json));
    otel_begin(next, 3);
    HAS(FAILS(bench->arena, INVALID, otel_add(next, other, strlen(other))),
        "line 3, byte 85: column 't' comes with s='y' here and with s='x' in line 1");
    assert_string_equal(otel_left_out(next, bench->arena), "1 point of 1 histogram ('h')");
    otel_end(next);
    otel_end(written.otel);
}

static void test_options(void **state)
{
    Bench *bench = *state;
    Written written = {0};
    HAS(FAILS(bench->arena, INVALID, read_text(bench, "attribute=a,,b", "", &written)),
        "option 'attribute': a name is missing");
    HAS(FAILS(bench->arena, INVALID, read_text(bench, "attribute=*", "", &written)),
        "'*' is no name");
}

/* Recorded times: the intervals, the order, the rows. */
static void test_meta(void **state)
{
    Bench *bench = *state;
    Buf text = buf_new(bench->arena);
    for (int i = 4999; i >= 0; i--)
        buf_printf(
            &text,
            "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m%d\","
            "\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"%d000\",\"asInt\":%d}]}}]}]}]}\n",
            i % 3, 1000 + i / 3, i);
    Written written = {0};
    OK(read_text(bench, "", text.data, &written));
    assert_int_equal(written.meta.rows, 1667);
    assert_true(written.meta.in_order);
    assert_string_equal(written.meta.time_column, "timestamp");
    assert_int_equal(written.meta.intervals[0].min, 1000);
    assert_int_equal(written.meta.intervals[written.meta.interval_count - 1].max, 2666);
    Conn *conn = NULL;
    char *sum = NULL;
    OK(provider_conn(bench->provider, &conn));
    /* Appearance is from the end: c1 is m1 (4999 % 3), c2 is m0, c3 is m2. Row k holds 3k, 3k + 1,
     * 3k + 2. */
    OK(engine_scalar_text(
        bench->arena, conn,
        arena_printf(bench->arena,
                     "SELECT count(*) || ' ' || count(c3) || ' ' || bool_and(c2 = 3 * "
                     "(epoch_us(c0) - 1000) AND c1 = c2 + 1 AND coalesce(c3 = c2 + 2, true)) FROM "
                     "read_parquet('%s')",
                     written.path),
        NULL, 0, &sum));
    assert_string_equal(sum, "1667 1666 true");
}

/* Ten thousand metrics in one line, another one in the next. */
static void test_wide(void **state)
{
    Bench *bench = *state;
    Buf text = buf_new(bench->arena);
    for (int line = 0; line < 2; line++) {
        buf_puts(&text, "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[");
        for (int i = 0; i < 10000; i++)
            buf_printf(&text,
                       "%s{\"name\":\"m%d\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"%d000\","
                       "\"asInt\":%d}]}}",
                       i > 0 ? "," : "", i, line + 1, i + line);
        buf_puts(&text, "]}]}]}\n");
    }
    Written written = {0};
    Conn *conn = NULL;
    char *cells = NULL;
    /* A chunk of 2,048 rows of 10,001 columns is 164 MB, and the engine holds two. */
    engine_configure(&(EngineOptions){.memory_limit_bytes = INT64_C(384) << 20});
    OK(read_text(bench, "", text.data, &written));
    OK(provider_conn(bench->provider, &conn));
    OK(engine_scalar_text(bench->arena, conn,
                          arena_printf(bench->arena,
                                       "SELECT string_agg(c1 || ' ' || c10000, ',') FROM "
                                       "read_parquet('%s')",
                                       written.path),
                          NULL, 0, &cells));
    assert_string_equal(cells, "0 9999,1 10000");
}

/* ---- parts ---- */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Lines of a few points over few times and metrics, so that cells meet in every way; metric m0 has
 * no values, m1 whole numbers, m2 now and then a fraction. */
static char *random_text(Arena *arena, uint32_t *random, int64_t spread)
{
    Buf text = buf_new(arena);
    for (int line = 0; line < 60; line++) {
        buf_puts(&text, "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[");
        for (int i = 0, count = (int)(next_random(random) % 4); i < count; i++) {
            uint32_t metric = next_random(random) % 5, value = next_random(random) % 100;
            buf_printf(&text,
                       "%s{\"name\":\"m%u\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"%lld\",",
                       i > 0 ? "," : "", metric,
                       (long long)(line * spread + 1000 + next_random(random) % 20000));
            if (metric == 0 || value < 10)
                buf_puts(&text, "\"flags\":1}]}}");
            else if (metric == 2 && value < 20)
                buf_puts(&text, "\"asDouble\":0.5}]}}");
            else
                buf_printf(&text, "\"asInt\":%u}]}}", value);
        }
        buf_puts(&text, "]}]}]}\n");
    }
    return text.data;
}

static const char *relation_rows(Bench *bench, const Rel *rel)
{
    Plan *plan = NULL;
    CLEANUP(rel_close_at) RelStream *stream = NULL;
    Buf text = buf_new(bench->arena);
    OK(provider_plan(bench->provider, &plan));
    OK(plan_resolve(plan, rel));
    const Schema *schema = rel_schema(rel);
    for (size_t i = 0; i < schema->count; i++)
        buf_printf(&text, "%s %s,", schema->columns[i].name, schema->columns[i].type);
    OK(rel_open(plan, rel, (RelRead){.span = {TIME_MIN, TIME_MAX}, .sorted = true}, &stream));
    for (Chunk chunk;;) {
        OK(rel_next(stream, &chunk));
        if (chunk.rows == 0) return text.data;
        for (size_t row = 0; row < chunk.rows; row++) {
            buf_puts(&text, "\n");
            for (size_t i = 0; i < chunk.columns; i++) {
                const Vector *vector = &chunk.vectors[i];
                if (vector_is_null(vector, row))
                    buf_puts(&text, "-,");
                else if (vector->phys == PHYS_F64)
                    buf_printf(&text, "%g,", engine_double(vector, row));
                else
                    buf_printf(&text, "%lld,", (long long)engine_int(vector, row));
            }
        }
    }
}

/* The text's relation, read in parts of these lines. */
static const char *rows_in_parts(Bench *bench, const char *text, const bool *cut_behind)
{
    Url url = url_with(bench, "");
    Otel *otel = NULL;
    Conn *conn = NULL;
    const Rel *scan = NULL, *rel = NULL;
    VEC(ScanFile) files = {0};
    static int number = 0;
    OK(otel_new(bench->arena, &url, &otel));
    OK(provider_conn(bench->provider, &conn));
    for (const char *at = text; *at != '\0';) {
        const char *end = at;
        int64_t line = otel_line(otel);
        for (bool more = true; more && *end != '\0'; line++) {
            end = strchr(end, '\n') + 1;
            more = !cut_behind[line];
        }
        Version meta;
        char *path = arena_printf(bench->arena, "%s/part%d.parquet", bench->dir, number++);
        otel_begin(otel, otel_line(otel));
        OK(otel_add(otel, at, (size_t)(end - at)));
        OK(otel_write(otel, bench->arena, conn, path, &meta));
        otel_end(otel);
        at = end;
        if (meta.rows == 0) continue;
        ScanFile file = {0};
        OK(scan_file_of(bench->arena, &meta, path, path, &file));
        (void)snprintf(file.sha256, sizeof file.sha256, "%064d", number);
        vec_push(bench->arena, &files, file);
    }
    ScanSpec spec = {
        .label = "x", .files = files.v, .file_count = files.n, .clip = {TIME_MIN, TIME_MAX}};
    OK(rel_scan(bench->arena, &spec, &scan));
    OK(otel_relation(bench->provider, "x", scan, &rel));
    return relation_rows(bench, rel);
}

/* However a text is cut, its rows are those of the whole; times of parts meet often or never. */
static void test_parts(void **state)
{
    Bench *bench = *state;
    uint32_t random = 2463534242U;
    for (int round = 0; round < 60; round++) {
        char *text = random_text(bench->arena, &random, round % 3 == 0 ? 100000 : 500);
        bool cut_behind[64] = {0};
        const char *whole = rows_in_parts(bench, text, cut_behind);
        for (int i = 0; i < 64; i++) cut_behind[i] = next_random(&random) % 8 == 0;
        const char *parts = rows_in_parts(bench, text, cut_behind);
        if (strcmp(whole, parts) != 0) fail_msg("round %d:\n%s\nis not\n%s", round, parts, whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_content), TEST(test_attributes), TEST(test_owners), TEST(test_refused),
        TEST(test_bomb),    TEST(test_left_out),   TEST(test_state),  TEST(test_options),
        TEST(test_meta),    TEST(test_wide),       TEST(test_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
