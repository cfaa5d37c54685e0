/* The contract of FsBackendOps as tests that every store must pass: tests/tinyfs runs them over the
 * store in memory, tests/tlogfs over the stored one.
 *
 *   static void open_mine(Arena *arena, ContractStore *out) { ... }
 *   static ContractFactory factory = {open_mine};
 *   const struct CMUnitTest tests[] = { CONTRACT_TESTS(factory) };
 *
 * Each test gets a fresh, empty store. Whatever a test commits is looked at again after `reopen`,
 * when the store has one: a store on disk must then say the same from its files. */
#pragma once
#include "tinyfs/contract_tools.h"

/* ---- nodes ---- */

static void contract_root(void **state)
{
    Contract *c = *state;
    Node root = get(c, NODE_ROOT);
    assert_string_equal(root.name, "");
    assert_int_equal(root.type, ENTRY_DIR);
    assert_int_equal(root.size_bytes, -1);
    assert_int_equal(root.rows, -1);
    assert_string_equal(names_in(c, NODE_ROOT), "");
    assert_false(has_entry(c, NODE_ROOT, "nothing", NULL));
    assert_false(is_there(c, node_id_new()));
    assert_string_equal(names_in(c, node_id_new()), "");
    begin(c);
    FAILS(INVALID, ops_of(c)->remove(self_of(c), NODE_ROOT));
    FAILS(INVALID, ops_of(c)->rename(self_of(c), NODE_ROOT, NODE_ROOT, "x"));
    commit(c);
    assert_string_equal(get(c, NODE_ROOT).name, "");
}

static void contract_create_and_list(void **state)
{
    Contract *c = *state;
    static const char *const ORDER = "B|a|a-b|a.b|a0|aa|b|é|日本";
    static const char *const NAMES[] = {"b", "é", "a0", "B", "aa", "a.b", "日本", "a", "a-b"};
    begin(c);
    Node dir = create(c, NODE_ROOT, "dir", ENTRY_DIR);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        Node made = create(c, dir.id, NAMES[i], ENTRY_DATA), seen = {0};
        assert_string_equal(made.name, NAMES[i]);
        assert_true(has_entry(c, dir.id, NAMES[i], &seen)); /* before the commit */
        assert_string_equal(seen.id.text, made.id.text);
    }
    assert_string_equal(names_in(c, dir.id), ORDER);
    assert_string_equal(names_in(c, NODE_ROOT), "dir");
    char *before = dump(c);
    commit(c);
    assert_string_equal(names_in(c, dir.id), ORDER);
    assert_string_equal(dump(c), before);
    assert_false(has_entry(c, NODE_ROOT, "a", NULL));
}

static void contract_fields(void **state)
{
    Contract *c = *state;
    begin(c);
    Node dir = create(c, NODE_ROOT, "dir", ENTRY_DIR);
    Node link = create(c, NODE_ROOT, "link", ENTRY_SYMLINK);
    Node data = create(c, NODE_ROOT, "data", ENTRY_DATA);
    Node table = create(c, NODE_ROOT, "table", ENTRY_TABLE);
    Node input = {.parent = dir.id, .name = "made", .type = ENTRY_DYNAMIC_DIR};
    input.factory = "temporal-reduce";
    input.content = "in_pattern: \"/a\"\n# \xc3\xa9 'quoted'\n";
    input.attributes = "{\"k\":\"v\"}";
    Node made = {0};
    OK(ops_of(c)->create(self_of(c), c->arena, &input, &made));
    commit(c);
    Node got = get(c, made.id);
    assert_int_equal(got.type, ENTRY_DYNAMIC_DIR);
    assert_string_equal(got.factory, input.factory);
    assert_string_equal(got.content, input.content);
    assert_string_equal(got.attributes, input.attributes);
    assert_true(node_id_equal(&got.parent, &dir.id));
    assert_false(got.derived);
    assert_int_equal(got.version, 1);
    assert_string_equal(get(c, link.id).content, "/target");
    dir = get(c, dir.id);
    assert_int_equal(dir.version, 1);
    assert_int_equal(dir.size_bytes, -1);
    assert_null(dir.factory);
    assert_null(dir.content);
    assert_null(dir.attributes);
    data = get(c, data.id);
    assert_int_equal(data.version, 0);
    assert_int_equal(data.version_count, 0);
    assert_int_equal(data.size_bytes, 0);
    assert_int_equal(data.rows, -1);
    assert_int_equal(get(c, table.id).rows, 0);
    assert_false(get(c, table.id).has_range);
}

