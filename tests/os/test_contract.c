/* What os promises, held against three of its forms: with no fault plan, with a plan that counts
 * every call, and with one that journals every change. Expectations are made and looked at by bare
 * system calls. */
#include "os_test.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static const char PLAIN[] = "", COUNTING[] = "nth=0,do=eio", JOURNALING[] = "nth=0,do=lose";

static int set_up(void **state)
{
    const char *plan = *state;
    register_root();
    OK(os_fault_set(plan == PLAIN ? NULL : plan));
    return make_base(state);
}

/* Nothing of the plan may have shown: no stray names, no open descriptors. */
static int tear_down(void **state)
{
    OK(os_fault_set(NULL));
    return remove_base(state);
}

/* ---- files ---- */

static void test_write_and_read(void **state)
{
    (void)state;
    OsFile *file;
    OsStat now;
    char bytes[16];
    size_t got;
    OK(os_open_new(at("f"), &file));
    assert_true(os_fd(file) > 2);
    OK(os_write(file, "hello ", 6));
    OK(os_write(file, "", 0));
    OK(os_write(file, "world", 5));
    OK(os_sync(file));
    OK(os_fstat(file, &now));
    assert_int_equal(now.size_bytes, 11);
    assert_true(now.is_file && !now.is_dir && !now.is_link);
    OK(os_close(file));
    assert_string_equal(content(at("f")), "hello world");
    OK(os_open_read(at("f"), &file));
    OK(os_read(file, bytes, 4, &got));
    assert_int_equal(got, 4);
    OK(os_pread(file, bytes, sizeof bytes, 6, &got));
    assert_int_equal(got, 5);
    assert_memory_equal(bytes, "world", 5);
    OK(os_read(file, bytes, sizeof bytes, &got)); /* pread has not moved it */
    assert_memory_equal(bytes, "o world", 7);
    OK(os_read(file, bytes, sizeof bytes, &got));
    assert_int_equal(got, 0);
    OK(os_pread(file, bytes, 1, 1000, &got));
    assert_int_equal(got, 0);
    FAILS(os_pread(file, bytes, 1, -1, &got), INTERNAL);
    FAILS_ERRNO(os_write(file, "x", 1), EBADF);
    OK(os_close(file));
}

static void test_open_new_never_overwrites(void **state)
{
    (void)state;
    OsFile *file = NULL;
    put_file(at("f"), "old");
    FAILS(os_open_new(at("f"), &file), EXISTS);
    assert_null(file);
    assert_string_equal(content(at("f")), "old");
    FAILS_ERRNO(os_open_new(at("no/f"), &file), ENOENT);
    os_close_at(&file);
}

static void test_append(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        CLEANUP(os_close_at) OsFile *file = NULL;
        OK(os_open_append(at("f"), &file));
        OK(os_write(file, "line\n", 5));
    }
    assert_string_equal(content(at("f")), "line\nline\nline\n");
}

static void test_errors_name_the_path(void **state)
{
    (void)state;
    OsFile *file;
    Err *err = os_open_read(at("no such\nfile"), &file);
    assert_non_null(err);
    assert_int_equal(err_code(err), ERR_IO);
    assert_int_equal(err_errnum(err), ENOENT);
    assert_string_equal(err_path_text(err), at("no such\nfile"));
    assert_null(strchr(err_message(err), '\n')); /* one line, whatever the name */
    assert_non_null(strstr(err_message(err), "No such file or directory"));
    err_free(err);
}

