/* Loss of power: in a child with a plan that loses or tears at its last call, what was not synced
 * is undone and what was synced stays. Each case says what it does, and what must be found after
 * it. */
#include "os_test.h"

static int set_up(void **state)
{
    register_root();
    return make_base(state);
}

/* The body ends by this call, the only one of its kind: the power fails here. */
static void power_fails(void)
{
    err_free(os_rmdir(at("no such directory")));
    _exit(99);
}

typedef struct Case {
    void (*body)(void);
    const char *plan;
} Case;

static void run_case(void *argument)
{
    const Case *this = argument;
    OK(os_fault_set(this->plan));
    this->body();
    power_fails();
}

static void lose(void (*body)(void))
{
    Case this = {.body = body, .plan = "op=rmdir,class=out,do=lose"};
    assert_int_equal(in_child(run_case, &this), 137);
}

/* Every name in the base, in order: "a b/ b/c l@". */
static void add_names(Buf *buf, const char *prefix)
{
    Arena *scratch = buf->arena;
    OsEntry *entries;
    size_t count;
    OK(os_list(scratch, at(prefix), &entries, &count));
    for (size_t i = 0; i < count; i++) {
        const char *path = arena_printf(scratch, "%s%s", prefix, entries[i].name);
        buf_printf(buf, "%s%s%s", buf->size == 0 ? "" : " ", path,
                   entries[i].is_dir    ? "/"
                   : entries[i].is_link ? "@"
                                        : "");
        if (entries[i].is_dir) add_names(buf, arena_printf(scratch, "%s/", path));
    }
}

static void assert_names(const char *expected)
{
    SCRATCH(arena);
    Buf buf = buf_new(arena);
    add_names(&buf, "");
    assert_string_equal(buf.data, expected);
}

static void write_file(const char *path, const char *text, bool synced)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    OK(os_open_append(path, &file));
    OK(os_write(file, text, strlen(text)));
    if (synced) OK(os_sync(file));
}

/* ---- content ---- */

static void unsynced_content(void)
{
    write_file(at("new"), "never synced", false);
    write_file(at("half"), "synced,", true);
    write_file(at("half"), "not synced", false);
    write_file(at("whole"), "all synced", true);
    write_file(at("old"), "+ appended", false);
    write_file(at("later"), "synced by name", false);
    OK(os_sync_path(at("later")));
    OK(os_sync_dir(base));
}

static void test_content(void **state)
{
    (void)state;
    put_file(at("old"), "from before ");
    lose(unsynced_content);
    assert_names("half later new old whole");
    assert_string_equal(content(at("new")), "");
    assert_string_equal(content(at("half")), "synced,");
    assert_string_equal(content(at("whole")), "all synced");
    assert_string_equal(content(at("old")), "from before ");
    assert_string_equal(content(at("later")), "synced by name");
}

static void truncate_and_write(void)
{
    int fd = open(at("a"), O_RDWR);
    assert_int_equal(ftruncate(fd, 4), 0);
    assert_int_equal(pwrite(fd, "XYZ", 3, 4), 3);
    (void)close(fd);
    fd = open(at("b"), O_RDWR | O_TRUNC);
    assert_int_equal(write(fd, "unsynced", 8), 8);
    (void)close(fd);
    fd = open(at("c"), O_RDWR);
    assert_int_equal(fallocate(fd, 0, 0, 100), 0);
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(ftruncate(fd, 1000), 0);
    (void)close(fd);
}

static void test_truncation(void **state)
{
    (void)state;
    struct stat now;
    put_file(at("a"), "12345678");
    put_file(at("b"), "12345678");
    put_file(at("c"), "12345678");
    lose(truncate_and_write);
    assert_string_equal(content(at("a")), "1234");
    assert_string_equal(content(at("b")), "");
    assert_int_equal(fstatat(AT_FDCWD, at("c"), &now, 0), 0);
    assert_int_equal(now.st_size, 100);
}

/* ---- names that appear ---- */

static void appear(void)
{
    bool won;
    write_file(at("file"), "synced, but not its name", true);
    OK(os_mkdir(at("dir")));
    OK(os_mkdir(at("kept")));
    OK(os_sync_dir(base));
    write_file(at("late"), "x", true);
    OK(os_link(at("kept2"), at("link"), &won));
    OK(os_mkdir(at("lost")));
    write_file(at("lost/durable but not to be reached"), "x", true);
    OK(os_sync_dir(at("lost")));
    write_file(at("kept/a"), "x", true);
    OK(os_sync_dir(at("kept")));
    write_file(at("kept/b"), "x", true);
}

static void test_names_that_appeared(void **state)
{
    (void)state;
    put_file(at("kept2"), "old");
    lose(appear);
    assert_names("dir/ file kept/ kept/a kept2");
    assert_string_equal(content(at("file")), "synced, but not its name");
    assert_string_equal(content(at("kept2")), "old");
}

/* ---- names that vanish ---- */

static void vanish(void)
{
    OK(os_unlink(at("sub/gone")));
    OK(os_sync_dir(at("sub")));
    OK(os_unlink(at("sub/back")));
    OK(os_unlink(at("link")));
    OK(os_unlink(at("name2")));
    OK(os_remove_tree(at("tree")));
}

