/* pond bench ab, selftest: is one command faster than another, and how far can this machine be
 * trusted to tell? */
#include "bench/pairs.h"
#include "bench/work.h"
#include "cli/bench.h"
#include <stdlib.h>
#include <string.h>

static const char *const SIDE_NAMES[] = {"A", "B"};

static Err *band_option(const Cli *cli, double *out)
{
    const char *text = cli_option(cli, "band");
    char *end = NULL;
    if (text == NULL) return NULL;
    *out = strtod(text, &end) / 100;
    if (end != text && (*end == '\0' || strcmp(end, "%") == 0) && *out > 0 && *out < 1) return NULL;
    return ERR(USAGE, "--band: a percentage such as 3 is expected, not '%s'", text);
}

/* ---- ab ---- */

static void on_pair(void *context, const VerdictState *state, size_t pairs)
{
    SCRATCH(scratch);
    char *detail = arena_printf(scratch, "B takes %.3f of A's time, %s so far", state->ratio,
                                verdict_name(state->verdict));
    progress_update(context, (int64_t)pairs, 0, "pairs", detail);
}

typedef struct Ab {
    PairsResult times;
    int64_t instructions[SIDE_COUNT]; /* 0: not counted */
} Ab;

static void ab_json(const Ab *ab)
{
    const PairsResult *result = &ab->times;
    SCRATCH(scratch);
    static const char *const KEYS[] = {"a", "b"};
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_str(&json, "verdict", verdict_name(result->state.verdict));
    json_key(&json, "ratio");
    json_put_double(&json, result->state.ratio);
    json_key(&json, "ratio_low");
    json_put_double(&json, result->state.ratio_low);
    json_key(&json, "ratio_high");
    json_put_double(&json, result->state.ratio_high);
    json_kv_int(&json, "pairs", (int64_t)result->pairs);
    json_kv_bool(&json, "same_output", result->difference == NULL);
    for (int i = 0; i < SIDE_COUNT; i++) {
        json_key(&json, KEYS[i]);
        json_begin_object(&json);
        json_key(&json, "wall_s");
        json_put_double(&json, result->use[i].wall_s);
        json_key(&json, "cpu_s");
        json_put_double(&json, result->use[i].cpu_s);
        json_kv_int(&json, "peak_bytes", result->use[i].peak_bytes);
        if (ab->instructions[i] > 0) json_kv_int(&json, "instructions", ab->instructions[i]);
        json_end(&json);
    }
    json_end(&json);
    out_json(&text);
}

static void instructions_text(Cli *cli, const int64_t counts[SIDE_COUNT])
{
    if (counts[SIDE_A] <= 0 || counts[SIDE_B] <= 0) return;
    out_printf("B takes %.4f of A's instructions (%s of %s)\n",
               (double)counts[SIDE_B] / (double)counts[SIDE_A],
               count_format(cli->arena, counts[SIDE_B]), count_format(cli->arena, counts[SIDE_A]));
}

static void ab_text(Cli *cli, const Ab *ab)
{
    const PairsResult *result = &ab->times;
    const VerdictState *state = &result->state;
    for (int i = 0; i < SIDE_COUNT; i++)
        out_printf("%s: median %.3f s, %.3f s of processor, at most %s of memory\n", SIDE_NAMES[i],
                   result->use[i].wall_s, result->use[i].cpu_s,
                   size_format(cli->arena, result->use[i].peak_bytes));
    out_printf("B takes %.3f of A's time", state->ratio);
    if (state->ratio_low > 0)
        out_printf(" (with 99 %% certainty between %.3f and %.3f)", state->ratio_low,
                   state->ratio_high);
    out_printf(", %s\n", count_of(cli->arena, (int64_t)result->pairs, "pair"));
    instructions_text(cli, ab->instructions);
    out_printf("%s\n", state->verdict == VERDICT_UNDECIDED ? "undecided"
                       : state->verdict == VERDICT_SAME    ? "the same"
                                                           : verdict_name(state->verdict));
}

/* NAME=VALUE for a run's environment: of the variable of that name, or of a toggle beside what
 * POND_TOGGLES says already. */
