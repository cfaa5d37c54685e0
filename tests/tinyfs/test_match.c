/* Walking by patterns: what is found, in which order, with which captures, and what it costs. */
#include "perf/ops.h"
#include "tinyfs/oracle.h"

static const MatchOptions FOLLOW = {0}, LINKS = {.keep_links = true};

static void test_small_tree(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/a/b/c", "/a/x.series", "/a/b/x.series", "/a-b/y", "/a.d", "/.dot/z", "/empty/");
    static const char *const CASES[][2] = {
        {"/*", "/.dot(.dot) /a(a) /a-b(a-b) /a.d(a.d) /empty(empty)"},
        {"**/*",
         "/.dot(,.dot) /.dot/z(.dot,z) /a(,a) /a/b(a,b) /a/b/c(a/b,c) /a/b/x.series(a/b,x.series) "
         "/a/x.series(a,x.series) /a-b(,a-b) /a-b/y(a-b,y) /a.d(,a.d) /empty(,empty)"},
        {"/a/**", "/a/b(b) /a/b/c(b/c) /a/b/x.series(b/x.series) /a/x.series(x.series)"},
        {"/**/x.series", "/a/b/x.series(a/b) /a/x.series(a)"},
        {"/a/", "/a/b(b) /a/x.series(x.series)"},
        {"/empty/", ""},
        {"/a.d/", ""}, /* a file has no contents */
        {"/a.d/**", ""},
        {"/a", "/a"},
        {"/a/b/c", "/a/b/c"},
        {"/a/b/c/d", ""}, /* below a file */
        {"/nothing", ""},
        {"/no/such/path", ""},
        {"/no/*", ""},
        {"/.", "/"},
        {"/{a,a-b}/*", "/a/b(a,b) /a/x.series(a,x.series) /a-b/y(a-b,y)"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        assert_string_equal(tree_match(tree, CASES[i][0], FOLLOW), CASES[i][1]);
    }
}

static void test_literal_nodes(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/a/b");
    Match *matches = NULL;
    size_t count = 0;
    OK(tree_try_match(tree, "/a/b", FOLLOW, &matches, &count));
    assert_int_equal(count, 1);
    assert_string_equal(matches[0].node.name, "b");
    assert_int_equal(matches[0].node.type, ENTRY_DATA);
    assert_int_equal(matches[0].capture_count, 0);
    OK(tree_try_match(tree, "/.", FOLLOW, &matches, &count));
    assert_true(count == 1 && node_id_equal(&matches[0].node.id, &NODE_ROOT));
    OK(tree_try_match(tree, "/a/c", FOLLOW, &matches, &count));
    assert_int_equal(count, 0);
}

/* ---- against the oracle ---- */

typedef struct Paths {
    char *list[4000];
    size_t count;
} Paths;

/* The order that is promised: component by component, by bytes. */
static int by_components(const void *a, const void *b)
{
    char x[512], y[512];
    (void)snprintf(x, sizeof x, "%s", *(const char *const *)a);
    (void)snprintf(y, sizeof y, "%s", *(const char *const *)b);
    for (char *p = x; *p != '\0'; p++) {
        if (*p == '/') *p = '\1';
    }
    for (char *p = y; *p != '\0'; p++) {
        if (*p == '/') *p = '\1';
    }
    return strcmp(x, y);
}

static void grow_random(Tree *tree, uint64_t *seed, Paths *paths, const char *dir, int depth)
{
    uint32_t entries = oracle_random(seed) % 6;
    for (uint32_t i = 0; i < entries && paths->count < 300; i++) {
        Buf name = buf_new(tree->arena);
        oracle_random_name(seed, &name);
        char *path = path_join(tree->arena, dir, name.data);
        bool is_dir = depth < 6 && oracle_random(seed) % 2 == 0;
        Node node = {.type = is_dir ? ENTRY_DIR : ENTRY_DATA};
        Err *err = fs_create(tree->fs, tree->arena, path, &node, NULL);
        bool taken = err != NULL;
        err_free(err);
        if (taken) continue;
        paths->list[paths->count++] = path;
        if (is_dir) grow_random(tree, seed, paths, path, depth + 1);
    }
}

static char *oracle_answer(Arena *arena, const Paths *paths, const char *text)
{
    pcre2_code *code = oracle_compile(arena, text);
    Buf to = buf_new(arena);
    for (size_t i = 0; i < paths->count; i++) {
        const char *captures = oracle_match(arena, code, paths->list[i]);
        if (captures != NULL)
            buf_printf(&to, "%s%s%s", to.size > 0 ? " " : "", paths->list[i], captures);
    }
    pcre2_code_free(code);
    return to.data;
}

static void check_random_tree(uint64_t first_seed)
{
    void *state = NULL;
    (void)tree_setup(&state);
    Tree *tree = state;
    uint64_t seed = first_seed;
    Paths *paths = ANEW(tree->arena, Paths);
    fs_memory_begin(tree->memory);
    for (int i = 0; i < 3; i++) grow_random(tree, &seed, paths, "/", 0);
    fs_memory_commit(tree->memory);
    fs_forget(tree->fs);
    qsort(paths->list, paths->count, sizeof *paths->list, by_components);
    for (int i = 0; i < 40; i++) {
        const char *text = oracle_random_pattern(tree->arena, &seed);
        uint64_t before = perf_read(PERF_dir_read);
        fs_forget(tree->fs);
        const char *got = tree_match(tree, text, FOLLOW),
                   *expected = oracle_answer(tree->arena, paths, text);
        if (strcmp(got, expected) != 0) {
            fail_msg("seed %llu, %s:\n got      %s\n expected %s", (unsigned long long)first_seed,
                     text, got, expected);
        }
        assert_in_range(perf_read(PERF_dir_read) - before, 0, paths->count + 1);
    }
    (void)tree_teardown(&state);
}

static void test_random_trees(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) check_random_tree(seed * UINT64_C(7919));
}

