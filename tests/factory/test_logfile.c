/* The parts of logfile-ingest that the command line shows only together: globs over the host, and
 * what is remembered. */
#include "factory/logfile_int.h"
#include "factory_test.h"

static void touch(Arena *arena, const char *dir, const char *path)
{
    char *whole = arena_printf(arena, "%s/%s", dir, path);
    OsFile *file = NULL;
    OK(os_mkdirs(path_parent(arena, whole)));
    OK(os_open_new(whole, &file));
    OK(os_close(file));
}

/* "a.log[a] b.log[b]": what a pattern below `dir` names, with its captures. Each path is what its
 * captures make of the pattern. */
static const char *globbed(Arena *arena, const char *dir, const char *pattern_below)
{
    const Pattern *pattern = NULL;
    HostFile *files = NULL;
    size_t count = 0;
    Buf text = buf_new(arena);
    OK(pattern_compile(arena, arena_printf(arena, "%s/%s", dir, pattern_below), &pattern));
    OK(host_glob(arena, pattern, &files, &count));
    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "%s%s[", i > 0 ? " " : "", files[i].path + strlen(dir) + 1);
        for (size_t k = 0; k < files[i].capture_count; k++)
            buf_printf(&text, "%s%s", k > 0 ? "," : "", files[i].captures[k]);
        buf_puts(&text, "]");
        assert_true(files[i].stat.is_file);
        assert_string_equal(host_glob_fill(arena, pattern_text(pattern), files[i].captures),
                            files[i].path);
    }
    return text.data;
}

static void test_host_glob(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    const char *dir = arena_printf(arena, "%s/glob", pond->bench.dir);
    static const char *const FILES[] = {"a.log",        "b.log",   "b.log.1",    "*.log",
                                        "x/y/deep.log", "x/z.log", "x/y/z/q.log"};
    for (size_t i = 0; i < COUNT_OF(FILES); i++) touch(arena, dir, FILES[i]);
    assert_int_equal(symlink("y", arena_printf(arena, "%s/x/link", dir)), 0);
    assert_int_equal(symlink("../a.log", arena_printf(arena, "%s/x/a.log", dir)), 0);
    assert_int_equal(symlink("none", arena_printf(arena, "%s/x/lost.log", dir)), 0);
    static const char *const CASES[][2] = {
        {"a.log", "a.log[]"},
        {"*.log", "*.log[*] a.log[a] b.log[b]"},
        {"\\*.log", "*.log[]"},
        {"?.log*", "*.log[*,] a.log[a,] b.log[b,] b.log.1[b,.1]"},
        {"[!a].log", "*.log[*] b.log[b]"},
        {"{b,a}.log", "a.log[a] b.log[b]"},
        {"x", ""},
        {"none/*", ""},
        {"a.log/*", ""},
        {"x/*.log", "x/a.log[a] x/z.log[z]"},
        {"*/*/*.log", "x/link/deep.log[x,link,deep] x/y/deep.log[x,y,deep]"},
        {"x/**/*.log", "x/a.log[,a] x/y/deep.log[y,deep] x/y/z/q.log[y/z,q] x/z.log[,z]"},
        {"**", "*.log[*.log] a.log[a.log] b.log[b.log] b.log.1[b.log.1] x/a.log[x/a.log] "
               "x/y/deep.log[x/y/deep.log] x/y/z/q.log[x/y/z/q.log] x/z.log[x/z.log]"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        assert_string_equal(globbed(arena, dir, CASES[i][0]), CASES[i][1]);
    assert_string_equal(host_glob_dir(arena, "/var/log/*/x.log"), "/var/log");
    assert_string_equal(host_glob_dir(arena, "/var/log/x.log"), "/var/log");
    assert_string_equal(host_glob_dir(arena, "/x"), "/");
    assert_string_equal(host_glob_dir(arena, "/a\\[b/x"), "/");
}

static void test_state(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    StreamState before = {.node_bytes = 500, .has_last = true}, after;
    bool found = true;
    HostFile file = {.path = "/log/\"a\"\n.log",
                     .stat = {.inode = UINT64_MAX, .mtime_ns = INT64_MAX, .size_bytes = 300}};
    before.last = mark_of(&file, 300, true, 0);
    assert_true(before.last.fresh);
    vec_push(arena, &before.last.parts, ((Part){0, 100}));
    vec_push(arena, &before.last.parts, ((Part){200, 400}));
    for (int64_t i = 0; i < 300; i++) { /* more than are kept */
        file.stat = (OsStat){.inode = (uint64_t)i, .mtime_ns = 1, .size_bytes = i};
        Mark mark = mark_of(&file, i, false, 10000000);
        assert_false(mark.fresh);
        vec_push(arena, &mark.parts, ((Part){0, i}));
        vec_push(arena, &before.done, mark);
    }
    char *text = state_write(arena, &before);
    OK(state_read(arena, arena_printf(arena, "{\"x\":1,\"logfile-ingest\":%s}", text), &found,
                  &after));
    assert_true(found && after.has_last && after.last.active && after.last.fresh);
    assert_string_equal(state_write(arena, &after), text);
    assert_int_equal(after.done.n, 256);
    assert_int_equal(after.done.v[0].inode, 44);
    assert_int_equal(after.done.v[255].parts.v[0].node_at, 299);
    assert_true(after.last.inode == UINT64_MAX);
    OK(state_read(arena, "{\"settings\":{}}", &found, &after));
    assert_false(found);
    OK(state_read(arena, NULL, &found, &after));
    assert_false(found);
    static const char *const BAD[] = {
        "{\"last\":{}}",
        "{\"last\":{\"bytes\":1,\"size\":1,\"parts\":[]}}",
        "{\"last\":{\"bytes\":1,\"size\":1,\"parts\":[[1,0]]}}",
        "{\"last\":{\"bytes\":9,\"size\":9,\"parts\":[[0,0],[5,9],[5,12]]}}",
        "{\"last\":{\"bytes\":9,\"size\":9,\"parts\":[[0]]}}",
        "{\"last\":{\"bytes\":9,\"size\":9,\"parts\":[[0,0],[10,9]]}}",
        "{\"done\":[{}]}"};
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        char *all = arena_printf(arena, "{\"logfile-ingest\":%s}", BAD[i]);
        HAS(FAILS(arena, INVALID, state_read(arena, all, &found, &after)), "malformed");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_host_glob), TEST(test_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
