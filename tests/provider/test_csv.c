/* CSV to Parquet: headers, options, types; values are compared with what was written. */
#include "provider_test.h"

static Err *convert(Bench *bench, const char *url_text, const char *text, size_t size, char **out)
{
    Url url;
    char *csv = arena_printf(bench->arena, "%s/in.csv", bench->dir);
    *out = arena_printf(bench->arena, "%s/out.parquet", bench->dir);
    OK(url_parse(bench->arena, url_text, &url));
    OK(os_replace_file(csv, text, size));
    OK(os_unlink_if(*out));
    Version meta;
    return provider_text_to_parquet(bench->provider, bench->arena, csv, &url, "it", *out, &meta);
}

/* "name TYPE, ...: row | row": all that stands in the file. */
static const char *content(Bench *bench, const char *path)
{
    Conn *conn = NULL;
    Schema schema;
    int64_t rows = 0;
    char *cells = NULL;
    Buf text = buf_new(bench->arena);
    OK(provider_conn(bench->provider, &conn));
    OK(engine_parquet_schema(bench->arena, conn, path, &schema, &rows));
    for (size_t i = 0; i < schema.count; i++)
        buf_printf(&text, "%s%s %s", i > 0 ? ", " : "", schema.columns[i].name,
                   schema.columns[i].type);
    Buf sql = buf_new(bench->arena);
    buf_puts(&sql, "SELECT string_agg(concat_ws(','");
    for (size_t i = 0; i < schema.count; i++)
        buf_printf(&sql, ", coalesce(CAST(%s AS VARCHAR), '-')",
                   sql_ident(bench->arena, schema.columns[i].name));
    buf_printf(&sql, "), ' | ') FROM read_parquet('%s')", path);
    OK(engine_scalar_text(bench->arena, conn, sql.data, NULL, 0, &cells));
    buf_printf(&text, ": %s", cells != NULL ? cells : "");
    return text.data;
}

#define TZ "TIMESTAMP WITH TIME ZONE"

typedef struct Good {
    const char *url, *csv, *content;
} Good;

static const Good GOOD[] = {
    {"csv:///x", "timestamp,a\n2024-01-01,1\n",
     "timestamp " TZ ", a BIGINT: 2024-01-01 00:00:00+00,1"},
    {"csv:///x", "\xEF\xBB\xBFtimestamp,a\r\n2024-01-01,1\r\n",
     "timestamp " TZ ", a BIGINT: 2024-01-01 00:00:00+00,1"},
    {"csv:///x", "timestamp;a\n2024-01-01;1,5\n",
     "timestamp " TZ ", a VARCHAR: 2024-01-01 00:00:00+00,1,5"},
    {"csv:///x", "timestamp\ta\n2024-01-01\t1\n",
     "timestamp " TZ ", a BIGINT: 2024-01-01 00:00:00+00,1"},
    {"csv:///x", " timestamp , a b \n2024-01-01,1\n",
     "timestamp " TZ ", a b BIGINT: 2024-01-01 00:00:00+00,1"},
    {"csv:///x", "timestamp,\"a \"\"q\"\", x\"\n2024-01-01,1.5\n",
     "timestamp " TZ ", a \"q\", x DOUBLE: 2024-01-01 00:00:00+00,1.5"},
    {"csv:///x", "timestamp,a\n2024-01-01,\"two\nlines\"\n",
     "timestamp " TZ ", a VARCHAR: 2024-01-01 00:00:00+00,two\nlines"},
    {"csv:///x", "timestamp,a\n2024-01-01T05:00:00+05:30,\n",
     "timestamp " TZ ", a VARCHAR: 2023-12-31 23:30:00+00,-"},
    {"csv:///x", "timestamp,a\n1700000000,true\n",
     "timestamp " TZ ", a BOOLEAN: 2023-11-14 22:13:20+00,true"},
    {"csv:///x", "timestamp,a\n1700000000123,1\n",
     "timestamp " TZ ", a BIGINT: 2023-11-14 22:13:20.123+00,1"},
    {"csv:///x", "ts,a\n1700000000.25,1\n", "ts " TZ ", a BIGINT: 2023-11-14 22:13:20.25+00,1"},
    {"csv:///x?unit=s", "ts,a\n5,1\n", "ts " TZ ", a BIGINT: 1970-01-01 00:00:05+00,1"},
    {"csv:///x?unit=ms", "ts,a\n-1,1\n", "ts " TZ ", a BIGINT: 1969-12-31 23:59:59.999+00,1"},
    {"csv:///x?time=b", "timestamp,b\nx,2024-01-01\n",
     "timestamp VARCHAR, b " TZ ": x,2024-01-01 00:00:00+00"},
    {"csv:///x?header=false&time=column0", "2024-01-01,1\n",
     "column0 " TZ ", column1 BIGINT: 2024-01-01 00:00:00+00,1"},
    {"csv:///x?delimiter=|&quote='", "timestamp|a\n2024-01-01|'x|y'\n",
     "timestamp " TZ ", a VARCHAR: 2024-01-01 00:00:00+00,x|y"},
    {"csv:///x?nullstr=NA", "timestamp,a,b\n2024-01-01,NA,\n2024-01-02,2,x\n",
     "timestamp " TZ
     ", a BIGINT, b VARCHAR: 2024-01-01 00:00:00+00,-,- | 2024-01-02 00:00:00+00,2,x"},
    {"csv:///x?timeformat=%25d/%25m/%25Y", "timestamp,a\n01/02/2024,1\n",
     "timestamp " TZ ", a BIGINT: 2024-02-01 00:00:00+00,1"},
    {"csv:///x", "timestamp,d\n2024-01-01,2024-03-04\n",
     "timestamp " TZ ", d DATE: 2024-01-01 00:00:00+00,2024-03-04"},
    {"csv:///x", "timestamp,d\n2024-01-01,04/03/2024\n",
     "timestamp " TZ ", d VARCHAR: 2024-01-01 00:00:00+00,04/03/2024"},
    /* Day or month first: a guess would be a silent error. */
    {"csv:///x", "ts,d\n1700000000,04/03/2024\n1700000000,15/03/2024\n",
     "ts " TZ ", d VARCHAR: 2023-11-14 22:13:20+00,04/03/2024 | 2023-11-14 22:13:20+00,15/03/2024"},
    {"csv:///x", "timestamp,a\n2024-01-01,#1\n",
     "timestamp " TZ ", a VARCHAR: 2024-01-01 00:00:00+00,#1"},
    {"csv:///x", "timestamp,a", "timestamp " TZ ", a VARCHAR: "},
    {"csv:///x", "timestamp\n2024-01-02\n2024-01-01\n",
     "timestamp " TZ ": 2024-01-02 00:00:00+00 | 2024-01-01 00:00:00+00"},
};

