/* Finding by path, through links and dynamic directories, and changes by path. */
#include "perf/ops.h"
#include "tinyfs/tree.h"

static const FindOptions FOLLOW = {0}, KEEP = {.keep_last = true};

static Found found_at(Tree *tree, const char *path, FindOptions options)
{
    Found found = {0};
    OK(fs_find(tree->fs, tree->arena, path, options, &found));
    return found;
}

static Err *find(Tree *tree, const char *path)
{
    Found found = {0};
    return fs_find(tree->fs, tree->arena, path, FOLLOW, &found);
}

static Err *get(Tree *tree, const char *path)
{
    Found found = {0};
    return fs_get(tree->fs, tree->arena, path, FOLLOW, &found);
}

/* ---- finding ---- */

static void test_find(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/a/b/file");
    Found found = found_at(tree, "//a/./b/../b/file/", FOLLOW);
    assert_true(found.exists);
    assert_string_equal(found.path, "/a/b/file");
    assert_string_equal(found.name, "file");
    assert_string_equal(found.node.name, "file");
    assert_string_equal(found.parent.name, "b");
    found = found_at(tree, "/a/b/new", FOLLOW);
    assert_false(found.exists);
    assert_string_equal(found.path, "/a/b/new");
    assert_string_equal(found.name, "new");
    assert_string_equal(found.parent.name, "b");
    found = found_at(tree, "/", FOLLOW);
    assert_true(found.exists && node_id_equal(&found.node.id, &NODE_ROOT));
    assert_string_equal(found.name, "");
    assert_true(node_id_equal(&found.parent.id, &NODE_ROOT));
    assert_true(found_at(tree, "a", FOLLOW).exists); /* from the root */
}

static void test_find_refuses(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/alpha/beta/file", "/alpha/gamma/");
    Arena *a = tree->arena;
    assert_string_equal(FAILS(a, NOT_FOUND, find(tree, "/alhpa/beta/file")),
                        "/alhpa: it does not exist | did you mean /alpha?");
    assert_string_equal(FAILS(a, NOT_FOUND, find(tree, "/alpha/bete/x")),
                        "/alpha/bete: it does not exist | did you mean /alpha/beta?");
    assert_string_equal(FAILS(a, NOT_FOUND, find(tree, "/zzzzz/x")), "/zzzzz: it does not exist");
    assert_string_equal(FAILS(a, INVALID, find(tree, "/alpha/beta/file/x")),
                        "/alpha/beta/file: not a directory");
    assert_string_equal(FAILS(a, INVALID, find(tree, "/alpha/beta/file/x/y")),
                        "/alpha/beta/file: not a directory");
    assert_string_equal(FAILS(a, INVALID, find(tree, "/alpha/../..")),
                        "/alpha/../..: '..' leads above the root");
    assert_string_equal(FAILS(a, INVALID, find(tree, "")), "the path is empty");
    assert_string_equal(FAILS(a, NOT_FOUND, get(tree, "/alpha/Beta")),
                        "/alpha/Beta: it does not exist | did you mean /alpha/beta?");
    assert_string_equal(FAILS(a, NOT_FOUND, get(tree, "/new\nline")),
                        "/new\\nline: it does not exist");
    Err *err = get(tree, "/alpha/bet");
    assert_string_equal(err_path_text(err), "/alpha/bet");
    err_free(err);
}