/* ---- cost ---- */

typedef struct Cost {
    uint64_t dirs, entries, dynamic, lookups, gets, matches;
} Cost;

static Cost cost_now(void)
{
    return (Cost){perf_read(PERF_dir_read),    perf_read(PERF_dir_entry),
                  perf_read(PERF_dir_dynamic), perf_read(PERF_lookup),
                  perf_read(PERF_node_get),    perf_read(PERF_pattern_match)};
}

/* What a pattern asks for in a file system that remembers nothing yet. */
static Cost cost_of(Tree *tree, const char *pattern, size_t *count)
{
    Match *matches = NULL;
    Fs *fs = NULL;
    OK(fs_open(tree->arena, tree->backend, &fs));
    Cost a = cost_now();
    OK(fs_match(fs, tree->arena, compiled(tree->arena, pattern), FOLLOW, &matches, count));
    Cost b = cost_now();
    return (Cost){b.dirs - a.dirs,       b.entries - a.entries, b.dynamic - a.dynamic,
                  b.lookups - a.lookups, b.gets - a.gets,       b.matches - a.matches};
}

static void check_cost(Tree *tree, const char *pattern, Cost expected)
{
    size_t count = 0;
    Cost got = cost_of(tree, pattern, &count);
    if (memcmp(&got, &expected, sizeof got) != 0) {
        fail_msg("%s: dirs %llu entries %llu dynamic %llu lookups %llu gets %llu matches %llu",
                 pattern, (unsigned long long)got.dirs, (unsigned long long)got.entries,
                 (unsigned long long)got.dynamic, (unsigned long long)got.lookups,
                 (unsigned long long)got.gets, (unsigned long long)got.matches);
    }
    assert_int_equal(count, expected.matches);
}

/* `sites` directories /siteN with 9 directories dN of 110 files each, half of them x*.series: 1,000
 * entries a site, itself included; and beside them one directory with 3 files. */
static void grow_sites(Tree *tree, int sites)
{
    fs_memory_begin(tree->memory);
    for (int i = 0; i < 3; i++) tree_add(tree, arena_printf(tree->arena, "/other/x%d.series", i));
    for (int s = 0; s < sites; s++) {
        for (int d = 0; d < 9; d++) {
            const char *dir = arena_printf(tree->arena, "/site%d/d%d", s, d);
            for (int f = 0; f < 110; f++) {
                tree_add(tree, arena_printf(tree->arena, "%s/%c%03d.series", dir, "xy"[f % 2], f));
            }
        }
    }
    fs_memory_commit(tree->memory);
}

