/* Replaying a log: what stands after adds, removes, transactions and new metadata; holes, hints
 * that lie, damaged and empty entries; and that advancing a snapshot gives what loading gives.
 * Entries are literal text, so no writer of ours is involved. */
#include "delta_test.h"
#include "perf/ops.h"

#define TXN(app, version)                                                                          \
    "{\"txn\":{\"appId\":\"" app "\",\"version\":" version ",\"lastUpdated\":3}}\n"
#define DV(path, where)                                                                            \
    "{\"add\":{\"path\":\"" path                                                                   \
    "\",\"size\":10,\"deletionVector\":{\"storageType\":\"u\",\"pathOrInlineDv\":\"" where         \
    "\",\"offset\":1}}}\n"

static void refused(int64_t version, ErrCode code, const char *words)
{
    DeltaSnapshot snapshot = {.version = 77};
    fail_with(delta_snapshot_load(arena, table, version, &snapshot), code, words, words, __LINE__);
    assert_int_equal(snapshot.version, 77); /* results are untouched on failure */
}

static void test_state_at_each_version(void **state)
{
    (void)state;
    put_entry(0, "{\"commitInfo\":{\"a\":1}}\n" PROTOCOL METADATA);
    put_entry(1, ADD("a") ADD("b") TXN("x", "9007199254740993"));
    put_entry(2, REMOVE("a") ADD("c") TXN("y", "1") TXN("x", "2"));
    put_entry(3, ADD("a") REMOVE("nowhere"));
    assert_string_equal(live(&(DeltaSnapshot){0}), "");
    DeltaSnapshot first = load(1), second = load(2), newest = load(-1);
    assert_string_equal(live(&first), "a,b");
    assert_true(first.txns[0].version == INT64_C(9007199254740993));
    assert_string_equal(live(&second), "b,c");
    assert_int_equal(second.remove_count, 1);
    assert_string_equal(second.removes[0].path, "a");
    assert_int_equal(second.removes[0].deleted_ms, 900);
    assert_int_equal(second.removes[0].size_bytes, -1);
    assert_int_equal(second.txn_count, 2);
    assert_string_equal(second.txns[0].app_id, "x");
    assert_int_equal(second.txns[0].version, 2); /* the newest wins, not the largest */
    assert_int_equal(newest.version, 3);
    assert_string_equal(live(&newest), "a,b,c");
    assert_int_equal(newest.remove_count, 1);
    assert_string_equal(newest.removes[0].path, "nowhere");
    assert_int_equal(newest.checkpoint_version, -1);
    assert_string_equal(newest.metadata.id, "m-1");
    assert_string_equal(newest.metadata.configuration[0].value, "p");
}

static void test_within_an_entry_actions_are_a_set(void **state)
{
    (void)state;
    put_entry(0, METADATA ADD("a") PROTOCOL);
    put_entry(1, DV("a", "v1") REMOVE("a"));
    DeltaSnapshot snapshot = load(-1);
    assert_string_equal(live(&snapshot), "a");
    assert_non_null(strstr(snapshot.adds[0].deletion_vector, "\"v1\""));
    put_entry(2, DV("a", "v2") "{\"remove\":{\"path\":\"a\",\"deletionVector\":{\"storageType\":"
                               "\"u\",\"pathOrInlineDv\":\"v1\",\"offset\":1}}}\n");
    snapshot = load(-1);
    assert_int_equal(snapshot.add_count, 1);
    assert_non_null(strstr(snapshot.adds[0].deletion_vector, "\"v2\""));
    assert_int_equal(snapshot.remove_count, 2); /* without a vector, and with v1 */
}