static void test_links(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/real/sub/file", "/real/sub/to-file -> file", "/real/sub/up -> ..",
         "/real/sub/root -> /", "/far/away/link -> ../../real", "/far/abs -> /real/sub",
         "/far/chain -> abs", "/other/sub/file", "/other/hop -> /real/sub/back",
         "/real/sub/back -> ../twin", "/real/twin", "/far/odd -> ./../real/./sub//");
    static const char *const CASES[][2] = {
        {"/far/away/link", "/real"},
        {"/far/away/link/sub/file", "/real/sub/file"},
        {"/far/abs/file", "/real/sub/file"},
        {"/far/abs/to-file", "/real/sub/file"},
        {"/far/chain/to-file", "/real/sub/file"},
        {"/far/chain/up/sub/up/sub/file", "/real/sub/file"},
        {"/far/chain/root/real", "/real"},
        {"/other/hop", "/real/twin"}, /* relative to where the link really is */
        {"/far/odd/file", "/real/sub/file"},
        {"/far/abs/../abs", "/real/sub"}, /* `..` of a typed path is textual */
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        Found through = found_at(tree, CASES[i][0], FOLLOW),
              direct = found_at(tree, CASES[i][1], FOLLOW);
        assert_true(through.exists && direct.exists);
        if (!node_id_equal(&through.node.id, &direct.node.id)) fail_msg("%s", CASES[i][0]);
    }
    Found found = found_at(tree, "/far/abs/to-file", FOLLOW);
    assert_string_equal(found.path, "/far/abs/to-file"); /* as walked */
    assert_string_equal(found.name, "to-file");
    assert_string_equal(found.parent.name, "sub");
    found = found_at(tree, "/far/abs/to-file", KEEP);
    assert_int_equal(found.node.type, ENTRY_SYMLINK);
    assert_string_equal(found.node.content, "file");
    found = found_at(tree, "/far/abs/new", FOLLOW); /* to be created in the target */
    assert_false(found.exists);
    assert_string_equal(found.parent.name, "sub");
}

static void test_bad_links(void **state)
{
    Tree *tree = *state;
    Arena *a = tree->arena;
    GROW(tree, "/dangling -> nowhere", "/deep -> /no/where", "/file", "/through -> file/x",
         "/above -> ../..", "/self -> self", "/ping -> pong", "/pong -> ping",
         "/second -> dangling", "/bad -> a\xff");
    assert_string_equal(
        FAILS(a, NOT_FOUND, find(tree, "/dangling")),
        "/dangling: the link points to nowhere, which does not exist | remove the link with: "
        "pond rm '/dangling'");
    (void)FAILS(a, NOT_FOUND, find(tree, "/dangling/x"));
    (void)FAILS(a, NOT_FOUND, find(tree, "/deep"));
    (void)FAILS(a, NOT_FOUND, find(tree, "/through"));
    assert_non_null(
        strstr(FAILS(a, NOT_FOUND, find(tree, "/second")), "/second: the link points to dangling"));
    assert_string_equal(FAILS(a, INVALID, find(tree, "/above")),
                        "/above: target of the link: /../..: '..' leads above the root");
    (void)FAILS(a, INVALID, find(tree, "/bad"));
    assert_string_equal(
        FAILS(a, INVALID, find(tree, "/self")),
        "/self: more than 40 symbolic links on the way | a link on the way leads back to itself");
    assert_non_null(strstr(FAILS(a, INVALID, find(tree, "/ping/x")), "/ping: more than 40"));
    static const char *const ALL[] = {"/dangling", "/deep", "/through", "/above",
                                      "/self",     "/ping", "/bad"};
    for (size_t i = 0; i < COUNT_OF(ALL); i++) assert_true(found_at(tree, ALL[i], KEEP).exists);
}

static void test_chain_of_links(void **state)
{
    Tree *tree = *state;
    fs_memory_begin(tree->memory);
    tree_add(tree, "/end");
    for (int i = 1; i <= 41; i++) {
        const char *to = i == 1 ? "end" : arena_printf(tree->arena, "l%d", i - 1);
        tree_add(tree, arena_printf(tree->arena, "/l%d -> %s", i, to));
    }
    fs_memory_commit(tree->memory);
    assert_string_equal(found_at(tree, "/l40", FOLLOW).node.name, "end");
    assert_string_equal(
        FAILS(tree->arena, INVALID, find(tree, "/l41")),
        "/l41: more than 40 symbolic links on the way | a link on the way leads back to itself");
}

/* ---- dynamic directories ---- */

static Err *list_one(void *context, Arena *arena, const Node *dir, const char *path, Node **out,
                     size_t *count)
{
    (void)path;
    int *calls = context;
    (*calls)++;
    Node *nodes = AARRAY(arena, Node, 2);
    nodes[0] = (Node){.name = "sub", .type = ENTRY_DYNAMIC_DIR, .factory = "inner"};
    nodes[1] = (Node){.name = "leaf", .type = ENTRY_DYNAMIC, .factory = "inner"};
    *out = nodes;
    *count = dir->derived ? 1 : 2;
    return NULL;
}

