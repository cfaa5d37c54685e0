/* Damage: a catalog index with flipped bits never gives a wrong answer, blobs and log files that do
 * not match are found, and fsck names them. */
#include "perf/ops.h"
#include "tlogfs/tlog_check.h"
#include <sys/stat.h>

/* ---- a pond to damage, and all that can be read of it ---- */

static Tlog *filled_pond(void)
{
    Tlog *tlog = new_pond();
    for (int i = 0; i < 6; i++) {
        OK(tlog_begin(tlog));
        Node dir = make(tlog, NODE_ROOT, arena_printf(arena, "dir%d", i), ENTRY_DIR);
        for (int j = 0; j < 12; j++) {
            Node file =
                make(tlog, dir.id, arena_printf(arena, "file %02d", j * 3), ENTRY_DATA_SERIES);
            for (int k = 0; k <= j % 3; k++) {
                (void)append_text(tlog, file.id, arena_printf(arena, "content %d %d %d", i, j, k));
            }
        }
        Node table = make(tlog, dir.id, "table", ENTRY_TABLE_SERIES);
        (void)append_blob(tlog, table.id, i, 5000);
        (void)commit(tlog);
    }
    return tlog;
}

static void dump_versions(Tlog *tlog, Buf *to, const Node *node)
{
    Version *versions = NULL;
    size_t count = 0;
    if (!entry_has_versions(node->type)) return;
    OK(tlog_op_versions(tlog, arena, node->id, &versions, &count));
    for (size_t i = 0; i < count; i++) {
        buf_printf(to, " [%" PRId64 " %s %s]", versions[i].version, versions[i].sha256,
                   versions[i].bytes == NULL ? "blob" : versions[i].bytes);
    }
}

/* Every node by listing and again by name and by id; names that are not there. */
static void dump_dir(Tlog *tlog, Buf *to, NodeId dir)
{
    static const char *const ABSENT[] = {"",        "a",       "dir",     "dir3x",
                                         "file 01", "file 04", "file 99", "zz"};
    Node *nodes = NULL, node;
    size_t count = 0;
    bool found = false;
    for (size_t i = 0; i < sizeof ABSENT / sizeof *ABSENT; i++) {
        OK(tlog_op_lookup(tlog, arena, dir, ABSENT[i], &found, &node));
        if (found) buf_printf(to, "unexpected %s\n", ABSENT[i]);
    }
    OK(tlog_op_children(tlog, arena, dir, &nodes, &count));
    for (size_t i = 0; i < count; i++) {
        OK(tlog_op_lookup(tlog, arena, dir, nodes[i].name, &found, &node));
        buf_printf(to, "%d %s %s ", found, nodes[i].name, found ? node.id.text : "");
        OK(tlog_op_get(tlog, arena, nodes[i].id, &found, &node));
        buf_printf(to, "%d %s %s %" PRId64 " %" PRId64 " %" PRId64, found, node.name,
                   entry_type_name(node.type), node.size_bytes, node.version, node.time);
        dump_versions(tlog, to, &node);
        buf_putc(to, '\n');
        if (node.type == ENTRY_DIR) dump_dir(tlog, to, node.id);
    }
}

static const char *dump(Tlog *tlog)
{
    Buf text = buf_new(arena);
    dump_dir(tlog, &text, NODE_ROOT);
    return text.data;
}

/* ---- the index ---- */

static char *index_bytes;
static size_t index_size;

