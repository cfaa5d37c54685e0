/* OUT over several exports: what is written, kept, replaced and removed, and what is left alone.
 * Raw data only, so that no engine is needed and every byte is known. */
#include "export_test.h"
#include <utime.h>

static ExportSummary export_raw(const ExportInput *inputs, size_t count)
{
    ExportOptions options = options_new();
    ExportSummary summary;
    OK(run_export(inputs, count, &options, &summary));
    return summary;
}

static Err *try_raw(const ExportInput *inputs, size_t count)
{
    ExportOptions options = options_new();
    ExportSummary summary;
    return run_export(inputs, count, &options, &summary);
}

static void test_first_export(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a.txt", "one"), input_raw("/empty", ""),
                            input_raw("/it's here\n", "two")};
    ExportSummary summary = export_raw(inputs, 3);
    assert_int_equal(summary.written, 3);
    assert_int_equal(summary.kept, 0);
    assert_int_equal(summary.bytes, 6);
    assert_int_equal(summary.target_count, 3);
    assert_string_equal(file_text(under(fx.out, "a.txt")), "one");
    assert_string_equal(file_text(under(fx.out, "empty")), "");
    assert_string_equal(file_text(under(fx.out, "it%27s here%0A")), "two");
    assert_string_equal(names_of(under(fx.out, ".pond")), "lock\nmanifest\n");
}

/* Every field, written by hand; the hash is that of "one" by sha256sum. */
static void test_the_catalog(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a.txt", "one")};
    export_raw(inputs, 1);
    assert_string_equal(
        file_text(under(fx.out, "catalog.json")),
        "{\"version\":1,\"pond\":\"018f0000-0000-7000-8000-000000000001\",\"targets\":[{\"pond\":"
        "\"018f0000-0000-7000-8000-000000000001\",\"pattern\":\"/"
        "*\",\"captures\":[\"a.txt\"],\"source\":\"/a.txt\",\"path\":"
        "\"a.txt\",\"partitioning\":\"\",\"fields\":[],\"files\":[{\"path\":\"a.txt\",\"keys\":{},"
        "\"start\":null,\"end\":null,"
        "\"rows\":null,\"bytes\":3,\"sha256\":"
        "\"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed\"}]}]}\n");
}

static struct stat stat_of(const char *name)
{
    struct stat now;
    assert_int_equal(stat(under(fx.out, name), &now), 0);
    return now;
}

static void test_a_second_export_changes_nothing(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a", "one"), input_raw("/b", "two")};
    export_raw(inputs, 2);
    const char *before = tree_of(fx.out);
    struct stat a = stat_of("a"), catalog = stat_of("catalog.json"),
                manifest = stat_of(".pond/manifest");
    ExportSummary summary = export_raw(inputs, 2);
    assert_int_equal(summary.kept, 2);
    assert_int_equal(summary.written, 0);
    assert_int_equal(summary.file_count, 0);
    assert_string_equal(tree_of(fx.out), before);
    assert_int_equal(stat_of("a").st_ino, a.st_ino);
    assert_int_equal(stat_of("catalog.json").st_ino, catalog.st_ino);
    assert_int_equal(stat_of(".pond/manifest").st_ino, manifest.st_ino);
}

static void test_what_changed_is_replaced(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a", "one"), input_raw("/b", "two")};
    export_raw(inputs, 2);
    struct stat a = stat_of("a");
    inputs[1] = input_raw("/b", "TWO");
    ExportSummary summary = export_raw(inputs, 2);
    assert_int_equal(summary.written, 1);
    assert_int_equal(summary.kept, 1);
    assert_string_equal(summary.files[0].path, "b");
    assert_string_equal(summary.files[0].action, "write");
    assert_string_equal(file_text(under(fx.out, "b")), "TWO");
    assert_int_equal(stat_of("a").st_ino, a.st_ino);
}

/* OUT is a function of pond and options: what the pattern no longer matches goes, with directories
 * that export made. */
