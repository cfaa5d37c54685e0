/* pond init, pond version. */
#include "cli/commands.h"

static const Option INIT_OPTIONS[] = {
    {"birthplace", 0, "LABEL", "where the pond was made; immutable (default: the host's name)"}};

static Err *run_init(Cli *cli)
{
    int64_t wait_ms = 0;
    Pond *pond = NULL;
    if (cli->arg_count > 0) cli->pond_dir = cli->args[0];
    if (cli->pond_dir == NULL || *cli->pond_dir == '\0') {
        return err_hint(ERR(USAGE, "no pond is named"), "use pond init DIR, or set POND=DIR");
    }
    TRY(cli_wait_ms(cli, &wait_ms));
    PondOptions options = {.command = cli->command_line,
                           .wait_ms = wait_ms,
                           .allow_network_fs = cli_flag(cli, "allow-network-fs")};
    Err *err = pond_init(cli->pond_dir, cli_option(cli, "birthplace"), &options);
    if (err != NULL && err_code(err) == ERR_POND_EXISTS)
        return err_hint(err, "it was left as it is; a pond is made in an absent or empty folder");
    TRY(err);
    err = cli_open_pond(cli, &pond);
    if (err != NULL) { /* the pond is there: that is what was asked for */
        log_warn("the pond is made, but it cannot be read back: %s", err_message(err));
        err_free(err);
        return NULL;
    }
    const TlogInfo *info = pond_info(pond);
    if (cli->json) {
        Buf text = buf_new(cli->arena);
        JsonOut json = json_out(&text);
        json_begin_object(&json);
        json_kv_str(&json, "pond", info->dir);
        json_kv_str(&json, "id", info->pond_id);
        json_kv_str(&json, "birthplace", info->birthplace);
        json_end(&json);
        out_json(&text);
    } else if (!cli->quiet) {
        out_printf("Initialized an empty pond in %s\n", info->dir);
    }
    return NULL;
}

const Command COMMAND_INIT = {
    .name = "init",
    .usage = "init [DIR] [--birthplace LABEL]",
    .summary = "make a pond in an absent or empty directory",
    .examples = "  pond init ~/pond\n  POND=~/pond pond init --birthplace field-laptop\n",
    .details = "DIR: as --pond DIR of this command. An existing pond is left untouched (exit 5).",
    .json = "{\"pond\",\"id\",\"birthplace\"}",
    .options = INIT_OPTIONS,
    .option_count = 1,
    .most_args = 1,
    .run = run_init,
};

static Err *run_version(Cli *cli)
{
    if (cli->json)
        out_printf("{\"pond\":\"" POND_VERSION "\",\"format\":1%s%s%s}\n",
                   cli->verbose ? ",\"engine\":\"" : "", cli->verbose ? engine_version() : "",
                   cli->verbose ? "\"" : "");
    else
        out_printf("pond " POND_VERSION "%s%s\n", cli->verbose ? ", DuckDB " : "",
                   cli->verbose ? engine_version() : "");
    return NULL;
}

const Command COMMAND_VERSION = {
    .name = "version",
    .usage = "version",
    .summary = "print the version (with --verbose also the engine's)",
    .examples = "  pond version --verbose\n",
    .json = "{\"pond\",\"format\",\"engine\"}",
    .run = run_version,
};
