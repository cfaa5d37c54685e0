/* Log rows that no writer of ours makes: each must be refused by name when the log is replayed,
 * whether the index is advanced or built, and reported by fsck; nothing of it may reach a reader.
 */
#include "tlogfs/tlog_check.h"

typedef struct Ids {
    NodeId dir, below, file;
} Ids;

static Ids ids;

static Tlog *small_pond(void)
{
    Tlog *tlog = new_pond();
    OK(tlog_begin(tlog));
    ids.dir = make(tlog, NODE_ROOT, "dir", ENTRY_DIR).id;
    ids.below = make(tlog, ids.dir, "below", ENTRY_DIR).id;
    ids.file = make(tlog, NODE_ROOT, "file", ENTRY_DATA_SERIES).id;
    (void)append_text(tlog, ids.file, "one");
    (void)append_text(tlog, ids.file, "two");
    (void)commit(tlog);
    return tlog;
}

static char HASH[SHA256_HEX + 1];

static LogRow node_row(NodeId id, NodeId parent, const char *name)
{
    return (LogRow){.op = ROW_NODE,
                    .node = id,
                    .parent = parent,
                    .name = name,
                    .type = ENTRY_DIR,
                    .size_bytes = -1,
                    .rows = -1};
}

static LogRow version_row(NodeId id, int64_t version)
{
    return (LogRow){.op = ROW_VERSION,
                    .node = id,
                    .version = version,
                    .size_bytes = 3,
                    .sha256 = HASH,
                    .content = "abc",
                    .content_size = 3,
                    .rows = -1};
}

/* Commits rows as they are, as a writer without checks would: data file and entry, not the index.
 */
static void commit_rows(Tlog *tlog, LogRow *rows, size_t count, int64_t txn)
{
    DeltaAdd add;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].txn == 0) rows[i].txn = txn;
        if (rows[i].seq == 0) rows[i].seq = (int64_t)i + 1;
        rows[i].time = tlog->stamp.time + 5;
    }
    OK(log_write_rows(arena, &tlog->source, rows, count, &add));
    LogEntryInfo info = {.operation = "WRITE",
                         .txn = txn,
                         .time = tlog->stamp.time + 5,
                         .txn_id = random_uuid(arena)};
    DeltaTxn action = {tlog->app_id, txn, 0};
    DeltaCommit entry = {.info = log_entry_info(arena, &info),
                         .adds = &add,
                         .add_count = 1,
                         .txns = &action,
                         .txn_count = 1};
    bool won = false;
    OK(delta_commit(arena, tlog->log_dir, tlog->stamp.log_version + 1, &entry, &won));
    assert_true(won);
}

static void refused(LogRow *rows, size_t count, int64_t txn, const char *words)
{
    Tlog *tlog = small_pond();
    const char *before = fingerprint(tlog);
    for (size_t i = 0; i < count; i++) { /* cases are written before the ids are known */
        NodeId *places[] = {&rows[i].node, &rows[i].parent};
        for (int j = 0; j < 2; j++) {
            if (strcmp(places[j]->text, "dir") == 0)
                *places[j] = ids.dir;
            else if (strcmp(places[j]->text, "below") == 0)
                *places[j] = ids.below;
            else if (strcmp(places[j]->text, "file") == 0)
                *places[j] = ids.file;
        }
    }
    commit_rows(tlog, rows, count, txn);
    assert_string_equal(fingerprint(tlog), before); /* a snapshot does not see it */
    tlog_close_at(&tlog);
    FAILS(tlog_open(pond, (TlogOptions){0}, &tlog), CORRUPT, words);
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    FAILS(tlog_open(pond, (TlogOptions){0}, &tlog), CORRUPT, words);
    OK(os_remove_tree(pond));
}

static NodeId named(const char *name)
{
    NodeId id = {0};
    (void)snprintf(id.text, sizeof id.text, "%s", name);
    return id;
}

static void impossible_nodes(void **state)
{
    (void)state;
    NodeId stranger = node_id_new();
    LogRow orphan = node_row(node_id_new(), stranger, "x");
    refused(&orphan, 1, 3, "its parent is not a directory");
    LogRow under_file = node_row(node_id_new(), named("file"), "x");
    refused(&under_file, 1, 3, "its parent is not a directory");
    LogRow taken = node_row(node_id_new(), NODE_ROOT, "dir");
    refused(&taken, 1, 3, "its name is taken");
    LogRow circle = node_row(named("dir"), named("below"), "dir");
    refused(&circle, 1, 3, "below itself");
    LogRow moved_root = node_row(NODE_ROOT, named("dir"), "root");
    refused(&moved_root, 1, 3, "the root was moved");
    LogRow full = {.op = ROW_DELETE, .node = named("dir"), .size_bytes = -1, .rows = -1};
    refused(&full, 1, 3, "not empty");
    LogRow unknown = {.op = ROW_DELETE, .node = stranger, .size_bytes = -1, .rows = -1};
    refused(&unknown, 1, 3, "no such node");
}

static void impossible_versions(void **state)
{
    (void)state;
    sha256_of("abc", 3, HASH);
    LogRow again = version_row(named("file"), 2);
    refused(&again, 1, 3, "does not ascend");
    LogRow of_dir = version_row(named("dir"), 1);
    refused(&of_dir, 1, 3, "it has no versions");
    LogRow size = version_row(named("file"), 3);
    size.size_bytes = 4;
    refused(&size, 1, 3, "another size");
    LogRow hash = version_row(named("file"), 3);
    hash.sha256 = "abc";
    refused(&hash, 1, 3, "not a SHA-256");
    LogRow intervals = version_row(named("file"), 3);
    intervals.intervals = "[[5,4]]";
    refused(&intervals, 1, 3, "time intervals are malformed");
}

static void rows_out_of_order(void **state)
{
    (void)state;
    LogRow twice[] = {node_row(node_id_new(), NODE_ROOT, "x"),
                      node_row(node_id_new(), NODE_ROOT, "y")};
    twice[0].seq = twice[1].seq = 7;
    refused(twice, 2, 3, "stands after");
    LogRow gap = node_row(node_id_new(), NODE_ROOT, "x");
    refused(&gap, 1, 5, "no data file for transaction 3");
    LogRow old = node_row(node_id_new(), NODE_ROOT, "x");
    refused(&old, 1, 2, "no data file for transaction");
}

/* What fsck says when the index is current and the rows are bad all the same. */
static void wrong_content_is_found(void **state)
{
    (void)state;
    Tlog *tlog = small_pond();
    sha256_of("abd", 3, HASH); /* of other bytes */
    LogRow row = version_row(ids.file, 3);
    commit_rows(tlog, &row, 1, 3);
    OK(tlog_refresh(tlog)); /* form and order are right: it is taken in */
    TlogFsck result = fsck_of(tlog, true);
    assert_int_equal(result.problem_count, 1);
    assert_true(result.problems[0].fatal);
    assert_non_null(strstr(result.problems[0].what, "inline content"));
    Version *versions = NULL;
    size_t count = 0;
    Content content;
    OK(tlog_op_versions(tlog, arena, ids.file, &versions, &count));
    FAILS(tlog_op_content(tlog, arena, &versions[2], &content), CORRUPT, "another hash");
    tlog_close_at(&tlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(impossible_nodes),
        TEST(impossible_versions),
        TEST(rows_out_of_order),
        TEST(wrong_content_is_found),
    };
    return RUN("rows", tests);
}