static void test_tolerant_where_the_protocol_says_so(void **state)
{
    (void)state;
    put_entry(0, "\n" PROTOCOL "{\"unknownAction\":{\"x\":[1,{}]}}\r\n  \n" METADATA
                 "{\"add\":{\"path\":\"a\",\"size\":1,\"unknown\":{\"deep\":[null]},\"stats\":null,"
                 "\"tags\":null,\"partitionValues\":{\"p\":null}}}\n"
                 "{\"add\":null,\"remove\":null}\n{\"domainMetadata\":{\"domain\":\"d\"}}\n{"
                 "\"cdc\":{\"path\":\"c\"}}");
    put_file(log_file("00000000000000000000.crc"), "not JSON");
    put_file(log_file("00000000000000000007.json.tmp"), "x");
    put_file(log_file(".00000000000000000008.json"), "x");
    put_file(log_file("00000000000000000000.00000000000000000009.compacted.json"), "x");
    put_file(log_file("00000000000000000009.checkpoint.notauuid.parquet"), "x");
    put_file(log_file("__tmp_path_dir"), "x");
    DeltaSnapshot snapshot = load(-1);
    assert_int_equal(snapshot.version, 0);
    assert_string_equal(live(&snapshot), "a");
    assert_string_equal(snapshot.adds[0].partition_values, "{\"p\":null}");
    assert_null(snapshot.adds[0].stats);
    assert_true(snapshot.adds[0].data_change);
}

static void test_paths_are_decoded_once(void **state)
{
    (void)state;
    put_entry(0, PROTOCOL METADATA ADD("x=%252F/a%20b%C3%A9.parquet") ADD("file:///abs/p%25")
                     ADD("s3://b/k%20"));
    DeltaSnapshot snapshot = load(-1);
    assert_string_equal(live(&snapshot), "/abs/p%,s3://b/k ,x=%2F/a bé.parquet");
}

static void test_damage_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *words;
    } cases[] = {
        {"", "is empty"},
        {"\n \n", "is empty"},
        {"{\"add\":{\"path\":\"a\",\"size\":1}}\n{\"add\":{\"pa", "line 2"},
        {"[]", "line 1: not an object"},
        {"{\"add\":[]}", "add is not an object"},
        {"{\"add\":{\"size\":1}}", "no text \"path\""},
        {"{\"add\":{\"path\":7,\"size\":1}}", "no text \"path\""},
        {"{\"add\":{\"path\":\"\",\"size\":1}}", "empty path"},
        {"{\"add\":{\"path\":\"a\\u0000b\",\"size\":1}}", "NUL"},
        {"{\"add\":{\"path\":\"a%00b\",\"size\":1}}", "percent-encoding"},
        {"{\"add\":{\"path\":\"a%2\",\"size\":1}}", "percent-encoding"},
        {"{\"add\":{\"path\":\"a%zz\",\"size\":1}}", "percent-encoding"},
        {"{\"add\":{\"path\":\"a\"}}", "no integer \"size\""},
        {"{\"add\":{\"path\":\"a\",\"size\":1.5}}", "no integer \"size\""},
        {"{\"remove\":{}}", "no text \"path\""},
        {"{\"txn\":{\"appId\":\"x\"}}", "no integer \"version\""},
        {"{\"metaData\":{}}", "no text \"id\""},
        {"{\"metaData\":{\"id\":\"x\",\"partitionColumns\":[1]}}", "partitionColumns"},
        {METADATA METADATA, "two metaData"},
        {PROTOCOL PROTOCOL, "two protocol"},
        {"{\"protocol\":{\"minReaderVersion\":0,\"minWriterVersion\":2}}", "versions 0 and 2"},
        {"{\"add\":{\"path\":\"a\",\"size\":1,\"deletionVector\":{\"x\":1}}}", "deletion vector"},
        {"{\"add\":{\"path\":\"\xff\xfe\",\"size\":1}}", "line 1"},
    };
    put_entry(0, PROTOCOL METADATA);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_entry(1, cases[i].entry);
        refused(-1, ERR_CORRUPT, cases[i].words);
    }
    assert_int_equal(load(0).version, 0);
}