static void test_what_is_gone_is_removed(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a", "one"), input_raw("/deep/er/b", "two")};
    export_raw(inputs, 2);
    assert_string_equal(names_of(fx.out), "a\ncatalog.json\ndeep/\ndeep/er/\ndeep/er/b\n");
    ExportSummary summary = export_raw(inputs, 1);
    assert_int_equal(summary.removed, 1);
    assert_string_equal(summary.files[0].action, "remove");
    assert_string_equal(names_of(fx.out), "a\ncatalog.json\n");
}

static void test_foreign_things_stay(void **state)
{
    (void)state;
    assert_int_equal(mkdir(fx.out, 0777), 0);
    assert_int_equal(mkdir(under(fx.out, "mine"), 0777), 0);
    assert_int_equal(mkdir(under(fx.out, "deep"), 0777), 0);
    put_file(under(fx.out, "notes.txt"), "mine");
    ExportInput inputs[] = {input_raw("/a", "one"), input_raw("/deep/er/b", "two"),
                            input_raw("/mine/c", "3")};
    export_raw(inputs, 3);
    put_file(under(fx.out, "deep/er/notes.txt"), "mine too");
    export_raw(inputs, 1);
    assert_string_equal(names_of(fx.out),
                        "a\ncatalog.json\ndeep/\ndeep/er/\ndeep/er/notes.txt\nmine/\nnotes.txt\n");
}

static void test_foreign_things_in_the_way(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/d/a", "one")};
    assert_int_equal(mkdir(fx.out, 0777), 0);
    put_file(under(fx.out, "d"), "a file");
    FAILS(try_raw(inputs, 1), EXISTS, "a file stands where");
    assert_int_equal(unlink(under(fx.out, "d")), 0);
    assert_int_equal(mkdir(under(fx.out, "d"), 0777), 0);
    put_file(under(fx.out, "d/a"), "one"); /* even with the very content */
    FAILS(try_raw(inputs, 1), EXISTS, "not the export's");
    assert_int_equal(unlink(under(fx.out, "d/a")), 0);
    assert_int_equal(symlink("/nowhere", under(fx.out, "d/a")), 0);
    FAILS(try_raw(inputs, 1), EXISTS, "dangling link");
    assert_int_equal(unlink(under(fx.out, "d/a")), 0);
    assert_int_equal(mkdir(under(fx.out, "d/a"), 0777), 0);
    FAILS(try_raw(inputs, 1), EXISTS, "a folder stands where");
    assert_int_equal(rmdir(under(fx.out, "d/a")), 0);
    put_file(under(fx.out, "catalog.json"), "{}");
    FAILS(try_raw(inputs, 1), EXISTS, "catalog.json");
    /* Nothing was changed, nothing of ours is left. */
    assert_string_equal(names_of(fx.out), "catalog.json\nd/\n");
    assert_int_equal(access(under(fx.out, ".pond"), F_OK), -1);
    assert_int_equal(unlink(under(fx.out, "catalog.json")), 0);
    export_raw(inputs, 1);
}

static void test_an_edited_file_in_the_way(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a", "one"), input_raw("/b", "two")};
    export_raw(inputs, 2);
    put_file(under(fx.out, "a"), "ONE");
    inputs[1] = input_raw("/b", "new");
    FAILS(try_raw(inputs, 2), EXISTS, "changed since it was exported");
    assert_string_equal(file_text(under(fx.out, "a")), "ONE");
    assert_string_equal(file_text(under(fx.out, "b")), "two");
    /* Where it is not needed it stays, and is no longer ours. */
    ExportInput *rest = &inputs[1];
    ExportSummary summary = export_raw(rest, 1);
    assert_int_equal(summary.removed, 0);
    assert_string_equal(file_text(under(fx.out, "a")), "ONE");
    FAILS(try_raw(inputs, 2), EXISTS, "not the export's");
}