static void put_index(size_t size)
{
    const char *path = path_join(arena, pond, "cache/index.db");
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    OK(os_mkdirs(path_join(arena, pond, "cache")));
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(index_bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void check_reads(const char *expected, const char *what)
{
    Tlog *tlog = open_pond();
    const char *got = dump(tlog);
    size_t same = 0;
    while (got[same] != '\0' && got[same] == expected[same]) same++;
    if (got[same] != expected[same]) {
        fail_msg("%s: another answer: ...%.80s, expected ...%.80s", what, got + same,
                 expected + same);
    }
    tlog_close_at(&tlog);
}

static void take_index(Tlog **tlog)
{
    tlog_close_at(tlog);
    OK(os_read_file(arena, path_join(arena, pond, "cache/index.db"), 1 << 26, &index_bytes,
                    &index_size));
}

static void flipped_bits_never_show(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    const char *expected = dump(tlog);
    take_index(&tlog);
    const char *given = getenv("POND_SEED");
    uint32_t seed =
        given != NULL ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)getpid() * 2654435761u;
    print_message("# seed %u, index of %zu bytes\n", seed, index_size);
    uint64_t rebuilds = perf_read(PERF_index_rebuild);
    Arena *outer = arena;
    for (int i = 0; i < 300; i++) {
        arena = arena_new();
        seed = seed * 1664525u + 1013904223u;
        size_t at = (size_t)(((uint64_t)seed * index_size) >> 32);
        char old = index_bytes[at];
        index_bytes[at] = (char)(old ^ (1 << (seed & 7)));
        put_index(index_size);
        check_reads(expected, arena_printf(arena, "bit %u of byte %zu", seed & 7, at));
        index_bytes[at] = old;
        arena_free(arena);
    }
    arena = outer;
    rebuilds = perf_read(PERF_index_rebuild) - rebuilds;
    print_message("# %d of 300 flips were noticed\n", (int)rebuilds);
    assert_true(rebuilds >= 30);
}

static void other_damage_never_shows(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    const char *expected = dump(tlog);
    take_index(&tlog);
    for (size_t part = 0; part <= 10; part++) {
        put_index(index_size * part / 11);
        check_reads(expected, arena_printf(arena, "cut at %zu/11", part));
    }
    for (size_t page = 0; page < index_size / 4096; page++) {
        char *bytes = arena_memdup(arena, index_bytes, index_size), *good = index_bytes;
        memset(bytes + page * 4096, (int)page, 4096);
        index_bytes = bytes;
        put_index(index_size);
        index_bytes = good;
        check_reads(expected, arena_printf(arena, "page %zu", page));
    }
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    OK(os_mkdirs(path_join(arena, pond, "cache/index.db")));
    check_reads(expected, "a folder of that name");
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    OK(os_replace_file(path_join(arena, pond, "cache"), "x", 1));
    check_reads(expected, "a file in the folder's place");
}

/* An old page is whole in itself; only what its neighbours and the stamp say tells. */
static void an_older_index_with_a_newer_stamp(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    OK(tlog_begin(tlog));
    (void)make(tlog, NODE_ROOT, "gone", ENTRY_DIR);
    (void)commit(tlog);
    SCRATCH(scratch);
    Stamp stamp;
    bool found = false;
    OK(index_stamp_get(tlog->index, scratch, &found, &stamp));
    const char *expected = dump(tlog);
    tlog_close_at(&tlog);
    Index *index = NULL;
    OK(index_open(path_join(arena, pond, "cache/index.db"), &index));
    OK(index_begin_write(index));
    uint8_t root_id[16];
    assert_true(id_pack(&NODE_ROOT, root_id));
    const Cell key[] = {cell_blob(root_id, 16), cell_text("gone")};
    OK(index_del(index, INDEX_NODES, key));
    OK(index_commit(index));
    index_close_at(&index);
    check_reads(expected, "a row that is missing");
}

static void damage_inside_a_transaction(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    OK(tlog_begin(tlog));
    Node mine = make(tlog, NODE_ROOT, "mine", ENTRY_DATA);
    (void)append_text(tlog, mine.id, "kept");
    Node dir;
    bool found = false;
    OK(tlog_op_lookup(tlog, arena, NODE_ROOT, "dir3", &found, &dir));
    uint8_t root_id[16];
    assert_true(id_pack(&NODE_ROOT, root_id));
    const Cell key[] = {cell_blob(root_id, 16), cell_text("dir3")};
    OK(index_del(tlog->index, INDEX_NODES, key)); /* the row is gone, behind everybody's back */
    uint64_t rebuilds = perf_read(PERF_index_rebuild);
    OK(tlog_op_lookup(tlog, arena, NODE_ROOT, "dir3", &found, &dir));
    assert_true(found);
    assert_int_equal(perf_read(PERF_index_rebuild) - rebuilds, 1);
    Version *versions = NULL;
    size_t count = 0;
    OK(tlog_op_versions(tlog, arena, mine.id, &versions, &count));
    assert_int_equal(count, 1);
    (void)make(tlog, dir.id, "after", ENTRY_DIR);
    (void)commit(tlog);
    assert_true(tlog_info(tlog)->index_was_damaged);
    check_whole(tlog);
    tlog_close_at(&tlog);
}

/* ---- content ---- */

/* A page lost from the index takes a directory and its entries together: none of them is left to
 * tell of the others. */
static void a_hidden_directory(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        Tlog *tlog = filled_pond();
        OK(tlog_begin(tlog));
        Node dir, file, *nodes = NULL;
        Version *versions = NULL;
        size_t count = 0;
        bool found = false;
        uint8_t root_id[16], dir_id[16];
        OK(tlog_op_lookup(tlog, arena, NODE_ROOT, "dir3", &found, &dir));
        OK(tlog_op_children(tlog, arena, dir.id, &nodes, &count));
        assert_int_equal(count, 13);
        assert_true(id_pack(&NODE_ROOT, root_id) && id_pack(&dir.id, dir_id));
        for (size_t i = 0; i < count; i++)
            OK(index_del(tlog->index, INDEX_NODES,
                         (Cell[]){cell_blob(dir_id, 16), cell_text(nodes[i].name)}));
        OK(index_del(tlog->index, INDEX_NODES,
                     (Cell[]){cell_blob(root_id, 16), cell_text("dir3")}));
        if (way == 0) {
            OK(tlog_op_children(tlog, arena, dir.id, &nodes, &count));
            assert_int_equal(count, 13);
        } else if (way == 1) {
            OK(tlog_op_lookup(tlog, arena, dir.id, "file 06", &found, &file));
            assert_true(found);
        } else {
            OK(tlog_op_versions(tlog, arena, nodes[2].id, &versions, &count));
            assert_int_equal(count, 3);
        }
        tlog_close_at(&tlog);
        OK(os_remove_tree(pond));
    }
}

