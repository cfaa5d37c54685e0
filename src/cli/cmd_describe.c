/* pond describe: what a node is. Stored nodes from what the log recorded, without the engine;
 * derived ones from their relation tree. */
#include "cli/commands.h"
#include <string.h>

static const Option OPTIONS[] = {{"plan", 0, NULL, "also the relation tree of derived nodes"}};

typedef struct Description {
    const Node *node;
    const char *path, *format;
    Schema schema;
    const char *time_column, *tree;
    Version *versions;
    size_t version_count;
    bool in_order, local;
} Description;

static const char *format_of(const Node *node)
{
    switch (node->type) {
    case ENTRY_DIR: return "directory";
    case ENTRY_SYMLINK: return "symbolic link";
    case ENTRY_DATA: return "raw data";
    case ENTRY_DATA_SERIES: return "raw data, appended by versions";
    case ENTRY_TABLE: return "Parquet table";
    case ENTRY_TABLE_SERIES: return "Parquet series";
    case ENTRY_DYNAMIC: return "derived";
    case ENTRY_DYNAMIC_DIR: return "derived directory";
    case ENTRY_DYNAMIC_DATA: return factory_is_executable(node) ? "executable" : "configuration";
    }
    return "?";
}

static Err *describe_stored(Cli *cli, Description *d)
{
    FsBackend backend = fs_backend(provider_fs(cli->provider));
    if (!entry_has_versions(d->node->type)) return NULL;
    TRY(backend.ops->versions(backend.self, cli->arena, d->node->id, &d->versions,
                              &d->version_count));
    Schema *schemas = AARRAY(cli->arena, Schema, d->version_count + 1);
    const char **labels = AARRAY(cli->arena, const char *, d->version_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < d->version_count; i++) {
        const Json *json = NULL;
        if (d->versions[i].schema == NULL) continue;
        TRY(json_parse(cli->arena, d->versions[i].schema, strlen(d->versions[i].schema), &json));
        TRY(schema_from_json(cli->arena, json, &schemas[count]));
        labels[count++] =
            arena_printf(cli->arena, "%s v%lld", d->path, (long long)d->versions[i].version);
        d->time_column = d->versions[i].time_column;
    }
    return count > 0 ? schema_union(cli->arena, schemas, labels, count, &d->schema) : NULL;
}

static Err *describe_relation(Cli *cli, const Source *source, const Url *url, Description *d)
{
    const Rel *rel = NULL;
    Plan *plan = NULL;
    TRY(provider_relation(cli->provider, source, url, &rel));
    TRY(provider_plan(cli->provider, &plan));
    TRY(plan_resolve(plan, rel));
    d->schema = *rel_schema(rel);
    if (rel_time_index(rel) >= 0) d->time_column = d->schema.columns[rel_time_index(rel)].name;
    d->tree = rel_tree_text(cli->arena, rel);
    d->local = rel_is_time_local(rel);
    d->in_order = rel_is_in_order(rel);
    return NULL;
}

static Err *describe(Cli *cli, const Source *source, const Url *url, Description *out)
{
    Description d = {
        .node = &source->node, .path = source->path, .format = format_of(&source->node)};
    if (source->host || format_is_text(url->format) || source->node.type == ENTRY_DYNAMIC) {
        if (source->host && url->format == FORMAT_FILE)
            d.format = "host file";
        else
            TRY(describe_relation(cli, source, url, &d));
        if (format_is_text(url->format))
            d.format = format_name(url->format);
        else if (source->host)
            d.format = url->format == FORMAT_FILE ? "host file" : "Parquet";
    } else {
        TRY(describe_stored(cli, &d));
    }
    *out = d;
    return NULL;
}

static void print_versions(Arena *arena, const Description *d)
{
    for (size_t i = 0; i < d->version_count; i++) {
        const Version *v = &d->versions[i];
        out_printf("    v%-4lld %s  %12s bytes", (long long)v->version,
                   time_to_second(arena, v->time), count_format(arena, v->size_bytes));
        if (v->rows >= 0) out_printf("  %15s", count_of(arena, v->rows, "row"));
        if (v->interval_count > 0) {
            out_printf("  %s .. %s%s", time_format_human(arena, v->intervals[0].min),
                       time_format_human(arena, v->intervals[v->interval_count - 1].max),
                       v->in_order ? "" : "  not in time order");
        }
        out_printf("\n");
    }
}

static void print_lines(const char *title, const char *text)
{
    out_printf("  %s\n", title);
    for (const char *line = text; *line != '\0';) {
        int length = (int)strcspn(line, "\n");
        out_printf("    %.*s\n", length, line);
        line += length + (line[length] == '\n');
    }
}