static void make_tree(void)
{
    OK(os_mkdirs(at("sub")));
    OK(os_mkdirs(at("tree/a/b")));
    put_file(at("tree/a/b/f"), "deep");
    put_file(at("tree/g"), "shallow");
    put_file(at("sub/gone"), "g");
    put_file(at("sub/back"), "b");
    put_file(at("name1"), "two names");
    assert_int_equal(linkat(AT_FDCWD, at("name1"), AT_FDCWD, at("name2"), 0), 0);
    assert_int_equal(symlinkat("where to", AT_FDCWD, at("link")), 0);
}

/* The only call of the plan's kind in os_remove_tree is rmdir: here the fault is another. */
static void lose_at_mkdir(void *argument)
{
    (void)argument;
    OK(os_fault_set("op=mkdir,do=lose"));
    vanish();
    err_free(os_mkdir(at("x")));
}

static void test_names_that_vanished(void **state)
{
    (void)state;
    struct stat one, two;
    char target[32] = "";
    make_tree();
    assert_int_equal(in_child(lose_at_mkdir, NULL), 137);
    assert_names("link@ name1 name2 sub/ sub/back tree/ tree/a/ tree/a/b/ tree/a/b/f tree/g");
    assert_string_equal(content(at("sub/back")), "b");
    assert_string_equal(content(at("tree/a/b/f")), "deep");
    assert_string_equal(content(at("tree/g")), "shallow");
    assert_int_equal(readlinkat(AT_FDCWD, at("link"), target, 31), 8);
    assert_string_equal(target, "where to");
    assert_int_equal(fstatat(AT_FDCWD, at("name1"), &one, 0), 0);
    assert_int_equal(fstatat(AT_FDCWD, at("name2"), &two, 0), 0);
    assert_int_equal(one.st_ino, two.st_ino); /* one file again */
}

/* ---- renames ---- */

static void rename_over(void)
{
    write_file(at("tmp"), "new content", true);
    OK(os_rename(at("tmp"), at("f")));
}

static void test_rename_over_is_undone(void **state)
{
    (void)state;
    put_file(at("f"), "old content");
    put_file(at("tmp"), "");
    lose(rename_over);
    assert_names("f tmp");
    assert_string_equal(content(at("f")), "old content");
    assert_string_equal(content(at("tmp")), "new content");
}

static void rename_over_synced(void)
{
    rename_over();
    OK(os_sync_dir(base));
}

static void test_rename_with_its_directory_synced_stays(void **state)
{
    (void)state;
    put_file(at("f"), "old content");
    lose(rename_over_synced);
    assert_names("f");
    assert_string_equal(content(at("f")), "new content");
}

/* What a missing fsync of the content does: the name is durable, the bytes are not. */
static void rename_unsynced_content(void)
{
    write_file(at("tmp"), "new content", false);
    OK(os_rename(at("tmp"), at("f")));
    OK(os_sync_dir(base));
}

static void test_rename_of_unsynced_content_gives_an_empty_file(void **state)
{
    (void)state;
    put_file(at("f"), "old content");
    lose(rename_unsynced_content);
    assert_names("f");
    assert_string_equal(content(at("f")), "");
}

static void rename_across(void)
{
    write_file(at("from/a"), "a", true);
    OK(os_rename(at("from/a"), at("to/a"))); /* the new name's directory decides */
    OK(os_sync_dir(at("to")));
    OK(os_rename(at("from/b"), at("to/b")));
    OK(os_sync_dir(at("from"))); /* the old name's does not */
    OK(os_rename(at("d1"), at("d2")));
    write_file(at("d2/x"), "x", true);
    OK(os_sync_dir(at("d2")));
    write_file(at("d2/y"), "y", true);
}

static void test_renames_across_directories(void **state)
{
    (void)state;
    OK(os_mkdirs(at("from")));
    OK(os_mkdirs(at("to")));
    OK(os_mkdirs(at("d1")));
    put_file(at("from/b"), "b");
    lose(rename_across);
    assert_names("d1/ d1/x from/ from/b to/ to/a");
}

static void chain(void)
{
    for (int i = 0; i < 5; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "version %d", i);
        write_file(at("tmp"), text, true);
        OK(os_rename(at("tmp"), at("f")));
        if (i == 1) OK(os_sync_dir(base));
    }
    OK(os_rename(at("f"), at("g")));
    OK(os_unlink(at("g")));
}

static void test_chain_is_undone_newest_first(void **state)
{
    (void)state;
    put_file(at("f"), "before");
    lose(chain);
    assert_names("f");
    assert_string_equal(content(at("f")), "version 1");
}

/* ---- whole functions ---- */

static void durable_functions(void)
{
    OK(os_mkdirs(at("a/b/c")));
    OK(os_replace_file(at("a/f"), "replaced", 8));
}

static void test_what_is_promised_durable_is(void **state)
{
    (void)state;
    lose(durable_functions);
    assert_names("a/ a/b/ a/b/c/ a/f");
    assert_string_equal(content(at("a/f")), "replaced");
}