static void test_content(void **state)
{
    Bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
        char *path = NULL;
        Err *err = convert(bench, GOOD[i].url, GOOD[i].csv, strlen(GOOD[i].csv), &path);
        if (err != NULL) fail_msg("%zu: %s", i, err_message(err));
        const char *got = content(bench, path);
        if (strcmp(got, GOOD[i].content) != 0)
            fail_msg("%zu:\n%s\nis not\n%s", i, got, GOOD[i].content);
    }
}

typedef struct Bad {
    const char *url, *csv, *told;
} Bad;

static const Bad BAD[] = {
    {"csv:///x", "", "it: the file is empty"},
    {"csv:///x", "timestamp,a\n2024-01-01,1\n2024-01-02\n",
     "it: line 3: 1 field where the header has 2"},
    {"csv:///x", "timestamp,a\n2024-01-01,1,2\n", "it: line 2: 3 fields where the header has 2"},
    {"csv:///x", "timestamp,a\n2024-01-01,\"x\n", "line 2: a quote is not closed"},
    {"csv:///x", "timestamp,a\n2024-01-01,\xff\n", "line 2: byte 12: not valid UTF-8"},
    {"csv:///x", "timestamp,,b\n2024-01-01,1,2\n", "line 1: column 2 has no name"},
    {"csv:///x", "timestamp,a,a\n2024-01-01,1,2\n", "line 1: column 'a' appears twice"},
    {"csv:///x", "timestamp,a,A\n2024-01-01,1,2\n", "columns 'a' and 'A' differ only in case"},
    {"csv:///x", "a,b\n1,2\n", "it: no time column"},
    {"csv:///x", "a,b\n2024-01-01,2024-01-01\n", "several columns could be the time: 'a', 'b'"},
    {"csv:///x", "timestamp,a\nsoon,1\n",
     "line 2: 'soon' in time column 'timestamp' is not a time"},
    {"csv:///x", "timestamp,a\n2024-01-01,1\n2024-02-30,1\n", "line 3: '2024-02-30'"},
    {"csv:///x", "ts,a\n5,1\n", "holds numbers that could be of any unit"},
    {"csv:///x?unit=h", "ts,a\n5,1\n", "unit 'h'"},
    {"csv:///x?delimiter=ab", "ts,a\n5,1\n", "option 'delimiter' is one character"},
    {"csv:///x?header=no", "ts,a\n5,1\n", "option 'header' is true or false, not 'no'"},
    {"csv:///x?timeformat=%25Y", "timestamp,a\n01/02/2024,1\n", "'01/02/2024'"},
};

static void test_refused(void **state)
{
    Bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        char *path = NULL;
        bool there = true;
        OsStat stat;
        Err *err = convert(bench, BAD[i].url, BAD[i].csv, strlen(BAD[i].csv), &path);
        if (err == NULL) fail_msg("%zu: %s is taken", i, BAD[i].csv);
        const char *told = err_message(err);
        if (err_code(err) != ERR_INVALID || strstr(told, BAD[i].told) == NULL)
            fail_msg("%zu: %s", i, told);
        err_free(err);
        OK(os_stat_if(path, &there, &stat));
        assert_false(there);
    }
    char *path = NULL;
    HAS(FAILS(bench->arena, INVALID,
              convert(bench, "csv:///x", "timestamp,a\n2024-01-01,\0\n", 25, &path)),
        "line 2: byte 12 is NUL");
    HAS(FAILS(bench->arena, NOT_FOUND,
              convert(bench, "csv:///x?time=tme", "time,a\n2024-01-01,1\n", 20, &path)),
        "no column 'tme' | did you mean 'time'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_content), TEST(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