static void test_read_file(void **state)
{
    (void)state;
    SCRATCH(arena);
    char *text = NULL;
    size_t size = 99;
    put_file(at("f"), "12345");
    OK(os_read_file(arena, at("f"), 5, &text, &size));
    assert_int_equal(size, 5);
    assert_string_equal(text, "12345");
    uint64_t reads = os_count(OS_OURS, OS_OUT, OS_READ).calls;
    FAILS(os_read_file(arena, at("f"), 4, &text, &size), LIMIT);
    assert_int_equal(os_count(OS_OURS, OS_OUT, OS_READ).calls,
                     reads);            /* its size is enough to know */
    assert_string_equal(text, "12345"); /* untouched on failure */
    put_file(at("empty"), "");
    OK(os_read_file(arena, at("empty"), 0, &text, NULL));
    assert_string_equal(text, "");
    FAILS_ERRNO(os_read_file(arena, at("no"), 10, &text, &size), ENOENT);
    FAILS_ERRNO(os_read_file(arena, base, 10, &text, &size), EISDIR);
    OK(os_read_file(arena, "/proc/self/maps", 1 << 20, &text,
                    &size)); /* says it is empty, and is not */
    assert_true(size > 100 && strlen(text) == size);
    FAILS(os_read_file(arena, "/proc/self/maps", 100, &text, &size), LIMIT);
    OK(os_read_file_if(arena, at("no"), 10, &text, &size));
    assert_null(text);
    assert_int_equal(size, 0);
    OK(os_read_file_if(arena, at("f/below-a-file"), 10, &text, NULL));
    assert_null(text);
    OK(os_read_file_if(arena, at("f"), 10, &text, NULL));
    assert_string_equal(text, "12345");
    FAILS(os_read_file_if(arena, at("f"), 4, &text, NULL), LIMIT);
}

static size_t names_in(const char *path)
{
    SCRATCH(arena);
    OsEntry *entries;
    size_t count;
    OK(os_list(arena, path, &entries, &count));
    return count;
}

static void test_replace_file(void **state)
{
    (void)state;
    OK(os_replace_file(at("f"), "first", 5));
    assert_string_equal(content(at("f")), "first");
    OK(os_replace_file(at("f"), "second, with a \0 inside", 23));
    assert_string_equal(content(at("f")), "second, with a ");
    OK(os_replace_file(at("f"), "", 0));
    assert_string_equal(content(at("f")), "");
    FAILS_ERRNO(os_replace_file(at("no/f"), "x", 1), ENOENT);
    assert_int_equal(mkdirat(AT_FDCWD, at("d"), 0755), 0);
    FAILS_ERRNO(os_replace_file(at("d"), "x", 1), EISDIR);
    assert_int_equal(names_in(base), 2); /* f, d: no temporary file is left */
}

static void test_replace_file_with_the_longest_name(void **state)
{
    (void)state;
    char name[NAME_MAX + 1];
    memset(name, 'n', NAME_MAX);
    name[NAME_MAX] = '\0';
    OK(os_replace_file(at(name), "x", 1));
    assert_string_equal(content(at(name)), "x");
}

static void test_relative_paths(void **state)
{
    (void)state;
    char here[PATH_MAX];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(base), 0);
    OK(os_replace_file("f", "x", 1));
    OK(os_mkdirs("a/b/c"));
    assert_int_equal(chdir(here), 0);
    assert_string_equal(content(at("f")), "x");
    assert_true(is_there(at("a/b/c")));
}

static Err *stop_after_two(void *context, int64_t bytes)
{
    int64_t *steps = context;
    assert_true(bytes > 0);
    steps[1] += bytes;
    return ++steps[0] == 2 ? ERR(INTERRUPTED, "enough") : NULL;
}

/* 1,000,000 bytes "0123456789" repeated; its SHA-256 is sha256sum's. */
static void put_million(const char *path)
{
    int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    for (int i = 0; i < 100000; i++) assert_int_equal(os_real()->write(fd, "0123456789", 10), 10);
    assert_int_equal(os_real()->close(fd), 0);
}

static const char EMPTY_SHA256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* By the program sha256sum. */
static void expected_sha256(const char *path, char hex[65])
{
    char command[PATH_MAX];
    (void)snprintf(command, sizeof command, "sha256sum < '%.4000s'", path);
    FILE *sum = popen(command, "r");
    assert_non_null(sum);
    assert_int_equal(fread(hex, 1, 64, sum), 64);
    hex[64] = '\0';
    (void)pclose(sum);
}

static void test_copy_file(void **state)
{
    (void)state;
    int64_t size = -1, steps[2] = {10, 0};
    char hex[65], expected[65];
    put_million(at("from"));
    expected_sha256(at("from"), expected);
    OK(os_copy_file(at("from"), at("to"), stop_after_two, steps, &size, hex));
    assert_int_equal(size, 1000000);
    assert_int_equal(steps[1], 1000000);
    assert_string_equal(hex, expected);
    expected_sha256(at("to"), hex);
    assert_string_equal(hex, expected);
    OK(os_sha256_file(at("to"), &size, hex));
    assert_string_equal(hex, expected);
    FAILS(os_copy_file(at("from"), at("to"), NULL, NULL, &size, hex), EXISTS);
    FAILS_ERRNO(os_copy_file(at("no"), at("x"), NULL, NULL, &size, hex), ENOENT);
    put_file(at("empty"), "");
    OK(os_copy_file(at("empty"), at("empty2"), NULL, NULL, &size, hex));
    assert_int_equal(size, 0);
    assert_string_equal(hex, EMPTY_SHA256);
    assert_string_equal(content(at("empty2")), "");
}