static void contract_bad_names(void **state)
{
    Contract *c = *state;
    char longest[257];
    memset(longest, 'x', sizeof longest);
    longest[256] = '\0';
    const char *const bad[] = {"", ".", "..", "a/b", "/", "a\xff", "\xc0\xaf", longest};
    begin(c);
    Node dir = create(c, NODE_ROOT, "dir", ENTRY_DIR);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FAILS(INVALID, try_create(c, NODE_ROOT, bad[i], ENTRY_DIR, NULL));
        FAILS(INVALID, ops_of(c)->rename(self_of(c), dir.id, NODE_ROOT, bad[i]));
    }
    longest[255] = '\0';
    (void)create(c, NODE_ROOT, longest, ENTRY_DIR);
    commit(c);
    assert_true(has_entry(c, NODE_ROOT, longest, NULL));
    assert_true(has_entry(c, NODE_ROOT, "dir", NULL));
}

static void contract_odd_names(void **state)
{
    Contract *c = *state;
    static const char *const NAMES[] = {
        "a b",         "new\nline", "it's",     "\"quoted\"", "year=2024", "100%",
        "back\\slash", "tab\there", "Ünï-cødé", "日本語",     "%2F",       "'; DROP TABLE nodes;--",
        "-r",          "*",         "[x]",      "{a,b}",      "$0",        "\xf0\x9f\xa6\x86"};
    enum { N = sizeof NAMES / sizeof NAMES[0] };
    NodeId ids[N];
    begin(c);
    for (size_t i = 0; i < N; i++) {
        ids[i] = create(c, NODE_ROOT, NAMES[i], ENTRY_DIR).id;
        Node inner = create(c, ids[i], NAMES[i], ENTRY_DATA);
        (void)append_text(c, inner.id, NAMES[i]);
    }
    commit(c);
    for (size_t i = 0; i < N; i++) {
        Node node = {0}, inner = {0};
        assert_true(has_entry(c, NODE_ROOT, NAMES[i], &node));
        assert_true(node_id_equal(&node.id, &ids[i]));
        assert_string_equal(get(c, ids[i]).name, NAMES[i]);
        assert_true(has_entry(c, ids[i], NAMES[i], &inner));
        size_t count = 0;
        Version *versions = versions_of(c, inner.id, &count);
        assert_int_equal(count, 1);
        assert_string_equal(read_content(c, &versions[0]), NAMES[i]);
    }
    begin(c);
    for (size_t i = 0; i < N; i++) { /* each inner one out to the root under another odd name */
        Node inner = {0};
        assert_true(has_entry(c, ids[i], NAMES[i], &inner));
        OK(ops_of(c)->rename(self_of(c), inner.id, NODE_ROOT,
                             arena_printf(c->arena, "%s~", NAMES[i])));
        OK(ops_of(c)->remove(self_of(c), ids[i]));
    }
    commit(c);
    for (size_t i = 0; i < N; i++) {
        assert_false(has_entry(c, NODE_ROOT, NAMES[i], NULL));
        assert_true(has_entry(c, NODE_ROOT, arena_printf(c->arena, "%s~", NAMES[i]), NULL));
    }
}

static void contract_collisions(void **state)
{
    Contract *c = *state;
    begin(c);
    Node dir = create(c, NODE_ROOT, "dir", ENTRY_DIR);
    Node data = create(c, NODE_ROOT, "data", ENTRY_DATA);
    FAILS(EXISTS, try_create(c, NODE_ROOT, "dir", ENTRY_DATA, NULL)); /* in the same transaction */
    commit(c);
    begin(c);
    FAILS(EXISTS, try_create(c, NODE_ROOT, "dir", ENTRY_DIR, NULL)); /* from an earlier one */
    FAILS(EXISTS, ops_of(c)->rename(self_of(c), data.id, NODE_ROOT, "dir"));
    (void)create(c, NODE_ROOT, "DIR", ENTRY_DIR); /* names differ by case */
    (void)create(c, dir.id, "dir", ENTRY_DIR);
    commit(c);
    assert_string_equal(names_in(c, NODE_ROOT), "DIR|data|dir");
    assert_string_equal(names_in(c, dir.id), "dir");
}

static void contract_bad_parents(void **state)
{
    Contract *c = *state;
    static const EntryType NOT_DIRS[] = {ENTRY_SYMLINK,     ENTRY_DATA,    ENTRY_DATA_SERIES,
                                         ENTRY_TABLE,       ENTRY_DYNAMIC, ENTRY_DYNAMIC_DIR,
                                         ENTRY_DYNAMIC_DATA};
    begin(c);
    Node data = create(c, NODE_ROOT, "data", ENTRY_DATA);
    for (size_t i = 0; i < sizeof NOT_DIRS / sizeof NOT_DIRS[0]; i++) {
        Node parent = create(c, NODE_ROOT, entry_type_name(NOT_DIRS[i]) + 1, NOT_DIRS[i]);
        FAILS(INVALID, try_create(c, parent.id, "x", ENTRY_DATA, NULL));
        FAILS(INVALID, ops_of(c)->rename(self_of(c), data.id, parent.id, "x"));
        assert_string_equal(names_in(c, parent.id), "");
    }
    FAILS(NOT_FOUND, try_create(c, node_id_new(), "x", ENTRY_DATA, NULL));
    FAILS(NOT_FOUND, ops_of(c)->rename(self_of(c), data.id, node_id_new(), "x"));
    FAILS(NOT_FOUND, ops_of(c)->rename(self_of(c), node_id_new(), NODE_ROOT, "x"));
    commit(c);
    assert_true(has_entry(c, NODE_ROOT, "data", NULL));
}

