/* A relation as a command's result, in one of several forms; what `cat` and `sql` share. */
#include "cli/commands.h"
#include <string.h>
#include <unistd.h>

static const char *const FORMS[] = {"auto", "table", "csv", "json", "jsonl", "parquet", "raw"};
enum { FORM_COUNT = sizeof FORMS / sizeof *FORMS };

Err *form_read(const Cli *cli, Form *out)
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

static Err *print_chunk(void *context, const void *bytes, size_t size)
{
    (void)context;
    out_write(bytes, size);
    return ferror(stdout) ? out_flush() : NULL;
}

Err *file_print(const char *path)
{
    return os_read_each(path, print_chunk, NULL);
}

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
                        "redirect it: pond %s ... > file.parquet", cli->command->name);
    TRY(provider_scratch_dir(cli->provider, &dir));
    char *path = arena_printf(cli->arena, "%s/cat.parquet", dir);
    TRY(engine_connect(&conn));
    RelWrite write = {
        .read = {.span = {TIME_MIN, TIME_MAX}, .sorted = sorted}, .path = path, .any_time = true};
    TRY(rel_write(plan, cli->arena, conn, rel, &write, &written));
    progress_end_at(&progress);
    TRY(file_print(path));
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

static Err *explain(const Cli *cli, Plan *plan, const Rel *rel, QueryPrint print)
{
    char *text = NULL;
    const RelRead read = {.span = {TIME_MIN, TIME_MAX}, .sorted = print.sorted};
    TRY(rel_explain(plan, cli->arena, rel, read, &text));
    out_text(cli, "node", print.name, "statements", text);
    return NULL;
}

Err *query_print(Cli *cli, Plan *plan, const Rel *rel, QueryPrint print)
{
    if (cli_flag(cli, "explain")) return explain(cli, plan, rel, print);
    Form form = print.form;
    if (form == FORM_AUTO) form = isatty(STDOUT_FILENO) ? FORM_TABLE : FORM_PARQUET;
    if (form == FORM_PARQUET) return write_parquet(cli, plan, rel, print.sorted);
    return print_rows(cli, plan, rel, form, print.sorted);
}
