/* What a command works on, opened on demand and closed at the end: the pond, the provider over it,
 * transactions. */
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>

static Err *pond_dir_of(const Cli *cli, const char **out)
{
    if (cli->pond_dir == NULL || *cli->pond_dir == '\0') {
        return err_hint(ERR(USAGE, "no pond is named"), "use --pond DIR, or set POND=DIR");
    }
    *out = cli->pond_dir;
    return NULL;
}

Err *cli_open_pond(Cli *cli, Pond **out)
{
    const char *dir = NULL;
    int64_t wait_ms = 0;
    if (cli->pond == NULL) {
        TRY(pond_dir_of(cli, &dir));
        TRY(cli_wait_ms(cli, &wait_ms));
        TRY(pond_open(dir,
                      &(PondOptions){.command = cli->command_line,
                                     .wait_ms = wait_ms,
                                     .allow_network_fs = cli_flag(cli, "allow-network-fs")},
                      &cli->pond));
    }
    *out = cli->pond;
    return NULL;
}

/* Scratch for a command without a pond. */
static Err *own_temp(Cli *cli)
{
    const char *root = getenv("TMPDIR");
    uint64_t random = 0;
    os_random(&random, sizeof random);
    char *dir =
        arena_printf(cli->arena, "%s/pond-%016llx", root != NULL && *root != '\0' ? root : "/tmp",
                     (unsigned long long)random);
    TRY(os_mkdir(dir));
    os_class_add(dir, OS_STAGING);
    cli->own_temp = dir;
    return NULL;
}

/* What user SQL may make the engine read and write: the pond's own folders and this command's
 * scratch. */
static void allow_files(const Cli *cli, const char *scratch_dir)
{
    static const char *const FOLDERS[] = {"blobs", "cache", "log", "tmp"};
    engine_allow(scratch_dir);
    for (size_t i = 0; cli->pond != NULL && i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        engine_allow(arena_printf(cli->arena, "%s/%s", pond_info(cli->pond)->dir, FOLDERS[i]));
    }
}

Err *cli_temp_dir(Cli *cli, const char **out)
{
    if (cli->own_temp == NULL) TRY(own_temp(cli));
    *out = cli->own_temp;
    return NULL;
}

static Err *scratch(void *context, const char **out)
{
    Cli *cli = context;
    if (cli->pond != NULL) {
        *out = pond_temp_dir(cli->pond);
    } else {
        TRY(cli_temp_dir(cli, out));
    }
    allow_files(cli, *out);
    engine_configure(&(EngineOptions){
        .memory_limit_bytes = cli->memory_bytes, .temp_dir = *out, .log_statements = cli->verbose});
    return NULL;
}

static Cache *cache(void *context)
{
    const Cli *cli = context;
    return cli->pond != NULL ? pond_cache(cli->pond) : NULL;
}

static Err *format_budget(int64_t *out)
{
    const char *text = getenv("POND_FORMAT_CACHE");
    return text == NULL ? NULL : ERR_WRAP(size_parse(text, out), "POND_FORMAT_CACHE");
}

Err *cli_open_provider(Cli *cli, bool pond_needed, Provider **out)
{
    ProviderOptions options = {.vars = cli->vars,
                               .var_count = cli->var_count,
                               .cache = cache,
                               .scratch = scratch,
                               .threads = cli->threads,
                               .context = cli};
    Pond *pond = NULL;
    if (cli->provider == NULL) {
        if (pond_needed || (cli->pond_dir != NULL && *cli->pond_dir != '\0')) {
            TRY(cli_open_pond(cli, &pond));
            options.backend = pond_backend(pond);
            TRY(format_budget(&options.format_budget_bytes));
            options.format_dir = arena_printf(cli->arena, "%s/cache/formats", pond_info(pond)->dir);
        }
        TRY(provider_open(cli->arena, &options, &cli->provider));
        factory_install(cli->provider);
    }
    *out = cli->provider;
    return NULL;
}

Err *cli_check_outside(const Cli *cli, const char *path)
{
    if (cli->pond == NULL) return NULL;
    SCRATCH(scratch);
    char *pond = NULL, *place = NULL;
    TRY(os_absolute(scratch, pond_info(cli->pond)->dir, &pond));
    TRY(os_absolute(scratch, path, &place));
    size_t length = strlen(pond);
    if (strncmp(place, pond, length) != 0 || (place[length] != '/' && place[length] != '\0'))
        return NULL;
    return err_hint(err_path(ERR(INVALID, "%s: lies in the pond's own folder", path), path),
                    "choose a folder outside of %s", pond);
}

typedef struct Transaction {
    Cli *cli;
    CliBody *body;
    void *context;
} Transaction;

static Err *transact(void *context, Pond *pond)
{
    (void)pond;
    Transaction *transaction = context;
    Cli *cli = transaction->cli;
    fs_forget(provider_fs(cli->provider)); /* a second try sees what another writer left */
    return transaction->body(transaction->context, cli);
}

Err *cli_commit(Cli *cli, CliBody *body, void *context, TlogCommitted *out)
{
    Provider *provider = NULL;
    Transaction transaction = {.cli = cli, .body = body, .context = context};
    TRY(cli_open_provider(cli, true, &provider));
    Err *err = pond_transact(cli->pond, transact, &transaction, out);
    fs_forget(provider_fs(provider));
    if (err == NULL && out->txn > 0) cli->committed = out->txn;
    return err;
}

Err *cli_rehearse(Cli *cli, CliBody *body, void *context)
{
    Provider *provider = NULL;
    Transaction transaction = {.cli = cli, .body = body, .context = context};
    TRY(cli_open_provider(cli, true, &provider));
    Err *err = pond_rehearse(cli->pond, transact, &transaction);
    fs_forget(provider_fs(provider));
    return err;
}

Err *cli_transact(Cli *cli, CliBody *body, void *context)
{
    TlogCommitted done;
    TRY(cli_commit(cli, body, context, &done));
    if (!cli->json) return NULL;
    out_printf("{\"txn\":%lld,\"log_version\":%lld,\"rows\":%lld}\n", (long long)done.txn,
               (long long)done.log_version, (long long)done.rows);
    return NULL;
}

void cli_close(Cli *cli)
{
    provider_close_at(&cli->provider);
    pond_close_at(&cli->pond);
    if (cli->own_temp != NULL) err_free(os_remove_tree(cli->own_temp));
    engine_shutdown();
}