static void test_cost_of_10000(void **state)
{
    Tree *tree = *state;
    grow_sites(tree, 10); /* 10 * (1 + 9 + 990) = 10,000 entries below the sites */
    enum { ROOT = 11, SITES = 10, DIRS = 90, FILES = 9900, X = 4950 };
    check_cost(
        tree, "/site*/**/x*.series",
        (Cost){.dirs = 1 + SITES + DIRS, .entries = ROOT + DIRS + FILES, .gets = 1, .matches = X});
    check_cost(tree, "/**",
               (Cost){.dirs = 1 + 1 + SITES + DIRS,
                      .entries = ROOT + 3 + DIRS + FILES,
                      .gets = 1,
                      .matches = ROOT + 3 + DIRS + FILES});
    check_cost(tree, "**/*/**/x*.series",
               (Cost){.dirs = 2 + SITES + DIRS, /* several `**`: still once each */
                      .entries = ROOT + 3 + DIRS + FILES,
                      .gets = 1,
                      .matches = X + 3});
    check_cost(tree, "/site3/**/x*.series", /* the literal prefix is looked up */
               (Cost){.dirs = 1 + 9, .entries = 9 + 990, .lookups = 1, .gets = 1, .matches = 495});
    check_cost(tree, "/site3/d4/x100.series", (Cost){.lookups = 3, .gets = 1, .matches = 1});
    check_cost(tree, "/site3/d9/x100.series", (Cost){.lookups = 2, .gets = 1});
    check_cost(tree, "/site3/d*/x100.series", /* a literal behind a wildcard is looked up too */
               (Cost){.dirs = 1, .entries = 9, .lookups = 1 + 9, .gets = 1, .matches = 9});
    check_cost(tree, "/site3/d4/",
               (Cost){.dirs = 1, .entries = 110, .lookups = 2, .gets = 1, .matches = 110});
    check_cost(tree, "/site*/x*", (Cost){.dirs = 1 + SITES, .entries = ROOT + DIRS, .gets = 1});
    check_cost(tree, "/.", (Cost){.gets = 1, .matches = 1});
}

static void test_cost_is_proportional(void **state)
{
    Tree *tree = *state;
    grow_sites(tree, 100);
    check_cost(
        tree, "/site*/**/x*.series",
        (Cost){.dirs = 1 + 100 + 900, .entries = 101 + 900 + 99000, .gets = 1, .matches = 49500});
}

/* The same file system asked again: nothing is fetched twice. */
static void test_walks_share_listings(void **state)
{
    Tree *tree = *state;
    grow_sites(tree, 2);
    Cost a = cost_now();
    (void)tree_match(tree, "/site*/**/x*.series", FOLLOW);
    (void)tree_match(tree, "/site*/**/y*.series", FOLLOW);
    (void)tree_match(tree, "/site1/d1/x000.series", FOLLOW); /* known from the listing */
    (void)tree_match(tree, "/site1/d1/zzz", FOLLOW);
    Cost b = cost_now();
    assert_int_equal(b.dirs - a.dirs, 1 + 2 + 18);
    assert_int_equal(b.lookups - a.lookups, 0);
    assert_int_equal(b.gets - a.gets, 0); /* the tree's own growth fetched the root */
    fs_forget(tree->fs);
    (void)tree_match(tree, "/site1/d1/x000.series", FOLLOW);
    (void)tree_match(tree, "/site1/d1/x000.series", FOLLOW);
    (void)tree_match(tree, "/site1/d1/x001.series", FOLLOW); /* absent */
    (void)tree_match(tree, "/site1/d1/x001.series", FOLLOW);
    assert_int_equal(perf_read(PERF_lookup) - b.lookups, 4);
    assert_int_equal(perf_read(PERF_dir_read) - b.dirs, 0);
}

/* ---- links ---- */

