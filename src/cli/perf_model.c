/* pond perf model: what predictions come from, and how good they were. */
#include "cli/commands.h"
#include <string.h>

typedef struct Errors { /* of the outcomes of one basis, or of all */
    const char *basis;
    size_t count;
    double p50, p90;           /* q-errors of the time */
    double rows, bytes, files; /* the part within 10 % */
} Errors;

static bool is_near(float predicted, float real)
{
    return q_error((double)predicted, (double)real) <= 1.1;
}

static void errors_of(const Outcome *outcomes, size_t count, int basis, Errors *out)
{
    SCRATCH(scratch);
    double *times = AARRAY(scratch, double, count + 1), rows = 0, bytes = 0, files = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const Outcome *one = &outcomes[i];
        if (basis != BASIS_COUNT && one->basis != (uint32_t)basis) continue;
        times[n++] = q_error((double)one->predicted_s, (double)one->real_s);
        rows += is_near(one->predicted_rows, one->real_rows);
        bytes += is_near(one->predicted_bytes, one->real_bytes);
        files += is_near(one->predicted_files, one->real_files);
    }
    *out = (Errors){.basis = basis == BASIS_COUNT ? "all" : basis_name((Basis)basis), .count = n};
    if (n == 0) return;
    out->p50 = stats_median(times, n);
    out->p90 = stats_quantile(times, n, 0.9);
    out->rows = rows / (double)n;
    out->bytes = bytes / (double)n;
    out->files = files / (double)n;
}

typedef struct Model {
    const Predictor *predictor;
    FitView fits[WORK_KINDS + 1];
    size_t fit_count;
    Errors errors[BASIS_COUNT + 1];
    Outcome *outcomes;
    size_t outcome_count;
} Model;

static Err *read_model(Cli *cli, Model *out)
{
    Pond *pond = NULL;
    TRY(cli_open_pond(cli, &pond));
    out->predictor = predictor_load(cli->arena, pond_info(pond)->dir);
    out->fit_count = predictor_fits(out->predictor, out->fits);
    out->outcome_count = predictor_outcomes(out->predictor, cli->arena, &out->outcomes);
    for (int i = 0; i <= BASIS_COUNT; i++)
        errors_of(out->outcomes, out->outcome_count, i, &out->errors[i]);
    return NULL;
}

/* ---- JSON ---- */

static void put_rates(JsonOut *json, const char *key, const char *const names[FEATURES],
                      const double rates[FEATURES])
{
    json_key(json, key);
    json_begin_object(json);
    for (int i = 0; i < FEATURES; i++) {
        json_key(json, names[i]);
        json_put_double(json, rates[i]);
    }
    json_end(json);
}

static void put_fit(JsonOut *json, const FitView *fit, bool is_whole)
{
    const char *const *names = is_whole ? WHOLE_FEATURE_NAMES : FEATURE_NAMES;
    json_begin_object(json);
    json_kv_str(json, "kind", fit->name);
    json_key(json, "exports");
    json_put_double(json, fit->seen);
    put_rates(json, "seconds_by", names, fit->rates);
    put_rates(json, "prior_seconds_by", names, fit->priors);
    json_end(json);
}

static void put_number(JsonOut *json, const char *key, double value)
{
    json_key(json, key);
    json_put_double(json, value);
}

static void put_errors(JsonOut *json, const Errors *errors)
{
    json_begin_object(json);
    json_kv_str(json, "basis", errors->basis);
    json_kv_int(json, "exports", (int64_t)errors->count);
    put_number(json, "time_off_p50", errors->p50);
    put_number(json, "time_off_p90", errors->p90);
    put_number(json, "rows_within_10_percent", errors->rows);
    put_number(json, "bytes_within_10_percent", errors->bytes);
    put_number(json, "files_within_10_percent", errors->files);
    json_end(json);
}

static void put_outcome(Arena *arena, JsonOut *json, const Outcome *one)
{
    json_begin_object(json);
    json_kv_str(json, "time", time_format(arena, one->begun));
    json_kv_str(json, "basis", basis_name((Basis)(one->basis % BASIS_COUNT)));
    put_number(json, "predicted_s", (double)one->predicted_s);
    put_number(json, "real_s", (double)one->real_s);
    put_number(json, "predicted_rows", (double)one->predicted_rows);
    put_number(json, "real_rows", (double)one->real_rows);
    put_number(json, "predicted_bytes", (double)one->predicted_bytes);
    put_number(json, "real_bytes", (double)one->real_bytes);
    put_number(json, "predicted_files", (double)one->predicted_files);
    put_number(json, "real_files", (double)one->real_files);
    json_end(json);
}