static void test_copy_file_stopped_leaves_nothing(void **state)
{
    (void)state;
    int64_t size = -1, steps[2] = {0, 0};
    char hex[65] = "as it was";
    put_million(at("from"));
    FAILS(os_copy_file(at("from"), at("to"), stop_after_two, steps, &size, hex), INTERRUPTED);
    assert_false(is_there(at("to")));
    assert_int_equal(size, -1);
    assert_string_equal(hex, "as it was");
    assert_true(steps[1] < 1000000);
}

/* ---- names ---- */

static void test_stat(void **state)
{
    (void)state;
    OsStat now;
    struct stat expected;
    bool there = true;
    put_file(at("f"), "123");
    assert_int_equal(symlinkat("f", AT_FDCWD, at("link")), 0);
    assert_int_equal(symlinkat("nowhere", AT_FDCWD, at("dangling")), 0);
    assert_int_equal(fstatat(AT_FDCWD, at("f"), &expected, 0), 0);
    OK(os_stat(at("link"), &now)); /* followed */
    assert_int_equal(now.size_bytes, 3);
    assert_int_equal(now.inode, expected.st_ino);
    assert_int_equal(now.device, expected.st_dev);
    assert_int_equal(now.mtime_ns, expected.st_mtim.tv_sec * 1000000000 + expected.st_mtim.tv_nsec);
    assert_true(now.is_file && !now.is_link);
    OK(os_stat(base, &now));
    assert_true(now.is_dir);
    FAILS_ERRNO(os_stat(at("no"), &now), ENOENT);
    OK(os_stat_if(at("no"), &there, &now));
    assert_false(there);
    OK(os_stat_if(at("f/no"), &there, &now));
    assert_false(there);
    OK(os_stat_if(at("dangling"), &there, &now));
    assert_false(there);
    OK(os_stat_if(at("f"), &there, &now));
    assert_true(there);
}

static void test_mkdir(void **state)
{
    (void)state;
    OK(os_mkdir(at("d")));
    FAILS(os_mkdir(at("d")), EXISTS);
    FAILS_ERRNO(os_mkdir(at("no/d")), ENOENT);
    OK(os_mkdirs(at("a/b/c/d")));
    OK(os_mkdirs(at("a/b/c/d")));
    OK(os_mkdirs(at("a/b/x/")));
    OK(os_mkdirs(at("a//b///y")));
    assert_true(is_there(at("a/b/c/d")) && is_there(at("a/b/x")) && is_there(at("a/b/y")));
    put_file(at("a/f"), "");
    FAILS(os_mkdirs(at("a/f")), EXISTS);
    FAILS(os_mkdirs(at("a/f/g")), EXISTS);
    assert_int_equal(symlinkat("b", AT_FDCWD, at("a/link")), 0);
    OK(os_mkdirs(at("a/link/z")));
    assert_true(is_there(at("a/b/z")));
    OK(os_mkdirs("/"));
}

static void test_rename_link_unlink(void **state)
{
    (void)state;
    bool won = false;
    put_file(at("a"), "a");
    put_file(at("b"), "b");
    OK(os_rename(at("a"), at("b")));
    assert_string_equal(content(at("b")), "a");
    assert_false(is_there(at("a")));
    FAILS_ERRNO(os_rename(at("no"), at("b")), ENOENT);
    OK(os_link(at("b"), at("c"), &won));
    assert_true(won);
    put_file(at("d"), "d");
    OK(os_link(at("b"), at("d"), &won));
    assert_false(won);
    assert_string_equal(content(at("d")), "d");
    FAILS_ERRNO(os_link(at("no"), at("e"), &won), ENOENT);
    OK(os_unlink(at("c")));
    FAILS_ERRNO(os_unlink(at("c")), ENOENT);
    OK(os_unlink_if(at("c")));
    OK(os_mkdir(at("dir")));
    put_file(at("dir/f"), "");
    FAILS_ERRNO(os_unlink(at("dir")), EISDIR);
    FAILS_ERRNO(os_rmdir(at("dir")), ENOTEMPTY);
    OK(os_unlink(at("dir/f")));
    OK(os_rmdir(at("dir")));
    assert_false(is_there(at("dir")));
}