static void contract_incomplete_nodes(void **state)
{
    Contract *c = *state;
    Node link = {.parent = NODE_ROOT, .name = "link", .type = ENTRY_SYMLINK};
    Node dynamic = {.parent = NODE_ROOT, .name = "dynamic", .type = ENTRY_DYNAMIC};
    begin(c);
    FAILS(INVALID, ops_of(c)->create(self_of(c), c->arena, &link, NULL));
    link.content = "";
    FAILS(INVALID, ops_of(c)->create(self_of(c), c->arena, &link, NULL));
    FAILS(INVALID, ops_of(c)->create(self_of(c), c->arena, &dynamic, NULL));
    commit(c);
    assert_string_equal(names_in(c, NODE_ROOT), "");
}

static void contract_rename(void **state)
{
    Contract *c = *state;
    begin(c);
    Node a = create(c, NODE_ROOT, "a", ENTRY_DIR), b = create(c, NODE_ROOT, "b", ENTRY_DIR);
    Node deep = create(c, a.id, "deep", ENTRY_DIR), file = create(c, deep.id, "file", ENTRY_DATA);
    (void)append_text(c, file.id, "text");
    commit(c);
    begin(c);
    OK(ops_of(c)->rename(self_of(c), deep.id, b.id, "moved"));
    assert_string_equal(names_in(c, a.id), ""); /* before the commit */
    assert_string_equal(names_in(c, b.id), "moved");
    assert_false(has_entry(c, a.id, "deep", NULL));
    Node again = create(c, a.id, "deep", ENTRY_DATA); /* the old name is free */
    commit(c);
    Node moved = get(c, deep.id);
    assert_string_equal(moved.name, "moved");
    assert_true(node_id_equal(&moved.parent, &b.id));
    assert_int_equal(moved.version, 2); /* node states */
    assert_true(moved.txn > deep.txn);
    assert_string_equal(names_in(c, deep.id), "file");
    assert_string_equal(numbers_of(c, file.id), "1");
    assert_int_equal(get(c, file.id).txn, file.txn); /* what is below has not changed */
    begin(c);
    OK(ops_of(c)->rename(self_of(c), again.id, a.id, "renamed")); /* within one directory */
    commit(c);
    assert_string_equal(names_in(c, a.id), "renamed");
}

static void contract_rename_below_itself(void **state)
{
    Contract *c = *state;
    begin(c);
    Node a = create(c, NODE_ROOT, "a", ENTRY_DIR), b = create(c, a.id, "b", ENTRY_DIR);
    Node deep = create(c, b.id, "c", ENTRY_DIR), aside = create(c, NODE_ROOT, "aside", ENTRY_DIR);
    commit(c);
    char *before = dump(c);
    begin(c);
    FAILS(INVALID, ops_of(c)->rename(self_of(c), a.id, a.id, "x"));
    FAILS(INVALID, ops_of(c)->rename(self_of(c), a.id, b.id, "x"));
    FAILS(INVALID, ops_of(c)->rename(self_of(c), a.id, deep.id, "x"));
    commit(c);
    assert_string_equal(dump(c), before);
    begin(c); /* also where the subtree was only just moved there */
    OK(ops_of(c)->rename(self_of(c), aside.id, deep.id, "aside"));
    FAILS(INVALID, ops_of(c)->rename(self_of(c), a.id, aside.id, "x"));
    OK(ops_of(c)->rename(self_of(c), deep.id, NODE_ROOT, "out"));
    OK(ops_of(c)->rename(self_of(c), a.id, aside.id, "x")); /* no longer below itself */
    commit(c);
    assert_string_equal(names_in(c, NODE_ROOT), "out");
    assert_string_equal(names_in(c, aside.id), "x");
}

