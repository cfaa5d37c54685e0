/* pond mkdir, rm, mv, ln: changes of the tree, each one transaction. */
#include "cli/commands.h"
#include <string.h>

Err *cli_pond_path(const char *path)
{
    if (path == NULL || strstr(path, "://") == NULL) return NULL;
    return ERR(USAGE, "%s: a path in the pond is expected", path);
}

/* ---- mkdir ---- */

static Err *mkdir_body(void *context, Cli *cli)
{
    (void)context;
    for (size_t i = 0; i < cli->arg_count; i++) {
        TRY(cli_pond_path(cli->args[i]));
        TRY(fs_mkdir(provider_fs(cli->provider), cli->arena, cli->args[i], cli_flag(cli, "parents"),
                     NULL));
    }
    return NULL;
}

static Err *run_mkdir(Cli *cli)
{
    return cli_transact(cli, mkdir_body, NULL);
}

static const Option MKDIR_OPTIONS[] = {
    {"parents", 'p', NULL, "make missing parents; existing directories are fine"}};
const Command COMMAND_MKDIR = {
    .name = "mkdir",
    .usage = "mkdir [-p] PATH...",
    .summary = "make directories",
    .examples = "  pond mkdir /sensors\n  pond mkdir -p /a/b/c /d\n",
    .json = COMMITTED_JSON,
    .options = MKDIR_OPTIONS,
    .option_count = 1,
    .least_args = 1,
    .most_args = -1,
    .run = run_mkdir,
};

/* ---- rm ---- */

/* As in a shell /d/ is d itself, not its contents. */
static const char *without_slash(Arena *arena, const char *text)
{
    size_t length = strlen(text);
    while (length > 1 && text[length - 1] == '/') length--;
    return arena_strndup(arena, text, length);
}

static Err *remove_matches(Cli *cli, const char *text)
{
    Fs *fs = provider_fs(cli->provider);
    const Pattern *pattern = NULL;
    Match *matches = NULL;
    size_t count = 0;
    TRY(cli_pond_path(text));
    text = without_slash(cli->arena, text);
    if (strcmp(text, "/") == 0) return fs_remove(fs, cli->arena, text, true); /* refused */
    TRY(pattern_compile(cli->arena, text, &pattern));
    TRY(fs_match(fs, cli->arena, pattern, (MatchOptions){.keep_links = true}, &matches, &count));
    if (count == 0 && pattern_is_literal(pattern))
        return fs_remove(fs, cli->arena, text, cli_flag(cli, "recursive"));
    if (count == 0) return ERR(NOT_FOUND, "%s: nothing matches", text);
    for (size_t i = count; i-- > 0;) { /* what is deeper goes first */
        TRY(fs_remove(fs, cli->arena, matches[i].path, cli_flag(cli, "recursive")));
    }
    return NULL;
}

static Err *rm_body(void *context, Cli *cli)
{
    (void)context;
    for (size_t i = 0; i < cli->arg_count; i++) TRY(remove_matches(cli, cli->args[i]));
    return NULL;
}

static Err *run_rm(Cli *cli)
{
    return cli_transact(cli, rm_body, NULL);
}

static const Option RM_OPTIONS[] = {
    {"recursive", 'r', NULL, "directories with all that is in them"}};
const Command COMMAND_RM = {
    .name = "rm",
    .usage = "rm [-r] PATTERN...",
    .summary = "remove nodes; a symlink itself, not its target",
    .examples = "  pond rm /old.series\n  pond rm -r '/tmp*'\n",
    .details = "Content stays on disk until maintain --vacuum, 24 hours later at the earliest.",
    .json = COMMITTED_JSON,
    .options = RM_OPTIONS,
    .option_count = 1,
    .least_args = 1,
    .most_args = -1,
    .run = run_rm,
};

/* ---- mv ---- */

static Err *mv_body(void *context, Cli *cli)
{
    (void)context;
    TRY(cli_pond_path(cli->args[0]));
    TRY(cli_pond_path(cli->args[1]));
    return fs_move(provider_fs(cli->provider), cli->arena, cli->args[0], cli->args[1]);
}

static Err *run_mv(Cli *cli)
{
    return cli_transact(cli, mv_body, NULL);
}

const Command COMMAND_MV = {
    .name = "mv",
    .usage = "mv FROM TO",
    .summary = "rename or move a node; one log row, whatever is below it",
    .examples = "  pond mv /a.series /b.series\n  pond mv /a.series /archive/\n",
    .json = COMMITTED_JSON,
    .least_args = 2,
    .most_args = 2,
    .run = run_mv,
};

/* ---- ln ---- */

static Err *ln_body(void *context, Cli *cli)
{
    (void)context;
    Node link = {.type = ENTRY_SYMLINK, .content = cli->args[0]};
    return fs_create(provider_fs(cli->provider), cli->arena, cli->args[1], &link, NULL);
}

static Err *run_ln(Cli *cli)
{
    if (!cli_flag(cli, "symbolic"))
        return err_hint(ERR(USAGE, "pond ln makes symbolic links only"), "pond ln -s %s %s",
                        cli->args[0], cli->args[1]);
    if (*cli->args[0] == '\0') return ERR(USAGE, "pond ln: the target is empty");
    return cli_transact(cli, ln_body, NULL);
}

static const Option LN_OPTIONS[] = {
    {"symbolic", 's', NULL, "make a symbolic link (the only kind)"}};
const Command COMMAND_LN = {
    .name = "ln",
    .usage = "ln -s TARGET PATH",
    .summary = "make a symbolic link",
    .examples = "  pond ln -s /sensors/77001/sonde.series /north.series\n",
    .json = COMMITTED_JSON,
    .options = LN_OPTIONS,
    .option_count = 1,
    .least_args = 2,
    .most_args = 2,
    .run = run_ln,
};
