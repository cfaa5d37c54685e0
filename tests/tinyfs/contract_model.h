/* Part of contract.h: random changes to a store against a model, which is a flat list of nodes,
 * searched from end to end. What the model refuses the store must refuse, whatever the code; after
 * each transaction, committed or aborted, both must hold the same. */
#pragma once
#include "tinyfs/contract_tools.h"

enum { MODEL_NODES = 200, MODEL_VERSIONS = 400, MODEL_TRANSACTIONS = 40, MODEL_CHANGES = 12 };

typedef struct ModelNode {
    NodeId id, parent;
    const char *name;
    EntryType type;
    bool alive;
    int64_t last_version;
} ModelNode;

typedef struct ModelVersion {
    NodeId id;
    int64_t number;
} ModelVersion;

typedef struct Model {
    ModelNode nodes[MODEL_NODES];
    size_t count;
    ModelVersion versions[MODEL_VERSIONS];
    size_t version_count;
} Model;

static uint32_t model_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

/* Mostly one that is alive. */
static ModelNode *model_pick(Model *model, uint64_t *seed)
{
    ModelNode *node = &model->nodes[model_random(seed) % model->count];
    for (int i = 0; i < 3 && !node->alive; i++) {
        node = &model->nodes[model_random(seed) % model->count];
    }
    return node;
}

static const ModelNode *model_entry(const Model *model, const NodeId *parent, const char *name)
{
    for (size_t i = 1; i < model->count; i++) {
        const ModelNode *node = &model->nodes[i];
        bool same = node_id_equal(&node->parent, parent) && strcmp(node->name, name) == 0;
        if (node->alive && same) return node;
    }
    return NULL;
}

static bool model_is_below(const Model *model, const ModelNode *node, const ModelNode *top)
{
    while (node != top && node != &model->nodes[0]) {
        for (size_t i = 0; i < model->count; i++) {
            if (!node_id_equal(&model->nodes[i].id, &node->parent)) continue;
            node = &model->nodes[i];
            break;
        }
    }
    return node == top;
}

static bool model_place_is_free(const Model *model, const ModelNode *dir, const char *name)
{
    return dir->alive && dir->type == ENTRY_DIR && model_entry(model, &dir->id, name) == NULL;
}

/* The store must do what the model does, or refuse what the model refuses. */
static bool model_agrees(Err *err, bool allowed)
{
    bool done = err == NULL;
    if (done != allowed) print_error("%s\n", done ? "done, not refused" : err_message(err));
    err_free(err);
    assert_int_equal(done, allowed);
    return done;
}

static void model_create(Contract *c, Model *model, uint64_t *seed, const char *name)
{
    static const EntryType TYPES[] = {ENTRY_DIR,         ENTRY_DIR,         ENTRY_DIR,
                                      ENTRY_DATA_SERIES, ENTRY_DATA_SERIES, ENTRY_DATA};
    const ModelNode *dir = model_pick(model, seed);
    EntryType type = TYPES[model_random(seed) % 6];
    Node made = {0};
    if (model->count == MODEL_NODES) return;
    if (!model_agrees(try_create(c, dir->id, name, type, &made),
                      model_place_is_free(model, dir, name)))
        return;
    model->nodes[model->count++] =
        (ModelNode){.id = made.id, .parent = dir->id, .name = name, .type = type, .alive = true};
}

static void model_rename(Contract *c, Model *model, uint64_t *seed, const char *name)
{
    ModelNode *node = model_pick(model, seed), *dir = model_pick(model, seed);
    bool allowed = node->alive && node != &model->nodes[0] &&
                   model_place_is_free(model, dir, name) && !model_is_below(model, dir, node);
    if (!model_agrees(ops_of(c)->rename(self_of(c), node->id, dir->id, name), allowed)) return;
    node->parent = dir->id;
    node->name = name;
}

static void model_remove(Contract *c, Model *model, uint64_t *seed)
{
    ModelNode *node = model_pick(model, seed);
    bool allowed = node->alive && node != &model->nodes[0];
    for (size_t i = 1; i < model->count; i++) {
        const ModelNode *other = &model->nodes[i];
        if (other->alive && node_id_equal(&other->parent, &node->id)) allowed = false;
    }
    if (model_agrees(ops_of(c)->remove(self_of(c), node->id), allowed)) node->alive = false;
}