static void contract_remove(void **state)
{
    Contract *c = *state;
    begin(c);
    Node dir = create(c, NODE_ROOT, "dir", ENTRY_DIR),
         file = create(c, dir.id, "file", ENTRY_DATA_SERIES);
    (void)append_text(c, file.id, "text");
    commit(c);
    begin(c);
    FAILS(INVALID, ops_of(c)->remove(self_of(c), dir.id)); /* not empty */
    OK(ops_of(c)->remove(self_of(c), file.id));
    assert_false(is_there(c, file.id)); /* before the commit */
    assert_false(has_entry(c, dir.id, "file", NULL));
    assert_string_equal(names_in(c, dir.id), "");
    FAILS(NOT_FOUND, ops_of(c)->remove(self_of(c), file.id));
    OK(ops_of(c)->remove(self_of(c), dir.id)); /* empty by now */
    commit(c);
    assert_string_equal(names_in(c, NODE_ROOT), "");
    assert_false(is_there(c, dir.id));
    begin(c);
    FAILS(NOT_FOUND, ops_of(c)->remove(self_of(c), dir.id));
    FAILS(NOT_FOUND, try_create(c, dir.id, "x", ENTRY_DATA, NULL));
    VersionSpec spec = inline_spec("x", 1);
    FAILS(NOT_FOUND, ops_of(c)->append(self_of(c), file.id, &spec, NULL));
    FAILS(NOT_FOUND, ops_of(c)->drop(self_of(c), file.id, 1, 1));
    FAILS(NOT_FOUND, ops_of(c)->update(self_of(c), &file));
    Node again = create(c, NODE_ROOT, "dir", ENTRY_DATA); /* the name is free, the id is new */
    assert_false(node_id_equal(&again.id, &dir.id));
    commit(c);
    assert_string_equal(names_in(c, NODE_ROOT), "dir");
    assert_string_equal(numbers_of(c, again.id), "");
}

static void contract_update(void **state)
{
    Contract *c = *state;
    begin(c);
    Node node = create(c, NODE_ROOT, "made", ENTRY_DYNAMIC),
         link = create(c, NODE_ROOT, "link", ENTRY_SYMLINK);
    Node series = create(c, NODE_ROOT, "series", ENTRY_TABLE_SERIES);
    commit(c);
    begin(c);
    node.type = ENTRY_DYNAMIC_DIR;
    node.factory = "other";
    node.content = "a: 1";
    node.attributes = "{\"a\":[1,2]}";
    OK(ops_of(c)->update(self_of(c), &node));
    link.content = "../elsewhere";
    OK(ops_of(c)->update(self_of(c), &link));
    series.has_min_override = true;
    series.min_override = -5;
    OK(ops_of(c)->update(self_of(c), &series));
    assert_true(get(c, series.id).has_min_override); /* before the commit */
    commit(c);
    Node got = get(c, node.id);
    assert_int_equal(got.type, ENTRY_DYNAMIC_DIR);
    assert_string_equal(got.factory, "other");
    assert_string_equal(got.content, "a: 1");
    assert_string_equal(got.attributes, "{\"a\":[1,2]}");
    assert_int_equal(got.version, 2);
    assert_true(got.txn > node.txn);
    assert_string_equal(get(c, link.id).content, "../elsewhere");
    got = get(c, series.id);
    assert_true(got.has_min_override && !got.has_max_override);
    assert_int_equal(got.min_override, -5);
    Node root = get(c, NODE_ROOT);
    begin(c); /* settings live in the root's attributes */
    root.attributes = "{\"setting\":\"on\"}";
    OK(ops_of(c)->update(self_of(c), &root));
    node.attributes = NULL;
    OK(ops_of(c)->update(self_of(c), &node));
    commit(c);
    assert_string_equal(get(c, NODE_ROOT).attributes, "{\"setting\":\"on\"}");
    assert_null(get(c, node.id).attributes);
}

static void contract_overrides_survive(void **state)
{
    Contract *c = *state;
    begin(c);
    Node series = create(c, NODE_ROOT, "series", ENTRY_DATA_SERIES);
    series.has_min_override = series.has_max_override = true;
    series.min_override = -62135596800000000; /* year 1 */
    series.max_override = 253402300799999999; /* end of 9999 */
    OK(ops_of(c)->update(self_of(c), &series));
    commit(c);
    begin(c);
    (void)append_text(c, series.id, "more");
    OK(ops_of(c)->rename(self_of(c), series.id, NODE_ROOT, "renamed"));
    commit(c);
    Node got = get(c, series.id);
    assert_true(got.has_min_override && got.has_max_override);
    assert_true(got.min_override == -62135596800000000);
    assert_true(got.max_override == 253402300799999999);
    begin(c);
    got.has_max_override = false;
    OK(ops_of(c)->update(self_of(c), &got));
    commit(c);
    got = get(c, series.id);
    assert_true(got.has_min_override && !got.has_max_override);
    assert_string_equal(got.name, "renamed");
    assert_string_equal(numbers_of(c, series.id), "1");
}

static void contract_type_changes(void **state)
{
    Contract *c = *state;
    begin(c);
    Node dir = create(c, NODE_ROOT, "dir", ENTRY_DIR),
         data = create(c, NODE_ROOT, "data", ENTRY_DATA);
    (void)append_text(c, data.id, "text");
    data = get(c, data.id);
    (void)create(c, dir.id, "inner", ENTRY_DATA);
    Node changed = dir;
    changed.type = ENTRY_DATA;
    FAILS(INVALID, ops_of(c)->update(self_of(c), &changed));
    changed = data;
    changed.type = ENTRY_DIR;
    FAILS(INVALID, ops_of(c)->update(self_of(c), &changed));
    changed.type = ENTRY_SYMLINK;
    changed.content = "/x";
    FAILS(INVALID, ops_of(c)->update(self_of(c), &changed)); /* it would lose its version */
    changed = data;
    changed.type = ENTRY_DATA_SERIES;
    OK(ops_of(c)->update(self_of(c), &changed));
    commit(c);
    assert_int_equal(get(c, dir.id).type, ENTRY_DIR);
    assert_int_equal(get(c, data.id).type, ENTRY_DATA_SERIES);
    assert_string_equal(numbers_of(c, data.id), "1");
}