static void print_text(Cli *cli, const Description *d)
{
    SCRATCH(scratch);
    const char *bold = paint(cli->color_out, "bold"), *reset = paint(cli->color_out, "reset");
    out_printf("%s%s%s\n", bold, text_printable(scratch, d->path), reset);
    out_printf("  Type: %s (%s)\n", entry_type_name(d->node->type), d->format);
    if (d->node->factory != NULL) out_printf("  Factory: %s\n", d->node->factory);
    if (d->node->type == ENTRY_SYMLINK) out_printf("  Target: %s\n", d->node->content);
    if (d->schema.count > 0)
        out_printf("  Schema (%s)\n", count_of(scratch, (int64_t)d->schema.count, "column"));
    for (size_t i = 0; i < d->schema.count; i++) {
        bool typed = strcmp(d->schema.columns[i].type, "\"NULL\"") != 0;
        out_printf("    %s: %s\n", text_printable(scratch, d->schema.columns[i].name),
                   typed ? d->schema.columns[i].type : "NULL (no value yet)");
    }
    if (d->time_column != NULL) out_printf("  Time column: %s\n", d->time_column);
    if (d->node->has_range)
        out_printf("  Stored range: %s .. %s\n", time_format_human(scratch, d->node->range.min),
                   time_format_human(scratch, d->node->range.max));
    if (d->node->has_min_override)
        out_printf("  Hidden before: %s\n", time_format_human(scratch, d->node->min_override));
    if (d->node->has_max_override)
        out_printf("  Hidden after:  %s\n", time_format_human(scratch, d->node->max_override));
    if (d->version_count > 0) out_printf("  Versions (%zu)\n", d->version_count);
    print_versions(scratch, d);
    if (d->tree != NULL && (cli_flag(cli, "plan") || d->node->type == ENTRY_DYNAMIC))
        print_lines("Tree", d->tree);
    if (d->node->type == ENTRY_DYNAMIC_DATA) print_lines("Configuration", d->node->content);
    if (d->node->type == ENTRY_DYNAMIC)
        out_printf("  Time-local: %s; in time order: %s\n", d->local ? "yes" : "no",
                   d->in_order ? "yes" : "no");
}

static void json_versions(JsonOut *json, const Description *d)
{
    SCRATCH(scratch);
    json_key(json, "version_list");
    json_begin_array(json);
    for (size_t i = 0; i < d->version_count; i++) {
        const Version *v = &d->versions[i];
        json_begin_object(json);
        json_kv_int(json, "version", v->version);
        json_kv_str(json, "time", time_format(scratch, v->time));
        json_kv_int(json, "size", v->size_bytes);
        json_kv_str(json, "sha256", v->sha256);
        if (v->rows >= 0) json_kv_int(json, "rows", v->rows);
        if (v->interval_count > 0) {
            json_kv_str(json, "first", time_format(scratch, v->intervals[0].min));
            json_kv_str(json, "last",
                        time_format(scratch, v->intervals[v->interval_count - 1].max));
            json_kv_bool(json, "in_order", v->in_order);
        }
        json_end(json);
    }
    json_end(json);
}

static void put_json(JsonOut *json, const Description *d)
{
    json_begin_object(json);
    json_node(json, d->node, d->path);
    json_kv_str(json, "format", d->format);
    json_key(json, "schema");
    json_begin_array(json);
    for (size_t i = 0; i < d->schema.count; i++) {
        json_begin_object(json);
        json_kv_str(json, "name", d->schema.columns[i].name);
        json_kv_str(json, "type", d->schema.columns[i].type);
        json_end(json);
    }
    json_end(json);
    json_kv_str(json, "time_column", d->time_column);
    json_versions(json, d);
    if (d->tree != NULL) json_kv_str(json, "tree", d->tree);
    json_end(json);
}

/* Of several nodes one that is broken does not hide the others. */
static Err *describe_all(Cli *cli, const Source *sources, size_t count, const Url *url)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        Description d = {0};
        Err *err = describe(cli, &sources[i], url, &d);
        if (err != NULL && (count == 1 || err_code(err) == ERR_INTERRUPTED)) return err;
        if (err != NULL) {
            cli_pass_by(cli, err);
            err_free(err);
        } else if (cli->json) {
            put_json(&json, &d);
        } else {
            print_text(cli, &d);
        }
    }
    json_end(&json);
    if (cli->json) out_json(&text);
    return NULL;
}

/* As provider_match, but past what is broken. */
static Err *find(Cli *cli, const Url *url, Source **out, size_t *count)
{
    const Pattern *pattern = NULL;
    Match *matches = NULL;
    if (url->host) return provider_match(cli->provider, cli->arena, url->text, out, count);
    TRY(pattern_compile(cli->arena, url->path, &pattern));
    TRY(fs_match(provider_fs(cli->provider), cli->arena, pattern,
                 (MatchOptions){.broken = cli_pass_by, .context = cli}, &matches, count));
    *out = AARRAY(cli->arena, Source, *count + 1);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = (Source){.node = matches[i].node, .path = matches[i].path};
    return NULL;
}

static Err *run(Cli *cli)
{
    const char *name = cli->arg_count > 0 ? cli->args[0] : "**/*";
    Provider *provider = NULL;
    Source *sources = NULL;
    size_t count = 0;
    Url url;
    TRY(url_parse(cli->arena, name, &url));
    TRY(cli_open_provider(cli, !url.host, &provider));
    TRY(find(cli, &url, &sources, &count));
    if (count == 0 && strpbrk(url.path, "*?[{") == NULL) {
        Found found;
        return fs_get(provider_fs(provider), cli->arena, url.path, (FindOptions){0}, &found);
    }
    return describe_all(cli, sources, count, &url);
}

const Command COMMAND_DESCRIBE = {
    .name = "describe",
    .usage = "describe [PATTERN|URL] [--plan]",
    .summary = "type, schema, time column, versions; for derived nodes the tree",
    .examples = "  pond describe /sensors/north.series\n  pond describe '/reduced/**' --plan\n  "
                "pond describe host+csv:///tmp/readings.csv\n",
    .json = "[{\"path\",\"type\",\"first\",\"last\",\"min_time\",\"max_time\",\"format\","
            "\"schema\":[{\"name\",\"type\"}],\"time_column\","
            "\"version_list\":[...],\"tree\"}]",
    .options = OPTIONS,
    .option_count = 1,
    .most_args = 1,
    .run = run,
};
