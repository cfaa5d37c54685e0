/* Delta log entries: whatever bytes an entry holds, reading it accepts or refuses with a message;
 * what was accepted can be replayed, and what our writer then makes of it reads back with the same
 * paths, sizes and transactions. */
#include "delta/delta_int.h"
#include "fuzz.h"

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_same(const DeltaActions *a, const DeltaActions *b)
{
    CHECK(a->adds.n == b->adds.n && a->removes.n == b->removes.n && a->txns.n == b->txns.n);
    for (size_t i = 0; i < a->adds.n; i++) {
        CHECK(same_text(a->adds.v[i].path, b->adds.v[i].path));
        CHECK(a->adds.v[i].size_bytes == b->adds.v[i].size_bytes);
        CHECK(same_text(a->adds.v[i].stats, b->adds.v[i].stats));
        CHECK(same_text(a->adds.v[i].tags, b->adds.v[i].tags));
    }
    for (size_t i = 0; i < a->removes.n; i++)
        CHECK(same_text(a->removes.v[i].path, b->removes.v[i].path));
    for (size_t i = 0; i < a->txns.n; i++) CHECK(a->txns.v[i].version == b->txns.v[i].version);
    CHECK(same_text(a->metadata.id, b->metadata.id) &&
          same_text(a->metadata.schema, b->metadata.schema));
}

static void check_replay(Arena *arena, const DeltaActions *actions)
{
    DeltaReplay replay = delta_replay_new(arena);
    DeltaSnapshot snapshot = {0};
    if (refused(delta_replay_actions(&replay, actions))) return;
    delta_replay_finish(arena, &replay, &snapshot);
    CHECK(snapshot.add_count <= actions->adds.n && snapshot.remove_count <= actions->removes.n);
}

static void check_writes_back(Arena *arena, const DeltaActions *actions)
{
    DeltaCommit commit = {.info = actions->info,
                          .protocol = actions->protocol,
                          .metadata = actions->metadata,
                          .adds = actions->adds.v,
                          .add_count = actions->adds.n,
                          .removes = actions->removes.v,
                          .remove_count = actions->removes.n,
                          .txns = actions->txns.v,
                          .txn_count = actions->txns.n};
    Buf text = buf_new(arena);
    DeltaActions again = {0};
    if (refused(delta_commit_text(arena, &commit, &text))) return;
    MUST(delta_actions_parse(arena, "written", text.data, text.size, &again));
    check_same(actions, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    DeltaActions actions = {0};
    if (refused(delta_actions_parse(arena, "input", (const char *)bytes, size_bytes, &actions)))
        return 0;
    check_replay(arena, &actions);
    check_writes_back(arena, &actions);
    return 0;
}
