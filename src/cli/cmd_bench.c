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

typedef struct BenchSub {
    const char *name;
    Err *(*run)(Cli *cli);
    size_t most_args;
} BenchSub;

static const BenchSub SUBS[] = {{"list", bench_list, 1},
                                {"make", bench_make_pond, SIZE_MAX},
                                {"run", bench_run_scenarios, SIZE_MAX},
                                {"baseline", bench_baseline, SIZE_MAX},
                                {"history", bench_history, SIZE_MAX},
                                {"first", bench_first_experience, 1},
                                {"ab", bench_ab, 1},
                                {"toggles", bench_toggles, SIZE_MAX},
                                {"bisect", bench_bisect, 1},
                                {"selftest", bench_selftest, 1}};
enum { SUB_COUNT = sizeof SUBS / sizeof *SUBS };

static Err *no_such(const char *name)
{
    SCRATCH(arena);
    const char *names[SUB_COUNT];
    Buf all = buf_new(arena);
    for (size_t i = 0; i < SUB_COUNT; i++) {
        names[i] = SUBS[i].name;
        buf_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    Err *err = ERR(USAGE, "bench: unknown sub-command '%s'", name);
    const char *near = text_nearest(name, names, SUB_COUNT);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "there are: %s", all.data);
}

static Err *run(Cli *cli)
{
    for (size_t i = 0; i < SUB_COUNT; i++) {
        if (strcmp(cli->args[0], SUBS[i].name) != 0) continue;
        if (cli->arg_count > SUBS[i].most_args)
            return ERR(USAGE, "bench %s: too many arguments: '%s'", SUBS[i].name,
                       cli->args[SUBS[i].most_args]);
        return SUBS[i].run(cli);
    }
    return no_such(cli->args[0]);
}

static const Option OPTIONS[] = {
    {"a", 0, "CMD", "ab: the command to compare with, for /bin/sh"},
    {"b", 0, "CMD", "ab: the command that may be faster"},
    {"toggle", 0, "NAME=A,B", "ab: --a twice, with two values of a toggle or environment variable"},
    {"off", 0, "NAME,...",
     "bisect: B is A with these toggles off (all: each); with --b: those to try"},
    {"by", 0, "COUNTER", "bisect: only this counter counts, or time"},
    {"list", 0, NULL, "toggles: only their names and what they are"},
    {"scenario", 0, "NAME", "toggles: measure all commands of the scenario"},
    {"command", 0, "CMD", "toggles: measure this command, for /bin/sh"},
    {"work", 0, NULL, "toggles: only counters, no times"},
    {"pairs", 0, "N", "at most N pairs (ab: 80; toggles, bisect: 40; selftest: 200)"},
    {"band", 0, "PERCENT", "ab: what counts as the same (default 3)"},
    {"cap", 0, "TIME", "ab, toggles: no further pair after this long"},
    {"differ", 0, NULL, "ab: measure also what does not put out the same"},
    {"seed", 0, "N", "make: what the values follow from; ab, selftest: of the random order"},
    {"names", 0, NULL, "list: only the names, one a line"},
    {"scale", 0, "N", "make, run, baseline: N times as much, or 1/N"},
    {"quick", 0, NULL, "run, baseline, toggles: each at the small scale that tests use"},
    {"baselines", 0, "DIR", "run, baseline: where they are (default bench/baselines)"},
    {"dir", 0, "DIR", "run, baseline, toggles: where ponds are kept (default ~/.cache/pond/bench)"},
    {"instructions", 0, NULL, "run, baseline, ab, toggles: count instructions, too, by valgrind"},
    {"only", 0, "COMMANDS", "run, baseline: those of these commands only (list,cat)"},
    {"times", 0, "N", "first: the median of N runs of each (default 5)"},
    {"readme", 0, "FILE", "first: whose commands are counted (default README.md)"},
    {"update", 0, NULL, "baseline: what is measured now becomes the baseline"},
};