static void test_rename_errors_name_both(void **state)
{
    (void)state;
    Err *err = os_rename(at("from"), at("to"));
    assert_non_null(err);
    assert_non_null(strstr(err_message(err), at("from")));
    assert_non_null(strstr(err_message(err), at("to")));
    err_free(err);
}

static const char *const ODD_NAMES[] = {" ",         "a\nb",     "a'b\"c", "b=1", "c%20",
                                        "\xc2\xb5S", "\xff\xfe", "~",      "-rf", "*"};
enum { ODD_COUNT = sizeof ODD_NAMES / sizeof ODD_NAMES[0] };

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void test_odd_names_listed_in_order_of_bytes(void **state)
{
    (void)state;
    SCRATCH(arena);
    const char *sorted[ODD_COUNT];
    OsEntry *entries;
    size_t count;
    for (size_t i = 0; i < ODD_COUNT; i++) {
        sorted[i] = ODD_NAMES[i];
        OK(os_replace_file(at(ODD_NAMES[i]), ODD_NAMES[i], strlen(ODD_NAMES[i])));
    }
    qsort(sorted, ODD_COUNT, sizeof sorted[0], by_bytes);
    OK(os_list(arena, base, &entries, &count));
    assert_int_equal(count, ODD_COUNT);
    for (size_t i = 0; i < ODD_COUNT; i++) {
        assert_string_equal(entries[i].name, sorted[i]);
        assert_true(entries[i].is_file);
        assert_string_equal(content(at(entries[i].name)), sorted[i]);
        OK(os_unlink(at(entries[i].name)));
    }
    OK(os_list(arena, base, &entries, &count));
    assert_int_equal(count, 0);
    FAILS_ERRNO(os_list(arena, at("no"), &entries, &count), ENOENT);
}

static void test_list_kinds(void **state)
{
    (void)state;
    SCRATCH(arena);
    OsEntry *entries;
    size_t count;
    OK(os_mkdir(at("dir")));
    put_file(at("file"), "");
    assert_int_equal(symlinkat("dir", AT_FDCWD, at("link")), 0);
    assert_int_equal(mknodat(AT_FDCWD, at("pipe"), S_IFIFO | 0600, 0), 0);
    OK(os_list(arena, base, &entries, &count));
    assert_int_equal(count, 4);
    assert_true(entries[0].is_dir && !entries[0].is_file && !entries[0].is_link);
    assert_true(entries[1].is_file && !entries[1].is_dir && !entries[1].is_link);
    assert_true(entries[2].is_link && !entries[2].is_dir && !entries[2].is_file);
    assert_true(!entries[3].is_link && !entries[3].is_dir && !entries[3].is_file);
    FAILS_ERRNO(os_list(arena, at("file"), &entries, &count), ENOTDIR);
}

static void test_remove_tree_does_not_follow_links(void **state)
{
    (void)state;
    OK(os_mkdirs(at("keep/inner")));
    put_file(at("keep/inner/f"), "kept");
    OK(os_mkdirs(at("tree/a/b/c")));
    put_file(at("tree/a/f"), "");
    put_file(at("tree/a/b/.hidden\n"), "");
    assert_int_equal(symlinkat("../../keep", AT_FDCWD, at("tree/a/link")), 0);
    assert_int_equal(symlinkat("nowhere", AT_FDCWD, at("tree/dangling")), 0);
    OK(os_remove_tree(at("tree")));
    assert_false(is_there(at("tree")));
    assert_string_equal(content(at("keep/inner/f")), "kept");
    assert_int_equal(symlinkat("keep", AT_FDCWD, at("link")), 0);
    OK(os_remove_tree(at("link"))); /* the link itself */
    assert_false(is_there(at("link")));
    assert_string_equal(content(at("keep/inner/f")), "kept");
    OK(os_remove_tree(at("keep/inner/f")));
    OK(os_remove_tree(at("nothing there")));
}

