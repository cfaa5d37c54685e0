/* pond list: matches of a pattern, links as links, without the engine. */
#include "cli/commands.h"
#include <string.h>

static const Option OPTIONS[] = {
    {"long", 'l', NULL, "also type, rows, time range, factory"},
    {"all", 'a', NULL, "also names that begin with a dot"},
    {"paths", 0, NULL, "only the paths, one a line"},
};

static bool is_hidden(const char *path)
{
    return strstr(path, "/.") != NULL;
}

static char *size_text(Arena *arena, const Node *node)
{
    if (node->size_bytes < 0) return arena_strdup(arena, "-");
    if (node->size_bytes < 1024) return arena_printf(arena, "%lldB", (long long)node->size_bytes);
    static const char UNITS[] = "KMGTPE";
    double size = (double)node->size_bytes / 1024;
    size_t unit = 0;
    while (size >= 1023.95 && unit + 1 < sizeof UNITS - 1) {
        size /= 1024;
        unit++;
    }
    return arena_printf(arena, "%.1f%cB", size, UNITS[unit]);
}

static void print_line(Cli *cli, Arena *arena, const Match *match, bool detailed)
{
    const Node *node = &match->node;
    bool dir = entry_is_dir(node->type);
    const char *color = paint(cli->color_out, dir                           ? "blue"
                                              : node->type == ENTRY_SYMLINK ? "cyan"
                                                                            : "");
    out_printf("%-6s %10s %s v%-4lld %s ", node_tag(node->type), size_text(arena, node),
               node->id.text + 28, (long long)node->version, time_to_second(arena, node->time));
    if (detailed) {
        char *range = node->has_range
                          ? arena_printf(arena, "%s .. %s", time_to_second(arena, node->range.min),
                                         time_to_second(arena, node->range.max))
                          : arena_strdup(arena, "-");
        out_printf("%-17s %10s %-44s %-20s ", entry_type_name(node->type),
                   node->rows >= 0 ? count_format(arena, node->rows) : "-", range,
                   node->factory != NULL ? node->factory : "-");
    }
    out_printf("%s%s%s", color, text_printable(arena, match->path),
               paint(cli->color_out && *color != '\0', "reset"));
    if (node->type == ENTRY_SYMLINK) out_printf(" -> %s", text_printable(arena, node->content));
    out_printf("\n");
}

static void print_json(const Match *matches, size_t count, bool all)
{
    bool first = true;
    out_printf("[");
    for (size_t i = 0; i < count; i++) {
        SCRATCH(scratch);
        if (!all && is_hidden(matches[i].path)) continue;
        Buf text = buf_new(scratch);
        JsonOut json = json_out(&text);
        json_begin_object(&json);
        json_node(&json, &matches[i].node, matches[i].path);
        json_end(&json);
        out_printf("%s%s", first ? "" : ",\n ", text.data);
        first = false;
    }
    out_printf("]\n");
}

static Err *nothing_there(Provider *provider, Arena *arena, const Pattern *pattern)
{
    Found found;
    if (!pattern_is_literal(pattern)) return NULL;
    return fs_get(provider_fs(provider), arena, pattern_text(pattern),
                  (FindOptions){.keep_last = true}, &found);
}

static Err *run(Cli *cli)
{
    const char *text = cli->arg_count > 0 ? cli->args[0] : "**/*";
    bool all = cli_flag(cli, "all"), detailed = cli_flag(cli, "long");
    Provider *provider = NULL;
    const Pattern *pattern = NULL;
    Match *matches = NULL;
    size_t count = 0;
    TRY(cli_open_provider(cli, true, &provider));
    TRY(pattern_compile(cli->arena, text, &pattern));
    TRY(fs_match(provider_fs(provider), cli->arena, pattern,
                 (MatchOptions){.keep_links = true, .broken = cli_pass_by, .context = cli},
                 &matches, &count));
    if (count == 0) TRY(nothing_there(provider, cli->arena, pattern));
    if (cli->json) {
        print_json(matches, count, all);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        SCRATCH(scratch);
        if (!all && is_hidden(matches[i].path)) continue;
        if (cli_flag(cli, "paths"))
            out_printf("%s\n", matches[i].path);
        else
            print_line(cli, scratch, &matches[i], detailed);
    }
    return NULL;
}

const Command COMMAND_LIST = {
    .name = "list",
    .usage = "list [PATTERN] [-l] [-a]",
    .summary = "list nodes: kind, size, id, version, time, path",
    .examples = "  pond list\n  pond list /sensors/\n  pond list '/reduced/**/res=1h.series' -l\n",
    .details =
        "Without a pattern everything is listed (**/*). /dir/ lists what is in it. What cannot "
        "be listed is told on stderr (exit 1), the rest is listed.",
    .json = "[{\"path\",\"type\",\"id\",\"version\",\"time\",\"size\",\"rows\",\"versions\","
            "\"first\",\"last\",\"factory\",\"target\",\"derived\"}]",
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .most_args = 1,
    .run = run,
};
