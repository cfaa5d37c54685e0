/* The store in memory keeps the contract of stores. */
#include "tinyfs/contract.h"
#include <sys/stat.h>
#include <unistd.h>

static void memory_begin(void *context)
{
    fs_memory_begin(context);
}

static void memory_commit(void *context)
{
    fs_memory_commit(context);
}

static void memory_abort(void *context)
{
    fs_memory_abort(context);
}

static char staging_dir[] = "/tmp/pond-test-memory-XXXXXX";

static void open_memory(Arena *arena, ContractStore *out)
{
    FsMemory *memory = NULL;
    OK(fs_memory_open(arena, staging_dir, &memory));
    *out = (ContractStore){.backend = fs_memory_backend(memory),
                           .context = memory,
                           .begin = memory_begin,
                           .commit = memory_commit,
                           .abort = memory_abort};
}

static ContractFactory factory = {open_memory};

static int make_staging(void **state)
{
    (void)state;
    return mkdtemp(staging_dir) == NULL ? -1 : 0;
}

static int remove_staging(void **state)
{
    (void)state;
    SCRATCH(scratch);
    for (int i = 0; i < 100; i++)
        (void)unlink(arena_printf(scratch, "%s/contract-%d", staging_dir, i));
    return rmdir(staging_dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CONTRACT_TESTS(factory)};
    return cmocka_run_group_tests(tests, make_staging, remove_staging);
}