static void test_refused_by_name(void **state)
{
    (void)state;
    put_entry(0, PROTOCOL METADATA);
    put_entry(1, "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":["
                 "\"deletionVectors\",\"catalogManaged\"]}}");
    refused(-1, ERR_UNSUPPORTED, "\"catalogManaged\"");
    put_entry(1, "{\"protocol\":{\"minReaderVersion\":4,\"minWriterVersion\":7}}");
    refused(-1, ERR_UNSUPPORTED, "reader version 4");
    put_entry(
        1,
        "{\"metaData\":{\"id\":\"x\",\"format\":{\"provider\":\"orc\"},\"schemaString\":\"{}\"}}");
    refused(-1, ERR_UNSUPPORTED, "orc");
    put_entry(1, "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":["
                 "\"deletionVectors\"],"
                 "\"writerFeatures\":[\"unknownWriterFeature\"]}}");
    assert_int_equal(load(-1).version, 1); /* what only writers must know does not stop a reader */
}

static void test_lacking_protocol_metadata_or_schema(void **state)
{
    (void)state;
    put_entry(0, METADATA);
    refused(-1, ERR_CORRUPT, "no protocol");
    put_entry(0, PROTOCOL);
    refused(-1, ERR_CORRUPT, "no metaData");
    put_entry(0, PROTOCOL "{\"metaData\":{\"id\":\"m\"}}");
    refused(-1, ERR_CORRUPT, "no schema");
    put_entry(1, METADATA);
    assert_int_equal(load(-1).version, 1);
}

static void test_holes_are_corrupt(void **state)
{
    (void)state;
    put_entry(0, PROTOCOL METADATA);
    put_entry(1, ADD("a"));
    put_entry(3, ADD("c"));
    refused(-1, ERR_CORRUPT, "log entry 2 is missing");
    refused(2, ERR_CORRUPT, "log entry 2 is missing");
    refused(3, ERR_CORRUPT, "log entry 2 is missing");
    assert_int_equal(load(1).version, 1);
    OK(os_unlink(delta_entry_path(arena, table, 0)));
    refused(-1, ERR_CORRUPT, "log entry 0 is missing");
}

static void test_no_table(void **state)
{
    (void)state;
    refused(-1, ERR_NOT_FOUND, "no Delta table");
    put_file(log_file("_last_checkpoint"), "{\"version\":3}");
    refused(-1, ERR_NOT_FOUND, "no Delta table");
    put_entry(0, PROTOCOL METADATA);
    refused(1, ERR_NOT_FOUND, "there is no version 1; the newest is 0");
    table = arena_printf(arena, "%s/nothing", root);
    refused(-1, ERR_NOT_FOUND, "no _delta_log");
}

/* Hints that lie send the reader to the listing. */
static void test_a_wrong_hint_does_no_harm(void **state)
{
    (void)state;
    static const char *const hints[] = {"",
                                        "{",
                                        "[]",
                                        "{}",
                                        "{\"version\":\"1\"}",
                                        "{\"version\":5}",
                                        "{\"version\":0,\"parts\":3}",
                                        "{\"version\":5,\"tags\":{\"pond.entriesKept\":\"true\"}}",
                                        "{\"version\":-7,\"tags\":{\"pond.entriesKept\":\"true\"}}",
                                        "{\"version\":0,\"tags\":7}"};
    put_entry(0, PROTOCOL METADATA);
    put_entry(1, ADD("a"));
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        put_file(log_file("_last_checkpoint"), hints[i]);
        assert_int_equal(load(-1).version, 1);
    }
}

static void test_opening_costs_the_tail_and_one_probe(void **state)
{
    (void)state;
    put_entry(0, PROTOCOL METADATA);
    for (int i = 1; i < 7; i++) put_entry(i, ADD("a"));
    uint64_t opens = perf_read(PERF_log_entry_open), probes = perf_read(PERF_log_probe);
    (void)load(-1);
    assert_int_equal(perf_read(PERF_log_entry_open) - opens, 7);
    assert_int_equal(perf_read(PERF_log_probe) - probes, 1);
    (void)load(3);
    assert_int_equal(perf_read(PERF_log_entry_open) - opens, 11);
    assert_int_equal(perf_read(PERF_log_probe) - probes, 1);
}

/* ---- advancing ---- */

static void assert_same(const DeltaSnapshot *a, const DeltaSnapshot *b)
{
    assert_int_equal(a->version, b->version);
    assert_string_equal(live(a), live(b));
    assert_int_equal(a->remove_count, b->remove_count);
    for (size_t i = 0; i < a->remove_count; i++)
        assert_string_equal(a->removes[i].path, b->removes[i].path);
    assert_int_equal(a->txn_count, b->txn_count);
    for (size_t i = 0; i < a->txn_count; i++)
        assert_int_equal(a->txns[i].version, b->txns[i].version);
    assert_string_equal(a->metadata.id, b->metadata.id);
    assert_int_equal(a->protocol.writer, b->protocol.writer);
}

/* A random log over 12 names; a model of which are live stands beside it. */
static void test_advancing_equals_loading_equals_a_model(void **state)
{
    (void)state;
    unsigned random = 12345;
    bool model[12] = {false};
    put_entry(0, PROTOCOL METADATA);
    DeltaSnapshot snapshot = load(0);
    for (int64_t version = 1; version <= 60; version++) {
        Buf text = buf_new(arena), expected = buf_new(arena);
        buf_printf(&text, "{\"txn\":{\"appId\":\"app%" PRId64 "\",\"version\":%" PRId64 "}}\n",
                   version % 3, version);
        for (unsigned name = 0; name < 12; name++) {
            random = random * 1103515245u + 12345u;
            if ((random >> 16) % 4 != 0) continue;
            model[name] = !model[name];
            buf_printf(&text, "{\"%s\":{\"path\":\"f%02u\",\"size\":1,\"deletionTimestamp\":1}}\n",
                       model[name] ? "add" : "remove", name);
        }
        for (unsigned name = 0; name < 12; name++)
            if (model[name]) buf_printf(&expected, "%sf%02u", expected.size > 0 ? "," : "", name);
        put_entry(version, text.data);
        SCRATCH(short_lived);
        DeltaCommit commit = {0};
        bool exists = false;
        OK(delta_entry_read(short_lived, table, version, &exists, &commit));
        OK(delta_snapshot_apply(arena, &snapshot, &commit));
        DeltaSnapshot loaded = load(-1);
        assert_string_equal(live(&loaded), expected.data);
        assert_same(&snapshot, &loaded);
    }
}

static void test_advancing_refuses_what_loading_refuses(void **state)
{
    (void)state;
    put_entry(0, PROTOCOL METADATA);
    DeltaSnapshot snapshot = load(0);
    DeltaCommit commit = {.protocol = {.reader = 4, .writer = 7}};
    FAILS(delta_snapshot_apply(arena, &snapshot, &commit), UNSUPPORTED, "reader version 4");
    assert_int_equal(snapshot.version, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_state_at_each_version),
        TEST(test_within_an_entry_actions_are_a_set),
        TEST(test_tolerant_where_the_protocol_says_so),
        TEST(test_paths_are_decoded_once),
        TEST(test_damage_is_named),
        TEST(test_refused_by_name),
        TEST(test_lacking_protocol_metadata_or_schema),
        TEST(test_holes_are_corrupt),
        TEST(test_no_table),
        TEST(test_a_wrong_hint_does_no_harm),
        TEST(test_opening_costs_the_tail_and_one_probe),
        TEST(test_advancing_equals_loading_equals_a_model),
        TEST(test_advancing_refuses_what_loading_refuses),
    };
    return RUN("delta snapshot", tests);
}