static void test_dynamic(void **state)
{
    Tree *tree = *state;
    int calls = 0;
    GROW(tree, "/made <- outer", "/file");
    fs_set_resolver(tree->fs, (FsResolver){list_one, &calls});
    Found found = found_at(tree, "/made/leaf", FOLLOW);
    assert_true(found.exists && found.node.derived);
    assert_false(found_at(tree, "/made/nothing", FOLLOW).exists);
    assert_true(found_at(tree, "/made/sub/sub/sub", FOLLOW).exists);
    assert_int_equal(calls, 3);
    assert_string_equal(FAILS(tree->arena, NOT_FOUND, get(tree, "/made/laef")),
                        "/made/laef: it does not exist | did you mean /made/leaf?");
    const Node *children = NULL;
    size_t count = 0;
    Node made = found_at(tree, "/made", FOLLOW).node;
    OK(fs_children(tree->fs, tree->arena, &made, "/made", &children, &count));
    assert_int_equal(count, 2);
    assert_string_equal(children[0].name, "leaf"); /* sorted */
    assert_string_equal(children[1].name, "sub");
    assert_int_equal(calls, 3);
    Node file = found_at(tree, "/file", FOLLOW).node;
    assert_string_equal(
        FAILS(tree->arena, INVALID,
              fs_children(tree->fs, tree->arena, &file, "/file", &children, &count)),
        "/file: not a directory");
    Node leaf = found.node;
    fs_forget(tree->fs);
    assert_string_equal(leaf.name, "leaf"); /* still there */
    assert_string_equal(found_at(tree, "/made/leaf", FOLLOW).node.id.text, leaf.id.text);
    assert_int_equal(calls, 4);
}

static void test_derived_nodes_are_not_changed(void **state)
{
    Tree *tree = *state;
    Arena *a = tree->arena;
    int calls = 0;
    GROW(tree, "/in/made <- outer", "/file", "/link -> in/made");
    fs_set_resolver(tree->fs, (FsResolver){list_one, &calls});
    fs_memory_begin(tree->memory);
    static const char *const SAYS =
        ": it is made by the factory node /in/made | change /in/made instead";
    assert_string_equal(FAILS(a, INVALID, fs_remove(tree->fs, a, "/in/made/sub/sub", true)),
                        arena_printf(a, "/in/made/sub/sub%s", SAYS));
    assert_string_equal(FAILS(a, INVALID, fs_mkdir(tree->fs, a, "/in/made/new", false, NULL)),
                        arena_printf(a, "/in/made/new%s", SAYS));
    assert_string_equal(FAILS(a, INVALID, fs_mkdir(tree->fs, a, "/in/made/sub/x/y", true, NULL)),
                        arena_printf(a, "/in/made/sub/x%s", SAYS));
    assert_string_equal(FAILS(a, INVALID, fs_move(tree->fs, a, "/in/made/leaf", "/file2")),
                        arena_printf(a, "/in/made/leaf%s", SAYS));
    assert_string_equal(FAILS(a, INVALID, fs_move(tree->fs, a, "/file", "/in/made")),
                        arena_printf(a, "/in/made/file%s", SAYS));
    (void)FAILS(a, INVALID, fs_move(tree->fs, a, "/file", "/link"));
    calls = 0;
    OK(fs_move(tree->fs, a, "/in/made", "/made2")); /* the node itself is stored */
    OK(fs_remove(tree->fs, a, "/made2", false));    /* what it lists is no content */
    assert_int_equal(calls, 0);
    fs_memory_commit(tree->memory);
}

/* ---- changes ---- */

