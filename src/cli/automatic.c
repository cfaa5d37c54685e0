/* Executables that run by themselves: those in /system/run, after a command of the user's has
 * committed. One round, sorted by name, each in a transaction of its own: what they commit sets off
 * nothing. The user's commit stands whatever they do. */
#include "cli/cmd_run.h"
#include <string.h>

enum { WAIT_LEAST_MS = 10000 }; /* for another writer: the user's commit has let go of the lock */

typedef struct Round {
    Cli *cli;
    VEC(const char *) paths; /* of what is to run */
    const char *failed;      /* the last that did */
    size_t failures;
} Round;

static void fail(Round *round, const char *path, const Err *err)
{
    error_print(round->cli, err);
    round->failed = path;
    round->failures++;
}

/* A link there that leads nowhere. */
static void broken(void *context, const Err *err)
{
    Round *round = context;
    const char *path = err_path_text(err); /* ends with the error */
    fail(round, path != NULL ? arena_strdup(round->cli->arena, path) : AUTOMATIC_DIR, err);
}

static Err *find_all(Round *round)
{
    Cli *cli = round->cli;
    const Pattern *pattern = NULL;
    Match *matches = NULL;
    size_t count = 0;
    TRY(pattern_compile(cli->arena, AUTOMATIC_DIR "/*", &pattern));
    TRY(fs_match(provider_fs(cli->provider), cli->arena, pattern,
                 (MatchOptions){.broken = broken, .context = round}, &matches, &count));
    for (size_t i = 0; i < count; i++) {
        if (factory_is_executable(&matches[i].node))
            vec_push(cli->arena, &round->paths, matches[i].path);
    }
    return NULL;
}

static void say(const Cli *cli, const RunDone *done)
{
    const char *name = path_base(done->path);
    for (const char *line = done->text.data; !cli->quiet && *line != '\0';) {
        int length = (int)strcspn(line, "\n");
        (void)fprintf(stderr, "%s: %.*s\n", name, length, line);
        line += length + (line[length] == '\n');
    }
}

static Err *run_one(Cli *cli, const char *path, long long after)
{
    RunDone done = {0};
    int64_t wait_ms = 0;
    TRY(cli_wait_ms(cli, &wait_ms));
    pond_act_as(cli->pond,
                arena_printf(cli->arena, "pond run %s # after transaction %lld", path, after),
                wait_ms > WAIT_LEAST_MS ? wait_ms : WAIT_LEAST_MS);
    provider_forget(cli->provider);
    TRY(run_executable(cli, path, NULL, 0, &done));
    say(cli, &done);
    return NULL;
}

Err *cli_run_automatic(Cli *cli)
{
    long long after = cli->committed;
    Round round = {.cli = cli};
    TRY(out_flush()); /* the result comes before what they say */
    TRY(find_all(&round));
    for (size_t i = 0; i < round.paths.n; i++) {
        const char *path = round.paths.v[i];
        Err *err = run_one(cli, path, after);
        if (err != NULL && err_code(err) == ERR_INTERRUPTED)
            return ERR_WRAP(err, "transaction %lld is committed; %s", after, path);
        if (err != NULL) fail(&round, path, err);
        err_free(err);
    }
    if (round.failures == 0) return NULL;
    return err_hint(ERR(PARTIAL,
                        "transaction %lld is committed, but %s in " AUTOMATIC_DIR " failed", after,
                        count_of(cli->arena, (int64_t)round.failures, "executable")),
                    "once the cause is mended: pond run %s", round.failed);
}