/* A copied or touched tree has other inodes and times, and is still the export. */
static void test_a_touched_file_is_ours(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a", "one"), input_raw("/b", "two")};
    export_raw(inputs, 2);
    assert_int_equal(utime(under(fx.out, "a"), &(struct utimbuf){1000, 1000}), 0);
    assert_int_equal(utime(under(fx.out, "catalog.json"), &(struct utimbuf){1000, 1000}), 0);
    export_raw(inputs, 2);
    ExportSummary summary = export_raw(inputs, 2);
    assert_int_equal(summary.kept, 2);
}

static void test_a_deleted_file_comes_back(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/x/a", "one"), input_raw("/b", "two")};
    export_raw(inputs, 2);
    const char *before = tree_of(fx.out);
    assert_int_equal(unlink(under(fx.out, "x/a")), 0);
    assert_int_equal(rmdir(under(fx.out, "x")), 0);
    ExportSummary summary = export_raw(inputs, 2);
    assert_int_equal(summary.written, 1);
    assert_string_equal(tree_of(fx.out), before);
    const char *manifest = file_text(under(fx.out, ".pond/manifest")),
               *dir = strstr(manifest, "{\"dir\":\"x\"}");
    assert_non_null(dir);
    assert_null(strstr(dir + 1, "{\"dir\":\"x\"}"));
    export_raw(&inputs[1], 1); /* x is still known as ours */
    assert_string_equal(names_of(fx.out), "b\ncatalog.json\n");
}

static void test_other_patterns_are_left_alone(void **state)
{
    (void)state;
    ExportInput mine = input_raw("/a", "one"), other = input_raw("/b", "two");
    export_raw(&mine, 1);
    static const char *const OTHER[] = {"/b"};
    other.pattern = OTHER[0];
    other.capture_count = 0;
    ExportOptions options = options_new();
    options.patterns = OTHER;
    ExportSummary summary;
    OK(run_export(&other, 1, &options, &summary));
    assert_string_equal(names_of(fx.out), "a\nb\ncatalog.json\n");
    assert_non_null(strstr(file_text(under(fx.out, "catalog.json")), "\"path\":\"a\""));
    /* Another node in the place of the first pattern's file. */
    ExportInput third = input_raw("/c", "three");
    third.pattern = OTHER[0];
    third.captures = mine.captures;
    FAILS(run_export(&third, 1, &options, &summary), CONFLICT, "belongs to the target /a (/*)");
    /* The same node by another pattern takes its files over. */
    third.source = "/a";
    OK(run_export(&third, 1, &options, &summary));
    assert_string_equal(file_text(under(fx.out, "a")), "three");
    assert_null(strstr(file_text(under(fx.out, "catalog.json")), "\"pattern\":\"/*\""));
}

static void test_two_ponds_in_one_folder(void **state)
{
    (void)state;
    ExportInput mine = input_raw("/a", "one"), theirs = input_raw("/b", "two");
    export_raw(&mine, 1);
    ExportOptions options = options_new();
    options.pond_id = "018f0000-0000-7000-8000-000000000002";
    ExportSummary summary;
    OK(run_export(&theirs, 1, &options, &summary));
    assert_int_equal(summary.removed, 0);
    assert_string_equal(names_of(fx.out), "a\nb\ncatalog.json\n");
    const char *catalog = file_text(under(fx.out, "catalog.json"));
    assert_non_null(strstr(catalog, "{\"version\":1,\"pond\":null,"));
    assert_non_null(strstr(catalog, "{\"pond\":\"018f0000-0000-7000-8000-000000000002\","
                                    "\"pattern\":\"/*\",\"captures\":[\"b\"]"));
    FAILS(run_export(&mine, 1, &options, &summary), CONFLICT, "belongs to the target /a (/*)");
}