static void test_mkdir(void **state)
{
    Tree *tree = *state;
    Arena *a = tree->arena;
    Node made = {0};
    GROW(tree, "/file", "/real/", "/link -> real", "/lost -> nowhere");
    fs_memory_begin(tree->memory);
    OK(fs_mkdir(tree->fs, a, "/new", false, &made));
    assert_string_equal(made.name, "new");
    assert_true(found_at(tree, "/new", FOLLOW).exists);
    assert_string_equal(FAILS(a, EXISTS, fs_mkdir(tree->fs, a, "/new", false, NULL)),
                        "/new: it exists already (directory)");
    (void)FAILS(a, EXISTS, fs_mkdir(tree->fs, a, "/link", false, NULL));
    (void)FAILS(a, EXISTS, fs_mkdir(tree->fs, a, "/lost", false, NULL));
    (void)FAILS(a, EXISTS, fs_mkdir(tree->fs, a, "/", false, NULL));
    (void)FAILS(a, NOT_FOUND, fs_mkdir(tree->fs, a, "/no/such", false, NULL));
    assert_string_equal(FAILS(a, INVALID, fs_mkdir(tree->fs, a, "/file/x", false, NULL)),
                        "/file: not a directory");
    OK(fs_mkdir(tree->fs, a, "/p/q/r/s", true, &made));
    assert_string_equal(made.name, "s");
    OK(fs_mkdir(tree->fs, a, "/p/q/r/s", true, &made)); /* existing is fine */
    OK(fs_mkdir(tree->fs, a, "/link/below", true, NULL));
    assert_true(found_at(tree, "/real/below", FOLLOW).exists);
    OK(fs_mkdir(tree->fs, a, "/", true, &made));
    assert_true(node_id_equal(&made.id, &NODE_ROOT));
    assert_string_equal(FAILS(a, INVALID, fs_mkdir(tree->fs, a, "/file", true, NULL)),
                        "/file: not a directory");
    (void)FAILS(a, INVALID, fs_mkdir(tree->fs, a, "/file/x/y", true, NULL));
    (void)FAILS(a, NOT_FOUND, fs_mkdir(tree->fs, a, "/lost/x", true, NULL));
    (void)FAILS(a, INVALID, fs_mkdir(tree->fs, a, "/ok/\xff", true, NULL));
    assert_false(found_at(tree, "/ok", FOLLOW).exists); /* refused before the first one is made */
    fs_memory_commit(tree->memory);
}

static void test_create(void **state)
{
    Tree *tree = *state;
    Arena *a = tree->arena;
    GROW(tree, "/dir/", "/link -> dir", "/lost -> nowhere");
    Node series = {.type = ENTRY_TABLE_SERIES}, made = {0};
    fs_memory_begin(tree->memory);
    OK(fs_create(tree->fs, a, "/link/x", &series, &made));
    assert_string_equal(found_at(tree, "/dir/x", FOLLOW).node.id.text, made.id.text);
    assert_int_equal(made.type, ENTRY_TABLE_SERIES);
    assert_string_equal(FAILS(a, EXISTS, fs_create(tree->fs, a, "/dir/x", &series, NULL)),
                        "/dir/x: it exists already (table:series)");
    (void)FAILS(a, EXISTS,
                fs_create(tree->fs, a, "/lost", &series, NULL)); /* the link stands there */
    (void)FAILS(a, NOT_FOUND, fs_create(tree->fs, a, "/lost/x", &series, NULL));
    (void)FAILS(a, NOT_FOUND, fs_create(tree->fs, a, "/dri/x", &series, NULL));
    (void)FAILS(a, INVALID, fs_create(tree->fs, a, "/dir/x/y", &series, NULL));
    fs_memory_commit(tree->memory);
    (void)FAILS(a, INTERNAL, fs_create(tree->fs, a, "/y", &series, NULL));
}