static void model_drop_versions(Model *model, const ModelNode *node, int64_t from, int64_t to)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->version_count; i++) {
        ModelVersion v = model->versions[i];
        bool gone = node_id_equal(&v.id, &node->id) && v.number >= from && v.number <= to;
        if (!gone) model->versions[kept++] = v;
    }
    model->version_count = kept;
}

static void model_append(Contract *c, Model *model, uint64_t *seed)
{
    ModelNode *node = model_pick(model, seed);
    VersionSpec spec = inline_spec("content", 7);
    Version made = {0};
    bool versioned = node->type == ENTRY_DATA || node->type == ENTRY_DATA_SERIES;
    if (model->version_count == MODEL_VERSIONS) return;
    Err *err = ops_of(c)->append(self_of(c), node->id, &spec, &made);
    if (!model_agrees(err, node->alive && versioned)) return;
    assert_int_equal(made.version, ++node->last_version);
    if (node->type == ENTRY_DATA) model_drop_versions(model, node, 1, made.version);
    model->versions[model->version_count++] = (ModelVersion){node->id, made.version};
}

static void model_drop(Contract *c, Model *model, uint64_t *seed)
{
    ModelNode *node = model_pick(model, seed);
    if (!node->alive || node->last_version == 0) return;
    int64_t from = 1 + model_random(seed) % node->last_version, to = from + model_random(seed) % 3;
    OK(ops_of(c)->drop(self_of(c), node->id, from, to));
    model_drop_versions(model, node, from, to);
}

static void model_change(Contract *c, Model *model, uint64_t *seed)
{
    static const char *const NAMES[] = {"a", "b", "c", "d=1", "é", "f g", "h", "i", "\n"};
    const char *name = NAMES[model_random(seed) % 9];
    switch (model_random(seed) % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: model_create(c, model, seed, name); break;
    case 5:
    case 6: model_rename(c, model, seed, name); break;
    case 7: model_remove(c, model, seed); break;
    case 8: model_drop(c, model, seed); break;
    default: model_append(c, model, seed); break;
    }
}

static void model_compare(Contract *c, const Model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        const ModelNode *node = &model->nodes[i];
        Buf numbers = buf_new(c->arena);
        size_t entries = 0;
        assert_int_equal(is_there(c, node->id), node->alive);
        if (!node->alive) continue;
        for (size_t k = 0; k < model->version_count; k++) {
            if (!node_id_equal(&model->versions[k].id, &node->id)) continue;
            buf_printf(&numbers, "%s%lld", numbers.size > 0 ? "," : "",
                       (long long)model->versions[k].number);
        }
        if (node->type != ENTRY_DIR) assert_string_equal(numbers_of(c, node->id), numbers.data);
        for (size_t k = 1; k < model->count; k++) {
            const ModelNode *child = &model->nodes[k];
            Node seen = {0};
            if (!child->alive || !node_id_equal(&child->parent, &node->id)) continue;
            assert_true(has_entry(c, node->id, child->name, &seen));
            assert_string_equal(seen.id.text, child->id.text);
            entries++;
        }
        Node *children = NULL;
        size_t count = 0;
        OK(ops_of(c)->children(self_of(c), c->arena, node->id, &children, &count));
        assert_int_equal(count, entries);
        for (size_t k = 1; k < count; k++)
            assert_true(strcmp(children[k - 1].name, children[k].name) < 0);
    }
}

static void contract_random(void **state)
{
    Contract *c = *state;
    uint64_t seed = UINT64_C(20240702);
    Model *model = ANEW(c->arena, Model), *before = ANEW(c->arena, Model);
    model->nodes[model->count++] =
        (ModelNode){.id = NODE_ROOT, .name = "", .type = ENTRY_DIR, .alive = true};
    for (int i = 0; i < MODEL_TRANSACTIONS; i++) {
        memcpy(before, model, sizeof *model);
        begin(c);
        for (int k = 0; k < MODEL_CHANGES; k++) model_change(c, model, &seed);
        model_compare(c, model);
        if (i % 4 == 3) {
            abort_changes(c);
            for (size_t k = before->count; k < model->count; k++)
                assert_false(is_there(c, model->nodes[k].id));
            memcpy(model, before, sizeof *model);
        } else {
            commit(c);
        }
        model_compare(c, model);
    }
    int64_t appended = 0;
    for (size_t i = 0; i < model->count; i++) appended += model->nodes[i].last_version;
    assert_in_range(model->count, 50, MODEL_NODES); /* it did something */
    assert_in_range(appended, 50, MODEL_VERSIONS);
}
