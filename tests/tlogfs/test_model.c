/* Random changes against a simple model: nodes in an array, found by walking it. After each
 * transaction, committed or aborted, the store must say what the model says, and the index must
 * equal one built from the log. */
#include "tlogfs/tlog_check.h"

enum { NODES_MAX = 400, VERSIONS_MAX = 40 };

typedef struct ModelNode {
    bool alive;
    int parent; /* index; -1: the root itself */
    NodeId id;
    char name[16];
    EntryType type;
    char content[24];           /* of links */
    int versions[VERSIONS_MAX]; /* what each says; a negative one is a blob */
    int version_count;
} ModelNode;

typedef struct Model {
    ModelNode nodes[NODES_MAX];
    int count;
} Model;

static unsigned seed;
static int pick(int n)
{
    return n <= 0 ? 0 : rand_r(&seed) % n;
}

/* ---- the model ---- */

static int find_named(const Model *model, int parent, const char *name)
{
    for (int i = 1; i < model->count; i++) {
        const ModelNode *node = &model->nodes[i];
        if (node->alive && node->parent == parent && strcmp(node->name, name) == 0) return i;
    }
    return -1;
}

static bool has_children(const Model *model, int parent)
{
    for (int i = 1; i < model->count; i++) {
        if (model->nodes[i].alive && model->nodes[i].parent == parent) return true;
    }
    return false;
}

static bool is_below(const Model *model, int node, int top)
{
    while (node >= 0 && node != top) node = model->nodes[node].parent;
    return node == top;
}

static int random_alive(const Model *model)
{
    for (int tries = 0; tries < 50; tries++) {
        int i = pick(model->count);
        if (model->nodes[i].alive) return i;
    }
    return 0;
}

static char *random_name(void)
{
    return arena_printf(arena, "%c%d", 'a' + pick(3), pick(6));
}

/* ---- one change, to both; the store must agree on whether it is allowed ---- */

static void expect(Err *error, bool allowed)
{
    if ((error == NULL) != allowed)
        fail_msg("%s: the model differs", error == NULL ? "no error" : err_message(error));
    if (error != NULL) assert_int_not_equal(err_code(error), ERR_INTERNAL);
    err_free(error);
}

static void change_create(Tlog *tlog, Model *model)
{
    static const EntryType TYPES[] = {ENTRY_DIR,         ENTRY_DIR,   ENTRY_SYMLINK,     ENTRY_DATA,
                                      ENTRY_DATA_SERIES, ENTRY_TABLE, ENTRY_TABLE_SERIES};
    if (model->count == NODES_MAX) return;
    int parent = random_alive(model);
    ModelNode made = {.alive = true, .parent = parent, .type = TYPES[pick(7)]};
    (void)snprintf(made.name, sizeof made.name, "%s", random_name());
    if (made.type == ENTRY_SYMLINK)
        (void)snprintf(made.content, sizeof made.content, "/to/%d", pick(100));
    Node given = {.parent = model->nodes[parent].id,
                  .name = made.name,
                  .type = made.type,
                  .content = made.content[0] == '\0' ? NULL : made.content};
    Node out = {0};
    bool allowed =
        model->nodes[parent].type == ENTRY_DIR && find_named(model, parent, made.name) < 0;
    expect(tlog_op_create(tlog, arena, &given, &out), allowed);
    if (!allowed) return;
    made.id = out.id;
    model->nodes[model->count++] = made;
}

static void change_rename(Tlog *tlog, Model *model)
{
    int node = random_alive(model), parent = random_alive(model);
    char *name = random_name();
    bool allowed = node != 0 && model->nodes[parent].type == ENTRY_DIR &&
                   !is_below(model, parent, node) && find_named(model, parent, name) < 0;
    expect(tlog_op_rename(tlog, model->nodes[node].id, model->nodes[parent].id, name), allowed);
    if (!allowed) return;
    model->nodes[node].parent = parent;
    (void)snprintf(model->nodes[node].name, sizeof model->nodes[node].name, "%s", name);
}

static void change_remove(Tlog *tlog, Model *model)
{
    int node = random_alive(model);
    bool allowed = node != 0 && !has_children(model, node);
    expect(tlog_op_remove(tlog, model->nodes[node].id), allowed);
    if (allowed) model->nodes[node].alive = false;
}

static void change_append(Tlog *tlog, Model *model)
{
    ModelNode *node = &model->nodes[random_alive(model)];
    int what = 1 + pick(30);
    bool blob = pick(4) == 0, allowed = entry_has_versions(node->type);
    if (node->version_count == VERSIONS_MAX) return;
    VersionSpec spec = {0};
    if (blob) {
        spec = stage(tlog, what, 4097 + (size_t)what, entry_is_table(node->type));
    } else {
        const char *text = arena_printf(arena, "content %d", what);
        spec.meta = (Version){.bytes = text, .size_bytes = (int64_t)strlen(text), .rows = -1};
    }
    expect(tlog_op_append(tlog, node->id, &spec, NULL), allowed);
    if (!allowed) return;
    if (!entry_is_series(node->type)) node->version_count = 0;
    node->versions[node->version_count++] = blob ? -what : what;
}