typedef struct Sweep {
    const char *deed;
    int nth;
    Err *(*body)(void);
} Sweep;

static void sweep_body(void *argument)
{
    const Sweep *sweep = argument;
    char plan[64];
    (void)snprintf(plan, sizeof plan, "nth=%d,do=%s", sweep->nth, sweep->deed);
    OK(os_fault_set(plan));
    OK(sweep->body());
}

static Err *replace(void)
{
    return os_replace_file(at("f"), "new content", 11);
}

static Err *replace_unsynced(void)
{
    return os_replace_unsynced(at("f"), "new content", 11);
}

/* At whatever call the power fails, there is the old or the new, never a part. */
static void sweep(const char *deed, Err *(*body)(void), const char *old, int calls)
{
    for (Sweep sweep = {.deed = deed, .nth = 1, .body = body};; sweep.nth++) {
        OK(os_unlink_if(at("f")));
        if (strcmp(old, "(missing)") != 0) put_file(at("f"), old);
        int status = in_child(sweep_body, &sweep);
        const char *now = content(at("f"));
        if (status == 0) {
            assert_string_equal(now, "new content");
            assert_int_equal(sweep.nth, calls + 1);
            return;
        }
        assert_int_equal(status, 137);
        assert_string_equal(now, old); /* nothing is durable before the last fsync */
    }
}

static void test_sweep_replace(void **state)
{
    (void)state;
    sweep("lose", replace, "old", 6);
    sweep("tear", replace, "old", 6);
}

static void test_sweep_replace_unsynced(void **state)
{
    (void)state;
    sweep("lose", replace_unsynced, "old", 3);
    sweep("tear", replace_unsynced, "old", 3);
}

/* ---- tear ---- */

static void append_lines(void)
{
    write_file(at("f"), "0123456789", false);
    for (int i = 0; i < 99; i++) write_file(at("f"), "0123456789", false);
}

/* Different calls tear differently; the same plan tears the same way. */
static void tear_at_write(void *argument)
{
    OK(os_fault_set(argument));
    append_lines();
}

static size_t torn_size(int nth)
{
    char plan[64];
    put_file(at("f"), "synced before ");
    (void)snprintf(plan, sizeof plan, "op=write,nth=%d,do=tear", nth);
    assert_int_equal(in_child(tear_at_write, plan), 137);
    return strlen(content(at("f")));
}

static void test_tear_keeps_a_prefix(void **state)
{
    (void)state;
    int lengths = 0;
    for (int nth = 10; nth < 20; nth++) {
        size_t size = torn_size(nth);
        assert_int_equal(torn_size(nth), size);
        assert_true(size >= 14 && size <= 14 + 10 * (size_t)(nth - 1));
        assert_memory_equal(content(at("f")), "synced before 0123456789", size < 24 ? size : 24);
        lengths += size != 14 && size != 14 + 10 * (size_t)(nth - 1);
    }
    assert_true(lengths >= 5); /* in the middle, mostly */
}

/* ---- what is not ours is left alone ---- */

static void touch_unclassed(void)
{
    char outside[128];
    (void)snprintf(outside, sizeof outside, "%.64s-outside", root);
    write_file(outside, "no class", false);
    write_file(at("f"), "class", false);
}

static void test_files_without_a_class_are_left_alone(void **state)
{
    (void)state;
    char outside[128];
    (void)snprintf(outside, sizeof outside, "%.64s-outside", root);
    lose(touch_unclassed);
    assert_names("");
    assert_string_equal(content(outside), "no class");
    OK(os_unlink(outside));
}

/* Ends well: nothing is undone, nothing is left. */
static void end_well(void *argument)
{
    (void)argument;
    OK(os_fault_set("op=rmdir,do=lose"));
    make_tree();
    append_lines();
    OK(os_unlink(at("sub/gone")));
    rename_over();
}

static void test_plan_that_is_not_met_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(in_child(end_well, NULL), 0);
    assert_names("f link@ name1 name2 sub/ sub/back tree/ tree/a/ tree/a/b/ tree/a/b/f tree/g");
    assert_string_equal(content(at("f")), "new content");
}

int main(void)
{
#define LOSING(test) cmocka_unit_test_setup_teardown(test, set_up, remove_base)
    const struct CMUnitTest tests[] = {
        LOSING(test_content),
        LOSING(test_truncation),
        LOSING(test_names_that_appeared),
        LOSING(test_names_that_vanished),
        LOSING(test_rename_over_is_undone),
        LOSING(test_rename_with_its_directory_synced_stays),
        LOSING(test_rename_of_unsynced_content_gives_an_empty_file),
        LOSING(test_renames_across_directories),
        LOSING(test_chain_is_undone_newest_first),
        LOSING(test_what_is_promised_durable_is),
        LOSING(test_sweep_replace),
        LOSING(test_sweep_replace_unsynced),
        LOSING(test_tear_keeps_a_prefix),
        LOSING(test_files_without_a_class_are_left_alone),
        LOSING(test_plan_that_is_not_met_changes_nothing),
    };
    return RUN("os: loss of power", tests);
}
