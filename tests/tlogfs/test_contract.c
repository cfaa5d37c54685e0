/* The stored backend keeps the contract of stores, each commit looked at again from its files. */
#include "os/os.h"
#include "tinyfs/contract.h"
#include "tlogfs/tlogfs.h"
#include <stdio.h>

static char folder[] = "/tmp/pond-test-contract-XXXXXX";

typedef struct Stored {
    Tlog *tlog;
    char dir[sizeof folder + 16];
} Stored;

static void stored_begin(void *context)
{
    OK(tlog_begin(((Stored *)context)->tlog));
}

static void stored_commit(void *context)
{
    TlogCommitted done;
    const TlogCommitInfo who = {"pond test", "tester", "here"};
    OK(tlog_commit(((Stored *)context)->tlog, &who, &done));
}

static void stored_abort(void *context)
{
    tlog_abort(((Stored *)context)->tlog);
}

static FsBackend stored_reopen(void *context)
{
    Stored *stored = context;
    tlog_close_at(&stored->tlog);
    OK(tlog_open(stored->dir, (TlogOptions){0}, &stored->tlog));
    return tlog_backend(stored->tlog);
}

static void stored_close(void *context)
{
    tlog_close_at(&((Stored *)context)->tlog);
}

static void open_stored(Arena *arena, ContractStore *out)
{
    static int number;
    Stored *stored = ANEW(arena, Stored);
    const TlogCommitInfo who = {"pond init", "tester", "here"};
    (void)snprintf(stored->dir, sizeof stored->dir, "%s/%d", folder, ++number);
    OK(tlog_create(stored->dir, "here", &who));
    OK(tlog_open(stored->dir, (TlogOptions){0}, &stored->tlog));
    *out = (ContractStore){.backend = tlog_backend(stored->tlog),
                           .context = stored,
                           .begin = stored_begin,
                           .commit = stored_commit,
                           .abort = stored_abort,
                           .reopen = stored_reopen,
                           .close = stored_close};
}

static ContractFactory factory = {open_stored};

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    engine_shutdown();
    OK(os_remove_tree(folder));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {CONTRACT_TESTS(factory)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