static void test_two_in_one_place(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a", "one"), input_raw("/b", "two")};
    inputs[1].captures = inputs[0].captures;
    FAILS(try_raw(inputs, 2), INVALID, "/a and /b would both be exported to a");
    ExportInput nested[] = {input_raw("/a", "one"), input_raw("/a/b/c", "two")};
    FAILS(try_raw(nested, 2), INVALID, "needs a folder");
    ExportInput own[] = {input_raw("/catalog.json", "{}")};
    FAILS(try_raw(own, 1), INVALID, "the export's own");
    assert_int_equal(access(fx.out, F_OK), -1);
}

static void test_pieces_in_order(void **state)
{
    (void)state;
    ExportInput input = input_raw("/log", "");
    char *big = under(fx.base, "big");
    Buf text = buf_new(fx.arena);
    for (int i = 0; i < 100000; i++) buf_printf(&text, "%d\n", i);
    put_file(big, text.data);
    Content pieces[] = {{.bytes = "head\n", .size_bytes = 5},
                        {.path = big, .size_bytes = (int64_t)text.size},
                        {.bytes = "tail", .size_bytes = 4}};
    input.pieces = pieces;
    input.piece_count = 3;
    export_raw(&input, 1);
    assert_string_equal(file_text(under(fx.out, "log")),
                        arena_printf(fx.arena, "head\n%stail", text.data));
    pieces[1].path = under(fx.base, "missing");
    FAILS(try_raw(&input, 1), IO, "missing");
    assert_string_equal(names_of(under(fx.out, ".pond")), "lock\nmanifest\n");
}

static void test_a_damaged_manifest(void **state)
{
    (void)state;
    ExportInput input = input_raw("/a", "one");
    export_raw(&input, 1);
    char *manifest = under(fx.out, ".pond/manifest"), *text = file_text(manifest);
    char *inode = strstr(text, "inode");
    *inode = 'j';
    put_file(manifest, text);
    FAILS(try_raw(&input, 1), CORRUPT, "checksum");
    put_file(manifest, "");
    FAILS(try_raw(&input, 1), CORRUPT, "checksum");
    {
        CLEANUP(file_out_close_at) FileOut sealed = {0};
        FileState now;
        char seal[65];
        assert_int_equal(unlink(manifest), 0);
        OK(file_out_open(fx.arena, manifest, &sealed));
        buf_puts(&sealed.text, "{\"version\":2}");
        OK(sealed_line(&sealed));
        OK(sealed_finish(&sealed, &now, seal));
    }
    FAILS(try_raw(&input, 1), UNSUPPORTED, "version 2");
    assert_string_equal(file_text(under(fx.out, "a")), "one");
}