static Err *setting(Cli *cli, const char *text, int name, const char *value, int value_length,
                    const char **out)
{
    static const char LOWER[] = "abcdefghijklmnopqrstuvwxyz_";
    *out = arena_printf(cli->arena, "%.*s=%.*s", name, text, value_length, value);
    if (strspn(text, LOWER) != (size_t)name) return NULL;
    TRY(toggles_check("--toggle", *out));
    const char *set = getenv("POND_TOGGLES");
    *out = arena_printf(cli->arena, "POND_TOGGLES=%s,%s", set != NULL ? set : "", *out);
    return NULL;
}

/* Names of the two values of --toggle NAME=A,B as settings of the environment. */
static Err *toggle_option(Cli *cli, PairsSpec *spec)
{
    const char *text = cli_option(cli, "toggle");
    if (text == NULL) return NULL;
    const char *equals = strchr(text, '='), *comma = equals != NULL ? strchr(equals, ',') : NULL;
    if (comma == NULL || equals == text || comma == equals + 1 || comma[1] == '\0')
        return ERR(USAGE, "--toggle: NAME=A,B is expected, e.g. dir_memo=off,on, not '%s'", text);
    int name = (int)(equals - text), a = (int)(comma - equals - 1), b = (int)strlen(comma + 1);
    TRY(setting(cli, text, name, equals + 1, a, &spec->environment[SIDE_A]));
    TRY(setting(cli, text, name, comma + 1, b, &spec->environment[SIDE_B]));
    spec->commands[SIDE_B] = spec->commands[SIDE_A];
    return NULL;
}

static Err *ab_commands(Cli *cli, PairsSpec *spec)
{
    spec->commands[SIDE_A] = cli_option(cli, "a");
    const char *b = cli_option(cli, "b");
    if (spec->commands[SIDE_A] == NULL)
        return err_hint(ERR(USAGE, "bench ab: no command to measure"),
                        "give --a CMD and --b CMD, or --a CMD and --toggle NAME=A,B");
    TRY(toggle_option(cli, spec));
    if (b != NULL && spec->commands[SIDE_B] != NULL)
        return ERR(USAGE, "bench ab: --b and --toggle exclude each other");
    if (b != NULL) spec->commands[SIDE_B] = b;
    return spec->commands[SIDE_B] != NULL
               ? NULL
               : err_hint(ERR(USAGE, "bench ab: nothing to compare with"),
                          "give --b CMD or --toggle NAME=A,B");
}

/* Once each: they hardly differ between runs. */
static Err *count_instructions(const PairsSpec *spec, const char *valgrind, Ab *ab)
{
    for (int i = 0; valgrind != NULL && i < SIDE_COUNT; i++) {
        const BenchWorkSpec work = {.command = spec->commands[i],
                                    .toggles = "",
                                    .setting = spec->environment[i],
                                    .scratch_dir = spec->scratch_dir,
                                    .valgrind = valgrind};
        progress_update(spec->context, i, SIDE_COUNT, "instructions", SIDE_NAMES[i]);
        TRY(bench_work_instructions(&work, &ab->instructions[i]));
    }
    return NULL;
}

static Err *bench_ab(Cli *cli)
{
    PairsSpec spec = {.differ = cli_flag(cli, "differ"), .progress = on_pair};
    Ab ab = {0};
    const char *valgrind;
    TRY(ab_commands(cli, &spec));
    TRY(band_option(cli, &spec.rule.band));
    TRY(bench_count_option(cli, "pairs", 8, 230, &spec.rule.most_pairs));
    TRY(cli_duration(cli, "cap", &spec.cap_us));
    TRY(bench_seed_option(cli, &spec.seed));
    TRY(bench_valgrind_option(cli, &valgrind));
    TRY(cli_temp_dir(cli, &spec.scratch_dir));
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "measuring");
    spec.context = progress;
    TRY(pairs_run(cli->arena, &spec, &ab.times));
    if (ab.times.difference != NULL && !spec.differ)
        return err_hint(ERR(INVALID, "A and B differ in %s", ab.times.difference),
                        "what is not equal cannot be faster; --differ measures all the same");
    TRY(count_instructions(&spec, valgrind, &ab));
    progress_end_at(&progress);
    if (cli->json)
        ab_json(&ab);
    else
        ab_text(cli, &ab);
    if (ab.times.state.verdict == VERDICT_SLOWER) cli->status = 1;
    return NULL;
}

/* ---- selftest ---- */