static void test_move(void **state)
{
    Tree *tree = *state;
    Arena *a = tree->arena;
    GROW(tree, "/dir/", "/link -> dir", "/file", "/other", "/src/deep/x", "/lost -> nowhere");
    fs_memory_begin(tree->memory);
    OK(fs_move(tree->fs, a, "/file", "/renamed"));
    assert_false(found_at(tree, "/file", FOLLOW).exists);
    assert_true(found_at(tree, "/renamed", FOLLOW).exists);
    OK(fs_move(tree->fs, a, "/renamed", "/dir")); /* into it */
    assert_true(found_at(tree, "/dir/renamed", FOLLOW).exists);
    OK(fs_move(tree->fs, a, "/dir/renamed", "/link/again")); /* through a link */
    assert_true(found_at(tree, "/dir/again", FOLLOW).exists);
    OK(fs_move(tree->fs, a, "/link", "/dir/inside")); /* the link itself */
    assert_int_equal(found_at(tree, "/dir/inside", KEEP).node.type, ENTRY_SYMLINK);
    OK(fs_move(tree->fs, a, "/lost", "/lost2"));
    OK(fs_move(tree->fs, a, "/src", "/dir"));
    assert_true(found_at(tree, "/dir/src/deep/x", FOLLOW).exists);
    assert_string_equal(FAILS(a, EXISTS, fs_move(tree->fs, a, "/other", "/dir/again")),
                        "/dir/again: it exists already (data)");
    (void)FAILS(a, EXISTS, fs_move(tree->fs, a, "/other", "/other"));
    assert_string_equal(
        FAILS(a, INVALID, fs_move(tree->fs, a, "/dir", "/dir/src/deep")),
        "move /dir to /dir/src/deep/dir: dir: a directory cannot be moved into itself");
    (void)FAILS(a, INVALID, fs_move(tree->fs, a, "/dir", "/dir"));
    (void)FAILS(a, INVALID, fs_move(tree->fs, a, "/", "/dir"));
    assert_string_equal(FAILS(a, NOT_FOUND, fs_move(tree->fs, a, "/othre", "/x")),
                        "/othre: it does not exist | did you mean /other?");
    (void)FAILS(a, NOT_FOUND, fs_move(tree->fs, a, "/other", "/no/such/dir"));
    (void)FAILS(a, INVALID, fs_move(tree->fs, a, "/other", "/dir/again/x"));
    (void)FAILS(a, NOT_FOUND, fs_move(tree->fs, a, "/other", "/newdir/"));
    OK(fs_move(tree->fs, a, "/dir/src", "/newdir/")); /* a directory may be called that */
    assert_true(found_at(tree, "/newdir/deep/x", FOLLOW).exists);
    fs_memory_commit(tree->memory);
}

static void test_attributes(void **state)
{
    Tree *tree = *state;
    Arena *a = tree->arena;
    GROW(tree, "/x");
    NodeId id = found_at(tree, "/x", FOLLOW).node.id;
    fs_memory_begin(tree->memory);
    OK(fs_set_attribute(tree->fs, a, id, "one", "{\"a\":[1]}"));
    OK(fs_set_attribute(tree->fs, a, id, "two", "2"));
    OK(fs_set_attribute(tree->fs, a, id, "one", "\"new\""));
    assert_string_equal(found_at(tree, "/x", FOLLOW).node.attributes,
                        "{\"two\":2,\"one\":\"new\"}");
    (void)FAILS(a, NOT_FOUND, fs_set_attribute(tree->fs, a, node_id_new(), "one", "1"));
    fs_memory_commit(tree->memory);
}

static void test_remove(void **state)
{
    Tree *tree = *state;
    Arena *a = tree->arena;
    GROW(tree, "/dir/sub/x", "/dir/y", "/link -> dir", "/lost -> nowhere", "/file",
         "/dir/made <- outer");
    fs_memory_begin(tree->memory);
    assert_string_equal(
        FAILS(a, INVALID, fs_remove(tree->fs, a, "/dir", false)),
        "/dir: the directory is not empty | remove it with all it holds: pond rm -r '/dir'");
    OK(fs_remove(tree->fs, a, "/link", true)); /* the link, not what it points to */
    assert_true(found_at(tree, "/dir/y", FOLLOW).exists);
    assert_false(found_at(tree, "/link", KEEP).exists);
    OK(fs_remove(tree->fs, a, "/lost", false));
    OK(fs_remove(tree->fs, a, "/file", false));
    OK(fs_remove(tree->fs, a, "/dir", true)); /* no resolver: nothing derived is asked for */
    (void)FAILS(a, NOT_FOUND, fs_remove(tree->fs, a, "/dir", true));
    (void)FAILS(a, INVALID, fs_remove(tree->fs, a, "/", true));
    (void)FAILS(a, INVALID, fs_remove(tree->fs, a, "/x/..", true));
    Node *children = NULL;
    size_t count = 7;
    OK(tree->backend.ops->children(tree->backend.self, a, NODE_ROOT, &children, &count));
    assert_int_equal(count, 0);
    fs_memory_abort(tree->memory);
    fs_forget(tree->fs);
    assert_true(found_at(tree, "/dir/sub/x", FOLLOW).exists);
}

