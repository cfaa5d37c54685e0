/* pond maintain: what keeps a pond quick and small. First versions are collapsed, then the log's
 * checkpoint is written, then what nothing refers to any more may go. */
#include "cli/commands.h"
#include <stdlib.h>

static const Option OPTIONS[] = {
    {"compact", 0, NULL, "merge all log data files into one"},
    {"collapse-versions", 0, "N",
     "make series of more than N versions into few, content unchanged"},
    {"dry-run", 0, NULL, "with --collapse-versions: tell what would be done"},
    {"vacuum", 0, NULL, "remove files that nothing refers to"},
    {"retain", 0, "TIME", "with --vacuum: keep what was dropped less than TIME ago (default 24h)"},
};

/* ---- what is told ---- */

static void tell_json(const Cli *cli, const PondMaintained *done, const Collapsed *collapsed)
{
    const struct {
        const char *key;
        int64_t value;
    } members[] = {
        {"collapsed_series", collapsed->series},
        {"collapsed_versions", collapsed->versions_before},
        {"made_versions", collapsed->versions_after},
        {"rewritten_bytes", collapsed->rewritten_bytes},
        {"merged_files", done->checkpoint.merged_files},
        {"merged_rows", done->checkpoint.merged_rows},
        {"log_version", done->checkpoint.log_version},
        {"removed_blobs", done->vacuumed.blobs},
        {"removed_log_files", done->vacuumed.log_files},
        {"removed_staging", done->vacuumed.staging},
        {"removed_bytes", done->vacuumed.bytes},
    };
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_kv_int(&json, members[i].key, members[i].value);
    json_end(&json);
    out_json(&text);
}

static void tell_text(const Cli *cli, const PondMaintained *done, const Collapsed *collapsed)
{
    Arena *arena = cli->arena;
    if (cli_flag(cli, "collapse-versions"))
        out_printf("Collapsed %lld series: %s became %s, %s rewritten\n",
                   (long long)collapsed->series,
                   count_of(arena, collapsed->versions_before, "version"),
                   count_format(arena, collapsed->versions_after),
                   size_format(arena, collapsed->rewritten_bytes));
    out_printf("Checkpoint at log version %lld; %s merged\n",
               (long long)done->checkpoint.log_version,
               count_of(arena, done->checkpoint.merged_files, "log file"));
    if (cli_flag(cli, "vacuum"))
        out_printf("Removed %s, %s, %s: %s\n", count_of(arena, done->vacuumed.blobs, "blob"),
                   count_of(arena, done->vacuumed.log_files, "log file"),
                   count_of(arena, done->vacuumed.staging, "staged file"),
                   size_format(arena, done->vacuumed.bytes));
}

/* ---- the command ---- */

static Err *read_collapse(const Cli *cli, CollapseOptions *out)
{
    const char *text = cli_option(cli, "collapse-versions");
    char *end = NULL;
    out->dry_run = cli_flag(cli, "dry-run");
    if (text == NULL)
        return out->dry_run ? err_hint(ERR(USAGE, "--dry-run is for --collapse-versions"),
                                       "add --collapse-versions N")
                            : NULL;
    out->most = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || out->most < 1)
        return ERR(USAGE, "--collapse-versions: a number above 0 is expected, not '%s'", text);
    if (out->dry_run && (cli_flag(cli, "compact") || cli_flag(cli, "vacuum")))
        return ERR(USAGE, "--dry-run tells of --collapse-versions only");
    return NULL;
}

static Err *run(Cli *cli)
{
    PondMaintain what = {
        .compact = cli_flag(cli, "compact"), .vacuum = cli_flag(cli, "vacuum"), .retain_us = -1};
    CollapseOptions collapse = {0};
    Collapsed collapsed = {0};
    PondMaintained done;
    Pond *pond = NULL;
    if (cli_flag(cli, "retain")) TRY(cli_duration(cli, "retain", &what.retain_us));
    if (cli_flag(cli, "retain") && !what.vacuum)
        return err_hint(ERR(USAGE, "--retain is for --vacuum"), "add --vacuum");
    TRY(read_collapse(cli, &collapse));
    TRY(cli_open_pond(cli, &pond));
    if (collapse.most > 0) TRY(collapse_all(cli, collapse, &collapsed));
    if (collapse.dry_run) return NULL;
    Err *err = pond_maintain(pond, what, &done);
    if (err != NULL && collapsed.series > 0)
        return ERR_WRAP(err, "the collapse of %lld series is committed, but not what follows it",
                        (long long)collapsed.series);
    TRY(err);
    if (cli->json)
        tell_json(cli, &done, &collapsed);
    else if (!cli->quiet)
        tell_text(cli, &done, &collapsed);
    return NULL;
}

const Command COMMAND_MAINTAIN = {
    .name = "maintain",
    .usage = "maintain [--collapse-versions N [--dry-run]] [--compact] [--vacuum [--retain TIME]]",
    .summary = "checkpoint, merge small log files, collapse versions, remove unreferenced files",
    .examples = "  pond maintain\n  pond maintain --compact --vacuum\n"
                "  pond maintain --collapse-versions 32 --dry-run\n"
                "  pond maintain --collapse-versions 32 --vacuum --retain 7d\n",
    .details =
        "--collapse-versions makes series of more than N live versions into at most N: the same "
        "rows in the same order, the same bytes of data. Small versions become one; large old ones "
        "stay until what came after them is half as large, so regular runs cost what was added. "
        "Versions of half a gigabyte are full and never rewritten. N = 1 leaves one version (of at "
        "most a gigabyte each). The old versions leave the disk with --vacuum.\n"
        "The root of pond fsck changes: it covers the list of versions.",
    .json = "{\"collapsed_series\",\"collapsed_versions\",\"made_versions\",\"rewritten_bytes\","
            "\"merged_files\",\"merged_rows\",\"log_version\",\"removed_blobs\",\"removed_log_"
            "files\",\"removed_staging\",\"removed_bytes\"}; with --dry-run "
            "[{\"path\",\"versions\",\"after\",\"rewrite_bytes\"}]",
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .run = run,
};