static Err *bench_selftest(Cli *cli)
{
    size_t pairs = 200;
    uint64_t seed = 0;
    PairsSelftest test;
    TRY(bench_count_option(cli, "pairs", 80, 10000, &pairs));
    TRY(bench_seed_option(cli, &seed));
    TRY(pairs_selftest(cli->arena, pairs, seed, &test));
    if (cli->json) {
        SCRATCH(scratch);
        Buf text = buf_new(scratch);
        JsonOut json = json_out(&text);
        json_begin_object(&json);
        json_kv_int(&json, "pairs", (int64_t)test.pairs);
        json_kv_int(&json, "trials", (int64_t)test.trials);
        json_key(&json, "false_paired");
        json_put_double(&json, test.false_paired);
        json_key(&json, "false_blocks");
        json_put_double(&json, test.false_blocks);
        json_key(&json, "found_paired");
        json_put_double(&json, test.found_paired);
        json_key(&json, "spread");
        json_put_double(&json, test.spread);
        json_end(&json);
        out_json(&text);
        return NULL;
    }
    out_printf("%zu pairs of the same work; 95th to 5th percentile of the times: %.2f\n",
               test.pairs, test.spread);
    out_printf("no difference, 40 pairs: %.1f %% false verdicts; by 40 runs and then 40 more, 5 %% "
               "apart: %.1f %%\n",
               100 * test.false_paired, 100 * test.false_blocks);
    out_printf("10 %% slower, at most 80 pairs: found in %.1f %%\n", 100 * test.found_paired);
    return NULL;
}

/* ---- in the table ---- */

static const Option AB_OPTIONS[] = {
    {"a", 0, "CMD", "the command to compare with, for /bin/sh"},
    {"b", 0, "CMD", "the command that may be faster"},
    {"toggle", 0, "NAME=A,B", "--a twice, with two values of a toggle or environment variable"},
    {"pairs", 0, "N", "at most N pairs (default 80)"},
    {"band", 0, "PERCENT", "what counts as the same (default 3)"},
    BENCH_OPTION_CAP,
    {"differ", 0, NULL, "measure also what does not put out the same"},
    BENCH_OPTION_INSTRUCTIONS,
    BENCH_OPTION_ORDER,
};

const Command BENCH_AB = {
    .name = "bench ab",
    .usage = "bench ab --a CMD (--b CMD | --toggle NAME=A,B) [options]",
    .summary = "is one command faster than another?",
    .examples = "  pond bench ab --a 'old/pond list /' --b 'pond list /' --instructions\n"
                "  pond bench ab --a 'pond export -p \"/reduced/*/*\" -d {out}' --toggle "
                "shared_joins=off,on\n",
    .details = "The two run in pairs, in random order within each, until the interval of the "
               "median ratio (exact sign test, 99 %) lies beyond a band of 3 % on one side, or "
               "inside it: faster, slower, the same; or undecided after the last pair. A slow or "
               "busy machine makes it need more pairs, not wrong. {out} is a new folder in each "
               "run; what the commands print and write there must be the same, byte for byte (what "
               "stands below .pond aside). Their standard input is empty. The exit status is 1 "
               "when B is slower.",
    .json = "{\"verdict\",\"ratio\",\"ratio_low\",\"ratio_high\",\"pairs\",\"same_output\",\"a\":{"
            "\"wall_s\",\"cpu_s\",\"peak_bytes\",\"instructions\"},\"b\"}",
    .options = AB_OPTIONS,
    .option_count = sizeof AB_OPTIONS / sizeof *AB_OPTIONS,
    .run = bench_ab,
};

static const Option SELFTEST_OPTIONS[] = {
    {"pairs", 0, "N", "pairs to measure (default 200)"},
    BENCH_OPTION_ORDER,
};

const Command BENCH_SELFTEST = {
    .name = "bench selftest",
    .usage = "bench selftest [--pairs N]",
    .summary = "how often this machine gives a false verdict",
    .examples = "  pond bench selftest\n"
                "  pond bench selftest --pairs 400 --json\n",
    .details = "Pairs of one and the same piece of work, resampled; beside it, how often one block "
               "of runs compared with the next would be wrong.",
    .json = "{\"pairs\",\"trials\",\"false_paired\",\"false_blocks\",\"found_paired\",\"spread\"}",
    .options = SELFTEST_OPTIONS,
    .option_count = sizeof SELFTEST_OPTIONS / sizeof *SELFTEST_OPTIONS,
    .run = bench_selftest,
};