static void test_sync_and_touch(void **state)
{
    (void)state;
    OsStat before, after;
    put_file(at("f"), "x");
    assert_int_equal(utimensat(AT_FDCWD, at("f"), (struct timespec[]){{1000, 0}, {1000, 0}}, 0), 0);
    OK(os_sync_path(at("f")));
    OK(os_sync_dir(base));
    OK(os_sync_path(base));
    OK(os_sync_dir("/proc/self")); /* a file system without fsync: directories are forgiven, */
    FAILS_ERRNO(os_sync_path("/proc/self/maps"), EINVAL); /* content is not */
    FAILS_ERRNO(os_sync_dir(at("f")), ENOTDIR);
    FAILS_ERRNO(os_sync_path(at("no")), ENOENT);
    OK(os_stat(at("f"), &before));
    assert_int_equal(before.mtime_ns, 1000 * INT64_C(1000000000));
    OK(os_touch(at("f")));
    OK(os_stat(at("f"), &after));
    assert_true(after.mtime_ns / 1000 >= os_now() - 60 * US_PER_SECOND);
    FAILS_ERRNO(os_touch(at("no")), ENOENT);
}

static void test_absolute(void **state)
{
    (void)state;
    SCRATCH(arena);
    char *path, *resolved_base = realpath(base, NULL), here[PATH_MAX];
    OK(os_mkdirs(at("real/inner")));
    assert_int_equal(symlinkat("real/inner", AT_FDCWD, at("link")), 0);
    OK(os_absolute(arena, at("link/new/./file"), &path));
    assert_string_equal(path, arena_printf(arena, "%s/real/inner/new/file", resolved_base));
    OK(os_absolute(arena, at("link/../x"), &path)); /* the parent of what the link points to */
    assert_string_equal(path, arena_printf(arena, "%s/real/x", resolved_base));
    OK(os_absolute(arena, at("no/../x//y/"), &path));
    assert_string_equal(path, arena_printf(arena, "%s/x/y", resolved_base));
    OK(os_absolute(arena, "/", &path));
    assert_string_equal(path, "/");
    OK(os_absolute(arena, "/../..", &path));
    assert_string_equal(path, "/");
    assert_non_null(getcwd(here, sizeof here));
    OK(os_absolute(arena, "no-such-file", &path));
    assert_string_equal(path, arena_printf(arena, "%s/no-such-file", here));
    assert_int_equal(symlinkat("circle", AT_FDCWD, at("circle")), 0);
    FAILS_ERRNO(os_absolute(arena, at("circle/x"), &path), ELOOP);
    FAILS(os_absolute(arena, "", &path), INVALID);
    free(resolved_base);
}

static void test_file_systems(void **state)
{
    (void)state;
    bool network = true;
    const char *name = "?";
    int64_t bytes = -1;
    struct statfs fs;
    OK(os_is_network_fs(at("not/yet/there"), &network, &name));
    assert_false(network);
    assert_null(name);
    OK(os_free_bytes(at("not/yet/there"), &bytes));
    assert_int_equal(statfs(base, &fs), 0);
    assert_true(bytes > 0 && (uint64_t)bytes <= fs.f_blocks * (uint64_t)fs.f_bsize);
    assert_string_equal(os_network_fs_name(0x6969), "nfs");
    assert_string_equal(os_network_fs_name(0xFF534D42), "cifs");
    assert_string_equal(os_network_fs_name(0xFFFFFFFFFF534D42), "cifs"); /* f_type sign-extended */
    assert_string_equal(os_network_fs_name(0x65735546), "fuse");
    assert_null(os_network_fs_name(0xEF53));     /* ext4 */
    assert_null(os_network_fs_name(0x58465342)); /* xfs */
    assert_null(os_network_fs_name(0x9123683E)); /* btrfs */
    assert_null(os_network_fs_name(0x01021994)); /* tmpfs */
    assert_null(os_network_fs_name(0x794C7630)); /* overlayfs */
}

/* ---- file systems that say no: mounts in a name space of their own, root only ---- */

enum { NO_MOUNT = 77 };

static void mount_tmpfs(const char *options, unsigned long flags)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", at("mount"), "tmpfs", flags, options) != 0) {
        _exit(NO_MOUNT);
    }
}

