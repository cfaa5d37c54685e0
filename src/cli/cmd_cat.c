/* pond cat: bytes of data as they are; rows of anything queryable, optionally through SQL, in one
 * of several forms. Time bounds are put below the SQL, so that they prune before anything is read.
 */
#include "cli/commands.h"
#include <string.h>

static const Option OPTIONS[] = {
    {"sql", 0, "QUERY", "one SELECT; the node is 'source' (or 'series')"},
    {"format", 0, "FORM", "auto, table, csv, json, jsonl, parquet or raw"},
    {"time-start", 0, "TIME", "rows from this time on"},
    {"time-end", 0, "TIME", "rows up to this time, inclusive"},
    {"explain", 0, NULL, "print the statement that would run"},
};

/* ---- bytes ---- */

static Err *cat_bytes(Cli *cli, const Source *source)
{
    if (source->host) return file_print(source->path);
    if (source->node.type == ENTRY_DYNAMIC_DATA) {
        out_write(source->node.content, strlen(source->node.content));
        return NULL;
    }
    FsBackend backend = fs_backend(provider_fs(cli->provider));
    Version *versions = NULL;
    size_t count = 0;
    TRY(backend.ops->versions(backend.self, cli->arena, source->node.id, &versions, &count));
    if (source->node.has_min_override || source->node.has_max_override) {
        return err_hint(
            ERR(INVALID, "%s: has temporal bounds, its file holds what they hide", source->path),
            "use --format parquet");
    }
    if (source->node.type == ENTRY_TABLE_SERIES && count != 1) {
        return err_hint(
            ERR(INVALID, "%s: has %zu versions, which are not one file", source->path, count),
            "use --format parquet");
    }
    for (size_t i = 0; i < count; i++) {
        Content content;
        TRY(backend.ops->content(backend.self, cli->arena, &versions[i], &content));
        if (content.path != NULL)
            TRY(file_print(content.path));
        else
            out_write(content.bytes, (size_t)content.size_bytes);
    }
    return NULL;
}

/* ---- rows ---- */

static Err *with_sql(Cli *cli, const Rel *source, const Rel **out)
{
    SqlInput *inputs = AARRAY(cli->arena, SqlInput, 2);
    inputs[0] = (SqlInput){.name = "source", .rel = source};
    inputs[1] = (SqlInput){.name = "series", .rel = source};
    return rel_sql(cli->arena, "--sql", cli_option(cli, "sql"), inputs, 2, out);
}

static Err *cat_rows(Cli *cli, const Source *source, const Url *url, Form form)
{
    const Rel *rel = NULL;
    Plan *plan = NULL;
    TimeSpan span = {TIME_MIN, TIME_MAX};
    TRY(cli_time_span(cli, "time-start", "time-end", &span));
    TRY(provider_relation(cli->provider, source, url, &rel));
    TRY(provider_plan(cli->provider, &plan));
    if (span.min != TIME_MIN || span.max != TIME_MAX) {
        TRY(plan_resolve(plan, rel));
        TRY(rel_range(cli->arena, rel, span, &rel));
    }
    if (cli_flag(cli, "sql")) TRY(with_sql(cli, rel, &rel));
    TRY(plan_resolve(plan, rel));
    bool sorted = !cli_flag(cli, "sql") && rel_time_index(rel) >= 0;
    return query_print(cli, plan, rel,
                       (QueryPrint){.form = form, .name = cli->args[0], .sorted = sorted});
}

static Err *find(Cli *cli, const char *name, const Url *url, Source *out)
{
    Source *sources = NULL;
    size_t count = 0;
    const Rel *unused = NULL;
    TRY(provider_match(cli->provider, cli->arena, name, &sources, &count));
    if (count != 1) { /* its error names the nearest, or the several */
        TRY(provider_relation_of(cli->provider, name, &unused));
        return ERR(NOT_FOUND, "%s: nothing matches", name);
    }
    if (entry_is_dir(sources[0].node.type)) {
        return err_hint(err_path(ERR(INVALID, "%s: is a directory", url->text), sources[0].path),
                        "pond list %s/", sources[0].path);
    }
    *out = sources[0];
    return NULL;
}

static Err *run(Cli *cli)
{
    Provider *provider = NULL;
    Source source;
    Url url;
    Form form;
    TRY(form_read(cli, &form));
    TRY(url_parse(cli->arena, cli->args[0], &url));
    TRY(cli_open_provider(cli, !url.host, &provider));
    TRY(find(cli, cli->args[0], &url, &source));
    bool rows = url.format != FORMAT_FILE || (!source.host && provider_is_queryable(&source.node));
    bool query = cli_flag(cli, "sql") || cli_flag(cli, "time-start") || cli_flag(cli, "time-end") ||
                 cli_flag(cli, "explain");
    if (form == FORM_RAW || (!rows && !query && form == FORM_AUTO)) {
        if (!source.host && source.node.type == ENTRY_DYNAMIC)
            return err_hint(ERR(INVALID, "%s: is derived, it has no bytes", source.path),
                            "use --format parquet");
        return cat_bytes(cli, &source);
    }
    return cat_rows(cli, &source, &url, form);
}

const Command COMMAND_CAT = {
    .name = "cat",
    .usage = "cat PATH|URL [--sql QUERY] [--format FORM] [--time-start T] [--time-end T]",
    .summary = "print rows or bytes of a node or host file",
    .examples = "  pond cat /sensors/north.series\n"
                "  pond cat /reduced/north/res=1d.series --format csv --time-start 2024-07-01 "
                "--time-end 2024-07-31\n"
                "  pond cat /sensors/north.series --sql 'SELECT max(\"DO.mg/L\") FROM source'\n"
                "  pond cat host+csv:///tmp/readings.csv --format table\n",
    .details = "On a terminal rows are shown as a table; into a file or pipe they are Parquet. "
               "Data is printed as it is.",
    .json = "[{\"<column>\": value, ...}, ...]",
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