/* ---- versions ---- */

static void contract_append_and_replace(void **state)
{
    Contract *c = *state;
    begin(c);
    Node series = create(c, NODE_ROOT, "series", ENTRY_DATA_SERIES),
         data = create(c, NODE_ROOT, "data", ENTRY_DATA);
    for (int i = 1; i <= 3; i++) {
        const char *text = arena_printf(c->arena, "%0*d", i, i); /* i bytes long */
        assert_int_equal(append_text(c, series.id, text).version, i);
        assert_int_equal(append_text(c, data.id, text).version, i);
    }
    assert_string_equal(numbers_of(c, series.id), "1,2,3"); /* before the commit */
    assert_string_equal(numbers_of(c, data.id), "3");
    commit(c);
    assert_string_equal(numbers_of(c, series.id), "1,2,3");
    assert_string_equal(numbers_of(c, data.id), "3");
    series = get(c, series.id);
    assert_int_equal(series.version, 3);
    assert_int_equal(series.version_count, 3);
    assert_int_equal(series.size_bytes, 6);
    data = get(c, data.id);
    assert_int_equal(data.version, 3);
    assert_int_equal(data.version_count, 1);
    assert_int_equal(data.size_bytes, 3);
    size_t count = 0;
    Version *versions = versions_of(c, series.id, &count);
    assert_string_equal(read_content(c, &versions[0]), "1");
    assert_string_equal(read_content(c, &versions[1]), "02");
    assert_string_equal(read_content(c, &versions[2]), "003");
    assert_int_equal(versions[1].rows, -1);
    begin(c);
    assert_int_equal(append_text(c, data.id, "x").version, 4);
    assert_int_equal(append_text(c, series.id, "x").version, 4);
    commit(c);
    assert_string_equal(numbers_of(c, data.id), "4");
    assert_string_equal(numbers_of(c, series.id), "1,2,3,4");
    versions = versions_of(c, series.id, &count);
    assert_true(versions[3].txn > versions[2].txn);
    assert_true(versions[3].time > versions[2].time);
    assert_int_equal(versions[2].txn, versions[0].txn);
    assert_int_equal(get(c, series.id).txn, versions[3].txn);
}

static void contract_drop(void **state)
{
    Contract *c = *state;
    begin(c);
    Node series = create(c, NODE_ROOT, "series", ENTRY_DATA_SERIES);
    for (int i = 1; i <= 6; i++) (void)append_text(c, series.id, "0123456789");
    commit(c);
    begin(c);
    OK(ops_of(c)->drop(self_of(c), series.id, 2, 3));
    assert_string_equal(numbers_of(c, series.id), "1,4,5,6");
    commit(c);
    assert_string_equal(numbers_of(c, series.id), "1,4,5,6");
    assert_int_equal(get(c, series.id).size_bytes, 40);
    assert_int_equal(get(c, series.id).version_count, 4);
    begin(c);
    OK(ops_of(c)->drop(self_of(c), series.id, 3, 4)); /* 3 is gone already */
    OK(ops_of(c)->drop(self_of(c), series.id, 6, 99));
    commit(c);
    assert_string_equal(numbers_of(c, series.id), "1,5");
    assert_int_equal(get(c, series.id).version, 5);
}

static void contract_numbers_stay_unique(void **state)
{
    Contract *c = *state;
    begin(c);
    Node series = create(c, NODE_ROOT, "series", ENTRY_DATA_SERIES);
    for (int i = 1; i <= 3; i++) (void)append_text(c, series.id, "x");
    OK(ops_of(c)->drop(self_of(c), series.id, 3, 3));
    assert_int_equal(append_text(c, series.id, "y").version, 4); /* in one transaction */
    OK(ops_of(c)->drop(self_of(c), series.id, 4, 4));
    commit(c);
    assert_string_equal(numbers_of(c, series.id), "1,2");
    begin(c);
    assert_int_equal(append_text(c, series.id, "z").version, 5); /* and over the next */
    OK(ops_of(c)->drop(self_of(c), series.id, 1, 5));
    commit(c);
    assert_string_equal(numbers_of(c, series.id), "");
    assert_int_equal(get(c, series.id).version_count, 0);
    assert_int_equal(get(c, series.id).size_bytes, 0);
    begin(c);
    assert_int_equal(append_text(c, series.id, "again").version, 6);
    commit(c);
    assert_string_equal(numbers_of(c, series.id), "6");
}