static void test_links_are_followed(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/real/sub/x", "/real/y", "/in/abs -> /real", "/in/rel -> ../real/sub",
         "/in/file -> ../real/y", "/in/plain");
    assert_string_equal(
        tree_match(tree, "/in/**", FOLLOW),
        "/in/abs(abs) /in/abs/sub(abs/sub) /in/abs/sub/x(abs/sub/x) /in/abs/y(abs/y) "
        "/in/file(file) /in/plain(plain) /in/rel(rel) /in/rel/x(rel/x)");
    assert_string_equal(tree_match(tree, "/in/*/x", FOLLOW), "/in/rel/x(rel)");
    assert_string_equal(tree_match(tree, "/in/abs/sub/*", FOLLOW), "/in/abs/sub/x(x)");
    Match *matches = NULL;
    size_t count = 0;
    OK(tree_try_match(tree, "/in/*", FOLLOW, &matches, &count));
    assert_int_equal(count, 4);
    assert_string_equal(matches[0].path, "/in/abs");
    assert_string_equal(matches[0].node.name,
                        "real"); /* the node is the target's, the path the link's */
    assert_int_equal(matches[0].node.type, ENTRY_DIR);
    assert_string_equal(matches[1].node.name, "y");
    OK(tree_try_match(tree, "/in/*", LINKS, &matches, &count));
    assert_int_equal(count, 4);
    assert_int_equal(matches[0].node.type, ENTRY_SYMLINK);
    assert_string_equal(matches[0].node.name, "abs");
    assert_string_equal(matches[0].node.content, "/real");
    assert_string_equal(tree_match(tree, "/in/**", LINKS), tree_match(tree, "/in/**", FOLLOW));
    OK(tree_try_match(tree, "/in/**", LINKS, &matches, &count)); /* entered, and still a link */
    assert_string_equal(matches[0].path, "/in/abs");
    assert_int_equal(matches[0].node.type, ENTRY_SYMLINK);
}

/* Relative links are read from where they really are, however deep below another link. */
static void test_links_below_links(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/real/sub/deep/l -> ../../../twin", "/twin/end", "/far/abs -> /real",
         "/far/twin/wrong");
    assert_string_equal(tree_match(tree, "/far/abs/**/l/*", FOLLOW),
                        "/far/abs/sub/deep/l/end(sub/deep,end)");
    assert_string_equal(tree_match(tree, "/far/abs/sub/deep/l/*", FOLLOW),
                        "/far/abs/sub/deep/l/end(end)");
    assert_string_equal(tree_match(tree, "/far/*/*/*/*/*", FOLLOW),
                        "/far/abs/sub/deep/l/end(abs,sub,deep,l,end)");
}

static void test_each_directory_is_read_once(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/real/sub/x", "/l1 -> /real", "/l2 -> /real", "/l3 -> /real/sub");
    uint64_t before = perf_read(PERF_dir_read);
    assert_string_equal(tree_match(tree, "/**/x", FOLLOW),
                        "/l1/sub/x(l1/sub) /l2/sub/x(l2/sub) /l3/x(l3) /real/sub/x(real/sub)");
    assert_int_equal(perf_read(PERF_dir_read) - before, 3); /* root, real, sub */
}

static void test_dangling(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/d/good", "/d/lost -> ../nowhere/at/all", "/d/below -> good/x");
    assert_string_equal(
        FAILS(tree->arena, NOT_FOUND, tree_try_match(tree, "/d/b*", FOLLOW, NULL, NULL)),
        "/d/below: the link points to good/x, which does not exist | remove the link with: "
        "pond rm '/d/below'");
    (void)FAILS(tree->arena, NOT_FOUND, tree_try_match(tree, "/d/*", FOLLOW, NULL, NULL));
    (void)FAILS(tree->arena, NOT_FOUND, tree_try_match(tree, "/**", FOLLOW, NULL, NULL));
    (void)FAILS(tree->arena, NOT_FOUND, tree_try_match(tree, "/d/lost", FOLLOW, NULL, NULL));
    assert_string_equal(tree_match(tree, "/d/go*", FOLLOW), "/d/good(od)"); /* it is not met */
    assert_string_equal(tree_match(tree, "/**", LINKS),
                        "/d(d) /d/below(d/below) /d/good(d/good) /d/lost(d/lost)");
    assert_string_equal(tree_match(tree, "/d/lost", LINKS), "/d/lost");
}

static void test_loops(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/d/sub/up -> ..", "/d/sub/x", "/self -> self", "/a -> /b", "/b -> /a");
    assert_string_equal(
        FAILS(tree->arena, INVALID, tree_try_match(tree, "/d/**", FOLLOW, NULL, NULL)),
        "/d/sub/up: through the link /d/sub/up the directory /d contains itself");
    (void)FAILS(tree->arena, INVALID, tree_try_match(tree, "/d/**", LINKS, NULL, NULL));
    assert_string_equal(tree_match(tree, "/d/*/*/*/x", FOLLOW),
                        "/d/sub/up/sub/x(sub,up,sub)"); /* it ends */
    assert_string_equal(
        FAILS(tree->arena, INVALID, tree_try_match(tree, "/self", FOLLOW, NULL, NULL)),
        "/self: more than 40 symbolic links on the way | a link on the way leads back to itself");
    assert_string_equal(
        FAILS(tree->arena, INVALID, tree_try_match(tree, "/a/x", FOLLOW, NULL, NULL)),
        "/a: more than 40 symbolic links on the way | a link on the way leads back to itself");
    assert_string_equal(tree_match(tree, "/*", LINKS), "/a(a) /b(b) /d(d) /self(self)");
}