static void in_mount(void (*body)(void *argument))
{
    OK(os_mkdir(at("mount")));
    int status = in_child(body, NULL);
    if (status == NO_MOUNT) {
        print_message("# skipped: mounting is not permitted here\n");
        return; /* cmocka's skip() counts as a failure in TAP */
    }
    assert_int_equal(status, 0);
}

static void fill_disk(void *argument)
{
    (void)argument;
    static char block[1 << 16];
    int64_t size;
    char hex[65];
    mount_tmpfs("size=256k", 0);
    put_million(at("from"));
    put_file(at("mount/f"), "old");
    static char large[400000];
    FAILS_ERRNO(os_replace_file(at("mount/f"), large, sizeof large), ENOSPC);
    FAILS_ERRNO(os_replace_unsynced(at("mount/f"), large, sizeof large), ENOSPC);
    FAILS_ERRNO(os_copy_file(at("from"), at("mount/h"), NULL, NULL, &size, hex), ENOSPC);
    assert_string_equal(content(at("mount/f")), "old");
    assert_int_equal(names_in(at("mount")), 1); /* nothing half-made is left */
    CLEANUP(os_close_at) OsFile *file = NULL;
    OK(os_open_new(at("mount/fill"), &file));
    Err *err = NULL;
    for (int i = 0; i < 10 && err == NULL; i++) err = os_write(file, block, sizeof block);
    assert_non_null(err);
    assert_int_equal(err_errnum(err), ENOSPC);
    assert_non_null(strstr(err_hint_text(err), "free some space"));
    err_free(err);
}

static void test_disk_full(void **state)
{
    (void)state;
    in_mount(fill_disk);
}

static void change_read_only(void *argument)
{
    (void)argument;
    OsFile *file;
    mount_tmpfs("size=256k", MS_RDONLY);
    FAILS_ERRNO(os_open_new(at("mount/f"), &file), EROFS);
    FAILS_ERRNO(os_replace_file(at("mount/f"), "x", 1), EROFS);
    FAILS_ERRNO(os_mkdirs(at("mount/a/b")), EROFS);
    OK(os_remove_tree(at("mount/nothing")));
}

static void test_read_only_target(void **state)
{
    (void)state;
    in_mount(change_read_only);
}

static void rename_across(void *argument)
{
    (void)argument;
    mount_tmpfs("size=256k", 0);
    put_file(at("f"), "x");
    Err *err = os_rename(at("f"), at("mount/f"));
    assert_non_null(err);
    assert_int_equal(err_errnum(err), EXDEV);
    assert_non_null(strstr(err_message(err), "/mount/f: "));
    assert_non_null(strstr(err_hint_text(err), "one file system"));
    err_free(err);
    assert_string_equal(content(at("f")), "x");
    bool won;
    FAILS_ERRNO(os_link(at("f"), at("mount/f"), &won), EXDEV);
}

static void test_rename_across_file_systems(void **state)
{
    (void)state;
    in_mount(rename_across);
}

#define FORM(test, form)                                                                           \
    {                                                                                              \
#test " (" #form ")", test, set_up, tear_down, (void *)(uintptr_t)form                     \
    }
#define CONTRACT(test) FORM(test, PLAIN), FORM(test, COUNTING), FORM(test, JOURNALING)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT(test_write_and_read),
        CONTRACT(test_open_new_never_overwrites),
        CONTRACT(test_append),
        CONTRACT(test_errors_name_the_path),
        CONTRACT(test_read_file),
        CONTRACT(test_replace_file),
        CONTRACT(test_replace_file_with_the_longest_name),
        CONTRACT(test_relative_paths),
        CONTRACT(test_copy_file),
        CONTRACT(test_copy_file_stopped_leaves_nothing),
        CONTRACT(test_stat),
        CONTRACT(test_mkdir),
        CONTRACT(test_rename_link_unlink),
        CONTRACT(test_rename_errors_name_both),
        CONTRACT(test_odd_names_listed_in_order_of_bytes),
        CONTRACT(test_list_kinds),
        CONTRACT(test_remove_tree_does_not_follow_links),
        CONTRACT(test_sync_and_touch),
        CONTRACT(test_absolute),
        CONTRACT(test_file_systems),
        CONTRACT(test_disk_full),
        CONTRACT(test_read_only_target),
        CONTRACT(test_rename_across_file_systems),
    };
    return RUN("os: contract", tests);
}