static void check_staged(Contract *c, size_t size_bytes)
{
    char *bytes = arena_alloc(c->arena, size_bytes + 1);
    for (size_t i = 0; i < size_bytes; i++) bytes[i] = (char)(i * 31 + size_bytes);
    begin(c);
    Node data = create(c, NODE_ROOT, arena_printf(c->arena, "staged%zu", size_bytes), ENTRY_DATA);
    VersionSpec spec = staged_spec(c, bytes, size_bytes);
    Version made = {0};
    OK(ops_of(c)->append(self_of(c), data.id, &spec, &made));
    assert_string_equal(made.sha256, spec.meta.sha256);
    assert_memory_equal(read_content(c, &made), bytes, size_bytes); /* before the commit */
    commit(c);
    size_t count = 0;
    Version *versions = versions_of(c, data.id, &count);
    assert_int_equal(count, 1);
    assert_int_equal(versions[0].size_bytes, size_bytes);
    assert_memory_equal(read_content(c, &versions[0]), bytes, size_bytes);
}

static void contract_content_staged(void **state)
{
    Contract *c = *state;
    static const size_t SIZES[] = {0, 1, 4095, 4096, 4097, 100000};
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) check_staged(c, SIZES[i]);
}

static void contract_content_inline(void **state)
{
    Contract *c = *state;
    static const size_t SIZES[] = {0, 1, 4095, 4096};
    char *bytes = arena_alloc(c->arena, 5000);
    for (size_t i = 0; i < 5000; i++) bytes[i] = (char)(i % 7); /* NULs too */
    begin(c);
    Node series = create(c, NODE_ROOT, "series", ENTRY_DATA_SERIES);
    for (size_t i = 0; i < 4; i++) {
        VersionSpec spec = inline_spec(bytes, SIZES[i]);
        Version made = {0};
        OK(ops_of(c)->append(self_of(c), series.id, &spec, &made));
        char hash[SHA256_HEX + 1];
        sha256_of(bytes, SIZES[i], hash);
        assert_string_equal(made.sha256, hash);
    }
    commit(c);
    size_t count = 0;
    Version *versions = versions_of(c, series.id, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(versions[i].size_bytes, SIZES[i]);
        assert_memory_equal(read_content(c, &versions[i]), bytes, SIZES[i]);
    }
    assert_int_equal(get(c, series.id).size_bytes, 0 + 1 + 4095 + 4096);
}

static void contract_bad_specs(void **state)
{
    Contract *c = *state;
    char *bytes = arena_alloc(c->arena, 5000);
    begin(c);
    Node dir = create(c, NODE_ROOT, "dir", ENTRY_DIR),
         link = create(c, NODE_ROOT, "link", ENTRY_SYMLINK);
    Node made = create(c, NODE_ROOT, "made", ENTRY_DYNAMIC),
         data = create(c, NODE_ROOT, "data", ENTRY_DATA);
    VersionSpec spec = inline_spec("x", 1);
    FAILS(INVALID, ops_of(c)->append(self_of(c), dir.id, &spec, NULL));
    FAILS(INVALID, ops_of(c)->append(self_of(c), link.id, &spec, NULL));
    FAILS(INVALID, ops_of(c)->append(self_of(c), made.id, &spec, NULL));
    VersionSpec wrong[3] = {{.meta = {.rows = -1}}, inline_spec(bytes, 4097), inline_spec("x", 1)};
    wrong[2].meta.parquet = true;
    for (size_t i = 0; i < 3; i++)
        FAILS(INTERNAL, ops_of(c)->append(self_of(c), data.id, &wrong[i], NULL));
    commit(c);
    assert_string_equal(numbers_of(c, data.id), "");
}

static void contract_damaged_content(void **state)
{
    Contract *c = *state;
    begin(c);
    Node data = create(c, NODE_ROOT, "data", ENTRY_DATA);
    Version version = append_text(c, data.id, "some text");
    commit(c);
    Content content = {0};
    version.bytes = "some tex_";
    FAILS(CORRUPT, ops_of(c)->content(self_of(c), c->arena, &version, &content));
    version.bytes = NULL; /* a blob of that hash was never stored */
    FAILS(CORRUPT, ops_of(c)->content(self_of(c), c->arena, &version, &content));
}

static void contract_locate(void **state)
{
    Contract *c = *state;
    begin(c);
    Node data = create(c, NODE_ROOT, "data", ENTRY_DATA),
         large = create(c, NODE_ROOT, "large", ENTRY_DATA);
    Version text = append_text(c, data.id, "some text"), file = {0};
    VersionSpec spec = staged_spec(c, "a file", 6);
    OK(ops_of(c)->append(self_of(c), large.id, &spec, &file));
    text = version_copy(c->arena, &text); /* the transaction's until then */
    for (int committed = 0; committed < 2; committed++) {
        Content found = {0}, content = {0};
        OK(ops_of(c)->locate(self_of(c), c->arena, &text, &found));
        assert_memory_equal(found.bytes, "some text", 9);
        OK(ops_of(c)->locate(self_of(c), c->arena, &file, &found));
        OK(ops_of(c)->content(self_of(c), c->arena, &file, &content));
        assert_string_equal(found.path, content.path);
        assert_int_equal(found.size_bytes, 6);
        if (!committed) commit(c);
    }
}

