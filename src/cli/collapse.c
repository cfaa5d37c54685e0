/* Collapsing all series of the pond: which, in which transactions, and what is told. How one is
 * collapsed stands in provider/collapse.c.
 *
 * The series are found before the lock is taken; under it each is looked at again, for it may have
 * been changed or removed. A failure leaves the transactions before it. */
#include "cli/catalog.h"
#include "cli/commands.h"

enum { BATCH_SERIES = 500 };
static const int64_t BATCH_BYTES = INT64_C(256) << 20;

typedef struct Candidate {
    NodeId id;
    const char *path;
} Candidate;

typedef struct Batch {
    Cli *cli;
    CollapseOptions options;
    VEC(Candidate) candidates;
    size_t next;         /* the first candidate of this transaction */
    size_t done;         /* how many it has looked at */
    Collapsed collapsed; /* by it */
    Collapsed all;
    Buf json; /* of a dry run */
    JsonOut out;
    Progress *progress;
} Batch;

static Err *find_candidates(Batch *batch)
{
    NodeWalk *walk = node_walk_open(batch->cli, (NodeWalkOptions){0});
    const Node *node = NULL;
    const char *path = NULL;
    Err *err = NULL;
    while ((err = node_walk_next(walk, &node, &path)) == NULL && node != NULL) {
        if (!entry_is_series(node->type) || node->version_count <= batch->options.most) continue;
        Candidate found = {node->id, arena_strdup(batch->cli->arena, path)};
        vec_push(batch->cli->arena, &batch->candidates, found);
    }
    node_walk_close(walk);
    return err;
}

/* One candidate as it is now; *out_found = false when it is gone or needs nothing. */
typedef struct Planned {
    Node node;
    Version *versions;
    size_t count;
    CollapsePlan plan;
} Planned;

static Err *plan_one(const Batch *batch, Arena *arena, const Candidate *candidate, bool *out_found,
                     Planned *out)
{
    FsBackend store = fs_backend(provider_fs(batch->cli->provider));
    TRY(store.ops->get(store.self, arena, candidate->id, out_found, &out->node));
    *out_found = *out_found && entry_is_series(out->node.type);
    if (!*out_found) return NULL;
    TRY(store.ops->versions(store.self, arena, candidate->id, &out->versions, &out->count));
    TRY(provider_collapse_plan(arena, out->node.type, out->versions, out->count,
                               (size_t)batch->options.most, &out->plan));
    if (out->plan.reason != NULL)
        log_warn("%s: %zu versions stay: %s", candidate->path, out->plan.after, out->plan.reason);
    *out_found = out->plan.run_count > 0;
    return NULL;
}

static void count_one(Collapsed *sum, const Planned *planned)
{
    sum->series++;
    sum->versions_before += (int64_t)planned->count;
    sum->versions_after += (int64_t)planned->plan.after;
    sum->rewritten_bytes += planned->plan.rewrite_bytes;
}

/* ---- for real ---- */

static Err *collapse_one(Batch *batch, const Candidate *candidate)
{
    SCRATCH(scratch);
    Planned planned = {0};
    bool found = false;
    TRY(plan_one(batch, scratch, candidate, &found, &planned));
    if (!found) return NULL;
    const CollapseCall call = {.node = &planned.node,
                               .path = candidate->path,
                               .versions = planned.versions,
                               .plan = &planned.plan};
    TRY(provider_collapse(batch->cli->provider, scratch, &call));
    count_one(&batch->collapsed, &planned);
    return NULL;
}

static Err *collapse_batch(void *context, Pond *pond)
{
    Batch *batch = context;
    (void)pond;
    batch->collapsed = (Collapsed){0};
    for (batch->done = 0;
         batch->next + batch->done < batch->candidates.n &&
         batch->collapsed.rewritten_bytes < BATCH_BYTES && batch->collapsed.series < BATCH_SERIES;
         batch->done++) {
        TRY(os_check_interrupt());
        const size_t at = batch->next + batch->done;
        progress_update(batch->progress, (int64_t)at, (int64_t)batch->candidates.n, "series",
                        batch->candidates.v[at].path);
        TRY(collapse_one(batch, &batch->candidates.v[at]));
    }
    return NULL;
}

static Err *collapse_for_real(Batch *batch)
{
    while (batch->next < batch->candidates.n) {
        TlogCommitted committed;
        TRY(pond_transact(batch->cli->pond, collapse_batch, batch, &committed));
        fs_forget(provider_fs(batch->cli->provider));
        batch->next += batch->done;
        batch->all.series += batch->collapsed.series;
        batch->all.versions_before += batch->collapsed.versions_before;
        batch->all.versions_after += batch->collapsed.versions_after;
        batch->all.rewritten_bytes += batch->collapsed.rewritten_bytes;
    }
    return NULL;
}

/* ---- a dry run ---- */

static void tell_one(Batch *batch, const Candidate *candidate, const Planned *planned)
{
    SCRATCH(scratch);
    if (!batch->cli->json) {
        out_printf("%s: %zu versions would become %zu, %s rewritten\n", candidate->path,
                   planned->count, planned->plan.after,
                   size_format(scratch, planned->plan.rewrite_bytes));
        return;
    }
    json_begin_object(&batch->out);
    json_kv_str(&batch->out, "path", candidate->path);
    json_kv_int(&batch->out, "versions", (int64_t)planned->count);
    json_kv_int(&batch->out, "after", (int64_t)planned->plan.after);
    json_kv_int(&batch->out, "rewrite_bytes", planned->plan.rewrite_bytes);
    json_end(&batch->out);
}

static Err *tell_all(Batch *batch)
{
    batch->json = buf_new(batch->cli->arena);
    batch->out = json_out(&batch->json);
    json_begin_array(&batch->out);
    for (size_t i = 0; i < batch->candidates.n; i++) {
        SCRATCH(scratch);
        Planned planned = {0};
        bool found = false;
        TRY(plan_one(batch, scratch, &batch->candidates.v[i], &found, &planned));
        if (!found) continue;
        tell_one(batch, &batch->candidates.v[i], &planned);
        count_one(&batch->all, &planned);
    }
    json_end(&batch->out);
    if (batch->cli->json)
        out_json(&batch->json);
    else if (batch->all.series == 0 && !batch->cli->quiet)
        out_printf("Nothing to collapse\n");
    return NULL;
}

Err *collapse_all(Cli *cli, CollapseOptions options, Collapsed *out)
{
    Batch batch = {.cli = cli, .options = options};
    Provider *provider = NULL;
    TRY(cli_open_provider(cli, true, &provider));
    TRY(find_candidates(&batch));
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "collapse");
    batch.progress = progress;
    TRY(options.dry_run ? tell_all(&batch) : collapse_for_real(&batch));
    *out = batch.all;
    return NULL;
}
