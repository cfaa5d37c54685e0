/* pond sql: one SELECT over the pond. The tables it names become the inputs of a relation: paths,
 * patterns and URLs through the provider, catalog tables through cursors; from there on all is as
 * in a derived node (the same checks, the same sandbox, the same pushdown). */
#include "cli/catalog.h"
#include "cli/commands.h"
#include <string.h>

static const char LABEL[] = "query";

static bool is_data(const SqlTable *table)
{
    return !table->is_qualified && strchr(table->name, '/') != NULL;
}

/* What the user may have meant by a name that is neither a path nor a catalog table. */
static Err *unknown_table(Cli *cli, const SqlTable *table)
{
    const CatalogTable *tables;
    size_t count = catalog_tables(cli->arena, &tables);
    const char **names = AARRAY(cli->arena, const char *, count);
    Found found = {0};
    Err *err = ERR(SQL, "%s: there is no table \"%s\"", LABEL, table->name);
    for (size_t i = 0; i < count; i++) names[i] = tables[i].name;
    const char *near = text_nearest(table->name, names, count);
    if (near != NULL) return err_hint(err, "did you mean %s?", near);
    Fs *fs = provider_fs(cli->provider);
    Err *missing =
        fs == NULL ? NULL : fs_find(fs, cli->arena, table->name, (FindOptions){0}, &found);
    err_free(missing);
    if (found.exists) return err_hint(err, "paths begin with a slash: FROM \"%s\"", found.path);
    return err_hint(err,
                    "a table is a quoted path or URL of the pond, as \"/sensors/a.series\", or "
                    "one of pond help tables");
}

static Err *data_input(Cli *cli, const char *name, const Rel **out)
{
    Url url;
    Source *sources = NULL;
    size_t count = 0;
    TRY(url_parse(cli->arena, name, &url));
    TRY(provider_match(cli->provider, cli->arena, name, &sources, &count));
    if (count == 0) return provider_relation_of(cli->provider, name, out); /* its error */
    const Rel **rels = AARRAY(cli->arena, const Rel *, count);
    for (size_t i = 0; i < count; i++)
        TRY(provider_relation(cli->provider, &sources[i], &url, &rels[i]));
    *out = rels[0];
    return count == 1 ? NULL : rel_union(cli->arena, name, rels, count, out);
}

static Err *input(Cli *cli, const SqlTable *table, const Rel **out)
{
    const CatalogTable *catalog =
        table->is_qualified ? NULL : catalog_find(cli->arena, table->name);
    if (catalog != NULL && cli->pond == NULL)
        return err_hint(
            ERR(NOT_A_POND, "%s: \"%s\" is about a pond, but none is given", LABEL, table->name),
            "name it with --pond DIR or POND");
    if (catalog != NULL)
        *out = catalog_relation(cli, catalog);
    else if (is_data(table))
        return ERR_WRAP(data_input(cli, table->name, out), "%s", LABEL);
    else
        return unknown_table(cli, table);
    return NULL;
}

/* The time flags cut every series below the SQL; what has no time is whole. */
static Err *cut(Cli *cli, Plan *plan, TimeSpan span, SqlInput *inputs, size_t count)
{
    bool any = false;
    if (span.min == TIME_MIN && span.max == TIME_MAX) return NULL;
    for (size_t i = 0; i < count; i++) {
        TRY(plan_resolve(plan, inputs[i].rel));
        if (rel_time_index(inputs[i].rel) < 0) continue;
        TRY(rel_range(cli->arena, inputs[i].rel, span, &inputs[i].rel));
        any = true;
    }
    return any ? NULL
               : ERR(INVALID, "%s: --time-start and --time-end need a table with a time column",
                     LABEL);
}

static Err *build(Cli *cli, Plan *plan, const Rel **out)
{
    const char *query = cli->args[0];
    SqlTable *tables = NULL;
    size_t count = 0;
    TimeSpan span = {TIME_MIN, TIME_MAX};
    TRY(cli_time_span(cli, "time-start", "time-end", &span));
    TRY(ERR_WRAP(plan_sql_tables(plan, cli->arena, query, &tables, &count), "%s", LABEL));
    SqlInput *inputs = AARRAY(cli->arena, SqlInput, count + 1);
    for (size_t i = 0; i < count; i++) {
        inputs[i].name = tables[i].name;
        Err *err = input(cli, &tables[i], &inputs[i].rel);
        if (err != NULL && tables[i].line > 0)
            err = err_source(err_at(err, tables[i].line, tables[i].column), query);
        TRY(err);
    }
    TRY(cut(cli, plan, span, inputs, count));
    TRY(rel_sql(cli->arena, LABEL, query, inputs, count, out));
    return plan_resolve(plan, *out);
}

static Err *run(Cli *cli)
{
    Provider *provider = NULL;
    Plan *plan = NULL;
    const Rel *rel = NULL;
    Form form;
    TRY(form_read(cli, &form));
    if (form == FORM_RAW)
        return err_hint(ERR(USAGE, "--format raw: a query has rows, not bytes"),
                        "use --format parquet or csv");
    TRY(cli_open_provider(cli, false, &provider));
    TRY(provider_plan(provider, &plan));
    TRY(build(cli, plan, &rel));
    return query_print(cli, plan, rel, (QueryPrint){.form = form, .name = LABEL});
}

static const Option OPTIONS[] = {
    {"format", 0, "FORM", "auto, table, csv, json, jsonl or parquet"},
    {"time-start", 0, "TIME", "rows of series from this time on"},
    {"time-end", 0, "TIME", "rows of series up to this time, inclusive"},
    {"explain", 0, NULL, "print the statement that would run"},
};

const Command COMMAND_SQL = {
    .name = "sql",
    .usage = "sql QUERY [--format FORM] [--time-start T] [--time-end T] [--explain]",
    .summary = "one SELECT over paths, URLs and the catalog",
    .examples = "  pond sql 'SELECT count(*) FROM \"/sensors/north.series\"'\n"
                "  pond sql 'SELECT * FROM \"/reduced/*/res=1d.series\" ORDER BY 1' --time-start "
                "2024-07-01\n"
                "  pond sql 'SELECT * FROM \"csv:///logs/x.csv\" JOIN \"/meta/stations.table\" "
                "USING (station)'\n"
                "  pond sql 'SELECT path, rows, size FROM pond_nodes ORDER BY size DESC LIMIT 10'\n"
                "  pond sql 'SELECT txn, command FROM pond_commits LIMIT 5' --format csv\n"
                "  pond sql 'SELECT name, sum(count), sum(total_ms) FROM pond_ops GROUP BY name "
                "ORDER BY 3 DESC'\n",
    .details =
        "A table is any path, pattern or URL in double quotes; all that a pattern matches is "
        "united by column name. Beside them there are pond_nodes, pond_versions and pond_commits, "
        "and of the run history pond_runs, pond_ops, pond_spans, pond_caches, pond_io and more: "
        "pond help tables shows their columns.\n"
        "The time flags cut what has a time column before it is read. Files of the host are read "
        "through host+ URLs only. On a terminal rows are shown as a table; into a file or pipe "
        "they are Parquet.",
    .json = "[{\"<column>\": value, ...}, ...]",
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
