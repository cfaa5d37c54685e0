/* pond bench bisect: which toggles, or which operation, are behind a difference. */
#include "bench/bisect.h"
#include "cli/bench.h"
#include <string.h>

enum { COUNTERS_TOLD = 10 };

static const char *by_name(BisectBy by)
{
    return by == BISECT_WORK ? "work" : by == BISECT_TIME ? "time" : "nothing";
}

/* ---- JSON ---- */

static void put_double(JsonOut *json, const char *key, double value)
{
    json_key(json, key);
    json_put_double(json, value);
}

static void put_toggles(JsonOut *json, const BisectResult *result)
{
    json_key(json, "toggles");
    json_begin_array(json);
    for (size_t i = 0; i < result->toggle_count; i++) {
        const BisectToggle *toggle = &result->toggles[i];
        json_begin_object(json);
        json_kv_str(json, "name", toggle_info(toggle->toggle)->name);
        put_double(json, "share", toggle->share);
        json_kv_str(json, "counter", toggle->counter);
        json_kv_int(json, "on", toggle->on);
        json_kv_int(json, "off", toggle->off);
        json_end(json);
    }
    json_end(json);
}

static void put_counters(JsonOut *json, const BisectResult *result)
{
    json_key(json, "counters");
    json_begin_array(json);
    for (size_t i = 0; i < result->counter_count; i++) {
        json_begin_object(json);
        json_kv_str(json, "name", result->counters[i].name);
        json_kv_int(json, "a", result->counters[i].a);
        json_kv_int(json, "b", result->counters[i].b);
        json_end(json);
    }
    json_end(json);
}

static void print_json(const BisectResult *result)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_str(&json, "differs", by_name(result->by));
    json_kv_bool(&json, "same_output", result->same_output);
    put_toggles(&json, result);
    put_double(&json, "explained", result->explained);
    json_kv_str(&json, "operation", result->operation);
    put_double(&json, "operation_a", result->operation_a);
    put_double(&json, "operation_b", result->operation_b);
    json_kv_str(&json, "verdict", verdict_name(result->times.verdict));
    put_double(&json, "ratio", result->times.ratio);
    json_kv_int(&json, "unsteady", (int64_t)result->unsteady);
    put_counters(&json, result);
    json_end(&json);
    out_json(&text);
}

/* ---- text ---- */

static void print_toggles(Cli *cli, const BisectResult *result)
{
    for (size_t i = 0; i < result->toggle_count; i++) {
        const BisectToggle *toggle = &result->toggles[i];
        out_printf("toggle %s: %.0f %% of the difference", toggle_info(toggle->toggle)->name,
                   100 * toggle->share);
        if (toggle->counter != NULL)
            out_printf(" (off, %s is %s instead of %s)", toggle->counter,
                       count_format(cli->arena, toggle->off), count_format(cli->arena, toggle->on));
        out_printf("\n");
    }
    if (result->toggle_count == 0) out_printf("no toggle is behind it\n");
}

static void print_counters(Cli *cli, const BisectResult *result)
{
    static const char *const HEADERS[] = {"counter", "A", "B"};
    static const bool RIGHT[] = {false, true, true}, EXACT[] = {true, true, true};
    Table *table = table_new(cli->arena, HEADERS, RIGHT, EXACT, 3);
    size_t told = result->counter_count < COUNTERS_TOLD ? result->counter_count : COUNTERS_TOLD;
    for (size_t i = 0; i < told; i++) {
        const BisectCounter *counter = &result->counters[i];
        table_add(table, (const char *const[]){counter->name, count_format(cli->arena, counter->a),
                                               count_format(cli->arena, counter->b)});
    }
    (void)table_print(table, cli->color_out);
    if (told < result->counter_count)
        out_printf("and %zu counters more\n", result->counter_count - told);
    if (result->unsteady > 0)
        out_printf("%zu counters are not the same each time and do not count\n", result->unsteady);
}

