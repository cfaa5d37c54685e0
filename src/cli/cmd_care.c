/* pond fsck, recover: is a pond sound, and what a crash left. */
#include "cli/commands.h"
#include <string.h>

/* ---- fsck ---- */

static const Option FSCK_OPTIONS[] = {{"quick", 0, NULL, "blobs by existence and size only"}};

static void on_fsck(void *context, int64_t done, int64_t all)
{
    progress_update(context, done, all, "bytes", NULL);
}

static void fsck_problem_json(JsonOut *json, const TlogProblem *problem)
{
    json_begin_object(json);
    json_kv_str(json, "code", err_code_id(problem->code));
    json_kv_str(json, "what", problem->what);
    json_kv_str(json, "mend", problem->mend);
    json_kv_bool(json, "fatal", problem->fatal);
    json_key(json, "versions");
    json_begin_array(json);
    for (size_t i = 0; i < problem->ref_count; i++) {
        json_begin_object(json);
        json_kv_str(json, "path", problem->refs[i].path);
        json_kv_int(json, "version", problem->refs[i].version);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void fsck_json(Cli *cli, const TlogFsck *fsck)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_bool(&json, "clean", fsck->problem_count == 0);
    json_kv_str(&json, "root", fsck->root);
    json_kv_int(&json, "commits", fsck->commits);
    json_kv_int(&json, "rows", fsck->rows);
    json_kv_int(&json, "nodes", fsck->nodes);
    json_kv_int(&json, "versions", fsck->versions);
    json_kv_int(&json, "blobs", fsck->blobs);
    json_kv_int(&json, "bytes", fsck->bytes);
    json_key(&json, "problems");
    json_begin_array(&json);
    for (size_t i = 0; i < fsck->problem_count; i++) fsck_problem_json(&json, &fsck->problems[i]);
    json_end(&json);
    json_end(&json);
    out_json(&text);
}

static void fsck_text(const Cli *cli, const TlogFsck *fsck)
{
    for (size_t i = 0; i < fsck->problem_count; i++) {
        const TlogProblem *problem = &fsck->problems[i];
        (void)fprintf(
            stderr, "%s%s%s: %s\n", paint(cli->color_err, problem->fatal ? "red" : "yellow"),
            problem->fatal ? "damaged" : "mendable", paint(cli->color_err, "reset"), problem->what);
        if (problem->mend != NULL) (void)fprintf(stderr, "hint: %s\n", problem->mend);
    }
    Arena *arena = cli->arena;
    out_printf("%s, %s, %s, %s, %s (%s): %s\n", count_of(arena, fsck->commits, "commit"),
               count_of(arena, fsck->rows, "row"), count_of(arena, fsck->nodes, "node"),
               count_of(arena, fsck->versions, "version"), count_of(arena, fsck->blobs, "blob"),
               size_format(arena, fsck->bytes), fsck->problem_count == 0 ? "clean" : "NOT CLEAN");
    out_printf("root %s\n", fsck->root);
}

static Err *run_fsck(Cli *cli)
{
    TlogFsck fsck;
    Pond *pond = NULL;
    TRY(cli_open_pond(cli, &pond));
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "fsck");
    TRY(tlog_fsck(cli->arena, pond_tlog(pond),
                  (TlogFsckOptions){
                      .quick = cli_flag(cli, "quick"), .progress = on_fsck, .context = progress},
                  &fsck));
    progress_end_at(&progress);
    if (cli->json)
        fsck_json(cli, &fsck);
    else
        fsck_text(cli, &fsck);
    for (size_t i = 0; i < fsck.problem_count; i++) {
        cli->status = fsck.problems[i].fatal ? err_exit_status(ERR_CORRUPT)
                      : cli->status == 0     ? 1
                                             : cli->status;
    }
    return NULL;
}

const Command COMMAND_FSCK = {
    .name = "fsck",
    .usage = "fsck [--quick]",
    .summary = "check every row and blob against its hash; print the content's fingerprint",
    .examples = "  pond fsck\n  pond fsck --quick --json\n",
    .details =
        "The root is a fingerprint of the content alone: two ponds with the same tree and bytes "
        "have the same one.\n"
        "Exit 0 clean, 1 when only something disposable is damaged, 7 when stored content is.",
    .json = "{\"clean\",\"root\",\"commits\",\"rows\",\"nodes\",\"versions\",\"blobs\",\"bytes\","
            "\"problems\":[{\"code\",\"what\",\"mend\",\"fatal\",\"versions\":[{\"path\","
            "\"version\"}]}]}",
    .options = FSCK_OPTIONS,
    .option_count = 1,
    .run = run_fsck,
};

/* ---- recover ---- */

static const Option RECOVER_OPTIONS[] = {
    {"dir", 'd', "OUT", "an export folder whose publishing was interrupted"}};

static Err *recover_export(Cli *cli, const char *dir)
{
    bool completed = false;
    int64_t wait_ms = 0;
    TRY(cli_wait_ms(cli, &wait_ms));
    TRY(export_recover(dir, wait_ms, &completed));
    if (cli->json)
        out_printf("{\"completed\":%s}\n", completed ? "true" : "false");
    else if (!cli->quiet)
        out_printf(completed ? "%s: the interrupted export was completed\n"
                             : "%s: nothing to complete\n",
                   dir);
    return NULL;
}

static Err *run_recover(Cli *cli)
{
    const char *dir = cli_option(cli, "dir");
    Pond *pond = NULL;
    PondRecovered done;
    if (dir != NULL) return recover_export(cli, dir);
    TRY(cli_open_pond(cli, &pond));
    TRY(pond_recover(pond, &done));
    if (cli->json)
        out_printf("{\"staging_removed\":%lld,\"index_rebuilt\":%s}\n",
                   (long long)done.staging_removed, done.index_rebuilt ? "true" : "false");
    else if (!cli->quiet)
        out_printf("%s removed; the index was %s\n",
                   count_of(cli->arena, done.staging_removed, "staged file"),
                   done.index_rebuilt ? "rebuilt" : "sound");
    return NULL;
}

const Command COMMAND_RECOVER = {
    .name = "recover",
    .usage = "recover [-d OUT]",
    .summary = "finish or undo what a crash left",
    .examples = "  pond recover\n  pond recover -d out\n",
    .json = "{\"staging_removed\",\"index_rebuilt\"} or {\"completed\"}",
    .options = RECOVER_OPTIONS,
    .option_count = 1,
    .run = run_recover,
};