static Version parquet_version(Contract *c, NodeId id, int64_t rows, TimeSpan *intervals,
                               size_t count)
{
    const char *bytes = arena_printf(c->arena, "PAR1 %lld", (long long)rows);
    VersionSpec spec = staged_spec(c, bytes, strlen(bytes));
    Version made = {0};
    spec.meta.parquet = true;
    spec.meta.rows = rows;
    spec.meta.time_column = "time \"of\" day";
    spec.meta.time_unit = TIME_UNIT_MS;
    spec.meta.intervals = intervals;
    spec.meta.interval_count = count;
    spec.meta.in_order = rows % 2 == 0;
    spec.meta.schema = "[{\"name\":\"\xc2\xb5S/cm\"}]";
    spec.meta.attributes = "{\"source\":\"it's\"}";
    OK(ops_of(c)->append(self_of(c), id, &spec, &made));
    return made;
}

static void contract_version_fields(void **state)
{
    Contract *c = *state;
    TimeSpan first[] = {{-5000000, -1}, {INT64_C(1700000000000000), INT64_C(1700000000000007)}};
    TimeSpan second[] = {{INT64_C(1600000000000000), INT64_C(253402300799999999)}};
    TimeSpan many[64];
    for (int i = 0; i < 64; i++) many[i] = (TimeSpan){i * 10, i * 10 + 5};
    begin(c);
    Node series = create(c, NODE_ROOT, "series", ENTRY_TABLE_SERIES),
         table = create(c, NODE_ROOT, "table", ENTRY_TABLE);
    (void)parquet_version(c, series.id, 7, first, 2);
    (void)parquet_version(c, series.id, 4, second, 1);
    (void)parquet_version(c, table.id, 7, first, 2);
    (void)parquet_version(c, table.id, 64, many, 64);
    char *before = dump(c);
    commit(c);
    assert_string_equal(dump(c), before);
    size_t count = 0;
    const Version *v = versions_of(c, series.id, &count);
    assert_int_equal(count, 2);
    assert_true(v[0].parquet && !v[0].in_order && v[1].in_order);
    assert_int_equal(v[0].rows, 7);
    assert_string_equal(v[0].time_column, "time \"of\" day");
    assert_int_equal(v[0].time_unit, TIME_UNIT_MS);
    assert_int_equal(v[0].interval_count, 2);
    assert_memory_equal(v[0].intervals, first, sizeof first);
    assert_string_equal(v[0].schema, "[{\"name\":\"\xc2\xb5S/cm\"}]");
    assert_string_equal(v[0].attributes, "{\"source\":\"it's\"}");
    series = get(c, series.id);
    assert_int_equal(series.rows, 11);
    assert_true(series.has_range && series.range.min == -5000000);
    assert_true(series.range.max == INT64_C(253402300799999999));
    table = get(c, table.id); /* of the newest only */
    assert_int_equal(table.rows, 64);
    assert_true(table.has_range && table.range.min == 0 && table.range.max == 635);
    v = versions_of(c, table.id, &count);
    assert_int_equal(v[0].interval_count, 64);
    assert_memory_equal(v[0].intervals, many, sizeof many);
    begin(c); /* the range follows what is live */
    OK(ops_of(c)->drop(self_of(c), series.id, 2, 2));
    commit(c);
    series = get(c, series.id);
    assert_int_equal(series.rows, 7);
    assert_true(series.range.max == INT64_C(1700000000000007));
}

/* ---- transactions ---- */

static void contract_needs_transaction(void **state)
{
    Contract *c = *state;
    begin(c);
    Node data = create(c, NODE_ROOT, "data", ENTRY_DATA);
    commit(c);
    char *before = dump(c);
    VersionSpec spec = inline_spec("x", 1);
    FAILS(INTERNAL, try_create(c, NODE_ROOT, "x", ENTRY_DATA, NULL));
    FAILS(INTERNAL, ops_of(c)->update(self_of(c), &data));
    FAILS(INTERNAL, ops_of(c)->rename(self_of(c), data.id, NODE_ROOT, "x"));
    FAILS(INTERNAL, ops_of(c)->remove(self_of(c), data.id));
    FAILS(INTERNAL, ops_of(c)->append(self_of(c), data.id, &spec, NULL));
    FAILS(INTERNAL, ops_of(c)->drop(self_of(c), data.id, 1, 1));
    assert_string_equal(dump(c), before);
}