static Version series_version(Tlog *tlog, const char *dir, const char *name)
{
    Node node, parent;
    bool found = false;
    Version *versions = NULL;
    size_t count = 0;
    OK(tlog_op_lookup(tlog, arena, NODE_ROOT, dir, &found, &parent));
    OK(tlog_op_lookup(tlog, arena, parent.id, name, &found, &node));
    assert_true(found);
    OK(tlog_op_versions(tlog, arena, node.id, &versions, &count));
    return versions[0];
}

static void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(c ^ 4, file), c ^ 4);
    assert_int_equal(fclose(file), 0);
}

static void only_problem(Tlog *tlog, bool quick, const char *words)
{
    TlogFsck result = fsck_of(tlog, quick);
    if (words == NULL) {
        assert_int_equal(result.problem_count, 0);
        return;
    }
    assert_true(result.problem_count >= 1);
    if (strstr(result.problems[0].what, words) == NULL) fail_msg("%s", result.problems[0].what);
    assert_true(result.problems[0].fatal);
    assert_int_equal(result.problems[0].code, ERR_CORRUPT);
}

static void blobs_are_verified_once(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    Version version = series_version(tlog, "dir2", "table");
    Content content;
    uint64_t verified = perf_read(PERF_blob_verify);
    OK(tlog_op_content(tlog, arena, &version, &content)); /* what was just taken in is good */
    tlog_close_at(&tlog);
    tlog = open_pond();
    OK(tlog_op_content(tlog, arena, &version, &content));
    assert_int_equal(perf_read(PERF_blob_verify), verified);
    OK(os_touch(content.path));
    OK(tlog_op_content(tlog, arena, &version, &content));
    OK(tlog_op_content(tlog, arena, &version, &content));
    assert_int_equal(perf_read(PERF_blob_verify), verified + 1);
    tlog_close_at(&tlog);
    tlog = open_pond(); /* and that is remembered */
    OK(tlog_op_content(tlog, arena, &version, &content));
    assert_int_equal(perf_read(PERF_blob_verify), verified + 1);
    tlog_close_at(&tlog);
}

static void damaged_blobs_are_refused(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    Version version = series_version(tlog, "dir1", "table"),
            other = series_version(tlog, "dir4", "table");
    Content content;
    OK(tlog_op_content(tlog, arena, &version, &content));
    flip(content.path, 1234);
    FAILS(tlog_op_content(tlog, arena, &version, &content), CORRUPT, "another hash");
    only_problem(tlog, true, NULL); /* quick looks at sizes */
    only_problem(tlog, false, "another hash");
    OK(tlog_op_content(tlog, arena, &other, &content));
    assert_int_equal(truncate(content.path, 4999), 0);
    FAILS(tlog_op_content(tlog, arena, &other, &content), CORRUPT, "another size");
    only_problem(tlog, true, "4999 bytes");
    assert_int_equal(unlink(content.path), 0);
    FAILS(tlog_op_content(tlog, arena, &other, &content), CORRUPT, "missing");
    TlogFsck result = fsck_of(tlog, false);
    assert_int_equal(result.problem_count, 2);
    assert_int_equal(result.blobs, 6);
    tlog_close_at(&tlog);
}

static void a_good_copy_mends_a_blob(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    Version version = series_version(tlog, "dir1", "table");
    Content content;
    OK(tlog_op_content(tlog, arena, &version, &content));
    flip(content.path, 1234);
    OK(tlog_begin(tlog));
    Node again = make(tlog, NODE_ROOT, "again", ENTRY_TABLE);
    (void)append_blob(tlog, again.id, 1, 5000); /* the same bytes */
    (void)commit(tlog);
    OK(tlog_op_content(tlog, arena, &version, &content));
    check_whole(tlog);
    tlog_close_at(&tlog);
}

/* ---- the log ---- */

static void missing_entry(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    OK(os_unlink(delta_entry_path(arena, tlog->log_dir, 3)));
    only_problem(tlog, true, "log entry 3 is missing");
    only_problem(tlog, false, "log entry 3 is missing");
    tlog_close_at(&tlog);
}