static void test_the_lock(void **state)
{
    (void)state;
    ExportInput input = input_raw("/a", "one");
    OutDir out;
    OK(outdir_open(fx.arena, fx.out, 0, &out));
    pid_t child = fork();
    if (child == 0) {
        Err *err = try_raw(&input, 1);
        bool locked = err != NULL && err_code(err) == ERR_LOCKED &&
                      strstr(err_message(err), "pond export, process") != NULL;
        _exit(locked ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    outdir_close(&out);
    export_raw(&input, 1);
}

/* An export of `inputs` that dies at its n-th rename; the first brings the record to its place. */
static void export_and_die(const ExportInput *inputs, size_t count, int nth)
{
    pid_t child = fork();
    if (child == 0) {
        OutDir names;
        if (outdir_names(fx.arena, fx.out, &names) != NULL) _exit(1);
        os_class_add(names.dir, OS_OUT);
        os_class_add(names.staging_dir, OS_STAGING);
        const char *plan = arena_printf(fx.arena, "origin=ours,op=rename,nth=%d,do=crash", nth);
        if (os_fault_set(plan) != NULL) _exit(1);
        (void)!try_raw(inputs, count);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 137);
}

/* A record that is there is completed, whatever the run that follows does. */
static void test_a_record_is_completed(void **state)
{
    (void)state;
    ExportInput input = input_raw("/a", "one");
    export_raw(&input, 1);
    bool completed;
    OK(export_recover(fx.out, 0, &completed));
    assert_false(completed);
    FAILS(export_recover(under(fx.base, "nothing"), 0, &completed), NOT_FOUND, "no export");
    input = input_raw("/a", "changed");
    export_and_die(&input, 1, 2);
    assert_string_equal(file_text(under(fx.out, "a")), "one");
    OK(export_recover(fx.out, 0, &completed));
    assert_true(completed);
    assert_string_equal(file_text(under(fx.out, "a")), "changed");
    assert_string_equal(names_of(under(fx.out, ".pond")), "lock\nmanifest\n");
}

/* What users do between a crash and its recovery is theirs. */
static void test_strangers_before_a_recovery(void **state)
{
    (void)state;
    ExportInput before[] = {input_raw("/a", "one"), input_raw("/gone", "bye")},
                after[] = {input_raw("/a", "two"), input_raw("/new", "new")};
    bool completed;
    export_raw(before, 2);
    export_and_die(after, 2, 2);
    put_file(under(fx.out, "gone"), "edited");
    put_file(under(fx.out, "a"), "mine");
    FAILS(export_recover(fx.out, 0, &completed), EXISTS, "came here while it was being published");
    FAILS(try_raw(after, 2), EXISTS, "came here while it was being published");
    assert_string_equal(file_text(under(fx.out, "a")), "mine");
    assert_int_equal(unlink(under(fx.out, "a")), 0);
    OK(export_recover(fx.out, 0, &completed));
    assert_true(completed);
    assert_string_equal(file_text(under(fx.out, "a")), "two");
    assert_string_equal(file_text(under(fx.out, "new")), "new");
    assert_string_equal(file_text(under(fx.out, "gone")), "edited");
    /* A torn record is nobody's: it was never the commit point, and is not believed. */
    after[0] = input_raw("/a", "three");
    export_and_die(after, 2, 2);
    char *record = under(fx.out, ".pond/publish"), *text = file_text(record);
    put_file(record, arena_strndup(fx.arena, text, strlen(text) / 2));
    FAILS(export_recover(fx.out, 0, &completed), CORRUPT, "checksum");
}

static void test_dry_run(void **state)
{
    (void)state;
    ExportInput inputs[] = {input_raw("/a", "one"), input_raw("/b", "two")};
    ExportOptions options = options_new();
    options.dry_run = true;
    ExportSummary summary;
    OK(run_export(inputs, 2, &options, &summary));
    assert_int_equal(access(fx.out, F_OK), -1);
    assert_int_equal(summary.file_count, 2);
    assert_string_equal(summary.files[0].path, "a");
    assert_int_equal(summary.files[0].rows, -1);
    export_raw(inputs, 2);
    OK(run_export(inputs, 1, &options, &summary));
    assert_int_equal(summary.written, 0);
    assert_int_equal(summary.kept, 1);
    assert_string_equal(summary.files[0].action, "keep");
    assert_int_equal(summary.removed, 1);
    assert_string_equal(summary.files[1].path, "b");
    assert_string_equal(summary.files[1].action, "remove");
    assert_string_equal(names_of(fx.out), "a\nb\ncatalog.json\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_export),
        TEST(test_the_catalog),
        TEST(test_a_second_export_changes_nothing),
        TEST(test_what_changed_is_replaced),
        TEST(test_what_is_gone_is_removed),
        TEST(test_foreign_things_stay),
        TEST(test_foreign_things_in_the_way),
        TEST(test_an_edited_file_in_the_way),
        TEST(test_a_touched_file_is_ours),
        TEST(test_a_deleted_file_comes_back),
        TEST(test_other_patterns_are_left_alone),
        TEST(test_two_ponds_in_one_folder),
        TEST(test_two_in_one_place),
        TEST(test_pieces_in_order),
        TEST(test_a_damaged_manifest),
        TEST(test_the_lock),
        TEST(test_a_record_is_completed),
        TEST(test_strangers_before_a_recovery),
        TEST(test_dry_run),
    };
    return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