/* The circle closes at a directory that is no link itself. */
static void test_loop_below_a_link(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/y/x/up -> /y", "/q/in -> /y/x");
    assert_string_equal(
        FAILS(tree->arena, INVALID, tree_try_match(tree, "/q/**", FOLLOW, NULL, NULL)),
        "/q/in/up/x: through the link /q/in/up the directory /q/in contains itself");
}

static void test_links_along_a_path(void **state)
{
    Tree *tree = *state;
    fs_memory_begin(tree->memory);
    for (int i = 0; i < 42; i++) { /* /d0/l -> /d1, /d1/l -> /d2, ... */
        tree_add(tree, arena_printf(tree->arena, "/d%d/l -> /d%d", i, i + 1));
    }
    tree_add(tree, "/d42/end");
    fs_memory_commit(tree->memory);
    Buf path = buf_new(tree->arena);
    buf_puts(&path, "/d2");
    for (int i = 0; i < 40; i++) buf_puts(&path, "/l");
    buf_puts(&path, "/end");
    assert_string_equal(tree_match(tree, path.data, FOLLOW), path.data); /* 40 links */
    Match *matches = NULL;
    size_t count = 0;
    OK(tree_try_match(tree, "/d2/**/end", FOLLOW, &matches, &count));
    assert_int_equal(count, 1);
    assert_string_equal(matches[0].path, path.data);
    const char *text =
        FAILS(tree->arena, INVALID, tree_try_match(tree, "/d1/**/end", FOLLOW, NULL, NULL));
    assert_non_null(strstr(text, "more than 40 symbolic links"));
}

/* ---- dynamic directories ---- */

typedef struct Listed {
    Tree *tree;
    int calls;
    const char *last_path;
    bool fail;
} Listed;

/* /x <- "names: a b/ c": entries a and c, and a dynamic directory b with the same names but itself.
 */
static Err *list_names(void *context, Arena *arena, const Node *dir, const char *path, Node **out,
                       size_t *count)
{
    Listed *listed = context;
    listed->calls++;
    listed->last_path = path;
    if (listed->fail) return ERR(INVALID, "%s: its configuration is bad", path);
    Node *nodes = AARRAY(arena, Node, 3);
    nodes[0] = (Node){.name = "c", .type = ENTRY_DYNAMIC, .factory = "leaf", .derivation = "of c"};
    nodes[1] = (Node){.name = "a", .type = ENTRY_DYNAMIC, .factory = "leaf"};
    nodes[2] = (Node){.name = "b", .type = ENTRY_DYNAMIC_DIR, .factory = "names"};
    *out = nodes;
    *count = dir->derived ? 2 : 3;
    return NULL;
}

static void test_dynamic(void **state)
{
    Tree *tree = *state;
    Listed listed = {.tree = tree};
    GROW(tree, "/d/made <- names", "/link -> /d/made", "/d/plain");
    fs_set_resolver(tree->fs, (FsResolver){list_names, &listed});
    Cost before = cost_now();
    assert_string_equal(tree_match(tree, "/d/**", FOLLOW),
                        "/d/made(made) /d/made/a(made/a) /d/made/b(made/b) /d/made/b/a(made/b/a) "
                        "/d/made/b/c(made/b/c) /d/made/c(made/c) /d/plain(plain)");
    assert_string_equal(tree_match(tree, "/link/b/?", FOLLOW), "/link/b/a(a) /link/b/c(c)");
    assert_string_equal(tree_match(tree, "/d/made/c", FOLLOW), "/d/made/c");
    assert_string_equal(tree_match(tree, "/d/made/nothing", FOLLOW), "");
    assert_int_equal(listed.calls, 2); /* made and made/b, whoever asks */
    assert_string_equal(listed.last_path, "/d/made/b");
    assert_int_equal(perf_read(PERF_dir_dynamic) - before.dynamic, 2);
    assert_int_equal(perf_read(PERF_dir_read) - before.dirs, 1);
    Match *matches = NULL;
    size_t count = 0;
    OK(tree_try_match(tree, "/d/made/c", FOLLOW, &matches, &count));
    Node c = matches[0].node;
    assert_true(c.derived);
    assert_string_equal(c.derivation, "of c");
    assert_int_equal(c.size_bytes, -1);
    assert_int_equal(c.rows, -1);
    assert_int_equal(c.version, 1);
    OK(tree_try_match(tree, "/d/made", FOLLOW, &matches, &count));
    assert_true(node_id_equal(&c.parent, &matches[0].node.id));
    assert_true(c.time == matches[0].node.time && c.time > 0);
    assert_true(c.txn == matches[0].node.txn && c.txn > 0);
    fs_forget(tree->fs);
    OK(tree_try_match(tree, "/link/c", FOLLOW, &matches, &count));
    assert_int_equal(listed.calls, 3);
    assert_true(
        node_id_equal(&c.id, &matches[0].node.id)); /* the same in every run, by every path */
    assert_string_equal(listed.last_path, "/d/made");
}

