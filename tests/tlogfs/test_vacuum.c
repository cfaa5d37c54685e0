/* Vacuum: what may go and what must stay, by the log's own times. */
#include "tlogfs/tlog_check.h"

static TimeUs now;
static TimeUs set_clock(void *context)
{
    (void)context;
    return now;
}

static void start_clock(void)
{
    now = 1700000000 * US_PER_SECOND; /* long before the files' own times */
    os_clock_set(set_clock, NULL);
}

static int blobs_on_disk(void)
{
    int count = 0;
    OsEntry *dirs = NULL, *files = NULL;
    size_t dir_count = 0, file_count = 0;
    const char *blobs = path_join(arena, pond, "blobs");
    OK(os_list(arena, blobs, &dirs, &dir_count));
    for (size_t i = 0; i < dir_count; i++) {
        OK(os_list(arena, path_join(arena, blobs, dirs[i].name), &files, &file_count));
        count += (int)file_count;
    }
    return count;
}

static TlogVacuum vacuum(Tlog *tlog, int64_t retain_us)
{
    TlogVacuum done = {0};
    OK(tlog_vacuum(tlog, retain_us, &done));
    return done;
}

static Node table_with_blob(Tlog *tlog, const char *name, int seed)
{
    OK(tlog_begin(tlog));
    Node node = make(tlog, NODE_ROOT, name, ENTRY_TABLE);
    (void)append_blob(tlog, node.id, seed, 6000);
    (void)commit(tlog);
    return node;
}

static bool remembered(Tlog *tlog, const char *name)
{
    Verified row;
    bool found = false;
    OK(index_verified_get(tlog->index, arena, name, &found, &row));
    return found;
}

static void tick(Tlog *tlog, int64_t us)
{
    static int number;
    now += us;
    OK(tlog_begin(tlog));
    (void)make(tlog, NODE_ROOT, arena_printf(arena, "tick%d", ++number), ENTRY_DIR);
    (void)commit(tlog);
}

static void dropped_blobs_stay_for_the_retention(void **state)
{
    (void)state;
    start_clock();
    Tlog *tlog = new_pond();
    Node node = table_with_blob(tlog, "t", 1);
    now += US_PER_HOUR;
    OK(tlog_begin(tlog));
    (void)append_blob(tlog, node.id, 2, 6000); /* replaces: the first has no reference any more */
    (void)commit(tlog);
    assert_int_equal(blobs_on_disk(), 2);
    now += 10 * US_PER_DAY; /* the wall clock alone lets nothing go */
    assert_int_equal(vacuum(tlog, US_PER_DAY).blobs, 0);
    tick(tlog, -9 * US_PER_DAY - 2 * US_PER_HOUR); /* 22 h after the drop */
    assert_int_equal(vacuum(tlog, US_PER_DAY).blobs, 0);
    tick(tlog, 2 * US_PER_HOUR);
    TlogVacuum done = vacuum(tlog, US_PER_DAY);
    assert_int_equal(done.blobs, 1);
    assert_int_equal(done.bytes, 6000);
    VersionSpec first = stage(tlog, 1, 6000, true), second = stage(tlog, 2, 6000, true);
    assert_false(remembered(tlog, blob_name(arena, &first.meta)));
    assert_true(remembered(tlog, blob_name(arena, &second.meta)));
    assert_int_equal(blobs_on_disk(), 1);
    check_whole(tlog);
    tlog_close_at(&tlog);
}

static void deleted_nodes_release_their_blobs(void **state)
{
    (void)state;
    start_clock();
    Tlog *tlog = new_pond();
    Node one = table_with_blob(tlog, "one", 1), two = table_with_blob(tlog, "two", 1);
    assert_int_equal(blobs_on_disk(), 1); /* the same content */
    OK(tlog_begin(tlog));
    OK(tlog_op_remove(tlog, one.id));
    (void)commit(tlog);
    assert_int_equal(vacuum(tlog, 0).blobs, 0); /* the other still refers to it */
    OK(tlog_begin(tlog));
    OK(tlog_op_remove(tlog, two.id));
    (void)commit(tlog);
    assert_int_equal(vacuum(tlog, 1).blobs, 0);
    (void)table_with_blob(tlog, "three", 1); /* and it is taken up again */
    assert_int_equal(vacuum(tlog, 0).blobs, 0);
    assert_int_equal(blobs_on_disk(), 1);
    check_whole(tlog);
    tlog_close_at(&tlog);
}

static void unnamed_blobs_go_by_their_age(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    (void)table_with_blob(tlog, "t", 1);
    char hex[SHA256_HEX + 1];
    sha256_of("left by a crash", 15, hex);
    const char *dir = arena_printf(arena, "%s/blobs/%.2s", pond, hex);
    OK(os_mkdirs(dir));
    OK(os_replace_file(path_join(arena, dir, hex), "left by a crash", 15));
    OK(os_replace_file(path_join(arena, dir, "README"), "not ours", 8));
    assert_int_equal(vacuum(tlog, US_PER_HOUR).blobs, 0);
    assert_int_equal(vacuum(tlog, 0).blobs, 1);
    assert_true(exists_file(path_join(arena, dir, "README")));
    assert_false(exists_file(path_join(arena, dir, hex)));
    check_whole(tlog);
    tlog_close_at(&tlog);
}

static void merged_log_files_go(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    for (int i = 0; i < 12; i++) tick(tlog, 0);
    TlogCheckpoint checkpoint;
    OK(tlog_checkpoint(tlog, false, &checkpoint));
    OK(os_replace_file(path_join(arena, pond, "log/part-00000000000000000099-x.parquet"), "half",
                       4));
    OK(os_mkdirs(path_join(arena, pond, "tmp/txn-dead/deep")));
    OK(os_replace_file(path_join(arena, pond, "tmp/txn-dead/file"), "12345", 5));
    const char *before = check_whole(tlog);
    TlogVacuum done = vacuum(tlog, US_PER_HOUR);
    assert_int_equal(done.log_files, 0); /* tombstones are young */
    assert_int_equal(done.staging, 1);
    assert_int_equal(done.bytes, 5);
    done = vacuum(tlog, 0);
    assert_int_equal(done.log_files, 13 + 1);
    assert_string_equal(check_whole(tlog), before);
    tlog_close_at(&tlog);
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    tlog = open_pond();
    assert_string_equal(check_whole(tlog), before);
    FAILS(tlog_vacuum(tlog, -1, &done), INVALID, "negative");
    tlog_close_at(&tlog);
}

/* A catalog index that has lost a reference must not cost a blob. */
static void a_wrong_index_deletes_nothing(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    (void)table_with_blob(tlog, "t", 1);
    index_rollback(tlog->index);
    OK(index_begin_write(tlog->index));
    OK(index_clear(tlog->index, INDEX_BLOBS));
    OK(index_commit(tlog->index));
    OK(index_begin_read(tlog->index));
    assert_int_equal(vacuum(tlog, 0).blobs, 0);
    assert_int_equal(blobs_on_disk(), 1);
    tlog_close_at(&tlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dropped_blobs_stay_for_the_retention), TEST(deleted_nodes_release_their_blobs),
        TEST(unnamed_blobs_go_by_their_age),        TEST(merged_log_files_go),
        TEST(a_wrong_index_deletes_nothing),
    };
    return RUN("vacuum", tests);
}