/* A little of everything, in the transaction that is open. */
static void change_everything(Contract *c, NodeId dir, NodeId series, NodeId data, NodeId gone)
{
    Node made = create(c, dir, "new", ENTRY_DIR);
    (void)create(c, made.id, "deeper", ENTRY_DATA);
    (void)append_text(c, series, "more");
    OK(ops_of(c)->drop(self_of(c), series, 1, 1));
    (void)append_text(c, data, "other");
    OK(ops_of(c)->rename(self_of(c), data, made.id, "moved"));
    OK(ops_of(c)->remove(self_of(c), gone));
    (void)create(c, NODE_ROOT, "gone", ENTRY_SYMLINK);
    Node node = get(c, dir);
    node.attributes = "{\"changed\":true}";
    OK(ops_of(c)->update(self_of(c), &node));
    OK(ops_of(c)->rename(self_of(c), dir, NODE_ROOT, "dir2"));
}

static void contract_abort(void **state)
{
    Contract *c = *state;
    begin(c);
    Node dir = create(c, NODE_ROOT, "dir", ENTRY_DIR),
         series = create(c, dir.id, "series", ENTRY_DATA_SERIES);
    Node data = create(c, dir.id, "data", ENTRY_DATA),
         gone = create(c, NODE_ROOT, "gone", ENTRY_DIR);
    (void)append_text(c, series.id, "one");
    (void)append_text(c, series.id, "two");
    (void)append_text(c, data.id, "text");
    commit(c);
    char *before = dump(c);
    begin(c);
    change_everything(c, dir.id, series.id, data.id, gone.id);
    assert_string_not_equal(dump(c), before);
    abort_changes(c);
    assert_string_equal(dump(c), before);
    if (c->store.reopen != NULL) c->store.backend = c->store.reopen(c->store.context);
    assert_string_equal(dump(c), before);
    begin(c);
    change_everything(c, dir.id, series.id, data.id, gone.id); /* the same once more, for good */
    char *after = dump(c);
    commit(c);
    assert_string_equal(dump(c), after);
    assert_string_equal(names_in(c, NODE_ROOT), "dir2|gone");
}

static void contract_txn_is_visible(void **state)
{
    Contract *c = *state;
    begin(c);
    Node a = create(c, NODE_ROOT, "a", ENTRY_DATA), b = create(c, NODE_ROOT, "b", ENTRY_DATA);
    commit(c);
    assert_int_equal(get(c, a.id).txn, get(c, b.id).txn); /* one transaction, one number */
    assert_int_equal(get(c, a.id).txn, a.txn);
    assert_true(a.time > 0);
    begin(c);
    Node lost = create(c, NODE_ROOT, "lost", ENTRY_DATA);
    assert_int_equal(lost.txn, a.txn + 1);
    abort_changes(c);
    begin(c);
    (void)append_text(c, b.id, "x");
    commit(c);
    assert_int_equal(get(c, a.id).txn, a.txn);
    assert_int_equal(get(c, b.id).txn, a.txn + 1); /* an aborted one leaves no gap */
    assert_true(get(c, b.id).time > a.time);
}

#include "tinyfs/contract_model.h"

#define CONTRACT_TEST(test, factory)                                                               \
    cmocka_unit_test_prestate_setup_teardown(test, contract_setup, contract_teardown, &(factory))
#define CONTRACT_TESTS(factory)                                                                    \
    CONTRACT_TEST(contract_root, factory), CONTRACT_TEST(contract_create_and_list, factory),       \
        CONTRACT_TEST(contract_fields, factory), CONTRACT_TEST(contract_bad_names, factory),       \
        CONTRACT_TEST(contract_odd_names, factory), CONTRACT_TEST(contract_collisions, factory),   \
        CONTRACT_TEST(contract_bad_parents, factory),                                              \
        CONTRACT_TEST(contract_incomplete_nodes, factory),                                         \
        CONTRACT_TEST(contract_rename, factory),                                                   \
        CONTRACT_TEST(contract_rename_below_itself, factory),                                      \
        CONTRACT_TEST(contract_remove, factory), CONTRACT_TEST(contract_update, factory),          \
        CONTRACT_TEST(contract_overrides_survive, factory),                                        \
        CONTRACT_TEST(contract_type_changes, factory),                                             \
        CONTRACT_TEST(contract_append_and_replace, factory),                                       \
        CONTRACT_TEST(contract_drop, factory),                                                     \
        CONTRACT_TEST(contract_numbers_stay_unique, factory),                                      \
        CONTRACT_TEST(contract_content_staged, factory),                                           \
        CONTRACT_TEST(contract_content_inline, factory),                                           \
        CONTRACT_TEST(contract_bad_specs, factory),                                                \
        CONTRACT_TEST(contract_damaged_content, factory), CONTRACT_TEST(contract_locate, factory), \
        CONTRACT_TEST(contract_version_fields, factory),                                           \
        CONTRACT_TEST(contract_needs_transaction, factory),                                        \
        CONTRACT_TEST(contract_abort, factory), CONTRACT_TEST(contract_txn_is_visible, factory),   \
        CONTRACT_TEST(contract_random, factory)