/* A directory a factory lists is listed by it, also when it calls it a plain one. */
static Err *list_plain(void *context, Arena *arena, const Node *dir, const char *path, Node **out,
                       size_t *count)
{
    (void)context;
    (void)path;
    bool inner = dir->derived;
    *out = AARRAY(arena, Node, 1);
    (*out)[0] = (Node){.name = inner ? "leaf" : "plain", .type = inner ? ENTRY_DYNAMIC : ENTRY_DIR};
    *count = 1;
    return NULL;
}

static void test_derived_plain_directory(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/made <- names");
    fs_set_resolver(tree->fs, (FsResolver){list_plain, NULL});
    assert_string_equal(tree_match(tree, "/made/**", FOLLOW),
                        "/made/plain(plain) /made/plain/leaf(plain/leaf)");
    fs_memory_begin(tree->memory);
    assert_non_null(strstr(
        FAILS(tree->arena, INVALID, fs_mkdir(tree->fs, tree->arena, "/made/plain/x", false, NULL)),
        "it is made by the factory node /made"));
    fs_memory_abort(tree->memory);
}

static void test_dynamic_fails(void **state)
{
    Tree *tree = *state;
    Listed listed = {.tree = tree, .fail = true};
    GROW(tree, "/made <- names", "/plain");
    (void)FAILS(tree->arena, INTERNAL, tree_try_match(tree, "/made/*", FOLLOW, NULL, NULL));
    fs_set_resolver(tree->fs, (FsResolver){list_names, &listed});
    assert_string_equal(
        FAILS(tree->arena, INVALID, tree_try_match(tree, "/**", FOLLOW, NULL, NULL)),
        "/made: its configuration is bad");
    assert_string_equal(tree_match(tree, "/*", FOLLOW),
                        "/made(made) /plain(plain)"); /* it is not listed */
}

static Err *list_bad(void *context, Arena *arena, const Node *dir, const char *path, Node **out,
                     size_t *count)
{
    (void)dir;
    (void)path;
    const char *const *names = context;
    *out = AARRAY(arena, Node, 2);
    (*out)[0] = (Node){.name = names[0], .type = ENTRY_DYNAMIC};
    (*out)[1] = (Node){.name = names[1], .type = ENTRY_DYNAMIC};
    *count = 2;
    return NULL;
}

static void test_dynamic_lists_nonsense(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/made <- names");
    const char *names[] = {"x", "x"};
    fs_set_resolver(tree->fs, (FsResolver){list_bad, names});
    assert_string_equal(
        FAILS(tree->arena, INVALID, tree_try_match(tree, "/made/*", FOLLOW, NULL, NULL)),
        "/made: names lists the name 'x' twice");
    names[1] = "a/b";
    assert_string_equal(
        FAILS(tree->arena, INVALID, tree_try_match(tree, "/made/*", FOLLOW, NULL, NULL)),
        "/made: listed by names: a/b: a name cannot contain '/'");
}