const Command COMMAND_BENCH = {
    .name = "bench",
    .usage = "bench list | make SCENARIO DIR | run [SCENARIO...] | baseline --update [SCENARIO...] "
             "| history [SCENARIO...] | first | ab --a CMD (--b CMD | --toggle NAME=A,B) | toggles "
             "(--list | --scenario S "
             "| --command CMD) [TOGGLE...] | bisect --a CMD (--b CMD | --off NAME,...) | selftest",
    .summary = "workloads that are the same everywhere; is one command faster than another?",
    .examples = "  pond bench list --verbose\n"
                "  pond bench make small /tmp/small --scale 1/10\n"
                "  pond bench run noyo reduce\n"
                "  pond bench run --quick --instructions --only list,plan\n"
                "  pond bench baseline --update noyo\n"
                "  pond bench first\n"
                "  pond bench ab --a 'old/pond list /' --b 'pond list /' --instructions\n"
                "  pond bench ab --a 'pond export -p \"/reduced/*/*\" -d {out}' --toggle "
                "shared_joins=off,on\n"
                "  pond bench toggles --scenario noyo --quick\n"
                "  pond bench bisect --a 'old/pond list /' --b 'pond list /'\n"
                "  pond bench selftest\n",
    .details =
        "list shows the scenarios. make fills a new pond with one: what it holds follows from "
        "scenario, seed (1) and scale (1) alone, so that pond fsck gives the same root on every "
        "machine.\n"
        "run has each scenario (or those named) make its pond, once, and runs its commands, each "
        "in "
        "a process of its own and with one thread; operations, calls and bytes by class of file, "
        "allocations, memory and instructions are compared with bench/baselines. More than there "
        "is "
        "the exit status 1; less is told, and baseline --update writes it down. See "
        "docs/benchmarks.md.\n"
        "history shows where time, memory, allocations or instructions of past runs changed their "
        "level, and whether the machine did, too.\n"
        "first measures how long a newcomer waits for the first byte of each command, and counts "
        "the "
        "commands of README.md up to the first export.\n"
        "ab runs the two in pairs, in random order within each, until the interval of the median "
        "ratio (exact sign test, 99 %) lies beyond a band of 3 % on one side, or inside it: "
        "faster, slower, the same; or undecided after the last pair. A slow or busy machine makes "
        "it need more pairs, not wrong. {out} is a new folder in each run; what the commands print "
        "and write there must be the same, byte for byte (what stands below .pond aside). The exit "
        "status is 1 when B is slower.\n"
        "toggles measures what each optimisation is worth: what its counter is with the toggle "
        "off, "
        "and the time of off to on in pairs; --list only tells what there is (see "
        "docs/toggles.md).\n"
        "bisect names the toggles or the operation behind a difference: exactly where counters "
        "differ, by times in pairs where none does. The exit status is 1 when nothing explains "
        "it.\n"
        "selftest shows how often this machine gives a false verdict, here and by comparing one "
        "block of runs with the next.",
    .json =
        "list: [{\"name\",\"text\",\"commands\":[{\"name\",\"words\",\"cold\"}]}]; make: "
        "{\"commits\",\"versions\",\"rows\"}; run: [{\"scenario\",\"scale\",\"root\","
        "\"baseline\",\"same_pond\",\"compared\",\"worse\",\"changes\":[{\"command\","
        "\"counter\",\"was\",\"now\",\"worse\"}],\"counters\":{COMMAND:{COUNTER:VALUE}}}]; "
        "baseline: [SCENARIO]; history: [{\"scenario\",\"scale\",\"command\",\"measure\",\"runs\","
        "\"changes\":[{\"time_us\",\"was\",\"now\",\"other_machine\",\"machine\"}]}]; first: "
        "{\"steps\",\"commands\":[{\"command\",\"first_us\","
        "\"all_us\",\"instructions\"}]}; ab: "
        "{\"verdict\",\"ratio\",\"ratio_low\",\"ratio_high\",\"pairs\",\"same_output\",\"a\":"
        "{\"wall_s\",\"cpu_s\",\"peak_bytes\",\"instructions\"},\"b\"}; toggles: "
        "[{\"name\",\"shows\",\"on\",\"off\",\"same_output\",\"worth\",\"instructions_on\","
        "\"instructions_off\",\"verdict\",\"ratio\","
        "\"pairs\"}]; bisect: {\"differs\",\"same_output\",\"toggles\":[{\"name\",\"share\","
        "\"counter\",\"on\",\"off\"}],\"explained\",\"operation\",\"operation_a\","
        "\"operation_b\",\"verdict\",\"ratio\",\"unsteady\",\"counters\":[{\"name\",\"a\","
        "\"b\"}]}; selftest: {\"pairs\",\"trials\","
        "\"false_paired\",\"false_blocks\",\"found_paired\",\"spread\"}",
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .least_args = 1,
    .most_args = -1,
    .run = run,
};