static void change_drop(Tlog *tlog, Model *model)
{
    ModelNode *node = &model->nodes[random_alive(model)];
    Version *versions = NULL;
    size_t count = 0;
    OK(tlog_op_versions(tlog, arena, node->id, &versions, &count));
    assert_int_equal(count, node->version_count);
    if (count == 0) return;
    int from = pick((int)count), to = from + pick((int)count - from), kept = 0;
    OK(tlog_op_drop(tlog, node->id, versions[from].version, versions[to].version));
    for (int i = 0; i < (int)count; i++) {
        if (i < from || i > to) node->versions[kept++] = node->versions[i];
    }
    node->version_count = kept;
}

static void change_something(Tlog *tlog, Model *model)
{
    int what = pick(100);
    if (what < 35)
        change_create(tlog, model);
    else if (what < 50)
        change_rename(tlog, model);
    else if (what < 62)
        change_remove(tlog, model);
    else if (what < 92)
        change_append(tlog, model);
    else
        change_drop(tlog, model);
}

/* ---- do they agree? ---- */

static void compare_version(Tlog *tlog, const Version *version, int what)
{
    Content content;
    OK(tlog_op_content(tlog, arena, version, &content));
    if (what > 0) {
        assert_string_equal(content.bytes, arena_printf(arena, "content %d", what));
    } else {
        char hash[SHA256_HEX + 1];
        int64_t size = 0;
        OK(os_sha256_file(content.path, &size, hash));
        assert_string_equal(hash, version->sha256);
        assert_int_equal(size, 4097 - what);
    }
}

static void compare_node(Tlog *tlog, const Model *model, const ModelNode *node)
{
    Node got;
    bool found = false;
    OK(tlog_op_lookup(tlog, arena, model->nodes[node->parent].id, node->name, &found, &got));
    assert_true(found);
    assert_string_equal(got.id.text, node->id.text);
    assert_int_equal(got.type, node->type);
    assert_int_equal(got.version_count, node->version_count);
    if (node->content[0] != '\0') assert_string_equal(got.content, node->content);
    Version *versions = NULL;
    size_t count = 0;
    OK(tlog_op_versions(tlog, arena, node->id, &versions, &count));
    assert_int_equal(count, node->version_count);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        compare_version(tlog, &versions[i], node->versions[i]);
        sum += versions[i].size_bytes;
    }
    if (entry_has_versions(node->type)) assert_int_equal(got.size_bytes, sum);
}

static void compare(Tlog *tlog, const Model *model)
{
    int alive = 0;
    for (int i = 0; i < model->count; i++) {
        const ModelNode *node = &model->nodes[i];
        bool found = false;
        Node got;
        OK(tlog_op_get(tlog, arena, node->id, &found, &got));
        assert_int_equal(found, node->alive);
        if (!node->alive) continue;
        alive++;
        if (i > 0) compare_node(tlog, model, node);
        Node *children = NULL;
        size_t count = 0, expected = 0;
        OK(tlog_op_children(tlog, arena, node->id, &children, &count));
        for (int j = 1; j < model->count; j++)
            expected += model->nodes[j].alive && model->nodes[j].parent == i;
        assert_int_equal(count, expected);
        for (size_t j = 1; j < count; j++)
            assert_true(strcmp(children[j - 1].name, children[j].name) < 0);
    }
    assert_int_equal(tlog_info(tlog)->nodes, alive);
}

static void check_index(Tlog *tlog)
{
    const char *difference = NULL;
    OK(tlog_index_check(arena, tlog, &difference));
    if (difference != NULL) fail_msg("incremental and rebuilt index differ: %s", difference);
}

/* ---- the run ---- */

static void some_transactions(Tlog **tlog, Model *model, Model *saved)
{
    *saved = *model;
    OK(tlog_begin(*tlog));
    int changes = 1 + pick(12);
    for (int i = 0; i < changes; i++) change_something(*tlog, model);
    if (pick(3) == 0) compare(*tlog, model); /* inside the transaction */
    if (pick(5) == 0) {
        tlog_abort(*tlog);
        *model = *saved;
    } else {
        (void)commit(*tlog);
    }
    TlogCheckpoint done;
    TlogVacuum swept;
    if (tlog_checkpoint_due(*tlog)) OK(tlog_checkpoint(*tlog, pick(6) == 0, &done));
    if (pick(15) == 0) OK(tlog_vacuum(*tlog, 0, &swept));
    if (pick(8) == 0) {
        tlog_close_at(tlog);
        if (pick(3) == 0) OK(os_remove_tree(path_join(arena, pond, "cache")));
        *tlog = open_pond();
    }
}

static void random_changes(void **state)
{
    (void)state;
    const char *given = getenv("POND_SEED"), *long_run = getenv("POND_ROUNDS");
    seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();
    print_message("# seed %u\n", seed);
    Tlog *tlog = new_pond();
    static Model model, saved;
    model = (Model){.count = 1};
    model.nodes[0] = (ModelNode){.alive = true, .parent = -1, .id = NODE_ROOT, .type = ENTRY_DIR};
    int rounds = long_run != NULL ? atoi(long_run) : 120;
    Arena *outer = arena;
    for (int round = 0; round < rounds; round++) {
        arena = arena_new();
        some_transactions(&tlog, &model, &saved);
        if (round % 4 == 0) compare(tlog, &model);
        if (round % 10 == 0) check_index(tlog);
        arena_free(arena);
        arena = outer;
        if (model.count > NODES_MAX - 20) break;
    }
    compare(tlog, &model);
    check_whole(tlog);
    tlog_close_at(&tlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(random_changes)};
    return RUN("model", tests);
}