/* Each lists what the pattern in its factory's name finds, as one name that tells how many. */
static Err *list_by_walk(void *context, Arena *arena, const Node *dir, const char *path, Node **out,
                         size_t *count)
{
    Tree *tree = context;
    Match *matches = NULL;
    size_t found = 0;
    (void)path;
    const Pattern *pattern = NULL;
    TRY(pattern_compile(arena, dir->factory, &pattern));
    TRY(fs_match(tree->fs, arena, pattern, (MatchOptions){0}, &matches, &found));
    *out = AARRAY(arena, Node, 1);
    (*out)[0] = (Node){.name = arena_printf(arena, "found%zu", found), .type = ENTRY_DYNAMIC};
    *count = 1;
    return NULL;
}

/* What a factory lists may depend on anything: after a change it is asked again. */
static void test_dynamic_follows_changes(void **state)
{
    Tree *tree = *state;
    Node data = {.type = ENTRY_DATA};
    GROW(tree, "/made <- /in/*", "/in/x");
    fs_set_resolver(tree->fs, (FsResolver){list_by_walk, tree});
    assert_string_equal(tree_match(tree, "/made/*", FOLLOW), "/made/found1(found1)");
    fs_memory_begin(tree->memory);
    OK(fs_create(tree->fs, tree->arena, "/in/y", &data, NULL));
    assert_string_equal(tree_match(tree, "/made/*", FOLLOW), "/made/found2(found2)");
    OK(fs_remove(tree->fs, tree->arena, "/in", true));
    assert_string_equal(tree_match(tree, "/made/*", FOLLOW), "/made/found0(found0)");
    fs_memory_abort(tree->memory);
    fs_forget(tree->fs);
    assert_string_equal(tree_match(tree, "/made/*", FOLLOW), "/made/found1(found1)");
}

static void test_circles(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/a <- /b/*", "/b <- /c/*", "/c <- /b/*", "/self <- /self/*", "/fine <- /in/*",
         "/in/x", "/in/y", "/over <- /fine/*", "/to -> /self");
    fs_set_resolver(tree->fs, (FsResolver){list_by_walk, tree});
    assert_string_equal(tree_match(tree, "/over/*", FOLLOW), "/over/found1(found1)");
    assert_string_equal(tree_match(tree, "/fine/*", FOLLOW), "/fine/found2(found2)");
    assert_string_equal(
        FAILS(tree->arena, CIRCLE, tree_try_match(tree, "/self/*", FOLLOW, NULL, NULL)),
        "/self: it reads itself: /self -> /self");
    assert_string_equal(
        FAILS(tree->arena, CIRCLE, tree_try_match(tree, "/to/*", FOLLOW, NULL, NULL)),
        "/self: it reads itself: /self -> /self");
    assert_string_equal(
        FAILS(tree->arena, CIRCLE, tree_try_match(tree, "/a/*", FOLLOW, NULL, NULL)),
        "/b: it reads itself: /b -> /c -> /b");
}

static uint64_t pattern_events(PerfCacheEvent event)
{
    SCRATCH(scratch);
    PerfCacheCounts counts;
    perf_read_cache(scratch, PERF_CACHE_pattern, &counts);
    return counts.events[event];
}

/* The second time a pattern is not walked, whoever asks, until something changes; links kept or
 * followed are two questions, and who hears of what is broken is told each time. */
static void test_a_pattern_is_walked_once(void **state)
{
    Tree *tree = *state;
    Node data = {.type = ENTRY_DATA};
    GROW(tree, "/in/x", "/in/y", "/ln -> /in");
    uint64_t walks = perf_read(PERF_pattern_walk), hits = pattern_events(PERF_HITS);
    assert_string_equal(tree_match(tree, "/in/*", FOLLOW), "/in/x(x) /in/y(y)");
    Match *matches = NULL;
    size_t count = 0;
    Arena *other = arena_new();
    OK(fs_match(tree->fs, other, compiled(other, "/in/*"), FOLLOW, &matches, &count));
    assert_int_equal(count, 2);
    matches[0].path = "mine"; /* what is given out is the caller's */
    arena_free(other);
    assert_string_equal(tree_match(tree, "/in/*", FOLLOW), "/in/x(x) /in/y(y)");
    assert_int_equal(perf_read(PERF_pattern_walk) - walks, 1);
    assert_int_equal(pattern_events(PERF_HITS) - hits, 2);
    assert_string_equal(tree_match(tree, "/l*", FOLLOW), "/ln(n)");
    assert_string_equal(tree_match(tree, "/l*", (MatchOptions){.keep_links = true}), "/ln(n)");
    assert_int_equal(perf_read(PERF_pattern_walk) - walks, 3);
    fs_memory_begin(tree->memory);
    OK(fs_create(tree->fs, tree->arena, "/in/z", &data, NULL));
    assert_string_equal(tree_match(tree, "/in/*", FOLLOW), "/in/x(x) /in/y(y) /in/z(z)");
    fs_memory_abort(tree->memory);
    fs_forget(tree->fs);
    assert_string_equal(tree_match(tree, "/in/*", FOLLOW), "/in/x(x) /in/y(y)");
    assert_int_equal(pattern_events(PERF_HITS) - hits, 2);
}

static int64_t pattern_bytes(void)
{
    SCRATCH(scratch);
    PerfCacheCounts counts;
    perf_read_cache(scratch, PERF_CACHE_pattern, &counts);
    return counts.held_bytes_most;
}

/* What does not fit is walked again: 60 listings of 2,000 matches are beyond 16 MiB. */
static void test_kept_matches_are_bounded(void **state)
{
    Tree *tree = *state;
    enum { NAMES = 2000, PATTERNS = 60 };
    for (int i = 0; i < NAMES; i++) GROW(tree, arena_printf(tree->arena, "/d/n%d", i));
    uint64_t hits = pattern_events(PERF_HITS);
    int64_t held = pattern_bytes();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PATTERNS; i++) {
            Match *matches = NULL;
            size_t count = 0;
            OK(tree_try_match(tree, arena_printf(tree->arena, "/d/*{,%d}", i), FOLLOW, &matches,
                              &count));
            assert_int_equal(count, NAMES);
        }
    }
    assert_in_range(pattern_bytes() - held, 8 << 20, 17 << 20);
    assert_in_range(pattern_events(PERF_HITS) - hits, 10, PATTERNS - 10);
}

