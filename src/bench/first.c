/* First experience: how long until something is on the screen, and how much there is to type.
 *
 * A command's first byte, on either stream, is what a person waits for; the export before has
 * filled the caches, as in a second hour of use. */
#include "bench/bench_int.h"
#include <string.h>

static const BenchCommand COMMANDS[] = {
    {.name = "version", .words = "version"},
    {.name = "help", .words = "help"},
    {.name = "list", .words = "list /data/**"},
    {.name = "list-long", .words = "list -l /data/**"},
    {.name = "describe", .words = "describe /data/site00/s0000.series"},
    {.name = "log", .words = "log"},
    {.name = "show", .words = "show"},
    {.name = "status", .words = "status"},
    {.name = "cat", .words = "cat /data/site00/s0000.series --format csv"},
    {.name = "reduced", .words = "cat /reduced/site00/s0000/res=1h.series --format csv"},
    {.name = "sql", .words = "sql FROM/**/pond_commits"},
    {.name = "plan", .words = "export -p /reduced/*/*/*.series -d {out} --dry-run"},
    {.name = "export", .words = "export -p /reduced/*/*/*.series -d {out}"},
};
enum { COMMAND_COUNT = sizeof COMMANDS / sizeof *COMMANDS };

static Err *measure(const Round *round, const BenchCommand *command, size_t times, BenchFirst *out)
{
    double *first = AARRAY(round->arena, double, times);
    double *all = AARRAY(round->arena, double, times);
    const BenchRun *run = round->run;
    ChildResult result;
    if (run->progress != NULL) run->progress(run->context, command->name);
    for (size_t i = 0; i < times; i++) {
        TRY(round_exec(round, command, false, &result));
        first[i] = (double)(result.first_us < 0 ? result.wall_us : result.first_us);
        all[i] = (double)result.wall_us;
    }
    *out = (BenchFirst){.words = command->words,
                        .first_us = (int64_t)stats_median(first, times),
                        .all_us = (int64_t)stats_median(all, times)};
    if (run->valgrind == NULL) return NULL;
    TRY(round_exec(round, command, true, &result));
    return round_instructions(round, command, &out->instructions);
}

static Err *measure_all(const Round *round, size_t times, BenchFirst *out)
{
    ChildResult result;
    TRY(round_exec(round, &COMMANDS[COMMAND_COUNT - 1], false, &result));
    for (size_t i = 0; i < COMMAND_COUNT; i++) TRY(measure(round, &COMMANDS[i], times, &out[i]));
    return NULL;
}

Err *bench_first(Arena *arena, const BenchRun *run, size_t times, BenchFirst **out, size_t *count)
{
    BenchRun own;
    const char *pond = NULL;
    char root[65];
    TRY(run_pond_of(arena, run, &own, &pond, root));
    BenchFirst *all = AARRAY(arena, BenchFirst, COMMAND_COUNT);
    Round round = {.plain = true};
    Err *err = round_begin(arena, &own, pond, &round);
    if (err == NULL) err = measure_all(&round, times, all);
    TRY(round_end(&round, err));
    *out = all;
    *count = COMMAND_COUNT;
    return NULL;
}

/* ---- steps ---- */

/* The word that ends the here-document a command begins, and its length; 0: there is none. */
static size_t here_end(const char *line, size_t length, const char **out)
{
    const char *at = memmem(line, length, "<<", 2), *end = line + length;
    if (at == NULL) return 0;
    at += 2;
    while (at < end && (*at == '-' || *at == '\'' || *at == '"')) at++;
    *out = at;
    return strcspn(at, "'\" \n");
}

size_t bench_steps(const char *readme)
{
    static const char INDENT[] = "    ";
    enum { DEPTH = sizeof INDENT - 1 };
    const char *end_word = NULL;
    size_t steps = 0, end_length = 0;
    for (const char *at = readme; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        const char *line = at + DEPTH;
        bool is_command = length > DEPTH && text_starts(at, INDENT);
        at += length + (at[length] == '\n');
        if (!is_command) continue;
        length -= DEPTH;
        if (end_length > 0) {
            bool ends = length == end_length && strncmp(line, end_word, length) == 0;
            if (ends) end_length = 0;
            continue;
        }
        steps++;
        if (text_starts(line, "pond export")) return steps;
        end_length = here_end(line, length, &end_word);
    }
    return 0;
}