static void unreadable_entry(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    OK(os_replace_file(delta_entry_path(arena, tlog->log_dir, 3), "{\"add\":", 7));
    TlogFsck result = fsck_of(tlog, false);
    assert_true(result.problem_count >= 1);
    assert_true(result.problems[0].fatal);
    tlog_close_at(&tlog);
}

static void swapped_entries(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    const char *two = delta_entry_path(arena, tlog->log_dir, 2),
               *three = delta_entry_path(arena, tlog->log_dir, 3);
    OK(os_rename(two, arena_printf(arena, "%s/x", root)));
    OK(os_rename(three, two));
    OK(os_rename(arena_printf(arena, "%s/x", root), three));
    only_problem(tlog, false, "transaction 4 follows 2");
    tlog_close_at(&tlog);
}

static void damaged_data_files(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    LogFile *files = NULL;
    size_t count = 0;
    OK(index_log_files(tlog->index, arena, &tlog->stamp, &files, &count));
    const char *path = path_join(arena, tlog->log_dir, files[2].path);
    assert_int_equal(truncate(path, files[2].size_bytes - 1), 0);
    TlogFsck result = fsck_of(tlog, false);
    assert_true(result.problem_count >= 1 && result.problems[0].fatal);
    assert_string_equal(result.root, "");
    OK(os_unlink(path));
    result = fsck_of(tlog, true);
    assert_true(result.problem_count >= 1 && result.problems[0].fatal);
    const char *still = dump(tlog); /* with the index everything still reads */
    tlog_close_at(&tlog);
    check_reads(still, "current index");
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    FAILS(tlog_open(pond, (TlogOptions){0}, &tlog), CORRUPT, "it is missing");
}

/* One bit anywhere: the engine reads most such files without a complaint, some with other rows. */
static void flipped_data_files(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    LogFile *files = NULL;
    size_t count = 0;
    OK(index_log_files(tlog->index, arena, &tlog->stamp, &files, &count));
    const LogFile *file = &files[count - 1];
    const char *path = path_join(arena, tlog->log_dir, file->path);
    TlogCheckpoint done;
    for (long at = 0; at < file->size_bytes; at += file->size_bytes / 9) {
        flip(path, at);
        only_problem(tlog, at % 2 == 0, "its content has another hash");
        FAILS(tlog_checkpoint(tlog, true, &done), CORRUPT,
              file->path); /* not merged into a new one */
        flip(path, at);
    }
    only_problem(tlog, false, NULL);
    flip(path, file->size_bytes / 2);
    tlog_close_at(&tlog);
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    FAILS(tlog_open(pond, (TlogOptions){0}, &tlog), CORRUPT, "its content has another hash");
    flip(path, file->size_bytes / 2);
    tlog = open_pond();
    OK(tlog_checkpoint(tlog, true, &done)); /* the hash goes through the checkpoint, too */
    tlog_close_at(&tlog);
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    tlog = open_pond();
    OK(index_log_files(tlog->index, arena, &tlog->stamp, &files, &count));
    assert_int_equal(count, 1);
    assert_non_null(files[0].tags);
    flip(path_join(arena, tlog->log_dir, files[0].path), 1500);
    only_problem(tlog, true, "its content has another hash");
    tlog_close_at(&tlog);
}

static void a_different_index_is_no_fatal_problem(void **state)
{
    (void)state;
    Tlog *tlog = filled_pond();
    index_rollback(tlog->index);
    OK(index_begin_write(tlog->index));
    NodeRow row;
    bool dir = false, found = false;
    OK(index_node_by_name(tlog->index, arena, &NODE_ROOT, "dir0", &dir, &found, &row));
    row.node.txn += 1; /* with a good hash */
    OK(index_node_put(tlog->index, &row));
    OK(index_commit(tlog->index));
    OK(index_begin_read(tlog->index));
    TlogFsck result = fsck_of(tlog, true);
    assert_int_equal(result.problem_count, 1);
    assert_false(result.problems[0].fatal);
    assert_non_null(strstr(result.problems[0].what, "nodes"));
    OK(tlog_reindex(tlog));
    check_whole(tlog);
    tlog_close_at(&tlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(flipped_bits_never_show),
        TEST(other_damage_never_shows),
        TEST(an_older_index_with_a_newer_stamp),
        TEST(damage_inside_a_transaction),
        TEST(a_hidden_directory),
        TEST(blobs_are_verified_once),
        TEST(damaged_blobs_are_refused),
        TEST(a_good_copy_mends_a_blob),
        TEST(missing_entry),
        TEST(unreadable_entry),
        TEST(swapped_entries),
        TEST(damaged_data_files),
        TEST(flipped_data_files),
        TEST(a_different_index_is_no_fatal_problem),
    };
    return RUN("damage", tests);
}
