/* pond bench: the table of its sub-commands, and the options they share. */
#include "cli/bench.h"
#include <stdlib.h>
#include <string.h>

Err *bench_count_option(const Cli *cli, const char *name, size_t least, size_t most, size_t *out)
{
    const char *text = cli_option(cli, name);
    char *end = NULL;
    if (text == NULL) return NULL;
    unsigned long number = strtoul(text, &end, 10);
    *out = number;
    if (end != text && *end == '\0' && *text != '-' && number >= least && number <= most)
        return NULL;
    return ERR(USAGE, "--%s: a number from %zu to %zu is expected, not '%s'", name, least, most,
               text);
}

Err *bench_seed_option(const Cli *cli, uint64_t *out)
{
    const char *text = cli_option(cli, "seed");
    char *end = NULL;
    if (text == NULL) {
        os_random(out, sizeof *out);
        return NULL;
    }
    *out = strtoull(text, &end, 10);
    return end != text && *end == '\0' ? NULL
                                       : ERR(USAGE, "--seed: a number is expected, not '%s'", text);
}

/* ---- the table ---- */

static const Command *const SUBS[] = {&BENCH_LIST,    &BENCH_MAKE,    &BENCH_RUN, &BENCH_BASELINE,
                                      &BENCH_HISTORY, &BENCH_FIRST,   &BENCH_AB,  &BENCH_TOGGLES,
                                      &BENCH_BISECT,  &BENCH_SELFTEST};

const Command COMMAND_BENCH = {
    .name = "bench",
    .usage = "bench SUB-COMMAND ...",
    .summary = "workloads that are the same everywhere; is one command faster than another?",
    .examples = "  pond bench run --quick\n"
                "  pond bench make small /tmp/small\n"
                "  pond bench ab --a 'old/pond list /' --b 'pond list /'\n"
                "  pond bench toggles --scenario noyo --quick\n",
    .json = "see pond bench SUB-COMMAND --help",
    .subs = SUBS,
    .sub_count = sizeof SUBS / sizeof *SUBS,
};