static void print_json(Cli *cli, const Model *model)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "size_bytes", (int64_t)predictor_bytes(model->predictor));
    json_kv_int(&json, "shapes", (int64_t)predictor_shapes(model->predictor));
    json_kv_int(&json, "targets", (int64_t)predictor_ratios(model->predictor));
    json_key(&json, "rates");
    json_begin_array(&json);
    for (size_t i = 0; i < model->fit_count; i++) put_fit(&json, &model->fits[i], i == WORK_KINDS);
    json_end(&json);
    json_key(&json, "accuracy");
    json_begin_array(&json);
    for (int i = 0; i <= BASIS_COUNT; i++) put_errors(&json, &model->errors[i]);
    json_end(&json);
    json_key(&json, "exports");
    json_begin_array(&json);
    for (size_t i = 0; i < model->outcome_count; i++)
        put_outcome(cli->arena, &json, &model->outcomes[i]);
    json_end(&json);
    json_end(&json);
    out_json(&text);
}

/* ---- text ---- */

static const char *seconds_cell(Arena *arena, double seconds)
{
    double us = seconds * 1e6;
    if (us < 0.1) return "";
    if (us < 1000) return arena_printf(arena, "%.3g us", us);
    return us < 1e6 ? arena_printf(arena, "%.3g ms", us / 1000)
                    : arena_printf(arena, "%.3g s", seconds);
}

static void print_fits(Cli *cli, const FitView *fits, size_t count, const char *const *names)
{
    static const bool RIGHT[] = {false, true, true, true, true, true, true};
    const char *headers[FEATURES + 2] = {"kind", "exports"};
    for (int i = 0; i < FEATURES; i++) headers[i + 2] = arena_printf(cli->arena, "a %s", names[i]);
    Table *table = table_new(cli->arena, headers, RIGHT, NULL, FEATURES + 2);
    for (size_t i = 0; i < count; i++) {
        const char *cells[FEATURES + 2] = {
            fits[i].name,
            fits[i].seen > 0 ? arena_printf(cli->arena, "%.3g", fits[i].seen) : "prior"};
        for (int f = 0; f < FEATURES; f++)
            cells[f + 2] = seconds_cell(cli->arena, fits[i].rates[f]);
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
}

static void print_errors(Cli *cli, const Errors *errors)
{
    static const char *const HEADERS[] = {"basis", "exports", "time p50", "time p90",
                                          "rows",  "bytes",   "files"};
    static const bool RIGHT[] = {false, true, true, true, true, true, true};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, NULL, 7);
    for (int i = 0; i <= BASIS_COUNT; i++) {
        const Errors *one = &errors[i];
        if (one->count == 0) continue;
        const char *cells[] = {one->basis,
                               count_format(arena, (int64_t)one->count),
                               arena_printf(arena, "x %.2f", one->p50),
                               arena_printf(arena, "x %.2f", one->p90),
                               arena_printf(arena, "%.0f%%", 100 * one->rows),
                               arena_printf(arena, "%.0f%%", 100 * one->bytes),
                               arena_printf(arena, "%.0f%%", 100 * one->files)};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
}

static void print_text(Cli *cli, const Model *model)
{
    Arena *arena = cli->arena;
    size_t exports = model->outcome_count;
    out_printf("Seconds of one worker, and of an export, on the machine of the prior\n\n");
    print_fits(cli, model->fits, WORK_KINDS, FEATURE_NAMES);
    out_printf("\n");
    print_fits(cli, &model->fits[WORK_KINDS], 1, WHOLE_FEATURE_NAMES);
    if (exports == 0) {
        out_printf("\nNo export has taught anything yet\n");
        return;
    }
    out_printf("\nPredicted against real, the last %s: how far off, how many within 10%%\n\n",
               count_of(arena, (int64_t)exports, "export"));
    print_errors(cli, model->errors);
    out_printf("\n%s, %s of rows and bytes, %s of 64 KiB\n",
               count_of(arena, (int64_t)predictor_shapes(model->predictor), "shape"),
               count_of(arena, (int64_t)predictor_ratios(model->predictor), "ratio"),
               size_format(arena, (int64_t)predictor_bytes(model->predictor)));
}

Err *perf_show_model(Cli *cli)
{
    Model model;
    TRY(read_model(cli, &model));
    if (cli->json)
        print_json(cli, &model);
    else
        print_text(cli, &model);
    return NULL;
}
