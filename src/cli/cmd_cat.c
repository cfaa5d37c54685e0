/* pond cat: bytes of data as they are; rows of anything queryable, optionally through SQL, in one
 * of several forms. Time bounds are put below the SQL, so that they prune before anything is read.
 */
#include "cli/commands.h"
#include <string.h>
#include <unistd.h>

static const Option OPTIONS[] = {
    {"sql", 0, "QUERY", "one SELECT; the node is 'source' (or 'series')"},
    {"format", 0, "FORM", "auto, table, csv, json, jsonl, parquet or raw"},
    {"time-start", 0, "TIME", "rows from this time on"},
    {"time-end", 0, "TIME", "rows up to this time, inclusive"},
    {"explain", 0, NULL, "print the statement that would run"},
};

typedef enum Form {
    FORM_AUTO,
    FORM_TABLE,
    FORM_CSV,
    FORM_JSON,
    FORM_JSONL,
    FORM_PARQUET,
    FORM_RAW
} Form;
static const char *const FORMS[] = {"auto", "table", "csv", "json", "jsonl", "parquet", "raw"};
enum { FORM_COUNT = sizeof FORMS / sizeof *FORMS };

static Err *read_form(const Cli *cli, Form *out)
{
    const char *text = cli_option(cli, "format");
    *out = cli->json ? FORM_JSON : FORM_AUTO;
    for (size_t i = 0; text != NULL && i < FORM_COUNT; i++) {
        if (strcmp(text, FORMS[i]) != 0) continue;
        *out = (Form)i;
        return NULL;
    }
    if (text == NULL) return NULL;
    const char *near = text_nearest(text, FORMS, FORM_COUNT);
    Err *err = ERR(USAGE, "--format: unknown form '%s'", text);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "forms are auto, table, csv, json, jsonl, parquet, raw");
}

/* ---- bytes ---- */

static Err *write_file(const char *path)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    SCRATCH(scratch);
    enum { STEP = 1 << 18 };
    char *bytes = arena_alloc(scratch, STEP);
    TRY(os_open_read(path, &file));
    for (;;) {
        size_t got = 0;
        TRY(os_read(file, bytes, STEP, &got));
        if (got == 0) return NULL;
        out_write(bytes, got);
        if (ferror(stdout)) return out_flush();
    }
}

static Err *cat_bytes(Cli *cli, const Source *source)
{
    if (source->host) return write_file(source->path);
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
            TRY(write_file(content.path));
        else
            out_write(content.bytes, (size_t)content.size_bytes);
    }
    return NULL;
}

/* ---- rows ---- */

/* Types without a plain cell are shown as text. */
static Err *printable(Cli *cli, const Rel *rel, const Rel **out)
{
    const Schema *schema = rel_schema(rel);
    ProjectColumn *columns = AARRAY(cli->arena, ProjectColumn, schema->count);
    bool any = false;
    for (size_t i = 0; i < schema->count; i++) {
        TypeClass class = type_class(schema->columns[i].type);
        bool as_text = class == TYPE_OTHER || class == TYPE_DECIMAL ||
                       strcmp(schema->columns[i].type, "UHUGEINT") == 0;
        columns[i] = (ProjectColumn){.source = schema->columns[i].name,
                                     .name = schema->columns[i].name,
                                     .cast = as_text ? "VARCHAR" : NULL};
        any = any || as_text;
    }
    *out = rel;
    return any ? rel_project(cli->arena, rel, columns, schema->count, out) : NULL;
}

static Err *write_parquet(Cli *cli, Plan *plan, const Rel *rel, bool sorted)
{
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "query");
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    const char *dir = NULL;
    RelWritten written;
    if (isatty(STDOUT_FILENO))
        return err_hint(ERR(USAGE, "Parquet is not written to a terminal"),
                        "redirect it: pond cat ... > file.parquet");
    TRY(provider_scratch_dir(cli->provider, &dir));
    char *path = arena_printf(cli->arena, "%s/cat.parquet", dir);
    TRY(engine_connect(&conn));
    RelWrite write = {
        .read = {.span = {TIME_MIN, TIME_MAX}, .sorted = sorted}, .path = path, .any_time = true};
    TRY(rel_write(plan, cli->arena, conn, rel, &write, &written));
    progress_end_at(&progress);
    TRY(write_file(path));
    return os_unlink(path);
}

static Err *print_rows(Cli *cli, Plan *plan, const Rel *rel, Form form, bool sorted)
{
    static const RowFormat FORMATS[] = {[FORM_TABLE] = ROWS_TABLE,
                                        [FORM_CSV] = ROWS_CSV,
                                        [FORM_JSON] = ROWS_JSON,
                                        [FORM_JSONL] = ROWS_JSONL};
    CLEANUP(rel_close_at) RelStream *stream = NULL;
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "query");
    const Rel *shown = NULL;
    TRY(printable(cli, rel, &shown));
    TRY(plan_resolve(plan, shown));
    TRY(rel_open(plan, shown, (RelRead){.span = {TIME_MIN, TIME_MAX}, .sorted = sorted}, &stream));
    return rows_print(cli, stream, rel_schema(rel), FORMATS[form], &progress);
}

static Err *explain(Cli *cli, Plan *plan, const Rel *rel)
{
    char *text = NULL;
    TRY(rel_explain(plan, cli->arena, rel, (TimeSpan){TIME_MIN, TIME_MAX}, &text));
    out_text(cli, "node", cli->args[0], "statements", text);
    return NULL;
}

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
    if (cli_flag(cli, "explain")) return explain(cli, plan, rel);
    bool sorted = !cli_flag(cli, "sql") && rel_time_index(rel) >= 0;
    if (form == FORM_AUTO) form = isatty(STDOUT_FILENO) ? FORM_TABLE : FORM_PARQUET;
    if (form == FORM_PARQUET) return write_parquet(cli, plan, rel, sorted);
    return print_rows(cli, plan, rel, form, sorted);
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
    TRY(read_form(cli, &form));
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