/* What is remembered follows every change, also in directories that were listed before. */
static void test_memory_follows_changes(void **state)
{
    Tree *tree = *state;
    Arena *a = tree->arena;
    GROW(tree, "/a/one", "/b/");
    const Pattern *all = compiled(a, "/*/*");
    Match *matches = NULL;
    size_t count = 0;
    Node data = {.type = ENTRY_DATA};
    fs_memory_begin(tree->memory);
    OK(fs_match(tree->fs, a, all, (MatchOptions){0}, &matches, &count));
    assert_int_equal(count, 1);
    OK(fs_create(tree->fs, a, "/a/two", &data, NULL));
    OK(fs_move(tree->fs, a, "/a/one", "/b"));
    OK(fs_match(tree->fs, a, all, (MatchOptions){0}, &matches, &count));
    assert_int_equal(count, 2);
    assert_string_equal(matches[0].path, "/a/two");
    assert_string_equal(matches[1].path, "/b/one");
    OK(fs_remove(tree->fs, a, "/a", true));
    OK(fs_match(tree->fs, a, all, (MatchOptions){0}, &matches, &count));
    assert_int_equal(count, 1);
    fs_memory_abort(tree->memory);
    fs_forget(tree->fs);
    OK(fs_match(tree->fs, a, all, (MatchOptions){0}, &matches, &count));
    assert_int_equal(count, 1);
    assert_string_equal(matches[0].path, "/a/one");
}

/* The deepest path that may be written: made, walked and removed. */
static void test_deep(void **state)
{
    Tree *tree = *state;
    enum { DEPTH = 2048 };
    char *path = arena_alloc(tree->arena, 2 * DEPTH + 1);
    Match *matches = NULL;
    size_t count = 0;
    for (size_t i = 0; i < DEPTH; i++) memcpy(path + 2 * i, "/d", 2);
    fs_memory_begin(tree->memory);
    OK(fs_mkdir(tree->fs, tree->arena, path, true, NULL));
    assert_true(found_at(tree, path, FOLLOW).exists);
    OK(fs_match(tree->fs, tree->arena, compiled(tree->arena, "/**/d/**/d"), (MatchOptions){0},
                &matches, &count));
    assert_int_equal(count, DEPTH - 1);
    assert_string_equal(matches[count - 1].path, path);
    OK(fs_remove(tree->fs, tree->arena, "/d", true));
    fs_memory_commit(tree->memory);
    assert_false(found_at(tree, "/d", FOLLOW).exists);
}

/* Creating many entries in one directory never lists it. */
static void test_cost_of_creating(void **state)
{
    Tree *tree = *state;
    Node data = {.type = ENTRY_DATA};
    GROW(tree, "/dir/");
    uint64_t dirs = perf_read(PERF_dir_read), lookups = perf_read(PERF_lookup),
             gets = perf_read(PERF_node_get);
    fs_memory_begin(tree->memory);
    for (int i = 0; i < 1000; i++) {
        OK(fs_create(tree->fs, tree->arena, arena_printf(tree->arena, "/dir/%d", i), &data, NULL));
    }
    fs_memory_commit(tree->memory);
    assert_int_equal(perf_read(PERF_dir_read) - dirs, 0);
    assert_int_equal(perf_read(PERF_lookup) - lookups, 1 + 1000);
    assert_int_equal(perf_read(PERF_node_get) - gets, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_find),
        TEST(test_find_refuses),
        TEST(test_links),
        TEST(test_bad_links),
        TEST(test_chain_of_links),
        TEST(test_dynamic),
        TEST(test_derived_nodes_are_not_changed),
        TEST(test_mkdir),
        TEST(test_create),
        TEST(test_move),
        TEST(test_attributes),
        TEST(test_remove),
        TEST(test_memory_follows_changes),
        TEST(test_deep),
        TEST(test_cost_of_creating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
