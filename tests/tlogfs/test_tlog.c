/* The stored backend's own promises: what init accepts, what opening costs, what a commit writes,
 * how the index follows the log, and what is found when something is damaged. */
#include "perf/ops.h"
#include "perf/read.h"
#include "tlogfs/tlog_check.h"
#include <sys/stat.h>

static uint64_t ours(OsClass class, OsOp op)
{
    return os_count(OS_OURS, class, op).calls + os_count(OS_ENGINE, class, op).calls;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

/* ---- init ---- */

static void init_makes_a_pond(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    const TlogInfo *info = tlog_info(tlog);
    assert_true(info->index_was_current);
    assert_int_equal(info->txn, 1);
    assert_int_equal(info->log_version, 0);
    assert_int_equal(info->nodes, 1);
    assert_string_equal(info->birthplace, "here");
    assert_int_equal(strlen(info->pond_id), 36);
    check_whole(tlog);
    tlog_close_at(&tlog);
}

static void init_refuses(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    tlog_close_at(&tlog);
    FAILS(tlog_create(pond, "x", &WHO), POND_EXISTS, "a pond already");
    pond = path_join(arena, root, "foreign");
    OK(os_mkdirs(pond));
    write_text(path_join(arena, pond, "note.txt"), "mine");
    FAILS(tlog_create(pond, "x", &WHO), POND_EXISTS, "note.txt");
    assert_true(exists_file(path_join(arena, pond, "note.txt")));
    assert_false(exists_file(path_join(arena, pond, "log")));
    pond = path_join(arena, root, "file");
    write_text(pond, "mine");
    FAILS(tlog_create(pond, "x", &WHO), POND_EXISTS, "not a folder");
    pond = path_join(arena, root, "blobs-in-it");
    OK(os_mkdirs(path_join(arena, pond, "blobs/ab")));
    FAILS(tlog_create(pond, "x", &WHO), POND_EXISTS, "ab");
}

static void init_again_over_a_skeleton(void **state)
{
    (void)state;
    OK(os_mkdirs(path_join(arena, pond, "log/_delta_log")));
    OK(os_mkdirs(path_join(arena, pond, "blobs")));
    write_text(path_join(arena, pond, "log/_delta_log/.00000000000000000000.x.tmp"), "half an ent");
    write_text(path_join(arena, pond, "log/part-00000000000000000001-x.parquet"), "half a fi");
    FAILS(tlog_open(pond, (TlogOptions){0}, &(Tlog *){NULL}), NOT_A_POND, "not a pond");
    Tlog *tlog = new_pond();
    check_whole(tlog);
    tlog_close_at(&tlog);
}

static void opening_other_folders(void **state)
{
    (void)state;
    FAILS(tlog_open(pond, (TlogOptions){0}, &(Tlog *){NULL}), NOT_A_POND, "not a pond");
    assert_false(exists_file(pond));
    OK(os_mkdirs(pond));
    FAILS(tlog_open(pond, (TlogOptions){0}, &(Tlog *){NULL}), NOT_A_POND, "not a pond");
    assert_false(exists_file(path_join(arena, pond, "cache")));
    OK(os_mkdirs(path_join(arena, pond, "log/_delta_log")));
    write_text(path_join(arena, pond, "log/_delta_log/00000000000000000000.json"),
               "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
               "{\"metaData\":{\"id\":\"m\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
               "\"schemaString\":"
               "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\",\"partitionColumns\":[],"
               "\"configuration\":{}}}\n");
    FAILS(tlog_open(pond, (TlogOptions){0}, &(Tlog *){NULL}), NOT_A_POND, "not a pond's log");
    write_text(path_join(arena, pond, "log/_delta_log/00000000000000000000.json"),
               "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
               "{\"metaData\":{\"id\":\"m\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
               "\"schemaString\":"
               "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\",\"partitionColumns\":[],"
               "\"configuration\":"
               "{\"pond.id\":\"x\",\"pond.format\":\"2\"}}}\n");
    FAILS(tlog_open(pond, (TlogOptions){0}, &(Tlog *){NULL}), UNSUPPORTED, "pond format 2");
}

/* ---- costs ---- */

static void current_index_costs_one_entry(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    OK(tlog_begin(tlog));
    for (int i = 0; i < 300; i++)
        (void)make(tlog, NODE_ROOT, arena_printf(arena, "n%d", i), ENTRY_DIR);
    (void)commit(tlog);
    tlog_close_at(&tlog);
    uint64_t entries = perf_read(PERF_log_entry_open), files = perf_read(PERF_log_file_read);
    uint64_t connects = perf_read(PERF_engine_connect), rebuilds = perf_read(PERF_index_rebuild);
    uint64_t opened = ours(OS_LOG, OS_OPEN);
    tlog = open_pond();
    Node *nodes = NULL;
    size_t count = 0;
    OK(tlog_op_children(tlog, arena, NODE_ROOT, &nodes, &count));
    assert_int_equal(count, 300);
    assert_true(tlog_info(tlog)->index_was_current);
    tlog_close_at(&tlog);
    assert_int_equal(perf_read(PERF_log_entry_open) - entries, 1);
    assert_int_equal(ours(OS_LOG, OS_OPEN) - opened, 1);
    assert_int_equal(perf_read(PERF_log_file_read) - files, 0);
    assert_int_equal(perf_read(PERF_engine_connect) - connects, 0);
    assert_int_equal(perf_read(PERF_index_rebuild) - rebuilds, 0);
}

static void history_needs_no_engine(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    for (int i = 0; i < 12; i++) {
        OK(tlog_begin(tlog));
        (void)make(tlog, NODE_ROOT, arena_printf(arena, "n%02d", i), ENTRY_DIR);
        (void)commit(tlog);
        TlogCheckpoint done;
        if (tlog_checkpoint_due(tlog)) OK(tlog_checkpoint(tlog, false, &done));
    }
    tlog_close_at(&tlog);
    uint64_t connects = perf_read(PERF_engine_connect), opened = perf_read(PERF_log_entry_open);
    tlog = open_pond();
    TlogEntry *entries = NULL;
    size_t count = 0;
    OK(tlog_history(arena, tlog, -1, 3, &entries, &count));
    assert_int_equal(count, 3);
    assert_int_equal(perf_read(PERF_log_entry_open) - opened,
                     1 + 3); /* the check of the index, and three */
    assert_int_equal(entries[0].txn, 13);
    assert_string_equal(entries[0].command, "pond test");
    assert_string_equal(entries[0].operation, "WRITE");
    assert_int_equal(json_int(entries[0].metrics, "nodes", -1), 1);
    assert_string_equal(json_get(entries[0].metrics, "paths")->items[0].string, "/n11");
    OK(tlog_history(arena, tlog, entries[2].log_version, 100, &entries, &count));
    assert_int_equal(count, 10);
    assert_int_equal(entries[9].txn, 1);
    assert_string_equal(entries[9].operation, "CREATE TABLE");
    for (size_t i = 0; i < count; i++) assert_int_equal(entries[i].txn, 10 - (int)i);
    assert_int_equal(perf_read(PERF_engine_connect) - connects, 0);
    tlog_close_at(&tlog);
}

/* ---- the index follows the log ---- */

static void another_process_catches_up(void **state)
{
    (void)state;
    Tlog *reader = new_pond();
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    Tlog *writer = open_pond(); /* an index of its own: the reader's file is gone */
    for (int i = 0; i < 30; i++) {
        OK(tlog_begin(writer));
        Node node = make(writer, NODE_ROOT, arena_printf(arena, "d%d", i), ENTRY_DATA_SERIES);
        (void)append_text(writer, node.id, "text");
        (void)commit(writer);
        TlogCheckpoint done;
        if (tlog_checkpoint_due(writer)) OK(tlog_checkpoint(writer, false, &done));
    }
    assert_int_equal(tlog_info(reader)->txn, 1); /* a snapshot stays */
    uint64_t rebuilds = perf_read(PERF_index_rebuild), catches = perf_read(PERF_index_catch_up);
    OK(tlog_refresh(reader));
    assert_int_equal(perf_read(PERF_index_rebuild) - rebuilds, 0);
    assert_int_equal(perf_read(PERF_index_catch_up) - catches, 1);
    assert_int_equal(tlog_info(reader)->txn, 31);
    assert_int_equal(tlog_info(reader)->checkpoint_version, tlog_info(writer)->checkpoint_version);
    check_whole(reader);
    check_whole(writer);
    tlog_close_at(&reader);
    tlog_close_at(&writer);
}

static void far_behind_is_rebuilt(void **state)
{
    (void)state;
    Tlog *reader = new_pond();
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    Tlog *writer = open_pond();
    for (int i = 0; i < 80; i++) {
        OK(tlog_begin(writer));
        (void)make(writer, NODE_ROOT, arena_printf(arena, "d%d", i), ENTRY_DIR);
        (void)commit(writer);
    }
    uint64_t rebuilds = perf_read(PERF_index_rebuild);
    OK(tlog_refresh(reader));
    assert_int_equal(perf_read(PERF_index_rebuild) - rebuilds, 1);
    assert_string_equal(check_whole(reader), check_whole(writer));
    tlog_close_at(&reader);
    tlog_close_at(&writer);
}

static void index_of_another_log_is_noticed(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    OK(tlog_begin(tlog));
    (void)make(tlog, NODE_ROOT, "here", ENTRY_DIR);
    (void)commit(tlog);
    tlog_close_at(&tlog);
    const char *first = pond;
    pond = path_join(arena, root, "other");
    tlog = new_pond();
    OK(tlog_begin(tlog));
    (void)make(tlog, NODE_ROOT, "there", ENTRY_DIR);
    (void)commit(tlog);
    tlog_close_at(&tlog);
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    OK(os_rename(path_join(arena, first, "cache"), path_join(arena, pond, "cache")));
    tlog = open_pond();
    assert_false(tlog_info(tlog)->index_was_current);
    Node node;
    bool found = false;
    OK(tlog_op_lookup(tlog, arena, NODE_ROOT, "there", &found, &node));
    assert_true(found);
    OK(tlog_op_lookup(tlog, arena, NODE_ROOT, "here", &found, &node));
    assert_false(found);
    check_whole(tlog);
    tlog_close_at(&tlog);
}

static void a_reader_keeps_its_snapshot(void **state)
{
    (void)state;
    Tlog *writer = new_pond(), *reader = open_pond();
    OK(tlog_begin(writer));
    (void)make(writer, NODE_ROOT, "a", ENTRY_DIR);
    Node node;
    bool found = true;
    OK(tlog_op_lookup(reader, arena, NODE_ROOT, "a", &found, &node));
    assert_false(found);
    (void)commit(writer);
    OK(tlog_op_lookup(reader, arena, NODE_ROOT, "a", &found, &node));
    assert_false(found);
    OK(tlog_refresh(reader));
    OK(tlog_op_lookup(reader, arena, NODE_ROOT, "a", &found, &node));
    assert_true(found);
    tlog_close_at(&reader);
    tlog_close_at(&writer);
}

/* ---- commits ---- */

static void nothing_to_commit(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    OK(tlog_begin(tlog));
    TlogCommitted done = commit(tlog);
    assert_int_equal(done.txn, 0);
    assert_int_equal(done.log_version, -1);
    assert_int_equal(tlog_info(tlog)->log_version, 0);
    FAILS(tlog_commit(tlog, &WHO, &done), INTERNAL, "outside");
    tlog_close_at(&tlog);
}

static void a_lost_race_changes_nothing(void **state)
{
    (void)state;
    Tlog *loser = new_pond();
    OK(tlog_begin(loser));
    (void)make(loser, NODE_ROOT, "mine", ENTRY_DIR);
    OK(os_remove_tree(
        path_join(arena, pond, "cache"))); /* the other's index is not ours, whose lock we hold */
    Tlog *winner = open_pond();
    OK(tlog_begin(winner));
    (void)make(winner, NODE_ROOT, "theirs", ENTRY_DIR);
    (void)commit(winner);
    TlogCommitted done;
    FAILS(tlog_commit(loser, &WHO, &done), CONFLICT, "first");
    OsEntry *entries = NULL;
    size_t count = 0, parts = 0;
    OK(os_list(arena, path_join(arena, pond, "log"), &entries, &count));
    for (size_t i = 0; i < count; i++) parts += text_starts(entries[i].name, "part-");
    assert_int_equal(parts, 2);
    OK(tlog_begin(loser));
    (void)make(loser, NODE_ROOT, "mine", ENTRY_DIR);
    (void)commit(loser);
    assert_int_equal(tlog_info(loser)->nodes, 3);
    check_whole(loser);
    tlog_close_at(&loser);
    tlog_close_at(&winner);
}

static TimeUs stopped_clock(void *context)
{
    return *(TimeUs *)context;
}

static void times_ascend_under_a_stopped_clock(void **state)
{
    (void)state;
    TimeUs now = 1700000000 * US_PER_SECOND;
    os_clock_set(stopped_clock, &now);
    Tlog *tlog = new_pond();
    for (int i = 1; i <= 3; i++) {
        OK(tlog_begin(tlog));
        (void)make(tlog, NODE_ROOT, arena_printf(arena, "%d", i), ENTRY_DIR);
        (void)commit(tlog);
        assert_int_equal(tlog_info(tlog)->time, now + i);
    }
    now -= US_PER_DAY;
    OK(tlog_begin(tlog));
    (void)make(tlog, NODE_ROOT, "back", ENTRY_DIR);
    (void)commit(tlog);
    assert_int_equal(tlog_info(tlog)->time, now + US_PER_DAY + 4);
    tlog_close_at(&tlog);
}

static void settings_last(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    char *value = NULL;
    OK(tlog_setting_get(tlog, arena, "title", &value));
    assert_null(value);
    OK(tlog_begin(tlog));
    OK(tlog_setting_set(tlog, "title", "my \"pond\""));
    OK(tlog_setting_set(tlog, "retain", "2h"));
    (void)commit(tlog);
    tlog_close_at(&tlog);
    tlog = open_pond();
    OK(tlog_setting_get(tlog, arena, "title", &value));
    assert_string_equal(value, "my \"pond\"");
    OK(tlog_begin(tlog));
    OK(tlog_setting_set(tlog, "title", NULL));
    (void)commit(tlog);
    OK(tlog_setting_get(tlog, arena, "title", &value));
    assert_null(value);
    OK(tlog_setting_get(tlog, arena, "retain", &value));
    assert_string_equal(value, "2h");
    tlog_close_at(&tlog);
}

/* ---- the fingerprint ---- */

/* The expected values were computed from docs/format.md by another program. */
static void fingerprint_is_as_documented(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    assert_string_equal(fingerprint(tlog),
                        "0fcacbac4dc5415c54353ce69db10ca95c02150b733f6fea1648666669b3805a");
    OK(tlog_begin(tlog));
    Node given = {.parent = NODE_ROOT,
                  .name = "x.series",
                  .type = ENTRY_DYNAMIC,
                  .factory = "synthetic-timeseries",
                  .content = "points: []\n"};
    OK(tlog_op_create(tlog, arena, &given, NULL));
    Node link = {
        .parent = NODE_ROOT, .name = "l\xc3\xa9", .type = ENTRY_SYMLINK, .content = "/d/s"};
    OK(tlog_op_create(tlog, arena, &link, NULL));
    Node dir = make(tlog, NODE_ROOT, "d", ENTRY_DIR);
    Node series = make(tlog, dir.id, "s", ENTRY_DATA_SERIES);
    (void)append_text(tlog, series.id, "one");
    (void)append_text(tlog, series.id, "two!");
    series.has_min_override = true;
    series.min_override = -5;
    OK(tlog_op_update(tlog, &series));
    static const char EXPECTED[] =
        "e814deb5fca64af4168e08491cf9248f1f401a15e25a1ceb49ef8cb0d7f3aa5c";
    assert_string_equal(fingerprint(tlog), EXPECTED);
    (void)commit(tlog);
    OK(tlog_begin(tlog)); /* neither renaming forth and back nor settings show */
    OK(tlog_op_rename(tlog, series.id, NODE_ROOT, "elsewhere"));
    assert_string_not_equal(fingerprint(tlog), EXPECTED);
    OK(tlog_op_rename(tlog, series.id, dir.id, "s"));
    OK(tlog_setting_set(tlog, "title", "t"));
    (void)commit(tlog);
    assert_string_equal(check_whole(tlog), EXPECTED);
    tlog_close_at(&tlog);
}

static void deep_trees(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    OK(tlog_begin(tlog));
    NodeId at = NODE_ROOT;
    for (int i = 0; i < 2000; i++) at = make(tlog, at, "d", ENTRY_DIR).id;
    (void)commit(tlog);
    check_whole(tlog);
    tlog_close_at(&tlog);
}

/* ---- places for the index ---- */

static void read_only_index_is_elsewhere(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    tlog_close_at(&tlog);
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    const char *elsewhere = path_join(arena, root, "xdg");
    assert_int_equal(setenv("XDG_CACHE_HOME", elsewhere, 1), 0);
    OK(tlog_open(pond, (TlogOptions){.read_only = true}, &tlog));
    assert_true(text_starts(tlog_info(tlog)->index_path, elsewhere));
    FAILS(tlog_begin(tlog), IO, "reading only");
    tlog_close_at(&tlog);
    assert_false(exists_file(path_join(arena, pond, "cache")));
    OK(tlog_open(pond, (TlogOptions){.read_only = true}, &tlog));
    assert_true(tlog_info(tlog)->index_was_current);
    tlog_close_at(&tlog);
    assert_int_equal(setenv("XDG_CACHE_HOME", "/proc/no/such", 1), 0);
    OK(tlog_open(pond, (TlogOptions){.read_only = true}, &tlog));
    assert_null(tlog_info(tlog)->index_path);
    tlog_close_at(&tlog);
    OK(tlog_open(pond, (TlogOptions){.no_index = true}, &tlog));
    assert_null(tlog_info(tlog)->index_path);
    check_whole(tlog);
    tlog_close_at(&tlog);
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
}

/* The most at once since the program began, so it comes first: that of one index, opened thrice. */
static void index_is_held_while_open(void **state)
{
    (void)state;
    PerfCacheCounts counts;
    OsStat stat;
    Tlog *tlog = new_pond();
    tlog_close_at(&tlog);
    OK(os_stat(path_join(arena, pond, "cache/index.db"), &stat));
    for (int i = 0; i < 2; i++) {
        tlog = open_pond();
        tlog_close_at(&tlog);
    }
    perf_read_cache(arena, PERF_CACHE_index, &counts);
    assert_int_equal(counts.held_bytes_most, stat.size_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(index_is_held_while_open),
        TEST(init_makes_a_pond),
        TEST(init_refuses),
        TEST(init_again_over_a_skeleton),
        TEST(opening_other_folders),
        TEST(current_index_costs_one_entry),
        TEST(history_needs_no_engine),
        TEST(another_process_catches_up),
        TEST(far_behind_is_rebuilt),
        TEST(index_of_another_log_is_noticed),
        TEST(a_reader_keeps_its_snapshot),
        TEST(nothing_to_commit),
        TEST(a_lost_race_changes_nothing),
        TEST(times_ascend_under_a_stopped_clock),
        TEST(settings_last),
        TEST(fingerprint_is_as_documented),
        TEST(deep_trees),
        TEST(read_only_index_is_elsewhere),
    };
    return RUN("tlog", tests);
}