typedef struct Told {
    Tree *tree;
    Buf text;
} Told;

static void on_broken(void *context, const Err *err)
{
    Told *told = context;
    buf_printf(&told->text, "%s%s", told->text.size > 0 ? "; " : "", err_message(err));
}

/* A listing goes past what is broken, and tells it. */
static void test_past_what_is_broken(void **state)
{
    Tree *tree = *state;
    GROW(tree, "/a/x", "/bad <- /bad/*", "/l1 -> /l2", "/l2 -> /l1", "/none -> /nowhere",
         "/up/top -> /", "/z");
    fs_set_resolver(tree->fs, (FsResolver){list_by_walk, tree});
    Told told = {tree, buf_new(tree->arena)};
    MatchOptions options = {.keep_links = true, .broken = on_broken, .context = &told};
    assert_string_equal(tree_match(tree, "/**", options),
                        "/a(a) /a/x(a/x) /bad(bad) /l1(l1) /l2(l2) /none(none) /up(up) "
                        "/up/top(up/top) /z(z)");
    assert_non_null(strstr(told.text.data, "/bad: it reads itself: /bad -> /bad"));
    assert_non_null(strstr(told.text.data, "/l1: more than 40"));
    assert_non_null(strstr(told.text.data, "/up/top the directory / contains itself"));
    assert_null(strstr(told.text.data, "nowhere"));
    options.keep_links = false;
    told.text = buf_new(tree->arena);
    assert_string_equal(tree_match(tree, "/*", options), "/a(a) /bad(bad) /up(up) /z(z)");
    assert_non_null(strstr(told.text.data, "nowhere"));
    (void)FAILS(tree->arena, CIRCLE, tree_try_match(tree, "/**", FOLLOW, NULL, NULL));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small_tree),
        TEST(test_literal_nodes),
        TEST(test_random_trees),
        TEST(test_cost_of_10000),
        TEST(test_cost_is_proportional),
        TEST(test_walks_share_listings),
        TEST(test_a_pattern_is_walked_once),
        TEST(test_kept_matches_are_bounded),
        TEST(test_links_are_followed),
        TEST(test_links_below_links),
        TEST(test_each_directory_is_read_once),
        TEST(test_dangling),
        TEST(test_loops),
        TEST(test_loop_below_a_link),
        TEST(test_links_along_a_path),
        TEST(test_dynamic),
        TEST(test_derived_plain_directory),
        TEST(test_dynamic_fails),
        TEST(test_dynamic_lists_nonsense),
        TEST(test_dynamic_follows_changes),
        TEST(test_circles),
        TEST(test_past_what_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