static void print_text(Cli *cli, const BisectResult *result)
{
    if (result->by == BISECT_NOTHING) {
        out_printf("no difference: the same work%s\n",
                   result->times.pairs > 0 ? ", and times that tell none apart" : "");
        return;
    }
    if (!result->same_output) out_printf("A and B put out different things\n");
    print_toggles(cli, result);
    if (result->by == BISECT_TIME)
        out_printf("operation %s: %.3g ms in A, %.3g ms in B; B takes %.3f of A's time\n",
                   result->operation != NULL ? result->operation : "(none that is timed)",
                   result->operation_a, result->operation_b, result->times.ratio);
    else if (result->operation != NULL)
        out_printf("operation %s: %s in A, %s in B\n", result->operation,
                   count_format(cli->arena, (int64_t)result->operation_a),
                   count_format(cli->arena, (int64_t)result->operation_b));
    if (result->by == BISECT_WORK) print_counters(cli, result);
}

/* ---- the command ---- */

static void on_progress(void *context, const char *what)
{
    progress_update(context, 0, 0, "", what);
}

static Err *read_spec(Cli *cli, BisectSpec *spec)
{
    spec->a = cli_option(cli, "a");
    spec->b = cli_option(cli, "b");
    spec->off = cli_option(cli, "off");
    spec->by = cli_option(cli, "by");
    if (spec->a == NULL || (spec->b == NULL && spec->off == NULL))
        return err_hint(ERR(USAGE, "bench bisect: two sides are needed"),
                        "give --a CMD and --b CMD, or --a CMD and --off NAME,...");
    TRY(bench_count_option(cli, "pairs", 8, 230, &spec->most_pairs));
    return cli_temp_dir(cli, &spec->scratch_dir);
}

static Err *bench_bisect(Cli *cli)
{
    BisectSpec spec = {.progress = on_progress};
    BisectResult result;
    TRY(read_spec(cli, &spec));
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "bisecting");
    spec.context = progress;
    TRY(bisect(cli->arena, &spec, &result));
    progress_end_at(&progress);
    if (cli->json)
        print_json(&result);
    else
        print_text(cli, &result);
    bool is_found = result.toggle_count > 0 || result.operation != NULL;
    if (result.by != BISECT_NOTHING && !is_found) cli->status = 1;
    return NULL;
}

/* ---- in the table ---- */

static const Option BISECT_OPTIONS[] = {
    {"a", 0, "CMD", "the command to compare with, for /bin/sh"},
    {"b", 0, "CMD", "the other command"},
    {"off", 0, "NAME,...", "B is A with these toggles off (all: each); with --b: those to try"},
    {"by", 0, "COUNTER", "only this counter counts, or time"},
    {"pairs", 0, "N", "at most N pairs (default 40)"},
};

const Command BENCH_BISECT = {
    .name = "bench bisect",
    .usage = "bench bisect --a CMD (--b CMD | --off NAME,...) [--by COUNTER]",
    .summary = "the toggles or the operation behind a difference",
    .examples = "  pond bench bisect --a 'old/pond list /' --b 'pond list /'\n"
                "  pond bench bisect --a 'pond list /' --off all\n"
                "  pond bench bisect --a 'old/pond list /' --b 'pond list /' --by time\n",
    .details = "Exactly where counters differ, by times in pairs where none does. The exit status "
               "is 1 when nothing explains it.",
    .json = "{\"differs\",\"same_output\",\"toggles\":[{\"name\",\"share\",\"counter\",\"on\","
            "\"off\"}],\"explained\",\"operation\",\"operation_a\",\"operation_b\",\"verdict\","
            "\"ratio\",\"unsteady\",\"counters\":[{\"name\",\"a\",\"b\"}]}",
    .options = BISECT_OPTIONS,
    .option_count = sizeof BISECT_OPTIONS / sizeof *BISECT_OPTIONS,
    .run = bench_bisect,
};
